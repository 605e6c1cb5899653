"""The row above a page: its controls have their room, also those that come later."""

from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.header import Header
from app.theme import Theme


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
