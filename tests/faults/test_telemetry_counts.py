"""Faults of peers that count telemetry's tokens wrong, or one call again: what recorded senders said, added up.

The mock provider of the recordings counted 25 output tokens per answer, 12 of them thought where it thinks, and for
Anthropic's dialect 100 cached and 30 cache-written beside the plain input.
"""

from collections import Counter

import pytest

from gateway.model import Usage
from gateway.telemetry.metric_series import MetricSeries
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers import observe, read_session
from gateway.telemetry.reported import reported
from tests.telemetry.sessions import decoded

Counted = tuple[int, int, int, int, int]
CLAUDE = (320, 200, 60, 50, 0)


def used(told: list[Observed]) -> Counted:
    """Input, cached, cache-written, output and thought of all calls; frames above them are none."""
    usages = [one.response.usage or Usage() for one in told if one.role is Role.INFERENCE and one.response]
    return (
        sum(usage.input_tokens or 0 for usage in usages),
        sum(usage.cached_tokens or 0 for usage in usages),
        sum(usage.cache_write_tokens or 0 for usage in usages),
        sum(usage.output_tokens or 0 for usage in usages),
        sum(usage.reasoning_tokens or 0 for usage in usages),
    )


def spans(file: str) -> list[Observed]:
    return [observe(span) for span in decoded(f"{file}.traces.{'json' if file.startswith('vercel') else 'pb'}").spans]


def instrumented(file: str) -> list[Observed]:
    """Without the SDK's own spans, which tell the same calls again."""
    return [one for one in spans(file) if not one.native]


@pytest.mark.parametrize(
    ("file", "counted"),
    [
        ("genai.anthropic-multiturn-tool-thinking", (495, 300, 90, 75, 0)),
        ("openllmetry.anthropic-multiturn-tool-thinking", (495, 300, 90, 75, 0)),
        ("openllmetry-0.44.anthropic-multiturn-tool-thinking", (495, 300, 90, 75, 0)),
        ("openinference.anthropic-multiturn-tool-thinking", (495, 300, 90, 75, 0)),
        # Its second call asks with ten tokens less than the others'.
        ("vercel-ai7.anthropic-multiturn-tool-thinking", (485, 300, 90, 75, 0)),
        ("genai.multiturn-tool", (240, 32, 0, 75, 0)),
        ("openllmetry.multiturn-tool", (240, 32, 0, 75, 0)),
        ("openllmetry-0.44.multiturn-tool", (240, 32, 0, 75, 0)),
        ("openinference.multiturn-tool", (240, 32, 0, 75, 0)),
        ("vercel-ai6.multiturn-tool", (240, 32, 0, 75, 0)),
        ("pydantic-ai.nested-agents", (380, 48, 0, 125, 24)),
        ("google-genai.multiturn-tool", (210, 32, 0, 75, 0)),
    ],
)
def test_langfuse_12306_what_was_cached_is_in_the_input_once(file: str, counted: Counted) -> None:
    """langfuse/langfuse#12306, #14725: cached input was added to an input that held it."""
    assert used(instrumented(file)) == counted


def test_langfuse_12306_claude_code_says_it_in_three_ways_and_each_is_the_same() -> None:
    """Logs, spans and metrics leave the cache out of the input; each of them alone tells what was used."""
    records = decoded("claude-code.session-tool.logs.pb").logs
    assert used(list(read_session(records))) == CLAUDE
    assert used(spans("claude-code.session-tool")) == CLAUDE
    series = MetricSeries()
    series.add(decoded("claude-code.session-tool.metrics.pb").metrics)
    (own,) = reported(series.series())
    assert (own.input_tokens, own.cached_tokens, own.cache_write_tokens, own.output_tokens) == CLAUDE[:4]
    assert own.cost_nano == sum(one.cost_nano or 0 for one in read_session(records))


@pytest.mark.parametrize(
    ("file", "counted"),
    [
        ("genai.reasoning", (50, 0, 0, 25, 12)),
        ("genai.responses-tool-reasoning", (120, 16, 0, 50, 24)),
        ("openllmetry.reasoning", (50, 0, 0, 25, 12)),
        ("openinference.reasoning", (50, 0, 0, 25, 12)),
        ("vercel-ai6.stream", (50, 0, 0, 25, 12)),
        ("pydantic-ai.stream", (60, 0, 0, 25, 12)),
    ],
)
def test_langfuse_11244_what_was_thought_is_in_the_output_once(file: str, counted: Counted) -> None:
    """langfuse/langfuse#11244: reasoning was added to an output that held it."""
    assert used(instrumented(file)) == counted


@pytest.mark.parametrize(
    ("file", "counted"),
    [
        # OpenAI's output holds what was thought, Google's does not.
        ("codex.session-chat.logs.pb", (80, 16, 0, 25, 12)),
        ("gemini-cli.session-chat.logs.json", (50, 0, 0, 25, 12)),
    ],
)
def test_langfuse_11244_tools_that_log_what_they_used_count_it_once(file: str, counted: Counted) -> None:
    assert used(list(read_session(decoded(file).logs))) == counted


def test_cc_switch_2384_a_session_log_that_comes_again_names_the_same_calls() -> None:
    """farion1231/cc-switch#2384, ccusage#988, tddworks/ClaudeBar#207: sessions read again were counted two to four times."""
    for file in (
        "claude-code.session-tool.logs.pb",
        "codex.session-chat.logs.pb",
        "gemini-cli.session-chat.logs.json",
    ):
        records = decoded(file).logs
        once = read_session(records)
        again = [*once, *read_session([*records, *records]), *read_session(records[::-1])]
        assert len({one.identity for one in once}) == len(once)
        assert Counter(one.identity for one in again) == {one.identity: 3 for one in once}


def test_cc_switch_2384_spans_and_logs_of_one_call_have_what_joins_them() -> None:
    """The id of Claude Code's HTTP answers, which a gateway's row knows too; for Gemini CLI the span."""
    logs = read_session(decoded("claude-code.session-tool.logs.pb").logs)
    told = {one.response_id: used([one]) for one in logs if one.role is Role.INFERENCE}
    spanned = {
        one.response_id: used([one]) for one in spans("claude-code.session-tool") if one.role is Role.INFERENCE
    }
    assert told == spanned
    assert set(told) == {"req_mock_4e107bd4c7fd", "req_mock_980ce943f046"}
    (call,) = read_session(decoded("gemini-cli.session-chat.logs.json").logs)
    (span,) = decoded("gemini-cli.session-chat.traces.json").spans
    assert (call.trace_id, call.span_id) == (span.trace_id, span.span_id)
    assert all(one.native and one.from_session for one in (*logs, call))


def test_cc_switch_2384_codex_s_spans_are_no_calls_beside_its_logs() -> None:
    """Its counts stand on a span as well: that is a step, so that nobody adds it to the call that its logs tell."""
    assert [one for one in spans("codex.session-chat") if one.role is Role.INFERENCE] == []
    assert len(read_session(decoded("codex.session-chat.logs.pb").logs)) == 1
