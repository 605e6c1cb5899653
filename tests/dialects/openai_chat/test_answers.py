"""Whole answers, usage and errors of the chat dialect."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.openai_chat import DIALECT
from gateway.dialects.openai_chat.usage import parse_usage, render_usage
from gateway.errors import ClientError, GatewayError, Unsupported, UpstreamError
from gateway.model import Choice, FinishReason, Reasoning, Refusal, Response, Text, ToolCall, Usage

CONTEXT = AnswerContext(id="Bx7", created=1_763_942_400, model="m")
STOP, CALLS = FinishReason.STOP, FinishReason.TOOL_CALLS

CALL = ToolCall("call_a", "weather", '{"city":"Köln"}')
CALL_BODY = {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Köln"}'}}
CUSTOM = ToolCall("c", "patch", "input", True)
CUSTOM_BODY = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "input"}}
NOTE = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "https://x"}}

# id: message, finish_reason, the choice's parts, the neutral reason.
BOTH_WAYS: dict[str, tuple[dict[str, Any], str, tuple[Any, ...], FinishReason]] = {
    "text": ({"content": "Hi", "refusal": None}, "stop", (Text("Hi"),), STOP),
    "empty": ({"content": "", "refusal": None}, "length", (), FinishReason.LENGTH),
    "refusal": ({"content": None, "refusal": "No."}, "stop", (Refusal("No."),), STOP),
    "filtered": ({"content": "", "refusal": None}, "content_filter", (), FinishReason.CONTENT_FILTER),
    "thinking": ({"content": "4", "refusal": None, "reasoning_content": "hm"}, "stop", (Reasoning("hm"), Text("4")), STOP),
    "calls": ({"content": None, "refusal": None, "tool_calls": [CALL_BODY, CUSTOM_BODY]}, "tool_calls", (CALL, CUSTOM), CALLS),
    "text and call": ({"content": "Looking.", "refusal": None, "tool_calls": [CALL_BODY]}, "tool_calls", (Text("Looking."), CALL), CALLS),
    "cut call": ({"content": None, "refusal": None, "tool_calls": [CALL_BODY]}, "length", (CALL,), FinishReason.LENGTH),
    "signed call": (
        {"content": None, "refusal": None, "tool_calls": [{**CALL_BODY, "extra_content": {"google": {"thought_signature": "s"}}}]},
        "tool_calls",
        (ToolCall("call_a", "weather", '{"city":"Köln"}', extra={"gemini": {"thought_signature": "s"}}),),
        CALLS,
    ),
    "annotations": (
        {"content": "Hi", "refusal": None, "annotations": [NOTE]},
        "stop",
        (Text("Hi", {"openai_chat": {"annotations": [NOTE]}}),),
        STOP,
    ),
}  # fmt: skip


def body_of(message: dict[str, Any], reason: Any, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": reason}
    return {
        "id": "chatcmpl-Bx7",
        "object": "chat.completion",
        "created": 1_763_942_400,
        "model": "m",
        "choices": [choice],
        **more,
    }


def parse(body: Any) -> Response:
    return DIALECT.parse_response(body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_answers_both_ways(name: str) -> None:
    message, word, parts, reason = BOTH_WAYS[name]
    body = body_of(message, word)
    choices = (Choice(parts=parts, finish_reason=reason),)
    searched = Usage(web_searches=1) if "annotations" in message else None
    response = Response(id="chatcmpl-Bx7", model="m", created=1_763_942_400, choices=choices, usage=searched)
    assert parse(body) == response
    rendered = DIALECT.render_response(response, CONTEXT)
    assert json.loads(rendered) == body
    ChatCompletion.model_validate_json(rendered, strict=True)


def only(message: dict[str, Any], reason: Any = "stop") -> Choice:
    (choice,) = parse(body_of(message, reason)).choices
    return choice


def test_what_servers_send_beside_the_documented_form() -> None:
    assert only({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}).parts == (Text("ab"),)
    assert only({"content": "a", "reasoning": "hm"}).parts == (Reasoning("hm"), Text("a"))
    assert only({"content": "a", "annotations": 3, "audio": None, "refusal": {}}).parts == (Text("a"),)
    # BerriAI/litellm#34692: a call that ends with "stop" waits for its result all the same.
    call = {"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    choice = only({"content": "", "tool_calls": [call]}, "stop")
    assert choice.parts == (ToolCall("call_Bx7_0_0", "f", '{"a":1}'),) and choice.finish_reason is CALLS
    assert (
        only({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, "function_call").finish_reason
        is CALLS
    )
    for word in (None, "eos", 3):
        assert only({"content": "a"}, word).finish_reason is STOP


def test_the_deprecated_function_call_for_who_asked_so() -> None:
    response = Response(choices=(Choice(parts=(CALL,), finish_reason=CALLS),))
    context = AnswerContext(id="x", created=1, model="m", legacy_functions=True)
    (choice,) = json.loads(DIALECT.render_response(response, context))["choices"]
    assert choice["message"]["function_call"] == {"name": "weather", "arguments": '{"city":"Köln"}'}
    assert choice["finish_reason"] == "function_call" and "tool_calls" not in choice["message"]


@pytest.mark.parametrize("reason", FinishReason)
def test_every_reason_has_a_word_that_clients_know(reason: FinishReason) -> None:
    rendered = DIALECT.render_response(Response(choices=(Choice(parts=(Text("a"),), finish_reason=reason),)), CONTEXT)
    ChatCompletion.model_validate_json(rendered, strict=True)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"choices":3}', b'{"choices":[{}]}', b'{"choices":[{"message":{"tool_calls":[{"id":"x","function":{"arguments":"{}"}}]}}]}', b"\xff\xfe"],
)  # fmt: skip
def test_what_is_no_answer_is_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        parse(body)
    assert (caught.value.kind, caught.value.status) == ("unreadable_answer", 502)


def test_an_error_sent_with_a_200_is_an_error() -> None:
    with pytest.raises(UpstreamError) as caught:
        parse({"error": {"message": "Rate limited", "code": 429}})
    assert (caught.value.kind, caught.value.status, caught.value.message) == ("rate_limited", 429, "Rate limited")


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ({"code": 429, "message": "Slow down"}, "rate_limited", "Slow down"),
        (None, "provider_error", "The provider failed in the middle of its answer: try the request again."),
    ],
)
def test_an_answer_that_says_it_failed_is_an_error(said: Any, kind: str, message: str) -> None:
    failed = {
        "index": 0,
        "message": {"role": "assistant", "content": "Once"},
        "finish_reason": "error",
        "error": said,
    }
    with pytest.raises(UpstreamError) as caught:
        parse({"choices": [failed]})
    assert (caught.value.kind, caught.value.message) == (kind, message)


# Usage.

XAI = {
    "prompt_tokens": 12,
    "completion_tokens": 1,
    "total_tokens": 399,
    "completion_tokens_details": {"reasoning_tokens": 386},
}
USAGES: list[tuple[str, Any, Usage | None]] = [
    (
        "everything",
        {
            "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10, "audio_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 2, "rejected_prediction_tokens": 9},
        },
        Usage(input_tokens=100, cached_tokens=60, cache_write_tokens=10, input_audio_tokens=5, output_tokens=50, reasoning_tokens=30, output_audio_tokens=2),
    ),
    ("vercel/ai#12425: the total says that reasoning is left out", XAI, Usage(input_tokens=12, output_tokens=387, reasoning_tokens=386)),
    (
        "sub2api#5771",
        {"prompt_tokens": 10120, "completion_tokens": 1499, "total_tokens": 14428, "completion_tokens_details": {"reasoning_tokens": 2809}},
        Usage(input_tokens=10120, output_tokens=4308, reasoning_tokens=2809),
    ),
    (
        "promptfoo#9507: the total says that it is inside",
        {"prompt_tokens": 12, "completion_tokens": 387, "total_tokens": 399, "completion_tokens_details": {"reasoning_tokens": 386}},
        Usage(input_tokens=12, output_tokens=387, reasoning_tokens=386),
    ),
    (
        "no total, and more reasoning than output",
        {"prompt_tokens": 12, "completion_tokens": 1, "completion_tokens_details": {"reasoning_tokens": 386}},
        Usage(input_tokens=12, output_tokens=387, reasoning_tokens=386),
    ),
    ("ticks", {"prompt_tokens": 1, "cost_in_usd_ticks": 37_756_000}, Usage(input_tokens=1, cost_nano=3_775_600)),
    ("half a nano-dollar to even", {"cost_in_usd_ticks": 25}, Usage(cost_nano=2)),
    ("half a nano-dollar to even, upwards", {"cost_in_usd_ticks": 35}, Usage(cost_nano=4)),
    ("a cost of nothing", {"cost_in_usd_ticks": 0}, Usage(cost_nano=0)),
    ("OpenRouter's dollars", {"prompt_tokens": 1, "cost": 0.00014}, Usage(input_tokens=1, cost_nano=140_000)),
    ("dollars written with an exponent", {"cost": 1.5e-9}, Usage(cost_nano=2)),
    ("its free models", {"prompt_tokens": 1, "cost": 0, "is_byok": False}, Usage(input_tokens=1, cost_nano=0)),
    (
        "its fee beside what the maker charges",
        {"prompt_tokens": 1, "cost": 0.0001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.002}},
        Usage(input_tokens=1, cost_nano=2_100_000),
    ),
    ("its fee alone is no cost", {"prompt_tokens": 1, "cost": 0.0001, "is_byok": True}, Usage(input_tokens=1)),
    ("a cost that is no number", {"prompt_tokens": 1, "cost": {"total_cost": 0.1}}, Usage(input_tokens=1)),
    ("a cost below nothing", {"prompt_tokens": 1, "cost": -1}, Usage(input_tokens=1)),
    ("DeepSeek's cache field", {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}, Usage(input_tokens=9, cached_tokens=4)),
    ("zero stays zero", {"prompt_tokens": 0, "completion_tokens": 0}, Usage(input_tokens=0, output_tokens=0)),
    ("null details", {"prompt_tokens": 1, "prompt_tokens_details": None}, Usage(input_tokens=1)),
    ("nonsense", {"prompt_tokens": -1, "completion_tokens": "7", "total_tokens": True, "cost_in_usd_ticks": "x"}, None),
    ("too large to be true", {"prompt_tokens": 10**30}, None),
    ("nothing", {}, None),
    ("no object", [], None),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "usage"), [row[1:] for row in USAGES], ids=[row[0] for row in USAGES])
def test_usage_to_one_definition(raw: Any, usage: Usage | None) -> None:
    assert parse_usage(raw) == usage


def test_the_service_tier_that_was_used() -> None:
    usage = parse(body_of({"content": "a"}, "stop", usage={"prompt_tokens": 1}, service_tier="flex")).usage
    assert usage == Usage(input_tokens=1, service_tier="flex")


def test_usage_for_clients_has_all_details() -> None:
    usage = Usage(
        input_tokens=1110, cached_tokens=1000, cache_write_tokens=100, output_tokens=100, reasoning_tokens=90
    )
    rendered = render_usage(usage)
    assert rendered["total_tokens"] == 1210
    again = parse_usage(rendered)
    assert again is not None
    for name in ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"):
        assert getattr(again, name) == getattr(usage, name)
    assert render_usage(Usage())["prompt_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 0}


# Errors.


def openai_error(message: str, kind: str = "invalid_request_error", code: Any = None, param: Any = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


ERRORS: list[tuple[str, int, bytes, tuple[str, int], str]] = [
    ("OpenAI's object", 400, openai_error("Bad", code="unsupported_value", param="temperature"), ("bad_request", 400), "Bad"),
    ("too long by code", 400, openai_error("Too long", code="context_length_exceeded"), ("context_too_long", 400), "Too long"),
    ("too long by xAI's words", 400, b'{"code":"x","error":"This model\'s maximum prompt length is 131072 tokens."}', ("context_too_long", 400), "This model's maximum prompt length is 131072 tokens."),
    # chenyme/grok2api#814
    ("string error", 400, b'{"code":"invalid-argument","error":"Model grok-4 does not support parameter reasoningEffort."}', ("bad_request", 400), "Model grok-4 does not support parameter reasoningEffort."),
    ("xAI's bad key", 400, b'{"code":"invalid-argument","error":"Incorrect API key provided: xa***ab."}', ("provider_key_rejected", 502), "The provider rejected the API key: check it, or store a new one."),
    ("bad key", 401, openai_error("Incorrect API key provided: sk-abcdefgh."), ("provider_key_rejected", 502), "The provider rejected the API key: check it, or store a new one."),
    ("forbidden", 403, b"{}", ("provider_key_rejected", 502), "The provider does not allow this with its API key: check there what the key may do."),
    ("a model that the key may not use", 403, openai_error("Project p does not have access to model o1 with sk-abcdefgh."), ("provider_key_rejected", 502), "The provider does not allow this with its API key: check there what the key may do (it said: Project p does not have access to model o1 with [hidden])."),
    ("unknown model", 404, openai_error("No such model", code="model_not_found"), ("not_found", 404), "No such model"),
    ("gone", 410, b'{"error":"Live search is gone"}', ("bad_request", 410), "Live search is gone"),
    ("too large", 413, b"Payload too large", ("too_large", 413), "Payload too large"),
    ("plain text", 422, b"Failed to deserialize the JSON body", ("bad_request", 422), "Failed to deserialize the JSON body"),
    ("detail", 422, b'{"detail":"Nope"}', ("bad_request", 422), "Nope"),
    ("detail list", 422, b'{"detail":[{"loc":["body","model"],"msg":"field required"},"x"]}', ("bad_request", 422), "model: field required; x"),
    ("list around", 400, b'[{"error":{"message":"In a list"}}]', ("bad_request", 400), "In a list"),
    ("bare message", 400, b'{"object":"error","message":"Bare","type":"BadRequestError","code":400}', ("bad_request", 400), "Bare"),
    ("rate limit", 429, openai_error("Slow down", "requests", "rate_limit_exceeded"), ("rate_limited", 429), "Slow down"),
    ("quota by code", 429, openai_error("You exceeded your quota", "x", "insufficient_quota"), ("provider_quota", 429), "You exceeded your quota"),
    ("quota by type", 429, openai_error("You exceeded your quota", "insufficient_quota"), ("provider_quota", 429), "You exceeded your quota"),
    ("payment", 402, b'{"error":{"message":"Insufficient Balance"}}', ("provider_quota", 402), "Insufficient Balance"),
    ("server error", 500, openai_error("Oops", "server_error"), ("provider_error", 500), "Oops"),
    ("overloaded", 503, b"", ("overloaded", 503), "The provider answered 503 and said nothing more: try the request again."),
    ("gateway time-out", 504, b"upstream timed out", ("timeout", 504), "upstream timed out"),
    ("HTML", 503, b"\n<!DOCTYPE html><html>cf</html>", ("unreadable_answer", 502), "The provider's answer could not be read: try again, or check its base URL."),
    ("HTML with 403", 403, b"<html>blocked</html>", ("unreadable_answer", 502), "The provider's answer could not be read: try again, or check its base URL."),
    ("no text", 500, b"\xff\xfe\x00", ("unreadable_answer", 502), "The provider's answer could not be read: try again, or check its base URL."),
    ("redirect", 302, b"", ("provider_error", 502), "The provider answered 302 and said nothing more: try the request again."),
    ("null error", 500, b'{"error":null}', ("provider_error", 500), "The provider answered 500 and said nothing more: try the request again."),
    ("secrets", 400, openai_error("Key sk-proj-abcdef123456 of org-abcdefghij and AIzaSyA1234567 failed"), ("bad_request", 400), "Key [hidden] of [hidden] and [hidden] failed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "expected", "message"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS]
)
def test_provider_errors(status: int, body: bytes, expected: tuple[str, int], message: str) -> None:
    error = DIALECT.parse_error(status, body, {"Retry-After": "7", "content-type": "x", "Retry-After-Ms": "7000"})
    assert ((error.kind, error.status), error.message, error.upstream_status) == (expected, message, status)
    if error.kind == "provider_key_rejected":
        assert error.headers == {"x-should-retry": "false"}
    else:
        assert (error.headers["retry-after"], error.headers["retry-after-ms"]) == ("7", "7000")
        assert "content-type" not in error.headers
    assert (error.headers.get("x-should-retry") == "false") is (
        error.kind in ("provider_key_rejected", "provider_quota")
    )


def test_code_and_param_are_kept() -> None:
    error = DIALECT.parse_error(400, openai_error("Bad", "t", "unsupported_value", "temperature"), {})
    assert (error.code, error.param) == ("unsupported_value", "temperature")


@pytest.mark.parametrize("body", [b"", b"null", b"3", b'"x"', b"[]", b"[[]]", b'{"error":[]}', b'{"error":{"message":{},"code":{}}}', b'{"detail":[{"loc":3}]}', b"\x00", b"{" * 100_000])  # fmt: skip
@pytest.mark.parametrize("status", [300, 400, 401, 429, 500, 599])
def test_no_error_body_raises(status: int, body: bytes) -> None:
    assert DIALECT.parse_error(status, body, {}).message


KINDS = "bad_request context_too_long key_invalid provider_key_rejected forbidden budget_exhausted not_found method_not_allowed too_large unsupported_media_type upgrade_required rate_limited provider_quota overloaded provider_unconfigured provider_error unreadable_answer connection_lost timeout loop_detected internal"


@pytest.mark.parametrize("kind", KINDS.split())
def test_clients_get_all_four_keys_for_every_kind(kind: str) -> None:
    assert kind in (GatewayError.__doc__ or "")
    error = json.loads(DIALECT.render_error(GatewayError("What happened.", status=400, kind=kind), "req_1"))["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"] == "What happened." and error["type"]
    assert kind == "bad_request" or error["code"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ClientError("No.", param="messages[0].role"), {"message": "No.", "type": "invalid_request_error", "param": "messages[0].role", "code": None}),
        (Unsupported("No.", param="stop"), {"message": "No.", "type": "invalid_request_error", "param": "stop", "code": "unsupported_parameter"}),
        (UpstreamError("Slow.", status=429, kind="rate_limited", code="their_code"), {"message": "Slow.", "type": "rate_limit_error", "param": None, "code": "their_code"}),
    ],
)  # fmt: skip
def test_errors_for_clients(error: GatewayError, expected: dict[str, Any]) -> None:
    assert json.loads(DIALECT.render_error(error, "req_1"))["error"] == expected


def test_path_and_credentials() -> None:
    assert DIALECT.path("m", True) == DIALECT.path("m", False) == "/chat/completions"
    assert DIALECT.credential_headers("k") == {"authorization": "Bearer k"}
