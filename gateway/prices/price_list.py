"""The list of public prices; the only user of genai-prices.

A model is looked up once, and its prices of a day are turned once into a plan: the same arithmetic as genai-prices'
own `calc_price`, without repeating its checks for every request. What the answer said of how it was served selects
the list's variants; where the list has none for it, the standard price stands and is flagged.
The list comes with the program, or from a snapshot that was fetched on demand and is kept in the data folder.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec import Struct

from gateway.errors import FaregateError, Unusable
from gateway.model import Usage
from gateway.output_file import output_file
from gateway.price_records import PriceList
from gateway.prices import price_library
from gateway.prices.price_plan import NANO, Plan, Unit, scaled
from gateway.providers.catalog import PROVIDERS
from gateway.system_proxy import UnusableProxy, system_proxy

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider

PRICES_FILE = "prices.json"
_CACHE_LIMIT = 4096
_MINUTE_US = 60_000_000
# A list has some megabytes; each piece may come in time, and the whole never.
LARGEST, MOST_S = 64 << 20, 120.0
_DATE = r"(?:20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
_DATE_SUFFIX = re.compile(rf"-{_DATE}$")

# What an answer says when it was served at the standard price.
_STANDARD: Mapping[str, frozenset[str]] = {
    "service_tier": frozenset(("default", "standard", "auto")),
    "speed": frozenset(("standard",)),
    "inference_geo": frozenset(("global", "not_available")),
}
# What an answer calls otherwise than the list does.
_LISTED_AS: Mapping[tuple[str, str], tuple[str, str]] = {("service_tier", "batch"): ("processing", "batch")}


class Surcharge(Struct, frozen=True):
    """All tokens cost `factor` times as much where the answer says `context`, but for the models of `exempt`."""

    price_provider: str
    context: tuple[str, str]
    factor: Decimal
    exempt: re.Pattern[str]


# Anthropic's pricing page: inference in the US only, for Claude Opus 4.6 and all later models.
SURCHARGES = (
    Surcharge(
        "anthropic",
        ("inference_geo", "us"),
        Decimal("1.1"),
        re.compile(r"claude-(?:v?[123]\b|(?:opus|sonnet|haiku)-4-[015]$)"),
    ),
)
# Google's pricing page: up to 2.x a grounded answer is billed once, later models bill each of its searches.
_SEARCHES_ONCE: Mapping[str, re.Pattern[str]] = {"google": re.compile(r"gemini-[12]\.")}

# Dimensions of the list's units.
_CACHED, _MEDIUM = "token_type", "modality"

Context = tuple[tuple[str, str], ...]


class Match(Struct, frozen=True):
    """A model of the list. `fuzzy`: it differs from the asked id by more than a date suffix."""

    price_provider: str
    info: ModelInfo
    fuzzy: bool
    has_variants: bool
    searches_once: bool

    @property
    def id(self) -> str:
        return self.info.id


class _NotLooked:
    pass


_NOT_LOOKED = _NotLooked()


class Listed(Struct, frozen=True):
    """The plan for a request. `unlisted`: what it says of how it was served that the list has no price for."""

    plan: Plan
    unlisted: tuple[str, ...] = ()


class _Loaded(Struct, frozen=True):
    """What of a list can be looked up, and how many models all of it has."""

    providers: list[Provider]
    models: int

    @classmethod
    def of(cls, providers: list[Provider]) -> Self:
        """Of nine models in ten nobody here can ask for the price: 2 MB."""
        from genai_prices.data_snapshot import find_provider_by_id

        called = (find_provider_by_id(providers, row.price_provider) for row in PROVIDERS if row.price_provider)
        wanted = {each for row in called if row for each in (row.id, *(row.fallback_model_providers or ()))}
        reached = [row for row in providers if row.id in wanted]
        return cls(reached, sum(len(row.models) for row in providers))


@cache
def _own() -> _Loaded:
    return _Loaded.of(price_library.own_providers())


class ListedPrices:
    """One state of the list, replaced as a whole by an update. Loading takes 0.05 s; `warm` does it ahead."""

    def __init__(self, providers: list[Provider] | None = None, fetched_us: int | None = None) -> None:
        """`providers` None for the list that came with the program."""
        self._given = None if providers is None else _Loaded.of(providers)
        self._fetched_us = fetched_us
        self._matches: dict[tuple[str, str], Match | None] = {}
        self._plans: dict[tuple[int, Context], tuple[ModelPrice, Listed]] = {}
        self._plans_now: dict[tuple[int, Context], tuple[int, Listed]] = {}

    def warm(self) -> None:
        self.match("openai", "gpt-4.1")

    def check(self) -> None:
        """Raises ValueError where it lacks a provider that we call, has a price that cannot be, or anything else on
        which a request that is to be priced would fail."""
        try:
            self._check()
        except ValueError:
            raise
        except Exception as error:
            # The library trusts what it reads: it indexes, compiles and multiplies.
            raise ValueError("it has what cannot be read") from error

    def _check(self) -> None:
        now_us = time.time_ns() // 1000
        models = {provider.id: provider.models for provider in self._loaded.providers}
        for row in PROVIDERS:
            if row.price_provider is not None and not models.get(row.price_provider):
                raise ValueError(f"it lacks {row.title}")
            if row.price_provider is not None:
                # Patterns are compiled only when they are matched: a name of none is held against all of them.
                self._find(row.price_provider, "\0")
            for info in models.get(row.price_provider or "", ()):
                match = Match(row.price_provider or "", info, fuzzy=False, has_variants=False, searches_once=False)
                for unit in self._listed_at(match, now_us, ()).plan:
                    if any(nano is None or not 0 <= nano < NANO for _, nano in ((0, unit.nano), *unit.tiers)):
                        raise ValueError(f"the price of {info.id} cannot be")

    @cached_property
    def state(self) -> PriceList:
        bundled = version("genai-prices") if self._fetched_us is None else None
        return PriceList(version=bundled, fetched_us=self._fetched_us, models=self._loaded.models)

    def match(self, price_provider: str, model: str) -> Match | None:
        """The list's model for this id; `price_provider` is genai-prices' id."""
        key = (price_provider, model)
        # One look, because another thread may clear what is kept after it.
        kept = self._matches.get(key, _NOT_LOOKED)
        if not isinstance(kept, _NotLooked):
            return kept
        if len(self._matches) >= _CACHE_LIMIT:
            self._matches.clear()
        self._matches[key] = match = self._find(price_provider, model)
        return match

    def listed(self, match: Match, at_us: int, context: Context) -> Listed:
        # Prices change at whole minutes: those of a minute's first request are the prices of all.
        key, minute = (id(match.info), context), at_us // _MINUTE_US
        kept = self._plans_now.get(key)
        if kept is None or kept[0] != minute:
            if len(self._plans_now) >= _CACHE_LIMIT:
                self._plans_now.clear()
            self._plans_now[key] = kept = (minute, self._listed_at(match, at_us, context))
        return kept[1]

    def _listed_at(self, match: Match, at_us: int, context: Context) -> Listed:
        asked = {_LISTED_AS.get(pair, pair) for pair in context} if match.has_variants else set()
        at = _moment(at_us)
        prices = match.info.get_prices(at, dict(asked))
        key = (id(match.info), context)
        kept = self._plans.get(key)
        # What a request's context selects is a fresh copy each time: the same only by its values.
        if kept is not None and (kept[0] is prices or kept[0] == prices):
            return kept[1]
        if len(self._plans) >= _CACHE_LIMIT:
            self._plans.clear()
        plan, unlisted = _make_plan(prices), []
        for pair in context:
            surcharge = _surcharge(match, pair)
            if surcharge is not None:
                plan = scaled(plan, surcharge)
            elif not _has_variant(match, _LISTED_AS.get(pair, pair), at):
                unlisted.append(f"{pair[0].replace('_', ' ')} {pair[1]}")
        listed = Listed(plan, tuple(unlisted))
        if not unlisted:
            # Whether a variant has begun is no matter of the prices that stand instead.
            self._plans[key] = (prices, listed)
        return listed

    def _find(self, price_provider: str, model: str) -> Match | None:
        try:
            provider, info = self._snapshot.find_provider_model(model, None, price_provider, None)
        except LookupError:
            return None
        own = any(info is row for row in provider.models)
        once = _SEARCHES_ONCE.get(price_provider)
        return Match(
            price_provider,
            info,
            fuzzy=_undated(info.id) != _undated(model),
            has_variants=own and bool(info.price_variants),
            searches_once=once is not None and once.match(info.id) is not None,
        )

    @cached_property
    def _loaded(self) -> _Loaded:
        return self._given or _own()

    @cached_property
    def _snapshot(self) -> DataSnapshot:
        # Before anything of the library is imported.
        loaded = self._loaded
        from genai_prices.data_snapshot import DataSnapshot

        # Our own, and not the process's, which another library may replace.
        return DataSnapshot(providers=loaded.providers, from_auto_update=self._given is not None)


def context_of(usage: Usage) -> Context:
    """What the answer said of how it was served, but for what is standard."""
    return _context(usage.service_tier, usage.speed, usage.inference_geo)


@lru_cache(maxsize=256)
def _context(service_tier: str | None, speed: str | None, inference_geo: str | None) -> Context:
    said = (("service_tier", service_tier), ("speed", speed), ("inference_geo", inference_geo))
    return tuple((key, value) for key, value in said if value and value not in _STANDARD[key])


def validity(match: Match, at_us: int) -> tuple[int | None, int | None]:
    """From when and until when the list's price of that time is valid, None where the list does not say."""
    prices = match.info.prices
    starts = (
        sorted(_start_us(row.constraint) for row in prices if _has_start(row)) if isinstance(prices, list) else []
    )
    before = [start for start in starts if start <= at_us]
    after = [start for start in starts if start > at_us]
    return (before[-1] if before else None), (after[0] if after else None)


