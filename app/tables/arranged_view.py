"""A table whose columns a person arranges: which there are, in which order, how wide, and by which the rows stand.

Columns are as wide as they say; what is left of the width goes to those that grow.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QTableView, QWidget

from app import formats
from app.tables.column import Column
from app.tables.header import TableHeader
from app.tables.model import RowModel
from app.theme import Theme
from app.translation import tr
from app.widgets.ticking_menu import TickingMenu

_WIDEST = 1200


class KeptColumn(Struct, frozen=True):
    """How a column stands: its place is that in the list."""

    key: str
    width: int
    shown: bool


class ArrangedView(QTableView):
    """`columns_changed`: another order, width or choice, to be kept; `hidden`: it is out of sight."""

    columns_changed = Signal()
    hidden = Signal()

    def __init__(self, theme: Theme, model: RowModel[Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self._fitting = False
        # By a clock of 24 hours.
        self._widths = [column.width for column in model.columns]
        self.setHorizontalHeader(TableHeader(theme, model, self))
        self.setModel(model)
        for section, column in enumerate(model.columns):
            self.setColumnHidden(section, column.optional)
        header = self.horizontalHeader()
        header.sectionResized.connect(self._section_resized)
        header.sectionClicked.connect(self._header_clicked)
        header.sectionMoved.connect(lambda *_: self.columns_changed.emit())
        header.sectionHandleDoubleClicked.connect(self.fit_section)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(
            lambda at: self.columns_menu(self, header.logicalIndexAt(at)).popup(header.viewport().mapToGlobal(at))
        )

    def _header(self) -> TableHeader:
        header = self.horizontalHeader()
        assert isinstance(header, TableHeader)
        return header

    def shown_columns(self) -> tuple[Column[Any], ...]:
        """The columns on the screen, in the order in which they stand."""
        return tuple(column for _, column in self._by_place())

    def _by_place(self) -> list[tuple[int, Column[Any]]]:
        """Sections on the screen with their columns, from the left."""
        header = self.horizontalHeader()
        logical = (header.logicalIndex(visual) for visual in range(header.count()))
        return [(section, self._rows.columns[section]) for section in logical if not self.isColumnHidden(section)]

    def show_column(self, key: str, shown: bool) -> None:
        section = self._section_of(key)
        self.setColumnHidden(section, not shown)
        self.fit_columns()
        self.columns_changed.emit()

    def show_order(self, key: str, *, descending: bool) -> None:
        """Mark the column by which the rows stand in order before anybody chooses one."""
        self._header().show_arrow(self._section_of(key), descending)

    def _section_of(self, key: str) -> int:
        return next(i for i, column in enumerate(self._rows.columns) if column.key == key)

    def columns_menu(self, parent: QWidget, section: int = -1) -> QMenu:
        """A menu in which each column can be shown or hidden; the first one always stays. Of a header's `section`
        also where it stands and how wide it is."""
        menu = TickingMenu(parent)
        menu.setObjectName("columns_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        arranging = self._arranging(menu, section) if section >= 0 else ()
        for number, column in enumerate(self._rows.columns[1:], start=1):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(number))
            action.toggled.connect(lambda shown, key=column.key: self._tick(key, shown, section, arranging))
        menu.addSeparator()
        menu.addAction(tr("The usual columns"), self.reset_columns)
        return menu

    def _arranging(self, menu: QMenu, section: int) -> tuple[QAction, ...]:
        """To the left, to the right, and how wide."""
        title = self._rows.columns[section].title
        made = (
            menu.addAction(tr("Move {0} left").format(title), partial(self.move_column, section, -1)),
            menu.addAction(tr("Move {0} right").format(title), partial(self.move_column, section, 1)),
            menu.addAction(tr("Fit {0} to what is shown").format(title), partial(self.fit_section, section)),
        )
        menu.addSeparator()
        self._allow(made, section)
        return made

    def _allow(self, arranging: Sequence[QAction], section: int) -> None:
        """None is moved that cannot be seen."""
        shown = not self.isColumnHidden(section)
        possible = (self._beside(section, -1) is not None, self._beside(section, 1) is not None, True)
        for action, is_possible in zip(arranging, possible, strict=True):
            action.setEnabled(shown and is_possible)

    def _tick(self, key: str, shown: bool, section: int, arranging: Sequence[QAction]) -> None:
        """The menu stays open for more, and what it says of `section` is of the columns as they stand now."""
        self.show_column(key, shown)
        if arranging:
            self._allow(arranging, section)

    def move_column(self, section: int, places: int) -> None:
        """Put a column so many shown columns further to the right, or to the left where negative."""
        beside = self._beside(section, places)
        if beside is not None:
            header = self.horizontalHeader()
            header.moveSection(header.visualIndex(section), beside)

    def _beside(self, section: int, places: int) -> int | None:
        """The visual place of the shown column beside one."""
        header = self.horizontalHeader()
        place = header.visualIndex(section) + places
        while 0 <= place < header.count():
            if not self.isColumnHidden(header.logicalIndex(place)):
                return place
            place += places
        return None

    def needed_width(self, section: int) -> int:
        """Pixels that a column needs for its words on the screen; the view that paints them knows."""
        raise NotImplementedError

    def fit_section(self, section: int) -> None:
        """As wide as what is on the screen needs; a column that grows goes on growing from there."""
        needed = self.needed_width(section) - self._more(section)
        header = self._header()
        self._widths[section] = max(needed, header.title_width(section), header.minimumSectionSize())
        self.fit_columns()
        self.columns_changed.emit()

    def reset_columns(self) -> None:
        """Order, widths and choice as they are at first."""
        header = self.horizontalHeader()
        for section, column in enumerate(self._rows.columns):
            header.moveSection(header.visualIndex(section), section)
            self._widths[section] = column.width
            self.setColumnHidden(section, column.optional)
        self.fit_columns()
        self.columns_changed.emit()

    def columns_text(self) -> str:
        """Order, widths and choice of the columns, for `restore_columns` of a later window."""
        header = self.horizontalHeader()
        order = [header.logicalIndex(visual) for visual in range(header.count())]
        kept = [
            KeptColumn(self._rows.columns[section].key, self._widths[section], not self.isColumnHidden(section))
            for section in order
        ]
        return msgspec.json.encode(kept).decode()

    def restore_columns(self, text: str) -> None:
        """What `columns_text` gave, as far as these columns exist; anything else leaves all as it is."""
        try:
            kept = msgspec.json.decode(text, type=list[KeptColumn])
        except (msgspec.DecodeError, msgspec.ValidationError):
            return
        header = self.horizontalHeader()
        sections = {column.key: section for section, column in enumerate(self._rows.columns)}
        known = [each for each in kept if each.key in sections]
        for visual, each in enumerate(known):
            section = sections[each.key]
            header.moveSection(header.visualIndex(section), visual)
            self._widths[section] = min(max(each.width, header.minimumSectionSize()), _WIDEST)
            # What the first column says is what a row is known by.
            self.setColumnHidden(section, not each.shown and section > 0)
        self.fit_columns()

    def fit_columns(self) -> None:
        """Gives what is left of the width to the columns that grow."""
        shown = [i for i in range(len(self._widths)) if not self.isColumnHidden(i)]
        shares = {i: self._rows.columns[i].grow for i in shown if self._rows.columns[i].grow}
        # One that grows may have been drawn narrower by more than is its own.
        least = self.horizontalHeader().minimumSectionSize()
        widths = {i: max(self._widths[i] + self._more(i), least) for i in shown}
        spare = max(0, self.viewport().width() - sum(widths.values()))
        total = sum(shares.values())
        self._fitting = True
        for section in shown:
            part = spare * shares.get(section, 0) // total if total else 0
            spare, total = spare - part, total - shares.get(section, 0)
            if self.columnWidth(section) != widths[section] + part:
                self.setColumnWidth(section, widths[section] + part)
        self._fitting = False

    def _more(self, section: int) -> int:
        return self._rows.columns[section].more_by_twelve if formats.has_twelve_hours() else 0

    def _section_resized(self, section: int, before: int, now: int) -> None:
        # One that is hidden or comes back is told as one of no width.
        if not self._fitting and before and now:
            self._widths[section] += now - before
            self.columns_changed.emit()

    def _header_clicked(self, section: int) -> None:
        if not self._rows.columns[section].sortable:
            return
        header = self._header()
        descending = header.arrow == (section, False)
        header.show_arrow(section, descending)
        self._rows.sort(section, Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)
