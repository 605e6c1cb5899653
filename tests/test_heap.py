"""One heap serves all threads once it is told to, and what was freed between blocks that live on goes back to the
system; where the C library is another one, nothing happens."""

import subprocess
import sys
from pathlib import Path

import psutil

from gateway import heap

ROOT = Path(__file__).parents[1]
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


# Prints how many heaps threads have made that allocate at the same time.
THREADS = """
import ctypes, sys, threading
from gateway import heap

told = heap.share() if sys.argv[1] == "shared" else None
together = threading.Barrier(4)

def allocate():
    blocks = [bytes(5_000) for _ in range(100)]
    together.wait()
    return blocks

threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.fclose.argtypes = [ctypes.c_void_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
print(told, open(sys.argv[2]).read().count("<heap "))
"""


def test_threads_share_a_heap(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        assert not heap.share()
        return

    def heaps(how: str) -> list[str]:
        command = [sys.executable, "-c", THREADS, how, str(tmp_path / how)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    assert heaps("shared") == ["True", "1"]
    told, apart = heaps("apart")
    assert told == "None" and int(apart) > 1, "each thread has its own otherwise"


# Prints how many megabytes of large blocks stay once these are freed between small ones that live on.
LARGE = """
import sys, psutil
from gateway import heap

if sys.argv[1] == "shared":
    heap.share()
resident = lambda: psutil.Process().memory_info().rss / 2**20
# Once one of 20 MB was freed, glibc no longer maps by themselves what is smaller.
bytes(20_000_000)
before, blocks = resident(), []
for number in range(40):
    blocks += [b"1" * 1_000_000, b"2" * 100_000]
del blocks[::2]
print(resident() - before)
"""


def test_what_is_large_goes_back_at_once(tmp_path: Path) -> None:
    stays = {}
    for how in ("shared", "alone"):
        command = [sys.executable, "-c", LARGE, how]
        stays[how] = float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    if sys.platform.startswith("linux"):
        assert stays["shared"] < 10 < stays["alone"]
