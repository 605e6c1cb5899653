"""A drawer that opens makes what is beside it narrower: that is painted first, and the drawer in another turn."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.theme import Theme
from app.widgets import Drawer
from app.widgets.curtain import Curtain
from app.widgets.drawer import WIDTH
from tests.app.test_short_slots import Painted
from tests.app.test_thread_slots import Updates


@pytest.fixture
def drawer(qtbot: QtBot, theme: Theme) -> Iterator[Drawer]:
    window = QWidget()
    row = QHBoxLayout(window)
    row.addWidget(QLabel("beside"), 1)
    made = Drawer(theme, window)
    made.set_content(QLabel("details"))
    row.addWidget(made)
    qtbot.addWidget(window)
    window.resize(900, 700)
    with qtbot.waitExposed(window):
        window.show()
    QApplication.processEvents()
    yield made


def test_a_drawer_is_painted_after_what_it_makes_narrower(drawer: Drawer, qtbot: QtBot) -> None:
    beside = drawer.window().findChild(QLabel)
    assert isinstance(beside, QLabel)
    updates = Updates(drawer.window(), {"beside": beside, "drawer": drawer})
    painted = Painted(drawer)
    drawer.open()
    qtbot.waitUntil(drawer.findChild(Curtain).isHidden)
    beside_first, *then = [names for names in updates.together if names]
    assert beside_first == ["beside"] and {name for names in then for name in names} == {"drawer"}
    assert sum(part.height() * part.width() for part in painted.parts) == drawer.height() * drawer.width()


def put_beside(qtbot: QtBot, drawer: Drawer, main: QWidget, page: QWidget) -> None:
    """A page of 1200 px on show, with a main part that makes room in pieces."""
    drawer.set_content(QLabel("details"))
    drawer.stand_beside(main, page, in_pieces=True)
    qtbot.addWidget(page)
    page.resize(1200, 700)
    with qtbot.waitExposed(page):
        page.show()


def test_what_has_many_widgets_beside_a_drawer_is_painted_in_pieces_as_it_comes_and_goes(
    qtbot: QtBot, theme: Theme
) -> None:
    page, main, drawer = QWidget(), QWidget(), Drawer(theme)
    grid = QGridLayout(main)
    for number in range(60):
        grid.addWidget(QLabel(f"{number}"), number // 4, number % 4)
    put_beside(qtbot, drawer, main, page)
    labels = {label.text(): label for label in main.findChildren(QLabel)}
    beside, own = (
        page.findChild(Curtain, options=Qt.FindChildOption.FindDirectChildrenOnly),
        drawer.findChild(Curtain),
    )
    assert beside is not None and own is not None
    for change in (drawer.open, drawer.close_drawer):
        qtbot.waitUntil(lambda: beside.isHidden() and own.isHidden())
        updates = Updates(page, labels)
        change()
        assert beside.isVisible() and beside.width() == page.width() - (drawer.width() if drawer.isVisible() else 0)
        qtbot.waitUntil(lambda: beside.isHidden() and own.isHidden())
        counts = [len(names) for names in updates.together if names]
        assert sum(counts) >= 60 and max(counts) <= 40


class Main(QWidget):
    """Notes how wide it becomes."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[int] = []

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.widths.append(event.size().width())


@pytest.fixture
def beside(qtbot: QtBot, theme: Theme) -> Iterator[tuple[Main, Drawer]]:
    """A main part of 1200 px, and a closed drawer that makes it narrower in pieces."""
    page, main, made = QWidget(), Main(), Drawer(theme)
    put_beside(qtbot, made, main, page)
    main.widths.clear()
    yield main, made


def test_a_drawer_comes_after_the_click_and_after_what_is_beside_it_made_room(
    beside: tuple[Main, Drawer], qtbot: QtBot
) -> None:
    main, made = beside
    seen: list[list[int]] = []

    def go() -> None:
        seen.append(list(main.widths))
        made.open()
        seen.append(list(main.widths))

    made.open_soon(go)
    assert (seen, main.widths) == ([], [])
    qtbot.waitUntil(made.isVisible)
    assert seen == [[1200 - WIDTH], [1200 - WIDTH]]
    qtbot.waitUntil(made.findChild(Curtain).isHidden)
    made.close_drawer()
    qtbot.waitUntil(lambda: main.width() == 1200)
    assert main.widths == [1200 - WIDTH, 1200]


def test_the_room_of_a_drawer_that_does_not_come_is_given_back(beside: tuple[Main, Drawer], qtbot: QtBot) -> None:
    main, made = beside
    done: list[bool] = []
    made._make_room(lambda: done.append(True))
    made.close_drawer()
    assert main.width() == 1200 - WIDTH
    qtbot.waitUntil(lambda: main.width() == 1200)
    made.open_soon(lambda: done.append(True))
    qtbot.waitUntil(lambda: main.widths == [1200 - WIDTH, 1200] * 2)
    assert done == [True] and made.isHidden()


@pytest.mark.parametrize("turns", [0, 1])
def test_a_drawer_does_not_come_where_its_page_is_left_in_the_turns_between(
    beside: tuple[Main, Drawer], qtbot: QtBot, turns: int
) -> None:
    """The field that it gives the keyboard to took it from the page that came."""
    main, made = beside
    done: list[bool] = []
    # A wait for the first turn would reach into the second one on a busy machine.
    come = made._make_room if turns else made.open_soon
    come(lambda: done.append(True))
    assert main.widths == [1200 - WIDTH] * turns
    main.window().hide()
    qtbot.waitUntil(lambda: not made._opening._timer.isActive())
    main.window().show()
    qtbot.waitUntil(lambda: main.width() == 1200)
    assert done == [] and made.isHidden()


def test_a_drawer_that_is_open_is_not_covered_again(drawer: Drawer, qtbot: QtBot) -> None:
    curtain = drawer.findChild(Curtain)
    drawer.open()
    assert not curtain.isHidden()
    qtbot.waitUntil(curtain.isHidden)
    drawer.open()
    assert curtain.isHidden()


def test_a_drawer_is_painted_once_and_not_again_when_it_takes_clicks(drawer: Drawer, qtbot: QtBot) -> None:
    drawer.open()
    qtbot.waitUntil(drawer.findChild(Curtain).isHidden)
    QApplication.processEvents()
    painted = Painted(drawer)
    drawer._shielding.start(0)
    qtbot.waitUntil(drawer._shield.isHidden)
    QApplication.processEvents()
    assert painted.parts == []
