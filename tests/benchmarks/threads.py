"""`python -m tests.benchmarks.threads`: what the store of conversations takes for the questions that a person asks.

A conversation of 2,000 messages and 5 MB is read whole; 100,000 messages of 1 kB median are searched for what stands
in none of them. Wall-clock and CPU milliseconds: another program's time slice is in the first alone.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gateway.model import Message
from gateway.store.thread_store import ThreadStore
from gateway.thread_records import ThreadQuery
from tests.store.tellings import KEY, assistant, told, user

MESSAGES, BYTES_EACH = 2_000, 2_500
SEARCHED, EACH = 100_000, 20
# Of a log-normal distribution: the median is e to the first.
MEDIAN_LN, SIGMA = 6.9, 0.8
ROUNDS = 5

_random = random.Random(7)
_words = ["".join(_random.choices("abcdefghijklmnopqrstuvwxyz", k=_random.randint(2, 9))) for _ in range(5_000)]


def _text(size: int) -> str:
    return " ".join(_random.choices(_words, k=max(1, size // 6)))[:size]


def _dialogue(sizes: list[int]) -> list[Message]:
    return [(user, assistant)[place % 2](_text(size)) for place, size in enumerate(sizes)]


def _long(store: ThreadStore) -> None:
    history: list[Message] = []
    for turn in range(MESSAGES // 2):
        answer = _text(BYTES_EACH)
        history = [*history, user(_text(BYTES_EACH))]
        # The end of the history is enough for its place, and filling takes a hundredth of the time.
        store.put(told(turn, history[-40:], answer, conversation="long"))
        history = [*history, assistant(answer)]
        if turn % 100 == 0:
            store.flush(600)
    store.flush(600)


def _many(store: ThreadStore) -> None:
    for number in range(SEARCHED // EACH):
        sizes = [int(_random.lognormvariate(MEDIAN_LN, SIGMA)) for _ in range(EACH - 1)]
        store.put(told(number, _dialogue(sizes), _text(sizes[0]), conversation=f"c{number}"))
        if number % 100 == 0:
            store.flush(600)
    store.flush(600)


def _show(name: str, act: Callable[[], object]) -> None:
    wall, cpu = [], []
    for _ in range(ROUNDS):
        began, used = time.perf_counter(), time.thread_time()
        act()
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.thread_time() - used) * 1000)
    print(
        f"{name:44} {statistics.median(wall):8.0f} ms, {min(wall):.0f} at best; CPU {statistics.median(cpu):.0f} ms"
    )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="faregate-threads-") as name:
        store = ThreadStore(Path(name), key=KEY)
        store.start()
        _long(store)
        found = store.thread("long")
        assert found is not None
        print(f"{len(found.messages):,} messages, {sum(message.bytes for message in found.messages) / 1e6:.1f} MB")
        _show("read it whole", lambda: store.thread("long"))
        _many(store)
        absent = iter(range(1000))
        _show(
            f"search {SEARCHED:,} messages, found in none",
            lambda: store.threads(ThreadQuery(text=f"absent {next(absent)}")),
        )
        _show("the first page of all conversations", lambda: store.threads(ThreadQuery(), limit=50))
        store.close()


if __name__ == "__main__":
    main()
