from msgspec.structs import replace

from gateway.model import Choice, FinishReason, Message, ReasoningOptions, Request, Response, Role, Text
from gateway.records import ExchangeRecord
from gateway.relaying.trace_context import TraceContext, attempt_span_id, own_trace_id, server_span_id
from gateway.telemetry.exchange_spans import Surroundings, Upstream, exchange_spans
from gateway.telemetry.readers import observe
from gateway.telemetry.records import Batch, Span, SpanKind, StatusCode
from gateway.telemetry.without_content import without_content
from gateway.told import Told
from tests.store.examples import BASE_US, FULL

AROUND = Surroundings(
    instance="i-1", version="1.2.3", port=4210, upstreams={"openai": Upstream("api.openai.com", 443)}
)
PATH = "/api/ai/v1/messages"
TOLD = Told(
    source="gateway",
    scope="key_1",
    started_us=BASE_US,
    response_id="resp_1",
    request=Request(
        model="gpt-5",
        messages=(Message(Role.USER, (Text("secret words"),)),),
        temperature=0.5,
        max_output_tokens=64,
        stop=("END",),
        reasoning=ReasoningOptions(effort="high"),
    ),
    response=Response(choices=(Choice(parts=(Text("more words"),), finish_reason=FinishReason.LENGTH),)),
)
CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", 1, "v=1")
RECORD = replace(FULL, trace_id=CALLER.trace_id, span_id=CALLER.span_id)


def spans(
    record: ExchangeRecord = RECORD, caller: TraceContext | None = CALLER, told: Told = TOLD
) -> tuple[Span, ...]:
    return exchange_spans(record, told, AROUND, path=PATH, caller=caller)


def test_the_door_stands_under_the_caller_and_each_call_under_the_door() -> None:
    door, first, second = spans()
    assert (door.trace_id, door.parent_span_id, door.kind, door.name) == (
        CALLER.trace_id,
        CALLER.span_id,
        SpanKind.SERVER,
        f"POST {PATH}",
    )
    assert door.span_id == server_span_id(RECORD.id)
    assert [(span.parent_span_id, span.span_id, span.kind) for span in (first, second)] == [
        (door.span_id, attempt_span_id(RECORD.id, 1), SpanKind.CLIENT),
        (door.span_id, attempt_span_id(RECORD.id, 2), SpanKind.CLIENT),
    ]
    assert {span.trace_id for span in (first, second)} == {CALLER.trace_id}
    assert door.trace_state == "v=1"
    assert (door.start_ns, door.end_ns) == (BASE_US * 1000, (BASE_US + 2_500_000) * 1000)


def test_without_a_caller_an_exchange_is_a_trace_of_its_own() -> None:
    record = replace(FULL, trace_id=None, span_id=None)
    door, *calls = spans(record, None)
    assert door.trace_id == own_trace_id(FULL.id) and door.parent_span_id is None
    assert {span.trace_id for span in calls} == {door.trace_id}


def test_the_answering_call_says_what_the_row_says() -> None:
    _, failed, answered = spans()
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5",
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.finish_reasons": ("length",),
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.request.stream": True,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.cache_write.input_tokens": 7,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "gen_ai.response.time_to_first_chunk": (500_000 - 6) / 1e6,
        "faregate.cost.usd": 1.23456789,
        "faregate.cost.source": "list",
        "faregate.key.name": "laptop",
        "faregate.attempt": 2,
        "server.address": "api.openai.com",
        "server.port": 443,
        "user.id": "ada",
        "faregate.end_user": "bob",
    }
    assert {name: answered.attributes.get(name) for name in expected} == expected
    assert failed.status == StatusCode.ERROR and failed.attributes["error.type"] == "timeout"
    assert failed.attributes["gen_ai.provider.name"] == "x_ai"
    assert "gen_ai.response.id" not in failed.attributes


def test_nothing_that_was_said_is_in_them() -> None:
    assert "words" not in repr(spans())


def test_a_refused_request_is_the_clients_error_and_a_broken_one_ours() -> None:
    refused = replace(RECORD, outcome="error", status=400, error_type="bad_request", error_message="No.", attempts=())
    (door,) = spans(refused)
    assert door.status == StatusCode.UNSET and door.attributes["error.type"] == "bad_request"
    broken = replace(refused, status=502, error_type="connection_lost")
    (door,) = spans(broken, told=replace(TOLD, error_message="No."))
    assert door.status == StatusCode.ERROR and door.status_message == "No."
    # An answer that broke after its 200 went out is no success.
    (door,) = spans(replace(refused, status=200))
    assert door.status == StatusCode.ERROR


def test_what_is_unknown_is_not_said() -> None:
    bare = replace(
        RECORD,
        input_tokens=None,
        cached_tokens=None,
        cost_nano=None,
        ttft_us=None,
    )
    call = spans(bare)[-1]
    for name in ("gen_ai.usage.cache_read.input_tokens", "faregate.cost.usd", "gen_ai.response.time_to_first_chunk"):
        assert name not in call.attributes
    assert None not in call.attributes.values()


def test_an_error_is_told_in_the_words_that_may_be_kept() -> None:
    failed = replace(FULL, outcome="error", status=502, error_type="provider_error", error_message="secret words")
    bare = replace(TOLD, request=None, response=None, error_message=None)
    assert "secret" not in repr(spans(failed, told=bare))
    redacted = spans(failed, told=replace(bare, error_message="[redacted: provider_key]"))
    assert [span.status_message for span in redacted] == [
        *("[redacted: provider_key]", ""),
        "[redacted: provider_key]",
    ]
    assert "secret" not in repr(redacted)


def test_another_faregate_reads_what_a_call_cost_also_where_it_keeps_no_content() -> None:
    record = replace(RECORD, cost_nano=250_000_000, cost_source="list")
    *_, answered = spans(record)
    bare = without_content(Batch(spans=(answered,))).spans[0]
    assert observe(answered).cost_nano == observe(bare).cost_nano == 250_000_000
    assert bare.attributes["faregate.request.id"] == record.id
