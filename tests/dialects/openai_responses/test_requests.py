"""Responses requests: one table of bodies and requests, read in both directions; what is refused, dropped, adapted."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from gateway.dialects.openai_chat import DIALECT as CHAT
from gateway.dialects.openai_responses import DIALECT
from gateway.dialects.openai_responses.tools import flat_name
from gateway.errors import ClientError, Unsupported
from gateway.model import (
    Blob,
    Extra,
    File,
    HostedTool,
    Message,
    Opaque,
    Origin,
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
TARGET = Target(model="m", efforts=EFFORTS, thinking="effort")
PLAIN = Target(model="m")
SDK: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)


def parse(body: Any) -> Request:
    return DIALECT.parse_request(body if isinstance(body, bytes) else json.dumps(body).encode(), None, None)


def render(request: Request, target: Target = TARGET) -> Rendered:
    return DIALECT.render_request(request, target)


def own(**fields: Any) -> Extra:
    return {"openai_responses": fields}


def user(*parts: Part, **more: Any) -> Message:
    return Message(Role.USER, parts, **more)


def assistant(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content, **more}


HELLO, HELLO_ITEM = user(Text("Hi")), said("user", "Hi")
CALL = ToolCall("call_a", "weather", '{"city":"Köln"}')
CALL_ITEM = {"type": "function_call", "call_id": "call_a", "name": "weather", "arguments": '{"city":"Köln"}'}
RESULT_ITEM = {"type": "function_call_output", "call_id": "call_a", "output": "4"}
RESULT = Message(Role.TOOL, (ToolCallResponse("call_a", (Text("4"),)),))
SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "number"}}}
WEATHER = Tool(name="weather", description="Weather.", parameters=SCHEMA, strict=True, extra=own())
WEATHER_ITEM = {
    "type": "function",
    "name": "weather",
    "description": "Weather.",
    "parameters": SCHEMA,
    "strict": True,
}
STATE = "gAAAAABoEncrypted=="

# id: items as a client writes them, messages as the model holds them.
INPUTS: dict[str, tuple[list[Any], tuple[Message, ...]]] = {
    "text": ([HELLO_ITEM], (HELLO,)),
    "system and developer": (
        [said("system", "Be brief."), said("developer", "Be kind."), HELLO_ITEM],
        (Message(Role.SYSTEM, (Text("Be brief."),)), Message(Role.SYSTEM, (Text("Be kind."),), extra=own(role="developer")), HELLO),
    ),
    "several texts, a cache mark": (
        [said("user", [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}}])],
        (user(Text("a"), Text("b", own(prompt_cache_breakpoint={"mode": "explicit"}))),),
    ),
    # Codex gives its messages ids, which the SDK's types do not know.
    "an id on a user's message": ([said("user", "Hi", id="msg_u1")], (user(Text("Hi"), extra=own(id="msg_u1")),)),
    "images": (
        [said("user", [
            {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
            {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"},
            {"type": "input_image", "file_id": "file-1", "detail": "auto"},
        ])],
        (user(Uri("https://x/y.png", extra=own(detail="low")), Blob("image/png", "iVBO"), File("file-1", "image", extra=own())),),
    ),
    # BerriAI/litellm#9798, #24776: files in every form.
    "files": (
        [said("user", [
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            {"type": "input_file", "file_id": "file-1", "filename": "b.pdf"},
        ])],
        (user(Blob("application/pdf", "JVBE", "document", "a.pdf", own(file=True)), Uri("https://x/a.pdf", "document"), File("file-1", "document", None, "b.pdf", own())),),
    ),
    "audio": (
        [said("user", [{"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}}])],
        (user(Blob("audio/mpeg", "UklG", "audio")),),
    ),
    "easy assistant messages": ([HELLO_ITEM, said("assistant", "Yes?"), said("assistant", "Well?")], (HELLO, assistant(Text("Yes?"), Text("Well?")))),
    "an answer with ids, a phase and two texts": (
        [HELLO_ITEM, {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": []}, {"type": "output_text", "text": "b", "annotations": [{"type": "x"}]}], "phase": "commentary"}],
        (HELLO, assistant(Text("a", own(item={"id": "msg_1", "phase": "commentary"})), Text("b", own(annotations=[{"type": "x"}], joined=True)))),
    ),
    "a refusal": (
        [HELLO_ITEM, {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}],
        (HELLO, assistant(Refusal("No.", own(item={"id": "msg_1"})))),
    ),
    "a call and its result": ([HELLO_ITEM, CALL_ITEM, RESULT_ITEM, said("assistant", "4.")], (HELLO, assistant(CALL), RESULT, assistant(Text("4.")))),
    # maximhq/bifrost#5186: reasoning goes back with its id, its state and its summary.
    "reasoning before parallel calls": (
        [
            HELLO_ITEM, {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": STATE},
            {**CALL_ITEM, "id": "fc_a"}, {**CALL_ITEM, "call_id": "call_b"}, RESULT_ITEM, {**RESULT_ITEM, "call_id": "call_b"},
        ],
        (
            HELLO, assistant(Reasoning("hm", own(id="rs_1", encrypted_content=STATE)), ToolCall("call_a", "weather", '{"city":"Köln"}', extra=own(id="fc_a")), ToolCall("call_b", "weather", '{"city":"Köln"}')),
            Message(Role.TOOL, (ToolCallResponse("call_a", (Text("4"),)), ToolCallResponse("call_b", (Text("4"),)))),
        ),
    ),
    "reasoning without summary or id": (
        [HELLO_ITEM, {"type": "reasoning", "summary": [], "encrypted_content": STATE}, said("assistant", "4")],
        (HELLO, assistant(Reasoning("", own(encrypted_content=STATE)), Text("4"))),
    ),
    "reasoning of two paragraphs": (
        [HELLO_ITEM, {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}], "encrypted_content": STATE}, said("assistant", "4")],
        (HELLO, assistant(Reasoning("a\n\nb", own(id="rs_1", encrypted_content=STATE, summary=["a", "b"])), Text("4"))),
    ),
    # BerriAI/litellm#23712: images and files in a tool's output.
    "a result with an image and a file": (
        [HELLO_ITEM, CALL_ITEM, {**RESULT_ITEM, "output": [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "high"}, {"type": "input_file", "file_url": "https://x/a.pdf"}]}],
        (HELLO, assistant(CALL), Message(Role.TOOL, (ToolCallResponse("call_a", (Text("see"), Blob("image/png", "iVBO", extra=own(detail="high")), Uri("https://x/a.pdf", "document"))),))),
    ),
    "a custom call": (
        [HELLO_ITEM, {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** not JSON"}, {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"}],
        (HELLO, assistant(ToolCall("c", "apply_patch", "*** not JSON", True)), Message(Role.TOOL, (ToolCallResponse("c", (Text("ok"),)),))),
    ),
    "a call in a namespace": (
        [HELLO_ITEM, {**CALL_ITEM, "name": "search", "namespace": "mcp__docs"}, RESULT_ITEM],
        (HELLO, assistant(ToolCall("call_a", "mcp__docs__search", '{"city":"Köln"}', extra=own(namespace="mcp__docs", name="search"))), RESULT),
    ),
    # Codex sends the answer's text between a call and its output (BerriAI/litellm#32536).
    "text after a call": ([HELLO_ITEM, CALL_ITEM, said("assistant", "Looking."), RESULT_ITEM], (HELLO, assistant(CALL, Text("Looking.")), RESULT)),
    "a hosted tool's item": (
        [HELLO_ITEM, {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}, said("assistant", "4")],
        (HELLO, assistant(Opaque("openai_responses", {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}), Text("4"))),
    ),
    "an output whose call the provider has": (
        [{"type": "custom_tool_call_output", "call_id": "x", "output": "4", "id": "out_1"}],
        (Message(Role.TOOL, (ToolCallResponse("x", (Text("4"),), extra=own(type="custom_tool_call_output", id="out_1")),)),),
    ),
    "an output that names its tool": (
        [HELLO_ITEM, CALL_ITEM, {**RESULT_ITEM, "name": "weather"}],
        (HELLO, assistant(CALL), Message(Role.TOOL, (ToolCallResponse("call_a", (Text("4"),), "weather", extra=own(name="weather")),))),
    ),
    "a file by address with a name": (
        [said("user", [{"type": "input_file", "file_url": "https://x/a.pdf", "filename": "a.pdf"}])],
        (user(Uri("https://x/a.pdf", "document", extra=own(filename="a.pdf"))),),
    ),
    "a part of an unknown type": ([said("user", [{"type": "hologram", "depth": 3}])], (user(Opaque("openai_responses", {"type": "hologram", "depth": 3})),)),
}  # fmt: skip

# id: further fields of the body, what they are in the request, and what of that only this dialect can carry.
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({}, {}),
    "limits and sampling": ({"max_output_tokens": 9, "temperature": 0.5, "top_p": 0.9}, {"max_output_tokens": 9, "temperature": 0.5, "top_p": 0.9}),
    "stream": ({"stream": True}, {"stream": True}),
    "reasoning": ({"reasoning": {"effort": "xhigh", "summary": "auto"}}, {"reasoning": ReasoningOptions(effort="xhigh", show=True)}),
    "reasoning, a detailed summary": ({"reasoning": {"summary": "detailed", "context": "all_turns"}}, {"reasoning": ReasoningOptions(show=True), "extra": own(**{"reasoning.summary": "detailed", "reasoning.context": "all_turns"})}),
    "log probabilities": ({"include": ["message.output_text.logprobs"], "top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
    "identity": ({"user": "u1", "metadata": {"team": "a"}, "service_tier": "flex"}, {"user": "u1", "metadata": {"team": "a"}, "service_tier": "flex"}),
    "safety identifier": ({"safety_identifier": "s1"}, {"user": "s1", "extra": own(safety_identifier="s1")}),
    "tools": (
        {"tools": [WEATHER_ITEM, {"type": "function", "name": "time", "parameters": None, "strict": None, "defer_loading": True}], "tool_choice": "required", "parallel_tool_calls": False},
        {"tools": (WEATHER, Tool(name="time", extra=own(defer_loading=True))), "tool_choice": ToolChoice("required"), "parallel_tool_calls": False},
    ),
    "custom tool": (
        {"tools": [{"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}], "tool_choice": {"type": "custom", "name": "patch"}},
        {"tools": (Tool(name="patch", custom=True, extra=own(format={"type": "grammar", "syntax": "lark", "definition": "x"})),), "tool_choice": ToolChoice("named", ("patch",))},
    ),
    "namespace": (
        {
            "tools": [{"type": "namespace", "name": "mcp__docs", "description": "Docs.", "tools": [{"type": "function", "name": "search", "parameters": SCHEMA, "strict": False}, {"type": "custom", "name": "run"}]}, WEATHER_ITEM],
            "tool_choice": {"type": "function", "name": "search", "namespace": "mcp__docs"},
        },
        {
            "tools": (
                Tool(name="mcp__docs__search", parameters=SCHEMA, strict=False, extra=own(namespace={"name": "mcp__docs", "description": "Docs."}, name="search")),
                Tool(name="mcp__docs__run", custom=True, extra=own(namespace={"name": "mcp__docs", "description": "Docs."}, name="run")),
                WEATHER,
            ),
            "tool_choice": ToolChoice("named", ("mcp__docs__search",)),
        },
    ),
    # maximhq/bifrost#5279, #7348
    "hosted tools": (
        {"tools": [{"type": "web_search", "search_context_size": "low"}, {"type": "local_shell"}, WEATHER_ITEM], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]}},
        {"tools": (HostedTool("openai_responses", "web_search", {"type": "web_search", "search_context_size": "low"}), HostedTool("openai_responses", "local_shell", {"type": "local_shell"}), WEATHER), "tool_choice": ToolChoice("auto", ("weather",))},
    ),
    "a hosted tool is chosen": ({"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}, {"tools": (HostedTool("openai_responses", "web_search", {"type": "web_search"}),), "extra": own(tool_choice={"type": "web_search"})}),
    "a hosted tool is allowed": (
        {"tools": [{"type": "web_search"}], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}},
        {
            "tools": (HostedTool("openai_responses", "web_search", {"type": "web_search"}),),
            "extra": own(tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}),
        },
    ),
    "reasoning without effort": ({"reasoning": {"mode": "pro"}}, {"extra": own(**{"reasoning.mode": "pro"})}),
    "text format": ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"response_format": ResponseFormat(kind="text"), "extra": own(**{"text.verbosity": "low"})}),
    "json": ({"text": {"format": {"type": "json_object"}}}, {"response_format": ResponseFormat(kind="json")}),
    "schema": (
        {"text": {"format": {"type": "json_schema", "name": "n", "description": "d", "schema": SCHEMA, "strict": True}}},
        {"response_format": ResponseFormat(kind="json_schema", schema=SCHEMA, name="n", description="d", strict=True)},
    ),
    "hints": (
        {"store": True, "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k", "client_metadata": {"x": "1"}, "x_unknown": [1]},
        {"extra": own(store=True, include=["reasoning.encrypted_content"], prompt_cache_key="k", client_metadata={"x": "1"}, x_unknown=[1])},
    ),
    "server-held state": (
        {"previous_response_id": "resp_1", "background": True, "truncation": "auto", "max_tool_calls": 3},
        {"extra": own(previous_response_id="resp_1", background=True, truncation="auto", max_tool_calls=3)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_both_ways(name: str) -> None:
    written, held = INPUTS[name]
    request = parse({"model": "m", "input": written})
    assert request.messages == held
    rendered = render(request)
    assert json.loads(rendered.body) == {"model": "m", "input": written}
    assert rendered.dropped == rendered.adapted == ()


@pytest.mark.parametrize("name", OPTIONS)
def test_options_both_ways(name: str) -> None:
    written, held = OPTIONS[name]
    body = {"model": "m", "input": [HELLO_ITEM], **written}
    request = Request(model="m", messages=(HELLO,), **{"extra": own(), **held})
    assert parse(body) == request
    rendered = render(request)
    assert json.loads(rendered.body) == body
    assert rendered.dropped == rendered.adapted == ()


# Spellings that are read but not written.
READ_ONLY: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"input": "Hi"}, {}),
    ({"input": [{"role": "user", "content": "Hi"}]}, {}),
    ({"input": [said("user", [{"type": "input_text", "text": "Hi"}, {"type": "input_text", "text": ""}], status="completed")]}, {}),
    ({"stream": None, "temperature": None, "tools": None, "tool_choice": None, "text": None, "reasoning": None, "user": None, "instructions": None}, {}),
    ({"background": False, "truncation": "disabled", "stream_options": {"include_obfuscation": False}, "text": {"verbosity": "medium"}, "reasoning": {}, "context_management": []}, {}),
    ({"input": [said("user", [{"type": "input_file", "file_data": "JVBERi0xLjQ=", "filename": "a.pdf"}])]}, {"messages": (user(Blob("application/pdf", "JVBERi0xLjQ=", "document", "a.pdf", own(file=True))),)}),
    ({"reasoning": {"generate_summary": "auto"}}, {"reasoning": ReasoningOptions(show=True)}),
    ({"tools": []}, {}),
    ({"instructions": "Be brief."}, {"messages": (Message(Role.SYSTEM, (Text("Be brief."),), extra=own(instructions=True)), HELLO)}),
]  # fmt: skip


@pytest.mark.parametrize(("written", "held"), READ_ONLY)
def test_further_spellings(written: dict[str, Any], held: dict[str, Any]) -> None:
    request = parse({"model": "m", "input": [HELLO_ITEM], **written})
    assert request == Request(**{"model": "m", "messages": (HELLO,), "extra": own(), **held})


def test_instructions_go_back_where_they_were() -> None:
    body = {"model": "m", "instructions": "Be brief.", "input": [HELLO_ITEM]}
    assert json.loads(render(parse(body)).body) == body


def test_items_that_only_the_provider_can_place_are_essential() -> None:
    items = [{"type": "item_reference", "id": "msg_1"}, HELLO_ITEM, {"type": "compaction", "encrypted_content": "x"}]
    request = parse({"model": "m", "input": items})
    assert json.loads(render(request).body)["input"] == items
    with pytest.raises(Unsupported) as caught:
        CHAT.render_request(request, TARGET)
    assert caught.value.param == "input[0]"


def test_a_request_of_codex() -> None:
    """Codex 0.169: a developer message, namespaces, a hosted tool, fields that the SDK does not know."""
    body = {
        "model": "gpt-5-codex",
        "instructions": "You are Codex.",
        "input": [
            {"type": "message", "role": "developer", "id": "msg_d", "content": [{"type": "input_text", "text": "Sandbox."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment>"}, {"type": "input_text", "text": "hello"}]},
            {"type": "reasoning", "summary": [], "encrypted_content": STATE},
            {"type": "function_call", "name": "exec_command", "arguments": "{}", "call_id": "call_1"},
            {"type": "function_call_output", "id": "fco_1", "call_id": "call_1", "output": "done"},
        ],
        "tools": [
            {"type": "function", "name": "exec_command", "description": "", "strict": False, "parameters": SCHEMA},
            {"type": "namespace", "name": "mcp__docs", "description": "d", "tools": [{"type": "function", "name": "search", "parameters": SCHEMA, "strict": False}]},
            {"type": "web_search"},
        ],
        "tool_choice": "auto", "parallel_tool_calls": True, "reasoning": {"effort": "medium", "summary": "auto"}, "store": False, "stream": True,
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": "thread", "client_metadata": {"x": "y"},
    }  # fmt: skip
    request = parse(body)
    assert request.stream
    assert [tool.type for tool in request.tools if isinstance(tool, HostedTool)] == ["web_search"]
    written = json.loads(render(request, Target(model="gpt-5-codex", efforts=EFFORTS)).body)
    for message in body["input"][:2]:
        if len(message["content"]) == 1:
            message["content"] = message["content"][0]["text"]
    assert written == body


EXEC = {"type": "custom", "name": "exec", "description": "Runs JavaScript."}
ADDED = {"type": "additional_tools", "id": "at_1", "role": "developer", "tools": [{"type": "namespace", "name": "functions", "description": "", "tools": [EXEC]}]}  # fmt: skip


def test_tools_that_the_input_adds_are_tools() -> None:
    """Codex 0.171 sends all its tools so to the models that it knows, before its instructions."""
    instructions = {"type": "message", "role": "developer", "content": "You are Codex."}
    request = parse({"model": "m", "input": [ADDED, instructions, HELLO_ITEM]})
    assert [message.role for message in request.messages] == [Role.SYSTEM, Role.USER]
    (tool,) = request.tools
    assert isinstance(tool, Tool) and (tool.name, tool.custom) == ("functions__exec", True)
    rendered = CHAT.render_request(request, TARGET)
    assert json.loads(rendered.body)["tools"][0]["custom"]["name"] == "functions__exec"
    assert (rendered.dropped, rendered.adapted) == ((), ())


def test_a_tool_that_is_added_again_is_the_later_one() -> None:
    later = {"type": "additional_tools", "role": "developer", "tools": [{**WEATHER_ITEM, "description": "Later."}]}
    request = parse({"model": "m", "tools": [WEATHER_ITEM], "input": [HELLO_ITEM, later]})
    assert [tool.description for tool in request.tools if isinstance(tool, Tool)] == ["Later."]


def test_a_tool_of_added_ones_that_is_none_is_named() -> None:
    with pytest.raises(ClientError) as caught:
        parse({"model": "m", "input": [HELLO_ITEM, {**ADDED, "tools": [{"name": "f"}]}]})
    assert caught.value.param == "input[1].tools[0].type"


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
def test_an_output_that_no_model_called_for_is_told_in_words(kind: str) -> None:
    """Codex 0.171 tells a goal so, behind the results of calls."""
    goal = {
        "type": kind,
        "id": "fco_2",
        "name": "goal_objective",
        "namespace": "agent",
        "output": "Win.",
    }
    items = [HELLO_ITEM, {**CALL_ITEM, "id": "fc_1"}, RESULT_ITEM, goal]
    request = parse({"model": "m", "input": items})
    assert json.loads(render(request).body)["input"][-1] == goal
    rendered = CHAT.render_request(request, TARGET)
    assert json.loads(rendered.body)["messages"][-1] == {
        "role": "user",
        "content": "<goal_objective>\nWin.\n</goal_objective>",
    }
    assert (rendered.dropped, rendered.adapted) == ((), ("input[].output",))
    with pytest.raises(ClientError, match="call_id"):
        parse({"model": "m", "input": [HELLO_ITEM, {"type": "function_call_output", "output": "?"}]})


@pytest.mark.parametrize(
    ("namespace", "name", "flat"),
    [
        (None, "f", "f"),
        ("mcp__docs", "search", "mcp__docs__search"),
        ("mcp__docs__", "search", "mcp__docs__search"),
        ("a.b", "f", None),
        ("n" * 60, "search", None),
    ],
)
def test_names_in_namespaces_become_legal_ones(namespace: str | None, name: str, flat: str | None) -> None:
    found = flat_name(namespace, name)
    assert found == (flat or found) and len(found) <= 64 and found.replace("_", "").replace("-", "").isalnum()
    assert flat_name(namespace, name) == found
    assert flat_name("other", name) != found


def item(**fields: Any) -> dict[str, Any]:
    return {"input": [HELLO_ITEM, fields]}


BAD: list[tuple[Any, str | None]] = [
    (b"", None),
    (b"{", None),
    (b"[" * 100_000, None),
    ([], None),
    ({"input": "Hi"}, "model"),
    ({"model": 3, "input": "Hi"}, "model"),
    ({"model": "m"}, "input"),
    *[
        ({"model": "m", "input": "Hi", **fields}, param)
        for fields, param in [
            ({"input": 3}, "input"),
            ({"input": ["Hi"]}, "input[0]"),
            (item(content="Hi"), "input[1].type"),
            (item(role="robot", content="Hi"), "input[1].role"),
            (item(role="user", content=3), "input[1].content"),
            (item(role="user", content=["Hi"]), "input[1].content[0]"),
            (item(role="user", content=[{"text": "Hi"}]), "input[1].content[0].type"),
            (item(role="user", content=[{"type": "input_text"}]), "input[1].content[0].text"),
            (item(role="user", content=[{"type": "input_image"}]), "input[1].content[0].image_url"),
            (item(role="user", content=[{"type": "input_image", "image_url": "data:image/png,raw"}]), "input[1].content[0].image_url"),
            (item(role="user", content=[{"type": "input_file", "filename": "a.pdf"}]), "input[1].content[0].file_data"),
            (item(role="user", content=[{"type": "input_audio", "input_audio": {"data": "x"}}]), "input[1].content[0].input_audio.format"),
            (item(role="assistant", content=[{"type": "output_text", "text": 3}]), "input[1].content[0].text"),
            (item(type="function_call", call_id="c", arguments="{}"), "input[1].name"),
            (item(type="function_call", call_id="c", name="", arguments="{}"), "input[1].name"),
            (item(type="function_call_output", output="4"), "input[1].call_id"),
            (item(type="function_call_output", call_id="c", output=[{"type": "input_text"}]), "input[1].output[0].text"),
            (item(type="reasoning", summary=[3]), "input[1].summary[0]"),
            ({"temperature": "warm"}, "temperature"),
            ({"stream": "yes"}, "stream"),
            ({"max_output_tokens": 1.5}, "max_output_tokens"),
            ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
            ({"reasoning": "high"}, "reasoning"),
            ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
            ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
            ({"text": {"format": 3}}, "text.format"),
            ({"metadata": []}, "metadata"),
            ({"tools": {}}, "tools"),
            ({"tools": [{"name": "f"}]}, "tools[0].type"),
            ({"tools": [{"type": "function"}]}, "tools[0].name"),
            ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, "tools[0].parameters"),
            ({"tools": [{"type": "custom"}]}, "tools[0].name"),
            ({"tools": [{"type": "namespace", "name": "n"}]}, "tools[0].tools"),
            ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]}, "tools[0].tools[0].name"),
            ({"tools": [WEATHER_ITEM, WEATHER_ITEM]}, "tools"),
            ({"tool_choice": "maybe"}, "tool_choice"),
            ({"tool_choice": 3}, "tool_choice"),
            ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
            ({"tool_choice": {"type": "allowed_tools", "mode": "x", "tools": []}}, "tool_choice.mode"),
        ]
    ],
]  # fmt: skip


@pytest.mark.parametrize(("body", "param"), BAD)
def test_a_bad_body_is_refused_by_the_client_s_own_path(body: Any, param: str | None) -> None:
    with pytest.raises(ClientError) as caught:
        parse(body)
    assert (caught.value.status, caught.value.param) == (400, param)
    assert param is None or param.partition("[")[0] in caught.value.message


def request(*messages: Message, **options: Any) -> Request:
    return Request(model="m", messages=messages or (HELLO,), **options)


KEPT = {"include": ["reasoning.encrypted_content"], "store": False}
WARM = {"temperature": 0.2, "top_p": 0.5}
THINK = ReasoningOptions

# target, what another dialect asks, what is sent beside model, input, store (and include), dropped, adapted
TARGETS: list[tuple[Target, dict[str, Any], dict[str, Any], tuple[str, ...], tuple[str, ...]]] = [
    # maximhq/bifrost#6457
    (PLAIN, {"max_output_tokens": 5}, {"max_output_tokens": 5}, (), ()),
    (PLAIN, WARM, WARM, (), ()),
    (Target(model="m", sampling="none"), WARM, {}, ("temperature", "top_p"), ()),
    (Target(model="m", sampling="none"), {"temperature": 1, "top_p": 1.0}, {}, (), ()),
    (Target(model="m", sampling="temperature_or_top_p"), WARM, {"temperature": 0.2}, ("top_p",), ()),
    (PLAIN, {"seed": 7, "top_k": 5, "frequency_penalty": 0.5, "presence_penalty": 0.0}, {}, ("seed", "top_k", "frequency_penalty"), ()),
    (PLAIN, {"choice_count": 1, "logit_bias": {}}, {}, (), ()),
    (PLAIN, {"logprobs": True, "top_logprobs": 2}, {"top_logprobs": 2, "include": ["message.output_text.logprobs"]}, (), ()),
    (PLAIN, {"logprobs": False}, {}, (), ()),
    (PLAIN, {"reasoning": THINK(effort="high")}, {}, ("reasoning_effort",), ()),
    (PLAIN, {"reasoning": THINK(enabled=False)}, {}, (), ()),
    (TARGET, {"reasoning": THINK(effort="high", show=True)}, {"reasoning": {"effort": "high", "summary": "auto"}}, (), ()),
    (TARGET, {"reasoning": THINK(enabled=False)}, {"reasoning": {"effort": "none"}}, (), ()),
    (TARGET, {"reasoning": THINK(enabled=True, budget_tokens=9000)}, {"reasoning": {"effort": "medium"}}, (), ("thinking.budget_tokens",)),
    (TARGET, {"reasoning": THINK(enabled=True, budget_tokens=-1)}, {}, (), ()),
    (Target(model="m", efforts=("low", "high")), {"reasoning": THINK(effort="max")}, {"reasoning": {"effort": "high"}}, (), ("reasoning_effort",)),
    (PLAIN, {"response_format": ResponseFormat(kind="json_schema", schema=SCHEMA)}, {"text": {"format": {"type": "json_schema", "name": "response", "schema": SCHEMA}}}, (), ()),
    (PLAIN, {"tools": (Tool(name="f", description="d"),)}, {"tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}, "strict": False}]}, (), ()),
    (PLAIN, {"tools": (Tool(name="f", parameters=SCHEMA, strict=True),), "tool_choice": ToolChoice("named", ("f",)), "parallel_tool_calls": False}, {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}], "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": False}, (), ()),
    (PLAIN, {"tools": (Tool(name="f"),), "tool_choice": ToolChoice("required", ("f",))}, {"tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False}], "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}}, (), ()),
    (PLAIN, {"user": "u" * 200}, {"user": "user_"}, (), ()),
    (PLAIN, {"service_tier": "standard_only"}, {}, ("service_tier",), ()),
    (PLAIN, {"extra": {"anthropic": {"context": 1, "metadata": None}}}, {}, ("context",), ()),
]  # fmt: skip


@pytest.mark.parametrize(("target", "asked", "sent", "dropped", "adapted"), TARGETS)
def test_requests_of_other_dialects(
    target: Target, asked: dict[str, Any], sent: dict[str, Any], dropped: tuple[str, ...], adapted: tuple[str, ...]
) -> None:
    rendered = render(request(**asked), target)
    body = json.loads(rendered.body)
    SDK.validate_python(body)
    if "user" in sent:
        sent = {"user": body["user"]}
        assert body["user"].startswith("user_") and len(body["user"]) <= 128
    include = [*(["reasoning.encrypted_content"] if target.efforts else ()), *sent.get("include", ())]
    expected = {"model": "m", "input": [HELLO_ITEM], "store": False, **sent, "include": include}
    assert {"include": [], **body} == expected
    assert set(rendered.dropped) == set(dropped) and rendered.adapted == adapted


def test_a_chat_request_goes_through_responses_with_all_that_both_know() -> None:
    """openai/openai-openapi#541: models that refuse tools with effort on chat want Responses."""
    body = {
        "model": "gpt-5.4",
        "messages": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "?", "prompt_cache_breakpoint": {"mode": "explicit"}}, {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}, {"type": "file", "file": {"file_id": "file-1"}}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "patch", "input": "x"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "ok"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}, {"type": "custom", "custom": {"name": "patch", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}}}],
        "reasoning_effort": "high", "verbosity": "low", "prompt_cache_key": "k", "safety_identifier": "s", "max_completion_tokens": 99, "stream": True, "stream_options": {"include_usage": True},
        "prediction": {"type": "content", "content": "x"}, "store": True,
    }  # fmt: skip
    rendered = render(CHAT.parse_request(json.dumps(body).encode(), None, None))
    assert json.loads(rendered.body) == {
        "model": "m",
        "input": [
            said("developer", "Be kind."),
            said("user", [{"type": "input_text", "text": "?", "prompt_cache_breakpoint": {"mode": "explicit"}}, {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"}, {"type": "input_file", "file_id": "file-1"}]),
            {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "x"},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}, {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}],
        "reasoning": {"effort": "high"}, "text": {"verbosity": "low"}, "prompt_cache_key": "k", "safety_identifier": "s", "max_output_tokens": 99, "stream": True, **KEPT,
    }  # fmt: skip
    assert rendered.dropped == ("prediction", "store")


# Messages of other dialects → items, dropped.
FOREIGN: dict[str, tuple[tuple[Message, ...], list[dict[str, Any]], tuple[str, ...]]] = {
    "foreign thinking stays away": ((HELLO, assistant(Reasoning("hm", {"anthropic": {"signature": "s"}}), Text("4"))), [HELLO_ITEM, said("assistant", "4")], ("messages[].reasoning_content",)),
    "own reasoning with nothing behind it": ((HELLO, assistant(Reasoning("hm", own(id="rs_1", encrypted_content=STATE))), HELLO), [HELLO_ITEM, HELLO_ITEM], ("messages[].reasoning_content",)),
    "a refusal": ((HELLO, assistant(Refusal("No."))), [HELLO_ITEM, {"type": "message", "role": "assistant", "status": "completed", "content": [{"type": "refusal", "refusal": "No."}]}], ()),
    "empty text, empty arguments": ((HELLO, assistant(Text(""), ToolCall("c", "f", "")), RESULT), [HELLO_ITEM, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}, RESULT_ITEM], ()),
    "an error": ((Message(Role.TOOL, (ToolCallResponse("call_a", (Text("oops"),), is_error=True),)),), [{**RESULT_ITEM, "output": "Error: oops"}], ()),
    "an error with an image": ((Message(Role.TOOL, (ToolCallResponse("call_a", (Blob("image/png", "iVBO"),), is_error=True),)),), [{**RESULT_ITEM, "output": [{"type": "input_text", "text": "Error: "}, {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"}]}], ()),
    "a document without a name": ((user(Blob("application/pdf", "JVBE", "document")),), [said("user", [{"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "document.pdf"}])], ()),
    "a trace of another provider's tool": ((HELLO, assistant(Opaque("anthropic", {"type": "server_tool_use"}), Text("4"))), [HELLO_ITEM, said("assistant", "4")], ("input[].type",)),
    "a name": ((Message(Role.USER, (Text("Hi"),), "ann"),), [HELLO_ITEM], ("messages[].name",)),
    "results and words in one turn": ((Message(Role.USER, (ToolCallResponse("call_a", (Text("4"),)), Text("Hi"))),), [RESULT_ITEM, HELLO_ITEM], ()),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_messages_of_other_dialects(name: str) -> None:
    messages, items, dropped = FOREIGN[name]
    rendered = render(request(*messages), PLAIN)
    body = json.loads(rendered.body)
    SDK.validate_python(body)
    for found in body["input"]:
        if found.get("status") == "completed":
            assert found.pop("id").startswith("msg_")
    assert body["input"] == items
    assert rendered.dropped == dropped


def test_long_call_ids_stay_pairs() -> None:
    long = "call_" + "x" * 100
    body = json.loads(render(request(HELLO, assistant(ToolCall(long, "f", "{}")), Message(Role.TOOL, (ToolCallResponse(long, (Text("4"),)),)))).body)  # fmt: skip
    assert body["input"][1]["call_id"] == body["input"][2]["call_id"] and len(body["input"][1]["call_id"]) <= 64


REFUSED: list[tuple[Request, str]] = [
    (request(stop=("x",)), "stop"),
    (request(choice_count=2), "n"),
    (request(logit_bias={"1": 2}), "logit_bias"),
    (
        request(extra={"openai_chat": {"web_search_options": {}}}),
        "web_search_options",
    ),
    (request(tools=(HostedTool("anthropic", "computer", {}),)), "tools[0].type"),
    (request(user(Blob("video/mp4", "AA", "video"))), "messages[0].content[0]"),
    (request(user(Blob("audio/ogg", "AA", "audio"))), "messages[0].content[0]"),
    (request(user(Uri("https://x/a.mp4", "video"))), "messages[0].content[0]"),
    (request(user(File("file_1", extra={"anthropic": {}}))), "messages[0].content[0].file.file_id"),
    (request(user(Opaque("anthropic", {"type": "search_result"}))), "messages[0].content[0]"),
]


@pytest.mark.parametrize(("asked", "param"), REFUSED)
def test_what_cannot_be_carried_is_refused_by_name(asked: Request, param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        render(asked)
    assert caught.value.param == param


def test_a_model_that_continues_no_answer() -> None:
    with pytest.raises(Unsupported):
        render(request(HELLO, assistant(Text("The")), origin=Origin(dialect="anthropic")))


# Known to the API, or to no one, but not to the SDK's types.
BEYOND_THE_SDK = ("audio", "a part of an unknown type", "reasoning without summary or id")


@pytest.mark.parametrize("name", [name for name in INPUTS if name not in BEYOND_THE_SDK])
def test_what_is_rendered_is_valid_for_the_sdk(name: str) -> None:
    SDK.validate_python(json.loads(render(parse({"model": "m", "input": INPUTS[name][0]})).body))


WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
PARTS = st.one_of(
    st.builds(Text, WORDS.filter(bool)),
    st.builds(Blob, st.just("image/png"), st.just("iVBO")),
    st.builds(lambda name: Uri(f"https://x/{name}.png"), NAMES),
)
ANSWER_PARTS = st.one_of(
    st.builds(Text, WORDS.filter(str.strip)),
    st.builds(lambda text, item: Text(text, own(item={"id": item})), WORDS.filter(str.strip), NAMES),
    st.builds(ToolCall, NAMES, NAMES, WORDS.map(lambda text: json.dumps({"a": text}))),
)
TURNS = st.lists(
    st.one_of(
        st.lists(PARTS, max_size=3).map(lambda parts: Message(Role.USER, tuple(parts))),
        st.lists(ANSWER_PARTS, min_size=1, max_size=4).map(lambda parts: Message(Role.ASSISTANT, tuple(parts))),
        st.builds(lambda call, text: Message(Role.TOOL, (ToolCallResponse(call, (Text(text),)),)), NAMES, WORDS.filter(bool)),
    ),
    min_size=1,
    max_size=6,
).filter(lambda turns: all(a.role is not b.role or a.role is Role.USER for a, b in pairwise(turns)))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(TURNS, st.one_of(st.none(), st.floats(0, 2)), st.one_of(st.none(), st.integers(1, 9999)), st.booleans())
def test_what_is_rendered_reads_back(
    turns: list[Message], temperature: float | None, limit: int | None, stream: bool
) -> None:
    held = Request(
        model="m", messages=tuple(turns), temperature=temperature, max_output_tokens=limit, stream=stream, extra=own()
    )
    body = render(held).body
    assert parse(body) == held
    assert render(parse(body)).body == body


def _damaged(value: Any, draw: st.DataObject) -> Any:
    if isinstance(value, dict) and value:
        key = draw.draw(st.sampled_from(sorted(value)))
        choice = draw.draw(st.sampled_from(["deeper", "gone", "other"]))
        if choice == "gone":
            return {name: item for name, item in value.items() if name != key}
        new = _damaged(value[key], draw) if choice == "deeper" else draw.draw(_JUNK)
        return {**value, key: new}
    if isinstance(value, list) and value:
        at = draw.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _damaged(value[at], draw), *value[at + 1 :]]
    return draw.draw(_JUNK)


_JUNK = st.sampled_from([None, 3, -1.5, True, "", "x", [], {}, [[]], {"type": "x"}, [{"type": "reasoning"}]])
ALL_INPUTS = [entry for written, _ in INPUTS.values() for entry in written]
ALL_OPTIONS = {key: value for written, _ in OPTIONS.values() for key, value in written.items()}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_body_is_the_client_s_error_or_no_harm(data: st.DataObject) -> None:
    body: Any = {"model": "m", "input": ALL_INPUTS, **ALL_OPTIONS}
    for _ in range(data.draw(st.integers(1, 3))):
        body = _damaged(body, data)
    try:
        found = parse(body)
        render(found)
        CHAT.render_request(found, TARGET)
    except ClientError as error:
        assert error.message


@pytest.mark.parametrize(("said", "stop"), [("END", ("END",)), (["a", "b"], ("a", "b")), (None, ())])
def test_stop_sequences_are_read_for_models_that_take_them(said: Any, stop: tuple[str, ...]) -> None:
    """The API has no such field, yet clients send chat's: another provider's model can honour it."""
    assert parse({"model": "m", "input": "x", "stop": said}).stop == stop


def test_a_blank_between_the_pieces_of_an_answer_is_not_lost() -> None:
    """As a client says it whose history holds the pieces that an answer was streamed in."""
    pieces = [Text(text=piece) for piece in (" ", "Die", " ", "drei", "\n", "\n", "Wege")]
    history = (user(Text(text="Hi")), assistant(*pieces), user(Text(text="And?")))
    items = json.loads(render(Request(model="m", messages=history)).body)["input"]
    answers = [item["content"] for item in items if item.get("role") == "assistant"]
    assert "".join(answers) == "Die drei\n\nWege" and all(text.strip() for text in answers)
