"""A few choices side by side in one frame, exactly one of them taken; arrow keys move between them."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from app.fonts import ui_font
from app.theme import Theme
from app.widgets.painting import CONTROL_HEIGHT, CONTROL_RADIUS, focus_ring, rounded_box, smooth_painter

_INSET = 3


class _Segment(QAbstractButton):
    def __init__(self, theme: Theme, label: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setText(label)
        self.setFont(ui_font(13, 500))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        width = QFontMetrics(self.font()).horizontalAdvance(self.text()) + 20
        return QSize(width, CONTROL_HEIGHT - 2 * _INSET)

    def minimumSizeHint(self) -> QSize:
        # Where there is little room, words come before the space around them.
        return QSize(self.sizeHint().width() - 16, CONTROL_HEIGHT - 2 * _INSET)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        if not self.isEnabled():
            painter.setOpacity(0.45)
        box = QRectF(self.rect())
        if self.isChecked():
            fill = self._theme.color("bg" if self._theme.dark else "surface")
            rounded_box(painter, box, CONTROL_RADIUS - 2, fill, self._theme.color("border_strong"))
        ink = "text" if self.isChecked() or (self.underMouse() and self.isEnabled()) else "text2"
        painter.setPen(self._theme.color(ink))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        if self.hasFocus():
            focus_ring(painter, box, CONTROL_RADIUS - 2, self._theme.color("accent"))


class SegmentedControl(QWidget):
    """`changed` carries the key that the user chose; `set_current` is silent."""

    changed = Signal(str)

    def __init__(self, theme: Theme, options: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._segments: dict[str, _Segment] = {}
        self._group = QButtonGroup(self)
        self._group.buttonToggled.connect(self._stop_at_chosen)
        row = QHBoxLayout(self)
        row.setContentsMargins(_INSET, _INSET, _INSET, _INSET)
        row.setSpacing(0)
        for key, label in options:
            segment = _Segment(theme, label, self)
            segment.clicked.connect(lambda _checked=False, key=key: self._on_clicked(key))
            self._group.addButton(segment)
            self._segments[key] = segment
            row.addWidget(segment)
        if options:
            self._segments[options[0][0]].setChecked(True)
        self._current = options[0][0] if options else ""
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def current(self) -> str:
        return self._current

    def segment(self, key: str) -> QAbstractButton:
        """The button of a choice; raises KeyError for an unknown one."""
        return self._segments[key]

    def set_current(self, key: str) -> None:
        """Show a choice without telling anyone; raises KeyError for an unknown one."""
        self._segments[key].setChecked(True)
        self._current = key

    def _stop_at_chosen(self, segment: QAbstractButton, chosen: bool) -> None:
        """The whole control is one stop for Tab, from either side: Qt sees to that only once it had the keyboard.
        Where it has that, it is on what is chosen now, by whatever."""
        segment.setFocusPolicy(Qt.FocusPolicy.TabFocus if chosen else Qt.FocusPolicy.NoFocus)
        if chosen and any(other.hasFocus() for other in self._segments.values()):
            segment.setFocus()

    def _on_clicked(self, key: str) -> None:
        if key != self._current:
            self._current = key
            self.changed.emit(key)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        theme = self._theme
        rounded_box(painter, QRectF(self.rect()), CONTROL_RADIUS, theme.color("inset"), theme.color("border"))
