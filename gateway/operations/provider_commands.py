"""Providers and their keys: what is known of each, trying and storing keys, the vault, the user's own providers."""

import contextlib
import hashlib
from collections.abc import Mapping
from typing import Any

from gateway.configuration.extra_providers import ExtraProvider
from gateway.configuration.settings_edit import drop_provider, put_provider
from gateway.configuration.settings_edit import save as save_settings
from gateway.errors import FaregateError
from gateway.keys.key_format import check_format, clean_key
from gateway.keys.key_trial import probe, try_key
from gateway.keys.provider_health import Health
from gateway.keys.vault import Vault
from gateway.parts import Parts
from gateway.providers.catalog import Provider
from gateway.records import Changes, KeyTrial, ProviderRow, VaultState


class ProviderCommands:
    """Commands raise FaregateError for a provider that there is none of, and where the vault or the file fails."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._work = parts.workers.run
        # The key that a provider took last, as a digest: storing it next need not ask again.
        self._proven: tuple[str, str] | None = None

    async def providers(self) -> tuple[ProviderRow, ...]:
        return tuple(self._row(provider) for provider in self._parts.providers.values())

    def check_key_format(self, provider: str, key: str) -> str | None:
        return check_format(provider, key)

    async def try_provider_key(self, provider: str, key: str) -> KeyTrial:
        """Asks the provider with this key; nothing is stored."""
        trial = await self._try(self._parts.provider(provider), clean_key(key))
        self._proven = (provider, _digest(key)) if trial.ok else None
        return trial

    async def store_provider_key(self, provider: str, key: str) -> None:
        self._parts.provider(provider)
        await self._parts.keys.store(provider, key)
        self._parts.health.forget(provider)
        if self._proven == (provider, _digest(key)):
            self._parts.health.learnt(provider, "connected", None)
        self._changed()

    async def test_provider(self, provider: str) -> KeyTrial:
        """Tries the key that is in force."""
        row = self._parts.provider(provider)
        key = self._parts.keys.key_for(provider)
        if key is None and row.auth != "none":
            return KeyTrial(
                ok=False, state="unconfigured", message=f"No key for {row.title} is stored: add one first."
            )
        trial = await self._try(row, key or "")
        state, detail = ("connected", None) if trial.ok else (trial.state, trial.message)
        if key == self._parts.keys.key_for(provider):
            # Else another one was stored meanwhile.
            self._parts.health.learnt(provider, state, detail)
        return trial

    async def remove_provider_key(self, provider: str) -> None:
        await self._parts.keys.remove(provider)
        self._parts.health.forget(provider)
        self._changed()

    async def switch_provider(self, provider: str, on: bool) -> None:
        """Whether it takes requests, from now on and after a restart; running ones end. Raises SettingsError."""
        self._parts.provider(provider)
        key = f"providers.{provider}.enabled"
        await self._work(save_settings, self._parts.folder.settings_path, {key: None if on else False})
        self._parts.routing.switch(provider, on)
        self._changed()

    def own_providers(self) -> tuple[ExtraProvider, ...]:
        """The user's `[[provider]]` tables, as they are in force."""
        return self._parts.settings.providers

    async def save_own_provider(self, values: Mapping[str, Any]) -> None:
        """Add a `[[provider]]` table, or set fields of the one of that `name`; taken at the next start.

        Raises SettingsError, and changes nothing, where the gateway could not be started with it.
        """
        await self._work(put_provider, self._parts.folder.settings_path, values)
        self._changed()

    async def remove_own_provider(self, name: str) -> None:
        """Take its table and its key away; it answers until the next start. Raises SettingsError."""
        await self._work(drop_provider, self._parts.folder.settings_path, name)
        await self.remove_provider_key(name)

    async def vault_state(self) -> VaultState:
        return await self._parts.keys.vault.state()

    async def choose_vault(self, backend: str, passphrase: str | None = None) -> None:
        """Keep provider keys elsewhere from now on, also after a restart. Raises FaregateError, and then they stay
        where they were kept before, as far as that can be opened."""
        keys, before = self._parts.keys, self._parts.keys.vault
        await keys.use(Vault(self._parts.folder, backend, passphrase))
        try:
            await self._work(save_settings, self._parts.folder.settings_path, {"vault.backend": backend})
        except FaregateError:
            # The next start would not look for keys where they were stored since.
            with contextlib.suppress(FaregateError):
                await keys.use(before)
            raise
        finally:
            self._parts.forget_replaced()
            self._changed()

    async def _try(self, row: Provider, key: str) -> KeyTrial:
        asked = probe(row.title, row.base_url, row.probe_path, row.auth, row.dialect)
        return await try_key(self._parts.upstream.session, asked, key)

    def _row(self, provider: Provider) -> ProviderRow:
        parts, name = self._parts, provider.name
        source = "unneeded" if provider.auth == "none" else parts.keys.source(name)
        health = parts.health.of(name)
        if source == "none":
            health = Health("unconfigured", None, parts.keys.problem(name))
        return ProviderRow(
            name=name,
            title=provider.title,
            dialect=provider.dialect,
            base_url=provider.base_url,
            key_source=source,
            enabled=parts.routing.is_on(name),
            own=any(own.name == name for own in parts.settings.providers) and not parts.demo,
            models=sum(model.provider == name for model in parts.routing.models),
            masked=parts.keys.masked(name),
            state=health.state,
            state_at_us=health.at_us,
            detail=health.detail,
        )

    def _changed(self) -> None:
        self._parts.bell.note(Changes(providers=True))


def _digest(key: str) -> str:
    return hashlib.sha256(key.strip().encode()).hexdigest()
