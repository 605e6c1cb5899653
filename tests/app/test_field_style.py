"""Fields and boxes to choose from look as rules of a stylesheet had them, and cost next to nothing."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QLineEdit, QPushButton, QStyle, QStyleOptionFrame, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.field_style import HEIGHT
from app.theme import DARK, LIGHT, Theme
from app.widgets import ChoiceButton, ComboBox, SearchField

EDGE, INSIDE = QPoint(60, 0), QPoint(60, 4)
LONG = "A choice that is longer than the box has room for"


@pytest.fixture
def host(qtbot: QtBot, theme: Theme) -> Iterator[QWidget]:
    made = QWidget()
    qtbot.addWidget(made)
    QVBoxLayout(made).addWidget(QPushButton("Has the keyboard"))
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    yield made


def placed(host: QWidget, widget: QWidget) -> QWidget:
    column = host.layout()
    assert column is not None
    column.addWidget(widget)
    widget.show()
    return widget


def made_of(kind: str, theme: Theme) -> QWidget:
    if kind in ("line", "search"):
        return QLineEdit() if kind == "line" else SearchField(theme, "Search")
    box = ComboBox(theme, "Zone")
    box.setEditable(kind == "editable box")
    box.addItems(["Europe/Berlin", "UTC"])
    return box


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


def colours(widget: QWidget) -> tuple[str, str]:
    """Of its frame, and of what is within."""
    image = picture(widget)
    return image.pixelColor(EDGE).name().upper(), image.pixelColor(INSIDE).name().upper()


@pytest.mark.parametrize("kind", ["line", "search", "box", "editable box"])
def test_the_frame_tells_the_state_in_both_themes(host: QWidget, theme: Theme, qtbot: QtBot, kind: str) -> None:
    widget = placed(host, made_of(kind, theme))
    assert widget.height() == HEIGHT and widget.styleSheet() == ""
    for mode, tokens in (("dark", DARK), ("light", LIGHT)):
        theme.set_mode(mode)
        assert colours(widget) == (tokens.border_strong, tokens.surface)
        widget.setFocus()
        qtbot.waitUntil(widget.hasFocus)
        assert colours(widget) == (tokens.accent, tokens.surface)
        widget.setEnabled(False)
        assert colours(widget) == (tokens.border, tokens.inset)
        widget.setEnabled(True)


def test_a_field_says_that_it_is_wrong(host: QWidget, theme: Theme) -> None:
    field = placed(host, QLineEdit("no number"))
    field.setProperty("invalid", True)
    assert colours(field) == (theme.tokens.bad, theme.tokens.surface)
    field.setProperty("invalid", False)
    assert colours(field) == (theme.tokens.border_strong, theme.tokens.surface)


def first_dark_column(widget: QWidget, theme: Theme) -> int:
    """Where its text begins: the first column of the middle third of its height that is not its ground."""
    image = picture(widget)
    ground = theme.tokens.surface
    return next(
        x for x in range(3, 40) if any(image.pixelColor(x, y).name().upper() != ground for y in range(10, 22))
    )


def test_texts_of_fields_and_boxes_begin_at_one_place(host: QWidget, theme: Theme) -> None:
    field, box, editable = QLineEdit("Europe/Berlin"), made_of("box", theme), made_of("editable box", theme)
    places = {first_dark_column(placed(host, each), theme) for each in (field, box, editable)}
    assert len(places) == 1 and places.pop() >= 13


def test_a_choice_without_room_ends_with_dots(host: QWidget, theme: Theme) -> None:
    box = ComboBox(theme, "Which")
    box.addItems([LONG, LONG[:12] + "…"])
    placed(host, box)
    box.setFixedWidth(box.sizeHint().width())
    whole = picture(box)
    box.setFixedWidth(130)
    cut = picture(box)
    box.setCurrentIndex(1)
    assert picture(box).size() == cut.size() != whole.size()
    # The last ink before the arrow is the dots', on the line that the letters stand on.
    ground = theme.tokens.surface
    last = max((x, y) for x in range(14, 96) for y in range(8, 24) if cut.pixelColor(x, y).name().upper() != ground)
    assert all(cut.pixelColor(last[0], y).name().upper() == ground for y in range(8, 18)), "no letter's"


def test_a_choice_of_several_lines_stands_in_one(host: QWidget, theme: Theme) -> None:
    """As the title of a bill's column may be."""
    box = ComboBox(theme, "Which")
    box.addItems(["Cost\n(USD)", "Cost (USD)"])
    placed(host, box)
    broken = picture(box)
    box.setCurrentIndex(1)
    assert picture(box) == broken


def test_a_list_has_no_rules_either(host: QWidget, theme: Theme) -> None:
    """The list of a box took more than the box: with both a flip of the theme was three times as long."""
    box = made_of("box", theme)
    assert isinstance(box, ComboBox)
    placed(host, box)
    box.showPopup()
    try:
        view = box.view()
        frame = view.parentWidget()
        assert frame is not None
        for part in (box, view, frame):
            assert part.styleSheet() == "" and not part.testAttribute(Qt.WidgetAttribute.WA_StyleSheet)
        image = picture(frame)
        assert image.pixelColor(frame.width() // 2, 0).name().upper() == theme.tokens.border_strong
        assert view.size().height() == frame.height() - 2
    finally:
        box.hidePopup()


@pytest.mark.parametrize("kind", ["box", "editable box"])
def test_a_list_follows_the_theme(host: QWidget, theme: Theme, kind: str) -> None:
    """It stayed white in the dark theme, and its words are as light as that."""
    box = made_of(kind, theme)
    assert isinstance(box, ComboBox)
    placed(host, box)
    for mode, tokens in (("dark", DARK), ("light", LIGHT), ("dark", DARK)):
        theme.set_mode(mode)
        box.showPopup()
        try:
            # Between the frame and the first row's mark.
            assert picture(box.view().window()).pixelColor(2, 16).name().upper() == tokens.surface
        finally:
            box.hidePopup()


@pytest.mark.parametrize("width", [130, 131, 132, 133])
def test_the_frame_of_a_list_reaches_the_edges_of_any_screen(theme: Theme, width: int) -> None:
    """At 125 % nothing was painted in its last column, which the X server leaves dark."""
    image = QImage(round(width * 1.25), 100, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(1.25)
    image.fill(Qt.GlobalColor.magenta)
    option = QStyleOptionFrame()
    option.rect = QRect(0, 0, width, 80)
    painter = QPainter(image)
    theme.field_style.drawControl(QStyle.ControlElement.CE_ShapedFrame, option, painter)
    painter.end()
    right, bottom = image.width() - 1, image.height() - 1
    for x, y in ((0, 50), (right, 50), (60, 0), (60, bottom), (right, bottom)):
        assert image.pixelColor(x, y).name().upper() == theme.tokens.border_strong
    assert image.pixelColor(60, 50) == Qt.GlobalColor.magenta, "within, the list is painted"


def test_what_is_chosen_stands_in_one_line_whatever_opens_its_list(host: QWidget, theme: Theme) -> None:
    """Below each other on Connect, one began a pixel before the other."""

    def begins(widget: QWidget) -> int:
        widget.setFixedWidth(240)
        image = picture(placed(host, widget))
        ground = image.pixelColor(120, 4)
        inside = range(4, 120)
        return next(x for x in inside if any(image.pixelColor(x, y) != ground for y in range(6, image.height() - 6)))

    box, button, line = ComboBox(theme, "Model"), ChoiceButton(theme), QLineEdit("Hello")
    box.addItem("Hello")
    button.setText("Hello")
    assert begins(box) == begins(button) == begins(line)
