"""What the values of settings may be: a parser for each kind, for TOML's value or a variable's text alike.

A parser raises ValueError whose text says what the value must be, to stand behind the setting's name.
"""

import contextlib
import math
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from gateway.errors import FaregateError

MIB = 1 << 20
# Where exporters send OTLP over HTTP unless told otherwise (opentelemetry.io, OTLP exporter configuration).
STANDARD_OTLP_PORT = 4318
VAULT_BACKENDS = ("keyring", "file", "memory")


class SettingsError(FaregateError):
    """A setting that cannot be used; one sentence that names it and says what it should be."""

    exit_code = 2


def parse_as(parse: Callable[[Any], Any], source: str, value: Any) -> Any:
    """A value through one of the parsers below; `source` says where it stands. Raises SettingsError."""
    try:
        return parse(value)
    except ValueError as error:
        raise SettingsError(f"{source} {error}.") from None


DAY_US = 86_400_000_000


class Keep(Struct, frozen=True, kw_only=True):
    """How long and how much is kept; None is without limit. A month counts as 30.4375 days."""

    days: float | None = None
    size_bytes: int | None = None


def longer(one: Keep, other: Keep) -> Keep:
    """What keeps all that either keeps."""
    days = None if one.days is None or other.days is None else max(one.days, other.days)
    whole = one.size_bytes is None or other.size_bytes is None
    return Keep(days=days, size_bytes=None if whole else max(one.size_bytes or 0, other.size_bytes or 0))


def oldest_us(keep: Keep, now_us: int) -> int | None:
    """What began before is too old; None where nothing is."""
    return None if keep.days is None else now_us - int(keep.days * DAY_US)


def parse_text(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isprintable():
        raise ValueError("must be text")
    return text


def parse_host(value: Any) -> str:
    """A host name or address; the brackets that a URL puts around an IPv6 address are left out."""
    return parse_text(value).removeprefix("[").removesuffix("]")


def parse_port(value: Any) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise ValueError("must be a port number from 0 to 65535")
    return value


def parse_switch(value: Any) -> bool:
    words = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
    known = value if isinstance(value, bool) else words.get(str(value).strip().lower())
    if known is None:
        raise ValueError("must be on or off")
    return known


def parse_standard_port(value: Any) -> int | None:
    """The standard port where it is on, None where it is off; a port number for another one."""
    text = str(value).strip()
    try:
        if text.isdecimal() and int(text) > 1:
            return parse_port(int(text))
        return STANDARD_OTLP_PORT if parse_switch(value) else None
    except ValueError:
        raise ValueError("must be on or off, or a port number") from None


def parse_names(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) and item.isprintable() for item in items):
        raise ValueError("must be a list of names")
    return tuple(stripped for item in items if (stripped := item.strip()))


def parse_words(known: Collection[str]) -> Callable[[Any], tuple[str, ...]]:
    """A parser of lists of some of these words."""

    def parse(value: Any) -> tuple[str, ...]:
        names = parse_names(value)
        if unknown := next((name for name in names if name not in known), None):
            raise ValueError(f"must be some of {', '.join(known)}, not {unknown!r}")
        return names

    return parse


def parse_origins(value: Any) -> tuple[str, ...]:
    origins = parse_names(value)
    for origin in origins:
        try:
            parts = urlsplit(origin)
            # Apps that are web pages within have a scheme of their own: app://obsidian.md, chrome-extension://ID.
            usable = bool(parts.scheme) and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable or parts.path or parts.query:
            raise ValueError(f"must be origins such as https://example.org, not {origin!r}")
    return origins


def parse_seconds(value: Any) -> float:
    with contextlib.suppress(TypeError, ValueError):
        seconds = float(value)
        if not isinstance(value, bool) and math.isfinite(seconds) and 0 < seconds <= 86_400:
            return seconds
    raise ValueError("must be seconds, more than 0 and at most 86400")


_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": MIB, "gib": 1 << 30}
_SPANS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}


def parse_size(value: Any) -> int:
    match = re.fullmatch(r"(\d{1,15})\s*([a-z]{0,3})", str(value).strip().lower())
    if isinstance(value, bool) or match is None or match[2] not in _SIZES or int(match[1]) == 0:
        raise ValueError('must be a number of bytes, or text such as "64 MiB"')
    return int(match[1]) * _SIZES[match[2]]


def parse_keep(value: Any) -> Keep:
    """`"30 days"`, `"5 GB"`, `"13 months, 5 GB"`, `"for ever"`."""
    days, size = None, None
    text = str(value).strip().lower()
    for piece in [] if text in ("for ever", "forever") else text.split(","):
        span = re.fullmatch(r"(\d{1,5})\s*(day|week|month|year)s?", piece.strip())
        if span is not None and days is None and int(span[1]):
            days = float(math.ceil(int(span[1]) * _SPANS[span[2]]))
        elif re.fullmatch(r"\d+\s*[kmg]i?b", piece.strip()) and size is None:
            size = parse_size(piece)
        else:
            raise ValueError('must be text such as "30 days", "5 GB", "13 months, 5 GB" or "for ever"')
    return Keep(days=days, size_bytes=size)


def parse_headers(text: str) -> Mapping[str, str]:
    """`name=value,name=value` with percent-encoded values, as OTEL_EXPORTER_OTLP_HEADERS has them.

    Raises ValueError, which names no value.
    """
    headers = {}
    for position, piece in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        name, equals, value = piece.partition("=")
        name = name.strip().lower()
        if not equals or not name or not name.isascii() or not name.isprintable() or " " in name:
            raise ValueError(f"header {position} is not written name=value")
        headers[name] = unquote(value.strip())
    return headers


def parse_backend(value: Any) -> str:
    backend = str(value).strip()
    if backend not in VAULT_BACKENDS:
        raise ValueError("must be keyring, file or memory")
    return backend


def parse_store(value: Any) -> str:
    if str(value).strip() != "sqlite":
        raise ValueError("must be sqlite: usage is kept in the data folder, and no other store exists")
    return "sqlite"


def parse_path(value: Any) -> Path:
    try:
        path = Path(parse_text(value)).expanduser()
    except RuntimeError:
        raise ValueError("must name a file, and names a user who is not known here") from None
    try:
        is_there = path.is_file()
    except OSError:
        # No file can be called so.
        is_there = False
    if not is_there:
        raise ValueError(f"must name a file that exists, and {path} does not")
    return path


def check_base_url(value: Any) -> str:
    """A provider's base URL without a slash at its end. Raises ValueError saying what it must be."""
    url = parse_text(value).rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and "@" not in parts.netloc and not any(map(str.isspace, url))
        # Raises for a name that none can have, as each call would.
        (parts.hostname or "").encode("idna")
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://api.example.com/v1, without user name or query")
    return url
