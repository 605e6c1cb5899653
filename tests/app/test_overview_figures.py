"""What the cards say, colours that stay, shares, and the widths of buckets: the Overview without its widgets."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from app.colour_slots import SLOTS, Colours, ColourSlots
from app.formats import UNKNOWN
from app.overview.answers import MAX_BUCKETS, fitting_bucket, load
from app.overview.breakdown import lines, share_text
from app.overview.figures import Delta, Figure, figures, split_unit
from app.overview.sparkline import Sparkline
from app.overview.words import compared_with, export_name
from app.preferences import Preferences
from app.theme import Theme
from gateway import Breakdown, BreakdownRow, Distribution, Summary, TimeBucket, UsageQuery
from tests.store.examples import UNKNOWN_USE, unmeasured
from tests.store.migrated import started

HOUR = 3_600_000_000
DAY = 24 * HOUR


def cards(now: Summary, before: Summary | None = None, *, span: int = 7 * DAY) -> Mapping[str, Figure]:
    buckets = [TimeBucket(start_us=n * HOUR, end_us=(n + 1) * HOUR, summary=now) for n in range(168)]
    return {figure.key: figure for figure in figures(now, before, buckets, span)}


NOW = Summary(
    requests=13_482, errors=146, input_tokens=70_000_000, output_tokens=1_400_000, cost_nano=214_860_000_000,
    latency_ms=Distribution(avg=1_420, p50=1_000, p95=3_900),
)  # fmt: skip
BEFORE = Summary(
    requests=12_437, errors=184, input_tokens=62_000_000, output_tokens=1_700_000, cost_nano=229_300_000_000,
    latency_ms=Distribution(avg=1_368, p95=3_000),
)  # fmt: skip


def test_the_cards_of_the_design() -> None:
    shown = cards(NOW, BEFORE)
    assert {key: (figure.value, figure.fact) for key, figure in shown.items()} == {
        "requests": ("13,482", "avg 80 / h"),
        "tokens": ("71.4M", "5,296 / request"),
        "cost": ("$214.86", "$0.016 / request"),
        "latency": ("1.42 s", "p95 3.90 s"),
        "errors": ("1.1%", "146 failed"),
    }
    assert {key: figure.delta for key, figure in shown.items()} == {
        "requests": Delta("8.4%", "up", "good"),
        "tokens": Delta("12.1%", "up", "good"),
        "cost": Delta("6.3%", "down", "good"),
        "latency": Delta("3.8%", "up", "bad"),
        "errors": Delta("0.4 pp", "down", "good"),
    }
    assert not any(figure.is_new for figure in shown.values())
    assert shown["cost"].exact.startswith("$214.86 ·")
    assert shown["latency"].exact == "1,420.0 ms"
    assert shown["errors"].exact == "146 of 13,482 requests"


def test_nothing_before_is_new_and_nothing_at_all_is_unknown() -> None:
    assert all(figure.is_new and figure.delta is None for figure in cards(NOW, Summary()).values())
    empty = cards(Summary(), Summary())
    assert not any(figure.is_new for figure in empty.values())
    assert (empty["latency"].value, empty["errors"].value, empty["cost"].fact) == (
        UNKNOWN,
        UNKNOWN,
        f"{UNKNOWN} / request",
    )


def test_what_has_no_price_is_said_and_never_zero() -> None:
    some = cards(Summary(requests=20, cost_nano=8_000_000_000, unpriced_requests=12))["cost"]
    assert (some.value, some.fact, some.warning) == ("$8.00", "12 not priced", True)
    assert some.exact.endswith("$1.00 / request"), "the mean is over the priced ones"
    none = cards(Summary(requests=3, cost_nano=None, unpriced_requests=3))["cost"]
    assert (none.value, none.fact, none.delta) == (UNKNOWN, "3 not priced", None)


@pytest.mark.parametrize("kind", UNKNOWN_USE)
def test_what_nothing_tells_the_use_of_is_not_priced_and_no_zero(tmp_path: Path, kind: str) -> None:
    store = started(tmp_path)
    store.insert_history([unmeasured(0, **UNKNOWN_USE[kind])])
    now, models = store.summary(UsageQuery()), store.breakdown(UsageQuery(), "model")
    store.close()
    cost = cards(now)["cost"]
    assert (cost.value, cost.fact, cost.warning) == (UNKNOWN, "1 not priced", True)
    (line,) = lines(models, "model", now.cost_nano, ColourSlots(Colours(Preferences()), "model"), {})
    assert (line.name, line.summary.cost_nano, line.share) == ("gpt-5", None, None)


@pytest.mark.parametrize(
    ("requests", "span", "fact"),
    [(120, HOUR, "avg 2.0 / min"), (1_680, 7 * DAY, "avg 10 / h"), (1, 7 * DAY, "avg <0.1 / h"), (0, DAY, "avg 0 / h"),
     (40, DAY, "avg 1.7 / h")],
)  # fmt: skip
def test_the_rate_fits_the_range(requests: int, span: int, fact: str) -> None:
    assert cards(Summary(requests=requests), span=span)["requests"].fact == fact


def test_an_unchanged_figure_is_neither_good_nor_bad() -> None:
    assert cards(NOW, NOW)["cost"].delta == Delta("0.0%", "level", "neutral")


def test_a_sparkline_adds_up_counts_and_weighs_means() -> None:
    def at(n: int, requests: int, latency: float | None) -> TimeBucket:
        summary = Summary(
            requests=requests, errors=requests // 3, input_tokens=7 * requests, output_tokens=2 * requests,
            cost_nano=11 * requests, latency_ms=Distribution(avg=latency),
        )  # fmt: skip
        return TimeBucket(start_us=n, end_us=n + 1, summary=summary)

    buckets = [at(0, 3, 100), at(1, 1, 500), *(at(n, 0, None) for n in range(2, 40))]
    shown = {figure.key: figure for figure in figures(Summary(), None, buckets, HOUR)}
    assert shown["requests"].points[:2] == (4, 0)
    assert shown["tokens"].points[:2] == (36, 0)
    assert shown["cost"].points[:2] == (44, 0)
    assert shown["errors"].points[:2] == (0.25, None)
    assert shown["latency"].points[:2] == (200, None)
    assert len(shown["requests"].points) == 20
    assert all(len(figure.points) <= 28 for figure in cards(NOW).values())


@pytest.mark.parametrize(
    ("text", "parts"),
    [("1.42 s", ("1.42", "s")), ("640 ms", ("640", "ms")), ("2m 05s", ("2m 05s", "")), ("1.1%", ("1.1", "%")),
     ("13,482", ("13,482", "")), (UNKNOWN, (UNKNOWN, "")), ("<1 ms", ("<1", "ms"))],
)  # fmt: skip
def test_a_unit_is_written_apart(text: str, parts: tuple[str, str]) -> None:
    assert split_unit(text) == parts


# Tables


def test_lines_name_what_has_no_value_and_share_the_cost() -> None:
    breakdown = Breakdown(
        rows=(
            BreakdownRow(value="openai", summary=Summary(requests=3, cost_nano=3_000)),
            BreakdownRow(value=None, summary=Summary(requests=1, cost_nano=1_000)),
            BreakdownRow(value="local", summary=Summary(requests=9, cost_nano=None, unpriced_requests=9)),
        )
    )
    slots = ColourSlots(Colours(Preferences()), "provider")
    slots.assign(["openai"])
    made = lines(breakdown, "provider", 4_000, slots, {"openai": "OpenAI"})
    assert [(line.name, line.share, line.slot) for line in made] == [
        ("OpenAI", 0.75, 0), ("No provider", 0.25, SLOTS), ("local", None, SLOTS)
    ]  # fmt: skip
    assert [share_text(line.share) for line in made] == ["75%", "25%", UNKNOWN]
    assert (share_text(0.001), share_text(0.0)) == ("<1%", "0%")


# Questions


@pytest.mark.parametrize(
    ("bucket", "span", "expected"),
    [("1m", HOUR, "1m"), ("hour", 7 * DAY, "hour"), ("hour", 30 * DAY, "hour"), ("hour", 32 * DAY, "day"),
     ("15m", 365 * DAY, "day"), ("day", 3_000 * DAY, "week"), ("1m", 40_000 * DAY, "month")],
)  # fmt: skip
def test_never_more_than_750_buckets(bucket: str, span: int, expected: str) -> None:
    assert fitting_bucket(bucket, span) == expected
    assert MAX_BUCKETS == 750


class Gateway:
    """Answers by hand, and notes what was asked."""

    def __init__(self, models: tuple[BreakdownRow, ...], requests: int = 5) -> None:
        self.models = models
        self.requests = requests
        self.asked: list[tuple[object, ...]] = []

    async def summary(self, query: UsageQuery, *, before: UsageQuery | None = None) -> tuple[Summary, Summary | None]:
        self.asked.append(("summary", before))
        return Summary(requests=self.requests), None

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        self.asked.append(("timeseries", bucket, by, query.model))
        if by is None:
            return tuple(TimeBucket(start_us=n, end_us=n + 1, summary=Summary()) for n in range(3))
        return (TimeBucket(start_us=1, end_us=2, summary=Summary(requests=4), value="gpt-5"),)

    async def breakdown(
        self, query: UsageQuery, by: str, *, sort: str = "cost_usd", limit: int | None = None
    ) -> Breakdown:
        self.asked.append(("breakdown", by))
        return Breakdown(rows=self.models if by == "model" else ())

    async def request_count(self, query: UsageQuery) -> int:
        self.asked.append(("request_count", query))
        return 0


async def test_only_the_five_costliest_models_are_asked_for_in_time() -> None:
    rows = tuple(
        BreakdownRow(value=name, summary=Summary(cost_nano=cost))
        for name, cost in [
            ("gpt-5", 90),
            (None, 80),
            ("b", 70),
            ("c", 60),
            ("d", 50),
            ("e", 40),
            ("f", 30),
            ("free", 0),
        ]
    )
    gateway = Gateway(rows)
    before = UsageQuery(start_us=1, end_us=2)
    answers = await load(gateway, UsageQuery(), "hour", "user", before=before)
    assert answers.before == before and answers.previous == Summary(requests=5)
    top = ("gpt-5", "b", "c", "d", "e")
    assert ("timeseries", "hour", "model", top) in gateway.asked
    assert ("breakdown", "user") in gateway.asked
    assert gateway.asked.count(("summary", None)) == 2
    assert ("timeseries", "hour", "provider", ()) not in gateway.asked
    assert tuple(answers.parts) == top
    assert [bucket.summary.requests for bucket in answers.parts["gpt-5"]] == [0, 4, 0]
    assert [bucket.start_us for bucket in answers.parts["b"]] == [0, 1, 2]
    assert answers.ever


async def test_whether_there_ever_was_a_request_is_asked_only_where_there_is_none() -> None:
    gateway = Gateway((), requests=0)
    assert not (await load(gateway, UsageQuery(model=("x",)), "day", "provider")).ever
    assert ("request_count", UsageQuery()) in gateway.asked
    busy = Gateway((), requests=1)
    await load(busy, UsageQuery(), "day", "provider")
    assert not any(question[0] == "request_count" for question in busy.asked)


# Words


def us(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("span", "words"),
    [(HOUR, "the hour before"), (DAY, "the 24 hours before"), (7 * DAY + HOUR // 2, "the 7 days before"),
     (6 * HOUR, "the 6 hours before"), (HOUR // 4, "the 15 minutes before"), (30 * DAY, "the 30 days before")],
)  # fmt: skip
def test_what_a_range_is_compared_with(span: int, words: str) -> None:
    assert compared_with(UsageQuery(start_us=5, end_us=5 + span)) == words


def test_whole_months_are_told_as_months() -> None:
    zone = "Europe/Berlin"
    october = UsageQuery(start_us=us(2026, 10, 1), end_us=us(2026, 11, 1), tz=zone)
    assert compared_with(october) == "the month before"
    assert compared_with(replace(october, end_us=us(2027, 1, 1))) == "the 3 months before"
    assert compared_with(replace(october, end_us=us(2026, 10, 31))) == "the 30 days before"
    assert compared_with(replace(october, tz="UTC")) == "the 31 days before"


def test_an_export_is_named_by_its_range() -> None:
    query = UsageQuery(start_us=us(2026, 11, 16), end_us=us(2026, 11, 23, 4), tz="Europe/Berlin")
    assert export_name("time series", query) == "faregate-time-series-2026-11-16-to-2026-11-23.csv"
    assert export_name("model", UsageQuery()) == "faregate-model.csv"
    whole = UsageQuery(start_us=us(2026, 10, 24), end_us=us(2026, 10, 27), tz="Europe/Berlin")
    assert export_name("model", whole) == "faregate-model-2026-10-24-to-2026-10-26.csv", "it ends before the 27th"
    assert compared_with(UsageQuery()) == ""


def test_a_sparkline_has_no_figure_where_nothing_is_known() -> None:
    """No requests cost nothing; what has no price costs nobody knows what."""
    known = Summary(requests=2, input_tokens=7, output_tokens=1, cost_nano=11)
    unknown = Summary(requests=2, input_tokens=None, output_tokens=None, cost_nano=None, unpriced_requests=2)
    summaries = (known, unknown, Summary(), known)
    buckets = [TimeBucket(start_us=n, end_us=n + 1, summary=each) for n, each in enumerate(summaries)]
    shown = {figure.key: figure for figure in figures(Summary(), None, buckets, HOUR)}
    assert shown["cost"].points == (11, None, 0, 11)
    assert shown["tokens"].points == (8, None, 0, 8)


@pytest.mark.parametrize(
    ("points", "runs"),
    [
        ((1, 2, 3), [3]),
        ((1, 2, None, None, 3, 4, 5), [2, 3]),
        ((None, 1, None, 2, None), [1, 1]),
        ((None, 1, None), []),
        ((), []),
    ],
)
def test_a_sparkline_breaks_off_where_nothing_is_known(
    qtbot: QtBot, theme: Theme, points: tuple[float | None, ...], runs: list[int]
) -> None:
    shown = Sparkline(theme)
    qtbot.addWidget(shown)
    shown.resize(120, 30)
    shown.set_points(points)
    found = shown.runs()
    assert [len(run) for run in found] == runs
    image = shown.grab().toImage()
    ground = image.pixelColor(0, 0)
    step = (shown.width() - 6) / max(1, len(points) - 1)
    for number, point in enumerate(points):
        column = {image.pixelColor(round(3 + number * step), y).rgb() for y in range(30)}
        # The lines beside a gap end within a pixel of their points.
        assert (column == {ground.rgb()}) == (point is None or not runs), number
