"""Claude Code's own log records: a session's prompts, requests, answers, tools and errors.

Source: recordings of the tool (2.1.197) and its published list of events. Its input tokens are Anthropic's raw ones,
beside the cached; the id that it tells is that of the HTTP answer. Thinking and tools' results are in no record.
"""

from collections.abc import Sequence

from msgspec import structs

from gateway.dialects.anthropic.body import parse_request, parse_response
from gateway.errors import GatewayError
from gateway.model import Request, Response, Usage
from gateway.telemetry.observed import Observed
from gateway.telemetry.readers.failures import kind_of
from gateway.telemetry.readers.tool_events import Event, Nearest, event_name, ordered_events
from gateway.telemetry.readers.tool_threads import (
    US,
    Prompt,
    SessionCall,
    ToolUse,
    call_at,
    call_of_session,
    tool_run,
    weave,
)
from gateway.telemetry.records import LogRecord

NAME = "claude-code"
SCOPE = "com.anthropic.claude_code"
_PREFIX = "claude_code."
_REDACTED = "<REDACTED>"
# By how much a request's body may be logged before the moment at which the request is said to have begun.
_SLACK_NS = 1_000_000_000
# What the session's own thread calls its requests; all else is a sub-agent or a side task (a title, a summary).
_MAIN = ("", "sdk", "main", "repl_main_thread")
_MAIN_PREFIX = "repl_main_thread:"
_USERS = ("user.id", "user.email", "user.account_uuid")
_CARRIED = (
    "event.name", "event.timestamp", "event.sequence", "session.id", "user.id", "model", "input_tokens",
    "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cost_usd", "cost_usd_micros", "duration_ms",
    "error", "status_code",
)  # fmt: skip

_ASK = "Claude Code did not send {}: set {} where it runs."
PROMPT_OFF = _ASK.format("the user's prompt", "OTEL_LOG_USER_PROMPTS=1")
TEXT_OFF = _ASK.format("the answer's text", "OTEL_LOG_ASSISTANT_RESPONSES=1")
ARGUMENTS_OFF = _ASK.format("what its tools were called with", "OTEL_LOG_TOOL_DETAILS=1")
RESULTS_OFF = (
    "Claude Code's log records hold no results of tools, its spans do: set CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1, "
    "OTEL_TRACES_EXPORTER=otlp and OTEL_LOG_TOOL_CONTENT=1 where it runs."
)
BODIES_OFF = (
    "Claude Code's log records hold no system prompt and no tool definitions: OTEL_LOG_RAW_API_BODIES=1 sends whole "
    "bodies. It never sends thinking."
)
LANE_OFF = (
    "Claude Code's log records do not say what a sub-agent or side task was asked: OTEL_LOG_RAW_API_BODIES=1 sends "
    "whole bodies."
)
BODY_CUT = "Claude Code cut this body: set CLAUDE_CODE_OTEL_CONTENT_MAX_LENGTH higher where it runs."


def reads(record: LogRecord) -> bool:
    return record.scope.name.startswith(SCOPE) or event_name(record).startswith(_PREFIX)


def session(record: LogRecord) -> str | None:
    value = record.attributes.get("session.id")
    return value if isinstance(value, str) and value else None


def read_session(records: Sequence[LogRecord]) -> tuple[Observed, ...]:
    """The calls and tool runs of one session in order of time."""
    events = ordered_events(records, lambda record: event_name(record).removeprefix(_PREFIX))
    asked: dict[str, int] = {}
    calls = []
    for event in events:
        prompt = event.text("prompt.id") or ""
        if event.name == "user_prompt" and prompt:
            asked.setdefault(prompt, event.at_ns)
        elif event.name in ("api_request", "api_error"):
            calls.append(_call(event, asked.get(prompt, 0)))
    calls.sort(key=lambda call: call.started_ns)
    _put_bodies(calls, events)
    asking = _Asking(calls)
    _put_texts(calls, events, asking)
    runs = _put_tools(events, asking)
    for call in calls:
        _hint(call)
    woven = weave((_prompt(event) for event in events if event.name == "user_prompt"), calls)
    return tuple(sorted((*woven, *runs), key=lambda told: told.started_us))


def _prompt(event: Event) -> Prompt:
    text = event.text("prompt")
    return Prompt(at_ns=event.at_ns, text=None if text == _REDACTED else text, hint=PROMPT_OFF)


def _lane(event: Event) -> str:
    source = event.text("query_source") or ""
    return "" if source in _MAIN or source.startswith(_MAIN_PREFIX) else source


def _base(event: Event) -> Observed:
    told = call_of_session(event, NAME, session=("session.id", session(event.record)), users=_USERS)
    return structs.replace(told, provider="anthropic", parent_span_id=event.record.span_id)


def _call(event: Event, asked_ns: int) -> SessionCall:
    """The prompt that it answers was asked before it: its length may hold what came before that was logged."""
    failed = event.name == "api_error"
    latency = event.milliseconds("duration_ms")
    started_ns = event.at_ns - (latency or 0) * 1_000_000
    lane = _lane(event)
    error, status = event.text("error"), event.count("status_code") or 0
    told = structs.replace(
        _base(event),
        operation="chat",
        model=event.text("model"),
        model_requested=event.text("model"),
        response_id=event.text("request_id"),
        cost_nano=event.dollars_nano("cost_usd"),
        agent=lane or None,
        started_us=started_ns // US,
        latency_us=None if latency is None else latency * 1000,
        status=status if failed else 200,
        error_kind=kind_of(str(status or ""), error) if failed else None,
        error_message=error or "" if failed else None,
        facts=event.rest(*_CARRIED),
    )
    began_ns = max(started_ns, asked_ns)
    return SessionCall(told=told, started_ns=began_ns, lane=lane, usage=_usage(event), failed=failed)


