"""Where a process's memory lies, as it can say of itself: by mapping, by allocator, by database. Linux with glibc."""

import ctypes
import gc
import os
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

MIB = 2**20
_SMAPS = Path("/proc/self/smaps")
_HEADER = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)")
_PYMALLOC = re.compile(r"^(.*(?:arenas allocated current|in allocated blocks|in available blocks))\D+([\d,]+)", re.M)
# malloc.h: `struct mallinfo2`
_MALLINFO = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
_LARGEST = 24


class _Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO.split()]


def mappings() -> dict[str, tuple[float, float]]:
    """MB resident, and of these private ones, by what is mapped: a file's name, `[heap]`, or what no file backs."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    name = ""
    for line in _SMAPS.read_text().splitlines():
        header = _HEADER.match(line)
        if header is not None:
            name = header[1].rsplit("/", 1)[-1] or "(none)"
            continue
        field, _, rest = line.partition(":")
        if field == "Rss":
            found[name][0] += int(rest.split()[0]) * 1024
        elif field in ("Private_Dirty", "Private_Clean"):
            found[name][1] += int(rest.split()[0]) * 1024
    return {name: (all_ / MIB, own / MIB) for name, (all_, own) in found.items()}


def malloc() -> dict[str, float]:
    """MB of glibc's heaps: taken from the system, in use, free within them; and blocks mapped one by one."""
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Mallinfo
    said = libc.mallinfo2()
    return {
        "heaps": said.arena / MIB,
        "in use": said.uordblks / MIB,
        "free": said.fordblks / MIB,
        "mapped alone": said.hblkhd / MIB,
    }


def trimmed() -> dict[str, float]:
    """MB that glibc gives back to the system when it is asked to, and the milliseconds that it takes."""
    libc, before, began = ctypes.CDLL(None), resident(), time.perf_counter()
    libc.malloc_trim(0)
    took = time.perf_counter() - began
    return {"MB given back": before - resident(), "in ms": took * 1000}


def resident() -> float:
    return sum(all_ for all_, _ in mappings().values())


def pymalloc() -> dict[str, float]:
    """MB of Python's small objects: arenas, what is in use of them, and free blocks of used pools."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        try:
            os.dup2(file.fileno(), 2)
            sys._debugmallocstats()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        text = file.read().decode()
    arenas, used, free = (int(number.replace(",", "")) for _, number in _PYMALLOC.findall(text))
    return {"arenas of 1 MB": arenas, "in use": used / MIB, "free in pools": free / MIB}


def sqlite() -> float:
    """MB that SQLite holds in this process, caches of pages and statements included."""
    library = re.search(r"\S*libsqlite3\S*", Path("/proc/self/maps").read_text())
    if library is None:
        return 0.0
    used = ctypes.CDLL(library[0]).sqlite3_memory_used
    used.restype = ctypes.c_int64
    return float(used()) / MIB


def count_objects() -> int:
    """Those that Python's collector knows. No step of Python's lies between: the list of them holds tuples that other
    threads are just making, and could not complete while another thread holds them (SystemError)."""
    return next(map(len, iter(gc.get_objects, None))) + gc.get_freeze_count()


def objects() -> list[tuple[str, int, float]]:
    """Types that the collector knows: how many, and MB of their own, the largest first."""
    gc.unfreeze()
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for each in gc.get_objects():
        name = f"{type(each).__module__}.{type(each).__qualname__}"
        counts[name] += 1
        sizes[name] += sys.getsizeof(each)
    return [(name, counts[name], size / MIB) for name, size in sizes.most_common(_LARGEST)]


def told(*, of_objects: bool) -> list[str]:
    where = mappings()
    largest = sorted(where.items(), key=lambda pair: -pair[1][0])[:_LARGEST]
    lines = ["  MB  private  of what is mapped"]
    lines += [f"{resident:6.1f} {own:6.1f}  {name}" for name, (resident, own) in largest]
    for name, parts in (("glibc", malloc()), ("Python", pymalloc()), ("SQLite", {"in use": sqlite()})):
        lines.append(f"{name}: " + ", ".join(f"{part} {megabytes:.1f}" for part, megabytes in parts.items()))
    lines.append(f"{len(sys.modules)} modules")
    lines.append("malloc_trim: " + ", ".join(f"{part} {number:.1f}" for part, number in trimmed().items()))
    if of_objects:
        lines += [f"{size:6.2f} {count:7d}  {name}" for name, count, size in objects()]
    return lines
