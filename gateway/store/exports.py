"""What leaves as a file, line by line, in constant memory: each source of rows, its columns, its format.

Long questions are cut into pages, each on a snapshot of its own, so that a slow reader holds none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TextIO

from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.read_api import NOTHING, render_bucket, render_conversation, render_row, row_of_breakdown
from gateway.records import (
    Breakdown,
    ConversationRow,
    ExchangeRecord,
    Export,
    TimeBucket,
    UsageQuery,
)
from gateway.store.text_rows import csv_lines, json_lines
from gateway.time_zones import zone_of

PROGRESS_ROWS = 1000
UTC = "UTC"

Progress = Callable[[int, int], None]
"""Told the rows so far, and how many there will be."""

Known = Callable[[int], None]
"""Told how many rows there will be, once and before the first."""

Row = Mapping[str, Any]

_NO_RECORD = ExchangeRecord(id="", started_us=0, door="", key_id="", key="")
_NO_BUCKET = TimeBucket(start_us=0, end_us=0, summary=NOTHING)
_NO_CONVERSATION = ConversationRow(
    id="", started_us=0, ended_us=0, user=None, app=None, models=(), tags=(), summary=NOTHING
)


class Source(Protocol):
    """Where the rows come from: the usage store."""

    def request_count(self, query: UsageQuery) -> int: ...

    def iter_requests(self, query: UsageQuery) -> Iterator[ExchangeRecord]: ...

    def iter_timeseries(
        self, query: UsageQuery, bucket: str, by: str | None = None, known: Known | None = None
    ) -> Iterator[TimeBucket]: ...

    def iter_conversations(
        self, query: UsageQuery, sort: str, known: Known | None = None
    ) -> Iterator[ConversationRow]: ...

    def breakdown(self, query: UsageQuery, by: str, sort: str) -> Breakdown: ...


def lines(source: Source, query: UsageQuery, export: Export, known: Known | None = None) -> Iterator[str]:
    """The export's lines, each with its end. Raises ClientError, before the first. Only where somebody is to know it
    is counted how many there will be."""
    rows, shape = _SOURCES[export.what](source, query, export, known)
    if export.columns:
        rows, shape = _picked(rows, shape, export.columns)
    if export.format == "jsonl":
        return json_lines(rows)
    zone = None if query.tz == UTC else zone_of(query.tz)
    return csv_lines(rows, shape, zone=zone, bom=export.bom)


def _picked(rows: Iterable[Row], shape: Row, columns: Sequence[str]) -> tuple[Iterable[Row], Row]:
    """Rows with these fields alone. Raises ClientError for one that there is not."""
    unknown = [name for name in columns if name not in shape]
    if unknown:
        raise ClientError(f"There is no column {', '.join(unknown)}; use some of {', '.join(shape)}.")

    def pick(row: Row) -> Row:
        return {name: row[name] for name in columns}

    return map(pick, rows), pick(shape)


def write(lines: Iterable[str], file: TextIO, header: bool, progress: Callable[[int], None] | None = None) -> int:
    """Write lines and say how many rows they were; `progress` hears the count now and then. `file` has newline=""."""
    count = -1 if header else 0
    for line in lines:
        file.write(line)
        count += 1
        if progress is not None and count and count % PROGRESS_ROWS == 0:
            progress(count)
    if progress is not None:
        progress(count)
    return count


def _requests(source: Source, query: UsageQuery, _export: Export, known: Known | None) -> tuple[Iterable[Row], Row]:
    if known is not None:
        known(source.request_count(query))
    return map(render_row, source.iter_requests(query)), render_row(_NO_RECORD)


def _buckets(source: Source, query: UsageQuery, export: Export, known: Known | None) -> tuple[Iterable[Row], Row]:
    by = export.by
    buckets = source.iter_timeseries(query, export.bucket, by, known)
    if export.format == "csv":
        # A table has the same columns throughout: whether a bucket is complete is said beside it.
        buckets = (replace(bucket, complete=True) for bucket in buckets)
    return (render_bucket(bucket, by) for bucket in buckets), render_bucket(_NO_BUCKET, by)


def _breakdown(source: Source, query: UsageQuery, export: Export, known: Known | None) -> tuple[Iterable[Row], Row]:
    shape = render_bucket(_NO_BUCKET, "value")
    del shape["start"], shape["end"]
    breakdown = source.breakdown(query, export.by or "model", export.sort)
    if known is not None:
        known(len(breakdown.rows))
    return map(row_of_breakdown(breakdown), breakdown.rows), shape


def _conversations(
    source: Source, query: UsageQuery, export: Export, known: Known | None
) -> tuple[Iterable[Row], Row]:
    rows = source.iter_conversations(query, export.sort, known)
    return map(render_conversation, rows), render_conversation(_NO_CONVERSATION)


_SOURCES: Mapping[str, Callable[[Source, UsageQuery, Export, Known | None], tuple[Iterable[Row], Row]]] = {
    "requests": _requests,
    "buckets": _buckets,
    "breakdown": _breakdown,
    "conversations": _conversations,
}
