"""A page in a window of its own, as large as Faregate's gives it."""

from pytestqt.qtbot import QtBot

from app.pages.page import Page


def show_page(page: Page, qtbot: QtBot) -> None:
    """With the controls that it puts into the window's header, which is not there."""
    for control in page.header_controls():
        control.setParent(page)
    qtbot.addWidget(page)
    page.resize(1220, 840)
    page.show()
