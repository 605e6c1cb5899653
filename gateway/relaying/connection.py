"""The client's end of an exchange, as the relay sees it: what it asks and where its answer goes."""

from collections.abc import Mapping
from typing import Protocol


class Incoming(Protocol):
    """The client's request. `line` is its method and path as they came, `headers` is case-insensitive; `read` raises
    ClientError (413) or ConnectionError."""

    line: str
    headers: Mapping[str, str]

    async def read(self) -> bytes: ...


class Client(Protocol):
    """The client's end of the connection; waiting for its socket is counted on the exchange."""

    @property
    def started(self) -> bool: ...

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None: ...

    async def start(self, status: int, headers: Mapping[str, str]) -> None: ...

    async def write(self, data: bytes) -> None: ...

    async def finish(self, data: bytes) -> None: ...
