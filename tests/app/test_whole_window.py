"""Every page, drawer, dialog and menu in a language 40 % longer: all of it is translated, nothing is cut or covered."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QMessageBox, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.overview.label import ToneLabel
from app.pages import PAGES
from app.pages.api_keys import ApiKeysPage
from app.pages.compare import ComparePage
from app.pages.connect import ConnectPage
from app.pages.conversations import ConversationsPage
from app.pages.models import ModelsPage
from app.pages.overview import OverviewPage
from app.pages.providers import ProvidersPage
from app.pages.requests import RequestsPage
from app.pages.settings import SettingsPage
from app.query_text import NAMES as NAMES_OF_FILTERS
from app.questions import ask_how_to_close, ask_to_delete_conversation, ask_to_leave_demo
from app.state_notices import StateNotices
from app.text_label import TextLabel
from app.theme import Theme
from app.tray import Tray, error_words
from app.widgets import ElidedLabel, PushButton
from app.window import DESIGN_SIZE, Window
from gateway import GatewayState, NewPriceOverride, TagCondition, UnitPrices, VaultState
from tests.app.accessible import unnamed
from tests.app.fake_data import model_rows, provider_rows
from tests.app.fake_gateway import NO_HEADERS, NOW_US, FakeGateway
from tests.app.fake_threads import FULL, SYSTEM, TRACE, full_thread, plain_thread, trace_of
from tests.app.shown_page import open_row
from tests.app.whole import PseudoLocale, crossing, cut, texts_of, untranslated
from tests.reconcile.bills import billed, dearer, ledger, usage_and_costs, within

_TURNS = 50
UTC = ZoneInfo("UTC")
SIZES = ((1024, 700), (1440, 900))
# Names of products and units, keys of the keyboard, and what is written as it is in every language.
NAMES = (
    "Faregate OpenAI Anthropic Google xAI Gemini Claude Console Code Codex Cline Continue Cursor Aider Ollama Groq "
    "LM Studio Mistral OpenRouter DeepSeek llama vLLM Python JavaScript SDK Qt PySide PowerShell fish bash zsh curl "
    "OpenTelemetry LangChain LlamaIndex LiteLLM Vercel Pydantic Inter JetBrains Mono Lucide ISC OFL Markdown JSON "
    "CSV JSONL Ctrl Shift Alt Return Escape Esc Menu Del Delete Enter Home Left Right Ins Europe Berlin "
    "days months years for ever best-model no-such-model bill.csv Hello Date Model Requests Input Cached Output tokens "
    "Cost USD Etc min Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun UTC gateway "
)


# What must be on each page, by object names; of the window itself on every one.
FRAME = ["header.title", "header.subtitle", "gateway.switch", "sidebar.meter", "sidebar.today"]
REQUIRED: Mapping[str, str] = {
    "overview, filtered": "picker.range picker.bucket overview.compare overview.export filter.add filter.clear view.new "
    "card.requests card.tokens card.cost card.latency card.errors chart.requests chart.tokens chart.cost chart.latency "
    "breakdown.model breakdown.provider table.model table.provider tab.more overview.view.provider overview.range "
    "chart.requests.more chart.tokens.more chart.cost.more chart.latency.more "
    "legend.success legend.errors legend.input legend.cached legend.output legend.p50 legend.p95",
    "overview, no match": "overview.body filter.clear picker.range",
    "requests": "requests_filter requests_table requests_live requests_columns requests_export picker.range filter.add",
    "request details": "requests_drawer request_details request_timing request_tab.summary request_tab.messages "
    "request_tab.request request_tab.response request_tab.headers request_tab.attempts request_conversation "
    "request_replay request_curl drawer.close",
    "request attempts": "requests_drawer request_attempts attempts_words",
    "conversations": "conversations_list conversations_search conversations_sort conversations_export picker.range",
    "conversation": "thread conversation_title conversation_tags conversation_totals conversation_menu",
    "conversation and inspector": "conversation_replay conversation_requests conversation_cost conversation_timeline",
    "span of a conversation": "conversation_facts",
    "compare": "compare_prompt compare_system compare_question compare_models compare_add_model compare_temperature "
    "compare_max_tokens compare_estimate compare_run compare_panes",
    "providers": "add_provider provider_openai provider_anthropic provider_google provider_xai price_list update_prices "
    "provider_state provider_masked provider_models provider_cost provider_requests provider_address provider_switch",
    "provider key": "providers_drawer key_panel provider_key secret_eye secret_paste provider_key_save "
    "provider_key_cancel",
    "api keys": "api_keys_table create_key revoke_key api_keys_export",
    "new key": "create_key_panel new_key_name new_key_user new_key_tags new_key_role_admin new_key_role_execute "
    "new_key_role_read new_key_create",
    "connect": "connect_tools connect_search connect_tool connect_title connect_keys connect_model connect_key "
    "connect_make_key connect_shell trial trial_start arrival",
    "first steps": "first_run first_step_provider first_step_key first_step_request first_endpoint_copy first_run_leave",
    "models": "models_table models_search models_files models_unpriced add_price price_list update_prices",
    "model details": "models_drawer model_details model_add_price other_name_add",
    "price editor": "price_editor price_model price_input price_cached price_output tier_input price_note price_save",
    "re-pricing": "repricing_idle repricing_preview picker.range filter.add",
    "re-pricing preview": "repricing_figures figure.3 repricing_models repricing_kept repricing_apply",
    "re-priced": "repricing_history repricing_undo",
    "nothing to re-price": "repricing_nothing",
    "bill": "bill_idle bill_choose",
    "bill compared": "bill_files bill_words bill_figures figure.3 bill_parts bill_kind bill_lines bill_export "
    "bill_options_button",
    "bill options": "bill_options bill_provider bill_zone bill_rate bill_own_keys bill_form bill_map_time bill_map_model "
    "bill_map_cost bill_compare",
    "settings gateway": "edit.server.port apply_port edit.server.host setting.timeouts.total",
    "settings appearance": "preference.theme preference.density preference.patterns preference.zone preference.clock "
    "preference.week_start",
    "settings capture": "setting.capture.content setting.capture.parts_off setting.capture.redact_on",
    "settings retention": "edit.retention.requests edit.retention.content edit.retention.buckets clean_up size.total",
    "settings telemetry": "setting.export.endpoint setting.limits.telemetry setting.telemetry.standard_port",
    "settings vault": "setting.vault.backend vault_change",
    "settings data": "open_folder export_everything delete_what delete_first delete_last delete_days",
    "settings notifications": "preference.notify_gateway preference.notify_keys",
    "settings about": "copy_report",
    "palette": "palette_search palette_list",
    "filter refused": "requests_filter_problem",
    "compare answers": "compare_run compare_answers answer_model answer_state answer_words answer_stars answer_note "
    "answer_again answer_request figure_ttft figure_total figure_tokens figure_cost",
    "compare unrated": "compare_unrated compare_search compare_export",
    "compare rated": "chart.scatter compare_models_table compare_answers_table compare_count compare_export",
    "compared answer": "compare_drawer",
    "own provider": "own_provider_panel",
    "vault": "vault_panel",
    "tool key": "connect_key connect_keys connect_model connect_shell trial_start arrival",
    "notices": "notice.demo notice.pause notice.state notice.vault notice.quitting",
}
# What Faregate does not do is nowhere offered, not even greyed out.
ABSENT = re.compile(r"budget|allow-?list|rotat|\balerts?\b", re.IGNORECASE)
# Of some keyboards, as Qt itself calls them.
KEYS_OF_QT = {"Rotate Windows", "Rotation PB", "Rotation KB"}


@pytest.fixture
def fake_gateway() -> FakeGateway:
    return FakeGateway(60)


@pytest.fixture
def gateway(fake_gateway: FakeGateway, tmp_path: Path) -> FakeGateway:
    full = full_thread(NOW_US)
    fake_gateway.told = [full, *(plain_thread(number, NOW_US) for number in range(8))]
    fake_gateway.traces = {TRACE: trace_of(full)}
    unknown = msgspec.structs.replace(fake_gateway.rows[0], provider="openai", model="house-model", cost_nano=None)
    fake_gateway.rows += [unknown, *ledger("openai", days=3, per_day=2)]
    return fake_gateway


@pytest.fixture
def locale(qapp: QApplication) -> Iterator[PseudoLocale]:
    made = PseudoLocale()
    qapp.installTranslator(made)
    yield made
    qapp.removeTranslator(made)


@pytest.fixture
def window(
    qtbot: QtBot, locale: PseudoLocale, context: AppContext, gateway: FakeGateway, tmp_path: Path
) -> Iterator[Window]:
    made = Window(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    made.resize(*DESIGN_SIZE)
    qtbot.addWidget(made, before_close_func=lambda window: setattr(window, "_may_close", True))
    made.show()
    made.start_pages()
    with qtbot.waitActive(made):
        made.activateWindow()
    yield made


def data_of(gateway: FakeGateway) -> list[str]:
    """All words that are data and not the window's."""
    rows = [msgspec.json.encode(row).decode() for row in gateway.rows]
    told = [msgspec.json.encode(row, enc_hook=str).decode() for row in (*gateway.keys, *provider_rows(NOW_US))]
    models = [f"{row.id} {row.title} {row.note} {' '.join(row.spellings)}" for row in model_rows()]
    said = [repr(thread) for thread in gateway.told]
    return [NAMES, *rows, *told, *models, *said, str(gateway.folder), gateway.state.url]


