"""What is told of exchanges equals what was said: official SDKs through every door, whole and streamed.

The gateway runs in this process, with a store of conversations that keeps what it is told.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.model import Blob, Message, Part, Reasoning, Request, Role, Text, Tool, ToolCall, ToolCallResponse
from gateway.told import Told
from tests.capture.test_rules import FOUND
from tests.endtoend.inside import Inside
from tests.endtoend.matrix.anthropic_door import AnthropicDoor
from tests.endtoend.matrix.chat_door import ChatDoor
from tests.endtoend.matrix.features import PICTURE
from tests.endtoend.matrix.gemini_door import GeminiDoor
from tests.endtoend.matrix.responses_door import ResponsesDoor
from tests.endtoend.matrix.scenario import Ask, Function, Heard
from tests.endtoend.serving import CHAT, MODELS, PROVIDERS, USAGE, Reply, traces, upstreams
from tests.endtoend.test_recorded_tools import CASES, MARKED, RECORDED, dialect, replay
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

DOORS = {"chat": ChatDoor, "responses": ResponsesDoor, "anthropic": AnthropicDoor, "gemini": GeminiDoor}
# What JSON, lines and terminals stumble over; nothing of it may change.
WORDS = 'Straße 東京 👩\u200d👧 "quoted" back\\slash\ttab\r\nnext line \u2028 {"a": 1}  data: [DONE]'
RESULT = '{"found":  [1.0, 2e3],\n "said": "naïve \\u00e4"}'
# Earlier Gemini models give their calls no ids.
MODELS_WITH_CALL_IDS = {**MODELS, "google": "gemini-3.1-pro-preview"}
HELLO = [{"role": "user", "content": "Hi"}]
SYSTEM = "You look things up.\n\nAlways."
LOOK = Function(
    name="look_up",
    description="Looks something up.",
    schema={"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
)


@pytest.fixture(scope="module")
def inside(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("inside") / "home", **upstreams(provider.base_urls)) as served:
        yield served


def messages(told: Told) -> tuple[Message, ...]:
    assert told.request is not None, told.hints
    return told.request.messages


def parts(told: Told) -> tuple[Part, ...]:
    assert told.response is not None, told.hints
    return told.response.choices[0].parts


def said(found: tuple[Part, ...]) -> str:
    return "".join(part.text for part in found if isinstance(part, Text))


def calls(found: tuple[Part, ...]) -> list[tuple[str, Any]]:
    return [(part.name, json.loads(part.arguments or "{}")) for part in found if isinstance(part, ToolCall)]


def same_answer(told: Told, heard: Heard) -> None:
    assert said(parts(told)) == heard.text
    assert calls(parts(told)) == [(call.name, call.arguments) for call in heard.calls]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider_name", PROVIDERS)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_told_is_what_was_said(
    inside: Inside, provider: ProviderProcess, door: str, provider_name: str, streamed: bool
) -> None:
    talker = DOORS[door](inside.url, inside.key())
    try:
        talk = talker.talk()
        ask = Ask(model=MODELS_WITH_CALL_IDS[provider_name], system=SYSTEM, tools=(LOOK,))
        provider.order("tool seed:7")
        talk.say(WORDS, PICTURE)
        first = talk.ask(ask, streamed)
        called = inside.last_told()
        provider.order("seed:8")
        talk.answer([(call, [RESULT]) for call in first.calls])
        second = talk.ask(ask, streamed)
        answered = inside.last_told()
    finally:
        talker.close()
    same_answer(called, first)
    same_answer(answered, second)
    assert first.calls and said(parts(answered)) == provider.ledger()[-1]["answer"]["text"]
    system, asked, *rest = messages(answered)
    assert system == messages(called)[0] and asked == messages(called)[1]
    assert (system.role, said(system.parts)) == (Role.SYSTEM, SYSTEM)
    assert (asked.role, said(asked.parts)) == (Role.USER, WORDS)
    (picture,) = (part for part in asked.parts if isinstance(part, Blob))
    assert (picture.mime_type, picture.data) == (PICTURE.mime, PICTURE.base64)
    history, results = rest
    assert (history.role, results.role) == (Role.ASSISTANT, Role.TOOL)
    assert said(history.parts) == first.text and calls(history.parts) == calls(parts(called))
    texts = [said(part.content) for part in results.parts if isinstance(part, ToolCallResponse)]
    assert texts == [RESULT] * len(first.calls)
    assert answered.request is not None
    (tool,) = (tool for tool in answered.request.tools if isinstance(tool, Tool))
    assert (tool.name, tool.description) == (LOOK.name, LOOK.description)
    assert [group.whose for group in answered.headers] == ["asked", "sent", "answered", "given"]
    assert (answered.provider, answered.streamed, answered.hints) == (provider_name, streamed, ())
    assert answered.usage.output_tokens == second.counts.output


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("door", DOORS)
def test_the_id_that_the_client_saw_is_told(inside: Inside, door: str, streamed: bool) -> None:
    """By the raw answer: SDKs do not show it alike."""
    bodies = {
        "chat": (CHAT, {"messages": [{"role": "user", "content": "Hi"}]}),
        "responses": ("/api/ai/v1/responses", {"input": "Hi"}),
        "anthropic": ("/api/ai/v1/messages", {"max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}),
        "gemini": ("/api/ai/v1beta/models/{}:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}),
    }
    for model in MODELS.values():
        path, body = bodies[door]
        if door == "gemini":
            path = path.format(model)
            path = path.replace(":generate", ":streamGenerate") + "?alt=sse" if streamed else path
            reply = inside.ask("POST", path, body, key=inside.key())
        else:
            reply = inside.ask("POST", path, {"model": model, "stream": streamed, **body}, key=inside.key())
        told = inside.last_told()
        seen = told.client_response_id or told.response_id
        assert reply.status == 200 and seen and f'"{seen}"'.encode() in reply.body.replace(b'": "', b'":"')
        assert told.request_id == reply.id and told.response_id


def sent_texts(body: Any) -> list[str]:
    """Every text under `text`, `content`, `output`, `instructions` or `arguments` in a client's body."""
    found: list[str] = []
    if isinstance(body, dict):
        for name, value in body.items():
            if name in ("text", "content", "output", "instructions", "arguments", "input") and isinstance(value, str):
                found.append(value)
            elif name not in ("tools", "output_config", "generationConfig"):
                found += sent_texts(value)
    elif isinstance(body, list):
        found = [text for item in body for text in sent_texts(item)]
    return found


