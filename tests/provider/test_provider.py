"""The witness must be right itself: read by the official SDKs, strict, and honest in its ledger."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.provider.client import ProviderProcess

TOOLS = [
    {"name": name, "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
    for name in ("get_weather", "get_time")
]
CHAT_TOOLS: Any = [{"type": "function", "function": tool} for tool in TOOLS]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    path: Path = tmp_path_factory.mktemp("provider") / "ledger.jsonl"
    with ProviderProcess(path, seed=11) as process:
        yield process


def call(provider: ProviderProcess, name: str, path: str, body: Any, **headers: str) -> tuple[int, bytes]:
    credentials = {"authorization": "Bearer k"} if name in ("openai", "xai") else {"x-api-key": "k"}
    if name == "google":
        credentials = {"x-goog-api-key": "k"}
    if name == "anthropic":
        credentials["anthropic-version"] = "2023-06-01"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        provider.base_urls[name] + path, data=data, headers={**credentials, **headers}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def chat(text: str, model: str = "gpt-4.1-mini", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def message(text: str, model: str = "claude-sonnet-4-6", **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}


def content(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


CALLS = [
    ("openai", "/chat/completions", chat),
    ("xai", "/chat/completions", lambda text: chat(text, "grok-4.3")),
    ("anthropic", "/v1/messages", message),
    ("google", "/v1beta/models/gemini-2.5-flash:generateContent", content),
]


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "o3", "grok-4.3", "grok-3-mini"])
def test_the_openai_sdk_reads_whole_and_streamed_answers(provider: ProviderProcess, model: str) -> None:
    name = "xai" if model.startswith("grok") else "openai"
    with openai.OpenAI(base_url=provider.base_urls[name], api_key="k", max_retries=0) as client:
        whole = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
        entry = provider.ledger()[-1]
        assert whole.choices[0].message.content == entry["answer"]["text"]
        assert whole._request_id == entry["request_id"]
        used = whole.usage
        assert used and used.prompt_tokens == entry["input"] and used.prompt_tokens_details
        assert used.prompt_tokens_details.cached_tokens == entry["cached"]
        assert used.total_tokens == entry["input"] + entry["output"]
        assert used.completion_tokens == entry["output"] - (entry["reasoning"] if name == "xai" else 0)
        stream = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        entry = provider.ledger()[-1]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == entry["answer"]["text"] and entry["streamed"] and entry["complete"]
        totals = [chunk.usage.total_tokens for chunk in chunks if chunk.usage]
        assert totals == [entry["input"] + entry["output"]]


@pytest.mark.parametrize("seed", range(4))
def test_the_openai_sdk_reads_parallel_tool_calls(provider: ProviderProcess, seed: int) -> None:
    with openai.OpenAI(base_url=provider.base_urls["openai"], api_key="k", max_retries=0) as client:
        arguments: Any = {
            "model": "gpt-4.1",
            "messages": [{"role": "user", "content": "[[tool]]"}],
            "tools": CHAT_TOOLS,
        }
        with client.chat.completions.stream(**arguments) as stream:
            streamed = stream.get_final_completion().choices[0]
        calls = provider.ledger()[-1]["answer"]["calls"]
        assert streamed.finish_reason == "tool_calls" and streamed.message.tool_calls
        assert [json.loads(item.function.arguments) for item in streamed.message.tool_calls] == [
            item["arguments"] for item in calls
        ]
        history: Any = [
            {"role": "user", "content": "[[tool]]"},
            streamed.message.model_dump(exclude_none=True, exclude={"parsed"}),
            *({"role": "tool", "tool_call_id": item["id"], "content": "12 °C"} for item in calls),
        ]
        for item in history[1]["tool_calls"]:
            item.pop("index", None)
            item["function"].pop("parsed_arguments", None)
        whole = client.chat.completions.create(model="gpt-4.1", messages=history, tools=CHAT_TOOLS)
        assert whole.choices[0].finish_reason == "stop" and whole.choices[0].message.content


@pytest.mark.parametrize("thinking", [None, {"type": "enabled", "budget_tokens": 2000}])
def test_the_anthropic_sdk_reads_whole_and_streamed_answers(provider: ProviderProcess, thinking: Any) -> None:
    more: Any = {"thinking": thinking} if thinking else {}
    tools: Any = [{"name": tool["name"], "input_schema": tool["parameters"]} for tool in TOOLS]
    with anthropic.Anthropic(base_url=provider.base_urls["anthropic"], api_key="k", max_retries=0) as client:
        for _ in range(3):
            arguments: Any = {"model": "claude-haiku-4-5", "max_tokens": 4000, **more}
            arguments["messages"] = [{"role": "user", "content": "[[tool]]"}]
            whole = client.messages.create(**arguments, tools=tools)
            entry = provider.ledger()[-1]
            with client.messages.stream(**arguments, tools=tools) as stream:
                streamed = stream.get_final_message()
            later = provider.ledger()[-1]
            for answer, row in ((whole, entry), (streamed, later)):
                used = answer.usage
                assert used.output_tokens == row["output"] and used.cache_read_input_tokens == row["cached"]
                assert used.cache_creation_input_tokens == row["cache_write"]
                total = (
                    used.input_tokens + (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
                )
                assert total == row["input"]
                calls = [block for block in answer.content if block.type == "tool_use"]
                assert [block.input for block in calls] == [item["arguments"] for item in row["answer"]["calls"]]
                assert answer.stop_reason == "tool_use"
            results = [{"type": "tool_result", "tool_use_id": block.id, "content": "ok"} for block in calls]
            arguments["messages"] += [
                {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in streamed.content]},
                {"role": "user", "content": results},
            ]
            assert client.messages.create(**arguments, tools=tools).stop_reason == "end_turn"


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.1-pro-preview"])
def test_the_google_sdk_reads_whole_and_streamed_answers(provider: ProviderProcess, model: str) -> None:
    options = types.HttpOptions(base_url=provider.base_urls["google"])
    tool = types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name=item["name"], parameters_json_schema=item["parameters"]) for item in TOOLS
        ]
    )
    config = types.GenerateContentConfig(tools=[tool])
    with genai.Client(api_key="k", http_options=options) as client:
        asked = types.Content(role="user", parts=[types.Part(text="[[tool]]")])
        for _ in range(3):
            whole = client.models.generate_content(model=model, contents=[asked], config=config)
            entry = provider.ledger()[-1]
            used = whole.usage_metadata
            assert whole.response_id == entry["request_id"] and used
            assert (used.prompt_token_count or 0) + (used.tool_use_prompt_token_count or 0) == entry["input"]
            assert (used.candidates_token_count or 0) + (used.thoughts_token_count or 0) == entry["output"]
            assert (used.cached_content_token_count or 0) == entry["cached"]
            assert [item.args for item in whole.function_calls or ()] == [
                item["arguments"] for item in entry["answer"]["calls"]
            ]
            assert whole.candidates and whole.candidates[0].content
            answers = [
                types.Part(
                    function_response=types.FunctionResponse(id=item.id, name=item.name, response={"output": "ok"})
                )
                for item in whole.function_calls or ()
            ]
            contents: Any = [asked, whole.candidates[0].content, types.Content(role="user", parts=answers)]
            chunks = list(client.models.generate_content_stream(model=model, contents=contents, config=config))
            entry = provider.ledger()[-1]
            assert "".join(chunk.text or "" for chunk in chunks) == entry["answer"]["text"]
            last = chunks[-1].usage_metadata
            assert last and last.total_token_count == entry["input"] + entry["output"]


REFUSED = [
    ("openai", "/chat/completions", chat("x", nonsense=1), "nonsense"),
    ("openai", "/chat/completions", chat("x", max_tokens="5"), "max_tokens"),
    ("openai", "/chat/completions", chat("x", "o3", max_tokens=5), "max_completion_tokens"),
    ("openai", "/chat/completions", chat("x", "o3", temperature=0.2), "temperature"),
    ("openai", "/chat/completions", chat("x", "gpt-5.4", tools=CHAT_TOOLS, reasoning_effort="low"), "responses"),
    ("openai", "/chat/completions", chat("x", stream_options={"include_usage": True}), "stream_options"),
    ("openai", "/chat/completions", {"model": "gpt-4.1", "messages": [{"role": "tool", "tool_call_id": "a", "content": "b"}]}, "tool"),
    ("openai", "/chat/completions", {"model": "gpt-4.1", "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "bar": 1}]}]}, "bar"),
    ("openai", "/chat/completions", chat("x", "claude-sonnet-4-6"), "does not exist"),
    ("openai", "/chat/completions", b"{not json", "JSON"),
    ("xai", "/chat/completions", chat("x", "grok-3", reasoning_effort="low"), "reasoningEffort"),
    ("xai", "/chat/completions", chat("x", "grok-4.3", stop=["a"]), "stop"),
    ("anthropic", "/v1/messages", {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "x"}]}, "max_tokens"),
    ("anthropic", "/v1/messages", message("x", nonsense=1), "nonsense"),
    ("anthropic", "/v1/messages", message("x", temperature=1, top_p=1), "top_p"),
    ("anthropic", "/v1/messages", message("x", "claude-opus-5", temperature=1), "deprecated"),
    ("anthropic", "/v1/messages", message(" "), "non-whitespace"),
    ("anthropic", "/v1/messages", message("x") | {"messages": [{"role": "assistant", "content": "x"}]}, "first message"),
    ("anthropic", "/v1/messages", message("x") | {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]}, "tool_result"),
    ("anthropic", "/v1/messages", message("x") | {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "n", "input": {}}]}, {"role": "user", "content": "y"}]}, "tool_result"),
    ("anthropic", "/v1/messages", message("x", thinking={"type": "enabled", "budget_tokens": 2000}), "max_tokens"),
    ("google", "/v1beta/models/gemini-2.5-flash:generateContent", content("x", nonsense=1), "nonsense"),
    ("google", "/v1beta/models/gemini-2.5-flash:generateContent", content("x", generationConfig={"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}), "thinking"),
    ("google", "/v1beta/models/gemini-2.5-flash:generateContent", content("x", tools=[{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "patternProperties": {}}}]}]), "patternProperties"),
    ("google", "/v1beta/models/gemini-2.5-flash:generateContent", {"contents": [{"role": "model", "parts": [{"text": "x"}]}]}, "role user"),
    ("google", "/v1beta/models/gemini-3.1-pro-preview:generateContent", {"contents": [{"role": "user", "parts": [{"text": "x"}]}, {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}, {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}]}, "thought_signature"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path", "body", "word"), REFUSED)
def test_what_the_real_one_refuses_is_refused(
    provider: ProviderProcess, name: str, path: str, body: Any, word: str
) -> None:
    status, answer = call(provider, name, path, body)
    assert status in (400, 404), answer
    assert word in json.dumps(json.loads(answer))
    assert provider.ledger()[-1]["rejected"] and provider.ledger()[-1]["status"] == status


STATUSES = {
    "openai": {"401": 401, "429": 429, "500": 500},
    "xai": {"401": 400, "429": 429, "500": 500},
    "anthropic": {"401": 401, "429": 429, "500": 500},
    "google": {"401": 400, "429": 429, "500": 500},
}


@pytest.mark.parametrize(("name", "path", "body"), CALLS)
def test_told_to_fail(provider: ProviderProcess, name: str, path: str, body: Any) -> None:
    for word, status in STATUSES[name].items():
        assert call(provider, name, path, body(f"[[{word}]]"))[0] == status
        provider.order(word, provider=name)
        assert call(provider, name, path, body("by order"))[0] == status
        assert call(provider, name, path, body("no order left"))[0] == 200
    status, page = call(provider, name, path, body("[[html]]"))
    assert status == 200 and page.startswith(b"<!DOCTYPE")
    status, echoed = call(provider, name, path, body("[[echo]] ünï"))
    assert status == 200 and b"path" in echoed
    before = len(provider.ledger())
    for word in ("half", "reset", "reset-midway", "cut"):
        with pytest.raises((OSError, Exception)) as raised:
            call(provider, name, path, body(f"[[{word}]]"))
        assert not isinstance(raised.value, AssertionError)
    entries = provider.ledger()[before:]
    assert [entry["behaviours"][0] for entry in entries] == ["half", "reset", "reset-midway", "cut"]
    assert not any(entry["complete"] or entry["client_left"] for entry in entries)


@pytest.mark.parametrize("word", ["silent", "stall", "slow:5000"])
def test_a_client_that_leaves_is_noticed(provider: ProviderProcess, word: str) -> None:
    body = json.dumps(chat(f"[[{word}]]", stream=True)).encode()
    host, port = provider.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        while not provider.open():
            pass
    entry = provider.ledger()[-1]
    assert entry["client_left"] and not entry["complete"]


def test_a_wrong_key_and_the_lists(provider: ProviderProcess) -> None:
    lists = {"openai": "/models", "xai": "/api-key", "anthropic": "/v1/models", "google": "/v1beta/models"}
    refused = {"openai": 401, "xai": 400, "anthropic": 401, "google": 400}
    for name, path in lists.items():
        for key, expected in (("good", 200), ("a-bad-key", refused[name])):
            headers = {"x-goog-api-key": key} if name == "google" else {"authorization": f"Bearer {key}"}
            request = urllib.request.Request(provider.base_urls[name] + path, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                status = error.code
                error.close()
            assert status == expected, (name, key)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(provider: ProviderProcess, encoding: Any) -> None:
    with openai.OpenAI(base_url=provider.base_urls["openai"], api_key="k", max_retries=0) as client:
        answer = client.embeddings.create(
            model="text-embedding-3-small", input=["a", "b"], dimensions=4, encoding_format=encoding
        )
    assert len(answer.data) == 2
    entry = provider.ledger()[-1]
    assert (answer.usage.prompt_tokens, None) == (entry["input"], entry["output"])
