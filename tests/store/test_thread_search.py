"""Search in what was said finds what a plain scan of it finds, in every kind of part, and ends when nobody waits.

Each test runs twice: opening all, and by signatures.
"""

import random
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.errors import ClientError
from gateway.model import Message, Opaque, Part, Reasoning, Refusal, Role, Text, ToolCall
from gateway.records import NumberCondition, UsageQuery
from gateway.store.asking import Asking
from gateway.store.candidates import Numbers
from gateway.store.content import Sealed
from gateway.store.needles import Needle
from gateway.store.thread_search import _Conversations, _Lines
from gateway.store.thread_store import ThreadStore
from gateway.thread_records import ThreadPage, ThreadQuery, ThreadRow
from tests.store.tellings import SECOND_US, START_US, assistant, opened, put, result, sign, told, user


@pytest.fixture(params=["opened", "signed"])
def store(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        if request.param == "signed":
            real = store.threads

            def threads(query: ThreadQuery, **options: Any) -> ThreadPage:
                sign(store)
                return real(query, **options)

            monkeypatch.setattr(store, "threads", threads)
        yield store


def found(store: ThreadStore, text: str, **query: object) -> list[str | None]:
    """The conversations, by name."""
    return [row.id for row in rows(store, text, **query)]


def rows(store: ThreadStore, text: str, **query: object) -> tuple[ThreadRow, ...]:
    return store.threads(ThreadQuery(text=text, sort="oldest", **query), limit=1000).rows  # type: ignore[arg-type]


WORDS = [
    *("straße", "STRASSE", "Ünïcode", 'say "hi"', "back\\slash", "line\nbreak", "tab\there", "ﬁnd", "İstanbul"),
    *("plain", "PLAIN", "<b>&amp;", "日本語", "emoji 🙂", "\u2028", "K", "kelvin", "ſo", "so"),
]


def test_it_finds_what_a_plain_scan_finds(store: ThreadStore) -> None:
    random_ = random.Random(5)
    said = {f"c{number:03}": " ".join(random_.choices(WORDS, k=6)) for number in range(120)}
    put(store, [told(at, [user(text)], "x", conversation=name) for at, (name, text) in enumerate(said.items())])
    some = ["".join(random_.choices(list(said.values()))[0][random_.randrange(30) :][:size]) for size in range(1, 40)]
    for needle in (*WORDS, *some, "ss", "ünï", 'Y "HI', "SLASH", "e\nb", "absent", "本", "k", "i̇"):
        plain = [name for name, text in said.items() if needle.casefold() in text.casefold()]
        assert found(store, needle) == plain, needle


PARTS: dict[str, Part] = {
    "text": Text("the needle here"),
    "reasoning": Reasoning("a needle thought"),
    "refusal": Refusal("no needle"),
    "a call's name": ToolCall("c", "find_needle", "{}"),
    "a call's arguments": ToolCall("c", "f", '{"q": "needle"}'),
    "a block": Opaque("anthropic", {"type": "server_tool_use", "input": {"query": "needle"}}),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_every_kind_of_part_is_searched(store: ThreadStore, part: Part) -> None:
    put(store, [told(0, [user("q")], [part], conversation="in"), told(1, [user("q")], "a", conversation="out")])
    assert found(store, "NEEDLE") == ["in"]


def test_results_instructions_titles_and_large_texts_are_searched(store: ThreadStore) -> None:
    large = "x " * 60_000 + "needle" + " y" * 10_000
    put(
        store,
        [
            told(0, [user("q"), result("a needle")], "a", conversation="result"),
            told(1, [user("q")], "a", conversation="instructions", system="Find the needle."),
            told(2, [user("q"), result(large)], "a", conversation="large"),
            told(3, [user(large + "!")], "a", conversation="larger"),
            told(4, [user("q")], "a", conversation="title"),
            told(5, [user("q")], "a", conversation="other"),
        ],
    )
    store.rename_thread("title", "My needle")
    assert found(store, "needle") == ["result", "instructions", "large", "larger", "title"]
    assert found(store, "parts") == [] and found(store, "tool_call_response") == []


def test_a_line_around_it_is_shown(store: ThreadStore) -> None:
    put(store, [told(0, [user("a" * 100 + " the\n  Needle is " + "b" * 200)], "x", conversation="c")])
    (row,) = rows(store, "needle")
    assert row.match is not None and "a the Needle is bbb" in row.match
    assert row.match.startswith("…") and row.match.endswith("…") and len(row.match) < 160


def test_filters_and_pages_go_with_it(store: ThreadStore) -> None:
    put(
        store,
        [
            told(at, [user(f"needle {at}")], "x", conversation=f"c{at}", user=("ana", "bob")[at % 2])
            for at in range(10)
        ],
    )
    assert found(store, "needle", user="bob") == ["c1", "c3", "c5", "c7", "c9"]
    assert found(store, "needle", among=UsageQuery(text=("BO", "sonnet"))) == ["c1", "c3", "c5", "c7", "c9"]
    assert found(store, "needle", among=UsageQuery(text=("b%",))) == []
    assert found(store, "needle", from_us=START_US + 8 * SECOND_US) == ["c8", "c9"]
    names, cursor = [], None
    while True:
        page = store.threads(ThreadQuery(text="needle", sort="oldest"), limit=3, cursor=cursor)
        names += [row.id for row in page.rows]
        if (cursor := page.next_cursor) is None:
            break
    assert names == [f"c{at}" for at in range(10)]


@pytest.mark.parametrize(
    ("field", "operator", "value", "names"),
    [
        ("cost", ">", 3000, ["c4", "c5"]),
        ("latency", "<=", SECOND_US // 2, ["c0", "c1", "c2", "c3", "c4", "c5"]),
        ("tokens", "=", 110, ["c0", "c1", "c2", "c3", "c4", "c5"]),
        ("status", ">=", 400, []),
        ("overhead", ">=", 0, []),
    ],
)
def test_a_turn_is_found_by_its_numbers(
    store: ThreadStore, field: str, operator: str, value: int, names: list[str]
) -> None:
    put(store, [told(at, [user(f"n {at}")], "x", conversation=f"c{at}", cost_nano=at * 1000) for at in range(6)])
    among = UsageQuery(numbers=(NumberCondition(field, operator, value),))
    assert [row.id for row in store.threads(ThreadQuery(sort="oldest", among=among)).rows] == names


def test_the_same_search_again_sees_what_came_what_moved_and_what_went(store: ThreadStore) -> None:
    put(store, [told(at, [user(f"needle {at}")], "x", conversation=f"c{at}") for at in range(3)])
    assert found(store, "needle") == ["c0", "c1", "c2"]
    put(store, [told(9, [user("needle 9")], "x", conversation="c9"), told(10, [user("hay")], "x", conversation="d")])
    assert found(store, "needle") == ["c0", "c1", "c2", "c9"]
    store.delete_thread("d")
    store.delete_thread("c9")
    # What comes now may get the numbers of what has gone.
    put(
        store,
        [told(11, [user("hay again")], "y", conversation="e"), told(12, [user("a needle")], "z", conversation="f")],
    )
    assert found(store, "needle") == ["c0", "c1", "c2", "f"]
    store.rename_thread("e", "needle")
    assert found(store, "needle") == ["c0", "c1", "c2", "e", "f"]


def test_pages_do_not_open_everything_again(store: ThreadStore) -> None:
    put(store, [told(at, [user(f"needle {at}")], "x", conversation=f"c{at}") for at in range(20)])
    looked: list[int] = []
    query = ThreadQuery(text="needle")
    page = store.threads(query, limit=5, progress=lambda done, of: looked.append(done))
    assert looked and looked[-1] > 20
    looked.clear()
    store.threads(query, limit=5, cursor=page.next_cursor, progress=lambda done, of: looked.append(done))
    assert looked == []


def test_what_was_found_is_let_go_when_nobody_has_asked_for_it_in_a_while(
    store: ThreadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of a word that is everywhere stayed until somebody searched for another."""
    put(store, [told(at, [user(f"needle {at}")], "x", conversation=f"c{at}") for at in range(20)])
    looked: list[int] = []

    def search() -> int:
        looked.clear()
        return store.threads(ThreadQuery(text="needle"), progress=lambda done, of: looked.append(done)).total

    assert search() == 20
    store.let_go()
    assert (search(), looked) == (20, [])
    monkeypatch.setattr("gateway.store.thread_search.KEPT_S", -1.0)
    store.let_go()
    assert search() == 20 and looked


def test_it_ends_when_nobody_waits_any_more(store: ThreadStore) -> None:
    history: list[Message] = []
    for number in range(1200):
        history.append((user, assistant)[number % 2](f"word {number}"))
    put(store, [told(0, history[:600], "x")])
    assert found(store, "word 599") != []
    put(store, [told(1, history, "x")])
    asking, looked = Asking(), []

    def leave(done: int, of: int) -> None:
        looked.append((done, of))
        asking.drop()

    with pytest.raises(sqlite3.OperationalError):
        asking.ask(store.threads, ThreadQuery(text="absent"), limit=5, progress=leave)
    assert len(looked) == 1 and looked[0][0] < looked[0][1]
    assert found(store, "word 7") != []


def test_words_of_the_form_are_not_found(store: ThreadStore) -> None:
    put(store, [told(0, [Message(Role.USER, (Text("hello"),))], "there", system=None)])
    assert [found(store, word) for word in ("role", "user", "parts", "type", "[[", '"')] == [[]] * 6


def test_entries_of_a_common_word_are_not_listed_to_add_the_messages_that_large_texts_stand_in() -> None:
    many = 50_000
    candidates = Numbers(many, range(1, many))
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE content_parts (content INTEGER, part INTEGER)")
        connection.execute("INSERT INTO content_parts VALUES (?, 7)", (many,))
        lines = _Lines(connection, cast(Sealed, None), Needle("x"), {})
        tracemalloc.start()
        try:
            entries = _Conversations(connection, lines, candidates, many)._entries
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert list(entries) == list(range(1, many + 1))
    assert most < 3 * many


def test_a_cursor_of_another_sort_is_refused(store: ThreadStore) -> None:
    """Its rank means nothing there: the page would leave conversations out, and say nothing."""
    put(store, [told(at, [user(f"needle {at}")], "x", conversation=f"c{at}") for at in range(4)])
    cursor = store.threads(ThreadQuery(sort="oldest"), limit=2).next_cursor
    assert [row.id for row in store.threads(ThreadQuery(sort="oldest"), limit=2, cursor=cursor).rows] == ["c2", "c3"]
    for other in ("newest", "cost"):
        with pytest.raises(ClientError, match="another sort"):
            store.threads(ThreadQuery(sort=other), limit=2, cursor=cursor)


def test_a_name_is_found_in_whichever_case_of_any_script(store: ThreadStore) -> None:
    put(store, [told(0, [user("needle")], "x", conversation="c", user="Ünal Straße")])
    assert found(store, "needle", among=UsageQuery(text=("strasse",))) == ["c"]
    assert found(store, "needle", among=UsageQuery(text=("ÜNAL",))) == ["c"]
    assert found(store, "needle", among=UsageQuery(text=("ünb",))) == []
    put(store, [told(9, [user("needle")], "x", conversation="d", user="Strasse")])
    assert sorted(found(store, "needle", among=UsageQuery(text=("straße",)))) == ["c", "d"]