class Tour:
    """Goes through the states of the window, and keeps what is wrong with each."""

    def __init__(self, qtbot: QtBot, window: Window, gateway: FakeGateway) -> None:
        self.qtbot = qtbot
        self.window = window
        self.gateway = gateway
        self.data = data_of(gateway)
        self.wrong: dict[str, list[str]] = {}
        self.visited: list[str] = []

    def page(self, key: str, kind: type) -> Any:
        self.window.open_page(key)
        assert isinstance(self.window.page, kind)
        return self.window.page

    def look(
        self,
        name: str,
        widget: QWidget | None = None,
        sizes: Sequence[tuple[int, int]] = SIZES[:1],
        said: str = "",
    ) -> None:
        """A popover or dialog is only as large as itself, and a state of a page is as crowded as it gets where the
        window is small. `said`: the gateway's words there, and names."""
        self.visited.append(name)
        shown = widget or self.window
        for size in sizes:
            if widget is None:
                self.window.resize(*size)
            found = self._settled(name, shown)
            found += [f"untranslated: {text!r}" for text in untranslated(texts_of(shown), [*self.data, said])]
            if found:
                self.wrong.setdefault(f"{name} {size[0]}", []).extend(found)

    def _missing(self, state: str, shown: QWidget) -> list[str]:
        """What must be there and is not on the screen."""
        required = [*REQUIRED.get(state, "").split(), *(FRAME if shown is self.window else ())]
        there = {widget.objectName() for widget in shown.findChildren(QWidget) if widget.isVisible()}
        return [name for name in required if name not in there]

    def _settled(self, state: str, shown: QWidget) -> list[str]:
        """What is missing, cut or covered once all that is put off to later turns is done."""
        found: list[str] = []
        for _ in range(_TURNS):
            QApplication.processEvents()
            found = [f"missing: {name}" for name in self._missing(state, shown)]
            found += [*cut(shown), *crossing(shown)]
            if not found:
                break
            self.qtbot.wait(20)
        return found

    def menu(self, name: str, menu: QMenu | None) -> None:
        assert menu is not None, name
        self.look(name, menu)
        menu.close()


