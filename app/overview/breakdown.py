"""The breakdown tables: rows of names with their share of the cost.

Columns are data; the model sorts the few rows itself. The table paints whole rows in one go, which is how the share
bars, the rounded hover and the colour squares come for free.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from app.colour_slots import ColourSlots
from app.formats import UNKNOWN, count, duration, money_places, percent, rate
from app.overview.figures import error_rate
from app.sources import (
    costs_tooltip,
    counts_tooltip,
    estimated_cost,
    estimated_input,
    estimated_output,
    marked,
    marked_money,
)
from app.time_words import TTFT, TTFT_MEANING
from app.translation import Words, later, tr
from gateway import Breakdown, BreakdownRow, Summary

AnyIndex = QModelIndex | QPersistentModelIndex

DIMENSION_TITLES: Mapping[str, str] = Words(
    {
        "model": later("By model"),
        "provider": later("By provider"),
        "user": later("By user"),
        "key": later("By key"),
        "app": later("By app"),
        "tag": later("By tag"),
        "client": later("By client"),
        "door": later("By door"),
        "conversation": later("By conversation"),
    }
)
TAG_KEY = "tag:"
COSTLIEST = later("costliest")
LEAST_NAME, USUAL_NAME = 104, 140
_UNNAMED: Mapping[str, str] = Words(
    {
        "model": later("No model"),
        "provider": later("No provider"),
        "user": later("No user"),
        "key": later("No key"),
        "app": later("Unknown app"),
        "tag": later("No tag"),
        "client": later("Unknown client"),
        "conversation": later("No conversation"),
    }
)


def group_title(dimension: str) -> str:
    """The words for a grouping: "By model", and for the values of a tag key "By team"."""
    return DIMENSION_TITLES.get(dimension) or tr("By {key}").format(key=dimension.removeprefix(TAG_KEY))


def unnamed(dimension: str) -> str:
    """What requests without a value are called."""
    key = dimension.removeprefix(TAG_KEY)
    return tr("No {key}").format(key=key) if key != dimension else _UNNAMED.get(dimension) or tr("None")


class Line(Struct, frozen=True, kw_only=True):
    """One row. `value` is what a filter takes, `name` what is read; `share` of all the cost, None where unpriced.
    `costliest`: it is to be marked as such. `places`: the decimals of every cost of the table."""

    value: str | None
    name: str
    slot: int
    share: float | None
    summary: Summary
    costliest: bool = False
    places: int = 6


class Measure(Struct, frozen=True, kw_only=True):
    """A column: `text` for reading, `order` for sorting (None comes last). Where there is no room for all, those with
    the highest `spare` go first; 0 always stays. `width` is the least; a title may need more. `tooltip` says what the
    cell has no room for, `meaning` what the title stands for."""

    key: str
    title: str
    text: Callable[[Line], str]
    order: Callable[[Line], float | str | None]
    width: int
    tone: str = "text2"
    spare: int = 0
    tooltip: Callable[[Line], str] | None = None
    meaning: str = ""


def _named(line: Line) -> str:
    return f"{line.name}, {tr(COSTLIEST)}" if line.costliest else line.name


NAME = Measure(
    key="name",
    title=later("Name"),
    text=_named,
    order=lambda line: line.name.lower(),
    width=0,
    tooltip=_named,
)
SHARE = Measure(
    key="share",
    title=later("Share of cost"),
    text=lambda line: share_text(line.share),
    order=lambda line: line.share,
    width=92,
)
LATENCY = Measure(
    key="latency",
    title=later("Avg latency"),
    text=lambda line: duration(line.summary.latency_ms.avg),
    order=lambda line: line.summary.latency_ms.avg,
    width=76,
    spare=1,
)
P95 = Measure(
    key="p95",
    title="p95",
    text=lambda line: duration(line.summary.latency_ms.p95),
    order=lambda line: line.summary.latency_ms.p95,
    width=76,
    spare=4,
)
FIRST_TOKEN = Measure(
    key="ttft",
    title=TTFT,
    meaning=TTFT_MEANING,
    text=lambda line: duration(line.summary.ttft_ms.avg),
    order=lambda line: line.summary.ttft_ms.avg,
    width=84,
    spare=7,
)
SPEED = Measure(
    key="speed",
    title=later("Tokens/s"),
    text=lambda line: rate(line.summary.tokens_per_s),
    order=lambda line: line.summary.tokens_per_s,
    width=68,
    spare=2,
)
TOKENS_IN = Measure(
    key="tokens_in",
    title=later("Tokens in"),
    text=lambda line: marked(count(line.summary.input_tokens), estimated_input(line.summary)),
    tooltip=lambda line: counts_tooltip(line.summary),
    order=lambda line: line.summary.input_tokens,
    width=78,
    spare=5,
)
TOKENS_OUT = Measure(
    key="tokens_out",
    title=later("Tokens out"),
    text=lambda line: marked(count(line.summary.output_tokens), estimated_output(line.summary)),
    tooltip=lambda line: counts_tooltip(line.summary),
    order=lambda line: line.summary.output_tokens,
    width=80,
    spare=6,
)
ERRORS = Measure(
    key="errors",
    title=later("Errors"),
    text=lambda line: percent(error_rate(line.summary)),
    order=lambda line: error_rate(line.summary),
    width=64,
    spare=3,
)
REQUESTS = Measure(
    key="requests",
    title=later("Requests"),
    text=lambda line: count(line.summary.requests),
    order=lambda line: line.summary.requests,
    width=70,
)
COST = Measure(
    key="cost",
    title=later("Cost"),
    text=lambda line: marked_money(line.summary.cost_nano, estimated_cost(line.summary), line.places),
    tooltip=lambda line: costs_tooltip(line.summary),
    order=lambda line: line.summary.cost_nano,
    width=92,
    tone="text",
)

MEASURES = (
    NAME,
    SHARE,
    TOKENS_IN,
    TOKENS_OUT,
    SPEED,
    FIRST_TOKEN,
    LATENCY,
    P95,
    ERRORS,
    REQUESTS,
    COST,
)


def shown_measures(measures: Sequence[Measure], widths: Sequence[int], room: int) -> tuple[bool, ...]:
    """Which columns of these `widths` stand in `room` pixels beside the name, those with the highest `spare` going
    first."""
    kept = list(measures)
    width_of = dict(zip((measure.key for measure in measures), widths, strict=True))
    while (last := max(kept, key=lambda measure: measure.spare)).spare:
        # A name that is cut short is worth less than the first spare column, and more than any other.
        name = LEAST_NAME if last.spare == 1 else USUAL_NAME
        if name + sum(width_of[measure.key] for measure in kept) <= room:
            break
        kept.remove(last)
    return tuple(measure in kept for measure in measures)


def share_text(share: float | None) -> str:
    """A share of the cost in whole percent: 53 %, <1 %, or — where there is no price."""
    if share is None:
        return UNKNOWN
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def lines(
    breakdown: Breakdown,
    dimension: str,
    total_nano: int | None,
    slots: ColourSlots,
    titles: Mapping[str, str] | None = None,
    *,
    mark: bool = False,
) -> tuple[Line, ...]:
    """A breakdown's rows for reading; `titles` gives names to values (providers have them). `mark` the costliest."""
    costliest = max((row.summary.cost_nano or 0 for row in breakdown.rows), default=0)
    places = money_places(costliest)

    def line(row: BreakdownRow) -> Line:
        cost = row.summary.cost_nano
        name = unnamed(dimension) if row.value is None else (titles or {}).get(row.value, row.value)
        return Line(
            value=row.value,
            name=name,
            slot=slots.slot(row.value),
            share=None if cost is None else cost / total_nano if total_nano else 0.0,
            summary=row.summary,
            costliest=mark and bool(costliest) and cost == costliest,
            places=places,
        )

    return tuple(line(row) for row in breakdown.rows)


