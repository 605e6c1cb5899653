"""The thread's layout: thousands of blocks in one viewport, of which only those in sight are laid out.

Heights are estimated until a block is seen, and what is in sight stays where it is when one above turns out higher or
lower. Laying out stops after a few milliseconds and goes on in the loop's next turn, so that no scroll waits for it.
"""

import math
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate, takewhile

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.pages.conversations_parts.block import FOLDED, Block, extent, folded_extent
from app.pages.conversations_parts.card import DIVIDER, HEAD, SIDE, Card, Place
from app.pages.conversations_parts.drawn import text_height
from app.pages.conversations_parts.pictures import Pictures
from app.parts.piece import EVERYTHING, Piece
from app.theme import Theme
from app.widgets.band_turns import BandTurns
from app.widgets.scroll_bar import KeptScrollBar

MARGINS = (20, 4, 24)
"""From the view's edges to the cards, in pixels: left, top, and right with the scroll bar's room in it."""
_LEAST_RIGHT = 2
GAP = 9
# For laying out in one turn: the piece that is begun last goes beyond it, and painting comes on top.
_BUDGET_S = 0.002
_CARDS = 90

Anchor = tuple[str, int, float]
"""A block's key, one of its pieces (-1 for its top), and where in the viewport that stands."""
_END: Anchor = ("", -2, 0.0)


