"""Blocks that only one dialect has, as words for the others where there are any that say the same."""

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from gateway.model import Opaque, Part, Request, Text, ToolCallResponse

_Any = TypeVar("_Any", bound=Part)


def with_blocks_told(request: Request, dialect: str) -> Request:
    """The request as this dialect can say it. What a block held stays in the words' pocket, to meet its row."""
    if request.origin.dialect == dialect:
        return request
    messages = tuple(
        replace(message, parts=_told(message.parts, dialect)) if _has_words(message.parts) else message
        for message in request.messages
    )
    return replace(request, messages=messages)


def _has_words(parts: Sequence[Part]) -> bool:
    return any(
        (isinstance(part, Opaque) and part.words) or (isinstance(part, ToolCallResponse) and _has_words(part.content))
        for part in parts
    )


def _told(parts: Sequence[_Any], dialect: str) -> tuple[_Any | Text, ...]:
    told: list[_Any | Text] = []
    for part in parts:
        if isinstance(part, Opaque) and part.words and part.dialect != dialect:
            told.append(Text(part.words, {part.dialect: dict(part.value)}))
        elif isinstance(part, ToolCallResponse):
            told.append(replace(part, content=_told(part.content, dialect)))
        else:
            told.append(part)
    return tuple(told)
