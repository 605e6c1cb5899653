"""The models as the window lists them: what the registry knows of each, with the prices of a day."""

import time
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from gateway.price_records import ModelRow, PriceRow
from gateway.prices.pricing import Pricing
from gateway.providers.catalog import Provider
from gateway.providers.models import Model, life_state


def model_rows(
    models: Sequence[Model], providers: Mapping[str, Provider], pricing: Pricing, today: date
) -> tuple[ModelRow, ...]:
    """A row for each model, in their order; `providers` are those in force, by name."""
    now_us = time.time_ns() // 1000
    rows = []
    for model in models:
        provider = providers.get(model.provider)
        listed = provider.price_provider if provider else None
        price = pricing.price_row(listed or "", model.provider, model.id, now_us)
        rows.append(
            ModelRow(
                id=model.id,
                provider=model.provider,
                title=model.title,
                spellings=model.spellings,
                kind=model.kind,
                context_tokens=model.context,
                max_output_tokens=model.max_output,
                state=life_state(model, today),
                shutdown_date=model.ended,
                replacement=model.replacement,
                note=model.note,
                input_price=_nano(price, "input"),
                cached_price=_nano(price, "cached"),
                output_price=_nano(price, "output"),
            )
        )
    return tuple(rows)


def price_rows(
    models: Sequence[Model], providers: Mapping[str, Provider], pricing: Pricing, at_us: int
) -> tuple[PriceRow, ...]:
    """The price of each model at a time; models that only a price of the user's own names come last."""
    known = dict.fromkeys((model.provider, model.id) for model in models) | dict.fromkeys(pricing.own_models())
    rows = []
    for provider, model in known:
        row = providers.get(provider)
        rows.append(pricing.price_row((row.price_provider if row else None) or "", provider, model, at_us))
    return tuple(rows)


def _nano(price: PriceRow, unit: str) -> int | None:
    """Nano-dollars per million of a unit at the base tier."""
    said = next((row.usd for row in price.prices if row.unit == unit and row.above is None), None)
    return None if said is None else round(Decimal(said) * 1_000_000_000)
