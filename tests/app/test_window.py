"""The shell: pages built when opened, refreshed when seen, remembered; its keyboard; its sidebar."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from PySide6.QtCore import QSettings, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterSnapshot, FilterState
from app.fonts import ui_font
from app.local_days import midnight_us
from app.pages import PAGES, PageEntry
from app.pages.api_keys import ApiKeysPage
from app.pages.models import ModelsPage
from app.pages.page import RequestTarget
from app.pages.requests import RequestsPage
from app.shortcuts import SHORTCUTS
from app.sidebar import NARROW, STATES, WIDE, Sidebar
from app.sources import marked_money
from app.theme import Theme
from app.throttle import EVERYTHING, INTERVAL_MS
from app.widgets import PushButton
from app.window import DESIGN_SIZE, Window
from gateway import Changes, Completeness, Difference, GatewayState, ProviderRow
from gateway.store.meter import FULL, REASONS, Reason
from tests.app.accessible import unnamed
from tests.app.fake_data import exchanges
from tests.app.fake_gateway import FakeGateway
from tests.app.fake_threads import plain_thread
from tests.app.probe_pages import Exporting, Probe, probe_entries
from tests.app.spawner import Spawner


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def make_window(qtbot: QtBot, context: AppContext, store: QSettings) -> Callable[..., Window]:
    def make(pages: tuple[PageEntry, ...] = probe_entries(), *, start: bool = True) -> Window:
        window = Window(context, store, pages)
        window.resize(*DESIGN_SIZE)
        qtbot.addWidget(window, before_close_func=lambda window: setattr(window, "_may_close", True))
        window.show()
        if start:
            window.start_pages()
        return window

    return make


@pytest.fixture
def window(make_window: Callable[..., Window]) -> Window:
    return make_window()


def page(window: Window) -> Probe:
    assert isinstance(window.page, Probe)
    return window.page


# pages


def test_a_page_is_built_when_it_is_first_opened(make_window: Callable[..., Window]) -> None:
    Probe.made = 0
    window = make_window(start=False)
    assert window.page is None
    assert Probe.made == 0
    window.start_pages()
    assert (Probe.made, window.header.title.text()) == (1, "Requests")
    window.open_page("api_keys")
    window.open_page("requests")
    assert Probe.made == 2


def test_it_tells_that_a_page_was_made_and_that_all_have_gone(
    qtbot: QtBot, make_window: Callable[..., Window], context: AppContext
) -> None:
    window, told = make_window(start=False), []
    window.built.connect(lambda: told.append("built"))
    window.retired.connect(lambda: told.append("retired"))
    window.change_context(context)
    window.start_pages()
    window.open_page("api_keys")
    window.open_page("requests")
    window.change_context(context)
    assert told == ["built", "built", "retired"]


def test_what_only_the_gateway_of_before_could_undo_is_offered_no_more(window: Window, context: AppContext) -> None:
    """Pressed after a restart, the button did nothing and said nothing."""
    undone: list[str] = []
    context.shell.undoable.emit("Your price is removed", lambda: undone.append("price"))
    window.toasts._shown[0].findChild(PushButton).click()
    assert undone == ["price"] and window.toasts.texts == ()
    context.shell.undoable.emit("Your price is removed", lambda: None)
    context.shell.offered.emit("The key is stored", "Clear the clipboard", lambda: None)
    window.change_context(context)
    assert window.toasts.texts == ("The key is stored",)


def test_a_page_is_refreshed_with_everything_when_it_is_first_shown(window: Window) -> None:
    assert page(window).refreshed[0] == EVERYTHING
    assert page(window).visits == ["shown"]
    assert window.header.subtitle.text() == f"{len(page(window).refreshed)} times"


def test_changes_reach_the_page_on_show_at_once_and_others_when_they_are_opened(qtbot: QtBot, window: Window) -> None:
    first = page(window)
    window.open_page("providers")
    second = page(window)
    qtbot.waitUntil(lambda: window.coalescer.pending == Changes())
    before = (len(first.refreshed), len(second.refreshed))
    window.mark(Changes(usage=True))
    qtbot.waitUntil(lambda: len(second.refreshed) == before[1] + 1)
    assert second.refreshed[-1] == Changes(usage=True)
    assert len(first.refreshed) == before[0]
    window.open_page("requests")
    qtbot.waitUntil(lambda: len(first.refreshed) > before[0])
    assert first.refreshed[before[0]] == Changes(usage=True), "what changed meanwhile"
    assert first.visits == ["shown", "hidden", "shown"]


def test_a_hidden_window_asks_nothing(qtbot: QtBot, window: Window, fake_gateway: FakeGateway) -> None:
    qtbot.waitUntil(lambda: window.coalescer.pending == Changes())
    window.hide()
    fake_gateway.calls.clear()
    window.mark(Changes(usage=True, keys=True))
    qtbot.wait(INTERVAL_MS + 100)
    assert fake_gateway.calls == []
    window.show()
    qtbot.waitUntil(lambda: "summary" in fake_gateway.calls and "api_keys" in fake_gateway.calls)


def test_a_minimised_window_does_not_look(qtbot: QtBot, window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bool] = []
    monkeypatch.setattr(window.coalescer, "set_active", looks.append)
    window.showMinimized()
    qtbot.waitUntil(lambda: looks[-1:] == [False])
    window.showNormal()
    qtbot.waitUntil(lambda: looks[-1:] == [True])


def test_time_passes_on_the_page_that_is_seen_and_in_no_minimised_window(
    qtbot: QtBot, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []
    monkeypatch.setattr(Probe, "as_time_passes", lambda page: passed.append(page.control.text()))
    page(window).control.setText("first")
    window.open_page("providers")
    page(window).control.setText("second")
    window._ages.timeout.emit()
    assert passed == ["second"] and window._ages.isActive()
    window.showMinimized()
    qtbot.waitUntil(lambda: not window._ages.isActive())
    window.showNormal()
    qtbot.waitUntil(lambda: passed == ["second", "second"])
    assert window._ages.isActive()


def test_header_controls_belong_to_their_page(window: Window) -> None:
    first = page(window)
    assert first.control.isVisible()
    window.open_page("providers")
    assert not first.control.isVisible()
    assert page(window).control.isVisible()


def test_a_page_opens_another_with_filters_and_back_returns(window: Window, context: AppContext) -> None:
    context.filters.set_range("7d")
    page(window).navigate.emit("providers", FilterSnapshot(range_key="1h", dimensions={"model": ("o3",)}))
    assert (window.header.title.text(), context.filters.range_key) == ("Providers", "1h")
    window.go_back()
    assert (window.header.title.text(), context.filters.range_key) == ("Requests", "7d")
    assert context.filters.dimensions == {}
    window.go_forward()
    assert (window.header.title.text(), context.filters.range_key) == ("Providers", "1h")
    assert context.filters.dimensions == {"model": ("o3",)}
    window.go_forward()
    window.go_back()
    assert (window.header.title.text(), context.filters.range_key) == ("Requests", "7d")
    window.go_back()
    page(window).navigate.emit("nowhere", None)
    assert window.header.title.text() == "Requests"
    page(window).navigate.emit("providers", FilterSnapshot(range_key="24h"))
    window.go_back()
    page(window).navigate.emit("providers", FilterSnapshot(range_key="30d"))
    window.go_forward()
    assert context.filters.range_key == "30d", "another way was taken since"


def test_a_page_opens_another_on_a_request_and_back_returns(window: Window) -> None:
    page(window).navigate.emit("providers", RequestTarget("req_1"))
    assert window.header.title.text() == "Providers"
    assert page(window).targets == [RequestTarget("req_1")]
    window.go_back()
    assert window.header.title.text() == "Requests"
    assert page(window).targets == []


def test_another_gateway_builds_the_pages_anew(qtbot: QtBot, window: Window, theme: Theme, spawner: Spawner) -> None:
    old = page(window)
    other = FakeGateway(10, word="off")
    window.change_context(AppContext(other, theme, window.context.filters, spawner))  # type: ignore[arg-type]
    assert window.page is None
    assert window.sidebar.card.word.text() == "Off"
    window.start_pages()
    assert page(window) is not old
    qtbot.waitUntil(lambda: "summary" in other.calls)


# the sidebar


def test_the_sidebar_shows_counts_and_the_day(qtbot: QtBot, context: AppContext, window: Window) -> None:
    assert isinstance(context.gateway, FakeGateway)
    buttons = window.sidebar.buttons
    qtbot.waitUntil(lambda: buttons["requests"].count == "400")
    assert (buttons["providers"].count, buttons["api_keys"].count) == ("3", "3")
    now = time.time_ns() // 1000
    context.gateway.rows = list(exchanges(5, now, days=1))
    with qtbot.waitSignal(window.today):
        window.mark(Changes(usage=True))
    assert window.sidebar.today.text.startswith("Today $")


def test_a_provider_that_is_called_otherwise_is_so_on_every_page(
    qtbot: QtBot, context: AppContext, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chips kept the name that was read first, until Requests was opened."""
    names, read = context.provider_names, context.gateway.providers
    qtbot.waitUntil(lambda: names.name("openai") == "OpenAI")

    async def renamed() -> tuple[ProviderRow, ...]:
        return tuple(replace(row, title=f"Our {row.title}") for row in await read())

    monkeypatch.setattr(context.gateway, "providers", renamed)
    window.mark(Changes(providers=True))
    qtbot.waitUntil(lambda: names.name("openai") == "Our OpenAI")


