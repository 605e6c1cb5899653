"""Where the parts of a page will stand, for what lies over it until it is read: cards, controls and lines of words.

Each shape is a function from a page's size in logical pixels to its boxes, from behind to before.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from PySide6.QtCore import QRectF

from app.widgets.painting import CONTROL_HEIGHT

_MARGIN, _GAP, _PAD = 24, 12, 16
_ROW, _LINE, _HEADER = 30, 10, 36
# Of a row's width: where its bars begin, and how long they are.
_CELLS = ((0.02, 0.16), (0.24, 0.10), (0.42, 0.18), (0.70, 0.08), (0.86, 0.12))


class Place(NamedTuple):
    """`card` is a surface with a border, on which the others stand."""

    box: QRectF
    radius: float
    card: bool = False


Places = Callable[[float, float], Iterator[Place]]


def _card(left: float, top: float, width: float, height: float) -> Place:
    return Place(QRectF(left, top, max(0.0, width), max(0.0, height)), 10, card=True)


def _control(left: float, top: float, width: float, height: float = CONTROL_HEIGHT) -> Place:
    return Place(QRectF(left, top, width, height), 7)


def _words(left: float, top: float, width: float, height: float = _LINE) -> Place:
    return Place(QRectF(left, top, width, height), height / 2)


def table_places(width: float, height: float) -> Iterator[Place]:
    """A toolbar over a table."""
    top = 2 * _GAP + CONTROL_HEIGHT
    yield _control(_MARGIN, _GAP, (width - 2 * _MARGIN) * 0.4)
    yield from _table(QRectF(_MARGIN, top, width - 2 * _MARGIN, height - top - _PAD))


def bare_table_places(width: float, height: float) -> Iterator[Place]:
    """A table alone."""
    yield from _table(QRectF(_MARGIN, _PAD, width - 2 * _MARGIN, height - 2 * _PAD))


def _table(box: QRectF) -> Iterator[Place]:
    card, room, top = _card(box.left(), box.top(), box.width(), box.height()), box.width(), box.top()
    yield card
    middles = [top + _HEADER / 2]
    middles += [top + _HEADER + (row + 0.5) * _ROW for row in range(int(card.box.height() - _HEADER) // _ROW)]
    for middle in middles:
        for begin, length in _CELLS:
            yield _words(_MARGIN + begin * room, middle - _LINE / 2, length * room)


def card_places(width: float, height: float) -> Iterator[Place]:
    """Four cards, two in a row: a title, three facts and two buttons each."""
    card_width, card_height = (width - 2 * _MARGIN - _GAP) / 2, 174
    for number in range(4):
        left = _MARGIN + number % 2 * (card_width + _GAP)
        top = 16 + number // 2 * (card_height + _GAP)
        yield _card(left, top, card_width, card_height)
        yield _words(left + _PAD, top + 20, 96, 14)
        yield _words(left + card_width - _PAD - 120, top + 22, 120)
        for fact in range(3):
            at = left + _PAD + fact * (card_width - 2 * _PAD) / 3
            yield _words(at, top + 58, 40)
            yield _words(at, top + 77, 80, 14)
        yield _control(left + _PAD, top + card_height - 14 - CONTROL_HEIGHT, 128)
        yield _control(left + _PAD + 136, top + card_height - 14 - CONTROL_HEIGHT, 52)


def question_places(width: float, height: float) -> Iterator[Place]:
    """A card to ask in over three columns for the answers."""
    room = width - 2 * _MARGIN
    yield _card(_MARGIN, 16, room, 194)
    inside = room - 2 * _PAD
    yield _control(_MARGIN + _PAD, 28, inside * 0.28, 92)
    yield _control(_MARGIN + _PAD + inside * 0.28 + _GAP, 28, inside * 0.72 - _GAP, 92)
    for number in range(3):
        yield _words(_MARGIN + _PAD + number * 232, 130, 220, 26)
    yield _control(_MARGIN + room - _PAD - 154, 166, 154)
    column = (room - 2 * _GAP) / 3
    top = 16 + 194 + _GAP
    for number in range(3):
        left = _MARGIN + number * (column + _GAP)
        yield _card(left, top, column, height - top - 16)
        yield _words(left + _PAD, top + 18, column * 0.4, 12)
        for line in range(4):
            yield _words(left + _PAD, top + 72 + line * 22, (column - 2 * _PAD) * (1.0 if line < 3 else 0.5))


def list_places(width: float, height: float) -> Iterator[Place]:
    """A list to choose from at the left, and what belongs to the chosen one at its right."""
    side = 300
    yield _card(_MARGIN, 16, side, height - 32)
    yield _control(_MARGIN + 10, 26, side - 20)
    for number in range(int((height - 32 - 78) // 34)):
        yield _words(_MARGIN + 20, 80 + number * 34, 90 + number * 37 % 80)
    left = _MARGIN + side + 16
    room = width - _MARGIN - left
    yield _words(left, 26, 130, 14)
    yield _words(left, 64, room * 0.6)
    yield _card(left, 88, room, 52)
    yield _words(left + _PAD, 109, room * 0.45)
    yield _control(left + room - _PAD - 116, 98, 116)
    yield _words(left, 164, 180)
    yield _card(left, 190, room, 120)
    for number in range(5):
        yield _words(left + _PAD, 206 + number * 19, room * (0.2 + number * 7 % 4 / 10))


def setting_places(width: float, height: float) -> Iterator[Place]:
    """Sections at the left, and cards of lines with a control each."""
    for number in range(9):
        yield _words(_MARGIN + 36, 29 + number * 35, 60 + number * 29 % 60)
    left = _MARGIN + 190 + 25
    room, top = min(780.0, width - _MARGIN - left), 18.0
    for lines in (2, 3, 1, 4):
        if top > height:
            break
        yield _words(left + 2, top + 2, 110)
        yield _card(left, top + 20, room, lines * 56)
        for number in range(lines):
            line = top + 20 + number * 56
            yield _words(left + _PAD, line + 14, 130)
            yield _words(left + _PAD, line + 33, room * 0.45)
            yield _control(left + room - _PAD - 115, line + 12, 115)
        top += 20 + lines * 56 + 18


def thread_places(width: float, height: float) -> Iterator[Place]:
    """A list of conversations, what was said in one, and its figures where the page is wide enough for them."""
    side, figures = 288, 408 if width >= 1000 else 0
    yield _control(12, _GAP, side - 60)
    for number in range(int((height - 96) // 66)):
        yield _words(20, 104 + number * 66, 150 + number * 23 % 50)
        yield _words(20, 127 + number * 66, 110)
    left = side + 20
    room = width - left - 18 - figures
    yield _words(left, 24, min(240.0, room * 0.6), 14)
    yield _words(left, 58, min(200.0, room * 0.5))
    top = 88.0
    for lines in (3, 1, 2, 4, 2, 3, 4):
        if top > height:
            break
        tall = 56 + lines * 22
        yield _card(left, top, room, tall)
        yield _words(left + _PAD, top + 16, 90)
        for line in range(lines):
            yield _words(left + _PAD, top + 46 + line * 22, (room - 2 * _PAD) * (1.0 if line < lines - 1 else 0.6))
        top += tall + 10
    if figures:
        at = width - figures + _PAD
        yield _card(at, 14, figures - 2 * _PAD, 166)
        yield _words(at + _PAD, 50, 110, 18)
        yield _words(at + _PAD, 92, figures - 4 * _PAD, 8)
        yield _card(at, 192, figures - 2 * _PAD, 300)
        for number in range(9):
            yield _words(at + _PAD, 236 + number * 26, 110)
            yield _words(at + 150 + number * 15, 236 + number * 26, 24)
