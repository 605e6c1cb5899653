"""Which of the six categorical colours a name has: the same in charts, tables and Compare, and after the next start.

Every view gives its most important names a slot each, the one that they had last where it is free there. There are
more names than colours: who is new takes the one whose owner was not seen for longest.
"""

from collections.abc import Iterable

import msgspec

from app.preferences import Preferences

SLOTS = 6
MOST_NAMES = 200
# Of the other dimensions names come and go, and are worth no file.
LASTING = ("model", "provider")


class Colours:
    """The slot that each name of a dimension had last, those first that were not seen for longest."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._had: dict[str, dict[str, int]] = {}

    def had(self, dimension: str) -> dict[str, int]:
        found = self._had.get(dimension)
        if found is None:
            found = self._had[dimension] = self._read(dimension)
        return found

    def remember(self, dimension: str, slots: dict[str, int]) -> None:
        """What a view has given, the most important name first."""
        had = self.had(dimension)
        changed = any(had.get(name) != slot for name, slot in slots.items())
        for name in reversed(slots):
            had.pop(name, None)
            had[name] = slots[name]
        while len(had) > MOST_NAMES:
            del had[next(iter(had))]
        if changed and dimension in LASTING:
            self._preferences.keep(f"colours/{dimension}", msgspec.json.encode(had).decode())

    def _read(self, dimension: str) -> dict[str, int]:
        if dimension not in LASTING:
            return {}
        try:
            kept = msgspec.json.decode(self._preferences.kept(f"colours/{dimension}"), type=dict[str, int])
        except (msgspec.DecodeError, msgspec.ValidationError):
            return {}
        return {name: slot for name, slot in kept.items() if 0 <= slot < SLOTS}


class ColourSlots:
    """The slots of one view of a dimension's names: no two of the names that it was given share one."""

    def __init__(self, colours: Colours, dimension: str) -> None:
        self._colours = colours
        self._dimension = dimension
        self._slots: dict[str, int] = {}

    def assign(self, names: Iterable[str]) -> None:
        """Give these names, the most important first, a slot each; at most six."""
        wanted = list(dict.fromkeys(names))[:SLOTS]
        had = self._colours.had(self._dimension)
        given: dict[str, int] = {}
        for name in wanted:
            slot = had.get(name)
            if slot is not None and slot not in given.values():
                given[name] = slot
        last_seen = {slot: place for place, slot in enumerate(had.values())}
        for name in wanted:
            if name not in given:
                free = set(range(SLOTS)) - set(given.values())
                given[name] = min(free, key=lambda slot: (last_seen.get(slot, -1), slot))
        self._slots = {name: given[name] for name in wanted}
        self._colours.remember(self._dimension, self._slots)

    def slot(self, name: str | None) -> int:
        """The name's slot; SLOTS (drawn as Other) where it has none here."""
        if name is None:
            return SLOTS
        if name in self._slots:
            return self._slots[name]
        had = self._colours.had(self._dimension).get(name, SLOTS)
        return SLOTS if had in self._slots.values() else had
