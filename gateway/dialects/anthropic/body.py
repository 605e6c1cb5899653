"""Requests and whole answers between Anthropic's JSON and the neutral model; no state.

What the neutral model has no word for stays in the `anthropic` pockets and is put back verbatim. Rendering a request
first merges the turns, then decides the options, because thinking depends on both. Source: the SDK's
MessageCreateParams and Message.
"""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.anthropic.blank_text import with_blanks_joined
from gateway.dialects.anthropic.blocks import ANSWER_PREFIX, NAME, Block, parse_blocks, pocket, restore_state
from gateway.dialects.anthropic.cache_marks import limit_marks, marked
from gateway.dialects.anthropic.errors import error_in_answer
from gateway.dialects.anthropic.finish import explanation, finish_extra, parse_reason, render_ending
from gateway.dialects.anthropic.options import (
    SAMPLING,
    SAMPLING_VERSION,
    VERSION,
    WireThinking,
    meet_foreign,
    parse_reasoning,
    render_format,
    render_sampling,
    render_thinking,
)
from gateway.dialects.anthropic.parts import answer_content, is_sendable, request_block
from gateway.dialects.anthropic.tools import WireToolChoice, parse_choice, parse_tools, render_tools, tool_places
from gateway.dialects.anthropic.usage import parse_usage, read_usage, render_usage
from gateway.dialects.client_json import decode_object, misshapen, rest, shaped
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.json_text import decode_json
from gateway.dialects.losses import Losses, own_fields
from gateway.dialects.places import Placed, content_places, realigned, results_first
from gateway.dialects.told_blocks import with_blocks_told
from gateway.dialects.tool_names import with_legal_names
from gateway.dialects.turns import Conversation, Turn, gather
from gateway.dialects.unknown_fields import unknown_fields
from gateway.errors import ClientError, UpstreamError
from gateway.events import UNREADABLE
from gateway.model import (
    Choice,
    Message,
    Origin,
    Reasoning,
    Refusal,
    Rendered,
    Request,
    Response,
    ResponseFormat,
    Role,
    Target,
    Text,
    ToolCall,
    Usage,
)

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}


class _Turn(Struct):
    role: str
    content: str | list[Block]


class _Metadata(Struct):
    user_id: str | None = None


class _Body(Struct):
    model: str
    max_tokens: int
    messages: list[_Turn]
    system: str | list[Block] | None = None
    tools: list[Block] | None = None
    tool_choice: WireToolChoice | None = None
    thinking: WireThinking | None = None
    output_config: dict[str, Any] | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    metadata: _Metadata | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None


class _Answer(Struct):
    content: list[Block]
    stop_reason: str
    id: str | None = None
    model: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    container: Any = None
    usage: Any = None


def parse_request(body: bytes, path_model: str | None, path_stream: bool | None) -> Request:
    """A client's request. Raises ClientError naming the field."""
    fields = decode_object(body)
    wire = shaped(fields, _Body)
    config = dict(wire.output_config or {})
    effort, output_format = config.pop("effort", None), config.pop("format", None)
    extra = rest(fields, _Body)
    if config:
        extra["output_config"] = config
    choice, parallel = parse_choice(wire.tool_choice)
    thinking = wire.thinking
    if thinking is not None and thinking.type not in ("enabled", "adaptive", "disabled"):
        extra["thinking"], thinking = fields["thinking"], None
    messages, places = _parse_messages(wire)
    tools = parse_tools(wire.tools or ())
    return Request(
        model=path_model or wire.model,
        messages=messages,
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        max_output_tokens=wire.max_tokens,
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        stop=tuple(wire.stop_sequences or ()),
        reasoning=parse_reasoning(thinking, effort if isinstance(effort, str) else None),
        response_format=_parse_format(output_format),
        stream=bool(wire.stream) if path_stream is None else path_stream,
        user=wire.metadata.user_id if wire.metadata else None,
        extra=pocket(extra),
        origin=Origin(
            dialect=NAME,
            parts=places,
            tools=tool_places(tools),
            unknown=unknown_fields(fields, NAME),
        ),
    )


def _parse_format(value: Any) -> ResponseFormat | None:
    if not isinstance(value, dict) or not isinstance(value.get("schema"), dict):
        return None
    return ResponseFormat(kind="json_schema", schema=value["schema"])


def _parse_messages(wire: _Body) -> tuple[tuple[Message, ...], tuple[tuple[str, ...], ...]]:
    """The messages, and the client's paths to their parts."""
    found: list[tuple[Role, list[Placed]]] = []
    if wire.system:
        found.append((Role.SYSTEM, _parse_content(wire.system, "system")))
    for index, turn in enumerate(wire.messages):
        if turn.role not in _ROLES:
            path = f"messages[{index}].role"
            raise ClientError(f"{path}: use 'user', 'assistant' or 'system', not '{turn.role}'.", param=path)
        placed = _parse_content(turn.content, f"messages[{index}].content")
        role = _ROLES[turn.role]
        found += results_first(role, placed) if role is Role.USER else [(role, placed)]
    messages = tuple(Message(role, tuple(part for part, _ in placed)) for role, placed in found)
    return messages, tuple(tuple(place for _, place in placed) for _, placed in found)


def _parse_content(content: str | list[Block], path: str) -> list[Placed]:
    if isinstance(content, str):
        return [(Text(content), path)] if content else []
    try:
        blocks = parse_blocks(content)
    except msgspec.ValidationError as error:
        raise misshapen(error, path) from None
    parts = restore_state(blocks)
    places = realigned(blocks, content_places(content, path, len(blocks)), parts)
    return list(zip(parts, places, strict=True))


