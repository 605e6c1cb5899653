"""Codex's own log records: a session's prompts, requests, stream events, tools and final answers.

Source: recordings of the tool (0.169.0) and its published list of events. Times are the observer's; a call is told
by the stream event that ends it, since only that has counts, and began with the request before it. No record names
an answer or holds what the model wrote between tools. Counts are OpenAI's, with what was cached and thought inside.
"""

from collections.abc import Sequence

from msgspec import structs

from gateway.model import Usage
from gateway.telemetry.observed import Observed
from gateway.telemetry.readers.failures import kind_of
from gateway.telemetry.readers.spellings import provider_name
from gateway.telemetry.readers.tool_events import Event, event_name, ordered_events
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

NAME = "codex"
_PREFIX = "codex."
_REDACTED = "[REDACTED]"
_REQUESTS = ("codex.api_request", "codex.websocket_request")
_STREAM = ("codex.sse_event", "codex.websocket_event")
_COMPLETED = "response.completed"
_FAILED = ("response.failed", "error")
# Codex asks for model lists and the like by the same event; these ask a model.
_MODEL_PATHS = ("responses", "chat/completions")
_USERS = ("user.email", "user.account_id")
_CARRIED = (
    "event.name", "event.timestamp", "event.kind", "conversation.id", "model", "slug", "input_token_count",
    "output_token_count", "cached_token_count", "cache_write_token_count", "reasoning_token_count",
    "tool_token_count", "ttft_ms", "duration_ms", "service_tier", "user.email", "user.account_id", "error.message",
    "http.response.status_code",
)  # fmt: skip

PROMPT_OFF = "Codex did not send the user's prompt: set log_user_prompt = true under [otel] in its config.toml."
TEXT_OFF = (
    "Codex sends the text of final answers only, and only with log_agent_responses = true under [otel] in its "
    "config.toml; what the model wrote between tools it never sends."
)
BODIES_OFF = "Codex's log records hold no instructions, no tool definitions and no reasoning text."
OUTPUT_CUT = "Codex cut a tool's output: set tool_result.max_bytes higher under [otel] in its config.toml."


def reads(record: LogRecord) -> bool:
    return event_name(record).startswith(_PREFIX)


def session(record: LogRecord) -> str | None:
    value = record.attributes.get("conversation.id")
    return value if isinstance(value, str) and value else None


def matters(record: LogRecord) -> bool:
    """Whether a record tells anything: there is one for every piece of a stream, and only the last has counts."""
    said = record.attributes
    if event_name(record) not in _STREAM or said.get("error.message"):
        return True
    kind = said.get("event.kind")
    return kind in _FAILED or (kind == _COMPLETED and said.get("input_token_count") is not None)


def read_session(records: Sequence[LogRecord]) -> tuple[Observed, ...]:
    """The calls and tool runs of one session in order of time."""
    events = ordered_events(records)
    provider = next((event.text("provider_name") for event in events if event.text("provider_name")), None)
    calls = sorted(_calls(events, provider), key=lambda call: call.started_ns)
    answered = [call for call in calls if not call.failed]
    for event in events:
        text = event.text("response")
        if event.name == "codex.agent_response" and text and (call := call_at(answered, event.at_ns)) is not None:
            call.texts.append(text)
    runs = _put_tools(answered, events)
    for call in answered:
        call.hints.append(BODIES_OFF)
        if not call.texts and not call.uses:
            call.hints.append(TEXT_OFF)
    prompts = [_prompt(event) for event in events if event.name == "codex.user_prompt"]
    woven = weave(prompts, calls)
    return tuple(sorted((*woven, *runs), key=lambda told: told.started_us))


def _prompt(event: Event) -> Prompt:
    text = event.text("prompt")
    return Prompt(at_ns=event.at_ns, text=None if text == _REDACTED else text, hint=PROMPT_OFF)


def _base(event: Event) -> Observed:
    told = call_of_session(event, NAME, session=("conversation.id", session(event.record)), users=_USERS)
    return structs.replace(told, parent_span_id=event.record.span_id)


