"""The numbers of conversations, comparisons, keys, the sidebar, the meter and what charts say where they are pointed
at, as the window shows them and as the HTTP API answers them."""

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app import formats
from app.pages.compare_parts.rating_lines import stars_text
from app.pages.requests_parts.details import OUTCOME_WORDS
from gateway.folder import DataFolder
from gateway.keys.access import AccessKeys
from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until
from tests.window import expected
from tests.window.display import Display
from tests.window.real_app import RealApp, new_key
from tests.window.test_numbers import TZ, check_overview, choose, eventually, parameters
from tests.window.traffic import COMPARED, compare, talk


@pytest.fixture(scope="module")
def running(
    display: Display, provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RealApp, str]]:
    """The app after these, and an admin's key."""
    home = tmp_path_factory.mktemp("others") / "home"
    key = new_key(home)
    with contextlib.closing(AccessKeys(DataFolder(home))) as keys:
        keys.create("never used", "read", "ben")
    with RealApp(display, home, FAREGATE_VAULT="memory", TZ=TZ, **upstreams(provider.base_urls)) as app:
        for number, model in enumerate(MODELS.values()):
            talk(app, key, f"talk-{number}", model)
        compare(app, key)
        wait_until(lambda: app.usage("summary", key)["requests"] == 18, what="The last row")
        yield app, key


def dollars(row: expected.Json) -> int | None:
    return expected.nano(row["cost_usd"])


# Conversations.


def test_the_head_the_cost_and_the_times_of_each_conversation(running: tuple[RealApp, str]) -> None:
    app, key = running
    choose(app, "conversations", "24h")
    rows = [row for row in conversations(app, key) if row["id"].startswith("talk-")]
    assert len(rows) == len(MODELS)
    shown = [line.split(", ")[:4] for line in app.ask("listed", name="conversations_list")]
    for row in rows:
        thread = app.api(f"/conversations/{row['id']}", key)
        turns = thread["turns"]
        place = shown.index(expected.conversation_line(row))
        app.click_on("place_of_row", name="conversations_list", row=place)
        took = sum(turn["latency_ms"] for turn in turns)
        totals = f"3 calls · {formats.count(expected.tokens(row))} tokens · {formats.duration(took)}"
        app.wait_for("text", totals, name="conversation_totals")
        # The card of costs: the whole, and parts that come to it.
        eventually(lambda row=row: check_cost(app, row))
        eventually(lambda turns=turns: check_timeline(app, turns))


def check_cost(app: RealApp, row: expected.Json) -> None:
    total, *parts = app.ask("spoken", name="conversation_cost")[1].split(", ")
    assert total == formats.money(dollars(row))
    parts = [part for part in parts if not part.startswith("saved ")]
    assert parts, "They are told a moment after the total."
    # Below the last decimal there is anything from nothing to one of it.
    amounts = [float(part.rpartition("$")[2]) / (2 if "<$" in part else 1) for part in parts]
    places = min(len(part.rpartition(".")[2]) for part in parts)
    assert abs(sum(amounts) - float(row["cost_usd"])) <= len(amounts) * 10**-places / 2, parts


def check_timeline(app: RealApp, turns: list[dict[str, Any]]) -> None:
    began = min(expected.us(turn["started_at"]) for turn in turns)
    ended = max(expected.us(turn["started_at"]) + round(turn["latency_ms"] * 1000) for turn in turns)
    lines = [["Conversation", formats.duration((ended - began) / 1000), formats.duration(0)]]
    for turn in turns:
        since = (expected.us(turn["started_at"]) - began) / 1000
        lines.append([turn["model"], formats.duration(turn["latency_ms"]), formats.duration(since)])
    assert app.ask("timeline") == lines
    model = sum(turn["latency_ms"] for turn in turns)
    words = f"{formats.duration((ended - began) / 1000)} total · {formats.duration(model)} model"
    assert app.ask("text", name="conversation_times").removesuffix(" · pauses cut") == words


