"""Anthropic's event stream into neutral events.

Blocks come one after another, named by index; each becomes a part. What arrives in pieces and means nothing until it
is whole (a hosted tool's block) is held back until its block stops. The finish is held until message_stop, so that
a stream cut after its last delta is an error and no clean end. Source: the SDK's raw message stream events.
"""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.anthropic.blocks import NAME, Block, minted_id, parse_block, pocket
from gateway.dialects.anthropic.errors import stream_error
from gateway.dialects.anthropic.finish import explanation, finish_extra, parse_reason
from gateway.dialects.anthropic.usage import WireUsage, parse_usage, read_usage, searched
from gateway.dialects.json_text import decode_as, decode_json, is_object
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
from gateway.model import Opaque, Reasoning, Text, ToolCall
from gateway.sse import Decoder, ServerSentEvent


class _Message(Struct):
    id: str | None = None
    model: str | None = None
    usage: Any = None


class _Delta(Struct):
    type: str | None = None
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    citation: Any = None
    content: Any = None
    encrypted_content: Any = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    container: Any = None


class _Event(Struct):
    type: str | None = None
    index: int | None = None
    message: _Message | None = None
    content_block: Block | None = None
    delta: _Delta | None = None
    usage: Any = None


class _OpenBlock:
    """A block that has begun. `part` is None for one that is held back until it is whole."""

    __slots__ = ("citations", "fragments", "kind", "part", "said", "signatures", "value")

    def __init__(self, kind: str, part: int | None, value: Block) -> None:
        self.kind = kind
        self.part = part
        self.value = value
        self.said = False
        self.signatures: list[str] = []
        self.citations: list[Any] = []
        self.fragments: list[str] = []


_DECODER = msgspec.json.Decoder(_Event)


