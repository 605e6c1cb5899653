"""The arithmetic of a cost: counts of what was used times unit prices, in decimals, rounded half-even once.

A price row is turned once into a plan: for each priced unit, its price and the more specific units whose tokens it
must not count again (cached and cache-written tokens are inside the input). A context tier moves the whole request.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from operator import attrgetter

from msgspec import Struct

from gateway.model import OTHER_FIELDS, Usage
from gateway.price_records import UnitPrices

NANO = 1_000_000_000
PER_MILLION = 1_000_000
PER_THOUSAND = 1000
TOKENS_END = "_tokens"

Counts = Mapping[str, int]
_NOTHING = Decimal(0)
_said = attrgetter(
    *("cached_tokens", "cache_write_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens"),
    *("input_audio_tokens", "output_audio_tokens", "reasoning_tokens", "web_searches"),
)


_MEDIA_KEYS = {
    "cached_audio": "cache_audio_read_tokens",
    "cached_image": "cache_image_read_tokens",
    "input_image": "input_image_tokens",
    "input_video": "input_video_tokens",
    "output_image": "output_image_tokens",
    "output_video": "output_video_tokens",
}
_USE_KEYS = {
    "file_searches": "storage_searches",
    "map_searches": "map_searches",
    "code_containers": "code_containers",
    # No unit: it may only change which tier the others are in.
    "compaction": "compaction_tokens",
}


class Unit(Struct, frozen=True):
    """One priced unit: `nano` per single unit, None where it has no price; `tiers` from the highest start down, each
    for more input tokens than its start; `inside` the plan's earlier units (by position) that are a part of it."""

    usage_key: str
    nano: Decimal | None
    tiers: tuple[tuple[int, Decimal | None], ...] = ()
    inside: tuple[int, ...] = ()
    per: int = PER_MILLION

    def at(self, input_tokens: int) -> tuple[int | None, Decimal | None]:
        """The tier's start, None for the base, and the price of a single unit in it."""
        for start, nano in self.tiers:
            if input_tokens > start:
                return start, nano
        return None, self.nano


Plan = tuple[Unit, ...]


class Amount(Struct, frozen=True):
    """`count` single units at `nano` each, which is that of the tier above `tier_start` input tokens."""

    unit: Unit
    count: int
    nano: Decimal
    tier_start: int | None


class NoUnitPrice(Exception):
    """Something was used that the plan has no price for; the argument is its usage key."""


def count(usage: Usage) -> dict[str, int]:
    """The counts that prices are for, none negative, no part larger than its whole.

    A cache write without a known lifetime is billed as a five-minute one; audio inside cached input counts as cached,
    and as cached audio where it is known how much of it is. A request is itself one unit.
    """
    said = [number or 0 for number in _said(usage)]
    if min(said) < 0:
        said = [max(0, number) for number in said]
    read, write, write_5m, write_1h, output, audio, output_audio, reasoning, searches = said
    write = max(write, write_5m + write_1h)
    total = read + write if usage.input_tokens is None else max(0, usage.input_tokens)
    read = min(read, total)
    write = min(write, total - read)
    write_1h = min(write_1h, write)
    output_audio = min(output_audio, output)
    fresh, made = total - read - write, output - output_audio
    media: dict[str, int] = {}
    if usage.rare_counts:
        told = dict(usage.rare_counts)
        media = _media(told, read, fresh, made)
        audio = max(0, audio - media["cache_audio_read_tokens"])
        fresh -= media["input_image_tokens"] + media["input_video_tokens"]
        made -= media["output_image_tokens"] + media["output_video_tokens"]
        media |= {key: max(0, told[word]) for word, key in _USE_KEYS.items() if word in told}
    return {
        "input_tokens": total,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_5m_tokens": min(write_5m, write - write_1h),
        "cache_write_1h_tokens": write_1h,
        "input_audio_tokens": min(audio, fresh),
        "output_tokens": output,
        "output_audio_tokens": output_audio,
        "output_reasoning_tokens": min(reasoning, made),
        "web_searches": searches,
        **media,
    }


def _media(said: Mapping[str, int], cached: int, given: int, made: int) -> dict[str, int]:
    """By usage keys, no more than there was of cached and fresh input and of output."""
    rooms = {"cached": cached, "input": given, "output": made}
    counts: dict[str, int] = {}
    for word, usage_key in _MEDIA_KEYS.items():
        room = word.partition("_")[0]
        counts[usage_key] = number = min(max(0, said.get(word, 0)), rooms[room])
        rooms[room] -= number
    return counts


def of_other_models(usage: Usage) -> dict[str, Usage]:
    """By model, what hosted tools used of others than the one that answered."""
    found: dict[str, dict[str, int]] = {}
    for name, number in usage.rare_counts or ():
        model, slash, kind = name.rpartition("/")
        if slash:
            found.setdefault(model, {})[kind] = number
    return {
        model: Usage(
            **{field: counts.get(kind) for kind, field in OTHER_FIELDS.items()},  # type: ignore[arg-type]
            rare_counts=tuple((kind, number) for kind, number in counts.items() if kind in _MEDIA_KEYS) or None,
        )
        for model, counts in found.items()
    }


def amounts(plan: Plan, counts: Counts) -> Iterator[Amount]:
    """What makes up the cost, each token in one amount. Raises NoUnitPrice."""
    return (Amount(*used) for used in _used(plan, counts))