def test_the_facts_of_each_turn(running: tuple[RealApp, str]) -> None:
    app, key = running
    choose(app, "conversations", "24h")
    row = next(row for row in conversations(app, key) if row["id"] == "talk-1")
    shown = [line.split(", ")[:4] for line in app.ask("listed", name="conversations_list")]
    app.click_on("place_of_row", name="conversations_list", row=shown.index(expected.conversation_line(row)))
    turns = app.api(f"/conversations/{row['id']}", key)["turns"]
    eventually(lambda: check_timeline(app, turns))
    app.click("conversation_timeline")
    app.display.press(*["Up"] * (len(turns) + 1))
    for turn in turns:
        app.display.press("Down")
        eventually(lambda turn=turn: check_facts(app, turn))


def check_facts(app: RealApp, turn: expected.Json) -> None:
    told = app.ask("labelled", name="conversation_facts")
    wanted = {
        "Model": turn["model"],
        "Provider": expected.TITLES[turn["provider"]],
        "Outcome": OUTCOME_WORDS[turn["outcome"]],
        "Input": f"{turn['input_tokens']:,}",
        "Output": f"{turn['output_tokens']:,}",
        "Took": formats.duration(turn["latency_ms"]),
    }
    if turn["ttft_ms"] is not None:
        wanted["TTFT"] = formats.duration(turn["ttft_ms"])
    assert {label: told.get(label) for label in wanted} == wanted
    assert told["Cost"].split(" · ")[0] == formats.money(dollars(turn))


# Compare.


def test_the_tables_the_scatter_and_the_drawer_of_comparisons(running: tuple[RealApp, str]) -> None:
    app, key = running
    app.click("nav.compare")
    app.wait_for("page", "Compare")
    app.click_on("place_of_text", text="Ratings and history")
    app.wait_for("rows", 5, name="compare_answers_table")
    told = app.api("/compare/ratings", key)
    models = {row["model"]: row for row in told["models"]}
    assert [models[model]["ratings"] for model in COMPARED] == [2, 2, 1]

    table = app.ask("table", name="compare_models_table")
    assert {line[0]: dict(zip(table["titles"], line, strict=True)) for line in table["rows"]} == {
        model: {
            "Model": model,
            "Rating": f"{row['stars']:.1f}",
            "Ratings": str(row["ratings"]),
            "Cost": formats.money_column(dollars(row)),
            "TTFT": formats.duration(row["ttft_ms"]),
            "Total": formats.duration(row["latency_ms"]),
        }
        for model, row in models.items()
    }

    table = app.ask("table", name="compare_answers_table")
    assert [dict(zip(table["titles"], line, strict=True)) for line in table["rows"]] == [
        {
            "Time": formats.clock(expected.us(row["compared_at"]), TZ),
            "Prompt": row["prompt"],
            "Model": row["model"],
            "State": "Done",
            "Rating": stars_text(row["stars"]),
            "Note": row["note"],
            "TTFT": formats.duration(row["ttft_ms"]),
            "Total": formats.duration(row["latency_ms"]),
            "Tokens out": formats.count(row["output_tokens"]),
            "Cost": formats.money_column(dollars(row)),
        }
        for row in told["data"]
    ]
    assert app.ask("text", name="compare_count") == "5 answers"

    marks = app.ask("marks")
    assert [mark["name"] for mark in marks] == sorted(
        models, key=lambda model: (dollars(models[model]) or 0, models[model]["latency_ms"])
    )
    for number, mark in enumerate(marks):
        row = models[mark["name"]]
        assert (round(mark["x"]), round(mark["y"], 3)) == (dollars(row), round(row["latency_ms"], 3))
        assert mark["label"] == f"{mark['name']} {row['stars']:.1f} ★ ({row['ratings']})"
        app.display.point(*app.find("place_of_mark", number=number))
        wanted = {
            "Rating": f"{row['stars']:.1f}",
            "Ratings": str(row["ratings"]),
            "Cost": formats.money(dollars(row)),
            "TTFT": formats.duration(row["ttft_ms"]),
            "Total": formats.duration(row["latency_ms"]),
        }
        app.wait_for("tooltip", {"title": mark["name"], "rows": wanted}, chart="scatter")


