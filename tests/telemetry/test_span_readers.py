"""Each recorded trace says in the neutral model what its index expects, field by field."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers import observe
from gateway.telemetry.readers.spellings import CALLS, provider_name
from gateway.telemetry.records import Span
from tests.telemetry.recorded import Recording, recordings
from tests.telemetry.span_views import call, first_ids, spans_of

TRACES = [one for one in recordings() if one.signal == "traces"]
Call = dict[str, Any]
Told = dict[str, tuple[Span, Observed]]

THOUGHT = "The user wants the weather. I should look at the tool result before answering."
# The index's own words for spans that belong to no call, where a reader knows more than "other".
FINER_ROLES = {"agent run": Role.AGENT, "running tool": Role.TOOL, "running tools": Role.GLUE}
# The sender says the provider under names that the index's maker did not look at: `llm.system`, Gemini CLI's scope.
SAYS_PROVIDER = {
    "gemini-cli.session-chat.traces.json": "google",
    "openinference.error429.traces.pb": "openai",
    "openinference.multiturn-tool.traces.pb": "openai",
    "openinference.reasoning.traces.pb": "openai",
    "openinference.responses-tool-reasoning.traces.pb": "openai",
    "synthetic-structured-multimodal.traces.pb": "openai",
}
# The id stands in the answer's JSON, or beside it, where the index's maker did not look.
SAYS_RESPONSE_ID = {
    "openinference-langchain.agent-graph.traces.pb": (
        "chatcmpl-mock_bdc2cf6492ca",
        "chatcmpl-mock_1434bbfdcb45",
        "chatcmpl-mock_64f33db28e11",
    ),
    "synthetic-structured-multimodal.traces.pb": ("resp_synth_1",),
}
# Codex names its conversation on some of its spans.
SAYS_CONVERSATION = {
    "codex.session-chat.traces.pb": ["01a20ae4-3fec-7ec0-a94e-bba19413d7c0"],
    "codex.session-chat.traces.02.pb": ["01a20ae4-3fec-7ec0-a94e-bba19413d7c0"],
}


def reasoning_before_the_answer(expected: Call) -> None:
    """OpenLLMetry gathers the thought last, and a summary as JSON; it came first and is text."""
    for message in expected["output"]:
        for part in message["parts"]:
            if part["type"] == "reasoning" and part["content"].startswith("["):
                part["content"] = msgspec.json.decode(part["content"])[0]["text"]
        message["parts"].sort(key=lambda part: part["type"] != "reasoning")


def thinking_is_reasoning(expected: Call) -> None:
    """Format 1 marks thinking as `kind: thinking`, which the index has as text."""
    for message in (*expected.get("input", ()), *expected.get("output", ())):
        for part in message["parts"]:
            if message["role"] == "assistant" and part.get("content") == THOUGHT:
                part["type"] = "reasoning"


def limited_model(expected: Call) -> None:
    """The model asked for stands in the parameters, where there is no answer to name one."""
    expected["model"] = "gpt-mock-limited"


ERRATA: dict[str, Callable[[Call], None]] = {
    "openinference.error429.traces.pb": limited_model,
    "openllmetry.reasoning.traces.pb": reasoning_before_the_answer,
    "openllmetry.stream.traces.pb": reasoning_before_the_answer,
    "openllmetry.responses-tool-reasoning.traces.pb": reasoning_before_the_answer,
    "pydantic-ai-1.0-v1.nested-agents.traces.pb": thinking_is_reasoning,
}


def told(recording: Recording) -> Told:
    return {span.span_id: (span, observe(span)) for span in spans_of(recording)}


def expected_calls(recording: Recording) -> list[tuple[str | None, str | None, Call]]:
    """Span id, dialect and view of each call, with what the index misses or misreads put right."""
    found = []
    for number, row in enumerate(recording.expected.get("calls", [])):
        row = msgspec.json.decode(msgspec.json.encode(row))
        span_id, dialect = row.pop("span_id", None), row.pop("dialect", None)
        row.setdefault("usage", {})
        if "provider" in row:
            row["provider"] = provider_name(row["provider"])
        if recording.file in SAYS_PROVIDER:
            row["provider"] = SAYS_PROVIDER[recording.file]
        if recording.file in SAYS_RESPONSE_ID:
            row["response_id"] = SAYS_RESPONSE_ID[recording.file][number]
        if recording.file in ERRATA:
            ERRATA[recording.file](row)
        found.append((span_id, dialect, {name: value for name, value in row.items() if value not in (None, [])}))
    return found


@pytest.mark.parametrize("recording", [one for one in TRACES if one.expected.get("calls")], ids=str)
def test_calls_are_as_the_index_expects(recording: Recording) -> None:
    seen = told(recording)
    for span_id, dialect, expected in expected_calls(recording):
        _, telling = seen[span_id] if span_id else next(iter(seen.values()))
        assert call(telling) == expected
        if dialect is not None and telling.reader != "gemini-cli":
            assert telling.reader == dialect


@pytest.mark.parametrize("recording", [one for one in TRACES if "tree" in one.expected], ids=str)
def test_spans_have_the_roles_that_the_index_expects(recording: Recording) -> None:
    seen = told(recording)
    assert len(seen) == recording.expected["spans"]
    assert sum(telling.role in CALLS for _, telling in seen.values()) == recording.expected["inference_spans"]
    for node in recording.expected["tree"]:
        span, telling = seen[node["span_id"]]
        assert (span.name, span.parent_span_id) == (node["span"], node.get("parent"))
        role = Role.GLUE if node["kind"] == "chain" else Role(node["kind"])
        if telling.reader == "codex":
            assert telling.role in (Role.STEP, Role.GLUE)
        else:
            assert telling.role is (FINER_ROLES.get(span.name, role) if role is Role.OTHER else role)
        assert "agent" not in node or telling.agent == node["agent"]
        assert "tool" not in node or (telling.tool is not None and telling.tool.name == node["tool"])


@pytest.mark.parametrize("recording", [one for one in TRACES if "users" in one.expected], ids=str)
def test_users_and_conversations_are_as_the_index_expects(recording: Recording) -> None:
    tellings = [telling for _, telling in told(recording).values()]
    assert first_ids(telling.users for telling in tellings) == sorted(recording.expected["users"])
    conversations = SAYS_CONVERSATION.get(recording.file, sorted(recording.expected["conversations"]))
    assert first_ids(telling.conversations for telling in tellings) == conversations


def test_a_frame_is_no_call_and_its_messages_are_its_transcript() -> None:
    for recording in TRACES:
        for _, telling in told(recording).values():
            if telling.role not in CALLS:
                assert telling.request is None
                assert telling.response is None or telling.response.choices == ()


def test_all_recorded_senders_are_read() -> None:
    """Nothing that the readers cannot place makes them say that a span is not written as they know it."""
    for recording in TRACES:
        for _, telling in told(recording).values():
            assert not any("are not as" in hint for hint in telling.hints)
