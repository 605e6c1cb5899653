"""Every text that senders fill in, changed by one function: values, names of spans, events and libraries, bodies.

Ids stay, and the names of attributes. Metrics stay: no content is in them, and they are not stored.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from gateway.telemetry.items import Step, no_step
from gateway.telemetry.records import Attributes, Batch, LogRecord, Scope, Span

Change = Callable[[str], str]


def changed_texts(batch: Batch, change: Change, step: Step = no_step) -> Batch:
    """The batch with its texts changed. Items that shared a resource or scope share one still. `step`: see
    `items.Items`."""
    resources: dict[int, Attributes] = {}
    scopes: dict[int, Scope] = {}

    def place(of: Span | LogRecord) -> dict[str, Any]:
        resource, scope = resources.get(id(of.resource)), scopes.get(id(of.scope))
        if resource is None:
            resource = resources[id(of.resource)] = _values(of.resource, change)
        if scope is None:
            scope = scopes[id(of.scope)] = _scope(of.scope, change)
        return {"resource": resource, "scope": scope}

    return replace(
        batch,
        spans=tuple(_span(span, change, place(span), step) for span in batch.spans),
        logs=tuple(_log(record, change, place(record), step) for record in batch.logs),
    )


def _scope(scope: Scope, change: Change) -> Scope:
    return Scope(
        change(scope.name), change(scope.version), change(scope.schema_url), _values(scope.attributes, change)
    )


def _span(span: Span, change: Change, place: Mapping[str, Any], step: Step) -> Span:
    step()
    return replace(
        span,
        name=change(span.name),
        trace_state=change(span.trace_state),
        status_message=change(span.status_message),
        attributes=_values(span.attributes, change),
        events=tuple(
            replace(one, name=change(one.name), attributes=_values(one.attributes, change)) for one in span.events
        ),
        links=tuple(replace(one, attributes=_values(one.attributes, change)) for one in span.links),
        **place,
    )


def _log(record: LogRecord, change: Change, place: Mapping[str, Any], step: Step) -> LogRecord:
    step()
    return replace(
        record,
        event_name=change(record.event_name),
        body=_changed(record.body, change),
        attributes=_values(record.attributes, change),
        **place,
    )


def _values(attributes: Attributes, change: Change) -> Attributes:
    return {name: _changed(value, change) for name, value in attributes.items()} if attributes else attributes


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, int | float) or value is None:
        return value
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
