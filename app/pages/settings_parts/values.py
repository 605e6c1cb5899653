"""Between what `config.toml` takes and what a field shows; pure. The gateway checks values, not this."""

import re
from collections.abc import Callable, Mapping
from typing import Any

_UNITS = (
    ("GiB", 1 << 30),
    ("GB", 10**9),
    ("MiB", 1 << 20),
    ("MB", 10**6),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
)
# What the gateway tells in days and people say otherwise.
_SPANS = {"13 months": "396 days", "5 years": "1827 days"}
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")


def size_text(value: Any) -> str:
    """64 MiB for 67108864, and 64 B for 64: who left the unit out sees what was understood."""
    if not isinstance(value, int):
        return "" if value is None else str(value)
    unit, size = next(row for row in _UNITS if value % row[1] == 0)
    return f"{value // size} {unit}"


def plain_text(value: Any) -> str:
    return "" if value is None else str(value)


def seconds_text(value: Any) -> str:
    """600 s rather than 600.0, and 3,600 s: as the window writes numbers everywhere."""
    return f"{value:,.10g} s" if isinstance(value, int | float) else plain_text(value)


def keep_text(value: Any) -> str:
    """13 months rather than 396 days; the gateway reads both as the same."""
    text = plain_text(value)
    return next((spoken for spoken, exact in _SPANS.items() if exact == text), text)


def names_text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list | tuple) else plain_text(value)


def whole_number(text: str) -> Any:
    """The number where it is one, else the text as it stands: the gateway says what is wrong with it."""
    return int(text) if text.isdecimal() else text


def seconds(text: str) -> Any:
    """The number of seconds, with its unit and separators or without; else the text as it stands."""
    number = text.removesuffix("s").rstrip()
    if _GROUPED.fullmatch(number):
        # No other comma: in many languages "1,5" is one and a half, and never fifteen.
        number = number.replace(",", "")
    try:
        return float(number)
    except ValueError:
        return text


def names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def text_or_none(text: str) -> str | None:
    return text or None


TEXTS: Mapping[str, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    "text": (plain_text, text_or_none),
    "port": (plain_text, whole_number),
    "size": (size_text, whole_number),
    "seconds": (seconds_text, seconds),
    "names": (names_text, names),
    "keep": (keep_text, text_or_none),
}
"""For each kind of field: what it shows for a value, and the value for what was typed."""
