"""CPU time of another process, of all its threads: what a busy machine's clock on the wall cannot tell."""

import sys
import time

import psutil


def cpu_seconds(pid: int) -> float:
    if sys.platform == "linux":
        # The kernel's number for "the CPU clock of process PID" (clock_getcpuclockid(3)); it counts nanoseconds.
        return time.clock_gettime((~pid << 3) | 2)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
