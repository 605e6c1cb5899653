"""How fields and boxes to choose from look: a rounded frame that tells where the keyboard is and what is wrong.

Rules of a stylesheet would cost fifty kilobytes for each field and three times that for each box with its list, and
be matched anew, milliseconds for each, with every flip of the theme.
"""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QProxyStyle,
    QStyle,
    QStyleFactory,
    QStyleHintReturn,
    QStyleOption,
    QStyleOptionComboBox,
    QWidget,
)

from app.shown_names import one_line

HEIGHT = 32
"""Logical pixels of a field of one line, its frame included; so are all below."""
_RADIUS = 6.5
_BESIDE = 11
_ARROW = 24
# A field's text stands two pixels further in.
_TEXT = _BESIDE + 2
_FIELD, _BOX = QStyle.ContentsType.CT_LineEdit, QStyle.ContentsType.CT_ComboBox
_WHOLE_BOX, _PART = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl


def _has_frame(field: QWidget | None) -> bool:
    """One in a box has none: the box draws it."""
    return isinstance(field, QLineEdit) and field.hasFrame()


class FieldStyle(QProxyStyle):
    """For line edits, boxes and the lists of these. `color` tells a token's colour by its name. A property `invalid`
    of a field that is true gives it the frame of an error."""

    def __init__(self, color: Callable[[str], QColor]) -> None:
        super().__init__(QStyleFactory.create("Fusion"))
        self._color = color

    def sizeFromContents(self, kind: QStyle.ContentsType, option: Any, size: QSize, widget: Any = None) -> QSize:
        if kind is _FIELD:
            return QSize(size.width() + 2 * _BESIDE, max(size.height() + 2, HEIGHT))
        if kind is _BOX:
            return QSize(size.width() + 2 * _TEXT + _ARROW + 2, max(size.height() + 2, HEIGHT))
        return super().sizeFromContents(kind, option, size, widget)

    def subElementRect(self, element: QStyle.SubElement, option: QStyleOption, widget: Any = None) -> QRect:
        if element is QStyle.SubElement.SE_LineEditContents and _has_frame(widget):
            return option.rect.adjusted(_BESIDE, 1, -_BESIDE, -1)
        return super().subElementRect(element, option, widget)

    def subControlRect(
        self, control: QStyle.ComplexControl, option: Any, part: QStyle.SubControl, widget: Any = None
    ) -> QRect:
        whole: QRect = option.rect
        if control is _WHOLE_BOX and part is _PART.SC_ComboBoxEditField:
            return whole.adjusted(_BESIDE, 1, -_ARROW - _BESIDE, -1)
        if control is _WHOLE_BOX and part is _PART.SC_ComboBoxArrow:
            return QRect(whole.right() - _ARROW, whole.top(), _ARROW, whole.height())
        return super().subControlRect(control, option, part, widget)

    def styleHint(
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        returned: QStyleHintReturn | None = None,
    ) -> int:
        if hint is QStyle.StyleHint.SH_ComboBox_PopupFrameStyle:
            return QFrame.Shape.Box.value | QFrame.Shadow.Plain.value
        return super().styleHint(hint, option, widget, returned)

    def drawPrimitive(
        self, element: QStyle.PrimitiveElement, option: QStyleOption, painter: QPainter, widget: QWidget | None = None
    ) -> None:
        if element is QStyle.PrimitiveElement.PE_PanelLineEdit and isinstance(widget, QLineEdit):
            if _has_frame(widget):
                self._draw_frame(painter, option, "bad" if widget.property("invalid") else None)
        else:
            super().drawPrimitive(element, option, painter, widget)

    def drawComplexControl(
        self, control: QStyle.ComplexControl, option: Any, painter: QPainter, widget: QWidget | None = None
    ) -> None:
        if control is _WHOLE_BOX:
            self._draw_frame(painter, option)
        else:
            super().drawComplexControl(control, option, painter, widget)

    def drawControl(
        self, element: QStyle.ControlElement, option: QStyleOption, painter: QPainter, widget: QWidget | None = None
    ) -> None:
        if element is QStyle.ControlElement.CE_ComboBoxLabel and isinstance(option, QStyleOptionComboBox):
            self._draw_choice(painter, option)
        elif element is QStyle.ControlElement.CE_ShapedFrame:
            self._draw_edges(painter, option.rect)
        else:
            super().drawControl(element, option, painter, widget)

    def _draw_edges(self, painter: QPainter, whole: QRect) -> None:
        # Lines would end before the last column and row of a screen whose pixels are no whole part of ours.
        wide, high = whole.width() + 2, whole.height() + 2
        across, down = QRect(-1, -1, wide, 2), QRect(-1, -1, 2, high)
        for edge in (across, down, across.translated(0, high - 2), down.translated(wide - 2, 0)):
            painter.fillRect(edge.translated(whole.topLeft()), self._color("border_strong"))

    def _draw_choice(self, painter: QPainter, option: QStyleOptionComboBox) -> None:
        if option.editable:
            return
        room = option.rect.adjusted(_TEXT, 0, -_ARROW - _BESIDE, 0)
        words = option.fontMetrics.elidedText(one_line(option.currentText), Qt.TextElideMode.ElideRight, room.width())
        painter.setPen(self._color("text" if option.state & QStyle.StateFlag.State_Enabled else "text3"))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)

    def _draw_frame(self, painter: QPainter, option: QStyleOption, told: str | None = None) -> None:
        """`told`: a token for the frame, before what the state asks for."""
        is_on = bool(option.state & QStyle.StateFlag.State_Enabled)
        has_keyboard = bool(option.state & QStyle.StateFlag.State_HasFocus)
        edge = told or ("border" if not is_on else "accent" if has_keyboard else "border_strong")
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._color(edge))
        painter.setBrush(self._color("surface" if is_on else "inset"))
        painter.drawRoundedRect(QRectF(option.rect).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
        painter.restore()
