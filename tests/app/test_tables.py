"""Tables: a long list reads only what is looked at, off the GUI thread's turn, and what is painted is what is there."""

import csv
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QGuiApplication, QHelpEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from app import formats
from app.tables.column import Column, PillText, comma_separated, tab_separated
from app.tables.laid_texts import Face, LaidTexts
from app.tables.model import LOADING, ListModel, WindowedModel
from app.tables.recent import Recent
from app.tables.view import ROW_HEIGHT, TableView
from app.tables.window import MAX_PAGES, PAGE_ROWS, Window
from app.theme import DARK, LIGHT, Theme

MILLION = 1_000_000


@dataclass(frozen=True)
class Record:
    number: int
    name: str | None = None

    @property
    def id(self) -> str:
        return f"id-{self.number}"


COLUMNS: tuple[Column[Record], ...] = (
    Column(
        key="number", title="Number", text=lambda row: f"{row.number:,}", value=lambda row: row.number, right=True
    ),
    Column(
        key="name",
        title="Name",
        text=lambda row: row.name or "—",
        value=lambda row: row.name,
        grow=1,
        sortable=True,
        tooltip=lambda row: f"called {row.name}",
    ),
    Column(
        key="even",
        title="Even",
        text=lambda row: "even" if row.number % 2 == 0 else "odd",
        value=lambda row: row.number % 2 == 0,
        pills=lambda row: (PillText("even" if row.number % 2 == 0 else "odd", "ok"),),
        optional=True,
    ),
)


class Reader:
    """Rows made up on demand; its coroutines run only when the test says so, as a loop's later turn would."""

    def __init__(self, count: int, newest: int = 0) -> None:
        self.count = count
        self.newest = newest
        self.asked: list[tuple[int, int]] = []
        self.waiting: list[Coroutine[Any, Any, None]] = []
        self.failure: Exception | None = None

    def rows(self, offset: int, limit: int) -> list[Record]:
        return [Record(self.newest + number) for number in range(offset, min(offset + limit, self.count))]

    async def load(self, offset: int, limit: int) -> Sequence[Record]:
        self.asked.append((offset, limit))
        if self.failure is not None:
            raise self.failure
        return self.rows(offset, limit)

    def run(self) -> None:
        """Finishes everything that was spawned, and what that spawns."""
        while self.waiting:
            for coroutine in self.waiting[:]:
                self.waiting.remove(coroutine)
                with pytest.raises(StopIteration):
                    coroutine.send(None)


@pytest.fixture
def reader() -> Any:
    reader = Reader(MILLION)
    yield reader
    for coroutine in reader.waiting:
        coroutine.close()


@pytest.fixture
def model(reader: Reader, qtbot: QtBot) -> WindowedModel[Record]:
    model = WindowedModel(COLUMNS, reader.load, reader.waiting.append)
    model.open(reader.count, reader.rows(0, PAGE_ROWS))
    return model


def make_view(qtbot: QtBot, model: Any, theme: Theme | None = None) -> TableView:
    view = TableView(theme or Theme(), model, "Records")
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    return view


# what is held


def test_window_keeps_the_pages_used_last() -> None:
    window: Window[int] = Window(count=PAGE_ROWS * 100)
    for page in range(MAX_PAGES):
        window.put(page, range(page * PAGE_ROWS, (page + 1) * PAGE_ROWS))
    assert window.get(3) == 3
    window.put(77, range(77 * PAGE_ROWS, 78 * PAGE_ROWS))
    assert len(window.held_pages) == MAX_PAGES
    assert window.get(3) == 3, "page 0 was used after page 1"
    assert window.get(PAGE_ROWS + 3) is None
    assert window.get(77 * PAGE_ROWS) == 77 * PAGE_ROWS


def test_window_keeps_offsets_when_rows_come_in_front() -> None:
    window: Window[int] = Window(600, range(PAGE_ROWS))
    window.prepend([-2, -1])
    assert [window.get(row) for row in range(4)] == [-2, -1, 0, 1]
    assert window.count == 602
    assert window.page_number(2 + PAGE_ROWS) == 1
    assert window.page_rows(2) == (2 + 2 * PAGE_ROWS, 601)
    assert window.page_offset(1) == PAGE_ROWS
    window.drift = 3
    assert window.page_offset(1) == PAGE_ROWS + 3


# the models


