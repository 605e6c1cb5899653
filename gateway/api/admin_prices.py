"""The admin routes of prices: what each model costs and why, prices of the user's own, and the list's update.

Dollars go in and come out as decimal text; a JSON number is taken as it is written. Times are ISO 8601 or seconds.
"""

from typing import Any, Protocol

from msgspec import Struct

from gateway.api.admin import BASE, body_as, refusals, route, time_text
from gateway.errors import ClientError, missing
from gateway.parameters import refuse_empty
from gateway.price_records import (
    NewPriceOverride,
    PriceList,
    PriceOverride,
    PriceRow,
    UnitPrices,
)
from gateway.prices.price_overrides import NoSuchPrice
from gateway.read_api import parse_moment
from gateway.routes import Call, Route, taking

_Dollars = str | int | float | None


class PriceCommands(Protocol):
    """What the routes ask of the gateway."""

    async def prices(self, at_us: int | None = None) -> tuple[PriceRow, ...]: ...

    def price_overrides(self) -> tuple[PriceOverride, ...]: ...

    def price_list(self) -> PriceList: ...

    async def add_price(self, price: NewPriceOverride) -> PriceOverride: ...

    async def replace_price(self, id: int, price: NewPriceOverride) -> PriceOverride: ...

    async def remove_price(self, id: int) -> PriceOverride: ...

    async def update_prices(self) -> PriceList: ...


class Dollars(Struct, forbid_unknown_fields=True, kw_only=True):
    """The fields of UnitPrices."""

    input: _Dollars = None
    cached: _Dollars = None
    cache_write_5m: _Dollars = None
    cache_write_1h: _Dollars = None
    output: _Dollars = None
    reasoning: _Dollars = None
    input_audio: _Dollars = None
    output_audio: _Dollars = None
    cached_audio: _Dollars = None
    input_image: _Dollars = None
    input_video: _Dollars = None
    output_image: _Dollars = None
    output_video: _Dollars = None
    web_search: _Dollars = None
    file_search: _Dollars = None
    map_search: _Dollars = None
    code_container: _Dollars = None
    request: _Dollars = None

    def prices(self) -> UnitPrices:
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        return UnitPrices(**{name: None if value is None else str(value) for name, value in said.items()})


class Tier(Struct, forbid_unknown_fields=True, kw_only=True):
    """With more input tokens than `above`, the whole request is at these prices."""

    above: int
    prices: Dollars


class OwnPrice(Struct, forbid_unknown_fields=True, kw_only=True):
    """A NewPriceOverride as JSON."""

    provider: str
    model: str
    prices: Dollars
    valid_from: str | int | float | None = None
    valid_to: str | int | float | None = None
    tier: Tier | None = None
    note: str = ""

    def override(self) -> NewPriceOverride:
        return NewPriceOverride(
            provider=self.provider,
            model=self.model,
            prices=self.prices.prices(),
            valid_from_us=_moment("valid_from", self.valid_from),
            valid_to_us=_moment("valid_to", self.valid_to),
            tier_start=self.tier.above if self.tier else None,
            tier_prices=self.tier.prices.prices() if self.tier else None,
            note=self.note,
        )


def price_routes(commands: PriceCommands) -> tuple[Route, ...]:
    """For an admin's key only. `GET /prices?at=&provider=&model=` lists."""

    async def every(call: Call) -> Any:
        refuse_empty(call.query, ("at", "provider", "model"))
        at, provider, model = _moment("at", call.one("at")), call.one("provider"), call.one("model")
        rows = [
            row
            for row in await commands.prices(at)
            if provider in (None, row.provider) and model in (None, row.model)
        ]
        return {
            "list": _list(commands.price_list()),
            "data": [_row(row) for row in rows],
            "overrides": [_override(row) for row in commands.price_overrides()],
        }

    async def one(call: Call) -> Any:
        return _override(find(call.rest))

    async def add(call: Call) -> Any:
        price = body_as(call, OwnPrice).override()
        with refusals():
            return _override(await commands.add_price(price))

    async def change(call: Call) -> Any:
        price, kept = body_as(call, OwnPrice).override(), find(call.rest)
        with refusals():
            return _override(await commands.replace_price(kept.id, price))

    async def remove(call: Call) -> Any:
        kept = find(call.rest)
        with refusals():
            try:
                return _override(await commands.remove_price(kept.id))
            except NoSuchPrice as error:
                raise missing(error.message) from None

    async def update(_call: Call) -> Any:
        with refusals():
            return _list(await commands.update_prices())

    def find(id: str) -> PriceOverride:
        for row in commands.price_overrides():
            if id in (str(row.id), row.price_id):
                return row
        raise missing(f"No price of yours has this id: GET {BASE}/prices lists them.")

    return (
        route("GET", "/prices", taking(("at", "provider", "model"), every)),
        route("POST", "/prices", add),
        route("POST", "/prices/update", update),
        route("GET", "/prices/", one),
        route("PUT", "/prices/", change),
        route("DELETE", "/prices/", remove),
    )


def _moment(name: str, value: str | int | float | None) -> int | None:
    if isinstance(value, bool):
        raise ClientError(f"The time {name} cannot be read: use ISO 8601.", param=name)
    return parse_moment(name, None if value is None else str(value))


def _list(known: PriceList) -> dict[str, Any]:
    return {"version": known.version, "fetched_at": time_text(known.fetched_us), "models": known.models}


def _row(row: PriceRow) -> dict[str, Any]:
    return {
        "provider": row.provider,
        "model": row.model,
        "source": row.source,
        "price_id": row.price_id,
        "price_fuzzy": row.fuzzy,
        "valid_from": time_text(row.valid_from_us),
        "valid_to": time_text(row.valid_to_us),
        "prices": [
            {"unit": price.unit, "usd": price.usd, "per": price.per, "above_input_tokens": price.above}
            for price in row.prices
        ],
    }


def _override(row: PriceOverride) -> dict[str, Any]:
    return {
        "id": row.id,
        "price_id": row.price_id,
        "provider": row.provider,
        "model": row.model,
        "prices": _said(row.prices),
        "valid_from": time_text(row.valid_from_us),
        "valid_to": time_text(row.valid_to_us),
        "tier": _tier(row),
        "note": row.note,
        "created_at": time_text(row.created_us),
        "removed_at": time_text(row.removed_us),
    }


def _tier(row: PriceOverride) -> dict[str, Any] | None:
    return None if row.tier_prices is None else {"above": row.tier_start, "prices": _said(row.tier_prices)}


def _said(prices: UnitPrices) -> dict[str, str]:
    said = {name: getattr(prices, name) for name in prices.__struct_fields__}
    return {name: dollars for name, dollars in said.items() if dollars is not None}
