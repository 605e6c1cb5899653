"""generationConfig: sampling, limits, thinking and output format, both ways.

Newer models are told to think by a level, the 2.5 family by a budget of tokens, and never by both. Which model takes
what is in the `Target`; the bounds of a budget are those that all of the family share. Source: google-genai's
GenerationConfig and ThinkingConfig.
"""

from typing import Any

from msgspec import Struct

from gateway.dialects.answer_schema import with_description
from gateway.dialects.effort import BUDGETS, from_budget, nearest
from gateway.dialects.gemini.schema import clean_schema, from_google_schema
from gateway.dialects.losses import Losses, thinking_feature
from gateway.model import ReasoningOptions, Request, ResponseFormat, Target

_MAX_STOPS = 5
_SAMPLING = {"temperature": "temperature", "top_p": "topP", "top_k": "topK"}
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
    """JSON, with or without a schema; other types stay in the pocket. A schema without a type means JSON."""
    schema = config.response_json_schema
    if schema is None and config.response_schema is not None:
        schema = from_google_schema(config.response_schema)
    if config.response_mime_type != JSON and (schema is None or config.response_mime_type is not None):
        return None
    return ResponseFormat(kind="json") if schema is None else ResponseFormat(kind="json_schema", schema=schema)


def render_config(request: Request, target: Target, losses: Losses) -> dict[str, Any]:
    """Raises Unsupported for what Gemini has no word for and what cannot be left out."""
    if request.logit_bias:
        losses.meet("logit_bias")
    config: dict[str, Any] = _sampling(request, losses)
    if request.max_output_tokens is not None:
        config["maxOutputTokens"] = request.max_output_tokens
    if (request.choice_count or 1) > 1 and losses.meet("n"):
        config["candidateCount"] = request.choice_count
    if request.stop and losses.meet("stop"):
        if len(request.stop) > _MAX_STOPS:
            losses.meet("stop_count", detail=_MAX_STOPS)
        config["stopSequences"] = list(request.stop)
    if request.logprobs and losses.meet("logprobs"):
        config["responseLogprobs"] = True
        if request.top_logprobs is not None:
            config["logprobs"] = request.top_logprobs
    config |= _format(request, losses)
    if thinking := _thinking(request.reasoning, target, losses):
        config["thinkingConfig"] = thinking
    return config


def _sampling(request: Request, losses: Losses) -> dict[str, Any]:
    said = losses.sampling(request)
    config: dict[str, Any] = {_SAMPLING[name]: value for name, value in said.items()}
    for name, field in (("frequency_penalty", "frequencyPenalty"), ("presence_penalty", "presencePenalty")):
        penalty = getattr(request, name)
        if penalty and losses.meet(name):
            config[field] = penalty
    if request.seed is not None and losses.meet("seed" if -_INT32 <= request.seed < _INT32 else "seed_size"):
        config["seed"] = request.seed
    return config


def _format(request: Request, losses: Losses) -> dict[str, Any]:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.schema is None:
        return {"responseMimeType": JSON}
    schema, lossy = clean_schema(with_description(wanted.schema, wanted.description))
    if lossy:
        losses.meet("schema_keywords")
    return {"responseMimeType": JSON, "responseJsonSchema": schema}


def _thinking(options: ReasoningOptions | None, target: Target, losses: Losses) -> dict[str, Any]:
    if options is None:
        return {}
    off = options.enabled is False or options.effort == "none" or options.budget_tokens == 0
    wanted = thinking_feature(options)
    said: dict[str, Any] = {}
    if wanted is None or losses.meet(wanted):
        if target.thinking == "level":
            said = _level("none" if off else options.effort, options.budget_tokens, target, losses)
        elif target.thinking == "budget":
            said = _no_budget(target) if off else _budget(options, losses)
    if options.show and not off and losses.meet("reasoning_show"):
        said["includeThoughts"] = True
    return said


def _level(effort: str | None, budget: int | None, target: Target, losses: Losses) -> dict[str, Any]:
    if effort is None and budget is not None:
        effort = from_budget(budget)
    if effort is None:
        return {}
    level = nearest(effort, target.efforts)
    if level != effort and effort != "none":
        losses.meet("effort_step")
    # No level means off; without a known lowest one the model's own default stands.
    return {} if level == "none" else {"thinkingLevel": level.upper()}


def _no_budget(target: Target) -> dict[str, Any]:
    """Some models cannot be told to stop thinking; they get the smallest budget."""
    able = "none" in target.efforts or not target.efforts
    return {"thinkingBudget": 0 if able else _MIN_BUDGET}


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
        losses.meet("budget_bounds")
    return {"thinkingBudget": fitting}
