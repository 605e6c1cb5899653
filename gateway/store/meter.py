"""The completeness meter: what became of every exchange that was seen, and why a number is not what it could be.

Three counts make a chain: seen on the wire, written to the database, priced. `REASONS` has a row for each way in
which the next count can be smaller, so that what is missing between two of them is always named in full; the other
rows say how far the written numbers may be trusted, and what this start found. Counts are those of the process.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock

from msgspec import Struct

from gateway.records import Completeness, Difference, ExchangeRecord
from gateway.store.storable import adds_up, storable

LOCKED, FULL, FAILING = "database_locked", "database_full", "database_failing"
MOVED = "database_moved"
# Primary result codes of SQLite: https://www.sqlite.org/rescode.html
_HINDRANCES = {5: LOCKED, 6: LOCKED, 13: FULL}


NOTHING: Mapping[str, int] = {}


class Reason(Struct, frozen=True):
    """`of`: the count that is smaller for it ("written", "priced"), or what it says something about: "kept" (until it
    is written), "counted" (what was written), "captured" (what was said), "start" (what the last run left)."""

    kind: str
    of: str
    attention: bool
    meaning: str


REASONS: tuple[Reason, ...] = (
    Reason("running", "written", False, "Still being answered: their rows follow."),
    Reason("waiting", "written", False, "Ended and safe in the journal: the database takes them within a moment."),
    Reason(
        LOCKED,
        "written",
        True,
        "Another program holds usage.db: close it, and what waits in the journal is written.",
    ),
    Reason(
        FULL, "written", True, "The disk is full for usage.db: make room, and what waits in the journal is written."
    ),
    Reason(
        FAILING, "written", True, "usage.db cannot be written: the log says why, and the journal keeps what waits."
    ),
    Reason(
        MOVED,
        "written",
        True,
        "usage.db was moved, replaced or deleted while Faregate runs: put it back, or start Faregate anew.",
    ),
    Reason("refused", "written", True, "No table can hold them: they stay in the journal, and the log names them."),
    Reason(
        "lost", "written", True, "They ended while the disk took nothing and memory was full: make room on the disk."
    ),
    Reason("unrecorded", "written", True, "They left no row, which is a fault of the gateway: its log says why."),
    Reason("no_price", "priced", True, "No price is known for their model: they count in no sum until it has one."),
    Reason(
        "use_unknown",
        "priced",
        True,
        "A provider may have worked on them, and nothing tells what that used: they count in no sum, see its bill.",
    ),
    Reason(
        "not_used", "priced", False, "Nothing was used: they were refused, or failed before the provider took them."
    ),
    Reason(
        "memory_only",
        "kept",
        True,
        "The disk refuses the journal: a kill would lose these, so make room on the disk.",
    ),
    Reason(
        "estimated",
        "counted",
        False,
        "The provider gave no count, or none of the input: tokens are estimated from the size of the texts.",
    ),
    Reason(
        "partial",
        "counted",
        False,
        "The answer broke off, lacks a count or takes one back: the provider's counts so far, the rest estimated.",
    ),
    Reason(
        "unreadable", "counted", True, "The provider sent what could not be read: ask it why, by the request's id."
    ),
    Reason(
        "contradictory",
        "counted",
        True,
        "The provider counted a part larger than its whole: it stands as said, and is priced without the excess.",
    ),
    Reason(
        "mended", "counted", True, "A value that no table can hold was mended or left unknown: see the client's data."
    ),
    Reason(
        "price_fuzzy",
        "counted",
        True,
        "The list has no exact price for these (a name it only resembles, a tier, audio): check what they cost.",
    ),
    Reason(
        "content_busy",
        "captured",
        True,
        "More was said than could be taken down: their conversations show figures only.",
    ),
    Reason("content_failed", "captured", True, "What they said could not be read: the log says why."),
    Reason("content_unstored", "captured", True, "traces.db did not take what they said: the log says why."),
    Reason(
        "content_locked",
        "captured",
        True,
        "Another program holds traces.db: close it, and what waits in memory is stored.",
    ),
    Reason(
        "content_full",
        "captured",
        True,
        "The disk is full for traces.db: make room, and what waits in memory is stored.",
    ),
    Reason(
        "content_failing",
        "captured",
        True,
        "traces.db cannot be written: the log says why, and what was said waits in memory until Faregate ends.",
    ),
    Reason(
        "content_moved",
        "captured",
        True,
        "traces.db was moved, replaced or deleted while Faregate runs: put it back, or what waits in memory is lost "
        "when Faregate ends.",
    ),
    Reason(
        "recovered", "start", False, "The last run had not written these yet: the journal kept them, nothing is lost."
    ),
    Reason("interrupted", "start", True, "They ran when the gateway was killed: what they used since is unknown."),
    Reason(
        "damaged", "start", True, "Lines of the journal could not be read: what they told is lost, check the disk."
    ),
    Reason(
        "unopened",
        "start",
        True,
        "Files of the journal cannot be opened, and keep what they tell: see to owner and mode, and start anew.",
    ),
    Reason("unreplayed", "start", True, "No table can hold these of an earlier run: they stay in the journal."),
)


def hindrance(error: sqlite3.Error) -> str:
    """The kind of reason for which the database takes nothing now."""
    code = getattr(error, "sqlite_errorcode", 0)
    return MOVED if code == sqlite3.SQLITE_READONLY_DBMOVED else _HINDRANCES.get(code & 0xFF, FAILING)


def content_hindrance(error: sqlite3.Error) -> str:
    """The kind of reason for which the database of what was said takes nothing now."""
    return hindrance(error).replace("database", "content")


def contradictory(record: ExchangeRecord) -> bool:
    """Whether the parts that are known come to more than their whole."""
    whole, made, written = record.input_tokens, record.output_tokens, record.cache_write_tokens
    if whole is not None:
        cached = (record.cached_tokens or 0) + (written or 0)
        if cached > whole or (record.input_audio_tokens or 0) > whole:
            return True
    if made is not None and ((record.reasoning_tokens or 0) > made or (record.output_audio_tokens or 0) > made):
        return True
    return written is not None and (record.cache_write_1h_tokens or 0) > written


def _kinds(record: ExchangeRecord) -> Iterator[str]:
    """What is to be said of a written row."""
    if record.cost_nano is None:
        yield "not_used" if not record.unpriced else "use_unknown" if record.use_unknown else "no_price"
    if record.usage_source in ("estimated", "partial"):
        yield record.usage_source
    if record.error_type == "unreadable_answer":
        yield "unreadable"
    if contradictory(record):
        yield "contradictory"
    if record.price_fuzzy:
        yield "price_fuzzy"


class Meter:
    """`begin` and `end` are told on the event-loop thread, where `reading` belongs too; the rest on the writer's."""

    def __init__(self) -> None:
        self.hindered: str | None = None
        self._begun = 0
        self._ended = 0
        self._written = 0
        self._priced = 0
        self._unwritten: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def begin(self) -> None:
        self._begun += 1

    def end(self, request_id: str) -> None:
        self._ended += 1
        self._unwritten.add(request_id)

    def wrote(self, records: Iterable[ExchangeRecord]) -> None:
        """These are in the database; those of an earlier run are not counted."""
        counts: Counter[str] = Counter()
        written = priced = 0
        for record in records:
            if record.id not in self._unwritten:
                continue
            self._unwritten.discard(record.id)
            sound = adds_up(record)
            stored = record if sound else storable(record)
            for kind in _kinds(stored):
                counts[kind] += 1
            counts["mended"] += not sound
            written += 1
            priced += stored.cost_nano is not None
        with self._lock:
            self._counts.update(counts)
            self._written += written
            self._priced += priced

    def mended(self, record: ExchangeRecord) -> None:
        """A text of this record was mended."""
        if adds_up(record):
            self._count("mended", 1)

    def refused(self, records: Iterable[ExchangeRecord]) -> None:
        """These cannot be written, ever."""
        for record in records:
            self._count("refused" if record.id in self._unwritten else "unreplayed", 1)
            self._unwritten.discard(record.id)

    def lost(self, request_ids: Iterable[str]) -> None:
        """Nothing holds any more how these ended."""
        for request_id in request_ids:
            self._count("lost", 1)
            self._unwritten.discard(request_id)

    def found(self, *, recovered: int, interrupted: int, damaged_lines: int, unopened_files: int) -> None:
        """What this start took from the journals of runs that are over, and had not been written."""
        self._count("interrupted", interrupted)
        self._count("recovered", recovered)
        self._count("damaged", damaged_lines)
        self._count("unopened", unopened_files)

    def _count(self, kind: str, more: int) -> None:
        with self._lock:
            self._counts[kind] += more

    def reading(
        self,
        memory_only: int,
        seen: int | None = None,
        running: int | None = None,
        uncaptured: Mapping[str, int] = NOTHING,
    ) -> Completeness:
        """`seen` and `running` as the server counts them, which does not ask the store; else by what has begun.
        `uncaptured` counts, by reason, what the capture could not tell."""
        with self._lock:
            counts, written, priced = self._counts.copy(), self._written, self._priced
        counts.update(uncaptured)
        seen = max(self._begun, self._ended) if seen is None else seen
        missing = max(0, seen - self._ended)
        # An exchange ends before the server is done with it: what the server does not run any more left no row.
        counts["running"] = missing if running is None else min(missing, running)
        counts["unrecorded"] = missing - counts["running"]
        counts[self.hindered or "waiting"] = self._ended - written - counts["refused"] - counts["lost"]
        counts["memory_only"] = memory_only
        differences = [
            Difference(
                kind=reason.kind,
                count=counts[reason.kind],
                of=reason.of,
                attention=reason.attention,
                meaning=reason.meaning,
            )
            for reason in REASONS
            if counts[reason.kind]
        ]
        return Completeness(
            seen=seen, written=written, priced=priced, open=counts["running"], differences=tuple(differences)
        )
