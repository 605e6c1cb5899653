"""`python -m tests.benchmarks.hour [--minutes 6] [--parts]`: an hour's use in six minutes, and what it leaves in memory.

An hour of a team whose tools ask five and a half times a second: 20,000 exchanges, 3,600 refreshes, and as many pages,
requests, conversations and themes as a person who looks at all of it opens. The window looks ten times as often as it
does elsewhere, and everything is done ten times as fast. Told are the resident memory, the part of it that no
library or file backs, and the widgets, at the start, after each round and at the end.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.pages import TITLES, WORK, ProbedApp, open_page, served
from tests.benchmarks.report import mark
from tests.benchmarks.tables import table
from tests.window.real_app import ROOT

EXCHANGES, REFRESHES, HOUR_S = 20_000, 3_600, 3_600.0
LIMIT_MB = 250.0
_PAUSE_S = 0.1
_FLIP_EVERY = 2


class Reading(dict[str, float]):
    """`rss` and `own` in megabytes, `widgets`, `objects`, and seconds since the start."""


def read(app: ProbedApp, began: float) -> Reading:
    # The probe's own notes are no use of the window's.
    app.ask("take_holds")
    return Reading(app.ask("memory"), seconds=time.monotonic() - began)


def one_round(app: ProbedApp, keys: Sequence[str], number: int) -> None:
    """Each page once, with all that is done on it."""
    for key in keys:
        open_page(app, key)
        for act in WORK.get(key, ()):
            act(app)
            time.sleep(_PAUSE_S)
        app.focus()
    if number % _FLIP_EVERY == 0:
        for mode in ("dark", "light"):
            app.click(f"theme.{mode}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.hour", description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument(
        "--parts", action="store_true", help="tell where the memory lies, at the start and at the end"
    )
    asked = parser.parse_args(arguments)
    seconds = asked.minutes * 60
    with (
        tempfile.TemporaryDirectory(prefix="faregate-hour-") as folder,
        served(Path(folder), EXCHANGES / seconds) as (app, traffic),
    ):
        app.ask("look_every", milliseconds=round(seconds / REFRESHES * 1000))
        keys = [key for key in TITLES if key in app.ask("counts")]
        began, rounds = time.monotonic(), 0
        readings = [read(app, began)]
        parts = list(app.ask("where_memory_lies", of_objects=False)) if asked.parts else []
        while time.monotonic() - began < seconds:
            one_round(app, keys, rounds)
            rounds += 1
            readings.append(read(app, began))
        looks = app.ask("looks")
        parts += app.ask("where_memory_lies", of_objects=True) if asked.parts else ()
    for line in parts:
        print(line)
    return 0 if show(readings, rounds * len(keys), looks, traffic.get("answered", 0)) else 1


def show(readings: Sequence[Reading], pages: int, looks: int, exchanges: int) -> bool:
    rows = [("after s", "resident MB", "of its own", "widgets", "objects")]
    for one in readings:
        rows.append(
            (
                f"{one['seconds']:.0f}",
                f"{one['rss']:.0f}",
                f"{one['own']:.0f}",
                f"{one['widgets']:.0f}",
                f"{one['objects']:.0f}",
            )
        )
    first, middle, last = readings[0], readings[len(readings) // 2], readings[-1]
    # Every page is open after the first round: what comes then is growth.
    print(
        f"An hour's use: {pages} pages, {looks} refreshes, {exchanges} exchanges",
        *table(rows, left=0),
        "Marks",
        mark(
            f"memory below {LIMIT_MB:.0f} MB",
            last["rss"] < LIMIT_MB,
            f"{first['rss']:.0f}, {middle['rss']:.0f}, {last['rss']:.0f} MB resident at start, middle and end; without "
            f"what libraries and files back {first['own']:.0f}, {middle['own']:.0f}, {last['own']:.0f} MB",
        ),
        sep="\n",
    )
    return last["rss"] < LIMIT_MB


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
