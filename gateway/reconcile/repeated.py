"""What several files of one form tell of the same time, counted once. Pure.

Downloads overlap: January, then the middle of January to the middle of February. Or they complement one another:
two projects of the same days. What names a line (its time, model, project, key, kind of token …) tells these apart.
A line that several files have counts as in the one that says most of it, for a day that was not over when it was
downloaded says less. Files that cut the same time differently, one by project and one not, cannot be put together
line by line: there the one that says most of that time counts. So it is, line's name by line's name, where one has
months and another their days.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from decimal import Decimal
from functools import reduce
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
    """A line as it is compared. `grain`: the columns that name it. `length`: the bits of how many days it is of,
    which all months have in common and no week or quarter has."""

    at: Moment
    name: bytes
    grain: frozenset[str]
    weight: Weight
    length: int = 1


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


def shared(files: Sequence[File], within: Callable[[Moment], Moment]) -> Once:
    """Which lines of these files, all of one form, count where they tell of the same time: that of a moment is
    `within` it, which is asked when all have told theirs."""
    # One alone shares nothing, and need not be read for that.
    told = [file.moments() for file in files] if len(files) > 1 else []
    times = Counter(time for moments in told for time in {within(at) for at in moments})
    moments = {at for moments in told for at in moments if times[within(at)] > 1}
    taken: list[set[Name]] = [set() for _ in files]
    if moments:
        for (at, name), number in _fullest(files, moments, within).items():
            taken[number].add((at, name))
    return Once(moments, taken)


# Of each moment who says most of it.
_Fullest = dict[Moment, tuple[Weight, int]]


def _fullest(files: Sequence[File], moments: Set[Moment], within: Callable[[Moment], Moment]) -> Mapping[Name, int]:
    """The number of the file that says most of each line, where its way of cutting that time says most."""
    # By the columns that name lines, the time and the name, then by the lengths of the lines.
    ways: dict[tuple[frozenset[str], Name], dict[frozenset[int], _Fullest]] = {}
    for number, file in enumerate(files):
        grain: set[str] = set()
        weights: dict[Name, dict[Moment, Weight]] = {}
        lengths: dict[Name, set[int]] = {}
        for line in file.told(moments):
            grain |= line.grain
            name = within(line.at), line.name
            lengths.setdefault(name, set()).add(line.length)
            of_name = weights.setdefault(name, {})
            of_name[line.at] = _added(of_name.get(line.at, _NOTHING), line.weight)
        for name, of_name in weights.items():
            best = ways.setdefault((frozenset(grain), name), {}).setdefault(frozenset(lengths[name]), {})
            for at, weight in of_name.items():
                if at not in best or weight > best[at][0]:
                    best[at] = weight, number
    fullest = {way: max(by_length.values(), key=_whole) for way, by_length in ways.items()}
    whole: dict[Moment, dict[frozenset[str], Weight]] = {}
    for (cut, (time, _)), best in fullest.items():
        cuts = whole.setdefault(time, {})
        cuts[cut] = _added(cuts.get(cut, _NOTHING), _whole(best))
    chosen = {time: max(cuts, key=cuts.__getitem__) for time, cuts in whole.items()}
    return {
        (at, name): number
        for (cut, (time, name)), best in fullest.items()
        if chosen[time] == cut
        for at, (_, number) in best.items()
    }


def _whole(fullest: _Fullest) -> Weight:
    return reduce(_added, (weight for weight, _ in fullest.values()), _NOTHING)


def _added(one: Weight, other: Weight) -> Weight:
    return one[0] + other[0], EXACT.add(one[1], other[1])
