"""OpenAI chat, by the `openai` SDK."""

import json
from collections.abc import Sequence
from typing import Any

import openai

from tests.endtoend.matrix.scenario import Ask, Called, Counts, Function, Heard, Piece, Wire


class ChatDoor:
    name = "openai_chat"
    errors: type[Exception] = openai.APIStatusError

    def __init__(self, url: str, key: str) -> None:
        self.wire = Wire()
        self._client = openai.OpenAI(
            base_url=url + "/api/ai/v1", api_key=key, max_retries=0, http_client=self.wire.client
        )

    def talk(self) -> "ChatTalk":
        return ChatTalk(self._client)

    def status(self, error: Exception) -> int:
        assert isinstance(error, openai.APIStatusError)
        return error.status_code

    def close(self) -> None:
        self._client.close()
        self.wire.client.close()


class ChatTalk:
    def __init__(self, client: openai.OpenAI) -> None:
        self._client = client
        self._history: list[Any] = []

    def say(self, *pieces: Piece) -> None:
        content = pieces[0] if len(pieces) == 1 and isinstance(pieces[0], str) else [_part(item) for item in pieces]
        self._history.append({"role": "user", "content": content})

    def answer(self, results: Sequence[tuple[Called, Sequence[Piece]]]) -> None:
        for call, pieces in results:
            plain = len(pieces) == 1 and isinstance(pieces[0], str)
            content = pieces[0] if plain else [_part(item) for item in pieces]
            self._history.append({"role": "tool", "tool_call_id": call.id, "content": content})

    def ask(self, ask: Ask, streamed: bool) -> Heard:
        system = [{"role": "system", "content": ask.system}] if ask.system else []
        body: dict[str, Any] = {
            "model": ask.model,
            "messages": [*system, *self._history],
            "max_completion_tokens": ask.max_tokens,
        }
        if ask.tools:
            body["tools"] = [_tool(function) for function in ask.tools]
        if ask.effort:
            body["reasoning_effort"] = ask.effort
        if ask.stop:
            body["stop"] = list(ask.stop)
        if ask.schema:
            wanted = {"name": "answer", "schema": ask.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        answer = self._streamed(body) if streamed else self._client.chat.completions.create(**body)
        choice = answer.choices[0]
        self._history.append(_given_back(choice.message) if streamed else choice.message)
        return _heard(choice, answer.usage)

    def _streamed(self, body: dict[str, Any]) -> Any:
        with self._client.chat.completions.stream(**body, stream_options={"include_usage": True}) as stream:
            # The final completion would raise for an answer that was cut or filtered.
            for _ in stream:
                pass
            return stream.current_completion_snapshot


def _given_back(message: Any) -> dict[str, Any]:
    """A streamed message as the next request's history: the fields of a message, without the stream's indices."""
    said = {name: value for name, value in message.to_dict().items() if name != "parsed" and value is not None}
    if calls := said.get("tool_calls"):
        said["tool_calls"] = [
            {
                **{name: value for name, value in call.items() if name != "index"},
                "function": {name: call["function"][name] for name in ("name", "arguments")},
            }
            for call in calls
        ]
    return said


def _part(piece: Piece) -> dict[str, Any]:
    if isinstance(piece, str):
        return {"type": "text", "text": piece}
    if piece.mime == "application/pdf":
        return {"type": "file", "file": {"filename": "paper.pdf", "file_data": piece.url}}
    return {"type": "image_url", "image_url": {"url": piece.url}}


def _tool(function: Function) -> dict[str, Any]:
    said = {"name": function.name, "description": function.description, "parameters": function.schema}
    return {"type": "function", "function": said}


def _heard(choice: Any, usage: Any) -> Heard:
    message = choice.message
    calls = [(call.id, call.function) for call in message.tool_calls or ()]
    finish = {"content_filter": "filter"}.get(choice.finish_reason, choice.finish_reason)
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    made, given = usage.completion_tokens_details, usage.prompt_tokens_details
    reasoning = (made.reasoning_tokens if made else None) or 0
    # xAI's own counts keep reasoning apart: the total tells.
    apart = reasoning if usage.total_tokens == prompt + completion + reasoning else 0
    return Heard(
        text=message.content or "",
        reasoning=getattr(message, "reasoning_content", None) or "",
        calls=tuple(Called(id, function.name, json.loads(function.arguments)) for id, function in calls),
        finish=finish,
        refusal=bool(message.refusal) or finish == "filter",
        words=message.refusal or "",
        counts=Counts(
            input=prompt,
            cached=(given.cached_tokens if given else None) or 0,
            output=completion + apart,
            reasoning=reasoning,
        ),
    )
