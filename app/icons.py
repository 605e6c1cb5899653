"""Lucide's SVGs drawn in any colour: `currentColor` is replaced and the stroke thinned to 1.75, as small sizes need.

Pictures are cached by name, colour, size and device pixel ratio. `forget()` empties the cache when the theme flips.
"""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.resources import resource

_RATIOS = (1.0, 1.5, 2.0, 3.0)


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    text = resource("icons", f"{name}.svg").read_text("utf-8")
    return text.replace('stroke-width="2"', 'stroke-width="1.75"')


@lru_cache(maxsize=1024)
def _draw(name: str, rgba: int, size: int, ratio: float) -> QPixmap:
    color = QColor.fromRgba(rgba)
    text = _source(name).replace("currentColor", color.name())
    pixels = max(1, round(size * ratio))
    picture = QPixmap(QSize(pixels, pixels))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setOpacity(color.alphaF())
    QSvgRenderer(QByteArray(text.encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def pixmap(name: str, color: QColor, size: int = 16, dpr: float = 1.0) -> QPixmap:
    """The icon as a picture of `size` logical pixels; raises FileNotFoundError for a name that is not shipped."""
    return _draw(name, color.rgba(), size, dpr)


@lru_cache(maxsize=512)
def _icon(name: str, rgba: int) -> QIcon:
    made = QIcon()
    for ratio in _RATIOS:
        made.addPixmap(_draw(name, rgba, 16, ratio))
    return made


def icon(name: str, color: QColor) -> QIcon:
    """The same in 16 pixels as a QIcon, sharp on every screen; raises FileNotFoundError for an unknown name."""
    return _icon(name, color.rgba())


def forget() -> None:
    """Drop every picture: their colours are gone when the theme flips."""
    _draw.cache_clear()
    _icon.cache_clear()
