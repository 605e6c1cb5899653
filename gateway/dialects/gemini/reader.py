"""Gemini's answers into neutral events; a whole answer is a stream of one chunk.

Each chunk brings new parts only. Unsigned text goes on in the part that is open; a signed part stands by itself, so
that its signature stays with its words. Tool calls arrive whole, often before the chunk that says STOP, and there is
no terminator: the finish is given when the stream closes, and a stream without any finish reason was cut short.
Source: google-genai's GenerateContentResponse.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.client_json import rest
from gateway.dialects.error_bodies import as_stream_error
from gateway.dialects.gemini.errors import error_in_answer
from gateway.dialects.gemini.finish import is_exact, parse_reason
from gateway.dialects.gemini.logprobs import LogprobsResult, parse_logprobs
from gateway.dialects.gemini.parts import NAME, Wire, minted_id, parse_part
from gateway.dialects.gemini.usage import WireUsage, parse_usage, read_usage
from gateway.dialects.json_text import decode_json, is_object
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
from gateway.model import Blob, FinishReason, Opaque, Part, Reasoning, Text, ToolCall, Usage
from gateway.sse import Decoder, ServerSentEvent

_UNKNOWN_REASONS = (None, "", "FINISH_REASON_UNSPECIFIED")


class _Content(Struct):
    parts: list[Wire] | None = None


class _WireCandidate(Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    index: int | None = None
    logprobs_result: LogprobsResult | None = None


class _Chunk(Struct, rename="camel"):
    candidates: list[Wire] | None = None
    prompt_feedback: Wire | None = None
    usage_metadata: Any = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None


class _Candidate:
    """What one choice has said so far."""

    __slots__ = ("called", "extra", "kind", "logprobs", "part", "reason")

    def __init__(self) -> None:
        self.part: int | None = None
        self.kind = ""
        self.called = False
        self.reason: str | None = None
        self.extra: Wire = {}
        self.logprobs: list[dict[str, Any]] = []


class ChunkReader:
    """Chunks in, events out; framing is the caller's."""

    def __init__(self) -> None:
        self._candidates: dict[int, _Candidate] = {}
        self._next_part = 0
        self._calls = 0
        self._started = False
        self._response_id = ""
        # Stands in for a missing response id, so that minted call ids differ between answers.
        self._digest = blake2b(digest_size=12)
        self._usage = WireUsage()
        self._reported: Usage | None = None
        self._searches: set[tuple[str, str]] = set()
        self._maps = False
        self._early = False
        self._blocked: Wire | None = None

    def chunk(self, data: bytes, events: list[Event]) -> None:
        """Raises ValueError or MsgspecError for what cannot be read, UpstreamError for an error in its place."""
        fields = decode_json(data)
        if isinstance(fields, list) and len(fields) == 1:
            fields = fields[0]
        if isinstance(fields, dict) and (error := error_in_answer(fields)) is not None:
            raise error
        chunk = msgspec.convert(fields, _Chunk)
        if not chunk.response_id:
            self._digest.update(data)
        if not self._started:
            self._started = True
            self._response_id = chunk.response_id or ""
            events.append(Start(chunk.response_id, chunk.model_version, _unix_seconds(chunk.create_time)))
        candidates = [(item, msgspec.convert(item, _WireCandidate)) for item in chunk.candidates or ()]
        ending = any(wire.finish_reason not in _UNKNOWN_REASONS for _, wire in candidates)
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.get("blockReason"):
            self._blocked, ending = chunk.prompt_feedback, True
        searched = self._searched(item for item, _ in candidates)
        if chunk.usage_metadata is not None or searched:
            self._report(read_usage(chunk.usage_metadata), ending, events)
        for item, wire in candidates:
            self._candidate(item, wire, events)

    def finish(self, events: list[Event]) -> bool:
        """Ends every choice; False where one of them, or all, never said why it ended."""
        if self._blocked is not None and not self._candidates:
            extra = {NAME: {"promptFeedback": self._blocked}}
            events.append(Finish(FinishReason.CONTENT_FILTER, extra=extra))
            return True
        if not self._candidates or any(item.reason is None for item in self._candidates.values()):
            return False
        if self._early:
            # Nothing later replaced it, and the answer has ended well.
            assert self._reported is not None
            events.append(UsageReport(self._reported, final=True))
            self._early = False
        for index, candidate in sorted(self._candidates.items()):
            self._end_part(candidate, events)
            assert candidate.reason is not None
            if not is_exact(candidate.reason):
                candidate.extra["finishReason"] = candidate.reason
            events.append(
                Finish(
                    parse_reason(candidate.reason, candidate.called),
                    choice=index,
                    logprobs={"content": candidate.logprobs} if candidate.logprobs else None,
                    extra={NAME: candidate.extra} if candidate.extra else {},
                )
            )
        return True

    def _report(self, usage: WireUsage, ending: bool, events: list[Event]) -> None:
        self._usage = self._usage.merged(usage)
        counts = parse_usage(self._usage)
        if counts is not None and self._searches:
            counts = replace(counts, web_searches=len(self._searches))
        if counts is not None and self._maps:
            counts = replace(counts, rare_counts=(*(counts.rare_counts or ()), ("map_searches", 1)))
        final = ending or any(item.reason is not None for item in self._candidates.values())
        if counts is not None and (final or counts != self._reported):
            self._reported, self._early = counts, not final
            events.append(UsageReport(counts, final))

    def _searched(self, candidates: Iterable[Wire]) -> bool:
        """Whether these tell of searches that no chunk before told of: a stream repeats what it has grounded. How
        often maps were asked is not told: an answer that holds some asked once."""
        before = len(self._searches), self._maps
        for fields in candidates:
            grounding = fields.get("groundingMetadata")
            if not isinstance(grounding, dict):
                continue
            for kind in ("webSearchQueries", "imageSearchQueries"):
                queries = grounding.get(kind)
                if isinstance(queries, list):
                    self._searches.update((kind, query) for query in queries if isinstance(query, str) and query)
            chunks = grounding.get("groundingChunks")
            if isinstance(chunks, list):
                self._maps = self._maps or any(isinstance(chunk, dict) and "maps" in chunk for chunk in chunks)
        return (len(self._searches), self._maps) != before

    def _candidate(self, fields: Wire, wire: _WireCandidate, events: list[Event]) -> None:
        index = max(0, wire.index or 0)
        candidate = self._candidates.setdefault(index, _Candidate())
        if wire.finish_reason not in _UNKNOWN_REASONS:
            # Before the parts, which may be none that can be read.
            candidate.reason = wire.finish_reason
        for item in (wire.content.parts if wire.content else None) or ():
            self._part(parse_part(item), item, index, candidate, events)
        if wire.logprobs_result is not None:
            candidate.logprobs += parse_logprobs(wire.logprobs_result)
        candidate.extra |= rest(fields, _WireCandidate)

    def _part(self, part: Part, fields: Wire, index: int, candidate: _Candidate, events: list[Event]) -> None:
        match part:
            case Text() | Reasoning():
                kind = "text" if isinstance(part, Text) else "reasoning"
                self._words(part, kind, index, candidate, events)
                return
            case ToolCall():
                start, text = self._call_start(part, index, candidate), part.arguments
            case Blob():
                start, text = PartStart(self._next_part, "blob", index, value=part), ""
            case _:
                start, text = PartStart(self._next_part, "opaque", index, value=Opaque(NAME, fields)), ""
        self._end_part(candidate, events)
        self._next_part += 1
        events.append(start)
        if text:
            events.append(Delta(start.part, text))
        events.append(PartEnd(start.part))

    def _words(
        self, part: Text | Reasoning, kind: str, index: int, candidate: _Candidate, events: list[Event]
    ) -> None:
        if not part.text and not part.extra:
            return
        if part.extra or candidate.kind != kind or candidate.part is None:
            self._end_part(candidate, events)
            candidate.part, candidate.kind = self._next_part, kind
            self._next_part += 1
            events.append(PartStart(candidate.part, kind, index, extra=part.extra))
        if part.text:
            events.append(Delta(candidate.part, part.text))
        if part.extra:
            self._end_part(candidate, events)

    @staticmethod
    def _end_part(candidate: _Candidate, events: list[Event]) -> None:
        if candidate.part is not None:
            events.append(PartEnd(candidate.part))
            candidate.part = None

    def _call_start(self, part: ToolCall, index: int, candidate: _Candidate) -> PartStart:
        if not part.name:
            raise msgspec.ValidationError("A function call without a name")
        candidate.called = True
        self._calls += 1
        about = self._response_id or self._digest.hexdigest()
        call_id = part.id or minted_id(about, str(self._calls), part.name)
        return PartStart(self._next_part, "tool_call", index, call_id=call_id, name=part.name, extra=part.extra)


