"""Bills with known faults against a ledger: every class is found, day by day and model by model, and nothing else."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ClientError
from gateway.reconcile import Question, reconcile, render
from gateway.reconcile import lines as report_lines
from gateway.reconcile.records import DayModel, Reconciliation
from gateway.reconcile.sums import to_nano
from gateway.records import AttemptRecord, ExchangeRecord
from tests.reconcile import bills
from tests.reconcile.bills import Billed, Rows, billed, opener

UTC = ZoneInfo("UTC")
# The clocks of Los Angeles go back on the first of November.
FIRST, LAST = date(2026, 10, 20), date(2026, 11, 8)
Writer = Callable[[Sequence[Billed], ZoneInfo, int], list[str]]

FORMS: dict[str, tuple[str, Writer]] = {
    "openai": ("openai", lambda r, z, p: [bills.openai_usage(r, z), bills.openai_costs(r, z, p)]),
    "anthropic": ("anthropic", lambda r, z, p: [bills.anthropic_usage(r, z), bills.anthropic_costs(r, z, p)]),
    "google": ("google", lambda r, z, p: [bills.google(r, z, p)]),
    "xai": ("xai", lambda r, z, p: [bills.xai(r, z, p)]),
}


DEAREST = {"openai": "gpt-5", "anthropic": "claude-sonnet-4-6", "google": "gemini-2.5-flash", "xai": "grok-4.3"}


def done(files: Sequence[str], rows: Sequence[ExchangeRecord], question: Question | None = None) -> Reconciliation:
    found = reconcile([opener(file) for file in files], Rows(rows), question or Question())
    assert_adds_up(found)
    return found


def assert_adds_up(found: Reconciliation) -> None:
    """Parts add up to both sides, to the nano-dollar."""
    for each in (*found.days, found):
        if each.bill.cost_nano is not None:
            assert sum(part.bill_nano or 0 for part in each.parts) == each.bill.cost_nano
        if all(part.here_nano is not None for part in each.parts):
            assert sum(part.here_nano or 0 for part in each.parts) == (each.here.cost_nano or 0)


def parts(found: Reconciliation | DayModel) -> dict[str, tuple[int | None, int | None]]:
    return {part.kind: (part.requests, part.difference_nano) for part in found.parts}


def faulty(
    rows: Sequence[ExchangeRecord], zone: ZoneInfo, model: str
) -> tuple[list[Billed], list[Billed], list[Billed]]:
    """3 % of the rows off the bill (on even days), 2 % of others on it (on odd days), one model 1 % dearer."""
    draw = random.Random(3)
    known = bills.within(billed(rows), FIRST, LAST, zone)
    even = [r for r in known if r.day(zone).day % 2 == 0]
    odd = [r for r in known if r.day(zone).day % 2 == 1]
    removed = draw.sample(even, round(0.03 * len(known)))
    added = [replace(r, id=f"new_{r.id}", us=r.us + 1) for r in draw.sample(odd, round(0.02 * len(known)))]
    gone = {r.id for r in removed}
    return bills.dearer([r for r in known if r.id not in gone] + added, model), removed, added


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata"])
@pytest.mark.parametrize("places", [2, 4])
@pytest.mark.parametrize("form", FORMS)
def test_each_class_of_a_faulty_daily_bill_is_found_exactly(form: str, places: int, zone: str) -> None:
    provider, write = FORMS[form]
    rows, tz = bills.ledger(provider), ZoneInfo(zone)
    dear = DEAREST[provider]
    bill, removed, added = faulty(rows, tz, dear)
    found = done(write(bill, tz, places), rows)
    assert (found.zone, found.provider) == (zone, provider)
    own = "America/Los_Angeles" if provider == "google" else "UTC"
    assert found.zone_source == ("form" if zone == own else "tried")
    counted = "requests" in found.counts
    by_cell = {
        "missing_there": Counter((r.day(tz).isoformat(), r.model) for r in removed),
        "missing_here": Counter((r.day(tz).isoformat(), r.model) for r in added),
    }
    cost = {r.id: r.dollars for r in billed(rows)} | {r.id: r.dollars for r in added}
    for day in found.days:
        key, said = (day.day, day.model), parts(day)
        usage = {kind: cells[key] for kind, cells in by_cell.items() if cells[key]}
        # No cell has both, by how they were drawn, so each is told exactly: the class, how many, and for how much.
        assert {kind for kind in said if kind.startswith("missing")} == set(usage), day
        for kind, number in usage.items():
            requests, difference = said[kind]
            assert requests == (number if counted else None)
            of_cell = [
                r for r in (removed if kind == "missing_there" else added) if key == (r.day(tz).isoformat(), r.model)
            ]
            sign = -1 if kind == "missing_there" else 1
            expected = sign * sum(to_nano(cost[r.id]) for r in of_cell)
            assert difference is not None and abs(difference - expected) <= len(of_cell)
        theirs = [r for r in bill if key == (r.day(tz).isoformat(), r.model)]
        drift = (
            sum(r.dollars for r in theirs) * (Decimal("0.01") / Decimal("1.01")) if day.model == dear else Decimal(0)
        )
        # What is as small as the rounding may be lost in it, or not; twice that is always seen, and nothing else is.
        assert "price_drift" in said or to_nano(drift) <= 2 * day.tolerance_nano, day
        assert "price_drift" not in said or drift
        if "price_drift" in said:
            assert abs((said["price_drift"][1] or 0) - to_nano(drift)) <= day.tolerance_nano + len(theirs)
    total = parts(found)
    assert "price_drift" in total or places == 2
    assert total["missing_there"][0] == (len(removed) if counted else None)
    assert total["missing_here"][0] == (len(added) if counted else None)
    assert "usage_drift" not in total and "unexplained" not in total


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata"])
def test_each_class_of_a_faulty_bill_by_request_is_found_by_name(zone: str) -> None:
    rows, tz = bills.ledger("openai"), ZoneInfo(zone)
    bill, removed, added = faulty(rows, tz, "gpt-5")
    # Removed and added may fall on one day here.
    added = [replace(r, us=removed[n % len(removed)].us) for n, r in enumerate(added)]
    bill = [r for r in bill if not r.id.startswith("new")] + added
    found = done([bills.per_request(bill, tz, 4)], rows, Question(provider="openai"))
    assert (found.zone, found.zone_source) == (zone, "tried")
    said = parts(found)
    dear = [r for r in bill if r.model == "gpt-5" and not r.id.startswith("new")]
    assert said["missing_there"] == (len(removed), -sum(to_nano(r.dollars) for r in removed))
    assert said["missing_here"] == (len(added), sum(to_nano(round(r.dollars, 4)) for r in added))
    costs = {r.upstream_request_id: r.cost_nano or 0 for r in rows}
    differences = [to_nano(round(r.dollars, 4)) - costs[r.id] for r in dear]
    seen = [difference for difference in differences if abs(difference) > 50_000 + 1]
    assert said["price_drift"] == (len(seen), sum(seen))
    assert said["matched"][0] == len(bill) - len(added) - len(seen)
    names = {kind: {r.id for r in found.requests if r.kind == kind} for kind in said}
    assert names["missing_here"] == {r.id for r in added}
    ours = {r.upstream_request_id: r.id for r in rows}
    assert names["missing_there"] == {ours[r.id] for r in removed}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), places=st.integers(2, 6), form=st.sampled_from(sorted(FORMS)))
def test_rounding_alone_is_never_a_difference(seed: int, places: int, form: str) -> None:
    provider, write = FORMS[form]
    rows = bills.ledger(provider, days=3, per_day=5, seed=seed)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=2), UTC)
    found = done(write(known, UTC, places), rows, Question(tz="UTC"))
    assert set(parts(found)) == {"matched"}
    assert abs((found.bill.cost_nano or 0) - (found.here.cost_nano or 0)) <= found.tolerance_nano
    assert found.here.requests == len(known)


def test_what_falls_on_one_day_and_model_is_told_as_far_as_it_can_be() -> None:
    rows = bills.ledger("openai", days=3)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=2), UTC)
    cell = [r for r in known if r.model == "gpt-5" and r.day(UTC) == FIRST]
    small, large = sorted(cell, key=lambda r: r.input)[0], sorted(cell, key=lambda r: r.input)[-1]
    new = replace(large, id="new", output=large.output + 1, dollars=large.dollars + Decimal("0.00001"))
    bill = [r for r in known if r is not small] + [new]
    found = done(FORMS["openai"][1](bill, UTC, 30), rows, Question(tz="UTC"))
    (day,) = [day for day in found.days if not day.matched]
    # As many requests as before, with more tokens: the net is exact, and that more cannot be told is said.
    assert (day.day, day.model) == (FIRST.isoformat(), "gpt-5")
    assert parts(day)["usage_drift"] == (None, to_nano(new.dollars) - to_nano(small.dollars))
    assert day.bill.requests == day.here.requests

    two = [r for r in known if r is not small and r is not large] + [new]
    (day,) = [day for day in done(FORMS["openai"][1](two, UTC, 30), rows, Question(tz="UTC")).days if not day.matched]
    # One less of each by the count, and tokens both ways.
    assert day.note in ("", "both_ways") and (day.bill.requests or 0) == (day.here.requests or 0) - 1


def test_a_bill_without_costs_has_its_difference_priced_at_our_rates() -> None:
    rows = bills.ledger("anthropic", days=3)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=2), UTC)
    gone = known[5]
    found = done([bills.anthropic_usage([r for r in known if r is not gone], UTC)], rows)
    assert parts(found)["missing_there"] == (None, -to_nano(gone.dollars))
    assert found.bill.cost_nano is None and found.bill.requests is None


def test_a_day_that_only_a_bill_without_costs_knows_is_priced_at_our_rates() -> None:
    rows = bills.ledger("anthropic", days=3)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=2), UTC)
    theirs = [r for r in known if r.day(UTC) == FIRST]
    ours = [row for row in rows if billed([row])[0].day(UTC) != FIRST]
    found = done([bills.anthropic_usage(known, UTC)], ours, Question(tz="UTC"))
    assert parts(found)["missing_here"] == (None, to_nano(sum((r.dollars for r in theirs), Decimal(0))))


def test_a_bill_without_counts_tells_no_cause() -> None:
    rows = bills.ledger("anthropic", days=3)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=2), UTC)
    gone = next(r for r in known if r.model == "claude-haiku-4-5")
    found = done([bills.anthropic_costs([r for r in known if r is not gone], UTC, 6)], rows)
    (day,) = [day for day in found.days if not day.matched]
    assert (day.day, day.model, day.note) == (gone.day(UTC).isoformat(), gone.model, "no_counts")
    assert abs((parts(day)["unexplained"][1] or 0) + to_nano(gone.dollars)) <= day.tolerance_nano


def test_whole_days_and_models_are_missing_on_either_side() -> None:
    rows = bills.ledger("openai", days=5)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=4), UTC)
    middle = FIRST + timedelta(days=2)
    bill = [r for r in known if r.day(UTC) != middle]
    ours = [row for row in rows if row.model != "gpt-5-nano"]
    found = done(FORMS["openai"][1](bill, UTC, 30), ours, Question(tz="UTC"))
    for day in found.days:
        if day.day == middle.isoformat():
            assert set(parts(day)) == {"missing_there"} and day.bill.cost_nano == 0
        elif day.model == "gpt-5-nano":
            assert set(parts(day)) == {"missing_here"} and day.here.requests == 0
        else:
            assert day.matched
    assert {middle.isoformat()} < {day.day for day in found.days}
    assert {"gpt-5-nano"} < {day.model for day in found.days}


@pytest.mark.parametrize("hours", [23, 25])
def test_days_on_which_the_clocks_change_are_cut_as_the_zone_cuts_them(hours: int) -> None:
    day = date(2026, 3, 29) if hours == 23 else date(2026, 10, 25)
    zone = ZoneInfo("Europe/Berlin")
    rows = bills.ledger("openai", first=day - timedelta(days=2), days=5, per_day=48)
    known = bills.within(billed(rows), day - timedelta(days=2), day + timedelta(days=2), zone)
    found = done(FORMS["openai"][1](known, zone, 30), rows)
    assert found.zone == "Europe/Berlin" and all(each.matched for each in found.days)
    assert len(found.days) == 5 * 3
    starts = sorted({r.us for r in known if r.day(zone) == day})
    assert (starts[-1] - starts[0]) / 3.6e9 > hours - 1 - 0.5
    assert not all(each.matched for each in done(FORMS["openai"][1](known, zone, 30), rows, Question(tz="UTC")).days)


def changed(row: ExchangeRecord, **fields: object) -> ExchangeRecord:
    return msgspec.structs.replace(row, **fields)


def test_rows_that_may_differ_are_the_reasons_beside_a_difference() -> None:
    rows = bills.ledger("openai", days=1, per_day=6)
    mine = [row for row in rows if row.model == "gpt-5" and billed([row])[0].day(UTC) == FIRST]
    assert len(mine) >= 4
    own, cut, guess, dead = mine[:4]
    special = {
        own.id: changed(own, byok=True),
        cut.id: changed(cut, outcome="aborted", usage_source="partial"),
        guess.id: changed(guess, usage_source="estimated"),
        dead.id: changed(
            dead, outcome="interrupted", usage_source="none", input_tokens=None, output_tokens=None, cost_nano=None
        ),
    }
    ours = [special.get(row.id, row) for row in rows]
    bill = [
        r
        for r in bills.within(billed(rows), FIRST, FIRST, UTC)
        if r.id not in (cut.upstream_request_id, own.upstream_request_id)
    ]
    found = done(FORMS["openai"][1](bill, UTC, 30), ours, Question(tz="UTC"))
    (day,) = [day for day in found.days if not day.matched]
    assert day.reasons == {"own_key": 1, "aborted": 1, "estimated": 1, "interrupted": 1}
    # The caller's own key is on another bill; with own_keys it is held against this one.
    assert day.here.requests == len(mine) - 2
    kept = done(FORMS["openai"][1](bill, UTC, 30), ours, Question(tz="UTC", own_keys=True))
    assert kept.here.requests == (found.here.requests or 0) + 1


def test_each_reason_for_which_a_row_may_differ_is_counted() -> None:
    rows = bills.ledger("openai", days=1, per_day=8)
    mine = [row for row in rows if row.model == "gpt-5" and billed([row])[0].day(UTC) == FIRST]
    free, late, twice = mine[:3]
    attempts = tuple(
        AttemptRecord(n=n, provider=name, model="gpt-5", started_us=1, latency_us=1, status=200)
        for n, name in enumerate(("xai", "openai"), 1)
    )
    silent = msgspec.structs.replace(attempts[1], status=None)
    special = {
        free.id: changed(free, cost_nano=None, cost_source="none"),
        late.id: changed(
            late,
            outcome="error",
            usage_source="none",
            input_tokens=None,
            output_tokens=None,
            cost_nano=None,
            attempts=(silent,),
        ),
        twice.id: changed(twice, attempts=attempts),
    }
    ours = [special.get(row.id, row) for row in rows]
    bill = bills.within(billed(rows), FIRST, FIRST, UTC)
    found = done(FORMS["openai"][1](bill, UTC, 30), ours, Question(tz="UTC"))
    (day,) = [day for day in found.days if not day.matched]
    # Of a provider that never answered nobody knows what it used.
    assert day.reasons == {"unpriced": 2, "several_providers": 1}


def test_rows_alone_may_be_off_by_half_a_nano_dollar_each() -> None:
    rows = bills.ledger("openai", days=1, per_day=6)
    known = bills.within(billed(rows), FIRST, FIRST, UTC)
    cell = [r for r in known if r.model == "gpt-5"]
    for more, kinds in ((len(cell) // 2, {"matched"}), (len(cell) + 2, {"matched", "price_drift"})):
        off = [replace(r, dollars=r.dollars + Decimal(more).scaleb(-9)) if r is cell[0] else r for r in known]
        assert set(parts(done(FORMS["openai"][1](off, UTC, 30), rows, Question(tz="UTC")))) == kinds


def test_counts_that_differ_both_ways_are_noted() -> None:
    rows = bills.ledger("openai", days=1, per_day=6)
    known = bills.within(billed(rows), FIRST, FIRST, UTC)
    one, other = [r for r in known if r.model == "gpt-5"][:2]
    for more, gone, note in ((5, None, "both_ways"), (0, None, "as_many"), (10**6, other, "both_ways")):
        left = [r for r in known if r is not gone]
        bill = [replace(r, input=r.input + more, output=r.output - 1) if r is one else r for r in left]
        found = done(FORMS["openai"][1](bill, UTC, 30), rows, Question(tz="UTC"))
        (day,) = [day for day in found.days if not day.matched]
        # The bill's sum has one request less, whatever its tokens say; as many as ours differ in nobody knows how many.
        assert (day.note, parts(day)["usage_drift"][0]) == (note, None if gone is None else 1)


def test_what_no_bill_can_have_is_not_compared() -> None:
    rows = bills.ledger("openai", days=1, per_day=4)
    known = bills.within(billed(rows), FIRST, FIRST, UTC)
    at = known[0].us
    never = [
        changed(rows[0], id="count", started_us=at, output_tokens=None, cost_nano=0),
        changed(
            rows[0],
            id="refused",
            started_us=at,
            outcome="error",
            status=400,
            input_tokens=None,
            output_tokens=None,
            cost_nano=None,
        ),
    ]
    found = done(FORMS["openai"][1](known, UTC, 30), [*rows, *never], Question(tz="UTC"))
    assert all(day.matched for day in found.days) and found.here.requests == len(known)


def test_a_bill_names_an_attempt_too() -> None:
    row = bills.ledger("openai", days=1, per_day=1)[0]
    attempt = AttemptRecord(
        n=1, provider="openai", model="gpt-5", started_us=1, latency_us=1, upstream_request_id="up_1"
    )
    bill = [replace(billed([row])[0], id="up_1")]
    found = done([bills.per_request(bill, UTC, 9)], [changed(row, attempts=(attempt,), upstream_request_id="up_2")])
    assert parts(found) == {"matched": (1, 0)}


def test_rows_past_midnight_are_a_reason() -> None:
    row = bills.ledger("xai", days=1, per_day=1)[0]
    late = int(bills._midnight(FIRST + timedelta(days=1), UTC)) * bills.US - 5 * bills.US
    mine = changed(row, started_us=late, latency_us=9 * bills.US)
    theirs = replace(billed([mine])[0], us=late + 9 * bills.US)
    other = changed(row, id="x", started_us=late - 3600 * bills.US)
    found = done([bills.xai([*billed([other]), theirs], UTC, 9)], [mine, other], Question(tz="UTC"))
    first, second = found.days
    assert set(parts(first)) >= {"missing_there"} and first.reasons == {"across_midnight": 1}
    assert set(parts(second)) == {"missing_here"}


def test_prices_that_changed_within_the_bill_are_told_day_by_day() -> None:
    rows = bills.ledger("openai", days=6, per_day=40)
    later = bills._midnight(FIRST + timedelta(days=3), UTC) * bills.US
    ours = [changed(r, cost_nano=2 * (r.cost_nano or 0)) if r.started_us >= later else r for r in rows]
    known = bills.within(billed(ours), FIRST, FIRST + timedelta(days=5), UTC)
    gone = next(r for r in known if r.day(UTC) == FIRST and r.model == "gpt-5")
    found = done(FORMS["openai"][1]([r for r in known if r is not gone], UTC, 30), ours, Question(tz="UTC"))
    assert parts(found)["missing_there"] == (1, -to_nano(gone.dollars))


def test_rows_without_fixed_rates_put_no_price_on_what_differs() -> None:
    draw = random.Random(5)
    rows = [changed(r, cost_nano=draw.randrange(10**9)) for r in bills.ledger("openai", days=2)]
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=1), UTC)
    gone = known[0]
    found = done(FORMS["openai"][1]([r for r in known if r is not gone], UTC, 30), rows, Question(tz="UTC"))
    (day,) = [day for day in found.days if not day.matched]
    assert day.note == "no_rates"
    assert parts(day)["missing_there"] == (1, -to_nano(gone.dollars))


def test_costs_of_whole_days_are_compared_by_day() -> None:
    rows = bills.ledger("openai", days=3)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=2), UTC)
    lines = bills.openai_costs(known, UTC, 30).splitlines()
    whole = "\n".join(line.replace(line.split('"')[1], "") if '"' in line else line for line in lines)
    found = done([whole], rows, Question(tz="UTC"))
    assert [(day.model, day.matched) for day in found.days] == [(None, True)] * 3


def test_two_files_that_say_the_same_and_two_providers_are_refused() -> None:
    requests = billed(bills.ledger("openai", days=1))
    usage, costs = bills.openai_usage(requests, UTC), bills.openai_costs(requests, UTC)
    claude = bills.anthropic_usage(billed(bills.ledger("anthropic", days=1)), UTC)
    for files, message in (
        ([usage, claude], "looks like the Claude Console's usage export, not like a bill of openai"),
        ([costs, bills.per_request(requests, UTC)], "Both OpenAI's cost export and a table of usage say cost"),
        ([usage, costs, usage], "The same file is given twice, and would count twice: give each once"),
    ):
        with pytest.raises(ClientError, match=message):
            done(files, [])


def without(found: Reconciliation) -> Reconciliation:
    """What was found, without how many lines it took."""
    return msgspec.structs.replace(found, lines=0, passed_over=0, shared=None)


def days_of(known: Sequence[Billed], first: int, last: int) -> list[Billed]:
    return bills.within(known, FIRST + timedelta(days=first), FIRST + timedelta(days=last), UTC)


@pytest.mark.parametrize("form", [*FORMS, "mapped", "by request"])
@pytest.mark.parametrize("later_first", [False, True])
def test_days_that_two_downloads_tell_count_once(form: str, later_first: bool) -> None:
    """Downloads of the days 0 to 12 and 8 to 19; the first was made in the middle of its last day."""
    provider, write = FORMS.get(form, ("openai", lambda r, z, p: [bills.usage_and_costs(r, z)]))
    question = Question(tz="UTC", provider=provider)
    if form == "mapped":
        mapping = {"time": "Date", "model": "Model", "requests": "Requests", "input": "Input tokens"}
        mapping |= {"cached": "Cached tokens", "output": "Output tokens", "cost": "Cost (USD)"}
        question = msgspec.structs.replace(question, mapping=mapping)
    elif form == "by request":
        write = lambda r, z, p: [bills.per_request(r, z, p)]  # noqa: E731
    rows = bills.ledger(provider)
    known = days_of(billed(rows), 0, 19)
    noon = (bills._midnight(FIRST + timedelta(days=12), UTC) + 43_200) * bills.US
    early, late = [r for r in days_of(known, 0, 12) if r.us < noon], days_of(known, 8, 19)
    files = [*write(late, UTC, 9), *write(early, UTC, 9)]
    twice = done(files if later_first else files[::-1], rows, question)
    once = done(write(known, UTC, 9), rows, question)
    assert without(twice) == msgspec.structs.replace(without(once), forms=twice.forms)
    assert sorted(twice.forms) == sorted(once.forms) and once.shared is None
    assert set(parts(twice)) == {"matched"} and twice.bill.cost_nano == once.bill.cost_nano
    assert twice.shared is not None and twice.shared.last_day == (FIRST + timedelta(days=12)).isoformat()
    assert twice.shared.first_day == (FIRST + timedelta(days=8)).isoformat()
    assert twice.lines - twice.shared.left == once.lines or form == "openai"
    assert twice.shared.taken >= twice.shared.left > 0


@pytest.mark.parametrize("named", [False, True])
def test_of_days_between_two_downloads_the_bill_says_nothing(named: bool) -> None:
    rows = bills.ledger("openai", days=14)
    known = billed(rows)
    write = (lambda r: [bills.per_request(r, UTC, 9)]) if named else (lambda r: FORMS["openai"][1](r, UTC, 30))
    first, last = days_of(known, 0, 2), days_of(known, 11, 13)
    found = done([*write(last), *write(first)], rows, Question(tz="UTC", provider="openai"))
    assert set(parts(found)) == {"matched"} and found.here.requests == len(first) + len(last)
    assert (found.first_day, found.last_day) == (FIRST.isoformat(), (FIRST + timedelta(days=13)).isoformat())
    assert all(request.kind == "matched" for request in found.requests)
    # Nearer ones follow each other: what stands in neither is missing.
    near = days_of(known, 8, 13)
    found = done([*write(first), *write(near)], rows, Question(tz="UTC", provider="openai"))
    assert parts(found)["missing_there"][0] == len(days_of(known, 3, 7))


def test_two_projects_of_the_same_days_are_one_bill() -> None:
    """What names a line differs, be it by a number: both count."""
    rows = bills.ledger("openai", days=3)
    known = days_of(billed(rows), 0, 2)
    for column, names in (("project_id", ("proj_1", "proj_2")), ("api_key_id", ("17", "18"))):
        files = [
            bills.openai_usage(known[half::2], UTC).replace("proj_1" if column == "project_id" else "key_1", name)
            for half, name in enumerate(names)
        ]
        found = done(files, rows, Question(tz="UTC"))
        assert set(parts(found)) == {"matched"} and found.here.requests == len(known)
        assert found.shared is not None and found.shared.left == 1, "but for the day on which nothing was used"
    assert render(found)["shared"] == {"first_day": "2026-10-20", "last_day": "2026-10-22", "taken": 19, "left": 1}
    assert report_lines(found)[0][2] == (
        "Several files cover 2026-10-20 to 2026-10-22, and each line counts once, from the file that says most: "
        "19 lines were taken, 1 left out."
    )


def test_of_days_cut_by_project_and_not_the_file_that_says_more_counts() -> None:
    rows = bills.ledger("openai", days=4)
    known = days_of(billed(rows), 0, 3)
    whole = bills.openai_usage(days_of(known, 0, 3), UTC)
    by_half = [bills.openai_usage(days_of(known, 0, 2)[half::2], UTC) for half in (0, 1)]
    lines = [
        line for half, file in enumerate(by_half) for line in file.replace("proj_1", f"p{half}").splitlines()[1:]
    ]
    by_project = "\n".join([whole.splitlines()[0], *lines])
    for files in ([whole.replace("proj_1", ""), by_project], [by_project, whole.replace("proj_1", "")]):
        found = done(files, rows, Question(tz="UTC"))
        assert set(parts(found)) == {"matched"} and found.here.requests == len(known)
        assert found.shared is not None and found.shared.last_day == (FIRST + timedelta(days=2)).isoformat()


def test_what_is_twice_in_one_file_is_two_lines() -> None:
    rows = bills.ledger("openai", days=2)
    known = days_of(billed(rows), 0, 1)
    first = bills.openai_usage(days_of(known, 0, 0), UTC)
    twice = first + "\n".join(first.splitlines()[1:2])
    found = done([twice, bills.openai_usage(days_of(known, 1, 1), UTC)], rows, Question(tz="UTC"))
    assert "missing_here" in parts(found) and found.shared is None
    same = done([twice, bills.openai_usage(known, UTC)], rows, Question(tz="UTC"))
    assert without(same).parts == without(found).parts


def test_other_services_and_credits_are_passed_over_and_counted() -> None:
    rows = bills.ledger("google", days=2)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=1), UTC)
    lines = bills.google(known, UTC).splitlines()
    paid = next(line for line in lines if "Gemini API" in line)
    lines.insert(-1, paid.replace(",K,,Usage,", ",K,PROMOTION,Usage,"))
    found = done(["\n".join(lines)], rows, Question(tz="UTC"))
    assert set(parts(found)) == {"matched"}
    # One line of another service a day and model, and the credit.
    assert found.passed_over == len(found.days) + 1


def test_days_whose_rows_are_gone_say_so() -> None:
    rows = bills.ledger("openai", days=3)
    known = bills.within(billed(rows), FIRST, FIRST + timedelta(days=2), UTC)
    since = (bills._midnight(FIRST + timedelta(days=1), UTC) + 3600) * bills.US
    kept = [row for row in rows if row.started_us >= since]
    files = [opener(file) for file in FORMS["openai"][1](known, UTC, 30)]
    found = reconcile(files, Rows(kept), Question(tz="UTC"), rows_from_us=since)
    notes = {(day.day, day.matched): day.note for day in found.days}
    assert notes[FIRST.isoformat(), False] == "rows_gone"
    assert {note for (day, _), note in notes.items() if day == (FIRST + timedelta(days=2)).isoformat()} == {""}
