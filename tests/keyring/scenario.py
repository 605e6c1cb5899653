"""Runs inside a D-Bus session of its own: `python -m tests.keyring.scenario NAME FOLDER`, answers JSON on stdout."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import keyring
import secretstorage

from gateway.folder import DataFolder
from gateway.keys.provider_keys import ProviderKeys
from gateway.keys.vault import Vault

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
    vault = Vault(folder, "keyring")
    await vault.put("openai", CANARY)
    vault.forget()
    with contextlib.closing(secretstorage.dbus_init()) as bus:
        secretstorage.get_default_collection(bus).lock()
    result = {"get": await said(vault.get("openai"))}
    vault.close()
    return {**result, **await state(folder)}


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


SCENARIOS = {"store": store, "tamper": tamper, "read": read, "state": state, "locked": locked, "removed": removed}

if __name__ == "__main__":
    answer = asyncio.run(SCENARIOS[sys.argv[1]](DataFolder(Path(sys.argv[2]))))
    print(json.dumps(answer))
