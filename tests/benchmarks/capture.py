"""`python -m tests.benchmarks.capture`: what capturing an agent's session costs, at each door.

A hundred turns through a gateway in this process, all of the context sent with each; it grows to 200 kB in the first
forty turns, and is full then: the oldest turn goes as a new one comes. Told is the capture's own time: reading body
and answer, redaction and telling, without storing. Held is the loop's: CPU of the longest single step in a turn, which
is what others who are served then wait for.
"""

import statistics
import sys
import tempfile
import threading
import time
from asyncio.events import Handle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gateway.relaying.exchange import Exchange
from tests.endtoend.inside import Inside
from tests.endtoend.matrix.anthropic_door import AnthropicDoor
from tests.endtoend.matrix.chat_door import ChatDoor
from tests.endtoend.matrix.gemini_door import GeminiDoor
from tests.endtoend.matrix.responses_door import ResponsesDoor
from tests.endtoend.matrix.scenario import Ask
from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess

DOORS = {"chat": ChatDoor, "responses": ResponsesDoor, "anthropic": AnthropicDoor, "gemini": GeminiDoor}
TURNS, FULL_AT, TURN_BYTES = 100, 40, 5_000
MOST_HELD_S = 0.002
LINE = "Line {n} of what was read, with a number {n} and a word or two more.\n"


class Timed:
    """CPU seconds of each telling, in order."""

    def __init__(self, tell: Callable[[Exchange], None]) -> None:
        self._tell = tell
        self.seconds: list[float] = []

    def __call__(self, exchange: Exchange) -> None:
        before = time.thread_time()
        self._tell(exchange)
        self.seconds.append(time.thread_time() - before)


class Steps:
    """CPU seconds of the longest step of a loop, turn by turn: `turn` begins another one."""

    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread.ident
        self._run = Handle._run
        self._longest = 0.0
        self.seconds: list[float] = []

    def __enter__(self) -> "Steps":
        steps, run = self, self._run

        def timed(handle: Handle) -> None:
            before = time.thread_time()
            run(handle)
            if threading.get_ident() == steps._thread:
                steps._longest = max(steps._longest, time.thread_time() - before)

        Handle._run = timed  # type: ignore[method-assign]
        return self

    def __exit__(self, *_exception: object) -> None:
        Handle._run = self._run  # type: ignore[method-assign]

    def turn(self) -> None:
        self.seconds.append(self._longest)
        self._longest = 0.0


class Session(NamedTuple):
    """CPU seconds of each turn's telling and of the loop's longest step in it; the last turn's context in bytes."""

    told: list[float]
    held: list[float]
    context: int


def session(inside: Inside, door: str, turns: int = TURNS) -> Session:
    with Steps(inside._thread) as steps:
        return _session(inside, door, turns, steps)


def _session(inside: Inside, door: str, turns: int, steps: Steps) -> Session:
    timed = Timed(inside.capture._tell)
    inside.capture._tell = timed  # type: ignore[method-assign]
    talker = DOORS[door](inside.url, inside.key())
    context = 0
    begins: list[int] = []
    try:
        talk: Any = talker.talk()
        for turn in range(turns):
            begins.append(len(talk._history))
            if turn > FULL_AT:
                del talk._history[: begins[1]]
                begins = [place - begins[1] for place in begins[1:]]
            text = f"Turn {turn}. " + "".join(
                LINE.format(n=turn * 1000 + at) for at in range(TURN_BYTES // len(LINE))
            )
            context += len(text) if turn < FULL_AT else 0
            talk.say(text)
            talk.ask(Ask(model=MODELS["openai"], system="Read."), streamed=True)
            # One after the other: what is measured is not how they wait for each other.
            inside.all_told().clear()
            steps.turn()
    finally:
        talker.close()
        inside.capture._tell = timed._tell  # type: ignore[method-assign]
    return Session(timed.seconds, steps.seconds, context)


def main() -> int:
    good = True
    with tempfile.TemporaryDirectory(prefix="faregate-capture-") as name:
        folder = Path(name)
        with (
            ProviderProcess(folder / "ledger.jsonl", seed=5) as provider,
            Inside(folder / "home", **upstreams(provider.base_urls)) as inside,
        ):
            print(
                f"{'door':10} {'turns 41-50':>12} {'last ten':>10} {'ratio':>6} {'held':>6}   CPU ms per turn, context"
            )
            for door in DOORS:
                told, held, context = session(inside, door)
                middle, last = (statistics.median(part) * 1000 for part in (told[40:50], told[-10:]))
                hold = statistics.median(held[-10:])
                good = good and last <= 1.2 * middle and hold <= MOST_HELD_S
                print(
                    f"{door:10} {middle:12.2f} {last:10.2f} {last / middle:6.2f} {hold * 1000:6.2f}   "
                    f"{context / 1000:.0f} kB"
                )
            mark = f"telling flat, and no step of the loop longer than {MOST_HELD_S * 1000:g} ms"
            print(f"  {'PASS' if good else 'FAIL'}  {mark}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
