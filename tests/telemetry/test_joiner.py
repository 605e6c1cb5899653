"""Telemetry and exchanges on a real store, in any order of arrival: what comes of them is the same."""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import ANY

import pytest
from msgspec.structs import replace

from gateway.keys.access import Principal
from gateway.prices.pricing import NO_PRICE
from gateway.relaying.exchange import Exchange
from gateway.store.spans import session_name
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.frames import RUN_ALONE
from gateway.telemetry.joiner import JoinedTelemetry, Joiner
from gateway.telemetry.one_join import Kind
from gateway.telemetry.records import Batch, LogRecord, Scope, Span
from gateway.thread_records import ThreadQuery
from gateway.told import Told
from tests.store.tellings import START_US, opened, put, told, user
from tests.waiting import wait_until

SCOPE, KEY = "key_1", "laptop"
MODEL = "claude-sonnet-4-6"
MS = 1_000_000
# What arrives: a span of a call, a tool's log record, or an exchange that has ended.
Arrival = Span | LogRecord | Told


def span(name: str, start: int, end: int, **attributes: Any) -> Span:
    """A call's span in a trace of its own, from `start` to `end`, in ms; `ask` is what it says was asked."""
    asked = attributes.pop("ask", None)
    said = {"gen_ai.input.messages": f'[{{"role":"user","parts":[{{"type":"text","content":"{asked}"}}]}}]'}
    return Span(
        trace_id=f"{name:0>32}",
        span_id=f"{name:0>16}",
        parent_span_id=attributes.pop("parent", None),
        name=f"chat {MODEL}",
        start_ns=START_US * 1000 + start * MS,
        end_ns=START_US * 1000 + end * MS,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": MODEL,
            **(said if asked else {}),
            **attributes,
        },
        resource={"service.name": f"app-{name}"},
    )


def record(name: str, start: int, end: int, *, ids: bool = True) -> LogRecord:
    """What Claude Code logs of a call after its end; it knows the request's id of the answer's headers."""
    return LogRecord(
        time_ns=START_US * 1000 + end * MS,
        event_name="api_request",
        attributes={
            "session.id": "session-of-the-tool",
            "model": MODEL,
            "input_tokens": 7,
            "output_tokens": 1,
            "duration_ms": end - start,
            **({"request_id": f"req_{name}"} if ids else {}),
        },
        resource={"service.name": "claude-code"},
        scope=Scope("com.anthropic.claude_code.events"),
    )


def exchange(name: str, start: int, end: int, **fields: Any) -> Told:
    """An exchange from `start` to `end`, in ms."""
    return replace(
        told(start / 1000, [user(fields.pop("ask", f"{name}?"))], f"Of {name}.", **fields),
        request_id=f"req_{name}",
        latency_us=(end - start) * 1000,
        response_id=f"msg_{name}",
    )


