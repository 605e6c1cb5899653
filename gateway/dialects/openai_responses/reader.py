"""Responses' event stream into neutral events.

Items are told apart by `output_index`. Words come as deltas, whole in a `done`, whole in the finished item, or only
in the final response: each later word completes what the earlier ones left out, so that all spellings give the same
(BerriAI/litellm#27144). Reasoning's encrypted state comes with its finished item. Hosted tools' items and others that
the model does not know are parts once they are whole, and what they used is told with each: a stream may never come
to its final count. Without a terminal event the stream was cut short.
Source: the SDK's ResponseStreamEvent.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.counts import as_it_failed
from gateway.dialects.error_bodies import as_stream_error
from gateway.dialects.json_text import decode_as, decode_json, is_object
from gateway.dialects.openai_errors import error_in
from gateway.dialects.openai_responses.finish import failure, parse_finish
from gateway.dialects.openai_responses.hosted_uses import COUNTED_ITEMS
from gateway.dialects.openai_responses.items import (
    PARAGRAPH,
    arguments_text,
    call_part,
    call_pocket,
    message_pocket,
    reasoning_part,
)
from gateway.dialects.openai_responses.response import logprobs_in, logprobs_of, minted_call_id, tokens_in
from gateway.dialects.openai_responses.usage import parse_usage, usage_of_items
from gateway.dialects.openai_responses.wire import NAME, Wire, pocket
from gateway.errors import UpstreamError
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
from gateway.model import Opaque
from gateway.sse import Decoder, ServerSentEvent

_CALLS = ("function_call", "custom_tool_call")
# The part of a call whose name is not known yet: its fragments wait.
_UNNAMED = -1


class _Event(Struct, gc=False):
    """Leaves are untyped: events that mean nothing to us may fill them as they like."""

    type: Any = None
    output_index: Any = None
    item_id: Any = None
    content_index: Any = None
    delta: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    input: Any = None
    logprobs: Any = None
    annotation: Any = None
    part: Any = None
    item: Any = None
    response: Any = None
    error: Any = None
    message: Any = None


_DECODER = msgspec.json.Decoder(_Event)


class _Words:
    """One part's text on its way in."""

    __slots__ = ("annotations", "ended", "extra", "logprobs", "part", "size", "source", "texts")

    def __init__(self, part: int) -> None:
        self.part = part
        self.texts: list[str] = []
        self.size = 0
        self.ended = False
        self.annotations: list[Any] = []
        self.logprobs: list[Any] = []
        # Which of summary and plain text a reasoning's words are.
        self.source = ""
        self.extra: Wire = {}


class _Item:
    __slots__ = ("contents", "done", "id", "kind", "place", "value", "words")

    def __init__(self, place: int, kind: str, value: Wire) -> None:
        self.place = place
        self.kind = kind
        self.value = value
        self.id: Any = value.get("id")
        self.words: _Words | None = None
        self.contents: dict[int, _Words] = {}
        self.done = False


