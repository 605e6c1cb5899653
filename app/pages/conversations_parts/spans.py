"""The rows of a conversation's timeline: its calls, tools and, where an app sent them, its spans as a tree. Pure.

What has no span of its own is told by the turns: a tool's time is then what lies between two calls, and is marked as
inferred. Glue (HTTP, database and framework steps) is left out unless asked for; what hung under it hangs one higher.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from msgspec import Struct

from app.pages.conversations_parts import turn_words
from app.pages.conversations_parts.block import KINDS, Block
from app.pages.conversations_parts.branches import Step
from app.translation import Words, later, tr
from gateway import Thread, ToolCall, ToolCallResponse, Trace, TraceSpan, Turn

LOOKS: Mapping[str, tuple[str, str]] = {
    "conversation": ("messages-square", "border_strong"),
    "inference": ("bot", "0"),
    "embeddings": ("hash", "4"),
    "tool": ("wrench", "2"),
    "agent": ("users", "5"),
    "workflow": ("git-branch", "5"),
    "step": ("circle-dot", "other"),
    "side": ("circle-dot", "other"),
    "glue": ("link", "other"),
    "other": ("circle", "other"),
}
"""Icon and colour by role."""
ROLE_WORDS = Words(
    {
        "conversation": later("Conversation"),
        "inference": later("Model call"),
        "embeddings": later("Embeddings"),
        "tool": later("Tool call"),
        "agent": later("Agent"),
        "workflow": later("Workflow"),
        "step": later("Step"),
        "side": later("On the side"),
        "glue": later("In between"),
        "other": later("Other"),
    }
)


class SpanRow(Struct, frozen=True, kw_only=True):
    """`turn` is the call that it is or belongs to, `call` a tool call's id, `first_us` when its first token came."""

    key: str
    label: str
    role: str
    depth: int
    start_us: int
    end_us: int
    first_us: int | None = None
    turn: int | None = None
    call: str | None = None
    failed: bool = False
    inferred: bool = False
    span: TraceSpan | None = None


def rows_of(
    thread: Thread, steps: Sequence[Step], traces: Sequence[Trace] = (), *, glue: bool = False
) -> tuple[SpanRow, ...]:
    """The conversation first, then everything below it in order of time."""
    turns = [turn for step in steps for turn in (*step.attempts, step.turn)]
    spans = [span for trace in traces for span in trace.spans]
    told = {span.turn for span in spans if span.turn is not None and _shown(span, glue)}
    asides = {step.turn.n for step in steps if step.aside is not None}
    beside = [_turn_row(turn, 2 if turn.n in asides else 1) for turn in turns if turn.n not in told]
    beside += _tool_rows(thread, steps, [span for span in spans if span.role == "tool"])
    groups = [[row] for row in beside] + [_tree(trace, glue) for trace in traces]
    groups = sorted((group for group in groups if group), key=lambda group: group[0].start_us)
    below = [row for group in groups for row in group]
    if not below:
        return ()
    whole = SpanRow(
        key="conversation",
        label=tr("Conversation"),
        role="conversation",
        depth=0,
        start_us=min(row.start_us for row in below),
        end_us=max(row.end_us for row in below),
    )
    return (whole, *below)


def hidden_glue(traces: Sequence[Trace]) -> int:
    """How many spans "show all" would add."""
    return sum(not _shown(span, False) for trace in traces for span in trace.spans)


def tool_times(traces: Sequence[Trace]) -> dict[str, int]:
    """Durations in µs of tool runs by the id of their call."""
    found = {}
    for trace in traces:
        for span in trace.spans:
            call = call_of(span)
            if span.role == "tool" and call is not None:
                found[call] = span.duration_us
    return found


def call_of(span: TraceSpan) -> str | None:
    """The tool call that a span runs."""
    for name in ("gen_ai.tool.call.id", "tool_call.id", "ai.toolCall.id", "tool_call_id"):
        value = span.attributes.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def _shown(span: TraceSpan, glue: bool) -> bool:
    return glue or not (span.glue or span.role == "glue")


def _turn_row(turn: Turn, depth: int) -> SpanRow:
    return SpanRow(
        key=f"turn{turn.n}",
        label=turn_words.model(turn),
        role="inference",
        depth=depth,
        start_us=turn.started_us,
        end_us=turn.started_us + (turn.latency_us or 0),
        first_us=None if turn.ttft_us is None else turn.started_us + turn.ttft_us,
        turn=turn.n,
        failed=turn.outcome != "ok",
    )


