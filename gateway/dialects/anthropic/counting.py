"""Counting tokens without an answer: `POST /v1/messages/count_tokens`, which Anthropic does not bill.

Its request is a Messages request without a limit, its answer one number. Source: the SDK's `MessageTokensCount`.
"""

import msgspec
from msgspec import Struct

from gateway.model import Usage

COUNT_PATH = "/v1/messages/count_tokens"


class _Count(Struct):
    input_tokens: int | None = None


_DECODER = msgspec.json.Decoder(_Count)


def count_path(_model: str) -> str:
    return COUNT_PATH


def parse_count(body: bytes) -> tuple[str | None, Usage | None]:
    """The counted input; None where the answer says none that is readable."""
    try:
        count = _DECODER.decode(body).input_tokens
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    return None, None if count is None else Usage(input_tokens=max(0, count))


def render_count(tokens: int) -> bytes:
    return msgspec.json.encode({"input_tokens": tokens})
