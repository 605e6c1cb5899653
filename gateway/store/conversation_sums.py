"""What a conversation's turns add up to, kept up as they come and go, and made anew where that does not tell it.

A turn that comes or goes moves each sum by its own figures, so that a turn costs the same however many were before.
Where the turn that began first or ended last is gone, or the last one whose tokens or cost are known, all turns of
the conversation are summed up again: the result is the same.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from gateway.thread_records import UNANSWERED, lacks_price

# Of a turn.
COUNTED = (
    "started_us, ended_us, outcome, usage_source, error_type, input_tokens, output_tokens, cost_nano, latency_us"
)
FAILED = ("error", "interrupted")
# `lacks_price` of a turn.
_LACKS_PRICE = (
    "cost_nano IS NULL AND (usage_source <> 'none' OR outcome <> 'error' "
    f"OR COALESCE(error_type, '') IN {UNANSWERED})"
)

_SUMS = f"""
UPDATE conversations SET (started_us, ended_us, requests, errors, unpriced, input_tokens, output_tokens, cost_nano,
    duration_us) = (
    SELECT MIN(started_us), MAX(ended_us), COUNT(*), SUM(outcome IN {FAILED}), SUM({_LACKS_PRICE}),
        SUM(input_tokens), SUM(output_tokens), SUM(cost_nano), SUM(COALESCE(latency_us, 0))
    FROM turns WHERE conversation = conversations.id)
WHERE id = ? RETURNING requests"""
_KNOWN = ("input_tokens", "output_tokens", "cost_nano")
_MOVE = (
    "UPDATE conversations SET started_us = :started_us, ended_us = :ended_us, requests = requests + :requests, "
    "errors = errors + :errors, unpriced = unpriced + :unpriced, duration_us = duration_us + :duration_us, "
    + ", ".join(
        f"{name} = CASE WHEN :{name} IS NULL THEN {name} ELSE COALESCE({name}, 0) + :{name} END" for name in _KNOWN
    )
    + " WHERE id = :id"
)
_DELETE = "DELETE FROM conversations WHERE id = ?"
_HAS_TURNS = "SELECT 1 FROM turns WHERE conversation = ? LIMIT 1"


def sum_up(connection: sqlite3.Connection, number: int) -> int:
    """Sum a conversation's turns up anew, or take it away where none is left; how many there are."""
    if connection.execute(_HAS_TURNS, (number,)).fetchone() is None:
        connection.execute(_DELETE, (number,))
        return 0
    return int(connection.execute(_SUMS, (number,)).fetchone()[0])


class Summed(Struct, frozen=True):
    """What stands in a conversation's row of its turns' times and number."""

    requests: int
    started_us: int
    ended_us: int


class Change:
    """The turns that came to a conversation and went from it within a transaction."""

    def __init__(self) -> None:
        self._requests = self._errors = self._unpriced = self._duration_us = 0
        # By column: the sum of what came and went, and how many more of them are known than before.
        self._sums: dict[str, int] = {}
        self._more_known: dict[str, int] = {}
        self._first_came_us: int | None = None
        self._first_gone_us: int | None = None
        self._last_came_us: int | None = None
        self._last_gone_us: int | None = None
        self._first_came: tuple[int, str] | None = None
        # What goes after others came may be one of these, and then has set no bounds.
        self._went_again = False

    def come(self, turn: Sequence[Any], identity: str) -> None:
        """`turn` as the columns of COUNTED."""
        self._count(turn, 1)
        came = (turn[0], identity)
        self._first_came = came if self._first_came is None else min(self._first_came, came)
        self._first_came_us, self._last_came_us = _wider(self._first_came_us, self._last_came_us, turn)

    def go(self, turn: Sequence[Any]) -> None:
        self._count(turn, -1)
        self._went_again = self._went_again or self._first_came is not None
        self._first_gone_us, self._last_gone_us = _wider(self._first_gone_us, self._last_gone_us, turn)

    def may_begin(self, started_us: int, requests: int) -> bool:
        """Whether another turn may be the first now of a conversation that had so many and began then."""
        return requests == 0 or any(
            us is not None and us <= started_us for us in (self._first_came_us, self._first_gone_us)
        )

    @property
    def first(self) -> str | None:
        """The identity of the first turn of a conversation that had none; None where its turns must be asked."""
        return None if self._first_came is None or self._first_gone_us is not None else self._first_came[1]

    def apply(self, connection: sqlite3.Connection, number: int, before: Summed) -> int:
        """Bring the sums of a conversation up to date; how many turns it has."""
        requests = before.requests + self._requests
        started_us = _moved(min, before.started_us if before.requests else None, self._first_came_us)
        ended_us = _moved(max, before.ended_us if before.requests else None, self._last_came_us)
        if requests <= 0 or started_us is None or ended_us is None or self._leaves_open(before):
            return sum_up(connection, number)
        values = dict.fromkeys(_KNOWN) | self._sums
        own = {"id": number, "started_us": started_us, "ended_us": ended_us, "requests": self._requests}
        counts = {"errors": self._errors, "unpriced": self._unpriced, "duration_us": self._duration_us}
        connection.execute(_MOVE, values | own | counts)
        return requests

    def _leaves_open(self, before: Summed) -> bool:
        """Whether the turns that are left must be asked."""
        first, last = self._first_gone_us, self._last_gone_us
        return (
            self._went_again
            or any(more < 0 for more in self._more_known.values())
            or (first is not None and first <= before.started_us and (self._first_came_us or first + 1) > first)
            or (last is not None and last >= before.ended_us and (self._last_came_us or last - 1) < last)
        )

    def _count(self, turn: Sequence[Any], by: int) -> None:
        _, _, outcome, usage_source, error_type, *known, latency_us = turn
        self._requests += by
        self._errors += by * (outcome in FAILED)
        self._unpriced += by * lacks_price(known[2], usage_source, outcome, error_type)
        self._duration_us += by * (latency_us or 0)
        for name, value in zip(_KNOWN, known, strict=True):
            if value is not None:
                self._sums[name] = self._sums.get(name, 0) + by * value
                self._more_known[name] = self._more_known.get(name, 0) + by


def _wider(first: int | None, last: int | None, turn: Sequence[Any]) -> tuple[int, int]:
    started_us, ended_us = turn[:2]
    return (
        started_us if first is None else min(first, started_us),
        ended_us if last is None else max(last, ended_us),
    )


def _moved(choose: Callable[[Sequence[int]], int], before: int | None, came: int | None) -> int | None:
    known = [each for each in (before, came) if each is not None]
    return choose(known) if known else None
