"""One line of text, cut where there is no room and whole in the tooltip."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.fonts import ui_font
from app.shown_names import one_line
from app.theme import Theme
from app.widgets.painting import smooth_painter


class ElidedLabel(QLabel):
    """`mode` says where it is cut: in the middle for ids, at the end for names. `tone` names a colour token."""

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        *,
        tone: str = "text",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._mode = mode
        self._tone = tone
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(ui_font(13))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)
        theme.changed.connect(self.update)

    def set_tone(self, tone: str) -> None:
        self._tone = tone
        self.update()

    def setText(self, text: str) -> None:
        super().setText(one_line(text))
        self._explain()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self.text()) + 2, metrics.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, QFontMetrics(self.font()).height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._explain()

    def shown_text(self) -> str:
        """The text as it fits now."""
        return QFontMetrics(self.font()).elidedText(self.text(), self._mode, self.width())

    def _explain(self) -> None:
        self.setToolTip(self.text() if self.shown_text() != self.text() else "")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        painter.setPen(self._theme.color(self._tone))
        painter.drawText(self.rect(), self.alignment() | Qt.AlignmentFlag.AlignVCenter, self.shown_text())
