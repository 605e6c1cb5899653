"""Parts into content blocks, for requests and for answers.

A thinking block is only ever sent with the signature that Anthropic made for it. On the way to a client, reasoning of
other providers gets an envelope in the signature's place, which comes back with the history and is unwrapped there.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from gateway.dialects.anthropic.blank_text import blanks_joined
from gateway.dialects.anthropic.blocks import NAME, Block
from gateway.dialects.anthropic.media import source
from gateway.dialects.arguments import to_object
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.envelope import wrap
from gateway.dialects.losses import Losses
from gateway.dialects.media_types import described, is_sketch, media_feature, omitted
from gateway.model import (
    Blob,
    Extra,
    File,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)

_LEGAL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def is_sendable(part: Part) -> bool:
    """Anthropic refuses empty text, and thinking that it did not sign itself."""
    match part:
        case Text() | Refusal():
            return bool(part.text.strip())
        case Reasoning():
            return not {"signature", "redacted"}.isdisjoint(part.extra.get(NAME, {}))
    return True


def own(extra: Extra, *without: str) -> dict[str, Any]:
    return {name: value for name, value in extra.get(NAME, {}).items() if name not in without}


def call_id(neutral: str) -> str:
    """The id as Anthropic takes it; ids only pair calls with results, so that another spelling is no loss."""
    if _LEGAL_ID.fullmatch(neutral):
        return neutral
    return "toolu_" + blake2b(neutral.encode(), digest_size=12).hexdigest()


def request_block(part: Part, path: str, role: Role, losses: Losses) -> Block:
    """A part of a turn. Raises Unsupported naming the part that Anthropic cannot take."""
    match part:
        case Text():
            # Citations are the answer's; the newer API version refuses them in a user's text.
            return {
                "type": "text",
                "text": part.text,
                **own(part.extra, *(() if _is_answer(role) else ("citations",))),
            }
        case Refusal():
            return {"type": "text", "text": part.text}
        case Reasoning():
            return thinking_block(part)
        case ToolCall():
            call = {"type": "tool_use", "id": call_id(part.id), "name": part.name, "input": _arguments(part, losses)}
            return call | own(part.extra)
        case ToolCallResponse():
            return _tool_result(part, path, losses)
        case File() if NAME in part.extra and not _is_answer(role):
            return media_block(part, path, losses)
        case File():
            losses.meet("file_id", path)
        case Blob() | Uri() if not _is_answer(role):
            if losses.meet(media_feature(part), path):
                return media_block(part, path, losses)
        case Opaque() if part.dialect == NAME:
            return dict(part.value)
        case _:
            losses.meet("unknown_content", path, described(part))
    return {"type": "text", "text": omitted(part)}


def _arguments(part: ToolCall, losses: Losses) -> Mapping[str, Any]:
    if part.custom:
        losses.meet("custom_tools")
        return {"input": part.arguments}
    arguments, wrapped = to_object(part.arguments)
    if wrapped:
        losses.meet("broken_arguments")
    return arguments


def _is_answer(role: Role) -> bool:
    return role is Role.ASSISTANT


def media_block(part: Blob | Uri | File, path: str, losses: Losses) -> Block:
    kind, content = source(part, path, losses)
    block: Block = {"type": kind, "source": content}
    if kind == "document" and isinstance(part, Blob | File) and part.filename:
        block["title"] = part.filename
    return block | own(part.extra)


def thinking_block(part: Reasoning) -> Block:
    pocket = own(part.extra)
    if "redacted" in pocket:
        return {"type": "redacted_thinking", "data": pocket["redacted"]}
    return {"type": "thinking", "thinking": part.text, "signature": pocket.get("signature", "")}


def _tool_result(part: ToolCallResponse, path: str, losses: Losses) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": call_id(part.id)}
    content = [_result_block(item, path, losses) for item in blanks_joined(part.content) if is_sendable(item)]
    if content:
        block["content"] = content
    if part.is_error:
        block["is_error"] = True
    return block | own(part.extra)


def _result_block(item: Part, path: str, losses: Losses) -> Block:
    if isinstance(item, Opaque) and item.dialect != NAME:
        losses.meet("result_content", path, described(item))
    elif not isinstance(item, Text | Opaque):
        losses.meet("tool_result_image", path)
    return request_block(item, path, Role.USER, losses)


def thinking_asked(context: AnswerContext) -> bool:
    """Whether another provider answers a client that asked for thinking: its turns that call tools must begin with
    a thinking block, or the next one could not go to Anthropic."""
    options = context.request.reasoning if context.request is not None and context.origin else None
    return options is not None and bool(options.enabled)


def answer_content(parts: Sequence[Part], context: AnswerContext) -> list[Block]:
    """An answer's blocks, for a client."""
    blocks: list[Block] = []
    for part in parts:
        marks = not blocks and thinking_asked(context)
        blocks += answer_blocks(part, context.origin, marks=marks)
    return blocks


def answer_blocks(part: Part, origin: str, *, marks: bool = False) -> list[Block]:
    """A part of an answer, for a client; in place of what Anthropic's answers cannot hold (an image)
    stands that it was left out."""
    # A text without citations has no such field: the SDKs' types allow null, the AI SDK 6 refuses the whole answer.
    match part:
        case Text():
            return [{"type": "text", "text": part.text} | own(part.extra)] if part.text else []
        case Refusal():
            from_details = "stop_details" in part.extra.get(NAME, {})
            return [] if from_details else [{"type": "text", "text": part.text}]
        case Reasoning():
            block = thinking_block(part)
            if block.get("signature") == "":
                block["signature"] = wrap(part.extra, without=NAME, origin=origin)
            return [block]
        case ToolCall():
            arguments, _ = ({"input": part.arguments}, True) if part.custom else to_object(part.arguments)
            block = {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments} | own(part.extra)
            state = call_state(part.extra, origin, marks=marks)
            return [block] if state is None else [state, block]
        case Opaque() if part.dialect == NAME:
            return [dict(part.value)]
        case Blob() if not is_sketch(part):
            return [{"type": "text", "text": omitted(part)}]
    return []


def call_state(extra: Extra, origin: str, *, marks: bool = False) -> Block | None:
    """A thinking block that carries another provider's state of the tool call after it (a thought signature).

    `marks`: there is one without state too, by which the turn is known again.
    """
    if not marks and not any(pocket for dialect, pocket in extra.items() if dialect != NAME):
        return None
    return {"type": "thinking", "thinking": "", "signature": wrap(extra, without=NAME, origin=origin, mark="call")}
