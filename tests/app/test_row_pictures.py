"""Rows that are kept as pictures show what rows without them show, and are let go where that no longer holds."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPainter, QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import formats
from app.context import AppContext
from app.pages.requests import RequestsPage
from app.tables import row_pictures
from app.tables.column import Column, PillText
from app.tables.model import ListModel
from app.tables.painter import Cell, PaintedRow, RowPainter
from app.tables.view import TableView
from app.theme import Theme
from app.throttle import EVERYTHING
from gateway import Changes
from tests.app.fake_gateway import FakeGateway
from tests.app.test_short_slots import Painted, iter_steps
from tests.app.test_tables import Record

said = ["called"]
COLUMNS = (
    Column(key="number", title="No.", text=lambda row: str(row.number), value=str, right=True, width=60, tone="text"),
    Column(key="name", title="Name", text=lambda row: f"{said[0]} {row.name}", value=str, width=200, grow=1),
    Column(
        key="kind",
        title="Kind",
        text=lambda row: "even",
        value=str,
        width=90,
        pills=lambda row: (PillText("even", "ok"),) if row.number % 2 == 0 else (),
    ),
)
ROWS = tuple(Record(number, f"row {number}") for number in range(200))


@pytest.fixture(autouse=True)
def words() -> Iterator[None]:
    said[0] = "called"
    yield
    said[0] = "called"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The rows whose cells are painted from now on."""
    records: list[Any] = []
    paint = RowPainter.paint

    def noted(painter: RowPainter, on: QPainter, cells: list[Cell], rows: list[PaintedRow], height: int) -> None:
        records.extend(row.record for row in rows)
        paint(painter, on, cells, rows, height)

    monkeypatch.setattr(RowPainter, "paint", noted)
    return records


def shown(qtbot: QtBot, theme: Theme, *, pictures: bool) -> TableView:
    model: ListModel[Record] = ListModel(COLUMNS, key=lambda row: row.number)
    view = TableView(theme, model, "Records", pictures=pictures)
    qtbot.addWidget(view)
    view.set_faint(lambda row: row.number == 3)
    view.resize(500, 400)
    with qtbot.waitExposed(view):
        view.show()
    model.set_rows(ROWS)
    QApplication.processEvents()
    return view


def same(views: tuple[TableView, TableView]) -> bool:
    with_pictures, without = (view.viewport().grab().toImage() for view in views)
    return bool(with_pictures == without)


def painted_until_kept(view: TableView, drawn: list[Any]) -> int:
    """How many rows were drawn until all in sight were painted from their pictures; `drawn` is empty then."""
    rows: set[int] = set()
    for _ in range(40):
        drawn.clear()
        view.viewport().grab()
        rows |= {id(row) for row in drawn}
        if not drawn:
            return len(rows)
    raise AssertionError("A row that does not change is drawn again and again.")


CHANGES: dict[str, Callable[[TableView], object]] = {
    "as it is": lambda view: None,
    "none is faint": lambda view: (view.set_faint(lambda row: False), view.viewport().update()),
    "scrolled": lambda view: view.verticalScrollBar().setValue(view.verticalScrollBar().value() + 437),
    "chosen": lambda view: view.selectRow(view.rowAt(100)),
    "pointed at": lambda view: view._hover(view.rowAt(60)),
    "wider": lambda view: view.resize(640, 400),
    "a column's width": lambda view: view.setColumnWidth(1, 120),
    "a column less": lambda view: view.show_column("kind", False),
    "sideways": lambda view: (view.setColumnWidth(1, 900), view.horizontalScrollBar().setValue(70)),
    "other rows": lambda view: view._rows.set_rows(ROWS[50:]),  # type: ignore[attr-defined]
}


def test_rows_look_the_same_as_without_pictures(qtbot: QtBot, theme: Theme) -> None:
    views = shown(qtbot, theme, pictures=True), shown(qtbot, theme, pictures=False)
    for name, change in CHANGES.items():
        for view in views:
            change(view)
        assert same(views), name
    for change_theme in (lambda: theme.set_mode("dark"), lambda: theme.set_density("compact")):
        change_theme()
        assert same(views)
    theme.set_density("comfortable")


