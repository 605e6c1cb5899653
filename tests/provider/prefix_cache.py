"""A prompt cache as the providers have it: what a request begins with is cheaper where an earlier one began the same.

Anthropic keeps only what ends at a cache mark and counts what it writes; the others keep every beginning by
themselves and count what they read. A beginning shorter than 1024 tokens is not worth keeping to any of them.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_WORTHWHILE = 1024


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A piece of the prompt in the order in which the model reads it. `mark`: "" no mark, else its time to live."""

    value: Any
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Tokens of a prompt: read from the cache, written to it by time to live, and the rest."""

    fresh: int
    read: int
    write_5m: int = 0
    write_1h: int = 0


class PrefixCache:
    def __init__(self) -> None:
        self._known: set[str] = set()

    def look(self, owner: str, segments: Sequence[Segment], *, only_marked: bool) -> Found:
        """What of this prompt was known, and what is from now on. `owner` is the provider and its model."""
        hashed = hashlib.blake2b(owner.encode(), digest_size=16)
        total = read = 0
        ends: list[tuple[str, int, str]] = []
        for segment in segments:
            text = json.dumps(segment.value, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
            hashed.update(text)
            total += max(1, len(text) // 4)
            if total >= _WORTHWHILE and (segment.mark or not only_marked):
                ends.append((hashed.copy().hexdigest(), total, segment.mark))
        for name, end, _ in ends:
            read = end if name in self._known else read
        self._known |= {name for name, _, _ in ends}
        if not only_marked:
            return Found(fresh=total - read, read=read)
        written = {"5m": 0, "1h": 0}
        last = read
        for _, end, mark in ends:
            written[mark] += max(0, end - last)
            last = max(last, end)
        return Found(fresh=total - last, read=read, write_5m=written["5m"], write_1h=written["1h"])
