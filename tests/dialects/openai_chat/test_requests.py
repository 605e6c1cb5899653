"""Chat requests: one table of bodies and requests, read in both directions; what is refused, dropped, adapted."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.openai_chat import DIALECT
from gateway.errors import ClientError, Unsupported
from gateway.model import (
    Blob,
    Extra,
    File,
    HostedTool,
    Message,
    Opaque,
    Part,
    Reasoning,
    ReasoningOptions,
    Refusal,
    Rendered,
    Request,
    ResponseFormat,
    Role,
    Target,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    ToolChoice,
    Uri,
)

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
TARGET = Target(model="m", efforts=EFFORTS, reasoning_content=True)


def parse(body: Any) -> Request:
    return DIALECT.parse_request(body if isinstance(body, bytes) else json.dumps(body).encode(), None, None)


def render(request: Request, target: Target = TARGET) -> Rendered:
    return DIALECT.render_request(request, target)


def chat(extra: dict[str, Any]) -> Extra:
    return {"openai_chat": extra}


def user(*parts: Part, **more: Any) -> Message:
    return Message(Role.USER, parts, **more)


HELLO = user(Text("Hi"))
HELLO_BODY = {"role": "user", "content": "Hi"}
CALL, CALL_2 = ToolCall("call_a", "weather", '{"city":"Köln"}'), ToolCall("call_b", "time", "")
CALL_BODY = {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Köln"}'}}
CALL_2_BODY = {"id": "call_b", "type": "function", "function": {"name": "time", "arguments": ""}}
SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "number"}}}
WEATHER_TOOL = Tool(name="weather", description="Weather.", parameters=SCHEMA, strict=True)
WEATHER_BODY = {
    "type": "function",
    "function": {"name": "weather", "description": "Weather.", "parameters": SCHEMA, "strict": True},
}

# id: messages as a client writes them, messages as the model holds them.
MESSAGES: dict[str, tuple[list[Any], tuple[Message, ...]]] = {
    "text": ([HELLO_BODY], (HELLO,)),
    "system and developer": (
        [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."}, HELLO_BODY],
        (Message(Role.SYSTEM, (Text("Be brief."),)), Message(Role.SYSTEM, (Text("Be kind."),), extra=chat({"role": "developer"})), HELLO),
    ),
    "system in the middle": ([HELLO_BODY, {"role": "system", "content": "Now rhyme."}], (HELLO, Message(Role.SYSTEM, (Text("Now rhyme."),)))),
    "name": ([{"role": "user", "content": "Hi", "name": "ann"}], (user(Text("Hi"), name="ann"),)),
    "empty text": ([{"role": "user", "content": ""}], (user(),)),
    "several texts": (
        [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
        (user(Text("a"), Text("b")),),
    ),
    "cache breakpoint": (
        [{"role": "user", "content": [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}]}],
        (user(Text("a", chat({"prompt_cache_breakpoint": {"mode": "explicit"}}))),),
    ),
    "image by URL with detail": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}]}],
        (user(Uri("https://x/y.png", extra=chat({"detail": "low"}))),),
    ),
    "image inline": (
        [{"role": "user", "content": [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}]}],
        (user(Text("?"), Blob("image/png", "iVBO")),),
    ),
    "audio": (
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}}]}],
        (user(Blob("audio/mpeg", "UklG", "audio")),),
    ),
    # BerriAI/litellm#9798: PDF parts.
    "file inline": (
        [{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}}]}],
        (user(Blob("application/pdf", "JVBE", "document", "a.pdf")),),
    ),
    "file by id": (
        [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}],
        (user(File("file-1")),),
    ),
    "assistant text": ([HELLO_BODY, {"role": "assistant", "content": "Yes?"}], (HELLO, Message(Role.ASSISTANT, (Text("Yes?"),)))),
    "assistant refusal": (
        [HELLO_BODY, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}],
        (HELLO, Message(Role.ASSISTANT, (Refusal("No."),))),
    ),
    "thinking": (
        [HELLO_BODY, {"role": "assistant", "content": "Yes?", "reasoning_content": "hm"}],
        (HELLO, Message(Role.ASSISTANT, (Reasoning("hm"), Text("Yes?")))),
    ),
    # Portkey-AI/gateway#980: the results of one turn are one message.
    "two calls and their results": (
        [
            HELLO_BODY,
            {"role": "assistant", "content": None, "tool_calls": [CALL_BODY, CALL_2_BODY]},
            {"role": "tool", "tool_call_id": "call_b", "content": "noon"},
            {"role": "tool", "tool_call_id": "call_a", "content": [{"type": "text", "text": "4"}, {"type": "text", "text": "5"}]},
            {"role": "assistant", "content": "Noon, 4."},
        ],
        (
            HELLO,
            Message(Role.ASSISTANT, (CALL, CALL_2)),
            Message(Role.TOOL, (ToolCallResponse("call_b", (Text("noon"),)), ToolCallResponse("call_a", (Text("4"), Text("5"))))),
            Message(Role.ASSISTANT, (Text("Noon, 4."),)),
        ),
    ),
    "text before a call": (
        [HELLO_BODY, {"role": "assistant", "content": "Looking.", "tool_calls": [CALL_BODY]}, {"role": "tool", "tool_call_id": "call_a", "content": ""}],
        (HELLO, Message(Role.ASSISTANT, (Text("Looking."), CALL)), Message(Role.TOOL, (ToolCallResponse("call_a", ()),))),
    ),
    "custom call": (
        [
            HELLO_BODY,
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "patch", "input": "*** not JSON"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "ok"},
        ],
        (HELLO, Message(Role.ASSISTANT, (ToolCall("c", "patch", "*** not JSON", True),)), Message(Role.TOOL, (ToolCallResponse("c", (Text("ok"),)),))),
    ),
    "unknown fields of a message": (
        [{"role": "user", "content": "Hi", "x_new": 1}],
        (user(Text("Hi"), extra=chat({"x_new": 1})),),
    ),
}  # fmt: skip

# id: further fields of the body, and what they are in the request.
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({}, {}),
    "limits and sampling": (
        {"max_completion_tokens": 9, "temperature": 0.5, "top_p": 0.9, "seed": 7, "n": 2, "frequency_penalty": 0.1, "presence_penalty": -0.1},
        {"max_output_tokens": 9, "temperature": 0.5, "top_p": 0.9, "seed": 7, "choice_count": 2, "frequency_penalty": 0.1, "presence_penalty": -0.1},
    ),
    "stop": ({"stop": ["a", "b"]}, {"stop": ("a", "b")}),
    "log probabilities": (
        {"logprobs": True, "top_logprobs": 3, "logit_bias": {"50256": -100}},
        {"logprobs": True, "top_logprobs": 3, "logit_bias": {"50256": -100}},
    ),
    "stream": ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
    "effort": ({"reasoning_effort": "xhigh"}, {"reasoning": ReasoningOptions(effort="xhigh")}),
    "identity": (
        {"user": "u1", "metadata": {"team": "a"}, "service_tier": "flex"},
        {"user": "u1", "metadata": {"team": "a"}, "service_tier": "flex"},
    ),
    "safety identifier": ({"safety_identifier": "s1"}, {"user": "s1", "extra": chat({"safety_identifier": "s1"})}),
    "user and safety identifier": (
        {"user": "u1", "safety_identifier": "s1"},
        {"user": "u1", "extra": chat({"safety_identifier": "s1"})},
    ),
    "tools": (
        {"tools": [WEATHER_BODY, {"type": "function", "function": {"name": "time"}}], "tool_choice": "required", "parallel_tool_calls": False},
        {"tools": (WEATHER_TOOL, Tool(name="time")), "tool_choice": ToolChoice("required"), "parallel_tool_calls": False},
    ),
    "named tool": (
        {"tools": [WEATHER_BODY], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
        {"tools": (WEATHER_TOOL,), "tool_choice": ToolChoice("named", ("weather",))},
    ),
    # maximhq/bifrost#7348
    "allowed tools": (
        {"tools": [WEATHER_BODY], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "weather"}}]}}},
        {"tools": (WEATHER_TOOL,), "tool_choice": ToolChoice("required", ("weather",))},
    ),
    "custom tool": (
        {"tools": [{"type": "custom", "custom": {"name": "patch", "format": {"type": "text"}}}], "tool_choice": {"type": "custom", "custom": {"name": "patch"}}},
        {"tools": (Tool(name="patch", custom=True, extra=chat({"format": {"type": "text"}})),), "tool_choice": ToolChoice("named", ("patch",))},
    ),
    # maximhq/bifrost#5279: an unknown tool type is not lost.
    "unknown tool": (
        {"tools": [{"type": "tool_search", "x": 1}]},
        {"tools": (HostedTool("openai_chat", "tool_search", {"type": "tool_search", "x": 1}),)},
    ),
    "text format": ({"response_format": {"type": "text"}}, {"response_format": ResponseFormat(kind="text")}),
    "json": ({"response_format": {"type": "json_object"}}, {"response_format": ResponseFormat(kind="json")}),
    "schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": SCHEMA, "strict": True}}},
        {"response_format": ResponseFormat(kind="json_schema", schema=SCHEMA, name="n", description="d", strict=True)},
    ),
    "hints": (
        {"prompt_cache_key": "k", "verbosity": "low", "prediction": {"type": "content", "content": "x"}, "store": True, "x_unknown": [1]},
        {"extra": chat({"prompt_cache_key": "k", "verbosity": "low", "prediction": {"type": "content", "content": "x"}, "store": True, "x_unknown": [1]})},
    ),
    "audio out": (
        {"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}},
        {"extra": chat({"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}})},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_both_ways(name: str) -> None:
    written, held = MESSAGES[name]
    assert parse({"model": "m", "messages": written}).messages == held
    rendered = render(Request(model="x", messages=held))
    assert json.loads(rendered.body) == {"model": "m", "messages": written}
    assert rendered.dropped == rendered.adapted == ()


@pytest.mark.parametrize("name", OPTIONS)
def test_options_both_ways(name: str) -> None:
    written, held = OPTIONS[name]
    body = {"model": "m", "messages": [HELLO_BODY], **written}
    request = Request(model="m", messages=(HELLO,), **held)
    assert parse(body) == request
    rendered = render(request)
    assert json.loads(rendered.body) == body
    assert rendered.dropped == rendered.adapted == ()


# Spellings that are read but not written.
READ_ONLY: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"max_tokens": 5}, {"max_output_tokens": 5}),
    ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_output_tokens": 6}),
    ({"max_tokens": 5.0}, {"max_output_tokens": 5}),
    ({"stop": "a"}, {"stop": ("a",)}),
    ({"stop": []}, {}),
    ({"stream": None, "temperature": None, "tools": None, "tool_choice": None, "stop": None, "user": None}, {}),
    ({"store": False, "verbosity": "medium", "modalities": ["text"], "deferred": False, "stream_options": None}, {}),
    ({"tools": []}, {}),
    (
        {"functions": [{"name": "weather", "description": "Weather.", "parameters": SCHEMA}], "function_call": {"name": "weather"}},
        {"tools": (Tool(name="weather", description="Weather.", parameters=SCHEMA),), "tool_choice": ToolChoice("named", ("weather",)), "parallel_tool_calls": False},
    ),
    ({"functions": [{"name": "f"}], "function_call": "auto"}, {"tools": (Tool(name="f"),), "tool_choice": ToolChoice("auto"), "parallel_tool_calls": False}),
    ({"web_search_options": {}, "search_parameters": {"mode": "on"}, "deferred": True}, {"extra": chat({"web_search_options": {}, "search_parameters": {"mode": "on"}, "deferred": True})}),
]  # fmt: skip


@pytest.mark.parametrize(("written", "held"), READ_ONLY)
def test_further_spellings(written: dict[str, Any], held: dict[str, Any]) -> None:
    request = parse({"model": "m", "messages": [HELLO_BODY], **written})
    assert request == Request(model="m", messages=(HELLO,), **held)


def test_the_deprecated_function_messages() -> None:
    messages = [
        HELLO_BODY,
        {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
        {"role": "function", "name": "weather", "content": "4"},
    ]
    parsed = parse({"model": "m", "messages": messages}).messages
    assert parsed[1:] == (
        Message(Role.ASSISTANT, (ToolCall("call_function_1", "weather", "{}"),)),
        Message(Role.TOOL, (ToolCallResponse("call_function_1", (Text("4"),), "weather"),)),
    )


def test_a_thought_signature_comes_back_from_the_client_and_goes_to_no_other_provider() -> None:
    """BerriAI/litellm#16893."""
    signed = {**CALL_BODY, "extra_content": {"google": {"thought_signature": "c2ln"}}}
    messages = [
        HELLO_BODY,
        {"role": "assistant", "tool_calls": [signed]},
        {"role": "tool", "tool_call_id": "call_a", "content": "4"},
    ]
    request = parse({"model": "m", "messages": messages})
    (call,) = request.messages[1].parts
    assert call == ToolCall("call_a", "weather", '{"city":"Köln"}', extra={"gemini": {"thought_signature": "c2ln"}})
    assert b"c2ln" not in render(request).body


