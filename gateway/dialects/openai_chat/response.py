"""Whole answers, both ways."""

from collections.abc import Container
from typing import Any

from msgspec import structs

from gateway.dialects.arguments import from_freeform
from gateway.dialects.counts import as_it_failed, said_bytes
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.openai_chat.tools import freeform_names
from gateway.dialects.openai_chat.usage import render_usage, usage_in
from gateway.dialects.openai_chat.wire import (
    ANSWER_PREFIX,
    CITATIONS,
    ENCODER,
    FAILED,
    WireAnswer,
    WireCall,
    WireChoice,
    WireMessage,
    arguments_text,
    chat_reason,
    citations_in,
    citations_out,
    content_text,
    decode_answer,
    image_out,
    images_in,
    is_empty,
    is_made,
    minted_call_id,
    neutral_reason,
    own,
    pocket,
    signature_in,
    signature_out,
)
from gateway.dialects.openai_errors import error_in_answer, failed_answer, unreadable
from gateway.errors import UpstreamError
from gateway.events import merge_extra
from gateway.model import Blob, Choice, Part, Reasoning, Refusal, Response, Text, ToolCall, Usage


def parse_response(body: bytes) -> Response:
    """A provider's whole answer. Raises UpstreamError where it is none, also for an error sent with a 200."""
    try:
        answer = decode_answer(body)
    except ValueError as error:
        raise unreadable() from error
    failure = _failure(answer, body)
    if failure is not None:
        failure.usage, failure.output_bytes = used_as_it_failed(answer)
        raise failure
    if answer.choices is None:
        nothing_said = unreadable()
        nothing_said.usage = usage_in(answer)
        raise nothing_said
    choices = _parse_choices(answer)
    if choices:
        choices[0] = structs.replace(choices[0], extra=merge_extra(choices[0].extra, citations_in(answer)))
    fingerprint = answer.system_fingerprint
    return Response(
        id=answer.id if isinstance(answer.id, str) else None,
        model=answer.model if isinstance(answer.model, str) else None,
        created=int(answer.created) if isinstance(answer.created, int | float) else None,
        choices=tuple(choices),
        usage=usage_in(answer),
        extra=pocket({"system_fingerprint": fingerprint} if fingerprint else {}),
    )


def used_as_it_failed(answer: WireAnswer) -> tuple[Usage | None, int]:
    """What a failed answer counts of itself, and the UTF-8 bytes that it had said."""
    try:
        said = sum(said_bytes(choice.parts) for choice in _parse_choices(answer))
    except UpstreamError:
        said = 0
    return as_it_failed(usage_in(answer), said=said > 0), said


def _failure(answer: WireAnswer, body: bytes) -> UpstreamError | None:
    if answer.error:
        return error_in_answer(body)
    failed = next((choice for choice in answer.choices or () if choice.finish_reason == FAILED), None)
    return None if failed is None else failed_answer(failed.error)


def _parse_choices(answer: WireAnswer) -> list[Choice]:
    answer_id = answer.id if isinstance(answer.id, str) else None
    return [_parse_choice(choice, at, answer_id) for at, choice in enumerate(answer.choices or ())]


def _parse_choice(choice: WireChoice, position: int, answer_id: str | None) -> Choice:
    message = choice.message or choice.delta
    if message is None:
        raise unreadable()
    index = choice.index if isinstance(choice.index, int) else position
    parts = _parse_parts(message, answer_id, index)
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    return Choice(
        index=index,
        parts=parts,
        finish_reason=neutral_reason(choice.finish_reason, has_calls),
        logprobs=_said(choice.logprobs),
        extra=pocket({"audio": message.audio} if message.audio else {}),
    )


def _said(logprobs: Any) -> Any:
    """Log probabilities without what they say nothing of, None where that is all."""
    if not isinstance(logprobs, dict):
        return None
    return {name: entries for name, entries in logprobs.items() if isinstance(entries, list)} or None


def _parse_parts(message: WireMessage, answer_id: str | None, choice: int) -> tuple[Part, ...]:
    parts: list[Part] = []
    if thinking := content_text(message.reasoning_content or message.reasoning):
        parts.append(Reasoning(thinking))
    if text := content_text(message.content):
        notes = message.annotations if isinstance(message.annotations, list) else None
        parts.append(Text(text, pocket({"annotations": notes} if notes else {})))
    parts += images_in(message.images)
    if refusal := content_text(message.refusal):
        parts.append(Refusal(refusal))
    calls = [call for call in message.tool_calls or () if not is_empty(call)]
    if message.function_call is not None:
        calls.append(WireCall(function=message.function_call))
    parts += [_parse_call(call, minted_call_id(answer_id, choice, at)) for at, call in enumerate(calls)]
    return tuple(parts)


def _parse_call(call: WireCall, minted: str) -> ToolCall:
    function = call.function or call.custom
    if function is None or not isinstance(function.name, str) or not function.name:
        raise unreadable()
    custom = call.function is None
    return ToolCall(
        id=call.id if isinstance(call.id, str) and call.id else minted,
        name=function.name,
        arguments=arguments_text(function.input if custom else function.arguments),
        custom=custom,
        extra=signature_in(call.extra_content),
    )


def render_response(response: Response, context: AnswerContext) -> bytes:
    """The answer for a chat client, under the id, time and model name of the context."""
    answer: dict[str, Any] = {
        "id": f"{ANSWER_PREFIX}{context.id}",
        "object": "chat.completion",
        "created": context.created,
        "model": context.model,
        "choices": [_render_choice(choice, context) for choice in response.choices],
    }
    if response.usage is not None and response.usage.tells_tokens:
        answer["usage"] = render_usage(response.usage)
    answer |= own(response.extra)
    for choice in response.choices:
        answer |= citations_out(choice.extra)
    return ENCODER.encode(answer)


def _render_choice(choice: Choice, context: AnswerContext) -> dict[str, Any]:
    legacy, freeform = context.legacy_functions, freeform_names(context.request)
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    thinking = [part.text for part in choice.parts if isinstance(part, Reasoning)]
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    notes = [
        note for part in choice.parts if isinstance(part, Text) for note in own(part.extra).get("annotations", ())
    ]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts or not (calls or refusals) else None,
        "refusal": "".join(refusals) if refusals else None,
        **{name: value for name, value in own(choice.extra).items() if name != CITATIONS},
    }
    if thinking and any(thinking):
        message["reasoning_content"] = "".join(thinking)
    if notes:
        message["annotations"] = notes
    if images := [part for part in choice.parts if isinstance(part, Blob) and is_made(part)]:
        message["images"] = [image_out(image, index) for index, image in enumerate(images)]
    if calls and legacy:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [_render_call(call, freeform) for call in calls]
    reason = chat_reason(choice.finish_reason, bool(calls), legacy)
    return {"index": choice.index, "message": message, "logprobs": choice.logprobs, "finish_reason": reason}


def _render_call(call: ToolCall, freeform: Container[str]) -> dict[str, Any]:
    if call.custom or call.name in freeform:
        text = call.arguments if call.custom else from_freeform(call.arguments)
        inner: dict[str, Any] = {"type": "custom", "custom": {"name": call.name, "input": text}}
    else:
        inner = {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    return {"id": call.id, **inner, **signature_out(call.extra)}
