"""A click paints its button in one turn of the loop, and opens what it stands for in another."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QSettings, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterSnapshot
from app.next_turn import NextTurn
from app.pages.models import ModelsPage
from app.pages.settings import SettingsPage
from app.window import DESIGN_SIZE, Window
from tests.app.fake_gateway import FakeGateway


def test_only_what_is_asked_for_last_is_done(qtbot: QtBot) -> None:
    done: list[str] = []
    owner = QObject()
    turn = NextTurn(owner)
    turn.ask(lambda: done.append("first"))
    turn.ask(lambda: done.append("second"))
    assert done == []
    qtbot.waitUntil(lambda: bool(done))
    qtbot.wait(20)
    assert done == ["second"]


@pytest.fixture
def window(qtbot: QtBot, context: AppContext, tmp_path: Path) -> Window:
    made = Window(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    made.resize(*DESIGN_SIZE)
    qtbot.addWidget(made, before_close_func=lambda window: setattr(window, "_may_close", True))
    made.show()
    made.start_pages()
    return made


def _click(qtbot: QtBot, button: object, opened: Callable[[], bool]) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.isChecked() and not opened()  # type: ignore[attr-defined]
    qtbot.waitUntil(opened)


def test_a_page_opens_in_a_turn_after_that_of_the_click(qtbot: QtBot, window: Window) -> None:
    def opened() -> bool:
        return window.page is not None and window.page.key == "api_keys"

    _click(qtbot, window.sidebar.buttons["api_keys"], opened)


def test_what_the_header_says_of_a_page_comes_in_the_turn_after_it(
    qtbot: QtBot, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, told = window.page, []
    show = window.header.show_page
    monkeypatch.setattr(window.header, "show_page", lambda *page: (told.append(page[0]), show(*page)))
    # After what the turn does.
    window._opening._timer.timeout.connect(lambda: told.append("page"))
    qtbot.mouseClick(window.sidebar.buttons["api_keys"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.page is not before)
    # Chosen once more meanwhile.
    window._open_soon("api_keys")
    qtbot.waitUntil(lambda: len(told) == 3)
    assert told[:2] == ["page", "API keys"] and window.header.title.text() == "API keys"
    assert window.windowTitle().startswith("API keys")


def test_the_page_before_goes_in_the_turn_of_the_click_and_what_is_seen_of_it_stays(
    qtbot: QtBot, window: Window
) -> None:
    before = window.page
    assert before is not None
    area = window.stack.geometry()
    qtbot.mouseClick(window.sidebar.buttons["api_keys"], Qt.MouseButton.LeftButton)
    assert not before.isVisible() and window._curtain.isVisible() and window._curtain.geometry() == area
    qtbot.waitUntil(lambda: window.page is not before)


def test_a_page_that_is_chosen_again_at_once_is_there_again(qtbot: QtBot, window: Window) -> None:
    before = window.page
    assert before is not None
    qtbot.mouseClick(window.sidebar.buttons["api_keys"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(window.sidebar.buttons[before.key], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(before.isVisible)
    qtbot.wait(20)
    assert window.page is before and before.isVisible()


def test_a_page_that_is_asked_for_by_a_key_instead_is_there_again(qtbot: QtBot, window: Window) -> None:
    before = window.page
    assert before is not None
    qtbot.mouseClick(window.sidebar.buttons["api_keys"], Qt.MouseButton.LeftButton)
    window.open_page(before.key)
    assert before.isVisible() and window.sidebar.buttons[before.key].isChecked()
    qtbot.wait(20)
    assert window.page is before


@pytest.mark.parametrize("key", ["overview", "requests", "conversations"])
@pytest.mark.parametrize("back", [True, False])
def test_a_filter_that_changes_while_no_page_is_on_show_is_asked_for_by_the_one_that_comes(
    qtbot: QtBot, window: Window, fake_gateway: FakeGateway, context: AppContext, key: str, back: bool
) -> None:
    other = "conversations" if key == "requests" else "requests"
    for name in (other, key):
        window.open_page(name)
        page = window.page
        assert page is not None
    qtbot.mouseClick(window.sidebar.buttons[other], Qt.MouseButton.LeftButton)
    assert not page.isVisible()
    fake_gateway.calls.clear()
    context.filters.restore(FilterSnapshot(range_key="24h", dimensions={"model": ("gpt-5",)}))
    assert fake_gateway.calls == []
    if back:
        qtbot.mouseClick(window.sidebar.buttons[key], Qt.MouseButton.LeftButton)
    asked = {"overview": "summary", "requests": "requests", "conversations": "threads"}[key if back else other]
    qtbot.waitUntil(lambda: any(call.startswith(asked) for call in fake_gateway.calls))


def test_a_page_is_there_again_where_the_gateway_answers_no_more_and_the_other_comes_once_it_does(
    qtbot: QtBot, window: Window
) -> None:
    window.open_page("api_keys")
    window.open_page("overview")
    before = window.page
    assert before is not None
    qtbot.mouseClick(window.sidebar.buttons["api_keys"], Qt.MouseButton.LeftButton)
    window.pause_pages()
    qtbot.waitUntil(before.isVisible)
    window.start_pages()
    assert window.page is window.stack.currentWidget() is not before
    assert window.sidebar.buttons["api_keys"].isChecked()


def test_a_page_that_was_left_while_the_gateway_did_not_answer_is_told_so(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connect showed a new key again to whoever came back."""
    window.open_page("api_keys")
    window.open_page("connect")
    connect, told = window.page, []
    monkeypatch.setattr(connect, "on_hidden", lambda: told.append("left"))
    window.pause_pages()
    window.open_page("api_keys")
    window.start_pages()
    assert told == ["left"] and window.page is not connect
    window.go_back()
    assert window.page is connect


