"""The row above a page: its controls have their room, also those that come later."""

from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.header import MARGIN, Header
from app.theme import Theme
from app.widgets import SegmentedControl


def test_a_control_that_comes_later_has_room(qtbot: QtBot, theme: Theme, qapp: QApplication) -> None:
    header = Header(theme)
    qtbot.addWidget(header)
    header.resize(900, 60)
    header.show()
    late, own = QPushButton("First steps"), QPushButton("Export")
    late.hide()
    other = header.add_controls([QPushButton("Another page's")])
    holder = header.add_controls([late, own])
    header.show_page("Connect", "", holder)
    narrow = own.parentWidget().width()
    late.show()
    qtbot.waitUntil(lambda: late.width() >= late.sizeHint().width() and own.width() >= own.sizeHint().width())
    late.hide()
    qtbot.waitUntil(lambda: own.parentWidget().width() == narrow)
    header.show_page("Other", "", other)
    late.show()
    qapp.processEvents()
    assert other.width() == other.sizeHint().width()


def test_choices_move_together_before_a_control_leaves_the_window(qtbot: QtBot, theme: Theme) -> None:
    header = Header(theme)
    qtbot.addWidget(header)
    choices = SegmentedControl(theme, [(str(number), f"{number} months") for number in range(6)])
    own = QPushButton("Export")
    holder = header.add_controls([choices, own])
    header.show_page("Overview", "of this year", holder)
    words = header.title.sizeHint().width() + header.subtitle.minimumSizeHint().width()
    least = words + holder.sizeHint().width() + 2 * (MARGIN + 14)
    for width in (least, least - 60, least):
        header.resize(width, 60)
        header.show()
        qtbot.waitUntil(lambda width=width: own.mapTo(header, own.rect().topRight()).x() == width - MARGIN - 1)  # type: ignore[misc]
        assert own.width() == own.sizeHint().width()
        assert choices.width() == choices.sizeHint().width() - (least - width)
