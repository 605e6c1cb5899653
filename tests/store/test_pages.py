import pytest

from gateway.errors import ClientError
from gateway.records import UsageQuery
from gateway.store import pages, queries
from gateway.store.names import Texts
from gateway.store.pages import LATEST, Place, parse_cursor, render_cursor
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, record

SECOND_US = 1_000_000
DOOR = "openai_chat"


def test_pages_by_cursor_neither_skip_nor_repeat_while_rows_come_in(store: UsageStore) -> None:
    # Ten rows in each second, so that places differ only by the row.
    store.insert_history([record(number // 10, id=f"r{number:03d}") for number in range(100)])
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = store.requests(UsageQuery(), limit=7, cursor=cursor)
        seen += [row.id for row in page.rows]
        store.insert_history([record(1000 + len(seen))])
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert len(seen) == len(set(seen)) == 100
    assert seen == sorted(seen, reverse=True)


def test_a_page_costs_the_same_wherever_it_is(store: UsageStore) -> None:
    store.insert_history([record(number) for number in range(4000)])
    every = [UsageQuery(), UsageQuery(end_us=BASE_US + 10**10), UsageQuery(start_us=BASE_US - 1, door=(DOOR,))]
    for query in every:
        first, last = (pages.parse_cursor(None), (BASE_US + 300 * SECOND_US, LATEST))
        assert steps_of(store, query, last) < 1.5 * steps_of(store, query, first)


def steps_of(store: UsageStore, query: UsageQuery, after: Place) -> int:
    """Hundreds of instructions of SQLite's machine that a page takes."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with store._readers.snapshot() as connection:
        connection.set_progress_handler(step, 100)
        records, _ = pages.page(connection, Texts(), query, limit=100, offset=0, after=after)
        connection.set_progress_handler(None, 0)
    assert len(records) == 100
    return steps


def test_the_last_page_has_no_cursor_even_when_full(store: UsageStore) -> None:
    store.insert_history([record(number) for number in range(4)])
    assert store.requests(UsageQuery(), limit=4).next_cursor is None
    assert store.requests(UsageQuery(), limit=3).next_cursor is not None
    assert store.requests(UsageQuery(model=("unheard-of",))).rows == ()


@pytest.mark.parametrize(
    "query",
    [
        UsageQuery(),
        UsageQuery(model=("even",)),
        UsageQuery(model=("even",), key=("laptop",)),
        UsageQuery(client=("c",)),
    ],
)
def test_any_place_is_reached_by_offset(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, query: UsageQuery
) -> None:
    monkeypatch.setattr(queries, "LEAST_OFFSET", 3)
    spacing = 7 * 3600
    store.insert_history(
        [record(number * spacing, model="even" if number % 2 == 0 else "odd", client="c") for number in range(300)]
    )
    every = [row.id for row in store.iter_requests(query)]
    for offset in (0, 1, 2, 3, 4, 50, 99, len(every) - 1, len(every), len(every) + 10):
        assert [row.id for row in store.requests(query, limit=5, offset=offset).rows] == every[offset : offset + 5]


def test_a_cursor_comes_back_as_it_went() -> None:
    assert parse_cursor(render_cursor((1_774_735_200_000_000, 42))) == (1_774_735_200_000_000, 42)


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!!", "bnVsbA", "WzFd", "WzEsMiwzXQ", "WyJhIiwxXQ", "\u00e9", "WzEsMWU0MDBd", "W" * 5000]
)
def test_a_bad_cursor_is_the_clients_fault(store: UsageStore, cursor: str) -> None:
    with pytest.raises(ClientError) as caught:
        store.requests(UsageQuery(), cursor=cursor)
    assert caught.value.param == "cursor"


def test_no_page_skips_what_came_late(store: UsageStore) -> None:
    """It stands among older ones, behind newer rows with lower numbers."""
    store.insert_history([record(number, id=f"r{number:02d}") for number in (5, 9, 7, 3, 8, 1, 4, 6, 2, 0)])
    seen: list[str] = []
    cursor: str | None = None
    while page := store.requests(UsageQuery(), limit=3, cursor=cursor):
        seen += [row.id for row in page.rows]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [f"r{number:02d}" for number in reversed(range(10))]
