"""Models, what they cost, what else they are called, and what past requests would cost by today's prices."""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from gateway.errors import FaregateError
from gateway.operations.model_rows import model_rows, price_rows
from gateway.parts import Parts
from gateway.price_records import (
    CostExplanation,
    ModelRow,
    NewPriceOverride,
    PriceList,
    PriceOverride,
    PriceRow,
    Repricing,
    RepricingPreview,
)
from gateway.prices.repricing import Repricer
from gateway.records import Changes, ExchangeRecord, UsageQuery
from gateway.store.followed_costs import follow_costs
from gateway.store.thread_store import ThreadStore
from gateway.workers import Progress

_log = logging.getLogger(__name__)


class PriceCommands:
    """Commands raise FaregateError, and change nothing then."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pricing = parts.pricing
        self._work = parts.workers.run
        self._models: tuple[date, tuple[ModelRow, ...]] | None = None

    def models(self) -> tuple[ModelRow, ...]:
        """All models that we know, with the prices of today."""
        parts, today = self._parts, datetime.now(UTC).date()
        if self._models is None or self._models[0] != today:
            self._models = (today, model_rows(parts.routing.models, parts.providers, self._pricing, today))
        return self._models[1]

    async def prices(self, at_us: int | None = None) -> tuple[PriceRow, ...]:
        """What each model that we know costs at a time (None: now), and where that is from."""
        moment = time.time_ns() // 1000 if at_us is None else at_us
        parts = self._parts
        return await self._work(price_rows, parts.routing.models, parts.providers, self._pricing, moment)

    def explain(self, record: ExchangeRecord) -> CostExplanation:
        """The arithmetic of a row's cost. It waits for nothing."""
        return self._pricing.explain(self._parts.listed_as(record.provider or ""), record)

    # The list.

    def price_list(self) -> PriceList:
        """The list of prices in use, and its date."""
        return self._pricing.list_state

    async def update_prices(self, url: str | None = None) -> PriceList:
        """Fetch the list of prices, from its own address or from `url`, and use it from now on; where that fails,
        nothing changes. Raises FaregateError."""
        await self._work(self._pricing.fetch_list, self._parts.folder.path, url)
        self.changed()
        return self._pricing.list_state

    # The user's own prices.

    def price_overrides(self) -> tuple[PriceOverride, ...]:
        """The user's own prices that were not removed, oldest first."""
        return tuple(row for row in self._parts.overrides.every() if row.removed_us is None)

    async def add_price(self, price: NewPriceOverride) -> PriceOverride:
        """A price of the user's own, from now on for the requests that begin while it is valid."""
        return (await self.add_prices((price,)))[0]

    async def add_prices(self, prices: Sequence[NewPriceOverride]) -> tuple[PriceOverride, ...]:
        """Several at once, all of them or none."""
        for price in prices:
            self._parts.provider(price.provider)
        made = await self._work(self._parts.overrides.add, *prices)
        self.use_overrides()
        return made

    async def replace_price(self, id: int, price: NewPriceOverride) -> PriceOverride:
        """Another price in the place of one: it has an id of its own."""
        self._parts.provider(price.provider)
        made = await self._work(self._parts.overrides.replace, id, price)
        self.use_overrides()
        return made

    async def remove_price(self, id: int) -> PriceOverride:
        return (await self.remove_prices((id,)))[0]

    async def remove_prices(self, ids: Sequence[int]) -> tuple[PriceOverride, ...]:
        """Several at once, all of them or none."""
        removed = await self._work(self._parts.overrides.remove, *ids)
        self.use_overrides()
        return removed

    async def restore_price(self, id: int, *, instead_of: int | None = None) -> PriceOverride:
        """One that was removed holds again as it did, under its id; what took its place is removed."""
        restored = await self._work(self._parts.overrides.restore, id, instead_of=instead_of)
        self.use_overrides()
        return restored

    # Other names for models.

    def aliases(self) -> Mapping[str, str]:
        """The user's other names for models: name → model."""
        return self._parts.aliases.every()

    async def set_alias(self, name: str, model: str) -> None:
        """`name` is answered by `model` from the next request on. Raises AliasError, ClientError (404)."""
        self._parts.routing.candidates(model)
        await self._work(self._parts.aliases.put, name, model)
        self.use_aliases()

    async def remove_alias(self, name: str) -> None:
        """Raises AliasError where there is none."""
        await self._work(self._parts.aliases.remove, name)
        self.use_aliases()

    # History by today's prices.

    async def preview_repricing(self, query: UsageQuery, progress: Progress | None = None) -> RepricingPreview:
        """What today's prices would make of these rows; nothing is changed. `progress` is told the rows so far and in
        all, on a worker's thread. Raises ClientError where rows of that time are gone."""
        store, price = self._parts.store, self._repricer()
        return await self._parts.workers.run_until_cancelled(
            lambda told: store.preview_repricing(query, price, told), progress
        )

    async def apply_repricing(
        self,
        query: UsageQuery,
        *,
        expected: RepricingPreview | None = None,
        progress: Progress | None = None,
    ) -> Repricing:
        """Give these rows today's prices, all or none. With `expected` only if that is what would still happen.

        Cancelling leaves everything as it is. Raises ClientError.
        """
        store, price, now_us = self._parts.store, self._repricer(), time.time_ns() // 1000
        applied = await self._parts.workers.run_until_cancelled(
            lambda told: store.apply_repricing(query, price, now_us, expected, told), progress
        )
        await self.follow_costs()
        return applied

    async def undo_repricing(self, id: int, *, progress: Progress | None = None) -> Repricing:
        """Give the rows of a re-pricing back what they cost before, all or none. Raises ClientError."""
        store, now_us = self._parts.store, time.time_ns() // 1000
        undone = await self._parts.workers.run_until_cancelled(
            lambda told: store.undo_repricing(id, now_us, told), progress
        )
        await self.follow_costs()
        return undone

    async def follow_costs(self) -> None:
        """Conversations cost what their requests cost now, where a re-pricing is not told in them yet."""
        if self._parts.threads is None:
            return
        try:
            await self._parts.workers.run_long(self._follow_costs, self._parts.threads)
        except FaregateError as error:
            _log.warning("Conversations show the costs of before (%s); the next hour tries again.", error.message)

    async def repricings(self) -> tuple[Repricing, ...]:
        """All that were ever applied, newest first."""
        return await self._work(self._parts.store.repricings)

    def _follow_costs(self, threads: ThreadStore) -> None:
        # What was priced before is told with that price: it must be there to be changed.
        if not self._parts.stored():
            raise FaregateError("what was said waits to be written")
        follow_costs(self._parts.store, threads)

    def _repricer(self) -> Repricer:
        listed = {name: self._parts.listed_as(name) for name in self._parts.providers}
        return Repricer(self._pricing, listed, self._parts.routing.asked)

    # Within the gateway: what is stored is used from now on.

    def use_overrides(self) -> None:
        self._pricing.use_overrides(self._parts.overrides.every())
        self.changed()

    def use_aliases(self) -> None:
        self._parts.routing.use_aliases(self._parts.aliases.every())
        self.changed()

    def changed(self) -> None:
        """Prices are others, or models are called otherwise."""
        self._models = None
        self._parts.bell.note(Changes(prices=True))
