"""One conversation that changes its provider at every turn, tools and thinking included, through each door.

router-for-me/CLIProxyAPI#1584 and its kin. Each official SDK gives its history back as its users do. The providers
check every signature and every encrypted item as the real ones do: what another one made, or they themselves for
another model, is refused. What a provider made itself must have come back whenever its turn comes round again.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any, Protocol

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.endtoend.serving import Served
from tests.provider.client import ProviderProcess

GPT, CLAUDE, GEMINI, GROK = "gpt-5.4", "claude-sonnet-4-6", "gemini-3.1-pro-preview", "grok-4.3"
# In the first, a question and its results go to the same provider; in the second every single request changes it.
# In both each provider calls tools, answers, and comes round again.
ROUNDS = {
    "a question each": [model for model in (GEMINI, CLAUDE, GPT, GROK) * 2 for _ in range(2)],
    "a request each": [
        GEMINI,
        CLAUDE,
        GROK,
        GPT,
        CLAUDE,
        GEMINI,
        GPT,
        GROK,
        GEMINI,
        CLAUDE,
        GPT,
        GEMINI,
        CLAUDE,
        GPT,
    ],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
Calls = list[tuple[str, str]]


class Conversation(Protocol):
    """A client's history in its SDK's own objects. Both return the ids and names of the calls that came."""

    def say(self, model: str, text: str) -> Calls: ...

    def give_results(self, model: str, calls: Calls) -> Calls: ...

    def close(self) -> None: ...


class Chat:
    """`rebuilds`: the loop makes its messages anew, as LangChain's does, and so loses what it does not know."""

    def __init__(self, gateway: Served, streamed: bool, rebuilds: bool = False) -> None:
        self._client = openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0)
        self._streamed, self._rebuilds = streamed, rebuilds
        self._messages: list[Any] = []

    def say(self, model: str, text: str) -> Calls:
        self._messages.append({"role": "user", "content": text})
        return self._ask(model)

    def give_results(self, model: str, calls: Calls) -> Calls:
        self._messages += [{"role": "tool", "tool_call_id": id, "content": f"sunny for {id}"} for id, _ in calls]
        return self._ask(model)

    def close(self) -> None:
        self._client.close()

    def _ask(self, model: str) -> Calls:
        tools = [{"type": "function", "function": {"name": f"look_{n}", "parameters": SCHEMA}} for n in (1, 2)]
        asked: Any = {"model": model, "messages": self._messages, "tools": tools, "reasoning_effort": "medium"}
        if self._streamed:
            with self._client.chat.completions.stream(**asked) as stream:
                message = stream.get_final_completion().choices[0].message
        else:
            message = self._client.chat.completions.create(**asked).choices[0].message
        calls: list[Any] = message.tool_calls or []
        self._messages.append(self._rebuilt(message, calls) if self._rebuilds else message)
        return [(call.id, call.function.name) for call in calls]

    @staticmethod
    def _rebuilt(message: Any, calls: list[Any]) -> dict[str, Any]:
        made = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": call.function.name,
                    "arguments": json.dumps(json.loads(call.function.arguments)),
                },
            }
            for call in calls
        ]
        return {"role": "assistant", "content": message.content, **({"tool_calls": made} if made else {})}


