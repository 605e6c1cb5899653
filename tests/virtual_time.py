"""A loop whose clock is its own: where it would sleep, its time moves on instead.

Waits of seconds take no time, and how busy the machine is changes no outcome. For coroutines that wait for one another
and for their loop's timers only, not for sockets, threads or processes.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.passed: Callable[[float], None] = lambda seconds: None

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("All wait for something that no timer brings.")
            self.passed(timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0 s."""

    def __init__(self) -> None:
        selector = _Selector()
        self._now = 0.0
        super().__init__(selector)
        selector.passed = self._pass

    def _pass(self, seconds: float) -> None:
        # A timer whose time were missed by a rounding would be waited for without end.
        self._now += max(seconds, 1e-9) if seconds else 0.0

    def time(self) -> float:
        return self._now


def in_virtual_time(main: Coroutine[Any, Any, T], monkeypatch: pytest.MonkeyPatch, *modules: str) -> T:
    """Run it to its end; `modules` are those whose `time.monotonic` is to be the loop's."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        for module in modules:
            monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=runner.get_loop().time))
        return runner.run(main)
