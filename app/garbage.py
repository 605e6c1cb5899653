"""Qt's objects die on Qt's thread: the cycle collector runs here on a timer, and nowhere else.

Left to itself Python collects cycles on whichever thread happens to allocate. A worker that wrote rows would then
destroy widgets that were part of a cycle, which ends the process. What start-up has made is set aside first: it lives
as long as the window, and need not be looked at again and again.
"""

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 1000
_SECOND_EVERY = 10
_THIRD_EVERY = 60
# By these seconds the gateway, the pages and the charts have been made; looking at them takes up to 80 ms.
_SETTLED_AT = (5, 30)


class GarbageTimer(QObject):
    """Make it on Qt's thread; `stop` gives collecting back to Python. Young objects each second, older ones less."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._beat = 0
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def set_aside(self) -> None:
        """Everything that lives now will not be looked at again."""
        gc.collect()
        gc.freeze()

    def collect(self) -> None:
        """One step."""
        self._beat += 1
        if self._beat in _SETTLED_AT:
            gc.freeze()
        oldest = 2 if self._beat % _THIRD_EVERY == 0 else 1 if self._beat % _SECOND_EVERY == 0 else 0
        gc.collect(oldest)

    def stop(self) -> None:
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
