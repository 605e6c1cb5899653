"""One exchange inside: each is begun before its provider is called, closed once, and answered whatever happens."""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.capture.heard import Listener
from gateway.configuration.settings import Timeouts
from gateway.dialects import DIALECTS
from gateway.errors import ClientError, UpstreamError
from gateway.keys.access import Principal
from gateway.prices.pricing import Pricing
from gateway.providers.catalog import BY_NAME, PROVIDERS
from gateway.records import ExchangeRecord
from gateway.relaying.answer_headers import sendable
from gateway.relaying.attempts import LONGEST_MESSAGE
from gateway.relaying.deadlines import SWEEP_S, Deadlines
from gateway.relaying.doors import DOORS, Door
from gateway.relaying.exchange import Exchange
from gateway.relaying.plan import Plan, Planner, credentials
from gateway.relaying.relay import LATE_USAGE_S, LONG_ANSWER, LONG_BODY, Relay
from gateway.relaying.routing import Routing
from gateway.relaying.stored_answers import StoredAnswers
from tests.virtual_time import in_virtual_time
from tests.waiting import PATIENCE_S, until

CHAT = DOORS[0]
TIMEOUTS = Timeouts()
WHOLE = {
    "id": "c1",
    "model": "gpt-4.1-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}
ASKED = b'{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Hi"}]}'
STREAMED = ASKED[:-1] + b',"stream":true}'


class Log(list[str]):
    """What happened, in order."""


class FakeStore:
    def __init__(self, log: Log) -> None:
        self._log = log
        self.begun: list[ExchangeRecord] = []
        self.ended: list[ExchangeRecord] = []

    def begin(self, record: ExchangeRecord) -> None:
        self._log.append("begin")
        self.begun.append(record)

    def end(self, record: ExchangeRecord) -> None:
        self._log.append("end")
        self.ended.append(record)


class FakeAnswer:
    def __init__(self, log: Log, status: int, pieces: list[Any], headers: Mapping[str, str]) -> None:
        self._log = log
        self._pieces = list(pieces)
        self.status = status
        self.headers = headers

    @property
    def ended(self) -> bool:
        return not self._pieces

    async def chunk(self) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        if piece is None:
            await asyncio.Event().wait()
        if isinstance(piece, asyncio.Event):
            await piece.wait()
            return await self.chunk()
        return bytes(piece)

    async def read(self) -> bytes:
        data = b""
        while piece := await self.chunk():
            data += piece
        return data

    def close(self) -> None:
        self._log.append("closed")


class FakeUpstream:
    def __init__(self, log: Log, answer: Any) -> None:
        self._log = log
        self._answer = answer
        self.sent: list[tuple[str, Mapping[str, str], bytes]] = []

    async def send(self, exchange: Exchange, title: str, url: Any, headers: Mapping[str, str], body: bytes) -> Any:
        self._log.append("send")
        self.sent.append((str(url), headers, body))
        exchange.sent_ns = exchange.started_ns + 1
        if self._answer is None:
            await asyncio.Event().wait()
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


class FakeKeys:
    def __init__(self) -> None:
        self.stored = "key-of-{name}-0123456789"

    def problem(self, name: str) -> str | None:
        return None

    def key_for(self, name: str) -> str | None:
        return self.stored.format(name=name)


class FakeIncoming:
    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.line = "POST /api/ai/v1/chat/completions"
        self.headers = headers
        self._body = body

    async def read(self) -> bytes:
        return self._body


class FakeClient:
    """`fails_at` is the call at which the client is gone."""

    def __init__(self, log: Log, fails_at: str = "") -> None:
        self._log = log
        self._fails_at = fails_at
        self.started = False
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = b""

    def _note(self, call: str) -> None:
        if call == self._fails_at:
            raise ConnectionResetError("gone")
        self._log.append(call)

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._note("whole")
        self.status, self.headers, self.body = status, headers, body

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self._note("start")
        self.started, self.status, self.headers = True, status, headers

    async def write(self, data: bytes) -> None:
        self._note("write")
        self.body += data

    async def finish(self, data: bytes) -> None:
        self._note("finish")
        self.body += data


class Run:
    """A relay with fakes around it, and one exchange through it."""

    def __init__(
        self,
        answer: Any = None,
        *,
        fails_at: str = "",
        timeouts: Timeouts = TIMEOUTS,
        listener: Listener | None = None,
    ) -> None:
        self.log = Log()
        if isinstance(answer, tuple):
            answer = FakeAnswer(self.log, *answer)
        self.store = FakeStore(self.log)
        self.upstream = FakeUpstream(self.log, answer)
        self.client = FakeClient(self.log, fails_at)
        self.learnt: list[tuple[str, str]] = []
        self.learnt_words: list[str | None] = []
        self.deadlines = Deadlines()
        self.keys = FakeKeys()
        self.relay = Relay(
            routing=Routing(PROVIDERS),
            keys=self.keys,  # type: ignore[arg-type]
            store=self.store,  # type: ignore[arg-type]
            pricing=Pricing(),
            upstream=self.upstream,  # type: ignore[arg-type]
            deadlines=self.deadlines,
            timeouts=timeouts,
            learnt=self._learn,
            listener=listener,
        )
        self.principal = Principal("key_1", "key", "execute", "ana", ("team:a",))

    def _learn(self, provider: str, state: str, words: str | None) -> None:
        self.learnt.append((provider, state))
        self.learnt_words.append(words)

    async def go(self, body: bytes = ASKED, door: Door = CHAT, **headers: str) -> ExchangeRecord:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange = Exchange(door.name, self.principal, 0)
        try:
            await self.relay.run(door, FakeIncoming(body, named), self.client, exchange)
        finally:
            self.deadlines.close()
            assert self.relay.running == 0
        return self.row

    @property
    def row(self) -> ExchangeRecord:
        assert [record.id for record in self.store.begun] == [record.id for record in self.store.ended]
        (row,) = self.store.ended
        return row


def json_answer(value: Any = WHOLE, status: int = 200, **headers: str) -> tuple[int, list[Any], Mapping[str, str]]:
    return status, [json.dumps(value).encode()], {"content-type": "application/json", **headers}


def sse(
    *data: str | dict[str, Any] | BaseException | asyncio.Event | None,
) -> tuple[int, list[Any], Mapping[str, str]]:
    pieces = [
        f"data: {item if isinstance(item, str) else json.dumps(item)}\n\n".encode()
        if isinstance(item, str | dict)
        else item
        for item in data
    ]
    return 200, pieces, {"content-type": "text/event-stream"}


TEXT = {
    "id": "c1",
    "model": "gpt-4.1-mini",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}],
}
STOP = {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USED = {"id": "c1", "choices": [], "usage": WHOLE["usage"]}


async def test_whole_in_order() -> None:
    run = Run(json_answer())
    row = await run.go()
    assert run.log == ["begin", "send", "end", "whole", "closed"]
    assert (row.outcome, row.status, row.tags, row.user) == ("ok", 200, ("team:a",), "ana")
    assert run.store.begun[0].outcome == "interrupted" and run.learnt == [("openai", "connected")]


async def test_a_stream_s_row_is_written_before_its_last_byte() -> None:
    run = Run(sse(TEXT, STOP, USED, "[DONE]"))
    row = await run.go(STREAMED)
    assert run.log[:3] == ["begin", "send", "start"] and run.log[-1] == "closed"
    assert run.log.index("end") < run.log.index("finish")
    assert run.client.body.endswith(b"data: [DONE]\n\n") and (row.outcome, row.output_tokens) == ("ok", 2)


BROKEN = UpstreamError("OpenAI broke off.", kind="connection_lost", upstream_status=200)
ENDINGS: dict[str, tuple[Any, bytes, tuple[str, int, str | None]]] = {
    "refused": (json_answer({"error": {"message": "No."}}, 400), ASKED, ("error", 400, "bad_request")),
    "redirected": (json_answer({}, 302), ASKED, ("error", 502, "provider_error")),
    "unreachable": (UpstreamError("No.", kind="connection_lost"), ASKED, ("error", 502, "connection_lost")),
    "cut whole": ((200, [b"{", BROKEN], {}), ASKED, ("error", 502, "connection_lost")),
    "no JSON": ((200, [b"hello"], {}), ASKED, ("error", 502, "unreadable_answer")),
    "JSON that breaks off": ((200, [b'{"id":"x","choices":['], {}), ASKED, ("error", 502, "unreadable_answer")),
    "JSON of another shape": ((200, [b'{"choices":7,"x":1e999}'], {}), ASKED, ("ok", 200, None)),
    "JSON with bytes that are no text": ((200, [b'{"choices":7,"x":"\xff"}'], {}), ASKED, ("ok", 200, None)),
    "empty": ((200, [], {}), ASKED, ("error", 502, "unreadable_answer")),
    "empty stream": (sse(), STREAMED, ("error", 502, "connection_lost")),
    "error first": (sse({"error": {"message": "Busy.", "code": 503}}), STREAMED, ("error", 503, "overloaded")),
    "error midway": (sse(TEXT, {"error": {"message": "Busy.", "code": 503}}), STREAMED, ("error", 200, "overloaded")),
    "cut midway": (sse(TEXT, BROKEN), STREAMED, ("error", 200, "connection_lost")),
    "ends midway": (sse(TEXT), STREAMED, ("error", 200, "connection_lost")),
    "page": ((200, [b"<html>"], {"content-type": "text/html"}), STREAMED, ("error", 502, "unreadable_answer")),
    "no usage": (sse(TEXT, STOP, "[DONE]"), STREAMED, ("ok", 200, None)),
    "usage after the end": (sse(TEXT, STOP, "[DONE]", USED), STREAMED, ("ok", 200, None)),
    "cut after the finish": (sse(TEXT, STOP, BROKEN), STREAMED, ("error", 200, "connection_lost")),
    "cut after the end": (sse(TEXT, STOP, "[DONE]", BROKEN), STREAMED, ("ok", 200, None)),
    "cut after all": (sse(TEXT, STOP, USED, "[DONE]", BROKEN), STREAMED, ("ok", 200, None)),
    "bad body": (None, b"{", ("error", 400, "bad_request")),
    "bug": (RuntimeError("a bug"), ASKED, ("error", 500, "internal")),
    "bug midway": (sse(TEXT, RuntimeError("a bug")), STREAMED, ("error", 200, "internal")),
}


@pytest.mark.parametrize(("answer", "body", "expected"), ENDINGS.values(), ids=ENDINGS)
async def test_every_ending_is_one_row_and_an_answer(
    answer: Any, body: bytes, expected: tuple[str, int, str | None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    run = Run(answer)
    row = await run.go(body)
    assert (row.outcome, row.status, row.error_type) == expected
    assert run.client.status == expected[1]
    assert (b'"error"' in run.client.body) == (expected[0] == "error")
    assert run.log.count("end") == 1 and run.log.count("closed") == ("send" in run.log and isinstance(answer, tuple))
    if expected[0] == "error":
        assert row.error_message and "a bug" not in run.client.body.decode()
        assert b"[DONE]" not in run.client.body


async def test_a_whole_answer_that_failed_midway_passes_as_it_is_and_is_an_error_in_its_row() -> None:
    """OpenRouter: a 200 whose choice finished with "error"; what was used is billed all the same."""
    why = {"code": 502, "message": "key-of-openai-0123456789 was cut off"}
    failed = {"index": 0, "message": {"role": "assistant", "content": "Hel"}, "finish_reason": "error", "error": why}
    for usage in (WHOLE["usage"], {**WHOLE["usage"], "cost": 0.5, "is_byok": True}):
        run = Run(json_answer({**WHOLE, "choices": [failed], "usage": usage}))
        row = await run.go()
        assert (row.outcome, row.status, row.error_type) == ("error", 200, "provider_error")
        assert row.error_message == "[hidden] was cut off"
        assert (row.input_tokens, row.output_tokens, row.usage_source) == (5, 2, "provider")
        assert run.client.status == 200 and b"0123456789" not in run.client.body
        assert json.loads(run.client.body)["choices"][0]["message"]["content"] == "Hel"


def gemini_said(*parts: dict[str, Any], reason: str = "MALFORMED_FUNCTION_CALL") -> dict[str, Any]:
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    counts = {"promptTokenCount": 5, "totalTokenCount": 5}
    return {"candidates": [{"index": 0, "finishReason": reason, **content}], "usageMetadata": counts}


THOUGHT = {"text": "Hm.", "thought": True}
DOOR_BODIES: Mapping[str, dict[str, Any]] = {
    "openai_chat": {"messages": [{"role": "user", "content": "Hi."}]},
    "openai_responses": {"input": "Hi."},
    "anthropic": {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]},
}


async def malformed(door: str, parts: tuple[dict[str, Any], ...], streamed: bool) -> tuple[Run, ExchangeRecord]:
    """Gemini's answer as that door tells it, and its row."""
    said = gemini_said(*parts)
    run = Run(sse(said) if streamed else json_answer(said))
    opened = next(row for row in DOORS if row.name == door and row.operation.name == "chat")
    body = json.dumps({"model": "gemini-2.5-flash", "stream": streamed, **DOOR_BODIES[door]}).encode()
    return run, await run.go(body, opened)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("parts", [(), (THOUGHT,)], ids=["nothing", "thoughts alone"])
async def test_an_empty_answer_that_went_wrong_is_no_good_one(
    parts: tuple[dict[str, Any], ...], streamed: bool
) -> None:
    """Gemini's malformed calls: an agent that reads an empty answer with a good end takes its task for done."""
    run, row = await malformed("openai_chat", parts, streamed)
    assert (row.outcome, row.status, row.error_type) == ("error", 200 if streamed else 502, "provider_error")
    assert (row.input_tokens, row.usage_source) == (5, "provider")
    assert b"went wrong" in run.client.body and b'"finish_reason":"stop"' not in run.client.body


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("door", "word"), [("openai_responses", b'"status":"failed"'), ("anthropic", b'"stop_reason":"end_turn"')]
)
async def test_how_other_doors_tell_an_answer_that_went_wrong(door: str, word: bytes, streamed: bool) -> None:
    run, row = await malformed(door, (), streamed)
    assert run.client.status == 200 and word in run.client.body
    assert (row.input_tokens, row.usage_source) == (5, "provider")


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_words_of_an_answer_that_went_wrong_are_told(streamed: bool) -> None:
    said = gemini_said({"text": "Half."})
    run = Run(sse(said) if streamed else json_answer(said))
    body = json.dumps({"model": "gemini-2.5-flash", "stream": streamed, **DOOR_BODIES["openai_chat"]}).encode()
    row = await run.go(body)
    assert row.outcome == "ok" and b"Half." in run.client.body and b'"finish_reason":"stop"' in run.client.body


async def test_litellm_14457_a_client_that_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    for fails_at, body, answer, outcome in [
        ("start", STREAMED, sse(TEXT, STOP, USED, "[DONE]"), "aborted"),
        ("write", STREAMED, sse(TEXT, STOP, USED, "[DONE]"), "aborted"),
        # What it had asked for was complete before it went: that is what was used.
        ("whole", ASKED, json_answer(), "ok"),
        ("finish", STREAMED, sse(TEXT, STOP, USED, "[DONE]"), "ok"),
    ]:
        run = Run(answer, fails_at=fails_at)
        with pytest.raises(ConnectionError):
            await run.go(body)
        assert run.row.outcome == outcome and "closed" in run.log, fails_at
    assert not caplog.records


async def test_a_client_gone_while_its_error_is_told_is_no_second_row() -> None:
    run = Run(json_answer({"error": {"message": "No."}}, 400), fails_at="whole")
    row = await run.go()
    assert (row.outcome, row.status) == ("error", 400)


@pytest.mark.parametrize("stopping", [False, True])
async def test_cancelled_by_the_client_or_by_the_gateway_s_end(stopping: bool) -> None:
    run = Run(sse(TEXT, None))
    task = asyncio.get_running_loop().create_task(run.go(STREAMED))
    while "write" not in run.log:
        await asyncio.sleep(0)
    run.relay.stopping = stopping
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    expected = ("interrupted", 0, "interrupted") if stopping else ("aborted", 499, "client_left")
    assert (run.row.outcome, run.row.status, run.row.error_type) == expected
    assert (run.row.usage_source, run.row.output_tokens) == ("estimated", 1)
    assert run.log.index("closed") < run.log.index("end")


@pytest.mark.parametrize(
    ("answer", "limit", "status", "words"),
    [
        (sse(None), {"first_byte": 0.1}, 504, "OpenAI has not begun to answer within 0.1 s"),
        (sse(TEXT, None), {"between_chunks": 0.1}, 200, "OpenAI fell silent for 0.1 s in the middle"),
        ((200, [b"{", None], {}), {"between_chunks": 0.1}, 504, "OpenAI fell silent for 0.1 s in the middle"),
        (sse(TEXT, None), {"total": 0.1}, 200, "The request took longer than 0.1 s"),
    ],
    ids=["first byte", "between chunks", "whole", "total"],
)
def test_time_outs(
    monkeypatch: pytest.MonkeyPatch, answer: Any, limit: dict[str, float], status: int, words: str
) -> None:
    run = Run(answer, timeouts=replace(TIMEOUTS, **limit))
    row = in_virtual_time(run.go(STREAMED if answer[2] else ASKED), monkeypatch, "gateway.relaying.deadlines")
    assert (row.outcome, row.status, row.error_type) == ("error", status, "timeout")
    assert row.error_message and row.error_message.startswith(words)
    assert words in run.client.body.decode() and run.log.index("closed") < run.log.index("end")


@pytest.mark.parametrize("ending", ["client", "stopping", "first byte", "total"])
def test_what_was_sent_and_not_answered_is_estimated_whoever_gave_up(
    monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """A provider that says nothing at all may work on it, and bill it."""
    limits = {"first byte": {"first_byte": 0.1}, "total": {"total": 0.1}}.get(ending, {})
    run = Run(None, timeouts=replace(TIMEOUTS, **limits))
    run.relay.stopping = ending == "stopping"

    async def waited() -> ExchangeRecord:
        if limits:
            return await run.go(STREAMED)
        task = asyncio.get_running_loop().create_task(run.go(STREAMED))
        while not run.upstream.sent:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return run.row

    row = in_virtual_time(waited(), monkeypatch, "gateway.relaying.deadlines")
    assert (row.usage_source, row.input_tokens, row.output_tokens) == ("estimated", -(-len(STREAMED) // 4), None)
    assert row.cost_nano and row.cost_source == "list" and not row.use_unknown and not row.unpriced
    (attempt,) = row.attempts
    assert (attempt.status, attempt.input_tokens, attempt.cost_nano) == (None, row.input_tokens, row.cost_nano)


async def test_what_a_caller_s_own_key_meets_says_nothing_of_the_stored_one() -> None:
    for status, expected in ((200, "connected"), (401, "rejected")):
        own = Run(json_answer(WHOLE if status == 200 else {"error": {"message": "no"}}, status))
        await own.go(x_provider_api_key="mine-0123456789")
        stored = Run(json_answer(WHOLE if status == 200 else {"error": {"message": "no"}}, status))
        await stored.go()
        assert (own.learnt, stored.learnt) == ([], [("openai", expected)])
        assert own.upstream.sent[0][1]["authorization"] == "Bearer mine-0123456789"


@pytest.mark.parametrize("status", [200, 401, 402])
async def test_what_a_key_met_that_was_replaced_meanwhile_says_nothing_of_the_new_one(status: int) -> None:
    """A rejected key was replaced, and a late refusal of the old one was told of the new one."""
    run = Run(json_answer(WHOLE if status == 200 else {"error": {"message": "no"}}, status))
    send = run.upstream.send

    async def late(*asked: Any) -> Any:
        run.keys.stored = "another-0123456789"
        return await send(*asked)

    run.upstream.send = late  # type: ignore[method-assign]
    await run.go()
    assert run.upstream.sent[0][1]["authorization"] == "Bearer key-of-openai-0123456789" and run.learnt == []


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        (403, "model_not_found", "limited"),
        (402, None, "limited"),
        (429, "insufficient_quota", "limited"),
        (429, "rate_limit_exceeded", None),
        (401, "invalid_api_key", "rejected"),
    ],
)
async def test_a_key_that_may_not_do_one_thing_or_is_spent_is_limited(
    status: int, code: str | None, state: str | None
) -> None:
    run = Run(json_answer({"error": {"message": "Not for you", "code": code}}, status))
    row = await run.go()
    assert run.learnt == ([("openai", state)] if state else [])
    assert row.error_message and ("Not for you" in row.error_message) is (status != 401)


@pytest.mark.parametrize(
    ("code", "state"),
    [("invalid_api_key", "rejected"), ("insufficient_quota", "limited"), ("server_error", "connected")],
)
async def test_a_key_that_is_refused_midway_is_not_told_as_connected(code: str, state: str) -> None:
    """The card of a provider all of whose streams fail so said that it is connected."""
    said = {"error": {"message": "Not for you", "type": code, "code": code}}
    begun = {**TEXT, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
    for answer, before in ((sse(TEXT, said), ["connected"]), (sse(said), []), (sse(begun, said), [])):
        run = Run(answer)
        row = await run.go(STREAMED)
        assert row.outcome == "error"
        assert [told for _, told in run.learnt] == list(dict.fromkeys([*before, state])), answer


@pytest.mark.parametrize("failed", [False, True])
async def test_what_was_learnt_of_a_key_while_an_answer_came_is_newer_than_its_beginning(failed: bool) -> None:
    """A key that was revoked in the middle of a long answer was told as connected at its end."""
    more = asyncio.Event()
    run = Run(sse(TEXT, more, *([{"error": {"message": "Boom."}}] if failed else [STOP, USED, "[DONE]"])))
    going = asyncio.create_task(run.go(STREAMED))
    await until(lambda: run.client.body)
    assert run.learnt == [("openai", "connected")], "it is known with the first words"
    run.learnt.append(("openai", "rejected"))
    more.set()
    row = await going
    assert row.outcome == ("error" if failed else "ok") and run.learnt[-1] == ("openai", "rejected")


async def test_a_key_that_the_provider_repeats_is_hidden_everywhere() -> None:
    key = "key-of-openai-0123456789"
    error = {"error": {"message": f"{key} no", "code": key, "param": key, "type": key}}
    run = Run(json_answer(error, 429, **{"retry-after": key}))
    row = await run.go()
    seen = repr((row, run.client.headers, run.client.body))
    assert key not in seen and "[hidden]" in seen


@pytest.mark.parametrize("door", ["openai_chat", "openai_responses", "anthropic", "gemini"])
@pytest.mark.parametrize("streamed", [False, True], ids=["a refusal", "an event"])
async def test_a_key_at_the_end_of_what_is_told_of_an_error_is_hidden_before_it_is_cut(
    door: str, streamed: bool
) -> None:
    opened = next(row for row in DOORS if row.name == door and row.operation.name == "chat")
    model = {"anthropic": "claude-sonnet-4-6", "gemini": "gemini-2.5-flash"}.get(door, "gpt-4.1-mini")
    if door == "gemini":
        opened = opened.named(f"{model}:streamGenerateContent", {"alt": "sse"})
    provider = {"anthropic": "anthropic", "gemini": "google"}.get(door, "openai")
    key, before = f"key-of-{provider}-0123456789", "x" * (LONGEST_MESSAGE - 10)
    said = {"type": "error", "error": {"message": f"{before}{key} {'y' * LONGEST_MESSAGE}"}}
    run = Run(sse(said) if streamed else json_answer(said, 400))
    given = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]} if door == "gemini" else DOOR_BODIES[door]
    row = await run.go(json.dumps({"model": model, "stream": streamed, **given}).encode(), opened)
    assert row.error_message == f"{before}[hidden] y…"
    assert "key-of" not in run.client.body.decode()


COUNTED = ASKED[:-1] + b',"stream":true,"stream_options":{"include_usage":true}}'


@pytest.mark.parametrize("asked", [STREAMED, COUNTED], ids=["less a count", "as it is"])
async def test_a_key_in_an_error_event_that_arrives_in_pieces_is_hidden(asked: bytes) -> None:
    key = "key-of-openai-0123456789"
    (_, (first, error), headers) = sse(TEXT, {"error": {"message": f"With {key} no more."}})
    for cut in range(len(error)):
        run = Run((200, [first, error[:cut], error[cut:]] if cut else [first, error], headers))
        row = await run.go(asked)
        assert run.client.body == first + error.replace(key.encode(), b"[hidden]")
        assert (row.outcome, row.error_message) == ("error", "With [hidden] no more.")


@pytest.mark.parametrize("asked", [STREAMED, COUNTED], ids=["less a count", "as it is"])
@pytest.mark.parametrize(("end", "outcome"), [([STOP, USED], "ok"), ([STOP, "[DONE]"], "error"), ([STOP], "error")])
@pytest.mark.parametrize("whole", [True, False])
async def test_a_key_in_an_error_that_follows_an_answer_s_end_is_hidden(
    asked: bytes, end: list[Any], outcome: str, whole: bool
) -> None:
    key = "key-of-openai-0123456789"
    error = {"error": {"message": f"With {key} no more."}}
    (status, pieces, headers) = sse(TEXT, *end, error)
    run = Run((status, [*pieces[:-1], pieces[-1] if whole else pieces[-1].rstrip()], headers))
    row = await run.go(asked)
    assert row.outcome == outcome
    assert key.encode() not in run.client.body and run.client.body.count(b'"error"') == 1


@pytest.mark.parametrize("asked", [STREAMED, COUNTED], ids=["less a count", "as it is"])
@pytest.mark.parametrize("lost", [True, False])
async def test_half_an_event_is_not_glued_to_the_error_that_ends_its_stream(asked: bytes, lost: bool) -> None:
    (_, (first, second), headers) = sse(TEXT, TEXT)
    gone = [UpstreamError("Gone.", kind="connection_lost", own_words=True)] if lost else []
    run = Run((200, [first, second[:20], *gone], headers))
    row = await run.go(asked)
    assert (row.outcome, row.error_type) == ("error", "connection_lost")
    events = run.client.body.removeprefix(first)
    assert json.loads(events.removeprefix(b"data: "))["error"]["code"] == "upstream_connection_lost"


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a\r\nb", "a%0D%0Ab"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
        ("é\u2028\ud800", "%C3%A9%E2%80%A8%ED%A0%80"),
        ("x" * 3000, "x" * 2048),
        ("é" * 3000, ("%C3%A9" * 3000)[:2048]),
    ],
)
def test_header_values(value: str, header: str) -> None:
    assert sendable(value) == header


