"""Details of how things look: what is chosen, what is only read, what has no room, and where edges meet."""

from dataclasses import replace as replace_column
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QAccessible, QColor, QFontMetrics, QFontMetricsF
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import formats, icons
from app.charts import CHARTS, ChartCard, ChartInput, chart_data
from app.charts.axes import TimeAxis
from app.date_field import DateField
from app.fonts import ui_font
from app.overview.label import TextButton
from app.pages.api_keys_parts.columns import api_key_columns
from app.pages.compare_parts.rating_lines import answer_columns, model_columns
from app.pages.connect_parts.code_block import CodeView
from app.pages.conversations_parts.spans import LOOKS, ROLE_WORDS, SpanRow
from app.pages.conversations_parts.waterfall import Waterfall
from app.pages.models_parts import bill_lines, repricing_lines
from app.pages.models_parts import lines as price_lines
from app.pages.models_parts.bill_lines import MEANINGS, BillLine, part_columns
from app.pages.requests_parts import columns as requests_columns
from app.pages.requests_parts.details import Line, Section
from app.pages.requests_parts.filter_field import FilterField
from app.pages.requests_parts.section_lines import SectionLines
from app.pages.settings_parts.table import ROWS, Row
from app.questions import ask_to_discard
from app.sidebar import GatewayCard
from app.tables.column import Column
from app.tables.header import TableHeader
from app.tables.model import ListModel
from app.tables.painter import CELL_PADDING, RowPainter
from app.tables.view import TableView
from app.text_label import TextLabel
from app.theme import DARK, LIGHT, Theme, Tokens
from app.widgets import Card, ComboBox, ElidedLabel, IconButton, Pill, PushButton, SearchField
from app.widgets.buttons import KINDS
from app.widgets.places import table_places
from gateway import (
    ApiKeyRow,
    BillPart,
    RatedAnswer,
    RatedModel,
    RepricedModel,
    Repricing,
    Summary,
    TimeBucket,
    TraceSpan,
    UsageQuery,
)
from tests.app.test_theme import contrast
from tests.store.examples import record

CHAT = TraceSpan(
    span_id="a", parent_span_id=None, name="chat", kind="client", started_us=0, duration_us=1, status="ok"
)
HOUR = 3_600_000_000
MODES = pytest.mark.parametrize("mode", ["light", "dark"])


def colours_of(widget: QWidget) -> list[str]:
    """Of all its pixels, the most frequent first."""
    image = widget.grab().toImage()
    counts: dict[str, int] = {}
    for x in range(image.width()):
        for y in range(image.height()):
            name = image.pixelColor(x, y).name().upper()
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: -counts[name])


@MODES
def test_a_chosen_tab_is_underlined(theme: Theme, qtbot: QtBot, mode: str) -> None:
    theme.set_mode(mode)
    tab = TextButton(theme, "Summary", tab=True)
    qtbot.addWidget(tab)
    tab.resize(tab.sizeHint())
    accent = theme.tokens.accent

    def line() -> set[str]:
        image = tab.grab().toImage()
        return {image.pixelColor(x, image.height() - 1).name().upper() for x in range(4, image.width() - 4)}

    assert accent not in line()
    tab.setChecked(True)
    assert line() == {accent}


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_a_neutral_pill_stands_out_from_every_ground_that_it_stands_on(tokens: Tokens) -> None:
    """One in the colour of insets was not seen on a light page."""
    assert contrast(tokens.hover, tokens.bg) > 1.05 and contrast(tokens.hover, tokens.surface) > 1.1


@MODES
def test_a_neutral_pill_is_seen_on_the_page(theme: Theme, qtbot: QtBot, mode: str) -> None:
    theme.set_mode(mode)
    pill = Pill(theme, "env: dev")
    qtbot.addWidget(pill)
    pill.resize(pill.sizeHint())
    assert colours_of(pill)[0] == theme.tokens.hover


