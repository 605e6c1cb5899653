"""What the Connect page gives to paste, run as it is against a real gateway on the strict provider."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.pages.connect_parts.snippets import (
    BASE,
    BOTH,
    KEY,
    MODEL,
    ORIGIN,
    SHELLS,
    SMALL,
    Models,
    Snippet,
    can_be_pasted,
    render,
)
from app.pages.connect_parts.tools import BY_KEY, TOOLS, Tool
from tests.endtoend.serving import Served

# Those whose library is among the test's own; curl comes with the system.
RUN = ("openai-python", "anthropic-python", "google-genai", "pydantic-ai", "curl")
EVERY = [(tool, snippet, shell) for tool in TOOLS for snippet in tool.snippets for shell in SHELLS]


def pasted(tool: str, number: int, url: str, key: str, shell: str = "sh") -> str:
    return render(BY_KEY[tool].snippets[number], url, key, shell, BY_KEY[tool].models)


@pytest.mark.parametrize("name", RUN)
def test_a_snippet_runs_as_it_is_pasted(gateway: Served, tmp_path: Path, name: str) -> None:
    tool = BY_KEY[name]
    snippet = next(one for one in tool.snippets if one.runs)
    key = gateway.key(name=name)
    text = render(snippet, gateway.url, key, models=tool.models)
    before = gateway.count()
    command = {"python": [sys.executable, "-"], "sh": ["sh", "-s"]}[snippet.runs]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    row = gateway.last()
    assert gateway.count() == before + 1
    assert (row.key, row.outcome, row.client) == (name, "ok", tool.client)
    if snippet.runs == "sh":
        assert json.loads(done.stdout)["choices"][0]["message"]["content"]


@pytest.mark.parametrize(("tool", "snippet", "shell"), EVERY, ids=lambda one: getattr(one, "key", None))
def test_every_snippet_is_filled_in(tool: Tool, snippet: Snippet, shell: str) -> None:
    text = render(snippet, "http://127.0.0.1:4777", "tk_abc", shell, tool.models)
    assert text and not any(place in text for place in (BASE, KEY, ORIGIN, MODEL, SMALL, BOTH, "FAREGATE/"))
    if snippet.runs == "python":
        compile(text, tool.key, "exec")


def test_every_tool_is_told_the_endpoint_and_the_key() -> None:
    for tool in TOOLS:
        whole = "\n".join(render(one, "http://127.0.0.1:4777", "tk_abc") for one in tool.snippets)
        assert "http://127.0.0.1:4777" in whole and "tk_abc" in whole, tool.key


def test_settings_files_can_be_read() -> None:
    url, key = "http://127.0.0.1:4777", "tk_abc"
    codex = tomllib.loads(pasted("codex", 0, url, key))
    provider = codex["model_providers"][codex["model_provider"]]
    assert (provider["base_url"], provider["wire_api"]) == (f"{url}/api/ai/v1", "responses")
    opencode = json.loads(pasted("opencode", 0, url, key))["provider"]["faregate"]
    assert opencode["options"] == {"baseURL": f"{url}/api/ai/v1", "apiKey": "{env:FAREGATE_API_KEY}"}
    assert json.loads(pasted("gemini-cli", 0, url, key))["security"]["auth"]["selectedType"] == "gemini-api-key"


def test_variables_reach_what_a_shell_starts(tmp_path: Path) -> None:
    text = pasted("claude-code", 0, "http://127.0.0.1:4777", "tk_abc").replace('claude -p "hello"', "env")
    done = subprocess.run(
        ["sh", "-s"], input=text, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=True,
        env={"PATH": "/usr/bin:/bin", "ANTHROPIC_API_KEY": "of-somebody-else"},
    )  # fmt: skip
    seen = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert seen["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:4777/api/ai"
    assert seen["ANTHROPIC_AUTH_TOKEN"] == "tk_abc"
    assert "ANTHROPIC_API_KEY" not in seen


def test_spans_may_be_sent_with_what_is_pasted(gateway: Served) -> None:
    """The three variables are all that an exporter needs."""
    key = gateway.key(name="opentelemetry")
    names = dict(BY_KEY["opentelemetry"].snippets[0].variables)
    variables = {name: value.replace(ORIGIN, gateway.url).replace(KEY, key) for name, value in names.items()}
    done = subprocess.run(
        [sys.executable, "-c", _EXPORT], capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": "/usr/bin:/bin", **variables},
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "SUCCESS"), done.stderr


_EXPORT = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

exporter = OTLPSpanExporter()
span = TracerProvider().get_tracer("hello").start_span("hello")
span.end()
print(exporter.export([span]).name)
"""


def test_another_model_stands_in_every_file_and_shell() -> None:
    url, key, models = "http://127.0.0.1:4777", "tk_abc", Models("own/llama-4:70b@q4", "gpt-4o-mini")
    for tool in (tool for tool in TOOLS if not tool.sends_spans and tool.key != "cursor"):
        for shell in SHELLS:
            whole = "\n".join(render(one, url, key, shell, models) for one in tool.snippets)
            assert models.main in whole and tool.models.main not in whole.replace(models.small, ""), (tool.key, shell)
    opencode = json.loads(render(BY_KEY["opencode"].snippets[0], url, key, models=models))
    assert (opencode["model"], opencode["small_model"]) == (f"faregate/{models.main}", "faregate/gpt-4o-mini")
    assert opencode["provider"]["faregate"]["models"] == {models.main: {}, "gpt-4o-mini": {}}
    assert tomllib.loads(render(BY_KEY["codex"].snippets[0], url, key, models=models))["model"] == models.main


@pytest.mark.parametrize("name", ["gpt-4o mini", "a'b", 'a"b', "a\\b", "$HOME", "a\nb", "", "`id`", "a;b", "ä"])
def test_what_would_mean_something_else_somewhere_is_no_model_to_paste(name: str) -> None:
    assert not can_be_pasted(name)
