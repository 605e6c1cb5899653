"""What pages share beside the gateway: the person's preferences, long work, autostart, and what only the host can do.

Preferences that change how things look are put into force here, once for the whole window.
"""

import time

from PySide6.QtCore import QObject, Signal

from app import formats
from app.autostart import Autostart
from app.filters import FilterState, local_zone
from app.preferences import Preferences
from app.saved_views import SavedViews
from app.theme import Theme
from app.work import Work


class Shell(QObject):
    """`restart_asked`, `demo_asked`, `leave_demo_asked`, `delete_demo_asked`: the host does these. `redraw_asked`:
    figures are told otherwise from now on, so that what is on show must be read anew. `saved`: files were written;
    what to say of it, and their folder (a `Path`). `offered`: something happened, and something can be done about it;
    what to say, the button's words, and what it does. `undoable`: a step was done that only the gateway of now takes
    back; what to say, and what does it. `section` is the settings' section that was open last."""

    restart_asked = Signal()
    demo_asked = Signal()
    leave_demo_asked = Signal()
    delete_demo_asked = Signal()
    redraw_asked = Signal()
    saved = Signal(str, object)
    offered = Signal(str, str, object)
    undoable = Signal(str, object)

    def __init__(
        self,
        theme: Theme,
        filters: FilterState,
        preferences: Preferences | None = None,
        autostart: Autostart | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.preferences = preferences or Preferences(parent=self)
        self.views = SavedViews(self.preferences, self)
        self.autostart = autostart
        self.work = Work(self)
        self.section = ""
        self._theme = theme
        self._filters = filters
        self._system_zone = filters.tz
        self.preferences.changed.connect(self._follow)
        self._apply_clock()
        formats.use_week(self.preferences.get("week_start"))
        theme.set_density(self.preferences.get("density"))
        theme.set_patterns(self.preferences.is_on("patterns"))

    @property
    def marks_csv(self) -> bool:
        """Whether CSV begins with the mark by which spreadsheets know UTF-8."""
        return self.preferences.is_on("csv_mark")

    def _follow(self, name: str) -> None:
        if name == "density":
            self._theme.set_density(self.preferences.get("density"))
        elif name == "patterns":
            self._theme.set_patterns(self.preferences.is_on("patterns"))
        elif name in ("clock", "zone"):
            self._apply_clock()
            self.tell_times_anew()
        elif name == "week_start":
            formats.use_week(self.preferences.get(name))
            self._theme.redraw()

    def tell_times_anew(self) -> None:
        """By another clock, or on another day, which times of the one before are told with."""
        self._theme.redraw()
        self.redraw_asked.emit()

    def follow_system_zone(self) -> None:
        """Where the machine was moved to another time zone meanwhile, days and hours are that zone's, unless the
        person chose one."""
        zone = local_zone()
        if zone == self._system_zone:
            return
        self._system_zone = zone
        if hasattr(time, "tzset"):
            # Python's own local time is that of the start, until it is told.
            time.tzset()
        if not self.preferences.zone:
            self._follow("zone")

    def _apply_clock(self) -> None:
        zone = self.preferences.zone
        formats.use_clock(zone or None, twelve_hours=self.preferences.get("clock") == "12")
        self._filters.set_zone(zone or self._system_zone)