@MODES
def test_what_is_only_read_looks_like_no_field(theme: Theme, qapp: QApplication, qtbot: QtBot, mode: str) -> None:
    theme.set_mode(mode)
    theme.apply(qapp)
    view = CodeView()
    qtbot.addWidget(view)
    view.show_text("export A=1")
    view.resize(240, view.height())
    view.show()
    assert colours_of(view)[0] == theme.tokens.inset


@MODES
def test_what_a_field_asks_for_can_be_read(theme: Theme, qapp: QApplication, qtbot: QtBot, mode: str) -> None:
    """Qt's own is the text's colour, half as strong: 3.4 to 1 on white."""
    theme.set_mode(mode)
    theme.apply(qapp)
    for field in (QLineEdit(), QPlainTextEdit()):
        qtbot.addWidget(field)
        field.setPlaceholderText("MMMM")
        field.resize(200, 60)
        field.show()
        assert theme.tokens.text3 in colours_of(field)


def test_dates_and_choices_are_as_high(theme: Theme, qapp: QApplication, qtbot: QtBot) -> None:
    theme.apply(qapp)
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    date, box = DateField(theme, "From"), ComboBox(theme, "Compare with")
    for field in (date, box):
        column.addWidget(field)
    holder.show()
    assert date.height() == box.height() == 32


@MODES
def test_what_loses_something_is_told_by_its_colour(
    theme: Theme, qapp: QApplication, qtbot: QtBot, mode: str
) -> None:
    theme.set_mode(mode)
    theme.apply(qapp)
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    ask_to_discard(window, lambda: None)
    box = window.findChild(QMessageBox)
    assert box is not None
    buttons = {each.text(): each for each in box.findChildren(QPushButton)}
    assert theme.tokens.bad in colours_of(buttons["Discard"])
    assert theme.tokens.bad not in colours_of(buttons["Keep editing"])
    box.reject()


def test_the_switch_ends_where_the_icon_below_it_does(theme: Theme, qtbot: QtBot) -> None:
    card = GatewayCard(theme, None)  # type: ignore[arg-type]
    qtbot.addWidget(card)
    card.resize(203, 70)
    card.show()
    track, icon = 2, 6
    assert abs(card.switch.geometry().right() - track - (card.copy_button.geometry().right() - icon)) <= 1


@pytest.mark.parametrize("row", [row for rows in ROWS.values() for row in rows], ids=lambda row: row.key)
def test_a_field_that_may_be_empty_says_what_that_means(row: Row) -> None:
    assert bool(row.empty) is (row.kind == "names" or row.key == "export.endpoint")


# A conversation's timeline


def call(number: int, label: str, start_s: float, end_s: float, span: TraceSpan | None = None) -> SpanRow:
    return SpanRow(
        key=f"turn{number}",
        label=label,
        role="inference",
        depth=1,
        start_us=int(start_s * 1e6),
        end_us=int(end_s * 1e6),
        turn=number,
        span=span,
    )


@pytest.fixture
def waterfall(theme: Theme, qtbot: QtBot) -> Waterfall:
    made = Waterfall(theme)
    qtbot.addWidget(made)
    made.resize(344, 200)
    return made


def test_models_have_their_short_names_on_a_timeline(waterfall: Waterfall) -> None:
    rows = (
        call(0, "claude-sonnet-4-6", 0, 2),
        call(1, "claude-haiku-4-5-20251001", 2, 3),
        replace(call(2, "claude-sonnet-4-6", 3, 4), role="tool"),
        call(3, "claude-sonnet-4-6", 4, 5, span=CHAT),
    )
    waterfall.show_rows(rows)
    assert [waterfall.shown_label(row) for row in rows] == [
        "sonnet-4-6",
        "haiku-4-5",
        "claude-sonnet-4-6",
        "claude-sonnet-4-6",
    ]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (150, ["0 s", "15 min", "30 min", "45 min"]),
        (138, ["0 s", "30 min"]),
        (100, ["0 s", "30 min"]),
        (40, ["0 s", "45 min"]),
    ],
)
def test_ticks_without_room_are_left_out_evenly(waterfall: Waterfall, width: int, shown: list[str]) -> None:
    waterfall.show_rows([call(0, "model", 0, 49 * 60 + 50)])
    metrics = QFontMetrics(ui_font(11))
    labels = waterfall.tick_labels(QRectF(152, 24, width, 100), metrics)
    assert [words for words, _, _ in labels] == shown


