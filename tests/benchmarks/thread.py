"""`python -m tests.benchmarks.thread`: how long a conversation of 2,000 messages and 5 MB takes to open and to scroll.

Offscreen, on Qt's raster engine. A hold is what one turn of the loop takes: a step of the scroll bar with the paint
that follows it, or a later turn in which laying out goes on. Reading the conversation is the store's, and not in it.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app.context import AppContext
from app.filters import FilterState
from app.pages.conversations_parts.thread_pane import ThreadPane
from app.theme import Theme
from gateway import Reasoning, Text, Thread, ToolCall, ToolCallResponse
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.fake_threads import long_thread

MESSAGES, CHARACTERS = 2_000, 5_400_000
STEPS, STEP_PX, JUMPS = 400, 120, 60
# Until the timeline and the facts beside the thread have followed.
REST_S = 0.08


def _run(coroutine: Coroutine[Any, Any, Any]) -> None:
    asyncio.run(coroutine)


def _ms(act: Callable[[], object]) -> float:
    """A neighbour's time slice is no hold of ours: it is the thread's own CPU time."""
    began = time.thread_time()
    act()
    return (time.thread_time() - began) * 1000


def _wall_ms(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def size_of(thread: Thread) -> int:
    """Characters of all that is said."""
    total = 0
    for message in thread.messages:
        for part in message.parts:
            if isinstance(part, Text | Reasoning):
                total += len(part.text)
            elif isinstance(part, ToolCall):
                total += len(part.arguments)
            elif isinstance(part, ToolCallResponse):
                total += sum(len(item.text) for item in part.content if isinstance(item, Text))
    return total


def _line(name: str, holds: list[float]) -> str:
    ordered = sorted(holds)
    p50, p95 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.95))
    return f"{name:34} p50 {p50:6.1f}   p95 {p95:6.1f}   max {ordered[-1]:6.1f} ms"


def main() -> None:
    app = QApplication([])
    theme = Theme("light")
    theme.apply(app)
    thread = long_thread(NOW_US, MESSAGES, CHARACTERS)
    gateway = FakeGateway(0)
    gateway.told = [thread]
    pane = ThreadPane(AppContext(gateway, theme, FilterState(tz="UTC"), _run))  # type: ignore[arg-type]
    pane.resize(932, 840)
    pane.show()
    app.processEvents()

    def opened() -> None:
        _run(pane.read(thread.row.id))
        pane.view.viewport().repaint()

    print(f"{len(thread.messages):,} messages, {size_of(thread) / 1e6:.1f} MB")
    for number in range(3):
        took = _wall_ms(opened)
        print(f"opened {number + 1}: {took:.0f} ms, {pane.view.made} of {len(pane.view.blocks):,} blocks made")
        pane.clear()
    opened()
    bar, chance = pane.view.verticalScrollBar(), random.Random(3)

    def to(value: int) -> list[float]:
        def step() -> None:
            bar.setValue(value)
            pane.view.viewport().repaint()

        # What was put off runs in turns of its own.
        return [_ms(step), *(_ms(app.processEvents) for _ in range(3))]

    def to_and_rest(value: int) -> list[float]:
        holds = to(value)
        time.sleep(REST_S)
        # What the timers do, and the paint that follows it: no part of the next jump.
        return [*holds, *(_ms(app.processEvents) for _ in range(3))]

    print(_line("scrolled by the wheel", [hold for _ in range(STEPS) for hold in to(bar.value() + STEP_PX)]))
    print(
        _line(
            "jumped anywhere", [hold for _ in range(JUMPS) for hold in to_and_rest(chance.randrange(bar.maximum()))]
        )
    )
    print(f"{pane.view.made} blocks are kept")


if __name__ == "__main__":
    main()
