"""Texts that a tool puts around its user's words: whole within elements, such as <system-reminder>. Pure."""

import re

# A tag ends before the next one begins: a search for each one's end through all that follows would take for ever.
_OPENING = re.compile(r"\s*+<([A-Za-z][\w-]*+)[^<>]*+>")
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*+)(?=[\s/>])[^<>]*+>")
_NOTHING_MORE = re.compile(r"\s*\Z")


def element_of(text: str) -> str | None:
    """The name of the element that all of a text stands in, or of the first where several follow one another
    ("environment_context"); None where words stand outside of them."""
    first, place = None, 0
    while opening := _OPENING.match(text, place):
        first = first or opening[1]
        end = _end_of(text, opening)
        if end is None:
            return None
        if _NOTHING_MORE.match(text, end):
            return first
        place = end
    return None


def _end_of(text: str, opening: re.Match[str]) -> int | None:
    """Where an element ends; one that names its own tag without closing it lasts until the text's last one."""
    depth, last = 0, None
    for tag in _TAG.finditer(text, opening.start()):
        if tag[2] == opening[1]:
            depth += -1 if tag[1] else 1
            last = tag.end() if tag[1] else last
            if depth == 0:
                return last
    return last
