"""What was learnt of keys is known after a restart, as long as the key is the same one; nothing of the key is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.keys.kept_health import KeptHealth
from gateway.keys.provider_health import Health, ProviderHealth

GOOD = Health("connected", 1_000_000)
MARK = {"openai": "1 a", "xai": "1 b"}.get


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "folder")


@pytest.fixture
def kept(folder: DataFolder) -> Iterator[KeptHealth]:
    made = KeptHealth(folder)
    yield made
    made.close()


def test_of_the_same_key_it_is_known_again(kept: KeptHealth) -> None:
    assert kept.read(MARK) == {}
    learnt = {
        "openai": Health("connected", 1_000_000, "said the provider"),
        "xai": Health("rejected", 2_000_000, "sk-proj-canary is wrong"),
        "google": GOOD,
    }
    kept.write(learnt, MARK)
    assert kept.read(MARK) == {"openai": GOOD, "xai": Health("rejected", 2_000_000)}, "google has no key"
    assert set(kept.read({"openai": "2 a", "xai": "1 b"}.get)) == {"xai"}, "another key is another matter"
    fleeting = {"openai": Health("unreachable", 3_000_000), "xai": Health("limited", 3_000_000, "No credit is left.")}
    kept.write(fleeting, MARK)
    assert kept.read(MARK) == {}, "who cannot be reached now may be then"


def test_of_a_key_that_cannot_be_read_for_a_while_it_is_known_later(kept: KeptHealth) -> None:
    locked = {"xai": "1 b"}.get
    kept.write({"openai": GOOD, "xai": GOOD}, MARK)
    kept.write({}, locked)
    assert kept.read(locked) == {} and kept.read(MARK) == {"openai": GOOD}


@pytest.mark.parametrize("value", ["", "{", "[]", '{"openai": {}}', '{"salt": "AAAA", "providers": {}}'])
def test_what_another_version_kept_is_forgotten(kept: KeptHealth, value: str) -> None:
    kept._connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('provider_health', ?)", (value,))
    assert kept.read(MARK) == {}
    kept.write({"openai": GOOD}, MARK)
    assert kept.read(MARK) == {"openai": GOOD}


def test_a_database_that_cannot_be_used_says_so(kept: KeptHealth) -> None:
    kept._connection.execute("DROP TABLE meta")
    with pytest.raises(FaregateError):
        kept.read(MARK)
    with pytest.raises(FaregateError):
        kept.write({"openai": GOOD}, MARK)


def test_what_is_learnt_meanwhile_counts_more_than_what_was_kept() -> None:
    health = ProviderHealth(lambda: None)
    health.learnt("openai", "rejected", "401")
    health.recall({"openai": GOOD, "xai": GOOD})
    assert (health.of("openai").state, health.of("xai")) == ("rejected", GOOD)


def test_another_reason_is_told_as_another_state_is() -> None:
    """A quota that was spent while a key was limited already was notified nowhere: no success came in between."""
    rung: list[str] = []
    health = ProviderHealth(lambda: rung.append(health.of("openai").detail or ""))
    for state, detail in (
        ("limited", "No o1."),
        ("limited", "No o1."),
        ("limited", "No credit."),
        ("connected", None),
    ):
        health.learnt("openai", state, detail)
        health.learnt("openai", state, detail)
    assert rung == ["No o1.", "No credit.", ""]
