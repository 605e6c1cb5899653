"""The small parts: what a mouse, a keyboard and a screen reader find."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import (
    QAccessibleAnnouncementEvent,
    QAccessibleEvent,
    QCursor,
    QEnterEvent,
    QGuiApplication,
    QImage,
)
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QToolTip, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.theme import Theme
from app.widgets import (
    Banner,
    Card,
    Chip,
    Drawer,
    ElidedLabel,
    EmptyState,
    IconButton,
    Pill,
    PushButton,
    SearchField,
    SegmentedControl,
    Toasts,
    ToggleSwitch,
    Veil,
)
from app.widgets.buttons import KINDS
from app.widgets.search_field import MOST_CHARACTERS
from app.widgets.toast import STAYS_MS, WITH_BUTTON_STAYS_MS, Toast
from tests.app.test_theme import contrast
from tests.waiting import PATIENCE_MS


def shown_veil(theme: Theme) -> QWidget:
    page = QWidget()
    veil = Veil(theme, page)
    veil.begin(empty=True)
    veil._cover()
    return page


MAKERS: dict[str, Callable[[Theme], QWidget]] = {
    "banner": lambda theme: Banner(theme, "bad", "The disk is full.", "Retry"),
    "card": Card,
    "chip": lambda theme: Chip(theme, "team: platform"),
    "drawer": Drawer,
    "elided": lambda theme: ElidedLabel(theme, "req_0001"),
    "empty": lambda theme: EmptyState(theme, "list", "No requests yet", "Point a tool here.", "Create a key"),
    "icon_button": lambda theme: IconButton(theme, "copy", "Copy"),
    "pill": lambda theme: Pill(theme, "429", "bad"),
    **{kind: lambda theme, kind=kind: PushButton(theme, "Export", "download", kind) for kind in KINDS},
    "search": lambda theme: SearchField(theme, "Filter"),
    "segments": lambda theme: SegmentedControl(theme, [("1h", "1h"), ("7d", "7d")]),
    "strip": lambda theme: Banner(theme, "info", "Example data.", "Leave demo", strip=True),
    "switch": ToggleSwitch,
    "veil": shown_veil,
}


def drawn_at(widget: QWidget, scale: int) -> QImage:
    """On a screen of so many pixels for one of the window's."""
    image = QImage(widget.size() * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(Qt.GlobalColor.red)
    widget.render(image)
    return image


@pytest.mark.parametrize("scale", [1, 2])
def test_what_fills_a_card_leaves_its_corners_round(qtbot: QtBot, theme: Theme, scale: int) -> None:
    bare, filled = Card(theme), Card(theme)
    child = QWidget()
    palette = child.palette()
    palette.setColor(child.backgroundRole(), theme.color("surface"))
    child.setPalette(palette)
    child.setAutoFillBackground(True)
    filled.fill_with(child)
    for card in (bare, filled):
        qtbot.addWidget(card)
        card.resize(80, 60)
        card.ensurePolished()
    filled.layout().activate()
    one, other = drawn_at(filled, scale), drawn_at(bare, scale)
    places = [(x, y) for x in range(80 * scale) for y in range(60 * scale)]
    apart = [abs(one.pixelColor(*place).lightness() - other.pixelColor(*place).lightness()) for place in places]
    assert max(apart) <= 16, "what is left of a corner's arc is a breath"
    assert child.width() == 78


def picture(widget: QWidget) -> QImage:
    widget.resize(widget.sizeHint().expandedTo(widget.minimumSize()).expandedTo(QSize(24, 20)))
    return widget.grab().toImage()


def show_active(qtbot: QtBot, window: QWidget) -> None:
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()


@pytest.mark.parametrize("name", MAKERS)
def test_a_part_repaints_itself_when_the_theme_flips(qtbot: QtBot, theme: Theme, name: str) -> None:
    widget = MAKERS[name](theme)
    qtbot.addWidget(widget)
    light = picture(widget)
    theme.set_mode("dark")
    assert picture(widget) != light
    theme.set_mode("light")
    assert picture(widget) == light


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"switch", "card"}))
def test_what_takes_the_keyboard_has_a_name(qtbot: QtBot, theme: Theme, name: str) -> None:
    widget = MAKERS[name](theme)
    qtbot.addWidget(widget)
    for part in [widget, *widget.findChildren(QWidget)]:
        named = part.accessibleName() or (part.text() if hasattr(part, "text") else "")
        assert named or part.focusPolicy() == Qt.FocusPolicy.NoFocus, part


