"""Every key that the sheet tells of does on its page what the sheet says: each is pressed in the whole window."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMenu, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.finding import Finding
from app.pages import PAGES
from app.pages.compare import ComparePage
from app.pages.connect import ConnectPage
from app.pages.conversations import ConversationsPage
from app.pages.models import ModelsPage
from app.pages.overview import OverviewPage
from app.pages.requests import RequestsPage
from app.palette import Palette
from app.shortcut_sheet import ShortcutSheet
from app.tables.view import TableView
from app.widgets import Drawer
from app.window import DESIGN_SIZE, Window
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.fake_threads import FULL, TRACE, full_thread, plain_thread, trace_of

TABLES = {"requests": "requests_table", "api_keys": "api_keys_table", "models": "models_table"}


@pytest.fixture
def window(qtbot: QtBot, context: AppContext, fake_gateway: FakeGateway, tmp_path: Path) -> Window:
    full = full_thread(NOW_US)
    fake_gateway.told = [full, *(plain_thread(number, NOW_US) for number in range(5))]
    fake_gateway.traces = {TRACE: trace_of(full)}
    made = Window(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    made.resize(*DESIGN_SIZE)
    qtbot.addWidget(made, before_close_func=lambda window: setattr(window, "_may_close", True))
    made.show()
    made.start_pages()
    with qtbot.waitActive(made):
        made.activateWindow()
    return made


def press(qtbot: QtBot, keys: str) -> None:
    """Where the keyboard is, as a person does."""
    combination = QKeySequence(keys)[0]
    target = QApplication.focusWidget()
    assert target is not None
    qtbot.keyClick(target, combination.key(), combination.keyboardModifiers())


def page_of(window: Window, kind: type) -> QWidget:
    assert isinstance(window.page, kind)
    return window.page


# the window's own

WINDOW_KEYS: Mapping[str, Callable[[QtBot, Window], None]] = {}


def effect(keys: str) -> Callable[[Callable[[QtBot, Window], None]], Callable[[QtBot, Window], None]]:
    def keep(check: Callable[[QtBot, Window], None]) -> Callable[[QtBot, Window], None]:
        assert isinstance(WINDOW_KEYS, dict)
        WINDOW_KEYS[keys] = check
        return check

    return keep


@effect("Ctrl+B")
def _sidebar(qtbot: QtBot, window: Window) -> None:
    before = window.sidebar.narrow
    press(qtbot, "Ctrl+B")
    assert window.sidebar.narrow != before


@effect("Ctrl+R")
def _refresh(qtbot: QtBot, window: Window) -> None:
    gateway = window.context.gateway
    assert isinstance(gateway, FakeGateway)
    gateway.calls.clear()
    press(qtbot, "Ctrl+R")
    assert "summary" in gateway.calls


@effect("Ctrl+E")
def _export(qtbot: QtBot, window: Window) -> None:
    window.open_page("requests")
    press(qtbot, "Ctrl+E")
    dialog = window.findChild(QFileDialog, "requests_export_file")
    assert dialog is not None
    dialog.close()


@effect("Ctrl+Shift+G")
def _gateway(qtbot: QtBot, window: Window) -> None:
    spy = QSignalSpy(window.gateway_switched)
    press(qtbot, "Ctrl+Shift+G")
    assert spy.count() == 1 and spy.at(0) == [False]


@effect("Ctrl+T")
def _range(qtbot: QtBot, window: Window) -> None:
    window.open_page("requests")
    window.context.filters.set_range("24h")
    press(qtbot, "Ctrl+T")
    press(qtbot, "Right")
    assert window.context.filters.range_key == "7d"


@effect("[")
def _earlier(qtbot: QtBot, window: Window) -> None:
    press(qtbot, "[")
    assert window.context.filters.range_key == "custom"


@effect("]")
def _later(qtbot: QtBot, window: Window) -> None:
    press(qtbot, "]")
    assert window.context.filters.range_key == "7d"


@effect("Alt+Left")
def _back(qtbot: QtBot, window: Window) -> None:
    window.open_page("requests")
    window.open_page("models")
    press(qtbot, "Alt+Left")
    assert window.header.title.text() == "Requests"


@effect("Alt+Right")
def _forward(qtbot: QtBot, window: Window) -> None:
    press(qtbot, "Alt+Right")
    assert window.header.title.text() == "Models & prices"


@effect("Ctrl+K")
def _palette(qtbot: QtBot, window: Window) -> None:
    press(qtbot, "Ctrl+K")
    palette = window.findChild(Palette)
    assert palette is not None and palette.isVisible()
    palette.close()


@effect("F1")
def _sheet(qtbot: QtBot, window: Window) -> None:
    press(qtbot, "F1")
    sheet = window.findChild(ShortcutSheet)
    assert sheet is not None and sheet.isVisible()
    sheet.close()


@effect("Ctrl+W")
def _close(qtbot: QtBot, window: Window) -> None:
    spy = QSignalSpy(window.close_asked)
    press(qtbot, "Ctrl+W")
    assert spy.count() == 1


@effect("Ctrl+Q")
def _quit(qtbot: QtBot, window: Window) -> None:
    spy = QSignalSpy(window.quit_asked)
    press(qtbot, "Ctrl+Q")
    assert spy.count() == 1


def test_the_windows_keys(qtbot: QtBot, window: Window) -> None:
    groups = Finding(window).groups()
    assert [keys.split(", ")[0] for keys, _ in groups["Window"]] == list(WINDOW_KEYS)
    for check in WINDOW_KEYS.values():
        check(qtbot, window)
    for keys, title in groups["Pages"]:
        press(qtbot, keys)
        assert window.header.title.text() == title
    assert {title for _, title in groups["Pages"]} == {entry.title for entry in PAGES}


# Tab


@pytest.mark.parametrize(
    ("page", "read"),
    [
        (
            "overview",
            "nav. theme. overview.export filter.add card. chart.requests legend.success chart.requests.more chart.cost "
            "overview.split legend. chart.cost.more chart.latency overview.timing table.model tab. table.provider",
        ),
        (
            "compare",
            "nav. theme. compare_system compare_prompt compare_model. compare_max_tokens compare_temperature",
        ),
        ("providers", "nav. theme. add_provider provider_switch update_prices"),
    ],
)
def test_tab_leads_as_one_reads(qtbot: QtBot, window: Window, page: str, read: str) -> None:
    """Charts, chips and cards came with their data, and Qt's own order has them after all that was there before."""
    wanted = read.split()

    def is_meant(name: str, found: str) -> bool:
        return found.startswith(name) if name.endswith(".") else found == name

    def all_shown() -> bool:
        shown = [widget.objectName() for widget in window.findChildren(QWidget) if widget.isVisible()]
        return all(any(is_meant(name, each) for each in shown) for name in wanted)

    window.open_page(page)
    qtbot.waitUntil(all_shown)
    window.sidebar.card.switch.setFocus()
    found = [focused_after(qtbot, "Tab")]
    while found[-1] != "gateway.switch":
        found.append(focused_after(qtbot, "Tab"))
    place = 0
    for name in wanted:
        place = next((at for at, each in enumerate(found) if at >= place and is_meant(name, each)), -1)
        assert place >= 0, (name, found)
    assert [focused_after(qtbot, "Shift+Tab") for _ in found[1:]] == found[-2::-1]


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_tab_comes_to_what_is_chosen(qtbot: QtBot, window: Window, key: str) -> None:
    """Of the pages, and of the themes: Qt came to the first of them or, from behind, to the last."""
    window.open_page("providers")
    window.context.theme.set_mode("light")
    window.sidebar.card.switch.setFocus()
    found = [focused_after(qtbot, key)]
    while found[-1] != "gateway.switch":
        found.append(focused_after(qtbot, key))
    stops = [name for name in found if name.startswith(("nav.", "theme."))]
    assert sorted(stops) == ["nav.providers", "theme.light"]


