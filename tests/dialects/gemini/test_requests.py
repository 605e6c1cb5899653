"""Requests for Gemini: what each field becomes, what is refused, and that the provider's own types take it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.envelope import PACKED
from gateway.dialects.gemini import DIALECT
from gateway.errors import ClientError, Unsupported
from gateway.events import Delta, Event, Finish, PartEnd, PartStart
from gateway.model import (
    Blob,
    Choice,
    File,
    FinishReason,
    HostedTool,
    Message,
    Opaque,
    Reasoning,
    ReasoningOptions,
    Refusal,
    Request,
    Response,
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
from gateway.relaying.replay import ReplayMemory
from tests.provider.gemini import GEMINI
from tests.provider.sealed import seal

BUDGET = Target(model="gemini-2.5-flash", thinking="budget", efforts=("none", "low", "medium", "high"))
PRO = Target(model="gemini-2.5-pro", thinking="budget", efforts=("low", "medium", "high"))
LEVEL = Target(model="gemini-3.1-pro-preview", thinking="level", efforts=("low", "medium", "high"))
PLAIN = Target(model="gemini-2.0-flash")
HI = Message(Role.USER, (Text("Hi"),))
PNG = "iVBORw0KGgoAAAANSUhEUg=="
WEATHER = Tool(
    name="get_weather", description="d", parameters={"type": "object", "properties": {"city": {"type": "string"}}}
)
NOW = Tool(name="now")
SENTINEL = "skip_thought_signature_validator"


def user(*parts: AnyPart | str) -> Message:
    return Message(Role.USER, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: AnyPart | str) -> Message:
    return Message(Role.ASSISTANT, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def results(*found: tuple[str, str]) -> Message:
    return Message(Role.TOOL, tuple(ToolCallResponse(call_id, (Text(text),)) for call_id, text in found))


def ask(*messages: Message, **fields: Any) -> Request:
    return Request(model="m", messages=messages or (HI,), **fields)


def render(request: Request, target: Target = BUDGET) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """The body, checked as strictly as the provider would, with dropped and adapted."""
    rendered = DIALECT.render_request(request, target)
    GEMINI.check(GEMINI.read("chat", target.model, {}, json.loads(rendered.body)), rendered.headers)
    return json.loads(rendered.body), rendered.dropped, rendered.adapted


def contents(*messages: Message, target: Target = BUDGET) -> list[Any]:
    return render(ask(*messages), target)[0]["contents"]  # type: ignore[no-any-return]


def test_the_least_request() -> None:
    assert render(ask()) == ({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}, (), ())


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("gemini-2.5-flash", False, "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("models/gemini-2.5-flash", True, "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        ("../x?key=1", False, "/v1beta/models/..%2Fx%3Fkey%3D1:generateContent"),
    ],
)
def test_path(model: str, stream: bool, path: str) -> None:
    assert DIALECT.path(model, stream) == path
    assert DIALECT.credential_headers("AQ.x") == {"x-goog-api-key": "AQ.x"}


FIELDS = [
    pytest.param({"max_output_tokens": 7}, {"maxOutputTokens": 7}, (), (), id="max tokens"),
    pytest.param({"stop": ("a", "b")}, {"stopSequences": ["a", "b"]}, (), (), id="stop"),
    pytest.param({"temperature": 1.0, "top_p": 0.5, "top_k": 9}, {"temperature": 1.0, "topP": 0.5, "topK": 9}, (), (), id="sampling"),
    pytest.param({"seed": 5, "frequency_penalty": 0.5, "presence_penalty": -1.0}, {"seed": 5, "frequencyPenalty": 0.5, "presencePenalty": -1.0}, (), (), id="seed and penalties"),
    pytest.param({"seed": 2**40}, {}, ("seed",), (), id="a seed beyond 32 bits"),
    pytest.param({"choice_count": 3}, {"candidateCount": 3}, (), (), id="n"),
    pytest.param({"logprobs": True, "top_logprobs": 4}, {"responseLogprobs": True, "logprobs": 4}, (), (), id="logprobs"),
    pytest.param({"choice_count": 1, "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": False, "service_tier": "default",
                  "metadata": {}, "parallel_tool_calls": False}, {}, (), (), id="defaults vanish"),
    pytest.param({"service_tier": "flex", "extra": {"openai_chat": {"verbosity": "low", "store": True}}}, {}, ("verbosity", "store", "service_tier"), (), id="foreign fields"),
    pytest.param({"response_format": ResponseFormat(kind="text")}, {}, (), (), id="text"),
    pytest.param({"response_format": ResponseFormat(kind="json")}, {"responseMimeType": "application/json"}, (), (), id="JSON"),
    pytest.param({"response_format": ResponseFormat(kind="json_schema", schema={"type": "object", "properties": {}})},
                 {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object", "properties": {}}}, (), (), id="a schema"),
    pytest.param({"response_format": ResponseFormat(kind="json_schema", schema={"type": "string", "pattern": "a+"})},
                 {"responseMimeType": "application/json", "responseJsonSchema": {"type": "string", "description": '{pattern: "a+"}'}}, (), ("response_format",), id="a schema with loss"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "config", "dropped", "adapted"), FIELDS)
def test_fields(
    fields: dict[str, Any], config: dict[str, Any], dropped: tuple[str, ...], adapted: tuple[str, ...]
) -> None:
    body, was_dropped, was_adapted = render(ask(**fields))
    assert body.get("generationConfig", {}) == config
    assert (was_dropped, was_adapted) == (dropped, adapted)


def test_what_a_model_does_not_take_is_dropped_by_name() -> None:
    bare = Target(model="gemini-4-hydrogen", thinking="level", sampling="none", penalties=False)
    body, dropped, _ = render(ask(temperature=0.2, top_p=1, top_k=3, frequency_penalty=1), bare)
    assert "generationConfig" not in body
    assert dropped == ("temperature", "top_k", "frequency_penalty")


R = "reasoning_effort"
THINKING = [
    (LEVEL, ReasoningOptions(effort="low"), {"thinkingLevel": "LOW"}, (), ()),
    (LEVEL, ReasoningOptions(effort="minimal"), {"thinkingLevel": "LOW"}, (), (R,)),
    (LEVEL, ReasoningOptions(effort="max"), {"thinkingLevel": "HIGH"}, (), (R,)),
    (LEVEL, ReasoningOptions(effort="none"), {"thinkingLevel": "LOW"}, (), (R,)),
    (LEVEL, ReasoningOptions(budget_tokens=9000), {"thinkingLevel": "MEDIUM"}, (), ("thinking.budget_tokens",)),
    (LEVEL, ReasoningOptions(budget_tokens=-1, show=True), {"includeThoughts": True}, (), ()),
    (LEVEL, ReasoningOptions(enabled=True), None, (), ()),
    (BUDGET, ReasoningOptions(effort="none"), {"thinkingBudget": 0}, (), ()),
    (BUDGET, ReasoningOptions(effort="minimal"), {"thinkingBudget": 1024}, (), ()),
    (BUDGET, ReasoningOptions(effort="medium", show=True), {"thinkingBudget": 8192, "includeThoughts": True}, (), ()),
    (BUDGET, ReasoningOptions(effort="xhigh"), {"thinkingBudget": 24_576}, (), (R,)),
    (BUDGET, ReasoningOptions(budget_tokens=5000), {"thinkingBudget": 5000}, (), ()),
    (BUDGET, ReasoningOptions(budget_tokens=-1), {"thinkingBudget": -1}, (), ()),
    (PRO, ReasoningOptions(effort="none", show=True), {"thinkingBudget": 128}, (), (R,)),
    (PLAIN, ReasoningOptions(effort="high"), None, (R,), ()),
    (PLAIN, ReasoningOptions(effort="none"), None, (), ()),
]


@pytest.mark.parametrize(("target", "options", "config", "dropped", "adapted"), THINKING)
def test_thinking(target: Target, options: ReasoningOptions, config: Any, dropped: Any, adapted: Any) -> None:
    body, was_dropped, was_adapted = render(ask(reasoning=options), target)
    assert body.get("generationConfig", {}).get("thinkingConfig") == config
    assert (was_dropped, was_adapted) == (dropped, adapted)


CALL = ToolCall("a", "f", "{}")
REFUSED = [
    pytest.param(ask(logit_bias={"5": 1}), "logit_bias", id="logit_bias"),
    pytest.param(ask(stop=tuple("abcdef")), "stop", id="six stop sequences"),
    pytest.param(ask(extra={"openai_chat": {"modalities": ["audio"]}}), "modalities", id="essential and foreign"),
    pytest.param(ask(tool_choice=ToolChoice("named", ("f",))), "tool_choice", id="a demanded call without tools"),
    pytest.param(ask(tools=(HostedTool("anthropic", "web_search", {}),)), "tools[0].type", id="a foreign hosted tool"),
    pytest.param(ask(user("x", File("file-1"))), "messages[0].content[1].file.file_id", id="a file id (litellm#9798)"),
    pytest.param(ask(user("a", Opaque("anthropic", {}))), "messages[0].content[1]", id="a foreign block"),
    pytest.param(ask(HI, assistant(CALL), Message(Role.TOOL, (ToolCallResponse("a", (File("f"),)),))), "messages[2].content[0].file.file_id", id="a file id in a result"),
    pytest.param(ask(assistant("Hello"), HI), "messages", id="begins with the assistant"),
    pytest.param(ask(HI, results(("ghost", "x"))), "messages[1].content[0]", id="an orphan result"),
    pytest.param(ask(HI, assistant(CALL), HI), "messages[1].content[0]", id="an unanswered call"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "param"), REFUSED)
def test_what_cannot_be_carried_is_refused_by_name(request_: Request, param: str) -> None:
    with pytest.raises(ClientError) as caught:
        DIALECT.render_request(request_, BUDGET)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_models_that_take_neither_stop_nor_prefill() -> None:
    none = Target(model="m", stop=False, prefill=False)
    with pytest.raises(Unsupported, match="`stop`"):
        DIALECT.render_request(ask(stop=("x",)), none)
    with pytest.raises(Unsupported, match="assistant message"):
        DIALECT.render_request(ask(HI, assistant("The")), none)
    assert contents(HI, assistant("The"))[-1]["role"] == "model"


def test_instructions() -> None:
    body, _, adapted = render(
        ask(
            Message(Role.SYSTEM, (Text("A"),)),
            Message(Role.SYSTEM, (Text("B"),)),
            HI,
            Message(Role.SYSTEM, (Text("C"),)),
        )
    )
    assert body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}, {"text": "<system>\nC\n</system>"}]}]
    assert adapted == ("messages[].role",)


@pytest.mark.parametrize("target", [BUDGET, LEVEL])
def test_results_stand_in_one_turn_in_the_order_of_the_calls_with_their_names(target: Target) -> None:
    calls = assistant("Look", ToolCall("a", "get_weather", '{"city":"Z"}'), ToolCall("b", "now", ""))
    found = contents(HI, calls, results(("b", "noon")), results(("a", '{"t": 12}')), user("And?"), target=target)
    assert [turn["role"] for turn in found] == ["user", "model", "user"]
    assert [part["functionResponse"] for part in found[2]["parts"][:2]] == [
        {"id": "a", "name": "get_weather", "response": {"t": 12}},
        {"id": "b", "name": "now", "response": {"output": "noon"}},
    ]
    assert found[2]["parts"][2] == {"text": "And?"}
    assert [part["functionCall"] for part in found[1]["parts"][1:]] == [
        {"id": "a", "name": "get_weather", "args": {"city": "Z"}},
        {"id": "b", "name": "now", "args": {}},
    ]


OUTPUTS = [
    ("plain", False, {"output": "plain"}),
    ('{"a": {"b": 1}}', False, {"a": {"b": 1}}),
    ("[1, 2]", False, {"output": "[1, 2]"}),
    ("", False, {"output": ""}),
    ('{"schema": [{"$ref": "#/x"}]}', False, {"output": '{"schema": [{"$ref": "#/x"}]}'}),
    ("boom", True, {"error": "boom"}),
]


@pytest.mark.parametrize(("text", "is_error", "response"), OUTPUTS)
def test_results(text: str, is_error: bool, response: dict[str, Any]) -> None:
    """vercel/ai#14369: a $ref inside a result breaks the request."""
    found = contents(
        HI, assistant(CALL), Message(Role.TOOL, (ToolCallResponse("a", (Text(text),), is_error=is_error),))
    )
    assert found[2]["parts"][0]["functionResponse"]["response"] == response


