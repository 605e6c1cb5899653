"""A client's stream, from events to bytes.

The role comes first, tool calls count from 0 without gaps, one finish chunk ends each choice, and the usage chunk is
sent only where it was asked for (then every earlier chunk says `usage: null`). What repeats in every chunk is
rendered once: a delta costs the encoding of its text. After an error nothing follows, `[DONE]` neither.
"""

from typing import Any

from gateway.dialects.arguments import from_freeform
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.openai_chat.tools import freeform_names
from gateway.dialects.openai_chat.usage import render_usage
from gateway.dialects.openai_chat.wire import (
    ANSWER_PREFIX,
    ENCODER,
    NAME,
    chat_reason,
    citations_out,
    image_out,
    is_made,
    own,
    signature_out,
)
from gateway.dialects.openai_errors import error_object
from gateway.events import (
    Delta,
    Event,
    Finish,
    PartEnd,
    PartStart,
    Start,
    StreamError,
    UsageReport,
    merge_extra,
    merge_usage,
)
from gateway.model import Blob, Opaque, Usage
from gateway.sse import encode, on_one_line

_TEXT_FIELDS = {"text": b'{"content":', "refusal": b'{"refusal":', "reasoning": b'{"reasoning_content":'}


class _WrittenPart:
    """How one part's deltas are written: what stands before and after the text of each."""

    __slots__ = ("after", "before", "choice", "custom", "position", "signed", "start", "texts")

    def __init__(self, start: PartStart, before: bytes, after: bytes) -> None:
        self.start = start
        self.choice = start.choice
        self.before = before
        self.after = after
        self.position = 0
        self.custom = False
        self.signed = False
        self.texts: list[str] = []


