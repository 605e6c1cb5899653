"""What in a batch is content: what was said, rather than how long it took and how much it was.

Every library has its own names, and apps add theirs, so names are judged by their words, and what is long or nested
counts as content whatever it is called. Figures are kept, and what a name, id or role is.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from gateway.telemetry.records import Attributes, Batch, LogRecord, Span, SpanEvent

LONGEST = 256
NOTE = "content left out: it is switched off"
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_CONTENT_WORDS = """
    input inputs output outputs prompt prompts completion completions content contents text message messages argument
    arguments args parameters result results query question answer body instruction instructions template document
    documents definitions calls functions tools embedding embeddings reasoning thinking command context summary
    transcript value values events
"""
# As a name's last word these say what something is, not what it says.
_FIGURE_WORDS = """
    id ids name role type kind model provider version index count length size tokens mime reason status code hash
    language encoding
"""
_CONTENT = frozenset(_CONTENT_WORDS.split())
_FIGURES = frozenset(_FIGURE_WORDS.split())
_LAST = frozenset({"response", "request", "data", "object"})
# Errors are told with requests, too, whose content is not kept.
_KEPT = ("exception.", "error.", "http.", "url.", "server.", "service.", "telemetry.", "user_agent.")
_IDENTIFIER = re.compile(r"[\w.\-/:]{1,100}")


def without_content(batch: Batch) -> Batch:
    """The batch without what was said. Metrics have none."""
    return replace(
        batch,
        spans=tuple(_span(span) for span in batch.spans),
        logs=tuple(_log(record) for record in batch.logs),
    )


def changed_texts(batch: Batch, change: Callable[[str], str]) -> Batch:
    """The batch with every text that senders fill in changed: values, names of spans and events, bodies, messages.
    Ids and the names of attributes stay. Metrics stay: no content is in them, and they are not stored."""

    def values(attributes: Attributes) -> Attributes:
        return {name: _changed(value, change) for name, value in attributes.items()} if attributes else attributes

    resources: dict[int, Attributes] = {}

    def resource(of: Attributes) -> Attributes:
        # Shared by all items of a request: changed once.
        found = resources.get(id(of))
        if found is None:
            found = resources[id(of)] = values(of)
        return found

    return replace(
        batch,
        spans=tuple(
            replace(
                span,
                name=change(span.name),
                status_message=change(span.status_message),
                attributes=values(span.attributes),
                events=tuple(
                    replace(one, name=change(one.name), attributes=values(one.attributes)) for one in span.events
                ),
                links=tuple(replace(one, attributes=values(one.attributes)) for one in span.links),
                resource=resource(span.resource),
            )
            for span in batch.spans
        ),
        logs=tuple(
            replace(
                record,
                event_name=change(record.event_name),
                body=_changed(record.body, change),
                attributes=values(record.attributes),
                resource=resource(record.resource),
            )
            for record in batch.logs
        ),
    )


def is_content(name: str, value: Any) -> bool:
    """Whether an attribute holds what was said."""
    if value is None or isinstance(value, bool | int | float):
        return False
    if name.startswith(_KEPT):
        return False
    if isinstance(value, str) and value.isdecimal():
        return False
    words = [word.lower() for word in _WORDS.findall(name)]
    last = words[-1] if words else ""
    if isinstance(value, str) and len(value) <= LONGEST and last in _FIGURES:
        return False
    if last in _LAST or not _CONTENT.isdisjoint(words):
        return True
    if isinstance(value, list):
        return not all(isinstance(one, str | int | float) and len(str(one)) <= LONGEST for one in value)
    return not isinstance(value, str) or len(value) > LONGEST


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(one, change) for one in value]
    if isinstance(value, Mapping):
        return {change(name): _changed(one, change) for name, one in value.items()}
    if isinstance(value, bytes):
        # Bytes that are a text are one that rules can read.
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return value
        found = change(text)
        return value if found == text else found.encode()
    return value


def _span(span: Span) -> Span:
    attributes = _figures(span.attributes)
    events = tuple(_event(one) for one in span.events)
    links = tuple(replace(one, attributes=_figures(one.attributes)) for one in span.links)
    if (attributes, events, links) == (span.attributes, span.events, span.links):
        return span
    return replace(span, attributes=attributes, events=events, links=links, notes=(*span.notes, NOTE))


def _event(event: SpanEvent) -> SpanEvent:
    return replace(event, attributes=_figures(event.attributes))


def _log(record: LogRecord) -> LogRecord:
    attributes, body = _figures(record.attributes), record.body
    # A body that is a name says what happened.
    if not isinstance(body, str) or not _IDENTIFIER.fullmatch(body):
        body = None
    if (attributes, body) == (record.attributes, record.body):
        return record
    return replace(record, attributes=attributes, body=body, notes=(*record.notes, NOTE))


def _figures(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if not is_content(name, value)}
