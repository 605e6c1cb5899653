"""The proxy that the system names for an address: `HTTPS_PROXY` and its kin, or the desktop's own settings."""

import urllib.request
from urllib.parse import urlsplit

from yarl import URL

from gateway.configuration.settings import is_loopback


class UnusableProxy(ValueError):
    """What the system names is no proxy that can be gone through. Its text ends a sentence."""


def system_proxy(url: str) -> str | None:
    """The proxy's own address, None where the way is direct, as it always is to this machine. Raises ValueError for
    what is no address, UnusableProxy for what is no proxy."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = urllib.request.getproxies().get(parts.scheme)
    if not named or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxy = named if "://" in named else f"http://{named}"
    if not _is_usable(proxy):
        # It may hold a password: what it says is not repeated.
        raise UnusableProxy(
            f"the system's proxy cannot be used: {parts.scheme.upper()}_PROXY must say http://host:port"
        )
    return proxy


def _is_usable(proxy: str) -> bool:
    try:
        parts = URL(proxy)
        host = parts.raw_host or ""
        # Whoever calls would meet what these raise: a name that none can have, a password that no header can hold.
        host.encode("idna")
        f"{parts.user}{parts.password}".encode("latin-1")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and parts.port != 0 and ":" not in (parts.user or "")