class Joined:
    """A store with a joiner, and what the joiner told of rows."""

    def __init__(self, store: ThreadStore) -> None:
        self.store = store
        self.apps: dict[str, str | None] = {}
        self.joiner = self.begin()

    def begin(self) -> Joiner:
        def app(request_id: str, name: str) -> None:
            self.apps[request_id] = name

        def detached(request_id: str, alone: bool) -> None:
            self.apps.pop(request_id)

        return Joiner(self.store, lambda *_: NO_PRICE, app, detached, quiet_s=0.0)

    def arrive(self, arrival: Arrival) -> None:
        if isinstance(arrival, LogRecord):
            self.store.put_logs([arrival], scope=SCOPE, key=KEY)
            name = session_name(arrival)
            assert name is not None
            self.joiner.note((name,), SCOPE, KEY, Kind.SESSION)
        elif isinstance(arrival, Span):
            self.store.put_spans([arrival], scope=SCOPE, key=KEY)
            self.joiner.note((arrival.trace_id,), SCOPE, KEY)
        else:
            assert self.store.put(arrival) and self.store.flush()
            if arrival.trace_id:
                self.joiner.note((arrival.trace_id,), SCOPE, KEY)
            assert arrival.request_id
            self.joiner.note((arrival.request_id,), SCOPE, KEY, Kind.EXCHANGE)
        assert self.joiner.flush(60)

    def result(self) -> set[tuple[Any, ...]]:
        """Conversations as readers see them, with their calls."""
        found = set()
        for row in self.store.threads(ThreadQuery(), limit=500).rows:
            thread = self.store.thread(row.id)
            assert thread is not None
            calls = frozenset(
                (
                    *(
                        turn.request_id or turn.span_id,
                        turn.joined,
                        turn.inferred,
                        turn.cost_nano,
                    ),
                    frozenset((each.source, each.latency_us) for each in turn.other_figures),
                )
                for turn in thread.turns
            )
            found.add((row.id, row.title, row.app, row.requests, row.input_tokens, row.cost_nano, calls))
        return found

    def calls(self) -> "Calls":
        found: Calls = {}
        for row in self.store.threads(ThreadQuery(), limit=500).rows:
            thread = self.store.thread(row.id)
            if thread is None:
                # It became one with another meanwhile.
                continue
            found |= {turn.request_id or turn.span_id or "": (turn.joined, row.id) for turn in thread.turns}
        return found


@contextmanager
def joining(folder: Path) -> Iterator[Joined]:
    folder.mkdir()
    with opened(folder) as store:
        joined = Joined(store)
        yield joined
        joined.joiner.close()


# By request, or span where there is none: how it was joined, and its conversation.
Calls = dict[str, tuple[str | None, str]]


def in_any_order(folder: Path, arrivals: Sequence[Arrival], orders: int = 4) -> tuple[Calls, dict[str, str | None]]:
    """The calls, and the apps of rows, that come of these: the same however they come, one of them twice."""
    draw, results = random.Random(len(arrivals)), []
    for number in range(orders):
        shuffled = list(arrivals) if number < 2 else draw.sample(arrivals, len(arrivals))
        if number == 1:
            shuffled.reverse()
        with joining(folder / str(number)) as joined:
            for arrival in (*shuffled, draw.choice(shuffled)):
                joined.arrive(arrival)
            results.append((joined.result(), joined.apps, joined.calls()))
        assert results[-1] == results[0], shuffled
    return results[0][2], results[0][1]


def found(folder: Path, *arrivals: Arrival) -> dict[str, str | None]:
    """How each call was joined, by its request or span; the same in any order."""
    calls, _ = in_any_order(folder, arrivals)
    return {name: word for name, (word, _) in calls.items()}


def test_a_join_by_time_that_became_ambiguous_is_taken_back(tmp_path: Path) -> None:
    # A second exchange, and a second span, that might as well be meant.
    assert found(tmp_path, span("a", 0, 100), exchange("x", 10, 40), exchange("y", 50, 90)) == {
        f"{'a':0>16}": None,
        "req_x": None,
        "req_y": None,
    }


def test_a_second_span_of_the_same_time_parts_the_first_from_its_exchange(tmp_path: Path) -> None:
    result = found(tmp_path, span("a", 0, 100), span("b", 0, 100), exchange("x", 10, 40))
    assert result == {f"{'a':0>16}": None, f"{'b':0>16}": None, "req_x": None}


def test_a_record_without_ids_leaves_its_exchange_when_another_may_be_meant(tmp_path: Path) -> None:
    session, call = "session-of-the-tool", record("r", 0, 70, ids=False)
    calls, apps = in_any_order(tmp_path, (call, exchange("x", 10, 40)))
    assert calls == {"req_x": ("time", session)} and apps == {"req_x": "claude-code"}
    again = tmp_path / "again"
    again.mkdir()
    calls, apps = in_any_order(again, (call, exchange("x", 10, 40), exchange("y", 45, 65)), orders=6)
    assert {calls[name][0] for name in ("req_x", "req_y")} == {None} and len(calls) == 3 and apps == {}
    assert session not in {calls[name][1] for name in ("req_x", "req_y")}


