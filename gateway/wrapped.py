"""Texts that a tool puts around its user's words: whole within elements, such as <system-reminder>. Pure."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence

# A tag ends before the next one begins: a search for each one's end through all that follows would take for ever.
_OPENING = re.compile(r"\s*+<([A-Za-z][\w-]*+)[^<>]*+>")
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*+)(?=[\s/>])[^<>]*+>")
_NOTHING_MORE = re.compile(r"\s*\Z")


def element_of(text: str) -> str | None:
    """The name of the element that all of a text stands in, or of the first where several follow one another
    ("environment_context"); None where words stand outside of them."""
    first, place = None, 0
    tags: Mapping[str, Sequence[int]] = {}
    while opening := _OPENING.match(text, place):
        tags = tags or _tags_of(text)
        first = first or opening[1]
        end = _end_of(tags.get(opening[1], ()), place)
        if end is None:
            return None
        if _NOTHING_MORE.match(text, end):
            return first
        place = end
    return None


def _tags_of(text: str) -> Mapping[str, Sequence[int]]:
    """Where the tags of each name end, below zero those that open. Each element looks at those of its name alone: at
    all that follow, many that do not end before the text does would take for ever."""
    tags: dict[str, list[int]] = {}
    for tag in _TAG.finditer(text):
        tags.setdefault(tag[2], []).append(tag.end() if tag[1] else -tag.end())
    return tags


def _end_of(tags: Sequence[int], start: int) -> int | None:
    """Where the element ends that begins at `start`; one that names its own tag without closing it lasts until the
    text's last one."""
    depth, last = 0, None
    for number in range(bisect_right(tags, start, key=abs), len(tags)):
        closed_at = tags[number]
        depth += -1 if closed_at > 0 else 1
        last = closed_at if closed_at > 0 else last
        if depth == 0:
            return last
    return last
