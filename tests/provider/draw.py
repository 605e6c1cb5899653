"""What one call answers: random token counts, random text, tool calls made up from their schemas.

Counts are drawn in separate heaps (fresh, cache read, cache writes, tool use, visible output, reasoning), so that each
format adds up its own totals from them and the ledger adds up the neutral ones, each by arithmetic of its own.
"""

import json
import math
import random
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any

# Latin, accents, CJK, right-to-left, combining marks, emoji with joiners, and what breaks line and JSON parsers.
_WORDS = [
    "river",
    "stone",
    "answer",
    "quick",
    "lantern",
    "seven",
    "blue",
    "meadow",
    "copper",
    "winter",
    "signal",
    "garden",
    "paper",
    "harbour",
    "velvet",
    "naïve",
    "façade",
    "Straße",
    "Ærøskøbing",
    "jalapeño",
    "東京",
    "你好",
    "안녕하세요",
    "مرحبا",
    "שלום",
    "Здравствуйте",
    "ไทย",
    "éclair",
    "👩\u200d👩\u200d👧\u200d👦",
    "🚀",
    "🏳️\u200d🌈",
    "𝔘𝔫𝔦",
    '"quoted"',
    "back\\slash",
    "<b>&amp;</b>",
    '{"a":1}',
    "data:",
    "event:",
    "\u2028",
    "\xa0",
    "\t",
    "tab",
    "[DONE]",
]


@dataclass(frozen=True, kw_only=True)
class Ability:
    """Which heaps a model's provider counts."""

    cache: bool = True
    cache_writes: bool = False
    reasoning: bool = False
    tool_use: bool = False


@dataclass(frozen=True, kw_only=True)
class Counts:
    fresh: int
    cache_read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    tool_use: int = 0
    visible: int = 0
    reasoning: int = 0
    cost_ticks: int = 0


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    id: str
    name: str
    arguments: dict[str, Any]

    @property
    def arguments_json(self) -> str:
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`finish`: stop, stop_sequence, length, tool_calls, filter or refusal, whose words are the text.

    `redacted`: the reasoning is given, but hidden.
    """

    id: str
    created: int
    model: str
    text: str
    counts: Counts
    reasoning: str | None = None
    calls: tuple[ToolCall, ...] = ()
    finish: str = "stop"
    stop_sequence: str | None = None
    redacted: bool = False


def draw_counts(rng: random.Random, ability: Ability) -> Counts:
    """Log-uniform sizes, so that small calls are common and the long-context price steps are crossed now and then."""
    return Counts(
        fresh=_size(rng, 260_000),
        cache_read=_size(rng, 120_000) if ability.cache and rng.random() < 0.6 else 0,
        write_5m=_size(rng, 20_000) if ability.cache_writes and rng.random() < 0.4 else 0,
        write_1h=_size(rng, 20_000) if ability.cache_writes and rng.random() < 0.3 else 0,
        tool_use=_size(rng, 3_000) if ability.tool_use and rng.random() < 0.3 else 0,
        visible=_size(rng, 16_000),
        reasoning=_size(rng, 24_000) if ability.reasoning and rng.random() < 0.8 else 0,
        cost_ticks=rng.randrange(1_000, 10**11),
    )


def draw_vector(text: str, width: int) -> list[float]:
    """Texts that share words point the same way, the same text always to the same place; not of length one.

    Rounded to what a 32-bit float holds, so that both encodings say the same.
    """
    rng = random.Random(text)
    values = [rng.uniform(-0.05, 0.05) for _ in range(width)]
    for word in re.findall(r"\w+", text.lower()):
        place = zlib.crc32(word.encode())
        values[place % width] += 1 if place & 1 << 20 else -1
    return [struct.unpack("<f", struct.pack("<f", value))[0] for value in values]


def draw_text(rng: random.Random, words: int = 24) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(rng.randint(words // 2, words)))


def draw_id(rng: random.Random, prefix: str, length: int = 24) -> str:
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return prefix + "".join(rng.choices(alphabet, k=length))


def draw_arguments(rng: random.Random, schema: dict[str, Any] | None) -> dict[str, Any]:
    """Arguments that satisfy an object schema; required properties always, the others half of the time."""
    schema = schema or {}
    required = set(schema.get("required") or ())
    properties: dict[str, Any] = schema.get("properties") or {}
    return {
        name: _draw_value(rng, shape) for name, shape in properties.items() if name in required or rng.random() < 0.5
    }


def _draw_value(rng: random.Random, schema: dict[str, Any]) -> Any:
    if schema.get("enum"):
        return rng.choice(schema["enum"])
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = next(name for name in kind if name != "null")
    match str(kind).lower():
        case "object":
            return draw_arguments(rng, schema)
        case "array":
            return [_draw_value(rng, schema.get("items") or {}) for _ in range(rng.randint(1, 3))]
        case "integer":
            return rng.randint(-1000, 1000)
        case "number":
            return round(rng.uniform(-1000, 1000), 3)
        case "boolean":
            return rng.random() < 0.5
    return draw_text(rng, 6)


def fragments(rng: random.Random, text: str, pieces: int = 8) -> list[str]:
    """The text in random pieces, none empty."""
    if len(text) < 2:
        return [text] if text else []
    cuts = sorted(rng.sample(range(1, len(text)), k=min(pieces - 1, len(text) - 1)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _size(rng: random.Random, largest: int) -> int:
    return int(math.exp(rng.uniform(0, math.log(largest))))
