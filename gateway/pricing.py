"""Usage and model to nano-dollars; the only user of genai-prices.

A figure that the provider gave wins; else the user's own price; else the list price at the request's time; else none,
which is null and never 0.
A model is looked up once, and a price row is turned once into a plan: for each priced unit, its price and the more
specific units whose tokens it must not count again (cached and cache-written tokens are inside the input). Working
the plan out is the same arithmetic as genai-prices' own `calc_price`, without repeating its checks for every request.
Context tiers go by the whole request. Decimals throughout, rounded half-even once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from gateway.extra_providers import ANY_MODEL, ExtraPrice
from gateway.model import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

_NO_PRICES: Mapping[str, Mapping[str, ExtraPrice]] = {}
_Context = tuple[tuple[str, str], ...]

_NANO = 1_000_000_000
_CACHE_LIMIT = 4096
_MINUTE_US = 60_000_000
_DATE = r"(?:20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
_DATE_SUFFIX = re.compile(rf"-{_DATE}$")


class Priced(Struct, frozen=True):
    """What an exchange cost. `cost_nano` is whole nano-dollars, None where `source` is "none".

    `source`: provider, override, list or none. `price_id` is the price row's own model id, of the user's own prices
    `provider/model`; `fuzzy` says that it differs from the asked id by more than a date suffix, so that the price may
    be another model's.
    """

    cost_nano: int | None
    source: str
    price_id: str | None = None
    fuzzy: bool = False


NO_PRICE = Priced(None, "none")
NOTHING_USED = Priced(0, "list")


class _Unit(Struct, frozen=True):
    """One priced unit: `nano` per single unit, `tiers` from the highest start down, `inside` the plan's earlier units
    (by position) that are a part of this one."""

    usage_key: str
    nano: Decimal
    tiers: tuple[tuple[int, Decimal], ...]
    inside: tuple[int, ...]


class _Match(Struct, frozen=True):
    info: ModelInfo
    fuzzy: bool
    has_variants: bool


class _OwnPrice:
    """A price of the user's own. Cached and cache-written input costs what input does where nothing else is said."""

    def __init__(self, id: str, price: ExtraPrice) -> None:
        self._id = id
        exact = {name: _dollars(getattr(price, name)) for name in price.__struct_fields__}
        cached, write = exact["cached"], exact["cache_write"]
        self._per_million = {
            "cache_read_tokens": exact["input"] if cached is None else cached,
            "cache_write_tokens": exact["input"] if write is None else write,
            "input_tokens": exact["input"],
            "output_tokens": exact["output"],
        }

    @property
    def per_million(self) -> tuple[int | None, int | None, int | None]:
        read, _, fresh, output = (_per_million(price) for price in self._per_million.values())
        return fresh, read, output

    def priced(self, counts: Mapping[str, int]) -> Priced:
        """The cost of these counts; no price where one of them is used and has none."""
        used = {name: counts[name] for name in self._per_million}
        used["input_tokens"] -= used["cache_read_tokens"] + used["cache_write_tokens"]
        nano = Decimal(0)
        for name, price in self._per_million.items():
            if not used[name]:
                continue
            if price is None:
                return NO_PRICE
            nano += used[name] * price * _NANO / 1_000_000
        return Priced(int(nano.to_integral_value(ROUND_HALF_EVEN)), "override", self._id)


def _dollars(price: float | None) -> Decimal | None:
    # As it is written: 0.1 is a tenth, not the double next to it.
    return None if price is None else Decimal(str(price))


