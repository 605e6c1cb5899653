"""The doors: a row for each route that takes inference requests, with the dialect that it speaks.

A door can look at a body without parsing it (`peek`), change the two things that may be changed where bytes pass as
they are (`splice`), and take the usage chunk out again that was asked for on the client's behalf (`cutter`).
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects import anthropic, gemini, openai_chat, openai_responses
from gateway.dialects.anthropic import peek as anthropic_peek
from gateway.dialects.dialect import Dialect
from gateway.dialects.gemini import peek as gemini_peek
from gateway.dialects.openai_chat.embeddings import EMBEDDINGS_PATH, parse_embeddings_usage
from gateway.dialects.openai_chat.peek import Peek, UsageCutter, peek, splice
from gateway.dialects.openai_responses import peek as responses_peek
from gateway.errors import ClientError
from gateway.model import Usage


class Cutter(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes: ...


class Look(Protocol):
    def __call__(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek: ...


class Splice(Protocol):
    def __call__(self, body: bytes, *, model: str | None, include_usage: bool) -> bytes: ...


class Door(Struct, frozen=True, kw_only=True):
    """`operation` is chat or embeddings; embeddings pass only where door and provider share a dialect.

    `forwarded` are the client's headers that a provider of the same dialect gets too, `version` one that it must get
    where the client sent none. `verbs` are what a path that names the model may end in, with whether that streams;
    the model and the verb of a request then stand in `path_model` and `path_stream`. `request_id_header` is where
    clients of the dialect look for the request's id, beside `x-request-id`.
    """

    name: str
    path: str
    dialect: Dialect
    peek: Look
    splice: Splice
    cutter: Callable[[], Cutter] = UsageCutter
    operation: str = "chat"
    upstream_path: str | None = None
    read_usage: Callable[[bytes], tuple[str | None, Usage | None]] | None = None
    forwarded: tuple[str, ...] = ()
    version: tuple[str, str] | None = None
    verbs: Mapping[str, bool] = {}
    path_model: str | None = None
    path_stream: bool | None = None
    request_id_header: str | None = None

    def named(self, words: str, query: Mapping[str, str]) -> "Door":
        """The door for one request whose path goes on with these words, MODEL:VERB. Raises ClientError."""
        model, _, verb = words.rpartition(":")
        streams = self.verbs.get(verb)
        if streams is None or not model:
            known = ", ".join(self.verbs)
            raise ClientError(
                f"There is nothing at this path: it must end in MODEL:VERB, with one of {known}.",
                status=404,
                kind="not_found",
            )
        if streams and query.get("alt") != "sse":
            raise ClientError("A stream is sent as server-sent events only: add ?alt=sse.", param="alt")
        return replace(self, path_model=model, path_stream=streams)


GENERATE: Mapping[str, bool] = {"generateContent": False, "streamGenerateContent": True}


def _peek_embeddings(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
    found = peek(body)
    return Peek(model=found.model, user=found.user)


DOORS: tuple[Door, ...] = (
    Door(
        name="openai_chat",
        path="/api/ai/v1/chat/completions",
        dialect=openai_chat.DIALECT,
        peek=peek,
        splice=splice,
        forwarded=("openai-beta",),
    ),
    Door(
        name="embeddings",
        path="/api/ai/v1/embeddings",
        dialect=openai_chat.DIALECT,
        peek=_peek_embeddings,
        splice=splice,
        operation="embeddings",
        upstream_path=EMBEDDINGS_PATH,
        read_usage=parse_embeddings_usage,
        forwarded=("openai-beta",),
    ),
    Door(
        name="openai_responses",
        path="/api/ai/v1/responses",
        dialect=openai_responses.DIALECT,
        peek=responses_peek.peek,
        splice=responses_peek.splice,
        forwarded=("openai-beta",),
    ),
    Door(
        name="anthropic",
        path="/api/ai/v1/messages",
        dialect=anthropic.DIALECT,
        peek=anthropic_peek.peek,
        splice=anthropic_peek.splice,
        forwarded=("anthropic-version", "anthropic-beta"),
        version=("anthropic-version", "2023-06-01"),
        request_id_header="request-id",
    ),
    *(
        Door(
            name="gemini",
            path=f"/api/ai/{version}/models/",
            dialect=gemini.DIALECT,
            peek=gemini_peek.peek,
            splice=gemini_peek.splice,
            verbs=GENERATE,
        )
        for version in ("v1beta", "v1")
    ),
)
