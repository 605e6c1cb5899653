import pytest

from gateway.relaying.trace_context import TraceContext, attempt_span_id, own_trace_id, server_span_id, trace_context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        # A bit that this version does not know, and a later version with more after the flags.
        (f"00-{TRACE}-{SPAN}-03", 3),
        (f"01-{TRACE}-{SPAN}-01-more", 1),
        (f" 00-{TRACE}-{SPAN}-01 ", 1),
    ],
)
def test_the_callers_span(header: str, flags: int) -> None:
    found = trace_context({"traceparent": header, "tracestate": "vendor=1"})
    assert found == TraceContext(TRACE, SPAN, flags, "vendor=1")


@pytest.mark.parametrize(
    "header",
    [
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01x",
        "nonsense",
        "",
    ],
)
def test_what_is_no_context_is_none(header: str) -> None:
    assert trace_context({"traceparent": header}) is None


def test_no_header_and_a_state_that_is_too_long() -> None:
    assert trace_context({}) is None
    found = trace_context({"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=" + "x" * 600})
    assert found is not None and found.state == ""


def test_own_ids_are_valid_apart_and_always_the_same() -> None:
    ids = {own_trace_id(f"req_{n}") for n in range(100)}
    spans = {make for n in range(100) for make in (server_span_id(f"req_{n}"), attempt_span_id(f"req_{n}", 1))}
    assert len(ids) == 100 and len(spans) == 200
    assert {len(id) for id in ids} == {32} and {len(id) for id in spans} == {16}
    assert own_trace_id("req_1") == own_trace_id("req_1")
