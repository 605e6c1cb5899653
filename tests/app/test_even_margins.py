"""What stands in a card or a question has as much room on one side as on the other."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QScrollBar,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.charts import ScatterCard
from app.context import AppContext
from app.filters import FilterState
from app.pages.compare_parts.history import HistoryPane
from app.pages.connect import ConnectPage
from app.pages.conversations_parts.block import Block
from app.pages.conversations_parts.pictures import Pictures
from app.pages.conversations_parts.thread_view import ThreadView
from app.pages.models_parts.scrolled import scrolled
from app.pages.requests_parts.panel import RequestPanel
from app.pages.settings import SettingsPage
from app.pages.settings_parts.line import LineCard
from app.questions import ask_to_leave_demo
from app.tables.column import Column
from app.tables.model import ListModel
from app.tables.painter import CELL_PADDING
from app.tables.view import TableView
from app.theme import Theme
from app.widgets import Card, ElidedLabel
from gateway import CostExplanation
from tests.app.fake_gateway import FakeGateway
from tests.app.spawner import Spawner


def inked(image: QImage, left: int, right: int, ground: str) -> list[int]:
    """The lines between two columns in which something is drawn."""
    return [
        y for y in range(image.height()) if any(image.pixelColor(x, y).name() != ground for x in range(left, right))
    ]


def test_a_tables_titles_stand_in_the_middle_between_the_cards_edge_and_their_line(
    qtbot: QtBot, theme: Theme
) -> None:
    columns: tuple[Column[str], ...] = (
        Column(key="model", title="Model", text=lambda row: row, value=lambda row: row, width=120),
    )
    model: ListModel[str] = ListModel(columns, key=lambda row: row)
    view = TableView(theme, model, "Models")
    card = Card.around(theme, view)
    qtbot.addWidget(card)
    card.resize(400, 200)
    card.show()
    header = view.horizontalHeader()
    line = header.mapTo(card, header.rect().bottomLeft()).y()
    ground = theme.color("surface").name()
    drawn = [y for y in inked(card.grab().toImage(), 6, 60, ground) if 1 < y < line]
    above, below = drawn[0], line - drawn[-1]
    assert abs(above - below) <= 2, (above, below)
    assert line >= 34, "a header is as high as a row of the sidebar"


def test_a_question_has_the_same_margin_on_every_side(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    ask_to_leave_demo(parent, lambda: None)
    box = parent.findChild(QMessageBox)
    assert box is not None
    title = box.findChild(QLabel, "qt_msgbox_label")
    text = box.findChild(QLabel, "qt_msgbox_informativelabel")
    buttons = box.findChild(QDialogButtonBox)
    assert title is not None and text is not None and buttons is not None
    lefts = {label.mapTo(box, label.contentsRect().topLeft()).x() for label in (title, text)}
    last = max(button.geometry().right() for button in buttons.buttons())
    right = box.width() - 1 - buttons.mapTo(box, buttons.rect().topLeft()).x() - last
    bottom = box.height() - 1 - buttons.mapTo(box, buttons.rect().bottomLeft()).y()
    assert lefts == {20} and right == 20 and bottom == 20, (lefts, right, bottom)
    box.reject()


@pytest.fixture
def history(qtbot: QtBot, theme: Theme, spawner: Spawner) -> HistoryPane:
    gateway = FakeGateway(10)
    made = HistoryPane(AppContext(gateway, theme, FilterState(), spawner))  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.whole.setCurrentIndex(0)
    made.show()
    return made


def test_the_titles_of_two_cards_beside_each_other_stand_in_one_line(history: HistoryPane) -> None:
    history.resize(1180, 800)
    title = next(label for label in history.findChildren(ElidedLabel) if label.text().startswith("Averages of"))
    middles = [label.mapTo(history, label.rect().center()).y() for label in (history.scatter.title, title)]
    assert abs(middles[0] - middles[1]) <= 1, middles
    cards = [history.scatter, *(card for card in history.findChildren(Card) if card.isAncestorOf(title))]
    inset = [
        label.mapTo(card, label.contentsRect().topLeft()).x()
        for card, label in zip(cards, (history.scatter.title, title), strict=True)
    ]
    view = history.models_view
    assert inset == [17, 16] and view.mapTo(cards[1], QPoint(CELL_PADDING, 0)).x() == 16, inset


@pytest.mark.parametrize(("width", "whole"), [(1180, "total"), (968, "total"), (800, "cost")])
def test_averages_beside_a_chart_are_not_cut_where_it_can_spare_the_room(
    history: HistoryPane, width: int, whole: str
) -> None:
    """At the design's width, in the smallest window, and beside a drawer."""
    history.resize(width, 800)
    history.ensurePolished()
    QApplication.sendPostedEvents()
    view, keys = history.models_view, [column.key for column in history.models_model.columns]
    end = view.columnViewportPosition(keys.index(whole)) + view.columnWidth(keys.index(whole))
    assert end <= view.viewport().width(), (end, view.viewport().width())
    assert history.scatter.note.width() >= history.scatter.note.sizeHint().width()


