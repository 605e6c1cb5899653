"""Metrics as running sums: either temporality, any order, again; and what tools report of their own use."""

import itertools
import pickle
import random
import time
from typing import Any

import pytest

from gateway.telemetry.metric_series import MetricSeries, Series, Sums
from gateway.telemetry.records import MetricPoint, Scope
from gateway.telemetry.reported import Reported, reported
from tests.telemetry.recorded import Recording, recordings
from tests.telemetry.sessions import decoded

TOOL = {"service.name": "claude-code"}


def point(value: float, time_ns: int, *, start_ns: int = 1, name: str = "m", **fields: Any) -> MetricPoint:
    said: dict[str, Any] = {"resource": TOOL, "monotonic": True, "form": "sum", **fields}
    return MetricPoint(name=name, value=value, time_ns=time_ns, start_ns=start_ns, **said)


def histogram(total: float, count: int, time_ns: int, **fields: Any) -> MetricPoint:
    return MetricPoint(name="m", form="histogram", total=total, count=count, time_ns=time_ns, resource=TOOL, **fields)


def only(points: list[MetricPoint]) -> Series:
    running = MetricSeries()
    running.add(points)
    (one,) = running.series()
    return one


DELTAS = [
    point(4, 10, start_ns=1, delta=True),
    point(5, 20, start_ns=10, delta=True),
    point(6, 30, start_ns=20, delta=True),
]
CUMULATIVE = [point(4, 10), point(9, 20), point(15, 30)]


