"""Columns of each table, by mouse and by keyboard: moved, drawn wider, fitted, sorted by, hidden, and as they were."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.overview.breakdown import MEASURES, BreakdownModel
from app.overview.table import BreakdownTable
from app.pages.api_keys import ApiKeysPage
from app.pages.compare_parts.history import HistoryPane
from app.pages.models import ModelsPage
from app.pages.models_parts.bill_pane import BillPane
from app.pages.models_parts.repricing_pane import RepricingPane
from app.pages.requests import RequestsPage
from app.preferences import Preferences
from app.tables.header import TableHeader
from app.tables.kept_columns import keep_columns
from app.tables.model import ListModel
from app.tables.view import TableView
from app.theme import Theme
from tests.app.test_looks import TABLES

LEFT = Qt.MouseButton.LeftButton


class Counted(ListModel[Any]):
    """Without rows; what is asked to be sorted is noted."""

    def __init__(self, table: str) -> None:
        super().__init__(TABLES[table], key=str)
        self.sorts: list[tuple[int, bool]] = []

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.sorts.append((column, order == Qt.SortOrder.DescendingOrder))


@pytest.fixture(params=TABLES)
def view(request: pytest.FixtureRequest, theme: Theme, qtbot: QtBot) -> Iterator[TableView]:
    made = TableView(theme, Counted(request.param), request.param)
    qtbot.addWidget(made)
    made.resize(2600, 300)
    made.show()
    yield made


def keys(view: TableView) -> list[str]:
    return [column.key for column in view.shown_columns()]


def sorts(view: TableView) -> list[tuple[int, bool]]:
    model = view.model()
    assert isinstance(model, Counted)
    return model.sorts


def drag(view: TableView, first: QPoint, last: QPoint) -> None:
    """As a hand does: pressed, moved in steps, let go."""
    pane = view.horizontalHeader().viewport()
    QTest.mousePress(pane, LEFT, Qt.KeyboardModifier.NoModifier, first)
    for step in range(1, 11):
        QTest.mouseMove(pane, first + (last - first) * step / 10)
        QApplication.processEvents()
    QTest.mouseRelease(pane, LEFT, Qt.KeyboardModifier.NoModifier, last)


def middle(view: TableView, section: int) -> QPoint:
    header = view.horizontalHeader()
    return QPoint(header.sectionViewportPosition(section) + header.sectionSize(section) // 2, header.height() // 2)


def edge(view: TableView, section: int) -> QPoint:
    header = view.horizontalHeader()
    return QPoint(header.sectionViewportPosition(section) + header.sectionSize(section) - 1, header.height() // 2)


def test_a_title_is_dragged_to_another_place_and_nothing_is_sorted(view: TableView) -> None:
    before, header = keys(view), view.horizontalHeader()
    beyond = header.sectionViewportPosition(1) + header.sectionSize(1) - 4
    drag(view, middle(view, 0), QPoint(beyond, header.height() // 2))
    assert keys(view) == [before[1], before[0], *before[2:]]
    assert sorts(view) == []
    view.reset_columns()
    assert keys(view) == before


def test_an_edge_is_dragged_and_a_double_click_on_it_fits(view: TableView) -> None:
    header = view.horizontalHeader()
    assert isinstance(header, TableHeader)
    # One that takes nothing of what is left.
    section = next(n for n, each in enumerate(view._rows.columns) if not each.grow and not view.isColumnHidden(n))
    usual = view.columnWidth(section)
    drag(view, edge(view, section), edge(view, section) + QPoint(40, 0))
    assert view.columnWidth(section) == usual + 40 and sorts(view) == []
    QTest.mouseDClick(header.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, edge(view, section))
    assert view.columnWidth(section) == max(header.title_width(section), header.minimumSectionSize())
    assert sorts(view) == []
    view.reset_columns()
    assert view.columnWidth(section) == usual


def test_a_click_on_a_title_sorts_and_another_turns_the_rows_round(view: TableView) -> None:
    for section, column in enumerate(view._rows.columns):
        if view.isColumnHidden(section):
            continue
        sorts(view).clear()
        for _ in range(2):
            QTest.mouseClick(view.horizontalHeader().viewport(), LEFT, pos=middle(view, section))
        assert sorts(view) == ([(section, False), (section, True)] if column.sortable else []), column.key


def by_key(view: QTableView) -> QMenu:
    """The menu of the key that is for it."""
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), view.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(view, event)
    (menu,) = (each for each in view.findChildren(QMenu) if each.isVisible() and each.parent() is view)
    return menu


def sorting(menu: QMenu) -> dict[str, Any]:
    found = menu if menu.objectName() == "sort_menu" else menu.findChild(QMenu, "sort_menu")
    return {} if found is None else {action.text(): action for action in found.actions()}


def test_the_menu_key_sorts_by_what_a_click_does(view: TableView) -> None:
    menu = by_key(view)
    offered = sorting(menu)
    sortable = [
        (n, each) for n, each in enumerate(view._rows.columns) if each.sortable and not view.isColumnHidden(n)
    ]
    assert list(offered) == [column.title for _, column in sortable]
    for section, column in sortable:
        sorts(view).clear()
        offered[column.title].trigger()
        offered[column.title].trigger()
        assert sorts(view) == [(section, False), (section, True)]
    menu.close()
    if sortable:
        again = by_key(view)
        assert [text for text, action in sorting(again).items() if action.isChecked()] == [sortable[-1][1].title]
        again.close()


def test_the_menu_key_moves_hides_and_brings_back_the_column_that_arrows_chose(view: TableView, qtbot: QtBot) -> None:
    before, columns = keys(view), view._rows.columns
    assert all(column.title for column in columns), "each has a name in menus"
    view._rows.rowCount = lambda parent=None: 1  # type: ignore[method-assign]
    view._rows.row = lambda number: None  # type: ignore[method-assign]
    view._rows.modelReset.emit()
    view.setFocus()
    view.setCurrentIndex(view._rows.index(0, 0))
    qtbot.keyClick(view, Qt.Key.Key_Right)
    title = columns[view.currentIndex().column()].title
    menu = by_key(view)
    arranging = menu.findChild(QMenu, "columns_menu")
    assert arranging is not None
    offered = {action.text(): action for action in arranging.actions()}
    offered[f"Move {title} left"].trigger()
    assert keys(view) == [before[1], before[0], *before[2:]]
    offered[title].trigger()
    assert keys(view) == [before[0], *before[2:]]
    menu.close()
    menu = by_key(view)
    arranging = menu.findChild(QMenu, "columns_menu")
    assert arranging is not None
    offered = {action.text(): action for action in arranging.actions()}
    assert f"Move {title} left" not in offered, "none is moved that cannot be seen"
    offered["The usual columns"].trigger()
    assert keys(view) == before
    menu.close()


def test_a_menu_that_stays_open_offers_what_can_be_done_as_the_columns_stand_now(view: TableView) -> None:
    before, columns = keys(view), view._rows.columns
    at = next(number for number, column in enumerate(columns) if column.key == before[-1])
    title, beside = columns[at].title, next(column for column in columns if column.key == before[-2])
    menu = view.columns_menu(view, at)
    offered = {action.text(): action for action in menu.actions()}
    names = (f"Move {title} left", f"Move {title} right", f"Fit {title} to what is shown")

    def enabled() -> tuple[bool, ...]:
        return tuple(offered[name].isEnabled() for name in names)

    assert enabled() == (True, False, True)
    offered[title].trigger()
    assert enabled() == (False, False, False), "none is moved that cannot be seen"
    offered[title].trigger()
    offered[names[0]].trigger()
    assert keys(view)[-1] == beside.key
    if beside.title in offered:
        offered[beside.title].trigger()
        assert enabled() == (len(before) > 2, False, True)
    menu.close()


def test_what_was_arranged_stands_so_in_the_next_window(view: TableView, theme: Theme, qtbot: QtBot) -> None:
    preferences = Preferences()
    keep_columns(view, preferences, "a")
    view.move_column(0, 1)
    view.show_column(view._rows.columns[2].key, False)
    arranged = view.columns_text()
    qtbot.waitUntil(lambda: preferences.kept("columns/a") == arranged)
    later = TableView(theme, ListModel[Any](view._rows.columns, key=str), "later")
    qtbot.addWidget(later)
    keep_columns(later, preferences, "a")
    assert keys(later) == keys(view)
    other = TableView(theme, ListModel[Any](view._rows.columns, key=str), "other")
    qtbot.addWidget(other)
    keep_columns(other, preferences, "b")
    assert keys(other) != keys(view)


def test_what_was_arranged_just_before_the_window_ends_is_kept(view: TableView) -> None:
    preferences = Preferences()
    keep_columns(view, preferences, "a")
    view.move_column(0, 1)
    arranged = view.columns_text()
    assert preferences.kept("columns/a") != arranged
    view.hide()
    assert preferences.kept("columns/a") == arranged


def test_a_column_that_grows_is_drawn_as_narrow_as_can_be_and_keeps_a_width(view: TableView) -> None:
    """In a narrow window it had the width that it had in a wide one."""
    least = view.horizontalHeader().minimumSectionSize()
    growing = [n for n, each in enumerate(view._rows.columns) if each.grow and not view.isColumnHidden(n)]
    for section in growing:
        view.setColumnWidth(section, least)
    for width in (2500, 100):
        view.resize(width, 300)
    assert [view.columnWidth(section) for section in growing] == [least] * len(growing)


def test_a_column_that_is_drawn_to_and_fro_is_as_wide_as_before(view: TableView) -> None:
    kept = view.columns_text()
    section = next(n for n, each in enumerate(view._rows.columns) if each.grow)
    wide = view.columnWidth(section)
    for width in (view.horizontalHeader().minimumSectionSize(), wide):
        view.setColumnWidth(section, width)
    assert view.columns_text() == kept


def test_a_column_that_comes_back_is_as_wide_as_it_was(view: TableView, theme: Theme, qtbot: QtBot) -> None:
    """Each time it was wider by itself, and by 100 pixels with each start of the program."""
    columns = view._rows.columns
    view.resize(100, 300)
    usual = view.columns_text()
    for _ in range(2):
        for shown in (False, True):
            for column in columns[1:]:
                view.show_column(column.key, shown)
    assert [view.columnWidth(section) for section in range(len(columns))] == [column.width for column in columns]
    arranged = view.columns_text()
    for _ in range(2):
        later = TableView(theme, ListModel[Any](columns, key=str), "later")
        qtbot.addWidget(later)
        later.restore_columns(arranged)
        later.show()
        assert later.columns_text() == arranged
    view.reset_columns()
    assert view.columns_text() == usual


def test_a_breakdown_is_sorted_by_its_menu_too(theme: Theme, qtbot: QtBot) -> None:
    model = BreakdownModel(MEASURES)
    table = BreakdownTable(theme, model)
    model.setParent(table)
    qtbot.addWidget(table)
    table.resize(1600, 300)
    table.show()
    menu = by_key(table)
    offered = sorting(menu)
    assert [text for text, action in offered.items() if action.isChecked()] == ["Cost"]
    offered["Requests"].trigger()
    section = [measure.title for measure in MEASURES].index("Requests")
    assert (model.sorted_by, model.order) == (section, Qt.SortOrder.DescendingOrder)
    offered["Requests"].trigger()
    assert (model.sorted_by, model.order) == (section, Qt.SortOrder.AscendingOrder)
    menu.close()
    qtbot.waitUntil(lambda: not table.findChildren(QMenu))


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (RequestsPage, {"requests"}),
        (ApiKeysPage, {"api_keys"}),
        (ModelsPage, {"models"}),
        (BillPane, {"bill_parts", "bill_lines", "bill_requests"}),
        (RepricingPane, {"repricing_models", "repricing_history"}),
        (HistoryPane, {"compare_models", "compare_answers"}),
    ],
)
def test_each_table_of_the_window_keeps_its_columns_under_a_name_of_its_own(
    qtbot: QtBot, context: AppContext, page: Callable[[AppContext], QWidget], names: set[str]
) -> None:
    made, preferences = page(context), context.shell.preferences
    qtbot.addWidget(made)
    views = made.findChildren(TableView)
    for view in views:
        view.show_column(view._rows.columns[-1].key, view.isColumnHidden(len(view._rows.columns) - 1))
    qtbot.waitUntil(lambda: all(preferences.kept(f"columns/{name}") for name in names))
    assert {preferences.kept(f"columns/{name}") for name in names} == {view.columns_text() for view in views}