def test_a_section_opens_in_a_turn_after_that_of_the_click(qtbot: QtBot, window: Window) -> None:
    window.open_page("settings")
    page = window.page
    assert isinstance(page, SettingsPage)
    _click(qtbot, page.buttons["about"], lambda: page.section == "about")


def test_what_is_asked_for_after_the_click_is_what_stays(qtbot: QtBot, window: Window) -> None:
    """While the loop is held, a click and a key come in one turn: the click's page came after that of the key."""
    qtbot.mouseClick(window.sidebar.buttons["api_keys"], Qt.MouseButton.LeftButton)
    window.window_actions["page.settings"].trigger()
    page = window.page
    assert isinstance(page, SettingsPage)
    qtbot.mouseClick(page.buttons["about"], Qt.MouseButton.LeftButton)
    page.open_section("data")
    qtbot.wait(20)
    assert window.page is page and page.section == "data"
    assert window.sidebar.buttons["settings"].isChecked() and page.buttons["data"].isChecked()


@pytest.mark.parametrize(
    ("key", "button"), [("providers", "add_provider"), ("api_keys", "create_key"), ("models", "")]
)
@pytest.mark.parametrize("restarts", [False, True])
def test_the_keyboard_stays_with_a_page_that_comes_in_the_turn_of_a_click(
    qtbot: QtBot, window: Window, context: AppContext, key: str, button: str, restarts: bool
) -> None:
    """A panel, or another section, that came a turn later gave it to a field that nobody saw."""
    with qtbot.waitActive(window):
        window.activateWindow()
    window.open_page(key)
    page = window.page
    assert page is not None
    clicked = page.section.segment("bill") if isinstance(page, ModelsPage) else window.findChild(QWidget, button)
    qtbot.mouseClick(clicked, Qt.MouseButton.LeftButton)
    if restarts:
        window.change_context(context)
        window.start_pages()
    else:
        window.open_page("requests")
    having = QApplication.focusWidget()
    qtbot.wait(50)
    assert having is not None and having.isVisible() and QApplication.focusWidget() is having
    if isinstance(page, ModelsPage):
        assert page.sections.currentWidget() is page.bill and not page.bill.isHidden()
