"""glibc's heaps: one for all threads where memory counts, and what is free in them given back.

What was freed between blocks that live on stays with the process. Bodies, rows and pages come and go on a dozen
threads, each with a heap of its own: after an hour's use a quarter of these was free.
"""

import ctypes
import sys
from typing import Any

# malloc.h
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
# Left to itself glibc goes up to the largest block that was ever freed, and what is as large then
# leaves holes in the heap.
_MAPPED_ALONE_BYTES = 256 * 1024


def share() -> bool:
    """Before there are any threads: from now on one heap serves all, and what is large goes back to the system as
    soon as it is freed. An allocation then waits for another thread's, which takes a tenth of a microsecond.

    False where this is another C library, which is left as it is.
    """
    mallopt = _of_glibc("mallopt")
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, 1) and mallopt(_M_MMAP_THRESHOLD, _MAPPED_ALONE_BYTES))


def give_back() -> bool:
    """Takes a millisecond or two, and as much again when the pages are wanted anew; call it off the loop, seldom.

    False where this is another C library, which is left as it is.
    """
    trim = _of_glibc("malloc_trim")
    if trim is None:
        return False
    trim(0)
    return True


def _of_glibc(name: str) -> Any:
    """A function of malloc's; None where there is none of this name."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except OSError:
        return None
