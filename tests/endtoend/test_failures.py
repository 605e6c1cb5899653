"""A provider that refuses, breaks, lies or falls silent: a typed error where someone listens, a row, nothing left open."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from gateway.records import ExchangeRecord
from tests.endtoend.serving import CHAT, MODELS, PROVIDER_KEYS, PROVIDERS, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S, wait_until

EACH = pytest.mark.parametrize("name", PROVIDERS)
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
TIMEOUT_S = 1.5


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = {"FAREGATE_TIMEOUTS_FIRST_BYTE": str(TIMEOUT_S), "FAREGATE_TIMEOUTS_BETWEEN_CHUNKS": str(TIMEOUT_S)}
    served = Served(tmp_path_factory.mktemp("failures") / "home", **upstreams(provider.base_urls), **limits)
    served.key()
    with served:
        yield served


@pytest.fixture(scope="module")
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with sdk(gateway) as made:
        yield made


def sdk(gateway: Served, max_retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=max_retries, timeout=PATIENCE_S
    )


def failing(
    client: openai.OpenAI, name: str, marker: str, streamed: bool, text: str = "Please fail."
) -> openai.APIError:
    """What the SDK raises, at once or while it reads."""
    messages: Any = [{"role": "user", "content": f"{text} [[{marker}]]"}]
    with pytest.raises(openai.APIError) as raised:
        answer: Any = client.chat.completions.create(model=MODELS[name], messages=messages, stream=streamed)
        if streamed:
            list(answer)
    return raised.value


def nothing_counted(row: ExchangeRecord) -> None:
    assert (row.usage_source, row.cost_nano, row.cost_source) == ("none", None, "none")
    assert (row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens) == (None,) * 4


# Marker → what the SDK raises, with which status, and the row's kind.
REFUSALS: dict[str, tuple[type[openai.APIStatusError], int, str]] = {
    "400": (openai.BadRequestError, 400, "bad_request"),
    "401": (openai.InternalServerError, 502, "provider_key_rejected"),
    "402": (openai.APIStatusError, 402, "provider_quota"),
    "403": (openai.InternalServerError, 502, "provider_key_rejected"),
    "404": (openai.NotFoundError, 404, "not_found"),
    "429": (openai.RateLimitError, 429, "rate_limited"),
    "500": (openai.InternalServerError, 500, "provider_error"),
    "503": (openai.InternalServerError, 503, "overloaded"),
    "529": (openai.InternalServerError, 529, "overloaded"),
    "html": (openai.InternalServerError, 502, "unreadable_answer"),
    "html502": (openai.InternalServerError, 502, "unreadable_answer"),
    "reset": (openai.InternalServerError, 502, "connection_lost"),
}


@dataclass(frozen=True)
class Failed:
    """What the SDK raised, the row, and the ledger's entry."""

    error: openai.APIError
    row: ExchangeRecord
    entry: dict[str, Any]


Case = tuple[str, str, bool]


@pytest.fixture(scope="module")
def refused(gateway: Served, provider: ProviderProcess) -> dict[Case, Failed]:
    """All refusals, by provider, marker, and whether streamed; many at once."""
    cases = [(name, marker, streamed) for name in PROVIDERS for marker in REFUSALS for streamed in (False, True)]

    def fail(case: Case) -> openai.APIError:
        name, marker, streamed = case
        return failing(client, name, marker, streamed, f"{name}, {marker}, {streamed}")

    with sdk(gateway) as client, ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(fail, cases))
    entries = {entry["prompt"].partition(" [[")[0]: entry for entry in provider.ledger()}
    rows = {row.id: row for row in gateway.records()}
    found = {}
    for case, error in zip(cases, errors, strict=True):
        assert isinstance(error, openai.APIStatusError), (case, error)
        found[case] = Failed(error, rows[error.response.headers["x-request-id"]], entries[", ".join(map(str, case))])
    return found


