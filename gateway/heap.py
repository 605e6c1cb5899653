"""glibc's heaps: one for all threads where memory counts, and what is free in them given back.

What was freed between blocks that live on stays with the process. Bodies, rows and pages come and go on a dozen
threads, each with a heap of its own: after an hour's use a quarter of these was free.
"""

import ctypes
import sys
from typing import Any

# malloc.h
_M_ARENA_MAX = -8


def share() -> bool:
    """From now on one heap serves all threads; before there are any. An allocation then waits for another thread's,
    which takes a tenth of a microsecond.

    False where this is another C library, which is left as it is.
    """
    mallopt = _of_glibc("mallopt")
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, 1))


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
