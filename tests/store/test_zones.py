"""Sums of rows by the calendar of any zone, worked out by a plain loop, equal every series: odd hours and years too."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.configuration.setting_values import Keep
from gateway.records import DIMENSIONS, ExchangeRecord, UsageQuery
from gateway.store.usage import UsageStore
from tests.store.examples import record
from tests.store.migrated import started
from tests.store.test_queries import stored

MINUTE = 60


def at(text: str) -> int:
    """Seconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


# A zone, and a moment near which its calendar does something.
MOMENTS = [
    ("Europe/Berlin", at("2026-03-29T01:00")),
    ("Europe/Berlin", at("2026-10-25T01:00")),
    ("America/New_York", at("2026-03-08T07:00")),
    ("America/New_York", at("2026-11-01T06:00")),
    # Half an hour and three quarters off, with clocks that change and without.
    ("America/St_Johns", at("2026-11-01T04:30")),
    ("Asia/Kathmandu", at("2026-12-31T18:15")),
    ("Asia/Kolkata", at("2026-12-31T18:30")),
    ("Pacific/Chatham", at("2026-04-04T14:00")),
    # Its clocks change by half an hour.
    ("Australia/Lord_Howe", at("2026-04-04T15:00")),
    ("Australia/Lord_Howe", at("2026-10-03T15:30")),
    # A year's end, a leap day, a day that was left out, and a midnight that there was not.
    ("Pacific/Kiritimati", at("2026-12-31T10:00")),
    ("UTC", at("2028-02-29T00:00")),
    ("Pacific/Apia", at("2011-12-30T10:00")),
    ("America/Sao_Paulo", at("2018-11-04T03:00")),
    # Summer time that is taken back for Ramadan, and a change just after midnight.
    ("Africa/Casablanca", at("2026-02-15T02:00")),
    ("Africa/Casablanca", at("2026-03-22T02:00")),
    ("America/Santiago", at("2026-04-05T03:00")),
    # A quarter's change, and an offset that had seconds.
    ("Asia/Pyongyang", at("2015-08-14T15:00")),
    ("Africa/Monrovia", at("1972-01-07T00:44")),
]
ZONES = sorted({zone for zone, _ in MOMENTS})


def hour_of(moment: datetime) -> object:
    """An hour of the clock, told apart where the clocks repeat or skip a part of it."""
    return moment.date(), moment.hour, moment.utcoffset()


def week_of(moment: datetime) -> date:
    return moment.date() - timedelta(days=moment.weekday())


