"""A reconciliation as JSON values, as rows of a CSV, and as lines for a terminal. Pure.

Per cent are of the bill's cost, or of ours where the bill has none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import to_builtins

from gateway.counted import counted
from gateway.read_api import render_money
from gateway.reconcile.records import NOTES, REASONS, DayModel, Part, Reconciliation, Totals

WORDS: Mapping[str, str] = {
    "matched": "matched",
    "missing_here": "missing here (on the bill, not in our rows)",
    "missing_there": "missing there (in our rows, not on the bill)",
    "price_drift": "price drift (same usage, another cost)",
    "usage_drift": "usage drift (other counts, not all one way)",
    "unexplained": "unexplained (usage or price)",
}
CSV_COLUMNS = (
    "day",
    "model",
    "kind",
    "requests",
    "part_here_usd",
    "part_bill_usd",
    "part_percent",
    "difference_usd",
    "difference_percent",
    "cost_estimated",
    "here_requests",
    "here_input_tokens",
    "here_cached_tokens",
    "here_cache_write_tokens",
    "here_output_tokens",
    "here_cost_usd",
    "here_costs_estimated",
    "bill_requests",
    "bill_input_tokens",
    "bill_cached_tokens",
    "bill_cache_write_tokens",
    "bill_output_tokens",
    "bill_cost_usd",
    "tolerance_usd",
    "reasons",
    "note",
    "last_day",
)


def render(done: Reconciliation) -> dict[str, Any]:
    """JSON: what was compared, the sums, each day and model, and requests by name where the bill has names."""
    whole = done.whole_nano
    return {
        "provider": done.provider,
        "forms": list(done.forms),
        "tz": done.zone,
        "tz_source": done.zone_source,
        "first_day": done.first_day,
        "last_day": done.last_day,
        "lines": done.lines,
        "passed_over": done.passed_over,
        "shared": to_builtins(done.shared),
        "counts": list(done.counts),
        "decimals": done.decimals,
        "here": _here(done.here),
        "bill": _totals(done.bill),
        "tolerance_usd": render_money(done.tolerance_nano),
        "parts": [_part(part, whole) for part in done.parts],
        "days": [_day(day) for day in done.days],
        "requests": [
            {
                "id": request.id,
                "day": request.day,
                "model": request.model,
                "kind": request.kind,
                "difference_usd": render_money(request.difference_nano),
            }
            for request in done.requests
        ],
    }


def csv_rows(done: Reconciliation) -> Iterator[Mapping[str, Any]]:
    """A row per day, model and kind, in CSV_COLUMNS."""
    for day in done.days:
        for part in day.parts:
            yield {
                "day": day.day,
                "model": day.model,
                **_part_columns(part, day.whole_nano),
                **{f"here_{name}": value for name, value in _here(day.here).items()},
                **{f"bill_{name}": value for name, value in _totals(day.bill).items()},
                "tolerance_usd": render_money(day.tolerance_nano),
                "reasons": "; ".join(_reasons(day)),
                "note": NOTES.get(day.note, ""),
                "last_day": day.last_day,
            }


def lines(done: Reconciliation) -> tuple[list[str], list[tuple[str, ...]]]:
    """Sentences and sums for a person, and a table of the days and models that differ."""
    how = {"given": "as given", "form": "as such bills are cut", "tried": "which fits best"}[done.zone_source]
    said = [
        f"{', '.join(done.forms)}: {done.provider}, {done.first_day} to {done.last_day}, "
        f"days of {done.zone} ({how}), {counted(done.lines, 'line')}.",
        f"The bill: {_dollars(done.bill.cost_nano)}. Our rows: {_dollars(done.here.cost_nano)}. "
        f"Rounding may make {_dollars(done.tolerance_nano)} of it.",
    ]
    if done.passed_over:
        were = "was" if done.passed_over == 1 else "were"
        said.append(
            f"{counted(done.passed_over, 'line')} of other services, keys or projects, or of credits, "
            f"{were} passed over."
        )
    if done.shared is not None:
        days = f"{done.shared.first_day} to {done.shared.last_day}"
        said.append(
            f"Several files cover {days}, and each line counts once, from the file that says most: "
            f"{counted(done.shared.taken, 'line')} {'was' if done.shared.taken == 1 else 'were'} taken, "
            f"{done.shared.left:,} left out."
        )
    if done.bill.cost_nano is None:
        said.append("The bill gives no costs: its dollars below are its usage at our own rates.")
    whole = done.whole_nano
    for part in done.parts:
        requests = "" if part.requests is None else f" {counted(part.requests, 'request')},"
        percent = _percent(part.cost_nano, whole)
        share = "" if percent is None else f" ({percent:.2f} %)"
        difference = _signed(part, whole)
        said.append(f"{WORDS[part.kind]}:{requests} {_dollars(part.cost_nano)}{share}, difference {difference}")
    rows: list[tuple[str, ...]] = [
        (
            day.days,
            day.model or "all",
            part.kind.replace("_", " "),
            "" if part.requests is None else f"{part.requests:,}",
            _signed(part, day.whole_nano),
            "; ".join((*_reasons(day), *([NOTES[day.note]] if day.note else []))),
        )
        for day in done.days
        for part in day.parts
        if part.kind != "matched"
    ]
    return said, rows


def _percent(nano: int | None, whole: int | None) -> float | None:
    return None if nano is None or not whole else round(100 * nano / abs(whole), 4)


def _part(part: Part, whole: int | None) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "requests": part.requests,
        "here_usd": render_money(part.here_nano),
        "bill_usd": render_money(part.bill_nano),
        "percent": _percent(part.cost_nano, whole),
        "difference_usd": render_money(part.difference_nano),
        "difference_percent": _percent(part.difference_nano, whole),
        "cost_estimated": part.estimated,
    }


def _part_columns(part: Part, whole: int | None) -> dict[str, Any]:
    """Named so that they do not hide the day's own."""
    rest = _part(part, whole)
    kind = {name: rest.pop(name) for name in ("kind", "requests")}
    apart = {f"part_{name}": rest.pop(name) for name in ("here_usd", "bill_usd", "percent")}
    return kind | apart | rest


def _day(day: DayModel) -> dict[str, Any]:
    return {
        "day": day.day,
        **({} if day.last_day is None else {"last_day": day.last_day}),
        "model": day.model,
        "here": _here(day.here),
        "bill": _totals(day.bill),
        "parts": [_part(part, day.whole_nano) for part in day.parts],
        "tolerance_usd": render_money(day.tolerance_nano),
        "reasons": dict(day.reasons),
        "note": NOTES.get(day.note),
    }


def _here(totals: Totals) -> dict[str, Any]:
    return {**_totals(totals), "costs_estimated": totals.estimated}


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "input_tokens": totals.input_tokens,
        "cached_tokens": totals.cached_tokens,
        "cache_write_tokens": totals.cache_write_tokens,
        "output_tokens": totals.output_tokens,
        "cost_usd": render_money(totals.cost_nano),
    }


def _reasons(day: DayModel) -> list[str]:
    return [f"{number:,} {REASONS[word]}" for word, number in day.reasons.items() if number]


def _dollars(nano: int | None) -> str:
    return "no cost said" if nano is None else f"{'-' if nano < 0 else ''}${abs(nano) / 1e9:,.6f}"


def _signed(part: Part, whole: int | None) -> str:
    if part.difference_nano is None:
        return "dollars unknown"
    percent = _percent(part.difference_nano, whole)
    share = "" if percent is None else f" ({percent:+.2f} %)"
    return f"{'' if part.difference_nano < 0 else '+'}{_dollars(part.difference_nano)}{share}"
