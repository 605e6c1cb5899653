"""Headers of turns in the store: they come back as they were told, cost little when they come again, and go with it."""

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.header_records import ANSWERED, ASKED, GIVEN, SENT, ExchangeHeaders, HeaderGroup
from gateway.store.content import HEADERS
from gateway.store.removal import forget_older
from gateway.store.thread_store import ThreadStore
from gateway.thread_records import ThreadQuery
from gateway.told import Told
from tests.store.tellings import dialogue, opened, put, session, told


def group(whose: str, line: str, attempt: int = 0, **headers: str) -> HeaderGroup:
    names = tuple(name.replace("_", "-") for name in headers)
    return HeaderGroup(whose=whose, attempt=attempt, line=line, names=names, values=tuple(headers.values()))


def headers(request_id: str, rng: random.Random, agent: str = "tool/1") -> tuple[HeaderGroup, ...]:
    """Those of one call among many: what a tool, a gateway and a provider say of it."""
    upstream = f"req_{rng.getrandbits(80):020x}"
    return (
        group(
            ASKED,
            "POST /api/ai/v1/chat/completions",
            Host="127.0.0.1:4210",
            User_Agent=agent,
            Authorization="Bearer tk_…a1b2",
            Content_Length=str(rng.randrange(10**5)),
            Accept="application/json",
            Accept_Encoding="gzip, deflate, br, zstd",
            X_Stainless_Lang="python",
            X_Stainless_Package_Version="2.9.0",
            X_Stainless_Runtime="CPython",
            X_Stainless_Os="Linux",
        ),
        group(SENT, "POST http://provider/v1/chat/completions", 1, authorization="Bearer sk-…9z8y", user_agent="f"),
        group(
            ANSWERED,
            "200",
            1,
            date=f"Sun, 29 Nov 2026 00:{rng.randrange(60):02}:{rng.randrange(60):02} GMT",
            x_request_id=upstream,
            x_ratelimit_remaining_tokens=str(rng.randrange(10**6)),
            server="cloudflare",
        ),
        group(
            GIVEN,
            "200",
            content_type="application/json",
            x_request_id=request_id,
            x_faregate_upstream_request_id=upstream,
            x_faregate_model="gpt-5",
            x_faregate_overhead_ms=f"{rng.random():.3f}",
        ),
    )


def tellings(count: int, seed: int = 1, **fields: Any) -> list[Told]:
    """Calls of one conversation, each with headers of its own."""
    rng = random.Random(seed)
    return [
        told(
            place * 60,
            dialogue(*(f"{seed} {each}" for each in range(2 * place + 1))),
            f"{seed} {2 * place + 1}",
            request_id=f"req_{seed}_{place}",
            **{"headers": headers(f"req_{seed}_{place}", rng), **fields},
        )
        for place in range(count)
    ]


def kept(store: ThreadStore, said: Sequence[Told]) -> list[tuple[HeaderGroup, ...]]:
    return [store.headers_of_request(each.request_id or "").groups for each in said]


def counts(store: ThreadStore) -> tuple[int, int]:
    """(turns with headers, bases)."""

    def ask(connection: sqlite3.Connection) -> tuple[int, int]:
        turns = connection.execute("SELECT count(*) FROM headers").fetchone()[0]
        return turns, connection.execute("SELECT count(*) FROM contents WHERE kind = ?", (HEADERS,)).fetchone()[0]

    return store.look(ask)


def test_they_come_back_as_they_were_told(tmp_path: Path) -> None:
    said = [*tellings(6), *tellings(3, seed=2, scope="key_2")]
    with opened(tmp_path) as store:
        put(store, said)
        assert kept(store, said) == [each.headers for each in said]
        (thread,) = (row.id for row in store.threads(ThreadQuery()).rows if row.requests == 6)
        found = store.headers_of_thread(thread)
        assert {id: each.groups for id, each in found.items()} == {each.request_id: each.headers for each in said[:6]}
        assert store.headers_of_request("req_2_0", scope="key_1").groups == ()
        assert store.headers_of_request("req_2_0", scope="key_2").groups == said[6].headers
        assert store.headers_of_thread(thread, scope="key_2") == {}
    with opened(tmp_path) as store:
        more = tellings(8)[6:]
        put(store, more)
        assert kept(store, [*said, *more]) == [each.headers for each in (*said, *more)]
        assert counts(store) == (11, 1)


def test_a_second_key_s_are_found_by_the_id_that_it_gave(tmp_path: Path) -> None:
    first = tellings(1, conversation="a")
    second = tellings(1, seed=2, conversation="a", scope="key_2")
    with opened(tmp_path) as store:
        put(store, [*first, *second])
        for scope, said in ((None, first), ("key_1", first), ("key_2", second)):
            found = store.headers_of_thread("a", scope=scope)
            assert {id: each.groups for id, each in found.items()} == {said[0].request_id: said[0].headers}, scope


