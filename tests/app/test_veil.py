"""A veil makes faint what stands on the screen: nothing of it is painted for that, and what changes below is seen."""

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.theme import Theme
from app.widgets import Veil

BEFORE, AFTER = QColor("#3B5BDB"), QColor("#E8590C")


class Card(QWidget):
    """Shows its colour, and notes which parts of it are painted."""

    def __init__(self, left: int, painted: list[QRect], parent: QWidget) -> None:
        super().__init__(parent)
        self.colour = BEFORE
        self._painted = painted
        self.setGeometry(left, 20, 100, 100)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painted.append(event.rect())
        QPainter(self).fillRect(self.rect(), self.colour)


@pytest.fixture
def painted() -> list[QRect]:
    return []


@pytest.fixture
def page(qtbot: QtBot, painted: list[QRect]) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(300, 200)
    for left in (10, 150):
        Card(left, painted, made)
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: len(painted) >= 2)
    settle()
    painted.clear()
    return made


def settle() -> None:
    """All that is to be painted is."""
    for _ in range(5):
        QApplication.processEvents()


def on_screen(page: QWidget, x: int) -> QColor:
    """The colour of a place on a card."""
    picture = page.screen().grabWindow(page.winId())
    return picture.toImage().pixelColor(QPoint(x, 60) * picture.devicePixelRatio())


def faint(theme: Theme, colour: QColor) -> QColor:
    ground, shown = theme.color("bg"), 0.6
    parts = zip(colour.getRgb()[:3], ground.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(own * shown + other * (1 - shown)) for own, other in parts))


def alike(one: QColor, other: QColor) -> bool:
    pairs = zip(one.getRgb(), other.getRgb(), strict=True)  # type: ignore[call-overload]
    return all(abs(left - right) <= 2 for left, right in pairs)


def test_what_is_veiled_is_not_painted_for_it(theme: Theme, page: QWidget, painted: list[QRect]) -> None:
    veil = Veil(theme, page)
    veil._cover()
    settle()
    assert painted == []
    assert alike(on_screen(page, 60), faint(theme, BEFORE)) and alike(on_screen(page, 200), faint(theme, BEFORE))


def test_what_changes_below_a_veil_is_seen_and_as_faint(
    qtbot: QtBot, theme: Theme, page: QWidget, painted: list[QRect]
) -> None:
    veil = Veil(theme, page)
    first, second = page.findChildren(Card)
    second.colour = AFTER
    second.update()
    # It was not painted yet when the veil came.
    veil._cover()
    settle()
    assert len(painted) == 1 and alike(on_screen(page, 200), faint(theme, AFTER))
    first.colour = AFTER
    for _ in range(2):
        first.update()
        settle()
        assert alike(on_screen(page, 60), faint(theme, AFTER)), "the second time as the first"
    veil.end()
    qtbot.waitUntil(lambda: on_screen(page, 60) == on_screen(page, 200) == AFTER)


def test_a_page_of_another_size_is_veiled_as_a_whole(
    qtbot: QtBot, theme: Theme, page: QWidget, painted: list[QRect]
) -> None:
    veil = Veil(theme, page)
    veil._cover()
    page.resize(320, 220)
    qtbot.waitUntil(lambda: veil.geometry() == page.rect())
    settle()
    assert painted and alike(on_screen(page, 60), faint(theme, BEFORE))


def test_nothing_is_painted_below_bars_where_nothing_was_shown_yet(
    theme: Theme, page: QWidget, painted: list[QRect]
) -> None:
    veil = Veil(theme, page)
    veil.empty = True
    veil._cover()
    page.update()
    settle()
    assert painted == []
    picture = page.grab().toImage()
    places = {picture.pixelColor(x, y).name() for x in range(0, 300, 3) for y in range(4, 200, 3)}
    assert BEFORE.name() not in places and theme.color("hover").name() in places


def test_the_line_that_moves_on_has_nothing_painted_under_it(
    qtbot: QtBot, theme: Theme, page: QWidget, painted: list[QRect]
) -> None:
    under = Card(10, painted, page)
    under.setGeometry(0, 0, 300, 10)
    under.show()
    settle()
    veil = Veil(theme, page)
    veil._cover()
    lines = set()
    painted.clear()

    def moved() -> bool:
        picture = page.screen().grabWindow(page.winId()).toImage()
        lines.add(tuple(picture.pixelColor(x, 0).name() for x in range(0, picture.width(), 5)))
        return len(lines) >= 3

    qtbot.waitUntil(moved)
    assert painted == [] and any(theme.color("accent").name() in line for line in lines)
