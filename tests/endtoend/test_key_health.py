"""What a provider said of a key is known after a restart, and of another key nothing."""

from pathlib import Path

from gateway import DataFolder, Gateway, ProviderRow, load_settings
from tests.endtoend.serving import upstreams
from tests.provider.client import ProviderProcess


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