def test_each_program_and_model_has_one_base(tmp_path: Path) -> None:
    rng = random.Random(3)
    said = [
        told(place, dialogue(f"{place}"), "yes", request_id=f"r{place}", headers=headers(f"r{place}", rng, agent))
        for place, agent in enumerate(["tool/1", "tool/2"] * 10)
    ]
    with opened(tmp_path) as store:
        put(store, said)
        assert counts(store) == (20, 2)
        assert kept(store, said) == [each.headers for each in said]


def test_headers_that_come_again_take_little_room(tmp_path: Path) -> None:
    said = tellings(40)
    with opened(tmp_path) as store:
        put(store, said)
        sizes = store.look(lambda connection: connection.execute("SELECT length(data) FROM headers").fetchall())
    told_bytes = sum(len(text) for each in said[0].headers for text in (*each.names, *each.values))
    assert told_bytes > 500 and max(size for (size,) in sizes[1:]) < 0.45 * told_bytes


@pytest.mark.parametrize("way", ["conversation", "age", "again"])
def test_they_go_with_their_turn(tmp_path: Path, way: str) -> None:
    with opened(tmp_path) as store:
        put(store, tellings(3))
        assert counts(store) == (3, 1)
        if way == "conversation":
            assert store.delete_thread(store.threads(ThreadQuery()).rows[0].id)
            assert counts(store) == (0, 0)
        elif way == "age":
            store.change(lambda connection, _: forget_older(connection, 2**60, 2))
            assert counts(store) == (1, 1)
            store.change(lambda connection, _: forget_older(connection, 2**60, 2))
            assert counts(store) == (0, 0)
        else:
            put(store, tellings(3, headers=()))
            assert counts(store) == (0, 0)
        again = tellings(3, seed=2)
        put(store, again)
        assert kept(store, again) == [each.headers for each in again]


def test_nothing_of_them_stands_in_the_clear_and_what_was_changed_is_not_shown(tmp_path: Path) -> None:
    said = tellings(2)
    with opened(tmp_path) as store:
        put(store, said)
    data = b"".join(path.read_bytes() for path in tmp_path.glob("traces.db*"))
    for text in ("a1b2", "CPython", "X-Stainless", said[1].headers[2].values[1]):
        assert text.encode() not in data
    with closing(sqlite3.connect(tmp_path / "traces.db")) as connection, connection:
        connection.execute("UPDATE headers SET data = (SELECT data FROM headers WHERE turn = 1) WHERE turn = 2")
    with opened(tmp_path) as store:
        assert store.headers_of_request("req_1_0").groups == said[0].headers
        found = store.headers_of_request("req_1_1")
        assert found.groups == () and "cannot be opened" in found.why
    with closing(sqlite3.connect(tmp_path / "traces.db")) as connection, connection:
        connection.execute("UPDATE contents SET data = zeroblob(64) WHERE kind = ?", (HEADERS,))
    with opened(tmp_path) as store:
        assert "cannot be opened" in store.headers_of_request("req_1_0").why
        # What comes then has a base that can be opened.
        later = tellings(3)[2:]
        put(store, later)
        assert kept(store, later) == [later[0].headers]


def test_why_there_are_none(tmp_path: Path) -> None:
    off = "Content is not kept: capture.content is off."
    with opened(tmp_path) as store:
        put(store, session("hello", "hi", request_id="plain"))
        put(store, session("hey", "ho", request_id="off", request=None, response=None, hints=(off,)))
        put(store, session("hum", "hum", request_id="span", source="span"))
        assert store.headers_of_request("off") == ExchangeHeaders(why=off)
        assert "capture.parts_off" in store.headers_of_request("plain").why
        vectors = "Vectors are not kept, only the texts that were embedded."
        put(store, session("hi", "ha", request_id="vectors", hints=(vectors,)))
        assert "capture.parts_off" in store.headers_of_request("vectors").why
        assert "past the gateway" in store.headers_of_request("span").why
        assert "Nothing of this request is kept" in store.headers_of_request("nobody").why


def test_of_a_call_that_is_told_again_nothing_of_before_is_left(tmp_path: Path) -> None:
    (call,) = tellings(1)
    with opened(tmp_path) as store:
        put(store, [call])
        kept = "SELECT (SELECT COUNT(*) FROM headers), (SELECT COUNT(*) FROM blocks), (SELECT COUNT(*) FROM turns)"
        assert store.look(lambda connection: connection.execute(kept).fetchone()) == (1, 1, 1)
        put(store, [replace(call, headers=(), request=None)])
        assert store.look(lambda connection: connection.execute(kept).fetchone()) == (0, 0, 1)
