"""A D-Bus session of its own whose settings portal says what a test wants, or nothing at all."""

import contextlib
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from jeepney import HeaderFields, Message, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

GNOME = ("org.gnome.desktop.interface", "text-scaling-factor")
KDE = ("org.kde.kdeglobals.General", "font")
# No programs of the machine are started on it.
_BUS = """<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/>
<allow own="*"/></policy></busconfig>"""

Settings = Mapping[tuple[str, str], tuple[str, object]]


class TextPortal:
    """`settings` are values with their D-Bus signatures; None is a bus without a portal. `slow` settings are never
    answered."""

    def __init__(self, folder: Path, settings: Settings | None, slow: tuple[tuple[str, str], ...] = ()) -> None:
        self._settings = settings
        self._slow = slow
        self._folder = folder
        self._ended = threading.Event()
        self.asked: list[tuple[str, str]] = []
        self.address = f"unix:path={folder}/bus"

    def __enter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        config = self._folder / "bus.conf"
        config.write_text(_BUS.format(path=self._folder / "bus"))
        self._bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"], stdout=subprocess.PIPE
        )
        assert self._bus.stdout is not None and self._bus.stdout.readline()
        connection = open_dbus_connection(self.address)
        # Whoever asks once this has begun finds it.
        if self._settings is not None:
            connection.send_and_get_reply(message_bus.RequestName("org.freedesktop.portal.Desktop"))
        self._thread = threading.Thread(target=self._serve, args=(connection,))
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._bus.terminate()
        self._bus.wait()
        assert self._bus.stdout is not None
        self._bus.stdout.close()

    def _serve(self, connection: DBusConnection) -> None:
        with connection:
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    call = connection.receive(timeout=0.05)
                    if call.header.message_type is MessageType.method_call:
                        self._answer(connection, call)

    def _answer(self, connection: DBusConnection, call: Message) -> None:
        if call.header.fields.get(HeaderFields.member) != "Read":
            # Qt asks for other things, and for those there is none here.
            connection.send(new_error(call, "org.freedesktop.DBus.Error.UnknownMethod"))
            return
        self.asked.append(call.body)
        if call.body in self._slow:
            return
        value = (self._settings or {}).get(call.body)
        if value is None:
            connection.send(new_error(call, "org.freedesktop.portal.Error.NotFound"))
        else:
            connection.send(new_method_return(call, "v", (("v", value),)))


def text_of(factor: float) -> Settings:
    return {GNOME: ("d", factor)}
