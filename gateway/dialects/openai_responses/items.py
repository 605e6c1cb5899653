"""Items into parts: calls, reasoning and assistant messages, which histories and answers share.

An item's id stays in the pocket of its (first) part, because encrypted reasoning is bound to it; its status says
nothing that a part does not. Reasoning is its summary, or its plain text where there is none; other dialects' state,
which our own answers hide in `encrypted_content`, is unwrapped by `restore_state`. Wrong shapes raise
`msgspec.ValidationError`. Source: the SDK's ResponseOutputItem and ResponseInputItem.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.client_json import rest, within
from gateway.dialects.envelope import unwrap, wrap
from gateway.dialects.openai_responses.content import parse_content
from gateway.dialects.openai_responses.tools import flat_name
from gateway.dialects.openai_responses.wire import NAME, Wire, digest, own, pocket
from gateway.events import merge_extra
from gateway.model import NO_EXTRA, Extra, Opaque, Part, Reasoning, Refusal, Text, ToolCall

# Between the parts of a summary, as one text.
PARAGRAPH = "\n\n"
# Marks of an envelope: whose state it is beside the reasoning's own.
NEXT_CALL, LAST_CALL = "call", "called"


class _Call(Struct):
    name: str
    call_id: str | None = None
    arguments: Any = None
    input: Any = None
    namespace: str | None = None
    status: Any = None


class _Piece(Struct):
    text: str = ""


class _Reasoning(Struct):
    summary: list[_Piece] | None = None
    content: list[_Piece] | None = None
    encrypted_content: str | None = None
    status: Any = None


class _Message(Struct):
    content: Any = None
    role: Any = None
    status: Any = None


def item_type(item: Wire) -> str:
    """Raises msgspec.ValidationError where it says none and is no easy message."""
    kind = item.get("type")
    if kind is None and "role" in item:
        return "message"
    if not isinstance(kind, str):
        raise msgspec.ValidationError("Object missing required field `type`")
    return kind


def parse_item(item: Wire, minted_id: str = "") -> list[Part]:
    """The parts of one item that the model produced. `minted_id` is for a call without ids."""
    match item_type(item):
        case "message":
            return message_parts(item)
        case "function_call" | "custom_tool_call":
            return [call_part(item, minted_id)]
        case "reasoning":
            return [reasoning_part(item)]
    return [Opaque(NAME, item)]


def message_parts(item: Wire) -> list[Part]:
    """An assistant message. The first part names the item, the others are marked as joined to it."""
    try:
        parts = parse_content(item.get("content"))
    except msgspec.ValidationError as error:
        raise within(error, ".content") from None
    if not isinstance(item.get("content"), list):
        beside = message_pocket(item)
        return [_marked(part, {"item": beside} if beside else {}) for part in parts]
    marks: list[Wire] = [{"item": message_pocket(item)}, *[{"joined": True}] * len(parts)]
    return [_marked(part, mark) for part, mark in zip(parts, marks, strict=False)]


def message_pocket(item: Wire) -> Wire:
    """What an assistant message says beside its content."""
    return rest(item, _Message, "type")


def _marked(part: Part, mark: Wire) -> Part:
    if isinstance(part, Text | Refusal):
        return msgspec.structs.replace(part, extra=merge_extra(part.extra, pocket(mark)))
    return part


def call_part(item: Wire, minted_id: str = "") -> ToolCall:
    """Raises msgspec.ValidationError also for a call without a name."""
    fields = msgspec.convert(item, _Call)
    if not fields.name:
        raise msgspec.ValidationError("A tool call without a name - at `$.name`")
    custom = item.get("type") == "custom_tool_call"
    text = arguments_text(fields.input if custom else fields.arguments)
    item_id = item.get("id")
    found_id = fields.call_id or (item_id if isinstance(item_id, str) else "") or minted_id or f"call_{digest(text)}"
    name = flat_name(fields.namespace, fields.name)
    return ToolCall(found_id, name, text, custom, pocket(call_pocket(item)))


def call_pocket(item: Wire) -> Wire:
    beside = rest(item, _Call, "type")
    namespace = item.get("namespace")
    return {**beside, "namespace": namespace, "name": item.get("name")} if namespace else beside


def arguments_text(value: Any) -> str:
    """Arguments as JSON text; some servers send the object itself."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def reasoning_part(item: Wire) -> Reasoning:
    fields = msgspec.convert(item, _Reasoning)
    summary = [piece.text for piece in fields.summary or ()]
    text = PARAGRAPH.join(summary) or "".join(piece.text for piece in fields.content or ())
    return Reasoning(text, pocket(reasoning_pocket(item, summary, text)))


