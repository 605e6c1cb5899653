"""What a request says beside its input and tools: reasoning, text format, what is essential, sampling.

Fields that the model has no word for are kept in the pocket under their own paths ("text.verbosity"), so that a
dropped one is named as the client wrote it. A value that is the API's default is not kept.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.dialects.client_json import shaped
from gateway.dialects.effort import from_budget, nearest
from gateway.dialects.losses import Losses, thinking_feature
from gateway.dialects.openai_responses.wire import Wire
from gateway.errors import ClientError
from gateway.model import ReasoningOptions, Request, ResponseFormat, Target

LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"
DEFAULTS: Mapping[str, Any] = {
    "background": False,
    "context_management": [],
    "truncation": "disabled",
    "reasoning.context": "auto",
    "reasoning.mode": "standard",
    "text.verbosity": "medium",
}
# Chat's fields that Responses has too → their path here.
KIN_FIELDS = {
    "prompt_cache_key": "prompt_cache_key",
    "prompt_cache_options": "prompt_cache_options",
    "prompt_cache_retention": "prompt_cache_retention",
    "safety_identifier": "safety_identifier",
    "verbosity": "text.verbosity",
}
TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class _Schema(Struct):
    schema: dict[str, Any]
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


def parse_reasoning(value: Mapping[str, Any] | None, pocket: Wire) -> ReasoningOptions | None:
    """The options; the rest goes to the pocket. Raises ClientError."""
    if not value:
        return None
    fields = {key: item for key, item in value.items() if item is not None}
    effort = fields.pop("effort", None)
    if effort is not None and effort not in _EFFORTS:
        raise ClientError(f"reasoning.effort: use one of {', '.join(_EFFORTS)}.", param="reasoning.effort")
    summary = fields.pop("summary", None) or fields.pop("generate_summary", None)
    if summary not in (None, "auto"):
        pocket["reasoning.summary"] = summary
    pocket.update({f"reasoning.{key}": item for key, item in fields.items()})
    if effort is None and summary is None:
        return None
    return ReasoningOptions(effort=effort, show=True if summary else None)


def parse_text(value: Mapping[str, Any] | None, pocket: Wire) -> ResponseFormat | None:
    """`text.format`; the rest goes to the pocket. Raises ClientError."""
    if not value:
        return None
    pocket.update({f"text.{key}": item for key, item in value.items() if key != "format" and item is not None})
    asked = value.get("format")
    if asked is None:
        return None
    fields = shaped(asked, dict[str, Any], "text.format")
    match fields.get("type"):
        case "text":
            return ResponseFormat(kind="text")
        case "json_object":
            return ResponseFormat(kind="json")
        case "json_schema":
            schema = shaped(fields, _Schema, "text.format")
            return ResponseFormat(
                kind="json_schema",
                schema=schema.schema,
                name=schema.name,
                description=schema.description,
                strict=schema.strict,
            )
    raise ClientError("text.format.type: use text, json_object or json_schema.", param="text.format.type")


def meet_foreign(request: Request, losses: Losses) -> None:
    """What Responses has no word for. Raises Unsupported."""
    if request.stop:
        losses.meet("stop")
    if (request.choice_count or 1) > 1:
        losses.meet("n")
    if request.logit_bias:
        losses.meet("logit_bias")
    if request.seed is not None:
        losses.meet("seed")
    for name in ("frequency_penalty", "presence_penalty"):
        if getattr(request, name):
            losses.meet(name)


def render_sampling(request: Request, losses: Losses) -> Wire:
    """temperature and top_p as far as the model takes them; defaults vanish, the rest is named."""
    return {name: value for name, value in losses.sampling(request).items() if name != "top_k"}


def render_reasoning(request: Request, target: Target, losses: Losses) -> Wire:
    """`reasoning`, empty where there is nothing to say."""
    options = request.reasoning
    if options is None:
        return {}
    effort = options.effort
    if options.enabled is False:
        effort = "none"
    elif effort is None and options.budget_tokens is not None:
        effort = from_budget(options.budget_tokens)
    wanted = thinking_feature(options)
    said: Wire = {}
    if (wanted is None or losses.meet(wanted)) and effort is not None and target.efforts:
        said["effort"] = nearest(effort, target.efforts)
        if said["effort"] != effort != "none":
            losses.meet("effort_step")
    if options.show and effort != "none" and losses.meet("reasoning_show"):
        said["summary"] = "auto"
    return said


def render_format(wanted: ResponseFormat | None) -> Wire:
    """`text`, empty where there is nothing to say."""
    if wanted is None:
        return {}
    if wanted.kind != "json_schema":
        return {"format": {"type": "json_object" if wanted.kind == "json" else "text"}}
    schema: Wire = {"type": "json_schema", "name": wanted.name or "response", "schema": wanted.schema or {}}
    for name in ("description", "strict"):
        if (value := getattr(wanted, name)) is not None:
            schema[name] = value
    return {"format": schema}
