"""What a client says in headers: tags, end user, conversation, trace, a provider key of its own; and what it is told."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from gateway.providers.models import BY_ID, life_state
from tests.endtoend.serving import (
    CHAT,
    MODELS,
    PROVIDERS,
    USAGE,
    Served,
    opened,
    traces,
    upstreams,
    wait_until,
)
from tests.provider.client import ProviderProcess

BYOK = {
    "openai": "sk-proj-ownOwnOwn0123456789abcdef",
    "anthropic": "sk-ant-ownOwnOwn0123456789abcdef",
    "google": "AIzaOwnOwnOwn0123456789abcdef",
    "xai": "xai-ownOwnOwn0123456789abcdef",
}


# Tags, people, conversations, traces.


def test_tags_those_of_the_key_win(gateway: Served) -> None:
    key = gateway.key(name="tagged", user="ana", tags=("team:ml-ops", "billable"))
    tags = " env:dev , team:other,env:dev,url:http://a/b ,, Ünï".encode()
    reply = gateway.chat("Hi.", key=key, headers={"x-tags": tags})
    assert reply.status == 200
    row = gateway.row(reply.id)
    assert set(row.tags) == {"team:ml-ops", "billable", "env:dev", "url:http://a/b", "Ünï"}
    assert (row.principal, row.end_user, row.user) == ("ana", None, "ana")
    for condition, found in {"team:ml-ops": 1, "team:other": 0, "team:a|env:dev": 1, "!env:dev": 0}.items():
        rows = gateway.get(f"{USAGE}/requests?tag={quote(condition)}", key)["data"]
        assert len(rows) == found, condition


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_are_read_as_python_and_as_javascript_send_them(gateway: Served, encoding: str) -> None:
    headers = {"x-tags": "team:café".encode(encoding), "x-user": "Ünal".encode(encoding)}
    reply = gateway.chat("Hi.", headers=headers)
    assert reply.status == 200
    row = gateway.row(reply.id)
    assert (row.tags, row.end_user) == (("team:café",), "Ünal")


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        (":value", ":value"),
        ("ok,team:", "team:"),
        ("a|b", "a|b"),
        ("!not", "!not"),
        ("x" * 129, "x" * 60),
        (",".join(f"t{n}" for n in range(33)), "33 tags"),
        ("a\tb", "a\\tb"),
    ],
)
def test_a_malformed_tag_is_named(gateway: Served, provider: ProviderProcess, tags: str, named: str) -> None:
    calls = len(provider.ledger())
    reply = gateway.chat("Hi.", headers={"x-tags": tags})
    assert reply.status == 400 and reply.error["param"] == "x-tags"
    assert named in reply.error["message"]
    row = gateway.row(reply.id)
    assert (row.status, row.outcome, row.error_type, row.tags) == (400, "error", "bad_request", ())
    assert row.model_requested == "gpt-4.1-mini"
    assert len(provider.ledger()) == calls


@pytest.mark.parametrize(
    ("body_user", "header_user", "user"),
    [(None, "bob", "bob"), ("carol", "bob", "carol"), ("carol", None, "carol"), (None, None, None)],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_the_end_user(
    gateway: Served, body_user: str | None, header_user: str | None, user: str | None, streamed: bool
) -> None:
    headers = {"x-user": header_user} if header_user else {}
    more = {"user": body_user} if body_user else {}
    row = gateway.row(gateway.chat("Hi.", headers=headers, stream=streamed, **more).id)
    assert (row.end_user, row.principal, row.user) == (user, None, user)


def test_conversation_and_trace(gateway: Served) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"x-conversation-id": "chat-1 ü", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    encoded = {name: value.encode() for name, value in headers.items()}
    reply = gateway.chat("Hi.", headers=encoded)
    row = gateway.row(reply.id)
    assert (row.conversation_id, row.trace_id) == ("chat-1 ü", trace)
    assert reply.headers["x-faregate-conversation-id"] == "chat-1 %C3%BC"
    assert gateway.get(f"{USAGE}/requests?conversation={quote('chat-1 ü')}")["data"][0]["id"] == reply.id
    bare = gateway.chat("Hi.", headers={"traceparent": "00-xyz-00-01"})
    row = gateway.row(bare.id)
    assert (row.conversation_id, row.trace_id) == (None, None)
    assert "x-faregate-conversation-id" not in bare.headers


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        ("OpenAI/Python 3.54.0", "OpenAI SDK (Python)"),
        ("curl/8.5.0", "curl"),
        ("my-tool/1.0", "my-tool"),
        ("claude-cli/2.0 (external)", "Claude Code"),
    ],
)
def test_cc_switch_5405_each_row_names_its_client(gateway: Served, agent: str, client: str) -> None:
    assert gateway.row(gateway.chat("Hi.", headers={"user-agent": agent}).id).client == client


def test_what_every_answer_tells(gateway: Served, provider: ProviderProcess) -> None:
    for name in PROVIDERS:
        for streamed in (False, True):
            began = time.perf_counter()
            reply = gateway.chat("Hi.", MODELS[name], stream=streamed)
            took_ms = (time.perf_counter() - began) * 1000
            entry, row = provider.ledger()[-1], gateway.row(reply.id)
            headers = reply.headers
            assert headers["x-faregate-provider"] == name and headers["x-faregate-model"] == MODELS[name]
            assert headers["x-faregate-upstream-request-id"] == entry["request_id"] == row.upstream_request_id
            assert 0 < float(headers["x-faregate-overhead-ms"]) < took_ms
            cost = headers.get("x-faregate-cost-usd")
            assert cost == (None if streamed else f"{row.cost_nano / 10**9:.9f}")  # type: ignore[operator]
            assert "x-faregate-dropped" not in headers and headers["content-type"].startswith(
                "text/event-stream" if streamed else "application/json"
            )


@pytest.mark.parametrize("id", ["50%20off", "100 %", "ü%C3%BC"])
def test_a_conversations_id_decodes_to_what_was_sent(gateway: Served, id: str) -> None:
    reply = gateway.chat("Hi.", headers={"x-conversation-id": id.encode()})
    assert unquote(reply.headers["x-faregate-conversation-id"]) == gateway.row(reply.id).conversation_id == id


def test_what_every_error_tells(gateway: Served, provider: ProviderProcess) -> None:
    sent = {"x-conversation-id": "told-also-of-errors"}
    refused = gateway.chat("No. [[400]]", MODELS["anthropic"], headers=sent)
    headers, entry = refused.headers, provider.ledger()[-1]
    assert (refused.status, headers["x-faregate-provider"]) == (400, "anthropic")
    assert headers["x-faregate-model"] == MODELS["anthropic"]
    assert headers["x-faregate-upstream-request-id"] == entry["request_id"]
    here = gateway.chat("Hi.", "nothing-like-it", headers=sent)
    assert here.status == 404 and "x-faregate-provider" not in here.headers
    for reply in (refused, here):
        assert reply.headers["x-faregate-conversation-id"] == "told-also-of-errors"
        assert float(reply.headers["x-faregate-overhead-ms"]) > 0 and gateway.row(reply.id).status == reply.status


# A provider key of the caller's own.


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("streamed", [False, True])
def test_the_caller_s_own_provider_key_is_used_once(
    gateway: Served, provider: ProviderProcess, name: str, streamed: bool
) -> None:
    own = BYOK[name]
    reply = gateway.chat("Hi. [[echo]]", MODELS[name], headers={"x-provider-api-key": own}, stream=streamed)
    sent = provider.ledger()[-1]["answer"]["text"]
    # The provider saw this key, and neither the gateway's own nor the one that opened the gateway.
    assert own in sent and "canary" not in sent and "tk_" not in sent and "x-provider-api-key" not in sent.lower()
    row = gateway.row(reply.id)
    assert row.byok and row.outcome == "ok"
    gateway.chat("Hi.", MODELS[name], stream=streamed)
    assert provider.ledger()[-1]["key_tail"] == "cdef" and not gateway.last().byok
    gateway.chat("Hi. [[echo]]", MODELS[name])
    assert own not in provider.ledger()[-1]["answer"]["text"]


@pytest.mark.parametrize("name", PROVIDERS)
def test_cc_switch_1510_a_rejected_own_key_is_never_replaced(
    gateway: Served, provider: ProviderProcess, name: str
) -> None:
    calls = len(provider.ledger())
    reply = gateway.chat("Hi.", MODELS[name], headers={"x-provider-api-key": "sk-bad-0123456789"})
    assert reply.status == 502 and reply.headers["x-should-retry"] == "false"
    assert "sk-bad" not in reply.error["message"]
    assert len(provider.ledger()) == calls + 1
    row = gateway.row(reply.id)
    assert row.byok and row.error_type == "provider_key_rejected"
    # What a caller's key meets says nothing of the stored one.
    states = gateway.command("provider", "list").stdout
    assert "rejected" not in states


@pytest.mark.parametrize("own", ["", "   ", "two words", "ünïcode", "x" * 5000])
def test_an_own_key_that_is_none(gateway: Served, provider: ProviderProcess, own: str) -> None:
    calls = len(provider.ledger())
    reply = gateway.ask(
        "POST",
        CHAT,
        {"model": "gpt-4.1-mini", "messages": []},
        key=gateway.key(),
        headers={"x-provider-api-key": own.encode()},
    )
    assert reply.status == 400 and reply.error["param"] == "x-provider-api-key"
    assert len(provider.ledger()) == calls and gateway.row(reply.id).status == 400


def test_own_keys_are_stored_nowhere(gateway: Served) -> None:
    """After all of the above: the data folder with its databases' side files, and the log."""
    gateway.settle()
    files = [*gateway.folder.rglob("*"), gateway.log_path]
    assert any(path.name.startswith("usage.db") for path in files)
    for own in (*BYOK.values(), "sk-bad-0123456789"):
        assert traces(own, files) == []