def test_windowed_model_is_a_sound_qt_model(reader: Reader, qtbot: QtBot) -> None:
    model = WindowedModel(COLUMNS, reader.load, reader.waiting.append)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    model.open(3, reader.rows(0, 3))
    model.prepend([Record(-1)])
    model.shorten(2)
    assert tester.model() is model


def test_a_miss_is_a_placeholder_read_later(model: WindowedModel[Record], reader: Reader, qtbot: QtBot) -> None:
    cell = model.index(500_000, 0)
    assert cell.data() == LOADING
    assert reader.asked == [], "nothing is read in the turn that asked"
    with qtbot.waitSignal(model.dataChanged) as changed:
        reader.run()
    assert reader.asked == [(500_000 // PAGE_ROWS * PAGE_ROWS, PAGE_ROWS)]
    assert cell.data() == "500,000"
    first, last, _ = changed.args
    assert first.row() <= 500_000 <= last.row()
    assert cell.data() == "500,000" and len(reader.asked) == 1


def test_rows_equal_the_list_wherever_one_looks(model: WindowedModel[Record], reader: Reader) -> None:
    for row in (0, 255, 256, 257, 1_000, 767_676, MILLION - 257, MILLION - 256, MILLION - 1):
        model.index(row, 0).data()
        reader.run()
        assert model.index(row, 0).data() == f"{row:,}"


def test_memory_is_bounded(model: WindowedModel[Record], reader: Reader) -> None:
    for page in range(100):
        model.row(page * PAGE_ROWS)
        reader.run()
    assert len(model.held_pages) == MAX_PAGES


def test_a_fast_drag_reads_only_where_it_stops(model: WindowedModel[Record], reader: Reader) -> None:
    for row in range(0, MILLION, 4_000):
        model.row(row)
    model.row(MILLION - 1)
    reader.run()
    assert len(reader.asked) <= 6
    assert model.held(MILLION - 1) == Record(MILLION - 1)


def test_an_answer_to_an_older_list_is_thrown_away(model: WindowedModel[Record], reader: Reader) -> None:
    model.row(5_000)
    reader.newest = 7
    model.open(6_000, [Record(7 + number) for number in range(PAGE_ROWS)])
    reader.newest = 0
    late = reader.waiting[:]
    reader.run()
    assert late
    assert model.held(5_000) is None


def test_a_failed_page_says_so_and_is_not_asked_for_again_by_itself(
    model: WindowedModel[Record], reader: Reader, qtbot: QtBot
) -> None:
    reader.failure = OSError("The disk is gone; plug it in.")
    model.row(5_000)
    with qtbot.waitSignal(model.failed) as failed:
        reader.run()
    assert failed.args == ["The disk is gone; plug it in."]
    model.row(5_000)
    assert reader.waiting == []
    reader.failure = None
    model.retry()
    model.row(5_000)
    reader.run()
    assert model.held(5_000) == Record(5_000)


def test_an_empty_list_that_is_asked_anew_changes_nothing(qtbot: QtBot) -> None:
    """Qt warns of a range that begins nowhere."""

    async def load(_offset: int, _limit: int) -> list[str]:
        return []

    column: Column[str] = Column(key="a", title="A", text=str, value=str, width=1)
    model: WindowedModel[str] = WindowedModel([column], load, lambda coroutine: coroutine.close())
    with qtbot.assertNotEmitted(model.dataChanged):
        model.retry()


def test_where_no_row_is_chosen_there_is_none_and_nothing_is_read_for_it(
    model: WindowedModel[Record], reader: Reader, qtbot: QtBot
) -> None:
    """A view without a current row says -1: of a list just opened that was a page before the first one, and what was
    told of its rows began nowhere, of which Qt warns."""
    with qtbot.assertNotEmitted(model.dataChanged):
        assert model.row(-1) is None
        reader.run()
    assert reader.asked == []
    short: ListModel[Record] = ListModel(COLUMNS)
    short.set_rows([Record(1), Record(2)])
    assert short.row(-1) is None


def test_new_rows_in_front_keep_selection_and_offsets(
    model: WindowedModel[Record], reader: Reader, qtbot: QtBot
) -> None:
    view = make_view(qtbot, model)
    view.selectRow(2)
    model.prepend([Record(-2), Record(-1)])
    assert view.selected_ranges() == [(4, 4)]
    assert model.rowCount() == MILLION + 2
    model.row(1_002)
    reader.run()
    assert [model.held(row) for row in (0, 1, 2, 1_002)] == [Record(-2), Record(-1), Record(0), Record(1_000)]


def test_short_models_sort_with_unknown_last(qtbot: QtBot) -> None:
    model = ListModel(COLUMNS)
    model.set_rows([Record(1, "b"), Record(2), Record(3, "A"), Record(4, "c")])
    model.sort(1)
    assert [row.name for row in model.rows] == ["A", "b", "c", None]
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert [row.name for row in model.rows] == ["c", "b", "A", None]
    model.set_rows([Record(5, "x"), Record(6, "y")])
    assert [row.name for row in model.rows] == ["y", "x"], "the order asked for stays"
    model.sort(0)
    assert [row.name for row in model.rows] == ["y", "x"], "a column that does not sort changes nothing"


def test_what_is_chosen_stays_chosen_and_the_list_where_it_is(qtbot: QtBot) -> None:
    """Pages read their lists anew each second while requests come: one that is being read must not jump."""
    model = ListModel(COLUMNS, key=lambda row: row.id)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    model.set_rows([Record(number, f"{number:03d}") for number in range(80)])
    view = make_view(qtbot, model)
    view.selectRow(2)
    bar = view.verticalScrollBar()
    bar.setValue(40 * ROW_HEIGHT)
    moves: list[int] = []
    view.moved.connect(moves.append)
    model.set_rows([Record(number, f"new {number:03d}") for number in range(80)])
    assert (view.currentIndex().row(), view.selected_ranges(), bar.value()) == (2, [(2, 2)], 40 * ROW_HEIGHT)
    assert model.row(2) == Record(2, "new 002") and moves == []
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert (view.currentIndex().row(), view.selected_ranges()) == (77, [(77, 77)])
    model.set_rows([Record(number, f"{number:03d}") for number in range(2, 90)])
    assert (view.currentIndex().row(), view.selected_ranges()) == (87, [(87, 87)])
    model.set_rows([Record(number, f"{number:03d}") for number in range(3, 90)])
    assert (view.currentIndex().isValid(), view.selected_ranges(), model.rowCount()) == (False, [], 87)


# the view


def test_opening_a_million_rows_reads_nothing_more_than_the_screen(
    model: WindowedModel[Record], reader: Reader, qtbot: QtBot
) -> None:
    view = make_view(qtbot, model)
    view.grab()
    assert reader.waiting == [] and reader.asked == []
    assert view.verticalScrollBar().maximum() > (MILLION - 100) * ROW_HEIGHT


def test_scrolling_to_the_end_shows_the_last_rows(model: WindowedModel[Record], reader: Reader, qtbot: QtBot) -> None:
    view = make_view(qtbot, model)
    view.scrollToBottom()
    view.grab()
    assert reader.asked == []
    reader.run()
    first, last = view.visible_rows()
    assert last == MILLION - 1
    assert [model.held(row) for row in range(first, last + 1)] == [Record(row) for row in range(first, last + 1)]
    assert len(reader.asked) <= 2


def test_painting_follows_rows_selection_placeholders_and_theme(model: WindowedModel[Record], qtbot: QtBot) -> None:
    theme = Theme("light")
    view = make_view(qtbot, model, theme)
    view.show_column("even", True)
    rows = view.grab().toImage()
    assert view.grab().toImage() == rows
    view.selectRow(1)
    selected = view.grab().toImage()
    view.clearSelection()
    theme.set_mode("dark")
    dark = view.grab().toImage()
    theme.set_mode("light")
    model.open(10, ())
    placeholders = view.grab().toImage()
    for picture in (selected, dark, placeholders):
        assert picture != rows
    corner = QPoint(view.width() - 30, view.height() - 5)
    assert dark.pixelColor(corner).name().upper() == DARK.surface
    assert placeholders.pixelColor(corner).name().upper() == LIGHT.surface


def test_keyboard_moves_opens_and_copies(model: WindowedModel[Record], qtbot: QtBot) -> None:
    view = make_view(qtbot, model)
    view.setFocus()
    view.selectRow(0)
    for key, row in (
        (Qt.Key.Key_J, 1),
        (Qt.Key.Key_Down, 2),
        (Qt.Key.Key_K, 1),
        (Qt.Key.Key_Up, 0),
        (Qt.Key.Key_K, 0),
    ):
        qtbot.keyClick(view, key)
        assert view.currentIndex().row() == row
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
        with qtbot.waitSignal(view.opened) as opened:
            qtbot.keyClick(view, key)
        assert opened.args == [0]
    with qtbot.waitSignal(view.copy_asked):
        qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)


def test_typing_letters_searches_no_rows(model: WindowedModel[Record], reader: Reader, qtbot: QtBot) -> None:
    view = make_view(qtbot, model)
    view.setFocus()
    qtbot.keyClicks(view, "zzz")
    assert reader.waiting == []
    assert view.currentIndex().row() <= 0


def test_a_click_opens_its_row(model: WindowedModel[Record], qtbot: QtBot) -> None:
    view = make_view(qtbot, model)
    with qtbot.waitSignal(view.opened) as opened:
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(50, 3 * ROW_HEIGHT + 5))
    assert opened.args == [3]
    assert view.selected_ranges() == [(3, 3)]


