"""The tray: its shapes and words here, a real tray host with a real pointer below."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app import formats
from app.sidebar import STATES
from app.theme import Theme
from app.tray import Tray, error_words, tray_picture
from gateway import ExchangeRecord, GatewayState, Summary
from tests.app.display import Display, free_display
from tests.waiting import PATIENCE_S, wait_until

ON = GatewayState(word="running", url="http://127.0.0.1:4210")


@pytest.fixture
def tray(qtbot: QtBot, theme: Theme) -> Iterator[Tray]:
    made = Tray(theme, ON)
    yield made
    made.close()


def shape(image: QImage) -> list[bool]:
    """Where there is ink, whatever its colour."""
    return [image.pixelColor(x, y).alpha() > 127 for x in range(image.width()) for y in range(image.height())]


def test_states_differ_in_shape_and_not_only_in_colour(theme: Theme) -> None:
    images = [tray_picture(f"tray-{name}", "#808080").pixmap(32, 32).toImage() for name in ("on", "off", "attention")]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        different = sum(a != b for a, b in zip(shape(images[one]), shape(images[other]), strict=True))
        assert different > 40


@pytest.mark.parametrize("word", STATES)
def test_every_state_has_a_picture_and_a_word(tray: Tray, word: str) -> None:
    tray.show_state(GatewayState(word=word, url="http://127.0.0.1:4210"))
    assert not tray.icon.icon().isNull()
    assert tray.gateway_action.isChecked() == STATES[word][2]
    assert tray.gateway_action.isEnabled() == (word not in ("starting", "stopping"))
    assert tray.icon.toolTip().startswith("Gateway ")


def test_the_tooltip_and_the_menu_say_what_today_cost(tray: Tray) -> None:
    tray.show_today(Summary(requests=1204, cost_nano=48_200_000_000))
    assert tray.icon.toolTip() == "Gateway on · $48.20 today · 1,204 requests"
    assert tray.today_action.text() == "Today $48.20"
    assert not tray.today_action.isEnabled()
    tray.show_today(Summary(requests=1, cost_nano=None))
    assert tray.icon.toolTip() == "Gateway on · — today · 1 request"
    tray.show_today(Summary(requests=2, cost_nano=48_200_000_000, usage_sources={"provider": 1, "estimated": 1}))
    assert tray.today_action.text() == "Today ≈$48.20"
    assert tray.icon.toolTip() == "Gateway on · ≈$48.20 today · 2 requests"


def test_the_last_error_is_told_where_there_is_one(qtbot: QtBot, tray: Tray) -> None:
    assert not tray.error_action.isVisible()
    row = ExchangeRecord(
        id="r", started_us=1_795_456_980_000_000, door="chat", key_id="k", key="ci", model="claude-haiku-4-5",
        status=429, outcome="error",
    )  # fmt: skip
    words = error_words(row)
    assert words.startswith("claude-haiku-4-5, 429 at ")
    assert error_words(replace(row, status=None, error_type="no_answer")).startswith(
        "claude-haiku-4-5, no answer at "
    )
    formats.use_clock("Europe/Berlin", twelve_hours=True)
    try:
        assert error_words(row).endswith(" at 7:03 pm"), "whole, and without seconds"
    finally:
        formats.use_clock(None, twelve_hours=False)
    tray.show_error(words)
    assert tray.error_action.isVisible() and tray.error_action.text() == f"Last error: {words}"
    with qtbot.waitSignal(tray.error_asked):
        tray.error_action.trigger()
    tray.show_error("")
    assert not tray.error_action.isVisible()


def test_the_picture_is_drawn_only_when_it_changes(tray: Tray, theme: Theme) -> None:
    before = tray.icon.icon().cacheKey()
    tray.show_state(GatewayState(word="running", url="http://127.0.0.1:4300"))
    tray.show_today(Summary(requests=3, cost_nano=1))
    assert tray.icon.icon().cacheKey() == before
    theme.set_mode("dark")
    assert tray.icon.icon().cacheKey() != before


@pytest.mark.parametrize(("word", "token"), [("running", "accent"), ("off", "text3")])
def test_the_icon_is_grey_while_the_gateway_is_off(tray: Tray, theme: Theme, word: str, token: str) -> None:
    tray.show_state(GatewayState(word=word, url="http://127.0.0.1:4300"))  # type: ignore[arg-type]
    picture = tray.icon.icon().pixmap(64).toImage()
    pixels = (picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height()))
    assert {colour.name() for colour in pixels if colour.alpha() == 255} == {theme.color(token).name()}


def test_a_menu_that_grows_while_it_is_open_stays_on_the_screen(qtbot: QtBot, tray: Tray) -> None:
    """The last error is read as the menu opens: in the corner of a screen its end was beyond the edge."""
    room = tray.menu.screen().availableGeometry()
    tray.menu.popup(room.bottomRight())
    qtbot.waitUntil(tray.menu.isVisible)
    before = tray.menu.geometry()
    assert room.contains(before)
    tray.show_error("a-model-with-a-long-name-of-its-own, 429 at 18:04")
    grown = tray.menu.geometry()
    assert grown.width() > before.width() and grown.height() > before.height()
    assert room.contains(grown)
    tray.menu.close()
    place = tray.menu.pos()
    tray.show_error("gpt, 500 at 18:05")
    assert tray.menu.pos() == place


def test_the_menu_says_what_was_asked(qtbot: QtBot, tray: Tray) -> None:
    actions = {action.text(): action for action in tray.menu.actions()}
    assert list(actions) == [
        "Gateway on",
        "Today $0.00",
        "",
        "Open window",
        "Copy endpoint",
        "Pause logging 15 min",
        "Settings",
        "Quit",
    ]
    for text, signal in (
        ("Open window", tray.open_asked),
        ("Copy endpoint", tray.copy_asked),
        ("Settings", tray.settings_asked),
        ("Quit", tray.quit_asked),
    ):
        with qtbot.waitSignal(signal):
            actions[text].trigger()
    with qtbot.waitSignal(tray.gateway_switched) as asked:
        actions["Gateway on"].trigger()
    assert asked.args == [False]


def test_logging_is_paused_and_resumed_from_the_menu(qtbot: QtBot, tray: Tray) -> None:
    with qtbot.waitSignal(tray.pause_asked) as asked:
        tray.pause_action.trigger()
    assert asked.args == [True]
    formats.use_clock("Europe/Berlin", twelve_hours=False)
    try:
        tray.show_state(replace(ON, capture_paused_until_us=1_795_456_980_000_000))
        assert tray.pause_action.text() == "Logging paused until 19:03 · Resume"
    finally:
        formats.use_clock(None, twelve_hours=False)
    with qtbot.waitSignal(tray.pause_asked) as asked:
        tray.pause_action.trigger()
    assert asked.args == [False]
    tray.show_state(ON)
    assert tray.pause_action.text() == "Pause logging 15 min"


@pytest.mark.qt_log_ignore("systemTrayWindowChanged")
def test_a_tray_that_comes_later_is_found(qtbot: QtBot, tray: Tray, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not tray.available
    monkeypatch.setattr("app.tray.QSystemTrayIcon.isSystemTrayAvailable", lambda: True)
    with qtbot.waitSignal(tray.available_changed) as told:
        tray.check()
    assert told.args == [True]


# a real one


TRAYER = ("trayer", "--edge", "bottom", "--align", "right", "--widthtype", "request", "--height", "32")
PROGRAM = Path(__file__).with_name("tray_program.py")


@pytest.fixture
def display() -> Iterator[Display]:
    with free_display() as made:
        yield made


@contextmanager
def started(display: Display, folder: Path) -> Iterator[subprocess.Popen[str]]:
    environ = {**display.environ, "PYTHONPATH": str(PROGRAM.parents[2])}
    command = [sys.executable, str(PROGRAM), str(folder)]
    # Leaving the block closes the pipes, and waits.
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def ask(program: subprocess.Popen[str], question: str) -> list[str]:
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{question}\n")
    program.stdin.flush()
    return program.stdout.readline().strip().split("|")


def wait_for(program: subprocess.Popen[str], question: str, answer: list[str]) -> None:
    wait_until(lambda: ask(program, question) == answer, what=f"{question} {answer}", pause=0.05)


def test_a_click_on_a_real_tray_hides_and_shows_the_window(display: Display, tmp_path: Path) -> None:
    display.start(*TRAYER)
    with started(display, tmp_path) as program:
        wait_for(program, "tray", ["True"])
        wait_for(program, "window", ["True"])
        # The window is shown before the gateway serves.
        wait_until(
            lambda: re.fullmatch(r"Gateway on · \$[\d.]+ today · \d+ requests?", ask(program, "tooltip")[0]),
            what="the tooltip of a gateway that serves",
            pause=0.05,
        )
        # Closing hides to the tray.
        ask(program, "close")
        wait_for(program, "window", ["False"])
        for shown in ("True", "False"):
            x, y = ask(program, "place")
            display.run("xdotool", "mousemove", x, y, "click", "1")
            wait_for(program, "window", [shown])
            # Two clicks within Qt's interval would be a double click.
            time.sleep(0.6)
        assert ask(program, "quit") == ["quitting"]
        assert program.wait(PATIENCE_S) == 0


def test_without_a_tray_closing_asks_until_one_comes(display: Display, tmp_path: Path) -> None:
    with started(display, tmp_path) as program:
        wait_for(program, "window", ["True"])
        assert ask(program, "tray") == ["False"]
        ask(program, "close")
        wait_for(program, "question", ["True"])
        assert ask(program, "window") == ["True"]
        display.start(*TRAYER)
        wait_for(program, "tray", ["True"])
