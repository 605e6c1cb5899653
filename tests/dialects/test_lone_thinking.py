"""An answer that broke off while the model thought leaves its thinking in the client's history, and nothing behind it.

Codex sends that back when it tries again; Anthropic refuses a turn that ends in thinking, and takes a last turn of the
assistant for words to go on with.
"""

import json
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.envelope import wrap
from gateway.errors import ClientError
from gateway.model import Target

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}


def thought(dialect: str) -> dict[str, Any]:
    state = {"anthropic": {"anthropic": {"signature": "c2ln"}}, "gemini": {"gemini": {"thought_signature": "c2ln"}}}
    sealed = wrap(state[dialect], without="openai_responses", origin=f"{dialect}/m")
    return {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed}


@pytest.mark.parametrize("upstream", ["anthropic", "gemini"])
@pytest.mark.parametrize("again", [False, True])
def test_thinking_alone_is_no_turn(upstream: str, again: bool) -> None:
    items = [USER, thought(upstream), USER] if again else [USER, thought(upstream)]
    body = json.dumps({"model": "m", "input": items}).encode()
    request = DIALECTS["openai_responses"].parse_request(body, None, None)
    target = Target(model="m", prefill=False, thinking="adaptive" if upstream == "anthropic" else "level")
    rendered = DIALECTS[upstream].render_request(request, target)
    sent = json.loads(rendered.body)
    turns = sent["messages"] if upstream == "anthropic" else sent["contents"]
    assert [turn["role"] for turn in turns] == ["user"] and b"c2ln" not in rendered.body
    assert rendered.body.count(b"hello") == (2 if again else 1)
    assert rendered.dropped == ("input[].summary",)


@pytest.mark.parametrize("upstream", ["anthropic", "gemini"])
def test_thinking_before_words_stays(upstream: str) -> None:
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hm."}]}
    body = json.dumps({"model": "m", "input": [USER, thought(upstream), said, USER]}).encode()
    request = DIALECTS["openai_responses"].parse_request(body, None, None)
    rendered = DIALECTS[upstream].render_request(request, Target(model="m", thinking="adaptive"))
    assert b"c2ln" in rendered.body and rendered.dropped == ()


DOORS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "anthropic": ("messages", {"role": "user", "content": "hello"}, {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "c2ln"}]}),
    "gemini": ("contents", {"role": "user", "parts": [{"text": "hello"}]}, {"role": "model", "parts": [{"text": "Hm", "thought": True}]}),
    "openai_responses": ("input", USER, {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("door", "upstream"),
    [(door, upstream) for door in DOORS for upstream in ("openai_chat", "openai_responses") if door != upstream],
)
@pytest.mark.parametrize("again", [False, True])
def test_thinking_alone_of_another_provider_is_no_message_to_openai_s_kind(
    door: str, upstream: str, again: bool
) -> None:
    """xAI refuses an empty message, and nobody goes on with one."""
    field, user, thinking = DOORS[door]
    body = {"model": "m", "max_tokens": 9, field: [user, thinking, user] if again else [user, thinking]}
    if door != "anthropic":
        del body["max_tokens"]
    request = DIALECTS[door].parse_request(json.dumps(body).encode(), "m" if door == "gemini" else None, None)
    rendered = DIALECTS[upstream].render_request(request, Target(model="m"))
    sent = json.loads(rendered.body)
    turns = sent["messages"] if upstream == "openai_chat" else sent["input"]
    assert [turn["role"] for turn in turns] == ["user"] * (2 if again else 1)
    assert len(rendered.dropped) == 1


@pytest.mark.parametrize("upstream", ["openai_chat", "openai_responses"])
def test_nothing_but_thinking_is_nothing_to_answer(upstream: str) -> None:
    field, _, thinking = DOORS["anthropic"]
    body = json.dumps({"model": "m", "max_tokens": 9, field: [thinking]}).encode()
    request = DIALECTS["anthropic"].parse_request(body, None, None)
    with pytest.raises(ClientError, match="no message to answer"):
        DIALECTS[upstream].render_request(request, Target(model="m"))
