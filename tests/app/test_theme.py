"""Tokens that can be read and told apart, and a theme that follows the system without trusting Qt's palette."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessibilityHints, QColor, QFont, QFontDatabase, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app import icons
from app.fonts import FILES, MONO_FAMILY, UI_FAMILY, load_fonts, mono_font, ui_font
from app.resources import FOLDER, resource
from app.theme import DARK, LIGHT, Theme, Tokens, high_contrast, palette, stylesheet
from tests.app.display import Display, free_display
from tests.waiting import PATIENCE_S

GROUNDS = ("bg", "sidebar", "surface", "inset", "hover")
BOTH = pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])


def luminance(value: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [int(value[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@BOTH
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize(("ink", "least"), [("text", 12.0), ("text2", 6.0), ("text3", 4.5)])
def test_text_can_be_read_on_every_ground(tokens: Tokens, ground: str, ink: str, least: float) -> None:
    assert contrast(getattr(tokens, ink), getattr(tokens, ground)) >= least


@BOTH
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ok", "ok_soft"),
        ("warn", "warn_soft"),
        ("bad", "bad_soft"),
        ("accent", "accent_soft"),
        ("text2", "inset"),
        ("on_accent", "accent"),
        ("on_accent", "accent_hover"),
        ("accent", "surface"),
        ("ok", "surface"),
        ("warn", "surface"),
        ("bad", "surface"),
        ("bg", "text"),
    ],
)
def test_words_on_soft_grounds_can_be_read(tokens: Tokens, ink: str, ground: str) -> None:
    assert contrast(getattr(tokens, ink), getattr(tokens, ground)) >= 4.5


@BOTH
def test_marks_stand_out_from_their_card_and_from_each_other(tokens: Tokens) -> None:
    for color in (*tokens.series, tokens.other):
        assert contrast(color, tokens.surface) >= 3.0
    for one, other in itertools.combinations(tokens.series, 2):
        left, right = QColor(one), QColor(other)
        apart = sum(abs(a - b) for a, b in zip(left.getRgb()[:3], right.getRgb()[:3], strict=True))
        assert apart > 60


@BOTH
def test_high_contrast_has_strong_borders(tokens: Tokens) -> None:
    strong = high_contrast(tokens)
    assert contrast(strong.border, strong.surface) >= 3.0
    assert contrast(strong.text3, strong.surface) >= 6.0


@BOTH
@pytest.mark.parametrize("more", [False, True], ids=["as it is", "with more contrast"])
def test_a_bar_stands_out_from_what_it_would_fill(tokens: Tokens, *, more: bool) -> None:
    """A share of four percent was a bar as dark from end to end."""
    shown = high_contrast(tokens) if more else tokens
    for color in (*shown.series, shown.other, shown.accent):
        assert contrast(color, shown.track) >= 2.2


@BOTH
def test_the_stylesheet_names_only_tokens_that_exist(tokens: Tokens) -> None:
    text = stylesheet(tokens)
    assert "$" not in text
    assert tokens.accent in text


@BOTH
def test_every_role_of_the_palette_is_ours(tokens: Tokens) -> None:
    ours = {value.lower() for field in fields(tokens) if isinstance(value := getattr(tokens, field.name), str)}
    made = palette(tokens)
    for role in QPalette.ColorRole:
        if role not in (QPalette.ColorRole.NoRole, QPalette.ColorRole.NColorRoles):
            assert made.color(QPalette.ColorGroup.Active, role).name() in ours, role
    for group, role in (
        (QPalette.ColorGroup.Active, QPalette.ColorRole.PlaceholderText),
        (QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text),
        (QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText),
    ):
        assert contrast(made.color(group, role).name(), tokens.surface) >= 4.5, role


def test_a_theme_tells_of_each_flip_once_and_restyles(qtbot: QtBot, qapp: QApplication, theme: Theme) -> None:
    seen: list[bool] = []
    theme.changed.connect(lambda: seen.append(theme.dark))
    widget = QWidget()
    qtbot.addWidget(widget)
    theme.set_mode("dark")
    theme.set_mode("dark")
    assert (seen, theme.tokens, theme.mode) == ([True], DARK, "dark")
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK.bg.lower()
    assert widget.updatesEnabled()
    theme.set_mode("light")
    assert seen == [True, False]


def test_without_a_desktop_the_system_counts_as_light(theme: Theme) -> None:
    choices: list[str] = []
    theme.mode_changed.connect(lambda: choices.append(theme.mode))
    theme.set_mode("system")
    assert not theme.dark
    assert choices == ["system"], "another choice is told though nothing looks different"


def test_an_unknown_mode_or_token_is_refused(theme: Theme) -> None:
    with pytest.raises(ValueError, match="sepia"):
        theme.set_mode("sepia")
    with pytest.raises(AttributeError):
        theme.color("mauve")


def test_slots_past_the_sixth_are_other(theme: Theme) -> None:
    assert [theme.series_color(slot).name().upper() for slot in range(6)] == list(LIGHT.series)
    assert theme.series_color(6).name().upper() == LIGHT.other
    assert theme.series_color(-1).name().upper() == LIGHT.other


# fonts and icons


def test_the_shipped_fonts_load_with_their_weights(qapp: QApplication) -> None:
    load_fonts()
    assert {UI_FAMILY, MONO_FAMILY} <= set(QFontDatabase.families())
    widths = [QFontMetricsF(ui_font(40, weight)).horizontalAdvance("Requests") for weight in (400, 500, 600)]
    assert widths[0] < widths[1] < widths[2], "each weight is a face of its own"
    assert QFontDatabase.isFixedPitch(MONO_FAMILY)


def test_digits_are_equally_wide(qapp: QApplication) -> None:
    for font in (ui_font(26, 600), mono_font(12)):
        metrics = QFontMetricsF(font)
        widths = [metrics.horizontalAdvance(digit * 10) for digit in "0123456789"]
        assert max(widths) - min(widths) < 0.5
        assert font.hintingPreference() == QFont.HintingPreference.PreferNoHinting, "widths scale evenly"


def test_a_font_is_the_callers_own(qapp: QApplication) -> None:
    ui_font(13).setPixelSize(99)
    assert ui_font(13).pixelSize() == 13


def test_fonts_and_icons_come_with_their_licences() -> None:
    names = {path.name for path in (FOLDER / "licenses").iterdir()}
    assert {"Inter-OFL-1.1.txt", "JetBrainsMono-OFL-1.1.txt", "Lucide-ISC.txt"} <= names
    for name in FILES:
        assert resource("fonts", name).stat().st_size > 100_000
    with pytest.raises(FileNotFoundError, match="install Faregate again"):
        resource("fonts", "Comic.ttf")


def test_every_icon_can_be_drawn_in_any_colour(qapp: QApplication) -> None:
    for path in sorted((FOLDER / "icons").glob("*.svg")):
        image = icons.pixmap(path.stem, QColor("#12ab34"), 24, 2.0).toImage()
        assert image.width() == 48
        inked = [
            image.pixelColor(x, y) for x in range(48) for y in range(48) if image.pixelColor(x, y).alpha() == 255
        ]
        assert inked, path.stem
        assert all(abs(color.green() - 0xAB) < 8 and abs(color.red() - 0x12) < 8 for color in inked), path.stem


def test_icons_are_kept_until_they_are_forgotten(qapp: QApplication) -> None:
    first = icons.pixmap("copy", QColor("#000000"))
    assert icons.pixmap("copy", QColor("#000000")).cacheKey() == first.cacheKey()
    icons.forget()
    assert icons.pixmap("copy", QColor("#000000")).cacheKey() != first.cacheKey()
    with pytest.raises(FileNotFoundError):
        icons.pixmap("no-such-icon", QColor("#000000"))


def test_a_flip_tints_the_icons_anew(qapp: QApplication) -> None:
    theme = Theme("light")
    first = icons.pixmap("copy", QColor("#000000"))
    theme.set_mode("dark")
    assert icons.pixmap("copy", QColor("#000000")).cacheKey() != first.cacheKey()


def test_a_chosen_theme_does_not_follow_the_system(qapp: QApplication) -> None:
    for mode, tokens in (("light", LIGHT), ("dark", DARK)):
        theme = Theme(mode)
        for scheme in (Qt.ColorScheme.Dark, Qt.ColorScheme.Light):
            qapp.styleHints().colorSchemeChanged.emit(scheme)
        assert (theme.mode, theme.tokens) == (mode, tokens)


def test_who_asked_the_system_for_contrast_gets_it(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QAccessibilityHints, "contrastPreference", lambda _hints: Qt.ContrastPreference.HighContrast)
    theme = Theme("light")
    assert theme.tokens == high_contrast(LIGHT)
    theme.set_mode("dark")
    assert theme.tokens == high_contrast(DARK)
    monkeypatch.undo()
    qapp.styleHints().accessibility().contrastPreferenceChanged.emit(Qt.ContrastPreference.NoPreference)
    assert theme.tokens == DARK, "as soon as the system says so"


# the system's scheme, for real


PROBE = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel
from app.theme import Theme
app = QApplication(sys.argv)
theme = Theme("system")
theme.apply(app)
label = QLabel("probe")
label.show()
def tell():
    ground, edge = app.palette().window().color().name(), app.palette().shadow().color().name()
    print("theme", "dark" if theme.dark else "light", ground, edge, flush=True)
theme.changed.connect(tell)
QTimer.singleShot(300, tell)
QTimer.singleShot(20000, app.quit)
app.exec()
"""