def test_what_an_id_decides_leaves_the_rest_to_time(tmp_path: Path) -> None:
    by_id = {"gen_ai.response.id": "msg_y"}
    arrivals = (span("a", 0, 100), span("b", 0, 100, **by_id), exchange("x", 10, 40), exchange("y", 50, 90))
    assert found(tmp_path, *arrivals) == {"req_x": "time", "req_y": "id"}


def test_traces_that_have_one_call_in_common_tell_of_the_others_each_by_itself(tmp_path: Path) -> None:
    both = [span(name, 100, 200, **{"gen_ai.response.id": "msg_1"}) for name in "12"]
    beside = replace(span("3", 300, 400, **{"gen_ai.response.id": "msg_2"}), trace_id=both[1].trace_id)
    assert found(tmp_path, exchange("1", 110, 190), exchange("2", 310, 390), *both, beside) == {
        "req_1": "id",
        "req_2": "id",
    }


def test_a_conversation_that_telemetry_named_is_left_again(tmp_path: Path) -> None:
    named = {"gen_ai.conversation.id": "of-the-app"}
    arrivals = (
        span("a", 0, 100, ask="x?", **named),
        exchange("x", 10, 40),
        exchange("y", 50, 90),
    )
    calls, apps = in_any_order(tmp_path, arrivals)
    assert calls[f"{'a':0>16}"] == (None, "of-the-app")
    assert calls["req_x"][0] is None and calls["req_x"][1].startswith("conv_")
    assert calls["req_y"][1] != calls["req_x"][1] and apps == {}


def test_a_conversation_is_named_by_its_only_candidate(tmp_path: Path) -> None:
    named = {"gen_ai.conversation.id": "of-the-app"}
    calls, apps = in_any_order(tmp_path, (span("a", 0, 100, ask="x?", **named), exchange("x", 10, 40)))
    assert calls == {"req_x": ("time", "of-the-app")} and apps == {"req_x": "app-a"}


def test_a_title_of_the_users_own_goes_along_where_telemetry_names_the_conversation(tmp_path: Path) -> None:
    with joining(tmp_path / "folder") as joined:
        joined.arrive(exchange("x", 10, 40))
        (row,) = joined.store.threads(ThreadQuery()).rows
        assert row.title == "x?" and joined.store.rename_thread(row.id, "Mine")
        joined.arrive(span("a", 0, 100, ask="x?", **{"gen_ai.conversation.id": "of-the-app"}))
        (row,) = joined.store.threads(ThreadQuery()).rows
        assert (row.id, row.title) == ("of-the-app", "Mine")
        assert joined.store.rename_thread("of-the-app", None)
        (row,) = joined.store.threads(ThreadQuery()).rows
        assert row.title == "x?"


def sessions(folder: Path, *arrivals: Arrival) -> dict[str, tuple[str, ...]]:
    """By conversation, the sessions that it stands in: the same in any order."""
    results = []
    for number, order in enumerate((arrivals, arrivals[::-1])):
        with joining(folder / str(number)) as joined:
            for arrival in order:
                joined.arrive(arrival)
            results.append({row.id: row.sessions for row in joined.store.threads(ThreadQuery()).rows})
    assert results[0] == results[1]
    return results[0]


