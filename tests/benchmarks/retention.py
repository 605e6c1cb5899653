"""What a clean-up costs, and whom it keeps waiting: `python -m tests.benchmarks.retention [ROWS]`.

A history as dense as ten million requests in a year; then all but a tenth of it goes, by size, while an exchange ends
every 20 ms, as the request path would see it.
"""

import gc
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from gateway.configuration.setting_values import Keep
from gateway.records import UsageQuery
from gateway.store import UsageStore
from tests.benchmarks.history import DAY_US, ROWS_PER_DAY, START_US, history
from tests.store.examples import record

EVERY_S = 0.02


class Traffic(threading.Thread):
    """Exchanges that end while something else goes on: how long each `end` took, and each commit."""

    def __init__(self, store: UsageStore, end_us: int) -> None:
        super().__init__(name="traffic")
        self.ends: list[float] = []
        self.commits: list[float] = []
        self.enough = threading.Event()
        self._store = store
        self._end_us = end_us

    def run(self) -> None:
        number = 0
        while not self.enough.wait(EVERY_S):
            exchange = record(number, id=f"traffic-{number}", started_us=self._end_us + number)
            begins = perf_counter()
            self._store.begin(exchange)
            self._store.end(exchange)
            ended = perf_counter()
            self._store.flush()
            self.ends.append(ended - begins)
            self.commits.append(perf_counter() - ended)
            number += 1


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    days = rows / ROWS_PER_DAY
    end_us = START_US + int(days * DAY_US)
    with TemporaryDirectory() as folder:
        store = UsageStore(Path(folder))
        store.start()
        begins = perf_counter()
        for first in range(0, rows, 100_000):
            part = history(min(100_000, rows - first), days * min(100_000, rows - first) / rows, seed=first + 1)
            moved = int(days * DAY_US * first / rows)
            store.insert_history(_moved(part, first, moved))
        print(f"{rows:,} rows over {days:.0f} days in {perf_counter() - begins:.0f} s: {_mb(store)}")
        gc.freeze()
        quiet = _watched(store, end_us, lambda: time.sleep(3))
        _report("without a clean-up", quiet, [])
        before = store.summary(UsageQuery(end_us=end_us))
        limit = store.sizes().requests_bytes // 10
        steps: list[float] = []
        real = store._gave_way

        def between(seconds: float) -> bool:
            steps.append(seconds)
            return real(seconds)

        store._gave_way = between  # type: ignore[method-assign]
        begins = perf_counter()
        busy = _watched(
            store,
            end_us + DAY_US,
            lambda: store.clean_up({"requests": Keep(size_bytes=limit), "buckets": Keep()}, end_us),
        )
        print(
            f"all but a tenth of the rows went in {perf_counter() - begins:.0f} s: {_mb(store)}, cap {limit / 1e6:.0f} MB of rows"
        )
        _report("during the clean-up", busy, steps)
        assert store.summary(UsageQuery(end_us=end_us)) == before
        store.close()


def _moved(part, first: int, by_us: int):  # type: ignore[no-untyped-def]
    from msgspec.structs import replace

    for number, each in enumerate(part):
        yield replace(each, id=f"req_{first + number:024x}", started_us=each.started_us + by_us)


def _watched(store: UsageStore, end_us: int, work) -> Traffic:  # type: ignore[no-untyped-def]
    traffic = Traffic(store, end_us)
    traffic.start()
    work()
    traffic.enough.set()
    traffic.join()
    return traffic


def _report(when: str, traffic: Traffic, steps: list[float]) -> None:
    print(f"{when}: an end takes {_figures(traffic.ends)}, a commit {_figures(traffic.commits)}")
    if steps:
        print(f"{len(steps):,} transactions of {_figures(steps)}")


def _figures(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    middle, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"{1000 * middle:.2f} ms (p99 {1000 * high:.2f}, longest {1000 * ordered[-1]:.2f})"


def _mb(store: UsageStore) -> str:
    sizes = store.sizes()
    return f"usage.db {sizes.usage_bytes / 1e6:.0f} MB, {sizes.requests:,} requests"


if __name__ == "__main__":
    main()
