"""Usage and model to nano-dollars, and how each cost came about.

The user's own price at the request's time wins; else the figure that the provider gave; else the list price at the
request's time; else none, which is null and never 0. Of the user's own prices an override comes before a
`[[provider]]` table's, a model's before that for any model, and the one that began last before an earlier one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from gateway.configuration.extra_providers import ANY_MODEL, ExtraPrice
from gateway.model import UNTOLD_MODEL, Usage
from gateway.price_records import (
    CostExplanation,
    PriceList,
    PriceOverride,
    PriceRow,
    UnitPrices,
)
from gateway.prices import price_list, price_plan
from gateway.prices.cost_parts import BY_USE, Share, explained, unit_rows
from gateway.prices.price_list import ListedPrices, Match
from gateway.prices.price_plan import NoUnitPrice, Plan
from gateway.records import ExchangeRecord

_NO_PRICES: Mapping[str, Mapping[str, ExtraPrice]] = {}
# Whose price of a token stands for audio too where the list has none of its own for it.
_AUDIO_AS_TEXT = frozenset(("google",))
# The counts that a plan may lack a price for, so that they cost what the less specific unit does, or nothing.
_MAY_LACK = (("input_audio_tokens", "audio input"), ("output_audio_tokens", "audio output"))
_MAY_LACK_ANYWHERE = (("output_image_tokens", "image output"), ("output_video_tokens", "video output"))

_AT_STANDARD = "The list has no price for {}: it counts at the standard price."
_CONTAINERS = "A code container counts in each answer that used it: one that served several is billed once."
_COMPACTED = "Only with what compacting the history read does its input reach a tier of the price: it may cost less."
_LIST, _YOURS = "The list has no price", "Your price has none"
_WITHOUT_PLAN: Mapping[str, str] = {
    "provider": "The provider gave this figure with its answer.",
    "none": "No price is known, so it counts in no sum.",
}


class Priced(Struct, frozen=True):
    """What an exchange cost. `cost_nano` is whole nano-dollars, None where `source` is "none".

    `source`: provider, override, list or none. `price_id` is the price row's own model id, of the user's own prices
    `override:n` or `provider/model`. `fuzzy`: the price may be another's, because the listed id differs from the
    asked one by more than a date suffix, or the list has no price for how the request was served; or it lacks what
    has no known price.
    """

    cost_nano: int | None
    source: str
    price_id: str | None = None
    fuzzy: bool = False


NO_PRICE = Priced(None, "none")
NOTHING_USED = Priced(0, "list")


class _Own(Struct, frozen=True):
    """A price of the user's own, ready to be used."""

    id: str
    plan: Plan
    order: tuple[int, int] = (0, 0)
    from_us: int | None = None
    to_us: int | None = None
    removed: bool = False

    def valid(self, at_us: int) -> bool:
        if self.removed:
            return False
        return (self.from_us is None or self.from_us <= at_us) and (self.to_us is None or at_us < self.to_us)


