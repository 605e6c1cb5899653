from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.usage import UsageStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UsageStore]:
    """A started store in an empty folder."""
    made = UsageStore(tmp_path)
    made.start()
    yield made
    made.close()
