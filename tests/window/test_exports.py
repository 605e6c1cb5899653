"""What leaves the window as a file, by mouse and keyboard: each chart and table, what is asked before an old file is
replaced, a folder that takes no file, and a question that is left."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QImage

from tests.endtoend.serving import upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until
from tests.window import expected
from tests.window.display import Display
from tests.window.real_app import RealApp, new_key
from tests.window.test_numbers import TZ, check_overview, choose, eventually, parameters
from tests.window.traffic import compare, talk

CHARTS = ("requests", "tokens", "cost", "latency")


@pytest.fixture(scope="module")
def running(
    display: Display, provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RealApp, str]]:
    """The app after a conversation and two comparisons, and an admin's key."""
    home = tmp_path_factory.mktemp("exports") / "home"
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory", TZ=TZ, **upstreams(provider.base_urls)) as app:
        talk(app, key, "talk", "claude-sonnet-4-6")
        compare(app, key)
        wait_until(lambda: app.usage("summary", key)["requests"] == 9, what="The last row")
        # The first steps go once they are done, and what is below them moves up.
        app.wait_for("shown", False, name="overview.checklist")
        yield app, key


@pytest.fixture(autouse=True)
def _nothing_open(running: tuple[RealApp, str]) -> None:
    """A test that failed may have left its dialog, under which no other one would find anything."""
    running[0].leave_dialogs()


def asked(app: RealApp) -> str:
    """The dialog is open; the name that it suggests."""
    wait_until(lambda: app.ask("dialogs") == 1, what="The dialog")
    app.wait_for("shown", name="fileNameEdit")
    return str(app.ask("text", name="fileNameEdit"))


def told(app: RealApp, words: str) -> None:
    wait_until(lambda: any(words in text for text in app.ask("toasts")), what=f"{words!r}")


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def of_chart(app: RealApp, chart: str, entry: str) -> str:
    """An entry of a chart's own menu; the name that is suggested."""
    app.click(f"chart.{chart}.more")
    app.click_on("place_in_menu", text=entry)
    return asked(app)


# Charts.


def drawn(chart: str, bucket: expected.Json) -> list[float | None]:
    """A bucket's values as its chart stacks them: those of the API that do not depend on models."""
    if chart == "requests":
        return [bucket["requests"] - bucket["errors"], bucket["errors"]]
    if chart == "tokens":
        given, cached, made = (bucket[f"{part}_tokens"] or 0 for part in ("input", "cached", "output"))
        return [given - cached, cached, made]
    return [bucket["latency_ms"]["p95"], bucket["latency_ms"]["p50"]]


@pytest.mark.parametrize("chart", CHARTS)
def test_the_values_of_a_chart_are_what_it_draws(running: tuple[RealApp, str], chart: str, tmp_path: Path) -> None:
    app, key = running
    choose(app, "overview", "24h", "Hourly")
    eventually(lambda: check_overview(app, key, "hour"))
    title = of_chart(app, chart, "Save values (CSV)…")
    assert title.startswith("faregate-") and title.endswith(".csv") and "-to-" in title, title
    path = tmp_path / "values.csv"
    app.save_as(path)
    wait_until(path.exists, what="The file")
    told(app, " rows to values.csv")
    buckets = app.usage("timeseries", key, bucket="hour", **parameters(app))["buckets"]
    lines = lines_of(path)
    assert [line.pop("start_utc") for line in lines] == [as_utc(bucket["start"]) for bucket in buckets]
    for line, bucket in zip(lines, buckets, strict=True):
        assert line.pop("end_utc") == as_utc(bucket["end"])
        assert expected.us(line.pop("start_local")) == expected.us(bucket["start"])
        line.pop("estimated", None)
        values = [float(text) if text else None for text in line.values()]
        if chart == "cost":
            assert sum(value or 0 for value in values) == pytest.approx(float(bucket["cost_usd"] or 0), abs=1e-9)
        else:
            assert values == pytest.approx(drawn(chart, bucket), abs=0.0006), line


def as_utc(iso: str) -> str:
    return datetime.fromisoformat(iso).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_leaves_as_a_picture(running: tuple[RealApp, str], chart: str, tmp_path: Path) -> None:
    app, _ = running
    choose(app, "overview", "24h", "Auto")
    app.wait_for("shown", name=f"chart.{chart}")
    title = of_chart(app, chart, "Save picture (PNG)…")
    assert title.startswith("faregate-") and title.endswith(".png"), title
    path = tmp_path / "chart.png"
    app.save_as(path)
    wait_until(path.exists, what="The picture")
    told(app, "Saved chart.png")
    picture = QImage(str(path))
    assert picture.width() > 400 and len({picture.pixel(x, 60) for x in range(0, picture.width(), 7)}) > 1


def test_an_old_file_is_replaced_only_after_a_question(running: tuple[RealApp, str], tmp_path: Path) -> None:
    app, _ = running
    choose(app, "overview", "24h", "Auto")
    path = tmp_path / "kept.csv"
    for answer, stays in (("No", True), ("Yes", False)):
        path.write_text("mine")
        of_chart(app, "requests", "Save values (CSV)…")
        app.give_path(path, lambda: any(window["class"] == "QMessageBox" for window in app.ask("windows")))
        app.click_on("place_of_text", text=answer)
        if stays:
            app.focus()
            app.display.press("Escape")
        wait_until(lambda: app.ask("dialogs") == 0, what="Its end")
        app.focus()
        wait_until(lambda stays=stays: (path.read_text() == "mine") is stays, what="The file")


