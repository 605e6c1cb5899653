"""Calls to providers: one pool of connections, no timer per request, redirects not followed.

A call goes out directly over a pooled connection; where a proxy stands in between, or the address holds a password,
aiohttp's session does it. Proxies are looked up once per address. What goes wrong becomes an `UpstreamError` whose
sentence names the provider and no secret.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from yarl import URL

from gateway.errors import UpstreamError
from gateway.events import broken_off
from gateway.proxy_trouble import proxy_trouble
from gateway.relaying.direct_call import READ_BUFFER, SLICE, Place, ask
from gateway.relaying.exchange import Exchange
from gateway.system_proxy import UnusableProxy, system_proxy

KEEPALIVE_S = 30.0
USER_AGENT = "faregate"
# Of one answer, inflated. The largest that is known, 2,048 embeddings of 3,072 numbers each, has 190 MB.
LARGEST_ANSWER = 256 * 2**20
# URLs whose ways are remembered: a provider has few, where its dialect names the model in the path one for each.
_MOST_PLACES = 1000


class _Reply(Protocol):
    """An answer of aiohttp's session, or of `direct_call`."""

    status: int
    content: aiohttp.StreamReader

    @property
    def headers(self) -> Mapping[str, str]: ...

    def release(self) -> object: ...

    def close(self) -> None: ...


class _Body(Payload):
    """Bytes of any size; aiohttp's own payload for bytes warns from 1 MB on, and would hold the loop."""

    _value: bytes

    def __init__(self, value: bytes, connected: Callable[[], None]) -> None:
        super().__init__(value, content_type="application/json")
        self._size = len(value)
        self._connected = connected

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._value.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        # The connection stands, and the headers go out with the first bytes.
        self._connected()
        for start in range(0, len(self._value), SLICE):
            await writer.write(self._value[start : start + SLICE])
            await asyncio.sleep(0)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        await self.write(writer)


class Answer:
    """A provider's answer. Waiting for it counts as the provider's time; `close` cancels what has not come.

    Reading raises UpstreamError where the connection breaks before the answer's end, or there is too much of it.
    """

    __slots__ = ("_content", "_exchange", "_reply", "_size", "_title", "headers", "status")

    def __init__(self, exchange: Exchange, title: str, reply: _Reply) -> None:
        self._exchange = exchange
        self._title = title
        self._reply = reply
        self._content = reply.content
        self._size = 0
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers

    async def read(self) -> bytes:
        """The whole body."""
        pieces = []
        while data := await self.chunk():
            pieces.append(data)
        return b"".join(pieces)

    async def chunk(self) -> bytes:
        """The next bytes as they arrive, b"" at the end."""
        before = time.perf_counter_ns()
        try:
            data = await self._content.readany()
        except (aiohttp.ClientError, OSError, ValueError):
            raise self._failed(broken_off(self._title), "connection_lost") from None
        finally:
            self._exchange.provider_ns += time.perf_counter_ns() - before
        self._size += len(data)
        if self._size > LARGEST_ANSWER:
            most = f"{LARGEST_ANSWER >> 20} MiB"
            raise self._failed(f"{self._title} answered with more than {most}: ask for less.", "unreadable_answer")
        return data

    @property
    def ended(self) -> bool:
        """All of it has been read: `chunk` would give b"" at once."""
        return self._content.at_eof()

    def close(self) -> None:
        """Let the connection go: back to the pool where the answer is complete, else closed at once."""
        if self._content.is_eof():
            self._reply.release()
        else:
            self._reply.close()

    def _failed(self, words: str, kind: str) -> UpstreamError:
        return UpstreamError(words, status=502, kind=kind, upstream_status=self.status, own_words=True)


class Upstream:
    """The client session of one gateway. `connect_s` limits connecting; all other limits are the caller's."""

    def __init__(self, connect_s: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        self._proxies: dict[tuple[str, str | None], str | None] = {}
        self._places: dict[URL, Place | None] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S, ttl_dns_cache=300),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
                read_bufsize=READ_BUFFER,
            )
        return self._session

    async def send(
        self, exchange: Exchange, title: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> "Answer":
        """The provider's answer, its headers read and its body not. Raises UpstreamError where there is none."""
        before = time.perf_counter_ns()

        def connected() -> None:
            exchange.sent_ns = time.perf_counter_ns()

        try:
            return Answer(exchange, title, await self._reply(url, headers, body, connected))
        except (aiohttp.ClientError, OSError, TimeoutError, UnusableProxy) as error:
            # aiohttp's frames hold the error, and its traceback them and ours: a circle with the body in it.
            error.__traceback__ = None
            raise unreachable(title, error, self._proxies.get((url.scheme, url.host)), str(url)) from None
        finally:
            exchange.provider_ns += time.perf_counter_ns() - (exchange.sent_ns or before)

    async def _reply(
        self, url: URL, headers: Mapping[str, str], body: bytes, connected: Callable[[], None]
    ) -> _Reply:
        session = self.session
        place = self._place(session, url)
        if place is not None and session.connector is not None:
            return await ask(session.connector, self._timeout, place, headers, body, connected)
        return await session.post(
            url, data=_Body(body, connected), headers=headers, allow_redirects=False, proxy=self._proxy(url)
        )

    def _place(self, session: aiohttp.ClientSession, url: URL) -> Place | None:
        """The way to a URL; None where it is not a direct one."""
        if url not in self._places:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            direct = self._proxy(url) is None and url.raw_user is None and url.raw_password is None
            self._places[url] = Place(session, url) if direct else None
        return self._places[url]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            self._places.clear()

    def _proxy(self, url: URL) -> str | None:
        # The system may name one for each scheme.
        place = url.scheme, url.host
        if place not in self._proxies:
            self._proxies[place] = system_proxy(str(url))
        return self._proxies[place]


def unreachable(title: str, error: BaseException, proxy: str | None = None, url: str = "") -> UpstreamError:
    """What a failed connection means, in a sentence; never the error's own words, which can hold an address.

    `proxy` is what the call to `url` went through.
    """
    if trouble := proxy_trouble(error, proxy, url):
        reason = trouble
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = "its certificate cannot be trusted: check the clock, the proxy and the base URL"
    elif isinstance(error, aiohttp.ClientSSLError):
        reason = "it takes no secure connection: check the proxy, and whether the base URL should begin with http://"
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        reason = "its name cannot be found: check the network and the base URL"
    elif isinstance(error, TimeoutError):
        way = "the network" if proxy is None else "the network and the system's proxy"
        return UpstreamError(
            f"{title} did not accept a connection in time: check {way}, then try again.",
            status=504,
            kind="timeout",
            own_words=True,
        )
    elif isinstance(error, aiohttp.ClientConnectorError | ConnectionRefusedError):
        reason = "the connection was refused: check the network and the base URL"
    elif isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientResponseError):
        reason = "what answers there does not speak HTTP as it should: check the base URL"
    else:
        reason = "it closed the connection before answering: try again"
    words = f"{title} cannot be reached, {reason}."
    return UpstreamError(words, status=502, kind="connection_lost", own_words=True)