@pytest.mark.parametrize("name", ["chip", "icon_button", *KINDS, "switch"])
def test_the_focus_is_seen(qtbot: QtBot, theme: Theme, name: str) -> None:
    window = QWidget()
    widget = MAKERS[name](theme)
    column = QVBoxLayout(window)
    column.addWidget(widget)
    qtbot.addWidget(window)
    show_active(qtbot, window)
    window.setFocus()
    before = picture(widget)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    assert widget.hasFocus()
    assert picture(widget) != before


BANNERS = ("info", "ok", "warn", "bad")
PILLS = ("ok", "warn", "bad", "accent", "neutral")
WORDS: dict[str, Callable[[Theme], QWidget]] = {
    **{f"banner {kind}": lambda theme, kind=kind: Banner(theme, kind, "The disk is full.") for kind in BANNERS},
    **{f"pill {kind}": lambda theme, kind=kind: Pill(theme, "429 MMM", kind) for kind in PILLS},
    **{f"button {kind}": lambda theme, kind=kind: PushButton(theme, "Export", None, kind) for kind in KINDS},
    "chip": lambda theme: Chip(theme, "team: platform"),
    "toast": lambda theme: Toast(theme, "Exported 3 rows", None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", WORDS)
def test_painted_words_stand_out_from_what_they_stand_on(qtbot: QtBot, theme: Theme, name: str, mode: str) -> None:
    theme.set_mode(mode)
    widget = WORDS[name](theme)
    qtbot.addWidget(widget)
    widget.resize(widget.sizeHint())
    widget.ensurePolished()
    if widget.layout() is not None:
        widget.layout().activate()
    image = QImage(widget.size() * 3, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(3)
    image.fill(theme.color("surface"))
    widget.render(image)
    label = widget.findChild(QLabel)
    place = QRect(QPoint(0, 0), widget.size()) if label is None else label.geometry()
    colours = Counter(
        image.pixelColor(x, y).name()
        for x in range(3 * place.left() + 6, 3 * place.right() - 5)
        for y in range(3 * place.top() + 6, 3 * place.bottom() - 5)
    )
    ground = colours.most_common(1)[0][0]
    # A letter's edges are paler than its stems.
    assert max(contrast(ink, ground) for ink in colours) >= 4.5


@pytest.mark.qt_log_ignore("Keyboard event not accepted")
@pytest.mark.parametrize("name", ["icon_button", "primary"])
def test_return_presses_a_button_as_the_space_bar_does(qtbot: QtBot, theme: Theme, name: str) -> None:
    button = MAKERS[name](theme)
    qtbot.addWidget(button)
    pressed: list[bool] = []
    button.clicked.connect(lambda: pressed.append(True))  # type: ignore[attr-defined]
    for key, held in (
        (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier),
        (Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier),
    ):
        qtbot.keyClick(button, key, held)
    assert len(pressed) == 3
    button.setEnabled(False)
    qtbot.keyClick(button, Qt.Key.Key_Return)
    assert len(pressed) == 3


def test_a_chip_is_opened_or_taken_away(qtbot: QtBot, theme: Theme) -> None:
    chip = Chip(theme, "team: platform")
    qtbot.addWidget(chip)
    chip.resize(chip.sizeHint())
    seen: list[str] = []
    chip.clicked.connect(lambda: seen.append("opened"))
    chip.removed.connect(lambda: seen.append("removed"))
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(chip, left, pos=QPoint(20, 13))
    qtbot.mouseClick(chip, left, pos=chip.cross.center())
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Space):
        qtbot.keyClick(chip, key)
    assert seen == ["opened", "removed", "opened", "removed", "removed", "opened"]


def test_a_long_chip_is_cut_and_whole_in_its_tooltip(qtbot: QtBot, theme: Theme) -> None:
    chip = Chip(theme, "model: " + ", ".join(f"a-model-{number}" for number in range(40)))
    qtbot.addWidget(chip)
    assert chip.sizeHint().width() < 400
    assert "a-model-39" in chip.toolTip()


def test_segments_tell_only_what_the_user_chose(qtbot: QtBot, theme: Theme) -> None:
    control = SegmentedControl(theme, [("1h", "1h"), ("24h", "24h"), ("7d", "7d")])
    qtbot.addWidget(control)
    seen: list[str] = []
    control.changed.connect(seen.append)
    control.set_current("7d")
    assert (control.current, seen) == ("7d", [])
    qtbot.mouseClick(control.segment("24h"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(control.segment("24h"), Qt.MouseButton.LeftButton)
    assert (control.current, seen) == ("24h", ["24h"])
    show_active(qtbot, control)
    control.segment("24h").setFocus()
    qtbot.keyClick(control.segment("24h"), Qt.Key.Key_Right)
    assert seen[1:] == ["7d"], "arrow keys choose too"
    with pytest.raises(KeyError):
        control.set_current("9d")


def test_a_switch_is_toggled_by_mouse_and_space(qtbot: QtBot, theme: Theme) -> None:
    switch = ToggleSwitch(theme)
    qtbot.addWidget(switch)
    off = picture(switch)
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert switch.isChecked()
    assert picture(switch) != off
    qtbot.keyClick(switch, Qt.Key.Key_Space)
    assert not switch.isChecked()


def test_a_banner_that_goes_says_nothing(qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("app.widgets.banner.announce", lambda _banner, text: said.append(text))
    banner = Banner(theme, "bad", "")
    qtbot.addWidget(banner)
    for text in ("The disk is full.", "", "The disk is full."):
        banner.tell(text)
    assert said == ["The disk is full."] * 2


def test_what_lets_go_of_a_banner_stands_beside_its_button(qtbot: QtBot, theme: Theme) -> None:
    banner = Banner(theme, "bad", "", "Options")
    qtbot.addWidget(banner)
    banner.resize(420, 120)
    banner.show()
    asked: list[str] = []
    banner.tell(
        "The file cannot be written: " + "make room, and try again. " * 8, again=lambda: asked.append("again")
    )
    assert banner.button is not None and banner.button.text() == "Retry"
    qtbot.waitUntil(lambda: banner.dismiss.y() > 0 and banner.dismiss.height() == banner.button.height())  # type: ignore[union-attr]
    assert banner.dismiss.y() == banner.button.y(), "at the first of several lines"
    qtbot.mouseClick(banner.button, Qt.MouseButton.LeftButton)
    assert asked == ["again"] and banner.isHidden()
    banner.tell("The disk is full.")
    assert banner.button.text() == "Options" and not banner.dismiss.isVisible()


def test_a_banner_says_its_sentence_to_everyone(qtbot: QtBot, theme: Theme) -> None:
    banner = Banner(theme, "warn", "The gateway is off.", "Turn on")
    qtbot.addWidget(banner)
    assert banner.button is not None
    with qtbot.waitSignal(banner.action):
        qtbot.mouseClick(banner.button, Qt.MouseButton.LeftButton)
    before = picture(banner)
    banner.set_text("<b>The disk is full</b>: " + "make room, and try again. " * 20)
    banner.set_kind("bad")
    assert banner.accessibleName() == banner.text()
    assert picture(banner) != before
    assert banner.label.heightForWidth(400) > 60, "a long text takes more lines"


def test_a_drawer_closes_by_its_cross_and_by_escape_and_says_so_once(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    drawer = Drawer(theme, window)
    qtbot.addWidget(window)
    window.show()
    closed: list[None] = []
    drawer.closed.connect(lambda: closed.append(None))
    assert not drawer.isVisible()
    drawer.set_title("Request")
    first, second = QLabel("one"), QLabel("two")
    drawer.set_content(first)
    drawer.set_content(second)
    drawer.open()
    assert (drawer.isVisible(), drawer.content(), drawer.accessibleName()) == (True, second, "Request")
    qtbot.keyClick(drawer, Qt.Key.Key_Escape)
    drawer.close_drawer()
    assert len(closed) == 1
    drawer.open()
    qtbot.mouseClick(drawer.close_button, Qt.MouseButton.LeftButton)
    assert (drawer.isVisible(), len(closed)) == (False, 2)


def test_the_second_half_of_a_double_click_presses_nothing_in_the_drawer(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    row = QHBoxLayout(window)
    drawer, button = Drawer(theme), PushButton(theme, "Replay")
    drawer.set_content(button)
    row.addWidget(drawer)
    qtbot.addWidget(window)
    window.resize(500, 300)
    window.show()
    usual = QApplication.doubleClickInterval()
    QApplication.setDoubleClickInterval(10 * PATIENCE_MS)
    try:
        drawer.open()
        qtbot.waitUntil(lambda: button.width() > 100)
        at = button.mapTo(window, button.rect().center())
        hit = window.childAt(at)
        assert hit is not None and hit is not button and drawer.isAncestorOf(hit)
        assert drawer._shielding.interval() == 10 * PATIENCE_MS
    finally:
        QApplication.setDoubleClickInterval(usual)
    drawer._shielding.start(0)
    qtbot.waitUntil(lambda: window.childAt(at) is button)
    drawer.open()
    assert window.childAt(at) is button, "one that is open already takes what comes"


def test_an_elided_label_shows_the_whole_in_its_tooltip(qtbot: QtBot, theme: Theme) -> None:
    label = ElidedLabel(theme, "claude-sonnet-4.5-20250929", Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(label)
    label.show()
    label.resize(400, 20)
    assert (label.shown_text(), label.toolTip()) == (label.text(), "")
    label.resize(80, 20)
    assert "…" in label.shown_text()
    assert label.toolTip() == label.text()


def test_what_stands_for_nothing_is_read_whole_in_a_drawer(theme: Theme, qtbot: QtBot) -> None:
    """Its words went on beyond the edge."""
    drawer = QWidget()
    qtbot.addWidget(drawer)
    drawer.resize(420, 400)
    state = EmptyState(
        theme, "message-square", "Messages were not kept", "They were not captured. " * 6, parent=drawer
    )
    state.resize(420, 400)
    drawer.show()
    label = state.text_label
    qtbot.waitUntil(lambda: state.rect().contains(label.geometry()))
    assert label.height() >= label.heightForWidth(label.width())
    state.resize(900, 400)
    qtbot.waitUntil(lambda: label.width() == 440)


def test_an_empty_state_offers_its_action(qtbot: QtBot, theme: Theme) -> None:
    state = EmptyState(theme, "search", "Nothing matches", "", "Clear filters")
    qtbot.addWidget(state)
    assert state.text_label.isHidden()
    state.set_text("Take a filter away.")
    assert not state.text_label.isHidden()
    assert state.button is not None
    with qtbot.waitSignal(state.action):
        state.button.click()
    assert EmptyState(theme, "search", "Nothing", "").button is None


def test_a_pill_knows_its_kinds(qtbot: QtBot, theme: Theme) -> None:
    pill = Pill(theme, "200", "ok")
    qtbot.addWidget(pill)
    before = picture(pill)
    pill.set_kind("bad")
    assert picture(pill) != before
    with pytest.raises(KeyError):
        Pill(theme, "?", "purple")


def test_toasts_pile_up_to_three_and_go(qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.widgets.toast.STAYS_MS", 10 * PATIENCE_MS)
    window = QWidget()
    window.resize(800, 600)
    qtbot.addWidget(window)
    window.show()
    toasts = Toasts(theme, window)
    acted: list[None] = []
    for number in range(4):
        toasts.show(f"note {number}")
    assert toasts.texts == ("note 1", "note 2", "note 3")
    toasts.show("note 2")
    assert toasts.texts == ("note 1", "note 3", "note 2"), "the same is said once"
    toasts.show("note 3")
    toasts.show("Exported 12 rows", "Show", lambda: acted.append(None))
    button = window.findChildren(PushButton)[-1]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert acted == [None]
    assert toasts.texts == ("note 2", "note 3")
    lowest = max(widget.geometry().bottom() for widget in window.findChildren(QWidget) if widget.parent() is window)
    assert lowest < 600
    monkeypatch.setattr("app.widgets.toast.STAYS_MS", 20)
    for number in range(3):
        toasts.show(f"short {number}")
    qtbot.waitUntil(lambda: toasts.texts == ())


def test_a_strip_reaches_from_edge_to_edge_and_a_card_does_not(qtbot: QtBot, theme: Theme) -> None:
    corners = {}
    for strip in (True, False):
        banner = Banner(theme, "info", "Example data.", strip=strip)
        qtbot.addWidget(banner)
        banner.resize(600, 42)
        picture = banner.grab().toImage()
        corners[strip] = picture.pixelColor(0, 0) == picture.pixelColor(6, 20) == theme.color("accent_soft")
    assert corners == {True: True, False: False}


def test_a_placeholder_gives_way_to_a_shorter_one_and_is_never_cut(qtbot: QtBot, theme: Theme) -> None:
    words = ("Filter: model:gpt status:>=400 cost:>0.05", "Filter: model:gpt", "Filter")
    field = SearchField(theme, words[0], shorter=words[1:])
    qtbot.addWidget(field)
    field.show()
    seen = []
    for width in range(480, 110, -10):
        field.resize(width, 32)
        seen.append(field.placeholderText())
        if field.placeholderText() != words[-1]:
            assert field.fontMetrics().horizontalAdvance(field.placeholderText()) < width - 48
    assert tuple(dict.fromkeys(seen)) == words
    assert field.accessibleName() == words[0]


def test_a_page_that_has_nothing_yet_shows_where_rows_will_stand(qtbot: QtBot, theme: Theme) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(600, 400)
    page.show()
    veil = Veil(theme, page)
    colours = {}
    for empty in (True, False):
        veil.begin(empty=empty)
        assert veil.isHidden(), "what is quick is not covered"
        qtbot.waitUntil(veil.isVisible)
        picture = veil.grab().toImage()
        colours[empty] = {picture.pixelColor(x, y).name() for x in range(0, 600, 7) for y in range(4, 400, 3)}
        page.resize(700, 400)
        qtbot.waitUntil(lambda: veil.geometry() == page.rect())
        page.resize(600, 400)
        veil.end()
        assert veil.isHidden()
    assert {theme.color("hover").name(), theme.color("surface").name()} <= colours[True]
    assert theme.color("surface").name() not in colours[False]


def test_a_drawer_gives_the_keyboard_back_to_what_had_it(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    row = QHBoxLayout(window)
    before, opener, drawer = PushButton(theme, "Other"), PushButton(theme, "Open"), Drawer(theme)
    within = PushButton(theme, "Within")
    drawer.set_content(within)
    for widget in (before, opener, drawer):
        row.addWidget(widget)
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitActive(window):
        window.activateWindow()
    opener.setFocus()
    drawer.open()
    within.setFocus()
    qtbot.keyClick(within, Qt.Key.Key_Escape)
    assert not drawer.isVisible() and opener.hasFocus()
    # What a person went to meanwhile keeps it.
    drawer.open()
    before.setFocus()
    drawer.close_drawer()
    assert before.hasFocus()


def test_a_drawer_asks_before_what_was_typed_is_lost(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    drawer = Drawer(theme, window)
    qtbot.addWidget(window)
    window.show()
    asked: list[Callable[[], object]] = []
    unsaved = [True]
    drawer.watch(lambda: unsaved[0])
    drawer.discarding.connect(asked.append)
    drawer.unless_unsaved(lambda: drawer.set_title("Another"))
    assert drawer.accessibleName() == "Another" and asked == [], "a closed one has nothing to lose"
    drawer.open()
    qtbot.keyClick(drawer, Qt.Key.Key_Escape)
    qtbot.mouseClick(drawer.close_button, Qt.MouseButton.LeftButton)
    assert drawer.isVisible() and len(asked) == 2
    asked[0]()
    assert not drawer.isVisible()
    drawer.open()
    unsaved[0] = False
    qtbot.keyClick(drawer, Qt.Key.Key_Escape)
    assert not drawer.isVisible() and len(asked) == 2


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a screen reader that listens is told by itself."""
    said: list[str] = []

    def hear(event: QAccessibleEvent) -> None:
        assert isinstance(event, QAccessibleAnnouncementEvent)
        said.append(event.message())

    monkeypatch.setattr("app.widgets.announcing.QAccessible.isActive", lambda: True)
    monkeypatch.setattr("app.widgets.announcing.QAccessible.updateAccessibility", hear)
    return said


def test_what_goes_wrong_is_announced_once_when_it_is_seen(qtbot: QtBot, theme: Theme, announced: list[str]) -> None:
    banner = Banner(theme, "warn", "The gateway is off.")
    qtbot.addWidget(banner)
    assert announced == []
    banner.show()
    banner.hide()
    banner.show()
    banner.set_text("The gateway is off.")
    assert announced == ["The gateway is off."]
    banner.set_kind("info")
    banner.set_text("3 s more")
    assert announced == ["The gateway is off."], "what merely is so interrupts nobody"
    banner.set_kind("bad")
    assert announced[1:] == ["3 s more"]


def test_what_goes_wrong_is_not_said_again_with_every_figure(
    qtbot: QtBot, theme: Theme, announced: list[str]
) -> None:
    banner = Banner(theme, "bad", "12 requests are not written yet. The disk is full.")
    qtbot.addWidget(banner)
    banner.show()
    for count in ("13", "1,500", "20,000"):
        banner.set_text(f"{count} requests are not written yet. The disk is full.")
    assert announced == ["12 requests are not written yet. The disk is full."]
    banner.set_text("20,000 requests are not written yet. The disk fails.")
    assert len(announced) == 2


@pytest.mark.parametrize("button", [None, "Clear the clipboard"])
def test_a_passing_note_has_room_for_all_its_words(qtbot: QtBot, theme: Theme, button: str | None) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(800, 600)
    window.show()
    toasts = Toasts(theme, window)
    for length in range(20, 72):
        toasts.show("a word " * (length // 7) + "a" * (length % 7), button, lambda: None)
        label = toasts._shown[-1].label
        QApplication.processEvents()
        if label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()), length
        else:
            assert label.width() >= label.sizeHint().width(), length


def test_a_passing_note_is_announced(qtbot: QtBot, theme: Theme, announced: list[str]) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    Toasts(theme, window).show("Exported 12 rows", "Show", lambda: None)
    assert announced == ["Exported 12 rows"]


def test_nobody_who_does_not_listen_is_told(
    qtbot: QtBot, theme: Theme, announced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.widgets.announcing.QAccessible.isActive", lambda: False)
    window = QWidget()
    qtbot.addWidget(window)
    Toasts(theme, window).show("Copied")
    assert announced == []


def test_a_choice_that_does_not_fit_is_seen_to_be_none(qtbot: QtBot, theme: Theme) -> None:
    control = SegmentedControl(theme, (("auto", "Auto"), ("hour", "Hourly")))
    qtbot.addWidget(control)
    control.show()

    def darkest() -> int:
        image = control.segment("hour").grab().toImage()
        return min(image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(image.height()))

    before = darkest()
    control.segment("hour").setEnabled(False)
    assert darkest() > before + 60


def test_a_note_with_a_button_stays_while_somebody_is_at_it(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keyboard is not at the button within four seconds, and must not lose it when it has arrived."""
    assert (STAYS_MS, WITH_BUTTON_STAYS_MS) == (4000, 10_000)
    monkeypatch.setattr("app.widgets.toast.WITH_BUTTON_STAYS_MS", 20)
    window = QWidget()
    window.resize(800, 600)
    qtbot.addWidget(window)
    other = PushButton(theme, "Elsewhere", parent=window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    toasts = Toasts(theme, window)
    toasts.show("Exported 12 rows", "Show", lambda: None)
    button = window.findChildren(PushButton)[-1]
    button.setFocus()
    assert QApplication.focusWidget() is button
    for number in range(3):
        toasts.show(f"note {number}")
    assert toasts.texts == ("Exported 12 rows", "note 1", "note 2"), "newer ones do not push it away either"
    qtbot.wait(100)
    assert "Exported 12 rows" in toasts.texts
    note = button.parentWidget()
    rests_at = QCursor.pos()
    QCursor.setPos(rests_at + QPoint(3, 3))
    QApplication.sendEvent(note, QEnterEvent(QPointF(), QPointF(), QPointF()))
    other.setFocus()
    qtbot.wait(60)
    assert "Exported 12 rows" in toasts.texts, "the pointer is in it"
    QCursor.setPos(rests_at)
    QApplication.sendEvent(note, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: "Exported 12 rows" not in toasts.texts)


def test_a_note_that_comes_up_under_a_resting_pointer_goes(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As over the button that was pressed: it stood there until the pointer moved."""
    monkeypatch.setattr("app.widgets.toast.STAYS_MS", 20)
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    toasts = Toasts(theme, window)
    toasts.show("3 requests were re-priced")
    QApplication.sendEvent(window.findChildren(Toast)[-1], QEnterEvent(QPointF(), QPointF(), QPointF()))
    qtbot.waitUntil(lambda: toasts.texts == ())


def test_two_removals_of_the_same_name_can_both_be_undone(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(800, 600)
    window.show()
    toasts = Toasts(theme, window)
    undone: list[int] = []
    for number in range(2):
        toasts.show("The price is removed", "Undo", partial(lambda number, *_: undone.append(number), number))
    for _ in range(2):
        toasts.show("Copied")
    assert toasts.texts == ("The price is removed", "The price is removed", "Copied")
    for toast in tuple(toasts._shown[:2]):
        button = toast.findChild(PushButton)
        assert button is not None
        button.click()
    assert undone == [0, 1] and toasts.texts == ("Copied",)


def test_the_button_of_a_banner_does_again_what_failed(qtbot: QtBot, theme: Theme) -> None:
    banner = Banner(theme, "bad", "", "Retry")
    qtbot.addWidget(banner)
    done: list[str] = []
    banner.action.connect(lambda: done.append("read"))
    banner.tell("The file cannot be written.", "file", lambda: done.append("export"))
    assert banner.button is not None
    banner.button.click()
    assert done == ["export"] and banner.isHidden()
    banner.tell("The list cannot be read.", "list")
    banner.button.click()
    assert done == ["export", "read"]


def test_a_search_takes_no_more_than_is_read_in_a_moment_and_says_so(theme: Theme, qtbot: QtBot) -> None:
    field = SearchField(theme, "Search")
    qtbot.addWidget(field)
    field.show()
    QGuiApplication.clipboard().setText("ü" * MOST_CHARACTERS)
    field.paste()
    assert len(field.text()) == MOST_CHARACTERS and not QToolTip.isVisible()
    field.clear()
    QGuiApplication.clipboard().setText("ü" * 100_000)
    field.paste()
    assert len(field.text()) == MOST_CHARACTERS
    assert QToolTip.text() == "A search has room for 2,000 characters: the rest was left out."
    QToolTip.hideText()
