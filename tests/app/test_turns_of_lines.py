"""Lines that are told, laid out, shown and painted each take a turn of their own, also where no widget is made."""

from collections.abc import Iterator
from types import SimpleNamespace

import msgspec
import pytest
from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.context import AppContext
from app.menu_below import open_below
from app.pages.connect import ConnectPage
from app.pages.connect_parts import code_block
from app.pages.conversations_parts.blocks import told
from app.pages.conversations_parts.costs import whole_of
from app.pages.conversations_parts.facts import facts_of
from app.pages.conversations_parts.inspector import WIDTH, Inspector
from app.pages.conversations_parts.spans import rows_of
from app.pages.requests_parts import panel as panel_module
from app.pages.requests_parts.body import RequestBody
from app.pages.requests_parts.headers import HEADERS
from app.pages.requests_parts.panel import RequestPanel
from app.pages.requests_parts.request_details import ATTEMPTS, SUMMARY, RequestDetails
from app.parts import in_turns
from app.parts.in_turns import ALONE, InTurns
from app.theme import Theme
from app.widgets import Banner, Curtain, Drawer
from app.widgets.curtain import USUAL
from tests.app.fake_gateway import NOW_US
from tests.app.fake_threads import plain_thread
from tests.app.test_requests import RECORD, UNEXPLAINED
from tests.app.test_short_slots import Painted
from tests.app.test_thread_slots import Updates
from tests.app.test_thread_view import said

ROWS = [msgspec.structs.replace(RECORD, id=f"req_{n}", app="a" * (n % 2)) for n in range(4)]


@pytest.mark.parametrize(
    ("first_s", "tells", "expected"),
    [(0.0002, ALONE, 2), (0.0005, ALONE, 1), (0.002, None, 2), (0.004, None, 1)],
    ids=["a long one begins early", "and no later", "another one also late", "and none after the time"],
)
def test_what_takes_long_is_not_begun_late_in_a_turn(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, first_s: float, tells: bool | None, expected: int
) -> None:
    clock, taken = 0.0, 0

    def steps() -> Iterator[bool | None]:
        nonlocal clock, taken
        taken, clock = 1, clock + first_s
        yield tells
        taken = 2

    monkeypatch.setattr(in_turns, "BUDGET_S", 0.003)
    monkeypatch.setattr(in_turns, "time", SimpleNamespace(perf_counter=lambda: clock))
    turns = InTurns(qapp)
    turns.begin(steps(), 0.0)
    assert taken == expected
    assert turns._timer.isActive() == (expected == 1)
    turns.go_on()
    assert taken == 2


@pytest.fixture
def panel(qtbot: QtBot, theme: Theme) -> RequestPanel:
    made = RequestPanel(theme)
    qtbot.addWidget(made)
    made.resize(420, 800)
    with qtbot.waitExposed(made):
        made.show()
    for row in ROWS[:2]:
        made.show_record(row, str.title, UNEXPLAINED)
    uncovered(qtbot, made)
    return made


def uncovered(qtbot: QtBot, widget: QWidget) -> None:
    for curtain in widget.findChildren(Curtain):
        qtbot.waitUntil(curtain.isHidden)
    QTest.qWait(1)


def test_lines_that_are_kept_are_told_laid_out_and_shown_each_in_its_turn(
    panel: RequestPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_turns, "BUDGET_S", -1.0)
    panel.show_record(ROWS[2], str.title, UNEXPLAINED)
    kept, seen = panel.body, []
    assert kept is not None and kept.complete and kept.isHidden()
    laid: list[QWidget] = []
    lay_out = panel_module.lay_out_hidden
    monkeypatch.setattr(panel_module, "lay_out_hidden", lambda body, *size: (laid.append(body), lay_out(body, *size)))
    while kept.isHidden():
        panel.turns.go_on()
        seen.append((len(laid), kept.isHidden()))
    # Those before go in a turn of their own.
    assert seen[-4:] == [(0, True), (1, True), (1, True), (1, False)]


class PaintedTogether(QObject):
    """How many of what is in a widget are painted with each update of its window from now on."""

    def __init__(self, widget: QWidget, kind: type[QWidget] = QLabel) -> None:
        super().__init__(widget)
        # Whatever the paints before have taught.
        for curtain in widget.window().findChildren(Curtain):
            curtain._most = USUAL
        self.turns: list[int] = []
        self._window = widget.window()
        for each in (self._window, *widget.findChildren(kind)):
            each.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() == QEvent.Type.UpdateRequest:
            self.turns.append(0)
        elif event.type() == QEvent.Type.Paint and watched is not self._window and self.turns:
            self.turns[-1] += 1
        return False


@pytest.mark.parametrize("number", [3, 2], ids=["of the same lines", "of others"])
def test_another_request_is_painted_in_turns(qtbot: QtBot, panel: RequestPanel, number: int) -> None:
    painted = PaintedTogether(panel)
    panel.show_record(ROWS[number], str.title, UNEXPLAINED)
    uncovered(qtbot, panel)
    assert sum(painted.turns) > 20 and max(painted.turns) <= USUAL


