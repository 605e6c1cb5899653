"""Texts that a tool puts around its user's words: whole within an element, such as <system-reminder>. Pure."""

import re

_WRAPPED = re.compile(r"\s*<([A-Za-z][\w-]*)[^>]*>.*</\1>\s*", re.DOTALL)


def element_of(text: str) -> str | None:
    """The name of the element that all of a text stands in ("environment_context"); None where it stands in none."""
    # Most texts begin otherwise, and are long.
    found = _WRAPPED.fullmatch(text) if text.lstrip().startswith("<") else None
    return found[1] if found else None
