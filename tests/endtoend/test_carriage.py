"""What the carriage table says, as a client of each door meets it: header, row, and the 400 of its dialect."""

from typing import Any

import pytest

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