# Models.


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ("claude-haiku-4.5", "claude-haiku-4-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
        ("GPT-4.1 mini", "gpt-4.1-mini"),
        ("gemini-3.1-pro", "gemini-3.1-pro-preview"),
        ("grok-4.1-fast", "grok-4-1-fast-reasoning"),
        ("anthropic/claude-sonnet-4.6", "claude-sonnet-4-6"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gpt-4.1-2025-04-14", "gpt-4.1-2025-04-14"),
        ("claude-sonnet-9", "claude-sonnet-9"),
    ],
)
def test_human_spellings_reach_the_right_model(
    gateway: Served, provider: ProviderProcess, asked: str, model: str
) -> None:
    reply = gateway.chat("Hi.", asked)
    assert reply.status == 200, reply
    assert provider.ledger()[-1]["model"] == model
    row = gateway.row(reply.id)
    assert (row.model_requested, row.model) == (asked, model)


@pytest.mark.parametrize("model", ["gpt-4.1-nano", "o3", "gemini-2.5-flash", "claude-sonnet-4-6", "grok-3"])
def test_models_on_their_way_out_say_so_and_are_not_swapped(
    gateway: Served, provider: ProviderProcess, model: str
) -> None:
    row = BY_ID[model]
    reply = gateway.chat("Hi.", model)
    assert provider.ledger()[-1]["model"] == model
    words = reply.headers.get("x-faregate-model-notice")
    state = life_state(row, datetime.now(UTC).date())
    if state == "live":
        assert words is None
    else:
        assert words and state in words and row.ended and row.ended in words


