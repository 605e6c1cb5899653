"""Traceloop's frames around calls: workflows, agents, tasks and tools, with what went in and out as JSON."""

from collections.abc import Mapping, Sequence

from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.values import json_text, mapping, words
from gateway.telemetry.records import LogRecord, Span

KIND, NAME = "traceloop.span.kind", "traceloop.entity.name"
_ROLES: Mapping[str, Role] = {
    "workflow": Role.WORKFLOW,
    "agent": Role.AGENT,
    "tool": Role.TOOL,
    "task": Role.STEP,
}


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    kind = words(span.attributes.get(KIND))
    if kind is None:
        return None
    role = _ROLES.get(kind, Role.STEP)
    name = words(span.attributes.get(NAME))
    return Observed(
        reader="traceloop",
        role=role,
        agent=name if role in (Role.AGENT, Role.WORKFLOW) else None,
        title=name,
        tool=_tool(span, name) if role is Role.TOOL else None,
    )


def _tool(span: Span, name: str | None) -> ToolRun:
    """The function's own arguments stand below `kwargs`, or `args` where they were given by place."""
    asked, said = (span.attributes.get(f"traceloop.entity.{way}") for way in ("input", "output"))
    call = mapping(asked)
    given = call.get("kwargs") or call.get("args") or asked
    return ToolRun(
        name=name or span.name,
        arguments=None if given is None else json_text(given),
        result=None if said is None else json_text(said),
    )


READER = SpanReader(
    "traceloop",
    read,
    (
        KIND,
        NAME,
        "traceloop.entity.input",
        "traceloop.entity.output",
        "traceloop.entity.path",
        "traceloop.workflow.name",
        "gen_ai.task.*",
    ),
)
