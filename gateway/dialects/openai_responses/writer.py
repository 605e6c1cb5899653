"""Neutral events into Responses' event stream.

Items never overlap and count up by one, so parts take turns: Codex knows one active item, and an `output_text.delta`
outside of one is an error there. Words that follow each other share a message. The terminal event holds the
whole answer. A failure is `response.failed`, because Codex passes over `error` (codex-proxy-rs#90). Source: the
SDK's ResponseStreamEvent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.media_types import is_sketch
from gateway.dialects.openai_responses.answer import AnswerFrame
from gateway.dialects.openai_responses.content import answer_annotations
from gateway.dialects.openai_responses.finish import render_finish
from gateway.dialects.openai_responses.items import (
    LAST_CALL,
    NEXT_CALL,
    call_item,
    message_item,
    reasoning_item,
    refusal_piece,
    state_item,
    text_piece,
)
from gateway.dialects.openai_responses.response import image_item, set_logprobs
from gateway.dialects.openai_responses.wire import NAME, Wire, foreign_state, own
from gateway.dialects.part_turns import PartTurns, TurnPart
from gateway.events import (
    BROKEN_OFF,
    Delta,
    Event,
    Finish,
    PartEnd,
    PartStart,
    Start,
    StreamError,
    UsageReport,
    merge_usage,
)
from gateway.model import Blob, Extra, Opaque, Usage
from gateway.sse import encode, on_one_line

_IN_PROGRESS = {"status": "in_progress", "error": None, "incomplete_details": None}
# The codes by which Codex decides to stop or to wait, and the SDK's own; everything else is a server error.
_CODES = {
    "bad_request": "invalid_prompt",
    "context_too_long": "context_length_exceeded",
    "provider_quota": "insufficient_quota",
    "budget_exhausted": "insufficient_quota",
    "rate_limited": "rate_limit_exceeded",
}


class _Part(TurnPart):
    """`texts` is what was said since its item, or its place in a message, was opened."""

    __slots__ = ("before", "custom", "item_id", "open", "texts", "unwraps")

    def __init__(self, start: PartStart) -> None:
        super().__init__(start)
        self.texts: list[str] = []
        self.open = False
        self.item_id = ""
        self.custom = False
        # A freeform tool's call that came as a function's: its input is known when it is whole.
        self.unwraps = False
        self.before = b""


class _Message:
    """The message item that is open."""

    def __init__(self, item_id: str, beside: Mapping[str, Any]) -> None:
        self.item_id = item_id
        self.beside = beside
        self.content: list[Wire] = []


class ResponsesWriter(PartTurns[_Part]):
    def __init__(self, context: AnswerContext) -> None:
        super().__init__()
        self._frame = AnswerFrame(context)
        self._origin = context.origin
        self._message: _Message | None = None
        self._items: list[Wire] = []
        self._sequence = 0
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._refused = False
        self._started = False
        self._over = False

    def write(self, event: Event) -> bytes:
        if self._over:
            return b""
        if isinstance(event, Delta):
            part = self._current
            if part is not None and part.start.part == event.part and part.before:
                return self._fragment(part, event.text)
        out: list[bytes] = []
        self._begin_stream(out)
        match event:
            case Delta():
                self._delta(event.part, event.text, out)
            case PartStart() if event.choice == 0:
                self._part_start(event, out)
            case PartEnd():
                self._end_part(event.part, event.extra, out)
            case UsageReport():
                self._usage = merge_usage(self._usage, event.usage)
            case Finish() if event.choice == 0:
                self._finish = self._finish or event
            case StreamError():
                out.append(self.error(event))
            case Start():
                pass
        return b"".join(out)

    def close(self) -> bytes:
        """The terminal event with the whole answer; a failure where no finish was ever said."""
        if self._over:
            return b""
        if self._finish is None:
            return self.error(BROKEN_OFF)
        out: list[bytes] = []
        self._begin_stream(out)
        self._end_all(out)
        self._close_message(out)
        self._over = True
        set_logprobs(self._items, self._finish.logprobs)
        ending = render_finish(self._finish.reason, self._finish.extra, self._refused)
        self._lifecycle(ending["status"], ending, self._items, out)
        return b"".join(out)

    def error(self, error: StreamError) -> bytes:
        """`response.failed` with what was said so far; nothing may follow it."""
        if self._over:
            return b""
        out: list[bytes] = []
        self._begin_stream(out)
        self._over = True
        said = {"code": _CODES.get(error.kind, "server_error"), "message": error.message}
        if error.param is not None:
            said["param"] = error.param
        ending = {"status": "failed", "error": said, "incomplete_details": None}
        self._lifecycle("failed", ending, self._items, out)
        return b"".join(out)

    def _event(self, kind: str, out: list[bytes], **fields: Any) -> None:
        data = msgspec.json.encode({"type": kind, "sequence_number": self._sequence, **fields})
        self._sequence += 1
        out.append(encode(data, kind))

    def _lifecycle(self, word: str, ending: Mapping[str, Any], items: Sequence[Wire], out: list[bytes]) -> None:
        response = self._frame.object(ending, list(items), self._usage if word != "in_progress" else None)
        self._event(f"response.{word}", out, response=response)

    def _begin_stream(self, out: list[bytes]) -> None:
        if self._started:
            return
        self._started = True
        response = self._frame.object(_IN_PROGRESS, [], None)
        self._event("response.created", out, response=response)
        self._event("response.in_progress", out, response=response)

    def _part_start(self, start: PartStart, out: list[bytes]) -> None:
        if start.kind == "opaque" and (not isinstance(start.value, Opaque) or start.value.dialect != NAME):
            return
        if start.kind == "blob" and (
            not isinstance(start.value, Blob) or start.value.modality != "image" or is_sketch(start.value)
        ):
            return
        self._refused = self._refused or start.kind == "refusal"
        self._start_part(_Part(start), out)

    def _begin(self, part: _Part, out: list[bytes]) -> None:
        """Words and reasoning open with their first word, a call at once."""
        if part.start.kind == "tool_call":
            self._open_call(part, out)

    def _say(self, part: _Part, text: str, out: list[bytes]) -> None:
        if not part.open:
            if part.start.kind == "reasoning":
                self._open_reasoning(part, out)
            else:
                self._open_words(part, out)
        out.append(self._fragment(part, text))

    def _fragment(self, part: _Part, text: str) -> bytes:
        """One delta: its text is all that has to be encoded."""
        if not text:
            return b""
        part.texts.append(text)
        if part.unwraps:
            return b""
        number = self._sequence
        self._sequence += 1
        return b'%b%d,"delta":%b}\n\n' % (part.before, number, on_one_line(msgspec.json.encode(text)))

    def _ready(self, part: _Part, kind: str, **place: Any) -> None:
        """Prepares the part's deltas."""
        part.open = True
        head = msgspec.json.encode({"type": kind, "item_id": part.item_id, "output_index": len(self._items), **place})
        part.before = b'event: %b\ndata: %b,"sequence_number":' % (kind.encode(), head[:-1])

    def _open_words(self, part: _Part, out: list[bytes]) -> None:
        mark = own(part.extra).get("item")
        if self._message is not None and isinstance(mark, dict):
            self._close_message(out)
        if self._message is None:
            beside = dict(mark) if isinstance(mark, dict) else {}
            item_id = self._frame.item_id("message", len(self._items), beside.pop("id", None))
            self._message = _Message(item_id, beside)
            self._added(message_item(item_id, [], beside, "in_progress"), out)
        refused = part.start.kind == "refusal"
        part.item_id = self._message.item_id
        index = len(self._message.content)
        self._in_message("response.content_part.added", out, part=refusal_piece("") if refused else text_piece(""))
        if refused:
            self._ready(part, "response.refusal.delta", content_index=index)
        else:
            self._ready(part, "response.output_text.delta", content_index=index, logprobs=[])

    def _in_message(self, kind: str, out: list[bytes], **fields: Any) -> None:
        assert self._message is not None
        index = len(self._message.content)
        place = {"item_id": self._message.item_id, "output_index": len(self._items), "content_index": index}
        self._event(kind, out, **place, **fields)

    def _open_reasoning(self, part: _Part, out: list[bytes]) -> None:
        self._close_message(out)
        part.item_id = self._frame.item_id("reasoning", len(self._items), own(part.extra).get("id"))
        self._added({"id": part.item_id, "type": "reasoning", "summary": []}, out)
        place = {"item_id": part.item_id, "output_index": len(self._items), "summary_index": 0}
        piece = {"type": "summary_text", "text": ""}
        self._event("response.reasoning_summary_part.added", out, **place, part=piece)
        self._ready(part, "response.reasoning_summary_text.delta", summary_index=0)

    def _open_call(self, part: _Part, out: list[bytes]) -> None:
        self._close_message(out)
        start, names = part.start, self._frame.names
        part.custom = names.is_custom(start.name, start.custom)
        part.unwraps = part.custom and not start.custom
        if foreign_state(part.extra):
            self._state(part.extra, NEXT_CALL, out)
            part.extra = {NAME: part.extra[NAME]} if NAME in part.extra else {}
        kind = "custom_tool_call" if part.custom else "function_call"
        part.item_id = self._frame.item_id(kind, len(self._items), own(part.extra).get("id"))
        item = call_item(part.item_id, start.call_id, names.named(start.name, part.extra), "", custom=part.custom)
        self._added({**item, "status": "in_progress", "input" if part.custom else "arguments": ""}, out)
        word = "custom_tool_call_input" if part.custom else "function_call_arguments"
        self._ready(part, f"response.{word}.delta")

    def _state(self, extra: Extra, mark: str, out: list[bytes]) -> None:
        item = state_item(self._frame.item_id("reasoning", len(self._items)), extra, mark, self._origin)
        self._added({"id": item["id"], "type": "reasoning", "summary": []}, out)
        self._done(item, out)

    def _end(self, part: _Part, out: list[bytes]) -> None:
        text = "".join(part.texts)
        match part.start.kind:
            case "text" | "refusal":
                self._close_words(part, text, out)
            case "reasoning":
                self._close_reasoning(part, text, out)
            case "tool_call":
                self._close_call(part, text, out)
            case _:
                self._whole(part, out)
        part.texts, part.open, part.before = [], False, b""

    def _close_words(self, part: _Part, text: str, out: list[bytes]) -> None:
        if not part.open:
            return
        assert self._message is not None
        if part.start.kind == "refusal":
            piece = refusal_piece(text)
            self._in_message("response.refusal.done", out, refusal=text)
        else:
            notes = answer_annotations(part.extra)
            piece = text_piece(text, notes)
            for index, note in enumerate(notes):
                kind = "response.output_text.annotation.added"
                self._in_message(kind, out, annotation_index=index, annotation=note)
            self._in_message("response.output_text.done", out, text=text, logprobs=[])
        self._in_message("response.content_part.done", out, part=piece)
        self._message.content.append(piece)

    def _close_message(self, out: list[bytes]) -> None:
        message, self._message = self._message, None
        if message is not None:
            self._done(message_item(message.item_id, message.content, message.beside), out)

    def _close_reasoning(self, part: _Part, text: str, out: list[bytes]) -> None:
        if part.open:
            place = {"item_id": part.item_id, "output_index": len(self._items), "summary_index": 0}
            self._event("response.reasoning_summary_text.done", out, **place, text=text)
            piece = {"type": "summary_text", "text": text}
            self._event("response.reasoning_summary_part.done", out, **place, part=piece)
        elif part.extra:
            self._close_message(out)
            part.item_id = self._frame.item_id("reasoning", len(self._items), own(part.extra).get("id"))
            self._added({"id": part.item_id, "type": "reasoning", "summary": []}, out)
        else:
            return
        self._done({**reasoning_item(part.item_id, text, part.extra, self._origin), "id": part.item_id}, out)

    def _close_call(self, part: _Part, text: str, out: list[bytes]) -> None:
        start, names = part.start, self._frame.names
        place = {"item_id": part.item_id, "output_index": len(self._items)}
        if part.unwraps:
            text, part.unwraps = names.input_of(text, False), False
            out.append(self._fragment(part, text))
        elif not text and not part.custom:
            text = "{}"
            out.append(self._fragment(part, text))
        if part.custom:
            self._event("response.custom_tool_call_input.done", out, **place, input=text)
        else:
            self._event("response.function_call_arguments.done", out, **place, arguments=text)
        self._done(
            call_item(part.item_id, start.call_id, names.named(start.name, part.extra), text, custom=part.custom), out
        )
        if foreign_state(part.extra):
            self._state(part.extra, LAST_CALL, out)

    def _whole(self, part: _Part, out: list[bytes]) -> None:
        """What came in one piece: an image, a hosted tool's item."""
        self._close_message(out)
        value = part.start.value
        if isinstance(value, Blob):
            item = image_item(self._frame.item_id("image", len(self._items)), value)
            self._added({**item, "status": "in_progress", "result": None}, out)
        else:
            assert isinstance(value, Opaque)
            item = dict(value.value)
            self._added(item, out)
        self._done(item, out)

    def _added(self, item: Wire, out: list[bytes]) -> None:
        self._event("response.output_item.added", out, output_index=len(self._items), item=item)

    def _done(self, item: Wire, out: list[bytes]) -> None:
        self._event("response.output_item.done", out, output_index=len(self._items), item=item)
        self._items.append(item)
