"""What the carriage table says, as a client of each door meets it: header, row, and the 400 of its dialect."""

from typing import Any

import openai
import pytest
from google import genai

from tests.endtoend.serving import Served
from tests.provider.client import ProviderProcess

CLAUDE, GEMINI = "claude-haiku-4-5", "gemini-2.5-flash"
CODEX = {"user-agent": "codex_exec/0.169.0 (Linux)"}
SHELL = {"type": "function", "name": "shell", "parameters": {"type": "object", "properties": {}}}


def said(reply: Any) -> tuple[str, str | None]:
    """The error's message and the field that it names, in each dialect's own place."""
    error = reply.json["error"]
    return error["message"], error.get("param")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("chat/completions", {"model": CLAUDE, "n": 2, "messages": [{"role": "user", "content": "Hi"}]}, "n"),
        ("responses", {"model": GEMINI, "input": "Hi", "previous_response_id": "resp_1"}, "previous_response_id"),
        ("responses", {"model": "gpt-4.1-mini", "input": "Hi", "background": True}, "background"),
        (
            "chat/completions",
            {"model": "grok-4.3", "messages": [{"role": "user", "content": "Hi"}], "deferred": True},
            "deferred",
        ),
        ("responses", {"model": CLAUDE, "input": "Hi", "tools": [SHELL, {"type": "web_search"}]}, "tools[1].type"),
        (
            "messages",
            {
                "model": GEMINI,
                "max_tokens": 9,
                "messages": [{"role": "user", "content": "Hi"}],
                "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            },
            "tools[0].type",
        ),
        (
            f"models/{CLAUDE}:generateContent",
            {
                "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
                "generationConfig": {"responseLogprobs": True},
            },
            "generationConfig.responseLogprobs",
        ),
    ],
)
def test_what_is_refused_is_named_before_a_provider_is_asked(
    gateway: Served, provider: ProviderProcess, path: str, body: dict[str, Any], field: str
) -> None:
    asked = len(provider.ledger())
    reply = gateway.ask("POST", f"/api/ai/v1/{path}", body, key=gateway.key())
    message, param = said(reply)
    assert reply.status == 400 and field in message and param in (field, None)
    row = gateway.row(reply.id)
    assert (row.outcome, row.status, row.attempts) == ("error", 400, ())
    assert len(provider.ledger()) == asked


@pytest.mark.parametrize("model", [CLAUDE, GEMINI])
def test_codex_goes_without_the_hosted_tools_that_it_always_sends(
    gateway: Served, provider: ProviderProcess, model: str
) -> None:
    body = {"model": model, "input": "Hi", "tools": [SHELL, {"type": "web_search"}]}
    reply = gateway.ask("POST", "/api/ai/v1/responses", body, key=gateway.key(), headers=CODEX)
    assert reply.status == 200 and reply.headers["x-faregate-dropped"] == "tools[].type"
    assert gateway.row(reply.id).dropped == ("tools[].type",)
    assert provider.ledger()[-1]["understood"]["tools"].keys() == {"shell"}


def test_a_gemini_client_reads_its_own_words(gateway: Served) -> None:
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]
    body = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "safetySettings": settings,
        "generationConfig": {"seed": 7, "temperature": 1.7, "frequencyPenalty": 0.5},
    }
    reply = gateway.ask("POST", f"/api/ai/v1beta/models/{CLAUDE}:generateContent", body, key=gateway.key())
    dropped = ("safetySettings", "generationConfig.seed", "generationConfig.frequencyPenalty")
    assert reply.status == 200 and reply.headers["x-faregate-dropped"] == ", ".join(dropped)
    assert reply.headers["x-faregate-adapted"] == "generationConfig.temperature"
    row = gateway.row(reply.id)
    assert (row.dropped, row.adapted) == (dropped, ("generationConfig.temperature",))


ODD_NAMES = {"chat": "größe.lesen", "gemini": "files.read:all"}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", [CLAUDE, GEMINI])
def test_a_chat_client_calls_functions_under_its_own_names(
    gateway: Served, provider: ProviderProcess, model: str, streamed: bool
) -> None:
    name = ODD_NAMES["chat"]
    schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    tool = {"type": "function", "function": {"name": name, "parameters": schema}}
    choice = {"type": "function", "function": {"name": name}}
    asked: dict[str, Any] = {"model": model, "tools": [tool], "stream": streamed}
    said: list[Any] = [{"role": "user", "content": "Read it. [[tool]]"}]
    with openai.OpenAI(base_url=f"{gateway.url}/api/ai/v1", api_key=gateway.key(), max_retries=0) as client:
        answer = client.chat.completions.create(messages=said, tool_choice=choice, **asked)
        if streamed:
            calls = [call for chunk in answer for piece in chunk.choices for call in piece.delta.tool_calls or ()]
            call = {"id": calls[0].id, "type": "function", "function": {"name": calls[0].function.name}}
            call["function"]["arguments"] = "".join(item.function.arguments or "" for item in calls)
        else:
            call = answer.choices[0].message.tool_calls[0].model_dump()
        (sent,) = provider.ledger()[-1]["understood"]["tools"]
        assert call["function"]["name"] == name != sent and sent in str(
            provider.ledger()[-1]["understood"]["tool_choice"]
        )
        said += [
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": "42"},
        ]
        raw = client.chat.completions.with_raw_response.create(messages=said, **asked)
        raw.http_response.read()
    assert raw.headers["x-faregate-adapted"] == "tools[].function.name"
    entry = provider.ledger()[-1]
    assert entry["rejected"] is None and list(entry["understood"]["tools"]) == [sent]
    assert [item["name"] for turn in entry["understood"]["turns"] for item in turn["calls"]] == [sent]
    assert gateway.last().adapted == ("tools[].function.name",)


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-5.4", CLAUDE])
def test_a_gemini_client_calls_functions_under_its_own_names(
    gateway: Served, provider: ProviderProcess, model: str
) -> None:
    name = ODD_NAMES["gemini"]
    options = genai.types.HttpOptions(base_url=f"{gateway.url}/api/ai")
    config = genai.types.GenerateContentConfig(
        tools=[genai.types.Tool(function_declarations=[genai.types.FunctionDeclaration(name=name)])],
        automatic_function_calling=genai.types.AutomaticFunctionCallingConfig(disable=True),
    )
    with genai.Client(api_key=gateway.key(), http_options=options) as client:
        chat = client.chats.create(model=model, config=config)
        (call,) = chat.send_message("Read it. [[tool]] [[calls:1]]").function_calls or ()
        assert call.name == name
        result = genai.types.Part.from_function_response(name=name, response={"lines": 3})
        assert chat.send_message(result).text
    entry = provider.ledger()[-1]
    (sent,) = entry["understood"]["tools"]
    assert entry["rejected"] is None and sent != name
    assert [item["name"] for turn in entry["understood"]["turns"] for item in turn["calls"]] == [sent]
    assert gateway.last().adapted == ("tools[].functionDeclarations[].name",)
