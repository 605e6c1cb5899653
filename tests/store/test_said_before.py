"""What the turns before have said, against a plain walk up all of them."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.store import said_before as module
from gateway.store.said_before import said_before
from gateway.store.trace_schema import INDEXES, SAID, TURNS

MARKS = [bytes([n]) * 4 for n in range(40)]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in (TURNS, SAID, *(each for each in INDEXES if " ON said " in each or " ON turns " in each)):
            connection.execute(statement)
        yield connection


def fill(connection: sqlite3.Connection, parents: dict[int, int | None], said: dict[int, list[bytes]]) -> None:
    for turn, parent in parents.items():
        connection.execute(
            "INSERT INTO turns (id, identity, conversation, parent, length, source, scope, started_us, ended_us, "
            "usage_source, cost_source, status, outcome, streamed, tags, dropped, adapted, hints) "
            "VALUES (?, ?, ?, ?, 1, '', '', 0, 0, '', '', 0, '', 0, '', '', '', '')",
            (turn, str(turn), turn % 2 if parent is None else parents_root(parents, turn) % 2, parent),
        )
        for place, mark in enumerate(said[turn]):
            connection.execute(
                "INSERT INTO said (turn, place, content, role, output, chain, mark) VALUES (?, ?, 1, '', 0, '', ?)",
                (turn, place, mark),
            )


def parents_root(parents: dict[int, int | None], turn: int) -> int:
    while (above := parents[turn]) is not None:
        turn = above
    return turn


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_it_is_what_a_plain_walk_finds(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    random_ = random.Random(8)
    parents: dict[int, int | None] = {1: None, 2: None}
    for turn in range(3, 200):
        parents[turn] = random_.randrange(max(1, turn - 6), turn)
    said = {turn: random_.choices(MARKS, k=random_.randrange(3)) for turn in parents}
    fill(connection, parents, said)
    for _ in range(200):
        turn, marks = random_.randrange(1, 200), set(random_.choices([*MARKS, b"never"], k=5))
        plain: set[bytes] = set()
        above: int | None = turn
        while above is not None:
            plain |= marks & set(said[above])
            above = parents[above]
        assert said_before(connection, turn, marks) == plain


def test_what_goes_round_in_circles_comes_to_an_end(connection: sqlite3.Connection) -> None:
    fill(connection, {1: None}, {1: [MARKS[0]]})
    connection.execute("UPDATE turns SET parent = 1")
    assert said_before(connection, 1, {MARKS[0], MARKS[1]}) == {MARKS[0]}
