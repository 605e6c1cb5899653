"""The thread of a session out of what its tool logs one by one: prompts, calls, texts, tool runs.

Each call is told as a model is asked: with all that was said before it. What belongs to which call is known by id
where the tool says one, else by time: a call's answer runs its tools, so the call that began last asked for them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from msgspec import Struct, field, structs

from gateway.model import (
    Choice,
    FinishReason,
    Message,
    Part,
    Request,
    Response,
    Role,
    Text,
    ToolCall,
    ToolCallResponse,
    Usage,
)
from gateway.telemetry.observed import Observed, ToolRun
from gateway.telemetry.observed import Role as SpanRole
from gateway.telemetry.readers.tool_events import Event

US = 1000


class Prompt(Struct, kw_only=True):
    """`text` is None where the tool was told not to send it; `hint` says how it is switched on."""

    at_ns: int
    text: str | None
    hint: str = ""


class ToolUse(Struct, kw_only=True):
    """`at_ns` is when it was asked for. `output` is None where the tool does not send it, or is not `done`."""

    id: str
    name: str
    at_ns: int
    arguments: str | None = None
    output: str | None = None
    is_error: bool = False
    done: bool = False


class SessionCall(Struct, kw_only=True):
    """One call while its session is read. `told` is all that is known but request and answer.

    `lane` is "" for the session's own thread, else the sub-agent's or side task's name. `request` and `response` are
    set where the tool sent the bodies themselves. `failed` calls have no answer.
    """

    told: Observed
    started_ns: int
    lane: str = ""
    texts: list[str] = field(default_factory=list)
    uses: list[ToolUse] = field(default_factory=list)
    usage: Usage | None = None
    request: Request | None = None
    response: Response | None = None
    failed: bool = False
    hints: list[str] = field(default_factory=list)


def call_at(calls: Sequence[SessionCall], at_ns: int) -> SessionCall | None:
    """Of calls in order of their start, the one that began last before this moment."""
    index = bisect_right(calls, at_ns, key=lambda call: call.started_ns)
    return calls[index - 1] if index else None


def weave(prompts: Iterable[Prompt], calls: Iterable[SessionCall]) -> list[Observed]:
    """The calls, each with its question and answer, in order of their start."""
    said: list[tuple[int, int, Prompt | SessionCall]] = []
    said += [(prompt.at_ns, 0, prompt) for prompt in prompts]
    said += [(call.started_ns, 1, call) for call in calls]
    said.sort(key=lambda item: item[:2])
    histories: dict[str, list[Message]] = {"": []}
    waiting: list[str] = []
    woven: list[Observed] = []
    for _, _, item in said:
        if isinstance(item, Prompt):
            if item.text is not None:
                histories[""].append(Message(Role.USER, (Text(item.text),)))
            elif item.hint:
                waiting.append(item.hint)
            continue
        if not item.lane:
            item.hints[:0] = waiting
            waiting = []
        woven.append(_told(item, histories.setdefault(item.lane, [])))
    return woven


def _told(call: SessionCall, history: list[Message]) -> Observed:
    told = call.told
    model = told.model_requested or told.model or ""
    request = call.request or Request(model=model, messages=tuple(history))
    response = None if call.failed else call.response or _answer(call)
    if response is not None:
        if call.request is not None:
            history[:] = call.request.messages
        parts = response.choices[0].parts if response.choices else ()
        if parts:
            history.append(Message(Role.ASSISTANT, parts))
        if results := _results(call, parts):
            history.append(Message(Role.TOOL, results))
    return structs.replace(
        told, request=request, response=response, hints=tuple(dict.fromkeys((*told.hints, *call.hints)))
    )


def _answer(call: SessionCall) -> Response:
    parts: list[Part] = [Text(text) for text in call.texts]
    parts += [ToolCall(use.id, use.name, use.arguments or "") for use in call.uses]
    reason = FinishReason.TOOL_CALLS if call.uses else None
    choices = (Choice(parts=tuple(parts), finish_reason=reason),) if parts else ()
    return Response(model=call.told.model, choices=choices, usage=call.usage)


def _results(call: SessionCall, parts: Sequence[Part]) -> tuple[ToolCallResponse, ...]:
    """Those of the tools that the answer asked for and that have run, in its order."""
    uses = {use.id: use for use in call.uses}
    asked = [uses[part.id] for part in parts if isinstance(part, ToolCall) and part.id in uses]
    return tuple(
        ToolCallResponse(
            use.id, () if use.output is None else (Text(use.output),), name=use.name, is_error=use.is_error
        )
        for use in asked
        if use.done
    )


def call_of_session(event: Event, reader: str, *, session: tuple[str, str | None], users: Iterable[str]) -> Observed:
    """What an event says of any call: whose it is, and its identity. `session` is the attribute that names the
    session, with its id; `users` are the attributes that name a user."""
    key, id = session
    app = event.record.resource.get("service.name")
    named = ((user, event.word(user)) for user in users)
    return Observed(
        reader=reader,
        role=SpanRole.INFERENCE,
        conversations=((key, id),) if id else (),
        users=tuple((user, name) for user, name in named if name),
        app=app if isinstance(app, str) else None,
        native=True,
        from_session=True,
        identity=f"{reader}:{id}:{event.digest}",
        trace_id=event.record.trace_id,
    )


def tool_run(told: Observed, use: ToolUse, *, started_ns: int, latency_us: int | None) -> Observed:
    """A tool's execution beside the calls; `told` says whose session it is."""
    return structs.replace(
        told,
        role=SpanRole.TOOL,
        operation="execute_tool",
        started_us=started_ns // US,
        latency_us=latency_us,
        tool=ToolRun(
            name=use.name, call_id=use.id or None, arguments=use.arguments, result=use.output, is_error=use.is_error
        ),
    )
