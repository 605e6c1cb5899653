"""Turns after a re-pricing: each exchange's costs what its row costs now.

Rows and turns are in two databases, which share no transaction. How far turns have followed stands beside them, so
that what a kill left between the two is made up for later.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from gateway.store.names import json_array
from gateway.store.placing import Placer
from gateway.store.thread_store import ThreadStore
from gateway.store.usage import UsageStore

CHUNK_TURNS = 1000
_FOLLOWED = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'costs_followed_us'"
_SET_FOLLOWED = (
    "INSERT INTO settings (name, value) VALUES ('costs_followed_us', ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_REPRICED = (
    "SELECT MIN(first_us), MAX(last_us), MAX(MAX(at_us, COALESCE(undone_us, 0))) FROM repricings "
    "WHERE at_us > :since OR undone_us > :since"
)
_COSTS = (
    "SELECT b.id, b.cost_nano, s.text FROM requests b JOIN names s ON s.id = b.cost_source "
    "WHERE b.id IN (SELECT value FROM json_each(?))"
)
_TURNS = (
    "SELECT id, started_us, request_id, cost_nano, cost_source FROM turns "
    "WHERE (started_us, id) > (?, ?) AND started_us <= ? AND source = 'gateway' AND request_id IS NOT NULL "
    "ORDER BY started_us, id LIMIT ?"
)
_SET_COST = "UPDATE turns SET cost_nano = ?, cost_source = ? WHERE id = ? RETURNING conversation"


_Cost = tuple[int | None, str]


class _Stretch(Struct, frozen=True):
    """The time of all rows that were priced anew since turns last followed, and when the last of it was done."""

    first_us: int
    last_us: int
    done_us: int


def follow_costs(usage: UsageStore, threads: ThreadStore) -> int:
    """Bring turns up to date with re-pricings that they have not followed; how many changed. Raises sqlite3.Error;
    what is done until then stays done, and the rest is for the next time."""
    since = threads.look(lambda connection: connection.execute(_FOLLOWED).fetchone())
    stretch = usage.look(lambda connection: _stretch(connection, since[0] if since else 0))
    if stretch is None:
        return 0
    changed, place = 0, (stretch.first_us - 1, 0)
    while turns := threads.look(partial(_turns, place, stretch.last_us)):
        place = turns[-1][1], turns[-1][0]
        costs = usage.look(partial(_costs, [request_id for _, _, request_id, _, _ in turns]))
        others = {
            turn: costs[request_id]
            for turn, _, request_id, *cost in turns
            if request_id in costs and costs[request_id] != tuple(cost)
        }
        if others:
            threads.change(partial(_change, others))
            changed += len(others)
    threads.change(lambda connection, _: connection.execute(_SET_FOLLOWED, (str(stretch.done_us),)).fetchall())
    return changed


def _stretch(connection: sqlite3.Connection, since_us: int) -> _Stretch | None:
    found = connection.execute(_REPRICED, {"since": since_us}).fetchone()
    return None if found[0] is None else _Stretch(*found)


def _turns(place: tuple[int, int], last_us: int, connection: sqlite3.Connection) -> list[Any]:
    return connection.execute(_TURNS, (*place, last_us, CHUNK_TURNS)).fetchall()


def _costs(ids: Sequence[str], connection: sqlite3.Connection) -> Mapping[str, _Cost]:
    return {id: (cost, source) for id, cost, source in connection.execute(_COSTS, (json_array(ids),))}


def _change(costs: Mapping[int, _Cost], connection: sqlite3.Connection, placer: Placer) -> None:
    for turn, (cost, source) in costs.items():
        for (conversation,) in connection.execute(_SET_COST, (cost, source, turn)).fetchall():
            placer.recount(conversation)
