"""Commands under shells that close, fill, or cannot say what a stream is given."""

import os
import pty
import stat
import subprocess
from pathlib import Path

import pytest

from tests.test_cli import COMMAND, ROOT, environment, read_until, run


def shell(folder: Path, line: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """`line` in a shell, where `faregate` is the command."""
    program = "faregate() { " + " ".join(f"'{word}'" for word in COMMAND) + ' "$@"; }; ' + line
    done = subprocess.run(
        ["bash", "-c", program],
        cwd=ROOT,
        env=environment(folder, **more),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("faregate provider set openai --no-verify <&-", 1, b"The key is empty"),
        (r"printf '\xff\xfe' | faregate provider set openai --no-verify", 1, b"no key has"),
        ("faregate api-key list >&-", 0, b""),
        ("faregate api-key list >&- 2>&-", 0, b""),
        ("faregate api-key revoke nobody 2>&-", 1, b""),
        ("faregate api-key list >/dev/full", 1, b"No space left on device"),
        ("FAREGATE_HOME='~nobody-here/x' faregate check", 1, b"names a user who is not known"),
    ],
)
def test_a_shell_may_close_or_fill_any_stream(tmp_path: Path, line: str, code: int, said: bytes) -> None:
    done = shell(tmp_path, line)
    assert (done.returncode, said in done.stderr) == (code, True), done
    assert done.stderr.count(b"\n") <= 1


def test_names_that_a_terminal_cannot_say_are_spelt(tmp_path: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert shell(tmp_path, "faregate api-key create --name 'Jürgen 東京'", **ascii_only).returncode == 0
    listed = shell(tmp_path, "faregate api-key list", **ascii_only)
    assert listed.returncode == 0 and rb"J\xfcrgen" in listed.stdout


@pytest.mark.parametrize("line", ["doctor", "prune", "reconcile README.md"])
def test_each_command_starts_where_nothing_else_was_imported(tmp_path: Path, line: str) -> None:
    done = shell(tmp_path, f"FAREGATE_HOME='~nobody-here/x' faregate {line}")
    assert done.returncode == 1 and b"names a user who is not known" in done.stderr


def test_a_variable_that_python_reads_at_its_start_is_refused_where_it_would_say_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PYTHONIOENCODING"):
        run(tmp_path, "api-key", "list", PYTHONIOENCODING="ascii")


def test_the_end_of_input_at_a_prompt_stops(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "provider", "set", "openai", "--no-verify"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    ) as process:
        os.close(slave)
        read_until(master, b"(not shown): ")
        os.write(master, b"\x04")
        shown = read_until(master, b"stopped")
        assert process.wait(30) == 1
    os.close(master)
    assert b"Traceback" not in shown


def test_an_export_replaces_files_and_nothing_else(tmp_path: Path) -> None:
    pipe, link, target = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "target.csv"
    os.mkfifo(pipe)
    done = shell(tmp_path, f"cat {pipe} & faregate export --what requests -o {pipe}; wait")
    assert done.returncode == 0 and done.stdout.startswith(b"id,started_at")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    target.write_text("before")
    link.symlink_to(target)
    assert run(tmp_path, "export", "--what", "requests", "-o", str(link)).returncode == 0
    assert link.is_symlink() and target.read_text().startswith("id,started_at")
    assert run(tmp_path, "export", "--what", "requests", "-o", "/dev/null").returncode == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_standard_output_is_the_same_bytes_everywhere(tmp_path: Path) -> None:
    done = shell(tmp_path, "faregate export --what requests -o -", PYTHONIOENCODING="utf-16", PYTHONUTF8="0")
    assert done.returncode == 0 and done.stdout.startswith(b"id,started_at") and done.stdout.endswith(b"\r\n")
