"""What OpenAI's and xAI's two endpoints share: credentials, errors, model lists, which model takes what.

Sources: the `openai` SDK; xAI's published errors, whose `error` is a string.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.provider.format import Error
from tests.provider.media import GIF, JPEG, PNG, WEBP
from tests.provider.strict import Rejected

IMAGES = (JPEG, PNG, GIF, WEBP)
OPENAI_REASONING = ("o1", "o3", "o4", "gpt-5", "gpt-6")
XAI_WITHOUT_REASONING = ("grok-3", "grok-4-1-fast-non-reasoning")
XAI_EFFORTS = {
    "grok-3-mini": ("low", "high"),
    "grok-4.3": ("none", "low", "medium", "high"),
    "grok-4.5": ("low", "medium", "high"),
    "grok-4.6": ("low", "medium", "high", "xhigh"),
}
XAI_SHOWS_REASONING = ("grok-3-mini", "grok-4.3")
XAI_IMAGES = (JPEG, PNG)


def bearer(headers: Mapping[str, str], _query: Mapping[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def refuse_unknown(body: Mapping[str, Any], known: Iterable[str]) -> None:
    for name in body:
        if name not in known:
            raise Rejected(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def refuse_unless_default(body: Mapping[str, Any], defaults: Mapping[str, float]) -> None:
    for name, default in defaults.items():
        if body.get(name, default) not in (default, None):
            raise Rejected(
                f"Unsupported value: '{name}' does not support {body[name]} with this model. "
                f"Only the default ({default}) value is supported.",
                param=name,
                code="unsupported_value",
            )


def check_name(name: str, where: str) -> None:
    """A tool's name. Raises Rejected."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
        raise Rejected(f"Invalid '{where}': string does not match pattern '^[a-zA-Z0-9_-]+$'.", param=where)


def model_list(owner: str) -> Any:
    return lambda ids: {
        "object": "list",
        "data": [{"id": item, "object": "model", "created": 1_700_000_000, "owned_by": owner} for item in ids],
    }


_TYPES = {"429": "requests", "500": "server_error", "503": "server_error", "529": "server_error"}
_CODES = {"401": "invalid_api_key", "404": "model_not_found", "429": "rate_limit_exceeded"}


def error_openai(status: str, message: str, _request_id: str, param: str | None, code: str | None) -> Error:
    body = {
        "message": message,
        "type": _TYPES.get(status, "invalid_request_error"),
        "param": param,
        "code": code or _CODES.get(status),
    }
    headers = {"retry-after": "7", "retry-after-ms": "7000"} if status == "429" else {}
    return int(status), headers, {"error": body}


def error_xai(status: str, message: str, _request_id: str, _param: str | None, _code: str | None) -> Error:
    if status == "401":
        # A bad key is answered with 400 here.
        text = "Incorrect API key provided: xa***st. You can obtain an API key from https://console.x.ai."
        return 400, {}, {"code": "invalid-argument", "error": text}
    word = {"404": "not-found", "429": "resource-exhausted", "500": "internal"}.get(status, "invalid-argument")
    return int(status), {"retry-after": "7"} if status == "429" else {}, {"code": word, "error": message}
