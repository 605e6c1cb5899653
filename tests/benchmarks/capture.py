"""`python -m tests.benchmarks.capture`: what capturing an agent's session costs, at each door.

A hundred turns through a gateway in this process, all of the context sent with each; it grows to 200 kB in the first
forty turns, and is full then: the oldest turn goes as a new one comes. Told is the capture's own time: reading body and answer, redaction and telling, without storing.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.exchange import Exchange
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


def session(inside: Inside, door: str, turns: int = TURNS) -> tuple[list[float], int]:
    """CPU seconds that each turn's telling took, and the bytes of the last turn's context."""
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
    finally:
        talker.close()
        inside.capture._tell = timed._tell  # type: ignore[method-assign]
    return timed.seconds, context


def main() -> int:
    flat = True
    with tempfile.TemporaryDirectory(prefix="faregate-capture-") as name:
        folder = Path(name)
        with (
            ProviderProcess(folder / "ledger.jsonl", seed=5) as provider,
            Inside(folder / "home", **upstreams(provider.base_urls)) as inside,
        ):
            print(f"{'door':10} {'turns 41-50':>12} {'last ten':>10} {'ratio':>6}   CPU ms per turn, context")
            for door in DOORS:
                seconds, context = session(inside, door)
                middle, last = (statistics.median(part) * 1000 for part in (seconds[40:50], seconds[-10:]))
                flat = flat and last <= 1.2 * middle
                print(f"{door:10} {middle:12.2f} {last:10.2f} {last / middle:6.2f}   {context / 1000:.0f} kB")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
