"""Lasting states under the header: one banner for each subject, the last one told wins, gone when the state is."""

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
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 12, 24, 0)
        self._column.setSpacing(8)
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
    ) -> None:
        """Show a state; `kind` as in `Banner`. Telling the same again changes nothing."""
        known = self._banners.get(subject)
        button = known.button.text() if known is not None and known.button is not None else None
        if known is not None and (known.text(), button) == (text, action_text):
            return
        self.clear(subject)
        banner = Banner(self._theme, kind, text, action_text, self)
        banner.setObjectName(f"notice.{subject}")
        if action is not None:
            banner.action.connect(action)
        self._banners[subject] = banner
        self._column.addWidget(banner)
        self.show()

    def clear(self, subject: str) -> None:
        banner = self._banners.pop(subject, None)
        if banner is not None:
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
            self.setVisible(bool(self._banners))
