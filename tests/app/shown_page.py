"""A page in a window of its own, as large as Faregate's gives it; and a request's details beside their table."""

from pytestqt.qtbot import QtBot

from app.pages.page import Page
from app.pages.requests import RequestsPage


def show_page(page: Page, qtbot: QtBot) -> None:
    """With the controls that it puts into the window's header, which is not there."""
    for control in page.header_controls():
        control.setParent(page)
    qtbot.addWidget(page)
    page.resize(1220, 840)
    page.show()


def open_row(page: RequestsPage, qtbot: QtBot, row: int) -> None:
    """As a click on it does: the drawer comes in a turn of its own."""
    page.view.selectRow(row)
    page.view.opened.emit(row)
    qtbot.waitUntil(page.drawer.isVisible)
