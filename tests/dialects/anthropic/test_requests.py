"""Requests for Anthropic: what each field becomes, what is refused, and that the provider's own types take it."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.dialects.anthropic import DIALECT
from gateway.errors import ClientError, Unsupported
from gateway.model import (
    Blob,
    File,
    HostedTool,
    Message,
    Opaque,
    Reasoning,
    ReasoningOptions,
    Refusal,
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
from gateway.model import Part as AnyPart
from tests.provider.messages import ANTHROPIC
from tests.provider.sealed import seal

ADAPTIVE = Target(
    model="claude-sonnet-4-6", max_output_tokens=64_000, efforts=("none", "low", "medium", "high", "max"), thinking="adaptive",
    sampling="temperature_or_top_p", prefill=False,
)  # fmt: skip
BUDGET = Target(
    model="claude-haiku-4-5", max_output_tokens=64_000, thinking="budget", sampling="temperature_or_top_p"
)
NEWEST = Target(
    model="claude-opus-5-5", max_output_tokens=128_000, efforts=("low", "medium", "high", "xhigh", "max"), thinking="adaptive",
    sampling="none", prefill=False, system_turns=True,
)  # fmt: skip
HI = Message(Role.USER, (Text("Hi"),))
PNG = "iVBORw0KGgoAAAANSUhEUg=="
WEATHER = Tool(
    name="get_weather", description="d", parameters={"type": "object", "properties": {"city": {"type": "string"}}}
)
NOW = Tool(name="now")


def user(*parts: AnyPart | str) -> Message:
    return Message(Role.USER, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: AnyPart | str) -> Message:
    return Message(Role.ASSISTANT, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def results(*found: tuple[str, str]) -> Message:
    return Message(Role.TOOL, tuple(ToolCallResponse(call_id, (Text(text),)) for call_id, text in found))


def ask(*messages: Message, **fields: Any) -> Request:
    return Request(model="m", messages=messages or (HI,), **fields)


def render(
    request: Request, target: Target = ADAPTIVE
) -> tuple[dict[str, Any], Mapping[str, str], tuple[str, ...], tuple[str, ...]]:
    """The body, checked as strictly as the provider would, with headers, dropped and adapted."""
    rendered = DIALECT.render_request(request, target)
    body = json.loads(rendered.body)
    ANTHROPIC.check(ANTHROPIC.read("chat", "", {}, json.loads(rendered.body)), rendered.headers)
    return body, rendered.headers, rendered.dropped, rendered.adapted


def turns(*messages: Message, target: Target = ADAPTIVE, **fields: Any) -> list[Any]:
    return render(ask(*messages, **fields), target)[0]["messages"]  # type: ignore[no-any-return]


def test_the_least_request() -> None:
    body, headers, dropped, adapted = render(ask())
    assert body == {
        "model": "claude-sonnet-4-6",
        "max_tokens": 32_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }
    assert headers == {"anthropic-version": "2026-10-21"}
    assert (dropped, adapted) == ((), ())


def test_path_and_credentials() -> None:
    assert DIALECT.path("any/model", True) == "/v1/messages"
    assert DIALECT.credential_headers("sk-ant-x") == {"x-api-key": "sk-ant-x"}


FIELDS = [
    pytest.param({"max_output_tokens": 7}, {"max_tokens": 7}, (), (), id="max tokens (bifrost#6457)"),
    pytest.param({"stream": True}, {"stream": True}, (), (), id="stream"),
    pytest.param({"stop": ("a", "b")}, {"stop_sequences": ["a", "b"]}, (), (), id="stop"),
    pytest.param({"user": "u"}, {"metadata": {"user_id": "u"}}, (), (), id="user"),
    pytest.param({"temperature": 0.2}, {"temperature": 0.2}, (), (), id="temperature"),
    pytest.param({"temperature": 1.0, "top_p": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0, "choice_count": 1,
                  "logit_bias": {}, "logprobs": False, "service_tier": "auto", "metadata": {}}, {}, (), (), id="defaults vanish"),
    pytest.param({"temperature": 1.7}, {"temperature": 1.0}, (), ("temperature",), id="a hotter temperature than there is"),
    pytest.param({"temperature": 0.3, "top_p": 0.9}, {"temperature": 0.3}, ("top_p",), (), id="not both (litellm#15097)"),
    pytest.param({"temperature": 1, "top_p": 0.9}, {"top_p": 0.9}, (), (), id="top_p beside a default"),
    pytest.param({"top_k": 5}, {"top_k": 5}, (), (), id="top_k"),
    pytest.param({"seed": 0, "frequency_penalty": 0.5, "presence_penalty": -1, "service_tier": "flex"}, {},
                 ("seed", "frequency_penalty", "presence_penalty", "service_tier"), (), id="harmless to drop"),
    pytest.param({"response_format": ResponseFormat(kind="text")}, {}, (), (), id="text"),
    pytest.param({"parallel_tool_calls": False}, {}, (), (), id="parallel calls without tools"),
    pytest.param({"extra": {"openai_chat": {"verbosity": "low", "store": True, "prediction": None}}}, {}, ("verbosity", "store"), (), id="foreign fields"),
    pytest.param({"extra": {"anthropic": {"container": "c", "cache_control": {"type": "ephemeral"}}}},
                 {"container": "c", "cache_control": {"type": "ephemeral"}}, (), (), id="our own fields"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected", "dropped", "adapted"), FIELDS)
def test_fields(
    fields: dict[str, Any], expected: dict[str, Any], dropped: tuple[str, ...], adapted: tuple[str, ...]
) -> None:
    body, headers, was_dropped, was_adapted = render(ask(**fields))
    rest = {name: value for name, value in body.items() if name not in ("model", "messages")}
    assert rest == {"max_tokens": 32_000, **expected}
    assert (was_dropped, was_adapted) == (dropped, adapted)
    sampled = {"temperature", "top_p", "top_k"} & set(body)
    assert headers["anthropic-version"] == ("2023-06-01" if sampled else "2026-10-21")


def test_newer_models_get_no_sampling_at_all() -> None:
    """Comfy-Org/ComfyUI#13923, rocketride-org/rocketride-server#1194."""
    body, headers, dropped, _ = render(ask(temperature=0.2, top_p=0.5, top_k=3), NEWEST)
    assert not {"temperature", "top_p", "top_k"} & set(body)
    assert dropped == ("temperature", "top_p", "top_k")
    assert headers["anthropic-version"] == "2026-10-21"