class Pricing:
    """Prices exchanges. The table loads at first use (0.2 s), or ahead of it by `warm` in a worker thread."""

    def __init__(self, own: Mapping[str, Mapping[str, ExtraPrice]] = _NO_PRICES) -> None:
        """`own`: the user's prices, by provider's name and model."""
        self._own = {
            (provider, model): _OwnPrice(f"{provider}/{model}", price)
            for provider, prices in own.items()
            for model, price in prices.items()
        }
        self._matches: dict[tuple[str, str], _Match | None] = {}
        self._plans: dict[tuple[int, _Context], tuple[ModelPrice, tuple[_Unit, ...]]] = {}
        self._plans_now: dict[tuple[int, _Context], tuple[int, tuple[_Unit, ...]]] = {}

    def warm(self) -> None:
        """Load the price table."""
        self._match("openai", "gpt-4.1")

    def price(
        self,
        price_provider: str,
        model: str,
        usage: Usage,
        at_us: int,
        *,
        free: bool = False,
        provider: str = "",
        asked: str = "",
    ) -> Priced:
        """The cost of `usage` at `at_us` (Unix microseconds); `price_provider` is genai-prices' id, "" for none.

        `free` is for what the provider does not bill (counting tokens). The user's own prices are those of the row's
        `provider` for `model`, which answered, else for the one that was `asked`, else for any. Raises nothing:
        contradictory counts are clamped so that no part is negative.
        """
        if usage.cost_nano is not None:
            return Priced(max(0, usage.cost_nano), "provider")
        counts = _counts(usage)
        if free:
            return NOTHING_USED
        own = self._own_price(provider, model, asked) if self._own else None
        if own is not None:
            return own.priced(counts)
        if not price_provider:
            return NO_PRICE
        if not any(counts.values()):
            return NOTHING_USED
        match = self._match(price_provider, model)
        if match is None:
            return NO_PRICE
        context = _context(usage) if match.has_variants else ()
        return Priced(_cost(self._plan(match.info, at_us, context), counts), "list", match.info.id, match.fuzzy)

    def list_price(self, price_provider: str, model: str, at_us: int) -> tuple[int | None, int | None, int | None]:
        """Nano-dollars per million tokens of input, cached input and output at the base tier; None where unknown."""
        match = self._match(price_provider, model)
        if match is None:
            return None, None, None
        prices = match.info.get_prices(datetime.fromtimestamp(at_us / 1e6, UTC))
        return _per_million(prices.input_mtok), _per_million(prices.cache_read_mtok), _per_million(prices.output_mtok)

    def own_price(self, provider: str, model: str) -> tuple[int | None, int | None, int | None] | None:
        """The user's own price in the form of `list_price`, None where there is none."""
        own = self._own_price(provider, model, model)
        return None if own is None else own.per_million

    def _own_price(self, provider: str, model: str, asked: str) -> _OwnPrice | None:
        found = (self._own.get((provider, name)) for name in (model, asked, ANY_MODEL))
        return next((own for own in found if own is not None), None)

    def _match(self, price_provider: str, model: str) -> _Match | None:
        key = (price_provider, model)
        if key in self._matches:
            return self._matches[key]
        if len(self._matches) >= _CACHE_LIMIT:
            self._matches.clear()
        self._matches[key] = match = _find(price_provider, model)
        return match

    def _plan(self, info: ModelInfo, at_us: int, context: _Context) -> tuple[_Unit, ...]:
        # Prices change at whole minutes: those of a minute's first request are the prices of all.
        key, minute = (id(info), context), at_us // _MINUTE_US
        kept = self._plans_now.get(key)
        if kept is None or kept[0] != minute:
            if len(self._plans_now) >= _CACHE_LIMIT:
                self._plans_now.clear()
            self._plans_now[key] = kept = (minute, self._plan_at(info, at_us, context))
        return kept[1]

    def _plan_at(self, info: ModelInfo, at_us: int, context: _Context) -> tuple[_Unit, ...]:
        prices = info.get_prices(datetime.fromtimestamp(at_us / 1e6, UTC), dict(context))
        key = (id(info), context)
        kept = self._plans.get(key)
        # What a request's context selects is a fresh copy each time: the same only by its values.
        if kept is not None and (kept[0] is prices or kept[0] == prices):
            return kept[1]
        if len(self._plans) >= _CACHE_LIMIT:
            self._plans.clear()
        plan = _make_plan(prices)
        self._plans[key] = (prices, plan)
        return plan


