"""Menus of one choice: of a few, and of what usage can be grouped by: dimensions, then every tag key of the range."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.filter_words import tag_key
from app.overview.breakdown import TAG_KEY, group_title
from app.shown_names import add_named
from app.translation import tr
from gateway import Breakdown


def tag_keys(tags: Breakdown) -> tuple[str, ...]:
    """The keys of these tags, by name."""
    return tuple(sorted({tag_key(row.value) for row in tags.rows if row.value is not None}))


def open_choice_menu(
    anchor: QWidget, offered: Mapping[str, str], chosen: str, choose: Callable[[str], None]
) -> QMenu:
    """Below `anchor`, one of `offered` (what it is by what it is called), the present choice checked."""
    menu = QMenu(anchor)
    menu.setObjectName("menu.choices")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    group = QActionGroup(menu)
    for key, text in offered.items():
        action = add_named(menu, text)
        action.triggered.connect(partial(choose, key))
        _check(action, group, key == chosen)
    menu.popup(anchor.mapToGlobal(QPoint(0, anchor.height() + 2)))
    return menu


def open_group_menu(
    anchor: QWidget, dimensions: Sequence[str], tags: Breakdown, chosen: str, choose: Callable[[str], None]
) -> QMenu:
    """Below `anchor`, the present choice checked. A choice that the range has no tag of any more stays offered."""
    menu = QMenu(anchor)
    menu.setObjectName("menu.groups")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    group = QActionGroup(menu)
    keys = [f"{TAG_KEY}{key}" for key in tag_keys(tags)]
    if chosen.startswith(TAG_KEY) and chosen not in keys:
        keys.append(chosen)

    def add(by: str) -> None:
        action = add_named(menu, group_title(by))
        action.triggered.connect(lambda: choose(by))
        _check(action, group, by == chosen)

    for dimension in dimensions:
        add(dimension)
    if keys:
        menu.addSection(tr("Values of a tag"))
    for key in keys:
        add(key)
    menu.popup(anchor.mapToGlobal(QPoint(0, anchor.height() + 2)))
    return menu


def _check(action: QAction, group: QActionGroup, chosen: bool) -> None:
    action.setCheckable(True)
    action.setChecked(chosen)
    group.addAction(action)
