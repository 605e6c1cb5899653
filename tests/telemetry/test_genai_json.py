import json

import pytest

from gateway.model import (
    Blob,
    Choice,
    File,
    FinishReason,
    HostedTool,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Uri,
)
from gateway.telemetry.genai_json import content_attributes, message_json, part_json, tool_json


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text("Hi."), {"type": "text", "content": "Hi."}),
        (Refusal("No."), {"type": "text", "content": "No.", "refusal": True}),
        (Reasoning("Hm."), {"type": "reasoning", "content": "Hm."}),
        (
            ToolCall("c1", "find", '{"q": [1, "ü"]}'),
            {"type": "tool_call", "id": "c1", "name": "find", "arguments": {"q": [1, "ü"]}},
        ),
        (ToolCall("c1", "find", ""), {"type": "tool_call", "id": "c1", "name": "find", "arguments": {}}),
        (
            ToolCall("c1", "find", "{broken"),
            {"type": "tool_call", "id": "c1", "name": "find", "arguments": "{broken"},
        ),
        (
            ToolCall("c1", "run", '{"a":1}', custom=True),
            {"type": "tool_call", "id": "c1", "name": "run", "arguments": '{"a":1}'},
        ),
        (
            ToolCallResponse("c1", (Text('{"ok":true}'),), name="find"),
            {"type": "tool_call_response", "id": "c1", "name": "find", "response": {"ok": True}},
        ),
        (
            ToolCallResponse("c1", (Text("12"),), is_error=True),
            {"type": "tool_call_response", "id": "c1", "response": "12", "is_error": True},
        ),
        (ToolCallResponse("c1", ()), {"type": "tool_call_response", "id": "c1", "response": ""}),
        (
            ToolCallResponse("c1", (Text("a"), Blob("image/png", "QQ=="))),
            {
                "type": "tool_call_response",
                "id": "c1",
                "response": [
                    {"type": "text", "content": "a"},
                    {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QQ=="},
                ],
            },
        ),
        (
            Uri("https://a/b.png", mime_type="image/png"),
            {"type": "uri", "modality": "image", "mime_type": "image/png", "uri": "https://a/b.png"},
        ),
        (File("file-1"), {"type": "file", "modality": "document", "file_id": "file-1"}),
        (
            Opaque("anthropic", {"type": "server_tool_use", "id": "s1"}),
            {"type": "server_tool_use", "dialect": "anthropic", "value": {"type": "server_tool_use", "id": "s1"}},
        ),
    ],
)
def test_each_part(part: Part, expected: dict[str, object]) -> None:
    assert part_json(part) == expected


@pytest.mark.parametrize("text", ["1e400", "[1e999]", "[" * 300 + "]" * 300, '{"a":'])
def test_what_a_parser_would_change_stays_as_the_model_wrote_it(text: str) -> None:
    assert part_json(ToolCall("c", "f", text))["arguments"] == text


def test_an_answer_says_why_it_ended_in_the_conventions_words() -> None:
    message = message_json(Role.ASSISTANT, (Text("Hi."),), name="bot", finish="tool_calls")
    assert (message["role"], message["name"], message["finish_reason"]) == ("assistant", "bot", "tool_call")


def test_tools() -> None:
    tool = Tool(name="find", description="Finds.", parameters={"type": "object"})
    assert tool_json(tool) == {
        "type": "function",
        "name": "find",
        "description": "Finds.",
        "parameters": {"type": "object"},
    }
    assert tool_json(HostedTool("gemini", "google_search", {"a": 1})) == {
        "type": "google_search",
        "dialect": "gemini",
        "value": {"a": 1},
    }


def test_content_as_attributes() -> None:
    request = Request(
        model="m",
        messages=(
            Message(Role.SYSTEM, (Text("Be brief."),)),
            Message(Role.USER, (Text("Hi."),)),
            Message(Role.SYSTEM, (Text("Later."),)),
        ),
        tools=(Tool(name="find"),),
    )
    response = Response(choices=(Choice(parts=(Text("Hello."),), finish_reason=FinishReason.STOP),))
    found = {name: json.loads(text) for name, text in content_attributes(request, response).items()}
    assert found == {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": [
            {"role": "user", "parts": [{"type": "text", "content": "Hi."}]},
            {"role": "system", "parts": [{"type": "text", "content": "Later."}]},
        ],
        "gen_ai.tool.definitions": [{"type": "function", "name": "find"}],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": "Hello."}], "finish_reason": "stop"}
        ],
    }
    assert content_attributes(None, None) == {}