def render_request(request: Request, target: Target) -> Rendered:
    """Raises Unsupported or ClientError naming what cannot be carried."""
    losses = Losses(request, NAME, target)
    request, names = with_legal_names(request, NAME, losses)
    request = with_blocks_told(request, NAME)
    own = own_fields(request, NAME, losses)
    meet_foreign(request, losses)
    if _has_foreign_thinking(request):
        losses.meet("foreign_thinking")
    messages = with_blanks_joined(marked(request.messages))
    conversation = gather(messages, NAME, losses, keep=is_sendable, system_turns=target.system_turns)
    if conversation.turns[-1].role is Role.ASSISTANT:
        losses.meet("prefill")
    tools = render_tools(request, losses)
    forced = tools.get("tool_choice", {}).get("type") in ("any", "tool")
    thinking = render_thinking(request, target, forced, _open_loop(conversation.turns), losses)
    output_format, instruction = render_format(request, losses)
    sampling = render_sampling(request, thinking, losses)
    body: dict[str, Any] = {"model": target.model, "max_tokens": thinking.max_tokens}
    if system := _render_system(conversation, instruction, losses):
        body["system"] = system
    body["messages"] = [_render_turn(turn, losses) for turn in conversation.turns]
    body |= tools
    if thinking.field is not None:
        body["thinking"] = thinking.field
    config = {"effort": thinking.effort, "format": output_format} | dict(own.get("output_config", {}))
    if config := {name: value for name, value in config.items() if value is not None}:
        body["output_config"] = config
    if request.stop and losses.meet("stop"):
        body["stop_sequences"] = list(request.stop)
    if request.user is not None and losses.meet("user"):
        body["metadata"] = {"user_id": request.user}
    body |= sampling | {name: value for name, value in own.items() if name != "output_config"}
    if request.stream:
        body["stream"] = True
    limit_marks(body, losses)
    version = SAMPLING_VERSION if any(name in body for name in SAMPLING) else VERSION
    return Rendered(
        body=msgspec.json.encode(body),
        headers={"anthropic-version": version},
        dropped=losses.dropped,
        adapted=losses.adapted,
        tool_names=names,
    )


def _has_foreign_thinking(request: Request) -> bool:
    parts = (part for message in request.messages for part in message.parts)
    return any(isinstance(part, Reasoning) and not is_sendable(part) for part in parts)


def _open_loop(turns: list[Turn]) -> bool:
    """Whether the last assistant turn called tools without its own thinking in front (a client that dropped it)."""
    last = next((turn for turn in reversed(turns) if turn.role is Role.ASSISTANT), None)
    if last is None or not last.calls():
        return False
    return not any(isinstance(item.part, Reasoning) for item in last.items)


def _render_system(conversation: Conversation, instruction: str | None, losses: Losses) -> list[Block]:
    blocks = [request_block(item.part, item.path, Role.SYSTEM, losses) for item in conversation.instructions]
    return [*blocks, {"type": "text", "text": instruction}] if instruction else blocks


def _render_turn(turn: Turn, losses: Losses) -> dict[str, Any]:
    items = turn.items
    if turn.role is Role.ASSISTANT and turn.calls() and not isinstance(items[0].part, Reasoning):
        # A turn that calls tools begins with its thinking.
        items = sorted(items, key=lambda item: not isinstance(item.part, Reasoning))
    return {
        "role": turn.role.value,
        "content": [request_block(item.part, item.path, turn.role, losses) for item in items],
    }


def parse_response(body: bytes) -> Response:
    """A provider's whole answer. Raises UpstreamError for an error in a 200, or for what cannot be read."""
    try:
        fields = decode_json(body)
    except ValueError:
        raise _unreadable(None) from None
    if isinstance(fields, dict) and (error := error_in_answer(fields)) is not None:
        raise error
    try:
        wire = msgspec.convert(fields, _Answer)
        parts = parse_blocks(wire.content)
    except (msgspec.MsgspecError, ValueError):
        raise _unreadable(fields) from None
    if said := explanation(wire.stop_details):
        parts.append(Refusal(said, pocket({"stop_details": True})))
    choice = Choice(
        parts=tuple(parts),
        finish_reason=parse_reason(wire.stop_reason, any(isinstance(part, ToolCall) for part in parts)),
        stop_sequence=wire.stop_sequence,
        extra=finish_extra(fields),
    )
    return Response(id=wire.id, model=wire.model, choices=(choice,), usage=_usage_in(wire.usage, wire.container))


def _unreadable(fields: Any) -> UpstreamError:
    """For an answer that is none; what it counts of itself stands."""
    error = UpstreamError(UNREADABLE.message, kind=UNREADABLE.kind, own_words=True)
    if isinstance(fields, dict):
        error.usage = _usage_in(fields.get("usage"), fields.get("container"))
    return error


def _usage_in(usage: Any, container: Any) -> Usage | None:
    counts = read_usage(usage, container)
    return None if counts is None else parse_usage(counts)


def render_response(response: Response, context: AnswerContext) -> bytes:
    """A whole answer for a client; of several choices the first."""
    choice = response.choices[0] if response.choices else Choice()
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    own = choice.extra.get(NAME, {})
    message = {
        "id": f"{ANSWER_PREFIX}{context.id}",
        "type": "message",
        "role": "assistant",
        "model": context.model,
        "content": answer_content(choice.parts, context),
        **render_ending(choice.finish_reason, choice.stop_sequence, refused, own),
        "usage": render_usage(response.usage),
    }
    for name in ("container", "diagnostics"):
        if name in own:
            message[name] = own[name]
    return msgspec.json.encode(message)
