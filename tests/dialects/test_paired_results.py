"""Calls and their results, from doors that are not chat's: what is not paired is refused here in the client's own
words, by whichever provider's dialect it would have gone out, and not by the provider in words of another form."""

import itertools
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


@pytest.mark.parametrize(
    ("door", "upstream"),
    [
        ("anthropic", "gemini"),
        ("openai_responses", "gemini"),
        ("openai_responses", "anthropic"),
        ("gemini", "anthropic"),
    ],
)
def test_a_second_result_of_a_call_is_refused_by_its_id(door: str, upstream: str) -> None:
    """Both providers refuse it, in words about something else."""
    said = [user(door, "a"), *call(door, "c1", "c2"), result(door, "c1"), result(door, "c2"), result(door, "c1")]
    with pytest.raises(ClientError, match="'c1' has more than one result") as caught:
        render(door, upstream, said)
    assert (caught.value.param or "").startswith(f"{DOORS[door]}[{len(said) - 1}]")


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


def said_between(door: str) -> list[dict[str, Any]]:
    """Two results in two messages, and the user's words between them."""
    if door == "openai_responses":
        return [result(door, "c2"), user(door, "stop"), result(door, "c1")]
    content = "parts" if door == "gemini" else "content"
    both = result(door, "c2")
    words = {"text": "stop"} if door == "gemini" else {"type": "text", "text": "stop"}
    return [{**both, content: [*both[content], words]}, result(door, "c1")]


@pytest.mark.parametrize("door", DOORS)
def test_chat_gets_all_results_right_behind_their_calls(door: str) -> None:
    """Who types while tools run is heard between their results; OpenAI refuses a message there."""
    said = [user(door, "a"), *call(door, "c1", "c2"), *said_between(door), user(door, "b")]
    messages = json.loads(render(door, "openai_chat", said))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "user", "user"]
    assert {message["tool_call_id"] for message in messages[2:4]} == {"c1", "c2"}
    assert [message["content"] for message in messages[4:]] == ["stop", "b"]


@pytest.mark.parametrize("between", list(itertools.permutations(["system", "user", "result"])))
def test_results_are_behind_their_calls_where_instructions_have_turns_of_their_own(between: tuple[str, ...]) -> None:
    """Newer Claude models take them so; what was said while a tool ran made its result one that nobody sent."""
    door = "openai_responses"
    said = [user(door, "a"), *call(door, "c1", "c2"), result(door, "c2")]
    said += [result(door, "c1") if each == "result" else {"role": each, "content": each} for each in between]
    request = DIALECTS[door].parse_request(json.dumps({"model": "m", "input": said}).encode(), None, None)
    rendered = DIALECTS["anthropic"].render_request(request, Target(model="m", system_turns=True))
    first, called, answered, *behind = json.loads(rendered.body)["messages"]
    assert [turn["role"] for turn in (first, called, answered)] == ["user", "assistant", "user"]
    assert [block.get("tool_use_id") for block in answered["content"][:2]] == ["c1", "c2"]
    words = [block["text"] for turn in (answered, *behind) for block in turn["content"] if "text" in block]
    assert sorted(words) == ["system", "user"]


def test_chat_gets_pictures_behind_the_last_result() -> None:
    shown = result("anthropic", "c1")
    shown["content"][0]["content"] = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    ]
    said = [user("anthropic", "a"), *call("anthropic", "c1", "c2"), shown, result("anthropic", "c2")]
    messages = json.loads(render("anthropic", "openai_chat", said))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "user"]
