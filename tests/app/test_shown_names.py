"""Names that others gave: whatever their characters do and however long they are, a line holds, and is read as it is."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from app.charts.legend import Legend
from app.filter_popover import Entry, FilterPopover
from app.overview.label import ToneLabel
from app.shown_names import add_named, lines, one_line, telling_first, tip_text
from app.tables.column import Column, PillText, comma_separated
from app.tables.laid_texts import Face, LaidTexts
from app.tables.painter import RowPainter, pill_width
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import Chip, ElidedLabel
from app.widgets.toast import Toasts

TURNED = "ana\u202e123\u0000\nleft\u2028over"
LINE = "ana\ufffd123\ufffd left over"
FAMILY = "\U0001f469\u200d\U0001f4bb"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (TURNED, LINE),
        ("\u2067a\u2069\tb\r\x1b[0m\x85", "\ufffda\ufffd b \ufffd[0m "),
        (f"gpt-5 א\u200fב {FAMILY} e\u0301\u00ad", f"gpt-5 א\u200fב {FAMILY} e\u0301\u00ad"),
    ],
)
def test_what_cannot_be_seen_and_acts_on_others_is_a_sign(name: str, shown: str) -> None:
    assert one_line(name) == shown
    assert lines("a\tb\n\u202ec") == "a\tb\n\ufffdc"


def test_wherever_names_stand_they_stand_so(qtbot: QtBot, theme: Theme) -> None:
    labels = (TextLabel(theme, TURNED), ElidedLabel(theme, TURNED), ToneLabel(theme, TURNED), Chip(theme, TURNED))
    for label in labels:
        qtbot.addWidget(label)
    assert [label.text() for label in labels] == [LINE.replace(" left", "\nleft"), LINE, LINE, LINE]
    assert LaidTexts(9).laid(TURNED, Face(13)).text.text() == LINE
    assert LaidTexts(9).laid(TURNED, Face(13), 60).text.text().startswith(LINE[:4])
    assert pill_width(PillText(TURNED)) == pill_width(PillText(LINE))
    column: Column[str] = Column(key="name", title="Name", text=str, value=str)
    painter = RowPainter(theme)
    assert painter.width_of(column, [TURNED]) == painter.width_of(column, [LINE])
    assert comma_separated((column,), [TURNED]).encode().endswith(f'"{TURNED}"\r\n'.encode()), (
        "a file has it as it is"
    )
    popover = FilterPopover(theme, labels[0])
    popover.show_entries("user", [Entry(subject="user", text=TURNED, value=TURNED, requests=1)])
    pictures = [popover.list.grab().toImage()]
    popover.show_entries("user", [Entry(subject="user", text=LINE, value=TURNED, requests=1)])
    assert popover.list.grab().toImage() == pictures[0]


def test_a_name_of_three_hundred_characters_leaves_the_legend_to_others(qtbot: QtBot, theme: Theme) -> None:
    card = QWidget()
    qtbot.addWidget(card)
    legend = Legend(theme, card)
    legend.resize(300, 24)
    card.show()
    names = ["m" * 300, "gpt-5.4", "claude-haiku-4-5", "grok-4.3", "gemini-2.5-flash", "Other"]
    legend.set_entries([(name, name, theme.series_color(slot)) for slot, name in enumerate(names)])
    shown = [item for item in legend.items if item.isVisible()]
    assert [item.text() for item in shown][1:] == ["gpt-5.4", "haiku-4-5"] and "…" in shown[0].text()
    assert shown[0].toolTip() == names[0] and shown[-1].geometry().right() < legend.width()
    legend.set_entries([(name, name, theme.series_color(slot)) for slot, name in enumerate(reversed(names))])
    (action,) = legend.more.menu().actions()[-1:]
    assert len(action.text()) < 80 and action.toolTip() == names[0]


def test_an_entry_of_a_menu_says_an_ampersand(qtbot: QtBot) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    assert add_named(menu, "R&D").text() == "R&&D" and not menu.toolTipsVisible()
    assert add_named(menu, "R&D" * 40).toolTip() == "R&D" * 40 and menu.toolTipsVisible()


def test_a_tooltip_fits_the_screen(qtbot: QtBot, theme: Theme) -> None:
    over = QLabel()
    qtbot.addWidget(over)
    over.show()
    name = "m" * 300
    QToolTip.showText(over.mapToGlobal(QPoint(2, 2)), f"{name}\n{TURNED}", over)
    found = [each for each in QApplication.topLevelWidgets() if each.inherits("QTipLabel") and each.isVisible()]
    (tip,) = [each for each in found if isinstance(each, QLabel)]
    said, width, widest = tip.text(), tip.width(), QFontMetrics(tip.font()).horizontalAdvance("m" * 90)
    height, line = tip.height(), QFontMetrics(tip.font()).height()
    QToolTip.hideText()
    assert said.replace("\n", "").startswith(name) and "\u202e" not in said
    assert widest <= width < widest + 40 and height >= 6 * line, "all of its lines"
    assert tip_text("a\n" * 99).endswith("a\n…")


def test_a_note_holds_names_of_any_length(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(600, 400)
    window.show()
    toasts = Toasts(theme, window)
    said = f"“{'m' * 100}” is revoked: see /home/somebody/some/where/else/faregate.log"
    toasts.show(said)
    assert toasts.texts == (said,)
    (label,) = window.findChildren(QLabel)
    assert label.text().startswith(f"“{'m' * 12}…{'m' * 12}” is revoked: see /home/somebody/some/where")
    metrics = QFontMetrics(label.font())
    assert max(metrics.horizontalAdvance(word) for word in label.text().split(" ")[:1]) <= label.width()
    toasts.show(said)
    toasts.withdraw((said,))
    assert toasts.texts == ()


def test_what_a_comparisons_requests_are_is_read_before_its_number() -> None:
    tags = ("compare:cmp_1", "env:dev", "source:compare")
    assert telling_first(tags) == ["env:dev", "source:compare", "compare:cmp_1"]
