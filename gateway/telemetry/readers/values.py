"""Attribute values as words, counts and structures: senders write numbers as text, and structures as JSON."""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from gateway.dialects.counts import LARGEST_COUNT
from gateway.dialects.json_text import decode_json
from gateway.telemetry.records import Attributes

NANO = 1_000_000_000
_DEEPEST_KEY = 12


def first(attributes: Attributes, names: Iterable[str]) -> Any:
    """The first of these attributes that was said; an empty text is nothing said."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None


class Names:
    """Under which names each thing is said, in order of precedence: found in one pass over what was sent."""

    def __init__(self, tables: Mapping[str, Iterable[str]]) -> None:
        self._places = {name: (thing, rank) for thing, names in tables.items() for rank, name in enumerate(names)}

    def said(self, attributes: Attributes) -> dict[str, Any]:
        """What was said of each thing; an empty text is nothing said."""
        found: dict[str, Any] = {}
        ranks: dict[str, int] = {}
        for name in self._places.keys() & attributes.keys():
            value = attributes[name]
            thing, rank = self._places[name]
            if value is not None and value != "" and rank <= ranks.get(thing, rank):
                found[thing], ranks[thing] = value, rank
        return found


def words(value: Any) -> str | None:
    """A text, or a number or truth as text; None where there is nothing to read."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def count(value: Any) -> int | None:
    """A whole number of at least 0, also from "25" and 25.0."""
    figure = number(value)
    return int(figure) if figure is not None and 0 <= figure <= LARGEST_COUNT else None


def number(value: Any) -> int | float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value) if not value.strip().lstrip("-").isdigit() else int(value)
        except ValueError:
            return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, int | float) else None


def truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def microseconds(value: Any, per_second: int) -> int | None:
    """A duration in µs; `per_second` is how many of the sender's units make a second."""
    figure = number(value)
    in_range = figure is not None and 0 <= figure <= LARGEST_COUNT / 1_000_000
    return round(figure * 1_000_000 / per_second) if figure is not None and in_range else None


def nano_dollars(value: Any) -> int | None:
    try:
        dollars = Decimal(str(value)) if number(value) is not None else None
    except InvalidOperation:
        return None
    return round(dollars * NANO) if dollars is not None and 0 <= dollars <= LARGEST_COUNT // NANO else None


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts, also from JSON text and from one text alone."""
    read = parsed(value)
    items = read if isinstance(read, list) else [value]
    return tuple(word for word in map(words, items) if word is not None)


def parsed(value: Any) -> Any:
    """JSON text as what it says, a structure as it is. None where a text is no JSON: cut short, or plain words."""
    if not isinstance(value, str):
        return value
    if value.lstrip()[:1] not in ("[", "{", '"'):
        return None
    try:
        return decode_json(value.encode())
    except ValueError:
        return None


def mapping(value: Any) -> Mapping[str, Any]:
    read = parsed(value)
    return read if isinstance(read, dict) else {}


def items(value: Any) -> list[Any]:
    """A list as it is, a single mapping as a list of one."""
    read = parsed(value)
    if isinstance(read, list):
        return read
    return [read] if isinstance(read, dict) else []


def json_text(value: Any) -> str:
    """Text as it was sent, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError, OverflowError):
        return str(value)


def nested(attributes: Attributes, prefix: str) -> list[Any]:
    """Flattened attributes below a prefix as a list of mappings: `prefix0.a.1.b` is `[{"a": {"1": {"b": …}}}]`.

    One pass, whatever the indices are: the list holds what was sent, in the order of its numbers.
    """
    found: dict[int, Any] = {}
    for name, value in attributes.items():
        if not name.startswith(prefix):
            continue
        index, _, rest = name[len(prefix) :].partition(".")
        if not rest or not _is_index(index):
            continue
        at = found.setdefault(int(index), {})
        *path, last = rest.split(".", _DEEPEST_KEY)
        for step in path:
            below = at.setdefault(step, {})
            if not isinstance(below, dict):
                below = at[step] = {}
            at = below
        at[last] = value
    return [found[index] for index in sorted(found)]


def in_order(value: Any) -> list[Any]:
    """A mapping by index, as `nested` leaves an inner list, in the order of its numbers."""
    if not isinstance(value, dict):
        return []
    return [value[key] for key in sorted((key for key in value if _is_index(key)), key=int)]


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < 10
