"""The five cards: a figure, how it changed, a second fact and its shape over the range.

Each text is a label of its own with a stable name (`card.requests.value`), so that what is shown can be read; the
card as a whole is one stop for the keyboard and speaks all of it.
"""

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QCursor,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from app import icons
from app.fonts import ui_font
from app.overview.figures import Delta, Figure, split_unit
from app.overview.label import ToneLabel
from app.overview.sparkline import Sparkline
from app.theme import Theme
from app.translation import Words, later, tr
from app.widgets import Card, IconLabel
from app.widgets.painting import rounded_box, smooth_painter

_ARROWS = {"up": "arrow-up-right", "down": "arrow-down-right", "level": "arrow-right"}
_TONES = {"good": ("ok", "ok_soft"), "bad": ("bad", "bad_soft"), "neutral": ("text2", "inset")}
_DIRECTIONS = Words({"up": later("up"), "down": later("down"), "level": later("level")})
_VERDICTS = Words({"good": later("better"), "bad": later("worse"), "neutral": later("about the same")})
_ICON = 12
_LEFT, _RIGHT = 16, 13
_BETWEEN = 5
_WIDTH_FOR_ICON = 190
_WIDTH_FOR_SPARKLINE = 176


class DeltaBadge(QLabel):
    """An arrow and a number on a soft ground; the arrow says the direction, the colour whether that is good.

    `pointed`: somebody wants to know why.
    """

    pointed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.delta: Delta | None = None
        self._shown: tuple[Delta | None, bool] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_delta(self, delta: Delta | None, *, is_new: bool) -> None:
        if (delta, is_new) == self._shown:
            return
        self.delta, self._shown = delta, (delta, is_new)
        self.setText(delta.text if delta is not None else tr("new") if is_new else "")
        self.setVisible(bool(self.text()))
        words = (
            f"{_DIRECTIONS[delta.direction]} {delta.text}, {_VERDICTS[delta.verdict]}"
            if delta is not None
            else self.text()
        )
        self.setAccessibleName(words)
        self.updateGeometry()
        self.update()

    def enterEvent(self, event: object) -> None:
        if self.delta is not None:
            self.pointed.emit()

    def sizeHint(self) -> QSize:
        width = QFontMetrics(ui_font(11, 500)).horizontalAdvance(self.text())
        return QSize(width + (_ICON + 4 if self.delta is not None else 0) + 13, 20)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tone, ground = _TONES[self.delta.verdict] if self.delta is not None else ("text3", "inset")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(ground))
        painter.drawRoundedRect(QRectF(self.rect()), 5, 5)
        left = 7
        if self.delta is not None:
            scale = self.devicePixelRatioF()
            picture = icons.pixmap(_ARROWS[self.delta.direction], self._theme.color(tone), _ICON, scale)
            painter.drawPixmap(QRect(left - 1, (self.height() - _ICON) // 2, _ICON, _ICON), picture)
            left += _ICON + 3
        painter.setFont(ui_font(11, 500))
        painter.setPen(self._theme.color(tone))
        painter.drawText(
            QRect(left, 0, self.width() - left, self.height()), Qt.AlignmentFlag.AlignVCenter, self.text()
        )


class FigureCard(Card):
    """`activated` when it is clicked, or Enter is pressed on it. `reasons_wanted`: its change is pointed at, or the
    keyboard came to it."""

    activated = Signal()
    reasons_wanted = Signal()

    def __init__(self, theme: Theme, key: str, title: str, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.key = key
        self._theme = theme
        self._title = title
        self._definition = ""
        self._hot = False
        self.setObjectName(f"card.{key}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(title)
        self.setFixedHeight(107)
        self._lay_out(theme, icon)

    def _lay_out(self, theme: Theme, icon: str) -> None:
        self.badge = DeltaBadge(theme, self)
        self.badge.pointed.connect(self.reasons_wanted)
        self.value = ToneLabel(theme, px=26, weight=600, narrow_px=19, parent=self)
        self.unit = ToneLabel(theme, px=14, weight=500, tone="text3", beside=ui_font(26, 600), parent=self)
        # The value has a smaller font, its unit only this one.
        self.unit.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.fact = ToneLabel(theme, px=12, tone="text2", parent=self)
        self.sparkline = Sparkline(theme, self)
        for part in ("badge", "value", "unit", "fact", "sparkline"):
            getattr(self, part).setObjectName(f"card.{self.key}.{part}")
        head, middle, foot = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        head.setSpacing(7)
        self._icon = IconLabel(theme, icon, "text3", 14, self)
        head.addWidget(self._icon)
        self._name = ToneLabel(theme, self._title, px=12, weight=500, tone="text2", parent=self)
        head.addWidget(self._name)
        head.addStretch(1)
        head.addWidget(self.badge)
        middle.setSpacing(_BETWEEN)
        middle.addWidget(self.value)
        middle.addWidget(self.unit)
        middle.addStretch(1)
        foot.setSpacing(12)
        foot.addWidget(self.fact)
        foot.addWidget(self.sparkline, 1)
        self._head, self._middle = head, middle
        column = QVBoxLayout(self)
        column.setContentsMargins(_LEFT, 11, _RIGHT, 9)
        column.setSpacing(0)
        for row in (head, middle, foot):
            column.addLayout(row, 1)

    def show_figure(self, figure: Figure) -> None:
        number, unit = split_unit(figure.value)
        self.value.setText(number)
        self.unit.setText(unit)
        self.unit.setVisible(bool(unit))
        self.fact.setText(figure.fact)
        self.fact.set_tone("warn" if figure.warning else "text2")
        self.badge.set_delta(figure.delta, is_new=figure.is_new)
        self._place_badge()
        self.sparkline.set_points(figure.points)
        self.setToolTip(f"{figure.exact}\n{figure.definition}")
        self._definition = figure.definition
        self.set_reasons("")
        spoken = [figure.value, self.badge.accessibleName(), figure.fact]
        self.setAccessibleName(", ".join([f"{self._title} {spoken[0]}", *(word for word in spoken[1:] if word)]))

    def set_reasons(self, words: str) -> None:
        """What moved the figure, a line each; told where the change is pointed at, and to a screen reader."""
        self.setAccessibleDescription("\n".join(filter(None, (self._definition, words))))
        self.badge.setToolTip(words)
        if words and self.badge.underMouse():
            QToolTip.showText(QCursor.pos(), words, self.badge)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # In a narrow window words and numbers come before pictures.
        self._icon.setVisible(self.width() >= _WIDTH_FOR_ICON)
        self.sparkline.setVisible(self.width() >= _WIDTH_FOR_SPARKLINE)
        self._place_badge()

    def _place_badge(self) -> None:
        """Beside the title, or beside the value where a long title leaves no room; nowhere before a figure or its
        unit is cut."""
        icon = 14 + self._head.spacing() if self.width() >= _WIDTH_FOR_ICON else 0
        needed = icon + self._name.sizeHint().width() + self._head.spacing() + self.badge.sizeHint().width()
        room = self.width() - _LEFT - _RIGHT
        fits = needed <= room
        row, other = (self._head, self._middle) if fits else (self._middle, self._head)
        if row.indexOf(self.badge) < 0:
            other.removeWidget(self.badge)
            row.addWidget(self.badge)
        figure = self.value.narrow_width() + (_BETWEEN + self.unit.sizeHint().width()) * bool(self.unit.text())
        beside = figure + _BETWEEN + self.badge.sizeHint().width() <= room
        self.badge.setVisible(bool(self.badge.text()) and (fits or beside))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.activated.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.activated.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.has_ring and self.badge.delta is not None:
            self.reasons_wanted.emit()

    def enterEvent(self, event: object) -> None:
        self._hot = True
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hot = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._hot and not self.has_ring:
            rounded_box(smooth_painter(self), QRectF(self.rect()), 10, None, self._theme.color("border_strong"))