def at(value: Any) -> list[Any]:
    return [{"role": "user", "content": [value]}]


OPEN_CALL = {"role": "assistant", "tool_calls": [CALL_BODY]}
BAD: list[tuple[Any, str | None]] = [
    (b"", None),
    (b"{", None),
    (b'{"model":"m","messages":[{"role":"user","content":1e400}]}', "messages[0].content"),
    (b"[" * 100_000, None),
    ([], None),
    ({"messages": [HELLO_BODY]}, "model"),
    ({"model": 3, "messages": [HELLO_BODY]}, "model"),
    ({"model": "m"}, "messages"),
    ({"model": "m", "messages": []}, "messages"),
    ({"model": "m", "messages": {}}, "messages"),
    *[
        ({"model": "m", "messages": messages}, param)
        for messages, param in [
            (["Hi"], "messages[0]"),
            ([{"content": "Hi"}], "messages[0].role"),
            ([{"role": "robot", "content": "Hi"}], "messages[0].role"),
            ([{"role": "user", "content": 3}], "messages[0].content"),
            ([{"role": "user", "content": "Hi", "name": 3}], "messages[0].name"),
            (at("Hi"), "messages[0].content[0]"),
            (at({"text": "Hi"}), "messages[0].content[0].type"),
            (at({"type": "hologram"}), "messages[0].content[0].type"),
            (at({"type": "text"}), "messages[0].content[0].text"),
            (at({"type": "image_url", "image_url": {}}), "messages[0].content[0].image_url.url"),
            (at({"type": "image_url"}), "messages[0].content[0].image_url"),
            (at({"type": "image_url", "image_url": {"url": "data:image/png,raw"}}), "messages[0].content[0].image_url.url"),
            (at({"type": "input_audio", "input_audio": {"data": "x"}}), "messages[0].content[0].input_audio.format"),
            (at({"type": "file", "file": {"filename": "a.pdf"}}), "messages[0].content[0].file.file_data"),
            (at({"type": "file", "file": {"file_data": "JVBE"}}), "messages[0].content[0].file.file_data"),
            ([{"role": "assistant", "tool_calls": {}}], "messages[0].tool_calls"),
            ([{"role": "assistant", "tool_calls": [{"id": "x"}]}], "messages[0].tool_calls[0].function"),
            ([{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}], "messages[0].tool_calls[0].id"),
            ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
            ([{"role": "tool", "tool_call_id": "call_a", "content": "x"}], "messages[0].tool_call_id"),
            ([{"role": "function", "name": "f", "content": "x"}], "messages[0].name"),
            ([HELLO_BODY, OPEN_CALL], "messages"),
            ([HELLO_BODY, OPEN_CALL, HELLO_BODY], "messages[2]"),
            ([OPEN_CALL, {"role": "tool", "tool_call_id": "other", "content": "x"}], "messages[1].tool_call_id"),
        ]
    ],
    *[
        ({"model": "m", "messages": [HELLO_BODY], **fields}, param)
        for fields, param in [
            ({"temperature": "warm"}, "temperature"),
            ({"temperature": True}, "temperature"),
            ({"max_tokens": 0}, "max_tokens"),
            ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
            ({"n": 0}, "n"),
            ({"stream": "yes"}, "stream"),
            ({"stream_options": 3}, "stream_options"),
            ({"stop": [1]}, "stop"),
            ({"user": 3}, "user"),
            ({"safety_identifier": 3}, "safety_identifier"),
            ({"metadata": []}, "metadata"),
            ({"reasoning_effort": "huge"}, "reasoning_effort"),
            ({"response_format": {"type": "xml"}}, "response_format.type"),
            ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
            ({"tools": {}}, "tools"),
            ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type"),
            ({"tools": [{"type": "function"}]}, "tools[0].function"),
            ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
            ({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}, "tools[0].function.parameters"),
            ({"functions": [{}]}, "functions[0].name"),
            ({"tool_choice": "required"}, "tool_choice"),
            ({"tools": [WEATHER_BODY], "tool_choice": "maybe"}, "tool_choice"),
            ({"tools": [WEATHER_BODY], "tool_choice": 3}, "tool_choice"),
            ({"tools": [WEATHER_BODY], "tool_choice": {"type": "magic"}}, "tool_choice.type"),
            ({"tools": [WEATHER_BODY], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "x"}}}, "tool_choice.allowed_tools.mode"),
        ]
    ],
]  # fmt: skip


