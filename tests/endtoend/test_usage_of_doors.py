"""What every official SDK is told of the usage at its door: equal to the row and to the provider's own book.

Cached, written, reasoned and tool tokens included, streamed and whole, over all sixteen pairs; each SDK adds up the
way its dialect does.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from gateway.records import ExchangeRecord
from tests.endtoend.serving import Served, upstreams
from tests.provider.client import ProviderProcess

# Models that reason, so that every heap of tokens is drawn.
MODELS = {
    "openai": "gpt-5-mini",
    "anthropic": "claude-sonnet-4-6",
    "google": "gemini-2.5-flash",
    "xai": "grok-4.3",
}
DOORS = ("openai_chat", "openai_responses", "anthropic", "gemini")
TIMES = 5


@dataclass(frozen=True)
class Told:
    """The neutral counts that the SDK's own object adds up to; `total` where the dialect says one."""

    input: int
    cached: int
    written: int
    output: int
    reasoning: int
    total: int | None = None


def from_chat(usage: Any) -> Told:
    given, made = usage.prompt_tokens_details, usage.completion_tokens_details
    reasoning = (made and made.reasoning_tokens) or 0
    # xAI's own answers count reasoning beside the completion, and the total says so.
    beside = usage.total_tokens - usage.prompt_tokens - usage.completion_tokens
    assert beside in (0, reasoning)
    written = (given and getattr(given, "cache_write_tokens", None)) or 0
    cached = (given and given.cached_tokens) or 0
    output = usage.completion_tokens + beside
    return Told(usage.prompt_tokens, cached, written, output, reasoning, usage.total_tokens)


def from_responses(usage: Any) -> Told:
    given, made = usage.input_tokens_details, usage.output_tokens_details
    written = getattr(given, "cache_write_tokens", None) or 0
    reasoning = made.reasoning_tokens
    return Told(usage.input_tokens, given.cached_tokens, written, usage.output_tokens, reasoning, usage.total_tokens)


def from_anthropic(usage: Any) -> Told:
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    if (split := usage.cache_creation) is not None:
        assert split.ephemeral_5m_input_tokens + split.ephemeral_1h_input_tokens == written
    made = usage.output_tokens_details
    reasoning = (made and made.thinking_tokens) or 0
    return Told(usage.input_tokens + read + written, read, written, usage.output_tokens, reasoning)


def from_gemini(usage: Any) -> Told:
    thoughts = usage.thoughts_token_count or 0
    given = usage.prompt_token_count + (usage.tool_use_prompt_token_count or 0)
    cached, made = usage.cached_content_token_count or 0, (usage.candidates_token_count or 0) + thoughts
    return Told(given, cached, 0, made, thoughts, usage.total_token_count)


class Sdks:
    def __init__(self, url: str, key: str) -> None:
        self.openai = openai.OpenAI(base_url=url + "/api/ai/v1", api_key=key, max_retries=0)
        self.claude = anthropic.Anthropic(base_url=url + "/api/ai", api_key=key, max_retries=0)
        self.gemini = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url + "/api/ai"))

    def close(self) -> None:
        self.openai.close()
        self.claude.close()
        self.gemini.close()

    def ask(self, door: str, model: str, text: str, streamed: bool) -> Told:
        return {
            "openai_chat": self._chat,
            "openai_responses": self._responses,
            "anthropic": self._anthropic,
            "gemini": self._gemini,
        }[door](model, text, streamed)

    def _chat(self, model: str, text: str, streamed: bool) -> Told:
        said: Any = {"model": model, "messages": [{"role": "user", "content": text}], "reasoning_effort": "low"}
        if not streamed:
            return from_chat(self.openai.chat.completions.create(**said).usage)
        asked = {"stream": True, "stream_options": {"include_usage": True}}
        usages = [chunk.usage for chunk in self.openai.chat.completions.create(**said, **asked) if chunk.usage]
        (usage,) = usages
        return from_chat(usage)

    def _responses(self, model: str, text: str, streamed: bool) -> Told:
        said: Any = {"model": model, "input": text, "reasoning": {"effort": "low", "summary": "auto"}}
        if not streamed:
            return from_responses(self.openai.responses.create(**said).usage)
        with self.openai.responses.stream(**said) as stream:
            return from_responses(stream.get_final_response().usage)

    def _anthropic(self, model: str, text: str, streamed: bool) -> Told:
        said: Any = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 4000}
        said["thinking"] = {"type": "adaptive"}
        if not streamed:
            return from_anthropic(self.claude.messages.create(**said).usage)
        with self.claude.messages.stream(**said) as stream:
            for event in stream:
                if event.type == "message_start":
                    assert event.message.usage.input_tokens >= 0
            return from_anthropic(stream.get_final_message().usage)

    def _gemini(self, model: str, text: str, streamed: bool) -> Told:
        config = types.GenerateContentConfig(
            thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2048)
        )
        models: Any = self.gemini.models
        if not streamed:
            whole = models.generate_content(model=model, contents=text, config=config)
            return from_gemini(whole.usage_metadata)
        *_, last = models.generate_content_stream(model=model, contents=text, config=config)
        return from_gemini(last.usage_metadata)