# Charts


def test_a_time_at_the_edge_stands_below_its_tick(theme: Theme) -> None:
    axis = TimeAxis(theme)
    bounds, metrics = QRectF(56, 0, 400, 26), QFontMetricsF(ui_font(11))
    half = (metrics.horizontalAdvance("06:00") + 2) / 2
    for share in (0.0, 0.005, 0.5, 0.998):
        place = axis._place(bounds, share, "06:00", metrics)
        assert place is not None
        assert abs(place[0].left() + half - (bounds.left() + share * bounds.width())) < 4
    assert QColor(theme.tokens.text3) == axis.textPen().color()


def test_a_time_at_the_right_edge_is_whole(theme: Theme, qtbot: QtBot) -> None:
    """It reaches into the card's margin, which is the plot's: beyond its view nothing is painted."""
    card = ChartCard(CHARTS[0], theme)
    qtbot.addWidget(card)
    card.resize(560, 200)
    start = 1_795_000_000_000_000
    hours = [
        TimeBucket(start_us=start + n * HOUR, end_us=start + (n + 1) * HOUR, summary=Summary()) for n in range(24)
    ]
    card.set_data(chart_data(card.spec, ChartInput(buckets=hours, now_us=start, tz="UTC")))
    card.show()
    axis, metrics = card.plot.times, QFontMetricsF(ui_font(11))
    bounds = axis.mapRectFromParent(axis.geometry())
    place = axis._place(bounds, 0.998, "30 Nov", metrics)
    assert place is not None
    assert axis.mapToScene(place[0].topRight()).x() <= card.plot.viewport().width()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_words_that_act_are_pressed_by_the_keyboard_as_any_button(theme: Theme, qtbot: QtBot, key: Qt.Key) -> None:
    link = TextButton(theme, "View all")
    qtbot.addWidget(link)
    with qtbot.waitSignal(link.clicked):
        qtbot.keyClick(link, key)


def test_words_that_act_tell_that_they_are_pointed_at(theme: Theme, qtbot: QtBot) -> None:
    link = TextButton(theme, "View all")
    qtbot.addWidget(link)
    link.resize(link.sizeHint())
    assert theme.tokens.accent in colours_of(link)
    link.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    assert theme.tokens.accent not in colours_of(link)


def test_a_table_is_awaited_where_it_will_stand(theme: Theme, qtbot: QtBot) -> None:
    """What stands in its place until it is read neither jumps nor grows."""
    rows: ListModel[int] = ListModel([Column(key="n", title="N", text=str, value=str)], key=str)
    rows.set_rows(range(40))
    table = TableView(theme, rows, "Numbers")
    card = Card.around(theme, table)
    qtbot.addWidget(card)
    awaited = [place for place in table_places(1220, 840) if place.box.top() >= 56]
    box = awaited[0].box
    assert awaited[0].card and box == QRectF(24, 56, 1172, 840 - 56 - 16)
    card.resize(int(box.width()), int(box.height()))
    card.show()
    lines = sorted({place.box.center().y() - box.top() for place in awaited[1:]})
    shown = [table.viewport().mapTo(card, table.visualRect(rows.index(row, 0)).center()).y() for row in (0, 1, 20)]
    assert [abs(lines[row + 1] - at) <= 2 for row, at in zip((0, 1, 20), shown, strict=True)] == [True] * 3


