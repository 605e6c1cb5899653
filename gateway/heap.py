"""glibc's heaps, told to give back what is free in them.

What was freed between blocks that live on stays with the process: after an hour's use that was a quarter of its
heaps. Bodies, rows and pages come and go on a dozen threads, each with a heap of its own.
"""

import ctypes
import sys


def give_back() -> bool:
    """Takes a millisecond or two, and as much again when the pages are wanted anew; call it off the loop, seldom.

    False where this is another C library, which is left as it is.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    trim(0)
    return True
