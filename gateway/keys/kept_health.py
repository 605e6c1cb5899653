"""What was learnt of providers' keys, kept in `state.db` over a restart: whether one works need not be asked anew.

A key is known again by four bytes of a digest of its own salt: they tell it from the key that was there before, and
nothing else of it. What a provider said of a key is not kept, nor anything of keys that live in memory only.
Everything here may wait for the disk: call it from a worker thread.
"""

import secrets
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

Mark = Callable[[str, bytes], str | None]
"""By provider and salt: what its key is known again by; None where there is none, or none to be kept."""


class _Kept(Struct, frozen=True):
    mark: str
    state: str
    at_us: int


class _All(Struct, frozen=True):
    salt: bytes
    providers: dict[str, _Kept] = {}


class KeptHealth:
    """That of one data folder. Thread-safe. `close()` lets the database go."""

    def __init__(self, folder: DataFolder) -> None:
        self._path = folder.state_db
        self._connection = state_db.connect(self._path)
        self._lock = threading.Lock()

    def read(self, mark: Mark) -> dict[str, Health]:
        """Of the providers whose key is still the same. Raises FaregateError."""
        kept = self._read()
        return {
            name: Health(found.state, found.at_us)
            for name, found in kept.providers.items()
            if mark(name, kept.salt) == found.mark
        }

    def write(self, known: Mapping[str, Health], mark: Mark) -> None:
        """What is known now, in the place of what was kept; of a key that cannot be read now that stays. Raises
        FaregateError."""
        kept = self._read()
        salt, found = kept.salt, {name: one for name, one in kept.providers.items() if mark(name, kept.salt) is None}
        found |= {
            name: _Kept(made, health.state, health.at_us)
            for name, health in known.items()
            if health.state in _KEPT and health.at_us is not None and (made := mark(name, salt)) is not None
        }
        value = msgspec.json.encode(_All(salt, found)).decode()
        with self._lock, state_db.transaction(self._connection):
            self._connection.execute(_WRITE, (_NAME, value))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _read(self) -> _All:
        try:
            with self._lock:
                row = self._connection.execute(_READ, (_NAME,)).fetchone()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from None
        try:
            return msgspec.json.decode(row[0] if row else "", type=_All)
        except msgspec.DecodeError:
            # Nothing was kept yet, or another version did.
            return _All(secrets.token_bytes(16))
