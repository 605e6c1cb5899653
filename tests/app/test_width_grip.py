"""Panes are made wider by their edge, with mouse and keyboard, and are as wide at the next start."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.pages.compare import ComparePage
from app.pages.conversations import ConversationsPage
from app.pages.models import ModelsPage
from app.pages.page import Page
from app.pages.requests import RequestsPage
from app.preferences import Preferences
from app.theme import Theme
from app.widgets import Drawer, WidthGrip
from app.widgets.width_grip import GRIP, STEP

Surroundings = tuple[QWidget, QWidget, WidthGrip]


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def make(qtbot: QtBot, theme: Theme, store: QSettings) -> Callable[[], Surroundings]:
    """A pane of 300 at the right of a window of 1000, beside what needs 500."""

    def made() -> Surroundings:
        window, pane = QWidget(), QWidget()
        qtbot.addWidget(window)
        grip = WidthGrip(theme, pane, Preferences(store), "pane", usual=300, reserve=500)
        row = QHBoxLayout(window)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(QLabel("beside"), 1)
        row.addWidget(pane)
        window.resize(1000, 400)
        window.show()
        return window, pane, grip

    return made


def drag(grip: WidthGrip, by: int) -> None:
    """The pane moves below the pointer: where it is on the screen counts."""
    begun = grip.mapToGlobal(QPoint(2, 50))
    for kind, moved in (
        (QEvent.Type.MouseButtonPress, 0),
        (QEvent.Type.MouseMove, by // 2),
        (QEvent.Type.MouseMove, by),
        (QEvent.Type.MouseButtonRelease, by),
    ):
        place = QPointF(begun + QPoint(moved, 0))
        button = Qt.MouseButton.LeftButton
        QApplication.sendEvent(
            grip, QMouseEvent(kind, QPointF(2, 50), place, button, button, Qt.KeyboardModifier.NoModifier)
        )


def test_an_edge_is_dragged_as_far_as_there_is_room(make: Callable[[], Surroundings]) -> None:
    window, pane, grip = make()
    assert pane.width() == 300 and grip.geometry().topLeft() == QPoint(0, 0) and grip.width() == GRIP
    drag(grip, -120)
    assert pane.width() == 420
    drag(grip, -400)
    assert pane.width() == 500
    drag(grip, 400)
    assert pane.width() == 300, "its lines are made for that"
    drag(grip, -150)
    QTest.mouseDClick(grip, Qt.MouseButton.LeftButton)
    assert pane.width() == 300
    assert window.childAt(window.width() - 300 + 1, 100) is grip, "nothing lies over it"


def test_the_keyboard_moves_it(make: Callable[[], Surroundings], qtbot: QtBot) -> None:
    window, pane, grip = make()
    with qtbot.waitActive(window):
        window.activateWindow()
    grip.setFocus()
    before = grip.grab().toImage()
    QTest.keyClick(grip, Qt.Key.Key_Left)
    QTest.keyClick(grip, Qt.Key.Key_Left)
    assert pane.width() == 300 + 2 * STEP
    QTest.keyClick(grip, Qt.Key.Key_Right)
    assert pane.width() == 300 + STEP
    QTest.keyClick(grip, Qt.Key.Key_Home)
    assert pane.width() == 300
    grip.clearFocus()
    assert grip.grab().toImage() != before, "that it has the keyboard is seen"
    assert grip.accessibleName() == "Width"


def test_a_width_is_kept_and_gives_way_to_a_small_window(make: Callable[[], Surroundings], store: QSettings) -> None:
    first, _, grip = make()
    drag(grip, -150)
    first.close()
    window, pane, grip = make()
    assert pane.width() == 450
    window.resize(850, 400)
    assert pane.width() == 350
    window.resize(1000, 400)
    assert pane.width() == 450, "there is room again"
    QTest.keyClick(grip, Qt.Key.Key_Home)
    assert store.value("kept/widths/pane") == ""


@pytest.mark.parametrize("kept", ["wide", "-40", "9" * 12, "9" * 5_000])
def test_what_was_kept_and_is_none_is_the_usual_width(
    make: Callable[[], Surroundings], store: QSettings, kept: str
) -> None:
    store.setValue("kept/widths/pane", kept)
    _, pane, grip = make()
    assert pane.width() == 300
    drag(grip, -20)
    assert pane.width() == 320


def test_what_is_added_later_does_not_cover_it(make: Callable[[], Surroundings]) -> None:
    _, pane, _ = make()
    later = QLabel("later", pane)
    later.resize(pane.size())
    later.show()
    assert pane.childAt(2, 100) is not later


@pytest.mark.parametrize("kind", [RequestsPage, ModelsPage, ComparePage])
def test_details_can_be_made_wider(context: AppContext, qtbot: QtBot, kind: type[Page]) -> None:
    page = kind(context)
    qtbot.addWidget(page)
    page.resize(1220, 700)
    page.show()
    if isinstance(page, ComparePage):
        page.show_pane("history")
    drawer = page.findChild(Drawer)
    assert drawer is not None
    drawer.open()
    (grip,) = drawer.findChildren(WidthGrip)
    drag(grip, -100)
    assert drawer.width() == 520
    drawer.set_content(QLabel("other details"))
    below = drawer.children()[: drawer.children().index(grip)]
    assert drawer.content() in below, "what comes later does not lie over it"


def test_an_edge_leaves_the_handle_of_a_scroll_bar_alone(context: AppContext, qtbot: QtBot) -> None:
    page = ConversationsPage(context)
    qtbot.addWidget(page)
    page.resize(1220, 700)
    page.show()
    (grip,) = page.pane.findChildren(WidthGrip)
    page.pane.show_none("")
    page.pane.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
    bar = page.pane.list.verticalScrollBar()
    qtbot.waitUntil(bar.isVisible)
    # The stylesheet leaves three pixels beside a handle.
    assert grip.x() >= bar.mapTo(page.pane, bar.rect().topRight()).x() + 1 - 3


def test_the_panes_of_conversations_can_be_made_wider(context: AppContext, qtbot: QtBot) -> None:
    page = ConversationsPage(context)
    qtbot.addWidget(page)
    page.resize(1220, 700)
    page.show()
    (grip,) = page.pane.findChildren(WidthGrip)
    drag(grip, 60)
    assert page.pane.width() == 348 and grip.geometry().right() == 347
    page.thread_pane.inspector.show()
    drag(page.thread_pane.grip, -40)
    assert page.thread_pane.inspector.width() == 448
    page.resize(1000, 700)
    page.thread_pane._fit()
    assert page.thread_pane.grip.isHidden(), "it is a tab there, as wide as the thread"
    assert page.pane.width() == 288
