"""Google's embedding models at OpenAI's door and at their own, through the official SDKs."""

import base64
import math
import struct
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from google import genai
from google.genai import types

from tests.endtoend.serving import EMBEDDINGS, Served
from tests.provider.client import ProviderProcess

GOOGLE = "gemini-embedding-001"
OPENAI = "text-embedding-3-small"


@pytest.fixture(scope="module")
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0) as made:
        yield made


@pytest.mark.parametrize("packed", [True, False], ids=["base64", "float"])
@pytest.mark.parametrize(("said", "count"), [("one", 1), (["one", "two", "three"], 3)], ids=["string", "list"])
def test_googles_models_at_openais_door(
    client: openai.OpenAI, gateway: Served, provider: ProviderProcess, packed: bool, said: Any, count: int
) -> None:
    # The SDK asks for base64 by itself.
    more: Any = {} if packed else {"encoding_format": "float"}
    answer = client.embeddings.create(model=GOOGLE, input=said, dimensions=16, user="u-1", **more)
    assert [item.index for item in answer.data] == list(range(count))
    for item in answer.data:
        assert len(item.embedding) == 16
        assert math.isclose(math.hypot(*item.embedding), 1, rel_tol=1e-5)
    assert len({tuple(item.embedding) for item in answer.data}) == count
    entry, row = provider.ledger()[-1], gateway.last()
    assert (entry["operation"], entry["provider"]) == ("embeddings", "google")
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == row.input_tokens == entry["input"]
    assert (row.door, row.provider, row.model, row.outcome) == ("embeddings", "google", GOOGLE, "ok")
    assert (row.usage_source, row.dropped, row.end_user, answer.model) == ("provider", ("user",), "u-1", GOOGLE)


@pytest.mark.parametrize("model", [OPENAI, GOOGLE])
def test_both_encodings_say_the_same_numbers(gateway: Served, model: str) -> None:
    body = {"model": model, "input": ["one river", "two rivers"]}
    packed, plain = (
        gateway.ask("POST", EMBEDDINGS, body | more, key=gateway.key()).json["data"]
        for more in ({"encoding_format": "base64"}, {"encoding_format": "float"})
    )
    for one, other in zip(packed, plain, strict=True):
        data = base64.b64decode(one["embedding"])
        assert len(data) == 4 * 8
        assert struct.unpack("<8f", data) == pytest.approx(other["embedding"], rel=1e-6)


@pytest.mark.parametrize(
    ("said", "count"),
    [("one", 1), (["one", "two"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2)],
    ids=["string", "list", "tokens", "token lists"],
)
def test_openais_models_take_all_four_forms(
    client: openai.OpenAI, gateway: Served, provider: ProviderProcess, said: Any, count: int
) -> None:
    answer = client.embeddings.create(model=OPENAI, input=said, dimensions=24)
    assert [len(item.embedding) for item in answer.data] == [24] * count
    entry, row = provider.ledger()[-1], gateway.last()
    assert answer.usage.prompt_tokens == row.input_tokens == entry["input"]
    assert (row.usage_source, row.cost_source, row.cost_nano) == ("provider", "list", entry["input"] * 20)


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]], ids=["tokens", "lists"])
def test_token_numbers_mean_nothing_to_google(client: openai.OpenAI, provider: ProviderProcess, tokens: Any) -> None:
    calls = len(provider.ledger())
    with pytest.raises(openai.BadRequestError, match="send the text itself") as refused:
        client.embeddings.create(model=GOOGLE, input=tokens)
    assert refused.value.param == "input" and len(provider.ledger()) == calls


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "grok-4.3"])
def test_a_provider_without_embeddings_names_models_that_work(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError, match=rf"text-embedding-3-small.*{GOOGLE}") as refused:
        client.embeddings.create(model=model, input="one")
    assert refused.value.param == "model"


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_the_google_sdk_embeds(gateway: Served, provider: ProviderProcess, version: str) -> None:
    options = types.HttpOptions(base_url=gateway.url + "/api/ai", api_version=version)
    config = types.EmbedContentConfig(output_dimensionality=12)
    with genai.Client(api_key=gateway.key(), http_options=options) as google:
        answer = google.models.embed_content(model=GOOGLE, contents=["one", "two"], config=config)
    assert [len(one.values or ()) for one in answer.embeddings or ()] == [12, 12]
    row = gateway.last()
    assert (row.door, row.provider, row.outcome, row.usage_source) == ("gemini", "google", "ok", "provider")
    assert row.input_tokens == provider.ledger()[-1]["input"]


def test_one_content_passes_as_it_is(gateway: Served, provider: ProviderProcess) -> None:
    body = b'{ "content":{"parts":[{"text":"\\u0068i"}]} , "outputDimensionality":4 }'
    reply = gateway.ask("POST", f"/api/ai/v1beta/models/{GOOGLE}:embedContent", body, key=gateway.key())
    assert reply.status == 200 and len(reply.json["embedding"]["values"]) == 4
    assert provider.ledger()[-1]["body_bytes"] == len(body)


@pytest.mark.parametrize("model", ["text-embedding-3-small", "claude-sonnet-4-6"])
def test_the_gemini_door_embeds_at_google_only(gateway: Served, model: str) -> None:
    body = {"requests": [{"model": f"models/{model}", "content": {"parts": [{"text": "hi"}]}}]}
    reply = gateway.ask("POST", f"/api/ai/v1/models/{model}:batchEmbedContents", body, key=gateway.key())
    assert (reply.status, reply.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    message = reply.json["error"]["message"]
    assert GOOGLE in message and "text-embedding" not in message
