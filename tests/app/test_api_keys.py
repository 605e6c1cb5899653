"""The API keys page as a person uses it: the table, making a key and seeing it once, revoking one, exporting."""

import csv
import time
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import (
    QAbstractButton,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QRadioButton,
)
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.pages.api_keys import ApiKeysPage
from app.pages.api_keys_parts.columns import parse_tags, revoke_consequence
from app.tables.view import ROW_HEIGHT
from app.theme import Theme
from app.widgets.curtain import Curtain
from gateway import ApiKeyRow, Changes, FaregateError
from tests.app.accessible import unnamed
from tests.app.fake_data import exchanges
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.mouse import click
from tests.app.shown_page import show_page
from tests.app.turns import Turns

KEY = "tk_FAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKE"
KEYS = Changes(keys=True)


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(0, now_us=time.time_ns() // 1000)


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: FakeGateway, turns: Turns) -> ApiKeysPage:
    page = ApiKeysPage(AppContext(gateway, theme, FilterState(tz="UTC"), turns))  # type: ignore[arg-type]
    show_page(page, qtbot)
    refresh(page, turns)
    return page


def refresh(page: ApiKeysPage, turns: Turns) -> None:
    turns(page.refresh(KEYS))
    turns.run()


def cells(page: ApiKeysPage, row: int) -> list[str]:
    return [str(page.model.index(row, column).data()) for column in range(len(page.model.columns))]


def press(page: ApiKeysPage, button: str, qtbot: QtBot) -> None:
    box = page.findChild(QMessageBox, "confirm_revoke")
    click(qtbot, next(one for one in box.findChildren(QAbstractButton) if one.text() == button))


def create(page: ApiKeysPage, qtbot: QtBot, turns: Turns, name: str = "laptop") -> None:
    click(qtbot, page.create_button)
    qtbot.waitUntil(page.panel.isVisible)
    qtbot.keyClicks(page.panel.form.name, name)
    click(qtbot, page.panel.form.make)
    turns.run()


def test_a_list_that_is_read_anew_does_not_jump(page: ApiKeysPage, gateway: FakeGateway, turns: Turns) -> None:
    usual = msgspec.structs.replace(gateway.keys[0], revoked_us=None)
    gateway.keys = [msgspec.structs.replace(usual, id=f"k{number}", name=f"key {number}") for number in range(80)]
    refresh(page, turns)
    page.view.selectRow(2)
    bar = page.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    gateway.keys[2] = msgspec.structs.replace(gateway.keys[2], last_used_us=usual.created_us, revoked_us=1)
    refresh(page, turns)
    chosen = page.selected()
    assert chosen is not None and (chosen.name, chosen.revoked_us) == ("key 2", 1)
    assert bar.value() == bar.maximum() > 0
    assert not page.revoke_button.isEnabled(), "it is revoked meanwhile"


def test_cells_equal_the_rows(page: ApiKeysPage, gateway: FakeGateway) -> None:
    assert page.model.rowCount() == len(gateway.keys) == 4
    assert cells(page, 0)[:5] == ["growth", "tk_grow…", "Execute", "env:prod", "—"]
    assert cells(page, 3)[6:] == ["Never", "0", "Active"]
    assert cells(page, 2)[8] == "Revoked"
    titles = [page.model.headerData(number, Qt.Orientation.Horizontal) for number in range(9)]
    assert titles == ["Name", "Key", "Role", "Tags", "User", "Created", "Last used", "Requests, 7d", "State"]


