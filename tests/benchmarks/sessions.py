"""`python -m tests.benchmarks.sessions`: an agent's session of a hundred turns through each door of a whole gateway.

Its context grows to 200 kB in the first forty turns and is full then; or it grows by 2 kB a turn to the end. Shown
are what is stored as a multiple of what was said, and the gateway's CPU for ten turns in the middle and the last ten,
with all that is written after them.
"""

import sqlite3
import statistics
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

from tests.cpu_time import cpu_seconds
from tests.endtoend.agent_session import DOORS, Session, shown
from tests.endtoend.serving import Served, upstreams
from tests.endtoend.test_agent_sessions import SOURCE
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

TURNS = 100
# (what it is, bytes of a turn, turns until the context is full).
SHAPES = (("200 kB, then full", 5_000, 40), ("growing by 2 kB", 2_000, None))
MOST_BYTES, MOST_TIME = 1.5, 1.2


def _read(place: int, size: int, turn: int) -> str:
    start = (place * TURNS + turn) * 3571 % (len(SOURCE) - size)
    return f"{place}, file {turn}\n{SOURCE[start : start + size]}"


def _run(gateway: Served, session: Session) -> list[float]:
    """CPU seconds of each turn."""
    taken, before = [], cpu_seconds(gateway.process.pid)
    for turn in session.turns(gateway, TURNS):
        wait_until(lambda turn=turn: _stored(gateway) > turn)  # type: ignore[misc]
        now = cpu_seconds(gateway.process.pid)
        taken.append(now - before)
        before = now
    return taken


def _stored(gateway: Served) -> int:
    """Turns that are there, asked of the file: the gateway's own answer tells of each turn, and so takes it the longer
    the more there are."""
    file = f"{(gateway.folder / 'traces.db').as_uri()}?mode=ro"
    with closing(sqlite3.connect(file, uri=True)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM turns").fetchone()[0])


def main() -> int:
    good = True
    with tempfile.TemporaryDirectory(prefix="faregate-sessions-") as name:
        folder = Path(name)
        with ProviderProcess(folder / "ledger.jsonl", seed=5) as provider:
            for number, (what, size, full_at) in enumerate(SHAPES):
                for place, door in enumerate(DOORS):
                    session = Session(door, partial(_read, place, size), full_at)
                    with Served(folder / f"{number} {door}", **upstreams(provider.base_urls)) as gateway:
                        seconds = _run(gateway, session)
                        (thread,) = gateway.threads()
                        right = shown(thread) == session.said
                        gateway.stop()
                    stored = sum(path.stat().st_size for path in gateway.folder.glob("traces.db*"))
                    ratio = stored / session.unique_bytes
                    middle, last = (statistics.median(part) * 1000 for part in (seconds[40:50], seconds[-10:]))
                    flat = full_at is None or last <= MOST_TIME * middle
                    good = good and right and flat and ratio < MOST_BYTES
                    print(
                        f"{what:18} {door:10} stored {ratio:5.2f} ×   CPU a turn {middle:6.1f} ms, {last:6.1f} at the "
                        f"end   {'shown right' if right else 'SHOWN WRONG'}",
                        flush=True,
                    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