FOREIGN_CALL = ToolCall("a", "f", "{}")
REFUSED = [
    pytest.param(ask(choice_count=2), "n", id="n"),
    pytest.param(ask(logit_bias={"5": 1}), "logit_bias", id="logit_bias"),
    pytest.param(ask(logprobs=True), "logprobs", id="logprobs"),
    pytest.param(ask(top_logprobs=3), "top_logprobs", id="top_logprobs"),
    pytest.param(ask(extra={"openai_chat": {"audio": {}}}), "audio", id="essential and foreign"),
    pytest.param(ask(tool_choice=ToolChoice("required")), "tool_choice", id="a demanded call without tools"),
    pytest.param(ask(tools=(NOW, HostedTool("gemini", "googleSearch", {}))), "tools[1].type", id="a foreign hosted tool (bifrost#5279)"),
    pytest.param(ask(user("x", File("file-1"))), "messages[0].content[1].file.file_id", id="a foreign file"),
    pytest.param(ask(user(Blob("audio/wav", "AAAA", "audio"))), "messages[0].content[0].input_audio", id="audio"),
    pytest.param(ask(user(Blob("image/tiff", "AAAA"))), "messages[0].content[0]", id="an image type"),
    pytest.param(ask(user(Uri("https://x/y.mp4", "video"))), "messages[0].content[0]", id="video by address"),
    pytest.param(ask(user("a", Opaque("gemini", {}))), "messages[0].content[1]", id="a foreign block"),
    pytest.param(ask(HI, assistant(Blob("image/png", PNG)), HI), "messages[1].content[0]", id="an image in an answer"),
    pytest.param(ask(HI, assistant("The answer is (")), "messages", id="prefill (deepagents#1585, claude-code#52433)"),
    pytest.param(ask(assistant("Hello"), HI), "messages", id="begins with the assistant"),
    pytest.param(Request(model="m", messages=()), "messages", id="nothing to answer"),
    pytest.param(ask(user("")), "messages", id="only an empty message"),
    pytest.param(ask(HI, results(("ghost", "x"))), "messages[1].content[0]", id="an orphan result"),
    pytest.param(ask(HI, assistant(FOREIGN_CALL), HI), "messages[1].content[0]", id="an unanswered call"),
    pytest.param(ask(HI, assistant(FOREIGN_CALL)), "messages[1].content[0]", id="an unanswered call at the end"),
    pytest.param(ask(HI, assistant(ToolCall("a", "f", ""), ToolCall("b", "f", "")), results(("a", "x"), ("c", "y"))),
                 "messages[2].content[1]", id="the second result is wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "param"), REFUSED)
def test_what_cannot_be_carried_is_refused_by_name(request_: Request, param: str) -> None:
    with pytest.raises(ClientError) as caught:
        DIALECT.render_request(request_, ADAPTIVE)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_no_stop_sequences_where_the_model_takes_none() -> None:
    with pytest.raises(Unsupported, match="`stop`"):
        DIALECT.render_request(ask(stop=("x",)), Target(model="m", stop=False))


def test_instructions() -> None:
    body, _, _, adapted = render(
        ask(Message(Role.SYSTEM, (Text("A"),)), Message(Role.SYSTEM, (Text("B"), Text(" "))), HI)
    )
    assert body["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert adapted == ()


def test_instructions_alone_become_the_user_turn() -> None:
    body, _, _, adapted = render(ask(Message(Role.SYSTEM, (Text("Write a poem"),))))
    assert "system" not in body and body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Write a poem"}]}
    ]
    assert adapted == ("messages[]",)


def test_instructions_midway() -> None:
    midway = (HI, Message(Role.SYSTEM, (Text("Be brief"),)), assistant("Yes"), HI)
    body, _, _, adapted = render(ask(*midway))
    assert body["messages"][0]["content"][1]["text"] == "<system>\nBe brief\n</system>"
    assert adapted == ("messages[].role",)
    native, _, _, adapted = render(ask(*midway), NEWEST)
    assert [turn["role"] for turn in native["messages"]] == ["user", "system", "assistant", "user"]
    assert adapted == ()


CALLS = assistant("Let me look.", ToolCall("a", "get_weather", '{"city": "Zürich"}'), ToolCall("b", "now", ""))


@pytest.mark.parametrize("target", [ADAPTIVE, NEWEST])
def test_results_come_first_in_one_user_message_in_the_order_of_the_calls(target: Target) -> None:
    """Portkey-AI/gateway#980: several tool messages became several user messages."""
    interruption = Message(Role.SYSTEM, (Text("Hurry"),))
    found = turns(
        HI, CALLS, interruption, results(("b", "noon")), results(("a", "12 °C")), user("And?"), target=target
    )
    assert [turn["role"] for turn in found][:3] == ["user", "assistant", "user"]
    answers = found[2]["content"][:2]
    assert [(block["type"], block["tool_use_id"], block["content"][0]["text"]) for block in answers] == [
        ("tool_result", "a", "12 °C"),
        ("tool_result", "b", "noon"),
    ]
    assert found[1]["content"][1:] == [
        {"type": "tool_use", "id": "a", "name": "get_weather", "input": {"city": "Zürich"}},
        {"type": "tool_use", "id": "b", "name": "now", "input": {}},
    ]
    assert [block["text"] for turn in found[2:] for block in turn["content"] if block["type"] == "text"][-1] == "And?"


def test_same_roles_are_merged_and_empty_text_is_left_out() -> None:
    """anthropics/anthropic-sdk-python#461: empty text blocks are refused."""
    found = turns(
        user("a"), assistant(""), user("b", " \n"), assistant("", FOREIGN_CALL), results(("a", "")), user("c")
    )
    assert [turn["role"] for turn in found] == ["user", "assistant", "user"]
    assert [block["text"] for block in found[0]["content"]] == ["a", "b"]
    assert found[1]["content"] == [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]
    assert found[2]["content"][0] == {"type": "tool_result", "tool_use_id": "a"}


@pytest.mark.parametrize(
    ("arguments", "wrapped", "adapted"),
    [('{"a":1}', {"a": 1}, ()), ("", {}, ()), ('{"a":', {"_raw": '{"a":'}, ("messages[].tool_calls[].function.arguments",)), ("[1]", {"value": [1]}, ("messages[].tool_calls[].function.arguments",))],
)  # fmt: skip
def test_arguments_that_a_model_got_wrong_are_carried(
    arguments: str, wrapped: dict[str, Any], adapted: tuple[str, ...]
) -> None:
    body, _, _, was_adapted = render(ask(HI, assistant(ToolCall("a", "f", arguments)), results(("a", "x"))))
    assert body["messages"][1]["content"][0]["input"] == wrapped
    assert was_adapted == adapted


def test_ids_that_are_not_taken_are_replaced_alike_in_call_and_result() -> None:
    odd = "fc:1/ü" + "x" * 80
    found = turns(
        HI, assistant(ToolCall(odd, "f", "{}"), ToolCall("fc:2", "f", "{}")), results((odd, "x"), ("fc:2", "y"))
    )
    calls = [block["id"] for block in found[1]["content"]]
    assert calls == [block["tool_use_id"] for block in found[2]["content"]]
    assert len(set(calls)) == 2


CHOICES = [
    pytest.param(ToolChoice("auto"), None, {"type": "auto"}, id="auto"),
    pytest.param(ToolChoice("none"), None, {"type": "none"}, id="none"),
    pytest.param(ToolChoice("none"), False, {"type": "none"}, id="none knows no parallel"),
    pytest.param(ToolChoice("required"), None, {"type": "any"}, id="required"),
    pytest.param(ToolChoice("named", ("now",)), None, {"type": "tool", "name": "now"}, id="named"),
    pytest.param(ToolChoice("named", ("now",)), False, {"type": "tool", "name": "now", "disable_parallel_tool_use": True}, id="named, one by one"),
    pytest.param(None, False, {"type": "auto", "disable_parallel_tool_use": True}, id="one by one (bifrost#7348)"),
    pytest.param(None, True, None, id="parallel is the default"),
]  # fmt: skip


@pytest.mark.parametrize(("choice", "parallel", "expected"), CHOICES)
def test_tool_choice(choice: ToolChoice | None, parallel: bool | None, expected: dict[str, Any] | None) -> None:
    body, _, _, adapted = render(ask(tools=(WEATHER, NOW), tool_choice=choice, parallel_tool_calls=parallel))
    assert body.get("tool_choice") == expected
    assert [tool["name"] for tool in body["tools"]] == ["get_weather", "now"]
    assert body["tools"][1]["input_schema"] == {"type": "object", "properties": {}}
    assert adapted == ()


@pytest.mark.parametrize(("mode", "word"), [("auto", "auto"), ("required", "any")])
def test_a_choice_among_some_tools(mode: str, word: str) -> None:
    body, _, _, adapted = render(ask(tools=(WEATHER, NOW), tool_choice=ToolChoice(mode, ("now",))))
    assert [tool["name"] for tool in body["tools"]] == ["now"]
    assert body["tool_choice"] == {"type": word}
    assert adapted == ("tool_choice",)


def test_strict_tools_and_hosted_tools() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    strict = Tool(
        name="f", strict=True, parameters={"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    )
    body, _, _, adapted = render(ask(tools=(HostedTool("anthropic", "web_search_20250305", search), strict)))
    assert body["tools"][0] == search
    assert body["tools"][1]["input_schema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}},
        "additionalProperties": False,
    }
    assert adapted == ("tools[].function.parameters",)


MEDIA = [
    pytest.param(Blob("image/png", PNG), {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, id="image"),
    pytest.param(Blob("image/jpeg", PNG), {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, id="bytes decide"),
    pytest.param(Uri("https://x/a.png"), {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}}, id="image by address"),
    pytest.param(Blob("application/pdf", "JVBERi0=", "document", "a.pdf"),
                 {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}, "title": "a.pdf"}, id="PDF (litellm#9798)"),
    pytest.param(Blob("", "JVBERi0=", "document"),
                 {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}, id="PDF that is not called one"),
    pytest.param(Blob("text/markdown", b64encode("# Grüße".encode()).decode(), "document"),
                 {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "# Grüße"}}, id="text"),
    pytest.param(Uri("https://x/a.pdf", "document"), {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}}, id="PDF by address"),
    pytest.param(File("file_1", "document", extra={"anthropic": {}}), {"type": "document", "source": {"type": "file", "file_id": "file_1"}}, id="our own file"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "block"), MEDIA)
def test_images_and_files(part: AnyPart, block: dict[str, Any]) -> None:
    assert turns(user("See", part))[0]["content"][1] == block
    nested = Message(Role.TOOL, (ToolCallResponse("a", (Text("See"), part)),))  # type: ignore[arg-type]
    found = turns(HI, assistant(FOREIGN_CALL), nested)[2]["content"][0]
    # BerriAI/litellm#23712: an image inside a tool result was dropped, or became text.
    assert found["content"] == [{"type": "text", "text": "See"}, block]


def test_errors_of_tools_are_marked() -> None:
    failed = Message(Role.TOOL, (ToolCallResponse("a", (Text("boom"),), is_error=True),))
    assert turns(HI, assistant(FOREIGN_CALL), failed)[2]["content"][0]["is_error"] is True


def own_thinking(model: str) -> Reasoning:
    return Reasoning("hm", {"anthropic": {"signature": seal("anthropic", model, "hm")}})


def test_only_our_own_thinking_is_sent_and_comes_first() -> None:
    """CLIProxyAPI#1584: thinking of another provider is refused with "Invalid signature"."""
    mine = own_thinking(ADAPTIVE.model)
    foreign = Reasoning("so", {"gemini": {"thought_signature": "S"}})
    history = (HI, assistant(foreign, "Look", Reasoning("unsigned"), mine, FOREIGN_CALL), results(("a", "x")))
    body, _, dropped, _ = render(ask(*history))
    assert [block["type"] for block in body["messages"][1]["content"]] == ["thinking", "text", "tool_use"]
    assert body["messages"][1]["content"][0] == {
        "type": "thinking",
        "thinking": "hm",
        "signature": mine.extra["anthropic"]["signature"],
    }
    assert dropped == ("messages[].reasoning_content",)
    data = seal("anthropic", ADAPTIVE.model, "redacted")
    hidden = turns(HI, assistant(Reasoning("", {"anthropic": {"redacted": data}}), "Yes"), HI)
    assert hidden[1]["content"][0] == {"type": "redacted_thinking", "data": data}


def test_a_refusal_in_the_history_is_text() -> None:
    assert turns(HI, assistant(Refusal("No.")), HI)[1]["content"] == [{"type": "text", "text": "No."}]


def effort(word: str) -> ReasoningOptions:
    return ReasoningOptions(effort=word)


R = "reasoning_effort"
THINKING = [
    # target, options, max_tokens → thinking, effort, max_tokens, dropped, adapted (QuantumNous/new-api, agentgateway#3518)
    (ADAPTIVE, effort("high"), None, {"type": "adaptive"}, "high", 32_000, (), ()),
    (ADAPTIVE, effort("xhigh"), None, {"type": "adaptive"}, "high", 32_000, (), (R,)),
    (ADAPTIVE, effort("minimal"), None, {"type": "adaptive"}, "low", 32_000, (), (R,)),
    (ADAPTIVE, effort("none"), None, {"type": "disabled"}, None, 32_000, (), ()),
    (ADAPTIVE, ReasoningOptions(enabled=False), 9, {"type": "disabled"}, None, 9, (), ()),
    (ADAPTIVE, ReasoningOptions(enabled=True, budget_tokens=9000), None, {"type": "adaptive"}, "medium", 32_000, (), ("thinking.budget_tokens",)),
    (ADAPTIVE, ReasoningOptions(enabled=True, show=True), None, {"type": "adaptive", "display": "summarized"}, None, 32_000, (), ()),
    (NEWEST, effort("none"), None, None, "low", 32_000, (), (R,)),
    (NEWEST, effort("xhigh"), None, {"type": "adaptive"}, "xhigh", 32_000, (), ()),
    (BUDGET, effort("none"), None, None, None, 32_000, (), ()),
    (BUDGET, effort("low"), None, {"type": "enabled", "budget_tokens": 2048}, None, 32_000, (), ()),
    (BUDGET, effort("high"), None, {"type": "enabled", "budget_tokens": 24_576}, None, 32_768, (), ()),
    (BUDGET, effort("max"), None, {"type": "enabled", "budget_tokens": 32_768}, None, 40_960, (), ()),
    (BUDGET, effort("high"), 4096, {"type": "enabled", "budget_tokens": 2048}, None, 4096, (), (R,)),
    (BUDGET, effort("low"), 1500, {"type": "enabled", "budget_tokens": 1024}, None, 1500, (), (R,)),
    (BUDGET, effort("low"), 1025, {"type": "enabled", "budget_tokens": 1024}, None, 1025, (), (R,)),
    (BUDGET, effort("low"), 1024, None, None, 1024, (R,), ()),
    (BUDGET, ReasoningOptions(enabled=True, budget_tokens=3000), 4000, {"type": "enabled", "budget_tokens": 3000}, None, 4000, (), ()),
    (BUDGET, ReasoningOptions(enabled=True, budget_tokens=9000), 4000, {"type": "enabled", "budget_tokens": 3999}, None, 4000, (), (R,)),
    (BUDGET, ReasoningOptions(enabled=True, budget_tokens=10), 4000, {"type": "enabled", "budget_tokens": 1024}, None, 4000, (), (R,)),
    (Target(model="claude-3"), effort("high"), None, None, None, 32_000, (R,), ()),
    (Target(model="claude-3", max_output_tokens=8192), effort("none"), None, None, None, 8192, (), ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "options", "limit", "thinking", "level", "max_tokens", "dropped", "adapted"), THINKING
)
def test_thinking(
    target: Target, options: ReasoningOptions, limit: int | None, thinking: Any, level: str | None, max_tokens: int, dropped: Any, adapted: Any
) -> None:  # fmt: skip
    body, _, was_dropped, was_adapted = render(ask(reasoning=options, max_output_tokens=limit), target)
    assert body.get("thinking") == thinking
    assert body.get("output_config") == (None if level is None else {"effort": level})
    assert body["max_tokens"] == max_tokens
    assert (was_dropped, was_adapted) == (dropped, adapted)


@pytest.mark.parametrize(("target", "left"), [(BUDGET, None), (ADAPTIVE, {"effort": "high"})])
def test_a_demanded_call_leaves_no_thinking(target: Target, left: Any) -> None:
    """mastra-ai/mastra#7507: forced tool_choice together with thinking is refused."""
    body, _, dropped, _ = render(
        ask(tools=(NOW,), tool_choice=ToolChoice("required"), reasoning=effort("high")), target
    )
    assert "thinking" not in body and body.get("output_config") == left
    assert dropped == (R,)


def test_a_budget_and_a_tool_loop_that_lost_its_thinking() -> None:
    loop = (HI, assistant("Look", FOREIGN_CALL), results(("a", "x")))
    body, _, dropped, _ = render(ask(*loop, reasoning=effort("low")), BUDGET)
    assert "thinking" not in body and dropped == (R,)
    kept = (HI, assistant("Look", own_thinking(BUDGET.model), FOREIGN_CALL), results(("a", "x")))
    body, _, dropped, _ = render(ask(*kept, reasoning=effort("low")), BUDGET)
    assert body["thinking"]["type"] == "enabled" and dropped == ()


@pytest.mark.parametrize("target", [BUDGET, ADAPTIVE])
def test_sampling_gives_way_to_thinking(target: Target) -> None:
    body, headers, dropped, _ = render(ask(reasoning=effort("low"), temperature=0.5, top_k=4), target)
    assert not {"temperature", "top_k"} & set(body) and dropped == ("temperature", "top_k")
    assert headers["anthropic-version"] == "2026-10-21"


def test_prefill_where_the_model_takes_it() -> None:
    assert turns(HI, assistant("The answer is ("), target=BUDGET)[-1]["role"] == "assistant"


SCHEMA = {
    "$schema": "x",
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 1, "description": "A number"},
        "list": {"type": "array", "items": {"type": "object", "properties": {"minimum": {"type": "string", "format": "uri"}}}, "minItems": 1},
        "either": {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
    },
    "required": ["n"],
}  # fmt: skip


def test_structured_output() -> None:
    body, _, _, adapted = render(
        ask(response_format=ResponseFormat(kind="json_schema", schema=SCHEMA, name="x", strict=True))
    )
    assert body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "n": {"type": "integer", "description": "A number\n\n{minimum: 1}"},
                "list": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"minimum": {"type": "string", "format": "uri"}}, "additionalProperties": False},
                    "minItems": 1,
                },
                "either": {"anyOf": [{"type": "string", "description": "{maxLength: 3}"}, {"type": "null"}]},
            },
            "required": ["n"],
            "additionalProperties": False,
        },
    }  # fmt: skip
    assert adapted == ("response_format",)


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    body, _, _, adapted = render(ask(response_format=ResponseFormat(kind="json")))
    assert "JSON" in body["system"][0]["text"] and "output_config" not in body
    assert adapted == ("response_format",)


