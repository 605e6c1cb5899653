"""Further faults of other gateways in requests: what a client asks for reaches every provider, or is refused by name."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Unsupported
from gateway.providers.catalog import PROVIDERS
from gateway.providers.models import MODELS as ALL_MODELS
from gateway.relaying.routing import Routing
from tests.faults.requests import MODELS, Wire, asking, carried, everything, leaves, offering, resulting, sent

ROOT = Path(__file__).parents[2]
DIALECTS = ("openai_chat", "openai_responses", "anthropic", "gemini")
DOORS = pytest.mark.parametrize("door", DIALECTS)
UPSTREAMS = pytest.mark.parametrize("upstream", DIALECTS)
TURNS = {"openai_chat": "messages", "openai_responses": "input", "anthropic": "messages", "gemini": "contents"}


def offered(body: Any) -> list[str]:
    """The tools' names as they are sent."""
    found = []
    for tool in body["tools"]:
        for item in tool.get("functionDeclarations", [tool.get("function", tool)]):
            found.append(item["name"])
    return found


def calling(*names: str) -> Wire:
    """Gemini's way of demanding a call."""
    return {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": list(names)}}}


# A choice in each dialect's words, which are both what a client says and what a provider is sent.
NAMED: dict[str, Wire] = {
    "openai_chat": {"tool_choice": {"type": "function", "function": {"name": "b"}}},
    "openai_responses": {"tool_choice": {"type": "function", "name": "b"}},
    "anthropic": {"tool_choice": {"type": "tool", "name": "b"}},
    "gemini": calling("b"),
}
DEMANDED: dict[str, Wire] = {
    "openai_chat": {"tool_choice": "required"},
    "openai_responses": {"tool_choice": "required"},
    "anthropic": {"tool_choice": {"type": "any"}},
    "gemini": {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
}
FORBIDDEN: dict[str, Wire] = {
    "openai_chat": {"tool_choice": "none"},
    "openai_responses": {"tool_choice": "none"},
    "anthropic": {"tool_choice": {"type": "none"}},
    "gemini": {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}},
}


@DOORS
@UPSTREAMS
@pytest.mark.parametrize("choice", [NAMED, DEMANDED, FORBIDDEN], ids=["named", "demanded", "forbidden"])
def test_cliproxyapi_1135_the_choice_of_tools_is_not_ignored(
    door: str, upstream: str, choice: dict[str, Wire]
) -> None:
    body = sent(door, offering(door, "c", "b", "a") | choice[door], upstream)
    for name, value in choice[upstream].items():
        assert body[name] == value
    assert offered(body) == ["c", "b", "a"]


SUBSET: dict[str, Wire] = {
    "openai_chat": {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": name}} for name in "ca"]}}},
    "openai_responses": {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": name} for name in "ca"]}},
    "gemini": calling("c", "a"),
}  # fmt: skip


@pytest.mark.parametrize("door", SUBSET)
@UPSTREAMS
def test_bifrost_7348_allowed_tools_are_not_dropped(door: str, upstream: str) -> None:
    """Anthropic has no word for it: it is offered only those."""
    body = sent(door, offering(door, "c", "b", "a") | SUBSET[door], upstream)
    if upstream == "anthropic":
        assert (body["tool_choice"], offered(body)) == ({"type": "any"}, ["c", "a"])
    else:
        assert body | SUBSET[upstream] == body and offered(body) == ["c", "b", "a"]


SINGLE: dict[str, Wire] = {
    "openai_chat": {"parallel_tool_calls": False},
    "openai_responses": {"parallel_tool_calls": False},
    "anthropic": {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
}


@pytest.mark.parametrize("door", SINGLE)
@UPSTREAMS
def test_bifrost_7348_one_call_at_a_time_is_said_or_named_as_lost(door: str, upstream: str) -> None:
    rendered = carried(door, offering(door, "a", "b") | SINGLE[door], upstream)
    body = json.loads(rendered.body)
    if upstream == "gemini":
        assert len(rendered.dropped) == 1 and "parallel_tool" in rendered.dropped[0]
    else:
        assert body | SINGLE[upstream] == body and rendered.dropped == ()


HASHING = """
import hashlib
from tests.faults.requests import MODELS, carried, everything
for door in MODELS:
    for upstream in MODELS:
        print(hashlib.sha256(carried(door, everything(door), upstream).body).hexdigest())
"""


def test_bifrost_2347_the_same_request_is_the_same_bytes_in_every_process() -> None:
    """Where the order of tools or properties follows a hash seed, no prompt cache ever hits."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", HASHING],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "4242")
    ]
    assert len(runs[0].split()) == 16 and len(set(runs)) == 1
    for door in DIALECTS:
        for upstream in DIALECTS:
            body = carried(door, everything(door), upstream).body
            assert offered(json.loads(body)) == ["z", "look", "m", "a"]
            assert body.index(b'"z":{"type"') < body.index(b'"a":{"type"')


HOSTED: dict[str, Wire] = {
    "openai_chat": {"type": "tool_search"},
    "openai_responses": {"type": "tool_search"},
    "anthropic": {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
    "gemini": {"urlContext": {}},
}


@DOORS
@UPSTREAMS
def test_bifrost_5279_a_tool_that_only_another_provider_has_is_refused_by_name(door: str, upstream: str) -> None:
    body = {**asking(door), "tools": [HOSTED[door]]}
    if door == upstream:
        assert sent(door, body, upstream)["tools"] == [HOSTED[door]]
        return
    with pytest.raises(Unsupported) as raised:
        carried(door, body, upstream)
    assert raised.value.param is not None and raised.value.param.startswith("tools[0]")


LIMITS: dict[str, list[Wire]] = {
    "openai_chat": [{"max_tokens": 3217}, {"max_completion_tokens": 3217}],
    "openai_responses": [{"max_output_tokens": 3217}],
    "anthropic": [{"max_tokens": 3217}],
    "gemini": [{"generationConfig": {"maxOutputTokens": 3217}}, {"generation_config": {"max_output_tokens": 3217}}],
}
LIMIT_AT = {"openai_chat": "max_completion_tokens", "openai_responses": "max_output_tokens", "anthropic": "max_tokens", "gemini": "generationConfig.maxOutputTokens"}  # fmt: skip


@pytest.mark.parametrize(("door", "limit"), [(door, limit) for door in LIMITS for limit in LIMITS[door]])
@UPSTREAMS
def test_bifrost_6457_the_limit_of_output_reaches_every_provider(door: str, limit: Wire, upstream: str) -> None:
    body = sent(door, asking(door) | limit, upstream)
    assert [path for path, value in leaves(body) if value == 3217] == [LIMIT_AT[upstream]]


@DOORS
@UPSTREAMS
def test_anthropic_sdk_461_no_empty_text_is_sent(door: str, upstream: str) -> None:
    """An assistant that only calls says `content: ""`, which Anthropic refuses as a block."""
    body = resulting(door)
    match door:
        case "openai_chat":
            body["messages"][1]["content"] = ""
        case "openai_responses":
            body["input"].insert(1, {"role": "assistant", "content": [{"type": "output_text", "text": ""}]})
        case "anthropic":
            body["messages"][1]["content"].insert(0, {"type": "text", "text": ""})
        case _:
            body["contents"][1]["parts"].insert(0, {"text": ""})
    told = sent(door, body, upstream)
    texts = [value for path, value in leaves(told) if path.endswith(".text")]
    assert "See." in texts or "See." in json.dumps(told)
    assert all(text.strip() for text in texts)


@DOORS
@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-8"])
def test_deepagents_1585_a_prefill_that_the_model_does_not_take_is_refused_here(door: str, model: str) -> None:
    body = asking(door)
    begun = (
        {"role": "model", "parts": [{"text": "So"}]} if door == "gemini" else {"role": "assistant", "content": "So"}
    )
    body[TURNS[door]].append(begun)
    with pytest.raises(Unsupported) as raised:
        carried(door, body, "anthropic", model)
    assert raised.value.param == TURNS[door]


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
CLAUDES = [model.id for model in ALL_MODELS if model.id.startswith("claude-")]


# The tests' own provider, which refuses what Anthropic does, in a process of its own.
CHECKING = """
import json, sys
from tests.provider.format import Call
from tests.provider.messages import ANTHROPIC
for line in sys.stdin:
    body = json.loads(line)
    call = Call(operation="chat", model=body["model"], stream=False, body=body, prompt="", after_tools=False, tools=[], stop=[], shows_reasoning=False)
    ANTHROPIC.check(call, {"anthropic-version": "2023-06-01"})
print("all legal")
"""


def test_new_api_relaykit_every_effort_is_a_legal_body_of_every_claude() -> None:
    bodies = []
    for model in CLAUDES:
        for effort in EFFORTS:
            for more in ({}, {"temperature": 0.3, "top_p": 0.5}, {"max_tokens": 1500}, DEMANDED["openai_chat"]):
                asked = offering("openai_chat", "look") | {"reasoning_effort": effort} | more
                bodies.append(sent("openai_chat", asked, "anthropic", model))
                assert not {"temperature", "top_p"} <= bodies[-1].keys()
    lines = "\n".join(json.dumps(body) for body in bodies)
    command = [sys.executable, "-c", CHECKING]
    done = subprocess.run(command, cwd=ROOT, input=lines, capture_output=True, text=True, check=False)
    assert done.stdout == "all legal\n", done.stderr[-500:]


NO_EFFORT = (
    "grok-4-0709",
    "grok-4-fast-reasoning",
    "grok-4-1-fast-reasoning",
    "grok-4.20-reasoning",
    "grok-code-fast-1",
)
EFFORT = ("grok-4.3", "grok-4.5", "grok-4.6")


@pytest.mark.parametrize("model", [*NO_EFFORT, *EFFORT])
def test_hermes_agent_23435_effort_goes_only_to_a_grok_that_takes_one(model: str) -> None:
    """And decolua/9router#3514, the opposite: dropped for a model that takes it."""
    asked = {**asking("anthropic"), "output_config": {"effort": "high"}, "thinking": {"type": "adaptive"}}
    rendered = carried("anthropic", asked, "openai_chat", model)
    body = json.loads(rendered.body)
    assert body.get("reasoning_effort") == (None if model in NO_EFFORT else "high")
    assert bool(rendered.dropped) is (model in NO_EFFORT)


def test_litellm_13381_what_gpt_5_refuses_is_left_out_and_named_where_it_said_something() -> None:
    for temperature, dropped in ((1, ()), (0.2, ("temperature",))):
        rendered = carried("openai_chat", {**asking("openai_chat"), "temperature": temperature, "max_tokens": 9}, "openai_chat", "gpt-5")  # fmt: skip
        body = json.loads(rendered.body)
        assert (body.keys() & {"temperature", "max_tokens"}, body["max_completion_tokens"]) == (set(), 9)
        assert rendered.dropped == dropped


def test_openai_openapi_541_tools_with_effort_go_to_responses_where_chat_refuses_them() -> None:
    candidate = Routing(PROVIDERS).candidates("gpt-5.4")[0]
    assert candidate.dialect(tools=True, effort="high") == "openai_responses"
    assert candidate.dialect(tools=False, effort="high") == "openai_chat"
    body = offering("openai_chat", "look") | {"reasoning_effort": "high"}
    told = sent("openai_chat", body, "openai_responses", "gpt-5.4")
    assert told["reasoning"]["effort"] == "high" and offered(told) == ["look"] and told["store"] is False


@pytest.mark.parametrize("upstream", ["openai_responses", "anthropic", "gemini"])
@pytest.mark.parametrize("field", ["search_parameters", "web_search_options"])
def test_vercel_ai_15718_a_search_that_the_provider_does_not_make_is_refused_by_name(
    field: str, upstream: str
) -> None:
    with pytest.raises(Unsupported) as raised:
        carried("openai_chat", {**asking("openai_chat"), field: {"mode": "on"}}, upstream)
    assert raised.value.param == field


def test_every_model_of_this_file_is_known() -> None:
    assert len(CLAUDES) > 5 and set(MODELS) == set(DIALECTS)
