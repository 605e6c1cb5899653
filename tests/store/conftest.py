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
