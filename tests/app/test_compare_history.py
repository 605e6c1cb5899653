"""What was compared, over time: each number equals the API's; the scatter, the tables, a rating changed later, CSV."""

import asyncio
import csv
import io
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import formats
from app.charts import Point, ScatterCard, ScatterSpec, duration_axis, money_axis
from app.charts.scatter import radius_of
from app.context import AppContext
from app.filters import FilterState
from app.pages.compare import ComparePage
from app.pages.compare_parts.answer_details import AnswerDetails
from app.pages.compare_parts.history import HistoryPane
from app.pages.compare_parts.rating_lines import stars_text
from app.pages.page import RequestTarget
from app.tables.view import TableView
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import PushButton
from gateway import Changes, FaregateError, RatedAnswer
from tests.app.accessible import unnamed
from tests.app.fake_comparisons import SECOND, Script
from tests.app.fake_gateway import FakeGateway
from tests.app.spawner import Spawner
from tests.app.test_compare import ALL, CLAUDE, GPT, UNPRICED, click, press_star
from tests.app.whole import crossing, cut
from tests.waiting import until

HOUR_US = 3600 * SECOND
QUESTIONS = ("Why is it flaky?", "Write a query for active users", "=SUM(A1)\nSummarise")


@pytest.fixture
def gateway() -> FakeGateway:
    made = FakeGateway(10)
    made.scripts = {
        CLAUDE: Script(ttft_us=900_000, latency_us=4 * SECOND, output_tokens=300),
        GPT: Script(ttft_us=300_000, latency_us=SECOND, output_tokens=100),
    }
    for number, text in enumerate(QUESTIONS):
        made.now_us += HOUR_US
        models = (CLAUDE, GPT, UNPRICED) if number else (CLAUDE, GPT)
        found = asyncio.run(made.compare(models, {"messages": [{"role": "user", "content": text}]}))
        for answer in found.answers[:2]:
            asyncio.run(made.rate(answer.request_id, 5 - number - answer.place, "good" if number == 1 else ""))
            made.now_us += SECOND
    return made


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: FakeGateway, spawner: Spawner) -> ComparePage:
    made = ComparePage(AppContext(gateway, theme, FilterState(tz="Europe/Paris"), spawner))  # type: ignore[arg-type]
    for control in made.header_controls():
        control.setParent(made)
    qtbot.addWidget(made)
    made.resize(1220, 840)
    made.show()
    asyncio.run(made.refresh(ALL))
    show_pane(made, qtbot, "history")
    return made


def show_pane(page: ComparePage, qtbot: QtBot, key: str) -> None:
    page.panes.segment(key).click()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is (page.asking if key == "ask" else page.history))


def history(page: ComparePage) -> HistoryPane:
    assert page.history is not None
    return page.history


def cells(view: TableView) -> list[dict[str, str]]:
    """All cells of a table as they are shown, by the titles of their columns."""
    model = view.model()
    titles = [model.headerData(c, Qt.Orientation.Horizontal) for c in range(model.columnCount())]
    return [
        {title: str(model.index(row, column).data()) for column, title in enumerate(titles)}
        for row in range(model.rowCount())
    ]


def test_a_pane_comes_in_the_turn_after_the_click_and_is_painted_in_pieces(page: ComparePage, qtbot: QtBot) -> None:
    qtbot.waitUntil(page._pane_turns.curtain.isHidden)
    page.panes.segment("ask").click()
    assert page.panes.current == "ask" and page.stack.currentWidget() is page.history
    assert page._pane_turns.curtain.isVisible() and history(page).isHidden(), "what is seen of it stays"
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.asking)
    assert page._pane_turns.curtain.isVisible()
    qtbot.waitUntil(page._pane_turns.curtain.isHidden)


