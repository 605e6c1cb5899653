"""Dialogs that ask for files: what they list is told by its name, and never read."""

import re
from pathlib import Path

from PySide6.QtCore import QDir, Qt
from PySide6.QtWidgets import QFileDialog, QFileSystemModel, QWidget
from pytestqt.qtbot import QtBot

import app
from app.file_dialogs import file_dialog


def test_what_a_dialog_lists_is_told_by_its_name_alone(qtbot: QtBot, tmp_path: Path) -> None:
    """Read too, a file that never answers held the window and the gateway for good."""
    (tmp_path / "paper").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "requests.csv").write_bytes(b"Time\n")
    (tmp_path / "folder").mkdir()
    page = QWidget()
    qtbot.addWidget(page)
    dialog = file_dialog(page, "Export", "export_file")
    assert dialog.objectName() == "export_file"
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setDirectory(QDir(str(tmp_path)))
    dialog.open()
    model = dialog.findChild(QFileSystemModel)
    assert model is not None

    def kinds() -> dict[str, str]:
        top = model.index(str(tmp_path))
        rows = [model.index(row, 0, top) for row in range(model.rowCount(top))]
        return {str(row.data()): str(row.siblingAtColumn(2).data()) for row in rows}

    qtbot.waitUntil(lambda: kinds() == {"paper": "File", "requests.csv": "CSV file", "folder": "Folder"})
    picture = model.index(str(tmp_path / "paper")).data(Qt.ItemDataRole.DecorationRole)
    assert not picture.isNull()
    with qtbot.waitSignal(dialog.destroyed):
        dialog.close()


def test_every_dialog_for_files_is_made_so() -> None:
    made = {
        path.name
        for path in Path(app.__file__).parent.rglob("*.py")
        if re.search(r"\bQFileDialog\(|QFileDialog\.get", path.read_text("utf-8"))
    }
    assert made == {"file_dialogs.py"}
