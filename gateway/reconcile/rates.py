"""What a token cost by our own rows: exact rates, or none where the rows do not follow any.

A difference in usage can be put into dollars only at known prices. Rows say them: a row's cost is its tokens times
the rates, rounded once, so that the rates follow from enough rows by least squares, in whole fractions. They count
only if they explain every row within its rounding; steps, tiers and extras that are priced otherwise do not, and then
nothing is said. Memory does not grow with the rows.
"""

from collections.abc import Sequence
from fractions import Fraction

from gateway.records import ExchangeRecord

# Uncached input, cached, written to the cache for minutes and for an hour, output.
Tokens = tuple[int, int, int, int, int]
_SIZE = 5
# Prices are whole thousandths of a nano-dollar per token: millionths of a dollar per million.
_FINEST = 1000


def tokens_of(record: ExchangeRecord) -> Tokens:
    """A row's tokens as they are priced."""
    cached, written = record.cached_tokens or 0, record.cache_write_tokens or 0
    hour = record.cache_write_1h_tokens or 0
    uncached = (record.input_tokens or 0) - cached - written
    return uncached, cached, written - hour, hour, record.output_tokens or 0


class Rates:
    """Sums of products over rows, from which the rates follow."""

    __slots__ = ("_costs", "_odd", "_products", "_rows", "_solved", "_square")

    def __init__(self) -> None:
        self._products = [[0] * _SIZE for _ in range(_SIZE)]
        self._costs = [0] * _SIZE
        self._square = 0
        self._rows = 0
        self._odd = 0
        self._solved: tuple[Fraction | None, ...] | None = None

    def learn(self, record: ExchangeRecord) -> None:
        """Takes a row as evidence."""
        if record.cost_nano is None:
            return
        if record.input_audio_tokens or record.output_audio_tokens or record.rare_counts or record.web_searches:
            self._odd += 1
            return
        tokens, cost = tokens_of(record), record.cost_nano
        for i, left in enumerate(tokens):
            if left:
                self._costs[i] += left * cost
                row = self._products[i]
                for j, right in enumerate(tokens):
                    row[j] += left * right
        self._square += cost * cost
        self._rows += 1

    def add(self, other: "Rates") -> None:
        for i in range(_SIZE):
            self._costs[i] += other._costs[i]
            for j in range(_SIZE):
                self._products[i][j] += other._products[i][j]
        self._square += other._square
        self._rows += other._rows
        self._odd += other._odd

    def price(self, tokens: Sequence[int]) -> int | None:
        """Nano-dollars of these tokens, which may be negative; None where the rows do not say."""
        rates = self._rates()
        total = Fraction(0)
        for number, rate in zip(tokens, rates, strict=True):
            if number and rate is None:
                return None
            total += number * (rate or 0)
        return round(total)

    def _rates(self) -> tuple[Fraction | None, ...]:
        if self._solved is None:
            self._solved = self._solve() or (None,) * _SIZE
        return self._solved

    def _solve(self) -> tuple[Fraction | None, ...] | None:
        active = [i for i in range(_SIZE) if self._products[i][i]]
        if self._odd or not active:
            return None
        solved = _solution(
            [[Fraction(self._products[i][j]) for j in active] for i in active], [self._costs[i] for i in active]
        )
        if solved is None:
            return None
        rounded = [Fraction(round(rate * _FINEST), _FINEST) for rate in solved]
        for rates in (rounded, solved):
            if self._remains(active, rates) <= Fraction(self._rows, 4):
                found = dict(zip(active, rates, strict=True))
                return tuple(found.get(i) for i in range(_SIZE))
        return None

    def _remains(self, active: Sequence[int], rates: Sequence[Fraction]) -> Fraction:
        """The sum of the squares of what the rates leave unexplained, in nano-dollars: a quarter a row at most."""
        remains = Fraction(self._square)
        for i, left in zip(active, rates, strict=True):
            remains -= 2 * left * self._costs[i]
            remains += sum(left * right * self._products[i][j] for j, right in zip(active, rates, strict=True))
        return remains


def _solution(matrix: list[list[Fraction]], right: Sequence[int]) -> list[Fraction] | None:
    """Gauss and Jordan; None where the rows are too much alike."""
    size = len(matrix)
    rows = [[*matrix[i], Fraction(right[i])] for i in range(size)]
    for column in range(size):
        pivot = next((i for i in range(column, size) if rows[i][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for i in range(size):
            if i != column and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[column], strict=True)]
    return [row[-1] for row in rows]
