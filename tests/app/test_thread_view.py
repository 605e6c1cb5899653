"""The thread as it is painted and worked: only what is in sight is made, nothing jumps, text is selected and copied."""

import base64
import time
import zlib
from itertools import count

import msgspec
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPaintEvent, QTextDocument
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.pages.conversations_parts import documents
from app.pages.conversations_parts.block import FOLDED, OPEN, Block, first_with, pieces_of
from app.pages.conversations_parts.blocks import Told, told
from app.pages.conversations_parts.blocks_view import MARGINS
from app.pages.conversations_parts.card import HEAD, SIDE, piece_text
from app.pages.conversations_parts.drawn import CodeDrawn, TextDrawn, TreeDrawn
from app.pages.conversations_parts.pictures import Pictures, decode
from app.pages.conversations_parts.thread_view import ThreadView
from app.parts.piece import Picture, Tree
from app.theme import Theme
from gateway import Reasoning, Text, Thread, ToolCall, ToolCallResponse
from tests.app.fake_gateway import NOW_US
from tests.app.fake_threads import full_thread, long_thread, png
from tests.app.turns import Turns

NO_MODIFIER = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def view(qtbot: QtBot, theme: Theme, turns: Turns) -> ThreadView:
    made = ThreadView(theme, Pictures(turns))
    qtbot.addWidget(made)
    made.resize(560, 720)
    made.show()
    return made


def telling(thread: Thread, chosen: dict[int, int] | None = None) -> Told:
    return told(thread, chosen or {})


def settled(view: ThreadView) -> ThreadView:
    """All that is in sight is laid out."""
    while view._later.isActive():
        QTest.qWait(1)
    QTest.qWait(1)
    return view


def show(view: ThreadView, *blocks: Block, keep: bool = False) -> ThreadView:
    view.set_blocks(blocks, keep=keep)
    return settled(view)


def place(view: ThreadView, key: str, x: float = 0, y: float = 0) -> QPoint:
    """A point of a block, in the viewport."""
    number = view._index[key]
    return QPoint(round(MARGINS[0] + x), round(view._tops[number] - view.verticalScrollBar().value() + y))


def click(view: ThreadView, point: QPoint) -> None:
    QTest.mouseClick(view.viewport(), LEFT, NO_MODIFIER, point)


def top(view: ThreadView, key: str) -> int:
    return place(view, key).y()


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


def said(text: str, key: str = "m1.0", kind: str = "assistant") -> Block:
    return Block(key=key, kind=kind, title="Assistant", parts=(Text(text),))


# what is made


@pytest.fixture(scope="module")
def long_told() -> Told:
    return telling(long_thread(NOW_US))


def test_of_thousands_of_messages_only_those_in_sight_are_made(view: ThreadView, long_told: Told) -> None:
    show(view, *long_told.blocks)
    assert len(view.blocks) > 2_400
    assert view.made < 12
    bar = view.verticalScrollBar()
    assert bar.maximum() > 500_000
    for share in (0.2, 0.9, 0.5, 1.0, 0.0):
        bar.setValue(int(bar.maximum() * share))
        settled(view)
    assert view.made < 60
    entries = sum(entry.drawn is not None for card in view._cards.values() for entry in card._entries)
    assert entries < 250


def test_scrolling_through_all_of_it_keeps_only_a_few(view: ThreadView, long_told: Told) -> None:
    show(view, *long_told.blocks[:400])
    bar = view.verticalScrollBar()
    while bar.value() < bar.maximum():
        bar.setValue(bar.value() + 2_000)
        settled(view)
    assert view.made <= 90
    assert "step 7" in "".join(str(getattr(part, "text", "")) for block in view.blocks for part in block.parts)


