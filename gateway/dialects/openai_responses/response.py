"""Whole answers, both ways. Source: the SDK's Response."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.counts import as_it_failed, said_bytes
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.json_text import decode_json
from gateway.dialects.media_types import is_sketch
from gateway.dialects.openai_errors import error_in, unreadable
from gateway.dialects.openai_responses.answer import AnswerFrame
from gateway.dialects.openai_responses.content import answer_annotations
from gateway.dialects.openai_responses.finish import has_calls, has_refusal, parse_finish, render_finish
from gateway.dialects.openai_responses.items import (
    NEXT_CALL,
    call_item,
    message_item,
    parse_item,
    reasoning_item,
    refusal_piece,
    state_item,
    text_piece,
)
from gateway.dialects.openai_responses.usage import parse_usage
from gateway.dialects.openai_responses.wire import NAME, Wire, foreign_state, own
from gateway.errors import UpstreamError
from gateway.model import Blob, Choice, Opaque, Part, Reasoning, Refusal, Response, Text, ToolCall


class _Answer(Struct):
    output: list[Wire]
    id: str | None = None
    model: str | None = None
    created_at: float | None = None


def parse_response(body: bytes) -> Response:
    """A provider's whole answer. Raises UpstreamError where it is none, or where it failed."""
    try:
        fields = decode_json(body)
    except ValueError:
        raise unreadable() from None
    if isinstance(fields, dict) and "output" not in fields and fields.get("error"):
        raise error_in(fields)
    try:
        answer = msgspec.convert(fields, _Answer)
        _require_no_failure(fields, answer)
        parts = _parse_output(answer.output, answer.id)
    except msgspec.ValidationError:
        error = unreadable()
        error.usage = parse_usage(fields) if isinstance(fields, dict) else None
        raise error from None
    reason, extra = parse_finish(fields, has_calls(parts))
    choice = Choice(parts=tuple(parts), finish_reason=reason, logprobs=logprobs_of(answer.output), extra=extra)
    return Response(
        id=answer.id,
        model=answer.model,
        created=None if answer.created_at is None else int(answer.created_at),
        choices=(choice,),
        usage=parse_usage(fields),
    )


def _require_no_failure(fields: Wire, answer: _Answer) -> None:
    """A failed answer says why, whatever its output is, and may count what it used. Raises UpstreamError."""
    try:
        parse_finish(fields, False)
    except UpstreamError as error:
        error.output_bytes = _said_before(answer)
        error.usage = as_it_failed(parse_usage(fields), said=error.output_bytes > 0)
        raise


def _said_before(answer: _Answer) -> int:
    """UTF-8 bytes of what a failed answer had said; 0 where that is not readable."""
    try:
        return said_bytes(_parse_output(answer.output, answer.id))
    except (msgspec.ValidationError, UpstreamError):
        return 0


def _parse_output(output: Sequence[Wire], answer_id: str | None) -> list[Part]:
    return [part for index, item in enumerate(output) for part in parse_item(item, minted_call_id(answer_id, index))]


def minted_call_id(answer_id: str | None, place: int) -> str:
    """An id for a call that came without one: the same for the same answer, another in the next."""
    return f"call_{(answer_id or '').removeprefix('resp_') or '0'}_{place}"


def logprobs_of(output: Any) -> Any:
    """The choice's log probabilities out of all its texts, None where there are none."""
    found: list[Any] = []
    for item in output if isinstance(output, list) else ():
        content = item.get("content") if isinstance(item, dict) and item.get("type") == "message" else None
        for piece in content if isinstance(content, list) else ():
            found += logprobs_in(piece)
    return {"content": found} if found else None


def logprobs_in(piece: Any) -> list[Any]:
    """The log probabilities of an output text, as chat has them too; none where there are none."""
    return tokens_in(piece.get("logprobs")) if isinstance(piece, Mapping) else []