@EACH
@BOTH
@pytest.mark.parametrize("marker", REFUSALS)
def test_an_early_refusal_keeps_its_status(
    refused: dict[Case, Failed], provider: ProviderProcess, name: str, streamed: bool, marker: str
) -> None:
    kind, status, word = REFUSALS[marker]
    if (name, marker) == ("google", "529"):
        status = 503
    failed = refused[name, marker, streamed]
    error, row, entry = failed.error, failed.row, failed.entry
    assert isinstance(error, kind) and isinstance(error, openai.APIStatusError)
    assert error.status_code == status
    assert isinstance(error.body, dict) and set(error.body) == {"message", "type", "param", "code"}
    assert error.body["message"] and error.body["type"]
    headers = error.response.headers
    assert (row.provider, row.model, row.status, row.outcome) == (name, MODELS[name], status, "error")
    assert (row.error_type, row.error_message) == (word, error.body["message"])
    assert row.streamed is streamed and row.latency_us is not None and row.ttft_us is None
    if marker != "reset":
        assert [attempt.status for attempt in row.attempts] == [entry["status"]]
        nothing_counted(row)
    if marker.isdigit() and name != "google":
        assert headers["x-faregate-upstream-request-id"] == entry["request_id"] == row.upstream_request_id
    assert headers.get("x-should-retry") == ("false" if word in ("provider_key_rejected", "provider_quota") else None)
    assert headers.get("retry-after") == ("7" if marker == "429" else None)
    assert provider.open() == 0


def test_a_rejected_provider_key_is_not_tried_again(gateway: Served, provider: ProviderProcess) -> None:
    before = len(provider.ledger())
    with sdk(gateway, max_retries=2) as patient:
        failing(patient, "xai", "401", False)
    assert len(provider.ledger()) == before + 1


def test_what_may_come_right_is_tried_again_by_the_sdk(gateway: Served, provider: ProviderProcess) -> None:
    before, rows = len(provider.ledger()), gateway.count()
    provider.order("503", provider="anthropic")
    messages: Any = [{"role": "user", "content": "Hi."}]
    with sdk(gateway, max_retries=1) as patient:
        answer = patient.chat.completions.create(model=MODELS["anthropic"], messages=messages)
    assert answer.choices[0].finish_reason == "stop"
    assert len(provider.ledger()) == before + 2 and gateway.count() == rows + 2


MIDWAY = ("half", "cut", "reset-midway", "error")


@EACH
@pytest.mark.parametrize("marker", MIDWAY)
def test_half_a_whole_answer_is_no_answer(
    client: openai.OpenAI, gateway: Served, provider: ProviderProcess, name: str, marker: str
) -> None:
    error = failing(client, name, marker, False)
    assert isinstance(error, openai.InternalServerError) and error.status_code == 502
    row = gateway.row(error.response.headers["x-request-id"])
    assert (row.status, row.outcome, row.error_type) == (502, "error", "connection_lost")
    assert (row.usage_source, row.attempts[0].status) == ("estimated", 200)
    assert row.input_tokens and row.output_tokens is None
    assert provider.open() == 0


@EACH
@pytest.mark.parametrize("marker", MIDWAY)
def test_mlflow_25897_a_broken_stream_raises_and_never_ends_cleanly(
    client: openai.OpenAI, gateway: Served, provider: ProviderProcess, name: str, marker: str
) -> None:
    error = failing(client, name, marker, True)
    entry = provider.ledger()[-1]
    row = gateway.last()
    assert (row.provider, row.outcome, row.streamed) == (name, "error", True)
    assert row.error_message and row.error_message in str(error)
    expected = {"overloaded", "provider_error"} if marker == "error" else {"connection_lost"}
    assert row.error_type in expected, row
    # What broke before a byte was passed on keeps a status; the rest had its 200 already.
    assert row.status == (error.status_code if isinstance(error, openai.APIStatusError) else 200)
    if marker in ("half", "error") and entry["reported"]:
        assert (row.usage_source, row.input_tokens) == ("partial", entry["input"])
    else:
        assert row.usage_source in ("partial", "estimated") and row.input_tokens
    assert provider.open() == 0


@EACH
def test_an_error_in_the_middle_of_a_stream_is_the_last_event(
    gateway: Served, provider: ProviderProcess, name: str
) -> None:
    """Slowed, so that the 200 is out before the error comes."""
    reply = gateway.chat("Break. [[error]] [[slow:20]]", MODELS[name], stream=True)
    assert reply.status == 200
    events = [line for line in reply.body.decode().split("\n") if line.startswith("data:")]
    assert '"error"' in events[-1] and "data: [DONE]" not in events
    assert not any('"finish_reason":"' in event for event in events)
    row = gateway.row(reply.id)
    assert (row.status, row.outcome) == (200, "error") and row.ttft_us and row.output_tokens
    assert row.error_message and row.error_message in events[-1]


