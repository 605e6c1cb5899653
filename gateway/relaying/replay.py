"""What goes back to a model of what models thought: its own opaque state, and nobody else's.

Signatures and encrypted reasoning come back with the history where the client's door has a place for them and the
client keeps it. Chat has a place for Gemini's signatures only, and clients that rebuild their messages drop even
those, so what belongs to tool calls is also kept here for a while, by key and call: in memory, bounded, not on disk.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.envelope import ORIGIN, at_home, has_state, without_state
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, merge_extra
from gateway.model import NO_EXTRA, Extra, Message, Part, Reasoning, Request, Role, ToolCall
from gateway.relaying.recent import LONGEST_S, MOST_BYTES, MOST_ENTRIES, Recent

# Beside the texts: keys, records and the table's own share.
_OVERHEAD = 600
_ITEM_ID = re.compile(rb'"id"\s*+:\s*+"([^"\\]{1,256})"')
_ITEMS = "openai_responses"
# Parts that come back with state. A tuple: asked for every part of every history, it is found faster than a union.
_STATEFUL = (Reasoning, ToolCall)


class _Kept(Struct, frozen=True, gc=False):
    """What a model said of one call, or of one reasoning item of Responses (`name` is then empty).

    `thoughts` are those between the call before and this one; `first`: there is none before.
    """

    origin: str
    name: str
    extra: Extra = NO_EXTRA
    thoughts: tuple[Reasoning, ...] = ()
    first: bool = True


class ReplayMemory:
    """State of tool calls by (key, call id), oldest out first. `clock` counts seconds. Thread-safe."""

    def __init__(
        self,
        *,
        entries: int = MOST_ENTRIES,
        size: int = MOST_BYTES,
        age_s: float = LONGEST_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = Recent[_Kept](entries=entries, size=size, age_s=age_s, clock=clock)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        return self._kept.size

    def let_go(self) -> None:
        """Drop what is too old."""
        self._kept.let_go()

    def forget_exchanges(self, is_gone: Callable[[str], bool]) -> None:
        """Drop what came of exchanges with these ids."""
        self._kept.forget_exchanges(is_gone)

    def remember(self, key: str, exchange: str, origin: str, parts: Iterable[Part]) -> None:
        """The answer of an exchange (its id), of the model `origin` (`Target.origin`) to the access key `key`."""
        thoughts: list[Reasoning] = []
        first = True
        for part in parts:
            if isinstance(part, Reasoning):
                if has_state(part.extra):
                    thoughts.append(part)
                if isinstance(item := part.extra.get(_ITEMS, {}).get("id"), str):
                    self._kept.put((key, item), _Kept(origin, ""), _OVERHEAD, exchange)
            elif isinstance(part, ToolCall):
                extra = part.extra if thoughts or has_state(part.extra) else NO_EXTRA
                if extra or thoughts:
                    size = _OVERHEAD + _size(extra) + sum(len(item.text) + _size(item.extra) for item in thoughts)
                    kept = _Kept(origin, part.name, extra, tuple(thoughts), first)
                    self._kept.put((key, part.id), kept, size, exchange)
                thoughts, first = [], False

    def restore(self, key: str, origin: str, request: Request) -> Request:
        """The request as the model `origin` may get it: its own state where it belongs, no other's.

        What the client brought back wins over what is kept here.
        """
        messages = tuple(
            message if message.role is not Role.ASSISTANT else self._restored(key, origin, message)
            for message in request.messages
        )
        return replace(request, messages=messages)

    def holds_foreign(self, key: str, provider: str, body: bytes) -> bool:
        """Whether a Responses body repeats reasoning items that another provider is known to have made."""
        if not self._kept or b'"encrypted_content"' not in body:
            return False
        own = f"{provider}/"
        for found in _ITEM_ID.finditer(body):
            kept = self._kept.get((key, found[1].decode("utf-8", "replace")))
            if kept is not None and not kept.name and not kept.origin.startswith(own):
                return True
        return False

    def forget(self, key: str, request: Request) -> None:
        """All that is kept of the calls in this history: the provider no longer takes it."""
        for message in request.messages:
            for part in message.parts:
                if isinstance(part, ToolCall):
                    self._kept.drop((key, part.id))

    def _restored(self, key: str, origin: str, message: Message) -> Message:
        if not any(isinstance(part, _STATEFUL) and (part.extra or self._kept) for part in message.parts):
            return message
        parts = [self._at_home(key, origin, part) for part in message.parts]
        carried = any(isinstance(part, Reasoning) and has_state(part.extra) for part in parts)
        lost: list[tuple[int, tuple[Reasoning, ...]]] = []
        for index, part in enumerate(parts):
            if not isinstance(part, ToolCall) or not self._kept:
                continue
            kept = self._kept.get((key, part.id))
            if kept is None or kept.name != part.name:
                continue
            if kept.origin != origin:
                parts[index] = replace(part, extra=without_state(part.extra))
                continue
            parts[index] = replace(part, extra=merge_extra(kept.extra, part.extra))
            if kept.thoughts and not carried:
                # A turn that calls tools began with its thoughts, whatever words stand before the call.
                lost.append((0 if kept.first else index, kept.thoughts))
        if lost:
            parts = _inserted(parts, lost)
        same = all(new is old for new, old in zip(parts, message.parts, strict=False))
        return message if same and len(parts) == len(message.parts) else replace(message, parts=tuple(parts))

    def _at_home(self, key: str, origin: str, part: Part) -> Part:
        if not isinstance(part, _STATEFUL):
            return part
        extra = at_home(part.extra, origin) if part.extra else part.extra
        item = extra.get(_ITEMS, {}).get("id") if isinstance(part, Reasoning) and self._kept else None
        if isinstance(item, str) and (kept := self._kept.get((key, item))) is not None and kept.origin != origin:
            extra = {ORIGIN: {"model": kept.origin}}
        return part if extra is part.extra else replace(part, extra=extra)


def _size(extra: Extra) -> int:
    return sum(len(str(value)) for pocket in extra.values() for value in pocket.values())


def _inserted(parts: Sequence[Part], lost: Sequence[tuple[int, tuple[Reasoning, ...]]]) -> list[Part]:
    """With the thoughts back in their places, in place of words about them that a client kept without their state."""
    at = dict(lost)
    found: list[Part] = []
    for index, part in enumerate(parts):
        found += at.get(index, ())
        if not isinstance(part, Reasoning):
            found.append(part)
    return found


class StateWatch:
    """Sees a stream's events and remembers, at its finish, what must come back with the next turn."""

    __slots__ = ("_exchange", "_key", "_memory", "_open", "_origin")

    def __init__(self, memory: ReplayMemory, key: str, exchange: str, origin: str) -> None:
        self._memory, self._key, self._exchange, self._origin = memory, key, exchange, origin
        self._open: dict[int, tuple[PartStart, list[Extra], list[str]]] = {}

    def feed(self, event: Event) -> None:
        match event:
            case Delta():
                if (seen := self._open.get(event.part)) is not None and seen[0].kind == "reasoning":
                    seen[2].append(event.text)
            case PartStart(kind="reasoning" | "tool_call", choice=0):
                self._open[event.part] = (event, [event.extra], [])
            case PartEnd(extra=extra):
                if extra and (seen := self._open.get(event.part)) is not None:
                    seen[1].append(extra)
            case Finish(choice=0):
                parts = [_part(*seen) for seen in self._open.values()]
                self._memory.remember(self._key, self._exchange, self._origin, parts)
                self._open = {}


def _part(start: PartStart, extras: Sequence[Extra], texts: Sequence[str]) -> Part:
    extra = extras[0]
    for more in extras[1:]:
        extra = merge_extra(extra, more)
    if start.kind == "reasoning":
        return Reasoning("".join(texts), extra)
    return ToolCall(start.call_id, start.name, "", start.custom, extra)


def thoughtless(request: Request) -> Request | None:
    """The request without the state of what was thought; None where there is none to leave out."""
    messages: list[Message] = []
    for message in request.messages:
        kept = tuple(
            replace(part, extra={ORIGIN: {}}) if isinstance(part, Reasoning) and has_state(part.extra) else part
            for part in message.parts
        )
        messages.append(replace(message, parts=kept))
    stripped = replace(request, messages=tuple(messages))
    return None if stripped == request else stripped
