"""The store of conversations: sealed, bounded, whole after a restart; what is deleted leaves nothing behind."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.model import Blob, Message, Opaque, Role, Text, ToolCall
from gateway.records import TagCondition, UsageQuery
from gateway.store.thread_filters import where
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.records import LogRecord, Scope, Span
from gateway.thread_records import Thread, ThreadQuery
from tests.store.tellings import (
    KEY,
    READ,
    SECOND_US,
    START_US,
    all_threads,
    assistant,
    dialogue,
    failed,
    lines,
    opened,
    put,
    result,
    session,
    told,
    user,
)
from tests.waiting import PATIENCE_S

CANARY = "canary-4711-words"
TRACE, OTHER_TRACE = "0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319c"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


def query(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "traces.db")) as connection:
        return connection.execute(statement).fetchall()


def change(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "traces.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


def span(number: int, trace: str = TRACE, parent: str | None = None, end_s: int = 2, **fields: object) -> Span:
    return Span(
        trace_id=trace,
        span_id=f"{number:016x}",
        parent_span_id=parent,
        name=f"chat {CANARY}",
        start_ns=START_US * 1000,
        end_ns=START_US * 1000 + end_s * 10**9 if end_s else 0,
        attributes={"gen_ai.input.messages": CANARY, "number": number},
        **fields,  # type: ignore[arg-type]
    )


def log(number: int, trace: str | None = TRACE, **fields: object) -> LogRecord:
    return LogRecord(
        trace_id=trace,
        span_id=f"{number:016x}" if trace else None,
        time_ns=START_US * 1000,
        event_name="event",
        body={"text": CANARY, "number": number},
        **fields,  # type: ignore[arg-type]
    )


def everything_said(store: ThreadStore) -> None:
    """The canary in all places that hold what somebody wrote."""
    asked = [user(CANARY), Message(Role.USER, (Blob("text/plain", "AA==", filename=CANARY), Text(CANARY * 10_000)))]
    answer = [Text(CANARY), ToolCall("c", CANARY, CANARY), Opaque("x", {"type": "y", "z": CANARY})]
    put(
        store,
        [
            told(0, asked, answer, system=CANARY, tools=(READ, READ.__class__(name="t", description=CANARY))),
            failed(1, [user(CANARY), result(CANARY)], error_message=CANARY, conversation="b"),
        ],
    )
    store.rename_thread("b", CANARY)
    store.put_spans([span(1), span(2)], scope="key_1", key="laptop")
    store.put_logs([log(1), log(2, None)], scope="key_1", key="laptop")


def test_nothing_that_was_said_is_on_the_disk_in_the_clear(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        everything_said(store)
        while_open = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert while_open.keys() >= {"traces.db", "traces.db-wal"}
    for data in (*while_open.values(), *(path.read_bytes() for path in tmp_path.iterdir())):
        assert CANARY.encode() not in data and CANARY.encode("utf-16-le") not in data
    with opened(tmp_path) as store:
        assert {row.id for row in store.threads(ThreadQuery(text=CANARY)).rows} == {
            row.id for row in store.threads(ThreadQuery()).rows
        }


def test_another_key_opens_nothing_and_fails_nowhere(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        everything_said(store)
    other = ThreadStore(tmp_path, key=KEY[::-1])
    other.start()
    for thread in all_threads(other):
        assert CANARY not in repr(thread)
        assert thread.messages and all(_unreadable(message.parts) for message in thread.messages)
    assert other.threads(ThreadQuery(text=CANARY)).rows == ()
    assert [kept.span for kept in other.spans_of(TRACE)] == [None, None]
    assert other.logs_of(TRACE) == ()
    other.close()


def _unreadable(parts: Sequence[object]) -> bool:
    return any(isinstance(part, Opaque) and part.value["type"] == "unreadable" for part in parts)


def test_a_changed_entry_is_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, session("hello", "hi there", "how are you", "fine"))
        ((number, data), *_) = query(tmp_path, "SELECT c.id, c.data FROM contents c JOIN said s ON s.content = c.id")
        assert isinstance(data, bytes)
        change(tmp_path, "UPDATE contents SET data = ? WHERE id = ?", data[:-1] + bytes([data[-1] ^ 1]), number)
        (thread,) = all_threads(store)
        assert _unreadable(thread.messages[0].parts)
        assert lines(thread)[1:] == ["0 assistant hi there", "1 user how are you", "1 assistant fine"]


def test_entries_that_change_places_are_named(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, session("hello", "hi there"))
        (one, other) = query(tmp_path, "SELECT id, data FROM contents WHERE kind = 1 ORDER BY id")
        change(tmp_path, "UPDATE contents SET data = ? WHERE id = ?", other[1], one[0])
        change(tmp_path, "UPDATE contents SET data = ? WHERE id = ?", one[1], other[0])
        (thread,) = all_threads(store)
        assert all(_unreadable(message.parts) for message in thread.messages)


def test_all_is_there_after_a_restart_and_goes_on(tmp_path: Path) -> None:
    calls = session("hello", "hi there", "how are you", "fine", "good", "bye")
    with opened(tmp_path) as store:
        put(store, calls[:2])
        before = all_threads(store)
    with opened(tmp_path) as store:
        assert all_threads(store) == before
        put(store, calls[2:])
        (thread,) = all_threads(store)
        assert [turn.parent for turn in thread.turns] == [None, 0, 1] and len(thread.messages) == 6


def test_what_is_put_before_the_end_is_there(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for each in range(50):
            assert store.put(told(each, [user(f"{each}")], "x"))
    with opened(tmp_path) as store:
        assert store.threads(ThreadQuery(), limit=100).total == 50


class Held:
    """Another program that holds the database, until it lets go."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "traces.db", isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def let_go(self) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite waits 20 ms for another program, not 5 s."""
    from gateway.store import thread_store

    real = thread_store.open_database
    monkeypatch.setattr(thread_store, "open_database", lambda path, **more: real(path, busy_timeout_s=0.02, **more))


