"""Messages in every vocabulary, and what is done to all of them alike once they are read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.model import Choice, Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolCallResponse
from gateway.telemetry.readers.parts import parts_of, reasoning_first, tool_call, tool_response, without_repeats
from gateway.telemetry.readers.spellings import FINISHES
from gateway.telemetry.readers.values import items, parsed, words

ROLES: Mapping[str, Role] = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "human": Role.USER,
    "assistant": Role.ASSISTANT,
    "ai": Role.ASSISTANT,
    "aimessagechunk": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "thinking": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}


def messages_of(value: Any) -> tuple[Message, ...]:
    """Messages from a list, its JSON text, or one message. A text that is no JSON becomes the user's words whole."""
    if isinstance(value, str) and parsed(value) is None:
        return (Message(Role.USER, (Text(value),)),) if value else ()
    read = items(value)
    if len(read) == 1 and isinstance(read[0], list):
        # LangChain asks in batches, of which there is one.
        read = read[0]
    if not read and isinstance(parsed(value), str):
        return (Message(Role.USER, (Text(parsed(value)),)),)
    return tuple(message for message in map(message_of, read) if message is not None)


def message_of(value: Any) -> Message | None:
    """One message of whatever shape; None where there is none in it."""
    if isinstance(value, str):
        return Message(Role.USER, (Text(value),)) if value else None
    if not isinstance(value, dict) or not value:
        return None
    fields = _unwrapped(value)
    said = words(fields.get("role"))
    if said is None:
        return _item_alone(fields)
    role = ROLES.get(said.lower(), Role.USER)
    parts = _parts(fields, role)
    if said == "thinking":
        parts = tuple(Reasoning(part.text) if isinstance(part, Text) else part for part in parts)
    return Message(role, parts, name=words(fields.get("name")) if role is not Role.TOOL else None)


def settled(messages: Iterable[Message], system: Sequence[Part] = ()) -> tuple[Message, ...]:
    """Messages as the model wants them: system first and once, tool results apart, nothing empty."""
    kept = [piece for message in messages for piece in _by_role(message)]
    lead: list[Message] = [Message(Role.SYSTEM, tuple(system))] if system else []
    while kept and kept[0].role is Role.SYSTEM:
        instruction = kept.pop(0)
        if instruction.parts and _words(instruction.parts) not in [_words(other.parts) for other in lead]:
            lead.append(instruction)
    return (*lead, *(message for message in kept if message.parts))


def choices_of(messages: Iterable[Any], *, apart: bool = True) -> tuple[Choice, ...]:
    """Answers, one per choice. Not `apart`: the pieces of one answer, unless each of them has words of its own."""
    read = [(value, message) for value in messages if (message := message_of(value)) is not None]
    if not apart and not all(_has_words(message.parts) for _, message in read):
        finish = next((word for value, _ in read if (word := _finish(value))), None)
        return one_choice((part for _, message in read for part in message.parts), finish)
    return tuple(
        Choice(index=index, parts=_answer(message.parts), finish_reason=FINISHES.get(_finish(value) or ""))
        for index, (value, message) in enumerate(read)
    )


def one_choice(parts: Iterable[Part], finish: str | None = None) -> tuple[Choice, ...]:
    answer = _answer(parts)
    return (Choice(parts=answer, finish_reason=FINISHES.get(finish or "")),) if answer or finish else ()


def joined_texts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Neighbouring pieces of text, or of thought, as one: a stream's chunks told one by one."""
    kept: list[Part] = []
    for part in parts:
        last = kept[-1] if kept else None
        if isinstance(part, Text) and isinstance(last, Text):
            kept[-1] = Text(last.text + part.text, last.extra)
        elif isinstance(part, Reasoning) and isinstance(last, Reasoning):
            kept[-1] = Reasoning(last.text + part.text, {**last.extra, **part.extra})
        else:
            kept.append(part)
    return tuple(kept)


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """LangChain's serialised messages hold their fields below `kwargs` or `data` and name their role as a type."""
    inner = value.get("kwargs", value.get("data"))
    if isinstance(inner, dict) and ("lc" in value or value.get("type") in ROLES):
        kind = words(inner.get("type", value.get("type"))) or ""
        return {**inner, "role": kind.lower(), "type": None}
    if "role" not in value and value.get("type") in ROLES and "content" in value:
        return {**value, "role": value["type"]}
    inner = value.get("message")
    return inner if isinstance(inner, dict) and "role" not in value else value


def _item_alone(fields: Mapping[str, Any]) -> Message | None:
    """A part that stands for a message of its own, as in the Responses API."""
    parts = parts_of(fields.get("parts") if isinstance(fields.get("parts"), list) else dict(fields))
    if not parts:
        return None
    if isinstance(parts[0], ToolCallResponse):
        return Message(Role.TOOL, parts)
    said = isinstance(parts[0], ToolCall | Reasoning) or fields.get("type") == "output_text"
    return Message(Role.ASSISTANT if said else Role.USER, parts)


def _parts(fields: Mapping[str, Any], role: Role) -> tuple[Part, ...]:
    content = fields.get("parts", fields.get("content"))
    if isinstance(content, dict) and isinstance(content.get("parts"), list):
        # Google's answers hold their parts one level down.
        content = content["parts"]
    answered = fields.get("tool_call_id", fields.get("id") if role is Role.TOOL else None)
    if role is Role.TOOL and answered is not None and "parts" not in fields:
        return (tool_response({"name": fields.get("name"), "id": answered}, content),)
    parts = list(parts_of(content))
    if role is Role.TOOL and not any(isinstance(part, ToolCallResponse) for part in parts):
        return (tool_response(fields, content),)
    thought = next((word for key in ("reasoning_content", "reasoning") if (word := words(fields.get(key)))), None)
    if thought and not any(isinstance(part, Reasoning) for part in parts):
        parts.insert(0, Reasoning(thought))
    if refused := words(fields.get("refusal")):
        parts.append(Refusal(refused))
    for call in items(fields.get("tool_calls")):
        if isinstance(call, dict):
            parts.append(tool_call(call))
    if isinstance(fields.get("function_call"), dict):
        parts.append(tool_call(fields["function_call"]))
    return without_repeats(parts)


def _by_role(message: Message) -> tuple[Message, ...]:
    """Tool results in messages of their own: Anthropic's and Google's senders tell them as the user's."""
    if message.role is Role.SYSTEM or not any(isinstance(part, ToolCallResponse) for part in message.parts):
        if message.role is Role.ASSISTANT:
            message = Message(message.role, reasoning_first(message.parts), message.name, message.extra)
        return (message,)
    runs: list[tuple[Role, list[Part]]] = []
    for part in message.parts:
        role = Role.TOOL if isinstance(part, ToolCallResponse) else message.role
        role = Role.USER if role is Role.TOOL and not isinstance(part, ToolCallResponse) else role
        if not runs or runs[-1][0] is not role:
            runs.append((role, []))
        runs[-1][1].append(part)
    return tuple(
        Message(role, tuple(parts), None if role is Role.TOOL else message.name, message.extra)
        for role, parts in runs
    )


def _answer(parts: Iterable[Part]) -> tuple[Part, ...]:
    return reasoning_first(without_repeats(parts))


def _finish(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    for key in ("finish_reason", "finishReason", "stop_reason"):
        if said := words(value.get(key)):
            return said
    return None


def _has_words(parts: Iterable[Part]) -> bool:
    return any(isinstance(part, Text) for part in parts)


def _words(parts: Iterable[Part]) -> str:
    return "\n".join(part.text.strip() for part in parts if isinstance(part, Text))
