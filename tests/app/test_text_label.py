"""Words that can be selected: as other words to Qt until somebody presses on them, and selected and copied as ever."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.text_label import TextLabel
from app.theme import Theme

LEFT = Qt.MouseButton.LeftButton


def shown(qtbot: QtBot, *, selectable: bool) -> TextLabel:
    label = TextLabel(Theme("light"), "claude-sonnet and more", wrap=True, selectable=selectable)
    label.resize(300, 40)
    qtbot.addWidget(label)
    with qtbot.waitActive(label):
        label.show()
        label.activateWindow()
    return label


def drag_over(qtbot: QtBot, label: TextLabel) -> None:
    y = label.height() // 2
    qtbot.mousePress(label, LEFT, pos=QPoint(0, y))
    qtbot.mouseMove(label, QPoint(label.width() - 2, y))
    qtbot.mouseRelease(label, LEFT, pos=QPoint(label.width() - 2, y))


def test_the_first_drag_over_words_selects_them_and_ctrl_c_copies_them(qtbot: QtBot) -> None:
    label = shown(qtbot, selectable=True)
    drag_over(qtbot, label)
    assert label.selectedText() == "claude-sonnet and more"
    assert label.hasFocus()
    QGuiApplication.clipboard().clear()
    qtbot.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "claude-sonnet and more"


def test_nothing_is_selected_in_words_that_cannot_be(qtbot: QtBot) -> None:
    label = shown(qtbot, selectable=False)
    drag_over(qtbot, label)
    assert not label.hasSelectedText()
    assert not label.hasFocus()


def test_words_are_no_document_before_somebody_presses_on_them(qtbot: QtBot) -> None:
    label = shown(qtbot, selectable=True)
    # A label that takes text selections or the keyboard keeps a document.
    assert label.textInteractionFlags() == Qt.TextInteractionFlag.LinksAccessibleByMouse
    assert label.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_pressing_does_not_move_the_words(qtbot: QtBot) -> None:
    label = shown(qtbot, selectable=True)
    before, height = label.grab().toImage(), label.heightForWidth(120)
    qtbot.mouseClick(label, LEFT, pos=QPoint(2, label.height() // 2))
    assert label.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    assert label.heightForWidth(120) == height
    assert label.grab().toImage() == before
