"""Anthropic's cache marks at OpenAI's models that take explicit breakpoints, and at those that do not."""

import json
from typing import Any

import pytest
from openai.types import responses
from openai.types.chat import completion_create_params
from pydantic import TypeAdapter

from gateway.dialects import DIALECTS
from gateway.providers.catalog import PROVIDERS
from gateway.relaying.routing import Routing

ROUTING = Routing(PROVIDERS)
SHORT, LONG = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}
BREAKPOINT = {"mode": "explicit", "ttl": "30m"}
REQUEST: dict[str, Any] = {
    "model": "any",
    "max_tokens": 900,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": LONG}, {"type": "text", "text": "Today."}],
    "tools": [{"name": "look", "input_schema": {"type": "object"}, "cache_control": SHORT}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                    "cache_control": SHORT,
                },
            ],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                    "cache_control": SHORT,
                },
                {"type": "text", "text": "Go on.", "cache_control": SHORT},
            ],
        },
    ],
}


def rendered(dialect: str, model: str, request: dict[str, Any] = REQUEST) -> tuple[dict[str, Any], Any]:
    parsed = DIALECTS["anthropic"].parse_request(json.dumps(request).encode(), None, None)
    found = DIALECTS[dialect].render_request(parsed, ROUTING.candidates(model)[0].target)
    return json.loads(found.body), found


def breakpoints(value: Any) -> list[tuple[str, Any]]:
    """What is marked, in the prompt's order."""
    if isinstance(value, list):
        return [found for item in value for found in breakpoints(item)]
    if not isinstance(value, dict):
        return []
    here = (
        [(str(value.get("text", value["type"])), value["prompt_cache_breakpoint"])]
        if "prompt_cache_breakpoint" in value
        else []
    )
    return here + [found for item in value.values() for found in breakpoints(item)]


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
def test_marks_stand_where_they_stood_on_what_can_bear_them(dialect: str) -> None:
    body, found = rendered(dialect, "gpt-6.1-sol")
    image = "image_url" if dialect == "openai_chat" else "input_image"
    assert breakpoints(body) == [(text, BREAKPOINT) for text in ("Be brief.", image, "b", "Go on.")]
    assert not any("cache_control" in name for name in found.dropped)
    assert any("cache_control" in name for name in found.adapted)
    assert "cache_control" not in json.dumps(body)
    if dialect == "openai_chat":
        TypeAdapter(completion_create_params.CompletionCreateParamsNonStreaming).validate_python(body)
    else:
        TypeAdapter(responses.response_create_params.ResponseCreateParamsNonStreaming).validate_python(body)


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-4.1", "grok-4.3", "gpt-9-unheard-of"])
def test_models_that_take_none_get_none_and_it_is_said(dialect: str, model: str) -> None:
    body, found = rendered(dialect, model)
    assert breakpoints(body) == []
    assert any("cache_control" in name for name in found.dropped)


def test_the_last_four_are_kept() -> None:
    texts = [{"type": "text", "text": str(n), "cache_control": SHORT} for n in range(6)]
    body, _ = rendered("openai_chat", "gpt-5.6-sol", {**REQUEST, "messages": [{"role": "user", "content": texts}]})
    assert [text for text, _ in breakpoints(body)] == ["2", "3", "4", "5"]
