"""The window shares its loop with the gateway: what is shown anew is done in short turns, and no more of it than must."""

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import QAbstractItemModel, QEvent, QObject, QRect, QSettings, Qt, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app import loop as loop_module
from app import window_process
from app.charts import data as chart_module
from app.charts.legend import Legend
from app.charts.plot import Plot
from app.context import AppContext
from app.filters import FilterState
from app.garbage import _SETTLED_AT, MANY, GarbageTimer
from app.loop import LONGEST_TURN_S, TURN_S, QtLoop
from app.page_stack import PageStack
from app.pages.connect import ConnectPage
from app.pages.conversations_parts.list_view import ROW_HEIGHT, ThreadList
from app.pages.conversations_parts.pictures import Pictures
from app.pages.conversations_parts.thread_view import ThreadView
from app.pages.overview import OverviewPage
from app.pages.requests import RequestsPage
from app.tables.model import ListModel
from app.tables.view import TableView
from app.theme import Theme
from app.widgets import curtain as curtain_module
from app.widgets.curtain import Curtain
from app.widgets.cutting import ROW
from app.window import DESIGN_SIZE, Window
from gateway import Changes
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.fake_threads import plain_thread
from tests.app.test_overview import now_us
from tests.app.test_tables import COLUMNS, Record
from tests.app.test_thread_view import said, settled
from tests.app.turns import Turns

USAGE = Changes(usage=True)


class Painted(QObject):
    """The rectangles of a widget that are painted from now on."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.parts: list[QRect] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.parts.append(event.rect())
        return False


class Asked(QObject):
    """Counts how often a widget is asked to lay itself out."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.times = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.times += event.type() == QEvent.Type.LayoutRequest
        return False


# the loop


@pytest.mark.parametrize(
    ("held_s", "expected_s"), [(0.001, TURN_S), (0.012, 0.024), (0.3, LONGEST_TURN_S)], ids=["short", "long", "flip"]
)
def test_callbacks_have_twice_as_long_as_qt_had_while_they_waited(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, held_s: float, expected_s: float
) -> None:
    clock = 0.0
    monkeypatch.setattr(loop_module, "time", SimpleNamespace(monotonic=lambda: clock))
    loop = QtLoop(qapp)
    asyncio.set_event_loop(loop)
    lengths: list[float] = []
    began = 0.0
    left = 160

    def callback() -> None:
        nonlocal clock, left
        clock += 0.001
        left -= 1
        if not left:
            loop.stop()

    def qt() -> None:
        nonlocal clock, began
        lengths.append(clock - began)
        clock += held_s
        began = clock

    for _ in range(left):
        loop.call_soon(callback)
    timer = QTimer(interval=0)
    timer.timeout.connect(qt)
    timer.start()
    try:
        loop.run_forever()
    finally:
        timer.stop()
        asyncio.set_event_loop(None)
        loop.close()
    # What stands before the first turn, and what the last one left off, are no whole turns.
    whole = [length for length in lengths if length]
    assert whole[0] == pytest.approx(TURN_S), "nothing waited for Qt yet"
    # The callback that is begun last ends its turn.
    assert whole[1:-1] and whole[1:-1] == pytest.approx([expected_s] * len(whole[1:-1]), abs=0.0011)


# pieces


