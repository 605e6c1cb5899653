"""The 60 px above every page: its title, a subtitle, its own controls at the right, a line below."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLayout, QSizePolicy, QStackedWidget, QWidget

from app.fonts import ui_font
from app.theme import Theme
from app.widgets import ElidedLabel, SegmentedControl

HEIGHT = 60
MARGIN = 24
_SPACING = 14


class Header(QWidget):
    """Each page's controls are kept in their own row, and only the shown page's row is on show."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedHeight(HEIGHT)
        self.title = ElidedLabel(theme, "", parent=self)
        self.title.setFont(ui_font(20, 600))
        self.title.setObjectName("header.title")
        self.title.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.subtitle = ElidedLabel(theme, "", tone="text3", parent=self)
        self.subtitle.setObjectName("header.subtitle")
        self._rows = QStackedWidget(self)
        self._rows.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 0, MARGIN, 1)
        row.setSpacing(_SPACING)
        # A row that has been given its width may be given a smaller one: what is least, `minimumSizeHint` says.
        row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        row.addWidget(self.title)
        row.addWidget(self.subtitle, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._rows)
        theme.changed.connect(self.update)

    def add_controls(self, controls: Sequence[QWidget]) -> QWidget:
        """Make a page's row; `show_page` takes it, `hand_over` takes it away."""
        holder = QWidget(self._rows)
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addStretch(1)
        for control in controls:
            if isinstance(control, SegmentedControl):
                # Where there is little room, its words move together.
                control.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(control)
        self._rows.addWidget(holder)
        holder.installEventFilter(self)
        return holder

    def hand_over(self, holder: QWidget, page: QWidget) -> None:
        """A page's row ends with its page from now on: what that has put off still finds its controls."""
        self._rows.removeWidget(holder)
        holder.setParent(page)

    def show_page(self, title: str, subtitle: str, holder: QWidget | None) -> None:
        self.title.setText(title)
        self.subtitle.setText(subtitle)
        self._rows.setVisible(holder is not None)
        if holder is not None:
            self._rows.setCurrentWidget(holder)
            self._fit(holder)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A control came or went, or says something else.
        shown = self._rows.currentWidget()
        if event.type() == QEvent.Type.LayoutRequest and shown is not None and watched is shown:
            self._fit(shown)
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (shown := self._rows.currentWidget()) is not None:
            self._fit(shown)

    def minimumSizeHint(self) -> QSize:
        shown = self._rows.currentWidget()
        return QSize(self._beside_rows() + (shown.minimumSizeHint().width() if shown is not None else 0), HEIGHT)

    def _beside_rows(self) -> int:
        words = self.title.sizeHint().width() + self.subtitle.minimumSizeHint().width()
        return 2 * (MARGIN + _SPACING) + words

    def _fit(self, holder: QWidget) -> None:
        room = self.width() - self._beside_rows()
        wanted, least = holder.sizeHint().width(), holder.minimumSizeHint().width()
        self._rows.setFixedWidth(max(min(wanted, room), least))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("bg"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("border"))
