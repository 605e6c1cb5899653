"""What is learnt of an exchange after its end stands on its row, and rows and sums go on agreeing."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.configuration.setting_values import Keep
from gateway.records import ExchangeRecord, UsageQuery
from gateway.store import assigning, writer
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, FULL, histories, record
from tests.store.test_queries import stored


def conversation(store: UsageStore, request_id: str) -> str | None:
    found = store.request(request_id)
    assert found is not None
    return found.conversation_id


def test_a_row_learns_its_conversation_and_app_and_nothing_else(store: UsageStore) -> None:
    store.end(FULL)
    store.assign(FULL.id, conversation_id="conv_2", app="shop")
    assert store.flush()
    assert store.request(FULL.id) == replace(FULL, conversation_id="conv_2", app="shop")
    store.assign(FULL.id)
    store.assign(FULL.id, app="shop")
    store.assign(FULL.id, conversation_id="conv_3")
    assert store.flush()
    assert store.request(FULL.id) == replace(FULL, conversation_id="conv_3", app="shop")
    assert store.check() == []
    assert [row.value for row in store.breakdown(UsageQuery(), "app").rows] == ["shop"]
    assert store.conversations(UsageQuery()).rows[0].id == "conv_3"


def test_what_does_not_hold_any_more_is_taken_away(store: UsageStore) -> None:
    alone = replace(FULL, app=None, conversation_id=None)
    store.end(alone)
    store.assign(FULL.id, conversation_id="conv_2", app="shop")
    store.assign(FULL.id, conversation_id="", app="")
    assert store.flush()
    assert store.request(FULL.id) == alone
    assert store.check() == []
    assert [row.value for row in store.breakdown(UsageQuery(), "app").rows] == [None]


def test_before_the_row_is_written_and_for_one_that_there_is_not(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put right behind its row, and with more rows waiting than one commit takes."""
    monkeypatch.setattr(writer, "BATCH_ROWS", 1000)
    records = [record(number, id=f"req_{number}") for number in range(2500)]
    for each in records:
        store.end(each)
        store.assign(each.id, conversation_id=f"c{each.id}", app="shop")
    store.assign("req_nobody", conversation_id="c", app="a")
    assert store.flush(60)
    assert store.request_count(UsageQuery(app=("shop",))) == 2500
    assert conversation(store, "req_2499") == "creq_2499"
    assert store.check() == []


def test_texts_that_no_table_can_hold_are_mended(store: UsageStore) -> None:
    store.end(FULL)
    store.assign(FULL.id, conversation_id="a\0b", app="c\ud800d")
    assert store.flush()
    found = store.request(FULL.id)
    assert found is not None and (found.conversation_id, found.app) == ("a\ufffdb", "c?d")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["shop", "bot", ""])), max_size=20))
def test_rows_equal_sums_whatever_is_assigned(
    records: list[ExchangeRecord], moves: Sequence[tuple[int, str]]
) -> None:
    with stored(records, "Asia/Kathmandu") as store:
        apps = {each.id: each.app for each in records}
        total = store.summary(UsageQuery())
        for place, app in moves if records else ():
            chosen = records[place % len(records)].id
            store.assign(chosen, app=app)
            apps[chosen] = app or None
        assert store.flush()
        assert store.check() == []
        assert store.summary(UsageQuery()) == total
        for app in set(apps.values()) - {None}:
            assert store.summary(UsageQuery(app=(str(app),))).requests == list(apps.values()).count(app)


