"""OpenAI Responses, by the `openai` SDK."""

import json
from collections.abc import Sequence
from typing import Any

import openai

from tests.endtoend.matrix.scenario import Ask, Called, Counts, Function, Heard, Piece, Wire


class ResponsesDoor:
    name = "openai_responses"
    errors: type[Exception] = openai.APIStatusError

    def __init__(self, url: str, key: str) -> None:
        self.wire = Wire()
        self._client = openai.OpenAI(
            base_url=url + "/api/ai/v1", api_key=key, max_retries=0, http_client=self.wire.client
        )

    def talk(self) -> "ResponsesTalk":
        return ResponsesTalk(self._client)

    def status(self, error: Exception) -> int:
        assert isinstance(error, openai.APIStatusError)
        return error.status_code

    def close(self) -> None:
        self._client.close()
        self.wire.client.close()


class ResponsesTalk:
    def __init__(self, client: openai.OpenAI) -> None:
        self._client = client
        self._history: list[Any] = []

    def say(self, *pieces: Piece) -> None:
        content = pieces[0] if len(pieces) == 1 and isinstance(pieces[0], str) else [_part(item) for item in pieces]
        self._history.append({"role": "user", "content": content})

    def answer(self, results: Sequence[tuple[Called, Sequence[Piece]]]) -> None:
        for call, pieces in results:
            plain = len(pieces) == 1 and isinstance(pieces[0], str)
            output = pieces[0] if plain else [_part(item) for item in pieces]
            self._history.append({"type": "function_call_output", "call_id": call.id, "output": output})

    def ask(self, ask: Ask, streamed: bool) -> Heard:
        # A history that the client keeps itself, as agents do.
        body: dict[str, Any] = {
            "model": ask.model,
            "input": list(self._history),
            "max_output_tokens": ask.max_tokens,
            "store": False,
        }
        if ask.system:
            body["instructions"] = ask.system
        if ask.tools:
            body["tools"] = [_tool(function) for function in ask.tools]
        if ask.effort:
            body["reasoning"] = {"effort": ask.effort, "summary": "auto"}
            body["include"] = ["reasoning.encrypted_content"]
        if ask.stop:
            # The SDK has no word for it here.
            body["extra_body"] = {"stop": list(ask.stop)}
        if ask.schema:
            wanted = {"type": "json_schema", "name": "answer", "schema": ask.schema, "strict": True}
            body["text"] = {"format": wanted}
        answer = self._streamed(body) if streamed else self._client.responses.create(**body)
        self._history += answer.output
        return _heard(answer)

    def _streamed(self, body: dict[str, Any]) -> Any:
        with self._client.responses.stream(**body) as stream:
            for event in stream:
                if event.type == "response.completed":
                    return stream.get_final_response()
                if event.type == "response.incomplete":
                    # The final response would raise for an answer that was cut or filtered.
                    return event.response
        raise AssertionError("The stream ended without a terminal event.")


def _part(piece: Piece) -> dict[str, Any]:
    if isinstance(piece, str):
        return {"type": "input_text", "text": piece}
    if piece.mime == "application/pdf":
        return {"type": "input_file", "filename": "paper.pdf", "file_data": piece.url}
    return {"type": "input_image", "image_url": piece.url, "detail": "auto"}


def _tool(function: Function) -> dict[str, Any]:
    said = {"name": function.name, "description": function.description, "parameters": function.schema}
    return {"type": "function", **said, "strict": False}


def _heard(answer: Any) -> Heard:
    calls = [item for item in answer.output if item.type == "function_call"]
    messages = [part for item in answer.output if item.type == "message" for part in item.content]
    summaries = [part.text for item in answer.output if item.type == "reasoning" for part in item.summary]
    reason = answer.incomplete_details.reason if answer.incomplete_details else None
    finish = {"max_output_tokens": "length", "content_filter": "filter", None: "tool_calls" if calls else "stop"}[
        reason
    ]
    assert answer.status == ("incomplete" if reason else "completed"), answer
    usage = answer.usage
    return Heard(
        text="".join(part.text for part in messages if part.type == "output_text"),
        reasoning="".join(summaries),
        calls=tuple(Called(item.call_id, item.name, json.loads(item.arguments)) for item in calls),
        finish=finish,
        refusal=finish == "filter" or any(part.type == "refusal" for part in messages),
        words="".join(part.refusal for part in messages if part.type == "refusal"),
        counts=Counts(
            input=usage.input_tokens,
            cached=usage.input_tokens_details.cached_tokens,
            cache_write=usage.input_tokens_details.cache_write_tokens,
            output=usage.output_tokens,
            reasoning=usage.output_tokens_details.reasoning_tokens,
        ),
    )
