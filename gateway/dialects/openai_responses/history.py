"""`input` of requests, both ways: a flat list of items there, turns here.

Everything that the model produced in a row is one assistant message, whatever its items are; a run of tool outputs is
one message of role tool. Items that only OpenAI can place (references, compactions, outputs of its own tools) travel
as `Opaque` parts, and the paths of those whose loss would change the answer are told as essential.
Reasoning goes back only with its own encrypted state: id and summary as they were, plain text left out, and never
last, because OpenAI wants something to follow it.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.client_json import misshapen, rest, within
from gateway.dialects.losses import Losses
from gateway.dialects.media_types import described
from gateway.dialects.openai_responses.content import parse_content, render_content
from gateway.dialects.openai_responses.items import (
    item_type,
    message_item,
    parse_item,
    reasoning_item,
    refusal_piece,
    restore_state,
    text_piece,
)
from gateway.dialects.openai_responses.tools import ADDED_TOOLS
from gateway.dialects.openai_responses.wire import NAME, Wire, call_id, digest, own, own_or_kin, pocket
from gateway.dialects.places import Placed, content_places, realigned
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
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)

_ROLES = {"user": Role.USER, "system": Role.SYSTEM, "developer": Role.SYSTEM, "assistant": Role.ASSISTANT}
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
# Items that hold content of the conversation, which no other provider can read or place.
_ESSENTIAL = frozenset(
    (
        "apply_patch_call_output",
        "compaction",
        "computer_call_output",
        "configuration_update",
        "item_reference",
        "local_shell_call_output",
        "shell_call_output",
    )
)


class _Turn(Struct):
    role: str
    content: Any = None


class _Output(Struct):
    call_id: str | None = None
    output: Any = None


class _Builder:
    """Gathers items into messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.places: list[tuple[str, ...]] = []
        # The turn that goes on: its parts come in items of their own.
        self._role = Role.USER
        self._run: list[Part] = []
        self._run_places: list[str] = []
        self.essential: list[str] = []
        self._custom: set[str] = set()

    def add(self, item: Wire, path: str) -> None:
        """Raises msgspec.ValidationError, its path below the item; ClientError for a role that there is not."""
        kind = item_type(item)
        if kind == "message":
            self._message(item, path)
        elif kind in _OUTPUTS:
            self._output(item, kind, path)
        elif kind != ADDED_TOOLS:
            if kind in _ESSENTIAL:
                self.essential.append(path)
            self._assistant(parse_item(item), item, path)

    def _message(self, item: Wire, path: str) -> None:
        turn = msgspec.convert(item, _Turn)
        role = _ROLES.get(turn.role)
        if role is None:
            raise ClientError(f"{path}.role: use {', '.join(_ROLES)}, not '{turn.role}'.", param=f"{path}.role")
        if role is Role.ASSISTANT:
            self._assistant(parse_item({**item, "type": "message"}), item, path)
            return
        beside = rest(item, _Turn, "type", "status")
        if turn.role == "developer":
            beside["role"] = turn.role
        parts = _content(turn.content, "content")
        self.end_run()
        self.messages.append(Message(role, tuple(parts), extra=pocket(beside)))
        self.places.append(tuple(content_places(turn.content, f"{path}.content", len(parts))))

    def _output(self, item: Wire, kind: str, path: str) -> None:
        output = msgspec.convert(item, _Output)
        if output.call_id is None:
            self._uncalled(item, output, path)
            return
        beside = rest(item, _Output, "type", "status")
        if kind == "custom_tool_call_output" and output.call_id not in self._custom:
            beside["type"] = kind
        parts = _content(output.output, "output")
        said = (Text(part.text) if isinstance(part, Refusal) else part for part in parts)
        kept = tuple(part for part in said if isinstance(part, Text | Blob | Uri | File | Opaque))
        name = beside.get("name")
        result = ToolCallResponse(output.call_id, kept, name if isinstance(name, str) else None, extra=pocket(beside))
        self._go_on(Role.TOOL, (result,), [f"{path}.output"])

    def _uncalled(self, item: Wire, output: _Output, path: str) -> None:
        """The output of a tool that the client ran by itself. Codex (0.171) tells a goal's words so."""
        name = item.get("name")
        if not isinstance(name, str):
            raise msgspec.ValidationError("Object missing required field `call_id`")
        said = "".join(part.text for part in _content(output.output, "output") if isinstance(part, Text))
        self.end_run()
        self.messages.append(Message(Role.USER, (Opaque(NAME, item, f"<{name}>\n{said}\n</{name}>"),)))
        self.places.append((f"{path}.output",))

    def _assistant(self, parts: Sequence[Part], item: Wire, path: str) -> None:
        self._custom |= {part.id for part in parts if isinstance(part, ToolCall) and part.custom}
        if parts:
            content = item.get("content") if item.get("role") else None
            count = len(parts)
            places = [path] * count if content is None else content_places(content, f"{path}.content", count)
            self._go_on(Role.ASSISTANT, parts, places)

    def _go_on(self, role: Role, parts: Sequence[Part], places: Sequence[str]) -> None:
        if self._role is not role:
            self.end_run()
            self._role = role
        self._run += parts
        self._run_places += places

    def end_run(self) -> None:
        """To be called once every item was added."""
        if self._run:
            parts = restore_state(self._run) if self._role is Role.ASSISTANT else self._run
            self.messages.append(Message(self._role, tuple(parts)))
            self.places.append(tuple(realigned(self._run, self._run_places, parts)))
            self._run, self._run_places = [], []


def _content(content: Any, field: str) -> list[Part]:
    try:
        return parse_content(content)
    except msgspec.ValidationError as error:
        raise within(error, f".{field}") from None


