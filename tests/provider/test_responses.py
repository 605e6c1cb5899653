"""The witness's Responses endpoint: read by the official SDK, strict, and the only one who can check its own state."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.provider.client import ProviderProcess
from tests.provider.test_provider import call

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    path: Path = tmp_path_factory.mktemp("provider") / "ledger.jsonl"
    with ProviderProcess(path, seed=17) as process:
        yield process


@pytest.fixture(scope="module", params=["openai", "xai"])
def asked(request: pytest.FixtureRequest, provider: ProviderProcess) -> Iterator[tuple[openai.OpenAI, str]]:
    model = {"openai": "gpt-5.4", "xai": "grok-4.3"}[request.param]
    with openai.OpenAI(base_url=provider.base_urls[request.param], api_key="k", max_retries=0) as client:
        yield client, model


def given_back(output: Any) -> list[dict[str, Any]]:
    """An answer's items as the SDK sends them with the next request: without what it parsed itself."""
    return [
        item.model_dump(mode="json", exclude_unset=True, exclude=getattr(item, "__api_exclude__", None))
        for item in output
    ]


def test_whole_and_streamed_answers_of_one_seed_are_the_same(
    provider: ProviderProcess, asked: tuple[openai.OpenAI, str]
) -> None:
    client, model = asked
    said: Any = {
        "model": model,
        "input": [{"role": "user", "content": "[[tool]] [[think]] [[seed:5]]"}],
        "tools": [TOOL],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }
    whole = client.responses.create(**said)
    with client.responses.stream(**said) as stream:
        streamed = stream.get_final_response()
    entry = provider.ledger()[-1]
    calls = [item for item in whole.output if item.type == "function_call"]
    assert [json.loads(item.arguments) for item in calls] == [item["arguments"] for item in entry["answer"]["calls"]]
    plain, parsed = given_back(whole.output), given_back(streamed.output)
    assert plain == parsed and plain[0]["encrypted_content"]
    for used in (whole.usage, streamed.usage):
        assert used and (used.input_tokens, used.output_tokens) == (entry["input"], entry["output"])
        assert used.output_tokens_details.reasoning_tokens == entry["reasoning"] > 0
        assert used.input_tokens_details.cached_tokens == entry["cached"]


def test_its_reasoning_comes_back_unaltered_or_is_refused(
    provider: ProviderProcess, asked: tuple[openai.OpenAI, str]
) -> None:
    client, model = asked
    question: Any = {"role": "user", "content": "[[tool]] [[think]]"}
    more: Any = {"model": model, "tools": [TOOL], "include": ["reasoning.encrypted_content"]}
    first = client.responses.create(input=[question], **more)
    output = [item.to_dict() for item in first.output]
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "ok"}
        for item in output
        if item["type"] == "function_call"
    ]
    assert client.responses.create(input=[question, *output, *results], **more).status == "completed"
    assert provider.ledger()[-1]["understood"]["turns"][1]["states"] == 1
    for change, code in (
        ({"encrypted_content": "x" * 40}, "invalid_encrypted_content"),
        ({"id": "rs_of_another"}, "invalid_encrypted_content"),
        ({"content": [{"type": "reasoning_text", "text": "plain"}]}, "array_above_max_length"),
        ({"summary": None}, "invalid_value"),
    ):
        altered: Any = [question, {**output[0], **change}, *output[1:], *results]
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(input=altered, **more)
        assert provider.ledger()[-1]["status"] == 400
        if model.startswith("gpt"):
            assert refused.value.code == code


def body(*items: Any, model: str = "gpt-5.4", **more: Any) -> dict[str, Any]:
    return {"model": model, "input": list(items), **more}


