"""Joining where the store is behind, fails for a while, or a sender calls things what no database holds."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from gateway.capture.capture import NO_TURN
from gateway.prices.pricing import NO_PRICE
from gateway.relaying.exchange import Exchange
from gateway.store.joined_turns import LONGEST_US, exchanged, times_of
from gateway.store.spans import session_name
from gateway.store.thread_store import ThreadStore
from gateway.telemetry import joiner as joining_thread
from gateway.telemetry.calls import SLACK_NS
from gateway.telemetry.joiner import Joiner
from gateway.telemetry.one_join import Kind
from gateway.telemetry.records import Span
from gateway.thread_records import ThreadQuery
from tests.store.tellings import START_US, all_threads, dialogue, opened, put
from tests.store.tellings import told as exchange_of
from tests.telemetry.test_joiner import KEY, SCOPE, exchange, record, span
from tests.waiting import wait_until

UNCALLED = cast(Exchange, SimpleNamespace(caller=None))


def nothing(*_: Any) -> None:
    return


@contextmanager
def joiner_of(store: ThreadStore, on_detached: Callable[[str, bool], None] = nothing) -> Iterator[Joiner]:
    joiner = Joiner(store, lambda *_: NO_PRICE, nothing, on_detached, quiet_s=0.01)
    try:
        yield joiner
    finally:
        joiner.close()


@contextmanager
def locked(store: ThreadStore) -> Iterator[None]:
    """Another writer holds the database."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def told_by(store: ThreadStore) -> list[tuple[str, ...]]:
    return [row.sources for row in store.threads(ThreadQuery()).rows]


def test_an_exchange_that_is_stored_late_is_joined_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining_thread, "LONGEST_S", 0.1)
    looked: list[str] = []
    tellers = joining_thread._tellers

    def counted(request_id: str, connection: sqlite3.Connection) -> Any:
        looked.append(request_id)
        return tellers(request_id, connection)

    with opened(tmp_path) as store, joiner_of(store) as joiner:
        told = span("1", 100, 200, **{"gen_ai.response.id": "msg_1"})
        store.put_spans([told], scope=SCOPE, key=KEY)
        joiner.note((told.trace_id,), SCOPE, KEY)
        assert joiner.flush()
        monkeypatch.setattr(joining_thread, "_tellers", counted)
        with locked(store):
            joiner.heard(UNCALLED, exchange("1", 110, 190))
            store.put(exchange("1", 110, 190))
            wait_until(lambda: len(looked) > 3)
        wait_until(lambda: told_by(store) == [("gateway", "span")])


def test_what_is_no_turn_of_a_conversation_is_looked_for_nowhere(tmp_path: Path) -> None:
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        joiner.note((), SCOPE, KEY)
        joiner.heard(UNCALLED, replace(exchange("1", 110, 190), hints=(NO_TURN,)))
        assert not joiner._noted
        joiner.heard(UNCALLED, exchange("1", 110, 190))
        assert joiner.flush()


def test_one_that_the_store_refused_is_not_looked_for_for_ever(tmp_path: Path) -> None:
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        joiner.note(("req_gone",), SCOPE, KEY, Kind.EXCHANGE)
        assert joiner.flush(2)


def test_a_join_that_failed_for_a_lock_is_made_once_that_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(joining_thread, "REST_S", 0.01)
    change, failures = ThreadStore.change, [sqlite3.OperationalError("database is locked") for _ in range(3)]
    for failure in failures:
        failure.sqlite_errorcode = sqlite3.SQLITE_BUSY
    with opened(tmp_path) as store:
        told = span("1", 100, 200, ask="What?")
        store.put_spans([told], scope=SCOPE, key=KEY)

        def fails(store: ThreadStore, work: Any) -> Any:
            if failures:
                raise failures.pop()
            return change(store, work)

        monkeypatch.setattr(ThreadStore, "change", fails)
        with joiner_of(store) as joiner:
            joiner.note((told.trace_id,), SCOPE, KEY)
            assert joiner.flush() and not failures
        assert told_by(store) == [("span",)]
    assert caplog.text.count("OperationalError") == 1


def test_a_join_that_can_never_be_made_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ValueError

    with opened(tmp_path) as store, joiner_of(store) as joiner:
        store.put_spans([span("1", 100, 200)], scope=SCOPE, key=KEY)
        monkeypatch.setattr(ThreadStore, "change", fails)
        joiner.note((span("1", 100, 200).trace_id,), SCOPE, KEY)
        assert joiner.flush(2)


