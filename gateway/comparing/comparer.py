"""Comparisons: one chat request to several models at once, each a normal exchange that leaves its own row.

Every exchange takes the chat door, in this process instead of through a socket, and streams, so that the time to the
first token is known; what is heard is gathered and told at most ten times a second. The rows of one comparison share
a tag and, where the caller names no conversation, a conversation. One that fails or is given up leaves the others
alone.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace
from multidict import CIMultiDict

from gateway.comparing.comparison_records import (
    ANSWERING,
    LEAST_MODELS,
    MOST_MODELS,
    WAITING,
    ComparedAnswer,
    Comparison,
)
from gateway.dialects import openai_chat
from gateway.errors import ClientError, UpstreamError
from gateway.events import Assembler
from gateway.http.server import Arrivals
from gateway.keys.access import Principal
from gateway.model import Response, Role, Text
from gateway.relaying.clients import CONVERSATION_HEADERS, conversation_ids
from gateway.relaying.doors import DOORS
from gateway.relaying.exchange import Exchange
from gateway.relaying.plan import BYOK_HEADER, HOP_HEADER, looped
from gateway.relaying.relay import Relay
from gateway.relaying.routing import Routing
from gateway.tags import stamp, tag_key, tags_of
from gateway.told import Told

DOOR = next(door for door in DOORS if door.dialect is openai_chat.DIALECT and door.operation.name == "chat")
TAG = "compare"
SOURCE = ("source", "source:compare")
TOLD_EVERY_S = 0.1

Tell = Callable[[ComparedAnswer], None]
Keep = Callable[[ComparedAnswer], Awaitable[None]]
KeepPrompt = Callable[[str, str], None]

_log = logging.getLogger(__name__)


def _nobody(_answer: ComparedAnswer) -> None:
    return


class ComparisonQuestion(Struct, frozen=True, kw_only=True):
    """What is asked: the models by any name that the doors know, and a chat body, whose members stay as they were
    written. Its model and whether it streams are not looked at."""

    models: tuple[str, ...]
    request: Mapping[str, Raw]

    def body(self, model: str) -> bytes:
        """The request for one model. It streams, and says what it used."""
        asked = {"model": model, "stream": True, "stream_options": {"include_usage": True}}
        return msgspec.json.encode({**self.request, **asked})

    @property
    def asked(self) -> bytes:
        """What every model is asked."""
        left_out = ("model", "stream", "stream_options")
        return msgspec.json.encode({name: raw for name, raw in self.request.items() if name not in left_out})


def comparison_question(
    models: Sequence[str], request: Mapping[str, Any], *, least: int = LEAST_MODELS
) -> ComparisonQuestion:
    """A question that can be asked. Raises ClientError."""
    if not least <= len(models) <= MOST_MODELS or not all(models):
        raise ClientError(f"`models` must name {LEAST_MODELS} to {MOST_MODELS} models.", param="models")
    raw = {
        name: value if isinstance(value, Raw) else Raw(msgspec.json.encode(value)) for name, value in request.items()
    }
    try:
        messages = msgspec.json.decode(raw.get("messages", b""), type=list[dict[str, Raw]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        messages = []
    if not messages:
        raise ClientError(
            "`request` must be a chat body: its `messages` are a list of objects.", param="request.messages"
        )
    found = ComparisonQuestion(models=tuple(models), request=raw)
    # What every model would refuse is refused once, before anything is asked.
    try:
        DOOR.peek(found.body(models[0]), None, None)
    except ClientError as error:
        error.param = error.param and f"request.{error.param}"
        raise
    return found


def new_comparison_id() -> str:
    """`cmp_`, the milliseconds in hex and 32 random bits: ids sort by time."""
    return f"cmp_{time.time_ns() // 1_000_000:012x}{random.getrandbits(32):08x}"


class Comparer:
    """Runs comparisons of one gateway. `touch(key_id, at_us)` notes that a key was used."""

    def __init__(
        self,
        relay: Relay,
        routing: Routing,
        arrivals: Arrivals,
        touch: Callable[[str, int], None],
    ) -> None:
        self._relay = relay
        self._routing = routing
        self._arrivals = arrivals
        self._touch = touch
        self._running: dict[tuple[str, int], asyncio.Task[Any]] = {}
        self._given_up: set[asyncio.Task[Any]] = set()

    def check(self, asked: ComparisonQuestion, headers: Mapping[str, str]) -> None:
        """Raises ClientError for headers that cannot be meant for these models."""
        if HOP_HEADER in headers:
            raise looped()
        tags_of(headers)
        if BYOK_HEADER in headers and len(found := self._providers(asked.models)) > 1:
            raise ClientError(
                f"{BYOK_HEADER} is one provider's key, and these models are of {' and '.join(found)}: compare models "
                "of one provider with it, or store the keys.",
                param=BYOK_HEADER,
            )

    async def run(
        self,
        asked: ComparisonQuestion,
        principal: Principal,
        headers: Mapping[str, str],
        *,
        id: str | None = None,
        first_place: int = 0,
        told: Tell | None = None,
        keep: Keep | None = None,
    ) -> Comparison:
        """Ask all models at once. `told` hears of each answer as it grows; they are counted from `first_place`.
        `keep` is given each one that is over, right after that was told, whatever the others still do.

        Raises ClientError, and CancelledError where nobody waits any more.
        """
        self.check(asked, headers)
        id, at_us = id or new_comparison_id(), time.time_ns() // 1000
        given = tags_of(headers)
        own = (f"{TAG}:{id}", *(SOURCE[1:] if SOURCE[0] not in map(tag_key, given) else ()))
        principal = replace(principal, tags=stamp(own, principal.tags))
        heard = CIMultiDict(headers)
        if conversation_ids(heard)[0] is None:
            heard[CONVERSATION_HEADERS[0]] = id
        answers = await asyncio.gather(
            *(
                self._answer(_Hearing(id, place, model, principal, told or _nobody), asked.body(model), heard, keep)
                for place, model in enumerate(asked.models, first_place)
            )
        )
        return Comparison(id=id, at_us=at_us, answers=tuple(answers))

    def cancel(self, id: str, place: int | None = None) -> None:
        """Give up one answer of a comparison that runs, or all of them; what came so far stays."""
        for (comparison, number), task in tuple(self._running.items()):
            if comparison == id and place in (None, number):
                self._given_up.add(task)
                task.cancel()

    async def stop(self) -> None:
        """End what still runs; their rows say that the gateway stopped."""
        running = tuple(self._running.values())
        self._relay.stopping = True
        try:
            for id in {id for id, _ in self._running}:
                self.cancel(id)
            await asyncio.gather(*running, return_exceptions=True)
        finally:
            self._relay.stopping = False

    async def _answer(
        self, hearing: "_Hearing", body: bytes, headers: Mapping[str, str], keep: Keep | None
    ) -> ComparedAnswer:
        task = asyncio.current_task()
        assert task is not None
        exchange, arrivals = hearing.exchange, self._arrivals
        self._running[hearing.key] = task
        self._touch(exchange.principal.key_id, exchange.started_us)
        arrivals.seen += 1
        arrivals.running += 1
        hearing.tell()
        try:
            await self._relay.run(DOOR, _Incoming(headers, body), hearing, exchange)
        except asyncio.CancelledError:
            if task not in self._given_up:
                raise
            task.uncancel()
        finally:
            arrivals.running -= 1
            self._given_up.discard(task)
            del self._running[hearing.key]
            hearing.end()
        answer = hearing.answer()
        if keep is not None:
            await keep(answer)
        return answer

    def _providers(self, models: Sequence[str]) -> list[str]:
        found: dict[str, None] = {}
        for model in models:
            try:
                found[self._routing.candidates(model)[0].provider.name] = None
            except ClientError:
                # Nobody is asked for it.
                continue
        return list(found)


class _Incoming:
    """A request of our own, as a client would have sent it."""

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        self.line = f"POST {DOOR.path}"
        self.headers = headers
        self._body = body

    async def read(self) -> bytes:
        return self._body


class _Hearing:
    """The client's end of one exchange: gathers the answer, and tells of it at most ten times a second."""

    def __init__(self, comparison: str, place: int, model: str, principal: Principal, told: Tell) -> None:
        self.key = (comparison, place)
        self.exchange = Exchange(DOOR.name, principal, time.perf_counter_ns())
        self.started = False
        self._model = model
        self._told = told
        self._reader = DOOR.dialect.reader()
        self._heard = Assembler()
        self._whole: Response | None = None
        self._due: asyncio.TimerHandle | None = None
        self._over = False

    # What the relay sees.

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        if status < 300:
            try:
                self._whole = DOOR.dialect.parse_response(body)
            except UpstreamError:
                # It passed as it is; what it cost is on its row.
                _log.warning("%s was answered in a form that cannot be read.", self.exchange.id)

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True

    async def write(self, data: bytes) -> None:
        for event in self._reader.feed(data):
            self._heard.feed(event)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(TOLD_EVERY_S, self.tell)

    async def finish(self, data: bytes) -> None:
        for event in (*self._reader.feed(data), *self._reader.close()):
            self._heard.feed(event)

    # What is told.

    def tell(self) -> None:
        self._due = None
        try:
            self._told(self.answer())
        except Exception:
            # The exchange is asked, counted and kept whoever listens.
            _log.exception("What %s says could not be told.", self.exchange.id)

    def end(self) -> None:
        self._over = True
        if self._due is not None:
            self._due.cancel()
        self.tell()

    def answer(self) -> ComparedAnswer:
        exchange, response = self.exchange, self._whole or self._heard.response()
        # The row stands before the last bytes are heard.
        record, content_ns = exchange.record if self._over else None, exchange.first_content_ns
        if record is not None:
            # Who asked may read it, whatever is kept of it.
            record = replace(record, error_message=exchange.failure)
        return ComparedAnswer(
            comparison=self.key[0],
            place=self.key[1],
            model=self._model,
            request_id=exchange.id,
            started_us=exchange.started_us,
            state=record.outcome if record else ANSWERING if content_ns else WAITING,
            parts=response.choices[0].parts if response.choices else (),
            ttft_us=(content_ns - exchange.started_ns) // 1000 if content_ns else None,
            response=response if record else None,
            record=record,
        )


class Prompts:
    """Keeps what was asked in a comparison, in the words that the capture keeps of it; on the capture's thread."""

    def __init__(self, keep: KeepPrompt) -> None:
        self._keep = keep

    def heard(self, exchange: Exchange, told: Told) -> None:
        if (id := comparison_of(exchange)) is None or told.request is None:
            return
        said = [message for message in told.request.messages if message.role is Role.USER]
        texts = [part.text for part in said[-1].parts if isinstance(part, Text)] if said else []
        if prompt := "\n".join(filter(None, texts)).strip():
            self._keep(id, prompt)


def comparison_of(exchange: Exchange) -> str | None:
    """The comparison that an exchange belongs to; a key's own tag can say none, and a client's neither."""
    found = next((tag for tag in exchange.principal.tags if tag_key(tag) == TAG), None)
    return found.partition(":")[2] or None if found else None
