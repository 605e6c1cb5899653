"""Where an area of widgets can be cut into pieces that take about as long to paint, one as the other.

A widget that a cut goes through is painted for both pieces, and a plot takes as long for ten rows of pixels as for
all of them. So cuts go through what is empty, between cards rather than within them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QWidget

ROW = 20
"""So many logical pixels of a widget's height weigh as much as a small widget."""
TALL = 280
"""A higher widget has rows, as a rule, and may be cut between any two of them."""
# Scroll bars and edges that can be dragged stand beside what is painted, and are no reason not to cut through them.
_NARROW = 24
# From here on a gap is one between cards, however wide it is.
_WIDE = 32


class Box(NamedTuple):
    """What is painted as a whole: its edges in logical pixels, right and bottom not included, and its weight."""

    left: int
    top: int
    right: int
    bottom: int
    weight: int


Span = tuple[int, int, int]
"""Where a box begins and ends along one axis, and its weight."""


def boxes_of(parent: QWidget, area: QRect) -> list[Box]:
    """What is painted within `area` of a widget: the innermost widgets on show, without what floats over them."""
    found: list[Box] = []
    _collect(parent, QPoint(0, 0), area, found)
    return found


def _collect(parent: QWidget, origin: QPoint, area: QRect, found: list[Box]) -> bool:
    """Add what is within a widget; whether it has any widgets on show."""
    has_some = False
    for child in parent.children():
        if not isinstance(child, QWidget) or not _stands(child) or _floats(child):
            continue
        has_some = True
        place = child.geometry().translated(origin)
        seen = place.intersected(area)
        if not seen.isEmpty() and not _collect(child, place.topLeft(), seen, found):
            found += _boxes_in(seen)
    return has_some


def _stands(widget: QWidget) -> bool:
    """Whether it is on show, or will be in the room that it keeps."""
    return not widget.isHidden() or widget.sizePolicy().retainSizeWhenHidden()


def _floats(widget: QWidget) -> bool:
    """Veils, tooltips and the like lie over others and let the mouse through."""
    return widget.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


def _boxes_in(place: QRect) -> Iterator[Box]:
    left, top, right, bottom = place.left(), place.top(), place.right() + 1, place.bottom() + 1
    if bottom - top <= TALL:
        yield Box(left, top, right, bottom, max(1, (bottom - top) // ROW))
    elif right - left > _NARROW:
        for start in range(top, bottom, ROW):
            yield Box(left, start, right, min(start + ROW, bottom), 1)


def cut(area: QRect, boxes: Sequence[Box], most: int) -> Iterator[QRect]:
    """Pieces that make up `area`, from its top left on. Each weighs `most` at most, but for what cannot be cut."""
    if sum(box.weight for box in boxes) <= most:
        yield area
        return
    beside, x = _best_cut([(box.left, box.right, box.weight) for box in boxes])
    below, y = _best_cut([(box.top, box.bottom, box.weight) for box in boxes])
    if not beside and not below:
        yield area
        return
    first, second = QRect(area), QRect(area)
    if below >= beside:
        first.setBottom(y - 1)
        second.setTop(y)
        before, after = [box for box in boxes if box.bottom <= y], [box for box in boxes if box.top >= y]
    else:
        first.setRight(x - 1)
        second.setLeft(x)
        before, after = [box for box in boxes if box.right <= x], [box for box in boxes if box.left >= x]
    yield from cut(first, before, most)
    yield from cut(second, after, most)


def _best_cut(spans: list[Span]) -> tuple[int, int]:
    """How good the best cut is that goes through none of these, and where it is; 0 and 0 where there is none. A wide
    gap is better than a narrow one, and halves are better than a large piece and a small one."""
    whole = sum(weight for _, _, weight in spans)
    best, before, reached = (0, 0), 0, 0
    for start, end, weight in sorted(spans):
        if before and start >= reached:
            score = (min(start - reached, _WIDE) + 1) * min(before, whole - before)
            best = max(best, (score, (start + reached + 1) // 2))
        reached = max(reached, end)
        before += weight
    return best
