"""What a provider said of a key is known after a restart, and of another key nothing."""

from pathlib import Path

import pytest

from gateway import DataFolder, Gateway, ProviderRow, load_settings
from gateway.keys.sealing import Cost
from gateway.records import KeyTrial
from tests.endtoend.serving import upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import until

KEY, OTHER = "sk-proj-canary-first0123456789", "sk-proj-canary-second0123456789"


async def opened(folder: Path, environ: dict[str, str]) -> Gateway:
    gateway = Gateway(DataFolder(folder), load_settings(folder, environ))
    await gateway.open()
    return gateway


@pytest.fixture
def environ(provider: ProviderProcess, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A vault of its own, and no key from the environment."""
    monkeypatch.setattr("gateway.keys.vault.FILE_COST", Cost(n=1 << 15))
    return {
        **upstreams(provider.base_urls, {}),
        "FAREGATE_VAULT": "file",
        "FAREGATE_VAULT_PASSPHRASE": "p",
        "FAREGATE_PORT": "0",
    }


async def openai(gateway: Gateway) -> ProviderRow:
    return next(row for row in await gateway.providers() if row.name == "openai")


async def test_after_a_restart_a_key_is_no_untested_one(tmp_path: Path, environ: dict[str, str]) -> None:
    """It was said to be not tested each morning, and after each change of a setting."""
    gateway = await opened(tmp_path, environ)
    await gateway.store_provider_key("openai", KEY)
    assert (await openai(gateway)).state == "untested"
    assert (await gateway.test_provider("openai")).ok
    tested = await openai(gateway)
    await gateway.close()
    gateway = await opened(tmp_path, environ)
    again = await openai(gateway)
    assert (again.state, again.state_at_us) == ("connected", tested.state_at_us)
    await gateway.close()
    for elsewhere in ({"FAREGATE_OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, {"FAREGATE_OPENAI_API_KEY": OTHER}):
        gateway = await opened(tmp_path, {**environ, **elsewhere})
        assert (await openai(gateway)).state == "untested", elsewhere
        await gateway.close()
    content = b"".join(each.read_bytes() for each in tmp_path.glob("state.db*"))
    assert b"provider_health" in content and b"canary" not in content


async def test_of_a_key_of_the_environment_or_in_memory_nothing_is_kept(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """It may be another one at the next start."""
    environ |= {"FAREGATE_VAULT": "memory", "FAREGATE_OPENAI_API_KEY": KEY}
    gateway = await opened(tmp_path, environ)
    await gateway.store_provider_key("xai", OTHER)
    for name in ("openai", "xai"):
        gateway._parts.health.learnt(name, "connected", None)
    await gateway.close()
    gateway = await opened(tmp_path, environ)
    assert (await openai(gateway)).state == "untested"
    assert gateway._parts.kept_health is not None and gateway._parts.kept_health.read(lambda name: "") == {}
    assert gateway._parts.kept_health._read() == {}
    await gateway.close()


async def test_what_was_learnt_of_a_key_is_not_said_of_the_one_that_another_process_stored(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    gateway, other = await opened(tmp_path, environ), await opened(tmp_path, environ)
    await gateway.store_provider_key("openai", KEY)
    gateway._parts.health.learnt("openai", "rejected", "401")
    assert (await openai(gateway)).state == "rejected"
    await gateway._parts.keep_health()
    await until(lambda: other._parts.keys.configured() == ("openai",))
    await other.store_provider_key("openai", OTHER)

    await until(lambda: gateway._parts.health.of("openai").state == "untested")
    assert (await openai(gateway)).masked == "sk-…6789"
    await other.close()
    await gateway.close()


async def test_what_a_test_of_a_key_found_is_not_said_of_the_one_that_was_stored_meanwhile(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await opened(tmp_path, environ)
    await gateway.store_provider_key("openai", KEY)

    async def late(*_: object) -> KeyTrial:
        await gateway.store_provider_key("openai", OTHER)
        return KeyTrial(ok=False, state="rejected", message="401")

    monkeypatch.setattr("gateway.operations.provider_commands.try_key", late)
    assert not (await gateway.test_provider("openai")).ok
    assert (await openai(gateway)).state == "untested"
    await gateway.close()


async def test_what_was_learnt_of_a_key_is_not_said_of_the_one_in_another_vault(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """What goes from memory into a vault is the same one."""
    environ |= {"FAREGATE_VAULT": "memory"}
    del environ["FAREGATE_VAULT_PASSPHRASE"]
    gateway = await opened(tmp_path, environ)
    await gateway.store_provider_key("openai", KEY)
    gateway._parts.health.learnt("openai", "connected", None)
    await gateway.choose_vault("file", "p")
    assert (await openai(gateway)).state == "connected"
    await gateway.choose_vault("memory")
    assert gateway._parts.health.of("openai").state == "untested"
    await gateway.close()