def test_the_session_of_an_app_is_kept_beside_the_conversations_id(tmp_path: Path) -> None:
    def folder(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    both = {"gen_ai.conversation.id": "thread", "session.id": "visit"}
    assert sessions(folder("span"), span("a", 0, 100, ask="x?", **both)) == {"thread": ("visit",)}
    assert sessions(folder("alone"), span("a", 0, 100, ask="x?", **{"session.id": "visit"})) == {"visit": ()}
    above = replace(span("a", 0, 200), span_id="f" * 16, name="invoke_agent a", attributes={"session.id": "visit"})
    below = span("a", 10, 100, ask="x?", parent="f" * 16, **{"gen_ai.conversation.id": "thread"})
    assert sessions(folder("above"), above, below) == {"thread": ("visit",)}
    around = replace(
        span("a", 0, 100, ask="x?", **{"gen_ai.conversation.id": "thread"}),
        resource={"service.name": "app", "langsmith.metadata.session_id": "visit"},
    )
    assert sessions(folder("resource"), around) == {"thread": ("visit",)}
    no_session = {"gen_ai.conversation.id": "thread", "langsmith.metadata.thread_id": "no session"}
    assert sessions(folder("thread"), span("a", 0, 100, ask="x?", **no_session)) == {"thread": ()}
    call = exchange("x", 10, 40)
    assert sessions(folder("exchange"), span("a", 0, 100, **both), call) == {"thread": ("visit",)}
    # The caller gave the conversation's id, its telemetry only that of a session.
    given = exchange("x", 10, 40, conversation="given")
    assert sessions(folder("given"), span("a", 0, 100, **{"session.id": "visit"}), given) == {"given": ("visit",)}


def test_a_session_that_a_join_told_is_taken_back_with_it(tmp_path: Path) -> None:
    calls = [exchange(name, at, at + 30, conversation=name, session_id="own") for name, at in (("x", 10), ("y", 50))]
    found = sessions(tmp_path, span("a", 0, 100, ask="other?", **{"session.id": "visit"}), *calls)
    assert found == {"x": ("own",), "y": ("own",), "visit": ()}


def test_whose_the_key_is_says_nothing_of_the_end_user(tmp_path: Path) -> None:
    alice = {"user.id": "alice"}
    for name, users, word in (
        # An app's key belongs to its team, and the app asks for anybody.
        ("team", {"user": "team", "principal": "team"}, "time"),
        ("end user", {"user": "alice", "principal": "team"}, "time"),
        ("owner", {"user": "bob", "principal": "alice"}, "time"),
        ("another", {"user": "bob", "principal": "team"}, None),
        ("nobody", {"user": None, "principal": None}, "time"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        assert found(folder, span("a", 0, 100, **alice), exchange("x", 10, 40, **users))["req_x"] == word, name


@pytest.mark.parametrize("seed", range(4))
def test_totals_are_the_same_in_any_order_of_arrival(tmp_path: Path, seed: int) -> None:
    """Calls at once and one after another, with ids and without, of spans that come, and of some that never do."""
    draw = random.Random(seed)
    arrivals: list[Arrival] = []
    for number in range(5):
        start = draw.randrange(0, 400)
        end = start + draw.randrange(40, 200)
        name = f"{number + 1:x}"
        arrivals.append(exchange(name, start + 5, end - 5, ask=draw.choice(("Same?", f"{name}?"))))
        if draw.random() < 0.8:
            ids = {"gen_ai.response.id": f"msg_{name}"} if draw.random() < 0.4 else {}
            arrivals.append(span(name, start, end, **ids))
    in_any_order(tmp_path, arrivals, orders=3)
    exchanges = [each for each in arrivals if isinstance(each, Told)]
    with joining(tmp_path / "again") as joined:
        for arrival in arrivals:
            joined.arrive(arrival)
        calls = joined.calls()
        assert {name for name in calls if name.startswith("req_")} == {each.request_id for each in exchanges}


def test_cc_switch_2384_gateway_span_and_log_of_one_call_count_once_in_any_order(tmp_path: Path) -> None:
    ids = {"gen_ai.response.id": "msg_x"}
    arrivals = (exchange("x", 10, 90), span("a", 0, 100, **ids), record("x", 5, 95))
    calls, _ = in_any_order(tmp_path, (*arrivals, exchange("y", 500, 600)))
    assert calls["req_x"] == ("id", "session-of-the-tool") and set(calls) == {"req_x", "req_y"}


def test_ccusage_866_counts_of_logs_and_spans_are_the_senders_word(tmp_path: Path) -> None:
    usage = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2}
    for number, (arrival, source) in enumerate(
        (
            (exchange("x", 10, 90), "provider"),
            (span("a", 0, 100, **usage), "reported"),
            (record("x", 5, 95), "reported"),
        )
    ):
        with joining(tmp_path / str(number)) as joined:
            joined.arrive(arrival)
            (row,) = joined.store.threads(ThreadQuery()).rows
            thread = joined.store.thread(row.id)
            assert thread is not None and row.input_tokens is not None
            assert [turn.usage_source for turn in thread.turns] == [source]


def test_a_run_without_its_calls_is_what_is_known_and_with_them_it_is_none(tmp_path: Path) -> None:
    said = [
        {"role": role, "parts": [{"type": "text", "content": text}]}
        for role, text in (("user", "Run?"), ("assistant", "First."), ("user", "More?"), ("assistant", "Done."))
    ]

    def run(name: str, parent: str | None = None) -> Span:
        return Span(
            trace_id=f"{'a':0>32}",
            span_id=f"{name:0>16}",
            parent_span_id=parent and f"{parent:0>16}",
            name="invoke_agent helper",
            start_ns=START_US * 1000,
            end_ns=START_US * 1000 + 500 * MS,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "helper",
                "pydantic_ai.all_messages": json.dumps(said),
                "gen_ai.usage.input_tokens": 900,
            },
            scope=Scope("pydantic-ai"),
        )

    outer, inner = run("1"), run("2", "1")
    call = replace(span("a", 10, 90, ask="Run?"), span_id=f"{'3':0>16}", parent_span_id=inner.span_id)
    (tmp_path / "alone").mkdir()
    assert found(tmp_path / "alone", outer, inner) == {outer.span_id: None}
    (tmp_path / "beside").mkdir()
    assert found(tmp_path / "beside", outer, inner, call) == {call.span_id: None}
    with joining(tmp_path / "read") as joined:
        joined.arrive(outer)
        (row,) = joined.store.threads(ThreadQuery()).rows
        thread = joined.store.thread(row.id)
        assert thread is not None and row.title == "Run?" and row.input_tokens is None
        assert [message.role for message in thread.messages] == ["user", "assistant"] * 2
        assert RUN_ALONE in thread.turns[0].hints


def test_a_run_that_the_gateway_saw_the_call_of_adds_nothing(tmp_path: Path) -> None:
    run = replace(
        span("a", 0, 100),
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "pydantic_ai.all_messages": '[{"role":"user","parts":[{"type":"text","content":"x?"}]},'
            '{"role":"assistant","parts":[{"type":"text","content":"Of x."}]}]',
        },
        scope=Scope("pydantic-ai"),
    )
    caller = {"trace_id": run.trace_id, "parent_span_id": run.span_id, "span_id": "f" * 16}
    assert found(tmp_path, run, exchange("x", 10, 40, **caller), exchange("y", 50, 90, **caller, ask="y?")) == {
        "req_x": "parent",
        "req_y": "parent",
    }