# Parameters that cannot be carried.


def test_what_was_dropped_is_named_and_cannot_break_the_headers(gateway: Served) -> None:
    """A client chooses the names of unknown fields; they stand in a header of the answer."""
    strange = {"seed": 7, "x\r\nx-evil": 1, "ünknown": 1, "y" * 5000: 1}
    reply = gateway.chat("Hi.", MODELS["anthropic"], **strange)
    assert reply.status == 200 and "x-evil" not in reply.headers
    dropped = reply.headers["x-faregate-dropped"]
    assert "seed" in dropped.split(", ") and "x%0D%0Ax-evil" in dropped and "%C3%BCnknown" in dropped
    assert len(dropped) <= 2048
    assert {"seed", "ünknown"} <= set(gateway.row(reply.id).dropped)


def test_a_loss_that_changes_the_answer_is_refused_by_name(gateway: Served, provider: ProviderProcess) -> None:
    calls = len(provider.ledger())
    reply = gateway.chat(
        "Hi.", MODELS["anthropic"], modalities=["text", "audio"], audio={"voice": "a", "format": "wav"}
    )
    assert reply.status == 400 and reply.error["param"] in ("modalities", "audio")
    assert len(provider.ledger()) == calls


# Loops.


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_cc_switch_4254_a_loop_is_508(tmp_path: Path, host: str) -> None:
    """Every provider's base URL leads back to the gateway, by an address that no setting can tell from another's."""
    with ExitStack() as stack:
        forwarder = stack.enter_context(Forwarder(host))
        base = f"http://{f'[{host}]' if ':' in host else host}:{forwarder.port}"
        urls = dict.fromkeys(("openai", "xai"), f"{base}/api/ai/v1") | dict.fromkeys(("anthropic", "google"), base)
        gateway = Served(tmp_path / "home", **upstreams(urls))
        key = gateway.key()
        stack.enter_context(gateway)
        forwarder.target = gateway.address
        for name in PROVIDERS:
            reply = gateway.chat("Round and round.", MODELS[name])
            assert reply.status == 508, (name, reply)
            assert "loop back" in reply.error["message"]
            row = gateway.row(reply.id)
            assert (row.status, row.outcome, row.provider) == (508, "error", name)
        assert gateway.count() == len(PROVIDERS)
        # With a key of the gateway's own as the provider's, the inner request is an exchange too, and the last.
        reply = gateway.chat("Round.", MODELS["openai"], headers={"x-provider-api-key": key})
        assert reply.status == 508 and reply.headers["x-should-retry"] == "false"
        assert gateway.count() == len(PROVIDERS) + 2
        assert "loop_detected" in {row.error_type for row in gateway.records()[:2]}


