"""What re-pricing says: a line per model whose requests would cost otherwise, and one per earlier re-pricing."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from app import formats, sources
from app.filter_words import dimension_text, tag_text
from app.pages.models_parts.figure_row import Figure
from app.pages.models_parts.lines import PLACES
from app.tables.column import Column, PillText, utc_text
from app.tables.figure_columns import count_column, difference_column, money_column
from app.translation import later, tr
from gateway import DIMENSIONS, REPRICING_KEPT, RepricedModel, Repricing, RepricingPreview, UsageQuery

_Line = TypeVar("_Line", RepricedModel, Repricing)

_API_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
IN_FORCE, UNDONE = later("In force"), later("Undone")


def change(before: int, after: int) -> str:
    """The difference of two sums in per cent of the first, which may be nothing."""
    if not before:
        return tr("new") if after else formats.UNKNOWN
    return formats.delta_percent(after, before) or formats.UNKNOWN


def model_name(row: RepricedModel) -> str:
    return row.model or tr("No model")


def repriced_columns(provider_title: Callable[[str], str] = str) -> tuple[Column[RepricedModel], ...]:
    changes: tuple[Column[RepricedModel], ...] = _change_columns(
        110, 90, lambda row: row.from_estimated + row.to_estimated > 0
    )
    return (
        Column(
            key="model",
            title=tr("Model"),
            text=model_name,
            value=lambda row: row.model,
            width=220,
            grow=1,
            tone="text",
            weight=500,
            elide_middle=True,
            sortable=True,
        ),
        Column(
            key="provider",
            title=tr("Provider"),
            text=lambda row: provider_title(row.provider) if row.provider else formats.UNKNOWN,
            value=lambda row: row.provider,
            width=112,
            sortable=True,
        ),
        count_column("changed", tr("Requests"), lambda row: row.changed, 90),
        money_column(
            "from",
            tr("Cost now"),
            lambda row: row.from_nano,
            120,
            places=PLACES,
            estimated=lambda row: row.from_estimated > 0,
        ),
        money_column(
            "to",
            tr("By today's prices"),
            lambda row: row.to_nano,
            130,
            places=PLACES,
            estimated=lambda row: row.to_estimated > 0,
        ),
        *changes,
    )


def history_columns(tz: Callable[[], str]) -> tuple[Column[Repricing], ...]:
    changes: tuple[Column[Repricing], ...] = _change_columns(100, 80)
    return (
        # By which a refusal names it.
        Column(
            key="id",
            title=tr("No."),
            text=lambda row: str(row.id),
            value=lambda row: row.id,
            right=True,
            width=52,
            sortable=True,
        ),
        Column(
            key="at",
            title=tr("Applied"),
            text=lambda row: formats.clock(row.at_us, tz()),
            value=lambda row: utc_text(row.at_us),
            width=150,
            more_by_twelve=24,
            tone="text",
            sortable=True,
        ),
        Column(
            key="what",
            title=tr("Which requests"),
            text=lambda row: query_words(row.query, tz()),
            value=lambda row: query_words(row.query, tz()),
            width=200,
            grow=1,
            tooltip=lambda row: query_words(row.query, tz()),
        ),
        count_column("changed", tr("Changed"), lambda row: row.changed, 84),
        *changes,
        Column(
            key="state",
            title=tr("State"),
            text=lambda row: tr(state(row).text),
            value=lambda row: tr(state(row).text),
            pills=lambda row: (PillText(tr(state(row).text), state(row).kind),),
            width=96,
            sortable=True,
            tooltip=lambda row: _undone_words(row, tz()),
        ),
    )


def state(row: Repricing) -> PillText:
    return PillText(IN_FORCE, "ok") if row.undone_us is None else PillText(UNDONE)


def _undone_words(row: Repricing, tz: str) -> str:
    if row.undone_us is None:
        return tr(IN_FORCE)
    return tr("Undone at {time}").format(time=formats.clock(row.undone_us, tz))


def query_words(query: UsageQuery, tz: str) -> str:
    """The range and filters of a re-pricing: `1 Nov 00:00 – 23 Nov 18:03 · Model: gpt-5`."""
    start, end = (None if us is None else formats.minute(us, tz) for us in (query.start_us, query.end_us))
    if start is None and end is None:
        span = tr("All requests")
    elif start is None:
        span = tr("until {time}").format(time=end)
    else:
        span = f"{start} – {end}" if end is not None else tr("since {time}").format(time=start)
    kept = [dimension_text(name, values) for name in DIMENSIONS if (values := getattr(query, name, ()))]
    return " · ".join((span, *kept, *map(tag_text, query.tags)))


def said_here(error: Exception, tz: str) -> str:
    """A refusal with its times as the window tells them: those of the API are in UTC, to the microsecond."""

    def local(found: re.Match[str]) -> str:
        return formats.minute(round(datetime.fromisoformat(found[0]).timestamp() * 1_000_000), tz)

    return _API_TIME.sub(local, str(error))


def preview_figures(preview: RepricingPreview) -> tuple[Figure, ...]:
    """The whole of a preview, as it stands above its table."""
    difference = preview.difference_nano
    meaning = tr(sources.DEFINITION) if preview.from_estimated or preview.to_estimated else ""
    facts = []
    if preview.newly_priced:
        facts.append(tr("{count} get their first price").format(count=formats.count(preview.newly_priced)))
    if preview.no_longer_priced:
        facts.append(tr("{count} lose theirs").format(count=formats.count(preview.no_longer_priced)))
    return (
        Figure(
            tr("Requests that would change"),
            formats.count(preview.changed),
            " · ".join((tr("of {count} checked").format(count=formats.count(preview.examined)), *facts)),
        ),
        Figure(
            tr("Cost now"),
            sources.marked_money(preview.from_nano, preview.from_estimated > 0),
            tr("of all that were checked"),
            tooltip=meaning,
        ),
        Figure(
            tr("By today's prices"),
            sources.marked_money(preview.to_nano, preview.to_estimated > 0),
            tr("at each request's own time"),
            tooltip=meaning,
        ),
        Figure(
            tr("Difference"),
            sources.marked_difference(difference, changes_estimates(preview)),
            change(preview.from_nano, preview.to_nano),
            tone="text" if not difference else "bad" if difference > 0 else "ok",
        ),
    )


def changes_estimates(preview: RepricingPreview) -> bool:
    """Whether a cost that changes is an estimate, before or after."""
    return any(row.from_estimated or row.to_estimated for row in preview.by_model)


def kept_words(kept: Mapping[str, int]) -> str:
    """Why requests keep the cost that they have, one reason a line, the most frequent first."""
    rows = sorted(((number, reason) for reason, number in kept.items() if number), reverse=True)
    line = tr("{count} keep their cost. {because}")
    return "\n".join(
        line.format(count=formats.count(number), because=tr(REPRICING_KEPT[reason])) for number, reason in rows
    )


def _change_columns(
    difference_width: int, percent_width: int, estimated: Callable[[_Line], bool] = lambda _: False
) -> tuple[Column[_Line], ...]:
    """By how much the new sum differs, in dollars and per cent."""
    return (
        difference_column(
            lambda row: row.to_nano - row.from_nano, difference_width, places=PLACES, estimated=estimated
        ),
        Column(
            key="percent",
            title=tr("Change"),
            text=lambda row: change(row.from_nano, row.to_nano),
            value=lambda row: (row.to_nano - row.from_nano) / row.from_nano if row.from_nano else None,
            right=True,
            width=percent_width,
            sortable=True,
        ),
    )
