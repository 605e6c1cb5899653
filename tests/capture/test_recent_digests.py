"""What was seen lately is known, and no more than twice as much is kept."""

import sys

import pytest

from gateway.capture.recent_digests import RecentDigests
from gateway.capture.redactor import REMEMBERED


def _digests(start: int, count: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(start, start + count)]


@pytest.mark.parametrize("count", [1, 99, 100, 101, 150, 199, 200, 1_000])
def test_the_latest_are_known_and_memory_is_bounded(count: int) -> None:
    recent = RecentDigests(100)
    digests = _digests(0, count)
    for digest in digests:
        assert digest not in recent
        recent.add(digest)
        assert len(recent) <= 200
    assert all(digest in recent for digest in digests[-100:])


def test_what_is_asked_for_stays_however_much_comes() -> None:
    recent = RecentDigests(100)
    asked = _digests(5_000, 1)[0]
    recent.add(asked)
    for digest in _digests(0, 1_000):
        recent.add(digest)
        if digest[-1] % 50 == 0:
            assert asked in recent


def test_what_redactors_remember_fills_its_sets() -> None:
    """Four hundred more took three megabytes more: a set grows to four times its size at once."""
    recent = RecentDigests(REMEMBERED)
    for digest in _digests(0, 2 * REMEMBERED - 1):
        recent.add(digest)
    room = sys.getsizeof(recent._young) + sys.getsizeof(recent._old)
    assert len(recent) == 2 * REMEMBERED - 1
    assert room / len(recent) < 32
