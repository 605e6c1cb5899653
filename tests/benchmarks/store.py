"""How fast the usage store takes rows in and answers: `python -m tests.benchmarks.store --rows 10000000 --shape skewed`.

The history is as dense as ten million requests in a year (see `history` for its shapes). Its past days are settled
first; then, while questions are asked, two hundred exchanges a second are written as the gateway writes them. Each
figure is by the clock, and by the asking thread's own processor time where others use the machine too. `--folder`
keeps the store for another run.
"""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread

from msgspec.structs import replace

from gateway.records import Export, TagCondition, UsageQuery
from gateway.store import UsageStore
from gateway.store.asking import Asking
from gateway.store.settling import settle
from tests.benchmarks import inserts
from tests.benchmarks.draws import PlainRows, draws
from tests.benchmarks.figures import percentile
from tests.benchmarks.filling import Filled, fill
from tests.benchmarks.history import DAY_US, HOUR_US, SHAPES, START_US, history
from tests.benchmarks.report import mark
from tests.benchmarks.tables import table

WRITES_PER_S = 200
DRAWS = 200
MOST_EXPORTED = 1_000_000
CONVERSATION_ORDERS = ("ended_at", "cost_usd")
# As the Overview offers them: the usual bucket of each range, and days of a year, which can be chosen.
RANGES: Mapping[str, tuple[str, float | None]] = {
    "24h": ("15m", 1),
    "7d": ("hour", 7),
    "30d": ("day", 30),
    "90d": ("day", 90),
    "year": ("month", None),
    "year by day": ("day", None),
}
CONVERSATION_RANGES = ("24h", "7d", "30d", "year")
# Days that are over only in part, as today is for whoever asks: an hour before the day's end.
TODAY_US = DAY_US - HOUR_US
CANCELLATIONS = 20
FILTERS: Mapping[str, UsageQuery] = {
    "none": UsageQuery(),
    "model": UsageQuery(model=("model-1",)),
    "key": UsageQuery(key=("key-1",)),
    "user": UsageQuery(user=("user-1@example.com",)),
    "provider": UsageQuery(provider=("provider-1",)),
    "app": UsageQuery(app=("app-1",)),
    "tag": UsageQuery(tags=(TagCondition(("env:production",)),)),
}
_MEMORY_OF_EXPORT = """
import sys
from pathlib import Path
from tests.benchmarks.store import export
export(Path(sys.argv[1]), int(sys.argv[2]))
"""


@contextmanager
def writing(store: UsageStore, from_us: int) -> Iterator[None]:
    """Exchanges that begin and end as the gateway's do."""
    ended = Event()

    def write() -> None:
        for record in history(100_000, 1, seed=9):
            live = replace(record, id=f"{record.id}-live", started_us=record.started_us - START_US + from_us)
            store.begin(live)
            store.end(live)
            if ended.wait(1 / WRITES_PER_S):
                return

    thread = Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def overview(store: UsageStore, query: UsageQuery, width: str) -> dict[str, Callable[[], object]]:
    """What the page asks for one range and filter."""
    top = tuple(f"model-{number}" for number in range(1, 6))
    return {
        "summary": lambda: store.summary(query),
        "series": lambda: store.timeseries(query, width),
        "models": lambda: store.breakdown(query, "model", limit=100),
        "series by model": lambda: store.timeseries(replace(query, model=query.model or top), width, "model"),
        "users": lambda: store.breakdown(query, "user", limit=100),
        "tags": lambda: store.breakdown(query, "tag", limit=100),
    }


def ask_overview(store: UsageStore, end_us: int) -> tuple[list[str], list[str]]:
    rows = [("range", "filter", *overview(store, UsageQuery(), "hour"))]
    worst: dict[str, list[Took]] = {"none": [], "one": []}
    for name, (width, days) in RANGES.items():
        for filtered, query in FILTERS.items():
            start_us = START_US if days is None else max(START_US, end_us - int(days * DAY_US))
            asked = overview(store, replace(query, start_us=start_us + 7, end_us=end_us), width)
            found = [Took.median(ask) for ask in asked.values()]
            worst["none" if filtered == "none" else "one"] += found
            rows.append((name, filtered, *map(str, found)))
    marks = [
        mark(
            f"Overview, {kind} filter: each query's median below 100 ms",
            all(each.wall_ms < 100 for each in found),
            f"longest {max(each.wall_ms for each in found):.0f} ms, {max(each.cpu_ms for each in found):.0f} of "
            f"processor; {sum(each.wall_ms >= 100 for each in found)} of {len(found)} not",
        )
        for kind, found in worst.items()
    ]
    return ["Overview, ms (of processor)", *table(rows)], marks


