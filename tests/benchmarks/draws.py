"""Random questions of a year, and their answers by a plain sum over rows."""

import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gateway.records import TagCondition, TimeBucket, UsageQuery
from tests.benchmarks.history import DAY_US, FEATURES, HOUR_US, MODELS, START_US, TEAMS, USERS, Ints

ZONES = ("Asia/Kolkata", "America/St_Johns", "Australia/Adelaide", "Asia/Yangon")
TAGS = (
    *(f"team:t{number}" for number in range(TEAMS)),
    *(f"feature:f{number}" for number in range(FEATURES)),
    "env:dev",
    "env:test",
    "env:production",
    "team",
)
_COLUMNS = ("started_us", "user", "model", "tag_set", "input_tokens", "cost_nano")


def draws(count: int, end_us: int, seed: int = 3) -> Iterator[tuple[UsageQuery, str]]:
    """Questions with one to three conditions on tags, users, models, a range and a half-hour zone, and a width."""
    draw = random.Random(seed)
    for _ in range(count):
        span_us = min(int(HOUR_US * 10 ** draw.uniform(0, 3.95)), end_us - START_US)
        start_us = draw.randrange(START_US, end_us - span_us + 1)
        conditions = tuple(
            TagCondition(tuple(draw.sample(TAGS, draw.randint(1, 4))), negated=draw.random() < 0.3)
            for _ in range(draw.randint(1, 3))
        )
        query = UsageQuery(
            start_us=start_us,
            end_us=start_us + span_us,
            tz=draw.choice(ZONES),
            user=tuple(f"user-{number}@example.com" for number in _some(draw, USERS)),
            model=tuple(f"model-{number}" for number in _some(draw, MODELS)),
            tags=conditions,
        )
        yield query, next(width for width, most in (("hour", 30), ("day", 750)) if span_us < most * DAY_US)


def _some(draw: random.Random, values: int) -> set[int]:
    # The busiest come first, and are asked for most.
    return {min(values - 1, int(draw.expovariate(0.15))) for _ in range(draw.randint(1, 3))}


class PlainRows:
    """All rows' columns in memory, which are summed without the store's code."""

    def __init__(self, connection: sqlite3.Connection, until_us: int) -> None:
        statement = f"SELECT {', '.join(_COLUMNS)} FROM requests WHERE started_us < ? ORDER BY started_us"
        cursor = connection.execute(statement, (until_us,))
        parts: list[Ints] = []
        while rows := cursor.fetchmany(100_000):
            parts.append(np.array([[value or 0 for value in row] for row in rows], dtype=np.int64))
        self._columns: dict[str, Ints] = dict(zip(_COLUMNS, np.concatenate(parts).T.copy(), strict=True))
        self._names: dict[str, int] = dict(connection.execute("SELECT text, id FROM names").fetchall())
        sets = connection.execute("SELECT id, tags FROM tag_sets").fetchall()
        self._tags: dict[int, Sequence[str]] = {number: json.loads(tags) for number, tags in sets}

    def differs(self, query: UsageQuery, series: Sequence[TimeBucket]) -> bool:
        """Whether any bucket of the series has other requests, tokens or money than the rows."""
        assert query.start_us is not None and query.end_us is not None
        low, high = np.searchsorted(self._columns["started_us"], [query.start_us, query.end_us])
        column = {name: values[low:high] for name, values in self._columns.items()}
        chosen = np.isin(column["user"], [self._names.get(text, -1) for text in query.user])
        chosen &= np.isin(column["model"], [self._names.get(text, -1) for text in query.model])
        chosen &= np.isin(column["tag_set"], [number for number, tags in self._tags.items() if _meets(query, tags)])
        places = np.searchsorted([bucket.start_us for bucket in series], column["started_us"][chosen], "right") - 1
        for name in (None, "input_tokens", "cost_nano"):
            weights: Any = None if name is None else column[name][chosen]
            sums = np.bincount(places, weights, minlength=len(series)).astype(np.int64).tolist()
            if sums != [_told(bucket, name) for bucket in series]:
                return True
        return False


def _told(bucket: TimeBucket, name: str | None) -> int:
    return getattr(bucket.summary, name or "requests") or 0


def _meets(query: UsageQuery, tags: Sequence[str]) -> bool:
    have = {*tags, *(tag.partition(":")[0] for tag in tags)}
    return all(bool(have & set(condition.any_of)) != condition.negated for condition in query.tags)
