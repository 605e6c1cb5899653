"""Where the pages stand. What changes within a page asks nothing of what is around it.

A page has the room that the window leaves, whatever it would like to have. Layouts do not know that: each number
that changes would have the stack, the window's body and the window asked anew how large they are, with all that is in
them.
"""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget


class PageStack(QStackedWidget):
    """The current page fills it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        layout = self.layout()
        assert layout is not None
        # It sets no places from now on, and asks its parent for nothing.
        layout.setEnabled(False)

    def setCurrentWidget(self, page: QWidget) -> None:
        page.setGeometry(self.rect())
        super().setCurrentWidget(page)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        page: QWidget | None = self.currentWidget()
        if page is not None:
            page.setGeometry(self.rect())
