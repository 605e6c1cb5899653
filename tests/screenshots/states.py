"""The states that are worth a picture, and how a person gets there and back."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from weakref import WeakSet
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway import DataFolder, UsageQuery
from gateway.store import UsageStore
from tests.reconcile.bills import billed, dearer, usage_and_costs
from tests.screenshots.huge import ANSWERS, LONG
from tests.waiting import wait_until
from tests.window.real_app import RealApp

Act = Callable[[RealApp], None]
_LOADING_S = 1.0  # After it a veil says that a page is being read anew.
_OPENING_S = 0.7
_MENU_S = 3.0


class Size(NamedTuple):
    """Of the window in logical pixels, and how many of the screen's pixels each of them has in a row."""

    width: int
    height: int
    scale: int = 1


UTC = ZoneInfo("UTC")
LARGE, SMALL, FINE = Size(1440, 900), Size(1024, 700), Size(1440, 900, 2)
BOTH = (LARGE, SMALL)
ALL = (LARGE, SMALL, FINE)


def nothing(app: RealApp) -> None:
    """The state is there already, or needs no way back."""


class State(Struct, frozen=True, kw_only=True):
    """`reach` from any page; `leave` so that the next one can be reached. `readme`: a picture that README shows;
    `tray`: one that needs a tray host."""

    name: str
    reach: Act
    leave: Act = nothing
    sizes: tuple[Size, ...] = (LARGE,)
    readme: bool = False
    tray: bool = False


def page(app: RealApp, key: str, title: str) -> None:
    app.click(f"nav.{key}")
    app.wait_for("page", title)


def overview(app: RealApp, range_: str = "7d") -> None:
    page(app, "overview", "Overview")
    app.click_on("place_of_text", text=range_)
    wait_until(lambda: app.ask("requests_drawn") == (app.ask("answered") or {}).get("requests"), what="The charts")


def overview_of_teams(app: RealApp) -> None:
    overview(app)
    app.clear_filters()
    app.filter_by_tag("team", "platform", "growth")
    app.filter_by_tag("env", "prod")
    wait_until(lambda: app.ask("requests_drawn") == app.ask("answered")["requests"], what="The charts")


