"""Stream events and the assembler that folds them into a response.

Every event names its part by an integer id, ours and unique within the stream, so that writers number their own
blocks and interleaved fragments of parallel tool calls cannot be confused. Streamed and whole answers meet in
`Assembler`: tests, traces and accounting see one shape.
"""

from typing import Any

from msgspec import Struct

from gateway.model import (
    NO_EXTRA,
    Blob,
    Choice,
    Extra,
    FinishReason,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    Usage,
)


class Start(Struct, frozen=True, tag="start"):
    """The answer begins; once per stream. `usage` where the provider tells its input first (Anthropic)."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    extra: Extra = NO_EXTRA


class PartStart(Struct, frozen=True, tag="part_start"):
    """`kind` is text, refusal, reasoning, tool_call, blob or opaque; `call_id` and `name` for tool calls.

    `value` carries what arrives whole: a `Blob` or `Opaque` part.
    """

    part: int
    kind: str
    choice: int = 0
    call_id: str = ""
    name: str = ""
    custom: bool = False
    value: Blob | Opaque | None = None
    extra: Extra = NO_EXTRA


class Delta(Struct, frozen=True, tag="delta"):
    """More text of a part: words, thinking, or a fragment of a tool call's JSON arguments."""

    part: int
    text: str


class PartEnd(Struct, frozen=True, tag="part_end"):
    """`extra` adds what is known only now (a thinking signature, citations)."""

    part: int
    extra: Extra = NO_EXTRA


class UsageReport(Struct, frozen=True, tag="usage"):
    """What the provider counted so far; cumulative: a later report's known fields replace earlier ones.

    `final` is false for a report that the provider gives before the output is complete.
    """

    usage: Usage
    final: bool = True


class Finish(Struct, frozen=True, tag="finish"):
    """One choice is complete; after the last one and its usage, the stream may end."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None
    logprobs: Any = None
    extra: Extra = NO_EXTRA


class StreamError(Struct, frozen=True, tag="error"):
    """The provider ended its stream with an error; nothing follows. Words as for `errors.GatewayError`;
    `upstream_status` as it would have been in the place of a stream."""

    message: str
    kind: str = "provider_error"
    status: int = 502
    code: str | None = None
    own_words: bool = False
    param: str | None = None
    upstream_status: int | None = None


def broken_off(who: str) -> str:
    """Of whoever ended an answer before its end."""
    return f"{who} broke off its answer before the end: try the request again."


BROKEN_OFF = StreamError(broken_off("The provider"), "connection_lost", own_words=True)
UNREADABLE = StreamError(
    "The provider's answer could not be read: try again, or check its base URL.", "unreadable_answer", own_words=True
)

Event = Start | PartStart | Delta | PartEnd | UsageReport | Finish | StreamError


def merge_usage(earlier: Usage | None, later: Usage) -> Usage:
    """The later report's known fields over the earlier one's; of one that takes back counts, all but its zeros."""
    if earlier is None:
        return later
    unsaid = (None, 0) if takes_back(earlier, later) else (None,)
    values = {
        name: getattr(earlier, name) if (new := getattr(later, name)) in unsaid else new
        for name in Usage.__struct_fields__
    }
    return Usage(**values)


def takes_back(earlier: Usage | None, later: Usage) -> bool:
    """Whether a report says that nothing was read, or nothing made, where an earlier one counted some: counts are
    cumulative, so this one does not know them."""
    if earlier is None:
        return False
    read, made = later.input_tokens == 0 and earlier.input_tokens, later.output_tokens == 0 and earlier.output_tokens
    return bool(read or made)


def merge_extra(one: Extra, other: Extra) -> Extra:
    """Both pockets; where both hold a dialect's key, the other's wins."""
    if not other:
        return one
    if not one:
        return other
    return {name: {**one.get(name, {}), **other.get(name, {})} for name in {*one, *other}}


class _OpenPart:
    __slots__ = ("extra", "start", "texts")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.texts: list[str] = []
        self.extra: Extra = start.extra

    def close(self) -> Part:
        start, text = self.start, "".join(self.texts)
        match start.kind:
            case "tool_call":
                return ToolCall(start.call_id, start.name, text, start.custom, self.extra)
            case "reasoning":
                return Reasoning(text, self.extra)
            case "refusal":
                return Refusal(text, self.extra)
            case "text":
                return Text(text, self.extra)
        assert start.value is not None, start.kind
        return start.value


class Assembler:
    """Folds a stream's events into a `Response`; ask `response()` at any time, also after a cut."""

    def __init__(self) -> None:
        self._start = Start()
        self._parts: dict[int, _OpenPart] = {}
        self._finishes: dict[int, Finish] = {}
        self.usage: Usage | None = None
        self.usage_final = False
        self.error: StreamError | None = None

    def feed(self, event: Event) -> None:
        match event:
            case Delta():
                self._parts[event.part].texts.append(event.text)
            case PartStart():
                self._parts[event.part] = _OpenPart(event)
            case PartEnd():
                part = self._parts[event.part]
                part.extra = merge_extra(part.extra, event.extra)
            case UsageReport():
                self.usage = merge_usage(self.usage, event.usage)
                self.usage_final = self.usage_final or event.final
            case Finish():
                self._finishes[event.choice] = event
            case Start():
                self._start = event
            case StreamError():
                self.error = event

    @property
    def finished(self) -> bool:
        """Whether a finish reason was seen for some choice."""
        return bool(self._finishes)

    def output_bytes(self) -> int:
        """UTF-8 bytes of everything the model said so far: the base of an estimate."""
        return sum(len(text.encode()) for part in self._parts.values() for text in part.texts)

    def response(self) -> Response:
        indices = sorted({part.start.choice for part in self._parts.values()} | set(self._finishes))
        return Response(
            id=self._start.id,
            model=self._start.model,
            created=self._start.created,
            choices=tuple(self._choice(index) for index in indices),
            usage=self.usage,
            extra=self._start.extra,
        )

    def _choice(self, index: int) -> Choice:
        parts = tuple(part.close() for part in self._parts.values() if part.start.choice == index)
        finish = self._finishes.get(index)
        if finish is None:
            return Choice(index=index, parts=parts)
        return Choice(
            index=index,
            parts=parts,
            finish_reason=finish.reason,
            stop_sequence=finish.stop_sequence,
            logprobs=finish.logprobs,
            extra=finish.extra,
        )
