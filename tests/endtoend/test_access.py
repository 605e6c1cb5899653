"""Who gets in, and what of a request is refused before it costs anything: each in the door's error form."""

import gzip
import http.client
import json
import socket
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.endtoend.serving import CHAT, EMBEDDINGS, USAGE, Reply, Served
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S, wait_until

HELLO = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello."}]}
READS = ("/models", "/models/o3", "/usage/requests", "/usage/summary", "/usage/timeseries", "/usage/breakdown")


def refused(reply: Reply, status: int, code: str | None) -> str:
    """The sentence, once status and form are as they should be."""
    assert reply.status == status, reply
    error = reply.error
    assert error["code"] == code, error
    assert error["message"].endswith((".", "?")) and error["type"]
    return str(error["message"])


# Keys.


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": "Bearer tk_" + "x" * 43},
        {"authorization": "Basic tk_" + "x" * 43},
        {"x-api-key": "sk-proj-0123456789abcdef"},
        {"authorization": "Bearer tk_ünïcode"},
        {"authorization": "Bearer tk_" + "x" * 5000},
    ],
    ids=["none", "empty", "wrong", "scheme", "provider's", "not ASCII", "long"],
)
@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS])
def test_cc_switch_2490_no_key_no_answer_and_no_row(gateway: Served, path: str, headers: dict[str, str]) -> None:
    rows = gateway.count()
    encoded = {name: value.encode() for name, value in headers.items()}
    reply = gateway.ask("POST", path, HELLO, headers=encoded)
    assert "tk_" in refused(reply, 401, "invalid_api_key")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert gateway.count() == rows


def test_every_route_but_health_needs_a_key(gateway: Served) -> None:
    for path in READS:
        refused(gateway.ask("GET", "/api/ai/v1" + path), 401, "invalid_api_key")
        assert gateway.ask("GET", "/api/ai/v1" + path, key=gateway.key("read")).status == 200
    assert gateway.ask("GET", "/healthz").status == 200


def test_cve_2026_35030_a_key_that_begins_like_one_is_none(gateway: Served) -> None:
    key = gateway.key()
    for wrong in (key[:20], key[:-1], key + "x", key[:-1] + ("a" if key[-1] != "a" else "b"), key.upper()):
        refused(gateway.chat("Hi.", key=wrong), 401, "invalid_api_key")


@pytest.mark.parametrize("place", ["authorization", "x-api-key", "x-goog-api-key", "query"])
def test_the_four_places_of_a_key(gateway: Served, place: str) -> None:
    key = gateway.key()
    headers = {"authorization": f"bearer {key}"} if place == "authorization" else {place: key}
    path = f"{CHAT}?key={key}" if place == "query" else CHAT
    assert gateway.ask("POST", path, HELLO, headers=headers).status == 200
    assert gateway.last().key == "execute"


def test_a_tool_s_own_placeholder_does_not_hide_the_key(gateway: Served) -> None:
    headers = {"authorization": "Bearer sk-placeholder", "x-api-key": gateway.key()}
    assert gateway.ask("POST", CHAT, HELLO, headers=headers).status == 200


def test_a_key_that_is_too_weak(gateway: Served, provider: ProviderProcess) -> None:
    rows, calls = gateway.count(), len(provider.ledger())
    for path in (CHAT, EMBEDDINGS):
        words = refused(gateway.ask("POST", path, HELLO, key=gateway.key("read")), 403, "forbidden")
        assert "read" in words and "execute" in words
    assert (gateway.count(), len(provider.ledger())) == (rows, calls)


def test_a_key_revoked_by_another_process_is_refused_without_a_new_start(gateway: Served) -> None:
    made = gateway.command("api-key", "create", "--name", "short-lived", "--role", "execute")
    key = made.stdout.split()[-1]
    # Its maker uses it in the next line of a script: no call is refused first.
    assert gateway.chat("Hi.", key=key).status == 200
    assert gateway.command("api-key", "revoke", "short-lived").returncode == 0
    wait_until(lambda: gateway.chat("Hi.", key=key).status == 401)


