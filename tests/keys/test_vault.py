"""The three vaults: none stands in for another, none hangs, none takes what was changed."""

import asyncio
import base64
import functools
import hashlib
import os
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import msgspec
import pytest

from gateway.folder import DataFolder
from gateway.keys import vault as vault_module
from gateway.keys.provider_keys import ProviderKeys
from gateway.keys.sealing import Context, Cost, SealBroken, VaultError, make_seal_key, read_seal_key, seal, unseal
from gateway.keys.vault import Vault
from tests.keyring.traces import traces_in
from tests.waiting import PATIENCE_S, until

KEY = "sk-canary-0123456789abcdefghijklmnop"
HANGS_S = 60.0


class FakeKeyring(keyring.backend.KeyringBackend):
    """A system keyring in memory; `fault` is raised by every call, `gate` makes calls wait as a prompt would."""

    priority = 5.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.fault: Exception | None = None
        self.is_open = False
        self.gate = threading.Event()
        self.gate.set()
        self.calls = self.hanging = 0
        self.threads: set[str] = set()

    def _enter(self) -> None:
        self.calls += 1
        self.threads.add(threading.current_thread().name)
        self.hanging += 1
        self.gate.wait(HANGS_S)
        self.hanging -= 1
        if self.fault is not None:
            raise self.fault

    def get_password(self, service: str, username: str) -> str | None:
        self._enter()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._enter()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._enter()
        if self.entries.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("No such password!")


@pytest.fixture
def system() -> Iterator[FakeKeyring]:
    fake, before = FakeKeyring(), keyring.get_keyring()
    keyring.set_keyring(fake)
    yield fake
    fake.gate.set()
    keyring.set_keyring(before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    # The weakest cost that is accepted: the real one takes 128 MiB and a good part of a second.
    monkeypatch.setattr(vault_module, "FILE_COST", Cost(n=1 << 15))
    return DataFolder(tmp_path / "data")


@pytest.mark.parametrize("backend", ["keyring", "file", "memory"])
async def test_kept_read_changed_and_removed(folder: DataFolder, system: FakeKeyring, backend: str) -> None:
    vault = Vault(folder, backend, "correct horse")
    assert (await vault.state()).available
    assert await vault.get("openai") is None
    await vault.put("openai", KEY)
    await vault.put("openai", "other", slot="two")
    await vault.put("openai", "third", purpose="content-key")
    await vault.put("openai", KEY + "2")
    vault.forget()
    values = [
        await vault.get("openai"),
        await vault.get("openai", "two"),
        await vault.get("openai", purpose="content-key"),
    ]
    assert values == [KEY + "2", "other", "third"]
    assert await vault.get("xai") is None
    await vault.remove("openai")
    await vault.remove("openai")
    assert await vault.get("openai") is None
    vault.forget()
    assert [await vault.get("openai"), await vault.get("openai", "two")] == [None, "other"]
    vault.close()


@pytest.mark.parametrize(("backend", "survives"), [("keyring", True), ("file", True), ("memory", False)])
async def test_what_outlives_the_process_is_sealed(
    folder: DataFolder, system: FakeKeyring, backend: str, survives: bool
) -> None:
    vault = Vault(folder, backend, "correct horse")
    await vault.put("openai", KEY)
    vault.close()
    later = Vault(folder, backend, "correct horse")
    assert await later.get("openai") == (KEY if survives else None)
    later.close()
    assert traces_in(folder.path, KEY) == []
    assert KEY not in repr(system.entries)
    assert bool(system.entries) == (backend == "keyring")
    assert folder.vault_file.exists() == (backend == "file")


async def test_a_value_is_read_once(folder: DataFolder, system: FakeKeyring) -> None:
    vault = Vault(folder, "keyring")
    await vault.put("openai", KEY)
    vault.forget()
    await vault.get("openai")
    calls = system.calls
    for _ in range(5):
        assert await vault.get("openai") == KEY
    assert system.calls == calls
    assert system.threads == {"faregate-vault"}
    vault.close()


async def test_entries_of_two_folders_are_apart(folder: DataFolder, system: FakeKeyring, tmp_path: Path) -> None:
    one, other = Vault(folder, "keyring"), Vault(DataFolder(tmp_path / "other"), "keyring")
    await one.put("openai", KEY)
    assert await other.get("openai") is None
    assert list(system.entries) == [("faregate", f"{folder.folder_id}/openai/default")]
    one.close()
    other.close()


NO_KEYRING = "This system has no keyring"
LOCKED = "locked or cannot be opened"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (keyring.errors.NoKeyringError("none"), NO_KEYRING),
        (keyring.errors.KeyringLocked("Failed to unlock"), LOCKED),
        (keyring.errors.InitError("Prompt dismissed"), LOCKED),
        (keyring.errors.KeyringError(f"odd {KEY}"), "failed (KeyringError)"),
        (OSError(f"bus {KEY}"), "failed (OSError)"),
    ],
)
async def test_a_keyring_that_fails_is_a_sentence_with_a_way_out(
    folder: DataFolder, system: FakeKeyring, fault: Exception, message: str
) -> None:
    vault = Vault(folder, "keyring")
    system.fault = fault
    state = await vault.state()
    assert not state.available and message in state.message
    assert "FAREGATE_VAULT=file" in state.message and "FAREGATE_VAULT=memory" in state.message
    for call in (vault.get("openai"), vault.put("openai", KEY), vault.remove("openai")):
        with pytest.raises(VaultError) as caught:
            await call
        assert message in caught.value.message and KEY not in caught.value.message
    # Nothing fell back, and the same vault works again once the keyring does.
    assert not folder.vault_file.exists() and traces_in(folder.path, KEY) == []
    system.fault = None
    await vault.put("openai", KEY)
    assert await vault.get("openai") == KEY
    vault.close()


