"""Parts and bodies in the words of every provider and library, each read as the one thing that it is."""

from typing import Any

import msgspec
import pytest

from gateway.model import (
    Blob,
    Choice,
    File,
    FinishReason,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
    Usage,
)
from gateway.telemetry.readers.bodies import answer_of, asked_of
from gateway.telemetry.readers.messages import message_of, messages_of
from gateway.telemetry.readers.parts import parts_of, written_parts

PNG = "iVBORw0KGgo="
PARTS: list[tuple[Any, Part]] = [
    ({"type": "input_text", "text": "a"}, Text("a")),
    ({"type": "output_text", "text": "a"}, Text("a")),
    ({"type": "text", "text": {"value": "a", "annotations": []}}, Text("a")),
    ("a", Text("a")),
    (7, Text("7")),
    ({"type": "refusal", "refusal": "no"}, Refusal("no")),
    ({"type": "thinking", "thinking": "t", "signature": "s"}, Reasoning("t", {"anthropic": {"signature": "s"}})),
    ({"type": "reasoning", "summary": [{"text": "a"}, {"text": "b"}]}, Reasoning("a\n\nb")),
    ({"text": "t", "thought": True}, Reasoning("t")),
    ({"type": "tool_use", "id": "c", "name": "f", "input": {}}, ToolCall("c", "f", "{}")),
    ({"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}, ToolCall("c", "f", "{}")),
    ({"type": "tool-call", "toolCallId": "c", "toolName": "f", "input": {"a": 1}}, ToolCall("c", "f", '{"a":1}')),
    ({"functionCall": {"name": "f", "args": {"a": 1}}}, ToolCall("", "f", '{"a":1}')),
    ({"function_call": {"id": "c", "name": "f", "args": {}}, "text": None}, ToolCall("c", "f", "{}")),
    ({"type": "function_call_output", "call_id": "c", "output": "x"}, ToolCallResponse("c", (Text("x"),))),
    (
        {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "x"}], "is_error": True},
        ToolCallResponse("c", (Text("x"),), is_error=True),
    ),
    (
        {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "image", "source": {"type": "url", "url": "https://e.x/a"}}]},
        ToolCallResponse("c", (Uri("https://e.x/a"),)),
    ),
    ({"type": "tool-result", "toolCallId": "c", "toolName": "f", "result": None}, ToolCallResponse("c", (), name="f")),
    (
        {"functionResponse": {"name": "f", "response": {"a": 1}}},
        ToolCallResponse("", (Text('{"a":1}'),), name="f"),
    ),
    ({"type": "image_url", "image_url": {"url": "https://e.x/a.png"}}, Uri("https://e.x/a.png")),
    ({"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"}, Blob("image/png", PNG)),
    ({"type": "input_image", "file_id": "f"}, File("f", modality="image")),
    ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, Blob("image/png", PNG)),
    ({"type": "image", "image": PNG, "mediaType": "image/png"}, Blob("image/png", PNG)),
    ({"type": "image", "image": {"type": "Buffer", "data": [1]}}, Opaque("otel", {"type": "image", "image": {"type": "Buffer", "data": [1]}})),
    ({"type": "document", "source": {"type": "text", "data": "words"}}, Text("words")),
    ({"type": "document", "title": "T", "source": {"type": "file", "file_id": "f"}}, File("f", filename="T")),
    (
        {"type": "document", "title": "T", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
        Blob("application/pdf", "JVBE", modality="document", filename="T"),
    ),
    ({"type": "file", "file": {"file_id": "f", "filename": "n"}}, File("f", filename="n")),
    (
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "n"},
        Blob("application/pdf", "JVBE", modality="document", filename="n"),
    ),
    ({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}, Blob("audio/wav", "UklG", modality="audio")),
    ({"type": "video_url", "video_url": {"url": "https://e.x/v"}}, Uri("https://e.x/v", modality="video")),
    ({"inlineData": {"mimeType": "image/png", "data": PNG}}, Blob("image/png", PNG)),
    ({"inline_data": {"mime_type": "audio/wav", "data": "UklG"}}, Blob("audio/wav", "UklG", modality="audio")),
    (
        {"fileData": {"fileUri": "gs://b/v.mp4", "mimeType": "video/mp4"}},
        Uri("gs://b/v.mp4", modality="video", mime_type="video/mp4"),
    ),
    ({"type": "uri", "uri": "https://e.x/a", "modality": "audio"}, Uri("https://e.x/a", modality="audio")),
    ({"type": "blob", "content": 3}, Opaque("otel", {"type": "blob", "content": 3})),
    ({"neither": 1}, Opaque("otel", {"neither": 1})),
    ([1], Text("[1]")),
]  # fmt: skip


@pytest.mark.parametrize(("written", "expected"), PARTS, ids=lambda value: repr(value)[:60])
def test_parts(written: Any, expected: Part) -> None:
    assert parts_of([written]) == (expected,)


def test_nothing_said_is_no_part() -> None:
    assert parts_of(["", None, {"type": "text", "text": ""}, {"type": "reasoning", "summary": []}]) == ()
    assert parts_of(None) == parts_of("") == parts_of([]) == ()