def test_images_in_results_arrive_as_images() -> None:
    """BerriAI/litellm#23712: dropped in silence; cc-switch 3.19: as base64 text."""
    image = Blob("image/png", PNG)
    answer = Message(Role.TOOL, (ToolCallResponse("a", (Text("See"), image)),))
    inline = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    newer = contents(HI, assistant(CALL), answer, target=LEVEL)[2]["parts"]
    assert newer[0]["functionResponse"]["parts"] == [inline]
    body, _, adapted = render(ask(HI, assistant(CALL), answer), BUDGET)
    assert body["contents"][2]["parts"][1] == inline and adapted == ("messages[].content",)
    assert PNG not in json.dumps(body["contents"][2]["parts"][0])


MEDIA = [
    pytest.param(Blob("image/jpeg", PNG), {"inlineData": {"mimeType": "image/png", "data": PNG}}, id="bytes decide"),
    pytest.param(
        Blob("audio/wav", "UklGRg==", "audio"),
        {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}},
        id="audio",
    ),
    pytest.param(
        Blob("", "JVBERi0=", "document", "a.pdf"),
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}},
        id="PDF",
    ),
    pytest.param(
        Uri("https://x/a.PNG?b=1"),
        {"fileData": {"fileUri": "https://x/a.PNG?b=1", "mimeType": "image/png"}},
        id="an address",
    ),
    pytest.param(
        Uri("https://x/a", "image"), {"fileData": {"fileUri": "https://x/a"}}, id="an address without an ending"
    ),
]


