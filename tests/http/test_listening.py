"""A listening socket that something outside closes: it is opened again, or the gateway says that it does not run."""

import asyncio
import logging
import socket
from pathlib import Path

import aiohttp
import pytest

from gateway import DataFolder, Gateway, Settings
from gateway.http import listening
from gateway.http.server import Server
from tests.waiting import until


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LOOKED_AT_S", 0.01)


async def serving(folder: Path) -> Gateway:
    gateway = Gateway(DataFolder(folder), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    assert gateway.state.word == "running"
    return gateway


def destroy(server: Server | None) -> None:
    """What it listens on, as the system does it."""
    assert server is not None and server._listening is not None and server._listening._site is not None
    heard = server._listening._site._server
    assert isinstance(heard, asyncio.Server)
    for one in heard.sockets:
        one.shutdown(socket.SHUT_RDWR)


async def healthy(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_a_socket_that_is_closed_from_outside_is_opened_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await serving(tmp_path)
    url = gateway.state.url
    async with aiohttp.ClientSession() as before, aiohttp.ClientSession() as after:
        assert await healthy(before, url)
        caplog.set_level(logging.WARNING)
        destroy(gateway._parts.server)
        while not await healthy(after, url):
            await asyncio.sleep(0)
        assert await healthy(before, url), "a connection that stood goes on"
    assert (gateway.state.word, gateway.state.url) == ("running", url)
    assert sum("closed from outside, and is open again" in record.message for record in caplog.records) == 1
    await gateway.close()


async def test_where_its_port_is_gone_too_the_gateway_says_that_it_does_not_run(tmp_path: Path) -> None:
    gateway = await serving(tmp_path)
    server = gateway._parts.server
    assert server is not None
    destroy(server)
    with socket.create_server(("127.0.0.1", server.port)):
        await until(lambda: gateway.state.word == "port_in_use")
    await gateway.start()
    assert gateway.state.word == "running"
    await gateway.close()
