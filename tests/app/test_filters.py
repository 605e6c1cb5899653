"""The window's one filter state: ranges, buckets, dimensions and tags, and the query that they come to."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from PySide6.QtCore import QByteArray, QTimeZone
from PySide6.QtWidgets import QApplication

from app.filters import RANGES, FilterSnapshot, FilterState, local_zone
from app.local_days import day_start_us
from gateway import NumberCondition, TagCondition

HOUR = 3_600_000_000
# In hours.
YEAR = 365 * 24
NOW = 1_795_456_980_000_000 + 30_000_000
"""Mon 23 Nov 2026, 18:03:30 UTC."""
DAY_BEGINS = NOW - NOW % (24 * HOUR)
COSTLY = NumberCondition("cost", ">", 10_000_000)
PLATFORM = TagCondition(any_of=("team:platform", "team:growth"))


@pytest.fixture
def filters(qapp: QApplication) -> FilterState:
    return FilterState(tz="UTC")


@pytest.fixture
def changes(filters: FilterState) -> list[None]:
    seen: list[None] = []
    filters.changed.connect(lambda: seen.append(None))
    return seen


@pytest.mark.parametrize(
    ("key", "start"),
    [
        ("1h", NOW - HOUR - 30_000_000),
        ("24h", NOW - 24 * HOUR - 210_000_000),
        ("7d", NOW - 7 * 24 * HOUR - 210_000_000),
        ("30d", NOW - 30 * 24 * HOUR - 210_000_000),
    ],
)
def test_a_preset_ends_now_and_starts_on_a_round_time(filters: FilterState, key: str, start: int) -> None:
    filters.set_range(key)
    query = filters.query(NOW)
    assert (query.start_us, query.end_us) == (start, NOW)


@pytest.mark.parametrize(
    "narrowed",
    [
        FilterSnapshot(dimensions={"model": ("o3",)}),
        FilterSnapshot(tags=(TagCondition(any_of=("team:a",)),)),
        FilterSnapshot(numbers=(COSTLY,)),
        FilterSnapshot(text=("timeout",)),
    ],
)
def test_whatever_narrows_the_rows_can_be_cleared(narrowed: FilterSnapshot) -> None:
    filters = FilterState(tz="UTC")
    assert not filters.is_filtered
    filters.restore(narrowed)
    assert filters.is_filtered
    filters.clear()
    assert not filters.is_filtered


def test_a_custom_range_is_as_given(filters: FilterState) -> None:
    filters.set_range("custom", (NOW - 5 * HOUR, NOW - HOUR))
    assert filters.custom == (NOW - 5 * HOUR, NOW - HOUR)
    query = filters.query(NOW)
    assert (query.start_us, query.end_us) == filters.custom
    filters.set_range("7d")
    assert filters.custom is None


@pytest.mark.parametrize("key", ["1h", "24h", "7d", "30d", "12m"])
def test_a_preset_goes_earlier_by_its_own_length_and_comes_back_as_itself(filters: FilterState, key: str) -> None:
    filters.set_range(key)
    start, end = filters.bounds(NOW)
    filters.shift_range(-1, NOW)
    assert filters.custom == (2 * start - end, start)
    filters.shift_range(-2, NOW)
    assert filters.custom == (start - 3 * (end - start), end - 3 * (end - start))
    # A moment has passed meanwhile.
    filters.shift_range(2, NOW + 60_000_000)
    assert (filters.range_key, filters.custom) == ("custom", (2 * start - end, start))
    filters.shift_range(1, NOW + 60_000_000)
    assert filters.range_key == key
    filters.shift_range(1, NOW + 60_000_000)
    assert filters.range_key == key, "what has not begun is not shown"


def test_a_range_of_ones_own_comes_later_until_now(filters: FilterState) -> None:
    filters.set_range("custom", (NOW - 9 * HOUR, NOW - 5 * HOUR))
    filters.shift_range(1, NOW)
    assert filters.custom == (NOW - 5 * HOUR, NOW - HOUR)
    filters.shift_range(1, NOW)
    assert filters.custom == (NOW - 4 * HOUR, NOW)
    filters.shift_range(1, NOW)
    assert filters.custom == (NOW - 4 * HOUR, NOW)


def test_the_query_carries_dimensions_tags_and_zone(filters: FilterState) -> None:
    filters.set_dimension("model", ["gpt-5.1", "o3", "gpt-5.1"])
    filters.add_tag(PLATFORM)
    query = filters.query(NOW)
    assert (query.model, query.tags, query.tz) == (("gpt-5.1", "o3"), (PLATFORM,), "UTC")


@pytest.mark.parametrize(
    ("key", "chosen", "bucket"),
    [
        ("1h", "auto", "1m"),
        ("1h", "day", "1m"),
        ("24h", "auto", "15m"),
        ("24h", "hour", "hour"),
        ("24h", "day", "hour"),
        ("7d", "auto", "hour"),
        ("7d", "15m", "hour"),
        ("7d", "day", "day"),
        ("30d", "auto", "day"),
        ("30d", "hour", "hour"),
        ("30d", "month", "week"),
        ("12m", "auto", "month"),
        ("12m", "day", "day"),
        ("12m", "hour", "day"),
    ],
)
def test_a_bucket_fits_its_range(filters: FilterState, key: str, chosen: str, bucket: str) -> None:
    filters.set_range(key)
    filters.set_bucket(chosen)
    assert filters.resolved_bucket() == bucket


@pytest.mark.parametrize(
    ("days", "chosen", "bucket"),
    [
        (1, "auto", "15m"),
        (10, "auto", "hour"),
        (60, "auto", "day"),
        (60, "15m", "day"),
        (30, "hour", "hour"),
        (900, "auto", "week"),
        (900, "hour", "week"),
    ],
)
def test_a_custom_range_has_at_most_750_buckets(filters: FilterState, days: int, chosen: str, bucket: str) -> None:
    filters.set_range("custom", (NOW - days * 24 * HOUR, NOW))
    filters.set_bucket(chosen)
    assert filters.resolved_bucket() == bucket


@pytest.mark.parametrize(
    ("key", "custom", "words"),
    [
        ("1h", None, "17:03 – 18:03"),
        ("24h", None, "22 Nov 18:00 – 23 Nov 18:03"),
        ("7d", None, "16 – 23 Nov"),
        ("30d", None, "24 Oct – 23 Nov"),
        ("custom", (NOW - 400 * 24 * HOUR, NOW), "19 Oct 2025 – 23 Nov 2026"),
        ("custom", (NOW - 2 * HOUR, NOW), "23 Nov 16:03 – 18:03"),
        ("custom", (NOW - 24 * HOUR, NOW), "22 Nov 18:03 – 23 Nov 18:03"),
        ("custom", (DAY_BEGINS, DAY_BEGINS + 24 * HOUR), "23 Nov"),
        ("custom", (DAY_BEGINS, DAY_BEGINS + HOUR), "23 Nov 00:00 – 01:00"),
        ("custom", (NOW - (YEAR + 2) * HOUR, NOW - YEAR * HOUR), "23 Nov 2025 16:03 – 18:03"),
        ("custom", (NOW - (YEAR + 48) * HOUR, NOW - YEAR * HOUR), "21 – 23 Nov 2025"),
        ("custom", (NOW - (YEAR + 720) * HOUR, NOW - YEAR * HOUR), "24 Oct – 23 Nov 2025"),
    ],
)
def test_words_for_a_range(filters: FilterState, key: str, custom: tuple[int, int] | None, words: str) -> None:
    filters.set_range(key, custom)
    assert filters.words(NOW) == words


def test_the_days_of_a_range_are_told_where_no_preset_says_them(filters: FilterState) -> None:
    filters.set_range("7d")
    assert filters.with_range("7 in range", NOW) == "7 in range"
    filters.set_range("custom", (NOW - 48 * HOUR, NOW))
    assert filters.with_range("7 in range", NOW) == "7 in range · 21 – 23 Nov"


@pytest.mark.parametrize(
    ("tz", "start"), [("Europe/Berlin", "2025-11-30T23:00:00"), ("America/St_Johns", "2025-12-01T03:30:00")]
)
def test_twelve_months_begin_with_a_local_month(tz: str, start: str) -> None:
    filters = FilterState(tz=tz)
    filters.set_range("12m")
    assert filters.bounds(NOW) == (int(datetime.fromisoformat(f"{start}+00:00").timestamp()) * 1_000_000, NOW)
    january = int(datetime(2026, 1, 15, tzinfo=UTC).timestamp()) * 1_000_000
    first = datetime.fromtimestamp(filters.bounds(january)[0] / 1e6, ZoneInfo(tz))
    assert (first.year, first.month, first.day, first.hour, first.minute) == (2025, 2, 1, 0, 0)


def test_all_begins_with_what_is_known(filters: FilterState, changes: list[None]) -> None:
    filters.set_range("12m")
    twelve = filters.bounds(NOW)
    filters.set_range("all")
    assert filters.bounds(NOW) == twelve, "until somebody knows"
    filters.set_first(NOW - 1000 * 24 * HOUR)
    assert len(changes) == 3
    assert filters.bounds(NOW) == (NOW - 1000 * 24 * HOUR, NOW)
    assert filters.words(NOW) == "27 Feb 2024 – 23 Nov 2026"
    assert filters.resolved_bucket() in ("week", "month")
    filters.set_first(NOW)
    assert filters.bounds(NOW) == (NOW - HOUR, NOW), "never empty"
    other = FilterState(tz="UTC")
    other.restore(filters.snapshot())
    assert other.range_key == "all"


def test_only_a_change_is_told(filters: FilterState, changes: list[None]) -> None:
    filters.set_range("30d")
    filters.set_range("30d")
    filters.add_tag(PLATFORM)
    filters.add_tag(PLATFORM)
    filters.remove_tag(TagCondition(any_of=("env:dev",)))
    filters.set_dimension("user", ())
    assert len(changes) == 2
    filters.clear()
    filters.clear()
    assert len(changes) == 3
    assert filters.range_key == "30d"
    assert not filters.is_filtered


@pytest.mark.parametrize(
    "wrong",
    [
        lambda filters: filters.set_range("3d"),
        lambda filters: filters.set_range("custom"),
        lambda filters: filters.set_range("custom", (NOW, NOW)),
        lambda filters: filters.set_bucket("decade"),
        lambda filters: filters.set_compare("yesterday"),
        lambda filters: filters.set_split("tag:"),
        lambda filters: filters.set_dimension("colour", ("red",)),
    ],
)
def test_what_does_not_exist_is_refused(filters: FilterState, changes: list[None], wrong: object) -> None:
    with pytest.raises(ValueError, match=r"\."):
        wrong(filters)  # type: ignore[operator]
    assert changes == []


def test_a_state_survives_being_written_down(filters: FilterState) -> None:
    filters.set_range("custom", (NOW - HOUR, NOW))
    filters.set_dimension("model", ("o3",))
    filters.add_tag(TagCondition(any_of=("env:dev",), negated=True))
    filters.set_compare("weekday")
    filters.set_split("tag:team")
    filters.restore(msgspec.structs.replace(filters.snapshot(), numbers=(COSTLY,), text=("ana",)))
    text = msgspec.json.encode(filters.snapshot())
    other = FilterState(tz="UTC")
    other.restore(msgspec.json.decode(text, type=FilterSnapshot))
    assert other.snapshot() == filters.snapshot()
    assert (other.compare, other.split, other.numbers, other.text) == ("weekday", "tag:team", (COSTLY,), ("ana",))
    query = other.query(NOW)
    assert (query.numbers, query.text) == ((COSTLY,), ("ana",))
    other.remove_number(COSTLY)
    assert other.is_filtered and other.numbers == ()


def test_a_state_of_another_version_is_taken_as_far_as_it_is_known(filters: FilterState) -> None:
    filters.restore(
        FilterSnapshot(
            range_key="5y",
            bucket="minute",
            dimensions={"colour": ("red",), "model": ("o3",)},
            numbers=(NumberCondition("weight", ">", 3), NumberCondition("cost", "~", 3)),
            compare="yesterday",
            split="colour",
        )
    )
    assert (filters.numbers, filters.compare, filters.split) == ((), "previous", "model")
    assert (filters.range_key, filters.bucket, filters.dimensions) == ("7d", "auto", {"model": ("o3",)})


@pytest.mark.parametrize(
    ("system", "told"),
    [("Europe/Berlin", "Europe/Berlin"), ("posix/Europe/Berlin", "Europe/Berlin"), ("localtime", "UTC"), ("", "UTC")],
)
def test_the_systems_zone_is_one_that_can_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, system: str, told: str
) -> None:
    monkeypatch.setattr(QTimeZone, "systemTimeZoneId", lambda: QByteArray(system.encode()))
    assert local_zone() == told


def test_ranges_and_zone_are_known(qapp: QApplication) -> None:
    assert RANGES == ("1h", "24h", "7d", "30d", "12m", "all", "custom")
    assert local_zone()


def test_days_stay_whole_where_a_range_of_them_is_moved_over_a_change_of_the_clocks() -> None:
    filters = FilterState(tz="Europe/Berlin")
    days = {day: day_start_us(date(2026, 10, day), "Europe/Berlin") for day in (21, 24, 27, 30)}
    filters.set_range("custom", (days[24], days[27]))
    filters.shift_range(-1, NOW)
    assert filters.custom == (days[21], days[24])
    filters.shift_range(2, NOW)
    assert filters.custom == (days[27], days[30])
