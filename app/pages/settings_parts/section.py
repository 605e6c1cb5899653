"""One section of the settings: cards below each other in their own scroll area, read and shown together."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.context import AppContext
from app.known_errors import KNOWN_ERRORS
from app.pages.settings_parts.controls import (
    Control,
    KeepControl,
    PortControl,
    SwitchControl,
    TextControl,
    TickControl,
)
from app.pages.settings_parts.line import Line, LineCard
from app.pages.settings_parts.table import HELD, PARTS, ROWS, RULES, Row
from app.translation import tr
from app.widgets import ScrollRing
from app.widgets.scroll_bar import KeptScrollBar
from gateway import REDACT_OFF_AT_FIRST, SettingRow

Rows = dict[str, SettingRow]


class SectionView(QScrollArea):
    """`changed` once a setting is saved; `toast` carries a passing note."""

    changed = Signal()
    toast = Signal(str)
    # Whether `refresh` counts what there is, which takes long where that is much.
    counts = False

    def __init__(self, context: AppContext, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.key = key
        self.setObjectName(f"section.{key}")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.lines: dict[str, Line] = {}
        self.controls: dict[str, Control] = {}
        self._cards: dict[str, LineCard] = {}
        body = QWidget()
        self.column = QVBoxLayout(body)
        self.column.setContentsMargins(0, 0, KeptScrollBar.in_margin(self, 24), 24)
        self.column.setSpacing(16)
        self.build()
        self.column.addStretch(1)
        self.setWidget(body)
        ScrollRing(self)

    # built from the table

    def build(self) -> None:
        """Adds the cards; a section with more than the table's rows does more."""
        self.add_rows()

    def add_rows(self) -> None:
        for row in ROWS[self.key]:
            self.add_row(row)

    def held(self, name: str) -> str:
        """The title of what the section holds beside the table's rows."""
        return tr(HELD[self.key][name])

    def card(self, title: str) -> LineCard:
        """The card of a heading, made when it is first asked for."""
        if title not in self._cards:
            self._cards[title] = LineCard(self.context.theme, title)
            self.column.addWidget(self._cards[title])
        return self._cards[title]

    def add_line(self, heading: str, title: str, words: str = "", control: QWidget | None = None) -> Line:
        """A line that is no setting of the gateway's."""
        return self.card(heading).add(Line(self.context.theme, title, words, control))

    def add_row(self, row: Row) -> None:
        title = tr(row.title)
        control = self._control(row, title)
        below = isinstance(control, TickControl)
        line = Line(self.context.theme, title, tr(row.words), control, below=below, with_back=True)
        line.setObjectName(f"setting.{row.key}")
        self.card(tr(row.group)).add(line)
        self.lines[row.key], self.controls[row.key] = line, control
        assert line.back is not None
        line.back.clicked.connect(lambda: self._go_back(row))
        control.given.connect(lambda value: self._give(row, value))
        control.mended.connect(lambda: self._show_problem(row.key, ""))

    def _control(self, row: Row, title: str) -> Control:
        match row.kind:
            case "switch" | "standard_port":
                return SwitchControl(self.context.theme, title)
            case "without" | "rules":
                return TickControl(self.context.theme, row, row.options)
            case "keep":
                return KeepControl(self.context.theme, row, title)
            case "port":
                made = PortControl(self.context.theme, row, title)
                made.applied.connect(lambda value: self.save(row.key, {row.key: value}, restart=True))
                return made
        return TextControl(row, title)

    # saving

    def _go_back(self, row: Row) -> None:
        keys = ("capture.redact_on", "capture.redact_off") if row.kind == "rules" else (row.key,)
        self.save(row.key, dict.fromkeys(keys))

    def _give(self, row: Row, value: object) -> None:
        match row.kind:
            case "without":
                assert isinstance(value, list)
                self.save(row.key, {row.key: [name for name in PARTS if name not in value] or None})
            case "rules":
                assert isinstance(value, list)
                added = [name for name in REDACT_OFF_AT_FIRST if name in value]
                taken = [name for name in RULES if name not in value and name not in REDACT_OFF_AT_FIRST]
                self.save(row.key, {"capture.redact_on": added or None, "capture.redact_off": taken or None})
            case _:
                self.save(row.key, {row.key: value})

    def save(self, key: str, changes: dict[str, object], *, restart: bool = False) -> None:
        self.context.spawn(self._save(key, changes, restart))

    async def _save(self, key: str, changes: dict[str, object], restart: bool) -> None:
        try:
            await self.context.gateway.change_settings(changes)
        except KNOWN_ERRORS as error:
            self._show_problem(key, _without_key(key, str(error)))
            return
        self._show_problem(key, "")
        self.changed.emit()
        if restart:
            self.context.shell.restart_asked.emit()

    def _show_problem(self, key: str, text: str) -> None:
        line = self.lines[key]
        if text != line.problem.text():
            line.show_problem(text)
            self.controls[key].show_problem(bool(text))

    # shown

    def show_settings(self, rows: Rows) -> None:
        """What is saved, what is in force, and what stands over both."""
        for row in ROWS[self.key]:
            setting = rows.get(row.key)
            if setting is not None:
                self._show_row(row, setting, rows)

    def _show_row(self, row: Row, setting: SettingRow, rows: Rows) -> None:
        line, control = self.lines[row.key], self.controls[row.key]
        beside = rows.get("capture.redact_off") if row.kind == "rules" else None
        settings = [one for one in (setting, beside) if one is not None]
        control.show_value(_shown(row, setting, beside))
        fixed = [one.variable for one in settings if one.from_environment]
        control.setEnabled(not fixed)
        assert line.back is not None
        line.back.setVisible(not fixed and any(one.saved is not None for one in settings))
        if fixed:
            words = tr("Set by {variables}, which overrides what is chosen here.")
            line.show_note(words.format(variables=", ".join(fixed)), "text3")
        elif any(one.waits for one in settings):
            line.show_note(tr("Takes effect when the gateway restarts."))
        else:
            line.show_note("")

    async def refresh(self) -> None:
        """Read what is not a setting; raises what the gateway raises."""


def _shown(row: Row, setting: SettingRow, beside: SettingRow | None) -> object:
    value = setting.value if setting.from_environment else setting.following
    if row.kind == "without":
        return [name for name in PARTS if name not in _names(setting)]
    if row.kind == "rules":
        on, off = _names(setting), _names(beside)
        return [name for name in RULES if (name not in REDACT_OFF_AT_FIRST or name in on) and name not in off]
    return value


def _without_key(key: str, message: str) -> str:
    """The line has a name of its own: "Must be seconds" rather than "timeouts.connect must be seconds"."""
    rest = message.removeprefix(f"{key} ")
    return rest[:1].upper() + rest[1:]


def _names(setting: SettingRow | None) -> tuple[str, ...]:
    value = None if setting is None else setting.value if setting.from_environment else setting.following
    return value if isinstance(value, tuple) else ()
