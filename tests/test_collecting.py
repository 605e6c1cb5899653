"""Workers that collect the same files compile them together."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest

FILES = ("a/test_1", "a/test_2", "b/test_3", "test_4", "test_5", "test_6")


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been imported, in order; that in `b` cannot be."""
    names: list[str] = []

    def take(name: str) -> None:
        names.append(name.rpartition("_")[2])
        if name == "tests.b.test_3":
            raise ImportError(name)

    monkeypatch.setattr(conftest.importlib, "import_module", take)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    return names


def config_of(root: Path, *args: str) -> Any:
    for file in FILES:
        (root / "tests" / file).parent.mkdir(parents=True, exist_ok=True)
        (root / "tests" / f"{file}.py").touch()
    return SimpleNamespace(rootpath=root, args=list(args), getini={"testpaths": ["tests"]}.__getitem__)


@pytest.mark.parametrize(("worker", "order"), [("gw0", "123456"), ("gw1", "345612"), ("gw2", "561234")])
def test_each_worker_begins_at_its_own_share_and_goes_through_all(
    worker: str, order: str, imported: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    conftest.import_tests(config_of(tmp_path, "tests"))
    assert "".join(imported) == order


def test_who_asks_for_some_files_imports_no_others(
    imported: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    conftest.import_tests(config_of(tmp_path, "tests/a"))
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    conftest.import_tests(config_of(tmp_path, "tests"))
    assert imported == []
