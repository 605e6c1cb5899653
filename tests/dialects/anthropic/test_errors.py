"""Anthropic's errors and counts, read and written."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.anthropic import DIALECT
from gateway.dialects.anthropic.usage import parse_usage, read_usage, render_usage
from gateway.errors import ClientError, GatewayError, UpstreamError
from gateway.model import Usage


def body(kind: str, message: str = "m", **details: str) -> bytes:
    error: dict[str, Any] = {"type": kind, "message": message}
    return json.dumps(
        {"type": "error", "error": {**error, **({"details": details} if details else {})}, "request_id": "req_1"}
    ).encode()


RETRY = {"Retry-After": "7"}
NO = {"x-should-retry": "false"}
ERRORS = [
    pytest.param(400, body("invalid_request_error"), {}, 400, "bad_request", {}, id="400"),
    pytest.param(400, body("invalid_request_error", "prompt is too long: 9 > 8"), {}, 400, "context_too_long", {}, id="too long"),
    pytest.param(400, body("invalid_request_error", "Your credit balance is too low"), {}, 400, "provider_quota", NO, id="no credit"),
    pytest.param(401, body("authentication_error"), {}, 502, "provider_key_rejected", NO, id="401"),
    pytest.param(402, body("billing_error"), {}, 402, "provider_quota", NO, id="402"),
    pytest.param(403, body("permission_error"), {}, 502, "provider_key_rejected", NO, id="403"),
    pytest.param(404, body("not_found_error"), {}, 404, "not_found", {}, id="404"),
    pytest.param(413, body("request_too_large"), {}, 413, "too_large", {}, id="413"),
    pytest.param(429, body("rate_limit_error"), RETRY, 429, "rate_limited", {"retry-after": "7"}, id="429"),
    pytest.param(429, body("rate_limit_error"), {"retry-after": "1.2"}, 429, "rate_limited", {"retry-after": "2"}, id="a part of a second"),
    pytest.param(429, body("rate_limit_error"), {"retry-after": "soon"}, 429, "rate_limited", {}, id="no number"),
    pytest.param(429, body("rate_limit_error"), {"retry-after": "nan"}, 429, "rate_limited", {}, id="not a number"),
    pytest.param(429, body("rate_limit_error", error_code="enforced_spend_limit_reached"), {}, 429, "provider_quota", NO, id="spend limit"),
    pytest.param(429, body("rate_limit_error", error_code="ramp_limit_exceeded"), RETRY, 429, "rate_limited", {"retry-after": "7"}, id="ramp"),
    pytest.param(500, body("api_error"), {}, 500, "provider_error", {}, id="500"),
    pytest.param(503, body("api_error"), {}, 503, "overloaded", {}, id="503"),
    pytest.param(504, body("timeout_error"), {}, 504, "timeout", {}, id="504"),
    pytest.param(529, body("overloaded_error"), {}, 529, "overloaded", {}, id="529"),
    pytest.param(418, body("novelty"), {}, 418, "bad_request", {}, id="unknown"),
    pytest.param(529, b"", {}, 529, "overloaded", {}, id="empty"),
    pytest.param(429, b" ", RETRY, 429, "rate_limited", {}, id="blank"),
    pytest.param(502, b"<html>Bad gateway</html>", {}, 502, "unreadable_answer", {}, id="HTML"),
    pytest.param(503, b"upstream connect error", {}, 502, "unreadable_answer", {}, id="plain text"),
    pytest.param(200, b"<html>", {}, 502, "unreadable_answer", {}, id="HTML as an answer"),
    pytest.param(500, b"\xff\xfe", {}, 502, "unreadable_answer", {}, id="no UTF-8"),
    pytest.param(500, b'{"message":"odd"}', {}, 500, "provider_error", {}, id="another form"),
    pytest.param(400, b'{"error":"a string"}', {}, 400, "bad_request", {}, id="an error that is a string"),
    pytest.param(400, b'{"error":{"message":null,"type":3}}', {}, 400, "bad_request", {}, id="nonsense"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "raw", "headers", "told", "kind", "sent"), ERRORS)
def test_a_providers_error(
    status: int, raw: bytes, headers: dict[str, str], told: int, kind: str, sent: dict[str, str]
) -> None:
    error = DIALECT.parse_error(status, raw, headers)
    assert (error.status, error.kind, dict(error.headers), error.upstream_status) == (told, kind, sent, status)
    assert error.message and "\n" not in error.message


@pytest.mark.parametrize(
    "secret",
    ["sk-ant-api03-AAAABBBBCCCC", "AIzaSyAAAABBBBCCCC", "AQ.Ab8RN6AAAABBBB", "xai-AAAABBBBCCCC", "tk_AAAABBBBCCCC"],
)
def test_messages_never_echo_a_key(secret: str) -> None:
    """BerriAI/litellm PR#20289: keys echoed in 401 bodies."""
    for message in (f"invalid key: {secret}.", f"url https://x/?key={secret}&a=b", f"Bearer {secret}"):
        for status, kind in ((401, "authentication_error"), (400, "invalid_request_error")):
            error = DIALECT.parse_error(status, body(kind, message), {})
            assert secret not in error.message and "[hidden]" in error.message


