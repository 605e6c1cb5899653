"""What a stored request costs by today's prices at its own time, or why it keeps the cost that it has.

The order is that of new requests: the user's own price, else the figure that the provider gave, else the list. A row
keeps its cost where nothing can be worked out (no counts), and where only the list's price is gone: a list that
forgets a model makes what was used of it no cheaper.
"""

from collections.abc import Callable, Mapping
from copy import copy
from functools import lru_cache

from msgspec.structs import replace

from gateway.prices.pricing import Priced, Pricing, usage_of
from gateway.records import ExchangeRecord
from gateway.store.repriced_rows import NO_USAGE
from gateway.store.storable import LIMITS
from gateway.words import later

UNKNOWN_COUNTS, PROVIDER_FIGURE = "unknown_counts", "provider_figure"
NO_PRICE, PRICE_GONE, OWN_LACKS, TOO_DEAR = "no_price", "price_gone", "own_lacks", "too_dear"
KEPT_BECAUSE: Mapping[str, str] = {
    NO_USAGE: later("None of their tokens were counted."),
    UNKNOWN_COUNTS: later("How much they used is not known."),
    PROVIDER_FIGURE: later("The provider reported it, and no price of yours overrides it."),
    NO_PRICE: later("No price is known for them."),
    PRICE_GONE: later("The price that they had is no longer listed; they keep it."),
    OWN_LACKS: later("Your own price of them has none for some of what they used."),
    TOO_DEAR: later("The price would make them dearer than a request can be; they keep what they had."),
}

_MOST_ASKED = 4096

Asked = Callable[[str, str], str]
"""(provider's name, model as the client named it) → the model that the provider was asked for."""


class Repricer:
    """Prices stored rows, with the prices that stand when it is made: those of all rows are then of one state.

    `price_providers` are the list's ids by provider's name, "" or absent for none.
    """

    def __init__(self, pricing: Pricing, price_providers: Mapping[str, str], asked: Asked) -> None:
        self._pricing = copy(pricing)
        self._price_providers = price_providers
        self._asked = lru_cache(_MOST_ASKED)(asked)

    def __call__(self, record: ExchangeRecord, said_nano: int | None) -> Priced | str:
        """The cost, or a word of `KEPT_BECAUSE`. `said_nano` is the figure that the provider gave, where known."""
        if record.provider is None or record.model is None:
            return NO_PRICE
        if record.input_tokens is None and record.output_tokens is None:
            return UNKNOWN_COUNTS
        usage, asked = usage_of(record), self._asked(record.provider, record.model_requested or record.model)
        today = self._pricing.price(
            self._price_providers.get(record.provider, ""),
            record.model,
            usage if said_nano is None else replace(usage, cost_nano=said_nano),
            record.started_us,
            free=_was_free(record),
            provider=record.provider,
            asked=asked,
        )
        if today.source == record.cost_source == "provider":
            return PROVIDER_FIGURE
        if today.cost_nano is None and record.cost_source != "override":
            if self._pricing.has_own(record.provider, record.model, asked, record.started_us):
                return OWN_LACKS
            return NO_PRICE if record.cost_nano is None else PRICE_GONE
        return TOO_DEAR if (today.cost_nano or 0) > LIMITS["cost_nano"] else today


def _was_free(record: ExchangeRecord) -> bool:
    """Something was counted and, by no price row, cost nothing: what the provider does not bill."""
    unbilled = record.cost_source == "list" and record.price_id is None and record.cost_nano == 0
    return unbilled and bool(record.input_tokens or record.output_tokens)
