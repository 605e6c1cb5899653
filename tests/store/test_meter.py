"""The completeness meter: every kind of loss is injected, and named by its own kind and count."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.records import Completeness, ExchangeRecord, UsageQuery
from gateway.store import journal as journal_module
from gateway.store import rows
from gateway.store import usage as usage_module
from gateway.store import writer as writer_module
from gateway.store.commit import Committer
from gateway.store.journal import BEGUN, ENDED, Journal, render_line
from gateway.store.meter import REASONS, Meter, hindrance
from gateway.store.names import Names
from gateway.store.usage import UsageStore
from tests.store.examples import attempt, record
from tests.waiting import wait_until


@contextmanager
def started(folder: Path) -> Iterator[UsageStore]:
    store = UsageStore(folder)
    store.start()
    try:
        yield store
    finally:
        store.close()


def begun(number: int) -> ExchangeRecord:
    return replace(record(number), outcome="interrupted", status=0, cost_nano=None, cost_source="none")


def named(reading: Completeness) -> dict[str, int]:
    """Kinds and counts; what lies between the counts must be named in full."""
    sums = {"written": 0, "priced": 0}
    for difference in reading.differences:
        if difference.of in sums:
            sums[difference.of] += difference.count
    assert sums == {"written": reading.seen - reading.written, "priced": reading.written - reading.priced}
    assert reading.open == next((each.count for each in reading.differences if each.kind == "running"), 0)
    return {difference.kind: difference.count for difference in reading.differences}


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Callable[[], None]:
    """Commits fail with this error, until the answer is called."""
    real = Committer.commit

    def refused(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        raise error

    monkeypatch.setattr(Committer, "commit", refused)
    return lambda: monkeypatch.setattr(Committer, "commit", real)


def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The journal cannot be written, until the answer is called."""
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal_module.os, "write", full)
    return lambda: monkeypatch.setattr(journal_module.os, "write", real)


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("It cannot be written.")
    error.sqlite_errorcode = code
    return error


def test_reasons_are_told_apart_and_each_is_a_sentence_that_says_what_to_do() -> None:
    assert len({reason.kind for reason in REASONS}) == len({reason.meaning for reason in REASONS}) == len(REASONS)
    for reason in REASONS:
        assert reason.of in ("written", "priced", "kept", "counted", "captured", "start")
        assert reason.meaning.endswith(".") and ": " in reason.meaning, reason


def test_nothing_is_missing_where_all_is_written_and_priced(store: UsageStore) -> None:
    for number in range(3):
        store.begin(begun(number))
        store.end(record(number))
    store.flush()
    assert store.completeness() == Completeness(seen=3, written=3, priced=3, open=0)


# What a row itself says, by kind.
ROWS = {
    "no_price": {"cost_nano": None, "cost_source": "none"},
    "not_used": {"cost_nano": None, "cost_source": "none", "usage_source": "none", "outcome": "error", "status": 400},
    "use_unknown": {
        "cost_nano": None,
        "cost_source": "none",
        "usage_source": "none",
        "outcome": "error",
        "status": 504,
        "attempts": (attempt(None),),
    },
    "estimated": {"usage_source": "estimated"},
    "partial": {"usage_source": "partial", "outcome": "aborted", "status": 499},
    "unreadable": {"outcome": "error", "error_type": "unreadable_answer"},
    "contradictory": {"cached_tokens": 8, "cache_write_tokens": 3},
    "mended": {"input_tokens": -1},
    "price_fuzzy": {"price_fuzzy": True},
}


