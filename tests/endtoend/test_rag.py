"""Retrieval in a script, as users write it on the official SDKs: embeddings at one provider, the answer from another,
one conversation, one total."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.endtoend.serving import USAGE, Served
from tests.provider.client import ProviderProcess

DOCUMENTS = (
    "Invoices are archived for ten years in the vault below the north wing.",
    "The canteen serves soup on Mondays and fish on Fridays.",
    "Visitors leave their badges with the guard at the south gate.",
    "Backups of the ledger run at three in the morning, every night.",
)
QUESTION = "At what hour of the night do the backups of the ledger run?"
ANSWER_AT = 3
TAGS = "feature:rag,team:search"

Embed = Callable[[Sequence[str]], list[list[float]]]
Ask = Callable[[str], str]


class Script:
    """The three SDKs on one gateway, with the headers that hold the script's requests together."""

    def __init__(self, gateway: Served, conversation: str) -> None:
        headers = {"x-conversation-id": conversation, "x-tags": TAGS}
        key, url = gateway.key(), gateway.url + "/api/ai"
        self.openai = openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0, default_headers=headers)
        self.anthropic = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, default_headers=headers)
        self.google = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, headers=headers))

    def close(self) -> None:
        self.openai.close()
        self.anthropic.close()
        self.google.close()

    def embed_openai(self, texts: Sequence[str]) -> list[list[float]]:
        return self._embedded("text-embedding-3-small", texts)

    def embed_google_at_openais_door(self, texts: Sequence[str]) -> list[list[float]]:
        return self._embedded("gemini-embedding-001", texts)

    def _embedded(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        answer = self.openai.embeddings.create(model=model, input=list(texts), dimensions=256)
        return [item.embedding for item in answer.data]

    def embed_google(self, texts: Sequence[str]) -> list[list[float]]:
        answer = self.google.models.embed_content(
            model="gemini-embedding-001",
            contents=list(texts),
            config=types.EmbedContentConfig(output_dimensionality=256),
        )
        return [list(one.values or ()) for one in answer.embeddings or ()]

    def ask_claude(self, prompt: str) -> str:
        with self.anthropic.messages.stream(
            model="claude-sonnet-4-6", max_tokens=300, messages=[{"role": "user", "content": prompt}]
        ) as stream:
            return "".join(block.text for block in stream.get_final_message().content if block.type == "text")

    def ask_grok(self, prompt: str) -> str:
        return self.openai.responses.create(model="grok-4.3", input=prompt).output_text

    def ask_gemini_at_anthropics_door(self, prompt: str) -> str:
        message = self.anthropic.messages.create(
            model="gemini-2.5-flash", max_tokens=300, messages=[{"role": "user", "content": prompt}]
        )
        return "".join(block.text for block in message.content if block.type == "text")

    def ask_gpt_at_geminis_door(self, prompt: str) -> str:
        return self.google.models.generate_content(model="gpt-4.1-mini", contents=prompt).text or ""


WAYS: Mapping[str, tuple[Callable[[Script], Embed], Callable[[Script], Ask], str, str]] = {
    "openai, claude": (lambda s: s.embed_openai, lambda s: s.ask_claude, "openai", "anthropic"),
    "google at openai, grok": (lambda s: s.embed_google_at_openais_door, lambda s: s.ask_grok, "google", "xai"),
    "openai, gemini": (lambda s: s.embed_openai, lambda s: s.ask_gemini_at_anthropics_door, "openai", "google"),
    "google, gpt": (lambda s: s.embed_google, lambda s: s.ask_gpt_at_geminis_door, "google", "openai"),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, gateway: Served) -> Iterator[tuple[str, Embed, Ask, str, str]]:
    conversation = f"rag {request.param}"
    script = Script(gateway, conversation)
    embed, ask, embedder, answerer = WAYS[request.param]
    yield conversation, embed(script), ask(script), embedder, answerer
    script.close()


def nearest(question: Sequence[float], documents: Sequence[Sequence[float]]) -> int:
    def closeness(at: int) -> float:
        return sum(one * other for one, other in zip(question, documents[at], strict=True))

    return max(range(len(documents)), key=closeness)


def test_a_retrieval_script_has_one_conversation_and_one_total(
    way: tuple[str, Embed, Ask, str, str], gateway: Served, provider: ProviderProcess
) -> None:
    conversation, embed, ask, embedder, answerer = way
    before = len(provider.ledger())
    documents = embed(DOCUMENTS)
    (question,) = embed([QUESTION])
    found = nearest(question, documents)
    assert found == ANSWER_AT
    answer = ask(f"Answer from this text only.\n\n{DOCUMENTS[found]}\n\n{QUESTION}")

    entries = provider.ledger()[before:]
    assert [entry["provider"] for entry in entries] == [embedder, embedder, answerer]
    assert DOCUMENTS[ANSWER_AT] in entries[-1]["prompt"] and answer == entries[-1]["answer"]["text"]

    gateway.settle()
    these = f"conversation={quote(conversation)}&tag=feature:rag&tag=team:search"
    rows = gateway.get(f"{USAGE}/requests?{these}")["data"]
    assert [row["provider"] for row in rows] == [answerer, embedder, embedder]
    assert {row["conversation_id"] for row in rows} == {conversation}
    assert {tuple(row["tags"]) for row in rows} == {("feature:rag", "team:search")}
    assert all(row["cost_usd"] is not None and row["usage_source"] == "provider" for row in rows)
    assert [row["input_tokens"] for row in rows] == [entry["input"] for entry in reversed(entries)]

    total = gateway.get(f"{USAGE}/summary?{these}")
    assert (total["requests"], total["errors"], total["unpriced_requests"]) == (3, 0, 0)
    assert Decimal(total["cost_usd"]) == sum(Decimal(row["cost_usd"]) for row in rows) > 0
    assert total["input_tokens"] == sum(entry["input"] for entry in entries)
    assert total["output_tokens"] == sum(entry["output"] or 0 for entry in entries)
    by_provider: Any = gateway.get(f"{USAGE}/breakdown?by=provider&{these}")["data"]
    assert sum(Decimal(item["cost_usd"]) for item in by_provider) == Decimal(total["cost_usd"])
    assert {item["value"]: item["requests"] for item in by_provider} == {embedder: 2, answerer: 1}
    (whole,) = gateway.get(f"{USAGE}/breakdown?by=conversation&{these}")["data"]
    assert (whole["value"], whole["cost_usd"]) == (conversation, total["cost_usd"])
