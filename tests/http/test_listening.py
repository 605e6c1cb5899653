"""A listening socket that something outside closes: it is opened again, or the gateway says that it does not run."""

import asyncio
import logging
import socket
from pathlib import Path

import aiohttp
import pytest

from gateway import DataFolder, Gateway, Settings
from gateway.configuration.settings import Telemetry
from gateway.http import listening
from gateway.http.server import Server
from tests.waiting import PATIENCE_S, until


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LOOKED_AT_S", 0.01)


async def serving(folder: Path, standard_port: int | None = None) -> Gateway:
    telemetry = Telemetry(standard_port=standard_port)
    gateway = Gateway(DataFolder(folder), Settings(port=0, vault_backend="memory", telemetry=telemetry))
    await gateway.start()
    assert gateway.state.word == "running"
    return gateway


def heard(server: Server | None) -> asyncio.Server:
    assert server is not None and server._listening is not None and server._listening._site is not None
    found = server._listening._site._server
    assert isinstance(found, asyncio.Server)
    return found


def destroy(server: Server | None) -> None:
    """What it listens on, as the system does it."""
    for one in heard(server).sockets:
        one.shutdown(socket.SHUT_RDWR)


def close(server: Server | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it listens on, as Windows' loop does it once nothing can be accepted there."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "_stop_serving", lambda one: one.close())
    for one in heard(server).sockets:
        loop.remove_reader(one)
        one._sock.close()


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
        async with asyncio.timeout(PATIENCE_S):
            while not await healthy(after, url):
                pass
        assert await healthy(before, url), "a connection that stood goes on"
    assert (gateway.state.word, gateway.state.url) == ("running", url)
    assert sum("closed from outside, and is open again" in record.message for record in caplog.records) == 1
    await gateway.close()


async def test_a_socket_that_its_own_loop_closed_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await serving(tmp_path)
    server = gateway._parts.server
    assert server is not None and server._listening is not None
    was = server._listening._site
    close(server, monkeypatch)
    await until(lambda: server._listening is None or server._listening._site not in (None, was))
    async with aiohttp.ClientSession() as session:
        assert await healthy(session, gateway.state.url)
    await gateway.close()


async def test_where_its_port_is_gone_too_the_gateway_says_that_it_does_not_run(tmp_path: Path) -> None:
    gateway = await serving(tmp_path)
    server = gateway._parts.server
    assert server is not None
    destroy(server)
    with socket.create_server(("127.0.0.1", server.port)):
        await until(lambda: gateway.state.word == "port_in_use")
        assert f"Port {server.port} " in gateway.state.message
    await gateway.start()
    assert gateway.state.word == "running"
    await gateway.close()


async def test_where_the_port_for_telemetry_is_gone_the_gateway_runs_and_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gateway = await serving(tmp_path, port)
    assert gateway.state.notices == ()
    destroy(gateway._parts.receiver._server)
    with socket.create_server(("127.0.0.1", port)):
        await until(lambda: gateway.state.notices)
        assert f"Port {port} is in use" in gateway.state.notices[0]
        assert gateway.state.word == "running"
    await gateway.stop()
    await gateway.start()
    assert gateway.state.notices == ()
    await gateway.close()
