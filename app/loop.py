"""qasync's loop made cheap: one Qt wake-up serves many asyncio callbacks.

qasync starts a Qt timer for each callback and a notifier for each socket, and leaves a cancelled timer armed until
its time. Here ready callbacks stand in one queue that is drained in turns of a few milliseconds, deadlines in one
heap behind one precise timer, and all sockets in one selector whose own descriptor is watched by one notifier.
Between two turns Qt handles its own events, so that painting and traffic take turns; where Qt took long while
callbacks waited, they have twice as long. On Windows, whose sockets have no such descriptor, `make_loop` gives
qasync's loop as it is.

Callbacks stand still while one of them runs a nested Qt loop: asyncio's tasks must not be entered twice. Open dialogs
with `open()`, and the question does not arise.
"""

import asyncio
import heapq
import selectors
import sys
import threading
import time
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Callable
from typing import Any

import qasync
from PySide6.QtCore import QSocketNotifier, Qt, QTimer
from PySide6.QtWidgets import QApplication

TURN_S = 0.004
"""How long callbacks may run before Qt's own events get their turn."""
LONGEST_TURN_S = 0.032
"""The same where they waited for Qt meanwhile: twice as long as that took, up to this."""
_CANCELLED_AT_LEAST = 100
_MAX_TIMER_MS = 24 * 3600 * 1000
# Its private methods are used too, which its type does not tell.
_ASYNCIO: Any = BaseSelectorEventLoop


