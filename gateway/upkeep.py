"""What a gateway does beside its requests: it follows other processes, takes away what is too old, counts ahead."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from msgspec.structs import asdict

from gateway import heap
from gateway.clock_trust import ClockTrust
from gateway.configuration.setting_values import oldest_us
from gateway.errors import FaregateError
from gateway.operations.comparisons import Comparisons
from gateway.operations.price_commands import PriceCommands
from gateway.parts import Parts
from gateway.records import Changes, Cleaned, Completeness

_log = logging.getLogger(__name__)
POLL_S = 0.5
FLUSH_EVERY = 6
LET_GO_EVERY = 10
# A kill forgets what was learnt of keys in this time.
KEEP_HEALTH_EVERY = 120
CLEAN_UP_EVERY_S = 3600.0
# Rows whose combinations are not counted yet are read one by one wherever these are asked.
COMBINE_EVERY_S = 5.0
# Until a past day is settled it is only slower to ask about; the start has better to do.
SETTLE_EVERY_S, FIRST_SETTLE_S = 1800.0, 20.0


class Upkeep:
    """`follow`, `keep_bounds`, `combine` and `settle` are for a task each, and run until they are cancelled: a fault
    ends neither a task nor what else it does. `meter` is what the meter reads now; `told` is called when `notices`
    have changed."""

    def __init__(
        self,
        parts: Parts,
        prices: PriceCommands,
        comparisons: Comparisons,
        meter: Callable[[], Completeness],
        told: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._prices = prices
        self._comparisons = comparisons
        self._meter = meter
        self._metered = Completeness()
        self._clean_ups = 0
        self._told = told
        # In the order in which they came.
        self._failing: dict[str, None] = {}
        self._work, self._work_long = parts.workers.run, parts.workers.run_long

    @property
    def notices(self) -> tuple[str, ...]:
        """What is not done as it was meant to be: a sentence, or none."""
        if not self._failing:
            return ()
        return (f"The gateway failed inside at {', '.join(self._failing)}: its log says why, and it is tried again.",)

    @property
    def cleaning_up(self) -> bool:
        """Whether one that is asked for now waits for another."""
        return self._clean_ups > 0

    async def clean_up(self, progress: Callable[[int], None] | None = None) -> Cleaned:
        """Take away what retention no longer keeps, now. `progress` is told the entries so far, on a worker's thread;
        cancelled, it ends after the step that it is at."""
        self._clean_ups += 1
        try:
            return await self._clean_up(progress)
        finally:
            self._clean_ups -= 1

    async def _clean_up(self, progress: Callable[[int], None] | None) -> Cleaned:
        left = threading.Event()

        def told(entries: int) -> bool:
            if progress is not None:
                progress(entries)
            return not left.is_set()

        keeps, now_us = asdict(self._parts.settings.retention), time.time_ns() // 1000
        try:
            cleaned = await self._work_long(self._parts.store.clean_up, keeps, now_us, told)
            await self._comparisons.forget(
                prompts_before_us=oldest_us(keeps["content"], now_us),
                unrated_before_us=oldest_us(keeps["requests"], now_us),
            )
        except asyncio.CancelledError:
            left.set()
            raise
        if cleaned.taken.get("content"):
            self._parts.bell.note(Changes(conversations=True))
        return cleaned

    async def follow(self) -> None:
        """Follow what other processes change in the folder, write down which keys were used, and give up memory that
        is not used."""
        parts, beat = self._parts, 0
        while True:
            await asyncio.sleep(POLL_S)
            beat += 1
            with self._unbroken("following the meter"):
                self._follow_meter()
            with self._unbroken("following keys"):
                await parts.follow_keys()
            with self._unbroken("following provider keys"):
                await parts.follow_provider_keys()
            with self._unbroken("following prices"):
                if await self._work(parts.overrides.poll):
                    self._prices.use_overrides()
            with self._unbroken("following aliases"):
                if await self._work(parts.aliases.poll):
                    self._prices.use_aliases()
            if beat % FLUSH_EVERY == 0:
                with self._unbroken("writing down which keys were used"):
                    await self._work(parts.access.flush)
            if beat % LET_GO_EVERY == 0:
                with self._unbroken("giving up memory"):
                    await self._work(self._let_go)
            if beat % KEEP_HEALTH_EVERY == 0:
                with self._unbroken("writing down what was learnt of providers"):
                    await parts.keep_health()
            with self._unbroken("following the list of prices"):
                if await self._work(parts.pricing.poll_list, parts.folder.path):
                    self._prices.changed()

    async def keep_bounds(self) -> None:
        """At the start, then every hour, while the clock may be believed. What a kill left of a re-pricing is made up
        for first."""
        trust = ClockTrust()
        while True:
            with self._unbroken("making up for a re-pricing that was cut off"):
                await self._prices.follow_costs()
            with self._unbroken("taking away what is too old"):
                await self._keep_bounds(trust)
            await asyncio.sleep(CLEAN_UP_EVERY_S)

    async def _keep_bounds(self, trust: ClockTrust) -> None:
        try:
            if trust.now_us(await self._work(self._parts.store.newest_us)) is None:
                _log.warning(
                    "The clock leapt, or is far ahead of the last request: nothing is taken away in this hour."
                )
            else:
                await self.clean_up()
        except FaregateError as error:
            _log.warning("What is too old could not be taken away (%s); the next hour tries again.", error.message)

    async def combine(self) -> None:
        """Every few seconds."""
        while True:
            await asyncio.sleep(COMBINE_EVERY_S)
            with self._unbroken("counting combinations"):
                await self._work_long(self._parts.store.combine)

    async def settle(self) -> None:
        """Soon after the start, then twice an hour."""
        await asyncio.sleep(FIRST_SETTLE_S)
        while True:
            with self._unbroken("counting past days ahead"):
                await self._settle()
            await asyncio.sleep(SETTLE_EVERY_S)

    async def _settle(self) -> None:
        try:
            await self._work_long(self._parts.store.settle, time.time_ns() // 1000)
        except FaregateError as error:
            _log.warning("Sums of past days could not be counted ahead (%s); it is tried again.", error.message)

    @contextlib.contextmanager
    def _unbroken(self, doing: str) -> Iterator[None]:
        """What fails within is tried again in its next turn; a fault is told until then, and logged once."""
        try:
            yield
        except FaregateError:
            # Locked, or the disk is full: rows wait for the same, and the log says so.
            return
        except Exception:
            if doing not in self._failing:
                _log.exception("The gateway failed inside at %s; it is tried again", doing)
                self._failing[doing] = None
                self._told()
            return
        if doing in self._failing:
            del self._failing[doing]
            self._told()

    def _let_go(self) -> None:
        """Memory that was wanted for a while."""
        self._parts.store.let_go()
        self._parts.relay.let_go()
        if self._parts.threads is not None:
            self._parts.threads.let_go()
        heap.give_back()

    def _follow_meter(self) -> None:
        """What is missing is told also while nothing is written, which is when it matters."""
        reading = self._meter()
        if reading != self._metered:
            self._metered = reading
            self._parts.bell.note(Changes(meter=True))