def _used(plan: Plan, counts: Counts) -> Iterator[tuple[Unit, int, Decimal, int | None]]:
    """The fields of `amounts`."""
    total_input = counts["input_tokens"]
    own: list[int] = []
    for unit in plan:
        # A request is itself one unit, where it is not said; what our counts do not know is none.
        number = counts.get(unit.usage_key, 1 if unit.usage_key == "requests" else 0)
        for earlier in unit.inside:
            number -= own[earlier]
        own.append(number)
        if number:
            start, nano = unit.at(total_input)
            if nano is None:
                raise NoUnitPrice(unit.usage_key)
            yield unit, number, nano, start


def cost(plan: Plan, counts: Counts) -> Decimal:
    """Nano-dollars, not rounded. Raises NoUnitPrice."""
    exact = _NOTHING
    for _, number, nano, _ in _used(plan, counts):
        exact += nano * number
    return exact


def rounded(nano: Decimal) -> int:
    return int(nano.to_integral_value(ROUND_HALF_EVEN))


def scaled(plan: Plan, factor: Decimal) -> Plan:
    """The plan with its tokens' prices times `factor`; what is counted in calls keeps its price."""

    def unit(row: Unit) -> Unit:
        if not row.usage_key.endswith(TOKENS_END):
            return row
        tiers = tuple((start, None if nano is None else nano * factor) for start, nano in row.tiers)
        return Unit(row.usage_key, None if row.nano is None else row.nano * factor, tiers, row.inside, row.per)

    return tuple(unit(row) for row in plan)


# A unit of a price of the user's own: what it counts, the fields of which the first that is given is its price, per
# how many, and the earlier units that are a part of it.
_OWN_UNITS: Sequence[tuple[str, tuple[str, ...], int, tuple[str, ...]]] = (
    ("cache_write_5m_tokens", ("cache_write_5m", "input"), PER_MILLION, ()),
    ("cache_write_1h_tokens", ("cache_write_1h", "cache_write_5m", "input"), PER_MILLION, ()),
    (
        "cache_write_tokens",
        ("cache_write_5m", "input"),
        PER_MILLION,
        ("cache_write_5m_tokens", "cache_write_1h_tokens"),
    ),
    ("cache_audio_read_tokens", ("cached_audio", "cached", "input"), PER_MILLION, ()),
    ("cache_read_tokens", ("cached", "input"), PER_MILLION, ("cache_audio_read_tokens",)),
    ("input_audio_tokens", ("input_audio", "input"), PER_MILLION, ()),
    ("input_image_tokens", ("input_image", "input"), PER_MILLION, ()),
    ("input_video_tokens", ("input_video", "input"), PER_MILLION, ()),
    (
        "input_tokens",
        ("input",),
        PER_MILLION,
        (
            *("cache_write_5m_tokens", "cache_write_1h_tokens", "cache_write_tokens"),
            *("cache_audio_read_tokens", "cache_read_tokens"),
            *("input_audio_tokens", "input_image_tokens", "input_video_tokens"),
        ),
    ),
    ("output_reasoning_tokens", ("reasoning", "output"), PER_MILLION, ()),
    ("output_audio_tokens", ("output_audio", "output"), PER_MILLION, ()),
    ("output_image_tokens", ("output_image", "output"), PER_MILLION, ()),
    ("output_video_tokens", ("output_video", "output"), PER_MILLION, ()),
    (
        "output_tokens",
        ("output",),
        PER_MILLION,
        ("output_reasoning_tokens", "output_audio_tokens", "output_image_tokens", "output_video_tokens"),
    ),
    ("web_searches", ("web_search",), PER_THOUSAND, ()),
    ("storage_searches", ("file_search",), PER_THOUSAND, ()),
    ("map_searches", ("map_search",), PER_THOUSAND, ()),
    ("code_containers", ("code_container",), 1, ()),
)
# Units that few have: without a price of their own they are no unit. Their tokens are the less specific one's, and
# uses are left out.
_ONLY_IF_GIVEN = frozenset(
    (
        *("cached_audio", "input_image", "input_video", "output_image", "output_video"),
        *("web_search", "file_search", "map_search", "code_container"),
    )
)


def own_plan(prices: UnitPrices, tier_start: int | None = None, tier_prices: UnitPrices | None = None) -> Plan:
    """A plan of prices that a user wrote: what is not given costs what the less specific unit costs."""
    units: list[Unit] = []
    places: dict[str, int] = {}
    for usage_key, fields, per, inside in _OWN_UNITS:
        if fields[0] in _ONLY_IF_GIVEN and getattr(prices, fields[0]) is None:
            continue
        tiers: tuple[tuple[int, Decimal | None], ...] = ()
        if tier_start is not None and tier_prices is not None:
            tiers = ((tier_start, _first(tier_prices, fields, per)),)
        earlier = tuple(places[key] for key in inside if key in places)
        places[usage_key] = len(units)
        units.append(Unit(usage_key, _first(prices, fields, per), tiers, earlier, per))
    if prices.request is not None:
        units.append(Unit("requests", Decimal(prices.request) * NANO, per=1))
    return tuple(units)


def _first(prices: UnitPrices, fields: Sequence[str], per: int) -> Decimal | None:
    said = next((price for field in fields if (price := getattr(prices, field)) is not None), None)
    return None if said is None else Decimal(said) * NANO / per
