"""A person asks two models the same, reads both answers, rates one, and finds it again: in the window and in the API."""

from pathlib import Path

from app import formats
from tests.endtoend.serving import upstreams
from tests.provider.client import ProviderProcess
from tests.window.display import Display, wait_until
from tests.window.real_app import RealApp, new_key

QUESTION = "Which river is the longest?"


def nano(dollars: str | None) -> int | None:
    return None if dollars is None else round(float(dollars) * 1e9)


def test_two_models_are_asked_and_an_answer_is_rated(display: Display, provider: ProviderProcess, home: Path) -> None:
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory", **upstreams(provider.base_urls)) as app:
        app.display.press("ctrl+4")
        app.wait_for("page", "Compare")
        wait_until(lambda: len(app.ask("chips")) == 3, what="The models that are offered")
        app.click_on("place_of_chip_cross")
        wait_until(lambda: len(app.ask("chips")) == 2, what="One model less")
        app.write("compare_prompt", QUESTION)
        wait_until(lambda: app.ask("text", name="compare_run").startswith("Run · est. $"), what="The estimate")
        assert app.usage("summary", key)["requests"] == 0, "nothing is asked before"
        app.click("compare_run")

        def done() -> bool:
            found = app.ask("answers")
            return len(found) == 2 and all(each["state"] == "ok" for each in found)

        wait_until(done, what="Both answers")
        first, second = app.ask("answers")
        assert first["said"] and second["said"]

        # Each answer is a row, and its figures are the row's.
        wait_until(lambda: len(app.usage("requests", key, tag="compare")["data"]) == 2, what="The rows")
        rows = {row["model"]: row for row in app.usage("requests", key, tag="compare")["data"]}
        assert set(rows) == {first["model"], second["model"]}
        assert len({tuple(row["tags"]) for row in rows.values()}) == 1
        for answer in (first, second):
            row = rows[answer["model"]]
            assert answer["figures"] == {
                "ttft": formats.duration(row["ttft_ms"]),
                "total": formats.duration(row["latency_ms"]),
                "tokens": f"{formats.count(row['input_tokens'])} → {formats.count(row['output_tokens'])}",
                "cost": formats.money(nano(row["cost_usd"])),
            }

        app.click_on("place_of_star", within="answer_1", stars=4)
        wait_until(lambda: app.api("/compare/ratings", key)["data"], what="The rating")
        app.click("answer_note", within="answer_1")
        app.display.type("short and right")
        app.display.press("Return")
        wait_until(lambda: app.api("/compare/ratings", key)["data"][0]["note"], what="The note")
        told = app.api("/compare/ratings", key)
        (rating,) = told["data"]
        assert (rating["stars"], rating["note"], rating["model"]) == (4, "short and right", second["model"])
        assert rating["request_id"] == rows[second["model"]]["id"] and rating["key"] == "Faregate window"
        assert [(model["model"], model["ratings"], model["stars"]) for model in told["models"]] == [
            (second["model"], 1, 4.0)
        ]

        # It is found again over time.
        app.click_on("place_of_text", text="Ratings and history")
        app.wait_for("rows", 1, name="compare_answers_table")
        table = app.ask("table", name="compare_answers_table")
        line = dict(zip(table["titles"], table["rows"][0], strict=True))
        assert (line["Model"], line["Rating"], line["Note"]) == (second["model"], "★★★★☆", "short and right")
        assert app.ask("table", name="compare_models_table")["rows"][0][:3] == [second["model"], "4.0", "1"]
        wait_until(lambda: app.api("/compare/ratings", key)["data"][0]["prompt"] == QUESTION, what="The question")
