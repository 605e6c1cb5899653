"""A year of exchanges to fill a store with: 40 models, 50 users, 200 sets of tags.

`skewed` is as teams are: few models and users have most of the traffic, a user has few sets of tags, and people work
by day and on weekdays. `uniform` is what nobody has, and what no bucket can make smaller: every model, user and set
of tags meets every other, at every hour alike.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gateway.records import AttemptRecord, ExchangeRecord

# A Monday, 2025-10-06T00:00Z.
START_US = 1_759_708_800_000_000
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
YEAR_DAYS, YEAR_ROWS = 365, 10_000_000
ROWS_PER_DAY = YEAR_ROWS / YEAR_DAYS
MODELS, USERS, TAG_SETS = 40, 50, 200
TEAMS, FEATURES, ENVIRONMENTS = 12, 30, ("dev", "test", "production")
CHUNK_ROWS = 10_000

Ints = np.ndarray[Any, np.dtype[np.int64]]


def tag_sets() -> list[tuple[str, ...]]:
    draw = np.random.default_rng(7)
    found: dict[tuple[str, ...], None] = {}
    while len(found) < TAG_SETS:
        team, feature, environment = draw.integers(TEAMS), draw.integers(FEATURES), draw.integers(len(ENVIRONMENTS))
        found[(f"team:t{team}", f"feature:f{feature}", f"env:{ENVIRONMENTS[environment]}")] = None
    return list(found)


def skewed(draw: np.random.Generator, rows: int) -> tuple[Ints, Ints, Ints]:
    """Models, users and sets of tags of so many rows."""
    models = np.minimum(MODELS - 1, draw.exponential(4, rows).astype(np.int64))
    users = np.minimum(USERS - 1, draw.exponential(7, rows).astype(np.int64))
    return models, users, (users * 3 + draw.exponential(1, rows).astype(np.int64)) % TAG_SETS


def uniform(draw: np.random.Generator, rows: int) -> tuple[Ints, Ints, Ints]:
    return draw.integers(MODELS, size=rows), draw.integers(USERS, size=rows), draw.integers(TAG_SETS, size=rows)


SHAPES: Mapping[str, Callable[[np.random.Generator, int], tuple[Ints, Ints, Ints]]] = {
    "skewed": skewed,
    "uniform": uniform,
}


def history(rows: int, days: float = YEAR_DAYS, shape: str = "skewed", seed: int = 1) -> Iterator[ExchangeRecord]:
    """Finished exchanges in the order of their time."""
    draw, sets = np.random.default_rng(seed), tag_sets()
    places = _places(days, even=shape == "uniform")
    for first in range(0, rows, CHUNK_ROWS):
        count = min(CHUNK_ROWS, rows - first)
        starts = np.interp((first + np.arange(count)) / rows, *places).astype(np.int64) + START_US
        columns = (
            *SHAPES[shape](draw, count),
            starts,
            draw.lognormal(14.5, 1, count).astype(np.int64),
            draw.random(count) < 0.03,
            draw.random(count) < 0.7,
            draw.integers(10_000, size=count),
            draw.integers(1000, size=count),
            draw.integers(2000, size=count),
            draw.integers(10**8, size=count),
        )
        drawn = zip(*(column.tolist() for column in columns), strict=True)
        for number, values in enumerate(drawn, first):
            yield _record(number, sets, *values)


def _places(days: float, *, even: bool) -> tuple[Sequence[float], Sequence[float]]:
    """Shares of all rows, and the microseconds after the start until which they have come."""
    hours = max(1, round(days * 24))
    edges = np.linspace(0, days * DAY_US, hours + 1)
    if even:
        return (0.0, 1.0), (0.0, days * DAY_US)
    hour = (START_US + edges[:-1]) // HOUR_US
    of_day, of_week = hour % 24, (hour // 24 + 3) % 7
    weights = np.where((of_day >= 8) & (of_day < 19), 1.0, 0.2) * np.where(of_week < 5, 1.0, 0.3)
    shares = np.concatenate([[0.0], np.cumsum(weights)])
    return (shares / shares[-1]).tolist(), edges.tolist()


def _record(
    number: int,
    sets: Sequence[tuple[str, ...]],
    model: int,
    user: int,
    tag_set: int,
    started_us: int,
    latency_us: int,
    failed: bool,
    streamed: bool,
    input_tokens: int,
    cached_tokens: int,
    output_tokens: int,
    cost_nano: int,
) -> ExchangeRecord:
    provider, name = f"provider-{model % 4}", f"model-{model}"
    return ExchangeRecord(
        id=f"req_{number:024x}",
        started_us=started_us,
        door="openai_chat",
        key_id=f"key_{user % 5}",
        key=f"key-{user % 5}",
        principal=f"user-{user}@example.com",
        provider=provider,
        model_requested=name,
        model=name,
        conversation_id=f"conversation-{number // 8}",
        tags=sets[tag_set],
        streamed=streamed,
        status=500 if failed else 200,
        outcome="error" if failed else "ok",
        input_tokens=input_tokens,
        cached_tokens=cached_tokens,
        output_tokens=output_tokens,
        usage_source="provider",
        cost_nano=cost_nano if model else None,
        cost_source="list" if model else "none",
        latency_us=latency_us,
        ttft_us=latency_us // 5 if streamed else latency_us,
        overhead_us=900,
        attempts=(AttemptRecord(n=1, provider=provider, model=name, started_us=started_us, latency_us=latency_us),),
        client=f"client-{user % 4}",
        app=f"app-{model % 6}",
    )
