"""Headers of exchanges: kept with what was said, both ways at both ends, without a secret in the clear or unsealed.

The provider is one that repeats what it can: its key and the caller's in headers of their own names and in others.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.keys.sealing import derive_for
from gateway.store.chain import Hasher
from gateway.store.content import HEADERS, Sealed
from gateway.store.thread_store import PURPOSE
from tests.endtoend.scripted import Scripted, Sent, answer, event, stream_head
from tests.endtoend.serving import CHAT, MODELS, PROVIDERS, Reply, Served, traces, upstreams
from tests.endtoend.test_secrets import KEYS, key_of
from tests.waiting import wait_until

OWN = "ownCanary/+caller==0123456789abcdef"
COOKIE = "cookieCanary0123456789abcdef"
HELLO = [{"role": "user", "content": "Hi"}]


def repeats(sent: Sent, send: Callable[[bytes], None]) -> None:
    key = key_of(sent)
    headers = {
        "x_request_id": "up_1",
        "set_cookie": f"session={COOKIE}; HttpOnly",
        "x_echo": f"you sent {key}",
        "x_access_token": key,
        "location": f"http://here/?key={key}&a=b",
        "x_ratelimit_remaining_tokens": "4711",
    }
    body = json.loads(sent.body)
    if body.get("stream"):
        send(stream_head(**headers))
        delta = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}]}
        send(event(json.dumps(delta)))
        stop = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        send(event(json.dumps({**stop, "usage": {"prompt_tokens": 1, "completion_tokens": 1}})) + event("[DONE]"))
    elif "[fail]" in sent.body.decode():
        send(answer(b'{"error": {"message": "No."}}', status="429 Too Many", retry_after="3", **headers))
    else:
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        send(answer(json.dumps({"id": "c", "model": "m", "choices": [choice], "usage": usage}).encode(), **headers))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Scripted(repeats) as provider:
        urls = dict.fromkeys(PROVIDERS, provider.url)
        served = Served(tmp_path_factory.mktemp("headers") / "home", **upstreams(urls, KEYS))
        for role in ("execute", "admin"):
            served.key(role)
        with served:
            yield served


def kept(gateway: Served, reply: Reply, role: str = "admin") -> list[dict[str, Any]]:
    gateway.settle()
    wait_until(lambda: any(turn["request_id"] == reply.id for turn in turns(gateway, role)))
    return next(turn["headers"] for turn in turns(gateway, role) if turn["request_id"] == reply.id)


def turns(gateway: Served, role: str, query: str = "?include=headers") -> list[dict[str, Any]]:
    """Of all conversations, newest first."""
    base, key = "/api/ai/v1/conversations", gateway.key(role)
    ids = [thread["id"] for thread in gateway.get(f"{base}?limit=200", key)["data"]]
    return [turn for id in ids for turn in gateway.get(f"{base}/{id}{query}", key)["turns"]]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_all_four_ends_are_kept(gateway: Served, streamed: bool) -> None:
    body = {"model": MODELS["openai"], "messages": HELLO, "stream": streamed}
    reply = gateway.ask(
        "POST", CHAT, body, key=gateway.key(), headers={"x-tags": "team:ml", "user-agent": "tester/1"}
    )
    assert reply.status == 200
    groups = kept(gateway, reply)
    assert [(group["from"], group["attempt"]) for group in groups] == [
        ("asked", None),
        ("sent", 1),
        ("answered", 1),
        ("given", None),
    ]
    asked, sent, answered, given = ({name.lower(): value for name, value in each["headers"]} for each in groups)
    key = gateway.key()
    assert asked["authorization"] == f"Bearer tk_…{key[-4:]}"
    assert (asked["x-tags"], asked["user-agent"]) == ("team:ml", "tester/1")
    assert groups[0]["line"] == f"POST {CHAT}" and groups[1]["line"].endswith("/chat/completions")
    assert sent["authorization"] == "Bearer opC…cdef" and sent["user-agent"] == "faregate"
    assert (answered["x-request-id"], answered["x-ratelimit-remaining-tokens"]) == ("up_1", "4711")
    assert answered["x-echo"] == "you sent [hidden]" and answered["set-cookie"] == "…"
    assert answered["x-access-token"] == "opC…cdef" and answered["location"] == "http://here/?key=opC…cdef&a=b"
    told = {name.lower(): value for name, value in reply.headers.items()}
    assert given == {name: told[name] for name in given} and given["x-request-id"] == reply.id
    assert [group["line"] for group in groups[2:]] == ["200", "200"]


def test_a_refusal_s_headers_are_kept_with_their_status(gateway: Served) -> None:
    reply = gateway.chat("Please. [fail]", key=gateway.key())
    assert reply.status == 429
    groups = kept(gateway, reply)
    assert [group["line"] for group in groups[2:]] == ["429", "429"]
    assert ("retry-after", "3") in {(name.lower(), value) for name, value in groups[2]["headers"]}


def test_a_caller_is_told_its_own_ends_only(gateway: Served) -> None:
    reply = gateway.chat("Hello there.", key=gateway.key())
    groups = kept(gateway, reply, "execute")
    assert [group["from"] for group in groups] == ["asked", "given"]
    assert all("headers" not in turn for turn in turns(gateway, "execute", ""))


def test_no_secret_is_kept_in_the_clear_or_sealed(gateway: Served) -> None:
    """Every way to bring a key, to each provider; then the folder is searched as it lies, and all that is sealed in
    it is opened and searched."""
    key = gateway.key()
    ways: tuple[tuple[str, dict[str, str]], ...] = (
        ("", {"authorization": f"Bearer {key}"}),
        ("", {"x-api-key": key, "cookie": f"a={COOKIE}", "proxy-authorization": f"Basic {OWN}"}),
        ("", {"x-goog-api-key": key, "x-my-secret": OWN, "x-note": f"{OWN} again"}),
        (f"?key={key}", {"referer": f"http://here/?token={OWN}"}),
        ("", {"authorization": f"Bearer {key}", "x-provider-api-key": OWN}),
    )
    for query, headers in ways:
        for name in PROVIDERS:
            for text in ("Hi", "[fail]"):
                body = {"model": MODELS[name], "messages": [{"role": "user", "content": text}]}
                gateway.ask("POST", CHAT + query, body, headers=headers)
    gateway.settle()
    wait_until(lambda: len(unsealed(gateway.folder)) > 2 * len(ways) * len(PROVIDERS))
    files = list(gateway.folder.rglob("*"))
    opened = unsealed(gateway.folder)
    assert any("tk_…".encode() in each for each in opened)
    for secret in (*KEYS.values(), OWN, COOKIE, key):
        assert traces(secret, files) == []
        assert [each for each in opened if secret.encode() in each] == []


def unsealed(folder: Path) -> list[bytes]:
    """All that is sealed in `traces.db` of headers: the bases, and what each turn has beside them."""
    seal_key = (folder / "seal.key").read_bytes()
    sealed = Sealed(seal_key, Hasher(derive_for(seal_key, f"{PURPOSE} names")))
    with closing(sqlite3.connect(folder / "traces.db")) as connection:
        bases = connection.execute("SELECT kind, hash, data FROM contents").fetchall()
        own = connection.execute("SELECT t.identity, h.data FROM headers h JOIN turns t ON t.id = h.turn").fetchall()
    found = [sealed.unpack(kind, address, data) for kind, address, data in bases]
    return found + [sealed.unpack(HEADERS, identity.encode(), data) for identity, data in own]
