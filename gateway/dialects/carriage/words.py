"""The words of which the table's rows are made: dialects, verdicts, and fields by door."""

from collections.abc import Mapping

from gateway.dialects.verdicts import Fate, Verdict

C, A, D, R = Verdict.CARRIED, Verdict.ADAPTED, Verdict.DROPPED, Verdict.REFUSED
CHAT, RESPONSES, ANTHROPIC, GEMINI = "openai_chat", "openai_responses", "anthropic", "gemini"
DIALECT_NAMES = (CHAT, RESPONSES, ANTHROPIC, GEMINI)
CONFIG = "generationConfig."
PART = "contents[].parts[]."

Names = str | tuple[str, ...] | None
_Said = Mapping[str, tuple[str, ...]]


def doors(chat: Names = None, responses: Names = None, anthropic: Names = None, gemini: Names = None) -> _Said:
    said = zip(DIALECT_NAMES, (chat, responses, anthropic, gemini), strict=True)
    return {door: (names,) if isinstance(names, str) else names for door, names in said if names}


def at(*verdicts: Verdict | Fate) -> Mapping[str, Fate]:
    """One for each dialect in their order, or one for all."""
    found = verdicts * len(DIALECT_NAMES) if len(verdicts) == 1 else verdicts
    fates = (item if isinstance(item, Fate) else Fate(item) for item in found)
    return dict(zip(DIALECT_NAMES, fates, strict=True))
