"""What a comparison says, frozen. Money is whole nano-dollars; differences are the bill minus our rows."""

from collections.abc import Mapping

from msgspec import Struct

from gateway.words import later

KINDS = ("matched", "missing_here", "missing_there", "price_drift", "usage_drift", "unexplained")
# Why our rows may differ from a bill, as `DayModel.reasons` counts requests.
REASONS: Mapping[str, str] = {
    "own_key": later("used a caller's own provider key, which is on that key's bill"),
    "aborted": later("aborted by the client"),
    "interrupted": later("interrupted with the gateway"),
    "estimated": later("with estimated tokens"),
    "partial": later("with partly estimated tokens"),
    "unpriced": later("without a price here"),
    "tried_again": later("tried again, and counted here by the last attempt alone"),
    "several_providers": later("tried at several providers, and counted under the last"),
    "across_midnight": later("ran past midnight and may be on the next day's bill"),
}
NOTES: Mapping[str, str] = {
    "rows_gone": later("rows of that day are gone: retention keeps none so old"),
    "both_ways": later(
        "counts differ both ways: some are missing here and some there, and the bill does not tell which"
    ),
    "as_many": later("as many requests on both sides: of how many of them the tokens differ, the bill does not tell"),
    "no_counts": later("the bill has no counts: whether usage or price differs cannot be told"),
    "against": later("more is used on the side that costs less: prices differ too, and by how much cannot be told"),
    "no_rates": later("the rows follow no fixed rates: a change of price cannot be told from the usage that differs"),
}


class Totals(Struct, frozen=True, kw_only=True):
    """One side's sums. A count, or the cost, is None where the bill does not say it. `estimated`: how many of our
    requests have an estimated cost; of a bill's it is not known."""

    requests: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano: int | None = None
    estimated: int | None = None


class Part(Struct, frozen=True, kw_only=True):
    """What of a day and model is of one kind. `requests` is None where it cannot be told how many.

    `here_nano` and `bill_nano`: what it cost by our rows and by the bill, None where no dollars can be told; where
    the bill says no cost, its usage at our own rates. A day's parts add up to both sides' costs. `estimated`: ours
    may hold estimates.
    """

    kind: str
    requests: int | None
    here_nano: int | None
    bill_nano: int | None
    estimated: bool = False

    @property
    def difference_nano(self) -> int | None:
        """The bill minus our rows."""
        return None if self.here_nano is None or self.bill_nano is None else self.bill_nano - self.here_nano

    @property
    def cost_nano(self) -> int | None:
        """The bill's dollars, or ours where they are missing there."""
        return self.here_nano if self.kind == "missing_there" else self.bill_nano


class DayModel(Struct, frozen=True, kw_only=True):
    """A day (ISO, in the bill's zone) and model; `model` None where the bill tells none apart. `last_day` where the
    bill tells of a longer stretch as a whole, like a month, whose first one `day` is.

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
    last_day: str | None = None

    @property
    def days(self) -> str:
        """As people read it, on one line: a day, or the first and the last."""
        return self.day if self.last_day is None else f"{self.day} to {self.last_day}"

    @property
    def matched(self) -> bool:
        return all(part.kind == "matched" for part in self.parts)

    @property
    def whole_nano(self) -> int | None:
        """What per cent are of: the bill's cost, or ours where the bill has none."""
        return self.bill.cost_nano or self.here.cost_nano


class Request(Struct, frozen=True, kw_only=True):
    """A single request that did not match, where a bill names requests: `id` as the bill or, missing there, as we
    do."""

    id: str
    day: str
    model: str | None
    kind: str
    difference_nano: int | None


class Shared(Struct, frozen=True, kw_only=True):
    """What several files told of the same days, first and last (ISO): lines that count, and those left out."""

    first_day: str
    last_day: str
    taken: int
    left: int


class Reconciliation(Struct, frozen=True, kw_only=True):
    """A provider's bill against our rows.

    `zone_source`: given, form (as such bills are cut) or tried (found by comparing). `counts` are what the bill
    says of requests and tokens. `passed_over`: lines of other services, keys or projects, and credits. `requests`
    names some that differ, at most `MOST_NAMED`; the sums count all. `shared`: days that several files told.
    """

    provider: str
    forms: tuple[str, ...]
    zone: str
    zone_source: str
    first_day: str
    last_day: str
    lines: int
    passed_over: int
    counts: tuple[str, ...]
    decimals: int | None
    here: Totals
    bill: Totals
    parts: tuple[Part, ...]
    tolerance_nano: int
    days: tuple[DayModel, ...]
    requests: tuple[Request, ...] = ()
    shared: Shared | None = None

    @property
    def whole_nano(self) -> int | None:
        """What per cent are of: the bill's cost, or ours where the bill has none."""
        return self.bill.cost_nano or self.here.cost_nano


class BillColumns(Struct, frozen=True, kw_only=True):
    """A bill's table as its header tells it: `columns` as the file titles them, and `mapping` (field → title) as they
    are taken. `form` and `provider` are None where no known form has these columns, or where it is nobody's."""

    columns: tuple[str, ...]
    mapping: Mapping[str, str] = {}
    form: str | None = None
    provider: str | None = None
