"""Calls that telemetry tells over and over, as they were placed last: who looks again places what has changed.

A call is told by all that is known of it, history and price included. It stands as it was while it is told the same,
its turn is there, and so does all that came before it: a call goes on from others. Where other exchanges were joined
than before, or turns were taken away, all is placed anew.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gateway.model import Message
from gateway.store.chain import in_common
from gateway.store.content import encode
from gateway.store.names import json_array
from gateway.store.turn_rows import stored_identity

if TYPE_CHECKING:
    from gateway.store.joined_turns import Attached, Own

# About 200 bytes each.
MOST_CALLS, MOST_LOOKS = 50_000, 5_000
_NAME_BYTES, _PRINT_BYTES = 8, 16
_STORED = "SELECT COUNT(*) FROM turns WHERE identity IN (SELECT value FROM json_each(?))"


class Prints(Struct, frozen=True):
    """What a look wrote: (name, print) of each of its own calls in order, and a print of what it joined."""

    own: tuple[tuple[bytes, bytes], ...]
    joined: bytes


class _Histories:
    """Prints of one history after the other: calls of a session have their messages in common, which count once."""

    def __init__(self) -> None:
        self._messages: Sequence[Message] = ()
        self._running = blake2b(digest_size=_PRINT_BYTES)

    def print_of(self, messages: Sequence[Message]) -> bytes:
        known = len(self._messages)
        running = self._running.copy()
        if in_common(self._messages, messages) < known:
            known, running = 0, blake2b(digest_size=_PRINT_BYTES)
        for message in messages[known:]:
            running.update(_hashed(encode(message), _PRINT_BYTES))
        self._messages, self._running = messages, running
        return running.digest()


def prints_of(scope: str, own: Sequence["Own"], attached: Sequence["Attached"]) -> Prints:
    histories = _Histories()

    def print_of(call: "Own") -> bytes:
        told, messages = call.told, tuple[Message, ...]()
        if told.request is not None:
            messages = told.request.messages
            told = replace(told, request=replace(told.request, messages=()))
        rest = encode((told, call.spans, call.figures, call.joined, call.identities))
        return _hashed(histories.print_of(messages) + rest, _PRINT_BYTES)

    names = (_hashed(stored_identity(scope, call.told.identity).encode(), _NAME_BYTES) for call in own)
    return Prints(tuple(zip(names, map(print_of, own), strict=True)), _hashed(encode(attached), _PRINT_BYTES))


def _hashed(data: bytes, size: int) -> bytes:
    return blake2b(data, digest_size=size).digest()


class PlacedBefore:
    """One joiner's memory. `look` is what was looked at."""

    def __init__(self, most_calls: int = MOST_CALLS) -> None:
        self._most_calls = most_calls
        self._prints: OrderedDict[bytes, bytes] = OrderedDict()
        self._joined: OrderedDict[Hashable, bytes] = OrderedDict()

    def unchanged(
        self, connection: sqlite3.Connection, scope: str, look: Hashable, own: Sequence["Own"], prints: Prints
    ) -> int:
        """How many of a look's own calls, from the first on, stand as they were."""
        if self._joined.get(look) != prints.joined:
            return 0
        same = 0
        while same < len(own) and self._prints.get(prints.own[same][0]) == prints.own[same][1]:
            same += 1
        identities = {stored_identity(scope, call.told.identity) for call in own[:same]}
        (there,) = connection.execute(_STORED, (json_array(identities),)).fetchone()
        return same if there == len(identities) else 0

    def note(self, look: Hashable, prints: Prints) -> None:
        """A look's transaction is over, and what it told is stored."""
        self._joined[look] = prints.joined
        self._joined.move_to_end(look)
        if len(self._joined) > MOST_LOOKS:
            self._joined.popitem(last=False)
        for name, of_call in prints.own:
            self._prints[name] = of_call
            self._prints.move_to_end(name)
        while len(self._prints) > self._most_calls:
            self._prints.popitem(last=False)
