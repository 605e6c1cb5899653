"""The demo's example conversations: what was said in them, as short scripts, and how a script becomes calls.

A `Story` is written as a person would tell it: what was asked, what was answered, by which model, and what went
wrong. `tell` gives each of its turns a row of the history and what the store of conversations is told of it, with
the same ids, so that both pages show the same calls. The same day and place of a story give the same ids.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from gateway.model import (
    Blob,
    Choice,
    File,
    FinishReason,
    Message,
    Part,
    Reasoning,
    Request,
    Response,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Usage,
)
from gateway.records import AttemptRecord, ExchangeRecord
from gateway.simulated.pacing import profile
from gateway.simulated.story_headers import story_headers
from gateway.simulated.workloads import COUNTS_CACHE_WRITES, COUNTS_REASONING, REPORTS_COST, WORKLOADS, Workload
from gateway.told import Told

Price = Callable[[str, str, Usage, int], tuple[int | None, str, str | None]]

_S = 1_000_000
_DAY = 86_400 * _S
_OVERHEAD_US = 1_300
_LEAST_CACHED, _CACHED_STEP = 1_024, 128
_CHARACTERS = 4


class Fault(Struct, frozen=True):
    """How a call failed: the client's status, and what it was told."""

    status: int
    error_type: str
    message: str


class Say(Struct, frozen=True, kw_only=True):
    """One call. `after` is the turn that it continues, None for the one before; `wait_s` the time since that ended.

    `asked` and `answered` are parts, a string standing for text. `unsaid` counts tokens that a model thought without
    showing them. `cold`: nothing was read from the prompt cache. `own`: a history of its own, as a sub-agent has.
    """

    asked: Sequence[Part | str]
    answered: Sequence[Part | str] = ()
    wait_s: float = 20.0
    after: int | None = None
    by: tuple[str, str] | None = None
    fault: Fault | None = None
    unsaid: int = 0
    cold: bool = False
    own: str | None = None
    agent: str | None = None
    dropped: tuple[str, ...] = ()
    adapted: tuple[str, ...] = ()


class Story(Struct, frozen=True, kw_only=True):
    """`app` names the workload whose key, door, client and tags its calls have; `by` is provider and model; `context`
    are tokens of what every call sends beside the words that are kept: a tool's own instructions and files."""

    name: str
    title: str
    app: str
    by: tuple[str, str]
    system: str
    turns: tuple[Say, ...]
    tools: tuple[Tool, ...] = ()
    user: str | None = None
    context: int = 0
    streamed: bool = True


class Episode(Struct, frozen=True):
    """One call of a story as both pages need it."""

    record: ExchangeRecord
    told: Told


def result(id: str, text: str, name: str | None = None, *, failed: bool = False) -> ToolCallResponse:
    return ToolCallResponse(id, (Text(text),), name=name, is_error=failed)


def call(id: str, name: str, **arguments: Any) -> ToolCall:
    return ToolCall(id, name, msgspec.json.encode(arguments).decode())


def tool(name: str, description: str, **properties: str) -> Tool:
    """A tool whose arguments are all required; each is named with what it is."""
    fields = {field: {"type": "string", "description": words} for field, words in properties.items()}
    return Tool(
        name=name,
        description=description,
        parameters={"type": "object", "properties": fields, "required": list(properties)},
    )


def tell(story: Story, start_us: int, seed: str, price: Price) -> Iterator[Episode]:
    """The calls of a story that begins at `start_us` (µs since the epoch), in order."""
    rng = random.Random(seed)
    load = next(load for load in WORKLOADS if load.app == story.app)
    conversation = f"{rng.getrandbits(64):016x}"
    trace_id = f"{rng.getrandbits(128):032x}"
    ended: list[int] = []
    sizes: list[int] = []
    histories: list[tuple[Message, ...]] = []
    for number, say in enumerate(story.turns):
        before = number - 1 if say.after is None else say.after
        at_us = start_us if number == 0 else ended[max(0, before)] + int(say.wait_s * rng.uniform(0.8, 1.2) * _S)
        alone = number == 0 or say.own is not None
        history = () if alone else histories[before]
        asked = _asked(say)
        messages = (*history, *asked)
        answer = _parts(say.answered)
        system = say.own or story.system
        repeated = 0 if alone or say.cold else sizes[before]
        usage = _usage(story, say, system, messages, answer, repeated)
        latency, ttft = _times(rng, (say.by or story.by)[1], usage, say)
        made = _Call(
            story=story,
            say=say,
            load=load,
            at_us=at_us,
            conversation=conversation,
            trace_id=trace_id,
            latency_us=latency,
            ttft_us=ttft,
            usage=Usage() if say.fault is not None else usage,
            system=system,
            messages=messages,
            answer=answer,
        )
        yield _episode(made, rng, price)
        ended.append(at_us + latency)
        sizes.append(usage.input_tokens or 0)
        failed = say.fault is not None
        histories.append(messages if failed else (*messages, Message(Role.ASSISTANT, answer)))