@pytest.fixture
def window(qtbot: QtBot, panel: RequestPanel) -> Iterator[QWidget]:
    """Around the panel."""
    made = QWidget()
    qtbot.addWidget(made)
    QVBoxLayout(made).addWidget(panel)
    made.resize(420, 400)
    made.show()
    yield made
    panel.setParent(None)


def test_a_request_that_is_opened_is_painted_in_turns(qtbot: QtBot, panel: RequestPanel, window: QWidget) -> None:
    window.resize(420, 800)
    panel.hide()
    QTest.qWait(1)
    painted = PaintedTogether(panel)
    panel.show()
    uncovered(qtbot, panel)
    assert sum(painted.turns) > 20 and max(painted.turns) <= USUAL


def test_lines_that_are_shown_again_come_in_a_turn_after_all_else(
    qtbot: QtBot, panel: RequestPanel, window: QWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the drawer around them they were eighty widgets in one turn."""
    monkeypatch.setattr(in_turns, "BUDGET_S", panel_module.BUDGET_S)
    uncovered(qtbot, panel)
    body, bar = panel.body, panel.verticalScrollBar()
    assert body is not None and bar.maximum() > 50
    bar.setValue(50)
    panel.hide()
    panel.show()
    assert body.isHidden() and not panel._curtain.isHidden(), "what stood there stays until they come"
    qtbot.waitUntil(body.isVisible)
    uncovered(qtbot, panel)
    assert bar.value() == 50


def test_lines_stay_where_their_window_goes_for_a_while(panel: RequestPanel) -> None:
    """An active window gives the keyboard to another one where what had it is not there yet."""
    panel.hide()
    assert panel.body is not None and not panel.body.isHidden()
    panel.show()
    assert panel.body.isVisible()


def test_a_tab_that_is_clicked_opens_in_the_next_turn(qtbot: QtBot, context: AppContext) -> None:
    details = RequestDetails(context)
    qtbot.addWidget(details)
    details.show()
    details.show_record(RECORD, str.title, UNEXPLAINED)
    details.tabs[ATTEMPTS].click()
    assert details.tabs[ATTEMPTS].isChecked() and details.stack.currentWidget() is details.panel
    qtbot.waitUntil(lambda: details.stack.currentWidget() is not details.panel)


@pytest.mark.parametrize("left", [False, True], ids=["beside its button", "and not where that is gone"])
def test_a_menu_opens_in_the_turn_after_that_in_which_it_is_made(qtbot: QtBot, left: bool) -> None:
    button = QPushButton("Columns")
    qtbot.addWidget(button)
    button.show()
    menu = QMenu(button)
    menu.addAction("Door")
    open_below(menu, button)
    assert menu.isHidden()
    if left:
        button.hide()
        qtbot.waitUntil(lambda: not isValid(menu))
    else:
        qtbot.waitUntil(menu.isVisible)
        menu.close()


def test_two_clicks_in_one_turn_open_one_menu(qtbot: QtBot) -> None:
    button = QPushButton("Columns")
    qtbot.addWidget(button)
    button.show()
    menus = [QMenu(button) for _ in range(2)]
    for menu in menus:
        menu.addAction("Door")
        open_below(menu, button)
    qtbot.waitUntil(lambda: not isValid(menus[1]))
    assert menus[0].isVisible()
    menus[0].close()


@pytest.mark.parametrize("tab", [SUMMARY, HEADERS])
def test_lines_beside_an_edge_that_can_be_dragged_move_as_they_were_painted(
    qtbot: QtBot, context: AppContext, tab: str
) -> None:
    """Under that edge all of them were painted anew with each notch of the wheel."""
    drawer, details = Drawer(context.theme), RequestDetails(context)
    drawer.let_widen(context.shell.preferences, "request")
    drawer.set_content(details)
    qtbot.addWidget(drawer)
    drawer.resize(420, 300)
    drawer.open()
    details.show_record(RECORD, str.title, UNEXPLAINED)
    many = tuple(said(f"Answer {number}", f"m{number}.0") for number in range(40))
    details._headers = many, ""
    details.show_tab(tab)
    area = details.panel if tab == SUMMARY else details.view
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 100)
    uncovered(qtbot, drawer)
    qtbot.waitUntil(drawer._shield.isHidden)
    painted = Painted(area.viewport() if tab == HEADERS else details.panel.body)
    bar.setValue(30)
    QTest.qWait(20)
    assert painted.parts and all(part.height() <= 40 for part in painted.parts), painted.parts


def test_lines_that_are_laid_out_ahead_are_not_laid_out_again_when_they_are_shown(
    qtbot: QtBot, panel: RequestPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[QSize] = []
    lay_out = panel_module.lay_out_hidden

    def noted(body: QWidget, *size: int) -> None:
        lay_out(body, *size)
        laid.append(body.size())

    monkeypatch.setattr(panel_module, "lay_out_hidden", noted)
    panel.show_record(ROWS[2], str.title, UNEXPLAINED)
    uncovered(qtbot, panel)
    assert panel.body is not None and laid == [panel.body.size()]
    # In a panel that has more room than they need, too.
    panel.resize(420, 2000)
    panel.show_record(ROWS[3], str.title, UNEXPLAINED)
    uncovered(qtbot, panel)
    assert laid[1:] == [panel.body.size()]


def test_lines_that_are_let_go_paint_nothing(qtbot: QtBot, panel: RequestPanel) -> None:
    rows = [msgspec.structs.replace(RECORD, app="a" * (n & 1), end_user="u" * (n & 2)) for n in range(4)]
    for row in rows:
        panel.show_record(row, str.title, UNEXPLAINED)
        uncovered(qtbot, panel)
    kept = list(panel._shapes)
    assert len(kept) == 4
    painted = Painted(panel._holder)
    panel._shapes.of("another", lambda: RequestBody(panel._theme, RECORD, [], panel._holder), panel.palette())
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    assert sum(isValid(body) for body in kept) == 3 and painted.parts == []


def test_lines_for_what_is_not_open_come_in_a_turn_after_its_opening(
    qtbot: QtBot, panel: RequestPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_turns, "BUDGET_S", panel_module.BUDGET_S)
    before = panel.body
    panel.hide()
    panel.show_record(ROWS[2], str.title, UNEXPLAINED)
    panel.show()
    assert panel.body is not before and panel.body is not None and panel.body.isHidden()
    assert before is not None and before.isHidden(), "what is opened shows nothing of another request"
    qtbot.waitUntil(lambda: panel.body is not None and panel.body.isVisible())


def test_what_went_well_has_no_place_for_a_cause(panel: RequestPanel) -> None:
    assert panel.findChildren(Banner) == []


def test_the_pane_of_another_conversation_is_painted_in_turns(qtbot: QtBot, theme: Theme) -> None:
    pane = Inspector(theme)
    qtbot.addWidget(pane)
    pane.resize(WIDTH, 800)
    with qtbot.waitExposed(pane):
        pane.show()
    threads = [plain_thread(number, NOW_US, turns=12) for number in (1, 2)]
    rows = [rows_of(thread, told(thread, {}).steps) for thread in threads]
    pane.show_costs(whole_of(threads[0].row))
    pane.show_rows(rows[0], 0)
    uncovered(qtbot, pane)
    together = Updates(pane, {"costs": pane.cost, "timeline": pane.waterfall})
    pane.begin_another()
    pane.show_costs(whole_of(threads[1].row))
    pane.show_rows(rows[1], 0)
    # What is known of its step comes meanwhile, below both.
    call = next(row for row in rows[1] if row.role == "inference")
    pane.show_facts(facts_of(call, threads[1].turns[0], NOW_US, str))
    uncovered(qtbot, pane)
    first, *later = [set(names) for names in together.together if names]
    assert first == {"costs"} and later and all(names == {"timeline"} for names in later)


def test_what_is_known_of_another_step_is_painted_in_turns(qtbot: QtBot, theme: Theme) -> None:
    pane = Inspector(theme)
    qtbot.addWidget(pane)
    pane.resize(WIDTH, 800)
    with qtbot.waitExposed(pane):
        pane.show()
    thread = plain_thread(1, NOW_US, turns=2)
    rows = rows_of(thread, told(thread, {}).steps)
    pane.show_costs(whole_of(thread.row))
    pane.show_rows(rows, 0)
    uncovered(qtbot, pane)
    call = next(row for row in rows if row.role == "inference")
    facts = facts_of(call, thread.turns[0], NOW_US, str)
    for each in (facts, None):
        pane.show_facts(each)
        uncovered(qtbot, pane)
    above = [Painted(part) for part in (pane.cost, pane.waterfall)]
    painted = PaintedTogether(pane.facts)
    pane.show_facts(facts)
    uncovered(qtbot, pane)
    assert sum(painted.turns) > USUAL >= max(painted.turns)
    assert [each.parts for each in above] == [[], []]


def test_another_tool_is_painted_in_turns(qtbot: QtBot, context: AppContext) -> None:
    page = ConnectPage(context)
    for control in page.header_controls():
        control.setParent(page)
    qtbot.addWidget(page)
    page.resize(1220, 840)
    with qtbot.waitExposed(page):
        page.show()
    page.list.choose("codex")
    uncovered(qtbot, page)
    painted = PaintedTogether(page.view, QWidget)
    page.list.choose("curl")
    uncovered(qtbot, page)
    # A piece weighs as much as so many labels; a text to copy is not cut.
    assert max(painted.turns) <= USUAL + 4 < 25 < sum(painted.turns)


def test_lines_of_a_snippet_are_measured_when_they_are_others(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    class Measured(QFontMetrics):
        def horizontalAdvance(self, text: str) -> int:  # type: ignore[override]
            measured.append(text)
            return super().horizontalAdvance(text)

    monkeypatch.setattr(code_block, "QFontMetrics", Measured)
    view = code_block.CodeView()
    qtbot.addWidget(view)
    view.show()
    view.show_text("one\nanother line")
    height = view.height()
    view.show_text("one\nanother line")
    view.resize(60, height)
    assert measured == ["one", "another line"]
    assert view.maximumHeight() > height, "room for the bar"
