"""What real tools sent, replayed at every provider: Claude Code, Codex, Gemini CLI and opencode, with and without a
tool's result behind them.

`tests/wire/clients/<name>.json`: the tool's own path, headers and body as captured from it, November 2026 (Claude Code
2.1.330, Codex 0.169.0, Gemini CLI 0.61.0, opencode 1.18.33). Words, ids and folders are replaced by ours, and what a
model signed is sealed anew; fields, schemas and order are the tool's. The provider checks each body as strictly as the
real ones.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.events import Assembler
from tests.endtoend.serving import MODELS, PROVIDERS, Reply, Served
from tests.provider.client import ProviderProcess

CLIENTS = Path(__file__).parents[1] / "wire" / "clients"
RECORDED: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(CLIENTS.glob("*.json"))
}
DIALECT_BY_PATH = {
    "/v1/chat/completions": "openai_chat",
    "/v1/responses": "openai_responses",
    "/v1/messages": "anthropic",
    "/v1beta/models/": "gemini",
}
# Whose models opencode puts cache marks into chat messages for; OpenAI would refuse them.
MARKED = {"opencode_chat_cache_marks": ("anthropic", "google")}
CASES = [(name, provider) for name in RECORDED for provider in MARKED.get(name, PROVIDERS)]
# All that may be lost on the way to another provider: hints, limits of models, state that others made, hosted tools.
LOST = {
    "cache_control",
    "context_management",
    "generationConfig.thinkingConfig.includeThoughts",
    "generationConfig.thinkingConfig.thinkingLevel",
    "generationConfig.topK",
    "generationConfig.topP",
    "include",
    "input[].summary",
    "messages[].cache_control",
    "messages[].content[].cache_control",
    "messages[].tool_calls[].cache_control",
    "metadata.user_id",
    "output_config.effort",
    "prompt_cache_key",
    "reasoning.summary",
    "system[].cache_control",
    "tools[].cache_control",
    "tools[].defer_loading",
    "tools[].type",
}
BENT = {"messages[].role", "tools[].function.parameters", "tools[].input_schema"}
# The header by which each tool groups its requests.
SESSION = {"Claude Code": "x-claude-code-session-id", "Codex": "session-id", "opencode": "x-session-id"}


def dialect(recorded: dict[str, Any]) -> str:
    return next(name for path, name in DIALECT_BY_PATH.items() if recorded["path"].startswith(path))


def replay(gateway: Served, recorded: dict[str, Any], model: str) -> Reply:
    path, body = recorded["path"], dict(recorded["body"])
    if "model" in body:
        body["model"] = model
    else:
        path = f"/v1beta/models/{model}:{path.rpartition(':')[2]}"
    return gateway.ask("POST", "/api/ai" + path, body, key=gateway.key(), headers=recorded["headers"])


def functions(recorded: dict[str, Any]) -> set[str]:
    """The names of the tools that the client itself runs, as a provider of another dialect is told them."""
    found: set[str] = set()
    for tool in recorded["body"].get("tools") or ():
        if "functionDeclarations" in tool:
            found |= {item["name"] for item in tool["functionDeclarations"]}
        elif tool.get("type") == "namespace":
            found |= {item["name"] for item in tool["tools"]}
        elif "name" in tool or "function" in tool:
            found.add(tool.get("function", tool)["name"])
    return found


@pytest.mark.parametrize(("name", "provider_name"), CASES)
def test_a_tool_is_answered_by_every_provider(
    gateway: Served, provider: ProviderProcess, name: str, provider_name: str
) -> None:
    recorded, model = RECORDED[name], MODELS[provider_name]
    reply = replay(gateway, recorded, model)
    entry, row = provider.ledger()[-1], gateway.row(reply.id)
    assert reply.status == 200, (reply.body, entry["rejected"])
    assert set(row.dropped) <= LOST and set(row.adapted) <= BENT
    assembler, reader = Assembler(), DIALECTS[dialect(recorded)].reader()
    for event in reader.feed(reply.body) + reader.close():
        assembler.feed(event)
    answer = assembler.response()
    said = "".join(getattr(part, "text", "") for part in answer.choices[0].parts if type(part).__name__ == "Text")
    assert said == entry["answer"]["text"] and assembler.error is None and assembler.finished
    assert (row.provider, row.outcome, row.usage_source, row.streamed) == (provider_name, "ok", "provider", True)
    assert (row.input_tokens, row.output_tokens) == (entry["input"], entry["output"])
    assert row.client == recorded["client"]
    session = SESSION.get(recorded["client"])
    if session:
        assert row.conversation_id == recorded["headers"][session]
    else:
        # The same history at another provider is recognised, a moment later.
        assert row.conversation_id is None or row.conversation_id.startswith("conv_")
    told = {known.rpartition("__")[2] for known in entry["understood"]["tools"]}
    assert functions(recorded) <= told | set(entry["understood"]["tools"])


def test_what_each_tool_sends_is_there() -> None:
    """The captures keep what makes these tools special, so that the test above means something."""
    claude, looped = RECORDED["claude_code"]["body"], RECORDED["claude_code_tool_loop"]["body"]
    assert claude["context_management"]["edits"] and claude["thinking"]["type"] == "adaptive"
    assert any(tool.get("defer_loading") for tool in claude["tools"])
    assert "system" in {message["role"] for message in looped["messages"]}
    codex = RECORDED["codex_tool_loop"]["body"]
    assert {"namespace", "web_search", "function"} == {tool["type"] for tool in codex["tools"]}
    assert {"developer", "function_call_output"} <= {item.get("role") or item["type"] for item in codex["input"]}
    reasoned = RECORDED["codex_reasoning"]["body"]["input"]
    assert any(item.get("encrypted_content") for item in reasoned)
    gemini = RECORDED["gemini_cli"]["body"]["generationConfig"]
    assert gemini["thinkingConfig"]["thinkingLevel"] == "HIGH" and gemini["topK"] == 64