def test_selecting_everything_names_a_range_not_rows(
    model: WindowedModel[Record], reader: Reader, qtbot: QtBot
) -> None:
    view = make_view(qtbot, model)
    view.selectAll()
    assert view.selected_ranges() == [(0, MILLION - 1)]
    assert reader.waiting == []


def test_columns_can_be_shown_and_hidden_and_share_the_room(model: WindowedModel[Record], qtbot: QtBot) -> None:
    view = make_view(qtbot, model)
    assert [column.key for column in view.shown_columns()] == ["number", "name"]
    assert view.columnWidth(0) == 100
    assert view.columnWidth(0) + view.columnWidth(1) == view.viewport().width()
    menu = view.columns_menu(view)
    even = next(action for action in menu.actions() if action.text() == "Even")
    assert not even.isChecked()
    even.trigger()
    assert [column.key for column in view.shown_columns()] == ["number", "name", "even"]
    assert sum(view.columnWidth(section) for section in range(3)) == view.viewport().width()
    menu.close()


def tagged(tags: int) -> Column[Record]:
    """A column of 100 px whose first pill does not fit beside the number of the others."""
    pills = (PillText("team:platform"), PillText("env:prod"), PillText("feature:chat"))[:tags]
    return Column(
        key="tags", title="Tags", text=lambda row: "", value=lambda row: "", width=100, pills=lambda row: pills
    )