def test_what_is_in_sight_stays_where_it_is_while_heights_are_learnt(view: ThreadView, long_told: Told) -> None:
    show(view, *long_told.blocks)
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    settled(view)
    number = view._first(bar.value()) + 1
    key = view.blocks[number].key
    for _ in range(30):
        before = top(view, key)
        bar.setValue(bar.value() - 40)
        settled(view)
        assert abs(top(view, key) - before - 40) <= 1, "what is above was laid out, and it did not jump"
        if top(view, key) > view.viewport().height() - 80:
            number = view._first(bar.value()) + 1
            key = view.blocks[number].key


def test_a_block_that_is_gone_to_stands_at_the_top_whatever_was_estimated(view: ThreadView, long_told: Told) -> None:
    show(view, *long_told.blocks)
    for number in (2_000, 11, 1_200, 2_400):
        key = view.blocks[number].key
        view.go_to(key)
        settled(view)
        assert 0 <= top(view, key) <= 60
        assert view.current == key


def test_a_resize_keeps_the_place(view: ThreadView, long_told: Told) -> None:
    show(view, *long_told.blocks)
    view.go_to(view.blocks[900].key)
    settled(view)
    before = top(view, view.blocks[900].key)
    view.resize(820, 720)
    settled(view)
    assert abs(top(view, view.blocks[900].key) - before) <= 2


def test_a_message_of_a_megabyte_is_made_in_slices(view: ThreadView) -> None:
    text = "\n".join(f"line {n} of a very long answer with some words in it" for n in range(20_000))
    show(view, said(f"```\n{text}\n```"))
    view.set_shown("m1.0", OPEN)
    settled(view)
    (card,) = view._cards.values()
    assert len(card._entries) > 50
    assert sum(entry.drawn is not None for entry in card._entries) < 8
    assert view.verticalScrollBar().maximum() > 50_000


# folds, ways


def test_a_click_on_the_head_opens_and_folds(view: ThreadView, qtbot: QtBot) -> None:
    text = "\n".join(f"thought {n}" for n in range(40))
    block = Block(key="r", kind="reasoning", title="Reasoning", parts=(Reasoning(text),))
    show(view, block)
    folded = view._heights[0]
    click(view, place(view, "r", 100, 12))
    qtbot.waitUntil(lambda: view.shown("r") == OPEN and view._heights[0] > folded + 400)
    click(view, place(view, "r", 100, 12))
    qtbot.waitUntil(lambda: view.shown("r") == FOLDED and view._heights[0] == folded)


def test_show_all_opens_too(view: ThreadView) -> None:
    text = "\n".join(f"row {n}" for n in range(100))
    block = Block(
        key="t", kind="tool", title="Tool call", parts=(ToolCall("1", "f", ""), ToolCallResponse("1", (Text(text),)))
    )
    show(view, block)
    click(view, place(view, "t", SIDE + 10, view._heights[0] - 24))
    assert view.shown("t") == OPEN
    assert "row 99" in [line for entry in view._cards["t"]._entries for line in piece_text(entry.piece).split("\n")]


def drawn_text(view: ThreadView, key: str) -> list[str]:
    return [entry.drawn.text() for entry in view._cards[key]._entries if entry.drawn is not None]


def test_the_arrows_of_a_fork_choose_the_other_way(view: ThreadView) -> None:
    blocks = telling(full_thread(NOW_US)).blocks
    show(view, *blocks)
    fork = next(block for block in blocks if block.siblings)
    view.go_to(fork.key)
    settled(view)
    spy = QSignalSpy(view.way_chosen)
    box, _ = view._cards[fork.key]._arrows()[1]
    click(view, place(view, fork.key, box.center().x(), box.center().y()))
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert [spy.at(n) for n in range(spy.count())] == [[3, 4], [3, 4]]


def test_another_way_keeps_the_place_and_the_folds(view: ThreadView) -> None:
    thread = full_thread(NOW_US)
    view.resize(560, 200)
    show(view, *telling(thread).blocks)
    system = view.blocks[0].key
    view.set_shown(system, OPEN)
    fork = next(block for block in view.blocks if block.siblings)
    view.go_to(fork.key)
    settled(view)
    before = top(view, fork.key)
    show(view, *telling(thread, {3: 4}).blocks, keep=True)
    assert abs(top(view, fork.key) - before) <= 1
    assert view.shown(system) == OPEN


