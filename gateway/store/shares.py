"""Shares: what rows add to the cells that they count in, small enough to be held and added up by the thousand.

All measures of a row are one integer of lanes: adding many rows is then one addition for each. Numbers have lanes of
64 bits and what counts rows of 32, for the rows of one commit. What is rare lies above the rest, so that an integer's
size tells whether there is any.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any

from gateway.records import ExchangeRecord
from gateway.store import histogram
from gateway.store.histogram import Durations, character_of
from gateway.store.measures import DURATIONS, FAILED_OUTCOMES, MEASURES, generation_us

# What few cells have: those without are written, and added to, without naming it.
RARE_NUMBERS = (
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "web_searches",
)
_RARE_FLAGS = (
    "usage_partial",
    "usage_estimated",
    "usage_none",
    "cost_provider",
    "cost_override",
    "price_fuzzy",
    *(f"{number}_known" for number in RARE_NUMBERS),
)
_COUNTED = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", *DURATIONS)
_NUMBERS = ("cost_nano", "generated_tokens", "generation_us", *_COUNTED)
_FLAGS = tuple(measure for measure in MEASURES if measure not in (*_NUMBERS, *_RARE_FLAGS, *RARE_NUMBERS))
COMMON = (*_NUMBERS, *_FLAGS)
ALL = (*COMMON, *_RARE_FLAGS, *RARE_NUMBERS)

NUMBERS_OF_ROWS = ("cost_nano", *_COUNTED)
Numbers = tuple[int | None, int | None, int | None, int | None, int | None, int | None, int | None]
"""Of a row, in the order of `NUMBERS_OF_ROWS`."""

Piece = tuple[int, Durations, Durations]
"""Sums of some rows: measures in lanes, and both durations."""

_LANES = Struct(f"<{len(_NUMBERS)}q{len(_FLAGS) + len(_RARE_FLAGS)}I{len(RARE_NUMBERS)}q")
_COMMON_LANES = Struct(f"<{len(_NUMBERS)}q{len(_FLAGS)}I")
_NUMBER_LANES = Struct(f"<{len(_NUMBERS)}q")
FIRST_RARE = 1 << 8 * _COMMON_LANES.size
_FLAG_UNITS = {flag: 1 << 8 * _NUMBER_LANES.size + 32 * at for at, flag in enumerate((*_FLAGS, *_RARE_FLAGS))}
_RARE_UNITS = {
    number: 1 << 8 * (_COMMON_LANES.size + 4 * len(_RARE_FLAGS) + 8 * at) for at, number in enumerate(RARE_NUMBERS)
}
_FUZZY = _FLAG_UNITS["price_fuzzy"]
_NOTHING_RARE = (None,) * len(RARE_NUMBERS)

_pack_numbers, _from_bytes = _NUMBER_LANES.pack, int.from_bytes

_Known = tuple[str, bool, str, str, bool, bool, bool, bool, bool, bool]
"""Outcome, whether no price is lacking, `usage_source`, `cost_source`, and which of `_COUNTED` are unknown."""


class _Flags(dict[_Known, int]):
    """What counts rows, in lanes."""

    # Words of the contract make far fewer.
    most = 4096

    def __missing__(self, known: _Known) -> int:
        outcome, priced, usage_source, cost_source, *unknown = known
        names = ["requests", f"usage_{usage_source}", f"cost_{cost_source}"]
        names += [f"{name}_known" for name, missing in zip(_COUNTED, unknown, strict=True) if not missing]
        names += ["errors"] * (outcome in FAILED_OUTCOMES) + ["priced"] * priced
        if len(self) >= self.most:
            self.clear()
        flags = self[known] = sum(_FLAG_UNITS.get(name, 0) for name in names)
        return flags


_flags = _Flags()


def share(record: ExchangeRecord) -> Piece:
    """What a row adds to each cell that it counts in."""
    return piece(packed(record), record.latency_us, record.ttft_us)


def piece(lanes: int, latency_us: int | None, ttft_us: int | None) -> Piece:
    """The same, of a row whose measures are in lanes."""
    return (
        lanes,
        "" if latency_us is None else character_of(latency_us),
        "" if ttft_us is None else character_of(ttft_us),
    )


def packed(record: ExchangeRecord) -> int:
    """What `measure` says of a row, in lanes: a few additions instead of three dozen values."""
    # By their names, which is faster than by a getter of all of them.
    cost = record.cost_nano
    return lanes_of(
        (
            cost,
            record.input_tokens,
            record.cached_tokens,
            record.output_tokens,
            record.reasoning_tokens,
            record.latency_us,
            record.ttft_us,
        ),
        generation_us(record),
        (
            record.cache_write_tokens,
            record.cache_write_1h_tokens,
            record.input_audio_tokens,
            record.output_audio_tokens,
            record.web_searches,
        ),
        record.outcome,
        cost is not None or not record.unpriced,
        record.usage_source,
        record.cost_source,
        record.price_fuzzy and cost is not None,
    )


def lanes_of(
    numbers: Numbers,
    generation: int | None,
    rare: Sequence[int | None],
    outcome: str,
    priced: bool,
    usage_source: str,
    cost_source: str,
    fuzzy: bool,
) -> int:
    """The same of `NUMBERS_OF_ROWS`, `generation_us`, and `RARE_NUMBERS` of a row; `priced`: no price is lacking;
    `fuzzy`: there is one, and it may be another's."""
    cost, fresh, cached, output, reasoning, latency, ttft = numbers
    lanes = _flags[
        outcome,
        priced,
        usage_source,
        cost_source,
        fresh is None,
        cached is None,
        output is None,
        reasoning is None,
        latency is None,
        ttft is None,
    ] + _from_bytes(
        _pack_numbers(
            cost or 0,
            0 if generation is None else output or 0,
            generation or 0,
            fresh or 0,
            cached or 0,
            output or 0,
            reasoning or 0,
            latency or 0,
            ttft or 0,
        ),
        "little",
    )
    if fuzzy:
        lanes += _FUZZY
    return lanes if rare == _NOTHING_RARE else lanes + _rare(rare)


def _rare(numbers: Iterable[int | None]) -> int:
    return sum(
        number * _RARE_UNITS[name] + _FLAG_UNITS[f"{name}_known"]
        for name, number in zip(RARE_NUMBERS, numbers, strict=True)
        if number is not None
    )


def joined(pieces: Iterable[Piece]) -> Piece:
    """At least one together."""
    lanes, latency, ttft = zip(*pieces, strict=True)
    return sum(lanes), histogram.joined(latency), histogram.joined(ttft)


def columns(piece: Piece, rare: bool) -> tuple[Any, ...]:
    """`ALL` and both histograms, as they are stored; without `rare`, of a piece that has none of it, `COMMON`."""
    packed, latency, ttft = piece
    lanes = _LANES if rare else _COMMON_LANES
    return (
        *lanes.unpack(packed.to_bytes(lanes.size, "little")),
        histogram.stored(latency),
        histogram.stored(ttft),
    )
