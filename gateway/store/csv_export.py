"""CSV for spreadsheets: RFC 4180, the read API's columns, a row in memory at a time.

Texts that a spreadsheet would take for a formula get a leading apostrophe, for they may hold what a stranger sent;
numbers stay numbers. Unknown is an empty cell. Lists are joined by commas, which their parts cannot hold.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TextIO

from msgspec.structs import replace

from gateway.read_api import render_breakdown, render_bucket, render_row
from gateway.records import USAGE_SOURCES, Breakdown, ExchangeRecord, Summary, TimeBucket

PROGRESS_ROWS = 1000
MONEY_COLUMNS = ("cost_usd",)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Progress = Callable[[int], None]

_NO_RECORD = ExchangeRecord(id="", started_us=0, door="", key_id="", key="")
_NO_BUCKET = TimeBucket(start_us=0, end_us=0, summary=Summary(usage_sources=dict.fromkeys(USAGE_SOURCES, 0)))


def export_requests(records: Iterable[ExchangeRecord], file: TextIO, progress: Progress | None = None) -> int:
    """Write a row per request and say how many; `progress` hears the count now and then. `file` has newline=""."""
    return _write(map(render_row, records), render_row(_NO_RECORD), file, progress)


def export_timeseries(buckets: Iterable[TimeBucket], by: str | None, file: TextIO) -> int:
    """Write a row per bucket and say how many."""
    # A table has the same columns throughout: whether a bucket is complete is said beside it.
    whole = (replace(bucket, complete=True) for bucket in buckets)
    return _write((render_bucket(bucket, by) for bucket in whole), render_bucket(_NO_BUCKET, by), file, None)


def export_breakdown(breakdown: Breakdown, file: TextIO) -> int:
    """Write a row per value and say how many."""
    shape = render_bucket(_NO_BUCKET, "value")
    del shape["start"], shape["end"]
    return _write(render_breakdown(breakdown)["data"], shape, file, None)


def _write(
    rows: Iterable[Mapping[str, Any]], shape: Mapping[str, Any], file: TextIO, progress: Progress | None
) -> int:
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(name for name, _ in _flat(shape))
    count = 0
    for row in rows:
        writer.writerow(_cell(name, value) for name, value in _flat(row))
        count += 1
        if progress is not None and count % PROGRESS_ROWS == 0:
            progress(count)
    if progress is not None:
        progress(count)
    return count


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Nested objects as columns of their own: `latency_ms.p95`."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            for part, inner in value.items():
                yield f"{name}.{part}", inner
        else:
            yield name, value


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = ",".join(value)
    if isinstance(value, str) and name not in MONEY_COLUMNS and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return str(value)
