"""Spans with nothing but a model: an attribute, or a name such as "chat claude-sonnet-4-6" that an app chose."""

from collections.abc import Sequence

from gateway.providers.catalog import PROVIDERS
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers import spellings
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.values import first, words
from gateway.telemetry.records import LogRecord, Span

_DETECTED_BY = ("gen_ai.request.model", "gen_ai.response.model", "llm.request.type", "llm.model_name")


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    kind = words(span.attributes.get("llm.request.type"))
    if first(span.attributes, _DETECTED_BY) is not None:
        role = Role.EMBEDDINGS if kind == "embedding" else Role.INFERENCE
        return Observed(reader="bare", role=role, operation=kind)
    operation, _, model = span.name.partition(" ")
    role = spellings.OPERATIONS.get(operation, Role.OTHER)
    provider = next((row.name for row in PROVIDERS if model.startswith(row.families)), None)
    if role not in spellings.CALLS or " " in model or provider is None:
        return None
    return Observed(reader="bare", role=role, operation=operation, provider=provider, model_requested=model)


READER = SpanReader("bare", read, ("llm.request.type",))
