"""Ctrl+K and F1: everything can be found by its name and worked by keys, and the sheet tells all of them."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QImage, QKeySequence, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QLineEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterSnapshot
from app.pages import PAGES
from app.pages.compare import ComparePage
from app.pages.connect import ConnectPage
from app.pages.connect_parts.tools import TOOLS
from app.pages.conversations import ConversationsPage
from app.pages.models import ModelsPage
from app.pages.page import PartTarget
from app.pages.settings import SettingsPage
from app.pages.settings_parts.data_sections import program_version
from app.pages.settings_parts.line import Line, LineCard
from app.pages.settings_parts.table import SECTIONS
from app.palette import Command, CommandDelegate, Names, Palette, found
from app.shortcut_sheet import KeyLine, ShortcutSheet
from app.shortcuts import SHORTCUTS
from app.tables.laid_texts import Face, Laid, LaidTexts
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import SearchField
from app.window import DESIGN_SIZE, Window
from gateway import TagCondition
from tests.app.accessible import unnamed
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.fake_threads import plain_thread
from tests.waiting import until


@pytest.fixture
def window(qtbot: QtBot, context: AppContext, tmp_path: Path) -> Window:
    made = Window(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    made.resize(*DESIGN_SIZE)
    qtbot.addWidget(made, before_close_func=lambda window: setattr(window, "_may_close", True))
    made.show()
    made.start_pages()
    with qtbot.waitActive(made):
        made.activateWindow()
    return made


def press(qtbot: QtBot, widget: QWidget, keys: str) -> None:
    combination = QKeySequence(keys)[0]
    qtbot.keyClick(widget, combination.key(), combination.keyboardModifiers())


@pytest.fixture
def palette(qtbot: QtBot, window: Window) -> Palette:
    press(qtbot, window, "Ctrl+K")
    made = window.findChild(Palette)
    assert made is not None
    qtbot.waitUntil(made.isVisible)
    return made


def texts(palette: Palette) -> list[str]:
    return [command.text for command in palette.commands()]


def command(text: str, act: Callable[[], object] = lambda: None) -> Command:
    return Command(text=text, kind="Page", icon="list", act=act)


def test_what_begins_with_the_words_comes_first() -> None:
    every = [command(text) for text in ("My requests", "Requests", "Request a key", "Keys for requests", "Other")]
    assert [each.text for each in found(every, "Request")] == [
        "Requests",
        "Request a key",
        "My requests",
        "Keys for requests",
    ]
    assert [each.text for each in found(every, "key requ")] == ["Request a key", "Keys for requests"]
    assert [each.text for each in found(every, "")] == [each.text for each in every]
    assert found(every, "nothing") == []


def test_a_word_that_begins_so_comes_before_one_that_only_holds_it() -> None:
    port = replace(command("Gateway"), words="Settings Address Port")
    report = replace(command("About"), words="Settings Report for a bug")
    every = [command("Export"), command("Tickets of the port"), report, port]
    assert [each.text for each in found(every, "port")] == ["Tickets of the port", "Gateway", "Export", "About"]
    assert [each.text for each in found(every, "settings gate")] == ["Gateway"]


def tag_names(texts: list[str]) -> Names:
    return Names.of(texts, lambda place: command(texts[place]))


def test_names_stand_among_commands_behind_those_that_are_found_in_the_same_way() -> None:
    names = tag_names(["filter: team:port", "Portal", "filter: port:a", "a filter of a port", "support"])
    every = [command("Export"), command("The port"), command("Ports")]
    shown = ["Ports", "Portal", "The port", "filter: port:a", "a filter of a port", "Export", "filter: team:port"]
    assert [each.text for each in found(every, "port", names)] == [*shown, "support"]
    assert [each.text for each in found(every, "port filter", names)] == [
        "filter: team:port",
        "filter: port:a",
        "a filter of a port",
    ]
    assert [each.text for each in found([command("One")], "", names)] == ["One", *names.texts]
    assert len(found([command(f"{number}") for number in range(50)], "", tag_names(["tag"] * 50))) == 60


def test_of_thousands_of_names_a_command_is_made_of_those_on_show_alone() -> None:
    """Those of all were garbage to collect, and to let go of, for ten milliseconds each."""
    made: list[int] = []

    def make(place: int) -> Command:
        made.append(place)
        return command(f"filter: customer:acme-{place}")

    names = Names.of([f"filter: customer:acme-{number}" for number in range(10_000)], make)
    for typed in ("c", "acme", "acme cust", "no such", ""):
        made.clear()
        assert len(found((), typed, names)) == len(made) <= 60, typed


def test_a_saved_view_opens_on_the_overview(qtbot: QtBot, window: Window) -> None:
    reviews = FilterSnapshot(range_key="12m", tags=(TagCondition(any_of=("feature:code-review",)),), split="tag:team")
    window.context.shell.views.save("Reviews by team", reviews)
    window.open_page("settings")
    press(qtbot, window, "Ctrl+K")
    opened = window.findChild(Palette)
    assert opened is not None
    opened.search.setText("reviews")
    assert texts(opened) == ["view: Reviews by team"]
    qtbot.keyClick(opened, Qt.Key.Key_Return)
    assert window.page is not None and window.page.key == "overview"
    assert window.context.filters.snapshot() == reviews


def test_pages_and_actions_are_offered_at_once(palette: Palette) -> None:
    offered = texts(palette)
    assert offered[: len(PAGES)] == [entry.title for entry in PAGES]
    kinds = {each.text: each.kind for each in palette.commands()}
    assert (kinds["Refresh"], kinds["Copy the endpoint"], kinds["Overview"]) == ("Ctrl+R", "Action", "Page")
    assert "Find anything" not in offered
    assert unnamed(palette) == []


@pytest.mark.parametrize(
    ("typed", "first", "kind", "title"),
    [
        ("appear", "Appearance", "Settings", "Settings"),
        ("settings data", "Data", "Settings", "Settings"),
        ("sealed file", "Provider keys", "Settings", "Settings"),
        ("bill", "Bill", "Models & prices", "Models & prices"),
        ("re-pric", "Re-pricing", "Models & prices", "Models & prices"),
        ("ratings", "Ratings and history", "Compare", "Compare"),
        ("claude c", "Claude Code", "Connect", "Connect"),
    ],
)
def test_a_part_of_a_page_is_opened_by_typing(
    typed: str, first: str, kind: str, title: str, qtbot: QtBot, window: Window, palette: Palette
) -> None:
    qtbot.keyClicks(palette.search, typed)
    qtbot.waitUntil(lambda: texts(palette)[:1] == [first])
    assert palette.commands()[0].kind == kind
    press(qtbot, palette.search, "Return")
    assert window.header.title.text() == title
    page = window.page
    match page:
        case SettingsPage():
            qtbot.waitUntil(lambda: page.buttons[page.section].text() == first)
            assert page.buttons[page.section].isChecked()
        case ModelsPage():
            qtbot.waitUntil(lambda: page.section.segment(page.section.current).text() == first)
            qtbot.waitUntil(lambda: page.sections.currentWidget() in (page._bill, page._repricing))
        case ComparePage():
            qtbot.waitUntil(lambda: page.history is not None and page.history.isVisible())
        case ConnectPage():
            assert page.view.tool is not None and page.view.tool.title == first
        case _:
            pytest.fail(f"{title} is no page with parts")


def test_every_part_that_a_page_has_is_found(qtbot: QtBot, window: Window, palette: Palette) -> None:
    offered = {(each.kind, each.text) for each in palette._commands}
    window.open_page("models")
    models = window.page
    assert isinstance(models, ModelsPage)
    tabs = [button.text() for button in models.section.findChildren(QAbstractButton)]
    assert tabs and {("Models & prices", tab) for tab in tabs} <= offered
    assert {("Connect", tool.title) for tool in TOOLS} <= offered
    window.open_page("settings")
    settings = window.page
    assert isinstance(settings, SettingsPage)
    lost = []
    shipped = ("Inter", "JetBrains Mono", "Lucide", "Qt, PySide6", f"Faregate {program_version()}")
    for key, button in settings.buttons.items():
        settings.open_section(key)
        lines = [line.title.text() for line in settings.views[key].findChildren(Line)]
        for title in filter(None, (button.text(), *lines)):
            led_to = [each.text for each in found(palette._commands, title) if each.kind == "Settings"]
            lost += [] if button.text() in led_to else [(button.text(), title)]
    # Words that say nothing by themselves, and names of what is shipped.
    assert {title for _, title in lost} <= {"Total", "Format", "What", "Days", *shipped}


def test_what_a_section_is_found_by_stands_in_it(qtbot: QtBot, window: Window) -> None:
    window.open_page("settings")
    page = window.page
    assert isinstance(page, SettingsPage)
    missing = []
    for section in SECTIONS:
        page.open_section(section.key)
        view = page.views[section.key]
        shown = {each.title.text() for kind in (Line, LineCard) for each in view.findChildren(kind)}
        missing += [title for title in section.holds.values() if title not in shown]
    # One of three at a time; where there is a demo; where a start at login can be set.
    kept = {"In the system's keyring", "In a sealed file", "In memory until quit"}
    assert set(missing) <= {*kept, "Example data", "Start at login"}


def test_a_tool_is_opened_where_a_search_has_left_it_out(qtbot: QtBot, window: Window) -> None:
    window.open_page("connect")
    page = window.page
    assert isinstance(page, ConnectPage)
    page.list.search.setText("codex")
    window.navigate("connect", PartTarget("curl"))
    assert page.view.tool is not None and page.view.tool.key == "curl" and page.list.search.text() == ""


def test_a_page_is_opened_by_typing(qtbot: QtBot, window: Window, palette: Palette) -> None:
    qtbot.keyClicks(palette.search, "api")
    assert texts(palette)[0] == "API keys"
    press(qtbot, palette.search, "Return")
    assert (window.header.title.text(), palette.isVisible()) == ("API keys", False)


def test_a_theme_is_chosen_by_typing(qtbot: QtBot, window: Window, palette: Palette) -> None:
    assert window.context.theme.mode != "dark"
    qtbot.keyClicks(palette.search, "dark")
    assert texts(palette)[0] == "Theme: Dark"
    press(qtbot, palette.search, "Return")
    assert window.context.theme.mode == "dark"


def test_arrows_choose_and_esc_leaves_everything_as_it_is(qtbot: QtBot, window: Window, palette: Palette) -> None:
    before = window.header.title.text()
    for keys, row in (("Down", 1), ("Down", 2), ("Up", 1), ("Up", 0), ("Up", palette.list.count() - 1), ("Down", 0)):
        press(qtbot, palette.search, keys)
        assert palette.list.currentRow() == row
    press(qtbot, palette.search, "PgDown")
    assert palette.list.currentRow() > 5
    press(qtbot, palette.search, "Escape")
    assert (palette.isVisible(), window.header.title.text()) == (False, before)


def test_a_click_runs_an_action(qtbot: QtBot, window: Window, palette: Palette) -> None:
    qtbot.keyClicks(palette.search, "sidebar")
    item = palette.list.item(0)
    assert item is not None
    where = palette.list.visualItemRect(item).center()
    qtbot.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert window.sidebar.narrow


def test_a_model_leads_to_its_requests_and_back(
    qtbot: QtBot, window: Window, palette: Palette, context: AppContext
) -> None:
    qtbot.keyClicks(palette.search, "gemini-3-pro")
    assert palette.commands()[0].kind == "Model"
    press(qtbot, palette.search, "Return")
    assert window.header.title.text() == "Requests"
    assert context.filters.dimensions == {"model": ("gemini-3-pro",)}
    window.go_back()
    assert context.filters.dimensions == {}


def test_a_tag_is_added_to_the_filters(qtbot: QtBot, palette: Palette, context: AppContext) -> None:
    context.filters.restore(FilterSnapshot(dimensions={"model": ("o3",)}))
    qtbot.waitUntil(lambda: any(text.startswith("filter: ") for text in _all(palette)))
    for tag in ("team:platform", "team:platform", "team:growth"):
        each = next(each for each in found((), tag, palette._names) if each.text == f"filter: {tag}")
        each.act()
    assert context.filters.tags == (TagCondition(("team:platform", "team:growth")),)
    assert context.filters.dimensions == {"model": ("o3",)}


def test_a_tag_that_few_requests_have_is_found_among_thousands(
    qtbot: QtBot, window: Window, palette: Palette, fake_gateway: FakeGateway
) -> None:
    palette.close()
    seldom = msgspec.structs.replace(fake_gateway.rows[0], tags=("customer:seldom",))
    often = (f"customer:c{number}" for number in range(2_000))
    several = [msgspec.structs.replace(seldom, tags=(tag,)) for tag in often for _ in range(2)]
    fake_gateway.rows = [*several, seldom]
    window.open_palette()
    qtbot.waitUntil(lambda: len(_all(palette)) > 2_000)
    qtbot.keyClicks(palette.search, "seldom")
    assert [each.text for each in palette.commands()] == ["filter: customer:seldom"]


def test_a_conversation_is_not_behind_thousands_of_tags(
    qtbot: QtBot, window: Window, palette: Palette, fake_gateway: FakeGateway
) -> None:
    palette.close()
    assert _all(palette) == [], "nothing is kept for a palette that is closed"
    row = fake_gateway.rows[0]
    fake_gateway.rows = [msgspec.structs.replace(row, tags=(f"customer:c{number}",)) for number in range(200)]
    told = plain_thread(1, NOW_US)
    fake_gateway.told = [
        msgspec.structs.replace(told, row=msgspec.structs.replace(told.row, title="A customer left"))
    ]
    window.open_palette()
    qtbot.waitUntil(lambda: len(_all(palette)) > 200)
    qtbot.keyClicks(palette.search, "customer")
    assert palette.commands()[0].text.startswith("A customer left")


def _all(palette: Palette) -> list[str]:
    return [*(each.text for each in palette._commands), *palette._names.texts]


def test_a_conversation_is_opened_by_its_title(
    qtbot: QtBot, window: Window, palette: Palette, fake_gateway: FakeGateway
) -> None:
    palette.close()
    fake_gateway.told = [plain_thread(number, NOW_US) for number in range(40)]
    window.open_palette()
    offered = [each for each in palette._commands if each.kind == "Conversation"]
    newest = sorted((thread.row for thread in fake_gateway.told), key=lambda row: -row.ended_us)[:30]
    assert [each.text.split(" · ")[0] for each in offered] == [row.title for row in newest]
    title = newest[0].title
    qtbot.keyClicks(palette.search, title[:30])
    press(qtbot, palette.search, "Return")
    assert window.header.title.text() == "Conversations"
    page = window.page
    assert isinstance(page, ConversationsPage)
    shown = page.thread_pane.thread_shown
    assert shown is not None and (shown.row.title or shown.row.id) == title


@pytest.mark.parametrize(("height", "rows"), [(488, 9), (900, 11)])
def test_the_palette_ends_within_a_low_window(
    qtbot: QtBot, window: Window, palette: Palette, height: int, rows: int
) -> None:
    """At 150 % on 768 px the last of what it had found was below the screen."""
    palette.close()
    window.setMinimumHeight(height)
    window.resize(DESIGN_SIZE[0], height)
    press(qtbot, window, "Ctrl+K")
    qtbot.waitUntil(palette.isVisible)
    assert len(palette.commands()) > 11
    assert palette.geometry().bottom() < window.geometry().bottom()
    assert palette.list.viewport().height() // palette.list.sizeHintForRow(0) == rows
    press(qtbot, palette.search, "PgDown")
    assert palette.list.currentRow() == rows - 1


def test_what_the_gateway_cannot_say_is_left_out(
    qtbot: QtBot, window: Window, fake_gateway: FakeGateway, palette: Palette
) -> None:
    palette.close()
    fake_gateway.fails = "usage.db cannot be used."
    window.open_palette()
    assert not any(text.startswith("filter: ") for text in _all(palette))
    qtbot.keyClicks(palette.search, "no such thing")
    assert (palette.list.isVisible(), palette.hint.isVisible()) == (False, True)


async def test_what_one_opening_asked_for_is_not_added_to_the_next(window: Window, palette: Palette) -> None:
    before = _all(palette)
    assert any(text.startswith("filter: ") for text in before)
    for _ in range(2):
        palette.close()
        window.open_palette()
    await until(lambda: len(_all(palette)) >= len(before))
    for _ in range(20):
        await asyncio.sleep(0)
    assert _all(palette) == before


def test_what_was_chosen_stays_chosen_where_better_ones_come(palette: Palette) -> None:
    palette.search.setText("key")
    chosen = palette.commands()[1]
    palette.list.setCurrentRow(1)
    palette.add([command("Keys of old"), command("A key")])
    assert palette.list.currentItem().data(Qt.ItemDataRole.UserRole) is chosen
    palette.list.setCurrentRow(0)
    palette.add([command("Key")])
    assert palette.list.currentRow() == 0, "what nobody went down from is the first"


# the sheet


@pytest.mark.parametrize(("keys", "closing"), [("F1", "F1"), ("?", "Escape"), ("Ctrl+?", "?")])
def test_the_sheet_tells_every_key(qtbot: QtBot, window: Window, keys: str, closing: str) -> None:
    window.open_page("requests")
    press(qtbot, window, keys)
    sheet = window.findChild(ShortcutSheet)
    assert sheet is not None
    qtbot.waitUntil(sheet.isVisible)
    lines = sheet.findChildren(KeyLine)
    caps = [line.keys for line in lines]
    told = {label.text() for label in sheet.findChildren(TextLabel)}
    assert {"Window", "Pages", "Requests", "Lists"} <= told
    assert {row.text for row in SHORTCUTS if row.keys} <= told
    assert {"Ctrl+K", "Ctrl+,", "Ctrl+1", "Ctrl+L", "Alt+Left"} <= set(caps)
    assert {"F1, Ctrl+?", "↑ ↓ J K", "Return, Space"} <= set(caps), "each key that does it"
    ends = {line.x(): line.geometry().bottom() for line in lines}
    assert len(ends) == 2 and abs(min(ends.values()) - max(ends.values())) <= 6 * 28, "of about the same height"
    assert unnamed(sheet) == []
    assert all(line.accessibleName() == f"{line.text()}: {line.keys}" for line in lines)
    press(qtbot, sheet, closing)
    assert not sheet.isVisible()
    made = set(sheet.findChildren(KeyLine))
    press(qtbot, window, keys)
    qtbot.waitUntil(sheet.isVisible)
    assert set(sheet.findChildren(KeyLine)) == made, "forty widgets are made anew only for other keys"
    sheet.close()
    window.open_page("overview")
    press(qtbot, window, keys)
    assert "Overview" in {label.text() for label in sheet.findChildren(TextLabel)}


def test_the_sheet_stays_within_a_low_window(qtbot: QtBot, theme: Theme) -> None:
    """A screen of 768 px where everything is shown one and a half times as large."""
    low = QWidget()
    qtbot.addWidget(low)
    low.resize(910, 485)
    low.show()
    sheet = ShortcutSheet(theme, low)
    sheet.open_over(low, {name: [("Ctrl+K", f"{name} {n}") for n in range(16)] for name in ("Window", "Pages")})
    top = low.mapFromGlobal(sheet.pos()).y()
    assert top >= 0 and top + sheet.height() <= low.height()
    last = sheet.findChildren(KeyLine)[-1]
    assert last.visibleRegion().isEmpty()
    press(qtbot, sheet, "End")
    assert not last.visibleRegion().isEmpty()
    low.resize(910, 900)
    sheet.open_over(low, {"Window": [("Ctrl+K", "Find")]})
    assert sheet.height() < 200, "as high as its lines"
    sheet.close()


def test_a_question_mark_in_a_field_is_typed(qtbot: QtBot, window: Window) -> None:
    window.open_page("requests")
    field = window.findChild(QLineEdit, "requests_filter")
    assert field is not None
    field.setFocus()
    qtbot.keyClicks(field, "why?")
    assert field.text() == "why?"
    assert window.findChild(ShortcutSheet) is None


def test_settings_have_their_own_key_and_stand_at_the_foot(qtbot: QtBot, window: Window) -> None:
    press(qtbot, window, "Ctrl+,")
    assert window.header.title.text() == "Settings"
    button = window.sidebar.buttons["settings"]
    assert (button.toolTip(), button.isChecked()) == ("Settings (Ctrl+,)", True)
    assert button.y() > window.sidebar.today.y() > window.sidebar.buttons["api_keys"].y()


# the keyboard, on every page


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


@pytest.mark.parametrize("key", [entry.key for entry in PAGES])
def test_the_pointer_is_a_hand_over_whatever_can_be_pressed(qtbot: QtBot, window: Window, key: str) -> None:
    window.open_page(key)
    if key == "overview":
        qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(QWidget, "overview.split")))
    qtbot.wait(50)
    for field in window.findChildren(SearchField):
        if field.isVisible():
            # Its cross comes with what is typed; the glass before it is no button.
            field.setText("x")
    pressed = [
        each for kind in (QAbstractButton, QComboBox) for each in window.findChildren(kind) if each.isVisible()
    ]
    other = [
        (type(each).__name__, each.objectName() or each.accessibleName())
        for each in pressed
        if each.isEnabled()
        and each.cursor().shape() != Qt.CursorShape.PointingHandCursor
        and not (isinstance(each, QToolButton) and each.x() < 20)
    ]
    assert other == []
    small = [each.objectName() for each in pressed if not isinstance(each, QToolButton) and each.height() < 24]
    assert small == [], "as high as the ring around their words"


@pytest.mark.parametrize("key", [entry.key for entry in PAGES])
def test_every_page_is_named_and_shows_where_the_keyboard_is(qtbot: QtBot, window: Window, key: str) -> None:
    """Each widget that Tab reaches looks another way with the focus than without it."""
    window.open_page(key)
    page = window.page
    assert page is not None
    qtbot.wait(50)
    assert unnamed(page) == []
    reached = 0
    for widget in window.findChildren(QWidget):
        if not (widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus):
            continue
        if widget.focusProxy() is not None or type(widget) is QWidget or _only_scrolls(widget):
            continue
        shown = widget.parentWidget() if isinstance(widget.parentWidget(), QComboBox) else widget
        assert shown is not None
        page.setFocus(Qt.FocusReason.OtherFocusReason)
        before = picture(shown)
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if not widget.hasFocus():
            continue
        reached += 1
        assert picture(shown) != before, f"{key}: {type(widget).__name__} {widget.objectName()} hides the focus"
    assert reached >= 8


@pytest.mark.parametrize("key", [entry.key for entry in PAGES])
def test_tab_goes_round_everything_on_every_page(qtbot: QtBot, window: Window, key: str) -> None:
    window.open_page(key)
    page = window.page
    assert page is not None
    qtbot.wait(50)
    wanted = {
        widget
        for widget in window.findChildren(QWidget)
        if widget.isVisible()
        and widget.isEnabled()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None
        and type(widget) is not QWidget
        and not isinstance(widget.parentWidget(), QComboBox)
        and not _only_scrolls(widget)
    }
    reached: set[QWidget] = set()
    for _ in range(3 * len(wanted)):
        widget = QApplication.focusWidget()
        assert widget is not None
        reached |= {widget, widget.parentWidget()}
        press(qtbot, widget, "Tab")
    missed = [f"{type(widget).__name__} {widget.objectName()}" for widget in wanted if not _group(widget) & reached]
    assert missed == [], "the keyboard does not get there"


def test_arrows_move_between_the_settings_sections(qtbot: QtBot, window: Window) -> None:
    window.open_page("settings")
    page = window.page
    assert isinstance(page, SettingsPage)
    page.buttons["gateway"].setFocus()
    press(qtbot, page.buttons["gateway"], "Down")
    assert page.buttons["appearance"].hasFocus()
    qtbot.waitUntil(lambda: page.section == "appearance")
    press(qtbot, page.buttons["appearance"], "Up")
    qtbot.waitUntil(lambda: page.section == "gateway")


def _group(widget: QWidget) -> set[QWidget]:
    """Of buttons that exclude each other, Tab goes to one, and arrows to the others."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    return {*group.buttons()} if group is not None and group.exclusive() else {widget}