@pytest.mark.parametrize(("part", "wire"), MEDIA)
def test_images_and_files(part: AnyPart, wire: dict[str, Any]) -> None:
    assert contents(user("See", part))[0]["parts"][1] == wire


@pytest.mark.parametrize(
    ("arguments", "args", "adapted"), [('{"a":', {"_raw": '{"a":'}, ("messages[].tool_calls[].function.arguments",)), ("3", {"value": 3}, ("messages[].tool_calls[].function.arguments",)), ("", {}, ())]
)  # fmt: skip
def test_arguments_that_a_model_got_wrong_are_carried(
    arguments: str, args: dict[str, Any], adapted: tuple[str, ...]
) -> None:
    body, _, was_adapted = render(ask(HI, assistant(ToolCall("a", "f", arguments)), results(("a", "x"))))
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == args
    assert was_adapted == adapted


def signed(name: str) -> dict[str, Any]:
    return {"gemini": {"thought_signature": seal("google", LEVEL.model, name, "{}")}}


def test_signatures_go_back_where_they_were_and_the_sentinel_stands_in_for_lost_ones() -> None:
    """BerriAI/litellm#16893, CLIProxyAPI#2098, hermes-agent#66593: the first call of every step, and only that."""
    own = assistant(ToolCall("a", "f", "{}", extra=signed("f")), ToolCall("b", "f", "{}"))
    lost = assistant(ToolCall("c", "g", "{}"), ToolCall("d", "g", "{}"), ToolCall("e", "g", "{}"))
    body, _, adapted = render(
        ask(HI, own, results(("a", "1"), ("b", "2")), lost, results(("c", "3"), ("d", "4"), ("e", "5"))), LEVEL
    )
    first, second = body["contents"][1]["parts"], body["contents"][3]["parts"]
    assert [part.get("thoughtSignature") for part in first] == [signed("f")["gemini"]["thought_signature"], None]
    assert [part.get("thoughtSignature") for part in second] == [SENTINEL, None, None]
    assert adapted == ("messages[].tool_calls[].extra_content",)
    older = contents(HI, lost, results(("c", "3"), ("d", "4"), ("e", "5")), target=BUDGET)
    assert all("thoughtSignature" not in part for part in older[1]["parts"])


