"""Settings: a section at a time, each change taken at once or, where the gateway must restart for it, said so."""

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QHBoxLayout,
    QPlainTextEdit,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import icons
from app.context import AppContext
from app.fonts import mono_font, ui_font
from app.known_errors import KNOWN_ERRORS
from app.pages.page import Page, PartTarget, Target
from app.pages.providers_parts.vault_panel import VaultPanel
from app.pages.settings_parts.data_sections import AboutSection, DataSection, RetentionSection
from app.pages.settings_parts.own_sections import (
    AppearanceSection,
    GatewaySection,
    NotificationSection,
    VaultSection,
)
from app.pages.settings_parts.section import SectionView
from app.pages.settings_parts.table import SECTIONS, TITLES, Section
from app.theme import Theme
from app.translation import later, tr
from app.widgets import Banner, Drawer, PaneTurns
from app.widgets.painting import focus_ring, rounded_box, smooth_painter
from app.widgets.places import setting_places
from gateway import Changes, SettingRow

_NAV_WIDTH = 190
_TEXT_LEFT, _TEXT_RIGHT = 36, 8
_NAMED = 3
# Less than the half minute after which the page looks by itself, whose timer may be early.
_COUNT_AFTER_S = 25.0
# What an error was told of.
_SETTINGS, _COUNTS = "settings", "counts"
_VIEWS: dict[str, type[SectionView]] = {
    "gateway": GatewaySection,
    "appearance": AppearanceSection,
    "retention": RetentionSection,
    "vault": VaultSection,
    "data": DataSection,
    "notifications": NotificationSection,
    "about": AboutSection,
}


