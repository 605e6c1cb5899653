"""Translated against same dialect: the same conversation at each door, for the provider whose words the door speaks
and for others, in bodies of three sizes.

A lane's CPU is judged against its own door's same-dialect lane, its latency against a direct call with a body of the
same size.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks import held
from tests.benchmarks.chat import SIZES
from tests.benchmarks.figures import Phase, percentile
from tests.benchmarks.rounds import Effort, Lane, run_phase
from tests.benchmarks.tables import milliseconds, table
from tests.benchmarks.targets import Target

SAME = {"chat": "openai", "responses": "openai", "anthropic": "anthropic", "gemini": "google"}
OTHERS = (
    ("chat", "anthropic"),
    ("chat", "google"),
    ("responses", "anthropic"),
    ("anthropic", "openai"),
    ("gemini", "anthropic"),
)
# Few enough that a slice holds several streams, each of which waits for its chunks.
_CHUNKS = 10
MOST_CPU, MOST_ADDED_MS, MOST_HELD_MS = 2.0, 10.0, 8.0
HELD = SIZES[1]
JUDGED_CPU, JUDGED_LATENCY = ("2 kB",), ("2 kB", "90 kB, 40 tools")


@dataclass(frozen=True)
class Measured:
    """Phases by size, whole answers and streams; seconds for which each translation held the loop, run by run."""

    phases: Sequence[tuple[str, Phase]]
    held: Mapping[str, Sequence[float]]


def _name(door: str, provider: str) -> str:
    return f"{door} → {provider}"


async def measure(direct: Target, gateway: Target, effort: Effort) -> Measured:
    phases = []
    for size in SIZES:
        for chunks in (0, _CHUNKS):
            plain = direct.door_request(door="chat", provider="openai", size=size, chunks=chunks)
            lanes = [Lane("direct", direct, plain)]
            for door, provider in (*SAME.items(), *OTHERS):
                ask = gateway.door_request(door=door, provider=provider, size=size, chunks=chunks)
                lanes.append(Lane(_name(door, provider), gateway, ask))
            phase = await run_phase(f"translated, {size.name}, {chunks}", lanes, 1, chunks, effort)
            phases.append((size.name, phase))
            print(".", end="", flush=True)
    return Measured(phases, held.measure(HELD))


def _ratio(phase: Phase, door: str, provider: str) -> float:
    return phase.lanes[_name(door, provider)].times_cpu_of(phase.lanes[_name(door, SAME[door])])


def _added(phase: Phase, name: str, share: float) -> float | None:
    """Until the end of whole answers, until a stream's first chunk."""
    return phase.added_ms(name, share, first=phase.chunks > 0)


def lines(measured: Measured) -> list[str]:
    rows = [("body", "answer", "exchange", "CPU µs", "× same", "added p50", "p99", "own p99", "requests", "bad")]
    for size, phase in measured.phases:
        for door, provider in (*SAME.items(), *OTHERS):
            name = _name(door, provider)
            lane, same = phase.lanes[name], SAME[door] == provider
            rows.append(
                (
                    size,
                    _kind(phase),
                    name,
                    f"{lane.cpu_us:.0f}",
                    "" if same else f"{_ratio(phase, door, provider):.2f}",
                    milliseconds(_added(phase, name, 0.5)),
                    milliseconds(_added(phase, name, 0.99)),
                    milliseconds(lane.own_ms(0.99)),
                    str(lane.requests),
                    str(lane.bad),
                )
            )
    heading = (
        "Translated against same dialect: CPU for each exchange; ms added until the end (streams: the first chunk), "
        "own: the gateway's CPU"
    )
    return [heading, *table(rows, left=3), "", *_held(measured)]


def _held(measured: Measured) -> list[str]:
    rows = [("exchange", "median", "p99", "longest")]
    for name, runs in measured.held.items():
        rows.append((name, *(milliseconds(percentile(runs, share) * 1000) for share in (0.5, 0.99, 1))))
    return [f"The loop held by a translation, parsed and rendered in one go, {HELD.name}, ms", *table(rows, left=1)]


def _own(measured: Measured, size: str) -> Iterator[tuple[float, str]]:
    for name, phase in measured.phases:
        for lane, found in phase.lanes.items():
            # What a stream takes is spread over its chunks, and adds up to no delay.
            if name == size and lane != "direct" and not phase.chunks and (spent := found.own_ms(0.99)) is not None:
                yield spent, lane


def _kind(phase: Phase) -> str:
    return f"{phase.chunks} chunks" if phase.chunks else "whole"


def marks(measured: Measured) -> Iterator[tuple[str, bool, str]]:
    """What is judged, whether it is met, and the worst figure."""
    for size in JUDGED_CPU:
        worst = max(
            (_ratio(phase, *pair), _name(*pair)) for name, phase in measured.phases if name == size for pair in OTHERS
        )
        what = f"translated at most {MOST_CPU:g} × the CPU of same dialect, {size}"
        yield what, worst[0] <= MOST_CPU, f"{worst[0]:.2f} × ({worst[1]})"
    for size in JUDGED_LATENCY:
        added = [
            (found, lane)
            for name, phase in measured.phases
            if name == size
            for lane in phase.lanes
            if lane != "direct" and (found := _added(phase, lane, 0.99)) is not None
        ]
        slowest, own = max(added), max(_own(measured, size), default=(0.0, ""))
        what = f"added p99 below {MOST_ADDED_MS:g} ms, {size}"
        yield what, slowest[0] < MOST_ADDED_MS, f"{slowest[0]:.2f} ms ({slowest[1]})"
        yield "  of it the gateway's own CPU", own[0] < MOST_ADDED_MS, f"{own[0]:.2f} ms ({own[1]})"
    longest, name = max((max(runs) * 1000, name) for name, runs in measured.held.items())
    what = f"loop held below {MOST_HELD_MS:g} ms by a translation, {HELD.name}"
    yield what, longest < MOST_HELD_MS, f"{longest:.2f} ms ({name})"
