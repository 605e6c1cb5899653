"""A page is painted in pieces: none of them is all of it, and what is not painted yet stays as it was."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.theme import Theme
from app.widgets import Curtain, Veil
from app.widgets import curtain as curtain_module

ROWS = 8
# Two of them weigh more than a piece may.
HEIGHT = 200


class Row(QWidget):
    """Notes that it was painted."""

    def __init__(self, number: int, painted: list[int], parent: QWidget) -> None:
        super().__init__(parent)
        self._number, self._painted = number, painted
        self.setGeometry(0, number * HEIGHT, 200, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painted.append(self._number)
        QPainter(self).fillRect(self.rect(), QColor("#3B5BDB"))


@pytest.fixture(autouse=True)
def a_piece_in_each_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """However quick the machine is."""
    monkeypatch.setattr(curtain_module, "_TOGETHER_S", 0.0)


@pytest.fixture
def painted() -> list[int]:
    return []


@pytest.fixture
def page(qtbot: QtBot, painted: list[int]) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(200, ROWS * HEIGHT)
    for number in range(ROWS):
        Row(number, painted, made)
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: len(set(painted)) == ROWS)
    painted.clear()
    return made


def lifts_of(curtain: Curtain, painted: list[int], before: Callable[[], object] = list) -> list[list[int]]:
    """What each turn paints, from now on; the one that cuts paints nothing."""
    turns: list[list[int]] = []
    lift: Callable[[], None] = curtain._lift

    def one() -> None:
        before()
        painted.clear()
        lift()
        if painted:
            turns.append(sorted(set(painted)))

    curtain._timer.timeout.disconnect()
    curtain._timer.timeout.connect(one)
    return turns


def test_what_is_covered_is_painted_a_piece_in_each_turn(qtbot: QtBot, page: QWidget, painted: list[int]) -> None:
    curtain = Curtain(page)
    turns = lifts_of(curtain, painted)
    curtain.draw(page.rect())
    page.update()
    qtbot.waitUntil(curtain.isHidden)
    assert turns == [[number] for number in range(ROWS)]


def test_sheets_are_laid_some_in_each_turn(
    qtbot: QtBot, page: QWidget, painted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curtain_module, "_LAID_AT_ONCE", 3)
    curtain = Curtain(page)
    curtain.draw(page.rect())
    page.update()
    curtain._timer.stop()
    laid = []
    while not curtain._left:
        curtain._lift()
        laid.append(sum(not sheet.isHidden() for sheet in curtain._sheets))
    assert laid == [0, 0, 3, 6, ROWS - 1] and painted == []
    qtbot.waitUntil(curtain.isHidden)
    assert sorted(set(painted)) == list(range(ROWS))


def test_pieces_that_took_little_the_last_time_are_painted_in_one_turn(
    qtbot: QtBot, page: QWidget, painted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that took long in a turn of its own: what it takes is known before it is painted."""
    seconds = {number: 0.001 for number in range(ROWS)} | {4: 0.5}
    now = 0.0

    def thread_time() -> float:
        """So much for each row that was painted since it was last asked."""
        nonlocal now
        now += sum(seconds[number] for number in set(painted) - counted)
        counted.update(painted)
        return now

    counted: set[int] = set()
    monkeypatch.setattr(curtain_module, "_TOGETHER_S", 0.0025)
    monkeypatch.setattr("app.widgets.curtain.time.thread_time", thread_time)
    curtain = Curtain(page)
    turns = lifts_of(curtain, painted, before=counted.clear)
    curtain.draw(page.rect())
    qtbot.waitUntil(curtain.isHidden)
    assert turns == [[number] for number in range(ROWS)], "nothing is known yet"
    turns.clear()
    curtain.draw(page.rect())
    qtbot.waitUntil(curtain.isHidden)
    assert turns == [[0, 1], [2, 3], [4], [5, 6], [7]]


def test_what_is_covered_is_not_painted_before_its_turn(qtbot: QtBot, page: QWidget, painted: list[int]) -> None:
    curtain = Curtain(page)
    curtain.draw(QRect(0, 0, 200, 4 * HEIGHT))
    curtain._timer.stop()
    page.repaint()
    assert sorted(set(painted)) == [4, 5, 6, 7]
    page.resize(200, ROWS * HEIGHT + 20)
    assert curtain.isHidden(), "an area of another size has no old picture"
    qtbot.waitUntil(lambda: sorted(set(painted)) == list(range(ROWS)))


def test_nothing_is_kept_of_what_is_not_on_show(page: QWidget) -> None:
    curtain = Curtain(page)
    page.hide()
    curtain.draw(page.rect())
    assert curtain.isHidden() and not curtain._timer.isActive()


