"""Every number that the window shows, against the usage API: 200 calls to four providers on top of nine days' history.

Ranges, buckets and filters are chosen by clicking; what the widgets say is read from them. The CSV that the page
saves is read back and held against the database, each field of each row.
"""

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtGui import QImage

from app import formats
from gateway.model import Usage
from gateway.records import ExchangeRecord, TagCondition, UsageQuery
from gateway.simulated.history import history
from tests.endtoend.serving import MODELS, opened, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S, wait_until
from tests.window import expected
from tests.window.display import Display
from tests.window.real_app import RealApp, call, new_key

CALLS = 200
TZ = "Europe/Berlin"
LEAST_PIXELS = 20
DAY_S = 86_400
SPANS_S = {"1h": 3600, "24h": DAY_S, "7d": 7 * DAY_S, "30d": 30 * DAY_S}


def price(provider: str, model: str, usage: Usage, at_us: int) -> tuple[int | None, str, str | None]:
    """Any price will do for what lies in the past."""
    return 1_250 * (usage.input_tokens or 0) + 10_007 * (usage.output_tokens or 0), "list", model


def fill(home: Path) -> None:
    """Nine days of the demo's history."""
    home.mkdir(parents=True)
    with opened(home) as store:
        store.insert_history(history(time.time_ns() // 1000, price, days=9, utc_offset_s=3600))


def make_calls(app: RealApp, key: str) -> None:
    """200 calls, eight at a time: over four providers, half of them streamed, some failing."""

    def one(number: int) -> int:
        model = list(MODELS.values())[number % 4]
        text = "[[429]] Please." if number % 25 == 7 else f"Question {number}."
        body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": number % 8 >= 4}
        tags = f"team:{'red' if number % 3 else 'blue'},env:test"
        return call(app.url, "/api/ai/v1/chat/completions", key, body, {"x-tags": tags})[0]

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(one, range(CALLS)))
    assert (statuses.count(200), statuses.count(429)) == (192, 8)
    wait_until(lambda: app.usage("summary", key, tag="env:test")["requests"] == CALLS, what="The last row")


@pytest.fixture(scope="module")
def running(
    display: Display, provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RealApp, str]]:
    """The app after its calls, and an admin's key."""
    home = tmp_path_factory.mktemp("numbers") / "home"
    fill(home)
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory", TZ=TZ, **upstreams(provider.base_urls)) as app:
        make_calls(app, key)
        yield app, key


def eventually(check: Callable[[], None], seconds: float = PATIENCE_S) -> None:
    """Until nothing is wrong; what is still wrong then."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except (AssertionError, LookupError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def choose(app: RealApp, page: str, *buttons: str) -> None:
    app.click(f"nav.{page}")
    app.wait_for("page", page.title())
    for text in buttons:
        app.click_on("place_of_text", text=text)


def parameters(app: RealApp, **more: str) -> dict[str, str]:
    """The range that the Overview shows, as the API's parameters."""
    answered = app.ask("answered")
    return {"from": f"{answered['start_us'] / 1e6:.6f}", "to": f"{answered['end_us'] / 1e6:.6f}", "tz": TZ, **more}


def check_table(app: RealApp, answer: expected.Json, summary: expected.Json, dimension: str) -> None:
    """The lines of a breakdown table that are on show, speed and latency beside the cost."""
    table = app.ask("table", name=f"table.{dimension}")
    assert {"Tokens/s", "Avg latency", "Cost"} <= set(table["titles"])
    assert table["rows"] == expected.breakdown(answer, summary, dimension, table["titles"])[:4]


def check_plots(app: RealApp, folder: Path) -> None:
    """What the screen shows of each chart: every series that is a tenth of the whole can be seen there."""
    picture = folder / "screen.png"
    app.display.picture(picture)
    screen = QImage(str(picture))
    for name, plot in app.ask("plots").items():
        image = screen.copy(*plot["area"])
        seen = Counter(image.pixelColor(x, y).name() for y in range(image.height()) for x in range(image.width()))
        for colour, share in plot["series"]:
            assert share < 0.1 or seen[colour] >= LEAST_PIXELS, (name, colour, seen.most_common(4))


