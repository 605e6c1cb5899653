"""Starting at login, as each system has it: an entry that the system itself reads, written for this user only.

Linux: a desktop entry in the autostart folder (freedesktop.org, Desktop Application Autostart). macOS: a launch
agent. Windows: a value under the user's Run key. The last two are not run where the tests run: their text is.
"""

import os
import plistlib
import shlex
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import list2cmdline
from typing import Protocol
from xml.parsers.expat import ExpatError

from PySide6.QtCore import QSettings

from app.launch import IN_TRAY
from app.translation import tr
from gateway import FaregateError, default_folder

_NAME = "faregate"
_RUN_KEY = "HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
_AGENT = "local.faregate"
# What must be escaped within a quoted argument of Exec (Desktop Entry Specification, "The Exec key").
_QUOTED = str.maketrans({character: f"\\{character}" for character in '"`$\\'})


class Autostart(Protocol):
    """`enabled` says whether this program is started, on this folder; `other` what an entry starts instead, "" where
    nothing. `set` raises FaregateError where the entry cannot be written. `place` says where it stands, for people.
    """

    @property
    def place(self) -> str: ...

    def enabled(self) -> bool: ...

    def other(self) -> str: ...

    def set(self, on: bool) -> None: ...


def start_command(folder: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """How this very program is started at login on the same data folder."""
    script = Path(sys.executable).with_name(_NAME)
    if getattr(sys, "frozen", False):
        command: tuple[str, ...] = (sys.executable,)
    elif script.is_file():
        command = (str(script),)
    else:
        command = (sys.executable, "-m", "app")
    usual = {name: value for name, value in environ.items() if name != "FAREGATE_HOME"}
    own = folder == Path(os.path.abspath(default_folder(usual)))
    return (*command, IN_TRAY) if own else (*command, IN_TRAY, "--data-dir", str(folder))


class _EntryFile(ABC):
    """An entry that is a file of its own: the same for each system but for what stands in it."""

    def __init__(self, path: Path, command: Sequence[str]) -> None:
        self._path = path
        self._command = command

    @property
    def place(self) -> str:
        return str(self._path)

    @abstractmethod
    def contents(self) -> bytes: ...

    @abstractmethod
    def _starts(self) -> list[str]:
        """The command of the entry that is there and that its system heeds, else none."""

    def enabled(self) -> bool:
        return self._starts() == list(self._command)

    def other(self) -> str:
        starts = self._starts()
        return "" if starts == list(self._command) else shlex.join(starts)

    def set(self, on: bool) -> None:
        try:
            if on:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_bytes(self.contents())
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self._path, error) from None


class DesktopEntry(_EntryFile):
    """Linux and other freedesktop systems. `folder` is the autostart folder."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        super().__init__(folder / f"{_NAME}.desktop", command)

    def _starts(self) -> list[str]:
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []
        said = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
        hidden = said.get("Hidden") == "true" or said.get("X-GNOME-Autostart-enabled") == "false"
        return [] if hidden else _words(said.get("Exec", ""))

    def contents(self) -> bytes:
        # The whole value is a string of the format besides, in which a backslash is written twice.
        command = " ".join(_argument(word) for word in self._command).replace("\\", "\\\\")
        lines = ("Type=Application", "Name=Faregate", f"Exec={command}", f"Icon={_NAME}", "Terminal=false")
        return "\n".join(("[Desktop Entry]", *lines, "X-GNOME-Autostart-enabled=true", "")).encode()


class LaunchAgent(_EntryFile):
    """macOS. `folder` is ~/Library/LaunchAgents."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        super().__init__(folder / f"{_AGENT}.plist", command)

    def _starts(self) -> list[str]:
        try:
            words = plistlib.loads(self._path.read_bytes())["ProgramArguments"]
        except (OSError, plistlib.InvalidFileException, ExpatError, KeyError, TypeError):
            return []
        return [str(word) for word in words]

    def contents(self) -> bytes:
        agent = {
            "Label": _AGENT,
            "ProgramArguments": list(self._command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
        }
        return plistlib.dumps(agent)


class RunKey:
    """Windows. `settings` is the user's Run key."""

    def __init__(self, settings: QSettings, command: Sequence[str]) -> None:
        self._settings = settings
        self._command = command

    @property
    def place(self) -> str:
        return self._settings.fileName()

    def enabled(self) -> bool:
        return self._starts() == list2cmdline(self._command)

    def other(self) -> str:
        return "" if self.enabled() else self._starts()

    def _starts(self) -> str:
        return str(self._settings.value("Faregate") or "")

    def set(self, on: bool) -> None:
        if on:
            self._settings.setValue("Faregate", list2cmdline(self._command))
        else:
            self._settings.remove("Faregate")
        self._settings.sync()
        if self._settings.status() != QSettings.Status.NoError:
            raise FaregateError(tr("Starting at login cannot be changed: the registry refuses it."))


def system_autostart(folder: Path, environ: Mapping[str, str]) -> Autostart:
    """This system's way, for a program that works on `folder`."""
    command = start_command(folder, environ)
    if sys.platform == "win32":
        return RunKey(QSettings(_RUN_KEY, QSettings.Format.NativeFormat), command)
    if sys.platform == "darwin":
        return LaunchAgent(Path.home() / "Library" / "LaunchAgents", command)
    configured = environ.get("XDG_CONFIG_HOME", "")
    base = Path(configured) if os.path.isabs(configured) else Path.home() / ".config"
    return DesktopEntry(base / "autostart", command)


def _words(command: str) -> list[str]:
    """What an Exec line starts; none where it cannot be read. It may be written by hand, or anew by a desktop."""
    try:
        # The whole value is a string of the format besides.
        words = shlex.split(command.replace("\\\\", "\\"))
    except ValueError:
        return []
    # Within quotes the format escapes two more than a shell's words do.
    return [word.replace("\\$", "$").replace("\\`", "`").replace("%%", "%") for word in words]


def _argument(word: str) -> str:
    return f'"{word.translate(_QUOTED)}"'.replace("%", "%%")


def _unwritable(path: Path, error: OSError) -> FaregateError:
    words = tr("{path} cannot be written ({why}): check its folder's mode.")
    return FaregateError(words.format(path=path, why=error.strerror))
