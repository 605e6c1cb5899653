"""Reasoning state over several turns: exact where the client kept it, restored where not, told where it is lost."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from gateway.dialects.envelope import wrap
from tests.endtoend.serving import CHAT, Served
from tests.provider.client import ProviderProcess

GPT, CLAUDE, HAIKU, GEMINI = "gpt-5.4", "claude-sonnet-4-6", "claude-haiku-4-5", "gemini-3.1-pro-preview"
MESSAGES, RESPONSES = "/api/ai/v1/messages", "/api/ai/v1/responses"
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION: Any = {"type": "function", "function": {"name": "look", "parameters": PARAMETERS}}
TOOL: Any = {"name": "look", "input_schema": PARAMETERS}
QUESTION: dict[str, Any] = {"role": "user", "content": "Weather? [[tool]] [[think]]"}
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
# What a chat client would have brought a signature in.
LOST = "messages[].tool_calls[].extra_content"
# What the chat clients hold open.
_CLIENTS = contextlib.ExitStack()


@pytest.fixture(scope="module", autouse=True)
def clients_are_closed() -> Iterator[None]:
    with _CLIENTS:
        yield


def chat_client(gateway: Served, key: str | None = None) -> openai.OpenAI:
    made = openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=key or gateway.key(), max_retries=0)
    return _CLIENTS.enter_context(made)


def ask_chat(client: openai.OpenAI, streamed: bool, **asked: Any) -> Any:
    if not streamed:
        return client.chat.completions.create(**asked).choices[0].message
    with client.chat.completions.stream(**asked) as stream:
        return stream.get_final_completion().choices[0].message


def rebuilt(message: Any) -> dict[str, Any]:
    """The message as a loop makes it that knows no more than OpenAI's own fields."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls or ()
    ]
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


def states(entry: dict[str, Any]) -> list[tuple[int, int]]:
    """How many signatures came with each assistant turn, and how many of them were made up."""
    turns = entry["understood"]["turns"]
    return [(turn["states"], turn["made_up"]) for turn in turns if turn["role"] == "assistant"]


@BOTH
@pytest.mark.parametrize("drops", [False, True], ids=["keeps", "drops"])
def test_a_loop_of_three_steps_with_gemini_through_chat(
    gateway: Served, provider: ProviderProcess, streamed: bool, drops: bool
) -> None:
    """liuw1535/antigravity2api-nodejs#86, BerriAI/litellm#16893, langchain-ai/langchain#37347: each step's first call
    is signed, and Google wants every one of them back."""
    client, history = chat_client(gateway), [QUESTION]
    provider.fresh()
    for step in range(3):
        if step:
            provider.order("again", provider="google")
        message = ask_chat(client, streamed, model=GEMINI, messages=history, tools=[FUNCTION, OTHER])
        assert len(message.tool_calls) == 2
        signed = [bool((call.model_extra or {}).get("extra_content")) for call in message.tool_calls]
        assert signed == [True, False]
        history.append(rebuilt(message) if drops else message)
        history += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
    assert not ask_chat(client, streamed, model=GEMINI, messages=history, tools=[FUNCTION, OTHER]).tool_calls
    assert [states(entry) for entry in provider.fresh()] == [[(1, 0)] * step for step in range(4)]
    assert gateway.last().adapted == ()


OTHER: Any = {"type": "function", "function": {"name": "measure", "parameters": PARAMETERS}}


@BOTH
def test_a_loop_of_three_steps_with_gemini_through_messages(
    gateway: Served, provider: ProviderProcess, streamed: bool
) -> None:
    made = anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=gateway.key(), max_retries=0)
    client = _CLIENTS.enter_context(made)
    history: list[Any] = [QUESTION]
    provider.fresh()
    for step in range(4):
        if step in (1, 2):
            provider.order("again", provider="google")
        asked: Any = {"model": GEMINI, "max_tokens": 3000, "messages": history, "tools": [TOOL]}
        if streamed:
            with client.messages.stream(**asked) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**asked)
        kinds = [block.type for block in message.content]
        if step < 3:
            # The thinking block that carries the signature stands right before its call.
            assert kinds[-2:] == ["thinking", "tool_use"]
        calls = [block for block in message.content if block.type == "tool_use"]
        results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
        history += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    assert [states(entry) for entry in provider.fresh()] == [[(1, 0)] * step for step in range(4)]


