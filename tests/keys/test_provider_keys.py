"""Where a provider key comes from, what its shape tells, and how a running gateway follows other processes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.configuration.settings import Hidden
from gateway.folder import DataFolder
from gateway.keys import vault as vault_module
from gateway.keys.key_format import KeyFormatError, check_format, clean_key, mask
from gateway.keys.provider_keys import ProviderKeys
from gateway.keys.sealing import Cost, VaultError
from gateway.keys.vault import Vault

ANTHROPIC = "sk-ant-api03-abcdefghijklmnop"
OPENAI = "sk-proj-abcdefghijklmnopqrst"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.setattr(vault_module, "FILE_COST", Cost(n=1 << 15))
    return DataFolder(tmp_path)


def opened(folder: DataFolder, backend: str = "file", passphrase: str = "p", **environment: str) -> ProviderKeys:
    hidden = {name: Hidden(key) for name, key in environment.items()}
    return ProviderKeys(folder, Vault(folder, backend, passphrase), hidden)


@pytest.fixture
async def keys(folder: DataFolder) -> AsyncIterator[ProviderKeys]:
    keys = opened(folder)
    await keys.load()
    yield keys
    keys.close()


async def test_the_environment_wins_and_is_never_stored(folder: DataFolder) -> None:
    keys = opened(folder, xai="xai-from-the-environment")
    await keys.load()
    assert (keys.key_for("xai"), keys.source("xai")) == ("xai-from-the-environment", "environment")
    assert (keys.key_for("openai"), keys.source("openai"), keys.masked("openai")) == (None, "none", None)
    assert not folder.vault_file.exists()
    await keys.store("xai", "xai-from-the-vault")
    await keys.store("openai", f" {OPENAI}\n")
    assert keys.key_for("xai") == "xai-from-the-environment"
    assert (keys.key_for("openai"), keys.source("openai"), keys.masked("openai")) == (OPENAI, "vault", "sk-…qrst")
    assert keys.configured() == ("openai", "xai")
    assert keys.stored_us("openai") is not None and keys.stored_us("xai") is None
    assert "xai-from" not in repr(keys) and OPENAI not in repr(keys)
    keys.close()
    assert keys.key_for("openai") is None
    later = opened(folder)
    await later.load()
    assert (later.key_for("xai"), later.source("xai")) == ("xai-from-the-vault", "vault")
    assert later.stored_us("openai") and later.stored_us("xai")
    later.close()


async def test_removed(keys: ProviderKeys) -> None:
    await keys.store("openai", OPENAI)
    await keys.remove("openai")
    await keys.remove("never-there")
    assert (keys.key_for("openai"), keys.source("openai")) == (None, "none")
    await keys.load()
    assert keys.key_for("openai") is None


async def test_another_processs_changes_are_followed(keys: ProviderKeys, folder: DataFolder) -> None:
    other = opened(folder)
    await other.load()
    assert await keys.poll() is False
    await other.store("openai", OPENAI)
    assert keys.key_for("openai") is None
    assert await keys.poll() is True and keys.key_for("openai") == OPENAI
    await other.store("openai", OPENAI + "2")
    assert await keys.poll() is True and keys.key_for("openai") == OPENAI + "2"
    assert keys.replaced == {"openai"}
    await other.store("google", "AQ.1234567890123456")
    assert await keys.poll() is True and keys.replaced == {"google"}, "the others' are the same"
    await other.remove("google")
    assert await keys.poll() is True and keys.replaced == {"google"}
    stored_us = keys.stored_us("openai")
    await other.store("openai", OPENAI + "2")
    assert await keys.poll() is True and keys.replaced == {"openai"}, "it may have been read before it was listed"
    assert keys.stored_us("openai") == other.stored_us("openai") != stored_us
    await other.remove("openai")
    assert await keys.poll() is True and keys.key_for("openai") is None
    assert await keys.poll() is False
    # Its own changes are no news, unless another's came between.
    await keys.store("xai", "xai-1234567890123456")
    assert await keys.poll() is False
    await other.store("openai", OPENAI)
    await keys.store("google", "AQ.1234567890123456")
    assert await keys.poll() is True and keys.configured() == ("google", "openai", "xai")
    other.close()


async def test_one_key_that_cannot_be_read_hides_no_other(keys: ProviderKeys, folder: DataFolder) -> None:
    await keys.store("openai", OPENAI)
    await keys.store("xai", "xai-1234567890123456")
    await keys.vault.remove("xai")
    await keys.load()
    assert keys.key_for("openai") == OPENAI
    assert "store it again" in (keys.problem("xai") or "")
    assert keys.problem("openai") is None
    await keys.store("xai", "xai-1234567890123456")
    assert keys.problem("xai") is None
    wrong = opened(folder, passphrase="wrong")
    await wrong.load()
    assert wrong.key_for("openai") is None and "passphrase" in (wrong.problem("openai") or "")
    wrong.close()


async def test_memory_keeps_nothing_and_moves_over_when_a_vault_is_chosen(folder: DataFolder) -> None:
    keys = opened(folder, "memory")
    await keys.load()
    await keys.store("openai", OPENAI)
    assert keys.source("openai") == "memory"
    await keys.load()
    assert keys.key_for("openai") == OPENAI
    other = opened(folder)
    await other.load()
    assert other.configured() == ()
    # A vault that does not work changes nothing.
    with pytest.raises(VaultError, match="passphrase"):
        await keys.use(Vault(folder, "file", None))
    assert (keys.key_for("openai"), keys.source("openai")) == (OPENAI, "memory")
    await keys.use(Vault(folder, "file", "p"))
    assert (keys.key_for("openai"), keys.source("openai")) == (OPENAI, "vault")
    assert await other.poll() and other.key_for("openai") == OPENAI
    # The other way the file keeps its own; memory begins empty.
    await keys.use(Vault(folder, "memory"))
    assert keys.configured() == ()
    keys.close()
    other.close()


async def test_a_vault_that_cannot_be_opened_is_not_changed_to(keys: ProviderKeys, folder: DataFolder) -> None:
    await keys.store("openai", OPENAI)
    for passphrase, message in (("wrong", "does not open"), (None, "needs its passphrase")):
        with pytest.raises(VaultError, match=message):
            await keys.use(Vault(folder, "file", passphrase))
        await keys.load()
        assert (keys.key_for("openai"), keys.source("openai")) == (OPENAI, "vault")


async def test_a_key_stored_during_a_reading_stays(folder: DataFolder) -> None:
    keys = opened(folder, "memory")
    await keys.load()
    for number in range(20):
        reading = asyncio.gather(keys.load(), keys.load())
        await asyncio.sleep(0)
        await keys.store(f"p{number}", OPENAI)
        await reading
        assert keys.key_for(f"p{number}") == OPENAI
    keys.close()


async def test_what_cannot_be_a_key_is_not_stored(keys: ProviderKeys, folder: DataFolder) -> None:
    for text in ("", "  ", "sk-a b", "sk-a\nb", "sk-é", "sk-\x00"):
        with pytest.raises(KeyFormatError):
            await keys.store("openai", text)
    assert not folder.vault_file.exists() and keys.configured() == ()


@pytest.mark.parametrize(
    ("provider", "key", "sentence"),
    [
        ("openai", OPENAI, None),
        ("openai", "  sk-legacy \n", None),
        ("openai", "an-unknown-shape", None),
        ("anthropic", ANTHROPIC, None),
        ("google", "AIzaSyA", None),
        ("google", "AQ.Ab8", None),
        ("xai", "xai-1", None),
        ("lm-studio", OPENAI, None),
        ("openai", ANTHROPIC, "This looks like an Anthropic key, not an OpenAI one."),
        ("anthropic", OPENAI, "This looks like an OpenAI key, not an Anthropic one."),
        ("xai", "AIzaSyA", "This looks like a Google key, not an xAI one."),
        ("google", "xai-1", "This looks like an xAI key, not a Google one."),
        ("openai", "sk-or-v1-1", "This looks like an OpenRouter key, not an OpenAI one."),
        ("lm-studio", "tk_x", "This is a Faregate key: paste the key that the provider gave you."),
        ("openai", " ", "The key is empty: paste the provider's key."),
        ("openai", "sk-a b", "The key has a space or line break inside it: copy it again, in one piece."),
        ("openai", "sk-\u200bx", "The key holds characters that no key has: copy it again from the provider's page."),
        ("openai", "s" * 5000, "The text is too long to be a key: copy only the key."),
        (
            "openai",
            f"OPENAI_API_KEY={OPENAI}",
            "This is more than a key: paste it without its name and without quotes.",
        ),
        ("xai", '"xai-1",', "This is more than a key: paste it without its name and without quotes."),
        ("lm-studio", "ABCD==", None),
    ],
)
def test_format(provider: str, key: str, sentence: str | None) -> None:
    assert check_format(provider, key) == sentence


def test_cleaning_and_masking() -> None:
    assert clean_key(f"\t{OPENAI}\r\n") == OPENAI
    masks = {OPENAI: "sk-…qrst", ANTHROPIC: "sk-…mnop", "xai-" + "a" * 12: "xai-…aaaa", "AQ." + "b" * 20: "AQ.…bbbb",
             "AIza" + "c" * 20: "AIz…cccc", "short-key": "…"}  # fmt: skip
    assert {key: mask(key) for key in masks} == masks
