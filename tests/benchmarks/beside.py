"""`python -m tests.benchmarks.beside [--rate 200] [--seconds 2] [--rounds 3]`: do callers notice the window?

The same agents ask the gateway in the window and a headless one, slice by slice in turn, so that what is compared was
measured within the same seconds: with the window on each page, and hidden in the tray. Both have the same history.
"""

import argparse
import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import uvloop

from tests.benchmarks.figures import percentile
from tests.benchmarks.load import Clients, Slice
from tests.benchmarks.pages import TITLES, ProbedApp, open_page
from tests.benchmarks.processes import LOAD_CORES, Child, pin_load
from tests.benchmarks.tables import table
from tests.benchmarks.targets import fill, make_key, providers_at
from tests.benchmarks.traffic import AGENTS, MOST_AT_ONCE, Agent
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.real_app import ROOT, RealApp

RATE, SECONDS, ROUNDS = 200.0, 2.0, 3
HIDDEN = "in the tray"
# What was asked last is written and shown, and does not count as the next slice's.
_SETTLE_S = 0.7
# A page's first opening builds it.
_BUILT_S = 3.0


class Lane:
    """The agents of one gateway, and what they were answered in each slice."""

    def __init__(self, port: int, key: str) -> None:
        self._agents = [Agent(number, port, key) for number in range(AGENTS)]
        self._clients = Clients(port)
        self._asked = 0

    async def run(self, rate: float, seconds: float) -> Slice:
        """Requests by the clock for so long, and all their answers. Those beyond 64 at once count as bad."""
        into = Slice()
        running: set[asyncio.Task[None]] = set()
        began, due = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < seconds:
            while due < passed * rate:
                due += 1
                if len(running) >= MOST_AT_ONCE:
                    into.bad += 1
                    continue
                self._asked += 1
                ask = self._agents[self._asked % AGENTS].ask()
                task = asyncio.create_task(self._clients.once(ask, into))
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.sleep(1 / rate)
        await asyncio.gather(*running, return_exceptions=True)
        return into

    def close(self) -> None:
        self._clients.close()


class Pair(NamedTuple):
    """One round: slices that were measured one after the other."""

    window: Slice
    headless: Slice


def added_ms(pairs: Sequence[Pair], share: float, *, first: bool = False) -> float:
    """What the window adds to a percentile, in milliseconds: the median of the rounds."""
    return 1000 * median(_of(pair.window, share, first) - _of(pair.headless, share, first) for pair in pairs)


def _of(one: Slice, share: float, first: bool = False) -> float:
    return percentile((one.first if first else one.total) or [0.0], share)


@contextmanager
def both(folder: Path) -> Iterator[tuple[ProbedApp, Lane, Lane]]:
    """The app on a display with a tray host, the agents of its gateway, and those of a headless one."""
    homes = [folder / name for name in ("shown", "headless")]
    keys = []
    for home in homes:
        home.mkdir()
        keys.append(make_key(home))
        fill(home)
    with ExitStack() as stack:
        provider = Child("provider", ["-m", "tests.benchmarks.mock"], cores=LOAD_CORES, log=folder / "provider.log")
        stack.callback(provider.stop)
        variables = providers_at(f"http://127.0.0.1:{provider.port}")
        command = ["-m", "gateway", "--data-dir", str(homes[1]), "serve", "--port", "0"]
        headless = Child("headless", command, cores=set(), environment=variables, log=folder / "headless.log")
        stack.callback(headless.stop)
        display = stack.enter_context(Display(folder / "display.log", size=(1440, 932)))
        app = stack.enter_context(ProbedApp(display, homes[0], **variables))
        app.fill_screen((1440, 900))
        lanes = Lane(int(app.url.rpartition(":")[2]), keys[0]), Lane(headless.port, keys[1])
        for lane in lanes:
            stack.callback(lane.close)
        yield app, *lanes


def measure(
    folder: Path, rate: float, seconds: float, rounds: int, only: Sequence[str] = ()
) -> Mapping[str, list[Pair]]:
    """Rounds by where the window stands: the title of the page on show, of `only` these keys or all, or in the tray."""
    with both(folder) as (app, window, headless), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        pin_load()
        gc.freeze()
        gc.disable()
        pages = [key for key in TITLES if key in app.ask("counts") and (not only or key in only)]
        found: dict[str, list[Pair]] = {TITLES[key]: [] for key in pages} | {HIDDEN: []}
        for key in pages:
            open_page(app, key)
            time.sleep(_BUILT_S)
        for lane in (window, headless):
            runner.run(lane.run(rate, 1.0))

        def slice_of(lane: Lane) -> Slice:
            time.sleep(_SETTLE_S)
            return runner.run(lane.run(rate, seconds))

        def pair(number: int) -> Pair:
            # Whoever goes first may find the machine otherwise than who goes second.
            if number % 2:
                other = slice_of(headless)
                return Pair(slice_of(window), other)
            return Pair(slice_of(window), slice_of(headless))

        for number in range(rounds):
            for key in pages:
                open_page(app, key)
                found[TITLES[key]].append(pair(number))
            _hide(app)
            found[HIDDEN].append(pair(number))
            _show(app)
        return found


def _is_shown(app: RealApp) -> bool:
    return any(window["class"] == "Window" for window in app.ask("windows"))


def _hide(app: RealApp) -> None:
    app.click_on("place_of_tray")
    wait_until(lambda: not _is_shown(app), what="The end of the window")


def _show(app: RealApp) -> None:
    app.click_on("place_of_tray")
    wait_until(lambda: _is_shown(app), what="The window")
    app.focus()


def show(found: Mapping[str, Sequence[Pair]]) -> None:
    rows = [
        ("the window", "p50", "p99", "headless p50", "p99", "added p50", "p99", "to first byte p50", "p99", "bad")
    ]
    for name, pairs in found.items():
        times = [
            1000 * median(_of(one, share) for one in side)
            for side in ([pair.window for pair in pairs], [pair.headless for pair in pairs])
            for share in (0.5, 0.99)
        ]
        added = [added_ms(pairs, share, first=first) for first in (False, True) for share in (0.5, 0.99)]
        bad = [sum(one.bad for one in side) for side in zip(*pairs, strict=True)]
        rows.append((name, *(f"{ms:.1f}" for ms in times), *(f"{ms:+.1f}" for ms in added), f"{bad[0]}, {bad[1]}"))
    print("Milliseconds of a call, medians of the rounds; added: over the headless gateway", *table(rows), sep="\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.beside", description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a slice")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", nargs="*", default=(), help="keys of pages")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="faregate-beside-") as folder:
        found = measure(Path(folder), asked.rate, asked.seconds, asked.rounds, asked.only)
    show(found)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
