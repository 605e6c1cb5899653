"""Providers' bills against the rows that were metered."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from gateway.operations.bill_file import write_reconciliation
from gateway.reconcile import Question, columns_of, opener, reconcile
from gateway.reconcile.records import BillColumns, Reconciliation
from gateway.store import UsageStore
from gateway.workers import Progress, Workers


class BillQueries:
    """All of it runs on worker threads."""

    def __init__(self, store: UsageStore, workers: Workers) -> None:
        self._store = store
        self._workers = workers

    async def reconcile(
        self, files: Sequence[Path | bytes], question: Question, progress: Callable[[int], None] | None = None
    ) -> Reconciliation:
        """A provider's bill against the rows. `progress` hears the lines, then the rows read so far, on a worker's
        thread. Raises ClientError where a file cannot be read as a bill."""
        bills, rows = [opener(file) for file in files], self._store.iter_requests

        def compared(told: Progress) -> Reconciliation:
            kept_from_us = self._store.kept().rows_from_us
            return reconcile(bills, rows, question, lambda read: told(read, 0), kept_from_us)

        return await self._workers.run_until_cancelled(
            compared, None if progress is None else lambda read, _: progress(read)
        )

    async def bill_columns(self, file: Path | bytes) -> BillColumns:
        """What a bill's columns are, and what they are taken for. Raises ClientError where the file is no table."""
        return await self._workers.run(columns_of, opener(file))

    async def export_reconciliation(
        self, done: Reconciliation, path: Path, progress: Progress | None = None, *, bom: bool = False
    ) -> int:
        """Write a comparison as CSV, a line per day, model and kind, with a byte order mark where `bom`; how many
        lines. `progress` is told those written and all, on a worker's thread. Cancelling leaves what stood there
        before."""
        write = partial(write_reconciliation, done, path, bom=bom)
        return await self._workers.run_until_cancelled(write, progress)
