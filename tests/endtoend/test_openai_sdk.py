"""The official OpenAI SDK, only its base URL and key changed, over the four providers; and a bare curl."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.providers.models import MODELS as KNOWN
from tests.endtoend.serving import CHAT, EMBEDDINGS, MODELS, PROVIDERS, Served
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
CLOCK: Any = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    },
}
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=PROVIDERS)
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


@pytest.fixture(scope="module")
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0, timeout=30) as made:
        yield made


def asked(client: openai.OpenAI, model: str, messages: Any, streamed: bool, **more: Any) -> tuple[Any, Any]:
    """The answer's only choice and its usage; streams are put together by the SDK itself."""
    if not streamed:
        whole = client.chat.completions.create(model=model, messages=messages, **more)
        return whole.choices[0], whole.usage
    with client.chat.completions.stream(model=model, messages=messages, **more) as stream:
        final = stream.get_final_completion()
    return final.choices[0], final.usage


def said_by(message: Any) -> dict[str, Any]:
    """An answer as the next turn's history, from whole and streamed answers alike."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls or ()
    ]
    return {"role": "assistant", "content": message.content, **({"tool_calls": calls} if calls else {})}


@EVERY
@BOTH
def test_several_turns_under_a_system_prompt(
    client: openai.OpenAI, provider: ProviderProcess, model: str, streamed: bool
) -> None:
    messages: list[Any] = [{"role": "system", "content": "Be brief."}]
    for turn in range(3):
        messages.append({"role": "user", "content": f"Turn {turn}, please."})
        choice, _ = asked(client, model, messages, streamed)
        entry = provider.ledger()[-1]
        assert choice.message.content == entry["answer"]["text"]
        assert choice.finish_reason == "stop" and entry["streamed"] is streamed
        messages.append(said_by(choice.message))
    sees = json.loads(
        asked(client, model, [*messages, {"role": "user", "content": "[[echo]]"}], streamed)[0].message.content
    )
    for message in messages:
        # What was said in every turn reaches the provider, the system prompt included.
        assert json.dumps(message["content"], ensure_ascii=False)[1:-1] in sees["body"] or (
            json.dumps(message["content"])[1:-1] in sees["body"]
        )


@EVERY
@BOTH
@pytest.mark.parametrize("tools", [[WEATHER], [WEATHER, CLOCK]], ids=["one", "two in parallel"])
def test_litellm_34692_tool_calls_results_and_the_answer(
    client: openai.OpenAI, provider: ProviderProcess, model: str, streamed: bool, tools: Any
) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is it like there? [[tool]]"}]
    choice, _ = asked(client, model, messages, streamed, tools=tools)
    ledger_calls = provider.ledger()[-1]["answer"]["calls"]
    assert choice.finish_reason == "tool_calls"
    assert [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls] == [
        (call["name"], call["arguments"]) for call in ledger_calls
    ]
    assert len(ledger_calls) == len(tools)
    assert len({call.id for call in choice.message.tool_calls}) == len(tools)
    messages.append(said_by(choice.message))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": f'{{"{call.function.name}": "18 °C"}}'}
        for call in choice.message.tool_calls
    ]
    choice, _ = asked(client, model, messages, streamed, tools=tools)
    entry = provider.ledger()[-1]
    assert entry["rejected"] is None and entry["status"] == 200
    assert (choice.finish_reason, choice.message.content) == ("stop", entry["answer"]["text"])


@EVERY
def test_portkey_1275_parallel_calls_are_numbered_from_nought(client: openai.OpenAI, model: str) -> None:
    chunks = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "[[tool]]"}], tools=[WEATHER, CLOCK], stream=True
    )
    indices = [call.index for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or ()]
    assert sorted(set(indices)) == [0, 1] and indices == sorted(indices)


@EVERY
@BOTH
@pytest.mark.parametrize(
    ("marker", "finish"), [("", "stop"), ("[[length]]", "length"), ("[[filter]]", "content_filter")]
)
def test_finish_reasons(client: openai.OpenAI, model: str, streamed: bool, marker: str, finish: str) -> None:
    messages: Any = [{"role": "user", "content": f"Go on. {marker}"}]
    if not streamed:
        choice = client.chat.completions.create(model=model, messages=messages).choices[0]
        assert choice.finish_reason == finish
        return
    chunks = client.chat.completions.create(model=model, messages=messages, stream=True)
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert finishes[-1] == finish and set(finishes[:-1]) == {None}


@EVERY
@BOTH
def test_usage_is_what_the_provider_counted(
    client: openai.OpenAI, gateway: Served, provider: ProviderProcess, model: str, streamed: bool
) -> None:
    more: Any = {"stream_options": {"include_usage": True}} if streamed else {}
    _, usage = asked(client, model, [{"role": "user", "content": "Count."}], streamed, **more)
    entry, row = provider.ledger()[-1], gateway.last()
    assert usage.prompt_tokens == entry["input"] == row.input_tokens
    assert usage.prompt_tokens_details.cached_tokens == entry["cached"] == row.cached_tokens
    # The same dialect passes the provider's own numbers: xAI counts reasoning apart from the completion.
    reasoning = entry["reasoning"] if model.startswith("grok") else 0
    assert usage.completion_tokens == entry["output"] - reasoning and row.output_tokens == entry["output"]
    assert usage.total_tokens == entry["input"] + entry["output"]
    assert row.usage_source == "provider"


@EVERY
@pytest.mark.parametrize("asks", [None, {"include_usage": False}], ids=["unsaid", "declined"])
def test_no_usage_chunk_unless_asked_but_the_row_has_it(
    client: openai.OpenAI, gateway: Served, provider: ProviderProcess, model: str, asks: Any
) -> None:
    more: Any = {} if asks is None else {"stream_options": asks}
    chunks = list(
        client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello."}], stream=True, **more
        )
    )
    entry, row = provider.ledger()[-1], gateway.last()
    if not model.startswith("grok"):
        # xAI may put its usage on the last choice's chunk, asked or not: the same dialect leaves it there.
        assert all(chunk.usage is None for chunk in chunks)
    assert all(chunk.choices for chunk in chunks)
    assert (row.input_tokens, row.output_tokens) == (entry["input"], entry["output"])
    assert row.usage_source == "provider"


@pytest.mark.parametrize("packed", [False, True], ids=["floats", "base64"])
def test_embeddings(client: openai.OpenAI, gateway: Served, provider: ProviderProcess, packed: bool) -> None:
    more: Any = {} if packed else {"encoding_format": "float"}
    answer = client.embeddings.create(
        model="text-embedding-3-small", input=["one", "two", "three"], dimensions=16, **more
    )
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert all(len(item.embedding) == 16 for item in answer.data)
    entry, row = provider.ledger()[-1], gateway.last()
    assert entry["operation"] == "embeddings"
    assert answer.usage.prompt_tokens == entry["input"] == row.input_tokens
    assert (row.door, row.output_tokens, row.usage_source) == ("embeddings", None, "provider")
    assert row.cost_nano == entry["input"] * 20


def test_embeddings_are_not_asked_of_a_chat_provider(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="text-embedding-3-small") as refused:
        client.embeddings.create(model="claude-sonnet-4-6", input="one")
    assert refused.value.param == "model"


def test_models(client: openai.OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert set(listed) == {model.id for model in KNOWN}
    assert client.models.retrieve("claude-haiku-4.5").id == "claude-haiku-4-5"
    assert client.models.retrieve("gpt-4.1-nano").to_dict()["shutdown_date"] == "2026-10-23"
    with pytest.raises(openai.NotFoundError, match="no-such-model"):
        client.models.retrieve("no-such-model")


@pytest.mark.parametrize("model", MODELS.values(), ids=PROVIDERS)
@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json; charset=utf-8"])
def test_curl_whatever_its_content_type(gateway: Served, model: str, content_type: str | None) -> None:
    """`curl -d` says form data where nothing else is said; None sends no Content-Type at all."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]})
    typed = ["-H", f"Content-Type: {content_type}" if content_type else "Content-Type:"]
    done = subprocess.run(
        ["curl", "-s", gateway.url + CHAT, "-H", f"Authorization: Bearer {gateway.key()}", *typed, "-d", body],
        capture_output=True,
        timeout=30,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert (answer["object"], answer["choices"][0]["finish_reason"]) == ("chat.completion", "stop")


def test_curl_waits_for_no_continue(gateway: Served) -> None:
    """From a megabyte on, curl asks whether to go on and waits a second where nobody answers."""
    long = json.dumps({"model": "text-embedding-3-small", "input": "word " * 300_000})
    options = ["-s", "-w", "%{time_starttransfer}", "-o", "/dev/null", "-d", "@-"]
    options += ["--expect100-timeout", str(2 * PATIENCE_S)]
    headers = ["-H", f"Authorization: Bearer {gateway.key()}", "-H", "Expect: 100-continue"]
    done = subprocess.run(
        ["curl", *options, *headers, gateway.url + EMBEDDINGS],
        input=long.encode(),
        capture_output=True,
        timeout=2.5 * PATIENCE_S,
        check=True,
    )
    assert float(done.stdout) < PATIENCE_S
