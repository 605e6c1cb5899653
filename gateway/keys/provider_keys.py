"""Which key each provider is called with: the environment's, else the vault's; a caller's own is the relay's matter.

All of them stand in one dict, so that `key_for` costs nothing on a request's way. `state.db` lists which entries
exist, since a keyring cannot be listed, and counts changes, so that a running gateway follows what another process
stored or removed.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Mapping

from gateway import state_db
from gateway.configuration.settings import Hidden
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.keys.key_format import clean_key, mask
from gateway.keys.sealing import VaultError
from gateway.keys.vault import Vault
from gateway.schema import unusable

_STORED = "SELECT provider, stored_us FROM provider_keys WHERE backend = ? AND slot = 'default' ORDER BY provider"
_ADD = "INSERT OR REPLACE INTO provider_keys (backend, provider, slot, stored_us) VALUES (?, ?, 'default', ?)"
_REMOVE = "DELETE FROM provider_keys WHERE backend = ? AND provider = ? AND slot = 'default'"
_PART = "provider_keys"


class ProviderKeys:
    """Provider keys of one data folder. `load` before use; coroutines raise FaregateError (VaultError among them)."""

    def __init__(self, folder: DataFolder, vault: Vault, environment: Mapping[str, Hidden]) -> None:
        self._vault = vault
        self._environment = {name: hidden.reveal() for name, hidden in environment.items()}
        self._stored: dict[str, str] = {}
        self._stored_us: dict[str, int | None] = {}
        self._problems: dict[str, str] = {}
        # Whose key was another one, or none, or stored anew, when all were read before.
        self.replaced: frozenset[str] = frozenset()
        self._path = folder.state_db
        self._connection = state_db.connect(self._path)
        self._lock = threading.Lock()
        # A reading that began before a key was stored must not end by forgetting it.
        self._changing = asyncio.Lock()
        self._version: int | None = None

    def __repr__(self) -> str:
        return f"ProviderKeys({sorted({*self._environment, *self._stored})})"

    @property
    def vault(self) -> Vault:
        return self._vault

    def key_for(self, provider: str) -> str | None:
        return self._environment.get(provider) or self._stored.get(provider)

    def source(self, provider: str) -> str:
        """environment, vault, memory or none."""
        if provider in self._environment:
            return "environment"
        if provider not in self._stored:
            return "none"
        return "memory" if self._vault.backend == "memory" else "vault"

    def masked(self, provider: str) -> str | None:
        key = self.key_for(provider)
        return None if key is None else mask(key)

    def stored_us(self, provider: str) -> int | None:
        """When the key that is in force was put into its vault, microseconds since the epoch; None without one, and
        of one that lives in memory only or comes from the environment."""
        return self._stored_us.get(provider) if self.source(provider) == "vault" else None

    def problem(self, provider: str) -> str | None:
        """Why a stored key could not be read, in a sentence; None where nothing is wrong."""
        return self._problems.get(provider)

    def configured(self) -> tuple[str, ...]:
        """The providers that have a key."""
        return tuple(sorted({*self._environment, *self._stored}))

    async def load(self) -> None:
        """Reads every stored key. One that cannot be read becomes its provider's `problem` and hides no other."""
        async with self._changing:
            await self._load()

    async def store(self, provider: str, key: str) -> None:
        """Puts a key into the vault and uses it from now on. Raises KeyFormatError or VaultError."""
        key = clean_key(key)
        async with self._changing:
            await self._vault.put(provider, key)
            stored_us = None if self._vault.backend == "memory" else time.time_ns() // 1000
            await asyncio.to_thread(self._record, _ADD, (self._vault.backend, provider, stored_us))
            self._stored, self._stored_us = {**self._stored, provider: key}, {**self._stored_us, provider: stored_us}
            self._problems.pop(provider, None)

    async def remove(self, provider: str) -> None:
        """Takes a key out of the vault; fine where there is none. The environment's stays."""
        async with self._changing:
            await self._vault.remove(provider)
            await asyncio.to_thread(self._record, _REMOVE, (self._vault.backend, provider))
            self._stored = {name: key for name, key in self._stored.items() if name != provider}
            self._problems.pop(provider, None)

    async def use(self, vault: Vault) -> None:
        """Changes to another vault. Keys that lived in memory only are carried over, else they would be lost.

        Raises VaultError where that vault cannot be used; the one before stays then.
        """
        async with self._changing:
            carried = dict(self._stored) if self._vault.backend == "memory" else {}
            try:
                state = await vault.state()
                if not state.available:
                    raise VaultError(state.message)
                for name, key in carried.items():
                    await vault.put(name, key)
                    await asyncio.to_thread(self._record, _ADD, (vault.backend, name, time.time_ns() // 1000))
            except FaregateError:
                vault.close()
                raise
            before, self._vault = self._vault, vault
            before.close()
            await self._load()

    async def poll(self) -> bool:
        """Whether the keys were read again: another process changed them, or the vault answers at last."""
        version, _ = await asyncio.to_thread(self._listed)
        if version == self._version and not await self._vault.recovered():
            return False
        await self.load()
        return True

    def close(self) -> None:
        """Forgets the keys and closes the vault."""
        self._stored, self._environment = {}, {}
        self._vault.close()
        with self._lock:
            self._connection.close()

    async def _load(self) -> None:
        version, stored_us = await asyncio.to_thread(self._listed)
        if self._vault.backend == "memory":
            stored_us = dict.fromkeys(self._vault.held())
        self._vault.forget()
        keys, problems = {}, {}
        for name in stored_us:
            try:
                key = await self._vault.get(name)
            except FaregateError as error:
                problems[name] = error.message
                continue
            if key is None:
                problems[name] = f"The vault no longer holds the key for {name}: store it again."
            else:
                keys[name] = key
        self.replaced = frozenset(
            name
            for name in {*self._stored, *keys} - self._environment.keys()
            if self._stored.get(name) != keys.get(name) or self._is_later(name, stored_us.get(name))
        )
        self._stored, self._stored_us, self._problems, self._version = keys, stored_us, problems, version

    def _is_later(self, name: str, stored_us: int | None) -> bool:
        """Whether it was stored again since; one that goes from memory to a vault was not."""
        before_us = self._stored_us.get(name)
        return before_us is not None and stored_us is not None and before_us != stored_us

    def _listed(self) -> tuple[int, dict[str, int | None]]:
        try:
            with self._lock:
                version = state_db.version(self._connection, _PART)
                stored_us = dict(self._connection.execute(_STORED, (self._vault.backend,)).fetchall())
        except sqlite3.Error as error:
            raise unusable(self._path, error) from None
        return version, stored_us

    def _record(self, statement: str, values: tuple[object, ...]) -> None:
        # Memory is of no concern to other processes.
        if values[0] == "memory":
            return
        with self._lock:
            with state_db.transaction(self._connection):
                self._connection.execute(statement, values)
                state_db.bump(self._connection, _PART)
            self._version = (self._version or 0) + 1
