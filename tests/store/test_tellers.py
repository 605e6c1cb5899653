"""Who may tell of an exchange that has just ended: what was told of a time that touches its own, within some slack."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.store.joined_turns import LONGEST_US, tellers
from gateway.telemetry.calls import SLACK_NS
from tests.store.tellings import SECOND_US, opened, put, told, user

SLACK_US = SLACK_NS // 1000
HALF_US = SECOND_US // 2


@pytest.mark.parametrize(
    ("after_us", "lasted_us", "found"),
    [
        (0, HALF_US, True),
        # It ends before the exchange begins.
        (-HALF_US - SLACK_US, HALF_US, True),
        (-HALF_US - SLACK_US - 1, HALF_US, False),
        # It begins after the exchange, which took half a second, has ended.
        (HALF_US + SLACK_US, 0, True),
        (HALF_US + SLACK_US + 1, 0, False),
        # A call is looked for among those that ended so long after.
        (0, HALF_US + LONGEST_US, True),
        (0, HALF_US + LONGEST_US + 1, False),
    ],
)
def test_what_log_records_tell_of_about_the_same_time(
    tmp_path: Path, after_us: int, lasted_us: int, found: bool
) -> None:
    exchange = told(100, [user("one")], "yes", request_id="req_1")
    fields = {"source": "log", "request_id": None, "trace_id": "t1", "span_id": "s1", "latency_us": lasted_us}
    record = told(100, [user("one")], "yes", **fields)
    with opened(tmp_path) as store:
        put(store, [exchange, replace(record, started_us=exchange.started_us + after_us)])
        assert store.look(lambda connection: tellers(connection, "req_1")) == ({"t1"} if found else set(), set())
