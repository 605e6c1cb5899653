"""Runs one exchange: door to provider and back, and leaves exactly one row whatever happens.

Bytes pass as they are where door and provider share a dialect, else codecs translate; that is decided once. The row
is journalled before the provider is called and again before the client's last byte. An exchange is closed once, in
`run`: there every ending becomes an answer for whoever still listens, and a row.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

from gateway.access import Principal
from gateway.answer_headers import answer_headers, error_headers, whole_headers
from gateway.clients import client_name, conversation_id, trace_id
from gateway.deadlines import Deadline, Deadlines
from gateway.dialects.dialect import AnswerContext, Reader, Writer
from gateway.doors import Cutter, Door
from gateway.errors import ClientError, GatewayError, UpstreamError
from gateway.events import Event, StreamError
from gateway.exchange import STOPPED, Exchange
from gateway.model import Response
from gateway.plan import HOP_HEADER, LONGEST_NAME, UNREADABLE_STATE, Plan, Planner, looped
from gateway.pricing import NO_PRICE, Pricing
from gateway.provider_keys import ProviderKeys
from gateway.records import ExchangeRecord
from gateway.replay import ReplayMemory, StateWatch
from gateway.routing import Routing, answering_model
from gateway.settings import Timeouts
from gateway.store import UsageStore
from gateway.tags import parse_tags, stamp
from gateway.tally import Tally, estimated_tokens
from gateway.upstream import Answer, Upstream

CLIENT_LEFT = 499
HIDDEN = "[hidden]"
# How long a finished stream may still say what it used before its last bytes go out without.
LATE_USAGE_S = 1.0

_log = logging.getLogger(__name__)
_answering_model = lru_cache(maxsize=1024)(answering_model)


class Incoming(Protocol):
    """The client's request. `headers` is case-insensitive; `read` raises ClientError (413) or ConnectionError."""

    headers: Mapping[str, str]

    async def read(self) -> bytes: ...


class Client(Protocol):
    """The client's end of the connection; waiting for its socket is counted on the exchange."""

    @property
    def started(self) -> bool: ...

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None: ...

    async def start(self, status: int, headers: Mapping[str, str]) -> None: ...

    async def write(self, data: bytes) -> None: ...

    async def finish(self, data: bytes) -> None: ...


