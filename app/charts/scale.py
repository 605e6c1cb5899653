"""Where the lines of a value axis stand, and how far it reaches; without Qt.

Steps are 1, 2, 2.5 or 5 times a power of ten, three to five lines with the zero line. The top of the axis is a round
number that is kept until the data leaves 55 to 100 % of it, so that bars do not jump at every refresh.
"""

import math

_TOPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_STEPS = (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0)
_LOWEST_FILL = 0.55


def nice_maximum(value: float, *, whole: bool = False) -> float:
    """The smallest round number not below `value`; at least 2 on an axis of whole numbers, else 1 for nothing."""
    if not math.isfinite(value) or value <= 0:
        return 2.0 if whole else 1.0
    if whole and value <= 2:
        return 2.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(top * power for top in _TOPS if top * power >= value * (1 - 1e-9))


def tick_step(maximum: float, *, whole: bool = False) -> float:
    """The distance of the lines: one that ends on `maximum` where there is one, else the finest."""
    power = 10.0 ** math.floor(math.log10(maximum))
    fitting = [step * power for step in _STEPS if 2 <= math.floor(maximum / (step * power) + 1e-9) <= 4]
    if whole:
        fitting = [step for step in fitting if step >= 1 and float(step).is_integer()] or [1.0]
    ending = [step for step in fitting if math.isclose(maximum / step, round(maximum / step))]
    return (ending or fitting)[0]


def ticks(maximum: float, *, whole: bool = False) -> tuple[float, ...]:
    """Zero and every line up to `maximum`."""
    step = tick_step(maximum, whole=whole)
    return tuple(index * step for index in range(math.floor(maximum / step + 1e-9) + 1))


class NiceMaximum:
    """The top of one axis over time."""

    def __init__(self, *, whole: bool = False, idle: float | None = None) -> None:
        """`idle` is the top while there is nothing."""
        self.whole = whole
        self.idle = nice_maximum(0, whole=whole) if idle is None else idle
        self.value = self.idle

    def follow(self, peak: float) -> float:
        """The top for data that reaches `peak`: the one before while the data fills 55 to 100 % of it."""
        if not peak > 0:
            self.value = self.idle
        elif not _LOWEST_FILL * self.value <= peak <= self.value:
            self.value = nice_maximum(peak, whole=self.whole)
        return self.value
