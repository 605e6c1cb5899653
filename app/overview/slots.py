"""Which of the six categorical colours a name has, and keeps, in charts and tables alike."""

from collections.abc import Iterable

SLOTS = 6


class ColourSlots:
    """A name keeps its slot while it is shown; where all are taken, the one unseen for longest is given up."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._turn = 0

    def assign(self, names: Iterable[str]) -> None:
        """Give these names, the most important first, a slot each where they have none; at most six."""
        self._turn += 1
        wanted = list(dict.fromkeys(names))[:SLOTS]
        self._seen.update(dict.fromkeys(wanted, self._turn))
        for name in wanted:
            if name in self._slots:
                continue
            free = set(range(SLOTS)) - set(self._slots.values())
            if not free:
                oldest = min(self._slots, key=lambda known: self._seen[known])
                free = {self._slots.pop(oldest)}
            self._slots[name] = min(free)

    def slot(self, name: str | None) -> int:
        """The name's slot; SLOTS (drawn as Other) where it has none."""
        return SLOTS if name is None else self._slots.get(name, SLOTS)
