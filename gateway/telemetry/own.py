"""The gateway's own telemetry: every exchange that ended, counted for monitors and told as spans.

Fed on the capture's thread, so that no request waits for it. Where an export is set up, spans and metrics are sent
on, with what was said only if that is switched on too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from gateway.records import Completeness
from gateway.relaying.exchange import Exchange
from gateway.routes import Call, Download, Route, made_beside
from gateway.telemetry.exchange_spans import Surroundings, exchange_spans
from gateway.telemetry.exporting import Exporter, ExportTarget
from gateway.telemetry.genai_json import content_attributes
from gateway.telemetry.prometheus import CONTENT_TYPE, prometheus_text
from gateway.telemetry.records import Span
from gateway.telemetry.totals import Totals
from gateway.told import Told


class OwnTelemetry:
    """One gateway's. `around` is asked anew for each exchange: the port is known only once the gateway listens."""

    def __init__(
        self, around: Callable[[], Surroundings], target: ExportTarget | None = None, *, content: bool = False
    ) -> None:
        self._around = around
        self._content = content
        self.totals = Totals()
        self._exporter = Exporter(target, around().resource, around().version) if target else None

    def __call__(self, exchange: Exchange, told: Told) -> None:
        """An exchange has ended; `told` is what it said, redacted, with content only as far as it is kept."""
        record = exchange.record
        if record is None:
            return
        self.totals.add(record)
        if self._exporter is None:
            return
        door = exchange.heard.door
        self._exporter.count(record, door.operation.name)
        spans = exchange_spans(
            record,
            told,
            self._around(),
            path=door.path,
            operation=door.operation.name,
            caller=exchange.caller,
        )
        self._exporter.send(_with_content(spans, told) if self._content else spans)

    def text(self, key_id: str | None, version: str, meter: Completeness | None, running: int | None) -> bytes:
        """Prometheus' text; only one key's sums where one is given."""
        return prometheus_text(self.totals.each(key_id), version=version, meter=meter, open_requests=running)

    def close(self) -> None:
        """Blocks for at most some seconds, while what waits is sent."""
        if self._exporter is not None:
            self._exporter.close()


def _with_content(spans: tuple[Span, ...], told: Told) -> tuple[Span, ...]:
    """The last call is the one whose answer the client got."""
    door, *calls = spans
    if not calls:
        return spans
    said: Mapping[str, Any] = content_attributes(told.request, told.response)
    return door, *calls[:-1], replace(calls[-1], attributes={**calls[-1].attributes, **said})


def metrics_route(
    own: OwnTelemetry, version: str, meter: Callable[[], Completeness], running: Callable[[], int]
) -> Route:
    """`GET /metrics`. A key that is no admin's sees what was counted for itself."""

    async def metrics(call: Call) -> Download:
        principal = call.principal
        own_only = principal is not None and principal.role != "admin"
        key_id = principal.key_id if own_only and principal else None
        told = None if own_only else meter()
        open_requests = None if own_only else running()
        # Of thousands of series it takes a second.
        return await made_beside(CONTENT_TYPE, lambda: own.text(key_id, version, told, open_requests))

    return Route(method="GET", path="/metrics", role="read", read=metrics)
