"""Conversations for the window's tests: one that has everything, and as many plain ones as are wanted."""

import base64
import struct
import zlib
from collections.abc import Sequence

from gateway import (
    Blob,
    CacheMiss,
    Figures,
    File,
    HostedTool,
    Opaque,
    Part,
    Reasoning,
    Role,
    Text,
    Thread,
    ThreadMessage,
    ThreadPage,
    ThreadQuery,
    ThreadRow,
    Tool,
    ToolCall,
    ToolCallResponse,
    Trace,
    TraceSpan,
    Turn,
    Uri,
)

S = 1_000_000
FULL = "conv_full"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PYTHON = "def retry(clock, queue):\n    # The clock is handed in.\n    for attempt in range(3):\n        queue.put(clock.now())\n"
SYSTEM = (
    "You are a careful senior engineer working in the payments repository.\n"
    "Prefer the smallest change that fixes the cause.\n"
    "Run the tests before you say that you are done.\n"
    "Never touch the migrations."
)
ANSWER = (
    "The test and the worker disagree about time: the worker computes its back-off from the **wall clock**, while the "
    "test advances a fake one.\n\nI will inject the clock into `RetryWorker`:\n\n```python\n" + PYTHON + "```\n\n"
    "| case | before | after |\n|---|---|---|\n| first | 41 % | 0 % |\n\nSee [the guide](https://example.org/clock)."
)


def png(width: int = 96, height: int = 64) -> str:
    """A picture of one colour, as base64 text."""
    rows = b"".join(b"\x00" + b"\x3b\x5b\xdb" * width for _ in range(height))

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(whole).decode()


TOOLS = (
    Tool(
        name="read_file",
        description="Read lines of a file.",
        parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    ),
    Tool(name="run_tests", description="Run the tests.", parameters={"type": "object", "properties": {}}),
    HostedTool("anthropic", "web_search", {"type": "web_search_20250305", "max_uses": 3}),
)


def turn(n: int, start_us: int, seconds: float, **fields: object) -> Turn:
    given: dict[str, object] = {
        "parent": n - 1 if n else None,
        "request_id": f"req_{n:04d}",
        "trace_id": TRACE,
        "span_id": f"{n + 1:016x}",
        "provider": "anthropic",
        "model": "claude-sonnet-4.5",
        "model_requested": "claude-sonnet-4.5",
        "latency_us": int(seconds * S),
        "ttft_us": int(seconds * S * 0.2),
        "input_tokens": 4_000 + 1_200 * n,
        "cached_tokens": 3_000 + 900 * n,
        "output_tokens": 420,
        "usage_source": "provider",
        "cost_nano": 30_000_000 + 1_000_000 * n,
        "cost_source": "list",
        "status": 200,
        "system": 0,
        "tools": 0,
        "door": "anthropic",
        "client": "Claude Code",
    }
    return Turn(n=n, started_us=start_us, **{**given, **fields})  # type: ignore[arg-type]


class _Messages:
    def __init__(self) -> None:
        self.made: list[ThreadMessage] = []

    def add(self, turn: int, role: Role, *parts: Part, **fields: object) -> None:
        self.made.append(
            ThreadMessage(id=len(self.made) + 1, turn=turn, role=role, parts=parts, **fields)  # type: ignore[arg-type]
        )

    def asked(self, turn: int, *parts: Part, **fields: object) -> None:
        self.add(turn, Role.USER, *parts, **fields)

    def result(self, turn: int, id: str, name: str, text: str, **fields: object) -> None:
        self.add(turn, Role.TOOL, ToolCallResponse(id, (Text(text),), name=name, **fields))  # type: ignore[arg-type]

    def answered(self, turn: int, *parts: Part, **fields: object) -> None:
        self.add(turn, Role.ASSISTANT, *parts, output=True, **fields)


