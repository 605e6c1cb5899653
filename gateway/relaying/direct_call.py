"""A request over one of aiohttp's pooled connections, without what its session does besides.

Cookies, redirects, traces and a task for each body are nothing that a call to a provider needs, and took most of its
CPU. Connecting, TLS, pooling and the parsing of answers stay aiohttp's. Nothing here knows exchanges.
"""

import asyncio
import select
from collections.abc import Callable, Mapping
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_writer import StreamWriter
from aiohttp.streams import StreamReader
from yarl import URL

from gateway.http_head import http_head

# Larger bodies go out in slices of this size, so that 20 MB hold the loop no longer than 20 kB do.
SLICE = 256 * 1024
READ_BUFFER = 256 * 1024
_SWITCHING = 101
# What has come back to the pool at least once.
_used: WeakSet[ResponseHandler] = WeakSet()


class Place:
    """Where the requests to one URL go: what is the same in all of them."""

    __slots__ = ("_host", "_start", "request")

    def __init__(self, session: aiohttp.ClientSession, url: URL) -> None:
        # The connector knows by it where to connect; it is never sent.
        self.request = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop(), session=session)
        self._start = f"POST {url.raw_path_qs} HTTP/1.1"
        self._host = f"Host: {url.host_port_subcomponent}"

    def head(self, headers: Mapping[str, str], length: int) -> bytes:
        """The request up to its body, which has `length` bytes. Raises ValueError where a header is no line."""
        return http_head(self._start, headers, (self._host, f"Content-Length: {length}"))


class DirectAnswer:
    """An answer whose head has been read. `release` gives its connection back to the pool, `close` ends it."""

    __slots__ = ("_connection", "_writing", "content", "headers", "status")

    def __init__(
        self,
        connection: Connection,
        writing: "asyncio.Task[None] | None",
        status: int,
        headers: Mapping[str, str],
        content: StreamReader,
    ) -> None:
        self._connection = connection
        self._writing = writing
        self.status = status
        self.headers = headers
        self.content = content

    def release(self) -> None:
        if self._writing is not None and not self._writing.done():
            # It was answered before all of it was sent: what comes next would be taken for the rest.
            self.close()
        else:
            if (protocol := self._connection.protocol) is not None:
                _used.add(protocol)
            self._connection.release()

    def close(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
        self._connection.close()


async def ask(
    connector: aiohttp.BaseConnector,
    timeout: aiohttp.ClientTimeout,
    place: Place,
    headers: Mapping[str, str],
    body: bytes,
    connected: Callable[[], None],
) -> DirectAnswer:
    """Send a request, told by `connected` when a connection stands, and read its answer's head.

    Raises aiohttp.ClientError, OSError or TimeoutError where there is none.
    """
    head = place.head(headers, len(body))
    connection = await _connection(connector, place, timeout)
    writing: asyncio.Task[None] | None = None
    try:
        protocol = connection.protocol
        assert protocol is not None
        protocol.set_response_params(read_until_eof=True, read_bufsize=READ_BUFFER)
        connected()
        if len(body) <= SLICE:
            _write(protocol, head + body)
        else:
            # The answer keeps it, and whoever closes that ends it.
            writing = asyncio.get_running_loop().create_task(_write_in_slices(protocol, head, body))
        while True:
            message, content = await protocol.read()
            if message.code // 100 != 1 or message.code == _SWITCHING:
                return DirectAnswer(connection, writing, message.code, message.headers, content)
    except BaseException as error:
        if writing is not None:
            writing.cancel()
        connection.close()
        if isinstance(error, HttpProcessingError):
            raise aiohttp.ClientPayloadError("The answer is no HTTP.") from None
        raise


async def _connection(connector: aiohttp.BaseConnector, place: Place, timeout: aiohttp.ClientTimeout) -> Connection:
    """One from the pool that its provider has not closed, else a new one.

    What was sent over a closed one might have been answered, and paid for, before it broke: it cannot be sent again.
    So it is asked before anything is written, as the loop may not have had its turn since the end arrived.
    """
    while True:
        connection = await connector.connect(place.request, [], timeout)
        protocol = connection.protocol
        assert protocol is not None
        if protocol not in _used or not _has_come(protocol):
            return connection
        connection.close()


def _has_come(protocol: ResponseHandler) -> bool:
    """Whether there is anything to read: where nothing was asked, that is the connection's end."""
    transport = protocol.transport
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return False
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock.fileno()], [], [], 0)[0])


def _write(protocol: ResponseHandler, data: bytes) -> None:
    transport = protocol.transport
    if transport is None or transport.is_closing():
        raise aiohttp.ClientConnectionResetError("The connection was closed.")
    transport.write(data)


async def _write_in_slices(protocol: ResponseHandler, head: bytes, body: bytes) -> None:
    """Waits for the provider where it takes the body more slowly than we send it."""
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    try:
        await writer.write(head)
        for start in range(0, len(body), SLICE):
            await writer.write(body[start : start + SLICE])
            await asyncio.sleep(0)
    except (OSError, aiohttp.ClientError) as error:
        # Whoever awaits the answer is told; one that has come already stands.
        protocol.set_exception(aiohttp.ClientOSError(*error.args))