@pytest.mark.parametrize(
    ("name", "auth", "header"),
    [
        ("openai", None, {"authorization": "Bearer k"}),
        ("anthropic", None, {"x-api-key": "k"}),
        ("google", None, {"x-goog-api-key": "k"}),
        ("xai", None, {"authorization": "Bearer k"}),
        ("openai", "none", {"authorization": "Bearer k"}),
        ("anthropic", "none", {"x-api-key": "k"}),
        ("google", "none", {"x-goog-api-key": "k"}),
        ("anthropic", "bearer", {"authorization": "Bearer k"}),
    ],
)
def test_where_a_key_goes(name: str, auth: str | None, header: dict[str, str]) -> None:
    provider = BY_NAME[name] if auth is None else replace(BY_NAME[name], auth=auth)
    assert dict(credentials(provider, DIALECTS[provider.dialect], "k")) == header


ANTHROPIC = [
    {"type": "message_start", "message": {"id": "m", "model": "claude-sonnet-4-6", "usage": {"input_tokens": 5}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "claude-sonnet-4-6"], ids=["as it is", "translated"])
async def test_a_finished_stream_does_not_wait_for_the_connection_s_end(model: str) -> None:
    """The provider keeps its connection open after its end mark: the client has all, and its leaving is no abort."""
    events = (TEXT, STOP, USED, "[DONE]") if model.startswith("gpt") else ANTHROPIC
    run = Run(sse(*events, None))
    task = asyncio.get_running_loop().create_task(run.go(STREAMED.replace(b"gpt-4.1-mini", model.encode())))
    async with asyncio.timeout(PATIENCE_S):
        while b"[DONE]" not in run.client.body:
            await asyncio.sleep(0)
    assert run.row.outcome == "ok" and run.row.usage_source == "provider"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert run.row.outcome == "ok" and run.client.body.count(b"[DONE]") == 1


async def test_the_end_mark_waits_for_a_count_that_comes_after_it() -> None:
    """A client that leaves at the end mark would take the count with it."""
    counted = asyncio.Event()
    run = Run(sse(TEXT, STOP, "[DONE]", counted, USED, None))
    task = asyncio.get_running_loop().create_task(run.go(STREAMED))
    for _ in range(50):
        await asyncio.sleep(0)
    assert b"Hi" in run.client.body and b"[DONE]" not in run.client.body
    counted.set()
    async with asyncio.timeout(PATIENCE_S):
        while b"[DONE]" not in run.client.body:
            await asyncio.sleep(0)
    assert (run.row.outcome, run.row.usage_source) == ("ok", "provider")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_litellm_14457_a_client_that_leaves_before_the_count() -> None:
    """All words have come, and the provider's count is on its way."""
    run = Run(sse(TEXT, STOP, None))
    task = asyncio.get_running_loop().create_task(run.go(STREAMED))
    for _ in range(50):
        await asyncio.sleep(0)
    assert b'"finish_reason": "stop"' in run.client.body
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = run.row
    assert (row.outcome, row.usage_source, row.output_tokens) == ("aborted", "estimated", 1)
    assert row.input_tokens == -(-len(STREAMED) // 4) and row.cost_nano


def test_a_count_that_never_comes_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(sse(TEXT, STOP, "[DONE]", None))

    async def go() -> tuple[ExchangeRecord, float]:
        return await run.go(STREAMED), asyncio.get_running_loop().time()

    row, seconds = in_virtual_time(go(), monkeypatch, "gateway.relaying.deadlines")
    assert LATE_USAGE_S <= seconds <= LATE_USAGE_S + 2 * SWEEP_S
    assert (row.outcome, row.usage_source) == ("ok", "estimated")
    assert run.client.body.endswith(b"data: [DONE]\n\n") and run.log[-2:] == ["finish", "closed"]


@pytest.mark.parametrize(
    "door", [CHAT, next(door for door in DOORS if door.name == "anthropic")], ids=lambda d: d.name
)
async def test_a_long_body_is_planned_beside_the_loop_and_goes_out_as_any_other(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[bool] = []
    plan = Planner.plan

    def noting(self: Planner, *args: Any) -> Plan:
        planned.append(threading.current_thread() is threading.main_thread())
        return plan(self, *args)

    monkeypatch.setattr(Planner, "plan", noting)
    sent = []
    for words in ("Hi", "Hi " * LONG_BODY):
        run = Run(json_answer())
        body = {"model": "gpt-4.1-mini", "max_tokens": 9, "messages": [{"role": "user", "content": words}]}
        row = await run.go(json.dumps(body).encode(), door)
        assert (row.outcome, row.model, row.input_tokens) == ("ok", "gpt-4.1-mini", run.row.input_tokens)
        sent.append(json.loads(run.upstream.sent[0][2]))
    assert planned == [True, False]
    assert sent[1]["messages"][0]["content"] == "Hi " * LONG_BODY
    assert {**sent[1], "messages": []} == {**sent[0], "messages": []}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_an_answer_is_kept_before_its_client_can_name_it_and_a_long_one_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    own, door = threading.current_thread(), next(door for door in DOORS if door.stores)
    keep, on_loop = StoredAnswers.keep, []
    runs: list[Run] = []

    def noting(self: StoredAnswers, key: str, exchange: str, provider: str, request: bytes, answer: bytes) -> None:
        on_loop.append(threading.current_thread() is own)
        keep(self, key, exchange, provider, request, answer)
        runs[-1].log.append("kept")

    monkeypatch.setattr(StoredAnswers, "keep", noting)
    for words in ("Hi", "H" * LONG_ANSWER):
        output = [{"id": "msg_1", "type": "message", "role": "assistant", "content": words}]
        usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
        whole = {"id": "resp_1", "status": "completed", "model": "gpt-5.4", "output": output, "usage": usage}
        ended = {"type": "response.completed", "response": whole}
        runs.append(run := Run(sse(ended) if stream else json_answer(whole)))
        body = {"model": "gpt-5.4", "input": "Hi", "stream": stream}
        row = await run.go(json.dumps(body).encode(), door)
        assert row.outcome == "ok"
        assert [each for each in run.log if each in ("end", "kept", "whole", "write")] == [
            "end",
            "kept",
            "write" if stream else "whole",
        ]
        assert run.relay._stored.may_complete(b'"previous_response_id"')
    assert on_loop == [True, False]


async def test_what_a_long_body_lacks_is_refused_as_any_other() -> None:
    run = Run(json_answer())
    row = await run.go(json.dumps({"model": "no-such-model", "messages": ["x" * LONG_BODY]}).encode())
    assert (row.status, row.error_type, row.outcome) == (404, "not_found", "error")


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (ConnectionResetError("gone"), "aborted"),
        (ClientError("No such encoding.", status=415, kind="unsupported_media_type"), "error"),
        (ClientError("Too large.", status=413, kind="too_large"), "error"),
    ],
)
async def test_a_row_without_a_body_has_the_request_s_tags(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, outcome: str
) -> None:
    async def lost(_incoming: FakeIncoming) -> bytes:
        raise fault

    monkeypatch.setattr(FakeIncoming, "read", lost)
    run = Run()
    with contextlib.suppress(ConnectionError):
        await run.go(x_tags="env:dev, team:b", x_user="bob")
    assert (run.row.outcome, run.row.tags, run.row.end_user) == (outcome, ("team:a", "env:dev"), "bob")


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "claude-sonnet-4-6"])
async def test_a_schema_that_is_too_deep_to_be_said_anew_is_the_client_s_to_mend(model: str) -> None:
    schema = b'{"type":"object","properties":{"p":' * 450 + b'{"type":"string"}' + b"}}" * 450
    wanted = b'"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":%b}}' % schema
    run = Run(json_answer())
    row = await run.go(b'{"model":"%b","messages":[{"role":"user","content":"Hi"}],%b}' % (model.encode(), wanted))
    assert (row.status, row.error_type) == (400, "bad_request")
    assert "nested too deeply" in run.client.body.decode()