def test_the_models_are_the_apis(page: ComparePage, gateway: FakeGateway) -> None:
    models = asyncio.run(gateway.rated_models())
    assert [(row.model, row.ratings, row.stars) for row in models] == [(CLAUDE, 3, 4.0), (GPT, 3, 3.0)]
    assert cells(history(page).models_view) == [
        {
            "Model": row.model,
            "Rating": f"{row.stars:.1f}",
            "Ratings": str(row.ratings),
            "Cost": formats.money(row.cost_nano),
            "TTFT": formats.duration((row.ttft_us or 0) / 1000),
            "Total": formats.duration((row.latency_us or 0) / 1000),
        }
        for row in models
    ]


def test_the_answers_are_the_apis(page: ComparePage, gateway: FakeGateway) -> None:
    pane = history(page)
    for key, kept in (("rated", gateway.ratings()), ("all", gateway.comparisons())):
        pane.kept.segment(key).click()
        answers = asyncio.run(kept)
        assert pane.count.text() == f"{len(answers)} answers"
        for cell, row in zip(cells(pane.view), answers, strict=True):
            assert cell["Time"] == formats.clock(row.at_us)
            assert cell["Prompt"] == " ".join((row.prompt or "").split())
            assert (cell["Model"], cell["Note"], cell["State"]) == (row.model, row.note, "Done")
            assert cell["Rating"] == stars_text(row.stars)
            assert cell["TTFT"] == formats.duration((row.ttft_us or 0) / 1000)
            assert cell["Total"] == formats.duration((row.latency_us or 0) / 1000)
            assert (cell["Tokens out"], cell["Cost"]) == (str(row.output_tokens), formats.money_column(row.cost_nano))
    assert stars_text(4) == "★★★★☆" and stars_text(None) == ""
    assert len(asyncio.run(gateway.comparisons())) == 8


def test_costs_that_are_estimates_are_marked_and_so_are_their_means(page: ComparePage, gateway: FakeGateway) -> None:
    """A mean over an answer that nobody counted stood there like one of the provider's figures."""
    guessed = next(row for row in asyncio.run(gateway.ratings()) if row.model == CLAUDE)
    gateway.kept[guessed.request_id] = msgspec.structs.replace(guessed, cost_estimated=True)
    pane = history(page)
    asyncio.run(pane.refresh())
    means = {cell["Model"]: cell["Cost"] for cell in cells(pane.models_view)}
    assert means[CLAUDE].startswith("≈$") and means[GPT].startswith("$")
    assert [cell["Cost"][0] for cell in cells(pane.view)].count("≈") == 1
    points = {point.name: dict(point.figures)["Cost"] for point in pane.scatter.points}
    assert points[CLAUDE].startswith("≈$") and points[GPT].startswith("$")
    pane.details.show_answer(gateway.kept[guessed.request_id])
    assert pane.details._values["cost"].text().startswith("≈$")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_ratings_are_drawn_as_they_are_given(
    page: ComparePage, gateway: FakeGateway, theme: Theme, mode: str
) -> None:
    """In the colour of the stars that are pressed, as many as there are; a flip draws them anew."""
    theme.set_mode(mode)
    view = history(page).view
    column = next(n for n, one in enumerate(view.model().columns) if one.key == "stars")
    answers = asyncio.run(gateway.ratings())
    picture = view.viewport().grab().toImage()
    ratio, lit = picture.devicePixelRatio(), theme.series_color(1).name()
    for row, answer in enumerate(answers[:4]):
        cell = view.visualRect(view.model().index(row, column))
        middle = cell.center().y()
        seen = [
            picture.pixelColor(int((cell.x() + 10 + 16 * n + 8) * ratio), int(middle * ratio)).name()
            for n in range(5)
        ]
        assert [color == lit for color in seen] == [n < (answer.stars or 0) for n in range(5)]


