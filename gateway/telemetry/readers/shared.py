"""What every dialect writes in attributes of its own, whatever its messages look like: models, counts, ids, times."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from gateway.model import Choice, ReasoningOptions, Request, Response
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers import spellings
from gateway.telemetry.readers.failures import failure
from gateway.telemetry.readers.usage import usage_of
from gateway.telemetry.readers.values import (
    count,
    first,
    mapping,
    microseconds,
    nano_dollars,
    number,
    texts,
    truth,
    words,
)
from gateway.telemetry.records import Attributes, Span

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
    "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens",
    "llm.token_count.total",
    "ai.usage.totalTokens",
)
_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
_UNNAMED_SERVICE = "unknown_service"


def shared(span: Span) -> Observed:
    """What a span's attributes say under any of their names, its status and its resource."""
    attributes = span.attributes
    model = words(first(attributes, spellings.MODEL))
    requested = words(first(attributes, spellings.MODEL_REQUESTED))
    provider = words(first(attributes, spellings.PROVIDER))
    response_id = words(first(attributes, spellings.RESPONSE_ID))
    error_type, error_message = failure(span)
    ttft_us = _first_token(span)
    streamed = truth(first(attributes, spellings.STREAMED))
    return Observed(
        reader="",
        role=Role.OTHER,
        operation=words(first(attributes, spellings.OPERATION)),
        provider=spellings.provider_name(provider) if provider else None,
        request=options_of(attributes, requested or model or ""),
        response=Response(id=response_id, model=model, choices=_endings(attributes), usage=usage_of(attributes)),
        response_id=response_id,
        model_requested=requested,
        model=model,
        cost_nano=nano_dollars(first(attributes, spellings.COST)),
        ttft_us=ttft_us,
        streamed=True if streamed is None and ttft_us is not None else streamed,
        agent=words(first(attributes, spellings.AGENT)),
        title=words(first(attributes, spellings.TITLE)),
        conversations=conversations_of(attributes),
        previous_response_id=words(first(attributes, spellings.PREVIOUS_RESPONSE)),
        users=tuple((name, said) for name in spellings.USERS if (said := words(attributes.get(name)))),
        app=_app(span.resource),
        tags=tuple(tag for name in spellings.TAGS for tag in texts(attributes.get(name))),
        error_type=error_type,
        error_message=error_message,
    )


def conversations_of(attributes: Attributes) -> tuple[tuple[str, str], ...]:
    """Ids of the conversation with the attribute that names them, the most telling first."""
    below = {f"metadata.{key}": value for key, value in mapping(attributes.get("metadata")).items()}
    found = []
    for name in spellings.CONVERSATIONS:
        value = attributes.get(name, below.get(name))
        if name in spellings.THREADS and not isinstance(value, str):
            continue
        said = words(value)
        if said and not (name in spellings.THREADS and said.isdigit()):
            found.append((name, said))
    return tuple(found)


def options_of(
    attributes: Attributes,
    model: str = "",
    numbers: Mapping[str, tuple[str, ...]] = spellings.NUMBERS,
    counts: Mapping[str, tuple[str, ...]] = spellings.COUNTS,
) -> Request:
    """How the model was asked: limits, temperature and the like, without messages."""
    said: dict[str, Any] = {name: number(first(attributes, names)) for name, names in numbers.items()}
    said |= {name: count(first(attributes, names)) for name, names in counts.items()}
    effort = words(first(attributes, spellings.EFFORT))
    budget = count(first(attributes, spellings.THINKING_BUDGET))
    reasoning = None
    if effort in _EFFORTS or budget is not None:
        reasoning = ReasoningOptions(effort=effort if effort in _EFFORTS else None, budget_tokens=budget)
    stop = first(attributes, spellings.STOP)
    return Request(model=model, messages=(), stop=texts(stop), reasoning=reasoning, **said)


def body_options(body: Mapping[str, Any]) -> Request:
    """The same from a request's body or a library's parameters, under the names of the providers' APIs."""
    asked = options_of(body, words(body.get("model")) or "", spellings.BODY_NUMBERS, spellings.BODY_COUNTS)
    reasoning = body.get("reasoning")
    effort = words(reasoning.get("effort") if isinstance(reasoning, dict) else body.get("reasoning_effort"))
    thinking = body.get("thinking")
    budget = count(thinking.get("budget_tokens")) if isinstance(thinking, dict) else None
    if effort in _EFFORTS or budget is not None:
        options = ReasoningOptions(effort=effort if effort in _EFFORTS else None, budget_tokens=budget)
        asked = msgspec.structs.replace(asked, reasoning=options)
    return msgspec.structs.replace(asked, stream=body.get("stream") is True)


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


def _endings(attributes: Attributes) -> tuple[Choice, ...]:
    """Each choice's finish reason, without what it said."""
    said = texts(first(attributes, spellings.FINISH))
    return tuple(Choice(index=index, finish_reason=spellings.FINISHES.get(word)) for index, word in enumerate(said))


def _first_token(span: Span) -> int | None:
    for name, per_second in spellings.FIRST_TOKEN.items():
        waited = microseconds(span.attributes.get(name), per_second)
        if waited is not None:
            return waited
    came = [event.time_ns for event in span.events if event.name in spellings.FIRST_TOKEN_EVENTS and event.time_ns]
    return (min(came) - span.start_ns) // 1000 if came and 0 < span.start_ns <= min(came) else None


def _app(resource: Attributes) -> str | None:
    name = words(resource.get("service.name"))
    return None if name is None or name.startswith(_UNNAMED_SERVICE) else name
