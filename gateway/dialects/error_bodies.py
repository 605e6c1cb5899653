"""What is common to reading any provider's error: which kind a status is, and bodies that are none of the dialect.

The provider's status stands, except where it would mislead the client: a refused provider key is not the client's
login (502, not to be retried), and a page of HTML or plain text is no answer (502).
"""

import math
from collections.abc import Mapping
from typing import Any

from gateway.dialects.json_text import decode_json
from gateway.dialects.redaction import redact
from gateway.errors import NO_HEADERS, GatewayError, UpstreamError
from gateway.events import StreamError

KEY_REJECTED = "provider_key_rejected"
_KINDS = {
    400: "bad_request",
    401: KEY_REJECTED,
    402: "provider_quota",
    403: KEY_REJECTED,
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_DO_NOT_RETRY = {"x-should-retry": "false"}


def kind_of(status: int) -> str:
    return _KINDS.get(status, "provider_error" if status >= 500 else "bad_request")


def decode_error(body: bytes) -> dict[str, Any] | None:
    """The body's JSON object, taken out of a list of one; None where it is anything else."""
    try:
        value = decode_json(body)
    except ValueError:
        return None
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else None


def words(value: Mapping[str, Any]) -> str:
    """The sentence in an error object, wherever compatible servers put it; "" where there is none."""
    for name in ("message", "error", "detail", "msg"):
        said = value.get(name)
        if isinstance(said, str) and said.strip():
            return said.strip()
    return ""


def not_readable(status: int, body: bytes) -> UpstreamError:
    """For a body that is no JSON object. An empty one leaves the status to speak."""
    if body.strip() or status < 400:
        return UpstreamError(
            f"The provider answered {status} with something that is not an error of its API: "
            "check its base URL, or try again.",
            kind="unreadable_answer",
            upstream_status=status,
            own_words=True,
        )
    return upstream_error("", status, kind_of(status))


def upstream_error(
    message: str,
    status: int,
    kind: str,
    *,
    upstream_type: str | None = None,
    code: str | None = None,
    param: str | None = None,
    retry_after: str | None = None,
) -> UpstreamError:
    """A provider's error with its keys taken out, its status kept where that does not mislead."""
    said = redact(message)
    own_words = not said
    headers: Mapping[str, str] = NO_HEADERS
    if kind == KEY_REJECTED:
        said = "The provider rejected its API key: check the key stored for it or sent with the request" + (
            f" (it said: {said.rstrip('.')})." if said else "."
        )
        headers = _DO_NOT_RETRY
    elif kind == "provider_quota":
        headers = _DO_NOT_RETRY
    elif retry_after is not None:
        headers = {"retry-after": retry_after}
    return UpstreamError(
        said or f"The provider answered {status} without saying why: try again later.",
        status=502 if kind == KEY_REJECTED or status < 400 else status,
        kind=kind,
        param=param,
        code=code,
        headers=headers,
        upstream_status=status,
        upstream_type=upstream_type,
        own_words=own_words,
    )


def as_stream_error(error: GatewayError) -> StreamError:
    """The error as an event of the stream that it ends."""
    return StreamError(error.message, error.kind, error.status, error.code, error.own_words, error.param)


def retry_after(headers: Mapping[str, str]) -> str | None:
    """The provider's retry-after: whole seconds, rounded up, or the date as it came."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    return whole_seconds(value) or (value if value.endswith("GMT") and len(value) < 40 else None)


def whole_seconds(value: str) -> str | None:
    """A number of seconds, rounded up; None where it is none."""
    try:
        seconds = float(value)
    except ValueError:
        return None
    return str(math.ceil(seconds)) if math.isfinite(seconds) and seconds >= 0 else None
