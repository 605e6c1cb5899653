"""What a conversation's turns lack a price for is what the rows of usage lack one for, however it is counted."""

import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model import Usage
from gateway.records import AttemptRecord
from gateway.thread_records import ThreadQuery, lacks_price
from tests.store.examples import FULL
from tests.store.tellings import all_threads, opened, put, told, user

NOTHING = {"usage": Usage(), "usage_source": "none", "cost_nano": None, "cost_source": "none"}
# What became of a call, by what its row says: fields of both, then its provider's statuses.
ENDINGS: list[tuple[dict[str, Any], list[int | None], bool]] = [
    ({"outcome": "ok", "cost_nano": 0, "cost_source": "list"}, [200], False),
    ({"outcome": "ok", "usage_source": "provider"}, [200], True),
    ({"outcome": "ok", "usage_source": "estimated"}, [200], True),
    ({"outcome": "ok"}, [200], True),
    ({"outcome": "error", "error_type": "rate_limited"}, [429], False),
    ({"outcome": "error", "error_type": "bad_request"}, [], False),
    ({"outcome": "error", "error_type": "provider_error"}, [500], False),
    ({"outcome": "error", "error_type": "provider_error", "usage_source": "partial"}, [200], True),
    ({"outcome": "error", "error_type": "provider_error", "cost_nano": 5, "cost_source": "list"}, [200], False),
    ({"outcome": "error", "error_type": "connection_lost"}, [None], True),
    ({"outcome": "error", "error_type": "timeout"}, [None], True),
    ({"outcome": "error", "error_type": "unreadable_answer"}, [200], True),
    ({"outcome": "aborted"}, [None], True),
    ({"outcome": "aborted", "usage_source": "partial"}, [200], True),
    ({"outcome": "interrupted"}, [None], True),
]


@pytest.mark.parametrize(("fields", "statuses", "lacking"), ENDINGS)
def test_a_turn_lacks_a_price_where_its_row_does(
    fields: dict[str, Any], statuses: list[int | None], lacking: bool
) -> None:
    said = {name: value for name, value in (NOTHING | {"error_type": None} | fields).items() if name != "usage"}
    attempt = FULL.attempts[0]
    attempts: tuple[AttemptRecord, ...] = tuple(replace(attempt, status=status) for status in statuses)
    assert replace(FULL, attempts=attempts, **said).unpriced == lacking
    assert lacks_price(*(said[name] for name in ("cost_nano", "usage_source", "outcome", "error_type"))) == lacking


def test_a_conversation_counts_them_as_its_turns_come_and_anew(tmp_path: Path) -> None:
    drawn = random.Random(7)
    tellings = [
        told(at, [user("q")], "a", conversation="c", **(NOTHING | drawn.choice(ENDINGS)[0])) for at in range(40)
    ]
    with opened(tmp_path) as store:
        for telling in tellings:
            put(store, [telling])
        (row,) = store.threads(ThreadQuery()).rows
        (thread,) = all_threads(store)
        lacking = sum(turn.unpriced for turn in thread.turns)
        store.change(lambda _, placer: placer.recount(1))
        (again,) = store.threads(ThreadQuery()).rows
        put(store, [replace(tellings[5], cost_nano=1, cost_source="list")])
        (priced,) = store.threads(ThreadQuery()).rows
    assert 0 < lacking == row.unpriced == again.unpriced
    assert priced.unpriced == lacking - thread.turns[5].unpriced
