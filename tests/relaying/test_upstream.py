"""Calls to providers: sentences for what goes wrong, big bodies in slices, proxies, and connections let go."""

import asyncio
import gc
import gzip
import socket
import ssl
import weakref
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from gateway.errors import UpstreamError
from gateway.keys.access import Principal
from gateway.relaying.exchange import Exchange
from gateway.relaying.upstream import Upstream, unreachable
from tests.waiting import PATIENCE_S

KEY = ConnectionKey("secret-host.example", 443, True, True, None, None, None)
REFUSED = aiohttp.ClientConnectorError(KEY, OSError(111, "refused"))


@pytest.mark.parametrize(
    ("error", "status", "kind", "words"),
    [
        (REFUSED, 502, "connection_lost", "the connection was refused"),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no name")),
            502,
            "connection_lost",
            "name cannot be found",
        ),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("bad")),
            502,
            "connection_lost",
            "certificate",
        ),
        (aiohttp.ClientConnectorSSLError(KEY, OSError("tls")), 502, "connection_lost", "no secure connection"),
        (aiohttp.ServerDisconnectedError(), 502, "connection_lost", "closed the connection before answering"),
        (aiohttp.ClientOSError(104, "reset"), 502, "connection_lost", "closed the connection before answering"),
        (aiohttp.ConnectionTimeoutError("slow"), 504, "timeout", "did not accept a connection in time"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_litellm_15799_what_cannot_be_reached_is_one_sentence_without_an_address(
    error: BaseException, status: int, kind: str, words: str
) -> None:
    told = unreachable("Some Provider", error)
    assert (told.status, told.kind) == (status, kind)
    assert told.message.startswith("Some Provider ") and words in told.message and told.message.endswith(".")
    assert "secret-host" not in told.message


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream(2.0)
    yield made
    await made.close()
    # The connector's sockets are closed on the loop's next turn.
    await asyncio.sleep(0)


Serve = Callable[[web.BaseRequest], Any]


@pytest.fixture
async def serving() -> AsyncIterator[Callable[[Serve], Any]]:
    runners: list[web.ServerRunner] = []

    async def start(handler: Serve) -> URL:
        runner = web.ServerRunner(web.Server(handler, handler_cancellation=True), shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return URL(f"http://127.0.0.1:{runner.addresses[0][1]}/path")

    yield start
    for runner in runners:
        await runner.cleanup()


def exchange() -> Exchange:
    return Exchange("openai_chat", Principal("key_1", "key", "execute", None, ()), 0)


async def test_a_connection_that_its_provider_has_closed_is_not_written_to(upstream: Upstream) -> None:
    """Closed after the pool last looked: the loop had no turn since, as beside a busy window."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = URL(f"http://127.0.0.1:{listening.getsockname()[1]}/path")

        def answer() -> socket.socket:
            connection, _ = listening.accept()
            asked.append(connection.recv(65_536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return connection

        async def call() -> tuple[socket.socket, bytes]:
            serving = asyncio.get_running_loop().run_in_executor(None, answer)
            reply = await upstream.send(exchange(), "Some", url, {}, b"{}")
            said = await reply.read()
            reply.close()
            return await serving, said

        first, said = await call()
        assert said == b"ok"
        first.close()
        second, said = await call()
        assert said == b"ok" and len(asked) == 2
        second.close()


async def test_a_connection_that_stands_is_used_again(upstream: Upstream, serving: Any) -> None:
    seen: set[object] = set()

    async def take(request: web.BaseRequest) -> web.Response:
        seen.add(request.transport)
        return web.Response(text="taken")

    url = await serving(take)
    for _ in range(3):
        answer = await upstream.send(exchange(), "Some", url, {}, b"{}")
        await answer.read()
        answer.close()
    assert len(seen) == 1


async def test_a_big_body_arrives_whole_and_lets_others_run(upstream: Upstream, serving: Any) -> None:
    body = bytes(range(256)) * (20_000_000 // 256)
    seen: list[bytes] = []

    async def take(request: web.BaseRequest) -> web.Response:
        request._client_max_size = 64 << 20
        seen.append(await request.read())
        return web.Response(text="taken")

    url = await serving(take)
    loop = asyncio.get_running_loop()
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1
        ticks.handle = loop.call_soon(count)

    ticks = SimpleNamespace(handle=loop.call_soon(count))
    one = exchange()
    answer = await upstream.send(one, "Some", url, {"content-type": "application/json"}, body)
    ticks.handle.cancel()
    assert await answer.read() == b"taken" and seen == [body]
    assert turns > len(body) / (256 * 1024) and one.sent_ns and one.provider_ns
    answer.close()


class _Headers(dict[str, str]):
    """Headers whose end can be seen; where they are held, so is the body."""


async def test_a_call_that_is_refused_is_held_by_no_circle(upstream: Upstream, unused_tcp_port: int) -> None:
    headers = _Headers()
    held = weakref.ref(headers)
    gc.disable()
    try:
        with pytest.raises(UpstreamError):
            await upstream.send(exchange(), "Some", URL(f"http://127.0.0.1:{unused_tcp_port}/"), headers, b"{}")
        del headers
        assert held() is None
    finally:
        gc.enable()


async def test_a_closed_answer_is_a_closed_connection(upstream: Upstream, serving: Any) -> None:
    left = asyncio.Event()

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return response

    answer = await upstream.send(exchange(), "Some", await serving(stream), {}, b"{}")
    assert await answer.chunk() == b"first"
    answer.close()
    async with asyncio.timeout(PATIENCE_S):
        await left.wait()


async def test_complete_answers_leave_their_connection_for_the_next(upstream: Upstream, serving: Any) -> None:
    ports: set[Any] = set()

    async def note(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return web.Response(text="hello")

    url = await serving(note)
    for _ in range(5):
        answer = await upstream.send(exchange(), "Some", url, {}, b"{}")
        pieces = b""
        while data := await answer.chunk():
            pieces += data
        assert pieces == b"hello"
        answer.close()
    assert len(ports) == 1


async def test_a_cut_answer_is_told(upstream: Upstream, serving: Any) -> None:
    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b"only this")
        assert request.transport is not None
        request.transport.close()
        return response

    url = await serving(cut)
    for read in ("read", "chunk"):
        answer = await upstream.send(exchange(), "Some", url, {}, b"{}")
        with pytest.raises(UpstreamError, match="Some broke off its answer") as broken:
            while await getattr(answer, read)():
                pass
        assert (broken.value.status, broken.value.kind, broken.value.upstream_status) == (502, "connection_lost", 200)
        answer.close()


async def test_an_answer_without_an_end_fills_no_memory(
    upstream: Upstream, serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.relaying.upstream.LARGEST_ANSWER", 2 * 2**20)

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async def bomb(request: web.BaseRequest) -> web.Response:
        return web.Response(body=gzip.compress(bytes(64 * 2**20)), headers={"content-encoding": "gzip"})

    for serve in endless, bomb:
        url = await serving(serve)
        for read in ("read", "chunk"):
            answer = await upstream.send(exchange(), "Some", url, {}, b"{}")
            with pytest.raises(UpstreamError, match="Some answered with more than 2 MiB") as large:
                while await getattr(answer, read)():
                    pass
            assert (large.value.status, large.value.kind, large.value.own_words) == (502, "unreadable_answer", True)
            answer.close()


async def test_an_answer_of_the_largest_size_is_whole(
    upstream: Upstream, serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.relaying.upstream.LARGEST_ANSWER", 2 * 2**20)

    async def large(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"x" * 2 * 2**20)

    answer = await upstream.send(exchange(), "Some", await serving(large), {}, b"{}")
    assert len(await answer.read()) == 2 * 2**20
    answer.close()


async def test_proxies_are_the_system_s(upstream: Upstream, serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def proxy(request: web.BaseRequest) -> web.Response:
        return web.Response(text=f"{request.method} {request.url}")

    url = await serving(proxy)
    monkeypatch.setenv("http_proxy", str(url.origin()))
    monkeypatch.setenv("no_proxy", "direct.invalid")
    answer = await upstream.send(exchange(), "Some", URL("http://far.invalid/v1/x"), {}, b"{}")
    assert await answer.read() == b"POST http://far.invalid/v1/x"
    answer.close()
    with pytest.raises(UpstreamError, match="its name cannot be found"):
        await upstream.send(exchange(), "Some", URL("http://direct.invalid/v1/x"), {}, b"{}")


async def test_a_host_s_proxy_is_that_of_its_scheme(
    upstream: Upstream, serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def proxy(request: web.BaseRequest) -> web.Response:
        return web.Response(text="by the proxy") if request.method == "POST" else web.Response(status=407)

    monkeypatch.setenv("http_proxy", str((await serving(proxy)).origin()))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1:9 does not answer"):
        await upstream.send(exchange(), "Some", URL("https://far.invalid/v1/x"), {}, b"{}")
    answer = await upstream.send(exchange(), "Some", URL("http://far.invalid/v1/x"), {}, b"{}")
    assert await answer.read() == b"by the proxy"
    answer.close()


@pytest.mark.parametrize("host", ["bücher.invalid", "far.invalid."])
async def test_a_provider_that_is_not_found_is_not_its_proxy(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UpstreamError, match="its name cannot be found"):
        await upstream.send(exchange(), "Some", URL(f"http://{host}/v1/x"), {}, b"{}")


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://127.0.0.1:9", "the system's proxy 127.0.0.1:9 does not answer"),
        ("http://no-such-proxy.invalid:3128", "the system's proxy no-such-proxy.invalid:3128 cannot be found"),
        ("socks5://127.0.0.1:1080", "the system's proxy cannot be used"),
        ("407", "refuses the connection (407)"),
        ("https", "takes no secure connection: check its certificate, and"),
    ],
)
async def test_a_proxy_that_fails_is_not_the_provider(
    upstream: Upstream, serving: Any, monkeypatch: pytest.MonkeyPatch, proxy: str, words: str
) -> None:
    async def refuse(request: web.BaseRequest) -> web.Response:
        return web.Response(status=407)

    origin = (await serving(refuse)).origin()
    served = {"407": str(origin), "https": str(origin.with_scheme("https"))}
    monkeypatch.setenv("https_proxy", served.get(proxy, proxy))
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(UpstreamError) as told:
        await upstream.send(exchange(), "Some", URL("https://far.invalid/v1/x"), {}, b"{}")
    assert (told.value.status, words in told.value.message, "HTTPS_PROXY" in told.value.message) == (502, True, True)


@asynccontextmanager
async def speaking(
    speak: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[URL]:
    """A server that writes what it likes; it closes each connection when it has spoken."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await speak(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/x?alt=sse")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_request_is_the_headers_given_and_the_body(upstream: Upstream) -> None:
    heard: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(8))
        writer.write(OK)

    async with speaking(speak) as url:
        headers = {"content-type": "application/json", "authorization": "Bearer sk-1", "user-agent": "x"}
        answer = await upstream.send(exchange(), "Some", url, headers, b'{"a": 1}')
        assert await answer.read() == b"ok"
        answer.close()
    said = b"POST /v1/x?alt=sse HTTP/1.1\r\ncontent-type: application/json\r\nauthorization: Bearer sk-1\r\n"
    more = b"user-agent: x\r\nHost: %b\r\nContent-Length: 8\r\n\r\n" % url.authority.encode()
    assert heard == [said + more + b'{"a": 1}']


