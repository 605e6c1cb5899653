"""A page in a window of its own, as large as Faregate's gives it; and a request's details beside their table."""

import asyncio

from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.pages.overview import OverviewPage
from app.pages.page import Page
from app.pages.requests import RequestsPage
from gateway import Changes


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


def shown_overview(qtbot: QtBot, context: AppContext, changes: Changes | None = None) -> OverviewPage:
    """At its design size, its charts built, the rows of the context's filters shown; `changes` is what it takes as
    changed, else the usage."""
    page = OverviewPage(context)
    qtbot.addWidget(page)
    page.resize(1220, 839)
    page.show()
    asyncio.run(page.refresh(changes or Changes(usage=True)))
    page.grab()
    qtbot.waitUntil(lambda: len(page.charts) == 4)
    return page
