"""Each dialect's checks on a finished stream for its clients, and what is heard of one by the dialect's own reader."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext
from gateway.events import Assembler, Event, StreamError
from tests.dialects.anthropic.grammar import grammar as anthropic
from tests.dialects.feeding import folded, read
from tests.dialects.gemini.grammar import grammar as gemini
from tests.dialects.openai_chat.grammar import grammar as openai_chat
from tests.dialects.openai_responses.grammar import grammar as openai_responses

CONTEXT = AnswerContext(id="0123456789abcdef", created=1_790_000_000, model="asked-for", include_usage=True)
GRAMMARS: Mapping[str, Callable[[bytes], list[dict[str, Any]]]] = {
    "openai_chat": lambda stream: openai_chat(stream, include_usage=True),
    "openai_responses": openai_responses,
    "anthropic": anthropic,
    "gemini": gemini,
}


def told(door: str, events: list[Event], context: AnswerContext = CONTEXT) -> bytes:
    """What a client of this door gets of these events, which may end in an error."""
    writer = DIALECTS[door].writer(context)
    out = [writer.error(event) if isinstance(event, StreamError) else writer.write(event) for event in events]
    return b"".join(out) + writer.close()


def heard(door: str, stream: bytes) -> Assembler:
    """The stream's answer, after the door's grammar was checked where it is a finished one."""
    answer = folded(read(DIALECTS[door].reader(), [stream]))
    if answer.error is None:
        GRAMMARS[door](stream)
    return answer
