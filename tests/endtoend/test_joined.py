"""One call, one cost: apps that call a model through the gateway and export telemetry to it, and apps that only export.

The app's side is OpenTelemetry's own SDK and exporter and an official SDK; the provider keeps a ledger of its own.
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.endtoend.serving import MODELS, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.telemetry.recorded import recording
from tests.waiting import wait_until

BASE = "/api/ai/v1"
MODEL = MODELS["anthropic"]


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("joined") / "home", **upstreams(provider.base_urls)) as served:
        yield served


class App:
    """One instrumented process: a tracer that exports at once, and a client of the gateway."""

    def __init__(self, gateway: Served, name: str) -> None:
        self.gateway = gateway
        headers = {"authorization": f"Bearer {gateway.key()}"}
        self.provider = TracerProvider(resource=Resource({"service.name": name}))
        exporter = OTLPSpanExporter(endpoint=f"{gateway.url}/v1/traces", headers=headers)
        self.provider.add_span_processor(SimpleSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("app")
        self.answer_id = ""
        self.client = openai.OpenAI(base_url=f"{gateway.url}{BASE}", api_key=gateway.key(), max_retries=0)

    def ask(self, words: str, *, propagate: bool = False, **more: Any) -> str:
        """The request's id."""
        headers: dict[str, str] = {}
        if propagate:
            inject(headers)
        raw = self.client.chat.completions.with_raw_response.create(
            model=MODEL, messages=[{"role": "user", "content": words}], extra_headers=headers, **more
        )
        self.answer_id = raw.parse().id
        return str(raw.headers["x-request-id"])


@pytest.fixture
def app(gateway: Served) -> Iterator[App]:
    app = App(gateway, f"app-{secrets.token_hex(4)}")
    yield app
    app.client.close()
    app.provider.shutdown()


def threads(gateway: Served, query: str) -> list[dict[str, Any]]:
    data = gateway.get(f"{BASE}/conversations?{query}")["data"]
    assert isinstance(data, list)
    return data


