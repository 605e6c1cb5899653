"""The look at an answer says what parsing it says, or nothing."""

import json
from typing import Any

import pytest

from gateway.dialects.openai_chat.answer_peek import peek_answer
from gateway.dialects.openai_chat.response import parse_response
from gateway.model import Usage

_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
_TWO = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def _body(**fields: Any) -> bytes:
    return json.dumps({"id": "c1", "model": "m-1", "choices": [_CHOICE], **fields}).encode()


PLAIN = {
    "no usage": _body(),
    "null usage": _body(usage=None),
    "empty usage": _body(usage={}),
    "only a tier": _body(usage={}, service_tier="flex"),
    "counts": _body(usage=_TWO),
    "counts and tier": _body(usage=_TWO, service_tier="flex"),
    "only details": _body(usage={"prompt_tokens_details": {"cached_tokens": 3}}),
    "null details": _body(usage={**_TWO, "prompt_tokens_details": None, "completion_tokens_details": None}),
    "all details": _body(
        usage={
            **_TWO,
            "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2, "audio_tokens": 1, "x": "y"},
            "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1},
        }
    ),
    "reasoning outside": _body(
        usage={**_TWO, "total_tokens": 20, "completion_tokens_details": {"reasoning_tokens": 7}}
    ),
    "reasoning larger": _body(usage={"completion_tokens": 4, "completion_tokens_details": {"reasoning_tokens": 7}}),
    "cache hits": _body(usage={**_TWO, "prompt_cache_hit_tokens": 5}),
    "zero cached beside hits": _body(
        usage={**_TWO, "prompt_cache_hit_tokens": 5, "prompt_tokens_details": {"cached_tokens": 0}}
    ),
    "ticks": _body(usage={**_TWO, "cost_in_usd_ticks": 37756000}),
    "negative ticks": _body(usage={**_TWO, "cost_in_usd_ticks": -1}),
    "dollars": _body(usage={**_TWO, "cost": 0.00014, "is_byok": False}),
    "ticks beside dollars": _body(usage={**_TWO, "cost_in_usd_ticks": 10, "cost": 5}),
    "null error": _body(usage=_TWO, error=None),
    "nameless": json.dumps({"choices": [_CHOICE], "usage": _TWO}).encode(),
}
LEFT_TO_PARSING = {
    "an error": _body(error={"message": "no"}),
    "no choices": b'{"id": "c1", "usage": {"prompt_tokens": 1}}',
    "null choices": b'{"choices": null}',
    "a float": _body(usage={**_TWO, "prompt_tokens": 9.0}),
    "a boolean": _body(usage={**_TWO, "prompt_tokens": True}),
    "a fee beside the maker's bill": _body(
        usage={**_TWO, "cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}
    ),
    "a cost in parts": _body(usage={**_TWO, "cost": {"total_cost": 0.1}}),
    "negative": _body(usage={**_TWO, "prompt_tokens": -9}),
    "beyond all counts": _body(usage={**_TWO, "prompt_tokens": 2**60}),
    "usage is a list": _body(usage=[1]),
    "id is a number": _body(id=7),
    "half a surrogate": b'{"choices": [{"message": {"content": "\\ud83d"}}], "id": "\\ud83d"}',
    "a page": b"<!doctype html>",
    "a list": b"[]",
    "cut": _body()[:-4],
    "nothing": b"",
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_answer_is_seen_as_it_is_parsed(name: str) -> None:
    seen, parsed = peek_answer(PLAIN[name]), parse_response(PLAIN[name])
    assert seen is not None
    assert (seen.id, seen.model, seen.usage) == (parsed.id, parsed.model, parsed.usage)


@pytest.mark.parametrize("name", LEFT_TO_PARSING)
def test_what_only_parsing_can_tell_is_left_to_it(name: str) -> None:
    assert peek_answer(LEFT_TO_PARSING[name]) is None


def test_the_details_are_read() -> None:
    seen = peek_answer(PLAIN["all details"])
    assert seen is not None
    assert seen.usage == Usage(
        input_tokens=9,
        cached_tokens=3,
        cache_write_tokens=2,
        input_audio_tokens=1,
        output_tokens=4,
        reasoning_tokens=2,
        output_audio_tokens=1,
    )
