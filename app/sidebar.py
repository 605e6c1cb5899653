"""The window's left side: the gateway and its switch, the pages and their counts, the meter, today's cost, the theme.

It shows what it is told and says what was pressed; it asks nothing itself. Narrow, it is a column of icons.
"""

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QGuiApplication, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QButtonGroup,
    QHBoxLayout,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import formats, icons
from app.fonts import mono_font, ui_font
from app.meter import MeterLine
from app.pages import PageEntry
from app.resources import resource
from app.sources import MARK
from app.theme import LIGHT, Theme
from app.translation import later, tr
from app.widgets import ElidedLabel, IconButton, ToggleSwitch
from app.widgets.painting import focus_ring, rounded_box, smooth_painter
from gateway import GatewayState

WIDE = 220
NARROW = 56
_HEADING_HEIGHT, _GROUP_GAP = 30, 8
# (a page's row, the brand, whether themes are chosen here, as in Settings and the palette), from the roomiest. The
# last has room on a small screen where everything is shown twice as large.
_FITS = ((34, 48, True), (34, 48, False), (28, 40, False), (22, 0, False))
# Below it, a figure that is cut reads as nothing.
_CENT_NANO = 10_000_000
API_PATH = "/api/ai/v1"
# What a state is called, the token of its colour, and whether the switch stands on.
STATES = {
    "starting": (later("Starting"), "warn", True),
    "running": (later("Running"), "ok", True),
    "stopping": (later("Stopping"), "warn", False),
    "off": (later("Off"), "text3", False),
    "port_in_use": (later("Port in use"), "bad", False),
    "error": (later("Error"), "bad", False),
}
THEMES = (
    ("system", "monitor", later("Follow the system")),
    ("light", "sun", later("Light")),
    ("dark", "moon", later("Dark")),
)


