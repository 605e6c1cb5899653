"""Some cases of `make fuzz` for each dialect, always the same; and whether its checks find what they must."""

from collections import Counter

import msgspec
import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import Reader
from gateway.events import Event, Finish, StreamError
from gateway.model import FinishReason
from tests import fuzz as fuzzing
from tests.fuzz import Fault, case

CASES = 150


@pytest.mark.parametrize("name", DIALECTS)
def test_damaged_input_is_a_typed_error_or_a_valid_stream(name: str) -> None:
    outcomes = Counter(outcome for number in range(CASES) for outcome in case(11, name, number))
    for kind, endings in {
        "stream": ("failed", "finished"),
        "answer": ("failed", "finished"),
        "request": ("refused", "carried"),
        "error": ("bad_request", "rate_limited", "provider_key_rejected", "provider_error"),
    }.items():
        for ending in endings:
            assert outcomes[name, kind, ending] > 0, (kind, ending)


def test_a_case_is_the_same_every_time() -> None:
    assert case(3, "gemini", 5) == case(3, "gemini", 5)


class Swallowing:
    """A reader that calls a broken stream finished."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def feed(self, data: bytes) -> list[Event]:
        return self._calm(self._reader.feed(data))

    def close(self) -> list[Event]:
        return self._calm(self._reader.close())

    @staticmethod
    def _calm(events: list[Event]) -> list[Event]:
        return [Finish(FinishReason.STOP) if isinstance(event, StreamError) else event for event in events]


class Crashing(Swallowing):
    """A reader that raises where a stream is broken."""

    @staticmethod
    def _calm(events: list[Event]) -> list[Event]:
        if any(isinstance(event, StreamError) for event in events):
            raise RuntimeError("crashed")
        return events


@pytest.mark.parametrize(("reader", "words"), [(Swallowing, "characters lost"), (Crashing, "crashed")])
def test_a_reader_that_swallows_errors_or_crashes_is_found(
    monkeypatch: pytest.MonkeyPatch, reader: type[Swallowing], words: str
) -> None:
    whole = DIALECTS["anthropic"]
    broken = msgspec.structs.replace(whole, reader=lambda: reader(whole.reader()))
    monkeypatch.setitem(fuzzing.DIALECTS, "anthropic", broken)
    with pytest.raises(Fault, match=f"stream: --seed 1 --dialect anthropic --case .*{words}"):
        for number in range(400):
            case(1, "anthropic", number)
