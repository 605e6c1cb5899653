import csv
import io
import json
import re
import tracemalloc
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.read_api import render_row
from gateway.records import ExchangeRecord, Export, UsageQuery
from gateway.store import queries
from gateway.store.exports import write
from gateway.store.text_rows import csv_lines
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, FULL, record

CSV, SHAPE = Export(what="requests"), render_row(FULL)


def saved(records: Iterable[ExchangeRecord]) -> str:
    return "".join(csv_lines(map(render_row, records), SHAPE))


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_columns_are_the_contracts_and_money_has_nine_places(store: UsageStore) -> None:
    store.insert_history([FULL, record(1, cost_nano=None, input_tokens=None, tags=())])
    file = io.StringIO(newline="")
    progress: list[tuple[int, int | None]] = []
    assert store.export_to(UsageQuery(), CSV, file, lambda *told: progress.append(told)) == 2
    assert progress == [(0, 2), (2, 2)]
    header, newer, older = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert header == list(render_row(FULL))
    row = dict(zip(header, older, strict=True))
    assert row["cost_usd"] == "1.234567890"
    assert row["started_at"] == "2026-03-28T22:00:00.000000Z"
    assert row["tags"] == "team:ml-ops,urgent"
    assert row["byok"] == "true"
    unknown = dict(zip(header, newer, strict=True))
    assert (unknown["cost_usd"], unknown["input_tokens"], unknown["tags"]) == ("", "", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_texts_that_spreadsheets_would_run_are_made_safe(start: str) -> None:
    nasty = replace(FULL, end_user=f"{start}HYPERLINK(1)", tags=(f"{start}x",), model='say "hi", twice\r\n')
    header, row = parsed(saved([nasty]))
    cells = dict(zip(header, row, strict=True))
    assert cells["end_user"] == cells["user"] == f"'{start}HYPERLINK(1)"
    assert cells["tags"] == f"'{start}x"
    assert cells["model"] == 'say "hi", twice\r\n'


def test_lines_end_as_the_standard_says() -> None:
    text = saved([FULL])
    assert text.count("\r\n") == 2 and text.endswith("\r\n")


def test_negative_money_stays_a_number() -> None:
    assert ",-0.000000001," in saved([replace(FULL, cost_nano=-1)])


def test_series_and_breakdowns_have_flat_columns(store: UsageStore) -> None:
    store.insert_history([record(0), record(3600, model=None)])
    series, breakdown = io.StringIO(newline=""), io.StringIO(newline="")
    assert store.export_to(UsageQuery(), Export(what="buckets", by="model"), series) == 4
    assert store.export_to(UsageQuery(), Export(what="breakdown", by="model"), breakdown) == 2
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
    store.export_to(query, Export(what="buckets", bucket=width, by=by), file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert sum(int(row["requests"]) for row in rows) == 59
    assert by is not None or all(row["end"] == following["start"] for row, following in pairwise(rows))
    monkeypatch.setattr(queries, "MOST_SLICES", 40)
    short = UsageQuery(start_us=BASE_US + 7, end_us=BASE_US + 45 * day_us, tz=zone)
    # A value has buckets in the stretches in which it occurs; where there is none, time has its buckets all the same.
    apart, whole = list(store.iter_timeseries(short, width, by)), list(store.timeseries(short, width, by))
    assert [each for each in apart if each.summary.requests] == [each for each in whole if each.summary.requests]
    assert by is not None or apart == whole


def test_a_series_of_one_bucket_too_many_leaves_in_stretches(store: UsageStore) -> None:
    minutes, minute_us = queries.MOST_SLICES, 60_000_000
    store.insert_history([record(0), record(60 * minutes)])
    # Two microseconds longer than all but one of the most, and so in two minutes more.
    query = UsageQuery(start_us=BASE_US + minute_us - 1, end_us=BASE_US + minutes * minute_us + 1)
    with pytest.raises(ClientError, match="more than 5,000"):
        store.timeseries(query, "1m")
    found = list(store.iter_timeseries(query, "1m"))
    assert len(found) == minutes + 1
    assert [bucket.summary.requests for bucket in (found[0], found[-1])] == [0, 1]


def test_an_empty_export_still_names_its_columns(store: UsageStore) -> None:
    file = io.StringIO(newline="")
    assert store.export_to(UsageQuery(), CSV, file) == 0
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
    write(csv_lines(map(render_row, endless(200)), SHAPE), Nowhere(), True)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    write(csv_lines(map(render_row, endless(5000)), SHAPE), Nowhere(), True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < 200_000


def test_times_have_a_local_column_in_the_zone_that_was_asked_for() -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    row = render_row(replace(FULL, started_us=BASE_US + 1_234_000))
    header, cells = parsed("".join(csv_lines([row], row, zone=zone)))
    assert header[:3] == ["id", "started_at", "started_local"]
    assert cells[1:3] == ["2026-03-28T22:00:01.234000Z", "2026-03-29 03:45:01.234"]


def test_buckets_say_when_they_begin_and_end_on_the_wall(store: UsageStore) -> None:
    store.insert_history([record(0)])
    file = io.StringIO(newline="")
    store.export_to(UsageQuery(tz="Europe/Berlin"), Export(what="buckets", bucket="month"), file)
    header, cells = parsed(file.getvalue())
    row = dict(zip(header, cells, strict=True))
    assert header[:4] == ["start", "start_local", "end", "end_local"]
    assert (row["start"], row["start_local"]) == ("2026-02-28T23:00:00.000000Z", "2026-03-01 00:00:00")
    assert (row["end"], row["end_local"]) == ("2026-03-31T22:00:00.000000Z", "2026-04-01 00:00:00")


@pytest.mark.parametrize("what", ["requests", "buckets", "breakdown", "conversations"])
def test_json_lines_hold_what_csv_holds(store: UsageStore, what: str) -> None:
    store.insert_history([FULL, record(1, conversation_id="c", cost_nano=None, cost_source="none")])
    csv_file, json_file = io.StringIO(newline=""), io.StringIO(newline="")
    assert store.export_to(UsageQuery(), Export(what=what), csv_file) == len(parsed(csv_file.getvalue())) - 1
    assert store.export_to(UsageQuery(), Export(what=what, format="jsonl"), json_file) > 0
    header, *lines = parsed(csv_file.getvalue())
    rows = [json.loads(line) for line in json_file.getvalue().splitlines()]
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        cells = dict(zip(header, line, strict=True))
        assert (cells["cost_usd"] or None, cells["requests" if what != "requests" else "id"]) == (
            row["cost_usd"],
            str(row["requests" if what != "requests" else "id"]),
        )
        assert header[0] == next(iter(row))


# How a spreadsheet reads a file: fields by RFC 4180 alone, then what each field would become in its cell.
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
FORMULA = re.compile(r"[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]")


def fields_of(text: str) -> list[list[str]]:
    """A reader of its own, written from the standard: quotes only around whole fields, doubled within."""
    records: list[list[str]] = [[]]
    at = 0
    while at < len(text):
        if text[at] == '"':
            field, at = "", at + 1
            while True:
                end = text.index('"', at)
                field += text[at:end]
                at = end + 1
                if text[at : at + 1] != '"':
                    break
                field, at = field + '"', at + 1
        else:
            end = min(found for mark in (",", "\r\n") if (found := text.find(mark, at)) >= 0)
            field, at = text[at:end], end
            assert not set(field) & {'"', "\r", "\n"}
        records[-1].append(field)
        if text[at] == ",":
            at += 1
        else:
            assert text[at : at + 2] == "\r\n"
            at += 2
            records.append([])
    return records[:-1]


def becomes(field: str) -> str:
    """number, formula or text."""
    if NUMBER.fullmatch(field):
        return "number"
    return "formula" if FORMULA.match(field) else "text"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(st.sampled_from("=+-@\t\r\n\",'; a1|\uff1d\xe9\U0001f642"), max_size=8), min_size=3, max_size=3),
    st.none() | st.integers(-(10**15), 10**15),
)
def test_no_text_of_a_stranger_runs_in_a_spreadsheet_and_every_number_stays_one(
    texts: list[str], cost: int | None
) -> None:
    user, tag, model = texts
    row = replace(FULL, end_user=user, tags=(tag, "b"), model=model, cost_nano=cost)
    text = saved([row])
    assert fields_of(text) == parsed(text)
    header, line = fields_of(text)
    cells = dict(zip(header, line, strict=True))
    listed = '"{}"'.format(tag.replace('"', '""')) if set(tag) & {",", '"'} else tag
    for name, said in (("end_user", user), ("model", model), ("tags", f"{listed},b")):
        assert cells[name] in (said, f"'{said}") and becomes(cells[name]) != "formula"
    for name in ("cost_usd", "latency_ms", "overhead_us", "input_tokens", "status"):
        assert becomes(cells[name]) == "number" or cells[name] == ""
    assert cells["cost_usd"] == "" if cost is None else Decimal(cells["cost_usd"]) == Decimal(cost).scaleb(-9)


def test_a_byte_order_mark_stands_first_and_only_where_it_was_asked_for() -> None:
    assert next(csv_lines([], SHAPE, bom=True)).startswith("\ufeffid,")
    assert next(csv_lines([], SHAPE)).startswith("id,")


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_chosen_columns_leave_alone_and_in_their_order(store: UsageStore, format: str) -> None:
    store.insert_history([FULL])
    file = io.StringIO(newline="")
    export = Export(format=format, columns=("cost_usd", "model", "tags"))
    store.export_to(UsageQuery(), export, file)
    if format == "csv":
        assert parsed(file.getvalue()) == [
            ["cost_usd", "model", "tags"],
            ["1.234567890", FULL.model, ",".join(FULL.tags)],
        ]
    else:
        expected = render_row(FULL)
        assert json.loads(file.getvalue()) == {name: expected[name] for name in export.columns}
    with pytest.raises(ClientError, match="no column house"):
        store.export_to(UsageQuery(), Export(columns=("model", "house")), file)


@pytest.mark.parametrize(("width", "most"), [("hour", 50), ("day", 10), ("month", 1)])
def test_a_series_by_many_values_leaves_whole(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, width: str, most: int
) -> None:
    """More values in a month than one answer has room for: it ended midway, after lines that looked complete."""
    store.insert_history([record(number * 7000, model=f"m{number % 13}") for number in range(130)])
    whole = list(store.timeseries(UsageQuery(), width, "model"))
    monkeypatch.setattr(queries, "MOST_CELLS", most)
    with pytest.raises(ClientError, match="choose a wider bucket"):
        store.timeseries(UsageQuery(), width, "model")
    apart = list(store.iter_timeseries(UsageQuery(), width, "model"))
    assert sum(each.summary.requests for each in apart) == 130
    told = [
        {(each.start_us, each.value): each.summary for each in some if each.summary.requests}
        for some in (apart, whole)
    ]
    assert told[0] == told[1]
    starts = [each.start_us for each in apart]
    assert starts == sorted(starts)


@given(texts=st.lists(st.text(alphabet="a,\"' :", min_size=1, max_size=4), min_size=1, max_size=4))
def test_a_list_in_a_cell_can_be_taken_apart_again(texts: list[str]) -> None:
    (_, (cell,)) = parsed("".join(csv_lines([{"models": texts}], {"models": []})))
    assert next(csv.reader(io.StringIO(cell, newline=""))) == texts


def test_a_list_without_commas_is_written_plainly() -> None:
    row = {"tags": ["team:a b", "é"], "models": ["gpt-5", "org/model,v2"]}
    assert parsed("".join(csv_lines([row], row)))[1] == ["team:a b,é", 'gpt-5,"org/model,v2"']


@pytest.mark.parametrize(
    "export",
    [
        Export(what="buckets", bucket="aeon"),
        Export(what="buckets", bucket="day", by="colour"),
        Export(what="breakdown", by="colour"),
        Export(what="conversations", sort="colour"),
    ],
)
def test_what_cannot_be_asked_is_said_before_the_first_line(store: UsageStore, export: Export) -> None:
    """A pipe that got a line of names would take an export that failed for one without rows."""
    file = io.StringIO(newline="")
    with pytest.raises(ClientError):
        store.export_to(UsageQuery(), export, file)
    assert file.getvalue() == ""


@pytest.mark.parametrize(
    ("export", "total"),
    [
        (Export(what="requests"), 3),
        (Export(what="buckets", bucket="hour"), 26),
        (Export(what="buckets", bucket="1m", format="jsonl"), 1501),
        (Export(what="buckets", bucket="hour", by="model"), 78),
        (Export(what="buckets", bucket="1m", by="model"), 835),
        (Export(what="breakdown", by="model"), 3),
        (Export(what="conversations"), 2),
    ],
)
def test_an_export_says_how_many_rows_it_will_have(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, export: Export, total: int
) -> None:
    monkeypatch.setattr(queries, "MOST_CELLS", 1000)
    store.insert_history(
        record(
            number,
            started_us=BASE_US + number * 45_000_000_000,
            model=f"m{number}",
            conversation_id=f"c{min(1, number)}",
        )
        for number in range(3)
    )
    told: list[tuple[int, int]] = []
    rows = store.export_to(UsageQuery(), export, io.StringIO(newline=""), lambda *each: told.append(each))
    assert told[0] == (0, total) and told[-1] == (rows, total) and rows == total


def test_a_long_series_is_counted_in_its_stretches(store: UsageStore) -> None:
    store.insert_history(record(number, started_us=BASE_US + number * 60 * DAY_US) for number in range(2))
    query = UsageQuery(tz="America/St_Johns")
    for by in (None, "model"):
        told: list[int] = []
        assert sum(1 for _ in store.iter_timeseries(query, "15m", by, told.append)) == told[0]
        assert len(told) == 1 and told[0] > (5_000 if by is None else 2_000)


@pytest.mark.parametrize("before", [" ", "   ", "\u00a0", "\u3000 "])
def test_texts_that_are_formulas_once_they_are_trimmed_are_made_safe_too(before: str) -> None:
    header, row = parsed(saved([replace(FULL, end_user=f"{before}=1+1", model=f"{before}plain")]))
    cells = dict(zip(header, row, strict=True))
    assert cells["end_user"] == cells["user"] == f"'{before}=1+1"
    assert cells["model"] == f"{before}plain"