class NavButton(QAbstractButton):
    """A page's row: icon, title, count. The chosen one has the accent's ground."""

    def __init__(self, theme: Theme, entry: PageEntry, keys: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._entry = entry
        self.count = ""
        self._row_height = _FITS[0][0]
        self.setText(tr(entry.title))
        self.setFont(ui_font(13, 500))
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setAccessibleName(tr(entry.title))
        self.setToolTip(f"{tr(entry.title)} ({keys})")
        self.setObjectName(f"nav.{entry.key}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_count(self, count: str) -> None:
        if count != self.count:
            self.count = count
            self.setAccessibleDescription(count)
            self.update()

    def set_row_height(self, height: int) -> None:
        if height != self._row_height:
            self._row_height = height
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(NARROW - 16, self._row_height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        box = QRectF(self.rect())
        chosen = self.isChecked()
        if chosen or self.underMouse():
            rounded_box(painter, box, 7, self._theme.color("accent_soft" if chosen else "hover"))
        ink = self._theme.color("accent" if chosen else "text")
        glyph = self._theme.color("accent" if chosen else "text2")
        narrow = self.width() < WIDE // 2
        left = (self.width() - 16) // 2 if narrow else 10
        picture = icons.pixmap(self._entry.icon, glyph, 16, self.devicePixelRatioF())
        painter.drawPixmap(QRect(left, (self.height() - 16) // 2, 16, 16), picture)
        if not narrow:
            painter.setPen(ink)
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(self.rect().adjusted(36, 0, -10, 0), middle | Qt.AlignmentFlag.AlignLeft, self.text())
            painter.setPen(self._theme.color("text3"))
            painter.setFont(ui_font(12))
            painter.drawText(self.rect().adjusted(0, 0, -12, 0), middle | Qt.AlignmentFlag.AlignRight, self.count)
        if self.hasFocus():
            focus_ring(painter, box, 7, self._theme.color("accent"))


class GatewayCard(QWidget):
    """State, switch and endpoint. `switched` carries what the user asked for; the switch follows the state."""

    switched = Signal(bool)
    copied = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._narrow = False
        self._url = ""
        self.word = ElidedLabel(theme, "", parent=self)
        self.word.setFont(ui_font(13, 600))
        self.word.setObjectName("gateway.state")
        self.switch = ToggleSwitch(theme, self)
        self.switch.setObjectName("gateway.switch")
        self.switch.setAccessibleName(tr("Gateway on"))
        self.switch.clicked.connect(self._on_clicked)
        self.endpoint = ElidedLabel(theme, "", tone="text2", parent=self)
        self.endpoint.setFont(mono_font(12))
        self.endpoint.setObjectName("gateway.endpoint")
        self.copy_button = IconButton(theme, "copy", tr("Copy the endpoint"), self)
        self.copy_button.setObjectName("gateway.copy")
        self.copy_button.clicked.connect(self.copy_endpoint)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.word, 1)
        first.addWidget(self.switch)
        # The switch ends where the icon below it does, which has room around it.
        first.setContentsMargins(0, 0, 4, 0)
        second.addWidget(self.endpoint, 1)
        second.addWidget(self.copy_button)
        self._column = QVBoxLayout(self)
        self._column.setSpacing(0)
        self._column.addLayout(first)
        self._column.addLayout(second)
        self.set_narrow(False)
        theme.changed.connect(self.update)

    def show_state(self, state: GatewayState) -> None:
        """`state.word` is one of `STATES`."""
        title, tone, on = STATES[state.word]
        word = tr(title)
        self._url = f"{state.url}{API_PATH}"
        self.word.setText(word)
        self.word.set_tone(tone)
        self.word.setAccessibleName(tr("Gateway: {word}").format(word=word))
        self.endpoint.setText(state.url.partition("://")[2])
        self.endpoint.setAccessibleName(tr("Endpoint {url}").format(url=self._url))
        self.copy_button.setToolTip(tr("Copy {url}").format(url=self._url))
        self.switch.setChecked(on)
        self.switch.setToolTip(tr("Gateway: {word} (Ctrl+Shift+G)").format(word=word.casefold()))
        self.switch.setEnabled(state.word not in ("starting", "stopping"))
        self.setToolTip(state.message)

    def copy_endpoint(self) -> None:
        """Put the whole base URL, as tools want it, on the clipboard."""
        QGuiApplication.clipboard().setText(self._url)
        self.copied.emit(tr("Endpoint copied"))

    def set_narrow(self, narrow: bool) -> None:
        self._narrow = narrow
        for widget in (self.word, self.endpoint, self.copy_button):
            widget.setVisible(not narrow)
        self._column.setContentsMargins(*((0, 4, 0, 4) if narrow else (12, 8, 6, 6)))
        self.update()

    def _on_clicked(self, on: bool) -> None:
        self.switched.emit(on)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._narrow:
            theme = self._theme
            rounded_box(smooth_painter(self), QRectF(self.rect()), 10, theme.color("surface"), theme.color("border"))


class _Brand(QWidget):
    """The mark and the name."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._mark = QSvgRenderer(self)
        self.setFixedHeight(_FITS[0][1])
        self.setAccessibleName("Faregate")
        theme.changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        tokens = self._theme.tokens
        text = resource("icons", "own", "mark.svg").read_text("utf-8")
        text = text.replace(LIGHT.accent, tokens.accent).replace(LIGHT.on_accent, tokens.on_accent)
        self._mark.load(QByteArray(text.encode()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        narrow = self.width() < WIDE // 2
        left = (self.width() - 28) // 2 if narrow else 8
        self._mark.render(painter, QRectF(left, self.height() - 38, 28, 28))
        if not narrow:
            painter.setFont(ui_font(16, 600))
            painter.setPen(self._theme.color("text"))
            painter.drawText(self.rect().adjusted(46, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, "Faregate")


class _Heading(QWidget):
    """A group's name; narrow, a space."""

    def __init__(self, theme: Theme, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = text
        theme.changed.connect(self.update)

    def set_narrow(self, narrow: bool) -> None:
        self.setFixedHeight(_GROUP_GAP if narrow else _HEADING_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.width() > WIDE // 2:
            painter = smooth_painter(self)
            painter.setFont(ui_font(12, 500))
            painter.setPen(self._theme.color("text3"))
            painter.drawText(self.rect().adjusted(12, 4, 0, 0), Qt.AlignmentFlag.AlignVCenter, self._text)


class _Today(QWidget):
    """Today's cost; narrow, the figure alone in its tooltip."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._figure = formats.UNKNOWN
        self._nano: int | None = None
        self.setFixedHeight(28)
        self.setObjectName("sidebar.today")
        theme.changed.connect(self.update)

    @property
    def text(self) -> str:
        return tr("Today {figure}").format(figure=self._figure)

    def set_figure(self, figure: str, source: str = "", nano: int | None = None) -> None:
        """`source` says where it comes from, in the tooltip; `nano` are the nano-dollars that it tells."""
        self._figure, self._nano = figure, nano
        self.setToolTip("\n".join(filter(None, (self.text, source))))
        self.setAccessibleName(self.text)
        self.update()

    def short_figure(self, font: QFont) -> str:
        """The figure as the narrow sidebar has room for it: of less than a cent its first digit alone, since what is
        cut would read as nothing; then without the mark of estimates, which the tooltip has too, and cut only where
        even that is too long."""
        metrics = QFontMetrics(font)
        texts = [self._figure, self._figure.removeprefix(MARK)]
        if self._nano and self._nano < _CENT_NANO:
            digit = formats.money_first_digit(self._nano)
            texts[1:] = [f"{MARK}{digit}", digit] if self._figure.startswith(MARK) else [digit]
        for text in texts:
            if metrics.horizontalAdvance(text) <= self.width():
                return text
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        figure_font = ui_font(13 if self.width() > WIDE // 2 else 10, 600)
        if self.width() <= WIDE // 2:
            painter.setFont(figure_font)
            painter.setPen(self._theme.color("text"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.short_figure(figure_font))
            return
        painter.setFont(ui_font(12))
        painter.setPen(self._theme.color("text2"))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect().adjusted(12, 0, 0, 0), middle, tr("Today"))
        painter.setFont(figure_font)
        painter.setPen(self._theme.color("text"))
        painter.drawText(self.rect().adjusted(0, 0, -12, 0), middle | Qt.AlignmentFlag.AlignRight, self._figure)


class ThemeSwitch(QWidget):
    """System, light or dark."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._buttons: dict[str, IconButton] = {}
        self._group = QButtonGroup(self)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(6, 0, 6, 0)
        self._row.setSpacing(4)
        for mode, icon, title in THEMES:
            name = tr(title)
            button = IconButton(theme, icon, name, self)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setAccessibleName(tr("Theme: {name}").format(name=name))
            button.setObjectName(f"theme.{mode}")
            button.clicked.connect(lambda _checked=False, mode=mode: self._theme.set_mode(mode))
            self._group.addButton(button)
            self._buttons[mode] = button
            self._row.addWidget(button)
        self._row.addStretch(1)
        self._buttons[theme.mode].setChecked(True)
        theme.mode_changed.connect(lambda: self._buttons[theme.mode].setChecked(True))

    def set_narrow(self, narrow: bool) -> None:
        ways = QBoxLayout.Direction
        self._row.setDirection(ways.TopToBottom if narrow else ways.LeftToRight)


class Sidebar(QWidget):
    """`chosen` carries a page's key."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, entries: Sequence[PageEntry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(tr("Pages"))
        self.card = GatewayCard(theme, self)
        self.buttons: dict[str, NavButton] = {}
        self._headings: list[_Heading] = []
        self._group = QButtonGroup(self)
        self.meter = MeterLine(theme, self)
        self.today = _Today(theme, self)
        self.theme_switch = ThemeSwitch(theme, self)
        self._brand = _Brand(theme, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 9, 10)
        column.setSpacing(1)
        column.addWidget(self._brand)
        column.addWidget(self.card)
        column.addSpacing(8)
        group = ""
        for number, entry in enumerate((entry for entry in entries if entry.group), start=1):
            if entry.group != group:
                group = entry.group
                self._headings.append(_Heading(theme, tr(group), self))
                column.addWidget(self._headings[-1])
            column.addWidget(self._button(entry, f"Ctrl+{number}"))
        column.addStretch(1)
        column.addWidget(self.meter)
        column.addWidget(self.today)
        for entry in entries:
            if not entry.group:
                column.addWidget(self._button(entry, "Ctrl+,"))
        column.addSpacing(4)
        column.addWidget(self.theme_switch)
        self._column = column
        self.set_narrow(False)
        theme.changed.connect(self.update)

    @property
    def narrow(self) -> bool:
        return self._narrow

    def _button(self, entry: PageEntry, keys: str) -> NavButton:
        button = NavButton(self._theme, entry, keys, self)
        button.clicked.connect(lambda: self.chosen.emit(entry.key))
        self._group.addButton(button)
        self.buttons[entry.key] = button
        return button

    def set_current(self, key: str) -> None:
        self.buttons[key].setChecked(True)

    def set_narrow(self, narrow: bool) -> None:
        self._narrow = narrow
        self.setFixedWidth(NARROW if narrow else WIDE)
        self.card.set_narrow(narrow)
        self.theme_switch.set_narrow(narrow)
        for heading in self._headings:
            heading.set_narrow(narrow)
        self._fit_in()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().height() != event.oldSize().height():
            self._fit_in()

    def _fit_in(self) -> None:
        """As roomy as its height allows: what has less than it needs would lie on what is beside it."""
        for fit in _FITS:
            self._apply(fit)
            self._column.invalidate()
            if self._column.minimumSize().height() <= self.height():
                break

    def _apply(self, fit: tuple[int, int, bool]) -> None:
        row, brand, has_themes = fit
        for button in self.buttons.values():
            button.set_row_height(row)
        self._brand.setFixedHeight(brand)
        self._brand.setVisible(brand > 0)
        self.theme_switch.setVisible(has_themes)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("sidebar"))
        painter.fillRect(self.width() - 1, 0, 1, self.height(), self._theme.color("border"))
