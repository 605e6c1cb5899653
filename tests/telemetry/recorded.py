"""The recordings of real exporters, and each of them in the other encoding, made by protobuf's own JSON library.

OTLP's JSON differs from protobuf's in its ids, which are hex: only that is done here, so that a decoder that reads both
forms alike reads them right.
"""

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FOLDER = Path(__file__).parent / "otlp"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
REQUESTS: dict[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


@dataclass(frozen=True)
class Recording:
    """`body` is without its Content-Encoding; `expected` is what a viewer should show."""

    file: str
    signal: str
    path: str
    content_type: str
    expected: dict[str, Any]

    def __str__(self) -> str:
        return self.file

    @property
    def body(self) -> bytes:
        data = (FOLDER / self.file).read_bytes()
        return gzip.decompress(data) if self.file.endswith(".gz") else data

    @property
    def other(self) -> tuple[str, bytes]:
        """The media type and body of the other encoding."""
        if self.content_type == JSON:
            return PROTOBUF, to_protobuf(self.signal, self.body)
        return JSON, to_json(self.signal, self.body)

    def message(self) -> Any:
        """What it holds, read by protobuf's own classes."""
        body = self.body if self.content_type == PROTOBUF else to_protobuf(self.signal, self.body)
        return REQUESTS[self.signal].FromString(body)


@cache
def recordings() -> tuple[Recording, ...]:
    index = json.loads((FOLDER / "index.json").read_text())["fixtures"]
    return tuple(
        Recording(row["file"], row["signal"], row["path"], row["content_type"], row["expected"]) for row in index
    )


def recording(file: str) -> Recording:
    return next(one for one in recordings() if one.file == file)


def to_json(signal: str, body: bytes) -> bytes:
    document = json_format.MessageToDict(REQUESTS[signal].FromString(body))
    return json.dumps(_ids(document, lambda text: base64.b64decode(text).hex())).encode()


def to_protobuf(signal: str, body: bytes) -> bytes:
    document = _ids(json.loads(body), lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    message = REQUESTS[signal]()
    json_format.ParseDict(document, message, ignore_unknown_fields=True)
    return message.SerializeToString()


def _ids(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_ids(one, change) for one in value]
    if isinstance(value, dict):
        return {
            key: change(one) if key in _IDS and isinstance(one, str) else _ids(one, change)
            for key, one in value.items()
        }
    return value