def _calls(events: Sequence[Event], provider: str | None) -> list[SessionCall]:
    calls: list[SessionCall] = []
    request: Event | None = None
    for event in events:
        if event.name in _REQUESTS and _asks_a_model(event):
            status = event.count("http.response.status_code") or 0
            if status >= 400 or event.text("error.message") is not None:
                calls.append(_call(event, event, provider, failed=True))
            else:
                request = event
        elif event.name in _STREAM:
            kind = event.text("event.kind")
            if kind == _COMPLETED and event.count("input_token_count") is not None:
                calls.append(_call(event, request, provider, failed=False))
                request = None
            elif kind in _FAILED or event.text("error.message") is not None:
                calls.append(_call(event, request, provider, failed=True))
                request = None
    return calls


def _asks_a_model(event: Event) -> bool:
    endpoint = event.text("endpoint")
    return endpoint is None or any(endpoint.rstrip("/").endswith(path) for path in _MODEL_PATHS)


def _call(event: Event, request: Event | None, provider: str | None, *, failed: bool) -> SessionCall:
    """`request` began it; where that was lost, the call has no known length."""
    started_ns = event.at_ns
    if request is not None:
        started_ns = request.at_ns - (request.milliseconds("duration_ms") or 0) * 1_000_000
    status = event.count("http.response.status_code") or 0
    message = event.text("error.message")
    ttft = event.milliseconds("ttft_ms")
    told = structs.replace(
        _base(request or event),
        identity=f"{NAME}:{session(event.record)}:{event.digest}",
        operation="chat",
        provider=provider and provider_name(provider),
        model=event.text("model"),
        model_requested=event.text("model"),
        streamed=True,
        started_us=started_ns // US,
        latency_us=None if request is None else (event.at_ns - started_ns) // US,
        ttft_us=None if ttft is None else ttft * 1000,
        status=status if failed else 200,
        error_kind=kind_of(str(status or ""), message) if failed else None,
        error_message=message or "" if failed else None,
        facts=event.rest(*_CARRIED),
    )
    return SessionCall(told=told, started_ns=started_ns, usage=_usage(event), failed=failed)


def _usage(event: Event) -> Usage | None:
    plain, output = event.count("input_token_count"), event.count("output_token_count")
    if plain is None and output is None:
        return None
    return Usage(
        input_tokens=plain,
        cached_tokens=event.count("cached_token_count") or None,
        cache_write_tokens=event.count("cache_write_token_count") or None,
        output_tokens=output,
        reasoning_tokens=event.count("reasoning_token_count") or None,
        service_tier=event.text("service_tier"),
    )


def _put_tools(calls: Sequence[SessionCall], events: Sequence[Event]) -> list[Observed]:
    """Each tool with the call that asked for it; told are the runs that ended."""
    uses: dict[str, tuple[ToolUse, SessionCall | None]] = {}
    runs: list[Observed] = []
    for event in events:
        if event.name not in ("codex.tool_decision", "codex.tool_result"):
            continue
        started_ns = event.at_ns - (event.milliseconds("duration_ms") or 0) * 1_000_000
        key = event.text("call_id") or event.digest
        if key not in uses:
            use = ToolUse(id=event.text("call_id") or "", name=event.text("tool_name") or "", at_ns=started_ns)
            call = call_at(calls, started_ns)
            uses[key] = use, call
            if call is not None:
                call.uses.append(use)
        if event.name == "codex.tool_result":
            use, call = uses[key]
            if call is not None and event.flag("output_truncated"):
                call.hints.append(OUTPUT_CUT)
            runs.append(_run(event, use, started_ns))
    return runs


def _run(event: Event, use: ToolUse, started_ns: int) -> Observed:
    use.done, use.is_error = True, event.flag("success") is False
    use.arguments, use.output = event.json("arguments") or use.arguments, event.text("output")
    duration = event.milliseconds("duration_ms")
    latency = None if duration is None else duration * 1000
    return tool_run(_base(event), use, started_ns=started_ns, latency_us=latency)
