"""Exchanges of every kind, and their totals wherever they are told: the usage API's answers and files, the command
line's, both that monitors get, the window's cards. All are equal, or differ by what the contract names.

The usage objects are the golden table's, whose costs were worked out by hand.
"""

import csv
import io
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from app.overview.figures import figures
from gateway.records import COST_SOURCES, USAGE_SOURCES, ExchangeRecord, UsageQuery
from tests.endtoend.scripted import Scripted, answer, stream_head
from tests.endtoend.serving import CHAT, MODELS, PROVIDERS, USAGE, Served, opened, upstreams
from tests.golden.test_costs import ANSWERS, Case, cases, expected
from tests.golden.test_through_a_gateway import asked, lasting
from tests.telemetry.test_exporting import Collector, plain
from tests.waiting import PATIENCE_S, wait_until

COUNTS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
# Of the golden table: so that each dialect and most rules occur, and the whole stays quick.
EVERY = 3
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NOW = "1793664000000000000"


@dataclass(frozen=True)
class Told:
    """What one place says of all; None where it does not say."""

    requests: int
    errors: int | None = None
    unpriced: int | None = None
    cost_nano: int | None = None
    tokens: Mapping[str, int] = field(default_factory=dict)
    usage_sources: Mapping[str, int] | None = None
    cost_sources: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Metered:
    """`rows` of the gateway that runs, and the one that was killed before it; `by_hand` what its rows must come to."""

    served: Served
    rows: Sequence[ExchangeRecord]
    killed: ExchangeRecord
    by_hand: Told
    collector: Collector

    @property
    def all(self) -> list[ExchangeRecord]:
        return [*self.rows, self.killed]


@pytest.fixture(scope="module")
def metered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metered]:
    collector = Collector()
    with Scripted(lambda _sent, _send: None) as scripted:
        variables = upstreams(dict.fromkeys(PROVIDERS, scripted.url))
        variables |= {"FAREGATE_EXPORT_ENDPOINT": collector.url, "FAREGATE_EXPORT_SPANS": "off"}
        served = Served(tmp_path_factory.mktemp("everywhere") / "home", **variables)
        served.key("admin")
        with served:
            with unanswered(served, scripted, "I am killed."):
                served.kill()
            served.start()
            by_hand = ask_odd(served, scripted, *ask_golden(served, scripted))
            tell_by_telemetry(served)
            *rows, killed = served.records()
            yield Metered(served, rows, killed, by_hand, collector)
    collector.close()


def ask_golden(served: Served, scripted: Scripted) -> tuple[int, int, int]:
    """Some of the table's cases through their doors, whole and streamed in turn: how many, how many of them without a
    price, and what the others cost."""
    chosen = [param.values for param in cases()][::EVERY]
    chosen = [(dialect, case) for dialect, case in chosen if lasting(dialect, case)]
    for number, (dialect, case) in enumerate(chosen):
        stream = number % 2 == 0
        said = ANSWERS[dialect].stream(case) if stream else json.dumps(ANSWERS[dialect].whole(case)).encode()
        data = stream_head() + said if stream else answer(said)
        scripted.script = lambda _sent, send, data=data: send(data)
        path, body = asked(dialect, case["model"], stream)
        headers = {"x-tags": f"half:{number % 2},feature:{dialect}", "x-user": case["model"][:6]}
        headers["x-conversation-id"] = f"c-{number % 5}"
        assert served.ask("POST", path, body, key=served.key(), headers=headers).status == 200
    costs = [expected(case).cost_nano for _, case in chosen]
    return len(chosen), costs.count(None), sum(cost or 0 for cost in costs)


