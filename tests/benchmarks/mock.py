"""A provider that costs next to nothing: canned answers of about 1 kB, whole or in paced chunks, from a raw protocol.

It speaks OpenAI chat and Anthropic messages, as far as a benchmark asks. A stream's first chunk goes out with the
headers; the others follow every 2 ms, so that each is a wake-up of its own for whatever stands in between.
"""

import asyncio
import json
import re
from functools import lru_cache
from typing import Any, cast

from tests.benchmarks.ready import listen, run

PACE_S = 0.002
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CHUNKS = re.compile(rb'"max_tokens"\s*:\s*(\d+)')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_WORDS = "Held loops delay all chunks alike, because each socket waits for its turn in one queue. "
_WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: up-1\r\nContent-Length: %d\r\n\r\n%b"
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nx-request-id: up-1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _frame(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _chat_whole() -> bytes:
    message = {"role": "assistant", "content": _WORDS * 6, "refusal": None, "annotations": []}
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
            "content": [{"type": "text", "text": _WORDS * 6}],
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


@lru_cache
def _whole(path: bytes) -> bytes:
    body = _messages_whole() if path.endswith(b"/messages") else _chat_whole()
    return _WHOLE % (len(body), body)


@lru_cache
def _stream(path: bytes, count: int, usage_asked: bool) -> tuple[bytes, ...]:
    """What is written, one after the other."""
    chunks = _messages_chunks(count) if path.endswith(b"/messages") else _chat_chunks(count, usage_asked)
    writes = [_frame(chunk) for chunk in chunks]
    return (_HEAD + writes[0], *writes[1:-1], writes[-1] + b"0\r\n\r\n")


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._held = b""
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head_end = self._held.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(self._held, 0, head_end)
        end = head_end + 4 + (int(length[1]) if length else 0)
        if len(self._held) < end:
            return
        request, self._held = self._held[:end], self._held[end:]
        path = request.split(b" ", 2)[1]
        if not _STREAM.search(request, head_end):
            self._transport.write(_whole(path))
            return
        chunks = _CHUNKS.search(request, head_end)
        self._write(_stream(path, int(chunks[1]) if chunks else 5, b'"include_usage"' in request), 0)

    def _write(self, writes: tuple[bytes, ...], at: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(writes[at])
        if at + 1 < len(writes):
            self._loop.call_later(PACE_S, self._write, writes, at + 1)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, sock=listen())
    await server.serve_forever()


if __name__ == "__main__":
    run(_serve())
