"""Finish reasons in both directions. Source: google-genai's FinishReason.

Gemini ends tool calls with STOP; only that is read as a finish for tool calls, never a length or a filter.
"""

from gateway.model import Extra, FinishReason

_REASONS = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "LANGUAGE": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "IMAGE_RECITATION": FinishReason.CONTENT_FILTER,
    "IMAGE_OTHER": FinishReason.CONTENT_FILTER,
    "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
    "CONTINUATION": FinishReason.PAUSE,
}
_WORDS = {
    FinishReason.STOP: "STOP",
    FinishReason.STOP_SEQUENCE: "STOP",
    FinishReason.TOOL_CALLS: "STOP",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.CONTEXT: "MAX_TOKENS",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.PAUSE: "CONTINUATION",
    FinishReason.ERROR: "OTHER",
}


def parse_reason(word: str, called: bool) -> FinishReason:
    """An unknown word is a finish that we cannot vouch for. `called`: the answer holds tool calls."""
    reason = _REASONS.get(word, FinishReason.ERROR)
    return FinishReason.TOOL_CALLS if called and reason is FinishReason.STOP else reason


def is_exact(word: str) -> bool:
    """Whether the neutral reason alone gives the same word back."""
    return _WORDS[parse_reason(word, False)] == word


def render_reason(reason: FinishReason | None, own: Extra, dialect: str) -> str:
    said = own.get(dialect, {}).get("finishReason")
    return said if isinstance(said, str) else _WORDS[reason or FinishReason.STOP]