def test_no_pill_is_left_out_without_a_word(qtbot: QtBot) -> None:
    pictures = []
    for tags in (1, 2, 3):
        model = ListModel([tagged(tags)])
        model.set_rows([Record(1)])
        pictures.append(make_view(qtbot, model).viewport().grab().toImage())
    assert pictures[0] != pictures[1] != pictures[2]
    edge = [pictures[2].pixelColor(95, y).name() for y in range(ROW_HEIGHT)]
    assert set(edge) == {edge[0]}, "none runs into the next column"


def test_the_header_is_one_surface_up_to_its_end(model: WindowedModel[Record], qtbot: QtBot) -> None:
    view = make_view(qtbot, model, Theme("dark"))
    header = view.horizontalHeader()
    view.setColumnWidth(1, 100)
    view.setColumnWidth(0, 60)
    assert header.length() < header.viewport().width()
    picture = header.grab().toImage()
    for x in (header.length() + 1, header.viewport().width() - 1):
        assert picture.pixelColor(x, 5).name().upper() == DARK.surface
        assert picture.pixelColor(x, header.height() - 1).name().upper() == DARK.border


def test_header_sorts_only_what_sorts(qtbot: QtBot) -> None:
    model = ListModel(COLUMNS)
    model.set_rows([Record(1, "b"), Record(2, "a")])
    view = make_view(qtbot, model)
    header = view.horizontalHeader()
    header.sectionClicked.emit(0)
    assert [row.number for row in model.rows] == [1, 2]
    header.sectionClicked.emit(1)
    assert [row.number for row in model.rows] == [2, 1]
    header.sectionClicked.emit(1)
    assert [row.number for row in model.rows] == [1, 2]


def test_the_view_is_named_and_tells_its_cells(model: WindowedModel[Record], qtbot: QtBot) -> None:
    view = make_view(qtbot, model)
    assert view.accessibleName() == "Records"
    assert model.headerData(0, Qt.Orientation.Horizontal) == "Number"
    assert view.told_at(model.index(4, 1)) == "called None"
    assert QGuiApplication.platformName() == "offscreen"