def test_a_full_queue_refuses_counts_and_goes_on(tmp_path: Path, impatient: None) -> None:
    with opened(tmp_path, most=3) as store:
        held = Held(tmp_path)
        taken = [store.put(told(each, [user(f"{each}")], "x")) for each in range(5)]
        assert taken == [True, True, True, False, False] and store.refused == 2
        held.let_go()
        assert store.flush()
        assert store.put(told(9, [user("9")], "x")) and store.flush()
        assert store.threads(ThreadQuery()).total == 4


def test_the_queue_is_bounded_by_what_it_holds(tmp_path: Path, impatient: None) -> None:
    with opened(tmp_path, most_bytes=1_000_000) as store:
        held = Held(tmp_path)
        large = [store.put(told(each, [user("x" * 300_000)], "y")) for each in range(4)]
        assert large == [True, True, True, False]
        assert store.put(told(9, [user("small")], "y"))
        held.let_go()
        assert store.flush() and store.put(told(10, [user("x" * 300_000)], "y"))


def test_with_the_disk_full_all_waits_that_fits_the_rest_is_counted_and_it_goes_on_once_there_is_room(
    tmp_path: Path, impatient: None
) -> None:
    with opened(tmp_path, most=4) as store:
        put(store, [told(0, [user("before")], "x", conversation="before")])

        def bound(connection: sqlite3.Connection, pages: int) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages:d}")

        store.change(lambda connection, _: bound(connection, 1))
        large = "".join(f"{number} " for number in range(4000))
        taken = [store.put(told(n, [user(f"{n}: {large}")], "x", conversation=f"c{n}")) for n in range(1, 8)]
        assert taken == [True] * 4 + [False] * 3 and store.refused == 3
        assert not store.flush(0.3) and store.threads(ThreadQuery()).total == 1
        with pytest.raises(sqlite3.OperationalError, match="full"):
            store.put_spans(
                [Span(trace_id=TRACE, span_id="1" * 16, attributes={"said": large})], scope="key_1", key="laptop"
            )
        store.change(lambda connection, _: bound(connection, 2**30))
        assert store.flush(PATIENCE_S)
        assert [row.id for row in store.threads(ThreadQuery(sort="oldest")).rows] == [
            "before",
            "c1",
            "c2",
            "c3",
            "c4",
        ]
        put_after = store.put(told(9, [user("after")], "x", conversation="after"))
        assert put_after and store.flush(PATIENCE_S) and store.refused == 3
        assert store.threads(ThreadQuery()).total == 6


