"""The simulated providers, seen by the official SDKs and by a bare client."""

import asyncio
import json
import time
from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from gateway.model import Usage
from gateway.providers.models import MODELS as REGISTRY
from gateway.simulated.faults import KINDS
from gateway.simulated.server import SimulatedProviders

MODELS = {
    "openai": ("gpt-4.1-mini", "gpt-4.1-nano", "o3", "text-embedding-3-small"),
    "xai": ("grok-4.3", "grok-3-mini"),
    "anthropic": ("claude-sonnet-4-6", "claude-haiku-4-5"),
    "google": ("gemini-2.5-flash", "gemini-embedding-001"),
}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAMES = ("get_weather", "get_time")
QUESTION = "Weather and time in Paris?"


def price(provider: str, model: str, usage: Usage, at_us: int) -> tuple[int | None, str, str | None]:
    return 12_345, "list", model


@pytest.fixture
async def providers() -> AsyncIterator[SimulatedProviders]:
    simulated = SimulatedProviders(pace=0, price=price)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "gpt-4.1-nano", "o3", "grok-4.3", "grok-3-mini"])
async def test_the_openai_sdk(providers: SimulatedProviders, model: str) -> None:
    name = "xai" if model.startswith("grok") else "openai"
    tools: Any = [{"type": "function", "function": {"name": item, "parameters": CITY}} for item in NAMES]
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    async with openai.AsyncOpenAI(base_url=providers.base_urls[name], api_key="demo", max_retries=0) as client:
        whole = await client.chat.completions.create(model=model, messages=messages, tools=tools)
        calls = whole.choices[0].message.tool_calls
        assert whole.choices[0].finish_reason == "tool_calls" and calls and len(calls) == 2
        messages.append(whole.choices[0].message.model_dump(exclude_none=True))
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "12 °C"} for call in calls]
        stream = await client.chat.completions.create(
            model=model, messages=messages, tools=tools, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert "12 °C" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    used = chunks[-1].usage
    assert used and used.completion_tokens_details
    reasoning = used.completion_tokens_details.reasoning_tokens or 0
    outside = reasoning if name == "xai" else 0
    assert used.total_tokens == used.prompt_tokens + used.completion_tokens + outside
    assert (reasoning > 0) == (model in ("o3", "grok-4.3", "grok-3-mini"))
    assert getattr(used, "cost_in_usd_ticks", None) == (123_450 if name == "xai" else None)
    assert (getattr(whole.usage, "cost_in_usd_ticks", None) is not None) == (name == "xai")


async def test_functions_of_before_tools_are_called_in_their_own_form(providers: SimulatedProviders) -> None:
    asked: Any = {
        "model": "gpt-4.1-mini",
        "messages": [{"role": "user", "content": QUESTION}],
        "functions": [{"name": NAMES[0], "parameters": CITY}],
    }
    async with openai.AsyncOpenAI(base_url=providers.base_urls["openai"], api_key="demo", max_retries=0) as client:
        whole = await client.chat.completions.create(**asked)
        chunks = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
    call = whole.choices[0].message.function_call
    assert call and call.name == NAMES[0] and whole.choices[0].finish_reason == "function_call"
    assert any(chunk.choices[0].delta.function_call for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "function_call"


@pytest.mark.parametrize(
    "more",
    [
        rb'"tools":[{"type":"function","function":{"name":"f","parameters":{"maximum":1e400}}}]',
        rb'"tools":[{"type":"function","function":{"name":"f","description":"cut \ud83d"}}]',
        b'"stream_options":{"include_usage":null}',
    ],
    ids=["number", "half a pair", "null"],
)
@pytest.mark.parametrize("before", [b"", BOM_UTF8], ids=["", "marked"])
async def test_what_the_gateway_forgives_is_answered(
    providers: SimulatedProviders, before: bytes, more: bytes
) -> None:
    body = before + b'{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Hi"}],' + more + b"}"
    headers = {"authorization": "Bearer demo"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{providers.base_urls['openai']}/chat/completions", data=body, headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def test_the_anthropic_sdk(providers: SimulatedProviders) -> None:
    arguments: Any = {
        "model": "claude-haiku-4-5",
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [{"name": item, "input_schema": CITY} for item in NAMES],
        "messages": [{"role": "user", "content": QUESTION}],
    }
    base = providers.base_urls["anthropic"]
    async with anthropic.AsyncAnthropic(base_url=base, api_key="demo", max_retries=0) as client:
        async with client.messages.stream(**arguments) as stream:
            first = await stream.get_final_message()
        calls = [block for block in first.content if block.type == "tool_use"]
        assert first.stop_reason == "tool_use" and [call.input for call in calls] == [{"city": "Paris"}] * 2
        assert first.content[0].type == "thinking" and first.content[0].signature
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "12 °C"} for call in calls]
        arguments["messages"] += [
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
            {"role": "user", "content": results},
        ]
        second = await client.messages.create(**arguments)
        counted = await client.messages.count_tokens(
            model="claude-haiku-4-5", messages=[{"role": "user", "content": QUESTION}]
        )
    assert second.stop_reason == "end_turn" and "12 °C" in second.content[-1].text  # type: ignore[union-attr]
    assert second.usage.output_tokens > 0 and counted.input_tokens > 0


def talk_to_google(base_url: str) -> None:
    declared = [types.FunctionDeclaration(name=item, parameters_json_schema=CITY) for item in NAMES]
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=declared)])
    asked = types.Content(role="user", parts=[types.Part(text=QUESTION)])
    model = "gemini-2.5-flash"
    with genai.Client(api_key="demo", http_options=types.HttpOptions(base_url=base_url)) as client:
        whole = client.models.generate_content(model=model, contents=[asked], config=config)
        calls = whole.function_calls or []
        assert [call.args for call in calls] == [{"city": "Paris"}] * 2 and whole.candidates
        results = [
            types.Part(function_response=types.FunctionResponse(name=call.name, response={"output": "12 °C"}))
            for call in calls
        ]
        contents: Any = [asked, whole.candidates[0].content, types.Content(role="user", parts=results)]
        chunks = list(client.models.generate_content_stream(model=model, contents=contents, config=config))
        counted = client.models.count_tokens(model=model, contents="hello there")
    assert "12 °C" in "".join(chunk.text or "" for chunk in chunks) and counted.total_tokens
    used = chunks[-1].usage_metadata
    assert used and (used.thoughts_token_count or 0) > 0
    parts = (used.prompt_token_count, used.candidates_token_count, used.thoughts_token_count)
    assert used.total_token_count == sum(part or 0 for part in parts)


