"""The legend on a chart's title line; a click isolates a series, with Ctrl it hides one.

Names are shown whole where they fit, without dates and family names where that helps; where that is still too long,
the longest ones lose their family first, and what is left is cut in the middle. Series whose names have no room stand
behind "+2", in a menu: a colour without a word tells nobody anything. The tooltip and the accessible name are always
whole.
"""

import re
from collections.abc import Callable, Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QIcon,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QMenu, QSizePolicy, QWidget

from app.charts.patterns import hatch
from app.fonts import ui_font
from app.shown_names import add_named, one_line, short_names
from app.theme import Theme
from app.translation import tr

_SWATCH = 8
_GAP = 5
_SPACING = 10
_SHORTEST = 52
# Before a version a family name is worth more: "2.5-flash" is for want of room.
_ANY_FAMILY = re.compile(r"^[A-Za-z]+-(?=.*-[A-Za-z]{3})")

Entry = tuple[str, str, QColor]
"""Key, name, colour."""


def fitting_names(names: Sequence[str], fits: Callable[[Sequence[str]], bool]) -> list[str]:
    """The longest wording that fits; where none does, the shortest one."""
    texts = list(names)
    if fits(texts):
        return texts
    texts = short_names(names)
    for place in sorted(range(len(texts)), key=lambda place: -len(texts[place])):
        if fits(texts):
            break
        shorter = _ANY_FAMILY.sub("", texts[place])
        if shorter not in texts:
            texts[place] = shorter
    return texts


class LegendItem(QAbstractButton):
    """`pressed_with` carries whether Ctrl was held."""

    pressed_with = Signal(bool)

    def __init__(self, theme: Theme, key: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._colour = QColor()
        self._name = ""
        self._place = 0
        self.shown = True
        self._told: tuple[object, ...] = ()
        self.set_key(key)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._control = False
        self.clicked.connect(self._on_clicked)

    def set_key(self, key: str) -> None:
        """Of the series that it stands for."""
        self.key = key
        self.setObjectName(f"legend.{key}")

    def set_entry(self, name: str, text: str, colour: QColor, shown: bool, place: int = 0) -> None:
        # Size and texts that are set are laid out and painted anew, the same ones too.
        told = (name, text, colour, shown, place, self._theme.patterns)
        if told == self._told:
            return
        self._told = told
        self._name, self._colour, self.shown, self._place = name, colour, shown, place
        self.setText(text)
        self.setToolTip(name if text != name else "")
        self.setAccessibleName((tr("{name}, shown") if shown else tr("{name}, hidden")).format(name=name))
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_SWATCH + _GAP + QFontMetrics(ui_font(12)).horizontalAdvance(self.text()) + 2, 24)

    def _on_clicked(self) -> None:
        self.pressed_with.emit(self._control)
        self._control = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(1.0 if self.shown else 0.4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        swatch = QRectF(0, (self.height() - _SWATCH) / 2, _SWATCH, _SWATCH)
        painter.drawRoundedRect(swatch, 2, 2)
        if self._theme.patterns:
            painter.setBrush(hatch(self._place, self._theme.color("surface")))
            painter.drawRoundedRect(swatch, 2, 2)
        painter.setOpacity(1.0)
        painter.setFont(ui_font(12))
        hot = self.underMouse() and self.shown
        painter.setPen(self._theme.color("text" if hot else "text2" if self.shown else "text3"))
        rect = QRect(_SWATCH + _GAP, 0, self.width() - _SWATCH - _GAP, self.height())
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 2.5, -0.5, -2.5), 4, 4)