HISTORY_FIELDS = {"openai_chat": "messages", "openai_responses": "input"}


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("messages: at least one message is required", True),
        ("messages.1.content: Field required", True),
        ("prompt is too long: 9 > 8", True),
        ("max_tokens: must be at least 1", False),
        ("messages were not understood", False),
    ],
)
@pytest.mark.parametrize("door", HISTORY_FIELDS)
async def test_a_provider_that_refuses_the_messages_is_told_by_their_name_at_the_door(
    door: str, said: str, named: bool
) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": said}}
    run = Run(json_answer(error, 400))
    opened = next(row for row in DOORS if row.name == door and row.operation.name == "chat")
    body = json.dumps({"model": "claude-sonnet-4-6", **DOOR_BODIES[door]}).encode()
    assert (await run.go(body, opened)).status == 400
    assert json.loads(run.client.body)["error"]["param"] == (HISTORY_FIELDS[door] if named else None)


@pytest.mark.parametrize(
    ("said", "named"),
    [("input", "messages"), ("input[2].content", "messages"), ("input_x", "input_x"), ("messages[1].role", None)],
)
async def test_what_another_dialect_calls_the_messages_is_told_by_their_name_at_the_door(
    said: str, named: str | None
) -> None:
    """A name of the door's own dialect says more, and stands as it is."""
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    asked = {"model": "gpt-5.4", "reasoning_effort": "low", "tools": [tool], **DOOR_BODIES["openai_chat"]}
    run = Run(json_answer({"error": {"message": "No.", "type": "invalid_request_error", "param": said}}, 400))
    await run.go(json.dumps(asked).encode())
    assert run.upstream.sent[0][0].endswith("/responses")
    assert json.loads(run.client.body)["error"]["param"] == (named or said)


