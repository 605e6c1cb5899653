"""Gemini CLI's own spans: the conventions' attributes with Google's native messages, an answer told chunk by chunk.

Its output count leaves thoughts out, and the span does not say how many there were.
"""

from collections.abc import Sequence

import msgspec

from gateway.model import Response
from gateway.telemetry.observed import Observed
from gateway.telemetry.readers import semconv
from gateway.telemetry.readers.messages import joined_texts, message_of, one_choice
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.values import items
from gateway.telemetry.records import LogRecord, Span

_SCOPE = "gemini-cli"


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    if not span.scope.name.startswith(_SCOPE):
        return None
    telling = semconv.read(span, ())
    if telling is None:
        return None
    chunks = [message_of(chunk) for chunk in items(span.attributes.get(semconv.OUTPUT))]
    said = joined_texts(part for chunk in chunks if chunk is not None for part in chunk.parts)
    return msgspec.structs.replace(
        telling, reader="gemini-cli", provider="google", response=Response(choices=one_choice(said)), native=True
    )


READER = SpanReader("gemini-cli", read, (*semconv.READER.reads, "gen_ai.prompt.name", "gen_ai.agent.description"))
