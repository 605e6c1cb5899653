"""Conversations from log records alone: every recording, in any order, again, in pieces, rewritten and damaged."""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec import convert, to_builtins

from gateway.model import Message, Reasoning, Text, ToolCall, ToolCallResponse
from gateway.telemetry.observed import Observed
from gateway.telemetry.readers.tool_events import event_name
from gateway.telemetry.readers.tool_sessions import SESSION_READERS, read_session, session_of
from gateway.telemetry.readers.values import parsed
from gateway.telemetry.records import LogRecord
from tests.large_calls import assert_linear, cpu_costs
from tests.telemetry.recorded import Recording, recordings
from tests.telemetry.sessions import calls, claude, codex, lines, recorded_logs, runs, without_identity

LOGS = [one for one in recordings() if one.signal == "logs"]
TOOLS = ("claude-code", "codex", "gemini-cli")
SESSIONS = [one for one in LOGS if one.file.startswith(TOOLS)]
# Of these the index holds what each record says; what is one call in them is `test_gemini_cli_…`'s.
OPERATIONS = [one for one in LOGS if not one.file.startswith(TOOLS) and one.expected["messages"]]
GREETING = "Hello! I am the mock model. How can I help?"
THOUGHT = "The user wants the weather. I should look at the tool result before answering."
FORECAST = "It is 18 degrees and rainy in Paris, so take an umbrella."


@pytest.mark.parametrize("recorded", LOGS, ids=str)
def test_every_event_is_known_by_its_name(recorded: Recording) -> None:
    named = Counter(event_name(record).removeprefix("claude_code.") for record in recorded_logs(recorded.file))
    expected = {name: n for name, n in recorded.expected["event_counts"].items() if not name.startswith("(body)")}
    assert {name: named[name] for name in expected} == expected


@pytest.mark.parametrize("recorded", OPERATIONS, ids=str)
def test_a_call_of_log_records_says_what_the_index_expects(recorded: Recording) -> None:
    told = {one.span_id: one for one in read_session(recorded_logs(recorded.file))}
    expected = _expected_calls(recorded)
    assert set(told) == set(expected)
    for span_id, (model, response_id, asked, answered) in expected.items():
        one = told[span_id]
        assert one.request is not None and one.response is not None
        said = [_shape(message) for message in one.request.messages]
        # The index leaves out the instructions that stand in an attribute of their own.
        assert said[-len(asked) :] == asked
        assert all(role == "system" for role, _ in said[: -len(asked)])
        answers = [[_part(part) for part in choice.parts] for choice in one.response.choices if choice.parts]
        assert answers == answered
        assert (one.model or one.model_requested) == model
        assert one.response_id == response_id


def _expected_calls(recorded: Recording) -> dict[str, tuple[Any, ...]]:
    """By span: model, response id, question and answer in the index's words. Old events come message by message."""
    found: dict[str, tuple[Any, ...]] = {}
    for row in recorded.expected["messages"]:
        if "event" not in row:
            asked = [(one["role"], [_expected(part) for part in one["parts"]]) for one in row["input"]]
            answered = [[_expected(part) for part in one["parts"]] for one in row["output"]]
            found[row["span_id"]] = row["model"], row["response_id"], asked, answered
            continue
        _, _, asked, answered = found.setdefault(row["span_id"], (None, None, [], []))
        parts = [_expected(part) for part in row["parts"]]
        if row["event"] == "gen_ai.choice":
            answered.append(parts)
        else:
            asked.append((row["role"], parts))
    return found


def _expected(part: dict[str, Any]) -> tuple[Any, ...]:
    kind = part["type"]
    if kind == "tool_call":
        return kind, part.get("id"), part["name"], part["arguments"]
    if kind == "tool_call_response":
        return kind, part.get("id"), part["response"]
    # The index takes the thinking in pydantic-ai's old events for text; it is marked as thinking there.
    return "reasoning" if part["content"] == THOUGHT else kind, part["content"]


