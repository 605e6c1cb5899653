"""Names of functions that a provider does not take: sent under others, one to one, and met as they were in answers."""

import json
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.carriage import ANTHROPIC, CHAT, DIALECT_NAMES, GEMINI, RESPONSES
from gateway.dialects.tool_names import RestoringReader, restored
from gateway.errors import ClientError
from gateway.events import PartStart
from gateway.model import (
    Message,
    Origin,
    Rendered,
    Request,
    Role,
    Target,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    ToolChoice,
)

LIMITS = {CHAT: 64, RESPONSES: 64, ANTHROPIC: 128, GEMINI: 128}
ODD = (
    "größe.berechnen",
    "größe_berechnen",
    "7zip",
    "-x",
    "a.b:c",
    "x" * 128,
    "x" * 127 + "y",
    "天気",
    "ok",
    "fn__ok",
)


def asked(names: tuple[str, ...], door: str = "elsewhere", choice: ToolChoice | None = None) -> Request:
    calls = tuple(ToolCall(f"c{n}", name, "{}") for n, name in enumerate(names))
    results = tuple(ToolCallResponse(f"c{n}", (Text("x"),), name=name) for n, name in enumerate(names))
    messages = (
        Message(Role.USER, (Text("Hi"),)),
        Message(Role.ASSISTANT, calls),
        Message(Role.TOOL, results),
    )
    tools = tuple(Tool(name=name) for name in names)
    return Request(model="m", messages=messages, tools=tools, tool_choice=choice, origin=Origin(dialect=door))


def rendered(dialect: str, request: Request) -> Rendered:
    return DIALECTS[dialect].render_request(request, Target(model="m", max_output_tokens=1000))


def sent_names(dialect: str, body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Of the declarations, and of the calls in the history."""
    if dialect == CHAT:
        calls = body["messages"][1]["tool_calls"]
        return [item["function"]["name"] for item in body["tools"]], [call["function"]["name"] for call in calls]
    if dialect == RESPONSES:
        items = [item["name"] for item in body["input"] if item.get("type") == "function_call"]
        return [item["name"] for item in body["tools"]], items
    if dialect == ANTHROPIC:
        calls = body["messages"][1]["content"]
        return [item["name"] for item in body["tools"]], [call["name"] for call in calls]
    parts = body["contents"][1]["parts"]
    results = [part["functionResponse"]["name"] for part in body["contents"][2]["parts"]]
    calls = [part["functionCall"]["name"] for part in parts]
    assert calls == results
    return [item["name"] for item in body["tools"][0]["functionDeclarations"]], calls


def legal(dialect: str, name: str) -> bool:
    beside = "_-.:" if dialect == GEMINI else "_-"
    word = all(char.isascii() and (char.isalnum() or char in beside) for char in name)
    return word and 0 < len(name) <= LIMITS[dialect] and (dialect != GEMINI or name[0].isalpha() or name[0] == "_")


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
def test_every_name_is_sent_under_a_legal_one_of_its_own(dialect: str) -> None:
    found = rendered(dialect, asked(ODD))
    declared, called = sent_names(dialect, json.loads(found.body))
    assert declared == called and len(set(declared)) == len(ODD)
    assert all(legal(dialect, name) for name in declared)
    for own, sent in zip(ODD, declared, strict=True):
        assert (own == sent) == legal(dialect, own)
        assert found.tool_names.get(sent, sent) == own
    assert found.adapted == ("tools[].function.name",)
    assert rendered(dialect, asked(ODD)).body == found.body


def test_what_is_sent_can_be_read() -> None:
    declared, _ = sent_names(ANTHROPIC, json.loads(rendered(ANTHROPIC, asked(("files.read", "天気"))).body))
    assert declared[0].startswith("files_read_") and declared[1].startswith("___")


def test_a_name_that_another_tool_has_already_is_not_taken_twice() -> None:
    (taken,) = rendered(CHAT, asked(("a.b",))).tool_names
    found = rendered(CHAT, asked(("a.b", taken)))
    declared, _ = sent_names(CHAT, json.loads(found.body))
    assert declared[1] == taken != declared[0] and found.tool_names == {declared[0]: "a.b"}


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
def test_a_dialect_s_own_clients_are_judged_by_their_provider(dialect: str) -> None:
    found = rendered(dialect, asked(("größe",), door=dialect))
    assert sent_names(dialect, json.loads(found.body)) == (["größe"], ["größe"])
    assert (found.adapted, found.tool_names) == ((), {})


@pytest.mark.parametrize("mode", ["named", "required", "auto"])
@pytest.mark.parametrize("dialect", DIALECT_NAMES)
def test_the_choice_names_what_is_declared(dialect: str, mode: str) -> None:
    body = json.loads(rendered(dialect, asked(("größe", "ok"), choice=ToolChoice(mode, ("größe",)))).body)
    declared, _ = sent_names(dialect, body)
    chosen = json.dumps(body.get("tool_choice") or body.get("toolConfig"))
    if mode == "named" or dialect in (CHAT, RESPONSES) or (dialect == GEMINI and mode == "required"):
        assert declared[0] in chosen
    else:
        # The others are not sent.
        assert len(declared) == 1
    assert "größe" not in json.dumps(body, ensure_ascii=False)


@pytest.mark.parametrize("door", [CHAT, RESPONSES])
def test_a_tool_without_a_name_is_refused_by_its_place(door: str) -> None:
    function: dict[str, Any] = {"name": "", "parameters": {"type": "object"}}
    tool = {"type": "function", "function": function} if door == CHAT else {"type": "function", **function}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi", "tools": [tool]}
    body.pop("input" if door == CHAT else "messages")
    with pytest.raises(ClientError) as caught:
        rendered(ANTHROPIC, DIALECTS[door].parse_request(json.dumps(body).encode(), None, None))
    assert caught.value.param == ("tools[0].function.name" if door == CHAT else "tools[0].name")


def test_answers_bear_the_client_s_own_names() -> None:
    (sent,) = rendered(GEMINI, asked(("größe",))).tool_names
    names = {sent: "größe"}
    calls = [{"functionCall": {"name": name, "args": {}}} for name in (sent, "ok")]
    answer = json.dumps({"candidates": [{"content": {"parts": calls}, "finishReason": "STOP"}]}).encode()
    parts = restored(DIALECTS[GEMINI].parse_response(answer), names).choices[0].parts
    assert [part.name for part in parts if isinstance(part, ToolCall)] == ["größe", "ok"]
    reader = RestoringReader(DIALECTS[GEMINI].reader(), names)
    events = reader.feed(b"data: " + answer + b"\n\n") + reader.close()
    assert [event.name for event in events if isinstance(event, PartStart)] == ["größe", "ok"]
