"""The row of filter chips that the pages share: what is filtered, and the way to filter more.

It shows and changes the window's one `FilterState`, so chips survive a change of page. A chip's cross removes it, a
click on it opens its values.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from app.context import AppContext
from app.filter_popover import TAG, FilterPopover, key_entries, tag_entries, value_entries
from app.filter_words import (
    CONVERSATION,
    PROVIDER,
    condition_key,
    dimension_text,
    find_condition,
    number_words,
    tag_text,
    with_key_negated,
    with_tag_toggled,
)
from app.filters import USUAL_SPLIT
from app.flow_layout import FlowLayout
from app.known_errors import KNOWN_ERRORS
from app.overview.label import TextButton, opening
from app.questions import ask_to_delete_view
from app.saved_views import suggested_name
from app.translation import tr
from app.view_menu import SavePopover, open_view_menu
from app.widgets import Chip, PushButton
from gateway import Breakdown, TagCondition, UsageQuery

_VALUES = 10_000
_CONVERSATIONS = 200
"""Each is looked up for its name."""
_REST_TIMES = 20
"""For so many times as reading all tags took, they are not read again: over a long range that takes seconds."""


class FilterBar(QWidget):
    """Chips and "Add filter"; every change goes to `context.filters`, whose `changed` redraws the chips.

    With `views` what is set can be saved under a name, and what was saved comes back.
    """

    def __init__(self, context: AppContext, parent: QWidget | None = None, *, views: bool = False) -> None:
        super().__init__(parent)
        self._context = context
        self._filters = context.filters
        self._popover: FilterPopover | None = None
        self._wanted: str | None = None
        self._tags = Breakdown(rows=())
        self._tags_of: tuple[str, tuple[int, int] | None] | None = None
        self._tags_rest_until = 0.0
        self._chips: list[Chip] = []
        # Of what has a name of its own.
        self._named: dict[str, Chip] = {}
        self._flow = FlowLayout(self)
        self.add_button = PushButton(context.theme, tr("Add filter"), icon="plus", kind="dashed")
        self.add_button.setObjectName("filter.add")
        self.add_button.clicked.connect(self.open_popover)
        self._flow.addWidget(self.add_button)
        self._views = context.shell.views if views else None
        self._save_popover: SavePopover | None = None
        self.clear_button = self._small_button("filter.clear", tr("Clear"), self._filters.clear)
        self.save_button = self._small_button("view.new", tr("Save view"), self._name_view)
        self.views_button = self._small_button("views.open", opening(tr("Views")), self._open_views)
        context.shell.views.changed.connect(self._show_buttons)
        self._filters.changed.connect(self._on_filters_changed)
        context.conversation_names.came.connect(self._name_values)
        context.provider_names.came.connect(self._name_values)
        self._show_chips()

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(self._chips)

    def _small_button(self, name: str, text: str, act: Callable[[], object]) -> TextButton:
        button = TextButton(self._context.theme, text)
        button.setObjectName(name)
        button.setFixedHeight(self.add_button.sizeHint().height())
        button.clicked.connect(lambda: act())
        self._flow.addWidget(button)
        return button

    def _show_buttons(self) -> None:
        filtered, views = self._filters.is_filtered, self._views
        self.clear_button.setVisible(len(self._chips) > 1)
        self.save_button.setVisible(views is not None and (filtered or self._filters.split != USUAL_SPLIT))
        self.views_button.setVisible(views is not None and bool(views.views))
        self._flow.invalidate()

    # Saved views

    @property
    def save_popover(self) -> SavePopover:
        """Made when it is first wanted."""
        if self._save_popover is None:
            self._save_popover = SavePopover(self._context.theme, self)
            self._save_popover.named.connect(self._save_view)
        return self._save_popover

    def _name_view(self) -> None:
        self.save_popover.open_at(
            self.save_button, suggested_name(self._filters.snapshot(), self._context.value_name)
        )

    def _save_view(self, name: str) -> None:
        assert self._views is not None
        try:
            self._views.save(name, self._filters.snapshot())
        except ValueError as problem:
            self.save_popover.show_problem(str(problem))
        else:
            self.save_popover.close()

    def _open_views(self) -> None:
        assert self._views is not None
        open_view_menu(self.views_button, self._views, self._choose_view, self._ask_to_delete_view)

    def _ask_to_delete_view(self, name: str) -> None:
        ask_to_delete_view(self, name, partial(self._delete_view, name))

    def _delete_view(self, name: str) -> None:
        assert self._views is not None
        self._views.remove(name)
        # The button that had the keyboard goes with the last one.
        (self.views_button if self._views.views else self.add_button).setFocus()

    def _choose_view(self, name: str) -> None:
        assert self._views is not None
        for view in self._views.views:
            if view.name == name:
                self._filters.restore(view.filters)

    # The popover

    @property
    def popover(self) -> FilterPopover:
        """Made when it is first wanted."""
        if self._popover is None:
            popover = FilterPopover(self._context.theme, self)
            popover.opened.connect(self._on_opened)
            popover.chosen.connect(self._on_chosen)
            popover.negated.connect(self._on_negated)
            popover.back.clicked.connect(lambda: self._on_opened(None))
            self._popover = popover
        return self._popover

    def open_popover(self) -> None:
        """Show the keys below the button."""
        self._open(self.add_button, None)

    def _open(self, anchor: QWidget, subject: str | None) -> None:
        self.popover.show_entries(None, key_entries(self._tags))
        self.popover.open_at(anchor)
        self._on_opened(subject)

    def _on_opened(self, subject: str | None) -> None:
        self._wanted = subject
        self._context.spawn(self._load(subject))

    async def _load(self, subject: str | None) -> None:
        """Read what the popover is to show; a failure is told in its place. What comes when something else was opened
        meanwhile is not shown."""
        query = self._range_only()
        dimension = TAG if subject is None or subject.startswith(f"{TAG}:") else subject
        most = _CONVERSATIONS if dimension == CONVERSATION else _VALUES
        asked = (self._filters.range_key, self._filters.custom)
        began = time.monotonic()
        if dimension == TAG and self._tags_of == asked:
            # What was read a moment ago stands until it is read anew.
            await self._show_values(subject, self._tags, cut=len(self._tags.rows) >= most)
            if began < self._tags_rest_until:
                return
        try:
            breakdown = await self._context.gateway.breakdown(query, dimension, sort="requests", limit=most)
        except KNOWN_ERRORS as error:
            if subject == self._wanted:
                self.popover.show_problem(str(error))
            return
        if dimension == TAG:
            self._tags, self._tags_of = breakdown, asked
            now = time.monotonic()
            self._tags_rest_until = now + _REST_TIMES * (now - began)
        elif dimension == CONVERSATION:
            await self._context.conversation_names.read(
                [row.value for row in breakdown.rows if row.value is not None]
            )
        elif dimension == PROVIDER and not self._context.provider_names.known:
            await self._context.provider_names.read()
        await self._show_values(subject, breakdown, cut=len(breakdown.rows) >= most)

    async def _show_values(self, subject: str | None, breakdown: Breakdown, *, cut: bool) -> None:
        """Rows are made beside the loop: there can be thousands."""
        condition = None
        if subject is None:
            entries = await asyncio.to_thread(key_entries, breakdown)
        elif subject.startswith(f"{TAG}:"):
            key = subject.removeprefix(f"{TAG}:")
            condition = find_condition(self._filters.tags, key)
            chosen = condition.any_of if condition is not None else ()
            entries = await asyncio.to_thread(tag_entries, breakdown, key, chosen)
        else:
            chosen = self._filters.dimensions.get(subject, ())
            entries = await asyncio.to_thread(value_entries, subject, breakdown, chosen, self._context.value_name)
        if subject == self._wanted:
            negated = condition is not None and condition.negated
            if subject == self.popover.subject:
                # Said since, and of no value yet where none is chosen.
                negated = self.popover.is_negated
            self.popover.show_entries(subject, entries, negated=negated, cut=cut)

    def _range_only(self) -> UsageQuery:
        query = self._filters.query(time.time_ns() // 1000)
        return UsageQuery(start_us=query.start_us, end_us=query.end_us, tz=query.tz)

    def _on_chosen(self, subject: str, value: str) -> None:
        if subject.startswith(f"{TAG}:"):
            self._set_tags(with_tag_toggled(self._filters.tags, value, negated=self.popover.is_negated))
        else:
            old = self._filters.dimensions.get(subject, ())
            new = tuple(known for known in old if known != value) if value in old else (*old, value)
            self._filters.set_dimension(subject, new)
        self._on_opened(subject)

    def _on_negated(self, key: str, negated: bool) -> None:
        self._set_tags(with_key_negated(self._filters.tags, key, negated=negated))

    def _set_tags(self, tags: Sequence[TagCondition]) -> None:
        for old in self._filters.tags:
            if old not in tags:
                self._filters.remove_tag(old)
        for new in tags:
            if new not in self._filters.tags:
                self._filters.add_tag(new)

    def _on_filters_changed(self) -> None:
        focused = any(chip.hasFocus() for chip in self._chips)
        self._show_chips()
        if self.isVisible():
            self._ask_names()
        if focused:
            # The chip that had the keyboard is gone; what follows it is the way to add one.
            self.add_button.setFocus()

    def _show_chips(self) -> None:
        for chip in self._chips:
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self._chips, self._named = [], {}
        for condition in self._filters.tags:
            self._add_tag_chip(condition)
        for dimension, values in self._filters.dimensions.items():
            if values:
                self._add_dimension_chip(dimension, values)
        for number in self._filters.numbers:
            self._add_chip(number_words(number)).removed.connect(partial(self._filters.remove_number, number))
        for word in self._filters.text:
            self._add_chip(f"“{word}”").removed.connect(partial(self._filters.remove_text, word))
        self._show_buttons()

    def _add_tag_chip(self, condition: TagCondition) -> None:
        chip = self._add_chip(tag_text(condition))
        chip.removed.connect(lambda: self._filters.remove_tag(condition))
        key = condition_key(condition)
        if key is not None:
            chip.clicked.connect(lambda: self._open(chip, f"{TAG}:{key}"))

    def _add_dimension_chip(self, dimension: str, values: Sequence[str]) -> None:
        chip = self._add_chip(dimension_text(dimension, values, self._context.value_name))
        chip.removed.connect(lambda: self._filters.set_dimension(dimension, ()))
        chip.clicked.connect(lambda: self._open(chip, dimension))
        if dimension in (CONVERSATION, PROVIDER):
            self._named[dimension] = chip
            self._name_values()

    def _name_values(self) -> None:
        """Their chips say titles, as far as they are known; of conversations the tooltip has the ids too."""
        for dimension, chip in self._named.items():
            values, name = self._filters.dimensions.get(dimension, ()), self._context.value_name
            text = dimension_text(dimension, values, name)
            is_called = any(name(dimension, value) != value for value in values)
            whole = "\n".join((text, *values)) if dimension == CONVERSATION and is_called else None
            chip.set_words(text, whole)
        self._flow.invalidate()

    def _ask_names(self) -> None:
        self._context.conversation_names.ask(self._filters.dimensions.get(CONVERSATION, ()))
        if self._filters.dimensions.get(PROVIDER) and not self._context.provider_names.known:
            self._context.spawn(self._context.provider_names.read())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask_names()

    def _add_chip(self, text: str) -> Chip:
        chip = Chip(self._context.theme, text)
        self._flow.insert_widget(len(self._chips), chip)
        chip.show()
        self._chips.append(chip)
        return chip
