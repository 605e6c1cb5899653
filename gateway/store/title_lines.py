"""The line by which a conversation goes in a list: the first that its user wrote. Pure."""

import re
from collections.abc import Iterator, Sequence

from gateway.model import Message, Role, Text
from gateway.wrapped import element_of

MOST = 160
_LINE = re.compile(r"\S[^\r\n]*")


def first_line(messages: Sequence[Message]) -> str | None:
    """What the user says first, in one line; None where nothing is said."""
    wrapped = None
    for text in user_texts(messages):
        line = _LINE.search(text)
        if line is None:
            continue
        shown = " ".join(line[0].split())[:MOST]
        if element_of(text) is not None:
            wrapped = wrapped or shown
        else:
            return shown
    return wrapped


def user_texts(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        if message.role is Role.USER:
            for part in message.parts:
                if isinstance(part, Text):
                    yield part.text
