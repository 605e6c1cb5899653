"""The timeline's rows and its axis: turns and tools where no spans were sent, a tree where they were."""

import itertools

import msgspec
import pytest
from PySide6.QtCore import QEvent, QRect
from PySide6.QtGui import QFontMetrics, QPainter, QPicture
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.fonts import ui_font
from app.pages.conversations_parts.axis import Axis
from app.pages.conversations_parts.blocks import told
from app.pages.conversations_parts.branches import steps
from app.pages.conversations_parts.facts import Facts, facts_of
from app.pages.conversations_parts.inspector import FactsCard
from app.pages.conversations_parts.spans import SpanRow, block_of, hidden_glue, row_of, rows_of, tool_times
from app.pages.conversations_parts.waterfall import Waterfall, tick_words
from app.text_label import TextLabel
from app.theme import Theme
from gateway import Thread, Trace, TraceSpan
from tests.app.fake_gateway import NOW_US
from tests.app.fake_threads import S, full_thread, trace_of
from tests.app.test_theme import contrast


@pytest.fixture
def thread() -> Thread:
    return full_thread(NOW_US)


def rows(thread: Thread, *traces: Trace, glue: bool = False) -> tuple[SpanRow, ...]:
    return rows_of(thread, steps(thread.turns, {}), traces, glue=glue)


def tree(made: tuple[SpanRow, ...]) -> list[tuple[int, str]]:
    return [(row.depth, row.label) for row in made]


def span(id: str, parent: str | None, at_s: float = 0, **fields: object) -> TraceSpan:
    start = NOW_US + int(at_s * S)
    return TraceSpan(
        span_id=id,
        parent_span_id=parent,
        name=id,
        kind="internal",
        started_us=start,
        duration_us=S,
        status="ok",
        **fields,  # type: ignore[arg-type]
    )


def spans(*made: TraceSpan) -> Trace:
    return Trace(trace_id="t", spans=made)


def test_without_spans_calls_and_tools_are_told_by_turns(thread: Thread) -> None:
    made = rows(thread)
    assert tree(made) == [
        (0, "Conversation"),
        (1, "claude-sonnet-4.5"),
        (1, "read_file"),
        (1, "claude-sonnet-4.5"),
        (1, "run_tests"),
        (1, "claude-sonnet-4.5"),
        (1, "claude-sonnet-4.5"),
        (1, "gpt-5.1"),
        (1, "agent"),
        (2, "claude-sonnet-4.5"),
        (1, "gpt-5.1"),
    ]
    tool = made[2]
    assert tool.inferred and (tool.end_us - tool.start_us) == 800_000
    assert [row.failed for row in made[4:6]] == [True, True]
    assert made[1].first_us == thread.turns[0].started_us + 1_240_000
    assert (made[0].start_us, made[0].end_us) == (made[1].start_us, made[-1].end_us)


def test_spans_are_a_tree_without_their_glue(thread: Thread) -> None:
    trace = trace_of(thread)
    made = rows(thread, trace)
    assert tree(made)[:5] == [
        (0, "Conversation"),
        (1, "fix_test"),
        (2, "chat claude-sonnet-4.5"),
        (2, "execute_tool read_file"),
        (1, "late"),
    ]
    assert "read_file" not in [row.label for row in made], "the span tells it, and better"
    assert sum(row.turn == 0 and row.role == "inference" for row in made) == 1, "each call is one row"
    assert hidden_glue((trace,)) == 1
    everything = rows(thread, trace, glue=True)
    assert (2, "HTTP POST") in tree(everything) and (3, "chat claude-sonnet-4.5") in tree(everything)
    assert tool_times((trace,)) == {"call_1": 180_000}