def _find(price_provider: str, model: str) -> _Match | None:
    from genai_prices.data_snapshot import get_snapshot

    try:
        provider, info = get_snapshot().find_provider_model(model, None, price_provider, None)
    except LookupError:
        return None
    own = any(info is row for row in provider.models)
    fuzzy = _undated(info.id) != _undated(model)
    return _Match(info, fuzzy, own and bool(info.price_variants))


def _undated(model: str) -> str:
    return _DATE_SUFFIX.sub("", model.lower())


def _context(usage: Usage) -> _Context:
    said = (("service_tier", usage.service_tier), ("speed", usage.speed))
    return tuple((key, value) for key, value in said if value)


def _per_million(price: Decimal | TieredPrices | None) -> int | None:
    if price is None:
        return None
    base = price if isinstance(price, Decimal) else price.base
    return int((base * _NANO).to_integral_value(ROUND_HALF_EVEN))


def _counts(usage: Usage) -> Mapping[str, int]:
    """genai-prices' counts, none negative, no part larger than its whole.

    A cache write without a known lifetime is billed as a five-minute one; audio inside cached input counts as cached.
    """
    read = max(0, usage.cached_tokens or 0)
    write_5m, write_1h = max(0, usage.cache_write_5m_tokens or 0), max(0, usage.cache_write_1h_tokens or 0)
    write = max(0, usage.cache_write_tokens or 0, write_5m + write_1h)
    total = read + write if usage.input_tokens is None else max(0, usage.input_tokens)
    read = min(read, total)
    write = min(write, total - read)
    write_1h = min(write_1h, write)
    output = max(0, usage.output_tokens or 0)
    output_audio = min(max(0, usage.output_audio_tokens or 0), output)
    return {
        "input_tokens": total,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_5m_tokens": min(write_5m, write - write_1h),
        "cache_write_1h_tokens": write_1h,
        "input_audio_tokens": min(max(0, usage.input_audio_tokens or 0), total - read - write),
        "output_tokens": output,
        "output_audio_tokens": output_audio,
        "output_reasoning_tokens": min(max(0, usage.reasoning_tokens or 0), output - output_audio),
        "web_searches": max(0, usage.web_searches or 0),
    }


def _make_plan(prices: ModelPrice) -> tuple[_Unit, ...]:
    """The priced units, most specific first: each one's tokens are its count less those of the units inside it."""
    from genai_prices.data_units import unit_data

    rows = [
        (set(unit["dimensions"].items()), usage_key, int(unit["per"]), price)
        for usage_key, unit in unit_data.items()
        if (price := vars(prices).get(unit["price_key"])) is not None
    ]
    rows.sort(key=lambda row: (-len(row[0]), row[1]))
    plan: list[_Unit] = []
    for position, (dimensions, usage_key, per, price) in enumerate(rows):
        base, tiers = (price, ()) if isinstance(price, Decimal) else (price.base, price.tiers)
        plan.append(
            _Unit(
                usage_key=usage_key,
                nano=base * _NANO / per,
                tiers=tuple((tier.start, tier.price * _NANO / per) for tier in reversed(tiers)),
                inside=tuple(earlier for earlier in range(position) if dimensions < rows[earlier][0]),
            )
        )
    return tuple(plan)


def _cost(plan: tuple[_Unit, ...], counts: Mapping[str, int]) -> int:
    total_input = counts["input_tokens"]
    own: list[int] = []
    nano = Decimal(0)
    for unit in plan:
        # A request is itself one unit; what our counts do not know (images, video) is none.
        count = 1 if unit.usage_key == "requests" else counts.get(unit.usage_key, 0)
        for earlier in unit.inside:
            count -= own[earlier]
        own.append(count)
        if count:
            price = next((price for start, price in unit.tiers if total_input > start), unit.nano)
            nano += price * count
    return int(nano.to_integral_value(ROUND_HALF_EVEN))