def focused_after(qtbot: QtBot, keys: str) -> str:
    press(qtbot, keys)
    now = QApplication.focusWidget()
    assert now is not None
    return now.objectName()


# a page's own


def _find_request(qtbot: QtBot, window: Window) -> None:
    page = page_of(window, RequestsPage)
    press(qtbot, "Ctrl+F")
    assert QApplication.focusWidget() is page.findChild(QLineEdit, "requests_filter")


def _live(qtbot: QtBot, window: Window) -> None:
    page = window.page
    assert isinstance(page, RequestsPage)
    press(qtbot, "Ctrl+L")
    assert not page.live.isChecked()


def _add_a_filter(qtbot: QtBot, window: Window) -> None:
    page = window.page
    assert isinstance(page, OverviewPage)
    for keys in ("Ctrl+F", "/"):
        press(qtbot, keys)
        popover = page.parts.filter_bar.popover
        assert popover.isVisible()
        popover.close()
        page.setFocus()


def _find_model(qtbot: QtBot, window: Window) -> None:
    page = window.page
    assert isinstance(page, ModelsPage)
    for keys in ("Ctrl+F", "/"):
        page.view.setFocus()
        press(qtbot, keys)
        assert QApplication.focusWidget() is page.search
    page.open_section("bill")
    page.bill.setFocus()
    press(qtbot, "/")
    assert not page.search.hasFocus()
    page.open_section("prices")


