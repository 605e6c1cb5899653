"""Errors in Google's form, read and written; also the error chunk inside a stream.

A bad key is answered with 400 and a reason, a rate limit with a delay in the body and no header. Source: google.rpc's
ErrorInfo, RetryInfo, QuotaFailure and BadRequest as the API sends them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.dialects.error_bodies import (
    KEY_REJECTED,
    decode_error,
    kept_headers,
    kind_of,
    not_readable,
    upstream_error,
    whole_seconds,
    words,
)
from gateway.errors import NO_HEADERS, GatewayError, UpstreamError
from gateway.events import StreamError

_TYPE = "type.googleapis.com/google.rpc."
_KEY_REASONS = ("API_KEY_INVALID", "API_KEY_EXPIRED", "ACCESS_TOKEN_TYPE_UNSUPPORTED")
_KEY_WORDS = ("api key not valid", "api key expired", "api key not found")
_TOO_LONG = ("exceeds the maximum number of tokens", "input token count")
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "INVALID_ARGUMENT",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    502: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_STATUS_BY_KIND = {
    "key_invalid": "UNAUTHENTICATED",
    "forbidden": "PERMISSION_DENIED",
    "budget_exhausted": "RESOURCE_EXHAUSTED",
    "not_found": "NOT_FOUND",
    "rate_limited": "RESOURCE_EXHAUSTED",
    "provider_quota": "RESOURCE_EXHAUSTED",
    "overloaded": "UNAVAILABLE",
    "timeout": "DEADLINE_EXCEEDED",
}


def parse_error(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamError:
    """A provider's error answer, also one in a list of one; never raises."""
    fields = decode_error(body)
    if fields is None:
        return not_readable(status, body)
    return _parse(fields, status, kept_headers(headers))


def error_in_answer(fields: Mapping[str, Any]) -> UpstreamError | None:
    """The error that came with a 200 or as a chunk of a stream; None where there is none."""
    error = fields.get("error")
    if error is None:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    return _parse(fields, code if isinstance(code, int) and 400 <= code < 600 else 500, NO_HEADERS)


def _parse(fields: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> UpstreamError:
    error = fields.get("error")
    error = error if isinstance(error, dict) else {}
    message = words(error) or words(fields)
    said = error.get("details")
    details = [item for item in (said if isinstance(said, list) else ()) if isinstance(item, dict)]
    reason = next((item["reason"] for item in details if isinstance(item.get("reason"), str)), None)
    kind = _kind(status, reason, details, message.lower())
    if "retry-after" not in headers and (delay := _retry_delay(details)) is not None:
        headers = {**headers, "retry-after": delay}
    return upstream_error(message, status, kind, code=reason, headers=headers)


def _kind(status: int, reason: str | None, details: list[dict[str, Any]], message: str) -> str:
    if reason in _KEY_REASONS or any(words in message for words in _KEY_WORDS):
        return KEY_REJECTED
    if status == 429 and _is_daily(details):
        return "provider_quota"
    if status == 400 and any(words in message for words in _TOO_LONG):
        return "context_too_long"
    return kind_of(status)


def _is_daily(details: list[dict[str, Any]]) -> bool:
    """A day's quota does not come back within a retry."""
    violations = [item for detail in details for item in detail.get("violations") or () if isinstance(item, dict)]
    return any("PerDay" in str(item.get("quotaId", "")) for item in violations)


def _retry_delay(details: list[dict[str, Any]]) -> str | None:
    delay = next((item["retryDelay"] for item in details if "retryDelay" in item), None)
    if isinstance(delay, dict):
        delay = str(delay.get("seconds", ""))
    return whole_seconds(delay.removesuffix("s")) if isinstance(delay, str) else None


def render_error(error: GatewayError, _request_id: str) -> bytes:
    """The body of an error for a client; the request's id has no field here."""
    return msgspec.json.encode(error_object(error))


def error_object(error: GatewayError | StreamError) -> dict[str, Any]:
    """The error as it stands in a body and in a chunk of a stream."""
    fallback = "INVALID_ARGUMENT" if 400 <= error.status < 500 else "INTERNAL"
    word = _STATUS_BY_KIND.get(error.kind) or _STATUSES.get(error.status, fallback)
    body: dict[str, Any] = {"code": error.status, "message": error.message, "status": word}
    if details := _details(error):
        body["details"] = details
    return {"error": body}


def _details(error: GatewayError | StreamError) -> list[dict[str, Any]]:
    details: list[dict[str, Any]] = []
    if error.code is not None:
        details.append({"@type": _TYPE + "ErrorInfo", "reason": error.code})
    if error.param is not None:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": _TYPE + "BadRequest", "fieldViolations": [violation]})
    if isinstance(error, StreamError):
        return details
    if wait := whole_seconds(error.headers.get("retry-after", "")):
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": f"{wait}s"})
    return details