def test_what_a_scatter_shows_is_said_whole_beside_a_drawer(history: HistoryPane) -> None:
    """At the design's width a card is this wide while an answer's details are open."""
    scatter: ScatterCard = history.scatter
    scatter.setParent(None)
    scatter.resize(369, 300)
    scatter.show()
    assert scatter.note.width() >= scatter.note.sizeHint().width()
    scatter.deleteLater()


def right_margin(part: QWidget, within: QWidget) -> int:
    return within.width() - part.mapTo(within, part.rect().topRight()).x() - 1


@pytest.mark.parametrize("height", [300, 2000])
def test_what_scrolls_in_a_page_ends_where_its_banners_do(
    qtbot: QtBot, theme: Theme, spawner: Spawner, height: int
) -> None:
    context = AppContext(FakeGateway(0), theme, FilterState(), spawner)  # type: ignore[arg-type]
    settings, connect = SettingsPage(context), ConnectPage(context)
    for page in (settings, connect):
        qtbot.addWidget(page)
        # Narrower than its widest column.
        page.resize(960, height)
        page.show()
        for bar in page.findChildren(QScrollBar):
            QApplication.sendPostedEvents(bar)
    card = settings.views[settings.section].findChild(LineCard)
    assert card is not None
    assert [right_margin(card, settings), right_margin(connect.view, connect)] == [24, 24]


@pytest.mark.parametrize("height", [100, 900])
def test_what_scrolls_in_a_drawer_has_the_same_margin_on_both_sides(qtbot: QtBot, height: int) -> None:
    content = QWidget()
    column = QVBoxLayout(content)
    column.setContentsMargins(16, 8, 16, 8)
    field = QLineEdit()
    field.setFixedHeight(200)
    column.addWidget(field)
    area = scrolled(content, "Fields")
    qtbot.addWidget(area)
    area.resize(420, height)
    area.show()
    assert field.mapTo(area, field.rect().topLeft()).x() == 16 == right_margin(field, area)


def test_the_lines_of_a_request_end_where_its_search_does(qtbot: QtBot, theme: Theme) -> None:
    panel = RequestPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(420, 300)
    panel.show()
    row = FakeGateway(1).rows[0]
    panel.show_record(row, str, CostExplanation(cost_nano=row.cost_nano, source="list"))
    qtbot.waitUntil(lambda: panel.body is not None and panel.body.isVisible())
    assert panel.body is not None
    assert panel.body.mapTo(panel, QPoint(0, 0)).x() == 16 == right_margin(panel.body, panel)


@pytest.mark.parametrize("margin", [13, 12])
def test_blocks_on_another_ground_stand_as_far_below_its_edge_as_beside_it(
    qtbot: QtBot, theme: Theme, spawner: Spawner, margin: int
) -> None:
    view = ThreadView(theme, Pictures(spawner), margins=(margin, margin, margin))
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show()
    view.set_blocks((Block(key="a", kind="waiting", title="Waiting"),), keep=False)
    image = view.viewport().grab().toImage()
    middle = image.width() // 2
    first = next(y for y in range(image.height()) if image.pixelColor(middle, y) != image.pixelColor(middle, 0))
    assert first == margin