class Forwarder:
    """Passes connections on to `target`; all its threads end with it."""

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server(("127.0.0.1" if host == "localhost" else host, 0), family=family)
        self._open: list[socket.socket] = [self._server]
        self._threads = [threading.Thread(target=self._accept)]
        self.port = self._server.getsockname()[1]
        self.target = ("127.0.0.1", 0)

    def __enter__(self) -> "Forwarder":
        self._threads[0].start()
        return self

    def __exit__(self, *_exception: object) -> None:
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(self.target)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    thread = threading.Thread(target=self._pump, args=(one, other))
                    self._threads.append(thread)
                    thread.start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_cc_switch_4254_its_own_address_is_refused_at_once(tmp_path: Path, host: str) -> None:
    gateway = Served(tmp_path, **upstreams({"openai": f"http://{host}:4999/api/ai/v1"}))
    done = gateway.command("serve", "--port", "4999")
    assert done.returncode == 2 and "its own address" in done.stderr.replace("the gateway's own", "its own")
    assert done.stderr.count("\n") == 1


# Everything that a client may say, with what SQL might stumble over.

NASTY = [
    "'",
    '"; DROP TABLE requests; --',
    "' OR '1'='1",
    "\\",
    "%",
    "_",
    "a\x1bb",
    "'||(SELECT sha256)||'",
    "?1",
    "é\u2028",
]
PARAMETERS = (
    "from",
    "to",
    "tz",
    "provider",
    "model",
    "key",
    "user",
    "door",
    "client",
    "app",
    "conversation",
    "outcome",
)
FURTHER = ("tag", "by", "bucket", "sort", "cursor", "limit", "compare")


@pytest.fixture(scope="module")
def nasty(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("nasty") / "home", **upstreams(provider.base_urls))
    served.key("admin")
    with served:
        for text in ("One.", "Two.", "Three."):
            served.chat(text, key=served.key("admin"))
        yield served


@pytest.mark.parametrize("parameter", [*PARAMETERS, *FURTHER])
def test_cve_2026_42208_query_parameters_are_no_sql(nasty: Served, parameter: str) -> None:
    rows = {row.id for row in nasty.records()}
    for path in ("requests", "summary", "timeseries", "breakdown"):
        for value in NASTY:
            reply = nasty.ask("GET", f"{USAGE}/{path}?{parameter}={quote(value)}", key=nasty.key("admin"))
            assert reply.status in (200, 400), (path, value, reply)
            if reply.status == 400:
                assert reply.error["message"]
            elif parameter in PARAMETERS[3:] and path == "requests":
                assert reply.json["data"] == []
    assert {row.id for row in nasty.records()} == rows
    with opened(nasty.folder) as store:
        assert store.check() == []


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "x-api-key",
        "x-user",
        "x-conversation-id",
        "x-tags",
        "traceparent",
        "user-agent",
        "x-request-id",
    ],
)
def test_cve_2026_42208_headers_are_no_sql(nasty: Served, name: str) -> None:
    before = nasty.count()
    accepted = 0
    for value in NASTY:
        headers = {name: value.encode()}
        credentials = {} if name == "authorization" else {"authorization": f"Bearer {nasty.key('admin')}"}
        body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hi."}]}
        reply = nasty.ask("POST", CHAT, body, headers={**credentials, **headers})
        assert reply.status in (200, 400, 401), (value, reply)
        # The parser itself refuses control characters, before there is a request that could have a row.
        accepted += reply.status == 200 or (reply.status == 400 and b"be read as HTTP" not in reply.body)
    assert nasty.count() == before + accepted
    with opened(nasty.folder) as store:
        assert store.check() == []
    for path in ("summary", "breakdown?by=user", "breakdown?by=tag:a"):
        assert nasty.ask("GET", f"{USAGE}/{path}", key=nasty.key("admin")).status == 200


def test_values_from_the_body_are_no_sql(nasty: Served) -> None:
    for value in NASTY:
        reply = nasty.chat("Hi.", user=value, key=nasty.key("admin"))
        row = nasty.row(reply.id)
        assert row.end_user == value
        found = nasty.get(f"{USAGE}/requests?user={quote(value)}")["data"]
        assert reply.id in [item["id"] for item in found] and {item["user"] for item in found} == {value}


def test_nothing_unforeseen_was_met(gateway: Served, nasty: Served) -> None:
    for served in (gateway, nasty):
        assert "Traceback" not in served.log and "failed inside" not in served.log
    wait_until(lambda: gateway.completeness()["open"] == 0)
