"""The sections that hold more than rows of the table: starting, appearance, notifications, provider keys."""

import time
from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QCompleter, QWidget

from app.autostart import Autostart
from app.filters import local_zone, zone_names
from app.known_errors import KNOWN_ERRORS
from app.pages.settings_parts.section import Rows, SectionView
from app.preferences import OFF, ON, SIZES, SYSTEM
from app.theme import MODES
from app.translation import tr
from app.vault_words import vault_words
from app.widgets import ComboBox, PushButton, SegmentedControl, ToggleSwitch, dress_completions
from gateway import UsageQuery

_WEEK_US = 7 * 86_400_000_000
_MOST_TOOLS = 8


class Preferring(SectionView):
    """Switches and choices of the window's own preferences."""

    def add_switch(self, heading: str, name: str, words: str) -> ToggleSwitch:
        title, preferences = self.held(name), self.context.shell.preferences
        switch = ToggleSwitch(self.context.theme)
        switch.setAccessibleName(title)
        switch.setObjectName(f"preference.{name}")
        switch.setChecked(preferences.is_on(name))
        switch.clicked.connect(lambda on: preferences.set(name, ON if on else OFF))
        self.add_line(heading, title, words, switch)
        return switch

    def add_choice(self, heading: str, name: str, words: str, options: Mapping[str, str]) -> None:
        preferences = self.context.shell.preferences
        choice = self.choice(name, options, preferences.get(name))
        choice.changed.connect(lambda key: preferences.set(name, key))
        self.add_line(heading, self.held(name), words, choice)

    def choice(self, name: str, options: Mapping[str, str], current: str) -> SegmentedControl:
        title, made = self.held(name), SegmentedControl(self.context.theme, list(options.items()))
        made.setObjectName(f"preference.{name}")
        made.setAccessibleName(title)
        made.set_current(current)
        for key, words in options.items():
            made.segment(key).setAccessibleName(f"{title}: {words}")
        return made


