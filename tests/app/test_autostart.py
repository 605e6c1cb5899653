"""Starting at login: what each system is told, and that this one reads it back."""

import configparser
import plistlib
import shlex
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from app.autostart import DesktopEntry, LaunchAgent, RunKey, start_command, system_autostart
from gateway import FaregateError

ODD = ("/opt/my apps/faregate", "--data-dir", '/home/ana/100% "mine" $HOME `x` \\y')


def test_a_desktop_entry_comes_and_goes(tmp_path: Path) -> None:
    entry = DesktopEntry(tmp_path / "config" / "autostart", ("faregate",))
    assert not entry.enabled()
    entry.set(True)
    path = tmp_path / "config" / "autostart" / "faregate.desktop"
    assert (entry.enabled(), entry.place) == (True, str(path))
    assert path.read_text() == (
        '[Desktop Entry]\nType=Application\nName=Faregate\nExec="faregate"\nIcon=faregate\nTerminal=false\n'
        "X-GNOME-Autostart-enabled=true\n"
    )
    entry.set(False)
    entry.set(False)
    assert not path.exists()


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_an_entry_that_the_desktop_hid_is_none(tmp_path: Path, line: str) -> None:
    entry = DesktopEntry(tmp_path, ("faregate",))
    path = Path(entry.place)
    path.write_text(f"{entry.contents().decode().replace('X-GNOME-Autostart-enabled=true', '')}{line}\n")
    assert not entry.enabled()
    entry.set(True)
    assert entry.enabled()


@pytest.mark.parametrize("command", [("faregate",), ODD])
def test_an_entry_of_another_is_told_from_ones_own(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Of another folder, or of a program that has moved since."""
    entry, other = (
        DesktopEntry(tmp_path, command),
        DesktopEntry(tmp_path, ("/gone/bin/faregate", "--data-dir", "/a b")),
    )
    other.set(True)
    assert (entry.enabled(), entry.other()) == (False, "/gone/bin/faregate --data-dir '/a b'")
    entry.set(True)
    assert (entry.enabled(), entry.other()) == (True, "")
    assert not other.enabled()


def test_an_entry_that_a_desktop_wrote_anew_is_ones_own(tmp_path: Path) -> None:
    entry = DesktopEntry(tmp_path, ("faregate", "--data-dir", "/srv/data"))
    Path(entry.place).write_text("[Desktop Entry]\nExec=faregate --data-dir /srv/data\n")
    assert entry.enabled()
    Path(entry.place).write_text('[Desktop Entry]\nExec="faregate\n')
    assert (entry.enabled(), entry.other()) == (False, "")


def test_a_command_survives_the_formats_two_escapings(tmp_path: Path) -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(DesktopEntry(tmp_path, ODD).contents().decode())
    value = parser["Desktop Entry"]["Exec"].replace("\\\\", "\\")
    # Within double quotes the format escapes two more than `shlex` knows of.
    words = [word.replace("\\$", "$").replace("\\`", "`").replace("%%", "%") for word in shlex.split(value)]
    assert tuple(words) == ODD


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FaregateError, match=r"cannot be written .*check its folder's mode"):
        DesktopEntry(tmp_path / "file" / "autostart", ("faregate",)).set(True)


def test_the_other_systems_are_told_the_same(tmp_path: Path) -> None:
    agent = LaunchAgent(tmp_path, ODD)
    assert not agent.enabled()
    agent.set(True)
    told = plistlib.loads(Path(agent.place).read_bytes())
    assert (agent.enabled(), told["ProgramArguments"], told["RunAtLoad"]) == (True, list(ODD), True)
    assert told["Label"] == Path(agent.place).stem, "launchd knows it by its file's name"
    assert LaunchAgent(tmp_path, ("faregate",)).other().startswith("'/opt/my apps/faregate' --data-dir")
    agent.set(False)
    assert (agent.enabled(), agent.other()) == (False, "")
    registry = QSettings(str(tmp_path / "run.ini"), QSettings.Format.IniFormat)
    key = RunKey(registry, ("C:\\My apps\\faregate.exe", "--data-dir", "D:\\x"))
    key.set(True)
    assert (key.enabled(), registry.value("Faregate")) == (True, '"C:\\My apps\\faregate.exe" --data-dir D:\\x')
    key.set(False)
    assert not key.enabled()


def test_the_program_is_started_again_on_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = {"FAREGATE_HOME": str(tmp_path / "other")}
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert start_command(tmp_path, usual)[:3] == (str(tmp_path / "python"), "-m", "app")
    assert start_command(tmp_path, usual)[3:] == ("--in-tray", "--data-dir", str(tmp_path))
    (tmp_path / "faregate").write_text("")
    assert start_command(tmp_path, {})[0] == str(tmp_path / "faregate")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr("app.autostart.default_folder", lambda _environ: tmp_path)
    assert start_command(tmp_path, usual) == (str(tmp_path / "python"), "--in-tray")


def test_linux_writes_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = system_autostart(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "c")})
    assert made.place == str(tmp_path / "c" / "autostart" / "faregate.desktop")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert system_autostart(tmp_path, {"XDG_CONFIG_HOME": "relative"}).place == str(
        tmp_path / ".config" / "autostart" / "faregate.desktop"
    )