def test_thoughts_go_back_only_with_their_own_signature() -> None:
    foreign = Reasoning("so", {"anthropic": {"signature": "S"}})
    signature = seal("google", LEVEL.model, "text")
    own = Text("", {"gemini": {"thought_signature": signature}})
    body, dropped, _ = render(
        ask(HI, assistant(foreign, Reasoning("unsigned"), Refusal("No."), own, Text("")), HI), LEVEL
    )
    assert body["contents"][1]["parts"] == [
        {"text": "No."},
        {"text": "", "thoughtSignature": signature},
    ]
    assert dropped == ("messages[].reasoning_content",)


CHOICES = [
    pytest.param(ToolChoice("auto"), {"mode": "AUTO"}, id="auto"),
    pytest.param(ToolChoice("none"), {"mode": "NONE"}, id="none"),
    pytest.param(ToolChoice("required"), {"mode": "ANY"}, id="required"),
    pytest.param(
        ToolChoice("named", ("now",)), {"mode": "ANY", "allowedFunctionNames": ["now"]}, id="named (CLIProxyAPI#1135)"
    ),
    pytest.param(
        ToolChoice("required", ("now",)), {"mode": "ANY", "allowedFunctionNames": ["now"]}, id="one of some"
    ),
]


@pytest.mark.parametrize(("choice", "config"), CHOICES)
def test_tool_choice(choice: ToolChoice, config: dict[str, Any]) -> None:
    body, dropped, adapted = render(ask(tools=(WEATHER, NOW), tool_choice=choice))
    assert body["toolConfig"]["functionCallingConfig"] == config
    declared = body["tools"][0]["functionDeclarations"]
    assert declared == [
        {"name": "get_weather", "description": "d", "parametersJsonSchema": WEATHER.parameters},
        {"name": "now"},
    ]
    assert (dropped, adapted) == ((), ())


