"""tk_ keys: made, listed, revoked, and recognised without touching the database.

`state.db` keeps the SHA-256 of each key. A plain hash is enough and a slow one would be a mistake: a key is 32
random bytes, so there is nothing to guess, and it is checked on every request. All live keys stand in one dict by
hash, replaced as a whole when the table changes; last-used times gather in memory until `flush`.
Everything but `authenticate` and `touch` may wait for the disk: call it from a worker thread.
"""

import hashlib
import hmac
import logging
import secrets
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from gateway import state_db
from gateway.errors import ClientError, FaregateError
from gateway.folder import DataFolder
from gateway.records import ApiKeyRow, NewApiKey
from gateway.tags import parse_tags

_log = logging.getLogger(__name__)

ROLES = ("read", "execute", "admin")
KEY_START = "tk_"
_KEY_LENGTH = len(KEY_START) + 43
_ALL = "SELECT * FROM api_keys ORDER BY created_us, rowid"
_INSERT = (
    "INSERT INTO api_keys (id, name, prefix, sha256, role, user, tags, created_us)"
    " VALUES (:id, :name, :prefix, :sha256, :role, :user, :tags, :created_us)"
)
_REVOKE = "UPDATE api_keys SET revoked_us = ? WHERE id = ? AND revoked_us IS NULL"
_TOUCH = "UPDATE api_keys SET last_used_us = max(coalesce(last_used_us, 0), ?) WHERE id = ?"


class KeyNameError(FaregateError):
    """A name that is taken, or a key that does not exist."""


class KeyFieldError(KeyNameError):
    """A name, role, user or tag that no key can have."""

    exit_code = 2


class Principal(Struct, frozen=True):
    """Who asks: the key that was presented, and whom it belongs to."""

    key_id: str
    key_name: str
    role: str
    user: str | None
    tags: tuple[str, ...]
    created_us: int = 0


class _Live(Struct, frozen=True):
    digest: str
    principal: Principal


def allows(role: str, needed: str) -> bool:
    """Whether a key of this role may do what needs that one: read < execute < admin."""
    return ROLES.index(role) >= ROLES.index(needed)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _now_us() -> int:
    return time.time_ns() // 1000