def _shape(message: Message) -> tuple[str, list[Any]]:
    return str(message.role), [_part(part) for part in message.parts]


def _part(part: Any) -> tuple[Any, ...]:
    match part:
        case Text():
            return "text", part.text
        case Reasoning():
            return "reasoning", part.text
        case ToolCall():
            said = parsed(part.arguments)
            return "tool_call", part.id or None, part.name, part.arguments if said is None else said
        case ToolCallResponse():
            text = "".join(piece.text for piece in part.content if isinstance(piece, Text))
            said = parsed(text)
            return "tool_call_response", part.id or None, text if said is None else said
    return type(part).__name__, part


def test_claude_code_with_a_tool() -> None:
    told = read_session(recorded_logs("claude-code.session-tool.logs.pb"))
    first, second = calls(told)
    echo = 'Bash({"command":"echo hi","description":"Print hi"}) #toolu_mock_bf94b406f550'
    assert lines(first) == ["user: Please run echo for me.", f"→ I will check the weather.; {echo}"]
    assert lines(second) == [
        "user: Please run echo for me.",
        f"assistant: I will check the weather.; {echo}",
        "tool: #toolu_mock_bf94b406f550: ",
        f"→ {FORECAST}",
    ]
    for call, plain, request_id, cost in (
        (first, 25, "req_mock_4e107bd4c7fd", 592_500),
        (second, 35, "req_mock_980ce943f046", 622_500),
    ):
        assert call.response is not None and call.response.usage is not None
        usage = call.response.usage
        assert (usage.input_tokens, usage.output_tokens) == (plain + 130, 25)
        assert (usage.cached_tokens, usage.cache_write_tokens) == (100, 30)
        assert (call.response_id, call.facts["request_id"], call.cost_nano) == (request_id, request_id, cost)
        assert (call.provider, call.model, call.app, call.native) == (
            "anthropic",
            "claude-sonnet-4-5",
            "claude-code",
            True,
        )
        assert call.conversations == (("session.id", "c408acfa-0cc5-40f7-851f-1edcdb996e2b"),)
        assert call.users == (("user.id", "a" * 64),)
    assert (first.latency_us, first.started_us) == (427_000, 1_795_479_184_794_000)
    (run,) = runs(told)
    assert run.tool is not None
    assert (run.tool.name, run.tool.call_id) == ("Bash", "toolu_mock_bf94b406f550")
    assert (run.started_us, run.latency_us) == (1_795_479_185_155_000, 116_000)
    assert any("OTEL_LOG_TOOL_CONTENT=1" in hint for hint in first.hints)


def test_claude_code_that_was_refused() -> None:
    (call,) = read_session(recorded_logs("claude-code.error429.logs.pb"))
    assert lines(call) == ["user: Please greet me."]
    assert (call.status, call.error_kind, call.response) == (429, "rate_limited", None)
    assert call.error_message == "Number of requests has exceeded your rate limit"
    assert (call.facts["attempt"], call.model_requested) == (1, "claude-limited")


def test_codex() -> None:
    (call,) = read_session(recorded_logs("codex.session-chat.logs.pb"))
    assert lines(call) == ["user: Please greet me."]
    assert call.response is not None and call.response.usage is not None
    usage = call.response.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens) == (80, 16, None)
    assert (usage.output_tokens, usage.reasoning_tokens) == (25, 12)
    assert (call.model, call.ttft_us, call.streamed, call.app) == ("gpt-5.1-codex", 11_000, True, "codex_exec")
    assert call.conversations == (("conversation.id", "01a20ae4-3fec-7ec0-a94e-bba19413d7c0"),)
    assert (call.started_us, call.latency_us) == (1_795_479_060_613_004, 332_093)
    assert any("log_agent_responses = true" in hint for hint in call.hints)


