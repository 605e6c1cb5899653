"""What a click asks for, in a turn of its own: the pressed button is painted at once, and the gateway has its turns
before the rest."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

_PAUSE_MS = 5


class NextTurn(QObject):
    """One thing at a time: what is asked for last takes the place of what has not begun."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._act: Callable[[], object] = lambda: None
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(lambda: self._act())

    def ask(self, act: Callable[[], object]) -> None:
        """`act()` in a few milliseconds."""
        self._act = act
        self._timer.start()

    def leave(self) -> None:
        """What has not begun is not done: something else was asked for since."""
        self._timer.stop()
