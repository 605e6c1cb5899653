"""Combinations cannot be counted: another process holds the database, or its disk is full. Nothing waits for them."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from gateway.store import combining, usage
from gateway.store import writer as writer_module
from gateway.store.database import open_database
from gateway.store.usage import UsageStore
from tests.soak.counting import damaged, row, uncounted, unequal_answers, unequal_tables
from tests.soak.full_disk import Disk, LimitedFiles, disk
from tests.soak.mixed import held_database
from tests.store.migrated import started
from tests.waiting import wait_until

ROWS = 400
HELD_S = 1.0
# What SQLite says, by what the meter calls it.
REFUSED = {"database_full": "full", "database_failing": "disk I/O error"}


def come(store: UsageStore, first: int, many: int) -> None:
    for number in range(first, first + many):
        new = row(number)
        store.begin(replace(new, outcome="interrupted"))
        store.end(new)


def faults(store: UsageStore, requests: int) -> list[str]:
    return [*unequal_answers(store), *unequal_tables(store, requests), *damaged(store)]


def count(store: UsageStore, refused: list[sqlite3.Error]) -> None:
    try:
        store.combine()
    except sqlite3.Error as error:
        refused.append(error)


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch, store: UsageStore) -> Iterator[None]:
    """Neither who counts nor who writes waits for long."""
    monkeypatch.setattr(combining, "STEP_ROWS", 20)
    monkeypatch.setattr(writer_module, "LONGEST_PAUSE_S", 0.1)
    store._connection.execute("PRAGMA busy_timeout = 50")

    def opened(path: Path) -> sqlite3.Connection:
        return open_database(path, busy_timeout_s=0.05)

    with patch.object(usage, "open_existing", opened):
        yield


def test_while_another_process_holds_the_database_every_answer_is_right_and_then_all_is_counted(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(store, 0, ROWS)
    assert store.flush()
    refused: list[sqlite3.Error] = []

    with impatient(monkeypatch, store):
        counting = threading.Thread(target=count, args=(store, refused))
        counting.start()
        wait_until(lambda: uncounted(store) < ROWS)
        with held_database(store._folder):
            counting.join()
            # Some are counted, some are not, and more wait in the journal.
            assert "locked" in str(refused[0]) and 0 < uncounted(store) < ROWS
            come(store, ROWS, 50)
            until = time.monotonic() + HELD_S
            while time.monotonic() < until:
                count(store, refused)
                assert faults(store, ROWS) == []
        assert store.flush()
        assert faults(store, ROWS + 50) == []
        store.combine()
        assert uncounted(store) == 0 and faults(store, ROWS + 50) == []


def fill_up_to(store: UsageStore, pages: int) -> Callable[[], None]:
    """The database may have so many pages more; the answer frees it again."""
    limit = sqlite3.connect(store._folder / "usage.db")
    now = limit.execute("PRAGMA page_count").fetchone()[0]
    limit.close()

    def opened(path: Path) -> sqlite3.Connection:
        connection = open_database(path)
        connection.execute(f"PRAGMA max_page_count = {now + pages}")
        return connection

    patched = patch.object(usage, "open_existing", opened)
    patched.start()
    return patched.stop


@pytest.mark.parametrize("pages", [0, 2])
def test_a_database_that_may_not_grow_is_counted_as_far_as_it_goes(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr(combining, "STEP_ROWS", 20)
    store.insert_history(row(number) for number in range(ROWS))
    free = fill_up_to(store, pages)
    try:
        with pytest.raises(sqlite3.OperationalError, match="full"):
            store.combine()
        assert uncounted(store) > 0 and faults(store, ROWS) == []
        store.insert_history(row(number, "more-") for number in range(ROWS, ROWS + 5))
        assert faults(store, ROWS + 5) == []
    finally:
        free()
    store.combine()
    assert uncounted(store) == 0 and faults(store, ROWS + 5) == []


def limited(folder: Path) -> AbstractContextManager[Disk]:
    """What `disk` is where nothing may be mounted."""
    folder.mkdir()
    return nullcontext(LimitedFiles())


@pytest.mark.parametrize("made", [disk, limited])
def test_on_a_disk_that_fills_up_while_rows_are_counted_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[Path], AbstractContextManager[Disk]]
) -> None:
    monkeypatch.setattr(combining, "STEP_ROWS", 20)
    monkeypatch.setattr(writer_module, "LONGEST_PAUSE_S", 0.1)
    with made(tmp_path / "home") as full:
        store = started(tmp_path / "home")
        store.insert_history(row(number) for number in range(ROWS))
        refused: list[sqlite3.Error] = []
        counting = threading.Thread(target=count, args=(store, refused))
        counting.start()
        wait_until(lambda: uncounted(store) < ROWS)
        full.fill(os.getpid())
        try:
            counting.join()
            assert REFUSED[full.kind] in str(refused[0]) and 0 < uncounted(store) < ROWS
            come(store, ROWS, 50)
            wait_until(lambda: any(each.kind == full.kind for each in store.completeness().differences))
            with pytest.raises(sqlite3.OperationalError, match=REFUSED[full.kind]):
                store.combine()
            assert faults(store, ROWS) == []
        finally:
            full.free(os.getpid())
        assert store.flush()
        assert store.completeness().written == 50 and faults(store, ROWS + 50) == []
        store.combine()
        assert uncounted(store) == 0 and faults(store, ROWS + 50) == []
        store.close()
        assert list((tmp_path / "home" / "journal").iterdir()) == []
