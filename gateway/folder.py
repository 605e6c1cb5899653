"""The data folder: where it is, what lies where in it, and who runs on it.

It is made readable by its owner only. A running gateway holds an exclusive lock on `faregate.lock`, whose JSON says
its process and URL; the lock belongs to the open file, so it ends with its process however that ends, and a file
left behind without a lock names no holder.
"""

import contextlib
import errno
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.errors import FaregateError
from gateway.file_lock import try_lock

LOCK_FILE = "faregate.lock"
# What a data folder holds, side files and locks included.
_OUR_FILES = (
    *("config.toml", "state.", "usage.", "traces.", "seal.", "vault.", LOCK_FILE, "journal", "logs", "demo"),
    *("prices.json", ".config.toml.", ".seal.key.", ".vault.sealed.", ".prices.json."),
)


class Holder(Struct, frozen=True):
    """Who runs on a data folder. `pid` 0 and `url` "" for an instant while it starts."""

    pid: int = 0
    url: str = ""


class FolderHeld(FaregateError):
    """Another gateway runs on the folder; `holder` says which."""

    def __init__(self, path: Path, holder: Holder) -> None:
        at = f" at {holder.url}" if holder.url else ""
        super().__init__(f"Faregate already runs on {path}{at} (process {holder.pid}): use it, or stop it first.")
        self.holder = holder


class FolderLock:
    """A held lock; `set_url` corrects the URL once the port is known, `release` lets go."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def set_url(self, url: str) -> None:
        if self._descriptor is None:
            return
        text = msgspec.json.encode(Holder(os.getpid(), url))
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        # Not emptied before: on a full disk the room would be another file's at once.
        os.write(self._descriptor, text)
        os.ftruncate(self._descriptor, len(text))

    def release(self) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def default_folder(environ: Mapping[str, str]) -> Path:
    """`FAREGATE_HOME`, else the user's data directory of this system. Raises FaregateError for an unknown `~user`."""
    if home := environ.get("FAREGATE_HOME", "").strip():
        return named_folder("FAREGATE_HOME", home)
    from platformdirs import user_data_path

    return user_data_path("faregate", appauthor=False)


def named_folder(option: str, text: str) -> Path:
    """A folder as it was written under `option`: a shell leaves `~` alone behind an `=`. Raises FaregateError."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise FaregateError(f"{option}={text} names a user who is not known here: give a path.") from None


@contextlib.contextmanager
def exclusive(path: Path, timeout_s: float = 10.0) -> Iterator[None]:
    """Holds a lock file while a step that two processes must not take at once runs. Raises FaregateError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise FaregateError(f"{path} cannot be written ({error.strerror}): check the folder's mode.") from None
    try:
        deadline = time.monotonic() + timeout_s
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise FaregateError(f"Another process holds {path}: wait for it or end it, and try again.")
            time.sleep(0.02)
    except OSError as error:
        os.close(descriptor)
        raise _unlockable(path, error) from None
    except BaseException:
        os.close(descriptor)
        raise
    try:
        yield
    finally:
        os.close(descriptor)


def write_private(path: Path, data: bytes) -> None:
    """Replaces a file at once, readable by its owner only, and waits until the disk has it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def holder_of(lock_file: Path) -> Holder | None:
    """Who holds a data folder's lock now, None where nobody does. Raises FaregateError where that cannot be told."""
    try:
        descriptor = os.open(lock_file, os.O_RDWR)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FaregateError(f"{lock_file} cannot be read ({error.strerror}): check its owner.") from None
    try:
        try:
            if try_lock(descriptor):
                return None
        except OSError as error:
            raise _unlockable(lock_file, error) from None
        try:
            return msgspec.json.decode(lock_file.read_bytes(), type=Holder)
        except msgspec.DecodeError:
            return Holder()
    finally:
        os.close(descriptor)


