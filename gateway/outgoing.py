"""Answers as they go to the client: in one piece, as a stream whose waiting is counted, or as a download."""

import logging
import time
from collections.abc import Mapping
from contextlib import aclosing

from aiohttp import web
from aiohttp.web_request import BaseRequest

from gateway.exchange import Exchange
from gateway.routes import Download

_log = logging.getLogger(__name__)


class Outgoing:
    """Writes to the client; `response` is what the handler gives back to aiohttp."""

    __slots__ = ("_cors", "_exchange", "_request", "response", "started")

    def __init__(self, request: BaseRequest, exchange: Exchange, cors: Mapping[str, str]) -> None:
        self._request = request
        self._exchange = exchange
        self._cors = cors
        self.started = False
        self.response: web.StreamResponse | None = None

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        before = time.perf_counter_ns()
        self.response = response = web.Response(status=status, headers={**headers, **self._cors}, body=body)
        await response.prepare(self._request)
        await response.write_eof()
        self._exchange.client_ns += time.perf_counter_ns() - before

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        before = time.perf_counter_ns()
        self.response = response = web.StreamResponse(status=status, headers={**headers, **self._cors})
        await response.prepare(self._request)
        self.started = True
        self._exchange.client_ns += time.perf_counter_ns() - before

    async def write(self, data: bytes) -> None:
        assert self.response is not None
        before = time.perf_counter_ns()
        await self.response.write(data)
        self._exchange.client_ns += time.perf_counter_ns() - before

    async def finish(self, data: bytes) -> None:
        assert self.response is not None
        before = time.perf_counter_ns()
        if data:
            await self.response.write(data)
        await self.response.write_eof()
        self._exchange.client_ns += time.perf_counter_ns() - before


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