@pytest.fixture
def display() -> Iterator[Display]:
    with free_display() as made:
        yield made


def test_the_window_follows_the_system_when_it_flips(display: Display, tmp_path: Path) -> None:
    """Under a session bus of its own, whose settings portal says light or dark, and contrast, as a file tells it."""
    says = tmp_path / "scheme"
    says.write_text("light")
    portal = Path(__file__).with_name("settings_portal.py")
    script = (
        f'"{shutil.which("python3", path="/usr/bin")}" "{portal}" "{says}" & PORTAL=$!; sleep 1; '
        f'"{sys.executable}" -c "$PROBE"; kill $PORTAL'
    )
    environ = {**os.environ, "DISPLAY": display.name, "XDG_CURRENT_DESKTOP": "GNOME", "PROBE": PROBE}
    environ.pop("QT_QPA_PLATFORM", None)
    process = subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", script],
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    # Programs that the bus starts write into the same pipe.
    told = (line.split()[1:] for line in process.stdout if line.startswith("theme "))
    try:
        assert next(told) == ["light", LIGHT.bg.lower(), LIGHT.border.lower()]
        for words, tokens in (
            ("dark", DARK),
            ("light", LIGHT),
            ("light contrast", high_contrast(LIGHT)),
            ("light", LIGHT),
        ):
            says.write_text(words)
            assert next(told) == [words.split()[0], tokens.bg.lower(), tokens.border.lower()]
    finally:
        os.killpg(process.pid, 15)
        process.wait(PATIENCE_S)
        process.stdout.close()


def test_labels_take_the_palette(qtbot: QtBot, theme: Theme) -> None:
    label = QLabel("text")
    qtbot.addWidget(label)
    assert label.palette().color(QPalette.ColorRole.WindowText).name() == LIGHT.text.lower()
