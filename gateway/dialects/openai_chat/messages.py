"""Messages of requests, both ways.

Chat has one `tool` message per result; the model gathers a run of them into one turn. Chat takes only text in a tool
result, so images found there follow in a user message after all results of the turn, never as base64 inside text.
Every result must answer a call of the assistant turn before it, and every call must be answered before the next turn:
OpenAI refuses anything else, and so do the other dialects in words that a chat client could not place.
"""

from collections.abc import Callable, Sequence
from typing import Any

from gateway.dialects.losses import Losses
from gateway.dialects.media_types import described
from gateway.dialects.openai_chat.content import parse_content, render_content, render_part
from gateway.dialects.openai_chat.fields import Fields
from gateway.dialects.openai_chat.tools import parse_call, render_call
from gateway.dialects.openai_chat.wire import NAME, arguments_text, own, pocket
from gateway.dialects.places import Placed
from gateway.errors import ClientError
from gateway.model import (
    Blob,
    File,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Target,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)

ATTACHED = "[image attached below]"
# A message, and its parts with the client's paths to them.
_Turn = tuple[Message, list[Placed]]


def parse_messages(messages: list[Any] | None) -> tuple[Message, ...]:
    """`messages`. Raises ClientError."""
    if not messages:
        raise ClientError("`messages` must be an array with at least one message.", param="messages")
    parsed: list[Message | list[ToolCallResponse]] = []
    pending: dict[str, str] = {}
    for index, value in enumerate(messages):
        fields = Fields(value, f"messages[{index}]")
        role = fields.need_str("role")
        if role not in ("tool", "function"):
            _require_answered(pending, f"messages[{index}]")
        parse = _ROLES.get(role)
        if parse is not None:
            message = parse(fields, role, index)
            parsed.append(message)
            pending = {part.id: part.name for part in message.parts if isinstance(part, ToolCall)}
            continue
        if role not in ("tool", "function"):
            known = ", ".join((*_ROLES, "tool", "function"))
            raise ClientError(
                f"`{fields.at('role')}` is {role!r}, but must be one of {known}.", param=fields.at("role")
            )
        result = _parse_result(fields, role, pending)
        if parsed and isinstance(run := parsed[-1], list):
            run.append(result)
        else:
            parsed.append([result])
    if pending:
        missing = next(iter(pending))
        reason = f"`messages` ends without an answer to the tool call {missing!r}: add its `tool` message."
        raise ClientError(reason, param="messages")
    return tuple(Message(Role.TOOL, tuple(item)) if isinstance(item, list) else item for item in parsed)


def _require_answered(pending: dict[str, str], path: str) -> None:
    if pending:
        missing = next(iter(pending))
        message = f"`{path}` comes before the answer to the tool call {missing!r}: put its `tool` message first."
        raise ClientError(message, param=path)


def _parse_instructions(fields: Fields, role: str, index: int) -> Message:
    name = fields.take_str("name")
    parts = parse_content(fields.take("content"), fields.at("content"))
    beside = fields.rest() | ({"role": role} if role == "developer" else {})
    return Message(Role.SYSTEM, parts, name, pocket(beside))


def _parse_user(fields: Fields, role: str, index: int) -> Message:
    name = fields.take_str("name")
    parts = parse_content(fields.take("content"), fields.at("content"))
    return Message(Role.USER, parts, name, pocket(fields.rest()))


def _parse_assistant(fields: Fields, role: str, index: int) -> Message:
    name, thinking = fields.take_str("name"), fields.take_str("reasoning_content")
    parts: list[Part] = [Reasoning(thinking)] if thinking else []
    parts += parse_content(fields.take("content"), fields.at("content"))
    refusal = fields.take_str("refusal")
    if refusal:
        parts.append(Refusal(refusal))
    for position, call in enumerate(fields.take_list("tool_calls") or ()):
        parts.append(parse_call(Fields(call, fields.at(f"tool_calls[{position}]"))))
    legacy = fields.take_fields("function_call")
    if legacy is not None:
        parts.append(ToolCall(_legacy_id(index), legacy.need_str("name"), arguments_text(legacy.take("arguments"))))
    return Message(Role.ASSISTANT, tuple(parts), name, pocket(fields.rest()))