class _Call(Struct, frozen=True, kw_only=True):
    story: Story
    say: Say
    load: Workload
    at_us: int
    conversation: str
    trace_id: str
    latency_us: int
    ttft_us: int | None
    usage: Usage
    system: str
    messages: tuple[Message, ...]
    answer: tuple[Part, ...]


def _parts(said: Sequence[Part | str]) -> tuple[Part, ...]:
    return tuple(Text(part) if isinstance(part, str) else part for part in said)


def _asked(say: Say) -> tuple[Message, ...]:
    """Tool results in a message of their own, before what the person says."""
    parts = _parts(say.asked)
    results = tuple(part for part in parts if isinstance(part, ToolCallResponse))
    words = tuple(part for part in parts if not isinstance(part, ToolCallResponse))
    found = ((Role.TOOL, results), (Role.USER, words))
    return tuple(Message(role, given) for role, given in found if given)


def _size(parts: Sequence[Part]) -> int:
    """Tokens of what is said, as characters / 4; a picture is a thousand."""
    total = 0
    for part in parts:
        if isinstance(part, Text | Reasoning):
            total += len(part.text)
        elif isinstance(part, ToolCall):
            total += len(part.name) + len(part.arguments)
        elif isinstance(part, ToolCallResponse):
            total += _CHARACTERS * _size(part.content)
        elif isinstance(part, Blob | File):
            total += 4_000
    return total // _CHARACTERS


