"""Anthropic Messages, by the `anthropic` SDK."""

from collections.abc import Sequence
from typing import Any

import anthropic

from tests.endtoend.matrix.scenario import Ask, Called, Counts, Function, Heard, Piece, Wire

_FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "filter",
}
_MARK = {"cache_control": {"type": "ephemeral"}}


class AnthropicDoor:
    name = "anthropic"
    errors: type[Exception] = anthropic.APIStatusError

    def __init__(self, url: str, key: str) -> None:
        self.wire = Wire()
        self._client = anthropic.Anthropic(
            base_url=url + "/api/ai", api_key=key, max_retries=0, http_client=self.wire.client
        )

    def talk(self) -> "AnthropicTalk":
        return AnthropicTalk(self._client)

    def status(self, error: Exception) -> int:
        assert isinstance(error, anthropic.APIStatusError)
        return error.status_code

    def close(self) -> None:
        self._client.close()
        self.wire.client.close()


class AnthropicTalk:
    def __init__(self, client: anthropic.Anthropic) -> None:
        self._client = client
        self._history: list[Any] = []

    def say(self, *pieces: Piece) -> None:
        content = pieces[0] if len(pieces) == 1 and isinstance(pieces[0], str) else [_block(item) for item in pieces]
        self._history.append({"role": "user", "content": content})

    def answer(self, results: Sequence[tuple[Called, Sequence[Piece]]]) -> None:
        blocks = [
            {"type": "tool_result", "tool_use_id": call.id, "content": [_block(item) for item in pieces]}
            for call, pieces in results
        ]
        self._history.append({"role": "user", "content": blocks})

    def ask(self, ask: Ask, streamed: bool) -> Heard:
        body: dict[str, Any] = {
            "model": ask.model,
            "messages": list(self._history),
            "max_tokens": ask.max_tokens,
        }
        if ask.system:
            block = {"type": "text", "text": ask.system, **(_MARK if ask.cached else {})}
            body["system"] = [block] if ask.cached else ask.system
        if ask.tools:
            body["tools"] = [_tool(function) for function in ask.tools]
        config: dict[str, Any] = {}
        if ask.effort:
            body["thinking"] = {"type": "adaptive", "display": "summarized"}
            config["effort"] = ask.effort
        if ask.stop:
            body["stop_sequences"] = list(ask.stop)
        if ask.schema:
            config["format"] = {"type": "json_schema", "schema": ask.schema}
        if config:
            body["output_config"] = config
        answer = self._streamed(body) if streamed else self._client.messages.create(**body)
        if answer.content:
            self._history.append({"role": "assistant", "content": answer.content})
        return _heard(answer)

    def _streamed(self, body: dict[str, Any]) -> anthropic.types.Message:
        with self._client.messages.stream(**body) as stream:
            return stream.get_final_message()


def _block(piece: Piece) -> dict[str, Any]:
    if isinstance(piece, str):
        return {"type": "text", "text": piece}
    kind = "document" if piece.mime == "application/pdf" else "image"
    return {"type": kind, "source": {"type": "base64", "media_type": piece.mime, "data": piece.base64}}


def _tool(function: Function) -> dict[str, Any]:
    return {"name": function.name, "description": function.description, "input_schema": function.schema}


def _heard(answer: Any) -> Heard:
    usage = answer.usage
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    text = "".join(block.text for block in answer.content if block.type == "text")
    refusal = answer.stop_reason == "refusal"
    assert all(block.signature for block in answer.content if block.type == "thinking"), "unsigned thinking"
    return Heard(
        text="" if refusal else text,
        reasoning="".join(block.thinking for block in answer.content if block.type == "thinking"),
        calls=tuple(
            Called(block.id, block.name, block.input) for block in answer.content if block.type == "tool_use"
        ),
        finish=_FINISHES[answer.stop_reason],
        refusal=refusal,
        words=((answer.stop_details.explanation if answer.stop_details else None) or text) if refusal else "",
        stop_sequence=answer.stop_sequence,
        counts=Counts(
            input=usage.input_tokens + read + written,
            cached=read,
            cache_write=written,
            output=usage.output_tokens,
            reasoning=details.thinking_tokens if details else None,
        ),
    )
