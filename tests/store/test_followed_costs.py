"""Conversations cost what their requests cost: also after a re-pricing, its undoing, and a kill between the two files."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.prices.pricing import Priced
from gateway.records import ExchangeRecord, UsageQuery
from gateway.store import followed_costs
from gateway.store.followed_costs import follow_costs
from gateway.store.thread_store import ThreadStore
from gateway.store.usage import UsageStore
from gateway.thread_records import ThreadQuery
from gateway.told import Told
from tests.store.examples import record
from tests.store.migrated import started
from tests.store.tellings import all_threads, dialogue, opened, put, session, told

# Two conversations, the second with an answer that nobody had a price for.
TOLD = (
    *session("One?", "1.", "Two?", "2.", "Three?", "3.", conversation="a"),
    told(7, dialogue("Four?"), "4.", conversation="b", cost_nano=None, cost_source="none", model="new"),
    told(8, dialogue("Five?"), "5.", conversation="b"),
)
CALL_ELSEWHERE = told(9, dialogue("Six?"), "6.", source="span", request_id=None, trace_id="1" * 32, span_id="2" * 16)


def row_of(said: Told) -> ExchangeRecord:
    return record(
        0,
        id=said.request_id,
        started_us=said.started_us,
        model=said.model,
        cost_nano=said.cost_nano,
        cost_source=said.cost_source,
    )


def dearer(row: ExchangeRecord, _said: int | None) -> Priced:
    return Priced(70, "override", "override:1") if row.cost_nano is None else Priced(3000, "list", "list:2")


@pytest.fixture
def usage(tmp_path: Path) -> Iterator[UsageStore]:
    store = started(tmp_path)
    store.insert_history([row_of(each) for each in TOLD])
    yield store
    store.close()


@pytest.fixture
def threads(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        put(store, [*TOLD, CALL_ELSEWHERE])
        yield store


def costs(threads: ThreadStore) -> dict[str, tuple[int | None, int, list[tuple[int | None, str]]]]:
    """By conversation: its sum, how many turns of it lack a price, and each turn's cost and source."""
    found = {}
    for row in threads.threads(ThreadQuery(), limit=100).rows:
        thread = threads.thread(row.id)
        if thread is not None and row.id in ("a", "b"):
            turns = [(turn.cost_nano, turn.cost_source) for turn in thread.turns]
            found[row.id] = row.cost_nano, row.unpriced, turns
    return found


BEFORE: Mapping[str, object] = {
    "a": (3000, 0, [(1000, "list")] * 3),
    "b": (1000, 1, [(None, "none"), (1000, "list")]),
}
AFTER: Mapping[str, object] = {
    "a": (9000, 0, [(3000, "list")] * 3),
    "b": (3070, 0, [(70, "override"), (3000, "list")]),
}


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_turns_and_conversations_follow_a_repricing_and_its_undoing(
    usage: UsageStore, threads: ThreadStore, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(followed_costs, "CHUNK_TURNS", chunk)
    assert follow_costs(usage, threads) == 0 and costs(threads) == BEFORE
    applied = usage.apply_repricing(UsageQuery(), dearer, 10)
    assert applied.changed == 5 and follow_costs(usage, threads) == 5
    assert costs(threads) == AFTER
    assert follow_costs(usage, threads) == 0
    usage.undo_repricing(applied.id, 20)
    assert follow_costs(usage, threads) == 5 and costs(threads) == BEFORE
    (elsewhere,) = (turn for thread in all_threads(threads) for turn in thread.turns if turn.request_id is None)
    assert elsewhere.cost_nano == 1000, "it is no request of ours, and was priced by nobody anew"


def test_only_what_was_priced_anew_is_looked_at(
    usage: UsageStore, threads: ThreadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = UsageQuery(start_us=TOLD[1].started_us)
    assert usage.apply_repricing(some, dearer, 10).changed == follow_costs(usage, threads) == 2
    assert costs(threads)["a"] == (7000, 0, [(1000, "list"), (3000, "list"), (3000, "list")])

    def never(*_: object) -> list[object]:
        raise AssertionError("What was followed is not looked at again.")

    monkeypatch.setattr(followed_costs, "_turns", never)
    assert follow_costs(usage, threads) == 0


def test_what_a_kill_left_is_made_up_for(usage: UsageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may come between the two files, or between two steps of the second."""
    with opened(tmp_path) as threads:
        put(threads, TOLD)
        usage.apply_repricing(UsageQuery(), dearer, 10)
        monkeypatch.setattr(followed_costs, "CHUNK_TURNS", 2)
        changing = threads.change

        def once(work: object) -> object:
            monkeypatch.setattr(threads, "change", fails)
            return changing(work)  # type: ignore[arg-type]

        def fails(work: object) -> object:
            raise OSError("killed")

        monkeypatch.setattr(threads, "change", once)
        with pytest.raises(OSError, match="killed"):
            follow_costs(usage, threads)
    with opened(tmp_path) as threads:
        assert costs(threads)["a"] == (5000, 0, [(3000, "list"), (1000, "list"), (1000, "list")])
        assert follow_costs(usage, threads) == 3
        assert costs(threads) == AFTER and follow_costs(usage, threads) == 0


def test_a_clock_that_was_set_back_hides_no_repricing(usage: UsageStore, threads: ThreadStore) -> None:
    applied = usage.apply_repricing(UsageQuery(), dearer, 1000)
    assert follow_costs(usage, threads) == 5
    usage.undo_repricing(applied.id, 500)
    assert follow_costs(usage, threads) == 5 and costs(threads) == BEFORE
    usage.apply_repricing(UsageQuery(), dearer, 500)
    assert follow_costs(usage, threads) == 5 and costs(threads) == AFTER
    assert follow_costs(usage, threads) == 0


def test_a_backup_from_before_a_repricing_is_followed_too(
    usage: UsageStore, threads: ThreadStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    usage.apply_repricing(UsageQuery(), dearer, 10)
    assert follow_costs(usage, threads) == 5
    backup = started(tmp_path_factory.mktemp("backup"))
    backup.insert_history([row_of(each) for each in TOLD])
    assert follow_costs(backup, threads) == 5 and costs(threads) == BEFORE
    backup.close()


def test_a_turn_whose_row_is_gone_keeps_its_cost(usage: UsageStore, threads: ThreadStore) -> None:
    lost = replace(TOLD[0], request_id="req_lost", started_us=TOLD[0].started_us + 1, conversation="b")
    put(threads, [lost])
    usage.apply_repricing(UsageQuery(), dearer, 10)
    assert follow_costs(usage, threads) == 5
    assert costs(threads)["b"] == (4070, 0, [(1000, "list"), (70, "override"), (3000, "list")])
