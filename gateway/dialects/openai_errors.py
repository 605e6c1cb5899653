"""Errors of OpenAI's two dialects, both ways.

Providers that speak them answer errors in several forms: OpenAI's object, xAI's string `error` beside `code`, a
`detail` (string or FastAPI's list), a bare message, an array around any of them, plain text, an HTML page. All become
an `UpstreamError` with a neutral kind. A rejected key is told in our own words: the provider's may echo the key, and
it is the gateway's key, not the client's; what a known key may not do is told in the provider's. Towards clients all
four keys of OpenAI's error object are always there.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.error_bodies import as_stream_error, key_refused
from gateway.dialects.json_text import decode_json
from gateway.dialects.redaction import redact
from gateway.errors import GatewayError, UpstreamError
from gateway.events import UNREADABLE, StreamError

_KEPT_HEADERS = ("retry-after", "retry-after-ms", "x-should-retry")
_NO_RETRY = {"x-should-retry": "false"}
_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "quota_exceeded")
_KEY_REJECTED = re.compile(r"incorrect api key|invalid api key|api key not valid|api_key_invalid", re.I)
_TOO_LONG = re.compile(r"context_length_exceeded|maximum (?:context|prompt) length|context window", re.I)
_HTML = re.compile(rb"\s*+(?:\xef\xbb\xbf)?\s*+<(?:!doctype|html|head|body|\?xml)", re.I)

KEY_REJECTED = "The provider rejected the API key: check it, or store a new one."
FAILED_MIDWAY = "The provider failed in the middle of its answer: try the request again."

_KINDS_BY_STATUS = {
    402: "provider_quota",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_STATUS_BY_WORD = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "server_is_overloaded": 503,
    "overloaded_error": 503,
    "timeout": 504,
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    # Codes of a failed response (`ResponseError` of the SDK).
    "invalid_prompt": 400,
    "bio_policy": 400,
    "misalignment_policy_violation": 400,
    "data_residency_mismatch": 400,
    "vector_store_timeout": 504,
}

# kind → the client's `type`, and `code` where the error brings none (wire/mapping: errors and status).
_TYPES: dict[str, tuple[str, str | None]] = {
    "bad_request": ("invalid_request_error", None),
    "context_too_long": ("invalid_request_error", "context_length_exceeded"),
    "key_invalid": ("invalid_request_error", "invalid_api_key"),
    "provider_key_rejected": ("server_error", "upstream_auth_failed"),
    "forbidden": ("permission_error", "forbidden"),
    "budget_exhausted": ("insufficient_quota", "insufficient_quota"),
    "not_found": ("invalid_request_error", "model_not_found"),
    "method_not_allowed": ("invalid_request_error", "method_not_allowed"),
    "too_large": ("invalid_request_error", "request_too_large"),
    "unsupported_media_type": ("invalid_request_error", "unsupported_media_type"),
    "upgrade_required": ("invalid_request_error", "upgrade_required"),
    "rate_limited": ("rate_limit_error", "rate_limit_exceeded"),
    "provider_quota": ("insufficient_quota", "upstream_quota"),
    "overloaded": ("server_error", "server_is_overloaded"),
    "provider_unconfigured": ("server_error", "provider_unconfigured"),
    "provider_error": ("server_error", "upstream_error"),
    "unreadable_answer": ("server_error", "upstream_unreadable"),
    "connection_lost": ("server_error", "upstream_connection_lost"),
    "timeout": ("server_error", "timeout"),
    "loop_detected": ("server_error", "loop_detected"),
    "internal": ("server_error", "internal_error"),
}


class _Said(Struct):
    """What an error body says."""

    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | None = None
    status: int | None = None


def unreadable() -> UpstreamError:
    """The error for an answer that is none."""
    return UpstreamError(UNREADABLE.message, kind=UNREADABLE.kind, own_words=True)


def parse_error(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamError:
    """A provider's refusal or failure, from an answer with a status of 300 or more. Never raises."""
    said = _said(body)
    kept = {name: value for key, value in headers.items() if (name := key.lower()) in _KEPT_HEADERS}
    if said is None:
        return UpstreamError(
            UNREADABLE.message, kind=UNREADABLE.kind, headers=kept, upstream_status=status, own_words=True
        )
    return _classified(status, said, kept)


def error_in_answer(body: bytes) -> UpstreamError:
    """An error object that came with a status of 200; its own code or type says which status it should have had."""
    said = _said(body) or _Said()
    return _classified(_status_of(said), said, {})


