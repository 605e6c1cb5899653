"""A comparison as JSON, as rows of a CSV and as sentences: each figure stands where its name says."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.reconcile import CSV_COLUMNS, csv_rows, lines, render
from gateway.reconcile.records import DayModel, Part, Reconciliation, Request, Shared, Totals

HERE = Totals(
    requests=1203,
    input_tokens=11,
    cached_tokens=12,
    cache_write_tokens=13,
    output_tokens=14,
    cost_nano=4_000_000_000,
    estimated=7,
)
BILL = Totals(
    requests=1200, input_tokens=21, cached_tokens=22, cache_write_tokens=23, output_tokens=24, cost_nano=2_500_000_000
)
MATCHED = Part(kind="matched", requests=1199, here_nano=1_000_000_000, bill_nano=1_000_000_000)
DEARER = Part(kind="price_drift", requests=1, here_nano=1_000_000_000, bill_nano=1_500_000_000)
MISSING = Part(kind="missing_there", requests=1003, here_nano=2_000_000_000, bill_nano=0, estimated=True)
UNTOLD = Part(kind="usage_drift", requests=None, here_nano=None, bill_nano=None)
FIRST = DayModel(
    day="2026-11-03",
    model="gpt-5",
    here=HERE,
    bill=BILL,
    parts=(MATCHED, DEARER, MISSING),
    tolerance_nano=3_000,
    reasons={"aborted": 1200, "partial": 0, "own_key": 2},
    note="rows_gone",
)
SECOND = DayModel(
    day="2026-11-04",
    model=None,
    here=Totals(requests=1, cost_nano=0),
    bill=Totals(),
    parts=(UNTOLD,),
)
DONE = Reconciliation(
    provider="openai",
    forms=("one export", "another"),
    zone="Asia/Tokyo",
    zone_source="tried",
    first_day="2026-11-03",
    last_day="2026-11-04",
    lines=1234,
    passed_over=5678,
    counts=("input", "output"),
    decimals=6,
    here=HERE,
    bill=BILL,
    parts=(MATCHED, DEARER, MISSING, UNTOLD),
    tolerance_nano=4_000,
    days=(FIRST, SECOND),
    requests=(Request(id="req_1", day="2026-11-03", model="gpt-5", kind="price_drift", difference_nano=-7),),
    shared=Shared(first_day="2026-11-03", last_day="2026-11-04", taken=2345, left=1),
)
ABORTED = "1,200 aborted by the client; 2 used a caller's own provider key, which is on that key's bill"
GONE = "rows of that day are gone: retention keeps none so old"


def totals(requests: int, first: int, cost: str) -> dict[str, Any]:
    names = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
    return {"requests": requests, **{name: first + n for n, name in enumerate(names)}, "cost_usd": cost}


def part(kind: str, requests: int | None, *figures: Any, estimated: bool = False) -> dict[str, Any]:
    names = ("here_usd", "bill_usd", "percent", "difference_usd", "difference_percent")
    return {"kind": kind, "requests": requests, **dict(zip(names, figures, strict=True)), "cost_estimated": estimated}


PARTS = [
    part("matched", 1199, "1.000000000", "1.000000000", 40.0, "0.000000000", 0.0),
    part("price_drift", 1, "1.000000000", "1.500000000", 60.0, "0.500000000", 20.0),
    part("missing_there", 1003, "2.000000000", "0.000000000", 80.0, "-2.000000000", -80.0, estimated=True),
]
NOT_TOLD = part("usage_drift", None, None, None, None, None, None)


def test_as_json() -> None:
    here = totals(1203, 11, "4.000000000") | {"costs_estimated": 7}
    bill = totals(1200, 21, "2.500000000")
    assert render(DONE) == {
        "provider": "openai",
        "forms": ["one export", "another"],
        "tz": "Asia/Tokyo",
        "tz_source": "tried",
        "first_day": "2026-11-03",
        "last_day": "2026-11-04",
        "lines": 1234,
        "passed_over": 5678,
        "shared": {"first_day": "2026-11-03", "last_day": "2026-11-04", "taken": 2345, "left": 1},
        "counts": ["input", "output"],
        "decimals": 6,
        "here": here,
        "bill": bill,
        "tolerance_usd": "0.000004000",
        "parts": [*PARTS, NOT_TOLD],
        "days": [
            {
                "day": "2026-11-03",
                "model": "gpt-5",
                "here": here,
                "bill": bill,
                "parts": PARTS,
                "tolerance_usd": "0.000003000",
                "reasons": {"aborted": 1200, "partial": 0, "own_key": 2},
                "note": GONE,
            },
            {
                "day": "2026-11-04",
                "model": None,
                "here": dict.fromkeys(here) | {"requests": 1, "cost_usd": "0.000000000"},
                "bill": dict.fromkeys(bill),
                "parts": [NOT_TOLD],
                "tolerance_usd": "0.000000000",
                "reasons": {},
                "note": None,
            },
        ],
        "requests": [
            {
                "id": "req_1",
                "day": "2026-11-03",
                "model": "gpt-5",
                "kind": "price_drift",
                "difference_usd": "-0.000000007",
            }
        ],
    }
    assert render(replace(DONE, shared=None))["shared"] is None


def test_as_rows_of_a_csv() -> None:
    rows = [tuple(row[name] for name in CSV_COLUMNS) for row in csv_rows(DONE)]
    shared = (
        1203,
        11,
        12,
        13,
        14,
        "4.000000000",
        7,
        1200,
        21,
        22,
        23,
        24,
        "2.500000000",
        "0.000003000",
        ABORTED,
        GONE,
        None,
    )
    figures = [tuple(part.values()) for part in PARTS]
    untold = (1, *[None] * 4, "0.000000000", *[None] * 7, "0.000000000", "", "", None)
    assert rows == [
        *(("2026-11-03", "gpt-5", *each, *shared) for each in figures),
        ("2026-11-04", None, *NOT_TOLD.values(), *untold),
    ]
    assert all(row.keys() == set(CSV_COLUMNS) for row in csv_rows(DONE))


def test_as_sentences_and_a_table_of_what_differs() -> None:
    said, table = lines(DONE)
    assert said == [
        "one export, another: openai, 2026-11-03 to 2026-11-04, days of Asia/Tokyo (which fits best), 1,234 lines.",
        "The bill: $2.500000. Our rows: $4.000000. Rounding may make $0.000004 of it.",
        "5,678 lines of other services, keys or projects, or of credits, were passed over.",
        "Several files cover 2026-11-03 to 2026-11-04, and each line counts once, from the file that says most: "
        "2,345 lines were taken, 1 left out.",
        "matched: 1,199 requests, $1.000000 (40.00 %), difference +$0.000000 (+0.00 %)",
        "price drift (same usage, another cost): 1 request, $1.500000 (60.00 %), difference +$0.500000 (+20.00 %)",
        "missing there (in our rows, not on the bill): 1,003 requests, $2.000000 (80.00 %), "
        "difference -$2.000000 (-80.00 %)",
        "usage drift (other counts, not all one way): no cost said, difference dollars unknown",
    ]
    assert table == [
        ("2026-11-03", "gpt-5", "price drift", "1", "+$0.500000 (+20.00 %)", f"{ABORTED}; {GONE}"),
        ("2026-11-03", "gpt-5", "missing there", "1,003", "-$2.000000 (-80.00 %)", f"{ABORTED}; {GONE}"),
        ("2026-11-04", "all", "usage drift", "", "dollars unknown", ""),
    ]


@pytest.mark.parametrize("source, how", [("given", "as given"), ("form", "as such bills are cut")])
def test_whose_days_these_are_is_told(source: str, how: str) -> None:
    said, _ = lines(replace(DONE, zone_source=source, passed_over=0, shared=None))
    assert f"days of Asia/Tokyo ({how}), " in said[0]
    assert said[2].startswith("matched"), "nothing was passed over or told twice"


def test_per_cent_are_of_our_rows_where_the_bill_says_no_cost() -> None:
    silent = replace(DONE, bill=replace(BILL, cost_nano=None), parts=(MISSING,))
    assert render(silent)["parts"][0]["percent"] == 50.0
    nothing = replace(silent, here=replace(HERE, cost_nano=0))
    assert (render(nothing)["parts"][0]["percent"], render(nothing)["parts"][0]["difference_percent"]) == (None, None)
    assert lines(nothing)[0][-1].endswith(" 1,003 requests, $2.000000, difference -$2.000000")


def test_per_cent_have_four_decimals() -> None:
    thirds = replace(DONE, bill=replace(BILL, cost_nano=3_000_000_000), parts=(MISSING, DEARER))
    assert [part["difference_percent"] for part in render(thirds)["parts"]] == [-66.6667, 16.6667]


def test_one_line_was_and_none_were() -> None:
    one = replace(DONE, passed_over=1, shared=Shared(first_day="2026-11-03", last_day="2026-11-03", taken=1, left=0))
    told = "\n".join(lines(one)[0])
    assert "1 line of other services, keys or projects, or of credits, was passed over." in told
    assert "1 line was taken, 0 left out." in told


def test_a_difference_needs_both_sides() -> None:
    for here, bill in ((None, 5), (5, None), (None, None)):
        assert Part(kind="unexplained", requests=1, here_nano=here, bill_nano=bill).difference_nano is None
    assert FIRST.whole_nano == BILL.cost_nano
    assert replace(FIRST, bill=replace(BILL, cost_nano=None)).whole_nano == HERE.cost_nano


def test_dollars_that_are_not_the_bills_are_told_as_ours() -> None:
    silent = replace(DONE, bill=replace(BILL, cost_nano=None), parts=(MISSING,))
    words = "The bill gives no costs: its dollars below are its usage at our own rates."
    assert words in lines(silent)[0] and words not in lines(DONE)[0]
