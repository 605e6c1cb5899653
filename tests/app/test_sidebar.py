"""The sidebar on screens of every height: nothing of it lies on what is beside it, and all can be pressed."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.pages import PAGES
from app.sidebar import Sidebar
from app.theme import Theme

# A screen of 768 px below its bars where everything is shown twice and one and a half times as large; one of 600 px;
# the least window, and the design's.
HEIGHTS = (364, 485, 560, 680, 900)


@pytest.fixture
def sidebar(theme: Theme, qtbot: QtBot) -> Iterator[Sidebar]:
    """In a window, which says how high it is."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(400, 1000)
    sidebar = Sidebar(theme, PAGES, window)
    window.show()
    yield sidebar


# Where a screen is as low as the first, its window is so narrow that the sidebar is a column of icons.
@pytest.mark.parametrize(
    ("height", "narrow"), [*((height, True) for height in HEIGHTS), *((height, False) for height in HEIGHTS[1:])]
)
def test_nothing_lies_on_anything_else(sidebar: Sidebar, height: int, narrow: bool) -> None:
    sidebar.set_narrow(narrow)
    sidebar.resize(sidebar.width(), height)
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    parts = sorted(
        (part for part in sidebar.children() if isinstance(part, QWidget) and part.isVisible()),
        key=lambda part: part.y(),
    )
    for upper, lower in pairwise(parts):
        assert upper.geometry().bottom() < lower.y(), (upper, lower)
    assert parts[-1].geometry().bottom() < height
    for button in sidebar.buttons.values():
        assert button.isVisible() and button.height() >= 22


def test_themes_are_chosen_there_again_once_there_is_room(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.resize(sidebar.width(), 485)
    row = sidebar.buttons["overview"].height()
    assert not sidebar.theme_switch.isVisible()
    sidebar.resize(sidebar.width(), 900)
    qtbot.waitUntil(lambda: sidebar.buttons["overview"].height() > row)
    assert sidebar.theme_switch.isVisible()
