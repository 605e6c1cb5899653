"""From an export request's bytes to the consumer that keeps what is in them, on a thread of its own.

What an exporter is told has happened: a request is answered when the consumer has made all of it durable, so that no
acknowledged span is lost with the process, and no second copy of it is written anywhere. Requests that arrive while
the thread works are taken together, one call of the consumer per key, so that small requests share a transaction.
Bodies wait in memory up to a bound; beyond it, and where the consumer does not keep up, exporters are told to come
again, which all of them do.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from threading import Condition, Thread
from time import perf_counter, sleep
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.errors import ClientError, GatewayError
from gateway.keys.access import Principal
from gateway.telemetry import otlp_json, otlp_protobuf
from gateway.telemetry.bounds import MIB
from gateway.telemetry.items import Step
from gateway.telemetry.malformed import Malformed, TooMany
from gateway.telemetry.otlp_replies import JSON, PROTOBUF
from gateway.telemetry.records import Batch

WAITING_BYTES = 128 * MIB
TOGETHER_BYTES = 4 * MIB
# The loop waits for as long as this thread holds the interpreter, which by itself would be 0.5 ms each time.
WORK_S, PAUSE_S = 0.0002, 0.00005
# Exporters give up after ten seconds; they must have heard of it before.
PATIENCE_S = 8.0
RETRY_AFTER_S = 5

_log = logging.getLogger(__name__)

Parse = Callable[[bytes | bytearray, str, Step], Batch]
# What stands between reading and keeping, such as redaction: on the intake's thread, before anything is stored.
Change = Callable[[Batch, Principal, Step], Batch]

_PARSERS: Mapping[tuple[str, str], Parse] = {
    ("traces", PROTOBUF): otlp_protobuf.parse_traces,
    ("logs", PROTOBUF): otlp_protobuf.parse_logs,
    ("metrics", PROTOBUF): otlp_protobuf.parse_metrics,
    ("traces", JSON): otlp_json.parse_traces,
    ("logs", JSON): otlp_json.parse_logs,
    ("metrics", JSON): otlp_json.parse_metrics,
}


class Consumer(Protocol):
    """Keeps what was received."""

    def accept(self, batch: Batch, principal: Principal) -> bool:
        """Make the batch durable: True once a kill would not lose it, False where there is no room for it now.

        Called on one thread at a time. The same spans may come again: they count once.
        """


class Counts(Struct):
    """Since the start: requests by how they ended, items by kind."""

    requests: int = 0
    malformed: int = 0
    turned_away: int = 0
    spans: int = 0
    logs: int = 0
    points: int = 0
    rejected: int = 0


class _Waiting(Struct):
    signal: str
    media_type: str
    body: bytes | bytearray
    principal: Principal
    answer: "Future[Batch]"
    batch: Batch = Batch()


class _GivingWay:
    """Called often on a thread that works long: lets others run every so often."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since = 0.0

    def __call__(self) -> None:
        if perf_counter() - self._since > WORK_S:
            # Not 0: that gives the interpreter back and takes it again before anybody else wakes up.
            sleep(PAUSE_S)
            self._since = perf_counter()