def test_what_gemini_cannot_say_about_tools_is_named() -> None:
    """maximhq/bifrost#7348: allowed_tools and parallel_tool_calls dropped in silence."""
    tools = (WEATHER, Tool(name="now", strict=True))
    body, dropped, adapted = render(
        ask(tools=tools, tool_choice=ToolChoice("auto", ("now",)), parallel_tool_calls=False)
    )
    assert [item["name"] for item in body["tools"][0]["functionDeclarations"]] == ["now"]
    assert dropped == ("parallel_tool_calls", "tools[].function.strict") and adapted == ("tool_choice",)


def test_google_tools_beside_functions_need_a_flag_on_newer_models() -> None:
    """maximhq/bifrost#5679."""
    tools = (WEATHER, HostedTool("gemini", "googleSearch", {"googleSearch": {}}))
    assert render(ask(tools=tools), LEVEL)[0]["toolConfig"] == {"includeServerSideToolInvocations": True}
    older, _, _ = render(ask(tools=tools), BUDGET)
    assert "toolConfig" not in older and older["tools"][1] == {"googleSearch": {}}


FULL: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "contents": [
        {"role": "user", "parts": [
            {"text": "See"},
            {"inlineData": {"mimeType": "image/png", "data": PNG}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}, "videoMetadata": {"fps": 1.0}},
        ]},
        {"role": "model", "parts": [
            {"text": "Let me", "thoughtSignature": "T1"},
            {"functionCall": {"id": "f1", "name": "get_weather", "args": {"a_b": {"c_d": 1}}}, "thoughtSignature": "S1"},
            {"functionCall": {"id": "f2", "name": "now", "args": {}}},
            {"executableCode": {"language": "PYTHON", "code": "1"}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "f1", "name": "get_weather", "response": {"snake_case": [1]}}},
            {"functionResponse": {"id": "f2", "name": "now", "response": {"error": "no clock"}}},
            {"text": "And now?"},
        ]},
    ],
    "tools": [
        {"functionDeclarations": [{"name": "get_weather", "description": "d", "parametersJsonSchema": {"type": "object", "properties": {"a_b": {"type": "string"}}}},
                                  {"name": "now", "behavior": "BLOCKING"}]},
        {"googleSearch": {}},
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["now", "get_weather"]}, "includeServerSideToolInvocations": True},
    "generationConfig": {
        "temperature": 0.5, "topP": 0.9, "maxOutputTokens": 9, "stopSequences": ["x"], "seed": 3, "candidateCount": 2,
        "responseMimeType": "application/json", "responseJsonSchema": {"type": "object", "properties": {"x_y": {"type": "integer"}}},
        "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}, "mediaResolution": "MEDIA_RESOLUTION_LOW",
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    "cachedContent": "cachedContents/1",
}  # fmt: skip


def test_everything_that_gemini_says_comes_back_as_it_was() -> None:
    """maximhq/bifrost#5843: optional fields lost on the way."""
    request = DIALECT.parse_request(json.dumps(FULL).encode(), "models/gemini-3.1-pro-preview", True)
    assert (request.model, request.stream) == ("gemini-3.1-pro-preview", True)
    rendered = DIALECT.render_request(request, LEVEL)
    assert json.loads(rendered.body) == FULL
    assert (rendered.dropped, rendered.adapted) == ((), ())


def snake(value: Any) -> Any:
    own = ("args", "response", "parametersJsonSchema", "responseJsonSchema")
    if isinstance(value, list):
        return [snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        "".join(f"_{char.lower()}" if char.isupper() else char for char in key): item if key in own else snake(item)
        for key, item in value.items()
    }


