"""What the window adds to a call is judged within a round: a slow one is slow for both gateways."""

import pytest

from tests.benchmarks.beside import HIDDEN, Pair, added_ms, show
from tests.benchmarks.load import Slice


def slice_of(*total: float) -> Slice:
    return Slice(first=[time / 2 for time in total], total=list(total))


PAIRS = [
    Pair(window=slice_of(0.003, 0.004), headless=slice_of(0.001, 0.002)),
    Pair(window=slice_of(0.203, 0.204), headless=slice_of(0.201, 0.202)),
    Pair(window=slice_of(0.003, 0.900), headless=slice_of(0.001, 0.002)),
]


@pytest.mark.parametrize(("share", "first", "expected"), [(0.5, False, 2.0), (0.99, False, 2.0), (0.5, True, 1.0)])
def test_a_slow_round_slows_both_and_adds_nothing(share: float, first: bool, expected: float) -> None:
    assert added_ms(PAIRS, share, first=first) == pytest.approx(expected)


def test_each_place_of_the_window_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    show({"Overview": PAIRS, HIDDEN: [Pair(slice_of(0.002), Slice(bad=3))]})
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[0] == "Overview" and "+2.0" in lines[2]
    assert lines[3].startswith(f"  {HIDDEN}") and lines[3].endswith("0, 3")
