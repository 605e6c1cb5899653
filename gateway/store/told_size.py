"""About how much memory a telling holds, from the lengths of its texts; quick, and never less than a third off."""

from collections.abc import Iterable
from typing import Any

from gateway.model import Blob, Reasoning, Refusal, Text, ToolCall, ToolCallResponse
from gateway.told import Told

_EMPTY_TELLING, _EMPTY_PART = 2000, 150


def told_size(told: Told) -> int:
    """Bytes, with a character counted as one."""
    size = _EMPTY_TELLING
    if told.request is not None:
        size += sum(_parts(message.parts) for message in told.request.messages)
        size += 500 * len(told.request.tools)
    if told.response is not None:
        size += sum(_parts(choice.parts) for choice in told.response.choices)
    return size + sum(sum(map(len, group.values)) for group in told.headers)


def _parts(parts: Iterable[Any]) -> int:
    size = 0
    for part in parts:
        size += _EMPTY_PART
        match part:
            case Text() | Refusal() | Reasoning():
                size += len(part.text)
            case Blob():
                size += len(part.data)
            case ToolCall():
                size += len(part.arguments)
            case ToolCallResponse():
                size += _parts(part.content)
    return size
