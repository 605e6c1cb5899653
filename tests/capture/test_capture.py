"""What an exchange said is told once it is over, whatever its ending; nothing waits for it, and no gap is silent."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.capture.capture import Capture
from gateway.capture.pause import PAUSED, Pause
from gateway.capture.redactor import Redactor
from gateway.capture.rules import chosen
from gateway.capture.switches import Switches
from gateway.errors import UpstreamError
from gateway.model import FinishReason, Message, Role, Text, ToolCall
from gateway.relaying.doors import DOORS, VERBS, Door
from gateway.relaying.exchange import Exchange
from gateway.store.meter import REASONS
from gateway.told import Told
from tests.relaying.test_relay import ASKED, STOP, STREAMED, TEXT, USED, WHOLE, Run, json_answer, sse

BY_NAME = {door.name: door for door in reversed(DOORS)}
EVERYTHING = Switches()
COUNT = next(door for door in DOORS if door.path.endswith("count_tokens"))


class FakeThreads:
    """`holds` is set by a test that wants telling to wait."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.holds = threading.Event()
        self.holds.set()
        self.takes = True
        self.error: Exception | None = None

    def put(self, told: Told) -> bool:
        assert self.holds.wait(60)
        if self.error is not None:
            raise self.error
        self.told.append(told)
        return self.takes


class Captured:
    def __init__(self, switches: Switches = EVERYTHING, pause: Pause | None = None, **limits: int) -> None:
        self.threads = FakeThreads()
        self.capture = Capture(self.threads, switches, Redactor(chosen((), ())), pause=pause, **limits)

    async def run(self, answer: Any = None, body: bytes = ASKED, door: Door = DOORS[0], **headers: str) -> Told:
        run = Run(answer, listener=self.capture)
        row = await run.go(body, door, **headers)
        assert self.capture.flush(60)
        told = self.threads.told[-1]
        assert (told.request_id, told.outcome, told.status) == (row.id, row.outcome, row.status)
        assert (told.usage.input_tokens, told.cost_nano, told.latency_us) == (
            row.input_tokens,
            row.cost_nano,
            row.latency_us,
        )
        return told

    @property
    def counts(self) -> dict[str, int]:
        found = dict(self.capture.uncaptured())
        assert set(found) <= {reason.kind for reason in REASONS if reason.of == "captured"}
        return found


@pytest.fixture
def captured() -> Iterator[Captured]:
    made = Captured()
    yield made
    made.threads.holds.set()
    made.capture.close()


def question(told: Told) -> tuple[Message, ...]:
    assert told.request is not None
    return told.request.messages


def answer(told: Told) -> list[Any]:
    assert told.response is not None
    return list(told.response.choices[0].parts)


HI = (Message(Role.USER, (Text("Hi"),)),)


async def test_whole_and_streamed_are_told_alike(captured: Captured) -> None:
    whole = await captured.run(json_answer(), conversation_id="no such header")
    streamed = await captured.run(sse(TEXT, STOP, USED, "[DONE]"), STREAMED, x_conversation_id="c-1")
    for told in (whole, streamed):
        assert question(told) == HI and answer(told) == [Text("Hi")]
        assert told.response is not None and told.response.choices[0].finish_reason is FinishReason.STOP
        assert (told.source, told.scope, told.key, told.user) == ("gateway", "key_1", "key", "ana")
        assert (told.response_id, told.client_response_id, told.hints) == ("c1", None, ())
        assert (told.door, told.provider, told.model, told.tags) == (
            "openai_chat",
            "openai",
            "gpt-4.1-mini",
            ("team:a",),
        )
    assert (whole.streamed, whole.conversation, streamed.streamed, streamed.conversation) == (
        False,
        None,
        True,
        "c-1",
    )
    assert captured.counts == {}


async def test_a_translated_answer_has_two_ids(captured: Captured) -> None:
    body = json.dumps({"model": "gpt-4.1-mini", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]})
    told = await captured.run(json_answer(), body.encode(), BY_NAME["anthropic"])
    assert told.response_id == "c1" and told.request_id is not None
    assert told.client_response_id == "msg_" + told.request_id.removeprefix("req_")
    assert question(told) == HI and answer(told) == [Text("Hi")] and told.door == "anthropic"


