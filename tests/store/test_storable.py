"""Whether each number of a record adds up, and what becomes of those that do not."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model import MOST_NANO, MOST_TOKENS
from gateway.store.storable import LARGEST, LIMITS, adds_up, storable
from tests.store.examples import record

FOUR_MONTHS_US = 10**13


@pytest.mark.parametrize("name", LIMITS)
def test_each_number_has_a_limit_of_its_own(name: str) -> None:
    most = MOST_NANO if name == "cost_nano" else FOUR_MONTHS_US if name.endswith("_us") else MOST_TOKENS
    bare: dict[str, Any] = dict.fromkeys(LIMITS, 0)
    for value in (0, 1, most):
        # Also beside another that is far beyond the least of all limits.
        for other in (bare, bare | {"latency_us": FOUR_MONTHS_US}):
            assert adds_up(record(0, **(other | {name: value})))
    for value in (-1, most + 1):
        told = record(0, **(bare | {name: value}))
        assert not adds_up(told)
        assert storable(told) == record(
            0, **(bare | {name: None} | ({"cost_source": "none"} if name == "cost_nano" else {}))
        )


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_unknown_is_no_number_that_could_be_too_large(name: str) -> None:
    beside = "ttft_us" if name == "latency_us" else "latency_us"
    told = record(0, **(dict.fromkeys(LIMITS, 1) | {name: None, beside: FOUR_MONTHS_US}))
    assert adds_up(told)
    beyond = replace(told, **{"overhead_us" if name != "overhead_us" else "ttft_us": -1})
    assert not adds_up(beyond) and getattr(storable(beyond), beside) == FOUR_MONTHS_US


def test_other_numbers_are_bounded_by_what_json_holds() -> None:
    for value, stored in ((LARGEST, LARGEST), (-LARGEST, -LARGEST), (LARGEST + 1, 0), (-LARGEST - 1, 0)):
        assert storable(record(0, status=value)).status == stored