def test_a_caller_that_was_sampled_out_leaves_its_trace(tmp_path: Path) -> None:
    """The exchange names a span that nobody sent; the call's own span stands in the same trace."""
    call = span("a", 0, 100)
    asked = exchange("x", 10, 40, trace_id=call.trace_id, parent_span_id="c" * 16, span_id="d" * 16)
    assert found(tmp_path, call, asked) == {"req_x": "time"}
    with joining(tmp_path / "read") as joined:
        joined.arrive(asked)
        alone = joined.store.trace(call.trace_id)
        assert alone is not None and [(each.span_id, each.parent_span_id) for each in alone.spans] == [
            ("d" * 16, "c" * 16)
        ]
        joined.arrive(call)
        both = joined.store.trace(call.trace_id)
        assert both is not None and {each.request_id for each in both.spans} == {"req_x"} and len(both.spans) == 2


def test_what_no_reader_knows_is_shown_as_it_was_sent_and_is_no_call(tmp_path: Path) -> None:
    strange = replace(
        span("a", 0, 100), name="quantum.ask", attributes={"quantum.prompt": "Hi?", "quantum.qubits": 9}
    )
    with joining(tmp_path / "one") as joined:
        joined.arrive(strange)
        assert joined.store.threads(ThreadQuery()).rows == ()
        trace = joined.store.trace(strange.trace_id)
        assert trace is not None
        (shown,) = trace.spans
        assert (shown.name, shown.role, shown.conversation_id) == ("quantum.ask", "other", None)
        assert shown.attributes == strange.attributes and shown.resource == strange.resource