@dataclass(frozen=True)
class Took:
    """Milliseconds by the clock, and of the asking thread's processor time."""

    wall_ms: float
    cpu_ms: float

    @classmethod
    def of(cls, ask: Callable[[], object]) -> "Took":
        begins, cpu_begins = time.perf_counter(), time.thread_time()
        ask()
        return cls(1000 * (time.perf_counter() - begins), 1000 * (time.thread_time() - cpu_begins))

    @classmethod
    def median(cls, ask: Callable[[], object], times: int = 5) -> "Took":
        took = [cls.of(ask) for _ in range(times)]
        return cls(median(each.wall_ms for each in took), median(each.cpu_ms for each in took))

    def __str__(self) -> str:
        return f"{self.wall_ms:.0f} ({self.cpu_ms:.0f})"


def ask_cancelled(store: UsageStore, end_us: int) -> list[str]:
    """How long a thread goes on after its question was dropped: of all conversations, and of rows one by one."""
    questions = (
        lambda: store.conversations(UsageQuery(end_us=end_us)),
        lambda: store.breakdown(UsageQuery(conversation=("conversation-1",), outcome=("ok",)), "client"),
        lambda: store.breakdown(UsageQuery(text=("user", "model")), "tag"),
    )
    draw, took, finished = random.Random(4), [Took(0.0, 0.0)], 0
    for number in range(CANCELLATIONS):
        asking, ended, may_end = Asking(), [], Event()

        def ask(
            asking: Asking = asking,
            ended: list[tuple[float, float]] = ended,
            may_end: Event = may_end,
            question: object = questions[number % 3],
        ) -> None:
            with suppress(sqlite3.OperationalError):
                asking.ask(question)  # type: ignore[arg-type]
            ended.append((time.perf_counter(), time.thread_time()))
            # As long as it lives its processor time can be asked for.
            may_end.wait()

        thread = Thread(target=ask)
        thread.start()
        time.sleep(draw.uniform(0.01, 0.5))
        if ended:
            finished += 1
        else:
            assert thread.ident is not None
            cpu, dropped = time.clock_gettime(time.pthread_getcpuclockid(thread.ident)), time.perf_counter()
            asking.drop()
            while not ended:
                time.sleep(0.0005)
            took.append(Took(1000 * max(0.0, ended[0][0] - dropped), 1000 * max(0.0, ended[0][1] - cpu)))
        may_end.set()
        thread.join()
    longest = max(each.wall_ms for each in took)
    figure = (
        f"longest {longest:.1f} ms, {max(each.cpu_ms for each in took):.1f} of processor; "
        f"{finished} had their answer before"
    )
    return [mark(f"{CANCELLATIONS} cancelled: the thread is free within 100 ms", longest < 100, figure)]


def settle_days(folder: Path, now_us: int) -> list[str]:
    """Count the pairs of days and months that are over, without the pauses."""
    steps: list[float] = []

    def at_once(seconds: float) -> bool:
        steps.append(1000 * seconds)
        return True

    begins = time.process_time()
    settled = settle(folder / "usage.db", now_us, at_once)
    if not settled:
        return []
    seconds = time.process_time() - begins
    return [
        f"{settled} hours, days and months settled, each in {seconds / settled:.2f} s of a core, "
        f"by steps of {median(steps):.0f} ms, p99 {percentile(steps, 0.99):.0f}"
    ]


def ask_draws(store: UsageStore, folder: Path, end_us: int) -> list[str]:
    with closing(sqlite3.connect(folder / "usage.db")) as connection:
        plain = PlainRows(connection, end_us)
    took, cpu, wrong = [], [], 0
    for query, width in draws(DRAWS, end_us):
        begins, cpu_begins = time.perf_counter(), time.thread_time()
        series = store.timeseries(query, width)
        took.append(1000 * (time.perf_counter() - begins))
        cpu.append(1000 * (time.thread_time() - cpu_begins))
        wrong += plain.differs(query, series)
    p50, p95 = median(took), percentile(took, 0.95)
    of_cpu = f"of processor p50 {median(cpu):.0f}, p95 {percentile(cpu, 0.95):.0f}"
    return [
        mark(f"{DRAWS} draws: median below 500 ms", p50 < 500, f"{p50:.0f} ms"),
        mark(
            f"{DRAWS} draws: p95 below 2 s",
            p95 is not None and p95 < 2000,
            f"{p95:.0f} ms, longest {max(took):.0f}; {of_cpu}",
        ),
        mark(f"{DRAWS} draws: each equal to the sum over rows", not wrong, f"{wrong} differ"),
    ]


def ask_pages(store: UsageStore, rows: int) -> list[str]:
    draw = random.Random(5)
    opened = median(timed(lambda: store.requests(UsageQuery())) for _ in range(5))
    scrolled = [timed(lambda: store.requests(UsageQuery(), offset=draw.randrange(rows))) for _ in range(30)]
    model = UsageQuery(model=("model-1",))
    count = store.request_count(model)
    filtered = [timed(lambda: store.requests(model, offset=draw.randrange(count))) for _ in range(30)]
    return [
        mark("the Requests table opens below 150 ms", opened < 150, f"{opened:.1f} ms"),
        mark("… and scrolls to any place", median(scrolled) < 150, f"{median(scrolled):.1f} ms, {max(scrolled):.0f}"),
        mark("… and of one model", median(filtered) < 150, f"{median(filtered):.1f} ms, {max(filtered):.0f}"),
    ]


