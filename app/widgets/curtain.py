"""Keeps an area as it was painted last and gives it free from the top left on, in each turn of the loop a little.

A whole page painted at once holds the loop for forty milliseconds and more, so many widgets has it. What lies under a
widget that says it paints all of itself is not painted; a curtain's sheets paint nothing, so that the old picture
stays. There is a sheet for each piece, and a piece is a card or a few small things: see `cutting`. Where there is no
old picture, as in one that is taken of the widget (`QWidget.grab`), a sheet paints what lies under it.

Where a piece takes long, the next time there are more of them.

What lies under another one's curtain waits until that is gone: before, it would be given free for nothing, and all of
it painted at once then. The picture that stands there is of something else, so that its ground is painted first.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QRegion
from PySide6.QtWidgets import QWidget

from app.widgets.cutting import Box, boxes_of, cut
from app.widgets.painting import has_old_picture

USUAL, LEAST, MOST = 16, 8, 32
"""What a piece weighs as a rule, and may at least and at most be meant to weigh: a small widget weighs one."""
# Less than this is painted in one turn.
_LOW = 140
# Between two pieces, so that the gateway's callbacks have their turns.
_PAUSE_MS = 3
# Sheets that are laid in one turn: one that is made new takes more than a millisecond on a busy machine.
_LAID_AT_ONCE = 4
# What a piece should take of this thread's time.
_LONG_S, _SHORT_S = 0.003, 0.001
# Several are painted in one turn where they took no more than this together the last time.
_TOGETHER_S = 0.0015


Place = tuple[int, int, int, int]
"""Of a piece in what is covered: left, top, width and height."""


class _Sheet(QWidget):
    """Over a part of its parent, whose picture stays there."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._under = parent
        self.is_blank = False
        """Whether the picture there is of something else."""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not has_old_picture(painter, self.window()):
            self._paint_under(painter, event.rect())
        elif self.is_blank:
            painter.fillRect(event.rect(), self._under.palette().window())

    def _paint_under(self, painter: QPainter, part: QRect) -> None:
        area, flags = part.translated(self.pos()), QWidget.RenderFlag
        painter.translate(-self.pos())
        _draw(self._under, area, area.topLeft(), painter, flags.DrawWindowBackground)
        for child in self._under.children():
            if isinstance(child, QWidget) and not isinstance(child, _Sheet) and _is_part(child):
                seen = child.geometry().intersected(area)
                if not seen.isEmpty():
                    _draw(child, seen.translated(-child.pos()), seen.topLeft(), painter, flags.DrawChildren)


def _draw(widget: QWidget, part: QRect, to: QPoint, painter: QPainter, flags: QWidget.RenderFlag) -> None:
    """A part of a widget, first by itself: what paints a widget already takes no other one."""
    scale = painter.device().devicePixelRatioF()
    drawn = QPixmap(part.size() * scale)
    drawn.setDevicePixelRatio(scale)
    drawn.fill(Qt.GlobalColor.transparent)
    widget.render(drawn, QPoint(), QRegion(part), flags)
    painter.drawPixmap(to, drawn)


def _place(sheet: QWidget) -> Place:
    at = sheet.geometry()
    return at.x(), at.y(), at.width(), at.height()


def _is_part(child: QWidget) -> bool:
    return child.isVisible() and not child.isWindow()