def test_what_is_below_another_curtain_waits_for_it(
    qtbot: QtBot, theme: Theme, page: QWidget, painted: list[int]
) -> None:
    inner = QWidget(page)
    inner.setGeometry(page.rect())
    palette = inner.palette()
    palette.setColor(palette.ColorRole.Window, QColor("#22AA44"))
    inner.setPalette(palette)
    for number in range(ROWS):
        Row(number, painted, inner)
    inner.show()
    outer, curtain = Curtain(page), Curtain(inner)
    turns = lifts_of(curtain, painted)
    most = curtain._most
    curtain.draw(inner.rect())
    outer.draw(page.rect())
    for _ in range(3):
        curtain._lift()
    assert curtain.geometry() == inner.rect() and curtain._most == most, "nothing was cut, and nothing learnt"
    outer._timer.stop()
    outer.end()
    curtain._timer.stop()
    page.repaint()
    store = page.backingStore()
    assert store is not None
    ground = store.paintDevice().toImage() if hasattr(store.paintDevice(), "toImage") else store.paintDevice().copy()
    assert ground.pixelColor(100, 100) == QColor("#22AA44"), "the picture there was of something else"
    curtain._timer.start()
    qtbot.waitUntil(curtain.isHidden)
    assert turns == [[number] for number in range(ROWS)]


def test_a_veil_goes_in_pieces(qtbot: QtBot, theme: Theme, page: QWidget, painted: list[int]) -> None:
    veil = Veil(theme, page)
    turns = lifts_of(veil._curtain, painted)
    veil._cover()
    veil.end()
    qtbot.waitUntil(veil._curtain.isHidden)
    assert turns == [[number] for number in range(ROWS)] and veil.isHidden()


def test_cards_beside_each_other_are_painted_in_turns_and_each_once(
    qtbot: QtBot, painted: list[int], page: QWidget
) -> None:
    """A band through both would paint each of them as often as there are bands in their height."""
    beside = Row(ROWS, painted, page)
    beside.setGeometry(100, 0, 90, 260)
    first = page.findChild(Row)
    assert isinstance(first, Row)
    first.setGeometry(0, 0, 90, 260)
    beside.show()
    qtbot.waitUntil(lambda: {0, ROWS} <= set(painted))
    curtain = Curtain(page)
    turns = lifts_of(curtain, painted)
    curtain.draw(QRect(0, 0, 200, 200))
    qtbot.waitUntil(curtain.isHidden)
    assert turns == [[0], [ROWS]]
    QApplication.processEvents()
    assert painted == [ROWS], "and nothing of it again once all is free"


def test_what_is_covered_again_meanwhile_is_free_in_the_end(qtbot: QtBot, page: QWidget, painted: list[int]) -> None:
    """No sheet of the first time stays, where the second time has fewer."""
    curtain = Curtain(page)
    turns = lifts_of(curtain, painted)
    curtain.draw(page.rect())
    qtbot.waitUntil(lambda: len(turns) >= 2)
    curtain.draw(QRect(0, 0, 200, HEIGHT))
    qtbot.waitUntil(curtain.isHidden)
    page.update()
    qtbot.waitUntil(lambda: set(painted) == set(range(ROWS)))


def test_what_is_hidden_meanwhile_is_free_at_once(qtbot: QtBot, page: QWidget, painted: list[int]) -> None:
    curtain = Curtain(page)
    turns = lifts_of(curtain, painted)
    curtain.draw(page.rect())
    qtbot.waitUntil(lambda: len(turns) >= 2)
    page.hide()
    assert curtain.isHidden() and not curtain._timer.isActive()
    page.show()
    qtbot.waitUntil(lambda: set(painted) == set(range(ROWS)))


def test_a_picture_of_what_is_covered_shows_it_as_it_is(qtbot: QtBot, page: QWidget, painted: list[int]) -> None:
    curtain = Curtain(page)
    # With nothing but the page's ground beside the rows.
    page.resize(240, ROWS * HEIGHT)
    qtbot.waitUntil(lambda: len(set(painted)) == ROWS)
    curtain.draw(page.rect())
    curtain._timer.stop()
    # As a whole, and cut into pieces with a sheet over each.
    for turns in (0, 3):
        for _ in range(turns):
            curtain._lift()
        picture = page.grab().toImage()
        for number in range(ROWS):
            for place, colour in ((20, "#3B5BDB"), (220, page.palette().window().color().name())):
                at = QPoint(place, number * HEIGHT + 50) * picture.devicePixelRatio()
                assert picture.pixelColor(at) == QColor(colour)
    painted.clear()
    page.repaint()
    assert not painted, "on the screen the old picture stays"
