"""Rows that come by the thousand are written as those that come alone: each says all that was told."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.records import AttemptRecord, ExchangeRecord, UsageQuery
from gateway.store import UsageStore, buckets, insertion, rows
from gateway.store.commit import day_zone
from gateway.store.database import open_database, writing
from gateway.store.names import Names
from gateway.store.storable import LIMITS, adds_up
from tests.store.examples import record
from tests.store.migrated import started

_ATTEMPTS: Sequence[tuple[AttemptRecord, ...]] = (
    (),
    (AttemptRecord(n=1, provider="openai", model="gpt-5", started_us=1, latency_us=2),),
    (
        AttemptRecord(n=1, provider="openai", model="gpt-5", started_us=1, latency_us=2, status=500, error_type="x"),
        AttemptRecord(
            n=2,
            provider="xai",
            model="grok",
            started_us=3,
            latency_us=4,
            status=200,
            input_tokens=0,
            output_tokens=5,
            cost_nano=6,
            upstream_request_id="up_1",
        ),
    ),
)
_KINDS: Sequence[dict[str, Any]] = (
    {},
    {"byok": True, "price_id": "gpt-5", "service_tier": "flex"},
    {"streamed": True, "end_user": "eve", "error_type": "timeout", "error_message": "no"},
    {"price_fuzzy": True, "speed": "fast", "inference_geo": "eu", "cache_write_12h_tokens": 0, "dropped": ("seed",)},
    {"cost_nano": None, "ttft_us": None, "latency_us": None, "conversation_id": None, "adapted": ("tools", "n")},
)


COUNTED = tuple(field for field in rows._OPTIONAL_PLAIN if field.endswith("_tokens") or field == "web_searches")


def _made(count: int, kinds: int = len(_KINDS)) -> list[ExchangeRecord]:
    return [
        record(number, attempts=_ATTEMPTS[number % len(_ATTEMPTS)], **_KINDS[number % kinds])
        for number in range(count)
    ]


@pytest.mark.parametrize(("worth", "count"), [(1, 1), (1, 249), (1, 250), (1, 511), (60, 300), (1000, 120)])
def test_each_of_many_rows_says_all_that_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth: int, count: int
) -> None:
    monkeypatch.setattr(insertion, "WORTH_ROWS", worth)
    store = UsageStore(tmp_path)
    store.start()
    made = _made(count)
    assert store.insert_history(made) == count
    assert {each.id: store.request(each.id) for each in made} == {each.id: each for each in made}
    assert store.check() == []
    store.close()


def test_sums_of_many_rows_grow_where_there_are_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insertion, "WORTH_ROWS", 1)
    store = UsageStore(tmp_path)
    store.start()
    for again in range(3):
        assert store.insert_history([replace(each, id=f"{each.id}-{again}") for each in _made(120)]) == 120
        assert store.check() == []
    assert store.summary(UsageQuery()).requests == 360
    store.close()


def test_unknown_numbers_of_attempts_are_null(tmp_path: Path) -> None:
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(_made(3))
    store.close()
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        found = connection.execute("SELECT typeof(status), typeof(cost_nano) FROM attempts ORDER BY request, n")
        assert sorted(found.fetchall()) == [("integer", "integer"), ("integer", "null"), ("null", "null")]


def test_thousands_take_few_statements(tmp_path: Path) -> None:
    store = UsageStore(tmp_path)
    store.start()
    store.close()
    statements: list[str] = []
    with closing(open_database(tmp_path / "usage.db")) as connection, writing(connection):
        names = Names(connection)
        rows.insert(connection, names, _made(3, kinds=1))
        connection.set_trace_callback(statements.append)
        rows.insert(connection, names, [record(number, id=f"more-{number}") for number in range(2010)])
        assert len(statements) < 100
        statements.clear()
        apps = [record(number, app=f"app-{number}") for number in range(2010)]
        buckets.add(connection, names, day_zone(connection), apps)
        connection.set_trace_callback(None)
    # Cells of each app: a quarter, an hour and a day.
    assert 100 < sum("INTO buckets" in each for each in statements) < 200


@pytest.mark.parametrize("field", LIMITS)
def test_no_number_beyond_its_limit_is_added_up(field: str) -> None:
    for value, sound in ((0, True), (LIMITS[field], True), (LIMITS[field] + 1, False), (-1, False)):
        assert adds_up(record(1, **{field: value})) == sound


def test_what_fails_midway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insertion, "WORTH_ROWS", 1)
    store = UsageStore(tmp_path)
    store.start()
    store.close()
    made = [record(number) for number in range(60)]
    with closing(open_database(tmp_path / "usage.db")) as connection:
        with pytest.raises(sqlite3.IntegrityError), writing(connection):
            rows.insert(connection, Names(connection), [*made, made[40]])
        for table in ("requests", "attempts"):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)


def test_what_only_some_rows_have_is_stored_where_it_is_the_only_one(tmp_path: Path) -> None:
    """Rows are written by what they have, which is told of each field."""
    have: Sequence[dict[str, Any]] = (
        *({field: f"the {field}"} for field in rows._OPTIONAL_NAMED),
        *({field: f"the {field}"} for field in rows._OPTIONAL_PLAIN if field not in COUNTED),
        *({field: number} for number, field in enumerate(COUNTED, 1)),
        *({flag: True} for flag in rows.FLAGS),
        *({field: (f"the {field}",)} for field in rows._LISTS if field != "rare_counts"),
        {"rare_counts": (("output_image", 9),)},
    )
    nothing = dict.fromkeys(rows._OPTIONAL) | dict.fromkeys(rows.FLAGS, False) | dict.fromkeys(rows._LISTS, ())
    made = [record(number, **nothing | each) for number, each in enumerate(have)]
    assert len(made) == len(nothing) == 23
    store = started(tmp_path)
    store.insert_history(made)
    assert [store.request(each.id) for each in made] == made
    store.close()
