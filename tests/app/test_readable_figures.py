"""What can be read at a glance: figures that nothing strikes through or cuts, marks with their names, sums that are of
what stands beside them."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app import formats
from app.charts.cost import money_axis
from app.charts.latency import duration_axis
from app.charts.scatter import Point, ScatterCard, ScatterSpec
from app.context import AppContext
from app.filter_popover import Entry, FilterPopover
from app.filters import FilterState
from app.model_picker import price_words
from app.overview.label import OPENS, TextButton, opening
from app.pages.conversations import ConversationsPage
from app.pages.conversations_parts.block import Block
from app.pages.conversations_parts.copying import block_markdown
from app.pages.conversations_parts.costs import CostSplit
from app.pages.conversations_parts.facts import facts_of
from app.pages.conversations_parts.inspector import FactsCard
from app.pages.conversations_parts.list_view import ROW_HEIGHT, ThreadList, from_found
from app.pages.conversations_parts.pictures import Pictures
from app.pages.conversations_parts.spans import SpanRow
from app.pages.conversations_parts.thread_view import ThreadView
from app.pages.conversations_parts.waterfall import Waterfall
from app.pages.providers_parts.card import ProviderCard
from app.pages.requests_parts.said import MESSAGES, REQUEST, said_of
from app.pages.settings_parts.data_sections import DISK_PARTS, on_disk, unsorted_bytes
from app.tables.laid_texts import Face, Laid, LaidTexts
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import Card
from gateway import Changes, ModelRow, Sizes, Summary, ToolCall
from tests.app.fake_gateway import FakeGateway
from tests.app.fake_threads import FULL, TRACE, S, full_thread, plain_thread, trace_of
from tests.app.shown_page import show_page
from tests.app.turns import Turns
from tests.app.whole import PseudoLocale


def now_us() -> int:
    return time.time_ns() // 1000


@pytest.fixture
def pseudo(qapp: QApplication) -> Iterator[None]:
    locale = PseudoLocale()
    qapp.installTranslator(locale)
    yield
    qapp.removeTranslator(locale)


# conversations


def test_the_cost_beside_a_conversation_is_its_own_from_the_first_moment(qtbot: QtBot, theme: Theme) -> None:
    told, turns = full_thread(now_us()), Turns()
    gateway = FakeGateway(20, now_us=now_us())
    gateway.told = [told, plain_thread(1, now_us())]
    gateway.traces = {TRACE: trace_of(told)}
    filters = FilterState(tz="Europe/Berlin")
    filters.set_range("30d")
    page = ConversationsPage(AppContext(gateway, theme, filters, turns))  # type: ignore[arg-type]
    show_page(page, qtbot)
    turns(page.refresh(Changes(usage=True, providers=True, conversations=True)))
    turns.run()
    pane = page.thread_pane
    beside: list[tuple[str, CostSplit]] = []
    pane.shown.connect(lambda id: beside.append((id, pane.inspector.cost.split)))
    for row in (told.row, gateway.told[1].row, told.row):
        pane.open(row.id, words="the")
        turns.run()
        assert beside[-1][0] == row.id
        assert beside[-1][1].total_nano == row.cost_nano and not beside[-1][1].lines
        assert pane.inspector.cost.split.lines, "and soon what it is made of"
    whole = pane.inspector.cost.split
    turns(pane.read(FULL, keep=True))
    turns.run()
    assert beside[-1][1] == whole, "the same one, grown, keeps its parts until others are known"


def rows_under_lines() -> Sequence[SpanRow]:
    """Bars of every length, so that lines of the axis stand wherever durations do."""
    spans = [(0.0, 31.0, "conversation"), *((0.7 * n, 0.7 * n + 0.4 + n % 3, "inference") for n in range(40))]
    return tuple(
        SpanRow(key=str(n), role=role, label="a-model", depth=0, start_us=int(start * S), end_us=int(end * S))
        for n, (start, end, role) in enumerate(spans)
    )


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_line_of_the_axis_goes_through_a_duration(qtbot: QtBot, theme: Theme, mode: str) -> None:
    theme.set_mode(mode)
    shown = Waterfall(theme)
    qtbot.addWidget(shown)
    shown.resize(360, 2000)
    shown.show_rows(rows_under_lines())
    shown.select("5")
    picture = shown.grab().toImage()
    lines = {theme.color("grid").rgb(), theme.color("border_strong").rgb()}
    scale = picture.devicePixelRatio()
    struck: list[str] = []
    for row in shown.rows[1:]:
        box = shown.duration_rect(row.key)
        rows = range(box.top() + 1, box.bottom())
        for x in range(max(0, box.left()), min(shown.width(), box.right())):
            # An edge of a letter may be of the same shade; a line goes on.
            along = [picture.pixel(int(x * scale), int(y * scale)) in lines for y in rows]
            struck += [row.key] if sum(along) > len(along) / 2 else []
    assert struck == []
    middle = shown.row_rect("1").center().y()
    across = {picture.pixel(int(x * scale), int(middle * scale)) for x in range(200, shown.width())}
    assert across & lines, "they do go through the rest of the row"


@pytest.mark.parametrize(
    ("line", "sought", "seen"),
    [
        ("…the lock that `refill()` takes, so that two threads can spend the same token", "two threads", "…so that two threads can spend the same token"),
        ("short and two threads", "TWO  threads", "short and two threads"),
        ("a" * 60 + "needle", "needle", "…needle"),
        ("nothing of it", "absent", "nothing of it"),
        ("one two three four five six", "five", "…three four five six"),
        ("a line\nof several words here", "words", "…of several words here"),
    ],
)  # fmt: skip
def test_a_found_line_begins_shortly_before_what_was_found(line: str, sought: str, seen: str) -> None:
    assert from_found(line, sought) == seen


def test_the_list_shows_what_was_searched_for(qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    laid: list[str] = []
    made = LaidTexts._made

    def remember(self: LaidTexts, text: str, face: Face) -> Laid:
        laid.append(text)
        return made(self, text, face)

    monkeypatch.setattr(LaidTexts, "_made", remember)
    shown = ThreadList(theme)
    qtbot.addWidget(shown)
    shown.resize(288, 3 * ROW_HEIGHT)
    match = "it does not hold the lock that refill takes, so that two threads can spend the same token"
    row = msgspec.structs.replace(plain_thread(1, now_us()).row, match=match)
    shown.show_rows((row,), now_us(), "", sought="two threads")
    shown.grab()
    cut = [text for text in laid if text.startswith("…so that")]
    assert cut and "two threads" in cut[-1] and cut[-1].endswith("…")


def test_who_a_conversation_is_of_is_told_in_the_windows_language(qtbot: QtBot, theme: Theme, pseudo: None) -> None:
    from app.pages.conversations_parts.head import ThreadHead

    head = ThreadHead(theme)
    qtbot.addWidget(head)
    told = full_thread(now_us())
    head.show_thread(told.row, told.turns)
    assert any("ana" in word and "user" not in word for word in head._tags.words)
    assert any("payments" in word and "app:" not in word for word in head._tags.words)


def test_a_part_stands_in_in_every_language(qtbot: QtBot, theme: Theme, pseudo: None) -> None:
    told = full_thread(now_us())
    row = SpanRow(key="a", role="inference", label="a-model", depth=0, start_us=0, end_us=S, turn=0)
    facts = facts_of(row, told.turns[0], 0, str)
    card = FactsCard(theme)
    qtbot.addWidget(card)
    card.show_facts(facts)
    inset = [label.text() for label in card.findChildren(TextLabel) if label.contentsMargins().left() == 10]
    assert len(inset) == 2 and set(inset) <= facts.parts


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_where_nothing_scrolls_no_bar_is_seen(qtbot: QtBot, theme: Theme, mode: str) -> None:
    theme.set_mode(mode)
    drawer = Card(theme)
    qtbot.addWidget(drawer)
    drawer.resize(400, 300)
    view = ThreadView(theme, Pictures(Turns()), drawer)
    view.setGeometry(drawer.rect())
    drawer.show()

    def shades() -> set[int]:
        picture = view.grab().toImage()
        x = picture.width() - round(6 * picture.devicePixelRatio())
        return {picture.pixel(x, y) for y in range(picture.height())}

    def lines(count: int) -> tuple[Block, ...]:
        return tuple(Block(key=str(n), kind="user", title="User", text="a line") for n in range(count))

    view.set_blocks(lines(1), keep=False)
    assert view.verticalScrollBar().isVisible()
    assert shades() == {theme.color("bg").rgb()}, "on the ground of what it scrolls"
    view.set_blocks(lines(40), keep=False)
    assert view.verticalScrollBar().maximum() > 0 and theme.color("border_strong").rgb() in shades()


# one request


def test_one_request_has_no_running_sum_and_its_bodies_are_no_tools() -> None:
    thread = plain_thread(1, now_us(), turns=3)
    alone = said_of(thread, 2, "http://127.0.0.1:1")
    foot = next(block for block in alone.blocks[MESSAGES] if block.kind == "turn")
    assert formats.money(thread.turns[2].cost_nano) in foot.title and "so far" not in foot.title
    body = alone.blocks[REQUEST][0]
    assert body.kind == "body" and block_markdown(body)[2].startswith("```json")
    call = Block(key="a", kind="tool", title="t", parts=(ToolCall(id="a", name="b", arguments="{}"),))
    assert block_markdown(call)[2:] == block_markdown(msgspec.structs.replace(call, kind="body"))[2:]


# Compare


@pytest.fixture
def chart(qtbot: QtBot, theme: Theme) -> ScatterCard:
    spec = ScatterSpec(title="S", x_title="Cost", y_title="Time", x_text=money_axis, y_text=duration_axis)
    made = ScatterCard(spec, theme)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize("width", [580, 370])
def test_marks_that_crowd_have_their_names_still(chart: ScatterCard, width: int) -> None:
    chart.resize(width, 315)
    QTest.qWait(0)
    means = (
        ("claude-opus-4-6", 1.877e6, 3240.0, 4.7),
        ("gpt-5.4", 3.949e6, 2580.0, 3.7),
        ("gemini-3.1-pro-preview", 4.191e6, 2840.0, 2.7),
    )
    chart.set_points(
        [
            Point(key=name, name=name, label=f"{name} {stars} ★ (3)", x=x, y=y, share=(stars - 1) / 4, slot=n)
            for n, (name, x, y, stars) in enumerate(means)
        ]
    )
    chart.grab()
    assert set(chart.plot.marks.labelled) == {name for name, *_ in means}


@pytest.mark.parametrize(
    ("given", "taken", "words"),
    [
        (5_000_000_000, 25_000_000_000, "$5.00 / $25.00"),
        (100_000_000, 500_000_000, "$0.10 / $0.50"),
        (75_000_000, 300_000_000, "$0.075 / $0.30"),
        (None, 1, ""),
    ],
)
def test_prices_beside_each_other_have_cents(given: int | None, taken: int, words: str) -> None:
    row = ModelRow(id="m", title="M", provider="p", input_price=given, output_price=taken)
    assert price_words(row) == words


# the other pages


def test_what_failed_today_is_read_whole_beside_the_drawer(qtbot: QtBot, theme: Theme) -> None:
    card = ProviderCard(theme, "openai")
    qtbot.addWidget(card)
    row = FakeGateway(0, now_us=now_us()).provider_list[0]
    card.show_row(row, Summary(requests=1047, errors=22, cost_nano=1), "keyring", now_us())
    card.resize(370, 190)
    card.show()
    label = card.requests
    assert label.text() == "1,047 requests, 2.1% failed"
    assert label.heightForWidth(label.width()) <= label.height(), "in two lines, and nothing is cut"
    assert label.height() > label.fontMetrics().height() * 1.5
    assert card.source.y() == label.y() == card.address.y()


def test_the_first_of_a_keys_values_is_taken_and_the_field_says_what_it_finds(qtbot: QtBot, theme: Theme) -> None:
    above = QWidget()
    qtbot.addWidget(above)
    popover = FilterPopover(theme, above)
    keys = [Entry(subject=f"tag:{name}", value=None, text=name) for name in ("env", "feature", "team")]
    values = [
        Entry(subject="tag:team", value=name, text=name, requests=9) for name in ("growth", "platform", "support")
    ]
    popover.show_entries(None, keys)
    assert popover.search.placeholderText() == popover.search.accessibleName() == "Find a key"
    popover.list.setCurrentRow(2)
    popover.show_entries("tag:team", values)
    assert popover.search.placeholderText() == popover.search.accessibleName() == "Find a value"
    assert popover.list.currentRow() == 0
    popover.list.setCurrentRow(1)
    popover.show_entries("tag:team", values)
    assert popover.list.currentRow() == 1, "the same values, chosen or not, leave it where it is"
    popover.search.setText("o")
    assert popover.list.currentRow() == 0 and popover.list.count() == 3


def test_what_lies_on_the_disk_adds_up() -> None:
    sizes = Sizes(
        usage_bytes=40_000_000, requests_bytes=4_200_000, buckets_bytes=27_400_000, state_bytes=424_000,
        journal_bytes=29_000, logs_bytes=7, traces_bytes=888_000,
    )  # fmt: skip
    assert sum(part.bytes_of(sizes) for part in DISK_PARTS) == on_disk(sizes)
    assert unsorted_bytes(Sizes(usage_bytes=1, requests_bytes=2)) == 0


def test_a_button_that_opens_a_menu_is_read_out_without_its_sign(qtbot: QtBot, theme: Theme) -> None:
    button = TextButton(theme, opening("Views"))
    qtbot.addWidget(button)
    assert (button.text(), button.accessibleName()) == (f"Views{OPENS}", "Views")


def test_the_sign_of_a_menu_is_written_in_one_place() -> None:
    app = Path(formats.__file__).parent
    assert [path.name for path in app.rglob("*.py") if OPENS.strip() in path.read_text("utf-8")] == ["label.py"]
