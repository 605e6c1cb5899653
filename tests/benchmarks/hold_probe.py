"""How long the window holds the loop that it shares with the gateway: a probe inside the app.

A beat every 5 ms on the loop tells how late it came. What of that is the window's doing is told apart: all that runs
on the thread between the loop's turns (slots, timers, paints), and within them the steps of tasks that run code of
`app/`. A neighbour's time slice is no hold of ours, so a hold is also counted by this thread's CPU time.

Where the gateway has more to do than there is time, a beat waits for several turns in a row, and for all that the
window does between them. So the longest of these pieces is told too: for so long nothing of the gateway ran.
"""

import gc
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Coroutine, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import app
from app.loop import QtLoop

BEAT_S = 0.005
LONG_S = 0.016
SLOT_S = 0.008
"""No slot of the window's should take longer."""
_SAMPLE_S = 0.003
_SAMPLES = 1000
_CALLS = 6
# A turn that found nothing ready takes less.
_SERVED_S = 0.0001
WINDOWS_CODE = str(Path(app.__file__).parent)
_OURS = str(Path(app.__file__).parents[1])


class Hold(NamedTuple):
    """Seconds for which one beat waited for the window, by its CPU time and by the clock; `late` for whatever it was.

    `unbroken` is the longest piece of CPU time that the window took by then without a turn of the gateway's.
    """

    own: float
    clock: float
    late: float
    unbroken: float = 0.0


class Pieces:
    """What ran since the last beat: begin and end by the clock, and the CPU seconds of all of it; `ever` of all time."""

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []
        self.cpu = self.ever = 0.0
        self._began: tuple[float, float] | None = None

    def begin(self, of: object = None) -> None:
        """`of` is what runs, where that is known."""
        self._began = time.monotonic(), time.thread_time()

    def end(self) -> None:
        if self._began is not None:
            clock, cpu = self._began
            self.times.append((clock, time.monotonic()))
            spent = time.thread_time() - cpu
            self.cpu += spent
            self.ever += spent
            self._began = None

    def restart(self) -> None:
        """At a beat: what runs now is cut in two."""
        self.times.clear()
        self.cpu = 0.0

    def within(self, since: float, until: float) -> float:
        """Seconds of the clock in that span."""
        return sum(max(0.0, min(end, until) - max(begin, since)) for begin, end in self.times)


class Unbroken:
    """CPU seconds that the window took with nothing of the gateway's in between."""

    def __init__(self) -> None:
        self._longest = self._now = 0.0
        self._since = time.thread_time()

    def turn_begins(self) -> None:
        self._add(time.thread_time() - self._since)

    def turn_ends(self, by_window: float, by_others: float) -> None:
        """CPU seconds of the turn. Steps of the window's are taken to have come first, and without a break."""
        self._add(by_window)
        if by_others >= _SERVED_S:
            self._now = 0.0
        self._since = time.thread_time()

    def take(self) -> float:
        """The longest since this was last asked."""
        longest, self._longest = self._longest, 0.0
        return longest

    def _add(self, seconds: float) -> None:
        self._now += seconds
        self._longest = max(self._longest, self._now)


class _Timed(Coroutine[Any, Any, Any]):
    """A task of the window's; each of its steps is a piece."""

    def __init__(self, inner: Coroutine[Any, Any, Any], steps: Pieces) -> None:
        self._inner = inner
        self._steps = steps

    def send(self, value: Any) -> Any:
        self._steps.begin(self._inner)
        try:
            return self._inner.send(value)
        finally:
            self._steps.end()

    def throw(self, *error: Any) -> Any:
        self._steps.begin(self._inner)
        try:
            return self._inner.throw(*error)
        finally:
            self._steps.end()

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


