"""How fast the usage store takes rows in and answers: `python -m tests.benchmarks.store [ROWS] [DAYS]`.

The history is skewed as real teams are: 40 models, 50 users, 200 sets of tags. By default it is as dense as ten
million requests in a year.
"""

import gc
import random
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from gateway.records import AttemptRecord, ExchangeRecord, TagCondition, UsageQuery
from gateway.store import UsageStore

START_US = 1_760_000_000_000_000
DAY_US = 86_400_000_000
ROWS_PER_DAY = 10_000_000 / 365


def history(rows: int, days: float, seed: int = 1) -> Iterator[ExchangeRecord]:
    """Finished exchanges in the order of their time."""
    draw = random.Random(seed)
    tag_sets = [
        (
            f"team:t{draw.randrange(12)}",
            f"feature:f{draw.randrange(30)}",
            f"env:{draw.choice(('dev', 'test', 'production'))}",
        )
        for _ in range(200)
    ]
    for number in range(rows):
        model, user = min(39, int(draw.expovariate(0.25))), min(49, int(draw.expovariate(0.15)))
        provider, name = f"provider-{model % 4}", f"model-{model}"
        started_us = START_US + int(days * DAY_US * number / rows)
        latency_us, failed, streamed = int(draw.lognormvariate(14.5, 1)), draw.random() < 0.03, draw.random() < 0.7
        yield ExchangeRecord(
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
            tags=tag_sets[(user * 3 + int(draw.expovariate(1))) % 200],
            streamed=streamed,
            status=500 if failed else 200,
            outcome="error" if failed else "ok",
            input_tokens=draw.randrange(10_000),
            cached_tokens=draw.randrange(1000),
            output_tokens=draw.randrange(2000),
            usage_source="provider",
            cost_nano=draw.randrange(10**8) if model else None,
            cost_source="list" if model else "none",
            latency_us=latency_us,
            ttft_us=latency_us // 5 if streamed else latency_us,
            overhead_us=900,
            attempts=(
                AttemptRecord(n=1, provider=provider, model=name, started_us=started_us, latency_us=latency_us),
            ),
            client=f"client-{user % 4}",
            app=f"app-{model % 6}",
        )


def questions(store: UsageStore, end_us: int, rows: int) -> dict[str, Callable[[], object]]:
    """What the window and the read API ask."""
    week, month = (
        UsageQuery(start_us=end_us - 7 * DAY_US + 1, end_us=end_us),
        UsageQuery(start_us=end_us - 30 * DAY_US + 1, end_us=end_us, tz="Asia/Kolkata"),
    )
    feature = UsageQuery(tags=(TagCondition(("feature:f1",)),), tz="Asia/Kolkata")
    narrow = UsageQuery(
        tags=(TagCondition(("team:t1",)), TagCondition(("env:dev",), negated=True)),
        user=("user-1@example.com",),
        model=("model-1",),
    )
    return {
        "summary, all": lambda: store.summary(UsageQuery()),
        "summary, one model": lambda: store.summary(UsageQuery(model=("model-1",))),
        "summary, tags, user and model": lambda: store.summary(narrow),
        "series, days of all": lambda: store.timeseries(UsageQuery(), "day"),
        "series, days of a month in Kolkata": lambda: store.timeseries(month, "day"),
        "series, hours of a week by model": lambda: store.timeseries(week, "hour", "model"),
        "series, months of a feature by team": lambda: store.timeseries(feature, "month", "tag:team"),
        "breakdown by model, all": lambda: store.breakdown(UsageQuery(), "model"),
        "breakdown by user, a month": lambda: store.breakdown(month, "user"),
        "breakdown by client, a week (rows)": lambda: store.breakdown(week, "client"),
        "requests, first page": lambda: store.requests(UsageQuery()),
        "requests, from the middle": lambda: store.requests(UsageQuery(), offset=rows // 2),
    }


def main() -> None:
    """Print rows per second, bytes per row and each question's best of three."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    days = float(sys.argv[2]) if len(sys.argv) > 2 else rows / ROWS_PER_DAY
    records = list(history(rows, days))
    gc.freeze()
    with TemporaryDirectory() as folder:
        store = UsageStore(Path(folder))
        store.start()
        begins = perf_counter()
        store.insert_history(records)
        taken = perf_counter() - begins
        with closing(sqlite3.connect(Path(folder) / "usage.db")) as connection:
            (pages,), (size,) = (
                connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
            )
        print(f"{rows:,} rows over {days:.1f} days: {rows / taken:,.0f} rows/s, {pages * size / rows:.0f} bytes/row")
        for name, ask in questions(store, START_US + int(days * DAY_US), rows).items():
            print(f"{name:40s} {1000 * min(timed(ask) for _ in range(3)):8.1f} ms")
        store.close()


def timed(ask: Callable[[], object]) -> float:
    begins = perf_counter()
    ask()
    return perf_counter() - begins


if __name__ == "__main__":
    main()
