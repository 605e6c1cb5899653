"""Keys that must be seen nowhere: a provider that repeats its key in every place it can, and a search for what is left.

Each provider has a key of a shape that nothing could recognise as one, and each is provoked in every way; then logs,
answers, the data folder with all side files, and exports are searched for it raw, in base64, hex, UTF-16 and URL form.
"""

import base64
import json
import socket
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.endtoend.scripted import Scripted, Sent, answer, event, stream_head
from tests.endtoend.serving import MODELS, PROVIDERS, USAGE, Served, forms, traces, upstreams
from tests.waiting import PATIENCE_S

# No prefix that a pattern could know.
KEYS = {name: f"{name[:2]}Canary/+{name}==0123456789abcdef" for name in PROVIDERS}
OWN = "ownCanary/+key==0123456789abcdef"
STATUSES = ("400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "429 Too Many", "500 Oops")


def key_of(sent: Sent) -> str:
    bearer = (sent.header("authorization") or "").removeprefix("Bearer ")
    return bearer or sent.header("x-api-key") or sent.header("x-goog-api-key") or ""


def repeats(sent: Sent, send: Callable[[bytes], None]) -> None:
    """Answers as the message asks, with the key in every sentence."""
    key = key_of(sent)
    said = sent.body.decode()
    way = next((status for status in STATUSES if f"[{status}]" in said), None)
    words = f"The key {key} is not welcome."
    if way:
        error = {"error": {"message": words, "type": f"about {key}", "code": key, "status": key, "param": key}}
        send(answer(json.dumps(error).encode(), status=way, x_request_id="r", www_authenticate=key, retry_after="3"))
    elif "[text]" in said:
        send(answer(words.encode(), status="500 Oops", kind="text/plain"))
    elif "[page]" in said:
        send(answer(f"<html>{words}</html>".encode(), status="502 Bad", kind="text/html"))
    elif "[string]" in said:
        send(answer(json.dumps({"error": words}).encode(), status="400 Bad Request"))
    elif "[200]" in said:
        send(answer(json.dumps({"type": "error", "error": {"message": words, "type": "api_error"}}).encode()))
    elif "[event]" in said:
        send(stream_head())
        send(event(json.dumps({"type": "error", "error": {"message": words, "type": "api_error", "code": 500}})))
    elif "[midway]" in said:
        send(stream_head())
        chunk = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}]}
        send(event(json.dumps(chunk)))
        send(event(json.dumps({"error": {"message": words, "type": "server_error", "param": None, "code": key}})))
    elif "[cut]" in said:
        send(answer(b"{}", x_key=key)[:-1])
    elif "[reset]" not in said:
        send(b"HTTP/1.1 200 " + key.encode() + b"\r\nbroken header " + key.encode() + b"\r\n\r\n")


# Request id → the caller's own key, if it sent one.
ASKED: dict[str, str | None] = {}
WAYS = (*STATUSES, "text", "page", "string", "200", "event", "midway", "cut", "reset", "no HTTP")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Scripted(repeats) as provider:
        urls = dict.fromkeys(PROVIDERS, provider.url)
        served = Served(tmp_path_factory.mktemp("secrets") / "home", **upstreams(urls, KEYS))
        for role in ("execute", "admin"):
            served.key(role)
        with served:
            yield served


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("way", WAYS)
def test_litellm_15799_no_error_tells_the_key(gateway: Served, name: str, way: str) -> None:
    for streamed in (False, True):
        for own in (None, OWN):
            headers = {"x-provider-api-key": own} if own else {}
            reply = gateway.chat(f"Please. [{way}]", MODELS[name], stream=streamed, headers=headers)
            told = reply.body + repr(dict(reply.headers)).encode()
            for secret in (KEYS[name], OWN):
                assert [form for form, found in forms(secret).items() if found in told] == []
            assert b'"error"' in reply.body
            ASKED[reply.id] = own


def test_litellm_15799_no_trace_is_left(gateway: Served, tmp_path: Path) -> None:
    """Runs after the above: the folder, its side files, the log, CSV exports and what reads answer."""
    export = tmp_path / "export.csv"
    assert gateway.command("export", "--what", "requests", "-o", str(export)).returncode == 0
    reads = tmp_path / "reads"
    paths = ("requests?limit=1000", "summary", "breakdown?by=model", "timeseries")
    reads.write_bytes(b"".join(json.dumps(gateway.get(f"{USAGE}/{path}")).encode() for path in paths))
    shown = tmp_path / "shown"
    shown.write_text(gateway.command("provider", "list").stdout + gateway.command("doctor").stdout)
    files = [*gateway.folder.rglob("*"), gateway.log_path, export, reads, shown]
    assert any(path.name.endswith("-wal") for path in files)
    rows = gateway.records()
    assert {row.id: row.byok for row in rows} == {id: bool(own) for id, own in ASKED.items()}
    assert all(row.outcome == "error" and row.error_message for row in rows)
    for secret in (*KEYS.values(), OWN):
        assert traces(secret, files) == []
    # The gateway's own keys are kept as hashes only.
    for role in ("execute", "admin"):
        assert traces(gateway.key(role), files) == []


def test_the_search_would_find_them(tmp_path: Path) -> None:
    for name, data in {
        "raw": OWN.encode(),
        "base64": base64.b64encode(b"Bearer " + OWN.encode()),
        "utf-16": OWN.encode("utf-16-le"),
        "hex": OWN.encode().hex().encode(),
        "url": urllib.parse.quote(OWN, safe="").encode(),
    }.items():
        (tmp_path / name).write_bytes(b"before " + data + b" after")
    found = {hit.rpartition(" in ")[2] for hit in traces(OWN, list(tmp_path.iterdir()))}
    assert found == {"raw", "base64", "utf-16", "hex", "url"}


def test_broken_http_is_logged_without_its_bytes(gateway: Served) -> None:
    with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer tk_broken\x1bcanary\r\n\r\n")
        assert b" 400 " in connection.recv(1000).split(b"\r\n")[0]
    assert "tk_broken" not in gateway.log and "Traceback" not in gateway.log
