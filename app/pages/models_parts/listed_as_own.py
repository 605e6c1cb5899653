"""A listed price in the fields of a price of one's own, to begin an edit with.

What is not changed stays as it is, but for cached images, and for more than one tier.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from gateway import UnitPrice, UnitPrices

_FIELDS: Mapping[str, str] = {
    "cache write": "cache_write_5m",
    "cache write, 5 minutes": "cache_write_5m",
    "cache write, 1 hour": "cache_write_1h",
    "cached audio": "cached_audio",
    "audio input": "input_audio",
    "image input": "input_image",
    "video input": "input_video",
    "audio output": "output_audio",
    "image output": "output_image",
    "video output": "output_video",
    "web searches": "web_search",
    "file searches": "file_search",
    "map searches": "map_search",
    "code containers": "code_container",
    **{unit: unit for unit in ("input", "cached", "output", "reasoning", "request")},
}
_PER_THOUSAND = frozenset(("web_search", "file_search", "map_search"))
_EACH = frozenset(("code_container", "request"))


def as_own(prices: Sequence[UnitPrice]) -> tuple[UnitPrices, int | None, UnitPrices | None]:
    """Prices, the start of their second tier and its prices, both None where there is none, or more than one."""
    base: dict[str, str] = {}
    second: dict[str, str] = {}
    starts = {price.above for price in prices if price.above is not None}
    for price in prices:
        field = _FIELDS.get(price.unit)
        if field is not None:
            (base if price.above is None else second)[field] = _for_field(field, price)
    if len(starts) != 1:
        return UnitPrices(**base), None, None
    # A tier names the same units, but for the request.
    second = {field: second.get(field, usd) for field, usd in base.items() if field != "request"}
    return UnitPrices(**base), starts.pop(), UnitPrices(**second)


def _for_field(field: str, price: UnitPrice) -> str:
    per = 1 if field in _EACH else 1000 if field in _PER_THOUSAND else 1_000_000
    return price.usd if per == price.per else f"{(Decimal(price.usd) * per / price.per).normalize():f}"
