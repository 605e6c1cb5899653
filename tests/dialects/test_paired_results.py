"""Calls and their results, from doors that are not chat's: what is not paired is refused here in the client's own
words, by whichever provider's dialect it would have gone out, and not by the provider in words of another form."""

import json
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.errors import ClientError
from gateway.model import Target

UPSTREAMS = ("openai_chat", "openai_responses", "anthropic", "gemini")
DOORS = {"anthropic": "messages", "gemini": "contents", "openai_responses": "input"}


def user(door: str, text: str) -> dict[str, Any]:
    if door == "gemini":
        return {"role": "user", "parts": [{"text": text}]}
    return {"role": "user", "content": text}


def call(door: str, *ids: str) -> list[dict[str, Any]]:
    match door:
        case "anthropic":
            uses = [{"type": "tool_use", "id": id, "name": "f", "input": {}} for id in ids]
            return [{"role": "assistant", "content": uses}]
        case "gemini":
            return [{"role": "model", "parts": [{"functionCall": {"id": id, "name": "f", "args": {}}} for id in ids]}]
    return [{"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"} for id in ids]


def result(door: str, id: str) -> dict[str, Any]:
    match door:
        case "anthropic":
            return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "r"}]}
        case "gemini":
            return {
                "role": "user",
                "parts": [{"functionResponse": {"id": id, "name": "f", "response": {"output": "r"}}}],
            }
    return {"type": "function_call_output", "call_id": id, "output": "r"}


def render(door: str, upstream: str, said: list[dict[str, Any]]) -> bytes:
    body = {"model": "m", "max_tokens": 9, DOORS[door]: said}
    if door != "anthropic":
        del body["max_tokens"]
    request = DIALECTS[door].parse_request(json.dumps(body).encode(), "m" if door == "gemini" else None, None)
    return DIALECTS[upstream].render_request(request, Target(model="m")).body


EVERY = pytest.mark.parametrize(
    ("door", "upstream"), [(door, upstream) for door in DOORS for upstream in UPSTREAMS if door != upstream]
)


@EVERY
def test_an_orphan_result_is_refused_by_its_id(door: str, upstream: str) -> None:
    for said in ([user(door, "a"), result(door, "c9")], [user(door, "a"), *call(door, "c1"), result(door, "c9")]):
        with pytest.raises(ClientError, match="c9") as caught:
            render(door, upstream, said)
        assert (caught.value.param or "").startswith(f"{DOORS[door]}[{len(said) - 1}]")


@EVERY
def test_an_unanswered_call_is_refused_by_its_id(door: str, upstream: str) -> None:
    last = call(door, "c2")
    answered = [user(door, "a"), *call(door, "c1"), result(door, "c1")]
    for behind in ([], [user(door, "b")]):
        with pytest.raises(ClientError, match="c2") as caught:
            render(door, upstream, [*answered, *last, *behind])
        assert (caught.value.param or "").startswith(f"{DOORS[door]}[3]")


@EVERY
def test_results_may_come_in_any_order_and_in_several_turns(door: str, upstream: str) -> None:
    said = [user(door, "a"), *call(door, "c1", "c2"), result(door, "c2"), result(door, "c1"), user(door, "b")]
    assert b"c1" in (sent := render(door, upstream, said)) and b"c2" in sent


@EVERY
def test_answers_one_behind_another_are_one_turn(door: str, upstream: str) -> None:
    """As Anthropic and Gemini have it; chat wants the results right behind all calls."""
    said = [user(door, "a"), *call(door, "c1"), *call(door, "c2"), result(door, "c1"), result(door, "c2")]
    sent = render(door, upstream, said)
    assert sent.index(b"c1") < sent.index(b"c2")
    if upstream == "openai_chat":
        _, called, *results = json.loads(sent)["messages"]
        assert [each["id"] for each in called["tool_calls"]] == ["c1", "c2"]
        assert [each["tool_call_id"] for each in results] == ["c1", "c2"]
    with pytest.raises(ClientError, match="c1"):
        render(door, upstream, [*said[:-2], result(door, "c2")])


@EVERY
def test_nothing_to_answer_is_refused(door: str, upstream: str) -> None:
    with pytest.raises(ClientError, match="no message to answer") as caught:
        render(door, upstream, [])
    assert caught.value.param == DOORS[door]
