"""Freeform tools (Codex's `apply_patch` with a grammar) where there are functions only: sent as a function with one
string, unwrapped on the way back, in whole answers, in streams however cut, and in the history."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.dialects import DIALECTS
from gateway.dialects.carriage import ANTHROPIC, CHAT, GEMINI, RESPONSES
from gateway.dialects.dialect import AnswerContext
from gateway.events import Delta, Finish, PartEnd, PartStart, Start
from gateway.model import FinishReason, Request, Target, ToolCall
from tests.carriage.examples import GRAMMAR, HELLO, chat, responses, user
from tests.dialects.feeding import folded, read

PATCH = '*** Begin Patch\n+"é" \\ {"input": 1}\n*** End Patch\n'
TARGETS = {
    ANTHROPIC: Target(model="m", efforts=("none", "low"), thinking="adaptive"),
    GEMINI: Target(model="m", efforts=("low", "high"), thinking="level"),
}
ASKED: dict[str, dict[str, Any]] = {
    CHAT: chat(tools=[{"type": "custom", "custom": {"name": "apply_patch", "description": "Edits files.", "format": {"type": "grammar", "grammar": GRAMMAR}}}]),
    RESPONSES: responses(tools=[{"type": "custom", "name": "apply_patch", "description": "Edits files.", "format": {"type": "grammar", **GRAMMAR}}]),
}  # fmt: skip
AGAIN: dict[str, dict[str, Any]] = {
    CHAT: chat(
        user(HELLO),
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "apply_patch", "input": PATCH}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "Done."},
        tools=ASKED[CHAT]["tools"],
    ),
    RESPONSES: responses(
        user(HELLO),
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": PATCH},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done."},
        tools=ASKED[RESPONSES]["tools"],
    ),
}  # fmt: skip
PAIRS = [(door, dialect) for door in ASKED for dialect in TARGETS]


def asked(door: str, body: dict[str, Any]) -> Request:
    return DIALECTS[door].parse_request(json.dumps(body).encode(), None, None)


def sent(door: str, dialect: str, body: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    found = DIALECTS[dialect].render_request(asked(door, body), TARGETS[dialect])
    return json.loads(found.body), found.dropped, found.adapted


def function_of(dialect: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if dialect == ANTHROPIC:
        (tool,) = body["tools"]
        return tool["name"], tool["input_schema"]
    ((tool,),) = (item["functionDeclarations"] for item in body["tools"])
    return tool["name"], tool["parametersJsonSchema"]


@pytest.mark.parametrize(("door", "dialect"), PAIRS)
def test_it_is_sent_as_a_function_with_one_string(door: str, dialect: str) -> None:
    body, dropped, adapted = sent(door, dialect, ASKED[door])
    name, schema = function_of(dialect, body)
    assert name == "apply_patch" and schema["required"] == ["input"]
    assert list(schema["properties"]) == ["input"] and schema["properties"]["input"]["type"] == "string"
    grammar = {CHAT: "tools[].custom.format", RESPONSES: "tools[].format"}[door]
    custom = {CHAT: "tools[].custom", RESPONSES: "tools[]"}[door]
    assert (dropped, adapted) == ((grammar,), (custom,))


@pytest.mark.parametrize(("door", "dialect"), PAIRS)
def test_its_calls_stand_in_the_history_as_that_function_s(door: str, dialect: str) -> None:
    body, _, _ = sent(door, dialect, AGAIN[door])
    if dialect == ANTHROPIC:
        (call,), (result,) = body["messages"][1]["content"], body["messages"][2]["content"]
        assert (call["name"], call["input"]) == ("apply_patch", {"input": PATCH})
        assert result["tool_use_id"] == call["id"] and result["content"] == [{"type": "text", "text": "Done."}]
    else:
        (call,), (result,) = body["contents"][1]["parts"], body["contents"][2]["parts"]
        assert (call["functionCall"]["name"], call["functionCall"]["args"]) == ("apply_patch", {"input": PATCH})
        assert result["functionResponse"]["response"] == {"output": "Done."}


def whole_answer(dialect: str) -> bytes:
    if dialect == ANTHROPIC:
        call = {"type": "tool_use", "id": "toolu_1", "name": "apply_patch", "input": {"input": PATCH}}
        usage = {"input_tokens": 3, "output_tokens": 4}
        return json.dumps({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [call], "stop_reason": "tool_use", "usage": usage}).encode()  # fmt: skip
    part = {"functionCall": {"id": "c1", "name": "apply_patch", "args": {"input": PATCH}}, "thoughtSignature": "c2ln"}
    candidate = {"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    return json.dumps({"candidates": [candidate], "modelVersion": "m", "responseId": "r"}).encode()


def streamed_answer(dialect: str) -> bytes:
    if dialect == GEMINI:
        return b"data: " + whole_answer(GEMINI) + b"\n\n"
    text = json.dumps({"input": PATCH})
    usage = {"input_tokens": 3, "output_tokens": 1}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "apply_patch", "input": {}}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}} for piece in (text[:7], text[7:20], text[20:])),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    ]  # fmt: skip
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def context(door: str) -> AnswerContext:
    return AnswerContext(id="1", created=0, model="m", request=asked(door, ASKED[door]), origin="google/m")


@pytest.mark.parametrize(("door", "dialect"), PAIRS)
def test_a_whole_answer_s_call_is_the_freeform_tool_s_again(door: str, dialect: str) -> None:
    answer = json.loads(DIALECTS[door].render_response(DIALECTS[dialect].parse_response(whole_answer(dialect)), context(door)))  # fmt: skip
    if door == CHAT:
        (choice,) = answer["choices"]
        (call,) = choice["message"]["tool_calls"]
        assert call["type"] == "custom" and call["custom"] == {"name": "apply_patch", "input": PATCH}
        assert "function" not in call and choice["finish_reason"] == "tool_calls"
        assert ("extra_content" in call) == (dialect == GEMINI)
    else:
        call = answer["output"][-1]
        assert call["type"] == "custom_tool_call" and (call["name"], call["input"]) == ("apply_patch", PATCH)
        assert "arguments" not in call and answer["status"] == "completed"


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize(("door", "dialect"), PAIRS)
def test_a_stream_s_call_is_the_freeform_tool_s_again(door: str, dialect: str, size: int) -> None:
    reader, writer = DIALECTS[dialect].reader(), DIALECTS[door].writer(context(door))
    data, out = streamed_answer(dialect), b""
    for at in range(0, len(data), size):
        out += b"".join(writer.write(event) for event in reader.feed(data[at : at + size]))
    out += b"".join(writer.write(event) for event in reader.close()) + writer.close()
    lines = [line.removeprefix(b"data: ") for line in out.splitlines() if line.startswith(b"data: {")]
    events = [json.loads(line) for line in lines]
    if door == CHAT:
        calls = [
            call for event in events for choice in event["choices"] for call in choice["delta"].get("tool_calls", ())
        ]
        (call,) = calls
        assert (call["index"], call["type"], call["custom"]) == (0, "custom", {"name": "apply_patch", "input": PATCH})
        assert ("extra_content" in call) == (dialect == GEMINI)
        return
    kinds = [event["type"] for event in events]
    assert not any("function_call_arguments" in kind for kind in kinds)
    said = "".join(event["delta"] for event in events if event["type"] == "response.custom_tool_call_input.delta")
    (done,) = (event for event in events if event["type"] == "response.custom_tool_call_input.done")
    item = [event["item"] for event in events if event["type"] == "response.output_item.done"][-1]
    assert said == done["input"] == item["input"] == PATCH and item["type"] == "custom_tool_call"
    assert events[-1]["response"]["output"][-1] == item


def test_only_an_agent_s_own_hosted_tools_are_left_out() -> None:
    """Codex sends `web_search` with every request; who else sends it means it (ggml-org/llama.cpp#21174)."""
    shell = {"type": "function", "name": "shell", "parameters": {"type": "object", "properties": {}}}
    space = {"type": "namespace", "name": "mcp", "description": "d", "tools": [shell, {"type": "web_search"}]}
    request = asked(RESPONSES, responses(tools=[shell, {"type": "web_search"}, {"type": "local_shell"}, space]))
    codex = replace(request, origin=replace(request.origin, client="Codex"))
    for dialect, target in TARGETS.items():
        found = DIALECTS[dialect].render_request(codex, target)
        assert found.dropped == ("tools[].type",) and found.adapted == ()
        body = json.loads(found.body)
        names = [tool["name"] for tool in body["tools"]] if dialect == ANTHROPIC else [
            tool["name"] for tool in body["tools"][0]["functionDeclarations"]
        ]  # fmt: skip
        assert names == ["shell", "mcp__shell"]


def test_an_agent_with_hosted_tools_alone_is_sent_without_tools() -> None:
    request = asked(RESPONSES, responses(tools=[{"type": "web_search"}], tool_choice="auto"))
    codex = replace(request, origin=replace(request.origin, client="Codex"))
    for dialect, target in TARGETS.items():
        body = json.loads(DIALECTS[dialect].render_request(codex, target).body)
        assert not {"tools", "tool_choice", "toolConfig"} & set(body)


@pytest.mark.parametrize("pieces", [[], [PATCH], list(PATCH), ["", "\u00e9\U0001f600", '"}']])
@pytest.mark.parametrize("door", [ANTHROPIC, GEMINI])
def test_a_freeform_call_is_a_function_s_for_clients_that_know_functions_only(door: str, pieces: list[str]) -> None:
    """Streamed as in whole answers: one string, `input`, however it came."""
    events = [
        Start("1", "m"),
        PartStart(0, "tool_call", call_id="c1", name="apply_patch", custom=True),
        *(Delta(0, piece) for piece in pieces),
        PartEnd(0),
        Finish(FinishReason.TOOL_CALLS),
    ]
    writer = DIALECTS[door].writer(AnswerContext(id="1", created=0, model="m"))
    stream = b"".join(writer.write(event) for event in events) + writer.close()
    whole = DIALECTS[door].render_response(folded(events).response(), AnswerContext(id="1", created=0, model="m"))
    for found in (folded(read(DIALECTS[door].reader(), [stream])).response(), DIALECTS[door].parse_response(whole)):
        ((call,),) = (choice.parts for choice in found.choices)
        assert isinstance(call, ToolCall) and json.loads(call.arguments) == {"input": "".join(pieces)}
