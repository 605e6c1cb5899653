"""The models as the window lists them: what the registry knows of each, with the prices of a day."""

import time
from collections.abc import Mapping, Sequence
from datetime import date

from gateway.pricing import Pricing
from gateway.providers.catalog import Provider
from gateway.providers.models import Model, life_state
from gateway.records import ModelRow


def model_rows(
    models: Sequence[Model], providers: Mapping[str, Provider], pricing: Pricing, today: date
) -> tuple[ModelRow, ...]:
    """A row for each model, in their order; `providers` are those in force, by name."""
    now_us = time.time_ns() // 1000
    rows = []
    for model in models:
        provider = providers.get(model.provider)
        listed = provider.price_provider if provider else None
        prices = pricing.own_price(model.provider, model.id) or (
            pricing.list_price(listed, model.id, now_us) if listed else (None, None, None)
        )
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
                input_price=prices[0],
                cached_price=prices[1],
                output_price=prices[2],
            )
        )
    return tuple(rows)