def test_one_that_no_table_can_hold_keeps_nobody_back(store: ThreadStore) -> None:
    assert store.put(told(0, [user("one")], "x"))
    assert store.put(told(1, [user("two")], "x", status=2**70))
    assert store.put(told(2, [user("three")], "x"))
    assert store.flush() and store.refused == 1
    assert [thread.row.title for thread in all_threads(store)] == ["one", "three"]


def test_texts_that_neither_json_nor_sqlite_hold_are_mended(store: ThreadStore) -> None:
    half = "half \ud83d and \0 null"
    put(store, [told(0, [user(half)], half, system=half, user=half, app=half, conversation=half, error_message=half)])
    (thread,) = all_threads(store)
    assert [line.count("half") for line in lines(thread)] == [1, 1]
    assert thread.row.user == "half ? and \ufffd null"
    assert store.thread(thread.row.id) == thread


def test_deleting_leaves_nothing_of_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        everything_said(store)
        put(store, [told(5, [user("something else")], "x", conversation="stays", trace_id=OTHER_TRACE)])
        put(store, [told(6, [user(CANARY)], "x", conversation="traced", trace_id=TRACE)])
        store.put_spans([span(7, OTHER_TRACE)], scope="key_1", key="laptop")
        for row in store.threads(ThreadQuery()).rows:
            assert row.id == "stays" or store.delete_thread(row.id)
        assert not store.delete_thread("traced")
        assert [row.id for row in store.threads(ThreadQuery()).rows] == ["stays"]
        assert store.spans_of(TRACE) == () and store.logs_of(TRACE) == () and len(store.spans_of(OTHER_TRACE)) == 1
        assert [len(all_threads(store)[0].messages), len(query(tmp_path, "SELECT 1 FROM contents"))] == [2, 3]
        for table in ("said", "content_parts"):
            assert len(query(tmp_path, f"SELECT 1 FROM {table}")) == {"said": 2, "content_parts": 0}[table]
        # The log was cut, so that no copy is left there.
        assert (tmp_path / "traces.db-wal").stat().st_size == 0


def test_the_records_of_its_session_go_with_it_and_no_others(store: ThreadStore) -> None:
    def record(session: str, number: int) -> LogRecord:
        said = {"event.name": "user_prompt", "session.id": session, "prompt": CANARY, "event.sequence": number}
        return log(number, None, attributes=said, scope=Scope("com.anthropic.claude_code.events"))

    put(store, [told(at, [user(f"hello {at}")], "hi", conversation=f"s{at}", source="log") for at in (1, 2)])
    for key in ("key_1", "key_2"):
        store.put_logs([record("s1", 1), record("s1", 2), record("s2", 3)], scope=key, key="laptop")
    assert store.delete_thread("s1")
    left = {
        (session, key): len(store.logs_of_session(f"claude-code/{session}", key))
        for session in ("s1", "s2")
        for key in ("key_1", "key_2")
    }
    assert left == {("s1", "key_1"): 0, ("s1", "key_2"): 2, ("s2", "key_1"): 1, ("s2", "key_2"): 1}