@pytest.mark.parametrize("kind", ROWS)
def test_what_a_row_says_is_named_once_it_is_written(store: UsageStore, kind: str) -> None:
    store.begin(begun(1))
    store.end(record(1, **ROWS[kind]))
    store.begin(begun(2))
    store.end(record(2))
    store.flush()
    reading = store.completeness()
    assert named(reading) == {kind: 1}
    assert (reading.seen, reading.written) == (2, 2)
    assert reading.priced == (1 if kind in ("no_price", "not_used", "use_unknown") else 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"cached_tokens": 11},
        {"input_audio_tokens": 11},
        {"cache_write_tokens": 2, "cache_write_1h_tokens": 3},
        {"reasoning_tokens": 6},
        {"output_audio_tokens": 6},
    ],
    ids=str,
)
def test_a_part_larger_than_its_whole_contradicts_it(store: UsageStore, fields: dict[str, int]) -> None:
    store.end(record(1, **fields))
    store.end(record(2, **{name: 2 for name in fields}))
    store.end(record(3, input_tokens=None, output_tokens=None, cached_tokens=9, reasoning_tokens=9))
    store.flush()
    assert named(store.completeness()) == {"contradictory": 1}


@pytest.mark.parametrize(
    "fields", [{"end_user": "half \ud83d"}, {"cost_nano": -1}, {"model": "m\ud800", "latency_us": -1}]
)
def test_a_mended_record_counts_once_and_by_what_is_left_of_it(store: UsageStore, fields: dict[str, object]) -> None:
    store.end(record(1, **fields))
    store.flush()
    unpriced = {"no_price": 1} if "cost_nano" in fields else {}
    assert named(store.completeness()) == {"mended": 1, **unpriced}


def test_what_runs_and_what_waits(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "GROUP_S", 60.0)
    for number in range(3):
        store.begin(begun(number))
    store.end(record(0))
    assert named(store.completeness()) == {"running": 2, "waiting": 1}
    store.flush()
    assert named(store.completeness()) == {"running": 2}


def test_what_the_server_saw_and_the_store_did_not_is_told_from_what_still_runs(store: UsageStore) -> None:
    store.begin(begun(1))
    store.end(record(1))
    store.begin(begun(2))
    store.begin(begun(3))
    store.flush()
    # Of five that came in, one has its row and two still run: two left none, one of them although it had begun.
    reading = store.completeness(seen=5, running=2)
    assert named(reading) == {"running": 2, "unrecorded": 2}
    assert (reading.seen, reading.open) == (5, 2)
    # An exchange that has ended may still be with the server, which sends its last bytes.
    assert named(store.completeness(seen=3, running=3)) == {"running": 2}


