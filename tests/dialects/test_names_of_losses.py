"""What is told as lost is what the client wrote, where it wrote it, and nothing that was carried."""

import json
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.model import Target

HI = {"role": "user", "content": "hi"}
MARK = {"cache_control": {"type": "ephemeral"}}
SAID: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
    ("openai_responses", {"input": "hi", "instructions": "Be brief."}, "anthropic", ()),
    ("openai_responses", {"input": "hi", "include": ["reasoning.encrypted_content"]}, "anthropic", ()),
    ("openai_responses", {"input": "hi", "include": ["file_search_call.results"]}, "gemini", ("include",)),
    (
        "anthropic",
        {"messages": [HI], "system": [{"type": "text", "text": "Be brief.", **MARK}]},
        "gemini",
        ("system[].cache_control",),
    ),
    (
        "anthropic",
        {"messages": [HI], "tools": [{"name": "f", "input_schema": {"type": "object"}, **MARK}]},
        "gemini",
        ("tools[].cache_control",),
    ),
    (
        "anthropic",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", **MARK}]}]},
        "gemini",
        ("messages[].content[].cache_control",),
    ),
]


@pytest.mark.parametrize(("door", "body", "upstream", "dropped"), SAID)
def test_a_loss_bears_the_client_s_own_name(
    door: str, body: dict[str, Any], upstream: str, dropped: tuple[str, ...]
) -> None:
    said = json.dumps({"model": "m", "max_tokens": 9, **body} if door == "anthropic" else {"model": "m", **body})
    request = DIALECTS[door].parse_request(said.encode(), None, None)
    rendered = DIALECTS[upstream].render_request(request, Target(model="m"))
    assert (rendered.dropped, rendered.adapted) == (dropped, ())
