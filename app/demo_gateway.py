"""The demo's gateway, except that a provider key is never a demo: it is tried and kept in the user's own folder.

Pages need not know. Everything else goes to the gateway on the simulated providers; the first real key opens the real
one beside it, and `moved` is told once a key is stored there.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from gateway import KeyTrial, VaultState

if TYPE_CHECKING:
    from gateway import Gateway


class DemoGateway:
    """`open_real` gives the gateway on the user's own folder; raises FaregateError where that is held."""

    def __init__(
        self, inner: "Gateway", open_real: "Callable[[], Awaitable[Gateway]]", moved: Callable[[], None]
    ) -> None:
        self._inner = inner
        self._open_real = open_real
        self._moved = moved
        self._real: Gateway | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def try_provider_key(self, provider: str, key: str) -> KeyTrial:
        return await (await self._own()).try_provider_key(provider, key)

    async def store_provider_key(self, provider: str, key: str) -> None:
        await (await self._own()).store_provider_key(provider, key)
        self._moved()

    async def vault_state(self) -> VaultState:
        """The demo keeps nothing: once there is a real key to keep, its vault is the one that counts."""
        return await (self._real or self._inner).vault_state()

    async def choose_vault(self, backend: str, passphrase: str | None = None) -> None:
        await (await self._own()).choose_vault(backend, passphrase)

    async def _own(self) -> "Gateway":
        if self._real is None:
            self._real = await self._open_real()
        return self._real
