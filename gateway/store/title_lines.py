"""The line by which a conversation goes in a list: the first that its user wrote. Pure."""

import re
from collections.abc import Iterator, Sequence

from gateway.model import Message, Role, Text

MOST = 160
# Context that a tool puts before what its user wrote: <system-reminder>…</system-reminder> and the like.
_WRAPPED = re.compile(r"\s*<([A-Za-z][\w-]*)[^>]*>.*</\1>\s*", re.DOTALL)
_LINE = re.compile(r"\S[^\r\n]*")


def first_line(messages: Sequence[Message]) -> str | None:
    """What the user says first, in one line; None where nothing is said."""
    wrapped = None
    for text in user_texts(messages):
        line = _LINE.search(text)
        if line is None:
            continue
        shown = " ".join(line[0].split())[:MOST]
        if text.lstrip().startswith("<") and _WRAPPED.fullmatch(text):
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
