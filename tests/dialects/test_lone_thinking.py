"""An answer that broke off while the model thought leaves its thinking in the client's history, and nothing behind it.

Codex sends that back when it tries again; Anthropic refuses a turn that ends in thinking, and takes a last turn of the
assistant for words to go on with.
"""

import json
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.envelope import wrap
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