class LegendMore(QAbstractButton):
    """ "+2": the series that have no room, by name in its menu. `chosen` carries the key of one."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.entries: tuple[Entry, ...] = ()
        self._told: tuple[Entry, ...] | None = None
        self.setObjectName("legend.others")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._open)
        self.hide()

    def set_entries(self, entries: Sequence[Entry]) -> None:
        if self._told == tuple(entries):
            return
        self.entries = self._told = tuple(entries)
        names = ", ".join(name for _, name, _ in entries)
        self.setText(f"+{len(entries)}")
        self.setToolTip(names)
        self.setAccessibleName(
            tr("{count} more series: {names}").format(count=len(entries), names=names) if names else ""
        )
        self.setFixedSize(self.sizeHint())
        self.setVisible(bool(entries))

    def sizeHint(self) -> QSize:
        return QSize(QFontMetrics(ui_font(12)).horizontalAdvance("+00") + 2, 24)

    def menu(self) -> QMenu:
        """Each series with its colour."""
        menu = QMenu(self)
        menu.setObjectName("legend.menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for key, name, colour in self.entries:
            swatch = QPixmap(_SWATCH, _SWATCH)
            swatch.fill(colour)
            action = add_named(menu, name)
            action.setIcon(QIcon(swatch))
            action.triggered.connect(lambda _checked=False, key=key: self.chosen.emit(key))
        return menu

    def _open(self) -> None:
        self.menu().popup(self.mapToGlobal(self.rect().bottomLeft()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(ui_font(12))
        painter.setPen(self._theme.color("text" if self.underMouse() else "text2"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        if self.hasFocus():
            painter.setPen(QPen(self._theme.color("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 2.5, -0.5, -2.5), 4, 4)


class Legend(QWidget):
    """`hidden_changed` carries the keys of the series that are not to be drawn."""

    hidden_changed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._entries: list[Entry] = []
        self._items: list[LegendItem] = []
        # What is shown is of these.
        self._fitted: tuple[object, ...] = ()
        self.hidden: frozenset[str] = frozenset()
        self._alone: str | None = None
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(_SPACING)
        self._row.addStretch(1)
        self.more = LegendMore(theme, self)
        self.more.chosen.connect(lambda key: self._press(key, control=False))
        self._row.addWidget(self.more)
        self.setFixedHeight(24)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def items(self) -> tuple[LegendItem, ...]:
        return tuple(self._items)

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Series in the order in which they are named; those that are gone are forgotten, hidden ones too."""
        others = [entry[:2] for entry in entries] != [entry[:2] for entry in self._entries]
        self._entries = list(entries)
        if others:
            self._hide_again(frozenset(key for key, _, _ in entries))
            self._build()
        self._fit()

    def whole_width(self) -> int:
        """At which every series stands beside the others, by its short name, in pixels."""
        texts = short_names([one_line(name) for _, name, _ in self._entries])
        metrics = QFontMetrics(ui_font(12))
        return _fixed(len(texts)) + sum(map(metrics.horizontalAdvance, texts))

    def _hide_again(self, keys: frozenset[str]) -> None:
        """Of series that came and went: one that was to stand alone still does; without it, all are on show."""
        if self._alone is not None:
            self._alone = self._alone if self._alone in keys else None
            self.hidden = keys - {self._alone} if self._alone is not None else frozenset()
        elif keys <= self.hidden:
            self.hidden = frozenset()
        else:
            self.hidden &= keys

    def _build(self) -> None:
        """An item for each series; those that there are take others: costs change places, which makes no widgets."""
        while len(self._items) > len(self._entries):
            item = self._items.pop()
            self._row.removeWidget(item)
            item.hide()
            item.deleteLater()
        while len(self._items) < len(self._entries):
            item = LegendItem(self._theme, "", self)
            item.pressed_with.connect(lambda control, item=item: self._press(item.key, control))
            self._row.insertWidget(self._row.count() - 1, item)
            self._items.append(item)
        for item, (key, _, _) in zip(self._items, self._entries, strict=True):
            item.set_key(key)

    def _press(self, key: str, control: bool) -> None:
        keys = frozenset(entry[0] for entry in self._entries)
        if control:
            hidden = self.hidden ^ {key}
        else:
            hidden = frozenset() if self.hidden == keys - {key} else keys - {key}
        self._alone = key if hidden and not control else None
        self.hidden = frozenset() if hidden == keys else hidden
        self._fit()
        self.hidden_changed.emit(self.hidden)

    def _fit(self) -> None:
        # Each second under load: measuring names that stay was two fifths of what a chart's new values took.
        of = (self._entries, self.hidden, self.width(), self._theme.patterns)
        if of == self._fitted:
            return
        self._fitted = of
        names = [one_line(name) for _, name, _ in self._entries]
        metrics = QFontMetrics(ui_font(12))
        fixed = _fixed(len(names))

        def fits(texts: Sequence[str]) -> bool:
            return fixed + sum(metrics.horizontalAdvance(text) for text in texts) <= self.width()

        texts = fitting_names(names, fits)
        shown = len(texts)
        if not fits(texts):
            room = max(0, (self.width() - fixed) // max(1, len(names)))
            if room < _SHORTEST:
                beside = self.width() - self.more.sizeHint().width()
                # One that is longer than the row would leave it to none.
                texts = _at_most(texts, max(_SHORTEST, beside // 2 - _SWATCH - _GAP - 2 - _SPACING), metrics)
                shown = _whole(texts, beside, metrics)
            else:
                texts = _cut(texts, room, metrics)
        rows = zip(self._items, self._entries, texts, strict=True)
        for place, (item, (key, name, colour), text) in enumerate(rows):
            item.set_entry(name, text, colour, key not in self.hidden, place)
            item.setVisible(place < shown)
        self.more.set_entries(self._entries[shown:])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


def _fixed(count: int) -> int:
    """What so many series take besides their names, in pixels."""
    return (_SWATCH + _GAP + 2 + _SPACING) * count


def _whole(texts: Sequence[str], room: int, metrics: QFontMetrics) -> int:
    """How many of the first texts stand whole in so many pixels, each with its swatch."""
    for number, text in enumerate(texts):
        room -= _SWATCH + _GAP + 2 + _SPACING + metrics.horizontalAdvance(text)
        if room < 0:
            return number
    return len(texts)


def _cut(texts: Sequence[str], room: int, metrics: QFontMetrics) -> list[str]:
    """Texts of at most `room` pixels each, where the short ones leave their room to the long ones."""
    widths = [metrics.horizontalAdvance(text) for text in texts]
    spare = sum(max(0, room - width) for width in widths)
    long = sum(1 for width in widths if width > room)
    limit = room + spare // max(1, long)
    return _at_most(texts, limit, metrics)


def _at_most(texts: Sequence[str], room: int, metrics: QFontMetrics) -> list[str]:
    return [metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room) for text in texts]
