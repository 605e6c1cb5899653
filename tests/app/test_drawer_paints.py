"""A drawer that opens makes what is beside it narrower: that is painted first, and the drawer in another turn."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.theme import Theme
from app.widgets import Drawer
from app.widgets.curtain import Curtain
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
    whole = Painted(drawer)
    drawer.open()
    qtbot.waitUntil(drawer.findChild(Curtain).isHidden)
    assert [names for names in updates.together if names] == [["beside"], ["drawer"]]
    assert [part.height() for part in whole.parts] == [drawer.height()], "all of it at once"


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
