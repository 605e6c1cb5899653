"""What the rows of `usage.db` say: sums, series, lists, exports. SQL is met in worker threads."""

from collections.abc import AsyncGenerator, Collection
from pathlib import Path

from msgspec.structs import replace

from gateway.http.downloads import downloaded
from gateway.output_file import output_file
from gateway.parts import Parts
from gateway.records import (
    Breakdown,
    Completeness,
    ConversationPage,
    ExchangeRecord,
    Export,
    RequestPage,
    Sizes,
    Summary,
    TimeBucket,
    UsageQuery,
)
from gateway.workers import Progress


class UsageQueries:
    """Coroutines raise ClientError for what cannot be asked, FaregateError where the database cannot be used."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store
        self._work = parts.workers.run

    async def summary(self, query: UsageQuery, *, before: UsageQuery | None = None) -> tuple[Summary, Summary | None]:
        """Sums over the matching rows, and those of the question `before`."""
        now = replace(await self._work(self._store.summary, query), completeness=self.completeness())
        if before is None:
            return now, None
        return now, replace(await self._work(self._store.summary, before), completeness=now.completeness)

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        return await self._work(self._store.timeseries, query, bucket, by)

    async def breakdown(
        self,
        query: UsageQuery,
        by: str,
        *,
        sort: str = "cost_usd",
        limit: int | None = None,
        only: Collection[str | None] | None = None,
        others: bool = False,
    ) -> Breakdown:
        """A row per value; or the first `limit`, or of `only` these values, and with `others` the rest together."""
        return await self._work(self._store.breakdown, query, by, sort, limit, only, others)

    async def request_count(self, query: UsageQuery) -> int:
        return await self._work(self._store.request_count, query)

    async def requests(
        self, query: UsageQuery, *, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> RequestPage:
        return await self._work(self._store.requests, query, limit, offset, cursor)

    async def request(self, id: str) -> ExchangeRecord | None:
        return await self._work(self._store.request, id)

    async def conversations(
        self, query: UsageQuery, *, sort: str = "cost_usd", limit: int = 100, cursor: str | None = None
    ) -> ConversationPage:
        return await self._work(self._store.conversations, query, sort, limit, cursor)

    async def conversations_named(self, query: UsageQuery, text: str) -> tuple[str, ...]:
        """The conversation of this id in the query's time, else those that have it in theirs. Raises ClientError
        where these are more than 200."""
        return await self._work(self._store.conversations_named, query, text)

    def download(self, query: UsageQuery, export: Export) -> AsyncGenerator[bytes, None]:
        """An export piece by piece, each made when it is asked for."""
        workers = self._parts.workers
        return downloaded(self._store.export(query, export), workers.run_long, workers.long_pool)

    async def export_file(
        self, query: UsageQuery, export: Export, path: Path, progress: Progress | None = None
    ) -> int:
        """Write an export to a file; how many rows. `progress` is told the rows so far, and how many there will be,
        on a worker's thread."""

        def whole() -> int:
            with output_file(path) as file:
                return self._store.export_to(query, export, file, progress)

        return await self._parts.workers.run_long(whole)

    def completeness(self) -> Completeness:
        """The meter's reading since the start; all zero before the folder is open."""
        parts = self._parts
        if not parts.opened:
            return Completeness()
        uncaptured = dict(parts.capture.uncaptured()) if parts.capture is not None else {}
        uncaptured.update(parts.threads.hindered if parts.threads is not None else {})
        return self._store.completeness(parts.arrivals.seen, parts.arrivals.running, uncaptured)

    async def sizes(self) -> Sizes:
        """What the data folder takes on the disk."""
        return await self._work(self._store.sizes)
