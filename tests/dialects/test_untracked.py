"""What a request says is a fifth of what lives while it runs, and is no work for the garbage collection."""

import gc
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from gateway.dialects import anthropic, gemini, openai_chat, openai_responses
from gateway.header_records import HeaderGroup
from gateway.model import Message, Request

SAID = "What is the weather?"
_CHAT = {"model": "m", "messages": [{"role": "user", "content": SAID}]}
BODIES: list[tuple[Callable[..., Request], dict[str, Any]]] = [
    (openai_chat.DIALECT.parse_request, _CHAT),
    (anthropic.DIALECT.parse_request, {**_CHAT, "max_tokens": 5}),
    (openai_responses.DIALECT.parse_request, {"model": "m", "input": SAID}),
    (gemini.DIALECT.parse_request, {"contents": [{"role": "user", "parts": [{"text": SAID}]}]}),
]


@pytest.mark.parametrize(("parse", "body"), BODIES, ids=["chat", "messages", "responses", "gemini"])
def test_what_was_asked_is_not_looked_at_for_garbage(parse: Callable[..., Request], body: dict[str, Any]) -> None:
    request = parse(json.dumps(body).encode(), "m", False)
    message: Message = request.messages[-1]
    assert message.parts and message.parts[0].text == SAID  # type: ignore[union-attr]
    said: list[Struct] = [request, message, *message.parts, request.origin]
    assert [type(each).__name__ for each in said if gc.is_tracked(each)] == []


def test_headers_that_are_kept_are_not_looked_at_either() -> None:
    assert not gc.is_tracked(HeaderGroup("asked", 1, "POST /", ("accept",), ("*/*",)))