@pytest.mark.parametrize("points", [DELTAS, CUMULATIVE], ids=["delta", "cumulative"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_either_temporality_in_any_order_and_twice_is_the_same_sum(
    points: list[MetricPoint], order: tuple[int, ...]
) -> None:
    mixed = [points[index] for index in order]
    assert only([*mixed, *mixed]).figure == 15


def test_a_new_start_adds_to_what_was_counted_before_it() -> None:
    before, after = [point(4, 10), point(9, 20)], [point(3, 30, start_ns=25), point(5, 40, start_ns=25)]
    assert only([*before, *after]).figure == 14
    assert only([*after, *before]).figure == 14


def test_a_smaller_figure_is_a_start_that_nobody_announced() -> None:
    assert only([point(9, 10), point(2, 20), point(3, 30)]).figure == 12


def test_what_goes_up_and_down_is_what_it_is_now() -> None:
    assert only([point(9, 10, monotonic=False), point(2, 20, monotonic=False)]).figure == 2
    assert only([point(9, 20, form="gauge"), point(2, 10, form="gauge")]).figure == 9


def test_histograms_add_up_bucket_by_bucket() -> None:
    bounds = (1.0, 5.0)
    deltas = [
        histogram(7, 2, 10, start_ns=1, delta=True, bounds=bounds, counts=(0, 1, 1)),
        histogram(1, 1, 20, start_ns=10, delta=True, bounds=bounds, counts=(1, 0, 0)),
    ]
    assert only(deltas).sums == Sums(count=3, total=8, counts=(1, 1, 1))
    cumulative = [
        histogram(7, 2, 10, start_ns=1, bounds=bounds, counts=(0, 1, 1)),
        histogram(8, 3, 20, start_ns=1, bounds=bounds, counts=(1, 1, 1)),
    ]
    assert only(cumulative).sums == Sums(count=3, total=8, counts=(1, 1, 1))


def test_other_bounds_keep_the_count_and_the_total() -> None:
    one = histogram(7, 2, 10, start_ns=1, delta=True, bounds=(1.0,), counts=(1, 1))
    other = histogram(1, 1, 20, start_ns=10, delta=True, bounds=(2.0,), counts=(1, 0))
    assert only([one, other]).sums == Sums(count=3, total=8)


def test_series_are_apart_by_resource_scope_name_and_attributes() -> None:
    running = MetricSeries()
    running.add(
        [
            point(1, 10),
            point(2, 10, name="n"),
            point(4, 10, attributes={"type": "input"}),
            point(8, 10, attributes={"type": ["input"]}),
            point(16, 10, scope=Scope("s")),
            point(32, 10, resource={"service.name": "other"}),
            point(64, 10, attributes={"n": 1}),
            point(128, 10, attributes={"n": True}),
        ]
    )
    assert sorted(series.figure for series in running.series()) == [1, 2, 4, 8, 16, 32, 64, 128]
    assert [series.figure for series in running.series("n")] == [2]


def test_attributes_in_another_order_are_the_same_series() -> None:
    assert only([point(4, 10, attributes={"a": 1, "b": 2}), point(5, 20, attributes={"b": 2, "a": 1})]).figure == 5


def test_series_are_bounded_and_the_forgotten_are_counted() -> None:
    running = MetricSeries(most=10)
    for n in range(25):
        running.add([point(1, n + 1, attributes={"session": str(n)})])
    assert len(running.series()) == 10
    assert running.forgotten == 15
    assert {series.attributes["session"] for series in running.series()} == {str(n) for n in range(15, 25)}


def test_a_series_remembers_a_bounded_number_of_windows_and_starts() -> None:
    deltas = [point(1, n + 1, start_ns=n, delta=True) for n in range(1000)]
    starts = [point(1, n + 1, start_ns=n + 1) for n in range(1000)]
    assert only(deltas).figure == 1000
    assert only(starts).figure == 1000


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_what_is_no_figure_does_not_spoil_the_sum(value: float) -> None:
    name = "claude_code.cost.usage"
    running = MetricSeries()
    running.add([point(1, 10, name=name), point(value, 20, name=name), histogram(value, 1, 20)])
    assert [one.cost_nano for one in reported(running.series())] == [10**9]


def test_any_values_are_taken() -> None:
    draws = random.Random(5)
    values: list[Any] = [None, 0, -1, 1e308, float("nan"), float("inf"), 2**70]
    running = MetricSeries()
    for _ in range(500):
        running.add(
            [
                MetricPoint(
                    name="m",
                    form=draws.choice(["sum", "gauge", "histogram", "exponential_histogram", "summary"]),
                    value=draws.choice(values),
                    count=draws.choice([None, 0, 5]),
                    total=draws.choice(values),
                    bounds=draws.choice([(), (1.0,)]),
                    counts=draws.choice([(), (1, 2)]),
                    delta=draws.random() < 0.5,
                    monotonic=draws.random() < 0.5,
                    start_ns=draws.randrange(3),
                    time_ns=draws.randrange(20),
                    attributes={"x": draws.choice([None, b"\xff", {"a": [1]}, 1.5])},
                )
            ]
        )
    assert running.series()
    assert reported(running.series()) == ()


def tokens(app: str, name: str, by: str, figures: dict[str, float], **fields: Any) -> list[MetricPoint]:
    return [
        point(
            figure, 2_000, start_ns=1_000, name=name, resource={"service.name": app}, attributes={by: kind, **fields}
        )
        for kind, figure in figures.items()
    ]


def told(points: list[MetricPoint]) -> tuple[Reported, ...]:
    running = MetricSeries()
    running.add(points)
    return reported(running.series())


def test_claude_code_reports_anthropics_counts_which_are_made_inclusive() -> None:
    """langfuse#12306 and #14725: what was cached is in the input once."""
    points = tokens(
        "claude-code",
        "claude_code.token.usage",
        "type",
        {"input": 60, "output": 50, "cacheRead": 200, "cacheCreation": 60},
        model="claude-sonnet-4-5",
    )
    points += tokens("claude-code", "claude_code.cost.usage", "x", {"": 0.001215}, model="claude-sonnet-4-5")
    assert told(points) == (
        Reported(
            app="claude-code",
            model="claude-sonnet-4-5",
            input_tokens=320,
            cached_tokens=200,
            cache_write_tokens=60,
            output_tokens=50,
            cost_nano=1_215_000,
            first_us=1,
            last_us=2,
        ),
    )


def test_codex_reports_inclusive_counts_and_its_total_is_no_more_tokens() -> None:
    """langfuse#11244: reasoning is in the output once."""
    figures = {
        "input": 80,
        "cached_input": 16,
        "cache_write_input": 0,
        "output": 25,
        "reasoning_output": 12,
        "total": 105,
    }
    assert told(tokens("codex_exec", "codex.turn.token_usage", "token_type", figures)) == (
        Reported(
            app="codex_exec",
            input_tokens=80,
            cached_tokens=16,
            output_tokens=25,
            reasoning_tokens=12,
            first_us=1,
            last_us=2,
        ),
    )


def test_gemini_cli_reports_twice_and_is_counted_once() -> None:
    own = tokens(
        "gemini-cli",
        "gemini_cli.token.usage",
        "type",
        {"input": 50, "output": 13, "cache": 0, "thought": 12, "tool": 3},
        model="gemini-2.5-flash",
    )
    general = tokens("gemini-cli", "gen_ai.client.token.usage", "gen_ai.token.type", {"input": 50, "output": 13})
    expected = Reported(
        app="gemini-cli",
        model="gemini-2.5-flash",
        input_tokens=53,
        output_tokens=25,
        reasoning_tokens=12,
        first_us=1,
        last_us=2,
    )
    assert told([*own, *general]) == (expected,)
    assert told([*general, *own]) == (expected,)


def test_the_conventions_metrics_speak_for_an_app_of_its_own() -> None:
    points = tokens(
        "weather-app",
        "gen_ai.client.token.usage",
        "gen_ai.token.type",
        {"input": 60, "output": 25},
        **{"gen_ai.request.model": "gpt"},
    )
    points += tokens("new-app", "gen_ai.client.inference.usage.input_tokens", "x", {"": 7})
    points += tokens("new-app", "gen_ai.client.inference.usage.cache_read.input_tokens", "x", {"": 2})
    assert [(one.app, one.model, one.input_tokens, one.output_tokens, one.cached_tokens) for one in told(points)] == [
        ("weather-app", "gpt", 60, 25, None),
        ("new-app", None, 7, None, 2),
    ]


METRICS = [one for one in recordings() if one.signal == "metrics"]
TYPES = ("gen_ai.token.type", "token_type", "type")


def sums_by_type(running: MetricSeries, name: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for series in running.series(name):
        kind = next((str(series.attributes[key]) for key in TYPES if key in series.attributes), "all")
        sums[kind] = sums.get(kind, 0) + series.figure
    return sums


@pytest.mark.parametrize("recorded", METRICS, ids=str)
def test_a_recording_adds_up_to_what_the_index_expects_whenever_and_how_often_it_comes(recorded: Recording) -> None:
    points = list(decoded(recorded.file).metrics)
    for seed in range(4):
        running = MetricSeries()
        for part in (points, points[::2], points[1::2]):
            running.add(part)
        for expected in recorded.expected["metrics"]:
            (temporality,) = {point.delta for point in points if point.name == expected["name"]}
            assert temporality is (expected["temporality"] == "delta")
            for kind, figure in expected.get("sum_by_type", {}).items():
                assert sums_by_type(running, expected["name"])[kind] == pytest.approx(figure, abs=1e-5)
        assert {one.name for one in running.series()} == {one["name"] for one in recorded.expected["metrics"]}
        random.Random(seed).shuffle(points)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            "claude-code.session-tool.metrics.pb",
            ("claude-code", "claude-sonnet-4-5", 320, 200, 60, 50, None, 1_215_000),
        ),
        ("codex.session-chat.metrics.json", ("codex_exec", "gpt-5.1-codex", 80, 16, None, 25, 12, None)),
        (
            "gemini-cli.session-chat.metrics.json",
            ("gemini-cli", "gemini-2.5-flash-001", 50, None, None, 25, 12, None),
        ),
        (
            "genai-json.multiturn-tool.metrics.json",
            ("weather-app", "gpt-mock-2026-01-01", 240, None, None, 75, None, None),
        ),
    ],
)
def test_what_a_recorded_sender_reports_equals_what_its_calls_used(file: str, expected: tuple[Any, ...]) -> None:
    (one,) = told(list(decoded(file).metrics))
    assert (
        one.app,
        one.model,
        one.input_tokens,
        one.cached_tokens,
        one.cache_write_tokens,
        one.output_tokens,
        one.reasoning_tokens,
        one.cost_nano,
    ) == expected


