"""What no recording shows: the order of the readers, damage, size, and words that nobody has seen before."""

import json
import random
import re
import string
import subprocess
import sys
from functools import partial
from typing import Any

import msgspec
import pytest

from gateway.model import Message
from gateway.telemetry import otlp_json, otlp_protobuf
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers import READERS, observe
from gateway.telemetry.readers.spellings import CALLS
from gateway.telemetry.records import Scope, Span
from tests.large_calls import assert_linear, cpu_costs
from tests.telemetry.recorded import JSON, Recording, recordings
from tests.telemetry.span_views import call, spans_of
from tests.telemetry.test_span_readers import expected_calls

TRACES = [one for one in recordings() if one.signal == "traces"]
# One mark of each way of writing, in the order in which they are looked for.
MARKS: dict[str, dict[str, Any]] = {
    "openinference": {"openinference.span.kind": "LLM"},
    "vercel-ai": {"ai.operationId": "ai.generateText.doGenerate"},
    "langfuse": {"langfuse.observation.type": "generation"},
    "openllmetry-indexed": {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi"},
    "langsmith": {"langsmith.span.kind": "llm"},
    "pydantic-ai-v1-events": {"events": "[]"},
    "google-adk": {"gcp.vertex.agent.llm_request": "{}"},
    "semconv": {"gen_ai.operation.name": "chat"},
    "traceloop": {"traceloop.span.kind": "task"},
    "bare": {"gen_ai.request.model": "m"},
}


def test_the_readers_are_tried_in_their_order() -> None:
    assert [reader.name for reader in READERS] == [
        "claude-code",
        "codex",
        "gemini-cli",
        "anthropic-sdk-native",
        "openinference",
        "vercel-ai",
        "langfuse",
        "openllmetry-indexed",
        "langsmith",
        "pydantic-ai-v1-events",
        "google-adk",
        "semconv",
        "semconv-events",
        "traceloop",
        "bare",
    ]
    for first, *rest in (list(MARKS)[start:] for start in range(len(MARKS))):
        marks = {name: value for mark in (first, *rest) for name, value in MARKS[mark].items()}
        assert observe(_span(marks, "pydantic-ai")).reader == first


def test_a_tool_s_own_scope_comes_before_every_mark() -> None:
    marks = {name: value for mark in MARKS.values() for name, value in mark.items()}
    for scope, reader in (
        ("com.anthropic.claude_code.tracing", "claude-code"),
        ("codex_exec", "codex"),
        ("gemini-cli", "gemini-cli"),
        ("com.anthropic.sdk.python", "anthropic-sdk-native"),
    ):
        assert observe(_span(marks, scope)).reader == reader


@pytest.mark.parametrize("recording", TRACES, ids=str)
def test_both_encodings_say_the_same(recording: Recording) -> None:
    media_type, body = recording.other
    parse = otlp_json.parse_traces if media_type == JSON else otlp_protobuf.parse_traces
    assert [observe(span) for span in parse(body).spans] == [observe(span) for span in spans_of(recording)]


@pytest.mark.parametrize("recording", [one for one in TRACES if one.expected.get("calls")], ids=str)
def test_words_and_ids_that_nobody_has_seen_are_read_alike(recording: Recording) -> None:
    """Every word and id of the recordings becomes another of its length, in what was sent and in what is expected."""
    drawn = random.Random(recording.file)
    known = re.findall(
        rb"mock|Paris|weather|umbrella|greet|hello|Hello|alice|sess-42|rain|concise|travel", recording.body
    )
    swap = {word.decode(): "".join(drawn.choices(string.ascii_lowercase, k=len(word))) for word in sorted(set(known))}
    # Names of programs, attributes and places in the recordings that the readers go by, or that hold one of the words.
    swap = {word: other for word, other in swap.items() if word != "travel"}

    def rewritten(text: str) -> str:
        return re.sub("|".join(swap) or "(?!)", lambda found: swap[found[0]], text)

    body = rewritten(recording.body.decode("latin-1")).encode("latin-1")
    parse = otlp_json.parse_traces if recording.content_type == JSON else otlp_protobuf.parse_traces
    spans = {span.span_id: span for span in parse(body).spans}
    for span_id, _, expected in expected_calls(recording):
        span = spans[span_id] if span_id else next(iter(spans.values()))
        assert call(observe(span)) == json.loads(rewritten(json.dumps(expected, ensure_ascii=False)))


JUNK: list[Any] = [
    None,
    True,
    -1,
    10**30,
    float("nan"),
    float("-inf"),
    b"\xff\x00",
    "",
    "{",
    '{"role":"user","parts":',
    "[" * 50_000,
    '[{"role":1,"content":{"a":[{}]}},7,null,"x",{"parts":{"type":"text"}}]',
    '[{"role":"user","parts":[{"type":"tool_call","arguments":[1]},{"type":["x"]},{"text":{}},null,3]}]',
    [],
    [None, 1, "x", {"role": "assistant", "content": [{"type": "image", "source": {"type": "base64", "data": 3}}]}],
    {"role": {"a": 1}, "tool_calls": [{"function": "f"}, 3], "parts": "p"},
    {"messages": {"0": 1}, "choices": [3, {"message": []}], "generations": [[[{}]]], "usage": {"input": "x"}},
    [{"functionDeclarations": [None, {"name": 3}], "function": {"parameters": "{"}}],
]


def test_damage_never_raises_and_leaves_a_telling_of_the_right_shape() -> None:
    drawn = random.Random(20261128)
    spans = [span for recording in TRACES for span in spans_of(recording)]
    for round_ in range(4):
        for span in spans:
            attributes = dict(span.attributes)
            for name in drawn.sample(sorted(attributes), k=min(len(attributes), 1 + round_ * 2)):
                damage = drawn.randrange(5)
                value = attributes.pop(name)
                if damage == 0 and isinstance(value, str):
                    attributes[name] = value[: drawn.randrange(len(value) + 1)]
                elif damage == 1:
                    attributes[name.replace(".", "..", 1) + ".999999999.x"] = value
                elif damage < 4:
                    attributes[name] = drawn.choice(JUNK)
            _check(observe(msgspec.structs.replace(span, attributes=attributes)))


@pytest.mark.parametrize("junk", JUNK, ids=lambda value: repr(value)[:40])
def test_junk_in_every_attribute_that_a_reader_knows(junk: Any) -> None:
    for reader in READERS:
        names = [name if not name.endswith((".", "*")) else f"{name.rstrip('*')}0.role" for name in reader.reads]
        for mark, scope in (
            (MARKS.get(reader.name, {}), "pydantic-ai"),
            ({}, "gemini-cli"),
            ({}, "com.anthropic.sdk"),
        ):
            _check(observe(_span({**dict.fromkeys(names, junk), **mark}, scope)))
            _check(observe(_span({**dict.fromkeys(names, junk), "metadata": junk, "session.id": junk}, scope)))


def test_a_damaged_count_costs_its_own_field_alone() -> None:
    for recording in TRACES:
        for span in spans_of(recording):
            whole = observe(span)
            if whole.role not in CALLS:
                continue
            for name in span.attributes:
                if "usage" in name or "token_count" in name:
                    damaged = observe(msgspec.structs.replace(span, attributes={**span.attributes, name: ["x"]}))
                    assert _without_usage(call(damaged)) == _without_usage(call(whole))


def test_a_list_s_gaps_and_great_indices_cost_nothing() -> None:
    told = {
        "gen_ai.prompt.7.role": "user",
        "gen_ai.prompt.7.content": "second",
        "gen_ai.prompt.999999999.role": "user",
        "gen_ai.prompt.999999999.content": "third",
        "gen_ai.prompt.2.role": "user",
        "gen_ai.prompt.2.content": "first",
        "gen_ai.prompt.99999999999999999999.content": "no index",
        "gen_ai.prompt.x.content": "no index either",
    }
    said = call(observe(_span(told)))["input"]
    assert [message["parts"][0]["content"] for message in said] == ["first", "second", "third"]


def test_thousands_of_attributes_cost_time_in_proportion() -> None:
    def flattened(prefix: str, role: str, content: str, many: int) -> Span:
        told: dict[str, Any] = {"openinference.span.kind": "LLM"} if prefix.startswith("llm.") else {}
        for index in range(many // 2):
            told[f"{prefix}{index}.{role}"] = "user"
            told[f"{prefix}{index}.{content}"] = f"message {index}"
        return _span(told)

    sizes = (512, 2048, 4096, 8192)
    for prefix, role, content in (
        ("gen_ai.prompt.", "role", "content"),
        ("llm.input_messages.", "message.role", "message.content"),
        ("own.", "role", "content"),
    ):
        spans = [flattened(prefix, role, content, many) for many in sizes]
        assert_linear(sizes, partial(cpu_costs, [partial(observe, span) for span in spans]))
        if prefix != "own.":
            assert len(call(observe(spans[-1]))["input"]) == sizes[-1] // 2


def test_long_histories_in_json_cost_time_in_proportion() -> None:
    sizes = (250, 1000, 4000)
    spans = []
    for many in sizes:
        history = [{"role": "user", "parts": [{"type": "text", "content": f"message {n}"}]} for n in range(many)]
        spans.append(_span({"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(history)}))
    assert_linear(sizes, partial(cpu_costs, [partial(observe, span) for span in spans]))
    assert len(call(observe(spans[-1]))["input"]) == sizes[-1]


def test_deep_nesting_is_read_as_far_as_it_goes() -> None:
    deep: Any = {"type": "text", "content": "bottom"}
    for _ in range(400):
        deep = {"type": "tool_result", "tool_use_id": "c", "content": [deep]}
    for value in (deep, [{"role": "user", "content": [deep]}], json.dumps([{"role": "user", "content": [deep]}])):
        for name in (
            "gen_ai.input.messages",
            "ai.prompt.messages",
            "langfuse.observation.input",
            "events",
            "metadata",
        ):
            telling = observe(_span({"gen_ai.operation.name": "chat", name: value, "gen_ai.response.id": "r"}))
            assert telling.response_id == "r" and telling.role in (Role.INFERENCE, Role.OTHER)


def test_readers_load_quickly_and_touch_nothing() -> None:
    """Beside what the gateway loads anyway, the readers are their own few modules."""
    code = (
        "import sys; import gateway.dialects, gateway.providers.catalog, gateway.telemetry.observed\n"
        "before = set(sys.modules); import gateway.telemetry.readers\n"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('gateway.telemetry.')))"
    )
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert len(loaded) < 16, loaded
    assert not {name.partition(".")[0] for name in loaded} & {
        "asyncio",
        "aiohttp",
        "sqlite3",
        "opentelemetry",
        "google",
    }


def _span(attributes: dict[str, Any], scope: str = "") -> Span:
    return Span(trace_id="a" * 32, span_id="b" * 16, attributes=attributes, scope=Scope(scope))


def _without_usage(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name != "usage"}


def _check(telling: Observed) -> None:
    """Every field has the type that the store and the window rely on."""
    for name in ("operation", "provider", "response_id", "model_requested", "model", "agent", "title", "app"):
        assert isinstance(getattr(telling, name), str | None), name
    for name in ("error_type", "error_kind", "error_message", "previous_response_id"):
        assert isinstance(getattr(telling, name), str | None), name
    for name in ("cost_nano", "ttft_us"):
        assert isinstance(getattr(telling, name), int | None), name
    for name in ("tool", "response"):
        value = getattr(telling, name)
        if value is not None:
            assert msgspec.convert(msgspec.to_builtins(value), type(value)) == value
    assert all(isinstance(text, str) for pair in (*telling.conversations, *telling.users) for text in pair)
    assert all(isinstance(text, str) for text in (*telling.tags, *telling.hints))
    for request in (telling.request, telling.transcript):
        if request is not None:
            assert msgspec.convert(msgspec.to_builtins(request.messages), tuple[Message, ...]) == request.messages
            for tool in request.tools:
                assert msgspec.convert(msgspec.to_builtins(tool), type(tool)) == tool
            assert all(isinstance(word, str) for word in (request.model, *request.stop))
            assert isinstance(request.temperature, int | float | None)
            assert isinstance(request.max_output_tokens, int | None)