class Relay:
    """Everything that an exchange needs, wired once. `learnt` is told what a provider's answer says of its key:
    (provider, "connected" | "rejected" | "unreachable", a sentence or None)."""

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
        learnt: Callable[[str, str, str | None], None],
    ) -> None:
        self._memory = ReplayMemory()
        self._planner = Planner(routing, keys, self._memory)
        self._store = store
        self._pricing = pricing
        self._upstream = upstream
        self._deadlines = deadlines
        self._timeouts = timeouts
        self._learnt = learnt
        self.running = 0
        # Set when what still runs will be cancelled by us and not by its client.
        self.stopping = False

    async def run(
        self, door: Door, principal: Principal, incoming: Incoming, client: Client, exchange: Exchange
    ) -> None:
        """Serve one request of an accepted key. Raises CancelledError where the client left."""
        tally = Tally()
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
                    raise self._late(exchange, deadline.expired) from None
        except GatewayError as error:
            await self._fail(door, client, exchange, tally, error)
        except (asyncio.CancelledError, ConnectionError):
            self._abort(exchange, tally)
            raise
        except Exception:
            _log.exception("An exchange failed inside the gateway")
            internal = GatewayError("The gateway failed inside: its log says why.", status=500, kind="internal")
            await self._fail(door, client, exchange, tally, internal)
        finally:
            self.running -= 1

    async def _serve(
        self,
        door: Door,
        incoming: Incoming,
        client: Client,
        exchange: Exchange,
        tally: Tally,
        deadline: Deadline,
    ) -> None:
        body = await self._take(incoming, exchange)
        plan = self._planner.plan(door, body, incoming.headers, exchange)
        self._store.begin(exchange.opening_record())
        exchange.begun = True
        if plan.answer is not None:
            await self._answer_here(plan, plan.answer, client, exchange, tally, deadline)
            return
        plan, answer = await self._accepted(plan, exchange, deadline)
        provider = plan.candidate.provider
        try:
            if answer.headers.get("content-type", "").startswith("text/html"):
                raise UpstreamError(
                    f"{provider.title} answered with a web page: check its base URL, or sign in to the network.",
                    kind="unreadable_answer",
                )
            if not exchange.byok:
                self._learnt(provider.name, "connected", None)
            if plan.peek.stream and "json" not in answer.headers.get("content-type", ""):
                await self._stream(plan, answer, client, exchange, tally, deadline)
            else:
                await self._whole(plan, answer, client, exchange, tally, deadline)
        except UpstreamError as error:
            raise _without(plan.key, error) from None
        finally:
            answer.close()

    async def _accepted(self, plan: Plan, exchange: Exchange, deadline: Deadline) -> tuple[Plan, Answer]:
        """The provider's answer to a request that it took. What it cannot read of a translated history is left out
        once, because the same body would fail for ever (maximhq/bifrost#5892). Raises UpstreamError."""
        answer = await self._ask(plan, exchange, deadline)
        if 200 <= answer.status < 300:
            return plan, answer
        error = await self._refused(plan, answer, exchange)
        again = self._planner.without_state(plan, exchange) if error.code == UNREADABLE_STATE else None
        if again is None:
            raise error
        exchange.next_attempt(error.kind)
        answer = await self._ask(again, exchange, deadline)
        if 200 <= answer.status < 300:
            return again, answer
        raise await self._refused(again, answer, exchange)

    async def _ask(self, plan: Plan, exchange: Exchange, deadline: Deadline) -> Answer:
        provider = plan.candidate.provider
        deadline.within(self._timeouts.first_byte, "first_byte")
        answer = await self._upstream.send(exchange, provider.title, plan.url, plan.headers, plan.body)
        exchange.upstream_status = answer.status
        exchange.upstream_request_id = answer.headers.get(provider.request_id_header)
        return answer

    async def _refused(self, plan: Plan, answer: Answer, exchange: Exchange) -> UpstreamError:
        try:
            return _without(plan.key, await self._refusal(plan, answer, exchange))
        except UpstreamError as error:
            raise _without(plan.key, error) from None
        finally:
            answer.close()

    # Before the provider is called.

    async def _take(self, incoming: Incoming, exchange: Exchange) -> bytes:
        headers = incoming.headers
        exchange.client = client_name(headers.get("user-agent"))
        exchange.trace_id = trace_id(headers.get("traceparent"))
        exchange.conversation_id = conversation_id(headers)
        exchange.end_user = headers.get("x-user", "")[:LONGEST_NAME] or None
        if HOP_HEADER in headers:
            raise looped()
        before = time.perf_counter_ns()
        body = await incoming.read()
        exchange.client_ns += time.perf_counter_ns() - before
        exchange.request_bytes = len(body)
        if tags := headers.get("x-tags"):
            exchange.tags = stamp(parse_tags(tags), exchange.principal.tags)
        return body

    # The provider's answer.

    async def _refusal(self, plan: Plan, answer: Answer, exchange: Exchange) -> UpstreamError:
        provider = plan.candidate.provider
        body = await answer.read()
        if answer.status < 400:
            return UpstreamError(
                f"{provider.title} answered with a redirect ({answer.status}): check its base URL.",
                status=502,
                upstream_status=answer.status,
            )
        error = plan.dialect.parse_error(answer.status, body, answer.headers)
        if error.kind == "provider_key_rejected" and not exchange.byok:
            self._learnt(provider.name, "rejected", error.message)
        return error

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
        response = self._parse(plan, data, tally)
        exchange.upstream_request_id = exchange.upstream_request_id or tally.response_id
        if plan.rewrite is not None:
            counted = tally.usage.input_tokens if tally.usage else None
            tokens = estimated_tokens(exchange.request_bytes) if counted is None else counted
            body, content_type = plan.rewrite(data, tokens), "application/json"
        elif plan.verbatim or response is None:
            body, content_type = data, answer.headers.get("content-type", "application/json")
        else:
            body = plan.door.dialect.render_response(response, self._context(plan, exchange))
            content_type = "application/json"
        self._remember(plan, response, data, exchange)
        exchange.first_content_ns = time.perf_counter_ns()
        record = self._close(exchange, tally, status=answer.status, outcome="ok")
        deadline.off()
        await client.whole(answer.status, whole_headers(plan, exchange, content_type, record), body)

    async def _answer_here(
        self, plan: Plan, body: bytes, client: Client, exchange: Exchange, tally: Tally, deadline: Deadline
    ) -> None:
        """An estimate, given without asking the provider."""
        exchange.first_content_ns = time.perf_counter_ns()
        record = self._close(exchange, tally, status=200, outcome="ok", estimate=True)
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
        if plan.verbatim and look is not None and (seen := look(data)) is not None:
            tally.model, tally.usage, tally.response_id = seen.model, seen.usage, seen.id
            tally.final = seen.usage is not None
            return None
        try:
            response = plan.dialect.parse_response(data)
        except UpstreamError as error:
            if plan.verbatim and error.kind == "unreadable_answer" and data.lstrip()[:1] == b"{":
                return None
            raise
        tally.model, tally.usage, tally.response_id = response.model, response.usage, response.id
        tally.final = response.usage is not None
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
        reader: Reader = plan.dialect.reader()
        translator = self._translator(plan, exchange)
        tally.observer = self._watch(plan, exchange)
        data, events = await self._first(answer, reader, tally)
        exchange.first_event_ns = time.perf_counter_ns()
        exchange.upstream_request_id = exchange.upstream_request_id or tally.response_id
        if tally.failed and tally.error is not None:
            raise upstream_error(tally.error)
        between = self._timeouts.between_chunks
        deadline.off()
        content_type = answer.headers.get("content-type") if plan.verbatim else None
        model = _answering_model(plan.candidate.model, tally.model)
        await client.start(200, answer_headers(plan, exchange, content_type or "text/event-stream", model))
        while True:
            out = translator.feed(data, events)
            if tally.content and not exchange.first_content_ns:
                exchange.first_content_ns = time.perf_counter_ns()
            if tally.failed and not exchange.ended:
                await self._stream_failed(plan, client, exchange, tally, out, said=bool(data))
                return
            if tally.finished and not tally.final:
                # The count may come after the end mark: the last bytes wait for it, a moment at most.
                more, over = await self._late_usage(answer, reader, translator, tally)
                out += more
                if over:
                    break
            if not data:
                break
            if tally.settled and not exchange.ended:
                # Nothing that counts can follow: the client need not wait for the connection's end.
                self._close(exchange, tally, status=200, outcome="ok")
                out += translator.end()
            if out:
                deadline.off()
                await client.write(out)
            deadline.within(between, "between_chunks")
            data = await answer.chunk()
            events = reader.feed(data) if data else reader.close()
            for event in events:
                tally.feed(event)
        if not exchange.ended:
            self._close(exchange, tally, status=200, outcome="ok")
        deadline.off()
        await client.finish(out + translator.close())

    async def _stream_failed(
        self, plan: Plan, client: Client, exchange: Exchange, tally: Tally, out: bytes, *, said: bool
    ) -> None:
        """`said`: the provider's own error event is in `out` already, where bytes pass as they are."""
        assert tally.error is not None
        error = _without(plan.key, upstream_error(tally.error))
        if plan.key:
            out = out.replace(plan.key.encode(), HIDDEN.encode())
        if plan.verbatim and said and error.kind != "unreadable_answer":
            self._close(exchange, tally, status=200, outcome="error", error=error)
            await client.finish(out)
            return
        if out:
            await client.write(out)
        raise error

    async def _first(self, answer: Answer, reader: Reader, tally: Tally) -> tuple[bytes, list[Event]]:
        """Bytes up to the first event, so that an early refusal keeps its status."""
        held = bytearray()
        while True:
            data = await answer.chunk()
            held += data
            events = reader.feed(data) if data else reader.close()
            for event in events:
                tally.feed(event)
            if events or not data:
                return bytes(held), events

    async def _late_usage(
        self, answer: Answer, reader: Reader, translator: "Translator", tally: Tally
    ) -> tuple[bytes, bool]:
        """What else came for the client, and whether nothing more is to be waited for."""
        out = b""
        try:
            async with asyncio.timeout(LATE_USAGE_S):
                while not tally.final and (data := await answer.chunk()):
                    events = reader.feed(data)
                    for event in events:
                        tally.feed(event)
                    out += translator.feed(data, events)
        except (TimeoutError, UpstreamError):
            # The answer itself is complete; only its count is missing, and the row will say so.
            return out, True
        return out, False

    def _translator(self, plan: Plan, exchange: Exchange) -> "Translator":
        if plan.verbatim:
            return Translator(cutter=plan.door.cutter() if plan.cut_usage else None)
        return Translator(writer=plan.door.dialect.writer(self._context(plan, exchange)))

    def _context(self, plan: Plan, exchange: Exchange) -> AnswerContext:
        return AnswerContext(
            id=exchange.id.removeprefix("req_"),
            created=exchange.started_us // 1_000_000,
            model=plan.peek.model,
            include_usage=plan.peek.include_usage,
            legacy_functions=plan.peek.legacy_functions,
            request=plan.request,
            origin="" if plan.dialect.name == plan.door.dialect.name else plan.candidate.target.origin,
        )

    def _watch(self, plan: Plan, exchange: Exchange) -> StateWatch | None:
        """What remembers the answer's reasoning state: of a translated one, and of one that passes as it is through
        a door at which several providers speak the door's dialect."""
        if plan.verbatim and not _is_shared(plan):
            return None
        return StateWatch(self._memory, exchange.principal.key_id, plan.candidate.target.origin)

    def _remember(self, plan: Plan, response: Response | None, data: bytes, exchange: Exchange) -> None:
        """The same of a whole answer; one that passes as it is was not parsed yet."""
        if plan.rewrite is not None or plan.door.operation.read_usage is not None:
            return
        if response is None or plan.verbatim:
            if not _is_shared(plan) or b'"encrypted_content"' not in data:
                return
            try:
                response = plan.dialect.parse_response(data)
            except UpstreamError:
                return
        parts = response.choices[0].parts if response.choices else ()
        self._memory.remember(exchange.principal.key_id, plan.candidate.target.origin, parts)

    # Endings.

    def _close(
        self,
        exchange: Exchange,
        tally: Tally,
        *,
        status: int,
        outcome: str,
        error: GatewayError | None = None,
        estimate: bool = False,
    ) -> ExchangeRecord:
        """Price the exchange and hand its row to the journal; once. `estimate`: it was answered here, by its size."""
        cancelled = outcome in ("aborted", "interrupted")
        taken = exchange.upstream_status is None and exchange.sent_ns > 0 and cancelled
        unreadable = error is not None and error.kind == "unreadable_answer" and not tally.content
        accepted = exchange.upstream_status is not None and exchange.upstream_status < 300
        answered = taken or estimate or (accepted and not unreadable)
        usage, source = tally.verdict(exchange.request_bytes, answered=answered)
        model = _answering_model(exchange.model, tally.model) if exchange.model else None
        priced = NO_PRICE
        if source != "none" and model:
            priced = self._pricing.price(
                exchange.price_provider or "",
                model,
                usage,
                exchange.started_us,
                free=exchange.free,
                provider=exchange.provider or "",
                asked=exchange.model or "",
            )
        record = exchange.final_record(
            status=status,
            outcome=outcome,
            usage=usage,
            usage_source=source,
            priced=priced,
            error_type=error.kind if error else None,
            error_message=error.message if error else None,
            observed_model=model,
        )
        if not exchange.begun:
            self._store.begin(exchange.opening_record())
        self._store.end(record)
        exchange.ended = True
        return record

    async def _fail(self, door: Door, client: Client, exchange: Exchange, tally: Tally, error: GatewayError) -> None:
        """An error for whoever still listens, and the row that says what happened."""
        lost = isinstance(error, UpstreamError) and error.kind in ("connection_lost", "timeout")
        if lost and exchange.provider and not tally.content:
            self._learnt(exchange.provider, "unreachable", error.message)
        row_stands = exchange.ended
        if not row_stands:
            status = 200 if client.started else error.status
            self._close(exchange, tally, status=status, outcome="error", error=error)
        try:
            if client.started and row_stands:
                await client.finish(b"")
                return
            if client.started:
                event = StreamError(error.message, error.kind, error.status, error.code)
                context = AnswerContext(id=exchange.id, created=0, model=exchange.model_requested or "")
                await client.finish(door.dialect.writer(context).error(event))
                return
            headers = error_headers(error, exchange)
            await client.whole(error.status, headers, door.dialect.render_error(error, exchange.id))
        except ConnectionError:
            # Nobody listens any more; the row stands.
            return

    def _abort(self, exchange: Exchange, tally: Tally) -> None:
        if exchange.ended:
            return
        if self.stopping:
            ended = GatewayError(STOPPED, status=503, kind="interrupted")
            self._close(exchange, tally, status=0, outcome="interrupted", error=ended)
            return
        left = ClientError("The client closed the connection before its answer was complete.", kind="client_left")
        self._close(exchange, tally, status=CLIENT_LEFT, outcome="aborted", error=left)

    def _late(self, exchange: Exchange, limit: str) -> UpstreamError:
        seconds = getattr(self._timeouts, limit)
        who = exchange.provider_title or "The provider"
        words = {
            "first_byte": f"{who} has not begun to answer within {seconds:g} s: try again.",
            "between_chunks": f"{who} fell silent for {seconds:g} s in the middle of its answer: try again.",
            "total": f"The request took longer than {seconds:g} s: try again, or raise timeouts.total.",
        }
        return UpstreamError(words[limit], status=504, kind="timeout", upstream_status=exchange.upstream_status)


