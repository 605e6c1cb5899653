"""One display, one provider process and one keyring for all tests of the real window."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.serving import upstreams
from tests.provider.client import ProviderProcess
from tests.window.display import Display
from tests.window.session_bus import SessionBus


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    with Display(tmp_path_factory.mktemp("display") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with ProviderProcess(tmp_path_factory.mktemp("provider") / "ledger.jsonl", seed=41) as process:
        yield process


@pytest.fixture
def session_bus(tmp_path: Path) -> Iterator[SessionBus]:
    with SessionBus(tmp_path / "desktop") as bus:
        yield bus


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def variables(provider: ProviderProcess) -> dict[str, str]:
    """Of an app whose providers are that process, with a key for each."""
    return {"FAREGATE_VAULT": "memory", **upstreams(provider.base_urls)}
