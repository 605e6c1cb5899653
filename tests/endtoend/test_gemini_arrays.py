"""Google's stream without `alt=sse`: one JSON array, from every provider, also where it is refused or breaks."""

from typing import Any

import pytest

from tests.endtoend.serving import MODELS, PROVIDERS, Reply, Served
from tests.provider.client import ProviderProcess

EVERY = pytest.mark.parametrize("name", PROVIDERS)


def ask(gateway: Served, model: str, text: str, query: str = "") -> Reply:
    path = f"/api/ai/v1beta/models/{model}:streamGenerateContent{query}"
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    return gateway.ask("POST", path, body, headers={"x-goog-api-key": gateway.key()})


def texts(chunks: list[dict[str, Any]]) -> str:
    parts = [part for chunk in chunks for item in chunk["candidates"] for part in item["content"].get("parts", [])]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


@EVERY
@pytest.mark.parametrize("query", ["", "?alt=json", "?$alt=json;enum-encoding=int"])
def test_a_stream_is_one_array(gateway: Served, provider: ProviderProcess, name: str, query: str) -> None:
    reply = ask(gateway, MODELS[name], f"An array? {query}", query)
    assert reply.status == 200 and reply.headers["content-type"].startswith("application/json")
    chunks, entry, row = reply.json, provider.ledger()[-1], gateway.row(reply.id)
    assert isinstance(chunks, list) and len(chunks) > 1 and entry["streamed"]
    assert texts(chunks) == entry["answer"]["text"]
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks][-1] == "STOP"
    usage = chunks[-1]["usageMetadata"]
    assert usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0) == row.input_tokens == entry["input"]
    assert (row.outcome, row.streamed, row.usage_source, row.door) == ("ok", True, "provider", "gemini")


@EVERY
def test_a_refused_array_holds_the_error_alone(gateway: Served, name: str) -> None:
    reply = ask(gateway, MODELS[name], "No. [[429]]")
    assert reply.status == 429 and [chunk["error"]["status"] for chunk in reply.json] == ["RESOURCE_EXHAUSTED"]


@EVERY
def test_a_broken_array_ends_in_the_error(gateway: Served, name: str) -> None:
    reply = ask(gateway, MODELS[name], "No. [[half]]")
    *chunks, last = reply.json
    assert reply.status == 200 and last["error"]["code"] == 502
    assert not any(item.get("finishReason") for chunk in chunks for item in chunk["candidates"])
    assert gateway.row(reply.id).outcome == "error"


def test_other_forms_are_refused_by_name(gateway: Served) -> None:
    reply = ask(gateway, MODELS["google"], "No.", "?alt=proto")
    assert reply.status == 400 and reply.json["error"]["details"][0]["fieldViolations"][0]["field"] == "alt"
    row = gateway.row(reply.id)
    assert (row.door, row.status, row.outcome, row.attempts) == ("gemini", 400, "error", ())


def test_events_are_asked_for_by_either_name(gateway: Served) -> None:
    for query in ("?alt=sse", "?$alt=sse", "?$alt=sse;enum-encoding=int"):
        reply = ask(gateway, MODELS["google"], "Events?", query)
        assert reply.status == 200 and reply.headers["content-type"].startswith("text/event-stream"), query
