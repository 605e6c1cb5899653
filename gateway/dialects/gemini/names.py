"""Tool names as Gemini takes them: a letter or an underscore first, then letters, digits and `_ . : -`.

OpenAI and Anthropic also allow a digit or a dash in front. Such a name gets a prefix, which is taken off again when
the model calls it; a name that has the prefix by itself gets it once more, so that every name comes back as it was.
"""

import re

from gateway.dialects.losses import Losses

_LEGAL = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_PREFIX = "fn__"


def escape(name: str, losses: Losses, place: str | None = None) -> str:
    """Raises Unsupported for a name that no prefix makes legal."""
    escaped = name if _LEGAL.fullmatch(name) and not name.startswith(_PREFIX) else _PREFIX + name
    if not _LEGAL.fullmatch(escaped):
        losses.meet("tool_name", place, name)
    return escaped


def restore(name: str) -> str:
    return name.removeprefix(_PREFIX)
