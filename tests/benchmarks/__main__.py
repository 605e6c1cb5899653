"""`python -m tests.benchmarks [--quick] [--no-window] [--only-translation]`: one run, all targets in turn, slice by slice.

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
from collections.abc import Callable
from pathlib import Path

import uvloop

from tests.benchmarks import report, translation
from tests.benchmarks.processes import pin_load
from tests.benchmarks.rounds import FULL, QUICK, Effort, Lane, run_phase
from tests.benchmarks.targets import Target, started

CLIENTS = (1, 10, 50)
FEW_CHUNKS, MANY_CHUNKS = 5, 30


async def _measure(targets: dict[str, Target], effort: Effort) -> report.Run:
    memory_before = {name: target.child.rss_mb() for name, target in targets.items()}
    grid = []
    for chunks in (0, FEW_CHUNKS):
        lanes = [Lane(name, target, target.request(chunks=chunks)) for name, target in targets.items()]
        for clients in CLIENTS:
            grid.append(await run_phase(f"{chunks} chunks, {clients}", lanes, clients, chunks, effort))
            print(".", end="", flush=True)
    lanes = [Lane(name, target, target.request(chunks=MANY_CHUNKS)) for name, target in targets.items()]
    long_streams = await run_phase("long", lanes, 10, MANY_CHUNKS, effort)
    translated = await translation.measure(targets["direct"], targets["gateway"], effort)
    memory_after = {name: target.child.rss_mb() for name, target in targets.items()}
    holds = await _holds(targets["window"], effort.holds_s) if "window" in targets else None
    idle = await _idle(targets, effort.idle_s)
    starts = {name: target.child.start_s for name, target in targets.items()}
    print()
    return report.Run(tuple(grid), long_streams, translated, memory_before, memory_after, holds, idle, starts)


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


def _run(folder: Path, effort: Effort, *, window: bool, only_translation: bool) -> Callable[[float], None]:
    """Measures; gives what shows the figures when told how many seconds it took."""
    with started(folder, window=window) as targets:
        pin_load()
        # A collection in the load generator would be booked as everybody's latency.
        gc.freeze()
        gc.disable()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                if only_translation:
                    measured = runner.run(translation.measure(targets["direct"], targets["gateway"], effort))
                    return lambda _seconds: report.show_translation(measured)
                run = runner.run(_measure(targets, effort))
                return lambda seconds: report.show(run, seconds=seconds)
            finally:
                for target in targets.values():
                    target.clients.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measures the gateway.")
    parser.add_argument("--quick", action="store_true", help="about two minutes instead of about eight")
    parser.add_argument("--no-window", action="store_true", help="leave the window out")
    parser.add_argument(
        "--only-translation", action="store_true", help="translated against same dialect, nothing else"
    )
    args = parser.parse_args()
    effort = QUICK if args.quick else FULL
    began = time.monotonic()
    window = not args.no_window and not args.only_translation
    with tempfile.TemporaryDirectory(prefix="faregate-bench-") as folder:
        show = _run(Path(folder), effort, window=window, only_translation=args.only_translation)
    show(time.monotonic() - began)


if __name__ == "__main__":
    main()