def test_a_table_tells_in_which_order_it_stands_before_it_is_sorted(theme: Theme, qtbot: QtBot) -> None:
    columns = [Column(key=key, title=key, text=str, value=int, sortable=True) for key in ("time", "number")]
    rows: ListModel[int] = ListModel(columns, key=str)
    rows.set_rows((3, 2, 1))
    table = TableView(theme, rows, "Numbers")
    qtbot.addWidget(table)
    table.show_order("number", descending=True)
    header = table.horizontalHeader()
    assert isinstance(header, TableHeader) and header.arrow == (1, True)
    header.sectionClicked.emit(1)
    assert header.arrow == (1, False) and list(rows.rows) == [1, 2, 3]


@MODES
def test_a_search_is_emptied_by_a_cross_in_the_themes_grey(theme: Theme, qtbot: QtBot, mode: str) -> None:
    theme.set_mode(mode)
    field = SearchField(theme, "Search models")
    qtbot.addWidget(field)
    field.show()
    cross = field.actions()[-1]
    assert not cross.isVisible()
    field.setText("gpt")
    assert cross.isVisible()
    button = next(each for each in field.findChildren(QToolButton) if each.defaultAction() is cross)
    grey = icons.icon("x", theme.color("text3"))
    assert button.isVisible() and QAccessible.queryAccessibleInterface(button).text(QAccessible.Text.Name) == (
        "Empty the search"
    )
    assert cross.icon().pixmap(16).toImage() == grey.pixmap(16).toImage()
    button.click()
    assert field.text() == "" and not cross.isVisible()


@MODES
def test_what_a_button_would_do_is_read_while_it_cannot_be_pressed(theme: Theme, qtbot: QtBot, mode: str) -> None:
    theme.set_mode(mode)
    button = PushButton(theme, "MMM", kind="primary")
    qtbot.addWidget(button)
    button.resize(button.sizeHint())
    assert theme.tokens.accent in colours_of(button)
    button.setEnabled(False)
    colours = colours_of(button)
    assert theme.tokens.accent not in colours and theme.tokens.text3 in colours
    assert contrast(theme.tokens.text3, colours[0]) >= 4.5


def test_every_button_tells_that_it_is_pointed_at(theme: Theme) -> None:
    assert [kind for kind, look in KINDS.items() if look.hover == look.fill] == []


def test_a_models_colour_stands_before_its_name_in_a_table(theme: Theme, qtbot: QtBot) -> None:
    def name(row: str) -> str:
        return row

    plain = Column(key="name", title="Name", text=name, value=name, width=120, tone="text")
    coloured = replace_column(plain, slot=lambda row: len(row))
    rows: ListModel[str] = ListModel([plain, coloured], key=str)
    rows.set_rows(("M", "MM"))
    table = TableView(theme, rows, "Models")
    qtbot.addWidget(table)
    table.resize(260, 120)
    table.show()
    image = table.viewport().grab().toImage()
    for row, text in enumerate(("M", "MM")):
        cell = table.visualRect(rows.index(row, 1))
        middle = cell.left() + 10 + 4
        assert image.pixelColor(middle, cell.center().y()) == theme.series_color(len(text))
    assert table._painter.width_of(coloured, ["MM"]) == table._painter.width_of(plain, ["MM"]) + 16


TABLES: dict[str, tuple[Column[Any], ...]] = {
    "requests": requests_columns.request_columns(str),
    "keys": api_key_columns(lambda: 0),
    "prices": price_lines.model_columns(),
    "bill": bill_lines.line_columns(),
    "bill's requests": bill_lines.request_columns(),
    "bill's parts": part_columns(lambda: None),
    "re-priced models": repricing_lines.repriced_columns(),
    "re-pricings": repricing_lines.history_columns(lambda: "UTC"),
    "rated models": model_columns(len),
    "answers": answer_columns(len),
}


@pytest.mark.parametrize("table", TABLES)
def test_no_title_of_a_column_is_cut(theme: Theme, qtbot: QtBot, table: str) -> None:
    columns = TABLES[table]
    header = TableHeader(theme, ListModel[Any](columns, key=str))
    qtbot.addWidget(header)
    spare = 2
    cut = [column.title for n, column in enumerate(columns) if header.title_width(n) - spare > column.width]
    assert cut == []


