"""What was learnt of providers' keys, kept in `state.db` over a restart: whether one works need not be asked anew.

A key is known again by when it was put into its vault, and where it is sent: nothing of the key itself is written. Of
one that lives in memory only, or comes from the environment, which may be another one at the next start, nothing is
kept; nor is what a provider said. Everything here may wait for the disk: call it from a worker thread.
"""

import sqlite3
import threading
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from gateway import state_db
from gateway.folder import DataFolder
from gateway.keys.provider_health import Health
from gateway.schema import unusable

_NAME = "provider_health"
_READ = "SELECT value FROM meta WHERE name = ?"
_WRITE = "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)"
# Whether a provider can be reached is no matter of its key; by what one is limited nobody knows without its words.
_KEPT = ("connected", "rejected")

Mark = Callable[[str], str | None]
"""By provider: what its key is known again by; None where there is none, or none to be kept."""


class _Kept(Struct, frozen=True):
    mark: str
    state: str
    at_us: int


class KeptHealth:
    """That of one data folder. Thread-safe. `close()` lets the database go."""

    def __init__(self, folder: DataFolder) -> None:
        self._path = folder.state_db
        self._connection = state_db.connect(self._path)
        self._lock = threading.Lock()

    def read(self, mark: Mark) -> dict[str, Health]:
        """Of the providers whose key is still the same. Raises FaregateError."""
        return {
            name: Health(kept.state, kept.at_us) for name, kept in self._read().items() if mark(name) == kept.mark
        }

    def write(self, known: Mapping[str, Health], mark: Mark) -> None:
        """What is known now, in the place of what was kept; of a key that cannot be read now that stays. Raises
        FaregateError."""
        found = {name: kept for name, kept in self._read().items() if mark(name) is None}
        found |= {
            name: _Kept(made, health.state, health.at_us)
            for name, health in known.items()
            if health.state in _KEPT and health.at_us is not None and (made := mark(name)) is not None
        }
        value = msgspec.json.encode(found).decode()
        with self._lock, state_db.transaction(self._connection):
            self._connection.execute(_WRITE, (_NAME, value))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _read(self) -> dict[str, _Kept]:
        try:
            with self._lock:
                row = self._connection.execute(_READ, (_NAME,)).fetchone()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from None
        try:
            return msgspec.json.decode(row[0] if row else "", type=dict[str, _Kept])
        except msgspec.DecodeError:
            # Nothing was kept yet, or another version did.
            return {}
