"""The desktop's portal for notifications: prints the first that it is asked for, and ends; run with the system's Python."""

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib


class Portal(dbus.service.Object):
    @dbus.service.method("org.freedesktop.portal.Notification", in_signature="sa{sv}")
    def AddNotification(self, identifier, told):
        print(f"notified {identifier} {told['title']} | {told['body']}", flush=True)
        GLib.idle_add(loop.quit)


if __name__ == "__main__":
    DBusGMainLoop(set_as_default=True)
    session = dbus.SessionBus()
    name = dbus.service.BusName("org.freedesktop.portal.Desktop", session)
    portal = Portal(session, "/org/freedesktop/portal/desktop")
    loop = GLib.MainLoop()
    GLib.timeout_add_seconds(60, loop.quit)
    loop.run()
