"""A desktop notification: by the tray where there is one, else by the desktop's portal (Linux).

The portal is org.freedesktop.portal.Notification (XDG Desktop Portal): it needs no tray, and a desktop without it
answers with an error, which is as good as no notification.
"""

import sys

from PySide6.QtCore import QObject
from PySide6.QtDBus import QDBusConnection, QDBusMessage

from app.tray import Tray

_SERVICE = "org.freedesktop.portal.Desktop"
_PATH = "/org/freedesktop/portal/desktop"
_INTERFACE = "org.freedesktop.portal.Notification"


class Notifications(QObject):
    """`deliver` says whether anyone was asked to show it."""

    def __init__(self, tray: Tray, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tray = tray
        self._number = 0

    def deliver(self, title: str, text: str) -> bool:
        if self._tray.available:
            self._tray.notify(title, text)
            return True
        return sys.platform.startswith("linux") and self._ask_portal(title, text)

    def _ask_portal(self, title: str, text: str) -> bool:
        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return False
        self._number += 1
        message = QDBusMessage.createMethodCall(_SERVICE, _PATH, _INTERFACE, "AddNotification")
        message.setArguments([f"faregate-{self._number}", {"title": title, "body": text}])
        # Nobody waits for the answer: the loop is not held while a portal starts.
        return bus.send(message)