@pytest.mark.parametrize(("body", "param"), BAD)
def test_a_bad_body_is_refused_by_the_client_s_own_path(body: Any, param: str | None) -> None:
    with pytest.raises(ClientError) as caught:
        parse(body)
    assert (caught.value.status, caught.value.param) == (400, param)
    assert param is None or param in caught.value.message


def request(**options: Any) -> Request:
    return Request(model="m", messages=(HELLO,), **options)


WARM = {"temperature": 0.2, "top_p": 0.5}
PENALTIES = {"frequency_penalty": 0.5, "presence_penalty": 0.0}
THINK = ReasoningOptions
TARGETS: list[tuple[Target, dict[str, Any], dict[str, Any], tuple[str, ...], tuple[str, ...]]] = [
    (Target(model="o3"), {"max_output_tokens": 5}, {"max_completion_tokens": 5}, (), ()),
    (Target(model="grok", max_tokens_field="max_tokens"), {"max_output_tokens": 5}, {"max_tokens": 5}, (), ()),
    # BerriAI/litellm#13381: what equals the default is dropped silently, what does not is named.
    (Target(model="o3", sampling="none"), WARM, {}, ("temperature", "top_p"), ()),
    (Target(model="o3", sampling="none"), {"temperature": 1, "top_p": 1.0}, {}, (), ()),
    # BerriAI/litellm#15097
    (Target(model="x", sampling="temperature_or_top_p"), WARM, {"temperature": 0.2}, ("top_p",), ()),
    (Target(model="x", sampling="temperature_or_top_p"), {"top_p": 0.5}, {"top_p": 0.5}, (), ()),
    (Target(model="x", penalties=False), PENALTIES, {}, ("frequency_penalty",), ()),
    (Target(model="x"), {"top_k": 5}, {}, ("top_k",), ()),
    (Target(model="x"), {"choice_count": 1}, {}, (), ()),
    # NousResearch/hermes-agent#23435: models that think but take no effort.
    (Target(model="grok-4"), {"reasoning": THINK(effort="high")}, {}, ("reasoning_effort",), ()),
    (Target(model="gpt-4.1"), {"reasoning": THINK(effort="none")}, {}, (), ()),
    (Target(model="gpt-4.1"), {"reasoning": THINK(enabled=False)}, {}, (), ()),
    (Target(model="x", efforts=("low", "medium", "high")), {"reasoning": THINK(effort="max")}, {"reasoning_effort": "high"}, (), ("reasoning_effort",)),
    (Target(model="x", efforts=("low", "medium", "high")), {"reasoning": THINK(effort="minimal")}, {"reasoning_effort": "low"}, (), ("reasoning_effort",)),
    (Target(model="x", efforts=("low", "high")), {"reasoning": THINK(effort="none")}, {"reasoning_effort": "low"}, (), ("reasoning_effort",)),
    (Target(model="x", efforts=("none", "high")), {"reasoning": THINK(effort="low")}, {"reasoning_effort": "high"}, (), ("reasoning_effort",)),
    (Target(model="x", efforts=("none", "high")), {"reasoning": THINK(enabled=False)}, {"reasoning_effort": "none"}, (), ()),
    (Target(model="x", efforts=EFFORTS), {"reasoning": THINK(budget_tokens=8192)}, {"reasoning_effort": "medium"}, (), ("thinking.budget_tokens",)),
    (Target(model="x", efforts=EFFORTS), {"reasoning": THINK(budget_tokens=60_000)}, {"reasoning_effort": "xhigh"}, (), ("thinking.budget_tokens",)),
    (Target(model="x", efforts=EFFORTS), {"reasoning": THINK(budget_tokens=0)}, {"reasoning_effort": "none"}, (), ()),
    (Target(model="x", efforts=EFFORTS), {"reasoning": THINK(budget_tokens=-1)}, {}, (), ()),
    (Target(model="x", efforts=EFFORTS), {"reasoning": THINK(enabled=True)}, {}, (), ()),
    (Target(model="x"), {"extra": {"anthropic": {"inference_geo": "eu"}}}, {}, ("inference_geo",), ()),
]  # fmt: skip