def test_each_key_tells_its_requests_of_seven_days_and_leads_to_them(
    page: ApiKeysPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    now_us = time.time_ns() // 1000
    usual = exchanges(1, now_us)[0]
    ages_d = (0, 1, 6, 8, 30)
    gateway.rows = [
        msgspec.structs.replace(usual, id=f"r{age}", key="ci", started_us=now_us - age * 86_400_000_000)
        for age in ages_d
    ]
    refresh(page, turns)
    told = {row.name: row.requests for row in page.model.rows}
    assert told == {"growth": 0, "ci": 3, "ana": 0, "support": 0}
    for number, row in enumerate(page.model.rows):
        menu = QMenu(page)
        page.view.menu_offered.emit(menu, number)
        (shown,) = [action for action in menu.actions() if action.text() == "Show its requests"]
        assert shown.isEnabled() == (row.name == "ci")
        if shown.isEnabled():
            with qtbot.waitSignal(page.navigate) as navigated:
                shown.trigger()
    key, filters = navigated.args
    assert key == "requests" and filters.range_key == "7d" and filters.dimensions == {"key": ("ci",)}


def test_revoked_rows_stay_and_are_greyed(page: ApiKeysPage) -> None:
    def darkest(row: int) -> int:
        image = page.view.viewport().grab().toImage()
        top = row * ROW_HEIGHT
        return min(image.pixelColor(x, y).lightness() for x in range(110) for y in range(top + 5, top + 25))

    page.setFocus()
    page.view.setCurrentIndex(page.model.index(3, 0))
    assert darkest(2) > darkest(0) + 20


def test_sorting_by_name(page: ApiKeysPage, qtbot: QtBot) -> None:
    header = page.view.horizontalHeader().viewport()
    for expected in (["ana", "ci", "growth", "support"], ["support", "growth", "ci", "ana"]):
        qtbot.mouseClick(header, Qt.MouseButton.LeftButton, pos=QPoint(30, 15))
        assert [row.name for row in page.model.rows] == expected


def test_a_key_is_made_by_keyboard_and_shown_once(
    page: ApiKeysPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    page.create_button.setFocus()
    qtbot.keyClick(page.create_button, Qt.Key.Key_Space)
    qtbot.waitUntil(page.panel.isVisible)
    form, shown = page.panel.form, page.panel.shown
    assert form.name.hasFocus() and not form.make.isEnabled()
    qtbot.keyClicks(form.name, "claude-code")
    form.findChild(QRadioButton, "new_key_role_read").click()
    qtbot.keyClicks(form.user, "ana")
    qtbot.keyClicks(form.tags, "team:platform, env:dev")
    qtbot.keyClick(form.tags, Qt.Key.Key_Return)
    turns.run()
    made = gateway.keys[-1]
    assert (made.name, made.role, made.user, made.tags) == (
        "claude-code",
        "read",
        "ana",
        ("team:platform", "env:dev"),
    )
    assert shown.isVisible() and shown.key.text() == KEY
    qtbot.waitUntil(shown.copy.hasFocus)
    with qtbot.waitSignal(page.toast) as told:
        qtbot.keyClick(shown.copy, Qt.Key.Key_Space)
    assert (QGuiApplication.clipboard().text(), told.args) == (KEY, ["Key copied"])
    click(qtbot, shown.done)
    assert not page.drawer.isVisible()
    assert cells(page, 4)[:2] == ["claude-code", "tk_FAKE…"]
    words = [label.text() for label in page.findChildren(QLabel)] + [
        edit.text() for edit in page.findChildren(QLineEdit)
    ]
    assert [word for word in words if KEY in word] == [], "from now on only its first letters exist"


def test_a_key_that_is_shown_cannot_be_lost_by_esc(page: ApiKeysPage, qtbot: QtBot, turns: Turns) -> None:
    create(page, qtbot, turns)
    with qtbot.waitSignal(page.toast) as toast:
        qtbot.keyClick(page.drawer, Qt.Key.Key_Escape)
    assert "Store the key first" in toast.args[0]
    assert page.panel.shown.isVisible() and page.panel.shown.key.text() == KEY
    assert page.panel.shown.copy.hasFocus(), "the next key must not press something behind the drawer"
    click(qtbot, page.panel.shown.done)
    assert not page.drawer.isVisible() and page.panel.shown.key.text() == ""


def test_arrows_choose_a_key_at_once(page: ApiKeysPage, qtbot: QtBot) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    page.setFocus()
    page.on_shown()
    assert page.view.hasFocus()
    qtbot.keyClick(page.view, Qt.Key.Key_Down)
    assert page.view.hasFocus() and page.selected() is not None


def test_esc_gives_the_keyboard_back_to_what_opened_the_drawer(page: ApiKeysPage, qtbot: QtBot) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    click(qtbot, page.create_button)
    qtbot.waitUntil(page.panel.isVisible)
    assert page.panel.form.name.hasFocus()
    qtbot.keyClick(page.panel.form.name, Qt.Key.Key_Escape)
    assert not page.drawer.isVisible() and page.create_button.hasFocus()


def test_each_role_says_what_it_may(page: ApiKeysPage, qtbot: QtBot) -> None:
    click(qtbot, page.create_button)
    qtbot.waitUntil(page.panel.isVisible)
    roles = {button.text(): button.accessibleDescription() for button in page.panel.form.findChildren(QRadioButton)}
    assert list(roles) == ["Execute", "Read", "Admin"]
    assert all(words.endswith(".") for words in roles.values())
    assert page.panel.form.values()[1] == "execute"


def test_a_name_that_is_taken_is_told(page: ApiKeysPage, qtbot: QtBot, turns: Turns) -> None:
    create(page, qtbot, turns, "growth")
    form = page.panel.form
    assert form.problem.text() == "A key named growth exists already: choose another name."
    assert form.isEnabled() and form.name.text() == "growth"
    assert not page.panel.showing_key


@pytest.mark.parametrize(
    ("typed", "tags", "problem"),
    [
        ("", (), None),
        (" team:a , team:a, beta ", ("team:a", "beta"), None),
        ("url:http://x", ("url:http://x",), None),
        ("team:", ("team:",), "“team:” is half a tag"),
        (":a", (":a",), "“:a” is half a tag"),
        ("a|b", ("a|b",), "cannot contain |"),
        ("!x", ("!x",), "cannot contain |"),
        ("a\tb", ("a\tb",), "control characters"),
        ("x" * 129, ("x" * 129,), "at most 128 characters"),
        (",".join(f"t{n}" for n in range(33)), tuple(f"t{n}" for n in range(33)), "at most 32 tags"),
    ],
)
def test_tags_as_they_are_typed(typed: str, tags: tuple[str, ...], problem: str | None) -> None:
    found, told = parse_tags(typed)
    assert found == tags
    assert (told is None) == (problem is None)
    assert problem is None or problem in str(told)


def test_wrong_tags_are_told_while_typing(page: ApiKeysPage, qtbot: QtBot) -> None:
    click(qtbot, page.create_button)
    qtbot.waitUntil(page.panel.isVisible)
    form = page.panel.form
    qtbot.keyClicks(form.name, "x")
    assert form.make.isEnabled()
    qtbot.keyClicks(form.tags, "team:")
    assert form.problem.isVisible() and not form.make.isEnabled()
    qtbot.keyClicks(form.tags, "a")
    assert not form.problem.isVisible() and form.make.isEnabled()


def test_revoking_asks_with_its_consequence(
    page: ApiKeysPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    assert not page.revoke_button.isEnabled()
    qtbot.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(30, ROW_HEIGHT + 5))
    click(qtbot, page.revoke_button)
    box = page.findChild(QMessageBox, "confirm_revoke")
    assert "support" in box.text() and "last used 1 h ago" in box.informativeText()
    press(page, "Keep it", qtbot)
    turns.run()
    assert "revoke_api_key" not in gateway.calls
    qtbot.waitUntil(lambda: page.findChild(QMessageBox, "confirm_revoke") is None)
    click(qtbot, page.revoke_button)
    press(page, "Revoke", qtbot)
    turns.run()
    assert [row.name for row in gateway.keys if row.revoked_us is not None] == ["support", "ci"]
    assert cells(page, 1)[8] == "Revoked"
    assert page.model.rowCount() == 4, "the row stays"
    assert not page.revoke_button.isEnabled(), "what is revoked cannot be revoked again"


def test_the_consequence_names_the_last_use() -> None:
    row = ApiKeyRow(id="k", name="n", prefix="tk_ab12", role="read", user=None, tags=(), created_us=0)
    assert revoke_consequence(row, 10).startswith("It was never used.")
    assert "an answer that is under way goes on to its end" in revoke_consequence(row, 10)
    used = msgspec.structs.replace(row, last_used_us=1_000_000)
    assert revoke_consequence(used, 241_000_000).startswith("It was last used 4 min ago.")


def test_the_selection_outlives_a_refresh(page: ApiKeysPage, turns: Turns) -> None:
    page.view.selectRow(3)
    refresh(page, turns)
    assert page.view.selected_ranges() == [(3, 3)]
    assert page.revoke_button.isEnabled()


def test_the_table_is_exported(
    page: ApiKeysPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns, tmp_path: Path
) -> None:
    click(qtbot, page.export_button)
    dialog = page.findChild(QFileDialog, "api_keys_export_file")
    with qtbot.waitSignal(page.context.shell.saved) as saved:
        dialog.fileSelected.emit(str(tmp_path / "keys.csv"))
        turns.run()
    dialog.close()
    with (tmp_path / "keys.csv").open(encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["Name", "Key", "Role", "Tags", "User", "Created", "Last used", "Requests, 7d", "State"]
    assert [line[0] for line in lines[1:]] == [row.name for row in gateway.keys]
    assert lines[4][6] == ""
    assert saved.args == ["Exported 4 rows", tmp_path]


def test_an_export_that_fails_says_so(page: ApiKeysPage, turns: Turns, tmp_path: Path) -> None:
    turns(page.export_to(tmp_path / "no" / "keys.csv"))
    with pytest.raises(
        FaregateError, match=r"keys.csv cannot be written \(No such file or directory\): choose another"
    ):
        turns.run()


def test_a_row_is_copied(page: ApiKeysPage, qtbot: QtBot) -> None:
    page.view.setFocus()
    page.view.selectRow(0)
    qtbot.keyClick(page.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().splitlines()[1].startswith("growth\ttk_grow\texecute")


def test_no_keys_offers_to_make_one(page: ApiKeysPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns) -> None:
    gateway.keys = []
    subtitles = QSignalSpy(page.subtitle)
    refresh(page, turns)
    assert page.empty.isVisible() and subtitles.at(0) == ["0 active"]
    assert not page.export_button.isEnabled()
    page.start_export()
    assert page.findChild(QFileDialog, "api_keys_export_file") is None
    gateway.keys = FakeGateway(0, now_us=NOW_US).keys
    refresh(page, turns)
    assert page.table.isVisible() and subtitles.at(1) == ["3 active, 1 revoked"]
    assert page.export_button.isEnabled()
    gateway.keys = []
    refresh(page, turns)
    page.empty.action.emit()
    qtbot.waitUntil(page.drawer.isVisible)


def test_an_error_is_told_and_can_be_retried(page: ApiKeysPage, gateway: FakeGateway, turns: Turns) -> None:
    gateway.fails = "The database is locked; close what holds it."
    refresh(page, turns)
    assert page.banner.isVisible() and page.banner.text() == gateway.fails
    assert page.model.rowCount() == 4
    gateway.fails = None
    page.banner.action.emit()
    turns.run()
    assert not page.banner.isVisible()


def test_everything_has_a_name(page: ApiKeysPage, qtbot: QtBot, turns: Turns) -> None:
    click(qtbot, page.create_button)
    qtbot.waitUntil(page.panel.isVisible)
    assert unnamed(page) == []
    create(page, qtbot, turns)
    assert unnamed(page) == []


def test_both_themes(page: ApiKeysPage, theme: Theme, qtbot: QtBot) -> None:
    click(qtbot, page.create_button)
    qtbot.waitUntil(page.panel.isVisible)
    qtbot.waitUntil(page.drawer.findChild(Curtain).isHidden)  # type: ignore[union-attr]
    light = page.grab().toImage()
    theme.set_mode("dark")
    dark = page.grab().toImage()
    theme.set_mode("light")
    for x in (100, 1000):
        assert light.pixelColor(x, 750).lightness() > 200 > 60 > dark.pixelColor(x, 750).lightness()


def test_all_columns_stand_in_the_smallest_window(page: ApiKeysPage, qtbot: QtBot) -> None:
    """1024 px without the narrow sidebar."""
    page.resize(968, 600)
    qtbot.waitUntil(lambda: page.view.width() < 930)
    qtbot.waitUntil(lambda: page.view.horizontalScrollBar().maximum() == 0)
    state = page.view.columnViewportPosition(len(page.model.columns) - 1)
    assert 0 < state < page.view.viewport().width() - 60