def error_in(value: Any) -> UpstreamError:
    """The same for an object that is decoded already: an `error`, or what holds one."""
    said = _said_in(value)
    return _classified(_status_of(said), said, {})


def failed_answer(error: Any) -> UpstreamError:
    """For an answer that says of itself that it failed; `error` is what it says why, if anything."""
    return error_in({"error": error}) if error else UpstreamError(FAILED_MIDWAY, own_words=True)


def stream_error(data: bytes) -> StreamError:
    """An error event inside a stream."""
    return as_stream_error(error_in_answer(data))


def _classified(status: int, said: _Said, headers: Mapping[str, str]) -> UpstreamError:
    message = redact(said.message)
    kind = _kind(status, said.type, said.code, message)
    if kind == "provider_key_rejected":
        of_the_key = status != 403
        return UpstreamError(
            KEY_REJECTED if of_the_key else key_refused(status, message),
            kind=kind,
            headers=_NO_RETRY,
            upstream_status=status,
            own_words=of_the_key or not message,
        )
    if kind == "provider_quota":
        headers = {**headers, **_NO_RETRY}
    return UpstreamError(
        message or f"The provider answered {status} and said nothing more: try the request again.",
        status=status if 400 <= status <= 599 else 502,
        kind=kind,
        param=said.param,
        code=said.code,
        headers=headers,
        upstream_status=status,
        own_words=not message,
    )


def _kind(status: int, word: str | None, code: str | None, message: str) -> str:
    if status in (401, 403) or (status == 400 and _KEY_REJECTED.search(f"{code} {message}")):
        return "provider_key_rejected"
    if status in (402, 429) and (code in _QUOTA or word in _QUOTA):
        return "provider_quota"
    if status in (400, 413, 422) and _TOO_LONG.search(f"{code} {message}"):
        return "context_too_long"
    if status in _KINDS_BY_STATUS:
        return _KINDS_BY_STATUS[status]
    return "bad_request" if 400 <= status < 500 else "provider_error"


def _status_of(said: _Said) -> int:
    if said.status is not None and 400 <= said.status <= 599:
        return said.status
    return _STATUS_BY_WORD.get(said.code or "") or _STATUS_BY_WORD.get(said.type or "") or 502


def _said(body: bytes) -> _Said | None:
    """What the body says; None for an HTML page or bytes that are no text."""
    if _HTML.match(body):
        return None
    try:
        return _said_in(decode_json(body))
    except ValueError:
        pass
    try:
        return _Said(body.decode().strip())
    except UnicodeDecodeError:
        return None


def _said_in(value: Any) -> _Said:
    if isinstance(value, list):
        return _said_in(value[0]) if value else _Said()
    if not isinstance(value, dict):
        return _Said(value if isinstance(value, str) else "")
    error = value.get("error")
    if isinstance(error, dict):
        return _from_object(error)
    said = _from_object(value)
    if isinstance(error, str):
        said.message = error
    return said


def _from_object(error: dict[str, Any]) -> _Said:
    message = error.get("message")
    detail = error.get("detail")
    if isinstance(detail, list):
        detail = "; ".join(_detail(entry) for entry in detail)
    code = error.get("code")
    # vLLM and OpenRouter repeat the status there.
    is_status = isinstance(code, int) and 400 <= code <= 599
    statuses = [value for value in (error.get("status"), error.get("status_code"), code) if isinstance(value, int)]
    return _Said(
        message=next((text for text in (message, detail) if isinstance(text, str) and text), ""),
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        code=None if code is None or is_status else str(code),
        status=statuses[0] if statuses else None,
    )


def _detail(entry: Any) -> str:
    # FastAPI's validation errors: {"loc": ["body", "model"], "msg": "field required"}.
    if not isinstance(entry, dict):
        return str(entry)
    steps = entry.get("loc")
    place = ".".join(str(step) for step in steps if step != "body") if isinstance(steps, list) else ""
    return f"{place}: {entry.get('msg', '')}" if place else str(entry.get("msg", ""))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def error_object(kind: str, message: str, param: str | None, code: str | None) -> dict[str, Any]:
    """`{"error": …}` in OpenAI's words, all four keys always there."""
    error_type, default_code = _TYPES.get(kind, _TYPES["internal"])
    return {"error": {"message": message, "type": error_type, "param": param, "code": code or default_code}}


def render_error(error: GatewayError, request_id: str) -> bytes:
    """The error's body; the request id is in a header of this dialect, not in the body."""
    return msgspec.json.encode(error_object(error.kind, error.message, error.param, error.code))
