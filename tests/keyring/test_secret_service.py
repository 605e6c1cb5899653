"""A real Secret Service (gnome-keyring on a D-Bus session of its own) keeps provider keys, sealed.

Needs the Debian packages dbus and gnome-keyring, which `make test` installs or names.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.keyring.scenario import CANARY
from tests.keyring.traces import spellings, traces_in

ROOT = Path(__file__).parents[2]
UNLOCKED = 'printf "\\n" | gnome-keyring-daemon --unlock --components=secrets >/dev/null; exec "$@"'
PLAIN = 'exec "$@"'
# A bus that knows no services of the system's.
NOTHING_STARTED = """<busconfig>
<type>session</type>
<listen>unix:tmpdir=/tmp</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""


def run(
    home: Path,
    scenario: str,
    folder: Path,
    *,
    shell: str | None = UNLOCKED,
    session: Sequence[str] = ("dbus-run-session", "--"),
) -> Any:
    """Runs a scenario with a home of its own; `shell` None: without any session bus."""
    home.mkdir(exist_ok=True)
    home.chmod(0o700)
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_", "FAREGATE_"))
    }
    environ |= {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "XDG_DATA_HOME": str(home / "d"),
        "PYTHONWARNINGS": "error",
    }
    command = [sys.executable, "-m", "tests.keyring.scenario", scenario, str(folder)]
    if shell is not None:
        command = [*session, "sh", "-c", shell, "sh", *command]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_search_finds_a_secret_however_it_is_spelt(tmp_path: Path) -> None:
    for name, spelt in spellings(CANARY).items():
        (tmp_path / "file").write_bytes(b"before" + spelt + b"after")
        assert any(found == f"file: {name}" for found in traces_in(tmp_path, CANARY)), name


def test_nothing_in_the_folder_gives_a_stored_key(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    stored = run(tmp_path / "home", "store", folder)
    assert stored["state"] is True and "system keyring" in stored["message"]
    assert stored["again"] == CANARY
    assert {"state.db", "state.db-wal", "seal.key"} <= set(stored["files"])
    assert traces_in(folder, CANARY) == []
    assert traces_in(tmp_path / "copy", CANARY) == []
    # The keyring's entry alone shows nothing either.
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "value").write_text(stored["entry"])
    assert traces_in(tmp_path / "entry", CANARY) == []
    assert traces_in(tmp_path / "home", CANARY) == []


def test_neither_half_alone_gives_the_key(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "data"
    run(home, "store", folder)
    assert run(home, "read", folder) == {"key": CANARY, "problem": None}
    # The folder with another keyring.
    alone = run(tmp_path / "thief", "read", folder)
    assert alone["key"] is None and "store it again" in alone["problem"]
    # The keyring without the folder's seal key, and with another folder's.
    seal_key = (folder / "seal.key").read_bytes()
    (folder / "seal.key").unlink()
    alone = run(home, "read", folder)
    assert alone["key"] is None and "seal.key is missing" in alone["problem"]
    (folder / "seal.key").write_bytes(bytes(byte ^ 1 for byte in seal_key))
    alone = run(home, "read", folder)
    assert alone["key"] is None and "seal.key is not the one" in alone["problem"]
    (folder / "seal.key").write_bytes(seal_key)
    assert run(home, "read", folder)["key"] == CANARY


def test_whatever_is_changed_or_moved_is_refused(tmp_path: Path) -> None:
    outcomes = run(tmp_path / "home", "tamper", tmp_path / "data")
    assert outcomes.pop("untouched") == {"value": CANARY}
    assert len(outcomes) == 7
    for name, outcome in outcomes.items():
        assert outcome.get("error") == "SealBroken", name
        assert CANARY not in outcome["message"]


def test_a_removed_key_is_gone_from_the_keyring(tmp_path: Path) -> None:
    assert run(tmp_path / "home", "removed", tmp_path / "data") == {"entry": None, "key": None, "source": "none"}


@pytest.mark.parametrize("shell", [None, PLAIN], ids=["no session bus", "no unlocked keyring"])
def test_without_a_keyring_the_other_vaults_are_offered(tmp_path: Path, shell: str | None) -> None:
    assert_refused(run(tmp_path / "home", "state", tmp_path / "data", shell=shell), tmp_path / "data")


def test_a_locked_keyring_is_said_so_and_read_once_it_is_unlocked(tmp_path: Path) -> None:
    outcome = run(tmp_path / "home", "locked", tmp_path / "data")
    before = outcome["before"]
    assert before["key"] is None and before["again"] is False
    assert_refused(before, tmp_path / "data")
    assert outcome["after"] == {"again": True, "key": CANARY, "problem": None}


def test_a_keyring_that_begins_after_us_is_found(tmp_path: Path) -> None:
    """As where a person starts what keeps their secrets (KeePassXC …) after they have logged in."""
    bus = tmp_path / "bus.conf"
    bus.write_text(NOTHING_STARTED)
    command = ["dbus-run-session", f"--config-file={bus}", "--"]
    outcome = run(tmp_path / "home", "comes_later", tmp_path / "data", shell=PLAIN, session=command)
    assert "FAREGATE_VAULT=file" in outcome["before"]
    assert outcome["began"] is True
    assert outcome["ended"]["key"] is None and outcome["ended"]["again"] is False
    assert "does not run any more: start it" in outcome["ended"]["problem"]
    assert outcome["after"] == {"again": True, "key": CANARY, "problem": None}


def assert_refused(outcome: Any, folder: Path) -> None:
    assert outcome["available"] is False
    assert "FAREGATE_VAULT=file" in outcome["message"] and "FAREGATE_VAULT=memory" in outcome["message"]
    assert outcome["put"]["error"] in ("VaultError", "VaultLocked")
    assert not (folder / "vault.sealed").exists()
    assert traces_in(folder, CANARY) == []