class QtLoop(qasync.QEventLoop):  # type: ignore[misc]
    """An asyncio loop inside Qt's; Unix only. `turn_s` is the longest time (seconds) between two turns of Qt.

    `_ready`, `_scheduled`, `_timer_cancelled_count` and `_process_events` are CPython's own, the same from 3.11 to
    3.14; tests hold them.
    """

    _selector: Any
    _thread_id: int | None
    _timer_cancelled_count: int

    def __init__(self, app: QApplication, turn_s: float = TURN_S) -> None:
        self._turn_s = turn_s
        self._in_turn = False
        self._woken = False
        self._due_at: float | None = None
        # When a turn ended that left callbacks.
        self._left_at: float | None = None
        self._fatal: BaseException | None = None
        self._now_timer = QTimer(singleShot=True, interval=0)
        self._due_timer = QTimer(singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        super().__init__(app)
        self._watch(selectors.DefaultSelector())
        self._now_timer.timeout.connect(self._turn)
        self._due_timer.timeout.connect(self._turn)

    def _watch(self, selector: selectors.DefaultSelector) -> None:
        """Put a real selector in the place of qasync's, and move the self-pipe there."""
        pipe = self._ssock.fileno()
        self._remove_reader(pipe)
        self._selector.close()
        self._selector = selector
        self._add_reader(pipe, self._read_from_self)
        self._notifier = QSocketNotifier(selector.fileno(), QSocketNotifier.Type.Read)
        self._notifier.setEnabled(False)
        self._notifier.activated.connect(self._turn)

    # scheduling

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        handle: asyncio.Handle = _ASYNCIO.call_soon(self, callback, *args, context=context)
        self._wake()
        return handle

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer: asyncio.TimerHandle = _ASYNCIO.call_at(self, when, callback, *args, context=context)
        if not self._in_turn and self.is_running() and (self._due_at is None or when < self._due_at):
            self._await_deadline(when)
        return timer

    def _add_callback(self, handle: asyncio.Handle, delay: float = 0) -> asyncio.Handle:
        """What is ready: from a socket, or from a signal."""
        if not handle.cancelled():
            self._ready.append(handle)
            self._wake()
        return handle

    def _wake(self) -> None:
        if not self._woken and not self._in_turn and self.is_running():
            self._woken = True
            self._now_timer.start()

    def _await_deadline(self, when: float) -> None:
        self._due_at = when
        # Rounded up: a timer that comes early would find nothing due and be set again.
        self._due_timer.start(min(_MAX_TIMER_MS, max(0, int((when - self.time()) * 1000 + 0.999))))

    # turns

    def _turn(self, *_activated: object) -> None:
        self._woken = False
        if not self.is_running():
            return
        if self._in_turn:
            # A nested Qt loop: left on, the notifier would fire without end.
            self._notifier.setEnabled(False)
            return
        self._in_turn = True
        try:
            now = time.monotonic()
            self._run_ready(now + self._turn_length(now))
        except (SystemExit, KeyboardInterrupt) as error:
            self._fatal = error
            self.stop()
        finally:
            self._in_turn = False
            if self.is_running():
                self._rest()

    def _turn_length(self, now: float) -> float:
        waited = 0.0 if self._left_at is None else now - self._left_at
        return max(self._turn_s, min(LONGEST_TURN_S, 2 * waited))

    def _run_ready(self, until: float) -> None:
        """Sockets, deadlines, callbacks, again and again until nothing is ready or the time is up."""
        ready = self._ready
        while True:
            self._process_events(self._selector.select(0))
            self._collect_due()
            if not ready:
                return
            for _ in range(len(ready)):
                handle = ready.popleft()
                if not handle._cancelled:
                    handle._run()
                if not self.is_running() or time.monotonic() >= until:
                    return

    def _collect_due(self) -> None:
        scheduled = self._scheduled
        cancelled = self._timer_cancelled_count
        if cancelled > _CANCELLED_AT_LEAST and cancelled * 2 > len(scheduled):
            for handle in scheduled:
                handle._scheduled = not handle._cancelled
            scheduled[:] = [handle for handle in scheduled if not handle._cancelled]
            heapq.heapify(scheduled)
            self._timer_cancelled_count = 0
        now = self.time()
        while scheduled and (scheduled[0]._cancelled or scheduled[0].when() <= now):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                self._timer_cancelled_count -= 1
            else:
                self._ready.append(handle)

    def _rest(self) -> None:
        """See to the next wake-up."""
        self._notifier.setEnabled(True)
        self._left_at = time.monotonic() if self._ready else None
        if self._ready:
            self._wake()
        elif self._scheduled:
            when = self._scheduled[0].when()
            if when != self._due_at or not self._due_timer.isActive():
                self._await_deadline(when)
        else:
            self._due_at = None
            self._due_timer.stop()

    # running

    def run_forever(self) -> None:
        """Run Qt's event loop; raises SystemExit or KeyboardInterrupt where a callback did."""
        self._check_closed()
        if self.is_running():
            raise RuntimeError("This event loop is already running")
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)
        self._thread_id = threading.get_ident()
        self._notifier.setEnabled(True)
        self._woken = True
        self._now_timer.start()
        try:
            super().run_forever()
        finally:
            self._notifier.setEnabled(False)
            self._now_timer.stop()
            self._due_timer.stop()
            self._due_at = None
            self._thread_id = None
            sys.set_asyncgen_hooks(*hooks)
        if self._fatal is not None:
            error, self._fatal = self._fatal, None
            raise error

    def close(self) -> None:
        """Raises RuntimeError while the loop runs."""
        if not self.is_running() and not self.is_closed():
            self._notifier.setEnabled(False)
            self._notifier.activated.disconnect()
        super().close()

    # CPython's own in place of qasync's: with them sockets, threads and errors behave as on any asyncio loop.
    call_later = _ASYNCIO.call_later
    call_soon_threadsafe = _ASYNCIO.call_soon_threadsafe
    time = _ASYNCIO.time
    run_in_executor = _ASYNCIO.run_in_executor
    set_default_executor = _ASYNCIO.set_default_executor
    set_exception_handler = _ASYNCIO.set_exception_handler
    get_exception_handler = _ASYNCIO.get_exception_handler
    default_exception_handler = _ASYNCIO.default_exception_handler
    call_exception_handler = _ASYNCIO.call_exception_handler
    _add_reader = _ASYNCIO._add_reader
    _remove_reader = _ASYNCIO._remove_reader
    _add_writer = _ASYNCIO._add_writer
    _remove_writer = _ASYNCIO._remove_writer


def make_loop(app: QApplication) -> asyncio.AbstractEventLoop:
    """The loop that the window and the gateway share."""
    made: asyncio.AbstractEventLoop = qasync.QEventLoop(app) if sys.platform == "win32" else QtLoop(app)
    return made
