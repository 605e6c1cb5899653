"""Questions as they look: nothing of one stands nearer to its edge than its words."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.questions import ask_how_to_close, ask_to_discard, ask_to_leave_demo
from app.theme import Theme


def _nothing() -> None:
    return


@pytest.mark.parametrize(
    "ask",
    [
        lambda parent: ask_how_to_close(parent, _nothing, _nothing),
        lambda parent: ask_to_leave_demo(parent, _nothing),
        lambda parent: ask_to_discard(parent, _nothing),
    ],
)
def test_buttons_stand_as_far_from_the_edge_as_the_words(
    qtbot: QtBot, qapp: QApplication, theme: Theme, ask: Callable[[QWidget], None]
) -> None:
    theme.apply(qapp)
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    ask(parent)
    (box,) = parent.findChildren(QMessageBox)
    qtbot.waitUntil(box.isVisible)

    def left(widget: QWidget) -> int:
        return widget.mapTo(box, QPoint(0, 0)).x()

    text = box.findChild(QLabel, "qt_msgbox_label")
    assert text is not None
    words = left(text) + text.indent()
    # Some desktops make buttons so wide that they take all of this.
    row = box.findChild(QDialogButtonBox)
    assert row is not None
    assert left(row) + row.contentsRect().left() >= words
    assert left(row) + row.contentsRect().right() < box.width() - 19
    box.close()
