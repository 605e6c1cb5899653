"""Counting tokens without an answer: `:countTokens`, which Google does not bill.

Source: google-genai's `CountTokensResponse`.
"""

import msgspec
from msgspec import Struct

from gateway.dialects.gemini.paths import resource
from gateway.model import Usage


class _Count(Struct, rename="camel"):
    total_tokens: int | None = None


_DECODER = msgspec.json.Decoder(_Count)


def count_path(model: str) -> str:
    return f"{resource(model)}:countTokens"


def parse_count(body: bytes) -> tuple[str | None, Usage | None]:
    """The counted input; None where the answer says none that is readable. Google leaves a zero out."""
    try:
        count = _DECODER.decode(body).total_tokens
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    return None, Usage(input_tokens=max(0, count or 0))


def render_count(tokens: int) -> bytes:
    return msgspec.json.encode({"totalTokens": tokens})
