"""The first of very many conversations, as the window asks for them: what each used is summed for these alone."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.records import UsageQuery
from gateway.store import UsageStore, queries
from gateway.store.queries import sort_key
from gateway.store.questions import MOST_NAMED
from gateway.store.sums import Table
from tests.store.test_queries import FILTERS, VARIED, stored, varied

SORTS = (
    "cost_usd",
    "requests",
    "errors",
    "output_tokens",
    "unpriced_requests",
    "tokens_per_s",
    "latency_ms.p95",
    "value",
)


@pytest.fixture(scope="module")
def store() -> Iterator[UsageStore]:
    with stored(VARIED) as opened:
        yield opened


@pytest.mark.parametrize("sort", SORTS)
def test_the_first_are_those_of_the_whole_breakdown(store: UsageStore, sort: str) -> None:
    """What belongs to no conversation stands among them as it does there. Of equals either may be the last."""
    order = sort_key(sort)
    for query in FILTERS:
        whole = store.breakdown(query, "conversation", sort).rows
        for limit in range(1, len(whole) + 2):
            found = store.breakdown(query, "conversation", sort, limit).rows
            assert [order(row.summary) for row in found] == [order(row.summary) for row in whole[:limit]], query
            assert set(map(str, found)) <= set(map(str, whole)) and len({row.value for row in found}) == len(found)
            if sort in ("cost_usd", "requests", "value"):
                assert found == whole[:limit], (query, limit)


def test_only_the_first_are_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hundreds of thousands it would take a minute, and half a gigabyte."""
    many = [varied(number) for number in range(90)]
    named_each = [
        replace(each, conversation_id=f"c{number}" if number % 9 else None) for number, each in enumerate(many)
    ]
    tables: list[Table] = []
    named = queries._named

    def noted(*given: object) -> object:
        tables.append(given[-1])  # type: ignore[arg-type]
        return named(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "_named", noted)
    with stored(named_each) as opened:
        assert len(opened.breakdown(UsageQuery(), "conversation", limit=3).rows) == 3
    assert len(tables[0]) == 4


def test_an_id_that_is_typed_names_its_conversation_else_those_that_have_it_in_theirs() -> None:
    ids = ("run-1", "run-10", "Run-11", "größe", None, "50%")
    rows = [replace(varied(number), conversation_id=ids[number % len(ids)]) for number in range(60)]
    with stored(rows) as opened:
        ask = opened.conversations_named
        assert ask(UsageQuery(), "run-1") == ("run-1",)
        assert sorted(ask(UsageQuery(), "run")) == ["Run-11", "run-1", "run-10"]
        assert ask(UsageQuery(), "GRÖSSE") == ("größe",)
        assert ask(UsageQuery(), "%") == ("50%",)
        assert ask(UsageQuery(), "nowhere") == ask(UsageQuery(), "\0") == ()
        first_us = min(row.started_us for row in rows if row.conversation_id == "50%")
        assert ask(UsageQuery(end_us=first_us), "50%") == ()
        assert ask(UsageQuery(end_us=first_us + 1), "50%") == ("50%",)


def test_a_part_that_very_many_ids_have_says_so() -> None:
    rows = [replace(varied(number), conversation_id=f"run-{number}") for number in range(MOST_NAMED + 1)]
    with stored(rows) as opened:
        assert len(opened.conversations_named(UsageQuery(end_us=rows[-1].started_us), "run")) == MOST_NAMED
        with pytest.raises(
            ClientError, match=r"More than 200 conversations have “run” in their id: write more of it\."
        ):
            opened.conversations_named(UsageQuery(), "run")
