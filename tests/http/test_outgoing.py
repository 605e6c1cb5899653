"""Answers on the wire, byte by byte: what clients of HTTP/1.1 and older ones get, whole and streamed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.web_request import BaseRequest

from gateway.capture.heard import Heard
from gateway.http.outgoing import Outgoing
from gateway.keys.access import Principal
from gateway.relaying.doors import DOORS
from gateway.relaying.exchange import Exchange
from tests.waiting import PATIENCE_S

NO_CORS: Mapping[str, str] = {}
Answer = Callable[[Outgoing], Awaitable[None]]
ASK = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def talking(
    answer: Answer, cors: Mapping[str, str] = NO_CORS
) -> AsyncIterator[Callable[..., Awaitable[bytes]]]:
    """Sends bytes on one connection and gives what comes until it ends or a mark has come so many times."""

    async def handle(request: BaseRequest) -> web.StreamResponse:
        await request.read()
        exchange = Exchange("openai_chat", Principal("key_1", "key", "execute", None, ()), 0)
        exchange.heard = Heard(DOORS[0])
        out = Outgoing(request, exchange, cors)
        await answer(out)
        assert out.response is not None and exchange.client_ns > 0
        return out.response

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])

    async def talk(data: bytes, until: bytes | None = None) -> bytes:
        writer.write(data)
        async with asyncio.timeout(PATIENCE_S):
            return await (reader.read() if until is None else reader.readuntil(until))

    try:
        yield talk
    finally:
        writer.close()
        await runner.cleanup()


def parts(answer: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """First line, headers by lower-case name, body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = [line.split(b": ", 1) for line in lines]
    assert len({name.lower() for name, _ in pairs}) == len(pairs)
    return first, {name.lower(): value for name, value in pairs}, body


async def whole(out: Outgoing) -> None:
    await out.whole(200, {"content-type": "application/json", "x-a": "é"}, b'{"ok":true}')


async def streamed(out: Outgoing) -> None:
    await out.start(200, {"content-type": "text/event-stream"})
    for data in (b"data: 1\n\n", b"", b"data: 2\n\n" * 3):
        await out.write(data)
    await out.finish(b"data: end\n\n")


async def test_a_whole_answer_keeps_its_connection() -> None:
    async with talking(whole, {"vary": "origin"}) as talk:
        for _ in range(2):
            first, headers, body = parts(await talk(ASK, b"}"))
            assert (first, body) == (b"HTTP/1.1 200 OK", b'{"ok":true}')
            assert headers.keys() == {b"content-type", b"x-a", b"vary", b"content-length", b"date", b"server"}
            assert (headers[b"content-length"], headers[b"x-a"]) == (b"11", "é".encode())


async def test_a_client_that_closes_is_told_so_and_closed() -> None:
    async with talking(whole) as talk:
        _, headers, body = parts(await talk(ASK.replace(b"Host", b"Connection: close\r\nHost")))
        assert (headers[b"connection"], body) == (b"close", b'{"ok":true}')


async def test_a_stream_is_chunks_and_its_end() -> None:
    async with talking(streamed) as talk:
        for _ in range(2):
            _, headers, body = parts(await talk(ASK, b"0\r\n\r\n"))
            assert headers[b"transfer-encoding"] == b"chunked" and b"content-length" not in headers
            assert body == (
                b"9\r\ndata: 1\n\n\r\n1b\r\n" + b"data: 2\n\n" * 3 + b"\r\nb\r\ndata: end\n\n\r\n0\r\n\r\n"
            )


async def test_a_stream_may_end_without_a_word() -> None:
    async def empty(out: Outgoing) -> None:
        await out.start(200, {"content-type": "text/event-stream"})
        await out.finish(b"")

    async with talking(empty) as talk:
        assert parts(await talk(ASK, b"0\r\n\r\n"))[2] == b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "body"), [(whole, b'{"ok":true}'), (streamed, b"data: 1\n\n" + b"data: 2\n\n" * 3 + b"data: end\n\n")]
)
async def test_who_speaks_an_older_http_gets_no_chunks(answer: Answer, body: bytes) -> None:
    async with talking(answer) as talk:
        first, headers, said = parts(await talk(ASK.replace(b"HTTP/1.1", b"HTTP/1.0")))
        assert first == b"HTTP/1.0 200 OK" and b"transfer-encoding" not in headers
        assert said == body


async def test_a_large_answer_arrives_as_it_is() -> None:
    large = bytes(range(256)) * 4096

    async def answer(out: Outgoing) -> None:
        await out.whole(502, {"content-type": "application/json"}, large)

    async with talking(answer) as talk:
        first, headers, body = parts(await talk(ASK.replace(b"Host", b"Connection: close\r\nHost")))
        assert (first, body) == (b"HTTP/1.1 502 Bad Gateway", large) and headers[b"content-length"] == b"1048576"


async def test_a_status_without_a_body_has_none() -> None:
    async def answer(out: Outgoing) -> None:
        await out.whole(204, {}, b"")

    async with talking(answer) as talk:
        first, headers, body = parts(await talk(ASK.replace(b"Host", b"Connection: close\r\nHost")))
        assert (first, body) == (b"HTTP/1.1 204 No Content", b"") and b"content-length" not in headers


@pytest.mark.parametrize("bad", ["a\r\nx-b: c", "a\nb", "a\rb", "a\0"])
async def test_a_header_of_two_lines_is_never_sent(bad: str) -> None:
    async def answer(out: Outgoing) -> None:
        with pytest.raises(ValueError, match="one line"):
            await out.whole(200, {"x-a": bad}, b"{}")
        await out.whole(500, {}, b"{}")

    async with talking(answer) as talk:
        assert (await talk(ASK, b"{}")).startswith(b"HTTP/1.1 500 ")