def _only_scrolls(widget: QWidget) -> bool:
    return (isinstance(widget, QAbstractScrollArea) and type(widget).__name__ in ("QScrollArea", "SectionView")) or (
        isinstance(widget, QAbstractScrollArea) and widget.objectName().startswith("section.")
    )


def test_brackets_typed_into_a_field_move_no_range(qtbot: QtBot, window: Window, context: AppContext) -> None:
    window.open_page("requests")
    context.filters.set_range("7d")
    press(qtbot, window, "Ctrl+T")
    press(qtbot, window, "Ctrl+F")
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit), "the header has the keyboard, and the page's keys work still"
    qtbot.keyClicks(field, "[x]")
    assert (field.text(), context.filters.range_key) == ("[x]", "7d")
    window.open_page("settings")
    press(qtbot, window, "[")
    assert context.filters.range_key == "7d", "what is not on the page is not changed"


def test_a_model_that_no_list_has_is_found_where_it_was_used(
    qtbot: QtBot, window: Window, context: AppContext
) -> None:
    """A provider of one's own names models that nobody listed: the charts had them, and the palette said that there
    was nothing by that name."""
    gateway = context.gateway
    assert isinstance(gateway, FakeGateway)
    now_us = time.time_ns() // 1000
    gateway.rows.insert(0, replace(gateway.rows[0], id="new", model="house-model", started_us=now_us))
    press(qtbot, window, "Ctrl+K")
    opened = window.findChild(Palette)
    assert opened is not None
    opened.search.setText("house")
    qtbot.waitUntil(lambda: texts(opened) == ["house-model"])
    opened.search.setText(next(row.id for row in gateway.models()))
    assert len(texts(opened)) == len(set(texts(opened))), "a listed one is found once"
    opened.search.setText("house")
    qtbot.keyClick(opened, Qt.Key.Key_Return)
    assert context.filters.dimensions == {"model": ("house-model",)}
    assert window.page is not None and window.page.key == "requests"


