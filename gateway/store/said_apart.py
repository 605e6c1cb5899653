"""What a call says, apart: the instructions before all, the history after them, and the answers."""

from collections.abc import Sequence
from itertools import takewhile

from msgspec import Struct

from gateway.model import Message, Role
from gateway.store.content import Instructions, Tools
from gateway.told import Told


class Answer(Struct, frozen=True):
    message: Message
    choice: int
    finish: str | None


class Said(Struct, frozen=True):
    """`system` are the leading instructions."""

    system: Instructions
    tools: Tools
    history: Sequence[Message]
    answers: Sequence[Answer]


def said_of(told: Told) -> Said:
    messages = told.request.messages if told.request else ()
    system = tuple(takewhile(lambda each: each.role is Role.SYSTEM, messages))
    choices = told.response.choices if told.response else ()
    return Said(
        system=system,
        tools=told.request.tools if told.request else (),
        history=messages[len(system) :],
        answers=[
            Answer(Message(Role.ASSISTANT, choice.parts), choice.index, choice.finish_reason)
            for choice in choices
            if choice.parts
        ],
    )


def has_answer(messages: Sequence[Message]) -> bool:
    return any(message.role is Role.ASSISTANT for message in messages)


def before_last_answer(history: Sequence[Message], index: int) -> bool:
    """What stands behind the last answer is what this call is about, even where it was said before."""
    return has_answer(history[index:]) and history[index].role in (Role.ASSISTANT, Role.TOOL)
