"""The drawer's sheet for a new key: what it is for, then the key itself, shown once.

"I have stored it" clears the key from the window; from then on only its first letters exist anywhere.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLineEdit, QRadioButton, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.pages.api_keys_parts.columns import ROLES, parse_tags
from app.shown_names import short_words
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Banner, PushButton
from gateway import NewApiKey


class CreatePanel(QWidget):
    """`created`: a key exists now, and is shown. `finished`: the sheet can close."""

    created = Signal(str)
    copied = Signal(str)
    finished = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("create_key_panel")
        self._context = context
        self._visit = 0
        self.form = KeyForm(context.theme)
        self.shown = ShownKey(context.theme)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.form)
        self.stack.addWidget(self.shown)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)
        self.form.submitted.connect(self._create)
        self.shown.copied.connect(self.copied)
        self.shown.stored.connect(self._finish)

    def open(self) -> None:
        self.leave()
        self.form.name.setFocus()

    def leave(self) -> None:
        """Forgets what was typed and the key, if one stands there."""
        self._visit += 1
        self.shown.forget()
        self.form.clear()
        self.stack.setCurrentWidget(self.form)

    @property
    def showing_key(self) -> bool:
        """Whether a key stands there that nobody has said to have stored."""
        return self.stack.currentWidget() is self.shown

    @property
    def unsaved(self) -> bool:
        """Whether something is typed of which no key was made."""
        return self.form.typed

    def _create(self) -> None:
        self._context.spawn(self._make(self._visit, pause(self.form)))

    async def _make(self, visit: int, resume: Callable[[], None]) -> None:
        name, role, user, tags = self.form.values()
        try:
            new = await self._context.gateway.create_api_key(name, role=role, user=user, tags=tags)
        except KNOWN_ERRORS as error:
            if visit == self._visit:
                self.form.tell(str(error))
            return
        finally:
            if visit == self._visit:
                resume()
        if visit == self._visit:
            self.form.clear()
            self.stack.setCurrentWidget(self.shown)
            self.shown.show_key(new)
        self.created.emit(new.row.name)

    def _finish(self) -> None:
        self.leave()
        self.finished.emit()


class KeyForm(QWidget):
    submitted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = _line(tr("Name"), "new_key_name", tr("claude-code on my laptop"))
        self.user = _line(tr("User"), "new_key_user", tr("Who its requests are counted for (optional)"))
        self.tags = _line(tr("Tags"), "new_key_tags", tr("team:platform, env:dev (optional)"))
        self.problem = TextLabel(theme, px=12, tone="bad", wrap=True)
        self.problem.setObjectName("new_key_problem")
        self.make = PushButton(theme, tr("Create key"), kind="primary")
        self.make.setObjectName("new_key_create")
        self.roles = QButtonGroup(self)
        self._fields = (self.name, self.user, self.tags)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(6)
        column.addWidget(TextLabel(theme, tr("Name"), px=12, weight=500, tone="text2"))
        column.addWidget(self.name)
        column.addSpacing(8)
        column.addWidget(TextLabel(theme, tr("Role"), px=12, weight=500, tone="text2"))
        for number, (role, title, words) in enumerate(ROLES):
            button = QRadioButton(tr(title))
            button.setObjectName(f"new_key_role_{role}")
            button.setAccessibleDescription(tr(words))
            self.roles.addButton(button, number)
            note = TextLabel(theme, tr(words), px=12, tone="text3", wrap=True)
            note.setContentsMargins(24, 0, 0, 4)
            # Closer to what it explains than to what follows.
            choice = QVBoxLayout()
            choice.setSpacing(0)
            choice.addWidget(button)
            choice.addWidget(note)
            column.addLayout(choice)
        column.addSpacing(8)
        column.addWidget(TextLabel(theme, tr("User"), px=12, weight=500, tone="text2"))
        column.addWidget(self.user)
        column.addSpacing(8)
        column.addWidget(TextLabel(theme, tr("Tags added to its requests"), px=12, weight=500, tone="text2"))
        column.addWidget(self.tags)
        column.addWidget(self.problem)
        column.addSpacing(8)
        column.addWidget(self.make, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        for field in self._fields:
            field.textChanged.connect(self._check)
            field.returnPressed.connect(self._submit)
        self.make.clicked.connect(self._submit)
        self.clear()

    def values(self) -> tuple[str, str, str | None, tuple[str, ...]]:
        """Name, role, user, tags."""
        tags, _ = parse_tags(self.tags.text())
        return self.name.text().strip(), ROLES[self.roles.checkedId()][0], self.user.text().strip() or None, tags

    def clear(self) -> None:
        for field in self._fields:
            field.clear()
        self.roles.button(0).setChecked(True)
        self.setEnabled(True)
        self._check()

    @property
    def typed(self) -> bool:
        return any(field.text().strip() for field in self._fields)

    def tell(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _check(self) -> None:
        _, problem = parse_tags(self.tags.text())
        self.tell(problem or "")
        self.make.setEnabled(bool(self.name.text().strip()) and problem is None)

    def _submit(self) -> None:
        if self.make.isEnabled() and self.isEnabled():
            self.submitted.emit()


class ShownKey(QWidget):
    """The key in the clear, once."""

    stored = Signal()
    copied = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("new_key_shown")
        self.title = TextLabel(theme, px=16, weight=600, wrap=True)
        self.key = TextLabel(theme, mono=True, px=13, wrap=True)
        self.key.setObjectName("new_key")
        self.key.setAccessibleName(tr("The new key"))
        self.copy = PushButton(theme, tr("Copy"), "copy", "primary")
        self.copy.setObjectName("new_key_copy")
        self.done = PushButton(theme, tr("I have stored it"), kind="secondary")
        self.done.setObjectName("new_key_stored")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.title)
        column.addWidget(Banner(theme, "warn", tr("Copy it now: this is the only time that the key is shown.")))
        column.addWidget(self.key)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.done)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(1)
        self.copy.clicked.connect(self._copy)
        self.done.clicked.connect(self.stored)

    def show_key(self, new: NewApiKey) -> None:
        self.title.setText(short_words(tr("The key “{name}”").format(name=new.row.name)))
        self.key.setText(new.key)
        QTimer.singleShot(0, self.copy, self.copy.setFocus)

    def forget(self) -> None:
        self.key.setText("")
        self.title.setText("")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.key.text())
        self.copied.emit(tr("Key copied"))


def _line(name: str, object_name: str, hint: str) -> QLineEdit:
    field = QLineEdit()
    field.setObjectName(object_name)
    field.setAccessibleName(name)
    field.setPlaceholderText(hint)
    field.setMinimumHeight(32)
    return field
