"""Which lines count where several files tell of the same time, told by small files."""

from collections.abc import Iterable, Sequence, Set
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from gateway.reconcile.repeated import Line, Naming, Once, Weight
from gateway.reconcile.repeated import shared as shared_within
from gateway.reconcile.sums import Moment

DAY = date(2026, 11, 3)
WHOLE, BY_PROJECT = frozenset({"model"}), frozenset({"model", "project"})


class Told:
    """A file with these lines of one day: (name, weight)."""

    def __init__(self, grain: frozenset[str], *lines: tuple[bytes, Weight]) -> None:
        self._lines = [Line(DAY, name, grain, weight) for name, weight in lines]

    def moments(self) -> Set[Moment]:
        return {line.at for line in self._lines}

    def told(self, moments: Set[Moment]) -> Iterable[Line]:
        return [line for line in self._lines if line.at in moments]


def shared(files: Sequence[Told]) -> Once:
    return shared_within(files, lambda at: at)


def names_taken(*files: Told) -> list[set[bytes]]:
    return [{name for _, name in taken} for taken in shared(files).taken]


@pytest.mark.parametrize("whole, project_counts", [(5, False), (3, True)])
@pytest.mark.parametrize("in_dollars", [False, True])
def test_of_two_ways_of_cutting_a_day_the_one_that_says_more_of_it_counts(
    whole: int, project_counts: bool, in_dollars: bool
) -> None:
    def weight(number: int) -> Weight:
        return (0, Decimal(number)) if in_dollars else (number, Decimal(0))

    projects = {b"a", b"b", b"c", b"d"}
    by_project = Told(BY_PROJECT, *((name, weight(1)) for name in sorted(projects)))
    undivided = Told(WHOLE, (b"all", weight(whole)))
    assert names_taken(by_project, undivided) == ([projects, set()] if project_counts else [set(), {b"all"}])
    assert names_taken(undivided, by_project) == ([set(), projects] if project_counts else [{b"all"}, set()])


def test_a_line_counts_as_the_file_tells_it_that_says_more_counts_before_dollars() -> None:
    dear = Told(WHOLE, (b"a", (1, Decimal(5))), (b"a", (1, Decimal(5))), (b"b", (7, Decimal(1))))
    used = Told(WHOLE, (b"a", (3, Decimal(0))), (b"b", (7, Decimal(2))))
    assert names_taken(dear, used) == [set(), {b"a", b"b"}]
    assert names_taken(used, dear) == [{b"a", b"b"}, set()]


def test_only_times_that_several_files_tell_of_are_shared() -> None:
    early, late = Told(WHOLE, (b"a", (1, Decimal(0)))), Told(WHOLE, (b"a", (1, Decimal(0))))
    apart = Told(WHOLE, (b"b", (1, Decimal(0))))
    apart._lines = [replace(line, at=date(2026, 11, 4)) for line in apart._lines]
    assert shared([early, apart]).moments == set()
    once = shared([early, apart, late])
    assert once.moments == {DAY} and [len(names) for names in once.taken] == [1, 0, 0]


def test_one_file_alone_is_not_read_for_what_it_shares() -> None:
    class Unread(Told):
        def moments(self) -> Set[Moment]:
            raise AssertionError("read")

    once = shared([Unread(WHOLE, (b"a", (1, Decimal(0))))])
    assert (once.moments, list(once.taken)) == (set(), [set()])


def test_texts_and_numbers_of_keys_and_projects_name_a_line_and_figures_do_not() -> None:
    naming = Naming(["Date", "Model", "API key id", "Seconds", ""], {0})
    name, grain = naming.of(["2026-11-03", "gpt-5", "17", "3", "x"])
    assert grain == {"model", "api key id"}
    assert naming.of(["2026-11-04", " gpt-5", "17", "4", "y"]) == (name, grain)
    for other in (["", "gpt-4", "17", "3"], ["", "gpt-5", "18", "3"], ["", "gpt-5", "17", "slow"], ["", "gpt-5"]):
        assert naming.of(other)[0] != name
    assert naming.of(["", "gpt-5", "17"]) == (name, grain), "a record may end before its last columns"


def test_a_line_has_one_name_in_whichever_order_its_columns_stand() -> None:
    assert Naming(["Model", "Key"], set()).of(["m", "k"]) == Naming(["Key", "Model"], set()).of(["k", "m"])
