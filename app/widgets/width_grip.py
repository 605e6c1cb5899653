"""The edge of a pane that can be made wider: dragged, or moved by the arrow keys; how wide it was made is kept.

No pane becomes narrower than it usually is: its lines are made for that. Where its surroundings shrink, it gives way
as far as that, and comes back when there is room again. Where a pane stands otherwise, its edge is to be hidden.
"""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.preferences import Preferences
from app.theme import Theme
from app.translation import tr

GRIP = 4
"""So narrow that the handle of a scroll bar at the pane's edge stays clear of it."""
STEP = 24
_LINE = 2
# Digits of a width that a screen can have.
_MOST_DIGITS = 5


class WidthGrip(QWidget):
    """`usual` is the pane's width in logical pixels, `reserve` what must stay of its surroundings beside it. `kept`
    names where its width is put by. `at_left`: the pane's left edge is moved, else its right one."""

    def __init__(
        self,
        theme: Theme,
        pane: QWidget,
        preferences: Preferences,
        kept: str,
        *,
        usual: int,
        reserve: int,
        at_left: bool = True,
    ) -> None:
        super().__init__(pane)
        self._theme = theme
        self._pane = pane
        self._preferences = preferences
        self._kept = f"widths/{kept}"
        self._usual = usual
        self._reserve = reserve
        self._at_left = at_left
        self._around: QWidget | None = None
        self._pressed: tuple[float, int] | None = None
        self._hovered = False
        put_by = preferences.kept(self._kept)
        self._wanted = int(put_by) if put_by.isdecimal() and len(put_by) <= _MOST_DIGITS else usual
        self.setObjectName("width_grip")
        self.setAccessibleName(tr("Width"))
        self.setToolTip(tr("Drag to make it wider; double-click for its usual width"))
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        pane.installEventFilter(self)
        self.fit()

    def fit(self) -> None:
        """Give the pane the width that was chosen, as far as there is room."""
        around = self._pane.parentWidget()
        room = around.width() - self._reserve if around is not None and around.isVisible() else self._wanted
        self._pane.setFixedWidth(max(self._usual, min(self._wanted, room)))

    def _choose(self, width: int) -> None:
        self._wanted = max(self._usual, width)
        self.fit()
        # What there is no room for was not chosen.
        self._wanted = self._pane.width()

    def _keep(self) -> None:
        self._preferences.keep(self._kept, str(self._wanted) if self._wanted != self._usual else "")

    # Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._around:
            if event.type() == QEvent.Type.Resize and not self.isHidden():
                self.fit()
        elif event.type() == QEvent.Type.Show:
            self._follow()
            if not self.isHidden():
                self.fit()
        elif event.type() == QEvent.Type.Resize:
            self._follow()
        elif event.type() == QEvent.Type.ChildPolished:
            self.raise_()
        return super().eventFilter(watched, event)

    def _follow(self) -> None:
        around = self._pane.parentWidget()
        if around is not None and around is not self._around:
            if self._around is not None:
                self._around.removeEventFilter(self)
            self._around = around
            around.installEventFilter(self)
        left = 0 if self._at_left else self._pane.width() - GRIP
        self.setGeometry(left, 0, GRIP, self._pane.height())
        self.raise_()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = (event.globalPosition().x(), self._pane.width())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            begun, width = self._pressed
            moved = round(event.globalPosition().x() - begun)
            self._choose(width - moved if self._at_left else width + moved)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            self._pressed = None
            self._keep()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._choose(self._usual)
        self._keep()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        wider = Qt.Key.Key_Left if self._at_left else Qt.Key.Key_Right
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._choose(self._pane.width() + (STEP if event.key() == wider else -STEP))
            self._keep()
        elif event.key() == Qt.Key.Key_Home:
            self._choose(self._usual)
            self._keep()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Enter, QEvent.Type.Leave):
            self._hovered = event.type() == QEvent.Type.Enter
            self.update()
        elif event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._hovered or self.hasFocus() or self._pressed is not None:
            left = 0 if self._at_left else self.width() - _LINE
            QPainter(self).fillRect(left, 0, _LINE, self.height(), self._theme.color("accent"))