def check_overview(app: RealApp, key: str, bucket: str, **filters: str) -> None:
    """Cards, every bar of every chart, and both tables."""
    asked = parameters(app, **filters)
    assert app.ask("answered")["bucket"] == bucket
    summary = app.usage("summary", key, compare="previous", **asked)
    cards = app.ask("cards")
    shown = {name: (" ".join((card["value"], card["unit"])).strip(), card["badge"]) for name, card in cards.items()}
    wanted = {name: (value.replace("%", " %"), badge) for name, (value, badge) in expected.cards(summary).items()}
    assert shown == wanted

    buckets = app.usage("timeseries", key, bucket=bucket, **asked)["buckets"]
    by_model = app.usage("timeseries", key, bucket=bucket, by="model", **asked)["buckets"]
    models = app.usage("breakdown", key, by="model", **asked)
    charts = app.ask("charts")
    edges = [(expected.us(one["start"]), expected.us(one["end"])) for one in buckets]
    for name, bars in {
        "requests": expected.requests_bars(buckets),
        "tokens": expected.tokens_bars(buckets),
        "cost": expected.cost_bars(buckets, by_model, models["data"]),
        "latency": expected.latency_lines(buckets),
    }.items():
        assert list(zip(charts[name]["starts_us"], charts[name]["ends_us"], strict=True)) == edges, name
        assert charts[name]["values"] == bars, name

    check_table(app, models, summary, "model")
    providers = app.usage("breakdown", key, by="provider", **asked)
    check_table(app, providers, summary, "provider")


@pytest.mark.parametrize(
    ("range_", "buttons", "bucket"),
    [
        ("1h", ("1h",), "1m"),
        ("24h", ("24h", "Auto"), "15m"),
        ("24h", ("24h", "Hourly"), "hour"),
        ("7d", ("7d", "Auto"), "hour"),
        ("30d", ("30d", "Auto"), "day"),
    ],
    ids=["1h", "24h", "24h hourly", "7d", "30d"],
)
def test_the_overview_is_the_usage_api(
    running: tuple[RealApp, str], range_: str, buttons: tuple[str, ...], bucket: str
) -> None:
    app, key = running
    choose(app, "overview", *buttons)
    eventually(lambda: check_overview(app, key, bucket))
    answered = app.ask("answered")
    span = (answered["end_us"] - answered["start_us"]) / 1e6
    assert SPANS_S[range_] <= span < SPANS_S[range_] + 3600, "the range's start is rounded down to a whole bar"
    assert abs(answered["end_us"] / 1e6 - time.time()) < 60
    assert answered["requests"] >= CALLS


@pytest.mark.parametrize("range_", ["7d", "30d"])
def test_the_screen_shows_what_the_charts_hold(running: tuple[RealApp, str], range_: str, tmp_path: Path) -> None:
    app, _ = running
    choose(app, "overview", range_, "Auto")
    wait_until(lambda: app.ask("requests_drawn") == app.ask("answered")["requests"], what="The charts")
    eventually(lambda: check_plots(app, tmp_path))


def test_a_tag_filter_narrows_everything(running: tuple[RealApp, str]) -> None:
    app, key = running
    choose(app, "overview", "24h", "Auto")
    app.filter_by_tag("team", "red")
    try:
        app.wait_for("chips", ["team: red"])
        eventually(lambda: check_overview(app, key, "15m", tag="team:red"))
        assert app.ask("answered")["requests"] == sum(1 for number in range(CALLS) if number % 3)
        # A second value of the same tag is one more that may match; another page keeps the filter.
        app.filter_by_tag("team", "blue")
        app.wait_for("chips", ["team: red, blue"])
        eventually(lambda: check_overview(app, key, "15m", tag="team:red|team:blue"))
        app.click("nav.requests")
        app.wait_for("rows", CALLS, name="requests_table")
        assert app.ask("chips") == ["team: red, blue"]
    finally:
        app.clear_filters()


