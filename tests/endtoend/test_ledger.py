"""500 calls over four providers, streamed and whole, from concurrent clients: every row equals the provider's ledger.

The provider draws its counts at random and keeps its own book by arithmetic of its own; a row and an entry meet by the
provider's request id alone. Prices are worked out here from the price list's own calculator.
"""

import asyncio
import csv
import io
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
from genai_prices import Usage, calc_price

from gateway.records import ExchangeRecord
from tests.endtoend.serving import USAGE, Served, opened, upstreams
from tests.endtoend.test_openai_sdk import CLOCK, WEATHER
from tests.provider.client import ProviderProcess

CALLS = 500
CLIENTS = 16
MODELS = {
    "openai": ("gpt-4.1-mini", "gpt-4.1", "gpt-4o", "o3", "text-embedding-3-small"),
    "anthropic": ("claude-sonnet-4-6", "claude-opus-4-6", "claude-haiku-4-5"),
    "google": ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.1-pro-preview"),
    "xai": ("grok-4.3", "grok-3-mini", "grok-4-1-fast-non-reasoning"),
}
PRICE_IDS = {"openai": "openai", "anthropic": "anthropic", "google": "google"}


@dataclass(frozen=True)
class Told:
    """What a client was told of its call."""

    request_id: str
    upstream_id: str
    usage: Any


@dataclass(frozen=True)
class Books:
    """Both sides after all calls: by request id, by the provider's id, and what the clients were told."""

    gateway: Served
    rows: Mapping[str, ExchangeRecord]
    entries: Mapping[str, Mapping[str, Any]]
    told: list[Told]

    def pairs(self) -> list[tuple[ExchangeRecord, Mapping[str, Any], Told]]:
        return [(self.rows[told.request_id], self.entries[told.upstream_id], told) for told in self.told]


async def ask(client: openai.AsyncOpenAI, rng: random.Random, model: str) -> Told:
    if model.startswith("text-embedding"):
        raw = await client.embeddings.with_raw_response.create(model=model, input=["one", "two"])
        return Told(raw.headers["x-request-id"], raw.headers["x-faregate-upstream-request-id"], raw.parse().usage)
    marker = rng.choice(["", "", "[[tool]]", "[[length]]", "[[think]]"])
    more: dict[str, Any] = {"tools": [WEATHER, CLOCK][: rng.randint(1, 2)]} if rng.random() < 0.4 else {}
    if model.startswith(("claude-opus", "gemini-2.5", "o3", "grok-4.3")) and not more and rng.random() < 0.6:
        more["reasoning_effort"] = rng.choice(["low", "high"])
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": f"Call {rng.random()} {marker}"},
    ]
    if rng.random() < 0.5:
        whole = await client.chat.completions.with_raw_response.create(model=model, messages=messages, **more)
        upstream_id = whole.headers["x-faregate-upstream-request-id"]
        return Told(whole.headers["x-request-id"], upstream_id, whole.parse().usage)
    if asks := rng.random() < 0.5:
        more["stream_options"] = {"include_usage": True}
    raw = await client.chat.completions.with_raw_response.create(model=model, messages=messages, stream=True, **more)
    usages = [chunk.usage async for chunk in raw.parse()]
    upstream_id = raw.headers["x-faregate-upstream-request-id"]
    return Told(raw.headers["x-request-id"], upstream_id, next(filter(None, usages), None) if asks else None)


