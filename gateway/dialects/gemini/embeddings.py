"""Google's embeddings: `:embedContent` for one content and `:batchEmbedContents` for many, and a neutral request in
their form.

Google embeds text only; lists of another provider's token numbers mean nothing to it. Vectors that it cut to fewer
dimensions than the model's own are not of length one, which OpenAI's are, so they are made so. Source: google-genai's
types (`EmbedContentResponse`) and Google's page on embeddings.
"""

import math
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.gemini.paths import resource
from gateway.dialects.gemini.usage import of_embeddings, read_usage
from gateway.errors import Unsupported, UpstreamError
from gateway.model import EmbeddingsRequest, Usage


class _Usage(Struct, rename="camel"):
    usage_metadata: Any = None


class _Vector(Struct):
    values: list[float]


class _Vectors(Struct):
    embeddings: list[_Vector]


_USAGE_DECODER = msgspec.json.Decoder(_Usage)
_DECODER = msgspec.json.Decoder(_Vectors)


def embed_path(model: str) -> str:
    return f"{resource(model)}:embedContent"


def batch_embed_path(model: str) -> str:
    return f"{resource(model)}:batchEmbedContents"


def parse_embeddings_usage(body: bytes) -> tuple[str | None, Usage | None]:
    """The counted input of an answer, skipping the vectors; None where Google says none."""
    try:
        counted = read_usage(_USAGE_DECODER.decode(body).usage_metadata)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    if counted.prompt is None:
        return None, None
    return None, of_embeddings(counted)


def render_embeddings(request: EmbeddingsRequest, model: str) -> bytes:
    """The body of a batch for Google's `model`. Raises Unsupported for lists of token numbers."""
    asked = []
    for text in request.inputs:
        if not isinstance(text, str):
            raise Unsupported(
                "`input` holds token numbers, which Google's models do not read: send the text itself.", param="input"
            )
        one: dict[str, object] = {"model": f"models/{model}", "content": {"parts": [{"text": text}]}}
        if request.dimensions is not None:
            one["outputDimensionality"] = request.dimensions
        asked.append(one)
    return msgspec.json.encode({"requests": asked})


def parse_embeddings(body: bytes) -> list[list[float]]:
    """The vectors of a batch's answer, each of length one. Raises UpstreamError (unreadable_answer)."""
    try:
        vectors = _DECODER.decode(body).embeddings
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamError(
            "Google's embeddings are not readable: try the request again.", kind="unreadable_answer", own_words=True
        ) from None
    return [_unit(vector.values) for vector in vectors]


def _unit(values: list[float]) -> list[float]:
    length = math.hypot(*values)
    return values if not length or abs(length - 1) < 1e-6 else [value / length for value in values]
