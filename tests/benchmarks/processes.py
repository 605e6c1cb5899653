"""Child processes of the benchmark: started, pinned, measured, ended.

CPU time is that of all its threads.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.cpu_time import cpu_seconds

ROOT = Path(__file__).parents[2]
_LINUX = sys.platform == "linux"
CORES = sorted(os.sched_getaffinity(0)) if _LINUX else []
TARGET_CORE = set(CORES[:1])
LOAD_CORES = set(CORES[1:2])


class Child:
    """A process that prints a ready line. Its CPU time is booked on accounts: `book` closes the one before."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        cores: set[int] = TARGET_CORE,
        environment: Mapping[str, str] | None = None,
        log: Path,
    ) -> None:
        self.name = name
        started = time.monotonic()
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self.pid = self._process.pid
        if cores and len(CORES) > 1:
            os.sched_setaffinity(self.pid, cores)
        self.port = self._ready(log)
        self.start_s = time.monotonic() - started
        self.cpu_s: defaultdict[str, float] = defaultdict(float)
        self._account = ""
        self._read_at = self.cpu()

    def _ready(self, log: Path) -> int:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"{") and json.loads(line).get("event") == "ready":
                return int(json.loads(line)["url"].rpartition(":")[2])
        code = self._process.wait()
        raise RuntimeError(f"{self.name} ended with code {code} before it was ready:\n{log.read_text()[-2000:]}")

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return cpu_seconds(self.pid)

    def book(self, account: str) -> None:
        """From now on, CPU time goes to this account."""
        now = self.cpu()
        self.cpu_s[self._account] += now - self._read_at
        self._account, self._read_at = account, now

    def rss_mb(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 2**20

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def line(self) -> bytes:
        """The next line of its standard output."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def pin_load() -> None:
    """Keep this process off the targets' core."""
    if LOAD_CORES:
        os.sched_setaffinity(0, LOAD_CORES)
