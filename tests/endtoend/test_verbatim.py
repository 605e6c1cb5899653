"""Where door and provider speak the same dialect, bytes pass as they are: the provider hashes what it receives.

Known faults of our peers that this guards: CLIProxyAPI#2172 (re-serialised JSON), bifrost#3942 (fields stripped).
"""

import hashlib
import json
from typing import Any

import pytest

from tests.cpu_time import cpu_seconds
from tests.endtoend.scripted import Scripted, answer, event, stream_head
from tests.endtoend.serving import CHAT, EMBEDDINGS, Reply, Served, upstreams
from tests.large_calls import assert_linear
from tests.provider.client import ProviderProcess

MESSAGES = b'"messages":[{"role":"user","content":"[[echo]]"}]'
ODD = {
    "spaces": b'\r\n {\t"model" :\n"gpt-4.1-mini" ,  ' + MESSAGES + b" }\n\n",
    "escapes": b'{"model":"gpt\\u002d4.1-mini",' + MESSAGES + b',"x":"\\u00e9\\ud83d\\ude00\\/"}',
    "half surrogate": b'{"model":"gpt-4.1-mini",' + MESSAGES + b',"x":"\\ud800"}',
    "numbers": b'{"model":"gpt-4.1-mini",' + MESSAGES + b',"a":1e400,"b":-0.0,"c":1E+2,"d":12345678901234567890123}',
    "unknown": b'{"new_field":{"deep":[{"er":null}]},"model":"gpt-4.1-mini",' + MESSAGES + b',"cache_control":{}}',
    "twice": b'{"model":"gpt-4.1-mini",' + MESSAGES + b',"seed":1,"seed":2}',
    "key order": b'{"temperature":0.10,' + MESSAGES + b',"model":"gpt-4.1-mini","user":"\xc3\xa9"}',
    "grok": b'{"model":"grok-4.3",' + MESSAGES + b',"search":[1,2 ,3]}',
}


def sent(gateway: Served, provider: ProviderProcess, body: bytes, path: str = CHAT) -> tuple[Reply, dict[str, Any]]:
    reply = gateway.ask("POST", path, body, key=gateway.key(), timeout=60)
    assert reply.status == 200, reply
    return reply, provider.ledger()[-1]


def hashed(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_cliproxyapi_2172_whole_requests_pass_as_they_are(
    gateway: Served, provider: ProviderProcess, body: bytes
) -> None:
    _, entry = sent(gateway, provider, body)
    assert (entry["body_sha256"], entry["body_bytes"]) == (hashed(body), len(body))


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_a_stream_that_asks_for_usage_passes_as_it_is(
    gateway: Served, provider: ProviderProcess, body: bytes
) -> None:
    asking = body.replace(b'"model"', b'"stream": true,"stream_options":{ "include_usage" :true },"model"', 1)
    _, entry = sent(gateway, provider, asking)
    assert entry["body_sha256"] == hashed(asking) and entry["streamed"]


ADDED = b'"stream_options":{"include_usage":true}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"stream":true, "x":1e400,%b}', b"{" + ADDED + b',"stream":true, "x":1e400,%b}'),
        (b' {\n"stream":true,%b } ', b" {" + ADDED + b',\n"stream":true,%b } '),
        (b'{"stream":true,"stream_options":{},%b}', b'{"stream":true,"stream_options":{"include_usage":true},%b}'),
        (
            b'{"stream":true,"stream_options":null ,%b}',
            b'{"stream":true,"stream_options":{"include_usage":true} ,%b}',
        ),
        (
            b'{"stream":true,"stream_options":{"new":[1, 2], "include_usage": false},%b}',
            b'{"stream":true,"stream_options":{"new":[1, 2], "include_usage": true},%b}',
        ),
    ],
    ids=["absent", "spaced", "empty", "null", "declined"],
)
def test_only_the_usage_is_asked_for_beside(
    gateway: Served, provider: ProviderProcess, body: bytes, expected: bytes
) -> None:
    rest = b'"model":"gpt-4.1-mini",' + MESSAGES
    reply, entry = sent(gateway, provider, body % rest)
    assert entry["body_sha256"] == hashed(expected % rest)
    assert b'"usage":{' not in reply.body.replace(b" ", b"")
    assert gateway.row(reply.id).usage_source == "provider"


@pytest.mark.parametrize(
    "name", [b'"GPT-4.1 mini"', b'"gpt-4-1-mini"', b'"openai/gpt-4.1-mini"', b'"gpt-4\\u002e1_mini"']
)
def test_an_aliased_name_is_all_that_changes(gateway: Served, provider: ProviderProcess, name: bytes) -> None:
    body = b'{ "a" : 1e400,\n "model" : ' + name + b' ,"metadata":{"model":' + name + b"}, " + MESSAGES + b"}"
    _, entry = sent(gateway, provider, body)
    assert entry["body_sha256"] == hashed(body.replace(name, b'"gpt-4.1-mini"', 1))


