"""OTLP's two encodings: equal records of equal payloads, what is refused, and what is cut and noted."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gateway.telemetry import bounds, json_count, otlp_json, otlp_protobuf, protobuf_count, protobuf_text
from gateway.telemetry.malformed import Malformed, TooMany
from gateway.telemetry.records import Batch, LogRecord, MetricPoint, Span, SpanKind, StatusCode
from tests.telemetry.recorded import JSON, REQUESTS, Recording, recording, recordings, to_protobuf

TRACE, SPAN = "5b8aa5a2d2c872e8321cf37308d69df2", "051581bf3cb55c13"
PARSERS: dict[tuple[str, str], Callable[..., Batch]] = {
    (media, signal): getattr(module, f"parse_{signal}")
    for media, module in ((JSON, otlp_json), ("application/x-protobuf", otlp_protobuf))
    for signal in ("traces", "logs", "metrics")
}


def parse(recorded: Recording) -> Batch:
    return PARSERS[recorded.content_type, recorded.signal](recorded.body)


def traces(*spans: Any, **resource: Any) -> bytes:
    return json.dumps({"resourceSpans": [{**resource, "scopeSpans": [{"spans": list(spans)}]}]}).encode()


def one_span(**fields: Any) -> Span:
    """One span in both encodings, which must read alike."""
    body = traces({"traceId": TRACE, "spanId": SPAN, **fields})
    batch = otlp_json.parse_traces(body)
    assert otlp_protobuf.parse_traces(to_protobuf("traces", body)) == batch
    return batch.spans[0]


def one_value(value: Any) -> Any:
    return one_span(attributes=[{"key": "k", "value": value}]).attributes["k"]


@pytest.mark.parametrize("recorded", recordings(), ids=str)
def test_both_encodings_of_a_recording_read_alike(recorded: Recording) -> None:
    media, body = recorded.other
    assert repr(PARSERS[media, recorded.signal](body)) == repr(parse(recorded))


@pytest.mark.parametrize("recorded", recordings(), ids=str)
def test_every_item_of_a_recording_is_there(recorded: Recording) -> None:
    batch, message = parse(recorded), recorded.message()
    found: list[tuple[str, ...]]
    if recorded.signal == "traces":
        spans = [
            (place, one) for place in message.resource_spans for scope in place.scope_spans for one in scope.spans
        ]
        assert len(batch.spans) == len(spans) - recorded.expected.get("rejected_spans", 0)
        for kept, (place, span) in zip(batch.spans, spans, strict=False):
            assert (kept.trace_id, kept.span_id) == (span.trace_id.hex(), span.span_id.hex())
            assert (kept.name, kept.start_ns, kept.end_ns) == (
                span.name,
                span.start_time_unix_nano,
                span.end_time_unix_nano,
            )
            assert set(kept.attributes) == {pair.key for pair in span.attributes}
            assert set(kept.resource) == {pair.key for pair in place.resource.attributes}
            assert [one.name for one in kept.events] == [one.name for one in span.events]
            assert kept.notes == ()
    elif recorded.signal == "logs":
        # Codex's own names are places in its source; what happened is in the attribute, or in the body alone.
        told = [
            {str(name) for name in (record.attributes.get("event.name"), record.event_name, record.body)}
            for record in batch.logs
        ]
        for name, count in recorded.expected.get("event_counts", {}).items():
            ending = name.removeprefix("(body) ")
            assert sum(any(f".{one}".endswith(f".{ending}") for one in names) for names in told) == count, name
        assert len(batch.logs) == sum(
            len(scope.log_records) for place in message.resource_logs for scope in place.scope_logs
        )
    else:
        found = [(one["name"], one["unit"], one["type"]) for one in recorded.expected["metrics"]]
        assert {(point.name, point.unit, point.form.replace("exponential_", "")) for point in batch.metrics} == {
            (name, unit, form.replace("exponential_", "")) for name, unit, form in found
        }


def test_bad_ids_are_counted_and_the_rest_is_taken() -> None:
    batch = parse(recording("synthetic-partial-success.traces.pb"))
    assert (len(batch.spans), batch.rejected) == (1, 2)
    assert batch.reason == "A trace id has 16 bytes and a span id 8, and neither is all zero."


@pytest.mark.parametrize(
    ("trace_id", "span_id"),
    [("0" * 32, SPAN), (TRACE, "0" * 16), (TRACE[:-1], SPAN), (TRACE, SPAN + "00"), ("", ""), ("zz" * 16, SPAN)],
)
def test_ids_that_are_none(trace_id: str, span_id: str) -> None:
    batch = otlp_json.parse_traces(traces({"traceId": trace_id, "spanId": span_id}))
    assert (batch.spans, batch.rejected) == ((), 1)


def test_ids_are_taken_in_capitals() -> None:
    batch = otlp_json.parse_traces(
        traces({"traceId": TRACE.upper(), "spanId": SPAN.upper(), "parentSpanId": SPAN.upper()})
    )
    assert (batch.spans[0].trace_id, batch.spans[0].span_id, batch.spans[0].parent_span_id) == (TRACE, SPAN, SPAN)


def test_a_span_has_all_that_was_said_of_it() -> None:
    span = one_span(
        parentSpanId="0000000000000000",
        traceState="a=1",
        flags=1,
        name="chat",
        kind=3,
        startTimeUnixNano="1700000000000000001",
        endTimeUnixNano="1700000000000000002",
        status={"code": 2, "message": "no"},
        events=[{"name": "e", "timeUnixNano": 5, "droppedAttributesCount": 1}],
        links=[{"traceId": TRACE, "spanId": SPAN}, {"traceId": TRACE, "spanId": "00" * 8}],
        droppedAttributesCount=7,
        droppedEventsCount=8,
    )
    assert (span.parent_span_id, span.trace_state, span.flags, span.name) == (None, "a=1", 1, "chat")
    assert (span.kind, span.status, span.status_message) == (SpanKind.CLIENT, StatusCode.ERROR, "no")
    assert (span.start_ns, span.end_ns) == (1700000000000000001, 1700000000000000002)
    assert [(one.name, one.time_ns, one.dropped_attributes) for one in span.events] == [("e", 5, 1)]
    assert [one.span_id for one in span.links] == [SPAN]
    assert (span.dropped_attributes, span.dropped_events, span.notes) == (7, 8, ())


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"stringValue": ""}, ""),
        ({"intValue": "60"}, 60),
        ({"intValue": 60}, 60),
        ({"intValue": "-9223372036854775808"}, -(1 << 63)),
        ({"boolValue": False}, False),
        ({"doubleValue": 1}, 1.0),
        ({"doubleValue": "Infinity"}, math.inf),
        ({"bytesValue": "AAH/"}, b"\x00\x01\xff"),
        ({"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": 1}, {}]}}, ["a", 1, None]),
        ({"arrayValue": {}}, []),
        ({"kvlistValue": {"values": [{"key": "x", "value": {"boolValue": True}}]}}, {"x": True}),
        ({}, None),
    ],
)
def test_values_of_every_kind(value: dict[str, Any], read: Any) -> None:
    found = one_value(value)
    assert found == read
    assert type(found) is type(read)


def test_not_a_number() -> None:
    body = traces({"traceId": TRACE, "spanId": SPAN, "attributes": [{"key": "k", "value": {"doubleValue": "NaN"}}]})
    for batch in (otlp_json.parse_traces(body), otlp_protobuf.parse_traces(to_protobuf("traces", body))):
        assert math.isnan(batch.spans[0].attributes["k"])
    bare = body.replace(b'"NaN"', b"NaN")
    assert math.isnan(otlp_json.parse_traces(bare).spans[0].attributes["k"])


def test_names_of_enums_and_unknown_keys() -> None:
    body = {"traceId": TRACE, "spanId": SPAN, "kind": "SPAN_KIND_CLIENT", "status": {"code": "STATUS_CODE_ERROR"}}
    span = otlp_json.parse_traces(traces({**body, "news": [1], "attributes": None})).spans[0]
    assert (span.kind, span.status) == (SpanKind.CLIENT, StatusCode.ERROR)
    record = {"severityNumber": "SEVERITY_NUMBER_WARN3", "eventName": "a.b"}
    logs = otlp_json.parse_logs(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode())
    assert (logs.logs[0].severity, logs.logs[0].event_name) == (15, "a.b")


def test_a_log_record_takes_its_name_and_time_from_where_they_are() -> None:
    record = {
        "observedTimeUnixNano": 9,
        "traceId": "00" * 16,
        "spanId": SPAN,
        "attributes": [{"key": "event.name", "value": {"stringValue": "user_prompt"}}],
        "body": {},
    }
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    found = otlp_json.parse_logs(body).logs
    assert otlp_protobuf.parse_logs(to_protobuf("logs", body)).logs == found
    assert found == (
        LogRecord(time_ns=9, event_name="user_prompt", attributes={"event.name": "user_prompt"}, body=None),
    )


def test_points_of_every_form() -> None:
    at = {"startTimeUnixNano": "1", "timeUnixNano": "2"}
    spread = {**at, "count": "6", "sum": 5.5}
    metrics = [
        {
            "name": "s",
            "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": [{**at, "asInt": "5"}]},
        },
        {"name": "g", "gauge": {"dataPoints": [{**at, "asDouble": 0.5}, {**at}]}},
        {
            "name": "h",
            "histogram": {
                "aggregationTemporality": 2,
                "dataPoints": [{**spread, "bucketCounts": ["1", "5"], "explicitBounds": [3]}],
            },
        },
        {
            "name": "e",
            "exponentialHistogram": {
                "dataPoints": [
                    {**at, "count": 7, "scale": 0, "zeroCount": 2, "positive": {"offset": 1, "bucketCounts": [1, 4]}}
                ]
            },
        },
        {"name": "q", "summary": {"dataPoints": [{**spread, "quantileValues": [{"quantile": 1, "value": 2}]}]}},
        {"name": "", "gauge": {"dataPoints": [{**at, "asInt": 1}]}},
        {"name": "nothing"},
    ]
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()
    batch = otlp_json.parse_metrics(body)
    assert otlp_protobuf.parse_metrics(to_protobuf("metrics", body)) == batch
    times: dict[str, Any] = {"start_ns": 1, "time_ns": 2}
    assert batch.metrics == (
        MetricPoint(name="s", form="sum", value=5, delta=True, monotonic=True, **times),
        MetricPoint(name="g", form="gauge", value=0.5, **times),
        MetricPoint(name="g", form="gauge", value=None, **times),
        MetricPoint(name="h", form="histogram", count=6, total=5.5, bounds=(3.0,), counts=(1, 5), **times),
        MetricPoint(name="e", form="exponential_histogram", count=7, bounds=(2.0, 4.0), counts=(2, 1, 4), **times),
        MetricPoint(name="q", form="summary", count=6, total=5.5, **times),
    )
    assert (batch.rejected, batch.reason) == (1, "A metric has a name.")


def test_times_that_cannot_be() -> None:
    span = one_span(startTimeUnixNano="10", endTimeUnixNano="9")
    assert (span.start_ns, span.end_ns, span.notes) == (10, 10, ("end before start",))
    running = one_span(startTimeUnixNano="10", endTimeUnixNano="0")
    assert (running.end_ns, running.notes) == (0, ())
    assert one_span(startTimeUnixNano=str((1 << 64) - 1)).start_ns == (1 << 63) - 1


def test_what_is_too_long_is_cut_and_named() -> None:
    span = one_span(
        name="n" * 10,
        attributes=[
            {"key": "long", "value": {"stringValue": "é" * bounds.STRING_BYTES}},
            {"key": "short", "value": {"stringValue": "s"}},
            {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "x" * (bounds.STRING_BYTES + 1)}]}}},
        ],
    )
    assert span.attributes["long"] == "é" * (bounds.STRING_BYTES // 2)
    assert span.attributes["short"] == "s"
    assert span.attributes["list"] == ["x" * bounds.STRING_BYTES]
    assert span.notes == ("long too long, cut", "list too long, cut")


def test_a_span_keeps_sixteen_mebibytes_in_all() -> None:
    text = "x" * bounds.STRING_BYTES
    span = one_span(attributes=[{"key": f"k{n}", "value": {"stringValue": text}} for n in range(5)])
    assert sum(len(value) for value in span.attributes.values()) == bounds.ITEM_BYTES - len(span.name)
    assert span.notes == ("k4 too long, cut",)


def test_attributes_over_the_limit_are_left_out_and_counted() -> None:
    span = one_span(attributes=[{"key": f"k{n}", "value": {"intValue": n}} for n in range(bounds.ATTRIBUTES + 3)])
    assert len(span.attributes) == bounds.ATTRIBUTES
    assert span.notes == ("3 attributes over 4096 left out",)


def test_half_a_surrogate_pair_is_mended() -> None:
    pair = '{"key": "k", "value": {"stringValue": "cut \\ud83d"}}'
    body = traces({"traceId": TRACE, "spanId": SPAN, "attributes": ["HERE"]}).replace(b'"HERE"', pair.encode())
    assert otlp_json.parse_traces(body).spans[0].attributes["k"] == "cut \ufffd\ufffd\ufffd"


def test_our_own_export_is_not_taken() -> None:
    resource = {"attributes": [{"key": "service.instance.id", "value": {"stringValue": "us"}}]}
    span = {"traceId": TRACE, "spanId": SPAN}
    body = traces(span, resource=resource)
    for batch in (
        otlp_json.parse_traces(body, "us"),
        otlp_protobuf.parse_traces(to_protobuf("traces", body), "us"),
    ):
        assert (batch.spans, batch.rejected) == ((), 0)
        assert batch.reason.startswith("These are the gateway's own spans")
    assert len(otlp_json.parse_traces(body, "another").spans) == 1
    assert len(otlp_json.parse_traces(body).spans) == 1


# What cannot be read.


def test_truncated_protobuf_at_every_byte() -> None:
    recorded = min((one for one in recordings() if one.file.endswith(".traces.pb")), key=lambda one: len(one.body))
    body, whole = recorded.body, parse(recorded)
    outcomes = Counter[str]()
    for cut in range(len(body)):
        try:
            batch = otlp_protobuf.parse_traces(body[:cut])
        except Malformed:
            outcomes["refused"] += 1
        else:
            assert len(batch.spans) <= len(whole.spans)
            outcomes["fewer"] += 1
    assert outcomes["refused"] > len(body) * 0.9
    # Nothing at all is a request without spans.
    assert outcomes["fewer"] >= 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"1", b'"text"', b"{} {}", b"\xff", b'{"resourceSpans": "no"}', b"\x0a\x00"]
)
def test_what_is_no_json_request(body: bytes) -> None:
    with pytest.raises(Malformed):
        otlp_json.parse_traces(body)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", 5, "name must be text"),
        ("attributes", {}, "attributes must be an array of objects"),
        ("attributes", [None], "attributes must be an array of objects"),
        ("attributes", [{"key": "k", "value": "bare"}], "value must be an object"),
        ("attributes", [{"key": "k", "value": {"intValue": "x"}}], "intValue must be an integer of 64 bits"),
        ("attributes", [{"key": "k", "value": {"intValue": 1 << 70}}], "intValue must be an integer of 64 bits"),
        ("attributes", [{"key": "k", "value": {"boolValue": 1}}], "boolValue must be true or false"),
        ("attributes", [{"key": "k", "value": {"doubleValue": []}}], "doubleValue must be a number"),
        ("attributes", [{"key": "k", "value": {"bytesValue": "?"}}], "bytesValue must be base64"),
        ("startTimeUnixNano", True, "startTimeUnixNano must be an integer of 64 bits"),
        ("kind", 1 << 40, "kind must be an integer of 32 bits"),
        ("status", 2, "status must be an object"),
        ("traceId", 7, "traceId must be text"),
    ],
)
def test_fields_of_the_wrong_kind_are_named(field: str, value: Any, says: str) -> None:
    with pytest.raises(Malformed, match=re.escape(says)):
        otlp_json.parse_traces(traces({"traceId": TRACE, "spanId": SPAN, field: value}))


@pytest.mark.parametrize("deep", [101, 10_000, 100_000])
def test_deep_json_is_refused(deep: int) -> None:
    nested = b'{"arrayValue":{"values":[' * deep + b"]}}" * deep
    pair = b'{"key":"k","value":' + nested + b"}"
    body = traces({"traceId": TRACE, "spanId": SPAN, "attributes": ["HERE"]}).replace(b'"HERE"', pair)
    with pytest.raises(Malformed, match="deep"):
        otlp_json.parse_traces(body)
    with pytest.raises(Malformed):
        otlp_json.parse_traces(b"[" * deep)


def test_a_hundred_levels_are_read() -> None:
    nested = b'{"arrayValue":{"values":[' * 100 + b"]}}" * 100
    pair = b'{"key":"k","value":' + nested + b"}"
    body = traces({"traceId": TRACE, "spanId": SPAN, "attributes": ["HERE"]}).replace(b'"HERE"', pair)
    value = otlp_json.parse_traces(body).spans[0].attributes["k"]
    for _ in range(99):
        (value,) = value
    assert value == []


def test_deep_protobuf_is_refused() -> None:
    value = b""
    for _ in range(5_000):
        value = field(5, field(1, value))
    body = field(1, field(2, field(2, field(9, field(1, b"k") + field(2, value)))))
    with pytest.raises(Malformed):
        otlp_protobuf.parse_traces(body)
    with pytest.raises(Malformed, match="deep"):
        protobuf_count.check_count("traces", body)


# Small elements, which grow in memory.


def field(number: int, data: bytes) -> bytes:
    size, length = len(data), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + data


def test_the_fields_that_are_walked_are_those_of_the_protocol() -> None:
    """Each message field of OTLP is one that the count goes into, and each packed field is weighed."""

    def check(descriptor: Any, kind: str, seen: set[tuple[str, str]]) -> None:
        if (descriptor.full_name, kind) in seen:
            return
        seen.add((descriptor.full_name, kind))
        fields = protobuf_count.FIELDS[kind]
        for one in descriptor.fields:
            if one.message_type is not None:
                within = fields[one.number]
                assert isinstance(within, str), one.full_name
                check(one.message_type, within, seen)
            elif one.is_packed:
                assert isinstance(fields[one.number], int), one.full_name
            else:
                assert one.number not in fields, one.full_name
        assert set(fields) <= {one.number for one in descriptor.fields}

    for signal, request in REQUESTS.items():
        check(request.DESCRIPTOR, signal, set())


@pytest.mark.parametrize("recorded", recordings(), ids=str)
def test_recordings_are_far_from_the_limit_of_elements(recorded: Recording) -> None:
    if recorded.content_type == JSON:
        json_count.check_count(recorded.body)
    else:
        protobuf_count.check_count(recorded.signal, recorded.body)


def test_too_many_small_elements_are_refused_unread() -> None:
    many = bounds.ELEMENTS * 2
    attributes = field(9, field(1, b"k") + field(2, field(5, b"\x0a\x00" * many)))
    for body in (b"\x0a\x00" * many * 2, field(1, field(2, field(2, attributes))) * 2):
        with pytest.raises(TooMany):
            otlp_protobuf.parse_traces(body)
    counts = field(1, field(2, field(2, field(10, field(1, field(8, field(2, b"\x01" * many)))))))
    with pytest.raises(TooMany):
        protobuf_count.check_count("metrics", counts)
    with pytest.raises(TooMany):
        otlp_json.parse_traces(b'{"resourceSpans":[' + b"{}," * many + b"{}]}")


def test_a_long_text_is_one_element() -> None:
    text = '","{[' * 2_000_000
    body = traces({"traceId": TRACE, "spanId": SPAN, "attributes": [{"key": "k", "value": {"stringValue": text}}]})
    assert len(body) > bounds.UNCOUNTED_BYTES
    span = otlp_json.parse_traces(body).spans[0]
    assert span.attributes["k"] == text[: bounds.STRING_BYTES]
    request = ExportTraceServiceRequest()
    request.ParseFromString(to_protobuf("traces", body))
    assert otlp_protobuf.parse_traces(request.SerializeToString()).spans[0] == span


# Text that is no UTF-8.

TEXTS = [
    field(5, b"HERE"),
    field(3, b"HERE"),
    field(9, field(1, b"HERE") + field(2, field(1, b"v"))),
    field(9, field(1, b"k") + field(2, field(1, b"HERE"))),
    field(9, field(1, b"k") + field(2, field(5, field(1, field(1, b"HERE"))))),
    field(9, field(1, b"k") + field(2, field(6, field(1, field(1, b"HERE") + field(2, field(1, b"HERE")))))),
    field(11, field(2, b"HERE") + field(3, field(1, b"HERE"))),
    field(13, field(1, b"1" * 16) + field(2, b"2" * 8) + field(3, b"HERE")),
    field(15, field(2, b"HERE")),
]


def span_saying(more: bytes) -> bytes:
    return field(2, field(1, b"1" * 16) + field(2, b"2" * 8) + more)


@pytest.mark.parametrize("said", TEXTS)
def test_a_text_that_was_cut_within_a_character_costs_no_span(said: bytes) -> None:
    """Senders cut values at a number of bytes; the whole request was refused, which exporters do not send again."""
    scope = field(1, field(1, b"HERE") + field(2, b"HERE") + field(3, field(1, b"k") + field(2, field(1, b"HERE"))))
    resource = field(1, field(1, field(1, b"service.name") + field(2, field(1, b"HERE"))))
    spans = field(2, scope + span_saying(said) + span_saying(field(5, b"fine \xe2\x98\x82")) + field(3, b"HERE"))
    body = field(1, resource + spans + field(3, b"HERE"))
    cut = otlp_protobuf.parse_traces(body.replace(b"HERE", b"\xe2\x98H\xff"))
    assert cut == otlp_protobuf.parse_traces(body.replace(b"HERE", b"??H?"))
    assert (len(cut.spans), cut.rejected, cut.spans[1].name) == (2, 0, "fine ☂")
    assert cut.spans[0].resource == {"service.name": "??H?"}


def test_the_texts_of_logs_and_metrics_are_mended_too() -> None:
    log = field(2, field(3, b"HERE") + field(5, field(1, b"HERE")) + field(12, b"HERE"))
    point = field(5, field(1, field(7, field(1, b"HERE") + field(2, field(1, b"HERE")))))
    metric = field(2, field(1, b"HERE") + field(2, b"HERE") + field(3, b"HERE") + point)
    for parse, item in ((otlp_protobuf.parse_logs, log), (otlp_protobuf.parse_metrics, metric)):
        body = field(1, field(2, item))
        cut = parse(body.replace(b"HERE", b"\xff\xfeok"))
        assert cut == parse(body.replace(b"HERE", b"??ok")) and (cut.logs or cut.metrics)


@pytest.mark.parametrize("cut", [b"\xe2\x98", b"\xe2\x98H\xff", b"\xff\xfe"])
def test_json_with_a_text_that_was_cut_within_a_character_costs_no_span(cut: bytes) -> None:
    named = {"traceId": TRACE, "spanId": SPAN, "name": "HERE", "attributes": [{"key": "☂", "value": {"intValue": 1}}]}
    body = traces(named, {**named, "spanId": SPAN[::-1], "name": "fine"})
    batch = otlp_json.parse_traces(body.replace(b"HERE", cut))
    assert [span.name for span in batch.spans] == [
        "".join(c if c == "H" else "?" for c in cut.decode("latin-1")),
        "fine",
    ]
    assert batch.spans[0].attributes == {"☂": 1}
    with pytest.raises(Malformed):
        otlp_json.parse_traces(cut + body)


def test_bytes_that_are_no_text_stay_what_they_are() -> None:
    blob = field(9, field(1, b"k\xff") + field(2, field(7, b"\xff\x00\xe2")))
    span = otlp_protobuf.parse_traces(field(1, field(2, span_saying(blob)))).spans[0]
    unharmed = otlp_protobuf.parse_traces(field(1, field(2, span_saying(blob.replace(b"k\xff", b"k?"))))).spans[0]
    assert span == unharmed and span.trace_id == b"1".hex() * 16


def test_a_long_text_without_any_character_is_mended_in_proportion() -> None:
    body = field(1, field(2, span_saying(field(5, b"\x80" * 3_000_000))))
    assert otlp_protobuf.parse_traces(body).spans[0].name == "?" * 3_000_000


def test_the_texts_that_are_mended_are_those_of_the_protocol() -> None:
    def check(descriptor: Any, kind: str, seen: set[str]) -> None:
        if kind in seen:
            return
        seen.add(kind)
        told = protobuf_text.TEXTS.get(kind, ())
        assert set(told) == {one.number for one in descriptor.fields if one.type == one.TYPE_STRING}, kind
        for one in descriptor.fields:
            if one.message_type is not None:
                check(one.message_type, str(protobuf_count.FIELDS[kind][one.number]), seen)

    for signal, request in REQUESTS.items():
        check(request.DESCRIPTOR, signal, set())
