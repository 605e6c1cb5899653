"""A table's columns as data: what a cell shows, what copying and exporting write, and how it stands.

One tuple of columns per table is all that a table is; the model, the painter, the Columns menu, the clipboard and CSV
read the same tuple, so that a new column is one row here and nothing else.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Generic, TypeVar

from msgspec import Struct

from app.translation import tr
from gateway import is_formula

Row = TypeVar("Row")


class PillText(Struct, frozen=True):
    """A short word on a soft ground; `kind` is ok, warn, bad, neutral or accent."""

    text: str
    kind: str = "neutral"


class Pills(Mapping[str, PillText]):
    """A table of pills whose words are translated when they are looked up."""

    def __init__(self, pills: Mapping[str, PillText]) -> None:
        self._pills = dict(pills)

    def __getitem__(self, key: str) -> PillText:
        pill = self._pills[key]
        return PillText(tr(pill.text), pill.kind)

    def __iter__(self) -> Iterator[str]:
        return iter(self._pills)

    def __len__(self) -> int:
        return len(self._pills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """`text` is what the cell shows; `value` what is copied, exported and sorted by (None is "unknown": empty).

    `unit` is what the values are in, and stands with the title where they are copied or exported. `width` in pixels,
    and `more_by_twelve` what is added to it while the clock is one of twelve hours; `grow` is the column's share of
    the room that is left. `tone` names a colour token. `pills` replaces the text when painting, `text` still speaks
    for it; so do `stars`, a rating. `slot` gives the colour of what is named, a square before the text. `tooltip`
    where the cell holds less than is known. `meaning` is what the title stands for, where it is an abbreviation.
    """

    key: str
    title: str
    text: Callable[[Row], str]
    value: Callable[[Row], object]
    unit: str = ""
    right: bool = False
    width: int = 100
    more_by_twelve: int = 0
    grow: int = 0
    tone: str = "text2"
    weight: int = 400
    mono: bool = False
    elide_middle: bool = False
    pills: Callable[[Row], Sequence[PillText]] | None = None
    stars: Callable[[Row], int | None] | None = None
    slot: Callable[[Row], int] | None = None
    tooltip: Callable[[Row], str] | None = None
    meaning: str = ""
    optional: bool = False
    sortable: bool = False


def dollars(nano: float | None) -> Decimal | None:
    """Decimal dollars with all nine places, None where unknown."""
    return None if nano is None else Decimal(round(nano)).scaleb(-9)


def milliseconds(us: float | None) -> float | None:
    return None if us is None else us / 1000


def utc_text(us: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def safe_cell(value: object) -> str:
    """A cell's value for a spreadsheet: nothing that it would run as a formula, None as nothing."""
    text = "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
    if not isinstance(value, (int, float, Decimal)) and is_formula(text):
        return f"'{text}"
    return text


def _title(column: Column[Row]) -> str:
    return f"{column.title} ({column.unit})" if column.unit else column.title


def tab_separated(columns: Iterable[Column[Row]], rows: Iterable[Row]) -> str:
    """Rows as a clipboard's text, with a line of titles; tabs and line breaks inside cells become spaces."""
    shown = tuple(columns)
    lines = ["\t".join(_title(column) for column in shown)]
    for row in rows:
        lines.append("\t".join(" ".join(safe_cell(column.value(row)).split()) for column in shown))
    return "\n".join(lines) + "\n"


def comma_separated(columns: Iterable[Column[Row]], rows: Iterable[Row]) -> str:
    """Rows as CSV with a line of titles."""
    shown = tuple(columns)
    titles = [_title(column) for column in shown]
    return csv_text(titles, ([column.value(row) for column in shown] for row in rows))


def csv_text(titles: Iterable[str], lines: Iterable[Iterable[object]]) -> str:
    """As RFC 4180 has it, with cells that no spreadsheet takes for a formula."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([safe_cell(value) for value in line] for line in (titles, *lines))
    return out.getvalue()
