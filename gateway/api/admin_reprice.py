"""The admin routes of re-pricing: history by today's prices, looked at, applied and undone.

The rows are chosen by the read API's filters. A parameter that is none of them is refused: one that was passed over
would change more rows than were meant.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from msgspec import Struct

from gateway.api.admin import BASE, body_as, refusals, route, time_text
from gateway.errors import ClientError, missing
from gateway.price_records import RepricedModel, Repricing, RepricingPreview
from gateway.prices.repricing import KEPT_BECAUSE
from gateway.read_api import DIMENSION_PARAMETERS, NANO_PER_DOLLAR, parse_query, render_money
from gateway.records import TagCondition, UsageQuery
from gateway.routes import Call, Route, taking

# Sums are SQLite's integers, of nano-dollars.
MOST_DOLLARS = 2**63 // NANO_PER_DOLLAR
_FILTERS = ("from", "to", "tz", "tag", *DIMENSION_PARAMETERS)


class RepricingCommands(Protocol):
    """What the routes ask of the gateway."""

    async def preview_repricing(self, query: UsageQuery) -> RepricingPreview: ...

    async def apply_repricing(self, query: UsageQuery, *, expected: RepricingPreview | None = None) -> Repricing: ...

    async def undo_repricing(self, id: int) -> Repricing: ...

    async def repricings(self) -> tuple[Repricing, ...]: ...


class Expected(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a preview said."""

    changed: int
    difference_usd: str | int | float

    def preview(self) -> RepricingPreview:
        try:
            dollars = Decimal(str(self.difference_usd))
        except (InvalidOperation, ValueError):
            dollars = Decimal("NaN")
        # Of larger ones the integer alone could take minutes.
        nano = (
            dollars * NANO_PER_DOLLAR
            if dollars.is_finite() and dollars.copy_abs() <= MOST_DOLLARS
            else Decimal("NaN")
        )
        if nano != nano.to_integral_value():
            raise ClientError(
                "It is not a number of dollars with up to nine places.", param="expected.difference_usd"
            )
        return RepricingPreview(changed=self.changed, to_nano=int(nano))


class Ask(Struct, forbid_unknown_fields=True, kw_only=True):
    """`apply` false, or no body at all, only looks. With `expected` the rows change so or not at all."""

    apply: bool = False
    expected: Expected | None = None


def repricing_routes(commands: RepricingCommands) -> tuple[Route, ...]:
    """For an admin's key only."""

    async def every(_call: Call) -> Any:
        return {"data": [_repricing(row) for row in await commands.repricings()]}

    async def look_or_apply(call: Call) -> Any:
        ask, query = body_as(call, Ask) if call.body else Ask(), parse_query(call.query)
        expected = ask.expected.preview() if ask.expected else None
        with refusals():
            if ask.apply:
                return _repricing(await commands.apply_repricing(query, expected=expected))
            return _preview(await commands.preview_repricing(query))

    async def undo(call: Call) -> Any:
        number, slash, verb = call.rest.partition("/")
        if not slash or verb != "undo" or not (number.isascii() and number.isdigit() and len(number) < 16):
            raise missing(f"POST {BASE}/prices/reprice/ID/undo takes one back; GET {BASE}/prices/reprice lists them.")
        with refusals():
            return _repricing(await commands.undo_repricing(int(number)))

    return (
        route("GET", "/prices/reprice", every),
        route("POST", "/prices/reprice", taking(_FILTERS, look_or_apply)),
        route("POST", "/prices/reprice/", undo),
    )


def _preview(preview: RepricingPreview) -> dict[str, Any]:
    return {
        "examined": preview.examined,
        "changed": preview.changed,
        **_money(preview.from_nano, preview.to_nano),
        **_estimated(preview),
        "newly_priced": preview.newly_priced,
        "no_longer_priced": preview.no_longer_priced,
        "by_model": [
            {
                "provider": row.provider,
                "model": row.model,
                "changed": row.changed,
                **_money(row.from_nano, row.to_nano),
                **_estimated(row),
            }
            for row in preview.by_model
        ],
        "by_source": [
            {
                "from_source": row.from_source,
                "to_source": row.to_source,
                "changed": row.changed,
                **_money(row.from_nano, row.to_nano),
            }
            for row in preview.by_source
        ],
        "kept": [
            {"reason": reason, "requests": requests, "because": KEPT_BECAUSE[reason]}
            for reason, requests in preview.kept.items()
        ],
    }


def _repricing(row: Repricing) -> dict[str, Any]:
    return {
        "id": row.id,
        "applied_at": time_text(row.at_us),
        "undone_at": time_text(row.undone_us),
        "filters": _filters(row.query),
        "examined": row.examined,
        "changed": row.changed,
        **_money(row.from_nano, row.to_nano),
        "first_at": time_text(row.first_us),
        "last_at": time_text(row.last_us),
    }


def _money(before: int, after: int) -> Mapping[str, str | None]:
    return {
        "from_usd": render_money(before),
        "to_usd": render_money(after),
        "difference_usd": render_money(after - before),
    }


def _estimated(sums: RepricingPreview | RepricedModel) -> Mapping[str, int]:
    """How many of the costs in these sums are estimates."""
    return {"from_costs_estimated": sums.from_estimated, "to_costs_estimated": sums.to_estimated}


def _filters(query: UsageQuery) -> dict[str, Any]:
    """The parameters that choose these rows."""
    said: dict[str, Any] = {"from": time_text(query.start_us), "to": time_text(query.end_us)}
    said |= {name: list(getattr(query, name)) for name in DIMENSION_PARAMETERS}
    said["tag"] = list(_tags(query.tags))
    return {name: value for name, value in said.items() if value}


def _tags(conditions: Iterable[TagCondition]) -> Iterable[str]:
    return (("!" if tags.negated else "") + "|".join(tags.any_of) for tags in conditions)
