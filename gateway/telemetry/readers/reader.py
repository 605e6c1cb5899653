"""What a reader is, and how what several readers say of one span becomes one telling."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from gateway.model import Request, Response, Usage
from gateway.telemetry.observed import Observed, ToolRun
from gateway.telemetry.records import LogRecord, Span

_Record = TypeVar("_Record", bound=Struct)


class SpanReader(Struct, frozen=True):
    """One way of writing GenAI spans.

    `read` says None of a span that is not written so, else only what this way has of its own: what all have in
    common (`shared`) is filled in afterwards. `reads` are the attributes that it understands; a name that ends in a
    dot or a star is a prefix. They are no longer listed as unknown facts.
    """

    name: str
    read: Callable[[Span, Sequence[LogRecord]], Observed | None]
    reads: tuple[str, ...] = ()


@cache
def _fields(kind: type[Struct]) -> tuple[tuple[str, Any], ...]:
    """Field names with the values that mean "not said"."""
    blank = {"model": "", "messages": ()} if kind is Request else {}
    return tuple(
        (field.name, blank.get(field.name, field.default))
        for field in msgspec.structs.fields(kind)
        if field.default is not msgspec.NODEFAULT or field.name in blank
    )


def filled(first: _Record, second: _Record) -> _Record:
    """The first record, and what it does not say from the second."""
    said: dict[str, Any] = {}
    for name, blank in _fields(type(first)):
        own, other = getattr(first, name), getattr(second, name)
        if own is other or other is None:
            continue
        if isinstance(own, Request | Response | Usage | ToolRun) and type(own) is type(other):
            said[name] = filled(own, other)
        elif own is None or own == blank or own in ((), {}):
            said[name] = other
    return msgspec.structs.replace(first, **said) if said else first