def test_silence_is_ended_in_time_and_upstream_is_let_go(gateway: Served, provider: ProviderProcess) -> None:
    """All sixteen at once: whole and streamed, from four providers, silent at first and in the middle."""
    cases = [(name, marker, streamed) for name in PROVIDERS for marker in ("silent", "stall") for streamed in (0, 1)]

    def fails(case: tuple[str, str, int]) -> tuple[float, openai.APIError]:
        name, marker, streamed = case
        with sdk(gateway) as own:
            began = time.monotonic()
            error = failing(own, name, marker, bool(streamed))
            return time.monotonic() - began, error

    before = gateway.count()
    with ThreadPoolExecutor(len(cases)) as pool:
        results = list(pool.map(fails, cases))
    provider.wait_idle()
    rows = gateway.records()[: len(cases)]
    assert gateway.count() == before + len(cases)
    assert {row.error_type for row in rows} == {"timeout"} and {row.outcome for row in rows} == {"error"}
    for (name, marker, streamed), (seconds, error) in zip(cases, results, strict=True):
        assert seconds >= TIMEOUT_S
        begun = marker == "stall" and streamed
        words = "in the middle of its answer" if marker == "stall" else "has not begun to answer"
        if begun:
            assert not isinstance(error, openai.APIStatusError)
        else:
            assert isinstance(error, openai.InternalServerError) and error.status_code == 504
        assert words in error.message, (name, marker)
    statuses = sorted(row.status for row in rows)
    assert statuses == [200] * 4 + [504] * 12
    left = [entry["client_left"] for entry in provider.ledger()[-len(cases) :]]
    assert left == [True] * len(cases)


@EACH
def test_litellm_14457_a_client_that_leaves_before_the_first_byte(
    gateway: Served, provider: ProviderProcess, name: str
) -> None:
    row, _ = left_early(gateway, provider, name, "[[silent]]", streamed=True, read=0)
    assert (row.usage_source, row.output_tokens, row.ttft_us) == ("estimated", None, None)
    assert row.input_tokens and row.input_tokens > 0


@EACH
def test_litellm_14457_a_client_that_leaves_midway(gateway: Served, provider: ProviderProcess, name: str) -> None:
    row, entry = left_early(gateway, provider, name, "[[slow:100]]", streamed=True, read=4)
    assert row.ttft_us and row.ttft_us > 0
    told_first = name in ("anthropic", "google")
    assert row.usage_source == ("partial" if told_first else "estimated")
    if told_first:
        assert (row.input_tokens, row.cached_tokens) == (entry["input"], entry["cached"])
    said = len((entry["answer"]["text"] or "").encode())
    assert row.output_tokens and row.output_tokens <= max(entry["output"], said)


@EACH
def test_litellm_14457_a_client_that_leaves_before_a_whole_answer(
    gateway: Served, provider: ProviderProcess, name: str
) -> None:
    row, _ = left_early(gateway, provider, name, "[[slow:1000]]", streamed=False, read=0)
    assert (row.usage_source, row.output_tokens) == ("estimated", None)


def test_litellm_14457_a_client_that_leaves_while_the_model_thinks(
    gateway: Served, provider: ProviderProcess
) -> None:
    thinking = {"max_tokens": 4000, "thinking": {"type": "adaptive"}}
    row, entry = left_early(
        gateway, provider, "anthropic", "[[think]] [[slow:100]]", streamed=True, read=1, until=b'"thinking_delta"',
        path="/api/ai/v1/messages", **thinking,
    )  # fmt: skip
    assert (row.usage_source, row.input_tokens, row.cached_tokens) == ("partial", entry["input"], entry["cached"])
    thought = len(json.dumps(entry["answer"]))
    assert row.output_tokens and row.output_tokens <= max(entry["output"], thought)