@pytest.mark.parametrize(("target", "options", "fields", "dropped", "adapted"), TARGETS)
def test_the_target_s_row_decides(
    target: Target, options: dict[str, Any], fields: dict[str, Any], dropped: Any, adapted: Any
) -> None:
    rendered = render(request(**options), target)
    assert json.loads(rendered.body) == {"model": target.model, "messages": [HELLO_BODY], **fields}
    assert (rendered.dropped, rendered.adapted) == (dropped, adapted)


PICTURE = Blob("image/png", "iVBO")
UNSUPPORTED: list[tuple[Target, dict[str, Any], str]] = [
    (Target(model="o3", stop=False), {"stop": ("x",)}, "stop"),
    (Target(model="x"), {"stop": tuple("abcde")}, "stop"),
    (Target(model="x"), {"tools": (HostedTool("anthropic", "web_search_20250305", {}),)}, "tools[0].type"),
    (Target(model="x"), {"extra": {"gemini": {"cachedContent": "c"}}}, "cachedContent"),
    (Target(model="x"), {"messages": (user(Blob("video/mp4", "AA==", "video")),)}, "messages[0].content[0]"),
    (Target(model="x"), {"messages": (user(Uri("https://x/a.pdf", "document")),)}, "messages[0].content[0]"),
    (Target(model="x"), {"messages": (HELLO, user(Blob("audio/ogg", "AA==", "audio")))}, "messages[1].content[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "options", "param"), UNSUPPORTED)
def test_what_cannot_be_carried_is_refused_by_name(target: Target, options: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        render(Request(**{"model": "m", "messages": (HELLO,), **options}), target)
    assert caught.value.param == param


def test_images_in_tool_results_follow_in_a_user_message_and_never_as_text() -> None:
    """BerriAI/litellm#6953, #34462: a stringified image is a token explosion."""
    image = Blob("image/png", "iVBO" * 20_000)
    results = (
        ToolCallResponse("call_a", (Text("Here: "), image)),
        ToolCallResponse("call_b", (Text("no such file"),), is_error=True),
    )
    rendered = render(
        Request(model="m", messages=(HELLO, Message(Role.ASSISTANT, (CALL, CALL_2)), Message(Role.TOOL, results)))
    )
    _, _, first, second, pictures = json.loads(rendered.body)["messages"]
    assert first["content"] == [
        {"type": "text", "text": "Here: "},
        {"type": "text", "text": "[image attached below]"},
    ]
    assert second == {"role": "tool", "tool_call_id": "call_b", "content": "Error: no such file"}
    assert pictures == {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image.data}"}}],
    }
    assert rendered.adapted == ("messages[].content",)
    assert len(rendered.body) < 1.5 * len(image.data)


def test_what_only_another_dialect_can_say_is_dropped_by_name() -> None:
    history = (HELLO, Message(Role.ASSISTANT, (Opaque("anthropic", {"type": "server_tool_use"}), Text("Yes?"))))
    rendered = render(Request(model="m", messages=history))
    assert json.loads(rendered.body)["messages"][1] == {"role": "assistant", "content": "Yes?"}
    assert rendered.dropped == ("input[].type",)


def test_thinking_is_not_sent_back_to_models_that_do_not_take_it() -> None:
    history = (HELLO, Message(Role.ASSISTANT, (Reasoning("hm"), Text("Yes?"))))
    assert b"hm" not in render(Request(model="m", messages=history), Target(model="m")).body


def test_a_body_is_the_same_bytes_every_time_and_keeps_the_client_s_order() -> None:
    """maximhq/bifrost#2347: another order of keys, and the prompt cache never hits."""
    body = {"model": "m", "messages": [HELLO_BODY], "tools": [WEATHER_BODY]}
    rendered = render(parse(body)).body
    assert rendered == render(parse(body)).body
    assert json.dumps(SCHEMA, separators=(",", ":")).encode() in rendered


def test_model_and_verb_from_the_path() -> None:
    parsed = DIALECT.parse_request(b'{"messages":[{"role":"user","content":"Hi"}]}', "from-path", True)
    assert (parsed.model, parsed.stream) == ("from-path", True)


def test_half_a_surrogate_pair_is_replaced() -> None:
    parsed = parse(b'{"model":"m","messages":[{"role":"user","content":"a\\ud83d b"}]}')
    assert parsed.messages == (user(Text("a\ufffd b")),)
    assert json.loads(render(parsed).body)["messages"][0]["content"] == "a\ufffd b"


# parse ∘ render is the identity on all that chat can say.

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
TEXTS = st.builds(Text, TEXT)
MEDIA = st.sampled_from([PICTURE, Uri("https://x/y.png", extra=chat({"detail": "high"})), Blob("audio/wav", "UklG", "audio"), File("file-1", filename="a"), Blob("application/pdf", "JVBE", "document", "a.pdf")])  # fmt: skip
TURN = st.builds(user, TEXTS, st.one_of(TEXTS, MEDIA), name=st.none() | NAMES)


@st.composite
def tool_turns(draw: st.DrawFn) -> tuple[Message, ...]:
    count = draw(st.integers(1, 3))
    calls = [
        ToolCall(
            f"call_{n}", draw(NAMES), draw(st.sampled_from(["", "{}", '{"a":1}', "broken {"])), draw(st.booleans())
        )
        for n in range(count)
    ]
    results = [
        ToolCallResponse(call.id, tuple(draw(st.lists(TEXTS, max_size=2)))) for call in draw(st.permutations(calls))
    ]
    said = draw(st.lists(TEXTS, max_size=1))
    return Message(Role.ASSISTANT, (*said, *calls)), Message(Role.TOOL, tuple(results))


TURNS = st.one_of(
    st.tuples(TURN),
    st.tuples(st.builds(Message, st.just(Role.SYSTEM), st.tuples(TEXTS))),
    st.tuples(st.builds(Message, st.just(Role.ASSISTANT), st.tuples(st.builds(Reasoning, TEXT), TEXTS))),
    tool_turns(),
)
TOOLS = st.lists(
    st.builds(
        Tool,
        name=NAMES,
        description=st.none() | TEXT,
        parameters=st.none() | st.just(SCHEMA),
        strict=st.none() | st.booleans(),
    ),
    max_size=3,
).map(tuple)
REQUESTS = st.builds(
    Request,
    model=st.just("m"),
    messages=st.lists(TURNS, min_size=1, max_size=4).map(lambda turns: tuple(message for turn in turns for message in turn)),
    tools=TOOLS,
    max_output_tokens=st.none() | st.integers(1, 10**6),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    stop=st.lists(TEXT, max_size=4).map(tuple),
    seed=st.none() | st.integers(-(2**31), 2**31),
    choice_count=st.none() | st.integers(2, 5),
    logprobs=st.none() | st.booleans(),
    reasoning=st.none() | st.builds(ReasoningOptions, effort=st.sampled_from(EFFORTS)),
    stream=st.booleans(),
    user=st.none() | TEXT,
    metadata=st.none() | st.dictionaries(NAMES, TEXT, max_size=2),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(REQUESTS)
def test_parsing_what_was_rendered_gives_the_same_request(made: Request) -> None:
    rendered = render(made)
    assert rendered.dropped == rendered.adapted == ()
    assert parse(rendered.body) == made


def test_a_file_without_a_name_gets_one() -> None:
    """OpenAI refuses file data without a name, which the other dialects need not give."""
    said = Request(model="m", messages=(Message(Role.USER, (Blob("application/pdf", "JVBE", "document"),)),))
    (message,) = json.loads(DIALECT.render_request(said, Target(model="m")).body)["messages"]
    file = {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"}
    assert message["content"] == [{"type": "file", "file": file}]