def test_of_a_session_that_others_share_the_records_around_its_own_time_go(store: ThreadStore) -> None:
    def record(at_s: int) -> LogRecord:
        said = {"event.name": "user_prompt", "session.id": "s", "prompt": CANARY, "event.sequence": at_s}
        made = log(at_s, None, attributes=said, scope=Scope("com.anthropic.claude_code.events"))
        return replace(made, time_ns=made.time_ns + at_s * 10**9)

    def left() -> list[int]:
        records = store.logs_of_session("claude-code/s", "key_1")
        return [each.time_ns // 10**9 - START_US // SECOND_US for each in records]

    put(store, [told(at, [user(f"hello {at}")], "hi", conversation=f"c{at}", session_id="s") for at in (0, 600)])
    put(store, [told(300, [user("hello")], "hi", conversation="s")])
    store.put_logs([record(at) for at in (0, 5, 299, 310, 600)], scope="key_1", key="laptop")
    assert store.delete_thread("s") and left() == [0, 5, 600]
    assert store.delete_thread("c0") and left() == [600]
    # Of another key it is another session.
    put(store, [told(700, [user("hello")], "hi", conversation="other", session_id="s", scope="key_2")])
    put(store, [told(701, [user("hello")], "hi", conversation="s", scope="key_2")])
    store.put_logs([record(9999)], scope="key_1", key="laptop")
    assert store.delete_thread("c600") and left() == []


def test_what_another_conversation_says_too_stays(store: ThreadStore) -> None:
    put(store, [told(at, [user("shared")], f"answer {at}", conversation=f"c{at}") for at in (0, 1)])
    store.delete_thread("c0")
    (thread,) = all_threads(store)
    assert lines(thread) == ["0 user shared", "0 assistant answer 1"] and len(thread.systems) == 1


def test_sealed_bytes_of_what_is_deleted_are_overwritten(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, [told(0, [user("secret " * 5000)], "x", conversation="a"), told(1, [user("b")], "c")])
        sealed = [row[0] for row in query(tmp_path, "SELECT data FROM contents WHERE kind = 1")]
        store.delete_thread("a")
        left = (tmp_path / "traces.db").read_bytes()
    kept = [data for data in sealed if isinstance(data, bytes) and data[-200:] in left]
    assert len(sealed) == 4 and len(kept) == 2


def test_spans_of_a_shared_trace_go_with_their_calls(store: ThreadStore) -> None:
    """A frame around two calls repeats what both said."""
    frame = span(1)
    put(
        store,
        [
            told(0, [user("a")], "x", conversation="a", trace_id=TRACE, parent_span_id=f"{2:016x}"),
            told(1, [user("b")], "x", conversation="b", trace_id=TRACE, parent_span_id=f"{3:016x}"),
        ],
    )
    store.put_spans([frame, span(2, parent=frame.span_id), span(3, parent=frame.span_id)], scope="key_1", key="k")
    store.put_logs([log(2), log(3)], scope="key_1", key="k")
    store.delete_thread("a")
    assert [kept.span_id for kept in store.spans_of(TRACE)] == [f"{3:016x}"]
    assert [record.span_id for record in store.logs_of(TRACE)] == [f"{3:016x}"]


def test_a_new_turn_is_not_taken_for_a_deleted_one(store: ThreadStore) -> None:
    put(store, [told(0, [user("kept")], "x", conversation="kept"), told(1, [user("gone")], "x", conversation="gone")])
    store.delete_thread("gone")
    put(store, [told(2, [user("new")], "x", conversation="new")])
    assert store.thread_of_request("req_1") is None
    assert store.thread_of_request("req_2") == ("new", 0)


def test_a_title_is_the_users_own_until_it_is_taken_away(store: ThreadStore) -> None:
    put(store, session("hello", "hi", conversation="a"))
    assert store.rename_thread("a", "Mine") and all_threads(store)[0].row.title == "Mine"
    assert store.rename_thread("a", None) and all_threads(store)[0].row.title == "hello"
    assert not store.rename_thread("b", "Nobody's")


def test_a_given_id_renames_and_deletes_what_it_reads(store: ThreadStore) -> None:
    long = "x" * 600
    put(store, [told(0, [user("mine")], "y", conversation=long, request_id="req_long")])
    put(store, [told(at, [user(f"of {at}")], "y", conversation="a", scope=f"key_{at}") for at in (1, 2)])
    assert store.delete_thread("a") and [row.id for row in store.threads(ThreadQuery()).rows] == ["a~2", long[:512]]
    # Now it is the only one that has this id.
    assert store.requests_of("a") == ("req_2",) and store.headers_of_thread("a").keys() == {"req_2"}
    assert store.rename_thread("a", "Second") and store.rename_thread(long, "Long")
    assert [row.title for row in store.threads(ThreadQuery()).rows] == ["Second", "Long"]
    assert store.requests_of(long) == ("req_long",)
    assert store.delete_thread(long) and store.delete_thread("a") and not store.delete_thread("a")
    assert store.threads(ThreadQuery()).rows == () and store.requests_of("a") == ()


def test_a_request_leads_to_its_turn(store: ThreadStore) -> None:
    put(store, session("hello", "hi", "and", "so", "then", "fine"))
    (thread,) = all_threads(store)
    assert [store.thread_of_request(f"req_{at}") for at in (0, 60, 120)] == [(thread.row.id, n) for n in range(3)]
    assert store.thread_of_request("req_9") is None


def test_another_key_does_not_see_it(store: ThreadStore) -> None:
    put(store, session("hello", "hi", conversation="a"))
    assert store.thread("a", scope="key_1") is not None and store.thread("a", scope="key_2") is None
    assert store.threads(ThreadQuery(scope="key_2")).rows == ()
    store.put_spans([span(1)], scope="key_1", key="laptop")
    assert len(store.spans_of(TRACE, "key_1")) == 1 and store.spans_of(TRACE, "key_2") == ()


def test_filters_take_the_conversations_that_have_such_a_turn(store: ThreadStore) -> None:
    fields: dict[str, dict[str, object]] = {
        "a": {"app": "web", "tags": ("team:ml", "env:dev"), "user": "ana"},
        "b": {"app": "batch", "tags": ("team:ml",), "provider": "openai", "model": "gpt-5"},
        "c": {
            "app": "web",
            "tags": ("team:ops",),
            "outcome": "error",
            "error_type": "rate_limited",
            "client": "Codex",
        },
        "d": {"door": "gemini", "key": "phone"},
    }
    put(
        store,
        [told(at, [user(f"q {id}")], "x", conversation=id, **each) for at, (id, each) in enumerate(fields.items())],
    )

    def found(**query: object) -> str:
        rows = store.threads(ThreadQuery(sort="oldest", **query)).rows  # type: ignore[arg-type]
        return "".join(row.id for row in rows)

    def among(**query: object) -> str:
        return found(among=UsageQuery(**query))  # type: ignore[arg-type]

    assert found(errors_only=True) == "c" and found(tags=("team",)) == "abc"
    assert [
        among(tags=(each,)) for each in (TagCondition(("team:ml",)), TagCondition(("team:ml",), negated=True))
    ] == [
        "ab",
        "cd",
    ]
    assert among(tags=(TagCondition(("team:ml", "team:ops")), TagCondition(("env:dev",), negated=True))) == "bc"
    assert [among(app=("web",)), among(app=("web", "batch")), among(app=("web",), user=("ana",))] == [
        "ac",
        "abc",
        "a",
    ]
    assert [among(provider=("openai",)), among(model=("gpt-5",)), among(client=("Codex",))] == ["b", "b", "c"]
    assert [among(outcome=("error",)), among(door=("gemini",)), among(key=("phone",))] == ["c", "d", "d"]
    assert [found(app="batch"), found(user="ana"), found(client="Codex"), found(key="phone")] == ["b", "a", "c", "d"]
    assert [found(provider="openai"), found(model="gpt-5"), found(scope="key_2")] == ["b", "b", ""]


def test_a_row_says_who_and_what_took_part(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [user("one")], "x", conversation="a", app="web", user="ana", tags=("team:ml",)),
            told(1, [user("two")], "x", conversation="a", app="batch", client="Codex", tags=("env:dev", "team:ml")),
            told(2, [user("three")], "x", conversation="a", provider="openai", model="gpt-5", cost_nano=None),
        ],
    )
    (row,) = store.threads(ThreadQuery()).rows
    assert (row.title, row.requests, row.errors, row.unpriced, row.cost_nano) == ("one", 3, 0, 1, 2000)
    assert (row.app, row.user, row.client) == ("web", "ana", "Codex")
    assert (row.providers, row.models) == (("anthropic", "openai"), ("claude-sonnet-4-6", "gpt-5"))
    assert (row.tags, row.sources, row.cost_sources) == (("team:ml", "env:dev"), ("gateway",), ("list",))
    assert row.usage_sources == ("provider",)
    assert (row.input_tokens, row.output_tokens, row.duration_us) == (300, 30, 3 * SECOND_US // 2)
    assert (row.started_us, row.ended_us) == (START_US, START_US + 2 * SECOND_US + SECOND_US // 2)


def test_it_is_found_by_every_id_that_was_given_for_it(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [user("x")], "y", conversation="a"),
            told(1, [user("z")], "y", conversation="a", scope="key_2"),
            told(2, [user("look")], "there", conversation="run", parent_conversation="outer"),
            told(3, [user("look again")], "there", conversation="outer"),
        ],
    )
    assert {row.id: row.ids for row in store.threads(ThreadQuery()).rows} == {
        "a": (),
        "a~2": ("a",),
        "outer": ("run",),
    }

    def found(*ids: str, scope: str | None = None) -> list[str]:
        query = ThreadQuery(among=UsageQuery(conversation=ids), scope=scope, sort="oldest")
        return [row.id for row in store.threads(query).rows]

    by_id = {id: found(id) for id in ("a", "a~2", "run", "outer", "none")}
    assert by_id == {"a": ["a", "a~2"], "a~2": ["a~2"], "run": ["outer"], "outer": ["outer"], "none": []}
    assert found("run", "a", scope="key_2") == ["a~2"]
    whole = [store.thread("a", scope=scope) for scope in (None, "key_1", "key_2", "key_3")]
    assert [thread.row.id if thread else None for thread in whole] == ["a", "a", "a~2", None]
    assert store.thread("run") is None