def test_tools_of_calls_without_spans_are_told_beside_those_that_have_some(thread: Thread) -> None:
    """Of a long talk the spans of its first calls are read, and an app may send only some."""
    trace = trace_of(thread)
    assert [row.label for row in rows(thread, trace) if row.inferred] == ["run_tests", "agent"]
    asked = next(row for row in rows(thread) if row.label == "run_tests")
    unnamed = TraceSpan(
        span_id="b1",
        parent_span_id=None,
        name="tool",
        kind="internal",
        started_us=asked.start_us,
        duration_us=S,
        status="ok",
        role="tool",
    )
    made = rows(thread, trace, msgspec.structs.replace(trace, spans=(unnamed,)))
    assert [row.label for row in made if row.inferred] == ["agent"], "it ran between the same two calls"
    of_another = msgspec.structs.replace(unnamed, attributes={"gen_ai.tool.call.id": "call_1"})
    made = rows(thread, trace, msgspec.structs.replace(trace, spans=(of_another,)))
    assert [row.label for row in made if row.inferred] == ["run_tests", "agent"], "beside the tool of another call"


def test_parents_that_never_come_or_go_in_circles_lose_no_span(thread: Thread) -> None:
    bare = msgspec.structs.replace(thread, turns=(), messages=())
    made = rows_of(bare, (), (spans(span("a", "b"), span("b", "a"), span("c", "nowhere"), span("d", "d")),))
    assert sorted(row.label for row in made) == ["Conversation", "a", "b", "c", "d"]


def test_a_deep_tree_is_walked_without_recursion(thread: Thread) -> None:
    bare = msgspec.structs.replace(thread, turns=(), messages=())
    chain = [span("s0", None), *(span(f"s{n}", f"s{n - 1}") for n in range(1, 3_000))]
    assert rows_of(bare, (), (spans(*chain),))[-1].depth == 3_000


def test_nothing_to_tell_is_no_row(thread: Thread) -> None:
    assert rows_of(msgspec.structs.replace(thread, turns=(), messages=()), ()) == ()


def test_rows_and_blocks_lead_to_each_other(thread: Thread) -> None:
    made, blocks = rows(thread, trace_of(thread)), told(thread, {}).blocks
    by_label = {row.label: row for row in made}
    tool = next(block for block in blocks if block.detail == "read_file")
    assert row_of(tool, made) is by_label["execute_tool read_file"]
    assert block_of(by_label["execute_tool read_file"], blocks) == tool.key
    reasoning = next(block for block in blocks if block.kind == "reasoning")
    assert block_of(by_label["chat claude-sonnet-4.5"], blocks) == reasoning.key
    assert row_of(reasoning, made) is by_label["chat claude-sonnet-4.5"]
    assert block_of(made[0], blocks) == blocks[0].key
    assert block_of(by_label["fix_test"], blocks) is None, "it belongs to no turn"


# the waterfall


def test_bars_stand_at_their_times_and_are_fainter_until_the_first_token(theme: Theme, qtbot: QtBot) -> None:
    made = [
        SpanRow(key="all", label="Conversation", role="conversation", depth=0, start_us=0, end_us=20 * S),
        SpanRow(key="a", label="ask", role="inference", depth=1, start_us=0, end_us=10 * S, first_us=5 * S),
        SpanRow(key="b", label="run", role="tool", depth=1, start_us=10 * S, end_us=20 * S),
    ]
    waterfall = Waterfall(theme)
    qtbot.addWidget(waterfall)
    waterfall.resize(600, 120)
    waterfall.show_rows(made)
    picture, chart = waterfall.grab().toImage(), waterfall._chart()

    def colour(row: int, share: float) -> tuple[int, int, int, int]:
        y = waterfall.row_rect(made[row].key).center().y()
        return picture.pixelColor(round(chart.left() + share * chart.width()), y).getRgb()  # type: ignore[return-value]

    call, tool = theme.series_color(0).getRgb(), theme.series_color(2).getRgb()
    ground = colour(1, 0.8)
    assert (colour(1, 0.4), colour(2, 0.8), colour(2, 0.2)) == (call, tool, ground)
    assert colour(1, 0.1) not in (call, ground)
    # How long all of it took stands behind its bar, not on it.
    whole = {colour(0, share / 200) for share in range(2, 198)}
    assert len(whole) == 1
    metrics = QFontMetrics(ui_font(11))
    room = waterfall.width() - chart.right() - 6
    assert max(map(metrics.horizontalAdvance, ("49m 50s", "≈48m 48s", "12h 44m"))) <= room
    behind = round(chart.right()) + 6
    middle = waterfall.row_rect("all").center().y()
    assert any(picture.pixelColor(x, middle).getRgb() != ground for x in range(behind, behind + 40))


