"""Codex's spans without its machinery: it exports hundreds of its runtime's own per turn, of which few tell anything.

Kept are those that say a conversation, a turn or what a model used, and the spans around them, so that the tree holds
together. Source: recordings of the tool (0.169.0), whose counts stand on one of sixteen spans of the same name.
"""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from gateway.telemetry.bounds import held_bytes
from gateway.telemetry.records import Span

_SAYS = ("conversation.id", "turn.id")
_PREFIX = "gen_ai."
_SERVICE = "codex"
# Enough for the turns that run at one time; a span whose parent comes later than this is shown as an orphan.
MOST_REMEMBERED = 4096
MOST_BYTES = 16 * 2**20

# Whose it is, its trace and its own id.
_Key = tuple[str, str, str]


def is_codex(span: Span) -> bool:
    service = span.resource.get("service.name")
    return span.scope.name.startswith(_SERVICE) or (isinstance(service, str) and service.startswith(_SERVICE))


def keep(span: Span) -> bool:
    """Whether a span tells something by itself. All of other senders do."""
    if not is_codex(span):
        return True
    return any(name in _SAYS or name.startswith(_PREFIX) for name in span.attributes)


class SpanThinning:
    """Spans that are worth keeping, batch by batch in any order; ancestors that came before come out later."""

    def __init__(self, most: int = MOST_REMEMBERED, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._wanted: OrderedDict[_Key, None] = OrderedDict()
        self._aside: OrderedDict[_Key, tuple[Span, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def kept(self, spans: Iterable[Span], scope: str = "") -> list[Span]:
        """Of these and of those before of the same scope, what is to be stored now; each span at most once per time
        that it came."""
        with self._lock:
            kept: list[Span] = []
            for span in spans:
                key = scope, span.trace_id, span.span_id
                if keep(span) or key in self._wanted:
                    self._keep(span, scope, kept)
                else:
                    self._put_aside(key, span)
            return kept

    def _keep(self, span: Span, scope: str, kept: list[Span]) -> None:
        """The span and, of those put aside, all around it."""
        around: Span | None = span
        while around is not None:
            kept.append(around)
            if not is_codex(around) or around.parent_span_id is None:
                return
            key = scope, around.trace_id, around.parent_span_id
            self._wanted[key] = None
            self._wanted.move_to_end(key)
            if len(self._wanted) > self._most:
                self._wanted.popitem(last=False)
            around = self._taken(key)

    def _put_aside(self, key: _Key, span: Span) -> None:
        self._taken(key)
        size = held_bytes(span)
        self._aside[key] = span, size
        self._bytes += size
        while len(self._aside) > self._most or self._bytes > self._most_bytes:
            self._taken(next(iter(self._aside)))

    def _taken(self, key: _Key) -> Span | None:
        span, size = self._aside.pop(key, (None, 0))
        self._bytes -= size
        return span
