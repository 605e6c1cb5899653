"""A D-Bus session of its own with an unlocked gnome-keyring in it: what a desktop gives the app for its secrets."""

import os
import subprocess
from pathlib import Path
from typing import Self

from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection

from tests.waiting import wait_until
from tests.window.display import end

_BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
_SECRETS = DBusAddress("/org/freedesktop/secrets", "org.freedesktop.secrets", "org.freedesktop.Secret.Service")


class SessionBus:
    """`with SessionBus(home) as bus:`; `environment` leads a program to it. `home` keeps the keyring's files."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._home.mkdir(mode=0o700, parents=True)
        home = str(self._home)
        self.environment = {"HOME": home, "XDG_RUNTIME_DIR": home, "XDG_DATA_HOME": f"{home}/data"}
        bus = self._run(["dbus-daemon", "--session", "--nofork", "--print-address=1"])
        assert bus.stdout is not None
        address = bus.stdout.readline().decode().strip()
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        keyring = self._run(["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"])
        assert keyring.stdin is not None and bus.stdin is not None
        bus.stdin.close()
        # The password of the keyring that is made here.
        keyring.stdin.write(b"\n")
        keyring.stdin.close()
        with open_dbus_connection(address) as connection:
            is_there = new_method_call(_BUS, "NameHasOwner", "s", (_SECRETS.bus_name,))
            default = new_method_call(_SECRETS, "ReadAlias", "s", ("default",))
            wait_until(lambda: connection.send_and_get_reply(is_there).body == (True,), what="The keyring")
            # Asked before there is a collection, the daemon would want to prompt for one.
            wait_until(lambda: connection.send_and_get_reply(default).body != ("/",), what="Its collection")
        return self

    def __exit__(self, *_error: object) -> None:
        for process in reversed(self._processes):
            end(process)
            if process.stdout is not None:
                process.stdout.close()

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        inherited = {name: v for name, v in os.environ.items() if not name.startswith(("DBUS_", "XDG_"))}
        with (self._home / "session.log").open("ab") as log:
            started = subprocess.Popen(
                command,
                env=inherited | self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._processes.append(started)
        return started
