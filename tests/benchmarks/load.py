"""The load generator: raw connections that send the next request when the last answer is complete.

It looks at as little as possible: the status, the first byte of the body and its end. Connections stay open between
slices.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from tests.benchmarks.chat import Ask

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_OVERTIME_S = 10.0
MAX_REQUESTS = 20_000


@dataclass
class Slice:
    """Seconds of each request: until the first byte of its body, and until its end; `own` is the target's CPU time
    until then, where it is measured. `bad` counts wrong answers."""

    first: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    bad: int = 0


class _Connection(asyncio.Protocol):
    """One client. `begin` starts it; it goes on until `until`, then sets its future."""

    def __init__(self) -> None:
        self.open = False
        self._transport: asyncio.Transport
        self._ask = Ask(b"")
        self._slice = Slice()
        self._until = 0.0
        self._cpu: Callable[[], float] | None = None
        self._done: asyncio.Future[None] | None = None
        self._reset()

    def _reset(self) -> None:
        self._held = b""
        self._body_at = -1
        self._need = -1
        self._first = 0.0
        self._cpu_before = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._done is not None and not self._done.done():
            self._slice.bad += 1
            self._done.set_result(None)

    def begin(self, ask: Ask, into: Slice, until: float, cpu: Callable[[], float] | None) -> "asyncio.Future[None]":
        self._ask, self._slice, self._until, self._cpu = ask, into, until, cpu
        self._done = asyncio.get_running_loop().create_future()
        self._send()
        return self._done

    def _send(self) -> None:
        self._reset()
        if self._cpu is not None:
            self._cpu_before = self._cpu()
        self._sent = time.perf_counter()
        self._transport.write(self._ask.request)

    def data_received(self, data: bytes) -> None:
        held = self._held = self._held + data if self._held else data
        if self._body_at < 0 and not self._read_head(held):
            return
        if not self._first and len(held) > self._body_at:
            self._first = time.perf_counter()
        if self._need >= 0:
            if len(held) >= self._need:
                self._answered(good=len(held) == self._need)
        elif held.endswith(b"\r\n0\r\n\r\n"):
            self._answered(good=self._ask.end in held)

    def _read_head(self, held: bytes) -> bool:
        end = held.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._body_at = end + 4
        length = _LENGTH.search(held, 0, end)
        if length is not None:
            self._need = self._body_at + int(length[1])
        return True

    def _answered(self, *, good: bool) -> None:
        now = time.perf_counter()
        into = self._slice
        if good and self._held.startswith(b"HTTP/1.1 200"):
            into.first.append(self._first - self._sent)
            into.total.append(now - self._sent)
            if self._cpu is not None:
                into.own.append(self._cpu() - self._cpu_before)
        else:
            into.bad += 1
        if now < self._until and len(into.total) < MAX_REQUESTS:
            self._send()
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def close(self) -> None:
        self._transport.close()


class Clients:
    """Open connections to one target."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connections: list[_Connection] = []
        self._free: list[_Connection] = []

    async def run(self, ask: Ask, clients: int, seconds: float, cpu: Callable[[], float] | None = None) -> Slice:
        """A slice. `cpu` tells the target's CPU time; one client's requests can be told apart by it. Raises
        TimeoutError where answers fail to come."""
        await self._connect(clients)
        into = Slice()
        until = time.perf_counter() + seconds
        async with asyncio.timeout(seconds + _OVERTIME_S):
            await asyncio.gather(
                *[connection.begin(ask, into, until, cpu) for connection in self._connections[:clients]]
            )
        return into

    async def once(self, ask: Ask, into: Slice) -> None:
        """One request, on a connection that is free. Raises TimeoutError where no answer comes."""
        connection = self._left_open() or await self._connected()
        async with asyncio.timeout(_OVERTIME_S):
            await connection.begin(ask, into, 0.0, None)
        if connection.open:
            self._free.append(connection)

    def _left_open(self) -> _Connection | None:
        """One that is free. After a burst the last ones rest until the gateway closes them."""
        while self._free:
            connection = self._free.pop()
            if connection.open:
                return connection
        return None

    async def _connect(self, clients: int) -> None:
        self._connections = [connection for connection in self._connections if connection.open]
        while len(self._connections) < clients:
            self._connections.append(await self._connected())

    async def _connected(self) -> _Connection:
        _, made = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", self._port)
        return made

    def close(self) -> None:
        for connection in (*self._connections, *self._free):
            connection.close()