class ProbedLoop(QtLoop):
    """The app's loop, which writes down its turns, and the window's steps within them."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.turns, self.steps, self.unbroken = Pieces(), self.make_steps(), Unbroken()
        super().__init__(*args, **more)

    def make_steps(self) -> "Pieces":
        return Pieces()

    def wakes(self, receiver: object) -> bool:
        """Whether an event for this is a turn of the loop."""
        return any(receiver is getattr(self, name, None) for name in ("_now_timer", "_due_timer", "_notifier"))

    def _turn(self, *activated: object) -> None:
        self.unbroken.turn_begins()
        turns, steps = self.turns.ever, self.steps.ever
        self.turns.begin()
        try:
            super()._turn(*activated)
        finally:
            self.turns.end()
            by_window = self.steps.ever - steps
            self.unbroken.turn_ends(by_window, self.turns.ever - turns - by_window)

    def create_task(self, coroutine: Any, **more: Any) -> Any:
        code = getattr(coroutine, "cr_code", None)
        if code is not None and code.co_filename.startswith(WINDOWS_CODE):
            coroutine = _Timed(coroutine, self.steps)
        return super().create_task(coroutine, **more)


class Witness(Protocol):
    """Is told of long holds, and says of each how long it was and what ran then."""

    def hold(self, since: float, until: float, seconds: float) -> None: ...

    def take(self) -> list[tuple[float, str]]: ...

    def stop(self) -> None: ...


class HoldProbe:
    """Beats from `start` on. `take` gives the holds since it was last asked."""

    def __init__(self, loop: ProbedLoop) -> None:
        self._loop = loop
        self._due = self._cpu = 0.0
        self._holds: list[Hold] = []
        self._blame: Witness | None = None
        self._longer_s = LONG_S
        self._stopped = False

    def start(self) -> None:
        """Call it on the loop."""
        self._next()

    def blame(self, longer_s: float = LONG_S, blame: "Witness | None" = None) -> None:
        """From now on also tell what ran during each hold that takes longer; looking costs a little itself."""
        self._blame = blame or Blame()
        self._longer_s = longer_s

    def stop(self) -> None:
        """Beat and look no more."""
        self._stopped = True
        if self._blame is not None:
            self._blame.stop()

    def take(self) -> tuple[list[Hold], list[tuple[float, str]]]:
        """The holds, and the long ones with what ran then."""
        holds, self._holds = self._holds, []
        return holds, self._blame.take() if self._blame is not None else []

    def _next(self) -> None:
        if self._stopped:
            return
        turns, steps = self._loop.turns, self._loop.steps
        turns.end()
        turns.restart()
        steps.restart()
        turns.begin()
        self._due = self._loop.time() + BEAT_S
        self._cpu = time.thread_time()
        self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        turns, steps = self._loop.turns, self._loop.steps
        # A beat runs in a turn, which is cut here.
        turns.end()
        now = self._loop.time()
        late = max(0.0, now - self._due)
        clock = late - turns.within(self._due, now) + steps.within(self._due, now)
        own = time.thread_time() - self._cpu - turns.cpu + steps.cpu
        hold = Hold(max(0.0, min(clock, own)), max(0.0, clock), late, self._loop.unbroken.take())
        self._holds.append(hold)
        if self._blame is not None and hold.own > self._longer_s:
            self._blame.hold(self._due, now, hold.own)
        turns.begin()
        self._next()


class Collections:
    """Notes each garbage collection of this process, until `stop`."""

    def __init__(self) -> None:
        self._began = 0.0
        self._found: list[tuple[int, float, int]] = []
        gc.callbacks.append(self._note)

    def take(self) -> list[tuple[int, float, int]]:
        """Those since this was last asked: generation, seconds of its thread's CPU time, and what was collected."""
        found, self._found = self._found, []
        return found

    def stop(self) -> None:
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, told: Mapping[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
        else:
            self._found.append((told["generation"], time.thread_time() - self._began, told["collected"]))


class Blame:
    """A thread that looks every few milliseconds at what the thread that made it does, until `stop`.

    Never two at once: Python's own `_current_frames` can wait for ever where two threads ask for it.
    """

    def __init__(self) -> None:
        self._of = threading.get_ident()
        self._seen: deque[tuple[float, str]] = deque(maxlen=_SAMPLES)
        self._found: list[tuple[float, str]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="blame", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_SAMPLE_S):
            self._seen.append((time.monotonic(), _words(sys._current_frames().get(self._of))))

    def hold(self, since: float, until: float, seconds: float) -> None:
        seen: Sequence[tuple[float, str]] = list(self._seen)
        counted = Counter(words for at, words in seen if since - BEAT_S <= at <= until)
        self._found.append((seconds, "; ".join(f"{count}x {words}" for words, count in counted.most_common(3))))

    def take(self) -> list[tuple[float, str]]:
        found, self._found = self._found, []
        return found


def _words(frame: Any) -> str:
    """The innermost calls, those of our own files by name and line."""
    calls: list[str] = []
    while frame is not None and len(calls) < _CALLS:
        code = frame.f_code
        if code.co_filename.startswith(_OURS) or not calls:
            calls.append(f"{code.co_filename.rpartition('/')[2]}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return " < ".join(calls)
