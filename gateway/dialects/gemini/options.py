"""generationConfig: sampling, limits, thinking and output format, both ways.

Newer models are told to think by a level, the 2.5 family by a budget of tokens, and never by both. Which model takes
what is in the `Target`; the bounds of a budget are those that all of the family share. Source: google-genai's
GenerationConfig and ThinkingConfig.
"""

from typing import Any

from msgspec import Struct

from gateway.dialects.effort import BUDGETS, from_budget, nearest
from gateway.dialects.gemini.schema import clean_schema, from_google_schema
from gateway.dialects.losses import Losses
from gateway.errors import Unsupported
from gateway.model import ReasoningOptions, Request, ResponseFormat, Target

_MAX_STOPS = 5
_INT32 = 2**31
_MIN_BUDGET = 128
_MAX_BUDGET = 24_576
JSON = "application/json"


class WireThinking(Struct, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class WireConfig(Struct, rename="camel"):
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    thinking_config: WireThinking | None = None


def parse_reasoning(config: WireThinking | None) -> ReasoningOptions | None:
    if config is None:
        return None
    level = config.thinking_level.lower() if config.thinking_level else None
    return ReasoningOptions(
        enabled=False if config.thinking_budget == 0 else None,
        effort=None if level == "thinking_level_unspecified" else level,
        budget_tokens=config.thinking_budget,
        show=config.include_thoughts,
    )


def parse_format(config: WireConfig) -> ResponseFormat | None:
    """JSON, with or without a schema; other types stay in the pocket."""
    if config.response_mime_type != JSON:
        return None
    schema = config.response_json_schema
    if schema is None and config.response_schema is not None:
        schema = from_google_schema(config.response_schema)
    return ResponseFormat(kind="json") if schema is None else ResponseFormat(kind="json_schema", schema=schema)


def render_config(request: Request, target: Target, losses: Losses) -> dict[str, Any]:
    """Raises Unsupported for what Gemini has no word for and what cannot be left out."""
    if request.logit_bias:
        raise Unsupported("The model's provider has no 'logit_bias': leave it out.", param="logit_bias")
    config: dict[str, Any] = _sampling(request, target, losses)
    if request.max_output_tokens is not None:
        config["maxOutputTokens"] = request.max_output_tokens
    if (request.choice_count or 1) > 1:
        config["candidateCount"] = request.choice_count
    if request.stop:
        _check_stops(request, target)
        config["stopSequences"] = list(request.stop)
    if request.logprobs:
        config["responseLogprobs"] = True
        if request.top_logprobs is not None:
            config["logprobs"] = request.top_logprobs
    config |= _format(request, losses)
    if thinking := _thinking(request.reasoning, target, losses):
        config["thinkingConfig"] = thinking
    return config


def _check_stops(request: Request, target: Target) -> None:
    if not target.stop:
        raise Unsupported("The model takes no stop sequences: leave out 'stop'.", param="stop")
    if len(request.stop) > _MAX_STOPS:
        raise Unsupported(f"The model takes up to {_MAX_STOPS} stop sequences: send fewer.", param="stop")


def _sampling(request: Request, target: Target, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {}
    wanted = (
        ("temperature", "temperature", request.temperature, 1),
        ("top_p", "topP", request.top_p, 1),
        ("top_k", "topK", request.top_k, None),
    )
    for name, field, value, default in wanted:
        if value is None:
            continue
        if target.sampling == "none":
            if value != default:
                losses.drop(name)
        elif target.sampling == "temperature_or_top_p" and name == "top_p" and "temperature" in config:
            losses.drop(name)
        else:
            config[field] = value
    for name, field in (("frequency_penalty", "frequencyPenalty"), ("presence_penalty", "presencePenalty")):
        penalty = getattr(request, name)
        if penalty and target.penalties:
            config[field] = penalty
        elif penalty:
            losses.drop(name)
    if request.seed is not None:
        if -_INT32 <= request.seed < _INT32:
            config["seed"] = request.seed
        else:
            losses.drop("seed")
    return config


def _format(request: Request, losses: Losses) -> dict[str, Any]:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.schema is None:
        return {"responseMimeType": JSON}
    schema, lossy = clean_schema(wanted.schema)
    if lossy:
        losses.adapt("response_format")
    return {"responseMimeType": JSON, "responseJsonSchema": schema}


def _thinking(options: ReasoningOptions | None, target: Target, losses: Losses) -> dict[str, Any]:
    if options is None:
        return {}
    off = options.enabled is False or options.effort == "none" or options.budget_tokens == 0
    match target.thinking:
        case "level":
            said = _level("none" if off else options.effort, options.budget_tokens, target, losses)
        case "budget":
            said = _no_budget(target, losses) if off else _budget(options, losses)
        case _:
            if not off:
                losses.drop("reasoning_effort")
            return {}
    if options.show and not off:
        said["includeThoughts"] = True
    return said


def _level(effort: str | None, budget: int | None, target: Target, losses: Losses) -> dict[str, Any]:
    if effort is None and budget is not None:
        effort = from_budget(budget)
        losses.adapt("reasoning_effort")
    if effort is None:
        return {}
    level = nearest(effort, target.efforts)
    if level != effort:
        losses.adapt("reasoning_effort")
    if level == "none":
        # No level means off; without a known lowest one the model's own default stands.
        losses.adapt("reasoning_effort")
        return {}
    return {"thinkingLevel": level.upper()}


def _no_budget(target: Target, losses: Losses) -> dict[str, Any]:
    """Some models cannot be told to stop thinking; they get the smallest budget."""
    if "none" in target.efforts or not target.efforts:
        return {"thinkingBudget": 0}
    losses.adapt("reasoning_effort")
    return {"thinkingBudget": _MIN_BUDGET}


def _budget(options: ReasoningOptions, losses: Losses) -> dict[str, Any]:
    budget = options.budget_tokens
    if budget is None:
        if options.effort is None:
            return {}
        budget = BUDGETS.get(options.effort, BUDGETS["medium"])
    if budget < 0:
        return {"thinkingBudget": -1}
    fitting = min(max(budget, _MIN_BUDGET), _MAX_BUDGET)
    if fitting != budget:
        losses.adapt("reasoning_effort")
    return {"thinkingBudget": fitting}
