"""Columns of figures and ages, each kind told, copied and aligned in one way in every table."""

from collections.abc import Callable

from app import formats
from app.sources import marked_difference, marked_money
from app.tables.column import Column, Row, dollars, milliseconds, utc_text
from app.time_words import TTFT, TTFT_MEANING
from app.translation import tr


def count_column(
    key: str,
    title: str,
    count: Callable[[Row], int | None],
    width: int,
    *,
    sortable: bool = True,
    optional: bool = False,
    tooltip: Callable[[Row], str] | None = None,
) -> Column[Row]:
    return Column(
        key=key,
        title=title,
        text=lambda row: formats.count(count(row)),
        value=count,
        right=True,
        width=width,
        sortable=sortable,
        optional=optional,
        tooltip=tooltip,
    )


def money_column(
    key: str,
    title: str,
    nano: Callable[[Row], float | None],
    width: int,
    *,
    places: int = 6,
    sortable: bool = True,
    estimated: Callable[[Row], bool] = lambda _: False,
) -> Column[Row]:
    """`nano` are nano-dollars, told with `places` decimals, and marked where `estimated`."""

    def text(row: Row) -> str:
        return marked_money(nano(row), estimated(row), places)

    return Column(
        key=key,
        title=title,
        text=text,
        value=lambda row: dollars(nano(row)),
        unit="USD",
        right=True,
        width=width,
        sortable=sortable,
    )


def difference_column(
    nano: Callable[[Row], int | None],
    width: int,
    *,
    places: int = 6,
    weight: int = 500,
    sortable: bool = True,
    estimated: Callable[[Row], bool] = lambda _: False,
) -> Column[Row]:
    """As `money_column`, with its sign."""
    return Column(
        key="difference",
        title=tr("Difference"),
        text=lambda row: marked_difference(nano(row), estimated(row), places),
        value=lambda row: dollars(nano(row)),
        unit="USD",
        right=True,
        width=width,
        tone="text",
        weight=weight,
        sortable=sortable,
    )


def duration_column(
    key: str,
    title: str,
    us: Callable[[Row], float | None],
    width: int,
    *,
    sortable: bool = True,
    optional: bool = False,
    meaning: str = "",
) -> Column[Row]:
    """`us` are microseconds."""
    return Column(
        key=key,
        title=title,
        text=lambda row: formats.duration(milliseconds(us(row))),
        value=lambda row: milliseconds(us(row)),
        unit="ms",
        right=True,
        width=width,
        sortable=sortable,
        optional=optional,
        meaning=meaning,
    )


def ttft_column(us: Callable[[Row], float | None], width: int, *, sortable: bool = True) -> Column[Row]:
    """`us` are microseconds."""
    return duration_column("ttft", TTFT, us, width, sortable=sortable, meaning=tr(TTFT_MEANING))


def age_column(key: str, title: str, us: Callable[[Row], int | None], now_us: Callable[[], int]) -> Column[Row]:
    """How long ago `us` was, microseconds since the epoch, None for what never was. `now_us` is asked whenever a cell
    is told."""

    def told(row: Row, tell: Callable[[int], str], never: str) -> str:
        at = us(row)
        return never if at is None else tell(at)

    return Column(
        key=key,
        title=title,
        text=lambda row: told(row, lambda at: formats.row_ago(at, now_us()), tr("Never")),
        value=lambda row: told(row, utc_text, "") or None,
        # For the day and minute of what was earlier than that.
        width=108,
        more_by_twelve=24,
        sortable=True,
        tooltip=lambda row: told(row, formats.clock, ""),
    )