def ask_conversations(store: UsageStore, end_us: int) -> list[str]:
    """The first page, by the newest and by cost, which needs the sums of every conversation in the range."""
    rows: list[tuple[str, ...]] = [("range", *CONVERSATION_ORDERS)]
    for name in CONVERSATION_RANGES:
        days = RANGES[name][1]
        query = UsageQuery(
            start_us=START_US if days is None else max(START_US, end_us - int(days * DAY_US)), end_us=end_us
        )
        rows.append(
            (name, *(str(Took.of(partial(store.conversations, query, sort))) for sort in CONVERSATION_ORDERS))
        )
    return ["", "Conversations, ms (of processor)", *table(rows)]


def sizes(folder: Path, rows: int) -> list[str]:
    """Bytes per row by table and index."""
    with closing(sqlite3.connect(folder / "usage.db")) as connection:
        (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
        try:
            parts = connection.execute("SELECT name, SUM(pgsize) FROM dbstat GROUP BY 1 ORDER BY 2 DESC LIMIT 8")
            told = ", ".join(f"{name} {part / rows:.0f}" for name, part in parts)
        except sqlite3.OperationalError:
            told = "this SQLite cannot tell them apart"
    return [f"  {pages * size / rows:.0f} bytes per row: {told}"]


def export(folder: Path, end_us: int) -> None:
    """Write what began before as CSV to nowhere; say how many rows, how often progress was told, the peak in MB."""
    store = UsageStore(folder)
    store.start()
    told: list[int] = []
    with Path("/dev/null").open("w", newline="") as nowhere:
        rows = store.export_to(UsageQuery(end_us=end_us), Export(), nowhere, lambda count, _total: told.append(count))
    store.close()
    print(rows, len(told), peak_mb())


def peak_mb() -> float:
    """Of this process: what `getrusage` says may be the parent's, of before this program took its place."""
    with Path("/proc/self/status").open() as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def ask_export(folder: Path, filled: Filled) -> list[str]:
    """Of no more than a million rows, for memory does not grow with them and time does."""
    begins = time.perf_counter()
    share = min(1.0, MOST_EXPORTED / filled.rows)
    end_us = START_US + int(share * (filled.end_us - START_US))
    command = [sys.executable, "-c", _MEMORY_OF_EXPORT, str(folder), str(end_us)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    rows, told, peak = int(said[0]), int(said[1]), float(said[2])
    seconds = time.perf_counter() - begins
    figure = f"{peak:.0f} MB, {rows:,} rows in {seconds:.0f} s, progress told {told:,} times"
    return [mark("CSV below 200 MB of memory", peak < 200, figure)]


def timed(ask: Callable[[], object]) -> float:
    """Milliseconds."""
    begins = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - begins)


def measure(folder: Path, filled: Filled, shape: str) -> None:
    speeds = inserts.marks(shape)
    store = UsageStore(folder)
    store.start()
    settled = settle_days(folder, filled.end_us - DAY_US + TODAY_US)
    with writing(store, filled.end_us):
        lines, marks = ask_overview(store, filled.end_us)
        marks += ask_draws(store, folder, filled.end_us)
        marks += ask_pages(store, filled.rows)
        marks += ask_cancelled(store, filled.end_us)
        lines += ask_conversations(store, filled.end_us)
    store.close()
    marks += ask_export(folder, filled)
    load = "load of the machine {:.1f}, {:.1f}, {:.1f}".format(*os.getloadavg())
    print("\n".join([*settled, *lines, "", "Marks", *speeds, *marks, *sizes(folder, filled.rows), load]))


def filled_before(folder: Path) -> Filled | None:
    """What an earlier run left in the folder."""
    if not (folder / "usage.db").exists():
        return None
    with closing(sqlite3.connect(folder / "usage.db")) as connection:
        of_history = "SELECT COUNT(*), MAX(started_us) FROM requests WHERE id NOT LIKE '%-live'"
        rows, last_us = connection.execute(of_history).fetchone()
    return Filled(rows, last_us + 1) if rows else None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.store", description="Measures the usage store.")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--shape", choices=SHAPES, default="skewed")
    parser.add_argument("--folder", type=Path, help="keeps the store here; one that is there already is asked again")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faregate-store-") as temporary:
        folder: Path = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        filled = filled_before(folder) or fill(folder, args.rows, args.shape)
        print(f"{filled.rows:,} rows, {args.shape}, over {(filled.end_us - START_US) / DAY_US:.1f} days")
        measure(folder, filled, args.shape)


if __name__ == "__main__":
    main()
