"""Twenty times the same words at once, from two users, without `traceparent`: with retries, refusals, spans that come
late, twice or never. Calls are those of the provider's ledger, and no two different ones are merged."""

import random
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.endtoend.serving import MODELS, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.telemetry.recorded import PROTOBUF
from tests.waiting import wait_until

BASE = "/api/ai/v1"
MODEL = MODELS["openai"]
USERS = ("ann", "bob")
CALLS = 20
# One call of each user is refused first and tried again; the spans of the others here are never sent.
REFUSED, SAMPLED_OUT = {3, 8}, {5, 14}


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("twins") / "home", **upstreams(provider.base_urls))
    for user in USERS:
        served.key(name=user, user=user)
    with served:
        yield served


class Twins:
    """Calls at once, each under an instrumentation's span, which is kept to be sent later."""

    def __init__(self, gateway: Served) -> None:
        self._gateway = gateway
        self.kept = InMemorySpanExporter()
        self._provider = TracerProvider(resource=Resource({"service.name": "twins"}))
        self._provider.add_span_processor(SimpleSpanProcessor(self.kept))
        self._tracer = self._provider.get_tracer("app")
        self._together = threading.Barrier(CALLS)
        self.spans: dict[str, list[ReadableSpan]] = {user: [] for user in USERS}
        self.answers: list[str] = []

    def run(self) -> None:
        threads = [threading.Thread(target=self._call, args=(number,)) for number in range(CALLS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def _call(self, number: int) -> None:
        user = USERS[number % 2]
        key = self._gateway.key(name=user)
        with openai.OpenAI(base_url=f"{self._gateway.url}{BASE}", api_key=key, max_retries=0) as client:
            self._together.wait(30)
            self._ask(client, user, number)

    def _ask(self, client: openai.OpenAI, user: str, number: int) -> None:
        for words in (["The same? [[429]]"] if number in REFUSED else []) + ["The same?"]:
            with self._tracer.start_as_current_span(f"chat {MODEL}") as span:
                span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": MODEL})
                try:
                    answer = client.chat.completions.create(
                        model=MODEL, messages=[{"role": "user", "content": words}]
                    )
                except openai.RateLimitError:
                    span.set_attribute("error.type", "429")
                else:
                    span.set_attribute("gen_ai.response.id", answer.id)
                    self.answers.append(answer.id)
            if number not in SAMPLED_OUT:
                assert isinstance(span, ReadableSpan)
                self.spans[user].append(span)


def send(gateway: Served, user: str, spans: list[ReadableSpan]) -> None:
    body = encode_spans(spans).SerializeToString()
    reply = gateway.ask("POST", "/v1/traces", body, key=gateway.key(name=user), headers={"content-type": PROTOBUF})
    assert reply.status == 200


def turns(gateway: Served, user: str) -> list[dict[str, Any]]:
    return [turn for thread in gateway.threads(key=gateway.key(name=user)) for turn in thread["turns"]]


def test_calls_are_those_of_the_ledger_in_any_order_of_arrival(gateway: Served, provider: ProviderProcess) -> None:
    before = len(provider.ledger())
    twins = Twins(gateway)
    twins.run()
    gateway.settle()
    calls = provider.ledger()[before:]
    assert len(calls) == CALLS + len(REFUSED) and len(set(twins.answers)) == CALLS
    draw = random.Random(5)
    totals: list[set[tuple[Any, ...]]] = []
    for _ in range(3):
        for user in USERS:
            spans = twins.spans[user]
            draw.shuffle(spans)
            for first in range(0, len(spans), 3):
                send(gateway, user, spans[first : first + 3])

        def joined() -> bool:
            told = [turn for user in USERS for turn in turns(gateway, user)]
            return sum("span" in turn["sources"] for turn in told) == len(calls) - len(SAMPLED_OUT)

        wait_until(joined, pause=0.2)
        found = [turn for user in USERS for turn in turns(gateway, user)]
        # One turn for each call that the provider saw; no span stands as a call of its own.
        assert len(found) == len(calls) == len({turn["request_id"] for turn in found})
        told = {turn["request_id"]: turn for turn in found}
        rows = [
            row for user in USERS for row in gateway.get(f"{BASE}/usage/requests", key=gateway.key(name=user))["data"]
        ]
        assert {row["id"] for row in rows} == set(told)
        for row in rows:
            assert told[row["id"]]["cost_usd"] == row["cost_usd"]
            assert told[row["id"]]["input_tokens"] == row["input_tokens"]
            # Each was told of once. What was refused has no id: of it only its time and its failure tell.
            assert len(told[row["id"]]["other_figures"]) <= 1
            assert told[row["id"]]["inferred"] == (row["status"] == 429)
        totals.append({(turn["request_id"], turn["joined"], turn["cost_usd"]) for turn in found})
    assert totals[0] == totals[1] == totals[2]
