"""What a simulated model says: a neutral request in, neutral stream events out, the same for the same request.

An answer takes up the user's last words. Where tools are offered and the user spoke last, it calls one tool, or two
where the text joins two wishes; after tool results it answers from them. Limits are real: an answer that reaches its
maximum or a stop sequence is cut there. Tokens are bytes / 4, rounded up.
"""

import re
import zlib
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, UsageReport
from gateway.model import (
    NO_EXTRA,
    Blob,
    Extra,
    FinishReason,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Usage,
)
from gateway.simulated.pacing import count_tokens, profile
from gateway.simulated.schema import example

_IMAGE_TOKENS = 258
# Beyond so many tools an agent is asking, whose every request brings them all: only one that is named is called.
_FEW_TOOLS = 6
_FAULT_MARKER = re.compile(r"\[fail:[a-z0-9-]+\]")
_WISHES_JOINED = re.compile(r"\b(both|and)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?]) ")
_PIECES = re.compile(r"\s*\S+")
_EFFORT_SHARE = {"none": 0.0, "minimal": 0.1, "low": 0.4, "medium": 1.0, "high": 2.0, "xhigh": 3.0, "max": 4.0}
_OPENINGS = (
    "About “{words}”: ",
    "You asked about “{words}”. ",
    "“{words}”, in short: ",
    "Here is a quick take on “{words}”. ",
)
_BODIES = (
    "start with the smallest thing that works, measure it, and change one thing at a time.",
    "there are two ways to see it, and the simpler one is usually right until the numbers say otherwise.",
    "write down what must stay true, then pick the option that is easiest to undo.",
    "the main cost is not where it first appears, so look at the whole path before tuning a part of it.",
    "most of it is decided by one early choice; make that one on purpose and leave the rest for later.",
    "reproduce it first, then halve the places where it can come from until one is left.",
    "ask who reads the result and when: what nobody waits for can be slow, and what nobody reads can go.",
)
_CLOSING = " This answer comes from a simulated model: it costs nothing, and nothing left your machine."


class Signs(Struct, frozen=True, kw_only=True):
    """A provider's habits: whether thinking is `shown`, what it signs thinking and calls with, how call ids begin."""

    shown: bool = False
    call_prefix: str = "call_"
    reasoning_extra: Extra = NO_EXTRA
    call_extra: Extra = NO_EXTRA


class Composed(Struct, frozen=True):
    """The events of one answer, and its final usage."""

    events: list[Event]
    usage: Usage


class _Draft(Struct, frozen=True):
    text: str
    calls: tuple[ToolCall, ...] = ()


