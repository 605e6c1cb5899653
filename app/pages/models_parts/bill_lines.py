"""What a comparison with a bill says: a line per day, model and kind, one per named request, and the whole."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from msgspec import Struct

from app import formats, sources
from app.pages.models_parts.figure_row import Figure
from app.pages.models_parts.lines import PLACES
from app.tables.column import Column, Pills, PillText
from app.tables.figure_columns import count_column, difference_column, money_column
from app.translation import Words, counted, later, tr
from gateway import BILL_NOTES, BILL_REASONS, BillPart, BillRequest, DayModel, Reconciliation

KINDS: Mapping[str, PillText] = Pills(
    {
        "matched": PillText(later("Matched"), "ok"),
        "missing_here": PillText(later("Missing here"), "bad"),
        "missing_there": PillText(later("Missing there"), "warn"),
        "price_drift": PillText(later("Price drift"), "bad"),
        "usage_drift": PillText(later("Usage drift"), "warn"),
        "unexplained": PillText(later("Unexplained")),
    }
)
MEANINGS: Mapping[str, str] = Words(
    {
        "matched": later("The bill and our rows agree."),
        "missing_here": later("On the bill only: calls bypassed this gateway."),
        "missing_there": later("In our rows, but not on the bill."),
        "price_drift": later("Same usage, another cost: a price differs."),
        "usage_drift": later("Counts differ, some higher and some lower."),
        "unexplained": later("Usage or price differs: which one is not known."),
    }
)
ZONE_SOURCES: Mapping[str, str] = Words(
    {
        "given": later("as you chose"),
        "form": later("as such bills are cut"),
        "tried": later("which fits best"),
    }
)
ALL, DIFFERING = "all", "differing"


class BillLine(Struct, frozen=True):
    """What of a day and model is of one kind; `whole_nano` is what per cent are of."""

    day: str
    model: str | None
    part: BillPart
    whole_nano: int | None
    why: str
    last_day: str | None = None

    @property
    def share(self) -> float | None:
        """The difference as a fraction of the whole."""
        return fraction(self.part.difference_nano, self.whole_nano)


def bill_lines(done: Reconciliation) -> tuple[BillLine, ...]:
    """In the order of days and models. Thousands of them take a moment: call it in a worker."""
    return tuple(
        BillLine(day.day, day.model, part, day.whole_nano, "" if part.kind == "matched" else why(day), day.last_day)
        for day in done.days
        for part in day.parts
    )


def why(day: DayModel) -> str:
    """What may explain a difference."""
    words = [f"{formats.count(number)} {tr(BILL_REASONS[word])}" for word, number in day.reasons.items() if number]
    return "; ".join([*words, *([tr(BILL_NOTES[day.note])] if day.note else [])])


def fraction(nano: int | None, whole: int | None) -> float | None:
    return None if nano is None or not whole else nano / whole


def signed_percent(nano: int | None, whole: int | None) -> str:
    """A part of the whole with its sign; nothing known is "—"."""
    if nano is None or not whole:
        return formats.UNKNOWN
    return formats.delta_percent(whole + nano, whole) or formats.UNKNOWN


class Order(Struct, frozen=True):
    """Which lines of a kind (or `ALL`, `DIFFERING`), sorted by the value of a column or as they came."""

    kind: str = ALL
    column: int | None = None
    descending: bool = False


def arranged(lines: Sequence[BillLine], order: Order, columns: Sequence[Column[BillLine]]) -> tuple[BillLine, ...]:
    """Unknown values stand last whichever way the rest is turned. Thousands take a moment: call it in a worker."""
    kept = [line for line in lines if _is_of(line, order.kind)]
    if order.column is None:
        return tuple(kept)
    value: Callable[[BillLine], object] = columns[order.column].value
    keyed = [(found, line) for line in kept if (found := value(line)) is not None]
    unknown = [line for line in kept if value(line) is None]
    keyed.sort(key=lambda pair: pair[0], reverse=order.descending)  # type: ignore[arg-type,return-value]
    return (*(line for _, line in keyed), *unknown)


def _is_of(line: BillLine, kind: str) -> bool:
    return kind == ALL or (line.part.kind != "matched" if kind == DIFFERING else line.part.kind == kind)


def _days(first: str, last: str | None = None) -> str:
    """Of dates as bills write them; one alone where there is no last one."""
    ends = (date.fromisoformat(first), date.fromisoformat(last or first))
    return formats.days(*ends, this_year=formats.today().year)


def _days_in_column(line: BillLine) -> str:
    """Of a stretch over months without its years, for which there is no room; its tooltip tells them, and what is
    said of the bill."""
    first, last = (date.fromisoformat(day) for day in (line.day, line.last_day or line.day))
    if (first.year, first.month) == (last.year, last.month):
        return _days(line.day, line.last_day)
    return f"{formats.day_of_month(first)} – {formats.day_of_month(last)}"


def _stretch(line: BillLine) -> str:
    """The days that the bill tells of as a whole; nothing where it is one."""
    if line.last_day is None:
        return ""
    return tr("The bill covers {days} as a whole.").format(days=_days(line.day, line.last_day))


def line_columns() -> tuple[Column[BillLine], ...]:
    return (
        Column(
            key="day",
            title=tr("Day"),
            text=_days_in_column,
            value=lambda line: line.day,
            width=128,
            tone="text",
            sortable=True,
            tooltip=_stretch,
        ),
        Column(
            key="model",
            title=tr("Model"),
            text=lambda line: line.model or tr("All models"),
            value=lambda line: line.model,
            width=112,
            grow=2,
            tone="text",
            weight=500,
            elide_middle=True,
            sortable=True,
        ),
        Column(
            key="kind",
            title=tr("What"),
            text=lambda line: KINDS[line.part.kind].text,
            value=lambda line: line.part.kind,
            pills=lambda line: (KINDS[line.part.kind],),
            width=114,
            sortable=True,
            tooltip=lambda line: MEANINGS[line.part.kind],
        ),
        count_column(
            "requests", tr("Requests"), lambda line: line.part.requests, 80, tooltip=lambda line: _untold(line.part)
        ),
        money_column(
            "here",
            tr("Our rows"),
            lambda line: line.part.here_nano,
            102,
            places=PLACES,
            estimated=lambda line: line.part.estimated,
        ),
        money_column("bill", tr("Bill"), lambda line: line.part.bill_nano, 98, places=PLACES),
        difference_column(
            lambda line: line.part.difference_nano,
            104,
            places=PLACES,
            estimated=lambda line: line.part.estimated,
        ),
        Column(
            key="percent",
            title=tr("Of the day"),
            text=lambda line: signed_percent(line.part.difference_nano, line.whole_nano),
            value=lambda line: line.share,
            right=True,
            width=84,
            sortable=True,
        ),
        Column(
            key="why",
            title=tr("Why"),
            text=lambda line: line.why,
            value=lambda line: line.why,
            width=70,
            grow=3,
            tooltip=lambda line: line.why,
        ),
    )


def request_columns() -> tuple[Column[BillRequest], ...]:
    return (
        Column(
            key="id",
            title=tr("Request"),
            text=lambda row: row.id,
            value=lambda row: row.id,
            width=260,
            grow=1,
            tone="text",
            mono=True,
            elide_middle=True,
            tooltip=lambda row: row.id,
        ),
        Column(
            key="day",
            title=tr("Day"),
            text=lambda row: _days(row.day),
            value=lambda row: row.day,
            width=100,
            sortable=True,
        ),
        Column(
            key="model",
            title=tr("Model"),
            text=lambda row: row.model or formats.UNKNOWN,
            value=lambda row: row.model,
            width=180,
            grow=1,
            sortable=True,
        ),
        Column(
            key="kind",
            title=tr("What"),
            text=lambda row: KINDS[row.kind].text,
            value=lambda row: row.kind,
            pills=lambda row: (KINDS[row.kind],),
            width=130,
            sortable=True,
            tooltip=lambda row: MEANINGS[row.kind],
        ),
        difference_column(lambda row: row.difference_nano, 110, weight=400),
    )


def part_columns(whole: Callable[[], int | None]) -> tuple[Column[BillPart], ...]:
    """The kinds of the whole bill; `whole` is asked what per cent are of."""
    return (
        Column(
            key="kind",
            title=tr("What"),
            text=lambda part: KINDS[part.kind].text,
            value=lambda part: part.kind,
            pills=lambda part: (KINDS[part.kind],),
            width=120,
            tooltip=lambda part: MEANINGS[part.kind],
        ),
        Column(
            key="meaning",
            title=tr("Meaning"),
            text=lambda part: MEANINGS[part.kind],
            value=lambda part: MEANINGS[part.kind],
            width=100,
            grow=1,
            tooltip=lambda part: MEANINGS[part.kind],
        ),
        count_column("requests", tr("Requests"), lambda part: part.requests, 84, sortable=False, tooltip=_untold),
        money_column(
            "cost",
            tr("Dollars"),
            lambda part: part.cost_nano,
            110,
            places=PLACES,
            sortable=False,
            estimated=lambda part: part.estimated and part.kind == "missing_there",
        ),
        Column(
            key="share",
            title=tr("Of the bill"),
            text=lambda part: formats.percent(fraction(part.cost_nano, whole())),
            value=lambda part: fraction(part.cost_nano, whole()),
            right=True,
            width=90,
        ),
        difference_column(
            lambda part: part.difference_nano,
            120,
            places=PLACES,
            sortable=False,
            estimated=lambda part: part.estimated,
        ),
        Column(
            key="percent",
            title=tr("Change"),
            text=lambda part: signed_percent(part.difference_nano, whole()),
            value=lambda part: fraction(part.difference_nano, whole()),
            right=True,
            width=80,
        ),
    )


def bill_figures(done: Reconciliation) -> tuple[Figure, ...]:
    here, bill = done.here.cost_nano, done.bill.cost_nano
    difference = None if here is None or bill is None else bill - here
    estimated = bool(done.here.estimated)
    meaning = tr(sources.DEFINITION) if estimated else ""
    return (
        Figure(
            tr("The bill"),
            formats.money(bill),
            tr("no costs given")
            if bill is None
            else ""
            if done.bill.requests is None
            else counted(done.bill.requests, later("1 request"), later("{count} requests")),
        ),
        Figure(
            tr("Our rows"),
            sources.marked_money(here, estimated),
            ""
            if done.here.requests is None
            else counted(done.here.requests, later("1 request"), later("{count} requests")),
            tooltip=meaning,
        ),
        Figure(
            tr("Difference"),
            sources.marked_difference(difference, estimated),
            signed_percent(difference, done.whole_nano),
            tone="text" if not difference or abs(difference) <= done.tolerance_nano else "bad",
            tooltip=meaning,
        ),
        Figure(
            tr("Rounding"),
            formats.money(done.tolerance_nano),
            tr("of it, at most"),
            tooltip=tr("How far the bill's rounding of its amounts may have moved their sum."),
        ),
    )


def bill_words(done: Reconciliation, provider_title: Callable[[str], str] = str) -> str:
    """Which bill this is and how it was read, in a sentence or two."""
    forms = ", ".join(tr(form) for form in done.forms)
    words = tr("{forms}: {provider}, {days}, days of {zone} ({how}), {lines}.").format(
        # "xAI" begins as it does.
        forms=forms if forms[1:2].isupper() else forms[:1].upper() + forms[1:],
        provider=provider_title(done.provider),
        days=_days(done.first_day, done.last_day),
        zone=done.zone,
        how=ZONE_SOURCES[done.zone_source],
        lines=counted(done.lines, later("1 line"), later("{count} lines")),
    )
    if done.bill.cost_nano is None:
        words += " " + tr("It gives no costs: its dollars are its usage at our own rates.")
    if done.passed_over:
        words += " " + counted(
            done.passed_over,
            later("1 line of other services, keys or projects, or of credits, was passed over."),
            later("{count} lines of other services, keys or projects, or of credits, were passed over."),
        )
    if done.shared is not None:
        shared = tr(
            "Several files cover {days}, and each line counts once, from the file that "
            "says most: {taken}, {left} left out."
        )
        words += " " + shared.format(
            days=_days(done.shared.first_day, done.shared.last_day),
            taken=counted(done.shared.taken, later("1 line was taken"), later("{count} lines were taken")),
            left=formats.count(done.shared.left),
        )
    return words


def _untold(part: BillPart) -> str:
    """Why there is no number of requests."""
    return tr("The bill does not say how many requests these are.") if part.requests is None else ""