# Keys.


def test_what_is_told_of_the_keys(running: tuple[RealApp, str]) -> None:
    app, key = running
    app.click("nav.api_keys")
    app.wait_for("rows", 2, name="api_keys_table")

    def check() -> None:
        rows = app.api("/admin/keys", key)["data"]
        table = app.ask("table", name="api_keys_table")
        lines = [dict(zip(table["titles"], line, strict=True)) for line in table["rows"]]
        now = time.time_ns() // 1000
        for line, row in zip(lines, rows, strict=True):
            assert line["User"] == row["user"]
            assert line["Created"] == formats.ago(expected.us(row["created_at"]), now)
            used = row["last_used_at"]
            assert line["Last used"] == ("Never" if used is None else formats.ago(expected.us(used), now))

    eventually(check)


# The sidebar and the meter.


def test_the_sidebar_and_the_meter(running: tuple[RealApp, str]) -> None:
    app, key = running

    def check() -> None:
        summary = app.usage("summary", key)
        counts = app.ask("counts")
        assert counts["requests"] == formats.count(summary["requests"])
        with_key = [row for row in app.api("/admin/providers", key)["data"] if row["masked"]]
        assert counts["providers"] == str(len(with_key)) == "4"
        assert counts["conversations"] == str(len(conversations(app, key)))
        assert counts["api_keys"] == "2"
        midnight = datetime.now(ZoneInfo(TZ)).replace(hour=0, minute=0, second=0, microsecond=0)
        today = app.usage("summary", key, tz=TZ, **{"from": midnight.isoformat()})
        cost = expected.marked_cost(formats.money(dollars(today)), today)
        assert app.ask("spoken", name="sidebar.today")[0] == f"Today {cost}"
        meter = summary["completeness"]
        seen, written, priced = (f"{meter[name]:,} {name}" for name in ("seen", "written", "priced"))
        assert app.ask("spoken", name="sidebar.meter")[0] == f"Completeness: {seen}, {written}, {priced}"

    eventually(check)
    app.click("sidebar.meter")
    app.wait_for("shown", name="meter.popover")
    meter = app.usage("summary", key)["completeness"]
    for name in ("seen", "written", "priced"):
        assert app.ask("text", name=f"meter.{name}") == f"{meter[name]:,} {name}"
    assert app.ask("text", name="meter.running") == f"{meter['open']:,} running"
    assert meter["differences"] == []
    app.display.press("Escape")
    app.wait_for("shown", False, name="meter.popover")
    app.focus()


def conversations(app: RealApp, key: str) -> list[Any]:
    return list(app.api("/conversations?limit=100", key)["data"])


# What charts say where they are pointed at.


def test_each_chart_says_the_bucket_that_is_pointed_at(running: tuple[RealApp, str]) -> None:
    app, key = running
    choose(app, "overview", "24h", "Hourly")
    eventually(lambda: check_overview(app, key, "hour"))
    buckets = app.usage("timeseries", key, bucket="hour", **parameters(app))["buckets"]
    last = max(number for number, bucket in enumerate(buckets) if bucket["requests"])
    charts = app.ask("charts")
    for chart in ("requests", "tokens", "cost", "latency"):
        app.display.point(*app.find("place_of_bucket", chart=chart, bucket=last))
        app.wait_for("shown", True, name=f"chart.{chart}")

        def check(chart: str = chart) -> None:
            told = app.ask("tooltip", chart=chart)
            assert told["rows"] == charts[chart]["values"][last]
            then = datetime.fromtimestamp(expected.us(buckets[last]["start"]) / 1e6, ZoneInfo(TZ))
            assert f"{then:%H:%M}" in told["title"], told["title"]

        eventually(check)
    choose(app, "overview", "24h", "Auto")
