"""What it costs that an event of Qt's passes through Python's hands on its way to a widget.

The same events are sent in an application without that and in this one; the difference is the passages'.
"""

import subprocess
import sys
import time

from PySide6.QtWidgets import QApplication, QLabel, QWidget

_WIDGETS, _TIMES = 200, 30


def sending_s() -> float:
    """CPU seconds in which Qt tells each of many widgets of one thing, the shortest of some times, for each of them."""
    whole = QWidget()
    for _ in range(_WIDGETS):
        QLabel(whole)
    took = []
    for number in range(_TIMES):
        began = time.thread_time()
        whole.setEnabled(bool(number % 2))
        took.append(time.thread_time() - began)
    return min(took[1:]) / _WIDGETS


def plain_s() -> float:
    """The same in a process of its own, whose application is Qt's."""
    command = [sys.executable, "-m", __name__, "-platform", "offscreen"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


if __name__ == "__main__":
    application = QApplication(sys.argv)
    print(sending_s())
