"""The store's benchmark asks what there is to ask: nobody sees it break but who runs it."""

from pathlib import Path

from tests.benchmarks.filling import fill
from tests.benchmarks.store import ask_export

ROWS = 300


def test_the_whole_is_exported_and_its_memory_told(tmp_path: Path) -> None:
    (told,) = ask_export(tmp_path, fill(tmp_path, ROWS, "skewed"))
    assert "PASS" in told and f"{ROWS:,} rows in " in told