def _overview(tour: Tour) -> None:
    page = tour.page("overview", OverviewPage)
    tour.look("overview", sizes=SIZES)
    page.filters = tour.window.context.filters
    page.filters.add_tag(TagCondition(("team:platform", "team:growth")))
    page.filters.set_dimension("model", ("gpt-5.1",))
    tour.look("overview, filtered")
    page.filters.set_dimension("model", ("no-such-model",))
    tour.look("overview, no match")
    page.filters.clear()


def _requests(tour: Tour) -> None:
    page = tour.page("requests", RequestsPage)
    tour.look("requests", sizes=SIZES)
    open_row(page, tour.qtbot, 0)
    tour.look("request details", sizes=SIZES)
    page.details.show_tab("attempts")
    tour.look("request attempts")
    page.details.show_tab("summary")
    page.drawer.close_drawer()
    tour.menu("columns", page.view.columns_menu(page))
    page.filter_bar.open_popover()
    tour.look("filter popover", page.filter_bar.popover)
    page.filter_bar.popover.close()
    page.range_picker._open_custom()
    tour.look("custom range", page.range_picker.custom)
    page.range_picker.custom.close()


def _conversations(tour: Tour) -> None:
    page = tour.page("conversations", ConversationsPage)
    tour.look("conversations")
    page.thread_pane.open(FULL)
    tour.look("conversation", sizes=SIZES)
    tour.look("conversation and inspector", sizes=SIZES[1:])
    page.thread_pane.view.step(1)
    tour.look("span of a conversation", sizes=SIZES[1:], said=f"{SYSTEM} gen_ai.system anthropic tokens")
    page.thread_pane.head.show_menu()
    tour.menu("conversation menu", page.findChild(QMenu, "conversation_actions"))


def _compare(tour: Tour) -> None:
    tour.page("compare", ComparePage)
    tour.look("compare", sizes=SIZES)


def _providers(tour: Tour) -> None:
    page = tour.page("providers", ProvidersPage)
    tour.look("providers", sizes=SIZES)
    page.open_key_panel(page._rows[0].name)
    tour.look("provider key")
    page.drawer.close_drawer()


