"""A block of the thread: what it is, how much of it is shown folded, and the pieces that are drawn of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from app import formats
from app.parts import VIEWS
from app.parts.fences import code_pieces
from app.parts.picture import label_of
from app.parts.piece import (
    EVERYTHING,
    WITHOUT_END,
    Code,
    More,
    Note,
    Piece,
    Plain,
    Room,
    Tree,
    cut,
    slices,
)
from app.translation import tr
from gateway import (
    Blob,
    File,
    HostedTool,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ThreadMessage,
    Tool,
    ToolCall,
    ToolCallResponse,
    Uri,
)

FOLDED, OPEN, WHOLE = "folded", "open", "whole"
HEAVY = 40_000
_LONGEST_ADDRESS = 2_000


class Kind(Struct, frozen=True):
    """`tone` names a colour token or the place of a series ("0" to "5"). `room` is what a folded block shows.

    `card`: on a surface with a head.
    """

    icon: str
    tone: str
    room: Room
    card: bool = True


KINDS: Mapping[str, Kind] = {
    # As many characters as stand in two lines at the design's width.
    "system": Kind("scroll-text", "text2", Room(2, 120, " …")),
    "tools": Kind("wrench", "text2", Room(2, 180)),
    "context": Kind("info", "text2", Room(2, 120, " …")),
    "user": Kind("user", "text", Room(60, 12_000)),
    "assistant": Kind("bot", "0", Room(400, 24_000)),
    "reasoning": Kind("brain", "3", Room(12, 2_000)),
    "tool": Kind("wrench", "2", Room(8, 1_600)),
    "body": Kind("file-text", "text2", Room(8, 1_600)),
    "headers": Kind("list", "text2", Room(200, 12_000)),
    "error": Kind("circle-alert", "bad", Room(12, 2_000)),
    "repeated": Kind("history", "text3", Room(1, 100)),
    "attempts": Kind("rotate-ccw", "warn", Room(1, 160)),
    "aside": Kind("git-branch", "text2", Room(1, 160)),
    "waiting": Kind("clock", "0", Room(4, 400)),
    "divider": Kind("", "text3", Room(1, 200), card=False),
    "turn": Kind("", "text3", Room(40, 8_000), card=False),
}


class Block(Struct, frozen=True, kw_only=True):
    """`key` is the same as long as the block means the same, also when the conversation has grown.

    `title` is the head's word, `detail` a name in mono behind it, `right` what stands at its right end. `siblings`:
    the other ways at a fork, of which `turn` is shown. `text` is a line of our own where no part says it.
    """

    key: str
    kind: str
    title: str
    detail: str = ""
    right: str = ""
    turn: int | None = None
    parts: tuple[Part | Tool | HostedTool, ...] = ()
    notes: tuple[Note, ...] = ()
    text: str = ""
    siblings: tuple[int, ...] = ()
    fork: int = -1
    aside: int | None = None
    message: int | None = None


def pieces_of(block: Block, shown: str) -> list[Piece]:
    """What is drawn under the head; `shown` is folded, open or whole."""
    kind = KINDS[block.kind]
    room = {FOLDED: kind.room, OPEN: EVERYTHING, WHOLE: WITHOUT_END}[shown]
    made: list[Piece] = []
    if block.kind == "turn":
        made.append(Plain(block.title, "text3", px=12))
    if block.kind == "headers":
        made += code_pieces(cut(block.text, room), "http")
    elif block.text:
        tone = "bad" if block.kind == "error" else "text2"
        made += [Plain(piece, tone) for piece in slices(cut(block.text, room))]
    if block.kind == "tools":
        made += _tool_list(block, shown)
    else:
        for part in block.parts:
            made += VIEWS[type(part)](part, room)
    made += block.notes
    if (hidden := _hidden(block, room)) is not None:
        whole = formats.size(extent(block)[0])
        made.append(More(hidden if shown == FOLDED else tr("Load all of it ({size})").format(size=whole)))
    return made


def _hidden(block: Block, room: Room) -> str | None:
    """What opening shows more of; None where all is shown."""
    if room.chars < 1000 and block.kind in ("system", "tools", "context", "repeated", "aside"):
        return None
    lines, over = 0, False
    for part in block.parts:
        for text in _texts(part):
            lines += text.count("\n") + 1
            over = over or len(text) > room.chars or text.count("\n", 0, room.chars) >= room.lines
    return (
        tr("Show all {lines:,} lines").format(lines=lines) if over and lines > 1 else tr("Show all") if over else None
    )


def is_heavy(block: Block) -> bool:
    """Whether its pieces are made by a worker when it is opened: parsing would hold the window."""
    return extent(block)[0] > HEAVY


def can_fold(block: Block) -> bool:
    """Whether there is more of it than a folded block shows."""
    kind = KINDS[block.kind]
    if not kind.card:
        return False
    if block.kind in ("tools", "aside"):
        return True
    room = kind.room
    texts = [text for part in block.parts for text in _texts(part)] + [block.text]
    return any(len(text) > room.chars or text.count("\n", 0, room.chars) >= room.lines for text in texts)


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, Text | Refusal | Reasoning):
        yield part.text
    elif isinstance(part, ToolCall):
        yield part.arguments
    elif isinstance(part, ToolCallResponse):
        for item in part.content:
            yield from _texts(item)


def named(part: Any) -> Iterator[str]:
    """What stands in a text for pictures and files, which it cannot hold."""
    if isinstance(part, Blob):
        yield f"[{label_of(part)}]"
    elif isinstance(part, Uri):
        yield f"[{part.uri[:_LONGEST_ADDRESS]}]"
    elif isinstance(part, File):
        yield f"[{part.filename or part.file_id}]"
    elif isinstance(part, ToolCallResponse):
        for item in part.content:
            yield from named(item)


def extent(block: Block, room: Room = WITHOUT_END) -> tuple[int, int]:
    """(characters, line breaks) of what it says as far as there is room for each text."""
    characters = breaks = 0
    for text in [text for part in block.parts for text in _texts(part)] + [block.text]:
        characters += min(len(text), room.chars)
        breaks += min(text.count("\n", 0, room.chars), room.lines)
    return characters, breaks


def folded_extent(block: Block) -> tuple[int, int]:
    """Of what it says while it is folded."""
    return extent(block, KINDS[block.kind].room)


def text_of(block: Block) -> str:
    """What it says as plain text, for the clipboard and for finding."""
    said = [text for part in block.parts for text in _texts(part)]
    said += [part.name for part in block.parts if isinstance(part, Tool)]
    said += [msgspec.json.encode(part.value).decode() for part in block.parts if isinstance(part, Opaque)]
    said += [name for part in block.parts for name in named(part)]
    if not said or block.kind in ("turn", "divider"):
        said = [block.text or block.title, *(note.text for note in block.notes)]
    return "\n".join(filter(None, said))


def first_with(blocks: Sequence[Block], words: str) -> str | None:
    """The key of the first block that says the words, in any case."""
    lower = words.casefold()
    return next((block.key for block in blocks if lower and lower in text_of(block).casefold()), None)


def turn_with(messages: Sequence[ThreadMessage], words: str) -> int | None:
    """The first turn in which the words were said, in any case, on whatever way."""
    lower = words.casefold()
    said = ((message.turn, text) for message in messages for part in message.parts for text in _texts(part))
    return next((turn for turn, text in said if lower and lower in text.casefold()), None)


def _tool_list(block: Block, shown: str) -> Iterator[Piece]:
    tools = [part for part in block.parts if isinstance(part, Tool | HostedTool)]
    if shown == FOLDED:
        names = ", ".join(tool.name if isinstance(tool, Tool) else tool.type for tool in tools)
        yield Plain(names if len(names) <= 180 else f"{names[:180]}…", "text2", mono=True, px=12)
        return
    for tool in tools:
        if isinstance(tool, Tool):
            yield Plain(tool.name, "text", mono=True, px=12)
            if tool.description:
                yield Plain(tool.description[:4000], "text2", px=12)
            if tool.parameters:
                source = msgspec.json.encode(tool.parameters).decode()
                yield Tree(msgspec.json.decode(source), source)
        else:
            yield Plain(tr("{type}, run by the provider").format(type=tool.type), "text", mono=True, px=12)
            yield Code(msgspec.json.encode(tool.value).decode(), "json")
