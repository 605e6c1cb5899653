"""Turns for the dialects that want them merged and strictly paired: Anthropic and Gemini.

Both take instructions apart from the conversation, one turn per run of the same role, all results of an assistant
turn's calls in the very next user turn, first and in the order of the calls. What cannot be brought into that form
is refused by name before it costs a call.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from gateway.dialects.losses import Losses
from gateway.errors import ClientError
from gateway.model import Message, Opaque, Part, Reasoning, Role, Text, ToolCall, ToolCallResponse

# What Anthropic calls the block of a summary.
_COMPACTION = "compaction"


class Item(Struct, frozen=True):
    """A part and the client's own path to it."""

    part: Part
    path: str


class Turn(Struct):
    """`role` is USER, ASSISTANT, or SYSTEM for an instruction given midway where the dialect has such turns."""

    role: Role
    items: list[Item]

    def calls(self) -> list[tuple[ToolCall, str]]:
        return [(item.part, item.path) for item in self.items if isinstance(item.part, ToolCall)]


class Conversation(Struct):
    instructions: list[Item]
    turns: list[Turn]


def gather(
    messages: Sequence[Message],
    dialect: str,
    losses: Losses,
    *,
    keep: Callable[[Part], bool],
    system_turns: bool = False,
) -> Conversation:
    """Instructions apart, turns merged and paired. `keep` says which parts the dialect takes at all; traces of other
    dialects' hosted tools meet their row.

    Raises ClientError for a conversation that does not begin with the user, an orphan result or an unanswered call.
    """
    instructions: list[Item] = []
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        items = [Item(part, losses.place(index, n)) for n, part in enumerate(message.parts)]
        answers = message.role is Role.ASSISTANT
        items = [item for item in items if keep(item.part) and not (answers and _is_trace(item, dialect, losses))]
        if message.name is not None:
            losses.meet("participant_name")
        if not items:
            continue
        if message.role is not Role.SYSTEM:
            role = Role.ASSISTANT if message.role is Role.ASSISTANT else Role.USER
            _append(turns, role, items, answers=message.role is Role.TOOL)
        elif not turns:
            instructions += items
        elif system_turns:
            _append(turns, Role.SYSTEM, items)
        else:
            losses.meet("system_midway", items[0].path)
            _append(turns, Role.USER, [_tagged(item) for item in items])
    turns = _without_lone_thinking(turns, losses)
    turns = _begin_with_summary(turns, losses.door)
    if not turns and instructions:
        losses.meet("system_alone")
        turns, instructions = [Turn(Role.USER, instructions)], []
    if turns and turns[0].role is not Role.USER and not _is_own_summary(turns[0].items[0].part, dialect):
        raise ClientError(
            "The model's provider wants the conversation to begin with a user message: put one first.",
            param=losses.field("six_turns"),
        )
    _pair(turns, losses.field("six_turns"))
    return Conversation(instructions, turns)


def _is_trace(item: Item, dialect: str, losses: Losses) -> bool:
    foreign = isinstance(item.part, Opaque) and item.part.dialect != dialect
    return foreign and not losses.meet("foreign_part", item.path)


def _without_lone_thinking(turns: list[Turn], losses: Losses) -> list[Turn]:
    """Codex sends back what it had of an answer that broke off: thinking alone is no turn, and ends none."""
    kept: list[Turn] = []
    for turn in turns:
        if turn.role is Role.ASSISTANT and all(isinstance(item.part, Reasoning) for item in turn.items):
            losses.meet("lone_thinking", turn.items[0].path)
        else:
            _append(kept, turn.role, turn.items)
    return kept


def _begin_with_summary(turns: list[Turn], door: str) -> list[Turn]:
    """A history may begin with the summary of what was compacted. It is no answer to anything: where the user is to
    begin, it is what the user tells first."""
    if not turns or turns[0].role is not Role.ASSISTANT:
        return turns
    told = [_summary(item) for item in itertools.takewhile(lambda item: _is_summary(item, door), turns[0].items)]
    begun: list[Turn] = []
    if told:
        _append(begun, Role.USER, told)
    for role, items in [
        (Role.ASSISTANT, turns[0].items[len(told) :]),
        *((turn.role, turn.items) for turn in turns[1:]),
    ]:
        if items:
            _append(begun, role, items)
    return begun


def _is_summary(item: Item, door: str) -> bool:
    return isinstance(item.part, Text) and item.part.extra.get(door, {}).get("type") == _COMPACTION


def _is_own_summary(part: Part, dialect: str) -> bool:
    """Of the provider that is asked: to it the history begins there."""
    return isinstance(part, Opaque) and part.dialect == dialect and part.value.get("type") == _COMPACTION


