"""Neutral events into Gemini's stream of chunks.

Words go out as they come. What Gemini only says whole (a tool call, a signed part) waits for its end. The finish and
the counts are on the last chunk, after which the stream just closes. Source: google-genai's GenerateContentResponse.
"""

from typing import Any

import msgspec

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.gemini.errors import error_object
from gateway.dialects.gemini.finish import render_reason
from gateway.dialects.gemini.logprobs import render_logprobs
from gateway.dialects.gemini.parts import NAME, Wire, answer_part, beside, signed, told
from gateway.dialects.gemini.usage import render_usage
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
    merge_extra,
    merge_usage,
)
from gateway.model import Extra, FinishReason, Part, Reasoning, Text, ToolCall, Usage
from gateway.sse import encode


class _Held:
    """A part that is not out yet, or whose end may bring a signature."""

    __slots__ = ("ended", "extra", "start", "streamed", "texts")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.extra: Extra = start.extra
        self.texts: list[str] = []
        self.ended = False
        self.streamed = start.kind in ("text", "refusal", "reasoning") and not beside(start.extra)

    def whole(self) -> Part | None:
        start, text = self.start, "".join(self.texts)
        match start.kind:
            case "tool_call":
                return ToolCall(start.call_id, start.name, text, start.custom, self.extra)
            case "reasoning":
                return Reasoning(text, self.extra)
            case "text":
                return Text(text, self.extra)
        return start.value


class GeminiWriter:
    def __init__(self, context: AnswerContext) -> None:
        self._context = context
        self._held: dict[int, _Held] = {}
        self._finishes: dict[int, Finish] = {}
        self._refused: set[int] = set()
        self._usage: Usage | None = None
        self._failed = False

    def write(self, event: Event) -> bytes:
        if self._failed:
            return b""
        match event:
            case Delta() if event.part in self._held:
                return self._delta(self._held[event.part], event.text)
            case PartStart():
                self._held[event.part] = _Held(event)
                if event.kind == "refusal":
                    self._refused.add(event.choice)
            case PartEnd() if event.part in self._held:
                held = self._held[event.part]
                held.extra, held.ended = merge_extra(held.extra, event.extra), True
                return self._ended(held.start.choice)
            case UsageReport():
                self._usage = merge_usage(self._usage, event.usage)
            case Finish():
                self._finishes[event.choice] = event
            case StreamError():
                return self.error(event)
            case Start():
                pass
        return b""

    def close(self) -> bytes:
        """The last chunk; an error where no finish was ever said."""
        if self._failed:
            return b""
        if not self._finishes:
            return self.error(BROKEN_OFF)
        out = [self._end(held) for held in self._held.values()]
        self._held = {}
        out.append(encode(msgspec.json.encode(self._last())))
        return b"".join(out)

    def error(self, error: StreamError) -> bytes:
        """An error in place of a chunk; after it nothing more is written."""
        self._failed = True
        return encode(msgspec.json.encode(error_object(error)))

    def _delta(self, held: _Held, text: str) -> bytes:
        if not held.streamed:
            held.texts.append(text)
            return b""
        if not text:
            return b""
        part: Wire = {"text": text, "thought": True} if held.start.kind == "reasoning" else {"text": text}
        return self._chunk(part, held.start.choice)

    def _ended(self, choice: int) -> bytes:
        """The choice's parts that are whole; what follows an open call waits, so that calls keep their order."""
        whole: list[int] = []
        for number, held in self._held.items():
            if held.start.choice != choice:
                continue
            if held.ended:
                whole.append(number)
            elif held.start.kind == "tool_call":
                break
        return b"".join([self._end(self._held.pop(number)) for number in whole])

    def _end(self, held: _Held) -> bytes:
        if not held.streamed:
            part = held.whole()
            rendered = None if part is None else answer_part(part, self._context.origin)
            return b"" if rendered is None else self._chunk(rendered, held.start.choice)
        reasoning = held.start.kind == "reasoning"
        signature = signed(held.extra, self._context.origin) if reasoning else told(held.extra)
        if not signature:
            return b""
        part_end: Wire = {"text": "", **({"thought": True} if reasoning else {}), **signature}
        return self._chunk(part_end, held.start.choice)

    def _chunk(self, part: Wire, choice: int) -> bytes:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": choice}
        return encode(msgspec.json.encode({"candidates": [candidate], **self._head()}))

    def _head(self) -> dict[str, Any]:
        return {"modelVersion": self._context.model, "responseId": self._context.id}

    def _last(self) -> dict[str, Any]:
        body: dict[str, Any] = {}
        finishes = list(self._finishes.values())
        if blocked := [finish.extra for finish in finishes if is_blocked(finish.extra)]:
            body["promptFeedback"] = blocked[0][NAME]["promptFeedback"]
        else:
            # An empty text spares clients that add up texts from a chunk without any.
            content = {"parts": [{"text": ""}], "role": "model"}
            body["candidates"] = [
                {
                    "content": content,
                    **ending(
                        item.reason, item.choice, item.logprobs, item.extra, refused=item.choice in self._refused
                    ),
                }
                for item in finishes
            ]
        if self._usage is not None and self._usage.tells_tokens:
            body["usageMetadata"] = render_usage(self._usage)
        return body | self._head()


def is_blocked(extra: Extra) -> bool:
    """Whether the prompt itself was refused: then there are no candidates."""
    return "promptFeedback" in extra.get(NAME, {})


def ending(
    reason: FinishReason | None, index: int, logprobs: Any, extra: Extra, *, refused: bool = False
) -> dict[str, Any]:
    """What a candidate says beside its content. `refused`: its words decline, which only the reason tells."""
    if refused and reason in (None, FinishReason.STOP):
        reason = FinishReason.CONTENT_FILTER
    own = {name: value for name, value in extra.get(NAME, {}).items() if name != "finishReason"}
    fields: dict[str, Any] = {"finishReason": render_reason(reason, extra, NAME), "index": index, **own}
    if (result := render_logprobs(logprobs)) is not None:
        fields["logprobsResult"] = result
    return fields