class ResponsesReader:
    """A provider's stream."""

    def __init__(self, *, passing: bool = False) -> None:
        self._sse = Decoder()
        self._passing = passing
        self._items: dict[int, _Item] = {}
        self._parts = 0
        self._started = False
        self._called = False
        self._over = False
        self._answer_id: str | None = None
        self._logprobs: list[Any] = []
        self._hosted: list[Wire] = []
        self._seen = False

    def feed(self, data: bytes) -> list[Event]:
        """Events completed by these bytes; nothing after the stream's own end or its error."""
        self._seen = self._seen or bool(data.strip())
        return self._read(self._sse.feed(data), UNREADABLE)

    def close(self) -> list[Event]:
        """The rest, or an error where no terminal event ever came."""
        events = self._read(self._sse.close(), BROKEN_OFF)
        if not self._over:
            self._over = True
            events.append(BROKEN_OFF)
        return events

    def _read(self, received: list[ServerSentEvent], broken: StreamError) -> list[Event]:
        """`broken` is said of an event that cannot be read: a last one without its end was cut."""
        events: list[Event] = []
        for item in received:
            if self._over:
                break
            if not item.data or item.data.startswith(b"[DONE]"):
                continue
            try:
                self._event(decode_as(item.data, _DECODER), item, events)
            except UpstreamError as error:
                self._fail(as_stream_error(error), events)
            except (ValueError, msgspec.MsgspecError):
                if not (self._passing and is_object(item.data)):
                    self._fail(broken, events)
        return events

    def _fail(self, error: StreamError, events: list[Event]) -> None:
        self._over = True
        events.append(error)

    def _event(self, event: _Event, item: ServerSentEvent, events: list[Event]) -> None:
        kind = event.type if isinstance(event.type, str) else item.event
        if kind == "error" or (event.error and event.response is None):
            raise error_in(decode_json(item.data))
        handle = _HANDLERS.get(kind or "")
        if handle is None:
            return
        if not self._started:
            self._start(event.response, events)
        handle(self, event, events)

    def _start(self, response: Any, events: list[Event]) -> None:
        self._started = True
        said: Mapping[str, Any] = response if isinstance(response, dict) else {}
        answer_id, model, created = said.get("id"), said.get("model"), said.get("created_at")
        self._answer_id = answer_id if isinstance(answer_id, str) else None
        events.append(
            Start(
                id=self._answer_id,
                model=model if isinstance(model, str) else None,
                created=int(created) if isinstance(created, int | float) else None,
            )
        )

    def _lifecycle(self, event: _Event, events: list[Event]) -> None:
        """created, queued, in_progress: `Start` is all that they say."""

    def _item_added(self, event: _Event, events: list[Event]) -> None:
        if isinstance(event.item, dict):
            index = event.output_index
            place = index if type(index) is int and index >= 0 else self._place(event)
            self._open(place, event.item, events)

    def _place(self, event: _Event) -> int:
        """The item that an event is about: by index, else by id, else the last one.

        An index that was never announced is another spelling of an open item's, if the ids are the same: else its
        call would be made twice.
        """
        index = event.output_index
        if type(index) is int and index in self._items:
            return index
        is_index = type(index) is int and index >= 0
        said = event.item.get("id") if isinstance(event.item, dict) else event.item_id
        for item in self._items.values() if isinstance(said, str) and said else ():
            if item.id == said and not (is_index and item.done):
                return item.place
        if is_index:
            return int(index)
        return len(self._items) if isinstance(event.item, dict) else max(self._items, default=0)

    def _open(self, place: int, value: Wire, events: list[Event]) -> _Item:
        item = self._items.get(place)
        if item is None:
            item = self._items[place] = _Item(place, "", value)
        elif item.kind:
            return item
        # One that was announced without its type is what a later event calls it.
        kind = value.get("type")
        item.kind = kind if isinstance(kind, str) else ""
        if item.kind == "reasoning":
            own_id = {"id": item.id} if isinstance(item.id, str) else {}
            item.words = self._begin("reasoning", events, extra=pocket(own_id))
        elif item.kind in _CALLS and value.get("name"):
            self._begin_call(item, value, events)
        return item

    def _item(self, event: _Event, kind: str, events: list[Event]) -> _Item:
        """The item of a delta; one that was never announced begins here."""
        place = self._place(event)
        return self._open(place, {"type": kind, "id": event.item_id}, events)

    def _begin(self, kind: str, events: list[Event], **more: Any) -> _Words:
        words = _Words(self._parts)
        self._parts += 1
        events.append(PartStart(words.part, kind, **more))
        return words

    def _begin_call(self, item: _Item, value: Wire, events: list[Event]) -> None:
        call = call_part(value, minted_call_id(self._answer_id, item.place))
        self._called = True
        waiting = item.words
        item.words = self._begin(
            "tool_call", events, call_id=call.id, name=call.name, custom=call.custom, extra=call.extra
        )
        for text in waiting.texts if waiting is not None else ():
            self._say(item.words, text, events)

    @staticmethod
    def _say(words: _Words, text: Any, events: list[Event]) -> None:
        if not isinstance(text, str):
            raise ValueError("a delta that is no text")
        if text and not words.ended:
            words.texts.append(text)
            words.size += len(text)
            events.append(Delta(words.part, text))

    def _complete(self, words: _Words, whole: Any, events: list[Event]) -> None:
        """What the whole text has beyond the deltas; a whole that differs comes too late to matter."""
        if isinstance(whole, str) and len(whole) > words.size and whole.startswith("".join(words.texts)):
            self._say(words, whole[words.size :], events)

    def _content(self, item: _Item, event: _Event, kind: str, events: list[Event]) -> _Words:
        index = event.content_index if isinstance(event.content_index, int) else 0
        return self._content_at(item, index, kind, events)

    def _content_at(self, item: _Item, index: int, kind: str, events: list[Event]) -> _Words:
        words = item.contents.get(index)
        if words is None:
            mark = {"joined": True} if item.contents else {"item": message_pocket(item.value)}
            words = item.contents[index] = self._begin(kind, events, extra=pocket(mark))
        return words

    def _text_delta(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "message", events)
        if event.delta == "":
            return
        words = self._content(item, event, "text", events)
        self._say(words, event.delta, events)
        if event.logprobs:
            words.logprobs += tokens_in(event.logprobs)

    def _text_done(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "message", events)
        if event.text:
            self._complete(self._content(item, event, "text", events), event.text, events)

    def _refusal_delta(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "message", events)
        if event.delta != "":
            self._say(self._content(item, event, "refusal", events), event.delta, events)

    def _refusal_done(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "message", events)
        if event.refusal:
            self._complete(self._content(item, event, "refusal", events), event.refusal, events)

    def _annotation(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "message", events)
        words = item.contents.get(event.content_index if isinstance(event.content_index, int) else 0)
        if words is not None and event.annotation is not None:
            words.annotations.append(event.annotation)

    def _content_done(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "message", events)
        if item.kind == "message" and isinstance(event.part, dict):
            index = event.content_index if isinstance(event.content_index, int) else 0
            self._end_content(item, index, event.part, events)

    def _end_content(self, item: _Item, index: int, piece: Wire, events: list[Event]) -> None:
        kind, field = ("refusal", "refusal") if piece.get("type") == "refusal" else ("text", "text")
        if not piece.get(field) and index not in item.contents:
            return
        words = self._content_at(item, index, kind, events)
        if words.ended:
            return
        self._complete(words, piece.get(field), events)
        annotations = piece.get("annotations")
        if isinstance(annotations, list) and annotations:
            words.annotations = annotations
        words.logprobs = logprobs_in(piece) or words.logprobs
        self._end_words(words, {"annotations": words.annotations} if words.annotations else {}, events)

    def _end_words(self, words: _Words, extra: Wire, events: list[Event]) -> None:
        words.ended = True
        self._logprobs += words.logprobs
        events.append(PartEnd(words.part, pocket(extra)))

    def _call_delta(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "function_call", events)
        if item.words is not None and item.words.part != _UNNAMED:
            self._say(item.words, event.delta, events)
        elif isinstance(event.delta, str):
            # Its name is told with the finished item at the latest.
            item.words = item.words or _Words(_UNNAMED)
            item.words.texts.append(event.delta)

    def _call_done(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "function_call", events)
        whole = event.arguments if event.arguments is not None else event.input
        if item.words is not None and item.words.part != _UNNAMED:
            self._complete(item.words, whole, events)
        elif isinstance(whole, str):
            item.words = _Words(_UNNAMED)
            item.words.texts.append(whole)

    def _summary_part(self, event: _Event, events: list[Event]) -> None:
        item = self._item(event, "reasoning", events)
        if item.words is not None and item.words.size and item.words.source == "summary":
            self._say(item.words, PARAGRAPH, events)

    def _summary_delta(self, event: _Event, events: list[Event]) -> None:
        self._think(event, "summary", events)

    def _plain_delta(self, event: _Event, events: list[Event]) -> None:
        self._think(event, "content", events)

    def _think(self, event: _Event, source: str, events: list[Event]) -> None:
        item = self._item(event, "reasoning", events)
        if item.words is None:
            return
        item.words.source = item.words.source or source
        if item.words.source == source:
            self._say(item.words, event.delta, events)

    def _item_done(self, event: _Event, events: list[Event]) -> None:
        if isinstance(event.item, dict):
            place = self._place(event)
            if place not in self._items:
                place = self._unnamed(event.item, place)
            self._end(self._open(place, event.item, events), event.item, events)

    def _unnamed(self, value: Wire, place: int) -> int:
        """The open item that one without a known index or id ends: one of its type, and of its call."""
        for item in self._items.values():
            same = (item.kind, item.value.get("call_id")) == (value.get("type"), value.get("call_id"))
            if same and not item.done and (value.get("id") is None or item.id is None):
                return item.place
        return place

    def _end(self, item: _Item, value: Wire, events: list[Event]) -> None:
        """The item is whole. Raises ValueError for a call that has no name."""
        if item.done:
            return
        item.done = True
        if item.kind == "message":
            self._end_message(item, value, events)
        elif item.kind == "reasoning" and item.words is not None:
            whole = reasoning_part({**value, "type": "reasoning"})
            self._complete(item.words, whole.text, events)
            self._end_words(item.words, dict(whole.extra.get(NAME, {})), events)
        elif item.kind in _CALLS:
            self._end_call(item, value, events)
        elif item.kind:
            words = self._begin("opaque", events, value=Opaque(NAME, value))
            self._end_words(words, {}, events)
            if item.kind in COUNTED_ITEMS:
                self._hosted.append(value)
                events.append(UsageReport(usage_of_items(self._hosted), final=False))

    def _end_message(self, item: _Item, value: Wire, events: list[Event]) -> None:
        content = value.get("content")
        for index, piece in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(piece, dict):
                continue
            if piece.get("type") in ("output_text", "text", "refusal"):
                self._end_content(item, index, piece, events)
            elif isinstance(piece.get("type"), str) and index not in item.contents:
                words = self._begin("opaque", events, value=Opaque(NAME, piece))
                self._end_words(words, {}, events)
        for words in item.contents.values():
            if not words.ended:
                self._end_words(words, {"annotations": words.annotations} if words.annotations else {}, events)

    def _end_call(self, item: _Item, value: Wire, events: list[Event]) -> None:
        if item.words is None or item.words.part == _UNNAMED:
            item.value = value
            self._begin_call(item, value, events)
        assert item.words is not None
        custom = value.get("type") == "custom_tool_call"
        whole = value.get("input" if custom else "arguments")
        first = item.value.get("input" if custom else "arguments")
        self._complete(item.words, arguments_text(whole if whole is not None else first), events)
        self._end_words(item.words, call_pocket(value), events)

    def _terminal(self, event: _Event, events: list[Event]) -> None:
        response = event.response
        if not isinstance(response, dict):
            if not self._passing or event.type == "response.failed":
                raise ValueError("a terminal event without its response")
            # Of a form that is not known here; that the answer has ended, the event's own name says.
            response = {"status": "completed"}
        usage = parse_usage(response)
        if event.type == "response.failed" or response.get("status") in ("failed", "cancelled"):
            usage = as_it_failed(usage, said=bool(self._items))
            if usage is not None:
                events.append(UsageReport(usage, final=usage.output_tokens is not None))
            raise failure(response)
        if event.type == "response.incomplete":
            response = {**response, "status": "incomplete"}
        elif response.get("status") in ("queued", "in_progress"):
            response = {**response, "status": "completed"}
        try:
            self._end_all(response.get("output"), events)
        except (ValueError, msgspec.MsgspecError):
            if not self._passing:
                raise
        if usage is not None:
            events.append(UsageReport(usage))
        reason, extra = parse_finish(response, self._called)
        assert reason is not None
        logprobs = {"content": self._logprobs} if self._logprobs else logprobs_of(response.get("output"))
        events.append(Finish(reason, logprobs=logprobs, extra=extra))
        self._over = True

    def _end_all(self, output: Any, events: list[Event]) -> None:
        """Ends what is open, with the final response's items where they were not told before."""
        places = {item.id: place for place, item in self._items.items() if isinstance(item.id, str)}
        for index, value in enumerate(output if isinstance(output, list) else ()):
            if isinstance(value, dict):
                place = places.get(value["id"], index) if isinstance(value.get("id"), str) else index
                self._end(self._open(place, value, events), value, events)
        for item in self._items.values():
            self._end(item, item.value, events)