def reasoning_pocket(item: Wire, summary: Sequence[str], text: str) -> Wire:
    beside = rest(item, _Reasoning, "type")
    if isinstance(item.get("encrypted_content"), str):
        beside["encrypted_content"] = item["encrypted_content"]
    if list(summary) != ([text] if text else []):
        beside["summary"] = list(summary)
    return beside


def restore_state(parts: Sequence[Part]) -> list[Part]:
    """A history's parts, where other dialects' state that we hid in reasoning items is back where it belongs."""
    restored: list[Part] = []
    pending: Extra = NO_EXTRA
    for part in parts:
        if isinstance(part, Reasoning) and (carried := unwrap(str(own(part.extra).get("encrypted_content")))):
            mark, pockets = carried
            if mark == NEXT_CALL:
                pending = pockets
                continue
            if mark == LAST_CALL:
                if restored and isinstance(restored[-1], ToolCall):
                    restored[-1] = _with_state(restored[-1], pockets)
                continue
            part = Reasoning(part.text, pockets)
        if isinstance(part, ToolCall) and pending:
            part, pending = _with_state(part, pending), NO_EXTRA
        restored.append(part)
    return restored


def _with_state(call: ToolCall, state: Extra) -> ToolCall:
    return msgspec.structs.replace(call, extra=merge_extra(call.extra, state))


def reasoning_item(item_id: str, text: str, extra: Extra, origin: str = "") -> Wire:
    """A reasoning item of an answer: its own state, or an envelope for another provider's.

    What another provider thought gets one in any case: with neither state nor envelope OpenAI refuses the item.
    """
    said = own(extra)
    beside = {key: value for key, value in said.items() if key not in ("summary", "encrypted_content")}
    summary = said.get("summary", [text] if text else [])
    item: Wire = {"id": item_id, "type": "reasoning", "summary": summary_pieces(summary), **beside}
    if "encrypted_content" in said:
        item["encrypted_content"] = said["encrypted_content"]
    elif origin or any(values for dialect, values in extra.items() if dialect != NAME):
        item["encrypted_content"] = wrap(extra, without=NAME, origin=origin)
    if "summary" in said and not said["summary"] and text:
        item["content"] = [{"type": "reasoning_text", "text": text}]
    return item


def state_item(item_id: str, extra: Extra, mark: str, origin: str) -> Wire:
    """A reasoning item that only carries another dialect's state of a call."""
    state = wrap(extra, without=NAME, origin=origin, mark=mark)
    return {"id": item_id, "type": "reasoning", "summary": [], "encrypted_content": state}


def summary_pieces(texts: Sequence[str]) -> list[Wire]:
    return [{"type": "summary_text", "text": text} for text in texts]


def call_item(item_id: str, call_id: str, names: Mapping[str, Any], text: str, *, custom: bool) -> Wire:
    """A call of an answer, complete."""
    item: Wire = {"id": item_id, "type": "custom_tool_call" if custom else "function_call", "status": "completed"}
    item |= {"call_id": call_id, **names}
    return item | ({"input": text} if custom else {"arguments": text or "{}"})


def message_item(item_id: str, content: Sequence[Wire], beside: Mapping[str, Any], status: str = "completed") -> Wire:
    return {
        "id": item_id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": list(content),
        **beside,
    }


def text_piece(text: str, annotations: Sequence[Any] = ()) -> Wire:
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}


def refusal_piece(text: str) -> Wire:
    return {"type": "refusal", "refusal": text}
