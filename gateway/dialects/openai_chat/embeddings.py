"""Embeddings in OpenAI's form: the request, a look at it where its bytes pass as they are, and the answer's usage."""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.openai_chat.fields import Fields
from gateway.dialects.openai_chat.usage import parse_usage
from gateway.dialects.openai_chat.wire import decode_json
from gateway.errors import ClientError
from gateway.model import EmbeddingsRequest, Usage

EMBEDDINGS_PATH = "/embeddings"


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
    if _is_tokens(value):
        return (tuple(value),)
    if all(isinstance(entry, str) for entry in value):
        return tuple(value)
    if all(isinstance(entry, list) and entry and _is_tokens(entry) for entry in value):
        return tuple(tuple(entry) for entry in value)
    first = type(value[0])
    wrong = next((n for n, entry in enumerate(value) if not isinstance(entry, first)), 0)
    message = "`input` must hold only strings, only token numbers, or only lists of token numbers."
    raise ClientError(message, param=f"input[{wrong}]")


def _is_tokens(values: list[Any]) -> bool:
    return all(isinstance(token, int) and not isinstance(token, bool) for token in values)


class _Answer(Struct):
    model: Any = None
    usage: Any = None


_ANSWER_DECODER = msgspec.json.Decoder(_Answer)


def parse_embeddings_usage(body: bytes) -> tuple[str | None, Usage | None]:
    """Model and usage of an answer, skipping the vectors; None for what is not there or not readable."""
    try:
        answer = _ANSWER_DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    return answer.model if isinstance(answer.model, str) else None, parse_usage(answer.usage)
