"""Answers as they go to the client: in one piece, as a stream whose waiting is counted, or as a download."""

import logging
import time
from collections.abc import Mapping
from contextlib import aclosing
from http import HTTPStatus

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11
from aiohttp.web_request import BaseRequest

from gateway.http_head import http_head
from gateway.relaying.exchange import Exchange
from gateway.routes import Download

_log = logging.getLogger(__name__)
_CHUNKED, _CLOSE, _SERVER = "Transfer-Encoding: chunked", "Connection: close", f"Server: {SERVER_SOFTWARE}"
_PHRASES: Mapping[int, str] = {status.value: status.phrase for status in HTTPStatus}
# A larger body is not copied to stand behind its head.
_JOINED_BYTES = 64 * 1024


class _Sent(web.StreamResponse):
    """What aiohttp is told of an answer that has gone out already."""

    def __init__(self, keep_alive: bool) -> None:
        super().__init__()
        self._keep_alive = keep_alive

    async def prepare(self, request: BaseRequest) -> None:
        return

    async def write_eof(self, data: bytes = b"") -> None:
        return


_SENT: Mapping[bool, _Sent] = {keep_alive: _Sent(keep_alive) for keep_alive in (True, False)}
# Their answers have no body, whatever would be said in it.
_BODILESS = frozenset((204, 205, 304))


class Outgoing:
    """Writes to the client; `response` is what the handler gives back to aiohttp.

    What a client of HTTP/1.1 gets is written here, head and all: aiohttp's own responses took several times as long
    over what is the same for every answer. Others get it through them.
    """

    __slots__ = ("_cors", "_exchange", "_request", "_streamed", "response", "started")

    def __init__(self, request: BaseRequest, exchange: Exchange, cors: Mapping[str, str]) -> None:
        self._request = request
        self._exchange = exchange
        self._cors = cors
        self._streamed: web.StreamResponse | None = None
        self.started = False
        self.response: web.StreamResponse | None = None

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        before = time.perf_counter_ns()
        self._exchange.heard.given = status, headers
        if self._is_plain(status):
            head = self._head(status, headers, f"Content-Length: {len(body)}")
            if len(body) <= _JOINED_BYTES:
                await self._send(head + body)
            else:
                await self._request.writer.write(head)
                await self._send(body)
        else:
            self.response = response = web.Response(status=status, headers={**headers, **self._cors}, body=body)
            await response.prepare(self._request)
            await response.write_eof()
        self._exchange.client_ns += time.perf_counter_ns() - before

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        before = time.perf_counter_ns()
        self._exchange.heard.given = status, headers
        if self._is_plain(status):
            await self._send(self._head(status, headers, _CHUNKED))
        else:
            self.response = response = web.StreamResponse(status=status, headers={**headers, **self._cors})
            await response.prepare(self._request)
            self._streamed = response
        self.started = True
        self._exchange.client_ns += time.perf_counter_ns() - before

    async def write(self, data: bytes) -> None:
        before = time.perf_counter_ns()
        if self._streamed is not None:
            await self._streamed.write(data)
        elif data:
            await self._send(b"%x\r\n%b\r\n" % (len(data), data))
        self._exchange.client_ns += time.perf_counter_ns() - before

    async def finish(self, data: bytes) -> None:
        before = time.perf_counter_ns()
        if self._streamed is not None:
            if data:
                await self._streamed.write(data)
            await self._streamed.write_eof()
        else:
            await self._send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n")
        self._exchange.client_ns += time.perf_counter_ns() - before

    def _is_plain(self, status: int) -> bool:
        request = self._request
        return request.version == HttpVersion11 and request.method == "POST" and status not in _BODILESS

    def _head(self, status: int, headers: Mapping[str, str], length: str) -> bytes:
        keep_alive = self._request.keep_alive
        self.response = _SENT[keep_alive]
        more = [length, f"Date: {rfc822_formatted_time()}", _SERVER]
        if not keep_alive:
            more.append(_CLOSE)
        start = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}"
        return http_head(start, {**headers, **self._cors}, more)

    async def _send(self, data: bytes) -> None:
        """Waits while the client takes less than it is sent."""
        writer = self._request.writer
        await writer.write(data)
        await writer.drain()


async def sent(request: BaseRequest, download: Download, cors: Mapping[str, str]) -> web.StreamResponse:
    async with aclosing(download.chunks) as chunks:
        if request.method == "HEAD":
            return web.Response(headers={**download.headers, **cors})
        # Before the status goes out, so that a question that cannot be answered keeps its own.
        chunk = await anext(chunks, b"")
        response = web.StreamResponse(headers={**download.headers, **cors})
        await response.prepare(request)
        try:
            while chunk:
                await response.write(chunk)
                chunk = await anext(chunks, b"")
        except ConnectionError:
            raise
        except Exception:
            # A clean end would pass a part for the whole.
            _log.exception("A download broke off")
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionError from None
        await response.write_eof()
    return response