def test_gemini_cli_tells_a_call_four_times_and_it_is_one() -> None:
    (call,) = read_session(recorded_logs("gemini-cli.session-chat.logs.json"))
    assert call.request is not None and call.response is not None and call.response.usage is not None
    system, question = call.request.messages
    assert [part.text for part in system.parts if isinstance(part, Text)] == [
        "(long text shortened for this fixture)"
    ]
    assert [type(part) for part in question.parts] == [Text, Text]
    assert question.parts[1] == Text("Please greet me.")
    assert lines(call)[-1] == f"→ [reasoning] {THOUGHT}; {GREETING}"
    usage = call.response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (50, 25, 12)
    assert (call.response_id, call.model, call.model_requested) == (
        "resp_g_f88b07b7a092",
        "gemini-2.5-flash-001",
        "gemini-2.5-flash",
    )
    assert (call.span_id, call.latency_us, call.status) == ("4aef88304a8e132f", 93_000, 200)
    assert (call.request.temperature, call.request.top_p, call.request.top_k) == (1, 0.95, 64)
    assert call.conversations == (("session.id", "92ee3443-7be9-4a2f-9de9-e6274fa734ac"),)


@pytest.mark.parametrize("recorded", LOGS, ids=str)
def test_any_order_and_twice_tells_the_same(recorded: Recording) -> None:
    records = recorded_logs(recorded.file)
    expected = sorted(read_session(records), key=lambda one: one.identity)
    for seed in range(5):
        mixed = [*records, *records]
        random.Random(seed).shuffle(mixed)
        assert sorted(read_session(mixed), key=lambda one: one.identity) == expected
    assert sorted(read_session(reversed(records)), key=lambda one: one.identity) == expected


@pytest.mark.parametrize("recorded", LOGS, ids=str)
def test_a_session_that_grows_tells_the_same_calls_again(recorded: Recording) -> None:
    """In any batches: what was told under an identity before is told under it at the end."""
    records = list(recorded_logs(recorded.file))
    final = {one.identity for one in read_session(records)}
    for seed in range(4):
        if seed:
            random.Random(seed).shuffle(records)
        for end in range(len(records)):
            assert {one.identity for one in read_session(records[:end])} <= final
    assert len(final) == len(read_session(records))


@pytest.mark.parametrize("recorded", [*SESSIONS, *OPERATIONS], ids=str)
def test_what_is_read_is_what_stands_there(recorded: Recording) -> None:
    """With every id and text rewritten the same is read, rewritten: nothing is known of these recordings."""
    records = recorded_logs(recorded.file)
    rewrite = _rewriting(records)
    changed = [convert(rewrite(to_builtins(record)), LogRecord) for record in records]
    expected = rewrite(to_builtins(without_identity(_sorted(read_session(records)))))
    assert to_builtins(without_identity(_sorted(read_session(changed)))) == expected


def _sorted(told: tuple[Observed, ...]) -> list[Observed]:
    return sorted(told, key=lambda one: (one.started_us, one.role))


def _rewriting(records: tuple[LogRecord, ...]) -> Callable[[Any], Any]:
    """Replaces what is an id or said by somebody, wherever it stands, by letters of the same length."""
    keys = (
        "session.id",
        "conversation.id",
        "request_id",
        "tool_use_id",
        "call_id",
        "prompt",
        "response",
        "prompt.id",
    )
    said = {record.attributes.get(key) for record in records for key in keys}
    words = {text for text in said if isinstance(text, str)} | {GREETING, FORECAST, "What is the weather in Paris?"}
    words |= {record.trace_id for record in records if record.trace_id}
    words |= {record.span_id for record in records if record.span_id}
    draws = random.Random(len(records))
    swaps = {
        word: "".join(draws.choice("abcdef") for _ in word) for word in sorted(words, key=len, reverse=True) if word
    }

    def rewrite(value: Any) -> Any:
        if isinstance(value, str):
            for old, new in swaps.items():
                value = value.replace(old, new)
            return value
        if isinstance(value, dict):
            return {key: rewrite(inner) for key, inner in value.items()}
        return type(value)(map(rewrite, value)) if isinstance(value, list | tuple) else value

    return rewrite


