"""Each tool of Connect in turn: a key is made on the page, the tool calls as it really does, and its row turns green.

What a tool sends was recorded from the tool itself: whole requests where there are recordings, its User-Agent, its
door and the place of its key for the others.
"""

import contextlib
import http.client
import json
import re
from pathlib import Path
from typing import Any

from tests.endtoend.serving import MODELS
from tests.waiting import PATIENCE_S, wait_until
from tests.window.display import Display
from tests.window.real_app import RealApp
from tests.window.test_settings import free_port

BASE = "/api/ai"
CLIENTS = Path(__file__).parents[1] / "wire" / "clients"
SPANS = Path(__file__).parents[1] / "telemetry" / "otlp" / "openinference.multiturn-tool.traces.pb"
SAID = [{"role": "user", "content": "Hello."}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": MODELS["openai"], "messages": SAID},
    "/v1/responses": {"model": MODELS["openai"], "input": SAID},
    "/v1/messages": {"model": MODELS["anthropic"], "messages": SAID, "max_tokens": 99},
}
CHATS, RESPONSES, MESSAGES = BODIES
GEMINI = f"models/{MODELS['google']}:generateContent"
BODIES |= {f"/{version}/{GEMINI}": {"contents": [{"parts": [{"text": "Hello."}]}]} for version in ("v1", "v1beta")}
BEARER, GOOGLE, ANTHROPIC = "authorization", "x-goog-api-key", "x-api-key"
# A recording, or: path, where the key is, User-Agent. The title is the row's on the page.
CALLS: dict[str, tuple[str, str, str] | str] = {
    "Claude Code": "claude_code",
    "Codex": "codex_tool_loop",
    "Gemini CLI": "gemini_cli",
    "opencode": "opencode_chat",
    "Continue": (CHATS, BEARER, "ls/JS 5.23.2"),
    "aider": (CHATS, BEARER, "OpenAI/Python 2.20.0"),
    "qwen-code": (CHATS, BEARER, "QwenCode/0.24.4 (linux; x64)"),
    "llm": (CHATS, BEARER, "OpenAI/Python 3.54.0"),
    "OpenAI SDK (Python)": (RESPONSES, BEARER, "OpenAI/Python 3.54.0"),
    "OpenAI SDK (JavaScript)": (RESPONSES, BEARER, "OpenAI/JS 7.57.0"),
    "Anthropic SDK (Python)": (MESSAGES, BEARER, "Anthropic/Python 2.12.0"),
    "Anthropic SDK (JavaScript)": (MESSAGES, BEARER, "Anthropic/JS 1.12.0"),
    "Google GenAI SDK (Python)": (f"/v1/{GEMINI}", GOOGLE, "google-genai-sdk/3.4.0 gl-python/3.11.7"),
    "Google GenAI SDK (JavaScript)": (f"/v1/{GEMINI}", GOOGLE, "google-genai-sdk/3.1.0 gl-node/v22.0.0"),
    "LangChain": (CHATS, BEARER, "OpenAI/Python 3.54.0"),
    "LlamaIndex": (CHATS, BEARER, "llama-index/0.14.25"),
    "Vercel AI SDK": (RESPONSES, BEARER, "ai-sdk-openai/4.0.118 ai-sdk/provider-utils/5.0.0"),
    "pydantic-ai": (CHATS, BEARER, "pydantic-ai/2.68.0"),
    "OpenAI Agents SDK": (RESPONSES, BEARER, "Agents/Python 0.24.0"),
    "LiteLLM": (f"/v1beta/{GEMINI}", GOOGLE, "litellm/1.81.10"),
    "curl": (CHATS, BEARER, "curl/8.5.0"),
}


def send(app: RealApp, tool: str, key: str) -> int:
    """The tool's request; its status."""
    how = CALLS[tool]
    if isinstance(how, str):
        recorded = json.loads((CLIENTS / f"{how}.json").read_text())
        path, body, headers = recorded["path"], recorded["body"], recorded["headers"]
        place = GOOGLE if "/models/" in path else BEARER
    else:
        path, place, agent = how
        body, headers = BODIES[path], {"user-agent": agent}
    named = {place: f"Bearer {key}" if place == BEARER else key, "content-type": "application/json"}
    return post(app, f"{BASE}{path}", json.dumps(body).encode(), {**headers, **named})