class BreakdownModel(QAbstractTableModel):
    """Shows `limit` rows of what it was given, in the order of a column."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        super().__init__()
        self.measures = tuple(measures)
        self._all: tuple[Line, ...] = ()
        self._shown: tuple[Line, ...] = ()
        self._limit: int | None = None
        self.sorted_by = len(self.measures) - 1
        self.order = Qt.SortOrder.DescendingOrder

    def set_lines(self, lines: Sequence[Line], limit: int | None) -> None:
        self._all, self._limit = tuple(lines), limit
        self._arrange()

    def line(self, row: int) -> Line | None:
        return self._shown[row] if 0 <= row < len(self._shown) else None

    @property
    def total(self) -> int:
        """How many rows there are, shown or not."""
        return len(self._all)

    @property
    def largest_share(self) -> float:
        return max((line.share or 0.0 for line in self._all), default=0.0)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.sorted_by, self.order = column, order
        self._arrange()

    def _arrange(self) -> None:
        by = self.measures[self.sorted_by].order
        known = sorted(
            (line for line in self._all if by(line) is not None),
            key=by,  # type: ignore[arg-type]
            reverse=self.order == Qt.SortOrder.DescendingOrder,
        )
        arranged = (*known, *(line for line in self._all if by(line) is None))[: self._limit]
        if len(arranged) == len(self._shown):
            self._shown = arranged
            if arranged:
                self.dataChanged.emit(self.index(0, 0), self.index(len(arranged) - 1, len(self.measures) - 1))
            return
        self.beginResetModel()
        self._shown = arranged
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.measures)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.line(index.row())
        if line is None:
            return None
        measure = self.measures[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return measure.text(line)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() > 1:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole and measure.tooltip is not None:
            return measure.tooltip(line)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        measure = self.measures[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tr(measure.meaning) if measure.meaning else None
        return tr(measure.title) if role == Qt.ItemDataRole.DisplayRole else None
