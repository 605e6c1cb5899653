"""A few seconds of `make fuzz`, always with the same seed."""

from gateway.dialects import DIALECTS
from tests.fuzz import fuzz


def test_damaged_input_is_a_typed_error_or_a_valid_stream() -> None:
    outcomes = fuzz(2.0, seed=11)
    for name in DIALECTS:
        for kind, ending in (
            ("stream", "failed"),
            ("stream", "finished"),
            ("request", "refused"),
            ("request", "carried"),
        ):
            assert outcomes[name, kind, ending] > 0, (name, kind, ending)
