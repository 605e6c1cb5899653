"""`python -m tests.benchmarks [--quick] [--no-window]`: one run, all targets in turn, slice by slice.

The machine may be busy with other things, so no figure stands alone: in each round every target gets a slice of half
a second, and what is compared was measured within the same seconds.
"""

import argparse
import asyncio
import gc
import json
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.benchmarks import report
from tests.benchmarks.figures import Phase
from tests.benchmarks.processes import pin_load
from tests.benchmarks.targets import Target, started

CLIENTS = (1, 10, 50)
FEW_CHUNKS, MANY_CHUNKS = 5, 30
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
class _Lane:
    name: str
    target: Target
    request: bytes


async def _phase(name: str, lanes: Sequence[_Lane], clients: int, chunks: int, effort: Effort) -> Phase:
    phase = Phase(clients, chunks)
    for lane in lanes:
        await lane.target.clients.run(lane.request, clients, _WARM_S / len(lanes))
    for _ in range(effort.rounds):
        for lane in lanes:
            # Rows are committed a moment after their request: a target's account stays open until its next slice.
            account = f"{name}/{lane.name}"
            lane.target.child.book(account)
            phase.lanes[lane.name].slices.append(await lane.target.clients.run(lane.request, clients, effort.slice_s))
    await asyncio.sleep(_SETTLE_S)
    for lane in lanes:
        lane.target.child.book("")
        phase.lanes[lane.name].cpu_s = lane.target.child.cpu_s[f"{name}/{lane.name}"]
    return phase


async def _measure(targets: dict[str, Target], effort: Effort) -> report.Run:
    memory_before = {name: target.child.rss_mb() for name, target in targets.items()}
    grid = []
    for chunks in (0, FEW_CHUNKS):
        lanes = [_Lane(name, target, target.request(chunks=chunks)) for name, target in targets.items()]
        for clients in CLIENTS:
            grid.append(await _phase(f"{chunks} chunks, {clients}", lanes, clients, chunks, effort))
            print(".", end="", flush=True)
    lanes = [_Lane(name, target, target.request(chunks=MANY_CHUNKS)) for name, target in targets.items()]
    long_streams = await _phase("long", lanes, 10, MANY_CHUNKS, effort)
    translated = []
    for chunks in (0, MANY_CHUNKS):
        lanes = []
        for name in ("relay", "gateway"):
            lanes.append(_Lane(name, targets[name], targets[name].request(chunks=chunks)))
        other = targets["gateway"].request(chunks=chunks, other_dialect=True)
        lanes.append(_Lane("translated", targets["gateway"], other))
        translated.append(await _phase(f"translated, {chunks}", lanes, 10, chunks, effort))
        print(".", end="", flush=True)
    memory_after = {name: target.child.rss_mb() for name, target in targets.items()}
    holds = await _holds(targets["window"], effort.holds_s) if "window" in targets else None
    idle = await _idle(targets, effort.idle_s)
    starts = {name: target.child.start_s for name, target in targets.items()}
    print()
    return report.Run(tuple(grid), long_streams, tuple(translated), memory_before, memory_after, holds, idle, starts)


async def _holds(window: Target, seconds: float) -> report.Holds:
    """How long the window holds the loop while it follows light traffic, a request five times a second."""
    request = window.request(chunks=0)
    window.child.signal(signal.SIGUSR1)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await window.clients.run(request, 1, 0.0)
        await asyncio.sleep(0.2)
    window.child.signal(signal.SIGUSR2)
    said = json.loads(await asyncio.to_thread(window.child.line))
    return report.Holds(tuple(said["holds"]), tuple(said["late"]))


async def _idle(targets: dict[str, Target], seconds: float) -> dict[str, float]:
    """The share of a core that each target uses while nothing is asked of it."""
    await asyncio.sleep(2.0)
    for target in targets.values():
        target.child.book("idle")
    before = time.monotonic()
    await asyncio.sleep(seconds)
    passed = time.monotonic() - before
    for target in targets.values():
        target.child.book("")
    return {name: target.child.cpu_s["idle"] / passed for name, target in targets.items()}


def _run(folder: Path, effort: Effort, *, window: bool) -> report.Run:
    with started(folder, window=window) as targets:
        pin_load()
        # A collection in the load generator would be booked as everybody's latency.
        gc.freeze()
        gc.disable()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                return runner.run(_measure(targets, effort))
            finally:
                for target in targets.values():
                    target.clients.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measures the gateway.")
    parser.add_argument("--quick", action="store_true", help="about a minute instead of about five")
    parser.add_argument("--no-window", action="store_true", help="leave the window out")
    args = parser.parse_args()
    effort = QUICK if args.quick else FULL
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faregate-bench-") as folder:
        run = _run(Path(folder), effort, window=not args.no_window)
    report.show(run, seconds=time.monotonic() - began)


if __name__ == "__main__":
    main()