class Pricing:
    """Prices exchanges. The table loads at first use (0.05 s), or ahead of it by `warm` in a worker thread.

    `use_overrides` and `use_list` may be called from any thread: what stands is replaced as a whole.
    """

    def __init__(self, own: Mapping[str, Mapping[str, ExtraPrice]] = _NO_PRICES) -> None:
        """`own`: the prices of `[[provider]]` tables, by provider's name and model."""
        self._tables = {
            (provider, model): (_Own(f"{provider}/{model}", price_plan.own_plan(_unit_prices(price))),)
            for provider, prices in own.items()
            for model, price in prices.items()
        }
        self._overrides: Mapping[tuple[str, str], Sequence[_Own]] = {}
        self._by_id = {row.id: row for rows in self._tables.values() for row in rows}
        self._list = ListedPrices()
        self._seen_ns: int | None = None

    def warm(self) -> None:
        """Load the price table."""
        self._list.warm()

    @property
    def list_state(self) -> PriceList:
        return self._list.state

    def load_list(self, folder: Path) -> None:
        """Use the list that was fetched last, if any. Raises FaregateError; the one in use stays then."""
        # One that cannot be read is not read again until it is another one.
        self._seen_ns = price_list.changed_ns(folder)
        self._list = price_list.read_list(folder)

    def fetch_list(self, folder: Path, url: str | None = None) -> None:
        """Fetch the list over the network, keep it and use it. Raises FaregateError; the one in use stays then."""
        self._list = price_list.fetch_list(folder, url)
        self._seen_ns = price_list.changed_ns(folder)

    def poll_list(self, folder: Path) -> bool:
        """Follow another process that fetched a list: whether there is another one now. Raises FaregateError."""
        if price_list.changed_ns(folder) == self._seen_ns:
            return False
        self.load_list(folder)
        return True

    def own_models(self) -> tuple[tuple[str, str], ...]:
        """Provider and model of every price of the user's own that is not removed."""
        standing = (name for name, own in self._overrides.items() if any(not row.removed for row in own))
        return tuple(dict.fromkeys((*self._tables, *standing)))

    def use_overrides(self, overrides: Sequence[PriceOverride]) -> None:
        """The user's overrides from now on, removed ones included: those still explain what they priced."""
        rows: dict[tuple[str, str], list[_Own]] = {}
        for override in overrides:
            rows.setdefault((override.provider, override.model), []).append(_own(override))
        for own in rows.values():
            own.sort(key=lambda row: row.order, reverse=True)
        by_id = {row.id: row for tables in (self._tables, rows) for own in tables.values() for row in own}
        self._overrides, self._by_id = rows, by_id

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
        if free:
            return NOTHING_USED
        own = self._own_price(provider, model, asked, at_us) if self._overrides or self._tables else None
        if own is None and usage.cost_nano is not None:
            return Priced(max(0, usage.cost_nano), "provider")
        counts = price_plan.count(usage)
        # The list may be replaced meanwhile: one call keeps to one.
        prices = self._list
        try:
            if own is not None:
                plan, source, price_id = own.plan, "override", own.id
                fuzzy = bool(_uses_in_doubt(_YOURS, plan, counts))
            else:
                if not price_provider:
                    return NO_PRICE
                if not any(counts.values()) and not usage.rare_counts:
                    return NOTHING_USED
                match = prices.match(price_provider, model)
                if match is None:
                    return NO_PRICE
                plan, doubts = _list_plan(prices, match, usage, counts, at_us)
                source, price_id, fuzzy = "list", match.id, match.fuzzy or bool(doubts)
            exact = price_plan.cost(plan, counts)
            if usage.rare_counts:
                shares, lacking = self._tool_shares(prices, price_provider, provider, usage, at_us)
                exact += sum(price_plan.cost(share.plan, share.counts) for share in shares)
                fuzzy = fuzzy or bool(lacking)
            return Priced(price_plan.rounded(exact), source, price_id, fuzzy)
        except NoUnitPrice:
            return NO_PRICE

    def explain(self, price_provider: str, record: ExchangeRecord) -> CostExplanation:
        """How the row's cost came about: by the override that priced it, or by today's list at the row's time."""
        shares, known, notes = self._shares_of(price_provider, record)
        explanation = CostExplanation(
            cost_nano=record.cost_nano,
            source=record.cost_source,
            price_id=record.price_id,
            fuzzy=record.price_fuzzy,
            price_list=known,
            notes=tuple(notes),
        )
        return explained(explanation, shares) if shares else explanation

    def price_row(self, price_provider: str, provider: str, model: str, at_us: int) -> PriceRow:
        """The price of a model at a time, and where it is from."""
        own = self._own_price(provider, model, model, at_us)
        if own is not None:
            return PriceRow(
                provider=provider,
                model=model,
                source="override",
                price_id=own.id,
                valid_from_us=own.from_us,
                valid_to_us=own.to_us,
                prices=unit_rows(own.plan),
            )
        prices = self._list
        match = prices.match(price_provider, model) if price_provider else None
        if match is None:
            return PriceRow(provider=provider, model=model, source="none")
        since, until = price_list.validity(match, at_us)
        return PriceRow(
            provider=provider,
            model=model,
            source="list",
            price_id=match.id,
            fuzzy=match.fuzzy,
            valid_from_us=since,
            valid_to_us=until,
            prices=unit_rows(prices.listed(match, at_us, ()).plan),
        )

    def has_own(self, provider: str, model: str, asked: str, at_us: int) -> bool:
        """Whether a price of the user's own stands for what a provider's model, asked for by a name, used then."""
        return self._own_price(provider, model, asked, at_us) is not None

    def _own_price(self, provider: str, model: str, asked: str, at_us: int) -> _Own | None:
        for table in (self._overrides, self._tables):
            for name in (model, asked, ANY_MODEL):
                for own in table.get((provider, name), ()):
                    if own.valid(at_us):
                        return own
        return None

    def _tool_shares(
        self, prices: ListedPrices, price_provider: str, provider: str, usage: Usage, at_us: int
    ) -> tuple[list[Share], list[str]]:
        """What the models cost that hosted tools asked, by the user's own price, else the list's; and sentences on
        what is not known of it."""
        shares: list[Share] = []
        lacking: list[str] = []
        for model, used in price_plan.of_other_models(usage).items():
            # Asked within a request that is one already.
            counts = {**price_plan.count(used), "requests": 0}
            own = self._own_price(provider, model, model, at_us)
            match = None if own is not None or not price_provider else prices.match(price_provider, model)
            if own is not None:
                shares.append(Share(own.plan, counts, f" of {model}"))
            elif match is not None:
                listed, doubts = _list_plan(prices, match, used, counts, at_us)
                shares.append(Share(listed, counts, f" of {model}"))
                lacking += doubts if not match.fuzzy else (*doubts, _other_name(model, match))
            elif model == UNTOLD_MODEL:
                lacking.append("A hosted tool asked another model, and which is not told: it is not in the cost.")
            else:
                lacking.append(f"No price is known for {model}, which a hosted tool asked: it is not in the cost.")
        if dict(usage.rare_counts or ()).get("images"):
            lacking.append("Images were made, and what they used is not told: they are not in the cost.")
        return shares, lacking

    def _shares_of(
        self, price_provider: str, record: ExchangeRecord
    ) -> tuple[list[Share], PriceList | None, list[str]]:
        """What priced a row, the list where it is the list's, and sentences on it."""
        usage, prices = usage_of(record), self._list
        counts = price_plan.count(usage)
        known: PriceList | None = None
        notes: list[str] = []
        if record.cost_source == "override":
            own = self._by_id.get(record.price_id or "")
            if own is None:
                return [], None, ["The price of yours that it had is gone."]
            plan, notes = own.plan, _uses_in_doubt(_YOURS, own.plan, counts)
        elif record.cost_source != "list":
            return [], None, [_WITHOUT_PLAN[record.cost_source]]
        elif record.price_id is None:
            return [], None, ["Nothing that is billed was used."]
        else:
            match = prices.match(price_provider, record.model or "")
            if match is None or match.id != record.price_id:
                match = prices.match(price_provider, record.price_id)
            if match is None:
                return [], prices.state, ["The list of prices no longer has this model."]
            plan, doubts = _list_plan(prices, match, usage, counts, record.started_us)
            known, notes = prices.state, list(doubts)
            if match.fuzzy:
                notes.append(_other_name(record.model or "", match))
        shares, lacking = self._tool_shares(prices, price_provider, record.provider or "", usage, record.started_us)
        return [Share(plan, counts), *shares], known, notes + lacking


