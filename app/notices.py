"""Lasting states under the header: one banner for each subject, the last one told wins, gone when the state is.

A page that tells a state itself, where something can be done about it, is spared the banner.
"""

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import Theme
from app.widgets import Banner


class Notices(QWidget):
    """Takes no room while nothing is told."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._banners: dict[str, Banner] = {}
        self._told_on: dict[str, str] = {}
        self._page = ""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.hide()

    def banner(self, subject: str) -> Banner | None:
        return self._banners.get(subject)

    def tell(
        self,
        subject: str,
        kind: str,
        text: str,
        action_text: str | None = None,
        action: Callable[[], None] | None = None,
        told_on: str | None = None,
    ) -> None:
        """Show a state; `kind` as in `Banner`, `told_on` the page that tells it itself. Of one that is told already
        with this kind and button only the words change: its button does what it did."""
        known = self._banners.get(subject)
        if known is not None and (known.kind, known.action_text) == (kind, action_text):
            known.set_text(text)
            return
        self.clear(subject)
        banner = Banner(self._theme, kind, text, action_text, self, strip=True)
        banner.setObjectName(f"notice.{subject}")
        if action is not None:
            banner.action.connect(action)
        self._banners[subject] = banner
        if told_on is not None:
            self._told_on[subject] = told_on
        self._column.addWidget(banner)
        self._follow()

    def set_page(self, key: str) -> None:
        """The page on show."""
        self._page = key
        self._follow()

    def _follow(self) -> None:
        for subject, banner in self._banners.items():
            banner.setVisible(self._told_on.get(subject) != self._page)
        self.setVisible(any(not banner.isHidden() for banner in self._banners.values()))

    def clear(self, subject: str) -> None:
        banner = self._banners.pop(subject, None)
        if banner is not None:
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
            self._told_on.pop(subject, None)
            self._follow()