def test_the_timeline_keeps_the_words_that_are_on_show(theme: Theme, qtbot: QtBot, laid_out: list[str]) -> None:
    """While a conversation runs it is shown anew every second; of thousands of rows few are looked at again."""
    made = [
        SpanRow(key=f"{n}", label=f"ask {n}", role="inference", depth=n % 7, start_us=n * S, end_us=(n + 1) * S)
        for n in range(500)
    ]
    long = "a name for which there is no room at all"
    waterfall = Waterfall(theme)
    qtbot.addWidget(waterfall)
    waterfall.resize(400, 300)
    waterfall.show_rows([msgspec.structs.replace(made[0], label=long), *made[1:10]])
    waterfall.grab()
    assert {"ask 1", "1.00 s"} <= set(laid_out) and laid_out.count("1.00 s") == 1
    assert any(text.startswith("a name") and text.endswith("…") for text in laid_out)
    before = len(laid_out)
    waterfall.show_rows([msgspec.structs.replace(made[0], label=long), *made[1:11]])
    waterfall.grab()
    assert laid_out[before:] == ["ask 10"]
    waterfall.show_rows(made)
    waterfall.grab()
    assert len(laid_out) > 500 and len(waterfall._texts) <= 400, "those that were shown last"


def test_of_thousands_of_rows_only_what_is_exposed_is_painted(theme: Theme, qtbot: QtBot) -> None:
    """A dotted line as high as all rows is drawn dot by dot, wherever it is clipped."""
    made = [
        SpanRow(key=f"{n}", label="ask", role="inference", depth=0, start_us=n * 900 * S, end_us=(n * 900 + 400) * S)
        for n in range(2_000)
    ]
    waterfall = Waterfall(theme)
    qtbot.addWidget(waterfall)
    waterfall.resize(400, 300)
    waterfall.show_rows(made)
    assert len(waterfall.axis.breaks) >= 1 and waterfall.height() > 50_000
    picture = QPicture()
    waterfall._paint_axis(QPainter(picture), waterfall._chart(), QRect(0, 26_000, 400, 800))
    drawn = picture.boundingRect()
    assert drawn.top() >= 25_990 and drawn.bottom() <= 26_810
    whole = QPicture()
    waterfall._paint_axis(QPainter(whole), waterfall._chart(), QRect(0, 0, 400, 800))
    assert whole.boundingRect().top() < 24, "the times of the axis stand above the rows"


# the axis


def test_the_axis_is_in_proportion_where_nothing_is_silent() -> None:
    axis = Axis([(0, 10 * S), (5 * S, 20 * S)])
    assert [round(axis.at(us * S), 3) for us in (0, 5, 10, 20, 99)] == [0, 0.25, 0.5, 1, 1]
    assert (axis.breaks, axis.silent_us) == ([], 0)
    assert axis.ticks == [(0.0, 0), (0.25, 5), (0.5, 10), (0.75, 15), (1.0, 20)]


def test_a_long_silence_takes_little_room() -> None:
    day = 86_400 * S
    axis = Axis([(0, 10 * S), (day, day + 10 * S)])
    assert axis.at(10 * S) == pytest.approx(10 / 20.8)
    assert axis.at(day) == pytest.approx(10.8 / 20.8)
    assert axis.at(day // 2) == axis.at(10 * S), "in the silence it stands still"
    assert len(axis.breaks) == 1 and axis.silent_us == day - 10 * S
    assert axis.at(10 * S) < axis.breaks[0] < axis.at(day)
    assert [seconds for _, seconds in axis.ticks] == [0, 5, 10, 15, 20]


@pytest.mark.parametrize("length_us", [1, 900, 40_000, 3 * S, 95 * S, 7_200 * S, 40 * 86_400 * S])
def test_ticks_are_few_and_in_order(length_us: int) -> None:
    places = [place for place, _ in Axis([(0, length_us)]).ticks]
    assert 1 <= len(places) <= 6
    assert places == sorted(places) and places[-1] <= 1


def test_a_long_axis_has_more_than_its_two_ends() -> None:
    for minutes in range(10, 240):
        assert len(Axis([(0, minutes * 60 * S)]).ticks) >= 3, minutes


def test_an_axis_of_nothing() -> None:
    assert Axis(()).at(5) == 0 and Axis(()).silent_us == 0 and Axis(()).ticks == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (2.5, "2.5 s"),
        (20, "20 s"),
        (300, "5 min"),
        (3_600, "1 h"),
        (14_400, "4 h"),
        (86_400, "1 d"),
    ],
)
def test_ticks_are_round_words(seconds: float, words: str) -> None:
    assert tick_words(seconds) == words


