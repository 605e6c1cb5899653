"""A journal that is longer than what may wait in memory: it is replayed group by group, whole and each once."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.records import ExchangeRecord, UsageQuery
from gateway.store import usage as usage_module
from gateway.store.journal import BEGUN, ENDED, Journal, render_line
from gateway.store.usage import UsageStore
from tests.store.examples import FULL, record
from tests.store.test_meter import named

OPEN = {"outcome": "interrupted", "status": 0}


def left(folder: Path, records: Iterator[ExchangeRecord] | list[ExchangeRecord], files: int = 1) -> None:
    """Files of one process that is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [render_line(BEGUN, replace(each, **OPEN)) + render_line(ENDED, each) for each in records]
    for number in range(files):
        (folder / f"1-dead-{number:06d}.journal").write_bytes(b"".join(lines[number::files]))


@pytest.mark.parametrize("files", [1, 3])
def test_all_of_it_is_stored_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    monkeypatch.setattr(usage_module, "QUEUED_ROWS", 10)
    folder = tmp_path / "journal"
    records = [replace(FULL, id=f"req_{number}", started_us=record(number).started_us) for number in range(47)]
    left(folder, records, files)
    with (folder / "1-dead-000000.journal").open("ab") as more:
        more.write(render_line(BEGUN, replace(record(100), **OPEN)) + render_line(ENDED, replace(FULL, id="req_3")))
        more.write(render_line(ENDED, replace(record(101), **OPEN)))
    store = UsageStore(tmp_path)
    store.start()
    try:
        assert not list(folder.glob("1-dead*"))
        rows = {row.id: row for row in store.requests(UsageQuery(), limit=100).rows}
        assert len(rows) == 49 and {rows[f"req_{number}"].outcome for number in (100, 101)} == {"interrupted"}
        assert named(store.completeness()) == {"recovered": 47, "interrupted": 2}
    finally:
        store.close()


def test_what_was_not_stored_before_the_next_end_is_replayed_then(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    left(folder, [record(number) for number in range(12)])
    journal = Journal(folder)
    assert len(journal.adopt(5)) == 5 and len(journal.unread) == 7
    journal.committed([f"req_{number}" for number in range(5)])
    assert {each.id for each in journal.read_back({"req_5", "req_11", "req_99"})} == {"req_5", "req_11"}
    journal.close()
    heir = Journal(folder)
    assert {each.id for each in heir.adopt()} == {f"req_{number}" for number in range(5, 12)} and heir.unread == ()
    heir.close()


def test_of_what_is_not_taken_yet_no_record_is_held(tmp_path: Path) -> None:
    held = []
    for most in (10, 600):
        folder = tmp_path / str(most)
        left(folder, [replace(FULL, id=f"req_{number}") for number in range(600)])
        journal = Journal(folder)
        tracemalloc.start()
        found = journal.adopt(most)
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert len(found) == most and len(journal.unread) == 600 - most
        journal.close()
    assert held[0] < held[1] / 4
