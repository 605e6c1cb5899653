"""Who the end user is, on the way to OpenAI's two dialects, which take ids of at most 128 characters."""

import json

import pytest

from gateway.dialects import DIALECTS
from gateway.model import Target

CLAUDE_CODE = json.dumps({"device_id": "d" * 64, "account_uuid": "a" * 36, "session_id": "s" * 36})


def sent(upstream: str, user: str) -> str:
    body = {"model": "m", "max_tokens": 9, "metadata": {"user_id": user}}
    body["messages"] = [{"role": "user", "content": "Hi."}]
    request = DIALECTS["anthropic"].parse_request(json.dumps(body).encode(), None, None)
    rendered = DIALECTS[upstream].render_request(request, Target(model="m"))
    assert not rendered.dropped
    return str(json.loads(rendered.body)["user"])


@pytest.mark.parametrize("user", [CLAUDE_CODE, "x" * 129, "\ud800" * 200], ids=["Claude Code's", "long", "broken"])
def test_a_long_id_becomes_a_short_one_of_the_same_user(user: str) -> None:
    short = sent("openai_chat", user)
    assert len(short) <= 128 and short.startswith("user_") and short == sent("openai_responses", user)
    assert short != sent("openai_chat", user + "y")


@pytest.mark.parametrize("upstream", ["openai_chat", "openai_responses"])
def test_an_id_that_is_taken_stays(upstream: str) -> None:
    assert sent(upstream, "u" * 128) == "u" * 128