def test_a_lost_signature_becomes_the_sentinel_and_is_told(gateway: Served, provider: ProviderProcess) -> None:
    """NousResearch/hermes-agent#66593: an empty placeholder does not help. What is kept is kept for one key only."""
    message = ask_chat(chat_client(gateway), False, model=GEMINI, messages=[QUESTION], tools=[FUNCTION, OTHER])
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
    another = chat_client(gateway, gateway.key("execute", name="another"))
    provider.fresh()
    answer = another.chat.completions.with_raw_response.create(
        model=GEMINI, messages=[QUESTION, rebuilt(message), *results], tools=[FUNCTION, OTHER]
    )
    assert answer.headers["x-faregate-adapted"] == LOST
    assert [states(entry) for entry in provider.fresh()] == [[(1, 1)]]
    assert gateway.last().adapted == (LOST,)


def test_a_signature_of_another_gemini_is_not_sent_though_chat_shows_it_openly(
    gateway: Served, provider: ProviderProcess
) -> None:
    client = chat_client(gateway)
    message = ask_chat(client, False, model=GEMINI, messages=[QUESTION], tools=[FUNCTION])
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
    provider.fresh()
    answer = client.chat.completions.with_raw_response.create(
        model="gemini-3.5-flash", messages=[QUESTION, message, *results], tools=[FUNCTION]
    )
    assert answer.headers["x-faregate-adapted"] == LOST
    assert [states(entry) for entry in provider.fresh()] == [[(1, 1)]]


@BOTH
def test_claudes_thinking_survives_chat_clients_in_a_tool_loop(
    gateway: Served, provider: ProviderProcess, streamed: bool
) -> None:
    """Chat has no place for it: without it a model on a thinking budget could not think on after its tools."""
    client = chat_client(gateway)
    asked: dict[str, Any] = {"model": HAIKU, "tools": [FUNCTION], "reasoning_effort": "low"}
    message = ask_chat(client, streamed, messages=[QUESTION], **asked)
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
    provider.fresh()
    ask_chat(client, streamed, messages=[QUESTION, rebuilt(message), *results], **asked)
    (entry,) = provider.fresh()
    assert states(entry) == [(1, 0)] and entry["understood"]["thinking"]["type"] == "enabled"
    assert gateway.last().dropped == ()
    # Without what is kept for the first key, thinking is switched off for this call, and that is told.
    ask_chat(
        chat_client(gateway, gateway.key("execute", name="another")),
        streamed,
        messages=[QUESTION, rebuilt(message), *results],
        **asked,
    )
    (entry,) = provider.fresh()
    assert states(entry) == [(0, 0)] and entry["understood"]["thinking"] is None
    assert gateway.last().dropped == ("reasoning_effort",)


def with_state(encrypted: str) -> dict[str, Any]:
    """A history at Anthropic's door whose thinking GPT made, as our answers wrote it."""
    state = {"openai_responses": {"id": "rs_1", "encrypted_content": encrypted}}
    signature = wrap(state, without="anthropic", origin=f"openai/{GPT}")
    answer = [{"type": "thinking", "thinking": "Hm.", "signature": signature}, {"type": "text", "text": "Four."}]
    turns = [
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": "Sure?"},
    ]
    thinking = {"type": "enabled", "budget_tokens": 2000}
    return {"model": GPT, "max_tokens": 3000, "thinking": thinking, "tools": [TOOL], "messages": turns}


