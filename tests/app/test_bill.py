"""A provider's bill in the window: chosen, read in each form, compared, looked into, exported; and what goes wrong."""

import asyncio
import codecs
import csv
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app import formats, sources
from app.context import AppContext
from app.filters import FilterState
from app.pages.models import ModelsPage
from app.pages.models_parts.bill_lines import (
    KINDS,
    BillLine,
    arranged,
    bill_lines,
    bill_words,
    line_columns,
    part_columns,
)
from app.pages.models_parts.bill_options import FIELD_NAMES
from app.pages.models_parts.bill_pane import BillPane
from app.tables.column import Column
from app.theme import Theme
from gateway import (
    BILL_FIELDS,
    BILL_KINDS,
    BillColumns,
    BillPart,
    BillQuestion,
    BillTotals,
    Changes,
    DayModel,
    FaregateError,
    Reconciliation,
)
from gateway.reconcile import render
from gateway.reconcile.records import Shared
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway
from tests.app.shown_page import show_page
from tests.app.test_repricing import cells, click
from tests.app.turns import Turns
from tests.reconcile import bills
from tests.reconcile.bills import Billed, billed, dearer, ledger, within

UTC = ZoneInfo("UTC")
FIRST, LAST = date(2026, 10, 20), date(2026, 10, 24)
FILES: dict[str, Callable[[Sequence[Billed]], list[str]]] = {
    "openai": lambda rows: [bills.openai_usage(rows, UTC), bills.openai_costs(rows, UTC)],
    "anthropic": lambda rows: [bills.anthropic_usage(rows, UTC), bills.anthropic_costs(rows, UTC)],
    "google": lambda rows: [bills.google(rows, ZoneInfo("America/Los_Angeles"))],
    "xai": lambda rows: [bills.xai(rows, UTC)],
}


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(ledger("openai", days=5, per_day=4), now_us=time.time_ns() // 1000)


@pytest.fixture
def context(theme: Theme, gateway: FakeGateway, turns: Turns) -> AppContext:
    return AppContext(gateway, theme, FilterState(tz="UTC"), turns)  # type: ignore[arg-type]


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, turns: Turns) -> ModelsPage:
    page = ModelsPage(context)
    show_page(page, qtbot)
    turns(page.refresh(Changes(prices=True)))
    turns.run()
    page.section.segment("bill").click()
    return page


@pytest.fixture
def pane(page: ModelsPage) -> BillPane:
    return page.bill


def written(folder: Path, texts: Sequence[str]) -> tuple[Path, ...]:
    paths = tuple(folder / f"bill-{number}.csv" for number in range(len(texts)))
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    return paths


def opened(pane: BillPane, turns: Turns, files: Sequence[Path]) -> None:
    turns(pane.open(tuple(files)))
    turns.run()


def usual(gateway: FakeGateway) -> list[Billed]:
    """A bill that is dearer for one model and lacks a few requests."""
    rows = within(billed(gateway.rows), FIRST, LAST, UTC)
    return dearer([row for number, row in enumerate(rows) if number % 20], "gpt-5", "1.02")


@pytest.fixture
def compared(pane: BillPane, gateway: FakeGateway, turns: Turns, tmp_path: Path) -> Reconciliation:
    opened(pane, turns, written(tmp_path, FILES["openai"](usual(gateway))))
    assert pane.done is not None
    return pane.done


def share(nano: int | None, whole: int | None) -> str:
    if nano is None or not whole:
        return "—"
    return formats.delta_percent(whole + nano, whole) or "—"


def money(nano: int | None) -> str:
    return formats.money(nano)


def told_days(first: str, last: str | None = None) -> str:
    ends = (date.fromisoformat(first), date.fromisoformat(last or first))
    return formats.days(*ends, this_year=formats.today().year)


def line(day: DayModel, number: int) -> list[str]:
    part = day.parts[number]
    return [
        told_days(day.day),
        day.model or "All models",
        KINDS[part.kind].text,
        formats.count(part.requests),
        sources.marked_money(part.here_nano, part.estimated, 4),
        formats.money_column(part.bill_nano, 4),
        sources.marked_difference(part.difference_nano, part.estimated, 4),
        share(part.difference_nano, day.bill.cost_nano or day.here.cost_nano),
    ]


