"""What the request path remembers of an exchange's content: references, while it runs.

Nothing is parsed or copied here. Lists only grow, so that another thread may look at them while the exchange runs.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from yarl import URL

from gateway.dialects.dialect import Dialect
from gateway.events import Event
from gateway.model import Request, Response
from gateway.relaying.doors import Door

if TYPE_CHECKING:
    from gateway.relaying.exchange import Exchange


class Called:
    """One call to a provider: `sent` are the headers that it got, credential and all; `status` and `answered` those
    of its answer, where one came."""

    __slots__ = ("answered", "sent", "status", "url")

    def __init__(self, url: URL, sent: Mapping[str, str]) -> None:
        self.url = url
        self.sent = sent
        self.status = 0
        self.answered: Mapping[str, str] | None = None


class Heard:
    """`line` and `headers` are those of the client's request as it came, `calls` the provider's side of it, `given`
    the status and headers that went to the client.

    `body` is the client's, `answer` a whole answer as the provider sent it, `response` the same parsed where it
    had to be, `batches` a stream's events as they came; `dialect` is the one that the provider answered in.

    `key` is the provider's key that was used, which providers may repeat. `own` says that the client sees the
    provider's own answer, with the provider's own id. `size` is about what is held, in bytes. `lost` says in a
    sentence why nothing of this can be told.
    """

    __slots__ = (
        "answer",
        "asked",
        "batches",
        "body",
        "calls",
        "dialect",
        "door",
        "given",
        "headers",
        "key",
        "line",
        "lost",
        "own",
        "response",
        "size",
    )

    def __init__(self, door: Door) -> None:
        self.door = door
        self.line = ""
        self.headers: Mapping[str, str] | None = None
        self.calls: list[Called] = []
        self.given: tuple[int, Mapping[str, str]] | None = None
        self.body: bytes | None = None
        self.dialect: Dialect = door.dialect
        self.own = True
        self.key: str | None = None
        self.answer: bytes | None = None
        self.response: Response | None = None
        self.batches: list[list[Event]] = []
        self.size = 0
        self.lost: str | None = None
        # The body parsed, once somebody has asked for it.
        self.asked: tuple[Request | None, tuple[str, ...]] | None = None

    def let_go(self, why: str) -> None:
        """Hold no content any more, and say why."""
        self.body = self.answer = self.response = self.asked = self.key = self.headers = self.given = None
        self.batches, self.calls, self.size, self.lost = [], [], 0, why


class Listener(Protocol):
    """Hears every exchange begin and end, on the event-loop thread; never waits, never raises."""

    def begin(self, exchange: "Exchange") -> None: ...

    def words_kept(self, exchange: "Exchange", text: str) -> str | None:
        """What may stand in the exchange's row of the words of an error, which may repeat what was said."""
        ...

    def end(self, exchange: "Exchange") -> None:
        """It is over, whatever became of it; its record stands in it where it left one."""
        ...
