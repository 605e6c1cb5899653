"""The walk over rows that today's prices may make another cost for: what changes, and what all of it comes to.

In the order of time, some thousands of rows in memory at once, so that buckets are met in order too.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import structs

from gateway.price_records import RepricedModel, RepricedSource, RepricingPreview
from gateway.prices.pricing import Priced
from gateway.records import ExchangeRecord, UsageQuery
from gateway.store.cursors import EARLIEST, LATEST
from gateway.store.filters import condition
from gateway.store.measures import COUNTS, UNUSED
from gateway.store.migrations import COMBINED_DIMENSIONS
from gateway.store.names import FIXED_IDS, Texts
from gateway.store.rows import rare_counts

CHUNK_ROWS = 10_000
# What used nothing that anybody counted has no price, and lacks none.
NO_USAGE = "no_usage"

Price = Callable[[ExchangeRecord, int | None], Priced | str]
"""(row, the provider's own figure where known) → today's cost, or a word for why the row keeps what it has. The row
used something, and holds only what its price follows from."""

Progress = Callable[[int, int], None]
"""Told rows so far and in all; what it raises ends the work, with nothing changed."""

_NAMED = (
    "provider",
    "model",
    "model_requested",
    "usage_source",
    "cost_source",
    "price_id",
    "service_tier",
    "speed",
    "inference_geo",
)
_PLAIN = ("started_us", *COUNTS, "cost_nano", "price_fuzzy", "cache_write_12h_tokens", "by_medium")
DIMENSIONS = ", ".join(f"b.{name}" for name in COMBINED_DIMENSIONS)
_OVERRIDE, _PROVIDER = FIXED_IDS["override"], FIXED_IDS["provider"]
_SAID = f"SELECT r.cost_nano FROM repriced r WHERE r.n = b.n AND r.cost_source = {_PROVIDER} LIMIT 1"
_CHUNK = (
    f"SELECT {', '.join(f'b.{name}' for name in (*_NAMED, *_PLAIN))}, b.n, "
    f"CASE b.cost_source WHEN {_PROVIDER} THEN b.cost_nano WHEN {_OVERRIDE} THEN ({_SAID}) END, "
    f"IIF(a.cost_nano IS b.cost_nano, a.n, NULL), b.price_id, {DIMENSIONS} "
    "FROM requests b INDEXED BY requests_started LEFT JOIN attempts a ON a.request = b.n "
    "AND a.n = (SELECT MAX(n) FROM attempts WHERE request = b.n) "
    "WHERE b.started_us >= ? AND b.started_us < ? AND (b.started_us, b.n) > (?, ?)"
)
_IN_TIME = " ORDER BY b.started_us, b.n LIMIT ?"
_PLAIN_AT = len(_NAMED)
_EXTRA_AT = _PLAIN_AT + len(_PLAIN)
_DIMENSIONS_AT = _EXTRA_AT + 4
_MATCHING = "SELECT COUNT(*) FROM requests b WHERE b.started_us >= ? AND b.started_us < ?"


class Change(NamedTuple):
    """A row that today's prices make another cost for. Numbers of `names` end in `_id`."""

    n: int
    record: ExchangeRecord
    to: Priced
    price_id: int
    attempt: int | None
    values: tuple[int, ...]


class Walk:
    """The matching rows and what becomes of each, counted on the way."""

    def __init__(
        self, connection: sqlite3.Connection, texts: Texts, query: UsageQuery, price: Price, progress: Progress | None
    ) -> None:
        self._connection = connection
        self._texts = texts
        self._where = condition(connection, query)
        self._span = (
            EARLIEST if query.start_us is None else max(EARLIEST, min(query.start_us, LATEST)),
            LATEST if query.end_us is None else max(EARLIEST, min(query.end_us, LATEST)),
        )
        self._price = price
        self._progress = progress
        self._examined = 0
        self._from_nano = self._from_estimated = 0
        self._kept: Counter[str] = Counter()
        # (provider, model, source before, source after) → rows, nano before, nano after, rows whose cost was or is
        # estimated, rows that were or are priced
        self._changed: defaultdict[tuple[str | None, str | None, str, str], list[int]] = defaultdict(lambda: [0] * 7)
        self.first_us, self.last_us = LATEST, EARLIEST

    def changes(self) -> Iterator[list[Change]]:
        """All changes, in the order of time, some thousands of rows at a time."""
        statement = _CHUNK + self._where.text + _IN_TIME
        start, end = self._span
        total = self._total() if self._progress else 0
        place = (EARLIEST, EARLIEST)
        while True:
            bound = (max(start, place[0]), end, *place, *self._where.values, CHUNK_ROWS)
            rows = self._connection.execute(statement, bound).fetchall()
            if not rows:
                return
            place = (rows[-1][_PLAIN_AT], rows[-1][_EXTRA_AT])
            if changes := self._changes_of(rows):
                self.first_us = min(self.first_us, changes[0].record.started_us)
                self.last_us = changes[-1].record.started_us
                yield changes
            if self._progress is not None:
                self._progress(self._examined, max(total, self._examined))

    def _total(self) -> int:
        statement = _MATCHING + self._where.text
        count: int = self._connection.execute(statement, (*self._span, *self._where.values)).fetchone()[0]
        return count

    def _changes_of(self, rows: Sequence[Sequence[Any]]) -> list[Change]:
        text_of = self._texts.texts(self._connection, {number for row in rows for number in row[:_PLAIN_AT]})
        changes = []
        for row in rows:
            record, (n, said_nano, attempt, price_id) = _record(text_of, row), row[_EXTRA_AT:_DIMENSIONS_AT]
            self._examined += 1
            self._from_nano += record.cost_nano or 0
            self._from_estimated += record.cost_estimated
            to = NO_USAGE if record.usage_source == UNUSED else self._price(record, said_nano)
            if isinstance(to, str):
                self._kept[to] += 1
            # The mark of a doubtful price alone follows from more than a row keeps.
            elif (to.cost_nano, to.source, to.price_id) != (record.cost_nano, record.cost_source, record.price_id):
                self._count(record, to)
                changes.append(Change(n, record, to, price_id, attempt, tuple(row[_DIMENSIONS_AT:])))
        return changes

    def _count(self, record: ExchangeRecord, to: Priced) -> None:
        sums = self._changed[record.provider, record.model, record.cost_source, to.source]
        sums[0] += 1
        sums[1] += record.cost_nano or 0
        sums[2] += to.cost_nano or 0
        sums[3] += record.cost_estimated
        sums[4] += _as_priced(record, to).cost_estimated
        sums[5] += record.cost_nano is not None
        sums[6] += to.cost_nano is not None

    def preview(self) -> RepricingPreview:
        """What was counted so far."""
        models: defaultdict[tuple[str | None, str | None], list[int]] = defaultdict(lambda: [0] * 5)
        sources: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 5)
        changed = difference = newly = no_longer = 0
        estimated = self._from_estimated
        for (provider, model, source, to_source), counted in self._changed.items():
            for sums in (models[provider, model], sources[source, to_source]):
                sums[:] = [one + more for one, more in zip(sums, counted, strict=False)]
            rows, before, after, was, will, had, has = counted
            changed, difference = changed + rows, difference + after - before
            estimated += will - was
            # Of one source and one other, either all rows have a price or none has.
            newly, no_longer = newly + max(0, has - had), no_longer + max(0, had - has)
        by_model = [
            RepricedModel(
                provider=provider,
                model=model,
                changed=rows,
                from_nano=before,
                to_nano=after,
                from_estimated=was,
                to_estimated=will,
            )
            for (provider, model), (rows, before, after, was, will) in models.items()
        ]
        by_source = [
            RepricedSource(from_source=source, to_source=to_source, changed=rows, from_nano=before, to_nano=after)
            for (source, to_source), (rows, before, after, *_) in sources.items()
        ]
        by_model.sort(key=lambda row: (-abs(row.to_nano - row.from_nano), row.provider or "", row.model or ""))
        by_source.sort(key=lambda row: (-row.changed, row.from_source, row.to_source))
        return RepricingPreview(
            examined=self._examined,
            changed=changed,
            from_nano=self._from_nano,
            to_nano=self._from_nano + difference,
            from_estimated=self._from_estimated,
            to_estimated=estimated,
            newly_priced=newly,
            no_longer_priced=no_longer,
            by_model=tuple(by_model),
            by_source=tuple(by_source),
            kept=dict(self._kept),
        )


