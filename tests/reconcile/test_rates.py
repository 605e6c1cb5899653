"""Rates are believed as long as rounding alone explains every row, and not a bit longer."""

import pytest

from gateway.reconcile.rates import Rates
from tests.reconcile.test_comparison import row

INPUT = (2, 0, 0, 0, 0)


def learnt(*costs: int, tokens: int = 1) -> Rates:
    rates = Rates()
    for number, cost in enumerate(costs):
        rates.learn(row(number, input_tokens=tokens, output_tokens=0, cost_nano=cost))
    return rates


def test_half_a_nano_dollar_a_row_is_rounding() -> None:
    assert learnt(0, 1).price(INPUT) == 1
    assert learnt(1, 1, 1).price(INPUT) == 2


@pytest.mark.parametrize("costs", [(0, 2), (0, 1, 1, 1, 2), (0, 1, 2)])
def test_what_is_further_apart_follows_no_rate(costs: tuple[int, ...]) -> None:
    assert learnt(*costs).price(INPUT) is None
    halves = learnt(*costs[:1])
    halves.add(learnt(*costs[1:]))
    assert halves.price(INPUT) is None
