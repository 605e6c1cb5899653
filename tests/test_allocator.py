"""The C library keeps two heaps for all threads, not one for each: counted by itself, in processes of their own."""

import re
import subprocess
import sys

SCRIPT = """
import ctypes, sys, threading
from gateway.allocator import share_heaps
if "shared" in sys.argv:
    assert share_heaps()
ready, go = threading.Barrier(9), threading.Event()

def work():
    kept = [bytes(100_000) for _ in range(20)]
    ready.wait()
    go.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
ready.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
go.set()
for thread in threads:
    thread.join()
"""


def heaps(path: object, *words: str) -> int:
    subprocess.run([sys.executable, "-c", SCRIPT, str(path), *words], check=True)
    with open(str(path)) as told:
        return len(re.findall("<heap nr=", told.read()))


def test_threads_share_two_heaps(tmp_path: object) -> None:
    assert heaps(f"{tmp_path}/shared.xml", "shared") == 2 < heaps(f"{tmp_path}/each.xml")
