"""Our rows as sums per quarter of an hour and model, so that any zone's days can be cut from one reading. Pure.

What could never be on a bill (nothing was used, or it was free) is left out. Calls with a caller's own provider key
are on that key's bill: they are counted apart, unless a bill names them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from gateway.reconcile.bill import Entry, together
from gateway.reconcile.rates import Rates
from gateway.reconcile.sums import SLOT_US, SLOTS_PER_DAY, RowSums, day_of
from gateway.records import ExchangeRecord
from gateway.relaying.routing import counted_as

PROGRESS_ROWS = 5_000
MOST_UNNAMED = 5_000

Met = Callable[[str, ExchangeRecord, Entry], None]


def _itself(day: date) -> date:
    return day


class Ledger:
    """`slots`: (quarter of an hour, model) → sums. `days`: (quarter, day as the bill has it) → how many requests
    that both know were then, by which the bill's zone shows; `offsets` the same where the bill has times of day:
    (quarter, quarters by which its clock is ahead of UTC). `unnamed`: some of the rows that the bill did not name,
    as (id, slot, model, nano-dollars)."""

    def __init__(self, *, by_model: bool, own_keys: bool) -> None:
        self.slots: dict[tuple[int, str | None], RowSums] = {}
        self.days: Counter[tuple[int, date]] = Counter()
        self.offsets: Counter[tuple[int, int]] = Counter()
        self.unnamed: list[tuple[str, int, str | None, int]] = []
        self.rows = 0
        self._by_model = by_model
        self._own_keys = own_keys
        self._rates: dict[str | None, Rates] = {}
        self._rates_by_day: dict[tuple[str | None, int], Rates] = {}
        self._models: dict[str | None, str | None] = {}

    def read(
        self,
        records: Iterable[ExchangeRecord],
        left: dict[str, Entry],
        met: Met,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Takes in rows; one that `left` names goes to `met` instead, and its names are left no more: a provider may
        bill each attempt by a name of its own."""
        for record in records:
            self.rows += 1
            if progress is not None and self.rows % PROGRESS_ROWS == 0:
                progress(self.rows)
            names = _names_in(left, record)
            if not names:
                self._take(record)
                continue
            entries = [left.pop(name) for name in names]
            self._tell_zone(record, entries[0])
            met(names[0], record, entries[0] if len(entries) == 1 else together(entries))

    def _tell_zone(self, record: ExchangeRecord, entry: Entry) -> None:
        slot = record.started_us // SLOT_US
        if entry.clock is not None:
            self.offsets[slot, round((entry.clock - record.started_us) / SLOT_US)] += 1
        elif isinstance(entry.moment, date):
            self.days[slot, entry.moment] += 1

    def model(self, record: ExchangeRecord) -> str | None:
        """The model under which this row is compared."""
        name = record.model or record.model_requested
        if name not in self._models:
            self._models[name] = counted_as(name) if self._by_model and name else None
        return self._models[name]

    def by_day(
        self, zone: ZoneInfo, first: Callable[[date], date] = _itself
    ) -> dict[tuple[date, str | None], RowSums]:
        """The slots by the days of this zone, or the `first` of the stretch that a day lies in, with the rows that
        ran past the end of one among the reasons."""
        cut: dict[tuple[date, str | None], RowSums] = {}
        known: dict[int, date] = {}
        for (slot, model), sums in self.slots.items():
            for at in (slot, slot + 1):
                if at not in known:
                    known[at] = first(day_of(at, zone))
            day = cut.setdefault((known[slot], model), RowSums())
            day.add(sums)
            if sums.crossing and known[slot + 1] != known[slot]:
                day.reasons["across_midnight"] += sums.crossing
        return cut

    def rates(self, model: str | None, days: Iterable[int]) -> tuple[Rates, ...]:
        """What tells this model's prices, best first: all rows, and those of these days since the epoch."""
        near = Rates()
        for day in days:
            known = self._rates_by_day.get((model, day))
            if known is not None:
                near.add(known)
        return self._rates.get(model, near), near

    def _take(self, record: ExchangeRecord) -> None:
        free = not record.output_tokens and (not record.input_tokens or record.cost_nano == 0)
        cut_off = record.outcome in ("aborted", "interrupted") and record.usage_source == "none"
        uncertain = cut_off or record.use_unknown
        if free and not record.cost_nano and not uncertain:
            return
        slot = record.started_us // SLOT_US
        sums = self.slots.setdefault((slot, self.model(record)), RowSums())
        if record.byok and not self._own_keys:
            sums.reasons["own_key"] += 1
            return
        reason = reason_of(record)
        if reason is not None:
            sums.reasons[reason] += 1
        if len({attempt.provider for attempt in record.attempts}) > 1:
            sums.reasons["several_providers"] += 1
        if free and not record.cost_nano:
            return
        sums.count(record)
        sums.crossing += (record.started_us + (record.latency_us or 0)) // SLOT_US > slot
        self._learn(record)
        if len(self.unnamed) < MOST_UNNAMED:
            self.unnamed.append((record.id, slot, self.model(record), record.cost_nano or 0))

    def _learn(self, record: ExchangeRecord) -> None:
        model = self.model(record)
        day = record.started_us // SLOT_US // SLOTS_PER_DAY
        self._rates.setdefault(model, Rates()).learn(record)
        self._rates_by_day.setdefault((model, day), Rates()).learn(record)


def _names_in(left: Mapping[str, Entry], record: ExchangeRecord) -> list[str]:
    """The names by which a bill knows this row: the provider's id of the answer, ours, and those of its attempts."""
    if not left:
        return []
    names = (record.upstream_request_id, record.id, *(attempt.upstream_request_id for attempt in record.attempts))
    return [name for name in dict.fromkeys(names) if name is not None and name in left]


def reason_of(record: ExchangeRecord) -> str | None:
    """Why a row's figures may not be the bill's."""
    if record.byok:
        return "own_key"
    if record.outcome in ("aborted", "interrupted"):
        return record.outcome
    if record.usage_source in ("estimated", "partial"):
        return record.usage_source
    if record.cost_nano is None:
        return "unpriced"
    providers = {attempt.provider for attempt in record.attempts}
    return "tried_again" if len(record.attempts) > len(providers) else None
