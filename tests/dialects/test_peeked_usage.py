"""A whole answer that passes as it is costs what it costs when it is parsed, whatever its counts are."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.model import MOST_NANO, MOST_TOKENS
from gateway.store.storable import LIMITS

_COUNTS = st.one_of(
    st.integers(0, 2000), st.sampled_from([None, -1, 0, 1.0, 2.7, 0.00014, 2**53, 2**53 + 1, True, "3", [], {}])
)
_COST = {"cost_in_usd_ticks": None, "cost": None, "is_byok": None, "cost_details": {"upstream_inference_cost": None}}
_CHAT: Mapping[str, Any] = {
    **dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens")),
    "prompt_tokens_details": dict.fromkeys(("cached_tokens", "cache_write_tokens", "audio_tokens")),
    "completion_tokens_details": dict.fromkeys(("reasoning_tokens", "audio_tokens")),
    **_COST,
}
_RESPONSES: Mapping[str, Any] = {
    **dict.fromkeys(("input_tokens", "output_tokens", "total_tokens")),
    "input_tokens_details": {
        **dict.fromkeys(("cached_tokens", "cache_write_tokens", "audio_tokens")),
        "cache_write_tokens_details": {"ttl_12h_tokens": None},
    },
    "output_tokens_details": dict.fromkeys(("reasoning_tokens", "audio_tokens")),
    **_COST,
}


def _objects(shape: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: _COUNTS if inner is None else _objects(inner) for name, inner in shape.items()}
    return st.fixed_dictionaries({}, optional=members)


def _chat(usage: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return json.dumps({"id": "c", "model": "m", "choices": [choice], "usage": usage}).encode()


def _response(usage: Any) -> bytes:
    return json.dumps({"id": "r", "status": "completed", "model": "m", "output": [], "usage": usage}).encode()


def _same(dialect: str, body: bytes) -> bool:
    look = DIALECTS[dialect].peek_answer
    assert look is not None
    seen = look(body)
    if seen is not None:
        assert seen.usage == DIALECTS[dialect].parse_response(body).usage
    return seen is not None


@settings(max_examples=60)
@given(_objects(_CHAT))
def test_a_chat_answer(usage: dict[str, Any]) -> None:
    _same("openai_chat", _chat(usage))


@settings(max_examples=60)
@given(_objects(_RESPONSES))
def test_an_answer_of_responses(usage: dict[str, Any]) -> None:
    _same("openai_responses", _response(usage))


@pytest.mark.parametrize(
    ("said", "peeked"),
    [
        ({"cost": 0.00014}, True),
        ({"cost": 1, "is_byok": False}, True),
        ({"cost": 0.5, "cost_in_usd_ticks": 10}, True),
        ({"cost": 0.5, "cost_in_usd_ticks": -1}, True),
        ({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.25}}, False),
    ],
)
def test_what_an_answer_says_that_it_cost(said: dict[str, Any], peeked: bool) -> None:
    assert _same("openai_chat", _chat({"prompt_tokens": 3, "completion_tokens": 4, **said})) is peeked
    assert _same("openai_responses", _response({"input_tokens": 3, "output_tokens": 4, **said})) is peeked


@pytest.mark.parametrize("count", [MOST_TOKENS, MOST_TOKENS + 1])
def test_a_count_that_no_row_can_keep_is_none_that_was_said(count: int) -> None:
    """A row said that its provider had counted, had no count, and was priced as if that were nought."""
    kept = count if count <= MOST_TOKENS else None
    for dialect, body in (
        ("openai_chat", _chat({"prompt_tokens": count, "completion_tokens": 4, "cost": 100_000.5})),
        ("openai_responses", _response({"input_tokens": count, "output_tokens": 4, "cost": 100_000.5})),
    ):
        assert _same(dialect, body) is (kept is not None)
        used = DIALECTS[dialect].parse_response(body).usage
        assert used is not None and (used.input_tokens, used.cost_nano) == (kept, None)
    assert (LIMITS["input_tokens"], LIMITS["cost_nano"]) == (MOST_TOKENS, MOST_NANO)
