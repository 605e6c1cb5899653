"""What a provider said of a key is known after a restart, and of another key nothing."""

from pathlib import Path

import pytest

from gateway import DataFolder, Gateway, ProviderRow, load_settings
from gateway.keys.sealing import Cost
from tests.endtoend.serving import upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import until


async def opened(folder: Path, environ: dict[str, str]) -> Gateway:
    gateway = Gateway(DataFolder(folder), load_settings(folder, environ))
    await gateway.open()
    return gateway


async def openai(gateway: Gateway) -> ProviderRow:
    return next(row for row in await gateway.providers() if row.name == "openai")


async def test_after_a_restart_a_key_is_no_untested_one(tmp_path: Path, provider: ProviderProcess) -> None:
    """It was said to be not tested each morning, and after each change of a setting."""
    environ = {"FAREGATE_VAULT": "memory", "FAREGATE_PORT": "0", **upstreams(provider.base_urls)}
    gateway = await opened(tmp_path, environ)
    assert (await openai(gateway)).state == "untested"
    assert (await gateway.test_provider("openai")).ok
    tested = await openai(gateway)
    await gateway.close()
    gateway = await opened(tmp_path, environ)
    again = await openai(gateway)
    assert (again.state, again.state_at_us) == ("connected", tested.state_at_us)
    await gateway.close()
    gateway = await opened(tmp_path, {**environ, "FAREGATE_OPENAI_API_KEY": "sk-proj-another0123456789"})
    assert (await openai(gateway)).state == "untested"
    await gateway.close()


async def test_what_was_learnt_of_a_key_is_not_said_of_the_one_that_another_process_stored(
    tmp_path: Path, provider: ProviderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {
        **upstreams(provider.base_urls, {}),
        "FAREGATE_VAULT": "file",
        "FAREGATE_VAULT_PASSPHRASE": "p",
        "FAREGATE_PORT": "0",
    }
    monkeypatch.setattr("gateway.keys.vault.FILE_COST", Cost(n=1 << 15))
    gateway, other = await opened(tmp_path, environ), await opened(tmp_path, environ)
    await gateway.store_provider_key("openai", "sk-proj-first0123456789")
    gateway._parts.health.learnt("openai", "rejected", "401")
    assert (await openai(gateway)).state == "rejected"
    await until(lambda: other._parts.keys.configured() == ("openai",))
    await other.store_provider_key("openai", "sk-proj-second0123456789")

    await until(lambda: gateway._parts.health.of("openai").state == "untested")
    assert (await openai(gateway)).masked == "sk-…6789"
    await other.close()
    await gateway.close()
