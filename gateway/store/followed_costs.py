"""Turns after a re-pricing: each exchange's costs what its row costs now.

Rows and turns are in two databases, which share no transaction. Which re-pricings turns have followed stands beside
them, so that what a kill left between the two is made up for later, and what a clock that was set back or a backup of
one of the two hides from any comparison of times.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from gateway.store.names import json_array
from gateway.store.placing import Placer
from gateway.store.thread_store import ThreadStore
from gateway.store.usage import UsageStore

CHUNK_TURNS = 1000
_FOLLOWED = "SELECT value FROM settings WHERE name = 'costs_followed'"
_SET_FOLLOWED = (
    "INSERT INTO settings (name, value) VALUES ('costs_followed', ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_REPRICINGS = "SELECT id, at_us, undone_us, first_us, last_us FROM repricings ORDER BY id"
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


class _Repricing(Struct, frozen=True, array_like=True):
    """When one was applied and undone, and the time of its rows."""

    id: int
    at_us: int
    undone_us: int | None
    first_us: int
    last_us: int


_decode = msgspec.json.Decoder(frozenset[_Repricing]).decode


def follow_costs(usage: UsageStore, threads: ThreadStore) -> int:
    """Bring turns up to date with re-pricings that they have not followed; how many changed. Raises sqlite3.Error;
    what is done until then stays done, and the rest is for the next time."""
    followed, repricings = threads.look(_followed), usage.look(_repricings)
    others = followed.symmetric_difference(repricings)
    if not others:
        return 0
    last_us = max(each.last_us for each in others)
    changed, place = 0, (min(each.first_us for each in others) - 1, 0)
    while turns := threads.look(partial(_turns, place, last_us)):
        place = turns[-1][1], turns[-1][0]
        costs = usage.look(partial(_costs, [request_id for _, _, request_id, _, _ in turns]))
        stale = {
            turn: costs[request_id]
            for turn, _, request_id, *cost in turns
            if request_id in costs and costs[request_id] != tuple(cost)
        }
        if stale:
            threads.change(partial(_change, stale))
            changed += len(stale)
    told = msgspec.json.encode(repricings).decode()
    threads.change(lambda connection, _: connection.execute(_SET_FOLLOWED, (told,)).fetchall())
    return changed


def _followed(connection: sqlite3.Connection) -> frozenset[_Repricing]:
    found = connection.execute(_FOLLOWED).fetchone()
    return _decode(found[0]) if found else frozenset()


def _repricings(connection: sqlite3.Connection) -> list[_Repricing]:
    return [_Repricing(*row) for row in connection.execute(_REPRICINGS)]


def _turns(place: tuple[int, int], last_us: int, connection: sqlite3.Connection) -> list[Any]:
    return connection.execute(_TURNS, (*place, last_us, CHUNK_TURNS)).fetchall()


def _costs(ids: Sequence[str], connection: sqlite3.Connection) -> Mapping[str, _Cost]:
    return {id: (cost, source) for id, cost, source in connection.execute(_COSTS, (json_array(ids),))}


def _change(costs: Mapping[int, _Cost], connection: sqlite3.Connection, placer: Placer) -> None:
    for turn, (cost, source) in costs.items():
        for (conversation,) in connection.execute(_SET_COST, (cost, source, turn)).fetchall():
            placer.recount(conversation)
