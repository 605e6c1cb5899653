"""The server: one port, a prefix per provider, the behaviours, the ledger.

A call is read, checked, answered and entered in the ledger exactly once, in one `finally`. Streams are sent unpaced,
either an event at a time or cut at random bytes, as networks do. A client that leaves cancels its handler.
"""

import asyncio
import contextlib
import hashlib
import itertools
import json
import random
import socket
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.provider.behaviour import ERROR_STATUSES, MIDWAY, Behaviour, Control, marked
from tests.provider.chat import OPENAI, XAI
from tests.provider.draw import (
    Ability,
    Answer,
    Counts,
    ToolCall,
    draw_arguments,
    draw_counts,
    draw_id,
    draw_text,
    draw_vector,
    fragments,
)
from tests.provider.format import Call, Format
from tests.provider.gemini import GEMINI
from tests.provider.ledger import Entry, Ledger, neutral
from tests.provider.messages import ANTHROPIC
from tests.provider.prefix_cache import PrefixCache
from tests.provider.responses import OPENAI_RESPONSES, XAI_RESPONSES
from tests.provider.strict import Rejected, load
from tests.provider.usage_places import placed, without_usage

FORMATS = (OPENAI, OPENAI_RESPONSES, XAI, XAI_RESPONSES, ANTHROPIC, GEMINI)
BASE_PATHS = {"openai": "/openai/v1", "xai": "/xai/v1", "anthropic": "/anthropic", "google": "/google"}
_VERBS = {
    "generateContent": "chat",
    "streamGenerateContent": "chat",
    "countTokens": "count",
    "embedContent": "embeddings",
    "batchEmbedContents": "embeddings",
}
# What is longer would only swell the ledger.
_LONGEST_UNDERSTOOD = 2**20
_OUR_ENDINGS = {"reset", *MIDWAY} - {"stall"}
_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Welcome to the network</h1></body></html>"