async def test_the_google_sdk(providers: SimulatedProviders) -> None:
    # In a thread: the SDK's asynchronous client subclasses what aiohttp warns against subclassing.
    await asyncio.to_thread(talk_to_google, providers.base_urls["google"])


CREDENTIALS = {
    "openai": {"authorization": "Bearer demo"},
    "xai": {"authorization": "Bearer demo"},
    "anthropic": {"x-api-key": "demo", "anthropic-version": "2023-06-01"},
    "google": {"x-goog-api-key": "demo"},
}


def asked(name: str, text: str, stream: bool, model: str | None = None) -> tuple[str, dict[str, Any]]:
    model = model or MODELS[name][0]
    if name == "google":
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{verb}", {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    body = {"model": model, "max_tokens": 1000, "stream": stream, "messages": [{"role": "user", "content": text}]}
    return "/v1/messages" if name == "anthropic" else "/chat/completions", body


async def send(
    providers: SimulatedProviders,
    name: str,
    text: str,
    stream: bool = False,
    *,
    model: str | None = None,
    key: bool = True,
) -> tuple[int, bytes, Any]:
    path, body = asked(name, text, stream, model)
    headers = CREDENTIALS[name] if key else {"anthropic-version": "2023-06-01"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(providers.base_urls[name] + path, json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.read(), answer.headers


STATUSES = {
    "openai": {"401": 401, "429": 429, "500": 500, "503": 503, "html": 502},
    "xai": {"401": 400, "429": 429, "500": 500, "503": 503, "html": 502},
    "anthropic": {"401": 401, "429": 429, "500": 500, "503": 503, "html": 502},
    "google": {"401": 400, "429": 429, "500": 500, "503": 503, "html": 502},
}


@pytest.mark.parametrize("name", STATUSES)
async def test_failures_by_marker_and_by_order(providers: SimulatedProviders, name: str) -> None:
    for kind, status in STATUSES[name].items():
        assert (await send(providers, name, f"please [fail:{kind}]"))[0] == status
        providers.fail(name, kind, times=2)
        assert [(await send(providers, name, "hi"))[0] for _ in range(3)] == [status, status, 200]
    assert (await send(providers, name, "hi", key=False))[0] in (400, 401)
    assert (await send(providers, name, "hi", model="no-such-model"))[0] == 404
    with pytest.raises(ValueError, match="half-stream"):
        providers.fail(name, "no-such-failure")


async def test_every_model_that_we_know_is_served(providers: SimulatedProviders) -> None:
    known = [model for model in REGISTRY if model.kind == "chat"]
    assert {"gpt-4.1-nano", "o4-mini", "gemini-2.0-flash", "grok-3", "claude-opus-4-6"} <= {
        model.id for model in known
    }
    for model in known:
        assert (await send(providers, model.provider, "hi", model=model.id))[0] == 200, model.id
    assert (await send(providers, "anthropic", "hi", model="claude-haiku-4-5-20251001"))[0] == 200


@pytest.mark.parametrize("name", STATUSES)
async def test_half_a_stream_and_a_stalled_one(providers: SimulatedProviders, name: str) -> None:
    whole = (await send(providers, name, "tell me more", True))[1]
    half = (await send(providers, name, "tell me more [fail:half-stream]", True))[1]
    assert 0 < len(half) < len(whole) and not half.endswith(b"[DONE]\n\n") and b"message_stop" not in half
    with pytest.raises(aiohttp.ClientPayloadError):
        await send(providers, name, "tell me more [fail:half-stream]")
    for stream in (True, False):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await send(providers, name, "tell me more [fail:stall]", stream)
    assert {"stall", "half-stream"} < set(KINDS)


async def test_lists_and_keys(providers: SimulatedProviders) -> None:
    paths = {"openai": "/models", "xai": "/api-key", "anthropic": "/v1/models", "google": "/v1beta/models"}
    async with aiohttp.ClientSession() as session:
        for name, path in paths.items():
            async with session.get(providers.base_urls[name] + path, headers=CREDENTIALS[name]) as answer:
                assert answer.status == 200
                text = await answer.text()
            assert name == "xai" or all(model in text for model in MODELS[name])


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_embeddings_depend_on_the_text_alone(providers: SimulatedProviders, encoding: Any) -> None:
    async with openai.AsyncOpenAI(base_url=providers.base_urls["openai"], api_key="demo") as client:
        answer = await client.embeddings.create(
            model="text-embedding-3-small", input=["a", "b", "a"], dimensions=6, encoding_format=encoding
        )
    first, second, third = (item.embedding for item in answer.data)
    assert first == third != second and answer.usage.prompt_tokens == 3


async def test_an_unreadable_body_is_refused(providers: SimulatedProviders) -> None:
    paths = ["/chat/completions", "/embeddings"]
    async with aiohttp.ClientSession() as session:
        for path in paths:
            url = providers.base_urls["openai"] + path
            async with session.post(url, data=b"{nonsense", headers=CREDENTIALS["openai"]) as answer:
                assert answer.status == 400 and (await answer.json())["error"]["message"]


async def test_gemini_embeddings(providers: SimulatedProviders) -> None:
    body = {"requests": [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "abcde"}]}}]}
    url = providers.base_urls["google"] + "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=CREDENTIALS["google"]) as answer,
    ):
        found = await answer.json()
    assert len(found["embeddings"][0]["values"]) == 3072 and found["usageMetadata"]["promptTokenCount"] == 2


