"""Texts that repeat (models, users, doors, tags …) are stored once and referred to by number.

Numbers make rows and bucket keys small and compare fast. The words of the contract have fixed numbers, so SQL may
name them. 0 stands for "no value". Numbers learnt in a transaction that fails are forgotten with it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping

import msgspec

from gateway.tags import tag_key

NO_NAME = 0
FIXED = ("ok", "error", "aborted", "interrupted", "provider", "partial", "estimated", "none", "override", "list")
FIXED_IDS: Mapping[str, int] = {text: number for number, text in enumerate(FIXED, 1)}

INSERT_NAME = "INSERT INTO names (text) VALUES (?) RETURNING id"
NAMES_BY_TEXT = "SELECT text, id FROM names WHERE text IN (SELECT value FROM json_each(?))"
NAME_BY_TEXT = "SELECT id FROM names WHERE text = ?"
NAMES_BY_ID = "SELECT id, text FROM names WHERE id IN (SELECT value FROM json_each(?))"
INSERT_TAG_SET = "INSERT INTO tag_sets (tags) VALUES (?) RETURNING id"
TAG_SET_BY_TAGS = "SELECT id FROM tag_sets WHERE tags = ?"
TAG_SETS_BY_ID = "SELECT id, tags FROM tag_sets WHERE id IN (SELECT value FROM json_each(?))"
# Counts the times that names were deleted.
SWEPT = "SELECT value FROM settings WHERE name = 'names_swept'"
INSERT_MEMBER = "INSERT INTO tag_set_members (tag_set, tag, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

CACHE_LIMIT = 200_000
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode


def json_array(values: Iterable[str | int | tuple[str, int]]) -> str:
    """A bound parameter for `IN (SELECT value FROM json_each(?))`."""
    return msgspec.json.encode(list(values)).decode()


class _Numbers(dict[str | None, int]):
    """Numbers of texts, of which one that is missed is looked up, or given a number where there is none.

    A row asks two dozen times, so what is known is answered by the dictionary itself.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__({None: NO_NAME})
        self._connection = connection

    def __missing__(self, text: str | None) -> int:
        if text is not None and "\0" in text:
            # It would be stored, and not be found again by who asks for it.
            raise ValueError("A text with a null character has no number.")
        # Looked up first: a check, which may not write, finds all that it needs.
        found = self._connection.execute(NAME_BY_TEXT, (text,)).fetchone()
        if found is None:
            found = self._connection.execute(INSERT_NAME, (text,)).fetchone()
        number: int = found[0]
        self[text] = number
        return number


class _TagSets(dict[tuple[str, ...], int]):
    """Numbers of lists of tags, likewise."""

    def __init__(self, connection: sqlite3.Connection, numbers: _Numbers) -> None:
        super().__init__({(): NO_NAME})
        self._connection = connection
        self._numbers = numbers

    def __missing__(self, tags: tuple[str, ...]) -> int:
        encoded = json_array(tags)
        found = self._connection.execute(TAG_SET_BY_TAGS, (encoded,)).fetchone()
        if found is None:
            found = self._connection.execute(INSERT_TAG_SET, (encoded,)).fetchone()
            members = [(found[0], self._numbers[tag], self._numbers[tag_key(tag)]) for tag in tags]
            self._connection.executemany(INSERT_MEMBER, members)
        number: int = found[0]
        self[tags] = number
        return number


class Names:
    """Text ↔ number on the writing connection; call within its transaction, and `forget` when that fails.

    `number` and `tag_set` answer for what is new too, until the next `forget`.
    """

    number: Callable[[str | None], int]
    tag_set: Callable[[tuple[str, ...]], int]

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.forget()

    def forget(self) -> None:
        """Know nothing any more but what the database says."""
        self._numbers = _Numbers(self._connection)
        self._tag_sets = _TagSets(self._connection, self._numbers)
        self.number, self.tag_set = self._numbers.__getitem__, self._tag_sets.__getitem__

    def bound(self) -> None:
        """Let go of what is known where it is much; between rows."""
        if len(self._numbers) > CACHE_LIMIT or len(self._tag_sets) > CACHE_LIMIT:
            self.forget()


class Texts:
    """Number → text on reading connections. No number is given twice, so what was read once stays true."""

    def __init__(self) -> None:
        self._texts: dict[int, str | None] = {NO_NAME: None}
        self._tags: dict[int, tuple[str, ...]] = {NO_NAME: ()}

    def texts(self, connection: sqlite3.Connection, ids: Iterable[int]) -> Mapping[int, str | None]:
        """A mapping that knows at least these numbers."""
        wanted = set(ids)
        known = self._texts
        missing = wanted - known.keys()
        if missing:
            if len(known) > CACHE_LIMIT:
                known, missing = {NO_NAME: None}, wanted
                self._texts = known
            known.update(connection.execute(NAMES_BY_ID, (json_array(missing),)).fetchall())
        return known

    def tags(self, connection: sqlite3.Connection, ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
        """A mapping that knows at least these sets of tags."""
        wanted = set(ids)
        known = self._tags
        missing = wanted - known.keys()
        if missing:
            if len(known) > CACHE_LIMIT:
                known, missing = {NO_NAME: ()}, wanted
                self._tags = known
            rows = connection.execute(TAG_SETS_BY_ID, (json_array(missing),)).fetchall()
            known.update((number, _decode_tags(tags)) for number, tags in rows)
        return known