def overview_pointed_at(app: RealApp) -> None:
    """At a working day's last busy hour, when every model costs something."""
    overview(app)
    shown = app.ask("answered")
    start = datetime.fromtimestamp(shown["start_us"] // 1_000_000, ZoneInfo(shown["tz"]))
    hours = [start + timedelta(hours=number) for number in range(7 * 24 - 1)]
    busy = max(number for number, at in enumerate(hours) if at.hour == 15 and at.weekday() < 5)
    app.display.point(*app.find("place_of_bucket", chart="cost", bucket=busy))
    app.wait_for("shown", name="chart.tooltip")


def overview_of_providers(app: RealApp) -> None:
    overview(app)
    app.click("overview.view.provider")
    app.wait_for("shown", name="chart.provider.4")


def overview_of_everything(app: RealApp) -> None:
    app.click("overview.view.all")


def filter_popover(app: RealApp) -> None:
    overview(app)
    app.click("filter.add")
    app.click_on("place_in_list", text="team")
    app.find("place_in_list", text="platform")


def custom_range(app: RealApp) -> None:
    overview(app)
    app.click_on("place_of_text", text="Custom…")
    app.wait_for("shown", name="customRange")


def escape(app: RealApp) -> None:
    app.display.press("Escape")
    app.focus()


def requests(app: RealApp) -> None:
    page(app, "requests", "Requests")
    app.click_on("place_of_text", text="7d")
    wait_until(lambda: app.ask("rows", name="requests_table") > 1000, what="The rows")


def request_details(app: RealApp) -> None:
    requests(app)
    app.click_on("place_of_cell", table="requests_table", row=3)
    app.wait_for("shown", name="request_timing")


def said_by_a_request(app: RealApp, tab: str) -> None:
    """Of a request that a conversation is kept of."""
    conversation(app)
    app.click("conversation_requests")
    app.wait_for("page", "Requests")
    app.click_on("place_of_cell", table="requests_table", row=2)
    app.click(f"request_tab.{tab}")
    app.wait_for("shown", name="request_said")


def leave_said(app: RealApp) -> None:
    app.click("request_tab.summary")
    back_from_requests(app)


def failed_request(app: RealApp) -> None:
    requests(app)
    typed_filter(app, "status:error")
    # Chips stand before the rows are read anew.
    wait_until(lambda: 0 < app.ask("rows", name="requests_table") < 1000, what="The failed ones")
    app.click_on("place_of_cell", table="requests_table", row=0)
    app.wait_for("shown", name="request_cause")


def attempts_of_a_failed_request(app: RealApp) -> None:
    failed_request(app)
    app.click("request_tab.attempts")
    app.wait_for("shown", name="request_attempts")


def typed_filter(app: RealApp, text: str) -> None:
    def taken() -> bool:
        """A key may be lost to the list of words that comes up while one types."""
        app.write("requests_filter", text)
        app.display.press("Return")
        time.sleep(_OPENING_S)
        return bool(app.ask("chips"))

    wait_until(taken, what="The chips")


def back_from_requests(app: RealApp) -> None:
    if app.ask("shown", name="requests_drawer"):
        app.display.press("Escape")
        app.wait_for("shown", False, name="requests_drawer")
    app.clear_filters()


def no_match(app: RealApp) -> None:
    page(app, "requests", "Requests")
    typed_filter(app, "model:no-such-model")
    app.wait_for("shown", name="requests_no_match")


def conversation(app: RealApp, title: str = "Fix flaky payment webhook test") -> None:
    page(app, "conversations", "Conversations")
    app.click_on("place_of_text", text="7d")
    conversation_called(app, title)


def conversation_called(app: RealApp, title: str) -> None:
    def opened() -> bool:
        """The list may move under the pointer while newer ones come."""
        app.click_on("place_of_conversation", title=title)
        time.sleep(_OPENING_S)
        return bool(app.ask("text", name="conversation_title") == title)

    wait_until(opened, what="The conversation")


def delete_conversation(app: RealApp) -> None:
    conversation(app)
    app.click("conversation_menu")
    app.click_on("place_in_menu", text="Delete…")
    app.wait_for_window("QMessageBox")


def keep_conversation(app: RealApp) -> None:
    answer_question(app, "Keep")


def answer_question(app: RealApp, answer: str) -> None:
    app.focus()
    app.click_on("place_of_text", text=answer)
    app.wait_for_window("QMessageBox", False)
    app.focus()


def conversation_searched(app: RealApp) -> None:
    page(app, "conversations", "Conversations")
    app.click_on("place_of_text", text="7d")
    app.write("conversations_search", "two threads can spend")
    app.display.press("Return")
    app.wait_for("text", "Review PR 2231: retry budget", name="conversation_title")


def without_search(app: RealApp) -> None:
    app.write("conversations_search", "")
    app.display.press("BackSpace", "Return")


def empty_conversations(app: RealApp) -> None:
    page(app, "conversations", "Conversations")
    app.wait_for("shown", name="conversations_empty")


UNKNOWN_MODEL = "house-model-7"
COMPARED = (
    "Our webhook test fails about once in ten runs. What are the usual causes, and which do I check first?",
    "Write a SQL query for monthly active users per plan, without counting anyone twice.",
    "Summarise this incident for customers in three sentences.",
)


def ask_models(app: RealApp, question: str) -> None:
    page(app, "compare", "Compare")
    app.click_on("place_of_text", text="Ask")
    wait_until(lambda: len(app.ask("chips")) > 1, what="The models")
    app.write("compare_prompt", question)
    wait_until(lambda: "est." in app.ask("text", name="compare_run"), what="The estimate")
    app.click("compare_run")


def answering(app: RealApp) -> None:
    """Some answer already, and none is through."""
    ask_models(app, COMPARED[0])
    wait_until(lambda: any(answer["said"] for answer in app.ask("answers")), what="The first words")


def all_answered(app: RealApp) -> None:
    def over() -> bool:
        return all(answer["state"] not in ("", "waiting", "answering") for answer in app.ask("answers"))

    wait_until(over, what="The answers")


def compare(app: RealApp, question: str = COMPARED[0], stars: tuple[int, ...] = (5, 4, 3)) -> None:
    ask_models(app, question)
    all_answered(app)
    for place, number in enumerate(stars):
        app.click_on("place_of_star", within=f"answer_{place}", stars=number)


def pick_model(app: RealApp) -> None:
    page(app, "compare", "Compare")
    app.click_on("place_of_text", text="Ask")
    app.click("compare_add_model")
    app.wait_for("shown", name="model_picker")


def ratings(app: RealApp) -> None:
    """Some more questions are asked, and what came of all is shown."""
    for question, stars in zip(COMPARED[1:], ((4, 4, 2), (5, 3, 3)), strict=True):
        compare(app, question, stars)
    app.click_on("place_of_text", text="Ratings and history")
    wait_until(lambda: app.ask("rows", name="compare_answers_table") >= 6, what="The ratings")


def rated_answer(app: RealApp) -> None:
    page(app, "compare", "Compare")
    app.click_on("place_of_text", text="Ratings and history")
    app.click_on("place_of_cell", table="compare_answers_table", row=1)
    app.wait_for("shown", name="compare_drawer")


def close_rated_answer(app: RealApp) -> None:
    app.click("drawer.close", within="compare_drawer")
    app.click_on("place_of_text", text="Ask")


def empty_compare(app: RealApp) -> None:
    page(app, "compare", "Compare")
    app.click_on("place_of_text", text="Ask")
    app.write("compare_prompt", COMPARED[2])


def no_ratings(app: RealApp) -> None:
    page(app, "compare", "Compare")
    app.click_on("place_of_text", text="Ratings and history")
    app.wait_for("shown", name="compare_history_empty")


def providers(app: RealApp) -> None:
    page(app, "providers", "Providers")
    app.wait_for("shown", name="provider_xai")


def provider_key(app: RealApp) -> None:
    providers(app)
    app.click("provider_replace", within="provider_anthropic")
    app.wait_for("shown", name="provider_key")


def close_provider_key(app: RealApp) -> None:
    app.click("provider_key_cancel")
    app.wait_for("shown", False, name="providers_drawer")


def api_keys(app: RealApp) -> None:
    page(app, "api_keys", "API keys")
    app.wait_for("shown", name="api_keys_table")


def models(app: RealApp) -> None:
    page(app, "models", "Models & prices")
    wait_until(lambda: app.ask("rows", name="models_table") > 0, what="The models")
    app.wait_for("shown", False, name="veil")


def model_details(app: RealApp) -> None:
    models(app)
    app.click_on("place_of_cell", table="models_table", row=1)
    app.wait_for("shown", name="models_drawer")


def close_model_details(app: RealApp) -> None:
    app.click("drawer.close", within="models_drawer")


def models_section(app: RealApp, title: str) -> None:
    page(app, "models", "Models & prices")
    app.click_on("place_of_text", text=title)


def models_prices(app: RealApp) -> None:
    app.click_on("place_of_text", text="Prices")
    app.wait_for("shown", name="models_table")


# Whose prices were changed already: both themes are of one run.
_repriced: WeakSet[RealApp] = WeakSet()


def other_prices(app: RealApp) -> None:
    """A discount on all that one provider has, so that its history can be priced anew."""
    page(app, "models", "Models & prices")
    models_prices(app)
    models(app)
    if app not in _repriced:
        _repriced.add(app)
        app.click("add_price")
        app.write("price_model", "*")
        app.write("price_input", "1.80")
        app.write("price_output", "9.50")
        app.display.press("Return")
        app.wait_for("shown", name="models_past")
        app.wait_for("toasts", [])


def repricing(app: RealApp) -> None:
    other_prices(app)
    models_section(app, "Re-pricing")
    app.click("repricing_preview")
    app.wait_for("shown", name="repricing_figures")
    # Figures of a preview before stand until the new ones are there.
    app.wait_for("text", "Preview", name="repricing_preview")


def repriced(app: RealApp) -> None:
    repricing(app)
    app.click("repricing_apply")
    app.wait_for("shown", name="repricing_idle")


def undo_repricing(app: RealApp) -> None:
    app.click("repricing_undo")
    # A bill that is made of the rows meanwhile would be of either price.
    wait_until(lambda: any("cost what they did before" in toast for toast in app.ask("toasts")), what="The undoing")
    models_prices(app)


def no_bill(app: RealApp) -> None:
    models_section(app, "Bill")
    app.wait_for("shown", name="bill_idle")


def bill(app: RealApp) -> None:
    models_section(app, "Bill")
    if not app.ask("shown", name="bill_figures"):
        choose_bill(app, a_bill(app))
    app.wait_for("shown", name="bill_figures")
    app.wait_for("text", "Choose a bill…", name="bill_choose")


def bill_options(app: RealApp) -> None:
    bill(app)
    app.click("bill_options_button")
    app.wait_for("shown", name="bill_options")


def close_bill_options(app: RealApp) -> None:
    app.click("drawer.close", within="bill_drawer")
    models_prices(app)


def unknown_bill(app: RealApp) -> None:
    models_section(app, "Bill")
    strange = app.home.parent / "invoice-november.csv"
    strange.write_text("Posted,Product,Usage in,Usage out,Charged\n2026-11-03,gpt-5,1200,80,0.0023\n", "utf-8")
    choose_bill(app, strange)
    app.wait_for("shown", name="bill_options")


def choose_bill(app: RealApp, file: Path) -> None:
    app.click("bill_choose")
    app.open_file(file)


def a_bill(app: RealApp) -> Path:
    """A bill of what one provider did in the example history: one model is dearer, some of it is not on it, and some
    went past the gateway."""
    path = app.home.parent / "openai-november.csv"
    if not path.exists():
        store = UsageStore(DataFolder(app.home).demo().path)
        store.start()
        try:
            rows = list(store.iter_requests(UsageQuery(provider=("openai",))))
        finally:
            store.close()
        known = billed(row for row in rows if row.input_tokens is not None)
        requests = [*(one for number, one in enumerate(known) if number % 60), *known[7::900]]
        requests = dearer(requests, max({one.model for one in requests}), "1.03")
        path.write_text(usage_and_costs(requests, UTC), "utf-8")
    return path


def new_key(app: RealApp) -> None:
    page(app, "api_keys", "API keys")
    app.click("create_key")
    app.write("new_key_name", "claude-code on my laptop")
    app.write("new_key_tags", "team:platform")


def close_new_key(app: RealApp) -> None:
    app.click("drawer.close", within="api_keys_drawer")
    answer_question(app, "Discard")
    app.wait_for("shown", False, name="api_keys_drawer")


def connect(app: RealApp, tool: str = "Claude Code") -> None:
    page(app, "connect", "Connect")
    app.wait_for("shown", name="connect_tools")
    app.write("connect_search", tool)
    app.wait_for("text", tool, name="connect_title")
    without_connect_search(app)


def connect_key(app: RealApp) -> None:
    connect(app, "Codex")
    app.click("connect_make_key")
    app.wait_for("text", "Make another", name="connect_make_key")
    # Seen once: a picture that is kept shows no key.
    connect(app, "curl")
    connect(app, "Codex")


def connect_nothing(app: RealApp) -> None:
    page(app, "connect", "Connect")
    app.write("connect_search", "no such tool")
    app.wait_for("shown", name="connect_no_tool")


def without_connect_search(app: RealApp) -> None:
    app.write("connect_search", "")
    app.display.press("BackSpace")


def first_run(app: RealApp) -> None:
    page(app, "connect", "Connect")
    app.wait_for("shown", name="first_run")


def first_run_key(app: RealApp) -> None:
    first_run(app)
    app.write("first_key", "sk-ant-somebody0123456789abcdef")
    app.wait_for("text", "Looks like a key for Anthropic.", name="first_key_hint")


def settings(app: RealApp, section: str = "gateway") -> None:
    page(app, "settings", "Settings")
    app.click(f"settings.{section}")
    app.wait_for("shown", name=f"section.{section}")


def settings_problem(app: RealApp) -> None:
    settings(app, "telemetry")
    app.write("edit.limits.telemetry", "huge")
    app.display.press("Return")
    app.wait_for("shown", name="setting_problem", within="setting.limits.telemetry")


def leave_settings_problem(app: RealApp) -> None:
    app.write("edit.limits.telemetry", "64 MiB")
    app.display.press("Return")
    app.wait_for("shown", False, name="setting_problem", within="setting.limits.telemetry")


def settings_waiting(app: RealApp) -> None:
    settings(app, "capture")
    app.click("tick.capture.redact_on.email")
    app.wait_for("shown", name="settings_restart")


def leave_settings_waiting(app: RealApp) -> None:
    app.click("setting_back", within="setting.capture.redact_on")
    app.wait_for("shown", False, name="settings_restart")


def palette(app: RealApp) -> None:
    overview(app)
    app.display.press("ctrl+k")
    app.wait_for("shown", name="palette")
    app.display.type("team")


def shortcut_sheet(app: RealApp) -> None:
    requests(app)
    app.display.press("F1")
    app.wait_for("shown", name="shortcut_sheet")


def gateway_off(app: RealApp) -> None:
    overview(app)
    app.click("gateway.switch")
    app.wait_for("state", "Off")


def gateway_on(app: RealApp) -> None:
    app.click("gateway.switch")
    app.wait_for("state", "Running")


def empty_overview(app: RealApp) -> None:
    page(app, "overview", "Overview")
    wait_until(lambda: app.ask("answered"), what="An answer")


def empty_requests(app: RealApp) -> None:
    page(app, "requests", "Requests")
    app.wait_for("shown", name="requests_empty")


def empty_api_keys(app: RealApp) -> None:
    page(app, "api_keys", "API keys")
    app.wait_for("shown", name="api_keys_empty")


def no_keyring(app: RealApp) -> None:
    providers(app)
    app.wait_for("shown", name="vault_banner")


def vault_choice(app: RealApp) -> None:
    no_keyring(app)
    app.click("provider_set_key", within="provider_openai")
    app.wait_for("shown", name="vault_panel")


def close_vault_choice(app: RealApp) -> None:
    app.click("drawer.close", within="providers_drawer")


def own_provider(app: RealApp) -> None:
    providers(app)
    app.click("add_provider")
    app.wait_for("shown", name="own_provider_panel")
    app.write("own_models", "qwen3:8b")


def discard_own_provider(app: RealApp) -> None:
    close_vault_choice(app)
    answer_question(app, "Discard")
    app.wait_for("shown", False, name="providers_drawer")


def tray_menu(app: RealApp) -> None:
    overview(app)
    if not app.ask("tray")["available"]:
        app.display.start_tray()

    def still() -> bool:
        """The host moves the icon while it makes room for it."""
        place = app.find("place_of_tray")
        time.sleep(_OPENING_S)
        return app.find("place_of_tray") == place

    wait_until(still, what="The icon")

    def opened() -> bool:
        app.display.click(*app.find("place_of_tray"), 3)
        try:
            app.find("place_in_menu", _MENU_S, text="Open window")
        except LookupError:
            return False
        return True

    wait_until(opened, what="The menu")


def close_tray_menu(app: RealApp) -> None:
    app.display.press("Escape")
    app.focus()


def paused(app: RealApp) -> None:
    """Nothing of what is said is kept for a while, as the strip says."""
    overview(app)
    app.display.press("ctrl+k")
    app.wait_for("shown", name="palette")
    app.display.type("pause logging")
    app.display.press("Return")
    app.wait_for("shown", name="notice.pause")


def resumed(app: RealApp) -> None:
    app.click_on("place_of_text", text="Resume")
    app.wait_for("shown", False, name="notice.pause")


def paused_tray_menu(app: RealApp) -> None:
    paused(app)
    tray_menu(app)


def close_paused_tray_menu(app: RealApp) -> None:
    close_tray_menu(app)
    resumed(app)


def port_in_use(app: RealApp) -> None:
    page(app, "overview", "Overview")
    app.wait_for("state", "Port in use")


# Hundreds of thousands of rows


def huge_overview(app: RealApp) -> None:
    overview(app, "30d")
    time.sleep(_LOADING_S)
    app.wait_for("shown", False, name="veil")
    overview(app, "30d")


def huge_requests(app: RealApp) -> None:
    requests(app)
    app.click_on("place_of_text", text="30d")
    wait_until(lambda: app.ask("rows", name="requests_table") > 200_000, what="The rows")


def huge_conversation(app: RealApp) -> None:
    page(app, "conversations", "Conversations")
    app.click_on("place_of_text", text="30d")
    conversation_called(app, LONG)


def huge_ratings(app: RealApp) -> None:
    page(app, "compare", "Compare")
    app.click_on("place_of_text", text="Ratings and history")
    wait_until(lambda: app.ask("rows", name="compare_answers_table") >= ANSWERS, what="The ratings")


def huge_data(app: RealApp) -> None:
    settings(app, "retention")


# What takes long, and what fails


def loading(app: RealApp, key: str, title: str) -> None:
    """A page that is opened for the first time, on a disk that does not answer."""
    app.ask("hold_reads")
    page(app, key, title)
    app.wait_for("shown", name="veil")


def loading_overview(app: RealApp) -> None:
    """Another range is chosen: what was shown stays, faint."""
    overview(app)
    app.ask("hold_reads")
    app.click_on("place_of_text", text="24h")
    app.wait_for("shown", name="veil")


def loaded(app: RealApp) -> None:
    app.ask("answer_reads")
    app.wait_for("shown", False, name="veil")


def failing(app: RealApp, key: str, title: str, banner: str) -> None:
    """A page that was read before is to be read again, and cannot be."""
    page(app, key, title)
    time.sleep(_LOADING_S)
    app.wait_for("shown", False, name="veil")
    app.ask("fail_reads")

    def told() -> bool:
        """What was asked before may still be answered, and takes the banner away."""
        app.focus()
        app.display.press("ctrl+r")
        time.sleep(_OPENING_S)
        return bool(app.ask("shown", name=banner))

    wait_until(told, what="The banner")


def mended(app: RealApp) -> None:
    app.ask("answer_reads")
    app.focus()
    app.display.press("ctrl+r")


def failing_answer(app: RealApp) -> None:
    """Of several models one is nobody's: only its own column says so."""
    page(app, "compare", "Compare")
    app.write("compare_prompt", COMPARED[0])
    if not any(chip.startswith(UNKNOWN_MODEL) for chip in app.ask("chips")):
        # Three columns stand beside each other.
        app.click_on("place_of_chip_cross")

        def picking() -> bool:
            """The button moves to where the chip was."""
            app.click("compare_add_model")
            time.sleep(_OPENING_S)
            return bool(app.ask("shown", name="model_picker"))

        wait_until(picking, what="The list of models")
        app.display.type(UNKNOWN_MODEL)
        app.display.press("Return")
        wait_until(lambda: any(chip.startswith(UNKNOWN_MODEL) for chip in app.ask("chips")), what="The model")
    time.sleep(_OPENING_S)
    app.focus()
    app.click("compare_run")

    def over() -> bool:
        """Asked at all, and over: some done, one refused; or none asked, and why stands above."""
        states = [answer["state"] for answer in app.ask("answers")]
        done = len(states) > 1 and not {"", "waiting", "answering"} & set(states)
        return done or bool(app.ask("shown", name="compare_error"))

    wait_until(over, what="The answers")


DEMO_STATES = (
    State(name="overview", reach=overview, sizes=ALL, readme=True),
    State(name="overview_24h", reach=lambda app: overview(app, "24h")),
    State(name="overview_30d", reach=lambda app: overview(app, "30d")),
    State(name="overview_filtered", reach=overview_of_teams, leave=RealApp.clear_filters),
    State(name="overview_providers", reach=overview_of_providers, leave=overview_of_everything, sizes=BOTH),
    State(name="overview_tooltip", reach=overview_pointed_at),
    State(name="filter_popover", reach=filter_popover, leave=escape),
    State(name="custom_range", reach=custom_range, leave=escape),
    State(name="requests", reach=requests, sizes=ALL),
    State(name="request_details", reach=request_details, leave=back_from_requests, sizes=BOTH, readme=True),
    State(name="request_messages", reach=lambda app: said_by_a_request(app, "messages"), leave=leave_said),
    State(name="request_json", reach=lambda app: said_by_a_request(app, "request"), leave=leave_said),
    State(name="request_headers", reach=lambda app: said_by_a_request(app, "headers"), leave=leave_said),
    State(name="request_attempts", reach=attempts_of_a_failed_request, leave=leave_said),
    State(name="request_failed", reach=failed_request, leave=back_from_requests),
    State(name="requests_no_match", reach=no_match, leave=back_from_requests),
    State(name="conversations", reach=conversation, sizes=ALL, readme=True),
    State(name="conversation_picture", reach=lambda app: conversation(app, "Why is checkout p95 up?")),
    State(name="conversation_delete", reach=delete_conversation, leave=keep_conversation),
    State(name="conversations_search", reach=conversation_searched, leave=without_search),
    State(name="compare_answering", reach=answering, leave=all_answered),
    State(name="compare", reach=compare, sizes=ALL, readme=True),
    State(name="compare_models", reach=pick_model, leave=escape),
    State(name="compare_ratings", reach=ratings, sizes=BOTH),
    State(name="compare_rated", reach=rated_answer, leave=close_rated_answer),
    State(name="providers", reach=providers, sizes=ALL),
    State(name="provider_key", reach=provider_key, leave=close_provider_key, sizes=BOTH),
    State(name="api_keys", reach=api_keys, sizes=ALL),
    State(name="api_key_new", reach=new_key, leave=close_new_key, sizes=BOTH),
    State(name="connect", reach=connect, sizes=ALL),
    State(name="connect_key", reach=connect_key, sizes=BOTH),
    State(name="connect_nothing", reach=connect_nothing, leave=without_connect_search),
    State(name="models", reach=models, sizes=ALL),
    State(name="models_details", reach=model_details, leave=close_model_details, sizes=BOTH),
    State(name="models_bill", reach=bill, leave=models_prices, sizes=BOTH, readme=True),
    State(name="models_bill_options", reach=bill_options, leave=close_bill_options),
    State(name="models_bill_unknown", reach=unknown_bill, leave=close_bill_options, sizes=BOTH),
    State(name="settings", reach=settings, sizes=ALL),
    State(name="settings_appearance", reach=lambda app: settings(app, "appearance")),
    State(name="settings_retention", reach=lambda app: settings(app, "retention"), sizes=BOTH),
    State(name="settings_problem", reach=settings_problem, leave=leave_settings_problem),
    State(name="settings_waiting", reach=settings_waiting, leave=leave_settings_waiting, sizes=BOTH),
    State(name="settings_vault", reach=lambda app: settings(app, "vault")),
    State(name="settings_data", reach=lambda app: settings(app, "data")),
    State(name="settings_about", reach=lambda app: settings(app, "about")),
    State(name="palette", reach=palette, leave=escape),
    State(name="shortcut_sheet", reach=shortcut_sheet, leave=escape),
    State(name="gateway_off", reach=gateway_off, leave=gateway_on),
    State(name="logging_paused", reach=paused, leave=resumed, sizes=BOTH),
    State(name="tray_menu", reach=tray_menu, leave=close_tray_menu, tray=True),
    State(name="tray_menu_paused", reach=paused_tray_menu, leave=close_paused_tray_menu, tray=True),
)
REPRICED_STATES = (
    State(name="models_repricing", reach=repricing, leave=models_prices, sizes=BOTH),
    State(name="models_repriced", reach=repriced, leave=undo_repricing),
)
EMPTY_STATES = (
    State(name="first_run", reach=first_run, sizes=ALL),
    State(name="first_run_key", reach=first_run_key),
    State(name="empty_overview", reach=empty_overview),
    State(name="empty_requests", reach=empty_requests),
    State(name="empty_conversations", reach=empty_conversations),
    State(name="empty_compare", reach=empty_compare),
    State(name="empty_ratings", reach=no_ratings),
    State(name="empty_api_keys", reach=empty_api_keys),
    State(name="models_no_bill", reach=no_bill, leave=models_prices),
    State(name="keyring_unavailable", reach=no_keyring),
    State(name="keyring_choice", reach=vault_choice, leave=close_vault_choice),
    State(name="own_provider", reach=own_provider, leave=discard_own_provider, sizes=BOTH),
)
HUGE_STATES = (
    State(name="huge_overview", reach=huge_overview),
    State(name="huge_requests", reach=huge_requests),
    State(name="huge_conversation", reach=huge_conversation),
    State(name="huge_ratings", reach=huge_ratings),
    State(name="huge_providers", reach=providers),
    State(name="huge_api_keys", reach=api_keys),
    State(name="huge_models", reach=models),
    State(name="huge_data", reach=huge_data),
)
_LOADED = (
    ("requests", "Requests"),
    ("conversations", "Conversations"),
    ("compare", "Compare"),
    ("providers", "Providers"),
    ("api_keys", "API keys"),
    ("connect", "Connect"),
    ("models", "Models & prices"),
    ("settings", "Settings"),
)
LOADING_STATES = (
    State(name="loading_overview", reach=loading_overview, leave=loaded),
    *(
        State(name=f"loading_{key}", reach=lambda app, key=key, title=title: loading(app, key, title), leave=loaded)
        for key, title in _LOADED
    ),
)
_FAILED = (
    ("overview", "Overview", "overview_error"),
    ("requests", "Requests", "requests_error"),
    ("conversations", "Conversations", "conversations_error"),
    ("providers", "Providers", "providers_error"),
    ("api_keys", "API keys", "api_keys_error"),
    ("connect", "Connect", "connect_error"),
    ("models", "Models & prices", "models_error"),
    ("settings", "Settings", "settings_error"),
)
ERROR_STATES = (
    *(
        State(
            name=f"error_{key}",
            reach=lambda app, key=key, title=title, banner=banner: failing(app, key, title, banner),
            leave=mended,
        )
        for key, title, banner in _FAILED
    ),
    State(name="error_compare", reach=failing_answer),
)
TROUBLED_STATES = (State(name="port_in_use", reach=port_in_use),)
