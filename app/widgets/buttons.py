"""Buttons: with words (primary, secondary, ghost, danger, dashed), and with an icon alone."""

from collections.abc import Mapping
from typing import NamedTuple

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app import icons
from app.fonts import ui_font
from app.theme import Theme
from app.widgets.painting import CONTROL_HEIGHT, CONTROL_RADIUS, focus_ring, rounded_box, smooth_painter

_ICON = 16
_GAP = 6
_PADDING = 12


class _Look(NamedTuple):
    """Token names; None paints nothing."""

    ink: str
    fill: str | None
    hover: str
    line: str | None


KINDS: Mapping[str, _Look] = {
    "primary": _Look("on_accent", "accent", "accent_hover", None),
    "secondary": _Look("text", "surface", "hover", "border_strong"),
    "ghost": _Look("text2", None, "hover", None),
    "danger": _Look("bad", "surface", "bad_soft", "border_strong"),
    "dashed": _Look("text2", None, "hover", "border_strong"),
}
# Of a primary one that waits for something: its words are still read, and on a fainter accent cannot be.
_WAITING = _Look("text3", "inset", "inset", "border")


class HoverButton(QAbstractButton):
    """Repaints as the pointer comes and goes, and when the theme flips. `hot` while it is pointed at or held down."""

    def __init__(self, theme: Theme, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.changed.connect(self.update)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return presses it too, as everywhere on the desktop; the base knows the space bar alone."""
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not held and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    @property
    def hot(self) -> bool:
        return self.isEnabled() and (self.underMouse() or self.isDown())


class PushButton(HoverButton):
    """Words with an optional icon before them; `kind` is a key of `KINDS`. Its accessible name is its text."""

    def __init__(
        self,
        theme: Theme,
        text: str,
        icon: str | None = None,
        kind: str = "secondary",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._look = KINDS[kind]
        self._dashed = kind == "dashed"
        self._icon_name = icon
        self.kind = kind
        self.setFont(ui_font(13, 500))
        self.setText(text)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)

    def set_icon(self, name: str | None) -> None:
        """A Lucide name, or None for words alone."""
        if name != self._icon_name:
            self._icon_name = name
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        width = QFontMetrics(self.font()).horizontalAdvance(self.text()) + 2 * _PADDING
        if self._icon_name is not None:
            width += _ICON + (_GAP if self.text() else 0)
        return QSize(width, 26 if self._dashed else CONTROL_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        waits = self.kind == "primary" and not self.isEnabled()
        look = _WAITING if waits else self._look
        if not self.isEnabled() and not waits:
            painter.setOpacity(0.45)
        elif self.isDown():
            painter.setOpacity(0.85)
        box = QRectF(self.rect())
        radius = box.height() / 2 if self._dashed else CONTROL_RADIUS
        self._paint_ground(painter, look, box, radius)
        self._paint_content(painter, self._theme.color(look.ink))
        if self.hasFocus():
            # On the accent itself the ring must be of another colour to be seen.
            ring = "text" if self.kind == "primary" else "accent"
            focus_ring(painter, box, radius, self._theme.color(ring))

    def _paint_ground(self, painter: QPainter, look: _Look, box: QRectF, radius: float) -> None:
        fill = look.hover if self.hot else look.fill
        line = None if look.line is None else self._theme.color(look.line)
        ground = None if fill is None else self._theme.color(fill)
        rounded_box(painter, box, radius, ground, None if self._dashed else line)
        if self._dashed and line is not None:
            painter.setPen(QPen(line, 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)

    def _paint_content(self, painter: QPainter, ink: QColor) -> None:
        words = QFontMetrics(self.font()).horizontalAdvance(self.text())
        icon = _ICON + (_GAP if self.text() else 0) if self._icon_name is not None else 0
        left = max(0, (self.width() - words - icon) // 2)
        if self._icon_name is not None:
            place = QRect(left, (self.height() - _ICON) // 2, _ICON, _ICON)
            painter.drawPixmap(place, icons.pixmap(self._icon_name, ink, _ICON, self.devicePixelRatioF()))
        painter.setPen(ink)
        rest = QRect(left + icon, 0, self.width() - left - icon, self.height())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())


class ChoiceButton(PushButton):
    """What is chosen, as a box to choose from shows it; a press opens a list that does not drop down from it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", parent=parent)
        self.setFont(ui_font(13))

    def sizeHint(self) -> QSize:
        size = super().sizeHint()
        return QSize(size.width() + 1 + _GAP + _ICON, size.height())

    def _paint_content(self, painter: QPainter, ink: QColor) -> None:
        sign = QRect(self.width() - _ICON - 9, (self.height() - _ICON) // 2, _ICON, _ICON)
        chevron = icons.pixmap("chevron-down", self._theme.color("text3"), _ICON, self.devicePixelRatioF())
        painter.drawPixmap(sign, chevron)
        painter.setPen(ink)
        # Where a box to choose from has it, within its line.
        rest = QRect(_PADDING + 1, 0, sign.left() - _GAP - _PADDING - 1, self.height())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())


class IconButton(HoverButton):
    """28 × 28 with a 16 px icon; the tooltip is its accessible name too."""

    def __init__(self, theme: Theme, icon: str, tooltip: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._icon_name = icon
        self.setToolTip(tooltip)
        self.setAccessibleName(tooltip)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_icon(self, name: str) -> None:
        self._icon_name = name
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(28, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        if not self.isEnabled():
            painter.setOpacity(0.45)
        box = QRectF(self.rect())
        if self.hot or self.isChecked():
            rounded_box(painter, box, CONTROL_RADIUS, self._theme.color("hover"))
        ink = self._theme.color("text" if self.hot else "text2")
        place = QRect((self.width() - _ICON) // 2, (self.height() - _ICON) // 2, _ICON, _ICON)
        painter.drawPixmap(place, icons.pixmap(self._icon_name, ink, _ICON, self.devicePixelRatioF()))
        if self.hasFocus():
            focus_ring(painter, box, CONTROL_RADIUS, self._theme.color("accent"))