def post(app: RealApp, path: str, body: bytes, headers: dict[str, str]) -> int:
    """Just these headers; the status, once the answer is complete."""
    connection = http.client.HTTPConnection(*app.ask("address").split(":"), timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def choose(app: RealApp, tool: str) -> None:
    app.click_on("place_of_item", name="connect_tools", text=tool)
    app.wait_for("text", tool, name="connect_title")


def make_key(app: RealApp) -> str:
    """With the mouse; the key, as it stands in the snippets once they are copied."""
    app.click("connect_make_key")
    wait_until(lambda: "•" in "".join(app.ask("texts", name="snippet")), what="The key, masked")
    assert not keys_shown(app)
    place = next(n for n, text in enumerate(app.ask("texts", name="snippet")) if "•" in text)
    app.click_on("place_of_nth", name="snippet_copy", number=place)
    wait_until(lambda: keys_shown(app), what="The key")
    (key,) = keys_shown(app)
    return key


def keys_shown(app: RealApp) -> set[str]:
    return set(re.findall(r"tk_[\w-]{43}", "\n".join(app.ask("texts", name="snippet"))))


def ticked(app: RealApp) -> set[str]:
    rows = [row for row in app.ask("listed", name="connect_tools") if row.endswith(", connected")]
    return {row.removesuffix(", connected") for row in rows}


def open_connect(app: RealApp) -> None:
    """Anew, as who comes back to see which tools have come."""
    app.click("nav.api_keys")
    app.wait_for("page", "API keys")
    app.click("nav.connect")
    app.wait_for("shown", name="connect_tools")


def test_each_tool_turns_its_own_row_green_and_no_other(
    display: Display, home: Path, variables: dict[str, str]
) -> None:
    with RealApp(display, home, **variables) as app:
        app.wait_for("page", "Overview")
        app.click("nav.connect")
        app.wait_for("shown", name="connect_tools")
        done: set[str] = set()
        for tool in CALLS:
            choose(app, tool)
            key = make_key(app)
            assert any(app.url in text for text in app.ask("texts", name="snippet")), tool
            app.wait_for("text", f"Waiting for the first request from {tool} …", name="arrival_title")
            assert send(app, tool, key) == 200, tool
            app.wait_for("text", f"{tool} is connected", name="arrival_title")
            done.add(tool)
            open_connect(app)
            wait_until(lambda: ticked(app) == done, what=f"The tick at {tool} and at no other")
        # Spans are told by a key of theirs; the page's own test is none.
        choose(app, "OpenTelemetry")
        key = make_key(app)
        app.click("trial_start")
        wait_until(lambda: app.ask("text", name="trial_title").startswith("The gateway answered in"), what="The test")
        assert app.ask("text", name="arrival_title") == "Waiting for the first span …"
        headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
        assert post(app, "/v1/traces", SPANS.read_bytes(), headers) == 200
        app.wait_for("text", "OpenTelemetry is connected", name="arrival_title")
        app.click("arrival_link")
        app.wait_for("page", "Conversations")


def test_other_keys_no_key_and_another_port(display: Display, home: Path, variables: dict[str, str]) -> None:
    first, second = free_port(), free_port()
    home.mkdir()
    (home / "config.toml").write_text(f"[server]\nport = {first}\n")
    with RealApp(display, home, **variables | {"FAREGATE_PORT": ""}) as app:
        app.click("nav.connect")
        choose(app, "Codex")
        # The page's own test: an answer over HTTP, with a link to its request; Codex is not connected by it.
        app.click("trial_start")
        wait_until(lambda: app.ask("text", name="trial_title").startswith("The gateway answered in"), what="The test")
        assert ticked(app) == set()
        app.click("trial_link")
        app.wait_for("page", "Requests")
        app.wait_for("shown", name="request_details")
        app.click("nav.connect")
        # A key that is none: the page waits on, and says what a tool then says.
        make_key(app)
        assert send(app, "Codex", "tk_" + "x" * 43) == 401
        app.wait_for("text", "Waiting for the first request from Codex …", name="arrival_title")
        assert "A tool that says 401 uses another key" in app.ask("text", name="arrival_detail")
        assert ticked(app) == set()
        # A key of another tool: it is seen, by its name.
        choose(app, "curl")
        key = make_key(app)
        assert send(app, "Codex", key) == 200
        wait_until(lambda: "Codex used its key" in app.ask("text", name="arrival_detail"), what="The stranger")
        assert app.ask("text", name="arrival_title") == "Waiting for the first request from curl …"
        choose(app, "Codex")
        app.wait_for("text", "Codex is connected with the key “curl”", name="arrival_title")
        # Another port: snippets follow, and the key made before holds there.
        app.display.press("ctrl+comma")
        app.wait_for("page", "Settings")
        app.write("edit.server.port", str(second))
        app.click("apply_port")
        app.wait_for("address", f"127.0.0.1:{second}")
        wait_until(lambda: app.ask("state") == "Running", what="The restart")
        app.click("nav.connect")
        choose(app, "curl")
        wait_until(lambda: any(f"127.0.0.1:{second}{BASE}/v1" in text for text in app.ask("texts", name="snippet")))
        assert not any(str(first) in text for text in app.ask("texts", name="snippet"))
        assert send(app, "curl", key) == 200
        app.wait_for("text", "curl is connected", name="arrival_title")
        open_connect(app)
        wait_until(lambda: ticked(app) == {"curl", "Codex"}, what="Both ticks")
