"""The stylesheet's rules are given to the widgets that they are for, now, later and at each flip, and to no others."""

import pytest
from PySide6 import QtWidgets
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QLineEdit, QScrollArea, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from app.date_field import DateField
from app.dresser import rules_of
from app.theme import DARK, LIGHT, Theme, stylesheet

STYLED = Qt.WidgetAttribute.WA_StyleSheet


def test_rules_belong_to_the_classes_that_their_selectors_begin_with() -> None:
    first, second = rules_of(
        "QMenu::item:selected, QLineEdit[invalid='true'] { color: red; }\n/* Two,\nof it. */\nQMenu { padding: 4px; }"
    )
    assert (first.classes, second.classes) == ({"QMenu", "QLineEdit"}, {"QMenu"})
    assert second.text == "QMenu { padding: 4px; }"
    with pytest.raises(ValueError, match="'#name' does not begin with a class"):
        rules_of("QMenu, #name { color: red; }")


def test_every_rule_is_for_a_class_of_qt() -> None:
    assert [
        name for rule in rules_of(stylesheet(LIGHT)) for name in rule.classes if not hasattr(QtWidgets, name)
    ] == []


def test_what_no_rule_is_for_has_none_of_the_stylesheets_cost(qtbot: QtBot, theme: Theme) -> None:
    """Nine kilobytes for each of two thousand widgets, and a look at each of them when the theme flips."""
    window = QtWidgets.QMainWindow()
    qtbot.addWidget(window)
    body = QWidget()
    window.setCentralWidget(body)
    plain, field = QLabel("words", body), QtWidgets.QPlainTextEdit(body)
    window.show()
    theme.set_mode("dark")
    late = QLabel("words", body)
    late.show()
    for each in (window, body, plain, late):
        assert not each.testAttribute(STYLED), each
    assert field.testAttribute(STYLED)


def test_fields_are_dressed_wherever_and_whenever_they_are_made(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    dialog = QDialog(window)
    qtbot.addWidget(window)
    window.show()
    dialog.show()
    early = QLineEdit(window)
    early.setGeometry(0, 0, 120, 40)
    for mode, tokens in (("dark", DARK), ("light", LIGHT)):
        theme.set_mode(mode)
        for field in (early, QLineEdit(window), QLineEdit(dialog)):
            field.resize(120, 40)
            field.ensurePolished()
            assert field.minimumSizeHint().height() > 30, "ours, not Fusion's"
            assert field.grab().toImage().pixelColor(60, 0).name() == tokens.border_strong.lower()


def test_the_field_in_a_box_is_a_part_of_it(qtbot: QtBot, theme: Theme) -> None:
    box, date = QComboBox(), DateField(theme, "From")
    box.setEditable(True)
    box.addItem("Europe/Berlin")
    for each in (box, date):
        qtbot.addWidget(each)
        each.show()
        inner = each.lineEdit()
        assert inner is not None
        assert inner.styleSheet() == "" and "QLineEdit" in each.styleSheet()
        assert not inner.hasFrame() and inner.height() < each.height()
        assert "::drop-down { border: none;" in each.styleSheet()


def test_a_subclass_has_the_rules_of_what_it_is(qtbot: QtBot, theme: Theme) -> None:
    class Chooser(QComboBox):
        pass

    chooser, area = Chooser(), QScrollArea()
    for each in (chooser, area):
        qtbot.addWidget(each)
        each.show()
    assert "QComboBox::drop-down" in chooser.styleSheet() and "QMenu::item" not in chooser.styleSheet()
    assert area.styleSheet() == ""


def tips() -> list[QLabel]:
    found = (each for each in QApplication.topLevelWidgets() if each.inherits("QTipLabel") and each.isVisible())
    return [each for each in found if isinstance(each, QLabel)]


@pytest.mark.parametrize("kind", [QLabel, QLineEdit])
def test_tooltips_are_dressed(qtbot: QtBot, theme: Theme, kind: type[QWidget]) -> None:
    theme.set_mode("dark")
    over = kind()
    qtbot.addWidget(over)
    over.show()
    QToolTip.showText(over.mapToGlobal(QPoint(2, 2)), "words", over)

    qtbot.waitUntil(lambda: len(tips()) == 1)
    picture = tips()[0].grab().toImage()
    QToolTip.hideText()
    assert picture.pixelColor(picture.width() // 2, 0).name() == DARK.border_strong.lower()
    assert picture.pixelColor(3, 3).name() == DARK.surface.lower()


def test_what_a_tooltip_tells_is_text(qtbot: QtBot, theme: Theme) -> None:
    """A provider's page of an error, or a question about HTML, would be shown as HTML, with the pictures it names."""
    over = QLabel()
    qtbot.addWidget(over)
    over.show()
    words = "<html><b>Bad gateway</b><img src='picture.png'></html>"
    QToolTip.showText(over.mapToGlobal(QPoint(2, 2)), words, over)
    qtbot.waitUntil(lambda: len(tips()) == 1)
    (tip,) = tips()
    told = tip.text(), tip.textFormat()
    QToolTip.hideText()
    assert told == (words, Qt.TextFormat.PlainText)