def _api_keys(tour: Tour) -> None:
    page = tour.page("api_keys", ApiKeysPage)
    tour.look("api keys", sizes=SIZES)
    page.open_create()
    tour.look("new key")
    page.drawer.close_drawer()
    page.view.selectRow(0)
    page.ask_to_revoke()
    box = page.findChild(QMessageBox, "confirm_revoke")
    assert box is not None
    tour.look("revoke", box)
    box.close()


def _connect(tour: Tour) -> None:
    page = tour.page("connect", ConnectPage)
    tour.look("connect")
    page.open_first_steps()
    tour.look("first steps")
    page._show_tools()


def _models(tour: Tour) -> None:
    page = tour.page("models", ModelsPage)
    tour.look("models", sizes=SIZES)
    page.open_details(page.lines[0])
    tour.look("model details")
    page.open_editor(page.lines[0])
    tour.look("price editor")
    page.drawer.close_drawer()
    page.search.setText("no such model")
    tour.look("no model")
    page.clear_filters()


def _repricing(tour: Tour) -> None:
    page = tour.page("models", ModelsPage)
    page.open_section("repricing")
    tour.look("re-pricing")
    own = NewPriceOverride(provider="openai", model="gpt-5.1", prices=UnitPrices(input="2", output="9"))
    tour.window.context.spawn(tour.gateway.add_price(own))
    page.repricing.preview()
    tour.look("re-pricing preview", sizes=SIZES)
    page.repricing.apply_button.click()
    tour.look("re-priced")
    page.repricing.preview()
    tour.look("nothing to re-price")


def _bill(tour: Tour) -> None:
    page = tour.page("models", ModelsPage)
    page.open_section("bill")
    tour.look("bill")
    rows = within(billed(ledger("openai", days=3, per_day=2)), date(2026, 10, 20), date(2026, 10, 22), UTC)
    folder = Path(tour.window._store.fileName()).parent
    path = folder / "bill.csv"
    path.write_text(usage_and_costs(dearer(rows[1:], "gpt-5"), UTC), "utf-8")
    tour.window.context.spawn(page.bill.open((path,)))
    assert page.bill.done is not None
    tour.look("bill compared", sizes=SIZES)
    page.bill.drawer.open()
    tour.look("bill options")
    page.open_section("prices")


def _settings(tour: Tour) -> None:
    page = tour.page("settings", SettingsPage)
    for section in page.buttons:
        page.open_section(section)
        tour.look(f"settings {section}")


def _shell(tour: Tour) -> None:
    window = tour.window
    window.open_page("requests")
    window.open_palette()
    tour.look("palette", window._finding.palette)
    window._finding.palette.close()
    window.open_shortcuts()
    tour.look("shortcut sheet", window._finding.sheet)
    window._finding.sheet.close()
    for name, ask in (
        ("question.close", lambda: ask_how_to_close(window, lambda: None, lambda: None)),
        ("question.leave_demo", lambda: ask_to_leave_demo(window, lambda: None)),
        ("question.delete_conversation", lambda: ask_to_delete_conversation(window, "Hello", lambda: None)),
    ):
        ask()
        box = window.findChild(QMessageBox, name)
        assert box is not None
        tour.look(name, box)
        box.close()


def _said_by_a_request(tour: Tour) -> None:
    page = tour.page("requests", RequestsPage)
    open_row(page, tour.qtbot, 0)
    for tab in ("messages", "request", "response", "headers"):
        page.details.show_tab(tab)
        tour.look(f"request {tab}", said=NO_HEADERS)
    page.details.show_tab("summary")
    page.drawer.close_drawer()
    page.filter_field.field.setText("modl:gpt")
    page.filter_field.submit()
    tour.look("filter refused", said=f"modl {' '.join(NAMES_OF_FILTERS)}")
    page.filter_field.field.clear()


def _compared(tour: Tour) -> None:
    page = tour.page("compare", ComparePage)
    page.question.user.setPlainText("Hello")
    page.question.models.open_picker()
    tour.look("model picker", page.question.models.picker)
    page.question.models.picker.close()
    page.run()
    tour.look("compare answers")
    page.show_pane("history")
    assert page.history is not None
    tour.look("compare unrated")
    answer = page.columns[0].answer
    assert answer is not None
    tour.window.context.spawn(tour.gateway.rate(answer.request_id, 4, ""))
    tour.window.context.spawn(page.history.refresh())
    tour.look("compare rated", sizes=SIZES)
    page.history.view.opened.emit(0)
    tour.look("compared answer", said="Faregate window")
    page.history.drawer.close_drawer()
    page.show_pane("ask")


