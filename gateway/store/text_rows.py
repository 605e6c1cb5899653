"""Rows as text for files: CSV for spreadsheets and JSON lines for programs, a row in memory at a time.

CSV is RFC 4180's, with the read API's columns. Texts that a spreadsheet would take for a formula get a leading
apostrophe, for they may hold what a stranger sent; numbers stay numbers. Unknown is an empty cell. Lists are joined
by commas; a part that holds one or a quote, as a model's name may, is quoted as a cell would be, so that a CSV reader
takes the list apart again. Where a zone other than UTC was asked for, a column of local time follows each time, in
the form that spreadsheets read as one.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.formulas import is_formula

# Of columns of money, which may be negative.
MONEY_SUFFIX = "_usd"
TIME_COLUMNS = ("started_at", "ended_at", "start", "end")
BYTE_ORDER_MARK = "\ufeff"


class _Passing:
    """A file for `csv.writer`, which gives back what its file's `write` does."""

    def write(self, text: str) -> str:
        return text


def csv_lines(
    rows: Iterable[Mapping[str, Any]], shape: Mapping[str, Any], *, zone: ZoneInfo | None = None, bom: bool = False
) -> Iterator[str]:
    """The line of names, then a line per row; each with its end. `shape` is a row for its names only.

    What the rows' source raises at its first comes before any line.
    """
    write = csv.writer(_Passing(), lineterminator="\r\n").writerow
    names: Any = write([name for name, _ in _flat(_with_local(shape, zone))])
    source = iter(rows)
    first = list(islice(source, 1))
    yield (BYTE_ORDER_MARK if bom else "") + names
    for row in chain(first, source):
        line: Any = write([_cell(name, value) for name, value in _flat(_with_local(row, zone))])
        yield line


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A JSON object per row, in the read API's shape, each with its line end."""
    encode = msgspec.json.Encoder().encode
    for row in rows:
        yield encode(row).decode() + "\n"


def _with_local(row: Mapping[str, Any], zone: ZoneInfo | None) -> Mapping[str, Any]:
    if zone is None:
        return row
    shown: dict[str, Any] = {}
    for name, value in row.items():
        shown[name] = value
        if name in TIME_COLUMNS:
            shown[f"{name.removesuffix('_at')}_local"] = value and _local(value, zone)
    return shown


def _local(time: str, zone: ZoneInfo) -> str:
    local = datetime.fromisoformat(time).astimezone(zone)
    return local.replace(tzinfo=None).isoformat(" ", "milliseconds" if local.microsecond else "seconds")


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Nested objects as columns of their own: `latency_ms.p95`."""
    for name, value in row.items():
        # Rows are made of plain dicts, and asking for any mapping takes ten times as long.
        if isinstance(value, dict):
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
        value = ",".join(map(_part, value))
    if isinstance(value, str):
        unsafe = is_formula(value) and not name.endswith(MONEY_SUFFIX)
        return f"'{value}" if unsafe else value
    return str(value)


def _part(text: str) -> str:
    """One text of a list."""
    return '"{}"'.format(text.replace('"', '""')) if "," in text or '"' in text else text
