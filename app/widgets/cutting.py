"""Where an area of widgets can be cut into pieces that take about as long to paint, one as the other.

A widget that a cut goes through is painted for both pieces, and a plot takes as long for ten rows of pixels as for
all of them. So cuts go through what is empty, between cards rather than within them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QWidget

ROW = 20
"""So many logical pixels of a widget's height weigh as much as a small widget."""
TALL = 280
"""A higher widget has rows, as a rule, and may be cut between any two of them."""
# Scroll bars and edges that can be dragged stand beside what is painted, and are no reason not to cut through them.
_NARROW = 24
# From here on a gap is one between cards, however wide it is.
_WIDE = 32
_LETS_THE_MOUSE_THROUGH = Qt.WidgetAttribute.WA_TransparentForMouseEvents


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
    left, top, width, height = _sides(area)
    _collect(parent, 0, 0, (left, top, left + width, top + height), found)
    return found


def _collect(parent: QWidget, x: int, y: int, within: tuple[int, int, int, int], found: list[Box]) -> bool:
    """Add what is within a widget, whose own origin is at `x` and `y`; whether it has any widgets on show. In plain
    numbers: a page has hundreds of widgets, and each call of Qt's takes as long as ten lines of these."""
    has_some = False
    for child in parent.children():
        if not isinstance(child, QWidget) or not _stands(child) or _floats(child):
            continue
        has_some = True
        left, top, width, height = _sides(child.geometry())
        left, top = left + x, top + y
        seen = max(left, within[0]), max(top, within[1]), min(left + width, within[2]), min(top + height, within[3])
        if seen[0] < seen[2] and seen[1] < seen[3] and not _collect(child, left, top, seen, found):
            found += _boxes_in(*seen)
    return has_some


def _sides(rect: QRect) -> tuple[int, int, int, int]:
    """Left, top, width and height."""
    return rect.getRect()  # type: ignore[return-value]


def _stands(widget: QWidget) -> bool:
    """Whether it is on show, or will be in the room that it keeps."""
    return not widget.isHidden() or widget.sizePolicy().retainSizeWhenHidden()


def _floats(widget: QWidget) -> bool:
    """Veils, tooltips and the like lie over others and let the mouse through."""
    return widget.testAttribute(_LETS_THE_MOUSE_THROUGH)


def _boxes_in(left: int, top: int, right: int, bottom: int) -> Iterator[Box]:
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