_ROLES: dict[str, Callable[[Fields, str, int], Message]] = {
    "system": _parse_instructions,
    "developer": _parse_instructions,
    "user": _parse_user,
    "assistant": _parse_assistant,
}


def _legacy_id(index: int) -> str:
    # The deprecated `function_call` has no id; its place in the history is one that stays the same every time.
    return f"call_function_{index}"


def _parse_result(fields: Fields, role: str, pending: dict[str, str]) -> ToolCallResponse:
    content = parse_content(fields.take("content"), fields.at("content"))
    name = fields.take_str("name")
    if role == "function":
        call_id = next((call_id for call_id, called in pending.items() if called == name), None)
        what, param = f"the function {name!r}", fields.at("name")
    else:
        call_id = fields.need_str("tool_call_id")
        what, param = f"the tool call {call_id!r}", fields.at("tool_call_id")
    if call_id is None or call_id not in pending:
        raise ClientError(
            f"`{param}` answers {what}, which the assistant message before it did not make, or which has "
            "its result already.",
            param=param,
        )
    del pending[call_id]
    kept = tuple(part for part in content if isinstance(part, Text | Blob | Uri | File))
    return ToolCallResponse(call_id, kept, name, extra=pocket(fields.rest()))


def message_places(messages: Sequence[Any], parsed: Sequence[Message]) -> tuple[tuple[str, ...], ...]:
    """The client's paths to the parts of its messages."""
    places: list[tuple[str, ...]] = []
    index = 0
    for message in parsed:
        if message.role is Role.TOOL:
            places.append(tuple(f"messages[{index + n}].content" for n in range(len(message.parts))))
            index += len(message.parts)
        else:
            places.append(_part_places(messages[index], message.parts, f"messages[{index}]"))
            index += 1
    return tuple(places)


def _part_places(message: dict[str, Any], parts: Sequence[Part], path: str) -> tuple[str, ...]:
    content = message.get("content")
    if content and isinstance(content, str) and len(parts) == 1:
        return (f"{path}.content",)
    # What `parse_content` leaves out.
    kept = [n for n, item in enumerate(content) if item.get("text") != ""] if isinstance(content, list) else []
    said = iter(f"{path}.content[{n}]" for n in kept)
    calls = iter(range(len(parts)))
    places: list[str] = []
    for part in parts:
        if isinstance(part, ToolCall):
            places.append(
                f"{path}.tool_calls[{next(calls)}]" if message.get("tool_calls") else f"{path}.function_call"
            )
        elif isinstance(part, Reasoning):
            places.append(f"{path}.reasoning_content")
        else:
            places.append(next(said, f"{path}.content"))
    return tuple(places)


def _results_behind_calls(turns: Sequence[_Turn]) -> list[_Turn]:
    """Chat wants all results of an answer's calls right behind it; elsewhere they may come in several messages, and
    others between them."""
    ordered: list[_Turn] = []
    at = 0
    for message, placed in turns:
        results = [item for item in placed if isinstance(item[0], ToolCallResponse)]
        rest = [item for item in placed if not isinstance(item[0], ToolCallResponse)]
        if results and at < len(ordered) and ordered[at][0].role is Role.TOOL:
            ordered[at][1].extend(results)
        elif results:
            ordered.insert(at, (Message(Role.TOOL, ()), results))
        if rest or not results:
            ordered.append((message, rest))
        if message.role is Role.ASSISTANT:
            at = len(ordered)
    return ordered