# Browsers.

PORT = "{port}"
HOSTS: list[tuple[list[str], int]] = [
    (["127.0.0.1:{port}"], 200),
    (["localhost:{port}"], 200),
    (["LOCALHOST"], 200),
    (["[::1]:{port}"], 200),
    (["127.0.0.1"], 200),
    (["127.9.9.9"], 200),
    (["evil.example:{port}"], 403),
    (["localhost.evil.example"], 403),
    (["127.0.0.1.evil.example"], 403),
    (["127.0.0.1:{port}@evil.example"], 403),
    (["localhost."], 403),
    (["0.0.0.0"], 403),
    (["2130706433"], 403),
    (["[::1"], 403),
    (["192.168.0.1"], 403),
    ([""], 403),
    (["localhost:port"], 403),
    (["localhost", "evil.example"], 403),
    (["evil.example", "localhost"], 403),
    ([], 403),
]


@pytest.mark.parametrize(("hosts", "status"), HOSTS, ids=[" + ".join(hosts) or "none" for hosts, _ in HOSTS])
def test_cve_2024_28224_hosts(gateway: Served, hosts: list[str], status: int) -> None:
    connection = http.client.HTTPConnection(*gateway.address, timeout=PATIENCE_S)
    connection.putrequest("GET", "/healthz", skip_host=True)
    for host in hosts:
        connection.putheader("Host", host.format(port=gateway.address[1]))
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    # Two hosts, or none at all, are no HTTP/1.1: the parser may refuse them before we do.
    assert answer.status == status or (status == 403 and len(hosts) != 1 and answer.status == 400), body
    if answer.status == 403:
        assert "Host" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://localhost:3000"}, 200),
        ({"origin": "http://127.0.0.1"}, 200),
        ({"origin": "http://[::1]:9"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://localhost.evil.example"}, 403),
        ({"origin": "http://127.0.0.1@evil.example"}, 403),
        ({"origin": "http://[::1"}, 403),
        ({"origin": "file://"}, 403),
        ({"origin": "chrome-extension://abcdef"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://localhost"}, 403),
        ({"sec-fetch-site": "anything"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
    ],
    ids=str,
)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
def test_cezar_426_web_pages_are_kept_out_whatever_they_post(
    gateway: Served, headers: dict[str, str], status: int, content_type: str
) -> None:
    rows = gateway.completeness()["seen"]
    reply = gateway.ask("POST", CHAT, HELLO, key=gateway.key(), headers={**headers, "content-type": content_type})
    assert reply.status == status
    assert not [name for name in reply.headers if name.startswith("access-control")]
    if status == 403:
        refused(reply, 403, "forbidden")
        assert gateway.completeness()["seen"] == rows


def test_cliproxyapi_no_cors_for_a_preflight(gateway: Served) -> None:
    asks = {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
    reply = gateway.ask("OPTIONS", CHAT, headers={**asks, "access-control-request-private-network": "true"})
    assert reply.status == 405 and not [name for name in reply.headers if name.startswith("access-control")]
    assert gateway.ask("OPTIONS", CHAT, headers={**asks, "origin": "https://evil.example"}).status == 403


# Paths, methods, sizes, bodies.


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/api/ai/v1/chat", 404, "unknown_url"),
        ("GET", "/", 404, "unknown_url"),
        ("GET", "/api/ai/v1/models/", 404, "unknown_url"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("PUT", EMBEDDINGS, 405, "method_not_allowed"),
        ("POST", "/api/ai/v1/models", 405, "method_not_allowed"),
        ("DELETE", "/api/ai/v1/usage/requests/req_1", 405, "method_not_allowed"),
    ],
)
def test_unknown_paths_and_methods(gateway: Served, method: str, path: str, status: int, code: str) -> None:
    rows = gateway.count()
    reply = gateway.ask(method, path, key=gateway.key("admin"))
    refused(reply, status, code)
    assert ("allow" in reply.headers) == (status == 405) and gateway.count() == rows


@pytest.mark.parametrize("path", ["files", "batches", "images/generations", "audio/speech", "messages/batches"])
def test_who_asks_for_what_is_not_here_reads_where_it_is(gateway: Served, path: str) -> None:
    message = gateway.ask("POST", f"/api/ai/v1/{path}", {}, key=gateway.key()).json["error"]["message"]
    assert EMBEDDINGS in message and message.endswith("ask the provider itself.")


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        (b"", None, "not valid JSON"),
        (b"{", None, "not valid JSON"),
        (b"[]", None, "wrong type"),
        (b"\xff\xfe", None, "not valid JSON"),
        (b'{"model": "gpt-4.1-mini", "stream": NaN}', None, "not valid JSON"),
        (b"{}", "model", "`model` is missing"),
        (b'{"model": 1}', "model", "wrong type"),
        (b'{"model": "gpt-4.1-mini", "stream": "yes"}', "stream", "wrong type"),
        (b'{"model": "claude-sonnet-4-6"}', "messages", "messages"),
        (b'{"model": "claude-sonnet-4-6", "messages": "hi"}', "messages", "messages"),
        (b'{"model":"gemini-2.5-flash","messages":[{"role":"king","content":""}]}', "messages[0].role", "role"),
        (b'{"a":' * 200_000, None, "not valid JSON"),
    ],
    ids=[
        "empty",
        "cut",
        "list",
        "not UTF-8",
        "NaN",
        "no model",
        "number",
        "stream",
        "no messages",
        "text",
        "role",
        "deep",
    ],
)
def test_a_bad_body_is_400_and_one_row(
    gateway: Served, provider: ProviderProcess, body: bytes, param: str | None, words: str
) -> None:
    rows, calls = gateway.count(), len(provider.ledger())
    reply = gateway.ask("POST", CHAT, body, key=gateway.key())
    assert reply.status == 400 and words in reply.error["message"]
    assert reply.error["param"] == param
    row = gateway.row(reply.id)
    assert (gateway.count(), len(provider.ledger())) == (rows + 1, calls)
    assert (row.status, row.outcome, row.error_type, row.error_message) == (
        400,
        "error",
        "bad_request",
        reply.error["message"],
    )
    assert (row.usage_source, row.cost_nano, row.attempts) == ("none", None, ())


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("chat/completions", b'{"stream": "yes", "model": "gpt-4.1-mini"}', "gpt-4.1-mini"),
        ("chat/completions", b'{"model": "gpt-4.1-mini", "user": 7, "x": "\\ud83d"}', "gpt-4.1-mini"),
        ("chat/completions", b'{"model": "\\ud83d", "user": 7}', "?"),
        ("chat/completions", b'{"model": ["gpt-4.1-mini"]}', None),
        ("chat/completions", b'{"model": "gpt-4.1-mini"', None),
        ("responses", b'{"model": "gpt-4.1-mini", "stream": 1}', "gpt-4.1-mini"),
        ("messages", b'{"model": "claude-haiku-4-5", "metadata": "me"}', "claude-haiku-4-5"),
        ("messages/count_tokens", b'{"model": "claude-haiku-4-5", "metadata": "me"}', "claude-haiku-4-5"),
        ("embeddings", b'{"model": "text-embedding-3-small", "user": 7}', "text-embedding-3-small"),
        ("models/gemini-2.5-flash:generateContent", b"[]", "gemini-2.5-flash"),
        ("models/gemini-2.5-flash:streamGenerateContent?alt=xml", b"{}", "gemini-2.5-flash"),
    ],
)
def test_a_bad_bodys_row_has_the_model_that_stands_there(
    gateway: Served, path: str, body: bytes, model: str | None
) -> None:
    reply = gateway.ask("POST", f"/api/ai/v1/{path}", body, key=gateway.key())
    assert reply.status == 400 and gateway.row(reply.id).model_requested == model


