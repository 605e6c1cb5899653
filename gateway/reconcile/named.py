"""Bills that name each request: met by name, whatever the day; what is left on either side is missing on the
other."""

from datetime import date
from itertools import islice
from zoneinfo import ZoneInfo

from gateway.reconcile.bill import Bill, Entry, covered
from gateway.reconcile.ledger import Ledger
from gateway.reconcile.matching import add_up, bill_totals, compare_request, row_totals, tolerance
from gateway.reconcile.records import KINDS, DayModel, Part, Request
from gateway.reconcile.sums import BillSums, Moment, RowSums, day_of, iso, to_nano
from gateway.records import ExchangeRecord

MOST_NAMED = 1000

_Key = tuple[date, str | None]


class _Cell:
    """A day (or still a moment) and model on its way."""

    __slots__ = ("bill", "parts", "rows")

    def __init__(self) -> None:
        self.rows = RowSums()
        self.bill = BillSums()
        self.parts: list[Part] = []

    def take(self, part: Part) -> None:
        self.parts = list(add_up([*self.parts, part], KINDS))


class Named:
    """The requests that a bill names. `left` are those that no row met yet; without names there are none."""

    def __init__(self, bill: Bill) -> None:
        self.left: dict[str, Entry] = dict(bill.requests or {})
        self._bill = bill
        self._counts = tuple(sorted(bill.counts))
        self._met: dict[tuple[Moment, str | None], _Cell] = {}
        self._differing: list[tuple[str, Moment, str | None, Part]] = []

    def met(self, name: str, record: ExchangeRecord, entry: Entry) -> None:
        """A row that the bill names so."""
        part, reason = compare_request(record, entry, self._counts, self._bill.has_cost)
        cell = self._met.setdefault((entry.moment, self._model(entry)), _Cell())
        cell.take(part)
        cell.bill.add(entry)
        cell.rows.count(record)
        if reason is not None:
            cell.rows.reasons[reason] += 1
        if part.kind != "matched" and len(self._differing) < MOST_NAMED:
            self._differing.append((name, entry.moment, self._model(entry), part))

    def days(self, ledger: Ledger, zone: ZoneInfo) -> list[DayModel]:
        """Day by day in this zone."""
        cells: dict[_Key, _Cell] = {}
        first = self._bill.stretches.first
        for (at, model), met in self._met.items():
            cell = cells.setdefault((first(day_of(at, zone)), model), _Cell())
            cell.rows.add(met.rows)
            cell.bill.add(met.bill)
            cell.parts = list(add_up([*cell.parts, *met.parts], KINDS))
        for entry in self.left.values():
            self._missing_here(cells, (first(day_of(entry.moment, zone)), self._model(entry)), entry)
        for key, sums in self._bill.by_day(zone).items():
            self._missing_here(cells, key, sums)
        spans = self._bill.spans(zone)
        for key, rows in ledger.by_day(zone, first).items():
            if covered(spans, key[0]) and rows.requests:
                cell = cells.setdefault(key, _Cell())
                cell.rows.add(rows)
                cell.take(
                    Part(
                        kind="missing_there",
                        requests=rows.requests,
                        here_nano=rows.cost,
                        bill_nano=0,
                        estimated=rows.estimated > 0,
                    )
                )
        return [self._day(key, cells[key]) for key in sorted(cells, key=lambda key: (key[0], key[1] or ""))]

    def requests(self, ledger: Ledger, zone: ZoneInfo) -> tuple[Request, ...]:
        """Some of the requests that differ, by name; none where the bill names none."""
        if self._bill.requests is None:
            return ()
        found = [
            Request(
                id=name, day=day_of(at, zone).isoformat(), model=model, kind=p.kind, difference_nano=p.difference_nano
            )
            for name, at, model, p in self._differing
        ]
        for name, entry in islice(self.left.items(), MOST_NAMED):
            found.append(
                Request(
                    id=name,
                    day=day_of(entry.moment, zone).isoformat(),
                    model=self._model(entry),
                    kind="missing_here",
                    difference_nano=self._money(to_nano(entry.cost)),
                )
            )
        spans = self._bill.spans(zone)
        for name, slot, model, cost in ledger.unnamed:
            day = day_of(slot, zone)
            if covered(spans, day):
                found.append(
                    Request(
                        id=name,
                        day=day.isoformat(),
                        model=model,
                        kind="missing_there",
                        difference_nano=-cost,
                    )
                )
        return tuple(found)

    def _missing_here(self, cells: dict[_Key, _Cell], key: _Key, sums: BillSums) -> None:
        cell = cells.setdefault(key, _Cell())
        cell.bill.add(sums)
        cell.take(
            Part(kind="missing_here", requests=sums.requests, here_nano=0, bill_nano=self._money(to_nano(sums.cost)))
        )

    def _day(self, key: _Key, cell: _Cell) -> DayModel:
        return DayModel(
            day=key[0].isoformat(),
            last_day=iso(self._bill.stretches.last(key[0])),
            model=key[1],
            here=row_totals(cell.rows),
            bill=bill_totals(cell.bill, ("requests", *self._counts), self._bill.has_cost),
            parts=tuple(cell.parts),
            tolerance_nano=tolerance(cell.bill, cell.rows.requests) if self._bill.has_cost else 0,
            reasons=dict(cell.rows.reasons),
        )

    def _model(self, entry: Entry) -> str | None:
        return entry.model if self._bill.by_model else None

    def _money(self, nano: int) -> int | None:
        return nano if self._bill.has_cost else None
