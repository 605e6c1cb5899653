"""What providers are called that are known by their short names: `openai` is OpenAI, one's own as one called it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.known_errors import KNOWN_ERRORS

if TYPE_CHECKING:
    from gateway import Gateway, ProviderRow


class ProviderNames(QObject):
    """`came` where some are called otherwise than they were."""

    came = Signal()

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway
        self._titles: dict[str, str] = {}

    @property
    def known(self) -> Mapping[str, str]:
        """Titles by name."""
        return self._titles

    def name(self, provider: str) -> str:
        """The title, else the name, as far as that is known."""
        return self._titles.get(provider, provider)

    def learn(self, rows: Iterable[ProviderRow]) -> None:
        """Take titles from rows that were read; those of providers that are gone are kept."""
        titles = self._titles | {row.name: row.title for row in rows}
        if titles != self._titles:
            self._titles = titles
            self.came.emit()

    async def read(self) -> None:
        """Ask for them; where the gateway cannot say, they keep the names that they have."""
        try:
            rows = await self._gateway.providers()
        except KNOWN_ERRORS:
            return
        self.learn(rows)