class AnthropicReader:
    def __init__(self, *, passing: bool = False) -> None:
        self._sse = Decoder()
        self._passing = passing
        self._passed_over = False
        self._blocks: dict[int, _OpenBlock] = {}
        self._last = 0
        self._next_part = 0
        self._usage = WireUsage()
        self._message_id = ""
        self._called = False
        self._ending: Finish | None = None
        self._over = False
        self._bytes_seen = False
        self._events_seen = False

    def feed(self, data: bytes) -> list[Event]:
        """Events completed by these bytes; nothing after the stream's own end or its error."""
        self._bytes_seen = self._bytes_seen or bool(data)
        return self._read(self._sse.feed(data))

    def close(self) -> list[Event]:
        """The rest, or an error where message_stop never came."""
        events = self._read(self._sse.close(), BROKEN_OFF)
        if not self._over:
            self._over = True
            events.append(UNREADABLE if self._bytes_seen and not self._events_seen else BROKEN_OFF)
        return events

    def _read(self, received: list[ServerSentEvent], broken: StreamError = UNREADABLE) -> list[Event]:
        """`broken` is said of an event that cannot be read: a last one without its end was cut."""
        events: list[Event] = []
        for item in received:
            if self._over:
                break
            self._events_seen = True
            try:
                self._event(item, events)
            except (msgspec.MsgspecError, ValueError):
                if self._passing and is_object(item.data):
                    self._passed_over = True
                    continue
                events.append(broken)
                self._over = True
        return events

    def _event(self, item: ServerSentEvent, events: list[Event]) -> None:
        if item.data == b"[DONE]":
            return
        event = decode_as(item.data, _DECODER)
        match event.type or item.event:
            case "content_block_delta":
                self._block_delta(event, events)
            case "content_block_start":
                self._block_start(event, events)
            case "content_block_stop":
                self._block_stop(event, events)
            case "message_start":
                self._message_start(event, events)
            case "message_delta":
                self._message_delta(event, item.data, events)
            case "message_stop":
                self._message_stop(events)
            case "error":
                events.append(stream_error(decode_json(item.data)))
                self._over = True

    def _message_start(self, event: _Event, events: list[Event]) -> None:
        message = event.message or _Message()
        self._message_id = message.id or ""
        events.append(Start(message.id, message.model))
        self._report(message.usage, events, final=False)

    def _report(self, raw: Any, events: list[Event], *, final: bool, container: Any = None) -> None:
        usage = read_usage(raw, container)
        if usage is None:
            return
        self._usage = self._usage.merged(usage)
        events.append(UsageReport(parse_usage(self._usage), final))

    def _block_start(self, event: _Event, events: list[Event]) -> None:
        value = event.content_block
        if value is None:
            raise msgspec.ValidationError("content_block_start without its block")
        index = self._last + 1 if event.index is None else event.index
        self._last = index
        # A block is whole in its start, as far as it goes: what its deltas add is empty there.
        part = parse_block(value)
        number = self._next_part
        self._next_part += 1
        match part:
            case Text():
                events.append(PartStart(number, "text", extra=part.extra))
                self._text(number, part.text, events)
            case Reasoning():
                events.append(PartStart(number, "reasoning", extra=part.extra))
                self._text(number, part.text, events)
            case ToolCall():
                self._called = True
                call_id = part.id if value.get("id") else minted_id(self._message_id, str(index), part.name)
                events.append(PartStart(number, "tool_call", call_id=call_id, name=part.name, extra=part.extra))
            case _:
                self._blocks[index] = _OpenBlock(str(value.get("type")), None, value)
                return
        self._blocks[index] = _OpenBlock(str(value.get("type")), number, value)

    @staticmethod
    def _text(part: int, text: str, events: list[Event]) -> None:
        if text:
            events.append(Delta(part, text))

    def _open(self, event: _Event) -> _OpenBlock:
        block = self._blocks.get(self._last if event.index is None else event.index)
        if block is None:
            raise msgspec.ValidationError("an event for a block that is not open")
        return block

    def _block_delta(self, event: _Event, events: list[Event]) -> None:
        block, delta = self._open(event), event.delta or _Delta()
        if delta.partial_json and block.part is None:
            block.fragments.append(delta.partial_json)
        if delta.type == "compaction_delta":
            said = {"content": delta.content, "encrypted_content": delta.encrypted_content}
            block.value = {**block.value, **{name: value for name, value in said.items() if value is not None}}
        block.said = block.said or bool(delta.partial_json)
        if delta.signature:
            block.signatures.append(delta.signature)
        if delta.citation is not None:
            block.citations.append(delta.citation)
        if block.part is not None:
            self._text(block.part, delta.text or delta.thinking or delta.partial_json, events)

    def _block_stop(self, event: _Event, events: list[Event]) -> None:
        block = self._open(event)
        del self._blocks[self._last if event.index is None else event.index]
        self._end_block(block, events)

    def _end_block(self, block: _OpenBlock, events: list[Event]) -> None:
        if block.part is None:
            self._held_back(block, events)
            return
        if block.kind == "tool_use" and not block.said:
            # The input may be whole in the start; a call without arguments has no fragments at all.
            events.append(Delta(block.part, msgspec.json.encode(block.value.get("input") or {}).decode()))
        extra: dict[str, Any] = {}
        if block.signatures:
            extra["signature"] = "".join(block.signatures)
        if block.citations:
            extra["citations"] = block.citations
        events.append(PartEnd(block.part, pocket(extra)))

    def _held_back(self, block: _OpenBlock, events: list[Event]) -> None:
        value = block.value
        if block.fragments:
            value = {**value, "input": decode_json("".join(block.fragments).encode())}
        part = self._next_part
        self._next_part += 1
        whole = parse_block(value)
        events += [
            PartStart(part, "opaque", value=whole if isinstance(whole, Opaque) else Opaque(NAME, value)),
            PartEnd(part),
        ]
        if searched(value) and self._ending is None:
            # A stream that breaks off never comes to their number.
            self._usage.web_searches = (self._usage.web_searches or 0) + 1
            events.append(UsageReport(parse_usage(self._usage), final=False))

    def _message_delta(self, event: _Event, data: bytes, events: list[Event]) -> None:
        delta = event.delta
        self._report(event.usage, events, final=True, container=delta and delta.container)
        if delta is None or delta.stop_reason is None:
            return
        fields = decode_json(data)["delta"]
        self._ending = Finish(
            parse_reason(delta.stop_reason, self._called),
            stop_sequence=delta.stop_sequence,
            extra=finish_extra(fields),
        )
        if said := explanation(delta.stop_details):
            part = self._next_part
            self._next_part += 1
            events += [
                PartStart(part, "refusal", extra=pocket({"stop_details": True})),
                Delta(part, said),
                PartEnd(part),
            ]

    def _message_stop(self, events: list[Event]) -> None:
        if self._ending is None and self._passed_over:
            # Why it ended may stand in what was passed over; that it did, its provider says here.
            self._ending = Finish(parse_reason("", self._called))
        if self._ending is None:
            raise msgspec.ValidationError("message_stop without a stop reason")
        for block in self._blocks.values():
            self._end_block(block, events)
        events.append(self._ending)
        self._over = True
