"""The desktop's settings portal, as far as Qt asks it for light or dark and for contrast; run with the system's Python
(dbus, gi).

Both are words in a file, read ten times a second, so that a test flips them without talking to the bus.
"""

import sys
from pathlib import Path

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

APPEARANCE = "org.freedesktop.appearance"
SCHEME = "color-scheme"
CONTRAST = "contrast"
SETTINGS = "org.freedesktop.portal.Settings"
NUMBERS = {"dark": 1, "light": 2}


class Portal(dbus.service.Object):
    def __init__(self, bus, path):
        super().__init__(bus, "/org/freedesktop/portal/desktop")
        self.path = path
        self.numbers = self.read()

    def read(self):
        words = self.path.read_text().split()
        return {SCHEME: NUMBERS.get(words[0] if words else "", 0), CONTRAST: int("contrast" in words)}

    def value(self, key, level):
        return dbus.UInt32(self.numbers.get(key, 0), variant_level=level)

    def look(self):
        numbers, before = self.read(), self.numbers
        # A file that is just being written is empty.
        if numbers[SCHEME]:
            self.numbers = numbers
            for key in (SCHEME, CONTRAST):
                if numbers[key] != before[key]:
                    self.SettingChanged(APPEARANCE, key, self.value(key, 1))
        return True

    @dbus.service.method(SETTINGS, in_signature="as", out_signature="a{sa{sv}}")
    def ReadAll(self, namespaces):
        return {APPEARANCE: {key: self.value(key, 0) for key in (SCHEME, CONTRAST)}}

    @dbus.service.method(SETTINGS, in_signature="ss", out_signature="v")
    def Read(self, namespace, key):
        return self.value(key, 1)

    @dbus.service.method(SETTINGS, in_signature="ss", out_signature="v")
    def ReadOne(self, namespace, key):
        return self.value(key, 1)

    @dbus.service.signal(SETTINGS, signature="ssv")
    def SettingChanged(self, namespace, key, value):
        pass

    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        return dbus.UInt32(2, variant_level=1)


if __name__ == "__main__":
    DBusGMainLoop(set_as_default=True)
    session = dbus.SessionBus()
    name = dbus.service.BusName("org.freedesktop.portal.Desktop", session)
    portal = Portal(session, Path(sys.argv[1]))
    GLib.timeout_add(100, portal.look)
    GLib.timeout_add_seconds(60, sys.exit)
    GLib.MainLoop().run()
