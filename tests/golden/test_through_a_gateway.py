"""The golden table through a running gateway: a provider sends each usage object, and the row costs what was worked out.

Prices that change on a day are left to the table's own dates: here the day is today.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.providers.catalog import BY_NAME
from tests.endtoend.scripted import Scripted, answer, stream_head
from tests.endtoend.serving import CHAT, PROVIDERS, Served, upstreams
from tests.golden.test_costs import ANSWERS, AT_US, OWNERS, PRICING, Case, cases, expected

WORDS = "Say hello."
MESSAGES = [{"role": "user", "content": WORDS}]


def lasting(dialect: str, case: Case) -> bool:
    """Whether the case is priced alike on every later day, as far as the list knows."""
    provider = case.get("provider") or OWNERS[dialect]
    model = case.get("answered", case["model"])
    until = PRICING.price_row(BY_NAME[provider].price_provider or "", provider, model, AT_US).valid_to_us
    return until is None and "at" not in case and not (dialect == "gemini" and model.endswith("-tts"))


@pytest.fixture(scope="module")
def provider() -> Iterator[Scripted]:
    with Scripted(lambda _sent, _send: None) as scripted:
        yield scripted


@pytest.fixture(scope="module")
def gateway(provider: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    urls = dict.fromkeys(PROVIDERS, provider.url)
    with Served(tmp_path_factory.mktemp("golden") / "home", **upstreams(urls)) as served:
        yield served


def asked(dialect: str, model: str, stream: bool) -> tuple[str, dict[str, Any]]:
    """A request in a dialect: its path and its body."""
    if dialect == "gemini":
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/api/ai/v1beta/models/{model}:{verb}", {"contents": [{"role": "user", "parts": [{"text": WORDS}]}]}
    if dialect == "openai_responses":
        return "/api/ai/v1/responses", {"model": model, "input": WORDS, "stream": stream}
    path, more = ("/api/ai/v1/messages", {"max_tokens": 64}) if dialect == "anthropic" else (CHAT, {})
    return path, {"model": model, "messages": MESSAGES, "stream": stream, **more}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("door", "dialect"),
    [*((dialect, dialect) for dialect in ANSWERS), ("openai_chat", "anthropic"), ("anthropic", "gemini"), ("gemini", "openai_chat")],
)  # fmt: skip
def test_rows_cost_what_was_worked_out_by_hand(
    gateway: Served, provider: Scripted, door: str, dialect: str, stream: bool
) -> None:
    wanted = {}
    for found, case in (param.values for param in cases()):
        if found != dialect or not lasting(dialect, case):
            continue
        said = ANSWERS[dialect].stream(case) if stream else json.dumps(ANSWERS[dialect].whole(case)).encode()
        data = stream_head() + said if stream else answer(said)
        provider.script = lambda _sent, send, data=data: send(data)
        path, body = asked(door, case["model"], stream)
        reply = gateway.ask("POST", path, body, key=gateway.key())
        assert reply.status == 200, (case["name"], reply)
        wanted[reply.id] = case
    assert len(wanted) > 8
    rows = {row.id: row for row in gateway.records()}
    for id, case in wanted.items():
        row, cost = rows[id], expected(case)
        assert (row.usage_source, row.outcome) == ("provider", "ok"), case["name"]
        seen = (row.cost_nano, row.cost_source, row.price_id, row.price_fuzzy)
        assert seen == (cost.cost_nano, cost.source, cost.price_id, cost.fuzzy), case["name"]
        provider_row = BY_NAME[row.provider or ""]
        explained = PRICING.explain(provider_row.price_provider or "", row)
        assert bool(explained.parts) is (row.cost_source == "list" and bool(row.cost_nano)), case["name"]