def test_json_trees_open_and_close(view: ThreadView) -> None:
    arguments = '{"list": [' + ", ".join(f'{{"n": {n}}}' for n in range(30)) + '], "path": "' + "x" * 60 + '"}'
    show(view, Block(key="t", kind="tool", title="Tool call", parts=(ToolCall("1", "f", arguments),)))
    (entry,) = view._cards["t"]._entries
    assert isinstance(entry.drawn, TreeDrawn)
    assert "[ … ],  30 items" in entry.drawn.text()
    closed = view._heights[0]
    line = entry.drawn.document.findBlockByNumber(1)
    y = entry.drawn.document.documentLayout().blockBoundingRect(line).center().y()
    click(view, place(view, "t", SIDE + 14, HEAD + entry.drawn.top + y))
    assert '"n": 29' in entry.drawn.text()
    assert view._heights[0] > closed + 300


def test_heavy_blocks_are_made_by_a_worker(view: ThreadView) -> None:
    rows = "[" + ", ".join(f'{{"n": {n}}}' for n in range(9_000)) + "]"
    block = Block(key="t", kind="tool", title="Tool call", parts=(ToolCallResponse("1", (Text(rows),)),))
    show(view, block)
    spy = QSignalSpy(view.pieces_asked)
    click(view, place(view, "t", 100, 12))
    assert spy.at(0) == ["t", OPEN] and view.shown("t") == FOLDED
    view.set_shown("t", OPEN, pieces_of(block, OPEN))
    settled(view)
    (entry,) = view._cards["t"]._entries
    assert isinstance(entry.piece, Tree) and entry.drawn is not None


# selecting, copying, keys


