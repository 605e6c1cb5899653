"""What a row's own facts can narrow the list to: a menu of its model, user, key and tags, as chips would say them."""

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace
from PySide6.QtWidgets import QMenu

from app.filter_words import (
    DIMENSION_NAMES,
    NameValue,
    as_written,
    dimension_text,
    tag_key,
    tag_text,
    with_tag_toggled,
)
from app.filters import FilterSnapshot, FilterState
from app.shown_names import add_named
from app.translation import tr
from gateway import ExchangeRecord, TagCondition


def facts(row: ExchangeRecord) -> dict[str, str]:
    """The row's value of each dimension that it has."""
    values = {name: getattr(row, name, None) for name in DIMENSION_NAMES}
    values["conversation"] = row.conversation_id
    return {name: value for name, value in values.items() if value}


def narrowed(filters: FilterSnapshot, dimension: str, value: str) -> FilterSnapshot:
    """Only this value of the dimension, whichever were chosen before."""
    return replace(filters, dimensions={**filters.dimensions, dimension: (value,)})


def with_tag(filters: FilterSnapshot, tag: str, *, negated: bool) -> FilterSnapshot:
    """Only requests with this tag, or none of them; what was said of its key before goes."""
    key = tag_key(tag)
    others = tuple(condition for condition in filters.tags if {tag_key(each) for each in condition.any_of} != {key})
    return replace(filters, tags=with_tag_toggled(others, tag, negated=negated))


def add_narrowing(menu: QMenu, row: ExchangeRecord, filters: FilterState, name: NameValue = as_written) -> None:
    """Two submenus at the end of a row's menu."""
    only, without = QMenu(tr("Show only"), menu), QMenu(tr("Leave out"), menu)
    for dimension, value in facts(row).items():
        words = dimension_text(dimension, (value,), name)
        _add(only, words, filters, partial(narrowed, dimension=dimension, value=value))
    for tag in row.tags:
        words = tag_text(TagCondition(any_of=(tag,)))
        _add(only, words, filters, partial(with_tag, tag=tag, negated=False))
        _add(without, words, filters, partial(with_tag, tag=tag, negated=True))
    menu.addSeparator()
    menu.addMenu(only)
    if row.tags:
        menu.addMenu(without)


def _add(menu: QMenu, text: str, filters: FilterState, change: Callable[[FilterSnapshot], FilterSnapshot]) -> None:
    add_named(menu, text).triggered.connect(lambda: filters.restore(change(filters.snapshot())))
