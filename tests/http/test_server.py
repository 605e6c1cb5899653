"""The HTTP side by itself: credentials, the inventory of routes, what no route foresaw, starting and stopping."""

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from gateway.api import admin, comparison_routes
from gateway.api.admin import admin_routes
from gateway.api.otlp_door import OtlpDoor
from gateway.api.reads import read_routes
from gateway.configuration.settings import Settings
from gateway.errors import ClientError, Unusable
from gateway.folder import DataFolder
from gateway.http.server import Arrivals, Server, presented_key
from gateway.keys.access import AccessKeys
from gateway.receiver import SIGNALS
from gateway.routes import OPEN, Call, Download, Route, door_routes, otlp_routes
from gateway.schema import unusable
from tests.waiting import PATIENCE_S

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
    telemetry = otlp_routes([OtlpDoor(signal, None, 1, 1) for signal in SIGNALS])  # type: ignore[arg-type]
    routes = (*door_routes(), *telemetry, *read_routes(None, dict, dict), *admin_routes(None))  # type: ignore[arg-type]
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
        ("POST", "/v1/traces"): "execute",
        ("POST", "/v1/logs"): "execute",
        ("POST", "/v1/metrics"): "execute",
        ("POST", "/otlp/v1/traces"): "execute",
        ("POST", "/otlp/v1/logs"): "execute",
        ("POST", "/otlp/v1/metrics"): "execute",
        ("POST", "/api/public/otel/v1/traces"): "execute",
        ("GET", "/api/ai/v1/usage/requests"): "read",
        ("GET", "/api/ai/v1/usage/requests/"): "read",
        ("GET", "/api/ai/v1/usage/summary"): "read",
        ("GET", "/api/ai/v1/usage/timeseries"): "read",
        ("GET", "/api/ai/v1/usage/breakdown"): "read",
        ("GET", "/api/ai/v1/usage/conversations"): "read",
        ("GET", "/api/ai/v1/usage/export.csv"): "read",
        ("GET", "/api/ai/v1/usage/export.jsonl"): "read",
        ("GET", "/api/ai/v1/models"): "read",
        ("GET", "/api/ai/v1/models/"): "read",
        ("GET", "/api/ai/v1beta/models"): "read",
        ("GET", "/api/ai/v1beta/models/"): "read",
        ("GET", "/api/ai/v1/admin/keys"): "admin",
        ("POST", "/api/ai/v1/admin/keys"): "admin",
        ("GET", "/api/ai/v1/admin/keys/"): "admin",
        ("DELETE", "/api/ai/v1/admin/keys/"): "admin",
        ("GET", "/api/ai/v1/admin/providers"): "admin",
        ("GET", "/api/ai/v1/admin/providers/"): "admin",
        ("PUT", "/api/ai/v1/admin/providers/"): "admin",
        ("POST", "/api/ai/v1/admin/providers/"): "admin",
        ("DELETE", "/api/ai/v1/admin/providers/"): "admin",
        ("GET", "/api/ai/v1/admin/storage"): "admin",
        ("POST", "/api/ai/v1/admin/storage/clean-up"): "admin",
        ("GET", "/api/ai/v1/admin/capture"): "admin",
        ("POST", "/api/ai/v1/admin/capture/pause"): "admin",
        ("POST", "/api/ai/v1/admin/capture/resume"): "admin",
        ("GET", "/api/ai/v1/admin/settings"): "admin",
        ("PATCH", "/api/ai/v1/admin/settings"): "admin",
        ("GET", "/healthz"): OPEN,
    }


class FakeRelay:
    """Every exchange waits for `go`, and fails of a bug: no row is left."""

    running = 0
    stopping = False

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def run(self, *_arguments: Any) -> None:
        await self.go.wait()
        raise RuntimeError("a bug with tk_secret in it")


async def broken(_call: Call) -> Any:
    raise RuntimeError("a bug with tk_secret in it")


async def held(_call: Call) -> Any:
    raise unusable("usage.db", sqlite3.OperationalError("database is locked"))


async def echo(call: Call) -> Any:
    return {"rest": call.rest, "query": call.query, "who": call.principal and call.principal.key_name}