def _usage(
    story: Story, say: Say, system: str, messages: Sequence[Message], answer: Sequence[Part], repeated: int
) -> Usage:
    provider, _ = say.by or story.by
    tools = len(msgspec.json.encode(story.tools)) // _CHARACTERS
    said = sum(_size(message.parts) + 4 for message in messages)
    whole = story.context + tools + len(system) // _CHARACTERS + said
    writes = provider in COUNTS_CACHE_WRITES
    # Where an app marks what is kept, all of it is; else it is kept in steps.
    kept = min(repeated, whole)
    cached = kept if writes else kept - kept % _CACHED_STEP
    cached = cached if cached >= _LEAST_CACHED and provider == story.by[0] else 0
    thought = say.unsaid + sum(len(part.text) // _CHARACTERS for part in answer if isinstance(part, Reasoning))
    spoken = sum(_size((part,)) for part in answer if not isinstance(part, Reasoning))
    written = whole - cached if writes and whole > _LEAST_CACHED else 0
    return Usage(
        input_tokens=whole,
        cached_tokens=cached,
        cache_write_tokens=written if writes else None,
        cache_write_5m_tokens=written if writes else None,
        cache_write_1h_tokens=0 if writes else None,
        output_tokens=max(4, spoken) + thought,
        reasoning_tokens=thought if provider in COUNTS_REASONING else None,
    )


def _times(rng: random.Random, model: str, usage: Usage, say: Say) -> tuple[int, int | None]:
    figures = profile(model)
    if say.fault is not None:
        return int(rng.uniform(0.2, 0.5) * _S), None
    first = figures.ttft_s * rng.uniform(0.8, 1.4) * (1 + (usage.input_tokens or 0) / 60_000)
    whole = first + (usage.output_tokens or 0) / (figures.tokens_per_s * rng.uniform(0.85, 1.15))
    return int(whole * _S), int(first * _S)


def _episode(made: _Call, rng: random.Random, price: Price) -> Episode:
    story, load = made.story, made.load
    upstream = f"req_{rng.getrandbits(80):020x}"
    id = f"req_{made.at_us // 1000:012x}{rng.getrandbits(64):016x}"
    both, price_id = _in_both(made, f"{rng.getrandbits(64):016x}", price)
    record = ExchangeRecord(
        id=id,
        key_id=load.key_id,
        key=load.key,
        principal=load.principal,
        end_user=story.user,
        conversation_id=made.conversation,
        input_tokens=made.usage.input_tokens,
        cached_tokens=made.usage.cached_tokens,
        cache_write_tokens=made.usage.cache_write_tokens,
        cache_write_1h_tokens=made.usage.cache_write_1h_tokens,
        output_tokens=made.usage.output_tokens,
        reasoning_tokens=made.usage.reasoning_tokens,
        price_id=price_id,
        overhead_us=_OVERHEAD_US,
        attempts=(_attempt(made, both, upstream),),
        upstream_request_id=upstream,
        **both,
    )
    answered = made.say.fault is None
    told = Told(
        source="gateway",
        scope=load.key_id,
        request_id=id,
        key=load.key,
        user=story.user or load.principal,
        agent=made.say.agent,
        conversation=made.conversation,
        title=story.title,
        request=_request(made, both["model"]),
        response=_response(made, both["model"], upstream) if answered else None,
        response_id=upstream if answered else None,
        usage=made.usage,
        headers=story_headers(record),
        **both,
    )
    return Episode(record, told)


def _in_both(made: _Call, span_id: str, price: Price) -> tuple[Mapping[str, Any], str | None]:
    """What a call's row and its telling have both, and the price's id."""
    story, say, load, fault = made.story, made.say, made.load, made.say.fault
    provider, model = say.by or story.by
    cost, source, price_id = (None, "none", None)
    if fault is None:
        cost, source, price_id = price(provider, model, made.usage, made.at_us)
        source = "provider" if provider in REPORTS_COST and cost is not None else source
    both: Mapping[str, Any] = {
        "status": 200 if fault is None else fault.status,
        "outcome": "ok" if fault is None else "error",
        "error_type": None if fault is None else fault.error_type,
        "error_message": None if fault is None else fault.message,
        "usage_source": "provider" if fault is None else "none",
        "cost_nano": cost,
        "cost_source": source,
        "latency_us": made.latency_us,
        "ttft_us": made.ttft_us if story.streamed else None if fault is not None else made.latency_us,
        "streamed": story.streamed,
        "provider": provider,
        "model": model,
        "model_requested": model,
        "dropped": say.dropped,
        "adapted": say.adapted,
        "trace_id": made.trace_id,
        "span_id": span_id,
        "door": load.door,
        "client": load.client,
        "app": load.app,
        "tags": load.tags,
        "started_us": made.at_us,
    }
    return both, price_id


def _attempt(made: _Call, both: Mapping[str, Any], upstream_request_id: str) -> AttemptRecord:
    """The only one."""
    return AttemptRecord(
        n=1,
        provider=both["provider"],
        model=both["model"],
        started_us=made.at_us + _OVERHEAD_US // 2,
        latency_us=max(1, made.latency_us - _OVERHEAD_US),
        status=both["status"],
        error_type=both["error_type"],
        input_tokens=made.usage.input_tokens,
        output_tokens=made.usage.output_tokens,
        cost_nano=both["cost_nano"],
        upstream_request_id=upstream_request_id,
    )


def _request(made: _Call, model: str) -> Request:
    system = Message(Role.SYSTEM, (Text(made.system),))
    tools = made.story.tools if made.say.own is None else ()
    return Request(model=model, messages=(system, *made.messages), tools=tools, stream=made.story.streamed)


def _response(made: _Call, model: str, id: str) -> Response:
    calls = any(isinstance(part, ToolCall) for part in made.answer)
    reason = FinishReason.TOOL_CALLS if calls else FinishReason.STOP
    return Response(id=id, model=model, choices=(Choice(parts=made.answer, finish_reason=reason),), usage=made.usage)


def episodes(
    stories: Sequence[Story], now_us: int, price: Price, *, days: int, utc_offset_s: int = 0
) -> Iterator[Episode]:
    """What was said in the last `days`, oldest story first; no call ends after `now_us` (Unix microseconds)."""
    offset = utc_offset_s * _S
    today = (now_us + offset) // _DAY
    for day in range(today - days, today + 1):
        for story, seconds, seed in told_on(day, stories):
            start_us = day * _DAY + seconds * _S - offset
            if start_us >= now_us - days * _DAY:
                for episode in tell(story, start_us, seed, price):
                    if episode.record.started_us + (episode.record.latency_us or 0) < now_us:
                        yield episode


def _weekday(day: int) -> int:
    return datetime.fromtimestamp(day * 86_400, UTC).weekday()


def told_on(day: int, stories: Sequence[Story]) -> Iterator[tuple[Story, int, str]]:
    """(story, seconds since the local midnight, seed) of a day, counted from the epoch: five, and two on weekends."""
    rng = random.Random(f"story/{day}")
    hours = (10.4, 17.6) if _weekday(day) >= 5 else (9.1, 10.7, 13.3, 15.2, 16.9)
    order = list(stories)
    # Each goes round, so that neighbouring days differ.
    turn = day * len(hours) % len(order)
    for place, hour in enumerate(hours):
        story = order[(turn + place) % len(order)]
        yield story, int((hour + rng.uniform(-0.3, 0.3)) * 3600), f"story/{day}/{place}/{story.name}"
