"""What is common to reading any provider's error: which kind a status is, and bodies that are none of the dialect.

The provider's status stands, except where it would mislead the client: a refused provider key is not the client's
login (502, not to be retried), and a page of HTML or plain text is no answer (502).
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

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
_WAIT, _SHOULD_RETRY = "retry-after", "x-should-retry"
_DO_NOT_RETRY = {_SHOULD_RETRY: "false"}
# What is longer is no error that a client reads.
_LONGEST_OWN = 32 * 1024


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
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> UpstreamError:
    """A provider's error with its keys taken out, its status kept where that does not mislead; `headers` are those of
    `kept_headers`."""
    said = redact(message)
    own_words = not said
    if kind == KEY_REJECTED:
        said = key_refused(status, said)
        headers = _DO_NOT_RETRY
    elif kind == "provider_quota":
        headers = _DO_NOT_RETRY
    return UpstreamError(
        said or f"The provider answered {status} without saying why: try again later.",
        status=status if 400 <= status <= 599 and kind != KEY_REJECTED else 502,
        kind=kind,
        param=param,
        code=code,
        headers=headers,
        upstream_status=status,
        own_words=own_words,
    )


def key_refused(status: int, said: str) -> str:
    """What is told of a key that was not taken; with 403 it is known, and may not do this. `said` by the provider."""
    told = "The provider rejected its API key: check the key stored for it or sent with the request"
    if status == 403:
        told = "The provider does not allow this with its API key: check there what the key may do"
    return f"{told} (it said: {said.rstrip('.')})." if said else f"{told}."


def as_stream_error(error: GatewayError) -> StreamError:
    """The error as an event of the stream that it ends."""
    answered = error.upstream_status if isinstance(error, UpstreamError) else None
    return StreamError(error.message, error.kind, error.status, error.code, error.own_words, error.param, answered)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What a provider's headers say of another try: `retry-after` as whole seconds, rounded up, or the date as it
    came, and whether there should be one."""
    found = {key: value.strip() for name, value in headers.items() if (key := name.lower()) in (_WAIT, _SHOULD_RETRY)}
    wait = found.pop(_WAIT, "")
    if seconds := whole_seconds(wait) or (wait if wait.endswith("GMT") and len(wait) < 40 else None):
        found[_WAIT] = seconds
    return found


def own_form(body: bytes, key: str | None) -> Mapping[str, Any] | None:
    """What a provider's error says, for a client of its dialect: the object as it came, `key` and every other key and
    token taken out of its texts and names; None where it has not the form that all these dialects share, or is nested
    too deeply to be looked through."""
    said = decode_error(body) if len(body) <= _LONGEST_OWN else None
    try:
        redacted: Mapping[str, Any] = _redacted(said or {}, key)
    except RecursionError:
        return None
    return redacted if isinstance(redacted.get("error"), dict) else None


def as_said(rendered: bytes, said: Mapping[str, Any]) -> bytes:
    """An error of ours with all that its provider said of it; its message and what stands around it are ours."""
    ours = msgspec.json.decode(rendered)
    error = ours["error"]
    # Where a dialect has a text, some compatible servers say a number: their status.
    taken = {
        name: value
        for name, value in said["error"].items()
        if value is not None and (isinstance(value, str) or not isinstance(error.get(name), str))
    }
    return msgspec.json.encode({**said, **ours, "error": {**error, **taken, "message": error["message"]}})


def _redacted(value: Any, key: str | None) -> Any:
    match value:
        case str():
            return redact(value, key)
        case list():
            return [_redacted(item, key) for item in value]
        case dict():
            return {_redacted(name, key): _redacted(item, key) for name, item in value.items()}
    return value


def whole_seconds(value: str) -> str | None:
    """A number of seconds, rounded up; None where it is none."""
    try:
        seconds = float(value)
    except ValueError:
        return None
    return str(math.ceil(seconds)) if math.isfinite(seconds) and seconds >= 0 else None
