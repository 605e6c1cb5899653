"""Runs one exchange: door to provider and back, and leaves exactly one row whatever happens.

Bytes pass as they are where door and provider share a dialect, else codecs translate; that is decided once. The row
is journalled before the provider is called and again before the client's last byte. An exchange is closed once, in
`run`: there every ending becomes an answer for whoever still listens, and a row.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from gateway.capture.heard import Heard, Listener
from gateway.configuration.settings import Timeouts
from gateway.dialects.counts import said_bytes
from gateway.dialects.dialect import AnswerPeek, Reader
from gateway.dialects.json_text import is_object
from gateway.dialects.redaction import without_key_in_json
from gateway.dialects.tool_names import RestoringReader, restored
from gateway.dialects.void_answers import AnswerReader, require_answer
from gateway.errors import ClientError, GatewayError, UpstreamError
from gateway.events import Event
from gateway.http_head import header_text
from gateway.keys.provider_keys import ProviderKeys
from gateway.model import Response
from gateway.prices.pricing import Pricing
from gateway.relaying.answer_headers import answer_headers, whole_headers
from gateway.relaying.answer_state import remember, watch
from gateway.relaying.attempts import Attempts, Learnt, state_of_key, without_key
from gateway.relaying.clients import (
    CONVERSATION_HEADERS,
    baggage_user,
    client_name,
    conversation_ids,
    parent_conversation,
)
from gateway.relaying.connection import Client, Incoming
from gateway.relaying.deadlines import Deadline, Deadlines
from gateway.relaying.doors import Door
from gateway.relaying.endings import Endings, upstream_error
from gateway.relaying.exchange import Exchange
from gateway.relaying.plan import HOP_HEADER, LONGEST_NAME, Plan, Planner, looped, model_named
from gateway.relaying.replay import ReplayMemory
from gateway.relaying.routing import Routing, answering_model
from gateway.relaying.stored_answers import StoredAnswers
from gateway.relaying.tally import Tally, estimated_tokens
from gateway.relaying.trace_context import trace_context
from gateway.relaying.translator import Translator, answer_context, translator_of
from gateway.relaying.upstream import Answer, Upstream
from gateway.store import UsageStore
from gateway.tags import stamp, tags_of

# How long a finished stream may still say what it used before its last bytes go out without.
LATE_USAGE_S = 1.0
# Bodies from this size on are planned beside the loop, which costs a tenth of a millisecond.
LONG_BODY = 32 * 1024
# Answers from this size on are kept beside it: for so long as a shorter one takes, a thread would hold it as well.
LONG_ANSWER = 1024 * 1024
_TOLD_BY_CLIENTS = frozenset({*CONVERSATION_HEADERS, "x-user", "baggage", "traceparent", HOP_HEADER})

_log = logging.getLogger(__name__)


class Relay:
    """Everything that an exchange needs, wired once."""

    def __init__(
        self,
        *,
        routing: Routing,
        keys: ProviderKeys,
        store: UsageStore,
        pricing: Pricing,
        upstream: Upstream,
        deadlines: Deadlines,
        timeouts: Timeouts,
        learnt: Learnt,
        listener: Listener | None = None,
    ) -> None:
        self._memory = ReplayMemory()
        self._stored = StoredAnswers()
        self._planner = Planner(routing, keys, self._memory, self._stored)
        self._attempts = Attempts(self._planner, upstream, timeouts, learnt)
        self._endings = Endings(store, pricing, timeouts, learnt, listener)
        self._store = store
        self._deadlines = deadlines
        self._timeouts = timeouts
        self._learnt = learnt
        self._listener = listener
        self.running = 0
        # Set when what still runs will be cancelled by us and not by its client.
        self.stopping = False

    def let_go(self) -> None:
        """Drop what was kept for next requests that did not come. From any thread."""
        self._memory.let_go()
        self._stored.let_go()

    def forget_exchanges(self, is_gone: Callable[[str], bool]) -> None:
        """Drop what is kept of exchanges with these ids for next requests. From any thread."""
        self._memory.forget_exchanges(is_gone)
        self._stored.forget_exchanges(is_gone)

    async def run(self, door: Door, incoming: Incoming, client: Client, exchange: Exchange) -> None:
        """Serve one request of an accepted key. Raises CancelledError where the client left."""
        tally = Tally()
        listener = self._listener
        heard = exchange.heard = Heard(door)
        heard.line, heard.headers = incoming.line, incoming.headers
        if listener is not None:
            listener.begin(exchange)
        self.running += 1
        task = asyncio.current_task()
        try:
            with self._deadlines.start(self._timeouts.total) as deadline:
                try:
                    await self._serve(door, incoming, client, exchange, tally, deadline)
                except asyncio.CancelledError:
                    if deadline.expired is None or task is None:
                        raise
                    task.uncancel()
                    raise self._endings.late(exchange, deadline.expired) from None
        except GatewayError as error:
            await self._endings.fail(door, client, exchange, tally, error)
        except (asyncio.CancelledError, ConnectionError):
            self._endings.abort(exchange, tally, stopping=self.stopping)
            raise
        except Exception:
            _log.exception("An exchange failed inside the gateway")
            internal = GatewayError("The gateway failed inside: its log says why.", status=500, kind="internal")
            await self._endings.fail(door, client, exchange, tally, internal)
        finally:
            self.running -= 1
            if listener is not None:
                listener.end(exchange)

    async def _serve(
        self,
        door: Door,
        incoming: Incoming,
        client: Client,
        exchange: Exchange,
        tally: Tally,
        deadline: Deadline,
    ) -> None:
        heard = exchange.heard
        heard.body = body = await self._take(door, incoming, exchange)
        plan = await self._planned(door, body, incoming.headers, exchange)
        heard.body, exchange.request_bytes = plan.asked, len(plan.asked)
        self._store.begin(exchange.opening_record())
        exchange.begun = True
        if plan.answer is not None:
            await self._answer_here(plan, plan.answer, client, exchange, tally, deadline)
            return
        plan, answer = await self._attempts.accepted(plan, exchange, deadline)
        heard.dialect, heard.own, heard.key = plan.dialect, plan.verbatim, plan.key
        provider = plan.candidate.provider
        try:
            if answer.headers.get("content-type", "").startswith("text/html"):
                raise UpstreamError(
                    f"{provider.title} answered with a web page: check its base URL, or sign in to the network.",
                    kind="unreadable_answer",
                    own_words=True,
                )
            if plan.peek.stream and "json" not in answer.headers.get("content-type", ""):
                await self._stream(plan, answer, client, exchange, tally, deadline)
            else:
                await self._whole(plan, answer, client, exchange, tally, deadline)
        except UpstreamError as error:
            raise without_key(plan.key, error) from None
        finally:
            answer.close()

    def _learn(self, plan: Plan, error: UpstreamError | None) -> None:
        """What an answer says of its key, told as soon as it is known, with its first words or as it is refused: at
        the end of a long one others may have said something newer."""
        if self._planner.says_of_key(plan):
            state = state_of_key(error) if error is not None else None
            words = without_key(plan.key, error).message if error is not None and state is not None else None
            self._learnt(plan.candidate.provider.name, state or "connected", words)

    # Before the provider is called.

    async def _take(self, door: Door, incoming: Incoming, exchange: Exchange) -> bytes:
        headers = incoming.headers
        exchange.client = client_name(headers.get("user-agent"))
        # Known before the body, which may never come; that one is malformed is told after it.
        malformed = _take_tags(headers, exchange)
        # One look at all names: most clients send none of these, and each is asked for by itself.
        if not _TOLD_BY_CLIENTS.isdisjoint([name.lower() for name in headers]):
            exchange.caller = trace_context(headers)
            exchange.conversation_id, exchange.session_id = conversation_ids(headers)
            exchange.parent_conversation = parent_conversation(headers, exchange.conversation_id)
            exchange.end_user = header_text(headers.get("x-user", ""))[:LONGEST_NAME] or baggage_user(headers)
            if HOP_HEADER in headers:
                raise looped()
        before = time.perf_counter_ns()
        body = await incoming.read()
        exchange.client_ns += time.perf_counter_ns() - before
        exchange.request_bytes = len(body)
        if malformed is not None:
            exchange.model_requested = await asyncio.to_thread(model_named, door, body)
            raise malformed
        return body

    async def _keep(self, plan: Plan, exchange: Exchange, answer: bytes) -> None:
        """An answer that is to be stored, before its client has all of it and may name it. What was written here no
        provider has, all else one alone."""
        if not answer or not plan.peek.stored:
            return
        key, provider = exchange.principal.key_id, plan.candidate.provider.name if plan.verbatim else ""
        if len(answer) < LONG_ANSWER:
            self._stored.keep(key, exchange.id, provider, plan.asked, answer)
        else:
            await asyncio.to_thread(self._stored.keep, key, exchange.id, provider, plan.asked, answer)

    async def _planned(self, door: Door, body: bytes, headers: Mapping[str, str], exchange: Exchange) -> Plan:
        """Long histories take milliseconds to translate, for which nobody else is to wait."""
        if len(body) < LONG_BODY and not (door.stores and self._stored.may_complete(body)):
            return self._planner.plan(door, body, headers, exchange)
        return await asyncio.to_thread(self._planner.plan, door, body, headers, exchange)

    # The provider's answer.

    async def _whole(
        self,
        plan: Plan,
        answer: Answer,
        client: Client,
        exchange: Exchange,
        tally: Tally,
        deadline: Deadline,
    ) -> None:
        data = await self._read(answer, deadline)
        exchange.first_event_ns = time.perf_counter_ns()
        try:
            response = self._parse(plan, data, tally)
        except UpstreamError as why:
            self._learn(plan, why)
            raise
        error = without_key(plan.key, upstream_error(tally.error)) if tally.error is not None else None
        self._learn(plan, error)
        exchange.heard.answer, exchange.heard.response = data, response
        exchange.upstream_request_id = exchange.upstream_request_id or tally.response_id
        if plan.rewrite is not None:
            counted = tally.usage.input_tokens if tally.usage else None
            tokens = estimated_tokens(exchange.request_bytes) if counted is None else counted
            body, content_type = plan.rewrite(data, tokens), "application/json"
        elif plan.verbatim or response is None:
            body, content_type = data, answer.headers.get("content-type", "application/json")
        else:
            if plan.void_is_error:
                require_answer(response)
            body = plan.door.dialect.render_response(response, answer_context(plan, exchange))
            content_type = "application/json"
        remember(self._memory, plan, response, data, exchange)
        exchange.first_content_ns = time.perf_counter_ns()
        if error is not None and plan.key:
            body = without_key_in_json(body, plan.key)
        outcome = "ok" if error is None else "error"
        record = self._endings.close(exchange, tally, status=answer.status, outcome=outcome, error=error)
        deadline.off()
        if error is None:
            await self._keep(plan, exchange, body)
        await client.whole(answer.status, whole_headers(plan, exchange, content_type, record), body)

    async def _answer_here(
        self, plan: Plan, body: bytes, client: Client, exchange: Exchange, tally: Tally, deadline: Deadline
    ) -> None:
        """An estimate, given without asking the provider."""
        exchange.first_content_ns = time.perf_counter_ns()
        record = self._endings.close(exchange, tally, status=200, outcome="ok", estimate=True)
        deadline.off()
        await client.whole(200, whole_headers(plan, exchange, "application/json", record), body)

    async def _read(self, answer: Answer, deadline: Deadline) -> bytes:
        pieces = []
        deadline.within(self._timeouts.between_chunks, "between_chunks")
        while data := await answer.chunk():
            pieces.append(data)
            if answer.ended:
                break
            deadline.within(self._timeouts.between_chunks, "between_chunks")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _parse(self, plan: Plan, data: bytes, tally: Tally) -> Response | None:
        """The parsed answer, its usage in the tally; None for one of the same dialect, which passes as it is."""
        read_usage = plan.door.operation.read_usage
        if read_usage is not None:
            tally.model, tally.usage = read_usage(data)
            tally.final = tally.usage is not None
            return None
        look = plan.dialect.peek_answer
        if plan.verbatim and look is not None and (seen := look(data)) is not None and _tells_all(seen):
            tally.model, tally.usage, tally.response_id = seen.model, seen.usage, seen.id
            tally.final, tally.error, tally.output_bytes = seen.usage is not None, seen.error, seen.output_bytes
            return None
        try:
            response = plan.dialect.parse_response(data)
        except UpstreamError as error:
            tally.usage, tally.final, tally.output_bytes = error.usage, error.usage is not None, error.output_bytes
            if plan.verbatim and error.kind == "unreadable_answer" and is_object(data):
                return None
            raise
        if plan.tool_names:
            response = restored(response, plan.tool_names)
        tally.model, tally.usage, tally.response_id = response.model, response.usage, response.id
        tally.final = response.usage is not None
        if response.usage is None or response.usage.output_tokens is None:
            tally.output_bytes = sum(said_bytes(choice.parts) for choice in response.choices)
        return response

    async def _stream(
        self,
        plan: Plan,
        answer: Answer,
        client: Client,
        exchange: Exchange,
        tally: Tally,
        deadline: Deadline,
    ) -> None:
        reader: Reader = plan.dialect.reader(passing=plan.verbatim)
        if plan.tool_names:
            reader = RestoringReader(reader, plan.tool_names)
        if plan.void_is_error:
            reader = AnswerReader(reader)
        translator = translator_of(plan, exchange)
        tally.observer = watch(self._memory, plan, exchange)
        heard = exchange.heard
        data, events = await self._first(answer, reader, tally, heard)
        exchange.first_event_ns = time.perf_counter_ns()
        exchange.upstream_request_id = exchange.upstream_request_id or tally.response_id
        if tally.error is not None:
            refused = upstream_error(tally.error)
            self._learn(plan, refused)
            raise refused
        between = self._timeouts.between_chunks
        deadline.off()
        content_type = answer.headers.get("content-type") if plan.verbatim else None
        model = answering_model(plan.candidate.model, tally.model)
        await client.start(200, answer_headers(plan, exchange, content_type or "text/event-stream", model))
        while True:
            out = translator.feed(data, events)
            if tally.content and not exchange.first_content_ns:
                exchange.first_content_ns = time.perf_counter_ns()
                if not tally.failed:
                    self._learn(plan, None)
            if tally.finished and not tally.final and not tally.failed:
                # The count may come after the end mark: the last bytes wait for it, a moment at most.
                more, over = await self._late_usage(answer, reader, translator, tally, heard)
                out += more
                if over:
                    break
            if tally.failed and not exchange.ended:
                await self._stream_failed(plan, client, exchange, tally, out, said=bool(data))
                return
            if not data:
                break
            if tally.settled and not exchange.ended:
                # Nothing that counts can follow: the client need not wait for the connection's end.
                self._endings.close(exchange, tally, status=200, outcome="ok")
                out += translator.end()
            if out:
                deadline.off()
                await self._keep(plan, exchange, translator.take_last())
                await client.write(out)
            deadline.within(between, "between_chunks")
            data = await answer.chunk()
            events = _events(data, reader, tally, heard)
        if not exchange.ended:
            self._endings.close(exchange, tally, status=200, outcome="ok")
        deadline.off()
        out += translator.close()
        await self._keep(plan, exchange, translator.take_last())
        await client.finish(out)

    async def _stream_failed(
        self, plan: Plan, client: Client, exchange: Exchange, tally: Tally, out: bytes, *, said: bool
    ) -> None:
        """`said`: the provider's own error event is in `out` already, where bytes pass as they are."""
        assert tally.error is not None
        error = without_key(plan.key, upstream_error(tally.error))
        if state_of_key(error) is not None or not tally.content:
            self._learn(plan, error)
        if plan.verbatim and said and error.kind != "unreadable_answer":
            self._endings.close(exchange, tally, status=200, outcome="error", error=error)
            await client.finish(out)
            return
        if out:
            await client.write(out)
        raise error

    async def _first(self, answer: Answer, reader: Reader, tally: Tally, heard: Heard) -> tuple[bytes, list[Event]]:
        """Bytes up to the first event, so that an early refusal keeps its status."""
        held = bytearray()
        while True:
            data = await answer.chunk()
            held += data
            events = _events(data, reader, tally, heard)
            if events or not data:
                return bytes(held), events

    async def _late_usage(
        self, answer: Answer, reader: Reader, translator: Translator, tally: Tally, heard: Heard
    ) -> tuple[bytes, bool]:
        """What else came for the client, and whether nothing more is to be waited for."""
        out = b""
        try:
            async with asyncio.timeout(LATE_USAGE_S):
                while not tally.final and not tally.failed and (data := await answer.chunk()):
                    out += translator.feed(data, _events(data, reader, tally, heard))
        except (TimeoutError, UpstreamError):
            # The answer itself is complete; only its count is missing, and the row will say so.
            return out, True
        return out, False


def _events(data: bytes, reader: Reader, tally: Tally, heard: Heard) -> list[Event]:
    """What these bytes of a stream complete, counted and heard; its last events where they are none."""
    events = reader.feed(data) if data else reader.close()
    for event in events:
        tally.feed(event)
    heard.batches.append(events)
    heard.size += len(data)
    return events


def _take_tags(headers: Mapping[str, str], exchange: Exchange) -> ClientError | None:
    """What is wrong with the request's tags; else the exchange has them."""
    try:
        if tags := tags_of(headers):
            exchange.tags = stamp(tags, exchange.principal.tags)
    except ClientError as error:
        return error
    return None


def _tells_all(seen: AnswerPeek) -> bool:
    """Whether a look was enough: what an answer does not count of its output is told by its words."""
    return seen.error is not None or (seen.usage is not None and seen.usage.output_tokens is not None)
