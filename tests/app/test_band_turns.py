"""A thread is painted a band in each turn of the loop, and what waits keeps its old picture, wherever it is moved to."""

import math
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.pages.conversations_parts import blocks_view
from app.pages.conversations_parts.pictures import Pictures
from app.pages.conversations_parts.thread_view import ThreadView
from app.theme import Theme
from app.widgets.band_turns import BAND, BandTurns
from tests.app.test_row_turns import on_screen, whole
from tests.app.test_thread_view import said, settled
from tests.app.turns import Turns

HEIGHT = 4 * BAND
BLOCKS = tuple(said(f"Answer {n}.\n\n" * (2 + n % 5), f"m{n}.0") for n in range(40))


@pytest.fixture(autouse=True)
def laid_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is laid out in a later turn is painted once more then."""
    monkeypatch.setattr(blocks_view, "_BUDGET_S", math.inf)


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> Iterator[ThreadView]:
    turns = Turns()
    made = ThreadView(theme, Pictures(turns))
    qtbot.addWidget(made)
    made.resize(560, HEIGHT)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    with qtbot.waitExposed(made):
        made.show()
    made.set_blocks(BLOCKS, keep=False)
    settled(made)
    settle(made)
    yield made
    turns.close()


def paint(view: ThreadView) -> None:
    """What has changed, now."""
    view.viewport().repaint(0, 0, 1, 1)


def settle(view: ThreadView) -> None:
    """Until nothing waits for its turn."""
    paint(view)
    while not view.bands.waiting.isEmpty():
        view.viewport().repaint(view.bands.waiting)
    assert on_screen(view) == whole(view)


def painted(monkeypatch: pytest.MonkeyPatch) -> list[QRect]:
    """What each paint paints from now on."""
    found: list[QRect] = []
    due = BandTurns.due

    def noted(bands: BandTurns, painter: QPainter, asked: QRegion) -> QRegion:
        now = due(bands, painter, asked)
        found.append(now.boundingRect())
        return now

    monkeypatch.setattr(BandTurns, "due", noted)
    return found


def test_a_thread_is_painted_a_band_in_each_turn(
    qtbot: QtBot, view: ThreadView, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = painted(monkeypatch)
    view.go_to("m20.0")
    qtbot.waitUntil(lambda: bool(parts) and view.bands.waiting.isEmpty())
    assert [part.top() for part in parts] == list(range(0, HEIGHT, BAND))
    assert {part.height() for part in parts} == {BAND}
    assert on_screen(view) == whole(view)


def test_what_waits_keeps_its_picture_until_its_turn(view: ThreadView) -> None:
    before = on_screen(view)
    view.go_to("m20.0")
    view.viewport().repaint()
    now, there = on_screen(view), whole(view)
    upper = QRect(0, 0, now.width(), BAND)
    lower = QRect(0, BAND, now.width(), HEIGHT - BAND)
    assert now.copy(upper) == there.copy(upper) and now.copy(lower) == before.copy(lower)
    settle(view)


@pytest.mark.parametrize("by", [60, -60, 2 * HEIGHT])
def test_what_waits_is_painted_where_it_has_been_scrolled_to(view: ThreadView, by: int) -> None:
    view.go_to("m20.0")
    view.viewport().repaint()
    assert not view.bands.waiting.isEmpty()
    bar = view.verticalScrollBar()
    bar.setValue(bar.value() + by)
    settle(view)


def test_what_waits_comes_before_what_is_painted_again(view: ThreadView, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = painted(monkeypatch)
    for _ in range(4):
        view.viewport().repaint()
    assert sorted(part.top() for part in parts) == list(range(0, HEIGHT, BAND))


def test_a_picture_is_taken_of_all_of_it(view: ThreadView, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = painted(monkeypatch)
    view.viewport().grab()
    assert [part.height() for part in parts] == [HEIGHT]


def test_a_pixel_that_lies_half_in_a_band_shows_nothing_of_what_was_there(view: ThreadView) -> None:
    port, scale = view.viewport(), 1.25

    def drawn(part: QRect) -> QImage:
        image = QImage(port.size() * scale, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(scale)
        image.fill(Qt.GlobalColor.red)
        port.render(image, QPoint(), QRegion(part), QWidget.RenderFlag.DrawChildren)
        return image

    band, all_of_it = drawn(QRect(0, 0, port.width(), BAND)), drawn(port.rect())
    assert BAND * scale % 1
    for row in range(band.height()):
        colour = band.pixelColor(1, row)
        assert colour in (Qt.GlobalColor.red, all_of_it.pixelColor(1, row)), f"row {row} is {colour.name()}"
