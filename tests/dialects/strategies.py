"""Random requests and answers that a dialect, or every dialect, can say; and what of them is said.

What is drawn is in the normal form that all codecs share (one system message first, results in the order of their
calls, arguments as JSON objects), so that whatever comes back differently was lost.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from gateway.model import (
    Blob,
    Choice,
    FinishReason,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    ResponseFormat,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    ToolChoice,
    Uri,
    Usage,
)

# Characters that trip line splitters, escapers and byte counters, beside any others.
ODD = "\n\r\t\x00\x1f\x7f\x85\u2028\u2029\ufeff\ufffd\"\\/<>&' :dataéß漢🎈👩‍👩‍👧"
characters = st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=("Cs",)))
texts = st.text(characters, min_size=1, max_size=24).filter(lambda text: bool(text.strip()))
words = st.text(characters, max_size=12)
ids = st.text("abcxyzABC019_-", min_size=1, max_size=12)
names = ids.map("f{}".format)
signatures = st.binary(min_size=1, max_size=9).map(lambda raw: base64.b64encode(raw).decode())
tokens = st.integers(0, 10**9)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(words, json_values, max_size=3)
arguments = json_objects.map(lambda value: msgspec.json.encode(value).decode())
# Google takes a result's "$ref" for one of the request's own, and puts such a result into a text.
results = st.one_of(texts, arguments)


@st.composite
def calls(draw: st.DrawFn, custom: bool = False) -> tuple[ToolCall, ...]:
    """Up to three calls with distinct ids."""
    found = draw(st.lists(ids, min_size=1, max_size=3, unique=True))
    return tuple(
        ToolCall(call_id, draw(names), draw(texts), True)
        if custom and draw(st.booleans())
        else ToolCall(call_id, draw(names), draw(arguments))
        for call_id in found
    )


def usages(*, writes: bool = False, reasoning: bool = True) -> st.SearchStrategy[Usage]:
    @st.composite
    def usage(draw: st.DrawFn) -> Usage:
        cached, fresh, thought, said = draw(tokens), draw(tokens), draw(tokens) if reasoning else 0, draw(tokens)
        five, hour = (draw(tokens), draw(tokens)) if writes else (None, None)
        return Usage(
            input_tokens=cached + fresh + (five or 0) + (hour or 0),
            cached_tokens=cached,
            cache_write_tokens=None if five is None or hour is None else five + hour,
            cache_write_5m_tokens=five,
            cache_write_1h_tokens=hour,
            output_tokens=thought + said,
            reasoning_tokens=thought,
        )

    return usage()


def ended(parts: tuple[Part, ...], reason: FinishReason) -> FinishReason:
    """How an answer with these parts ends: one that calls tools does not merely stop."""
    called = any(isinstance(part, ToolCall) for part in parts)
    return FinishReason.TOOL_CALLS if called and reason is FinishReason.STOP else reason


@st.composite
def answers(draw: st.DrawFn) -> Response:
    """What every dialect can say: thinking, then text, then calls."""
    parts: list[Part] = []
    if draw(st.booleans()):
        parts.append(Reasoning(draw(texts)))
    if draw(st.booleans()):
        parts.append(Text(draw(texts)))
    if draw(st.booleans()):
        parts += draw(calls())
    reasons = [FinishReason.STOP, FinishReason.LENGTH, FinishReason.CONTENT_FILTER]
    reason = ended(tuple(parts), draw(st.sampled_from(reasons)))
    choice = Choice(parts=tuple(parts), finish_reason=reason)
    return Response(id="x", model="m", choices=(choice,), usage=draw(usages()))


# What each dialect can say beyond that.


@st.composite
def chat_answers(draw: st.DrawFn) -> Response:
    def choice(index: int) -> Choice:
        note = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": draw(words), "url": "https://example.org"}}  # fmt: skip
        parts: list[Part] = [Reasoning(draw(texts))] if draw(st.booleans()) else []
        if draw(st.booleans()):
            parts.append(Text(draw(texts), {"openai_chat": {"annotations": [note]}} if draw(st.booleans()) else {}))
        if draw(st.booleans()):
            parts.append(Refusal(draw(texts)))
        parts += draw(calls(custom=True)) if draw(st.booleans()) else ()
        if parts and isinstance(parts[-1], ToolCall) and not parts[-1].custom and draw(st.booleans()):
            signed = {"gemini": {"thought_signature": draw(signatures)}}
            parts[-1] = msgspec.structs.replace(parts[-1], extra=signed)
        logprobs = {"content": [{"token": draw(words), "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
        reasons = [FinishReason.STOP, FinishReason.LENGTH, FinishReason.CONTENT_FILTER]
        return Choice(
            index=index,
            parts=tuple(parts),
            finish_reason=ended(tuple(parts), draw(st.sampled_from(reasons))),
            logprobs=logprobs if draw(st.booleans()) else None,
        )

    count = draw(st.integers(1, 3))
    return Response(id="x", model="m", choices=tuple(choice(index) for index in range(count)), usage=draw(usages()))


@st.composite
def anthropic_answers(draw: st.DrawFn) -> Response:
    """Blocks in any order; thinking is signed or hidden."""

    def own(**fields: Any) -> dict[str, dict[str, Any]]:
        return {"anthropic": fields}

    def cited() -> Part:
        note = {"type": "char_location", "cited_text": draw(words), "document_index": 0, "start_char_index": 0, "end_char_index": 1}  # fmt: skip
        return Text(draw(texts), own(citations=[note]))

    kinds: list[Callable[[], Part]] = [
        lambda: Text(draw(texts)),
        cited,
        lambda: Reasoning(draw(words), own(signature=draw(ids))),
        lambda: Reasoning("", own(redacted=draw(ids))),
        lambda: Opaque("anthropic", {"type": "container_upload", "file_id": draw(ids)}),
        lambda: Opaque("anthropic", {"type": "server_tool_use", "id": draw(ids), "name": "web_search", "input": draw(json_objects)}),
    ]  # fmt: skip
    parts = [draw(st.sampled_from(kinds))() for _ in range(draw(st.integers(0, 5)))]
    parts += draw(calls()) if draw(st.booleans()) else ()
    reasons = set(FinishReason) - {FinishReason.ERROR, FinishReason.TOOL_CALLS}
    reason = ended(tuple(parts), draw(st.sampled_from(sorted(reasons))))
    stop = draw(texts) if reason is FinishReason.STOP_SEQUENCE else None
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    extra = own(stop_details=details) if reason is FinishReason.CONTENT_FILTER else {}
    choice = Choice(parts=tuple(parts), finish_reason=reason, stop_sequence=stop, extra=extra)
    return Response(id="x", model="m", choices=(choice,), usage=draw(usages(writes=True)))


@st.composite
def gemini_answers(draw: st.DrawFn) -> Response:
    """Several candidates of parts in any order; unsigned words that follow each other are one part."""

    def own(**fields: Any) -> dict[str, dict[str, Any]]:
        return {"gemini": fields}

    kinds: list[Callable[[], Part]] = [
        lambda: Text(draw(texts)),
        lambda: Text(draw(words), own(thought_signature=draw(signatures))),
        lambda: Reasoning(draw(texts)),
        lambda: Reasoning(draw(words), own(thought_signature=draw(signatures))),
        lambda: Blob("image/png", base64.b64encode(b"\x89PNG\r\n\x1a\n" + draw(st.binary(max_size=9))).decode()),
        lambda: Opaque("gemini", {"executableCode": {"language": "PYTHON", "code": draw(words)}}),
    ]

    def choice(index: int) -> Choice:
        parts: list[Part] = []
        for _ in range(draw(st.integers(0, 5))):
            part = draw(st.sampled_from(kinds))()
            if not (parts and not part_extra(part) and not part_extra(parts[-1]) and type(part) is type(parts[-1])):
                parts.append(part)
        for call in draw(calls()) if draw(st.booleans()) else ():
            signed = own(thought_signature=draw(signatures)) if draw(st.booleans()) else {}
            parts.append(msgspec.structs.replace(call, extra=signed))
        reasons = [FinishReason.STOP, FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.PAUSE]
        return Choice(
            index=index, parts=tuple(parts), finish_reason=ended(tuple(parts), draw(st.sampled_from(reasons)))
        )

    count = draw(st.integers(1, 3))
    return Response(id="x", model="m", choices=tuple(choice(index) for index in range(count)), usage=draw(usages()))


def part_extra(part: Part) -> Any:
    return getattr(part, "extra", None)


@st.composite
def responses_answers(draw: st.DrawFn) -> Response:
    """Items in any order: messages of several pieces, reasoning with its state, calls of both kinds."""
    parts: list[Part] = []

    def own(**fields: Any) -> dict[str, dict[str, Any]]:
        return {"openai_responses": fields}

    def message() -> None:
        for at in range(draw(st.integers(1, 3))):
            mark = {"joined": True} if at else {"item": {"id": f"msg_{len(parts)}"}}
            kind = Refusal if draw(st.booleans()) else Text
            parts.append(kind(draw(texts), own(**mark)))

    def reasoning() -> None:
        summary = draw(st.lists(texts, max_size=2))
        several = {"summary": summary} if len(summary) > 1 else {}
        extra = own(id=f"rs_{len(parts)}", encrypted_content=draw(ids), **several)
        parts.append(Reasoning("\n\n".join(summary), extra))

    def hosted() -> None:
        action = {"type": "search", "query": draw(words)}
        item = {"type": "web_search_call", "id": f"ws_{len(parts)}", "status": "completed", "action": action}
        parts.append(Opaque("openai_responses", item))

    for _ in range(draw(st.integers(0, 4))):
        draw(st.sampled_from([message, reasoning, hosted]))()
    for number, call in enumerate(draw(calls(custom=True)) if draw(st.booleans()) else ()):
        parts.append(msgspec.structs.replace(call, extra=own(id=f"fc_{number}")))
    # What was refused in words is complete here; where nothing was, the filter cut it.
    refused = any(isinstance(part, Refusal) for part in parts)
    reasons = [FinishReason.STOP, FinishReason.LENGTH, *([] if refused else [FinishReason.CONTENT_FILTER])]
    reason = ended(tuple(parts), draw(st.sampled_from(reasons)))
    choice = Choice(parts=tuple(parts), finish_reason=reason)
    return Response(id="x", model="m", choices=(choice,), usage=draw(usages()))


ANSWERS: dict[str, st.SearchStrategy[Response]] = {
    "openai_chat": chat_answers(),
    "openai_responses": responses_answers(),
    "anthropic": anthropic_answers(),
    "gemini": gemini_answers(),
}


# Requests.

PICTURES = st.sampled_from(
    [
        Blob("image/png", "iVBORw0KGgoAAAANSUhEUg=="),
        Blob("image/jpeg", "/9j/4AAQSkZJRg=="),
        Uri("https://example.org/a.png"),
    ]
)
SCHEMA = st.dictionaries(
    names, st.sampled_from([{"type": "string", "description": "é"}, {"type": "integer"}, {"type": "boolean"}]),
    min_size=1, max_size=3,
).map(lambda fields: {"type": "object", "properties": fields, "required": sorted(fields), "additionalProperties": False})  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """A user's turn first and last; each assistant's turn may call tools, whose results come next, in order."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message(Role.SYSTEM, (Text(draw(texts)),)))
    for turn in range(draw(st.integers(0, 2))):
        messages.append(_user(draw))
        parts: list[Part] = [Text(draw(texts))] if draw(st.booleans()) else []
        made = draw(calls()) if draw(st.booleans()) or not parts else ()
        made = tuple(msgspec.structs.replace(call, id=f"c{turn}_{at}_{call.id}") for at, call in enumerate(made))
        messages.append(Message(Role.ASSISTANT, (*parts, *made)))
        if made:
            said = tuple(ToolCallResponse(call.id, (Text(draw(results)),), call.name) for call in made)
            messages.append(Message(Role.TOOL, said))
    if not messages or messages[-1].role is not Role.TOOL or draw(st.booleans()):
        messages.append(_user(draw))
    return tuple(messages)


