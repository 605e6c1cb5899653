"""`python -m tests.benchmarks.traffic PORT KEY RATE`: agents' conversations at so many requests a second, until SIGTERM.

Requests go out by the clock, not when the last answer is complete: a gateway that stands still finds them waiting,
up to 64 at once; those beyond are not sent, and counted.
Twenty agents talk at once, at two doors and with three providers, whole and streamed. A conversation has eight turns,
each sent with all that was said before. At the end one line of JSON says how it went.
"""

import asyncio
import json
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop

from tests.benchmarks.answers import text
from tests.benchmarks.chat import DOORS, MODELS, QUESTION, Ask
from tests.benchmarks.figures import percentile
from tests.benchmarks.load import Clients, Slice
from tests.benchmarks.processes import pin_load

AGENTS, TURNS, CHUNKS = 20, 8, 5
# As many connections as a pool of a client library keeps.
MOST_AT_ONCE = 64
_TEAMS = ("platform", "growth", "support")
_DOORS = (("chat", "openai"), ("chat", "google"), ("anthropic", "anthropic"), ("chat", "anthropic"))
_PREFIX = "/api/ai"


@dataclass
class Agent:
    """One conversation after the other."""

    number: int
    port: int
    key: str
    talks: int = 0
    said: list[dict[str, Any]] = field(default_factory=list)

    def ask(self) -> Ask:
        """The next request; its answer is known beforehand."""
        if len(self.said) >= 2 * TURNS:
            self.talks += 1
            self.said = []
        door, provider = _DOORS[self.number % len(_DOORS)]
        chunks = CHUNKS if self.number % 2 else 0
        question = f"Agent {self.number}, task {self.talks}, step {len(self.said) // 2}: {QUESTION * 3}"
        self.said.append({"role": "user", "content": question})
        body = {"model": MODELS[provider], "max_tokens": chunks or 400, "messages": self.said}
        sent = json.dumps({**body, "stream": True} if chunks else body).encode()
        self.said.append({"role": "assistant", "content": text(chunks)})
        words = DOORS[door]
        head = (
            f"POST {_PREFIX}{words.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
            f"x-conversation-id: agent-{self.number}-{self.talks}\r\nx-user: user-{self.number % 7}\r\n"
            f"x-tags: team:{_TEAMS[self.number % 3]},env:prod\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        return Ask(head.encode() + sent, words.end)


async def _talk(port: int, key: str, rate: float) -> None:
    asked_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_end.set)
    agents = [Agent(number, port, key) for number in range(AGENTS)]
    clients, done = Clients(port), Slice()
    running: set[asyncio.Task[None]] = set()
    print(json.dumps({"event": "ready", "url": f"http://127.0.0.1:{port}"}), flush=True)
    began, due, unsent = time.perf_counter(), 0, 0
    while not asked_to_end.is_set():
        while due < (time.perf_counter() - began) * rate:
            due += 1
            if len(running) >= MOST_AT_ONCE:
                unsent += 1
                continue
            task = asyncio.create_task(clients.once(agents[due % AGENTS].ask(), done))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(1 / rate)
    seconds = time.perf_counter() - began
    await asyncio.gather(*running, return_exceptions=True)
    clients.close()
    answered = len(done.total)
    print(
        json.dumps(
            {
                "rate": answered / seconds,
                "answered": answered,
                "bad": due - unsent - answered,
                "unsent": unsent,
                **_ms(done),
            }
        )
    )


def _ms(done: Slice) -> dict[str, float]:
    times = done.total or [0.0]
    return {"p50": percentile(times, 0.5) * 1000, "p99": percentile(times, 0.99) * 1000}


def main() -> None:
    pin_load()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_talk(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))


if __name__ == "__main__":
    main()