def test_what_was_painted_is_not_laid_out_again(palette: Palette, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its list is painted when it opens and again when more is found, and its texts took half of that."""
    made: list[str] = []
    make = LaidTexts._made

    def counted(self: LaidTexts, text: str, face: Face) -> Laid:
        made.append(text)
        return make(self, text, face)

    monkeypatch.setattr(LaidTexts, "_made", counted)
    rows = palette.list.itemDelegate()
    assert isinstance(rows, CommandDelegate)
    rows._texts = LaidTexts(100)
    palette.list.viewport().repaint()
    assert {"Overview", "Page"} <= set(made)
    made.clear()
    palette.list.viewport().repaint()
    assert made == []


def test_a_cap_is_drawn_once_for_each_theme(qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty of them took most of the time in which the sheet is painted."""
    drawn: list[KeyLine] = []
    draw = KeyLine._draw

    def noted(line: KeyLine, painter: QPainter) -> None:
        draw(line, painter)
        drawn.append(line)

    monkeypatch.setattr(KeyLine, "_draw", noted)
    ground = QWidget()
    qtbot.addWidget(ground)
    line = KeyLine(theme, "Go to anything", "Ctrl+K", ground)
    line.adjustSize()
    ground.show()

    def seen() -> QImage:
        palette = ground.palette()
        palette.setColor(QPalette.ColorRole.Window, theme.color("surface"))
        ground.setPalette(palette)
        return ground.grab(line.cap()).toImage().convertToFormat(QImage.Format.Format_RGB32)

    for mode in ("dark", "light"):
        theme.set_mode(mode)
        drawn.clear()
        one, other = seen(), seen()
        assert len(drawn) == 1 and one == other
        bare = QPixmap(line.cap().size())
        bare.fill(theme.color("surface"))
        painter = QPainter(bare)
        draw(line, painter)
        painter.end()
        assert one == bare.toImage().convertToFormat(QImage.Format.Format_RGB32)