class Provider:
    """`open` is the number of calls that are being answered right now."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self._ledger = ledger
        self._rng = random.Random(seed)
        self._control = Control()
        self._cache = PrefixCache()
        self._n = 0
        self.open = 0
        self.closing = False

    def application(self) -> web.Application:
        app = web.Application(client_max_size=512 * 2**20)
        app.router.add_post("/control", self._on_control)
        app.router.add_get("/control/open", self._on_open)
        for form in (OPENAI, XAI):
            base = BASE_PATHS[form.provider]
            app.router.add_post(f"{base}/chat/completions", self._door(form, "chat"))
            app.router.add_post(f"{base}/embeddings", self._door(form, "embeddings"))
            app.router.add_get(f"{base}/models", self._lister(form))
        for form in (OPENAI_RESPONSES, XAI_RESPONSES):
            app.router.add_post(f"{BASE_PATHS[form.provider]}/responses", self._door(form, "chat"))
        app.router.add_get("/xai/v1/api-key", self._on_api_key)
        app.router.add_post("/anthropic/v1/messages", self._door(ANTHROPIC, "chat"))
        app.router.add_post("/anthropic/v1/messages/count_tokens", self._door(ANTHROPIC, "count"))
        app.router.add_get("/anthropic/v1/models", self._lister(ANTHROPIC))
        app.router.add_post("/google/{version:v1|v1beta}/models/{model}:{verb}", self._door(GEMINI, "chat"))
        app.router.add_get("/google/{version:v1|v1beta}/models", self._lister(GEMINI))
        return app

    # -- control

    async def _on_control(self, request: web.Request) -> web.Response:
        """`{"behaviour": "429", "provider": "openai"?, "times": 1, "value": null}`, `{"strict": false}`, `{"clear": true}`."""
        order = await request.json()
        if order.get("clear"):
            self._control.queue.clear()
        if "strict" in order:
            self._control.strict = bool(order["strict"])
        if "behaviour" in order:
            self._control.order(order["behaviour"], order.get("provider"), order.get("times", 1), order.get("value"))
        return web.json_response({"queued": len(self._control.queue), "strict": self._control.strict})

    async def _on_open(self, _request: web.Request) -> web.Response:
        return web.json_response({"open": self.open, "calls": self._n})

    # -- doors

    def _lister(self, form: Format) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                self._authorise(form, request)
            except Rejected as error:
                return self._error(form, str(error.status), error.message, draw_id(self._rng, form.id_prefix))
            return web.json_response(form.models(list(form.model_ids)))

        return handle

    async def _on_api_key(self, request: web.Request) -> web.Response:
        try:
            key = self._authorise(XAI, request)
        except Rejected as error:
            return self._error(XAI, str(error.status), error.message, draw_id(self._rng, ""))
        flags = {"team_blocked": False, "api_key_blocked": "blocked" in key, "api_key_disabled": False}
        return web.json_response({"redacted_api_key": f"xai-...{key[-4:]}", "name": "test", "acls": [], **flags})

    def _door(self, form: Format, operation: str) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            self._n += 1
            self.open += 1
            headers = request.headers
            entry = Entry(
                n=self._n,
                provider=form.provider,
                operation=operation,
                request_id=draw_id(self._rng, form.id_prefix),
                client_request_id=headers.get("x-request-id") or headers.get("x-client-request-id"),
            )
            try:
                return await self._serve(form, request, entry)
            except (asyncio.CancelledError, ConnectionError) as gone:
                entry.client_left = not self.closing and not _OUR_ENDINGS & set(entry.behaviours)
                if isinstance(gone, asyncio.CancelledError):
                    raise
                return web.Response()
            finally:
                self.open -= 1
                self._ledger.append(entry)

        return handle

    async def _serve(self, form: Format, request: web.Request, entry: Entry) -> web.StreamResponse:
        raw = await request.read()
        entry.body_sha256, entry.body_bytes = hashlib.sha256(raw).hexdigest(), len(raw)
        verb = request.match_info.get("verb")
        query = {**request.query, **({"verb": verb} if verb else {})}
        entry.operation = _VERBS.get(verb or "", entry.operation)
        try:
            entry.key_tail = self._authorise(form, request)[-4:]
            call = form.read(entry.operation, request.match_info.get("model", ""), query, load(raw))
            entry.model, entry.streamed, entry.prompt = call.model, call.stream, call.prompt[:200]
            told = marked(call.prompt) | self._control.take(form.provider)
            entry.behaviours = sorted(told)
            await _before(request, told)
            if self._control.strict and "echo" not in told:
                self._check(form, call, request)
                if call.operation == "chat" and len(raw) <= _LONGEST_UNDERSTOOD:
                    call.understood = form.understand(call.body)
                    entry.understood = call.understood.recorded()
        except Rejected as error:
            entry.rejected = error.message
            param, code = error.param, error.code
            return await _send(
                request, self._error(form, str(error.status), error.message, entry.request_id, param, code), entry
            )
        for status in ERROR_STATUSES & told.keys():
            return await _send(
                request, self._error(form, status, "The provider was told to fail.", entry.request_id), entry
            )
        for name, status in (("html", 200), ("html502", 502)):
            if name in told:
                return await _send(request, web.Response(status=status, text=_PAGE, content_type="text/html"), entry)
        return await self._answer(form, request, entry, call, told, raw)

    def _authorise(self, form: Format, request: web.Request) -> str:
        key = form.credential(request.headers, request.query)
        if not key or "bad" in key:
            raise Rejected("Incorrect API key provided.", status=401)
        return key

    def _check(self, form: Format, call: Call, request: web.Request) -> None:
        form.check(call, request.headers)
        if not call.model.startswith(form.families) or "missing" in call.model:
            raise Rejected(
                f"The model `{call.model}` does not exist or you do not have access to it.", param="model", status=404
            )

    def _error(
        self,
        form: Format,
        status: str,
        message: str,
        request_id: str,
        param: str | None = None,
        code: str | None = None,
    ) -> web.Response:
        http, headers, body = form.error(status, message, request_id, param, code)
        if form.id_header:
            headers = {**headers, form.id_header: request_id}
        return web.json_response(body, status=http, headers=headers)

    # -- answers

    async def _answer(
        self, form: Format, request: web.Request, entry: Entry, call: Call, told: dict[str, Behaviour], raw: bytes
    ) -> web.StreamResponse:
        answer = self._draw(form, call, told, entry, request, raw)
        if form.id_header is None:
            entry.request_id = answer.id
        entry.usage = neutral(answer.counts, form.said(call))
        calls = [{"id": item.id, "name": item.name, "arguments": item.arguments} for item in answer.calls]
        entry.answer = {"text": answer.text, "reasoning": answer.reasoning, "calls": calls, "finish": answer.finish}
        headers = {form.id_header: entry.request_id} if form.id_header else {}
        if call.stream and call.operation == "chat":
            return await self._stream(form, request, entry, call, told, answer, headers)
        body = self._embed(form, call, answer) if call.operation == "embeddings" else form.whole(call, answer)
        if "mute" in told:
            body = without_usage(body)
        payload = json.dumps(body, ensure_ascii=self._rng.random() < 0.3).encode()
        if "garbled" in told:
            payload = payload[: len(payload) // 2]
        return await _send_whole(request, payload, headers, told, entry)

    def _draw(
        self, form: Format, call: Call, told: dict[str, Behaviour], entry: Entry, request: web.Request, raw: bytes
    ) -> Answer:
        seed = told.get("seed")
        rng = self._rng if seed is None else random.Random(seed.value)
        ability = form.ability(call) if call.operation == "chat" else Ability(cache=False)
        counts = self._cached(form, call, entry, draw_counts(rng, ability), told)
        if ability.reasoning and (call.always_reasons or "think" in told):
            counts = replace(counts, reasoning=max(1, counts.reasoning))
        text, finish, calls = self._draw_text(rng, call), "stop", ()
        if "echo" in told:
            seen = {"path": request.path_qs, "headers": dict(request.headers), "body": raw.decode(errors="replace")}
            text = json.dumps(seen, ensure_ascii=False)
        if call.tools and ("again" in told or ("tool" in told and not call.after_tools)):
            text, finish, calls = rng.choice(["", text]), "tool_calls", _draw_calls(rng, form, call, told)
        finish = next((name for name in ("length", "filter") if name in told), finish)
        if "refuse" in told:
            text, finish = text if form.refuses_in_words else "", "refusal"
        stop = call.stop[0] if "stop" in told and call.stop else None
        shows = call.shows_reasoning and counts.reasoning > 0
        return Answer(
            id=draw_id(rng, form.answer_prefix),
            created=1_700_000_000 if seed else int(time.time()),
            model=call.model,
            text=text,
            counts=counts,
            reasoning=draw_text(rng, 12) if shows else None,
            calls=calls,
            finish="stop_sequence" if stop else finish,
            stop_sequence=stop,
            redacted="redact" in told,
        )

    def _cached(self, form: Format, call: Call, entry: Entry, counts: Counts, told: dict[str, Behaviour]) -> Counts:
        if "cache" not in told:
            return counts
        owner = f"{form.provider}:{call.model}:{entry.key_tail}"
        found = self._cache.look(owner, form.segments(call.body), only_marked=form.marked_cache)
        return replace(
            counts, fresh=found.fresh, cache_read=found.read, write_5m=found.write_5m, write_1h=found.write_1h
        )

    @staticmethod
    def _draw_text(rng: random.Random, call: Call) -> str:
        if call.understood is None or call.understood.schema is None:
            return draw_text(rng)
        return json.dumps(draw_arguments(rng, call.understood.schema), ensure_ascii=False)

    def _embed(self, form: Format, call: Call, answer: Answer) -> Any:
        items = call.body.get("input", call.body.get("requests", []))
        several = isinstance(items, list) and bool(items) and not isinstance(items[0], int)
        first = items[0] if several and isinstance(items[0], dict) else call.body
        width = int(call.body.get("dimensions") or first.get("outputDimensionality") or 8)
        texts = [json.dumps(item.get("content", item) if isinstance(item, dict) else item) for item in items]
        whole = json.dumps(call.body.get("input", call.body.get("content")))
        return form.embeddings(call, answer, [draw_vector(text, width) for text in (texts if several else [whole])])

    async def _stream(
        self,
        form: Format,
        request: web.Request,
        entry: Entry,
        call: Call,
        told: dict[str, Behaviour],
        answer: Answer,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        frames = placed(form.frames(call, answer, self._rng), told, self._rng)
        midway = next((name for name in MIDWAY if name in told), None)
        if midway:
            frames = frames[: max(3, len(frames) // 2)]
            first = {**entry.usage, "output": None, "reasoning": None}
            entry.reported = first if form.input_told_first else None
            if midway == "error":
                frames.append(form.error_frame(entry.request_id))
        elif self._tells_usage(form, call) and "mute" not in told:
            entry.reported = dict(entry.usage)
        response = web.StreamResponse(
            headers={**headers, "content-type": "text/event-stream", "cache-control": "no-cache"}
        )
        await response.prepare(request)
        entry.status = 200
        pause = _pause(told)
        chunks = frames if pause or midway or self._rng.random() < 0.5 else self._cut(frames)
        for chunk in chunks:
            await response.write(chunk)
            if pause:
                await asyncio.sleep(pause)
        if midway:
            return await _end_midway(request, response, midway)
        await response.write_eof()
        entry.complete = True
        return response

    @staticmethod
    def _tells_usage(form: Format, call: Call) -> bool:
        options = call.body.get("stream_options") or {}
        return form is not OPENAI or bool(options.get("include_usage"))

    def _cut(self, frames: list[bytes]) -> list[bytes]:
        data = b"".join(frames).decode("latin-1")
        return [piece.encode("latin-1") for piece in fragments(self._rng, data, len(frames))]


def _draw_calls(rng: random.Random, form: Format, call: Call, told: dict[str, Behaviour]) -> tuple[ToolCall, ...]:
    wanted = told["calls"].value if "calls" in told else None
    chosen = itertools.islice(itertools.cycle(call.tools), wanted or min(2, len(call.tools)))
    return tuple(
        ToolCall(id=draw_id(rng, form.call_prefix), name=name, arguments=draw_arguments(rng, schema))
        for name, schema in chosen
    )


async def _before(request: web.Request, told: dict[str, Behaviour]) -> None:
    if "silent" in told:
        await asyncio.Event().wait()
    if "reset" in told:
        await _reset(request)


async def _send(request: web.Request, response: web.Response, entry: Entry) -> web.StreamResponse:
    """Sends a whole response from within the handler, so that the ledger knows that it went out."""
    entry.status = response.status
    await response.prepare(request)
    await response.write_eof()
    entry.complete = True
    return response


async def _send_whole(
    request: web.Request, payload: bytes, headers: dict[str, str], told: dict[str, Behaviour], entry: Entry
) -> web.StreamResponse:
    headers = {**headers, "content-type": "application/json"}
    midway = next((name for name in MIDWAY if name in told), None)
    pause = _pause(told)
    if midway is None and not pause:
        response = await _send(request, web.Response(body=payload, headers=headers), entry)
        entry.reported = _reported(entry, told)
        return response
    stream = web.StreamResponse(headers={**headers, "content-length": str(len(payload))})
    await stream.prepare(request)
    entry.status = 200
    half = len(payload) // 2
    await stream.write(payload[:half])
    if midway:
        # A length was promised: nothing but a closed connection can end half a body.
        return await _end_midway(request, stream, "cut" if midway in ("half", "error") else midway)
    await asyncio.sleep(pause)
    await stream.write(payload[half:])
    await stream.write_eof()
    entry.complete, entry.reported = True, _reported(entry, told)
    return stream


def _reported(entry: Entry, told: dict[str, Behaviour]) -> dict[str, int | None] | None:
    """What a whole answer said of its usage, as far as that could be read."""
    return None if {"mute", "garbled"} & told.keys() else dict(entry.usage)


async def _end_midway(request: web.Request, response: web.StreamResponse, how: str) -> web.StreamResponse:
    match how:
        case "stall":
            await asyncio.Event().wait()
        case "reset-midway":
            await _reset(request)
        case "cut":
            assert request.transport is not None
            request.transport.close()
            await asyncio.Event().wait()
        case _:
            await response.write_eof()
    return response


async def _reset(request: web.Request) -> None:
    """Closes with RST: no lingering, nothing flushed. Ends by cancellation, once the connection is gone."""
    transport = request.transport
    assert transport is not None
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.Event().wait()


def _pause(told: dict[str, Behaviour]) -> float:
    slow = told.get("slow")
    return (slow.value or 100) / 1000 if slow else 0.0


async def serve(port: int, ledger_path: Path, seed: int, stop: asyncio.Event, ready: Any) -> None:
    """Runs until `stop` is set; `ready(port)` once it accepts connections."""
    ledger = Ledger(ledger_path)
    provider = Provider(ledger, seed)
    app = provider.application()
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    ready(runner.addresses[0][1])
    with contextlib.suppress(asyncio.CancelledError):
        await stop.wait()
    provider.closing = True
    await runner.cleanup()
    ledger.close()
