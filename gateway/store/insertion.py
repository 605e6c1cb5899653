"""Rows of one form on their way into a table: some in each statement where there are many."""

import sqlite3
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from typing import Any

# Rows in one statement are written faster than one by one, but so long a one has to be worth its making.
AT_ONCE, WORTH_ROWS = 50, 1000


class Insertion:
    """How rows of one form are written; `one` is the statement for a single one."""

    def __init__(self, table: str, columns: Mapping[str, str], behind: str = "") -> None:
        """By column: what stands for it in SQL. `behind` them is what becomes of a row that is there already."""
        # Whatever fails undoes the transaction: none keeps what it changes for the case that one statement does.
        self._head = f"INSERT OR FAIL INTO {table} ({', '.join(columns)}) VALUES "
        self._row = f"({', '.join(columns.values())})"
        self._behind = behind
        self.one = self._head + self._row + behind

    def write(self, connection: sqlite3.Connection, rows: Iterator[tuple[Any, ...]], count: int) -> None:
        """`count`: about how many they are. One by one, or where they are many some at once: thousands of them in
        memory would be looked through by the garbage collection."""
        while count >= WORTH_ROWS and (some := tuple(islice(rows, AT_ONCE))):
            if len(some) < AT_ONCE:
                rows = iter(some)
                break
            connection.execute(self._many, tuple(chain.from_iterable(some)))
        connection.executemany(self.one, rows)

    @cached_property
    def _many(self) -> str:
        return self._head + ", ".join([self._row] * AT_ONCE) + self._behind
