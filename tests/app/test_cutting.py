"""An area is cut where nothing is cut in two, into pieces that weigh about as much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.widgets.cutting import ROW, TALL, Box, boxes_of, cut

AREA = QRect(0, 0, 600, 400)


def rect(box: Box) -> QRect:
    return QRect(box.left, box.top, box.right - box.left, box.bottom - box.top)


def grid(columns: int, rows: int, weight: int = 1, gap: int = 12) -> list[Box]:
    width, height = AREA.width() // columns, AREA.height() // rows
    return [
        Box(x * width, y * height, (x + 1) * width - gap, (y + 1) * height - gap, weight)
        for y in range(rows)
        for x in range(columns)
    ]


def test_a_card_is_a_piece_and_comes_in_the_order_of_reading() -> None:
    boxes = grid(2, 2, weight=10)
    pieces = list(cut(AREA, boxes, 16))
    assert [[box for box in boxes if piece.contains(rect(box))] for piece in pieces] == [[box] for box in boxes]


def test_what_weighs_little_stays_together() -> None:
    assert list(cut(AREA, grid(4, 4), 16)) == [AREA]
    assert len(list(cut(AREA, grid(4, 4), 8))) == 2


def test_a_card_is_parted_within_only_where_it_weighs_too_much() -> None:
    """Two cards of two lines each, whose lines are close together: the wide gap between the cards goes first."""
    cards = [Box(left, top, left + 250, top + 90, 4) for left in (0, 300) for top in (0, 94)]
    assert [piece.left() for piece in cut(AREA, cards, 8)] == [0, 275]
    assert len(list(cut(AREA, cards, 4))) == 4


def test_what_cannot_be_cut_is_one_piece() -> None:
    assert list(cut(AREA, [Box(0, 0, 600, 400, 99)], 16)) == [AREA]
    assert list(cut(AREA, [Box(0, 0, 400, 400, 20), Box(200, 0, 600, 400, 20)], 16)) == [AREA]


some_boxes = st.lists(
    st.builds(
        lambda x, y, width, height, weight: Box(x, y, min(x + width, 600), min(y + height, 400), weight),
        st.integers(0, 590),
        st.integers(0, 390),
        st.integers(1, 300),
        st.integers(1, 200),
        st.integers(1, 20),
    ),
    max_size=20,
)


@given(some_boxes, st.integers(1, 40))
def test_pieces_make_up_all_of_the_area_and_go_through_nothing(boxes: list[Box], most: int) -> None:
    pieces = list(cut(AREA, boxes, most))
    assert sum(piece.width() * piece.height() for piece in pieces) == AREA.width() * AREA.height()
    assert not any(one.intersects(other) for one in pieces for other in pieces if one is not other)
    for box in boxes:
        assert [piece for piece in pieces if piece.intersects(rect(box))] == [
            piece for piece in pieces if piece.contains(rect(box))
        ]


@pytest.fixture
def page(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(600, 1000)
    return made


def put(parent: QWidget, *place: int) -> QWidget:
    made = QWidget(parent)
    made.setGeometry(*place)
    return made


def test_innermost_widgets_count_and_what_floats_or_is_hidden_does_not(page: QWidget) -> None:
    card = put(page, 10, 10, 300, 100)
    put(card, 5, 5, 100, 2 * ROW)
    put(card, 120, 5, 50, ROW).hide()
    kept = put(card, 200, 5, 50, ROW)
    policy = kept.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    kept.setSizePolicy(policy)
    kept.hide()
    put(page, 0, 0, 600, 1000).setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    put(page, 0, 2000, 100, 100)
    page.show()
    assert boxes_of(page, page.rect()) == [Box(15, 15, 115, 55, 2), Box(210, 15, 260, 35, 1)]


def test_a_table_can_be_cut_between_its_rows_and_its_scroll_bar_anywhere(page: QWidget) -> None:
    put(page, 0, 0, 580, TALL + ROW)
    put(page, 580, 0, 12, TALL + ROW)
    page.show()
    boxes = boxes_of(page, page.rect())
    assert {box.weight for box in boxes} == {1} and {box.left for box in boxes} == {0}
    assert len(boxes) == (TALL + ROW) // ROW
    assert len(list(cut(page.rect(), boxes, 5))) == 4
