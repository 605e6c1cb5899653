"""Text of blanks alone, which Anthropic refuses as a block of its own: it is said with the text beside it.

A client whose history holds an answer in the pieces that it was streamed in sends such parts: " " between two words.
"""

from collections.abc import Sequence
from itertools import groupby

from msgspec.structs import replace

from gateway.model import Message, Part, Text


def with_blanks_joined(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Blank texts stay where they are, and those between two texts stand in the second one too: whoever drops them
    loses no word's distance.

    Texts follow each other in a message, or in messages of one role that follow each other.
    """
    if not any(_is_blank(part) for message in messages for part in message.parts):
        return tuple(messages)
    joined: list[Message] = []
    for _, run in groupby(messages, key=lambda message: message.role):
        together = list(run)
        parts = blanks_joined([part for message in together for part in message.parts])
        for message in together:
            joined.append(replace(message, parts=parts[: len(message.parts)]))
            parts = parts[len(message.parts) :]
    return tuple(joined)


def blanks_joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The same of one run of parts."""
    made, between, after_text = list(parts), "", False
    for place, part in enumerate(parts):
        if not isinstance(part, Text):
            between, after_text = "", False
        elif _is_blank(part):
            between += part.text if after_text else ""
        else:
            made[place] = replace(part, text=between + part.text) if between else part
            between, after_text = "", True
    return tuple(made)


def _is_blank(part: Part) -> bool:
    # Not by what a strip leaves: that copies a text of megabytes.
    return isinstance(part, Text) and (not part.text or part.text.isspace())
