"""Connections of the server: what arrives and is no HTTP/1 is told without its bytes, and gRPC is known."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web_request import BaseRequest

from gateway.errors import ClientError, GatewayError

NO_GRPC = (
    "An OpenTelemetry exporter speaks gRPC to this port, which takes OTLP over HTTP: "
    "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf for it."
)
# What the HTTP parser says of the line that begins each HTTP/2 connection (RFC 9113, 3.4).
_H2_PREFACE = "PRI/Upgrade"

LONGEST_LINE = 32 * 1024
LONGEST_FIELD = 64 * 1024

_Refuse = Callable[[GatewayError, BaseRequest], web.Response]
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
    """Knows gRPC, which begins with a line that no HTTP/1 request has, and tells `on_grpc`. `refuse` makes the answer
    to what cannot be read, of which path and headers are unknown."""

    def __init__(
        self,
        handle: _Handle,
        make_request: Callable[..., BaseRequest],
        on_grpc: Callable[[], None],
        refuse: _Refuse,
        **options: Any,
    ) -> None:
        super().__init__(handle, request_factory=make_request, handler_cancellation=True, **options)
        self._options = options
        self._on_grpc = on_grpc
        self._refuse = refuse

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._on_grpc, self._refuse, loop=asyncio.get_running_loop(), **self._options)


class _Connection(web.RequestHandler):
    __slots__ = ("_on_grpc", "_refuse")

    def __init__(self, server: Http, on_grpc: Callable[[], None], refuse: _Refuse, **options: Any) -> None:
        super().__init__(server, **options)
        self._on_grpc = on_grpc
        self._refuse = refuse

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
        # It logs, and raises where an answer has begun.
        internal = super().handle_error(request, status, exc, message)
        if not isinstance(exc, HttpProcessingError):
            return internal
        answer = self._refuse(_too_long() if isinstance(exc, LineTooLong) else _unreadable(), request)
        answer.force_close()
        return answer


def _too_long() -> ClientError:
    return ClientError(
        f"The request's URL or one of its headers is too long: a URL may have {LONGEST_LINE >> 10} KiB, a header "
        f"{LONGEST_FIELD >> 10} KiB."
    )


def _unreadable() -> ClientError:
    # Without the bytes that broke, which may hold a key.
    return ClientError("The request cannot be read as HTTP/1.1: check its first line, its headers and its length.")
