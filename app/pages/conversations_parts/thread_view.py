"""The thread as it is painted and worked: folding, ways, selecting and copying, and showing what was found.

A block is chosen by a press, by J and K, or by being scrolled to the top; a selection lies within one block.
"""

import math
import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app import formats
from app.focus import KEYBOARD_REASONS
from app.pages.conversations_parts.block import FOLDED, KINDS, OPEN, WHOLE, Block, can_fold, is_heavy, text_of
from app.pages.conversations_parts.blocks_view import MARGINS, BlocksView
from app.pages.conversations_parts.card import Card, Place
from app.pages.conversations_parts.drawn import Spot
from app.pages.conversations_parts.pictures import Pictures
from app.theme import Theme
from app.translation import tr

_CLOCK_MS = 500
_ABOVE = 48.0
_CHOSEN_BELOW = 64
_POINTING = ("copy", "link", "more", "tree", "fold", "way")


class ThreadView(BlocksView):
    """`current_changed` carries the key of the block that was chosen or scrolled to.

    `way_chosen(fork, turn)` another branch; `aside_toggled(turn)` a sub-agent's; `link_asked(address)`;
    `copied(words)` after something went to the clipboard; `menu_asked(key, position)` for the page's menu;
    `pieces_asked(key, shown)` for what a worker is to make of a heavy block.
    """

    current_changed = Signal(str)
    way_chosen = Signal(int, int)
    aside_toggled = Signal(int)
    link_asked = Signal(str)
    copied = Signal(str)
    menu_asked = Signal(str, QPoint)
    pieces_asked = Signal(str, str)

    def __init__(
        self,
        theme: Theme,
        pictures: Pictures,
        parent: QWidget | None = None,
        *,
        margins: tuple[int, int, int] = MARGINS,
    ) -> None:
        super().__init__(theme, pictures, parent, margins=margins)
        self._pressed: tuple[str, Place] | None = None
        self._press_spot: tuple[str, Spot, int] | None = None
        self._hot: tuple[str, int] | None = None
        self.now_us: Callable[[], int] = lambda: time.time_ns() // 1000
        self.waiting_since_us: int | None = None
        self._clock = QTimer(self, interval=_CLOCK_MS)
        self._clock.timeout.connect(self._tick)
        self.setObjectName("thread")
        self.setAccessibleName(tr("Conversation"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)

    def set_blocks(
        self, blocks: Sequence[Block], *, keep: bool, extents: Sequence[tuple[int, int]] | None = None
    ) -> None:
        if self._hot is not None:
            self._update_block(self._hot[0])
        self._hot = self._pressed = None
        waits = any(block.kind == "waiting" for block in blocks)
        (self._clock.start if waits else self._clock.stop)()
        self.setAccessibleName(
            tr("Conversation, {count:,} blocks").format(count=len(blocks)) if blocks else tr("Conversation")
        )
        super().set_blocks(blocks, keep=keep, extents=extents)

    # what is shown

    def toggle(self, key: str) -> None:
        """Folds or opens a block; a sub-agent's opens in the thread itself."""
        block = self._blocks[self._index[key]]
        if block.kind == "aside" and block.aside is not None:
            self.aside_toggled.emit(block.aside)
        elif can_fold(block):
            self.open_block(key, OPEN if self.shown(key) == FOLDED else FOLDED)

    def open_block(self, key: str, shown: str) -> None:
        """Shows more or less of a block; what is heavy is asked for, and shown by `set_shown` once it is made."""
        block = self._blocks[self._index[key]]
        if shown != FOLDED and is_heavy(block):
            self.pieces_asked.emit(key, shown)
        else:
            self.set_shown(key, shown)

    def mark(self, words: str, key: str | None = None) -> None:
        """Marks the words wherever they stand, "" none, and goes to a block that holds them."""
        self._words = words
        for card in self._cards.values():
            card.find(words)
        self.viewport().update()
        if key in self._index:
            self.go_to(key)
            self._show_match(key, words.casefold())

    def _show_match(self, key: str, words: str) -> None:
        """Opens a block where the match is folded away, and brings the match into sight."""
        card = self._cards[key]
        entry = card.entry_with(words)
        if entry is None and can_fold(card.block):
            self.set_shown(key, OPEN)
            card = self._cards[key]
            entry = card.entry_with(words)
        if entry is not None:
            self._settle(anchor=(key, entry, 2 * _ABOVE))
            below = card.match_below(entry)
            if below > self.viewport().height() - 4 * _ABOVE:
                self._settle(anchor=(key, entry, 2 * _ABOVE - below))

    def go_to(self, key: str) -> None:
        """Chooses a block and brings its top into sight."""
        if key in self._index:
            self._set_current(key)
            self._settle(anchor=(key, -1, _ABOVE))

    def step(self, by: int) -> None:
        """To the next or the previous card."""
        number = self._index.get(self._current, -1 if by > 0 else 0) + by
        while 0 <= number < len(self._blocks) and not KINDS[self._blocks[number].kind].card:
            number += by
        if 0 <= number < len(self._blocks):
            self.go_to(self._blocks[number].key)

    def _tick(self) -> None:
        """The clock of a call that has not answered yet."""
        for block in self._blocks:
            card = self._cards.get(block.key) if block.kind == "waiting" else None
            if card is not None and self.waiting_since_us is not None and self.isVisible():
                card.live_right = formats.duration((self.now_us() - self.waiting_since_us) / 1000)
                self.viewport().update()

    # Qt

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        if self._blocks and not self._placing:
            number = min(self._first(self.verticalScrollBar().value() + _CHOSEN_BELOW), len(self._blocks) - 1)
            self._set_current(self._blocks[number].key)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        due = self.bands.due(painter, event.region())
        painter.setClipRegion(due)
        # A pixel of a screen that lies half within it is painted as a whole, or what was there shines through.
        exposed = due.boundingRect().adjusted(-1, -1, 1, 1)
        painter.fillRect(exposed, self._theme.color("bg"))
        y = self.verticalScrollBar().value()
        number = self._first(y + exposed.top()) if self._blocks else 0
        while number < len(self._blocks) and self._tops[number] < y + exposed.bottom() + 1:
            self._paint_block(painter, number, y, exposed)
            number += 1

    def _paint_block(self, painter: QPainter, number: int, y: int, exposed: QRect) -> None:
        block = self._blocks[number]
        card = self._cards.get(block.key)
        top = self._tops[number] - y
        if card is None:
            return
        seen = QRectF(0, exposed.top() - top, card.width, exposed.height()).intersected(
            QRectF(0, 0, card.width, card.height)
        )
        marked = None
        if self._selection is not None and self._selection[0] == block.key:
            marked = (min(self._selection[1:]), max(self._selection[1:]))
        hot = self._hot[1] if self._hot is not None and self._hot[0] == block.key else None
        painter.save()
        # Not `round`, whose halves go up here and down there: what is moved as a picture meets what is painted anew.
        painter.translate(self._left, math.floor(top + 0.5))
        current = block.key == self._current and self.hasFocus()
        card.paint(painter, seen, current=current, marked=marked, hot=hot)
        painter.restore()

    def _at(self, position: QPointF) -> tuple[Card, QPointF] | None:
        """The card under a point of the viewport, and the point in it."""
        y = position.y() + self.verticalScrollBar().value()
        if not self._blocks:
            return None
        number = min(self._first(y), len(self._blocks) - 1)
        card = self._cards.get(self._blocks[number].key)
        if card is None:
            return None
        inside = QPointF(position.x() - self._left, y - self._tops[number])
        return (card, inside) if 0 <= inside.y() < card.height else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._selection, self._pressed, self._press_spot = None, None, None
        found = self._at(event.position())
        if found is not None:
            card, point = found
            self._set_current(card.block.key)
            spot = card.spot(point)
            if spot is not None:
                self._press_spot = (card.block.key, *spot)
            if spot is None or spot[0].kind == "link":
                place = card.place(point)
                self._pressed = (card.block.key, place) if place is not None else None
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event.position())
            return
        found = self._at(event.position())
        spot = found[0].spot(found[1]) if found is not None else None
        pointing = spot is not None and spot[0].kind in _POINTING
        text = found is not None and spot is None and found[0].entry_at(found[1]) is not None
        shape = Qt.CursorShape.PointingHandCursor if pointing else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor if text and not pointing else shape)
        entry = found[0].entry_at(found[1]) if found is not None else None
        hot = (found[0].block.key, entry) if found is not None and entry is not None else None
        if hot != self._hot:
            self._hot = hot
            self.viewport().update()

    def _drag(self, position: QPointF) -> None:
        assert self._pressed is not None
        key, first = self._pressed
        card = self._cards.get(key)
        if card is None:
            return
        y = position.y() + self.verticalScrollBar().value() - self._tops[self._index[key]]
        place = card.place(QPointF(position.x() - self._left, y))
        if place is not None and place != first:
            self._selection = (key, first, place)
            self._press_spot = None
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._press_spot = self._press_spot, None
        self._pressed = None
        if pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        found = self._at(event.position())
        spot = found[0].spot(found[1]) if found is not None else None
        if found is not None and spot is not None and (found[0].block.key, *spot) == pressed:
            self._act(found[0], *spot)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if found is None or found[0].spot(found[1]) is not None:
            self.mousePressEvent(event)
            return
        place = found[0].place(found[1])
        if place is not None:
            self._selection = (found[0].block.key, *found[0].word_at(place))
            self.viewport().update()

    def _act(self, card: Card, spot: Spot, entry: int) -> None:
        key = card.block.key
        if spot.kind == "fold":
            self.toggle(key)
        elif spot.kind == "more":
            self.open_block(key, OPEN if self.shown(key) == FOLDED else WHOLE)
        elif spot.kind == "copy":
            self._copy(str(spot.value), tr("Code copied"))
        elif spot.kind == "link":
            self.link_asked.emit(str(spot.value))
        elif spot.kind == "way" and isinstance(spot.value, int):
            self._choose_way(card.block, spot.value)
        elif spot.kind == "tree" and isinstance(spot.value, int):
            card.toggle_tree(entry, spot.value)
            self._heights[self._index[key]] = card.height
            held = (key, -1, self._tops[self._index[key]] - self.verticalScrollBar().value())
            self._place()
            self._settle(anchor=held)

    def _choose_way(self, block: Block, by: int) -> None:
        if block.turn is not None and len(block.siblings) > 1:
            place = (block.siblings.index(block.turn) + by) % len(block.siblings)
            self.way_chosen.emit(block.fork, block.siblings[place])

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._at(QPointF(event.pos()))
            spot = found[0].spot(found[1]) if found is not None else None
            words = ""
            if spot is not None and spot[0].kind in ("token", "link", "copy"):
                words = tr("Copy") if spot[0].kind == "copy" else str(spot[0].value)
            QToolTip.showText(event.globalPos(), words)
            return True
        if event.type() == QEvent.Type.Leave and self._hot is not None:
            self._hot = None
            self.viewport().update()
        return super().viewportEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        found = None if keyboard else self._at(QPointF(event.pos()))
        key = found[0].block.key if found is not None else self._current
        if key:
            self.menu_asked.emit(key, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers()
        bar = self.verticalScrollBar()
        scrolls = {
            Qt.Key.Key_Down: bar.singleStep(),
            Qt.Key.Key_Up: -bar.singleStep(),
            Qt.Key.Key_PageDown: bar.pageStep() - 40,
            Qt.Key.Key_PageUp: 40 - bar.pageStep(),
            Qt.Key.Key_Home: -bar.maximum(),
            Qt.Key.Key_End: bar.maximum(),
        }
        if modifiers == Qt.KeyboardModifier.ControlModifier and key == Qt.Key.Key_C:
            self.copy()
        elif modifiers == Qt.KeyboardModifier.ControlModifier and key == Qt.Key.Key_A and self._current:
            self._select_all()
        elif modifiers:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_J, Qt.Key.Key_K):
            self.step(1 if key == Qt.Key.Key_J else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current:
            self.toggle(self._current)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._current:
            self._choose_way(self._blocks[self._index[self._current]], 1 if key == Qt.Key.Key_Right else -1)
        elif key in scrolls:
            bar.setValue(bar.value() + scrolls[Qt.Key(key)])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """What has the keyboard is seen: a block is chosen where none is."""
        if not self._current and self._blocks and event.reason() in KEYBOARD_REASONS:
            first = self._first(self.verticalScrollBar().value())
            cards = (block for block in self._blocks[first:] if KINDS[block.kind].card)
            self._set_current(next(cards, self._blocks[first]).key)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.viewport().update()

    # choosing and copying

    def _set_current(self, key: str) -> None:
        if key == self._current:
            return
        before, self._current = self._current, key
        block = self._blocks[self._index[key]]
        self.setAccessibleDescription(" ".join((block.title, block.detail, block.right, text_of(block)[:500])))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        # Only beside the keyboard it looks otherwise.
        if self.hasFocus():
            for each in (before, key):
                self._update_block(each)
        self.current_changed.emit(key)

    def selected_text(self) -> str:
        if self._selection is None:
            return ""
        key, one, other = self._selection
        card = self._cards.get(key)
        return card.selected(min(one, other), max(one, other)) if card is not None else ""

    def _select_all(self) -> None:
        card = self._cards.get(self._current)
        if card is not None and card.heights:
            self._selection = (self._current, Place(0, 0), Place(len(card.heights) - 1, 2**30))
            self.viewport().update()

    def copy(self) -> None:
        """The selected text, or the whole of the chosen block."""
        text = self.selected_text()
        if text:
            self._copy(text, tr("Text copied"))
        elif self._current:
            self._copy(text_of(self._blocks[self._index[self._current]]), tr("Block copied"))

    def _copy(self, text: str, words: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.copied.emit(words)