_HANDLERS: dict[str, Callable[[ResponsesReader, _Event, list[Event]], None]] = {
    "response.output_text.delta": ResponsesReader._text_delta,
    "response.function_call_arguments.delta": ResponsesReader._call_delta,
    "response.custom_tool_call_input.delta": ResponsesReader._call_delta,
    "response.reasoning_summary_text.delta": ResponsesReader._summary_delta,
    "response.reasoning_text.delta": ResponsesReader._plain_delta,
    "response.refusal.delta": ResponsesReader._refusal_delta,
    "response.output_item.added": ResponsesReader._item_added,
    "response.output_item.done": ResponsesReader._item_done,
    "response.content_part.done": ResponsesReader._content_done,
    "response.output_text.done": ResponsesReader._text_done,
    "response.refusal.done": ResponsesReader._refusal_done,
    "response.output_text.annotation.added": ResponsesReader._annotation,
    "response.function_call_arguments.done": ResponsesReader._call_done,
    "response.custom_tool_call_input.done": ResponsesReader._call_done,
    "response.reasoning_summary_part.added": ResponsesReader._summary_part,
    "response.created": ResponsesReader._lifecycle,
    "response.queued": ResponsesReader._lifecycle,
    "response.in_progress": ResponsesReader._lifecycle,
    "response.completed": ResponsesReader._terminal,
    "response.incomplete": ResponsesReader._terminal,
    "response.failed": ResponsesReader._terminal,
}
