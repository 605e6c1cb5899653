"""A store's whole life against a list in memory that knows none of its code: every public question, after every step.

Rows come by the journal and by history, late and across a change of the clocks; combinations, pairs and totals are
counted; apps and conversations are learnt afterwards; prices change and change back; old rows go, then old buckets.
"""

import csv
import io
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from gateway.configuration.setting_values import Keep
from gateway.prices.pricing import Priced
from gateway.records import (
    AttemptRecord,
    ExchangeRecord,
    Export,
    NumberCondition,
    Summary,
    TagCondition,
    TimeBucket,
    UsageQuery,
)
from gateway.store import combining, repriced_rows
from gateway.store.settling import settle
from gateway.store.usage import DATABASE, UsageStore

BEGIN_US = int(datetime(2026, 10, 24, 1, 7, tzinfo=ZoneInfo("UTC")).timestamp()) * 1_000_000
DAY_US = 86_400_000_000
DAYS = 12
NOW_US = BEGIN_US + 60 * DAY_US
GROUPS = (
    *("model", "provider", "key", "user", "door", "client", "app", "conversation", "outcome"),
    *("tag", "tag:team", "tag:urgent", "tag:unknown"),
)
WIDTHS = ("15m", "hour", "day", "week", "month")
TOKENS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
SORTS = (
    *("cost_usd", "requests", "errors", "unpriced_requests", "price_fuzzy_requests", "tokens_per_s", *TOKENS),
    *("latency_ms", "latency_ms.avg", "latency_ms.p95", "ttft_ms", "ttft_ms.p99"),
)
FILTERS: Sequence[dict[str, Any]] = (
    {},
    {"model": ("gpt-5",)},
    {"model": ("gpt-5", "grok"), "user": ("ada", "bob")},
    {"tags": (TagCondition(("team:a",)),)},
    {"tags": (TagCondition(("team:a", "team:b")), TagCondition(("urgent",), negated=True))},
    {"tags": (TagCondition(("team",), negated=True),), "outcome": ("ok", "error")},
    {"client": ("codex",)},
    {"app": ("notebook",), "door": ("gemini", "anthropic")},
    {"text": ("O", "p")},
    {"provider": ("nobody",)},
)
ROW_FILTERS: Sequence[dict[str, Any]] = (
    {"conversation": ("c1", "c2")},
    {"numbers": (NumberCondition("cost", ">=", 5000), NumberCondition("tokens", "<", 900))},
    {"numbers": (NumberCondition("status", "=", 429),), "key": ("laptop",)},
)


def at_once(_seconds: float) -> bool:
    return True


def maybe(dice: random.Random, value: Any, share: float = 0.3) -> Any:
    return None if dice.random() < share else value


