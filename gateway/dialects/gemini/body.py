"""Requests and whole answers between Gemini's JSON and the neutral model; no state.

What the neutral model has no word for stays in the `gemini` pockets under its dotted path and is put back verbatim.
Calls and results that came without ids are paired by order and name. Source: google-genai's types.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.client_json import decode_object, misshapen, rest, shaped
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.envelope import ORIGIN, STATELESS_DOORS
from gateway.dialects.gemini.keys import camel_keys, put
from gateway.dialects.gemini.options import JSON, WireConfig, parse_format, parse_reasoning, render_config
from gateway.dialects.gemini.parts import (
    NAME,
    SENTINEL,
    Wire,
    answer_part,
    is_sendable,
    minted_id,
    parse_part,
    request_part,
    result_media,
    unwrapped,
)
from gateway.dialects.gemini.reader import ChunkReader
from gateway.dialects.gemini.tools import WireCallingConfig, parse_choice, parse_tools, render_tools
from gateway.dialects.gemini.usage import render_usage
from gateway.dialects.gemini.writer import ending, is_blocked
from gateway.dialects.losses import Losses, meet_identity, own_fields
from gateway.dialects.places import Placed, results_first
from gateway.dialects.told_blocks import with_blocks_told
from gateway.dialects.tool_names import with_legal_names
from gateway.dialects.turns import Turn, gather
from gateway.dialects.unknown_fields import unknown_fields
from gateway.errors import ClientError, UpstreamError
from gateway.events import UNREADABLE, Assembler, Event
from gateway.model import (
    Message,
    Origin,
    Part,
    Reasoning,
    Refusal,
    Rendered,
    Request,
    Response,
    Role,
    Target,
    ToolCall,
    ToolCallResponse,
)

_ROLES = {"user": Role.USER, "function": Role.USER, "model": Role.ASSISTANT}


class _Content(Struct):
    role: str | None = None
    parts: list[Wire] | None = None


class _ToolConfig(Struct, rename="camel"):
    function_calling_config: WireCallingConfig | None = None


class _Body(Struct, rename="camel"):
    contents: list[_Content]
    system_instruction: _Content | str | None = None
    tools: list[Wire] | None = None
    tool_config: _ToolConfig | None = None
    generation_config: WireConfig | None = None


def parse_request(body: bytes, path_model: str | None, path_stream: bool | None) -> Request:
    """A client's request; model and streaming come from the path. Raises ClientError naming the field."""
    fields = camel_keys(decode_object(body))
    wire = shaped(fields, _Body)
    config = wire.generation_config or WireConfig()
    extra = _pocket(fields, wire, config)
    messages, places = _parse_messages(wire)
    tools = parse_tools(wire.tools or ())
    return Request(
        model=(path_model or str(fields.get("model", ""))).removeprefix("models/"),
        messages=messages,
        tools=tuple(tool for tool, _ in tools),
        tool_choice=parse_choice(wire.tool_config.function_calling_config if wire.tool_config else None),
        max_output_tokens=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=None if config.top_k is None else int(config.top_k),
        stop=tuple(config.stop_sequences or ()),
        seed=config.seed,
        choice_count=config.candidate_count,
        frequency_penalty=config.frequency_penalty,
        presence_penalty=config.presence_penalty,
        logprobs=config.response_logprobs,
        top_logprobs=config.logprobs,
        reasoning=parse_reasoning(config.thinking_config),
        response_format=parse_format(config),
        stream=bool(path_stream),
        extra={NAME: extra} if extra else {},
        origin=Origin(
            dialect=NAME,
            parts=places,
            tools=tuple(place for _, place in tools),
            unknown=unknown_fields(fields, NAME),
        ),
    )


def _pocket(fields: Wire, wire: _Body, config: WireConfig) -> Wire:
    extra = rest(fields, _Body, "model")
    for parent, shape in (("generationConfig", WireConfig), ("toolConfig", _ToolConfig)):
        for name, value in rest(fields.get(parent) or {}, shape).items():
            extra[f"{parent}.{name}"] = value
    if extra.get("generationConfig.responseModalities") == ["TEXT"]:
        del extra["generationConfig.responseModalities"]
    if config.response_mime_type not in (None, JSON, "text/plain"):
        for name in ("responseMimeType", "responseSchema"):
            if (value := fields["generationConfig"].get(name)) is not None:
                extra[f"generationConfig.{name}"] = value
    calling = wire.tool_config.function_calling_config if wire.tool_config else None
    if calling is not None and calling.mode == "VALIDATED":
        extra["toolConfig.functionCallingConfig.mode"] = calling.mode
    return extra