def _as_priced(record: ExchangeRecord, to: Priced) -> ExchangeRecord:
    return structs.replace(record, cost_nano=to.cost_nano, cost_source=to.source, price_fuzzy=to.fuzzy)


def _record(text_of: Mapping[int, str | None], row: Sequence[Any]) -> ExchangeRecord:
    """Field by field, since this is most of what a row's walk costs beside its price."""
    (provider, model, asked, usage_source, cost_source, price_id, tier, speed, geo) = row[:_PLAIN_AT]
    (
        started_us,
        fresh,
        cached,
        written,
        hour,
        audio,
        output,
        thought,
        said,
        searches,
        nano,
        fuzzy,
        half_day,
        rare,
    ) = row[_PLAIN_AT:_EXTRA_AT]
    return ExchangeRecord(
        id="",
        door="",
        key_id="",
        key="",
        provider=text_of[provider],
        model=text_of[model],
        model_requested=text_of[asked],
        usage_source=text_of[usage_source] or "",
        cost_source=text_of[cost_source] or "",
        price_id=text_of[price_id],
        service_tier=text_of[tier],
        speed=text_of[speed],
        inference_geo=text_of[geo],
        started_us=started_us,
        input_tokens=fresh,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=hour,
        cache_write_12h_tokens=half_day,
        input_audio_tokens=audio,
        output_tokens=output,
        reasoning_tokens=thought,
        output_audio_tokens=said,
        rare_counts=rare_counts(rare),
        web_searches=searches,
        cost_nano=nano,
        price_fuzzy=bool(fuzzy),
    )