Key = tuple[str, str, bool]


@dataclass(frozen=True)
class Books:
    told: dict[Key, dict[str, Told]]
    rows: dict[str, ExchangeRecord]
    entries: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """All pairs, `TIMES` each, many at once; calls are found again by their prompts."""
    folder = tmp_path_factory.mktemp("usage")
    with ProviderProcess(folder / "ledger.jsonl", seed=77) as provider:
        served = Served(folder / "home", **upstreams(provider.base_urls))
        key = served.key()
        with served:
            sdks = Sdks(served.url, key)
            keys = [(door, name, streamed) for door in DOORS for name in MODELS for streamed in (False, True)]
            calls = [(key, f"{' '.join(map(str, key))} {turn}") for key in keys for turn in range(TIMES)]

            def ask(call: tuple[Key, str]) -> Told:
                (door, name, streamed), text = call
                return sdks.ask(door, MODELS[name], f"{text} [[think]]", streamed)

            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(ask, calls))
            sdks.close()
            told: dict[Key, dict[str, Told]] = {key: {} for key in keys}
            for (called, text), answer in zip(calls, answers, strict=True):
                told[called][text] = answer
            entries = {entry["prompt"].partition(" [[")[0]: entry for entry in provider.ledger()}
            yield Books(told, {row.upstream_request_id or "": row for row in served.records()}, entries)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("door", DOORS)
def test_litellm_41067_client_row_and_provider_say_the_same(
    books: Books, door: str, name: str, streamed: bool
) -> None:
    for text, told in books.told[door, name, streamed].items():
        entry = books.entries[text]
        row = books.rows[entry["request_id"]]
        assert (row.door, row.provider, row.streamed, row.usage_source) == (door, name, streamed, "provider")
        book = (
            entry["input"],
            entry["cached"] or 0,
            entry["cache_write"] or 0,
            entry["output"],
            entry["reasoning"] or 0,
        )
        recorded = (row.input_tokens, row.cached_tokens or 0, row.cache_write_tokens or 0, row.output_tokens)
        assert (*recorded, row.reasoning_tokens or 0) == book
        # Gemini has no field for what was written to a cache; it stays inside the prompt.
        written = 0 if door == "gemini" else book[2]
        assert (told.input, told.cached, told.written, told.output, told.reasoning) == (*book[:2], written, *book[3:])
        assert told.total in (None, book[0] + book[3])


def test_every_heap_of_tokens_was_drawn(books: Books) -> None:
    """So that the test above compares more than noughts."""
    for name in MODELS:
        rows = [row for row in books.rows.values() if row.provider == name]
        assert len(rows) == len(DOORS) * 2 * TIMES
        assert any(row.cached_tokens for row in rows) and any(row.reasoning_tokens for row in rows)
    assert any(row.cache_write_tokens for row in books.rows.values())