def test_the_session_around_a_conversation_is_told_and_finds_it(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [user("a")], "y", conversation="a", session_id="s"),
            told(1, [user("b")], "y", conversation="b", session_id="s"),
            told(2, [user("b again")], "y", conversation="b", session_id="later"),
            told(3, [user("c")], "y", conversation="c", session_id="s", scope="key_2"),
            # One whose session is itself.
            told(4, [user("s")], "y", conversation="s", session_id="s"),
            told(5, [user("recognised")], "y"),
        ],
    )
    rows = store.threads(ThreadQuery(sort="oldest")).rows
    assert [(row.id, row.sessions) for row in rows[:-1]] == [
        ("a", ("s",)),
        ("b", ("s", "later")),
        ("c", ("s",)),
        ("s", ()),
    ]
    assert rows[-1].sessions == ()

    def found(id: str, scope: str | None = None) -> list[str]:
        query = ThreadQuery(among=UsageQuery(conversation=(id,)), scope=scope, sort="oldest")
        return [row.id for row in store.threads(query).rows]

    assert [found("s"), found("later"), found("s", "key_2")] == [["a", "b", "c", "s"], ["b"], ["c"]]
    whole = store.thread("b")
    assert whole is not None and [turn.session_id for turn in whole.turns] == ["s", "later"]
    assert store.thread("later") is None


