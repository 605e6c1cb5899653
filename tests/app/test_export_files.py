"""Tables are saved by a worker: a loop that also serves requests does not wait for a disk."""

import threading
from pathlib import Path

import pytest

from app.export_files import save_table
from app.tables.column import Column
from gateway import FaregateError


async def test_a_table_is_made_and_written_beside_the_loop(tmp_path: Path) -> None:
    threads: set[int] = set()

    def seen(row: str) -> str:
        threads.add(threading.get_ident())
        return row

    column: Column[str] = Column(key="a", title="A", text=str, value=seen, width=1)
    await save_table([column], ["=1", "b"], tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == "A\n'=1\nb\n"
    assert threads and threading.get_ident() not in threads
    with pytest.raises(FaregateError, match=r"rows.csv cannot be written \(No such file or directory\): choose"):
        await save_table([column], [], tmp_path / "no" / "rows.csv")
