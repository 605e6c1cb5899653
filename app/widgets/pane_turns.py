"""Panes of a stack that clicks choose: the one before goes in the click's turn, what is seen of it stays, and the
other one comes in the next, painted in pieces. All of it at once holds the loop for too long."""

from collections.abc import Callable

import shiboken6
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from app.next_turn import NextTurn
from app.tab_order import tab_stops
from app.widgets.curtain import Curtain


class PaneTurns(QObject):
    """Of a stack that is a child of `page`."""

    def __init__(self, page: QWidget, stack: QStackedWidget) -> None:
        super().__init__(page)
        self._stack = stack
        self._had_keyboard = False
        # By pane: Qt forgets whose it was there where nothing takes it at once.
        self._kept: dict[QWidget, QWidget] = {}
        self._turn = NextTurn(self)
        self.curtain = Curtain(page)

    def ask(self, show: Callable[[], object]) -> None:
        """In the turn of a click: `show()`, which calls `show` here, comes in the next."""
        pane: QWidget | None = self._stack.currentWidget()
        if pane is not None and pane.isVisible():
            self._cover()
            now = QApplication.focusWidget()
            if now is not None and pane.isAncestorOf(now):
                # Else Qt would hand it to a neighbour of the stack.
                now.clearFocus()
                self._kept[pane] = now
                self._had_keyboard = True
            pane.hide()
        self._turn.ask(show)

    def show(self, pane: QWidget) -> None:
        """At once; what was asked for before is not shown any more."""
        self._turn.leave()
        self._cover()
        self._stack.setCurrentWidget(pane)
        # It may have been left for a moment.
        pane.show()
        if self._had_keyboard:
            self._had_keyboard = False
            self._give_keyboard(pane)

    def _cover(self) -> None:
        self.curtain.draw(self._stack.geometry())

    def _give_keyboard(self, pane: QWidget) -> None:
        """To what had it there, or to the first that takes it, as a stack does by itself."""
        if QApplication.focusWidget() is not None or not pane.isVisible():
            return
        kept: QWidget | None = pane.focusWidget() or self._kept.get(pane)
        if kept is None or not shiboken6.isValid(kept) or not _is_there(kept):
            kept = next(iter(tab_stops(pane)), pane)
        kept.setFocus(Qt.FocusReason.OtherFocusReason)


def _is_there(widget: QWidget) -> bool:
    return widget.isEnabled() and widget.isVisible()
