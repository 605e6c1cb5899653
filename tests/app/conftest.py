"""The window's tests run without a display, on one QApplication that wears the real theme."""

import asyncio
import gc
import math
import os
import time
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QStaticText
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.loop import QtLoop
from app.parts import in_turns
from app.tables import laid_texts
from app.theme import Theme
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.spawner import Spawner
from tests.app.turns import Turns
from tests.waiting import PATIENCE_MS


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["faregate"]


class PatientBot(QtBot):
    """Waits for as long as a busy machine may need."""

    def waitUntil(self, callback: Any, *, timeout: int = PATIENCE_MS) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE_MS, **how: Any) -> Any:
        return super().waitSignal(signal, timeout=timeout, **how)

    def waitExposed(self, widget: Any, *, timeout: int = PATIENCE_MS) -> Any:
        return super().waitExposed(widget, timeout=timeout)

    def waitActive(self, widget: Any, *, timeout: int = PATIENCE_MS) -> Any:
        return super().waitActive(widget, timeout=timeout)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[PatientBot]:
    yield PatientBot(request)
    if QApplication.keyboardModifiers() != Qt.KeyboardModifier.NoModifier:
        # A key pressed with Ctrl leaves Ctrl held for all tests to come: their selections would be others.
        QTest.keyRelease(QWidget(), Qt.Key.Key_Control)


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of tables and lists that were shaped since the test began, each time that one was."""
    texts: list[str] = []

    class Counted(QStaticText):
        def setText(self, text: str) -> None:
            super().setText(text)
            texts.append(text)

    monkeypatch.setattr(laid_texts, "QStaticText", Counted)
    return texts


@pytest.fixture(autouse=True)
def made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawer's lines, which on a busy machine would come after a test has looked."""
    monkeypatch.setattr(in_turns, "BUDGET_S", math.inf)


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left() -> Iterator[None]:
    """What a file's tests made does not die on whichever thread a later test runs."""
    gc.disable()
    yield
    gc.collect()
    # What lives on does so to the end, and the next file's collection need not look through it.
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def widgets_end() -> Iterator[None]:
    """What a test made is deleted with it: each style sheet of a later test would be worked out for it too.

    Cycles are collected between tests, as the window's timer does it between turns: a collection that begins within
    Qt's own `disconnect` destroys objects under the lock that their destruction takes, and stands still for ever.
    """
    # A window that has ended gives collecting back to Python.
    gc.disable()
    yield
    gc.collect(1)
    if QApplication.instance() is not None:
        for widget in QApplication.topLevelWidgets():
            widget.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins on the evening of Monday, 23 November 2026, and no midnight or change of the hour is near."""
    begun = time.monotonic_ns()
    monkeypatch.setattr(time, "time_ns", lambda: NOW_US * 1000 + time.monotonic_ns() - begun)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """Light, applied to the application."""
    made = Theme("light")
    made.apply(qapp)
    yield made
    qapp.setStyle("Fusion")


@pytest.fixture
def fake_gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    """Runs spawned coroutines to their end; an error in one fails the test."""
    made = Spawner()
    yield made
    made.check()


@pytest.fixture
def turns() -> Iterator[Turns]:
    """Keeps what is spawned until the test lets a later turn come."""
    made = Turns()
    yield made
    made.close()


@pytest.fixture
def context(theme: Theme, fake_gateway: FakeGateway, spawner: Spawner) -> AppContext:
    return AppContext(fake_gateway, theme, FilterState(tz="Europe/Berlin"), spawner)  # type: ignore[arg-type]


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[QtLoop]:
    """The window's own: turns of tasks and paints follow each other."""
    made = QtLoop(qapp)
    asyncio.set_event_loop(made)
    yield made
    asyncio.set_event_loop(None)
    made.close()
