"""History priced anew: what the preview says is what happens, all of it or nothing, and it goes back to the byte."""

import signal
import sqlite3
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.configuration.setting_values import Keep
from gateway.errors import ClientError, FaregateError
from gateway.price_records import RepricedModel, RepricedSource, RepricingPreview
from gateway.prices.pricing import NO_PRICE, Priced
from gateway.records import AttemptRecord, ExchangeRecord, UsageQuery
from gateway.store import kept, repriced_rows, repricing
from gateway.store import writer as writer_module
from gateway.store.database import open_database, writing
from gateway.store.sweep import sweep
from gateway.store.usage import UsageStore
from tests.benchmarks.repricing import digests
from tests.store.examples import BASE_US, DAY_US, histories, record, usage_queries
from tests.store.test_queries import matches, stored
from tests.waiting import PATIENCE_S

ALL = UsageQuery()
TABLES = ("requests", "attempts", "buckets", "combined")


def doubled(row: ExchangeRecord, _said: int | None) -> Priced | str:
    """Twice the tokens in nano-dollars, by an override; for grok by the list, and nothing where nothing is counted."""
    if row.input_tokens is None or row.output_tokens is None:
        return "unknown_counts"
    nano = 2 * (row.input_tokens + row.output_tokens)
    return (
        Priced(nano, "list", "grok-list", fuzzy=True)
        if row.model == "grok"
        else Priced(nano, "override", "override:1")
    )


def dump(store: UsageStore) -> dict[str, list[tuple[Any, ...]]]:
    """With all that is counted later."""
    store.combine()
    with closing(open_database(store._folder / "usage.db")) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


@dataclass
class Halt(Exception):
    done: int


def halt_after(rows: int) -> Callable[[int, int], None]:
    def told(done: int, _total: int) -> None:
        if done >= rows:
            raise Halt(done)

    return told