def _find_rated(qtbot: QtBot, window: Window) -> None:
    page = window.page
    assert isinstance(page, ComparePage)
    page.question.user.setFocus()
    press(qtbot, "Ctrl+F")
    assert page.question.user.hasFocus()
    page.show_pane("history")
    assert page.history is not None
    for keys in ("Ctrl+F", "/"):
        page.history.models_view.setFocus()
        press(qtbot, keys)
        assert QApplication.focusWidget() is page.history.search
    # It is a letter there.
    press(qtbot, "/")
    assert page.history.search.text() == "/"
    page.history.search.clear()


def _find_tool(qtbot: QtBot, window: Window) -> None:
    page = window.page
    assert isinstance(page, ConnectPage)
    page.list.search.setText("curl")
    press(qtbot, "Ctrl+F")
    assert QApplication.focusWidget() is page.list.search and page.list.search.selectedText() == "curl"
    page.open_first_steps()
    press(qtbot, "Ctrl+F")
    assert QApplication.focusWidget() is page.list.search and page.list.search.isVisible()


def conversation(window: Window) -> ConversationsPage:
    """The one that has everything is open, and the keyboard is in what was said."""
    page = window.page
    assert isinstance(page, ConversationsPage)
    page.pane.list.setFocus()
    page.thread_pane.open(FULL)
    page.thread_pane.view.setFocus(Qt.FocusReason.TabFocusReason)
    assert page.thread_pane.view.current
    return page


def _search(qtbot: QtBot, window: Window) -> None:
    page = conversation(window)
    press(qtbot, "Ctrl+F")
    assert QApplication.focusWidget() is page.pane.search


def _next_block(qtbot: QtBot, window: Window) -> None:
    view = conversation(window).thread_pane.view
    before = view.current
    press(qtbot, "J")
    assert view.current != before


def _block_before(qtbot: QtBot, window: Window) -> None:
    view = conversation(window).thread_pane.view
    before = view.current
    press(qtbot, "J")
    press(qtbot, "K")
    assert view.current == before


def _fold(qtbot: QtBot, window: Window) -> None:
    view = conversation(window).thread_pane.view
    for _ in range(3):
        heights = view.verticalScrollBar().maximum()
        press(qtbot, "Return")
        if view.verticalScrollBar().maximum() != heights:
            return
        press(qtbot, "J")
    raise AssertionError("No block was folded or opened.")


def _copy_block(qtbot: QtBot, window: Window) -> None:
    conversation(window)
    QGuiApplication.clipboard().setText("before")
    press(qtbot, "Ctrl+C")
    assert QGuiApplication.clipboard().text() not in ("before", "")


def _copy_curl(qtbot: QtBot, window: Window) -> None:
    conversation(window)
    press(qtbot, "Ctrl+Shift+C")
    assert QGuiApplication.clipboard().text().startswith("curl ")


def _rename(qtbot: QtBot, window: Window) -> None:
    page = conversation(window)
    press(qtbot, "F2")
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit) and page.thread_pane.head.isAncestorOf(field)


def _delete(qtbot: QtBot, window: Window) -> None:
    page = conversation(window)
    page.pane.list.setFocus()
    press(qtbot, "Del")
    box = window.findChild(QMessageBox, "question.delete_conversation")
    assert box is not None
    box.close()


