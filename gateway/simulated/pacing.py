"""How fast each family of models answers, and how much it reasons: a small table of believable figures.

The server waits by it, and the example history draws its latencies around it.
"""

import math
from collections.abc import Iterator, Sequence

from msgspec import Struct

from gateway.events import Delta, Event

# A write every so often is enough to look alive, and wakes the window's loop far less than one for each token.
_BEAT_S = 0.05


class Profile(Struct, frozen=True):
    """`ttft_s` seconds to the first token, `tokens_per_s` after it, `reasoning` tokens at medium effort (0: none)."""

    ttft_s: float
    tokens_per_s: float
    reasoning: int = 0


_FALLBACK = Profile(0.8, 90)
# Longest prefix wins.
_PROFILES = {
    "claude-opus": Profile(1.4, 58),
    "claude-sonnet": Profile(1.0, 74),
    "claude-haiku": Profile(0.5, 140),
    "gpt-5": Profile(1.2, 80, 220),
    "gpt-6": Profile(1.1, 95, 220),
    "gpt-4.1": Profile(0.6, 85),
    "gpt-4.1-mini": Profile(0.42, 115),
    "gpt-4.1-nano": Profile(0.3, 160),
    "gpt-4o": Profile(0.5, 92),
    "gpt-4o-mini": Profile(0.4, 120),
    "o3": Profile(2.4, 85, 420),
    "o4-mini": Profile(1.7, 120, 320),
    "text-embedding": Profile(0.12, 1000),
    "gemini-3": Profile(1.6, 95, 320),
    "gemini-4": Profile(1.3, 110, 320),
    "gemini-2.5-pro": Profile(1.7, 105, 320),
    "gemini-2.5-flash": Profile(0.45, 190, 90),
    "gemini-2.0": Profile(0.38, 180),
    "gemini-embedding": Profile(0.15, 1000),
    "grok-4": Profile(0.8, 98, 160),
    "grok-4-1-fast": Profile(0.5, 150, 180),
    "grok-4-1-fast-non-reasoning": Profile(0.35, 160),
    "grok-3": Profile(0.55, 66),
    "grok-3-mini": Profile(0.5, 112, 200),
}


def profile(model: str) -> Profile:
    """The profile of the longest known prefix of `model`."""
    known = [prefix for prefix in _PROFILES if model.startswith(prefix)]
    return _PROFILES[max(known, key=len)] if known else _FALLBACK


def paced(events: Sequence[Event], model: str, pace: float) -> Iterator[tuple[float, list[Event]]]:
    """The events in groups, each with the seconds to wait before it; `pace` 0 is all at once, 1 realistic."""
    if pace <= 0:
        yield 0.0, list(events)
        return
    figures = profile(model)
    first = next((index for index, event in enumerate(events) if isinstance(event, Delta)), len(events))
    yield 0.0, list(events[:first])
    wait, group = figures.ttft_s * pace, list[Event]()
    for event in events[first:]:
        group.append(event)
        if isinstance(event, Delta):
            if wait >= _BEAT_S * min(pace, 1.0):
                yield wait, group
                wait, group = 0.0, []
            wait += count_tokens(event.text) / figures.tokens_per_s * pace
    yield wait, group


def whole_wait(model: str, output_tokens: int, pace: float) -> float:
    """Seconds until an answer that is not streamed is there."""
    figures = profile(model)
    return (figures.ttft_s + output_tokens / figures.tokens_per_s) * pace


def count_tokens(text: str) -> int:
    """Bytes / 4, rounded up: simple, and the same each time."""
    return math.ceil(len(text.encode()) / 4)
