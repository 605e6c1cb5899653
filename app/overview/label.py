"""Text in one of the theme's tones, and text that acts when pressed; both read the theme when they paint."""

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app import icons
from app.fonts import ui_font
from app.shown_names import one_line
from app.theme import Theme
from app.widgets.buttons import HoverButton


class ToneLabel(QLabel):
    """One line, cut at the end where there is no room even at `narrow_px`; with `beside`, on that font's line."""

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        *,
        px: int = 13,
        weight: int = 400,
        tone: str = "text",
        beside: QFont | None = None,
        narrow_px: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(one_line(text), parent)
        self._beside = beside
        self._narrow = ui_font(narrow_px, weight) if narrow_px is not None else None
        self._theme = theme
        self._tone = tone
        # What fits of which text in which width, and in which font.
        self._fit: tuple[tuple[str, int], tuple[QFont, str]] | None = None
        self.setFont(ui_font(px, weight))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        super().setText(one_line(text))

    @property
    def tone(self) -> str:
        return self._tone

    def set_tone(self, tone: str) -> None:
        if tone != self._tone:
            self._tone = tone
            self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self.text()) + 1, self._line_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self._line_height())

    def narrow_width(self) -> int:
        """In which all of it stands at `narrow_px`, in pixels."""
        return QFontMetrics(self._narrow or self.font()).horizontalAdvance(self.text()) + 1

    def _line_height(self) -> int:
        return QFontMetrics(self._beside or self.font()).height()

    def shown_text(self) -> str:
        """The text as it fits now."""
        return self._fitted()[1]

    def _fitted(self) -> tuple[QFont, str]:
        key = self.text(), self.width()
        if self._fit is None or self._fit[0] != key:
            too_wide = self.sizeHint().width() > self.width()
            font = self._narrow if self._narrow is not None and too_wide else self.font()
            text = QFontMetrics(font).elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
            self._fit = key, (font, text)
        return self._fit[1]

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._fit = None
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font, text = self._fitted()
        painter.setFont(font)
        painter.setPen(self._theme.color(self._tone))
        if self._beside is None:
            painter.drawText(self.rect(), self.alignment() | Qt.AlignmentFlag.AlignVCenter, text)
            return
        neighbour = QFontMetrics(self._beside)
        painter.drawText(0, (self.height() - neighbour.height()) // 2 + neighbour.ascent(), text)


OPENS = " ▾"
_SIGN, _SIGN_GAP = 14, 3
_UNDERLINE = 2


def opening(words: str) -> str:
    """What a button says that opens a menu."""
    return f"{words}{OPENS}"


def text_width(text: str) -> int:
    """The width of a `TextButton` that says this, in pixels."""
    word = text.removesuffix(OPENS)
    return QFontMetrics(ui_font(13, 600)).horizontalAdvance(word) + 2 + (_SIGN_GAP + _SIGN) * (word != text)


class TextButton(HoverButton):
    """Bare text: a link in the accent colour, or with `tab` the title of a view, bold and underlined while it is the
    chosen one.

    A text made by `opening` opens a menu: it is drawn with the chevron of all choices in that sign's place.
    """

    def __init__(self, theme: Theme, text: str, *, tab: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._tab = tab
        self.say(text)
        self.setCheckable(tab)
        self.setAutoExclusive(tab)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def say(self, text: str, spoken: str = "") -> None:
        """Another text, which a screen reader says too unless something else is to be `spoken`."""
        self.setText(text)
        self.setAccessibleName(spoken or text.removesuffix(OPENS))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        # The width of the bold text, so that choosing a tab moves none.
        return QSize(text_width(self.text()), 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = self._tab and self.isChecked()
        painter.setFont(ui_font(13, 600 if chosen else 500 if not self._tab else 400))
        tone = (
            "text"
            if chosen or (self.hot and not self._tab)
            else "text2"
            if self._tab and self.hot
            else "text3"
            if self._tab
            else "accent"
        )
        painter.setPen(self._theme.color(tone))
        word = self.text().removesuffix(OPENS)
        room = self.rect()
        if word != self.text():
            room.setWidth(self.width() - _SIGN_GAP - _SIGN)
            sign = icons.pixmap("chevron-down", self._theme.color(tone), _SIGN, self.devicePixelRatioF())
            painter.drawPixmap(QRect(self.width() - _SIGN, (self.height() - _SIGN) // 2, _SIGN, _SIGN), sign)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, word)
        if chosen:
            line = QRectF(room.left(), self.height() - _UNDERLINE, room.width(), _UNDERLINE)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("accent"))
            painter.drawRoundedRect(line, 1, 1)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.color("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 2.5, -0.5, -2.5), 4, 4)
