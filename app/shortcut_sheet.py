"""The sheet of keys behind F1: what the window's actions, the page on show and every list listen to."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QAbstractSlider, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.fonts import ui_font
from app.popover import Popover
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import IconButton
from app.widgets.painting import rounded_box

Keys = Sequence[tuple[str, str]]
"""(key sequence as Qt writes it, what it does)"""
_COLUMN = 300
_GAP, _HEIGHT = 12, 22
_FROM_TOP, _MARGIN = 72, 16
_STEP = QAbstractSlider.SliderAction
_SCROLLS = {
    Qt.Key.Key_Up: _STEP.SliderSingleStepSub,
    Qt.Key.Key_Down: _STEP.SliderSingleStepAdd,
    Qt.Key.Key_PageUp: _STEP.SliderPageStepSub,
    Qt.Key.Key_PageDown: _STEP.SliderPageStepAdd,
    Qt.Key.Key_Home: _STEP.SliderToMinimum,
    Qt.Key.Key_End: _STEP.SliderToMaximum,
}


class KeyLine(TextLabel):
    """What a key does, and at its right end the key on a cap. The cap is kept as a picture: thirty of them are
    painted at once."""

    def __init__(self, theme: Theme, words: str, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, words, parent=parent)
        sequence = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        self.keys = sequence or keys
        self._cap_font = ui_font(12, 500)
        self._cap_width = max(24, QFontMetrics(self._cap_font).horizontalAdvance(self.keys) + 14)
        self._picture = QPixmap()
        self.setContentsMargins(0, 0, _GAP + self._cap_width, 0)
        self.setFixedHeight(_HEIGHT)
        self.setAccessibleName(f"{words}: {self.keys}")
        theme.changed.connect(self._forget)

    def _forget(self) -> None:
        self._picture = QPixmap()
        self.update()

    def cap(self) -> QRect:
        """Where the key stands."""
        return QRect(self.width() - self._cap_width, 0, self._cap_width, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter, cap = QPainter(self), self.cap()
        painter.translate(cap.topLeft())
        ratio = self.devicePixelRatioF()
        if not ratio.is_integer():
            # It may begin within a pixel of the screen, where a picture would be blurred.
            self._draw(painter)
            return
        if self._picture.size() != cap.size() * ratio:
            self._picture = QPixmap(cap.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(self._theme.color("surface"))
            on_picture = QPainter(self._picture)
            self._draw(on_picture)
            on_picture.end()
        painter.drawPixmap(0, 0, self._picture)

    def _draw(self, painter: QPainter) -> None:
        """The cap, from the painter's origin on."""
        theme, cap = self._theme, QRect(0, 0, self._cap_width, _HEIGHT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._cap_font)
        rounded_box(painter, QRectF(cap), 5, theme.color("inset"), theme.color("border_strong"))
        painter.setPen(theme.color("text2"))
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, self.keys)


class ShortcutSheet(Popover):
    """`open_over(window, groups)`; Esc, its cross or a click elsewhere closes it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.setObjectName("shortcut_sheet")
        self.setAccessibleName(tr("Keyboard shortcuts"))
        self._area = QScrollArea(self)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.viewport().setAutoFillBackground(False)
        self._body = QWidget()
        self._shown: Mapping[str, Keys] = {}
        title = TextLabel(theme, tr("Keyboard shortcuts"), px=16, weight=600)
        self.close_button = IconButton(theme, "x", tr("Close (Esc)"), self)
        self.close_button.clicked.connect(self.close)
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self.close_button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 16, 18, 22)
        self._column.setSpacing(10)
        self._column.addLayout(head)
        self._column.addWidget(self._area)

    def open_over(self, window: QWidget, groups: Mapping[str, Keys]) -> None:
        """Groups by their headings, in two columns of about the same height."""
        if groups != self._shown:
            self._show_groups(groups)
        self._fit_in(window.height() - 2 * _MARGIN)
        top = min(_FROM_TOP, window.height() - _MARGIN - self.height())
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, top)))
        self.show()
        self.close_button.setFocus(Qt.FocusReason.PopupFocusReason)

    def _show_groups(self, groups: Mapping[str, Keys]) -> None:
        self._shown = dict(groups)
        self._body = self._columns(groups)
        self._area.setWidget(self._body)

    def _fit_in(self, most: int) -> None:
        """As high as its lines, or as there is room for; the rest is scrolled to."""
        lines = self._body.sizeHint()
        self._area.setFixedSize(lines)
        around = self.sizeHint().height() - lines.height()
        if around + lines.height() > most:
            bar = self._area.verticalScrollBar().sizeHint().width()
            self._area.setFixedSize(lines.width() + bar, most - around)
        self.adjustSize()

    def _columns(self, groups: Mapping[str, Keys]) -> QWidget:
        body = QWidget()
        body.setAutoFillBackground(False)
        sides = QHBoxLayout(body)
        sides.setContentsMargins(0, 0, 0, 0)
        sides.setSpacing(32)
        half = sum(len(keys) + 2 for keys in groups.values()) / 2
        columns, filled = [self._side(sides)], 0
        for title, keys in groups.items():
            if filled and filled + len(keys) / 2 > half:
                columns, filled = [*columns, self._side(sides)], 0
            self._add_group(columns[-1], title, keys)
            filled += len(keys) + 2
        for column in columns:
            column.addStretch(1)
        return body

    def _side(self, sides: QHBoxLayout) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(6)
        sides.addLayout(column)
        return column

    def _add_group(self, column: QVBoxLayout, title: str, keys: Keys) -> None:
        heading = TextLabel(self._theme, title, px=12, weight=500, tone="text3")
        heading.setContentsMargins(0, 8 if column.count() else 0, 0, 0)
        column.addWidget(heading)
        for sequence, words in keys:
            line = KeyLine(self._theme, words, sequence)
            line.setMinimumWidth(max(line.sizeHint().width(), _COLUMN))
            column.addWidget(line)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F1, Qt.Key.Key_Question):
            self.close()
        elif event.key() in _SCROLLS:
            self._area.verticalScrollBar().triggerAction(_SCROLLS[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)
