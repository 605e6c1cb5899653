"""Re-pricing and reconciling over the fake gateway's rows in memory, by the same words as the real commands.

Prices are the own ones where there is one, else those that the rows were made with. A test that wants to look in while
work runs sets `meanwhile`, which is called with the command's name once the work has told how far it is.
"""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from gateway import (
    BillColumns,
    BillQuestion,
    ClientError,
    ExchangeRecord,
    PriceOverride,
    Reconciliation,
    RepricedModel,
    Repricing,
    RepricingPreview,
    UsageQuery,
)
from gateway.operations.bill_file import write_reconciliation
from gateway.reconcile import columns_of, opener, reconcile
from tests.reconcile.bills import Rows

Progress = Callable[[int, int], None]


class FakeRepricing:
    """`rows_from_us`: older rows are kept as sums only."""

    rows: list[ExchangeRecord]
    own_prices: list[PriceOverride]
    now_us: int
    _note: Callable[[str], None]
    _matching: Callable[[UsageQuery], list[ExchangeRecord]]

    def __init__(self) -> None:
        self.rows_from_us: int | None = None
        self.applied: list[Repricing] = []
        self.before: dict[int, list[ExchangeRecord]] = {}
        self.meanwhile: Callable[[str], None] = lambda command: None

    def _today(self, row: ExchangeRecord) -> ExchangeRecord:
        """The row as it would cost by the own prices."""
        own = [price for price in self.own_prices if (price.provider, price.model) == (row.provider, row.model)]
        if not own or row.input_tokens is None:
            return row
        prices = own[-1].prices
        cost = Decimal(prices.input or 0) * row.input_tokens + Decimal(prices.output or 0) * (row.output_tokens or 0)
        return msgspec.structs.replace(row, cost_nano=round(cost * 1000), cost_source="override")

    async def preview_repricing(self, query: UsageQuery, progress: Progress | None = None) -> RepricingPreview:
        self._note("preview_repricing")
        if self.rows_from_us is not None and (query.start_us is None or query.start_us < self.rows_from_us):
            raise ClientError("The requests before that are kept as sums only, and sums cannot be priced anew.")
        rows = self._matching(query)
        if progress is not None:
            progress(len(rows) // 2, len(rows))
        self.meanwhile("preview_repricing")
        await _give_way()
        return previewed([(row, self._today(row)) for row in rows])

    async def apply_repricing(
        self, query: UsageQuery, *, expected: RepricingPreview | None = None, progress: Progress | None = None
    ) -> Repricing:
        self._note("apply_repricing")
        pairs = [(row, self._today(row)) for row in self._matching(query)]
        found = previewed(pairs)
        if progress is not None:
            progress(len(pairs) // 2, len(pairs))
        self.meanwhile("apply_repricing")
        await _give_way()
        if expected is not None and (found.changed, found.difference_nano) != (
            expected.changed,
            expected.difference_nano,
        ):
            raise ClientError("It would now change other rows: look at the preview again.", status=409)
        changed = {before.id: after for before, after in pairs if before != after}
        done = Repricing(
            id=len(self.applied) + 1,
            at_us=self.now_us,
            query=query,
            examined=found.examined,
            changed=found.changed,
            from_nano=found.from_nano,
            to_nano=found.to_nano,
            first_us=min(row.started_us for row in changed.values()),
            last_us=max(row.started_us for row in changed.values()),
        )
        self.before[done.id] = list(self.rows)
        self.rows = [changed.get(row.id, row) for row in self.rows]
        self.applied.insert(0, done)
        return done

    async def undo_repricing(self, id: int, *, progress: Progress | None = None) -> Repricing:
        self._note("undo_repricing")
        self.meanwhile("undo_repricing")
        await _give_way()
        if any(row.id > id and row.undone_us is None for row in self.applied):
            raise ClientError("A later re-pricing has changed the same rows since: undo that first.", status=409)
        self.rows = self.before[id]
        self.applied = [
            msgspec.structs.replace(row, undone_us=self.now_us) if row.id == id else row for row in self.applied
        ]
        return next(row for row in self.applied if row.id == id)

    async def repricings(self) -> tuple[Repricing, ...]:
        self._note("repricings")
        return tuple(self.applied)

    async def bill_columns(self, file: Path) -> BillColumns:
        self._note("bill_columns")
        return columns_of(opener(file))

    async def reconcile(
        self, files: Sequence[Path], question: BillQuestion, progress: Callable[[int], None] | None = None
    ) -> Reconciliation:
        self._note("reconcile")
        if progress is not None:
            progress(5_000)
        self.meanwhile("reconcile")
        await _give_way()
        return reconcile([opener(file) for file in files], Rows(self.rows), question)

    async def export_reconciliation(
        self, done: Reconciliation, path: Path, progress: Progress | None = None, *, bom: bool = False
    ) -> int:
        self._note("export_reconciliation")
        return write_reconciliation(done, path, progress, bom=bom)


async def _give_way() -> None:
    """A task that was cancelled meanwhile ends here, as it does where the real work is waited for."""
    await asyncio.sleep(0)


def previewed(pairs: Sequence[tuple[ExchangeRecord, ExchangeRecord]]) -> RepricingPreview:
    """What changes from the first to the second of each pair."""
    models: dict[tuple[str | None, str | None], list[int]] = {}
    for before, after in pairs:
        if before != after:
            sums = models.setdefault((before.provider, before.model), [0] * 5)
            more = (1, before.cost_nano or 0, after.cost_nano or 0, before.cost_estimated, after.cost_estimated)
            sums[:] = [one + other for one, other in zip(sums, more, strict=True)]
    return RepricingPreview(
        examined=len(pairs),
        changed=sum(sums[0] for sums in models.values()),
        from_nano=sum(before.cost_nano or 0 for before, _ in pairs),
        to_nano=sum(after.cost_nano or 0 for _, after in pairs),
        from_estimated=sum(before.cost_estimated for before, _ in pairs),
        to_estimated=sum(after.cost_estimated for _, after in pairs),
        newly_priced=sum(before.cost_nano is None and after.cost_nano is not None for before, after in pairs),
        by_model=tuple(
            RepricedModel(
                provider=provider,
                model=model,
                changed=rows,
                from_nano=was,
                to_nano=now,
                from_estimated=guessed,
                to_estimated=guessing,
            )
            for (provider, model), (rows, was, now, guessed, guessing) in sorted(models.items(), key=str)
        ),
        kept={
            reason: number
            for reason, number in (
                ("no_price", sum(after.cost_nano is None for _, after in pairs)),
                ("unknown_counts", sum(after.input_tokens is None for _, after in pairs)),
            )
            if number
        },
    )
