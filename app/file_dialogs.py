"""The dialogs that ask for a file or a folder, and what Qt's own shows of files: what their names tell, and no more.

By itself that one reads the beginning of each file whose name tells nothing, on the thread that the window and the
gateway share: a folder on a slow share, or a file that never answers, would hold every request.
"""

from functools import cache

from PySide6.QtCore import QFileInfo, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFileDialog, QFileIconProvider, QWidget

from app.translation import tr


class FileIcons(QFileIconProvider):
    """A folder's or a file's picture, and a kind of the file's ending. Asked on Qt's own threads too: whatever it
    gives is made before."""

    def __init__(self) -> None:
        super().__init__()
        kinds = QFileIconProvider.IconType
        self._pictures = {kind: super(FileIcons, self).icon(kind) for kind in kinds}
        self._folder, self._file = tr("Folder"), tr("File")
        self._kind = tr("{ending} file")

    def icon(self, of: QFileIconProvider.IconType | QFileInfo) -> QIcon:
        if isinstance(of, QFileInfo):
            of = QFileIconProvider.IconType.Folder if of.isDir() else QFileIconProvider.IconType.File
        return self._pictures[of]

    def type(self, info: QFileInfo) -> str:
        if info.isDir():
            return self._folder
        ending = info.suffix().upper()
        return self._kind.format(ending=ending) if ending else self._file


@cache
def _icons() -> FileIcons:
    return FileIcons()


def file_dialog(parent: QWidget, title: str, name: str) -> QFileDialog:
    """A new one that goes when it is closed, to be opened; `name` is the object's. One of the desktop's own, where
    there is such, has its own ways with files."""
    dialog = QFileDialog(parent, title)
    dialog.setIconProvider(_icons())
    dialog.setObjectName(name)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return dialog