async def test_a_header_of_two_lines_is_never_sent(upstream: Upstream) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("nothing was to be sent")

    async with speaking(speak) as url:
        for bad in ("a\r\nx: y", "a\nx: y", "a\rb", "a\0"):
            with pytest.raises(ValueError, match="one line"):
                await upstream.send(exchange(), "Some", url, {"x-a": bad}, b"{}")


async def test_an_answer_that_comes_before_the_body_is_sent_stands_and_ends_its_connection(
    upstream: Upstream,
) -> None:
    ended = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        while await reader.read(2**20):
            if ended.is_set():
                break
            await asyncio.sleep(0.01)
        ended.set()

    async with speaking(speak) as url:
        answer = await upstream.send(exchange(), "Some", url, {}, bytes(40_000_000))
        assert answer.status == 413 and await answer.read() == b"no"
        answer.close()
        async with asyncio.timeout(PATIENCE_S):
            await ended.wait()


@pytest.mark.parametrize("hint", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"])
async def test_what_only_announces_an_answer_is_passed_over(upstream: Upstream, hint: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(hint + OK)

    async with speaking(speak) as url:
        answer = await upstream.send(exchange(), "Some", url, {}, b"{}")
        assert (answer.status, await answer.read()) == (200, b"ok")
        answer.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"hello\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-", "closed the connection before answering"),
        (b"", "closed the connection before answering"),
    ],
    ids=["other", "cut", "none"],
)
async def test_no_answer_is_told(upstream: Upstream, said: bytes, words: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(said)

    async with speaking(speak) as url:
        with pytest.raises(UpstreamError, match=words) as told:
            await upstream.send(exchange(), "Some", url, {}, b"{}")
        assert (told.value.status, told.value.kind) == (502, "connection_lost")


def pooled(upstream: Upstream) -> list[Any]:
    connector = upstream.session.connector
    assert connector is not None
    return [held for connections in connector._conns.values() for held, _ in connections]


async def test_a_connection_that_its_provider_ended_is_not_used_again(upstream: Upstream) -> None:
    met = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal met
        met += 1
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(OK)

    async with speaking(speak) as url:
        for number in (1, 2, 3):
            answer = await upstream.send(exchange(), "Some", url, {}, b"{}")
            assert await answer.read() == b"ok" and met == number
            answer.close()
            # Until the end of the connection has come here, it looks as good as any.
            async with asyncio.timeout(PATIENCE_S):
                while any(held.is_connected() for held in pooled(upstream)):
                    await asyncio.sleep(0)


async def test_who_is_cancelled_while_waiting_ends_the_connection(upstream: Upstream) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        asked.set()
        assert await reader.read() == b""
        left.set()

    async with speaking(speak) as url:
        waiting = asyncio.create_task(upstream.send(exchange(), "Some", url, {}, b"{}"))
        async with asyncio.timeout(PATIENCE_S):
            await asked.wait()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await left.wait()


async def test_an_address_with_a_password_sends_it(upstream: Upstream, serving: Any) -> None:
    async def show(request: web.BaseRequest) -> web.Response:
        return web.Response(text=f"{request.headers['Authorization']} {request.headers['Host']}")

    url = await serving(show)
    answer = await upstream.send(exchange(), "Some", url.with_user("ana").with_password("b c"), {}, b"{}")
    assert await answer.read() == b"Basic %b %b" % (b64encode(b"ana:b c"), url.authority.encode())
    answer.close()