def _ask_models(qtbot: QtBot, window: Window) -> None:
    page, gateway = window.page, window.context.gateway
    assert isinstance(page, ComparePage) and isinstance(gateway, FakeGateway)
    page.question.user.setFocus()
    qtbot.keyClicks(page.question.user, "Which river is longest?")
    press(qtbot, "Ctrl+Return")
    assert gateway.asked[-1]["messages"] == [{"role": "user", "content": "Which river is longest?"}]


def _stop_answers(qtbot: QtBot, window: Window) -> None:
    page, gateway = window.page, window.context.gateway
    assert isinstance(page, ComparePage) and isinstance(gateway, FakeGateway)
    page.question.user.setFocus()
    with page._waiting():
        press(qtbot, "Esc")
    assert gateway.calls[-1] == f"cancel_comparison {page.comparison} all"


def _copy_requests_curl(qtbot: QtBot, window: Window) -> None:
    page = window.page
    assert isinstance(page, RequestsPage)
    page.view.setFocus()
    page.view.selectRow(0)
    QGuiApplication.clipboard().setText("before")
    press(qtbot, "Ctrl+Shift+C")
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text().startswith("curl "))


PAGE_KEYS: Mapping[str, Mapping[str, Callable[[QtBot, Window], None]]] = {
    "overview": {"Ctrl+F, /": _add_a_filter},
    "models": {"Ctrl+F, /": _find_model},
    "requests": {"Ctrl+F, /": _find_request, "Ctrl+L": _live, "Ctrl+Shift+C": _copy_requests_curl},
    "connect": {"Ctrl+F, /": _find_tool},
    "compare": {"Ctrl+Return": _ask_models, "Esc": _stop_answers, "Ctrl+F, /": _find_rated},
    "conversations": {
        "Ctrl+F, /": _search,
        "J": _next_block,
        "K": _block_before,
        "Return": _fold,
        "Ctrl+C": _copy_block,
        "Ctrl+Shift+C": _copy_curl,
        "F2": _rename,
        "Del": _delete,
    },
}


def test_every_pages_own_keys(qtbot: QtBot, window: Window) -> None:
    for entry in PAGES:
        window.open_page(entry.key)
        listed = [keys for keys, _ in entry.load().shortcuts]
        assert listed == list(PAGE_KEYS.get(entry.key, {})), entry.title
        for check in PAGE_KEYS.get(entry.key, {}).values():
            check(qtbot, window)


# every list's


def test_the_keys_of_lists(qtbot: QtBot, window: Window) -> None:
    """↑ ↓, Ctrl+C, the menu, Return and Esc, which the sheet tells of every list."""
    for key in TABLES:
        _list_keys(qtbot, window, key)


def _list_keys(qtbot: QtBot, window: Window, key: str) -> None:
    window.open_page(key)
    page = window.page
    view = window.findChild(TableView, TABLES[key])
    assert page is not None and view is not None
    view.setFocus()
    view.selectRow(0)
    view.setCurrentIndex(view.model().index(0, 0))
    press(qtbot, "Down")
    assert view.currentIndex().row() == 1
    press(qtbot, "Up")
    assert view.currentIndex().row() == 0
    QGuiApplication.clipboard().setText("before")
    press(qtbot, "Ctrl+C")
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 2 and lines[0].split("\t")[0] == view.shown_columns()[0].title
    _the_menu(qtbot, view)
    drawer = page.findChild(Drawer)
    assert drawer is not None
    if key != "api_keys":
        # A key has no details: its row says all of it.
        press(qtbot, "Return")
    else:
        drawer.open()
    qtbot.waitUntil(drawer.isVisible)
    # A menu's end gives the keyboard to no window where there is no window manager.
    with qtbot.waitActive(window):
        window.activateWindow()
    view.setFocus()
    press(qtbot, "Esc")
    assert not drawer.isVisible()


def _the_menu(qtbot: QtBot, view: TableView) -> None:
    press(qtbot, "Shift+F10")
    menu = view.findChild(QMenu, "rows_menu")
    assert menu is not None
    texts = [action.text() for action in menu.actions()]
    assert (texts[0], texts[-1]) == ("Copy rows", "Columns")
    columns = menu.findChild(QMenu, "columns_menu")
    assert columns is not None and any(action.isCheckable() for action in columns.actions())
    menu.close()
