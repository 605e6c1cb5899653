"""The way through the window: which page with which filters came before, and which was left by going back."""

from app.filters import FilterSnapshot

_MOST = 50

Place = tuple[str, FilterSnapshot]
"""(page's key, the window's filters)"""


class Places:
    """Both ways, as a browser has them: whoever goes elsewhere after going back cannot go forward any more."""

    def __init__(self) -> None:
        self._before: list[Place] = []
        self._after: list[Place] = []

    def leave(self, place: Place) -> None:
        """Another page or other filters are opened from here."""
        self._before = [*self._before[1 - _MOST :], place]
        self._after.clear()

    def back(self, here: Place) -> Place | None:
        return self._turn(here, self._before, self._after)

    def forward(self, here: Place) -> Place | None:
        return self._turn(here, self._after, self._before)

    def clear(self) -> None:
        self._before.clear()
        self._after.clear()

    @staticmethod
    def _turn(here: Place, places: list[Place], others: list[Place]) -> Place | None:
        if not places:
            return None
        others.append(here)
        return places.pop()
