"""Rows, their combinations and their costs, on one folder after another: killed at random moments, and with another
process holding the database; after each, all tables say the same."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gateway.records import UsageQuery
from gateway.store.followed_costs import follow_costs
from gateway.store.usage import UsageStore
from tests.soak.counting import (
    Killer,
    damaged,
    row,
    uncounted,
    unequal_answers,
    unequal_tables,
)
from tests.soak.mixed import held_database
from tests.store.tellings import opened, put, session
from tests.store.test_followed_costs import row_of

KILLS_OF_A_FOLDER = 15
TOLD = session("One?", "1.", "Two?", "2.", "Three?", "3.", conversation="a")
# Work, the lines of it that a kill waits for, and how many at most.
WORK = (
    ("rows come", "req_", 150),
    ("rows go", "gone", 80),
    ("costs change", "changed", 6),
    ("costs change", "followed", 6),
)
HELD_ROWS = 3000


def killed_counting(folder: Path, rng: random.Random, kills: int, ends: float) -> list[str]:
    """Each folder has one kind of work. Kills stop at a moment of `time.monotonic`, or at the first fault."""
    began, done, left, found = time.monotonic(), Counter[str](), Counter[str](), list[str]()
    with Killer(rng) as killer:
        while sum(done.values()) < kills and time.monotonic() < ends and not found:
            work = WORK[sum(done.values()) // KILLS_OF_A_FOLDER % len(WORK)]
            home = folder / f"after-{sum(done.values())}"
            home.mkdir(parents=True)
            found = list(_in_one(home, killer, work, done, left))
    told = ", ".join(f"{count} while {work}" for work, count in done.items())
    behind = ", ".join(f"{count} with {what}" for what, count in left.items())
    print(
        f"{sum(done.values())} kills of a store ({told}), {behind}, {len(found)} faults, "
        f"{time.monotonic() - began:.0f} s.",
        flush=True,
    )
    missing = [] if sum(done.values()) >= kills or found else [f"Only {sum(done.values())} fitted into the time."]
    return found + missing


def _in_one(
    folder: Path, killer: Killer, work: tuple[str, str, int], done: Counter[str], left: Counter[str]
) -> Iterator[str]:
    store = UsageStore(folder)
    store.start()
    store.insert_history([*map(row_of, TOLD), *(row(number - 3000, "before-") for number in range(200))])
    store.close()
    with opened(folder) as threads:
        put(threads, TOLD)
    announced = set[str]()
    for kill in range(1, KILLS_OF_A_FOLDER + 1):
        name, told, most = work
        lines = killer.kill(name, folder, f"{('age', 'size')[kill % 2]}{done.total()}-", told, most)
        announced |= {line for line in lines if line.startswith("req_")}
        done[name] += 1
        store.start()
        try:
            faults = list(_faults(store, name, announced, kill))
            left["rows uncounted"] += uncounted(store) > 0
            if name == "costs change":
                faults += _unfollowed(store, left)
        finally:
            store.close()
        yield from (f"After {kill} kills while {name}: {fault}" for fault in faults)
        if faults:
            return


def _faults(store: UsageStore, name: str, announced: set[str], kills: int) -> Iterator[str]:
    least = len(TOLD) + 200 + len(announced)
    yield from damaged(store)
    yield from unequal_tables(store, least, least + kills)
    if name != "rows go":
        yield from unequal_answers(store)
        ids = [each.id for each in store.iter_requests(UsageQuery())]
        if len(ids) != len(set(ids)) or not announced <= set(ids):
            yield "Rows are lost or double."


def _unfollowed(store: UsageStore, left: Counter[str]) -> Iterator[str]:
    with opened(store._folder) as threads:
        rows = {each.request_id: store.request(each.request_id or "") for each in TOLD}
        costs = {id: row.cost_nano for id, row in rows.items() if row is not None}

        def turns() -> dict[str | None, int | None]:
            thread = threads.thread("a")
            return {} if thread is None else {turn.request_id: turn.cost_nano for turn in thread.turns}

        left["conversations behind"] += turns() != costs
        follow_costs(store, threads)
        if turns() != costs:
            yield f"Turns cost {turns()}, their rows {costs}."


def held_counting(folder: Path, held_s: float) -> list[str]:
    """Another process holds the database for so long while rows are counted; whoever asks meanwhile hears what is
    there."""
    folder.mkdir(parents=True)
    store = UsageStore(folder)
    store.start()
    store.insert_history(row(number) for number in range(HELD_ROWS))
    asked, refused, found = 0, 0, list[str]()
    with held_database(folder):
        until = time.monotonic() + held_s
        while time.monotonic() < until and not found:
            for number in range(20):
                store.end(row(HELD_ROWS + 20 * asked + number))
            try:
                store.combine()
            except sqlite3.OperationalError:
                refused += 1
            asked += 1
            found = [*unequal_answers(store), *unequal_tables(store, HELD_ROWS), *damaged(store)]
    store.flush(60)
    store.combine()
    found += [*unequal_answers(store), *unequal_tables(store, HELD_ROWS + 20 * asked), *damaged(store)]
    found += [f"{uncounted(store)} rows are not counted."] * (uncounted(store) > 0)
    store.close()
    print(
        f"The database held for {held_s:g} s while {HELD_ROWS} rows were to be counted (refused {refused} times, asked "
        f"{asked} times meanwhile): {len(found)} faults.",
        flush=True,
    )
    return found
