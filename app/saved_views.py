"""Views that a person has saved: range, filters, comparison and split under a name, kept with what is chosen."""

import contextlib

import msgspec
from msgspec import Struct
from PySide6.QtCore import QObject, Signal

from app.filter_words import NameValue, as_written, dimension_text, number_words, tag_text
from app.filters import USUAL_SPLIT, FilterSnapshot
from app.preferences import Preferences
from app.translation import tr

MOST_VIEWS = 50
LONGEST_NAME = 60
_KEPT = "views"


class SavedView(Struct, frozen=True):
    name: str
    filters: FilterSnapshot


class SavedViews(QObject):
    """`changed` when one was saved or removed. Names are unique, whichever case they are in."""

    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._views: tuple[SavedView, ...] = ()
        # Of another version, or edited by hand: none does as well.
        with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
            self._views = msgspec.json.decode(preferences.kept(_KEPT) or "[]", type=tuple[SavedView, ...])

    @property
    def views(self) -> tuple[SavedView, ...]:
        """By name."""
        return tuple(sorted(self._views, key=lambda view: view.name.casefold()))

    def save(self, name: str, filters: FilterSnapshot) -> None:
        """Keep these filters under a name, in the place of a view that has it. Raises ValueError with a sentence."""
        name = " ".join(name.split())[:LONGEST_NAME]
        others = self._without(name)
        if not name:
            raise ValueError(tr("A view needs a name: type one."))
        if len(others) >= MOST_VIEWS:
            raise ValueError(tr("There are {count} views already: delete one first.").format(count=MOST_VIEWS))
        self._keep((*others, SavedView(name, filters)))

    def remove(self, name: str) -> None:
        self._keep(self._without(name))

    def _without(self, name: str) -> tuple[SavedView, ...]:
        return tuple(view for view in self._views if view.name.casefold() != name.casefold())

    def _keep(self, views: tuple[SavedView, ...]) -> None:
        if views != self._views:
            self._views = views
            self._preferences.keep(_KEPT, msgspec.json.encode(views).decode())
            self.changed.emit()


def suggested_name(filters: FilterSnapshot, name: NameValue = as_written) -> str:
    """What a view of these filters may be called: "feature: code-review, by team"."""
    words = [tag_text(condition) for condition in filters.tags]
    words += [dimension_text(dimension, values, name) for dimension, values in filters.dimensions.items()]
    words += [number_words(number) for number in filters.numbers]
    words += [f"“{word}”" for word in filters.text]
    if filters.split != USUAL_SPLIT:
        words.append(tr("by {split}").format(split=filters.split.removeprefix("tag:")))
    return ", ".join(words)[:LONGEST_NAME]
