"""The data folder: private, told apart, held by one gateway at a time."""

import errno
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import FaregateError
from gateway.folder import DataFolder, FolderHeld, Holder, default_folder, exclusive, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_folder({"FAREGATE_HOME": str(tmp_path)}) == tmp_path
    assert default_folder({"FAREGATE_HOME": "~/f"}) == Path.home() / "f"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder({}).name == "faregate"


def test_a_user_who_is_not_known_is_a_sentence() -> None:
    with pytest.raises(FaregateError, match="FAREGATE_HOME=~nobody-at-all names a user who is not known here"):
        default_folder({"FAREGATE_HOME": "~nobody-at-all"})


def test_it_and_what_it_holds_are_the_owners(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "a" / "b")
    assert folder.folder_id
    assert mode(folder.path) == 0o700
    for part in folder.path.iterdir():
        assert mode(part) & 0o077 == 0, part


def test_an_open_folder_of_ours_is_tightened_and_a_strangers_is_left(tmp_path: Path) -> None:
    ours, strange = tmp_path / "ours", tmp_path / "strange"
    for path, file in ((ours, "state.db"), (strange, "letter.txt")):
        path.mkdir()
        (path / file).touch()
        path.chmod(0o755)
        DataFolder(path)
    assert (mode(ours), mode(strange)) == (0o700, 0o755)
    # Nor once it was used: with --data-dir /tmp the machine would be locked out.
    assert DataFolder(strange).folder_id
    DataFolder(strange)
    assert mode(strange) == 0o755
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    assert DataFolder(shared).folder_id
    DataFolder(shared)
    assert mode(shared) == 0o1777


def test_its_id_is_its_own_and_stays(tmp_path: Path) -> None:
    one, other = DataFolder(tmp_path / "one"), DataFolder(tmp_path / "other")
    assert one.folder_id == DataFolder(tmp_path / "one").folder_id
    assert one.folder_id != other.folder_id
    assert one.demo().folder_id != one.folder_id


def test_a_path_that_cannot_be_a_folder_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FaregateError, match="is a file: choose another with --data-dir"):
        DataFolder(tmp_path / "file")
    with pytest.raises(FaregateError, match="choose another with --data-dir"):
        DataFolder(tmp_path / "file" / "below")


def test_a_link_to_a_disk_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    link, disk = tmp_path / "faregate", tmp_path / "disk" / "faregate"
    link.symlink_to(disk)
    with pytest.raises(FaregateError, match=f"{link} points to {disk}, which is not there: connect its disk"):
        DataFolder(link)
    disk.mkdir(parents=True)
    assert DataFolder(link).folder_id


LOOK_AT_DISK = """
import sys; from pathlib import Path
from gateway.errors import FaregateError
from gateway.folder import DataFolder
for name in ('ours', 'new'):
    try: DataFolder(Path(sys.argv[1]) / name)
    except FaregateError as error: print(error)
"""
# What a system answers for such a disk, where nothing may be mounted.
ANSWERS_OF_SUCH_A_DISK = """
import errno, os; from pathlib import Path; from types import SimpleNamespace
def mkdir(path, *_, **__):
    if not path.exists(): raise OSError(errno.EROFS, os.strerror(errno.EROFS))
Path.mkdir = mkdir
os.statvfs = lambda _path: SimpleNamespace(f_flag=os.ST_RDONLY)
"""
MOUNTED = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "$3" "$1"'


