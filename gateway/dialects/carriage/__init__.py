"""The table door × provider × feature: what is carried, adapted, dropped and refused. Data only.

The codecs ask it by `losses.Losses.meet`, the 400s have their sentences from it, and the page `README.md` beside it
and the tests' expectations are made of it. A feature is dropped where the answer is right without it (hints, quality,
billing), refused where its loss would change the answer's meaning. Values that equal a default say nothing and are no
features. Fields are told in the door's own words, `[]` for any place in a list.
"""

from collections.abc import Mapping

from gateway.dialects.carriage.conversation import CONVERSATION
from gateway.dialects.carriage.hints import HINTS
from gateway.dialects.carriage.media import MEDIA
from gateway.dialects.carriage.output import FORMAT
from gateway.dialects.carriage.reasoning import REASONING
from gateway.dialects.carriage.sampling import SAMPLING
from gateway.dialects.carriage.state import STATE
from gateway.dialects.carriage.tools import TOOLS
from gateway.dialects.carriage.words import ANTHROPIC, CHAT, DIALECT_NAMES, GEMINI, RESPONSES
from gateway.dialects.verdicts import Row

__all__ = ["AGENT_TOOLS", "ANTHROPIC", "BY_NAME", "CHAT", "DIALECT_NAMES", "GEMINI", "RESPONSES", "ROWS", "SECTIONS"]

SECTIONS: Mapping[str, tuple[Row, ...]] = {
    "Conversation": CONVERSATION,
    "Tools": TOOLS,
    "Media": MEDIA,
    "Reasoning": REASONING,
    "Output": FORMAT,
    "Sampling": SAMPLING,
    "State at a provider": STATE,
    "Hints": HINTS,
}
ROWS: tuple[Row, ...] = tuple(row for rows in SECTIONS.values() for row in rows)
# Looked up at each use, so that a changed row changes what is done.
BY_NAME: dict[str, Row] = {row.name: row for row in ROWS}
# What an agent puts into every request, whether it is of use or not.
AGENT_TOOLS: Mapping[str, frozenset[str]] = {
    "Codex": frozenset(("web_search", "web_search_preview", "local_shell", "image_generation", "tool_search"))
}
