"""A menu that a button opens, in a turn after that in which it is made: both at once hold the loop for too long."""

from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.next_turn import NextTurn


def open_below(menu: QMenu, button: QWidget) -> None:
    """Soon; not where the button's page is left meanwhile, or another click has opened one."""

    def open_it() -> None:
        if button.isVisible() and QApplication.activePopupWidget() is None:
            menu.popup(button.mapToGlobal(button.rect().bottomLeft()))
        else:
            menu.deleteLater()

    NextTurn(menu).ask(open_it)
