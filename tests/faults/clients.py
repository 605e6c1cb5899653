"""The official SDKs as clients of one answer: what a user's program is given of the bytes that we send."""

import json
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

import anthropic
import httpx2
import openai
from google import genai
from google.genai import errors, types
from msgspec import Struct
from openai.lib.streaming.chat import ChatCompletionStreamState

from gateway.dialects import DIALECTS
from tests.dialects.feeding import read
from tests.dialects.grammars import CONTEXT, told
from tests.faults.answers import Call, Piece, Thought, Words, stream, whole

WIRES = tuple(DIALECTS)
# What each SDK raises of a stream that failed; OpenAI's helper for Responses says that the end is missing.
RAISES: dict[str, type[Exception]] = {
    "openai_chat": openai.APIError,
    "openai_responses": RuntimeError,
    "anthropic": anthropic.APIStatusError,
    "gemini": errors.APIError,
}


class Heard(Struct, frozen=True):
    """`pieces` in the order in which the SDK gives them; `ending` is the door's own word.

    `history` is what a program appends to its conversation: the SDK's own objects, said again.
    """

    pieces: tuple[Piece, ...]
    ending: str
    usage: Any = None
    history: tuple[dict[str, Any], ...] = ()

    @property
    def calls(self) -> list[Call]:
        """What a program makes of them: it knows nothing of the state that they carry."""
        return [Call(piece.id, piece.name, piece.arguments) for piece in self.pieces if isinstance(piece, Call)]

    @property
    def words(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Words))

    @property
    def thoughts(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Thought))


class _Wire:
    """The network between all SDKs and us: whatever is asked, `body` is the answer."""

    body = b""
    kind = ""

    def answer(self, _request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": self.kind}, content=self.body)

    def client(self) -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(self.answer))


_WIRE = _Wire()


def ask(door: str, body: bytes, streamed: bool) -> Heard:
    """The door's official SDK asks, and this body is the answer. Raises what the SDK raises."""
    _WIRE.body, _WIRE.kind = body, "text/event-stream" if streamed else "application/json"
    return _ASK[door](streamed)


def through(upstream: str, door: str, pieces: list[Piece], ending: str, streamed: bool) -> Heard:
    """What the door's SDK makes of this answer of an upstream."""
    return ask(door, sent(upstream, door, pieces, ending, streamed), streamed)


def sent(upstream: str, door: str, pieces: list[Piece], ending: str, streamed: bool) -> bytes:
    """The bytes that the door's client gets of this answer of an upstream."""
    if streamed:
        return rewritten(upstream, door, stream(upstream, pieces, ending))
    answer = DIALECTS[upstream].parse_response(whole(upstream, pieces, ending))
    return DIALECTS[door].render_response(answer, CONTEXT)


def rewritten(upstream: str, door: str, data: bytes) -> bytes:
    """An upstream's stream as the door's client gets it."""
    return told(door, read(DIALECTS[upstream].reader(), [data]))


# A client of each kind for all tests: making one takes longer than using it.


@cache
def _openai() -> openai.OpenAI:
    return openai.OpenAI(api_key="tk_x", base_url="http://door/v1", max_retries=0, http_client=_WIRE.client())


@cache
def _claude() -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="tk_x", base_url="http://door", max_retries=0, http_client=_WIRE.client())


@cache
def _genai() -> genai.Client:
    options = types.HttpOptions(base_url="http://door", httpx_client=_WIRE.client())
    return genai.Client(api_key="tk_x", http_options=options)


def _chat(streamed: bool) -> Heard:
    completions = _openai().chat.completions
    messages: Any = [{"role": "user", "content": "Hi"}]
    if streamed:
        # What the SDK's stream helper is made of; the helper itself raises at a limit.
        state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
        for chunk in completions.create(
            model="m", messages=messages, stream=True, stream_options={"include_usage": True}
        ):
            state.handle_chunk(chunk)
        answer: Any = state.current_completion_snapshot
    else:
        answer = completions.create(model="m", messages=messages)
    choice = answer.choices[0]
    message = choice.message
    pieces: list[Piece] = []
    if getattr(message, "reasoning_content", None):
        pieces.append(Thought(message.reasoning_content))
    if message.content:
        pieces.append(Words(message.content))
    for call in message.tool_calls or ():
        google = (getattr(call, "extra_content", None) or {}).get("google", {})
        arguments = _object(call.function.arguments)
        pieces.append(Call(call.id, call.function.name, arguments, google.get("thought_signature", "")))
    turn = message.model_dump(exclude_none=True, exclude={"parsed", "tool_calls"})
    if message.tool_calls:
        turn["tool_calls"] = [_plain_call(call) for call in message.tool_calls]
    return Heard(tuple(pieces), choice.finish_reason, answer.usage, (turn,))


