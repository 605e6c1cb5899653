"""What was freed between blocks that live on goes back to the system, where the C library can be told so."""

import sys

import psutil

from gateway import heap

BLOCKS, SIZE = 20_000, 2_000


def resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def test_what_is_free_in_the_heap_is_given_back() -> None:
    if not sys.platform.startswith("linux"):
        assert not heap.give_back()
        return
    blocks = [bytes([number % 251]) * SIZE for number in range(BLOCKS)]
    # Without them the heap's end would be free, and glibc gives that back by itself.
    living = blocks[::500]
    full = resident_mb()
    blocks.clear()
    freed = resident_mb()
    assert heap.give_back()
    assert all(len(block) == SIZE for block in living)
    assert full - resident_mb() > 0.7 * BLOCKS * SIZE / 2**20
    assert freed - resident_mb() > 0.5 * BLOCKS * SIZE / 2**20, "it would have been given back anyway"
