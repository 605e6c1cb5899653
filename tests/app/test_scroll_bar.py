"""A scroll bar paints all of its place: what stands behind it is not painted each time that there is more to scroll."""

from pytestqt.qtbot import QtBot

from app.tables.model import ListModel
from app.tables.view import TableView
from app.theme import Theme
from app.widgets import Card
from tests.app.test_short_slots import Painted
from tests.app.test_tables import COLUMNS, Record


def test_a_table_and_its_card_are_not_painted_with_its_scroll_bar(qtbot: QtBot, theme: Theme) -> None:
    model: ListModel[Record] = ListModel(COLUMNS, key=lambda row: row.number)
    view = TableView(theme, model, "Records")
    card = Card.around(theme, view)
    qtbot.addWidget(card)
    card.resize(500, 400)
    with qtbot.waitExposed(card):
        card.show()
    model.set_rows(tuple(Record(number, f"row {number}") for number in range(400)))
    bar = view.verticalScrollBar()
    qtbot.waitUntil(bar.isVisible)
    for mode in ("light", "dark"):
        # With its flip the style is worked out anew.
        theme.set_mode(mode)
        card.repaint()
        behind, itself = [Painted(each) for each in (card, view)], Painted(bar)
        bar.repaint()
        assert itself.parts and [each.parts for each in behind] == [[], []]
        ground = bar.grab().toImage().pixelColor(0, bar.height() - 1)
        assert ground.rgb() == theme.color("surface").rgb()
