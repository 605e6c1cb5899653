"""How fast a history is priced anew: `python -m tests.benchmarks.repricing [ROWS] [DAYS]`.

Preview, apply and undo, with all rows changed, while exchanges go on being recorded. Everything is checked on the
way: the preview is what was applied, and undone the tables are what they were, byte for byte.
"""

import gc
import hashlib
import resource
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter, process_time

from msgspec.structs import replace

from gateway.price_records import PriceOverride, UnitPrices
from gateway.prices.pricing import Pricing
from gateway.prices.repricing import Repricer
from gateway.records import ExchangeRecord, UsageQuery
from gateway.store import UsageStore
from gateway.store.database import open_database
from tests.benchmarks.history import ROWS_PER_DAY, history

MODELS = (
    ("openai", "gpt-5.4"),
    ("anthropic", "claude-sonnet-4-6"),
    ("google", "gemini-2.5-flash"),
    ("xai", "grok-4.3"),
)
PRICE_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "google": "google", "xai": "x-ai"}
TABLES = ("requests", "attempts", "buckets", "combined")


def priced_history(rows: int, days: float) -> Iterator[ExchangeRecord]:
    """The store's benchmark history with models that the list knows, at costs that no price gives."""
    for number, record in enumerate(history(rows, days)):
        provider, model = MODELS[number % len(MODELS)]
        (attempt,) = record.attempts
        yield replace(
            record,
            provider=provider,
            model=model,
            model_requested=model,
            cost_nano=1,
            cost_source="list",
            price_id=model,
            attempts=(replace(attempt, provider=provider, model=model, cost_nano=1),),
        )


def repricer() -> Repricer:
    """Today's prices: an override of OpenAI's, the list for the others."""
    pricing = Pricing()
    prices = UnitPrices(input="1.23", cached="0.4", output="5.67")
    pricing.use_overrides([PriceOverride(id=1, created_us=0, provider="openai", model="*", prices=prices)])
    return Repricer(pricing, PRICE_PROVIDERS, lambda _provider, model: model)


def digests(path: Path, most_n: int) -> dict[str, str]:
    """A digest of every table's rows, of requests up to `most_n` and of all buckets."""
    found = {}
    with closing(open_database(path)) as connection:
        for table in TABLES:
            column = {"requests": "n", "attempts": "request"}.get(table)
            where = f" WHERE {column} <= {most_n}" if column else ""
            digest = hashlib.sha256()
            for row in connection.execute(f"SELECT * FROM {table}{where}"):
                digest.update(repr(row).encode())
            found[table] = digest.hexdigest()
    return found


class Recording:
    """Exchanges that go on meanwhile, a hundred in a second; `slowest_s` is the longest that recording one took."""

    def __init__(self, store: UsageStore, template: ExchangeRecord) -> None:
        self._store = store
        self._template = template
        self._stop = Event()
        self._thread = Thread(target=self._run)
        self.count = 0
        self.slowest_s = 0.0

    def __enter__(self) -> "Recording":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            record = replace(self._template, id=f"now_{self.count}", started_us=self._template.started_us)
            begins = perf_counter()
            self._store.begin(replace(record, outcome="interrupted", cost_nano=None, cost_source="none"))
            self._store.end(record)
            self.slowest_s = max(self.slowest_s, perf_counter() - begins)
            self.count += 1


def main() -> None:
    """Print times, rows per second, memory and what recording met."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    days = float(sys.argv[2]) if len(sys.argv) > 2 else rows / ROWS_PER_DAY
    with TemporaryDirectory() as folder:
        store = UsageStore(Path(folder))
        store.start()
        begins = perf_counter()
        store.insert_history(priced_history(rows, days))
        print(f"{rows:,} rows over {days:.1f} days, filled in {perf_counter() - begins:.0f} s")
        template = replace(next(priced_history(1, days)), cost_nano=None, cost_source="none", usage_source="none")
        gc.freeze()
        path, price, query = Path(folder) / "usage.db", repricer(), UsageQuery()
        before = digests(path, rows)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with timed("preview", rows):
            preview = store.preview_repricing(query, price)
        with Recording(store, template) as recording, timed("apply", rows):
            applied = store.apply_repricing(query, price, 1, preview)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        assert store.flush(60)
        assert (applied.changed, applied.from_nano, applied.to_nano) == (
            preview.changed,
            preview.from_nano,
            preview.to_nano,
        )
        assert store.summary(query).cost_nano == preview.to_nano
        assert store.summary(query).requests == rows + recording.count
        print(f"{preview.changed:,} rows changed by {preview.difference_nano:,} nano-dollars, as the preview said")
        print(f"{recording.count:,} exchanges recorded meanwhile, the slowest in {1000 * recording.slowest_s:.1f} ms")
        print(f"memory grew by {grown / 1024:.0f} MB")
        with timed("undo", rows):
            store.undo_repricing(applied.id, 2)
        after = digests(path, rows)
        same = [table for table in ("requests", "attempts") if before[table] == after[table]]
        assert same == ["requests", "attempts"], same
        assert store.check() == []
        print("undone: rows as they were byte for byte, buckets equal the rows")
        store.close()


@contextmanager
def timed(what: str, rows: int) -> Iterator[None]:
    begins, used = perf_counter(), process_time()
    yield
    seconds, busy = perf_counter() - begins, process_time() - used
    print(f"{what:8s} {seconds:7.1f} s {rows / seconds:10,.0f} rows/s; {busy:.1f} s of a core")


if __name__ == "__main__":
    main()