def thread_where(gateway: Served, app: str, holds: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
    """The one conversation of an app, once it is as it should be."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = gateway.threads(f"app={app}")
        return len(found) == 1 and holds(found[0])

    wait_until(there)
    return found[0]


def test_a_bare_span_with_propagation_holds_the_gateways_exchange(gateway: Served, app: App) -> None:
    with app.tracer.start_as_current_span(f"chat {MODEL}") as span:
        request = app.ask("Under a span?", propagate=True)
    name = str(app.provider.resource.attributes["service.name"])
    thread = thread_where(gateway, name)
    (turn,) = thread["turns"]
    assert (turn["request_id"], turn["joined"], turn["inferred"]) == (request, "parent", False)
    assert turn["sources"] == ["gateway", "span"]
    row = gateway.get(f"{BASE}/usage/requests/{request}")
    assert turn["cost_usd"] == row["cost_usd"] is not None and thread["cost_usd"] == row["cost_usd"]
    trace = gateway.get(f"{BASE}/traces/{span.get_span_context().trace_id:032x}")
    bare, own = sorted(trace["spans"], key=lambda each: each["parent_span_id"] or "")
    assert (bare["name"], bare["role"], bare["request_id"]) == (f"chat {MODEL}", "inference", request)
    assert own["parent_span_id"] == bare["span_id"] and own["request_id"] == request
    # The row learns the app, and so do the sums by app.
    wait_until(lambda: gateway.get(f"{BASE}/usage/requests/{request}")["app"] == name)
    by_app = {row["value"]: row for row in gateway.get(f"{BASE}/usage/breakdown?by=app")["data"]}
    assert by_app[name]["requests"] == 1 and by_app[name]["cost_usd"] == row["cost_usd"]


def test_a_bare_span_without_propagation_is_joined_by_time_and_says_so(gateway: Served, app: App) -> None:
    with app.tracer.start_as_current_span(f"chat {MODEL}"):
        request = app.ask("Without a header?")
    (turn,) = thread_where(gateway, str(app.provider.resource.attributes["service.name"]))["turns"]
    assert (turn["request_id"], turn["joined"], turn["inferred"]) == (request, "time", True)


def test_what_is_ambiguous_stays_apart(gateway: Served, app: App) -> None:
    """Two calls of one model at a time, and two spans around both: nothing says which is which."""
    both, done = threading.Barrier(2), threading.Barrier(2)
    requests: list[str] = []

    def call(words: str) -> None:
        with app.tracer.start_as_current_span(f"chat {MODEL}"):
            both.wait(30)
            requests.append(app.ask(words))
            done.wait(30)

    running = [threading.Thread(target=call, args=(f"Twin {n}?",)) for n in range(2)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    name = str(app.provider.resource.attributes["service.name"])
    # The spans are told as they are, without a row's cost; the exchanges stand apart, each once.
    wait_until(lambda: len(threads(gateway, f"app={name}")) == 2)
    for thread in gateway.threads(f"app={name}"):
        (turn,) = thread["turns"]
        assert turn["request_id"] is None and turn["cost_usd"] is None
    assert len(requests) == 2
    for request in requests:
        assert gateway.get(f"{BASE}/usage/requests/{request}")["app"] is None


def test_an_instrumented_sdk_is_joined_by_the_answers_id(gateway: Served, app: App) -> None:
    request = app.ask("What id?")
    with app.tracer.start_as_current_span(f"chat {MODEL}") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": MODEL,
                "gen_ai.response.id": app.answer_id,
                "gen_ai.usage.input_tokens": 999,
                "gen_ai.usage.output_tokens": 3,
                "gen_ai.conversation.id": "session-of-the-app",
            }
        )
    name = str(app.provider.resource.attributes["service.name"])
    thread = thread_where(gateway, name)
    (turn,) = thread["turns"]
    row = gateway.get(f"{BASE}/usage/requests/{request}")
    assert (turn["request_id"], turn["joined"]) == (request, "id")
    # Counted once, by what the gateway read; what the app says differs, and is shown beside it.
    assert turn["input_tokens"] == row["input_tokens"] != 999
    (other,) = turn["other_figures"]
    assert (other["source"], other["input_tokens"], other["output_tokens"]) == ("span", 999, 3)
    assert thread["id"] == "session-of-the-app"
    wait_until(lambda: gateway.get(f"{BASE}/usage/requests/{request}")["conversation_id"] == "session-of-the-app")


def test_an_app_that_calls_elsewhere_is_a_conversation(gateway: Served) -> None:
    recorded = recording("genai.multiturn-tool.traces.pb")
    for _ in range(2):
        reply = gateway.ask(
            "POST", "/v1/traces", recorded.body, key=gateway.key(), headers={"content-type": recorded.content_type}
        )
        assert reply.status == 200
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = [
            row for row in threads(gateway, "limit=200") if row["sources"] == ["span"] and row["requests"] == 3
        ]
        return bool(found)

    wait_until(there)
    thread = gateway.get(f"{BASE}/conversations/{found[0]['id']}")
    assert [(message["role"], message["turn"]) for message in thread["messages"]] == [
        ("user", 0),
        ("assistant", 0),
        ("tool", 1),
        ("assistant", 1),
        ("user", 2),
        ("assistant", 2),
    ]
    # No list knows the price of this model, which is no price of 0.
    assert [(turn["cost_usd"], turn["cost_source"]) for turn in thread["turns"]] == [(None, "none")] * 3
    assert {turn["usage_source"] for turn in thread["turns"]} == {"reported"}
    assert (thread["user"], thread["unpriced_requests"]) == ("alice@example.com", 3)
    # It is no exchange of the gateway's: no row is added.
    assert all(turn["request_id"] is None for turn in thread["turns"])


def test_a_call_that_went_elsewhere_is_priced_by_the_list_and_adds_no_row(gateway: Served, app: App) -> None:
    before = gateway.get(f"{BASE}/usage/summary")["requests"]
    with app.tracer.start_as_current_span("chat gpt-4.1-mini") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4.1-mini",
                "gen_ai.usage.input_tokens": 1_000_000,
                "gen_ai.usage.output_tokens": 0,
            }
        )
    (turn,) = thread_where(gateway, str(app.provider.resource.attributes["service.name"]))["turns"]
    assert (turn["cost_usd"], turn["cost_source"], turn["request_id"]) == ("0.400000000", "list", None)
    assert gateway.get(f"{BASE}/usage/summary")["requests"] == before


def test_a_tools_log_records_alone_are_a_conversation(gateway: Served) -> None:
    recorded = recording("claude-code.session-tool.logs.pb")
    reply = gateway.ask(
        "POST", "/v1/logs", recorded.body, key=gateway.key(), headers={"content-type": recorded.content_type}
    )
    assert reply.status == 200
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = [row for row in threads(gateway, "limit=200") if row["sources"] == ["log"]]
        return bool(found)

    wait_until(there)
    (row,) = found
    thread = gateway.get(f"{BASE}/conversations/{row['id']}")
    assert len(thread["turns"]) == 2
    roles = [message["role"] for message in thread["messages"]]
    assert roles[0] == "user" and roles[-1] == "assistant"


def test_what_a_tools_metrics_say_stands_beside_and_not_in_the_figures(gateway: Served) -> None:
    before = gateway.get(f"{BASE}/usage/summary")["requests"]
    recorded = recording("claude-code.session-tool.metrics.pb")
    headers = {"content-type": recorded.content_type}
    assert gateway.ask("POST", "/v1/metrics", recorded.body, key=gateway.key(), headers=headers).status == 200
    told = gateway.get(f"{BASE}/usage/reported")["data"]
    assert told and all(row["app"] and row["input_tokens"] > 0 and row["cost_usd"] for row in told)
    assert gateway.get(f"{BASE}/usage/summary")["requests"] == before
    assert gateway.ask("GET", f"{BASE}/usage/reported", key=gateway.key()).status == 403
