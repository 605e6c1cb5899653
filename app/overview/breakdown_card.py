"""A breakdown table in its card: a title, or tabs where it shows one of several dimensions, and "View all"."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from app.overview.breakdown import DIMENSION_TITLES, BreakdownModel, Line, Measure, lines
from app.overview.label import TextButton, ToneLabel
from app.overview.slots import ColourSlots
from app.overview.table import EDGE, BreakdownTable
from app.theme import Theme
from app.widgets import Card
from gateway import Breakdown

SHOWN_ROWS = 4


class BreakdownCard(Card):
    """`line_activated` carries (dimension, line); `dimension_changed` the dimension of the tab that was chosen."""

    line_activated = Signal(str, object)
    dimension_changed = Signal(str)

    def __init__(
        self, theme: Theme, dimensions: Sequence[str], measures: Sequence[Measure], parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self._theme = theme
        self._dimensions = tuple(dimensions)
        self._slots = {dimension: ColourSlots() for dimension in dimensions}
        self._expanded = False
        self._lines: Sequence[Line] = ()
        self.dimension = self._dimensions[0]
        self.model = BreakdownModel(measures)
        self.model.setParent(self)
        self.table = BreakdownTable(theme, self.model, self)
        self._lay_out()
        self._name()
        self.table.line_activated.connect(lambda line: self.line_activated.emit(self.dimension, line))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(EDGE, 0, EDGE, 0)
        head.setSpacing(14)
        self.tabs: dict[str, TextButton] = {}
        if len(self._dimensions) == 1:
            title = DIMENSION_TITLES[self.dimension]
            head.addWidget(ToneLabel(self._theme, title, weight=600, parent=self))
        else:
            group = QButtonGroup(self)
            for dimension in self._dimensions:
                tab = TextButton(self._theme, DIMENSION_TITLES[dimension], tab=True, parent=self)
                tab.setObjectName(f"tab.{dimension}")
                tab.setChecked(dimension == self.dimension)
                tab.clicked.connect(lambda _checked=False, dimension=dimension: self.choose(dimension))
                group.addButton(tab)
                head.addWidget(tab)
                self.tabs[dimension] = tab
        head.addStretch(1)
        self.view_all = TextButton(self._theme, "View all", parent=self)
        self.view_all.clicked.connect(self._expand)
        head.addWidget(self.view_all)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 7, 8, 8)
        column.setSpacing(1)
        column.addLayout(head)
        column.addWidget(self.table)
        column.addStretch(1)

    def slots_of(self, dimension: str) -> ColourSlots:
        """The colours of a dimension's values."""
        return self._slots[dimension]

    def choose(self, dimension: str) -> None:
        """Show another dimension; its rows come with the next `set_breakdown`."""
        if dimension == self.dimension:
            return
        self.dimension = dimension
        self.tabs[dimension].setChecked(True)
        self._name()
        self.dimension_changed.emit(dimension)

    def set_breakdown(
        self, breakdown: Breakdown, dimension: str, total_nano: int | None, titles: Mapping[str, str] | None = None
    ) -> None:
        """Rows of `dimension`; those of a tab that has been left meanwhile are dropped."""
        if dimension != self.dimension:
            return
        slots = self._slots[dimension]
        slots.assign(row.value for row in breakdown.rows if row.value is not None)
        self._lines = lines(breakdown, dimension, total_nano, slots, titles)
        self._show()

    def _name(self) -> None:
        self.setObjectName(f"breakdown.{self.dimension}")
        self.table.setObjectName(f"table.{self.dimension}")
        self.table.setAccessibleName(DIMENSION_TITLES[self.dimension])
        self.view_all.setAccessibleName(f"View all, {DIMENSION_TITLES[self.dimension]}")

    def _expand(self) -> None:
        self._expanded = not self._expanded
        self._show()

    def _show(self) -> None:
        self.model.set_lines(self._lines, None if self._expanded else SHOWN_ROWS)
        self.view_all.setText("Show fewer" if self._expanded else "View all")
        self.view_all.setVisible(len(self._lines) > SHOWN_ROWS)
        self.view_all.updateGeometry()
        self.table.viewport().update()
