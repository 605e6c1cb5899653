"""Gemini CLI's own log records: requests and answers in Google's native shape, tools and errors.

Source: recordings of the tool (0.61.0) and its published list of events. A call is told four times: request, request
details, answer, answer details, all with the whole history; they are one call here. The answer's chunks stand one by
one. Output tokens exclude thoughts, and tool-use input stands apart from the prompt.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from gateway.dialects.gemini.body import parse_request
from gateway.dialects.gemini.reader import ChunkReader
from gateway.dialects.json_text import decode_json
from gateway.errors import GatewayError
from gateway.events import Assembler
from gateway.events import Event as StreamEvent
from gateway.model import Message, Part, Request, Response, Text, ToolCall, ToolCallResponse, Usage
from gateway.telemetry.observed import Observed
from gateway.telemetry.readers.failures import kind_of
from gateway.telemetry.readers.messages import joined_texts, message_of, messages_of, one_choice, settled
from gateway.telemetry.readers.parts import parts_of
from gateway.telemetry.readers.tool_events import Event, Nearest, event_name, ordered_events
from gateway.telemetry.readers.tool_threads import US, ToolUse, call_of_session, tool_run
from gateway.telemetry.readers.values import count, items, number, parsed, texts
from gateway.telemetry.records import LogRecord

NAME = "gemini-cli"
_PREFIX = "gemini_cli."
_DETAILS = "gen_ai.client.inference.operation.details"
_MAIN = "main"
# By how much the details of an answer may come after it.
_LATEST_NS = 60_000_000_000
_CARRIED = (
    "event.name", "event.timestamp", "session.id", "model", "model_name", "duration_ms", "duration",
    "input_token_count", "output_token_count", "cached_content_token_count", "thoughts_token_count",
    "tool_token_count", "total_token_count", "status_code", "http.status_code", "finish_reasons", "role",
    "response_text", "error", "error.message", "error_type",
)  # fmt: skip

PROMPT_OFF = 'Gemini CLI did not send what was said: set "logPrompts": true under "telemetry" in its settings.json.'
TOOLS_OFF = (
    'Gemini CLI\'s log records hold no tool definitions, its spans do: set "traces": true under "telemetry" in its '
    "settings.json."
)


def reads(record: LogRecord) -> bool:
    return record.scope.name.startswith(NAME) or event_name(record).startswith(_PREFIX)


def session(record: LogRecord) -> str | None:
    for attributes in (record.attributes, record.resource):
        value = attributes.get("session.id")
        if isinstance(value, str) and value:
            return value
    return None


class _Halves(Struct, kw_only=True):
    """What else was logged of the call that an answer or error ends."""

    request: Event | None = None
    asked: Event | None = None
    answered: Event | None = None


def read_session(records: Sequence[LogRecord]) -> tuple[Observed, ...]:
    """The calls and tool runs of one session in order of time."""
    events = ordered_events(records)
    ends = [event for event in events if event.name in (_PREFIX + "api_response", _PREFIX + "api_error")]
    halves = _paired(ends, events)
    calls = [_call(end, half) for end, half in zip(ends, halves, strict=True)]
    runs = _tool_runs(calls, events)
    return tuple(sorted((*calls, *runs), key=lambda told: told.started_us))


def _paired(ends: Sequence[Event], events: Sequence[Event]) -> list[_Halves]:
    """The other records of each call. None of them names it: they are of the same prompt and nearest in time."""
    requests = _grouped((event for event in events if event.name == _PREFIX + "api_request"), "prompt_id", "role")
    details = [event for event in events if event.name == _DETAILS]
    asked = Nearest(event for event in details if not _has_answer(event))
    # Both records of an answer are stamped with one time.
    answered = _grouped((event for event in details if _has_answer(event)), "event.timestamp")
    halves = []
    for end in ends:
        began_ns, own = _began_ns(end), requests.get(_group(end, "prompt_id", "role"))
        twin = answered.get(_group(end, "event.timestamp"))
        halves.append(
            _Halves(
                request=own.take(began_ns, until_ns=end.at_ns) if own else None,
                asked=asked.take(began_ns, until_ns=end.at_ns),
                answered=twin.take(end.at_ns, until_ns=end.at_ns + _LATEST_NS) if twin else None,
            )
        )
    return halves


def _grouped(events: Iterable[Event], *keys: str) -> dict[tuple[str | None, ...], Nearest]:
    groups: dict[tuple[str | None, ...], list[Event]] = {}
    for event in events:
        groups.setdefault(_group(event, *keys), []).append(event)
    return {group: Nearest(own) for group, own in groups.items()}


def _group(event: Event, *keys: str) -> tuple[str | None, ...]:
    return tuple(event.word(key) for key in keys)


def _has_answer(event: Event) -> bool:
    said = event.record.attributes
    return bool(said.get("gen_ai.response.finish_reasons") or said.get("gen_ai.output.messages"))


def _began_ns(end: Event) -> int:
    return end.at_ns - (end.milliseconds("duration_ms", "duration") or 0) * 1_000_000


def _base(event: Event) -> Observed:
    told = call_of_session(event, NAME, session=("session.id", session(event.record)), users=("user.email",))
    return structs.replace(told, provider="google")


def _call(end: Event, half: _Halves) -> Observed:
    failed = end.name.endswith("api_error")
    latency, status = end.milliseconds("duration_ms", "duration"), end.count("status_code", "http.status_code") or 0
    model = end.text("model", "model_name")
    asked = half.request.text("model") if half.request else None
    request = _request(half, asked or model or "")
    response = None if failed else _response(end, half, model)
    named = half.answered.text("gen_ai.response.id") if half.answered else None
    error = end.text("error.message", "error") if failed else None
    lane = end.text("role")
    said = half.request.record if half.request else end.record
    return structs.replace(
        _base(end),
        operation="generate_content",
        request=request,
        response=response,
        response_id=(response.id if response else None) or named,
        model=model,
        model_requested=asked or model,
        agent=None if lane == _MAIN else lane,
        started_us=_began_ns(end) // US,
        latency_us=None if latency is None else latency * 1000,
        status=status if failed else status or 200,
        error_type=end.text("error_type") if failed else None,
        error_kind=kind_of(str(status or ""), end.text("error_type"), error) if failed else None,
        error_message=error or "" if failed else None,
        hints=(TOOLS_OFF,) if half.request and half.request.text("request_text") else (PROMPT_OFF, TOOLS_OFF),
        trace_id=said.trace_id,
        span_id=half.request.record.span_id if half.request else None,
        facts=end.rest(*_CARRIED),
    )


def _request(half: _Halves, model: str) -> Request | None:
    """The history as it was sent, else as the details tell it; instructions and sampling are in the details alone."""
    details = half.asked or half.answered
    history = half.request.text("request_text") if half.request else None
    if details is None:
        return Request(model=model, messages=_history(history, model)) if half.request else None
    told = details.record.attributes
    messages = _history(history, model) or messages_of(told.get("gen_ai.input.messages"))
    return Request(
        model=model,
        messages=settled(messages, _instructions(told.get("gen_ai.system_instructions"))),
        temperature=number(told.get("gen_ai.request.temperature")),
        top_p=number(told.get("gen_ai.request.top_p")),
        top_k=count(told.get("gen_ai.request.top_k")),
        max_output_tokens=count(told.get("gen_ai.request.max_tokens")),
        seed=count(told.get("gen_ai.request.seed")),
        stream=True,
    )


def _instructions(value: Any) -> tuple[Part, ...]:
    """Parts in JSON text, or plain words."""
    read = parsed(value)
    return parts_of(value if read is None else read)


def _history(text: str | None, model: str) -> tuple[Message, ...]:
    """Google's contents through the door's own codec, so that they equal what a gateway was asked."""
    if text is None:
        return ()
    try:
        body = msgspec.json.encode({"contents": decode_json(text.encode("utf-8", "replace"))})
        return parse_request(body, model, True).messages
    except (GatewayError, ValueError, TypeError, RecursionError):
        return messages_of(text)


def _response(end: Event, half: _Halves, model: str | None) -> Response:
    """The chunks as one answer, else the pieces of the details; the record's own counts are the answer's last."""
    response = _chunks(end.text("response_text"))
    if response is None:
        told = half.answered.record.attributes if half.answered else {}
        pieces = [part for item in items(told.get("gen_ai.output.messages")) for part in _parts(item)]
        finish = next(iter(texts(end.record.attributes.get("finish_reasons"))[-1:]), None)
        response = Response(choices=one_choice(joined_texts(pieces), finish))
    usage = _usage(end) or response.usage
    return structs.replace(response, model=response.model or model, usage=usage)


def _parts(item: Any) -> tuple[Part, ...]:
    message = message_of(item)
    return () if message is None else message.parts


def _chunks(text: str | None) -> Response | None:
    """Chunks that cannot be read end the answer where they stand."""
    chunks = parsed(text)
    reader, events, assembler = ChunkReader(), list[StreamEvent](), Assembler()
    read = False
    try:
        for chunk in chunks if isinstance(chunks, list) else [chunks]:
            reader.chunk(msgspec.json.encode(chunk), events)
            read = read or chunk is not None
        reader.finish(events)
    except (GatewayError, msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        pass
    for event in events:
        assembler.feed(event)
    return assembler.response() if read else None


def _usage(end: Event) -> Usage | None:
    prompt, answer = end.count("input_token_count"), end.count("output_token_count")
    if prompt is None and answer is None:
        return None
    tool, thoughts = end.count("tool_token_count"), end.count("thoughts_token_count")
    return Usage(
        input_tokens=None if prompt is None else prompt + (tool or 0),
        cached_tokens=end.count("cached_content_token_count") or None,
        tool_input_tokens=tool or None,
        output_tokens=None if answer is None else answer + (thoughts or 0),
        reasoning_tokens=thoughts or None,
    )


def _tool_runs(calls: Sequence[Observed], events: Sequence[Event]) -> list[Observed]:
    """A run has no id: it is the first call of that name, and of those arguments, that no run had before it."""
    asked: dict[str, list[tuple[Any, ToolCall]]] = {}
    for said in (said for call in calls for said in _parts_said(call)):
        if isinstance(said, ToolCall):
            asked.setdefault(said.name, []).append((parsed(said.arguments), said))
    results = {
        part.id: part
        for call in calls
        if call.request is not None
        for message in call.request.messages
        for part in message.parts
        if isinstance(part, ToolCallResponse)
    }
    runs = []
    for event in events:
        if event.name != _PREFIX + "tool_call":
            continue
        name, arguments = event.text("function_name") or "", event.json("function_args")
        named, given = asked.get(name, []), parsed(arguments)
        place = next((place for place, (its, _) in enumerate(named) if its == given), 0)
        part = named.pop(place)[1] if named else None
        runs.append(_run(event, name, arguments, part, results))
    return runs


def _parts_said(call: Observed) -> tuple[Part, ...]:
    return call.response.choices[0].parts if call.response and call.response.choices else ()


def _run(
    event: Event, name: str, arguments: str | None, part: ToolCall | None, results: Mapping[str, ToolCallResponse]
) -> Observed:
    latency = event.milliseconds("duration_ms")
    failed = event.flag("success") is False
    result = results.get(part.id) if part else None
    said = (
        "".join(piece.text for piece in result.content if isinstance(piece, Text)) if result else event.text("error")
    )
    error_type = event.text("error_type") if failed else None
    use = ToolUse(
        id=part.id if part else "", name=name, at_ns=event.at_ns, arguments=arguments, output=said, is_error=failed
    )
    return tool_run(
        structs.replace(_base(event), error_type=error_type),
        use,
        started_ns=_began_ns(event),
        latency_us=None if latency is None else latency * 1000,
    )