def test_where_a_piece_takes_long_there_are_more_of_them_the_next_time(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    under = QWidget()
    qtbot.addWidget(under)
    under.resize(200, 12 * 2 * ROW)
    for number in range(12):
        QWidget(under).setGeometry(0, number * 2 * ROW, 200, 2 * ROW)
    under.show()
    took_ms = [10.0]
    clock = count()
    monkeypatch.setattr(curtain_module, "time", SimpleNamespace(thread_time=lambda: next(clock) * took_ms[0] / 1000))
    curtain = Curtain(under)
    painted = Painted(under)

    def pieces() -> int:
        painted.parts.clear()
        curtain.draw(under.rect())
        qtbot.waitUntil(curtain.isHidden)
        assert sum(part.height() for part in painted.parts) == under.height()
        return len(painted.parts)

    assert [pieces() for _ in range(3)] == [2, 4, 4], "the loop has other things to do than turns of no work"
    took_ms[0] = 0.5
    assert [pieces() for _ in range(4)] == [4, 2, 1, 1]
    assert curtain._timer.isSingleShot(), "one that goes on is due again at once after a long paint"


# layouts


def test_what_changes_in_a_page_is_not_laid_out_around_it(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    stack = PageStack(window)
    column = QVBoxLayout(window)
    column.addWidget(stack)
    page, other = QWidget(), QWidget()
    label = QLabel("1", page)
    within = QVBoxLayout(page)
    within.addWidget(label)
    for each in (page, other):
        stack.addWidget(each)
    stack.setCurrentWidget(page)
    window.resize(300, 200)
    window.show()
    QApplication.processEvents()
    around, inside = Asked(window), Asked(page)
    label.setText("a much longer text\nof two lines")
    QApplication.processEvents()
    assert (around.times, inside.times > 0) == (0, True)
    assert page.geometry() == stack.rect()
    window.resize(400, 300)
    assert page.geometry() == stack.rect()
    stack.setCurrentWidget(other)
    assert other.isVisible() and other.geometry() == stack.rect()


def test_what_changes_in_the_window_does_not_have_it_laid_out_anew(
    qtbot: QtBot, context: AppContext, tmp_path: Path
) -> None:
    window = Window(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    window.resize(*DESIGN_SIZE)
    qtbot.addWidget(window, before_close_func=lambda window: setattr(window, "_may_close", True))
    window.show()
    QApplication.processEvents()
    around, inside = Asked(window), Asked(window.centralWidget())
    window.header.setFixedHeight(window.header.height() + 20)
    qtbot.waitUntil(lambda: inside.times > 0)
    QTest.qWait(20)
    assert around.times == 0
    window.resize(window.width() + 40, window.height() + 30)
    assert window.centralWidget().geometry() == window.contentsRect()


def test_a_legend_of_the_same_series_is_left_as_it_is(qtbot: QtBot, theme: Theme) -> None:
    legend = Legend(theme)
    qtbot.addWidget(legend)
    legend.resize(400, 24)
    legend.show()
    entries = [(name, name, theme.series_color(slot)) for slot, name in enumerate(("one", "two"))]
    legend.set_entries(entries)
    QApplication.processEvents()
    asked, painted = Asked(legend), [Painted(item) for item in legend.items]
    legend.set_entries(list(entries))
    QApplication.processEvents()
    assert asked.times == 0 and [each.parts for each in painted] == [[], []]
    legend.set_entries([(key, name, theme.series_color(5)) for key, name, _ in entries])
    QApplication.processEvents()
    assert all(each.parts for each in painted), "another colour is painted"


def test_the_same_range_does_not_have_the_axes_made_anew(
    qtbot: QtBot, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = OverviewPage(context)
    qtbot.addWidget(page)
    page.resize(1220, 839)
    page.show()
    asyncio.run(page.refresh(USAGE))
    qtbot.waitUntil(lambda: len(page.charts) == 4)
    ranged: list[Plot] = []
    for chart in page.charts:
        monkeypatch.setattr(chart.plot.view, "setRange", lambda *_args, of=chart.plot, **_more: ranged.append(of))
    for chart in page.charts:
        assert chart.data is not None
        chart.plot.set_data(chart.data)
    assert ranged == []
    data = page.charts[0].data
    assert data is not None
    page.charts[0].plot.set_data(msgspec.structs.replace(data, ends_us=data.ends_us + 60_000_000))
    assert ranged == [page.charts[0].plot]


# tables and lists


def test_rows_are_laid_out_before_they_are_shown(qtbot: QtBot, theme: Theme, laid_out: list[str]) -> None:
    model = ListModel(COLUMNS)
    view = TableView(theme, model, "Records")
    qtbot.addWidget(view)
    view.resize(500, 700)
    view.show()
    view.grab()
    rows = [Record(number, f"called {number}") for number in range(400)]
    steps = list(iter_steps(view.prepare(rows)))
    assert len(steps) >= 24 / 3, "three in each turn"
    before = len(laid_out)
    assert 0 < before < 4 * len(COLUMNS) * 30, "no more than can be seen"
    model.set_rows(rows)
    view.grab()
    assert laid_out[before:] == []


def iter_steps(coroutine: Any) -> Iterator[None]:
    """The turns of the loop that a coroutine takes."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration:
            return
        yield


def test_requests_that_come_are_laid_out_before_they_are_let_in(
    qtbot: QtBot, theme: Theme, turns: Turns, laid_out: list[str]
) -> None:
    gateway = FakeGateway(300, now_us=now_us() - 5_000_000)
    page = RequestsPage(AppContext(gateway, theme, FilterState(tz="UTC"), turns))  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(1100, 700)
    page.show()
    asyncio.run(page.refresh(Changes(usage=True, providers=True)))
    page.view.grab()
    new = [
        msgspec.structs.replace(
            gateway.rows[number], id=f"new-{number}", started_us=now_us() + number, model=f"m-{number}"
        )
        for number in range(10)
    ]
    for row in new:
        gateway.put(row)
    asyncio.run(page.refresh(USAGE))
    assert page.model.row(0) == new[-1]
    before = len(laid_out)
    assert "m-9" in laid_out
    page.view.grab()
    assert laid_out[before:] == []


def test_rows_that_stay_where_they_are_are_painted_and_nothing_is_laid_out(qtbot: QtBot) -> None:
    model = ListModel(COLUMNS, key=lambda row: row.id)
    rows = [Record(number, f"{number:03d}") for number in range(20)]
    model.set_rows(rows)
    laid, changed = QSignalSpy(model.layoutChanged), QSignalSpy(model.dataChanged)
    model.set_rows([*rows[:4], Record(4, "other"), *rows[5:7], Record(7, "other"), *rows[8:]])
    assert (laid.count(), changed.count()) == (0, 1)
    first, last = changed.at(0)[:2]
    assert (first.row(), last.row(), last.column()) == (4, 7, len(COLUMNS) - 1)
    assert model.row(4) == Record(4, "other")
    model.set_rows(model.rows)
    assert (laid.count(), changed.count()) == (0, 1), "the same rows again"
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert laid.count() == 1
    model.set_rows(rows)
    assert laid.count() == 2, "two of them go elsewhere"
    assert isinstance(model, QAbstractItemModel) and model.rows[0] == rows[-1]


def test_rows_that_change_places_are_sorted_once(qtbot: QtBot) -> None:
    asked: list[int] = []

    def noted(row: Record) -> str | None:
        asked.append(row.number)
        return row.name

    columns = [replace(COLUMNS[1], value=noted)]
    model = ListModel(columns, key=lambda row: row.id)
    model.set_rows([Record(number, f"{number:03d}") for number in range(20)])
    model.sort(0)
    asked.clear()
    model.set_rows([Record(0, "999")])
    once = len(asked)
    model.set_rows([Record(number, f"{number:03d}") for number in range(20)])
    asked.clear()
    model.set_rows([Record(number, f"{99 - number:03d}") for number in range(20)])
    assert len(asked) == 20 * once and model.rows[0].number == 19


def test_conversations_are_laid_out_before_they_are_shown(qtbot: QtBot, theme: Theme, laid_out: list[str]) -> None:
    view = ThreadList(theme)
    qtbot.addWidget(view)
    view.resize(288, 8 * ROW_HEIGHT)
    view.show()
    view.show_rows([plain_thread(number, NOW_US).row for number in range(60, 120)], NOW_US, "")
    view.grab()
    laid_out.clear()
    rows = [plain_thread(number, NOW_US).row for number in range(60)]
    asyncio.run(view.prepare(rows, NOW_US))
    before = len(laid_out)
    assert 0 < before <= 5 * 11
    view.show_rows(rows, NOW_US, "")
    view.grab()
    assert laid_out[before:] == []


# the thread


def test_a_scroll_paints_what_comes_into_sight_and_nothing_else(qtbot: QtBot, theme: Theme, turns: Turns) -> None:
    view = ThreadView(theme, Pictures(turns))
    qtbot.addWidget(view)
    view.resize(560, 720)
    # With the keyboard, the block that is chosen then would be painted too.
    view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    view.show()
    view.set_blocks([said(f"Answer {number}\n\n" * 6, f"m{number}.0") for number in range(40)], keep=False)
    bar = view.verticalScrollBar()
    for value in (800, 400):
        bar.setValue(value)
        settled(view)
    QApplication.processEvents()
    painted = Painted(view.viewport())
    for value in (460, 420):
        painted.parts.clear()
        bar.setValue(value)
        settled(view)
        assert painted.parts and all(part.height() <= 200 for part in painted.parts), painted.parts
        moved = view.viewport().grab().toImage()
        view.viewport().update()
        QTest.qWait(1)
        assert view.viewport().grab().toImage() == moved


# what does not change


def test_first_steps_that_nobody_sees_are_not_told(
    qtbot: QtBot, theme: Theme, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = FakeGateway(3, now_us=now_us())
    page = ConnectPage(AppContext(gateway, theme, FilterState(tz="UTC"), turns))  # type: ignore[arg-type]
    for control in page.header_controls():
        control.setParent(page)
    qtbot.addWidget(page)
    page.resize(1100, 700)
    page.show()
    told: list[bool] = []
    tell: Callable[..., None] = page.first_run.show_steps
    monkeypatch.setattr(
        page.first_run, "show_steps", lambda *steps, **more: (told.append(True), tell(*steps, **more))
    )
    everything = Changes(usage=True, keys=True, providers=True)
    asyncio.run(page.refresh(everything))
    assert page.stack.currentIndex() == 0 and told == []
    page.open_first_steps()
    assert told == [True] and page.first_run.endpoint.text().startswith(gateway.state.url)
    asyncio.run(page.refresh(everything))
    assert told == [True, True]


def test_a_legend_whose_series_change_places_makes_no_items(qtbot: QtBot, theme: Theme) -> None:
    legend = Legend(theme)
    qtbot.addWidget(legend)
    legend.resize(400, 24)
    legend.show()
    entries = [(name, name, theme.series_color(slot)) for slot, name in enumerate(("one", "two", "three"))]
    legend.set_entries(entries)
    made = set(legend.items)
    legend.set_entries(entries[::-1])
    assert set(legend.items) == made
    assert [(item.key, item.text(), item.objectName()) for item in legend.items] == [
        (key, key, f"legend.{key}") for key in ("three", "two", "one")
    ]
    with qtbot.waitSignal(legend.hidden_changed) as hidden:
        legend.items[0].click()
    assert hidden.args == [frozenset({"one", "two"})], "it stands for what it says"
    legend.set_entries(entries[:2])
    assert set(legend.items) < made and [item.text() for item in legend.items] == ["one", "two"]


# workers


def test_what_goes_through_all_buckets_is_done_by_a_worker(
    qtbot: QtBot, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.overview import answers as answers_module
    from app.pages import overview as page_module

    page = OverviewPage(context)
    qtbot.addWidget(page)
    page.resize(1220, 839)
    page.show()
    asyncio.run(page.refresh(USAGE))
    qtbot.waitUntil(lambda: len(page.charts) == 4)
    here, seen = threading.get_ident(), {}

    def noting(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **more: Any) -> Any:
            seen.setdefault(name, set()).add(threading.get_ident() != here)
            return act(*args, **more)

        return noted

    monkeypatch.setattr(answers_module, "_in_step", noting("parts", answers_module._in_step))
    monkeypatch.setattr(page_module, "figures", noting("figures", page_module.figures))
    import app.charts

    monkeypatch.setattr(app.charts, "chart_data", noting("charts", chart_module.chart_data))
    asyncio.run(page.refresh(USAGE))
    assert seen == {"parts": {True}, "figures": {True}, "charts": {True}}


# garbage


@pytest.fixture
def garbage(qtbot: QtBot) -> Iterator[GarbageTimer]:
    made = GarbageTimer()
    yield made
    made.stop()


def test_what_still_lives_is_looked_at_for_garbage_every_two_seconds(
    garbage: GarbageTimer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    monkeypatch.setattr("app.garbage.gc.collect", lambda generation=2: looked.append(generation))
    monkeypatch.setattr("app.garbage.gc.get_count", lambda: (MANY - 1, 0, 0))
    # Not those seconds in which start-up's is set aside.
    garbage._beat = _SETTLED_AT[-1]
    for _ in range(30):
        garbage._timer.timeout.emit()
    assert looked == [1] * 15 and garbage._timer.interval() == 1000


def test_a_page_is_set_aside_as_soon_as_it_is_built(garbage: GarbageTimer) -> None:
    built = [[number] for number in range(1_000)]
    before = gc.get_freeze_count()
    garbage.settle()
    assert gc.get_freeze_count() >= before + len(built)


def test_charts_are_set_aside_as_they_are_built(qtbot: QtBot, context: AppContext, tmp_path: Path) -> None:
    """Their import leaves more to look at than all the rest of the window."""
    window = Window(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    window.resize(*DESIGN_SIZE)
    qtbot.addWidget(window, before_close_func=lambda window: setattr(window, "_may_close", True))
    window.show()
    window.start_pages()
    page = window.page
    assert isinstance(page, OverviewPage)
    built = QSignalSpy(window.built)
    qtbot.waitUntil(lambda: len(page.charts) == 4)
    assert built.count() == 4


def test_workers_give_the_gateways_thread_back_soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each answer of a socket goes out of the interpreter and back, and waits for that long where a worker works."""
    before = sys.getswitchinterval()
    application = SimpleNamespace(
        **{
            f"set{name}": lambda _value: None
            for name in ("ApplicationName", "DesktopFileName", "QuitOnLastWindowClosed")
        }
    )
    monkeypatch.setattr(window_process, "Application", lambda _words: application)
    for name in ("share_heap", "use_size"):
        monkeypatch.setattr(window_process, name, lambda *_given: None)
    # Another window is there already: it is raised, and no more is done.
    monkeypatch.setattr(window_process, "call_first", lambda _path, to_front: to_front)
    folder = SimpleNamespace(path=tmp_path)
    try:
        assert window_process.run_window(SimpleNamespace(outer=folder, folder=folder, in_tray=False)) == 0  # type: ignore[arg-type]
        assert sys.getswitchinterval() <= 0.0001
    finally:
        sys.setswitchinterval(before)