@pytest.fixture(scope="module")
def small(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A gateway that takes a megabyte, and a web page by name."""
    from tests.endtoend.serving import upstreams

    folder = tmp_path_factory.mktemp("small") / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(
        '[server]\nallowed_origins = ["https://app.example", "app://obsidian.md", "http://localhost:3000"]\nallowed_hosts = ["gate.example"]\n'
    )
    keyed = {name: "k" for name in ("openai", "anthropic", "google")}
    served = Served(folder, **upstreams(provider.base_urls, keyed), FAREGATE_LIMITS_BODY="1 MiB")
    served.key()
    with served:
        yield served


MIB = 1 << 20


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (lambda: b'{"model": "' + b"x" * 2 * MIB, {}),
        (lambda: gzip.compress(b" " * 128 * MIB, 9), {"content-encoding": "gzip"}),
        (lambda: zlib.compress(b" " * 128 * MIB, 9), {"content-encoding": "deflate"}),
    ],
    ids=["plain", "gzip bomb", "deflate bomb"],
)
def test_pysec_2026_1545_too_large_before_and_after_decompression(
    small: Served, body: Callable[[], bytes], headers: dict[str, str]
) -> None:
    before = peak_memory(small)
    reply = small.ask("POST", CHAT, body(), key=small.key(), headers=headers)
    assert refused(reply, 413, "request_too_large").startswith("The request body is larger than 1 MiB")
    row = small.row(reply.id)
    assert (row.status, row.outcome, row.error_type) == (413, "error", "too_large")
    assert peak_memory(small) - before < 64 * MIB
    assert small.chat("Hi.").status == 200


def test_what_is_said_to_be_too_large_is_refused_before_it_is_sent(small: Served) -> None:
    before = small.count()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {small.key()}\r\n"
    with socket.create_connection(small.address, timeout=PATIENCE_S) as connection:
        connection.sendall(f"{head}Content-Length: {2 * MIB}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    wait_until(lambda: small.count() == before + 1)
    assert (small.last().status, small.last().error_type) == (413, "too_large")


def peak_memory(gateway: Served) -> int:
    with open(f"/proc/{gateway.process.pid}/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_bodies_come_compressed(small: Served) -> None:
    body = json.dumps(HELLO).encode()
    packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body)}
    for name, data in packed.items():
        assert small.ask("POST", CHAT, data, key=small.key(), headers={"content-encoding": name}).status == 200
    for data in (packed["gzip"][:-12], body, packed["deflate"]):
        broken = small.ask("POST", CHAT, data, key=small.key(), headers={"content-encoding": "gzip"})
        assert "cannot be read" in refused(broken, 400, None)
        assert small.row(broken.id).error_type == "bad_request"
    assert "Traceback" not in small.log


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip", "aes128gcm", "br", "zstd"])
def test_an_unknown_encoding_is_415_and_a_row(small: Served, encoding: str) -> None:
    reply = small.ask("POST", CHAT, HELLO, key=small.key(), headers={"content-encoding": encoding})
    assert "gzip or deflate" in refused(reply, 415, "unsupported_media_type")
    assert small.row(reply.id).error_type == "unsupported_media_type"


@pytest.mark.parametrize("named", ["https://app.example", "app://obsidian.md", "http://localhost:3000"])
def test_an_origin_and_a_host_that_are_allowed_by_name(small: Served, named: str) -> None:
    origin = {"origin": named, "sec-fetch-site": "cross-site"}
    preflight = small.ask(
        "OPTIONS",
        CHAT,
        headers={
            **origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, x-tags",
        },
    )
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-headers"] == "authorization, x-tags"
    whole = small.ask("POST", CHAT, HELLO, key=small.key(), headers=origin)
    streamed = small.ask("POST", CHAT, {**HELLO, "stream": True}, key=small.key(), headers=origin)
    wrong_key = small.ask("POST", CHAT, HELLO, key="tk_wrong", headers=origin)
    assert (whole.status, streamed.status, wrong_key.status) == (200, 200, 401)
    for reply in (preflight, whole, streamed, wrong_key):
        assert reply.headers["access-control-allow-origin"] == named
        assert "access-control-allow-credentials" not in reply.headers
        assert reply.headers["access-control-expose-headers"] == "*"
        assert reply.headers["vary"].lower() == "origin"
    for other in ("https://app.example.evil", "http://app.example", "https://app.example:444"):
        refused(small.ask("POST", CHAT, HELLO, key=small.key(), headers={"origin": other}), 403, "forbidden")
    assert small.ask("GET", "/healthz", headers={"host": "gate.example"}).status == 200
    assert small.ask("GET", "/healthz", headers={"host": "other.example"}).status == 403


def test_a_provider_without_a_key_says_what_to_do(small: Served, provider: ProviderProcess) -> None:
    calls = len(provider.ledger())
    reply = small.chat("Hi.", "grok-4.3")
    assert "faregate provider set xai" in refused(reply, 503, "provider_unconfigured")
    assert reply.headers["x-should-retry"] == "false"
    row = small.row(reply.id)
    assert (row.provider, row.model, row.status, row.error_type) == ("xai", "grok-4.3", 503, "provider_unconfigured")
    assert len(provider.ledger()) == calls


@pytest.mark.parametrize(
    ("model", "near"),
    [
        ("gtp-4.1-mini", "gpt-4.1-mini"),
        ("sonnet-4-6", "claude-sonnet-4-6"),
        ("zzz", "GET /api/ai/v1/models"),
        ("x\r\nx-evil: 1", ""),
        ("gpt-4.1\u0000", ""),
        ("gpt-" + "9" * 100_000, ""),
    ],
    ids=["typo", "part", "nothing", "header", "nul", "long"],
)
def test_an_unknown_model_names_the_nearest(gateway: Served, model: str, near: str) -> None:
    reply = gateway.chat("Hi.", model)
    words = refused(reply, 404, "model_not_found")
    assert reply.error["param"] == "model" and near in words and len(words) < 500
    assert "x-evil" not in reply.headers
    row = gateway.row(reply.id)
    assert (row.status, row.error_type, row.provider) == (404, "not_found", None)
    # SQLite keeps no NUL in a text.
    assert row.model_requested == model[:256].replace("\0", "\ufffd")


def test_the_usage_of_other_keys_is_not_for_readers(gateway: Served) -> None:
    """Read and execute see their own rows; admin sees all."""
    other = gateway.key(name="other execute", user="ana")
    mine, theirs = gateway.chat("Mine."), gateway.chat("Theirs.", key=other)
    gateway.settle()
    for key, name in ((gateway.key(), "execute"), (other, "other execute")):
        rows = gateway.get(f"{USAGE}/requests?limit=1000", key)["data"]
        assert {row["key"] for row in rows} == {name}
        summary = gateway.get(f"{USAGE}/summary", key)
        assert summary["requests"] == len(rows)
        assert {item["value"] for item in gateway.get(f"{USAGE}/breakdown?by=key", key)["data"]} == {name}
        assert sum(item["requests"] for item in gateway.get(f"{USAGE}/timeseries", key)["buckets"]) == len(rows)
    assert gateway.ask("GET", f"{USAGE}/requests/{mine.id}", key=other).status == 404
    assert gateway.get(f"{USAGE}/requests/{theirs.id}", other)["id"] == theirs.id
    refused(gateway.ask("GET", f"{USAGE}/summary?key=execute", key=other), 403, "forbidden")
    assert gateway.get(f"{USAGE}/requests", gateway.key("read")) == {"data": [], "next_cursor": None}
    assert gateway.get(f"{USAGE}/summary", gateway.key("read"))["requests"] == 0
    seen = {row["key"] for row in gateway.get(f"{USAGE}/requests?limit=1000")["data"]}
    assert {"execute", "other execute"} <= seen
