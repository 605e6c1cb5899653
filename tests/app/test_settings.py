"""The Settings page: what it shows equals what the gateway says, what it changes arrives there, and errors are words."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QDesktopServices, QFontMetrics, QGuiApplication, QRawFont
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QLineEdit, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app import formats
from app.autostart import DesktopEntry
from app.context import AppContext
from app.pages.settings import SettingsPage
from app.pages.settings_parts.controls import KeepControl, PortControl, SwitchControl, TextControl, TickControl
from app.pages.settings_parts.data_sections import (
    DISK_PARTS,
    EXPORTS,
    AboutSection,
    DataSection,
    RetentionSection,
    ToldOfFile,
    on_disk,
    program_version,
)
from app.pages.settings_parts.own_sections import AppearanceSection, GatewaySection, VaultSection
from app.pages.settings_parts.table import ROWS, SECTIONS, TITLES
from app.pages.settings_parts.values import size_text
from app.preferences import CHOICES, SYSTEM
from app.shell import Shell
from app.text_label import TextLabel
from app.theme import Theme
from app.throttle import EVERYTHING
from app.widgets import SegmentedControl
from app.work import Job
from app.work_strip import JobLine
from gateway import Changes, Cleaned, FaregateError, Sizes, VaultState
from gateway.configuration.setting_values import parse_size
from gateway.configuration.settings import SETTINGS
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway
from tests.app.spawner import Spawner
from tests.app.whole import PseudoLocale, crossing, cut


@pytest.fixture
def shell(context: AppContext, theme: Theme, tmp_path: Path) -> Shell:
    made = Shell(theme, context.filters, autostart=DesktopEntry(tmp_path / "autostart", ("faregate",)))
    context.shell = made
    return made


@pytest.fixture
def open_page(qtbot: QtBot, context: AppContext, shell: Shell, spawner: Spawner) -> Callable[[str], SettingsPage]:
    def make(section: str) -> SettingsPage:
        shell.section = section
        page = SettingsPage(context)
        qtbot.addWidget(page)
        page.resize(1100, 800)
        page.show()
        context.spawn(page.refresh(Changes(state=True)))
        return page

    return make


def test_another_section_is_painted_in_bands(open_page: Callable[[str], SettingsPage], qtbot: QtBot) -> None:
    page = open_page("gateway")
    assert page._pane_turns.curtain.isHidden()
    page.open_section("appearance")
    assert page._pane_turns.curtain.geometry() == page.stack.geometry() and page._pane_turns.curtain.isVisible()
    qtbot.waitUntil(page._pane_turns.curtain.isHidden)


def test_settings_that_stay_as_they_are_touch_no_palette(
    open_page: Callable[[str], SettingsPage], context: AppContext
) -> None:
    """Opened again the page shows what is saved in every line: a palette set anew is looked at by the style."""
    page = open_page("gateway")
    changed: list[str] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.PaletteChange:
                changed.append(watched.objectName())
            return False

    watch = Watch()
    for each in page.findChildren(TextLabel):
        each.installEventFilter(watch)
    context.spawn(page.refresh(Changes(state=True)))
    assert changed == []
    line(page, "server.port").note.set_tone("bad")
    assert changed == ["setting_note"]


def line(page: SettingsPage, key: str) -> Any:
    return page.views[page.section].lines[key]


def control(page: SettingsPage, key: str, kind: type[Any]) -> Any:
    found = page.views[page.section].controls[key]
    assert isinstance(found, kind)
    return found


def child(page: QWidget, kind: type[Any], name: str) -> Any:
    found = page.findChild(kind, name)
    assert found is not None, name
    return found


def type_over(qtbot: QtBot, edit: QLineEdit, text: str) -> None:
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClicks(edit, text)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


# the table


def test_every_setting_stands_in_one_place() -> None:
    keys = [row.key for rows in ROWS.values() for row in rows]
    assert len(keys) == len(set(keys))
    # Changed by a control of another row, or by a panel of its own.
    beside = ("capture.redact_off", "vault.backend")
    in_file = ("server.tls_cert", "server.tls_key", "store.url")
    assert {*keys, *beside, *in_file} == {row.key for row in SETTINGS}
    assert set(ROWS) == {section.key for section in SECTIONS}
    assert all(TITLES.values())


@pytest.mark.parametrize("section", [section.key for section in SECTIONS])
def test_each_section_opens_is_named_and_shows_what_is_in_force(
    open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway, section: str
) -> None:
    page = open_page(section)
    assert page.buttons[section].isChecked()
    assert unnamed(page) == []
    for row in ROWS[section]:
        found, value = page.views[section].controls[row.key], fake_gateway.in_force[row.key]
        match found:
            case SwitchControl():
                assert found.switch.isChecked() is bool(value)
            case KeepControl():
                assert found.box.currentText() == {"396 days": "13 months"}.get(value, value)
            case TextControl():
                shown = found.edit.text()
                assert shown == (size_text(value) if row.kind == "size" else ", ".join(value) if row.kind == "names" else "" if value is None else f"{value:,g} s" if isinstance(value, float) else str(value))  # fmt: skip
            case _:
                assert isinstance(found, TickControl)
    assert not page.restart_banner.isVisible()
    assert not page.error_banner.isVisible()


# changing


def test_a_change_is_saved_and_waits_for_the_restart_that_is_offered(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway, shell: Shell
) -> None:
    page = open_page("gateway")
    edit = control(page, "timeouts.connect", TextControl).edit
    type_over(qtbot, edit, "25")
    assert fake_gateway.saved == {"timeouts.connect": 25.0}
    assert line(page, "timeouts.connect").note.text() == "Takes effect when the gateway restarts."
    assert page.restart_banner.text().startswith("Saved, and applied when the gateway restarts: Connecting. ")
    with qtbot.waitSignal(shell.restart_asked):
        page.restart_banner.button.click()  # type: ignore[union-attr]
    back = line(page, "timeouts.connect").back
    assert back.isVisible()
    qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    assert (fake_gateway.saved, edit.text(), back.isVisible()) == ({}, "10 s", False)
    assert not page.restart_banner.isVisible()


def test_a_wrong_value_is_told_in_words_beside_the_field_and_stays_to_be_mended(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("gateway")
    edit = control(page, "timeouts.total", TextControl).edit
    type_over(qtbot, edit, "soon")
    told = line(page, "timeouts.total")
    assert told.problem.text() == "Must be seconds, more than 0 and at most 86400."
    assert (told.problem.isVisible(), edit.property("invalid"), edit.text()) == (True, True, "soon")
    assert fake_gateway.saved == {}
    type_over(qtbot, edit, "60.5")
    assert (told.problem.isVisible(), edit.property("invalid"), fake_gateway.saved) == (
        False,
        False,
        {"timeouts.total": 60.5},
    )
    assert edit.text() == "60.5 s"
    # As it is shown it can be typed, with its unit and separators and without.
    for typed, value, shown in (("1,800 s", 1800.0, "1,800 s"), ("45s", 45.0, "45 s"), ("7200", 7200.0, "7,200 s")):
        type_over(qtbot, edit, typed)
        assert (fake_gateway.saved, edit.text()) == ({"timeouts.total": value}, shown)
    for typed in ("1,5", "2,5 s", "0,500", "18,00"):
        type_over(qtbot, edit, typed)
        assert (told.problem.isVisible(), edit.text(), fake_gateway.saved) == (
            True,
            typed,
            {"timeouts.total": 7200.0},
        )


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (64, "64 B"),
        (1000, "1 KB"),
        (1024, "1 KiB"),
        (64 << 20, "64 MiB"),
        (64 * 10**9, "64 GB"),
        (1_000_001, "1000001 B"),
    ],
)
def test_a_size_says_its_unit_and_is_read_again_as_what_it_is(size: int, text: str) -> None:
    assert size_text(size) == text and parse_size(text) == size


def test_what_was_typed_is_taken_back_with_its_problem(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("retention")
    keep = control(page, "retention.content", KeepControl)
    edit = keep.box.lineEdit()
    page.open_section("gateway")
    total = control(page, "timeouts.total", TextControl).edit
    for section, key, field, before in (
        ("gateway", "timeouts.total", total, "3,600 s"),
        ("retention", "retention.content", edit, "30 days"),
    ):
        page.open_section(section)
        for taken_back in (lambda field=field: qtbot.keyClick(field, Qt.Key.Key_Escape), lambda field=field, before=before: type_over(qtbot, field, before)):  # fmt: skip
            type_over(qtbot, field, "soon")
            assert line(page, key).problem.isVisible()
            taken_back()
            assert (field.text(), line(page, key).problem.isVisible()) == (before, False)
    assert fake_gateway.saved == {}


def test_what_the_environment_says_is_shown_and_cannot_be_changed(
    open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    fake_gateway.variables = {"limits.body": 32 << 20, "capture.redact_off": ("token",)}
    fake_gateway.saved["limits.body"] = 16 << 20
    page = open_page("gateway")
    found = control(page, "limits.body", TextControl)
    assert (found.edit.text(), found.isEnabled()) == ("32 MiB", False)
    words = "Set by FAREGATE_LIMITS_BODY, which overrides what is chosen here."
    assert (line(page, "limits.body").note.text(), line(page, "limits.body").back.isVisible()) == (words, False)
    assert not page.restart_banner.isVisible(), "it would change nothing"
    page.open_section("capture")
    rules = control(page, "capture.redact_on", TickControl)
    assert not rules.isEnabled() and not rules.boxes["token"].isChecked()


def test_the_port_is_applied_at_once_and_its_tools_are_named(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway, shell: Shell
) -> None:
    page = open_page("gateway")
    port = control(page, "server.port", PortControl)
    assert not port.apply.isEnabled()
    port.edit.setText("4300")
    with qtbot.waitSignal(shell.restart_asked):
        qtbot.mouseClick(port.apply, Qt.MouseButton.LeftButton)
    assert fake_gateway.saved == {"server.port": 4300}
    clients = {row.client for row in fake_gateway.rows if row.client}
    told = line(page, "server.port").note.text()
    assert "Then point tools at 127.0.0.1:4300" in told and all(client in told for client in clients)
    port.edit.setText("99999")
    with qtbot.assertNotEmitted(shell.restart_asked):
        qtbot.mouseClick(port.apply, Qt.MouseButton.LeftButton)
    assert line(page, "server.port").problem.text() == "Must be a port number from 0 to 65535."


def test_a_port_that_is_typed_in_passing_moves_nobody(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("gateway")
    port = control(page, "server.port", PortControl)
    port.edit.setText("4300")
    port.edit.editingFinished.emit()
    assert fake_gateway.saved == {}


def test_switches_names_and_spans_arrive_as_the_file_takes_them(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("capture")
    qtbot.mouseClick(control(page, "capture.content", SwitchControl).switch, Qt.MouseButton.LeftButton)
    type_over(qtbot, control(page, "capture.keys_off", TextControl).edit, "ci, , ana ")
    assert fake_gateway.saved == {"capture.content": False, "capture.keys_off": ("ci", "ana")}
    assert control(page, "capture.keys_off", TextControl).edit.text() == "ci, ana"
    page.open_section("retention")
    box: QComboBox = control(page, "retention.content", KeepControl).box
    box.setCurrentIndex(box.findText("90 days"))
    box.activated.emit(box.currentIndex())
    assert fake_gateway.saved["retention.content"] == "90 days"
    edit = box.lineEdit()
    assert edit is not None
    type_over(qtbot, edit, "a while")
    assert line(page, "retention.content").problem.text().startswith("Must be text such as ")
    page.open_section("telemetry")
    qtbot.mouseClick(control(page, "telemetry.standard_port", SwitchControl).switch, Qt.MouseButton.LeftButton)
    type_over(qtbot, control(page, "export.endpoint", TextControl).edit, "http://127.0.0.1:4318/")
    assert fake_gateway.saved["telemetry.standard_port"] == 4318
    assert fake_gateway.saved["export.endpoint"] == "http://127.0.0.1:4318"


def test_ticks_are_what_is_left_out_and_which_rules_hold(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("capture")
    parts, rules = control(page, "capture.parts_off", TickControl), control(page, "capture.redact_on", TickControl)
    assert parts.ticked() == ["reasoning", "media", "tool_results", "system", "headers"]
    assert [name for name, box in rules.boxes.items() if not box.isChecked()] == ["email", "card_number", "iban"]
    for box in (parts.boxes["media"], rules.boxes["email"], rules.boxes["token"]):
        qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().center())
    assert fake_gateway.saved == {
        "capture.parts_off": ("media",),
        "capture.redact_on": ("email",),
        "capture.redact_off": ("token",),
    }
    assert rules.boxes["email"].isChecked() and not rules.boxes["token"].isChecked()
    qtbot.mouseClick(line(page, "capture.redact_on").back, Qt.MouseButton.LeftButton)
    assert fake_gateway.saved == {"capture.parts_off": ("media",)}
    assert rules.boxes["token"].isChecked() and not rules.boxes["email"].isChecked()


def test_an_error_of_reading_is_a_banner_with_retry(
    open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    fake_gateway.fails = "config.toml cannot be read: correct or remove it."
    page = open_page("gateway")
    assert (page.error_banner.isVisible(), page.error_banner.text()) == (True, fake_gateway.fails)
    fake_gateway.fails = None
    page.error_banner.button.click()  # type: ignore[union-attr]
    assert not page.error_banner.isVisible()
    assert control(page, "server.port", PortControl).edit.text() == "4210"


def test_what_settings_do_not_show_is_not_asked_and_a_file_changed_by_hand_is_read_when_the_page_is_shown(
    open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("gateway")
    fake_gateway.calls.clear()
    page.context.spawn(page.refresh(Changes(usage=True, keys=True, prices=True, meter=True, conversations=True)))
    assert fake_gateway.calls == []
    fake_gateway.saved["server.port"] = 4300
    page.on_shown()
    assert control(page, "server.port", PortControl).edit.text() == "4300"


def test_a_file_changed_by_hand_is_read_in_time_and_what_is_being_typed_stays(
    open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("gateway")
    edit = control(page, "server.port", PortControl).edit
    edit.setSelection(1, 2)
    page.as_time_passes()
    assert edit.selectedText() == "21", "the same again leaves it alone"
    fake_gateway.fails = "config.toml is not valid TOML."
    page.as_time_passes()
    assert page.error_banner.isVisible()
    fake_gateway.fails = None
    fake_gateway.saved["server.port"] = 4300
    page.as_time_passes()
    assert edit.text() == "4300" and not page.error_banner.isVisible()


def test_the_section_is_remembered_by_the_shell(open_page: Callable[[str], SettingsPage], qtbot: QtBot) -> None:
    page = open_page("gateway")
    qtbot.mouseClick(page.buttons["about"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.context.shell.section == "about")
    assert page.stack.currentWidget() is page.views["about"]


# preferences


def test_what_another_installation_starts_at_login_is_told(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], tmp_path: Path
) -> None:
    """The switch stood on where the entry was of a folder that had been deleted since, and nothing started."""
    DesktopEntry(tmp_path / "autostart", ("/old place/venv/bin/faregate",)).set(True)
    section = open_page("gateway").views["gateway"]
    assert isinstance(section, GatewaySection) and not section.at_login.isChecked()
    assert "'/old place/venv/bin/faregate'" in section.login_line.note.text()
    qtbot.mouseClick(section.at_login, Qt.MouseButton.LeftButton)
    assert section.at_login.isChecked() and section.login_line.note.text() == ""
    assert 'Exec="faregate"' in (tmp_path / "autostart" / "faregate.desktop").read_text()


def test_starting_at_login_is_the_entry_itself(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("gateway")
    section = page.views["gateway"]
    assert isinstance(section, GatewaySection) and not section.at_login.isChecked()
    qtbot.mouseClick(section.at_login, Qt.MouseButton.LeftButton)
    assert (tmp_path / "autostart" / "faregate.desktop").is_file()

    def refuse(_entry: DesktopEntry, _on: bool) -> None:
        raise FaregateError("It cannot be written.")

    monkeypatch.setattr(DesktopEntry, "set", refuse)
    qtbot.mouseClick(section.at_login, Qt.MouseButton.LeftButton)
    assert (section.at_login.isChecked(), section.login_line.problem.text()) == (True, "It cannot be written.")


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("gateway", "gateway_at_start"),
        ("gateway", "close_to_tray"),
        ("notifications", "notify_gateway"),
        ("notifications", "notify_keys"),
    ],
)
def test_switches_of_the_window_are_preferences(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], shell: Shell, section: str, name: str
) -> None:
    page = open_page(section)
    switch = child(page, QWidget, f"preference.{name}")
    assert switch.isChecked()
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert not shell.preferences.is_on(name)


def test_the_appearance_is_chosen_there_too(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], shell: Shell, theme: Theme
) -> None:
    page = open_page("appearance")
    section = page.views["appearance"]
    assert isinstance(section, AppearanceSection)
    qtbot.mouseClick(section.mode.segment("dark"), Qt.MouseButton.LeftButton)
    assert (theme.mode, theme.dark) == ("dark", True)
    theme.set_mode("light")
    assert section.mode.current == "light"
    for name, key in (("density", "compact"), ("clock", "12")):
        choice = child(page, QWidget, f"preference.{name}")
        qtbot.mouseClick(choice.segment(key), Qt.MouseButton.LeftButton)
        assert shell.preferences.get(name) == key
    section.zone.setCurrentIndex(section.zone.findText("Asia/Tokyo"))
    assert (shell.preferences.zone, page.context.filters.tz) == ("Asia/Tokyo", "Asia/Tokyo")
    edit = section.zone.lineEdit()
    assert edit is not None
    edit.setText("Mars/Olympus")
    edit.editingFinished.emit()
    assert (section.zone.currentText(), shell.preferences.zone) == ("Asia/Tokyo", "Asia/Tokyo")
    section.zone.setCurrentIndex(0)
    assert (shell.preferences.zone, page.context.filters.tz) == ("", "Europe/Berlin")
    shell.preferences.set("clock", "24")


def test_the_size_is_the_systems_or_one_of_ones_own(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], shell: Shell
) -> None:
    # What the window began with.
    shell.preferences.keep("system_size", "130")
    page = open_page("appearance")
    choice = child(page, SegmentedControl, "preference.size")
    texts = [choice.segment(size).text() for size in CHOICES["size"]]
    assert (choice.current, texts) == (SYSTEM, ["System", "100%", "115%", "130%", "150%"])
    assert any("System follows the desktop's text, 130% now." in each.text() for each in page.findChildren(TextLabel))
    qtbot.mouseClick(choice.segment("150"), Qt.MouseButton.LeftButton)
    assert shell.preferences.get("size") == "150"
    again = open_page("appearance")
    assert not any("% now" in each.text() for each in again.findChildren(TextLabel))
    qtbot.mouseClick(choice.segment(SYSTEM), Qt.MouseButton.LeftButton)
    assert shell.preferences.get("size") == SYSTEM


# storage


def test_sizes_are_those_of_the_disk(open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway) -> None:
    page = open_page("retention")
    section = page.views["retention"]
    assert isinstance(section, RetentionSection)
    for part in DISK_PARTS:
        assert section.sizes[part.name].text() == formats.size(part.bytes_of(fake_gateway.storage))
    assert section.total.text() == formats.size(on_disk(fake_gateway.storage)) == "12.6 MB"
    assert section.size_lines["requests"].words.text() == "12,482 requests, the oldest of 14 Oct 18:03."


@pytest.mark.parametrize(("section", "counted"), [("retention", "sizes"), ("data", "preview_deletion False")])
def test_what_takes_long_to_count_is_counted_each_half_minute_at_most(
    open_page: Callable[[str], SettingsPage],
    fake_gateway: FakeGateway,
    monkeypatch: pytest.MonkeyPatch,
    section: str,
    counted: str,
) -> None:
    """With each setting that was changed and each provider that failed everything was counted again."""
    now_s = 1_000.0
    monkeypatch.setattr("app.pages.settings.time.monotonic", lambda: now_s)
    page = open_page(section)
    fake_gateway.calls.clear()
    for changes in (Changes(state=True), Changes(providers=True), EVERYTHING):
        page.context.spawn(page.refresh(changes))
    page.on_shown()
    assert counted not in fake_gateway.calls
    now_s += 30.0
    page.as_time_passes()
    page.as_time_passes()
    assert fake_gateway.calls.count(counted) == 1
    page.open_section("about")
    page.open_section(section)
    assert fake_gateway.calls.count(counted) == 2, "a person who looks sees it as it is"


def test_a_clean_up_says_that_it_waits_for_the_one_that_runs_by_itself(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway, shell: Shell, theme: Theme
) -> None:
    section = open_page("retention").views["retention"]
    assert isinstance(section, RetentionSection)
    told: list[str] = []

    def look() -> None:
        line = JobLine(theme, shell.work.jobs[0])
        qtbot.addWidget(line)
        told.append(line.count.text())

    async def clean_up(progress: Callable[[int], None]) -> Cleaned:
        look()
        progress(3)
        look()
        return fake_gateway.cleaned

    fake_gateway.clean_up = clean_up  # type: ignore[assignment,method-assign]
    for fake_gateway.cleaning_up in (True, False):
        section.cleaning.button.click()
    assert told == ["Waits for the clean-up that runs already …", "3 entries", "Starting …", "3 entries"]


def test_a_clean_up_runs_as_long_work_and_says_what_it_took(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway, shell: Shell
) -> None:
    page = open_page("retention")
    section = page.views["retention"]
    assert isinstance(section, RetentionSection)
    toasts: list[str] = []
    page.toast.connect(toasts.append)
    with qtbot.waitSignal(shell.work.changed):
        qtbot.mouseClick(section.cleaning.button, Qt.MouseButton.LeftButton)
    assert toasts == ["Deleted 1,203 entries; 2.4 MB of disk space is free again"]
    fake_gateway.cleaned = Cleaned(taken={"requests": 0, "buckets": 0})
    qtbot.mouseClick(section.cleaning.button, Qt.MouseButton.LeftButton)
    assert toasts[1] == "Nothing was too old or too large"
    fake_gateway.cleaned = Cleaned(taken={"requests": 1, "buckets": 0}, freed_bytes=4096)
    qtbot.mouseClick(section.cleaning.button, Qt.MouseButton.LeftButton)
    assert toasts[2] == f"Deleted 1 entry; {formats.size(4096)} of disk space is free again"
    fake_gateway.fails = "usage.db cannot be used (disk I/O error)."
    section.cleaning.button.click()
    assert section.cleaning.line.problem.text() == fake_gateway.fails
    assert section.cleaning.button.isEnabled()


def test_the_data_tell_their_size_and_are_made_compact(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("data")
    section = page.views["data"]
    assert isinstance(section, DataSection)
    assert section.total.text() == formats.size(on_disk(asyncio.run(fake_gateway.sizes())))
    toasts: list[str] = []
    page.toast.connect(toasts.append)
    before = section.total.text()
    smaller = msgspec.structs.replace(asyncio.run(fake_gateway.sizes()), usage_bytes=1_000_000)

    async def sizes() -> Sizes:
        return smaller

    fake_gateway.sizes = sizes  # type: ignore[method-assign]
    qtbot.mouseClick(section.compacting.button, Qt.MouseButton.LeftButton)
    assert toasts == ["Deleted 1,203 entries; 2.4 MB of disk space is free again"]
    assert "clean_up" in fake_gateway.calls
    assert section.total.text() == formats.size(on_disk(smaller)) != before
    for cleaned, words in (
        (Cleaned(taken={"requests": 3}), "Deleted 3 entries"),
        (Cleaned(taken={"requests": 0}, freed_bytes=2_400_000), "2.4 MB of disk space is free again"),
        (Cleaned(taken={"requests": 0}), "There was no room to give back"),
    ):
        fake_gateway.cleaned = cleaned
        qtbot.mouseClick(section.compacting.button, Qt.MouseButton.LeftButton)
        assert toasts[-1] == words
    assert section._given_back(None).startswith("Cancelled")


def test_everything_is_exported_a_file_each(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway, tmp_path: Path
) -> None:
    page = open_page("data")
    section = page.views["data"]
    assert isinstance(section, DataSection)
    assert section.folder_line.words.text() == str(fake_gateway.folder)
    saved = QSignalSpy(page.context.shell.saved)
    qtbot.mouseClick(section.format.segment("jsonl"), Qt.MouseButton.LeftButton)
    page.context.spawn(section.export_to(tmp_path))
    asked = [call for call in fake_gateway.calls if call.startswith("export_file")]
    assert asked == [f"export_file {export.what} jsonl" for _, export in EXPORTS]
    assert {path.name for path in tmp_path.glob("faregate-*")} == {f"faregate-{name}.jsonl" for name, _ in EXPORTS}
    words, folder = saved.at(0)
    assert words.startswith("Exported ") and words.endswith(f" rows to {tmp_path.name}") and folder == tmp_path
    fake_gateway.fails = "The disk is full."
    page.context.spawn(section.export_to(tmp_path))
    assert (section.export_line.problem.text(), section.export.isEnabled()) == ("The disk is full.", True)


def test_rows_of_a_file_stand_on_top_of_those_before_and_its_whole_is_its_own() -> None:
    job = Job("Exporting everything", "rows", None)
    ToldOfFile(job, 0)(2, 5)
    assert (job.done, job.total) == (2, 5)
    next_file = ToldOfFile(job, 5)
    next_file(1, None)
    assert (job.done, job.total) == (6, None)
    next_file(1, 3)
    assert (job.done, job.total) == (6, 8)


def test_the_folder_can_be_opened_and_copied(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("data")
    section = page.views["data"]
    assert isinstance(section, DataSection)
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    qtbot.mouseClick(section.open_folder, Qt.MouseButton.LeftButton)
    assert opened == [str(fake_gateway.folder)]
    assert section.folder_line.problem.text() == "This desktop cannot open folders; copy the path instead."
    qtbot.mouseClick(section.copy_folder, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == str(fake_gateway.folder)


@pytest.mark.parametrize("demo", [True, False])
def test_a_demo_is_left_or_what_it_left_behind_is_deleted(
    qtbot: QtBot,
    open_page: Callable[[str], SettingsPage],
    fake_gateway: FakeGateway,
    shell: Shell,
    tmp_path: Path,
    demo: bool,
) -> None:
    fake_gateway.folder, fake_gateway.demo = tmp_path, demo
    assert demo or not hasattr(open_page("data").views["data"], "demo")
    (tmp_path / "demo").mkdir()
    page = open_page("data")
    with qtbot.waitSignal(shell.leave_demo_asked if demo else shell.delete_demo_asked):
        qtbot.mouseClick(child(page, QWidget, "delete_demo"), Qt.MouseButton.LeftButton)


# keys and the program itself


def test_where_keys_are_kept_is_shown_and_changed(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("vault")
    section = page.views["vault"]
    assert isinstance(section, VaultSection)
    assert section.line.title.text() == "In the system's keyring"
    qtbot.mouseClick(section.choose, Qt.MouseButton.LeftButton)
    assert page.drawer.isVisible()
    qtbot.mouseClick(page.vault_panel.use_memory, Qt.MouseButton.LeftButton)
    assert "choose_vault memory" in fake_gateway.calls
    assert (section.line.title.text(), page.drawer.isVisible()) == ("In memory until quit", False)
    fake_gateway.vault = VaultState(backend="keyring", available=False, message="The keyring is locked.")
    fake_gateway.variables = {"vault.backend": "keyring"}
    page.context.spawn(page.refresh(Changes(providers=True)))
    assert section.line.problem.text() == "The keyring is locked."
    assert (section.choose.isEnabled(), section.line.note.text()) == (
        False,
        "Set by FAREGATE_VAULT, which overrides what is chosen here.",
    )


def test_the_report_names_versions_and_changes_and_no_secret(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    fake_gateway.in_force["server.port"] = 4300
    page = open_page("about")
    section = page.views["about"]
    assert isinstance(section, AboutSection)
    qtbot.mouseClick(section.copy_report, Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    assert text.startswith(f"Faregate {program_version()}\nPython 3.")
    assert text.endswith("Gateway: running\nSettings that differ from the defaults:\n  server.port = 4300")
    assert program_version() != "0"


def test_licences_are_read_in_the_drawer(qtbot: QtBot, open_page: Callable[[str], SettingsPage]) -> None:
    page = open_page("about")
    section = page.views["about"]
    assert isinstance(section, AboutSection)
    shows = [button for button in section.findChildren(QWidget) if button.accessibleName().startswith("Show ")]
    assert len(shows) == 3
    qtbot.mouseClick(shows[0], Qt.MouseButton.LeftButton)
    assert "SIL OPEN FONT LICENSE" in page.text.toPlainText().upper()
    assert page.drawer.title_label.text() == "Inter-OFL-1.1"
    assert unnamed(page) == []


def test_a_change_that_is_refused_as_a_whole_keeps_its_sentence(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway
) -> None:
    page = open_page("gateway")
    edit = control(page, "server.host", TextControl).edit
    edit.setText("0.0.0.0")
    fake_gateway.fails = "server.host 0.0.0.0 would let other machines in without encryption: use 127.0.0.1."
    edit.editingFinished.emit()
    assert line(page, "server.host").problem.text().startswith("0.0.0.0 would let other machines in")


@pytest.mark.parametrize("width", [1216, 964])
@pytest.mark.parametrize("pseudo", [False, True], ids=["English", "40 % longer"])
def test_nothing_is_cut_or_covered(
    qtbot: QtBot,
    qapp: QApplication,
    open_page: Callable[[str], SettingsPage],
    fake_gateway: FakeGateway,
    width: int,
    pseudo: bool,
) -> None:
    """Beside the sidebar of a window 1440 and 1024 wide, with errors, notes and the banner on show."""
    translator = PseudoLocale()
    if pseudo:
        qapp.installTranslator(translator)
    try:
        fake_gateway.saved = {"server.port": 4300}
        fake_gateway.variables = {"limits.body": 32 << 20}
        page = open_page("gateway")
        page.resize(width, 620)
        for section in page.buttons:
            page.open_section(section)
            for key, one in page.views[section].lines.items():
                one.show_problem(f"{key} must be something else than it is, and this is how to mend it.")
            qtbot.wait(30)
            assert cut(page) == []
            for button in page.buttons.values():
                # Its icon stands before the words.
                words = QFontMetrics(button.font()).horizontalAdvance(button.text())
                assert button.width() >= 36 + words, button.text()
            assert crossing(page) == []
            view = page.views[section]
            body = view.widget()
            assert body is not None and body.width() <= view.viewport().width(), f"{section} is too wide"
        if pseudo:
            shown = {
                label.text() for label in page.findChildren(TextLabel) if label.text() and "ö" not in label.text()
            }
            data = {str(fake_gateway.folder), "Qt, PySide6"}
            figures = {text for text in shown if text.split()[0].replace(".", "").isdecimal()}
            from_files = {"Inter", "JetBrains Mono", "OFL 1.1", "Lucide", "ISC"}
            problems = {text for text in shown if "must be something else" in text}
            own = {label.text() for label in page.vault_panel.findChildren(TextLabel)}
            assert shown - data - figures - from_files - problems - own == set()
    finally:
        qapp.removeTranslator(translator)


def test_a_row_says_what_the_next_start_takes() -> None:
    from gateway import SettingRow

    row = SettingRow(key="a", value=1, saved=None, variable="A", default=1)
    assert (row.waits, row.following) == (False, 1)
    for changes, waits in (
        ({"saved": 2}, True),
        ({"value": 2}, True),
        ({"saved": 2, "from_environment": True}, False),
    ):
        assert msgspec.structs.replace(row, **changes).waits is waits


def test_files_of_an_earlier_export_are_replaced_only_after_a_question(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], fake_gateway: FakeGateway, tmp_path: Path
) -> None:
    page = open_page("data")
    section = page.views["data"]
    assert isinstance(section, DataSection)
    kept = tmp_path / f"faregate-{EXPORTS[0][0]}.csv"
    kept.write_text("mine")

    def choose(folder: Path) -> None:
        section.choose_folder()
        dialog = page.findChild(QFileDialog)
        assert dialog is not None
        dialog.fileSelected.emit(str(folder))
        dialog.close()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def answer(words: str) -> None:
        box = page.findChild(QMessageBox, "question.replace")
        assert box is not None and box.text() == "Replace faregate-requests.csv?"
        next(button for button in box.buttons() if button.text() == words).click()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    choose(tmp_path)
    answer("Keep")
    assert kept.read_text() == "mine" and not any("export_file" in call for call in fake_gateway.calls)
    choose(tmp_path)
    answer("Replace")
    assert kept.read_text() != "mine" and len(list(tmp_path.iterdir())) == len(EXPORTS)
    choose(tmp_path)
    box = page.findChild(QMessageBox, "question.replace")
    assert box is not None and box.text() == "Replace 3 files?"
    box.close()
    empty = tmp_path / "empty"
    empty.mkdir()
    choose(empty)
    assert len(list(empty.iterdir())) == len(EXPORTS), "where there is nothing to lose nothing is asked"


def test_csv_for_excel_is_chosen_with_the_data(
    qtbot: QtBot, open_page: Callable[[str], SettingsPage], shell: Shell
) -> None:
    page = open_page("data")
    for label in page.views["data"].findChildren(TextLabel):
        own = QRawFont.fromFont(label.font())
        assert all(own.supportsCharacter(ord(letter)) for letter in label.text()), label.text()
    switch = child(page, QWidget, "preference.csv_mark")
    assert not switch.isChecked() and not shell.marks_csv
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert shell.marks_csv