def test_the_sidebar_counts_conversations(
    qtbot: QtBot, context: AppContext, make_window: Callable[..., Window]
) -> None:
    assert isinstance(context.gateway, FakeGateway)
    context.gateway.told = [plain_thread(number, time.time_ns() // 1000) for number in range(3)]
    probes = [entry for entry in probe_entries() if entry.key == "requests"]
    probes.append(PageEntry("conversations", "Conversations", "messages-square", "Observe", probes[0].load))
    window = make_window(tuple(probes))
    count = window.sidebar.buttons["conversations"]
    qtbot.waitUntil(lambda: count.count == "3")
    context.gateway.told.pop()
    window.mark(Changes(conversations=True))
    qtbot.waitUntil(lambda: count.count == "2")


@pytest.mark.parametrize("word", STATES)
def test_a_state_is_a_word_a_colour_and_a_switch(window: Window, word: str) -> None:
    card = window.sidebar.card
    window.show_state(GatewayState(word=word, url="http://127.0.0.1:4300", message="Because."))
    shown, _, on = STATES[word]
    assert (card.word.text(), card.switch.isChecked(), card.toolTip()) == (shown, on, "Because.")
    assert card.switch.isEnabled() == (word not in ("starting", "stopping"))
    assert card.endpoint.text() == "127.0.0.1:4300"


def test_the_endpoint_is_copied_whole(qtbot: QtBot, window: Window) -> None:
    qtbot.mouseClick(window.sidebar.card.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:4210/api/ai/v1"
    assert window.toasts.texts == ("Endpoint copied",)


def test_the_switch_asks_and_does_not_decide(qtbot: QtBot, window: Window) -> None:
    with qtbot.waitSignal(window.gateway_switched) as asked:
        qtbot.mouseClick(window.sidebar.card.switch, Qt.MouseButton.LeftButton)
    assert asked.args == [False]


def test_the_sidebar_narrows_with_the_window_and_by_choice(qtbot: QtBot, window: Window) -> None:
    window.resize(1300, 800)
    assert window.sidebar.width() == WIDE
    window.resize(1100, 800)
    qtbot.waitUntil(lambda: window.sidebar.width() == NARROW)
    assert not window.sidebar.card.endpoint.isVisible()
    window.toggle_sidebar()
    assert window.sidebar.width() == WIDE
    window.resize(1300, 800)
    window.toggle_sidebar()
    assert window.sidebar.width() == NARROW


@pytest.mark.parametrize(
    ("nano", "estimated", "shown"),
    [
        (8_814_000, True, "$0.009"),
        (8_814_000, False, "$0.009"),
        (70_000_000, True, "$0.070"),
        (12_340_000_000, True, "$12.34"),
        (0, False, "$0.00"),
    ],
)
def test_what_the_day_cost_is_not_cut_to_nothing_in_the_narrow_sidebar(
    qtbot: QtBot, theme: Theme, nano: int, estimated: bool, shown: str
) -> None:
    """It said $0.00… of most of a cent."""
    sidebar = Sidebar(theme, PAGES)
    qtbot.addWidget(sidebar)
    sidebar.set_narrow(True)
    today = sidebar.today
    today.resize(NARROW - 17, today.height())
    today.set_figure(marked_money(nano, estimated), nano=nano)
    assert today.short_figure(ui_font(10, 600)) == shown
    assert today.text == f"Today {marked_money(nano, estimated)}", "wide, in all its digits"


def test_nothing_is_pressed_together_in_the_sidebar_of_a_low_screen(qtbot: QtBot, theme: Theme) -> None:
    """A screen of 1440×900 has 600 pixels where all is shown half as large again."""
    sidebar = Sidebar(theme, PAGES)
    qtbot.addWidget(sidebar)
    sidebar.set_narrow(True)
    assert sidebar.minimumSizeHint().height() <= 600


def test_the_theme_is_chosen_in_the_sidebar(qtbot: QtBot, window: Window, theme: Theme) -> None:
    for mode in ("dark", "system", "light"):
        button = window.findChild(QWidget, f"theme.{mode}")
        assert button is not None
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert theme.mode == mode
        assert button.isChecked()  # type: ignore[attr-defined]


# the keyboard


def test_no_two_actions_share_a_key(window: Window) -> None:
    keys = [key.toString() for action in window.window_actions.values() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    assert {"Ctrl+1", "Ctrl+2", "Ctrl+3", "Ctrl+B", "Ctrl+R", "Ctrl+E", "Ctrl+Shift+G", "Ctrl+Q", "Ctrl+W"} <= set(
        keys
    )
    assert all(hasattr(window, row.slot) for row in SHORTCUTS)


@pytest.mark.parametrize(
    ("keys", "happened"),
    [
        (("Ctrl+2",), lambda window: window.header.title.text() == "Providers"),
        (("Ctrl+B",), lambda window: window.sidebar.narrow),
        (("Ctrl+2", "Ctrl+E"), lambda window: Exporting.exported == 1),
        (("Ctrl+3", "Alt+Left"), lambda window: window.header.title.text() == "Requests"),
        (("Ctrl+2", "Alt+Left", "Alt+Right"), lambda window: window.header.title.text() == "Providers"),
        (("Ctrl+R",), lambda window: len(page(window).refreshed) >= 2),
    ],
    ids=["page", "sidebar", "export", "back", "forward", "refresh"],
)
def test_keys_do_what_they_say(
    qtbot: QtBot, window: Window, keys: tuple[str, ...], happened: Callable[[Window], bool]
) -> None:
    Exporting.exported = 0
    with qtbot.waitActive(window):
        window.activateWindow()
    for key in keys:
        combination = QKeySequence(key)[0]
        qtbot.keyClick(window, combination.key(), combination.keyboardModifiers())
    qtbot.waitUntil(lambda: happened(window))


@pytest.mark.parametrize(
    ("key", "signal"), [("Ctrl+Q", "quit_asked"), ("Ctrl+W", "close_asked"), ("Ctrl+Shift+G", "gateway_switched")]
)
def test_keys_that_are_asked_of_the_host(qtbot: QtBot, window: Window, key: str, signal: str) -> None:
    with qtbot.waitActive(window):
        window.activateWindow()
    combination = QKeySequence(key)[0]
    with qtbot.waitSignal(getattr(window, signal)):
        qtbot.keyClick(window, combination.key(), combination.keyboardModifiers())
    assert window.isVisible(), "whether it closes is not the window's to say"


def test_export_is_off_where_a_page_has_nothing_to_save(window: Window) -> None:
    assert not window.window_actions["export"].isEnabled()
    window.open_page("providers")
    assert window.window_actions["export"].isEnabled()


# what is remembered


def test_size_page_range_and_sidebar_are_remembered(
    make_window: Callable[..., Window],
    context: AppContext,
    store: QSettings,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = make_window()
    window.resize(1350, 777)
    geometry = window.saveGeometry()
    # The display of the tests is smaller than the window, so that Qt would fit it.
    restored: list[object] = []
    monkeypatch.setattr(Window, "restoreGeometry", lambda _window, kept: restored.append(kept) is None)
    window.open_page("providers")
    context.filters.set_range("30d")
    window.toggle_sidebar()
    window.close_for_good()
    assert not window.isVisible()
    again = AppContext(context.gateway, context.theme, FilterState(tz="UTC"), context.spawn)
    second = Window(again, QSettings(store.fileName(), QSettings.Format.IniFormat), probe_entries())
    qtbot.addWidget(second)
    second.start_pages()
    assert restored == [geometry]
    assert store.value("narrow") in (True, "true")
    assert (second.header.title.text(), again.filters.range_key, second.sidebar.narrow) == ("Providers", "30d", True)


def test_a_window_is_no_larger_than_its_screen(context: AppContext, store: QSettings, qtbot: QtBot) -> None:
    """A virtual machine's of 800 px: what stood beyond its edge could not be reached."""
    window = Window(context, store, probe_entries())
    qtbot.addWidget(window, before_close_func=lambda window: setattr(window, "_may_close", True))
    window.show()
    assert window.screen().availableGeometry().contains(window.frameGeometry())
    assert window.minimumHeight() < window.screen().availableGeometry().height()


def test_a_window_that_was_small_on_another_screen_is_whole_on_this_one(
    context: AppContext, store: QSettings, qtbot: QtBot
) -> None:
    """It was on one with twice the scale, which is gone; here it may not be as small."""
    small = QWidget()
    qtbot.addWidget(small)
    small.setGeometry(500, 300, 280, 200)
    store.setValue("geometry", small.saveGeometry())
    window = Window(context, store, probe_entries())
    qtbot.addWidget(window, before_close_func=lambda window: setattr(window, "_may_close", True))
    assert window.width() >= window.minimumWidth() > 280
    assert window.screen().availableGeometry().contains(window.geometry())


@pytest.mark.parametrize(
    ("name", "value"), [("filters", "{not json"), ("filters", '{"range_key":7}'), ("page", "gone"), ("geometry", "x")]
)
def test_damaged_settings_are_as_good_as_none(
    make_window: Callable[..., Window], store: QSettings, name: str, value: str
) -> None:
    store.setValue(name, value)
    window = make_window()
    assert window.header.title.text() == "Requests"
    assert window.context.filters.range_key == "7d"


# the whole, with the real pages


def test_every_page_of_the_list_can_be_opened_and_is_named(
    qtbot: QtBot, make_window: Callable[..., Window], spawner: Spawner
) -> None:
    window = make_window(PAGES)
    for entry in PAGES:
        window.open_page(entry.key)
        shown = window.page
        assert shown is not None
        assert (type(shown).title, type(shown).key, type(shown).icon) == (entry.title, entry.key, entry.icon)
        for part in window.findChildren(QWidget):
            # A scroll area takes keys only to scroll; what is in it has the names.
            scrolls = type(part) is QScrollArea
            if part.isVisible() and part.focusPolicy() & Qt.FocusPolicy.TabFocus and not scrolls:
                text = part.text() if hasattr(part, "text") else ""
                assert part.accessibleName() or text, f"{entry.key}: {part} has no name"
    qtbot.wait(50)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 680)])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_window_fits_and_is_not_blank(
    qtbot: QtBot, make_window: Callable[..., Window], theme: Theme, width: int, height: int, mode: str
) -> None:
    theme.set_mode(mode)
    window = make_window(PAGES)
    window.resize(width, height)
    qtbot.wait(50)
    assert (window.width(), window.height()) == (width, height), "nothing is wider than the window"
    image = window.grab().toImage()
    sampled = itertools.product(range(0, image.width(), 20), range(0, image.height(), 20))
    assert len({image.pixel(x, y) for x, y in sampled}) > 5


def test_the_day_begins_at_local_midnight() -> None:
    now = 1_795_456_980_000_000
    assert midnight_us(now, "UTC") == 1_795_392_000_000_000
    assert midnight_us(now, "Europe/Berlin") == 1_795_388_400_000_000


def test_a_page_that_takes_long_at_first_says_so_and_stops_when_it_is_there(
    qtbot: QtBot, make_window: Callable[..., Window], spawner: Spawner
) -> None:
    begun: list[tuple[bool, bool]] = []

    class Slow(Probe):
        async def refresh(self, changes: Changes) -> None:
            self.veil._cover()
            begun.append((self.veil.isVisible(), self.veil.empty))

    window = make_window(probe_entries(first=Slow))
    assert begun == [(True, True)]
    assert window.page is not None and window.page.veil.isHidden()
    with window.page.loading(), window.page.loading():
        window.page.veil._cover()
    assert window.page.veil.isHidden() and not window.page.veil.empty


def test_a_page_that_is_opened_is_painted_in_bands(qtbot: QtBot, window: Window) -> None:
    """All of its widgets in one paint would hold the loop for forty milliseconds."""
    qtbot.waitUntil(window._curtain.isHidden)
    window.open_page("providers")
    assert window._curtain.isVisible() and window._curtain.geometry() == window.stack.geometry()
    middle = window.stack.mapToGlobal(window.stack.rect().center())
    assert QApplication.widgetAt(middle) is not window._curtain, "a click meanwhile is the page's"
    qtbot.waitUntil(window._curtain.isHidden)


def test_how_long_a_look_took_says_when_the_next_one_comes(qtbot: QtBot, window: Window) -> None:
    looked: list[float] = []
    qtbot.waitUntil(lambda: window.coalescer.pending == Changes())
    window.coalescer.looked = looked.append  # type: ignore[method-assign]
    window.refresh_now()
    assert len(looked) == 1 and looked[0] >= 0


def test_what_was_saved_is_shown_in_its_folder(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[Path] = []

    def open_url(url: QUrl) -> bool:
        """The second time no program is there."""
        opened.append(Path(url.toLocalFile()))
        return len(opened) == 1

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    for _ in range(2):
        window.context.shell.saved.emit("Exported 12 rows", tmp_path)
        (button,) = [each for each in window.findChildren(PushButton) if each.text() == "Show" and each.isVisible()]
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert "Exported 12 rows" not in window.toasts.texts
    assert opened == [tmp_path, tmp_path]
    assert window.toasts.texts == (f"No program here can show folders: look in {tmp_path}.",)


def test_what_can_be_done_about_something_is_offered_beside_it(window: Window, qtbot: QtBot) -> None:
    acted: list[None] = []
    window.context.shell.offered.emit("The key works", "Clear the clipboard", lambda: acted.append(None))
    (button,) = [each for each in window.findChildren(PushButton) if each.text() == "Clear the clipboard"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert acted == [None] and window.toasts.texts == ()


def test_a_full_disk_is_told_until_there_is_room(
    window: Window, context: AppContext, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the gateway's own words, which say what to do; what waits is counted."""
    full = next(reason for reason in REASONS if reason.kind == FULL)
    memory = next(reason for reason in REASONS if reason.kind == "memory_only")
    running = next(reason for reason in REASONS if reason.kind == "running")
    differences: list[Difference] = []

    def reading() -> Completeness:
        return Completeness(seen=2000, written=500, differences=tuple(differences))

    def told() -> str:
        banner = window.notices.banner("hindered")
        return banner.text() if banner is not None and banner.isVisible() else ""

    def waiting(reason: Reason, count: int) -> Difference:
        return Difference(**msgspec.structs.asdict(reason), count=count)

    monkeypatch.setattr(context.gateway, "completeness", reading)
    differences[:] = [waiting(running, 3)]
    window.mark(Changes(meter=True))
    qtbot.waitUntil(lambda: "2,000" in window.sidebar.meter.accessibleName())
    assert told() == ""
    differences.append(waiting(full, 1))
    window.mark(Changes(meter=True))
    qtbot.waitUntil(lambda: told() == f"1 request is not written yet. {full.meaning}")
    differences[-1] = waiting(full, 1500)
    differences.append(waiting(memory, 20))
    window.mark(Changes(meter=True))
    qtbot.waitUntil(lambda: told() == f"1,500 requests are not written yet. {full.meaning} {memory.meaning}")
    differences.clear()
    window.mark(Changes(meter=True))
    qtbot.waitUntil(lambda: window.notices.banner("hindered") is None)


def test_a_screen_reader_hears_of_pages_and_themes_that_one_of_them_is_chosen(window: Window) -> None:
    assert unnamed(window.sidebar) == []
    window.sidebar.set_narrow(True)
    assert unnamed(window.sidebar) == []


@pytest.mark.parametrize("key", ["requests", "api_keys", "models"])
def test_a_page_whose_table_has_no_rows_keeps_the_keyboard_itself(
    qtbot: QtBot, make_window: Callable[..., Window], key: str
) -> None:
    """The table had it, which nobody sees then."""
    window = make_window(PAGES)
    with qtbot.waitActive(window):
        window.activateWindow()
    window.open_page(key)
    page = window.page
    assert isinstance(page, RequestsPage | ApiKeysPage | ModelsPage) and page.view.hasFocus()
    around = page.view.parentWidget()
    assert around is not None
    around.hide()
    window.open_page("settings")
    window.open_page(key)
    assert page.hasFocus()
