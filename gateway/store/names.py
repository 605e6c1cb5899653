"""Texts that repeat (models, users, doors, tags …) are stored once and referred to by number.

Numbers make rows and bucket keys small and compare fast. The words of the contract have fixed numbers, so SQL may
name them. 0 stands for "no value". Numbers learnt in a transaction that fails are forgotten with it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Set

import msgspec

from gateway.tags import tag_key

NO_NAME = 0
FIXED = ("ok", "error", "aborted", "interrupted", "provider", "partial", "estimated", "none", "override", "list")
FIXED_IDS: Mapping[str, int] = {text: number for number, text in enumerate(FIXED, 1)}

INSERT_NAME = "INSERT INTO names (text) VALUES (?) ON CONFLICT DO NOTHING"
NAMES_BY_TEXT = "SELECT text, id FROM names WHERE text IN (SELECT value FROM json_each(?))"
NAMES_BY_ID = "SELECT id, text FROM names WHERE id IN (SELECT value FROM json_each(?))"
INSERT_TAG_SET = "INSERT INTO tag_sets (tags) VALUES (?) ON CONFLICT DO NOTHING"
TAG_SET_BY_TAGS = "SELECT id FROM tag_sets WHERE tags = ?"
TAG_SETS_BY_ID = "SELECT id, tags FROM tag_sets WHERE id IN (SELECT value FROM json_each(?))"
# Counts the times that names were deleted.
SWEPT = "SELECT value FROM settings WHERE name = 'names_swept'"
INSERT_MEMBER = "INSERT INTO tag_set_members (tag_set, tag, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

CACHE_LIMIT = 200_000
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode


def json_array(values: Iterable[str | int]) -> str:
    """A bound parameter for `IN (SELECT value FROM json_each(?))`."""
    return msgspec.json.encode(list(values)).decode()


class Names:
    """Text ↔ number on the writing connection; call within its transaction, and `forget` when that fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[str | None, int] = {None: NO_NAME}
        self._tag_sets: dict[tuple[str, ...], int] = {(): NO_NAME}

    def learn(self, texts: Set[str | None]) -> None:
        """Make sure that each text has a number."""
        unknown = {text for text in texts if text not in self._ids}
        if not unknown:
            return
        if len(self._ids) > CACHE_LIMIT:
            self._ids = {None: NO_NAME}
            unknown = {text for text in texts if text is not None}
        # Looked up first: a check, which may not write, finds all that it needs.
        missing = unknown - self._look_up(unknown)
        if missing:
            self._connection.executemany(INSERT_NAME, [(text,) for text in missing])
            self._look_up(missing)

    def _look_up(self, texts: Set[str | None]) -> Set[str | None]:
        wanted = json_array(text for text in texts if text is not None)
        found = dict(self._connection.execute(NAMES_BY_TEXT, (wanted,)).fetchall())
        self._ids.update(found)
        return found.keys()

    def id(self, text: str | None) -> int:
        """The number of a text that was learnt."""
        return self._ids[text]

    @property
    def number(self) -> Callable[[str | None], int]:
        """`id`, for as long as nothing is learnt: a row asks two dozen times."""
        return self._ids.__getitem__

    def tag_set_id(self, tags: tuple[str, ...]) -> int:
        """The number of this list of tags; its texts must have been learnt."""
        known = self._tag_sets.get(tags)
        if known is not None:
            return known
        if len(self._tag_sets) > CACHE_LIMIT:
            self._tag_sets = {(): NO_NAME}
        encoded = json_array(tags)
        found = self._connection.execute(TAG_SET_BY_TAGS, (encoded,)).fetchone()
        if found is None:
            self._connection.execute(INSERT_TAG_SET, (encoded,))
            found = self._connection.execute(TAG_SET_BY_TAGS, (encoded,)).fetchone()
            members = [(found[0], self.id(tag), self.id(tag_key(tag))) for tag in tags]
            self._connection.executemany(INSERT_MEMBER, members)
        number: int = found[0]
        self._tag_sets[tags] = number
        return number

    def forget(self) -> None:
        self._ids = {None: NO_NAME}
        self._tag_sets = {(): NO_NAME}


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
