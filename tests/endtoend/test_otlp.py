"""Telemetry into a gateway as users start it: what is acknowledged stays, through kills, repeats and floods."""

import gzip
import json
import secrets
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.endtoend.serving import Reply, Served, traces
from tests.telemetry.recorded import JSON, PROTOBUF, recording, recordings

SECRET = "sk-ant-api03-" + "Zq7" * 20


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("otlp") / "home") as served:
        yield served


def send(to: Served, body: bytes, content_type: str = JSON, path: str = "/v1/traces", **headers: str) -> Reply:
    return to.ask("POST", path, body, key=to.key(), headers={"content-type": content_type, **headers})


def request(count: int, **attributes: str) -> tuple[list[tuple[str, str]], bytes]:
    """Spans with ids of their own, and these ids."""
    pairs = [{"key": name, "value": {"stringValue": value}} for name, value in attributes.items()]
    trace_id, ids = secrets.token_hex(16), [secrets.token_hex(8) for _ in range(count)]
    spans: list[dict[str, Any]] = [
        {
            "traceId": trace_id,
            "spanId": span_id,
            "name": "chat m",
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": "1700000001000000000",
            "attributes": pairs,
        }
        for span_id in ids
    ]
    body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    return [(trace_id, span_id) for span_id in ids], json.dumps(body).encode()


def kept(folder: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(f"{(folder / 'traces.db').as_uri()}?mode=ro", uri=True)) as connection:
        return set(connection.execute("SELECT trace_id, span_id FROM spans"))


def test_the_same_again_in_any_encoding_and_order_counts_once(gateway: Served) -> None:
    chosen = [one for one in recordings() if one.signal == "traces" and one.file.startswith("genai.")]
    before = kept(gateway.folder)
    for recorded in (*chosen, *reversed(chosen)):
        assert send(gateway, recorded.body, recorded.content_type).status == 200
        other, body = recorded.other
        assert send(gateway, gzip.compress(body), other, **{"content-encoding": "gzip"}).status == 200
    expected = {
        (span.trace_id.hex(), span.span_id.hex())
        for recorded in chosen
        for resource in recorded.message().resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    assert kept(gateway.folder) - before == expected
    with closing(sqlite3.connect(f"{(gateway.folder / 'traces.db').as_uri()}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM spans").fetchone()
    assert count == len(kept(gateway.folder))


def test_every_acknowledged_span_is_there_after_kills(tmp_path: Path) -> None:
    acknowledged: set[tuple[str, str]] = set()
    with Served(tmp_path / "home") as served:
        for _ in range(4):
            enough = threading.Event()

            def sender(enough: threading.Event = enough) -> None:
                while not enough.is_set():
                    ids, body = request(20, text="x" * 2000)
                    try:
                        reply = send(served, body)
                    except OSError:
                        return
                    if reply.status == 200:
                        acknowledged.update(ids)

            served.key()
            threads = [threading.Thread(target=sender) for _ in range(4)]
            had = len(acknowledged)
            for thread in threads:
                thread.start()
            while len(acknowledged) < had + 400:
                enough.wait(0.005)
            served.kill()
            enough.set()
            for thread in threads:
                thread.join()
            assert acknowledged <= kept(served.folder)
            served.start()
        assert len(acknowledged) >= 1600


def test_a_flood_of_zeros_stays_in_bounded_memory(gateway: Served) -> None:
    ids, body = request(1)
    assert send(gateway, body).status == 200
    process = psutil.Process(gateway.process.pid)
    before, most, enough = process.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not enough.wait(0.005):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    bomb = gzip.compress(bytes(100 << 20))
    small = gzip.compress(b"\x0a\x00" * (30 << 20))
    for sent in (bomb, small):
        reply = send(gateway, sent, PROTOBUF, **{"content-encoding": "gzip"})
        assert reply.status == 413
    deep = b"[" * 10_000_000
    assert send(gateway, gzip.compress(deep), JSON, **{"content-encoding": "gzip"}).status in (400, 413)
    enough.set()
    watcher.join()
    # The body itself may take 64 MiB, and twice that while it grows.
    assert (most - before) >> 20 < 200
    assert set(ids) <= kept(gateway.folder)
    assert "Traceback" not in gateway.log


def test_no_secret_and_no_content_lies_in_the_clear(tmp_path: Path) -> None:
    said = "the canary sang at dawn " + secrets.token_hex(8)
    with Served(tmp_path / "home") as served:
        _, body = request(3, **{"gen_ai.input.messages": said, "app.note": f"my key is {SECRET}"})
        assert send(served, body).status == 200
        logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": f"{said} {SECRET}"}}]}]}]}
        assert send(served, json.dumps(logs).encode(), path="/v1/logs").status == 200
        files = [*served.folder.rglob("*"), served.log_path]
        assert traces(said, files) == []
        assert traces(SECRET, files) == []
        served.stop()
        assert traces(said, [*served.folder.rglob("*"), served.log_path]) == []


def test_the_standard_port_beside_the_gateways_own(tmp_path: Path) -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    variables = {
        "FAREGATE_TELEMETRY_STANDARD_PORT": str(port),
        "FAREGATE_TELEMETRY_ALLOW_UNAUTHENTICATED": "on",
    }
    body = recording("synthetic-gateway-join.client-part.traces.pb").body
    with Served(tmp_path / "home", **variables) as served:
        own, served.url = served.url, f"http://127.0.0.1:{port}"
        assert served.ask("POST", "/v1/traces", body, headers={"content-type": PROTOBUF}).status == 200
        assert served.ask("GET", "/api/ai/v1/models", key=None).status == 404
        with Served(tmp_path / "second", **variables) as second:
            assert second.ask("POST", "/v1/traces", body, headers={"content-type": PROTOBUF}).status == 200
        assert f"Port {port} is in use by process {served.process.pid}" in second.log
        served.url = own
        assert served.stop() == 0
        assert len(kept(served.folder)) > 0
