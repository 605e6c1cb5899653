"""Settings, Data: the days that are deleted, told before and named in the question; and the day that weeks begin on."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app import formats
from app.context import AppContext
from app.date_field import DateField
from app.pages.settings import SettingsPage
from app.pages.settings_parts import own_sections
from app.pages.settings_parts.data_sections import DataSection
from app.pages.settings_parts.deletion import deleted_words, preview_words
from app.pages.settings_parts.own_sections import AppearanceSection
from app.range_picker import day_range
from app.shell import Shell
from app.theme import Theme
from gateway import Changes, Cleaned, Deletion, DeletionPreview
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway
from tests.app.whole import PseudoLocale, crossing, cut

FIRST, LAST = QDate(2026, 11, 3), QDate(2026, 11, 9)


@pytest.fixture
def shell(context: AppContext, theme: Theme) -> Iterator[Shell]:
    made = Shell(theme, context.filters)
    context.shell = made
    yield made
    formats.use_week("monday")


@pytest.fixture
def make_page(qtbot: QtBot, context: AppContext, shell: Shell) -> Callable[[str], SettingsPage]:
    def make(section: str) -> SettingsPage:
        shell.section = section
        page = SettingsPage(context)
        qtbot.addWidget(page)
        page.resize(1100, 800)
        page.show()
        return page

    return make


@pytest.fixture
def section(make_page: Callable[[str], SettingsPage], qtbot: QtBot) -> DataSection:
    view = make_page("data").views["data"]
    assert isinstance(view, DataSection)
    view.deletion.first.setDate(FIRST)
    view.deletion.last.setDate(LAST)
    return view


def answer(words: str) -> str:
    """Press a button of the question that is open; what it asked."""
    box = next(one for one in QApplication.topLevelWidgets() if isinstance(one, QMessageBox) and one.isVisible())
    said = f"{box.text()} {box.informativeText()}"
    next(button for button in box.findChildren(QPushButton) if button.text() == words).click()
    return said


def test_how_much_would_go_stands_there_and_follows_the_days(
    section: DataSection, fake_gateway: FakeGateway, context: AppContext
) -> None:
    deletion = section.deletion
    words = deletion.line.words
    assert words.text() == ("That is the messages of 30 calls in 4 conversations, 7 spans and records: about 1.2 MB.")
    start_us, end_us = day_range(date(2026, 11, 3), date(2026, 11, 9), context.filters.tz)
    assert deletion.asked() == Deletion(start_us=start_us, end_us=end_us)
    fake_gateway.deletion = DeletionPreview()
    deletion.last.setDate(LAST.addDays(1))
    assert words.text() == "Nothing of these days is kept." and not deletion.button.isEnabled()
    deletion.first.setDate(LAST.addDays(9))
    assert deletion.line.problem.text() == "The first day is after the last: choose an earlier one."
    fake_gateway.fails = "traces.db cannot be used (disk I/O error)."
    deletion.first.setDate(FIRST)
    assert deletion.line.problem.text() == fake_gateway.fails and not deletion.button.isEnabled()


def test_nothing_goes_before_the_question_is_answered(
    section: DataSection, fake_gateway: FakeGateway, qtbot: QtBot
) -> None:
    deletion, toasts = section.deletion, []
    section.toast.connect(toasts.append)
    qtbot.mouseClick(deletion.button, Qt.MouseButton.LeftButton)
    asked = answer("Keep")
    assert asked.startswith("Delete the messages from 3 Nov 2026 to 9 Nov 2026? That is the messages of 30 calls")
    assert asked.endswith("Requests, tokens and costs stay counted.") and fake_gateway.deleted == []
    qtbot.mouseClick(deletion.button, Qt.MouseButton.LeftButton)
    answer("Delete")
    assert fake_gateway.deleted == [deletion.asked()]
    assert toasts == ["Deleted 34 entries; 2.4 MB of disk space is free again"]
    assert deletion.line.words.text() == "Nothing of these days is kept." and not deletion.button.isEnabled()
    assert deletion.what.isEnabled() and deletion.first.isEnabled()


def test_requests_go_from_the_first_one_on(
    section: DataSection, fake_gateway: FakeGateway, qtbot: QtBot, context: AppContext
) -> None:
    deletion = section.deletion
    fake_gateway.deletion = DeletionPreview(requests=12_482, turns=1, conversations=1, bytes=9_000_000)
    qtbot.mouseClick(deletion.what.segment("requests"), Qt.MouseButton.LeftButton)
    assert not deletion.first.isVisible() and deletion.last.isVisible()
    assert deletion.line.words.text() == (
        "That is 12,482 requests, the messages of 1 call in 1 conversation: about 9.0 MB."
    )
    deletion.button.click()
    asked = answer("Delete")
    assert asked.startswith("Delete all requests up to 9 Nov 2026, with their messages? That is 12,482 requests")
    _, end_us = day_range(date(2026, 11, 9), date(2026, 11, 9), context.filters.tz)
    assert fake_gateway.deleted == [Deletion(end_us=end_us, requests=True)]


def test_a_deletion_that_fails_or_is_ended_says_so(
    section: DataSection, fake_gateway: FakeGateway, shell: Shell
) -> None:
    toasts: list[str] = []
    section.toast.connect(toasts.append)
    deletion = section.deletion

    async def ended(asked: Deletion, progress: Callable[[int, int], None]) -> Cleaned:
        progress(3, 37)
        assert (shell.work.jobs[0].done, shell.work.jobs[0].total) == (3, 37)
        shell.work.jobs[0].cancel()
        await asyncio.sleep(60)
        raise AssertionError

    fake_gateway.delete_range = ended  # type: ignore[method-assign,assignment]
    deletion.button.click()
    answer("Delete")
    assert toasts == ["Cancelled; what was deleted until then is gone"]
    del fake_gateway.delete_range
    deletion.button.click()
    fake_gateway.fails = "traces.db cannot be used (disk I/O error)."
    answer("Delete")
    assert deletion.line.problem.text() == fake_gateway.fails and deletion.button.isEnabled()


def test_nothing_is_deleted_beside_a_deletion_also_where_the_page_is_left_and_shown_again(
    section: DataSection, fake_gateway: FakeGateway
) -> None:
    deletion, allowed = section.deletion, []
    deleted = fake_gateway.delete_range

    async def shown_again(asked: Deletion, progress: Callable[[int, int], None]) -> Cleaned:
        await section.refresh()
        allowed.append(deletion.button.isEnabled())
        return await deleted(asked, progress)

    fake_gateway.delete_range = shown_again  # type: ignore[method-assign,assignment]
    deletion.button.click()
    answer("Delete")
    assert allowed == [False] and len(fake_gateway.deleted) == 1


def test_the_button_keeps_the_keyboard_while_it_is_counted_again(
    section: DataSection, fake_gateway: FakeGateway, qtbot: QtBot
) -> None:
    """Each half minute it was disabled for a moment, and who stood on it was elsewhere."""
    deletion = section.deletion
    with qtbot.waitActive(section):
        section.activateWindow()
    deletion.button.setFocus()
    assert deletion.button.hasFocus()
    preview, seen = fake_gateway.preview_deletion, []

    async def slow(asked: Deletion) -> DeletionPreview:
        seen.append(deletion.button.isEnabled())
        return await preview(asked)

    fake_gateway.preview_deletion = slow  # type: ignore[method-assign]
    asyncio.run(section.refresh())
    assert seen == [True] and deletion.button.hasFocus()
    deletion.last.setDate(LAST.addDays(1))
    assert seen == [True, False], "of other days nothing is known yet"


def test_in_another_zone_the_days_are_others(section: DataSection, context: AppContext) -> None:
    context.filters.set_zone("Pacific/Auckland")
    section.show_settings({})
    start_us, end_us = day_range(date(2026, 11, 3), date(2026, 11, 9), "Pacific/Auckland")
    assert section.deletion._asked == Deletion(start_us=start_us, end_us=end_us)


def test_the_last_day_is_today_as_tables_and_charts_have_it(
    make_page: Callable[[str], SettingsPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "today", lambda: date(2031, 5, 6))
    view = make_page("data").views["data"]
    assert isinstance(view, DataSection)
    assert view.deletion.last.date() == QDate(2031, 5, 6)


def test_after_midnight_a_day_that_nobody_chose_is_told_from_the_new_one(
    make_page: Callable[[str], SettingsPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "today", lambda: date(2031, 5, 6))
    page = make_page("data")
    view = page.views["data"]
    assert isinstance(view, DataSection)
    days = view.deletion.first, view.deletion.last
    for today, shown in ((7, (QDate(2031, 4, 7), QDate(2031, 5, 7))), (8, (FIRST, QDate(2031, 5, 8)))):
        monkeypatch.setattr(formats, "today", lambda today=today: date(2031, 5, today))
        page.on_shown()
        asyncio.run(view.refresh())
        assert tuple(field.date() for field in days) == shown
        days[0].setDate(FIRST)


def test_what_is_told_of_a_preview_and_of_the_end() -> None:
    assert deleted_words(Cleaned(taken={"content": 1})) == "Deleted 1 entry"
    assert preview_words(DeletionPreview(told=1, bytes=10)) == "That is 1 span or record: about 10 B."


@pytest.mark.parametrize("longer", [False, True], ids=["English", "40 % longer"])
@pytest.mark.parametrize("what", ["said", "requests"])
def test_nothing_of_it_is_cut_or_unnamed(
    qtbot: QtBot, qapp: QApplication, make_page: Callable[[str], SettingsPage], longer: bool, what: str
) -> None:
    locale = PseudoLocale()
    if longer:
        qapp.installTranslator(locale)
    try:
        page = make_page("data")
        page.resize(968, 576)
        view = page.views["data"]
        assert isinstance(view, DataSection)
        view.deletion.what.segment(what).click()
        qtbot.waitUntil(lambda: cut(view) == [])
        assert (cut(view), crossing(view), unnamed(page)) == ([], [], [])
    finally:
        qapp.removeTranslator(locale)


def test_calendars_begin_their_weeks_on_the_chosen_day(
    qtbot: QtBot, theme: Theme, make_page: Callable[[str], SettingsPage], shell: Shell
) -> None:
    field = DateField(theme, "From")
    qtbot.addWidget(field)
    assert field.calendarWidget().firstDayOfWeek() == Qt.DayOfWeek.Monday
    page = make_page("appearance")
    control = page.findChild(type(page.views["appearance"].mode), "preference.week_start")  # type: ignore[attr-defined]
    assert control is not None and control.accessibleName() == "Weeks begin on"
    qtbot.mouseClick(control.segment("sunday"), Qt.MouseButton.LeftButton)
    assert shell.preferences.get("week_start") == "sunday"
    assert field.calendarWidget().firstDayOfWeek() == Qt.DayOfWeek.Sunday
    later = DateField(theme, "To")
    qtbot.addWidget(later)
    assert later.calendarWidget().firstDayOfWeek() == Qt.DayOfWeek.Sunday


def test_the_machines_zone_is_named_as_it_is_by_now(
    make_page: Callable[[str], SettingsPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = make_page("appearance")
    view = page.views["appearance"]
    assert isinstance(view, AppearanceSection)
    monkeypatch.setattr(own_sections, "local_zone", lambda: "Asia/Tokyo")
    asyncio.run(page.refresh(Changes(state=True)))
    assert view.zone.currentText() == "System (Asia/Tokyo)"
    # While it is looked at, too.
    monkeypatch.setattr(own_sections, "local_zone", lambda: "Asia/Seoul")
    page.context.shell.tell_times_anew()
    assert view.zone.currentText() == "System (Asia/Seoul)"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_zones_that_are_offered_have_the_looks_of_a_list(
    make_page: Callable[[str], SettingsPage], theme: Theme, qapp: QApplication, mode: str
) -> None:
    theme.set_mode(mode)
    theme.apply(qapp)
    view = make_page("appearance").views["appearance"]
    assert isinstance(view, AppearanceSection)
    completer = view.zone.completer()
    assert completer is not None
    completer.setCompletionPrefix("Europe/")
    completer.complete()
    popup = completer.popup()
    assert popup is not None
    popup.setCurrentIndex(popup.model().index(0, 0))
    image, middle = popup.grab().toImage(), 1 + popup.sizeHintForRow(0) // 2
    found = [image.pixelColor(x, middle).name().upper() for x in (0, 8)]
    assert found == [theme.tokens.border_strong, theme.tokens.hover]
    popup.hide()