def render_response(response: Response, context: AnswerContext) -> bytes:
    """A whole answer for a client; of several choices the first."""
    choice = response.choices[0] if response.choices else Choice()
    frame = AnswerFrame(context)
    builder = OutputBuilder(frame, context.origin)
    for part in choice.parts:
        builder.add(part)
    set_logprobs(builder.items, choice.logprobs)
    ending = render_finish(choice.finish_reason, choice.extra, has_refusal(choice.parts))
    return msgspec.json.encode(frame.object(ending, builder.items, response.usage))


def set_logprobs(items: Sequence[Wire], logprobs: Any) -> None:
    """The choice's log probabilities, on the first text: which token is of which text is not known."""
    content = tokens_in(logprobs.get("content") if isinstance(logprobs, dict) else None)
    pieces = (piece for item in items for piece in item.get("content", ()) if item["type"] == "message")
    text = next((piece for piece in pieces if piece["type"] == "output_text"), None)
    if content and text is not None:
        text["logprobs"] = content


class _Token(Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class _Chosen(_Token):
    top_logprobs: list[_Token] | None = None


def tokens_in(content: Any) -> list[Wire]:
    """The entries with all the fields that clients of this dialect rely on; none where they have another form."""
    try:
        entries = msgspec.convert(content or [], list[_Chosen])
    except msgspec.ValidationError:
        return []
    return [
        {**_token(entry), "top_logprobs": [_token(other) for other in entry.top_logprobs or ()]} for entry in entries
    ]


def _token(entry: _Token) -> Wire:
    spelt = list(entry.token.encode()) if entry.bytes is None else entry.bytes
    return {"token": entry.token, "logprob": entry.logprob, "bytes": spelt}


class OutputBuilder:
    """Puts complete items in order; words that follow each other share a message."""

    def __init__(self, frame: AnswerFrame, origin: str = "") -> None:
        self._frame = frame
        self._origin = origin
        self.items: list[Wire] = []
        self._in_message = False

    def add(self, part: Part) -> None:
        """A part of an answer; what an answer cannot hold (a document) is left out."""
        match part:
            case Text() | Refusal():
                self._words(part)
                return
            case Reasoning():
                if part.text or part.extra:
                    item_id = self._id("reasoning", own(part.extra).get("id"))
                    self._append(reasoning_item(item_id, part.text, part.extra, self._origin))
            case ToolCall():
                self._call(part)
            case Blob(modality="image") if not is_sketch(part):
                self._append(image_item(self._id("image"), part))
            case Opaque() if part.dialect == NAME:
                self._append(dict(part.value))

    def _id(self, kind: str, own_id: Any = None) -> str:
        return self._frame.item_id(kind, len(self.items), own_id)

    def _append(self, item: Wire) -> None:
        self.items.append(item)
        self._in_message = False

    def _words(self, part: Text | Refusal) -> None:
        if not part.text:
            return
        refused = isinstance(part, Refusal)
        piece = refusal_piece(part.text) if refused else text_piece(part.text, answer_annotations(part.extra))
        beside = own(part.extra).get("item")
        if self._in_message and beside is None:
            self.items[-1]["content"].append(piece)
            return
        beside = dict(beside or {})
        self._append(message_item(self._id("message", beside.pop("id", None)), [piece], beside))
        self._in_message = True

    def _call(self, call: ToolCall) -> None:
        if foreign_state(call.extra):
            self._append(state_item(self._id("reasoning"), call.extra, NEXT_CALL, self._origin))
        names = self._frame.names
        custom = names.is_custom(call.name, call.custom)
        text = names.input_of(call.arguments, call.custom) if custom else call.arguments
        item_id = self._id("custom_tool_call" if custom else "function_call", own(call.extra).get("id"))
        self._append(call_item(item_id, call.id, names.named(call.name, call.extra), text, custom=custom))


def image_item(item_id: str, image: Blob) -> Wire:
    """An image that the model made."""
    return {"id": item_id, "type": "image_generation_call", "status": "completed", "result": image.data}