@BOTH
def test_state_that_openai_can_no_longer_read_is_left_out_once(
    gateway: Served, provider: ProviderProcess, streamed: bool
) -> None:
    """maximhq/bifrost#5892, sozercan/vekil#231: after a rotated key the same body would fail for ever."""
    provider.fresh()
    body = with_state("from another account") | {"stream": streamed}
    reply = gateway.ask("POST", MESSAGES, body, key=gateway.key())
    assert reply.status == 200, reply
    first, second = provider.fresh()
    assert "could not be verified" in first["rejected"] and second["rejected"] is None
    assert (first["status"], second["status"], states(second)) == (400, 200, [(0, 0)])
    assert "messages[].content[].signature" in reply.headers["x-faregate-adapted"].split(", ")
    row = gateway.row(reply.id)
    assert [(one.n, one.model, one.status, one.error_type) for one in row.attempts] == [
        (1, GPT, 400, "bad_request"),
        (2, GPT, 200, None),
    ]
    assert row.attempts[0].upstream_request_id == first["request_id"]
    assert row.attempts[1].upstream_request_id == second["request_id"] == row.upstream_request_id
    assert (row.outcome, row.input_tokens, row.output_tokens) == ("ok", second["input"], second["output"])
    assert "messages[].content[].signature" in row.adapted and "messages[].content[].thinking" in row.dropped


def test_a_second_refusal_is_the_clients(gateway: Served, provider: ProviderProcess) -> None:
    provider.fresh()
    provider.order("400", provider="openai", times=2)
    reply = gateway.ask("POST", MESSAGES, with_state("from another account"), key=gateway.key())
    assert reply.status == 400 and "told to fail" in reply.json["error"]["message"]
    assert [entry["status"] for entry in provider.fresh()] == [400, 400]
    row = gateway.row(reply.id)
    assert (row.status, row.outcome, [one.status for one in row.attempts]) == (400, "error", [400, 400])


def test_what_passes_as_it_is_is_never_altered_by_a_refusal(gateway: Served, provider: ProviderProcess) -> None:
    item = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "from another account"}
    said = {"type": "message", "role": "assistant", "content": "Four."}
    body = {
        "model": GPT,
        "input": [{"role": "user", "content": "2+2?"}, item, said, {"role": "user", "content": "Sure?"}],
    }
    provider.fresh()
    reply = gateway.ask("POST", RESPONSES, body, key=gateway.key())
    assert (reply.status, reply.error["code"]) == (400, "invalid_encrypted_content")
    (entry,) = provider.fresh()
    assert entry["body_bytes"] == len(json.dumps(body)) and len(gateway.row(reply.id).attempts) == 1


def test_tokens_of_a_history_with_other_providers_thinking_are_estimated(
    gateway: Served, provider: ProviderProcess
) -> None:
    """Anthropic would refuse to count what it did not sign."""
    asked = with_state("e")
    body = {name: value for name, value in asked.items() if name not in ("max_tokens", "thinking")} | {
        "model": CLAUDE
    }
    provider.fresh()
    reply = gateway.ask("POST", MESSAGES + "/count_tokens", body, key=gateway.key())
    assert reply.status == 200 and reply.json["input_tokens"] > 0
    assert reply.headers["x-faregate-adapted"] == "input_tokens" and provider.fresh() == []


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "grok-4.3"])
def test_what_other_providers_leave_in_a_chat_history_is_not_sent_where_it_is_refused(
    gateway: Served, provider: ProviderProcess, model: str
) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"city": "Bergen"}'}}
    signed = {**call, "extra_content": {"google": {"thought_signature": "U2lnbmVk"}}}
    said = {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [signed]}
    history = [QUESTION, said, {"role": "tool", "tool_call_id": "c1", "content": "sunny"}]
    provider.fresh()
    provider.order("echo")
    reply = gateway.ask(
        "POST", CHAT, {"model": model, "messages": history, "tools": [FUNCTION], "seed": 7}, key=gateway.key()
    )
    assert reply.status == 200, reply
    sent = json.loads(json.loads(reply.json["choices"][0]["message"]["content"])["body"])
    assert sent["messages"][1]["tool_calls"] == [call] and sent["seed"] == 7 and sent["tools"] == [FUNCTION]
    assert ("reasoning_content" in sent["messages"][1]) == (model == "grok-4.3")
