"""The controls by which settings are changed: each shows a value, and says when the person has given another."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QWidget

from app.pages.settings_parts.table import Row
from app.pages.settings_parts.values import TEXTS, keep_text
from app.theme import Theme
from app.translation import tr
from app.widgets import ComboBox, PushButton, TickBox, ToggleSwitch

FIELD_WIDTH = 230
_WIDE = ("text", "names")
_TICK_COLUMNS = 2
_KEPT = ("7 days", "30 days", "90 days", "13 months", "5 years", "for ever")


class Control(QWidget):
    """`given` carries a value for `config.toml`, None for the default; `mended` when what was typed is what is saved
    already. `show_value` is silent."""

    given = Signal(object)
    mended = Signal()

    def show_value(self, value: Any) -> None:
        raise NotImplementedError

    def show_problem(self, there_is: bool) -> None:
        """Mark the control, or no longer."""


class SwitchControl(Control):
    """On or off; a value that is not None counts as on where the setting is a port."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = ToggleSwitch(theme, self)
        self.switch.setAccessibleName(name)
        self.switch.clicked.connect(lambda on: self.given.emit(on))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self.switch)
        self.setFocusProxy(self.switch)

    def show_value(self, value: Any) -> None:
        self.switch.setChecked(value not in (None, False))


class TextControl(Control):
    """A line of text, given with Enter or by leaving it; Esc takes back what was typed."""

    def __init__(self, row: Row, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._to_text, self._to_value = TEXTS[row.kind]
        self._shown = ""
        self.edit = QLineEdit(self)
        self.edit.setAccessibleName(name)
        self.edit.setObjectName(f"edit.{row.key}")
        self.edit.setPlaceholderText(tr(row.empty))
        self.edit.setFixedWidth(FIELD_WIDTH if row.kind in _WIDE else FIELD_WIDTH // 2)
        self.edit.editingFinished.connect(self._finished)
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 0, 0, 0)
        self.line.setSpacing(8)
        self.line.addStretch(1)
        self.line.addWidget(self.edit)
        self.setFocusProxy(self.edit)

    def show_value(self, value: Any) -> None:
        text = self._to_text(value)
        if text != self._shown or self.edit.text() == self._shown:
            self._shown = text
            if text != self.edit.text():
                self.edit.setText(text)

    def show_problem(self, there_is: bool) -> None:
        self.edit.setProperty("invalid", there_is)
        self.edit.update()

    @property
    def is_changed(self) -> bool:
        return self.edit.text().strip() != self._shown

    def value(self) -> Any:
        return self._to_value(self.edit.text().strip())

    def _finished(self) -> None:
        if self.is_changed:
            self.given.emit(self.value())
        else:
            self.mended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.is_changed:
            self.edit.setText(self._shown)
            self.mended.emit()
        else:
            super().keyPressEvent(event)


class PortControl(TextControl):
    """With Apply, which also restarts the gateway: tools must be pointed at another port at once."""

    applied = Signal(object)

    def __init__(self, theme: Theme, row: Row, name: str, parent: QWidget | None = None) -> None:
        super().__init__(row, name, parent)
        self.apply = PushButton(theme, tr("Apply"), kind="secondary", parent=self)
        self.apply.setObjectName("apply_port")
        self.apply.setAccessibleName(tr("Apply the port and restart the gateway"))
        self.apply.clicked.connect(lambda: self.applied.emit(self.value()))
        self.edit.textChanged.connect(lambda: self.apply.setEnabled(self.is_changed))
        self.apply.setEnabled(False)
        self.line.insertWidget(1, self.apply)

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self.apply.setEnabled(self.is_changed)

    def _finished(self) -> None:
        # Only Apply and Enter give a port: one that is typed in passing must not move every tool.
        if self.is_changed and self.edit.hasFocus():
            self.applied.emit(self.value())
        elif not self.is_changed:
            self.mended.emit()


class KeepControl(Control):
    """How long or how much: one of the usual spans, or any other that is typed."""

    def __init__(self, theme: Theme, row: Row, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self.box = ComboBox(theme, name, self)
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.addItems(list(_KEPT))
        self.box.setFixedWidth(FIELD_WIDTH)
        self.box.setObjectName(f"edit.{row.key}")
        edit = self.box.lineEdit()
        assert edit is not None
        edit.setAccessibleName(name)
        edit.editingFinished.connect(self._finished)
        self.box.activated.connect(lambda _index: self._finished())
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addStretch(1)
        line.addWidget(self.box)
        self.setFocusProxy(self.box)

    def show_value(self, value: Any) -> None:
        text = keep_text(value)
        if text != self._shown or self.box.currentText() == self._shown:
            self._shown = text
            self.box.setEditText(text)

    def _finished(self) -> None:
        text = self.box.currentText().strip()
        if text != self._shown:
            self.given.emit(text or None)
        else:
            self.mended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.box.currentText() != self._shown:
            self.box.setEditText(self._shown)
            self.mended.emit()
        else:
            super().keyPressEvent(event)


class TickControl(Control):
    """A tick for each name; `given` carries the names that are not ticked (`without`) or that are."""

    def __init__(self, theme: Theme, row: Row, options: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.boxes: dict[str, TickBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(0)
        for number, (name, words) in enumerate(options.items()):
            box = TickBox(theme, tr(words), self)
            box.setObjectName(f"tick.{row.key}.{name}")
            box.clicked.connect(lambda _checked=False: self.given.emit(self.ticked()))
            self.boxes[name] = box
            line, column = divmod(number, _TICK_COLUMNS)
            grid.addWidget(box, line, column, Qt.AlignmentFlag.AlignLeft)
        for column in range(_TICK_COLUMNS):
            grid.setColumnStretch(column, 1)

    def ticked(self) -> list[str]:
        return [name for name, box in self.boxes.items() if box.isChecked()]

    def show_value(self, value: Any) -> None:
        for name, box in self.boxes.items():
            box.setChecked(name in (value or ()))