def test_sessions_are_apart() -> None:
    records = [record for one in SESSIONS for record in recorded_logs(one.file)]
    together = sorted(read_session(records), key=lambda one: one.identity)
    alone = [told for one in SESSIONS for told in read_session(recorded_logs(one.file))]
    assert together == sorted(alone, key=lambda one: one.identity)


def test_a_record_of_no_session_is_nobodys() -> None:
    assert session_of(LogRecord(event_name="app.started", body="hello")) is None
    assert session_of(LogRecord(event_name="codex.user_prompt", attributes={"prompt": "hi"})) is None
    assert session_of(LogRecord(event_name="gen_ai.user.message", body={"content": "hi"})) is None
    assert read_session([LogRecord(event_name="app.started")]) == ()


def test_each_reader_has_a_name_of_its_own() -> None:
    assert len({reader.name for reader in SESSION_READERS}) == len(SESSION_READERS)


VALUES: list[Any] = [
    None, "", "x" * 5000, 0, -1, 2**63, 1e308, float("nan"), True, b"\xff", [], [[]], {}, {"a": {"b": []}},
    "[{", '{"contents": 5}', '[{"role": 5, "parts": {"text": []}}]', '[{"candidates": 7}]', "1e400", "\ud800", [None],
]  # fmt: skip


@pytest.mark.parametrize("recorded", LOGS, ids=str)
def test_damage_never_raises(recorded: Recording) -> None:
    draws = random.Random(recorded.file)
    records = recorded_logs(recorded.file)
    for _ in range(60):
        damaged = [_damaged(record, draws) for record in records if draws.random() < 0.9]
        told = read_session(damaged)
        assert len({one.identity for one in told}) == len(told)


def _damaged(record: LogRecord, draws: random.Random) -> LogRecord:
    from msgspec import structs

    attributes = dict(record.attributes)
    for name in list(attributes):
        chance = draws.random()
        if chance < 0.06:
            attributes[name] = draws.choice(VALUES)
        elif chance < 0.08:
            del attributes[name]
        elif chance < 0.1 and isinstance(attributes[name], str):
            attributes[name] = attributes[name][: draws.randrange(len(attributes[name]) + 1)]
    body = draws.choice(VALUES) if draws.random() < 0.1 else record.body
    time_ns = draws.choice([record.time_ns, record.time_ns, 0, 2**64 - 1])
    return structs.replace(record, attributes=attributes, body=body, time_ns=time_ns)


def _long_claude(turns: int) -> list[LogRecord]:
    records = []
    for n in range(turns):
        at, said = n * 1000, {"prompt__id": f"p{n}"}
        records += [
            claude("user_prompt", at, prompt=f"Turn {n}", **said),
            claude("api_request", at + 200, request_id=f"r{n}", input_tokens=1, duration_ms=100, **said),
            claude("assistant_response", at + 200, request_id=f"r{n}", response="Yes.", **said),
            claude("tool_result", at + 300, tool_use_id=f"t{n}", tool_name="Bash", duration_ms=50, **said),
        ]
    return records


def _long_codex(turns: int) -> list[LogRecord]:
    records = []
    for n in range(turns):
        at = n * 1000
        records += [codex("user_prompt", at, prompt=f"Turn {n}"), codex("api_request", at + 50, duration_ms=20)]
        records += [codex("sse_event", at + 60 + k, event__kind="response.output_text.delta") for k in range(20)]
        records += [
            codex("sse_event", at + 200, event__kind="response.completed", input_token_count=1),
            codex("tool_result", at + 300, call_id=f"k{n}", tool_name="shell", output="x", duration_ms=10),
        ]
    return records


@pytest.mark.parametrize("session", [_long_claude, _long_codex])
def test_a_long_session_costs_time_in_proportion(session: Callable[[int], list[LogRecord]]) -> None:
    sizes = (50, 100, 200)
    sessions = [session(size) for size in sizes]
    assert [len(calls(read_session(records))) for records in sessions] == list(sizes)
    assert_linear(sizes, partial(cpu_costs, [partial(read_session, records) for records in sessions]))