def test_each_form_of_bill_is_compared_and_every_cell_is_the_apis(
    pane: BillPane, gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    for provider in FILES:
        _compared_as_the_api(provider, pane, gateway, turns, tmp_path)


def _compared_as_the_api(provider: str, pane: BillPane, gateway: FakeGateway, turns: Turns, tmp_path: Path) -> None:
    gateway.rows = ledger(provider, days=5, per_day=4)
    opened(pane, turns, written(tmp_path, FILES[provider](usual(gateway))))
    done = pane.done
    assert done is not None and done.provider == provider
    turns(_same(gateway, pane))
    turns.run()
    here, bill = done.here.cost_nano, done.bill.cost_nano
    assert here is not None and bill is not None
    assert [(figure.label, figure.value) for figure in pane.figures.shown] == [
        ("The bill", money(bill)),
        ("Our rows", money(here)),
        ("Difference", formats.money_difference(bill - here)),
        ("Rounding", money(done.tolerance_nano)),
    ]
    assert pane.figures.shown[2].fact == share(bill - here, bill)
    assert [row[0] for row in cells(pane.parts)] == [KINDS[part.kind].text for part in done.parts]
    api = render(done)
    for shown, part, said in zip(cells(pane.parts), done.parts, api["parts"], strict=True):
        assert shown[2:] == [
            formats.count(said["requests"]),
            formats.money_column(part.cost_nano, 4),
            formats.percent(None if said["percent"] is None else (part.cost_nano or 0) / bill),
            formats.money_column_difference(part.difference_nano, 4),
            share(part.difference_nano, bill),
        ]
        if said["difference_percent"] is not None and abs(said["difference_percent"]) >= 0.1:
            assert abs(float(shown[6].rstrip("%").replace("−", "-")) - said["difference_percent"]) <= 0.051
    pane.kind.setCurrentIndex(0)
    turns.run()
    every = [line(day, number) for day in done.days for number in range(len(day.parts))]
    assert [row[:8] for row in cells(pane.model)] == every
    assert pane.counted.text() == f"{formats.count(len(every))} of {formats.count(len(every))} lines"


async def _same(gateway: FakeGateway, pane: BillPane) -> None:
    assert pane.done == await gateway.reconcile(pane.files, BillQuestion())


def test_lines_are_narrowed_to_a_kind_and_sorted_in_a_worker(
    qtbot: QtBot, pane: BillPane, compared: Reconciliation, turns: Turns
) -> None:
    every = bill_lines(compared)
    differing = [one for one in every if one.part.kind != "matched"]
    assert 0 < len(differing) < len(every)
    # What differs is what one looks for.
    assert list(pane.model.rows) == differing
    names = [pane.kind.itemData(number) for number in range(pane.kind.count())]
    assert names == ["all", "differing", *(part.kind for part in compared.parts)]
    number = next(n for n, part in enumerate(compared.parts) if part.kind == "price_drift")
    pane.parts_view.opened.emit(number)
    turns.run()
    assert {one.part.kind for one in pane.model.rows} == {"price_drift"}
    assert pane.kind.currentText() == "Price drift"
    column = next(n for n, one in enumerate(pane.model.columns) if one.key == "difference")
    pane.view.horizontalHeader().sectionClicked.emit(column)
    assert turns.waiting
    turns.run()
    amounts = [one.part.difference_nano for one in pane.model.rows]
    assert amounts == sorted(amounts, key=lambda nano: nano or 0)
    pane.view.horizontalHeader().sectionClicked.emit(column)
    turns.run()
    assert [one.part.difference_nano for one in pane.model.rows] == amounts[::-1]


def test_why_a_line_differs_is_told(pane: BillPane, compared: Reconciliation) -> None:
    noted = [one for one in pane.model.rows if one.why]
    days = {(day.day, day.model): day for day in compared.days}
    for one in noted:
        day = days[one.day, one.model]
        assert day.reasons or day.note
    assert pane.words.text().startswith(
        f"OpenAI's usage export, OpenAI's cost export: OpenAI, {told_days('2026-10-20', '2026-10-24')}, "
        "days of UTC (as such bills are cut), "
    )


def test_a_bill_that_names_requests_shows_those_that_differ(
    qtbot: QtBot, pane: BillPane, gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    opened(pane, turns, written(tmp_path, [bills.per_request(usual(gateway), UTC)]))
    done = pane.done
    assert done is not None and done.requests and pane.what.isVisible()
    click(qtbot, pane.what.segment("requests"))
    assert pane.requests_view.isVisible() and not pane.kind.isVisible()
    assert cells(pane.requests) == [
        [
            one.id,
            told_days(one.day),
            one.model or "—",
            KINDS[one.kind].text,
            formats.money_column_difference(one.difference_nano),
        ]
        for one in done.requests
    ]


def test_another_time_zone_is_compared_anew(pane: BillPane, compared: Reconciliation, turns: Turns) -> None:
    number = pane.zone.findData("Asia/Tokyo")
    pane.zone.setCurrentIndex(number)
    pane.zone.activated.emit(number)
    turns.run()
    assert (
        not pane.what.isVisible()
        and pane.done is not None
        and (pane.done.zone, pane.done.zone_source) == ("Asia/Tokyo", "given")
    )
    assert "days of Asia/Tokyo (as you chose)" in pane.words.text()


def test_columns_that_nobody_knows_are_asked_for_once(
    qtbot: QtBot, pane: BillPane, gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    rows = within(billed(gateway.rows), FIRST, LAST, UTC)
    lines = [(row.day(UTC), row.model, row.input, row.output, row.dollars) for row in rows]
    text = bills.text(("When", "Which", "In", "Out", "Paid"), lines)
    opened(pane, turns, written(tmp_path, [text]))
    assert pane.done is None and pane.drawer.isVisible() and "“When”" in pane.banner.text()
    options = pane.options
    assert not options.compare.isEnabled() and "which column holds the day" in options.problem.text()
    for field, title in (("time", "When"), ("model", "Which")):
        options.fields[field].setCurrentText(title)
    assert "the cost, or a count" in options.problem.text()
    for field, title in (("input", "In"), ("output", "Out"), ("cost", "Paid")):
        options.fields[field].setCurrentText(title)
    click(qtbot, options.compare)
    turns.run()
    assert pane.done is not None and pane.done.forms == ("a file with a mapping of your own",)
    assert {part.kind for part in pane.done.parts} == {"matched"}
    assert not pane.drawer.isVisible() and not pane.banner.isVisible()
    assert [pane.kind.itemData(number) for number in range(pane.kind.count())] == ["all", "matched"]


def test_the_columns_of_a_known_form_can_be_taken_otherwise(
    qtbot: QtBot, pane: BillPane, gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    text = "Date,Model,Input tokens,Cost,Paid\n2026-10-21,gpt-5,100,7,3\n"
    opened(pane, turns, written(tmp_path, [text]))
    assert pane.done is not None and pane.done.bill.cost_nano == 7_000_000_000
    click(qtbot, pane.options_button)
    assert pane.options.fields["cost"].currentText() == "Cost" and pane.options.mapping() == {}
    pane.options.fields["cost"].setCurrentText("Paid")
    pane.options.rate.setText("1,5")
    pane.options.provider.setCurrentIndex(pane.options.provider.findData("openai"))
    click(qtbot, pane.options.compare)
    turns.run()
    assert pane.done is not None and pane.done.bill.cost_nano == 4_500_000_000


WRONG = [
    ("", "The file is empty"),
    ('{"data": []}', "JSON: download the bill as CSV"),
    ("Date,Model,Cost\n", "no lines below its header"),
    ("Date,Model,Cost\n2026-10-21,house,7\n", "choose “Whose bill” under Options"),
    ("Date,Model,Cost,Currency\n2026-10-21,gpt-5,7,EUR\n", "as “Dollars per unit” under Options"),
    ("Date,Model,Cost\nsoon,gpt-5,7\n", "Line 2, column 'Date'"),
]


def test_what_is_wrong_is_told_in_the_windows_words(
    pane: BillPane, compared: Reconciliation, turns: Turns, tmp_path: Path
) -> None:
    for text, said in WRONG:
        opened(pane, turns, written(tmp_path, [text]))
        assert said in pane.banner.text() and "--" not in pane.banner.text()
        assert pane.choose_button.isEnabled()
    assert pane.idle.isVisible() and not pane.export_button.isEnabled()
    pane.options.rate.setText("two")
    assert "no number of dollars" in pane.options.complaint() and not pane.options.compare.isEnabled()


def test_a_bill_that_is_opened_beside_a_comparison_is_the_one_that_is_compared(
    pane: BillPane, compared: Reconciliation, gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    others = written(tmp_path / "other", FILES["xai"](usual(gateway)))
    columns_of = gateway.bill_columns

    async def both() -> None:
        read = asyncio.Event()

        async def bill_columns(file: Path) -> BillColumns:
            found = await columns_of(file)
            await read.wait()
            return found

        def meanwhile(_command: str) -> None:
            read.set()
            gateway.meanwhile = lambda _command: None

        gateway.bill_columns = bill_columns  # type: ignore[method-assign]
        gateway.meanwhile = meanwhile
        opening = asyncio.create_task(pane.open(others))
        await asyncio.sleep(0)
        await asyncio.gather(pane._compare(), opening)

    turns(both())
    turns.run()
    assert pane.files == others and pane.file_name.text() == "bill-0.csv"
    assert pane.done is not None and pane.done.provider == "xai"


def test_it_is_long_work_that_can_be_cancelled(
    pane: BillPane, context: AppContext, gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, str, bool]] = []

    def cancel(_command: str) -> None:
        (job,) = context.shell.work.jobs
        seen.append((job.title, job.done, pane.choose_button.text(), pane.choose_button.isEnabled()))
        job.cancel()

    gateway.meanwhile = cancel
    toasts = QSignalSpy(pane.toast)
    opened(pane, turns, written(tmp_path, FILES["xai"](usual(gateway))))
    assert seen == [("Comparing bill-0.csv", 5_000, "Comparing…", False)]
    assert (toasts.at(0)[0], pane.done, pane.choose_button.text()) == ("Cancelled", None, "Choose a bill…")


def test_the_comparison_is_exported_line_by_line(
    qtbot: QtBot, page: ModelsPage, pane: BillPane, compared: Reconciliation, turns: Turns, tmp_path: Path
) -> None:
    page.start_export()
    dialog = pane.findChild(QFileDialog, "bill_export_file")
    assert dialog is not None
    path = tmp_path / "out.csv"
    saved = QSignalSpy(page.context.shell.saved)
    page.context.shell.preferences.set("csv_mark", "on")
    dialog.fileSelected.emit(str(path))
    dialog.close()
    turns.run()
    assert path.read_bytes().startswith(codecs.BOM_UTF8)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    every = bill_lines(compared)
    assert [(row["day"], row["model"], row["kind"]) for row in rows] == [
        (one.day, one.model, one.part.kind) for one in every
    ]
    assert saved.at(0) == [f"Exported {formats.count(len(every))} lines to out.csv", tmp_path]
    turns(pane.export_to(tmp_path / "no" / "folder.csv"))
    turns.run()
    assert "cannot be written" in pane.banner.text() and pane.banner.button is not None
    assert pane.banner.button.text() == "Retry", "how the bill is read has no part in it"
    pane.banner.button.click()
    again = pane.findChild(QFileDialog, "bill_export_file")
    assert again is not None and pane.banner.isHidden()
    turns(pane.export_to(tmp_path / "no" / "folder.csv"))
    turns.run()
    turns(pane.export_to(path))
    turns.run()
    assert pane.banner.isHidden(), "another export went well"


def test_files_are_chosen_or_dropped(
    qtbot: QtBot, pane: BillPane, gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    paths = written(tmp_path, FILES["openai"](usual(gateway)))
    click(qtbot, pane.idle.button)
    dialog = pane.findChild(QFileDialog, "bill_file")
    assert dialog is not None
    dialog.filesSelected.emit([str(path) for path in paths])
    dialog.close()
    turns.run()
    assert pane.done is not None and pane.files == paths
    assert pane.file_name.text() == "bill-0.csv, bill-1.csv"
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(paths[0]))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(pane.rect().center(), copy, data, left, none)
    QApplication.sendEvent(pane, entering)
    assert entering.isAccepted() and pane.drop_hint.isVisible() and pane.drop_hint.size() == pane.size()
    pane.resize(pane.width() - 40, pane.height())
    assert pane.drop_hint.size() == pane.size()
    QApplication.sendEvent(pane, QDragLeaveEvent())
    assert not pane.drop_hint.isVisible()
    words = QMimeData()
    words.setText("no file")
    QApplication.sendEvent(pane, QDragEnterEvent(pane.rect().center(), copy, words, left, none))
    assert not pane.drop_hint.isVisible(), "it takes files"
    QApplication.sendEvent(pane, QDragEnterEvent(pane.rect().center(), copy, data, left, none))
    QApplication.sendEvent(pane, QDropEvent(QPointF(pane.rect().center()), copy, data, left, none))
    turns.run()
    assert not pane.drop_hint.isVisible()
    assert pane.files == paths[:1] and pane.done is not None and not pane.done.bill.cost_nano


def test_it_is_worked_by_keys_and_named(
    qtbot: QtBot, page: ModelsPage, pane: BillPane, compared: Reconciliation, turns: Turns
) -> None:
    assert unnamed(page) == []
    page.activateWindow()
    pane.view.setFocus()
    pane.view.selectRow(0)
    QTest.keyClick(pane.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().splitlines()[1].startswith(pane.model.rows[0].day)
    pane.options_button.setFocus()
    QTest.keyClick(pane.options_button, Qt.Key.Key_Space)
    assert pane.drawer.isVisible() and unnamed(page) == []
    QTest.keyClick(pane.view, Qt.Key.Key_Escape)
    assert not pane.drawer.isVisible()


def test_a_bill_of_many_years_is_shown_and_sorted_whole(pane: BillPane, turns: Turns) -> None:
    """60 models over five years: some hundred thousand lines, of which the screen's are painted."""
    template = BillTotals(requests=1, cost_nano=10)
    one = (BillPart(kind="price_drift", requests=1, here_nano=9, bill_nano=10),)
    days = tuple(
        DayModel(
            day=(date(2021, 1, 1) + timedelta(days=day)).isoformat(),
            model=f"model-{number:02d}",
            here=template,
            bill=template,
            parts=one,
        )
        for day in range(1_800)
        for number in range(60)
    )
    done = Reconciliation(
        provider="openai", forms=("OpenAI's usage export",), zone="UTC", zone_source="given", first_day="2021-01-01",
        last_day=days[-1].day, lines=1, passed_over=3, counts=("requests",), decimals=2, here=template, bill=template,
        parts=one, tolerance_nano=0, days=days,
        shared=Shared(first_day="2021-02-01", last_day="2021-02-03", taken=1_201, left=40),
    )  # fmt: skip
    lines = bill_lines(done)
    pane.files = (Path("bill.csv"),)
    pane._set_result(done, lines)
    turns.run()
    assert pane.model.rowCount() == len(lines) == 108_000
    assert pane.counted.text() == "108k of 108k lines"
    assert "3 lines of other services" in pane.words.text()
    assert pane.words.text().endswith(
        "Several files cover 1 – 3 Feb 2021, and each line counts once, from the file that says most: "
        "1,201 lines were taken, 40 left out."
    )
    pane.view.horizontalHeader().sectionClicked.emit(1)
    turns.run()
    assert [row.model for row in pane.model.rows[:2]] == ["model-00", "model-00"]
    assert pane.model.rows[-1].model == "model-59"
    assert len(arranged(lines, pane._order, pane.model.columns)) == 108_000


def test_every_kind_and_column_has_its_words() -> None:
    assert tuple(KINDS) == BILL_KINDS and tuple(FIELD_NAMES) == BILL_FIELDS


def test_prices_are_exported_as_the_table_shows_them(
    page: ModelsPage, turns: Turns, tmp_path: Path, qtbot: QtBot
) -> None:
    page.open_section("prices")
    page.search.setText("gpt")
    page.start_export()
    dialog = page.findChild(QFileDialog, "models_export_file")
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "prices.csv"))
    dialog.close()
    turns.run()
    lines = (tmp_path / "prices.csv").read_text().splitlines()
    assert lines[0].startswith("Model,Provider,Input (USD per 1M),")
    assert [row.split(",")[0] for row in lines[1:]] == [row.model for row in page.model.rows]


@pytest.mark.parametrize(("requests", "shown", "told"), [(2, "2", False), (None, formats.UNKNOWN, True)])
def test_where_requests_are_not_told_it_is_said_why(requests: int | None, shown: str, told: bool) -> None:
    part = BillPart(kind="usage_drift", requests=requests, here_nano=0, bill_nano=5)
    line = BillLine("2026-11-03", "gpt-5", part, 5, "")
    for column, row in ((_requests_of(line_columns()), line), (_requests_of(part_columns(lambda: 5)), part)):
        assert column.tooltip is not None
        assert (column.text(row), "does not say" in column.tooltip(row)) == (shown, told)


def _requests_of(columns: Sequence[Column[Any]]) -> Column[Any]:
    return next(column for column in columns if column.key == "requests")


def test_a_file_that_cannot_be_opened_is_named_and_offers_no_options(
    pane: BillPane, turns: Turns, tmp_path: Path
) -> None:
    opened(pane, turns, written(tmp_path, [""]))
    assert pane.banner.text().startswith("bill-0.csv: The file is empty")
    assert pane.banner.button is not None and not pane.banner.button.isVisible()
    opened(pane, turns, written(tmp_path, ["Date,Model,Cost\n"]))
    assert pane.banner.button.isVisible() and pane.options_button.isVisible()
    opened(pane, turns, written(tmp_path, ["Date,Model,Cost\n", ""]))
    assert pane.banner.text() == "bill-1.csv: The file is empty: download the bill again."


def test_dollars_that_are_not_the_bills_are_told_as_ours(compared: Reconciliation) -> None:
    words = "It gives no costs: its dollars are its usage at our own rates."
    silent = msgspec.structs.replace(compared, bill=msgspec.structs.replace(compared.bill, cost_nano=None))
    assert words in bill_words(silent) and words not in bill_words(compared)


def test_a_form_is_called_as_its_provider_is(compared: Reconciliation) -> None:
    for form, begins in (("xAI's usage by billing item", "xAI's usage"), ("a table of costs", "A table")):
        assert bill_words(msgspec.structs.replace(compared, forms=(form,))).startswith(begins)


def test_what_was_chosen_for_a_bill_does_not_hold_for_the_next(
    pane: BillPane, compared: Reconciliation, gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    options = pane.options
    options.provider.setCurrentIndex(options.provider.findData("openai"))
    options.zone.setCurrentIndex(options.zone.findData("Pacific/Honolulu"))
    options.rate.setText("1.08")
    options.own_keys.setChecked(True)
    opened(pane, turns, written(tmp_path, FILES["openai"](usual(gateway))))
    assert pane.done is not None and (pane.done.zone, pane.done.bill) == (compared.zone, compared.bill)
    assert (options.provider.currentData(), options.rate.text(), options.own_keys.isChecked()) == ("", "", False)


async def test_of_two_bills_that_are_chosen_at_once_the_later_one_is_compared(
    page: ModelsPage, gateway: FakeGateway, turns: Turns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures of the first one stood under the name of the other."""
    pane, slow, read = page.bill, asyncio.Event(), gateway.bill_columns
    (text,) = FILES["openai"](usual(gateway))[:1]
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    for path in (first, second):
        path.write_text(text, "utf-8")

    async def columns(file: Path) -> BillColumns:
        if file == first:
            await slow.wait()
        return await read(file)

    compared: list[tuple[Path, ...]] = []

    async def reconcile(files: tuple[Path, ...], *_: object) -> Reconciliation:
        compared.append(files)
        raise FaregateError("Enough.")

    monkeypatch.setattr(gateway, "bill_columns", columns)
    monkeypatch.setattr(gateway, "reconcile", reconcile)
    opening = asyncio.create_task(pane.open((first,)))
    await asyncio.sleep(0)
    await pane.open((second,))
    slow.set()
    await opening
    assert pane.files == (second,) and compared == [(second,)] and pane.file_name.text() == "second.csv"
