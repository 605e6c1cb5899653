"""A JSON value as lines to be drawn: each with its depth, its coloured runs, and what of it can be closed.

A path is the way to a value from the root, as keys and places joined; closed paths show "…" and their size.
"""

import json
from collections.abc import Iterator, Set
from typing import Any

from msgspec import Struct

from app.parts.highlight import KEYWORD, NAME, NUMBER, STRING
from app.translation import tr

Run = tuple[str, str]
Path = tuple[str | int, ...]

MOST_LINES = 400
_LONG_STRING = 2_000
_SHORT_LINES = 16
_OPEN_DEPTH = 2
_OPEN_CHILDREN = 24


class JsonLine(Struct, frozen=True):
    """`runs` are (text, tone). `path` is that of a value that can be closed or opened here, None elsewhere."""

    depth: int
    runs: tuple[Run, ...]
    path: Path | None = None
    closed: bool = False


def closed_at_first(value: Any) -> frozenset[Path]:
    """What is closed until it is asked for: what lies deep, what has many children, and all but the outermost where
    the whole would be long."""
    closed = frozenset(_large(value, (), 0))
    if len(json_lines(value, closed)) > _SHORT_LINES:
        closed = frozenset((key,) for key, child in _children(value) if _children(child))
    return closed


def _large(value: Any, path: Path, depth: int) -> Iterator[Path]:
    children = _children(value)
    if not children:
        return
    if depth and (depth > _OPEN_DEPTH or len(children) > _OPEN_CHILDREN):
        yield path
        return
    for key, child in children:
        yield from _large(child, (*path, key), depth + 1)


def _children(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def json_lines(value: Any, closed: Set[Path]) -> list[JsonLine]:
    """At most `MOST_LINES`, and then one that says so."""
    made: list[JsonLine] = []
    for line in _lines(value, closed, (), 0, (), ""):
        if len(made) == MOST_LINES:
            made.append(JsonLine(0, ((tr("… more; close something above, or copy it whole"), "text3"),)))
            break
        made.append(line)
    return made


def _lines(
    value: Any, closed: Set[Path], path: Path, depth: int, before: tuple[Run, ...], after: str
) -> Iterator[JsonLine]:
    # Deep values are drawn by hand-kept levels no deeper than this; the rest is text.
    children = _children(value)
    if not children or depth > 40:
        yield JsonLine(depth, (*before, _scalar(value), (after, "text2")))
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    if path in closed:
        size = f"{len(children):,} {'key' if isinstance(value, dict) else 'item'}{'s' if len(children) != 1 else ''}"
        yield JsonLine(
            depth, (*before, (f"{opening} … {closing}{after}", "text2"), (f"  {size}", "text3")), path, True
        )
        return
    yield JsonLine(depth, (*before, (opening, "text2")), path)
    last = len(children) - 1
    for number, (key, child) in enumerate(children):
        name: tuple[Run, ...] = ()
        if isinstance(key, str):
            name = ((json.dumps(key, ensure_ascii=False), NAME), (": ", "text2"))
        yield from _lines(child, closed, (*path, key), depth + 1, name, "," if number < last else "")
    yield JsonLine(depth, ((closing + after, "text2"),))


def _scalar(value: Any) -> Run:
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return (text if len(text) <= _LONG_STRING else f"{text[:_LONG_STRING]}…", STRING)
    if isinstance(value, bool) or value is None:
        return (json.dumps(value), KEYWORD)
    if isinstance(value, int | float):
        return (json.dumps(value), NUMBER)
    if isinstance(value, dict | list):
        return ("{…}" if isinstance(value, dict) and value else "[…]" if value else json.dumps(value), "text2")
    return (str(value), "text")
