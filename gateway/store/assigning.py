"""What is learnt of an exchange after its row was written: its conversation, the app that sent it, and what may be
kept of the words in which it failed.

A conversation and such words stand on the row alone. An app is a dimension of the sums too: the row's share is taken
out of the cells of the app before, and added to those of the new one. Cells that retention has taken stay gone.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.records import ExchangeRecord
from gateway.store import buckets, combining, conversation_totals, histogram, shares
from gateway.store.buckets import DAY, DIMENSION_IDS, HALF, HOUR, QUARTER, Key
from gateway.store.measures import HISTOGRAMS
from gateway.store.migrations import BUCKET_KEY, COMBINED_KEY
from gateway.store.names import Names, Texts, json_array
from gateway.store.pages import one
from gateway.store.pairs import unsettle_rows
from gateway.store.quarters import day_start, half_start, hour_start, quarter_of
from gateway.store.storable import sound_text

_COLUMNS = (*shares.ALL, *HISTOGRAMS)
_KEYS: Mapping[str, tuple[str, ...]] = {"buckets": BUCKET_KEY, "combined": COMBINED_KEY}
_WHERE = {table: " AND ".join(f"{key} = ?" for key in keys) for table, keys in _KEYS.items()}
_CELL = {table: f"SELECT {', '.join(_COLUMNS)} FROM {table} WHERE {where}" for table, where in _WHERE.items()}
_SET = {
    table: f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in _COLUMNS)} WHERE {where}"
    for table, where in _WHERE.items()
}
_DROP = {table: f"DELETE FROM {table} WHERE {where}" for table, where in _WHERE.items()}
_ADD = {"buckets": buckets.ADD_ALL_TO_BUCKETS.one, "combined": buckets.ADD_ALL_TO_COMBINED.one}
_NUMBER = "SELECT n FROM requests WHERE id = ?"
_CONVERSATION = "SELECT n, conversation FROM requests WHERE id = ?"
_SET_CONVERSATION = "UPDATE requests SET conversation = ? WHERE n = ?"
_SET_MESSAGE = "UPDATE requests SET error_message = ? WHERE id = ?"
_SET_APP = "UPDATE requests SET app = ? WHERE id = ?"
_REQUESTS = shares.ALL.index("requests")
# A sweep looks through rows and sums for seconds, and only later deletes the names that it met nowhere: one that was
# given to an old row meanwhile must not be among them.
_APPS_ASSIGNED = "SELECT value FROM settings WHERE name = 'apps_assigned'"
_NOTE_APPS = (
    "INSERT INTO settings (name, value) VALUES ('apps_assigned', ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_MOST_NOTED = 1000
_decode_numbers = msgspec.json.Decoder(list[int]).decode


class Assignment(Struct, frozen=True):
    """Of one exchange; None leaves what stands, and "" takes it away."""

    request_id: str
    conversation_id: str | None = None
    app: str | None = None
    error_message: str | None = None

    @classmethod
    def of(
        cls, request_id: str, conversation_id: str | None, app: str | None, error_message: str | None
    ) -> "Assignment":
        """With texts that SQLite can hold."""
        return cls(request_id, *(text and sound_text(text) for text in (conversation_id, app, error_message)))


def assign(connection: sqlite3.Connection, names: Names, zone: ZoneInfo, assignments: Iterable[Assignment]) -> None:
    """Within a transaction. What has no row, or none any more, is passed over."""
    texts = Texts()
    apps: list[int] = []
    for each in assignments:
        if each.conversation_id is not None:
            _set_conversation(connection, each.request_id, each.conversation_id or None)
        if each.error_message is not None:
            connection.execute(_SET_MESSAGE, (each.error_message or None, each.request_id))
        if each.app is not None:
            before = one(connection, texts, each.request_id)
            app = each.app or None
            if before is not None and before.app != app:
                _move(connection, names, zone, before, replace(before, app=app))
                if app is not None:
                    apps.append(names.number(app))
    _note(connection, apps)


def apps_assigned(connection: sqlite3.Connection) -> list[int]:
    """The numbers of the apps that rows were given after they were written: the last thousand, the latest last."""
    found = connection.execute(_APPS_ASSIGNED).fetchone()
    return _decode_numbers(found[0]) if found else []


def _note(connection: sqlite3.Connection, apps: Sequence[int]) -> None:
    noted = apps_assigned(connection) if apps else []
    # Nearly always it is one of a few: what is far from being forgotten need not be noted anew.
    late = [number for number in dict.fromkeys(apps) if number not in noted[-_MOST_NOTED // 2 :]]
    if late:
        kept = [*(number for number in noted if number not in late), *late][-_MOST_NOTED:]
        connection.execute(_NOTE_APPS, (json_array(kept),))


def _set_conversation(connection: sqlite3.Connection, request_id: str, conversation: str | None) -> None:
    found = connection.execute(_CONVERSATION, (request_id,)).fetchone()
    if found is None or found[1] == conversation:
        return
    n, before = found
    connection.execute(_SET_CONVERSATION, (conversation, n))
    if n <= conversation_totals.counted_to(connection):
        conversation_totals.again(connection, [text for text in (before, conversation) if text is not None])


def _move(
    connection: sqlite3.Connection, names: Names, zone: ZoneInfo, before: ExchangeRecord, after: ExchangeRecord
) -> None:
    connection.execute(_SET_APP, (names.number(after.app), after.id))
    unsettle_rows(connection, zone, (before.started_us,))
    (n,) = connection.execute(_NUMBER, (after.id,)).fetchone()
    combined = n <= combining.counted_to(connection)
    cells = zip(*(_cells_of_app(names, zone, each, combined) for each in (before, after)), strict=True)
    added = shares.columns(shares.share(before), rare=True)
    for (table, old), (_, new) in cells:
        cell = connection.execute(_CELL[table], old).fetchone()
        if cell is None:
            continue
        left = _less(cell, added)
        if left[_REQUESTS]:
            connection.execute(_SET[table], (*left, *old))
        else:
            connection.execute(_DROP[table], old)
        connection.execute(_ADD[table], (*new, *added))


def _cells_of_app(names: Names, zone: ZoneInfo, record: ExchangeRecord, combined: bool) -> list[tuple[str, Key]]:
    """The cells that a row counts in because of its app; `combined`: its combination is counted too."""
    quarter = quarter_of(record.started_us)
    day = day_start(quarter, zone)
    app, values = names.number(record.app), buckets.values_of(names, record)
    singles = ((QUARTER, quarter), (HOUR, hour_start(quarter)), (DAY, day))
    combinations = ((HALF, half_start(quarter)), (DAY, day)) if combined else ()
    return [
        *(("buckets", (level, DIMENSION_IDS["app"], start, app)) for level, start in singles),
        *(("combined", (level, start, *values)) for level, start in combinations),
    ]


def _less(cell: Sequence[Any], share: Sequence[Any]) -> list[int | bytes]:
    """Both in the order of `_COLUMNS`."""
    numbers = [have - less for have, less in zip(cell, share[: len(shares.ALL)], strict=False)]
    blobs = []
    for have, less in zip(cell[len(numbers) :], share[len(numbers) :], strict=True):
        left = histogram.decode(have)
        histogram.add(left, histogram.decode(less), -1)
        blobs.append(histogram.encode(left))
    return [*numbers, *blobs]
