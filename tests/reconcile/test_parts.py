"""Small bills against few rows, part by part: what counts, what is left out and why, what a difference comes to."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.reconcile import Question, reconcile
from gateway.reconcile.ledger import Ledger
from gateway.reconcile.rates import Rates, tokens_of
from gateway.reconcile.records import Part, Reconciliation, Totals
from gateway.records import AttemptRecord, ExchangeRecord
from tests.reconcile.bills import Rows, opener

DAY_US = 86_400_000_000
QUARTER_US = 900_000_000
# 2026-10-14T00:00Z.
AT_US = 20_740 * DAY_US
UTC = ZoneInfo("UTC")
NAMED = "time,request_id,model,input,cached,output,cost"
SUMMED = "time,model,requests,input,cached,cache_write,output,cost"


def row(number: int = 0, **fields: Any) -> ExchangeRecord:
    """Twelve hours in; input costs 100 and output 1,000 nano-dollars a token."""
    given: dict[str, Any] = {
        "id": f"req_{number}",
        "started_us": AT_US + DAY_US // 2 + number * 1_000_000,
        "door": "openai_chat",
        "key_id": "k",
        "key": "k",
        "provider": "xai",
        "model": "grok-4.3",
        "status": 200,
        "outcome": "ok",
        "input_tokens": 1000 + 7 * number,
        "output_tokens": 10 + number,
        "usage_source": "provider",
        "cost_source": "list",
        "latency_us": 1_000_000,
    } | fields
    tokens = given["input_tokens"], given["output_tokens"]
    given.setdefault("cost_nano", None if None in tokens else 100 * tokens[0] + 1000 * tokens[1])
    return ExchangeRecord(**given)


def against(
    rows: Sequence[ExchangeRecord], header: str, *lines: str, question: dict[str, Any] | None = None, gone: int = 0
) -> Reconciliation:
    mapping = {name: name for name in header.split(",")}
    asked = Question(**{"provider": "xai", "tz": "UTC", "mapping": mapping} | (question or {}))
    return reconcile([opener("\n".join([header, *lines]))], Rows(rows), asked, None, gone or None)


def told(parts: Sequence[Part]) -> list[tuple[str, int | None, int | None, int | None]]:
    return [(part.kind, part.requests, part.here_nano, part.bill_nano) for part in parts]


def summed(*rows: ExchangeRecord, more: Mapping[str, int] | None = None, nano: int = 0) -> str:
    """A line of a day for these rows; with more of some counts, and of nano-dollars."""
    counts = {
        "requests": len(rows),
        "input": sum(each.input_tokens or 0 for each in rows),
        "cached": sum(each.cached_tokens or 0 for each in rows),
        "cache_write": sum(each.cache_write_tokens or 0 for each in rows),
        "output": sum(each.output_tokens or 0 for each in rows),
    }
    for name, number in (more or {}).items():
        counts[name] += number
    cost = sum(each.cost_nano or 0 for each in rows) + nano
    return ",".join(["2026-10-14", "grok-4.3", *map(str, counts.values()), f"{cost / 1e9:.9f}"])


THREE = [row(number) for number in range(3)]
WHOLE = sum(each.cost_nano or 0 for each in THREE)

SUMS: dict[str, tuple[dict[str, int], int, list[tuple[str, int | None, int | None, int | None]], str]] = {
    "alike": ({}, 0, [("matched", 3, WHOLE, WHOLE)], ""),
    "dearer": ({}, 500, [("price_drift", 3, WHOLE, WHOLE + 500)], ""),
    "one more there": (
        {"requests": 1, "input": 1000, "output": 10},
        110_000,
        [("matched", 3, WHOLE, WHOLE), ("missing_here", 1, 0, 110_000)],
        "",
    ),
    "one less there": (
        {"requests": -1, "input": -1007, "output": -11},
        -111_700,
        [("matched", 2, WHOLE - 111_700, WHOLE - 111_700), ("missing_there", 1, 111_700, 0)],
        "",
    ),
    "more of each": (
        {"input": 1000, "output": 10},
        110_000,
        [("matched", 3, WHOLE, WHOLE), ("usage_drift", None, 0, 110_000)],
        "as_many",
    ),
    "more of one and less of the other": (
        {"input": 1000, "output": -10},
        90_000,
        [("matched", 3, WHOLE, WHOLE), ("usage_drift", None, 0, 90_000)],
        "both_ways",
    ),
    "a token more and a token less": (
        {"input": 1, "output": -1},
        -900,
        [("matched", 3, WHOLE - 900, WHOLE - 900), ("usage_drift", None, 900, 0)],
        "both_ways",
    ),
    "less of one": (
        {"output": -10},
        -10_000,
        [("matched", 3, WHOLE - 10_000, WHOLE - 10_000), ("usage_drift", None, 10_000, 0)],
        "as_many",
    ),
    "one more, and rounded": (
        {"requests": 1, "input": 1000, "output": 10},
        110_002,
        [("matched", 3, WHOLE, WHOLE + 2), ("missing_here", 1, 0, 110_000)],
        "",
    ),
    "one more, and more than rounded": (
        {"requests": 1, "input": 1000, "output": 10},
        110_003,
        [("missing_here", 1, 0, 110_000), ("price_drift", 3, WHOLE, WHOLE + 3)],
        "",
    ),
    "one more, with less": (
        {"requests": 1, "input": -1000},
        -100_000,
        [("matched", 3, WHOLE - 100_000, WHOLE - 100_000), ("usage_drift", 1, 100_000, 0)],
        "both_ways",
    ),
    "one more, and dearer": (
        {"requests": 1, "input": 1000, "output": 10},
        110_500,
        [("missing_here", 1, 0, 110_000), ("price_drift", 3, WHOLE, WHOLE + 500)],
        "",
    ),
}


@pytest.mark.parametrize(("more", "nano", "expected", "note"), SUMS.values(), ids=SUMS)
def test_a_day_is_told_in_parts(
    more: dict[str, int], nano: int, expected: list[tuple[str, int | None, int | None, int | None]], note: str
) -> None:
    found = against(THREE, SUMMED, summed(*THREE, more=more, nano=nano))
    (day,) = found.days
    assert (sorted(told(day.parts)), day.note) == (sorted(expected), note)
    assert (day.day, day.model, day.here.requests, day.bill.requests) == (
        "2026-10-14",
        "grok-4.3",
        3,
        3 + more.get("requests", 0),
    )


def test_a_day_that_one_side_alone_has_is_missing_on_the_other() -> None:
    late = row(9, started_us=AT_US + 5 * DAY_US // 2)
    found = against(THREE, SUMMED, summed(*THREE), summed(late).replace("10-14", "10-15"))
    assert told(found.days[1].parts) == [("missing_here", 1, 0, late.cost_nano)]
    last = row(10, started_us=AT_US + 7 * DAY_US // 2)
    found = against([*THREE, late, last], SUMMED, summed(*THREE), summed(last).replace("10-14", "10-17"))
    assert [(day.day, told(day.parts)) for day in found.days] == [
        ("2026-10-14", [("matched", 3, WHOLE, WHOLE)]),
        ("2026-10-16", [("missing_there", 1, late.cost_nano, 0)]),
        ("2026-10-17", [("matched", 1, last.cost_nano, last.cost_nano)]),
    ]


def test_half_a_unit_of_the_bills_last_place_and_half_a_nano_dollar_a_row_are_rounding() -> None:
    line = "2026-10-14,grok-4.3,3,3021,0,0,33,"
    # Six places: half a millionth, and for three rows two nano-dollars.
    for off, kind in ((502, "matched"), (503, "price_drift"), (-502, "matched"), (-503, "price_drift")):
        rows = [*THREE[:2], row(2, cost_nano=(THREE[2].cost_nano or 0) - 100 + off)]
        found = against(rows, SUMMED, f"{line}0.000335")
        assert [part.kind for part in found.parts] == [kind]
        assert found.tolerance_nano == 502


LEFT_OUT: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing used": ({"input_tokens": 0, "output_tokens": 0}, True),
    "nothing known": ({"input_tokens": None, "output_tokens": None, "outcome": "error"}, True),
    "free": ({"output_tokens": 0, "cost_nano": 0}, True),
    "a flat price": ({"input_tokens": 0, "output_tokens": 0, "cost_nano": 5}, False),
    "input alone": ({"output_tokens": 0}, False),
    "without a price": ({"cost_nano": None}, False),
    "input without a price": ({"output_tokens": 0, "cost_nano": None}, False),
    "free output": ({"cost_nano": 0}, False),
}


@pytest.mark.parametrize(("fields", "left_out"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_could_never_be_on_a_bill_is_left_out(fields: dict[str, Any], left_out: bool) -> None:
    found = against([row(0), row(1, **fields)], SUMMED, summed(row(0)))
    assert found.here.requests == (1 if left_out else 2)
    assert ([part.kind for part in found.parts] == ["matched"]) == left_out


def ledger_of(*rows: ExchangeRecord, own_keys: bool = False) -> Ledger:
    ledger = Ledger(by_model=True, own_keys=own_keys)
    ledger.read(rows, {}, lambda *_: None)
    return ledger


def reasons(*rows: ExchangeRecord, own_keys: bool = False) -> dict[str, int]:
    ((_, sums),) = ledger_of(*rows, own_keys=own_keys).by_day(UTC).items()
    return dict(sums.reasons)


def attempts(*providers: str) -> tuple[AttemptRecord, ...]:
    return tuple(
        AttemptRecord(n=n, provider=name, model="m", started_us=AT_US, latency_us=1)
        for n, name in enumerate(providers)
    )


UNSEEN = {"input_tokens": None, "output_tokens": None, "usage_source": "none"}
REASONS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "none": ({}, {}),
    "aborted": ({"outcome": "aborted"}, {"aborted": 1}),
    "aborted before anything was said": ({"outcome": "aborted", **UNSEEN}, {"aborted": 1}),
    "interrupted before anything was said": ({"outcome": "interrupted", **UNSEEN}, {"interrupted": 1}),
    "estimated": ({"usage_source": "estimated"}, {"estimated": 1}),
    "partial": ({"usage_source": "partial"}, {"partial": 1}),
    "unpriced": ({"cost_nano": None}, {"unpriced": 1}),
    "tried again": ({"attempts": attempts("xai", "xai")}, {"tried_again": 1}),
    "tried once": ({"attempts": attempts("xai")}, {}),
    "several providers": ({"attempts": attempts("openai", "xai")}, {"several_providers": 1}),
    "both": ({"attempts": attempts("openai", "xai", "xai")}, {"several_providers": 1, "tried_again": 1}),
    "own key": ({"byok": True, "outcome": "aborted"}, {"own_key": 1}),
    "across midnight": (
        {"started_us": AT_US + DAY_US - 1, "latency_us": 2},
        {"across_midnight": 1},
    ),
    "until midnight": ({"started_us": AT_US + DAY_US - 2, "latency_us": 1}, {}),
    "across another quarter": ({"started_us": AT_US + QUARTER_US - 1}, {}),
    "of unknown length": ({"started_us": AT_US + DAY_US - 1, "latency_us": None}, {}),
}


@pytest.mark.parametrize(("fields", "expected"), REASONS.values(), ids=REASONS)
def test_why_a_row_may_not_be_as_the_bill_has_it(fields: dict[str, Any], expected: dict[str, int]) -> None:
    assert reasons(row(0, **fields)) == expected


def test_own_keys_count_where_the_bill_is_theirs() -> None:
    own = row(0, byok=True)
    (sums,) = ledger_of(own, own_keys=True).slots.values()
    assert (sums.requests, dict(sums.reasons)) == (1, {"own_key": 1})
    (sums,) = ledger_of(own).slots.values()
    assert (sums.requests, sums.cost) == (0, 0)
    found = against([row(0), row(1, byok=True)], SUMMED, summed(row(0)))
    assert told(found.parts) == [("matched", 1, row(0).cost_nano, row(0).cost_nano)]


def named(*rows: ExchangeRecord, nano: int = 0, more: int = 0) -> list[str]:
    return [
        f"2026-10-14T12:00:{number:02d}Z,{each.id},grok-4.3,{(each.input_tokens or 0) + more},"
        f"{each.cached_tokens or 0},{each.output_tokens},{((each.cost_nano or 0) + nano) / 1e9:.9f}"
        for number, each in enumerate(rows)
    ]


def test_a_bill_that_names_requests_is_met_by_name() -> None:
    strange, lone = row(7), row(8)
    lines = [
        *named(THREE[0]),
        *named(THREE[1], nano=500),
        *named(THREE[2], more=1),
        *named(strange),
    ]
    found = against([*THREE, lone], NAMED, *lines)
    costs = [each.cost_nano or 0 for each in THREE]
    assert sorted(told(found.parts)) == sorted(
        [
            ("matched", 1, costs[0], costs[0]),
            ("price_drift", 1, costs[1], costs[1] + 500),
            ("usage_drift", 1, costs[2], costs[2]),
            ("missing_here", 1, 0, strange.cost_nano),
            ("missing_there", 1, lone.cost_nano, 0),
        ]
    )
    assert [(each.id, each.kind, each.difference_nano) for each in found.requests] == [
        ("req_1", "price_drift", 500),
        ("req_2", "usage_drift", 0),
        ("req_7", "missing_here", strange.cost_nano),
        ("req_8", "missing_there", -(lone.cost_nano or 0)),
    ]
    assert {(each.day, each.model) for each in found.requests} == {("2026-10-14", "grok-4.3")}
    assert (found.here.requests, found.bill.requests) == (4, 4)


def test_a_row_of_a_day_that_the_bill_does_not_tell_of_is_not_missing_there() -> None:
    found = against([THREE[0], row(1, started_us=AT_US + 3 * DAY_US // 2)], NAMED, *named(THREE[0]))
    assert [part.kind for part in found.parts] == ["matched"] and not found.requests


def test_days_whose_rows_are_gone_say_so() -> None:
    """Also those of which only the beginning is gone; what matches needs no word."""
    noon = AT_US + DAY_US // 2
    for gone, note in ((AT_US, ""), (AT_US + 1_000_000, "rows_gone"), (noon, "rows_gone")):
        found = against(THREE, SUMMED, summed(*THREE, more={"requests": 1, "input": 9, "output": 9}), gone=gone)
        assert found.days[0].note == note
    assert against(THREE, SUMMED, summed(*THREE), gone=noon).days[0].note == ""


def test_tokens_as_they_are_priced() -> None:
    some = row(0, cached_tokens=300, cache_write_tokens=200, cache_write_1h_tokens=50)
    assert tokens_of(some) == (500, 300, 150, 50, 10)


def learnt(*rows: ExchangeRecord) -> Rates:
    rates = Rates()
    for each in rows:
        rates.learn(each)
    return rates


def test_rates_follow_from_rows_and_say_nothing_where_rows_follow_none() -> None:
    rates = learnt(*THREE)
    assert rates.price((10, 0, 0, 0, 2)) == 3000 and rates.price((-10, 0, 0, 0, 0)) == -1000
    # What no row has used has no rate.
    assert rates.price((10, 1, 0, 0, 0)) is None and rates.price((0, 0, 0, 0, 0)) == 0
    stepped = learnt(*THREE, row(50, cost_nano=10**6))
    audio = learnt(*THREE, row(4, input_audio_tokens=5))
    searched = learnt(*THREE, row(4, web_searches=1))
    spoken = learnt(*THREE, row(4, output_audio_tokens=5))
    alike = learnt(THREE[0], THREE[0])
    for unknown in (stepped, audio, searched, spoken, alike, Rates()):
        assert unknown.price((10, 0, 0, 0, 2)) is None
    assert learnt(*THREE, row(4, cost_nano=None)).price((10, 0, 0, 0, 2)) == 3000
    added = learnt(THREE[0])
    added.add(learnt(*THREE[1:]))
    assert added.price((10, 0, 0, 0, 2)) == 3000
    for unknown in (stepped, audio):
        mixed = learnt(*THREE)
        mixed.add(unknown)
        assert mixed.price((10, 0, 0, 0, 2)) is None


def test_rates_of_each_kind_of_token_are_told_apart() -> None:
    prices = (100, 10, 125, 200, 1000)
    rows = []
    for n in range(8):
        tokens = (50 + n * n, 7 * n + 1, 3 + n % 3, 2 + n % 5, 11 + n % 4)
        cost = sum(number * price for number, price in zip(tokens, prices, strict=True))
        uncached, cached, written, hour, output = tokens
        rows.append(
            row(
                n,
                input_tokens=uncached + cached + written + hour,
                cached_tokens=cached,
                cache_write_tokens=written + hour,
                cache_write_1h_tokens=hour,
                output_tokens=output,
                cost_nano=cost,
            )
        )
    rates = learnt(*rows)
    for place, price in enumerate(prices):
        assert rates.price(tuple(int(place == each) for each in range(5))) == price


def test_the_days_of_a_zone_are_cut_from_one_reading() -> None:
    ledger = ledger_of(
        row(0, started_us=AT_US), row(1, started_us=AT_US - 1), row(2, started_us=AT_US + 5 * QUARTER_US)
    )
    days = {zone: ledger.by_day(ZoneInfo(zone)) for zone in ("UTC", "Asia/Kolkata", "America/New_York")}
    told_days = {
        zone: {day.isoformat(): sums.requests for (day, _), sums in found.items()} for zone, found in days.items()
    }
    assert told_days == {
        "UTC": {"2026-10-13": 1, "2026-10-14": 2},
        "Asia/Kolkata": {"2026-10-14": 3},
        "America/New_York": {"2026-10-13": 3},
    }
    assert date(2026, 10, 14).toordinal() - date(1970, 1, 1).toordinal() == AT_US // DAY_US


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])
def test_a_bill_that_names_requests_shows_its_zone_by_their_times(form: str) -> None:
    zone = ZoneInfo("Asia/Tokyo")
    rows = [row(number, started_us=AT_US + number * 3 * QUARTER_US) for number in range(40)]
    lines = [
        f"{datetime.fromtimestamp(each.started_us / 1e6, zone).strftime(form)},{each.id},grok-4.3,"
        f"{each.input_tokens},0,{each.output_tokens},{(each.cost_nano or 0) / 1e9:.9f}"
        for each in rows
    ]
    found = against(rows, NAMED, *lines, question={"tz": None})
    assert (found.zone, found.zone_source) == ("Asia/Tokyo", "tried")
    assert [part.kind for part in found.parts] == ["matched"]
    assert {day.day: day.here.requests for day in found.days} == {"2026-10-14": 20, "2026-10-15": 20}


def test_a_bill_without_models_is_compared_as_a_whole() -> None:
    rows = [*THREE, row(5, model="grok-4"), row(6, model=None, model_requested=None)]
    cost = sum(each.cost_nano or 0 for each in rows)
    found = against(rows, "time,model,requests,cost", f"2026-10-14,,5,{cost / 1e9:.9f}")
    assert [(day.model, told(day.parts)) for day in found.days] == [(None, [("matched", 5, cost, cost)])]
    assert found.bill == Totals(requests=5, cost_nano=cost)
    alone = against(rows, "time,model,cost", f"2026-10-14,,{cost / 1e9:.9f}")
    assert alone.bill == Totals(cost_nano=cost) and alone.here.requests == 5
    counted = against(THREE, "time,model,input,output", "2026-10-14,grok-4.3,3021,33")
    assert counted.bill == Totals(input_tokens=3021, output_tokens=33)
    assert told(counted.parts) == [("matched", 3, WHOLE, WHOLE)]


def test_a_model_goes_by_one_name_however_it_was_asked_for() -> None:
    rows = [row(0), row(1, model=None, model_requested="grok-4.3")]
    assert {model for _, model in ledger_of(*rows).slots} == {"grok-4.3"}


def test_a_bill_that_leaves_counts_out_prices_a_difference_only_where_these_cost_nothing() -> None:
    header = "time,model,input,output,cost"
    line = f"2026-10-14,grok-4.3,4021,33,{(WHOLE + 100_000) / 1e9:.9f}"
    found = against(THREE, header, line)
    assert sorted(told(found.parts)) == [("matched", None, WHOLE, WHOLE), ("missing_here", None, 0, 100_000)]
    assert found.days[0].note == ""
    cached = [*THREE[:2], row(2, cached_tokens=5)]
    assert against(cached, header, line).days[0].note == "no_rates"
    alone = against(THREE, "time,model,input,cost", f"2026-10-14,grok-4.3,4021,{(WHOLE + 100_000) / 1e9:.9f}")
    assert alone.days[0].note == "no_rates"


def test_a_request_is_compared_by_what_its_bill_says() -> None:
    """Counts that it leaves out are no difference, nor is a nought beside nothing."""
    written = row(0, cache_write_tokens=7)
    silent = row(1, input_tokens=None, cost_nano=11_000)
    lines = [*named(written), *named(silent)]
    assert [part.kind for part in against([written, silent], NAMED, *lines).parts] == ["matched"]
    header = f"{NAMED},cache_write"
    assert [part.kind for part in against([written], header, f"{lines[0]},0").parts] == ["usage_drift"]
    assert [part.kind for part in against([silent], header, f"{lines[1]},0").parts] == ["matched"]


def test_what_was_broken_off_and_is_known_to_have_used_nothing_is_no_reason() -> None:
    nothing = {"input_tokens": 0, "output_tokens": 0, "cost_nano": 0}
    assert ledger_of(row(0, outcome="aborted", **nothing)).slots == {}
    assert reasons(row(0, outcome="aborted", **nothing, usage_source="none")) == {"aborted": 1}


def test_rates_are_known_by_the_day_too() -> None:
    dearer = [row(9, started_us=AT_US + DAY_US), row(8, started_us=AT_US + DAY_US, cost_nano=5_000_000)]
    ledger = ledger_of(*THREE, *dearer)
    ever, near = ledger.rates("grok-4.3", [AT_US // DAY_US])
    assert (ever.price((10, 0, 0, 0, 2)), near.price((10, 0, 0, 0, 2))) == (None, 3000)
    assert ledger.rates("grok-4.3", [AT_US // DAY_US + 5])[1].price((10, 0, 0, 0, 2)) is None


def test_what_is_unknown_here_counts_for_nothing_against_a_named_request() -> None:
    met, lone = row(0, output_tokens=None, cost_nano=None), row(1, cost_nano=None)
    found = against([met, lone], NAMED, "2026-10-14T12:00:00Z,req_0,grok-4.3,1000,0,0,0")
    assert sorted(told(found.parts)) == [("matched", 1, 0, 0), ("missing_there", 1, 0, 0)]
    assert [(each.id, each.difference_nano) for each in found.requests] == [("req_1", 0)]
    (sums,) = ledger_of(row(0), lone).slots.values()
    assert (sums.requests, sums.cost) == (2, row(0).cost_nano)


def test_named_requests_of_several_files_are_all_met_and_lines_may_lack_a_name_or_a_last_cell() -> None:
    first, second, third = named(THREE[0]), named(THREE[1]), named(THREE[2])
    short = third[0].rpartition(",")[0]
    files = [opener("\n".join([NAMED, *lines])) for lines in (first, [*second, short])]
    asked = Question(provider="xai", tz="UTC", mapping={name: name for name in NAMED.split(",")})
    found = reconcile(files, Rows(THREE), asked, None, None)
    assert [(part.kind, part.requests) for part in found.parts] == [("matched", 2), ("price_drift", 1)]
    nameless = second[0].replace("req_1", "")
    found = against(THREE[:1], NAMED, *first, nameless)
    assert [(each.id, each.kind) for each in found.requests] == []
    assert [(part.kind, part.bill_nano) for part in found.parts] == [
        ("matched", THREE[0].cost_nano),
        ("missing_here", THREE[1].cost_nano),
    ]


def test_reasons_are_told_where_a_part_of_a_day_does_not_match() -> None:
    rows = [*THREE, row(3, usage_source="estimated")]
    more = {"requests": 1, "input": 1000, "output": 10}
    assert against(rows, SUMMED, summed(*rows, more=more, nano=110_000)).days[0].reasons == {"estimated": 1}
    assert against(rows, SUMMED, summed(*rows)).days[0].reasons == {}
