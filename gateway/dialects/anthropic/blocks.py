"""Content blocks into parts: one small function for each type, from a table; the rest is `Opaque`.

Fields that the neutral model has no word for (cache marks, citations, a caller) stay in the part's pocket and are
put back by `parts.py`. A wrong shape raises `msgspec.ValidationError`; who called knows whose fault it is.
Source: the SDK's content block types.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.arguments import to_text
from gateway.dialects.client_json import rest, within
from gateway.dialects.envelope import unwrap
from gateway.events import merge_extra
from gateway.model import (
    NO_EXTRA,
    Blob,
    Extra,
    File,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)

NAME = "anthropic"
ANSWER_PREFIX = "msg_"
Block = dict[str, Any]


class _Text(Struct):
    text: str


class _Thinking(Struct):
    thinking: str
    signature: str | None = None


class _Redacted(Struct):
    data: str


class _ToolUse(Struct):
    name: str
    id: str = ""
    input: dict[str, Any] | None = None


class _ToolResult(Struct):
    tool_use_id: str
    content: str | list[Block] | None = None
    is_error: bool | None = None


class _ToolReference(Struct):
    tool_name: str


class _Source(Struct):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class _Media(Struct):
    source: _Source
    title: str | None = None


def pocket(fields: Mapping[str, Any]) -> Extra:
    return {NAME: dict(fields)} if fields else NO_EXTRA


def parse_blocks(blocks: Sequence[Block]) -> list[Part]:
    """Blocks in order. Raises msgspec.ValidationError naming the block that has a wrong shape."""
    parts: list[Part] = []
    for index, block in enumerate(blocks):
        try:
            part = parse_block(block)
        except msgspec.ValidationError as error:
            raise within(error, f"[{index}]") from None
        parts.append(part)
    return parts


def restore_state(parts: Sequence[Part]) -> list[Part]:
    """A history's parts, where other dialects' state that we hid in signatures is back where it belongs."""
    restored: list[Part] = []
    pending: Extra = NO_EXTRA
    for part in parts:
        if isinstance(part, Reasoning) and (carried := unwrap(part.extra.get(NAME, {}).get("signature", ""))):
            mark, pockets = carried
            if mark == "call":
                pending = pockets
                continue
            part = Reasoning(part.text, pockets)
        if isinstance(part, ToolCall) and pending:
            part = msgspec.structs.replace(part, extra=merge_extra(part.extra, pending))
            pending = NO_EXTRA
        restored.append(part)
    return restored


def parse_block(block: Block) -> Part:
    """Raises msgspec.ValidationError where a known type has the wrong shape."""
    kind = block.get("type")
    if not isinstance(kind, str):
        raise msgspec.ValidationError("Object missing required field `type`")
    parse = _PARSERS.get(kind)
    return Opaque(NAME, block) if parse is None else parse(block)


def _text(block: Block) -> Part:
    return Text(msgspec.convert(block, _Text).text, pocket(rest(block, _Text, "type")))


def _thinking(block: Block) -> Part:
    fields = msgspec.convert(block, _Thinking)
    extra = rest(block, _Thinking, "type")
    if fields.signature:
        extra["signature"] = fields.signature
    return Reasoning(fields.thinking, pocket(extra))


def _redacted(block: Block) -> Part:
    return Reasoning("", pocket({"redacted": msgspec.convert(block, _Redacted).data}))


def _tool_use(block: Block) -> Part:
    fields = msgspec.convert(block, _ToolUse)
    if not fields.name:
        raise msgspec.ValidationError("A tool call without a name - at `$.name`")
    arguments = to_text(fields.input or {})
    call_id = fields.id or minted_id(fields.name, arguments)
    return ToolCall(call_id, fields.name, arguments, extra=pocket(rest(block, _ToolUse, "type")))


def minted_id(*about: str) -> str:
    """An id for a call that came without one, the same for the same words."""
    return "toolu_" + blake2b("\0".join(about).encode(), digest_size=12).hexdigest()


def _tool_result(block: Block) -> Part:
    fields = msgspec.convert(block, _ToolResult)
    content: list[Any] = []
    if isinstance(fields.content, str):
        content = [Text(fields.content)]
    elif fields.content:
        content = [_nested(item) for item in fields.content]
    extra = pocket(rest(block, _ToolResult, "type"))
    return ToolCallResponse(fields.tool_use_id, tuple(content), is_error=bool(fields.is_error), extra=extra)


def _nested(block: Block) -> Text | Blob | Uri | File | Opaque:
    if block.get("type") == "tool_reference":
        found = msgspec.convert(block, _ToolReference).tool_name
        return Opaque(NAME, block, f"The tool {found} can be called now.")
    part = parse_block(block)
    return part if isinstance(part, Text | Blob | Uri | File | Opaque) else Opaque(NAME, block)


def _media(block: Block) -> Part:
    fields, extra = msgspec.convert(block, _Media), pocket(rest(block, _Media, "type"))
    source, modality = fields.source, str(block["type"])
    match source.type:
        case "base64" if source.data is not None and source.media_type is not None:
            return Blob(source.media_type, source.data, modality, fields.title, extra)
        case "text" if source.data is not None:
            data = b64encode(source.data.encode()).decode()
            return Blob(source.media_type or "text/plain", data, modality, fields.title, extra)
        case "url" if source.url is not None:
            titled = {} if fields.title is None else {"title": fields.title}
            extra = pocket({**titled, **rest(block, _Media, "type")})
            return Uri(source.url, modality, "application/pdf" if modality == "document" else None, extra)
        case "file" if source.file_id is not None:
            # The pocket marks the id as ours, even when there is nothing else in it.
            return File(source.file_id, modality, None, fields.title, extra or {NAME: {}})
        case "base64" | "text" | "url" | "file" if fields.title is None:
            raise msgspec.ValidationError(f"A source of type '{source.type}' without its content - at `$.source`")
    return Opaque(NAME, block)


def _compaction(block: Block) -> Part:
    summary = block.get("content")
    return Opaque(NAME, block, summary if isinstance(summary, str) else "")


_PARSERS: dict[str, Callable[[Block], Part]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "image": _media,
    "document": _media,
    "compaction": _compaction,
}
