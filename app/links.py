"""Addresses in what was said: opened only when they are pressed, and only in the browser or for mail."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

_SCHEMES = ("http", "https", "mailto")


def open_link(address: str) -> None:
    """Opens it, or does nothing where it is of another kind: a file, or a program of the system's."""
    url = QUrl(address)
    if url.scheme().lower() in _SCHEMES:
        QDesktopServices.openUrl(url)