BROKEN = UpstreamError("OpenAI broke off.", kind="connection_lost", upstream_status=200)
ENDINGS: dict[str, tuple[Any, bytes, str, list[Any] | None]] = {
    "refused": (json_answer({"error": {"message": "No."}}, 400), ASKED, "error", None),
    "unreachable": (UpstreamError("No.", kind="connection_lost"), ASKED, "error", None),
    "no JSON": ((200, [b"hello"], {}), ASKED, "error", None),
    "error midway": (sse(TEXT, {"error": {"message": "Busy.", "code": 503}}), STREAMED, "error", [Text("Hi")]),
    "cut midway": (sse(TEXT, BROKEN), STREAMED, "error", [Text("Hi")]),
    "ends midway": (sse(TEXT), STREAMED, "error", [Text("Hi")]),
    "usage after the end": (sse(TEXT, STOP, "[DONE]", USED), STREAMED, "ok", [Text("Hi")]),
}


@pytest.mark.parametrize(("answered", "body", "outcome", "parts"), ENDINGS.values(), ids=ENDINGS)
async def test_every_ending_keeps_what_was_said_until_then(
    captured: Captured, answered: Any, body: bytes, outcome: str, parts: list[Any] | None
) -> None:
    told = await captured.run(answered, body)
    assert question(told) == HI and told.outcome == outcome
    assert (told.response and answer(told)) == parts
    assert bool(told.error_message) == (outcome == "error")


async def test_a_body_that_cannot_be_read_is_told_without_it(captured: Captured) -> None:
    told = await captured.run(None, b"{")
    assert (told.request, told.response, told.status) == (None, None, 400)
    assert told.hints == ("The request's body could not be read, so what was asked is not kept.",)


async def test_a_field_that_no_codec_takes_is_left_out_and_the_rest_is_kept(captured: Captured) -> None:
    body = ASKED[:-1] + b',"tool_choice":{"type":"new_thing"},"stop":{"a":1},"seed":7}'
    told = await captured.run(json_answer(), body)
    assert question(told) == HI and told.request is not None and told.request.seed == 7
    (hint,) = told.hints
    assert "stop" in hint and "tool_choice" in hint and "could not be read" in hint


async def test_a_client_that_left_is_told_what_had_come(captured: Captured) -> None:
    run = Run(sse(TEXT, None), listener=captured.capture)
    task = asyncio.get_running_loop().create_task(run.go(STREAMED))
    while "write" not in run.log:
        await asyncio.sleep(0)
    (running,) = await asyncio.to_thread(captured.capture.running)
    assert (running.outcome, running.status, running.latency_us) == ("running", 0, None)
    assert question(running) == HI and answer(running) == [Text("Hi")] and running.client_response_id is None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert captured.capture.flush(60) and captured.capture.running() == ()
    (told,) = captured.threads.told
    assert (told.outcome, told.request_id) == ("aborted", running.request_id)
    assert question(told) == HI and answer(told) == [Text("Hi")]


async def test_several_choices_and_calls(captured: Captured) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}}
    choices = [
        {"index": 0, "message": {"role": "assistant", "content": "One"}, "finish_reason": "stop"},
        {"index": 1, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "tool_calls"},
    ]
    told = await captured.run(json_answer({**WHOLE, "choices": choices}))
    assert told.response is not None
    assert [choice.parts for choice in told.response.choices] == [
        (Text("One"),),
        (ToolCall("call_1", "f", '{"a": 1.0}'),),
    ]