def _parse_messages(wire: _Body) -> tuple[tuple[Message, ...], tuple[tuple[str, ...], ...]]:
    """The messages, and the client's paths to their parts."""
    found: list[tuple[Role, list[Placed]]] = []
    system = wire.system_instruction
    if system is not None:
        content = _Content(parts=[{"text": system}]) if isinstance(system, str) else system
        if parts := _parse_parts(content, "systemInstruction"):
            found.append((Role.SYSTEM, _placed(parts, "systemInstruction")))
    pending = _OpenCalls()
    before: Role | None = None
    for index, content in enumerate(wire.contents):
        role = _ROLES.get(content.role or "user")
        if role is None:
            path = f"contents[{index}].role"
            raise ClientError(f"{path}: use 'user' or 'model', not '{content.role}'.", param=path)
        parts = [unwrapped(part) for part in _parse_parts(content, f"contents[{index}]")]
        parts = [_with_id(part, pending, index, n) for n, part in enumerate(parts)]
        if role is Role.ASSISTANT:
            # A stream's pieces may each be a content of their own: one without a call, behind it, ends no turn.
            pending = pending if before is role else _OpenCalls()
            pending.add(part for part in parts if isinstance(part, ToolCall))
        before = role
        found += results_first(role, _placed(parts, f"contents[{index}]"))
    turns = _rejoined(found)
    messages = tuple(Message(role, tuple(part for part, _ in placed)) for role, placed in turns)
    return messages, tuple(tuple(place for _, place in placed) for _, placed in turns)


def _placed(parts: list[Part], path: str) -> list[Placed]:
    return [(part, f"{path}.parts[{index}]") for index, part in enumerate(parts)]


def _rejoined(messages: Sequence[tuple[Role, list[Placed]]]) -> list[tuple[Role, list[Placed]]]:
    """A stream's pieces, which clients give back as parts or contents of their own, as the turn that they were."""
    turns: list[tuple[Role, list[Placed]]] = []
    for role, placed in messages:
        if role is Role.ASSISTANT and turns and turns[-1][0] is Role.ASSISTANT:
            turns[-1][1].extend(placed)
        else:
            turns.append((role, list(placed)))
    return [(role, _whole_thoughts(placed) if role is Role.ASSISTANT else placed) for role, placed in turns]


def _whole_thoughts(parts: Sequence[Placed]) -> list[Placed]:
    """Thoughts in pieces become whole where an empty last one brought another provider's state of them; pieces
    without such an end are Gemini's own."""
    whole: list[Placed] = []
    pieces: list[tuple[Reasoning, str]] = []
    for part, place in parts:
        if isinstance(part, Reasoning) and not part.extra:
            pieces.append((part, place))
            continue
        if isinstance(part, Reasoning) and ORIGIN in part.extra and not part.text:
            part = Reasoning("".join(piece.text for piece, _ in pieces), part.extra)
            pieces = []
        whole += _own_thoughts(pieces)
        whole.append((part, place))
        pieces = []
    return whole + _own_thoughts(pieces)


def _own_thoughts(pieces: Sequence[tuple[Reasoning, str]]) -> list[Placed]:
    return [(Reasoning(piece.text, {NAME: {}}), place) for piece, place in pieces]


def _parse_parts(content: _Content, path: str) -> list[Part]:
    parts: list[Part] = []
    for index, part in enumerate(content.parts or ()):
        try:
            parts.append(parse_part(part))
        except msgspec.ValidationError as error:
            raise misshapen(error, f"{path}.parts[{index}]") from None
    return parts


class _OpenCalls:
    """A turn's calls that wait for results, found by id or by name, the first said first."""

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}
        self._by_id: defaultdict[str, deque[int]] = defaultdict(deque)
        self._by_name: defaultdict[str, deque[int]] = defaultdict(deque)

    def add(self, calls: Iterable[ToolCall]) -> None:
        # None is answered yet: the turn that makes them still goes on.
        for place, call in enumerate(calls, len(self._ids)):
            self._ids[place] = call.id
            self._by_id[call.id].append(place)
            self._by_name[call.name].append(place)

    def take(self, result: ToolCallResponse) -> str | None:
        """The id of the call that a result answers, which then waits no longer."""
        places = self._by_id[result.id] if result.id else self._by_name[result.name or ""]
        while places:
            if (found := self._ids.pop(places.popleft(), None)) is not None:
                return found
        return None


def _with_id(part: Part, pending: _OpenCalls, index: int, number: int) -> Part:
    """A result without an id answers the first open call of its name; a call without one gets one from its place."""
    if isinstance(part, ToolCall) and not part.id:
        return msgspec.structs.replace(part, id=minted_id(str(index), str(number), part.name))
    if not isinstance(part, ToolCallResponse):
        return part
    answered = pending.take(part)
    return part if answered is None else msgspec.structs.replace(part, id=answered)