# what is copied and exported


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("plain", "plain"),
        (None, ""),
        (-3, "-3"),
        (1.5, "1.5"),
        ("=1+1", "'=1+1"),
        ("@cmd", "'@cmd"),
        ("-x", "'-x"),
        ('a "b", c', 'a "b", c'),
    ],
)
def test_cells_are_safe_for_spreadsheets(value: object, cell: str) -> None:
    column: Column[object] = Column(key="v", title="V", text=str, value=lambda row: row)
    assert list(csv.reader(StringIO(comma_separated([column], [value])))) == [["V"], [cell]]


def test_lines_of_csv_end_as_rfc_4180_has_it() -> None:
    assert comma_separated(COLUMNS[:2], [Record(1, "a")]).startswith("Number,Name\r\n1,a\r\n")


def test_copied_rows_stay_one_line_each() -> None:
    text = tab_separated(COLUMNS[:2], [Record(1, "a\tb\nc"), Record(2)])
    assert text == "Number\tName\n1\ta b c\n2\t\n"


def test_of_what_was_painted_only_the_latest_is_kept() -> None:
    kept: Recent[int, str] = Recent(10)
    for number in range(1_000):
        kept.put(number, str(number))
        assert kept.get(0) == "0", "what is used all the time stays"
        assert len(kept) <= 20
    assert [kept.get(number) for number in range(990, 1_000)] == [str(number) for number in range(990, 1_000)]
    assert kept.get(500) is None
    kept.clear()
    assert (len(kept), kept.get(0)) == (0, None)


def test_a_text_is_laid_out_once_for_a_width_whatever_its_colour(
    model: WindowedModel[Record], qtbot: QtBot, laid_out: list[str]
) -> None:
    """Under traffic a table is painted every second; cells and titles shaped each time were most of its paint."""
    theme = Theme("light")
    view = make_view(qtbot, model, theme)
    view.grab()
    assert {"Number", "0", "1"} <= set(laid_out)
    first = len(laid_out)
    view.selectRow(1)
    view.grab()
    theme.set_mode("dark")
    view.grab()
    assert len(laid_out) == first
    view.setColumnWidth(0, view.columnWidth(0) + 5)
    view.grab()
    assert len(laid_out) == first, "what fits there fits here too"
    view.setColumnWidth(0, 48)
    view.grab()
    assert any(text.endswith("…") for text in laid_out[first:]), "another width may leave other words"


@pytest.mark.parametrize("text", ["$99.510456", "—", "Avg latency", "mixture"])
def test_a_text_is_as_wide_as_the_pen_moves(qapp: QApplication, text: str) -> None:
    """What its last letter is painted beyond that would push numbers out of their column's line."""
    texts, face = LaidTexts(10), Face(13, 500)
    whole = QFontMetricsF(texts.font(face)).horizontalAdvance(text)
    for _ in range(2):
        assert texts.laid(text, face).width == whole
    assert texts.laid(text, face, int(whole) + 1).text.text() == text


@pytest.mark.parametrize(("middle", "place"), [(False, -1), (True, 5)])
def test_a_text_is_cut_to_its_room(qapp: QApplication, middle: bool, place: int) -> None:
    texts, face = LaidTexts(10), Face(12, mono=True)
    room = int(QFontMetricsF(texts.font(face)).horizontalAdvance("req_1234567")) + 1
    laid = texts.laid("req_0123456789abcdef", face, room, middle=middle)
    assert laid.text.text()[place] == "…" and len(laid.text.text()) == 11
    assert laid.width <= room
    assert texts.laid("one\ntwo", face).text.text() == "one two"


def test_scrolling_far_keeps_the_texts_of_a_few_screens(
    model: WindowedModel[Record], reader: Reader, qtbot: QtBot
) -> None:
    view = make_view(qtbot, model)
    painter = view._painter
    painter._texts = LaidTexts(60)
    for row in range(0, 2_000, 20):
        view.scrollTo(model.index(row, 0), TableView.ScrollHint.PositionAtTop)
        reader.run()
        view.viewport().grab()
    assert 0 < len(painter._texts) <= 120


