"""The head of an HTTP/1.1 message, up to the line that ends it. Pure."""

from collections.abc import Iterable, Mapping

_LINE_END = "\r\n"


def http_head(start: str, headers: Mapping[str, str], more: Iterable[str]) -> bytes:
    """`start` is the first line, `more` are headers that are lines already. Raises ValueError where a line holds the
    end of one: what follows would be taken for another header."""
    lines = [start, *[f"{name}: {value}" for name, value in headers.items()], *more]
    head = _LINE_END.join(lines)
    ends = len(lines) - 1
    if head.count("\n") != ends or head.count("\r") != ends or "\0" in head:
        raise ValueError("A header must be one line.")
    return (head + "\r\n\r\n").encode("utf-8", "surrogateescape")


def header_text(value: str) -> str:
    """What a header says whose bytes that are no UTF-8 came as surrogates: JavaScript sends names in Latin-1."""
    if value.isascii():
        return value
    try:
        sent = value.encode("utf-8", "surrogateescape")
        return sent.decode()
    except UnicodeDecodeError:
        return sent.decode("latin-1")
    except UnicodeEncodeError:
        return value