def compose(
    request: Request,
    *,
    answer_id: str,
    created: int,
    cached_tokens: int = 0,
    cache_write_tokens: int | None = None,
    signs: Signs = Signs(),  # noqa: B008 - frozen
) -> Composed:
    """The answer to `request`; `cached_tokens` of its input were read from the prompt cache."""
    draft = _draft(request, signs.call_prefix + answer_id)
    thinking = _reasoning_tokens(request)
    room = request.max_output_tokens
    if room is not None:
        thinking = min(thinking, room // 2)
        room -= thinking
    text, reason, matched = _limit(draft, request.stop, room)
    calls = draft.calls if reason is FinishReason.TOOL_CALLS else ()
    said = count_tokens(text) + sum(count_tokens(call.arguments) + count_tokens(call.name) for call in calls)
    usage = Usage(
        input_tokens=input_tokens(request),
        cached_tokens=cached_tokens,
        cache_write_tokens=cache_write_tokens,
        cache_write_5m_tokens=cache_write_tokens,
        output_tokens=said + thinking,
        reasoning_tokens=thinking,
    )
    start = Start(id=answer_id, model=request.model, created=created)
    told = msgspec.structs.replace(usage, output_tokens=1, reasoning_tokens=None)
    events: list[Event] = [start, UsageReport(told, final=False)]
    if thinking and signs.shown:
        events += _part(0, "reasoning", _thought(request), signs.reasoning_extra)
    if text:
        events += _part(1, "text", text, NO_EXTRA)
    for index, call in enumerate(calls):
        begin = PartStart(2 + index, "tool_call", call_id=call.id, name=call.name, extra=signs.call_extra)
        events += [begin, *(Delta(2 + index, piece) for piece in _slices(call.arguments, 16)), PartEnd(2 + index)]
    events += [Finish(reason, stop_sequence=matched), UsageReport(usage)]
    return Composed(events, usage)


def input_tokens(request: Request) -> int:
    """All that was said to the model, tools and system prompt included."""
    tools = sum(count_tokens(msgspec.json.encode(tool).decode()) for tool in request.tools)
    return max(1, tools + sum(message_tokens(message) for message in request.messages))


def message_tokens(message: Message) -> int:
    return 3 + sum(_part_tokens(part) for part in message.parts)


def last_user_text(request: Request) -> str:
    """What the user said last, "" where somebody else spoke last."""
    last = request.messages[-1] if request.messages else None
    return _text_of(last.parts) if last is not None and last.role is Role.USER else ""


def _last_turn(request: Request) -> Message | None:
    """The last message that is no instruction: agents put theirs behind the user's words."""
    return next((message for message in reversed(request.messages) if message.role is not Role.SYSTEM), None)


def _last_results(request: Request) -> Message | None:
    """What tools said, where nobody has said anything since: pictures among it come behind it in a turn of the user's
    where a dialect takes none in a result."""
    said = [message for message in request.messages if message.role is not Role.SYSTEM]
    while said and said[-1].role is Role.USER and not any(isinstance(part, Text) for part in said[-1].parts):
        said.pop()
    return said[-1] if said and said[-1].role is Role.TOOL else None


def _wish(request: Request) -> str:
    """What the user said last, without the tagged parts that agents put around it."""
    last = _last_turn(request)
    texts = [part.text for part in last.parts if isinstance(part, Text)] if last and last.role is Role.USER else []
    return next((text for text in reversed(texts) if not text.lstrip().startswith("<")), last_user_text(request))


def _part_tokens(part: Part) -> int:
    match part:
        case Text() | Refusal() | Reasoning():
            return count_tokens(part.text)
        case ToolCall():
            return count_tokens(part.name) + count_tokens(part.arguments)
        case ToolCallResponse():
            return sum(_part_tokens(item) for item in part.content)
    return _IMAGE_TOKENS


def _draft(request: Request, call_id: str) -> _Draft:
    results = _last_results(request)
    if results is not None:
        return _Draft(_from_results(results))
    words = _words(_wish(request))
    calls = tuple(_calls(request, words, call_id))
    if calls:
        return _Draft("", calls)
    form = request.response_format
    if form is not None and form.kind != "text":
        return _Draft(msgspec.json.encode(example(form.schema or {}, words)).decode())
    # Models that are asked the same do not say the same.
    chosen = zlib.crc32(f"{words}\n{request.model}".encode())
    opening, body = _OPENINGS[chosen % len(_OPENINGS)], _BODIES[chosen // 7 % len(_BODIES)]
    if opening.endswith(". "):
        body = body[0].upper() + body[1:]
    return _Draft(
        opening.format(words=_quoted(words, 12).removesuffix(".") or "nothing in particular") + body + _CLOSING
    )


def _calls(request: Request, words: str, call_id: str) -> Iterator[ToolCall]:
    choice = request.tool_choice
    tools = [tool for tool in request.tools if isinstance(tool, Tool)]
    if choice is not None and choice.names:
        tools = [tool for tool in tools if tool.name in choice.names]
    if not tools or not words or (choice is not None and choice.mode == "none"):
        return
    # The tool whose name and description share most words with the wish; the first one on a tie.
    wish = _parts_of_words(words)
    demanded = choice is not None and choice.mode in ("any", "named")
    if len(tools) > _FEW_TOOLS and not demanded:
        tools = [tool for tool in tools if wish & _parts_of_words(tool.name)]
    tools.sort(key=lambda tool: -len(wish & _parts_of_words(f"{tool.name} {tool.description}")))
    several = _WISHES_JOINED.search(words) is not None and request.parallel_tool_calls is not False
    named = choice is not None and choice.mode == "named"
    for index, tool in enumerate(tools[: 2 if several and not named else 1]):
        value = words if tool.custom else msgspec.json.encode(example(tool.parameters or {}, words)).decode()
        yield ToolCall(f"{call_id}{index}", tool.name, value, tool.custom)


def _parts_of_words(text: str) -> set[str]:
    """Names of tools are words with underscores between them."""
    return set(re.findall(r"[^\W_]+", text.lower()))


def _from_results(message: Message) -> str:
    results = [part for part in message.parts if isinstance(part, ToolCallResponse)]
    return "From the results: " + "; ".join(_from_result(result) for result in results) + "."


def _from_result(result: ToolCallResponse) -> str:
    verb = "failed with" if result.is_error else "says"
    return f"{result.name or 'the tool'} {verb}: {_text_of(result.content).strip()[:400]}"


def _limit(draft: _Draft, stops: Sequence[str], room: int | None) -> tuple[str, FinishReason, str | None]:
    """The text as far as it may go, why it ends, and the stop sequence that ended it."""
    found = [(draft.text.find(stop), stop) for stop in stops if stop and stop in draft.text]
    text, matched = draft.text, None
    if found:
        at, matched = min(found)
        text = text[:at]
    if room is not None:
        if count_tokens(text) > room:
            return text.encode()[: room * 4].decode(errors="ignore"), FinishReason.LENGTH, None
        if draft.calls and sum(count_tokens(call.arguments) for call in draft.calls) > room:
            return text, FinishReason.LENGTH, None
    if matched is not None:
        return text, FinishReason.STOP_SEQUENCE, matched
    return text, FinishReason.TOOL_CALLS if draft.calls else FinishReason.STOP, None


def _reasoning_tokens(request: Request) -> int:
    asked = request.reasoning
    natural = profile(request.model).reasoning
    if asked is not None and asked.enabled is not False and not natural:
        # Models that think only when asked to.
        natural = 200 if asked.enabled or asked.budget_tokens else 0
    if not natural or (asked is not None and (asked.enabled is False or asked.budget_tokens == 0)):
        return 0
    share = _EFFORT_SHARE.get(asked.effort or "medium", 1.0) if asked is not None else 1.0
    spread = 0.7 + zlib.crc32(last_user_text(request).encode()) % 61 / 100
    return round(natural * share * spread)


def _thought(request: Request) -> str:
    words = _quoted(_words(_wish(request)), 8)
    return f"The user wants to know about “{words}”. I should say what matters first, and keep it short."


def _part(number: int, kind: str, text: str, extra: Extra) -> Iterator[Event]:
    yield PartStart(number, kind)
    for piece in _PIECES.findall(text):
        yield Delta(number, piece)
    if rest := text[len(text.rstrip()) :]:
        yield Delta(number, rest)
    yield PartEnd(number, extra)


def _slices(text: str, width: int) -> Iterator[str]:
    for start in range(0, len(text), width):
        yield text[start : start + width]


def _text_of(parts: Sequence[Part]) -> str:
    return " ".join(
        part.text if isinstance(part, Text) else f"[{part.modality}]"
        for part in parts
        if isinstance(part, Text | Blob)
    )


def _words(text: str) -> str:
    return " ".join(_FAULT_MARKER.sub("", text).split())


def _quoted(words: str, count: int) -> str:
    """The last words of the last sentence: a quotation that reaches over a full stop reads as none."""
    return _last(_SENTENCE_END.split(words)[-1], count)


def _last(words: str, count: int) -> str:
    return " ".join(words.split(" ")[-count:])[-160:]
