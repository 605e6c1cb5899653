import csv
import io
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.read_api import render_row
from gateway.records import ExchangeRecord, UsageQuery
from gateway.store import queries
from gateway.store.csv_export import export_requests
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, FULL, record


def test_columns_are_the_contracts_and_money_has_nine_places(store: UsageStore) -> None:
    store.insert_history([FULL, record(1, cost_nano=None, input_tokens=None, tags=())])
    file = io.StringIO(newline="")
    progress: list[int] = []
    assert store.export_requests(UsageQuery(), file, progress.append) == 2
    assert progress == [2]
    header, newer, older = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert header == list(render_row(FULL))
    row = dict(zip(header, older, strict=True))
    assert row["cost_usd"] == "1.234567890"
    assert row["started_at"] == "2026-03-28T22:00:00.000000Z"
    assert row["tags"] == "team:ml-ops,urgent"
    assert row["byok"] == "true"
    unknown = dict(zip(header, newer, strict=True))
    assert (unknown["cost_usd"], unknown["input_tokens"], unknown["tags"]) == ("", "", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_texts_that_spreadsheets_would_run_are_made_safe(start: str) -> None:
    nasty = replace(FULL, end_user=f"{start}HYPERLINK(1)", tags=(f"{start}x",), model='say "hi", twice\r\n')
    file = io.StringIO(newline="")
    export_requests([nasty], file)
    header, row = csv.reader(io.StringIO(file.getvalue(), newline=""))
    cells = dict(zip(header, row, strict=True))
    assert cells["end_user"] == cells["user"] == f"'{start}HYPERLINK(1)"
    assert cells["tags"] == f"'{start}x"
    assert cells["model"] == 'say "hi", twice\r\n'


def test_lines_end_as_the_standard_says() -> None:
    file = io.StringIO(newline="")
    export_requests([FULL], file)
    assert file.getvalue().count("\r\n") == 2
    assert file.getvalue().endswith("\r\n")


def test_negative_money_stays_a_number() -> None:
    file = io.StringIO(newline="")
    export_requests([replace(FULL, cost_nano=-1)], file)
    assert ",-0.000000001," in file.getvalue()


def test_series_and_breakdowns_have_flat_columns(store: UsageStore) -> None:
    store.insert_history([record(0), record(3600, model=None)])
    series, breakdown = io.StringIO(newline=""), io.StringIO(newline="")
    assert store.export_timeseries(UsageQuery(), "hour", "model", series) == 4
    assert store.export_breakdown(UsageQuery(), "model", breakdown) == 2
    header, *rows = csv.reader(io.StringIO(series.getvalue(), newline=""))
    assert header[:4] == ["start", "end", "value", "requests"]
    assert "latency_ms.p95" in header and "usage_sources.estimated" in header
    assert all(len(row) == len(header) for row in rows)
    header, *rows = csv.reader(io.StringIO(breakdown.getvalue(), newline=""))
    assert header[:2] == ["value", "requests"]
    assert {row[0] for row in rows} == {"gpt-5", ""}


@pytest.mark.parametrize(("width", "zone"), [("hour", "Asia/Kolkata"), ("15m", "America/St_Johns"), ("day", "UTC")])
@pytest.mark.parametrize("by", [None, "model"])
def test_a_series_of_any_length_leaves_and_is_the_same_in_stretches(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, width: str, zone: str, by: str | None
) -> None:
    day_us = 86_400_000_000
    store.insert_history([record(number, started_us=BASE_US + number * 5 * day_us) for number in range(60)])
    end_us = BASE_US + 300 * day_us
    query = UsageQuery(start_us=BASE_US + 7, end_us=end_us, tz=zone)
    if width != "day":
        with pytest.raises(ClientError, match="more than 5,000"):
            store.timeseries(query, width)
    file = io.StringIO(newline="")
    store.export_timeseries(query, width, by, file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert sum(int(row["requests"]) for row in rows) == 59
    assert by is not None or all(row["end"] == following["start"] for row, following in pairwise(rows))
    monkeypatch.setattr(queries, "MOST_SLICES", 40)
    short = UsageQuery(start_us=BASE_US + 7, end_us=BASE_US + 45 * day_us, tz=zone)
    # A value has buckets in the stretches in which it occurs; where there is none, time has its buckets all the same.
    apart, whole = list(store.iter_timeseries(short, width, by)), list(store.timeseries(short, width, by))
    assert [each for each in apart if each.summary.requests] == [each for each in whole if each.summary.requests]
    assert by is not None or apart == whole


def test_an_empty_export_still_names_its_columns(store: UsageStore) -> None:
    file = io.StringIO(newline="")
    assert store.export_requests(UsageQuery(), file) == 0
    assert file.getvalue().startswith("id,started_at,door,")
    assert file.getvalue().count("\r\n") == 1


def test_memory_does_not_grow_with_the_rows() -> None:
    class Nowhere(io.StringIO):
        def write(self, text: str) -> int:
            return len(text)

    def endless(count: int) -> Iterator[ExchangeRecord]:
        for number in range(count):
            yield record(number)

    tracemalloc.start()
    export_requests(endless(200), Nowhere())
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    export_requests(endless(5000), Nowhere())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < 200_000