class BlocksView(QAbstractScrollArea):
    """Blocks below each other. `current` and the selection belong to blocks by their key."""

    def __init__(
        self,
        theme: Theme,
        pictures: Pictures,
        parent: QWidget | None = None,
        *,
        margins: tuple[int, int, int] = MARGINS,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._left, self._top, self._right = margins
        self._pictures = pictures
        self._blocks: Sequence[Block] = ()
        self._index: dict[str, int] = {}
        self._heights: list[float] = []
        self._tops: list[float] = [0.0]
        self._cards: OrderedDict[str, Card] = OrderedDict()
        # Of blocks that have changed and are not laid out anew yet.
        self._before: dict[str, Card] = {}
        self._known: dict[str, list[float]] = {}
        self._shown: dict[str, str] = {}
        self._pieces: dict[str, Sequence[Piece]] = {}
        self._current = ""
        self._selection: tuple[str, Place, Place] | None = None
        self._words = ""
        self._placing = False
        self._held: Anchor | None = None
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._go_on)
        # What a paint leaves for another turn stays as it was.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.bands = BandTurns(self.viewport())
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBar(KeptScrollBar(self))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.verticalScrollBar().setSingleStep(40)
        pictures.came.connect(self._picture_came)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def blocks(self) -> Sequence[Block]:
        return self._blocks

    @property
    def current(self) -> str:
        """The key of the chosen block, "" for none."""
        return self._current

    @property
    def made(self) -> int:
        """How many blocks are laid out now."""
        return len(self._cards)

    def set_blocks(
        self, blocks: Sequence[Block], *, keep: bool, extents: Sequence[tuple[int, int]] | None = None
    ) -> None:
        """`keep`: the same conversation, grown or on another way: place, folds and selection stay. `extents` are the
        blocks' own while they are folded, where a worker has counted them."""
        seen, painted = (self._in_sight(), self._painted()) if keep else ([], [])
        before = {block.key: (block, height) for block, height in zip(self._blocks, self._heights, strict=True)}
        follows = keep and self.at_end and any(block.kind == "waiting" for block in self._blocks)
        self._before.clear()
        if not keep:
            self._cards.clear()
            self._known.clear()
            self._pieces.clear()
            self._shown.clear()
            self._selection, self._current, self._words = None, "", ""
            before = {}
        self._blocks = blocks
        self._index = {block.key: number for number, block in enumerate(blocks)}
        self._heights = []
        width = self._width() - 2 * SIDE
        for number, block in enumerate(blocks):
            old = before.get(block.key)
            if old is not None and old[0] == block:
                self._heights.append(old[1])
                continue
            if old is not None and (card := self._cards.get(block.key)) is not None:
                self._before[block.key] = card
            self._forget(block.key)
            known = extents[number] if extents and block.key not in self._shown else None
            self._heights.append(self._estimate(block, width, known))
        if self._selection is not None and self._selection[0] not in self._index:
            self._selection = None
        if self._current not in self._index:
            self._current = ""
        self._place()
        if not keep:
            self._held = None
            self._set_value(0)
        still = next((anchor for anchor in seen if anchor[0] in self._index), None)
        self._settle(anchor=_END if follows else still, paint=not keep)
        if keep:
            self._paint_changed(painted)

    def shown(self, key: str) -> str:
        """folded, open or whole."""
        return self._shown.get(key, FOLDED)

    def set_shown(self, key: str, shown: str, pieces: Sequence[Piece] | None = None) -> None:
        """`pieces` where they were made by a worker."""
        if key in self._index and shown != self.shown(key):
            self._shown[key] = shown
            self._forget(key)
            if pieces is not None:
                self._pieces[key] = pieces
            number = self._index[key]
            self._heights[number] = self._estimate(self._blocks[number], self._width() - 2 * SIDE)
            self._selection = None
            self._settle(anchor=(key, -1, self._tops[number] - self.verticalScrollBar().value()))

    # heights and places

    def _width(self) -> float:
        bar = self.width() - self.viewport().width()
        right = max(_LEAST_RIGHT, self._right - bar)
        return float(max(200, self.viewport().width() - self._left - right))

    def _estimate(self, block: Block, inner: float, known: tuple[int, int] | None = None) -> float:
        if block.kind == "divider":
            return DIVIDER
        if block.kind == "turn":
            return 22.0 + 18 * len(block.notes)
        folded = self.shown(block.key) == FOLDED
        characters, breaks = known or (folded_extent(block) if folded else extent(block, EVERYTHING))
        return HEAD + 14 + text_height(characters, breaks, inner, 21.0, 6.6)

    def _place(self) -> None:
        self._tops = list(accumulate(map(float(GAP).__add__, self._heights), initial=float(self._top)))
        whole = int(self._tops[-1]) + 24
        bar = self.verticalScrollBar()
        self._placing = True
        bar.setRange(0, max(0, whole - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        self._placing = False

    def _first(self, y: float) -> int:
        return max(0, bisect_right(self._tops, y) - 1)

    @property
    def at_end(self) -> bool:
        """Whether the last block's end is in sight."""
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - 4

    def go_to_end(self) -> None:
        self._settle(anchor=_END)

    def _set_value(self, value: int) -> None:
        self._placing = True
        self.verticalScrollBar().setValue(value)
        self._placing = False

    def _anchor(self) -> Anchor | None:
        """What must not move: the first piece in sight that is laid out, and where in the viewport it stands."""
        y = self.verticalScrollBar().value()
        bottom = y + self.viewport().height()
        number = self._first(y)
        fallback: Anchor | None = None
        while number < len(self._blocks) and self._tops[number] < bottom:
            key = self._blocks[number].key
            card = self._cards.get(key)
            if card is not None:
                entry = card.anchor(y - self._tops[number])
                if entry is not None and self._tops[number] + card.top_of(entry) < bottom:
                    return key, entry, self._tops[number] + card.top_of(entry) - y
            if fallback is None:
                fallback = (key, -1, self._tops[number] - y)
            number += 1
        return fallback

    def _in_sight(self) -> list[Anchor]:
        """The tops of all blocks in sight, that of the chosen one first."""
        y, height = self.verticalScrollBar().value(), self.viewport().height()
        number, found = self._first(y), []
        while number < len(self._blocks) and self._tops[number] < y + height:
            found.append((self._blocks[number].key, -1, self._tops[number] - y))
            number += 1
        return sorted(found, key=lambda anchor: anchor[0] != self._current)

    def _first_whole(self) -> Anchor | None:
        """The first block in sight that begins there: what holds while all heights are learnt anew."""
        y = self.verticalScrollBar().value()
        number = self._first(y)
        if number + 1 < len(self._blocks) and self._tops[number] < y < self._tops[number + 1] - GAP:
            number += self._tops[number + 1] < y + self.viewport().height()
        return (self._blocks[number].key, -1, self._tops[number] - y) if number < len(self._blocks) else None

    def _go_to(self, anchor: Anchor | None) -> None:
        if anchor == _END:
            self._set_value(self.verticalScrollBar().maximum())
        if anchor is None or anchor[0] not in self._index:
            return
        key, entry, at = anchor
        y = self._tops[self._index[key]]
        card = self._cards.get(key)
        if card is not None and entry >= 0:
            y += card.top_of(entry)
        self._set_value(round(y - at))

    def _painted(self) -> list[tuple[int, Card | None, int]]:
        """What stands in sight from the top: where, which card, and how much of it was made."""
        y, height = self.verticalScrollBar().value(), self.viewport().height()
        number, found = self._first(y), []
        while number < len(self._blocks) and self._tops[number] < y + height:
            # As the view places it.
            at = math.floor(self._tops[number] - y + 0.5)
            card = self._cards.get(self._blocks[number].key)
            found.append((at, card, card.made if card is not None else 0))
            number += 1
        return found

    def _paint_changed(self, before: Sequence[tuple[int, Card | None, int]]) -> None:
        """Paints anew from the first card on that is not what stood there before."""
        now = self._painted()
        same = sum(1 for _ in takewhile(lambda each: each[0] == each[1], zip(before, now, strict=False)))
        at = min((each[same][0] for each in (before, now) if same < len(each)), default=None)
        if at is not None:
            self.viewport().update(self.viewport().rect().adjusted(0, max(0, at - 1), 0, 0))

    def _update_block(self, key: str) -> None:
        """Paints a block anew where it stands, if it is in sight."""
        number = self._index.get(key)
        if number is not None:
            top = math.floor(self._tops[number]) - self.verticalScrollBar().value()
            self.viewport().update(0, top - 1, self.viewport().width(), math.ceil(self._heights[number]) + 2)

    # laying out

    def _settle(self, anchor: Anchor | None = None, *, paint: bool = True) -> None:
        """Lays out what is in sight, as far as the time goes; the rest in the next turn. `paint`: all is painted
        anew."""
        if paint:
            self.viewport().update()
        if not self._blocks or not self.viewport().height():
            return
        if anchor is not None:
            # Until all in sight is made, or someone scrolls.
            self._held = anchor
            self._go_to(anchor)
        self._lay_out_for(_BUDGET_S)

    def _go_on(self) -> None:
        """The rest; what stays where it is and as it is is not painted again."""
        before = self.verticalScrollBar().value()
        changed = self._lay_out_for(_BUDGET_S) if self._blocks and self.viewport().height() else 0.0
        if self.verticalScrollBar().value() != before:
            self.viewport().update()
        elif changed < self.viewport().height():
            self.viewport().update(self.viewport().rect().adjusted(0, max(0, int(changed)), 0, 0))

    def _lay_out_for(self, seconds: float) -> float:
        """Lays out until nothing is missing or the time is over; from where in the viewport things have changed."""
        deadline = time.perf_counter() + seconds
        complete, changed = False, math.inf
        for _ in range(12):
            held = self._held or self._anchor()
            complete, moved, top = self._lay_out(deadline)
            changed = min(changed, top)
            if moved:
                self._place()
            if moved or self._held is not None:
                self._go_to(held)
            if (complete and not moved) or (not complete and time.perf_counter() > deadline):
                break
        if complete:
            self._held = None
        else:
            self._later.start()
        self._let_go()
        return changed

    def _lay_out(self, deadline: float) -> tuple[bool, bool, float]:
        """(all in sight is made, a height has changed, from where in the viewport it is to be painted anew)."""
        y = float(self.verticalScrollBar().value())
        bottom = y + self.viewport().height()
        number, complete, moved, changed = self._first(y), True, False, math.inf
        top = self._tops[number]
        while number < len(self._blocks) and top < bottom:
            fresh = self._blocks[number].key not in self._cards
            card = self._card(number)
            whole, made = card.ensure(y - top, bottom - top, deadline)
            complete = complete and whole
            if card.height != self._heights[number]:
                self._heights[number] = card.height
                moved, fresh = True, fresh or made == math.inf
            changed = min(changed, top - y if fresh else top + made - y)
            self._known[card.block.key] = card.heights
            top += card.height + GAP
            number += 1
        return complete, moved, changed

    def _card(self, number: int) -> Card:
        block = self._blocks[number]
        card = self._cards.get(block.key)
        if card is None:
            known, pieces = self._known.get(block.key), self._pieces.get(block.key)
            shown = self.shown(block.key)
            card = Card(self._theme, block, shown, self._width(), self._pictures.picture, known, pieces)
            card.found = self._words
            if (before := self._before.pop(block.key, None)) is not None:
                card.take_over(before)
            self._cards[block.key] = card
        self._cards.move_to_end(block.key)
        return card

    def _let_go(self) -> None:
        while len(self._cards) > _CARDS:
            self._cards.popitem(last=False)

    def _forget(self, key: str) -> None:
        self._cards.pop(key, None)
        self._known.pop(key, None)
        self._pieces.pop(key, None)

    def _restyle(self) -> None:
        palette = self.viewport().palette()
        for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base):
            palette.setColor(role, self._theme.color("bg"))
        self.viewport().setPalette(palette)
        self._cards.clear()
        self._before.clear()
        self.viewport().update()
        self._later.start()

    def _picture_came(self) -> None:
        for key, card in self._cards.items():
            card.lay_out_again()
            if key in self._index:
                self._heights[self._index[key]] = card.height
        held = self._anchor()
        self._place()
        self._go_to(held)
        self._settle()

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            # Heights at another width are estimates as good as any.
            held = self._first_whole()
            self._cards.clear()
            self._known.clear()
            self._place()
            self._settle(anchor=held)
        else:
            self._place()
            self._settle()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        if self._placing:
            return
        self._held = None
        # What stays in sight moves as it was painted.
        self.viewport().scroll(0, dy)
        self.bands.scrolled(dy)
        self._go_on()
