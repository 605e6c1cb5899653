"""The person's own names for one model: which there are, another one, and away with one."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.pages.models_parts.replaced import ReplacedRows
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import PushButton


class OtherNames(QWidget):
    """`given(name)` and `taken(name)` are asked for."""

    given = Signal(str)
    taken = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model = ""
        self._shown: tuple[str, ...] = ()
        self.setObjectName("other_names")
        self.remove_buttons: dict[str, PushButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(TextLabel(theme, tr("Your own names for it"), weight=600))
        words = tr("None. Requests that ask for a name given here are answered by this model.")
        self.none = TextLabel(theme, words, px=12, tone="text3", wrap=True)
        column.addWidget(self.none)
        self._names = ReplacedRows()
        column.addWidget(self._names)
        self.field = QLineEdit()
        self.field.setObjectName("other_name")
        self.field.setAccessibleName(tr("Another name"))
        self.field.setPlaceholderText("best-model")
        self.field.setMinimumHeight(32)
        self.add_button = PushButton(theme, tr("Add name"), "plus", "secondary")
        self.add_button.setObjectName("other_name_add")
        self.add_button.setEnabled(False)
        self.field.textChanged.connect(lambda text: self.add_button.setEnabled(bool(text.strip())))
        self.field.returnPressed.connect(self._add)
        self.add_button.clicked.connect(self._add)
        adding = QHBoxLayout()
        adding.setSpacing(8)
        adding.addWidget(self.field, 1)
        adding.addWidget(self.add_button)
        column.addLayout(adding)

    def show_names(self, model: str, names: tuple[str, ...]) -> None:
        """Those of this model. What was typed for another one, or is a name by now, goes."""
        if model != self._model or self.field.text().strip() in names:
            self.field.clear()
        self.none.setVisible(not names)
        if names != self._shown:
            self.remove_buttons = {}
            now = QApplication.focusWidget()
            had_keyboard = now is not None and self._names.isAncestorOf(now)
            self._names.show_rows([self._row(name) for name in names])
            if had_keyboard:
                self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self._model, self._shown = model, names

    def _row(self, name: str) -> QHBoxLayout:
        remove = PushButton(self._theme, tr("Remove"), None, "ghost")
        remove.setAccessibleName(tr("Remove the name {name}").format(name=name))
        remove.clicked.connect(lambda: self.taken.emit(name))
        row = QHBoxLayout()
        row.addWidget(TextLabel(self._theme, name, mono=True, px=12, wrap=True), 1)
        row.addWidget(remove)
        self.remove_buttons[name] = remove
        return row

    def _add(self) -> None:
        if name := self.field.text().strip():
            self.given.emit(name)