@pytest.mark.parametrize("backend", [keyring.backends.fail.Keyring(), keyring.backends.null.Keyring()])
async def test_keyrings_that_keep_nothing_are_none(folder: DataFolder, system: FakeKeyring, backend: Any) -> None:
    keyring.set_keyring(backend)
    vault = Vault(folder, "keyring")
    assert NO_KEYRING in (await vault.state()).message
    with pytest.raises(VaultError, match=NO_KEYRING):
        await vault.put("openai", KEY)
    vault.close()


async def test_a_keyring_that_forgets_at_once_is_found_out(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeKeyring, "set_password", lambda *_: None)
    vault = Vault(folder, "keyring")
    with pytest.raises(VaultError, match="did not keep"):
        await vault.put("openai", KEY)
    vault.close()


async def test_a_hung_prompt_hangs_nothing(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault(folder, "keyring")
    await vault.put("openai", KEY)
    vault.forget()
    monkeypatch.setattr(vault_module, "TIMEOUT_S", 0.4)
    system.gate.clear()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    # Two at once: one hangs in the keyring, the other waits for the thread; both are told.
    results = await asyncio.gather(vault.get("openai"), vault.get("xai"), return_exceptions=True)
    ticking.cancel()
    assert ticks >= 3, "the loop went on meanwhile"
    for result in results:
        assert isinstance(result, VaultError) and "does not answer" in result.message
    calls = system.calls
    state = await vault.state()
    assert not state.available and "does not answer" in state.message
    assert system.calls == calls, "it is not asked again while it hangs"
    # The prompt is answered at last: the same vault goes on, and what was given up is not done late.
    system.gate.set()
    async with asyncio.timeout(PATIENCE_S):
        while not (await vault.state()).available:
            await asyncio.sleep(0.01)
    assert system.calls > calls
    assert await vault.get("openai") == KEY
    vault.close()


async def test_a_prompt_that_is_answered_late_gives_the_keys_after_all(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await first.load()
    await first.store("openai", KEY)
    first.close()
    monkeypatch.setattr(vault_module, "TIMEOUT_S", 0.4)
    system.gate.clear()
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    assert keys.key_for("openai") is None and "does not answer" in (keys.problem("openai") or "")
    assert await keys.poll() is False
    system.gate.set()
    await until(keys.poll)
    assert keys.key_for("openai") == KEY and keys.problem("openai") is None
    assert await keys.poll() is False
    keys.close()


async def test_closing_does_not_wait_for_a_hung_prompt(
    folder: DataFolder, system: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_module, "TIMEOUT_S", 0.1)
    vault = Vault(folder, "keyring")
    system.gate.clear()
    async with asyncio.timeout(PATIENCE_S):
        # A call that a busy machine has not begun in time is given up before it hangs.
        while not system.hanging:
            with pytest.raises(VaultError):
                await vault.get("openai")
    vault.close()
    assert system.hanging == 1


async def test_the_wrong_passphrase_is_said_so_and_changes_nothing(folder: DataFolder) -> None:
    right = Vault(folder, "file", "correct horse")
    await right.put("openai", KEY)
    right.close()
    before = folder.vault_file.read_bytes()
    wrong = Vault(folder, "file", "battery staple")
    for call in (wrong.get("openai"), wrong.put("xai", "x"), wrong.remove("openai")):
        with pytest.raises(VaultError, match=r"The passphrase does not open vault\.sealed"):
            await call
    assert not (await wrong.state()).available
    wrong.close()
    assert folder.vault_file.read_bytes() == before


@pytest.mark.parametrize("passphrase", [None, ""])
async def test_without_a_passphrase_nothing_is_written(folder: DataFolder, passphrase: str | None) -> None:
    vault = Vault(folder, "file", passphrase)
    assert "needs its passphrase" in (await vault.state()).message
    with pytest.raises(VaultError, match="needs its passphrase"):
        await vault.put("openai", KEY)
    vault.close()
    assert not folder.vault_file.exists()


async def test_the_file_is_private_salted_and_costly(folder: DataFolder, tmp_path: Path) -> None:
    other = DataFolder(tmp_path / "other")
    for each in (folder, other):
        vault = Vault(each, "file", "same passphrase")
        await vault.put("openai", KEY)
        vault.close()
    assert stat.S_IMODE(folder.vault_file.stat().st_mode) == 0o600
    one, two = (msgspec.json.decode(each.vault_file.read_bytes()) for each in (folder, other))
    assert one["salt"] != two["salt"] and one["nonce"] != two["nonce"] and one["data"] != two["data"]
    assert Cost() == Cost(n=1 << 17, r=8, p=1)


@pytest.mark.parametrize(
    "change",
    [
        lambda file: {**file, "data": flip(file["data"])},
        lambda file: {**file, "nonce": flip(file["nonce"])},
        lambda file: {**file, "salt": flip(file["salt"])},
        lambda file: {**file, "data": file["data"][:-8]},
        lambda file: {**file, "data": "?"},
        lambda file: {**file, "cost": {**file["cost"], "p": 2}},
        lambda file: {**file, "cost": {**file["cost"], "n": 2}},
        lambda file: {**file, "cost": {**file["cost"], "n": 1 << 40}},
        lambda file: {**file, "version": 2},
        lambda file: [],
    ],
)
async def test_a_changed_file_is_refused_and_kept(
    folder: DataFolder, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_module, "derive", cheap)
    vault = Vault(folder, "file", "correct horse")
    await vault.put("openai", KEY)
    vault.close()
    changed = msgspec.json.encode(change(msgspec.json.decode(folder.vault_file.read_bytes())))
    folder.vault_file.write_bytes(changed)
    vault = Vault(folder, "file", "correct horse")
    with pytest.raises(VaultError):
        await vault.get("openai")
    with pytest.raises(VaultError):
        await vault.put("xai", "x")
    vault.close()
    assert folder.vault_file.read_bytes() == changed


async def test_every_flipped_bit_of_the_file_is_refused(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    # Deriving costs a tenth of a second, and the same parameters come up thousands of times.
    monkeypatch.setattr(vault_module, "derive", functools.cache(cheap))
    vault = Vault(folder, "file", "correct horse")
    await vault.put("openai", KEY)
    vault.close()
    right = folder.vault_file.read_bytes()
    store = vault_module._FileStore(folder.vault_file, "correct horse")
    assert store.read(CONTEXT) == KEY
    # A field's name that becomes another's leaves it at its usual value: the same file in other words.
    names = {match.start(1) for match in re.finditer(rb'"(r|p)":', right)}
    for at in set(range(len(right))) - names:
        for bit in range(8):
            changed = bytearray(right)
            changed[at] ^= 1 << bit
            folder.vault_file.write_bytes(changed)
            with pytest.raises(VaultError):
                store.read(CONTEXT)


def cheap(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    return hashlib.sha256(repr((passphrase, salt, cost)).encode()).digest()


async def test_a_passphrase_from_the_environment_may_be_any_bytes(folder: DataFolder) -> None:
    passphrase = os.fsdecode(b"caf\xe9")
    vault = Vault(folder, "file", passphrase)
    await vault.put("openai", KEY)
    vault.close()
    again = Vault(folder, "file", passphrase)
    assert await again.get("openai") == KEY
    again.close()


def flip(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[0] ^= 1
    return base64.b64encode(data).decode()


async def test_two_processes_writing_the_file_lose_nothing(folder: DataFolder) -> None:
    vaults = [Vault(folder, "file", "correct horse") for _ in range(3)]
    await vaults[0].put("first", KEY)
    await asyncio.gather(*(vault.put(f"p{n}", f"k{n}") for n, vault in enumerate(vaults)))
    reader = Vault(folder, "file", "correct horse")
    assert [await reader.get(f"p{n}") for n in range(3)] == ["k0", "k1", "k2"]
    for vault in (*vaults, reader):
        vault.close()


CONTEXT = Context("provider-key", "openai", "default")


@pytest.mark.parametrize(
    "other",
    [
        Context("content-key", "openai", "default"),
        Context("provider-key", "xai", "default"),
        Context("provider-key", "openai", "2"),
    ],
)
def test_sealed_for_one_context_opens_in_no_other(other: Context) -> None:
    key = bytes(32)
    sealed = seal(key, KEY, CONTEXT)
    assert unseal(key, sealed, CONTEXT) == KEY
    assert sealed != seal(key, KEY, CONTEXT)
    for wrong in (lambda: unseal(key, sealed, other), lambda: unseal(bytes([1] * 32), sealed, CONTEXT)):
        with pytest.raises(SealBroken, match="store the key again"):
            wrong()


def test_every_flipped_bit_is_refused() -> None:
    key = bytes(32)
    data = bytearray(base64.urlsafe_b64decode(seal(key, "k", CONTEXT)[4:]))
    for bit in range(len(data) * 8):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            unseal(key, "fg1." + base64.urlsafe_b64encode(data).decode(), CONTEXT)
        data[bit // 8] ^= 1 << bit % 8
    sealed = seal(key, "k", CONTEXT)
    # The last character before the filling has bits that no byte needs.
    body, filling = sealed.rstrip("="), sealed[len(sealed.rstrip("=")) :]
    unused = [body[:-1] + chr(ord(body[-1]) + 1) + filling, body, sealed + "=", sealed + "\n"]
    for text in ("", "fg1.", "fg1.AAAA", "fg1.é", "fg2." + "A" * 60, *unused):
        with pytest.raises(SealBroken):
            unseal(key, text, CONTEXT)


def test_the_seal_key_is_made_once_and_private(folder: DataFolder) -> None:
    assert read_seal_key(folder.seal_key) is None
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(make_seal_key(folder.seal_key))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8 and set(keys) == {read_seal_key(folder.seal_key)}
    assert stat.S_IMODE(folder.seal_key.stat().st_mode) == 0o600
    folder.seal_key.chmod(0o644)
    assert read_seal_key(folder.seal_key) == keys[0]
    assert stat.S_IMODE(folder.seal_key.stat().st_mode) == 0o600
    folder.seal_key.write_bytes(b"short")
    with pytest.raises(VaultError, match="is damaged"):
        read_seal_key(folder.seal_key)
