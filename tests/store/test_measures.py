"""What a row tells of the speed at which its answer was generated."""

import pytest

from gateway.store.measures import generation_us
from tests.store.examples import record


@pytest.mark.parametrize(
    ("streamed", "latency_us", "ttft_us", "expected"),
    [
        (True, 10, 4, 6),
        (True, 10, 9, 1),
        # One piece, which began to come when it was all there, or a clock that went back.
        (True, 10, 10, 10),
        (True, 10, 11, 10),
        (True, 10, None, 10),
        (False, 10, 4, 10),
        (True, 0, 0, None),
        (True, None, 4, None),
    ],
)
def test_an_answer_is_generated_from_its_first_token_on_or_all_the_time(
    streamed: bool, latency_us: int | None, ttft_us: int | None, expected: int | None
) -> None:
    told = record(0, streamed=streamed, latency_us=latency_us, ttft_us=ttft_us)
    assert generation_us(told) == expected
    assert generation_us(record(0, streamed=streamed, latency_us=10, ttft_us=4, output_tokens=None)) is None
