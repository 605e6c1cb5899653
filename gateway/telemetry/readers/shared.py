"""What every dialect writes in attributes of its own, whatever its messages look like: models, counts, ids, times."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.model import Choice, Response
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers import spellings
from gateway.telemetry.readers.failures import failure
from gateway.telemetry.readers.options import options_of
from gateway.telemetry.readers.usage import usage_of
from gateway.telemetry.readers.values import Names, count, mapping, microseconds, nano_dollars, texts, truth, words
from gateway.telemetry.records import Attributes, LogRecord, Span

READS = (
    *(name for names in spellings.USAGE.values() for name in names),
    *(name for names in (*spellings.NUMBERS.values(), *spellings.COUNTS.values()) for name in names),
    *spellings.SERVICE_TIER,
    *spellings.COST,
    *spellings.PROVIDER,
    *spellings.OPERATION,
    *spellings.MODEL_REQUESTED,
    *spellings.MODEL,
    *spellings.RESPONSE_ID,
    *spellings.PREVIOUS_RESPONSE,
    *spellings.STREAMED,
    *spellings.AGENT,
    *spellings.TITLE,
    *spellings.TAGS,
    *spellings.FIRST_TOKEN,
    *spellings.FINISH,
    *spellings.STOP,
    *spellings.EFFORT,
    *spellings.THINKING_BUDGET,
    *spellings.CONVERSATIONS,
    *spellings.USERS,
    "error.type",
    *spellings.TOTAL,
    spellings.COST_TICKS,
    spellings.FIRST_TOKEN_AT,
)
_NAMES = Names(
    {
        "operation": spellings.OPERATION,
        "model": spellings.MODEL,
        "model_requested": spellings.MODEL_REQUESTED,
        "response_id": spellings.RESPONSE_ID,
        "previous_response_id": spellings.PREVIOUS_RESPONSE,
        "cost": spellings.COST,
        "streamed": spellings.STREAMED,
        "agent": spellings.AGENT,
        "title": spellings.TITLE,
        "finish": spellings.FINISH,
    }
)
_CONVERSATIONS = frozenset(spellings.CONVERSATIONS) | {"metadata"}
_UNNAMED_SERVICE = "unknown_service"


def shared(span: Span, logs: Sequence[LogRecord] = ()) -> Observed:
    """What a span's attributes say under any of their names, its status and its resource."""
    attributes = span.attributes
    said = _NAMES.said(attributes)
    model, requested = _model(said.get("model")), _model(said.get("model_requested"))
    response_id = words(said.get("response_id"))
    error_type, error_message = failure(span, logs)
    ttft_us = _first_token(span)
    streamed = truth(said.get("streamed"))
    return Observed(
        reader="",
        role=Role.OTHER,
        operation=words(said.get("operation")),
        provider=_provider(attributes),
        request=options_of(attributes, requested or model or ""),
        response=Response(
            id=response_id, model=model, choices=_endings(said.get("finish")), usage=usage_of(attributes)
        ),
        response_id=response_id,
        model_requested=requested,
        model=model,
        cost_nano=_cost(attributes, said.get("cost")),
        ttft_us=ttft_us,
        streamed=True if streamed is None and ttft_us is not None else streamed,
        agent=words(said.get("agent")),
        title=words(said.get("title")),
        conversations=conversations_of(attributes),
        previous_response_id=words(said.get("previous_response_id")),
        users=tuple(
            (name, who) for name in spellings.USERS if name in attributes and (who := words(attributes[name]))
        ),
        app=service_of(span.resource),
        tags=tuple(tag for name in spellings.TAGS if name in attributes for tag in texts(attributes[name])),
        error_type=error_type,
        error_message=error_message,
    )


def conversations_of(attributes: Attributes) -> tuple[tuple[str, str], ...]:
    """Ids of the conversation with the attribute that names them, the most telling first."""
    if _CONVERSATIONS.isdisjoint(attributes):
        return ()
    below = {f"metadata.{key}": value for key, value in mapping(attributes.get("metadata")).items()}
    found = []
    for name in spellings.CONVERSATIONS:
        if name not in attributes and name not in below:
            continue
        said = words(attributes.get(name, below.get(name)))
        if said and not (name in spellings.THREADS and said.isdigit()):
            found.append((name, said))
    return tuple(found)


def users_of(attributes: Attributes) -> tuple[tuple[str, str], ...]:
    return tuple((name, said) for name in spellings.USERS if (said := words(attributes.get(name))))


def since_start(span: Span, moment: Any) -> int | None:
    """µs from the span's start to a moment in ISO 8601, also where that is quoted as JSON."""
    said = words(moment)
    if said is None or not span.start_ns:
        return None
    try:
        at = datetime.fromisoformat(re.sub(r"Z$", "+00:00", said.strip('"')))
        waited = round(at.timestamp() * 1_000_000) - span.start_ns // 1000
    except (ValueError, OverflowError):
        return None
    return waited if at.tzinfo is not None and waited >= 0 else None


def _model(value: Any) -> str | None:
    said = words(value)
    return None if said in spellings.NO_MODEL else said


def _provider(attributes: Attributes) -> str | None:
    for name in spellings.PROVIDER:
        said = words(attributes.get(name))
        if said and said not in spellings.FRAMEWORKS:
            return spellings.provider_name(said)
    return None


def _cost(attributes: Attributes, dollars: Any) -> int | None:
    ticks = count(attributes.get(spellings.COST_TICKS))
    return nano_dollars(dollars) if ticks is None else ticks // 10


def _endings(value: Any) -> tuple[Choice, ...]:
    """Each choice's finish reason, without what it said."""
    said = texts(value)
    return tuple(Choice(index=index, finish_reason=spellings.FINISHES.get(word)) for index, word in enumerate(said))


def _first_token(span: Span) -> int | None:
    for name, per_second in spellings.FIRST_TOKEN.items():
        waited = microseconds(span.attributes.get(name), per_second)
        if waited is not None:
            return waited
    came = [event.time_ns for event in span.events if event.name in spellings.FIRST_TOKEN_EVENTS and event.time_ns]
    if came and 0 < span.start_ns <= min(came):
        return (min(came) - span.start_ns) // 1000
    return since_start(span, span.attributes.get(spellings.FIRST_TOKEN_AT))


def service_of(resource: Attributes) -> str | None:
    """The name of what a resource runs, where it has one."""
    name = words(resource.get("service.name"))
    return None if name is None or name.startswith(_UNNAMED_SERVICE) else name