def ask_odd(served: Served, scripted: Scripted, requests: int, unpriced: int, cost_nano: int) -> Told:
    """What is estimated, free, without a price, refused, broken off, unreadable, or left by its client. All that is
    asked by then, as it must be told."""
    case: Case = {"model": MODELS["openai"], "whole": {}}
    whole = ANSWERS["openai_chat"].whole(case)
    usage = {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730}
    unpriced_answer = {**whole, "model": "gpt-6.2-sol", "usage": usage}
    page = answer(b"what?", kind="text/plain")
    for words, model, data, status in (
        ("No count.", MODELS["openai"], answer(json.dumps(whole).encode()), 200),
        ("No price.", "gpt-6.2-sol", answer(json.dumps(unpriced_answer).encode()), 200),
        ("Refused.", MODELS["xai"], answer(b'{"error":{"message":"Busy."}}', status="503 Busy"), 503),
        ("Broken.", MODELS["openai"], b"", 502),
        ("Unreadable.", MODELS["google"], page, 502),
    ):
        scripted.script = lambda _sent, send, data=data: send(data)
        assert served.chat(words, model).status == status
    assert served.ask("POST", CHAT, b"{", key=served.key()).status == 400
    scripted.script = lambda _sent, send: send(answer(b'{"input_tokens": 9}'))
    counted = {"model": MODELS["anthropic"], "messages": [{"role": "user", "content": "How long?"}]}
    assert served.ask("POST", "/api/ai/v1/messages/count_tokens", counted, key=served.key()).status == 200
    with unanswered(served, scripted, "I leave."):
        pass
    served.settle()
    # Dollars per million: 0.4 and 1.6. What was said without a count: "Hello.", of six bytes.
    estimated = 2 * 1600 + 400 * sum(-(-len(body_of(words)) // 4) for words in ("No count.", "I leave."))
    return Told(requests=requests + 8, errors=4, unpriced=unpriced + 3, cost_nano=cost_nano + estimated)


def body_of(words: str) -> bytes:
    messages = [{"role": "user", "content": words}]
    return json.dumps({"model": MODELS["openai"], "messages": messages}).encode()


@contextmanager
def unanswered(served: Served, scripted: Scripted, words: str) -> Iterator[None]:
    """A request that its provider has and does not answer; its client leaves at the end."""
    arrived, done = threading.Event(), threading.Event()

    def hold(_sent: Any, _send: Any) -> None:
        arrived.set()
        done.wait(PATIENCE_S)

    scripted.script = hold
    body = body_of(words)
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {served.key()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    try:
        with socket.create_connection(served.address, timeout=PATIENCE_S) as client:
            client.sendall(head.encode() + body)
            assert arrived.wait(PATIENCE_S)
            yield
    finally:
        done.set()


def tell_by_telemetry(served: Served) -> None:
    """An app's own telling of a request that the gateway saw, and of one that it did not: neither counts here."""
    app, elsewhere = (
        {
            "traceId": trace,
            "spanId": SPAN,
            "name": "chat",
            "kind": 3,
            "startTimeUnixNano": NOW,
            "endTimeUnixNano": NOW,
            "attributes": [
                {"key": name, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}
                for name, value in {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": MODELS["openai"],
                    "gen_ai.usage.input_tokens": 1_000_000,
                    "gen_ai.usage.output_tokens": 1_000_000,
                }.items()
            ],
        }
        for trace in (TRACE, TRACE[::-1])
    )
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "notebook"}}]}
    told = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [app, elsewhere]}]}]}
    served.settle()
    assert served.ask("POST", "/v1/traces", told, key=served.key(), headers=JSON).status == 200
    wait_until(lambda: bool(served.get("/api/ai/v1/conversations?app=notebook")["data"]))


JSON = {"content-type": "application/json"}


# How each place's words add up.


def of_rows(rows: Sequence[ExchangeRecord]) -> Told:
    return Told(
        requests=len(rows),
        errors=sum(row.outcome in ("error", "interrupted") for row in rows),
        unpriced=sum(row.unpriced for row in rows),
        cost_nano=sum(row.cost_nano or 0 for row in rows),
        tokens={name: sum(getattr(row, name) or 0 for row in rows) for name in COUNTS},
        usage_sources={word: sum(row.usage_source == word for row in rows) for word in USAGE_SOURCES},
        cost_sources={word: sum(row.cost_source == word for row in rows) for word in COST_SOURCES},
    )


def nano(dollars: str | None) -> int:
    return int(Decimal(dollars or 0) * 10**9)


def of_sums(sums: Sequence[Mapping[str, Any]]) -> Told:
    """Sums of the read API, JSON or a file's flat columns."""

    def counted(name: str, words: Sequence[str]) -> dict[str, int]:
        return {
            word: sum(int(each[name][word] if name in each else each[f"{name}.{word}"]) for each in sums)
            for word in words
        }

    return Told(
        requests=sum(int(each["requests"]) for each in sums),
        errors=sum(int(each["errors"]) for each in sums),
        unpriced=sum(int(each["unpriced_requests"]) for each in sums),
        cost_nano=sum(nano(each["cost_usd"]) for each in sums),
        tokens={name: sum(int(each[name] or 0) for each in sums) for name in COUNTS},
        usage_sources=counted("usage_sources", USAGE_SOURCES),
        cost_sources=counted("cost_sources", COST_SOURCES),
    )


