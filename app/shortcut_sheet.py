"""The sheet of keys behind F1: what the window's actions, the page on show and every list listen to."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.fonts import ui_font
from app.popover import Popover
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import IconButton
from app.widgets.painting import rounded_box, smooth_painter

Keys = Sequence[tuple[str, str]]
"""(key sequence as Qt writes it, what it does)"""
_COLUMN = 330
_FROM_TOP = 72


class KeyCap(QLabel):
    """A key sequence on a cap, which is kept as a picture: thirty of them are painted at once."""

    def __init__(self, theme: Theme, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._picture = QPixmap()
        sequence = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        self.setText(sequence or keys)
        self.setFont(ui_font(12, 500))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._forget)

    def _forget(self) -> None:
        self._picture = QPixmap()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(max(24, QFontMetrics(self.font()).horizontalAdvance(self.text()) + 14), 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        ratio = self.devicePixelRatioF()
        if not ratio.is_integer():
            # It may begin within a pixel of the screen, where a picture would be blurred.
            self._draw(painter)
            return
        if self._picture.size() != self.size() * ratio:
            self._picture = QPixmap(self.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(self._theme.color("surface"))
            on_picture = QPainter(self._picture)
            on_picture.setRenderHint(QPainter.RenderHint.Antialiasing)
            on_picture.setFont(self.font())
            self._draw(on_picture)
            on_picture.end()
        painter.drawPixmap(0, 0, self._picture)

    def _draw(self, painter: QPainter) -> None:
        theme = self._theme
        rounded_box(painter, QRectF(self.rect()), 5, theme.color("inset"), theme.color("border_strong"))
        painter.setPen(theme.color("text2"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())


class ShortcutSheet(Popover):
    """`open_over(window, groups)`; Esc, its cross or a click elsewhere closes it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.setObjectName("shortcut_sheet")
        self.setAccessibleName(self.tr("Keyboard shortcuts"))
        self._body: QWidget | None = None
        self._shown: Mapping[str, Keys] = {}
        title = TextLabel(theme, self.tr("Keyboard shortcuts"), px=16, weight=600)
        self.close_button = IconButton(theme, "x", self.tr("Close (Esc)"), self)
        self.close_button.clicked.connect(self.close)
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self.close_button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 16, 18, 22)
        self._column.setSpacing(10)
        self._column.addLayout(head)

    def open_over(self, window: QWidget, groups: Mapping[str, Keys]) -> None:
        """Groups by their headings, in two columns of about the same height."""
        if groups != self._shown:
            self._show_groups(groups)
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, _FROM_TOP)))
        self.show()
        self.close_button.setFocus(Qt.FocusReason.PopupFocusReason)

    def _show_groups(self, groups: Mapping[str, Keys]) -> None:
        if self._body is not None:
            self._column.removeWidget(self._body)
            self._body.deleteLater()
        self._shown = dict(groups)
        self._body = self._columns(groups)
        self._column.addWidget(self._body)
        self.adjustSize()

    def _columns(self, groups: Mapping[str, Keys]) -> QWidget:
        body = QWidget(self)
        sides = QHBoxLayout(body)
        sides.setContentsMargins(0, 0, 0, 0)
        sides.setSpacing(32)
        half = sum(len(keys) + 2 for keys in groups.values()) / 2
        grids, filled = [self._side(sides)], 0
        for title, keys in groups.items():
            if filled and filled + len(keys) / 2 > half:
                grids, filled = [*grids, self._side(sides)], 0
            self._add_group(grids[-1], title, keys)
            filled += len(keys) + 2
        for grid in grids:
            grid.setRowStretch(grid.rowCount(), 1)
        return body

    def _side(self, sides: QHBoxLayout) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        grid.setHorizontalSpacing(12)
        grid.setColumnMinimumWidth(0, _COLUMN - 120)
        grid.setColumnStretch(0, 1)
        sides.addLayout(grid)
        return grid

    def _add_group(self, grid: QGridLayout, title: str, keys: Keys) -> None:
        row = grid.rowCount()
        heading = TextLabel(self._theme, title, px=12, weight=500, tone="text3")
        heading.setContentsMargins(0, 8 if row > 1 else 0, 0, 0)
        grid.addWidget(heading, row, 0, 1, 2)
        for sequence, words in keys:
            row += 1
            cap = KeyCap(self._theme, sequence)
            label = TextLabel(self._theme, words)
            cap.setAccessibleName(f"{words}: {cap.text()}")
            grid.addWidget(label, row, 0)
            grid.addWidget(cap, row, 1, Qt.AlignmentFlag.AlignRight)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F1, Qt.Key.Key_Question):
            self.close()
        else:
            super().keyPressEvent(event)
