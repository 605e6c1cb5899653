"""The desktop app as `faregate` starts it, with a ready line, and a probe that tells how long the window holds the loop.

The probe runs between SIGUSR1 and SIGUSR2: a beat every 5 ms, and how late each one was. A neighbour's time slice is
no hold of ours, so a beat's lateness counts up to the CPU time that this thread has used since the beat before.
"""

import asyncio
import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from app import window_process
from app.launch import Launch, prepare

BEAT_S = 0.005
_READY_POLL_S = 0.05


class HoldProbe:
    """Beats on the loop and keeps, in seconds, what each beat waited too long."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running = False
        self._due = 0.0
        self._cpu = 0.0
        self.holds: list[float] = []
        self.late: list[float] = []

    def start(self) -> None:
        self._running = True
        self.holds.clear()
        self.late.clear()
        self._next()

    def _next(self) -> None:
        self._due = self._loop.time() + BEAT_S
        self._cpu = time.thread_time()
        self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        late = self._loop.time() - self._due
        self.late.append(late)
        self.holds.append(min(late, time.thread_time() - self._cpu))
        if self._running:
            self._next()

    def stop(self) -> None:
        self._running = False
        say({"event": "holds", "holds": self.holds, "late": self.late})


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _tell_when_ready(launch: Launch) -> None:
    while True:
        holder = launch.folder.holder()
        if holder is not None and not holder.url.endswith((":0", "/")) and holder.url:
            say({"event": "ready", "url": holder.url})
            return
        time.sleep(_READY_POLL_S)


def main() -> int:
    launch = prepare(Path(sys.argv[1]))
    make_loop = window_process.make_loop

    def make_probed_loop(*args: Any) -> asyncio.AbstractEventLoop:
        loop = make_loop(*args)
        probe = HoldProbe(loop)
        loop.add_signal_handler(signal.SIGUSR1, probe.start)
        loop.add_signal_handler(signal.SIGUSR2, probe.stop)
        return loop

    window_process.make_loop = make_probed_loop
    threading.Thread(target=_tell_when_ready, args=(launch,), daemon=True).start()
    return window_process.run_window(launch)


if __name__ == "__main__":
    sys.exit(main())
