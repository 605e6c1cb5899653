"""Chat requests: a client's body to the model, and the model to a provider's body.

Every documented field that the model has goes there; every other one goes to the side pocket, and those of them whose
loss would change the answer's meaning are named in `essential`. A value that equals the API's default is not kept.
Rendering honours the target's row: the name of the token limit, the reasoning efforts, sampling, stop, penalties.
"""

from typing import Any

from gateway.dialects.answer_schema import held_strictly
from gateway.dialects.effort import LADDER, from_budget, nearest
from gateway.dialects.losses import Losses, own_fields, thinking_feature
from gateway.dialects.openai_cache_marks import marked
from gateway.dialects.openai_chat.fields import Fields
from gateway.dialects.openai_chat.messages import MessageRenderer, message_places, parse_messages
from gateway.dialects.openai_chat.tools import (
    parse_tool_choice,
    parse_tools,
    render_tool_choice,
    render_tools,
    tool_places,
)
from gateway.dialects.openai_chat.wire import ENCODER, KIN, NAME, decode_json, pocket
from gateway.dialects.openai_user import openai_user
from gateway.dialects.told_blocks import with_blocks_told
from gateway.dialects.tool_names import with_legal_names
from gateway.dialects.turns import require_pairs, require_question
from gateway.dialects.unknown_fields import unknown_fields
from gateway.errors import ClientError
from gateway.model import Origin, ReasoningOptions, Rendered, Request, ResponseFormat, Target

_DEFAULTS: dict[str, Any] = {"store": False, "deferred": False, "verbosity": "medium", "modalities": ["text"]}
# What a request says in chat's own words → its row.
_PLAIN = {
    "seed": "seed",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "metadata": "metadata",
    "service_tier": "service_tier",
    "logit_bias": "logit_bias",
}
_KIN_FIELDS = {
    "prompt_cache_key": "prompt_cache_key",
    "prompt_cache_options": "prompt_cache_options",
    "prompt_cache_retention": "prompt_cache_retention",
    "safety_identifier": "safety_identifier",
    "text.verbosity": "verbosity",
}
_MOST_STOPS = 4


def parse_request(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Request:
    """The body of a chat completion request. Raises ClientError that names the field in the client's own path."""
    try:
        value = decode_json(body)
    except ValueError as error:
        raise ClientError(f"The request body is not valid JSON: {error}.") from error
    fields = Fields(value)
    model = fields.take_str("model") if path_model else fields.need_str("model")
    said = fields.take_list("messages") or []
    messages = parse_messages(said)
    legacy = fields.rest().get("tools") is None and bool(fields.rest().get("functions"))
    tools = parse_tools(fields)
    tool_choice = parse_tool_choice(fields, bool(tools))
    parallel = fields.take_bool("parallel_tool_calls")
    limit, old_limit = fields.take_int("max_completion_tokens", 1), fields.take_int("max_tokens", 1)
    stream = fields.take_bool("stream") or False
    fields.take_fields("stream_options")
    # The identifier is left in the pocket: it goes back under its own name.
    user = fields.take_str("user") or fields.see_str("safety_identifier")
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
        origin=Origin(
            dialect=NAME,
            parts=message_places(said, messages),
            tools=tool_places(tools, legacy),
            unknown=unknown_fields(value, NAME),
        ),
        **_parse_rest(fields),
    )


def _parse_rest(fields: Fields) -> dict[str, Any]:
    rest = {key: value for key, value in fields.rest().items() if key not in _DEFAULTS or value != _DEFAULTS[key]}
    return {"extra": pocket(rest)}


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
    if effort not in LADDER:
        known = ", ".join(LADDER)
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
    losses = Losses(request, NAME, target)
    request, names = with_legal_names(request, NAME, losses)
    request = with_blocks_told(request, NAME)
    beside = dict(own_fields(request, NAME, losses)) | _from_kin(request)
    request = marked(request, target, NAME)
    if losses.door not in ("", NAME):
        require_pairs(request.messages, losses)
    messages = MessageRenderer(target, losses).render(request.messages)
    if losses.door not in ("", NAME):
        # Chat's own clients may end with an answer: their provider begins a new one.
        require_question(messages, losses)
    body: dict[str, Any] = {"model": target.model, "messages": messages}
    _render_tools(request, body, losses)
    if request.max_output_tokens is not None:
        body[target.max_tokens_field] = request.max_output_tokens
    _render_sampling(request, body, losses)
    _render_stop(request, body, losses)
    _render_reasoning(request, target, body, losses)
    if request.response_format is not None:
        body["response_format"] = _render_format(held_strictly(request.response_format, losses.door))
    if request.user is not None and request.user != beside.get("safety_identifier") and losses.meet("user"):
        body["user"] = openai_user(request.user)
    plain = {name: value for name in _PLAIN if (value := getattr(request, name)) is not None}
    body |= {name: value for name, value in plain.items() if losses.meet(_PLAIN[name])}
    if request.choice_count not in (None, 1) and losses.meet("n"):
        body["n"] = request.choice_count
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Rendered(
        body=ENCODER.encode(body | beside), dropped=losses.dropped, adapted=losses.adapted, tool_names=names
    )


def _from_kin(request: Request) -> dict[str, Any]:
    """What a Responses client said in words that chat has too."""
    kin = request.extra.get(KIN, {})
    return {name: kin[path] for path, name in _KIN_FIELDS.items() if path in kin}


def _render_tools(request: Request, body: dict[str, Any], losses: Losses) -> None:
    tools = render_tools(request.tools, losses)
    if not tools:
        return
    body["tools"] = tools
    if request.tool_choice is not None:
        body["tool_choice"] = render_tool_choice(request.tool_choice, request.tools)
    if request.parallel_tool_calls is not None and losses.meet("single_calls"):
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _render_sampling(request: Request, body: dict[str, Any], losses: Losses) -> None:
    body |= {name: value for name, value in losses.sampling(request).items() if name != "top_k"}
    for name in ("frequency_penalty", "presence_penalty"):
        value = getattr(request, name)
        if value and losses.meet(name):
            body[name] = value


def _render_stop(request: Request, body: dict[str, Any], losses: Losses) -> None:
    if not request.stop or not losses.meet("stop"):
        return
    if len(request.stop) > _MOST_STOPS:
        losses.meet("stop_count", detail=_MOST_STOPS)
    body["stop"] = list(request.stop)


def _render_reasoning(request: Request, target: Target, body: dict[str, Any], losses: Losses) -> None:
    options = request.reasoning
    if options is None:
        return
    wanted = _wanted_effort(options)
    feature = thinking_feature(options)
    if (feature is None or losses.meet(feature)) and wanted is not None and target.efforts:
        body["reasoning_effort"] = nearest(wanted, target.efforts)
        if body["reasoning_effort"] != wanted != "none":
            losses.meet("effort_step")
    if options.show and wanted != "none":
        losses.meet("reasoning_show")


def _wanted_effort(reasoning: ReasoningOptions) -> str | None:
    if reasoning.enabled is False:
        return "none"
    if reasoning.effort is None and reasoning.budget_tokens is not None:
        return from_budget(reasoning.budget_tokens)
    return reasoning.effort


def _render_format(asked: ResponseFormat) -> dict[str, Any]:
    if asked.kind != "json_schema":
        return {"type": "json_object" if asked.kind == "json" else "text"}
    schema: dict[str, Any] = {"name": asked.name or "response"}
    for name in ("description", "schema", "strict"):
        if (value := getattr(asked, name)) is not None:
            schema[name] = value
    return {"type": "json_schema", "json_schema": schema}