def told_texts(request: Request) -> set[str]:
    found: set[str] = set()
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Text | Reasoning):
                found.add(part.text)
            elif isinstance(part, ToolCall):
                found.add(part.arguments)
            elif isinstance(part, ToolCallResponse):
                found |= {inner.text for inner in part.content if isinstance(inner, Text)}
    return found


@pytest.mark.parametrize("name", RECORDED)
def test_what_real_tools_send_is_told_whole(inside: Inside, provider: ProviderProcess, name: str) -> None:
    recorded = RECORDED[name]
    provider_name = MARKED.get(name, ("openai", "anthropic"))[0]
    assert (name, provider_name) in CASES
    reply: Reply = replay(inside, recorded, MODELS[provider_name])
    assert reply.status == 200, reply.body
    told = inside.last_told()
    assert told.request is not None and told.hints == () and told.client == recorded["client"]
    found = told_texts(told.request)
    within = "\n".join(found)
    # A result that is an object is told as JSON.
    missing = [text for text in sent_texts(recorded["body"]) if text and not {text, json.dumps(text)[1:-1]} & found]
    assert [text for text in missing if json.dumps(text, ensure_ascii=False) not in within] == []
    own = DIALECTS[dialect(recorded)].parse_request(
        json.dumps({**recorded["body"], "model": "m"}).encode(), None if dialect(recorded) != "gemini" else "m", True
    )
    assert [message.parts for message in told.request.messages] == [message.parts for message in own.messages]
    assert len(told.request.tools) == len(own.tools)
    assert said(parts(told)) == provider.ledger()[-1]["answer"]["text"]


TURNS = 12
BLOCK = "Line {n} of what the tool found, with an ä and a number {n}.\n"