def test_the_scatter_shows_each_models_means(page: ComparePage, gateway: FakeGateway) -> None:
    scatter = history(page).scatter
    models = {row.model: row for row in asyncio.run(gateway.rated_models())}
    # From left to right: what costs less first.
    assert [point.key for point in scatter.points] == [GPT, CLAUDE]
    for point in scatter.points:
        row = models[point.key]
        assert (point.x, point.y) == (row.cost_nano, (row.latency_us or 0) / 1000)
        assert point.label == f"{row.model} {row.stars:.1f} ★ ({row.ratings})"
        assert dict(point.figures)["Ratings"] == str(row.ratings)
        assert dict(point.figures)["Cost"] == formats.money(row.cost_nano)
    assert radius_of(scatter.points[1]) > radius_of(scatter.points[0])
    assert f"{GPT}: Rating 3.0, Ratings 3" in scatter.accessibleDescription()


def test_a_model_without_a_price_is_in_the_table_alone(
    page: ComparePage, gateway: FakeGateway, spawner: Spawner
) -> None:
    id = next(row.request_id for row in gateway.kept.values() if row.model == UNPRICED)
    asyncio.run(gateway.rate(id, 5))
    asyncio.run(page.refresh(Changes(comparisons=True)))
    assert UNPRICED not in {point.key for point in history(page).scatter.points}
    shown = cells(history(page).models_view)
    assert (shown[0]["Model"], shown[0]["Cost"]) == (UNPRICED, "—")


def test_searching_and_the_way_from_a_model(page: ComparePage, qtbot: QtBot) -> None:
    pane = history(page)
    qtbot.keyClicks(pane.search, "ACTIVE good")
    assert {cell["Prompt"] for cell in cells(pane.view)} == {QUESTIONS[1]}
    pane.search.setText("no such word")
    assert pane.no_match.isVisible()
    pane.no_match.action.emit()
    assert pane.count.text() == "6 answers"
    pane.models_view.opened.emit(1)
    assert {cell["Model"] for cell in cells(pane.view)} == {GPT}
    pane.scatter.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
        qtbot.keyClick(pane.scatter, key)
    assert {cell["Model"] for cell in cells(pane.view)} == {CLAUDE}


