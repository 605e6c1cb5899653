"""Thinking, effort and forced tools for every Claude that we know, against what the API takes of each.

QuantumNous/new-api, iyulab/ironhive v0.78, agentgateway/agentgateway#3518: the combinations differ by model, and each
wrong one is a 400. The table here is the API's (anthropic-messages.md §5), written apart from the gateway's rows.
"""

import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.dialects.anthropic import DIALECT
from gateway.model import (
    Message,
    Reasoning,
    ReasoningOptions,
    Rendered,
    Request,
    Role,
    Target,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    ToolChoice,
)
from gateway.providers.catalog import PROVIDERS
from gateway.providers.models import MODELS
from gateway.relaying.routing import Routing

R = "reasoning_effort"
HIGH = ("low", "medium", "high")
ALL = (*HIGH, "xhigh", "max")


@dataclass(frozen=True)
class Takes:
    """`thinking` types and `effort`s that a model takes; `off_to` the efforts that go with disabled."""

    thinking: tuple[str, ...]
    efforts: tuple[str, ...]
    off_to: tuple[str, ...] = ()


ON_A_BUDGET = Takes(("enabled", "disabled"), ())
BOTH = Takes(("adaptive", "enabled", "disabled"), (*HIGH, "max"), (*HIGH, "max"))
CAN_BE_OFF = Takes(("adaptive", "disabled"), ALL, ALL)
CAN_BE_OFF_TO_HIGH = Takes(("adaptive", "disabled"), ALL, HIGH)
ALWAYS_ON = Takes(("adaptive",), ALL)
CLAUDES = {
    "claude-haiku-4-5": ON_A_BUDGET,
    "claude-sonnet-4-5": ON_A_BUDGET,
    "claude-opus-4-5": Takes(("enabled", "disabled"), HIGH, HIGH),
    "claude-opus-4-6": BOTH,
    "claude-sonnet-4-6": BOTH,
    "claude-opus-4-7": CAN_BE_OFF,
    "claude-opus-4-8": CAN_BE_OFF,
    "claude-opus-5": CAN_BE_OFF_TO_HIGH,
    "claude-sonnet-5": CAN_BE_OFF_TO_HIGH,
    "claude-sonnet-5-5": ALWAYS_ON,
    "claude-haiku-5-5": CAN_BE_OFF_TO_HIGH,
    "claude-opus-5-5": ALWAYS_ON,
    "claude-fable-5-1": ALWAYS_ON,
    "claude-fable-5-2": ALWAYS_ON,
    "claude-mythos-5-2": ALWAYS_ON,
}
EFFORTS = (None, "none", "minimal", "low", "high", "xhigh", "max")
SWITCHES: tuple[dict[str, Any], ...] = (
    {},
    {"enabled": True},
    {"enabled": True, "show": True},
    {"enabled": True, "budget_tokens": 500},
    {"enabled": True, "budget_tokens": 2000},
    {"enabled": True, "budget_tokens": 50_000},
    {"enabled": False},
)
CHOICES = (None, ToolChoice("auto"), ToolChoice("none"), ToolChoice("required"), ToolChoice("named", ("look",)))
LIMITS = (None, 900, 1025, 4096)
CALL = ToolCall("c1", "look", "{}")
RESULT = Message(Role.TOOL, (ToolCallResponse("c1", (Text("4"),)),))
OWN = Reasoning("hm", {"anthropic": {"signature": "S"}})
HISTORIES = {
    "no calls": (),
    "own thinking": (Message(Role.ASSISTANT, (OWN, Text("Look."), CALL)), RESULT),
    "foreign calls": (Message(Role.ASSISTANT, (Reasoning("hm", {"gemini": {}}), Text("Look."), CALL)), RESULT),
    "foreign calls after its own": (
        Message(Role.ASSISTANT, (OWN, CALL)),
        RESULT,
        Message(Role.ASSISTANT, (Text("Look again."), ToolCall("c2", "look", "{}"))),
        Message(Role.TOOL, (ToolCallResponse("c2", (Text("5"),)),)),
    ),
}


# Both together only matter where a tool is forced, which is checked on its own below.
SCENES = (*((choice, "no calls") for choice in CHOICES), *((None, history) for history in HISTORIES))


def target_of(model: str) -> Target:
    return Routing(PROVIDERS).candidates(model)[0].target


def asked(
    effort: str | None, switch: dict[str, Any], choice: ToolChoice | None, limit: int | None, history: str
) -> Request:
    options = ReasoningOptions(effort=effort, **switch) if effort is not None or switch else None
    return Request(
        model="any",
        messages=(Message(Role.USER, (Text("Hi"),)), *HISTORIES[history]),
        tools=(Tool(name="look"),),
        tool_choice=choice,
        max_output_tokens=limit,
        reasoning=options,
    )