def parse_input(value: str | list[Wire]) -> tuple[list[Message], tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """The messages, the client's paths to their parts, and those of items without which the answer would be another.
    Raises ClientError."""
    if isinstance(value, str):
        return [Message(Role.USER, (Text(value),) if value else ())], (("input",),), ()
    builder = _Builder()
    for index, item in enumerate(value):
        path = f"input[{index}]"
        try:
            builder.add(item, path)
        except msgspec.ValidationError as error:
            raise misshapen(error, path) from None
    builder.end_run()
    return builder.messages, tuple(builder.places), tuple(builder.essential)


class HistoryRenderer:
    """Renders messages as `input`."""

    def __init__(self, losses: Losses, skipped: int = 0) -> None:
        self._losses = losses
        self._skipped = skipped
        self._custom: set[str] = set()
        self._items: list[Wire] = []

    def render(self, messages: Sequence[Message]) -> list[Wire]:
        """Raises Unsupported, naming the client's own place."""
        for index, message in enumerate(messages):
            places = [self._losses.place(index + self._skipped, n) for n in range(len(message.parts))]
            self._message(message, list(zip(message.parts, places, strict=True)))
        kept: list[Wire] = []
        for item in reversed(self._items):
            # Nothing that the model said follows: OpenAI refuses such a reasoning item.
            follows = bool(kept) and (kept[-1].get("role") == "assistant" or "role" not in kept[-1])
            if item.get("type") == "reasoning" and (not follows or _is_output(kept[-1])):
                self._losses.meet("foreign_thinking")
                continue
            kept.append(item)
        return kept[::-1]

    def _message(self, message: Message, parts: Sequence[Placed]) -> None:
        if message.name is not None:
            self._losses.meet("participant_name")
        if message.role is Role.ASSISTANT:
            self._answer(parts)
            return
        content: list[Placed] = []
        for part, place in parts:
            if isinstance(part, ToolCallResponse):
                self._items.append(self._result(part, place))
            elif isinstance(part, Opaque) and part.value.get("type") in _OUTPUTS:
                self._items.append(dict(part.value))
            else:
                content.append((part, place))
        if content or not parts:
            self._items.append(self._turn(message, content))

    def _is_trace(self, part: Part, place: str) -> bool:
        foreign = isinstance(part, Opaque) and part.dialect != NAME
        return foreign and not self._losses.meet("foreign_part", place)

    def _turn(self, message: Message, parts: Sequence[Placed]) -> Wire:
        beside = own_or_kin(message.extra, "role")
        role = Role.USER if message.role is Role.TOOL else message.role
        said = {"type": "message", "role": beside.pop("role", role.value)}
        return {**said, "content": render_content(parts, self._losses), **beside}

    def _result(self, result: ToolCallResponse, place: str) -> Wire:
        beside = dict(own(result.extra))
        kind = "custom_tool_call_output" if result.id in self._custom else "function_call_output"
        parts = list(result.content)
        if result.is_error:
            first = parts[0] if parts else None
            said = Text(f"Error: {first.text}", first.extra) if isinstance(first, Text) else Text("Error: ")
            parts[: isinstance(first, Text)] = [said]
        for part in parts:
            if isinstance(part, Opaque) and part.dialect != NAME:
                self._losses.meet("result_content", place, described(part))
        output = render_content([(part, place) for part in parts], self._losses)
        return {"type": kind, "call_id": call_id(result.id), "output": output, **beside}

    def _answer(self, parts: Sequence[Placed]) -> None:
        for part, where in parts:
            match part:
                case Text() | Refusal():
                    self._words(part)
                case ToolCall():
                    self._items.append(self._call(part, where))
                case Reasoning():
                    self._reasoning(part)
                case Opaque() if part.dialect == NAME:
                    self._items.append(dict(part.value))
                case Opaque() if self._is_trace(part, where):
                    pass
                case _:
                    self._losses.meet("unknown_content", where, described(part))

    def _words(self, part: Text | Refusal) -> None:
        said = own(part.extra)
        if "joined" in said and self._items and isinstance(self._items[-1].get("content"), list):
            self._items[-1]["content"].append(_piece(part))
        elif "item" not in said and isinstance(part, Text):
            last = self._items[-1] if self._items else {}
            if part.text.strip():
                self._items.append({"type": "message", "role": "assistant", "content": part.text})
            elif last.get("role") == "assistant" and isinstance(last.get("content"), str):
                # A blank between the pieces of a text: a message of its own would be refused.
                last["content"] += part.text
        else:
            beside = dict(said.get("item", {}))
            item_id = beside.pop("id", None) or f"msg_{digest(part.text)}"
            self._items.append(message_item(item_id, [_piece(part)], beside))

    def _call(self, call: ToolCall, path: str) -> Wire:
        beside = dict(own(call.extra))
        if call.custom:
            self._custom.add(call.id)
        names = {"name": beside.pop("name", call.name)}
        text = {"input": call.arguments} if call.custom else {"arguments": call.arguments or "{}"}
        kind = "custom_tool_call" if call.custom else "function_call"
        return {"type": kind, "call_id": call_id(call.id), **names, **text, **beside}

    def _reasoning(self, part: Reasoning) -> None:
        said = own(part.extra)
        if "encrypted_content" not in said:
            self._losses.meet("foreign_thinking")
            return
        item = reasoning_item("", part.text, {NAME: said})
        item.pop("content", None)
        if "id" not in said:
            del item["id"]
        self._items.append(item)


def _piece(part: Text | Refusal) -> Wire:
    if isinstance(part, Refusal):
        return refusal_piece(part.text)
    piece = text_piece(part.text, own(part.extra).get("annotations", ()))
    del piece["logprobs"]
    return piece


def _is_output(item: Wire) -> bool:
    return str(item.get("type")).endswith("_output")
