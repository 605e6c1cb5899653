"""One kind of load on several lanes in turn, slice by slice, so that what is compared was measured within seconds."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.chat import Ask
from tests.benchmarks.figures import Phase
from tests.benchmarks.targets import Target

_WARM_S = 0.3
_SETTLE_S = 0.4


@dataclass(frozen=True)
class Effort:
    """Rounds over all targets, seconds of a slice, of watching the window's holds, and of idling."""

    rounds: int
    slice_s: float
    holds_s: float
    idle_s: float


# Longer than a minute: what happens once a minute (a full collection) must be among the holds.
FULL = Effort(rounds=9, slice_s=0.5, holds_s=65.0, idle_s=60.0)
QUICK = Effort(rounds=2, slice_s=0.3, holds_s=5.0, idle_s=10.0)


@dataclass(frozen=True)
class Lane:
    name: str
    target: Target
    ask: Ask


async def run_phase(name: str, lanes: Sequence[Lane], clients: int, chunks: int, effort: Effort) -> Phase:
    phase = Phase(clients, chunks)
    for lane in lanes:
        await lane.target.clients.run(lane.ask, clients, _WARM_S / len(lanes))
    for number in range(effort.rounds):
        for lane in lanes:
            # Rows are committed a moment after their request: a target's account stays open until its next slice.
            lane.target.child.book(_account(name, lane, number))
            cpu = lane.target.child.cpu if clients == 1 else None
            found = await lane.target.clients.run(lane.ask, clients, effort.slice_s, cpu)
            phase.lanes[lane.name].slices.append(found)
    await asyncio.sleep(_SETTLE_S)
    for lane in lanes:
        lane.target.child.book("")
        spent = lane.target.child.cpu_s
        phase.lanes[lane.name].cpu_s = [spent[_account(name, lane, number)] for number in range(effort.rounds)]
    return phase


def _account(phase: str, lane: Lane, number: int) -> str:
    return f"{phase}/{lane.name}/{number}"
