"""The benchmark's arithmetic: what is added is judged within a round, and CPU is shared among the requests."""

import json

import pytest

from tests.benchmarks import report, translation
from tests.benchmarks.chat import SIZES, door_request
from tests.benchmarks.figures import Lane, Phase, percentile
from tests.benchmarks.load import Slice


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0], 0.5, 3.0), ([1.0, 2.0, 3.0], 0.5, 2.0), ([1.0, 2.0, 3.0, 4.0], 0.5, 3.0), ([2.0, 1.0], 0.99, 2.0)],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def _phase(direct: list[list[float]], relay: list[list[float]], *, clients: int = 10, chunks: int = 0) -> Phase:
    phase = Phase(clients, chunks)
    for name, rounds in (("direct", direct), ("relay", relay), ("gateway", relay)):
        phase.lanes[name] = Lane([Slice(first=times, total=times) for times in rounds], cpu_s=[1.0] * len(rounds))
    return phase


def test_a_slow_round_slows_both_sides_and_adds_nothing() -> None:
    phase = _phase([[0.001], [0.101], [0.001]], [[0.002], [0.102], [0.002]])
    assert phase.added_ms("relay", 0.5) == pytest.approx(1.0)


def test_rounds_without_an_answer_are_left_out() -> None:
    assert _phase([[0.001], []], [[0.003], [0.5]]).added_ms("relay", 0.5) == pytest.approx(2.0)
    assert _phase([[]], [[0.003]]).added_ms("relay", 0.5) is None


def test_cpu_is_shared_among_the_requests() -> None:
    lane = Lane([Slice(total=[0.1] * 300), Slice(total=[0.1] * 200, bad=2)], cpu_s=[0.15, 0.1])
    assert (lane.requests, lane.bad, lane.cpu_us) == (500, 2, 500.0)


def test_cpu_is_compared_within_a_round() -> None:
    slices = [Slice(total=[0.1] * count) for count in (10, 10, 10, 0)]
    busy, calm = Lane(slices, cpu_s=[9.0, 0.3, 0.2, 0.1]), Lane(slices, cpu_s=[3.0, 0.1, 0.1, 0.0])
    assert busy.times_cpu_of(calm) == pytest.approx(3.0)


# Seconds of CPU for a hundred exchanges of the same dialect and translated, and seconds of each translated exchange.
_COSTS = ((0.05, 0.11, 0.003), (0.1, 0.5, 0.013), (1.0, 5.0, 0.5))


def _translated(same_s: float, other_s: float, each_s: float) -> Phase:
    phase = Phase(1, 0)
    phase.lanes["direct"] = Lane([Slice(total=[0.001] * 100)])
    for door, provider in (*translation.SAME.items(), *translation.OTHERS):
        same = translation.SAME[door] == provider
        times = [0.002 if same else each_s] * 100
        slices = [Slice(total=times, own=[each_s - 0.0005] * 100)]
        phase.lanes[f"{door} → {provider}"] = Lane(slices, cpu_s=[same_s if same else other_s])
    return phase


def test_the_report_names_each_mark(capsys: pytest.CaptureFixture[str]) -> None:
    grid = tuple(_phase([[0.001]], [[0.002]], clients=clients) for clients in (1, 10))
    for phase in grid:
        phase.lanes["window"] = Lane([Slice(first=[0.006], total=[0.006])], cpu_s=[9.0])
    grid[1].lanes["gateway"].cpu_s = [4.0]
    phases = [(size.name, _translated(*cost)) for size, cost in zip(SIZES, _COSTS, strict=True)]
    translated = translation.Measured(phases, {"chat → google": (0.001, 0.009), "chat → openai": (0.002, 0.002)})
    each = dict.fromkeys(("direct", "relay", "gateway", "window"), 0.005)
    holds = report.Holds((0.001, 0.020), (0.002, 0.030))
    report.show(report.Run(grid, grid[1], translated, each, each, holds, each, each), seconds=1.0)
    shown = capsys.readouterr().out
    assert "FAIL  added p50 at one client, window open, below 3 ms: 5.00 ms" in shown
    assert "FAIL  CPU per exchange headless below 3 × the bare relay's: 4.00 ×" in shown
    assert "PASS  window idle below 1 % of a core: 0.50 %" in shown
    assert "longest 20.0, p99 20.0, 1 of 2 beats longer than a frame" in shown
    assert "FAIL  translated at most 2 × the CPU of same dialect, 2 kB: 2.20 × (responses → anthropic)" in shown
    assert "PASS  added p99 below 10 ms, 2 kB: 2.00 ms (responses → anthropic)" in shown
    assert "FAIL  added p99 below 10 ms, 90 kB, 40 tools: 12.00 ms (responses → anthropic)" in shown
    assert "FAIL    of it the gateway's own CPU: 12.50 ms (responses → openai)" in shown
    assert "FAIL  loop held below 8 ms by a translation, 90 kB, 40 tools: 9.00 ms (chat → google)" in shown
    (row,) = [line.split() for line in shown.splitlines() if line.startswith("  1 MB") and "gemini → anthr" in line]
    assert row[-7:] == ["50000", "5.00", "499.00", "499.00", "499.50", "100", "0"]


def test_a_body_has_the_size_that_its_name_says() -> None:
    for size, least, most in zip(SIZES, (1_500, 80_000, 1_000_000), (2_500, 100_000, 1_100_000), strict=True):
        for door in translation.SAME:
            ask = door_request(1, "key", door=door, provider="openai", size=size, chunks=0, prefix="")
            body = json.loads(ask.request.partition(b"\r\n\r\n")[2])
            assert least < len(json.dumps(body)) < most, (door, size)
            tools = body.get("tools", [])
            assert len(tools[0].get("functionDeclarations", tools) if tools else []) == size.tools
