"""Runs inside a D-Bus session of its own: `python -m tests.keyring.scenario NAME FOLDER`, answers JSON on stdout."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import secretstorage
from secretstorage.util import DBusAddressWrapper, format_secret, open_session

from gateway.folder import DataFolder
from gateway.keys import vault
from gateway.keys.provider_keys import ProviderKeys
from gateway.keys.vault import Vault
from tests.waiting import PATIENCE_S

# What `--unlock` is given.
PASSWORD = b"\n"
CANARY = "sk-canary-Xq7vN2mR9tLw4KzB8sJd5HfG3pYc6Ea1"


async def store(folder: DataFolder) -> Any:
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    await keys.store("openai", CANARY)
    state = await keys.vault.state()
    reader = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await reader.load()
    again = reader.key_for("openai")
    account = f"{folder.folder_id}/openai/default"
    entry = keyring.get_password("faregate", account)
    # Both connections are still open: the databases' side files are on disk.
    files = sorted(path.name for path in folder.path.iterdir())
    result = {"state": state.available, "message": state.message, "again": again, "entry": entry, "files": files}
    Path(folder.path.parent / "copy").mkdir()
    for path in folder.path.iterdir():
        if path.is_file():
            (folder.path.parent / "copy" / path.name).write_bytes(path.read_bytes())
    reader.close()
    keys.close()
    return result


async def tamper(folder: DataFolder) -> Any:
    """Writes altered entries as an attacker on the keyring would, and tells what the vault makes of each."""
    vault = Vault(folder, "keyring")
    await vault.put("openai", CANARY)
    account = f"{folder.folder_id}/openai/default"
    entry = keyring.get_password("faregate", account) or ""
    at = len(entry) // 2
    altered = {
        "flipped bit": (account, entry[:at] + chr(ord(entry[at]) ^ 1) + entry[at + 1 :], ("openai", "default")),
        "cut short": (account, entry[:-4], ("openai", "default")),
        "no format": (account, entry[4:], ("openai", "default")),
        "plain": (account, CANARY, ("openai", "default")),
        "moved provider": (f"{folder.folder_id}/xai/default", entry, ("xai", "default")),
        "moved slot": (f"{folder.folder_id}/openai/other", entry, ("openai", "other")),
        "wrong purpose": (
            f"{folder.folder_id}/openai/default/content-key",
            entry,
            ("openai", "default", "content-key"),
        ),
    }
    outcomes = {}
    for name, (where, value, asked) in altered.items():
        keyring.set_password("faregate", where, value)
        vault.forget()
        outcomes[name] = await said(vault.get(*asked))
        keyring.set_password("faregate", account, entry)
    vault.forget()
    outcomes["untouched"] = await said(vault.get("openai"))
    vault.close()
    return outcomes


async def read(folder: DataFolder) -> Any:
    """What this folder and this session's keyring together give."""
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    result = {"key": keys.key_for("openai"), "problem": keys.problem("openai")}
    keys.close()
    return result


async def state(folder: DataFolder) -> Any:
    vault = Vault(folder, "keyring")
    state = await vault.state()
    put = await said(vault.put("openai", CANARY))
    vault.close()
    return {"available": state.available, "message": state.message, "put": put}


async def locked(folder: DataFolder) -> Any:
    """And unlocked again, as its user does it elsewhere."""
    stored = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await stored.load()
    await stored.store("openai", CANARY)
    stored.close()
    with contextlib.closing(secretstorage.dbus_init()) as bus:
        secretstorage.get_default_collection(bus).lock()
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    before = {"key": keys.key_for("openai"), "again": await keys.poll(), **await state(folder)}
    unlock(PASSWORD)
    after = {"again": await keys.poll(), "key": keys.key_for("openai"), "problem": keys.problem("openai")}
    keys.close()
    return {"before": before, "after": after}


def unlock(password: bytes) -> None:
    """The default collection, without a prompt, as gnome-keyring's own programs do it."""
    with contextlib.closing(secretstorage.dbus_init()) as bus:
        session = open_session(bus)
        path = secretstorage.get_default_collection(bus).collection_path
        service = DBusAddressWrapper(
            "/org/freedesktop/secrets", "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface", bus
        )
        secret = format_secret(session, password, "text/plain")
        service.call("UnlockWithMasterPassword", "o(oayays)", path, secret)


async def comes_later(folder: DataFolder) -> Any:
    """A service of secrets that no bus starts: it begins after this process, ends, and begins again."""
    vault.LOOKS_AGAIN_S = 0.1
    asked = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await asked.load()
    before = await asked.vault.state()
    with secrets_service():
        began = await until_read_again(asked)
        await asked.store("openai", CANARY)
    await asked.load()
    ended = {"key": asked.key_for("openai"), "problem": asked.problem("openai"), "again": await asked.poll()}
    with secrets_service():
        again = await until_read_again(asked)
        after = {"again": again, "key": asked.key_for("openai"), "problem": asked.problem("openai")}
    asked.close()
    return {"before": before.message, "began": began, "ended": ended, "after": after}


@contextlib.contextmanager
def secrets_service() -> Iterator[None]:
    with subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as daemon:
        assert daemon.stdin is not None
        daemon.stdin.write(PASSWORD)
        daemon.stdin.close()
        try:
            yield
        finally:
            daemon.terminate()


async def until_read_again(keys: ProviderKeys) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await keys.poll():
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True


async def removed(folder: DataFolder) -> Any:
    keys = ProviderKeys(folder, Vault(folder, "keyring"), {})
    await keys.load()
    await keys.store("openai", CANARY)
    await keys.remove("openai")
    await keys.remove("openai")
    entry = keyring.get_password("faregate", f"{folder.folder_id}/openai/default")
    result = {"entry": entry, "key": keys.key_for("openai"), "source": keys.source("openai")}
    keys.close()
    return result


async def said(call: Any) -> Any:
    try:
        return {"value": await call}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}


SCENARIOS = {
    "store": store,
    "tamper": tamper,
    "read": read,
    "state": state,
    "locked": locked,
    "comes_later": comes_later,
    "removed": removed,
}

if __name__ == "__main__":
    answer = asyncio.run(SCENARIOS[sys.argv[1]](DataFolder(Path(sys.argv[2]))))
    print(json.dumps(answer))
