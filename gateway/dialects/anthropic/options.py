"""Sampling, thinking, effort and output format: what each model takes of them, and what becomes of the rest.

Which API version is needed follows from the body: 2026-10-21 refuses temperature, top_p and top_k even at their
defaults, so that the older version is named exactly where one of them is carried. Source: the SDK's types and
warnings; which model takes what is in the `Target`.
"""

from typing import Any

from msgspec import Struct

from gateway.dialects.answer_schema import with_description
from gateway.dialects.anthropic.schema import strict_schema
from gateway.dialects.effort import BUDGETS, from_budget, nearest
from gateway.dialects.losses import DEFAULT_TIERS, Losses, thinking_feature
from gateway.model import ReasoningOptions, Request, Target

VERSION = "2026-10-21"
SAMPLING_VERSION = "2023-06-01"
SAMPLING = ("temperature", "top_p", "top_k")
_DEFAULT_MAX_TOKENS = 32_000
_MIN_BUDGET = 1024
# The efforts that go with thinking switched off.
_WITHOUT_THINKING = ("low", "medium", "high")
# Room for the answer behind a thinking budget where the client set no limit.
_ANSWER_ROOM = 8192
JSON_INSTRUCTION = "Answer with a single valid JSON object and nothing else."


class WireThinking(Struct):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class Thinking(Struct, frozen=True, kw_only=True):
    """What is sent: the `thinking` field, the effort, and the output limit that leaves room for both."""

    field: dict[str, Any] | None = None
    effort: str | None = None
    max_tokens: int

    @property
    def manual(self) -> bool:
        return self.field is not None and self.field["type"] == "enabled"

    @property
    def on(self) -> bool:
        return self.field is not None and self.field["type"] != "disabled"


def parse_reasoning(thinking: WireThinking | None, effort: str | None) -> ReasoningOptions | None:
    if thinking is None:
        return None if effort is None else ReasoningOptions(effort=effort)
    return ReasoningOptions(
        enabled=thinking.type != "disabled",
        effort=effort,
        budget_tokens=thinking.budget_tokens,
        show=None if thinking.display is None else thinking.display != "omitted",
    )


def meet_foreign(request: Request, losses: Losses) -> None:
    """What Anthropic has no word for. Raises Unsupported."""
    if (request.choice_count or 1) > 1:
        losses.meet("n")
    if request.logit_bias:
        losses.meet("logit_bias")
    if request.logprobs or request.top_logprobs:
        losses.meet("logprobs", field=losses.field("logprobs", 0 if request.logprobs else -1))
    if request.seed is not None:
        losses.meet("seed")
    for name in ("frequency_penalty", "presence_penalty"):
        if getattr(request, name):
            losses.meet(name)
    if request.metadata:
        losses.meet("metadata")
    if request.service_tier not in DEFAULT_TIERS:
        losses.meet("service_tier")


def render_sampling(request: Request, thinking: Thinking, losses: Losses) -> dict[str, Any]:
    """temperature, top_p and top_k as far as the model takes them; defaults vanish, the rest is named."""
    said = losses.sampling(request, defaults=False)
    if said and thinking.on:
        # While it thinks, on a budget or adaptively, a model takes no sampling but its defaults.
        carried = [losses.meet("sampling_while_thinking", field=losses.field(name)) for name in said]
        said = said if all(carried) else {}
    if said.get("temperature", 0) > 1 and losses.meet("temperature_above_1"):
        said["temperature"] = 1.0
    return said


def render_thinking(request: Request, target: Target, forced: bool, open_loop: bool, losses: Losses) -> Thinking:
    """Thinking as the model is told to. `forced`: a tool call is demanded; `open_loop`: the turn that called tools
    came without its signed thinking, which a thinking budget would demand."""
    limit = request.max_output_tokens
    room = Thinking(max_tokens=_default_limit(target) if limit is None else limit)
    options = request.reasoning
    if options is None:
        return room
    if options.show and not _is_off(options):
        losses.meet("reasoning_show")
    wanted = thinking_feature(options)
    if (wanted is not None and not losses.meet(wanted)) or not target.thinking:
        return room
    if _is_off(options):
        return _off(options, target, room, losses)
    match target.thinking:
        case "budget":
            found = _budget(options, target, limit, losses)
        case _:
            found = _adaptive(options, target, room, losses)
    if found.field is not None and (forced or (open_loop and found.manual)):
        losses.meet("thinking_room")
        return Thinking(effort=found.effort, max_tokens=room.max_tokens)
    return found