def _usage(event: Event) -> Usage | None:
    plain, output = event.count("input_tokens"), event.count("output_tokens")
    if plain is None and output is None:
        return None
    read, written = event.count("cache_read_tokens"), event.count("cache_creation_tokens")
    return Usage(
        input_tokens=None if plain is None else plain + (read or 0) + (written or 0),
        cached_tokens=read or None,
        cache_write_tokens=written or None,
        output_tokens=output,
        speed=event.text("speed"),
    )


def _put_bodies(calls: Sequence[SessionCall], events: Sequence[Event]) -> None:
    """Whole bodies, where they were switched on. A request's has no id: it is the call's that began nearest to it."""
    lanes = {_lane(event) for event in events if event.name == "api_request_body"}
    bodies = {
        lane: Nearest(event for event in events if event.name == "api_request_body" and _lane(event) == lane)
        for lane in lanes
    }
    answers = {event.text("request_id"): event for event in events if event.name == "api_response_body"}
    for call in calls:
        own = bodies.get(call.lane)
        body = own and own.take(call.started_ns, since_ns=call.started_ns - _SLACK_NS, until_ns=_ended_ns(call))
        if body:
            call.request = _parsed_request(body, call)
        answer = answers.get(call.told.response_id)
        if answer is not None and call.told.response_id and not call.failed:
            call.response = _parsed_response(answer, call)


def _ended_ns(call: SessionCall) -> int:
    return (call.told.started_us + (call.told.latency_us or 0)) * US


def _parsed_request(event: Event, call: SessionCall) -> Request | None:
    body = event.text("body")
    try:
        return None if body is None else parse_request(body.encode("utf-8", "replace"), None, None)
    except GatewayError:
        call.hints.append(BODY_CUT)
        return None


def _parsed_response(event: Event, call: SessionCall) -> Response | None:
    body = event.text("body")
    try:
        response = None if body is None else parse_response(body.encode("utf-8", "replace"))
    except GatewayError:
        call.hints.append(BODY_CUT)
        return None
    return response and structs.replace(response, usage=response.usage or call.usage)


class _Asking:
    """The answered calls by what an event can say of them: its prompt, and its lane where it says one."""

    def __init__(self, calls: Sequence[SessionCall]) -> None:
        self._calls: dict[tuple[str | None, str | None], list[SessionCall]] = {}
        for call in calls:
            if not call.failed:
                said = call.told.facts.get("prompt.id")
                prompt = said if isinstance(said, str) and said else None
                for lane in (None, call.lane):
                    self._calls.setdefault((prompt, lane), []).append(call)

    def of(self, event: Event, at_ns: int) -> SessionCall | None:
        """The call that an event of this moment is part of."""
        lane = _lane(event) if event.text("query_source") else None
        return call_at(self._calls.get((event.text("prompt.id"), lane), ()), at_ns)


def _put_texts(calls: Sequence[SessionCall], events: Sequence[Event], asking: _Asking) -> None:
    by_id = {call.told.response_id: call for call in calls if call.told.response_id and not call.failed}
    for event in events:
        text = event.text("response")
        if event.name != "assistant_response" or text is None or text == _REDACTED:
            continue
        call = by_id.get(event.text("request_id") or "") or asking.of(event, event.at_ns)
        if call is not None:
            call.texts.append(text)


def _put_tools(events: Sequence[Event], asking: _Asking) -> list[Observed]:
    """Each tool with the call that asked for it; told are the runs that ended."""
    uses: dict[str, ToolUse] = {}
    runs: list[Observed] = []
    for event in events:
        if event.name not in ("tool_decision", "tool_result"):
            continue
        call_id = event.text("tool_use_id") or ""
        use = uses.get(call_id) if call_id else None
        if use is None:
            use = ToolUse(id=call_id, name=event.text("tool_name") or "", at_ns=_asked_ns(event))
            uses[call_id or event.digest] = use
            if (call := asking.of(event, use.at_ns)) is not None:
                call.uses.append(use)
        if event.name == "tool_result":
            use.done = True
            use.arguments = event.json("tool_input") or event.json("tool_parameters") or use.arguments
            use.is_error = event.flag("success") is False
            use.output = event.text("error")
            runs.append(_run(event, use))
    return runs


def _asked_ns(event: Event) -> int:
    return event.at_ns - (event.milliseconds("duration_ms") or 0) * 1_000_000


def _run(event: Event, use: ToolUse) -> Observed:
    latency = event.milliseconds("duration_ms")
    failed = event.text("error_type") if use.is_error else None
    return tool_run(
        structs.replace(_base(event), error_type=failed),
        use,
        started_ns=_asked_ns(event),
        latency_us=None if latency is None else latency * 1000,
    )


def _hint(call: SessionCall) -> None:
    if call.request is None:
        call.hints.append(LANE_OFF if call.lane else BODIES_OFF)
    if call.failed or call.response is not None:
        return
    if not call.texts and not call.uses:
        call.hints.append(TEXT_OFF)
    if any(use.arguments is None and use.done for use in call.uses):
        call.hints.append(ARGUMENTS_OFF)
    if any(use.done and use.output is None for use in call.uses):
        call.hints.append(RESULTS_OFF)
