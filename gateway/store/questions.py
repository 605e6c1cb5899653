"""The questions that the usage store answers: sums, series, lists, conversations, exports.

Plain functions for worker threads, each on a snapshot of its own; none waits for the writer.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from typing import TextIO, TypeVar

from msgspec.structs import replace

from gateway.price_records import Repricing
from gateway.records import (
    Breakdown,
    ConversationPage,
    ConversationRow,
    ExchangeRecord,
    Export,
    RequestPage,
    Summary,
    TimeBucket,
    UsageQuery,
)
from gateway.store import check, conversations, exports, pages, queries, repricing
from gateway.store.database import Readers
from gateway.store.exports import Known, Progress
from gateway.store.filters import needs_rows
from gateway.store.kept import Kept, kept
from gateway.store.names import Texts

_T = TypeVar("_T")

EXPORT_ROWS = 1000
EXPORT_CONVERSATIONS = 100
# More are no filter that a person has meant.
MOST_NAMED = 200


class Questions:
    """What is read of `usage.db`. Whoever opens it gives `_readers`."""

    _readers: Readers

    def __init__(self) -> None:
        self._texts = Texts()

    def summary(self, query: UsageQuery) -> Summary:
        """Sums over all matching rows."""
        with self._readers.snapshot() as connection:
            sums, since = queries.total(connection, query), queries.complete_from(connection, query)
        return replace(sums.summary(), complete_from_us=since)

    def request_count(self, query: UsageQuery) -> int:
        """How many matching rows there are, one by one."""
        with self._readers.snapshot() as connection:
            query, _ = queries.of_kept_rows(connection, query)
            if needs_rows(query):
                return pages.count(connection, query)
            return queries.total(connection, query)["requests"]

    def complete_from(self, query: UsageQuery, by: str | None = None) -> int | None:
        """From when on nothing is missing in what is asked; None where nothing is. `by` is one that can be asked."""
        with self._readers.snapshot() as connection:
            return queries.complete_from(connection, query, by)

    def kept(self) -> Kept:
        """From when on rows and buckets are all there."""
        with self._readers.snapshot() as connection:
            return kept(connection)

    def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        """A bucket per slice of the calendar in the query's zone, empty ones too. Raises ClientError."""
        with self._readers.snapshot() as connection:
            return queries.timeseries(connection, self._texts, query, bucket, by)

    def breakdown(
        self,
        query: UsageQuery,
        by: str,
        sort: str = "cost_usd",
        limit: int | None = None,
        only: Collection[str | None] | None = None,
        others: bool = False,
    ) -> Breakdown:
        """A row per value of a dimension, of every tag, or of one tag key (`tag:team`); or the first `limit`, or of
        `only` these values, and with `others` the rest together. Raises ClientError."""
        with self._readers.snapshot() as connection:
            return queries.breakdown(
                connection, self._texts, query, by, sort=sort, limit=limit, only=only, others=others
            )

    def requests(
        self, query: UsageQuery, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> RequestPage:
        """Matching rows, newest first, from `cursor` on or else from the `offset`th. Raises ClientError."""
        after = pages.parse_cursor(cursor)
        with self._readers.snapshot() as connection:
            query, complete_from_us = queries.of_kept_rows(connection, query)
            if cursor is None:
                query, offset = queries.narrowed(connection, query, offset)
            records, last = pages.page(connection, self._texts, query, limit=limit, offset=offset, after=after)
        return pages.as_page(records, last, complete_from_us)

    def request(self, request_id: str) -> ExchangeRecord | None:
        with self._readers.snapshot() as connection:
            return pages.one(connection, self._texts, request_id)

    def iter_requests(self, query: UsageQuery) -> Iterator[ExchangeRecord]:
        """All matching rows, newest first, a page in memory at a time."""
        after: pages.Place | None = pages.parse_cursor(None)
        while after is not None:
            with self._readers.snapshot() as connection:
                query, _ = queries.of_kept_rows(connection, query)
                records, after = pages.page(connection, self._texts, query, limit=EXPORT_ROWS, offset=0, after=after)
            yield from records

    def iter_timeseries(
        self, query: UsageQuery, bucket: str, by: str | None = None, known: Known | None = None
    ) -> Iterator[TimeBucket]:
        """The buckets of `timeseries`, however many, a stretch of them in memory at a time. Raises ClientError."""

        def told(connection: sqlite3.Connection, stretch: UsageQuery) -> tuple[TimeBucket, ...]:
            return queries.timeseries(connection, self._texts, stretch, bucket, by, one_slice_is_few=True)

        def counted(connection: sqlite3.Connection, stretch: UsageQuery) -> int:
            return queries.series_size(connection, stretch, bucket, by)

        with self._readers.snapshot() as connection:
            left = deque(queries.stretches(connection, query, bucket))
        for buckets in self._stretch_by_stretch(left, bucket, told):
            if known is not None:
                known(len(buckets) + sum(self._stretch_by_stretch(deque(left), bucket, counted)))
                known = None
            yield from buckets

    def _stretch_by_stretch(
        self, left: deque[UsageQuery], bucket: str, ask: Callable[[sqlite3.Connection, UsageQuery], _T]
    ) -> Iterator[_T]:
        """What is asked of each stretch, in shorter ones where one is too long; `left` are those that follow."""
        while left:
            stretch = left.popleft()
            with self._readers.snapshot() as connection:
                try:
                    found = ask(connection, stretch)
                except queries.TooManyBuckets as error:
                    left.extendleft(reversed(queries.shorter(connection, stretch, bucket, error.values)))
                    continue
            yield found

    def conversations(
        self, query: UsageQuery, sort: str = "cost_usd", limit: int = 100, cursor: str | None = None
    ) -> ConversationPage:
        """Conversations with matching rows, largest `sort` first, from `cursor` on. Raises ClientError."""
        with self._readers.snapshot() as connection:
            query, complete_from_us = queries.of_kept_rows(connection, query)
            page = conversations.page(connection, self._texts, query, sort=sort, limit=limit, cursor=cursor)
        return replace(page, complete_from_us=complete_from_us)

    def conversations_named(self, query: UsageQuery, text: str) -> tuple[str, ...]:
        """The conversation of this id in the query's time, else those that have it in theirs. Raises ClientError
        where these are very many."""
        with self._readers.snapshot() as connection:
            return conversations.named(connection, query, text, MOST_NAMED)

    def iter_conversations(
        self, query: UsageQuery, sort: str = "cost_usd", known: Known | None = None
    ) -> Iterator[ConversationRow]:
        """All conversations with matching rows, in order, some in memory at a time. Raises ClientError."""
        with self._readers.snapshot() as connection:
            query, _ = queries.of_kept_rows(connection, query)
            spool = conversations.spooled(connection, query, sort)
        with closing(spool):
            if known is not None:
                known(spool.count)
            for ids in spool.chunks(EXPORT_CONVERSATIONS):
                with self._readers.snapshot() as connection:
                    rows = conversations.described(connection, self._texts, query, ids)
                yield from rows

    def export(self, query: UsageQuery, export: Export, known: Known | None = None) -> Iterator[str]:
        """The lines of a file, each with its end, in constant memory. Raises ClientError before the first."""
        return exports.lines(self, query, export, known)

    def export_to(self, query: UsageQuery, export: Export, file: TextIO, progress: Progress | None = None) -> int:
        """Write an export; how many rows. `file` is opened with newline="". Raises ClientError."""
        header = export.format == "csv"
        if progress is None:
            return exports.write(self.export(query, export), file, header)
        total = 0

        def known(rows: int) -> None:
            nonlocal total
            total = rows
            progress(0, rows)

        lines = self.export(query, export, known)
        return exports.write(lines, file, header, lambda count: progress(count, total))

    def check(self) -> list[str]:
        """What differs between rows and buckets, in words; nothing where they agree, as far back as both are kept."""
        with self._readers.snapshot() as connection:
            return check.check(connection)

    def repricings(self) -> tuple[Repricing, ...]:
        """All that were ever applied, newest first."""
        with self._readers.snapshot() as connection:
            return repricing.every(connection)

    def look(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Ask the database something of one's own; what is read is of one moment."""
        with self._readers.snapshot() as connection:
            return work(connection)
