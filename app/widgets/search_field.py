"""A text field with a magnifying glass in front and a cross to empty it."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QStyle, QStyleOptionFrame, QToolButton, QToolTip, QWidget

from app import icons
from app.fonts import ui_font
from app.formats import count
from app.theme import Theme
from app.translation import tr

# To shape and to read more would hold the loop, and nothing that is searched has names or words so long.
MOST_CHARACTERS = 2_000
_EDGE = 8


class SearchField(QLineEdit):
    """A QLineEdit; the placeholder is its accessible name until another is set. `shorter` ones stand in its place
    where it has no room, the longest first."""

    def __init__(
        self, theme: Theme, placeholder: str, parent: QWidget | None = None, *, shorter: Sequence[str] = ()
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._glass = QAction(self)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        # Qt's own is a black disc, in both themes.
        self._cross = QAction(tr("Empty the search"), self)
        self._cross.setVisible(False)
        self._cross.triggered.connect(self.clear)
        self.addAction(self._cross, QLineEdit.ActionPosition.TrailingPosition)
        for made in self._cross.associatedObjects():
            if isinstance(made, QToolButton):
                made.setCursor(Qt.CursorShape.PointingHandCursor)
        self.textChanged.connect(lambda text: self._cross.setVisible(bool(text)))
        self.set_placeholder(placeholder, *shorter)
        self.setFont(ui_font(13))
        self.setMaxLength(MOST_CHARACTERS)
        self.inputRejected.connect(self._tell_cut)
        theme.changed.connect(self._tint)
        self._tint()

    def set_placeholder(self, placeholder: str, *shorter: str) -> None:
        """What is looked through has become something else."""
        self._placeholders = (placeholder, *shorter)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)

    def begin(self) -> None:
        """The keyboard goes here, and what is typed takes the place of what stands here."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def _tell_cut(self) -> None:
        most = tr("A search has room for {count} characters: the rest was left out.")
        QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), most.format(count=count(MOST_CHARACTERS)), self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if len(self._placeholders) > 1:
            option = QStyleOptionFrame()
            self.initStyleOption(option)
            inner = self.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, self)
            # The glass before the words and the cross after them take their room within.
            room = inner.width() - 2 * (self.style().pixelMetric(QStyle.PixelMetric.PM_SmallIconSize) + _EDGE)
            metrics = QFontMetrics(self.font())
            fitting = (text for text in self._placeholders if metrics.horizontalAdvance(text) <= room)
            self.setPlaceholderText(next(fitting, self._placeholders[-1]))

    def _tint(self) -> None:
        ink = self._theme.color("text3")
        self._glass.setIcon(icons.icon("search", ink))
        self._cross.setIcon(icons.icon("x", ink))
