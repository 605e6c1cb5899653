"""How much of one payload is kept, and what is noted where something was cut.

A string of 4 MiB is a tool result or an image; messages repeat on each span, so whole spans reach 16 MiB. What is
longer is cut and named in the item's notes; nothing is refused for its size alone. Text that no UTF-8 can hold (half
a surrogate pair, where a sender cut it) is mended, names of attributes too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from gateway.telemetry.malformed import Malformed, TooMany

MIB = 1 << 20
STRING_BYTES = 4 * MIB
NAME_BYTES = 4096
ITEM_BYTES = 16 * MIB
ATTRIBUTES = 4096
NESTING = 100
# Elements of one payload: the smallest take two bytes on the wire and a hundred in memory.
ELEMENTS = 1 << 20
# A payload of this size is bounded enough by itself.
UNCOUNTED_BYTES = 4 * MIB
_CUT = " too long, cut"
# What any object takes.
_PLACE = 50


class Keeping:
    """What one span, log record or data point may still hold. `notes` say what was cut, each once."""

    __slots__ = ("_left", "_notes")

    def __init__(self) -> None:
        self._left = ITEM_BYTES
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def note(self, what: str) -> None:
        self._notes[what] = None

    def name(self, name: str) -> str:
        """The name of an attribute as far as it may be kept, whatever else the item holds."""
        kept, size = _cut(name, NAME_BYTES)
        if size > NAME_BYTES:
            self.note(f"attribute name{_CUT}")
        return kept

    def text(self, value: str, name: str) -> str:
        """The text as far as it may be kept, in UTF-8 bytes. `name` is the attribute's."""
        most = min(STRING_BYTES, self._left)
        kept, size = _cut(value, most)
        if size > most:
            self.note(note_of_cut(name))
        self._left -= min(size, most)
        return kept

    def blob(self, value: bytes, name: str) -> bytes:
        most = min(STRING_BYTES, self._left)
        if len(value) > most:
            self.note(note_of_cut(name))
        self._left -= min(len(value), most)
        return value[:most]

    def attributes(self, pairs: Iterable[tuple[str, Any]], have: int) -> dict[str, Any]:
        """Pairs of which there are `have`, at most as many as are kept. The last of two with one name stands."""
        kept: dict[str, Any] = {}
        for count, (name, value) in enumerate(pairs):
            if count == ATTRIBUTES:
                self.note(f"{have - ATTRIBUTES} attributes over {ATTRIBUTES} left out")
                break
            kept[name] = value
        return kept


def note_of_cut(name: str) -> str:
    """What is noted where the value of an attribute was too long."""
    return f"{name[:100]}{_CUT}"


def _cut(value: str, most: int) -> tuple[str, int]:
    """The beginning of a text in so many bytes of UTF-8, and how many all of it takes."""
    if value.isascii():
        return value[:most], len(value)
    data = value.encode("utf-8", "surrogatepass")
    if len(data) <= most and b"\xed" not in data:
        return value, len(data)
    # Half a surrogate pair is three bytes that no UTF-8 decoder takes.
    return data[:most].decode("utf-8", "ignore" if len(data) > most else "replace"), len(data)


def held_bytes(value: Any) -> int:
    """About how much memory a value of an attribute, all of them, or an item takes."""
    if isinstance(value, Struct):
        value = astuple(value)
    if isinstance(value, str | bytes):
        return _PLACE + len(value)
    if isinstance(value, Mapping):
        return _PLACE + sum(held_bytes(name) + held_bytes(inner) for name, inner in value.items())
    return _PLACE + sum(map(held_bytes, value)) if isinstance(value, list | tuple) else _PLACE


def check_depth(depth: int) -> None:
    """Raises Malformed where a value lies too deep."""
    if depth > NESTING:
        raise Malformed(f"a value is nested deeper than {NESTING} levels")


def check_elements(count: int) -> None:
    """Raises TooMany."""
    if count > ELEMENTS:
        raise TooMany(f"one request holds more than {ELEMENTS:,} elements: send smaller batches")
