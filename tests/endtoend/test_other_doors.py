"""The official Anthropic and Google SDKs at their own doors, over the four providers, whole and streamed."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from google import genai
from google.genai import types

from tests.endtoend.serving import MODELS, PROVIDERS, Served
from tests.provider.client import ProviderProcess

EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=PROVIDERS)
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
MESSAGES = "/api/ai/v1/messages"


@pytest.fixture(scope="module")
def claude(gateway: Served) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=gateway.key(), max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def gemini(gateway: Served) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=gateway.url + "/api/ai")
    with genai.Client(api_key=gateway.key(), http_options=options) as made:
        yield made


def ask_claude(client: anthropic.Anthropic, model: str, streamed: bool, **more: Any) -> anthropic.types.Message:
    if not streamed:
        return client.messages.create(model=model, max_tokens=500, **more)
    with client.messages.stream(model=model, max_tokens=500, **more) as stream:
        return stream.get_final_message()


@EVERY
@BOTH
def test_the_anthropic_sdk_chats_with_every_provider(
    claude: anthropic.Anthropic, gateway: Served, provider: ProviderProcess, model: str, streamed: bool
) -> None:
    message = ask_claude(
        claude,
        model,
        streamed,
        system="Be brief.",
        messages=[{"role": "user", "content": f"Hello {model} {streamed}"}],
    )
    row = gateway.last()
    entry = provider.ledger()[-1]
    assert "".join(block.text for block in message.content if block.type == "text") == entry["answer"]["text"]
    assert message.stop_reason == "end_turn"
    usage = message.usage
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    assert usage.input_tokens + read + written == row.input_tokens == entry["input"]
    assert usage.output_tokens == row.output_tokens == entry["output"]
    assert (row.door, row.outcome, row.usage_source, row.streamed) == ("anthropic", "ok", "provider", streamed)


@EVERY
@BOTH
def test_the_anthropic_sdk_calls_tools_of_every_provider(
    claude: anthropic.Anthropic, model: str, streamed: bool
) -> None:
    tools: Any = [{"name": "get_weather", "description": "Weather.", "input_schema": SCHEMA}]
    question: Any = {"role": "user", "content": "Weather? [[tool]]"}
    asked = ask_claude(claude, model, streamed, tools=tools, messages=[question])
    calls = [block for block in asked.content if block.type == "tool_use"]
    assert asked.stop_reason == "tool_use" and calls and set(calls[0].input) >= {"city", "days"}
    results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
    history: Any = [question, {"role": "assistant", "content": asked.content}, {"role": "user", "content": results}]
    answered = ask_claude(claude, model, streamed, tools=tools, messages=history)
    assert answered.stop_reason == "end_turn"


@pytest.mark.parametrize("name", ["openai", "google", "xai"])
def test_the_tool_runner_of_the_anthropic_sdk_goes_on_without_a_thread_that_no_other_provider_keeps(
    claude: anthropic.Anthropic, gateway: Served, name: str
) -> None:
    @anthropic.beta_tool
    def get_weather(city: str, days: int) -> str:
        """Weather."""
        return f"sunny in {city} for {days} days"

    question: Any = {"role": "user", "content": f"Weather for {name}? [[tool]]"}
    runner = claude.beta.messages.tool_runner(
        model=MODELS[name], max_tokens=500, tools=[get_weather], messages=[question]
    )
    message = runner.until_done()
    assert message.stop_reason == "end_turn" and message.content[-1].type == "text"
    row = gateway.last()
    assert (row.outcome, row.provider, row.usage_source) == ("ok", name, "provider")


def test_the_anthropic_door_passes_bytes_beta_headers_and_version_on(gateway: Served) -> None:
    body = b'{ "model":"claude-sonnet-4-6" , "max_tokens":64, "messages":[{"role":"user","content":"\\u0068i [[echo]]"}]}'
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "one,two", "x-api-key": gateway.key()}
    reply = gateway.ask("POST", MESSAGES + "?beta=true", body, headers=headers)
    echoed = json.loads(reply.json["content"][0]["text"])
    sent = {name.lower(): value for name, value in echoed["headers"].items()}
    assert echoed["body"] == body.decode()
    assert (sent["anthropic-version"], sent["anthropic-beta"]) == ("2023-06-01", "one,two")
    assert reply.headers["request-id"] == reply.id


def test_claude_code_says_who_its_user_is(gateway: Served) -> None:
    user = json.dumps({"device_id": "device-1", "account_uuid": "account-1", "session_id": "s"})
    body = {"model": "claude-sonnet-4-6", "max_tokens": 9, "metadata": {"user_id": user}}
    gateway.ask("POST", MESSAGES, {**body, "messages": [{"role": "user", "content": "hi"}]}, key=gateway.key())
    row = gateway.last()
    assert row.end_user == "account-1"


@BOTH
def test_an_error_in_the_middle_is_raised_by_the_anthropic_sdk(claude: anthropic.Anthropic, streamed: bool) -> None:
    with pytest.raises(anthropic.APIStatusError) as raised:
        ask_claude(claude, "gpt-4.1-mini", streamed, messages=[{"role": "user", "content": "x [[half]]"}])
    assert raised.value.body["type"] == "error"  # type: ignore[index, call-overload]


@EVERY
@BOTH
async def test_the_google_sdk_chats_with_every_provider(
    gemini: genai.Client, gateway: Served, provider: ProviderProcess, model: str, streamed: bool
) -> None:
    def ask() -> tuple[str, Any, Any]:
        contents = f"Hello {model} {streamed}"
        if not streamed:
            whole = gemini.models.generate_content(model=model, contents=contents)
            assert whole.candidates
            return whole.text or "", whole.usage_metadata, whole.candidates[0].finish_reason
        chunks = list(gemini.models.generate_content_stream(model=model, contents=contents))
        text = "".join(chunk.text or "" for chunk in chunks)
        assert chunks[-1].candidates
        return text, chunks[-1].usage_metadata, chunks[-1].candidates[0].finish_reason

    text, usage, reason = await asyncio.to_thread(ask)
    row = gateway.last()
    entry = provider.ledger()[-1]
    assert text == entry["answer"]["text"]
    assert reason == types.FinishReason.STOP
    prompt = usage.prompt_token_count + (usage.tool_use_prompt_token_count or 0)
    assert prompt == row.input_tokens == entry["input"]
    assert (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0) == row.output_tokens
    assert row.output_tokens == entry["output"]
    assert (row.door, row.outcome, row.usage_source, row.streamed) == ("gemini", "ok", "provider", streamed)


@EVERY
def test_the_google_sdk_calls_tools_of_every_provider(gemini: genai.Client, model: str) -> None:
    declared: Any = {"name": "get_weather", "description": "Weather.", "parameters_json_schema": SCHEMA}
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[types.FunctionDeclaration(**declared)])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    asked = gemini.models.generate_content(model=model, contents="Weather? [[tool]]", config=config)
    calls = asked.function_calls or []
    assert calls and set(calls[0].args or {}) >= {"city", "days"}
    assert asked.candidates and asked.candidates[0].content
    results = [
        types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": "sunny"}))
        for call in calls
    ]
    history: Any = [
        types.Content(role="user", parts=[types.Part(text="Weather? [[tool]]")]),
        asked.candidates[0].content,
        types.Content(role="user", parts=results),
    ]
    answered = gemini.models.generate_content(model=model, contents=history, config=config)
    assert answered.text


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_streamed_chat_of_the_google_sdk_calls_functions_by_itself(
    gemini: genai.Client, gateway: Served, name: str
) -> None:
    def get_weather(city: str, days: int) -> str:
        """Weather."""
        return f"sunny in {city} for {days} days"

    config = types.GenerateContentConfig(tools=[get_weather])
    chat = gemini.chats.create(model=MODELS[name], config=config)
    said = "".join(chunk.text or "" for chunk in chat.send_message_stream(f"Weather for {name}? [[tool]]"))
    row = gateway.last()
    assert said and (row.outcome, row.provider, row.streamed) == ("ok", name, True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/ai/v1beta/models/gemini-2.5-flash:generateContent", 200),
        ("/api/ai/v1/models/gemini-2.5-flash:generateContent", 200),
        ("/api/ai/v1beta/models/gemini-2.5-flash:fly", 404),
        ("/api/ai/v1beta/models/nothing-like-it:generateContent", 404),
    ],
)
def test_the_gemini_door_by_its_paths(gateway: Served, path: str, status: int) -> None:
    reply = gateway.ask("POST", path, {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}, key=gateway.key())
    assert reply.status == status
    if status != 200:
        assert reply.json["error"]["code"] == status
