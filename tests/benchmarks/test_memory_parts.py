"""Looking at a process's memory leaves what runs in it alone."""

import gc
import sys

from tests.benchmarks.memory_parts import count_objects


def test_nothing_is_held_by_the_count_wherever_another_thread_may_have_its_turn() -> None:
    """A tuple that somebody holds cannot be completed by the thread that is making it."""
    seen = ([],)
    assert gc.is_tracked(seen)
    holders = sys.getrefcount(seen)
    held: list[int] = []
    sys.setprofile(lambda *_: held.append(sys.getrefcount(seen)))
    try:
        counted = count_objects()
    finally:
        sys.setprofile(None)
    assert counted > 1000
    # The function of the profile holds it too.
    assert held and max(held) == min(held) <= holders + 1
