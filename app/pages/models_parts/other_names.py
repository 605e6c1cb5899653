"""The person's own names for one model: which there are, another one, and away with one."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import PushButton


class OtherNames(QWidget):
    """`given(name)` and `taken(name)` are asked for."""

    given = Signal(str)
    taken = Signal(str)

    def __init__(self, theme: Theme, names: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("other_names")
        self.remove_buttons: dict[str, PushButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(TextLabel(theme, self.tr("Your own names for it"), weight=600))
        if not names:
            words = self.tr("None. Requests that ask for a name given here are answered by this model.")
            column.addWidget(TextLabel(theme, words, px=12, tone="text3", wrap=True))
        for name in names:
            remove = PushButton(theme, self.tr("Remove"), None, "ghost")
            remove.setAccessibleName(self.tr("Remove the name {name}").format(name=name))
            remove.clicked.connect(lambda _checked=False, name=name: self.taken.emit(name))
            row = QHBoxLayout()
            row.addWidget(TextLabel(theme, name, mono=True, px=12, wrap=True), 1)
            row.addWidget(remove)
            column.addLayout(row)
            self.remove_buttons[name] = remove
        self.field = QLineEdit()
        self.field.setObjectName("other_name")
        self.field.setAccessibleName(self.tr("Another name"))
        self.field.setPlaceholderText("best-model")
        self.field.setMinimumHeight(32)
        self.add_button = PushButton(theme, self.tr("Add name"), "plus", "secondary")
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

    def _add(self) -> None:
        if name := self.field.text().strip():
            self.given.emit(name)