def test_a_session_with_a_name_that_no_text_of_a_database_has_is_told_and_deleted(tmp_path: Path) -> None:
    said = record("1", 100, 200)
    said = replace(said, attributes={**said.attributes, "session.id": "a\0b"})
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        store.put_logs([said], scope=SCOPE, key=KEY)
        for _ in range(2):
            joiner.note((session_name(said) or "",), SCOPE, KEY, Kind.SESSION)
            assert joiner.flush()
        (row,) = store.threads(ThreadQuery()).rows
        assert (row.id, row.requests, row.sources) == ("a\ufffdb", 1, ("log",))
        assert store.delete_thread(row.id)
        assert store.logs_of_session(session_name(said) or "", SCOPE) == ()
    with closing(sqlite3.connect(tmp_path / "traces.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM logs").fetchone() == (0,)


def test_an_exchange_joins_the_conversation_that_such_a_name_gives_it(tmp_path: Path) -> None:
    named = {"gen_ai.response.id": "msg_1", "gen_ai.conversation.id": "a\0b"}
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        assert store.put(exchange("1", 110, 190)) and store.flush()
        for told in (span("1", 100, 200, **named), span("2", 300, 400, **{"gen_ai.conversation.id": "a\0b"})):
            store.put_spans([told], scope=SCOPE, key=KEY)
            joiner.note((told.trace_id,), SCOPE, KEY)
            assert joiner.flush()
        (row,) = store.threads(ThreadQuery()).rows
    assert (row.id, row.requests) == ("a\ufffdb", 2)


S = 1_000_000_000


def test_the_times_of_calls_are_apart_and_in_order() -> None:
    slack = SLACK_NS // 1000
    assert times_of([(9 * S, 10 * S), (1 * S, 2 * S), (2 * S, 3 * S), (1 * S, 1 * S)]) == [
        (1_000_000 - slack, 3_000_000 + slack),
        (9_000_000 - slack, 10_000_000 + slack),
    ]
    assert times_of([(1 * S, 2 * S), (5 * S, 6 * S), (6 * S, 7 * S)]) == [
        (1_000_000 - slack, 2_000_000 + slack),
        (5_000_000 - slack, 7_000_000 + slack),
    ]
    assert times_of([(1 * S, 9 * S), (2 * S, 3 * S)]) == [(1_000_000 - slack, 9_000_000 + slack)]
    # One that has not ended.
    assert times_of([(5 * S, 0)]) == [(5_000_000 - slack, 5_000_000 + slack)]


def test_a_call_without_a_start_or_an_end_is_near_nothing() -> None:
    assert times_of([(0, 9 * S), (1, 2**63 - 1), (1, LONGEST_US * 1000 + 2)]) == []
    assert len(times_of([(1, LONGEST_US * 1000 + 1)])) == 1


def test_exchanges_between_the_calls_of_a_long_trace_are_not_looked_at(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, [exchange(str(at), 1000 * at, 1000 * at + 10) for at in range(20)])
        start_ns = START_US * 1000
        calls = [(start_ns + at * S - S // 100, start_ns + at * S + S // 10) for at in (3, 17)]
        near = store.look(lambda connection: exchanged(connection, SCOPE, (), (), times_of(calls)))
        other = store.look(lambda connection: exchanged(connection, "key_2", (), (), times_of(calls)))
    assert sorted(each.request_id for each in near) == ["req_17", "req_3"] and other == []


def test_a_span_without_a_start_in_a_trace_finds_its_exchange_by_its_id(tmp_path: Path) -> None:
    told = replace(span("1", 0, 200, **{"gen_ai.response.id": "msg_1"}), start_ns=0)
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        put(store, [exchange("1", 110, 190), exchange("2", 300, 400)])
        store.put_spans([told], scope=SCOPE, key=KEY)
        joiner.note((told.trace_id,), SCOPE, KEY)
        assert joiner.flush()
        assert sorted(told_by(store)) == [("gateway",), ("gateway", "span")]


def tell(store: ThreadStore, joiner: Joiner, *spans: Span) -> None:
    for each in spans:
        store.put_spans([each], scope=SCOPE, key=KEY)
        joiner.note((each.trace_id,), SCOPE, KEY)
        assert joiner.flush()


@pytest.mark.parametrize("traces", [1, 9])
def test_short_calls_in_a_row_are_found_in_one_trace_or_in_their_own(tmp_path: Path, traces: int) -> None:
    """As an app embeds one text after the other with a model on the same machine, and no answer has an id."""
    spans = [replace(span(f"{at:x}", 20 * at, 20 * at + 15), trace_id=f"{at % traces + 1:032x}") for at in range(9)]
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        put(store, [exchange(str(at), 20 * at + 3, 20 * at + 13) for at in range(9)])
        store.put_spans(spans, scope=SCOPE, key=KEY)
        joiner.note({each.trace_id for each in spans}, SCOPE, KEY)
        assert joiner.flush()
        turns = [turn for thread in all_threads(store) for turn in thread.turns]
    assert {turn.request_id: turn.joined for turn in turns} == {f"req_{at}": "time" for at in range(9)}
    assert len(turns) == 9


def test_an_exchange_stays_joined_while_one_of_its_spans_tells_of_it(tmp_path: Path) -> None:
    one, other = (span(name, 100, 200, **{"gen_ai.response.id": "msg_1"}) for name in "12")
    detached: list[tuple[str, bool]] = []
    with opened(tmp_path) as store, joiner_of(store, lambda *said: detached.append(said)) as joiner:
        put(store, [exchange("1", 110, 190)])
        tell(store, joiner, one, other, replace(other, attributes={**other.attributes, "gen_ai.response.id": "else"}))
        turns = {turn.request_id: turn.joined for thread in all_threads(store) for turn in thread.turns}
        assert turns == {"req_1": "id", None: None} and detached == []
        tell(store, joiner, replace(one, attributes={**one.attributes, "gen_ai.response.id": "third"}))
        assert detached == [("req_1", False)]


@pytest.mark.parametrize("continued", [False, True])
def test_an_exchange_leaves_a_conversation_alone_or_with_what_goes_on_from_it(
    tmp_path: Path, continued: bool
) -> None:
    named = span("1", 100, 200, **{"gen_ai.response.id": "msg_1", "gen_ai.conversation.id": "named"})
    follows = exchange_of(300, dialogue("1?", "Of 1.", "more?"), "more.", request_id="req_2")
    detached: list[tuple[str, bool]] = []
    with opened(tmp_path) as store, joiner_of(store, lambda *said: detached.append(said)) as joiner:
        put(store, [exchange("1", 110, 190), *([follows] if continued else [])])
        tell(store, joiner, named)
        assert [row.id for row in store.threads(ThreadQuery()).rows] == ["named"]
        tell(store, joiner, replace(named, attributes={**named.attributes, "gen_ai.response.id": "else"}))
        left = [thread for thread in all_threads(store) if thread.row.id != "named"]
    assert detached == [("req_1", not continued)]
    assert [[turn.request_id for turn in thread.turns] for thread in left] == [
        ["req_1", "req_2"] if continued else ["req_1"]
    ]


def test_a_trace_names_a_call_only_for_as_long_as_nothing_is_said(tmp_path: Path) -> None:
    bare, spoken = span("1", 100, 200), span("1", 100, 200, ask="What?")
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        tell(store, joiner, bare)
        assert [row.id for row in store.threads(ThreadQuery()).rows] == [bare.trace_id]
        tell(store, joiner, spoken)
        (row,) = store.threads(ThreadQuery()).rows
    assert row.id.startswith("conv_") and row.title == "What?" and row.ids == ()


def test_a_failure_for_good_is_told_of_after_one_that_passes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(joining_thread, "REST_S", 0.01)
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    failures: list[Exception] = [ValueError(), busy, busy]

    def fails(*_: Any) -> None:
        raise failures.pop()

    with opened(tmp_path) as store, joiner_of(store) as joiner:
        told = span("1", 100, 200)
        store.put_spans([told], scope=SCOPE, key=KEY)
        monkeypatch.setattr(ThreadStore, "change", fails)
        joiner.note((told.trace_id,), SCOPE, KEY)
        assert joiner.flush() and not failures
    assert [caplog.text.count(name) for name in ("OperationalError", "ValueError")] == [1, 1]


def test_what_takes_long_is_left_alone_for_longer_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining_thread, "SLOW_S", 0.0)
    monkeypatch.setattr(joining_thread, "REST_TIMES", 1e9)
    looked: list[str] = []

    def join(_joiner: Joiner, _kind: Kind, name: str, *_: Any) -> None:
        looked.append(name)

    monkeypatch.setattr(Joiner, "_join", join)
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        joiner.note(("long",), SCOPE, KEY, Kind.SESSION)
        wait_until(lambda: looked == ["long"])
        joiner.note(("long",), SCOPE, KEY, Kind.SESSION)
        joiner.note(("other",), SCOPE, KEY, Kind.SESSION)
        wait_until(lambda: looked == ["long", "other"])
        assert [name for _, name, _ in joiner._noted] == ["long"]
        assert joiner.flush(), "whoever asks for all of it does not wait"
        assert looked == ["long", "other", "long"]


def test_what_is_looked_at_quickly_is_not_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(Joiner, "_join", lambda _joiner, _kind, name, *_: looked.append(name))
    with opened(tmp_path) as store, joiner_of(store) as joiner:
        for times in (1, 2):
            joiner.note(("short",), SCOPE, KEY, Kind.SESSION)
            wait_until(lambda times=times: looked == ["short"] * times)  # type: ignore[misc]
        assert joiner._rests == {}