@pytest.mark.parametrize("dimension", ["user", "key", "app", "tag"])
def test_each_tab_of_the_second_table(running: tuple[RealApp, str], dimension: str) -> None:
    app, key = running
    choose(app, "overview", "7d", "Auto")
    app.click(f"tab.{dimension}")

    def check() -> None:
        asked = parameters(app)
        summary = app.usage("summary", key, **asked)
        answer = app.usage("breakdown", key, by=dimension, **asked)
        check_table(app, answer, summary, dimension)

    eventually(check)
    app.click("tab.provider")


@pytest.mark.parametrize("range_", ["1h", "24h"])
def test_the_requests_table_is_the_usage_api(running: tuple[RealApp, str], range_: str) -> None:
    app, key = running
    choose(app, "requests", range_)

    def check() -> None:
        start = time.time() - SPANS_S[range_]
        page = app.usage("requests", key, limit=1000, tz=TZ, **{"from": f"{start - start % 900:.0f}"})
        if range_ == "1h":
            page["data"] = [row for row in page["data"] if "env:test" in row["tags"]]
        table = app.ask("table", name="requests_table", most=len(page["data"]))
        lines = [dict(zip(table["titles"], row, strict=True)) for row in table["rows"]]
        assert lines == [expected.request_line(row, TZ) for row in page["data"]]
        assert len(lines) >= CALLS

    eventually(check)


def test_the_attempts_of_a_request_are_the_apis(running: tuple[RealApp, str]) -> None:
    app, key = running
    choose(app, "requests", "24h")
    app.filter_by_tag("env", "test")
    try:
        app.wait_for("rows", CALLS, name="requests_table")
        app.click_on("place_of_cell", table="requests_table", row=0)
        app.click("request_tab.attempts")
        (row,) = app.usage("requests", key, tag="env:test", limit="1")["data"]
        with opened(app.home) as store:
            record = store.request(row["id"])
        assert record is not None and row["attempts"] == len(record.attempts) == 1
        (attempt,) = record.attempts
        app.wait_for("text", "One attempt, answered at once", name="attempts_words")
        first_us = record.started_us + (record.ttft_us or 0) - attempt.started_us
        said = {
            "provider": expected.TITLES[row["provider"]],
            "model": row["model"],
            "key": row["key"],
            "status": str(row["status"]),
            "time": formats.duration(attempt.latency_us / 1000),
            "first_token": formats.duration(first_us / 1000),
            "input": f"{row['input_tokens']:,}",
            "output": f"{row['output_tokens']:,}",
            "cost": expected.request_line(row, TZ)["Cost"],
            "provider's_request": attempt.upstream_request_id,
        }
        shown = {name: app.ask("text", name=f"detail_{name}", within="request_attempts") for name in said}
        assert shown == said
        app.click("request_tab.summary")
    finally:
        app.clear_filters()


def test_models_and_prices_are_the_apis(running: tuple[RealApp, str]) -> None:
    app, key = running
    app.click("nav.models")
    app.wait_for("shown", name="models_table")

    def check() -> None:
        start = time.time() - 30 * DAY_S
        prices = app.api("/admin/prices", key)["data"]
        asked = {"by": "model", "tz": TZ, "from": f"{start:.0f}"}
        used = {
            (provider, row["value"]): row
            for provider in expected.TITLES
            for row in app.usage("breakdown", key, provider=provider, **asked)["data"]
        }
        places = expected.places_of(max(expected.nano(row["cost_usd"]) or 0 for row in used.values()))
        lines = [
            expected.model_line(price, used.get((price["provider"], price["model"])), places) for price in prices
        ]
        table = app.ask("table", name="models_table")
        shown = [dict(zip(table["titles"], row, strict=True)) for row in table["rows"]]
        by_name = {(line["Provider"], line["Model"]): line for line in shown}
        for line in lines:
            told = by_name[line["Provider"], line["Model"]]
            assert {title: told[title] for title in line} == line
        assert sum(line["Requests"] != "" for line in lines) >= 4

    eventually(check)


