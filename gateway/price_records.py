"""Frozen rows of models, prices, how a cost came about, and re-pricing.

Times are µs since the epoch in fields ending `_us`. Prices are decimal dollars as text, money is whole nano-dollars.
None is "unknown", never zero.
"""

from collections.abc import Mapping

from msgspec import Struct

from gateway.records import UsageQuery


class ModelRow(Struct, frozen=True, kw_only=True):
    """A model that we know. Prices are nano-dollars per million tokens at the base tier, None where unknown.

    `state`: live, deprecated or retired; `shutdown_date` is ISO (YYYY-MM-DD).
    """

    id: str
    provider: str
    title: str
    spellings: tuple[str, ...] = ()
    kind: str = "chat"
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    state: str = "live"
    shutdown_date: str | None = None
    replacement: str | None = None
    note: str = ""
    input_price: int | None = None
    cached_price: int | None = None
    output_price: int | None = None


class UnitPrices(Struct, frozen=True, kw_only=True):
    """Dollars as decimal text, None where not given: per million tokens, per thousand searches (on the web, in stored
    files, in maps), per container that ran code, per request."""

    input: str | None = None
    cached: str | None = None
    cache_write_5m: str | None = None
    cache_write_1h: str | None = None
    output: str | None = None
    reasoning: str | None = None
    input_audio: str | None = None
    output_audio: str | None = None
    cached_audio: str | None = None
    input_image: str | None = None
    input_video: str | None = None
    output_image: str | None = None
    output_video: str | None = None
    web_search: str | None = None
    file_search: str | None = None
    map_search: str | None = None
    code_container: str | None = None
    request: str | None = None


class NewPriceOverride(Struct, frozen=True, kw_only=True):
    """A price of the user's own, for a provider's model or for all of them (`*`).

    Valid from `valid_from_us` (inclusive) to `valid_to_us` (exclusive), each open where None. With more input tokens
    than `tier_start` the whole request is at `tier_prices`, which name the same units as `prices`.
    """

    provider: str
    model: str
    prices: UnitPrices
    valid_from_us: int | None = None
    valid_to_us: int | None = None
    tier_start: int | None = None
    tier_prices: UnitPrices | None = None
    note: str = ""


class PriceOverride(NewPriceOverride, frozen=True, kw_only=True):
    """A kept override. It never changes: another price is another one, so that a row's price id says what it cost.

    `removed_us`: it prices nothing any more, and is kept for the rows that it priced.
    """

    id: int
    created_us: int
    removed_us: int | None = None

    @property
    def price_id(self) -> str:
        return f"override:{self.id}"


class UnitPrice(Struct, frozen=True, kw_only=True):
    """`usd` (decimal text) for `per` of `unit`; with more input tokens than `above`, where that is not None."""

    unit: str
    usd: str
    per: int
    above: int | None = None


class PriceRow(Struct, frozen=True, kw_only=True):
    """The price of a model at some time, and where it is from: `source` is override, list or none."""

    provider: str
    model: str
    source: str
    price_id: str | None = None
    fuzzy: bool = False
    valid_from_us: int | None = None
    valid_to_us: int | None = None
    prices: tuple[UnitPrice, ...] = ()


class PriceList(Struct, frozen=True, kw_only=True):
    """The list of prices in use. `version` is the library's that came with the program, None where it was fetched;
    `fetched_us` is when that was."""

    version: str | None
    fetched_us: int | None
    models: int


class CostPart(Struct, frozen=True, kw_only=True):
    """`count` of `unit` × `price_usd` for `per` of them = `amount_nano`, both decimal text and exact."""

    unit: str
    count: int
    price_usd: str
    per: int
    amount_nano: str


class CostExplanation(Struct, frozen=True, kw_only=True):
    """How a row's cost came about: its parts add up to `exact_nano`, which rounds half-even to `cost_nano`.

    `parts` is empty where there is nothing to add up (the provider's own figure, no price) or where today's prices no
    longer give the recorded cost; a note says so. `tier_above`: the request had more input tokens than this, and all
    of it is priced so. `notes` are sentences.
    """

    cost_nano: int | None
    source: str
    price_id: str | None = None
    fuzzy: bool = False
    parts: tuple[CostPart, ...] = ()
    exact_nano: str | None = None
    tier_above: int | None = None
    price_list: PriceList | None = None
    notes: tuple[str, ...] = ()


class RepricedModel(Struct, frozen=True, kw_only=True):
    """What re-pricing changes of a model: `changed` rows, and what those cost before and after (unpriced as 0); how
    many of the costs are estimates."""

    provider: str | None
    model: str | None
    changed: int
    from_nano: int
    to_nano: int
    from_estimated: int = 0
    to_estimated: int = 0


class RepricedSource(Struct, frozen=True, kw_only=True):
    """The changed rows whose cost came from one of `COST_SOURCES` and would come from another, or the same."""

    from_source: str
    to_source: str
    changed: int
    from_nano: int
    to_nano: int


class RepricingPreview(Struct, frozen=True, kw_only=True):
    """What today's prices would make of rows, at the rows' own time.

    `from_nano` and `to_nano` sum all `examined` rows, those without a price as 0; `from_estimated` and `to_estimated`
    are how many of the costs are estimates. `kept` counts rows that keep their
    cost, by reason: no_usage, unknown_counts, provider_figure, no_price, price_gone, own_lacks or too_dear.
    """

    examined: int = 0
    changed: int = 0
    from_nano: int = 0
    to_nano: int = 0
    from_estimated: int = 0
    to_estimated: int = 0
    newly_priced: int = 0
    no_longer_priced: int = 0
    by_model: tuple[RepricedModel, ...] = ()
    by_source: tuple[RepricedSource, ...] = ()
    kept: Mapping[str, int] = {}

    @property
    def difference_nano(self) -> int:
        return self.to_nano - self.from_nano


class Repricing(Struct, frozen=True, kw_only=True):
    """A re-pricing that was applied. `first_us` and `last_us` are when the first and last changed row began;
    `undone_us` is None while it stands."""

    id: int
    at_us: int
    query: UsageQuery
    examined: int
    changed: int
    from_nano: int
    to_nano: int
    first_us: int
    last_us: int
    undone_us: int | None = None