def test_snake_case_is_read_alike_but_the_users_own_keys_stay() -> None:
    """google-genai 3 mixes both spellings in one request."""
    one = DIALECT.parse_request(json.dumps(FULL).encode(), "m", False)
    other = DIALECT.parse_request(json.dumps(snake(FULL)).encode(), "m", False)
    assert other == one


def test_calls_and_results_without_ids_are_paired_by_order_and_name() -> None:
    parts = [{"functionCall": {"name": name, "args": {"n": n}}} for n, name in enumerate("fgf")]
    answers = [
        {"functionResponse": {"name": name, "response": {"output": text}}}
        for name, text in (("g", "G"), ("f", "F0"), ("f", "F2"))
    ]
    body = {
        "contents": [
            {"parts": [{"text": "x"}]},
            {"role": "model", "parts": parts},
            {"role": "function", "parts": answers},
        ]
    }
    request = DIALECT.parse_request(json.dumps(body).encode(), "m", False)
    calls = [part for part in request.messages[1].parts if isinstance(part, ToolCall)]
    found = {part.id: part.content for part in request.messages[2].parts if isinstance(part, ToolCallResponse)}
    assert request.messages[2].role is Role.TOOL
    assert [found[call.id] for call in calls] == [(Text("F0"),), (Text("G"),), (Text("F2"),)]


def test_a_result_answers_a_call_behind_which_its_answers_stream_went_on() -> None:
    """Google's SDK gives each piece of a stream back as a content of its own, the last an empty text."""
    pieces: list[Any] = [{"text": "Let"}, {"functionCall": {"name": "f", "args": {"a": 1}}}, {"text": ""}]
    pieces.append({"functionCall": {"name": "f", "args": {"a": 2}}})
    results = [{"functionResponse": {"name": "f", "response": {"output": said}}} for said in ("one", "two")]
    turn = [*({"role": "model", "parts": [piece]} for piece in pieces), {"role": "user", "parts": results}]
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}, *turn, *turn]}
    messages = DIALECT.parse_request(json.dumps(body).encode(), "m", False).messages
    calls = [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]
    answered = [part.id for message in messages for part in message.parts if isinstance(part, ToolCallResponse)]
    assert calls == answered and len(set(calls)) == 4 and all(calls)


def test_a_schema_of_googles_own_kind_is_read_as_json_schema() -> None:
    google = {
        "type": "OBJECT",
        "properties": {
            "any_of": {"type": "STRING", "nullable": True, "max_length": "5"},
            "l": {"type": "ARRAY", "items": {"type": "NUMBER"}},
        },
    }
    body = {
        "contents": [{"parts": [{"text": "x"}]}],
        "tools": [{"function_declarations": [{"name": "f", "parameters": google}]}],
        "generation_config": {"response_mime_type": "application/json", "response_schema": google, "top_k": 40.0},
    }
    request = DIALECT.parse_request(json.dumps(body).encode(), "m", False)
    expected = {
        "type": "object",
        "properties": {
            "any_of": {"type": ["string", "null"], "maxLength": 5},
            "l": {"type": "array", "items": {"type": "number"}},
        },
    }
    assert request.tools == (Tool(name="f", parameters=expected),)
    assert request.response_format == ResponseFormat(kind="json_schema", schema=expected)
    assert request.top_k == 40


def test_other_answer_types_are_essential() -> None:
    config = {
        "responseModalities": ["TEXT"],
        "responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["a"]},
    }
    body = {"contents": [{"parts": [{"text": "x"}]}], "generationConfig": config}
    request = DIALECT.parse_request(json.dumps(body).encode(), "m", False)
    sent = json.loads(DIALECT.render_request(request, BUDGET).body)["generationConfig"]
    assert sent == {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}


def test_state_of_other_providers_survives_a_client_of_this_door() -> None:
    thought = Reasoning("hm", {"anthropic": {"signature": "SIG"}})
    answer = Response(choices=(Choice(parts=(thought, Text("x")), finish_reason=FinishReason.STOP),))
    context = AnswerContext(id="1", created=0, model="m", origin="p/maker")
    content = json.loads(DIALECT.render_response(answer, context))["candidates"][0]["content"]
    request = DIALECT.parse_request(
        json.dumps({"contents": [{"parts": [{"text": "q"}]}, content]}).encode(), "m", False
    )
    assert ReplayMemory().restore("key", "p/maker", request).messages[1].parts == (thought, Text("x"))
    elsewhere = ReplayMemory().restore("key", "p/other", request)
    assert "anthropic" not in elsewhere.messages[1].parts[0].extra  # type: ignore[union-attr]