def test_sums_that_retention_has_taken_stay_gone(tmp_path: Path) -> None:
    store = UsageStore(tmp_path)
    store.start()
    old, new = record(0, id="req_old", app="a"), record(10 * DAY_US // 1_000_000, id="req_new", app="a")
    assert new.started_us - old.started_us == 10 * DAY_US
    store.insert_history([old, new])
    store.clean_up({"requests": Keep(), "buckets": Keep(days=5)}, BASE_US + 11 * DAY_US)
    for each in (old, new):
        store.assign(each.id, app="b")
    assert store.flush() and store.check() == []
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        cells = connection.execute(
            "SELECT level, requests FROM buckets WHERE dimension = 5 ORDER BY level"
        ).fetchall()
    assert cells == [(0, 1), (1, 1), (2, 1)]
    assert store.requests(UsageQuery(app=("b",))).rows == (replace(new, app="b"), replace(old, app="b"))
    store.close()


def test_a_row_learns_the_words_of_its_error(store: UsageStore) -> None:
    wordless = replace(FULL, error_message=None)
    store.end(wordless)
    store.assign(FULL.id, error_message="No.\0")
    store.assign("req_nobody", error_message="No.")
    assert store.flush() and store.request(FULL.id) == replace(FULL, error_message="No.\ufffd")
    store.assign(FULL.id, error_message="")
    assert store.flush() and store.request(FULL.id) == wordless
    assert store.check() == []


def test_an_app_whose_name_was_swept_is_named_anew(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.sweep.sweep.__defaults__", (0,))
    now_us = BASE_US + 10 * DAY_US
    store.end(record(0, app="shop"))
    store.end(record(1, id="kept", started_us=now_us, app=None, end_user="the last name"))
    assert store.flush()
    assert store.clean_up({"requests": Keep(days=1), "buckets": Keep(days=1)}, now_us).names == 1
    store.assign("kept", app="shop")
    assert store.flush()
    assert [row.value for row in store.breakdown(UsageQuery(), "app").rows] == ["shop"]
    assert store.check() == []


def test_an_app_whose_assignment_failed_at_first_is_named_when_it_is_tried_again(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.end(record(1, app=None))
    assert store.flush()
    real, failures = assigning.unsettle_rows, [sqlite3.OperationalError("It cannot be written.")]

    def unsettle_rows(connection: sqlite3.Connection, zone: ZoneInfo, times_us: Sequence[int]) -> None:
        if failures:
            raise failures.pop()
        real(connection, zone, times_us)

    monkeypatch.setattr(assigning, "unsettle_rows", unsettle_rows)
    store.assign("req_1", app="shop")
    assert store.flush() and not failures
    assert [row.value for row in store.breakdown(UsageQuery(), "app").rows] == ["shop"]
    assert store.check() == []


def refused_by_sqlite(_monkeypatch: pytest.MonkeyPatch, store: UsageStore) -> None:
    store._connection.execute(
        "CREATE TRIGGER no BEFORE UPDATE OF conversation ON requests WHEN NEW.id = 'req_1' "
        "BEGIN SELECT RAISE(ABORT, 'no'); END"
    )


def refused_by_us(monkeypatch: pytest.MonkeyPatch, store: UsageStore) -> None:
    set_conversation = assigning._set_conversation

    def fault(connection: sqlite3.Connection, request_id: str, conversation: str | None) -> None:
        assert request_id != "req_1"
        set_conversation(connection, request_id, conversation)

    monkeypatch.setattr(assigning, "_set_conversation", fault)


@pytest.mark.parametrize("refuse", [refused_by_sqlite, refused_by_us])
def test_what_cannot_be_written_down_keeps_nothing_else_back(
    refuse: Callable[[pytest.MonkeyPatch, UsageStore], None],
    store: UsageStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refuse(monkeypatch, store)
    for number in range(3):
        store.end(record(number, id=f"req_{number}", conversation_id=None))
        store.assign(f"req_{number}", conversation_id="conv")
    assert store.flush(5.0)
    store.end(record(3, id="req_3"))
    assert store.flush(5.0) and store.completeness().written == 4
    assert [conversation(store, f"req_{number}") for number in range(3)] == ["conv", None, "conv"]
    assert [line.split(" (")[0] for line in caplog.messages] == ["What was learnt of req_1 could not be stored"]