def test_what_a_part_of_a_bill_means_is_read_whole_in_the_smallest_window() -> None:
    columns = part_columns(lambda: None)
    others = sum(column.width for column in columns if column.key != "meaning")
    room = 1024 - 56 - 2 * 24 - 2 - others - 2 * 10
    metrics = QFontMetrics(ui_font(13))
    assert {kind: words for kind, words in MEANINGS.items() if metrics.horizontalAdvance(words) > room} == {}


ANSWER = RatedAnswer(
    request_id="r", comparison="c", at_us=time_ns() // 1000, owner="k", key="ci", prompt_hash="h", prompt="p", place=0,
    model_requested="m", model="m", provider="p", outcome="ok", output_tokens=98_888, cost_nano=88_888_888,
    ttft_us=44_400_000, latency_us=248_000_000, stars=5, note="n",
)  # fmt: skip


def test_every_figure_of_an_answer_is_on_show_in_the_smallest_window(theme: Theme, qtbot: QtBot) -> None:
    columns, bar = answer_columns(len), 12
    assert sum(column.width for column in columns) <= 1024 - 56 - 2 * 24 - 2 - bar
    table = TableView(theme, ListModel[RatedAnswer](columns, key=lambda row: row.request_id), "Answers")
    qtbot.addWidget(table)
    quick = replace(ANSWER, ttft_us=888_000, latency_us=888_000, cost_nano=888_888_000, cost_estimated=True)
    answers = [ANSWER, quick]
    assert [column.key for column in columns if table._painter.width_of(column, answers) > column.width] == []
    table.resize(1440 - 220 - 2 * 24 - 2, 200)
    table.show()
    model = next(section for section, column in enumerate(columns) if column.key == "model")
    named = replace(ANSWER, model="gemini-3.1-pro-preview")
    assert table._painter.width_of(columns[model], [named]) <= table.columnWidth(model), "whole at the design's width"


def test_the_time_of_an_answer_has_room_by_a_clock_of_twelve_hours(theme: Theme, qtbot: QtBot) -> None:
    formats.use_clock(None, twelve_hours=True)
    try:
        at = answer_columns(len)[0]
        evening = round(datetime.now().replace(hour=22, minute=44, second=44).timestamp() * 1e6)
        row = replace(ANSWER, at_us=evening)
        assert at.text(row).endswith("pm")
        assert (
            QFontMetrics(ui_font(13)).horizontalAdvance(at.text(row))
            <= at.width + at.more_by_twelve - 2 * CELL_PADDING
        )
    finally:
        formats.use_clock(None, twelve_hours=False)


@pytest.mark.parametrize("twelve", [False, True])
@pytest.mark.parametrize("days", [2, 60, 400])
def test_when_a_key_was_last_used_has_room_in_its_column(theme: Theme, qtbot: QtBot, twelve: bool, days: int) -> None:
    """Before a day ago it is told by day and minute, or by day and year, which were cut."""
    formats.use_clock(None, twelve_hours=twelve)
    try:
        used = datetime.now().replace(month=11, day=28, hour=22, minute=44) - timedelta(days=1)
        at_us = round(used.timestamp() * 1e6)
        now_us = round((used + timedelta(days=days)).timestamp() * 1e6)
        columns = api_key_columns(lambda: now_us)
        key = ApiKeyRow(
            id="k", name="k", prefix="p", role="admin", user=None, tags=(), created_us=at_us, last_used_us=at_us
        )
        metrics = QFontMetrics(ui_font(13))
        for column in columns:
            if column.key in ("created", "last_used"):
                told = column.text(key)
                width = column.width + twelve * column.more_by_twelve
                assert metrics.horizontalAdvance(told) <= width - 2 * CELL_PADDING, told
        bar = 12
        assert sum(column.width for column in columns) <= 1024 - 56 - 2 * 24 - 2 - bar
    finally:
        formats.use_clock(None, twelve_hours=False)