class Responses:
    def __init__(self, gateway: Served, streamed: bool) -> None:
        self._client = openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0)
        self._streamed = streamed
        self._input: list[Any] = []

    def say(self, model: str, text: str) -> Calls:
        self._input.append({"role": "user", "content": text})
        return self._ask(model)

    def give_results(self, model: str, calls: Calls) -> Calls:
        self._input += [
            {"type": "function_call_output", "call_id": id, "output": f"sunny for {id}"} for id, _ in calls
        ]
        return self._ask(model)

    def close(self) -> None:
        self._client.close()

    def _ask(self, model: str) -> Calls:
        tools = [{"type": "function", "name": f"look_{n}", "parameters": SCHEMA, "strict": False} for n in (1, 2)]
        asked: Any = {
            "model": model,
            "input": self._input,
            "tools": tools,
            "reasoning": {"effort": "medium", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "store": False,
        }
        if self._streamed:
            with self._client.responses.stream(**asked) as stream:
                answer: Any = stream.get_final_response()
        else:
            answer = self._client.responses.create(**asked)
        self._input += answer.output
        return [(item.call_id, item.name) for item in answer.output if item.type == "function_call"]


class Messages:
    def __init__(self, gateway: Served, streamed: bool) -> None:
        self._client = anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=gateway.key(), max_retries=0)
        self._streamed = streamed
        self._messages: list[Any] = []

    def say(self, model: str, text: str) -> Calls:
        self._messages.append({"role": "user", "content": text})
        return self._ask(model)

    def give_results(self, model: str, calls: Calls) -> Calls:
        results = [{"type": "tool_result", "tool_use_id": id, "content": f"sunny for {id}"} for id, _ in calls]
        self._messages.append({"role": "user", "content": results})
        return self._ask(model)

    def close(self) -> None:
        self._client.close()

    def _ask(self, model: str) -> Calls:
        asked: Any = {
            "model": model,
            "max_tokens": 4000,
            "messages": self._messages,
            "tools": [{"name": f"look_{n}", "input_schema": SCHEMA} for n in (1, 2)],
            "thinking": {"type": "enabled", "budget_tokens": 2000},
        }
        if self._streamed:
            with self._client.messages.stream(**asked) as stream:
                message = stream.get_final_message()
        else:
            message = self._client.messages.create(**asked)
        # vercel/ai#8865: a client would choke on a thinking block without a signature.
        assert all(block.signature for block in message.content if block.type == "thinking")
        self._messages.append({"role": "assistant", "content": message.content})
        return [(block.id, block.name) for block in message.content if block.type == "tool_use"]


class Contents:
    def __init__(self, gateway: Served, streamed: bool) -> None:
        options = types.HttpOptions(base_url=gateway.url + "/api/ai")
        self._client = genai.Client(api_key=gateway.key(), http_options=options)
        self._streamed = streamed
        self._contents: list[Any] = []

    def say(self, model: str, text: str) -> Calls:
        self._contents.append(types.Content(role="user", parts=[types.Part(text=text)]))
        return self._ask(model)

    def give_results(self, model: str, calls: Calls) -> Calls:
        results = [
            types.FunctionResponse(id=id or None, name=name, response={"output": f"sunny for {id}"})
            for id, name in calls
        ]
        parts = [types.Part(function_response=result) for result in results]
        self._contents.append(types.Content(role="user", parts=parts))
        return self._ask(model)

    def close(self) -> None:
        self._client.close()

    def _ask(self, model: str) -> Calls:
        declared = [types.FunctionDeclaration(name=f"look_{n}", parameters_json_schema=SCHEMA) for n in (1, 2)]
        config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=declared)],
            thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.MEDIUM),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        if self._streamed:
            stream = self._client.models.generate_content_stream(model=model, contents=self._contents, config=config)
            answers = list(stream)
        else:
            answers = [self._client.models.generate_content(model=model, contents=self._contents, config=config)]
        came: list[Any] = [answer.candidates[0].content for answer in answers if answer.candidates]
        self._contents += came
        calls = [part.function_call for content in came for part in content.parts if part.function_call]
        return [(call.id, call.name) for call in calls]


Door = Callable[[Served, bool], Conversation]
DOORS: dict[str, Door] = {
    "chat": Chat,
    "chat that drops": lambda gateway, streamed: Chat(gateway, streamed, rebuilds=True),
    "responses": Responses,
    "messages": Messages,
    "gemini": Contents,
}


def converse(conversation: Conversation, models: list[str]) -> None:
    """Questions that want tools, and their results, each request to the next of the models."""
    open_calls: Calls = []
    for number, model in enumerate(models):
        if open_calls:
            open_calls = conversation.give_results(model, open_calls)
            assert not open_calls
        else:
            # Some of Claude's thinking is hidden: it comes back all the same.
            hidden = "[[redact]]" if number % 4 else ""
            open_calls = conversation.say(model, f"How is the weather? [[tool]] [[think]] {hidden}")
            assert len(open_calls) == 2


