"""Who listens on a port of this machine, where the system shows it: Linux's /proc; elsewhere nobody is named."""

import contextlib
import os
from pathlib import Path

_LISTEN = "0A"


def port_holder(port: int) -> str | None:
    """`process 123 (nginx)`, or None where unknown: another system, another user's process, nobody."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        # Processes end while we look, and other users' are closed to us.
        with contextlib.suppress(OSError):
            if any(_target(process / "fd" / name) in wanted for name in os.listdir(process / "fd")):
                return f"process {process.name} ({(process / 'comm').read_text().strip()})"
    return None


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                # Fields: number, local address:port in hex, remote, state, …, the tenth is the socket's inode.
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(fields[9])
    return inodes