def complaint(body: dict[str, Any], takes: Takes) -> str | None:
    """What the API would say of this body, None where it takes it."""
    thinking = body.get("thinking")
    kind = thinking["type"] if thinking else None
    effort = body.get("output_config", {}).get("effort")
    if kind is not None and kind not in takes.thinking:
        return f"thinking.{kind}"
    if effort is not None and effort not in (takes.off_to if kind == "disabled" else takes.efforts):
        return f"effort {effort} with {kind}"
    if kind != "enabled":
        return None
    if not 1024 <= thinking["budget_tokens"] < body["max_tokens"]:
        return f"a budget of {thinking['budget_tokens']} in {body['max_tokens']}"
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "a forced tool with thinking"
    called = [turn for turn in body["messages"] if any(block["type"] == "tool_use" for block in turn["content"])]
    if called and called[-1]["content"][0]["type"] != "thinking":
        return "Expected `thinking`"
    return None


def test_the_table_holds_every_claude() -> None:
    assert set(CLAUDES) == {row.id for row in MODELS if row.provider == "anthropic"}


@pytest.mark.parametrize("model", CLAUDES)
def test_every_combination_becomes_a_legal_body_and_says_what_it_lost(model: str) -> None:
    target, takes = target_of(model), CLAUDES[model]
    for effort, switch, limit, (choice, history) in itertools.product(EFFORTS, SWITCHES, LIMITS, SCENES):
        case = (effort, switch, choice, limit, history)
        rendered = DIALECT.render_request(asked(*case), target)
        body = json.loads(rendered.body)
        assert complaint(body, takes) is None, (case, complaint(body, takes), body.get("thinking"))
        assert 0 < body["max_tokens"] <= (case[3] or target.max_output_tokens or 0)
        assert _told(rendered) == _loses(case, body, takes), (case, body, rendered)


def _told(rendered: Rendered) -> bool:
    """Whether a loss of thinking or effort is told, under whichever of the client's fields."""
    return any(name.startswith((R, "thinking")) for name in (*rendered.dropped, *rendered.adapted))


def _loses(case: tuple[Any, ...], body: dict[str, Any], takes: Takes) -> bool:
    """Whether the model is told other than it was asked."""
    effort, switch, _choice, _limit, _history = case
    if effort is None and not switch:
        return False
    thinking = body.get("thinking", {})
    said = body.get("output_config", {}).get("effort")
    if switch.get("enabled") is False or effort == "none":
        if "disabled" not in takes.thinking:
            return True
        return said != (None if effort == "none" or thinking.get("type") != "disabled" else effort)
    if thinking.get("type") == "enabled":
        budgets = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 24_576, "xhigh": 32_768, "max": 32_768}
        wanted = switch.get("budget_tokens", -1)
        return bool(thinking["budget_tokens"] != (wanted if wanted > 0 else budgets[effort or "medium"]))
    if thinking.get("type") != "adaptive":
        return True
    return bool(said != effort or (effort is None and switch.get("budget_tokens") is not None))


FORCED = (ToolChoice("required"), ToolChoice("named", ("look",)))


@pytest.mark.parametrize("model", CLAUDES)
@pytest.mark.parametrize("choice", FORCED, ids=["any", "tool"])
@pytest.mark.parametrize("history", HISTORIES)
def test_a_forced_tool_stays_and_thinking_gives_way(model: str, choice: ToolChoice, history: str) -> None:
    """mastra-ai/mastra#7507: the choice is what was meant, thinking is quality."""
    rendered = DIALECT.render_request(asked("high", {}, choice, None, history), target_of(model))
    body = json.loads(rendered.body)
    assert body["tool_choice"]["type"] == {"required": "any", "named": "tool"}[choice.mode]
    assert "thinking" not in body and R in rendered.dropped


def rendered_at(model: str, effort: str) -> Rendered:
    return DIALECT.render_request(asked(effort, {}, None, None, "no calls"), target_of(model))


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("claude-opus-4-6", "max", "max"),
        ("claude-opus-4-6", "xhigh", "high"),
        ("claude-opus-4-6", "minimal", "low"),
        ("claude-opus-4-7", "xhigh", "xhigh"),
        ("claude-opus-5-5", "none", "low"),
        ("claude-opus-5-5", "minimal", "low"),
        ("claude-sonnet-5-5", "max", "max"),
    ],
)
def test_an_effort_that_a_model_lacks_goes_down_the_ladder_or_to_its_lowest(
    model: str, effort: str, sent: str
) -> None:
    rendered = rendered_at(model, effort)
    assert json.loads(rendered.body)["output_config"] == {"effort": sent}
    assert rendered.adapted == ((R,) if sent != effort else ())