SLICE_OF: dict[str, Callable[[datetime], object]] = {
    "hour": hour_of,
    "day": lambda moment: moment.date(),
    "week": week_of,
    "month": lambda moment: (moment.year, moment.month),
}


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(MOMENTS),
    st.sampled_from(ZONES),
    st.lists(st.integers(-3 * 1440, 3 * 1440), min_size=1, max_size=30),
    st.sampled_from([None, "model"]),
)
def test_every_series_is_the_sum_of_its_rows_on_the_zones_own_calendar(
    moment: tuple[str, int], day_zone: str, minutes: list[int], filtered: str | None
) -> None:
    tz, middle = moment
    zone = ZoneInfo(tz)
    rows = [
        record(
            number,
            started_us=(middle + minute * MINUTE) * 1_000_000,
            cost_nano=7**number % 1_000_003,
            model=("a", "b")[number % 2],
            tags=("team:x",) if number % 3 else (),
        )
        for number, minute in enumerate(minutes)
    ]
    query = UsageQuery(tz=tz, model=("a",) if filtered else ())
    counted = [row for row in rows if not filtered or row.model == "a"]
    with stored(rows, day_zone) as store:
        for width, slice_of in SLICE_OF.items():
            expected: Counter[object] = Counter()
            for row in counted:
                expected[slice_of(datetime.fromtimestamp(row.started_us // 1_000_000, zone))] += row.cost_nano or 0
            found: Counter[object] = Counter()
            buckets = store.timeseries(query, width)
            for bucket in buckets:
                if bucket.summary.requests:
                    start = datetime.fromtimestamp(bucket.start_us // 1_000_000, zone)
                    found[slice_of(start)] += bucket.summary.cost_nano or 0
            assert found == expected, width
            assert all(one.end_us == two.start_us for one, two in pairwise(buckets))
        assert store.check() == []


def headline(store: UsageStore) -> object:
    return [
        (row.value, row.summary.requests, row.summary.cost_nano, row.summary.output_tokens)
        for row in store.breakdown(UsageQuery(), "model", "value").rows
    ]


@pytest.mark.parametrize("day_zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
def test_totals_are_the_same_before_and_after_a_restart_and_buckets_made_anew(day_zone: str) -> None:
    rows = [
        record(number, started_us=middle * 1_000_000 + number, model=f"m{number % 3}", cost_nano=number * 1000)
        for number, (_, middle) in enumerate(MOMENTS * 3)
    ]
    with TemporaryDirectory() as folder:
        told = []
        for opening in range(3):
            store = UsageStore(Path(folder), day_zone=day_zone)
            store.start()
            if not opening:
                store.insert_history(rows)
            if opening == 2:
                store.rebuild()
            total = store.summary(UsageQuery())
            assert (total.requests, total.cost_nano) == (len(rows), sum(row.cost_nano or 0 for row in rows))
            told.append((total, headline(store)))
            store.close()
        assert told[0] == told[1] == told[2]


def months_told(store: UsageStore, tz: str, user: str | None) -> dict[tuple[int, int], tuple[int, int | None]]:
    """(requests, cost) of each month of a zone's calendar that has any, all of it complete."""
    found = {}
    for bucket in store.timeseries(UsageQuery(tz=tz, user=() if user is None else (user,)), "month", "model"):
        assert bucket.complete
        if bucket.value == "m1" and bucket.summary.requests:
            start = datetime.fromtimestamp(bucket.start_us // 1_000_000, ZoneInfo(tz))
            found[start.year, start.month] = bucket.summary.requests, bucket.summary.cost_nano
    return found


def months_counted(rows: Iterable[ExchangeRecord], tz: str, user: str | None) -> object:
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for row in rows:
        if row.model == "m1" and user in (None, row.end_user):
            local = datetime.fromtimestamp(row.started_us // 1_000_000, ZoneInfo(tz))
            requests, nano = found.get((local.year, local.month), (0, 0))
            found[local.year, local.month] = requests + 1, nano + (row.cost_nano or 0)
    return found


@pytest.mark.parametrize("day_zone", ["Europe/Berlin", "Pacific/Apia"])
def test_totals_stay_through_roll_up_restart_and_retention_over_changes_of_clocks_and_years_ends(
    tmp_path: Path, day_zone: str
) -> None:
    rows = [
        record(
            number * 1000 + nth,
            started_us=(middle + minutes * MINUTE) * 1_000_000,
            model=f"m{nth % 2}",
            end_user=("ana", "bob")[nth % 3 % 2],
            cost_nano=7 ** (number + nth) % 1_000_003,
        )
        for number, (_, middle) in enumerate(MOMENTS)
        if at("2026-01-01T00:00") < middle < at("2027-01-01T00:00")
        for nth, minutes in enumerate((-1500, -91, -31, -1, 0, 14, 44, 1441))
    ]
    later_us = at("2027-06-01T00:00") * 1_000_000
    store = started(tmp_path, day_zone)

    def restart() -> None:
        nonlocal store
        store.close()
        store = started(tmp_path, day_zone)

    def keep_from(text: str) -> None:
        kept = Keep(days=(later_us // 1_000_000 - at(text)) / 86_400)
        assert store.clean_up({"requests": kept, "buckets": Keep(), "content": Keep()}, later_us).taken["requests"]

    store.insert_history(rows)
    whole = store.summary(UsageQuery())
    assert (whole.requests, whole.cost_nano) == (len(rows), sum(row.cost_nano or 0 for row in rows))
    for step in (
        restart,
        store.combine,
        lambda: store.settle(later_us),
        lambda: keep_from("2026-03-29T01:07"),
        lambda: keep_from("2026-12-31T18:20"),
        lambda: store.rebuild(),
        restart,
    ):
        step()
        assert store.summary(UsageQuery()) == whole
        assert store.check() == []
        for tz in ("Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati"):
            # What of a filtered month begins within a half-hour needs rows, and says so.
            for user in (None,) if tz == "Asia/Kathmandu" else (None, "ana"):
                assert months_told(store, tz, user) == months_counted(rows, tz, user), (tz, user)
    store.close()


@pytest.mark.parametrize("name", [*DIMENSIONS, "tag:team"])
def test_the_parts_of_a_dimension_that_do_not_overlap_are_the_headline(store: UsageStore, name: str) -> None:
    store.insert_history(
        record(
            number,
            model=f"m{number % 4}" if number % 5 else None,
            provider=("openai", "xai", None)[number % 3],
            key=f"k{number % 2}",
            end_user=(None, "ana", "bob")[number % 3],
            door=("openai_chat", "anthropic")[number % 2],
            client=(None, "codex")[number % 2],
            app=(None, "notebook")[number % 2],
            conversation_id=(None, "c1", "c2")[number % 3],
            outcome=("ok", "error", "aborted", "interrupted")[number % 4],
            tags=(f"team:t{number % 3}", "env:dev") if number % 7 else (),
            cost_nano=3**number % 999_983,
        )
        for number in range(60)
    )
    whole, parts = store.summary(UsageQuery()), store.breakdown(UsageQuery(), name)
    assert not parts.overlapping and len(parts.rows) > 1
    for field in ("requests", "errors", "input_tokens", "output_tokens", "cost_nano", "unpriced_requests"):
        assert sum(getattr(row.summary, field) or 0 for row in parts.rows) == getattr(whole, field), field


def test_an_hour_and_a_half_in_which_a_zones_day_begins_have_the_rows_of_both_days(tmp_path: Path) -> None:
    """Midnight in Kathmandu is at a quarter past, by the hours of UTC. Questions ask rows of so short a time."""
    begins = at("2026-03-30T18:00") * 1_000_000
    store = started(tmp_path, "Asia/Kathmandu")
    store.insert_history(record(minute, started_us=begins + minute * 60_000_000) for minute in (10, 20, 40))
    store.combine()
    with store._readers.snapshot() as connection:
        hours = connection.execute("SELECT requests FROM buckets WHERE level = 1 AND dimension = 0").fetchall()
        halves = connection.execute("SELECT requests FROM combined WHERE level = 3 ORDER BY start").fetchall()
        days = connection.execute("SELECT requests FROM combined WHERE level = 2 ORDER BY start").fetchall()
    store.close()
    assert hours == [(3,)] and halves == [(2,), (1,)] and days == [(1,), (2,)]