class SectionButton(QAbstractButton):
    """A section's name at the left; the chosen one has the accent's ground."""

    def __init__(self, theme: Theme, section: Section, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon = section.icon
        self.setText(tr(section.title))
        self.setAccessibleName(self.text())
        self.setObjectName(f"settings.{section.key}")
        self.setFont(ui_font(13, 500))
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        words = QFontMetrics(self.font()).horizontalAdvance(self.text())
        return QSize(max(_NAV_WIDTH, _TEXT_LEFT + words + _TEXT_RIGHT), 34)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, box, theme = smooth_painter(self), QRectF(self.rect()), self._theme
        chosen = self.isChecked()
        if chosen or self.underMouse():
            rounded_box(painter, box, 7, theme.color("accent_soft" if chosen else "hover"))
        glyph = theme.color("accent" if chosen else "text2")
        painter.drawPixmap(
            10, (self.height() - 16) // 2, icons.pixmap(self._icon, glyph, 16, self.devicePixelRatioF())
        )
        painter.setPen(theme.color("accent" if chosen else "text"))
        painter.drawText(
            self.rect().adjusted(_TEXT_LEFT, 0, -_TEXT_RIGHT, 0), Qt.AlignmentFlag.AlignVCenter, self.text()
        )
        if self.hasFocus():
            focus_ring(painter, box, 7, theme.color("accent"))


class SettingsPage(Page):
    title = later("Settings")
    icon = "settings"
    key = "settings"
    places = staticmethod(setting_places)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("settings_page")
        self.views: dict[str, SectionView] = {}
        self.buttons: dict[str, SectionButton] = {}
        self._rows: dict[str, SettingRow] = {}
        self._counted_s: dict[str, float] = {}
        self._build()
        self.error_banner.action.connect(lambda: context.spawn(self._retry()))
        self.restart_banner.action.connect(context.shell.restart_asked)
        self.vault_panel.chosen.connect(self._vault_chosen)
        self.drawer.closed.connect(self.vault_panel.leave)
        self.guard(self.drawer, lambda: self.vault_panel.unsaved)
        self.open_section(context.shell.section or SECTIONS[0].key)

    def _build(self) -> None:
        theme = self.context.theme
        self.error_banner = Banner(theme, "bad", "", tr("Retry"))
        self.error_banner.setObjectName("settings_error")
        self.restart_banner = Banner(theme, "warn", "", tr("Restart gateway"))
        self.restart_banner.setObjectName("settings_restart")
        self.error_banner.hide()
        self.restart_banner.hide()
        self.stack = QStackedWidget()
        self._group = QButtonGroup(self)
        self._pane_turns = PaneTurns(self, self.stack)
        nav = QVBoxLayout()
        nav.setSpacing(1)
        for section in SECTIONS:
            button = SectionButton(theme, section, self)
            button.clicked.connect(lambda _checked=False, key=section.key: self._leave_section(key))
            self._group.addButton(button)
            self.buttons[section.key] = button
            nav.addWidget(button)
        nav.addStretch(1)
        self.vault_panel = VaultPanel(self.context)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(mono_font(12))
        self.text.setAccessibleName(tr("The licence"))
        self._panels = QStackedWidget()
        self._panels.addWidget(self.vault_panel)
        self._panels.addWidget(self.text)
        self.drawer = Drawer(theme)
        self.drawer.setObjectName("settings_drawer")
        self.drawer.set_content(self._panels)
        side = QWidget()
        side.setFixedWidth(max(button.sizeHint().width() for button in self.buttons.values()))
        side.setLayout(nav)
        nav.setContentsMargins(0, 0, 0, 0)
        body = QHBoxLayout()
        body.setSpacing(24)
        body.addWidget(side)
        body.addWidget(self.stack, 1)
        main = QVBoxLayout()
        main.setContentsMargins(24, 16, 0, 0)
        main.setSpacing(12)
        told = QVBoxLayout()
        told.setContentsMargins(0, 0, 24, 0)
        told.setSpacing(8)
        told.addWidget(self.error_banner)
        told.addWidget(self.restart_banner)
        main.addLayout(told)
        main.addLayout(body, 1)
        self.drawer.stand_beside(main, self, in_pieces=True)

    # sections

    @property
    def section(self) -> str:
        return self.context.shell.section

    def show_target(self, target: Target) -> None:
        if isinstance(target, PartTarget):
            self._leave_section(target.key)

    def _leave_section(self, key: str) -> None:
        """The one on show stays chosen until it is left."""
        self.buttons[self.section].setChecked(True)
        self.drawer.unless_unsaved(lambda: self._open_soon(key))

    def _open_soon(self, key: str) -> None:
        self.buttons[key].setChecked(True)
        self._pane_turns.ask(partial(self.open_section, key))

    def open_section(self, key: str) -> None:
        """Show a section, made when it is first opened; raises KeyError for an unknown one."""
        view = self.views.get(key) or self._make(key)
        self.context.shell.section = key
        self.buttons[key].setChecked(True)
        self._pane_turns.show(view)
        self.drawer.close_drawer()
        self.context.spawn(self._read(view, asked=True))

    def _make(self, key: str) -> SectionView:
        view = self.views[key] = _VIEWS.get(key, SectionView)(self.context, key)
        view.setAccessibleName(self.buttons[key].text())
        view.changed.connect(lambda: self.context.spawn(self.refresh(Changes(state=True))))
        view.toast.connect(self.toast)
        if isinstance(view, VaultSection):
            view.choose.clicked.connect(lambda: self.context.spawn(self._open_vault()))
        if isinstance(view, AboutSection):
            view.license_asked.connect(self.show_license)
        self.stack.addWidget(view)
        view.show_settings(self._rows)
        return view

    # data

    def as_time_passes(self) -> None:
        # The file may have been changed by hand, or by a script, meanwhile.
        if self._rows:
            self.context.spawn(self.refresh(Changes(state=True)))

    async def refresh(self, changes: Changes) -> None:
        if not (changes.state or changes.providers):
            return
        try:
            rows = await self.context.gateway.setting_rows()
        except KNOWN_ERRORS as error:
            self.error_banner.tell(str(error), _SETTINGS)
            return
        self.error_banner.clear(_SETTINGS)
        self._rows = {row.key: row for row in rows}
        for view in self.views.values():
            view.show_settings(self._rows)
        self._show_waiting([row for row in rows if row.waits])
        await self._read(self.views[self.section])

    async def _retry(self) -> None:
        self._counted_s.clear()
        await self.refresh(Changes(state=True))

    async def _read(self, view: SectionView, *, asked: bool = False) -> None:
        """What a section shows beside its settings. `asked`: by a person, to whom it is told as it is now."""
        now_s = time.monotonic()
        if view.counts and not asked and now_s - self._counted_s.get(view.key, -_COUNT_AFTER_S) < _COUNT_AFTER_S:
            return
        self._counted_s[view.key] = now_s
        try:
            await view.refresh()
        except KNOWN_ERRORS as error:
            self.error_banner.tell(str(error), _COUNTS)
        else:
            self.error_banner.clear(_COUNTS)

    def _show_waiting(self, rows: list[SettingRow]) -> None:
        names = [tr(TITLES[row.key]) if row.key in TITLES else row.key for row in rows]
        shown, more = ", ".join(names[:_NAMED]), len(names) - _NAMED
        if more > 0:
            shown = tr("{names} and {count} more").format(names=shown, count=more)
        words = tr("Saved, and applied when the gateway restarts: {names}. Running requests may take up to 10 s.")
        self.restart_banner.set_text(words.format(names=shown))
        self.restart_banner.setVisible(bool(rows))
        self.subtitle.emit(tr("Changes are saved at once"))

    # the drawer

    async def _open_vault(self) -> None:
        state = await self.context.gateway.vault_state()
        self.vault_panel.open(state)
        if state.available:
            self.vault_panel.reason.setText(tr("Choose where provider keys are kept from now on."))
        self._show_panel(self.vault_panel, tr("Where keys are kept"))
        self.vault_panel.first.edit.setFocus()

    def _vault_chosen(self, words: str) -> None:
        self.toast.emit(words)
        self.drawer.close_drawer()
        self.context.spawn(self.refresh(Changes(providers=True)))

    def show_license(self, path: Path) -> None:
        self.text.setPlainText(path.read_text("utf-8"))
        self._show_panel(self.text, path.stem)
        self.text.setFocus()

    def _show_panel(self, panel: QWidget, title: str) -> None:
        self._panels.setCurrentWidget(panel)
        self.drawer.set_title(title)
        self.drawer.open()