def drag(view: ThreadView, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(view.viewport(), LEFT, NO_MODIFIER, start)
    QTest.mouseMove(view.viewport(), (start + end) / 2)
    # A synthetic move carries no buttons offscreen.
    view._drag(QPointF(end))
    QTest.mouseRelease(view.viewport(), LEFT, NO_MODIFIER, end)


def test_text_is_selected_across_prose_and_code_and_copied(view: ThreadView) -> None:
    show(view, said("First **words** here.\n\n```python\nx = 1\ny = 2\n```\n\nLast words."))
    drag(view, place(view, "m1.0", SIDE, HEAD + 4), place(view, "m1.0", 500, view._heights[0] - 16))
    assert view.selected_text() == "First words here.\nx = 1\ny = 2\nLast words."
    spy = QSignalSpy(view.copied)
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert clipboard() == "First words here.\nx = 1\ny = 2\nLast words."
    assert spy.at(0) == ["Text copied"]
    click(view, place(view, "m1.0", 300, HEAD + 4))
    assert view.selected_text() == ""


def test_a_double_click_selects_a_word(view: ThreadView) -> None:
    show(view, said("Singular words"))
    point = place(view, "m1.0", SIDE + 20, HEAD + 10)
    QTest.mousePress(view.viewport(), LEFT, NO_MODIFIER, point)
    QTest.mouseDClick(view.viewport(), LEFT, NO_MODIFIER, point)
    assert view.selected_text() == "Singular"


def test_all_of_a_block_is_selected_and_without_a_selection_it_is_copied(view: ThreadView) -> None:
    show(view, said("one"), said("two\n\n```\nthree\n```", key="m2.0"))
    click(view, place(view, "m2.0", 200, 10))
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert clipboard() == "two\n\n```\nthree\n```"
    QTest.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert view.selected_text() == "two\nthree"


def test_the_button_of_code_copies_the_whole_code(view: ThreadView) -> None:
    code = "\n".join(f"value_{n} = {n}" for n in range(100))
    show(view, said(f"```python\n{code}\n```"))
    entry = view._cards["m1.0"]._entries[0]
    assert isinstance(entry.drawn, CodeDrawn)
    box = entry.drawn._copy_box(view._cards["m1.0"].inner)
    click(view, place(view, "m1.0", SIDE + box.center().x(), HEAD + box.center().y()))
    assert clipboard() == code


def test_links_are_told_and_not_followed(view: ThreadView) -> None:
    show(view, said("[the guide](https://example.org/a) is here"))
    spy = QSignalSpy(view.link_asked)
    click(view, place(view, "m1.0", SIDE + 20, HEAD + 10))
    assert spy.at(0) == ["https://example.org/a"]


def test_j_and_k_walk_over_the_cards(view: ThreadView) -> None:
    blocks = telling(full_thread(NOW_US)).blocks
    show(view, *blocks)
    kinds = []
    for _ in range(9):
        QTest.keyClick(view, Qt.Key.Key_J)
        kinds.append(view.blocks[view._index[view.current]].kind)
    assert kinds == ["system", "tools", "user", "user", "reasoning", "assistant", "tool", "reasoning", "tool"]
    QTest.keyClick(view, Qt.Key.Key_K)
    assert view.blocks[view._index[view.current]].kind == "reasoning"
    assert "Reasoning" in view.accessibleDescription()
    view.go_to(blocks[0].key)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert view.shown(blocks[0].key) == OPEN


def test_the_keyboard_finds_a_block_that_is_seen(view: ThreadView) -> None:
    show(view, *telling(full_thread(NOW_US)).blocks)
    view.setFocus(Qt.FocusReason.MouseFocusReason)
    assert view.current == ""
    view.clearFocus()
    view.setFocus(Qt.FocusReason.TabFocusReason)
    assert view.current == view.blocks[0].key


def test_keys_scroll(view: ThreadView, long_told: Told) -> None:
    show(view, *long_told.blocks)
    bar = view.verticalScrollBar()
    QTest.keyClick(view, Qt.Key.Key_PageDown)
    assert bar.value() > 500
    QTest.keyClick(view, Qt.Key.Key_End)
    settled(view)
    assert bar.maximum() - bar.value() < 2_000
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert bar.value() == 0


def test_scrolling_chooses_what_is_at_the_top(view: ThreadView) -> None:
    show(view, *telling(full_thread(NOW_US)).blocks)
    spy = QSignalSpy(view.current_changed)
    view.verticalScrollBar().setValue(400)
    assert spy.count() == 1
    assert -400 < top(view, view.current) <= 64


# finding


def test_words_are_found_opened_and_marked(view: ThreadView) -> None:
    hidden = "\n".join([*(f"thought {n}" for n in range(40)), "The Needle is here"])
    blocks = [said(f"Answer {n}", key=f"m{n}.0") for n in range(60)]
    blocks.append(Block(key="r", kind="reasoning", title="Reasoning", parts=(Reasoning(hidden),)))
    show(view, *blocks)
    found = first_with(view.blocks, "needle")
    view.mark("needle", found)
    assert found == "r"
    settled(view)
    assert view.shown("r") == OPEN and view.current == "r"
    marked = [
        entry.drawn.found
        for entry in view._cards["r"]._entries
        if isinstance(entry.drawn, TextDrawn) and entry.drawn.found
    ]
    assert len(marked) == 1 and marked[0][0][1] - marked[0][0][0] == len("needle")
    assert first_with(view.blocks, "nowhere") is None and first_with(view.blocks, "") is None
    view.mark("nowhere")
    assert not any(entry.drawn.found for entry in view._cards["r"]._entries if isinstance(entry.drawn, TextDrawn))


# pictures


def test_a_picture_is_decoded_by_a_worker_and_then_shown(view: ThreadView, turns: Turns) -> None:
    blocks = telling(full_thread(NOW_US)).blocks
    show(view, *blocks)
    assert len(turns.waiting) == 1, "asked for once, and not on the loop"
    before = view.grab().toImage()
    turns.run()
    settled(view)
    image = view.grab().toImage()
    assert image != before
    blue = sum(image.pixelColor(x, y).name() == "#3b5bdb" for x in range(30, 130, 4) for y in range(200, 720, 4))
    assert blue > 100


def test_pictures_are_bounded() -> None:
    small = decode(Picture(png(1_000, 900), "image/png", ""))
    assert isinstance(small, QImage) and small.width() <= 1_280 and small.height() <= 720
    assert decode(Picture("!!!!", "image/png", "")) == "not readable"
    assert decode(Picture(base64.b64encode(b"no picture").decode(), "image/png", "")) == "not readable"
    claims = bytearray(base64.b64decode(png(4, 4)))
    claims[16:24] = (60_000).to_bytes(4, "big") * 2
    claims[29:33] = zlib.crc32(claims[12:29]).to_bytes(4, "big")
    assert "too large" in str(decode(Picture(base64.b64encode(claims).decode(), "image/png", "")))


def test_markdown_loads_nothing(view: ThreadView, tmp_path: object) -> None:
    show(view, said("![alt](file:///etc/hostname) and ![b](https://example.org/x.png)\n\n<img src='x'> <b>no</b>"))
    document = view._cards["m1.0"]._entries[0].drawn.document  # type: ignore[union-attr]
    assert isinstance(document, documents.SilentDocument)
    assert document.resource(QTextDocument.ResourceType.ImageResource.value, "file:///etc/hostname") is None
    assert "<b>no</b>" in document.toPlainText(), "HTML is text"


# colours, clocks


def test_a_flip_of_the_theme_dresses_what_is_in_sight(view: ThreadView, theme: Theme) -> None:
    show(view, *telling(full_thread(NOW_US)).blocks)
    light = view.grab().toImage().pixelColor(3, 300)
    theme.set_mode("dark")
    settled(view)
    dark = view.grab().toImage()
    assert dark.pixelColor(3, 300).lightness() < 40 < light.lightness()
    inks = {dark.pixelColor(x, 150).lightness() for x in range(40, 500)}
    assert max(inks) > 150, "text is light on dark"


def test_code_has_the_themes_colours(theme: Theme) -> None:
    document = documents.code(theme, "x = '😀'  # é\nreturn", "python")
    first, second = document.firstBlock(), document.lastBlock()
    colours = [each.format.foreground().color().name().upper() for each in first.layout().formats()]
    assert colours == [theme.tokens.ok, theme.tokens.text3]
    spans = [(each.start, each.length) for each in first.layout().formats()]
    assert spans == [(4, 4), (10, 3)], "counted as Qt counts"
    assert [(each.start, each.length) for each in second.layout().formats()] == [(0, 6)]


def test_a_waiting_call_has_a_clock(view: ThreadView, qtbot: QtBot) -> None:
    view.now_us = lambda: NOW_US + 3_200_000
    view.waiting_since_us = NOW_US
    show(view, Block(key="w0", kind="waiting", title="Waiting", detail="gpt-5.1"))
    qtbot.waitUntil(lambda: view._cards["w0"].live_right == "3.20 s")
    show(view, said("done"), keep=True)
    assert not view._clock.isActive()


def test_a_growing_conversation_is_followed_at_its_end_only(view: ThreadView) -> None:
    blocks = [said(f"Answer {n}\n\n" + "words " * 80, key=f"m{n}.0") for n in range(30)]
    waiting = Block(key="w30", kind="waiting", title="Waiting")
    show(view, *blocks, waiting)
    bar = view.verticalScrollBar()
    show(view, *blocks, said("new", key="m30.0"), waiting, keep=True)
    assert bar.value() == 0
    bar.setValue(bar.maximum())
    settled(view)
    bar.setValue(bar.maximum())
    more = [said("more " * 200, key="m31.0"), said("more " * 200, key="m32.0")]
    show(view, *blocks, said("new", key="m30.0"), *more, waiting, keep=True)
    assert bar.maximum() - bar.value() < 30


def test_the_height_of_the_empty_view(view: ThreadView) -> None:
    show(view)
    assert view.made == 0 and view.verticalScrollBar().maximum() == 0
    view.grab()
    view.step(1)
    QTest.keyClick(view, Qt.Key.Key_Return)


# how long it takes


def test_laying_out_stops_in_time(view: ThreadView, long_told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time at all one piece is made in a turn, and the rest in the turns after it."""
    ticks = iter(range(10**9))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    view.set_blocks(long_told.blocks, keep=False)
    assert sum(entry.drawn is not None for card in view._cards.values() for entry in card._entries) <= 1
    assert view._later.isActive()
    view.grab()
    monkeypatch.undo()
    settled(view)
    entries = [entry for card in view._cards.values() for entry in card._entries]
    assert sum(entry.drawn is not None for entry in entries) >= 3


def test_the_thread_costs_as_much_as_what_is_in_sight(view: ThreadView, long_told: Told) -> None:
    """Twenty times the messages are not twenty times the work: the documents made are the same."""
    show(view, *long_told.blocks[:120])
    few = sum(entry.drawn is not None for card in view._cards.values() for entry in card._entries)
    show(view, *long_told.blocks)
    many = sum(entry.drawn is not None for card in view._cards.values() for entry in card._entries)
    assert many <= few + 2


def test_a_block_that_changed_is_made_anew(view: ThreadView) -> None:
    show(view, said("before"))
    show(view, said("after, and longer"), keep=True)
    assert drawn_text(view, "m1.0") == ["after, and longer"]
    again = msgspec.structs.replace(view.blocks[0], right="$0.01")
    show(view, again, keep=True)
    assert view._cards["m1.0"].block.right == "$0.01"


class Painted(QObject):
    """The parts of a widget that were painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.parts: list[QRect] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.parts.append(event.rect())
        return False


def made_pieces(view: ThreadView) -> dict[tuple[str, int], float]:
    """All that is laid out, and where in the viewport it stands."""
    y = view.verticalScrollBar().value()
    return {
        (key, number): view._tops[view._index[key]] + entry.top - y
        for key, card in view._cards.items()
        for number, entry in enumerate(card._entries)
        if entry.drawn is not None
    }


def test_after_a_flip_of_the_theme_the_whole_is_painted_again(
    view: ThreadView, theme: Theme, long_told: Told
) -> None:
    """Cards that are made anew have heads, which stand above what is laid out first."""
    show(view, *long_told.blocks)
    view.verticalScrollBar().setValue(0)
    settled(view)
    painted = Painted(view.viewport())
    theme.set_mode("dark")
    QCoreApplication.sendPostedEvents(view, QEvent.Type.UpdateRequest.value)
    painted.parts.clear()
    view._later.stop()
    view._go_on()
    QCoreApplication.sendPostedEvents(view, QEvent.Type.UpdateRequest.value)
    assert [part.top() for part in painted.parts] == [int(view._tops[0])]


def test_a_later_turn_paints_from_what_it_made_downwards(
    view: ThreadView, long_told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands above it is not painted again, and a turn that makes nothing paints nothing."""
    painted = Painted(view.viewport())
    # Time for one piece in each turn.
    ticks = count(step=0.002)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    view.set_blocks(long_told.blocks, keep=False)
    tops: list[int] = []
    while view._later.isActive():
        QCoreApplication.sendPostedEvents(view, QEvent.Type.UpdateRequest.value)
        painted.parts.clear()
        before = made_pieces(view)
        view._later.stop()
        view._go_on()
        QCoreApplication.sendPostedEvents(view, QEvent.Type.UpdateRequest.value)
        new = [top for piece, top in made_pieces(view).items() if piece not in before]
        assert [part.top() for part in painted.parts] == [max(0, int(min(new)))] if new else not painted.parts
        tops += [part.top() for part in painted.parts]
    assert len(tops) >= 2 and max(tops) > 200
    shown = view.grab().toImage()
    view.viewport().update()
    assert view.grab().toImage() == shown