VECTORS = {"model": "text-embedding-3-small", "data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 2}}


async def test_embeddings_keep_their_texts_and_no_vectors(captured: Captured) -> None:
    for given, said in [
        ("a text", ["a text"]),
        (["one", "two"], ["one", "two"]),
        ([1, 2], ["[1,2]"]),
        ([[1], [2]], ["[1]", "[2]"]),
    ]:
        body = json.dumps({"model": "text-embedding-3-small", "input": given}).encode()
        told = await captured.run(json_answer(VECTORS), body, BY_NAME["embeddings"])
        assert [message.parts for message in question(told)] == [(Text(text),) for text in said]
        assert told.response is None and told.usage.input_tokens == 2
        assert told.hints == ("Vectors are not kept, only the texts that were embedded.",)


async def test_embeddings_at_the_gemini_door(captured: Captured) -> None:
    door = BY_NAME["gemini"]
    requests = [{"model": "models/x", "content": {"parts": [{"text": text}]}} for text in ("one", "two")]
    for verb, body, said in [
        ("embedContent", requests[0], ["one"]),
        ("batchEmbedContents", {"requests": requests}, ["one", "two"]),
    ]:
        named = door.named(f"gemini-embedding-001:{verb}", {})
        told = await captured.run(json_answer({"embeddings": []}), json.dumps(body).encode(), named)
        assert [part.text for message in question(told) for part in message.parts] == said  # type: ignore[union-attr]
    assert set(VERBS) >= {"embedContent", "batchEmbedContents"}


async def test_counting_tokens_is_no_turn(captured: Captured) -> None:
    body = json.dumps({"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hi"}]}).encode()
    await Run(None, listener=captured.capture).go(body, COUNT)
    assert captured.capture.flush(60) and captured.threads.told == [] and captured.counts == {}


async def test_own_keys_are_never_told_even_where_the_provider_repeats_them(captured: Captured) -> None:
    key = "an-opaque-key-of-the-caller"
    body = {**WHOLE, "choices": [{"index": 0, "message": {"role": "assistant", "content": f"You sent {key}."}}]}
    told = await captured.run(json_answer(body), x_provider_api_key=key)
    assert answer(told) == [Text("You sent [hidden].")] and key not in str(told)


RESPONSES = BY_NAME["openai_responses"]


async def test_what_the_provider_keeps_is_named(captured: Captured) -> None:
    body = {
        "model": "gpt-4.1-mini",
        "input": "Hi",
        "previous_response_id": "resp_0",
        "conversation": {"id": "conv_9"},
    }
    told = await captured.run((200, [b"{}"], {}), json.dumps(body).encode(), RESPONSES)
    assert (told.previous_response_id, told.conversation) == ("resp_0", "conv_9") and question(told) == HI


