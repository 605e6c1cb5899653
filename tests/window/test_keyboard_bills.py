"""Prices, re-pricing, bills, comparing and a provider's key without a mouse, on the real window."""

from pathlib import Path
from zoneinfo import ZoneInfo

from tests.endtoend.serving import upstreams
from tests.provider.client import ProviderProcess
from tests.reconcile.bills import billed, dearer, usage_and_costs
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.keyboard import Keys
from tests.window.real_app import RealApp, new_key
from tests.window.traffic import spend

UTC = ZoneInfo("UTC")


def test_history_is_priced_anew_and_back_and_a_bill_is_compared(display: Display, home: Path, tmp_path: Path) -> None:
    rows = spend(home)
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory") as app:

        def cost() -> str:
            return str(app.usage("summary", key)["cost_usd"])

        before, keys = cost(), Keys(app)
        keys.press("ctrl+8")
        app.wait_for("page", "Models & prices")
        keys.to("Prices")
        keys.press("Right")
        app.wait_for("shown", name="repricing_preview")
        keys.to("repricing_preview")
        keys.press("space")
        app.wait_for("shown", name="repricing_figures")
        keys.to("repricing_apply")
        keys.press("Return")
        app.wait_for("shown", name="repricing_history")
        wait_until(lambda: cost() != before, what="The cost by today's prices")
        keys.to("repricing_undo")
        keys.press("space")
        wait_until(lambda: cost() == before, what="The cost of before")
        # A bill, of which one model is dearer.
        path = tmp_path / "bill.csv"
        path.write_text(usage_and_costs(dearer(billed(rows), rows[0].model or "", "1.05"), UTC), "utf-8")
        keys.to("Re-pricing", back=True)
        keys.press("Right")
        keys.to("bill_choose")
        keys.press("space")
        app.open_file(path)
        app.wait_for("shown", name="bill_figures")
        keys.to("bill_parts")
        keys.to("bill_lines")
        keys.to("bill_options_button", back=True)
        keys.press("space")
        app.wait_for("shown", name="bill_drawer")
        keys.press("Escape")
        app.wait_for("shown", False, name="bill_drawer")
        keys.has("bill_options_button")
        keys.well()


def test_a_price_of_ones_own_is_made(display: Display, home: Path) -> None:
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory") as app:

        def own() -> list[dict[str, object]]:
            prices = app.api("/admin/prices?model=house-model", key)["data"]
            return [price for price in prices if price["model"] == "house-model"]

        keys = Keys(app)
        keys.press("ctrl+8")
        app.wait_for("shown", name="models_table")
        keys.to("add_price")
        keys.press("space")
        app.wait_for("shown", name="price_editor")
        keys.has("price_model")

        # What was typed is given up: the keyboard is where it was before.
        app.display.type("house")
        keys.press("Escape")
        app.wait_for_window("QMessageBox")
        app.focus()
        app.click_on("place_of_text", text="Discard")
        app.wait_for("shown", False, name="price_editor")
        app.focus()
        keys.has("add_price")
        keys.press("space")
        app.wait_for("shown", name="price_editor")
        keys.has("price_model")
        app.display.type("house-model")
        keys.to("price_input")
        app.display.type("2.50")
        keys.to("price_output")
        app.display.type("10")
        assert own() == []
        keys.to("price_save")
        keys.press("space")
        wait_until(lambda: len(own()) == 1, what="The price")
        app.wait_for("shown", False, name="price_editor")
        keys.at()
        keys.well()


def test_models_are_compared_and_an_answer_is_rated(display: Display, provider: ProviderProcess, home: Path) -> None:
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory", **upstreams(provider.base_urls)) as app:
        keys = Keys(app)
        keys.press("ctrl+4")
        app.wait_for("page", "Compare")
        wait_until(lambda: len(app.ask("chips")) == 3, what="The models that are offered")
        keys.to("compare_prompt")
        app.display.type("Which river is the longest?")
        wait_until(lambda: app.ask("text", name="compare_run").startswith("Run · est. $"), what="The estimate")
        keys.to("compare_run")
        keys.press("space")

        def done() -> bool:
            found = app.ask("answers")
            return len(found) == 3 and all(each["state"] == "ok" for each in found)

        wait_until(done, what="The answers")
        keys.to("answer_stars", within="answer_1")
        keys.press("4")
        wait_until(lambda: app.api("/compare/ratings", key)["data"], what="The rating")
        (rating,) = app.api("/compare/ratings", key)["data"]
        assert (rating["stars"], rating["model"]) == (4, app.ask("answers")[1]["model"])
        keys.well()


def test_a_providers_key_is_tried_and_kept(display: Display, provider: ProviderProcess, home: Path) -> None:
    with RealApp(display, home, FAREGATE_VAULT="memory", **upstreams(provider.base_urls, {})) as app:
        keys = Keys(app)
        keys.press("ctrl+5")
        app.wait_for("text", "No key", name="provider_state", within="provider_openai")
        keys.to("provider_set_key", within="provider_openai")
        keys.press("space")
        app.wait_for("shown", name="provider_key")
        keys.has("provider_key")
        app.display.type("sk-proj-canary7Qw2Zk9Lm4Vx8Bt")
        keys.press("Return")
        app.wait_for("steps", [["Connect", True], ["Check the key", True], ["List models", True]])
        app.wait_for("text", "Connected just now", name="provider_state", within="provider_openai")
        keys.press("Escape")
        app.wait_for("shown", False, name="provider_key")
        app.focus()
        assert "provider_openai" in keys.at()["within"]
        keys.well()
