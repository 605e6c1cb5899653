"""Whoever waits for a large database to be brought to this version is told so, in the log and as the state."""

import asyncio
import logging
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gateway import DataFolder, Gateway, Settings, schema
from gateway.store import migrations
from tests.store.schemas import restore


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Until it is set, the newest step goes on."""
    event = Event()

    def _m999_takes_long(_db: Any) -> None:
        assert event.wait(30)

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, _m999_takes_long))
    return event


async def test_a_large_database_of_before_is_the_state_while_it_is_brought_up(
    tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schema, "LONG_BYTES", 4096)
    restore("usage", 10, tmp_path / "usage.db")
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    told = asyncio.Event()

    def changed(_changes: object) -> None:
        if gateway.state.message:
            told.set()

    gateway.changed = changed
    with caplog.at_level(logging.WARNING):
        starting = asyncio.create_task(gateway.start())
        await asyncio.wait_for(told.wait(), 20)
    word, message = gateway.state.word, gateway.state.message
    assert word == "starting" and message.startswith(
        "usage.db (0.0 GB) is brought to this version of Faregate, once."
    )
    assert [record.getMessage() for record in caplog.records] == [message]
    held.set()
    await starting
    assert (gateway.state.word, gateway.state.message) == ("running", "")
    await gateway.close()


async def test_one_that_takes_a_moment_or_is_new_is_not_told_of(
    tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held.set()
    (tmp_path / "small").mkdir()
    restore("usage", 10, tmp_path / "small" / "usage.db")
    for name in ("small", "new"):
        gateway = Gateway(DataFolder(tmp_path / name), Settings(port=0, vault_backend="memory"))
        await gateway.start()
        assert (gateway.state.word, gateway.state.message) == ("running", "")
        await gateway.close()
        monkeypatch.setattr(schema, "LONG_BYTES", 0)
    assert "is brought to this version" not in caplog.text
