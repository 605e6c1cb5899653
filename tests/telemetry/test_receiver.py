"""The receiver over HTTP: every recording, what exporters are answered, who may send, and what is too much."""

import asyncio
import base64
import gzip
import json
import socket
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from gateway import receiver
from gateway.http.connections import NO_GRPC
from tests.telemetry.receiving import Receiving, receiving
from tests.telemetry.recorded import JSON, PROTOBUF, recording, recordings
from tests.waiting import PATIENCE_S, until

SMALL = "synthetic-gateway-join.client-part.traces.pb"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Receiving]:
    async with receiving(tmp_path) as started:
        yield started


def items(message: Any) -> int:
    """How many spans, log records and data points protobuf's own classes find."""
    count = 0
    for resource in (*getattr(message, "resource_spans", ()), *getattr(message, "resource_logs", ())):
        for scope in (*getattr(resource, "scope_spans", ()), *getattr(resource, "scope_logs", ())):
            count += len(getattr(scope, "spans", ())) + len(getattr(scope, "log_records", ()))
    for resource in getattr(message, "resource_metrics", ()):
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                count += len(getattr(metric, metric.WhichOneof("data")).data_points)
    return count


def rpc_status(body: bytes) -> tuple[int, str]:
    """A `google.rpc.Status`: its code and message."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    proto = descriptor_pb2.FileDescriptorProto(name="status.proto", package="t", syntax="proto3")
    status = proto.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=5, label=1)
    status.field.add(name="message", number=2, type=9, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Status"))()
    message.ParseFromString(body)
    return message.code, message.message  # type: ignore[attr-defined]


# What is taken.


async def test_every_recording_is_taken_at_its_path(there: Receiving) -> None:
    for recorded in recordings():
        before = sum(there.consumer.counts())
        rejected = recorded.expected.get("rejected_spans", 0)
        for content_type, body in ((recorded.content_type, recorded.body), recorded.other):
            reply = await there.post(recorded.path, body, content_type)
            assert (reply.status, reply.headers["content-type"]) == (200, content_type), recorded.file
            if not rejected:
                assert reply.body == (b"{}" if content_type == JSON else b""), recorded.file
        taken = sum(there.consumer.counts()) - before
        assert taken == 2 * (items(recorded.message()) - rejected), recorded.file
    assert {principal.user for _, principal in there.consumer.taken} == {"ann"}
    assert there.receiver.intake.held == 0


async def test_bad_ids_are_a_partial_success_in_either_encoding(there: Receiving) -> None:
    recorded = recording("synthetic-partial-success.traces.pb")
    reply = await there.post("/v1/traces", recorded.body)
    told = ExportTraceServiceResponse.FromString(reply.body).partial_success
    assert (reply.status, told.rejected_spans) == (200, 2)
    assert told.error_message == "A trace id has 16 bytes and a span id 8, and neither is all zero."
    reply = await there.post("/v1/traces", recorded.other[1], JSON)
    assert json.loads(reply.body) == {"partialSuccess": {"rejectedSpans": "2", "errorMessage": told.error_message}}
    assert there.consumer.counts() == (2, 0, 0)


async def test_our_own_export_is_dropped_with_a_word(there: Receiving) -> None:
    attribute = {"key": "service.instance.id", "value": {"stringValue": "us"}}
    span = {"traceId": "1" * 32, "spanId": "2" * 16}
    body = {"resourceSpans": [{"resource": {"attributes": [attribute]}, "scopeSpans": [{"spans": [span]}]}]}
    reply = await there.post("/v1/traces", json.dumps(body), JSON)
    told = json.loads(reply.body)["partialSuccess"]
    assert told["rejectedSpans"] == "0"
    assert "gateway's own spans" in told["errorMessage"]
    assert there.consumer.taken == []


async def test_an_empty_request_is_all_well(there: Receiving) -> None:
    assert await there.post("/v1/traces", b"") == await there.post("/v1/traces", b"")
    reply = await there.post("/v1/logs", b"{}", "application/json; charset=utf-8")
    assert (reply.status, reply.body) == (200, b"{}")
    reply = await there.post("/v1/metrics", b"", "APPLICATION/X-PROTOBUF")
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/traces",
        "/otlp/v1/traces",
        "//v1/traces",
        "/v1/traces/",
        "/otlp//v1/traces//",
        "/api/public/otel/v1/traces",
    ],
)
async def test_paths(there: Receiving, path: str) -> None:
    reply = await there.post(path, recording(SMALL).body)
    assert (reply.status, reply.body) == (200, b"")
    assert there.consumer.counts()[0] > 0
    reply = await there.post(path, None, method="GET")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


async def test_compression(there: Receiving) -> None:
    body = recording(SMALL).body
    for encoding, sent in (
        ("gzip", gzip.compress(body)),
        ("deflate", zlib.compress(body)),
        ("identity", body),
        ("GZIP", gzip.compress(body)),
    ):
        reply = await there.post("/v1/traces", sent, headers={"Content-Encoding": encoding})
        assert reply.status == 200, encoding
    for encoding in ("br", "zstd", "compress", "gzip, gzip"):
        reply = await there.post("/v1/traces", body, headers={"Content-Encoding": encoding})
        assert reply.status in (400, 415), encoding
    spans = there.consumer.counts()[0]
    assert spans == 4 * len(there.consumer.taken[0][0].spans)


# Who may send.


async def test_where_the_key_may_stand(there: Receiving) -> None:
    body = recording(SMALL).body
    basic = base64.b64encode(f"pk-lf-1:{there.key}".encode()).decode()
    for headers in (
        {"Authorization": f"Bearer {there.key}"},
        {"Authorization": f"Bearer%20{there.key}"},
        {"Authorization": f"Basic {basic}"},
        {"Authorization": "", "x-api-key": there.key},
        {"Authorization": "", "api-key": there.key},
        {"Authorization": "Bearer of something else", "api-key": there.key},
    ):
        assert (await there.post("/v1/traces", body, headers=headers)).status == 200, headers
    for headers in (
        {"Authorization": ""},
        {"Authorization": "Bearer tk_" + "x" * 43},
        {"Authorization": "Basic " + base64.b64encode(b"a:tk_wrong").decode()},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic Zm9vOmJhcg٣"},
    ):
        reply = await there.post("/v1/traces", body, headers=headers)
        assert (reply.status, rpc_status(reply.body)[0]) == (401, 16), headers
        assert reply.headers["content-type"] == PROTOBUF
    reader = there.keys.create("reader", role="read").key
    reply = await there.post("/v1/traces", b"{}", JSON, headers={"Authorization": f"Bearer {reader}"})
    assert (reply.status, json.loads(reply.body)["code"]) == (403, 7)


async def test_a_key_that_only_telemetry_came_with_was_used_then(there: Receiving) -> None:
    before_us = time.time_ns() // 1000
    assert (await there.post("/v1/traces", recording(SMALL).body)).status == 200
    (row,) = (row for row in there.keys.list() if row.name == "exporter")
    assert row.last_used_us is not None and before_us <= row.last_used_us <= time.time_ns() // 1000


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
async def test_web_pages_may_not(there: Receiving, headers: dict[str, str]) -> None:
    reply = await there.post("/v1/traces", recording(SMALL).body, headers=headers)
    assert (reply.status, there.consumer.taken) == (403, [])


async def test_without_a_key_where_that_is_switched_on(tmp_path: Path) -> None:
    async with receiving(tmp_path, allow_unauthenticated=True) as there:
        body, nobody = recording(SMALL).body, {"Authorization": ""}
        assert (await there.post("/v1/traces", body, headers=nobody)).status == 200
        assert (await there.post("/v1/traces", body, headers={"Authorization": "Basic Zm9vOmJhcg=="})).status == 200
        assert [principal.key_name for _, principal in there.consumer.taken] == ["telemetry", "telemetry"]
        wrong = {"Authorization": "Bearer tk_" + "x" * 43}
        assert (await there.post("/v1/traces", body, headers=wrong)).status == 401
        assert (await there.post("/v1/traces", body, headers={**nobody, "Host": "evil.example"})).status == 403
        assert (await there.post("/v1/traces", body)).status == 200
        assert there.consumer.taken[-1][1].key_name == "exporter"


# What cannot be taken.


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/octet-stream", "application/x-protobuffer"]
)
async def test_other_media_types(there: Receiving, content_type: str | None) -> None:
    reply = await there.post("/v1/traces", recording(SMALL).body, content_type)
    assert (reply.status, json.loads(reply.body)["code"]) == (415, 3)


async def test_what_cannot_be_read_is_a_400_in_the_requests_encoding(there: Receiving) -> None:
    body = recording(SMALL).body
    deep = b'{"arrayValue":{"values":[' * 10_000 + b"]}}" * 10_000
    span = b'{"traceId":"%s","spanId":"%s","attributes":[{"key":"k","value":%s}]}' % (b"1" * 32, b"2" * 16, deep)
    for sent, content_type, says in (
        (body[:-1], PROTOBUF, "not the protobuf message"),
        (b"\xff" * 50, PROTOBUF, "not the protobuf message"),
        (b"{", JSON, "not JSON"),
        (b"", JSON, "not JSON"),
        (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abc"}, 7]}]}]}', JSON, "spans must be an array"),
        (b'{"resourceSpans":[{"scopeSpans":[{"spans":[%s]}]}]}' % span, JSON, "deep"),
    ):
        reply = await there.post("/v1/traces", sent, content_type)
        code, message = (
            rpc_status(reply.body)
            if content_type == PROTOBUF
            else (json.loads(reply.body)["code"], json.loads(reply.body)["message"])
        )
        assert (reply.status, code, reply.headers["content-type"]) == (400, 3, content_type)
        assert says in message
    reply = await there.post("/v1/traces", b"this is no gzip", headers={"Content-Encoding": "gzip"})
    assert (reply.status, rpc_status(reply.body)[0]) == (400, 3)
    cut = gzip.compress(body)[:-12]
    reply = await there.post("/v1/traces", cut, headers={"Content-Encoding": "gzip"})
    assert reply.status == 400
    # And all goes on.
    assert (await there.post("/v1/traces", body)).status == 200
    assert there.receiver.intake.held == 0


async def test_what_is_too_large_on_the_wire_or_inflated(tmp_path: Path) -> None:
    async with receiving(tmp_path, wire=100_000, body=1_000_000) as there:

        async def slowly() -> AsyncIterator[bytes]:
            for _ in range(50):
                yield b"\x00" * 10_000

        packed = {"Content-Encoding": "gzip"}
        for sent, headers, says in (
            (b"\x00" * 100_001, {}, "on the wire"),
            (slowly(), {}, "on the wire"),
            (gzip.compress(b"\x00" * 1_000_001), packed, "without its compression"),
        ):
            reply = await there.post("/v1/traces", sent, headers=headers)
            assert (reply.status, rpc_status(reply.body)[0]) == (413, 3)
            assert says in rpc_status(reply.body)[1]
        assert there.receiver.intake.held == 0


async def test_too_many_elements_are_a_413(there: Receiving) -> None:
    # Counting them takes seconds, and on a busy machine longer than a sender is patient.
    there.receiver.intake._patience_s = 60
    reply = await there.post(
        "/v1/traces", gzip.compress(b"\x0a\x00" * 3_000_000), headers={"Content-Encoding": "gzip"}
    )
    assert (reply.status, rpc_status(reply.body)[0]) == (413, 3)


# Overload.


async def test_a_consumer_without_room_is_a_503_that_says_when_to_come_again(there: Receiving) -> None:
    body = recording(SMALL).body
    there.consumer.full = True
    reply = await there.post("/v1/traces", body)
    assert (reply.status, reply.headers["retry-after"], rpc_status(reply.body)[0]) == (503, "5", 14)
    there.consumer.full, there.consumer.fails = False, True
    assert (await there.post("/v1/traces", body)).status == 503
    there.consumer.fails = False
    assert (await there.post("/v1/traces", body)).status == 200
    assert there.receiver.intake.counts.turned_away == 2


async def test_bodies_that_wait_are_bounded(there: Receiving) -> None:
    intake, body = there.receiver.intake, recording(SMALL).body
    there.consumer.go.clear()
    first = asyncio.create_task(there.post("/v1/traces", body))
    await asyncio.to_thread(there.consumer.entered.wait, PATIENCE_S)
    intake.hold(128 * (1 << 20) - intake.held - len(body))
    second = asyncio.create_task(there.post("/v1/traces", body))
    await until(lambda: intake.held >= 128 * (1 << 20))
    reply = await there.post("/v1/traces", body)
    assert (reply.status, rpc_status(reply.body)[0]) == (503, 14)
    there.consumer.go.set()
    assert [(await one).status for one in (first, second)] == [200, 200]
    assert intake.held == 128 * (1 << 20) - 2 * len(body)


async def test_requests_that_wait_together_are_kept_together_by_key(there: Receiving) -> None:
    body = recording(SMALL).body
    other = {"Authorization": f"Bearer {there.keys.create('other').key}"}
    there.consumer.go.clear()
    first = asyncio.create_task(there.post("/v1/traces", body))
    await asyncio.to_thread(there.consumer.entered.wait, PATIENCE_S)
    rest = [asyncio.create_task(there.post("/v1/traces", body)) for _ in range(5)]
    rest += [asyncio.create_task(there.post("/v1/traces", body, headers=other)) for _ in range(3)]
    await until(lambda: there.receiver.intake.counts.requests >= 9)
    there.consumer.go.set()
    assert {(await one).status for one in (first, *rest)} == {200}
    each = len(there.consumer.taken[0][0].spans)
    taken = [(principal.key_name, len(batch.spans)) for batch, principal in there.consumer.taken]
    assert taken == [("exporter", each), ("exporter", 5 * each), ("other", 3 * each)]


async def test_a_consumer_that_hangs_is_given_up_before_exporters_give_up(there: Receiving) -> None:
    there.receiver.intake._patience_s = 0.2
    there.consumer.go.clear()
    reply = await there.post("/v1/traces", recording(SMALL).body)
    assert reply.status == 503
    there.consumer.go.set()


async def test_a_body_that_nobody_waits_for_any_more_is_let_go_while_it_waits(there: Receiving) -> None:
    intake = there.receiver.intake
    there.consumer.go.clear()
    first = asyncio.create_task(there.post("/v1/traces", recording(SMALL).body))
    await asyncio.to_thread(there.consumer.entered.wait, PATIENCE_S)
    intake._patience_s = 0.2
    reply = await there.post("/v1/traces", recording(SMALL).body)
    assert reply.status == 503
    assert [bytes(one.body) for one in intake._queue] == [b""] and intake.held <= len(recording(SMALL).body)
    there.consumer.go.set()
    assert (await first).status == 200 and len(there.consumer.taken) == 1


async def test_while_stopping_it_is_a_503(there: Receiving) -> None:
    there.receiver.intake.close()
    reply = await there.post("/v1/traces", recording(SMALL).body)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")


# Ports and other protocols.


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


async def test_the_standard_port_takes_telemetry_only(tmp_path: Path) -> None:
    port = free_port()
    async with receiving(tmp_path, standard_port=port) as there:
        url = f"http://127.0.0.1:{port}"
        assert (await there.post("/v1/traces", recording(SMALL).body, url=url)).status == 200
        assert (await there.post("/api/ai/v1/chat/completions", b"{}", url=url)).status == 404
        assert (await there.post("/healthz", None, method="GET", url=url)).status == 404
        assert there.receiver.notices == ()


async def test_a_standard_port_in_use_is_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "port_holder", lambda _port: "process 7 (nginx)")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        async with receiving(tmp_path, standard_port=port) as there:
            assert f"Port {port} is in use by process 7 (nginx), so" in there.receiver.notices[0]
            assert there.told == [there.receiver.notices]
            assert (await there.post("/v1/traces", recording(SMALL).body)).status == 200
            # Where the port is switched off again, nothing is amiss.
            await there.receiver.stop(0)
            assert there.receiver.notices == there.told[-1] == ()


async def test_grpc_is_recognised_and_told_once(there: Receiving, caplog: pytest.LogCaptureFixture) -> None:
    host, port = "127.0.0.1", int(there.url.rpartition(":")[2])
    for _ in range(3):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        answer = await reader.read()
        writer.close()
        assert b"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in answer
    assert there.receiver.grpc_calls == 3
    assert there.receiver.notices == (NO_GRPC,)
    assert there.told == [(NO_GRPC,)]
    assert [record.message for record in caplog.records if record.levelname != "DEBUG"] == [NO_GRPC]
