"""Keeps the table's model in step with the log: opens a query, lets new rows in at the top, or only counts them.

The list that is open ends at its newest row, so that offsets into it stand still while requests go on arriving.
At the top, new rows are put in front of it; away from the top nothing moves, and `pending` says how many wait.
Whoever opens another list stops what still runs for the one before: a question that looks at a million rows would
keep the new one waiting.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec
from PySide6.QtCore import QObject, Signal

from app.context import AppContext
from app.tables.model import WindowedModel
from app.tables.window import PAGE_ROWS
from gateway import ExchangeRecord, RequestPage, UsageQuery

_T = TypeVar("_T")


class RequestFeed(QObject):
    """`opened`: another list stands in the model. `counted(rows)`: how many match. `pending(rows)`: how many wait.
    `complete_from_us`: older ones that were asked for are gone, None where none is. `prepare` makes the newest rows
    ready to be shown."""

    opened = Signal()
    counted = Signal(int)
    pending = Signal(int)

    def __init__(
        self,
        context: AppContext,
        parent: QObject | None = None,
        *,
        prepare: Callable[[Sequence[ExchangeRecord]], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._prepare = prepare
        self._anchored = UsageQuery()
        self._tail_count = 0
        self._generation = 0
        self._asking: set[asyncio.Future[Any]] = set()
        self.complete_from_us: int | None = None

    async def read(self, offset: int, limit: int) -> Sequence[ExchangeRecord]:
        """Rows of the list as it was opened; the model's `load`."""
        page = await self._context.gateway.requests(self._anchored, limit=limit, offset=offset)
        return page.rows

    async def open(self, model: WindowedModel[ExchangeRecord], query: UsageQuery) -> None:
        """Shows the query's rows from the newest."""
        self._generation += 1
        for asking in self._asking:
            asking.cancel()
        answer = await self._unless_left(self._newest(query))
        if answer is not None:
            newest, anchored, count = answer
            self.complete_from_us = newest.complete_from_us
            self._show(model, newest.rows, anchored, count)

    async def advance(self, model: WindowedModel[ExchangeRecord], query: UsageQuery, at_top: bool) -> None:
        """Lets in what is new at the top, else counts it. The query is the open one at a later time."""
        if not at_top:
            await self._count_waiting(model, query)
            return
        answer = await self._unless_left(self._newest(query, model))
        if answer is None:
            return
        newest, anchored, count = answer
        self.complete_from_us = newest.complete_from_us
        fresh = _new_at_front(newest.rows, model)
        if fresh is None or model.wants_reopening or count > model.rowCount() + len(fresh):
            self._show(model, newest.rows, anchored, count)
            return
        model.prepend(fresh)
        model.shorten(count)
        self.counted.emit(count)
        self.pending.emit(0)

    async def _unless_left(self, question: Coroutine[Any, Any, _T]) -> _T | None:
        """The answer; None where another list was opened meanwhile."""
        mine, asking = self._generation, asyncio.gather(question)
        self._asking.add(asking)
        try:
            (answer,) = await asking
        except asyncio.CancelledError:
            if mine == self._generation:
                raise
            return None
        finally:
            self._asking.discard(asking)
        return answer if mine == self._generation else None

    async def _newest(
        self, query: UsageQuery, shown: WindowedModel[ExchangeRecord] | None = None
    ) -> tuple[RequestPage, UsageQuery, int]:
        """The first page, the query that ends at its newest row, and how many rows that has. Of its rows those that
        are not `shown` are made ready."""
        gateway = self._context.gateway
        page = await gateway.requests(query, limit=PAGE_ROWS, offset=0)
        if not page.rows:
            return page, query, 0
        anchored = msgspec.structs.replace(query, end_us=page.rows[0].started_us + 1)
        count = await gateway.request_count(anchored)
        if self._prepare is not None:
            fresh = _new_at_front(page.rows, shown) if shown is not None else None
            await self._prepare(page.rows if fresh is None else fresh)
        return page, anchored, count

    async def _count_waiting(self, model: WindowedModel[ExchangeRecord], query: UsageQuery) -> None:
        since = msgspec.structs.replace(query, start_us=self._anchored.start_us)
        counts = await self._unless_left(self._both_counts(since, self._anchored))
        if counts is not None:
            now, tail = counts
            model.drifted(max(0, tail - self._tail_count))
            self.pending.emit(max(0, now - self._tail_count - model.head_length))

    async def _both_counts(self, one: UsageQuery, other: UsageQuery) -> tuple[int, int]:
        gateway = self._context.gateway
        return await gateway.request_count(one), await gateway.request_count(other)

    def _show(
        self, model: WindowedModel[ExchangeRecord], rows: Sequence[ExchangeRecord], anchored: UsageQuery, count: int
    ) -> None:
        self._anchored = anchored
        self._tail_count = count
        model.open(count, rows)
        self.opened.emit()
        self.counted.emit(count)
        self.pending.emit(0)


def _new_at_front(
    rows: Sequence[ExchangeRecord], model: WindowedModel[ExchangeRecord]
) -> Sequence[ExchangeRecord] | None:
    """The rows before the list's newest, None where what follows is not the list as it stands."""
    newest = model.held(0)
    if newest is None:
        return None
    place = next((number for number, row in enumerate(rows) if row.id == newest.id), None)
    if place is None:
        return None
    follow = zip(range(min(len(rows) - place, PAGE_ROWS)), rows[place:], strict=False)
    return rows[:place] if all(model.held(number) == row for number, row in follow) else None