def test_a_sub_agent_is_a_branch_of_its_callers_conversation_in_any_order(tmp_path: Path) -> None:
    def part(name: str, parent: str | None, start: int, end: int, **attributes: Any) -> Span:
        made = span(name, start, end, **attributes)
        return replace(made, trace_id=f"{'f':0>32}", parent_span_id=parent and f"{parent:0>16}")

    def agent(name: str, parent: str | None, start: int, end: int, conversation: str) -> Span:
        return replace(
            part(name, parent, start, end),
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": f"agent-{name}",
                "gen_ai.conversation.id": conversation,
            },
        )

    arrivals = (
        agent("1", None, 0, 400, "outer"),
        part("2", "1", 10, 90, ask="Plan?"),
        agent("3", "1", 100, 300, "its-own"),
        part("4", "3", 110, 190, ask="Look?"),
    )
    calls, _ = in_any_order(tmp_path, arrivals)
    assert calls == {f"{'2':0>16}": (None, "outer"), f"{'4':0>16}": (None, "outer")}
    with joining(tmp_path / "read") as joined:
        for arrival in reversed(arrivals):
            joined.arrive(arrival)
        thread = joined.store.thread("outer")
        assert thread is not None
        assert [(turn.agent, turn.branch) for turn in thread.turns] == [("agent-1", None), ("agent-3", "sub_agent")]


@pytest.mark.parametrize("kind", ["span", "record"])
def test_what_landed_just_before_an_end_is_looked_at_at_the_start(tmp_path: Path, kind: str) -> None:
    with opened(tmp_path) as store:
        put(store, [exchange("x", 10, 40)])
        if kind == "span":
            store.put_spans([span("a", 0, 100)], scope=SCOPE, key=KEY)
        else:
            store.put_logs([record("r", 0, 70, ids=False)], scope=SCOPE, key=KEY)
    with opened(tmp_path) as store:
        joined = Joined(store)
        wait_until(lambda: joined.calls().get("req_x", ("",))[0] == "time")
        joined.joiner.close()


def two_calls(**both: str) -> tuple[Span, Span]:
    """One that exchange x is by its answer's id, and one that goes on from it."""
    words, roles = ("x?", "Of x.", "more?"), ("user", "assistant", "user")
    said = [
        {"role": role, "parts": [{"type": "text", "content": text}]} for role, text in zip(roles, words, strict=True)
    ]
    answer = json.dumps([{**said[1], "finish_reason": "stop"}])
    first = {"gen_ai.response.id": "msg_x", "gen_ai.output.messages": answer}
    return (
        span("a", 0, 100, ask="x?", **first, **both),
        span("b", 200, 300, **{"gen_ai.input.messages": json.dumps(said)}, **both),
    )


def test_a_recognised_conversation_is_named_after_the_same_call_in_any_order(tmp_path: Path) -> None:
    calls, _ = in_any_order(tmp_path, (*two_calls(), exchange("x", 10, 90)), orders=6)
    assert calls["req_x"][0] == "id" and len({name for _, name in calls.values()}) == 1 and len(calls) == 2


