"""Answers with a row for each value or slice of time, of which there can be hundreds of thousands.

Made at once they would hold the loop for seconds, in which no call is answered and the window stands still: many rows
are made beside it, and sent piece by piece.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from gateway.routes import Download, made_beside

# Some milliseconds of the loop, and of its share while a thread makes a piece.
PIECE_ROWS = 250

_JSON = "application/json"

_Row = TypeVar("_Row")


def of_rows(name: str, rows: Sequence[_Row], render: Callable[[_Row], Any], rest: Mapping[str, Any]) -> Any:
    """The JSON object that has these rows, rendered, under a name, and then the rest."""
    if len(rows) <= PIECE_ROWS:
        return {name: [render(row) for row in rows], **rest}
    return Download(headers={"content-type": _JSON}, chunks=_pieces(name, rows, render, rest))


async def of_one(render: Callable[[], Any]) -> Download:
    """The answer that this makes: one that is long though it has no rows, or not of one kind."""
    return await made_beside(_JSON, lambda: msgspec.json.encode(render()))


async def _pieces(
    name: str, rows: Sequence[_Row], render: Callable[[_Row], Any], rest: Mapping[str, Any]
) -> AsyncGenerator[bytes, None]:
    def encoded(first: int) -> bytes:
        # Without the brackets of the list.
        return msgspec.json.encode([render(row) for row in rows[first : first + PIECE_ROWS]])[1:-1]

    before = b"{" + msgspec.json.encode(name) + b":["
    for first in range(0, len(rows), PIECE_ROWS):
        yield before + await asyncio.to_thread(encoded, first)
        before = b","
    yield b"]" + b"".join(b",%b:%b" % tuple(map(msgspec.json.encode, pair)) for pair in rest.items()) + b"}"
