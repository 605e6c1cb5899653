"""A breakdown table in its card: a title, or tabs where it shows one of several dimensions, and "View all".

Behind "More" stand the groupings that have no tab, tag keys among them. With all its rows a table has the whole width
and all its columns.
"""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from app.colour_slots import Colours, ColourSlots
from app.overview.breakdown import MEASURES, BreakdownModel, Line, group_title, lines
from app.overview.label import TextButton, ToneLabel, opening, text_width
from app.overview.table import EDGE, BreakdownTable
from app.theme import Theme
from app.translation import later, tr
from app.widgets import Card
from gateway import Breakdown

SHOWN_ROWS = 4
_MORE = later("More")
_LONG_TITLE = later("By conversation")
_SPACING, _SIDE = 14, 8


class BreakdownCard(Card):
    """`line_activated` carries (dimension, line); `dimension_changed` the dimension that was chosen; `expanded`
    whether all rows are on show; `more_wanted` the button that other dimensions are to be offered at."""

    line_activated = Signal(str, object)
    dimension_changed = Signal(str)
    expanded = Signal(bool)
    more_wanted = Signal(object)

    def __init__(
        self, theme: Theme, dimensions: Sequence[str], colours: Colours, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self._colours = colours
        self._theme = theme
        self.tabs: dict[str, TextButton] = {}
        self._dimensions = tuple(dimensions)
        self._slots: dict[str, ColourSlots] = {}
        self._expanded = False
        self._lines: Sequence[Line] = ()
        self.dimension = self._lines_of = self._dimensions[0]
        self.model = BreakdownModel(MEASURES)
        self.model.setParent(self)
        self.table = BreakdownTable(theme, self.model, self)
        self._lay_out()
        self._name()
        # Until the rows of a tab come, those of the one before stand there: they are still what they were.
        self.table.line_activated.connect(lambda line: self.line_activated.emit(self._lines_of, line))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(EDGE, 0, EDGE, 0)
        head.setSpacing(_SPACING)
        if len(self._dimensions) == 1:
            title = group_title(self.dimension)
            head.addWidget(ToneLabel(self._theme, title, weight=600, parent=self))
        else:
            group = QButtonGroup(self)
            for dimension in self._dimensions:
                tab = TextButton(self._theme, group_title(dimension), tab=True, parent=self)
                tab.setObjectName(f"tab.{dimension}")
                tab.setChecked(dimension == self.dimension)
                tab.clicked.connect(lambda _checked=False, dimension=dimension: self.choose(dimension))
                group.addButton(tab)
                head.addWidget(tab)
                self.tabs[dimension] = tab
            self.more = TextButton(self._theme, opening(tr(_MORE)), tab=True, parent=self)
            self.more.setObjectName("tab.more")
            self.more.clicked.connect(self._on_more)
            group.addButton(self.more)
            head.addWidget(self.more)
        head.addStretch(1)
        self.view_all = TextButton(self._theme, tr("View all"), parent=self)
        self.view_all.clicked.connect(self._expand)
        # Without it a head of a title alone would be lower than its neighbour's, whose tabs are as tall.
        kept = self.view_all.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.view_all.setSizePolicy(kept)
        head.addWidget(self.view_all)
        column = QVBoxLayout(self)
        column.setContentsMargins(_SIDE, 7, _SIDE, 8)
        column.setSpacing(1)
        column.addLayout(head)
        column.addWidget(self.table)
        column.addStretch(1)

    def slots_of(self, dimension: str) -> ColourSlots:
        """The colours of a dimension's values."""
        return self._slots.setdefault(dimension, ColourSlots(self._colours, dimension))

    def choose(self, dimension: str) -> None:
        """Show another dimension, with a tab or without; its rows come with the next `set_breakdown`."""
        if dimension == self.dimension:
            return
        self.dimension = dimension
        self._check_tab()
        self._name()
        self.dimension_changed.emit(dimension)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.tabs:
            self._check_tab()

    def _fitting_tabs(self) -> int:
        """How many tabs stand beside each other, with "More" and "View all"; the menu offers the others."""
        beside = max(self.more.sizeHint().width(), text_width(opening(tr(_LONG_TITLE))))
        room = self.width() - 2 * (EDGE + _SIDE) - beside - self.view_all.sizeHint().width() - 2 * _SPACING
        for number, tab in enumerate(self.tabs.values()):
            room -= tab.sizeHint().width() + _SPACING
            if room < 0:
                return number
        return len(self.tabs)

    def _check_tab(self) -> None:
        fitting = tuple(self.tabs)[: self._fitting_tabs()]
        for dimension, each in self.tabs.items():
            each.setVisible(dimension in fitting)
        tab = self.tabs[self.dimension] if self.dimension in fitting else None
        if tab is not None:
            self.more.say(opening(tr(_MORE)), tr("More groupings"))
        else:
            self.more.say(opening(group_title(self.dimension)))
        (tab or self.more).setChecked(True)

    def _on_more(self) -> None:
        # Nothing is chosen until it is chosen in the menu.
        self._check_tab()
        self.more_wanted.emit(self.more)

    def set_breakdown(
        self,
        breakdown: Breakdown,
        dimension: str,
        total_nano: int | None,
        titles: Mapping[str, str] | None = None,
        *,
        mark: bool = False,
    ) -> None:
        """Rows of `dimension`; those of a tab that has been left meanwhile are dropped. `mark` the costliest."""
        if dimension != self.dimension:
            return
        slots = self.slots_of(dimension)
        slots.assign(row.value for row in breakdown.rows if row.value is not None)
        self._lines = lines(breakdown, dimension, total_nano, slots, titles, mark=mark)
        self._lines_of = dimension
        self._show()

    def _name(self) -> None:
        self.setObjectName(f"breakdown.{self.dimension}")
        self.table.setObjectName(f"table.{self.dimension}")
        self.table.setAccessibleName(group_title(self.dimension))
        self._tell_all()

    def _tell_all(self) -> None:
        words = tr("Show fewer") if self._expanded else tr("View all")
        self.view_all.say(words, f"{words}, {group_title(self.dimension)}")

    def _expand(self) -> None:
        self._expanded = not self._expanded
        self._show()
        self.expanded.emit(self._expanded)

    def _show(self) -> None:
        self.model.set_lines(self._lines, None if self._expanded else SHOWN_ROWS)
        self.table.lay_out()
        self._tell_all()
        self.view_all.setVisible(bool(self._lines))
        self.table.viewport().update()
