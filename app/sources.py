"""Where numbers come from, as the window says it: a mark on what is not its provider's own count, and words for each.

The mark stands before sums too, as soon as one row in them has it; a tooltip says how many. Pure.
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from app.formats import (
    MONTHS,
    UNKNOWN,
    money,
    money_column,
    money_column_difference,
    money_difference,
    money_first_digit,
    which_minute,
)
from app.translation import Words, later, tr
from gateway import ExchangeRecord, Summary

MARK = "≈"
DEFINITION = later(
    "≈ includes estimates: the provider gave no count or not all of it, its answer broke off, "
    "a price may be another model's, or part of the cost is not known"
)
USAGE_SOURCE_WORDS = Words(
    {
        "provider": later("counted by the provider"),
        "partial": later("provider's counts so far, the rest estimated"),
        "estimated": later("estimated: the provider gave no counts, or none of the input"),
        "reported": later("as the app says: the gateway did not see the provider's counts"),
        "none": later("not counted"),
    }
)
COST_SOURCE_WORDS = Words(
    {
        "provider": later("said by the provider"),
        "override": later("your own price"),
        "list": later("list price"),
        "none": later("no price known"),
    }
)
_COUNTED = Words(
    {
        "provider": later("counted by the provider"),
        "partial": later("partly estimated"),
        "estimated": later("estimated"),
        "none": later("uncounted"),
    }
)
_PRICED = Words(
    {
        "provider": later("said by the provider"),
        "override": later("by your own price"),
        "list": later("by list price"),
        "none": later("unpriced"),
    }
)


def marked(text: str, estimated: bool, nano: float | None = None) -> str:
    """The number with its mark; what is unknown has none. `nano`: the nano-dollars that it tells, where it is money:
    of an estimate no bound can be told, and where the text is one, "<$0.01", its first digit stands instead."""
    if not estimated or text == UNKNOWN:
        return text
    return f"{MARK}{money_first_digit(nano) if nano and text.startswith('<') else text}"


def marked_money(nano: float | None, estimated: bool, places: int | None = None) -> str:
    """Nano-dollars as `money` tells them, or as a column of so many decimals, with their mark."""
    text = money(nano) if places is None else money_column(None if nano is None else round(nano), places)
    return marked(text, estimated, nano)


def marked_difference(nano: float | None, estimated: bool, places: int | None = None) -> str:
    """As `marked_money`, with the sign of what differs. Where nothing does, nothing is estimated."""
    text = (
        money_difference(nano)
        if places is None
        else money_column_difference(None if nano is None else round(nano), places)
    )
    if not nano or not text.startswith("<"):
        return marked(text, estimated and bool(nano))
    return marked(f"{'+' if nano > 0 else '−'}{money_first_digit(nano)}", True) if estimated else text


def estimated_input(given: Summary | ExchangeRecord) -> bool:
    """Whether the input is estimated, in a row or anywhere in a sum."""
    if isinstance(given, ExchangeRecord):
        return given.usage_source == "estimated"
    return given.usage_sources.get("estimated", 0) > 0


def estimated_output(given: Summary | ExchangeRecord) -> bool:
    """The same of the output: it is estimated too where an answer broke off or lacked the count."""
    if isinstance(given, ExchangeRecord):
        return given.usage_source in ("estimated", "partial")
    return estimated_input(given) or given.usage_sources.get("partial", 0) > 0


def estimated_cost(given: Summary | ExchangeRecord) -> bool:
    """The same of the cost, which is worked out from the counts unless the provider said it, at a price that may be
    another's or lack a part."""
    if isinstance(given, ExchangeRecord):
        return given.cost_estimated
    return estimated_output(given) or given.price_fuzzy_requests > 0


def row_usage(row: ExchangeRecord) -> str:
    return USAGE_SOURCE_WORDS.get(row.usage_source, row.usage_source)


def uncounted(row: ExchangeRecord) -> str:
    """Why a row without any count has no cost: a price may well be known, there is nothing to multiply it with."""
    return tr("what it used is not known") if row.use_unknown else tr("nothing was counted")


def row_cost(row: ExchangeRecord) -> str:
    """The cost's source, and whether what was priced is an estimate."""
    if row.cost_nano is None and row.usage_source == "none":
        return uncounted(row)
    words = COST_SOURCE_WORDS.get(row.cost_source, row.cost_source)
    if row.cost_nano is not None and row.price_fuzzy:
        words += tr(", which may not be exact")
    if row.cost_nano is not None and row.cost_source != "provider" and estimated_output(row):
        words += tr(" of estimated counts")
    return words


def counts_words(summary: Summary) -> str:
    """How many requests were counted how: "1,190 counted by the provider, 12 estimated"."""
    return _listed(summary.usage_sources, _COUNTED)


def costs_words(summary: Summary) -> str:
    """How many requests were priced how, and how many of them at a price that may be another's or lack a part."""
    words, doubtful = _listed(summary.cost_sources, _PRICED), summary.price_fuzzy_requests
    if not doubtful:
        return words
    return words + tr("; {count} of these may not be exact").format(count=f"{doubtful:,}")


def counts_tooltip(summary: Summary) -> str:
    """How the counts in a sum came about, and what its mark means where it has one."""
    return "\n".join(filter(None, (counts_words(summary), tr(DEFINITION) if estimated_output(summary) else "")))


def costs_tooltip(summary: Summary) -> str:
    """How the costs in a sum came about, and what its mark means where it has one."""
    return "\n".join(filter(None, (costs_words(summary), tr(DEFINITION) if estimated_cost(summary) else "")))


def incomplete_words(from_us: int, tz: str) -> str:
    """What is to be known of figures that lack requests of before this moment."""
    at = datetime.fromtimestamp(from_us / 1e6, ZoneInfo(tz))
    day = f"{at.day} {MONTHS[at.month - 1]} {at.year}, {which_minute(at)}"
    return tr("Requests from before {day} are gone (retention): what needs them begins there.").format(day=day)


def _listed(sources: Mapping[str, int], words: Mapping[str, str]) -> str:
    return ", ".join(f"{sources[source]:,} {word}" for source, word in words.items() if sources.get(source))
