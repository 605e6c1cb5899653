"""Gemini generateContent, by the `google-genai` SDK."""

from collections.abc import Sequence
from typing import Any

from google import genai
from google.genai import errors, types

from tests.endtoend.matrix.scenario import Ask, Called, Counts, Function, Heard, Piece, Wire

_FINISHES = {"STOP": "stop", "MAX_TOKENS": "length"}


class GeminiDoor:
    name = "gemini"
    errors: type[Exception] = errors.APIError

    def __init__(self, url: str, key: str) -> None:
        self.wire = Wire()
        options = types.HttpOptions(base_url=url + "/api/ai", httpx_client=self.wire.client)
        self._client = genai.Client(api_key=key, http_options=options)

    def talk(self) -> "GeminiTalk":
        return GeminiTalk(self._client)

    def status(self, error: Exception) -> int:
        assert isinstance(error, errors.APIError)
        return error.code

    def close(self) -> None:
        self._client.close()
        self.wire.client.close()


class GeminiTalk:
    def __init__(self, client: genai.Client) -> None:
        self._client = client
        self._history: list[Any] = []

    def say(self, *pieces: Piece) -> None:
        self._history.append(types.Content(role="user", parts=[_part(item) for item in pieces]))

    def answer(self, results: Sequence[tuple[Called, Sequence[Piece]]]) -> None:
        parts = [
            types.Part(
                function_response=types.FunctionResponse(
                    id=call.id,
                    name=call.name,
                    response={"output": "".join(item for item in pieces if isinstance(item, str))},
                    parts=[_inner(item) for item in pieces if not isinstance(item, str)] or None,
                )
            )
            for call, pieces in results
        ]
        self._history.append(types.Content(role="user", parts=parts))

    def ask(self, ask: Ask, streamed: bool) -> Heard:
        config = types.GenerateContentConfig(
            system_instruction=ask.system,
            max_output_tokens=ask.max_tokens,
            stop_sequences=list(ask.stop) or None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        if ask.tools:
            config.tools = [types.Tool(function_declarations=[_tool(function) for function in ask.tools])]
        if ask.effort:
            level = types.ThinkingLevel(ask.effort.upper())
            config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_level=level)
        if ask.schema:
            config.response_mime_type = "application/json"
            config.response_json_schema = ask.schema
        said: Any = {"model": ask.model, "contents": list(self._history), "config": config}
        if streamed:
            answers = list(self._client.models.generate_content_stream(**said))
        else:
            answers = [self._client.models.generate_content(**said)]
        # As the SDK's own chats do: the contents of all chunks, one after the other.
        contents = [item.candidates[0].content for item in answers if item.candidates and item.candidates[0].content]
        self._history += [content for content in contents if content.parts]
        return _heard(answers, [part for content in contents for part in content.parts or ()])


def _part(piece: Piece) -> types.Part:
    if isinstance(piece, str):
        return types.Part(text=piece)
    return types.Part.from_bytes(data=piece.raw, mime_type=piece.mime)


def _inner(piece: Any) -> types.FunctionResponsePart:
    return types.FunctionResponsePart(inline_data=types.FunctionResponseBlob(data=piece.raw, mime_type=piece.mime))


def _tool(function: Function) -> types.FunctionDeclaration:
    return types.FunctionDeclaration(
        name=function.name, description=function.description, parameters_json_schema=function.schema
    )


def _heard(answers: list[Any], parts: list[types.Part]) -> Heard:
    reasons = [item.candidates[0].finish_reason for item in answers if item.candidates]
    reason = next((found.value for found in reversed(reasons) if found), None)
    calls = [part.function_call for part in parts if part.function_call]
    usage = next(item.usage_metadata for item in reversed(answers) if item.usage_metadata)
    finish = _FINISHES.get(str(reason), "filter")
    thoughts = usage.thoughts_token_count or 0
    text = "".join(part.text for part in parts if part.text and not part.thought)
    return Heard(
        text="" if finish == "filter" else text,
        reasoning="".join(part.text for part in parts if part.text and part.thought),
        calls=tuple(Called(str(call.id), str(call.name), dict(call.args or {})) for call in calls),
        finish="tool_calls" if calls and finish == "stop" else finish,
        refusal=finish == "filter",
        words=text if finish == "filter" else "",
        counts=Counts(
            input=(usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0),
            cached=usage.cached_content_token_count or 0,
            output=(usage.candidates_token_count or 0) + thoughts,
            reasoning=thoughts,
        ),
    )
