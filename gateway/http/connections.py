"""Connections of the server: what arrives and is no HTTP/1 is told without its bytes, and gRPC is known."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import BaseRequest

NO_GRPC = (
    "An OpenTelemetry exporter speaks gRPC to this port, which takes OTLP over HTTP: "
    "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf for it."
)
# What the HTTP parser says of the line that begins each HTTP/2 connection (RFC 9113, 3.4).
_H2_PREFACE = "PRI/Upgrade"

_Handle = Callable[[BaseRequest], Awaitable[web.StreamResponse]]


class _WithoutBytes(logging.Filter):
    """What is no HTTP is told without its bytes: aiohttp shows the line that broke, which may hold a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            record.msg = f"{record.msg}: it is not HTTP as it should be."
            record.exc_info = None
        return True


http_log = logging.getLogger(__name__)
http_log.addFilter(_WithoutBytes())


class Http(web.Server):
    """Knows gRPC, which begins with a line that no HTTP/1 request has, and tells `on_grpc`."""

    def __init__(
        self, handle: _Handle, make_request: Callable[..., BaseRequest], on_grpc: Callable[[], None], **options: Any
    ) -> None:
        super().__init__(handle, request_factory=make_request, handler_cancellation=True, **options)
        self._options = options
        self._on_grpc = on_grpc

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._on_grpc, loop=asyncio.get_running_loop(), **self._options)


class _Connection(web.RequestHandler):
    __slots__ = ("_on_grpc",)

    def __init__(self, server: Http, on_grpc: Callable[[], None], **options: Any) -> None:
        super().__init__(server, **options)
        self._on_grpc = on_grpc

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, HttpProcessingError) and _H2_PREFACE in exc.message:
            self._on_grpc()
            answer = web.Response(status=400, text=NO_GRPC)
            answer.force_close()
            return answer
        return super().handle_error(request, status, exc, message)
