"""What the row of filters offers for saved views: a popover that names one, a menu that opens or deletes them."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QVBoxLayout, QWidget

from app.fonts import ui_font
from app.popover import Popover
from app.saved_views import LONGEST_NAME, SavedViews
from app.shown_names import add_named
from app.theme import Theme
from app.translation import tr
from app.widgets import PushButton

_WIDTH = 300


class SavePopover(Popover):
    """`named` carries the name that was typed; `show_problem` says why it cannot be."""

    named = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.setObjectName("saveView")
        self.setAccessibleName(tr("Save view"))
        self.setFixedWidth(_WIDTH)
        title = QLabel(tr("Range, filters and split under a name"), self)
        title.setFont(ui_font(12))
        title.setWordWrap(True)
        self.name = QLineEdit(self)
        self.name.setObjectName("view.name")
        self.name.setAccessibleName(tr("Name of the view"))
        self.name.setMaxLength(LONGEST_NAME)
        self.problem = QLabel(self)
        self.problem.setFont(ui_font(12))
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.save_button = PushButton(theme, tr("Save"), kind="primary")
        self.save_button.setObjectName("view.save")
        cancel = PushButton(theme, tr("Cancel"), kind="ghost")
        cancel.clicked.connect(self.close)
        self.save_button.clicked.connect(self._save)
        self.name.returnPressed.connect(self._save)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.save_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        for widget in (title, self.name, self.problem):
            column.addWidget(widget)
        column.addLayout(buttons)

    def open_at(self, anchor: QWidget, name: str) -> None:
        """Below a widget, with a name that may be typed over."""
        self.problem.hide()
        self.name.setText(name)
        self._fit()
        self.place(anchor)
        self.name.setFocus(Qt.FocusReason.PopupFocusReason)
        # Typed over at once, and read from its beginning.
        self.name.setSelection(len(name), -len(name))

    def show_problem(self, words: str) -> None:
        self.problem.setText(words)
        self.problem.show()
        self._fit()

    def _fit(self) -> None:
        """As high as its wrapped words need at its width."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.setFixedHeight(layout.totalHeightForWidth(_WIDTH))

    def _save(self) -> None:
        self.named.emit(self.name.text())


def open_view_menu(
    anchor: QWidget, views: SavedViews, choose: Callable[[str], None], remove: Callable[[str], None]
) -> QMenu:
    """Below `anchor`: each view by its name, and how to delete one."""
    menu = QMenu(anchor)
    menu.setObjectName("menu.views")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    deleting = QMenu(tr("Delete a view"), menu)
    for view in views.views:
        add_named(menu, view.name).triggered.connect(partial(choose, view.name))
        add_named(deleting, view.name).triggered.connect(partial(remove, view.name))
    menu.addSeparator()
    menu.addMenu(deleting)
    menu.popup(anchor.mapToGlobal(QPoint(0, anchor.height() + 2)))
    return menu