@pytest.mark.parametrize("as_contents", [True, False], ids=["contents", "parts"])
def test_thoughts_that_came_in_pieces_are_whole_again_where_their_state_ends_them(as_contents: bool) -> None:
    """A signature belongs to the whole text; google-genai's chats give a stream's pieces back one by one."""
    context = AnswerContext(id="1", created=0, model="m", origin="p/maker")
    writer = DIALECT.writer(context)
    events: list[Event] = [
        PartStart(0, "reasoning"), Delta(0, "First "), Delta(0, "this."),
        PartEnd(0, {"anthropic": {"signature": "SIG"}}),
        PartStart(1, "tool_call", call_id="c1", name="f"), Delta(1, "{}"), PartEnd(1),
        Finish(FinishReason.TOOL_CALLS),
    ]  # fmt: skip
    stream = b"".join(writer.write(event) for event in events) + writer.close()
    chunks = [json.loads(line.removeprefix("data: ")) for line in stream.decode().splitlines() if line]
    contents = [chunk["candidates"][0]["content"] for chunk in chunks]
    if not as_contents:
        contents = [{"role": "model", "parts": [part for content in contents for part in content["parts"]]}]
    result = {"functionResponse": {"id": "c1", "name": "f", "response": {"output": "4"}}}
    body = {"contents": [{"parts": [{"text": "q"}]}, *contents, {"parts": [result]}]}
    request = DIALECT.parse_request(json.dumps(body).encode(), "m", False)
    parts = [part for part in ReplayMemory().restore("key", "p/maker", request).messages[1].parts if part != Text("")]
    assert parts == [Reasoning("First this.", {"anthropic": {"signature": "SIG"}}), ToolCall("c1", "f", "{}")]


def test_calls_of_other_providers_are_known_again_and_get_the_sentinel() -> None:
    """A signed-in-name-only call would pass as Gemini's own and be refused: NousResearch/hermes-agent#66593."""
    answer = Response(choices=(Choice(parts=(ToolCall("c1", "f", "{}"),), finish_reason=FinishReason.TOOL_CALLS),))
    context = AnswerContext(id="1", created=0, model="m", origin="openai/gpt-4.1")
    content = json.loads(DIALECT.render_response(answer, context))["candidates"][0]["content"]
    result = {"functionResponse": {"id": "c1", "name": "f", "response": {"output": "4"}}}
    body = json.dumps({"contents": [{"parts": [{"text": "q"}]}, content, {"parts": [result]}]}).encode()
    assert PACKED in body
    request = ReplayMemory().restore("key", "google/gemini-3.1-pro-preview", DIALECT.parse_request(body, "m", False))
    rendered = DIALECT.render_request(request, LEVEL)
    assert (
        json.loads(rendered.body)["contents"][1]["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"
    )
    assert rendered.adapted == ("messages[].tool_calls[].extra_content",)


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | words,
    lambda deeper: st.lists(deeper, max_size=2) | st.dictionaries(words, deeper, max_size=2),
    max_leaves=5,
)
texts = st.fixed_dictionaries({"text": words}, optional={"thoughtSignature": st.just("U0lH")})


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    found: list[dict[str, Any]] = [{"role": "user", "parts": draw(st.lists(texts, min_size=1, max_size=2))}]
    for turn in range(draw(st.integers(0, 2))):
        args = st.dictionaries(words, jsons, max_size=2)
        calls = [
            {"functionCall": {"id": f"c{turn}_{n}", "name": "f", "args": draw(args)}}
            for n in range(draw(st.integers(0, 2)))
        ]
        answers = [
            {"functionResponse": {"id": call["functionCall"]["id"], "name": "f", "response": {"error": draw(words)}}}
            for call in calls
        ]
        found.append({"role": "model", "parts": draw(st.lists(texts, min_size=1, max_size=1)) + calls})
        found.append({"role": "user", "parts": answers + draw(st.lists(texts, min_size=not answers, max_size=1))})
    config = st.fixed_dictionaries(
        {"maxOutputTokens": st.integers(1, 9000)},
        optional={
            "temperature": st.sampled_from([0.0, 1.0]),
            "topK": st.integers(1, 40),
            "thinkingConfig": st.sampled_from(
                [{"thinkingBudget": 0}, {"thinkingBudget": 512, "includeThoughts": True}]
            ),
        },
    )
    return draw(
        st.fixed_dictionaries(
            {"contents": st.just(found), "generationConfig": config},
            optional={"safetySettings": st.just([{"category": "X"}])},
        )
    )


