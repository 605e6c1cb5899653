"""Gemini's errors, read and written."""

import json
from typing import Any

import pytest

from gateway.dialects.gemini import DIALECT
from gateway.dialects.gemini.errors import error_object
from gateway.errors import ClientError, GatewayError, UpstreamError
from gateway.events import StreamError

TYPE = "type.googleapis.com/google.rpc."
BAD_KEY = {"@type": TYPE + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
DAILY = {
    "@type": TYPE + "QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
MINUTE = {"@type": TYPE + "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]}


def retry(delay: Any) -> dict[str, Any]:
    return {"@type": TYPE + "RetryInfo", "retryDelay": delay}


def body(code: int, status: str, *details: Any, message: str = "m") -> bytes:
    return json.dumps(
        {"error": {"code": code, "message": message, "status": status, "details": list(details)}}
    ).encode()


NO = {"x-should-retry": "false"}
ERRORS = [
    pytest.param(400, body(400, "INVALID_ARGUMENT"), {}, 400, "bad_request", {}, id="400"),
    pytest.param(400, body(400, "INVALID_ARGUMENT", BAD_KEY), {}, 502, "provider_key_rejected", NO, id="a bad key is a 400 here"),
    pytest.param(400, body(400, "INVALID_ARGUMENT", message="API key not valid. Please pass a valid API key."), {}, 502, "provider_key_rejected", NO, id="a bad key in words"),
    pytest.param(400, b"[" + body(400, "INVALID_ARGUMENT", BAD_KEY) + b"]", {}, 502, "provider_key_rejected", NO, id="in a list of one"),
    pytest.param(400, body(400, "INVALID_ARGUMENT", message="The input token count (9) exceeds the maximum number of tokens allowed (8)."), {}, 400, "context_too_long", {}, id="too long"),
    pytest.param(401, body(401, "UNAUTHENTICATED"), {}, 502, "provider_key_rejected", NO, id="401"),
    pytest.param(403, body(403, "PERMISSION_DENIED"), {}, 502, "provider_key_rejected", NO, id="403"),
    pytest.param(404, body(404, "NOT_FOUND"), {}, 404, "not_found", {}, id="404"),
    pytest.param(429, body(429, "RESOURCE_EXHAUSTED", MINUTE, retry("17s")), {}, 429, "rate_limited", {"retry-after": "17"}, id="429 with its delay in the body"),
    pytest.param(429, body(429, "RESOURCE_EXHAUSTED", retry("16.2s")), {}, 429, "rate_limited", {"retry-after": "17"}, id="a part of a second"),
    pytest.param(429, body(429, "RESOURCE_EXHAUSTED", retry({"seconds": 5})), {}, 429, "rate_limited", {"retry-after": "5"}, id="a delay as an object"),
    pytest.param(429, body(429, "RESOURCE_EXHAUSTED", retry("soon")), {}, 429, "rate_limited", {}, id="a delay that is none"),
    pytest.param(429, body(429, "RESOURCE_EXHAUSTED"), {"retry-after": "3"}, 429, "rate_limited", {"retry-after": "3"}, id="429 with a header"),
    pytest.param(429, body(429, "RESOURCE_EXHAUSTED", DAILY, retry("17s")), {}, 429, "provider_quota", NO, id="a day's quota"),
    pytest.param(500, body(500, "INTERNAL"), {}, 500, "provider_error", {}, id="500"),
    pytest.param(503, body(503, "UNAVAILABLE"), {}, 503, "overloaded", {}, id="503"),
    pytest.param(504, body(504, "DEADLINE_EXCEEDED"), {}, 504, "timeout", {}, id="504"),
    pytest.param(503, b"", {}, 503, "overloaded", {}, id="empty"),
    pytest.param(404, b"<!DOCTYPE html><title>404</title>", {}, 502, "unreadable_answer", {}, id="HTML"),
    pytest.param(200, b"", {}, 502, "unreadable_answer", {}, id="an empty answer"),
    pytest.param(400, b'{"error":{"details":"x","message":7}}', {}, 400, "bad_request", {}, id="nonsense"),
    pytest.param(500, b"[]", {}, 502, "unreadable_answer", {}, id="an empty list"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "raw", "headers", "told", "kind", "sent"), ERRORS)
def test_a_providers_error(
    status: int, raw: bytes, headers: dict[str, str], told: int, kind: str, sent: dict[str, str]
) -> None:
    error = DIALECT.parse_error(status, raw, headers)
    assert (error.status, error.kind, dict(error.headers), error.upstream_status) == (told, kind, sent, status)
    assert error.message


@pytest.mark.parametrize("secret", ["AIzaSyAAAABBBBCCCC", "AQ.Ab8RN6AAAABBBB"])
def test_messages_never_echo_a_key(secret: str) -> None:
    """BerriAI/litellm#15799: the key in the address is shown in errors."""
    for status in (400, 403, 500):
        error = DIALECT.parse_error(
            status, body(status, "X", message=f"bad {secret} at https://g/v1?key={secret}"), {}
        )
        assert secret not in error.message and "[hidden]" in error.message


OWN = [
    (ClientError("m", param="x"), "INVALID_ARGUMENT", "BadRequest"),
    (GatewayError("m", status=401, kind="key_invalid"), "UNAUTHENTICATED", None),
    (GatewayError("m", status=403, kind="forbidden"), "PERMISSION_DENIED", None),
    (GatewayError("m", status=404, kind="not_found"), "NOT_FOUND", None),
    (GatewayError("m", status=413, kind="too_large"), "INVALID_ARGUMENT", None),
    (
        GatewayError("m", status=429, kind="rate_limited", headers={"retry-after": "4"}),
        "RESOURCE_EXHAUSTED",
        "RetryInfo",
    ),
    (UpstreamError("m", kind="provider_key_rejected", code="API_KEY_INVALID"), "INTERNAL", "ErrorInfo"),
    (UpstreamError("m", status=503, kind="overloaded"), "UNAVAILABLE", None),
    (UpstreamError("m", status=504, kind="timeout"), "DEADLINE_EXCEEDED", None),
    (GatewayError("m", status=508, kind="loop_detected"), "INTERNAL", None),
]


@pytest.mark.parametrize(("error", "word", "detail"), OWN)
def test_our_errors_in_googles_form(error: GatewayError, word: str, detail: str | None) -> None:
    told = json.loads(DIALECT.render_error(error, "req_9"))["error"]
    assert (told["code"], told["message"], told["status"]) == (error.status, "m", word)
    assert [item["@type"] for item in told.get("details", [])] == ([] if detail is None else [TYPE + detail])


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (body(503, "UNAVAILABLE"), "overloaded", 503),
        (b"<html>", "unreadable_answer", 502),
        (b"{}", "unreadable_answer", 502),
        (b"[]", "unreadable_answer", 502),
        (b'{"candidates":[]}', "unreadable_answer", 502),
        (b'{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}', "unreadable_answer", 502),
        (b'{"candidates":[{"content":{"parts":[{"text":["x"]}]},"finishReason":"STOP"}]}', "unreadable_answer", 502),
        (b'{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]},"finishReason":"STOP"}]}', "unreadable_answer", 502),
    ],
)  # fmt: skip
def test_an_answer_that_is_none(raw: bytes, kind: str, status: int) -> None:
    with pytest.raises(UpstreamError) as caught:
        DIALECT.parse_response(raw)
    assert (caught.value.kind, caught.value.status) == (kind, status)


@pytest.mark.parametrize("details", [True, 7, "x", {"a": 1}, [None, 3, {"retryDelay": 5}]])
def test_details_of_another_form_are_no_failure(details: object) -> None:
    body = json.dumps({"error": {"code": 429, "message": "Slow down.", "details": details}}).encode()
    error = DIALECT.parse_error(429, body, {})
    assert (error.status, error.kind, error.message) == (429, "rate_limited", "Slow down.")


def test_an_error_inside_a_stream_names_its_field() -> None:
    told = error_object(StreamError("No.", "bad_request", 400, param="contents"))["error"]
    assert [each["field"] for detail in told["details"] for each in detail["fieldViolations"]] == ["contents"]