def full_thread(now_us: int) -> Thread:
    """Everything that a conversation can hold: tools, reasoning, a picture, a retry, a branch, a sub-agent, an error."""
    start = now_us - 3600 * S
    listing = "\n".join(f"{line:3d}  assert queue.pop() == {line}" for line in range(40, 97))
    m = _Messages()
    m.asked(0, Text("The webhook test `test_retry_is_idempotent` fails about one run in ten on CI. Find out why."))
    m.asked(0, Blob("image/png", png(), filename="ci.png"), Uri("https://example.org/log.txt", "document"))
    m.answered(
        0,
        Reasoning("The failure is intermittent, so timing or shared state.\nI should read the fixture first."),
        Text("I will look at the test first."),
        ToolCall("call_1", "read_file", '{"path":"tests/webhooks/test_retry.py","lines":[40,96]}'),
    )
    m.result(1, "call_1", "read_file", listing)
    m.answered(1, Reasoning(""), ToolCall("call_2", "run_tests", '{"count": 50}'))
    m.result(2, "call_2", "run_tests", "FAILED: could not start", is_error=True)
    m.answered(3, Text(ANSWER))
    m.asked(4, Text("Write it as a fixture instead."))
    m.answered(4, Text("A fixture hides it."), finish_reason="length")
    m.asked(5, Text("Ask a colleague for a review."), File("file_8", filename="diff.patch"))
    m.answered(5, ToolCall("call_3", "agent", '{"task":"review"}'))
    m.asked(6, Text("You review changes. Review this one."))
    m.answered(6, Text("Fine, but name the clock."))
    m.result(7, "call_3", "agent", '{"verdict":"fine","remarks":[{"line":3,"text":"name the clock"}]}')
    m.answered(7, Text("Done: reviewed and renamed."), Opaque("anthropic", {"type": "server_block", "id": "x"}))
    turns = (
        turn(0, start, 6.2, reasoning_tokens=412, sources=("gateway", "span"), joined="id"),
        turn(1, start + 7 * S, 9.4),
        turn(
            2,
            start + 25 * S,
            0.3,
            outcome="error",
            status=429,
            error_type="rate_limited",
            error_message="Anthropic answered 429, too many requests; try again in 7 s.",
            attempt_of=3,
            cost_nano=None,
            cost_source="none",
            usage_source="none",
            output_tokens=None,
            ttft_us=None,
        ),
        turn(
            3,
            start + 33 * S,
            4.9,
            parent=1,
            dropped=("top_k",),
            adapted=("system: moved to the front",),
            cache_miss=CacheMiss(
                reason="tools_moved", where="tool 2, run_tests", lost_tokens=5_200, cost_nano=14_040_000
            ),
            other_figures=(Figures(source="span", input_tokens=7_000, output_tokens=420),),
        ),
        turn(4, start + 60 * S, 3.0, parent=3, cost_source="list", usage_source="partial"),
        turn(5, start + 1500 * S, 5.0, parent=3, branch="edited", provider="openai", model="gpt-5.1", inferred=True),
        turn(6, start + 1508 * S, 2.0, parent=5, branch="sub_agent", agent="reviewer", system=1, tools=None),
        turn(
            7,
            start + 1512 * S,
            4.1,
            parent=5,
            provider="openai",
            model="gpt-5.1",
            shortened=True,
            hints=("Reasoning text is not sent by this library: set OTEL_CAPTURE_REASONING=true.",),
        ),
    )
    row = ThreadRow(
        id=FULL,
        title="Fix flaky payment webhook test",
        started_us=start,
        ended_us=start + 1517 * S,
        requests=8,
        errors=1,
        user="ana",
        app="payments",
        client="Claude Code",
        models=("claude-sonnet-4.5", "gpt-5.1"),
        providers=("anthropic", "openai"),
        tags=("team:platform", "env:dev"),
        input_tokens=56_000,
        output_tokens=2_940,
        cost_nano=sum(each.cost_nano or 0 for each in turns),
        cost_sources=("list",),
        duration_us=1517 * S,
        sources=("gateway", "span"),
    )
    systems = ((Text(SYSTEM),), (Text("You review changes."),))
    return Thread(
        row=row, turns=turns, messages=tuple(m.made), systems=systems, toolsets=(TOOLS,), trace_ids=(TRACE,)
    )


def trace_of(thread: Thread) -> Trace:
    """The app's spans of a thread: a workflow, a tool, an HTTP step, and a call of the thread."""
    start = thread.turns[0].started_us

    def span(id: str, parent: str | None, name: str, at_s: float, took_s: float, **fields: object) -> TraceSpan:
        begin, took = start + int(at_s * S), int(took_s * S)
        given = {"kind": "internal", "status": "ok", **fields}
        return TraceSpan(
            span_id=id,
            parent_span_id=parent,
            name=name,
            started_us=begin,
            duration_us=took,
            **given,  # type: ignore[arg-type]
        )

    call = {"role": "inference", "turn": 0, "conversation_id": thread.row.id, "kind": "client"}
    return Trace(
        trace_id=TRACE,
        spans=(
            span("a1", None, "fix_test", -0.1, 17, role="workflow", app="payments"),
            span("a2", "a1", "HTTP POST", 0, 6.2, glue=True, role="glue"),
            span("a3", "a2", "chat claude-sonnet-4.5", 0, 6.2, attributes={"gen_ai.system": "anthropic"}, **call),
            span(
                "a4",
                "a1",
                "execute_tool read_file",
                6.3,
                0.18,
                role="tool",
                attributes={"gen_ai.tool.call.id": "call_1", "gen_ai.tool.name": "read_file"},
                resource={"service.name": "payments"},
            ),
            span("a5", "gone", "late", 20, 1, status="error"),
        ),
        conversation_ids=(thread.row.id,),
    )