def test_embeddings_pass_as_they_are(gateway: Served, provider: ProviderProcess) -> None:
    body = b'{ "input" : ["\\u00e9", "[[echo]]"],\n"model":"text-embedding-3-small" , "new": 1e400}'
    _, entry = sent(gateway, provider, body, EMBEDDINGS)
    assert entry["body_sha256"] == hashed(body)


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "GPT-4.1 mini"], ids=["as it is", "aliased"])
@pytest.mark.parametrize("streamed", [b"false", b"true"], ids=["whole", "streamed"])
def test_litellm_26181_twenty_megabytes(
    gateway: Served, provider: ProviderProcess, model: str, streamed: bytes
) -> None:
    def of(size: int) -> bytes:
        picture = b"data:image/png;base64," + b"iVBORw0KGgoA" * (size // 12)
        part = b'{"type":"image_url","image_url":{"url":"' + picture + b'"}}'
        return b'{"messages":[{"role":"user","content":[%b]}],"model":"%b","stream":%b}' % (
            part,
            model.encode(),
            streamed,
        )

    sizes = (2_500_000, 20_000_000)
    bodies = [of(size) for size in sizes]
    answers = []

    def costs() -> list[float]:
        spent = []
        for body in bodies:
            before = cpu_seconds(gateway.process.pid)
            answers.append(sent(gateway, provider, body))
            gateway.settle()
            spent.append(cpu_seconds(gateway.process.pid) - before)
        return spent

    assert_linear(sizes, costs)
    reply, entry = answers[-1]
    expected = bodies[-1].replace(model.encode(), b"gpt-4.1-mini")
    if streamed == b"true":
        expected = b"{" + ADDED + b"," + expected[1:]
    assert (entry["body_sha256"], entry["body_bytes"]) == (hashed(expected), len(expected))
    row = gateway.row(reply.id)
    assert row.overhead_us is not None and row.latency_us is not None and row.overhead_us < row.latency_us


# The other way: the client sees the provider's own bytes.

WHOLE = (
    b'{ "id":"c1" ,"object":"chat.completion","model":"gpt-4.1-mini","new":1e400,\n"choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"\\u00e9\\ud83d\\ude00"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,'
    b'"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":null,"future":[1 ,2]}}\n'
)
CHUNK = '{"id":"c1","model":"gpt-4.1-mini", "new":1e400,"choices":[{"index":0,"delta":{"content":"\\u00e9%s"}}]}'
FINISH = '{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
USAGE = '{"id":"c1","choices":[] ,"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A gateway before a provider whose next answer a test sets."""
    with Scripted(lambda _sent, _send: None) as provider:
        served = Served(tmp_path_factory.mktemp("verbatim") / "home", **upstreams({"openai": provider.url}))
        served.key()
        with served:
            yield served, provider


def test_a_whole_answer_passes_as_it_is(pair: tuple[Served, Scripted]) -> None:
    gateway, provider = pair
    kind = "application/json; charset=utf-8; odd=1"
    provider.script = lambda _sent, send: send(answer(WHOLE, kind=kind, x_request_id="up-1"))
    reply = gateway.chat("Hi.")
    assert (reply.body, reply.headers["content-type"]) == (WHOLE, kind)
    row = gateway.row(reply.id)
    assert (row.input_tokens, row.output_tokens, row.upstream_request_id) == (3, 2, "up-1")


@pytest.mark.parametrize("asks", [True, False], ids=["asked", "unasked"])
def test_a_stream_passes_as_it_is_less_the_usage_that_was_not_asked_for(
    pair: tuple[Served, Scripted], asks: bool
) -> None:
    gateway, provider = pair
    first = b": comment\n\n" + b"".join(event(CHUNK % word) for word in ("a", "b"))
    odd = b"event: message\r\ndata: " + (CHUNK % "c").encode() + b"\r\nid: 7\r\n\r\n"
    rest = [event(FINISH), event(USAGE), event("[DONE]")]

    def script(_sent: object, send: Any) -> None:
        send(stream_head())
        for byte in first + odd:
            send(bytes([byte]))
        for piece in rest:
            send(piece)

    provider.script = script
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if asks else {}
    reply = gateway.chat("Hi.", stream=True, **more)
    cut = rest if asks else [rest[0], rest[2]]
    assert reply.body == first + odd + b"".join(cut)
    row = gateway.row(reply.id)
    assert (row.outcome, row.usage_source, row.input_tokens, row.output_tokens) == ("ok", "provider", 3, 2)


@pytest.mark.parametrize("order", ["before", "after", "none"])
def test_litellm_36168_usage_wherever_it_stands(pair: tuple[Served, Scripted], order: str) -> None:
    """Before or after the end mark; and where it never comes, the end does not wait for it for long."""
    gateway, provider = pair
    ends = {"before": [USAGE, "[DONE]"], "after": ["[DONE]", USAGE], "none": ["[DONE]"]}[order]
    pieces = [event(CHUNK % "a"), event(FINISH), *(event(item) for item in ends)]

    def script(_sent: object, send: Any) -> None:
        send(stream_head())
        for piece in pieces:
            send(piece)

    provider.script = script
    reply = gateway.chat("Hi.", stream=True, stream_options={"include_usage": True})
    assert b"[DONE]" in reply.body and b'"error"' not in reply.body
    row = gateway.row(reply.id)
    counted = ("provider", 3, 2) if order != "none" else ("estimated", row.input_tokens, 1)
    assert row.outcome == "ok" and (row.usage_source, row.input_tokens, row.output_tokens) == counted


def test_litellm_37992_a_zero_that_was_said_stays(pair: tuple[Served, Scripted]) -> None:
    gateway, provider = pair
    zero = WHOLE.replace(b'"prompt_tokens":3', b'"prompt_tokens":0').replace(b'_tokens":2', b'_tokens":0')
    provider.script = lambda _sent, send: send(answer(zero))
    row = gateway.row(gateway.chat("Hi.").id)
    assert (row.input_tokens, row.output_tokens, row.usage_source) == (0, 0, "provider")
    assert (row.cost_nano, row.cost_source) == (0, "list")


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_error_under_a_200_is_an_error(pair: tuple[Served, Scripted], streamed: bool) -> None:
    gateway, provider = pair
    error = '{"error":{"message":"Slow down.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}'
    head, body = (stream_head(), event(error)) if streamed else (b"", answer(error.encode()))
    provider.script = lambda _sent, send: send(head + body)
    reply = gateway.chat("Hi.", stream=streamed)
    assert (reply.status, reply.error["message"]) == (429, "Slow down.")
    row = gateway.row(reply.id)
    assert (row.status, row.outcome, row.error_type) == (429, "error", "rate_limited")


def test_a_stream_that_is_answered_whole(pair: tuple[Served, Scripted]) -> None:
    gateway, provider = pair
    provider.script = lambda _sent, send: send(answer(WHOLE))
    reply = gateway.chat("Hi.", stream=True)
    assert reply.body == WHOLE and reply.headers["content-type"] == "application/json"
    assert gateway.row(reply.id).usage_source == "provider"


def test_a_redirect_is_not_followed(pair: tuple[Served, Scripted]) -> None:
    """It would carry the provider's key to another place."""
    gateway, provider = pair
    calls = len(provider.requests)
    provider.script = lambda _sent, send: send(answer(b"", status="307 Moved", location=provider.url + "/elsewhere"))
    reply = gateway.chat("Hi.")
    assert reply.status == 502 and "redirect (307)" in reply.error["message"]
    assert len(provider.requests) == calls + 1


def test_openai_dotnet_838_a_provider_s_limits_and_cookies_stay_here(pair: tuple[Served, Scripted]) -> None:
    """They belong to a key that others share, are -1 where a provider does not know them, and go stale after another
    attempt (maximhq/bifrost#6973): none is passed on, and none holds a request back."""
    gateway, provider = pair
    told = {
        "x_ratelimit_remaining_requests": "-1",
        "x_ratelimit_limit_tokens": "-1",
        "x_ratelimit_reset_requests": "6m0s",
        "retry_after": "600",
        "set_cookie": "session=1",
        "openai_organization": "org-1",
    }
    provider.script = lambda _sent, send: send(answer(WHOLE, **told))
    for _ in range(3):
        reply = gateway.chat("Hi.")
        assert reply.status == 200
        assert not {name.replace("_", "-") for name in told} & reply.headers.keys()


def test_vercel_ai_15718_a_feature_that_is_gone_is_refused_in_the_provider_s_words(
    pair: tuple[Served, Scripted],
) -> None:
    """What passes as it is is the provider's to judge: its 410 keeps status and message, and is tried once."""
    gateway, provider = pair
    calls = len(provider.requests)
    error = b'{"code":"gone","error":"Live search is deprecated: switch to the Agent Tools API."}'
    provider.script = lambda _sent, send: send(answer(error, status="410 Gone"))
    reply = gateway.chat("Hi.", search_parameters={"mode": "on"})
    assert reply.status == 410 and "switch to the Agent Tools API" in reply.error["message"]
    assert len(provider.requests) == calls + 1
    assert json.loads(provider.requests[-1].body)["search_parameters"] == {"mode": "on"}


def test_only_what_a_provider_needs_is_sent(pair: tuple[Served, Scripted]) -> None:
    """No header of the client's but those named: not its key, its tags, its cookies, its address."""
    gateway, provider = pair
    provider.script = lambda _sent, send: send(answer(WHOLE))
    headers = {"x-tags": "a", "x-user": "u", "cookie": "c=1", "x-forwarded-for": "10.0.0.1", "openai-beta": "new=v1"}
    gateway.chat("Hi.", headers={**headers, "user-agent": "tool/1", "accept-encoding": "gzip"})
    lines = [line for line in provider.requests[-1].head.split("\r\n")[1:] if line]
    names = {line.partition(":")[0].lower() for line in lines}
    assert names == {
        "host",
        "authorization",
        "content-type",
        "content-length",
        "user-agent",
        "accept-encoding",
        "openai-beta",
        "x-faregate-hop",
    }
    assert json.dumps(lines).count("tk_") == 0