async def ask_all(gateway: Served) -> list[Told]:
    rng = random.Random(7)
    names = [name for name in MODELS for _ in range(CALLS // len(MODELS))]
    rng.shuffle(names)
    waiting = iter(names)
    told: list[Told] = []

    async def one_client(seed: int) -> None:
        own = random.Random(seed)
        async with openai.AsyncOpenAI(
            base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0, timeout=60
        ) as client:
            for name in waiting:
                told.append(await ask(client, own, own.choice(MODELS[name])))

    async with asyncio.TaskGroup() as group:
        for seed in range(CLIENTS):
            group.create_task(one_client(seed))
    return told


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ledger")
    with ProviderProcess(folder / "ledger.jsonl", seed=500) as provider:
        gateway = Served(folder / "home", **upstreams(provider.base_urls))
        gateway.key("admin")
        gateway.key("execute")
        with gateway:
            told = asyncio.run(ask_all(gateway))
            rows = {row.id: row for row in gateway.records()}
            entries = {entry["request_id"]: entry for entry in provider.ledger()}
            yield Books(gateway, rows, entries, told)


def test_cc_switch_1127_rows_equal_calls(books: Books) -> None:
    assert len(books.told) == len(books.rows) == len(books.entries) == CALLS
    assert {told.request_id for told in books.told} == set(books.rows)
    assert {told.upstream_id for told in books.told} == set(books.entries)
    for row, entry, _ in books.pairs():
        assert row.upstream_request_id == entry["request_id"] == row.attempts[0].upstream_request_id


FIELDS = {
    "provider": lambda row: row.provider,
    "model": lambda row: row.model,
    "streamed": lambda row: row.streamed,
    "status": lambda row: row.status,
    "input": lambda row: row.input_tokens,
    "cached": lambda row: row.cached_tokens,
    "cache_write": lambda row: row.cache_write_tokens,
    "cache_write_1h": lambda row: row.cache_write_1h_tokens,
    "output": lambda row: row.output_tokens,
    "reasoning": lambda row: row.reasoning_tokens,
}


@pytest.mark.parametrize("field", FIELDS)
def test_bifrost_4484_every_row_equals_the_ledger(books: Books, field: str) -> None:
    differing = [
        (row.provider, row.model, row.streamed, FIELDS[field](row), entry[field])
        for row, entry, _ in books.pairs()
        if FIELDS[field](row) != entry[field]
    ]
    assert differing == []


def test_every_row_is_told_whole_and_by_the_provider(books: Books) -> None:
    for row, entry, _ in books.pairs():
        assert (row.outcome, row.error_type, row.usage_source) == ("ok", None, "provider")
        assert (row.model_requested, row.key, row.door) == (
            entry["model"],
            "execute",
            "embeddings" if entry["operation"] == "embeddings" else "openai_chat",
        )
        assert row.latency_us and row.ttft_us and row.overhead_us is not None
        assert 0 < row.ttft_us <= row.latency_us and row.overhead_us <= row.latency_us
        attempt = row.attempts[0]
        assert (attempt.status, attempt.input_tokens, attempt.cost_nano) == (200, row.input_tokens, row.cost_nano)


def test_litellm_41067_clients_are_told_what_is_recorded(books: Books) -> None:
    compared = 0
    for row, entry, told in books.pairs():
        if told.usage is not None:
            compared += 1
            assert told.usage.prompt_tokens == row.input_tokens
            assert told.usage.total_tokens == entry["input"] + (entry["output"] or 0)
    assert compared > CALLS / 2


def list_price(row: ExchangeRecord, entry: Mapping[str, Any]) -> int:
    usage = Usage(
        input_tokens=entry["input"],
        cache_read_tokens=entry["cached"] or None,
        cache_write_tokens=entry["cache_write"] or None,
        cache_write_1h_tokens=entry["cache_write_1h"] or None,
        cache_write_5m_tokens=(entry["cache_write"] or 0) - (entry["cache_write_1h"] or 0) or None,
        output_tokens=entry["output"],
    )
    at = datetime.fromtimestamp(row.started_us / 1e6, UTC)
    price = calc_price(
        usage, entry["model"], provider_id=PRICE_IDS[entry["provider"]], genai_request_timestamp=at
    ).total_price
    return int((price * 10**9).to_integral_value(ROUND_HALF_EVEN))


def test_litellm_11789_costs(books: Books) -> None:
    for row, entry, _ in books.pairs():
        if entry["provider"] == "xai":
            assert (row.cost_nano, row.cost_source) == (entry["cost_nano"], "provider")
        else:
            assert (row.cost_nano, row.cost_source) == (list_price(row, entry), "list"), (row, entry)


def dollars(nano: int) -> str:
    return str((Decimal(nano) / 10**9).quantize(Decimal("1e-9")))


def sums(entries: list[Mapping[str, Any]], rows: list[ExchangeRecord]) -> dict[str, Any]:
    fields = {"input_tokens": "input", "cached_tokens": "cached", "cache_write_tokens": "cache_write"}
    fields |= {"output_tokens": "output", "reasoning_tokens": "reasoning"}
    counted: dict[str, Any] = {}
    for name, field in fields.items():
        known = [entry[field] for entry in entries if entry[field] is not None]
        counted[name] = sum(known) if known else None
    counted |= {"requests": len(entries), "errors": 0, "unpriced_requests": 0}
    return counted | {"cost_usd": dollars(sum(row.cost_nano or 0 for row in rows))}


def test_summary_and_breakdown_equal_the_ledger(books: Books) -> None:
    summary = books.gateway.get(f"{USAGE}/summary")
    expected = sums(list(books.entries.values()), list(books.rows.values()))
    assert {name: summary[name] for name in expected} == expected
    assert summary["usage_sources"]["provider"] == CALLS
    counts = {"seen": CALLS, "written": CALLS, "priced": CALLS, "open": 0}
    assert summary["completeness"] == {**counts, "differences": []}
    groups: dict[str, list[Any]] = defaultdict(list)
    for row, entry, _ in books.pairs():
        groups[entry["model"]].append((entry, row))
    data = books.gateway.get(f"{USAGE}/breakdown?by=model&sort=cost_usd")["data"]
    assert {item["value"] for item in data} == set(groups)
    for item in data:
        pairs = groups[item["value"]]
        expected = sums([entry for entry, _ in pairs], [row for _, row in pairs])
        assert {name: item[name] for name in expected} == expected
    costs = [Decimal(item["cost_usd"]) for item in data]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("bucket", ["15m", "hour", "day"])
def test_series_add_up(books: Books, bucket: str) -> None:
    buckets = books.gateway.get(f"{USAGE}/timeseries?bucket={bucket}")["buckets"]
    for name, field in {"input_tokens": "input", "output_tokens": "output"}.items():
        known = sum(entry[field] or 0 for entry in books.entries.values())
        assert sum(item[name] or 0 for item in buckets) == known
    assert sum(item["requests"] for item in buckets) == CALLS


def test_pages_hold_every_row_once(books: Books) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = books.gateway.get(f"{USAGE}/requests?limit=77{cursor}")
        seen += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == CALLS and set(seen) == set(books.rows)
    times = [books.rows[id].started_us for id in seen]
    assert times == sorted(times, reverse=True)


def test_buckets_equal_rows_and_the_csv_holds_them_all(books: Books, tmp_path: Path) -> None:
    checked = books.gateway.command("check")
    assert (checked.returncode, checked.stdout) == (0, "Buckets and requests agree.\n")
    with opened(books.gateway.folder) as store:
        assert store.check() == []
    path = tmp_path / "requests.csv"
    done = books.gateway.command("export", "--what", "requests", "-o", str(path))
    assert done.returncode == 0, done.stderr
    exported = list(csv.DictReader(io.StringIO(path.read_text())))
    assert {item["id"]: item["input_tokens"] for item in exported} == {
        id: str(row.input_tokens) for id, row in books.rows.items()
    }


def test_every_row_is_priced_the_same_from_what_it_holds(books: Books) -> None:
    reply = books.gateway.ask("POST", "/api/ai/v1/admin/prices/reprice", key=books.gateway.key("admin"))
    said = sum(row.cost_source == "provider" for row in books.rows.values())
    assert (reply.json["examined"], reply.json["changed"]) == (CALLS, 0)
    assert reply.json["kept"] == [] if not said else reply.json["kept"][0]["requests"] == said
