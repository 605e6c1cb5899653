"""What is kept of recent exchanges for the next ones, in memory: bounded, by access key, not on disk."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import Generic, TypeVar

MOST_ENTRIES = 20_000
MOST_BYTES = 32 * 2**20
LONGEST_S = 12 * 3600.0
# Of one value: a larger one is not kept.
MOST_OF_ONE = 2 * 2**20

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Values by (access key, id), each of an exchange, oldest out first. `age_s` and `clock` count seconds, `size`
    bytes. Thread-safe."""

    def __init__(
        self,
        *,
        entries: int = MOST_ENTRIES,
        size: int = MOST_BYTES,
        age_s: float = LONGEST_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._most_bytes, self._age_s, self._clock = entries, size, age_s, clock
        # Beside each value when it came or was last renewed, its size, and the id of its exchange.
        self._kept: OrderedDict[tuple[str, str], tuple[float, int, str, Value]] = OrderedDict()
        self.size = 0
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, place: tuple[str, str]) -> Value | None:
        with self._lock:
            self.let_go()
            kept = self._kept.get(place)
            return kept[3] if kept is not None else None

    def put(self, place: tuple[str, str], value: Value, size: int, exchange: str) -> None:
        """In the place of what was kept there; nothing is where the value is too large."""
        if size > MOST_OF_ONE:
            return
        with self._lock:
            self.drop(place)
            self.let_go()
            self._kept[place] = (self._clock(), size, exchange, value)
            self.size += size
            while self._kept and (len(self._kept) > self._most or self.size > self._most_bytes):
                self.drop(next(iter(self._kept)))

    def renew(self, place: tuple[str, str]) -> None:
        """Keep it as long as what comes now."""
        with self._lock:
            if (kept := self._kept.get(place)) is not None:
                self._kept[place] = (self._clock(), *kept[1:])
                self._kept.move_to_end(place)

    def let_go(self) -> None:
        """Drop what is too old: also what nobody asks for again must not stay."""
        with self._lock:
            too_old = self._clock() - self._age_s
            while self._kept and self._kept[first := next(iter(self._kept))][0] < too_old:
                self.drop(first)

    def forget_exchanges(self, is_gone: Callable[[str], bool]) -> None:
        """Drop what came of exchanges with these ids."""
        with self._lock:
            gone = [place for place, kept in self._kept.items() if is_gone(kept[2])]
        # One by one: the loop waits for the lock, and there may be thousands.
        for place in gone:
            self.drop(place)

    def drop(self, place: tuple[str, str]) -> None:
        with self._lock:
            if (kept := self._kept.pop(place, None)) is not None:
                self.size -= kept[1]
