"""The assembler: what a stream said, whole, cut or interleaved."""

import pytest

from gateway.events import (
    Assembler,
    Delta,
    Event,
    Finish,
    PartEnd,
    PartStart,
    Start,
    StreamError,
    UsageReport,
    merge_extra,
    merge_usage,
)
from gateway.model import (
    Blob,
    Choice,
    Extra,
    FinishReason,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    Usage,
)


def assembled(*events: Event) -> Assembler:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler


def test_a_whole_answer() -> None:
    assembler = assembled(
        Start("r1", "m", 7, {"x": {"a": 1}}),
        PartStart(0, "reasoning"),
        Delta(0, "hm"),
        PartEnd(0, {"anthropic": {"signature": "s"}}),
        PartStart(1, "text"),
        Delta(1, "Hal"),
        Delta(1, "lo"),
        PartEnd(1),
        Finish(FinishReason.STOP, stop_sequence="END", logprobs=[1], extra={"x": {"b": 2}}),
        UsageReport(Usage(input_tokens=1, output_tokens=2)),
    )
    assert assembler.finished and assembler.usage_final and assembler.error is None
    assert assembler.response() == Response(
        id="r1",
        model="m",
        created=7,
        choices=(
            Choice(
                parts=(Reasoning("hm", {"anthropic": {"signature": "s"}}), Text("Hallo")),
                finish_reason=FinishReason.STOP,
                stop_sequence="END",
                logprobs=[1],
                extra={"x": {"b": 2}},
            ),
        ),
        usage=Usage(input_tokens=1, output_tokens=2),
        extra={"x": {"a": 1}},
    )


BLOB, OPAQUE = Blob("image/png", "AA=="), Opaque("anthropic", {"type": "server_tool_use"})


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (PartStart(3, "text"), Text("ab")),
        (PartStart(3, "refusal"), Refusal("ab")),
        (PartStart(3, "reasoning", extra={"d": {"k": 1}}), Reasoning("ab", {"d": {"k": 1}})),
        (PartStart(3, "tool_call", call_id="c", name="f"), ToolCall("c", "f", "ab")),
        (PartStart(3, "tool_call", call_id="c", name="f", custom=True), ToolCall("c", "f", "ab", True)),
        (PartStart(3, "blob", value=BLOB), BLOB),
        (PartStart(3, "opaque", value=OPAQUE), OPAQUE),
    ],
)
def test_each_kind_of_part(start: PartStart, part: Part) -> None:
    assert assembled(start, Delta(3, "a"), Delta(3, "b")).response().choices[0].parts == (part,)


def test_interleaved_calls_and_choices_stay_apart() -> None:
    """maximhq/bifrost#3441."""
    assembler = assembled(
        PartStart(0, "tool_call", 0, "a", "f"),
        PartStart(1, "tool_call", 0, "b", "g"),
        PartStart(2, "text", 1),
        Delta(0, "{"),
        Delta(1, "["),
        Delta(2, "x"),
        Delta(0, "}"),
        Delta(1, "]"),
        Finish(FinishReason.TOOL_CALLS, 0),
    )
    first, second = assembler.response().choices
    assert first.parts == (ToolCall("a", "f", "{}"), ToolCall("b", "g", "[]"))
    assert (second.index, second.parts, second.finish_reason) == (1, (Text("x"),), None)


def test_what_was_said_before_a_cut_is_there() -> None:
    assembler = assembled(PartStart(0, "text"), Delta(0, "Grü"), StreamError("cut", "connection_lost"))
    assert not assembler.finished
    assert assembler.error == StreamError("cut", "connection_lost")
    assert assembler.response().choices[0].parts == (Text("Grü"),)
    assert assembler.output_bytes() == 4


def test_nothing_at_all() -> None:
    assert Assembler().response() == Response()
    assert Assembler().output_bytes() == 0


@pytest.mark.parametrize(
    ("reports", "merged", "final"),
    [
        ([UsageReport(Usage(input_tokens=5), False)], Usage(input_tokens=5), False),
        (
            [UsageReport(Usage(input_tokens=5, output_tokens=1), False), UsageReport(Usage(output_tokens=9))],
            Usage(input_tokens=5, output_tokens=9),
            True,
        ),
        (
            [UsageReport(Usage(output_tokens=5)), UsageReport(Usage(input_tokens=0, cached_tokens=0), False)],
            Usage(input_tokens=0, cached_tokens=0, output_tokens=5),
            True,
        ),
        (
            [
                UsageReport(Usage(input_tokens=5, cached_tokens=2)),
                UsageReport(Usage(input_tokens=0, cached_tokens=0)),
            ],
            Usage(input_tokens=5, cached_tokens=2),
            True,
        ),
    ],
    ids=[
        "early only",
        "later known fields replace",
        "a zero that was said counts (BerriAI/litellm#37992)",
        "a zero takes nothing back",
    ],
)
def test_usage_reports_are_cumulative(reports: list[UsageReport], merged: Usage, final: bool) -> None:
    assembler = assembled(*reports)
    assert (assembler.usage, assembler.usage_final) == (merged, final)


def test_usage_into_nothing() -> None:
    assert merge_usage(None, Usage(input_tokens=1)) == Usage(input_tokens=1)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({}, {}, {}),
        ({"a": {"x": 1}}, {}, {"a": {"x": 1}}),
        ({}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": {"x": 1, "y": 1}, "b": {"z": 1}}, {"a": {"x": 2}}, {"a": {"x": 2, "y": 1}, "b": {"z": 1}}),
    ],
)
def test_merging_side_pockets(one: Extra, other: Extra, both: Extra) -> None:
    assert merge_extra(one, other) == both
