"""The window's keys where a field has the keyboard."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit

_FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox)


class FieldKeys(QObject):
    """Leaves Ctrl+E to the window: on X11 and Wayland Qt's fields take it for the end of their line, which has a key
    of its own. Listens only to fields that had the keyboard."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.focusObjectChanged.connect(self._listen)

    def _listen(self, now: QObject | None) -> None:
        if isinstance(now, _FIELDS):
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Where no action of the window has the key, the field gets it all the same."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        with_control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
        if not with_control or not event.matches(QKeySequence.StandardKey.MoveToEndOfLine):
            return False
        event.ignore()
        return True