def drawn(dice: random.Random, number: int, begin_us: int, end_us: int) -> ExchangeRecord:
    source = dice.choice(["provider", "provider", "partial", "estimated", "none"])
    nano = maybe(dice, dice.choice([0, 999, 5000, 10**9 + number]))
    fresh = maybe(dice, dice.randrange(1000))
    latency = maybe(dice, dice.randrange(1, 90_000_000), 0.1)
    return ExchangeRecord(
        id=f"req_{number}",
        # Several in one microsecond, and on the very edges of quarters.
        started_us=dice.choice(
            [dice.randrange(begin_us, end_us), dice.randrange(begin_us, end_us) // 900_000_000 * 900_000_000]
        ),
        door=dice.choice(["openai_chat", "anthropic", "gemini"]),
        key_id="k",
        key=dice.choice(["laptop", "server"]),
        principal=maybe(dice, "ada"),
        end_user=maybe(dice, dice.choice(["bob", "Étienne"])),
        provider=maybe(dice, dice.choice(["openai", "xai"]), 0.1),
        model=maybe(dice, dice.choice(["gpt-5", "grok", "=cmd()"]), 0.1),
        conversation_id=maybe(dice, f"c{dice.randrange(9)}"),
        tags=tuple(dice.sample(["team:a", "team:b", "urgent", "urgent:now", "env:dev"], dice.randrange(4))),
        streamed=dice.random() < 0.5,
        status=dice.choice([0, 200, 429]),
        outcome=dice.choice(["ok", "ok", "error", "aborted", "interrupted"]),
        input_tokens=fresh,
        cached_tokens=maybe(dice, dice.randrange(500)),
        cache_write_tokens=maybe(dice, dice.randrange(500), 0.8),
        output_tokens=maybe(dice, dice.randrange(1000)),
        reasoning_tokens=maybe(dice, dice.randrange(500), 0.6),
        web_searches=maybe(dice, dice.randrange(3), 0.9),
        usage_source=source,
        cost_nano=nano,
        cost_source="none" if nano is None else dice.choice(["provider", "override", "list"]),
        price_fuzzy=dice.random() < 0.2,
        latency_us=latency,
        ttft_us=maybe(dice, dice.randrange(1, 9_000_000)),
        attempts=tuple(
            AttemptRecord(
                n=n,
                provider="xai",
                model="m",
                started_us=begin_us,
                latency_us=1,
                status=dice.choice([None, 200, 500]),
            )
            for n in range(1, dice.randrange(1, 4))
        ),
        client=maybe(dice, "codex"),
        app=maybe(dice, dice.choice(["notebook", "batch"])),
    )


# What the answers should be, from the records alone.


def dimension(row: ExchangeRecord, name: str) -> str | None:
    return {"conversation": row.conversation_id, "user": row.end_user or row.principal}.get(
        name, getattr(row, name, None)
    )


def tagged(row: ExchangeRecord, wanted: str) -> bool:
    return wanted in row.tags or (":" not in wanted and any(tag.split(":")[0] == wanted for tag in row.tags))


def chosen(rows: Iterable[ExchangeRecord], query: UsageQuery) -> list[ExchangeRecord]:
    def fits(row: ExchangeRecord) -> bool:
        if query.start_us is not None and row.started_us < query.start_us:
            return False
        if query.end_us is not None and row.started_us >= query.end_us:
            return False
        for name in GROUPS[:9]:
            wanted = getattr(query, name)
            if wanted and dimension(row, name) not in wanted:
                return False
        for tags in query.tags:
            if any(tagged(row, tag) for tag in tags.any_of) == tags.negated:
                return False
        for number in query.numbers:
            if number.field == "tokens":
                known = [n for n in (row.input_tokens, row.output_tokens) if n is not None]
                value = sum(known) if known else None
            else:
                value = {"cost": row.cost_nano, "status": row.status or None}[number.field]
            signs: dict[str, Callable[[int, int], bool]] = {
                ">=": int.__ge__, "<": int.__lt__, "=": int.__eq__,
            }  # fmt: skip
            if value is None or not signs[number.operator](value, number.value):
                return False
        texts = [(dimension(row, name) or "").lower() for name in ("model", "user", "key")]
        return all(any(word.lower() in text for text in texts) for word in query.text)

    return [row for row in rows if fits(row)]


def groups(rows: Iterable[ExchangeRecord], by: str) -> dict[str | None, list[ExchangeRecord]]:
    found: dict[str | None, list[ExchangeRecord]] = {}
    for row in rows:
        values: set[str | None] = {dimension(row, by)} if by in GROUPS[:9] else set()
        if by == "tag":
            values = set(row.tags) or {None}
        elif by.startswith("tag:"):
            key = by[4:]
            values = {tag.partition(":")[2] for tag in row.tags if tag.partition(":")[0] == key} or {None}
        for value in values:
            found.setdefault(value, []).append(row)
    return found


def known_sum(rows: Sequence[ExchangeRecord], name: str) -> int | None:
    known = [value for row in rows if (value := getattr(row, name)) is not None]
    return sum(known) if known or not rows else None


def lacks_price(row: ExchangeRecord) -> bool:
    if row.cost_nano is not None:
        return False
    if row.usage_source != "none":
        return True
    died = row.outcome == "interrupted" and row.latency_us is None and row.provider is not None
    return died or any(each.status is None or each.status < 300 for each in row.attempts)


def speed(rows: Sequence[ExchangeRecord]) -> float | None:
    tokens = time = 0
    for row in rows:
        if row.output_tokens is None or not row.latency_us:
            continue
        waited = row.ttft_us if row.streamed and row.ttft_us is not None and row.ttft_us < row.latency_us else 0
        tokens, time = tokens + row.output_tokens, time + row.latency_us - waited
    return tokens * 1e6 / time if time else None


def ranked(values: Sequence[int], fraction: float) -> float | None:
    return None if not values else sorted(values)[max(1, ceil(fraction * len(values))) - 1] / 1000


def assert_sums(told: Summary, rows: Sequence[ExchangeRecord]) -> None:
    assert told.requests == len(rows)
    assert told.errors == sum(row.outcome in ("error", "interrupted") for row in rows)
    for name in TOKENS:
        assert getattr(told, name) == known_sum(rows, name), name
    priced = [row.cost_nano for row in rows if row.cost_nano is not None]
    unpriced = sum(map(lacks_price, rows))
    sourced = any(row.cost_source != "none" for row in rows)
    assert told.cost_nano == (sum(priced) if sourced or not unpriced else None)
    assert told.unpriced_requests == unpriced
    assert told.price_fuzzy_requests == sum(row.price_fuzzy and row.cost_nano is not None for row in rows)
    for source, count in told.usage_sources.items():
        assert count == sum(row.usage_source == source for row in rows), source
    for source, count in told.cost_sources.items():
        assert count == sum(row.cost_source == source for row in rows), source
    assert sum(told.usage_sources.values()) == sum(told.cost_sources.values()) == len(rows)
    assert told.tokens_per_s == (None if (exact := speed(rows)) is None else pytest.approx(exact))
    for distribution, name in ((told.latency_ms, "latency_us"), (told.ttft_ms, "ttft_us")):
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        mean = sum(values) / len(values) / 1000 if values else None
        assert distribution.avg == (None if mean is None else pytest.approx(mean))
        for point, fraction in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            exact = ranked(values, fraction)
            assert getattr(distribution, point) == (None if exact is None else pytest.approx(exact, rel=0.05)), point


def local_begin(us: int, zone: ZoneInfo, width: str) -> datetime:
    local = datetime.fromtimestamp(us // 1_000_000, zone)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match width:
        case "15m":
            return local.replace(minute=local.minute // 15 * 15, second=0)
        case "hour":
            return local.replace(minute=0, second=0)
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
    return day


def assert_series(
    buckets: Sequence[TimeBucket],
    rows: Sequence[ExchangeRecord],
    query: UsageQuery,
    width: str,
    by: str | None,
    rows_from_us: int,
) -> None:
    zone = ZoneInfo(query.tz)
    starts = sorted({bucket.start_us for bucket in buckets})
    for start, following in pairwise(starts):
        assert {bucket.end_us for bucket in buckets if bucket.start_us == start} == {following}
    for start in starts:
        assert local_begin(start, zone, width).timestamp() * 1e6 == start, (width, start)
    counted = 0
    for bucket in buckets:
        members = [row for row in rows if bucket.start_us <= row.started_us < bucket.end_us]
        if by is not None:
            members = groups(members, by).get(bucket.value, [])
        # Where rows are gone, what is finer than a half-hour may be lost; then it says so.
        assert bucket.complete or bucket.start_us < rows_from_us
        if bucket.complete:
            assert_sums(bucket.summary, members)
        assert bucket.summary.requests <= len(members)
        counted += len(members)
    if by is None or all(bucket.complete for bucket in buckets):
        assert counted == (len(rows) if by is None else sum(map(len, groups(rows, by).values())))


def sort_value(rows: Sequence[ExchangeRecord], summary: Summary, sort: str) -> float | None:
    name, _, point = sort.partition(".")
    told = getattr(summary, {"cost_usd": "cost_nano"}.get(name, name))
    return getattr(told, point or "p50") if name in ("latency_ms", "ttft_ms") else told


def assert_sorted(values: Sequence[float | None]) -> None:
    known = [value for value in values if value is not None]
    assert list(values) == sorted(known, reverse=True) + [None] * (len(values) - len(known))


# One question after the other.


class Life:
    """The store, and what it should say."""

    def __init__(self, folder: Path, day_zone: str, dice: random.Random) -> None:
        self.dice = dice
        self.folder, self.day_zone = folder, day_zone
        self.rows: dict[str, ExchangeRecord] = {}
        self.made = 0
        self.rows_from_us = -(2**62)
        self.store = self.opened()

    def opened(self) -> UsageStore:
        store = UsageStore(self.folder, day_zone=self.day_zone)
        store.start()
        return store

    def more(
        self, number: int, begin_us: int = BEGIN_US, end_us: int = BEGIN_US + DAYS * DAY_US
    ) -> list[ExchangeRecord]:
        made = [drawn(self.dice, self.made + at, begin_us, end_us) for at in range(number)]
        self.made += number
        self.rows |= {row.id: row for row in made}
        return made

    def newest_first(self, query: UsageQuery) -> list[str]:
        found = [row for row in chosen(self.rows.values(), query) if row.started_us >= self.rows_from_us]
        return [row.id for row in found]

    def ranges(self, aligned: bool) -> UsageQuery:
        """A time, whose ends are edges of half-hours where `aligned`."""
        ends = sorted(self.dice.randrange(BEGIN_US - DAY_US, BEGIN_US + (DAYS + 1) * DAY_US) for _ in range(2))
        if aligned:
            ends = [us // 1_800_000_000 * 1_800_000_000 for us in ends]
        start, end = (self.dice.choice([us, us, None]) for us in ends)
        tz = self.dice.choice(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
        return UsageQuery(start_us=start, end_us=end, tz=tz)

    def ask(self, *, rows_kept: bool = True) -> None:
        """All there is to ask, of this moment; where old rows are gone, what needs them within a kept time only."""
        store, dice = self.store, self.dice
        assert store.check() == []
        for filters in dice.sample(FILTERS, 4):
            query = replace(self.ranges(not rows_kept), **filters)
            self.sums(query, GROUPS if rows_kept else [by for by in GROUPS if by != "conversation"])
        kept_time = self.ranges(False)
        if not rows_kept:
            kept_time = replace(kept_time, start_us=max(kept_time.start_us or 0, self.rows_from_us), end_us=None)
        for filters in (*dice.sample(FILTERS, 3), dice.choice(ROW_FILTERS)):
            query = replace(kept_time, **filters)
            self.sums(query, [dice.choice(GROUPS)])
            self.lists(query)
        self.conversations(replace(kept_time, **dice.choice([*FILTERS, {}])))
        self.exports(replace(kept_time, **dice.choice(FILTERS)))

    def sums(self, query: UsageQuery, bys: Sequence[str]) -> None:
        store, dice = self.store, self.dice
        rows = chosen(self.rows.values(), query)
        summary = store.summary(query)
        assert_sums(summary, rows)
        assert summary.complete_from_us is None
        by = dice.choice(bys)
        sort = dice.choice(SORTS)
        found = store.breakdown(query, by, sort)
        expected = groups(rows, by)
        assert {row.value for row in found.rows} == expected.keys()
        for row in found.rows:
            assert_sums(row.summary, expected[row.value])
        assert_sorted([sort_value(rows, row.summary, sort) for row in found.rows])
        if not found.overlapping:
            assert sum(row.summary.requests for row in found.rows) == len(rows)
        for width, split in ((dice.choice(WIDTHS), None), (dice.choice(WIDTHS[2:]), dice.choice(bys))):
            assert_series(store.timeseries(query, width, split), rows, query, width, split, self.rows_from_us)
        assert tuple(store.iter_timeseries(query, "hour")) == store.timeseries(query, "hour")

    def lists(self, query: UsageQuery) -> None:
        store = self.store
        expected = self.newest_first(query)
        assert store.request_count(query) == len(expected)
        every = list(store.iter_requests(query))
        assert {row.id for row in every} == set(expected) and len(every) == len(expected)
        assert all(row == self.rows[row.id] for row in every)
        assert [row.started_us for row in every] == sorted((row.started_us for row in every), reverse=True)
        paged, cursor = [], None
        while True:
            page = store.requests(query, limit=max(7, len(expected) // 5), cursor=cursor)
            paged += page.rows
            if (cursor := page.next_cursor) is None:
                break
        assert paged == every
        offset = self.dice.randrange(len(every) + 3)
        assert list(store.requests(query, limit=5, offset=offset).rows) == every[offset : offset + 5]

    def conversations(self, query: UsageQuery) -> None:
        sort = self.dice.choice([*SORTS, "started_at", "ended_at", "id"])
        expected = groups((row for row in chosen(self.rows.values(), query) if row.conversation_id), "conversation")
        every, cursor = [], None
        while True:
            page = self.store.conversations(query, sort, 3, cursor)
            every += page.rows
            if (cursor := page.next_cursor) is None:
                break
        assert tuple(every) == tuple(self.store.iter_conversations(query, sort))
        assert [row.id for row in every] == list(dict.fromkeys(row.id for row in every))
        assert {row.id for row in every} == expected.keys()
        for found in every:
            rows = sorted(expected[found.id], key=lambda row: row.started_us)
            assert_sums(found.summary, rows)
            assert (found.started_us, found.ended_us) == (rows[0].started_us, rows[-1].started_us)
            assert set(found.models) == {row.model for row in rows} - {None}
            assert set(found.tags) == {tag for row in rows for tag in row.tags}
        if sort == "id":
            assert [row.id for row in every] == sorted(expected)
        elif sort in ("started_at", "ended_at"):
            assert_sorted([getattr(row, sort.replace("_at", "_us")) for row in every])
        else:
            assert_sorted([sort_value([], row.summary, sort) for row in every])

    def exports(self, query: UsageQuery) -> None:
        for export, table in self.files(query):
            text = "".join(self.store.export(query, export))
            lines = list(csv.DictReader(io.StringIO(text, newline="")))
            assert len(lines) == len(table)
            for line, (key, rows) in zip(lines, table, strict=True):
                assert key.items() <= line.items()
                cost = [row.cost_nano for row in rows if row.cost_nano is not None]
                if line["cost_usd"]:
                    assert line["cost_usd"] == f"{sum(cost) // 10**9}.{sum(cost) % 10**9:09d}"
                assert line["input_tokens"] == (
                    "" if (known := known_sum(rows, "input_tokens")) is None else str(known)
                )

    def files(self, query: UsageQuery) -> Iterable[tuple[Export, list[tuple[dict[str, str], list[ExchangeRecord]]]]]:
        rows = chosen(self.rows.values(), query)
        every = [self.rows[row.id] for row in self.store.iter_requests(query)]
        yield Export(what="requests"), [({"id": row.id, "cost_source": row.cost_source}, [row]) for row in every]
        days = self.store.timeseries(query, "day")
        yield (
            Export(what="buckets", bucket="day"),
            [
                ({"requests": str(len(inside))}, inside)
                for day in days
                if (inside := [row for row in rows if day.start_us <= row.started_us < day.end_us]) is not None
            ],
        )
        conversations = groups((row for row in rows if row.conversation_id), "conversation")
        order = [row.id for row in self.store.iter_conversations(query)]
        yield Export(what="conversations"), [({"id": name}, conversations[name]) for name in order]


def dearer(row: ExchangeRecord, _said: int | None) -> Priced | str:
    return "no_price" if row.input_tokens is None else Priced(3 * row.input_tokens, "override", "override:1")


def repriced(row: ExchangeRecord, nano: int) -> ExchangeRecord:
    """With the attempt that had its cost."""
    attempts = row.attempts
    if attempts and attempts[-1].cost_nano == row.cost_nano:
        attempts = (*attempts[:-1], replace(attempts[-1], cost_nano=nano))
    return replace(
        row, cost_nano=nano, cost_source="override", price_id="override:1", price_fuzzy=False, attempts=attempts
    )


@pytest.mark.parametrize(("seed", "day_zone"), [(1, "UTC"), (3, "Asia/Kathmandu"), (4, "Australia/Lord_Howe")])
def test_every_question_at_every_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, day_zone: str
) -> None:
    monkeypatch.setattr(combining, "STEP_ROWS", 50)
    monkeypatch.setattr(repriced_rows, "CHUNK_ROWS", 25)
    life = Life(tmp_path, day_zone, random.Random(seed))
    store, dice = life.store, life.dice
    life.ask()
    store.insert_history(life.more(120))
    life.ask()
    store.combine()
    for row in life.more(40):
        store.begin(replace(row, outcome="interrupted", status=0, attempts=()))
        store.end(row)
    assert store.flush()
    life.ask()
    settle(tmp_path / DATABASE, NOW_US, at_once)
    life.ask()
    # Late: days that are counted and settled change.
    store.insert_history(life.more(30))
    for row in dice.sample(sorted(life.rows.values(), key=lambda row: row.id), 20):
        app, conversation = dice.choice(["", "batch", "new"]), dice.choice([None, "", "c1", "c99"])
        store.assign(row.id, app=app, conversation_id=conversation)
        changed = replace(row, app=app or None)
        life.rows[row.id] = (
            changed if conversation is None else replace(changed, conversation_id=conversation or None)
        )
    assert store.flush()
    life.ask()
    settle(tmp_path / DATABASE, NOW_US, at_once)
    some = UsageQuery(model=("gpt-5",), start_us=BEGIN_US + 2 * DAY_US)
    before = dict(life.rows)
    preview = store.preview_repricing(some, dearer)
    applied = store.apply_repricing(some, dearer, NOW_US, preview)
    assert (applied.changed, applied.from_nano, applied.to_nano) == (
        preview.changed,
        preview.from_nano,
        preview.to_nano,
    )
    for row in chosen(before.values(), some):
        if row.usage_source != "none" and row.input_tokens is not None:
            life.rows[row.id] = repriced(row, 3 * row.input_tokens)
    told = [sum(row.cost_nano or 0 for row in chosen(rows.values(), some)) for rows in (before, life.rows)]
    assert told == [preview.from_nano, preview.to_nano]
    life.ask()
    store.undo_repricing(applied.id, NOW_US)
    life.rows = before
    life.ask()
    store.rebuild()
    life.ask()
    settle(tmp_path / DATABASE, NOW_US, at_once)
    store.close()
    life.store = store = life.opened()
    life.ask()
    if day_zone == "Asia/Kathmandu":
        # Its days begin within half-hours: what combinations do not tell of one needs rows, and says so.
        store.close()
        return
    # A cut within an hour, and within a day of each zone.
    cut_us = (BEGIN_US + 5 * DAY_US) // 900_000_000 * 900_000_000
    keep = Keep(days=(NOW_US - cut_us) / DAY_US)
    store.clean_up({"requests": keep, "buckets": Keep(), "content": Keep()}, NOW_US)
    life.rows_from_us = cut_us
    life.ask(rows_kept=False)
    store.insert_history(life.more(20, cut_us))
    life.ask(rows_kept=False)
    settle(tmp_path / DATABASE, NOW_US, at_once)
    life.ask(rows_kept=False)
    store.close()
