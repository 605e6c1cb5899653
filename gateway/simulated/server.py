"""The demo's providers: one loopback server that speaks the four native wire formats, a prefix for each provider.

A call is authorised, parsed by the gateway's own codec, answered by `answer`, and written at the pace of `pacing`.
A client that leaves cancels its handler. Failures come when they are ordered, never by chance.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.json_text import decode_json
from gateway.errors import ClientError, GatewayError
from gateway.events import Assembler
from gateway.model import Request, Usage
from gateway.providers.models import MODELS
from gateway.simulated import faults
from gateway.simulated.answer import Composed, compose, input_tokens, last_user_text
from gateway.simulated.embedding import embed, packed
from gateway.simulated.pacing import count_tokens, paced, whole_wait
from gateway.simulated.prompt_cache import PromptCache
from gateway.simulated.services import SERVICES, Service, amended

Price = Callable[[str, str, Usage, int], tuple[int | None, str, str | None]]
_DATE = re.compile(r"-\d{4}-?\d\d-?\d\d$")
_MOST_BYTES = 64 * 2**20
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _StreamOptions(Struct):
    include_usage: bool | None = None


class _Peek(Struct):
    """What only the raw chat body says."""

    stream_options: _StreamOptions | None = None
    functions: Any = None
    tools: Any = None


class _EmbeddingsBody(Struct):
    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str = "float"


class _TextPart(Struct):
    text: str = ""


class _Content(Struct):
    parts: list[_TextPart] = []


class _EmbedContent(Struct):
    content: _Content
    outputDimensionality: int | None = None


class _EmbedContentsBody(Struct):
    requests: list[_EmbedContent]


class _Call(Struct):
    """One call on its way; `id` is the stem of its request id and answer id."""

    service: Service
    http: web.Request
    id: str


class SimulatedProviders:
    """The four providers on a free loopback port; `base_urls` by provider name, once started.

    They serve every model of the registry, retired ones too, and their dated ids. `pace` 1 is realistic, 0 at once.
    `price` gives the cost that a provider reports where it reports one: (provider, model, usage, Unix microseconds)
    → (nano-dollars, …).
    """

    def __init__(self, *, pace: float = 1.0, price: Price | None = None) -> None:
        self._pace = pace
        self._price = price
        self._orders = faults.Orders()
        self._caches = {service.provider: PromptCache() for service in SERVICES}
        self._runner: web.AppRunner | None = None
        self._base_urls: dict[str, str] = {}

    @property
    def base_urls(self) -> Mapping[str, str]:
        return self._base_urls

    async def start(self) -> None:
        app = web.Application(client_max_size=_MOST_BYTES)
        for service in SERVICES:
            for route in service.routes:
                handler = self._handler(service, route.action)
                app.router.add_route(route.method, service.base_path + route.path, handler)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._runner = runner
        port = runner.addresses[0][1]
        self._base_urls = {service.provider: f"http://127.0.0.1:{port}{service.base_path}" for service in SERVICES}

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def fail(self, provider: str, kind: str, times: int = 1) -> None:
        """The next `times` calls of `provider` fail so; kinds as in `faults.KINDS`. Raises ValueError."""
        self._orders.add(provider, kind, times)

    def _handler(self, service: Service, action: str) -> Handler:
        act = {
            "generate": self._generate,
            "verb": self._by_verb,
            "count": self._count,
            "embed": self._embed,
            "list": self._list,
            "key": self._describe_key,
        }[action]

        async def handle(http: web.Request) -> web.StreamResponse:
            call = _Call(service, http, uuid.uuid4().hex[:24])
            if service.credential(http.headers, http.query) is None:
                return _refused(call, service.refuse(401, "You did not provide an API key.", call.id))
            try:
                return await act(call)
            except GatewayError as error:
                return _refused(call, service.refuse(error.status, error.message, call.id))
            except msgspec.MsgspecError as error:
                return _refused(call, service.refuse(400, f"The body cannot be read: {error}.", call.id))

        return handle

    async def _generate(self, call: _Call) -> web.StreamResponse:
        return await self._answer(call, await call.http.read(), None, None)

    async def _by_verb(self, call: _Call) -> web.StreamResponse:
        model, verb = call.http.match_info["model"], call.http.match_info["verb"]
        body = await call.http.read()
        match verb:
            case "generateContent" | "streamGenerateContent":
                return await self._answer(call, body, model, verb.startswith("stream"))
            case "countTokens":
                request = call.service.dialect.parse_request(body, model, False)
                return _json(call, {"totalTokens": input_tokens(request)})
            case "embedContent":
                return self._embed_content(call, model, body)
            case "batchEmbedContents":
                return self._embed_contents(call, model, body)
        raise ClientError(f"There is no method called {verb}.", status=404, kind="not_found")

    async def _count(self, call: _Call) -> web.StreamResponse:
        # The codec reads requests that are to be answered: they need a limit, counting does not.
        body = msgspec.json.decode(await call.http.read())
        request = call.service.dialect.parse_request(msgspec.json.encode({"max_tokens": 1, **body}), None, None)
        return _json(call, {"input_tokens": input_tokens(request)})

    async def _embed(self, call: _Call) -> web.StreamResponse:
        body = msgspec.json.decode(await call.http.read(), type=_EmbeddingsBody)
        _known(call, body.model)
        texts = _inputs(body.input)
        vectors = [embed(body.model, str(text), body.dimensions) for text in texts]
        as_text = body.encoding_format == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": packed(vector) if as_text else vector}
            for index, vector in enumerate(vectors)
        ]
        tokens = sum(count_tokens(text) if isinstance(text, str) else len(text) for text in texts)
        used = {"prompt_tokens": tokens, "total_tokens": tokens}
        return _json(call, {"object": "list", "data": data, "model": body.model, "usage": used})

    def _embed_content(self, call: _Call, model: str, body: bytes) -> web.StreamResponse:
        _known(call, model)
        item = msgspec.json.decode(body, type=_EmbedContent)
        text = " ".join(part.text for part in item.content.parts)
        used = {"promptTokenCount": count_tokens(text)}
        return _json(
            call, {"embedding": {"values": embed(model, text, item.outputDimensionality)}, "usageMetadata": used}
        )

    def _embed_contents(self, call: _Call, model: str, body: bytes) -> web.StreamResponse:
        _known(call, model)
        asked = msgspec.json.decode(body, type=_EmbedContentsBody).requests
        texts = [" ".join(part.text for part in item.content.parts) for item in asked]
        vectors = [embed(model, text, item.outputDimensionality) for text, item in zip(texts, asked, strict=True)]
        tokens = sum(count_tokens(text) for text in texts)
        values = [{"values": vector} for vector in vectors]
        return _json(call, {"embeddings": values, "usageMetadata": {"promptTokenCount": tokens}})

    async def _list(self, call: _Call) -> web.StreamResponse:
        return _json(call, call.service.list_models(_served(call.service.provider)))

    async def _describe_key(self, call: _Call) -> web.StreamResponse:
        flags = {"team_blocked": False, "api_key_blocked": False, "api_key_disabled": False}
        return _json(call, {"redacted_api_key": "xai-...demo", "name": "demo", "acls": ["api-key:model:*"], **flags})

    async def _answer(
        self, call: _Call, body: bytes, path_model: str | None, path_stream: bool | None
    ) -> web.StreamResponse:
        service = call.service
        request = service.dialect.parse_request(body, path_model, path_stream)
        _known(call, request.model)
        fault = self._orders.take(service.provider) or faults.marked(last_user_text(request))
        if fault in faults.STATUSES:
            status = service.wrong_key if fault == "401" else faults.STATUSES[fault]
            return _refused(call, service.refuse(status, faults.MESSAGES[fault], call.id))
        if fault == "html":
            return web.Response(status=502, text=faults.PAGE, content_type="text/html")
        composed = self._compose(call, request, body)
        asked = msgspec.convert(decode_json(body), _Peek)
        context = AnswerContext(
            id=call.id,
            created=int(time.time()),
            model=request.model,
            include_usage=bool(asked.stream_options and asked.stream_options.include_usage),
            legacy_functions=bool(asked.functions) and not asked.tools,
            request=request,
        )
        if request.stream:
            return await self._stream(call, context, composed, fault)
        return await self._whole(call, context, composed, fault)

    def _compose(self, call: _Call, request: Request, body: bytes) -> Composed:
        service = call.service
        cached, kept = self._caches[service.provider].read(request) if service.caches(body) else (0, 0)
        total = input_tokens(request)
        cached = min(cached, total)
        written = min(kept, total - cached) if service.writes_cache else None
        return compose(
            request,
            answer_id=call.id,
            created=int(time.time()),
            cached_tokens=cached,
            cache_write_tokens=written,
            signs=service.signs(request),
        )

    def _amended(self, call: _Call, data: bytes, model: str, usage: Usage) -> bytes:
        if call.service.amend is None:
            return data
        provider = call.service.provider
        cost = self._price(provider, model, usage, time.time_ns() // 1000)[0] if self._price else None
        return amended(data, call.service, usage, cost)

    async def _whole(
        self, call: _Call, context: AnswerContext, composed: Composed, fault: str | None
    ) -> web.StreamResponse:
        await asyncio.sleep(whole_wait(context.model, composed.usage.output_tokens or 0, self._pace))
        assembler = Assembler()
        for event in composed.events:
            assembler.feed(event)
        body = call.service.dialect.render_response(assembler.response(), context)
        body = self._amended(call, body, context.model, composed.usage)
        headers = {**_id_header(call), "content-type": "application/json"}
        if fault is None:
            return web.Response(body=body, headers=headers)
        response = web.StreamResponse(headers={**headers, "content-length": str(len(body))})
        await response.prepare(call.http)
        await response.write(body[: len(body) // 2])
        if fault == "half-stream" and call.http.transport is not None:
            # A length was promised: only a closed connection ends half a body.
            call.http.transport.close()
        await asyncio.Event().wait()
        return response

    async def _stream(
        self, call: _Call, context: AnswerContext, composed: Composed, fault: str | None
    ) -> web.StreamResponse:
        writer = call.service.dialect.writer(context)
        response = web.StreamResponse(headers={**_id_header(call), "content-type": "text/event-stream"})
        await response.prepare(call.http)
        events = composed.events if fault is None else composed.events[: len(composed.events) // 2]
        for wait, group in paced(events, context.model, self._pace):
            await asyncio.sleep(wait)
            if data := b"".join(map(writer.write, group)):
                await response.write(data)
        if fault == "stall":
            await asyncio.Event().wait()
        if fault is None:
            await response.write(self._amended(call, writer.close(), context.model, composed.usage))
        await response.write_eof()
        return response


def _served(provider: str) -> tuple[str, ...]:
    return tuple(model.id for model in MODELS if model.provider == provider)


def _known(call: _Call, model: str) -> None:
    if _DATE.sub("", model) not in _served(call.service.provider):
        raise ClientError(f"The model `{model}` does not exist.", status=404, kind="not_found")


def _inputs(given: str | list[str | int | list[int]]) -> list[str | list[int]]:
    """One input or several; each is text, or token numbers."""
    if isinstance(given, str):
        return [given]
    texts: list[str | list[int]] = []
    numbers: list[int] = []
    for item in given:
        if isinstance(item, int):
            numbers.append(item)
        else:
            texts.append(item)
    return texts or [numbers]


def _id_header(call: _Call) -> Mapping[str, str]:
    name = call.service.id_header
    return {name: f"req_{call.id}"} if name else {}


def _json(call: _Call, body: Mapping[str, Any]) -> web.Response:
    headers = {**_id_header(call), "content-type": "application/json"}
    return web.Response(body=msgspec.json.encode(body), headers=headers)


def _refused(call: _Call, refusal: faults.Refusal) -> web.Response:
    headers = {**refusal.headers, **_id_header(call), "content-type": "application/json"}
    return web.Response(status=refusal.status, body=msgspec.json.encode(refusal.body), headers=headers)