def test_cache_marks_are_carried_and_never_more_than_four() -> None:
    """maximhq/bifrost#3942: cache_control stripped; the API takes four marks."""
    mark = {"anthropic": {"cache_control": {"type": "ephemeral", "ttl": "1h"}}}
    system = Message(Role.SYSTEM, tuple(Text(str(n), mark) for n in range(3)))
    tool = Tool(name="f", extra=mark)
    body, _, _, adapted = render(ask(system, user(Text("a", mark), Text("b", mark)), tools=(tool,)))
    marks = ["cache_control" in block for block in (*body["tools"], *body["system"], *body["messages"][0]["content"])]
    assert marks == [False, False, True, True, True, True]
    assert adapted == ("messages[].content[].cache_control",)


def test_the_same_request_gives_the_same_bytes() -> None:
    """maximhq/bifrost#2347: the client's key order is kept, so that prompt caches hit."""
    parameters = {
        "type": "object",
        "properties": {"z": {"type": "string"}, "a": {"type": "string"}},
        "required": ["z", "a"],
    }
    rendered = DIALECT.render_request(ask(tools=(Tool(name="f", parameters=parameters),)), ADAPTIVE).body
    assert rendered.index(b'"z"') < rendered.index(b'"a"')
    assert rendered == DIALECT.render_request(ask(tools=(Tool(name="f", parameters=parameters),)), ADAPTIVE).body


