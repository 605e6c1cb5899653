"""Where a request's time went, as one bar: gateway, provider until the first token, the rest of the answer."""

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import formats
from app.fonts import ui_font
from app.theme import Theme
from app.translation import later, tr
from app.widgets.painting import smooth_painter
from gateway import ExchangeRecord

Colour = int | str
"""A slot of the categorical colours, or a token: what is waited for is the fainter part, as on a timeline."""
_BAR, _ROW, _SWATCH, _LEAST = 8, 18, 8, 2.0

Part = tuple[str, int, Colour]
"""Name, microseconds, colour."""


def timing_parts(row: ExchangeRecord) -> tuple[Part, ...]:
    """The parts of a request's latency, () where that is unknown; they come to it exactly."""
    latency = row.latency_us
    if latency is None:
        return ()
    own = min(row.overhead_us or 0, latency)
    parts: list[Part] = [(later("Gateway"), own, 1)] if row.overhead_us is not None else []
    if row.ttft_us is None or not row.streamed:
        return (*parts, (later("Provider and client"), latency - own, 0))
    first = min(max(row.ttft_us - own, 0), latency - own)
    return (
        *parts,
        (later("To the first token"), first, "tint"),
        (later("First to last token"), latency - own - first, 0),
    )


class TimingBar(QWidget):
    """A line of parts with a legend below; it speaks them as its accessible name."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.parts: tuple[Part, ...] = ()
        self.setObjectName("request_timing")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_row(self, row: ExchangeRecord) -> None:
        self.parts = timing_parts(row)
        words = ", ".join(f"{tr(name)} {time_words(us)}" for name, us, _ in self.parts)
        self.setAccessibleName(words)
        self.setVisible(bool(self.parts))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, _BAR + 6 + _ROW * len(self.parts))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def widths(self) -> list[float]:
        """How wide each part is drawn: as its share of the whole, and never too thin to be seen."""
        total = sum(us for _, us, _ in self.parts) or 1
        least = [max(_LEAST, self.width() * us / total) if us else 0.0 for _, us, _ in self.parts]
        over = sum(least) - self.width()
        longest = max(range(len(least)), key=least.__getitem__, default=0)
        if least:
            least[longest] -= over
        return least

    def _paint(self, colour: Colour) -> QColor:
        return self._theme.color(colour) if isinstance(colour, str) else self._theme.series_color(colour)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        left = 0.0
        for (_, _, colour), width in zip(self.parts, self.widths(), strict=True):
            painter.setBrush(self._paint(colour))
            painter.drawRoundedRect(QRectF(left, 0, max(width - 1, 1), _BAR), 2, 2)
            left += width
        font = ui_font(12)
        for number, (name, us, colour) in enumerate(self.parts):
            top = _BAR + 6 + number * _ROW
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._paint(colour))
            painter.drawRoundedRect(QRectF(0, top + (_ROW - _SWATCH) / 2, _SWATCH, _SWATCH), 2, 2)
            painter.setFont(font)
            line = QRect(_SWATCH + 8, top, self.width() - _SWATCH - 8, _ROW)
            painter.setPen(self._theme.color("text"))
            words = time_words(us)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words)
            painter.setPen(self._theme.color("text2"))
            room = line.adjusted(0, 0, -QFontMetrics(font).horizontalAdvance(words) - 8, 0)
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, tr(name))


def time_words(us: int) -> str:
    """In three digits; the gateway's own share is often below a millisecond."""
    if us < 9_995:
        return f"{us / 1000:.2f} ms"
    return f"{us / 1000:.1f} ms" if us < 99_950 else formats.duration(us / 1000)