def test_conversations_of_some_ids_are_found_without_all_the_others(store: ThreadStore) -> None:
    condition = where(ThreadQuery(among=UsageQuery(conversation=("a", "b"))))
    statement = f"EXPLAIN QUERY PLAN SELECT c.id FROM conversations c WHERE {condition.sql}"
    plan = [row[3] for row in store.look(lambda connection: list(connection.execute(statement, condition.values)))]
    scanned = {line.split()[1] for line in plan if line.startswith("SCAN")}
    assert plan and scanned.isdisjoint({"c", "conversations", "turns"}), plan


def test_spans_and_logs_that_come_again_are_there_once(store: ThreadStore) -> None:
    for _ in range(2):
        store.put_spans([span(1), span(2)], scope="key_1", key="laptop")
        store.put_logs([log(1), log(1), log(2)], scope="key_1", key="laptop")
    assert [kept.span for kept in store.spans_of(TRACE)] == [span(1), span(2)]
    assert sorted(store.logs_of(TRACE), key=repr) == sorted([log(1), log(2)], key=repr)


@pytest.mark.parametrize(("first", "then", "kept"), [(0, 2, 2), (2, 0, 2), (2, 3, 3), (0, 0, 0)])
def test_the_last_telling_with_an_end_counts(store: ThreadStore, first: int, then: int, kept: int) -> None:
    for end_s in (first, then):
        store.put_spans([span(1, end_s=end_s)], scope="key_1", key="laptop")
    assert [each.span for each in store.spans_of(TRACE)] == [span(1, end_s=kept)]


