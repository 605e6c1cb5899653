"""What a demo runs on: simulated providers on loopback, and an example history in its own folder.

The history is filled in while the gateway already answers, newest first, so that the charts are there at once. What
a run left out (it was quit midway, or lies a week back) is a gap between two rows; the next start fills it in, and so
writes nothing twice.
"""

import asyncio
import logging
import sqlite3
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from hashlib import sha256
from itertools import groupby

from gateway.configuration.configured import configured_providers
from gateway.configuration.settings import Hidden, Settings
from gateway.keys.access import KEY_START, AccessKeys
from gateway.model import Usage
from gateway.prices.pricing import Pricing
from gateway.records import ApiKeyRow, ExchangeRecord, UsageQuery
from gateway.simulated.history import history
from gateway.simulated.server import SimulatedProviders
from gateway.simulated.stories import STORIES
from gateway.simulated.story import Episode, episodes, tell
from gateway.simulated.workloads import WORKLOADS
from gateway.store import UsageStore
from gateway.told import Told

_log = logging.getLogger(__name__)

DAYS = 30
# Conversations are kept for thirty days unless told otherwise, and half of it is enough to look at.
STORY_DAYS = 14
CHUNK = 1500
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
# The example company is never silent for longer than five hours: a shorter gap is a quiet night.
GAP_HOURS = 8
# Opened for the first time, or again after a gap, the demo shows somebody who has just been at work.
_JUST_NOW_US, _QUARTER_US = 300_000_000, 900_000_000
# A key is a little older than its first request.
MADE_BEFORE_US = 600_000_000


class Demo:
    """`start` before the gateway is wired; `fill` any time after the store was started."""

    def __init__(self, pricing: Pricing) -> None:
        self._pricing = pricing
        self._price_ids = {row.name: row.price_provider or "" for row in configured_providers(Settings())}
        self._providers = SimulatedProviders(price=self._cost)
        self._said: Sequence[Told] = ()

    async def start(self) -> None:
        await self._providers.start()

    async def stop(self) -> None:
        await self._providers.stop()

    @property
    def base_urls(self) -> Mapping[str, str]:
        return self._providers.base_urls

    @property
    def keys(self) -> Mapping[str, Hidden]:
        """The simulated providers take any key; these say what they are."""
        return {name: Hidden(f"sim-{name}-of-the-demo") for name in self.base_urls}

    async def fill(
        self,
        store: UsageStore,
        access: AccessKeys,
        workers: Executor,
        keys_made: Callable[[], None],
        tell: Callable[[Sequence[Told]], object],
    ) -> None:
        """Insert what of the example history is missing, and first the tk_ keys that it was made with, in worker
        threads. `keys_made` is told once the keys are there; `tell` what was said in those of its calls that have
        words, before their rows: a start that is cut short says it again."""
        loop = asyncio.get_running_loop()
        records = await loop.run_in_executor(workers, self._missing, store)
        for key in _keys_of(records):
            await loop.run_in_executor(workers, access.add_example, key)
        keys_made()
        missing = {record.id for record in records}
        if said := [told for told in self._said if told.request_id in missing]:
            await loop.run_in_executor(workers, tell, said)
        try:
            for chunk in _newest_first(records):
                await loop.run_in_executor(workers, store.insert_history, chunk)
        except sqlite3.Error as error:
            _log.warning("The example history is not complete (%s); the next start goes on with it.", error)

    def _missing(self, store: UsageStore) -> Sequence[ExchangeRecord]:
        now_us = time.time_ns() // 1000
        gaps = _gaps(store, now_us - DAYS * DAY_US, now_us)
        if not gaps:
            return ()
        offset = datetime.now().astimezone().utcoffset()
        offset_s = int(offset.total_seconds()) if offset else 0
        made = list(episodes(STORIES, now_us, self._cost, days=min(DAYS, STORY_DAYS), utc_offset_s=offset_s))
        made += self._just_now(now_us)
        self._said = [episode.told for episode in made]
        rows = [*history(now_us, self._cost, days=DAYS, utc_offset_s=offset_s), *(each.record for each in made)]
        rows.sort(key=lambda record: record.started_us)
        return [record for record in rows if any(after < record.started_us < before for after, before in gaps)]

    def _just_now(self, now_us: int) -> Iterator[Episode]:
        """The first story, told at most twenty minutes ago; the same for a start that comes soon after."""
        start_us = now_us // _QUARTER_US * _QUARTER_US - _JUST_NOW_US
        return tell(STORIES[0], start_us, f"story/{start_us}", self._cost)

    def _cost(self, provider: str, model: str, usage: Usage, at_us: int) -> tuple[int | None, str, str | None]:
        priced = self._pricing.price(self._price_ids[provider], model, usage, at_us)
        return priced.cost_nano, priced.source, priced.price_id


def _gaps(store: UsageStore, start_us: int, end_us: int) -> list[tuple[int, int]]:
    """Long silences between two rows, as the times of both; `start_us` and `end_us` stand for rows outside."""
    hours = store.timeseries(UsageQuery(start_us=start_us, end_us=end_us), "hour")
    gaps = []
    for empty, run in groupby(hours, lambda hour: not hour.summary.requests):
        silent = list(run)
        if empty and len(silent) >= GAP_HOURS:
            low, high = silent[0].start_us, silent[-1].end_us
            before = store.requests(UsageQuery(start_us=low - HOUR_US, end_us=low), limit=1).rows
            following = UsageQuery(start_us=high, end_us=high + HOUR_US)
            oldest = max(0, store.request_count(following) - 1)
            after = store.requests(following, limit=1, offset=oldest).rows
            gaps.append((before[0].started_us if before else start_us, after[0].started_us if after else end_us))
    return gaps


def _keys_of(records: Sequence[ExchangeRecord]) -> Iterator[ApiKeyRow]:
    """A row for each key of the history, with the tags that all its requests carry."""
    used: dict[str, list[int]] = {}
    for record in records:
        used.setdefault(record.key_id, []).append(record.started_us)
    for load in {load.key_id: load for load in WORKLOADS if load.key_id in used}.values():
        same = [other.tags for other in WORKLOADS if other.key_id == load.key_id]
        yield ApiKeyRow(
            id=load.key_id,
            name=load.key,
            prefix=KEY_START + urlsafe_b64encode(sha256(load.key_id.encode()).digest()).decode()[:4],
            role="execute",
            user=load.principal,
            tags=tuple(tag for tag in load.tags if all(tag in tags for tags in same)),
            created_us=min(used[load.key_id]) - MADE_BEFORE_US,
            last_used_us=max(used[load.key_id]),
        )


def _newest_first(records: Sequence[ExchangeRecord]) -> Iterator[Sequence[ExchangeRecord]]:
    for end in range(len(records), 0, -CHUNK):
        yield records[max(0, end - CHUNK) : end]
