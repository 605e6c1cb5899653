"""The official OpenAI SDK at the Responses door, over simulated providers that speak it natively or do not."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.simulated.server import SimulatedProviders
from tests.endtoend.responding import respond
from tests.endtoend.serving import MODELS, PROVIDERS, Served, upstreams

RESPONSES = "/api/ai/v1/responses"
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=PROVIDERS)
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    simulated = SimulatedProviders(pace=0)
    try:
        asyncio.run_coroutine_threadsafe(simulated.start(), loop).result(10)
        served = Served(tmp_path_factory.mktemp("gateway") / "home", **upstreams(simulated.base_urls))
        for role in ("execute", "admin"):
            served.key(role)
        with served:
            yield served
    finally:
        asyncio.run_coroutine_threadsafe(simulated.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0, timeout=30) as made:
        yield made


@EVERY
@BOTH
def test_every_provider_answers_at_the_responses_door(
    client: openai.OpenAI, gateway: Served, model: str, streamed: bool
) -> None:
    answer = respond(client, streamed, model=model, instructions="Be brief.", input="Tell me about the sea")
    row = gateway.last()
    assert answer.status == "completed" and answer.output_text
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (row.input_tokens, row.output_tokens)
    assert (row.door, row.outcome, row.usage_source, row.streamed) == ("openai_responses", "ok", "provider", streamed)


@EVERY
@BOTH
def test_tools_of_every_provider_at_the_responses_door(client: openai.OpenAI, model: str, streamed: bool) -> None:
    question: Any = {"role": "user", "content": "What is the weather in Bergen?"}
    asked = respond(client, streamed, model=model, tools=[TOOL], input=[question])
    (call,) = [item for item in asked.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    said = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
    answered = respond(client, streamed, model=model, tools=[TOOL], input=[question, said, result])
    assert answered.output_text


@pytest.mark.parametrize(
    ("model", "effort", "translated"),
    [
        ("gpt-5.4", "low", True),
        ("gpt-5.4", None, False),
        ("gpt-6-sol", None, True),
        ("gpt-6-sol", "none", False),
        ("gpt-4.1-mini", None, False),
    ],
)
@BOTH
def test_pitfall_48_tools_that_chat_refuses_go_through_responses(
    client: openai.OpenAI, gateway: Served, model: str, effort: str | None, translated: bool, streamed: bool
) -> None:
    function = {"type": "function", "function": {key: TOOL[key] for key in ("name", "description", "parameters")}}
    more: dict[str, Any] = {"reasoning_effort": effort} if effort else {}
    reply = gateway.chat("What is the weather in Bergen?", model, tools=[function], stream=streamed, **more)
    assert reply.status == 200, reply.body
    assert b"get_weather" in reply.body and b"tool_calls" in reply.body
    upstream_id = reply.headers["x-faregate-upstream-request-id"]
    # An answer that passes as it is bears the provider's own id, a translated one ours.
    ours = f"chatcmpl-{reply.id.removeprefix('req_')}".encode() in reply.body
    assert (ours, bool(upstream_id)) == (translated, True)


def test_an_upgrade_is_refused_so_that_codex_posts(gateway: Served) -> None:
    headers = {"upgrade": "websocket", "connection": "Upgrade"}
    reply = gateway.ask("GET", RESPONSES, key=gateway.key(), headers=headers)
    assert reply.status == 426


def test_server_held_state_is_refused_by_name_where_it_cannot_be_carried(gateway: Served) -> None:
    body = {"model": MODELS["anthropic"], "input": "hi", "previous_response_id": "resp_1"}
    reply = gateway.ask("POST", RESPONSES, body, key=gateway.key())
    assert (reply.status, reply.error["param"]) == (400, "previous_response_id")
