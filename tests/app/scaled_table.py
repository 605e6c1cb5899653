"""A table on a screen of so many pixels for a logical one, over whose rows a pointer goes: whether all is as it was.

As a program of its own, since the scale of all windows is set before the first of them.
"""

import sys

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app.fonts import load_fonts
from app.tables.model import ListModel
from app.tables.view import TableView
from app.theme import Theme
from tests.app.test_row_turns import COLUMNS, ROWS, Record, settle

_ROWS = 10


def shown(view: TableView) -> QImage:
    settle(view)
    return view.screen().grabWindow(view.winId()).toImage()


def main() -> int:
    application = QApplication([])
    load_fonts()
    model: ListModel[Record] = ListModel(COLUMNS, key=lambda row: row.number)
    view = TableView(Theme(), model, "Records", pictures=True)
    view.resize(500, 800)
    view.show()
    model.set_rows(ROWS)
    view.clearFocus()
    application.processEvents()
    before = shown(view)
    for row in (*range(_ROWS), -1):
        view._hover(row)
        seen = shown(view)
        assert row == -1 or seen != before
    return int(seen != before)


if __name__ == "__main__":
    sys.exit(main())