def test_a_figure_that_nobody_used_is_unknown_and_keeps_no_other_from_being_told() -> None:
    running = MetricSeries()
    wild = {"name": "claude_code.cost.usage", "attributes": {"model": "wild"}}
    running.add(
        [point(1e300, 10, **wild), point(-5, 10, name="claude_code.token.usage", attributes={"type": "input"})]
    )
    running.add([point(0.5, 10, name="claude_code.cost.usage", attributes={"model": "tame"})])
    told = {one.model: (one.cost_nano, one.input_tokens) for one in reported(running.series())}
    assert told == {"wild": (None, None), None: (None, None), "tame": (500_000_000, None)}


def test_what_senders_say_of_their_series_is_bounded_in_bytes() -> None:
    running = MetricSeries(most_bytes=200_000)
    for n in range(50):
        running.add([point(1, 10, attributes={"n": n, "text": "x" * 20_000})])
    kept = [one.attributes["n"] for one in running.series()]
    assert kept == list(range(50 - len(kept), 50)) and 5 <= len(kept) < 10
    assert running.forgotten == 50 - len(kept)


def test_a_series_that_grows_counts_as_what_it_holds_now() -> None:
    running = MetricSeries(most_bytes=200_000)
    bounds = {"bounds": tuple(map(float, range(500))), "counts": (1,) * 501}
    running.add([point(1, 10, name="small")])
    for start in range(1, 6):
        running.add([histogram(1.0, 1, 10, start_ns=start, **bounds)])
    assert [one.name for one in running.series()] == ["small", "m"]
    for start in range(6, 20):
        running.add([histogram(1.0, 1, 10, start_ns=start, **bounds)])
    assert [one.name for one in running.series()] == ["m"] and running.forgotten > 1
    # What is gone takes no room any more.
    running.add([point(1, 10, name=f"s{n}") for n in range(20)])
    assert len(running.series()) == 21


