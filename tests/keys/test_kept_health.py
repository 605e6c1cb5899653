"""What was learnt of keys is known after a restart, as long as the key is the same one; nothing of the key is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.configuration.settings import Hidden
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.keys.kept_health import KeptHealth
from gateway.keys.provider_health import Health, ProviderHealth
from gateway.keys.provider_keys import ProviderKeys
from gateway.keys.vault import Vault

KEY, OTHER = "sk-proj-canary0123456789abcdef", "sk-proj-canary0123456789abcdeX"
GOOD = Health("connected", 1_000_000)


def keys_of(folder: DataFolder, **environment: str) -> ProviderKeys:
    return ProviderKeys(
        folder, Vault(folder, "memory", None), {name: Hidden(key) for name, key in environment.items()}
    )


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "folder")


@pytest.fixture
def kept(folder: DataFolder) -> Iterator[KeptHealth]:
    made = KeptHealth(folder)
    yield made
    made.close()


def test_of_the_same_key_it_is_known_again(kept: KeptHealth, folder: DataFolder) -> None:
    keys = keys_of(folder, openai=KEY, xai=OTHER)
    assert kept.read(keys.mark) == {}
    learnt = {
        "openai": Health("connected", 1_000_000, "said the provider"),
        "xai": Health("rejected", 2_000_000, f"{OTHER} is wrong"),
        "google": GOOD,
    }
    kept.write(learnt, keys.mark)
    assert kept.read(keys.mark) == {"openai": GOOD, "xai": Health("rejected", 2_000_000)}, "google has no key"
    changed = keys_of(folder, openai=OTHER, xai=OTHER)
    assert set(kept.read(changed.mark)) == {"xai"}, "another key is another matter"
    fleeting = {"openai": Health("unreachable", 3_000_000), "xai": Health("limited", 3_000_000, "No credit is left.")}
    kept.write(fleeting, keys.mark)
    assert kept.read(keys.mark) == {}, "who cannot be reached now may be then"


def test_of_a_key_that_cannot_be_read_for_a_while_it_is_known_later(kept: KeptHealth, folder: DataFolder) -> None:
    keys, locked = keys_of(folder, openai=KEY, xai=OTHER), keys_of(folder, xai=OTHER)
    kept.write({"openai": GOOD, "xai": GOOD}, keys.mark)
    kept.write({}, locked.mark)
    assert kept.read(locked.mark) == {} and kept.read(keys.mark) == {"openai": GOOD}


async def test_nothing_of_a_key_is_written_and_of_one_in_memory_nothing_at_all(
    kept: KeptHealth, folder: DataFolder
) -> None:
    keys = keys_of(folder, openai=KEY)
    await keys.load()
    await keys.store("xai", OTHER)
    kept.write({"openai": GOOD, "xai": GOOD}, keys.mark)
    assert set(kept.read(keys.mark)) == {"openai"}
    content = b"".join(each.read_bytes() for each in folder.path.iterdir() if each.is_file())
    assert b"provider_health" in content and b"canary" not in content and KEY[-4:].encode() not in content


@pytest.mark.parametrize("value", ["", "{", "[]", '{"salt": 1}', '{"salt": "AAAA", "providers": {"openai": {}}}'])
def test_what_another_version_kept_is_forgotten(kept: KeptHealth, folder: DataFolder, value: str) -> None:
    keys = keys_of(folder, openai=KEY)
    kept._connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('provider_health', ?)", (value,))
    assert kept.read(keys.mark) == {}
    kept.write({"openai": GOOD}, keys.mark)
    assert kept.read(keys.mark) == {"openai": GOOD}


def test_a_database_that_cannot_be_used_says_so(kept: KeptHealth, folder: DataFolder) -> None:
    kept._connection.execute("DROP TABLE meta")
    keys = keys_of(folder, openai=KEY)
    with pytest.raises(FaregateError):
        kept.read(keys.mark)
    with pytest.raises(FaregateError):
        kept.write({"openai": GOOD}, keys.mark)


def test_what_is_learnt_meanwhile_counts_more_than_what_was_kept() -> None:
    health = ProviderHealth(lambda: None)
    health.learnt("openai", "rejected", "401")
    health.recall({"openai": GOOD, "xai": GOOD})
    assert (health.of("openai").state, health.of("xai")) == ("rejected", GOOD)