def _tool_rows(thread: Thread, steps: Sequence[Step], spans: Sequence[TraceSpan]) -> list[SpanRow]:
    """Tools that calls asked for, but for those that a span tells: by its call, or where that is none of the
    thread's, as it ran between the same two."""
    ids = {part.id for message in thread.messages for part in message.parts if isinstance(part, ToolCall)}
    told = {call_of(span) for span in spans}
    ran = sorted(span.started_us for span in spans if call_of(span) is None or call_of(span) not in ids)
    turns = {turn.n: turn for turn in thread.turns}
    shown = {turn.n for step in steps for turn in (*step.attempts, step.turn)}
    calls: dict[str, list[tuple[ToolCall, int]]] = {}
    made = []
    for message in thread.messages:
        if message.turn not in shown or message.repeated:
            continue
        for place, part in enumerate(message.parts):
            if isinstance(part, ToolCall):
                calls.setdefault(part.id or part.name, []).append((part, message.turn))
            elif isinstance(part, ToolCallResponse) and (waiting := calls.get(part.id or part.name or "")):
                call, called_at = waiting.pop(0)
                called, answered = turns[called_at], turns[message.turn]
                start = called.started_us + (called.latency_us or 0)
                is_told = call.id in told or bisect_left(ran, start) < bisect_right(ran, answered.started_us)
                if answered.started_us >= start and not is_told:
                    made.append(
                        SpanRow(
                            key=f"tool{message.id}.{place}",
                            label=call.name,
                            role="tool",
                            depth=1,
                            start_us=start,
                            end_us=answered.started_us,
                            turn=called.n,
                            call=call.id,
                            failed=part.is_error,
                            inferred=True,
                        )
                    )
    return made


def _tree(trace: Trace, glue: bool) -> list[SpanRow]:
    by_id = {span.span_id: span for span in trace.spans}
    children: dict[str | None, list[TraceSpan]] = {}
    for span in trace.spans:
        if _shown(span, glue):
            children.setdefault(_visible_parent(span, by_id, glue), []).append(span)
    made: list[SpanRow] = []
    stack = [(span, 1) for span in _newest_first(children.get(None, ()))]
    seen: set[str] = set()
    while stack:
        span, depth = stack.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        made.append(_span_row(span, depth))
        stack += [(child, depth + 1) for child in _newest_first(children.get(span.span_id, ()))]
    # Parents that point at each other have no root: their spans are shown all the same.
    made += [_span_row(span, 1) for span in trace.spans if span.span_id not in seen and _shown(span, glue)]
    return made


def _newest_first(spans: Sequence[TraceSpan]) -> list[TraceSpan]:
    return sorted(spans, key=lambda span: span.started_us, reverse=True)


def _visible_parent(span: TraceSpan, by_id: Mapping[str, TraceSpan], glue: bool) -> str | None:
    parent = by_id.get(span.parent_span_id or "")
    for _ in range(len(by_id)):
        if parent is None or _shown(parent, glue):
            break
        parent = by_id.get(parent.parent_span_id or "")
    return None if parent is None else parent.span_id


def _span_row(span: TraceSpan, depth: int) -> SpanRow:
    return SpanRow(
        key=f"span{span.span_id}",
        label=span.name,
        role=span.role if span.role in LOOKS else "other",
        depth=depth,
        start_us=span.started_us,
        end_us=span.started_us + span.duration_us,
        turn=span.turn,
        call=call_of(span) if span.role == "tool" else None,
        failed=span.status.lower() == "error",
        span=span,
    )


def row_of(block: Block, rows: Sequence[SpanRow]) -> SpanRow | None:
    """The row that a block of the thread is told by: its tool's run, else its call."""
    if block.kind == "tool":
        calls = {part.id for part in block.parts if isinstance(part, ToolCall | ToolCallResponse)}
        found = next((row for row in rows if row.role == "tool" and row.call in calls), None)
        if found is not None:
            return found
    return next((row for row in rows if row.turn == block.turn and row.role == "inference"), None)


def block_of(row: SpanRow, blocks: Sequence[Block]) -> str | None:
    """The key of the block that a row leads to."""
    if row.role == "conversation":
        return blocks[0].key if blocks else None
    if row.call is not None:
        for block in blocks:
            parts = block.parts if block.kind == "tool" else ()
            if any(isinstance(part, ToolCall | ToolCallResponse) and part.id == row.call for part in parts):
                return block.key
    own = [block for block in blocks if block.turn == row.turn and KINDS[block.kind].card]
    told = [block for block in own if block.kind in ("assistant", "reasoning", "tool", "error", "waiting")]
    return next((block.key for block in told or own), None)
