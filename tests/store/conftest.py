from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.usage import UsageStore
from tests.store.migrated import started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UsageStore]:
    """A started store in an empty folder."""
    made = started(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def settled_at_once() -> Iterator[None]:
    """Settling leaves no time to others: nobody else is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.store.usage.LEAST_PAUSE_S", 0.0)
        patch.setattr("gateway.store.usage.SETTLING_PAUSE", 0.0)
        yield