class AccessKeys:
    """The tk_ keys of one data folder. Thread-safe. `close()` writes what is left and lets the database go."""

    def __init__(self, folder: DataFolder) -> None:
        self._lock = threading.RLock()
        self._connection = state_db.connect(folder.state_db)
        self._live: dict[str, _Live] = {}
        self._temporary: dict[str, tuple[_Live, ApiKeyRow]] = {}
        self._touched: dict[str, int] = {}
        self._data_version = -1
        self.poll()

    def create(
        self, name: str, role: str = "execute", user: str | None = None, tags: Iterable[str] = ()
    ) -> NewApiKey:
        """A new key; the only time that it is seen in the clear. Raises KeyNameError."""
        key, row = self._new(name, role, user, tags)
        with self._lock:
            self._check_free(row.name)
            fields = msgspec.structs.asdict(row)
            tags_json = msgspec.json.encode(row.tags).decode()
            try:
                with state_db.transaction(self._connection):
                    self._connection.execute(_INSERT, {**fields, "sha256": _digest(key), "tags": tags_json})
            except sqlite3.IntegrityError:
                # Another process made it since the last poll.
                raise _taken(row.name) from None
            self._reload()
        return NewApiKey(key=key, row=row)

    def add_temporary(self, name: str, role: str = "execute") -> NewApiKey:
        """A key that lives in this process's memory only, until it ends. Raises KeyNameError."""
        key, row = self._new(name, role, None, ())
        with self._lock:
            self._check_free(row.name)
            digest = _digest(key)
            self._temporary[row.id] = (_Live(digest, _principal(row)), row)
            self._reload()
        return NewApiKey(key=key, row=row)

    def add_example(self, row: ApiKeyRow) -> None:
        """A key that an example history was made with: it is listed, and nobody has it. One that is there stays."""
        fields = {**msgspec.structs.asdict(row), "tags": msgspec.json.encode(row.tags).decode()}
        with self._lock:
            if all(known.id != row.id for known in self.list()):
                with state_db.transaction(self._connection):
                    self._connection.execute(_INSERT, {**fields, "sha256": _digest(secrets.token_urlsafe(32))})
                self._reload()
            if row.last_used_us is not None:
                self.touch(row.id, row.last_used_us)

    def list(self) -> tuple[ApiKeyRow, ...]:
        """All keys, oldest first, revoked ones included."""
        with self._lock:
            rows = [row for _, row in self._stored()]
            rows += [row for _, row in self._temporary.values()]
            touched = dict(self._touched)
        return tuple(
            msgspec.structs.replace(row, last_used_us=touched[row.id]) if row.id in touched else row for row in rows
        )

    def revoke(self, name_or_id: str) -> ApiKeyRow:
        """Ends a key by its id or its live name, at once in this process. Raises KeyNameError."""
        with self._lock:
            rows = self.list()
            found = [r for r in rows if r.id == name_or_id] or [r for r in rows if r.name == name_or_id]
            live = [row for row in found if row.revoked_us is None]
            if not live:
                what = "is revoked already" if found else "does not exist"
                raise KeyNameError(f'The key "{name_or_id}" {what}: see the list of keys for what there is.')
            row = msgspec.structs.replace(live[0], revoked_us=_now_us())
            if self._temporary.pop(row.id, None) is None:
                with state_db.transaction(self._connection):
                    self._connection.execute(_REVOKE, (row.revoked_us, row.id))
            self._reload()
        return row

    def authenticate(self, presented: str | None) -> Principal | None:
        """Whose key this is, None for a missing, unknown or revoked one. Microseconds, no disk."""
        if presented is None or len(presented) != _KEY_LENGTH or not presented.isascii():
            return None
        digest = _digest(presented)
        live = self._live.get(digest)
        # The dict's own comparison ends at the first difference; this one does not.
        if live is None or not hmac.compare_digest(live.digest, digest):
            return None
        return live.principal

    def touch(self, key_id: str, at_us: int) -> None:
        """Notes that a key was used; `flush` writes it."""
        self._touched[key_id] = at_us

    def flush(self) -> None:
        """Writes the gathered last-used times in one transaction."""
        with self._lock:
            touched, self._touched = self._touched, {}
            stored = [(at_us, key_id) for key_id, at_us in touched.items() if key_id not in self._temporary]
            for key_id in touched.keys() & self._temporary.keys():
                live, row = self._temporary[key_id]
                self._temporary[key_id] = (live, msgspec.structs.replace(row, last_used_us=touched[key_id]))
            if not stored:
                return
            try:
                with state_db.transaction(self._connection):
                    self._connection.executemany(_TOUCH, stored)
            except FaregateError:
                self._touched = {**touched, **self._touched}
                raise

    def poll(self) -> bool:
        """Follows other processes: whether they changed the database since the last look (and it was read again)."""
        with self._lock:
            version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            if version == self._data_version:
                return False
            self._data_version = version
            self._reload()
        return True

    def close(self) -> None:
        with self._lock:
            try:
                self.flush()
            except FaregateError as error:
                # When keys were last used is worth no more than this at the end.
                _log.warning("When keys were last used is not kept: %s", error.message)
            self._connection.close()

    def _new(self, name: str, role: str, user: str | None, tags: Iterable[str]) -> tuple[str, ApiKeyRow]:
        if role not in ROLES:
            raise KeyFieldError(f'"{role}" is not a role: choose read, execute or admin.')
        key = KEY_START + secrets.token_urlsafe(32)
        row = ApiKeyRow(
            id="key_" + secrets.token_hex(6),
            name=_label(name, "A key's name"),
            prefix=key[:7],
            role=role,
            user=_label(user, "A key's user") if user else None,
            tags=_tags(tags),
            created_us=_now_us(),
        )
        return key, row

    def _check_free(self, name: str) -> None:
        if any(live.principal.key_name == name for live in self._live.values()):
            raise _taken(name)

    def _stored(self) -> Iterator[tuple[str, ApiKeyRow]]:
        cursor = self._connection.execute(_ALL)
        names = [column[0] for column in cursor.description]
        for values in cursor:
            fields = dict(zip(names, values, strict=True))
            digest = fields.pop("sha256")
            fields["tags"] = msgspec.json.decode(fields["tags"])
            yield digest, msgspec.convert(fields, ApiKeyRow)

    def _reload(self) -> None:
        live = {digest: _Live(digest, _principal(row)) for digest, row in self._stored() if row.revoked_us is None}
        live.update({entry.digest: entry for entry, _ in self._temporary.values()})
        self._live = live


def _principal(row: ApiKeyRow) -> Principal:
    return Principal(row.id, row.name, row.role, row.user, row.tags, row.created_us)


def _taken(name: str) -> KeyNameError:
    return KeyNameError(f'A key named "{name}" exists: choose another name, or revoke it.')


def _label(text: str, what: str) -> str:
    label = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(label) <= 100 or not label.isprintable():
        raise KeyFieldError(f"{what} must be 1 to 100 printable characters.")
    return label


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    given = tuple(tags)
    for tag in given:
        if "," in tag:
            raise KeyFieldError(f'The tag "{tag[:60]}" holds a comma, which tags must not hold.')
    try:
        return parse_tags(",".join(given))
    except ClientError as error:
        raise KeyFieldError(error.message.replace(" in x-tags", "")) from None
