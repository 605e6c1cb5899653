"""Widgets by the shape of what they show: what has the same lines as something before only changes their words.

Those of the shapes that were asked for last are kept, so that walking through rows makes no widget anew.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

_MOST = 4

Made = TypeVar("Made")


class KeptShapes(Generic[Made]):
    """In a column, of which one is on show. `widget` is the one of what was made."""

    def __init__(self, column: QVBoxLayout, widget: Callable[[Made], QWidget]) -> None:
        self._column = column
        self._widget = widget
        self._made: dict[Hashable, Made] = {}

    def __iter__(self) -> Iterator[QWidget]:
        return map(self._widget, self._made.values())

    def of(self, shape: Hashable, make: Callable[[], Made], palette: QPalette) -> Made:
        """Those of this shape, hidden where they are made now; the palette is for these."""
        made = self._made.pop(shape, None)
        if made is None:
            made = make()
            widget = self._widget(made)
            widget.hide()
            widget.setPalette(palette)
            self._column.addWidget(widget)
        # The one that was asked for last stands last.
        self._made[shape] = made
        while len(self._made) > _MOST:
            # What is on show stays until something else is shown, however long that takes.
            oldest = next(each for each, kept in self._made.items() if self._widget(kept).isHidden())
            gone = self._widget(self._made.pop(oldest))
            self._column.removeWidget(gone)
            # What stands where a widget ends is painted anew, though that was hidden.
            gone.resize(0, 0)
            gone.deleteLater()
        return made

    def show(self, widget: QWidget) -> None:
        """This one alone."""
        for each in self:
            each.setVisible(each is widget)

    def hide_all(self) -> None:
        for each in self:
            each.hide()


def lay_out_hidden(widget: QWidget, width: int, least: int = 0) -> None:
    """Ahead of its showing, as it will stand: so wide, and as high as it needs then, `least` pixels at least."""
    layout = widget.layout()
    assert layout is not None
    widget.resize(width, max(least, layout.totalHeightForWidth(width)))
    layout.activate()
