"""Parts of an answer in a format that has one open at a time. Pure; for the writers of such formats.

Words and reasoning give way to a part that begins, and are opened anew by their later words. A tool call stays open
until it ends, and what others say meanwhile waits.
"""

from collections import deque
from typing import Generic, TypeVar

from gateway.events import PartStart, merge_extra
from gateway.model import Extra

# The kinds that say something after their start.
_SPOKEN = ("text", "refusal", "reasoning", "tool_call")


class TurnPart:
    """A part as it was begun, and what was told of it since; `waiting` is what it said while another was open."""

    __slots__ = ("ended", "extra", "queued", "start", "waiting")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.extra: Extra = start.extra
        self.waiting: list[str] = []
        self.ended = False
        self.queued = False


_P = TypeVar("_P", bound=TurnPart)


class PartTurns(Generic[_P]):
    """Base of a writer: whose turn it is. What is written stands in the three methods that each writer has."""

    def __init__(self) -> None:
        self._parts: dict[int, _P] = {}
        self._queue: deque[_P] = deque()
        self._current: _P | None = None

    def _begin(self, part: _P, out: list[bytes]) -> None:
        """Open what opens before its first word."""
        raise NotImplementedError

    def _say(self, part: _P, text: str, out: list[bytes]) -> None:
        """Write words, and open first what is not open."""
        raise NotImplementedError

    def _end(self, part: _P, out: list[bytes]) -> None:
        """End what is open."""
        raise NotImplementedError

    def _start_part(self, part: _P, out: list[bytes]) -> None:
        self._parts[part.start.part] = part
        if self._calls():
            self._enqueue(part)
        else:
            self._give_way(out)
            self._take(part, out)

    def _delta(self, number: int, text: str, out: list[bytes]) -> None:
        """Words of a part; those of one that was never begun are nobody's."""
        part = self._parts.get(number)
        if part is None or not text or part.start.kind not in _SPOKEN:
            return
        if part is self._current:
            self._say(part, text, out)
        elif part.queued or self._calls():
            part.waiting.append(text)
            self._enqueue(part)
        else:
            self._give_way(out)
            self._current = part
            self._say(part, text, out)

    def _end_part(self, number: int, extra: Extra, out: list[bytes]) -> None:
        part = self._parts.get(number)
        if part is None:
            return
        part.extra = merge_extra(part.extra, extra)
        part.ended = True
        if part is self._current:
            self._give_way(out)
            self._advance(out)

    def _end_all(self, out: list[bytes]) -> None:
        """Write all that waits, ended or not."""
        while self._current is not None or self._queue:
            self._give_way(out)
            self._advance(out)

    def _calls(self) -> bool:
        return self._current is not None and self._current.start.kind == "tool_call"

    def _take(self, part: _P, out: list[bytes]) -> None:
        self._current = part
        self._begin(part, out)
        waiting, part.waiting = part.waiting, []
        for text in waiting:
            self._say(part, text, out)

    def _give_way(self, out: list[bytes]) -> None:
        part, self._current = self._current, None
        if part is not None:
            self._end(part, out)

    def _enqueue(self, part: _P) -> None:
        if not part.queued:
            part.queued = True
            self._queue.append(part)

    def _advance(self, out: list[bytes]) -> None:
        """Writes waiting parts that have ended, then goes on with the first that has not."""
        while self._current is None and self._queue:
            part = self._queue.popleft()
            part.queued = False
            self._take(part, out)
            if part.ended:
                self._give_way(out)
