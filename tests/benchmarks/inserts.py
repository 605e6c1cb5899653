"""How fast rows and buckets are written: `python -m tests.benchmarks.inserts [--shape skewed]`.

In bulk, as a history comes in; and as exchanges are, that ended while another program held the database: each has
gone through the journal, the queue is full, and what is measured is how fast it empties. Both are as dense as ten
million requests in a year. By the clock, and by the processor's time, where others use the machine too. What the
combinations of the rows take, which are mostly counted as these are written, is part of both.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gateway.records import ExchangeRecord
from gateway.store import UsageStore, combining
from gateway.store.commit import day_zone
from gateway.store.database import open_database, writing
from gateway.store.usage import DATABASE, QUEUED_ROWS
from tests.benchmarks.history import ROWS_PER_DAY, SHAPES, history
from tests.benchmarks.report import mark

ROWS_PER_S = 20_000
BULK_ROWS, ROUNDS = 200_000, 5


@dataclass
class Speed:
    rows: int = 0
    seconds: float = 0
    cpu_seconds: float = 0

    @contextmanager
    def of(self, rows: int) -> Iterator[None]:
        begins, cpu_begins = time.perf_counter(), time.process_time()
        yield
        self.seconds += time.perf_counter() - begins
        self.cpu_seconds += time.process_time() - cpu_begins
        self.rows += rows

    def mark(self, how: str) -> str:
        per_s, per_cpu_s = self.rows / self.seconds, self.rows / self.cpu_seconds
        figure = f"{per_s:,.0f}, {per_cpu_s:,.0f} in a second of processor time"
        return mark(f"insert throughput above {ROWS_PER_S:,} rows/s, {how}", per_s > ROWS_PER_S, figure)


def in_bulk(folder: Path, records: Iterable[ExchangeRecord]) -> Speed:
    store, speed = UsageStore(folder), Speed()
    store.start()
    left = iter(records)
    while some := list(islice(left, QUEUED_ROWS)):
        with speed.of(len(some)):
            store.insert_history(some)
    store.close()
    count_the_rest(folder, speed)
    return speed


def count_the_rest(folder: Path, speed: Speed) -> None:
    """In the steps in which the gateway counts it, without its pauses."""
    more = True
    with closing(open_database(folder / DATABASE)) as connection, speed.of(0):
        while more:
            with writing(connection):
                more = combining.count_on(connection, day_zone(connection))


def after_a_lock(folder: Path, records: Iterable[ExchangeRecord]) -> Speed:
    """Raises RuntimeError where a row is missing then."""
    store, speed = UsageStore(folder), Speed()
    store.start()
    left = iter(records)
    while some := list(islice(left, QUEUED_ROWS)):
        with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for record in some:
                store.begin(record)
                store.end(record)
            other.execute("COMMIT")
        with speed.of(len(some)):
            if not store.flush(60):
                raise RuntimeError("The queue did not empty within a minute.")
    reading = store.completeness()
    store.close()
    count_the_rest(folder, speed)
    if reading.written != speed.rows:
        raise RuntimeError(f"Of {speed.rows} rows {reading.written} were written.")
    return speed


def marks(shape: str) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="faregate-inserts-") as temporary:
        bulk, live = Path(temporary) / "bulk", Path(temporary) / "live"
        bulk.mkdir()
        live.mkdir()
        return [
            in_bulk(bulk, history(BULK_ROWS, BULK_ROWS / ROWS_PER_DAY, shape)).mark("in bulk"),
            after_a_lock(live, history(ROUNDS * QUEUED_ROWS, ROUNDS * QUEUED_ROWS / ROWS_PER_DAY, shape)).mark(
                "of exchanges that waited for the database"
            ),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.inserts", description="Measures inserts.")
    parser.add_argument("--shape", choices=SHAPES, default="skewed")
    print("\n".join(marks(parser.parse_args().shape)))


if __name__ == "__main__":
    main()