def by_hand(records: list[ExchangeRecord], query: UsageQuery) -> tuple[int, int, int, int]:
    """Rows examined and changed, and their cost before and after."""
    found = [row for row in records if matches(row, query)]
    examined, changed, before, after = len(found), 0, 0, 0
    for row in found:
        priced, nano = doubled(row, None), row.cost_nano or 0
        before += nano
        if row.usage_source == "none" or isinstance(priced, str):
            after += nano
            continue
        changed += (priced.cost_nano, priced.source, priced.price_id) != (
            row.cost_nano,
            row.cost_source,
            row.price_id,
        )
        after += priced.cost_nano or 0
    return examined, changed, before, after


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), usage_queries(), st.sampled_from([1, 3, 10_000]))
def test_a_preview_is_what_is_applied_and_undoing_gives_every_byte_back(
    records: list[ExchangeRecord], query: UsageQuery, chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, stored(records, "Asia/Kathmandu") as store:
        for module in (repriced_rows, repricing):
            patch.setattr(module, "CHUNK_ROWS", chunk)
        before, total = dump(store), store.summary(ALL)
        preview = store.preview_repricing(query, doubled)
        counted = (preview.examined, preview.changed, preview.from_nano, preview.to_nano)
        assert counted == by_hand(records, query)
        assert sum(row.to_nano - row.from_nano for row in preview.by_model) == preview.difference_nano
        assert sum(row.changed for row in preview.by_source) == preview.changed
        assert dump(store) == before
        if not preview.changed:
            with pytest.raises(ClientError, match="nothing to change"):
                store.apply_repricing(query, doubled, 1)
            return
        applied = store.apply_repricing(query, doubled, 1, preview)
        assert (applied.examined, applied.changed, applied.from_nano, applied.to_nano) == counted
        assert store.check() == []
        assert (store.summary(ALL).cost_nano or 0) - (total.cost_nano or 0) == preview.difference_nano
        assert store.preview_repricing(query, doubled).changed == 0
        undone = store.undo_repricing(applied.id, 2)
        assert dump(store) == before
        assert store.repricings() == (undone,) and undone == replace(applied, undone_us=2)


ROWS = [
    record(0, cost_nano=7, tags=("team:a",)),
    record(1, cost_nano=None, cost_source="none"),
    record(2, model="grok", cost_nano=9, cost_source="provider"),
    record(3, input_tokens=None, output_tokens=None, cost_nano=None, cost_source="none"),
    record(6, usage_source="none", cost_nano=None, cost_source="none"),
    record(4, cost_nano=30, cost_source="override", price_id="override:1"),
    record(5, model="unheard-of", cost_nano=5, cost_source="override", price_id="override:9"),
]


def priced(row: ExchangeRecord, said: int | None) -> Priced | str:
    return NO_PRICE if row.model == "unheard-of" else doubled(row, said)


def test_the_preview_says_what_changes_by_model_and_source_and_what_cannot_be_priced(store: UsageStore) -> None:
    store.insert_history(ROWS)
    assert store.preview_repricing(ALL, priced) == RepricingPreview(
        examined=7,
        changed=4,
        from_nano=51,
        to_nano=30 + 30 + 30 + 30,
        # Whose new price may be another model's.
        to_estimated=1,
        newly_priced=1,
        no_longer_priced=1,
        by_model=(
            RepricedModel(provider="openai", model="gpt-5", changed=2, from_nano=7, to_nano=60),
            RepricedModel(provider="openai", model="grok", changed=1, from_nano=9, to_nano=30, to_estimated=1),
            RepricedModel(provider="openai", model="unheard-of", changed=1, from_nano=5, to_nano=0),
        ),
        by_source=(
            RepricedSource(from_source="list", to_source="override", changed=1, from_nano=7, to_nano=30),
            RepricedSource(from_source="none", to_source="override", changed=1, from_nano=0, to_nano=30),
            RepricedSource(from_source="override", to_source="none", changed=1, from_nano=5, to_nano=0),
            RepricedSource(from_source="provider", to_source="list", changed=1, from_nano=9, to_nano=30),
        ),
        kept={"unknown_counts": 1, "no_usage": 1},
    )


def test_the_preview_counts_the_costs_that_are_estimates(store: UsageStore) -> None:
    """Of changed rows and of others: sums of both stand in the window."""
    rows = [
        record(0, cost_nano=7, usage_source="estimated"),
        record(1, cost_nano=7, price_fuzzy=True),
        record(2, cost_nano=None, cost_source="none", usage_source="partial"),
        record(3, cost_nano=30, cost_source="override", price_id="override:1", usage_source="partial"),
        record(4, cost_nano=7),
    ]
    store.insert_history(rows)
    found = store.preview_repricing(ALL, doubled)
    assert (found.examined, found.changed, found.from_estimated, found.to_estimated) == (5, 4, 3, 3)
    (model,) = found.by_model
    assert (model.changed, model.from_estimated, model.to_estimated) == (4, 2, 2)
    store.apply_repricing(ALL, doubled, 1, found)
    again = store.preview_repricing(ALL, doubled)
    assert (again.changed, again.from_estimated, again.to_estimated) == (0, 3, 3)


def test_rows_attempts_and_sums_say_the_new_cost(store: UsageStore) -> None:
    def attempt(n: int, nano: int | None) -> AttemptRecord:
        return AttemptRecord(n=n, provider="openai", model="gpt-5", started_us=BASE_US, latency_us=1, cost_nano=nano)

    # A call that failed first cost nothing; a cost of another figure than the row's is not the row's to change.
    store.insert_history(
        [
            record(0, cost_nano=7, price_fuzzy=True, tags=("team:a",), attempts=(attempt(1, None), attempt(2, 7))),
            record(1, cost_nano=7, attempts=(attempt(1, 8),)),
            record(2, cost_nano=None, cost_source="none", attempts=(attempt(1, None),)),
        ]
    )
    applied = store.apply_repricing(ALL, doubled, 99)
    rows = [store.request(f"req_{number}") for number in range(3)]
    assert [(row.cost_nano, row.cost_source, row.price_id, row.price_fuzzy) for row in rows if row] == [
        (30, "override", "override:1", False)
    ] * 3
    assert [[each.cost_nano for each in row.attempts] for row in rows if row] == [[None, 30], [8], [30]]
    (tagged, rest) = store.breakdown(ALL, "tag:team", "value").rows
    assert (tagged.value, tagged.summary.cost_nano, rest.value, rest.summary.cost_nano) == ("a", 30, None, 60)
    assert tagged.summary.cost_sources == {"provider": 0, "override": 1, "list": 0, "none": 0}
    assert store.summary(ALL).unpriced_requests == 0
    store.undo_repricing(applied.id, 100)
    rows = [store.request(f"req_{number}") for number in range(3)]
    assert [[each.cost_nano for each in row.attempts] for row in rows if row] == [[None, 7], [8], [None]]
    assert [(row.cost_nano, row.price_id, row.price_fuzzy) for row in rows if row] == [
        (7, None, True),
        (7, None, False),
        (None, None, False),
    ]
    assert store.summary(ALL).unpriced_requests == 1


def test_a_figure_of_the_providers_is_known_again_when_the_override_over_it_goes(store: UsageStore) -> None:
    store.insert_history([record(0, cost_nano=9, cost_source="provider"), record(1, cost_nano=9)])
    said: list[int | None] = []

    def over(row: ExchangeRecord, nano: int | None) -> Priced | str:
        said.append(nano)
        return Priced(50, "override", "override:1")

    store.apply_repricing(ALL, over, 1)
    store.apply_repricing(ALL, lambda row, nano: replace_by(60, said, nano), 2)
    store.preview_repricing(ALL, over)
    assert said == [9, None] * 3


def replace_by(nano: int, said: list[int | None], own: int | None) -> Priced:
    said.append(own)
    return Priced(nano, "override", "override:2")


def test_what_changed_since_the_preview_is_refused_with_nothing_changed(store: UsageStore) -> None:
    store.insert_history(ROWS)
    preview = store.preview_repricing(ALL, priced)
    store.insert_history([record(10, cost_nano=1)])
    before = dump(store)
    with pytest.raises(ClientError, match=r"change 5 rows by \$0\.000000098, and not 4 by \$0\.000000069") as told:
        store.apply_repricing(ALL, priced, 1, preview)
    assert told.value.status == 409 and dump(store) == before and store.repricings() == ()
    # A row that changes nothing does not matter.
    preview = store.preview_repricing(ALL, priced)
    store.insert_history([record(11, cost_nano=30, cost_source="override", price_id="override:1")])
    assert store.apply_repricing(ALL, priced, 1, preview).examined == 9


def test_re_pricings_are_undone_from_the_last_back_where_they_share_rows(store: UsageStore) -> None:
    store.insert_history([record(number) for number in range(4)])
    before = dump(store)
    first = store.apply_repricing(UsageQuery(end_us=BASE_US + 2_000_000), doubled, 1)
    other = store.apply_repricing(UsageQuery(start_us=BASE_US + 2_000_000), doubled, 2)
    again = store.apply_repricing(ALL, lambda row, _: Priced(1, "override", "override:2"), 3)
    assert (first.changed, other.changed, again.changed) == (2, 2, 4)
    for number in (first.id, other.id):
        with pytest.raises(ClientError, match=f"re-pricing {again.id} has changed the same rows since"):
            store.undo_repricing(number, 4)
    store.undo_repricing(again.id, 5)
    store.undo_repricing(first.id, 6)
    store.undo_repricing(other.id, 7)
    assert dump(store) == before
    with pytest.raises(ClientError, match="was undone at 1970"):
        store.undo_repricing(first.id, 8)
    with pytest.raises(ClientError, match="no re-pricing 99") as missing:
        store.undo_repricing(99, 8)
    assert missing.value.status == 404
    assert [(each.id, each.at_us, each.undone_us) for each in store.repricings()] == [(3, 3, 5), (2, 2, 7), (1, 1, 6)]
    assert store.repricings()[1].query == UsageQuery(start_us=BASE_US + 2_000_000)


def test_undoing_leaves_alone_what_came_since_and_what_was_priced_since(store: UsageStore) -> None:
    """Rows of the same quarter of an hour, a part of them at a price that was changed in between."""
    first = [record(number, cost_nano=7, tags=("team:a",)) for number in range(4)]
    store.insert_history(first)
    before = [store.request(row.id) for row in first]
    applied = store.apply_repricing(ALL, doubled, 1)
    came = [record(10 + number, cost_nano=11, model=("gpt-5", "grok")[number % 2]) for number in range(6)]
    store.insert_history(came)
    later = store.apply_repricing(UsageQuery(model=("grok",)), lambda *_: Priced(3, "override", "override:2"), 2)
    assert (applied.changed, later.changed) == (4, 3)
    store.undo_repricing(applied.id, 3)
    assert [store.request(row.id) for row in first] == before
    now = [store.request(row.id) for row in came]
    assert [(row.cost_nano, row.price_id) for row in now if row] == [(11, None), (3, "override:2")] * 3
    assert store.summary(ALL).cost_nano == 4 * 7 + 3 * 11 + 3 * 3
    assert store.check() == []


def take_away(store: UsageStore, before_us: int) -> None:
    """As retention does: the time is moved on, then the rows go."""
    with closing(open_database(store._folder / "usage.db")) as connection, writing(connection):
        kept.move(connection, kept.ROWS_FROM, before_us)
        connection.execute("DELETE FROM requests WHERE started_us < ?", (before_us,))


def test_a_period_whose_rows_are_gone_is_refused_with_the_reason(store: UsageStore) -> None:
    store.insert_history([record(number, started_us=BASE_US + number * DAY_US) for number in range(4)])
    applied = store.apply_repricing(UsageQuery(end_us=BASE_US + DAY_US), doubled, 1)
    from_us = BASE_US + 2 * DAY_US
    take_away(store, from_us)
    before = dump(store)
    for query, since in ((ALL, ""), (UsageQuery(start_us=BASE_US), "from 2026-03-28T22:00:00.000000Z ")):
        for ask in (lambda query: store.preview_repricing(query, doubled), lambda query: apply(store, query)):
            with pytest.raises(ClientError) as refused:
                ask(query)
            assert f"The requests {since}to 2026-03-30T22:00:00.000000Z are kept as sums only" in str(refused.value)
            assert (refused.value.status, refused.value.param) == (409, "from")
    with pytest.raises(
        ClientError, match=r"from 2026-03-28T22:00:00\.000000Z to 2026-03-30T22:00:00\.000000Z are gone"
    ):
        store.undo_repricing(applied.id, 2)
    assert dump(store) == before
    later = apply(store, UsageQuery(start_us=from_us))
    assert later.changed == 2 and store.check() == []
    store.undo_repricing(later.id, 3)
    assert dump(store) == before


def swept(store: UsageStore, meanwhile: Callable[[], object] = lambda: None) -> set[str]:
    """The names that are left by a sweep; `meanwhile` comes between its look and its deed."""
    with closing(open_database(store._folder / "usage.db")) as connection:

        def in_steps(take: Callable[[int], int]) -> int:
            meanwhile()
            with writing(connection):
                return take(1000)

        sweep(connection, in_steps, lambda: None, 0)
        return {text for (text,) in connection.execute("SELECT text FROM names")}


def test_a_sweep_of_unused_names_keeps_those_that_undoing_needs_and_those_that_came_meanwhile(
    store: UsageStore,
) -> None:
    gone = record(0, price_id="gone"), record(1, price_id="override:1", key="spare")
    store.insert_history([*gone, record(9000, price_id="before"), record(9001, model="last")])
    applied = store.apply_repricing(
        UsageQuery(start_us=BASE_US + 9_000_000_000), lambda *_: Priced(1, "list", "now"), 1
    )
    take_away(store, BASE_US + 9_000_000_000)
    left = swept(store, lambda: apply(store, UsageQuery(start_us=BASE_US + 9_001_000_000)))
    assert {"before", "now", "override:1"} <= left and "gone" in left
    left = swept(store)
    assert {"before", "now", "override:1"} <= left and "gone" not in left
    store.undo_repricing(2, 2)
    store.undo_repricing(applied.id, 3)
    row = store.request("req_9000")
    assert row is not None and row.price_id == "before"


def test_retention_takes_what_rows_were_with_the_rows(store: UsageStore) -> None:
    store.insert_history([record(number, started_us=BASE_US + number * DAY_US) for number in range(4)])
    applied = apply(store)
    cleaned = store.clean_up({"requests": Keep(days=2), "buckets": Keep()}, BASE_US + 4 * DAY_US)
    assert cleaned.taken["requests"] == 2
    with closing(open_database(store._folder / "usage.db")) as connection:
        assert connection.execute("SELECT n FROM repriced ORDER BY n").fetchall() == [(3,), (4,)]
    with pytest.raises(ClientError, match="are gone"):
        store.undo_repricing(applied.id, 2)


def apply(store: UsageStore, query: UsageQuery = ALL) -> Any:
    return store.apply_repricing(query, doubled, 1)


FEW = 3000


def many(rows: int) -> Iterator[ExchangeRecord]:
    for number in range(rows):
        yield record(
            number,
            started_us=BASE_US + number * 10_000_000,
            model=f"model-{number % 7}",
            tags=(f"team:{number % 5}", "env:dev"),
            input_tokens=number,
        )


def test_twenty_thousand_rows_there_and_back() -> None:
    rows, told = 20_000, []
    with stored(list(many(rows)), "Asia/Kolkata") as store:
        path = store._folder / "usage.db"
        store.combine()
        before = digests(path, rows)
        expected = sum(2 * (number + 5) for number in range(rows))
        preview = store.preview_repricing(ALL, doubled, lambda done, total: told.append((done, total)))
        assert (preview.examined, preview.from_nano, preview.to_nano) == (rows, 1000 * rows, expected)
        assert told == [(10_000, rows), (rows, rows)]
        applied = store.apply_repricing(ALL, doubled, 1, preview)
        assert store.summary(ALL).cost_nano == applied.to_nano == expected
        assert store.check() == []
        # The log held every page that was changed, and its space is given back.
        assert path.with_name("usage.db-wal").stat().st_size == 0
        store.undo_repricing(applied.id, 2)
        assert digests(path, rows) == before


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsageStore]:
    """Some thousand rows; each test leaves them as they were."""
    store = UsageStore(tmp_path_factory.mktemp("history"))
    store.start()
    store.insert_history(many(FEW))
    with pytest.MonkeyPatch.context() as patch:
        for module in (repriced_rows, repricing):
            patch.setattr(module, "CHUNK_ROWS", 500)
        yield store
    store.close()


