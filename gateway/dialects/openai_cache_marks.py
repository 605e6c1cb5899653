"""Anthropic's cache marks as OpenAI's explicit breakpoints, for the models that take such (gpt-5.6 and later).

OpenAI's two dialects take them on content parts only: text, images, audio and files. A mark on a tool, a call or a
thought has no place there. Every breakpoint lasts 30 minutes: Anthropic's five minutes are nearest to them, and the
other lifetime, twelve hours, costs more to write than an hour that was asked for.
Source: the `openai` SDK's types (`prompt_cache_breakpoint`), read 2026-11-23.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.events import merge_extra
from gateway.model import Blob, File, Message, Opaque, Part, Request, Role, Target, Text, ToolCallResponse, Uri

_FROM = "anthropic"
_MARK = "cache_control"
_BREAKPOINT = {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
_MOST_MARKS = 4


def marked(request: Request, target: Target, dialect: str) -> Request:
    """The request with Anthropic's marks, the last four, as breakpoints of this dialect; itself where it has none."""
    if not target.cache_marks:
        return request
    messages = list(request.messages)
    left = _MOST_MARKS
    for place in reversed(range(len(messages))):
        message = messages[place]
        if message.role is not Role.ASSISTANT and left:
            messages[place], left = _marked_message(message, dialect, left)
    return request if left == _MOST_MARKS else replace(request, messages=tuple(messages))


def _marked_message(message: Message, dialect: str, left: int) -> tuple[Message, int]:
    parts, before = list(message.parts), left
    for place in reversed(range(len(parts))):
        if left:
            parts[place], left = _marked_part(parts[place], dialect, left)
    return (message if left == before else replace(message, parts=tuple(parts))), left


def _marked_part(part: Part, dialect: str, left: int) -> tuple[Part, int]:
    if isinstance(part, ToolCallResponse):
        return _marked_result(part, dialect, left)
    if isinstance(part, Text | Blob | Uri | File) and _is_marked(part):
        return replace(part, extra=merge_extra(part.extra, {dialect: _BREAKPOINT})), left - 1
    return part, left


def _marked_result(result: ToolCallResponse, dialect: str, left: int) -> tuple[ToolCallResponse, int]:
    """A whole result's mark is its last text's."""
    content, before = list(result.content), left
    last = next((at for at in reversed(range(len(content))) if isinstance(content[at], Text)), None)
    for place in reversed(range(len(content))):
        item = content[place]
        if not left or isinstance(item, Opaque):
            continue
        if _is_marked(item) or (place == last and _is_marked(result)):
            content[place] = replace(item, extra=merge_extra(item.extra, {dialect: _BREAKPOINT}))
            left -= 1
    return (result if left == before else replace(result, content=tuple(content))), left


def _is_marked(part: Text | Blob | Uri | File | ToolCallResponse) -> bool:
    mark = part.extra.get(_FROM, {}).get(_MARK)
    return isinstance(mark, Mapping) and mark.get("type") == "ephemeral"