async def test_a_repeated_beginning_is_read_from_the_cache(providers: SimulatedProviders) -> None:
    long = "word " * 2000

    async def cached(name: str, text: str, **more: Any) -> int:
        path, body = asked(name, text, False)
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                providers.base_urls[name] + path, json={**body, **more}, headers=CREDENTIALS[name]
            ) as answer,
        ):
            usage = (await answer.json())["usage"]
        details = usage.get("prompt_tokens_details", usage)
        return int(details.get("cached_tokens", details.get("cache_read_input_tokens")))

    assert [await cached("openai", long) > 0 for _ in range(2)] == [False, True]
    assert [await cached("anthropic", long) > 0 for _ in range(2)] == [False, False]
    marked = {"system": [{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}]}
    assert [await cached("anthropic", "hi", **marked) > 0 for _ in range(2)] == [False, True]


async def test_it_takes_its_time() -> None:
    simulated = SimulatedProviders(pace=0.2)
    await simulated.start()
    try:
        path, body = asked("openai", "how long?", True)
        begun, arrivals = time.monotonic(), []
        async with (
            aiohttp.ClientSession() as session,
            session.post(simulated.base_urls["openai"] + path, json=body, headers=CREDENTIALS["openai"]) as answer,
        ):
            async for chunk in answer.content.iter_any():
                arrivals.append((time.monotonic() - begun, chunk))
    finally:
        await simulated.stop()
    # 0.42 s to the first word and about 60 tokens at 115 a second, a fifth of it.
    assert len(arrivals) > 5 and arrivals[-1][0] > 0.1
    assert json.loads(arrivals[0][1].split(b"\n")[0][6:])["choices"]
