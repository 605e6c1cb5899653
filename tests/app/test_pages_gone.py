"""A page that was taken from the window, as where another gateway takes its place, follows nothing any more."""

import pytest
import shiboken6
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.pages import PAGES, PageEntry
from app.pages.models import ModelsPage
from app.pages.settings import SettingsPage
from app.pages.settings_parts.table import SECTIONS
from app.theme import Theme
from app.throttle import EVERYTHING
from tests.app.spawner import Spawner


@pytest.mark.parametrize("entry", PAGES, ids=[entry.key for entry in PAGES])
def test_what_lives_on_tells_it_nothing(
    qtbot: QtBot, context: AppContext, theme: Theme, spawner: Spawner, entry: PageEntry
) -> None:
    page = entry.load()(context)
    page.show()
    page.on_shown()
    spawner(page.refresh(EVERYTHING))
    if isinstance(page, SettingsPage):
        for section in SECTIONS:
            page.open_section(section.key)
    if isinstance(page, ModelsPage):
        assert page.repricing and page.bill
    page.on_hidden()
    shiboken6.delete(page)
    with qtbot.captureExceptions() as raised:
        for mode in ("dark", "light", "dark"):
            theme.set_mode(mode)
        context.filters.set_zone("Asia/Tokyo")
        context.filters.set_range("30d")
        context.shell.preferences.set("density", "compact")
        context.shell.preferences.set("clock", "12")
        context.shell.redraw_asked.emit()
    assert raised == []