def read_list(folder: Path) -> ListedPrices:
    """The list that was fetched last, else the one that came with the program. Raises FaregateError."""
    path = folder / PRICES_FILE
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        return ListedPrices()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from None
    try:
        return ListedPrices(_checked(kept.providers), kept.fetched_us)
    except ValueError as error:
        raise _damaged(path, error) from None


def changed_ns(folder: Path) -> int | None:
    """When the kept list was written, None where there is none."""
    try:
        return (folder / PRICES_FILE).stat().st_mtime_ns
    except OSError:
        return None


def fetch_list(folder: Path, url: str | None = None) -> ListedPrices:
    """Fetch the list from genai-prices' own address (`url` for another), check it and keep it in the folder.

    Waits for the network. Raises FaregateError (Unusable where it may go well later), and then nothing has changed.
    """
    price_library.whole()
    import httpx2
    from genai_prices.update_prices import UpdatePrices

    source = UpdatePrices() if url is None else UpdatePrices(url=url)
    try:
        until, body = time.monotonic() + MOST_S, bytearray()
        # The client's own look at the system's proxies fails on what it knows none of.
        way: dict[str, Any] = {"proxy": system_proxy(source.url), "trust_env": False}
        trust = httpx2.create_ssl_context()
        with httpx2.stream("GET", source.url, timeout=source.request_timeout, verify=trust, **way) as answer:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise ValueError("it is too large")
                if time.monotonic() > until:
                    raise httpx2.ReadTimeout("it takes too long")
        raw = msgspec.json.decode(body)
        fetched = ListedPrices(_checked(raw), time.time_ns() // 1000)
        fetched.check()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        why = f"status {error.response.status_code}" if isinstance(error, httpx2.HTTPStatusError) else "no connection"
        raise Unusable(f"The prices could not be fetched ({why}): try again later; those in use stay.") from None
    except UnusableProxy as error:
        raise Unusable(f"The prices could not be fetched, {error}; those in use stay.") from None
    except (ValueError, RecursionError):
        raise Unusable("What was fetched is no list of prices: try again later; those in use stay.") from None
    with output_file(folder / PRICES_FILE) as file:
        kept = {"fetched_us": fetched.state.fetched_us, "providers": msgspec.Raw(bytes(body))}
        file.write(msgspec.json.encode(kept).decode())
    return fetched


class _Kept(Struct, frozen=True):
    fetched_us: int
    providers: list[Any]


def _checked(raw: Any) -> list[Provider]:
    """Raises ValueError for what is no list of prices."""
    price_library.whole()
    from genai_prices.types import _providers_from_raw

    if not isinstance(raw, list) or not raw:
        raise ValueError("it is no list of providers")
    try:
        return _providers_from_raw(raw)
    except Exception as error:
        # It asserts what it takes for granted, and takes the first of what may be empty: a StopIteration would leave
        # whoever waits for the thread waiting for ever.
        raise ValueError("it has another form") from error


def _damaged(path: Path, error: Exception) -> FaregateError:
    reason = error.strerror if isinstance(error, OSError) else "it is no list of prices"
    return FaregateError(f"{path} cannot be read ({reason}): remove it, or update the prices.")


def _undated(model: str) -> str:
    return _DATE_SUFFIX.sub("", model.lower())


def _moment(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)


def _has_start(row: Any) -> bool:
    return getattr(row.constraint, "start_date", None) is not None


def _start_us(constraint: Any) -> int:
    return int(datetime.combine(constraint.start_date, clock(), UTC).timestamp()) * 1_000_000


def _surcharge(match: Match, pair: tuple[str, str]) -> Decimal | None:
    for row in SURCHARGES:
        if (row.price_provider, row.context) == (match.price_provider, pair):
            return Decimal(1) if row.exempt.match(match.id) else row.factor
    return None


def _has_variant(match: Match, pair: tuple[str, str], at: datetime) -> bool:
    if not match.has_variants:
        return False
    return any(
        pair in variant.when.items() and (variant.constraint is None or variant.constraint.active(at))
        for variant in match.info.price_variants or ()
    )


def _make_plan(prices: ModelPrice) -> Plan:
    """The priced units, most specific first: each one's tokens are its count less those of the units inside it."""
    from genai_prices.data_units import unit_data

    rows = [
        (set(unit["dimensions"].items()), usage_key, int(unit["per"]), price)
        for usage_key, unit in unit_data.items()
        if (price := vars(prices).get(unit["price_key"])) is not None
    ]
    rows.sort(key=lambda row: (-len(row[0]), row[1]))
    plan: list[Unit] = []
    for position, (dimensions, usage_key, per, price) in enumerate(rows):
        base, tiers = (price, ()) if isinstance(price, Decimal) else (price.base, price.tiers)
        plan.append(
            Unit(
                usage_key,
                base * NANO / per,
                tuple((tier.start, tier.price * NANO / per) for tier in reversed(tiers)),
                tuple(earlier for earlier in range(position) if _holds(dimensions, rows[earlier][0])),
                per,
            )
        )
    return tuple(plan)


def _holds(whole: set[tuple[str, str]], part: set[tuple[str, str]]) -> bool:
    """Whether the part's tokens are among our count of the whole: that of a medium is of what was not cached."""
    added = {name for name, _ in part - whole}
    return whole < part and not (_CACHED in added and any(name == _MEDIUM for name, _ in whole))