def test_what_goes_on_from_a_call_goes_on_from_the_exchange_that_it_turns_out_to_be(tmp_path: Path) -> None:
    first, second = two_calls(**{"gen_ai.conversation.id": "of-the-app"})
    with joining(tmp_path / "folder") as joined:
        joined.arrive(first)
        joined.arrive(second)
        # Its content is not kept: only the join says where the other goes on.
        joined.arrive(replace(exchange("x", 10, 90), request=None, response=None))
        (row,) = joined.store.threads(ThreadQuery()).rows
        thread = joined.store.thread(row.id)
    assert thread is not None
    turns = [(turn.request_id, turn.joined, turn.parent, turn.shortened) for turn in thread.turns]
    assert turns == [("req_x", "id", None, False), (None, None, 0, False)]


@pytest.mark.parametrize("traced", [False, True])
def test_an_exchange_that_ends_is_looked_for_in_what_was_told_before(tmp_path: Path, traced: bool) -> None:
    with joining(tmp_path / "folder") as joined:
        told = span("a", 0, 100, ask="x?")
        joined.arrive(told)
        ended = exchange(
            "x", 10, 40, **({"trace_id": told.trace_id, "parent_span_id": told.span_id} if traced else {})
        )
        put(joined.store, [ended])
        caller = SimpleNamespace(trace_id=told.trace_id) if traced else None
        joined.joiner.heard(cast(Exchange, SimpleNamespace(caller=caller)), ended)
        assert joined.joiner.flush(60)
        assert joined.calls() == {"req_x": ("parent" if traced else "time", ANY)}


def test_a_restart_between_a_span_and_its_exchange_joins_them(tmp_path: Path) -> None:
    for number, order in enumerate(
        ((span("a", 0, 100), exchange("x", 10, 40)), (exchange("x", 10, 40), span("a", 0, 100)))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        first, second = order
        with opened(folder) as store:
            joined = Joined(store)
            joined.arrive(first)
            joined.joiner.close()
        with opened(folder) as store:
            joined = Joined(store)
            joined.arrive(second)
            joined.joiner.close()
            assert joined.calls()["req_x"][0] == "time"


def test_what_a_caller_says_of_a_call_that_was_tried_again_stands_beside_the_last_attempt(tmp_path: Path) -> None:
    caller = span("a", 0, 900)
    above: dict[str, Any] = {"trace_id": caller.trace_id, "parent_span_id": caller.span_id}
    attempts = [exchange(name, *times, ask="a?", **above) for name, times in (("a1", (10, 300)), ("a2", (320, 880)))]
    with joining(tmp_path / "one") as joined:
        for arrival in (*attempts, caller):
            joined.arrive(arrival)
        turns = [
            turn
            for row in joined.store.threads(ThreadQuery(), limit=9).rows
            for turn in cast(Any, joined.store.thread(row.id)).turns
        ]
    assert {turn.request_id: (turn.joined, [each.latency_us for each in turn.other_figures]) for turn in turns} == {
        "req_a1": ("parent", []),
        "req_a2": ("parent", [900_000]),
    }


def test_a_call_that_only_a_record_without_its_duration_tells(tmp_path: Path) -> None:
    logged = record("a", 0, 50)
    del logged.attributes["duration_ms"]  # type: ignore[attr-defined]
    with joining(tmp_path / "one") as joined:
        joined.arrive(logged)
        (row,) = joined.store.threads(ThreadQuery(), limit=9).rows
        (turn,) = cast(Any, joined.store.thread(row.id)).turns
    assert (turn.input_tokens, turn.latency_us, row.input_tokens) == (7, None, 7)


@pytest.mark.parametrize(("ids", "word"), [({}, "nested"), ({"gen_ai.response.id": "msg_1"}, "id")])
def test_how_two_spans_of_one_call_that_went_past_the_gateway_were_found(
    tmp_path: Path, ids: dict[str, str], word: str
) -> None:
    outer = span("a", 0, 100, ask="a?", **ids)
    inner = replace(
        span("b", 10, 90, **ids), trace_id=outer.trace_id, parent_span_id=outer.span_id, resource=outer.resource
    )
    with joining(tmp_path / "one") as joined:
        for arrival in (inner, outer):
            joined.arrive(arrival)
        (row,) = joined.store.threads(ThreadQuery(), limit=9).rows
        (turn,) = cast(Any, joined.store.thread(row.id)).turns
    assert (turn.joined, [each.latency_us for each in turn.other_figures]) == (word, [80_000])
    assert turn.latency_us == 100_000


def operation(trace: str | None, span_id: str | None) -> LogRecord:
    """What an app logs of a whole call, whose span it does not send."""
    asked = '[{"role":"user","parts":[{"type":"text","content":"How?"}]}]'
    return LogRecord(
        time_ns=START_US * 1000,
        trace_id=trace,
        span_id=span_id,
        event_name="gen_ai.client.inference.operation.details",
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": MODEL,
            "gen_ai.response.id": "msg_x",
            "gen_ai.input.messages": asked,
        },
    )


