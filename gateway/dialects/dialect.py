"""What a dialect offers: pure functions, a Reader and a Writer; no I/O and no clock.

The same codec serves both sides. Door side: `parse_request`, `render_response`, `Writer`, `render_error`.
Upstream side: `render_request`, `parse_response`, `Reader`, `parse_error`, `path`, `credential_headers`.
Ids and times come in as arguments, so that the same input gives the same bytes.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from gateway.errors import GatewayError, UpstreamError
from gateway.events import Event, StreamError
from gateway.model import Rendered, Request, Response, Target, Usage


class AnswerContext(Struct, frozen=True, kw_only=True):
    """What the door's side of an answer needs beside its events.

    `id` is the answer's id without the dialect's prefix, `created` Unix seconds, `model` the name that the client
    asked for, `include_usage` whether a chat client asked for the usage chunk, `legacy_functions` whether it asked
    with the deprecated `functions` and so expects `function_call` back. `request` is what was asked, for a dialect
    whose answers repeat it (Responses: tools, limits, formats) and whose tools have names that we flattened. `origin`
    is the model that answers (`Target.origin`) where it speaks another dialect, "" where it speaks the door's own.
    """

    id: str
    created: int
    model: str
    include_usage: bool = False
    legacy_functions: bool = False
    request: Request | None = None
    origin: str = ""


class Peek(Struct, frozen=True, kw_only=True):
    """What the path needs of a request that passes as it is, without parsing it.

    `include_usage`: nothing has to be asked for on the client's behalf, because it asked for the usage chunk itself
    or its dialect always tells the usage. `user` is the end user as the body says it. `tools` and `effort` (of
    reasoning) decide where a model takes such requests in another dialect only. `conversation` is an id that the body
    gives to the conversation, `cache_key` its key of the provider's prompt cache. `stored`: the next request may name
    the answer instead of repeating it, since it is to be stored.
    """

    model: str
    stream: bool = False
    include_usage: bool = False
    user: str | None = None
    legacy_functions: bool = False
    tools: bool = False
    effort: str | None = None
    conversation: str | None = None
    cache_key: str | None = None
    stored: bool = False


class AnswerPeek(Struct, frozen=True, gc=False):
    """What accounting needs of a whole answer; `error` where the answer says of itself that it failed midway, and
    `output_bytes`, of UTF-8, what it had said before."""

    id: str | None
    model: str | None
    usage: Usage | None
    error: StreamError | None = None
    output_bytes: int = 0


class Reader(Protocol):
    """Incremental: bytes of a stream in, events out."""

    def feed(self, data: bytes) -> list[Event]:
        """Events completed by these bytes. Raises nothing: what is unreadable becomes a `StreamError`."""
        ...

    def close(self) -> list[Event]:
        """The rest at the end of the stream: what was held until then (Gemini's finish), or a `StreamError` where
        the stream was cut short."""
        ...


class NewReader(Protocol):
    """`passing`: the client gets the provider's bytes as they are, so that an event of a form that is not known here
    is passed over and no error, as long as it is a JSON object."""

    def __call__(self, *, passing: bool = False) -> Reader: ...


class Writer(Protocol):
    """Incremental: events in, bytes of a stream out."""

    def write(self, event: Event) -> bytes: ...

    def close(self) -> bytes:
        """What ends a complete stream (`data: [DONE]`); b"" after an error."""
        ...

    def error(self, error: StreamError) -> bytes:
        """The dialect's error event; nothing may follow it."""
        ...


class Dialect(Struct, frozen=True, kw_only=True):
    """One wire format. `path(model, stream)` is relative to the provider's base URL and begins with a slash.

    `parse_request(body, path_model, path_stream)`: the model and the streaming verb where the path says them
    (Gemini), else None. Raises ClientError. `parse_response` raises UpstreamError (kind unreadable_answer).
    `parse_error(status, body, headers)` never raises. `peek_answer` looks at a whole answer that passes as it is;
    where it is None or answers None, `parse_response` must. `answer_prefix` stands before `AnswerContext.id` in the
    ids of the answers that are written here. `request_id_header` is where its clients look for the request's id,
    beside `x-request-id`. `void_is_error`: an answer without words that went wrong at its provider is an error here.
    """

    name: str
    parse_request: Callable[[bytes, str | None, bool | None], Request]
    render_request: Callable[[Request, Target], Rendered]
    parse_response: Callable[[bytes], Response]
    render_response: Callable[[Response, AnswerContext], bytes]
    parse_error: Callable[[int, bytes, Mapping[str, str]], UpstreamError]
    render_error: Callable[[GatewayError, str], bytes]
    reader: NewReader
    writer: Callable[[AnswerContext], Writer]
    path: Callable[[str, bool], str]
    credential_headers: Callable[[str], Mapping[str, str]]
    answer_prefix: str = ""
    request_id_header: str | None = None
    void_is_error: bool = False
    peek_answer: Callable[[bytes], AnswerPeek | None] | None = None
