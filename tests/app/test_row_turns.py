"""Rows that come into sight together are drawn some in each turn of the loop, and what waits keeps its old picture."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.tables.model import ListModel
from app.tables.painter import Cell, PaintedRow, RowPainter
from app.tables.row_turns import AT_ONCE
from app.tables.view import TableView
from app.theme import Theme
from tests.app.test_tables import COLUMNS, Record

ROWS = tuple(Record(number, f"row {number}") for number in range(400))


class DrawnPerTurn(QObject):
    """The rows that are drawn with each of a window's updates from now on."""

    def __init__(self, window: QWidget, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(window)
        self.turns: list[list[int]] = []
        self._window = window
        window.installEventFilter(self)
        paint = RowPainter.paint

        def counted(
            painter: RowPainter, on: QPainter, cells: list[Cell], rows: list[PaintedRow], height: int
        ) -> None:
            if self.turns:
                self.turns[-1] += [row.record.number for row in rows]
            paint(painter, on, cells, rows, height)

        monkeypatch.setattr(RowPainter, "paint", counted)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() == QEvent.Type.UpdateRequest:
            self.turns.append([])
        return False


@pytest.fixture(params=[True, False], ids=["pictures", "no pictures"])
def view(request: pytest.FixtureRequest, qtbot: QtBot, theme: Theme) -> TableView:
    model: ListModel[Record] = ListModel(COLUMNS, key=lambda row: row.number)
    made = TableView(theme, model, "Records", pictures=request.param)
    qtbot.addWidget(made)
    made.resize(500, 800)
    with qtbot.waitExposed(made):
        made.show()
    model.set_rows(ROWS)
    made.clearFocus()
    settle(made)
    assert made.visible_rows()[1] > 2 * AT_ONCE
    return made


def paint(view: TableView) -> None:
    """What has changed, now."""
    view.viewport().repaint(0, 0, 1, 1)


def settle(view: TableView) -> None:
    """Until no row waits for its turn."""
    paint(view)
    while view._turns.waiting:
        view._turns._take()
        paint(view)


def on_screen(view: QAbstractItemView) -> QImage:
    window = view.window()
    shot = window.screen().grabWindow(window.winId()).toImage()
    corner = view.viewport().mapTo(window, view.viewport().rect().topLeft())
    return shot.copy(QRect(corner, view.viewport().size())).convertToFormat(QImage.Format.Format_RGB32)


def whole(view: QAbstractItemView) -> QImage:
    return view.viewport().grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def test_other_rows_are_drawn_some_in_each_turn(
    qtbot: QtBot, view: TableView, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = DrawnPerTurn(view, monkeypatch)
    view.verticalScrollBar().setValue(5_000)
    first, last = view.visible_rows()
    qtbot.waitUntil(lambda: set().union(*drawn.turns) == set(range(first, last + 1)))
    assert max(map(len, drawn.turns)) == AT_ONCE
    assert on_screen(view) == whole(view)


def test_what_waits_keeps_its_picture_until_its_turn(view: TableView) -> None:
    before = on_screen(view)
    view.verticalScrollBar().setValue(5_000)
    paint(view)
    now, there = on_screen(view), whole(view)
    bottom, lines = now.height() - 1, range((AT_ONCE - 1) * view.rowHeight(0))
    for part, expected in ((lines, there), ([bottom - line for line in lines], before)):
        for line in part:
            place = QRect(0, line, now.width(), 1)
            assert now.copy(place) == expected.copy(place)
    settle(view)
    assert on_screen(view) == there


@pytest.mark.parametrize("then", [5_037, 4_000], ids=["a little", "elsewhere"])
def test_what_waits_is_drawn_where_it_has_been_scrolled_to(view: TableView, then: int) -> None:
    for value in (5_000, then):
        view.verticalScrollBar().setValue(value)
        paint(view)
        assert view._turns.waiting
    settle(view)
    assert on_screen(view) == whole(view)


def test_what_is_painted_meanwhile_leaves_the_others_waiting(view: TableView) -> None:
    view.verticalScrollBar().setValue(5_000)
    paint(view)
    view._hover(view.visible_rows()[1] - 1)
    paint(view)
    view.viewport().repaint(0, view.viewport().height() - 3 * view.rowHeight(0), 20, 7)
    settle(view)
    assert on_screen(view) == whole(view)


def test_a_window_of_another_size_has_no_old_picture_to_keep(
    view: TableView, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = DrawnPerTurn(view, monkeypatch)
    view.resize(560, 860)
    QApplication.processEvents()
    assert len(drawn.turns[0]) > view.visible_rows()[1] > AT_ONCE


def test_a_picture_of_the_table_has_all_its_rows(view: TableView) -> None:
    rows: Any = view._rows
    rows.set_rows(ROWS[200:])
    QApplication.processEvents()
    shown = whole(view)
    settle(view)
    assert shown == on_screen(view)


def test_no_row_is_left_for_good_where_all_is_painted_again_before_its_turn(
    view: TableView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while a column's edge is dragged."""
    drawn: set[int] = set()
    paint_rows = RowPainter.paint

    def counted(painter: RowPainter, on: QPainter, cells: list[Cell], rows: list[PaintedRow], height: int) -> None:
        drawn.update(row.record.number for row in rows)
        paint_rows(painter, on, cells, rows, height)

    monkeypatch.setattr(RowPainter, "paint", counted)
    first, last = view.visible_rows()
    for wider in range(1 + (last - first) // AT_ONCE):
        view._turns._timer.stop()
        view.setColumnWidth(0, view.columnWidth(0) - 1 - wider)
        view.viewport().repaint()
    assert drawn == set(range(first, last + 1))


def test_a_window_of_other_pixels_has_no_old_picture_to_keep(
    view: TableView, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = DrawnPerTurn(view, monkeypatch)
    monkeypatch.setattr(view, "devicePixelRatioF", lambda: 1.5)
    view.viewport().update()
    QApplication.processEvents()
    assert len(drawn.turns[0]) > view.visible_rows()[1] > AT_ONCE


@pytest.fixture
def beside(qtbot: QtBot, theme: Theme) -> Iterator[TableView]:
    """A table that is not all of its window."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(700, 800)
    model: ListModel[Record] = ListModel(COLUMNS, key=lambda row: row.number)
    made = TableView(theme, model, "Records", window, pictures=True)
    model.set_rows(ROWS)
    made.resize(500, 800)
    with qtbot.waitExposed(window):
        window.show()
    made.clearFocus()
    settle(made)
    yield made


def test_where_the_table_is_made_narrower_its_rows_come_after_what_takes_its_room(
    qtbot: QtBot, beside: TableView, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = DrawnPerTurn(beside.window(), monkeypatch)
    beside.resize(400, 800)
    qtbot.waitUntil(lambda: set().union(*drawn.turns) == set(range(beside.visible_rows()[1] + 1)))
    assert drawn.turns[0] == [] and len(drawn.turns[1]) == AT_ONCE
    assert on_screen(beside) == whole(beside)


def test_rows_are_drawn_while_the_edge_of_the_table_is_dragged(
    beside: TableView, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = DrawnPerTurn(beside.window(), monkeypatch)
    for width in (400, 390, 380):
        beside.resize(width, 800)
        QApplication.sendPostedEvents(beside.window(), QEvent.Type.UpdateRequest)
    assert list(map(len, drawn.turns)) == [0, AT_ONCE, AT_ONCE]


def test_a_table_that_comes_at_another_width_is_painted_at_once(
    beside: TableView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of its own stood there before."""
    beside.hide()
    QApplication.processEvents()
    drawn = DrawnPerTurn(beside.window(), monkeypatch)
    beside.resize(400, 800)
    beside.show()
    QApplication.processEvents()
    assert drawn.turns[0]


def test_a_pixel_that_lies_half_in_what_is_painted_shows_nothing_of_what_was_there(view: TableView) -> None:
    port, scale = view.viewport(), 1.25
    image = QImage(port.size() * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(Qt.GlobalColor.red)
    part = QRect(0, 0, port.width() - 10, view.rowHeight(0))
    assert part.height() * scale % 1
    port.render(image, QPoint(), QRegion(part), QWidget.RenderFlag.DrawChildren)
    colours = {image.pixelColor(image.width() - 30, row).name() for row in range(image.height())}
    assert colours == {"#ff0000", "#ffffff"}


@pytest.mark.parametrize("scale", ["1.1", "1.25", "1.75"])
def test_of_a_row_that_was_pointed_at_no_line_stays_where_its_edges_lie_between_pixels(scale: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.app.scaled_table"],
        env={**os.environ, "QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
