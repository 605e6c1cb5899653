"""How series differ besides their colour, for people who ask for it: a hatch for bars, a dash for lines."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor

_HATCHES = (
    Qt.BrushStyle.NoBrush,
    Qt.BrushStyle.BDiagPattern,
    Qt.BrushStyle.HorPattern,
    Qt.BrushStyle.Dense4Pattern,
    Qt.BrushStyle.FDiagPattern,
    Qt.BrushStyle.CrossPattern,
    Qt.BrushStyle.VerPattern,
)
_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)


def hatch(place: int, ground: QColor) -> QBrush:
    """What is drawn over the bars of the series at this place, in the card's colour; the first are plain."""
    return QBrush(ground, _HATCHES[place % len(_HATCHES)])


def dash(place: int) -> Qt.PenStyle:
    return _DASHES[place % len(_DASHES)]
