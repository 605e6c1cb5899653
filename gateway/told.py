"""What one exchange said: what the store of conversations is given, by the capture of the doors and by telemetry."""

from msgspec import Struct

from gateway.header_records import HeaderGroup
from gateway.model import Request, Response, Usage

NOTHING_KEPT = ("Content is not kept: ", "What was said is not kept: ")
"""How a hint begins that says why nothing of an exchange's content was kept."""


class Told(Struct, frozen=True, kw_only=True):
    """One call with its content, already redacted. Times are µs since the epoch, or µs.

    `source` is gateway, span or log. `scope` bounds the recognition by repeated history: the key's id. `conversation`
    is an id that was given, by header, body or telemetry; `parent_conversation` that of the frame around a
    sub-agent's; `session_id` that of the session in which the conversation stands, where that is another. `user` is
    the end user, else the `principal`, whose the key is.
    `request` and `response` are None where nothing was captured; `hints` say why, and how to switch it
    on. `trace_id` and `span_id` are hex, `span_id` that of the call itself. `response_id` is the provider's,
    `client_response_id` the one that the client saw, where that is another. `outcome` is one of `records.OUTCOMES`,
    or `running` for what is asked before it has ended. What has the same `request_id`, else `identity`, else span, is
    the same call told again, and replaces what was told before.
    """

    source: str
    scope: str
    started_us: int
    request_id: str | None = None
    identity: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    key: str | None = None
    user: str | None = None
    principal: str | None = None
    app: str | None = None
    client: str | None = None
    agent: str | None = None
    tags: tuple[str, ...] = ()
    conversation: str | None = None
    parent_conversation: str | None = None
    session_id: str | None = None
    previous_response_id: str | None = None
    response_id: str | None = None
    client_response_id: str | None = None
    title: str | None = None
    door: str | None = None
    provider: str | None = None
    model_requested: str | None = None
    model: str | None = None
    request: Request | None = None
    response: Response | None = None
    usage: Usage = Usage()
    usage_source: str = "none"
    cost_nano: int | None = None
    cost_source: str = "none"
    status: int = 0
    outcome: str = "ok"
    error_type: str | None = None
    error_message: str | None = None
    latency_us: int | None = None
    ttft_us: int | None = None
    streamed: bool = False
    dropped: tuple[str, ...] = ()
    adapted: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    headers: tuple[HeaderGroup, ...] = ()
