"""A comparison with a bill as a file of CSV: a line per day, model and kind."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.output_file import output_file
from gateway.reconcile import CSV_COLUMNS, csv_rows
from gateway.reconcile.records import Reconciliation
from gateway.store.text_rows import csv_lines

_TOLD_EVERY_ROWS = 1_000


def write_reconciliation(
    done: Reconciliation, path: Path, progress: Callable[[int, int], None] | None = None, *, bom: bool = False
) -> int:
    """A comparison as CSV, whole or not at all, with a byte order mark where `bom`; how many lines. `progress` is
    told those written and all, and what it raises ends the work. Raises FaregateError where the file cannot be made.
    """
    total = sum(len(day.parts) for day in done.days)

    def rows() -> Iterator[Mapping[str, Any]]:
        for number, row in enumerate(csv_rows(done)):
            if progress is not None and number % _TOLD_EVERY_ROWS == 0:
                progress(number, total)
            yield row

    with output_file(path) as file:
        file.writelines(csv_lines(rows(), dict.fromkeys(CSV_COLUMNS), bom=bom))
    return total
