"""A provider's stream, from bytes to events.

A tool call's fragments are told apart by `index` (by id where servers send several calls under one index); text ends
where a call begins; calls stay open until the choice is finished, since their fragments may interleave. A choice's
`Finish` is held until the stream's own end mark or its usage-only chunk, so that whatever a server sends after its
`finish_reason` still counts. Usage may stand in any chunk, before or after `[DONE]`.
"""

from typing import Any

from gateway.dialects.counts import as_it_failed
from gateway.dialects.error_bodies import as_stream_error
from gateway.dialects.json_text import is_object
from gateway.dialects.losses import DEFAULT_TIERS
from gateway.dialects.openai_chat.usage import cites_the_web, parse_usage
from gateway.dialects.openai_chat.wire import (
    FAILED,
    NAME,
    WireAnswer,
    WireCall,
    WireChoice,
    WireMessage,
    arguments_text,
    citations_in,
    content_text,
    decode_answer,
    images_in,
    is_empty,
    minted_call_id,
    neutral_reason,
    pocket,
    signature_in,
)
from gateway.dialects.openai_errors import failed_answer, stream_error
from gateway.events import (
    BROKEN_OFF,
    UNREADABLE,
    Delta,
    Event,
    Finish,
    PartEnd,
    PartStart,
    Start,
    StreamError,
    UsageReport,
)
from gateway.model import NO_EXTRA, Blob, Extra, Opaque, Usage
from gateway.sse import Decoder, ServerSentEvent

_DONE = b"[DONE]"


class _Call:
    """A tool call on its way in. Until its name is known its fragments wait."""

    __slots__ = ("custom", "extra", "id", "name", "part", "position", "started", "waiting")

    def __init__(self, part: int, position: int) -> None:
        self.part = part
        self.position = position
        self.id = ""
        self.name = ""
        self.custom = False
        self.started = False
        self.waiting: list[str] = []
        self.extra: Extra = NO_EXTRA


class _ChoiceState:
    __slots__ = ("annotations", "calls", "finished", "index", "kind", "latest", "logprobs", "part", "reason")

    def __init__(self, index: int) -> None:
        self.index = index
        self.part = -1
        self.kind = ""
        self.calls: list[_Call] = []
        self.latest: dict[Any, _Call] = {}
        self.reason: Any = None
        self.finished = False
        self.annotations: list[Any] = []
        self.logprobs: dict[str, list[Any]] = {}


