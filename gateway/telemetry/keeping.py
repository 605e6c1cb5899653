"""What was received goes to the store of conversations, and metrics into running sums in memory."""

from collections.abc import Sequence
from typing import Protocol

from gateway.access import Principal
from gateway.telemetry.metric_series import MetricSeries
from gateway.telemetry.records import Batch, LogRecord, Span


class SpanStore(Protocol):
    """Keeps spans and log records by what they are: the same again changes nothing. It returns once a kill would not
    lose them."""

    def put_spans(self, spans: Sequence[Span], *, scope: str, key: str) -> object: ...

    def put_logs(self, records: Sequence[LogRecord], *, scope: str, key: str) -> object: ...


class StoredTelemetry:
    """A consumer for the intake. `scope` is the key's id, `key` its name."""

    def __init__(self, store: SpanStore, series: MetricSeries) -> None:
        self._store = store
        self._series = series

    def accept(self, batch: Batch, principal: Principal) -> bool:
        if batch.spans:
            self._store.put_spans(batch.spans, scope=principal.key_id, key=principal.key_name)
        if batch.logs:
            self._store.put_logs(batch.logs, scope=principal.key_id, key=principal.key_name)
        self._series.add(batch.metrics)
        return True