# facts


def test_facts_of_a_call_and_of_a_span(thread: Thread) -> None:
    made = {row.label: row for row in rows(thread, trace_of(thread))}
    start = made["Conversation"].start_us
    call = facts_of(made["chat claude-sonnet-4.5"], thread.turns[0], start, str.title)
    assert dict(call.lines)["Kind"] == "Model call" and dict(call.lines)["Outcome"] == "Answered"
    limited = msgspec.structs.replace(thread.turns[0], outcome="error", status=429)
    failed = facts_of(made["chat claude-sonnet-4.5"], limited, start, str)
    assert dict(failed.lines)["Outcome"] == "Failed, status 429"
    lines = dict(call.lines)
    assert lines["Model"] == "claude-sonnet-4.5"
    assert lines["Provider"] == "Anthropic"
    assert lines["Input"] == "4,000" and lines["of which cached"] == "3,000"
    assert lines["Cost"] == "$0.030 · list price"
    uncounted = msgspec.structs.replace(thread.turns[0], cost_nano=None, cost_source="none", usage_source="none")
    untold = facts_of(made["chat claude-sonnet-4.5"], uncounted, start, str.title)
    assert "Cost" not in dict(untold.lines) and ("Counts", "not counted") in untold.lines
    assert lines["Took"] == "6.20 s"
    assert lines["Joined"] == "by id"
    assert call.request_id == "req_0000"
    tool = facts_of(made["execute_tool read_file"], None, start, str)
    assert "gen_ai.tool.call.id = call_1" in tool.raw
    assert "resource.service.name = payments" in tool.raw
    assert '"span_id": "a4"' in tool.json
    inferred = facts_of(rows(thread)[2], thread.turns[0], start, str)
    assert dict(inferred.lines)["Took"] == "≈800 ms, the time between two calls"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("provider", "counted by the provider"),
        ("reported", "as the app says: the gateway did not see the provider's counts"),
    ],
)
def test_ccusage_866_what_an_app_says_is_not_called_the_providers_count(
    thread: Thread, source: str, words: str
) -> None:
    made = {row.label: row for row in rows(thread, trace_of(thread))}
    turn = msgspec.structs.replace(thread.turns[0], usage_source=source)
    facts = facts_of(made["chat claude-sonnet-4.5"], turn, made["Conversation"].start_us, str.title)
    assert dict(facts.lines)["Counts"] == words


def test_large_attributes_are_cut_and_counted(thread: Thread) -> None:
    bare = msgspec.structs.replace(thread, turns=(), messages=())
    attributes = {"long": "x" * 5_000, **{f"n{number}": number for number in range(400)}}
    (_, row) = rows_of(bare, (), (spans(span("a", None, attributes=attributes)),))
    facts = facts_of(row, None, NOW_US, str)
    assert "(5,000 characters)" in facts.raw and "251 more" in facts.raw
    assert '"n399": 399' in facts.json


def labels(card: FactsCard) -> list[QLabel]:
    """Below the title, as far as they are to be seen."""
    return [label for label in card.findChildren(QLabel) if label.parent() is not card and label.isVisibleTo(card)]


def test_the_card_says_the_same_whether_its_lines_are_reused_or_new(theme: Theme, qtbot: QtBot) -> None:
    """Walking through turns keeps labels; what they say must not depend on the way."""
    call = Facts(title="chat", lines=(("Kind", "inference"), ("Model", "one")), notes=("a note",), raw="a = 1")
    other = Facts(title="chat", lines=(("Kind", "inference"), ("Model", "two")), notes=("another",), raw="a = 2")
    tool = Facts(title="read_file", lines=(("Kind", "tool"),))
    card = FactsCard(theme)
    qtbot.addWidget(card)
    shown = []
    for facts in (call, other, tool, call):
        card.show_facts(facts)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        shown.append(labels(card))
        said = [word for line in facts.lines for word in line]
        raw = ("Attributes", facts.raw) if facts.raw else ()
        assert [label.text() for label in shown[-1]] == [*said, *facts.notes, *raw]
    assert shown[0] == shown[1] == shown[3], "the same lines, in the same labels, also after others"


