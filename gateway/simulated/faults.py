"""How the simulated providers fail when they are told to: by a marker in the last user message, or by `fail`.

Kinds: 401, 429 (with the provider's own way of saying when to retry), 500 and 503 in native bodies; html (a page
where JSON was due); half-stream (half an answer, then the end); stall (half an answer, then silence until the client
leaves).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

STATUSES = {"401": 401, "429": 429, "500": 500, "503": 503}
MESSAGES = {
    "401": "Incorrect API key provided.",
    "429": "Rate limit reached for requests.",
    "500": "The server had an error while processing your request.",
    "503": "The engine is currently overloaded.",
}
KINDS = (*STATUSES, "html", "half-stream", "stall")
PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
RETRY_AFTER_S = 3
_MARKER = re.compile(r"\[fail:([a-z0-9-]+)\]")


class Refusal(Struct, frozen=True, kw_only=True):
    """An error in a provider's own words: `status`, JSON `body`, `headers` beside the request id."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = {}


Refuse = Callable[[int, str, str], Refusal]


def marked(text: str) -> str | None:
    """The kind that the text asks for, None where it asks for none that we know."""
    found = _MARKER.search(text)
    return found.group(1) if found and found.group(1) in KINDS else None


class Orders:
    """Failures told from outside, used up one by one."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[str]] = {}

    def add(self, provider: str, kind: str, times: int) -> None:
        """Raises ValueError for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"There is no failure called {kind}; choose one of {', '.join(KINDS)}.")
        self._waiting.setdefault(provider, []).extend([kind] * times)

    def take(self, provider: str) -> str | None:
        waiting = self._waiting.get(provider)
        return waiting.pop(0) if waiting else None


def refuse_openai(status: int, message: str, _request_id: str) -> Refusal:
    """The four keys that OpenAI's errors always have."""
    kind = {429: "requests", 500: "server_error", 503: "server_error"}.get(status, "invalid_request_error")
    code = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(status)
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 429 else {}
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Refusal(status=status, body={"error": error}, headers=headers)


def refuse_xai(status: int, message: str, _request_id: str) -> Refusal:
    """xAI's `error` is a string, and a wrong key is answered with 400; only a missing one with 401."""
    code = {401: "unauthenticated", 404: "not-found", 429: "resource-exhausted", 500: "internal"}.get(
        status, "invalid"
    )
    return Refusal(status=status, body={"code": code, "error": message})


def refuse_anthropic(status: int, message: str, request_id: str) -> Refusal:
    kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 500: "api_error"}
    error = {"type": kinds.get(status, "invalid_request_error" if status < 500 else "overloaded_error")}
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 429 else {}
    body = {"type": "error", "error": {**error, "message": message}, "request_id": request_id}
    return Refusal(status=status, body=body, headers=headers)


def refuse_google(status: int, message: str, _request_id: str) -> Refusal:
    """A wrong key is 400 with the reason API_KEY_INVALID; the delay of a 429 stands in the body only."""
    details: list[dict[str, str]] = []
    if status == 401:
        status, message = 400, "API key not valid. Please pass a valid API key."
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    if status == 429:
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{RETRY_AFTER_S}s"}]
    words = {
        400: "INVALID_ARGUMENT",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        500: "INTERNAL",
        503: "UNAVAILABLE",
    }
    error = {"code": status, "message": message, "status": words.get(status, "UNKNOWN"), "details": details}
    return Refusal(status=status, body={"error": error})
