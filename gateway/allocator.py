"""glibc's malloc, told to keep less: a process with a dozen threads would hold a heap for each, mostly empty.

What one thread frees in its own heap no other uses, and after one large block was freed all of that size stay. Here
bodies of megabytes come and go on threads that translate, redact, seal and write.
"""

import ctypes
import sys

# malloc.h
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_HEAPS = 2
_LARGE = 512 * 1024


def share_heaps() -> bool:
    """Two heaps for all threads, and blocks from 512 KiB on given back when they are freed; before there are threads.

    False where this is another C library, which is left as it is.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_ARENA_MAX, _HEAPS) and mallopt(_M_MMAP_THRESHOLD, _LARGE))