def render_request(request: Request, target: Target) -> Rendered:
    """The body alone: model and streaming are in the path. Raises Unsupported or ClientError naming the field."""
    losses = Losses(request, NAME, target)
    request, tool_names = with_legal_names(request, NAME, losses)
    request = with_blocks_told(request, NAME)
    own = own_fields(request, NAME, losses)
    meet_identity(request, losses)
    if _has_foreign_thinking(request):
        losses.meet("foreign_thinking")
    conversation = gather(request.messages, NAME, losses, keep=is_sendable)
    if conversation.turns[-1].role is Role.ASSISTANT:
        losses.meet("prefill")
    names = {call.id: call.name for turn in conversation.turns for call, _ in turn.calls()}
    body: dict[str, Any] = {}
    if conversation.instructions:
        parts = [request_part(item.part, item.path, names, losses) for item in conversation.instructions]
        body["systemInstruction"] = {"parts": parts}
    body["contents"] = [_render_turn(turn, names, target, losses) for turn in conversation.turns]
    body |= render_tools(request, target, losses)
    if config := render_config(request, target, losses):
        body["generationConfig"] = config
    for path, value in own.items():
        put(body, path, value)
    return Rendered(
        body=msgspec.json.encode(body), dropped=losses.dropped, adapted=losses.adapted, tool_names=tool_names
    )


def _has_foreign_thinking(request: Request) -> bool:
    """Thoughts of others, or nobody's; Gemini's own unsigned summaries are no loss, also where a door held them."""
    thoughts = (part for message in request.messages for part in message.parts if isinstance(part, Reasoning))
    own = ({NAME},) if request.origin.dialect in STATELESS_DOORS else ({NAME}, set())
    return any(part.extra.keys() not in own and not is_sendable(part) for part in thoughts)


def _render_turn(turn: Turn, names: Mapping[str, str], target: Target, losses: Losses) -> Wire:
    parts: list[Wire] = []
    media: list[Wire] = []
    signs = target.thinking == "level"
    for item in turn.items:
        wire = request_part(item.part, item.path, names, losses)
        if isinstance(item.part, ToolCallResponse) and (found := result_media(item.part, item.path, losses)):
            losses.meet("tool_result_image", item.path)
            if signs:
                wire["functionResponse"]["parts"] = found
            else:
                # Older models take no media inside a result: it follows all results of the turn.
                media += found
        parts.append(wire)
    if turn.role is Role.ASSISTANT and signs:
        _sign_first_call(parts, losses)
    results = sum("functionResponse" in part for part in parts)
    role = "model" if turn.role is Role.ASSISTANT else "user"
    return {"role": role, "parts": parts[:results] + media + parts[results:]}


def _sign_first_call(parts: list[Wire], losses: Losses) -> None:
    """Newer models want the first call of every step signed; the sentinel stands in for what a client has lost."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None and "thoughtSignature" not in first:
        losses.meet("lost_signature")
        first["thoughtSignature"] = SENTINEL


def parse_response(body: bytes) -> Response:
    """A provider's whole answer. Raises UpstreamError for an error in a 200, or for what cannot be read."""
    reader, events, assembler = ChunkReader(), list[Event](), Assembler()
    try:
        reader.chunk(body, events)
        readable = reader.finish(events)
    except (msgspec.MsgspecError, ValueError):
        readable = False
    for event in events:
        assembler.feed(event)
    response = assembler.response()
    if not readable:
        error = UpstreamError(UNREADABLE.message, kind=UNREADABLE.kind, own_words=True)
        error.usage = response.usage
        raise error
    return response


def render_response(response: Response, context: AnswerContext) -> bytes:
    """A whole answer for a client."""
    body: dict[str, Any] = {"candidates": []}
    for choice in response.choices:
        if is_blocked(choice.extra):
            body = {"promptFeedback": choice.extra[NAME]["promptFeedback"]}
            break
        parts = [part for item in choice.parts if (part := answer_part(item, context.origin)) is not None]
        content = {"content": {"parts": parts, "role": "model"}}
        refused = any(isinstance(part, Refusal) for part in choice.parts)
        end = ending(choice.finish_reason, choice.index, choice.logprobs, choice.extra, refused=refused)
        body["candidates"].append(content | end)
    if response.usage is not None and response.usage.tells_tokens:
        body["usageMetadata"] = render_usage(response.usage)
    return msgspec.json.encode(body | {"modelVersion": context.model, "responseId": context.id})