FULL: dict[str, Any] = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 4000,
    "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "See"},
            {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}, "transformations": {"oversized_image": "downsize"}},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "citations": {"enabled": True}},
            {"type": "search_result", "source": "s", "title": "t", "content": []},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "SIG"},
            {"type": "redacted_thinking", "data": "R"},
            {"type": "text", "text": "Ok", "citations": [{"type": "char_location"}]},
            {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {"city": "Ö"}, "caller": {"type": "direct"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "12"}], "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "And now?"},
        ]},
    ],
    "tools": [
        {"name": "get_weather", "input_schema": {"type": "object", "properties": {}}, "eager_input_streaming": True},
        {"type": "web_search_20250305", "name": "web_search"},
    ],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object", "properties": {}, "additionalProperties": False}}},
    "stop_sequences": ["x"],
    "metadata": {"user_id": "u"},
    "service_tier": "auto",
    "speed": "fast",
    "stream": True,
}  # fmt: skip


def test_everything_that_anthropic_says_comes_back_as_it_was() -> None:
    """maximhq/bifrost#5887, #6342: thinking restructured on multi-turn."""
    request = DIALECT.parse_request(json.dumps(FULL).encode(), None, None)
    rendered = DIALECT.render_request(request, ADAPTIVE)
    assert json.loads(rendered.body) == FULL
    assert (rendered.dropped, rendered.adapted) == ((), ())
    assert DIALECT.parse_request(rendered.body, None, None) == request


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
jsons = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | words,
    lambda deeper: st.lists(deeper, max_size=2) | st.dictionaries(words, deeper, max_size=2),
    max_leaves=5,
)
blocks = st.fixed_dictionaries(
    {"type": st.just("text"), "text": words}, optional={"cache_control": st.just({"type": "ephemeral"})}
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(st.lists(blocks, min_size=1, max_size=1))}]
    for turn in range(draw(st.integers(0, 2))):
        calls = [
            {
                "type": "tool_use",
                "id": f"t{turn}_{n}",
                "name": "f",
                "input": draw(st.dictionaries(words, jsons, max_size=2)),
            }
            for n in range(draw(st.integers(0, 2)))
        ]
        said: list[dict[str, Any]] = [
            {"type": "thinking", "thinking": draw(words), "signature": "S"},
            # A turn that ends in thinking is refused by the API, and is not sent.
            *draw(st.lists(blocks, min_size=not calls, max_size=1)),
        ]
        answers = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": [{"type": "text", "text": draw(words)}]}
            for call in calls
        ]
        messages.append({"role": "assistant", "content": said + calls})
        messages.append(
            {"role": "user", "content": answers + draw(st.lists(blocks, min_size=not answers, max_size=1))}
        )
    optional = {
        "stop_sequences": st.lists(words, min_size=1, max_size=3),
        "metadata": st.fixed_dictionaries({"user_id": words}),
        "system": st.lists(blocks, min_size=1, max_size=1),
    }
    thinking = [{"type": "adaptive"}, {"type": "adaptive", "display": "summarized"}]
    # A model takes sampling only while it does not think.
    optional |= draw(
        st.sampled_from([{"thinking": st.sampled_from(thinking)}, {"temperature": st.sampled_from([0.0, 0.5])}])
    )
    return draw(
        st.fixed_dictionaries(
            {"model": st.just(ADAPTIVE.model), "max_tokens": st.integers(1, 9000), "messages": st.just(messages)},
            optional=optional,
        )
    )


