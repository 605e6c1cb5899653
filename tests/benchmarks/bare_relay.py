"""The yardstick: the plainest relay that aiohttp's documentation would have one write. No key, no usage, no row."""

import asyncio
import sys

import aiohttp
from aiohttp import web

from tests.benchmarks.ready import listen, run


async def _serve(upstream: str) -> None:
    url = f"{upstream}/v1/chat/completions"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            headers = {"Content-Type": "application/json", "Authorization": "Bearer upstream"}
            async with session.post(url, data=body, headers=headers) as answer:
                kind = {"Content-Type": answer.headers["Content-Type"]}
                if "json" in kind["Content-Type"]:
                    return web.Response(body=await answer.read(), status=answer.status, headers=kind)
                response = web.StreamResponse(status=answer.status, headers=kind)
                await response.prepare(request)
                async for data in answer.content.iter_any():
                    await response.write(data)
                await response.write_eof()
                return response

        app = web.Application()
        app.router.add_post("/v1/chat/completions", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.SockSite(runner, listen()).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    run(_serve(sys.argv[1]))