def test_providers_are_the_apis(running: tuple[RealApp, str]) -> None:
    app, key = running
    app.click("nav.providers")

    def check() -> None:
        midnight = datetime.now(ZoneInfo(TZ)).replace(hour=0, minute=0, second=0, microsecond=0)
        found = app.usage("breakdown", key, by="provider", tz=TZ, **{"from": midnight.isoformat()})
        today = {row["value"]: row for row in found["data"]}
        for provider in app.api("/admin/providers", key)["data"]:
            card = expected.provider_card(provider, today.get(provider["name"]))
            within = f"provider_{provider['name']}"
            assert {name: app.ask("text", name=name, within=within) for name in card} == card
        assert sum(row["requests"] for row in today.values()) >= CALLS

    eventually(check)


def test_keys_are_the_apis_and_the_sidebar_counts_what_there_is(running: tuple[RealApp, str]) -> None:
    app, key = running
    app.click("nav.api_keys")

    def check() -> None:
        keys = app.api("/admin/keys", key)["data"]
        table = app.ask("table", name="api_keys_table")
        shown = [dict(zip(table["titles"], row, strict=True)) for row in table["rows"]]
        columns = ("Name", "Key", "Role", "Tags", "State", "Requests, 7d")
        told = [tuple(line[column] for column in columns) for line in shown]
        lately = app.usage("breakdown", key, by="key", **{"from": int(time.time()) - 7 * 86_400})
        used = {row["value"]: row["requests"] for row in lately["data"]}
        assert told == [
            (
                row["name"],
                f"{row['prefix']}…",
                row["role"].title(),
                ", ".join(row["tags"]),
                "Active",
                formats.count(used.get(row["name"], 0)),
            )
            for row in keys
        ]
        assert sum(used.values()) >= CALLS
        counts = app.ask("counts")
        assert counts["api_keys"] == str(len(keys))
        assert counts["requests"] == formats.count(app.usage("summary", key)["requests"])
        midnight = datetime.now(ZoneInfo(TZ)).replace(hour=0, minute=0, second=0, microsecond=0)
        today = app.usage("summary", key, tz=TZ, **{"from": midnight.isoformat()})
        cost = expected.marked_cost(formats.money(expected.nano(today["cost_usd"])), today)
        assert app.ask("spoken", name="sidebar.today")[0] == f"Today {cost}"

    eventually(check)


def test_conversations_are_the_apis(running: tuple[RealApp, str]) -> None:
    app, key = running
    choose(app, "conversations", "24h")

    def check() -> None:
        told = app.api("/conversations?limit=20", key)["data"]
        shown = [line.split(", ") for line in app.ask("listed", name="conversations_list")[: len(told)]]
        assert [line[:4] for line in shown] == [expected.conversation_line(row) for row in told]
        assert len(told) == 20

    eventually(check)
    first = app.api("/conversations?limit=1", key)["data"][0]
    app.click_on("place_of_row", name="conversations_list", row=0)
    app.wait_for("text", first["title"], name="conversation_title")
    tokens = formats.count(expected.tokens(first))
    assert f" · {tokens} tokens · " in app.ask("text", name="conversation_totals")
    total = formats.money(expected.nano(first["cost_usd"]))
    wait_until(lambda: app.ask("spoken", name="conversation_cost")[1].startswith(f"{total}, "), what="What it costs")


