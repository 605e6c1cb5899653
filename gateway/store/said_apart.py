"""What a call says, apart: the instructions before all, the history after them, and the answers."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.model import Message, Part, Role, Text
from gateway.store.content import Instructions, Tools
from gateway.told import Told

# A line for Anthropic's bill that Claude Code (2.1.332) puts before its instructions. It is none of them, and ends in
# what the first words of the history come to: one that was compacted would have other instructions.
_BILLING = "x-anthropic-billing-header:"
_ID = "id"


class Answer(Struct, frozen=True):
    message: Message
    choice: int
    finish: str | None


class Said(Struct, frozen=True):
    """`system` are the leading instructions, without their ids and what is only for a provider's bill."""

    system: Instructions
    tools: Tools
    history: Sequence[Message]
    answers: Sequence[Answer]


def said_of(told: Told) -> Said:
    messages = told.request.messages if told.request else ()
    system = tuple(takewhile(lambda each: each.role is Role.SYSTEM, messages))
    choices = told.response.choices if told.response else ()
    return Said(
        system=tuple(filter(None, map(_instructing, system))),
        tools=told.request.tools if told.request else (),
        history=messages[len(system) :],
        answers=[
            Answer(Message(Role.ASSISTANT, choice.parts), choice.index, choice.finish_reason)
            for choice in choices
            if choice.parts
        ],
    )


def _instructing(message: Message) -> Message | None:
    """What instructs of a message, whatever it is called: Codex (0.171) gives the same ones other ids once it has
    compacted. None where nothing does."""
    extra = {name: _unnamed(pocket) if _ID in pocket else pocket for name, pocket in message.extra.items()}
    if extra == message.extra and not any(map(_for_the_bill, message.parts)):
        return message
    parts = tuple(part for part in message.parts if not _for_the_bill(part))
    return replace(message, parts=parts, extra=extra) if parts else None


def _unnamed(pocket: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in pocket.items() if name != _ID}


def _for_the_bill(part: Part) -> bool:
    return isinstance(part, Text) and part.text.startswith(_BILLING)


def has_answer(messages: Sequence[Message]) -> bool:
    return any(message.role is Role.ASSISTANT for message in messages)


def before_last_answer(history: Sequence[Message], index: int) -> bool:
    """What stands behind the last answer is what this call is about, even where it was said before."""
    return has_answer(history[index:]) and history[index].role in (Role.ASSISTANT, Role.TOOL)
