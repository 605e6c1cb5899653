"""Errors of spans: what the sender calls them, and the gateway's own word for their kind."""

import re
from collections.abc import Sequence
from itertools import chain

from gateway.telemetry.readers.values import words
from gateway.telemetry.records import Attributes, LogRecord, Span, StatusCode

# Of the text of type, status and message together; the first that fits. The words are those of `gateway.errors`.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("rate_limited", r"\b429\b|rate.?limit|RESOURCE_EXHAUSTED|quota|too many requests"),
        (
            "provider_key_rejected",
            r"\b40[13]\b|authenticat|unauthori[sz]ed|permission|invalid.{0,3}api.?key|forbidden",
        ),
        ("overloaded", r"\b529\b|overloaded"),
        ("timeout", r"time.?d?.?out|deadline|\b504\b|\b408\b"),
        ("connection_lost", r"cancel|abort|connection|disconnect"),
        ("not_found", r"\b404\b|not.?found"),
        ("context_too_long", r"context.{0,10}(length|window)|too long"),
        ("bad_request", r"\b400\b|\b422\b|bad.?request|invalid.?request|unprocessable"),
        ("provider_error", r"\b5\d\d\b|internal.?server|unavailable"),
    )
)

# LangSmith's message goes on with it, local paths and all.
_TRACEBACK = "Traceback (most recent call last)"


def failure(span: Span, logs: Sequence[LogRecord] = ()) -> tuple[str | None, str | None]:
    """The error's type as sent, and its message, "" without one; (None, None) where the span did not fail.

    An exception alone, in an event of the span or a log record, is a failure unless the sender says that all went
    well in the end.
    """
    kind = words(span.attributes.get("error.type"))
    thrown = _thrown(span, logs)
    failed = span.status == StatusCode.ERROR or (thrown is not None and span.status != StatusCode.OK)
    if kind is None and not failed:
        return None, None
    message = span.status_message or (words(thrown.get("exception.message")) if thrown else None)
    return kind, (message or "").partition(_TRACEBACK)[0].rstrip()


def error_kind(span: Span, logs: Sequence[LogRecord], error_type: str | None, message: str | None) -> str | None:
    """The gateway's word for a failure, None where there was none. Unknown ones are the provider's."""
    if error_type is None and message is None:
        return None
    thrown = _thrown(span, logs)
    said = [
        error_type,
        words(span.attributes.get("http.response.status_code")),
        words(span.attributes.get("status_code")),
        message,
        words(thrown.get("exception.type")) if thrown else None,
    ]
    return kind_of(*said)


def kind_of(*said: str | None) -> str:
    """The gateway's word for what all of this says."""
    text = " ".join(word for word in said if word)
    return next((name for name, pattern in _KINDS if pattern.search(text)), "provider_error")


def _thrown(span: Span, logs: Sequence[LogRecord]) -> Attributes | None:
    """The first exception: newer instrumentations tell it in a log record."""
    told = (event.attributes for event in span.events if event.name == "exception")
    logged = (record.attributes for record in logs if record.event_name == "exception")
    return next(chain(told, logged), None)