CSV_FIELDS: dict[str, Callable[[ExchangeRecord], Any]] = {
    "id": lambda row: row.id,
    "door": lambda row: row.door,
    "provider": lambda row: row.provider,
    "model_requested": lambda row: row.model_requested,
    "model": lambda row: row.model,
    "key": lambda row: row.key,
    "user": lambda row: row.end_user or row.principal,
    "end_user": lambda row: row.end_user,
    "principal": lambda row: row.principal,
    "conversation_id": lambda row: row.conversation_id,
    "tags": lambda row: ",".join(row.tags),
    "byok": lambda row: str(row.byok).lower(),
    "streamed": lambda row: str(row.streamed).lower(),
    "status": lambda row: row.status,
    "outcome": lambda row: row.outcome,
    "error_type": lambda row: row.error_type,
    "input_tokens": lambda row: row.input_tokens,
    "cached_tokens": lambda row: row.cached_tokens,
    "cache_write_tokens": lambda row: row.cache_write_tokens,
    "output_tokens": lambda row: row.output_tokens,
    "reasoning_tokens": lambda row: row.reasoning_tokens,
    "usage_source": lambda row: row.usage_source,
    "cost_source": lambda row: row.cost_source,
    "price_id": lambda row: row.price_id,
    "price_fuzzy": lambda row: str(row.price_fuzzy).lower(),
    "overhead_us": lambda row: row.overhead_us,
    "attempts": lambda row: len(row.attempts),
    "dropped": lambda row: ",".join(row.dropped),
    "trace_id": lambda row: row.trace_id,
    "client": lambda row: row.client,
    "app": lambda row: row.app,
}


def test_the_saved_requests_are_the_database(running: tuple[RealApp, str], tmp_path: Path) -> None:
    app, _ = running
    choose(app, "requests", "24h")
    app.filter_by_tag("env", "test")
    path = tmp_path / "saved requests.csv"
    try:
        app.wait_for("rows", CALLS, name="requests_table")
        app.click("requests_export")
        app.save_as(path)
        app.wait_for("toasts", [f"Exported {CALLS} rows"])
    finally:
        app.clear_filters()
    with path.open(encoding="utf-8", newline="") as file:
        saved = list(csv.DictReader(file))
    with opened(app.home) as store:
        rows = list(store.iter_requests(UsageQuery(tags=(TagCondition(any_of=("env:test",)),))))
    assert len(saved) == len(rows) == CALLS
    for line, row in zip(saved, rows, strict=True):
        for name, field in CSV_FIELDS.items():
            value = field(row)
            assert line.pop(name) == ("" if value is None else str(value)), name
        assert expected.us(line.pop("started_at")) == row.started_us
        assert (expected.nano(line.pop("cost_usd") or None)) == row.cost_nano
        for name, us in (("latency_ms", row.latency_us), ("ttft_ms", row.ttft_us)):
            assert line.pop(name) == ("" if us is None else str(us / 1000))
        # Only where the machine's zone is not UTC.
        line.pop("started_local", None)
        assert line == {}, "no column is left over"
    assert sum(row.cost_nano or 0 for row in rows) > 0


def test_the_saved_series_is_the_usage_api(running: tuple[RealApp, str], tmp_path: Path) -> None:
    app, key = running
    choose(app, "overview", "7d", "Auto")
    eventually(lambda: check_overview(app, key, "hour"))
    app.click("overview.export")
    app.click_on("place_in_menu", text="Time series (CSV)…")
    path = tmp_path / "series.csv"
    app.save_as(path)
    wait_until(lambda: any(text.endswith("rows to series.csv") for text in app.ask("toasts")))
    with path.open(encoding="utf-8", newline="") as file:
        saved = list(csv.DictReader(file))
    buckets = app.usage("timeseries", key, bucket="hour", **parameters(app))["buckets"]
    assert [line["start"] for line in saved] == [bucket["start"] for bucket in buckets]
    for line, bucket in zip(saved, buckets, strict=True):
        for name in ("requests", "errors", "input_tokens", "output_tokens", "cost_usd"):
            assert line[name] == ("" if bucket[name] is None else str(bucket[name])), name
        assert line["latency_ms.p95"] == str(bucket["latency_ms"]["p95"] or "")