class Curtain(_Sheet):
    """Over its parent; whoever changes much there calls `draw` before."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._most = USUAL
        self._took_s: dict[Place, float] = {}
        self._takes_s: dict[Place, float] = {}
        self._sheets: list[_Sheet] = []
        self._boxes: list[Box] | None = None
        self._pieces: list[QRect] = []
        self._laid = 0
        self._left: list[_Sheet] = []
        self._keepers = 0
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._lift)
        parent.installEventFilter(self)
        self.hide()

    def draw(self, area: QRect) -> None:
        """Cover this part of the parent, and begin to give it free. Where nothing is on show there is nothing to
        keep."""
        if area.height() > _LOW and self._under.isVisible() and self._under.updatesEnabled():
            self.is_blank = self._is_below_another() or (self.is_blank and not self.isHidden())
            self.setGeometry(area)
            self.raise_()
            self.show()
            self._take_sheets()
            self._go_on()

    @contextmanager
    def kept(self, area: QRect) -> Iterator[None]:
        """Cover this part of the parent, and begin to give it free afterwards: what changes within is painted once,
        when all of it is there, however often it is laid out anew meanwhile."""
        self._keepers += 1
        self._timer.stop()
        self.draw(area)
        try:
            yield
        finally:
            self._keepers -= 1
            self._go_on()

    def _go_on(self) -> None:
        if not self._keepers and not self.isHidden():
            self._timer.start()

    def _is_below_another(self) -> bool:
        above, parent, place = self._under, self._under.parentWidget(), self.geometry()
        while parent is not None and not above.isWindow():
            place = place.translated(above.pos())
            for child in parent.children():
                if isinstance(child, _Sheet) and not child.isHidden() and child.geometry().intersects(place):
                    return True
            above, parent = parent, parent.parentWidget()
        return False

    def _lift(self) -> None:
        if self._is_below_another():
            self.is_blank = True
        elif self._left:
            self._free_some()
        elif self._pieces:
            self._lay_sheets()
        elif self._boxes is None:
            # In a turn after it was drawn: what stands there is laid out by now.
            self._boxes = boxes_of(self._under, self.geometry())
        else:
            self._pieces = list(cut(self.geometry(), self._boxes, self._most))
        # Counted from here: a timer that goes on by itself would be due again after a long paint.
        self._go_on()

    def _lay_sheets(self) -> None:
        """A sheet over each piece, some in each turn; at last the curtain itself over the last one."""
        *pieces, last = self._pieces
        for piece in pieces[self._laid : self._laid + _LAID_AT_ONCE]:
            if self._laid == len(self._sheets):
                self._sheets.append(_Sheet(self._under))
            sheet = self._sheets[self._laid]
            sheet.is_blank = self.is_blank
            sheet.setGeometry(piece)
            sheet.raise_()
            sheet.show()
            self._laid += 1
        if self._laid == len(pieces):
            self.setGeometry(last)
            self._left = [*self._sheets[: len(pieces)], self]

    def _free_some(self) -> None:
        """A piece, and more of them as long as they are known to take little."""
        spent_s = self._free_next()
        while self._left and spent_s + self._took_s.get(_place(self._left[0]), _LONG_S) <= _TOGETHER_S:
            spent_s += self._free_next()
        if not self._left:
            self._learn()

    def _free_next(self) -> float:
        """Seconds of this thread's time that it took."""
        began = time.thread_time()
        free = self._left.pop(0)
        free.hide()
        self._under.repaint(free.geometry())
        took_s = self._takes_s[_place(free)] = time.thread_time() - began
        return took_s

    def _learn(self) -> None:
        """What each piece takes, and from the one that took longest how much the next ones may weigh."""
        self._took_s, self._takes_s = self._takes_s, {}
        longest_s = max(self._took_s.values())
        if longest_s > _LONG_S:
            self._most = max(LEAST, self._most // 2)
        elif longest_s < _SHORT_S:
            self._most = min(MOST, self._most * 2)

    def end(self) -> None:
        """All of it is free."""
        self._timer.stop()
        self._take_sheets()
        self.hide()

    def _take_sheets(self) -> None:
        self._boxes, self._pieces, self._left, self._laid = None, [], [], 0
        self._takes_s = {}
        for sheet in self._sheets:
            sheet.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Of another size there is no old picture, and what is hidden takes no time to paint.
        if watched is self._under and event.type() in (QEvent.Type.Resize, QEvent.Type.Hide):
            self.end()
        return super().eventFilter(watched, event)
