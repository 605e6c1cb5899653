"""Responses requests: a client's body to the model, and the model to a provider's body.

A request from another dialect is rendered so that the provider keeps nothing and gives everything back: `store` is
false, and the reasoning's encrypted state is asked for, so that the next turn can bring it. Source: the SDK's
ResponseCreateParams.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.answer_schema import held_strictly
from gateway.dialects.client_json import decode_object, rest, shaped
from gateway.dialects.losses import DEFAULT_TIERS, Losses, own_fields
from gateway.dialects.openai_cache_marks import marked
from gateway.dialects.openai_responses.history import HistoryRenderer, parse_input
from gateway.dialects.openai_responses.options import (
    DEFAULTS,
    ENCRYPTED,
    KIN_FIELDS,
    LOGPROBS,
    TIERS,
    meet_foreign,
    parse_reasoning,
    parse_text,
    render_format,
    render_reasoning,
    render_sampling,
)
from gateway.dialects.openai_responses.tools import parse_all_tools, parse_choice, render_choice, render_tools
from gateway.dialects.openai_responses.wire import KIN, NAME, Wire, own, pocket
from gateway.dialects.openai_user import openai_user
from gateway.dialects.told_blocks import with_blocks_told
from gateway.dialects.tool_names import with_legal_names
from gateway.dialects.turns import require_pairs, require_question
from gateway.dialects.unknown_fields import unknown_fields
from gateway.errors import ClientError
from gateway.model import Message, Origin, Rendered, Request, Role, Target, Text

# Where the input may be left out, because the provider has it.
_INPUT_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
_INSTRUCTIONS = "instructions"


class _Body(Struct):
    model: str | None = None
    input: str | list[Wire] | None = None
    instructions: str | None = None
    tools: list[Wire] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    reasoning: dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    include: list[str] | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    stream: bool | None = None
    stream_options: Any = None
    user: str | None = None
    safety_identifier: str | None = None
    # Not the API's own, but chat's; clients send it for models that take it.
    stop: str | list[str] | None = None


def parse_request(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Request:
    """A client's request. Raises ClientError that names the field in the client's own path."""
    fields = decode_object(body)
    wire = shaped(fields, _Body)
    model = path_model or wire.model
    if not model:
        raise ClientError("`model` is missing: name the model to use.", param="model")
    messages, places, paths = _parse_messages(wire, fields)
    tools = parse_all_tools(wire.tools or (), wire.input or ())
    extra = rest(fields, _Body)
    reasoning, response_format = parse_reasoning(wire.reasoning, extra), parse_text(wire.text, extra)
    choice, is_hosted = parse_choice(wire.tool_choice)
    if is_hosted:
        extra["tool_choice"] = wire.tool_choice
    include = [name for name in wire.include or () if name != LOGPROBS]
    if include:
        extra["include"] = include
    if wire.safety_identifier is not None:
        extra["safety_identifier"] = wire.safety_identifier
    extra = {name: value for name, value in extra.items() if name not in DEFAULTS or value != DEFAULTS[name]}
    return Request(
        model=model,
        messages=tuple(messages),
        tools=tuple(tool for tool, _ in tools),
        tool_choice=choice,
        parallel_tool_calls=wire.parallel_tool_calls,
        max_output_tokens=wire.max_output_tokens,
        temperature=wire.temperature,
        top_p=wire.top_p,
        stop=(wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ()),
        logprobs=True if LOGPROBS in (wire.include or ()) else None,
        top_logprobs=wire.top_logprobs,
        reasoning=reasoning,
        response_format=response_format,
        stream=bool(wire.stream) if path_stream is None else path_stream,
        user=wire.user or wire.safety_identifier,
        metadata=wire.metadata,
        service_tier=wire.service_tier,
        # Always there: it tells a request of this dialect from others. Essential items have no field of their own.
        extra={NAME: {**extra, **{path: True for path in paths}}},
        origin=Origin(
            dialect=NAME,
            parts=places,
            tools=tuple(place for _, place in tools),
            unknown=unknown_fields(fields, NAME),
        ),
    )


def _parse_messages(
    wire: _Body, fields: Mapping[str, Any]
) -> tuple[list[Message], tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """The messages, the client's paths to their parts, and those of items that only OpenAI can place."""
    if wire.input is None and not any(fields.get(name) for name in _INPUT_ELSEWHERE):
        raise ClientError("`input` is missing: send a string or a list of items.", param="input")
    messages, places, paths = parse_input(wire.input or [])
    if wire.instructions:
        said = Message(Role.SYSTEM, (Text(wire.instructions),), extra=pocket({_INSTRUCTIONS: True}))
        messages, places = [said, *messages], ((_INSTRUCTIONS,), *places)
    return messages, places, paths


