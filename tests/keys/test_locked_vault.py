"""A locked keyring asks its user once to unlock it; that it was unlocked later is noticed without asking."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.core
import keyring.errors
import pytest
import secretstorage
from keyring.backends import SecretService
from secretstorage import exceptions

from gateway.folder import DataFolder
from gateway.keys import vault as vault_module
from gateway.keys.provider_keys import ProviderKeys
from gateway.keys.sealing import VaultError
from gateway.keys.vault import Vault
from tests.keys.test_vault import KEY, FakeKeyring


@pytest.fixture
def system() -> Iterator[FakeKeyring]:
    fake, before = FakeKeyring(), keyring.get_keyring()
    keyring.set_keyring(fake)
    yield fake
    keyring.set_keyring(before)


@pytest.fixture
async def folder(tmp_path: Path, system: FakeKeyring) -> DataFolder:
    """Three keys in a keyring that is locked."""
    folder = DataFolder(tmp_path / "data")
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    for name in ("anthropic", "openai", "xai"):
        await keys.store(name, KEY)
    keys.close()
    system.fault, system.calls = keyring.errors.KeyringLocked("Failed to unlock the collection!"), 0
    return folder


async def test_who_dismissed_the_prompt_is_not_asked_again(folder: DataFolder, system: FakeKeyring) -> None:
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    for _ in range(3):
        state = await keys.vault.state()
        assert not state.available and "locked" in state.message
        assert await keys.poll() is False
    assert system.calls == 1, "each call would show a prompt"
    assert all("locked" in (keys.problem(name) or "") for name in ("anthropic", "openai", "xai"))
    # Who stores a key wants to be asked.
    with pytest.raises(VaultError, match="locked"):
        await keys.store("google", KEY)
    assert system.calls == 2
    keys.close()


async def test_what_is_unlocked_later_is_read(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    monkeypatch.setattr(vault_module, "_is_open", lambda backend: system.fault is None)
    assert await keys.poll() is False and keys.configured() == ()
    system.fault = None
    # Whoever looks first, the keys are read all the same.
    assert (await keys.vault.state()).available
    assert await keys.poll() is True and await keys.poll() is False
    assert keys.configured() == ("anthropic", "openai", "xai") and keys.problem("openai") is None
    keys.close()


async def test_a_key_that_is_stored_brings_back_the_others(folder: DataFolder, system: FakeKeyring) -> None:
    """Of a keyring that cannot be looked at without asking."""
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    system.fault = None
    assert await keys.poll() is False
    await keys.store("google", KEY)
    assert await keys.poll() is True
    assert keys.configured() == ("anthropic", "google", "openai", "xai")
    keys.close()


async def test_another_vault_asks_anew(folder: DataFolder, system: FakeKeyring) -> None:
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    system.fault = None
    await keys.use(Vault(folder, "keyring"))
    assert keys.configured() == ("anthropic", "openai", "xai")
    keys.close()


async def test_an_open_keyring_whose_entry_was_refused_is_not_asked_again(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that asks for each entry, as KeePassXC can."""
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    monkeypatch.setattr(vault_module, "_is_open", lambda backend: True)
    await keys.load()
    for _ in range(3):
        assert await keys.poll() is False
    assert system.calls == 1
    keys.close()


async def test_an_open_keyring_that_failed_once_is_read_when_it_works(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is still starting, or fails where it was locked before."""
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    monkeypatch.setattr(vault_module, "_is_open", lambda backend: system.is_open)
    for before in (None, keyring.errors.KeyringLocked("Failed to unlock the collection!")):
        for fault in (keyring.errors.InitError("Failed to create the collection"), TimeoutError()):
            system.fault, system.is_open = before or keyring.errors.InitError("Nobody there."), False
            await keys.load()
            system.fault, system.is_open = fault, True
            assert await keys.poll() is True and keys.configured() == ()
            system.fault = None
            await keys.load()
            assert keys.configured() == ("anthropic", "openai", "xai"), (before, fault)
    keys.close()


@pytest.mark.parametrize("fault", [exceptions.LockedException("IsLocked"), exceptions.PromptDismissedException("no")])
async def test_what_the_secret_service_itself_calls_locked_is_locked(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(vault_module, "_is_open", lambda backend: True)
    wrapped = keyring.errors.InitError("Failed to create the collection")
    wrapped.__cause__ = fault
    for each in (fault, wrapped):
        keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
        system.fault, system.calls = each, 0
        await keys.load()
        assert await keys.poll() is False and system.calls == 1
        assert "locked or cannot be opened" in (keys.problem("openai") or "")
        keys.close()


async def test_a_keyring_that_leaves_while_it_is_locked_is_told_and_hinders_nothing(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()

    def gone(backend: object) -> bool:
        raise RuntimeError("The Secret Service has left the bus.")

    monkeypatch.setattr(keyring.core, "recommended", gone)
    assert await keys.poll() is False
    state = await keys.vault.state()
    assert not state.available and "The system keyring failed (RuntimeError)" in state.message
    keys.close()


def test_a_session_bus_that_is_gone_is_no_open_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise FileNotFoundError("/run/user/1000/bus")

    monkeypatch.setattr(secretstorage, "dbus_init", gone)
    assert vault_module._is_open(SecretService.Keyring()) is False
