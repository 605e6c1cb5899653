"""Every row of the carriage table, at every door that can say it, rendered for every other dialect and every kind of
model that the row tells apart: verdict and names are the table's, and so is the 400's `param`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.dialects import DIALECTS
from gateway.dialects.carriage import ANTHROPIC, BY_NAME, CHAT, DIALECT_NAMES, GEMINI, RESPONSES, ROWS
from gateway.dialects.losses import anywhere
from gateway.dialects.verdicts import Fate, Row, Verdict
from gateway.errors import Unsupported
from gateway.model import Rendered, Target
from tests.carriage.examples import BASES, EXAMPLES, WITHOUT

EFFORTS = ("none", "low", "medium", "high")
ABLE = {
    CHAT: Target(model="m", efforts=EFFORTS, thinking="effort"),
    RESPONSES: Target(model="m", efforts=EFFORTS, thinking="effort"),
    ANTHROPIC: Target(model="m", efforts=EFFORTS, thinking="adaptive"),
    GEMINI: Target(model="m", efforts=EFFORTS, thinking="level"),
}
# A model of which a condition holds.
OTHERS: dict[str, dict[str, Any]] = {
    "no_stop": {"stop": False},
    "no_penalties": {"penalties": False},
    "no_sampling": {"sampling": "none"},
    "one_of_two": {"sampling": "temperature_or_top_p"},
    "no_effort": {"efforts": (), "thinking": ""},
    "no_thinking": {"efforts": (), "thinking": ""},
    "always_thinks": {"efforts": ("low", "high")},
    "by_effort": {},
    "no_prefill": {"prefill": False},
    "system_turns": {"system_turns": True},
    "cache_marks": {"cache_marks": True},
    "no_result_media": {"thinking": "budget"},
    "takes_thinking": {"reasoning_content": True},
}
# Features of answers, or of fields that are compared with each other: tests of their own, here or in the dialects'.
NOT_SAID = {"usage_cache", "reasoning_tool_loop", "media_type", "budget_bounds", "cache_mark_count", "lone_thinking"}

# What the door cannot say in a way that is not another row's, or only where the door's own dialect carries it.
BY_OTHERS = {
    ("refusal", ANTHROPIC),
    ("refusal", GEMINI),
    ("result_content", RESPONSES),
    ("result_content", GEMINI),
    ("unknown_content", CHAT),
    ("allowed_tools", GEMINI),
    ("choice_without_tools", CHAT),
    ("broken_arguments", GEMINI),
    ("thinking_room", ANTHROPIC),
    ("foreign_thinking", CHAT),
    ("foreign_tier", CHAT),
    ("foreign_tier", RESPONSES),
}


def cells() -> Iterator[Any]:
    for row in ROWS:
        for door in row.said:
            if door not in EXAMPLES.get(row.name, {}):
                continue
            for dialect in DIALECT_NAMES:
                if dialect == door:
                    continue
                yield pytest.param(row.name, door, dialect, ABLE[dialect], id=f"{row.name}: {door} to {dialect}")
                for name in row.fates[dialect].where:
                    target = replace(ABLE[dialect], **OTHERS[name])
                    yield pytest.param(row.name, door, dialect, target, id=f"{row.name}: {door} to {dialect}, {name}")


def test_every_row_is_said_at_every_door_that_can() -> None:
    sayable = {(row.name, door) for row in ROWS for door in row.said if row.name not in NOT_SAID} - BY_OTHERS
    assert {(name, door) for name, bodies in EXAMPLES.items() for door in bodies} == sayable


def rendered(door: str, dialect: str, body: dict[str, Any], target: Target, client: str | None = None) -> Rendered:
    path_model = "m" if door == GEMINI else None
    request = DIALECTS[door].parse_request(json.dumps(body).encode(), path_model, None)
    request = replace(request, origin=replace(request.origin, client=client))
    return DIALECTS[dialect].render_request(request, target)


# Clients act on these words.
CODES = {"message_thread": "thread_unsupported_request"}


def matches(row: Row, door: str, names: tuple[str, ...]) -> bool:
    said = row.said[door]
    return any(name in said or (said == ("*",) and name in ("shoe_size", "shoeSize")) for name in names)


@pytest.mark.parametrize(("feature", "door", "dialect", "target"), list(cells()))
def test_a_feature_meets_the_verdict_of_its_row(feature: str, door: str, dialect: str, target: Target) -> None:
    row, body = BY_NAME[feature], EXAMPLES[feature][door]
    client = "Codex" if feature == "agent_tools" else None
    verdict = row.verdict(door, dialect, target)
    if verdict is Verdict.REFUSED:
        with pytest.raises(Unsupported) as caught:
            rendered(door, dialect, body, target, client)
        assert caught.value.status == 400 and caught.value.code == row.code == CODES.get(
            feature, "unsupported_parameter"
        )
        assert caught.value.param is not None and matches(row, door, (anywhere(caught.value.param),))
        assert caught.value.param in caught.value.message
        return
    found = rendered(door, dialect, body, target, client)
    assert matches(row, door, found.dropped) == (verdict is Verdict.DROPPED), found.dropped
    assert matches(row, door, found.adapted) == (verdict is Verdict.ADAPTED), found.adapted


def body_of(found: Rendered) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(found.body)
    return body


# These have two forms of the same thing in one request, or are seen in answers and errors only.
BY_EYE = {
    "parallel_tools",
    "gateway_fields",
    "top_p_beside_temperature",
    "agent_tools",
    "lost_signature",
    "thinking_room",
}
BY_EYE |= {"sampling_while_thinking", "reasoning_off", "tool_name", "choice_without_tools", "media_hints", "phase"}
BY_EYE |= {"single_calls", "checked_arguments", "adaptive_thinking", "reasoning_show"}


@pytest.mark.parametrize("feature", [name for name in EXAMPLES if name not in BY_EYE])
def test_what_is_carried_is_in_the_body_and_what_is_dropped_is_not(feature: str) -> None:
    row = BY_NAME[feature]
    for door, body in EXAMPLES[feature].items():
        for dialect in DIALECT_NAMES:
            verdict = row.verdict(door, dialect, ABLE[dialect])
            if dialect == door or verdict is Verdict.REFUSED:
                continue
            found = body_of(rendered(door, dialect, body, ABLE[dialect]))
            without = body_of(rendered(door, dialect, WITHOUT.get(feature, BASES)[door], ABLE[dialect]))
            assert (found == without) == (verdict is Verdict.DROPPED), (door, dialect, found)


@pytest.mark.parametrize("verdict", [Verdict.DROPPED, Verdict.REFUSED])
@pytest.mark.parametrize(
    "feature", ["seed", "logit_bias", "participant_name", "cache_key", "file_id", "tool_result_image"]
)
def test_a_changed_row_changes_what_is_done(feature: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    row = BY_NAME[feature]
    monkeypatch.setitem(BY_NAME, feature, replace(row, fates={**row.fates, ANTHROPIC: Fate(verdict)}))
    door = next(door for door in EXAMPLES[feature] if door != ANTHROPIC)
    body = EXAMPLES[feature][door]
    if verdict is Verdict.REFUSED:
        with pytest.raises(Unsupported):
            rendered(door, ANTHROPIC, body, ABLE[ANTHROPIC])
    else:
        assert rendered(door, ANTHROPIC, body, ABLE[ANTHROPIC]).dropped == (row.said[door][0],)


def test_the_400_has_the_row_s_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(BY_NAME["n"], say="One answer only, so no `{field}`.")
    monkeypatch.setitem(BY_NAME, "n", row)
    with pytest.raises(Unsupported) as caught:
        rendered(GEMINI, ANTHROPIC, EXAMPLES["n"][GEMINI], ABLE[ANTHROPIC])
    assert caught.value.message == "One answer only, so no `generationConfig.candidateCount`."


def test_places_are_the_client_s_own() -> None:
    """A path of the client's body, with its own numbers, whatever the neutral messages are."""
    image = {"type": "image", "source": {"type": "file", "file_id": "f"}}
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x"}, {"type": "text", "text": "?"}, image]},
    ]  # fmt: skip
    body = {
        "model": "m",
        "max_tokens": 5,
        "system": "S",
        "messages": history,
        "tools": [{"name": "look", "input_schema": {}}],
    }
    with pytest.raises(Unsupported) as caught:
        rendered(ANTHROPIC, GEMINI, body, ABLE[GEMINI])
    assert caught.value.param == "messages[2].content[2].source.file_id"
    space = {
        "type": "namespace",
        "name": "n",
        "description": "d",
        "tools": [{"type": "function", "name": "a"}, {"type": "mcp", "server_label": "s"}],
    }
    asked = {"model": "m", "input": "Hi", "tools": [{"type": "function", "name": "b"}, space]}
    with pytest.raises(Unsupported) as caught:
        rendered(RESPONSES, GEMINI, asked, ABLE[GEMINI])
    assert caught.value.param == "tools[1].tools[1].type"
    parts = [
        {"functionResponse": {"id": "c1", "name": "look", "response": {"output": "x"}}},
        {"text": "?"},
        {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}},
    ]
    call = {"functionCall": {"id": "c1", "name": "look", "args": {}}}
    contents = [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [call]},
        {"role": "user", "parts": parts},
    ]
    with pytest.raises(Unsupported) as caught:
        rendered(GEMINI, ANTHROPIC, {"contents": contents}, ABLE[ANTHROPIC])
    assert caught.value.param == "contents[2].parts[2].inlineData"


