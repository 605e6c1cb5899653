"""What a span or a log record says in the neutral model's words: what every reader yields.

A reader is pure: it sees one span with the log records that stand under it, or one session's log records, and
says what it found. Joining several tellings of one call, grouping and storing are others' work.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from gateway.model import Request, Response


class Role(StrEnum):
    """What a span is in a trace. Only `INFERENCE` and `EMBEDDINGS` are calls: usage is counted on them alone."""

    INFERENCE = "inference"
    EMBEDDINGS = "embeddings"
    TOOL = "tool"
    AGENT = "agent"
    WORKFLOW = "workflow"
    STEP = "step"
    SIDE = "side"
    GLUE = "glue"
    OTHER = "other"


class ToolRun(Struct, frozen=True, kw_only=True):
    """A tool's execution. `arguments` and `result` are JSON text or plain text as sent, None where not sent."""

    name: str
    call_id: str | None = None
    arguments: str | None = None
    result: str | None = None
    is_error: bool = False


class Observed(Struct, frozen=True, kw_only=True):
    """One telling of one call, frame or tool run. None and () mean "not said".

    `reader` is the reader's name. `provider` is a name of the catalogue where the sender's spelling is known, else as
    sent. `request` holds the system instructions as leading system messages, then the history; its usage and answer
    are in `response`. Where content was not sent both may be None or without messages, and `hints` name what is
    missing and how the sender's library switches it on. `conversations` are the ids found on this span in order of
    precedence, by attribute name; the same for `users`. `cost_nano` is what the sender says that it cost.
    `agent` is the agent's or function's label. `ttft_us` counts from the span's start. `native` marks the telling of
    an SDK's or tool's own span, which stands beside an instrumentation's.

    `from_session`: built from log records alone; only then are the fields after it said, which a span says by itself.
    `identity` names the call or run for ever: a session that is read again after it grew tells the same ones again.
    `started_us` is µs since the epoch, `latency_us` µs, `status` the HTTP status of an error or answer, 0 where not
    said. `span_id` is the call's own span where the records name it, `parent_span_id` one around it.
    """

    reader: str
    role: Role
    operation: str | None = None
    provider: str | None = None
    request: Request | None = None
    response: Response | None = None
    response_id: str | None = None
    model_requested: str | None = None
    model: str | None = None
    cost_nano: int | None = None
    ttft_us: int | None = None
    streamed: bool | None = None
    tool: ToolRun | None = None
    agent: str | None = None
    title: str | None = None
    conversations: tuple[tuple[str, str], ...] = ()
    previous_response_id: str | None = None
    users: tuple[tuple[str, str], ...] = ()
    app: str | None = None
    tags: tuple[str, ...] = ()
    error_type: str | None = None
    error_kind: str | None = None
    error_message: str | None = None
    transcript: Request | None = None
    hints: tuple[str, ...] = ()
    native: bool = False
    from_session: bool = False
    identity: str = ""
    started_us: int = 0
    latency_us: int | None = None
    status: int = 0
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    facts: Mapping[str, Any] = {}
