"""A rounded box is painted in pieces where that shows the same, and a paint knows whether there is an old picture."""

import itertools

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.widgets import painting
from app.widgets.painting import has_old_picture, rounded_box

WHITE, GREY, VEIL = QColor("#ffffff"), QColor("#d0d4da"), QColor(10, 20, 30, 90)
BOXES = (QRectF(0, 0, 180, 120), QRectF(3, 5, 90, 141), QRectF(0, 0, 100, 90.5), QRectF(2, 2, 12, 160))
COLOURS = ((WHITE, GREY), (WHITE, None), (None, GREY), (VEIL, GREY), (WHITE, VEIL))
PLACES = ({}, {"scale": 2.0}, {"scale": 1.5}, {"dx": 7.0, "dy": 11.0}, {"dy": 0.5}, {"clip": QRectF(30, 30, 50, 40)})


class Noted(QPainter):
    """Counts what is filled as a plain rectangle."""

    plain = 0

    def fillRect(self, *args: object) -> None:
        self.plain += 1
        super().fillRect(*args)  # type: ignore[call-overload]


def painted(
    box: QRectF,
    colours: tuple[QColor | None, QColor | None],
    scale: float = 1.0,
    dx: float = 0.0,
    dy: float = 0.0,
    clip: QRectF | None = None,
) -> tuple[QImage, int]:
    image = QImage(400, 400, QImage.Format.Format_RGB32)
    image.fill(QColor("#eeeeee"))
    image.setDevicePixelRatio(scale)
    painter = Noted(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(dx, dy)
    if clip is not None:
        painter.setClipRect(clip)
    rounded_box(painter, box, 9.0, *colours)
    painter.end()
    return image, painter.plain


def test_a_box_in_pieces_shows_the_same_as_one_shape(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    told = list(itertools.product(BOXES, COLOURS, PLACES))
    made = [painted(box, colours, **place) for box, colours, place in told]  # type: ignore[arg-type]
    monkeypatch.setattr(painting, "_TALL", 1_000.0)
    for (box, colours, place), (image, _) in zip(told, made, strict=True):
        assert painted(box, colours, **place) == (image, 0), (box, colours, place)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("box", "plain"), [(QRectF(0, 0, 180, 120), 3), (QRectF(0, 0, 180, 32), 0), (QRectF(0, 0.5, 180, 120), 0)]
)
def test_only_what_is_high_and_lies_on_whole_pixels_is_painted_in_pieces(
    qapp: QApplication, box: QRectF, plain: int
) -> None:
    assert painted(box, (WHITE, GREY))[1] == plain


class Asking(QWidget):
    """Notes with each of its paints whether there is an old picture."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bool] = []

    def paintEvent(self, event: QPaintEvent) -> None:
        self.told.append(has_old_picture(QPainter(self), self.window()))


def test_only_what_is_on_the_screen_has_an_old_picture(qtbot: QtBot) -> None:
    asking = Asking()
    qtbot.addWidget(asking)
    asking.grab()
    assert asking.told == [False], "it was never shown"
    asking.show()
    qtbot.waitUntil(lambda: asking.told[-1])
    for paint, expected in ((asking.repaint, True), (asking.grab, False), (asking.repaint, True)):
        asking.told.clear()
        paint()
        assert set(asking.told) == {expected}