class NotThere(ListModel[Record]):
    def row(self, number: int) -> None:
        """Being read."""


def test_rows_that_are_not_there_yet_are_one_picture(qtbot: QtBot, theme: Theme, drawn: list[Any]) -> None:
    """Where a list was scrolled faster than it is read, a screen of them took three milliseconds."""
    views = []
    for pictures in (True, False):
        model = NotThere(COLUMNS)
        model.set_rows(ROWS)
        views.append(view := TableView(theme, model, "Records", pictures=pictures))
        qtbot.addWidget(view)
        view.resize(500, 400)
        view.show()
    drawn.clear()
    pictures_of = [view.viewport().grab().toImage() for view in views]
    assert pictures_of[0] == pictures_of[1]
    assert len(drawn) > 8
    drawn.clear()
    views[0].forget_pictures()
    views[0].viewport().grab()
    assert drawn == [None]


def test_a_row_is_drawn_once_and_put_where_it_stands(qtbot: QtBot, theme: Theme, drawn: list[Any]) -> None:
    view = shown(qtbot, theme, pictures=True)
    view.forget_pictures()
    assert painted_until_kept(view, drawn) > 8
    model = view._rows
    assert isinstance(model, ListModel)
    model.set_rows((Record(900, "new"), *ROWS))
    view.viewport().grab()
    assert [row.number for row in drawn] == [900], "those below have moved"
    drawn.clear()
    list(iter_steps(view.prepare([Record(901, "ahead")])))
    assert [row.number for row in drawn] == [901]


def test_the_row_that_the_keyboard_is_on_is_its_picture_with_an_edge(
    qtbot: QtBot, theme: Theme, drawn: list[Any]
) -> None:
    """It is on show most of the time, and was drawn with all that changes beside it."""
    view = shown(qtbot, theme, pictures=True)
    view.activateWindow()
    view.setFocus()
    view.setCurrentIndex(view._rows.index(2, 0))
    view.clearSelection()
    qtbot.waitUntil(view.hasFocus)
    painted_until_kept(view, drawn)
    picture, y = view.viewport().grab().toImage(), view._place(2).center().y()
    assert not drawn
    colors = [picture.pixelColor(x, y).name() for x in range(3)]
    assert colors == [theme.color(name).name() for name in ("accent", "accent", "surface")]


def test_the_edge_goes_along_with_the_keyboard_whichever_cell_is_current(qtbot: QtBot, theme: Theme) -> None:
    view = shown(qtbot, theme, pictures=True)
    view.setCurrentIndex(view._rows.index(2, 1))
    QTest.qWait(20)
    qtbot.waitUntil(lambda: not view._turns.waiting)
    painted = Painted(view.viewport())
    qtbot.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(painted.parts))
    assert view.currentIndex().row() == 3 and view.selected_ranges() == [(2, 2)]
    assert all(painted.parts[0].contains(view._place(row)) for row in (2, 3))


@pytest.mark.parametrize(("pictures", "filled"), [(True, False), (False, True)])
def test_no_ground_is_painted_where_pictures_will_lie(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch, pictures: bool, filled: bool
) -> None:
    """Of a large table it took half a millisecond each time."""
    view = shown(qtbot, theme, pictures=pictures)
    grounds: list[QRegion] = []

    class Noted(QPainter):
        def fillRect(self, *given: Any) -> None:
            grounds.append(self.clipRegion())
            super().fillRect(*given)

    monkeypatch.setattr("app.tables.view.QPainter", Noted)
    view.viewport().repaint()
    assert [not ground.isEmpty() for ground in grounds] == [filled]
    view.model().set_rows(ROWS[:2])
    grounds.clear()
    QApplication.processEvents()
    below = view.viewport().rect().adjusted(0, 2 * theme.row_height, 0, 0)
    assert (grounds[-1] & below) == QRegion(below)