async def test_an_input_of_embeddings_that_is_too_long_is_no_message() -> None:
    error = {"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"}
    run = Run(json_answer({"error": error}, 400))
    opened = next(row for row in DOORS if row.name == "embeddings")
    await run.go(b'{"model": "text-embedding-3-small", "input": "Hi."}', opened)
    assert json.loads(run.client.body)["error"]["param"] is None


@pytest.mark.parametrize("early", [True, False], ids=["before an answer", "midway"])
@pytest.mark.parametrize("door", HISTORY_FIELDS)
async def test_an_error_inside_a_stream_names_the_field_as_one_before_it_does(door: str, early: bool) -> None:
    message = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "claude-sonnet-4-6"}
    begun = {"type": "message_start", "message": message | {"usage": {"input_tokens": 5, "output_tokens": 1}}}
    refusal = {"type": "invalid_request_error", "message": "messages.1.content: Field required"}
    failed = {"type": "error", "error": refusal}
    run = Run(sse(failed) if early else sse(begun, failed))
    opened = next(row for row in DOORS if row.name == door and row.operation.name == "chat")
    asked = {"model": "claude-sonnet-4-6", "stream": True, **DOOR_BODIES[door]}
    row = await run.go(json.dumps(asked).encode(), opened)
    assert (row.outcome, row.status) == ("error", 400 if early else 200)
    told = json.loads(run.client.body if early else run.client.body.strip().rpartition(b"data: ")[2])
    error = (told.get("response") or told)["error"]
    assert error["param"] == HISTORY_FIELDS[door]
