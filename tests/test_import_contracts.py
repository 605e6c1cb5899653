"""The import contracts of pyproject.toml: they hold, they are all there, and each would notice a breach."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--config", "pyproject.toml", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert f"Contracts: {len(contracts)} kept, 0 broken." in done.stdout
    assert len(contracts) >= 13


# Where a line is added, which line, and the contract that it breaks.
BREACHES = [
    ("gateway/relaying/relay.py", "from PySide6 import QtCore", "The gateway knows no window"),
    ("gateway/store/usage.py", "import app.formats", "The gateway knows no window"),
    ("app/formats.py", "from gateway.relaying.relay import Relay", "The window sees the gateway's package root only"),
    ("gateway/events.py", "import asyncio", "The neutral model, the dialects and the provider rows do no I/O"),
    ("gateway/dialects/gemini/body.py", "from gateway.store import UsageStore", "The neutral model, the dialects"),
    ("gateway/dialects/gemini/body.py", "import gateway.dialects.anthropic", "Dialects meet in the neutral model"),
    ("gateway/relaying/relay.py", "import sqlite3", "The request path knows no SQL, keyring or price table"),
    ("gateway/relaying/relay.py", "import aiohttp", "aiohttp belongs to"),
    ("gateway/relaying/relay.py", "import sqlite_utils", "sqlite-utils belongs to"),
    ("gateway/configuration/settings.py", "import keyring", "keyring and cryptography belong to the vault"),
    ("gateway/relaying/relay.py", "import genai_prices", "genai-prices belongs to the price list"),
    ("gateway/store/usage.py", "import gateway.dialects.anthropic", "The store knows neither doors nor dialects"),
    ("app/tables/view.py", "import app.pages.requests", "Pages are made of what knows no page"),
    ("app/window.py", "import pyqtgraph", "pyqtgraph belongs to the charts"),
    ("app/window.py", "import qasync", "qasync belongs to the loop"),
]


def test_each_contract_would_notice(tmp_path: Path) -> None:
    for package in ("gateway", "app"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, line, _ in BREACHES:
        with (tmp_path / path).open("a") as file:
            file.write(f"\n{line}\n")
    said = lint(tmp_path).stdout
    broken = [line for line in said.splitlines() if line.endswith(" BROKEN")]
    for path, line, contract in BREACHES:
        assert any(name.startswith(contract) for name in broken), (path, line, said)
    assert not [line for line in said.splitlines() if line.endswith(" KEPT")]


@pytest.mark.parametrize("word", ["create_task", "ensure_future"])
def test_no_task_is_started_and_forgotten(word: str, tmp_path: Path) -> None:
    """ruff's ban stands: only a loop's own create_task, whose result is kept, is allowed."""
    (tmp_path / "bad.py").write_text(f"import asyncio\n\n\nasync def go() -> None:\n    asyncio.{word}(go())\n")
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--config", ROOT / "pyproject.toml", "--no-cache", "bad.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "TID251" in done.stdout
