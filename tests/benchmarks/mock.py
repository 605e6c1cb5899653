"""A provider that costs next to nothing: canned answers of about 1 kB, whole or in paced chunks, from a raw protocol.

It speaks all four dialects, as far as a benchmark asks. A stream's first chunk goes out with the headers; the others
follow every 2 ms, so that each is a wake-up of its own for whatever stands in between.
"""

import asyncio
import re
from functools import lru_cache
from typing import cast

from tests.benchmarks.answers import chunks, whole
from tests.benchmarks.ready import listen, run

PACE_S = 0.002
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CHUNKS = re.compile(rb'"max(?:_tokens|_completion_tokens|_output_tokens|OutputTokens)"\s*:\s*(\d+)')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_DIALECTS = {b"completions": "openai_chat", b"responses": "openai_responses", b"messages": "anthropic"}
_WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: up-1\r\nContent-Length: %d\r\n\r\n%b"
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nx-request-id: up-1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def _frame(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache
def _whole(dialect: str) -> bytes:
    body = whole(dialect)
    return _WHOLE % (len(body), body)


@lru_cache
def _stream(dialect: str, count: int, usage_asked: bool) -> tuple[bytes, ...]:
    """What is written, one after the other."""
    writes = [_frame(chunk) for chunk in chunks(dialect, count, usage_asked)]
    return (_HEAD + writes[0], *writes[1:-1], writes[-1] + b"0\r\n\r\n")


def _dialect(path: bytes) -> str:
    """The dialect by the end of the path; Gemini's begins with its version."""
    if path.startswith(b"/v1beta/"):
        return "gemini"
    return _DIALECTS[path.rpartition(b"/")[2]]


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
        path = request[:head_end].split(b" ", 2)[1]
        dialect = _dialect(path)
        if b":stream" not in path and not _STREAM.search(request, head_end):
            self._transport.write(_whole(dialect))
            return
        asked = _CHUNKS.search(request, head_end)
        self._write(_stream(dialect, int(asked[1]) if asked else 5, b'"include_usage"' in request), 0)

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
