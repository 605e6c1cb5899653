"""The user's own names for models in `state.db`, followed when another process changes them.

A name that is known already may be given too: that is how somebody has a retired model answered by another.
Everything here may wait for the disk: call it from a worker thread.
"""

import threading
import time
from collections.abc import Mapping

from gateway import state_db
from gateway.errors import FaregateError
from gateway.folder import DataFolder

LONGEST = 128
_ALL = "SELECT name, model FROM aliases ORDER BY name"
_SET = "INSERT OR REPLACE INTO aliases (name, model, made_us) VALUES (?, ?, ?)"
_REMOVE = "DELETE FROM aliases WHERE name = ?"
_PART = "aliases"


class AliasError(FaregateError):
    """A name that cannot be, or that is not there."""

    exit_code = 2


class Aliases:
    """The aliases of one data folder: name → model. Thread-safe. `close()` lets the database go."""

    def __init__(self, folder: DataFolder) -> None:
        self._lock = threading.RLock()
        self._connection = state_db.connect(folder.state_db)
        self._version: int | None = None
        self._rows: dict[str, str] = {}
        self.poll()

    def every(self) -> Mapping[str, str]:
        return self._rows

    def put(self, name: str, model: str) -> None:
        """`name` stands for `model` from now on. Raises AliasError."""
        _check(name)
        if name == model:
            raise AliasError("A model needs no other name that is its own: choose another name, or another model.")
        if model in self._rows:
            raise AliasError(f"{model} is another name itself: give the model's own, {self._rows[model]}.")
        if name in self._rows.values():
            raise AliasError(f"Other names stand for {name}: remove those first.")
        self._change(_SET, (name, model, time.time_ns() // 1000))

    def remove(self, name: str) -> None:
        """Raises AliasError where there is none."""
        if name not in self._rows:
            raise AliasError(f"There is no other name {name[:LONGEST]!r}.")
        self._change(_REMOVE, (name,))

    def poll(self) -> bool:
        """Follows other processes: whether there is anything new since the last look."""
        with self._lock:
            version = state_db.version(self._connection, _PART)
            if version == self._version:
                return False
            self._version, self._rows = version, dict(self._connection.execute(_ALL))
        return True

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _change(self, statement: str, values: tuple[object, ...]) -> None:
        with self._lock:
            with state_db.transaction(self._connection):
                self._connection.execute(statement, values)
                state_db.bump(self._connection, _PART)
            self.poll()


def _check(name: str) -> None:
    if not 0 < len(name) <= LONGEST or not name.isprintable() or name != name.strip():
        raise AliasError(f"A model's other name has 1 to {LONGEST} printable characters and no blank at its ends.")