def _unix_seconds(created: str | None) -> int | None:
    try:
        return None if created is None else int(datetime.fromisoformat(created).timestamp())
    except ValueError:
        return None


class GeminiReader:
    def __init__(self, *, passing: bool = False) -> None:
        self._sse = Decoder()
        self._passing = passing
        self._chunks = ChunkReader()
        self._over = False
        self._bytes_seen = False
        self._events_seen = False

    def feed(self, data: bytes) -> list[Event]:
        """Events completed by these bytes; nothing after an error."""
        self._bytes_seen = self._bytes_seen or bool(data)
        return self._read(self._sse.feed(data))

    def close(self) -> list[Event]:
        """The finish of every choice, or an error where one of them has none."""
        events = self._read(self._sse.close(), BROKEN_OFF)
        if not self._over:
            self._over = True
            if not self._chunks.finish(events):
                events.append(UNREADABLE if self._bytes_seen and not self._events_seen else BROKEN_OFF)
        return events

    def _read(self, received: list[ServerSentEvent], broken: StreamError = UNREADABLE) -> list[Event]:
        """`broken` is said of an event that cannot be read: a last one without its end was cut."""
        events: list[Event] = []
        for item in received:
            if self._over:
                break
            self._events_seen = True
            if item.data == b"[DONE]":
                continue
            try:
                self._chunks.chunk(item.data, events)
            except UpstreamError as error:
                events.append(as_stream_error(error))
                self._over = True
            except (msgspec.MsgspecError, ValueError):
                if self._passing and is_object(item.data):
                    continue
                events.append(broken)
                self._over = True
        return events
