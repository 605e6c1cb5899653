"""A start that takes minutes says why above the pages, until it is over."""

from pytestqt.qtbot import QtBot

from app.notices import Notices
from app.state_notices import StateNotices
from app.theme import Theme
from gateway import GatewayState

URL = "http://127.0.0.1:4210"
WHY = "usage.db (7.7 GB) is brought to this version of Faregate, once."


def _nothing() -> None:
    return


def test_a_start_that_takes_long_says_why_until_it_is_over(qtbot: QtBot, theme: Theme) -> None:
    notices = Notices(theme)
    qtbot.addWidget(notices)
    told = StateNotices(notices, _nothing, _nothing, _nothing, _nothing, _nothing)
    told.show_state(GatewayState(word="starting", url=URL), demo=False)
    assert notices.banner("state") is None
    told.show_state(GatewayState(word="starting", url=URL, message=WHY), demo=False)
    banner = notices.banner("state")
    assert banner is not None and banner.label.text() == WHY and banner.button is None
    told.show_state(GatewayState(word="running", url=URL), demo=False)
    assert notices.banner("state") is None


def test_a_notice_whose_words_change_stays_where_it_is_with_its_button(qtbot: QtBot, theme: Theme) -> None:
    """The keyboard may be on it."""
    notices = Notices(theme)
    qtbot.addWidget(notices)
    hurried: list[None] = []
    told = StateNotices(notices, _nothing, _nothing, _nothing, _nothing, lambda: hurried.append(None))
    told.show_quitting(10)
    banner = notices.banner("quitting")
    assert banner is not None and banner.button is not None
    told.show_quitting(9)
    assert notices.banner("quitting") is banner and "9 s" in banner.text()
    banner.button.click()
    assert hurried == [None]
    told.show_state(GatewayState(word="off", url=URL), demo=False)
    off = notices.banner("state")
    told.show_state(GatewayState(word="error", url=URL, message=WHY), demo=False)
    failed = notices.banner("state")
    assert off is not None and failed is not None and failed is not off
    assert (off.kind, failed.kind, failed.text()) == ("warn", "bad", WHY)
