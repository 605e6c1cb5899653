"""History priced anew and a bill compared on a real gateway: what the window says is what the admin API says."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

from app import formats
from tests.reconcile.bills import billed, dearer, usage_and_costs
from tests.waiting import PATIENCE_S, wait_until
from tests.window.display import Display
from tests.window.real_app import API, RealApp, new_key
from tests.window.test_numbers import eventually
from tests.window.traffic import spend

UTC = ZoneInfo("UTC")
RANGE = "12m"
NANO = 10**9


def difference(repriced: dict[str, Any]) -> str:
    """As the window says it: marked where a cost that changes is an estimate."""
    estimated = any(row["from_costs_estimated"] or row["to_costs_estimated"] for row in repriced["by_model"])
    return ("≈" if estimated else "") + formats.money_difference(round(Decimal(repriced["difference_usd"]) * NANO))


def money(totals: dict[str, Any]) -> str:
    marked = "≈" if totals.get("costs_estimated") else ""
    return marked + formats.money(round(Decimal(totals["cost_usd"]) * NANO))


def compared(url: str, key: str, bill: bytes) -> Any:
    """What the gateway says of a bill."""
    headers = {"Authorization": f"Bearer {key}"}
    with urlopen(Request(f"{url}{API}/admin/reconcile", bill, headers), timeout=PATIENCE_S) as answer:
        return json.load(answer)


def section(app: RealApp, title: str) -> None:
    """One of the page's, once nothing moves under the pointer any more; the same of what it shows."""
    app.wait_for("painted")
    app.click_on("place_of_text", text=title)
    app.wait_for("painted")


def costs_told(app: RealApp, key: str) -> dict[str, Any]:
    """What anybody is told of costs: by the API, cards, charts, tables and files."""
    # Of all rows: a range that ends now would lose some meanwhile.
    always = {"from": "2020-01-01T00:00:00Z"}
    told: dict[str, Any] = {
        what: app.usage(what, key, **always, **more)
        for what, more in (("summary", {}), ("timeseries", {"bucket": "day"}), ("breakdown", {"by": "model"}))
    }
    told["api rows"] = [row["cost_usd"] for row in app.usage("requests", key, limit="1000", **always)["data"]]
    app.click("nav.overview")
    app.wait_for("page", "Overview")
    app.click_on("place_of_text", text="30d")
    app.wait_for("painted")
    told["cards"] = app.ask("cards")
    told["models"], told["providers"] = (app.ask("table", name=f"table.{by}") for by in ("model", "provider"))
    told["charts"] = app.ask("charts")["cost"]
    app.click("nav.requests")
    app.wait_for("page", "Requests")
    app.wait_for("painted")
    told["rows"] = app.ask("table", name="requests_table", most=100)
    headers = {"Authorization": f"Bearer {key}"}
    with urlopen(
        Request(f"{app.url}{API}/usage/export.csv?what=requests&from=2020-01-01T00:00:00Z", headers=headers)
    ) as answer:
        told["file"] = answer.read()
    app.click("nav.models")
    app.wait_for("page", "Models & prices")
    section(app, "Prices")
    app.wait_for("shown", name="models_table")
    told["prices"] = app.ask("table", name="models_table", most=300)
    return told


def test_an_undone_re_pricing_leaves_no_cost_as_it_was_not(display: Display, home: Path) -> None:
    spend(home)
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory") as app:
        app.wait_for("state", "Running")
        before = costs_told(app, key)

        section(app, "Re-pricing")
        app.click_on("place_of_text", text=RANGE)
        app.click("repricing_preview")
        app.wait_for("shown", name="repricing_figures")
        app.click("repricing_apply")
        app.wait_for("shown", name="repricing_history")

        def all_of_it(same: bool) -> None:
            told = costs_told(app, key)
            assert [name for name in before if (told[name] == before[name]) is not same] == []

        eventually(lambda: all_of_it(same=False))
        section(app, "Re-pricing")
        app.click("repricing_undo")
        eventually(lambda: all_of_it(same=True))


def test_history_is_priced_anew_and_back_and_a_bill_is_compared(display: Display, home: Path, tmp_path: Path) -> None:
    rows = spend(home)
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory") as app:

        def cost() -> str:
            return str(app.usage("summary", key)["cost_usd"])

        before = cost()
        app.click("nav.models")
        app.wait_for("page", "Models & prices")
        section(app, "Re-pricing")
        app.click_on("place_of_text", text=RANGE)
        app.click("repricing_preview")
        app.wait_for("shown", name="repricing_figures")
        said = app.api("/admin/prices/reprice", key, {})
        assert app.ask("text", name="figure.0", within="repricing_figures") == formats.count(said["changed"])
        assert app.ask("text", name="figure.3", within="repricing_figures") == difference(said)
        app.click("repricing_apply")
        app.wait_for("shown", name="repricing_history")
        assert cost() == said["to_usd"] != before
        app.click("repricing_undo")
        wait_until(lambda: cost() == before, what="The cost of before")
        (done,) = app.api("/admin/prices/reprice", key)["data"]
        assert done["undone_at"] is not None
        # A bill, of which one model is dearer.
        path = tmp_path / "bill.csv"
        path.write_text(usage_and_costs(dearer(billed(rows), rows[0].model or "", "1.05"), UTC), "utf-8")
        section(app, "Bill")
        app.click("bill_choose")
        app.open_file(path)
        app.wait_for("shown", name="bill_figures")
        answer = compared(app.url, key, path.read_bytes())
        assert app.ask("text", name="figure.0", within="bill_figures") == money(answer["bill"])
        assert app.ask("text", name="figure.1", within="bill_figures") == money(answer["here"])
        assert app.ask("rows", name="bill_parts") == len(answer["parts"]) == 2
        differing = [part for day in answer["days"] for part in day["parts"] if part["kind"] == "price_drift"]
        assert app.ask("rows", name="bill_lines") == len(differing) > 0
