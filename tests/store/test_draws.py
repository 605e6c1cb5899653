"""What the benchmark measures is right: its store's buckets equal its rows, and drawn questions a plain sum over these."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.usage import UsageStore
from tests.benchmarks import filling, history
from tests.benchmarks.draws import PlainRows, draws
from tests.benchmarks.history import SHAPES


@pytest.mark.parametrize("shape", SHAPES)
def test_drawn_questions_in_half_hour_zones_are_the_sums_of_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    # Few values, so that a draw of a small history finds something.
    monkeypatch.setattr(history, "MODELS", 5)
    monkeypatch.setattr(history, "USERS", 5)
    monkeypatch.setattr(filling, "MOST_THROUGH_STORE", 1000)
    monkeypatch.setattr(filling, "ROWS_PER_DAY", 25)
    filled = filling.fill(tmp_path, 1400, shape)
    store = UsageStore(tmp_path)
    store.start()
    assert store.check() == []
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        (rows,) = connection.execute("SELECT COUNT(DISTINCT id) FROM requests").fetchone()
        plain = PlainRows(connection, filled.end_us)
    assert rows == filled.rows == 1400
    found = 0
    for query, width in draws(30, filled.end_us):
        series = store.timeseries(query, width)
        assert not plain.differs(query, series), query
        found += sum(bucket.summary.requests for bucket in series)
    assert found
    store.close()