@settings(max_examples=60, deadline=None)
@given(bodies())
def test_reading_and_rendering_is_the_identity(body: dict[str, Any]) -> None:
    request = DIALECT.parse_request(json.dumps(body).encode(), None, None)
    rendered = DIALECT.render_request(request, ADAPTIVE)
    marks = json.dumps(body).count("cache_control")
    assert json.loads(rendered.body) == body or marks > 4
    assert rendered.dropped == ()


def test_a_text_without_citations_has_no_such_field() -> None:
    """@ai-sdk/anthropic 3.0.140 takes an array or nothing: `null`, which the SDKs' types allow, fails its whole answer."""
    from gateway.dialects.dialect import AnswerContext
    from gateway.model import Choice, FinishReason, Refusal, Response

    parts = (Text("Yes."), Refusal("No."), Blob("image/png", "iVBORw0KGgo="))
    answer = Response(choices=(Choice(parts=parts, finish_reason=FinishReason.STOP),))
    content = json.loads(DIALECT.render_response(answer, AnswerContext(id="1", created=0, model="m")))["content"]
    assert len(content) == 3 and all(set(block) == {"type", "text"} for block in content)


def test_state_of_other_providers_survives_a_client_of_this_door() -> None:
    """gemini.md §8, liuw1535/antigravity2api-nodejs#86: a thought signature goes out in a thinking block and comes back."""
    from gateway.dialects.dialect import AnswerContext
    from gateway.dialects.envelope import has_state
    from gateway.model import Choice, FinishReason, Response
    from gateway.relaying.replay import ReplayMemory

    parts = (
        Reasoning("hm", {"openai_responses": {"encrypted_content": "E"}}),
        ToolCall("a", "f", "{}", extra={"gemini": {"thought_signature": "S"}}),
    )
    answer = Response(choices=(Choice(parts=parts, finish_reason=FinishReason.TOOL_CALLS),))
    context = AnswerContext(id="1", created=0, model="m", origin="p/maker")
    content = json.loads(DIALECT.render_response(answer, context))["content"]
    assert [block["type"] for block in content] == ["thinking", "thinking", "tool_use"]
    # vercel/ai#8865: never without a signature.
    assert all(block["signature"] for block in content[:2])
    history = {**FULL, "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}]}
    request = DIALECT.parse_request(json.dumps(history).encode(), None, None)
    assert ReplayMemory().restore("key", "p/maker", request).messages[-1].parts == parts
    elsewhere = ReplayMemory().restore("key", "p/other", request).messages[-1].parts
    assert not any(has_state(part.extra) for part in elsewhere if isinstance(part, Reasoning | ToolCall))


WRONG = [
    pytest.param(b"", None, id="empty"),
    pytest.param(b"[]", None, id="a list"),
    pytest.param(b"\xff", None, id="no UTF-8"),
    pytest.param({"messages": []}, "model", id="no model"),
    pytest.param({"model": "m", "messages": []}, "max_tokens", id="no max_tokens"),
    pytest.param({"model": "m", "max_tokens": "1", "messages": []}, "max_tokens", id="a count as text"),
    pytest.param({"model": "m", "max_tokens": 1, "messages": {}}, "messages", id="messages that are none"),
    pytest.param({"model": "m", "max_tokens": 1, "messages": [{"role": "x", "content": ""}]}, "messages[0].role", id="a role"),
    pytest.param({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text", id="text without text"),
    pytest.param({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type", id="no type"),
    pytest.param({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]},
                 "messages[0].content[0].source", id="an image without its address"),
    pytest.param({"model": "m", "max_tokens": 1, "messages": [], "tools": [{"name": "x"}]}, "tools[0].input_schema", id="a tool without schema"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param"), WRONG)
def test_a_bad_body_is_refused_by_name(body: Any, param: str | None) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ClientError) as caught:
        DIALECT.parse_request(raw, None, None)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_blanks_between_the_pieces_of_a_text_are_not_lost() -> None:
    """A client whose history holds an answer in the pieces that it was streamed in: each word keeps its distance."""
    pieces = ["Die", " ", "drei", "\n", "\n", "Wege", " "]
    chunks = [Message(role=Role.ASSISTANT, parts=(Text(text=piece),)) for piece in pieces]
    whole = Message(role=Role.ASSISTANT, parts=tuple(Text(text=piece) for piece in [" ", *pieces]))
    results = ToolCallResponse(id="c1", content=(Text(text="a"), Text(text=" "), Text(text="b")))
    request = Request(
        model="claude-sonnet-4-6",
        messages=(
            Message(role=Role.SYSTEM, parts=(Text(text="Be brief."), Text(text="\n"), Text(text="Be kind."))),
            Message(role=Role.USER, parts=(Text(text=" "), Text(text="Hi"))),
            *chunks,
            Message(role=Role.USER, parts=(Text(text="And?"),)),
            whole,
            Message(role=Role.ASSISTANT, parts=(ToolCall(id="c1", name="f", arguments="{}"), Text(text=" "))),
            Message(role=Role.TOOL, parts=(results,)),
        ),
        tools=(Tool(name="f", parameters={"type": "object"}),),
    )
    body = json.loads(DIALECT.render_request(request, ADAPTIVE).body)
    said = ["".join(block.get("text", "") for block in turn["content"]) for turn in body["messages"]]
    assert said[:4] == ["Hi", "Die drei\n\nWege", "And?", "Die drei\n\nWege"], "around a text they mean nothing"
    assert "".join(block["text"] for block in body["system"]) == "Be brief.\nBe kind."
    assert "".join(block["text"] for block in body["messages"][4]["content"][0]["content"]) == "a b"
    assert all(block["text"].strip() for turn in body["messages"] for block in turn["content"] if "text" in block)


def test_the_summary_of_a_compaction_is_words_to_other_providers() -> None:
    """What it stands for may be gone from the history: without it the model would know nothing of it."""
    block = {"type": "compaction", "content": "They chose blue.", "encrypted_content": "e", "signature": "s"}
    failed = {"type": "compaction", "content": None}
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [block, failed, {"type": "text", "text": "Blue it is."}]},
        {"role": "user", "content": "b"},
    ]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": messages}).encode()
    request = DIALECT.parse_request(body, None, None)
    for upstream in ("openai_chat", "openai_responses", "gemini"):
        rendered = DIALECTS[upstream].render_request(request, Target(model="m"))
        assert b"They chose blue." in rendered.body
        assert rendered.adapted == ("messages[].content[].content",)
    own = json.loads(DIALECT.render_request(request, Target(model="m")).body)
    assert own["messages"][1]["content"][:2] == [block, failed]


@pytest.mark.parametrize("more", [[], [{"type": "text", "text": "Blue it is."}]])
def test_a_history_that_begins_with_a_summary_begins_with_the_user_elsewhere(more: list[dict[str, Any]]) -> None:
    """The API ignores all before a compaction, so that clients leave it out."""
    block = {"type": "compaction", "content": "They chose blue.", "encrypted_content": "e"}
    messages = [{"role": "assistant", "content": [block, *more]}, {"role": "user", "content": "b"}]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": messages}).encode()
    rendered = DIALECTS["gemini"].render_request(DIALECT.parse_request(body, None, None), Target(model="m"))
    contents = json.loads(rendered.body)["contents"]
    assert (
        contents[0]["role"] == "user" and contents[0]["parts"][0]["text"] == "<summary>\nThey chose blue.\n</summary>"
    )
    assert [turn["role"] for turn in contents] == (["user", "model", "user"] if more else ["user"])
    assert rendered.adapted == ("messages[].content[].content",)
    # Its own provider takes it, where it is written anew for what another one said meanwhile.
    own = DIALECT.render_request(DIALECT.parse_request(body, None, None), Target(model="m"))
    assert json.loads(own.body)["messages"][0] == messages[0]
    said = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": "a"}]}).encode()
    with pytest.raises(ClientError, match="begin with a user message"):
        DIALECT.render_request(DIALECT.parse_request(said, None, None), Target(model="m"))


def test_what_was_compacted_is_the_same_in_the_answer_and_in_the_history() -> None:
    """By that a call is known as the one that goes on from it."""
    blocks = [{"type": "compaction", "content": "They chose blue."}, {"type": "text", "text": "Blue it is."}]
    answer = DIALECT.parse_response(json.dumps({"content": blocks, "stop_reason": "end_turn"}).encode())
    history = [{"role": "user", "content": "a"}, {"role": "assistant", "content": blocks}]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": history}).encode()
    said = DIALECT.parse_request(body, None, None).messages[1].parts
    assert (
        said == answer.choices[0].parts == (Opaque("anthropic", blocks[0], "They chose blue."), Text("Blue it is."))
    )


def test_a_tool_that_was_found_is_said_by_the_name_that_is_sent() -> None:
    name = f"mcp__{'a' * 80}"
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "tool_reference", "tool_name": name}]}
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "ToolSearch", "input": {}}]},
        {"role": "user", "content": [result]},
    ]
    tools = [{"name": tool, "input_schema": {"type": "object"}} for tool in ("ToolSearch", name)]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": messages, "tools": tools}).encode()
    rendered = DIALECTS["openai_chat"].render_request(DIALECT.parse_request(body, None, None), Target(model="m"))
    sent = json.loads(rendered.body)
    legal = sent["tools"][1]["function"]["name"]
    assert len(legal) == 64 and sent["messages"][-1]["content"] == f"The tool {legal} can be called now."