@pytest.mark.parametrize("twelve", [False, True])
def test_times_of_other_years_are_read_whole(theme: Theme, qtbot: QtBot, twelve: bool) -> None:
    formats.use_clock("UTC", twelve_hours=twelve)
    try:
        for year, month in ((2024, 11), (datetime.now().year - 1, 12)):
            at = round(datetime(year, month, 28, 22, 44, 44, tzinfo=UTC).timestamp() * 1e6)
            rows: dict[str, Any] = {
                "requests": record(1, started_us=at),
                "answers": replace(ANSWER, at_us=at),
                "re-pricings": Repricing(
                    id=1,
                    at_us=at,
                    query=UsageQuery(),
                    examined=1,
                    changed=1,
                    from_nano=1,
                    to_nano=2,
                    first_us=at,
                    last_us=at,
                ),
            }
            for name, row in rows.items():
                columns = TABLES[name]
                column = next(each for each in columns if each.key in ("time", "at"))
                table = TableView(theme, ListModel[Any](columns, key=str), name)
                qtbot.addWidget(table)
                told = column.width + twelve * column.more_by_twelve
                assert table._painter.width_of(column, [row]) <= told, column.text(row)
    finally:
        formats.use_clock(None, twelve_hours=False)


def test_what_a_day_of_hundreds_of_dollars_cost_is_read_whole(theme: Theme) -> None:
    dear, painter = 888_888_800_000, RowPainter(theme)
    part = BillPart(kind="missing_there", requests=1, here_nano=dear, bill_nano=dear + dear // 10, estimated=True)
    rows: dict[str, Any] = {
        "bill": BillLine(day="2026-11-28", model="m", part=part, whole_nano=dear, why=""),
        "bill's parts": part,
        "re-priced models": RepricedModel(
            provider="p", model="m", changed=1, from_nano=dear, to_nano=dear + dear // 10, from_estimated=1
        ),
    }
    money = ("here", "bill", "cost", "from", "to", "difference")
    cut = [
        (name, column.key)
        for name, row in rows.items()
        for column in TABLES[name]
        if column.key in money and painter.width_of(column, [row]) > column.width
    ]
    assert cut == []


def test_what_a_bill_differs_by_is_read_whole_beside_its_options() -> None:
    columns = bill_lines.line_columns()
    until = 1 + [column.key for column in columns].index("difference")
    bar, drawer = 12, 420
    assert sum(column.width for column in columns[:until]) <= 1440 - 220 - drawer - 2 * 24 - 2 - bar


def test_every_kind_of_a_timelines_rows_has_a_word() -> None:
    assert set(ROLE_WORDS) == set(LOOKS)


def test_the_averages_of_models_are_read_whole_at_the_designs_width(theme: Theme, qtbot: QtBot) -> None:
    columns = model_columns(len)
    slow = RatedModel(
        model="gemini-3.1-pro-preview",
        provider="google",
        ratings=999,
        stars=4.7,
        cost_nano=21_213_000,
        ttft_us=12_400_000,
        latency_us=12_400_000,
    )
    quick = replace(slow, cost_nano=888_888_000, costs_estimated=1, ttft_us=888_000, latency_us=888_000)
    table = TableView(theme, ListModel[RatedModel](columns, key=lambda row: row.model), "Averages")
    qtbot.addWidget(table)
    # Half of the page beside the sidebar, as far within the card's border as its title.
    table.resize((1440 - 220 - 2 * 24 - 12) // 2 - 2 * 6, 200)
    table.show()
    lacking = [
        column.key
        for section, column in enumerate(columns)
        if table._painter.width_of(column, [slow, quick]) > table.columnWidth(section)
    ]
    assert lacking == [] and table.horizontalScrollBar().maximum() == 0


def test_an_id_stands_in_one_line_with_the_button_that_copies_it(theme: Theme, qtbot: QtBot) -> None:
    line = Line(label="Request", value="req_1", mono=True, copy="req_1")
    holder = QWidget()
    qtbot.addWidget(holder)
    lines = SectionLines(theme, holder)
    lines._lines = lines._make_lines((Section(title="Ids", lines=(line,)),))
    lines.show_sections((Section(title="Ids", lines=(line,)),))
    while not lines.complete:
        lines.make_line()
    lines.resize(388, 80)
    holder.show()
    name = next(each for each in lines.findChildren(TextLabel) if each.text() == "Request")
    value, button = lines.findChild(ElidedLabel), lines.findChild(IconButton)
    assert value is not None and button is not None
    top, middle = name.contentsRect().top(), button.geometry().center().y()
    assert abs(name.geometry().top() + top + QFontMetrics(name.font()).height() / 2 - middle) <= 2
    assert abs(value.geometry().center().y() - middle) <= 2


@MODES
def test_a_list_that_drops_down_looks_as_a_menu_does(
    theme: Theme, qapp: QApplication, qtbot: QtBot, mode: str
) -> None:
    theme.set_mode(mode)
    theme.apply(qapp)
    box = ComboBox(theme, "Provider")
    qtbot.addWidget(box)
    box.addItems(["MMM", "Two", "Three"])
    box.resize(200, 32)
    box.show()
    box.showPopup()
    view = box.view()
    tokens, height = theme.tokens, view.visualRect(box.model().index(0, 0)).height()
    assert height == 30
    image = view.viewport().grab().toImage()
    rows = [{image.pixelColor(x, y).name().upper() for x in range(image.width()) for y in range(n, n + height)}
            for n in (0, height)]  # fmt: skip
    assert tokens.hover in rows[0] and tokens.hover not in rows[1]
    assert tokens.accent not in {image.pixelColor(x, 4).name().upper() for x in range(8, image.width() - 8)}
    blue = [any(QColor(name).blue() - QColor(name).red() > 60 for name in row) for row in rows]
    assert blue == [True, False], "what is chosen has a tick in the accent"
    # Its words stand below the field's.
    field = box.grab().toImage()
    firsts = [
        next(x for x in range(4, 60) if any(contrast(part.pixelColor(x, y).name(), tokens.surface) > 4 for y in ys))
        for part, ys in ((field, range(8, 24)), (view.grab().toImage(), range(9, 23)))
    ]
    assert abs(firsts[0] - firsts[1]) <= 1
    box.hidePopup()


@MODES
def test_the_chosen_line_of_a_list_a_menu_and_of_completions_has_one_colour(
    theme: Theme, qapp: QApplication, qtbot: QtBot, mode: str
) -> None:
    theme.set_mode(mode)
    theme.apply(qapp)
    box, filters, menu = ComboBox(theme, "Provider"), FilterField(theme), QMenu()
    box.addItems(["One", "Two"])
    filters.set_values({"status": ("ok", "error")})
    lines = [menu.addAction(words) for words in ("One", "Two")]
    for widget in (box, filters, menu):
        qtbot.addWidget(widget)
        widget.show()

    def grounds(shown: QWidget, chosen: QRect, other: QRect) -> list[str]:
        image = shown.grab().toImage()
        return [image.pixelColor(line.left() + 6, line.center().y()).name().upper() for line in (chosen, other)]

    def of_list(view: QAbstractItemView) -> list[str]:
        indexes = [view.model().index(row, 0) for row in (0, 1)]
        view.setCurrentIndex(indexes[0])
        return grounds(view.viewport(), *map(view.visualRect, indexes))

    expected = [theme.tokens.hover, theme.tokens.surface]
    menu.setActiveAction(lines[0])
    assert grounds(menu, *map(menu.actionGeometry, lines)) == expected
    menu.close()
    box.showPopup()
    assert of_list(box.view()) == expected
    box.hidePopup()
    filters._words.setStringList(filters.suggestions("status:"))
    filters._completer.complete()
    assert of_list(filters._popup) == expected
    filters._popup.hide()