def test_what_stands_beside_a_chat_client_s_call_is_carried_or_named() -> None:
    """Agents mark the last call for Claude's cache; `index` is left over from the stream that the call came in."""
    mark = {"type": "ephemeral"}
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}, "index": 0}
    result = {"role": "tool", "tool_call_id": "c1", "content": "x"}
    tool = {"type": "function", "function": {"name": "look"}}

    def asked(**beside: Any) -> dict[str, Any]:
        said = {"role": "assistant", "content": None, "tool_calls": [{**call, **beside}]}
        return {"model": "m", "messages": [{"role": "user", "content": "Hi"}, said, result], "tools": [tool]}

    found = rendered(CHAT, ANTHROPIC, asked(cache_control=mark), ABLE[ANTHROPIC])
    assert body_of(found)["messages"][1]["content"][0]["cache_control"] == mark and found.dropped == ()
    again = body_of(rendered(CHAT, CHAT, asked(cache_control=mark), ABLE[CHAT]))
    kept = {name: value for name, value in call.items() if name != "index"}
    assert again["messages"][1]["tool_calls"] == [{**kept, "cache_control": mark}]
    for dialect in (RESPONSES, GEMINI):
        found = rendered(CHAT, dialect, asked(cache_control=mark), ABLE[dialect])
        assert found.dropped == ("messages[].tool_calls[].cache_control",)
        assert rendered(CHAT, dialect, asked(), ABLE[dialect]).dropped == ()
        assert rendered(CHAT, dialect, asked(shoe_size=46), ABLE[dialect]).dropped == ("shoe_size",)
