"""Google's Agent Development Kit: request and answer of a call as JSON in Google's shape, and its tools' runs.

Source: `google.adk.telemetry` 2.13. The session's id stands on agents' spans as `gen_ai.conversation.id`, on calls
under a name of its own. Where content is switched off, or does not apply, the JSON is an empty mapping.
"""

from collections.abc import Sequence

from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers.bodies import answer_of, asked_of
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.values import first, json_text, mapping, words
from gateway.telemetry.records import LogRecord, Span

_PREFIX = "gcp.vertex.agent."
_ASKED, _ANSWERED, _SESSION = f"{_PREFIX}llm_request", f"{_PREFIX}llm_response", f"{_PREFIX}session_id"
_GIVEN, _RETURNED = f"{_PREFIX}tool_call_args", f"{_PREFIX}tool_response"


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    attributes = span.attributes
    if first(attributes, (_ASKED, _ANSWERED, _GIVEN, _RETURNED)) is None:
        return None
    if words(attributes.get("gen_ai.tool.name")):
        given, returned = (mapping(attributes.get(name)) for name in (_GIVEN, _RETURNED))
        run = ToolRun(
            name=words(attributes.get("gen_ai.tool.name")) or "",
            call_id=words(attributes.get("gen_ai.tool.call.id")),
            arguments=json_text(given) if given else None,
            result=json_text(returned) if returned else None,
        )
        return Observed(reader="google-adk", role=Role.TOOL, tool=run)
    session = words(attributes.get(_SESSION))
    answered = answer_of(attributes.get(_ANSWERED))
    return Observed(
        reader="google-adk",
        role=Role.INFERENCE,
        request=asked_of(attributes.get(_ASKED)),
        response=answered,
        model=answered.model,
        conversations=((_SESSION, session),) if session else (),
    )


READER = SpanReader(
    "google-adk",
    read,
    (_ASKED, _ANSWERED, _SESSION, _GIVEN, _RETURNED, f"{_PREFIX}event_id", f"{_PREFIX}invocation_id"),
)
