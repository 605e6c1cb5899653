"""Nothing lost, nothing doubled: the store as the gateway uses it, through kills, locks and full disks."""

import errno
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.errors import FaregateError
from gateway.records import Completeness, ExchangeRecord, TagCondition, UsageQuery
from gateway.store import journal as journal_module
from gateway.store import rows
from gateway.store import usage as usage_module
from gateway.store import writer as writer_module
from gateway.store.commit import Committer
from gateway.store.database import open_database
from gateway.store.journal import BEGUN, ENDED, render_line
from gateway.store.names import Names
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, FULL, record
from tests.store.migrated import started
from tests.waiting import PATIENCE_S, wait_until


def ids(store: UsageStore) -> list[str]:
    return sorted(each.id for each in store.iter_requests(UsageQuery()))


def begun(number: int) -> ExchangeRecord:
    return replace(record(number), outcome="interrupted", status=0, latency_us=None, cost_nano=None)


def assert_sound(store: UsageStore) -> None:
    assert store.check() == []
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_record_comes_back_as_it_went(store: UsageStore) -> None:
    store.begin(replace(FULL, outcome="interrupted"))
    store.end(FULL)
    assert store.flush()
    assert store.request(FULL.id) == FULL
    assert store.requests(UsageQuery(tags=(TagCondition(("team",)),))).rows == (FULL,)
    assert store.request("unheard-of") is None


def test_completeness_counts_what_was_seen_written_priced_and_is_open(store: UsageStore) -> None:
    for number in range(4):
        store.begin(begun(number))
    store.end(record(0))
    store.end(record(1, cost_nano=None, cost_source="none"))
    store.flush()
    counts = replace(store.completeness(), differences=())
    assert counts == Completeness(seen=4, written=2, priced=1, open=2)


def test_the_listener_hears_of_each_transaction_on_the_writers_thread(tmp_path: Path) -> None:
    heard: list[str] = []
    store = UsageStore(tmp_path, on_commit=lambda: heard.append(threading.current_thread().name))
    store.start()
    store.end(record(1))
    store.flush()
    store.close()
    assert heard == ["usage-writer"]


def test_a_listener_whose_loop_is_gone_stops_nothing(tmp_path: Path) -> None:
    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    store = UsageStore(tmp_path, on_commit=gone)
    store.start()
    store.end(record(1))
    assert store.flush()
    store.end(record(2))
    assert store.flush()
    store.close()


def test_ended_exchanges_are_committed_without_a_flush_within_a_moment(store: UsageStore) -> None:
    store.end(record(1))
    wait_until(lambda: store.requests(UsageQuery()).rows)
    assert ids(store) == ["req_1"]


