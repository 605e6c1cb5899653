"""Answers as the four providers' APIs really send them, whole and streamed, written here without our own writers.

A piece of an answer is one thing that the model says, in its order; each dialect says it in its native form, long
texts and arguments in fragments.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

Wire = dict[str, Any]


class Thought(Struct, frozen=True):
    """`state` is what the provider wants back: a signature, or encrypted reasoning."""

    text: str
    state: str = ""


class Words(Struct, frozen=True):
    text: str


class Call(Struct, frozen=True):
    """`state` is Gemini's signature of the call."""

    id: str
    name: str
    arguments: Wire
    state: str = ""

    @property
    def json(self) -> str:
        return json.dumps(self.arguments)


Piece = Thought | Words | Call

# How each API ends an answer that was not cut: with calls, and as it should not say but some servers do.
CALLED = {"openai_chat": "tool_calls", "openai_responses": "completed", "anthropic": "tool_use", "gemini": "STOP"}
STOPPED = {"openai_chat": "stop", "openai_responses": "completed", "anthropic": "end_turn", "gemini": "STOP"}


def halves(text: str) -> tuple[str, ...]:
    return (text[: len(text) // 2], text[len(text) // 2 :]) if len(text) > 1 else (text,)


def whole(dialect: str, pieces: Iterable[Piece], ending: str) -> bytes:
    return json.dumps(_WHOLE[dialect](list(pieces), ending)).encode()


def stream(dialect: str, pieces: Iterable[Piece], ending: str) -> bytes:
    return b"".join(frames(dialect, pieces, ending))


def frames(dialect: str, pieces: Iterable[Piece], ending: str) -> list[bytes]:
    """The stream event by event."""
    return list(_FRAMES[dialect](list(pieces), ending))


def frame(value: Wire, name: str | None = None) -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


# OpenAI chat: thinking and words have a field each, whatever their order was; calls come behind.

_CHAT: Wire = {"id": "chatcmpl-9", "created": 1_790_000_000, "model": "gpt-x"}
_CHAT_USAGE: Wire = {
    "prompt_tokens": 50,
    "completion_tokens": 20,
    "total_tokens": 70,
    "prompt_tokens_details": {"cached_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


def _chat_call(call: Call) -> Wire:
    beside = {"extra_content": {"google": {"thought_signature": call.state}}} if call.state else {}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.json}, **beside}


def _chat_whole(pieces: list[Piece], ending: str) -> Wire:
    message: Wire = {"role": "assistant", "content": None}
    for piece in pieces:
        match piece:
            case Thought():
                message["reasoning_content"] = message.get("reasoning_content", "") + piece.text
            case Words():
                message["content"] = (message["content"] or "") + piece.text
            case Call():
                message.setdefault("tool_calls", []).append(_chat_call(piece))
    choice = {"index": 0, "message": message, "finish_reason": ending, "logprobs": None}
    return {**_CHAT, "object": "chat.completion", "choices": [choice], "usage": _CHAT_USAGE}


def _chat_frames(pieces: list[Piece], ending: str) -> Iterator[bytes]:
    def chunk(delta: Wire, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return frame({**_CHAT, "object": "chat.completion.chunk", "choices": [choice], "usage": None})

    yield chunk({"role": "assistant", "content": ""})
    calls = 0
    for piece in pieces:
        match piece:
            case Call():
                started = _chat_call(piece) | {"index": calls, "function": {"name": piece.name, "arguments": ""}}
                yield chunk({"tool_calls": [started]})
                for text in halves(piece.json):
                    yield chunk({"tool_calls": [{"index": calls, "function": {"arguments": text}}]})
                calls += 1
            case Words() | Thought():
                field = "content" if isinstance(piece, Words) else "reasoning_content"
                yield from (chunk({field: text}) for text in halves(piece.text))
    yield chunk({}, ending)
    yield frame({**_CHAT, "object": "chat.completion.chunk", "choices": [], "usage": _CHAT_USAGE})
    yield b"data: [DONE]\n\n"


# OpenAI Responses.

_RESPONSES_USAGE: Wire = {
    "input_tokens": 50,
    "output_tokens": 20,
    "total_tokens": 70,
    "input_tokens_details": {"cached_tokens": 10},
    "output_tokens_details": {"reasoning_tokens": 5},
}


def _item(number: int, piece: Piece) -> Wire:
    match piece:
        case Thought():
            summary = [{"type": "summary_text", "text": piece.text}] if piece.text else []
            state = {"encrypted_content": piece.state} if piece.state else {}
            return {"id": f"rs_{number}", "type": "reasoning", "summary": summary, **state}
        case Words():
            content = [{"type": "output_text", "text": piece.text, "annotations": [], "logprobs": []}]
            return {
                "id": f"msg_{number}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        case Call():
            call = {"call_id": piece.id, "name": piece.name, "arguments": piece.json}
            return {"id": f"fc_{number}", "type": "function_call", "status": "completed", **call}


def _responses_whole(pieces: list[Piece], ending: str) -> Wire:
    status, _, reason = ending.partition("/")
    return {
        "id": "resp_9",
        "object": "response",
        "created_at": 1_790_000_000,
        "model": "gpt-x",
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": [_item(number, piece) for number, piece in enumerate(pieces)],
        "usage": _RESPONSES_USAGE,
    }


def _responses_frames(pieces: list[Piece], ending: str) -> Iterator[bytes]:
    told = 0

    def event(name: str, **fields: Any) -> bytes:
        nonlocal told
        told += 1
        return frame({"type": f"response.{name}", "sequence_number": told - 1, **fields}, f"response.{name}")

    begun = _responses_whole([], "in_progress") | {"usage": None}
    yield event("created", response=begun)
    yield event("in_progress", response=begun)
    for number, piece in enumerate(pieces):
        item = _item(number, piece)
        place = {"item_id": item["id"], "output_index": number}
        match piece:
            case Thought():
                yield event("output_item.added", output_index=number, item={**item, "summary": []})
                for text in halves(piece.text):
                    yield event("reasoning_summary_text.delta", **place, summary_index=0, delta=text)
            case Words():
                yield event(
                    "output_item.added", output_index=number, item={**item, "content": [], "status": "in_progress"}
                )
                empty = {"type": "output_text", "text": "", "annotations": []}
                yield event("content_part.added", **place, content_index=0, part=empty)
                for text in halves(piece.text):
                    yield event("output_text.delta", **place, content_index=0, delta=text)
                yield event("output_text.done", **place, content_index=0, text=piece.text)
            case Call():
                yield event("output_item.added", output_index=number, item={**item, "arguments": ""})
                for text in halves(piece.json):
                    yield event("function_call_arguments.delta", **place, delta=text)
                yield event("function_call_arguments.done", **place, arguments=piece.json)
        yield event("output_item.done", output_index=number, item=item)
    yield event(ending.partition("/")[0], response=_responses_whole(pieces, ending))


# Anthropic.

_ANTHROPIC_USAGE: Wire = {"input_tokens": 40, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 0}


def _block(piece: Piece) -> Wire:
    match piece:
        case Thought():
            return {"type": "thinking", "thinking": piece.text, "signature": piece.state}
        case Words():
            return {"type": "text", "text": piece.text, "citations": None}
        case Call():
            return {"type": "tool_use", "id": piece.id, "name": piece.name, "input": piece.arguments}


def _message(content: list[Wire], ending: str | None) -> Wire:
    usage = {**_ANTHROPIC_USAGE, "output_tokens": 20 if ending else 1}
    message = {"id": "msg_9", "type": "message", "role": "assistant", "model": "claude-x", "content": content}
    return {**message, "stop_reason": ending, "stop_sequence": None, "usage": usage}


def _anthropic_whole(pieces: list[Piece], ending: str) -> Wire:
    return _message([_block(piece) for piece in pieces], ending)


def _anthropic_frames(pieces: list[Piece], ending: str) -> Iterator[bytes]:
    def event(kind: str, **fields: Any) -> bytes:
        return frame({"type": kind, **fields}, kind)

    yield event("message_start", message=_message([], None))
    for index, piece in enumerate(pieces):
        block = _block(piece)
        match piece:
            case Thought():
                empty, deltas = (
                    {"thinking": "", "signature": ""},
                    [("thinking_delta", "thinking", text) for text in halves(piece.text)],
                )
                deltas.append(("signature_delta", "signature", piece.state))
            case Words():
                empty, deltas = {"text": ""}, [("text_delta", "text", text) for text in halves(piece.text)]
            case Call():
                empty, deltas = (
                    {"input": {}},
                    [("input_json_delta", "partial_json", text) for text in halves(piece.json)],
                )
        yield event("content_block_start", index=index, content_block={**block, **empty})
        for kind, field, text in deltas:
            yield event("content_block_delta", index=index, delta={"type": kind, field: text})
        yield event("content_block_stop", index=index)
    delta = {"stop_reason": ending, "stop_sequence": None}
    yield event("message_delta", delta=delta, usage={"output_tokens": 20})
    yield event("message_stop")


# Gemini.

_GEMINI_USAGE: Wire = {
    "promptTokenCount": 50,
    "cachedContentTokenCount": 10,
    "candidatesTokenCount": 15,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 70,
}


def _part(piece: Piece) -> Wire:
    match piece:
        case Thought():
            return {"text": piece.text, "thought": True, **({"thoughtSignature": piece.state} if piece.state else {})}
        case Words():
            return {"text": piece.text}
        case Call():
            call = {"id": piece.id, "name": piece.name, "args": piece.arguments}
            return {"functionCall": call, **({"thoughtSignature": piece.state} if piece.state else {})}


def _gemini_chunk(parts: list[Wire], ending: str | None = None) -> Wire:
    candidate: Wire = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if ending is not None:
        candidate["finishReason"] = ending
    return {"candidates": [candidate], "usageMetadata": _GEMINI_USAGE, "modelVersion": "gemini-x", "responseId": "r9"}


def _gemini_whole(pieces: list[Piece], ending: str) -> Wire:
    return _gemini_chunk([_part(piece) for piece in pieces], ending)


def _gemini_frames(pieces: list[Piece], ending: str) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, Words):
            yield from (frame(_gemini_chunk([{"text": text}])) for text in halves(piece.text))
        else:
            yield frame(_gemini_chunk([_part(piece)]))
    yield frame(_gemini_chunk([{"text": ""}], ending))


_WHOLE = {
    "openai_chat": _chat_whole,
    "openai_responses": _responses_whole,
    "anthropic": _anthropic_whole,
    "gemini": _gemini_whole,
}
_FRAMES = {
    "openai_chat": _chat_frames,
    "openai_responses": _responses_frames,
    "anthropic": _anthropic_frames,
    "gemini": _gemini_frames,
}
