"""How a cost adds up, in words and exact decimals that may be shown."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from gateway.price_records import CostExplanation, CostPart, UnitPrice
from gateway.prices import price_plan
from gateway.prices.price_plan import NANO, NoUnitPrice, Plan

BY_USE: Mapping[str, str] = {
    "web_searches": "web searches",
    "storage_searches": "file searches",
    "map_searches": "map searches",
    "code_containers": "code containers",
}
"""What is priced by use: words by usage key."""
UNIT_WORDS: Mapping[str, str] = {
    "input_tokens": "input",
    "cache_read_tokens": "cached",
    "cache_write_tokens": "cache write",
    "cache_write_5m_tokens": "cache write, 5 minutes",
    "cache_write_1h_tokens": "cache write, 1 hour",
    "cache_audio_read_tokens": "cached audio",
    "cache_image_read_tokens": "cached images",
    "input_audio_tokens": "audio input",
    "input_image_tokens": "image input",
    "input_video_tokens": "video input",
    "output_tokens": "output",
    "output_reasoning_tokens": "reasoning",
    "output_audio_tokens": "audio output",
    "output_image_tokens": "image output",
    "output_video_tokens": "video output",
    **BY_USE,
    "requests": "request",
}


class Share(NamedTuple):
    """A part of a cost: its prices, what was used of them, and of which model, where that is not the row's."""

    plan: Plan
    counts: Mapping[str, int]
    of: str = ""


def explained(explanation: CostExplanation, shares: Sequence[Share]) -> CostExplanation:
    """With its parts, where they still add up to the recorded cost."""
    try:
        amounts = [(share.of, amount) for share in shares for amount in price_plan.amounts(share.plan, share.counts)]
    except NoUnitPrice:
        amounts = []
    exact = sum((amount.nano * amount.count for _, amount in amounts), Decimal(0))
    if price_plan.rounded(exact) != explanation.cost_nano:
        # A sum that does not give the cost would explain nothing.
        changed = "Its cost is not what these prices give today: the prices have changed, or a call failed before."
        return replace(explanation, notes=(*explanation.notes, changed))
    tiers = [amount.tier_start for of, amount in amounts if not of and amount.tier_start is not None]
    return replace(
        explanation,
        parts=tuple(
            CostPart(
                unit=UNIT_WORDS.get(amount.unit.usage_key, amount.unit.usage_key.replace("_", " ")) + of,
                count=amount.count,
                price_usd=_decimal_text(amount.nano * amount.unit.per / NANO),
                per=amount.unit.per,
                amount_nano=_decimal_text(amount.nano * amount.count),
            )
            for of, amount in amounts
        ),
        exact_nano=_decimal_text(exact),
        tier_above=max(tiers, default=None),
    )


def unit_rows(plan: Plan) -> tuple[UnitPrice, ...]:
    """The prices of a plan as they may be shown, from the least specific unit."""
    rows = []
    for unit in reversed(plan):
        word = UNIT_WORDS.get(unit.usage_key)
        if word is None:
            continue
        for above, nano in ((None, unit.nano), *reversed(unit.tiers)):
            if nano is not None:
                usd = _decimal_text(nano * unit.per / NANO)
                rows.append(UnitPrice(unit=word, usd=usd, per=unit.per, above=above))
    return tuple(rows)


def _decimal_text(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