def test_points_of_one_request_are_told_apart_by_resource_and_attributes() -> None:
    running = MetricSeries()
    running.add(
        point(1, 10, resource=resource, attributes=attributes)
        for resource in ({"a": "1"}, {"a": 1}, {"b": "1"})
        for attributes in ({"x": True}, {"x": "True"}, {})
    )
    assert len(running.series()) == 9
    running.add([point(3, 20, resource={"a": "1"}, attributes={})])
    assert len(running.series()) == 9


def test_a_large_resource_is_read_once_for_all_points_of_a_request() -> None:
    begun = time.thread_time()
    large = {f"name{n}": "x" * 10 for n in range(4000)}
    running = MetricSeries(most=10)
    running.add(point(1, 10, resource=large, attributes={"n": n % 5}) for n in range(20_000))
    assert len(running.series()) == 5 and time.thread_time() - begun < 10


def test_fewer_measurements_are_a_start_that_nobody_announced_too() -> None:
    assert only([histogram(9.0, 5, 10), histogram(9.5, 2, 20)]).sums.count == 7


def test_points_that_nobody_else_holds_are_told_apart_by_their_resource_too() -> None:
    running = MetricSeries()
    for value in (1, 2):
        running.add(point(value, 10 * value, resource={"place": str(n)}) for n in range(50))
    assert [one.figure for one in running.series()] == [2] * 50


def test_buckets_that_do_not_fit_their_bounds_are_not_held() -> None:
    running = MetricSeries(most_bytes=200_000)
    for start in range(1, 6):
        running.add([histogram(1.0, 1, 10, start_ns=start, bounds=(1.0,), counts=(1,) * 200_000)])
    (one,) = running.series()
    assert (one.sums.count, one.sums.counts, one.bounds) == (5, (), (1.0,))
    assert bytes_held(running) < 200_000


def test_buckets_of_other_bounds_are_not_held_either() -> None:
    running = MetricSeries()
    for start in range(1, 6):
        bounds = {"bounds": tuple(map(float, range(50_000))), "counts": (1,) * 50_001}
        running.add([histogram(1.0, 1, 10, start_ns=start, **bounds)])
    assert bytes_held(running) > 200_000
    running.add([histogram(1.0, 1, 10, start_ns=6, bounds=(1.0,), counts=(1, 1))])
    (one,) = running.series()
    assert (one.sums.count, one.sums.counts, one.bounds) == (6, (), ())
    assert bytes_held(running) < 200_000


def bytes_held(running: MetricSeries) -> int:
    """About what it holds in bytes, however that is counted."""
    return len(pickle.dumps(list(running._series.values())))


def test_those_that_used_most_come_first_by_all_of_their_tokens() -> None:
    name, by = "claude_code.token.usage", "type"
    points = [
        point_
        for app, given, made in (("c", 8, 0), ("a", 10, 0), ("b", 5, 30))
        for point_ in tokens(app, name, by, {"input": given, "output": made})
    ]
    assert [one.app for one in told(points)] == ["b", "a", "c"]


def test_a_nought_is_told_of_the_whole_and_what_is_less_of_nothing() -> None:
    name, by = "codex.turn.token_usage", "token_type"
    points = tokens("codex", name, by, {"input": 0, "cached_input": 0, "output": 0, "reasoning_output": 0})
    points += tokens("codex", "codex.turn.cost_microusd", "x", {"": 0})
    assert told(points) == (
        Reported(app="codex", input_tokens=0, output_tokens=0, cost_nano=0, first_us=1, last_us=2),
    )
    assert told(tokens("codex", "codex.turn.cost_microusd", "x", {"": 12}))[0].cost_nano == 12_000
    assert told(tokens("codex", name, by, {"input": -1, "output": 3}, monotonic=False))[0].input_tokens is None
    assert told(tokens("codex", name, by, {"total": 105})) == ()


def test_a_sender_without_a_name_is_called_by_its_meter() -> None:
    for name in ("", 3, None):
        (one,) = told(
            [
                point(
                    4,
                    2_000,
                    start_ns=0,
                    name="gen_ai.client.inference.usage.input_tokens",
                    resource={"service.name": name},
                    scope=Scope("meter"),
                )
            ]
        )
        assert (one.app, one.input_tokens, one.first_us, one.last_us) == ("meter", 4, 2, 2)