@pytest.mark.skipif(sys.platform != "linux", reason="a disk is mounted as Linux does it")
def test_a_disk_that_can_only_be_read_is_said_so(tmp_path: Path) -> None:
    """A card with its lock pushed, or a disk that the system has found damaged; with a folder of ours or without."""
    disk = tmp_path / "disk"
    DataFolder(disk / "ours").folder_id  # noqa: B018
    words = "is on a disk that can only be read: make it writable, or choose another with --data-dir."
    said = [f"The data folder {disk / name} {words}" for name in ("ours", "new")]

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False)

    program = (str(disk), sys.executable, LOOK_AT_DISK)
    mounted = run("unshare", "--map-root-user", "--mount", "sh", "-c", MOUNTED, "sh", *program)
    may_mount = not re.match("unshare:|mount:", mounted.stderr)
    assert not may_mount or mounted.stdout.splitlines() == said, mounted.stderr
    alone = run(sys.executable, "-c", ANSWERS_OF_SUCH_A_DISK + LOOK_AT_DISK, str(disk))
    assert alone.stdout.splitlines() == said, alone.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_disk_that_locks_nothing_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody runs there: another gateway was named, with the process 0."""

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    folder = DataFolder(tmp_path)
    (tmp_path / "faregate.lock").touch()
    monkeypatch.setattr("gateway.file_lock.fcntl.flock", no_locks)
    words = r"cannot be locked \(No locks available\), .*: choose a data folder on another disk with --data-dir\.$"
    with pytest.raises(FaregateError, match=words):
        folder.lock("http://127.0.0.1:40001")
    with pytest.raises(FaregateError, match=words):
        folder.holder()
    with pytest.raises(FaregateError, match=words), exclusive(tmp_path / "state.lock"):
        pass


HOLD = """
import sys
from pathlib import Path
from gateway.folder import DataFolder
lock = DataFolder(Path(sys.argv[1])).lock("http://127.0.0.1:1")
print("held", flush=True)
sys.stdin.read()
"""


def test_one_holder_at_a_time_across_processes(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.holder() is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        assert folder.holder() == Holder(other.pid, "http://127.0.0.1:1")
        assert json.loads(folder.lock_file.read_text()) == {"pid": other.pid, "url": "http://127.0.0.1:1"}
        with pytest.raises(FolderHeld, match=rf"at http://127.0.0.1:1 \(process {other.pid}\)") as caught:
            folder.lock("http://127.0.0.1:2")
        assert caught.value.holder.pid == other.pid
        other.kill()
    # What a killed process left in the file names no holder.
    assert folder.lock_file.read_text() != ""
    assert folder.holder() is None
    folder.lock("http://127.0.0.1:3").release()


def test_url_and_release(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    lock = folder.lock("http://127.0.0.1:0")
    lock.set_url("http://127.0.0.1:40000")
    assert folder.holder() == Holder(os.getpid(), "http://127.0.0.1:40000")
    lock.release()
    lock.release()
    lock.set_url("late")
    assert folder.holder() is None


def no_room(_descriptor: int, _text: bytes) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_shorter_url_leaves_nothing_of_the_longer_one_and_a_full_disk_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)
    lock = folder.lock("http://127.0.0.1:40000")
    lock.set_url("")
    assert folder.holder() == Holder(os.getpid(), "")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", no_room)
        with pytest.raises(OSError, match="No space"):
            lock.set_url("http://127.0.0.1:40001")
    assert folder.holder() == Holder(os.getpid(), "")
    lock.release()


def test_a_folder_on_a_full_disk_is_a_sentence_and_held_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", no_room)
        with pytest.raises(FaregateError, match=r"cannot be written \(No space.*\): check the space on its disk\.$"):
            folder.lock("http://127.0.0.1:40001")
    assert folder.holder() is None
    folder.lock("http://127.0.0.1:40001").release()


def test_asking_for_the_holder_does_not_keep_anyone_out(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    for _ in range(20):
        assert folder.holder() is None
        folder.lock("u").release()


def test_exclusive_waits_and_gives_up(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with (
        exclusive(path),
        pytest.raises(FaregateError, match="Another process holds"),
        exclusive(path, timeout_s=0.05),
    ):
        pass
    with exclusive(path, timeout_s=0.05):
        assert path.exists()
    with pytest.raises(FaregateError, match="cannot be written"), exclusive(tmp_path / "no" / "x.lock"):
        pass


def test_private_files_replace_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_private(path, b"one")
    write_private(path, b"two")
    assert (path.read_bytes(), mode(path)) == (b"two", 0o600)
    with pytest.raises(TypeError):
        write_private(path, "text")  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert path.read_bytes() == b"two"
