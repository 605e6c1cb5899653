"""The body of a request: whoever has read it is the only one to hold it."""

import sys

import aiohttp
from aiohttp import web

from gateway.http.incoming import Incoming


async def test_a_body_is_not_kept_with_its_connection(unused_tcp_port: int) -> None:
    held: list[int] = []

    async def take(request: web.BaseRequest) -> web.Response:
        body = await Incoming(request, 8 << 20).read()
        held.append(sys.getrefcount(body))
        return web.Response(text=str(len(body)))

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
        async with aiohttp.ClientSession() as session:
            # More than comes with the headers.
            answer = await session.post(f"http://127.0.0.1:{unused_tcp_port}/", data=b"x" * 500_000)
            assert await answer.text() == "500000"
    finally:
        await runner.cleanup()
    here = object()
    assert held == [sys.getrefcount(here)]
