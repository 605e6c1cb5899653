"""A disk that fills up under a running gateway, and is freed again.

A small file system in memory where one may be mounted; else the kernel's limit on the size of the gateway's files,
which refuses every byte beyond it just as well, with another error.
"""

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tests.endtoend.serving import Served
from tests.soak.mixed import completeness, unexplained

SIZE = "6m"
MOST_CALLS = 600


class Disk(Protocol):
    """For the store of a process. `kind` is what the meter calls a database that this disk refuses."""

    kind: str

    def fill(self, pid: int) -> None: ...

    def free(self, pid: int) -> None: ...


class _SmallDisk:
    kind = "database_full"

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, _pid: int) -> None:
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    def free(self, _pid: int) -> None:
        self._filler.unlink()


class LimitedFiles:
    kind = "database_failing"

    def fill(self, pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def free(self, pid: int) -> None:
        limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A disk for what is in this folder, which is made."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        yield LimitedFiles()
        return
    try:
        yield _SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def run_full(gateway: Served, full: Disk) -> tuple[list[str], list[str]]:
    """Ask while the disk is full, until the meter says so; the ids of all answers, and the faults."""
    ids, found = [], []

    def ask() -> dict[str, int]:
        reply = gateway.chat(f"Call {len(ids)}.")
        ids.append(reply.id)
        if reply.status != 200:
            found.append(f"A call failed while the disk was full: {reply}.")
        reading = completeness(gateway)
        found.extend(unexplained(reading))
        return {each["kind"]: each["count"] for each in reading["differences"]}

    ask()
    full.fill(gateway.process.pid)
    named: dict[str, int] = {}
    while not {full.kind, "memory_only"} <= named.keys():
        named = ask()
        if len(ids) > MOST_CALLS:
            found.append(f"The disk is full, and the meter says {named}.")
            break
    full.free(gateway.process.pid)
    ask()
    return ids, found
