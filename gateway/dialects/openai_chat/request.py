"""Chat requests: a client's body to the model, and the model to a provider's body.

Every documented field that the model has goes there; every other one goes to the side pocket, and those of them whose
loss would change the answer's meaning are named in `essential`. A value that equals the API's default is not kept.
Rendering honours the target's row: the name of the token limit, the reasoning efforts, sampling, stop, penalties.
"""

from typing import Any

from gateway.dialects.openai_chat.fields import Fields
from gateway.dialects.openai_chat.messages import MessageRenderer, parse_messages
from gateway.dialects.openai_chat.tools import parse_tool_choice, parse_tools, render_tool_choice, render_tools
from gateway.dialects.openai_chat.wire import ENCODER, NAME, decode_json, own, pocket
from gateway.errors import ClientError, Unsupported
from gateway.model import ReasoningOptions, Rendered, Request, ResponseFormat, Target

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_ESSENTIAL = ("audio", "deferred", "modalities", "moderation", "search_parameters", "web_search_options")
_DEFAULTS: dict[str, Any] = {"store": False, "deferred": False, "verbosity": "medium", "modalities": ["text"]}
_BUDGET_STEPS = ((4096, "low"), (16384, "medium"), (32768, "high"))
_MOST_STOPS = 4


def parse_request(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Request:
    """The body of a chat completion request. Raises ClientError that names the field in the client's own path."""
    try:
        fields = Fields(decode_json(body))
    except ValueError as error:
        raise ClientError(f"The request body is not valid JSON: {error}.") from error
    model = fields.take_str("model") if path_model else fields.need_str("model")
    messages = parse_messages(fields.take_list("messages"))
    legacy = fields.rest().get("tools") is None and bool(fields.rest().get("functions"))
    tools = parse_tools(fields)
    tool_choice = parse_tool_choice(fields, bool(tools))
    parallel = fields.take_bool("parallel_tool_calls")
    limit, old_limit = fields.take_int("max_completion_tokens", 1), fields.take_int("max_tokens", 1)
    stream = fields.take_bool("stream") or False
    fields.take_fields("stream_options")
    user = fields.take_str("user") or _string_at(fields, "safety_identifier")
    return Request(
        model=path_model or model or "",
        messages=messages,
        tools=tools,
        tool_choice=tool_choice,
        # The deprecated form has room for one call only.
        parallel_tool_calls=False if legacy else parallel,
        max_output_tokens=old_limit if limit is None else limit,
        temperature=fields.take_number("temperature"),
        top_p=fields.take_number("top_p"),
        stop=_parse_stop(fields),
        seed=fields.take_int("seed"),
        choice_count=fields.take_int("n", 1),
        frequency_penalty=fields.take_number("frequency_penalty"),
        presence_penalty=fields.take_number("presence_penalty"),
        logit_bias=fields.take_object("logit_bias"),
        logprobs=fields.take_bool("logprobs"),
        top_logprobs=fields.take_int("top_logprobs", 0),
        reasoning=_parse_reasoning(fields),
        response_format=_parse_format(fields),
        stream=stream if path_stream is None else path_stream,
        user=user,
        metadata=fields.take_object("metadata"),
        service_tier=fields.take_str("service_tier"),
        **_parse_rest(fields),
    )


def _string_at(fields: Fields, key: str) -> str | None:
    # Read, but left in the pocket: it goes back under its own name.
    value = Fields(dict(fields.rest())).take_str(key)
    return value


def _parse_rest(fields: Fields) -> dict[str, Any]:
    rest = {key: value for key, value in fields.rest().items() if key not in _DEFAULTS or value != _DEFAULTS[key]}
    return {"extra": pocket(rest), "essential": tuple(name for name in _ESSENTIAL if name in rest)}


def _parse_stop(fields: Fields) -> tuple[str, ...]:
    stop = fields.take("stop")
    if stop is None:
        return ()
    values = stop if isinstance(stop, list) else [stop]
    if not all(isinstance(value, str) for value in values):
        raise ClientError("`stop` must be a string or an array of strings.", param="stop")
    return tuple(values)


def _parse_reasoning(fields: Fields) -> ReasoningOptions | None:
    effort = fields.take_str("reasoning_effort")
    if effort is None:
        return None
    if effort not in EFFORTS:
        known = ", ".join(EFFORTS)
        raise ClientError(f"`reasoning_effort` is {effort!r}, but must be one of {known}.", param="reasoning_effort")
    return ReasoningOptions(effort=effort)


def _parse_format(fields: Fields) -> ResponseFormat | None:
    asked = fields.take_fields("response_format")
    if asked is None:
        return None
    kind = asked.need_str("type")
    if kind == "text":
        return ResponseFormat(kind="text")
    if kind == "json_object":
        return ResponseFormat(kind="json")
    if kind != "json_schema":
        known = "text, json_object, json_schema"
        raise ClientError(f"`{asked.at('type')}` is {kind!r}, but must be one of {known}.", param=asked.at("type"))
    schema = asked.need_fields("json_schema")
    return ResponseFormat(
        kind="json_schema",
        schema=schema.take_object("schema"),
        name=schema.take_str("name"),
        description=schema.take_str("description"),
        strict=schema.take_bool("strict"),
    )


def render_request(request: Request, target: Target) -> Rendered:
    """The body for a chat provider. Raises Unsupported for what chat or this model has no form for."""
    beside = dict(own(request.extra))
    for name in request.essential:
        if name not in beside:
            raise Unsupported(f"`{name}` cannot be carried to this model: leave it out.", param=name)
    messages = MessageRenderer(target)
    body: dict[str, Any] = {"model": target.model, "messages": messages.render(request.messages)}
    dropped, adapted = messages.dropped, messages.adapted
    _render_tools(request, body)
    if request.max_output_tokens is not None:
        body[target.max_tokens_field] = request.max_output_tokens
    _render_sampling(request, target, body, dropped)
    _render_stop(request, target, body)
    _render_reasoning(request, target, body, dropped, adapted)
    if request.response_format is not None:
        body["response_format"] = _render_format(request.response_format)
    if request.user is not None and request.user != beside.get("safety_identifier"):
        body["user"] = request.user
    plain = ("seed", "logprobs", "top_logprobs", "metadata", "service_tier", "logit_bias")
    body |= {name: value for name in plain if (value := getattr(request, name)) is not None}
    if request.choice_count not in (None, 1):
        body["n"] = request.choice_count
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    dropped += [key for name, values in request.extra.items() if name != NAME for key in values]
    return Rendered(body=ENCODER.encode(body | beside), dropped=_unique(dropped), adapted=_unique(adapted))


def _unique(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _render_tools(request: Request, body: dict[str, Any]) -> None:
    if not request.tools:
        return
    body["tools"] = render_tools(request.tools)
    if request.tool_choice is not None:
        body["tool_choice"] = render_tool_choice(request.tool_choice, request.tools)
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _render_sampling(request: Request, target: Target, body: dict[str, Any], dropped: list[str]) -> None:
    taken = {"temperature": target.sampling != "none", "top_p": target.sampling != "none"}
    if target.sampling == "temperature_or_top_p" and request.temperature is not None:
        taken["top_p"] = False
    for name, default in (("temperature", 1), ("top_p", 1), ("frequency_penalty", 0), ("presence_penalty", 0)):
        value = getattr(request, name)
        if value is None:
            continue
        if taken.get(name, target.penalties):
            body[name] = value
        elif value != default:
            dropped.append(name)
    if request.top_k is not None:
        dropped.append("top_k")


def _render_stop(request: Request, target: Target, body: dict[str, Any]) -> None:
    if not request.stop:
        return
    if not target.stop:
        raise Unsupported(f"The model {target.model} takes no stop sequences: leave `stop` out.", param="stop")
    if len(request.stop) > _MOST_STOPS:
        raise Unsupported(f"This model's API takes at most {_MOST_STOPS} stop sequences.", param="stop")
    body["stop"] = list(request.stop)


def _render_reasoning(
    request: Request, target: Target, body: dict[str, Any], dropped: list[str], adapted: list[str]
) -> None:
    wanted = _wanted_effort(request.reasoning)
    if wanted is None:
        return
    if not target.efforts:
        if wanted != "none":
            dropped.append("reasoning_effort")
        return
    effort = nearest_effort(wanted, target.efforts)
    body["reasoning_effort"] = effort
    if effort != wanted or (request.reasoning is not None and request.reasoning.effort is None and wanted != "none"):
        adapted.append("reasoning_effort")


def _wanted_effort(reasoning: ReasoningOptions | None) -> str | None:
    if reasoning is None:
        return None
    if reasoning.enabled is False:
        return "none"
    if reasoning.effort is not None:
        return reasoning.effort
    budget = reasoning.budget_tokens
    if budget is None or budget < 0:
        return None
    if budget == 0:
        return "none"
    return next((effort for most, effort in _BUDGET_STEPS if budget <= most), "xhigh")


def nearest_effort(wanted: str, allowed: tuple[str, ...]) -> str:
    """The allowed effort nearest below or at the wanted one; the lowest allowed where all are above."""
    ladder = [effort for effort in EFFORTS if effort in allowed]
    below = [effort for effort in ladder if EFFORTS.index(effort) <= EFFORTS.index(wanted)]
    # "none" turns thinking off: only who asks for that gets it.
    if wanted != "none":
        below = [effort for effort in below if effort != "none"]
        ladder = [effort for effort in ladder if effort != "none"] or ladder
    return below[-1] if below else ladder[0]


def _render_format(asked: ResponseFormat) -> dict[str, Any]:
    if asked.kind != "json_schema":
        return {"type": "json_object" if asked.kind == "json" else "text"}
    schema: dict[str, Any] = {"name": asked.name or "response"}
    for name in ("description", "schema", "strict"):
        if (value := getattr(asked, name)) is not None:
            schema[name] = value
    return {"type": "json_schema", "json_schema": schema}