@pytest.mark.parametrize(
    "told",
    [operation("a" * 32, "b" * 16), operation(None, None), record("x", 0, 10)],
    ids=["a trace without spans", "a call alone", "a session"],
)
def test_what_records_alone_tell_leads_to_its_conversation(tmp_path: Path, told: LogRecord) -> None:
    with joining(tmp_path / "alone") as joined:
        joined.arrive(told)
        (row,) = joined.store.threads(ThreadQuery()).rows
        last = joined.store.last_told([SCOPE])
        assert last is not None and last.conversation_id == row.id
        # What another key was told is not led to.
        joined.store.put_logs([told], scope="key_2", key="other")
        other = joined.store.last_told(["key_2"])
        assert other is not None and other.conversation_id is None


def test_a_session_that_tells_of_an_exchange_leads_to_its_conversation(tmp_path: Path) -> None:
    with joining(tmp_path / "joined") as joined:
        joined.arrive(exchange("x", 0, 10))
        joined.arrive(record("x", 0, 10))
        (row,) = joined.store.threads(ThreadQuery()).rows
        last = joined.store.last_told()
        assert last is not None and last.conversation_id == row.id


def test_a_session_does_not_lead_to_one_whose_name_begins_as_its_own(tmp_path: Path) -> None:
    with joining(tmp_path / "names") as joined:
        longer = record("x", 0, 10)
        joined.arrive(replace(longer, attributes={**longer.attributes, "session.id": "session-of-the-tool:2"}))
        joined.store.put_logs([record("y", 0, 10)], scope=SCOPE, key=KEY)
        last = joined.store.last_told()
        assert last is not None and last.conversation_id is None


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("logs", [(), (record("a", 0, 10),)])
def test_what_was_kept_is_noted_for_joining_and_what_was_refused_is_not(
    kept: bool, logs: tuple[LogRecord, ...]
) -> None:
    noted: list[tuple[set[str], str, str, Kind]] = []

    def note(names: set[str], scope: str, key: str, kind: Kind = Kind.TRACE) -> None:
        noted.append((names, scope, key, kind))

    stored = SimpleNamespace(accept=lambda *_: kept)
    telemetry = JoinedTelemetry(cast("Any", stored), cast("Any", SimpleNamespace(note=note)))
    batch = Batch(spans=(span("a", 0, 10),), logs=logs)
    assert telemetry.accept(batch, Principal(SCOPE, KEY, "execute", None, ())) is kept
    sessions = [({"claude-code/session-of-the-tool"}, SCOPE, KEY, Kind.SESSION)] if logs else []
    assert noted == ([({f"{'a':0>32}"}, SCOPE, KEY, Kind.TRACE), *sessions] if kept else [])