class Intake:
    """Takes export requests for one consumer. `own_instance`: see `items.Items`."""

    def __init__(
        self,
        consumer: Consumer,
        *,
        changes: Sequence[Change] = (),
        own_instance: str = "",
    ) -> None:
        self.counts = Counts()
        self._consumer = consumer
        self._changes = tuple(changes)
        self._own = own_instance
        self._patience_s = PATIENCE_S
        self._held = 0
        self._give_way = _GivingWay()
        self._queue: deque[_Waiting] = deque()
        self._changed = Condition()
        self._closing = True
        self._thread: Thread | None = None

    def start(self) -> None:
        self._closing = False
        self._thread = Thread(target=self._run, name="telemetry-intake", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more, finish what waits, end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    # Room: bodies count from their first byte until they are answered.

    @property
    def held(self) -> int:
        """Bytes of bodies that are being read or wait."""
        return self._held

    def hold(self, size: int) -> None:
        """Make room for so many bytes more. Raises GatewayError (503), and holds nothing."""
        with self._changed:
            if not self._closing and self._held + size <= WAITING_BYTES:
                self._held += size
                return
        raise self._come_again("The gateway has no room for more telemetry now")

    def let_go(self, size: int) -> None:
        with self._changed:
            self._held -= size

    # Requests.

    async def take(self, signal: str, media_type: str, body: bytes | bytearray, principal: Principal) -> Batch:
        """What was kept; its `rejected` and `reason` are for the sender. Raises ClientError (400, 413), or
        GatewayError (503) where it was not kept."""
        waiting = _Waiting(signal, media_type, body, principal, Future())
        with self._changed:
            if self._closing:
                raise self._come_again("The gateway is stopping")
            self.counts.requests += 1
            self._queue.append(waiting)
            self._changed.notify()
        try:
            async with asyncio.timeout(self._patience_s):
                return await asyncio.wrap_future(waiting.answer)
        except TimeoutError:
            raise self._come_again("The gateway does not keep up with the telemetry that it gets") from None
        finally:
            # Who asked has given up, or has left: what still waits in the queue must not hold it.
            waiting.body = b""

    def _come_again(self, why: str) -> GatewayError:
        self.counts.turned_away += 1
        return GatewayError(
            f"{why}: send it again in {RETRY_AFTER_S} s.",
            status=503,
            kind="overloaded",
            headers={"retry-after": str(RETRY_AFTER_S)},
        )

    # On the thread.

    def _run(self) -> None:
        while taken := self._next():
            keep = [one for one in taken if one.answer.set_running_or_notify_cancel() and self._read(one)]
            by_key: dict[str, list[_Waiting]] = {}
            for one in keep:
                by_key.setdefault(one.principal.key_id, []).append(one)
            for of_key in by_key.values():
                self._keep(of_key)

    def _next(self) -> list[_Waiting]:
        """Requests to be kept together; none where the thread is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            taken: list[_Waiting] = []
            size = 0
            while self._queue and (not taken or size + len(self._queue[0].body) <= TOGETHER_BYTES):
                taken.append(self._queue.popleft())
                size += len(taken[-1].body)
            return taken

    def _read(self, waiting: _Waiting) -> bool:
        try:
            batch = _PARSERS[waiting.signal, waiting.media_type](waiting.body, self._own, self._give_way)
            waiting.body = b""
            for change in self._changes:
                batch = change(batch, waiting.principal, self._give_way)
        except Malformed as error:
            self.counts.malformed += 1
            status, kind = (413, "too_large") if isinstance(error, TooMany) else (400, "bad_request")
            message = f"This is no OTLP request that can be read: {error}."
            _answer(waiting, ClientError(message, status=status, kind=kind))
            return False
        except Exception:
            _log.exception("Telemetry could not be read")
            # Sending it again would end the same way, and older exporters send again whatever is a 5xx.
            _answer(waiting, ClientError("This OTLP request cannot be read: the gateway's log says why."))
            return False
        waiting.batch = batch
        return True

    def _keep(self, together: Sequence[_Waiting]) -> None:
        whole = _joined([one.batch for one in together])
        try:
            kept = not (whole.spans or whole.logs or whole.metrics) or self._consumer.accept(
                whole, together[0].principal
            )
        except Exception as error:
            _log.warning("Telemetry cannot be kept now (%s): its senders are told to send it again.", error)
            kept = False
        if kept:
            self.counts.spans += len(whole.spans)
            self.counts.logs += len(whole.logs)
            self.counts.points += len(whole.metrics)
        for one in together:
            self.counts.rejected += one.batch.rejected
            _answer(one, one.batch if kept else self._come_again("The gateway cannot keep telemetry now"))


def _answer(waiting: _Waiting, answer: Batch | Exception) -> None:
    # Who asked may have left.
    with contextlib.suppress(InvalidStateError):
        if isinstance(answer, Exception):
            waiting.answer.set_exception(answer)
        else:
            waiting.answer.set_result(answer)


def _joined(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return replace(
        batches[0],
        spans=tuple(span for batch in batches for span in batch.spans),
        logs=tuple(record for batch in batches for record in batch.logs),
        metrics=tuple(point for batch in batches for point in batch.metrics),
    )
