"""Answers once retention has taken rows or buckets away: what is left still says what it said, and gaps are told."""

import io
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from gateway.configuration.setting_values import Keep
from gateway.read_api import render_beside_page, render_beside_rows, render_bucket, render_summary, render_time
from gateway.records import ExchangeRecord, Export, UsageQuery
from gateway.store import queries
from gateway.store.kept import BUCKETS_FROM, ROWS_FROM, Kept, kept, move
from gateway.store.quarters import QUARTER_US
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, HOUR_US, histories, record
from tests.store.migrated import started
from tests.store.test_queries import stored

CUT_US = BASE_US + 5 * HOUR_US
NEEDING_ROWS = UsageQuery(conversation=("c1",))


def take_rows(store: UsageStore, before_us: int) -> None:
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        move(connection, ROWS_FROM, before_us)
        connection.execute("DELETE FROM requests WHERE started_us < ?", (before_us,))


def take_buckets(store: UsageStore, before_us: int) -> None:
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        move(connection, BUCKETS_FROM, before_us)
        for table in ("buckets", "combined"):
            connection.execute(f"DELETE FROM {table} WHERE start < ?", (before_us // QUARTER_US,))


def test_a_time_only_moves_on(store: UsageStore) -> None:
    assert store.kept() == Kept()
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        for name, us in ((ROWS_FROM, 2 * QUARTER_US), (ROWS_FROM, QUARTER_US), (BUCKETS_FROM, QUARTER_US)):
            move(connection, name, us)
        assert kept(connection) == Kept(2 * QUARTER_US, QUARTER_US)
    assert store.kept().both_from_us == 2 * QUARTER_US
    assert store.kept().either_from_us == QUARTER_US
    for one in (Kept(QUARTER_US), Kept(buckets_from_us=QUARTER_US)):
        assert (one.both_from_us, one.either_from_us) == (QUARTER_US, None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_without_its_rows_a_time_has_the_same_sums(records: list[ExchangeRecord]) -> None:
    with stored(records, "Asia/Kathmandu") as store:
        query = UsageQuery(tz="Asia/Kathmandu")
        before = (
            store.summary(query),
            [store.breakdown(query, by) for by in ("model", "user", "tag:team")],
            [store.timeseries(query, width) for width in ("15m", "hour", "day")],
        )
        take_rows(store, CUT_US)
        after = (
            store.summary(query),
            [store.breakdown(query, by) for by in ("model", "user", "tag:team")],
            [store.timeseries(query, width) for width in ("15m", "hour", "day")],
        )
        assert after == before
        assert store.check() == []
        store.rebuild()
        assert store.check() == []
        assert store.summary(query) == before[0]
        assert [store.timeseries(query, width) for width in ("15m", "hour", "day")] == before[2]
        listed = [each.id for each in store.iter_requests(query)]
        assert sorted(listed) == sorted(each.id for each in records if each.started_us >= CUT_US)
        assert store.request_count(query) == len(listed)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_where_buckets_are_gone_rows_answer(records: list[ExchangeRecord]) -> None:
    with stored(records, "Asia/Kathmandu") as store:
        query = UsageQuery(tz="Asia/Kathmandu")
        days = store.timeseries(query, "day")
        before = store.summary(query), store.breakdown(query, "model"), store.breakdown(query, "user")
        take_buckets(store, CUT_US)
        assert (store.summary(query), store.breakdown(query, "model"), store.breakdown(query, "user")) == before
        assert store.timeseries(query, "day") == days
        assert store.check() == []
        store.rebuild()
        assert store.check() == []
        assert store.summary(query) == before[0]


def history() -> Sequence[ExchangeRecord]:
    return [record(3600 * hour, client="codex", conversation_id="c1") for hour in range(48)]


def test_answers_that_lack_rows_say_from_when_on_they_are_complete(store: UsageStore) -> None:
    store.insert_history(history())
    whole = store.summary(UsageQuery())
    take_rows(store, CUT_US)
    assert store.summary(UsageQuery()) == whole
    assert whole.complete_from_us is None
    lacking = store.summary(NEEDING_ROWS)
    assert (lacking.requests, lacking.complete_from_us) == (43, CUT_US)
    assert render_summary(lacking)["complete_from"] == render_time(CUT_US)
    assert "complete_from" not in render_summary(whole)
    conversations = store.breakdown(UsageQuery(), "conversation")
    assert (conversations.rows[0].summary.requests, conversations.complete_from_us) == (43, CUT_US)
    assert render_beside_rows(conversations)["complete_from"] == render_time(CUT_US)
    page = store.requests(UsageQuery())
    assert (len(page.rows), page.complete_from_us) == (43, CUT_US)
    assert render_beside_page(page)["complete_from"] == render_time(CUT_US)
    later = UsageQuery(start_us=CUT_US, conversation=("c1",))
    assert store.summary(later).complete_from_us is None
    assert store.requests(later).complete_from_us is None
    assert store.requests(UsageQuery(start_us=BASE_US, conversation=("c1",))).complete_from_us == CUT_US
    # Both ends lie within quarters, and both need rows.
    ends = UsageQuery(start_us=BASE_US + 7 * 60_000_000, end_us=BASE_US + 3 * HOUR_US + 7 * 60_000_000)
    assert store.summary(ends).complete_from_us == ends.end_us
    # The first quarter is cut: seven minutes of it would be in rows alone.
    edge = UsageQuery(start_us=BASE_US + 7 * 60_000_000)
    assert store.summary(edge).complete_from_us == BASE_US + QUARTER_US
    assert (store.summary(edge).requests, whole.requests) == (47, 48)


def test_slices_that_lack_rows_are_marked(store: UsageStore) -> None:
    store.insert_history(history())
    take_rows(store, CUT_US)
    hours = store.timeseries(NEEDING_ROWS, "hour")
    assert [bucket.complete for bucket in hours] == [False] * 5 + [True] * 43
    assert [bucket.summary.requests for bucket in hours] == [0] * 5 + [1] * 43
    assert render_bucket(hours[0])["complete"] is False
    assert "complete" not in render_bucket(hours[-1])
    assert all(bucket.complete for bucket in store.timeseries(UsageQuery(), "hour"))
    # Nothing had happened yet: nothing can be missing.
    early = store.timeseries(UsageQuery(start_us=BASE_US - DAY_US, conversation=("c1",)), "hour")
    assert [bucket.complete for bucket in early[:24]] == [True] * 24
    file = io.StringIO(newline="")
    store.export_to(NEEDING_ROWS, Export(what="buckets"), file)
    header, first, *_ = file.getvalue().splitlines()
    assert header.count(",") == first.count(",")


def test_where_rows_and_buckets_are_gone_the_whole_time_is_told_as_lacking(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.insert_history(history())
    take_rows(store, CUT_US)
    take_buckets(store, CUT_US - 2 * HOUR_US)
    summary = store.summary(UsageQuery())
    assert (summary.requests, summary.complete_from_us) == (45, CUT_US - 2 * HOUR_US)
    days = store.timeseries(UsageQuery(start_us=BASE_US - DAY_US), "day")
    # The day before, the first day, the day that is cut, and the last.
    assert [bucket.complete for bucket in days] == [False, False, False, True]
    later = UsageQuery(start_us=CUT_US)
    assert store.summary(later).complete_from_us is None
    assert store.summary(UsageQuery(start_us=BASE_US)).complete_from_us == CUT_US - 2 * HOUR_US
    # Of the first bar of all time a part is gone, whatever is left of it.
    for width, complete in (("month", [False]), ("day", [False, True]), ("hour", [True] * 45)):
        for query in (UsageQuery(), UsageQuery(model=("gpt-5",), key=("laptop",))):
            assert [bucket.complete for bucket in store.timeseries(query, width)] == complete, width
    monkeypatch.setattr(queries, "MOST_SLICES", 10)
    assert [bucket.complete for bucket in store.iter_timeseries(UsageQuery(tz="Asia/Kolkata"), "hour")] == (
        [False] + [True] * 44
    )


@pytest.mark.parametrize("part", ["before", "after"])
def test_a_check_judges_only_where_rows_are_all_there(store: UsageStore, part: str) -> None:
    store.insert_history(history())
    take_rows(store, CUT_US)
    compared = "<" if part == "before" else ">="
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        connection.execute(
            f"UPDATE buckets SET requests = 7 WHERE dimension = 0 AND start {compared} ?", (CUT_US // QUARTER_US,)
        )
    found = store.check()
    assert bool(found) == (part == "after")
    total = store.summary(UsageQuery()).requests
    store.rebuild()
    assert store.check() == []
    assert (store.summary(UsageQuery()).requests == total) == (part == "before")


def test_days_keep_their_zone_where_older_ones_cannot_be_made_anew(store: UsageStore) -> None:
    store.insert_history(history())
    take_rows(store, CUT_US)
    berlin = UsageStore(store._folder, day_zone="Europe/Berlin")
    berlin.start()
    before = berlin.timeseries(UsageQuery(), "day")
    berlin.rebuild()
    assert berlin.check() == []
    assert berlin.timeseries(UsageQuery(), "day") == before
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection:
        zone = connection.execute("SELECT value FROM settings WHERE name = 'day_zone'").fetchone()
    assert zone == ("UTC",)
    berlin.close()


@pytest.mark.parametrize("minutes", [17, 47])
def test_the_first_quarter_of_all_is_told_without_its_rows_too(store: UsageStore, minutes: int) -> None:
    """Combinations are counted by the half-hour, and nothing came before the first request."""
    first_us = (BASE_US - BASE_US % HOUR_US) + minutes * 60_000_000
    store.insert_history(record(number, started_us=first_us + number * HOUR_US) for number in range(30))
    store.clean_up({"requests": Keep(days=1), "buckets": Keep()}, first_us + 10 * DAY_US)
    one = UsageQuery(model=("gpt-5",), key=("laptop",))
    for query in (one, replace(one, start_us=first_us - DAY_US, end_us=first_us + 30 * DAY_US)):
        summary = store.summary(query)
        assert (summary.requests, summary.complete_from_us) == (30, None)
        days = store.timeseries(query, "day")
        assert sum(bucket.summary.requests for bucket in days) == 30 and all(bucket.complete for bucket in days)


@pytest.mark.parametrize("day_zone", ["UTC", "Asia/Kathmandu", "Pacific/Chatham"])
def test_the_first_and_the_last_day_of_all_are_told_without_their_rows(tmp_path: Path, day_zone: str) -> None:
    """Also where days begin within a half-hour, whose quarters no combination tells."""
    store = started(tmp_path, day_zone)
    records = [record(number, started_us=BASE_US + number * QUARTER_US) for number in range(5 * 96)]
    store.insert_history(records)
    store.clean_up({"requests": Keep(days=1), "buckets": Keep()}, BASE_US + 40 * DAY_US)
    assert store.request_count(UsageQuery()) == 0
    asked = UsageQuery(model=("gpt-5",), key=("laptop",))
    for query in (asked, replace(asked, start_us=BASE_US - DAY_US, end_us=BASE_US + 30 * DAY_US)):
        summary = store.summary(query)
        assert (summary.requests, summary.complete_from_us) == (len(records), None)
    store.close()


def test_from_where_buckets_begin_within_a_day_nothing_is_lacking(store: UsageStore) -> None:
    store.insert_history(history())
    store.combine()
    first_us = CUT_US - 2 * HOUR_US
    take_rows(store, CUT_US)
    take_buckets(store, first_us)
    for query in (
        UsageQuery(start_us=first_us),
        UsageQuery(start_us=first_us, provider=("openai",), key=("laptop",)),
    ):
        summary = store.summary(query)
        assert (summary.requests, summary.complete_from_us) == (45, None)
        assert all(bucket.complete for bucket in store.timeseries(query, "hour"))