def test_words_that_look_like_json_stay_words() -> None:
    """Only where a sender is known to write parts as JSON are they read as such, and only lists of parts are."""
    told = '[{"type": "text", "text": "a"}]'
    assert parts_of(told) == (Text(told),)
    assert written_parts(told) == (Text("a"),)
    for words in ('[{"city": "Paris"}]', "[1, 2]", "[]", '{"a": 1}', "[plain"):
        assert written_parts(words) == (Text(words),)
    assert written_parts('"quoted"') == (Text("quoted"),)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Hi", Message(Role.USER, (Text("Hi"),))),
        ({"role": "developer", "content": "x"}, Message(Role.SYSTEM, (Text("x"),))),
        ({"type": "human", "data": {"content": "x", "type": "human"}}, Message(Role.USER, (Text("x"),))),
        ({"type": "ai", "content": "x"}, Message(Role.ASSISTANT, (Text("x"),))),
        ({"message": {"role": "assistant", "content": "x"}}, Message(Role.ASSISTANT, (Text("x"),))),
        ({"role": "assistant", "content": None, "refusal": "no"}, Message(Role.ASSISTANT, (Refusal("no"),))),
        (
            {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}},
            Message(Role.ASSISTANT, (ToolCall("", "f", "{}"),)),
        ),
        (
            {"role": "function", "name": "f", "content": "x"},
            Message(Role.TOOL, (ToolCallResponse("", (Text("x"),), name="f"),)),
        ),
        (
            {"role": "tool", "parts": [{"type": "text", "content": "x"}], "id": "c"},
            Message(Role.TOOL, (ToolCallResponse("c", (Text("x"),)),)),
        ),
        ({"role": "user", "content": "x", "name": "bob"}, Message(Role.USER, (Text("x"),), name="bob")),
        ({"parts": [{"text": "x"}]}, Message(Role.USER, (Text("x"),))),
        ({}, None),
        ({"odd": 1}, Message(Role.USER, (Opaque("otel", {"odd": 1}),))),
        (None, None),
        (3, None),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_messages(written: Any, expected: Message | None) -> None:
    assert message_of(written) == expected


def test_a_list_of_messages_in_every_wrapping() -> None:
    said = (Message(Role.USER, (Text("Hi"),)),)
    row = {"role": "user", "content": "Hi"}
    for told in ([row], [[row]], row, msgspec.json.encode([row]).decode(), "Hi", '"Hi"', ["Hi"]):
        assert messages_of(told) == said
    assert messages_of("") == messages_of(None) == messages_of([]) == ()


def test_answers_of_every_provider() -> None:
    google = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Yes"}]}, "finishReason": "MAX_TOKENS"}],
        "modelVersion": "gemini-1",
        "responseId": "r",
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 1},
    }
    answer = answer_of(google)
    assert (answer.id, answer.model) == ("r", "gemini-1")
    assert answer.choices == (Choice(parts=(Text("Yes"),), finish_reason=FinishReason.LENGTH),)
    assert answer.usage == Usage(input_tokens=5, output_tokens=3, reasoning_tokens=1)
    anthropic = {
        "id": "msg",
        "model": "claude",
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "Yes"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 500, "cache_read_input_tokens": 100, "output_tokens": 2},
    }
    answer = answer_of(msgspec.json.encode(anthropic).decode())
    assert answer.choices == (Choice(parts=(Reasoning("t"), Text("Yes")), finish_reason=FinishReason.STOP),)
    assert answer.usage == Usage(input_tokens=600, output_tokens=2, cached_tokens=100)
    for plain in ("Yes", '"Yes"', {"output": "Yes"}, {"text": "Yes"}, [{"role": "assistant", "content": "Yes"}]):
        assert answer_of(plain).choices == (Choice(parts=(Text("Yes"),)),)
    for nothing in (None, "", {}, {"output": None}, []):
        assert answer_of(nothing).choices == ()


def test_requests_of_every_provider() -> None:
    anthropic = {
        "model": "claude",
        "system": [{"type": "text", "text": "Be brief"}],
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
        "stop_sequences": ["x"],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    asked = asked_of(anthropic)
    said = (Message(Role.SYSTEM, (Text("Be brief"),)), Message(Role.USER, (Text("Hi"),)))
    assert (asked.model, asked.messages, asked.max_output_tokens, asked.stop) == ("claude", said, 9, ("x",))
    assert asked.reasoning is not None and asked.reasoning.budget_tokens == 1024
    google = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief"}]},
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 9},
    }
    asked = asked_of(google)
    assert (asked.messages, asked.temperature, asked.max_output_tokens) == (said, 0.5, 9)
    responses = {"model": "gpt", "instructions": "Be brief", "input": "Hi", "reasoning": {"effort": "low"}}
    asked = asked_of(responses)
    assert asked.messages == said
    assert asked.reasoning is not None and asked.reasoning.effort == "low"
    assert asked_of({"role": "user", "content": "Hi"}).messages == said[1:]
    assert asked_of("Hi").messages == asked_of([{"role": "user", "content": "Hi"}]).messages == said[1:]
    assert asked_of(None).messages == asked_of({}).messages == ()
