"""What was said in a stretch of time goes for good at the user's word: what only it said, its telemetry, its line."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.clean_up import used_bytes
from gateway.store.range_removal import SaidIn, delete_said, said_in
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.records import LogRecord, Span
from tests.store.tellings import MINUTE_US, START_US, all_threads, dialogue, lines, opened, put, session, told, user

TRACE = "0af7651916cd43dd8448eb211c80319c"
EVERYTHING = (0, START_US + 10**12)


def nobody(_entries: int) -> None:
    return


def delete(store: ThreadStore, from_s: float, to_s: float) -> tuple[int, list[str]]:
    gone: list[str] = []
    return delete_said(store, *stretch(from_s, to_s), nobody, gone.extend), gone


def stretch(from_s: float, to_s: float) -> tuple[int, int]:
    return START_US + round(from_s * 1_000_000), START_US + round(to_s * 1_000_000)


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "traces.db")) as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def test_the_middle_of_a_conversation_goes_and_the_rest_stays_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, session("one", "1", "two", "2", "three", "3", conversation="long"))
        put(store, [told(70, [user("elsewhere")], "yes", conversation="other")])
        assert said_in(store, *stretch(50, 100)) == SaidIn(2, 2, 0, said_in(store, *stretch(50, 100)).bytes)
        assert 0 < said_in(store, *stretch(50, 100)).bytes < said_in(store, *EVERYTHING).bytes
        taken, gone = delete(store, 50, 100)
        assert (taken, sorted(gone)) == (2, ["req_60", "req_70"])
        (thread,) = all_threads(store)
        assert (thread.row.id, thread.row.requests, thread.row.cost_nano) == ("long", 2, 2000)
        said = "\n".join(lines(thread))
        assert "one" in said and "three" in said and "two" not in said
        assert [turn.shortened for turn in thread.turns] == [False, True]
        assert delete(store, 50, 100) == (0, [])


def test_nothing_of_it_is_left_in_the_files(tmp_path: Path) -> None:
    """Not the first line, by which a conversation is called, nor frames of telemetry that repeat what a call said."""
    with opened(tmp_path) as store:
        put(store, session("first words", "1", "later words", "2", conversation="named"))
        frame = Span(trace_id=TRACE, span_id="1" * 16, start_ns=START_US * 1000 - 10**9, end_ns=START_US * 1000)
        within = {"trace_id": TRACE, "span_id": "2" * 16, "parent_span_id": "1" * 16}
        put(store, [told(200, [user("within")], "x", conversation="traced", **within)])
        store.put_spans([frame], scope="key_1", key="laptop")
        store.put_logs([LogRecord(trace_id=TRACE, time_ns=START_US * 1000 + 7, body="first")], scope="key_1", key="k")
        named = next(thread for thread in all_threads(store) if thread.row.id == "named")
        assert named.row.title == "first words"
        assert delete(store, -0.5, 1)[0] == 2, "the call, and the record that was made meanwhile"
        named = next(thread for thread in all_threads(store) if thread.row.id == "named")
        assert named.row.title == "later words"
        assert count(tmp_path, "spans") == 1 and count(tmp_path, "logs") == 0
        delete(store, 199, 201)
        assert count(tmp_path, "spans") == 0, "the frame began long before, and tells of the call"
        delete(store, 0, 10_000)
        assert all_threads(store) == []
    for table in ("turns", "said", "contents", "content_parts", "conversations", "blocks", "headers"):
        assert count(tmp_path, table) == 0, table


def test_what_other_calls_say_too_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, [told(0, [user("shared words")], "1", conversation="a")])
        put(store, [told(100, [user("shared words")], "2", conversation="b")])
        delete(store, 0, 50)
        (thread,) = all_threads(store)
        assert any("shared words" in line for line in lines(thread))


def test_it_goes_on_after_a_deletion(tmp_path: Path) -> None:
    """The writer remembers nothing that is gone: the next call of the conversation finds its place."""
    with opened(tmp_path) as store:
        put(store, session("one", "1", "two", "2", conversation="c"))
        delete(store, 50, 100)
        put(store, [told(120, dialogue("one", "1", "two", "2", "three"), "3", conversation="c")])
        (thread,) = all_threads(store)
        assert thread.row.requests == 2 and any("three" in line for line in lines(thread))


def test_a_conversation_is_called_as_before(tmp_path: Path) -> None:
    """Its own name is made of its first call, which goes: links to it must lead on."""
    with opened(tmp_path) as store:
        put(store, session("one", "1", "two", "2"))
        (before,) = all_threads(store)
        delete(store, 0, 50)
        put(store, [told(120, dialogue("one", "1", "two", "2", "three"), "3")])
        (thread,) = all_threads(store)
        assert (thread.row.id, thread.row.requests) == (before.row.id, 2)
    with closing(sqlite3.connect(tmp_path / "traces.db")) as connection:
        # No call that comes late, and began before the others, names it anew.
        assert connection.execute("SELECT given FROM conversations").fetchall() == [(before.row.id,)]


def test_what_is_told_can_end_it_and_steps_are_small(tmp_path: Path) -> None:
    class GivenUp(Exception):
        pass

    def told_of(entries: int) -> None:
        heard.append(entries)
        if len(heard) == 2:
            raise GivenUp

    heard: list[int] = []
    gone: list[str] = []
    with opened(tmp_path) as store:
        put(store, [told(second, [user(f"{second}")], "x", conversation=f"c{second}") for second in range(100)])
        with pytest.raises(GivenUp):
            delete_said(store, START_US, START_US + MINUTE_US * 60, told_of, gone.extend)
        assert heard[1] == len(gone) < 100, "what is gone until then is gone"
        assert not (tmp_path / "traces.db-wal").stat().st_size, "from the log too"
        assert len(all_threads(store)) == 100 - len(gone)


def test_what_comes_meanwhile_stays_though_it_is_given_the_number_of_what_went(tmp_path: Path) -> None:
    def record(second: int) -> LogRecord:
        return LogRecord(time_ns=(START_US + second * 1_000_000) * 1000, body=f"{second}")

    def meanwhile(_entries: int) -> None:
        if not came:
            # The last record is deleted by other means, and another gets its number.
            store.change(lambda connection, _: connection.execute("DELETE FROM logs WHERE id = 30"))
            store.put_logs([record(5000)], scope="key_1", key="laptop")
            came.append(store.look(lambda connection: connection.execute("SELECT MAX(id) FROM logs").fetchone()[0]))

    came: list[int] = []
    with opened(tmp_path) as store:
        store.put_logs([record(second) for second in range(30)], scope="key_1", key="laptop")
        delete_said(store, *stretch(0, 100), meanwhile, lambda ids: None)
    assert came == [30] and count(tmp_path, "logs") == 1


def test_what_telemetry_tells_again_meanwhile_goes_too(tmp_path: Path) -> None:
    """A session that is looked at while it is being deleted has calls of which the turn is gone and the records not."""

    def meanwhile(entries: int) -> None:
        if entries == 2:
            put(store, [call])

    call = told(0, [user("words")], "1", request_id=None, identity="told", source="log")
    with opened(tmp_path) as store:
        put(store, [call])
        store.put_logs([LogRecord(time_ns=START_US * 1000, body="words")], scope="key_1", key="laptop")
        assert delete_said(store, *stretch(0, 1), meanwhile, lambda ids: None) == 3
        assert all_threads(store) == []


def test_a_stretch_has_its_beginning_and_not_its_end(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        at_ns = {second: (START_US + second * 1_000_000) * 1000 for second in (0, 10, 20)}
        put(store, [told(second, [user(f"{second}")], "x", conversation=f"c{second}") for second in at_ns])
        spans = [Span(trace_id=TRACE, span_id=f"{at:016x}", start_ns=at, end_ns=at + 1) for at in at_ns.values()]
        store.put_spans(spans, scope="key_1", key="laptop")
        store.put_logs([LogRecord(time_ns=at, body="x") for at in at_ns.values()], scope="key_1", key="laptop")
        whole = store.look(used_bytes)
        assert said_in(store, *EVERYTHING) == SaidIn(3, 3, 6, whole)
        assert said_in(store, *stretch(0, 20)) == SaidIn(2, 2, 4, whole * 6 // 9)
        assert delete(store, 0, 20)[0] == 6
        assert [thread.row.id for thread in all_threads(store)] == ["c20"]
    assert count(tmp_path, "spans") == count(tmp_path, "logs") == 1


def test_frames_far_around_a_call_go_though_those_between_are_of_the_stretch_too(tmp_path: Path) -> None:
    at_ns = START_US * 1000
    outer = Span(trace_id=TRACE, span_id="1" * 16, start_ns=at_ns - 10**9, end_ns=at_ns + 10**9)
    inner = Span(trace_id=TRACE, span_id="2" * 16, parent_span_id="1" * 16, start_ns=at_ns + 1, end_ns=at_ns + 10**8)
    with opened(tmp_path) as store:
        put(store, [told(0.001, [user("within")], "x", trace_id=TRACE, parent_span_id="2" * 16)])
        store.put_spans([outer, inner], scope="key_1", key="laptop")
        assert delete(store, 0, 1)[0] == 1, "with the call go both"
    assert count(tmp_path, "spans") == 0
