"""Embeddings in OpenAI's form: the request, a look at it where its bytes pass as they are, and the answer's usage."""

import base64
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.counts import count_in
from gateway.dialects.openai_chat.fields import Fields
from gateway.dialects.openai_chat.usage import parse_usage
from gateway.dialects.openai_chat.wire import decode_json
from gateway.errors import ClientError
from gateway.model import EmbeddingsRequest, Usage

EMBEDDINGS_PATH = "/embeddings"


def embeddings_path(_model: str) -> str:
    return EMBEDDINGS_PATH


def parse_embeddings(body: bytes) -> EmbeddingsRequest:
    """The body of an embeddings request. Raises ClientError that names the field."""
    try:
        fields = Fields(decode_json(body))
    except ValueError as error:
        raise ClientError(f"The request body is not valid JSON: {error}.") from error
    model = fields.need_str("model")
    encoding = fields.take_str("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise ClientError("`encoding_format` must be float or base64.", param="encoding_format")
    return EmbeddingsRequest(
        model=model,
        inputs=_parse_inputs(fields.take("input")),
        dimensions=fields.take_int("dimensions", 1),
        base64=encoding == "base64",
        user=fields.take_str("user"),
    )


def _parse_inputs(value: Any) -> tuple[str, ...] | tuple[tuple[int, ...], ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        raise ClientError("`input` must be a string or a list with at least one entry.", param="input")
    kind = _kind(value[0])
    wrong = next((at for at, entry in enumerate(value) if kind is None or _kind(entry) != kind), None)
    if wrong is not None:
        message = "`input` must hold only strings, only token numbers, or only lists of token numbers"
        raise ClientError(f"{message}: look at `input[{wrong}]`.", param=f"input[{wrong}]")
    if kind == "token":
        return (tuple(value),)
    return tuple(value) if kind == "text" else tuple(tuple(entry) for entry in value)


def _kind(entry: Any) -> str | None:
    if isinstance(entry, str):
        return "text"
    if isinstance(entry, int) and not isinstance(entry, bool):
        return "token"
    is_tokens = isinstance(entry, list) and bool(entry) and all(_kind(token) == "token" for token in entry)
    return "tokens" if is_tokens else None


def render_embeddings(vectors: Sequence[Sequence[float]], request: EmbeddingsRequest, tokens: int) -> bytes:
    """An answer that another dialect's vectors are put into; base64 holds little-endian 32-bit floats."""
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if request.base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode({"object": "list", "data": data, "model": request.model, "usage": usage})


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


class _Answer(Struct):
    model: Any = None
    usage: Any = None


_ANSWER_DECODER = msgspec.json.Decoder(_Answer)


def parse_embeddings_usage(body: bytes) -> tuple[str | None, Usage | None]:
    """Model and input of an answer, skipping the vectors; None for what is not there or not readable. Some servers
    say a total only, which is all input."""
    try:
        answer = _ANSWER_DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    model, raw = answer.model if isinstance(answer.model, str) else None, answer.usage
    if isinstance(raw, dict) and count_in(raw, "prompt_tokens") is None:
        raw = {**raw, "prompt_tokens": raw.get("total_tokens")}
    return model, parse_usage(raw)