def test_another_key_cannot_change_a_span(store: ThreadStore) -> None:
    store.put_spans([span(1)], scope="key_1", key="laptop")
    store.put_spans([span(1, end_s=9)], scope="key_2", key="other")
    assert [each.span for each in store.spans_of(TRACE)] == [span(1)]


def test_rows_are_told_their_conversation(tmp_path: Path) -> None:
    joined: list[tuple[str, str]] = []
    commits: list[None] = []
    with opened(
        tmp_path, on_joined=lambda *each: joined.append(each), on_commit=lambda: commits.append(None)
    ) as store:
        calls = session("hello", "hi", "and", "so", "then", "fine")
        put(store, calls[:1])
        assert joined == [] and commits
        put(store, calls[1:])
        (thread,) = all_threads(store)
    assert set(joined) == {(f"req_{at}", thread.row.id) for at in (0, 60, 120)}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_rows_are_told_their_conversation_however_its_calls_come(tmp_path: Path, order: tuple[int, ...]) -> None:
    told_of: dict[str, str] = {}
    calls = session("hello", "hi", "and", "so", "then", "fine")
    with opened(tmp_path, on_joined=told_of.__setitem__) as store:
        for place in order:
            put(store, [calls[place]])
        (thread,) = all_threads(store)
    assert told_of == {call.request_id: thread.row.id for call in calls}


def test_readers_see_whole_conversations_while_they_are_written(store: ThreadStore) -> None:
    seen: list[Thread | None] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.append(store.thread("a"))

    reader = threading.Thread(target=read)
    reader.start()
    history: list[Message] = []
    for turn in range(40):
        history = [*history, user(f"q{turn}")]
        put(store, [told(turn, history, f"a{turn}", conversation="a")])
        history = [*history, assistant(f"a{turn}")]
    ended.set()
    reader.join()
    for thread in seen:
        assert thread is None or len(thread.messages) == 2 * len(thread.turns) == 2 * thread.row.requests


def test_a_conversation_whose_history_begins_midway_is_read(store: ThreadStore) -> None:
    put(store, [told(0, dialogue("before", "our time", "now"), "yes")])
    (thread,) = all_threads(store)
    assert lines(thread) == ["0 user before", "0 assistant our time", "0 user now", "0 assistant yes"]