class GatewaySection(Preferring):
    """Where it listens, when it starts, and who must be told of another address."""

    _moving_to = ""

    def build(self) -> None:
        self.add_rows()
        heading = tr("Starting and closing")
        autostart = self.context.shell.autostart
        if autostart is not None:
            self.at_login = ToggleSwitch(self.context.theme)
            self.at_login.setObjectName("preference.at_login")
            self.at_login.setAccessibleName(self.held("at_login"))
            self.at_login.clicked.connect(self._set_autostart)
            words = tr("In the tray; where the desktop has none, the window opens. Writes {place}.")
            words = words.format(place=autostart.place)
            self.login_line = self.add_line(heading, self.held("at_login"), words, self.at_login)
            self._show_login(autostart)
        self.add_switch(
            heading,
            "gateway_at_start",
            tr("Off: tools reach it only once it is turned on in the sidebar."),
        )
        self.add_switch(
            heading,
            "close_to_tray",
            tr("In the tray, or minimised where there is none. Off: closing quits."),
        )

    def _set_autostart(self, on: bool) -> None:
        autostart = self.context.shell.autostart
        assert autostart is not None
        try:
            autostart.set(on)
        except KNOWN_ERRORS as error:
            self.login_line.show_problem(str(error))
        else:
            self.login_line.show_problem("")
        self._show_login(autostart)

    def _show_login(self, autostart: Autostart) -> None:
        """An entry may be of another installation, or of one that is gone."""
        self.at_login.setChecked(autostart.enabled())
        other = autostart.other()
        words = tr("What starts at login now is this, until you turn this on: {command}").format(command=other)
        self.login_line.show_note(words if other else "")

    def show_settings(self, rows: Rows) -> None:
        super().show_settings(rows)
        port, host = rows.get("server.port"), rows.get("server.host")
        self._moving_to = ""
        if port is not None and host is not None and (port.waits or host.waits):
            self._moving_to = f"{host.following}:{port.following}"

    async def refresh(self) -> None:
        """Say which tools will have to be pointed elsewhere."""
        if not self._moving_to:
            return
        lately = UsageQuery(start_us=time.time_ns() // 1000 - _WEEK_US)
        seen = await self.context.gateway.breakdown(lately, "client", sort="requests", limit=_MOST_TOOLS)
        tools = ", ".join(row.value for row in seen.rows if row.value)
        words = tr("Takes effect when the gateway restarts. Then point tools at {address}.")
        if tools:
            words = tr("Takes effect when the gateway restarts. Then point tools at {address}; seen lately: {tools}.")
        self.lines["server.port"].show_note(words.format(address=self._moving_to, tools=tools))


class AppearanceSection(Preferring):
    def build(self) -> None:
        theme = self.context.theme
        looks, times = tr("Looks"), tr("Figures and times")
        names = dict(zip(MODES, (tr("System"), tr("Light"), tr("Dark")), strict=True))
        self.mode = self.choice("theme", names, theme.mode)
        self.mode.changed.connect(theme.set_mode)
        theme.mode_changed.connect(self._follow_theme)
        self.add_line(
            looks, self.held("theme"), tr("System follows the desktop, also while Faregate runs."), self.mode
        )
        self.add_choice(
            looks,
            "density",
            tr("How high the rows of tables are."),
            {"comfortable": tr("Comfortable"), "compact": tr("Compact")},
        )
        self.add_switch(
            looks,
            "patterns",
            tr("Series differ by hatches and dashes too, not by their colours alone."),
        )
        self.add_choice(
            looks,
            "size",
            self._size_words(),
            {SYSTEM: tr("System"), **{size: f"{size}%" for size in SIZES}},
        )
        self.add_choice(times, "clock", "", {"24": "18:04", "12": "6:04 pm"})
        self.add_choice(
            times,
            "week_start",
            tr("In calendars. Charts by the week begin on Monday, as the gateway counts them."),
            {"monday": tr("Monday"), "sunday": tr("Sunday"), "saturday": tr("Saturday")},
        )
        self.zone_line = self.add_line(
            times,
            self.held("zone"),
            tr("Tables, charts and today's cost use its days and hours."),
            self._zones(),
        )
        self.add_line(
            times,
            self.held("currency"),
            tr("US dollars, in which every provider bills. Unknown prices are shown as such, never as zero."),
        )

    def _size_words(self) -> str:
        preferences = self.context.shell.preferences
        words = tr("How large everything is; System follows the desktop's text. Applies when Faregate starts again.")
        # Where another size is chosen the system is not asked, and an X11 desktop's own scale is not known here.
        if preferences.get("size") == SYSTEM and preferences.system_size != SIZES[0]:
            words = tr(
                "How large everything is; System follows the desktop's text, {size}% now. "
                "Applies when Faregate starts again."
            )
        return words.format(size=preferences.system_size)

    def _follow_theme(self) -> None:
        self.mode.set_current(self.context.theme.mode)

    def _zones(self) -> QWidget:
        preferences = self.context.shell.preferences
        self.zone = ComboBox(self.context.theme, self.held("zone"))
        self.zone.setObjectName("preference.zone")
        self.zone.setEditable(True)
        self.zone.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.zone.setFixedWidth(260)
        self._zone_names = ["", *zone_names()]
        self.zone.addItems([self._system_words(), *self._zone_names[1:]])
        edit, completer = self.zone.lineEdit(), self.zone.completer()
        assert edit is not None and completer is not None
        edit.setAccessibleName(self.held("zone"))
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        dress_completions(completer, self.context.theme)
        self.zone.setCurrentIndex(max(0, self.zone.findText(preferences.zone)) if preferences.zone else 0)
        self.zone.currentIndexChanged.connect(self._choose_zone)
        self.context.shell.redraw_asked.connect(self._name_system_zone)
        # What was typed and is no zone gives way to the one in force.
        edit.editingFinished.connect(lambda: self.zone.setEditText(self.zone.itemText(self.zone.currentIndex())))
        return self.zone

    def _system_words(self) -> str:
        return tr("System ({zone})").format(zone=local_zone())

    def _name_system_zone(self) -> None:
        self.zone.setItemText(0, self._system_words())

    async def refresh(self) -> None:
        # The machine may be elsewhere by now.
        self._name_system_zone()

    def _choose_zone(self) -> None:
        try:
            self.context.shell.preferences.set_zone(self._zone_names[self.zone.currentIndex()])
        except ValueError as error:
            self.zone_line.show_problem(str(error))
        else:
            self.zone_line.show_problem("")


class NotificationSection(Preferring):
    def build(self) -> None:
        heading = self.held("desktop")
        self.add_switch(
            heading,
            "notify_gateway",
            tr("When it ends or cannot start though it should run. Once for each cause."),
        )
        self.add_switch(
            heading,
            "notify_keys",
            tr("Once for each cause; a rejected key again after it has worked."),
        )


class VaultSection(SectionView):
    """Where provider keys are kept; `choose` asks for the panel that changes it."""

    def build(self) -> None:
        self.choose = PushButton(self.context.theme, tr("Change…"), kind="secondary")
        self.choose.setObjectName("vault_change")
        self.line = self.add_line(self.held("where"), "", "", self.choose)
        self.line.setObjectName("setting.vault.backend")
        self._variable = ""

    def show_settings(self, rows: Rows) -> None:
        setting = rows.get("vault.backend")
        if setting is not None:
            self._variable = setting.variable if setting.from_environment else ""
            self.choose.setEnabled(not self._variable)

    async def refresh(self) -> None:
        state = await self.context.gateway.vault_state()
        words = {
            "keyring": tr(
                "Sealed, under your login. Neither the keyring nor the data folder alone gives a key away."
            ),
            "file": tr("In the data folder, encrypted under your passphrase, which is asked for at each start."),
            "memory": tr("Nothing is written: keys are gone when Faregate quits."),
        }
        self.line.title.setText(self.held(state.backend))
        self.line.words.setText(words[state.backend])
        self.line.words.show()
        self.line.show_problem("" if state.available else vault_words(state.message))
        if self._variable:
            said = tr("Set by {variables}, which overrides what is chosen here.")
            self.line.show_note(said.format(variables=self._variable), "text3")
        else:
            self.line.show_note(
                tr("Keys that are kept elsewhere stay there: set them again after a change."), "text3"
            )
