"""The figures in the sidebar: the meter's reading, what the day has cost, and how many rows the pages list."""

import time
from collections.abc import Callable

from app import formats, sources
from app.context import AppContext
from app.filters import ALL
from app.local_days import today
from app.sidebar import Sidebar
from app.translation import tr
from gateway import Changes, Completeness, Summary, ThreadQuery, UsageQuery

# What of a change they depend on.
_COUNTED = ("usage", "keys", "providers", "meter", "conversations")


class SidebarFigures:
    """`today` is told the day's figures whenever they were read anew, `metered` the meter's reading."""

    def __init__(
        self, sidebar: Sidebar, today: Callable[[Summary], None], metered: Callable[[Completeness], None]
    ) -> None:
        self._sidebar = sidebar
        self._today = today
        self._metered = metered

    async def refresh(self, context: AppContext, changes: Changes) -> None:
        if not any(getattr(changes, name) for name in _COUNTED):
            return
        gateway, buttons = context.gateway, self._sidebar.buttons
        if changes.usage or changes.meter:
            reading = gateway.completeness()
            self._sidebar.meter.show_reading(reading)
            self._metered(reading)
        if changes.usage:
            await self.refresh_today(context)
            await self._learn_beginning(context)
            if "requests" in buttons:
                buttons["requests"].set_count(formats.count(await gateway.request_count(UsageQuery())))
        if changes.providers:
            rows = await gateway.providers()
            context.provider_names.learn(rows)
            if "providers" in buttons:
                ready, locked = sum(row.has_key for row in rows), sum(row.unreadable for row in rows)
                known = tr("{ready} of {all}").format(ready=ready, all=ready + locked)
                buttons["providers"].set_count(known if locked else str(ready))
        if (changes.conversations or changes.usage) and "conversations" in buttons:
            page = await gateway.threads(ThreadQuery(), limit=1)
            buttons["conversations"].set_count("" if page.total is None else formats.count(page.total))
        if changes.keys and "api_keys" in buttons:
            keys = await gateway.api_keys()
            buttons["api_keys"].set_count(str(sum(row.revoked_us is None for row in keys)))

    async def refresh_today(self, context: AppContext) -> None:
        now, tz = time.time_ns() // 1000, context.filters.tz
        summary, _ = await context.gateway.summary(today(now, tz))
        figure = sources.marked_money(summary.cost_nano, sources.estimated_cost(summary))
        self._sidebar.today.set_figure(figure, sources.costs_tooltip(summary), summary.cost_nano)
        self._today(summary)

    async def _learn_beginning(self, context: AppContext) -> None:
        """Where the range of everything begins: with a month, so that its bars are whole months."""
        filters = context.filters
        if filters.first_us is None or filters.range_key == ALL:
            months = await context.gateway.timeseries(UsageQuery(tz=filters.tz), "month")
            filters.set_first(months[0].start_us if months else None)
