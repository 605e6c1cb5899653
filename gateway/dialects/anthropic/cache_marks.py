"""Cache marks: where a prefix ends that is to be cached, as Anthropic marks it and as other dialects' clients do.

OpenAI's dialects mark content parts; chat clients that know they speak to Claude put Anthropic's own mark on parts,
messages, calls and tools. Without them nothing is ever cached, and every turn costs the whole conversation.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from gateway.dialects.anthropic.blocks import NAME, Block
from gateway.dialects.losses import Losses
from gateway.events import merge_extra
from gateway.model import NO_EXTRA, Extra, File, Message, Opaque, Part, Reasoning, Refusal, ToolCallResponse

_MARK = "cache_control"
_BREAKPOINT = "prompt_cache_breakpoint"
_OPENAI = ("openai_chat", "openai_responses")
_MOST_MARKS = 4
# Anthropic's two lifetimes, by OpenAI's nearest: the longer one costs more to write, so it must be asked for.
_LONG = ("12h", "24h")


def marked(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages with other dialects' marks as Anthropic's own; a whole message's mark is its last part's."""
    if not any(_may_be_marked(message) for message in messages):
        return messages
    return tuple(_marked_message(message) for message in messages)


def _may_be_marked(message: Message) -> bool:
    """Whether a mark stands beside the message or its parts: most conversations have none to look for."""
    if message.extra and _has_mark(message.extra):
        return True
    return any(
        isinstance(part, ToolCallResponse)
        or (not isinstance(part, Opaque) and bool(part.extra) and _has_mark(part.extra))
        for part in message.parts
    )


def _has_mark(extra: Extra) -> bool:
    return any(_MARK in (pocket := extra.get(name, NO_EXTRA)) or _BREAKPOINT in pocket for name in _OPENAI)


def mark_of(extra: Extra) -> Extra:
    """The mark in another dialect's pocket, as a pocket of Anthropic's."""
    if not extra:
        return NO_EXTRA
    for name in _OPENAI:
        pocket = extra.get(name, NO_EXTRA)
        if isinstance(mark := pocket.get(_MARK), Mapping) and mark.get("type") == "ephemeral":
            return {NAME: {_MARK: dict(mark)}}
        if isinstance(mark := pocket.get(_BREAKPOINT), Mapping):
            lifetime = {"ttl": "1h"} if mark.get("ttl") in _LONG else {}
            return {NAME: {_MARK: {"type": "ephemeral", **lifetime}}}
    return NO_EXTRA


def _marked_message(message: Message) -> Message:
    parts = [_marked_part(part) for part in message.parts]
    whole = mark_of(message.extra)
    last = next((at for at in reversed(range(len(parts))) if _can_bear(parts[at])), None)
    if whole and last is not None:
        parts[last] = _with(parts[last], whole)
    same = all(new is old for new, old in zip(parts, message.parts, strict=True))
    return message if same else replace(message, parts=tuple(parts))


def _marked_part(part: Part) -> Part:
    if isinstance(part, ToolCallResponse):
        content = tuple(_marked_part(item) for item in part.content)
        if any(new is not old for new, old in zip(content, part.content, strict=True)):
            part = replace(part, content=content)
    if not _can_bear(part) or isinstance(part, Opaque):
        return part
    mark = mark_of(part.extra)
    return _with(part, mark) if mark else part


def _can_bear(part: Part) -> bool:
    """Anthropic takes marks on all blocks but thinking; a file of another provider is refused in any case."""
    return not isinstance(part, Reasoning | Refusal | Opaque | File)


def _with(part: Part, mark: Extra) -> Part:
    assert not isinstance(part, Opaque)
    return replace(part, extra=merge_extra(part.extra, mark))


def limit_marks(body: dict[str, Any], losses: Losses) -> None:
    """The API takes four cache marks: the last ones reach furthest, the earlier ones go."""
    found = [block for block in _blocks_in(body) if block.get(_MARK) is not None]
    room = _MOST_MARKS - (1 if body.get(_MARK) is not None else 0)
    for block in found[: max(0, len(found) - room)]:
        del block[_MARK]
        losses.meet("cache_mark_count")


def _blocks_in(body: Mapping[str, Any]) -> list[Block]:
    """Every block that may carry a cache mark, in the order of the prompt: tools, system, messages."""
    found = [*body.get("tools", ()), *body.get("system", ())]
    for turn in body["messages"]:
        for block in turn["content"]:
            found.append(block)
            found += block["content"] if block.get("type") == "tool_result" and block.get("content") else ()
    return [block for block in found if isinstance(block, dict)]
