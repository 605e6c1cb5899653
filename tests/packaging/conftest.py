"""The built program, and the display, provider and keyring that it is run with."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provider.client import ProviderProcess
from tests.window.display import Display
from tests.window.session_bus import SessionBus

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "package"


@pytest.fixture(scope="session")
def package() -> Path:
    """The .deb of this version."""
    found = sorted((ROOT / "dist").glob("faregate_*.deb"))
    assert len(found) == 1, f"make package builds one; dist/ has {found}"
    return found[0]


@pytest.fixture(scope="session")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file tree that installing the .deb adds to a system."""
    tree = tmp_path_factory.mktemp("installed")
    subprocess.run(["dpkg-deb", "--extract", package, tree], check=True)
    return tree


@pytest.fixture(scope="session")
def program(unpacked: Path) -> Path:
    """The command, as it comes to lie on the PATH."""
    return unpacked / "usr" / "bin" / "faregate"


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    with Display(tmp_path_factory.mktemp("display") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with ProviderProcess(tmp_path_factory.mktemp("provider") / "ledger.jsonl", seed=61) as process:
        yield process


@pytest.fixture
def session_bus(tmp_path: Path) -> Iterator[SessionBus]:
    with SessionBus(tmp_path / "desktop") as bus:
        yield bus


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def bare(home: Path) -> dict[str, str]:
    """The environment of somebody who has no Python: no PATH, nothing of the tests'."""
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "LC_ALL", "TZ")}
    return {**kept, "HOME": str(home), "PATH": "", "FAREGATE_PORT": "0"}
