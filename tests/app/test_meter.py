"""The completeness meter in the sidebar: what it says, when it is amber, how it is opened and read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.meter import ALL_WELL, GROUPS, MeterLine, line, reasons, spoken
from app.sidebar import NARROW, WIDE
from app.theme import Theme
from app.window import DESIGN_SIZE, Window
from gateway import Changes, Completeness, Difference
from gateway.store.meter import REASONS
from tests.app.fake_gateway import FakeGateway
from tests.app.probe_pages import probe_entries


def difference(kind: str, count: int) -> Difference:
    reason = next(each for each in REASONS if each.kind == kind)
    return Difference(kind=kind, count=count, of=reason.of, attention=reason.attention, meaning=reason.meaning)


WELL = Completeness(seen=1204, written=1204, priced=1204)
QUIET = Completeness(seen=1204, written=1203, priced=1203, open=1, differences=(difference("running", 1),))
EVERY = Completeness(
    seen=123_456,
    written=100,
    priced=90,
    open=3,
    differences=tuple(difference(reason.kind, number) for number, reason in enumerate(REASONS, 1)),
)


def test_what_is_said() -> None:
    assert line(Completeness()) == "No requests since start"
    assert line(QUIET) == "1,203 of 1,204 recorded"
    assert line(EVERY) == "100 of 123k recorded"
    assert spoken(QUIET) == "Completeness: 1,204 seen, 1,203 written, 1,203 priced"
    assert spoken(EVERY).endswith(f", {sum(reason.attention for reason in REASONS)} reasons want attention")
    assert reasons(WELL) == ALL_WELL
    assert reasons(QUIET) == f"1 running: {QUIET.differences[0].meaning}"
    assert {reason.of for reason in REASONS} == set(GROUPS)


@pytest.fixture
def meter(qtbot: QtBot, theme: Theme) -> MeterLine:
    made = MeterLine(theme, None)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(203, 28)
    made.show()
    return made


def has_color(meter: MeterLine, theme: Theme, token: str) -> bool:
    """Or one so near to it that only its edge was smoothed."""
    image, wanted = meter.grab().toImage(), theme.color(token).getRgb()[:3]
    pixels = (image.pixelColor(x, y).getRgb()[:3] for x in range(image.width()) for y in range(image.height()))
    return any(sum(abs(one - other) for one, other in zip(pixel, wanted, strict=True)) < 60 for pixel in pixels)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE - 17, NARROW - 17])
def test_it_is_quiet_until_something_wants_attention(meter: MeterLine, theme: Theme, mode: str, width: int) -> None:
    theme.set_mode(mode)
    meter.resize(width, 28)
    for reading in (WELL, QUIET):
        meter.show_reading(reading)
        assert not has_color(meter, theme, "warn")
    meter.show_reading(Completeness(seen=2, written=1, differences=(difference("database_locked", 1),)))
    assert has_color(meter, theme, "warn")


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, None], ids=["keyboard", "mouse"])
def test_it_opens_a_list_of_every_reason_which_follows_the_counts(
    qtbot: QtBot, meter: MeterLine, key: Qt.Key | None
) -> None:
    meter.show_reading(EVERY)
    if key is not None:
        meter.setFocus()
        qtbot.keyClick(meter, key)
    else:
        qtbot.mouseClick(meter, Qt.MouseButton.LeftButton)
    popover = meter.popover
    assert popover.isVisible()

    def texts() -> list[str]:
        return [label.text() for label in popover.findChildren(QLabel) if label.isVisible()]

    shown = texts()
    for reason in REASONS:
        assert reason.meaning in shown and reason.kind.replace("_", " ").capitalize() in shown
    assert [text for text in shown if text in GROUPS.values()] == list(GROUPS.values())
    assert {"123,456 seen", "100 written", "90 priced", "3 running"} <= set(shown)
    meter.show_reading(WELL)
    assert texts() == [
        "Since the gateway started",
        "1,204 seen",
        "1,204 written",
        "1,204 priced",
        "0 running",
        ALL_WELL,
    ]
    qtbot.keyClick(popover, Qt.Key.Key_Escape)
    assert not popover.isVisible()


def test_a_screen_reader_has_all_of_it_without_opening(meter: MeterLine) -> None:
    meter.show_reading(EVERY)
    interface = QAccessible.queryAccessibleInterface(meter)
    assert interface is not None
    assert interface.text(QAccessible.Text.Name) == spoken(EVERY)
    assert interface.text(QAccessible.Text.Description) == reasons(EVERY)
    assert meter.toolTip() == f"{line(EVERY)}\n{reasons(EVERY)}"


def test_the_list_fits_the_screen_and_leaves_the_line_free(meter: MeterLine) -> None:
    room = QApplication.primaryScreen().availableGeometry()
    meter.move(0, room.bottom() - 40)
    meter.show_reading(QUIET)
    meter.open()
    place = meter.popover.geometry()
    assert room.contains(place) and place.bottom() < meter.geometry().top()
    meter.popover.close()


@pytest.mark.parametrize("kind", [each.kind for each in REASONS])
def test_the_list_has_room_for_all_lines_of_a_reason(meter: MeterLine, kind: str) -> None:
    for kinds in ((kind,), ("not_used", kind)):
        meter.show_reading(Completeness(seen=7, written=7, differences=tuple(difference(each, 1) for each in kinds)))
        meter.open()
        for label in meter.popover.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
        assert meter.popover.height() < 260, "and none is left over"
        meter.popover.close()


@pytest.fixture
def window(qtbot: QtBot, context: AppContext, tmp_path: Path) -> Window:
    made = Window(context, QSettings(str(tmp_path / "w.ini"), QSettings.Format.IniFormat), probe_entries())
    made.resize(*DESIGN_SIZE)
    qtbot.addWidget(made, before_close_func=lambda window: setattr(window, "_may_close", True))
    made.show()
    made.start_pages()
    return made


def test_the_window_follows_the_meter_on_every_page_also_while_nothing_is_written(
    qtbot: QtBot, window: Window, fake_gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.waitUntil(lambda: window.sidebar.meter.text() == "400 requests, recorded")
    reading: Callable[[], Completeness] = lambda: QUIET  # noqa: E731
    monkeypatch.setattr(fake_gateway, "completeness", reading)
    window.open_page("providers")
    fake_gateway.calls.clear()
    window.mark(Changes(meter=True))
    qtbot.waitUntil(lambda: window.sidebar.meter.text() == "1,203 of 1,204 recorded")
    assert window.sidebar.meter.isVisible()
    # The figures that come from the database are not asked for anew.
    assert "summary" not in fake_gateway.calls
    window.toggle_sidebar()
    assert window.sidebar.meter.isVisible() and window.sidebar.meter.width() < NARROW
