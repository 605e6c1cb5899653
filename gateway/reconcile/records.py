"""What a comparison says, frozen. Money is whole nano-dollars; differences are the bill minus our rows."""

from collections.abc import Mapping

from msgspec import Struct

KINDS = ("matched", "missing_here", "missing_there", "price_drift", "usage_drift", "unexplained")
# Why our rows may differ from a bill, as `DayModel.reasons` counts requests.
REASONS: Mapping[str, str] = {
    "own_key": "used a caller's own provider key, which is on that key's bill",
    "aborted": "were aborted by the client",
    "interrupted": "were interrupted with the gateway",
    "estimated": "have estimated tokens",
    "partial": "have partly estimated tokens",
    "unpriced": "have no price here",
    "several_providers": "were tried at several providers and count under the last",
    "across_midnight": "ran past midnight and may be on the next day's bill",
}
NOTES: Mapping[str, str] = {
    "both_ways": "counts differ both ways: some are missing here and some there, and the bill does not tell which",
    "no_counts": "the bill has no counts: whether usage or price differs cannot be told",
    "no_rates": "the rows follow no fixed rates: a change of price cannot be told from the usage that differs",
}


class Totals(Struct, frozen=True, kw_only=True):
    """One side's sums. A count, or the cost, is None where the bill does not say it."""

    requests: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano: int | None = None


class Part(Struct, frozen=True, kw_only=True):
    """What of a day and model is of one kind. `requests` is None where it cannot be told how many.

    `difference_nano`: what it adds to the bill minus our cost; None where no dollars can be told. A day's parts
    add up to its whole difference; a matched part's is what rounding leaves.
    """

    kind: str
    requests: int | None
    difference_nano: int | None


class DayModel(Struct, frozen=True, kw_only=True):
    """A day (ISO, in the bill's zone) and model; `model` None where the bill tells none apart.

    `tolerance_nano`: how far rounding may have moved the bill's cost. `reasons`: word of REASONS → requests;
    `note` is a word of NOTES, or "".
    """

    day: str
    model: str | None
    here: Totals
    bill: Totals
    parts: tuple[Part, ...]
    tolerance_nano: int = 0
    reasons: Mapping[str, int] = {}
    note: str = ""

    @property
    def matched(self) -> bool:
        return all(part.kind == "matched" for part in self.parts)


class Request(Struct, frozen=True, kw_only=True):
    """A single request that did not match, where a bill names requests: `id` as the bill or, missing there, as we
    do."""

    id: str
    day: str
    model: str | None
    kind: str
    difference_nano: int | None


class Reconciliation(Struct, frozen=True, kw_only=True):
    """A provider's bill against our rows.

    `zone_source`: given, form (as such bills are cut) or tried (found by comparing). `counts` are what the bill
    says of requests and tokens. `requests` names some that differ, at most `MOST_NAMED`; the sums count all.
    """

    provider: str
    forms: tuple[str, ...]
    zone: str
    zone_source: str
    first_day: str
    last_day: str
    lines: int

    counts: tuple[str, ...]
    decimals: int | None
    here: Totals
    bill: Totals
    parts: tuple[Part, ...]
    tolerance_nano: int
    days: tuple[DayModel, ...]
    requests: tuple[Request, ...] = ()