def test_a_database_that_another_process_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "LONGEST_PAUSE_S", 0.1)
    with started(tmp_path) as store:
        store._connection.execute("PRAGMA busy_timeout = 10")
        with closing(sqlite3.connect(tmp_path / "usage.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            store.end(record(1))
            wait_until(lambda: "database_locked" in named(store.completeness()))
            assert named(store.completeness()) == {"database_locked": 1}
            other.execute("ROLLBACK")
        assert store.flush()
        wait_until(lambda: store.completeness() == Completeness(seen=1, written=1, priced=1))


def test_hindrances_are_told_apart_by_sqlites_own_code(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "small.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA max_page_count = 3")
        with pytest.raises(sqlite3.OperationalError) as full:
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert hindrance(full.value) == "database_full"
    assert hindrance(sqlite_error(5 | 2 << 8)) == hindrance(sqlite_error(6)) == "database_locked"
    assert hindrance(sqlite_error(10 | 1 << 8)) == hindrance(sqlite3.OperationalError("?")) == "database_failing"


@pytest.mark.parametrize(("code", "kind"), [(13, "database_full"), (10, "database_failing")])
def test_a_database_that_takes_nothing(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, code: int, kind: str
) -> None:
    again = refuse(monkeypatch, sqlite_error(code))
    store.end(record(1))
    store.end(record(2))
    wait_until(lambda: kind in named(store.completeness()))
    assert named(store.completeness()) == {kind: 2}
    again()
    assert store.flush()
    wait_until(lambda: named(store.completeness()) == {})


def test_with_the_disk_full_for_the_journal_what_is_only_in_memory_is_named(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = refuse(monkeypatch, sqlite_error(13))
    free = full_disk(monkeypatch)
    store.begin(begun(1))
    store.begin(begun(2))
    store.end(record(2))
    wait_until(lambda: "database_full" in named(store.completeness()))
    assert named(store.completeness()) == {"running": 1, "database_full": 1, "memory_only": 2}
    free()
    store.begin(begun(3))
    assert named(store.completeness()) == {"running": 2, "database_full": 1}
    again()


def test_what_found_no_room_in_memory_either_is_at_risk_in_the_queue_and_lost_beyond_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_module, "QUEUED_ROWS", 4)
    monkeypatch.setattr(usage_module, "Journal", lambda folder: Journal(folder, waiting_lines=2))
    with started(tmp_path) as store:
        again = refuse(monkeypatch, sqlite_error(13))
        free = full_disk(monkeypatch)
        for number in range(10):
            store.begin(begun(number))
            store.end(record(number))
        wait_until(lambda: "database_full" in named(store.completeness()))
        # Two lines wait in memory, two more records in the queue: the other six are nowhere.
        assert named(store.completeness()) == {"database_full": 4, "lost": 6, "memory_only": 4}
        free()
        again()
        assert store.flush()
        wait_until(lambda: named(store.completeness()) == {"lost": 6})
        assert store.completeness().written == 4
        store.begin(begun(11))
        store.end(record(11))
        assert store.flush()
        assert named(store.completeness()) == {"lost": 6}


def test_a_journal_file_that_goes_while_the_queue_is_full_loses_what_only_it_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_module, "QUEUED_ROWS", 4)
    with started(tmp_path) as store:
        again = refuse(monkeypatch, sqlite_error(13))
        for number in range(10):
            store.end(record(number))
        for path in (tmp_path / "journal").iterdir():
            path.unlink()
        again()
        assert store.flush()
        wait_until(lambda: named(store.completeness()) == {"lost": 6})
        # The writer goes on.
        store.end(record(11))
        assert store.flush()
        assert store.completeness().written == 5


def picky(monkeypatch: pytest.MonkeyPatch) -> None:
    real = rows.insert

    def insert(connection: sqlite3.Connection, names: Names, records: Sequence[ExchangeRecord]) -> None:
        if any(each.id == "req_1" for each in records):
            raise ValueError("This one cannot be written.")
        real(connection, names, records)

    monkeypatch.setattr(rows, "insert", insert)


def test_a_record_that_no_table_can_hold_is_named_now_and_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        picky(broken)
        with started(tmp_path) as store:
            store.end(record(1))
            store.end(record(2))
            assert store.flush()
            assert named(store.completeness()) == {"refused": 1}
        with started(tmp_path) as store:
            assert named(store.completeness()) == {"recovered": 1, "unreplayed": 1}
    with started(tmp_path) as store:
        assert named(store.completeness()) == {"recovered": 1}


def test_a_start_says_what_the_last_run_left(tmp_path: Path) -> None:
    with started(tmp_path) as store:
        store.insert_history([record(1)])
    lines = render_line(BEGUN, begun(0)) + render_line(ENDED, record(0)) + render_line(ENDED, record(1))
    lines += render_line(BEGUN, begun(2)) + b"E 00000000 {}\n" + render_line(ENDED, record(3))[:40]
    (tmp_path / "journal" / "1-dead-000001.journal").write_bytes(lines)
    with started(tmp_path) as store:
        store.flush()
        # The one that had its row already is neither found nor counted twice.
        assert named(store.completeness()) == {"recovered": 1, "interrupted": 1, "damaged": 2}
        assert (store.completeness().seen, store.completeness().written) == (0, 0)
    with started(tmp_path) as store:
        assert store.completeness() == Completeness()


def test_what_could_not_be_taken_down_is_counted_as_the_capture_says(store: UsageStore) -> None:
    counts = {"content_busy": 2, "content_failed": 1, "content_unstored": 3}
    counts |= dict.fromkeys(("content_locked", "content_full", "content_failing", "content_moved"), 1)
    reading = store.completeness(uncaptured=counts)
    assert named(reading) == counts and {each.of for each in reading.differences} == {"captured"}
    assert named(store.completeness()) == {}


def test_every_kind_is_injected_here() -> None:
    here = Path(__file__).read_text()
    assert [reason.kind for reason in REASONS if f'"{reason.kind}"' not in here] == []


def test_a_damaged_database_is_named_and_what_waits_is_written_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal keeps what a file takes no more: it is no fault of a record, to be left out for."""
    monkeypatch.setattr(usage_module, "CLOSE_TIMEOUT_S", 0.2)
    path = tmp_path / "usage.db"
    with started(tmp_path) as store:
        store.insert_history(record(number) for number in range(500))
    with closing(sqlite3.connect(path)) as connection:
        ids = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_requests_1'"
        ((page,), (size,)) = (connection.execute(text).fetchone() for text in (ids, "PRAGMA page_size"))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    path.write_bytes(whole[: (page - 1) * size] + b"\x55" * size + whole[page * size :])
    with started(tmp_path) as store:
        for number in range(500, 503):
            store.begin(begun(number))
            store.end(record(number))
        assert not store.flush(timeout_s=0.5)
        assert named(store.completeness()) == {"database_failing": 3}
    # SQLite has kept the page that it read.
    path.write_bytes(whole)
    with started(tmp_path) as store:
        assert store.summary(UsageQuery()).requests == 503
        assert store.check() == []


def test_a_part_as_large_as_its_whole_contradicts_nothing(store: UsageStore) -> None:
    parts = {"cached_tokens": 7, "cache_write_tokens": 3, "cache_write_1h_tokens": 3, "input_audio_tokens": 10}
    store.end(record(1, **parts, reasoning_tokens=5, output_audio_tokens=5))
    store.flush()
    assert named(store.completeness()) == {}


def test_all_but_what_passes_by_itself_and_what_is_no_loss_asks_for_attention() -> None:
    assert {reason.kind for reason in REASONS if not reason.attention} == {
        *("running", "waiting", "recovered"),
        *("not_used", "estimated", "partial"),
    }


def test_parts_that_nobody_told_contradict_no_whole_of_nought(store: UsageStore) -> None:
    store.end(record(1, input_tokens=0, output_tokens=0, cache_write_tokens=0))
    store.flush()
    assert named(store.completeness()) == {}


def test_a_row_that_is_told_twice_is_counted_once() -> None:
    meter = Meter()
    meter.begin()
    meter.end("req_1")
    for _ in range(2):
        meter.wrote([record(1)])
    assert meter.reading(0) == Completeness(seen=1, written=1, priced=1)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_is_deleted_or_replaced_beneath_us_takes_nothing_and_nothing_is_lost_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    """SQLite would go on writing to the file that is in no folder any more, and the journal would let go of rows."""
    monkeypatch.setattr(usage_module, "CLOSE_TIMEOUT_S", 0.05)
    path, before = tmp_path / "usage.db", tmp_path / "before.db"
    with started(tmp_path):
        pass
    shutil.copy(path, before)
    with started(tmp_path) as store:
        store.end(record(0))
        assert store.flush()
        if replaced:
            before.replace(path)
        else:
            path.unlink()
        store.end(record(1))
        assert not store.flush(timeout_s=0.05)
        assert named(store.completeness()) == {"database_moved": 1}
        if not replaced:
            store._readers.close()
            with pytest.raises(sqlite3.OperationalError, match=r"usage\.db was moved, replaced or deleted"):
                store.summary(UsageQuery())
            with pytest.raises(sqlite3.OperationalError, match=r"usage\.db was moved, replaced or deleted"):
                store.settle(2**60)
            assert not path.exists()
    with started(tmp_path) as store:
        assert record(1).id in {row.id for row in store.requests(UsageQuery()).rows}


def test_a_journal_file_that_cannot_be_opened_is_named_and_left_until_it_can(tmp_path: Path) -> None:
    with started(tmp_path):
        pass
    # Nobody, not even root, opens a folder to write.
    barred = tmp_path / "journal" / "1-dead-000001.journal"
    barred.mkdir()
    with started(tmp_path) as store:
        assert named(store.completeness()) == {"unopened": 1}
    barred.rmdir()
    barred.write_bytes(render_line(ENDED, record(0)))
    with started(tmp_path) as store:
        store.flush()
        assert named(store.completeness()) == {"recovered": 1}