class ChatReader:
    """A provider's stream."""

    def __init__(self, *, passing: bool = False) -> None:
        self._decoder = Decoder()
        self._passing = passing
        self._passed_over = False
        self._choices: dict[int, _ChoiceState] = {}
        self._parts = 0
        self._started = False
        self._failed = False
        self._id: str | None = None
        self._service_tier: Any = None
        self._citations: Extra = NO_EXTRA
        self._early: Usage | None = None
        self._cited = False

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for sse in self._decoder.feed(data):
            self._read(sse, events)
        return events

    def close(self) -> list[Event]:
        events: list[Event] = []
        for sse in self._decoder.close():
            # An event that the end of the stream cut in two is a lost connection, not bad JSON.
            if _is_whole(sse.data):
                self._read(sse, events)
        if self._failed:
            return events
        self._finish(events)
        if not self._failed and not self._all_finished():
            self._fail(BROKEN_OFF, events)
        self._settle(events)
        return events

    def _all_finished(self) -> bool:
        return bool(self._choices) and all(state.finished for state in self._choices.values())

    def _settle(self, events: list[Event]) -> None:
        """Usage that came before the finish stands once the answer has ended well: nothing later replaced it."""
        if self._early is not None and not self._failed and self._all_finished():
            events.append(UsageReport(self._early, final=True))
            self._early = None

    def _fail(self, error: StreamError, events: list[Event], last: WireAnswer | None = None) -> None:
        """`last` is the chunk that ends the stream so: it may count what was used."""
        self._failed = True
        usage = None if last is None else parse_usage(last.usage, last.service_tier or self._service_tier)
        usage = as_it_failed(usage, said=self._parts > 0)
        if usage is not None:
            events.append(UsageReport(usage, final=usage.output_tokens is not None))
        events.append(error)

    def _read(self, sse: ServerSentEvent, events: list[Event]) -> None:
        data = sse.data
        if self._failed or not data:
            return
        if data.startswith(_DONE):
            if self._passed_over:
                self._end(events)
            self._finish(events)
            self._settle(events)
            return
        try:
            answer = decode_answer(data)
        except ValueError:
            if self._passing and is_object(data):
                self._passed_over = True
            else:
                self._fail(UNREADABLE, events)
            return
        if answer.error or sse.event == "error" or answer.object == "error":
            self._fail(stream_error(data), events, answer)
            return
        if not self._started and not self._start(answer, events):
            return
        if answer.service_tier is not None and answer.service_tier != self._service_tier:
            self._tier(answer.service_tier, events)
        if answer.citations:
            self._citations = citations_in(answer)
        for choice in answer.choices or ():
            self._choice(choice, events)
            if choice.finish_reason == FAILED:
                # OpenRouter's way of saying that the model's maker failed midway, with or without words.
                self._fail(as_stream_error(failed_answer(choice.error)), events, answer)
                return
        if answer.usage:
            self._usage(answer, events)

    def _end(self, events: list[Event]) -> None:
        """Why it ended may stand in what was passed over; that it did, its provider's own mark says."""
        if not self._started:
            self._started = True
            events.append(Start())
        self._choices = self._choices or {0: _ChoiceState(0)}
        for state in self._choices.values():
            state.reason = state.reason or "stop"

    def _start(self, answer: WireAnswer, events: list[Event]) -> bool:
        if not (answer.choices or answer.usage or answer.id):
            return False
        self._started = True
        self._id = answer.id if isinstance(answer.id, str) else None
        fingerprint = answer.system_fingerprint
        events.append(
            Start(
                id=self._id,
                model=answer.model if isinstance(answer.model, str) else None,
                created=int(answer.created) if isinstance(answer.created, int | float) else None,
                extra=pocket({"system_fingerprint": fingerprint} if fingerprint else {}),
            )
        )
        return True

    def _tier(self, said: Any, events: list[Event]) -> None:
        """How it is served is known from the first chunk on: an answer that breaks off costs what its tier does."""
        self._service_tier = said
        if isinstance(said, str) and said not in DEFAULT_TIERS:
            events.append(UsageReport(Usage(service_tier=said), final=False))

    def _usage(self, answer: WireAnswer, events: list[Event]) -> None:
        if not answer.choices:
            self._finish(events, answer)
        usage = parse_usage(answer.usage, self._service_tier)
        if usage is not None and not self._failed:
            states = self._choices.values()
            final = bool(states) and all(state.reason is not None for state in states)
            events.append(UsageReport(usage, final))
            self._early = None if final else usage

    def _choice(self, choice: WireChoice, events: list[Event]) -> None:
        # A negative number or a truth value names no choice that a client could tell.
        index = choice.index if type(choice.index) is int and choice.index >= 0 else 0
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _ChoiceState(index)
        message = choice.delta or choice.message
        if message is not None and not state.finished:
            thinking = message.reasoning_content or message.reasoning
            if thinking:
                self._text(state, "reasoning", content_text(thinking), events)
            if message.content:
                self._text(state, "text", content_text(message.content), events)
            if message.refusal:
                self._text(state, "refusal", content_text(message.refusal), events)
            if isinstance(message.annotations, list):
                state.annotations += message.annotations
                self._cite(message.annotations, events)
            self._media(state, message, events)
            for call in message.tool_calls or ():
                self._call(state, call, events)
            if message.function_call is not None:
                self._call(state, WireCall(index=0, function=message.function_call), events)
        if isinstance(choice.logprobs, dict):
            for name, entries in choice.logprobs.items():
                if isinstance(entries, list):
                    state.logprobs.setdefault(name, []).extend(entries)
        if choice.finish_reason and state.reason is None:
            state.reason = choice.finish_reason

    def _cite(self, annotations: list[Any], events: list[Event]) -> None:
        if not self._cited and cites_the_web(annotations):
            self._cited = True
            # The stream may never come to its count.
            events.append(UsageReport(Usage(web_searches=1), final=False))

    def _text(self, state: _ChoiceState, kind: str, text: str, events: list[Event]) -> None:
        if not text:
            return
        if state.kind != kind:
            self._end_text(state, events)
            state.kind, state.part = kind, self._next_part()
            events.append(PartStart(state.part, kind, state.index))
        events.append(Delta(state.part, text))

    def _media(self, state: _ChoiceState, message: WireMessage, events: list[Event]) -> None:
        for image in images_in(message.images):
            self._whole(state, "blob", image, events)
        if isinstance(message.audio, dict) and message.audio:
            # A piece of speech as it came: only chat can say it, and only its clients may ask for it.
            self._whole(state, "opaque", Opaque(NAME, {"audio": message.audio}), events)

    def _whole(self, state: _ChoiceState, kind: str, value: Opaque | Blob, events: list[Event]) -> None:
        """What comes in one piece."""
        self._end_text(state, events)
        part = self._next_part()
        events.append(PartStart(part, kind, state.index, value=value))
        events.append(PartEnd(part))

    def _next_part(self) -> int:
        self._parts += 1
        return self._parts - 1

    def _end_text(self, state: _ChoiceState, events: list[Event]) -> None:
        if not state.kind:
            return
        extra: Extra = NO_EXTRA
        if state.kind == "text" and state.annotations:
            extra, state.annotations = pocket({"annotations": state.annotations}), []
        events.append(PartEnd(state.part, extra))
        state.kind = ""

    def _call(self, state: _ChoiceState, fragment: WireCall, events: list[Event]) -> None:
        if is_empty(fragment):
            return
        self._end_text(state, events)
        call = self._call_of(state, fragment)
        function = fragment.function or fragment.custom
        if isinstance(fragment.id, str) and fragment.id and not call.started:
            call.id = fragment.id
        text = ""
        if function is not None:
            if isinstance(function.name, str) and function.name and not call.started:
                call.name, call.custom = function.name, fragment.function is None
            text = arguments_text(function.input if call.custom else function.arguments)
        signature = signature_in(fragment.extra_content)
        if signature:
            call.extra = signature
        if text:
            call.waiting.append(text)
        if call.name and not call.started:
            call.started = True
            call.id = call.id or minted_call_id(self._id, state.index, call.position)
            start_extra, call.extra = call.extra, NO_EXTRA
            started = PartStart(
                call.part, "tool_call", state.index, call.id, call.name, call.custom, extra=start_extra
            )
            events.append(started)
        if call.started and call.waiting:
            events.append(Delta(call.part, "".join(call.waiting)))
            call.waiting.clear()

    def _call_of(self, state: _ChoiceState, fragment: WireCall) -> _Call:
        """The call that a fragment belongs to: by index; without one by id, else the last one."""
        new_id = fragment.id if isinstance(fragment.id, str) and fragment.id else None
        key: Any = fragment.index if isinstance(fragment.index, int) else (new_id or "last")
        call = state.latest.get(key)
        named = fragment.function is not None and bool(fragment.function.name)
        if call is None and key == "last" and state.calls and not named:
            call = state.calls[-1]
        # Several whole calls under one index (mozilla-ai/any-llm#970) differ by id and bring a name each; those
        # with neither index nor id bring the name alone.
        if call is None or (named and self._is_other(call, key, new_id)):
            call = _Call(self._next_part(), len(state.calls))
            state.calls.append(call)
        state.latest[key] = call
        return call

    def _is_other(self, call: _Call, key: Any, new_id: str | None) -> bool:
        """Whether a fragment that brings a name begins another call than this one."""
        return call.started if key == "last" else bool(call.id) and new_id not in (None, call.id)

    def _finish(self, events: list[Event], last: WireAnswer | None = None) -> None:
        for state in self._choices.values():
            if state.reason is None or state.finished or self._failed:
                continue
            state.finished = True
            self._end_text(state, events)
            for call in state.calls:
                if not call.started and self._passing:
                    continue
                if not call.started:
                    self._fail(UNREADABLE, events, last)
                    return
                events.append(PartEnd(call.part, call.extra))
            reason = neutral_reason(state.reason, bool(state.calls))
            events.append(Finish(reason, state.index, logprobs=state.logprobs or None, extra=self._citations))
            self._citations = NO_EXTRA


def _is_whole(data: bytes) -> bool:
    if data.startswith(_DONE):
        return True
    try:
        decode_answer(data)
    except ValueError:
        return False
    return True
