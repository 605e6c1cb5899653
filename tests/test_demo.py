"""The demo's folder: a history, the keys that it was made with, and providers that answer."""

import asyncio
import time
from pathlib import Path

from gateway import DataFolder, Gateway, Settings, UsageQuery
from gateway.demo import DAY_US
from gateway.records import ApiKeyRow


async def look(
    folder: Path,
) -> tuple[tuple[ApiKeyRow, ...], dict[str | None, int], dict[str, tuple[str, str | None]]]:
    """Keys, requests by key, and what the providers' cards say, once the history reaches eight weeks back."""
    gateway = Gateway(DataFolder(folder), Settings(port=0), demo=True)
    await gateway.start()
    try:
        eight_weeks_ago = time.time_ns() // 1000 - 56 * DAY_US
        while not await gateway.request_count(UsageQuery(end_us=eight_weeks_ago)):
            await asyncio.sleep(0.1)
        by_key = await gateway.breakdown(UsageQuery(), "key")
        return (
            await gateway.api_keys(),
            {row.value: row.summary.requests for row in by_key.rows},
            {row.name: (row.state, row.masked) for row in await gateway.providers()},
        )
    finally:
        await gateway.close()


def test_the_history_and_its_keys_belong_together(tmp_path: Path) -> None:
    keys, by_key, providers = asyncio.run(look(tmp_path))
    assert {key.name for key in keys} == by_key.keys()
    assert all(requests > 100 for requests in by_key.values())
    now_us = time.time_ns() // 1000
    for key in keys:
        assert key.last_used_us is not None and key.created_us < key.last_used_us <= now_us
        assert len(key.prefix) == 7 and key.role == "execute" and key.user
    assert {tag for key in keys if key.name == "engineering" for tag in key.tags} == {"team:platform", "env:dev"}
    assert set(providers.values()) == {("connected", "sim-…demo")}
    # Another start finds everything there.
    again, counted, _ = asyncio.run(look(tmp_path))
    assert [(key.id, key.created_us) for key in again] == [(key.id, key.created_us) for key in keys]
    assert all(counted[key] >= requests for key, requests in by_key.items())