def _plain_call(call: Any) -> dict[str, Any]:
    """Without what the stream helper adds for itself."""
    said: dict[str, Any] = call.model_dump(exclude_none=True, exclude={"index"})
    said["function"].pop("parsed_arguments", None)
    return said


def _responses(streamed: bool) -> Heard:
    if streamed:
        with _openai().responses.stream(model="m", input="Hi") as stream:
            *_, last = stream
            # The helper gives no final response of an answer that was cut at a limit.
            answer: Any = last.response if last.type == "response.incomplete" else stream.get_final_response()
    else:
        answer = _openai().responses.create(model="m", input="Hi")
    pieces: list[Piece] = []
    for item in answer.output:
        match item.type:
            case "reasoning":
                pieces.append(Thought("".join(part.text for part in item.summary), item.encrypted_content or ""))
            case "message":
                pieces += [Words(part.text) for part in item.content]
            case "function_call":
                pieces.append(Call(item.call_id, item.name, _object(item.arguments)))
    reason = answer.incomplete_details.reason if answer.incomplete_details else None
    ending = f"{answer.status}/{reason}" if reason else answer.status
    history = tuple(item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output)
    return Heard(tuple(pieces), ending, answer.usage, history)


def _anthropic(streamed: bool) -> Heard:
    asked: Any = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}
    if streamed:
        with _claude().messages.stream(**asked) as stream:
            answer: Any = stream.get_final_message()
    else:
        answer = _claude().messages.create(**asked)
    pieces: list[Piece] = []
    for block in answer.content:
        match block.type:
            case "thinking":
                pieces.append(Thought(block.thinking, block.signature))
            case "text":
                pieces.append(Words(block.text))
            case "tool_use":
                pieces.append(Call(block.id, block.name, block.input))
    turn = {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]}
    return Heard(tuple(pieces), answer.stop_reason, answer.usage, (turn,))


def _gemini(streamed: bool) -> Heard:
    models = _genai().models
    if streamed:
        answers = list(models.generate_content_stream(model="m", contents="Hi"))
    else:
        answers = [models.generate_content(model="m", contents="Hi")]
    pieces: list[Piece] = []
    reasons, parts = [], []
    for answer in answers:
        for candidate in answer.candidates or ():
            reasons += [candidate.finish_reason.value] if candidate.finish_reason else []
            for part in (candidate.content.parts if candidate.content else None) or ():
                _gemini_part(part, pieces)
                parts.append(part.model_dump(mode="json", by_alias=True, exclude_none=True))
    if answers and (feedback := answers[-1].prompt_feedback):
        assert feedback.block_reason is not None
        reasons.append(feedback.block_reason.value)
    if not reasons:
        raise LookupError("The stream ended without a finish reason.")
    (reason,) = reasons
    return Heard(tuple(pieces), reason, answers[-1].usage_metadata, ({"role": "model", "parts": parts},))


def _gemini_part(part: types.Part, pieces: list[Piece]) -> None:
    """Words are added up as a program that reads the stream does."""
    state = _text_of(part.thought_signature)
    if (call := part.function_call) is not None:
        pieces.append(Call(call.id or "", call.name or "", call.args or {}, state))
    elif part.text:
        kind: type[Words] | type[Thought] = Thought if part.thought else Words
        earlier = pieces.pop().text if pieces and isinstance(pieces[-1], kind) else ""  # type: ignore[union-attr]
        pieces.append(kind(earlier + part.text))


def _text_of(signature: bytes | None) -> str:
    return b64encode(signature).decode() if signature else ""


def _object(arguments: str) -> dict[str, Any]:
    value = json.loads(arguments)
    assert isinstance(value, dict)
    return value


_ASK: dict[str, Callable[[bool], Heard]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