def test_a_folder_that_takes_no_file_is_told_in_a_sentence(running: tuple[RealApp, str], tmp_path: Path) -> None:
    app, _ = running
    choose(app, "overview", "24h", "Auto")
    for entry, name in (("Save values (CSV)…", "cost.csv"), ("Save picture (PNG)…", "cost.png")):
        of_chart(app, "cost", entry)
        app.save_as(tmp_path / "gone" / name)
        told(app, "cannot be written (")
        (text,) = [text for text in app.ask("toasts") if "cannot be written" in text]
        assert (
            text
            == f"{tmp_path / 'gone' / name} cannot be written (No such file or directory): choose another folder."
        )
        wait_until(lambda: app.ask("toasts") == [], what="The end of the note")


def test_a_question_that_is_left_saves_nothing_and_says_nothing(running: tuple[RealApp, str]) -> None:
    app, _ = running
    choose(app, "overview", "24h", "Auto")
    of_chart(app, "tokens", "Save values (CSV)…")
    app.focus()
    app.display.press("Escape")
    wait_until(lambda: app.ask("dialogs") == 0, what="Its end")
    assert app.ask("toasts") == []
    app.focus()


# Tables.


def by_ctrl_e(app: RealApp, path: Path, wanted: str) -> list[dict[str, str]]:
    """The export of the page on show, by its key."""
    app.focus()
    app.display.press("ctrl+e")
    assert asked(app) == wanted
    app.save_as(path)
    wait_until(lambda: path.exists() and bool(app.ask("toasts")), what="The file")
    return lines_of(path)


def test_a_field_leaves_the_key_to_the_window(running: tuple[RealApp, str]) -> None:
    """On X11 Qt's fields take Ctrl+E for the end of their line."""
    app, _ = running
    app.click("nav.requests")
    app.click("requests_filter")
    app.wait_for("focused_name", "requests_filter")
    app.display.press("ctrl+e")
    assert asked(app).endswith(".csv")
    app.leave_dialogs()


def test_each_table_leaves_as_it_stands(running: tuple[RealApp, str], tmp_path: Path) -> None:
    app, key = running
    choose(app, "requests", "24h")
    app.wait_for("rows", 9, name="requests_table")
    rows = app.usage("requests", key, limit=100)["data"]
    lines = by_ctrl_e(app, tmp_path / "requests.csv", "requests.csv")
    for name in ("id", "model", "input_tokens", "output_tokens", "cost_usd"):
        assert sorted(line[name] for line in lines) == sorted(str(row[name]) for row in rows), name

    app.click("nav.api_keys")
    app.wait_for("shown", name="api_keys_table")
    lines = by_ctrl_e(app, tmp_path / "keys.csv", "api-keys.csv")
    assert [line["Name"] for line in lines] == [row["name"] for row in app.api("/admin/keys", key)["data"]]
    assert key not in (tmp_path / "keys.csv").read_text()

    app.click("nav.models")
    app.wait_for("shown", name="models_table")
    eventually(lambda: check_models(app, by_ctrl_e(app, tmp_path / "prices.csv", "prices.csv"), key))

    app.click("nav.compare")
    app.click_on("place_of_text", text="Ratings and history")
    app.wait_for("rows", 5, name="compare_answers_table")
    lines = by_ctrl_e(app, tmp_path / "comparisons.csv", "comparisons.csv")
    ratings = app.api("/compare/ratings", key)["data"]
    for line, row in zip(lines, ratings, strict=True):
        assert (line["Model"], line["Rating"], line["Note"]) == (row["model"], str(row["stars"]), row["note"])
        assert (line["Tokens out"], line["Cost (USD)"]) == (str(row["output_tokens"]), row["cost_usd"])

    app.click("nav.conversations")
    app.wait_for("shown", name="thread")
    title = app.ask("text", name="conversation_title")
    app.focus()
    app.display.press("ctrl+e")
    assert asked(app).endswith(".md")
    app.save_as(tmp_path / "talk.md")
    told(app, "Saved as talk.md")
    text = (tmp_path / "talk.md").read_text()
    assert text.startswith(f"# {title}\n\n{app.ask('text', name='conversation_totals')}\n")


def check_models(app: RealApp, lines: list[dict[str, str]], key: str) -> None:
    table = app.ask("table", name="models_table")
    shown = [dict(zip(table["titles"], row, strict=True)) for row in table["rows"]]
    assert [line["Model"] for line in lines] == [line["Model"] for line in shown]
    used: dict[str, Any] = {row["value"]: row for row in app.usage("breakdown", key, by="model")["data"]}
    found = {line["Model"]: line for line in lines if line["Model"] in used}
    assert {name: line["Requests"] for name, line in found.items()} == {
        name: str(row["requests"]) for name, row in used.items()
    }