def test_given_up_midway_nothing_is_changed(history: UsageStore) -> None:
    before = dump(history)
    for ask in (history.preview_repricing, lambda *args: history.apply_repricing(*args[:2], 1, None, args[2])):
        with pytest.raises(Halt) as halted:
            ask(ALL, doubled, halt_after(1500))
        assert halted.value.done == 1500
    assert dump(history) == before
    applied = apply(history)
    changed = dump(history)
    with pytest.raises(Halt):
        history.undo_repricing(applied.id, 2, halt_after(1500))
    assert dump(history) == changed != before
    assert history.repricings()[0].undone_us is None
    history.undo_repricing(applied.id, 2)
    assert dump(history) == before


def test_memory_does_not_grow_with_the_rows(history: UsageStore) -> None:
    def peak(rows: int) -> int:
        tracemalloc.reset_peak()
        base = tracemalloc.get_traced_memory()[0]
        history.preview_repricing(UsageQuery(end_us=BASE_US + rows * 10_000_000), doubled)
        return tracemalloc.get_traced_memory()[1] - base

    tracemalloc.start()
    peak(1000)
    # Two chunks: one is still there while the next is read.
    few, all_of_them = peak(1000), peak(FEW)
    tracemalloc.stop()
    assert all_of_them < 1.3 * few


