"""What a batch adds to the buckets is what SQL counts in its rows, whatever the rows know and however they come."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.records import AttemptRecord, ExchangeRecord
from gateway.store import UsageStore, buckets, combining, histogram, shares
from gateway.store.database import open_database
from gateway.store.measures import HISTOGRAMS, MEASURES, SUM_ROWS
from tests.store.measured import measure

QUARTER_US = 900_000_000
START_US = 1_959_999 * QUARTER_US


def _record(number: int) -> ExchangeRecord:
    """Every third knows what is rare; durations are from none to longer than a year's worth of bins in one byte."""
    rare = number % 3 == 0
    return ExchangeRecord(
        id=f"req_{number}",
        started_us=START_US + number,
        door="anthropic",
        key_id="key_1",
        key="laptop",
        model="claude" if number % 2 else None,
        tags=("team:ml", "team:ml", "urgent") if number % 5 else (),
        outcome="error" if number % 7 == 0 else "ok",
        usage_source=("partial", "estimated", "none")[number % 9 // 3] if rare else "provider",
        cost_source="override" if rare else "list",
        cost_nano=None if number % 4 == 0 else 10**9 + number,
        price_fuzzy=rare,
        byok=rare,
        input_tokens=10**12 if number % 11 == 0 else number,
        output_tokens=None if number % 13 == 0 else 7,
        cache_write_tokens=0 if rare else None,
        cache_write_1h_tokens=number if rare else None,
        cache_write_12h_tokens=1 if rare else None,
        web_searches=2 if rare else None,
        latency_us=None if number % 17 == 0 else 1 if number % 19 == 0 else 3 ** (number % 28),
        ttft_us=None if number % 2 else 5_000 + number,
        dropped=("seed", "top_k") if number % 10 == 0 else (),
        adapted=("tools",) if number % 15 == 0 else (),
        trace_id=f"{number:032x}" if number % 6 == 0 else None,
        error_message="no" if number % 7 == 0 else None,
        attempts=(AttemptRecord(n=1, provider="anthropic", model="claude", started_us=START_US, latency_us=5),),
    )


RECORDS = [_record(number) for number in range(700)]


@pytest.fixture(params=[1, 40, 700, "at once"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    records = RECORDS[:40] if request.param == 1 else RECORDS
    if request.param == "at once":
        monkeypatch.setattr(combining, "AT_ONCE_ROWS", len(RECORDS))
    store = UsageStore(tmp_path)
    store.start()
    many = len(records) if request.param == "at once" else request.param
    for first in range(0, len(records), many):
        store.insert_history(records[first : first + many])
    if request.param == "at once":
        monkeypatch.setattr(combining, "count_on", None)
    store.combine()
    store.close()
    return tmp_path


def _sums(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[: len(MEASURES)], *map(histogram.decode, row[len(MEASURES) :]))


def _cells(connection: sqlite3.Connection, of_rows: str, of_buckets: str) -> Iterator[tuple[Any, Any]]:
    columns = ", ".join((*MEASURES, *HISTOGRAMS))
    rows = connection.execute(f"SELECT {of_rows}, {SUM_ROWS} FROM requests b GROUP BY 1").fetchall()
    stored = connection.execute(f"SELECT value, {columns} FROM buckets WHERE {of_buckets}").fetchall()
    for each in (rows, stored):
        yield {value: _sums(tuple(sums)) for value, *sums in each}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(("of_rows", "dimension"), [("0", 0), ("b.model", 2), ("b.outcome", 7), ("b.tag_set", 11)])
def test_a_bucket_is_the_sum_of_its_rows(folder: Path, level: int, of_rows: str, dimension: int) -> None:
    if dimension == 11 and level < 2:
        level = 3
    with closing(open_database(folder / "usage.db")) as connection:
        rows, stored = _cells(connection, of_rows, f"level = {level} AND dimension = {dimension}")
    assert rows and stored == rows


def test_each_row_says_all_that_was_told(folder: Path) -> None:
    store = UsageStore(folder)
    store.start()
    with closing(sqlite3.connect(folder / "usage.db")) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM requests")]
    by_id = {record.id: record for record in RECORDS}
    read = {request_id: store.request(request_id) for request_id in ids}
    store.close()
    assert len(read) in (40, 700)
    assert read == {request_id: replace(by_id[request_id]) for request_id in read}


def test_lanes_hold_what_is_measured_of_a_row() -> None:
    for each in RECORDS:
        packed = shares.packed(each)
        for rare in {True, packed >= shares.FIRST_RARE}:
            *numbers, _, _ = shares.columns((packed, "", ""), rare)
            told = dict(zip(shares.ALL if rare else shares.COMMON, numbers, strict=True))
            assert tuple(told.get(name, 0) for name in MEASURES) == measure(each)


def test_what_several_cells_have_alike_is_worked_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two users with one key and one client, which have the same rows."""
    worked_out: list[int] = []

    def counted(pieces: list[shares.Piece]) -> shares.Piece:
        worked_out.append(len(pieces))
        return shares.joined(pieces)

    monkeypatch.setattr(buckets, "joined", counted)
    store = UsageStore(tmp_path)
    store.start()
    alike = replace(RECORDS[1], app="one", provider="one")
    store.insert_history(replace(alike, id=f"{number}", principal=f"user-{number % 2}") for number in range(6))
    told = list(worked_out)
    assert store.check() == []
    store.close()
    # Each user's rows; both users' by model, by door and by tags, of which any has one; and by key as by client.
    assert told == [3, 3, 2, 2, 2, 2]


def test_cells_that_have_some_rows_in_common_are_told_apart(tmp_path: Path) -> None:
    """Four users, of whom each shares a key with one and a client with another."""
    users = (("a", "one", "cli"), ("b", "one", "ide"), ("c", "two", "cli"), ("d", "two", "ide"))
    records = [
        replace(RECORDS[1], id=f"{number}-{at}", principal=user, key=key, client=client, input_tokens=10**at)
        for number in range(2)
        for at, (user, key, client) in enumerate(users)
    ]
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(records)
    store.close()
    told = (
        "SELECT names.text, input_tokens FROM buckets JOIN names ON names.id = buckets.value "
        "WHERE level = ? AND dimension IN (?, ?)"
    )
    with closing(open_database(tmp_path / "usage.db")) as connection:
        for level in (buckets.QUARTER, buckets.HOUR, buckets.DAY):
            found = connection.execute(told, (level, buckets.DIMENSION_IDS["key"], buckets.DIMENSION_IDS["client"]))
            assert dict(found.fetchall()) == {"one": 22, "two": 2200, "cli": 202, "ide": 2020}
