"""The socket that the gateway listens on, also after something outside closed it.

A system may destroy a socket under a program (a network that is taken down, a tool that kills connections). asyncio
then fails to accept again and again, and nobody is told: so it is looked at each second, and opened anew where it no
longer listens.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

from aiohttp import web

from gateway.http.connections import http_log

LOOKED_AT_S = 1.0


class Listening:
    """Takes a runner's connections. `on_deaf(error)` is told where the socket was closed and its port is not to be
    had again; what runs already goes on."""

    def __init__(
        self,
        runner: web.ServerRunner,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        on_deaf: Callable[[OSError], None] | None = None,
    ) -> None:
        self._runner = runner
        self._host = host
        self._tls = tls
        self._on_deaf = on_deaf
        self._site: web.TCPSite | None = None
        self._watching: asyncio.Task[None] | None = None
        self.port = port

    async def start(self) -> None:
        """Raises OSError where the port cannot be had."""
        await self._open()
        self.port = self._runner.addresses[0][1]
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Take no more connections."""
        if self._watching is not None:
            self._watching.cancel()
        await self._close()

    async def _open(self) -> None:
        site = web.TCPSite(self._runner, self._host, self.port, ssl_context=self._tls)
        try:
            await site.start()
        except OSError:
            await site.stop()
            raise
        self._site = site

    async def _close(self) -> None:
        site, self._site = self._site, None
        if site is not None:
            await site.stop()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOKED_AT_S)
            if self._hears():
                continue
            await self._close()
            try:
                await self._open()
            except OSError as error:
                http_log.error("The listening socket was closed from outside, and is not to be had again: %s", error)
                if self._on_deaf is not None:
                    self._on_deaf(error)
                return
            http_log.warning("The listening socket was closed from outside, and is open again")

    def _hears(self) -> bool:
        # aiohttp has no other way to them.
        server = self._site._server if self._site is not None else None
        sockets = server.sockets if isinstance(server, asyncio.Server) else ()
        try:
            return all(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for one in sockets)
        except OSError:
            # Windows' loop closes a socket that accepts nobody.
            return False
