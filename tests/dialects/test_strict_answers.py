"""Structured answers from doors whose providers always hold to the schema, at OpenAI's dialects, where that is said."""

import json
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.model import Target

WORD = {"type": "string"}
WHOLE: dict[str, Any] = {
    "type": "object",
    "description": "A title and its parts.",
    "properties": {
        "title": {"type": ["string", "null"]},
        "kind": {"enum": ["a", "b"]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}},
    },
    "required": ["parts", "title", "kind"],
    "additionalProperties": False,
    "$defs": {
        "part": {
            "anyOf": [
                WORD,
                {"type": "object", "properties": {"x": WORD}, "required": ["x"], "additionalProperties": False},
            ]
        }
    },
}
LOOSE: dict[str, dict[str, Any]] = {
    "open": {**WHOLE, "additionalProperties": True},
    "nothing said of more": {name: value for name, value in WHOLE.items() if name != "additionalProperties"},
    "one may be missing": {**WHOLE, "required": ["title", "kind"]},
    "one too many": {**WHOLE, "required": ["parts", "title", "kind", "more"]},
    "open within": {**WHOLE, "$defs": {"part": {"type": "object", "properties": {"x": WORD}, "required": ["x"]}}},
    "open in a choice": {**WHOLE, "$defs": {"part": {"anyOf": [WORD, {"type": "object"}]}}},
    "a list of anything": {**WHOLE, "properties": {**WHOLE["properties"], "parts": {"type": "array"}}},
    "anything": {**WHOLE, "properties": {**WHOLE["properties"], "kind": {}}},
    "another keyword": {**WHOLE, "properties": {**WHOLE["properties"], "kind": {**WORD, "minLength": 3}}},
    "no object": {"type": "array", "items": WORD},
    "a choice": {**WHOLE, "anyOf": [WORD]},
    "properties of another form": {**WHOLE, "properties": []},
}


def sent(door: str, upstream: str, schema: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]}
    said["generationConfig"] = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    if door == "anthropic":
        said = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]}
        said["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    request = DIALECTS[door].parse_request(json.dumps(said).encode(), "m" if door == "gemini" else None, None)
    body = json.loads(DIALECTS[upstream].render_request(request, Target(model="m")).body)
    found = body["response_format"]["json_schema"] if upstream == "openai_chat" else body["text"]["format"]
    assert found["schema"] == schema
    return dict(found)


EVERY = pytest.mark.parametrize(
    ("door", "upstream"),
    [(door, upstream) for door in ("anthropic", "gemini") for upstream in ("openai_chat", "openai_responses")],
)


@EVERY
def test_a_schema_that_openai_can_hold_to_is_said_to_be_strict(door: str, upstream: str) -> None:
    assert sent(door, upstream, WHOLE)["strict"] is True


@EVERY
@pytest.mark.parametrize("name", LOOSE)
def test_one_that_it_would_refuse_is_not(door: str, upstream: str, name: str) -> None:
    assert "strict" not in sent(door, upstream, LOOSE[name])


def test_openais_own_clients_say_it_themselves() -> None:
    said = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
    form = {"type": "json_schema", "json_schema": {"name": "r", "schema": WHOLE}}
    request = DIALECTS["openai_chat"].parse_request(
        json.dumps({**said, "response_format": form}).encode(), None, None
    )
    body = json.loads(DIALECTS["openai_responses"].render_request(request, Target(model="m")).body)
    assert "strict" not in body["text"]["format"]