def usage_of(record: ExchangeRecord) -> Usage:
    """What a row says that was used: all that its price follows from."""
    written, hour = record.cache_write_tokens, record.cache_write_1h_tokens
    return Usage(
        input_tokens=record.input_tokens,
        cached_tokens=record.cached_tokens,
        cache_write_tokens=written,
        cache_write_5m_tokens=None if written is None or hour is None else max(0, written - max(0, hour)),
        cache_write_1h_tokens=hour,
        cache_write_12h_tokens=record.cache_write_12h_tokens,
        input_audio_tokens=record.input_audio_tokens,
        output_tokens=record.output_tokens,
        reasoning_tokens=record.reasoning_tokens,
        output_audio_tokens=record.output_audio_tokens,
        rare_counts=record.rare_counts or None,
        web_searches=record.web_searches,
        service_tier=record.service_tier,
        speed=record.speed,
        inference_geo=record.inference_geo,
    )


def _list_plan(
    prices: ListedPrices, match: Match, usage: Usage, counts: dict[str, int], at_us: int
) -> tuple[Plan, tuple[str, ...]]:
    """The list's plan for a request, and sentences on what it has no price for. Searches billed as one become one."""
    listed = prices.listed(match, at_us, price_list.context_of(usage))
    doubts = [_AT_STANDARD.format(what) for what in listed.unlisted]
    if usage.cache_write_12h_tokens:
        doubts.append(_AT_STANDARD.format("cache writes of 12 hours"))
    may_lack = _MAY_LACK_ANYWHERE if match.price_provider in _AUDIO_AS_TEXT else (*_MAY_LACK, *_MAY_LACK_ANYWHERE)
    used = [(key, words) for key, words in may_lack if counts.get(key)]
    if used:
        priced = {unit.usage_key for unit in listed.plan}
        doubts += [_AT_STANDARD.format(words) for key, words in used if key not in priced]
    doubts += _uses_in_doubt(_LIST, listed.plan, counts)
    if match.searches_once:
        counts["web_searches"] = min(1, counts["web_searches"])
    return listed.plan, tuple(doubts)


def _uses_in_doubt(whose: str, plan: Plan, counts: Mapping[str, int]) -> list[str]:
    """Sentences on what was used, is priced by use, and has no price here or counts in more than one answer; and on
    a tier that only requests within the request reach together."""
    used = [key for key in BY_USE if counts.get(key)]
    priced = {unit.usage_key for unit in plan} if used else set()
    doubts = [
        f"{whose} for {BY_USE[key]} ({counts[key]:,} used): they are not in the cost."
        for key in used
        if key not in priced
    ]
    if "code_containers" in priced and counts.get("code_containers"):
        doubts.append(_CONTAINERS)
    if compacted := counts.get("compaction_tokens"):
        total = counts["input_tokens"]
        if any(unit.at(total) != unit.at(max(compacted, total - compacted)) for unit in plan):
            doubts.append(_COMPACTED)
    return doubts


def _other_name(model: str, match: Match) -> str:
    return f"The list does not know {model}: the price is that of {match.id}."


def _own(override: PriceOverride) -> _Own:
    began = -(2**63) if override.valid_from_us is None else override.valid_from_us
    return _Own(
        override.price_id,
        price_plan.own_plan(override.prices, override.tier_start, override.tier_prices),
        (began, override.id),
        override.valid_from_us,
        override.valid_to_us,
        override.removed_us is not None,
    )


def _unit_prices(price: ExtraPrice) -> UnitPrices:
    # As it is written: 0.1 is a tenth, not the double next to it.
    said = {name: None if dollars is None else str(dollars) for name, dollars in asdict(price).items()}
    write = said.pop("cache_write")
    return UnitPrices(**said, cache_write_5m=write)