def left_early(
    gateway: Served,
    provider: ProviderProcess,
    name: str,
    text: str,
    *,
    streamed: bool,
    read: int,
    until: bytes = b"data:",
    path: str = CHAT,
    **more: Any,
) -> tuple[ExchangeRecord, dict[str, Any]]:
    """Ask, read this many of these, events by default, and close: the row and the ledger's entry."""
    messages = [{"role": "user", "content": text}]
    body = json.dumps({"model": MODELS[name], "stream": streamed, "messages": messages, **more})
    request = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {gateway.key()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    calls = len(provider.ledger())
    with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
        connection.sendall(request.encode())
        seen = b""
        while seen.replace(b" ", b"").count(until) < read:
            seen += connection.recv(4096)
        if not read:
            wait_until(lambda: provider.open() == 1)
    provider.wait_idle()
    ledger = provider.ledger()
    assert len(ledger) == calls + 1 and ledger[-1]["client_left"]
    row = gateway.last()
    assert (row.provider, row.status, row.outcome, row.error_type) == (name, 499, "aborted", "client_left")
    assert row.cost_nano is not None and row.streamed is streamed
    return row, ledger[-1]


def test_a_client_that_leaves_in_the_middle_of_its_own_request(gateway: Served, provider: ProviderProcess) -> None:
    before, calls = gateway.count(), len(provider.ledger())
    head = (
        f"POST /api/ai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {gateway.key()}\r\n"
    )
    with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
        # The gateway says that it wants the body: it has read the headers.
        connection.sendall(f"{head}Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b'{"model": "gpt-4.1-mini", ')
    wait_until(lambda: gateway.count() == before + 1)
    assert len(provider.ledger()) == calls
    row = gateway.last()
    assert (row.outcome, row.status, row.provider, row.usage_source) == ("aborted", 499, None, "none")


def test_a_slow_reader_is_no_silent_provider(gateway: Served) -> None:
    """The client takes longer between reads than a provider may between chunks, and its answer is still whole."""
    text = "x" * 12_000_000
    body = f'{{"model":"gpt-4.1-mini","stream":true,"messages":[{{"role":"user","content":"[[echo]]{text}"}}]}}'
    head = (
        f"POST /api/ai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {gateway.key()}\r\n"
    )
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(PATIENCE_S)
        connection.connect(gateway.address)
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        connection.recv(1000)
        threading.Event().wait(TIMEOUT_S + 1)
        seen = b""
        while b"0\r\n\r\n" not in seen[-10:]:
            data = connection.recv(1 << 20)
            assert data
            seen += data
    assert b"data: [DONE]" in seen[-100:] and b'"error"' not in seen
    row = gateway.last()
    assert (row.outcome, row.usage_source) == ("ok", "provider")
    # Waiting for the client's socket is not the gateway's time.
    assert row.latency_us and row.latency_us > TIMEOUT_S * 1e6
    assert row.overhead_us is not None and row.overhead_us < 0.5 * row.latency_us


@pytest.fixture(scope="module")
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each provider cannot be reached in a way of its own."""
    with contextlib.ExitStack() as stack:
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        plain = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=talk_http, args=(plain,), daemon=True).start()
        urls = {
            "openai": f"http://127.0.0.1:{closed.getsockname()[1]}/v1",
            "anthropic": f"http://127.0.0.1:{full.getsockname()[1]}",
            "google": "http://no-such-host.invalid",
            "xai": f"https://127.0.0.1:{plain.getsockname()[1]}/v1",
        }
        served = Served(
            tmp_path_factory.mktemp("unreachable") / "home", **upstreams(urls), FAREGATE_TIMEOUTS_CONNECT="0.5"
        )
        served.key()
        stack.enter_context(served)
        yield served


def talk_http(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("name", "status", "kind", "words"),
    [
        ("openai", 502, "connection_lost", "refused"),
        ("anthropic", 504, "timeout", "did not accept a connection in time"),
        ("google", 502, "connection_lost", "its name cannot be found"),
        ("xai", 502, "connection_lost", "it takes no secure connection"),
    ],
)
def test_a_provider_that_cannot_be_reached(
    unreachable: Served, name: str, status: int, kind: str, words: str
) -> None:
    reply = unreachable.chat("Hi.", MODELS[name])
    assert reply.status == status and words in reply.error["message"]
    assert PROVIDER_KEYS[name] not in reply.error["message"]
    row = unreachable.row(reply.id)
    assert (row.status, row.outcome, row.error_type, row.provider) == (status, "error", kind, name)
    nothing_counted(row)