def _is_shared(plan: Plan) -> bool:
    """Whether several providers speak the door's dialect, so that clients carry what one made to another."""
    return plan.door.dialect.name in plan.candidate.provider.also_speaks


class Translator:
    """From the provider's bytes and events to the client's bytes: as they are, less a cut, or written anew."""

    __slots__ = ("_cutter", "_ended", "_writer")

    def __init__(self, *, writer: Writer | None = None, cutter: Cutter | None = None) -> None:
        self._writer = writer
        self._cutter = cutter
        self._ended = False

    def feed(self, data: bytes, events: list[Event]) -> bytes:
        if self._writer is None:
            return self._cutter.feed(data) if self._cutter is not None else data
        if self._ended:
            return b""
        write = self._writer.write
        return b"".join([write(event) for event in events if not isinstance(event, StreamError)])

    def end(self) -> bytes:
        """What ends a stream that is written anew, once; bytes that pass as they are bring their own end."""
        if self._writer is None or self._ended:
            return b""
        self._ended = True
        return self._writer.close()

    def close(self) -> bytes:
        return self._cutter.close() if self._cutter is not None else self.end()


def _without(key: str | None, error: UpstreamError) -> UpstreamError:
    """The error without the key that was sent, should the provider have repeated it in any of its words."""
    if key:
        error.message = error.message.replace(key, HIDDEN)
        error.param = error.param and error.param.replace(key, HIDDEN)
        error.code = error.code and error.code.replace(key, HIDDEN)
        error.headers = {name: value.replace(key, HIDDEN) for name, value in error.headers.items()}
    return error


def upstream_error(error: StreamError) -> UpstreamError:
    return UpstreamError(error.message, status=error.status, kind=error.kind, code=error.code)
