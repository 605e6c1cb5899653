"""The witness's own book: one JSON line per call, in neutral terms and by arithmetic of its own.

Neutral: input includes cached and cache-written tokens, output includes reasoning; null is a number that the provider
does not say, 0 one that it does say. `reported` is what the client was told before the answer ended (null: nothing).
"""

import json
import time
from dataclasses import asdict, dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from tests.provider.draw import Counts


@dataclass(frozen=True, kw_only=True)
class Said:
    """Which numbers a format says; the others are null in the ledger."""

    cached: bool = True
    cache_write: bool = False
    cache_write_1h: bool = False
    output: bool = True
    reasoning: bool = True
    cost: bool = False


def neutral(counts: Counts, said: Said) -> dict[str, int | None]:
    written = counts.write_5m + counts.write_1h
    nano = int((Decimal(counts.cost_ticks) / 10).to_integral_value(ROUND_HALF_EVEN))
    return {
        "input": counts.fresh + counts.cache_read + written + counts.tool_use,
        "cached": counts.cache_read if said.cached else None,
        "cache_write": written if said.cache_write else None,
        "cache_write_1h": counts.write_1h if said.cache_write_1h else None,
        "output": counts.visible + counts.reasoning if said.output else None,
        "reasoning": counts.reasoning if said.reasoning else None,
        "cost_nano": nano if said.cost else None,
    }


UNKNOWN: dict[str, int | None] = dict.fromkeys(neutral(Counts(fresh=0), Said()))


@dataclass(kw_only=True)
class Entry:
    """`request_id` is the provider's own; `client_request_id` what came in `x-request-id` or its like.

    `status` is null where nothing was answered. `complete`: the last byte was handed over. `client_left`: the client
    closed first. `answer` is what was said: text, tool calls, finish; `understood` what was asked (`understood.py`).
    """

    n: int
    provider: str
    operation: str
    request_id: str
    client_request_id: str | None
    model: str | None = None
    streamed: bool = False
    status: int | None = None
    complete: bool = False
    client_left: bool = False
    behaviours: list[str] = field(default_factory=list)
    prompt: str = ""
    body_sha256: str = ""
    body_bytes: int = 0
    key_tail: str = ""
    answer: dict[str, Any] | None = None
    understood: dict[str, Any] | None = None
    usage: dict[str, int | None] = field(default_factory=lambda: dict(UNKNOWN))
    reported: dict[str, int | None] | None = None
    rejected: str | None = None
    started: float = field(default_factory=time.time)
    ended: float | None = None


class Ledger:
    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def append(self, entry: Entry) -> None:
        entry.ended = time.time()
        values = asdict(entry)
        values.update(values.pop("usage"))
        self._file.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        self._file.close()
