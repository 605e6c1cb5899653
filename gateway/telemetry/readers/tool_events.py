"""Log records as the events of a tool: in order, each once, with attributes that may be numbers or digits in text."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from gateway.dialects.counts import LARGEST_COUNT
from gateway.telemetry.readers.values import count, json_text, nano_dollars, truth, words
from gateway.telemetry.records import LogRecord

_NS_PER_MS = 1_000_000
# A month; what is longer is a fault of its sender, and would set back when the call began.
LONGEST_MS = 30 * 24 * 3600 * 1000


class Event(Struct, frozen=True, kw_only=True):
    """`digest` names it for ever: a record that is sent again is the same event. `sequence` orders what one moment
    holds, where the tool counts its events; `at_ns` is nanoseconds since the epoch."""

    name: str
    at_ns: int
    sequence: int
    digest: str
    record: LogRecord

    def text(self, *keys: str) -> str | None:
        """The first of the attributes that is text and not empty."""
        values = map(self.record.attributes.get, keys)
        return next((value for value in values if isinstance(value, str) and value), None)

    def word(self, *keys: str) -> str | None:
        """The first of the attributes that is one value, as text."""
        return next((said for said in map(words, map(self.record.attributes.get, keys)) if said), None)

    def json(self, key: str) -> str | None:
        """The attribute as it was written, or as JSON where it is structured."""
        value = self.record.attributes.get(key)
        return json_text(value) if value not in (None, "") else None

    def count(self, *keys: str) -> int | None:
        """The first of the attributes that is a count, also where its digits are text."""
        counts = (count(self.record.attributes.get(key)) for key in keys)
        return next((said for said in counts if said is not None and said <= LARGEST_COUNT), None)

    def milliseconds(self, *keys: str) -> int | None:
        """The first of the attributes that is a count, where it is as long as a call can take."""
        said = self.count(*keys)
        return said if said is not None and said <= LONGEST_MS else None

    def flag(self, key: str) -> bool | None:
        return truth(self.record.attributes.get(key))

    def dollars_nano(self, key: str) -> int | None:
        return nano_dollars(self.record.attributes.get(key))

    def rest(self, *known: str) -> dict[str, Any]:
        """The attributes besides these: what a reader has no word for."""
        return {key: value for key, value in self.record.attributes.items() if key not in known and value is not None}


class Nearest:
    """Events of which each is taken once, by the moment that it is nearest to."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = sorted(events, key=lambda event: event.at_ns)

    def take(self, at_ns: int, *, since_ns: int = 0, until_ns: int) -> Event | None:
        first = bisect_left(self._events, since_ns, key=lambda event: event.at_ns)
        end = bisect_right(self._events, until_ns, key=lambda event: event.at_ns)
        place = bisect_left(self._events, at_ns, first, end, key=lambda event: event.at_ns)
        beside = [index for index in (place - 1, place) if first <= index < end]
        if not beside:
            return None
        return self._events.pop(min(beside, key=lambda index: abs(self._events[index].at_ns - at_ns)))


def event_name(record: LogRecord) -> str:
    """The attribute stands before the record's own name: Codex's holds a place in its source there."""
    value = record.attributes.get("event.name")
    return value if isinstance(value, str) and value else record.event_name


def ordered_events(records: Iterable[LogRecord], name_of: Callable[[LogRecord], str] = event_name) -> list[Event]:
    """By time, then by the tool's own count: that begins anew where a session is resumed, so it cannot come first."""
    events: dict[str, Event] = {}
    for record in records:
        name, at_ns = name_of(record), _time_ns(record)
        digest = _digest(name, at_ns, record)
        if digest not in events:
            events[digest] = Event(name=name, at_ns=at_ns, sequence=_sequence(record), digest=digest, record=record)
    return sorted(events.values(), key=lambda event: (event.at_ns, event.sequence, event.digest))


def _time_ns(record: LogRecord) -> int:
    if record.time_ns > 0:
        return record.time_ns
    stamp = record.attributes.get("event.timestamp")
    try:
        return int(datetime.fromisoformat(stamp).timestamp() * 1000) * _NS_PER_MS if isinstance(stamp, str) else 0
    except (ValueError, OverflowError):
        return 0


def _sequence(record: LogRecord) -> int:
    value = record.attributes.get("event.sequence")
    try:
        return int(value) if isinstance(value, str | int) else 0
    except ValueError:
        return 0


def _digest(name: str, at_ns: int, record: LogRecord) -> str:
    said = (
        name,
        at_ns,
        record.span_id,
        record.body,
        sorted(record.attributes.items(), key=lambda item: str(item[0])),
    )
    return blake2b(repr(said).encode("utf-8", "replace"), digest_size=8).hexdigest()