def test_fifty_rows_are_one_transaction(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = Committer.commit

    def spy(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        sizes.append(len(records))
        return real(self, records)

    monkeypatch.setattr(Committer, "commit", spy)
    for number in range(300):
        store.end(record(number))
    store.flush()
    assert sum(sizes) == 300
    assert len(sizes) <= 6


def test_a_clean_end_leaves_no_journal_and_a_restart_no_difference(tmp_path: Path) -> None:
    store = started(tmp_path)
    for number in range(100):
        store.begin(begun(number))
        store.end(record(number))
    store.flush()
    before = store.summary(UsageQuery())
    store.close()
    assert list((tmp_path / "journal").iterdir()) == []
    store = started(tmp_path)
    assert store.summary(UsageQuery()) == before
    store.close()


def test_what_is_open_at_the_end_is_interrupted_at_the_next_start(tmp_path: Path) -> None:
    store = started(tmp_path)
    store.begin(replace(begun(1), status=200))
    store.close()
    store = started(tmp_path)
    (row,) = store.requests(UsageQuery()).rows
    assert (row.outcome, row.error_type, row.status) == ("interrupted", "interrupted", 200)
    assert store.summary(UsageQuery()).errors == 1
    assert_sound(store)
    store.close()


STEPS: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "begun": (render_line(BEGUN, begun(1)), ()),
    "begun and ended": (render_line(BEGUN, begun(1)) + render_line(ENDED, record(1)), ()),
    "begun, half an end": (render_line(BEGUN, begun(1)) + render_line(ENDED, record(1))[:90], ()),
    "half a beginning": (render_line(BEGUN, begun(1))[:50], ()),
    "committed, file still there": (render_line(BEGUN, begun(1)) + render_line(ENDED, record(1)), (1,)),
    "one of two committed": (
        render_line(BEGUN, begun(1)) + render_line(ENDED, record(1)) + render_line(BEGUN, begun(2)),
        (1,),
    ),
    "carried on in a second file": (render_line(BEGUN, begun(1)) * 2 + render_line(ENDED, record(1)), ()),
    "ended twice": (render_line(ENDED, record(1)) * 2, ()),
}
OUTCOMES = {
    "begun": {"req_1": "interrupted"},
    "begun and ended": {"req_1": "ok"},
    "begun, half an end": {"req_1": "interrupted"},
    "half a beginning": {},
    "committed, file still there": {"req_1": "ok"},
    "one of two committed": {"req_1": "ok", "req_2": "interrupted"},
    "carried on in a second file": {"req_1": "ok"},
    "ended twice": {"req_1": "ok"},
}


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_between_any_two_steps_loses_nothing_and_doubles_nothing(tmp_path: Path, step: str) -> None:
    lines, committed = STEPS[step]
    store = started(tmp_path)
    store.insert_history([record(number) for number in committed])
    store.close()
    (tmp_path / "journal" / "1-dead-000001.journal").write_bytes(lines)
    for _ in range(2):
        kept = tmp_path / "kept"
        shutil.copytree(tmp_path / "journal", kept)
        store = started(tmp_path)
        assert {each.id: each.outcome for each in store.iter_requests(UsageQuery())} == OUTCOMES[step]
        assert_sound(store)
        store.close()
        # The same journal once more: as if the kill had come after the commit, before the file was deleted.
        assert list((tmp_path / "journal").iterdir()) == []
        shutil.rmtree(tmp_path / "journal")
        kept.rename(tmp_path / "journal")


CHILD = """
import sys
from pathlib import Path
from gateway.store.names import Names
from gateway.store.usage import UsageStore
from tests.store.examples import record
store = UsageStore(Path(sys.argv[1]))
store.start()
for number in range(1_000_000):
    store.begin(record(number, outcome="interrupted"))
    print("b", number, flush=True)
    store.end(record(number))
    print("e", number, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 3, 50, 101, 102, 777, 2000, 2001, 4444])
def test_after_kill_9_under_load_nothing_announced_is_lost_and_buckets_equal_rows(tmp_path: Path, lines: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    announced = [child.stdout.readline().split() for _ in range(lines)]
    child.kill()
    announced += [line.split() for line in child.stdout.read().splitlines() if line[2:].isdigit()]
    child.wait()
    child.stdout.close()
    store = started(tmp_path)
    outcomes = {each.id: each.outcome for each in store.iter_requests(UsageQuery())}
    for mark, number in announced[:-1]:
        assert f"req_{number}" in outcomes
        if mark == "e":
            assert outcomes[f"req_{number}"] == "ok"
    assert store.request_count(UsageQuery()) == len(outcomes)
    assert_sound(store)
    store.close()
    assert list((tmp_path / "journal").iterdir()) == []


def test_while_another_process_locks_the_database_calls_go_on_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LONGEST_PAUSE_S", 0.1)
    store = started(tmp_path)
    store._connection.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(tmp_path / "usage.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        spent = []
        for number in range(200):
            begins = time.perf_counter()
            store.begin(begun(number))
            store.end(record(number))
            spent.append(time.perf_counter() - begins)
        assert not store.flush(1.0)
        assert store.completeness().written == 0
        # Half of them; one alone may have met a busy disk.
        assert statistics.median(spent) < 0.05, "none waits until the database gives up"
        # Readers pass a writer that waits.
        assert store.request_count(UsageQuery()) == 0
        other.execute("ROLLBACK")
    assert store.flush(PATIENCE_S)
    assert len(ids(store)) == 200
    assert_sound(store)
    store.close()
    assert list((tmp_path / "journal").iterdir()) == []


def test_closing_while_the_database_is_locked_keeps_all_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.usage.CLOSE_TIMEOUT_S", 0.2)
    store = started(tmp_path)
    store._connection.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(tmp_path / "usage.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        store.end(record(1))
        store.close()
        other.execute("ROLLBACK")
    store = started(tmp_path)
    assert ids(store) == ["req_1"]
    store.close()


@pytest.mark.parametrize(
    "fault", [sqlite3.OperationalError("database or disk is full"), sqlite3.OperationalError("disk I/O error")]
)
@pytest.mark.parametrize("place", ["insert", "add"])
def test_a_commit_that_fails_halfway_is_tried_again_whole(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, fault: sqlite3.Error, place: str
) -> None:
    module = {"insert": "gateway.store.rows.insert", "add": "gateway.store.buckets.add"}[place]
    owner, _, name = module.rpartition(".")
    real = getattr(sys.modules[owner], name)
    failures = iter([fault, fault])

    def flaky(*arguments: object, **named: object) -> None:
        real(*arguments, **named)
        if (error := next(failures, None)) is not None:
            raise error

    monkeypatch.setattr(module, flaky)
    for number in range(10):
        store.end(record(number, model=f"model-{number}", tags=(f"n:{number}",)))
    assert store.flush(PATIENCE_S)
    assert len(ids(store)) == 10
    assert store.completeness().written == 10
    assert_sound(store)


def test_a_full_disk_for_journal_and_database_loses_nothing_once_there_is_room(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write, real_commit = os.write, Committer.commit

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def refused(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(journal_module.os, "write", full)
    monkeypatch.setattr(Committer, "commit", refused)
    for number in range(50):
        store.begin(begun(number))
        store.end(record(number))
    assert not store.flush(0.3)
    monkeypatch.setattr(journal_module.os, "write", real_write)
    monkeypatch.setattr(Committer, "commit", real_commit)
    assert store.flush(PATIENCE_S)
    assert len(ids(store)) == 50
    assert_sound(store)


def test_with_the_queue_full_later_exchanges_wait_in_the_journal_alone(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.usage.QUEUED_ROWS", 10)
    real = Committer.commit

    def refused(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Committer, "commit", refused)
    for number in range(100):
        store.begin(begun(number))
        store.end(record(number))
    assert store._writer.queued == 10
    monkeypatch.setattr(Committer, "commit", real)
    assert store.flush(PATIENCE_S)
    assert len(ids(store)) == store.completeness().written == 100
    assert_sound(store)


@pytest.mark.parametrize(
    "fields",
    [
        {"end_user": "half \ud83d"},
        {"model": "null \0 byte"},
        {"tags": ("team:\ud800",)},
        {"input_tokens": 2**64},
        {"cost_nano": -(2**65)},
        {"error_message": "\ud800"},
    ],
)
def test_a_value_that_cannot_be_stored_keeps_no_other_record_back(
    store: UsageStore, fields: dict[str, object]
) -> None:
    store.end(record(1))
    store.end(record(2, **fields))
    store.end(record(3))
    assert store.flush()
    assert ids(store) == ["req_1", "req_2", "req_3"]
    assert_sound(store)


@pytest.mark.parametrize(
    ("fields", "many", "costs", "tokens"),
    [
        # So many of the first come to more than SQLite's integers hold.
        ({"input_tokens": 2**53}, 1200, 1200, None),
        ({"input_tokens": 2**63 - 1}, 12, 12, None),
        ({"input_tokens": -1, "output_tokens": None}, 12, 12, None),
        ({"cost_nano": 2**60}, 12, None, 120),
        ({"cost_nano": -1}, 12, None, 120),
        ({"latency_us": 2**62, "ttft_us": 2**61}, 12, 12, 120),
    ],
    ids=str,
)
def test_impossible_numbers_become_unknown_and_all_sums_still_answer(
    store: UsageStore, fields: dict[str, int], many: int, costs: int | None, tokens: int | None
) -> None:
    given = {"cost_nano": 1, "cost_source": "list", "input_tokens": 10, **fields}
    for number in range(4):
        for each in range(number, many, 4):
            store.end(record(each, **given))
        assert store.flush()
    for query in (UsageQuery(), UsageQuery(provider=("openai",), model=("gpt-5",)), UsageQuery(client=("none",))):
        store.summary(query)
    found = store.summary(UsageQuery())
    assert (found.requests, found.cost_nano, found.input_tokens) == (many, costs, tokens)
    assert found.unpriced_requests == (0 if costs else many)
    assert_sound(store)


def test_a_record_that_no_table_can_hold_stays_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rows.insert

    def picky(connection: sqlite3.Connection, names: Names, records: Sequence[ExchangeRecord]) -> None:
        if any(each.id == "req_1" for each in records):
            raise ValueError("This one cannot be written.")
        real(connection, names, records)

    monkeypatch.setattr(rows, "insert", picky)
    store = started(tmp_path)
    store.end(record(1))
    store.end(record(2))
    assert store.flush()
    assert ids(store) == ["req_2"]
    store.close()
    monkeypatch.setattr(rows, "insert", real)
    store = started(tmp_path)
    assert ids(store) == ["req_1", "req_2"]
    store.close()


def test_a_folder_that_cannot_be_used_is_told_and_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "usage.db").write_bytes(b"This is no database, and it is long enough to be told so." * 100)
    with pytest.raises(FaregateError, match=r"usage\.db cannot be used"):
        UsageStore(tmp_path).start()


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    one, two = started(tmp_path), started(tmp_path)
    for number in range(0, 100, 2):
        one.end(record(number, tags=(f"n:{number}",)))
        two.end(record(number + 1, tags=(f"n:{number}",)))
    assert one.flush() and two.flush()
    assert len(ids(one)) == len(ids(two)) == 100
    assert_sound(one)
    one.close()
    two.close()


def test_a_long_read_holds_nobody_up_and_sees_one_state(store: UsageStore) -> None:
    store.insert_history([record(number) for number in range(10)])
    with store._readers.snapshot() as connection:
        first = connection.execute("SELECT COUNT(*) FROM requests").fetchone()
        for number in range(10, 20):
            store.end(record(number))
        assert store.flush(PATIENCE_S)
        assert connection.execute("SELECT COUNT(*) FROM requests").fetchone() == first == (10,)
    assert store.request_count(UsageQuery()) == 20


def test_history_inserted_twice_counts_once(store: UsageStore) -> None:
    history = [record(number) for number in range(100)]
    assert store.insert_history(history) == 100
    assert store.insert_history(iter([*history, record(100)])) == 1
    assert store.request_count(UsageQuery()) == 101
    assert_sound(store)


def test_readers_cannot_write(store: UsageStore) -> None:
    with pytest.raises(sqlite3.OperationalError), store._readers.snapshot() as connection:
        connection.execute("DELETE FROM requests")


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = UsageStore(tmp_path)
    store.start()
    store.begin(begun(1))
    (segment,) = (tmp_path / "journal").iterdir()
    assert segment.stat().st_mode & 0o077 == 0
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0
    assert (tmp_path / "usage.db").stat().st_mode & 0o077 == 0
    store.close()


def test_the_database_gives_space_back_and_uses_a_write_ahead_log(store: UsageStore) -> None:
    connection = open_database(store._folder / "usage.db")
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    connection.close()


def test_queries_find_rows_at_the_very_edges_of_their_range(store: UsageStore) -> None:
    store.insert_history([record(0), record(1)])
    second = BASE_US + 1_000_000
    assert store.request_count(UsageQuery(start_us=second)) == 1
    assert store.request_count(UsageQuery(end_us=second)) == 1
    assert store.request_count(UsageQuery(end_us=second + 1)) == 2
    assert store.request_count(UsageQuery(start_us=second, end_us=second)) == 0
    assert store.request_count(UsageQuery(start_us=-(10**30), end_us=10**30)) == 2
    assert len(store.requests(UsageQuery(start_us=-(10**30), end_us=10**30)).rows) == 2


def test_what_happens_now_is_stored_between_two_chunks_of_history(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_module, "HISTORY_ROWS", 10)
    stored_by_then = []

    def history() -> Iterator[ExchangeRecord]:
        for number in range(50):
            if number == 15:
                store.end(record(1000))
            if number >= 20 and number % 10 == 0:
                stored_by_then.append(store.request(record(1000).id) is not None)
            yield record(number)

    assert store.insert_history(history()) == 50
    assert stored_by_then == [True, True, True]


def test_closing_ends_a_long_history_between_two_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A connection that is closed under its thread takes the process down.
    monkeypatch.setattr(usage_module, "HISTORY_ROWS", 100)
    inserted = []
    for round in range(5):
        store = started(tmp_path)
        base = round * 100_000
        under_way = threading.Event()

        def records(
            base: int = base, started: threading.Event = under_way, enough: int = 150 * (round + 1)
        ) -> Iterator[ExchangeRecord]:
            for number in range(50_000):
                if number == enough:
                    started.set()
                yield record(base + number)

        thread = threading.Thread(target=lambda: inserted.append(store.insert_history(records())))  # noqa: B023
        thread.start()
        assert under_way.wait(PATIENCE_S)
        store.close()
        thread.join()
    store = started(tmp_path)
    assert 0 < sum(inserted) == store.request_count(UsageQuery()) < 250_000
    assert_sound(store)
    store.close()


def test_what_neither_database_nor_journal_took_is_not_said_to_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(usage_module, "CLOSE_TIMEOUT_S", 0.2)
    store = started(tmp_path)
    with closing(sqlite3.connect(tmp_path / "usage.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(journal_module.os, "write", full_disk)
        store.end(record(1))
        store.end(record(2))
        store.close()
    assert "The disk refused 2 exchanges to the end: they are lost." in caplog.text
    assert "kept in the journal" not in caplog.text


def full_disk(descriptor: int, data: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_one_exchange_wakes_a_writer_that_has_nothing_to_do(store: UsageStore) -> None:
    for number in range(3):
        store.end(record(number))
        wait_until(partial(store.request, f"req_{number}"))
        # Long enough for its thread to wait again.
        time.sleep(0.1)


def test_a_row_that_has_waited_in_vain_is_found_as_it_will_be_written(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_module, "JUST_ENDED_S", 0.01)
    with closing(open_database(store._folder / "usage.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        store.end(FULL)
        assert store.request(FULL.id) == FULL and store.request("unheard-of") is None
        other.execute("ROLLBACK")
    assert store.flush() and store.request(FULL.id) == FULL
