"""Embeddings across dialects: OpenAI's request as Google's batch, Google's vectors in OpenAI's form."""

from collections.abc import Callable

from msgspec import Struct

from gateway.dialects.gemini import embeddings as gemini
from gateway.dialects.openai_chat import embeddings as openai
from gateway.errors import UpstreamError


class Embedding(Struct, frozen=True, kw_only=True):
    """A translated request. `rewrite` makes the client's answer of the provider's and of the tokens of the input;
    it raises UpstreamError. `dropped` names what was harmless to leave out."""

    body: bytes
    rewrite: Callable[[bytes, int], bytes]
    dropped: tuple[str, ...] = ()


def embed_at_google(body: bytes, model: str) -> Embedding:
    """The client's request for Google's `model`. Raises ClientError that names the field."""
    request = openai.parse_embeddings(body)

    def rewrite(answer: bytes, tokens: int) -> bytes:
        vectors = gemini.parse_embeddings(answer)
        if len(vectors) != len(request.inputs):
            raise UpstreamError(
                f"Google answered {len(vectors)} embeddings for {len(request.inputs)} inputs: try the request again.",
                kind="unreadable_answer",
                own_words=True,
            )
        return openai.render_embeddings(vectors, request, tokens)

    dropped = ("user",) if request.user else ()
    return Embedding(body=gemini.render_embeddings(request, model), rewrite=rewrite, dropped=dropped)
