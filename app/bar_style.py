"""How scroll bars look: a thin handle on whatever lies behind, without arrows.

Rules of a stylesheet would cost seventy kilobytes for each of more than a hundred of them, and be matched anew with
each flip of the theme.
"""

from typing import Any

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QApplication, QProxyStyle, QStyle, QStyleFactory, QStyleOptionSlider, QWidget

WIDTH = 12
"""Logical pixels across."""
LEAST_LENGTH = 38
"""What can be grasped is at least that long."""
_MARGIN, _RADIUS = 3, 3
_METRICS = {
    QStyle.PixelMetric.PM_ScrollBarExtent: WIDTH,
    QStyle.PixelMetric.PM_ScrollBarSliderMin: LEAST_LENGTH,
}
_BAR, _SLIDER = QStyle.ComplexControl.CC_ScrollBar, QStyle.SubControl.SC_ScrollBarSlider


class BarStyle(QProxyStyle):
    """Give it to scroll bars, and keep it for as long as they live. The colours are the application's palette's."""

    def __init__(self) -> None:
        super().__init__(QStyleFactory.create("Fusion"))

    def polish(self, what: Any) -> None:
        super().polish(what)
        if isinstance(what, QWidget):
            # What lies behind shows.
            what.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, False)

    def pixelMetric(self, metric: QStyle.PixelMetric, option: Any = None, widget: QWidget | None = None) -> int:
        found = _METRICS.get(metric)
        return super().pixelMetric(metric, option, widget) if found is None else found

    def subControlRect(
        self, control: QStyle.ComplexControl, option: Any, part: QStyle.SubControl, widget: Any = None
    ) -> QRect:
        if control is not _BAR or not isinstance(option, QStyleOptionSlider):
            return super().subControlRect(control, option, part, widget)
        # Of a longer one the style takes an arrow's room off each end.
        across, along = (WIDTH, 0) if option.orientation == Qt.Orientation.Horizontal else (0, WIDTH)
        longer = QStyleOptionSlider(option)
        longer.rect = option.rect.adjusted(-across, -along, across, along)
        return super().subControlRect(control, longer, part, widget).translated(-across, -along)

    def drawComplexControl(
        self, control: QStyle.ComplexControl, option: Any, painter: QPainter, widget: QWidget | None = None
    ) -> None:
        if control is not _BAR or not isinstance(option, QStyleOptionSlider):
            super().drawComplexControl(control, option, painter, widget)
            return
        is_hovered = option.activeSubControls == _SLIDER and bool(option.state & QStyle.StateFlag.State_MouseOver)
        role = QPalette.ColorRole.PlaceholderText if is_hovered else QPalette.ColorRole.Mid
        handle = self.subControlRect(control, option, _SLIDER, widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QApplication.palette().color(role))
        painter.drawRoundedRect(handle.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN), _RADIUS, _RADIUS)
        painter.restore()