def _default_limit(target: Target) -> int:
    return min(target.max_output_tokens or _DEFAULT_MAX_TOKENS, _DEFAULT_MAX_TOKENS)


def _is_off(options: ReasoningOptions) -> bool:
    return options.enabled is False or options.effort == "none" or options.budget_tokens == 0


def _off(options: ReasoningOptions, target: Target, room: Thinking, losses: Losses) -> Thinking:
    """Models on a budget think only when told; of the others, those that take "none" can be told not to. Effort is
    about the answer too, and above high it is refused without thinking."""
    if target.thinking == "budget":
        return room
    if "none" in target.efforts:
        asked = options.effort if options.effort != "none" else None
        effort = asked and nearest(asked, tuple(step for step in target.efforts if step in _WITHOUT_THINKING))
        if effort != asked:
            losses.meet("effort_step")
        return Thinking(field={"type": "disabled"}, effort=effort, max_tokens=room.max_tokens)
    lowest = nearest("none", target.efforts)
    return Thinking(effort=lowest if lowest in target.efforts else None, max_tokens=room.max_tokens)


def _effort(options: ReasoningOptions, target: Target, losses: Losses) -> str | None:
    asked = options.effort
    if asked is None and options.budget_tokens is not None:
        asked = from_budget(options.budget_tokens)
    if asked is None or not target.efforts:
        return None
    found = nearest(asked, target.efforts)
    if found != asked:
        losses.meet("effort_step")
    return found


def _display(options: ReasoningOptions) -> dict[str, str]:
    return {} if options.show is None else {"display": "summarized" if options.show else "omitted"}


def _adaptive(options: ReasoningOptions, target: Target, room: Thinking, losses: Losses) -> Thinking:
    effort = _effort(options, target, losses)
    return Thinking(field={"type": "adaptive", **_display(options)}, effort=effort, max_tokens=room.max_tokens)


def _budget(options: ReasoningOptions, target: Target, limit: int | None, losses: Losses) -> Thinking:
    """A budget is at least 1024 and below max_tokens; without room for that there is no thinking."""
    said = options.budget_tokens if options.budget_tokens is not None and options.budget_tokens > 0 else None
    budget = said or BUDGETS.get(options.effort or "medium", BUDGETS["medium"])
    # A budget made from an effort leaves half for the answer; one that the client chose is its own affair.
    if limit is None:
        wanted = max(_DEFAULT_MAX_TOKENS, budget + _ANSWER_ROOM)
        limit = min(wanted, target.max_output_tokens or wanted)
        ceiling = max(limit - _ANSWER_ROOM, limit // 2)
    else:
        ceiling = limit - 1 if said else limit // 2
    if limit <= _MIN_BUDGET:
        losses.meet("thinking_room")
        return Thinking(max_tokens=limit)
    fitting = max(_MIN_BUDGET, min(budget, ceiling))
    if fitting != budget:
        losses.meet("budget_bounds")
    return Thinking(field={"type": "enabled", "budget_tokens": fitting, **_display(options)}, max_tokens=limit)


def render_format(request: Request, losses: Losses) -> tuple[dict[str, Any] | None, str | None]:
    """`output_config.format`, and an instruction where only words can ask for JSON."""
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return None, None
    if wanted.kind != "json_schema" or wanted.schema is None:
        return None, JSON_INSTRUCTION if losses.meet("json_object") else None
    schema, lossy = strict_schema(with_description(wanted.schema, wanted.description))
    if lossy:
        losses.meet("schema_keywords")
    return {"type": "json_schema", "schema": schema}, None