def _summary(item: Item) -> Item:
    assert isinstance(item.part, Text)
    return Item(Text(f"<summary>\n{item.part.text}\n</summary>", item.part.extra), item.path)


def _append(turns: list[Turn], role: Role, items: list[Item], *, answers: bool = False) -> None:
    at = len(turns)
    if answers:
        # Results belong right after their calls, whatever was said in between.
        at = next((n + 1 for n in reversed(range(at)) if turns[n].role is Role.ASSISTANT), at)
    beside = turns[at] if at < len(turns) else turns[-1] if turns else None
    if beside is not None and beside.role is role:
        beside.items.extend(items)
    else:
        turns.insert(at, Turn(role, items))


def _tagged(item: Item) -> Item:
    """An instruction given midway, as a user turn can carry it."""
    if isinstance(item.part, Text):
        return Item(Text(f"<system>\n{item.part.text}\n</system>", item.part.extra), item.path)
    return item


def require_pairs(messages: Sequence[Message], losses: Losses) -> None:
    """For OpenAI's dialects, which take turns as they come, but refuse what is not paired in words of their own.
    Answers one behind another are one turn, as they are to the dialects that merge them.

    Raises ClientError for no message at all, an orphan result or an unanswered call.
    """
    if not messages:
        raise _nothing_to_answer(losses.field("six_turns"))
    calls: list[tuple[ToolCall, str]] = []
    answered: set[str] = set()
    for index, message in enumerate(messages):
        placed = [(part, losses.place(index, n)) for n, part in enumerate(message.parts)]
        if message.role is Role.ASSISTANT:
            if index == 0 or messages[index - 1].role is not Role.ASSISTANT:
                _require_answers(calls, answered)
                calls, answered = [], set()
            calls += [(part, path) for part, path in placed if isinstance(part, ToolCall)]
            continue
        results = [(part, path) for part, path in placed if isinstance(part, ToolCallResponse)]
        for part, path in results:
            if part.id not in {call.id for call, _ in calls}:
                raise _orphan(part, path)
        answered |= {part.id for part, _ in results}
    _require_answers(calls, answered)


def require_question(said: Sequence[Mapping[str, Any]], losses: Losses) -> None:
    """That what was rendered for OpenAI's dialects ends in something to answer, thoughts that were left out aside.

    Raises ClientError, and Unsupported for an answer that is to be gone on with.
    """
    if not said:
        raise _nothing_to_answer(losses.field("six_turns"))
    if said[-1].get("role") == Role.ASSISTANT.value:
        losses.meet("prefill")


def _pair(turns: list[Turn], field: str) -> None:
    if not turns:
        raise _nothing_to_answer(field)
    calls: list[tuple[ToolCall, str]] = []
    for turn in turns:
        results = [(item, item.part) for item in turn.items if isinstance(item.part, ToolCallResponse)]
        if results or calls:
            _order_results(turn, results, calls)
        calls = turn.calls() if turn.role is Role.ASSISTANT else []
    _require_answers(calls, set())


def _order_results(
    turn: Turn, results: list[tuple[Item, ToolCallResponse]], calls: list[tuple[ToolCall, str]]
) -> None:
    """Puts the results first, in the order of the calls. Raises ClientError where calls and results do not match."""
    order = {call.id: position for position, (call, _) in enumerate(calls)}
    seen: set[str] = set()
    for item, result in results:
        if result.id not in order:
            raise _orphan(result, item.path)
        if result.id in seen:
            raise ClientError(
                f"The tool call '{result.id}' has more than one result: send one of them.", param=item.path
            )
        seen.add(result.id)
    _require_answers(calls, {result.id for _, result in results})
    results.sort(key=lambda pair: order[pair[1].id])
    rest = [item for item in turn.items if not isinstance(item.part, ToolCallResponse)]
    turn.items = [item for item, _ in results] + rest


def _nothing_to_answer(field: str) -> ClientError:
    return ClientError("There is no message to answer: send at least one user message.", param=field)


def _orphan(result: ToolCallResponse, path: str) -> ClientError:
    return ClientError(
        f"The tool result for '{result.id}' answers no call of the assistant turn before it: "
        "send it right after its call.",
        param=path,
    )


def _require_answers(calls: list[tuple[ToolCall, str]], answered: set[str]) -> None:
    for call, path in calls:
        if call.id not in answered:
            raise ClientError(
                f"The tool call '{call.id}' has no result: send one in the next message, or leave the call out.",
                param=path,
            )
