"""Sessions that send their whole history with every turn, through each door: shown right, and stored once."""

import argparse
import asyncio.base_events
import inspect
from functools import partial
from pathlib import Path

from tests.endtoend.agent_session import DOORS, Session, shown
from tests.endtoend.serving import Served, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

TURNS, FULL_AT, TURN_BYTES = 16, 8, 5_000
SOURCE = "".join(Path(module.__file__).read_text("utf-8") for module in (argparse, inspect, asyncio.base_events))


def read(door: int, turn: int) -> str:
    """A file of its own for each turn of each door."""
    start = (door * TURNS + turn) * 3571 % (len(SOURCE) - TURN_BYTES)
    return f"{door}, file {turn}\n{SOURCE[start : start + TURN_BYTES]}"


def test_what_is_sent_again_is_shown_once_and_takes_less_room_than_it_says(
    provider: ProviderProcess, tmp_path: Path
) -> None:
    sessions = [Session(door, partial(read, number), FULL_AT) for number, door in enumerate(DOORS)]
    with Served(tmp_path / "home", **upstreams(provider.base_urls)) as gateway:
        for session in sessions:
            assert len(list(session.turns(gateway, TURNS))) == TURNS
        wait_until(lambda: sum(row["requests"] for row in gateway.threads()) == TURNS * len(sessions))
        threads = {tuple(turn["door"] for turn in thread["turns"]): thread for thread in gateway.threads()}
        assert len(threads) == len(sessions)
        for session, thread in zip(sessions, reversed(threads.values()), strict=True):
            assert shown(thread) == session.said, session.door
            assert [turn["parent"] for turn in thread["turns"]] == [None, *range(TURNS - 1)]
            # From the ninth on the first file of its context is gone.
            assert [turn["shortened"] for turn in thread["turns"]] == [turn > FULL_AT for turn in range(TURNS)]
        assert gateway.stop() == 0
    stored = sum(path.stat().st_size for path in gateway.folder.glob("traces.db*"))
    assert stored < 1.2 * sum(session.unique_bytes for session in sessions)