async def test_an_anthropic_thread_goes_on_from_the_answer_that_it_names(captured: Captured) -> None:
    thread = {"type": "continue", "previous_message_id": "msg_0"}
    body = {"model": "claude-sonnet-4-6", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    answered = (200, [b"{}"], {})
    told = await captured.run(answered, json.dumps({**body, "thread": thread}).encode(), BY_NAME["anthropic"])
    assert told.previous_response_id == "msg_0" and question(told) == HI
    thread = {"type": "create"}
    told = await captured.run(answered, json.dumps({**body, "thread": thread}).encode(), BY_NAME["anthropic"])
    assert told.previous_response_id is None


CLAUDE = json.dumps({"device_id": "d", "account_uuid": "", "session_id": "s-7"})
IDS: list[tuple[Door, dict[str, Any], dict[str, str], str | None]] = [
    (BY_NAME["anthropic"], {"metadata": {"user_id": CLAUDE}, "max_tokens": 1, "messages": []}, {}, "s-7"),
    (RESPONSES, {"input": "x", "conversation": "conv_1"}, {}, "conv_1"),
    (RESPONSES, {"input": "x", "client_metadata": {"session_id": "s-1", "thread_id": "t"}}, {}, "s-1"),
    (RESPONSES, {"input": "x", "prompt_cache_key": "k"}, {"user_agent": "codex_exec/0.169.0"}, "k"),
    (RESPONSES, {"input": "x", "prompt_cache_key": "k"}, {"user_agent": "OpenAI/Python 3.54.0"}, None),
    (RESPONSES, {"input": "x", "user": "u", "safety_identifier": "s"}, {}, None),
    (RESPONSES, {"input": "x", "conversation": "conv_1"}, {"x_conversation_id": "mine"}, "mine"),
    (RESPONSES, {"input": "x", "conversation": 7, "client_metadata": 7, "prompt_cache_key": 7}, {}, None),
    (RESPONSES, {"input": "x", "conversation": "c\n"}, {}, None),
    (DOORS[0], {"messages": [{"role": "user", "content": "Hi"}]}, {"baggage": "session.id=b"}, "b"),
]


@pytest.mark.parametrize(("door", "body", "headers", "expected"), IDS, ids=range(len(IDS)))
async def test_ids_of_conversations_in_bodies(
    captured: Captured, door: Door, body: dict[str, Any], headers: dict[str, str], expected: str | None
) -> None:
    run = Run((200, [b"{}"], {}), listener=captured.capture)
    row = await run.go(json.dumps({"model": "gpt-4.1-mini", **body}).encode(), door, **headers)
    assert row.conversation_id == run.store.begun[0].conversation_id == expected
    assert captured.capture.flush(60) and captured.threads.told[-1].conversation == expected


WHY = {
    "content": (Switches(content=False), "capture.content is off"),
    "key": (Switches(keys_off=("other", "key")), "capture.keys_off names the key key"),
    "tag": (Switches(tags_off=("team:a",)), "capture.tags_off names the tag team:a"),
    "tag key": (Switches(tags_off=("team",)), "capture.tags_off names the tag team:a"),
}


@pytest.mark.parametrize(("switches", "why"), WHY.values(), ids=WHY)
async def test_switched_off_leaves_figures_only(switches: Switches, why: str) -> None:
    captured = Captured(switches)
    try:
        told = await captured.run(json_answer({"error": {"message": "You said Hi."}}, 400))
        assert (told.request, told.response, told.title, told.error_message) == (None, None, None, None)
        (hint,) = told.hints
        assert why in hint and told.error_type == "bad_request" and told.latency_us is not None
        assert (await captured.run(sse(TEXT, STOP, USED, "[DONE]"), STREAMED)).usage.output_tokens == 2
        assert "Hi" not in str(captured.threads.told)
    finally:
        captured.capture.close()


async def test_a_pause_keeps_nothing_of_what_is_said_and_counts_all() -> None:
    pause = Pause()
    captured = Captured(pause=pause)
    try:
        assert question(await captured.run(json_answer())) == HI
        pause.begin(15)
        told = await captured.run(json_answer({"error": {"message": "You said Hi."}}, 400))
        assert (told.request, told.response, told.title, told.error_message) == (None, None, None, None)
        assert told.hints == (PAUSED,) and told.headers == ()
        streamed = await captured.run(sse(TEXT, STOP, USED, "[DONE]"), STREAMED)
        assert (streamed.request, streamed.usage.output_tokens) == (None, 2)
        pause.end()
        assert question(await captured.run(json_answer())) == HI
        assert captured.counts == {}
    finally:
        captured.capture.close()


async def test_what_runs_when_a_pause_begins_is_not_kept_either(captured: Captured) -> None:
    run = Run(sse(TEXT, None), listener=captured.capture)
    task = asyncio.get_running_loop().create_task(run.go(STREAMED))
    while "write" not in run.log:
        await asyncio.sleep(0)
    captured.capture.forget_running()
    (running,) = await asyncio.to_thread(captured.capture.running)
    assert (running.outcome, running.request, running.response, running.hints) == ("running", None, None, (PAUSED,))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert captured.capture.flush(60)
    (told,) = captured.threads.told
    assert (told.outcome, told.request, told.response, told.hints) == ("aborted", None, None, (PAUSED,))


async def test_other_keys_and_tags_are_kept() -> None:
    captured = Captured(Switches(keys_off=("ke",), tags_off=("team:b", "tea")))
    try:
        assert question(await captured.run(json_answer())) == HI
    finally:
        captured.capture.close()


async def test_more_than_can_be_taken_down_is_told_as_figures_and_counted() -> None:
    for limits in ({"most": 1}, {"most_bytes": 400}):
        captured = Captured(**limits)
        captured.threads.holds.clear()
        for _ in range(3):
            await Run(json_answer(), listener=captured.capture).go()
        assert captured.counts == {"content_busy": 2}
        captured.threads.holds.set()
        assert captured.capture.flush(60)
        first, *rest = captured.threads.told
        assert question(first) == HI
        assert [(told.request, told.usage.output_tokens) for told in rest] == [(None, 2)] * 2
        assert all("more was said at that moment" in told.hints[0] for told in rest)
        await captured.run(json_answer())
        assert question(captured.threads.told[-1]) == HI and captured.counts == {"content_busy": 2}
        captured.capture.close()


async def test_a_store_that_takes_nothing_is_counted(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    captured.threads.takes = False
    await captured.run(json_answer())
    captured.threads.error = RuntimeError("what was said: Hi")
    await Run(json_answer(), listener=captured.capture).go()
    assert captured.capture.flush(60) and captured.counts == {"content_unstored": 2}
    assert "RuntimeError" in caplog.text and "Hi" not in caplog.text


async def test_a_fault_of_ours_costs_the_content_and_not_the_turn(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("what was said: Hi")

    monkeypatch.setattr("gateway.capture.capture.answer_of", broken)
    told = await captured.run(json_answer())
    assert (told.request, told.response) == (None, None) and "could not be read" in told.hints[0]
    assert captured.counts == {"content_failed": 1} and "Hi" not in caplog.text


async def test_the_end_tells_what_waits() -> None:
    captured = Captured()
    for _ in range(20):
        await Run(json_answer(), listener=captured.capture).go()
    captured.capture.close()
    assert len(captured.threads.told) == 20


async def test_witnesses_see_every_exchange_also_one_that_is_no_turn_and_one_that_fails_harms_nobody() -> None:
    seen: list[tuple[str, Told]] = []

    def broken(exchange: Exchange, told: Told) -> None:
        raise ValueError("broken")

    threads = FakeThreads()
    witnesses = (broken, lambda exchange, told: seen.append((exchange.heard.door.operation.name, told)))
    capture = Capture(threads, EVERYTHING, Redactor(chosen((), ())), witnesses=witnesses)
    try:
        for door in (DOORS[0], COUNT):
            await Run(json_answer(WHOLE), listener=capture).go(ASKED, door)
        assert capture.flush(60)
    finally:
        capture.close()
    assert [name for name, _ in seen] == ["chat", "count"]
    assert seen[0][1].request is not None and seen[1][1].request is None
    assert len(threads.told) == 1 and capture.uncaptured() == {}


@pytest.mark.parametrize("what", ["body", "answer", "headers"])
async def test_all_that_waits_counts_towards_what_may_wait(what: str) -> None:
    large = "x" * 6000
    captured = Captured(most_bytes=10_000)
    captured.threads.holds.clear()
    body = ASKED.replace(b"Hi", large.encode()) if what == "body" else ASKED
    message = {"role": "assistant", "content": large if what == "answer" else "Hi"}
    said = WHOLE | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    headers = {"x-note": large} if what == "headers" else {}
    for _ in range(2):
        await Run(json_answer(said), listener=captured.capture).go(body, **headers)
    assert captured.counts == {"content_busy": 1}
    captured.threads.holds.set()
    captured.capture.close()


async def test_what_ends_is_told_though_nobody_waits_for_it(captured: Captured) -> None:
    await Run(json_answer(), listener=captured.capture).go()
    for _ in range(500):
        if captured.threads.told:
            break
        await asyncio.sleep(0.01)
    assert question(captured.threads.told[0]) == HI


@pytest.mark.parametrize("off", [(), ("headers",)])
async def test_headers_are_told_unless_they_are_switched_off(off: tuple[str, ...]) -> None:
    captured = Captured(Switches(parts_off=off))
    told = await captured.run(json_answer(), ASKED, DOORS[0], **{"x-note": "mine"})
    assert bool(told.headers) == (not off)
    captured.capture.close()


async def test_beyond_what_may_wait_at_all_nothing_is_told_and_it_is_counted(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.capture.capture.MOST_WAITING", 0)
    await Run(json_answer(), listener=captured.capture).go()
    assert captured.capture.flush(60) and captured.threads.told == []
    assert captured.counts == {"content_busy": 1}
