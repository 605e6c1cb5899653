"""The Anthropic SDK's own spans: every call with its counts, without content, beside an instrumentation's span."""

from collections.abc import Sequence

from gateway.telemetry.observed import Observed
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.semconv import role_of
from gateway.telemetry.records import LogRecord, Span

SCOPE = "com.anthropic.sdk"


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    if not span.scope.name.startswith(SCOPE):
        return None
    return Observed(reader="anthropic-sdk-native", role=role_of(span.attributes), native=True)


READER = SpanReader(
    "anthropic-sdk-native", read, ("anthropic.request.id", "anthropic.thinking.type", "http.", "url.")
)
