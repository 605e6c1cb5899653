"""What a conversation's cost is made of: input, cached input, cache writes, output, reasoning.

Each turn is split by the gateway's own arithmetic; what it cannot split (the provider's figure, changed prices) is
one line. Money is added up exactly and rounded once. Pure.
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from app.pages.conversations_parts import turn_words
from app.translation import later, tr
from gateway import CostExplanation, ExchangeRecord, ThreadRow, Turn

LINES: Mapping[str, tuple[str, str]] = {
    "input": (later("Input"), "0"),
    "cached": (later("Cached input"), "tint"),
    "written": (later("Cache write"), "4"),
    "output": (later("Output"), "1"),
    "reasoning": (later("Reasoning"), "3"),
    "other": (later("Searches and others"), "5"),
    "whole": (later("Not split"), "other"),
}
"""Title, and the colour's token or series."""

_BUCKETS = {
    "input": "input",
    "audio input": "input",
    "image input": "input",
    "video input": "input",
    "cached": "cached",
    "cached audio": "cached",
    "output": "output",
    "audio output": "output",
    "image output": "output",
    "video output": "output",
    "reasoning": "reasoning",
}


# What is estimated too where only an answer broke off.
_OF_OUTPUT = frozenset(("output", "whole"))


class CostLine(Struct, frozen=True, kw_only=True):
    """`marked`: holds estimates."""

    name: str
    tone: str
    tokens: int | None
    nano: int
    marked: bool = False


class CostSplit(Struct, frozen=True, kw_only=True):
    """`saved_nano`: what reading from the cache cost less than the same as fresh input. `marked`: holds estimates."""

    total_nano: int | None = None
    saved_nano: int = 0
    unpriced: int = 0
    marked: bool = False
    lines: tuple[CostLine, ...] = ()


def whole_of(row: ThreadRow) -> CostSplit:
    """A conversation's cost before its turns are split."""
    return CostSplit(total_nano=row.cost_nano, unpriced=row.unpriced, marked=turn_words.holds_estimates(row))


def record_of(turn: Turn) -> ExchangeRecord:
    """A turn as the row that its price is explained for. Which of the list's prices it had is found by its model."""
    return ExchangeRecord(
        id=turn.request_id or "",
        started_us=turn.started_us,
        door=turn.door or "",
        key_id="",
        key="",
        provider=turn.provider,
        model_requested=turn.model_requested or turn.model,
        model=turn.model,
        status=turn.status,
        outcome=turn.outcome,
        input_tokens=turn.input_tokens,
        cached_tokens=turn.cached_tokens,
        cache_write_tokens=turn.cache_write_tokens,
        output_tokens=turn.output_tokens,
        reasoning_tokens=turn.reasoning_tokens,
        usage_source=turn.usage_source,
        cost_nano=turn.cost_nano,
        cost_source=turn.cost_source,
        price_id=turn.model if turn.cost_source == "list" else None,
    )


class Splitter:
    """Adds up turns, each with its explanation; `split` at any time."""

    def __init__(self) -> None:
        self._nano: dict[str, Decimal] = {}
        self._tokens: dict[str, int] = {}
        self._total: int | None = None
        self._saved = Decimal(0)
        self._unpriced = 0
        self._marked = False
        self._guessed: set[str] = set()

    def add(self, turn: Turn, explanation: CostExplanation, input_price: int | None = None) -> None:
        """`input_price` is the model's for a million tokens of fresh input, in nano-dollars: what caching is compared
        with where no input was fresh."""
        if turn.cost_nano is None:
            self._unpriced += turn.unpriced
            return
        self._total = (self._total or 0) + turn.cost_nano
        self._marked = self._marked or turn_words.estimated_cost(turn)
        if not explanation.parts:
            if turn.cost_nano:
                self._put("whole", Decimal(turn.cost_nano), 0, turn)
            return
        prices: dict[str, Decimal] = {}
        for part in explanation.parts:
            amount = Decimal(part.amount_nano)
            name = _BUCKETS.get(part.unit, "written" if part.unit.startswith("cache write") else "other")
            prices[part.unit] = Decimal(part.price_usd) * 1_000_000_000 / part.per
            if name == "output" and turn.reasoning_tokens and "reasoning" not in explained_units(explanation):
                # Reasoning at the price of output is a part of it.
                share = amount * min(turn.reasoning_tokens, part.count) / max(1, part.count)
                self._put("reasoning", share, min(turn.reasoning_tokens, part.count), turn)
                self._put("output", amount - share, max(0, part.count - turn.reasoning_tokens), turn)
            else:
                self._put(name, amount, part.count, turn)
        fresh = prices.get("input", None if input_price is None else Decimal(input_price) / 1_000_000)
        if "cached" in prices and fresh is not None:
            cached = sum(part.count for part in explanation.parts if part.unit == "cached")
            self._saved += (fresh - prices["cached"]) * cached

    def _put(self, name: str, nano: Decimal, tokens: int, turn: Turn) -> None:
        if nano and turn_words.estimated_cost(turn) and (name in _OF_OUTPUT or turn_words.estimated_input(turn)):
            self._guessed.add(name)
        self._nano[name] = self._nano.get(name, Decimal(0)) + nano
        self._tokens[name] = self._tokens.get(name, 0) + tokens

    def split(self) -> CostSplit:
        return CostSplit(
            total_nano=self._total,
            saved_nano=max(0, round(self._saved)),
            unpriced=self._unpriced,
            marked=self._marked,
            lines=tuple(
                CostLine(
                    name=tr(title),
                    tone=tone,
                    tokens=None if name in ("other", "whole") else self._tokens[name],
                    nano=round(self._nano[name]),
                    marked=name in self._guessed,
                )
                for name, (title, tone) in LINES.items()
                if name in self._nano
            ),
        )


def explained_units(explanation: CostExplanation) -> set[str]:
    return {part.unit for part in explanation.parts}
