"""What a card of the Overview is painted of is worked out when it changes, and not with each paint."""

from collections.abc import Callable

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.fonts import ui_font
from app.overview import label as label_module
from app.overview.label import ToneLabel
from app.overview.sparkline import Sparkline
from app.theme import Theme


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


def has(image: QImage, colour: QColor) -> bool:
    places = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return any(image.pixelColor(x, y).rgb() == colour.rgb() for x, y in places)


@pytest.fixture
def line(qtbot: QtBot, theme: Theme) -> Sparkline:
    made = Sparkline(theme)
    qtbot.addWidget(made)
    made.resize(100, 30)
    made.set_points((1.0, 5.0, None, 2.0, 3.0))
    return made


def test_a_sparkline_is_drawn_anew_where_it_has_changed_and_not_else(
    line: Sparkline, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[QColor] = []
    draw = Sparkline._draw
    monkeypatch.setattr(Sparkline, "_draw", lambda line, accent: (drawn.append(accent), draw(line, accent)))
    first = picture(line)
    assert has(first, theme.color("accent"))
    line.set_points((1.0, 5.0, None, 2.0, 3.0))
    assert picture(line) == first
    assert len(drawn) == 1
    changes: tuple[Callable[[], object], ...] = (
        lambda: line.set_points((9.0, 5.0, None, 2.0, 3.0)),
        lambda: line.resize(120, 30),
        lambda: theme.set_mode("dark"),
        lambda: line.set_points(()),
    )
    seen = [first]
    for change in changes:
        change()
        assert picture(line) not in seen
        seen.append(picture(line))
    assert len(drawn) == 1 + len(changes)
    assert has(seen[-2], theme.color("accent")) and not has(seen[-1], theme.color("accent"))


def test_a_label_is_measured_where_it_has_changed_and_not_else(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = ToneLabel(theme, "12,345 requests", px=20, narrow_px=11)
    qtbot.addWidget(label)
    label.resize(300, 30)
    measured: list[object] = []
    metrics = label_module.QFontMetrics
    monkeypatch.setattr(label_module, "QFontMetrics", lambda font: (measured.append(font), metrics(font))[1])
    wide = picture(label)
    measured.clear()
    assert picture(label) == wide
    assert measured == []
    label.resize(100, 30)
    assert label.shown_text() == "12,345 requests", "in the narrow font"
    label.resize(50, 30)
    assert label.shown_text().endswith("…")
    label.setText("12")
    assert label.shown_text() == "12"
    label.setText("12,345 requests")
    label.resize(300, 30)
    assert picture(label) == wide
    label.setFont(ui_font(24, 600))
    assert picture(label) != wide
