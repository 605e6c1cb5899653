"""Sorting a table by a menu: what a click on a title does, for the keyboard."""

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from app.translation import tr


def sort_menu(
    parent: QWidget, columns: Iterable[tuple[int, str]], sorted_by: int | None, sort: Callable[[int], object]
) -> QMenu:
    """`columns` are sections and their titles; that by which rows are sorted is checked, and chosen again turns them
    round, as a second click does."""
    menu = QMenu(tr("Sort by"), parent)
    menu.setObjectName("sort_menu")
    for section, title in columns:
        action = menu.addAction(title, partial(sort, section))
        action.setCheckable(True)
        action.setChecked(section == sorted_by)
    return menu
