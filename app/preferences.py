"""What a person has chosen for this window, beside its theme: kept with the window's size and place.

`CHOICES` is the one table: what may be chosen, the usual choice first. A value that is none of them (of another
version, or edited by hand) is as good as none.
"""

from collections.abc import Mapping, MutableMapping
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal

from app.text_scale import text_scale
from app.translation import tr
from gateway import is_zone

ON, OFF = "on", "off"
SYSTEM = "system"
SIZES = ("100", "115", "130", "150")
"""In percent. No more: a window that is that much larger still fits the screens of small laptops."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "density": ("comfortable", "compact"),
    "patterns": (OFF, ON),
    "size": (SYSTEM, *SIZES),
    "clock": ("24", "12"),
    "week_start": ("monday", "sunday", "saturday"),
    "close_to_tray": (ON, OFF),
    "gateway_at_start": (ON, OFF),
    "notify_gateway": (ON, OFF),
    "notify_keys": (ON, OFF),
    "first_steps": (ON, OFF),
    "csv_mark": (OFF, ON),
}
ZONE = "zone"
_SYSTEM_SIZE = "system_size"


def window_store(folder: Path) -> QSettings:
    """Where the window keeps what it remembers, in the data folder."""
    return QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)


def use_size(folder: Path, environ: MutableMapping[str, str]) -> None:
    """Make everything as large as was chosen, or as the system's text where nothing was, before there is an
    application. What the environment says stays."""
    preferences = Preferences(window_store(folder))
    size = preferences.get("size")
    if size == SYSTEM:
        size = _ask_system(preferences, environ)
    if size != SIZES[0]:
        environ.setdefault("QT_SCALE_FACTOR", str(int(size) / 100))


def _ask_system(preferences: "Preferences", environ: Mapping[str, str]) -> str:
    """The offered size that is nearest to the system's. A desktop that is still starting, as at login, answers too
    late: it is taken to be what it was."""
    scale = text_scale(environ)
    before = preferences.system_size
    if scale is None:
        return before
    size = min(SIZES, key=lambda each: abs(int(each) / 100 - scale))
    if size != before:
        preferences.keep(_SYSTEM_SIZE, size)
    return size


def _is_zone(zone: str) -> bool:
    return not zone or is_zone(zone)


class Preferences(QObject):
    """`changed` carries the name of what was chosen anew. `store` None keeps nothing beyond this object's life."""

    changed = Signal(str)

    def __init__(self, store: QSettings | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._chosen: dict[str, str] = {}
        self._put_by: dict[str, str] = {}
        for name in (*CHOICES, ZONE):
            kept = store.value(f"preferences/{name}") if store is not None else None
            if isinstance(kept, str) and (_is_zone(kept) if name == ZONE else kept in CHOICES[name]):
                self._chosen[name] = kept

    def get(self, name: str) -> str:
        """What is chosen; raises KeyError for an unknown name."""
        return self._chosen.get(name, CHOICES[name][0])

    def is_on(self, name: str) -> bool:
        return self.get(name) == ON

    @property
    def zone(self) -> str:
        """The IANA zone that times are told in; "" is the system's."""
        return self._chosen.get(ZONE, "")

    @property
    def system_size(self) -> str:
        """What `system` meant as size when the window last began with it, in percent."""
        kept = self.kept(_SYSTEM_SIZE)
        return kept if kept in SIZES else SIZES[0]

    def set(self, name: str, value: str) -> None:
        """Raises ValueError for a value that cannot be chosen."""
        if value not in CHOICES[name]:
            raise ValueError(f"{value!r} is no choice for {name}: choose one of {', '.join(CHOICES[name])}.")
        if value != self.get(name):
            self._keep(name, value)

    def set_zone(self, zone: str) -> None:
        """Raises ValueError for a zone that nobody knows here."""
        if not _is_zone(zone):
            raise ValueError(tr("{zone} is not known on this machine: choose another time zone.").format(zone=zone))
        if zone != self.zone:
            self._keep(ZONE, zone)

    def kept(self, name: str) -> str:
        """What the window has put by under a name, as text; "" is nothing."""
        found = self._put_by.get(name)
        if found is None:
            value = self._store.value(f"kept/{name}") if self._store is not None else None
            found = self._put_by[name] = value if isinstance(value, str) else ""
        return found

    def keep(self, name: str, text: str) -> None:
        """Put by what is no choice (columns, saved views); nobody is told."""
        self._put_by[name] = text
        if self._store is not None:
            self._store.setValue(f"kept/{name}", text)
            self._store.sync()

    def _keep(self, name: str, value: str) -> None:
        self._chosen[name] = value
        if self._store is not None:
            # At once: the process may be killed later.
            self._store.setValue(f"preferences/{name}", value)
            self._store.sync()
        self.changed.emit(name)