def own_state(entry: dict[str, Any]) -> int:
    """How much of its own the provider got back; thinking in plain words counts where it has no other state."""
    turns = entry["understood"]["turns"]
    states = sum(turn["states"] - turn["made_up"] for turn in turns)
    return int(states or sum(len(turn["thinking"]) for turn in turns))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("order", ROUNDS)
@BOTH
def test_a_conversation_changes_its_provider_at_every_turn(
    gateway: Served, provider: ProviderProcess, door: str, order: str, streamed: bool
) -> None:
    called = states_came_back(gateway, provider, door, ROUNDS[order], streamed)
    assert set(called) >= {GEMINI, CLAUDE, GPT}


FLASH, HAIKU = "gemini-3.5-flash", "claude-haiku-4-5"
PAIRS = [
    *((door, GEMINI, FLASH) for door in ("chat", "chat that drops", "responses", "messages")),
    *((door, CLAUDE, HAIKU) for door in ("chat that drops", "responses", "gemini")),
    # Both speak Responses: their own items lie side by side in the client's history, as they made them.
    ("responses", GPT, GROK),
]


@pytest.mark.parametrize(("door", "one", "other"), PAIRS)
def test_state_is_its_models_own_also_where_two_speak_one_dialect(
    gateway: Served, provider: ProviderProcess, door: str, one: str, other: str
) -> None:
    called = states_came_back(gateway, provider, door, [one, other, other, one, one, other, other, one], False)
    assert set(called) == {one, other}


def states_came_back(
    gateway: Served, provider: ProviderProcess, door: str, models: list[str], streamed: bool
) -> dict[str, int]:
    """Holds the conversation and checks every request of it; how many answers with calls and state each model gave."""
    provider.fresh()
    with contextlib.closing(DOORS[door](gateway, streamed)) as conversation:
        converse(conversation, models)
    entries = provider.fresh()
    assert [(entry["model"], entry["status"]) for entry in entries] == [(model, 200) for model in models]
    called: dict[str, int] = {}
    for entry in entries:
        # Every answer that called tools and had something to bring back has brought it.
        assert own_state(entry) >= called.get(entry["model"], 0), (entry["n"], entry["model"], entry["understood"])
        answer = entry["answer"]
        # Google signs calls and OpenAI seals what it thought, shown or not. Grok's chat has no state but plain words,
        # and a client that drops them has dropped them.
        thought = answer["reasoning"] or entry["model"] in (GEMINI, FLASH, GPT)
        if answer["calls"] and thought and (entry["model"], door) != (GROK, "chat that drops"):
            called[entry["model"]] = called.get(entry["model"], 0) + 1
    return called


@BOTH
def test_a_thinking_budget_survives_calls_that_others_made(
    gateway: Served, provider: ProviderProcess, streamed: bool
) -> None:
    """A model on a budget wants the turn whose calls are answered to begin with its own thinking. Where another
    provider made the calls, one that does not think at all included, it answers without thinking, and that is told."""
    models = [GEMINI, HAIKU, "gpt-4.1-mini", HAIKU, HAIKU, HAIKU, GROK, HAIKU, HAIKU, GEMINI]
    provider.fresh()
    with contextlib.closing(Messages(gateway, streamed)) as conversation:
        converse(conversation, models)
    entries = provider.fresh()
    assert [(entry["model"], entry["status"]) for entry in entries] == [(model, 200) for model in models]
    thought = [entry["understood"]["thinking"] is not None for entry in entries if entry["model"] == HAIKU]
    assert thought == [False, False, True, True, False, True]
    rows = [row for row in gateway.records()[: len(models)][::-1] if row.model == HAIKU]
    assert ["thinking" in row.dropped for row in rows] == [not kept for kept in thought]
