"""Who may speak to a server on loopback: tools on this machine, and no web page.

A page can reach loopback by a name of its own (DNS rebinding) or by a plain form post, so the `Host`, `Origin` and
`Sec-Fetch-Site` headers must be loopback's. Content types keep nobody out, and a bare `curl -d` must work.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from gateway.errors import ClientError

_NAMES = frozenset({"localhost", "ip6-localhost"})


def is_loopback(host: str) -> bool:
    """Whether a host name (without port or brackets) is loopback's, as tools spell it: the settings also take what
    a person may write (`127.0.0.1.`, `a.localhost`)."""
    if host.lower() in _NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(value: str) -> str | None:
    """The name in a `Host` header, None where it is malformed."""
    if value.startswith("["):
        name, bracket, port = value[1:].partition("]")
        port = port.removeprefix(":")
        return name if bracket and (not port or port.isdecimal()) else None
    name, colon, port = value.partition(":")
    if not name or (colon and not port.isdecimal()):
        return None
    return name


def check_host(values: Collection[str], allowed: Collection[str]) -> None:
    """Raises ClientError (403) unless there is one `Host` and it is loopback's or allowed by name."""
    name = host_name(next(iter(values))) if len(values) == 1 else None
    if name is None or not (is_loopback(name) or name.lower() in allowed):
        raise _refused("Host", "127.0.0.1 or localhost, or add the name to server.allowed_hosts")


def check_origin(origin: str | None, fetch_site: str | None, allowed: Collection[str]) -> bool:
    """Raises ClientError (403) for a web page elsewhere; says whether the origin is one that is allowed by name."""
    if origin is not None:
        if origin in allowed:
            return True
        if not is_loopback(_host_of(origin)):
            raise _refused("Origin", "a tool instead of a web page, or add the origin to server.allowed_origins")
    if fetch_site not in (None, "none", "same-origin", "same-site"):
        raise _refused("Sec-Fetch-Site", "a tool instead of a web page, or add its origin to server.allowed_origins")
    return False


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _refused(header: str, remedy: str) -> ClientError:
    return ClientError(
        f"This gateway answers this machine only, and the {header} header is not its own: use {remedy}.",
        status=403,
        kind="forbidden",
    )