def test_an_answer_is_rated_later(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    pane = history(page)
    pane.kept.segment("all").click()
    row = next(number for number, each in enumerate(pane.model.rows) if each.model == UNPRICED)
    answer = pane.model.rows[row]
    pane.view.opened.emit(row)
    details = pane.drawer.findChild(AnswerDetails)
    assert details is not None and pane.drawer.isVisible() and details.prompt.text() == answer.prompt
    assert not details.rating.note.isEnabled()
    press_star(qtbot, details.rating.stars, 2)
    qtbot.keyClicks(details.rating.note, "dear")
    qtbot.keyClick(details.rating.note, Qt.Key.Key_Return)
    kept = gateway.kept[answer.request_id]
    assert (kept.stars, kept.note) == (2, "dear")
    asyncio.run(page.refresh(Changes(comparisons=True)))
    assert UNPRICED in {cell["Model"] for cell in cells(pane.models_view)}
    press_star(qtbot, details.rating.stars, 2)
    assert gateway.kept[answer.request_id].stars is None


def test_another_answer_is_told_by_the_same_widgets_and_a_note_stays_with_its_own(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    pane = history(page)
    first, second = pane.model.rows[0], pane.model.rows[1]
    pane.view.opened.emit(0)
    details = pane.drawer.findChild(AnswerDetails)
    assert details is not None
    before = set(details.findChildren(QWidget))
    qtbot.keyClicks(details.rating.note, " at length")
    pane.view.opened.emit(1)
    assert pane.drawer.findChild(AnswerDetails) is details and set(details.findChildren(QWidget)) == before
    assert gateway.kept[first.request_id].note == f"{first.note} at length".strip()
    assert gateway.kept[second.request_id].note == second.note == details.rating.note.text()
    assert (details.prompt.text(), details.request_id) == (second.prompt, second.request_id)
    shown = {label.objectName(): label.text() for label in details.findChildren(TextLabel)}
    assert shown["details_cost"] == formats.money(second.cost_nano) and shown["details_key"] == second.key
    with qtbot.waitSignal(pane.request_asked) as asked:
        details.findChild(PushButton, "details_request").click()  # type: ignore[union-attr]
    assert asked.args == [second.request_id]


def test_a_rating_is_told_at_once_wherever_its_answer_stands(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    show_pane(page, qtbot, "ask")
    page.question.user.setPlainText("Once more")
    click(qtbot, page.question.run_button)
    qtbot.waitUntil(lambda: not page._has_more)
    column = page.columns[0]
    assert column.answer is not None
    rated = column.answer.request_id
    press_star(qtbot, column.rating.stars, 4)
    show_pane(page, qtbot, "history")
    pane = history(page)
    number = next(n for n, row in enumerate(pane.model.rows) if row.request_id == rated)
    pane.view.opened.emit(number)
    press_star(qtbot, column.rating.stars, 2)
    assert pane.details.rating.stars.stars == 2
    # A note is given with the stars that stand beside it.
    qtbot.keyClicks(pane.details.rating.note, "after all")
    pane.view.opened.emit(number + 1)
    assert (gateway.kept[rated].stars, gateway.kept[rated].note) == (2, "after all")
    pane.view.opened.emit(number)
    assert (pane.details.rating.stars.stars, pane.details.rating.note.text()) == (2, "after all")
    assert pane.model.rows[number].stars == 2 and column.rating.note.text() == "after all"


async def test_what_was_read_last_is_what_stands_there(
    page: ComparePage, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = history(page)
    rated, read, held = pane.model.rows[0], gateway.ratings, [asyncio.Event()]

    async def ratings(*, limit: int = 100) -> tuple[RatedAnswer, ...]:
        found = await read(limit=limit)
        while held:
            await held.pop().wait()
        return found

    monkeypatch.setattr(gateway, "ratings", ratings)
    slow = held[0]
    first = asyncio.create_task(pane.refresh())
    await until(lambda: not held)
    await gateway.rate(rated.request_id, 5, "after all")
    second = asyncio.create_task(pane.refresh())
    for _ in range(20):
        await asyncio.sleep(0)
    slow.set()
    await asyncio.gather(first, second)
    assert [row.note for row in pane.model.rows if row.request_id == rated.request_id] == ["after all"]


def test_a_later_rating_that_cannot_be_kept_is_not_shown(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = history(page)
    kept = pane.model.rows[0]
    pane.view.opened.emit(0)
    details = pane.drawer.findChild(AnswerDetails)
    assert details is not None and kept.stars

    async def full(*_asked: object) -> None:
        raise FaregateError("The disk is full.")

    monkeypatch.setattr(gateway, "rate", full)
    press_star(qtbot, details.rating.stars, kept.stars % 5 + 1)
    assert (details.rating.stars.stars, details.rating.note.text()) == (kept.stars, kept.note)


def test_an_answer_that_failed_is_not_rated(qtbot: QtBot, theme: Theme, gateway: FakeGateway) -> None:
    kept = next(iter(gateway.kept.values()))
    failed = AnswerDetails(theme)
    failed.show_answer(msgspec.structs.replace(kept, outcome="error", stars=None, note=""))
    qtbot.addWidget(failed)
    failed.show()
    ratings: list[tuple[int, str]] = []
    failed.rated.connect(lambda stars, note: ratings.append((stars, note)))
    press_star(qtbot, failed.rating.stars, 4)
    assert (failed.rating.stars.isEnabled(), failed.rating.stars.stars, ratings) == (False, 0, [])


def test_an_answer_that_failed_is_read_as_well_as_others(page: ComparePage, gateway: FakeGateway) -> None:
    """Its state is a pill of its own; what is grey was taken back."""
    failed = msgspec.structs.replace(next(iter(gateway.kept.values())), outcome="error")
    assert not history(page).view._faint(failed)


def test_what_is_rated_here_is_seen_in_its_column(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    show_pane(page, qtbot, "ask")
    page.question.user.setPlainText("Once more")
    click(qtbot, page.question.run_button)
    qtbot.waitUntil(lambda: not page._has_more)
    column = page.columns[0]
    assert column.answer is not None
    show_pane(page, qtbot, "history")
    pane = history(page)
    pane.rated.emit(gateway.kept[column.answer.request_id], 4, "well")
    assert (column.rating.stars.stars, column.rating.note.text()) == (4, "well")
    assert gateway.kept[column.answer.request_id].stars == 4


def test_the_ways_from_an_answer(page: ComparePage, qtbot: QtBot) -> None:
    pane = history(page)
    pane.view.opened.emit(0)
    answer = pane.model.rows[0]
    buttons = {each.objectName(): each for each in pane.drawer.findChildren(PushButton)}
    with qtbot.waitSignal(page.navigate) as went:
        click(qtbot, buttons["details_request"])
    assert went.args == ["requests", RequestTarget(answer.request_id)]
    for name in ("details_conversation", "details_ask"):
        with qtbot.waitSignal(page.toast) as told, qtbot.assertNotEmitted(page.navigate):
            click(qtbot, buttons[name])
        assert told.args == ["The messages of this request were not kept"]


def test_csv_and_copying(page: ComparePage, gateway: FakeGateway, qtbot: QtBot, tmp_path: Path) -> None:
    pane = history(page)
    page.start_export()
    dialog = pane.findChild(QFileDialog, "compare_export_file")
    assert dialog is not None
    path = tmp_path / "comparisons.csv"
    with qtbot.waitSignal(page.context.shell.saved) as saved:
        dialog.fileSelected.emit(str(path))
    dialog.close()
    assert saved.args == ["Exported 6 answers", tmp_path]
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    answers = asyncio.run(gateway.ratings())
    assert [row["Cost (USD)"] for row in rows] == [
        "" if answer.cost_nano is None else f"{Decimal(answer.cost_nano) / 10**9:.9f}" for answer in answers
    ]
    # What a spreadsheet would run as a formula is text.
    assert rows[0]["Prompt"] == "'=SUM(A1)\nSummarise"
    pane.view.selectRow(1)
    pane.view.copy_asked.emit()
    assert QGuiApplication.clipboard().text().splitlines()[1].split("\t")[2] == answers[1].model


def test_nothing_compared_and_what_fails(qtbot: QtBot, theme: Theme, spawner: Spawner) -> None:
    gateway = FakeGateway(5)
    page = ComparePage(AppContext(gateway, theme, FilterState(tz="UTC"), spawner))  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.show()
    page.show_pane("history")
    assert history(page).empty.isVisible()
    page.start_export()
    gateway.fails = "state.db cannot be used: check its disk."
    asyncio.run(page.refresh(Changes(comparisons=True)))
    assert page.error.text() == gateway.fails
    for dialog in page.findChildren(QFileDialog):
        dialog.close()


@pytest.mark.parametrize("size", [(1220, 840), (968, 620)])
def test_everything_can_be_read_and_named(page: ComparePage, qtbot: QtBot, size: tuple[int, int]) -> None:
    page.resize(*size)
    assert page.minimumSizeHint().width() <= size[0]
    qtbot.waitUntil(lambda: cut(page) == [] and crossing(page) == [])
    assert unnamed(page) == []
    history(page).view.opened.emit(0)
    assert page.minimumSizeHint().width() <= size[0]
    qtbot.waitUntil(lambda: cut(page) == [] and crossing(page) == [])
    assert unnamed(page) == [] and not page.findChildren(QPushButton, "qt_dialogbuttonbox")


def test_where_nothing_was_compared_a_button_leads_to_asking(qtbot: QtBot, theme: Theme, spawner: Spawner) -> None:
    page = ComparePage(AppContext(FakeGateway(5), theme, FilterState(tz="UTC"), spawner))  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.show()
    page.show_pane("history")
    button = history(page).empty.button
    assert button is not None and not page.question.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert page.panes.current == "ask" and page.question.isVisible()


# the chart by itself


def points(count: int) -> list[Point]:
    return [
        Point(
            key=f"m{n}",
            name=f"model-{n}",
            label=f"model-{n} 4.0 ★ ({n})",
            x=1e6 * (n + 1),
            y=500.0 * (count - n),
            share=n / max(1, count - 1),
            slot=n,
            figures=(("Rating", "4.0"),),
        )
        for n in range(count)
    ]


@pytest.fixture
def chart(qtbot: QtBot, theme: Theme) -> ScatterCard:
    spec = ScatterSpec(title="S", x_title="Cost", y_title="Time", x_text=money_axis, y_text=duration_axis)
    made = ScatterCard(spec, theme)
    qtbot.addWidget(made)
    made.resize(560, 320)
    made.show()
    return made


def test_a_mark_is_where_its_values_are(chart: ScatterCard, qtbot: QtBot, theme: Theme) -> None:
    chart.set_points(points(5))
    picture = chart.grab().toImage()
    for number in range(5):
        at = chart.plot.viewport().mapTo(chart, chart.plot.place(number))
        colour, wanted = picture.pixelColor(at), theme.series_color(number)
        # The mark's own colour over the card's.
        assert (
            max(
                abs(colour.red() - (wanted.red() * 3 + 255) // 4), abs(colour.blue() - (wanted.blue() * 3 + 255) // 4)
            )
            < 6
        )
    area = chart.plot.view.sceneBoundingRect()
    for number in range(5):
        assert area.contains(chart.plot.mapToScene(chart.plot.place(number)))
    assert chart.plot.marks.labelled == ("m0", "m1", "m2", "m3", "m4")


def test_the_nearest_mark_is_pointed_at_and_pressed(chart: ScatterCard, qtbot: QtBot) -> None:
    chart.set_points(points(3))
    pressed: list[str] = []
    chart.chosen.connect(pressed.append)
    at = chart.plot.place(1)
    qtbot.mouseMove(chart.plot.viewport(), at + QPoint(6, -4))
    qtbot.waitUntil(chart.tooltip.isVisible)
    assert (chart.current, chart.tooltip.title) == (1, "model-1")
    assert [(name, value) for _, name, value in chart.tooltip.rows] == [("Rating", "4.0")]
    qtbot.mouseClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(70, 20))
    assert pressed == ["m1"]
    assert chart.plot.near(QPoint(70, 20)) == -1


def test_the_scatter_by_the_keyboard(chart: ScatterCard, qtbot: QtBot) -> None:
    chart.set_points(points(3))
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.current == 2 and chart.accessibleDescription() == "model-2: Rating 4.0"
    for _ in range(5):
        qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.current == 0
    qtbot.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.current == -1 and not chart.tooltip.isVisible()
    chart.set_points(())
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    assert chart.current == -1 and chart.accessibleDescription() == "Nothing to show"


def test_a_long_label_at_the_edge_finds_its_place(chart: ScatterCard) -> None:
    long = "a-model-with-quite-a-long-name-preview 4.0 ★ (12)"
    near = [
        Point(key=str(n), name=str(n), label=long, x=x, y=y, share=0.5, slot=n)
        for n, (x, y) in enumerate(((3.9e6, 2600.0), (4.2e6, 2800.0), (2e6, 3000.0)))
    ]
    chart.set_points(near)
    chart.grab()
    assert set(chart.plot.marks.labelled) == {"0", "1", "2"}


def test_labels_do_not_lie_over_each_other(chart: ScatterCard) -> None:
    same = [
        Point(key=str(n), name="n", label="a rather long label", x=1e6, y=1000.0, share=0.5, slot=n) for n in range(9)
    ]
    chart.set_points(same)
    chart.grab()
    assert 1 <= len(chart.plot.marks.labelled) < 9


def test_the_page_opens_without_loading_the_charts() -> None:
    program = "import sys, app.pages.compare; print([name for name in sys.modules if name.startswith(('pyqtgraph', 'app.charts'))])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# where nothing is rated, and what leaves it


def test_where_nothing_is_rated_it_says_so_and_leads_to_all_answers(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    pane = history(page)
    assert pane.scatter.isVisible() and pane.export_button.isEnabled()
    for request_id, row in gateway.kept.items():
        if row.stars is not None:
            asyncio.run(gateway.remove_rating(request_id))
    asyncio.run(pane.refresh())
    assert pane.unrated.isVisible() and not pane.scatter.isVisible() and not pane.models_view.isVisible()
    assert not pane.export_button.isEnabled()
    page.start_export()
    assert pane.findChild(QFileDialog, "compare_export_file") is None
    assert pane.unrated.button is not None
    click(qtbot, pane.unrated.button)
    assert pane.kept.current == "all" and pane.view.isVisible() and pane.model.rowCount() == len(gateway.kept)
    pane.search.setText("no such answer")
    assert pane.no_match.isVisible()
    pane.search.clear()
    pane.kept.segment("rated").click()
    assert pane.unrated.isVisible()
    asyncio.run(gateway.rate(next(iter(gateway.kept)), 4, ""))
    asyncio.run(pane.refresh())
    assert pane.view.isVisible() and pane.scatter.isVisible() and pane.models_view.isVisible()


def test_chart_and_tables_are_saved_from_a_button(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, tmp_path: Path
) -> None:
    pane = history(page)
    for entry, name in (
        ("Answers (CSV)…", "answers.csv"),
        ("Models (CSV)…", "models.csv"),
        ("Picture of the chart (PNG)…", "chart.png"),
    ):
        click(qtbot, pane.export_button)
        menu = next(one for one in pane.findChildren(QMenu, "menu.compare_export") if one.isVisible())
        next(action for action in menu.actions() if action.text() == entry).trigger()
        menu.close()
        dialog = next(one for one in pane.findChildren(QFileDialog) if one.isVisible())
        with qtbot.waitSignal(page.context.shell.saved) as saved:
            dialog.fileSelected.emit(str(tmp_path / name))
        dialog.close()
        assert saved.args[1] == tmp_path
    models = list(csv.DictReader(io.StringIO((tmp_path / "models.csv").read_text())))
    assert [row["Model"] for row in models] == [row.model for row in asyncio.run(gateway.rated_models())]
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "answers.csv").read_text())))) == pane.model.rowCount()
    picture = QImage(str(tmp_path / "chart.png"))
    assert picture.size() == pane.scatter.size() * 2
    assert len({picture.pixel(x, y) for x in range(0, picture.width(), 3) for y in range(0, picture.height(), 9)}) > 8


def test_answers_that_are_as_before_are_not_gone_through_again(
    page: ComparePage, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked every second while conversations grow."""
    pane = history(page)
    looked: list[int] = []

    def look(rows: tuple[RatedAnswer, ...], words: str) -> tuple[RatedAnswer, ...]:
        looked.append(len(rows))
        return rows

    monkeypatch.setattr("app.pages.compare_parts.history.matching", look)
    asyncio.run(pane.refresh())
    assert looked == []
    asyncio.run(gateway.rate(next(iter(gateway.kept)), 1, "worse than I thought"))
    asyncio.run(pane.refresh())
    assert looked == [len(pane.answers or ())]


def test_nothing_is_said_of_ratings_before_they_are_read(
    qtbot: QtBot, theme: Theme, gateway: FakeGateway, spawner: Spawner
) -> None:
    pane = HistoryPane(AppContext(gateway, theme, FilterState(tz="Europe/Paris"), spawner))  # type: ignore[arg-type]
    qtbot.addWidget(pane)
    pane.show()
    assert not pane.unrated.isVisible() and not pane.empty.isVisible() and pane.count.text() == ""
    pane.search.setText("flaky")
    assert not pane.no_match.isVisible()
    asyncio.run(pane.refresh())
    assert pane.view.isVisible() and pane.model.rowCount() == 2
