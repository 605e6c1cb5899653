"""The capture: hears exchanges begin and end on the event-loop thread, and tells the store of them on its own.

Nothing waits for it. What has ended stands in a queue that is bounded in number and size; beyond that an exchange is
told without what it said, and counted. Parsing, redaction and storing happen on the capture's thread, one exchange
after another, so that a conversation's turns are told in the order in which they ended.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from threading import Condition, Lock, Thread
from typing import Protocol

from msgspec import structs

from gateway.capture.header_masks import HeaderMasks
from gateway.capture.heard import Heard
from gateway.capture.pause import PAUSED, Pause
from gateway.capture.questions import asked, is_told
from gateway.capture.redactor import Redactor
from gateway.capture.switches import Switches, figures_only
from gateway.capture.telling import answer_of, told
from gateway.relaying.exchange import Exchange
from gateway.told import Told

# What may wait to be told.
MOST_WAITING = 20_000
MOST_WITH_CONTENT = 4000
MOST_BYTES = 256 * 2**20
GROUP_S = 0.05
CLOSE_TIMEOUT_S = 10.0
NO_TURN = "This exchange is no turn of a conversation."
_BUSY = "What was said is not kept: more was said at that moment than could be taken down."
_FAILED = "What was said is not kept: it could not be read, and the log says more."

_log = logging.getLogger(__name__)


class Threads(Protocol):
    """The store of conversations, as far as it is told."""

    def put(self, told: Told) -> bool:
        """Whether it was taken."""
        ...


# Others that are shown every exchange that ended, and what may be kept of it, on the capture's thread.
Witness = Callable[[Exchange, Told], None]


class Capture:
    """One gateway's. `begin` and `end` belong on the event-loop thread and neither wait nor raise."""

    def __init__(
        self,
        threads: Threads,
        switches: Switches,
        redactor: Redactor,
        *,
        witnesses: Sequence[Witness] = (),
        most: int = MOST_WITH_CONTENT,
        most_bytes: int = MOST_BYTES,
        pause: Pause | None = None,
    ) -> None:
        self._threads = threads
        self._switches = switches
        self._redactor = redactor
        self._at_once = redactor.at_once()
        self._masks = HeaderMasks(redactor)
        self._witnesses = tuple(witnesses)
        self._pause = pause if pause is not None else Pause()
        self._most, self._most_bytes = most, most_bytes
        self._running: dict[str, Exchange] = {}
        self._queue: deque[Exchange] = deque()
        self._held = self._bytes = 0
        self._counts: Counter[str] = Counter()
        self._counts_lock = Lock()
        self._changed = Condition()
        self._taken_in = self._done = self._flush_to = 0
        self._closing = False
        self._thread = Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    # What the relay tells.

    def begin(self, exchange: Exchange) -> None:
        if self._pause.left_s > 0:
            exchange.heard.lost = PAUSED
        if is_told(exchange.heard.door):
            self._running[exchange.id] = exchange

    def words_kept(self, exchange: Exchange, text: str) -> str | None:
        """None too where own rules have a say: what they leave of it is told once they had their time."""
        if exchange.heard.lost is not None or self._switches.why_not(exchange) is not None or self._at_once is None:
            return None
        return self._at_once.through(lambda clean: clean(text))

    def end(self, exchange: Exchange) -> None:
        heard = exchange.heard
        turn = self._running.pop(exchange.id, None) is not None
        if exchange.record is None or not (turn or self._witnesses):
            return
        if not turn:
            heard.let_go(NO_TURN)
        elif heard.lost is not None:
            # What came after it was lost is held until here.
            heard.let_go(heard.lost)
        if heard.body is not None:
            heard.size += len(heard.body)
        if heard.answer is not None:
            heard.size += len(heard.answer)
        if heard.headers is not None:
            heard.size += sum(map(len, heard.headers.values()))
        if len(self._queue) >= MOST_WAITING:
            self._count("content_busy")
            return
        with self._changed:
            if self._held >= self._most or self._bytes + heard.size > self._most_bytes:
                self._count("content_busy")
                heard.let_go(_BUSY)
            self._bytes += heard.size
            self._held += heard.lost is None
            self._queue.append(exchange)
            self._taken_in += 1
            # Waking the thread for each would cost more than all the rest here.
            if len(self._queue) == 1:
                self._changed.notify_all()

    def forget_running(self) -> None:
        """A pause begins: what runs now is told by its figures alone; on the event-loop thread."""
        for exchange in self._running.values():
            exchange.heard.lost = PAUSED

    # What others ask.

    def running(self) -> tuple[Told, ...]:
        """Exchanges that run now, with what was said so far; from any thread but the loop's, which it would hold."""
        found = []
        for exchange in tuple(self._running.values()):
            if exchange.record is None:
                found.append(self._told(exchange, exchange.heard))
        return tuple(found)

    def uncaptured(self) -> Mapping[str, int]:
        """How many exchanges were told without what they said since the start, by the meter's reasons."""
        with self._counts_lock:
            return dict(self._counts)

    def flush(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Wait until all that has ended is told; False where that took too long."""
        with self._changed:
            target = self._flush_to = self._taken_in
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= target, timeout_s)

    def close(self) -> None:
        """Tell what waits, within a bounded time, and end the thread."""
        if not self.flush():
            _log.warning("%d exchanges' content was not stored before the end.", self._taken_in - self._done)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(CLOSE_TIMEOUT_S)
        self._redactor.close()

    # The capture's own thread.

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            for exchange in batch:
                if self._closing:
                    return
                self._tell(exchange)

    def _next(self) -> list[Exchange] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            if self._closing:
                return None
            # A group at once: what just ended is still warm on the loop, whose last steps this would delay.
            self._changed.wait_for(lambda: self._flush_to > self._done or self._closing, GROUP_S)
            batch = list(self._queue)
            self._queue.clear()
            return batch

    def _tell(self, exchange: Exchange) -> None:
        heard = exchange.heard
        size, held = heard.size, heard.lost is None
        try:
            told = self._told_somehow(exchange, heard)
            self._show(exchange, told)
            if is_told(heard.door) and not self._threads.put(told):
                self._count("content_unstored")
        except Exception as error:
            self._count("content_unstored")
            _log.error("%s was not told to the store of conversations (%s).", exchange.id, type(error).__name__)
        finally:
            with self._changed:
                self._bytes -= size
                self._held -= held
                self._done += 1
                self._changed.notify_all()

    def _show(self, exchange: Exchange, told: Told) -> None:
        for witness in self._witnesses:
            try:
                witness(exchange, told)
            except Exception as error:
                _log.error("%s was not shown to %s (%s).", exchange.id, witness, type(error).__name__)

    def _told_somehow(self, exchange: Exchange, heard: Heard) -> Told:
        """With its content, or where that fails with its figures."""
        try:
            return self._told(exchange, heard)
        except Exception as error:
            # The error's own words may repeat what was said.
            self._count("content_failed")
            _log.error("What %s said could not be read (%s).", exchange.id, type(error).__name__)
            return _figures(exchange, heard, _FAILED)

    def _told(self, exchange: Exchange, heard: Heard) -> Told:
        why = heard.lost or self._switches.why_not(exchange)
        if why is not None:
            return _figures(exchange, heard, why)
        if heard.asked is None and heard.body is not None:
            heard.asked = asked(heard.door, heard.body)
        request, hints = heard.asked or (None, ())
        response, more = answer_of(heard)
        headers = self._masks.groups(heard) if self._switches.headers else ()
        found = told(exchange, heard, request=request, response=response, hints=(*hints, *more), headers=headers)
        return self._redactor.redacted(self._switches.kept(found), (heard.key,) if heard.key else ())

    def _count(self, kind: str) -> None:
        with self._counts_lock:
            self._counts[kind] += 1


def _figures(exchange: Exchange, heard: Heard, why: str) -> Told:
    """What is told of an exchange of which nothing said is kept: of an error's words those that its row has."""
    record = exchange.record
    found = figures_only(told(exchange, heard, request=None, response=None, hints=()), why)
    return structs.replace(found, error_message=record.error_message if record is not None else None)
