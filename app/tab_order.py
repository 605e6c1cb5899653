"""The order in which Tab leads through a window: as one reads it, also where parts came later than what follows them.

Qt's own order is the one in which widgets were made, which for charts, chips and cards that come with their data is
after everything else.
"""

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLayout, QWidget


def give_to_neighbour(window: QWidget, *, forward: bool) -> bool:
    """The keyboard goes to what comes next in the window, or came before; False where that cannot be told: nothing
    that is on show has it, or nothing else takes it."""
    now = QApplication.focusWidget()
    stops = tab_stops(window, now)
    if now not in stops or len(stops) == 1:
        return False
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    stops[(stops.index(now) + (1 if forward else -1)) % len(stops)].setFocus(reason)
    return True


def tab_stops(within: QWidget, kept: QWidget | None = None) -> list[QWidget]:
    """What is on show there and takes the keyboard, as one reads it; `kept` in its place in any case."""
    return [widget for widget in _read(within) if widget is kept or _takes_tab(widget)]


def _takes_tab(widget: QWidget) -> bool:
    policy = widget.focusPolicy()
    if isinstance(widget, QAbstractButton) and (chosen := _chosen_beside(widget)) is not None:
        # Qt leaves that to the one of them that had the keyboard last, and before one had it to all.
        takes = widget is chosen and policy != Qt.FocusPolicy.NoFocus
    else:
        takes = bool(policy & Qt.FocusPolicy.TabFocus)
    return takes and widget.focusProxy() is None and widget.isEnabled()


def _chosen_beside(button: QAbstractButton) -> QAbstractButton | None:
    """Of buttons of which one is chosen, that one; None where there is none to come to."""
    group = button.group()
    if group is None or not group.exclusive():
        return None
    chosen = group.checkedButton()
    return chosen if chosen is not None and chosen.isVisible() and chosen.isEnabled() else None


def _read(widget: QWidget) -> Iterator[QWidget]:
    """What is on show within it: first what its layout holds, in the layout's order, then what stands over that."""
    placed = list(_placed(layout)) if (layout := widget.layout()) is not None else []
    others = [child for child in widget.children() if isinstance(child, QWidget) and child not in placed]
    for child in (*placed, *others):
        if child.isVisible() and not child.isWindow():
            yield child
            yield from _read(child)


def _placed(layout: QLayout) -> Iterator[QWidget]:
    for number in range(layout.count()):
        item = layout.itemAt(number)
        if item is None:
            continue
        if (widget := item.widget()) is not None:
            yield widget
        elif (within := item.layout()) is not None:
            yield from _placed(within)
