"""Every cent accounted for: rows equal calls whatever goes wrong, and the meter names each difference as it happens."""

import random
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.endtoend.serving import CHAT, USAGE, Served, opened, upstreams
from tests.provider.client import ProviderProcess
from tests.soak.full_disk import disk, run_full
from tests.soak.mixed import LIMITS, completeness, mixed_faults, run_mixed
from tests.waiting import PATIENCE_S, wait_until

CALLS = 1000
# Longer than a writer waits for the lock before it says so.
HELD_S = 6.5


def test_cc_switch_1127_a_thousand_mixed_calls_leave_a_thousand_rows(tmp_path: Path) -> None:
    with ProviderProcess(tmp_path / "ledger.jsonl", seed=4) as witness:
        gateway = Served(tmp_path / "home", **upstreams(witness.base_urls), **LIMITS)
        gateway.key()
        gateway.key("admin")
        with gateway:
            load = run_mixed(gateway, witness, random.Random(4), CALLS, deaths=1, held_s=HELD_S)
            assert mixed_faults(gateway, witness, load) == []
            # What lasts is named still; a quick machine may be through before the meter was asked again.
            named = load.named.keys() | {item["kind"] for item in completeness(gateway)["differences"]}
            outcomes = gateway.get(f"{USAGE}/breakdown?by=outcome")["data"]
            rows = gateway.records()
            assert gateway.stop() == 0
    assert len(load.sent) == CALLS
    # All that was to happen did: calls went on while the database was held, and each kind was named meanwhile.
    assert load.sent_while_held > CALLS / 20
    kinds = {"running", "waiting", "database_locked", "not_used", "estimated", "partial", "unreadable"}
    assert kinds <= named
    assert {item["value"] for item in outcomes} == {"ok", "error", "aborted"}
    assert {row.usage_source for row in rows} == {"provider", "partial", "estimated", "none"}
    # Several tokens are said by providers that say them twice, or in any chunk.
    assert sum(row.usage_source == "provider" for row in rows) > CALLS / 4


def test_with_the_disk_full_no_call_fails_and_nothing_is_lost_once_there_is_room(
    provider: ProviderProcess, tmp_path: Path
) -> None:
    with disk(tmp_path / "home") as full:
        gateway = Served(tmp_path / "home", **upstreams(provider.base_urls))
        gateway.key()
        gateway.key("admin")
        with gateway:
            ids, found = run_full(gateway, full)
            assert found == []
            counts = gateway.settle()
            assert counts["seen"] == counts["written"] == len(ids)
            assert {row.id for row in gateway.records()} == set(ids)
            # What was said waits in memory too, and is tried again after some seconds; until then the meter says so.
            wait_until(lambda: told(gateway.folder) == set(ids))
            wait_until(lambda: completeness(gateway)["differences"] == [])
            assert gateway.stop() == 0
            with opened(gateway.folder) as store:
                assert store.check() == []
            assert list((gateway.folder / "journal").iterdir()) == []


def told(folder: Path) -> set[str]:
    """The requests whose turns are in `traces.db`."""
    with closing(sqlite3.connect(f"{(folder / 'traces.db').as_uri()}?mode=ro", uri=True)) as connection:
        return {id for (id,) in connection.execute("SELECT request_id FROM turns")}


def test_after_a_kill_the_meter_says_what_the_last_run_left(provider: ProviderProcess, tmp_path: Path) -> None:
    gateway = Served(tmp_path / "home", **upstreams(provider.base_urls))
    key = gateway.key("admin")
    with gateway:
        gateway.chat("Before.", key=key)
        gateway.settle()
        with socket.create_connection(gateway.address, timeout=PATIENCE_S) as client:
            body = b'{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Cut off. [[stall]]"}]}'
            head = (
                f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            client.sendall(head.encode() + body)
            wait_until(lambda: provider.open() == 1)
            gateway.kill()
        gateway.start()
        reading = completeness(gateway)
        assert {each["kind"]: each["count"] for each in reading["differences"]} == {"interrupted": 1}
        assert (reading["seen"], reading["written"], reading["open"]) == (0, 0, 0)
        gateway.stop()
        gateway.start()
        assert completeness(gateway)["differences"] == []