def is_read_only(path: Path) -> bool:
    """Whether its file system can only be read: databases that are there could not be opened either."""
    return hasattr(os, "statvfs") and bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _no_data_folder(path: Path, error: OSError) -> FaregateError:
    elsewhere = "choose another with --data-dir."
    if isinstance(error, FileExistsError) and path.is_symlink() and not path.exists():
        there = f"points to {os.path.realpath(path)}, which is not there: connect its disk, or"
        return FaregateError(f"The data folder {path} {there} {elsewhere}")
    if isinstance(error, FileExistsError) and path.is_file():
        return FaregateError(f"The data folder {path} is a file: {elsewhere}")
    if error.errno == errno.EROFS:
        return FaregateError(
            f"The data folder {path} is on a disk that can only be read: make it writable, or {elsewhere}"
        )
    return FaregateError(f"The data folder {path} cannot be used ({error.strerror}): {elsewhere}")


def _unlockable(path: Path, error: OSError) -> FaregateError:
    return FaregateError(
        f"{path} cannot be locked ({error.strerror}), which keeps two from writing at once: choose a data folder on "
        "another disk with --data-dir."
    )


class DataFolder:
    """One data folder; making this object makes the folder. Raises FaregateError where it cannot be used.

    `settings_path` is the folder whose `config.toml` counts: a demo's are those of the folder that it lies in.
    """

    def __init__(self, path: Path, settings_path: Path | None = None) -> None:
        self.path = Path(os.path.abspath(path))
        self.settings_path = self.path if settings_path is None else settings_path
        self.config = self.settings_path / "config.toml"
        self.state_db = self.path / "state.db"
        self.usage_db = self.path / "usage.db"
        self.traces_db = self.path / "traces.db"
        self.journal = self.path / "journal"
        self.logs = self.path / "logs"
        self.seal_key = self.path / "seal.key"
        self.vault_file = self.path / "vault.sealed"
        self.lock_file = self.path / LOCK_FILE
        self.demo_path = self.path / "demo"
        self._folder_id: str | None = None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._keep_private()
            for part in (self.journal, self.logs):
                part.mkdir(mode=0o700, exist_ok=True)
            if is_read_only(self.path):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        except OSError as error:
            raise _no_data_folder(self.path, error) from None

    def __repr__(self) -> str:
        return f"DataFolder({str(self.path)!r})"

    def _keep_private(self) -> None:
        # A folder that is others' too (--data-dir /tmp) keeps its mode, also once there are files of ours in it.
        mode = self.path.stat().st_mode
        ours = not mode & stat.S_ISVTX and all(path.name.startswith(_OUR_FILES) for path in self.path.iterdir())
        if os.name == "posix" and ours and mode & 0o077:
            self.path.chmod(0o700)

    @property
    def folder_id(self) -> str:
        """Random, made with the folder; it keeps folders apart in the keyring, which knows no folders."""
        if self._folder_id is None:
            from gateway import state_db

            with contextlib.closing(state_db.connect(self.state_db)) as connection:
                connection.execute("INSERT OR IGNORE INTO meta VALUES ('folder_id', ?)", (secrets.token_hex(8),))
                row = connection.execute("SELECT value FROM meta WHERE name = 'folder_id'").fetchone()
            self._folder_id = str(row[0])
        return self._folder_id

    def demo(self) -> "DataFolder":
        """The folder of the simulated providers, inside this one and apart from its keys and rows."""
        return DataFolder(self.demo_path, self.path)

    def lock(self, url: str) -> FolderLock:
        """Holds the folder for this process. Raises FolderHeld, or FaregateError where it cannot be written."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise FaregateError(f"{self.lock_file} cannot be written ({error.strerror}): check its owner.") from None
        # Someone asking for the holder tries the lock for a moment: that must not look like one.
        for _ in range(10):
            try:
                if try_lock(descriptor):
                    return self._held(descriptor, url)
            except OSError as error:
                os.close(descriptor)
                raise _unlockable(self.lock_file, error) from None
            time.sleep(0.02)
        os.close(descriptor)
        raise FolderHeld(self.path, self.holder() or Holder())

    def _held(self, descriptor: int, url: str) -> FolderLock:
        lock = FolderLock(descriptor)
        try:
            lock.set_url(url)
        except OSError as error:
            lock.release()
            why = f"{self.lock_file} cannot be written ({error.strerror}): check the space on its disk."
            raise FaregateError(why) from None
        return lock

    def holder(self) -> Holder | None:
        """Who holds the folder's lock now, None where nobody does. Raises FaregateError where that cannot be told."""
        return holder_of(self.lock_file)