HI = {"role": "user", "content": "hi"}
FUNCTION_CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
REFUSED = [
    (body(HI, nonsense=1), "nonsense"),
    (body(HI, stop=["x"]), "stop"),
    (body(HI, model="gpt-4.1", reasoning={"effort": "low"}), "reasoning.effort"),
    (body(HI, temperature=0.2), "temperature"),
    (body({"role": "user", "content": [{"type": "output_text", "text": "x"}]}), "input"),
    (body({"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}, HI), "output_text"),
    (body(HI, {"type": "function_call_output", "call_id": "c", "output": "x"}), "No tool call found"),
    (body(HI, FUNCTION_CALL), "No tool output found"),
    (body(HI, {**FUNCTION_CALL, "id": "call_1"}), "begins with"),
    (body(HI, {"type": "reasoning", "id": "rs_1", "summary": []}), "required following item"),
    (body(HI, {"type": "reasoning", "id": "rs_1"}, FUNCTION_CALL), "summary"),
    (body({"role": "user", "content": [{"type": "input_image", "image_url": PNG.replace("png", "jpeg"), "detail": "auto"}]}), "image/jpeg"),
    (body({"role": "user", "content": [{"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0="}]}), "filename"),
    (body(HI, text={"format": {"type": "json_schema", "name": "n", "strict": True, "schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}}}), "additionalProperties"),
    (body(HI, tools=[{**TOOL, "name": "a.b"}]), "pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "word"), REFUSED)
def test_what_the_real_one_refuses_is_refused(provider: ProviderProcess, body: Any, word: str) -> None:
    status, answer = call(provider, "openai", "/responses", body)
    assert status == 400 and word in json.dumps(json.loads(answer)), answer
    assert provider.ledger()[-1]["rejected"]


def test_a_beginning_that_was_seen_is_read_from_the_cache(provider: ProviderProcess) -> None:
    long = {"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    said = {"model": "claude-sonnet-4-6", "max_tokens": 99, "system": [long]}
    message = {**said, "messages": [{"role": "user", "content": "[[cache]]"}]}
    counts = []
    for _ in range(3):
        assert call(provider, "anthropic", "/v1/messages", message)[0] == 200
        counts.append(provider.ledger()[-1])
    written = counts[0]["cache_write_1h"]
    assert written > 1024 and [entry["cached"] for entry in counts] == [0, written, written]
    assert [entry["cache_write"] for entry in counts] == [written, 0, 0]
    del long["cache_control"]
    assert call(provider, "anthropic", "/v1/messages", message)[0] == 200
    unmarked = provider.ledger()[-1]
    assert (unmarked["cached"], unmarked["cache_write"], unmarked["input"]) == (0, 0, counts[0]["input"])
    marked = [{"type": "text", "text": f"part {n}", "cache_control": {"type": "ephemeral"}} for n in range(5)]
    status, answer = call(provider, "anthropic", "/v1/messages", {**message, "system": marked})
    assert status == 400 and b"maximum of 4" in answer


def test_thinking_comes_back_unaltered_or_is_refused(provider: ProviderProcess) -> None:
    said = {"model": "claude-haiku-4-5", "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    hi = {"role": "user", "content": "hi"}
    _, answer = call(provider, "anthropic", "/v1/messages", {**said, "messages": [hi]})
    content = json.loads(answer)["content"]
    thinking = next(block for block in content if block["type"] == "thinking")
    for change, status in (({}, 200), ({"thinking": "other"}, 400), ({"signature": "x"}, 400)):
        turn = {"role": "assistant", "content": [{**thinking, **change}, {"type": "text", "text": "yes"}]}
        assert call(provider, "anthropic", "/v1/messages", {**said, "messages": [hi, turn, hi]})[0] == status
    history = [hi, {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "n", "input": {}}]}]
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "ok"}]}
    status, answer = call(provider, "anthropic", "/v1/messages", {**said, "messages": [*history, result]})
    assert status == 400 and b"Expected `thinking`" in answer


def test_a_refusal_in_each_provider_s_own_way(provider: ProviderProcess) -> None:
    asked = "[[refuse]] [[seed:3]]"
    _, chat = call(provider, "openai", "/chat/completions", {"model": "gpt-4.1", "messages": [{"role": "user", "content": asked}]})  # fmt: skip
    words = provider.ledger()[-1]["answer"]["text"]
    choice = json.loads(chat)["choices"][0]
    assert (choice["message"]["refusal"], choice["message"]["content"]) == (words, None)
    assert choice["finish_reason"] == "stop"
    _, response = call(provider, "openai", "/responses", {"model": "gpt-4.1", "input": asked})
    (item,) = json.loads(response)["output"]
    assert item["content"] == [{"type": "refusal", "refusal": words}]
    _, message = call(provider, "anthropic", "/v1/messages", {"model": "claude-opus-4-6", "max_tokens": 9, "messages": [{"role": "user", "content": asked}]})  # fmt: skip
    said = json.loads(message)
    assert said["stop_reason"] == "refusal" and said["stop_details"]["explanation"] and said["content"] == []
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    _, content = call(provider, "google", path, {"contents": [{"role": "user", "parts": [{"text": asked}]}]})
    assert json.loads(content)["candidates"][0]["finishReason"] == "PROHIBITED_CONTENT"