def _user(draw: st.DrawFn) -> Message:
    parts: list[Part] = [Text(draw(texts))]
    if draw(st.booleans()):
        parts += [draw(PICTURES), Text(draw(texts))]
    return Message(Role.USER, tuple(parts))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """What every dialect can ask."""
    known = draw(st.lists(names, max_size=3, unique=True))
    tools = tuple(Tool(name=name, description=draw(texts), parameters=draw(SCHEMA)) for name in known)
    choice = None
    if tools and draw(st.booleans()):
        modes = [ToolChoice("auto"), ToolChoice("none"), ToolChoice("required"), ToolChoice("named", (known[0],))]
        choice = draw(st.sampled_from(modes))
    wanted = ResponseFormat(kind="json_schema", schema=draw(SCHEMA)) if draw(st.booleans()) else None
    return Request(
        model="m",
        messages=draw(conversations()),
        tools=tools,
        tool_choice=choice,
        max_output_tokens=draw(st.integers(1, 10**6)),
        temperature=draw(st.none() | st.sampled_from([0.0, 0.25, 0.5])),
        top_p=draw(st.none() | st.sampled_from([0.1, 0.9])),
        response_format=wanted,
        stream=draw(st.booleans()),
    )


def said_in_request(request: Request) -> dict[str, Any]:
    """What of a request must arrive at any provider: ids of the codecs and their pockets are not of it."""
    return {
        "messages": [(message.role, tuple(_said(part) for part in message.parts)) for message in request.messages],
        "tools": [(tool.name, tool.description, tool.parameters) for tool in request.tools if isinstance(tool, Tool)],
        "tool_choice": request.tool_choice or (ToolChoice("auto") if request.tools else None),
        "max_output_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "schema": request.response_format.schema if request.response_format else None,
        "stream": request.stream,
    }


def said_in_answer(response: Response) -> tuple[Any, ...]:
    """What of an answer must arrive at any client."""
    usage = response.usage
    assert usage is not None
    counted = (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens)
    return counted, [
        (choice.finish_reason, [_said(part) for part in choice.parts if not _is_state(part)])
        for choice in response.choices
    ]


def _is_state(part: Part) -> bool:
    """Whether it says nothing, but carries one dialect's state through another."""
    return isinstance(part, Reasoning) and not part.text


def _said(part: Part) -> Any:
    match part:
        case ToolCall():
            value = part.arguments if part.custom else json.loads(part.arguments or "{}")
            return ("call", part.id, part.name, value)
        case ToolCallResponse():
            return ("result", part.id, tuple(_result(item) for item in part.content), part.is_error)
        case Blob():
            return (part.mime_type, part.data)
        case Uri():
            return part.uri
        case Text() | Reasoning() | Refusal():
            return (type(part).__name__, part.text)
    return part


def _result(part: Any) -> Any:
    """A JSON object in a result may come back in another spelling."""
    try:
        value = json.loads(part.text)
    except ValueError:
        return part.text
    return value if isinstance(value, dict) else part.text
