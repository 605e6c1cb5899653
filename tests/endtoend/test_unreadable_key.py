"""A provider's key that is stored and cannot be read: who asks that provider is told why, and not to store one."""

import asyncio
from pathlib import Path

import pytest

from gateway.keys import vault
from gateway.keys.sealing import Cost
from tests.endtoend.inside import Inside


def test_a_key_that_cannot_be_read_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "FILE_COST", Cost(n=1 << 15))
    with Inside(tmp_path / "home", FAREGATE_VAULT="file", FAREGATE_VAULT_PASSPHRASE="p") as inside:

        async def lose() -> None:
            await inside.gateway.store_provider_key("xai", "xai-abcdefghijklmnopqrstuvwxyz")
            (inside.folder / "vault.sealed").write_bytes(b"no vault")
            await inside.gateway._parts.keys.load()

        asyncio.run_coroutine_threadsafe(lose(), inside._loop).result(60)
        reply = inside.chat("Hi.", "grok-4.3")
        error = reply.json["error"]
        assert (reply.status, error["code"]) == (503, "provider_unconfigured")
        assert error["message"].startswith("The key for xAI cannot be read. ")
        assert "vault.sealed" in error["message"] and "No key" not in error["message"]
