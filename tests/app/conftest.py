"""The window's tests run without a display, on one QApplication that wears the real theme."""

import os
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtWidgets import QApplication

from app.context import AppContext
from app.filters import FilterState
from app.theme import Theme
from tests.app.fake_gateway import FakeGateway
from tests.app.spawner import Spawner


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["faregate"]


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """Light, applied to the application."""
    made = Theme("light")
    made.apply(qapp)
    yield made
    qapp.setStyleSheet("")


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
def context(theme: Theme, fake_gateway: FakeGateway, spawner: Spawner) -> AppContext:
    return AppContext(fake_gateway, theme, FilterState(tz="Europe/Berlin"), spawner)  # type: ignore[arg-type]
