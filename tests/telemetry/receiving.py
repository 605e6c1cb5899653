"""A receiver with its server on loopback, in this process, in front of a consumer that remembers what it was given."""

import contextlib
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from msgspec.structs import replace

from gateway.configuration.settings import Settings
from gateway.folder import DataFolder
from gateway.http.server import Server
from gateway.keys.access import AccessKeys, Principal
from gateway.receiver import Receiver
from gateway.telemetry.records import Batch
from tests.waiting import PATIENCE_S


@dataclass
class Remembering:
    """Says no while `full`; holds each call until `go` is set."""

    taken: list[tuple[Batch, Principal]] = field(default_factory=list)
    full: bool = False
    go: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    fails: bool = False

    def __post_init__(self) -> None:
        self.go.set()

    def accept(self, batch: Batch, principal: Principal) -> bool:
        self.entered.set()
        self.go.wait(PATIENCE_S)
        if self.fails:
            raise OSError("the disk is full")
        if self.full:
            return False
        self.taken.append((batch, principal))
        return True

    def counts(self) -> tuple[int, int, int]:
        batches = [batch for batch, _ in self.taken]
        return (
            sum(len(batch.spans) for batch in batches),
            sum(len(batch.logs) for batch in batches),
            sum(len(batch.metrics) for batch in batches),
        )


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiving:
    receiver: Receiver
    consumer: Remembering
    url: str
    key: str
    keys: AccessKeys
    session: aiohttp.ClientSession
    told: list[tuple[str, ...]]

    async def post(
        self,
        path: str,
        body: Any,
        content_type: str | None = "application/x-protobuf",
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        url: str | None = None,
    ) -> Reply:
        """With the key as a Bearer, unless `headers` say otherwise."""
        sent = {"Authorization": f"Bearer {self.key}"} if headers is None or "Authorization" not in headers else {}
        sent |= {name: value for name, value in (headers or {}).items() if value}
        skipped = () if content_type else ("Content-Type",)
        if content_type:
            sent["Content-Type"] = content_type
        async with self.session.request(
            method, f"{url or self.url}{path}", data=body, headers=sent, skip_auto_headers=skipped
        ) as answer:
            return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read())


@contextlib.asynccontextmanager
async def receiving(folder: Path, **telemetry: Any) -> AsyncIterator[Receiving]:
    (folder / "data").mkdir()
    keys = AccessKeys(DataFolder(folder / "data"))
    consumer, told = Remembering(), list[tuple[str, ...]]()
    settings = Settings(port=0)
    settings = replace(settings, telemetry=replace(settings.telemetry, **telemetry))
    receiver = Receiver(settings, keys, consumer, own_instance="us", told=lambda: told.append(receiver.notices))
    receiver.intake.start()
    server = Server(settings, keys, None, receiver.routes, anybody=receiver.anybody, on_grpc=receiver.spoke_grpc)
    await server.start()
    try:
        await receiver.listen()
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            key = keys.create("exporter", user="ann").key
            yield Receiving(receiver, consumer, f"http://127.0.0.1:{server.port}", key, keys, session, told)
    finally:
        consumer.go.set()
        await receiver.stop(0)
        await server.stop(0)
        receiver.intake.close()
        keys.close()
