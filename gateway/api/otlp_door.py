"""Where OpenTelemetry exporters send: OTLP over HTTP on the gateway's own port, and on 4318 where that is on.

Exporters append `v1/<signal>` to the endpoint that they are given, so the routes stand at the root and under a
prefix, and Langfuse's SDK finds its own path. The reply is in the request's encoding, an error too.
"""

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from msgspec import Struct

from gateway.errors import ClientError, GatewayError
from gateway.keys.access import KEY_START, Principal
from gateway.telemetry.intake import Intake
from gateway.telemetry.otlp_replies import JSON, PROTOBUF, accepted, refused

# What each signal calls its rejected items, in JSON's spelling.
REJECTED: Mapping[str, str] = {
    "traces": "rejectedSpans",
    "logs": "rejectedLogRecords",
    "metrics": "rejectedDataPoints",
}
PREFIXES = ("", "/otlp")
LANGFUSE = "/api/public/otel"
# Who sends where no key is asked for.
ANYBODY = Principal("key_telemetry", "telemetry", "execute", None, ())


class Body(Protocol):
    """A request's body as it arrives, its Content-Encoding taken off."""

    def pieces(self, wire_limit: int) -> AsyncIterator[bytes]:
        """Raises ClientError where it cannot be read, or is larger than `wire_limit` on the wire."""
        ...


class Answer(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class OtlpDoor(Struct, frozen=True):
    """One signal's. `wire_limit` and `limit` are bytes before and after decompression."""

    signal: str
    intake: Intake
    wire_limit: int
    limit: int

    async def receive(self, principal: Principal, headers: Mapping[str, str], body: Body) -> Answer:
        """Raises GatewayError."""
        media_type = _media_type(headers)
        if media_type is None:
            raise ClientError(
                f"OTLP comes as {PROTOBUF} or {JSON}: set the content-type to what it is.",
                status=415,
                kind="unsupported_media_type",
            )
        whole, held = bytearray(), 0
        try:
            async for piece in body.pieces(self.wire_limit):
                self.intake.hold(len(piece))
                held += len(piece)
                if held > self.limit:
                    raise ClientError(
                        f"The request is larger than {self.limit >> 20} MiB without its compression: send smaller "
                        "batches, or raise limits.telemetry.",
                        status=413,
                        kind="too_large",
                    )
                whole += piece
            batch = await self.intake.take(self.signal, media_type, whole, principal)
        finally:
            self.intake.let_go(held)
        reply = accepted(media_type, REJECTED[self.signal], batch.rejected, batch.reason)
        return Answer(200, {"content-type": media_type}, reply)

    def refuse(self, error: GatewayError, headers: Mapping[str, str]) -> Answer:
        media_type = _media_type(headers) or JSON
        body = refused(media_type, error.status, error.message)
        return Answer(error.status, {**error.headers, "content-type": media_type}, body)


def otlp_paths(signal: str) -> tuple[str, ...]:
    paths = tuple(f"{prefix}/v1/{signal}" for prefix in PREFIXES)
    return (*paths, f"{LANGFUSE}/v1/{signal}") if signal == "traces" else paths


def otlp_key(headers: Mapping[str, str]) -> str | None:
    """The tk_ key where exporters put one beside the usual places: `api-key`, the password of Basic, or a Bearer
    whose space is still percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS writes it."""
    authorization = headers.get("Authorization", "")
    if authorization.startswith("Bearer%20"):
        return authorization.removeprefix("Bearer%20").strip()
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(token.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            # It is no base64, or of what is no text.
            password = ""
        if password.startswith(KEY_START):
            return password
    key = headers.get("api-key", "").strip()
    return key if key.startswith(KEY_START) else None


def _media_type(headers: Mapping[str, str]) -> str | None:
    named = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return named if named in (PROTOBUF, JSON) else None
