"""What several files of one form tell of the same time, counted once. Pure.

Downloads overlap: January, then the middle of January to the middle of February. Or they complement one another:
two projects of the same days. What names a line (its time, model, project, key, kind of token …) tells these apart.
A line that several files have counts as in the one that says most of it, for a day that was not over when it was
downloaded says less. Files that cut the same time differently, one by project and one not, cannot be put together
line by line: there the one that says most of that time counts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from decimal import Decimal
from hashlib import blake2b
from typing import Protocol

from msgspec import Struct

from gateway.reconcile.forms import plain_name
from gateway.reconcile.sums import EXACT, Moment
from gateway.reconcile.values import NOTHING, is_number

# Columns in which a number is a name and no figure.
_NAMING = re.compile(r"\b(?:id|key|project|team|user|account|workspace|organi[sz]ation|customer)\b")

Name = tuple[Moment, bytes]
# Sums of counts, then dollars: whoever says more comes last.
Weight = tuple[int, Decimal]
_NOTHING: Weight = (0, Decimal(0))


class Line(Struct, frozen=True):
    """A line as it is compared. `grain`: the columns that name it."""

    at: Moment
    name: bytes
    grain: frozenset[str]
    weight: Weight


class File(Protocol):
    """A file of a bill. Raises ClientError where a line cannot be read."""

    def moments(self) -> Set[Moment]:
        """All that its lines tell of."""

    def told(self, moments: Set[Moment]) -> Iterable[Line]:
        """Its lines of these moments."""


class Naming:
    """What names the lines of one table: the texts of its columns but for figures and times (`without`)."""

    def __init__(self, titles: Sequence[str], without: Set[int]) -> None:
        named = ((place, plain_name(title)) for place, title in enumerate(titles) if place not in without)
        self._columns = [(place, title, _NAMING.search(title) is not None) for place, title in named if title]

    def of(self, cells: Sequence[str]) -> tuple[bytes, frozenset[str]]:
        """A line's name and the columns that make it."""
        made, grain = blake2b(digest_size=16), set()
        for title, text in sorted(self._texts(cells)):
            made.update(f"{title}\0{text}\0".encode("utf-8", "surrogatepass"))
            grain.add(title)
        return made.digest(), frozenset(grain)

    def _texts(self, cells: Sequence[str]) -> Iterable[tuple[str, str]]:
        for place, title, names in self._columns:
            text = cells[place].strip() if place < len(cells) else ""
            if text not in NOTHING and (names or not is_number(text)):
                yield title, text


class Once(Struct, frozen=True):
    """`moments` that several files tell of, and for each file the names of its lines there that count."""

    moments: Set[Moment]
    taken: Sequence[Set[Name]]


def shared(files: Sequence[File]) -> Once:
    """Which lines of these files, all of one form, count where they tell of the same time."""
    seen: set[Moment] = set()
    moments: set[Moment] = set()
    # One alone shares nothing, and need not be read for that.
    for file in files if len(files) > 1 else ():
        these = file.moments()
        moments |= seen & these
        seen |= these
    taken: list[set[Name]] = [set() for _ in files]
    if moments:
        for (at, name), number in _fullest(files, moments).items():
            taken[number].add((at, name))
    return Once(moments, taken)


def _fullest(files: Sequence[File], moments: Set[Moment]) -> Mapping[Name, int]:
    """The number of the file that says most of each line, where its way of cutting that time says most."""
    best: dict[tuple[frozenset[str], Name], tuple[Weight, int]] = {}
    for number, file in enumerate(files):
        grain: set[str] = set()
        weights: dict[Name, Weight] = {}
        for line in file.told(moments):
            grain |= line.grain
            weights[line.at, line.name] = _added(weights.get((line.at, line.name), _NOTHING), line.weight)
        cut = frozenset(grain)
        for name, weight in weights.items():
            before = best.get((cut, name))
            if before is None or weight > before[0]:
                best[cut, name] = weight, number
    whole: dict[Moment, dict[frozenset[str], Weight]] = {}
    for (cut, (at, _)), (weight, _) in best.items():
        cuts = whole.setdefault(at, {})
        cuts[cut] = _added(cuts.get(cut, _NOTHING), weight)
    chosen = {at: max(cuts, key=cuts.__getitem__) for at, cuts in whole.items()}
    return {name: number for (cut, name), (_, number) in best.items() if chosen[name[0]] == cut}


def _added(one: Weight, other: Weight) -> Weight:
    return one[0] + other[0], EXACT.add(one[1], other[1])