CHILD = """
import sys, time
from pathlib import Path
from gateway.records import UsageQuery
from gateway.store import repriced_rows, repricing
from gateway.store.usage import UsageStore
from tests.store.test_repricing import doubled
repriced_rows.CHUNK_ROWS = repricing.CHUNK_ROWS = 500
store = UsageStore(Path(sys.argv[1]))
store.start()
def told(done, total):
    print(done, flush=True)
    if done == 1500:
        time.sleep(100)
if sys.argv[2] == "apply":
    store.apply_repricing(UsageQuery(), doubled, 1, None, told)
else:
    store.undo_repricing(int(sys.argv[2]), 2, told)
"""


def kill_midway(store: UsageStore, what: str) -> None:
    command = [sys.executable, "-c", CHILD, str(store._folder), what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        while child.stdout.readline() != "1500\n":
            assert child.poll() is None
        child.kill()
        assert child.wait() == -signal.SIGKILL


def test_killed_midway_nothing_is_changed(history: UsageStore) -> None:
    before = dump(history)
    kill_midway(history, "apply")
    assert dump(history) == before and history.repricings()[0].undone_us is not None
    applied = apply(history)
    changed = dump(history)
    kill_midway(history, str(applied.id))
    assert dump(history) == changed
    history.undo_repricing(applied.id, 2)
    assert dump(history) == before
    assert history.check() == []
    with closing(sqlite3.connect(history._folder / "usage.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_exchanges_are_recorded_meanwhile_and_none_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(repriced_rows, "CHUNK_ROWS", 100)
    store = UsageStore(tmp_path)
    store.start()
    store._connection.execute("PRAGMA busy_timeout = 20")
    store.insert_history([record(number) for number in range(1000)])
    held, written = threading.Event(), []

    def told(done: int, _total: int) -> None:
        # On the re-pricing's thread, with its transaction open: recording goes on and reading sees the state before.
        new = record(10_000 + done, cost_nano=30, cost_source="override", price_id="override:1")
        store.begin(replace(new, outcome="interrupted", cost_nano=None))
        store.end(new)
        written.append(new.id)
        assert store.summary(ALL).cost_nano == 1_000_000
        held.set()

    store.apply_repricing(ALL, doubled, 1, None, told)
    assert held.is_set() and len(written) == 10
    assert store.flush(PATIENCE_S)
    assert store.summary(ALL).requests == 1010 and store.summary(ALL).cost_nano == 30 * 1010
    assert all(store.request(each) for each in written)
    assert store.check() == []
    store.close()
    assert list((tmp_path / "journal").iterdir()) == []


def test_closing_ends_it_with_nothing_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repriced_rows, "CHUNK_ROWS", 100)
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history([record(number) for number in range(1000)])
    before = dump(store)
    refusal: list[FaregateError] = []
    begun, closing_now = threading.Event(), threading.Event()

    def told(_done: int, _total: int) -> None:
        begun.set()
        closing_now.wait(PATIENCE_S)

    def run() -> None:
        try:
            store.apply_repricing(ALL, doubled, 1, None, told)
        except FaregateError as error:
            refusal.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(PATIENCE_S)
    # The connections are the store's no longer when it closes; the re-pricing has one of its own.
    threading.Timer(0.1, closing_now.set).start()
    store.close()
    thread.join(10)
    assert "given up" in refusal[0].message
    store = UsageStore(tmp_path)
    store.start()
    assert dump(store) == before
    store.close()


def test_one_row_of_another_preview_is_no_rows() -> None:
    with pytest.raises(ClientError, match=r"It would now change 1 row by \$0.000000005, and not 2 by \$0.00:"):
        repricing._refuse_other(RepricingPreview(changed=1, to_nano=5), RepricingPreview(changed=2))


def test_rows_whose_combinations_are_not_counted_yet_are_counted_once_with_their_new_cost(store: UsageStore) -> None:
    store.insert_history([record(number, cost_nano=7) for number in range(2)])
    store.combine()
    store.insert_history([record(2, cost_nano=7)])
    both = UsageQuery(model=("gpt-5",), provider=("openai",))
    doubled_nano = sum(2 * (row.input_tokens or 0) + 2 * (row.output_tokens or 0) for row in [record(0)] * 3)
    applied = store.apply_repricing(ALL, doubled, 1)
    assert store.check() == [] and store.summary(both).cost_nano == doubled_nano
    store.combine()
    assert store.check() == [] and store.summary(both).cost_nano == doubled_nano
    store.undo_repricing(applied.id, 2)
    assert store.check() == [] and store.summary(both).cost_nano == 21


def test_of_several_later_re_pricings_the_last_is_to_be_undone_first(store: UsageStore) -> None:
    store.insert_history([record(0)])
    numbers = [
        store.apply_repricing(ALL, lambda row, _, nano=nano: Priced(nano, "override", "override:2"), nano).id
        for nano in (1, 2, 3)
    ]
    told: list[tuple[int, int]] = []
    with pytest.raises(ClientError, match=f"re-pricing {numbers[2]} has changed the same rows since"):
        store.undo_repricing(numbers[0], 4)
    store.undo_repricing(numbers[2], 5, lambda done, whole: told.append((done, whole)))
    assert told == [(1, 1)]


def test_models_that_change_as_much_come_by_provider_and_name(store: UsageStore) -> None:
    models = [("xai", "grok"), ("openai", "o3"), ("openai", None), (None, "zz"), ("openai", "gpt-5"), (None, None)]
    store.insert_history(
        [
            record(number, provider=provider, model=model, cost_nano=7)
            for number, (provider, model) in enumerate(models)
        ]
    )
    told: list[tuple[int, int]] = []
    preview = store.preview_repricing(
        UsageQuery(end_us=BASE_US + 5_000_000),
        lambda row, _: Priced(9, "override", "override:1"),
        lambda done, whole: told.append((done, whole)),
    )
    assert [(each.provider, each.model) for each in preview.by_model] == [
        (None, "zz"),
        ("openai", None),
        ("openai", "gpt-5"),
        ("openai", "o3"),
        ("xai", "grok"),
    ]
    assert told == [(5, 5)]