def render_request(request: Request, target: Target) -> Rendered:
    """The body for a provider. Raises Unsupported for what Responses or this model has no form for."""
    losses = Losses(request, NAME, target)
    request, names = with_legal_names(request, NAME, losses)
    request = with_blocks_told(request, NAME)
    said = own_fields(request, NAME, losses)
    meet_foreign(request, losses)
    request = marked(request, target, NAME)
    if losses.door not in ("", NAME):
        require_pairs(request.messages, losses)
    body: Wire = {"model": target.model}
    messages = request.messages
    if messages and own(messages[0].extra).get(_INSTRUCTIONS):
        body["instructions"] = "".join(part.text for part in messages[0].parts if isinstance(part, Text))
        messages = messages[1:]
    skipped = len(request.messages) - len(messages)
    body["input"] = HistoryRenderer(losses, skipped).render(messages)
    if losses.door not in ("", NAME):
        # OpenAI's own clients may end with an answer: it begins a new one.
        require_question(body["input"], losses)
    if request.tools and (tools := render_tools(request.tools, losses)):
        body["tools"] = tools
        if request.tool_choice is not None:
            body["tool_choice"] = render_choice(request.tool_choice, request.tools)
        if request.parallel_tool_calls is not None and losses.meet("single_calls"):
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.max_output_tokens is not None:
        body["max_output_tokens"] = request.max_output_tokens
    body |= render_sampling(request, losses)
    if reasoning := render_reasoning(request, target, losses):
        body["reasoning"] = reasoning
    wanted = request.response_format
    if text := render_format(held_strictly(wanted, losses.door) if wanted is not None else None):
        body["text"] = text
    if (request.logprobs is not None and request.top_logprobs is not None) or request.top_logprobs:
        body["top_logprobs"] = request.top_logprobs
    _render_identity(request, said, body, losses)
    _render_beside(request, target, said, body)
    if request.stream:
        body["stream"] = True
    return Rendered(body=msgspec.json.encode(body), dropped=losses.dropped, adapted=losses.adapted, tool_names=names)


def _render_identity(request: Request, said: Mapping[str, Any], body: Wire, losses: Losses) -> None:
    kin = request.extra.get(KIN, {})
    identified = request.user in (said.get("safety_identifier"), kin.get("safety_identifier"))
    if request.user is not None and not identified and losses.meet("user"):
        body["user"] = openai_user(request.user)
    if request.metadata is not None and losses.meet("metadata"):
        body["metadata"] = request.metadata
    if request.service_tier in TIERS and losses.meet("service_tier"):
        body["service_tier"] = request.service_tier
    elif request.service_tier not in (*TIERS, *DEFAULT_TIERS):
        losses.meet("foreign_tier")


def _render_beside(request: Request, target: Target, said: Mapping[str, Any], body: Wire) -> None:
    """The pocket's fields at their own paths, chat's that mean the same, and what a foreign request needs."""
    kin = request.extra.get(KIN, {})
    fields = {path: kin[name] for name, path in KIN_FIELDS.items() if name in kin}
    fields |= {name: value for name, value in said.items() if not name.startswith("input[")}
    include = list(fields.pop("include", ()))
    if NAME not in request.extra:
        fields["store"] = False
        if target.efforts or target.thinking:
            include.append(ENCRYPTED)
    if request.logprobs:
        include.append(LOGPROBS)
    if include:
        fields["include"] = include
    for path, value in fields.items():
        holder, _, name = path.rpartition(".")
        if holder:
            body.setdefault(holder, {})[name] = value
        else:
            body[name] = value
