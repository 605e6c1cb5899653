"""The read API over HTTP: the contract's shapes to the letter, filters that agree, times, money and pages."""

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.endtoend.serving import CHAT, MODELS, PROVIDERS, USAGE, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

ROW = [
    "id",
    "started_at",
    "door",
    "provider",
    "model_requested",
    "model",
    "key",
    "user",
    "end_user",
    "principal",
    "conversation_id",
    "tags",
    "byok",
    "streamed",
    "status",
    "outcome",
    "error_type",
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "usage_source",
    "cost_usd",
    "cost_source",
    "price_id",
    "price_fuzzy",
    "latency_ms",
    "ttft_ms",
    "overhead_us",
    "attempts",
    "dropped",
    "trace_id",
    "client",
    "app",
]
SUMS = [
    "requests",
    "errors",
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
    "unpriced_requests",
    "price_fuzzy_requests",
    "usage_sources",
    "cost_sources",
    "latency_ms",
    "ttft_ms",
    "tokens_per_s",
]
DISTRIBUTION = ["avg", "p50", "p95", "p99"]
MONEY = re.compile(r"\d+\.\d{9}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Twelve requests: four providers, three of each, one of them refused; two users, tags."""
    served = Served(tmp_path_factory.mktemp("usage") / "home", **upstreams(provider.base_urls))
    served.key("admin")
    ana = served.key(name="ana", user="ana", tags=("team:ml",))
    with served:
        for name in PROVIDERS:
            headers = {"x-tags": f"env:dev,env:{name}", "x-conversation-id": f"c-{name}", "user-agent": "curl/8"}
            if name in ("openai", "xai"):
                headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            served.chat("One.", MODELS[name], key=ana, headers=headers)
            served.chat("Two.", MODELS[name], key=served.key("admin"), stream=True, headers={"x-user": "bob"})
            # Not the same words, which would be one request tried again.
            served.chat(f"Three of {name}. [[500]]", MODELS[name], key=ana)
        served.settle()
        yield served


def shaped(sums: Any, *more: str) -> None:
    assert sorted(sums) == sorted([*SUMS, *more])
    counts = [sums[name] for name in SUMS[:7] if name not in ("requests", "errors")]
    assert all(isinstance(sums[name], int) for name in ("requests", "errors", "unpriced_requests"))
    assert all(count is None or (isinstance(count, int) and count >= 0) for count in counts)
    assert sums["cost_usd"] is None or MONEY.fullmatch(sums["cost_usd"])
    for name in ("latency_ms", "ttft_ms"):
        assert list(sums[name]) == DISTRIBUTION
        known = [value for value in sums[name].values() if value is not None]
        assert all(value > 0 for value in known)


def test_requests(gateway: Served) -> None:
    page = gateway.get(f"{USAGE}/requests")
    assert list(page) == ["data", "next_cursor"] and page["next_cursor"] is None
    assert len(page["data"]) == 12
    for row in page["data"]:
        assert list(row) == ROW
        assert re.fullmatch(r"req_[0-9a-f]{28}", row["id"]) and TIME.fullmatch(row["started_at"])
        assert row["cost_usd"] is None or MONEY.fullmatch(row["cost_usd"])
        assert isinstance(row["tags"], list) and isinstance(row["dropped"], list) and row["attempts"] == 1
        assert (row["cost_usd"] is None) == (row["cost_source"] == "none") == (row["outcome"] == "error")
    times = [row["started_at"] for row in page["data"]]
    assert times == sorted(times, reverse=True)
    newest, oldest = page["data"][0], page["data"][-1]
    assert (newest["status"], newest["outcome"], newest["error_type"]) == (500, "error", "provider_error")
    assert (newest["key"], newest["principal"], newest["user"], newest["tags"]) == ("ana", "ana", "ana", ["team:ml"])
    assert (oldest["conversation_id"], oldest["client"]) == ("c-openai", "curl")
    assert sorted(oldest["tags"]) == ["env:dev", "env:openai", "team:ml"]
    assert gateway.get(f"{USAGE}/requests/{newest['id']}") == newest


def test_summary(gateway: Served) -> None:
    summary = gateway.get(f"{USAGE}/summary")
    shaped(summary, "completeness")
    assert (summary["requests"], summary["errors"]) == (12, 4)
    assert {name: count for name, count in summary["usage_sources"].items() if count} == {"provider": 8, "none": 4}
    counts = {name: summary["completeness"][name] for name in ("seen", "written", "priced", "open")}
    assert counts == gateway.completeness() == {"seen": 12, "written": 12, "priced": 8, "open": 0}
    (difference,) = summary["completeness"]["differences"]
    assert difference.pop("meaning").startswith("Nothing was used: ")
    assert difference == {"kind": "not_used", "count": 4, "of": "priced", "attention": False}
    rows = gateway.get(f"{USAGE}/requests")["data"]
    total = sum(Decimal(row["cost_usd"]) for row in rows if row["cost_usd"])
    assert Decimal(summary["cost_usd"]) == total


def test_a_key_in_the_query_is_the_credential_and_filters_nothing(gateway: Served) -> None:
    key = gateway.key("admin")
    bare = gateway.ask("GET", f"{USAGE}/summary?key={key}").json
    assert bare["requests"] == 12
    assert gateway.ask("GET", f"{USAGE}/summary?key={key}&key=ana").json["requests"] == 8


def test_summary_compared(gateway: Served) -> None:
    now = time.time()
    summary = gateway.get(f"{USAGE}/summary?from={now - 600:.0f}&to={now + 60:.0f}&compare=previous")
    shaped(summary, "completeness", "previous")
    shaped({name: value for name, value in summary["previous"].items() if name != "completeness"})
    assert (summary["requests"], summary["previous"]["requests"]) == (12, 0)
    assert summary["previous"]["cost_usd"] == "0.000000000"


@pytest.mark.parametrize("bucket", ["15m", "hour", "day", "week", "month"])
@pytest.mark.parametrize("by", ["", "provider", "tag:env"])
def test_timeseries(gateway: Served, bucket: str, by: str) -> None:
    query = f"bucket={bucket}&tz=Asia/Kathmandu" + (f"&by={by}" if by else "")
    answer = gateway.get(f"{USAGE}/timeseries?{query}")
    assert list(answer) == ["buckets"]
    for item in answer["buckets"]:
        shaped(item, "start", "end", *(["value"] if by else []))
        assert TIME.fullmatch(item["start"]) and item["start"] < item["end"]
    requests = sum(item["requests"] for item in answer["buckets"])
    # A request with two values of one tag key counts in both; one without any is a group of its own.
    assert requests == (16 if by == "tag:env" else 12)


@pytest.mark.parametrize(
    ("by", "values", "overlapping"),
    [
        ("provider", set(PROVIDERS), False),
        ("model", set(MODELS.values()), False),
        ("key", {"ana", "admin"}, False),
        ("user", {"ana", "bob"}, False),
        ("door", {"openai_chat"}, False),
        ("conversation", {None, *(f"c-{name}" for name in PROVIDERS)}, False),
        ("tag:env", {None, "dev", *PROVIDERS}, True),
        ("tag:team", {None, "ml"}, False),
    ],
)
def test_breakdown(gateway: Served, by: str, values: set[str | None], overlapping: bool) -> None:
    answer = gateway.get(f"{USAGE}/breakdown?by={by}")
    assert sorted(answer) == ["data", "overlapping"] and answer["overlapping"] is overlapping
    assert {item["value"] for item in answer["data"]} == values
    for item in answer["data"]:
        shaped(item, "value")
    costs = [Decimal(item["cost_usd"] or -1) for item in answer["data"]]
    assert costs == sorted(costs, reverse=True)
    if not overlapping:
        assert sum(item["requests"] for item in answer["data"]) == 12


def test_breakdown_sorted_by_a_field(gateway: Served) -> None:
    data = gateway.get(f"{USAGE}/breakdown?by=model&sort=output_tokens")["data"]
    assert [item["output_tokens"] for item in data] == sorted((item["output_tokens"] for item in data), reverse=True)


FILTERS = [
    ("provider=xai", 3),
    ("provider=xai&provider=openai", 6),
    ("model=gpt-4.1-mini", 3),
    ("key=ana", 8),
    ("user=bob", 4),
    ("door=openai_chat", 12),
    ("client=curl", 4),
    ("conversation=c-google", 1),
    ("trace=0af7651916cd43dd8448eb211c80319c", 2),
    ("trace=0af7651916cd43dd8448eb211c80319c&provider=xai", 1),
    ("outcome=error", 4),
    ("outcome=ok&outcome=error", 12),
    ("tag=env:dev", 4),
    ("tag=env:xai|env:google", 2),
    ("tag=team:ml&tag=env:dev", 4),
    ("tag=!env:dev", 8),
    ("tag=env", 4),
    ("provider=xai&outcome=error&key=ana", 1),
    ("to=2020-01-01", 0),
    ("from=2020-01-01T00:00:00Z", 12),
    ("from=2020-01-01T00:00:00%2B02:00&tz=Europe/Berlin", 12),
]


@pytest.mark.parametrize(("query", "count"), FILTERS)
def test_filters_agree_everywhere(gateway: Served, query: str, count: int) -> None:
    rows = gateway.get(f"{USAGE}/requests?{query}")["data"]
    assert len(rows) == count
    assert gateway.get(f"{USAGE}/summary?{query}")["requests"] == count
    assert sum(item["requests"] for item in gateway.get(f"{USAGE}/breakdown?by=model&{query}")["data"]) == count
    assert sum(item["requests"] for item in gateway.get(f"{USAGE}/timeseries?bucket=day&{query}")["buckets"]) == count


@pytest.mark.parametrize(("query", "count"), FILTERS)
def test_exports_hold_what_the_calls_answer(gateway: Served, query: str, count: int) -> None:
    answer = gateway.ask("GET", f"{USAGE}/export.csv?{query}", key=gateway.key("admin"))
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert [row["id"] for row in rows] == [row["id"] for row in gateway.get(f"{USAGE}/requests?{query}")["data"]]
    assert len(rows) == count


@pytest.mark.parametrize(
    "what", ["requests", "buckets&by=provider&bucket=month", "breakdown&by=user", "conversations"]
)
def test_json_lines_are_the_calls_own_rows(gateway: Served, what: str) -> None:
    name = what.partition("&")[0]
    path = {"buckets": "timeseries"}.get(name, name)
    answer = gateway.get(f"{USAGE}/{path}?{what.partition('&')[2]}")
    text = gateway.ask("GET", f"{USAGE}/export.jsonl?what={what}", key=gateway.key("admin")).body.decode()
    assert [json.loads(line) for line in text.splitlines()] == (answer.get("data") or answer["buckets"])


def test_an_own_key_exports_its_own_rows(gateway: Served) -> None:
    answer = gateway.ask("GET", f"{USAGE}/export.csv?what=conversations&bom=1", key=gateway.key(name="ana"))
    text = answer.body.decode("utf-8-sig")
    assert len(text.splitlines()) == 5 and answer.body.startswith(b"\xef\xbb\xbfid,started_at,ended_at,")
    refused = gateway.ask("GET", f"{USAGE}/export.csv?key=admin", key=gateway.key(name="ana"))
    assert refused.status == 403
    bad = gateway.ask("GET", f"{USAGE}/export.csv?what=buckets&bucket=aeon", key=gateway.key("admin"))
    assert bad.status == 400 and bad.error["param"] == "bucket"


def test_conversations(gateway: Served) -> None:
    page = gateway.get(f"{USAGE}/conversations")
    assert list(page) == ["data", "next_cursor"] and page["next_cursor"] is None
    assert {item["id"] for item in page["data"]} == {f"c-{name}" for name in PROVIDERS}
    for item in page["data"]:
        shaped(item, "id", "started_at", "ended_at", "user", "app", "models", "tags")
        name = item["id"].removeprefix("c-")
        assert (item["requests"], item["user"], item["models"]) == (1, "ana", [MODELS[name]])
        assert sorted(item["tags"]) == sorted(["env:dev", f"env:{name}", "team:ml"])
        within = gateway.get(f"{USAGE}/breakdown?by=model&conversation={item['id']}")["data"]
        assert [(row["value"], row["cost_usd"], row["costliest"]) for row in within] == [
            (MODELS[name], item["cost_usd"], item["cost_usd"] > "0.000000000")
        ]
    costs = [Decimal(item["cost_usd"]) for item in page["data"]]
    assert costs == sorted(costs, reverse=True)
    first = gateway.get(f"{USAGE}/conversations?limit=3")
    rest = gateway.get(f"{USAGE}/conversations?limit=3&cursor={first['next_cursor']}")
    assert first["data"] + rest["data"] == page["data"] and rest["next_cursor"] is None


def test_a_feature_by_team_and_month_is_one_call(gateway: Served) -> None:
    query = "bucket=month&by=tag:team&tag=env:xai&tz=America/St_Johns"
    (bucket,) = gateway.get(f"{USAGE}/timeseries?{query}")["buckets"]
    rows = gateway.get(f"{USAGE}/requests?tag=env:xai")["data"]
    assert (bucket["value"], bucket["cost_usd"]) == ("ml", rows[0]["cost_usd"])
    start = datetime.fromisoformat(bucket["start"]).astimezone(ZoneInfo("America/St_Johns"))
    assert (start.day, start.hour, start.minute) == (1, 0, 0)


def test_a_breakdown_compared(gateway: Served) -> None:
    now = time.time()
    data = gateway.get(f"{USAGE}/breakdown?by=tag:team&from={now - 600:.0f}&to={now + 60:.0f}&compare=previous")[
        "data"
    ]
    assert data
    for item in data:
        shaped({name: value for name, value in item.items() if name != "previous"}, "value")
        shaped(item["previous"])
        assert item["requests"] > 0 and item["previous"]["requests"] == 0


def test_the_end_is_exclusive_to_the_microsecond(gateway: Served) -> None:
    rows = gateway.get(f"{USAGE}/requests")["data"]
    fifth = rows[4]["started_at"]
    assert len(gateway.get(f"{USAGE}/requests?to={fifth}")["data"]) == 7
    assert len(gateway.get(f"{USAGE}/requests?from={fifth}")["data"]) == 5
    seconds = datetime.fromisoformat(fifth).astimezone(UTC).timestamp()
    assert len(gateway.get(f"{USAGE}/requests?from={seconds:.6f}")["data"]) == 5


def test_pages(gateway: Served) -> None:
    seen = []
    cursor = ""
    for _ in range(3):
        page = gateway.get(f"{USAGE}/requests?limit=5{cursor}")
        seen += [row["id"] for row in page["data"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None and len(set(seen)) == 12


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("requests?limit=0", "limit"),
        ("requests?limit=1001", "limit"),
        ("requests?cursor=nonsense", "cursor"),
        ("summary?from=yesterday", "from"),
        ("summary?from=2026-01-02&to=2026-01-01", "from"),
        ("summary?tz=Mars/Olympus", "tz"),
        ("summary?compare=next", "compare"),
        ("summary?outcome=fine", "outcome"),
        ("summary?tag=a,b", "tag"),
        ("timeseries?bucket=second", "bucket"),
        ("timeseries?by=colour", "by"),
        ("breakdown?by=colour", "by"),
        ("breakdown?by=model&sort=colour", "sort"),
        ("breakdown?compare=next", "compare"),
        ("conversations?sort=colour", "sort"),
        ("conversations?cursor=nonsense", "cursor"),
        ("export.csv?what=songs", "what"),
        ("export.csv?format=xlsx", "format"),
        ("export.jsonl?limit=5", "limit"),
        ("export.csv?by=model", "by"),
        ("export.csv?what=conversations&bucket=day", "bucket"),
        ("export.jsonl?what=buckets&sort=requests", "sort"),
        ("requests?sort=cost_usd", "sort"),
        ("summary?modle=gpt-5", "modle"),
        ("breakdown?gruop_by=user", "gruop_by"),
        ("reported?since=today", "since"),
        ("/api/ai/v1/conversations?bucket=day", "bucket"),
        ("/api/ai/v1/conversations/c-xai?include=header", "include"),
        ("/api/ai/v1/conversations/c-xai?includes=headers", "includes"),
        ("/api/ai/v1/traces/0af7651916cd43dd8448eb211c80319c?span=1", "span"),
        ("requests/req_1?from=2026-01-01", "from"),
        ("requests/req_1/cost?tag=team:a", "tag"),
        ("/api/ai/v1/conversations/c-xai?model=gpt-5", "model"),
        ("/api/ai/v1/traces/0af7651916cd43dd8448eb211c80319c?tz=UTC", "tz"),
        ("/api/ai/v1/compare/ratings/req_1?model=gpt-5", "model"),
        ("/api/ai/v1/compare/ratings?stars=5", "stars"),
        ("/api/ai/v1/admin/prices?modle=gpt-5", "modle"),
        ("/api/ai/v1/admin/prices?model=", "model"),
        ("/api/ai/v1/admin/prices?provider=", "provider"),
        ("/api/ai/v1/admin/prices?at=", "at"),
        ("/api/ai/v1/compare/ratings?model=", "model"),
        ("/api/ai/v1/compare/ratings?provider=", "provider"),
    ],
)
def test_a_bad_parameter_is_named(gateway: Served, path: str, param: str) -> None:
    whole = path if path.startswith("/") else f"{USAGE}/{path}"
    reply = gateway.ask("GET", whole, key=gateway.key("admin"))
    assert reply.status == 400 and reply.error["param"] == param


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("usage/requests?limit=1&limit=2", "limit"),
        ("usage/requests?cursor=a&cursor=b", "cursor"),
        ("usage/summary?compare=previous&compare=previous", "compare"),
        ("usage/timeseries?bucket=day&bucket=hour", "bucket"),
        ("usage/timeseries?by=&by=user", "by"),
        ("usage/breakdown?sort=requests&sort=cost_usd", "sort"),
        ("usage/export.csv?what=buckets&what=requests", "what"),
        ("conversations?q=a&q=b", "q"),
        ("conversations/c-xai?include=headers&include=headers", "include"),
        ("compare/ratings?model=a&model=b", "model"),
        ("admin/prices?provider=openai&provider=xai", "provider"),
        ("admin/prices?at=2026-11-01&at=2026-11-02", "at"),
        ("models?after_id=a&after_id=b", "after_id"),
    ],
)
def test_what_may_stand_once_is_not_taken_from_two(gateway: Served, path: str, name: str) -> None:
    headers = {"anthropic-version": "2023-06-01"} if path.startswith("models") else {}
    reply = gateway.ask("GET", f"/api/ai/v1/{path}", key=gateway.key("admin"), headers=headers)
    assert reply.status == 400
    assert reply.json["error"]["message"] == f"The parameter {name} is given 2 times; give it once."


