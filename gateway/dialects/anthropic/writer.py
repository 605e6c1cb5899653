"""Neutral events into Anthropic's event stream.

Blocks never overlap and count up by one: parts take turns. message_start waits for the first event after `Start`, so
that input counts told at once are in it; the true counts are in message_delta in any case. Source: the SDK's raw
message stream events.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway.dialects.anthropic.blocks import ANSWER_PREFIX, NAME, Block
from gateway.dialects.anthropic.errors import error_object
from gateway.dialects.anthropic.finish import render_ending
from gateway.dialects.anthropic.parts import call_state, own, thinking_asked
from gateway.dialects.anthropic.usage import render_delta_usage, render_usage
from gateway.dialects.arguments import FREEFORM_BEGIN, FREEFORM_END, in_freeform
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.envelope import wrap
from gateway.dialects.media_types import is_sketch, omitted
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
from gateway.model import Blob, Opaque, Usage
from gateway.sse import encode

_DELTAS = {
    "text": ("text_delta", "text"),
    "refusal": ("text_delta", "text"),
    "reasoning": ("thinking_delta", "thinking"),
    "tool_call": ("input_json_delta", "partial_json"),
}


class AnthropicWriter(PartTurns[TurnPart]):
    def __init__(self, context: AnswerContext) -> None:
        super().__init__()
        self._context = context
        self._block_open = False
        self._index = -1
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._refused = False
        self._started = False
        self._failed = False

    def write(self, event: Event) -> bytes:
        if self._failed or isinstance(event, Start):
            return b""
        if isinstance(event, StreamError):
            return self.error(event)
        if isinstance(event, UsageReport):
            self._usage = merge_usage(self._usage, event.usage)
            return self._message_start()
        out = [self._message_start()]
        match event:
            case PartStart() if event.choice == 0:
                self._part_start(event, out)
            case Delta():
                self._delta(event.part, event.text, out)
            case PartEnd():
                self._end_part(event.part, event.extra, out)
            case Finish() if event.choice == 0:
                self._finish = event
        return b"".join(out)

    def close(self) -> bytes:
        """message_delta and message_stop; an error where no finish was ever said."""
        if self._failed:
            return b""
        if self._finish is None:
            return self.error(BROKEN_OFF)
        out = [self._message_start()]
        self._end_all(out)
        finish = self._finish
        own_fields: Mapping[str, Any] = finish.extra.get(NAME, {})
        delta = render_ending(finish.reason, finish.stop_sequence, self._refused, own_fields)
        if "container" in own_fields:
            delta["container"] = own_fields["container"]
        usage = render_delta_usage(self._usage or Usage())
        out.append(_event("message_delta", delta=delta, usage=usage))
        out.append(_event("message_stop"))
        return b"".join(out)

    def error(self, error: StreamError) -> bytes:
        """An `error` event; after it nothing more is written."""
        self._failed = True
        return encode(msgspec.json.encode(error_object(error.kind, error.status, error.message, error.code)), "error")

    def _message_start(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        # LangChain.js adds to what was answered by now all that message_delta tells: only what was asked stands here.
        asked = self._usage and replace(self._usage, output_tokens=0, reasoning_tokens=None)
        message: dict[str, Any] = {
            "id": f"{ANSWER_PREFIX}{self._context.id}",
            "type": "message",
            "role": "assistant",
            "model": self._context.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": render_usage(asked),
        }
        return _event("message_start", message=message)

    def _part_start(self, start: PartStart, out: list[bytes]) -> None:
        if start.kind == "refusal":
            if "stop_details" in start.extra.get(NAME, {}):
                return
            self._refused = True
        if start.kind == "opaque" and (not isinstance(start.value, Opaque) or start.value.dialect != NAME):
            return
        if isinstance(start.value, Blob) and is_sketch(start.value):
            return
        self._start_part(TurnPart(start), out)

    def _begin(self, part: TurnPart, out: list[bytes]) -> None:
        """A block opens with its first word, a tool call's at once."""
        if part.start.kind == "tool_call":
            marks = self._index < 0 and thinking_asked(self._context)
            if (state := call_state(part.extra, self._context.origin, marks=marks)) is not None:
                self._whole_block(state, out)
            block = {"type": "tool_use", "id": part.start.call_id, "name": part.start.name, "input": {}}
            self._open(block | own(part.extra), out)
            if part.start.custom:
                self._input(FREEFORM_BEGIN, out)
        elif isinstance(part.start.value, Opaque):
            self._open(dict(part.start.value.value), out)
        elif isinstance(part.start.value, Blob):
            self._open({"type": "text", "text": ""}, out)
            self._block_delta({"type": "text_delta", "text": omitted(part.start.value)}, out)
        elif "redacted" in part.extra.get(NAME, {}):
            self._open({"type": "redacted_thinking", "data": part.extra[NAME]["redacted"]}, out)

    def _say(self, part: TurnPart, text: str, out: list[bytes]) -> None:
        if not self._block_open:
            reasoning = part.start.kind == "reasoning"
            self._open(
                {"type": "thinking", "thinking": "", "signature": ""} if reasoning else {"type": "text", "text": ""},
                out,
            )
        kind, field = _DELTAS[part.start.kind]
        self._block_delta({"type": kind, field: in_freeform(text) if part.start.custom else text}, out)

    def _end(self, part: TurnPart, out: list[bytes]) -> None:
        if part.start.kind == "reasoning" and "redacted" not in part.extra.get(NAME, {}):
            self._sign(part, out)
        if part.start.kind == "text" and self._block_open:
            for citation in part.extra.get(NAME, {}).get("citations", ()):
                self._block_delta({"type": "citations_delta", "citation": citation}, out)
        if self._block_open:
            if part.start.custom:
                self._input(FREEFORM_END, out)
            self._block_open = False
            out.append(_event("content_block_stop", index=self._index))

    def _input(self, text: str, out: list[bytes]) -> None:
        self._block_delta({"type": "input_json_delta", "partial_json": text}, out)

    def _sign(self, part: TurnPart, out: list[bytes]) -> None:
        """A thinking block always ends with a signature: its own, or an envelope for another provider's state."""
        signature = part.extra.get(NAME, {}).get("signature")
        if not self._block_open:
            if signature is None and not part.extra:
                return
            self._open({"type": "thinking", "thinking": "", "signature": ""}, out)
        signature = signature or wrap(part.extra, without=NAME, origin=self._context.origin)
        self._block_delta({"type": "signature_delta", "signature": signature}, out)

    def _whole_block(self, block: Block, out: list[bytes]) -> None:
        self._open({**block, "signature": ""}, out)
        self._block_delta({"type": "signature_delta", "signature": block["signature"]}, out)
        self._block_open = False
        out.append(_event("content_block_stop", index=self._index))

    def _open(self, block: Block, out: list[bytes]) -> None:
        self._index += 1
        self._block_open = True
        out.append(_event("content_block_start", index=self._index, content_block=block))

    def _block_delta(self, delta: dict[str, Any], out: list[bytes]) -> None:
        out.append(_event("content_block_delta", index=self._index, delta=delta))


def _event(kind: str, **fields: Any) -> bytes:
    return encode(msgspec.json.encode({"type": kind, **fields}), kind)