class MessageRenderer:
    """Renders the history for one target."""

    def __init__(self, target: Target, losses: Losses) -> None:
        self._target = target
        self._losses = losses

    def render(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """`messages`. Raises Unsupported."""
        turns: list[_Turn] = []
        for index, message in enumerate(messages):
            placed = [(part, self._losses.place(index, n)) for n, part in enumerate(message.parts)]
            if turns and self._goes_on(turns[-1][0], message):
                turns[-1][1].extend(placed)
            else:
                turns.append((message, placed))
        if self._losses.door not in ("", NAME):
            turns = [turn for turn in _results_behind_calls(turns) if not self._is_void(*turn)]
        return [said for message, placed in turns for said in self._message(message, placed)]

    def _is_void(self, message: Message, parts: Sequence[Placed]) -> bool:
        """An answer of which nothing can be said here, as of one that broke off in its thoughts; xAI refuses an empty
        message."""
        return message.role is Role.ASSISTANT and all(
            (isinstance(part, Reasoning) and self._is_lost(part))
            or (isinstance(part, Opaque) and self._is_trace(part, place))
            or (isinstance(part, Text) and not part.text)
            for part, place in parts
        )

    def _goes_on(self, before: Message, message: Message) -> bool:
        """Whether two answers are one turn: other dialects say so of those one behind another, and chat wants the
        results right behind the calls."""
        both_answer = before.role is Role.ASSISTANT and message.role is Role.ASSISTANT
        return both_answer and self._losses.door not in ("", NAME)

    def _message(self, message: Message, parts: Sequence[Placed]) -> list[dict[str, Any]]:
        results = [(part, place) for part, place in parts if isinstance(part, ToolCallResponse)]
        rest = [(part, place) for part, place in parts if not isinstance(part, ToolCallResponse)]
        rendered = self._results(results)
        if rest or not results:
            role = message.role if message.role is not Role.TOOL else Role.USER
            rendered.append(self._turn(message, role, rest))
        return rendered

    def _turn(self, message: Message, role: Role, parts: Sequence[Placed]) -> dict[str, Any]:
        said = {"role": role.value, **own(message.extra)}
        if message.name is not None and self._losses.meet("participant_name"):
            said["name"] = message.name
        content = [(part, place) for part, place in parts if not isinstance(part, ToolCall | Reasoning)]
        calls = [render_call(part) for part, _ in parts if isinstance(part, ToolCall)]
        thinking = "".join(part.text for part, _ in parts if isinstance(part, Reasoning) and not self._is_lost(part))
        answers = role is Role.ASSISTANT
        kept = [(part, place) for part, place in content if not (answers and self._is_trace(part, place))]
        said["content"] = None if calls and not kept else render_content(kept, self._losses)
        if calls:
            said["tool_calls"] = calls
        if thinking:
            said["reasoning_content"] = thinking
        return said

    def _is_lost(self, part: Reasoning) -> bool:
        """Whether the model cannot take these thoughts back: it never does, or another provider had them."""
        feature = "own_thinking" if part.extra.keys() <= {NAME} else "foreign_thinking"
        return not self._losses.meet(feature)

    def _is_trace(self, part: Part, place: str) -> bool:
        """A block that another dialect alone can say (its hosted tools' traces)."""
        return isinstance(part, Opaque) and not self._losses.meet("foreign_part", place)

    def _results(self, results: Sequence[tuple[ToolCallResponse, str]]) -> list[dict[str, Any]]:
        rendered: list[dict[str, Any]] = []
        attached: list[dict[str, Any]] = []
        for result, place in results:
            texts: list[Part] = [Text("Error: ")] if result.is_error else []
            for part in result.content:
                if isinstance(part, Text):
                    texts.append(part)
                elif isinstance(part, Opaque):
                    self._losses.meet("result_content", place, described(part))
                elif self._losses.meet("tool_result_image", place):
                    texts.append(Text(ATTACHED))
                    attached.append(render_part(part, place, self._losses))
            if result.is_error and len(texts) > 1 and isinstance(texts[1], Text):
                texts[:2] = [Text(f"Error: {texts[1].text}", texts[1].extra)]
            content = render_content([(part, place) for part in texts], self._losses)
            said = {"role": "tool", "tool_call_id": result.id, "content": content}
            rendered.append({**own(result.extra), **said})
        if attached:
            rendered.append({"role": "user", "content": attached})
        return rendered
