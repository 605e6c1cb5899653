"""Errors in Anthropic's form, read and written; also the error event inside a stream.

Source: the SDK's error types; which `error_code` of a 429 means a spent budget, from Anthropic's own description.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.dialects.error_bodies import (
    KEY_REJECTED,
    as_stream_error,
    decode_error,
    kept_headers,
    kind_of,
    not_readable,
    upstream_error,
    words,
)
from gateway.errors import NO_HEADERS, GatewayError, UpstreamError
from gateway.events import StreamError

# type → (kind, status it stands for inside a stream or a 200)
_TYPES = {
    "invalid_request_error": ("bad_request", 400),
    "authentication_error": (KEY_REJECTED, 401),
    "billing_error": ("provider_quota", 402),
    "permission_error": (KEY_REJECTED, 403),
    "not_found_error": ("not_found", 404),
    "conflict_error": ("bad_request", 409),
    "request_too_large": ("too_large", 413),
    "rate_limit_error": ("rate_limited", 429),
    "api_error": ("provider_error", 500),
    "timeout_error": ("timeout", 504),
    "overloaded_error": ("overloaded", 529),
}
_SPENT = ("enforced_spend_limit_reached", "contract_spend_limit_reached")
_TOO_LONG = ("prompt is too long", "exceed context limit", "context window")
# `messages.1.content: Field required`: the words begin with the path.
_OF_MESSAGES = re.compile(r"messages[.:]")
_NO_CREDIT = "credit balance is too low"

_WORDS_BY_KIND = {
    "key_invalid": "authentication_error",
    "forbidden": "permission_error",
    "budget_exhausted": "billing_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limited": "rate_limit_error",
    "provider_quota": "overloaded_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
}


def parse_error(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamError:
    """A provider's error answer; never raises."""
    fields = decode_error(body)
    if fields is None:
        return not_readable(status, body)
    return _parse(fields, status, kept_headers(headers))


def error_in_answer(fields: Mapping[str, Any]) -> UpstreamError | None:
    """The error that came with a 200 or as an event of a stream; None where there is none."""
    if fields.get("type") != "error" and not ("error" in fields and "content" not in fields):
        return None
    error = fields.get("error")
    kind = str(error.get("type")) if isinstance(error, dict) else ""
    return _parse(fields, _TYPES.get(kind, ("", 500))[1], NO_HEADERS)


def stream_error(fields: Mapping[str, Any]) -> StreamError:
    error = error_in_answer({**fields, "type": "error"})
    assert error is not None
    return as_stream_error(error)


def _parse(fields: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> UpstreamError:
    error = fields.get("error")
    error = error if isinstance(error, dict) else {}
    message = words(error) or words(fields)
    word = error.get("type") if isinstance(error.get("type"), str) else None
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    code = code if isinstance(code, str) else None
    kind = _kind(status, word, code, message.lower())
    param = "messages" if _OF_MESSAGES.match(message) else None
    return upstream_error(message, status, kind, code=code, param=param, headers=headers)


def _kind(status: int, word: str | None, code: str | None, message: str) -> str:
    if code in _SPENT or _NO_CREDIT in message:
        return "provider_quota"
    kind, _ = _TYPES.get(word or "", ("", 0))
    kind = kind_of(status) if not kind or kind == "provider_error" else kind
    if kind == "bad_request" and any(words in message for words in _TOO_LONG):
        return "context_too_long"
    return kind


def render_error(error: GatewayError, request_id: str) -> bytes:
    """The body of an error for a client."""
    return msgspec.json.encode(
        {**error_object(error.kind, error.status, error.message, error.code), "request_id": request_id}
    )


def error_object(kind: str, status: int, message: str, code: str | None) -> dict[str, Any]:
    """The error as it stands in a body and in an `error` event."""
    word = _WORDS_BY_KIND.get(kind) or ("invalid_request_error" if 400 <= status < 500 else "api_error")
    error: dict[str, Any] = {"type": word, "message": message}
    if code is not None:
        error["details"] = {"error_code": code}
    return {"type": "error", "error": error}
