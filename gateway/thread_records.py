"""Frozen rows of conversations and traces: what the read API and the window's Conversations page show.

A thread is a conversation with its content. Times are µs since the epoch in fields ending `_us`; durations too, where
the name says so. Money is whole nano-dollars. None is "unknown", never zero. Parts are those of `gateway.model`.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.model import HostedTool, Part, Role, Tool
from gateway.records import UsageQuery

THREAD_SORTS = ("newest", "oldest", "cost", "duration", "requests")
# Errors of a provider that was asked: it may have worked all the same, and bill it.
UNANSWERED = ("connection_lost", "timeout", "unreadable_answer")


def lacks_price(cost_nano: int | None, usage_source: str, outcome: str, error_type: str | None) -> bool:
    """Whether a call cost, or may have cost, what nobody knows; what used nothing (a refusal) lacks no price."""
    used = usage_source != "none" or outcome != "error" or error_type in UNANSWERED
    return cost_nano is None and used


class ThreadQuery(Struct, frozen=True, kw_only=True):
    """Which conversations. `key` is a key's name; `text` is searched in everything that was said, case folded.

    `among` narrows further, as the window's filters and the usage calls do: a conversation is in where one of its
    turns is; its times count beside `from_us` and `to_us`. `scope` is a key's id: only what was said with it.
    """

    from_us: int | None = None
    to_us: int | None = None
    text: str | None = None
    key: str | None = None
    user: str | None = None
    app: str | None = None
    client: str | None = None
    model: str | None = None
    provider: str | None = None
    tags: tuple[str, ...] = ()
    errors_only: bool = False
    among: UsageQuery = UsageQuery()
    scope: str | None = None
    sort: str = "newest"


class ThreadRow(Struct, frozen=True, kw_only=True):
    """One conversation in a list. `title` is the user's own, else its first user line, "" without content.

    `cost_nano` sums the priced turns, each counted once; `unpriced` counts the turns that lack a price.
    `usage_sources` and `cost_sources` are those of its turns.
    `ids` are others that it is known by: the one that was given, where its own is another, and those of sub-agents'
    runs within it; `sessions` are those in which it stands, where their ids are others. `sources` are those of its
    turns: gateway, span, log. `match` is a line around the text that was searched for.
    """

    id: str
    ids: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    title: str
    started_us: int
    ended_us: int
    requests: int
    errors: int = 0
    running: int = 0
    user: str | None = None
    app: str | None = None
    client: str | None = None
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano: int | None = None
    unpriced: int = 0
    usage_sources: tuple[str, ...] = ()
    cost_sources: tuple[str, ...] = ()
    duration_us: int = 0
    sources: tuple[str, ...] = ()
    match: str | None = None


class ThreadPage(Struct, frozen=True, kw_only=True):
    """`total` is None where counting them would cost a search of everything."""

    rows: tuple[ThreadRow, ...]
    next_cursor: str | None = None
    total: int | None = None


class ThreadMessage(Struct, frozen=True, kw_only=True):
    """One message, once. `turn` is the turn that said it first: its answer where `output`, else part of its question.

    `repeated` marks a message that the app sent again out of order; the viewer folds it. `choice` numbers several
    answers to one question. `bytes` is the size of its content.
    """

    id: int
    turn: int
    role: Role
    parts: tuple[Part, ...]
    output: bool = False
    choice: int = 0
    repeated: bool = False
    name: str | None = None
    bytes: int = 0
    finish_reason: str | None = None


class CacheMiss(Struct, frozen=True, kw_only=True):
    """Why a turn read less from the provider's prompt cache than the turn before had left there.

    `reason` is a word: changed, tools_moved, tools_changed, system_changed, expired, model_changed, unknown. `where`
    says in words which block is the first that differs. `lost_tokens` were paid in full again and cost `cost_nano`
    more than from the cache.
    """

    reason: str
    where: str
    lost_tokens: int
    cost_nano: int | None = None


class Figures(Struct, frozen=True, kw_only=True):
    """What one telling of a call says of it, where a call is told more than once."""

    source: str
    model: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_nano: int | None = None
    latency_us: int | None = None


class Turn(Struct, frozen=True, kw_only=True):
    """One call of a conversation. `n` counts from 0 in order of time; `parent` is the turn that it continues.

    A turn whose parent has another child begins a branch; `branch` is a word for why: edited, retry, sub_agent,
    parallel, side (a title or a summary, asked beside the conversation). `attempt_of` is the later turn that repeated
    this failed one. `usage_source` and `cost_source` as on rows. `system` and `tools` index the `systems` and
    `toolsets`. `joined` is how an app's span was matched: id, parent, nested, time; `inferred` where only time, key
    and user speak for it. `other_figures` where tellings differ. `shortened`: the app trimmed its history before this
    turn. `hints`: what is missing, and how to switch it on. `session_id` is that of the session that it was told to
    stand in.
    """

    n: int
    parent: int | None = None
    branch: str | None = None
    attempt_of: int | None = None
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    session_id: str | None = None
    sources: tuple[str, ...] = ("gateway",)
    door: str | None = None
    client: str | None = None
    agent: str | None = None
    provider: str | None = None
    model: str | None = None
    model_requested: str | None = None
    started_us: int = 0
    latency_us: int | None = None
    ttft_us: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_source: str = "none"
    cost_nano: int | None = None
    cost_source: str = "none"
    status: int = 0
    outcome: str = "ok"
    error_type: str | None = None
    error_message: str | None = None
    tags: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    adapted: tuple[str, ...] = ()
    system: int | None = None
    tools: int | None = None
    cache_miss: CacheMiss | None = None
    joined: str | None = None
    inferred: bool = False
    other_figures: tuple[Figures, ...] = ()
    shortened: bool = False
    hints: tuple[str, ...] = ()
    running: bool = False

    @property
    def unpriced(self) -> bool:
        """Whether it lacks a price; one that runs has none yet."""
        return not self.running and lacks_price(self.cost_nano, self.usage_source, self.outcome, self.error_type)


class Thread(Struct, frozen=True, kw_only=True):
    """A conversation, whole. `systems` are the different system instructions that its turns had, `toolsets` likewise.

    `messages` are in reading order: the newest branch's way from the root first to last, each message once; a message
    of another branch stands under the turn that said it.
    """

    row: ThreadRow
    turns: tuple[Turn, ...]
    messages: tuple[ThreadMessage, ...]
    systems: tuple[tuple[Part, ...], ...] = ()
    toolsets: tuple[tuple[Tool | HostedTool, ...], ...] = ()
    trace_ids: tuple[str, ...] = ()


class TraceSpan(Struct, frozen=True, kw_only=True):
    """`role` is that of `gateway.telemetry.observed.Role`; `turn` points into its conversation where it is a call.

    `glue` marks what a tree hides at first: HTTP, database and framework steps. `request_id` is the gateway's
    exchange. `events` are (name, started_us, attributes).
    """

    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    started_us: int
    duration_us: int
    status: str
    attributes: Mapping[str, Any] = {}
    events: tuple[tuple[str, int, Mapping[str, Any]], ...] = ()
    resource: Mapping[str, Any] = {}
    role: str = "other"
    glue: bool = False
    request_id: str | None = None
    conversation_id: str | None = None
    turn: int | None = None
    app: str | None = None
    source: str = "span"
    hints: tuple[str, ...] = ()


class LastTold(Struct, frozen=True, kw_only=True):
    """The span or log record of telemetry that was kept last, at `stored_us`. `name` is its own, "" without one,
    `app` the service that it names; `key_id` and `key` are those that it came with. `conversation_id` where its trace
    or its session is known to tell one."""

    name: str
    app: str | None = None
    key_id: str
    key: str
    stored_us: int
    conversation_id: str | None = None


class Trace(Struct, frozen=True, kw_only=True):
    """The spans of a trace in order of time. A span whose parent has not arrived keeps its `parent_span_id`."""

    trace_id: str
    spans: tuple[TraceSpan, ...]
    conversation_ids: tuple[str, ...] = ()
