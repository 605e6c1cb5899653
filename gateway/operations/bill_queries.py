"""Providers' bills against the rows that were metered."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gateway.errors import FaregateError
from gateway.operations.bill_file import write_reconciliation
from gateway.reconcile import Question, columns_of, opener, reconcile
from gateway.reconcile.records import BillColumns, Reconciliation
from gateway.store import UsageStore
from gateway.workers import Progress, Workers


@contextmanager
def _readable() -> Iterator[None]:
    """A folder, a file that is gone or one that may not be read is told in a sentence."""
    try:
        yield
    except IsADirectoryError:
        raise FaregateError("This is a folder: choose the files in it.") from None
    except OSError as error:
        raise FaregateError(f"The file cannot be read ({error.strerror}): choose another one.") from None


class BillQueries:
    """All of it runs on worker threads."""

    def __init__(self, store: UsageStore, workers: Workers) -> None:
        self._store = store
        self._workers = workers

    async def reconcile(
        self, files: Sequence[Path | bytes], question: Question, progress: Callable[[int], None] | None = None
    ) -> Reconciliation:
        """A provider's bill against the rows. `progress` hears the lines, then the rows read so far, on a worker's
        thread. Raises ClientError where a file cannot be read as a bill, FaregateError where it cannot be read."""
        bills, rows = [opener(file) for file in files], self._store.iter_requests

        def compared(told: Progress) -> Reconciliation:
            kept_from_us = self._store.kept().rows_from_us
            with _readable():
                return reconcile(bills, rows, question, lambda read: told(read, 0), kept_from_us)

        return await self._workers.run_until_cancelled(
            compared, None if progress is None else lambda read, _: progress(read)
        )

    async def bill_columns(self, file: Path | bytes) -> BillColumns:
        """What a bill's columns are, and what they are taken for. Raises ClientError where the file is no table,
        FaregateError where it cannot be read."""

        def columns() -> BillColumns:
            with _readable():
                return columns_of(opener(file))

        return await self._workers.run(columns)

    async def export_reconciliation(
        self, done: Reconciliation, path: Path, progress: Progress | None = None, *, bom: bool = False
    ) -> int:
        """Write a comparison as CSV, a line per day, model and kind, with a byte order mark where `bom`; how many
        lines. `progress` is told those written and all, on a worker's thread. Cancelling leaves what stood there
        before."""
        write = partial(write_reconciliation, done, path, bom=bom)
        return await self._workers.run_until_cancelled(write, progress)