def test_the_card_keeps_the_lines_that_were_shown_last(theme: Theme, qtbot: QtBot) -> None:
    """A walk through a thread passes few shapes; of spans that an app made up there may be any number."""
    card = FactsCard(theme)
    qtbot.addWidget(card)
    many = [Facts(title="span", lines=tuple((f"Line {n}", "x") for n in range(length))) for length in range(1, 12)]
    for facts in many:
        card.show_facts(facts)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert [label.text() for label in labels(card)] == [word for line in many[-1].lines for word in line]
    kept = sum(len(facts.lines) for facts in many[-4:])
    assert len(card.findChildren(QLabel)) == 2 * kept + 1, "the title, and the lines of four"


def test_facts_of_a_new_shape_are_made_in_turns_and_shown_at_the_end(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty widgets made, laid out and shown at once held the loop after each step through a thread."""
    card = FactsCard(theme)
    qtbot.addWidget(card)
    card.resize(376, 300)
    first = Facts(title="first", lines=(("Kind", "tool"),), request_id="r")
    card.show_facts(first)
    monkeypatch.setattr("app.parts.in_turns.BUDGET_S", -1.0)
    lines = tuple((f"Label {number}", "words " * number) for number in range(12))
    card.show_facts(Facts(title="second", lines=lines, raw="a = 1"))
    made, titles = [len(card.findChildren(TextLabel))], []
    while not titles or titles[-1] == "first":
        card.turns.go_on()
        made.append(len(card.findChildren(TextLabel)))
        titles.append(card.title.text())
    steps = [after - before for before, after in itertools.pairwise(made)]
    assert max(steps) == 2 and steps[-3:] == [0, 0, 0], "told, laid out and shown in turns of their own"
    assert titles.count("second") == 1 and card.isVisibleTo(None)
    card.show_facts(Facts(title="third", lines=(("Kind", "x"), ("Took", "1 s"))))
    card.show_facts(None)
    qtbot.wait(30)
    assert card.isHidden(), "what was begun is left"


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("selected", ["", "guessed", "asked"])
def test_a_fainter_bar_stands_out_and_differs_from_a_measured_one(
    theme: Theme, qtbot: QtBot, selected: str, mode: str
) -> None:
    """WCAG 1.4.11 asks for 3:1 between what tells something and what it lies on."""
    theme.set_mode(mode)
    made = [
        SpanRow(key="asked", label="ask", role="inference", depth=0, start_us=0, end_us=10 * S, first_us=9 * S),
        SpanRow(key="measured", label="run", role="tool", depth=0, start_us=0, end_us=10 * S),
        SpanRow(key="guessed", label="run", role="tool", depth=0, start_us=0, end_us=10 * S, inferred=True),
    ]
    waterfall = Waterfall(theme)
    qtbot.addWidget(waterfall)
    waterfall.resize(600, 120)
    waterfall.show_rows(made)
    waterfall.select(selected)
    picture, left = waterfall.grab().toImage(), round(waterfall._chart().left() + 40)

    def column(key: str) -> tuple[str, str, str]:
        """Ground, edge and inside of a bar."""
        middle = waterfall.row_rect(key).center().y()
        tops = range(middle - 12, middle)
        shades = [picture.pixelColor(left, y).name() for y in tops]
        edge = next(n for n, shade in enumerate(shades) if shade != shades[0])
        return shades[0], shades[edge], shades[-1]

    for key in ("guessed", "asked"):
        ground, edge, inside = column(key)
        assert contrast(edge, ground) >= 3 and inside not in (ground, edge)
    assert column("measured")[1] == column("measured")[2]
    assert contrast(column("guessed")[2], column("measured")[2]) >= 1.3
