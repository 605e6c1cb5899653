"""`kill -9` while costs change: rows are in one file and conversations in another, and some rows are not counted yet."""

import random
from pathlib import Path

from gateway.records import UsageQuery
from gateway.store.followed_costs import follow_costs
from gateway.store.thread_store import ThreadStore
from gateway.store.usage import UsageStore
from gateway.thread_records import ThreadQuery
from tests.soak.counting import Killer, damaged, row, unequal_answers
from tests.store.migrated import started
from tests.store.tellings import opened, put, session
from tests.store.test_followed_costs import row_of

ROWS, LEAST_KILLS, MOST_KILLS = 40, 2, 40
TOLD = session("One?", "1.", "Two?", "2.", "Three?", "3.", "Four?", "4.", conversation="a")


def costs_of_turns(threads: ThreadStore) -> dict[str | None, tuple[int | None, str]]:
    (listed,) = threads.threads(ThreadQuery()).rows
    thread = threads.thread(listed.id)
    assert thread is not None
    assert listed.cost_nano == sum(turn.cost_nano or 0 for turn in thread.turns)
    return {turn.request_id: (turn.cost_nano, turn.cost_source) for turn in thread.turns}


def costs_of_rows(store: UsageStore) -> dict[str | None, tuple[int | None, str]]:
    found = [store.request(each.request_id or "") for each in TOLD]
    return {each.id: (each.cost_nano, each.cost_source) for each in found if each is not None}


def undo_all(store: UsageStore) -> None:
    """From the last back."""
    for applied in store.repricings():
        if applied.undone_us is None:
            store.undo_repricing(applied.id, 3)


def test_killed_midway_or_between_the_files_conversations_cost_what_their_requests_do(tmp_path: Path) -> None:
    store = started(tmp_path)
    store.insert_history([*map(row_of, TOLD), *(row(number - ROWS, "before-") for number in range(ROWS))])
    store.close()
    with opened(tmp_path) as threads:
        put(threads, TOLD)
        before = costs_of_turns(threads)
    left, dearer, kill = 0, 0, 0
    with Killer(random.Random(8)) as killer:
        # Until the moments were such that conversations lagged behind, and that there was something to be undone.
        while kill < LEAST_KILLS or (kill < MOST_KILLS and not (left and dearer)):
            told = ("followed", "changed")[kill % 2]
            lines = killer.kill("costs change", tmp_path, f"{kill}-", told, 5)
            kill += 1
            store = started(tmp_path)
            with opened(tmp_path) as threads:
                assert [*unequal_answers(store), *damaged(store)] == []
                left += costs_of_turns(threads) != costs_of_rows(store)
                dearer += costs_of_rows(store) != before
                follow_costs(store, threads)
                assert costs_of_turns(threads) == costs_of_rows(store), lines[-3:]
                if kill % 2 == 0:
                    undo_all(store)
                    assert [*unequal_answers(store), *damaged(store)] == []
                    follow_costs(store, threads)
                    assert costs_of_turns(threads) == costs_of_rows(store) == before
                    rows = list(store.iter_requests(UsageQuery()))
                    # At each kill one exchange at most had not ended.
                    assert sum(row.outcome == "interrupted" for row in rows) <= kill
                    assert {row.cost_nano for row in rows if row.outcome == "ok"} == {1000}
            store.close()
    assert left and dearer
