"""What the mock provider answers: the same text in four dialects, whole, or in as many chunks as asked for."""

import json
from functools import lru_cache
from typing import Any

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, UsageReport
from gateway.model import Choice, FinishReason, Response, Text, Usage

_WORDS = "Held loops delay all chunks alike, because each socket waits for its turn in one queue. "
_CONTEXT = AnswerContext(id="CQ5x", created=1763900000, model="model")
_USAGE = Usage(input_tokens=61, output_tokens=96)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _chat_whole() -> bytes:
    message = {"role": "assistant", "content": text(), "refusal": None, "annotations": []}
    usage = {
        "prompt_tokens": 61,
        "completion_tokens": 96,
        "total_tokens": 157,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0},
    }
    return _json(
        {
            "id": "chatcmpl-CQ5x",
            "object": "chat.completion",
            "created": 1763900000,
            "model": "gpt-4.1-mini-2025-04-14",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": usage,
            "service_tier": "default",
            "system_fingerprint": "fp_4f2c",
        }
    )


def _messages_whole() -> bytes:
    return _json(
        {
            "id": "msg_01Fz",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-6",
            "content": [{"type": "text", "text": text()}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 61, "output_tokens": 96, "service_tier": "standard"},
        }
    )


def _chat_chunks(count: int, usage_asked: bool) -> list[bytes]:
    shape = {"id": "chatcmpl-CQ5x", "object": "chat.completion.chunk", "created": 1763900000}
    shape |= {"model": "gpt-4.1-mini-2025-04-14", "service_tier": "default", "system_fingerprint": "fp_4f2c"}

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        rest = {"usage": None} if usage_asked else {}
        return b"data: %b\n\n" % _json({**shape, "choices": [choice], **rest})

    chunks = [event({"content": f"{_WORDS[:40]} {n} "}) for n in range(count)]
    chunks[0] = event({"role": "assistant", "content": ""}) + chunks[0]
    end = event({}, "stop")
    if usage_asked:
        usage = {"prompt_tokens": 61, "completion_tokens": 96, "total_tokens": 157}
        end += b"data: %b\n\n" % _json({**shape, "choices": [], "usage": usage})
    return [*chunks, end + b"data: [DONE]\n\n"]


def _messages_chunks(count: int) -> list[bytes]:
    def event(name: str, **fields: Any) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (name.encode(), _json({"type": name, **fields}))

    message = {"id": "msg_01Fz", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6", "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 61, "output_tokens": 1}}
    chunks = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": f"{_WORDS[:40]} {n} "})
        for n in range(count)
    ]
    start = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    chunks[0] = event("message_start", message=message) + start + chunks[0]
    end = event("content_block_stop", index=0)
    end += event(
        "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 96}
    )
    return [*chunks, end + event("message_stop")]


def _others_whole(dialect: str) -> bytes:
    choice = Choice(parts=(Text(text()),), finish_reason=FinishReason.STOP)
    response = Response(id="answer", model="model", choices=(choice,), usage=_USAGE)
    return DIALECTS[dialect].render_response(response, _CONTEXT)


def _others_chunks(dialect: str, count: int) -> list[bytes]:
    """As our own codec writes it: here it is only something to read."""
    writer = DIALECTS[dialect].writer(_CONTEXT)
    words: list[Event] = [Delta(0, f"{_WORDS[:40]} {n} ") for n in range(count)]
    start = b"".join(writer.write(event) for event in (Start("answer", "model"), PartStart(0, "text")))
    chunks = [writer.write(event) for event in words]
    chunks[0] = start + chunks[0]
    ending = (PartEnd(0), UsageReport(_USAGE), Finish(FinishReason.STOP))
    return [*chunks, b"".join(writer.write(event) for event in ending) + writer.close()]


def text(count: int = 0) -> str:
    """What the answer says, whole or in `count` chunks."""
    return "".join(f"{_WORDS[:40]} {n} " for n in range(count)) if count else _WORDS * 6


@lru_cache
def whole(dialect: str) -> bytes:
    if dialect == "openai_chat":
        return _chat_whole()
    return _messages_whole() if dialect == "anthropic" else _others_whole(dialect)


@lru_cache
def chunks(dialect: str, count: int, usage_asked: bool) -> tuple[bytes, ...]:
    """The events of a stream, in the pieces in which they are sent: `count` and one for its end."""
    if dialect == "openai_chat":
        return tuple(_chat_chunks(count, usage_asked))
    return tuple(_messages_chunks(count) if dialect == "anthropic" else _others_chunks(dialect, count))
