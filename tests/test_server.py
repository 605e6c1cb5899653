"""The HTTP side by itself: credentials, the inventory of routes, what no route foresaw, starting and stopping."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from gateway.access import AccessKeys
from gateway.folder import DataFolder
from gateway.reads import read_routes
from gateway.server import OPEN, Call, Route, Server, door_routes, presented_key
from gateway.settings import Settings

KEY = "tk_" + "k" * 43


@pytest.mark.parametrize(
    ("headers", "query", "key"),
    [
        ({"Authorization": f"Bearer {KEY}"}, {}, KEY),
        ({"authorization": f"bearer  {KEY} "}, {}, KEY),
        ({"X-Api-Key": KEY}, {}, KEY),
        ({"X-Goog-Api-Key": KEY}, {}, KEY),
        ({}, {"key": KEY}, KEY),
        ({"Authorization": "Bearer sk-other", "x-api-key": KEY}, {}, KEY),
        ({"Authorization": f"Bearer {KEY}", "x-api-key": "sk-other"}, {"key": "AIza"}, KEY),
        ({"Authorization": f"Basic {KEY}"}, {}, None),
        ({"Authorization": KEY}, {}, None),
        ({"Authorization": "Bearer sk-other"}, {}, None),
        ({"Cookie": f"key={KEY}"}, {"token": KEY}, None),
        ({}, {}, None),
    ],
)
def test_where_a_key_may_stand(headers: dict[str, str], query: dict[str, str], key: str | None) -> None:
    assert presented_key(CIMultiDict(headers), query) == key


def test_cve_2026_42271_every_route_asks_for_a_key_but_health() -> None:
    routes = (*door_routes(), *read_routes(None, dict))  # type: ignore[arg-type]
    assert {(route.method, route.path): route.role for route in routes} == {
        ("POST", "/api/ai/v1/chat/completions"): "execute",
        ("POST", "/api/ai/v1/embeddings"): "execute",
        ("POST", "/api/ai/v1/messages"): "execute",
        ("POST", "/api/ai/v1/messages/count_tokens"): "execute",
        ("POST", "/api/ai/v1/responses"): "execute",
        ("POST", "/api/ai/v1/models/"): "execute",
        ("POST", "/api/ai/v1beta/models/"): "execute",
        ("POST", "/api/ai/v1/tunedModels/"): "execute",
        ("POST", "/api/ai/v1beta/tunedModels/"): "execute",
        ("GET", "/api/ai/v1/usage/requests"): "read",
        ("GET", "/api/ai/v1/usage/requests/"): "read",
        ("GET", "/api/ai/v1/usage/summary"): "read",
        ("GET", "/api/ai/v1/usage/timeseries"): "read",
        ("GET", "/api/ai/v1/usage/breakdown"): "read",
        ("GET", "/api/ai/v1/models"): "read",
        ("GET", "/api/ai/v1/models/"): "read",
        ("GET", "/api/ai/v1beta/models"): "read",
        ("GET", "/api/ai/v1beta/models/"): "read",
        ("GET", "/healthz"): OPEN,
    }


class FakeRelay:
    running = 0
    stopping = False


async def broken(_call: Call) -> Any:
    raise RuntimeError("a bug with tk_secret in it")


async def echo(call: Call) -> Any:
    return {"rest": call.rest, "query": call.query, "who": call.principal and call.principal.key_name}


ROUTES = (
    Route(method="GET", path="/broken", role=OPEN, read=broken),
    Route(method="GET", path="/echo", role="read", read=echo),
    Route(method="GET", path="/items/", role="read", read=echo),
    Route(method="GET", path="/admin", role="admin", read=echo),
)


class Serving:
    def __init__(self, folder: Path) -> None:
        self.access = AccessKeys(DataFolder(folder))
        self.key = self.access.create("reader", "read").key
        self.server = Server(Settings(port=0), self.access, FakeRelay(), ROUTES)  # type: ignore[arg-type]

    async def get(self, path: str, *, key: str | None = None, method: str = "GET") -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://127.0.0.1:{self.server.port}{path}", headers=headers) as answer,
        ):
            return answer.status, await answer.json()


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Serving]:
    made = Serving(tmp_path)
    await made.server.start()
    yield made
    await made.server.stop(0.1)
    made.access.close()
    await asyncio.sleep(0)


async def test_reads(serving: Serving) -> None:
    assert await serving.get("/echo?a=1&a=2", key=serving.key) == (
        200,
        {"rest": "", "query": [["a", "1"], ["a", "2"]], "who": "reader"},
    )
    status, answer = await serving.get("/items/a%2Fb%20c", key=serving.key)
    assert (status, answer["rest"]) == (200, "a/b c")


@pytest.mark.parametrize(
    ("path", "method", "keyed", "status"),
    [
        ("/echo", "GET", False, 401),
        ("/admin", "GET", True, 403),
        ("/items/", "GET", True, 404),
        ("/nowhere", "GET", True, 404),
        ("/echo/", "GET", True, 404),
        ("/echo", "POST", True, 405),
        ("/items/1", "DELETE", True, 405),
    ],
)
async def test_refusals_are_counted_by_status(
    serving: Serving, path: str, method: str, keyed: bool, status: int
) -> None:
    answered, body = await serving.get(path, key=serving.key if keyed else None, method=method)
    assert answered == status and set(body["error"]) == {"message", "type", "param", "code"}
    assert serving.server.counters == {status: 1}


async def test_a_bug_is_a_500_that_tells_nothing(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    status, body = await serving.get("/broken")
    assert status == 500 and "a bug" not in str(body) and body["error"]["code"] == "internal_error"
    assert "A request failed inside the gateway" in caplog.text


async def test_a_port_in_use_is_an_os_error_and_can_be_tried_again(tmp_path: Path, serving: Serving) -> None:
    other = Server(Settings(port=serving.server.port), serving.access, FakeRelay(), ROUTES)  # type: ignore[arg-type]
    with pytest.raises(OSError):
        await other.start()
    await other.stop(0)
    await serving.server.stop(0)
    await other.start()
    assert other.port == serving.server.port
    await other.stop(0)


async def test_broken_http_is_told_without_its_bytes(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.server.port)
    writer.write(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer tk_canary\x1b\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert "it is not HTTP as it should be" in caplog.text and "canary" not in caplog.text


async def test_huge_headers_are_refused(serving: Serving) -> None:
    """Slow or endless heads are cut off by their size; the limits are a browser's and more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.server.port)
    with contextlib.suppress(ConnectionError):
        writer.write(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 300_000 + b"\r\n\r\n")
        await writer.drain()
    assert b" 400 " in await reader.readline()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
