"""Counting tokens through the official SDKs: the provider's own count where it speaks the dialect, else an estimate."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from google import genai
from google.genai import errors, types

from gateway.records import ExchangeRecord
from tests.endtoend.serving import MODELS, Served
from tests.provider.client import ProviderProcess

COUNT = "/api/ai/v1/messages/count_tokens"
GEMINI_COUNT = "/api/ai/{version}/models/{model}:countTokens"
MESSAGES: Any = [{"role": "user", "content": "How long is this? äöü"}]
OTHERS = [model for name, model in MODELS.items() if name != "anthropic"]
NOT_GOOGLE = [model for name, model in MODELS.items() if name != "google"]


@pytest.fixture(scope="module")
def claude(gateway: Served) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=gateway.key(), max_retries=0) as made:
        yield made


def google(gateway: Served, version: str) -> genai.Client:
    options = types.HttpOptions(base_url=gateway.url + "/api/ai", api_version=version)
    return genai.Client(api_key=gateway.key(), http_options=options)


def told(row: ExchangeRecord) -> tuple[Any, ...]:
    return row.outcome, row.status, row.usage_source, row.cost_nano, row.output_tokens, row.streamed


def test_claude_counts_for_itself(claude: anthropic.Anthropic, gateway: Served, provider: ProviderProcess) -> None:
    rows, calls = gateway.count(), len(provider.ledger())
    counted = claude.messages.count_tokens(model=MODELS["anthropic"], messages=MESSAGES, system="Be brief.")
    entries = provider.ledger()[calls:]
    assert [entry["operation"] for entry in entries] == ["count"]
    row = gateway.last()
    assert counted.input_tokens == row.input_tokens == entries[0]["input"]
    assert told(row) == ("ok", 200, "provider", 0, None, False)
    assert (row.door, row.provider, row.adapted, gateway.count()) == ("anthropic", "anthropic", (), rows + 1)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_google_counts_for_itself(gateway: Served, provider: ProviderProcess, version: str) -> None:
    rows, calls = gateway.count(), len(provider.ledger())
    client = google(gateway, version)
    counted = client.models.count_tokens(model=MODELS["google"], contents="How long is this?")
    entries = provider.ledger()[calls:]
    assert [entry["operation"] for entry in entries] == ["count"]
    row = gateway.last()
    assert counted.total_tokens == row.input_tokens == entries[0]["input"]
    assert told(row) == ("ok", 200, "provider", 0, None, False)
    assert (row.door, row.provider, row.adapted, gateway.count()) == ("gemini", "google", (), rows + 1)


@pytest.mark.parametrize("model", OTHERS)
def test_anthropics_count_is_estimated_for_other_providers(
    claude: anthropic.Anthropic, gateway: Served, provider: ProviderProcess, model: str
) -> None:
    rows, calls = gateway.count(), len(provider.ledger())
    answer = claude.messages.with_raw_response.count_tokens(model=model, messages=MESSAGES)
    sent = answer.http_request.content
    expected = -(-len(sent) // 4)
    assert answer.parse().input_tokens == expected
    assert answer.headers["x-faregate-adapted"] == "input_tokens"
    assert answer.headers["x-faregate-cost-usd"] == "0.000000000"
    row = gateway.last()
    assert (row.input_tokens, row.adapted, row.attempts) == (expected, ("input_tokens",), ())
    assert told(row) == ("ok", 200, "estimated", 0, None, False)
    assert (gateway.count(), len(provider.ledger())) == (rows + 1, calls)
    assert answer.headers["request-id"] == row.id


@pytest.mark.parametrize("model", NOT_GOOGLE)
def test_googles_count_is_estimated_for_other_providers(
    gateway: Served, provider: ProviderProcess, model: str
) -> None:
    rows, calls = gateway.count(), len(provider.ledger())
    client = google(gateway, "v1")
    counted = client.models.count_tokens(model=model, contents="How long is this?")
    row = gateway.last()
    assert counted.total_tokens == row.input_tokens and row.input_tokens and row.input_tokens > 4
    assert counted.sdk_http_response and counted.sdk_http_response.headers
    assert counted.sdk_http_response.headers["x-faregate-adapted"] == "input_tokens"
    assert told(row) == ("ok", 200, "estimated", 0, None, False)
    assert (gateway.count(), len(provider.ledger())) == (rows + 1, calls)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_pitfall_53_claude_codes_count_is_answered_for_every_provider(gateway: Served, model: str) -> None:
    reply = gateway.ask("POST", COUNT + "?beta=true", {"model": model, "messages": MESSAGES}, key=gateway.key())
    assert reply.status == 200 and list(reply.json) == ["input_tokens"] and reply.json["input_tokens"] > 0


def test_the_bytes_of_a_count_pass_as_they_are(gateway: Served, provider: ProviderProcess) -> None:
    body = b'{ "model":"claude-sonnet-4-6" , "messages":[{"role":"user","content":"\\u0068i"}]}'
    assert gateway.ask("POST", COUNT, body, key=gateway.key()).status == 200
    assert provider.ledger()[-1]["body_bytes"] == len(body)
    body = b'{ "contents":[{"parts":[{"text":"\\u0068i"}]}] }'
    path = GEMINI_COUNT.format(version="v1beta", model="models%2Fgemini-2.5-flash")
    assert gateway.ask("POST", path, body, key=gateway.key()).status == 200
    assert provider.ledger()[-1]["body_bytes"] == len(body)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (COUNT, b"{", 400),
        (COUNT, b'{"messages":[]}', 400),
        (COUNT, json.dumps({"model": "nothing-like-it", "messages": MESSAGES}).encode(), 404),
        (GEMINI_COUNT.format(version="v1", model="nothing-like-it"), b"{}", 404),
        (GEMINI_COUNT.format(version="v1", model="gpt-4.1-mini"), b"[", 400),
    ],
)
def test_a_count_that_cannot_be_leaves_one_row_too(gateway: Served, path: str, body: bytes, status: int) -> None:
    rows = gateway.count()
    assert gateway.ask("POST", path, body, key=gateway.key()).status == status
    row = gateway.last()
    assert (row.status, row.outcome, row.usage_source, gateway.count()) == (status, "error", "none", rows + 1)


def test_a_refused_count_is_raised_by_both_sdks(claude: anthropic.Anthropic, gateway: Served) -> None:
    with pytest.raises(anthropic.RateLimitError):
        claude.messages.count_tokens(model=MODELS["anthropic"], messages=[{"role": "user", "content": "x [[429]]"}])
    client = google(gateway, "v1")
    with pytest.raises(errors.ClientError) as raised:
        client.models.count_tokens(model=MODELS["google"], contents="x [[429]]")
    assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")