def _more_panels(tour: Tour) -> None:
    providers = tour.page("providers", ProvidersPage)
    providers.open_own_panel(None)
    tour.look("own provider", said="lm-studio nomic-embed-text qwen3:8b, gpt-oss:20b")
    providers.drawer.close_drawer()
    providers._open_vault()
    tour.look("vault")
    providers.drawer.close_drawer()
    keys = tour.page("api_keys", ApiKeysPage)
    keys.open_create()
    keys.panel.form.name.setText("laptop")
    keys.panel.form.make.click()
    tour.look("key shown")
    keys.panel.finished.emit()
    keys.panel.leave()
    keys.drawer.hide()
    connect = tour.page("connect", ConnectPage)
    connect.view.choices.make.click()
    tour.look("tool key", sizes=SIZES)


def _what_lasts(tour: Tour) -> None:
    """What stands under the header, all of it at once, and the tray's menu."""
    window = tour.window
    nothing = lambda: None  # noqa: E731
    told = StateNotices(window.notices, nothing, nothing, nothing, nothing, nothing)
    told.show_state(GatewayState(word="off", url="", capture_paused_until_us=NOW_US), demo=True)
    reason = "no secret service runs"
    told.show_vault(VaultState(backend="keyring", available=False, message=reason))
    told.show_quitting(7)
    tour.page("requests", RequestsPage)
    tour.look("notices", said=reason)
    for subject in ("demo", "pause", "state", "vault", "quitting"):
        window.notices.clear(subject)
    tray = Tray(window.context.theme, GatewayState(word="running", url="http://127.0.0.1:4210"))
    tray.show_error(error_words(tour.gateway.rows[0]))
    tray.menu.popup(window.mapToGlobal(window.rect().center()))
    tour.look("tray menu", tray.menu)
    tray.menu.close()
    tray.close()


STEPS: tuple[Callable[[Tour], None], ...] = (
    _overview,
    _requests,
    _conversations,
    _compare,
    _providers,
    _api_keys,
    _connect,
    _models,
    _repricing,
    _bill,
    _settings,
    _shell,
    _said_by_a_request,
    _compared,
    _more_panels,
    _what_lasts,
)


def test_what_has_no_room_or_another_font_is_found(qtbot: QtBot, theme: Theme) -> None:
    """The checks themselves: on a page where each thing that they look for is wrong once."""
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(600, 300)
    label, strange = TextLabel(theme, "A label without room", parent=page), TextLabel(theme, "Strange", parent=page)
    label.resize(30, 20)
    strange.setFont(QFont("DejaVu Sans", 9))
    strange.resize(200, 40)
    elided, tone = ElidedLabel(theme, "An elided label", parent=page), ToneLabel(theme, "A figure", parent=page)
    for short in (elided, tone):
        short.resize(20, 20)
    button = PushButton(theme, "A button", parent=page)
    button.resize(20, 32)
    page.show()
    elided.setToolTip("")
    assert [words.split(" has ")[0] for words in cut(page)] == [
        "'A label without room'",
        "'Strange' is in DejaVu Sans",
        "'An elided label' is cut, and whole in no tooltip",
        f"'A figure' is shown as {tone.shown_text()!r}",
        "'A button'",
    ]
    for widget in (label, elided, tone, button):
        widget.resize(300, 40)
    strange.setFont(label.font())
    assert cut(page) == []
    column, line = QVBoxLayout(page), QHBoxLayout()
    line.addWidget(label)
    line.addWidget(button)
    column.addLayout(line)
    column.activate()
    assert crossing(page) == []
    button.move(label.pos())
    assert len(crossing(page)) == 1
    button.setText("")
    assert unnamed(page) == ["PushButton "]


def test_all_of_the_window_is_translated_and_nothing_is_cut(
    qtbot: QtBot, window: Window, gateway: FakeGateway, locale: PseudoLocale
) -> None:
    tour = Tour(qtbot, window, gateway)
    for step in STEPS:
        step(tour)
    assert {entry.key.replace("_", " ") for entry in PAGES} <= {name.split(",")[0] for name in tour.visited} | {
        "connect",
        "settings",
    }
    assert set(REQUIRED) <= set(tour.visited)
    report = "\n".join(f"{name}:\n    " + "\n    ".join(wrong) for name, wrong in tour.wrong.items())
    assert tour.wrong == {}, report
    # Of every page and state, also what is greyed out or stands in a tooltip.
    assert len(locale.seen) > 500
    assert [text for text in locale.seen - KEYS_OF_QT if ABSENT.search(text)] == []