def of_lines(lines: Sequence[Mapping[str, Any]]) -> Told:
    """A file of requests. That nothing was used, or nothing is known of it, stands in no column of its own."""
    return Told(
        requests=len(lines),
        errors=sum(line["outcome"] in ("error", "interrupted") for line in lines),
        cost_nano=sum(nano(line["cost_usd"]) for line in lines),
        tokens={name: sum(int(line[name] or 0) for line in lines) for name in COUNTS},
        usage_sources={word: sum(line["usage_source"] == word for line in lines) for word in USAGE_SOURCES},
        cost_sources={word: sum(line["cost_source"] == word for line in lines) for word in COST_SOURCES},
    )


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def file_of(metered: Metered, name: str) -> str:
    return metered.served.ask("GET", f"{USAGE}/{name}", key=metered.served.key("admin")).body.decode()


# What each place says.


def test_the_rows_are_what_was_worked_out_by_hand(metered: Metered) -> None:
    told = of_rows(metered.rows)
    assert replace(told, tokens={}, usage_sources=None, cost_sources=None) == metered.by_hand
    assert (metered.killed.outcome, metered.killed.use_unknown, metered.killed.cost_nano) == (
        "interrupted",
        True,
        None,
    )
    assert told.usage_sources is not None and told.usage_sources["estimated"] == 2 and len(metered.rows) > 35
    assert {row.door for row in metered.rows} == {"openai_chat", "openai_responses", "anthropic", "gemini"}
    assert {row.provider for row in metered.rows} == {None, *PROVIDERS}
    for name in (*COUNTS, "cache_write_1h_tokens", "input_audio_tokens", "output_audio_tokens"):
        assert any(getattr(row, name) for row in metered.rows), name
    for name in ("service_tier", "price_fuzzy", "streamed", "web_searches"):
        assert len({bool(getattr(row, name)) for row in metered.rows}) == 2, name


def test_the_usage_api_says_it_in_each_answer(metered: Metered) -> None:
    get, whole = metered.served.get, of_rows(metered.all)
    assert of_sums([get(f"{USAGE}/summary")]) == whole
    for by in ("provider", "model", "key", "user", "door", "client", "app", "conversation", "outcome", "tag:half"):
        assert of_sums(get(f"{USAGE}/breakdown?by={by}")["data"]) == whole, by
        assert of_sums(get(f"{USAGE}/timeseries?bucket=day&tz=Asia/Kathmandu&by={by}")["buckets"]) == whole, by
    for width in ("15m", "hour", "day", "week", "month"):
        assert of_sums(get(f"{USAGE}/timeseries?bucket={width}&tz=America/St_Johns")["buckets"]) == whole, width
    threads = get(f"{USAGE}/conversations?limit=1000")["data"]
    assert of_sums(threads) == of_rows([row for row in metered.all if row.conversation_id is not None])


def test_its_parts_say_it_too(metered: Metered) -> None:
    """Each value's share, as its rows have it; and what a filter leaves."""
    for by, of in (
        ("provider", lambda row: row.provider),
        ("model", lambda row: row.model or row.model_requested),
        ("user", lambda row: row.user),
        ("door", lambda row: row.door),
        ("conversation", lambda row: row.conversation_id),
        ("outcome", lambda row: row.outcome),
        ("tag:feature", lambda row: next((tag[8:] for tag in row.tags if tag.startswith("feature:")), None)),
    ):
        parts = {each["value"]: each for each in metered.served.get(f"{USAGE}/breakdown?by={by}")["data"]}
        assert parts.keys() == {of(row) for row in metered.all}, by
        for value, part in parts.items():
            wanted = of_rows([row for row in metered.all if of(row) == value])
            assert of_sums([part]) == wanted, (by, value)
            name, asks = ("tag", f"feature:{value}") if by == "tag:feature" else (by, value)
            if value is not None:
                assert of_sums([metered.served.get(f"{USAGE}/summary?{name}={asks}")]) == wanted, (by, value)


