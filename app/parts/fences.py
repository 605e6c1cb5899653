"""Markdown cut into prose and fenced code, so that code has a ground, colours and a copy button of its own.

A fence is three or more backticks or tildes at the start of a line, indented by at most three spaces; it is closed by
at least as many of the same, or by the end (CommonMark 0.31, 4.5). Prose is cut at empty lines where it is long.
Pictures that prose names lie elsewhere and are not fetched: their words stand there as links.
"""

import re
from collections.abc import Iterator

from app.parts.piece import SLICE_CHARS, Code, Piece, Prose, slices

MOST_CELLS = 250
_OPENING = re.compile(r"^ {0,3}(`{3,}+|~{3,}+)[ \t]*+([^\s`]*+)[^`]*+$")
# Code and escaped characters are passed over.
_PICTURE = re.compile(
    r"(?s)(?<!`)(`++).*?(?<!`)\1(?!`)|\\."
    r"|!\[(?P<words>[^\[\]\n]*+)\]\((?P<place><[^>\n]++>|[^\s()]++)(?:[ \t]++\"[^\"\n]*+\")?\)(?P<linked>\]\()?"
)
_LONGEST_PLACE = 120


def markdown(text: str) -> Iterator[Piece]:
    """The pieces of a Markdown text, in order."""
    prose: list[str] = []
    code: list[str] = []
    fence, language = "", ""
    for line in text.split("\n"):
        if fence:
            bare = line.strip()
            if len(bare) >= len(fence) and not bare.strip(fence[0]):
                yield from code_pieces("\n".join(code), language)
                code, fence = [], ""
            else:
                code.append(line)
        elif (opening := _OPENING.match(line)) is not None:
            yield from _prose(prose)
            prose, fence, language = [], opening[1], opening[2]
        else:
            prose.append(line)
    if fence:
        yield from code_pieces("\n".join(code), language)
    yield from _prose(prose)


def code_pieces(text: str, language: str = "", tone: str = "text") -> Iterator[Code]:
    """Code on one ground, in slices where it is long."""
    parts = list(slices(text.rstrip("\n")))
    for number, part in enumerate(parts):
        yield Code(
            part,
            language,
            whole=text if number == 0 else None,
            first=number == 0,
            last=number == len(parts) - 1,
            tone=tone,
        )


def _prose(lines: list[str]) -> Iterator[Piece]:
    run: list[str] = []
    size = 0
    for line in lines:
        run.append(line)
        size += len(line) + 1
        if size > SLICE_CHARS and not line.strip():
            yield from _sized("\n".join(run))
            run, size = [], 0
    yield from _sized("\n".join(run))


def _sized(text: str) -> Iterator[Piece]:
    text = text.strip("\n")
    if text.strip():
        # A paragraph without an end is cut all the same: a line of a megabyte would hold the window.
        for part in slices(text) if len(text) > 3 * SLICE_CHARS else (text,):
            if part.count("|") > MOST_CELLS:
                # Laying out hundreds of cells would hold the window.
                yield from code_pieces(part)
            else:
                yield Prose(_PICTURE.sub(_as_link, part) if "![" in part else part)


def _as_link(found: re.Match[str]) -> str:
    place = found["place"]
    if place is None:
        return found[0]
    words = found["words"].strip() or place.strip("<>")[:_LONGEST_PLACE]
    # Of a picture that is a link itself, the link stays.
    return f"{words}](" if found["linked"] else f"[{words}]({place})"