OWN = [
    (ClientError("m", param="x"), "invalid_request_error"),
    (GatewayError("m", status=401, kind="key_invalid"), "authentication_error"),
    (GatewayError("m", status=403, kind="forbidden"), "permission_error"),
    (GatewayError("m", status=404, kind="not_found"), "not_found_error"),
    (GatewayError("m", status=413, kind="too_large"), "request_too_large"),
    (GatewayError("m", status=429, kind="rate_limited"), "rate_limit_error"),
    (GatewayError("m", status=402, kind="budget_exhausted"), "billing_error"),
    (UpstreamError("m", kind="provider_key_rejected"), "api_error"),
    (UpstreamError("m", status=503, kind="overloaded"), "overloaded_error"),
    (UpstreamError("m", status=504, kind="timeout"), "timeout_error"),
    (UpstreamError("m", kind="connection_lost"), "api_error"),
    (GatewayError("m", status=508, kind="loop_detected"), "api_error"),
]


@pytest.mark.parametrize(("error", "word"), OWN)
def test_our_errors_in_anthropics_form(error: GatewayError, word: str) -> None:
    told = json.loads(DIALECT.render_error(error, "req_9"))
    assert told == {"type": "error", "error": {"type": word, "message": "m"}, "request_id": "req_9"}


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (body("overloaded_error"), "overloaded", 529),
        (b"<html>", "unreadable_answer", 502),
        (b"{}", "unreadable_answer", 502),
        (b"[]", "unreadable_answer", 502),
        (b'{"content":[],"stop_reason":null}', "unreadable_answer", 502),
        (b'{"content":[{"type":"text"}],"stop_reason":"end_turn"}', "unreadable_answer", 502),
        (b'{"content":[{"type":"tool_use","id":"x","input":{}}],"stop_reason":"tool_use"}', "unreadable_answer", 502),
        (b'{"content":[{"type":"tool_use","id":"x","name":"f","input":"text"}],"stop_reason":"tool_use"}', "unreadable_answer", 502),
    ],
)  # fmt: skip
def test_an_answer_that_is_none(raw: bytes, kind: str, status: int) -> None:
    with pytest.raises(UpstreamError) as caught:
        DIALECT.parse_response(raw)
    assert (caught.value.kind, caught.value.status) == (kind, status)


SPLITS = [
    # total, 5m, 1h → total, 5m, 1h (QuantumNous/new-api#6353: a total without split billed as nothing)
    (None, None, None, (None, None, None)),
    (100, None, None, (100, 100, 0)),
    (100, 30, 40, (100, 60, 40)),
    (100, 60, 40, (100, 60, 40)),
    (None, 60, 40, (100, 60, 40)),
    (50, 60, 40, (100, 60, 40)),
    (0, 0, 0, (0, 0, 0)),
]


def used(said: Any) -> Usage:
    wire = read_usage(said)
    assert wire is not None
    return parse_usage(wire)


@pytest.mark.parametrize(("total", "five", "hour", "expected"), SPLITS)
def test_cache_writes_always_add_up(total: int | None, five: int | None, hour: int | None, expected: Any) -> None:
    split = {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}
    usage = used({"input_tokens": 1, "cache_creation_input_tokens": total, "cache_creation": split})
    assert (usage.cache_write_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == expected
    assert usage.input_tokens == 1 + (expected[0] or 0)


def test_counts_turn_inclusive_and_back() -> None:
    """BerriAI/litellm#9812, #26919: 10 fresh, 100 written, 1000 read are 1110, and again exactly 10, 100, 1000."""
    said = {"input_tokens": 10, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000}
    usage = used({**said, "output_tokens": 5})
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens) == (1110, 1000, 100)
    again = render_usage(usage)
    assert [again[name] for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")] == [
        10,
        100,
        1000,
    ]


counts = st.none() | st.integers(-5, 10**9)


@settings(max_examples=80, deadline=None)
@given(counts, counts, counts, counts)
def test_no_count_is_ever_negative(
    fresh: int | None, written: int | None, read: int | None, output: int | None
) -> None:
    """QuantumNous/new-api#5003: cache larger than input gave negative tokens and cost."""
    usage = used(
        {
            "input_tokens": fresh,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "output_tokens": output,
        }
    )
    told = [
        value
        for value in (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.output_tokens)
        if value is not None
    ]
    assert all(Decimal(value) >= 0 for value in told)
    back = render_usage(Usage(input_tokens=fresh, cached_tokens=read))
    assert back["input_tokens"] >= 0
