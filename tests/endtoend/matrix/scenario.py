"""What a client says and hears, in words that all four doors share."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2


@dataclass(frozen=True)
class Media:
    mime: str
    raw: bytes

    @property
    def base64(self) -> str:
        return base64.b64encode(self.raw).decode()

    @property
    def url(self) -> str:
        return f"data:{self.mime};base64,{self.base64}"

    @property
    def witness(self) -> dict[str, str]:
        """As the provider's ledger tells it."""
        return {"mime": self.mime, "sha256": hashlib.sha256(self.raw).hexdigest()}


Piece = str | Media


@dataclass(frozen=True, kw_only=True)
class Function:
    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a request says beside the conversation. `cached`: the system text is marked, where the door has marks."""

    model: str
    system: str | None = None
    tools: tuple[Function, ...] = ()
    effort: str | None = None
    schema: dict[str, Any] | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int = 4000
    cached: bool = False


@dataclass(frozen=True)
class Called:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Input includes what was cached, output includes reasoning; None where the dialect has no word for it."""

    input: int
    cached: int
    output: int
    cache_write: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An answer as the SDK gave it. `finish`: stop, length, tool_calls or filter; `refusal`: the model declined, in
    these words. `stop_sequence` is the one that was met, where the dialect tells it."""

    text: str
    calls: tuple[Called, ...]
    finish: str
    counts: Counts
    reasoning: str = ""
    refusal: bool = False
    words: str = ""
    stop_sequence: str | None = None


class Wire:
    """An HTTP client for an SDK, which keeps the last answer's headers."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.client = httpx2.Client(timeout=60, event_hooks={"response": [self._keep]})

    def _keep(self, response: httpx2.Response) -> None:
        self.headers = {name.lower(): value for name, value in response.headers.items()}


class Talk(Protocol):
    """A conversation whose history is kept and given back as the door's SDK and its documentation do."""

    def say(self, *pieces: Piece) -> None: ...

    def answer(self, results: Sequence[tuple[Called, Sequence[Piece]]]) -> None: ...

    def ask(self, ask: Ask, streamed: bool) -> Heard: ...


class Door(Protocol):
    """`errors` is the SDK's exception for an answer that is an error."""

    name: str
    errors: type[Exception]
    wire: Wire

    def talk(self) -> Talk: ...

    def status(self, error: Exception) -> int: ...

    def close(self) -> None: ...