def plain_thread(number: int, now_us: int, turns: int = 2) -> Thread:
    """A short conversation about its number."""
    start = now_us - (number + 2) * 600 * S
    m = _Messages()
    made = []
    for n in range(turns):
        m.asked(n, Text(f"Question {n} of conversation {number}"))
        m.answered(n, Text(f"Answer {n} about topic{number % 7}."))
        made.append(turn(n, start + n * 9 * S, 2.0, request_id=f"plain_{number}_{n}"))
    row = ThreadRow(
        id=f"conv_{number:04d}",
        title=f"Question 0 of conversation {number}",
        started_us=start,
        ended_us=start + turns * 9 * S,
        requests=turns,
        models=("claude-sonnet-4.5",),
        providers=("anthropic",),
        input_tokens=9_000,
        output_tokens=840,
        cost_nano=sum(each.cost_nano or 0 for each in made) + number * 1_000,
        cost_sources=("list",),
        duration_us=(turns - 1) * 9 * S,
        sources=("gateway",),
    )
    return Thread(row=row, turns=tuple(made), messages=tuple(m.made))


def long_thread(now_us: int, messages: int = 2_000, characters: int = 5_000_000) -> Thread:
    """Of so many messages with so much text: prose, code, and tool results."""
    each = characters // messages
    sentence = "The worker computes its back-off from the **wall clock**, and `clock.now()` is what the test fakes. "
    m = _Messages()
    start = now_us - 40_000 * S
    turns = []
    for n in range(messages // 4):
        body = "\n\n".join(sentence * 4 for _ in range(max(1, each // (4 * len(sentence)))))
        result = "\n".join(f"{line:5d}  value = compute({line})" for line in range(each // 29))
        code = (
            "```python\n"
            + "\n".join(f"value_{line} = {line}  # note" for line in range(max(3, each // 60)))
            + "\n```"
        )
        m.result(n, f"call_{n - 1}", "read_file", result) if n else m.asked(n, Text(body))
        m.asked(n, Text(f"Go on, step {n}.\n\n{body}"))
        m.answered(n, Text(f"{body[: each // 2]}\n\n{code}"), ToolCall(f"call_{n}", "read_file", f'{{"step":{n}}}'))
        m.asked(n, Text(f"Remember {n}: {body}"))
        turns.append(turn(n, start + n * 20 * S, 6.0))
    row = ThreadRow(
        id="conv_long",
        title="A long day",
        started_us=start,
        ended_us=start + len(turns) * 20 * S,
        requests=len(turns),
        models=("claude-sonnet-4.5",),
        input_tokens=10**7,
        output_tokens=10**5,
        cost_nano=10**10,
        sources=("gateway",),
    )
    return Thread(row=row, turns=tuple(turns), messages=tuple(m.made), systems=((Text(SYSTEM),),), toolsets=(TOOLS,))


def said(thread: Thread) -> str:
    return "\n".join(
        part.text for message in thread.messages for part in message.parts if isinstance(part, Text | Reasoning)
    )


def page_of(threads: Sequence[Thread], query: ThreadQuery, limit: int, cursor: str | None) -> ThreadPage:
    """What the store answers: those that match, in order, a page of them."""
    among = query.among
    found = []
    for thread in threads:
        row, words = thread.row, (query.text or "").casefold()
        if among.start_us is not None and row.ended_us < among.start_us:
            continue
        if among.end_us is not None and row.started_us >= among.end_us:
            continue
        if among.conversation and not {row.id, *row.ids}.intersection(among.conversation):
            continue
        if among.user and row.user not in among.user:
            continue
        if among.app and row.app not in among.app:
            continue
        if among.model and not set(among.model) & set(row.models):
            continue
        if not all(any(tag in row.tags for tag in each.any_of) != each.negated for each in among.tags):
            continue
        if words and words not in f"{said(thread)} {row.title}".casefold():
            continue
        found.append(row)
    keys = {
        "newest": lambda row: -row.ended_us,
        "oldest": lambda row: row.ended_us,
        "cost": lambda row: -(row.cost_nano or 0),
        "duration": lambda row: -row.duration_us,
        "requests": lambda row: -row.requests,
    }
    found.sort(key=keys[query.sort])
    first = int(cursor) if cursor is not None else 0
    last = first + limit
    return ThreadPage(
        rows=tuple(found[first:last]),
        next_cursor=str(last) if last < len(found) else None,
        total=None if query.text else len(found),
    )