class ChatWriter:
    """A chat client's stream."""

    def __init__(self, context: AnswerContext) -> None:
        head = {
            "id": f"{ANSWER_PREFIX}{context.id}",
            "object": "chat.completion.chunk",
            "created": context.created,
            "model": context.model,
        }
        self._head = b"data: " + ENCODER.encode(head)[:-1]
        self._tail = b'],"usage":null}\n\n' if context.include_usage else b"]}\n\n"
        self._include_usage = context.include_usage
        self._legacy = context.legacy_functions
        self._freeform = freeform_names(context.request)
        self._parts: dict[int, _WrittenPart] = {}
        self._opened: set[int] = set()
        self._finished: set[int] = set()
        self._calls: dict[int, int] = {}
        self._images: dict[int, int] = {}
        self._usage: Usage | None = None
        self._ended = False

    def write(self, event: Event) -> bytes:
        if self._ended:
            return b""
        match event:
            case Delta():
                return self._delta(event)
            case PartStart():
                return self._open(event.choice) + self._part_start(event)
            case PartEnd():
                return self._part_end(event)
            case Start():
                return self._open(0)
            case Finish():
                return self._finish(event)
            case UsageReport():
                self._usage = merge_usage(self._usage, event.usage)
                return b""
            case StreamError():
                return self.error(event)

    def close(self) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        done = b"data: [DONE]\n\n"
        if not self._include_usage or self._usage is None or not self._usage.tells_tokens:
            return done
        usage = ENCODER.encode(render_usage(self._usage))
        return b'%b,"choices":[],"usage":%b}\n\n%b' % (self._head, usage, done)

    def error(self, error: StreamError) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        return encode(ENCODER.encode(error_object(error.kind, error.message, error.param, error.code)))

    def _before(self, choice: int) -> bytes:
        return b'%b,"choices":[{"index":%d,"delta":' % (self._head, choice)

    def _chunk(self, choice: int, delta: dict[str, Any]) -> bytes:
        return b'%b%b,"logprobs":null,"finish_reason":null}%b' % (
            self._before(choice),
            on_one_line(ENCODER.encode(delta)),
            self._tail,
        )

    def _open(self, choice: int) -> bytes:
        if choice in self._opened:
            return b""
        self._opened.add(choice)
        return self._chunk(choice, {"role": "assistant", "content": ""})

    def _part_start(self, start: PartStart) -> bytes:
        field = _TEXT_FIELDS.get(start.kind)
        end = b'},"logprobs":null,"finish_reason":null}' + self._tail
        if field is not None:
            self._parts[start.part] = _WrittenPart(start, self._before(start.choice) + field, end)
        elif start.kind == "tool_call":
            return self._call_start(start, end)
        elif isinstance(start.value, Opaque) and start.value.dialect == NAME:
            return self._chunk(start.choice, dict(start.value.value))
        elif isinstance(start.value, Blob) and is_made(start.value):
            index = self._images[start.choice] = self._images.get(start.choice, -1) + 1
            return self._chunk(start.choice, {"images": [image_out(start.value, index)]})
        return b""

    def _call_start(self, start: PartStart, end: bytes) -> bytes:
        custom = start.custom or start.name in self._freeform
        position = self._calls.get(start.choice, 0)
        if custom and not self._legacy:
            # Sent whole at its end, and counted there: clients take calls to begin in the order of their count.
            self._parts[start.part] = part = _WrittenPart(start, b"", b"")
            part.custom = True
            return b""
        self._calls[start.choice] = position + 1
        if self._legacy:
            # The deprecated form holds one call; there is no place for another.
            if position:
                return b""
            before = self._before(start.choice) + b'{"function_call":{"arguments":'
            self._parts[start.part] = _WrittenPart(start, before, b"}" + end)
            return self._chunk(start.choice, {"function_call": {"name": start.name, "arguments": ""}})
        before = self._before(start.choice) + b'{"tool_calls":[{"index":%d,"function":{"arguments":' % position
        part = self._parts[start.part] = _WrittenPart(start, before, b"}}]" + end)
        part.position = position
        signature = signature_out(start.extra)
        part.signed = bool(signature)
        function = {"name": start.name, "arguments": ""}
        call = {"index": position, "id": start.call_id, "type": "function", "function": function, **signature}
        return self._chunk(start.choice, {"tool_calls": [call]})

    def _delta(self, event: Delta) -> bytes:
        part = self._parts.get(event.part)
        if part is None or not event.text:
            return b""
        if part.custom:
            part.texts.append(event.text)
            return b""
        return b"%b%b%b" % (part.before, on_one_line(ENCODER.encode(event.text)), part.after)

    def _part_end(self, event: PartEnd) -> bytes:
        part = self._parts.pop(event.part, None)
        if part is None:
            return b""
        if part.custom:
            # The chunk type knows no fragments of custom calls: each is sent whole.
            text = "".join(part.texts)
            custom = {"name": part.start.name, "input": text if part.start.custom else from_freeform(text)}
            position = self._calls.get(part.choice, 0)
            self._calls[part.choice] = position + 1
            call = {"index": position, "id": part.start.call_id, "type": "custom", "custom": custom}
            call |= signature_out(merge_extra(part.start.extra, event.extra))
            return self._chunk(part.choice, {"tool_calls": [call]})
        if part.start.kind == "text":
            annotations = own(event.extra).get("annotations") or own(part.start.extra).get("annotations")
            return self._chunk(part.choice, {"annotations": annotations}) if annotations else b""
        signature = signature_out(event.extra)
        if part.start.kind != "tool_call" or self._legacy or part.signed or not signature:
            return b""
        return self._chunk(part.choice, {"tool_calls": [{"index": part.position, **signature}]})

    def _finish(self, event: Finish) -> bytes:
        if event.choice in self._finished:
            return b""
        self._finished.add(event.choice)
        reason = chat_reason(event.reason, bool(self._calls.get(event.choice)), self._legacy)
        logprobs = ENCODER.encode(event.logprobs)
        sources = citations_out(event.extra)
        tail = b"]," + ENCODER.encode(sources)[1:-1] + self._tail[1:] if sources else self._tail
        return b'%b%b{},"logprobs":%b,"finish_reason":"%b"}%b' % (
            self._open(event.choice),
            self._before(event.choice),
            logprobs,
            reason.encode(),
            tail,
        )