@pytest.mark.parametrize("door", DOORS)
def test_a_long_session_s_turns_each_hold_what_was_said_before(inside: Inside, door: str) -> None:
    """A history that grows by 8 kB a turn and is sent whole every time."""
    talker = DOORS[door](inside.url, inside.key())
    before = len(inside.kept.told)
    try:
        talk = talker.talk()
        for turn in range(TURNS):
            talk.say(f"Turn {turn}: " + "".join(BLOCK.format(n=turn * 1000 + line) for line in range(130)))
            talk.ask(Ask(model=MODELS["openai"], system=SYSTEM), streamed=turn % 2 == 0)
    finally:
        talker.close()
    told = inside.all_told()[before:]
    assert len(told) == TURNS and {each.key for each in told} == {"execute"}
    for earlier, later in itertools.pairwise(told):
        history = [(message.role, said(message.parts)) for message in messages(earlier)]
        history.append((Role.ASSISTANT, said(parts(earlier))))
        assert [(message.role, said(message.parts)) for message in messages(later)[:-1]] == history


OWN = """
[capture]
keys_off = ["silent"]
tags_off = ["team:legal"]
parts_off = ["tool_results", "headers"]
redact_on = ["email", "card_number", "iban"]

[[capture.redact]]
name = "ticket"
pattern = 'TICKET-(\\d+)'

[[capture.redact]]
name = "words"
pattern = '(?i)project\\s+bluebird'
replacement = "the project"
"""


@pytest.fixture(scope="module")
def careful(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("careful") / "home", OWN, **upstreams(provider.base_urls)) as served:
        yield served


SECRETS = [*FOUND, ("ticket", "see TICKET-4711", "TICKET-4711"), ("words", "Project  Bluebird it is", "Bluebird")]


def test_every_rule_runs_before_anything_is_stored(careful: Inside, provider: ProviderProcess) -> None:
    """The provider gets each secret, the store of conversations and the folder get none."""
    for name, text, secret in SECRETS:
        for body in (
            {"messages": [{"role": "user", "content": text}]},
            {
                "messages": [
                    {"role": "system", "content": "x"},
                    {"role": "user", "content": [{"type": "text", "text": text}]},
                ]
            },
        ):
            reply = careful.ask("POST", CHAT, {"model": MODELS["openai"], **body}, key=careful.key())
            assert reply.status == 200
            assert any(
                secret in said for turn in provider.ledger()[-1]["understood"]["turns"] for said in turn["texts"]
            )
            told = careful.last_told()
            assert secret not in str(told), name
            assert told.request is not None and said(told.request.messages[-1].parts) != ""
    found = traces("Bluebird", list(careful.folder.rglob("*"))) + traces(
        "TICKET-4711", list(careful.folder.rglob("*"))
    )
    assert found == []


def test_switches_of_keys_tags_and_parts(careful: Inside) -> None:
    for key, headers, why in [
        (careful.key(name="silent"), {}, "capture.keys_off"),
        (careful.key(), {"x-tags": "team:legal"}, "capture.tags_off"),
    ]:
        body = {"model": MODELS["openai"], "messages": [{"role": "user", "content": "Hi"}]}
        careful.ask("POST", CHAT, body, key=key, headers=headers)
        told = careful.last_told()
        assert (told.request, told.response) == (None, None) and why in told.hints[0] and told.usage.output_tokens
        assert told.headers == ()
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "what was found"},
    ]
    careful.ask("POST", CHAT, {"model": MODELS["openai"], "messages": history}, key=careful.key())
    told = careful.last_told()
    assert "what was found" not in str(told) and "a tool's result: not kept, see capture.parts_off" in str(told)
    assert ToolCall("c", "f", "{}") in messages(told)[1].parts and told.headers == ()


def test_a_row_learns_the_conversation_that_its_turn_was_found_to_belong_to(inside: Inside) -> None:
    body = {"model": MODELS["openai"], "messages": HELLO}
    ids = [inside.ask("POST", CHAT, body, key=inside.key()).id for _ in range(2)]
    assert [inside.row(each).conversation_id for each in ids] == [None, None]
    for each in ids:
        inside.gateway._parts.join(each, "conv_found")
    wait_until(lambda: [inside.row(each).conversation_id for each in ids] == ["conv_found"] * 2)
    found = inside.get(f"{USAGE}/conversations", inside.key("admin"))["data"]
    assert [(row["id"], row["requests"]) for row in found if row["id"] == "conv_found"] == [("conv_found", 2)]


def test_what_waits_at_the_end_is_told(provider: ProviderProcess, tmp_path: Path) -> None:
    with Inside(tmp_path / "home", **upstreams(provider.base_urls)) as served:
        reply = served.ask("POST", CHAT, {"model": MODELS["openai"], "messages": HELLO}, key=served.key())
    assert [told.request_id for told in served.kept.told] == [reply.id]
