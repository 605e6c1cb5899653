"""Each page while it is read, and when that fails: what is seen, what stays, and the way back."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSettings, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.pages import PAGES
from app.pages.compare_parts.question_card import QuestionCard
from app.pages.connect_parts.tool_list import ToolList
from app.pages.page import Page
from app.pages.providers_parts.card import ProviderCard
from app.pages.settings_parts.line import LineCard
from app.questions import ask_to_leave_demo
from app.theme import Theme
from app.throttle import EVERYTHING
from app.widgets import Banner, Card
from app.window import DESIGN_SIZE, Window
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.fake_threads import plain_thread
from tests.app.turns import Turns

BROKEN = "usage.db cannot be read (disk I/O error): look at the disk, then retry."
KEYS = [entry.key for entry in PAGES]


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, fake_gateway: FakeGateway, turns: Turns, tmp_path: Path) -> Window:
    fake_gateway.told = [plain_thread(number, NOW_US) for number in range(3)]
    context = AppContext(fake_gateway, theme, FilterState(tz="UTC"), turns)  # type: ignore[arg-type]
    made = Window(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    made.resize(*DESIGN_SIZE)
    qtbot.addWidget(made, before_close_func=lambda window: setattr(window, "_may_close", True))
    made.show()
    return made


def opened(window: Window, key: str) -> Page:
    """A page whose first questions wait for their turn."""
    window.start_pages()
    window.open_page(key)
    assert window.page is not None
    return window.page


def told(page: QWidget) -> list[Banner]:
    return [banner for banner in page.findChildren(Banner) if banner.isVisible() and banner.text() == BROKEN]


@pytest.mark.parametrize("key", KEYS)
def test_a_page_that_takes_long_is_covered_until_it_is_read(
    qtbot: QtBot, window: Window, turns: Turns, key: str
) -> None:
    page = opened(window, key)
    covered: list[bool] = []
    refresh = page.refresh

    async def slow(changes: object) -> None:
        if not covered and page.veil._delay.isActive():
            qtbot.waitUntil(page.veil.isVisible)
            covered.append(page.veil.empty)
        await refresh(changes)  # type: ignore[arg-type]

    page.refresh = slow  # type: ignore[method-assign]
    turns.run()
    assert covered == [True] and page.veil.isHidden()


@pytest.mark.parametrize("key", KEYS)
def test_a_page_that_cannot_be_read_says_why_and_goes_on_when_it_can(
    qtbot: QtBot, window: Window, fake_gateway: FakeGateway, turns: Turns, key: str
) -> None:
    page = opened(window, key)
    turns.run()
    assert not told(page)
    fake_gateway.fails = BROKEN
    turns(page.refresh(EVERYTHING))
    turns.run()
    (banner,) = told(page)
    assert banner.button is not None and banner.isVisible()
    fake_gateway.fails = None
    qtbot.mouseClick(banner.button, Qt.MouseButton.LeftButton)
    turns.run()
    assert not told(page)


def test_a_question_has_an_edge_on_every_side(qtbot: QtBot, window: Window, theme: Theme) -> None:
    """Where no window manager draws one, white would lie on white."""
    ask_to_leave_demo(window, lambda: None)
    box = window.findChild(QMessageBox, "question.leave_demo")
    assert box is not None
    picture = box.grab().toImage()
    right, low = picture.width() - 1, picture.height() - 1
    middle = (picture.width() // 2, picture.height() // 2)
    places = ((0, middle[1]), (right, middle[1]), (middle[0], 0), (middle[0], low))
    assert {QColor(picture.pixel(*place)).name() for place in places} == {theme.color("border_strong").name()}
    box.close()


KINDS = {
    "api_keys": Card,
    "providers": ProviderCard,
    "compare": QuestionCard,
    "connect": ToolList,
    "settings": LineCard,
}


@pytest.mark.parametrize("key", KINDS)
def test_what_stands_for_a_page_stands_where_its_parts_will(window: Window, turns: Turns, key: str) -> None:
    """Of the cards that are announced, the first ones are the page's own, within some pixels."""
    page = opened(window, key)
    turns.run()
    for size in ((1024, 700), (1440, 900)):
        window.resize(*size)
        QApplication.processEvents()
        announced = [place.box for place in page.places(page.width(), page.height()) if place.card]
        found = [one.card if isinstance(one, LineCard) else one for one in page.findChildren(KINDS[key])]
        places = [QRect(one.mapTo(page, QPoint()), one.size()) for one in found if one.isVisible()]
        places.sort(key=lambda at: (at.y(), at.x()))
        assert places and announced
        for place, box in zip(places[: 4 if key == "providers" else 1], announced, strict=False):
            for real, shown in ((place.x(), box.x()), (place.y(), box.y()), (place.width(), box.width())):
                assert abs(real - shown) <= 16, (size, place, box)
