"""The doors: a row for each route that takes inference requests, with the dialect that it speaks.

A door can look at a body without parsing it (`peek`), change the two things that may be changed where bytes pass as
they are (`splice`), and take the usage chunk out again that was asked for on the client's behalf (`cutter`).
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects import anthropic, gemini, openai_chat, openai_responses
from gateway.dialects.anthropic import counting as anthropic_counting
from gateway.dialects.anthropic import peek as anthropic_peek
from gateway.dialects.dialect import Dialect
from gateway.dialects.envelope import PACKED, PLAIN
from gateway.dialects.gemini import counting as gemini_counting
from gateway.dialects.gemini import embeddings as gemini_embeddings
from gateway.dialects.gemini import peek as gemini_peek
from gateway.dialects.gemini.paths import TUNED
from gateway.dialects.openai_chat.embeddings import embeddings_path, parse_embeddings_usage
from gateway.dialects.openai_chat.peek import Peek, UsageCutter, peek, splice
from gateway.dialects.openai_responses import peek as responses_peek
from gateway.errors import ClientError
from gateway.model import Usage
from gateway.relaying.embeddings import Embedding, embed_at_google

# The forms in which a path that names the model may ask for a stream.
ARRAY, EVENTS = "json", "sse"


class Cutter(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes: ...


class Look(Protocol):
    def __call__(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek: ...


class Splice(Protocol):
    def __call__(self, body: bytes, *, model: str | None, include_usage: bool) -> bytes: ...


class Operation(Struct, frozen=True, kw_only=True):
    """What a door's request asks for beside chat: `name` is chat, embeddings or count.

    `path` is where a provider of the door's dialect takes it for a model (None: as its dialect says), `read_usage`
    finds model and usage in the provider's answer. `render_count` makes the answer for a count that is estimated
    here, since a provider of another dialect does not count in this one. `elsewhere` is the same operation at
    providers of other dialects, whose requests `embed` translates; embeddings pass nowhere else.
    """

    name: str = "chat"
    stream: bool = False
    path: Callable[[str], str] | None = None
    read_usage: Callable[[bytes], tuple[str | None, Usage | None]] | None = None
    render_count: Callable[[int], bytes] | None = None
    embed: Callable[[bytes, str], Embedding] | None = None
    elsewhere: "Mapping[str, Operation]" = {}


class Door(Struct, frozen=True, kw_only=True):
    """`forwarded` are the client's headers that a provider of the same dialect gets too, `version` one that it must
    get where the client sent none.

    `history` is the field of a body that holds the conversation, "" where there is none. `carried` is how the strings
    begin in which the door's clients bring other providers' state back, b"" where there are none. `stores`: a request
    may name what an earlier answer said instead of repeating it. `verbs` are what a path that names the model may end
    in; the model of such a request then stands in `path_model`, in `path_stream` whether its verb streams, in `alt`
    the form in which a stream is asked for.
    """

    name: str
    path: str
    dialect: Dialect
    history: str = ""
    peek: Look
    splice: Splice
    cutter: Callable[[], Cutter] = UsageCutter
    operation: Operation = Operation()
    forwarded: tuple[str, ...] = ()
    version: tuple[str, str] | None = None
    carried: bytes = b""
    stores: bool = False
    verbs: Mapping[str, Operation] = {}
    owner: str = ""
    path_model: str | None = None
    path_stream: bool | None = None
    alt: str = ARRAY

    def named(self, words: str, query: Mapping[str, str]) -> "Door":
        """The door for one request whose path goes on with these words, MODEL:VERB. Raises ClientError."""
        model, _, verb = words.rpartition(":")
        operation = self.verbs.get(verb)
        if operation is None or not model:
            known = ", ".join(self.verbs)
            raise ClientError(
                f"There is nothing at this path: it must end in MODEL:VERB, with one of {known}.",
                status=404,
                kind="not_found",
            )
        # Google takes both names, and behind the second one how enums are written.
        alt = query.get("alt") or query.get("$alt", ARRAY).partition(";")[0]
        return replace(
            self, operation=operation, path_model=self.owner + model, path_stream=operation.stream, alt=alt
        )

    @property
    def array(self) -> bool:
        """Whether a stream comes as one JSON array."""
        return self.operation.stream and self.alt == ARRAY

    def check(self) -> None:
        """Raises ClientError for what the path asks for and is not given here."""
        if self.operation.stream and self.alt not in (ARRAY, EVENTS):
            raise ClientError("A stream comes as events or as one JSON array: use alt=sse or alt=json.", param="alt")


VERBS: Mapping[str, Operation] = {
    "generateContent": Operation(),
    "streamGenerateContent": Operation(stream=True),
    "countTokens": Operation(
        name="count",
        path=gemini_counting.count_path,
        read_usage=gemini_counting.parse_count,
        render_count=gemini_counting.render_count,
    ),
    "embedContent": Operation(
        name="embeddings",
        path=gemini_embeddings.embed_path,
        read_usage=gemini_embeddings.parse_embeddings_usage,
    ),
    "batchEmbedContents": Operation(
        name="embeddings",
        path=gemini_embeddings.batch_embed_path,
        read_usage=gemini_embeddings.parse_embeddings_usage,
    ),
}


def _peek_embeddings(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
    found = peek(body)
    return Peek(model=found.model, user=found.user)


DOORS: tuple[Door, ...] = (
    Door(
        name="openai_chat",
        path="/api/ai/v1/chat/completions",
        dialect=openai_chat.DIALECT,
        history="messages",
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
        operation=Operation(
            name="embeddings",
            path=embeddings_path,
            read_usage=parse_embeddings_usage,
            elsewhere={
                "gemini": Operation(
                    name="embeddings",
                    path=gemini_embeddings.batch_embed_path,
                    read_usage=gemini_embeddings.parse_embeddings_usage,
                    embed=embed_at_google,
                )
            },
        ),
        forwarded=("openai-beta",),
    ),
    Door(
        name="openai_responses",
        path="/api/ai/v1/responses",
        dialect=openai_responses.DIALECT,
        history="input",
        peek=responses_peek.peek,
        splice=responses_peek.splice,
        carried=PLAIN,
        stores=True,
        forwarded=("openai-beta",),
    ),
    Door(
        name="anthropic",
        path="/api/ai/v1/messages",
        dialect=anthropic.DIALECT,
        history="messages",
        peek=anthropic_peek.peek,
        splice=anthropic_peek.splice,
        carried=PLAIN,
        forwarded=("anthropic-version", "anthropic-beta"),
        version=("anthropic-version", "2023-06-01"),
    ),
    Door(
        name="anthropic",
        path="/api/ai/v1/messages/count_tokens",
        dialect=anthropic.DIALECT,
        history="messages",
        peek=anthropic_peek.peek,
        splice=anthropic_peek.splice,
        carried=PLAIN,
        operation=Operation(
            name="count",
            path=anthropic_counting.count_path,
            read_usage=anthropic_counting.parse_count,
            render_count=anthropic_counting.render_count,
        ),
        forwarded=("anthropic-version", "anthropic-beta"),
        version=("anthropic-version", "2023-06-01"),
    ),
    *(
        Door(
            name="gemini",
            path=f"/api/ai/{version}/{kind}/",
            dialect=gemini.DIALECT,
            history="contents",
            peek=gemini_peek.peek,
            splice=gemini_peek.splice,
            carried=PACKED,
            verbs=VERBS,
            owner=owner,
        )
        for version in ("v1beta", "v1")
        for kind, owner in (("models", ""), ("tunedModels", TUNED))
    ),
)
