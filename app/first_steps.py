"""From an empty machine to the first metered request: what is done of it, and whether to offer it by itself."""

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from app.launch import has_provider
from app.preferences import Preferences
from gateway import ApiKeyRow, ExchangeRecord, ProviderRow, UsageQuery

if TYPE_CHECKING:
    from gateway import Gateway

PREFERENCE = "first_steps"


class FirstSteps(Struct, frozen=True, kw_only=True):
    """What the gateway knows of each step. `request` is the last one, of whatever key."""

    providers: tuple[ProviderRow, ...] = ()
    keys: tuple[ApiKeyRow, ...] = ()
    request: ExchangeRecord | None = None

    @property
    def provider_done(self) -> bool:
        return has_provider(self.providers)

    @property
    def provider_ready(self) -> bool:
        """Whether any can be asked now."""
        return any(row.ready for row in self.providers)

    @property
    def provider_locked(self) -> bool:
        """Whether keys are stored, and none of them can be read now."""
        return bool(self.unreadable) and not any(row.has_key for row in self.providers)

    @property
    def switched_off(self) -> tuple[ProviderRow, ...]:
        """Those that could be asked if only they were switched on."""
        return tuple(row for row in self.providers if row.has_key and not row.enabled)

    @property
    def unreadable(self) -> tuple[ProviderRow, ...]:
        """Those whose key is stored and cannot be read now."""
        return tuple(row for row in self.providers if row.unreadable)

    @property
    def key_done(self) -> bool:
        return any(row.revoked_us is None for row in self.keys)

    @property
    def request_done(self) -> bool:
        return self.request is not None and self.request.outcome == "ok"

    @property
    def done(self) -> bool:
        return self.provider_done and self.key_done and self.request_done


async def read_first_steps(gateway: "Gateway") -> FirstSteps:
    """Three small questions at once. Raises FaregateError."""
    providers, keys, good = await asyncio.gather(
        gateway.providers(), gateway.api_keys(), gateway.requests(UsageQuery(outcome=("ok",)), limit=1)
    )
    request = good.rows[0] if good.rows else None
    if request is None:
        last = await gateway.requests(UsageQuery(), limit=1)
        request = last.rows[0] if last.rows else None
    return FirstSteps(providers=providers, keys=keys, request=request)


def is_first_run(steps: FirstSteps, preferences: Preferences, *, demo: bool) -> bool:
    """An empty folder whose owner has not said to go without."""
    return not demo and preferences.is_on(PREFERENCE) and not steps.provider_done and steps.request is None