def test_a_file_by_its_address_may_have_a_title() -> None:
    block = {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}, "title": "Report"}
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}).encode()
    request = DIALECT.parse_request(body, None, None)
    for upstream in ("openai_responses", "gemini"):
        rendered = DIALECTS[upstream].render_request(request, Target(model="m"))
        assert b"https://x/a.pdf" in rendered.body and rendered.dropped == ("title",)
    assert json.loads(DIALECT.render_request(request, Target(model="m")).body)["messages"][0]["content"] == [block]


def test_a_tool_that_claude_code_s_search_found_can_be_called_at_other_providers() -> None:
    """Its ToolSearch answers so at any provider's model; a refusal would end the session."""
    block = {"type": "tool_reference", "tool_name": "mcp__jira__find", "cache_control": {"type": "ephemeral"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [block]}
    call = {"type": "tool_use", "id": "t1", "name": "ToolSearch", "input": {}}
    messages = [
        {"role": "user", "content": "Which issues are open?"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": messages}).encode()
    request = DIALECT.parse_request(body, None, None)
    for upstream in ("openai_chat", "openai_responses", "gemini"):
        rendered = DIALECTS[upstream].render_request(request, Target(model="m"))
        assert b"The tool mcp__jira__find can be called now." in rendered.body
        assert rendered.adapted == ("messages[].content[].content[].tool_name",)
    results = request.messages[2].parts[0]
    assert isinstance(results, ToolCallResponse) and isinstance(results.content[0], Opaque)
    own = json.loads(DIALECT.render_request(request, Target(model="m")).body)
    assert own["messages"][2]["content"][0]["content"] == [block]