def test_rows_that_come_into_sight_together_are_painted_together(
    qtbot: QtBot, theme: Theme, drawn: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(qtbot, theme, pictures=True)
    painted_until_kept(view, drawn)
    groups: list[int] = []
    noted = RowPainter.paint

    def counted(painter: RowPainter, on: QPainter, cells: list[Cell], rows: list[PaintedRow], height: int) -> None:
        groups.append(len(rows))
        noted(painter, on, cells, rows, height)

    monkeypatch.setattr(RowPainter, "paint", counted)
    view.verticalScrollBar().setValue(3_000)
    view.viewport().grab()
    assert sum(groups) > 8
    assert len(groups) <= 2, "a picture each would take twice as long"


def test_rows_are_drawn_anew_where_their_words_have_changed(
    qtbot: QtBot, theme: Theme, drawn: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(qtbot, theme, pictures=True)
    for change in (
        view.forget_pictures,
        theme.redraw,
        lambda: monkeypatch.setattr(formats, "today", lambda: date(2030, 1, 1)),
        lambda: (view.hide(), view.show()),
    ):
        said[0] = f"{said[0]}, again"
        painted_until_kept(view, drawn)
        change()
        QTest.qWait(1)
        view.viewport().grab()
        assert len({row.number for row in drawn}) > 8


def test_no_more_are_kept_than_fit(
    qtbot: QtBot, theme: Theme, drawn: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(qtbot, theme, pictures=True)
    assert view._pictures is not None
    for value in range(0, 5_000, 300):
        view.verticalScrollBar().setValue(value)
        painted_until_kept(view, drawn)
    assert len(view._pictures) == 2 * view._rows_in_sight
    bare = shown(qtbot, theme, pictures=False)
    bare.clearFocus()
    for each in (view, bare):
        each.verticalScrollBar().setValue(0)
    monkeypatch.setattr(row_pictures, "MOST_BYTES", 500 * view.rowHeight(0) * 4 * 3)
    view.forget_pictures()
    assert same((view, bare)) and len(view._pictures) == 0, "a screen of pictures would be too much"
    assert view.visualRect(view.model().index(0, 0)).topLeft() == QPoint(0, 0)


def test_a_provider_that_is_called_otherwise_is_told_in_the_rows_on_show(
    qtbot: QtBot, context: AppContext, drawn: list[Any]
) -> None:
    context.gateway.rows = FakeGateway(30, now_us=time.time_ns() // 1000).rows  # type: ignore[attr-defined]
    page = RequestsPage(context)
    qtbot.addWidget(page)
    page.resize(1100, 600)
    with qtbot.waitExposed(page):
        page.show()
    asyncio.run(page.refresh(EVERYTHING))
    painted_until_kept(page.view, drawn)
    names = context.provider_names
    names._titles = dict.fromkeys(names.known, "as it was called")
    for expected in (True, False):
        asyncio.run(page.refresh(Changes(providers=True)))
        assert bool(painted_until_kept(page.view, drawn)) == expected


def test_only_what_is_new_is_made_ready_to_be_let_in(qtbot: QtBot, context: AppContext, drawn: list[Any]) -> None:
    now_us = time.time_ns() // 1000
    gateway = FakeGateway(30, now_us=now_us - 5_000_000)
    context.gateway.rows = gateway.rows  # type: ignore[attr-defined]
    page = RequestsPage(context)
    qtbot.addWidget(page)
    page.resize(1100, 600)
    with qtbot.waitExposed(page):
        page.show()
    asyncio.run(page.refresh(EVERYTHING))
    painted_until_kept(page.view, drawn)
    count = page.model.rowCount()
    # Read anew, each row is another object.
    before = [msgspec.structs.replace(row) for row in gateway.rows]
    new = [msgspec.structs.replace(row, id=f"new-{row.id}", started_us=now_us) for row in before[:2]]
    context.gateway.rows = new + before  # type: ignore[attr-defined]
    asyncio.run(page.refresh(Changes(usage=True)))
    assert page.model.rowCount() == count + 2 > 5
    page.view.viewport().grab()
    assert [row.id for row in drawn] == [row.id for row in new]
