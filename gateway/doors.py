"""The doors: a row for each route that takes inference requests, with the dialect that it speaks.

A door can look at a body without parsing it (`peek`), change the two things that may be changed where bytes pass as
they are (`splice`), and take the usage chunk out again that was asked for on the client's behalf (`cutter`).
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from gateway.dialects import openai_chat
from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.embeddings import EMBEDDINGS_PATH, parse_embeddings_usage
from gateway.dialects.openai_chat.peek import Peek, UsageCutter, peek, splice
from gateway.model import Usage


class Cutter(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes: ...


class Splice(Protocol):
    def __call__(self, body: bytes, *, model: str | None, include_usage: bool) -> bytes: ...


class Door(Struct, frozen=True, kw_only=True):
    """`operation` is chat or embeddings; embeddings pass only where door and provider share a dialect.

    `forwarded` are the client's headers that a provider of the same dialect gets too.
    """

    name: str
    path: str
    dialect: Dialect
    peek: Callable[[bytes], Peek]
    splice: Splice
    cutter: Callable[[], Cutter]
    operation: str = "chat"
    upstream_path: str | None = None
    read_usage: Callable[[bytes], tuple[str | None, Usage | None]] | None = None
    forwarded: tuple[str, ...] = ()


def _peek_embeddings(body: bytes) -> Peek:
    found = peek(body)
    return Peek(model=found.model, user=found.user)


DOORS: tuple[Door, ...] = (
    Door(
        name="openai_chat",
        path="/api/ai/v1/chat/completions",
        dialect=openai_chat.DIALECT,
        peek=peek,
        splice=splice,
        cutter=UsageCutter,
        forwarded=("openai-beta",),
    ),
    Door(
        name="embeddings",
        path="/api/ai/v1/embeddings",
        dialect=openai_chat.DIALECT,
        peek=_peek_embeddings,
        splice=splice,
        cutter=UsageCutter,
        operation="embeddings",
        upstream_path=EMBEDDINGS_PATH,
        read_usage=parse_embeddings_usage,
        forwarded=("openai-beta",),
    ),
)