async def echo_body(call: Call) -> Any:
    return call.body.decode()


class Source:
    """Chunks without an end, or with one as `how` says; `made` counts them and `closed` hears of the end."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = asyncio.Event()

    async def download(self, call: Call) -> Download:
        return Download(headers={"content-type": "text/csv"}, chunks=self._chunks(call.rest))

    async def _chunks(self, how: str) -> AsyncGenerator[bytes, None]:
        try:
            if how == "unanswerable":
                raise ClientError("No such bucket.", param="bucket")
            while how != "empty" and (how == "endless" or self.made < 3):
                if how == "broken" and self.made == 2:
                    raise RuntimeError("a bug with tk_secret in it")
                self.made += 1
                yield b"x" * 65536 if how == "endless" else b"line %d\n" % self.made
        finally:
            self.closed.set()


SOURCE = Source()


ROUTES = (
    *door_routes(),
    Route(method="GET", path="/broken", role=OPEN, read=broken),
    Route(method="GET", path="/held", role=OPEN, read=held),
    Route(method="GET", path="/echo", role="read", read=echo),
    Route(method="GET", path="/items/", role="read", read=echo),
    Route(method="GET", path="/admin", role="admin", read=echo),
    Route(method="PUT", path="/body", role="read", read=echo_body),
    Route(method="GET", path="/downloads/", role="read", read=SOURCE.download),
)


class Serving:
    def __init__(self, folder: Path) -> None:
        self.access = AccessKeys(DataFolder(folder))
        self.key = self.access.create("reader", "read").key
        self.relay, self.arrivals = FakeRelay(), Arrivals()
        self.server = Server(Settings(port=0), self.access, self.relay, ROUTES, self.arrivals)  # type: ignore[arg-type]

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


async def test_what_comes_in_with_a_good_key_is_counted_whatever_becomes_of_its_row(serving: Serving) -> None:
    path = "/api/ai/v1/chat/completions"
    assert (await serving.get(path, method="POST"))[0] == 401
    assert (await serving.get(path, key=serving.key, method="POST"))[0] == 403
    assert (serving.arrivals.seen, serving.arrivals.running) == (0, 0)
    key = serving.access.create("tool", "execute").key
    asked = [asyncio.create_task(serving.get(path, key=key, method="POST")) for _ in range(3)]
    while serving.arrivals.running < 3:
        await asyncio.sleep(0)
    asked.pop().cancel()
    while serving.arrivals.running > 2:
        await asyncio.sleep(0)
    serving.relay.go.set()
    assert [status for status, _ in await asyncio.gather(*asked)] == [500, 500]
    assert (serving.arrivals.seen, serving.arrivals.running) == (3, 0)


async def test_a_connection_that_is_waited_for_at_the_end_begins_nothing_else(serving: Serving) -> None:
    key = serving.access.create("caller").key
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.server.port)
    head = f"Host: localhost\r\nAuthorization: Bearer {key}\r\nContent-Length: 0\r\n\r\n"
    writer.write(f"POST /api/ai/v1/chat/completions HTTP/1.1\r\n{head}".encode())
    while not serving.arrivals.running:
        await asyncio.sleep(0)
    serving.relay.running = 1
    stopping = asyncio.create_task(serving.server.stop(PATIENCE_S))
    await asyncio.sleep(0)
    writer.write(f"GET /echo HTTP/1.1\r\n{head}".encode())
    serving.relay.go.set()
    async with asyncio.timeout(PATIENCE_S / 2):
        said = await reader.read()
    serving.relay.running = 0
    await stopping
    writer.close()
    assert said.startswith(b"HTTP/1.1 500 ") and said.count(b"HTTP/1.1 ") == 1


@pytest.fixture
def source() -> Source:
    SOURCE.made, SOURCE.closed = 0, asyncio.Event()
    return SOURCE


@contextlib.asynccontextmanager
async def downloading(serving: Serving, how: str, method: str = "GET") -> AsyncIterator[aiohttp.ClientResponse]:
    url = f"http://127.0.0.1:{serving.server.port}/downloads/{how}"
    headers = {"authorization": f"Bearer {serving.key}"}
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as answer:
        yield answer


async def test_a_body_reaches_its_route(serving: Serving) -> None:
    headers = {"authorization": f"Bearer {serving.key}"}
    url = f"http://127.0.0.1:{serving.server.port}/body"
    async with aiohttp.ClientSession() as session, session.put(url, data=b"what was sent", headers=headers) as answer:
        assert (answer.status, await answer.json()) == (200, "what was sent")


@pytest.mark.parametrize(
    ("how", "method", "body"),
    [("", "GET", b""), ("three", "GET", b"line 1\nline 2\nline 3\n"), ("empty", "GET", b""), ("three", "HEAD", b"")],
)
async def test_downloads(serving: Serving, source: Source, how: str, method: str, body: bytes) -> None:
    if not how:
        assert (await serving.get("/downloads/", key=serving.key))[0] == 404
        return
    async with downloading(serving, how, method) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "text/csv", body)


async def test_what_cannot_be_answered_keeps_its_status(serving: Serving, source: Source) -> None:
    async with downloading(serving, "unanswerable") as answer:
        assert answer.status == 400 and (await answer.json())["error"]["param"] == "bucket"


async def test_a_download_that_breaks_off_does_not_end_as_if_it_were_whole(
    serving: Serving, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    async with downloading(serving, "broken") as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
    assert "A download broke off" in caplog.text


async def test_a_client_that_reads_nothing_is_waited_for_and_one_that_leaves_ends_it(
    serving: Serving, source: Source
) -> None:
    async with downloading(serving, "endless") as answer:
        made = -1
        while made != source.made:
            made = source.made
            for _ in range(500):
                await asyncio.sleep(0)
        # What the buffers of both ends hold, and not a byte more.
        assert made * 65536 < 64 << 20 and not source.closed.is_set()
        answer.close()
    async with asyncio.timeout(PATIENCE_S):
        await source.closed.wait()


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


TOO_LONG = "The request's URL or one of its headers is too long: a URL may have 32 KiB, a header 64 KiB."
UNREADABLE = "The request cannot be read as HTTP/1.1: check its first line, its headers and its length."


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (b"tk_canary\r\n\r\n", UNREADABLE),
        (b"GET /echo HTTP/9.9\r\nAuthorization: tk_canary\r\n\r\n", UNREADABLE),
        (b"GET /echo HTTP/1.1\r\nHost: localhost\r\ntk_canary\r\n\r\n", UNREADABLE),
        (b"GET /echo?tk_canary=" + b"x" * 33_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", TOO_LONG),
        (b"GET /echo HTTP/1.1\r\nHost: localhost\r\nX: tk_canary" + b"x" * 66_000 + b"\r\n\r\n", TOO_LONG),
    ],
    ids=["line", "version", "header", "long line", "long header"],
)
async def test_what_cannot_be_read_is_refused_in_json_and_one_sentence(
    serving: Serving, head: bytes, sentence: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.server.port)
    writer.write(head)
    told, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert b" 400 " in told and b"content-type: application/json\r\n" in told.lower() and b"canary" not in body
    assert json.loads(body)["error"]["message"] == sentence
    assert serving.server.counters[400] == 1


async def test_what_fails_inside_is_not_told_as_unreadable(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Even where its refusal fails too."""
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(serving.server, "_refused", None)
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{serving.server.port}/") as answer:
        assert (answer.status, UNREADABLE in await answer.text()) == (500, False)


async def test_what_this_machine_does_not_give_now_is_told_in_its_own_words_and_may_be_asked_for_again(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{serving.server.port}/held") as answer,
    ):
        error = (await answer.json())["error"]
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert error["message"] == "Another process holds usage.db: wait for it or end it, and try again."
    assert serving.server.counters[503] == 1 and not caplog.records


@pytest.mark.parametrize("refusals", [admin.refusals, comparison_routes.refusals])
def test_a_database_that_is_held_is_no_fault_of_who_asks_for_a_change(
    refusals: Callable[[], contextlib.AbstractContextManager[None]],
) -> None:
    with pytest.raises(Unusable), refusals():
        raise unusable("state.db", sqlite3.OperationalError("database is locked"))
