"""Codex's own spans: some hundred of its runtime per turn, of which a few belong to the conversation.

None of them is a call: model, counts and conversation stand on different spans, and its log records tell the call.
"""

from collections.abc import Sequence

from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.values import first, words
from gateway.telemetry.records import LogRecord, Span

_SCOPE = "codex"
_TELLING = ("conversation.id", "turn.id", "turn_id", "gen_ai.usage.output_tokens", "gen_ai.request.model")


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    if not span.scope.name.startswith(_SCOPE):
        return None
    telling = first(span.attributes, _TELLING) is not None
    return Observed(
        reader="codex",
        role=Role.STEP if telling else Role.GLUE,
        model_requested=words(span.attributes.get("model")),
        native=True,
    )


READER = SpanReader(
    "codex",
    read,
    (
        "turn.id",
        "turn_id",
        "model",
        "code.",
        "thread.name",
        "target",
        "busy_ns",
        "idle_ns",
        "codex.usage.total_tokens",
    ),
)
