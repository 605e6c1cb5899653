"""Work on a usage store that `kill -9` ends: rows come, their combinations are counted, old rows go, costs change.

Each kind of work runs in a child of a process that has everything imported already, so that a kill costs no start;
steps are small and pauses none, so that a kill at a random moment meets every one of them.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from gateway.configuration.setting_values import Keep
from gateway.prices.pricing import Priced
from gateway.records import ExchangeRecord, TagCondition, UsageQuery
from gateway.store import clean_up, combining, followed_costs, queries, repriced_rows, repricing, settling, usage
from gateway.store.followed_costs import follow_costs
from gateway.store.names import Texts
from gateway.store.plan import Combined, Rows, Singles, Source, TagSets
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, record
from tests.store.tellings import opened as threads_opened

EVERY_S = 40
# Behind what a kill waits for: within a step of the work, or between two.
WITHIN_S = 0.01
DEARER_ROWS = 300
TAGS: Sequence[tuple[str, ...]] = ((), ("team:a",), ("team:b", "env:dev"), ("urgent",))
ALL = UsageQuery()
# Each is told by another table, or by several.
ASKED: Sequence[tuple[UsageQuery, str]] = (
    (ALL, "model"),
    (ALL, "tag:team"),
    (UsageQuery(key=("laptop",)), "user"),
    (UsageQuery(model=("model-1", "model-2"), door=("openai_chat",)), "outcome"),
    (UsageQuery(tags=(TagCondition(("team:a", "urgent")),)), "tag"),
    (UsageQuery(tags=(TagCondition(("team",), negated=True),), user=("user-1",)), "model"),
)


def row(number: int, name: str = "") -> ExchangeRecord:
    """Of few values each, so that many rows share cells; one in ten began long before the one before it."""
    late = DAY_US // 1_000_000 if number % 10 == 7 else 0
    return record(
        number * EVERY_S - late,
        id=f"req_{name}{number}",
        model=f"model-{number % 3}",
        principal=f"user-{number % 2}",
        key=("laptop", "server")[number % 5 == 0],
        tags=TAGS[number % len(TAGS)],
        conversation_id=f"conversation-{number // 8}",
        input_tokens=number,
    )


# Work, each in a process of its own.


def _tell(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _for_ever(call: Callable[[], object]) -> None:
    def again() -> None:
        while True:
            call()

    Thread(target=again, daemon=True).start()


def _come(store: UsageStore, name: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        new = row(number, name)
        store.begin(replace(new, outcome="interrupted", latency_us=None, cost_nano=None, cost_source="none"))
        store.end(new)
        _tell(new.id)
        if number % 3 == 0:
            store.assign(new.id, app=("notebook", "shop")[number % 2])
        time.sleep(0.0005)


def _rows_come(store: UsageStore, name: str, first: int) -> None:
    """All the while their combinations are counted, and now and then a day is settled."""
    _for_ever(store.combine)
    _for_ever(lambda: (time.sleep(0.05), store.settle(BASE_US + 400 * DAY_US)))
    _come(store, name, count(first))


def _rows_go(store: UsageStore, name: str, first: int) -> None:
    """By age, or by size where the name says so; also of those that just came."""
    keep = Keep(size_bytes=60_000) if "size" in name else Keep(days=0.05)
    Thread(target=_come, args=(store, name, count(first)), daemon=True).start()
    while True:
        with store._readers.snapshot() as connection:
            now_us = connection.execute("SELECT COALESCE(MAX(started_us), 0) FROM requests").fetchone()[0]
        keeps = {"requests": keep, "buckets": Keep(), "content": Keep()}
        store.clean_up(keeps, now_us, lambda entries: not (entries and _tell("gone")))


def dearer(row: ExchangeRecord, _said: int | None) -> Priced:
    return Priced(3 * (row.input_tokens or 0) + 1, "override", "override:1")


def _costs_change(store: UsageStore, name: str, first: int) -> None:
    """There and back, and the conversations after them; meanwhile rows come that are not counted yet."""
    # Where all others cost what they should, these do not.
    _come(store, name, range(first, first + 10))
    store.flush(60)
    # All of them are priced at each step: where they came for ever, a step would take the longer the longer one took.
    Thread(target=_come, args=(store, name, range(first + 10, first + DEARER_ROWS)), daemon=True).start()
    with threads_opened(store._folder) as threads:
        slowly = threads.change
        threads.change = lambda work: (time.sleep(WITHIN_S), slowly(work))[1]  # type: ignore[method-assign]
        while True:
            for change in (
                lambda: store.apply_repricing(ALL, dearer, 1),
                lambda: store.undo_repricing(store.repricings()[0].id, 2),
            ):
                change()
                _tell("changed")
                follow_costs(store, threads)
                _tell("followed")


WORK: dict[str, Callable[[UsageStore, str, int], None]] = {
    "rows come": _rows_come,
    "rows go": _rows_go,
    "costs change": _costs_change,
}


def _in_small_steps() -> None:
    combining.STEP_ROWS = 20
    settling.COUNTED_ROWS = 7
    usage.SETTLING_PAUSE = usage.LEAST_PAUSE_S = usage.LONGEST_PAUSE_S = 0.0
    clean_up.FIRST_ENTRIES = clean_up.MOST_ENTRIES = 10
    clean_up.RESERVE_BYTES = 16_384
    repriced_rows.CHUNK_ROWS = repricing.CHUNK_ROWS = 20
    followed_costs.CHUNK_TURNS = 2


def _run(work: str, folder: str, name: str, first: str) -> None:
    store = UsageStore(Path(folder))
    store.start()
    _tell("begun")
    WORK[work](store, name, int(first))


def main() -> None:
    """A line tells what to do; a child does it until it is killed."""
    _in_small_steps()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                _run(*line.rstrip("\n").split("\t"))
            finally:
                # Only a fault comes here: what is to be told of it must be told, and no more be done.
                sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
                os._exit(1)
        _tell(f"child {child}")
        _, status = os.waitpid(child, 0)
        _tell(f"ended {status}")


# Kills.


class Killer:
    """Starts work, and ends it at a moment of its own."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.number = 0

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.soak.counting"]
        self._process = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def kill(
        self,
        work: str,
        folder: Path,
        name: str,
        told: str = "req_",
        most: int = 120,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[str]:
        """What the work told from its beginning to its end, which comes once it has told so many lines, at most, that
        begin like this, however long the machine takes for them, and something else was done beside it."""
        assert self._process.stdin is not None
        first = self.number * 1000
        self.number += 1
        self._process.stdin.write(f"{work}\t{folder}\t{name}\t{first}\n")
        self._process.stdin.flush()
        said, child, wanted = list[str](), 0, self._rng.randint(1, most)
        while wanted or not child:
            line = self._line()
            assert line and not line.startswith("ended"), "the work ended by itself"
            if line.startswith("child "):
                child = int(line.removeprefix("child "))
            else:
                said.append(line)
                wanted -= bool(wanted) and line.startswith(told)
        meanwhile()
        time.sleep(self._rng.uniform(0.0, WITHIN_S))
        os.kill(child, signal.SIGKILL)
        while not (line := self._line()).startswith("ended"):
            said.append(line)
        assert line == f"ended {int(signal.SIGKILL)}", "the work had ended by itself"
        return said


# What must be so afterwards.


def only_rows(_query: UsageQuery, _by: str | None) -> Source:
    return Rows()


def unequal_answers(store: UsageStore) -> Iterator[str]:
    """Where rows say another thing than what was counted from them; rows are all there."""
    with store._readers.snapshot() as connection:
        texts = Texts()
        for query, by in ASKED:
            told, true = (
                queries.timeseries(connection, texts, query, "hour", by, **how) for how in ({}, {"choose": only_rows})
            )
            if told != true:
                yield f"By {by} and hour, {query} is told otherwise than its rows tell it."
            told_sums, true_sums = (
                queries.breakdown(connection, texts, query, by, **how) for how in ({}, {"choose": only_rows})
            )
            if told_sums != true_sums:
                yield f"By {by}, {query} is told otherwise than its rows tell it."


def unequal_tables(store: UsageStore, least: int, most: int | None = None) -> Iterator[str]:
    """Where a table does not tell all requests that there ever were (at least and at most so many), or two tell other
    sums; rows may be gone."""
    sources: Sequence[Source] = (Singles(0), TagSets(), Combined())
    with store._readers.snapshot() as connection:
        told = [queries.total(connection, ALL, lambda *_, source=source: source).summary() for source in sources]
    counts = [each.requests for each in told]
    if not least <= counts[0] <= (least if most is None else most) or len(set(map(repr, told))) > 1:
        yield f"{least} requests or a few more are told as {[(each.requests, each.cost_nano) for each in told]}."


def damaged(store: UsageStore) -> Iterator[str]:
    yield from store.check()
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        yield f"The database is damaged: {found}"


def uncounted(store: UsageStore) -> int:
    """How many rows no combination counts yet."""
    with store._readers.snapshot() as connection:
        last = connection.execute("SELECT COALESCE(MAX(n), 0) FROM requests").fetchone()[0]
        return int(last) - combining.counted_to(connection)


if __name__ == "__main__":
    main()
