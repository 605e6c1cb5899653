"""The display server dies under the window: Qt ends its loop, and the person is told in one sentence."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.loop import QtLoop
from app.window_process import _close, _run
from gateway import FaregateError


def test_a_loop_that_qt_ends_is_told_in_one_sentence(qapp: QApplication, loop: QtLoop) -> None:
    async def run() -> int:
        QTimer.singleShot(0, lambda: qapp.exit(1))
        await asyncio.sleep(3600)
        return 0

    host: Any = SimpleNamespace(run=run)
    with pytest.raises(FaregateError, match=r"^The display is gone, .*: start Faregate again\."):
        _run(loop, host)
    for task in asyncio.all_tasks(loop):
        task.cancel()


def test_what_the_window_itself_raises_is_its_own(loop: QtLoop) -> None:
    async def run() -> int:
        raise RuntimeError("A fault of ours.")

    host: Any = SimpleNamespace(run=run)
    with pytest.raises(RuntimeError, match="A fault of ours"):
        _run(loop, host)


def test_a_loop_that_qt_ends_once_more_is_closed_without_a_word(
    qapp: QApplication, loop: QtLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shut_down() -> None:
        qapp.exit(1)
        await asyncio.sleep(3600)

    monkeypatch.setattr(loop, "shutdown_default_executor", shut_down)
    _close(loop)
    assert loop.is_closed()
