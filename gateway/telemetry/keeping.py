"""What was received goes to the store of conversations, and metrics into running sums in memory."""

from collections.abc import Sequence
from time import sleep
from typing import Protocol

from gateway.keys.access import Principal
from gateway.telemetry.intake import PAUSE_S
from gateway.telemetry.metric_series import MetricSeries
from gateway.telemetry.records import Batch, LogRecord, Span

# Sealing them holds the interpreter, and between two transactions others can run.
TOGETHER = 16


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
        scope, key = principal.key_id, principal.key_name
        for at in range(0, len(batch.spans), TOGETHER):
            self._store.put_spans(batch.spans[at : at + TOGETHER], scope=scope, key=key)
            sleep(PAUSE_S)
        for at in range(0, len(batch.logs), TOGETHER):
            self._store.put_logs(batch.logs[at : at + TOGETHER], scope=scope, key=key)
            sleep(PAUSE_S)
        self._series.add(batch.metrics)
        return True