def test_a_text_that_is_cut_is_told_whole_where_it_is_pointed_at(qtbot: QtBot) -> None:
    model: ListModel[Record] = ListModel(
        (Column(key="name", title="Name", text=lambda row: row.name or "", value=str, width=90), COLUMNS[1])
    )
    long = "anthropic/claude-sonnet-4-6-of-the-team"
    model.set_rows([Record(1, long), Record(2, "o3")])
    view = make_view(qtbot, model)
    view.horizontalHeader().resizeSection(0, 90)
    told = {}
    for row in (0, 1):
        at = view.visualRect(model.index(row, 0)).center()
        event = QHelpEvent(QEvent.Type.ToolTip, at, view.viewport().mapToGlobal(at))
        QApplication.sendEvent(view.viewport(), event)
        told[row] = QToolTip.text()
    QToolTip.hideText()
    assert told[0] == long and view.told_at(model.index(1, 0)) == ""
    assert view.told_at(model.index(1, 1)) == "called o3", "what a column has to say comes first"
    view.horizontalHeader().resizeSection(0, 400)
    assert view.told_at(model.index(0, 0)) == ""


def test_of_a_row_of_which_its_column_has_nothing_to_say_the_cut_text_is_told(qtbot: QtBot) -> None:
    name = Column(
        key="name",
        title="Name",
        text=lambda row: row.name or "",
        value=str,
        width=90,
        tooltip=lambda row: "No longer set up" if row.number == 2 else "",
    )
    model: ListModel[Record] = ListModel((name, COLUMNS[1]))
    long = "anthropic/claude-sonnet-4-6-of-the-team"
    model.set_rows([Record(1, long), Record(2, long), Record(3, "o3")])
    view = make_view(qtbot, model)
    view.horizontalHeader().resizeSection(0, 90)
    assert [view.told_at(model.index(row, 0)) for row in range(3)] == [long, "No longer set up", ""]


def test_each_way_to_arrange_columns_is_told(qtbot: QtBot, model: WindowedModel[Record]) -> None:
    """Whoever keeps them for the next start listens."""
    view = make_view(qtbot, model)
    header = view.horizontalHeader()
    for arrange in (
        lambda: header.resizeSection(0, 150),
        lambda: header.moveSection(0, 1),
        lambda: header.sectionHandleDoubleClicked.emit(0),
    ):
        before = view.columns_text()
        with qtbot.waitSignal(view.columns_changed):
            arrange()
        assert view.columns_text() != before


def test_a_time_has_room_as_soon_as_the_clock_is_one_of_twelve_hours(qtbot: QtBot, theme: Theme) -> None:
    """In a table that is open, and in one whose columns were put by: there it was cut."""
    at = Column(key="at", title="Time", text=str, value=str, width=90, more_by_twelve=28)
    model: ListModel[Record] = ListModel((at, COLUMNS[1]))
    view = make_view(qtbot, model, theme)
    view.horizontalHeader().resizeSection(0, 95)
    kept = view.columns_text()
    formats.use_clock(None, twelve_hours=True)
    try:
        theme.redraw()
        assert (view.columnWidth(0), view.columns_text()) == (95 + 28, kept)
        view.fit_section(0)
        fitted = view.columnWidth(0)
        later = make_view(qtbot, model, theme)
        assert later.columnWidth(0) == 90 + 28 and later.columnWidth(0) + later.columnWidth(1) == 600
        later.restore_columns(kept)
        assert later.columnWidth(0) == 95 + 28
    finally:
        formats.use_clock(None, twelve_hours=False)
    theme.redraw()
    assert (view.columnWidth(0), later.columnWidth(0)) == (fitted - 28, 95)
    view.fit_section(0)
    assert view.columnWidth(0) == fitted - 28, "its title is as wide by any clock"


def test_the_menu_key_is_for_the_current_row_and_ctrl_click_opens_none(
    qtbot: QtBot, model: WindowedModel[Record]
) -> None:
    view = make_view(qtbot, model)
    view.selectRow(3)
    with qtbot.waitSignal(view.menu_offered) as offered:
        event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), view.mapToGlobal(QPoint(5, 5)))
        QApplication.sendEvent(view.viewport(), event)
    offered.args[0].close()
    assert offered.args[1] == 3
    at = view.visualRect(model.index(5, 0)).center()
    with qtbot.assertNotEmitted(view.opened):
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at)
    assert view.selected_ranges() == [(3, 3), (5, 5)]