def test_what_is_seen_is_soon_there(gateway: Served) -> None:
    before = gateway.get(f"{USAGE}/summary")["requests"]
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Now."}]}
    reply = gateway.ask("POST", CHAT, body, key=gateway.key("admin"))
    wait_until(lambda: gateway.get(f"{USAGE}/summary")["requests"] == before + 1)
    assert gateway.get(f"{USAGE}/requests?limit=1")["data"][0]["id"] == reply.id


def test_a_parameter_that_a_call_does_not_know_is_refused_with_those_it_knows(gateway: Served) -> None:
    refused = gateway.ask("GET", f"{USAGE}/timeseries?gruop_by=user", key=gateway.key("admin"))
    assert refused.error["message"].startswith(
        "The parameter 'gruop_by' is unknown here: use app, bucket, by, cached, "
    )
    bill = gateway.ask("POST", "/api/ai/v1/admin/reconcile?zone=UTC", {}, key=gateway.key("admin"))
    assert bill.status == 400 and bill.error["message"].endswith("use map, only, own_keys, provider, rate, tz.")
    bill = gateway.ask("POST", "/api/ai/v1/admin/reconcile?tz=UTC&tz=Asia/Kolkata", {}, key=gateway.key("admin"))
    assert (bill.status, bill.error["message"]) == (400, "The parameter tz is given 2 times; give it once.")


@pytest.mark.parametrize(("method", "path"), [("DELETE", "conversations/c-xai"), ("GET", "usage/reported")])
def test_what_filters_nothing_takes_no_filter(gateway: Served, method: str, path: str) -> None:
    reply = gateway.ask(method, f"/api/ai/v1/{path}?user=ana", key=gateway.key("admin"))
    assert (reply.status, reply.error["message"]) == (400, "The parameter 'user' is unknown here: there are none.")


def test_a_breakdown_in_part_adds_up_to_the_whole(gateway: Served) -> None:
    told = gateway.get(f"{USAGE}/breakdown?by=model&limit=2")
    shaped({name: value for name, value in told["others"].items() if name != "values"})
    assert (len(told["data"]), told["others"]["values"]) == (2, 2)
    assert sum(row["requests"] for row in (*told["data"], told["others"])) == gateway.count()
