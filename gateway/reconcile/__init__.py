"""Reconciling: a provider's bill or usage export against our rows, in counts, dollars and per cent. Pure."""

from gateway.reconcile.comparison import Question, reconcile
from gateway.reconcile.reading import Opener, columns_of, mapping_of, only_of, opener, rate_of
from gateway.reconcile.report import CSV_COLUMNS, csv_rows, lines, render

__all__ = [
    "CSV_COLUMNS",
    "Opener",
    "Question",
    "columns_of",
    "csv_rows",
    "lines",
    "mapping_of",
    "only_of",
    "opener",
    "rate_of",
    "reconcile",
    "render",
]
