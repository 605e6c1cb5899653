"""Streams whose last usage says nought of what an earlier one counted, as each provider would put it."""

import json
from typing import Any

import pytest

from gateway.dialects.anthropic.reader import AnthropicReader
from gateway.dialects.dialect import Reader
from gateway.dialects.gemini.reader import GeminiReader
from gateway.dialects.openai_chat.reader import ChatReader
from gateway.relaying.tally import Tally


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def chunk(usage: dict[str, int] | None, reason: str | None = None, text: str = "") -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "choices": [choice], "usage": usage}


def candidate(usage: dict[str, int], text: str, reason: str | None = None) -> dict[str, Any]:
    told = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    return {"candidates": [told | ({"finishReason": reason} if reason else {})], "usageMetadata": usage}


CHAT = sse(
    chunk(None, text="Forty-two."),
    chunk({"prompt_tokens": 500, "completion_tokens": 120, "total_tokens": 620}, "stop"),
    chunk({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, "stop"),
)
MESSAGES = sse(
    {
        "type": "message_start",
        "message": {"id": "m", "usage": {"input_tokens": 300, "cache_read_input_tokens": 200, "output_tokens": 120}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Forty-two."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0},
    },
    {"type": "message_stop"},
)
GEMINI = sse(
    candidate({"promptTokenCount": 500, "candidatesTokenCount": 120, "totalTokenCount": 620}, "Forty-"),
    candidate({"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}, "two.", "STOP"),
)


@pytest.mark.parametrize(
    ("reader", "stream"),
    [(ChatReader(), CHAT), (AnthropicReader(), MESSAGES), (GeminiReader(), GEMINI)],
    ids=["chat", "messages", "gemini"],
)
def test_what_was_counted_stands_and_is_told_as_no_last_word(reader: Reader, stream: bytes) -> None:
    tally = Tally()
    for event in (*reader.feed(stream), *reader.close()):
        tally.feed(event)
    usage, source = tally.verdict(100, answered=True)
    assert (usage.input_tokens, usage.output_tokens, source) == (500, 120, "partial")