def test_files_say_it(metered: Metered) -> None:
    whole = of_rows(metered.all)
    lines = replace(whole, unpriced=None)
    assert of_lines(table(file_of(metered, "export.csv"))) == lines
    assert of_lines(objects(file_of(metered, "export.jsonl"))) == lines
    for what in ("buckets", "breakdown"):
        assert of_sums(table(file_of(metered, f"export.csv?what={what}&by=model"))) == whole
        assert of_sums(objects(file_of(metered, f"export.jsonl?what={what}&by=model"))) == whole
    done = metered.served.command("export", "--what", "requests", "--format", "jsonl", "-o", "-")
    assert of_lines(objects(done.stdout)) == lines
    done = metered.served.command("export", "--what", "buckets", "--bucket", "15m", "-o", "-")
    assert of_sums(table(done.stdout)) == whole


def test_a_monitor_is_told_it_but_for_what_an_earlier_run_left(metered: Metered) -> None:
    """Counters begin with the process; a killed one's exchange ends at the next start, and is counted in no monitor."""
    text = metered.served.ask("GET", "/metrics", key=metered.served.key("admin")).body.decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def total(name: str, **labels: str) -> float:
        return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())

    whole = of_rows(metered.rows)
    assert total("faregate_requests_total") == whole.requests
    assert total("faregate_requests_total", outcome="error") == whole.errors
    assert total("faregate_unpriced_requests_total") == whole.unpriced
    assert total("faregate_cost_usd_total") == pytest.approx((whole.cost_nano or 0) / 1e9, rel=1e-12)
    words = ("input", "cache_read", "cache_write", "output", "reasoning")
    assert [total("faregate_tokens_total", type=word) for word in words] == list(whole.tokens.values())
    counts = metered.served.completeness()
    assert total("faregate_exchanges_total", state="seen") == counts["seen"] == whole.requests
    assert total("faregate_exchanges_total", state="written") == counts["written"] == whole.requests
    priced = sum(row.cost_nano is not None for row in metered.rows)
    assert total("faregate_exchanges_total", state="priced") == counts["priced"] == priced


def test_the_cards_say_it(metered: Metered) -> None:
    whole = of_rows(metered.all)
    with opened(metered.served.folder) as store:
        summary, buckets = store.summary(UsageQuery()), store.timeseries(UsageQuery(), "hour")
    cards = {figure.key: figure for figure in figures(summary, None, buckets, 3_600_000_000)}
    shown = {key: card.exact.split("\n") for key, card in cards.items()}
    cost = whole.cost_nano or 0
    assert shown["requests"] == [f"{whole.requests:,}"]
    assert shown["errors"] == [f"{whole.errors} of {whole.requests} requests"]
    assert shown["tokens"][0] == f"{whole.tokens['input_tokens'] + whole.tokens['output_tokens']:,}"
    assert shown["cost"][0].startswith(f"${cost // 10**9}.{cost % 10**9:09d} · ")
    assert cards["cost"].fact == f"{whole.unpriced} not priced" and cards["cost"].warning
    assert cards["cost"].value.startswith("≈$") and cards["tokens"].value.startswith("≈")
    assert sum(point or 0 for point in cards["cost"].points) == cost
    sources = Counter({word: number for word, number in (whole.usage_sources or {}).items() if number})
    assert shown["tokens"][1] == ", ".join(
        f"{sources[word]} {said}"
        for word, said in (("provider", "counted by the provider"), ("estimated", "estimated"), ("none", "uncounted"))
    )


def test_what_is_exported_says_it_and_sums_are_whole_in_the_end(metered: Metered) -> None:
    """Last: the metrics leave as the gateway stops."""
    assert metered.served.stop() == 0
    *_, body = (body for path, _, body in metered.collector.requests if path == "/v1/metrics")
    found = {
        metric.name: metric
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    whole = of_rows(metered.rows)
    cost = sum(point.as_double for point in found["faregate.cost"].sum.data_points)
    assert cost == pytest.approx((whole.cost_nano or 0) / 1e9, rel=1e-12)
    tokens: Counter[str] = Counter()
    for point in found["gen_ai.client.token.usage"].histogram.data_points:
        tokens[next(plain(item.value) for item in point.attributes if item.key == "gen_ai.token.type")] += round(
            point.sum
        )
    assert tokens == {"input": whole.tokens["input_tokens"], "output": whole.tokens["output_tokens"]}
    served = found["http.server.request.duration"].histogram.data_points
    assert sum(point.count for point in served) == whole.requests
    with opened(metered.served.folder) as store:
        assert store.check() == []
        assert of_rows(list(store.iter_requests(UsageQuery()))) == of_rows(metered.all)