@settings(max_examples=60, deadline=None)
@given(bodies())
def test_reading_and_rendering_is_the_identity(body: dict[str, Any]) -> None:
    rendered = DIALECT.render_request(DIALECT.parse_request(json.dumps(body).encode(), "m", False), BUDGET)
    assert json.loads(rendered.body) == body
    assert (rendered.dropped, rendered.adapted) == ((), ())


WRONG = [
    pytest.param(b"nope", None, id="no JSON"),
    pytest.param({}, "contents", id="no contents"),
    pytest.param({"contents": [{"role": "system", "parts": []}]}, "contents[0].role", id="a role"),
    pytest.param({"contents": [{"parts": [{"text": 5}]}]}, "contents[0].parts[0].text", id="a text that is none"),
    pytest.param({"contents": [{"parts": [{"functionCall": {}}]}]}, "contents[0].parts[0].functionCall.name", id="a call without a name"),
    pytest.param({"contents": [], "generation_config": {"topP": "x"}}, "generationConfig.topP", id="a number as text"),
    pytest.param({"contents": [], "tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name", id="a tool without a name"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "param"), WRONG)
def test_a_bad_body_is_refused_by_name(body: Any, param: str | None) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ClientError) as caught:
        DIALECT.parse_request(raw, "m", False)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_bytes_in_the_alphabet_for_urls_are_read_as_plain_base64() -> None:
    """Google's own SDK writes them so; Anthropic and OpenAI refuse it."""
    inline = {"inline_data": {"mime_type": "image/png", "data": "iVBORw0KGgo_-_8="}}
    (message,) = DIALECT.parse_request(
        json.dumps({"contents": [{"role": "user", "parts": [inline]}]}).encode(), "m", False
    ).messages
    assert message.parts == (Blob("image/png", "iVBORw0KGgo/+/8="),)


def test_a_list_of_one_without_its_brackets_as_in_google_s_own_examples() -> None:
    said = {
        "system_instruction": {"parts": {"text": "You are a cat."}},
        "contents": {"role": "user", "parts": {"text": "Turn on the lights."}},
        "tools": {"function_declarations": {"name": "on", "parameters": {"type": "object", "properties": {}}}},
        "safety_settings": {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
    }
    request = DIALECT.parse_request(json.dumps(said).encode(), "m", False)
    assert [message.parts for message in request.messages] == [
        (Text("You are a cat."),),
        (Text("Turn on the lights."),),
    ]
    assert [tool.name for tool in request.tools if isinstance(tool, Tool)] == ["on"]


def test_the_name_of_a_file_in_a_result_is_told_as_lost() -> None:
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    result = {
        "type": "function_call_output",
        "call_id": "c1",
        "output": [file, {"type": "refusal", "refusal": "No."}],
    }
    said = {"model": "m", "input": [{"role": "user", "content": "a"}, call, result]}
    request = DIALECTS["openai_responses"].parse_request(json.dumps(said).encode(), None, None)
    rendered = DIALECT.render_request(request, LEVEL)
    assert rendered.dropped == ("input[].content[].filename",) and b"a.pdf" not in rendered.body
    assert b'"output":"No."' in rendered.body


def test_a_result_s_part_of_a_kind_that_nobody_else_has_is_not_left_out_in_silence() -> None:
    result = {"name": "f", "response": {"output": "r"}, "parts": [{"text": "more"}]}
    contents = [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": result}]},
    ]
    request = DIALECT.parse_request(json.dumps({"contents": contents}).encode(), "m", False)
    for upstream in ("openai_chat", "openai_responses", "anthropic"):
        with pytest.raises(Unsupported, match=r"functionResponse\.parts"):
            DIALECTS[upstream].render_request(request, PLAIN)
    own = json.loads(DIALECT.render_request(request, PLAIN).body)
    assert {"text": "more"} in own["contents"][2]["parts"]
